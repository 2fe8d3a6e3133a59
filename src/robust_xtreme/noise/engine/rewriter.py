"""Perturbations of other packages, whose output becomes edits by a diff, and words that a language model puts in.

Such a function does not report its edits. Its output is compared with the clean text, by words and in a changed word by
grapheme clusters: an edit reaches from the first changed cluster of a word to the last, and counts the clusters that
were replaced, inserted and deleted (their Levenshtein distance; exact in words of up to 64 clusters, else nearly so).

The draws depend only on the seed, the perturbation and the text's id, but at another strength everything is drawn
again: strengths do not nest. Texts with spans are refused, because the new positions of spans are not known.

Such packages are extras: here they are imported, transformers kept quiet, and masked language models read.
"""

import random
import re
import sys
import unicodedata
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache, partial
from itertools import accumulate, groupby, islice
from pathlib import Path
from threading import Lock, RLock
from typing import Any, Final, NamedTuple, Unpack

import numpy as np

from robust_xtreme.core import graphemes, randomness, strict_json
from robust_xtreme.core.edits import Array, Batch, Edits, batch, putting, span_table
from robust_xtreme.core.errors import UserError
from robust_xtreme.core.examples import KINDS, Text
from robust_xtreme.core.graphemes import split
from robust_xtreme.core.languages import belongs
from robust_xtreme.noise.engine.case import MIXED, lower, style, styled
from robust_xtreme.noise.engine.diff import hunks
from robust_xtreme.noise.engine.noised import NoisedTexts
from robust_xtreme.noise.engine.noising import noised_by
from robust_xtreme.noise.engine.perturbation import Declared, Job, Perturbation, member
from robust_xtreme.noise.engine.runs import find

# Seeds the global generators of Python, numpy and torch for a library that draws from them, and restores them.
#
# A local generator cannot serve: nlpaug and TextAttack take no generator and no seed, and call `random.sample`,
# `random.choice` and `np.random` themselves.

_LOCK: Final = RLock()
_NUMPY: Final = (1 << 32) - 1
_TORCH: Final = (1 << 63) - 1


@contextmanager
def lent() -> Iterator[Callable[[int], None]]:
    """A function that seeds the global generators with a key; at the end of the context they are restored.

    torch's generator (that of the CPU) is seeded if torch is loaded. One thread at a time enters the context.
    """
    with _LOCK:
        torch = sys.modules.get("torch")
        kept = random.getstate(), np.random.get_state()  # noqa: NPY002 - the library under it uses this one
        weights = torch.get_rng_state() if torch else None
        try:
            yield _seed
        finally:
            random.setstate(kept[0])
            np.random.set_state(kept[1])  # noqa: NPY002 - the library under it uses this one
            if torch:
                torch.set_rng_state(weights)


def _seed(key: int) -> None:
    random.seed(key)
    np.random.seed(key & _NUMPY)  # noqa: NPY002 - the library under it uses this one
    if torch := sys.modules.get("torch"):
        torch.default_generator.manual_seed(key & _TORCH)


Rewrite = Callable[[str], str]
Author = Callable[..., Rewrite]

OPERATORS: Final = ("replace", "insert", "delete")
_REPLACE, _INSERT, _DELETE = range(len(OPERATORS))
WAIVES: Final = frozenset(
    {
        "strengths_nest",
        "rule_1_strength_is_a_share",
        "rule_3_clusters_stay_whole",
        "rule_4_noise_belongs_to_the_script",
        "rule_5_spans_survive",
    }
)
"""The rules that this kind waives: the function is another package's, and only its output is known."""


class Change(NamedTuple):
    """Clusters `start` to `stop` of the clean text became `form`; an operator changed `cost` clusters.

    An insertion includes the cluster after it, at the text's end the one before: the range is never empty.
    """

    start: int
    stop: int
    form: str
    cost: int
    operator: int


def rewriter(
    *,
    strength: str,
    library: str = "",
    choices: Mapping[str, Callable[[], tuple[str, ...]]] | None = None,
    free: tuple[str, ...] = (),
    **declared: Unpack[Declared],
) -> Callable[[Author], Perturbation]:
    """Make a perturbation of a function from a language, a strength and parameters to a function that noises a string.

    The latter is called once per text, with the global generators seeded for that text, and not at strength 0. The
    name is the library's and the function's: `nlpaug.keyboard`; the summary is the first line of its docstring.
    """

    def make(author: Author) -> Perturbation:
        name = f"{library}.{author.__name__}" if library else author.__name__
        with_spans = tuple(sorted(kind.name for kind in KINDS if kind.spans))
        waived = {"name": name, "waives": WAIVES, "refuses": with_spans, "choices": choices or {}, "free": free}
        edit = partial(_edit, name, author)
        return member(author, "rewriter", "word", strength, OPERATORS, edit, **{**waived, **declared})

    return make


def _edit(name: str, author: Author, job: Job) -> tuple[Edits, Array]:
    """The edits of a batch, and its words per text."""
    if len(job.batch.spans):
        raise UserError(
            f"{name!r} does not say what it moves, so it cannot noise texts with spans (tags, answers, mentions): "
            "use a perturbation of another kind, char_noise:0.1 say. See: robust-xtreme list perturbations"
        )
    values = job.batch.values
    changes: list[Sequence[Change]] = [()] * len(values)
    if Decimal(job.strength):
        rewrite = author(job.language, float(job.strength), **{key: value for key, (value,) in job.params.items()})
        with lent() as seed:
            for number, key in enumerate(job.keys.tolist()):
                seed(key)
                changes[number] = changed(values[number], rewrite(values[number]))
    return edits_of(job.batch, changes), _words_of(values, changes)


def _words_of(values: Sequence[str], changes: Sequence[Sequence[Change]]) -> Array:
    """The words of each text (t,); at least as many as changes."""
    words = [max(len(value.split()), len(edits)) for value, edits in zip(values, changes, strict=True)]
    return np.array(words, np.int64)


def rewritten(texts: Sequence[Text], values: Sequence[str]) -> NoisedTexts:
    """Texts that another program changed, as they are read, with edits by a diff; the eligible units are words."""
    clean = batch([text.value for text in texts], span_table([text.spans for text in texts]))
    changes = [changed(text.value, value) for text, value in zip(texts, values, strict=True)]
    return noised_by(texts, clean, edits_of(clean, changes), _words_of(clean.values, changes), OPERATORS)


def changed(old: str, new: str) -> list[Change]:
    """The changes from one text to another, one per range of changed words, sorted and disjoint."""
    if not old or old == new:
        return []
    before, after = graphemes.split(old), graphemes.split(new)
    (words, starts), (others, stops) = runs_of(before), runs_of(after)
    changes: list[Change] = []
    for a, b, c, d in hunks(words, others):
        inner = hunks(before[starts[a] : starts[b]], after[stops[c] : stops[d]])
        first, last = inner[0], inner[-1]
        cost = sum(max(j - i, m - k) for i, j, k, m in inner)
        form = "".join(after[stops[c] + first[2] : stops[c] + last[3]])
        add_change(changes, before, starts[a] + first[0], starts[a] + last[1], form, cost)
    return changes


def add_change(changes: list[Change], clusters: Sequence[str], start: int, stop: int, form: str, cost: int) -> None:
    """One more change, after all others."""
    if start < stop:
        changes.append(Change(start, stop, form, cost, _REPLACE if form else _DELETE))
    elif start < len(clusters):
        changes.append(Change(start, start + 1, form + clusters[start], cost, _INSERT))
    elif changes and changes[-1].stop == start:
        last = changes.pop()
        changes.append(last._replace(form=last.form + form, cost=last.cost + cost))
    else:
        changes.append(Change(start - 1, start, clusters[-1] + form, cost, _INSERT))


def runs_of(clusters: Sequence[str]) -> tuple[list[str], list[int]]:
    """The words and the white space between them, and the cluster at which each begins; then the number of clusters."""
    words = [tuple(run) for _, run in groupby(clusters, key=str.isspace)]
    return ["".join(word) for word in words], list(accumulate(map(len, words), initial=0))


def edits_of(batch: Batch, changes: Sequence[Sequence[Change]]) -> Edits:
    """The changes of all texts as edits of the batch."""
    flat = [change for text_changes in changes for change in text_changes]
    base = np.repeat(batch.bounds[:-1], [len(text_changes) for text_changes in changes]).astype(np.int64)
    columns = [(change.start, change.stop, change.operator, change.cost) for change in flat]
    start, stop, operator, cost = np.array(columns, np.int64).reshape(-1, 4).T
    starts = batch.clusters.starts
    return putting(batch, starts[base + start], starts[base + stop], operator, cost, [change.form for change in flat])


_WEIGHTS: Final = ("model.safetensors", "model.safetensors.index.json")
"""The names that transformers looks for before any other file of weights."""


def checked(name: str, option: str, user: str, kinds: Collection[str] = ()) -> Path:
    """The folder of a masked language model that an option names, one of some kinds if named. Raises UserError."""
    folder = Path(name)
    with suppress(RuntimeError):  # the home of a user that is not there
        folder = folder.expanduser()
    if not (folder / "config.json").is_file():
        raise UserError(
            f"@{option}={name} is not a folder with a model of transformers; {user} downloads nothing: "
            f"hf download NAME --local-dir DIR, then @{option}=DIR"
        )
    try:
        config = strict_json.loads((folder / "config.json").read_text(encoding="utf-8"))
        kind, heads = str(config.get("model_type")), list(config.get("architectures") or [])
    except (ValueError, AttributeError, TypeError, RecursionError) as error:
        raise UserError(f"{folder / 'config.json'} is not a configuration of a model: {error}") from error
    if kinds and kind not in kinds:
        raise UserError(f"{name} is of the kind {kind!r}; {user} can use {', '.join(sorted(kinds))}.")
    if not any(str(head).endswith("ForMaskedLM") for head in heads):
        raise UserError(f"{name} has no head of a masked language model: its architectures are {heads}.")
    if not any((folder / name).is_file() for name in _WEIGHTS):
        raise UserError(f"{name} has no weights as safetensors; others are not read.")
    return folder.resolve()


@contextmanager
def importing(library: str, extra: str = "") -> Iterator[None]:
    """Import modules of a library without warnings of its code. Raises UserError, which names our extra with it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except (ImportError, OSError) as error:
        line = " ".join(str(error).split())
        install = f'pip install "robust-xtreme[{extra or library.lower()}]"'
        raise UserError(f"{library} cannot be loaded ({line}): {install}") from error


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Hide the progress bars, load reports and advice of transformers while a model is loaded."""
    from transformers.utils import logging

    chatter: Any = logging
    bars, level = chatter.is_progress_bar_enabled(), chatter.get_verbosity()
    chatter.disable_progress_bar()
    chatter.set_verbosity_error()
    try:
        yield
    finally:
        chatter.set_verbosity(level)
        if bars:
            chatter.enable_progress_bar()


# Each word is masked in turn, as by BAE (arXiv 2004.01970), and the model reads the pieces around it. What may be put
# for it are whole words of the vocabulary, in letters of the language and in the word's case, without the word itself
# and those that are `unwanted` in the language; words in mixed case stay. Logits count in steps of 0.001, of equal
# ones the word with the lower number is first, so that the size of a batch has no effect.
#
# Shapes: w masked words, v words of the vocabulary, e edits, t texts.


OPTION: Final = "lm"
LIKELIEST: Final = 8
"""The words that may be put for a word."""

_READ: Final = 126
"""The pieces around a masked word that the model reads, with it, at most."""

_SPARE: Final = 4
"""The positions that are left: those of the pieces at the ends, and two that RoBERTa's kind does not use."""

_AT_ONCE: Final = 64
_STEPS: Final = 1000
_REMEMBERED: Final = 1 << 17
_BEGINS: Final = ("▁", "Ġ")
"""What tokenizers of SentencePiece and of bytes put before pieces that begin a word."""

_CONTINUES: Final = "##"
"""What tokenizers of WordPiece put before pieces that do not."""

_LOADING: Final = Lock()

_Masked = tuple[str, int, int]
"""A text, and the range of a word of it."""

Unwanted = Callable[[str], re.Pattern[str] | None]
"""What no expected word of a language contains."""


@dataclass(frozen=True, slots=True, eq=False)
class _Model:
    """A masked language model and its tokenizer."""

    network: Any
    tokenizer: Any

    def logits(self, masked: Sequence[_Masked]) -> Array:
        """The logits of the whole vocabulary for each masked word, in steps."""
        import torch

        inputs = [self._pieces(*each) for each in masked]
        pad = self.tokenizer.pad_token_id or 0
        ids = torch.nn.utils.rnn.pad_sequence([torch.tensor(each) for each in inputs], True, -1)
        with torch.inference_mode():
            read = self.network(input_ids=ids.clamp(min=0) + pad * (ids < 0), attention_mask=(ids >= 0).long())
        where = [each.index(self.tokenizer.mask_token_id) for each in inputs]
        return np.asarray(np.rint(read.logits[range(len(inputs)), where].double().numpy() * _STEPS))

    def _pieces(self, value: str, low: int, high: int) -> list[int]:
        """The pieces around a masked word, those that end a text included."""
        tokenizer = self.tokenizer
        text = f"{value[:low]}{tokenizer.mask_token}{value[high:]}"
        whole: list[int] = tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
        positions = getattr(self.network.config, "max_position_embeddings", _READ + _SPARE)
        at, room = whole.index(tokenizer.mask_token_id), min(_READ, positions - _SPARE)
        first = max(0, min(at - room // 2, len(whole) - room))
        ends = ([] if number is None else [number] for number in (tokenizer.cls_token_id, tokenizer.sep_token_id))
        return [*next(ends), *whole[first : first + room], *next(ends)]


class _Source(NamedTuple):
    """The folder of a model, a language, and what its words may not contain."""

    folder: str
    language: str
    unwanted: Unwanted


def substituted(job: Job, unwanted: Unwanted, user: str) -> tuple[Edits, Array]:
    """Edits that put a drawn one of the expected words for some words, and how many could change in each text (t,).

    Raises UserError where the folder that the parameter names has no masked language model; `user` is who needs one.
    """
    folder = str(checked(job.params[OPTION][0], OPTION, user))
    words = find(job.batch)
    offered = np.flatnonzero(words.offered)
    text, start, stop = words.text[offered], words.start[offered], words.stop[offered]
    positions = start - job.batch.offsets[text]
    columns = (column.tolist() for column in (text, positions, positions + stop - start))
    masked = [(job.batch.values[number], low, high) for number, low, high in zip(*columns, strict=True)]
    expected = _expected(_Source(folder, job.language, unwanted), masked)
    sizes = np.array([len(forms) for forms in expected], np.int64)
    drawn = randomness.draws(job.keys[text], positions)
    which = randomness.below(randomness.stream(drawn, randomness.REPLACEMENT), sizes)
    made = np.flatnonzero(randomness.chosen(drawn, job.strength) & (sizes > 0)).tolist()
    pairs = [(masked[word][0][masked[word][1] : masked[word][2]], expected[word][which[word]]) for word in made]
    costs = np.array([sum(change.cost for change in changed(*pair)) for pair in pairs], np.int64)
    forms = [form for _, form in pairs]
    edits = putting(job.batch, start[made], stop[made], np.zeros(len(made), np.uint8), costs, forms)
    return edits, np.bincount(text[sizes > 0], minlength=len(job.batch))


def _expected(source: _Source, masked: Sequence[_Masked]) -> list[Sequence[str]]:
    """The words that are expected most for each masked word, in its case."""
    known = _known(source)
    if len(known) > _REMEMBERED:
        known.clear()
    new = sorted({each for each in masked if each not in known}, key=lambda each: (len(each[0]), each))
    for low in range(0, len(new), _AT_ONCE):
        several = new[low : low + _AT_ONCE]
        known.update(zip(several, _asked(source, several), strict=True))
    return [known[each] for each in masked]


@lru_cache(maxsize=64)
def _known(_: _Source) -> dict[_Masked, Sequence[str]]:
    """What was expected for masked words so far: all conditions of a run ask for the same."""
    return {}


def _asked(source: _Source, masked: Sequence[_Masked]) -> Iterator[Sequence[str]]:
    """The same of words that are read at once."""
    (words, numbers), code = _vocabulary(source), source.language
    logits = masked_model(source.folder).logits(masked)[:, numbers]
    likeliest = np.argsort(-logits, axis=1, kind="stable")[:, : LIKELIEST + 1]
    for (value, low, high), row in zip(masked, likeliest.tolist(), strict=True):
        word = unicodedata.normalize("NFC", value[low:high])
        how = style(word, code)
        others = [words[number] for number in row if words[number] != lower(word, code)]
        yield () if how == MIXED else [styled(other, how, code) for other in islice(others, LIKELIEST)]


@lru_cache(maxsize=64)
def _vocabulary(source: _Source) -> tuple[list[str], Array]:
    """The words of a language in a vocabulary, in small letters, and their numbers (v,). Raises UserError for none."""
    tokenizer, code = masked_model(source.folder).tokenizer, source.language
    pieces = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
    begin = next((sign for sign in _BEGINS if any(piece.startswith(sign) for piece in pieces)), "")
    unwanted = source.unwanted(code)
    numbers: dict[str, int] = {}
    for number, piece in enumerate(pieces):
        if piece.startswith(begin) and not piece.startswith(_CONTINUES):
            word = lower(tokenizer.convert_tokens_to_string([piece]).strip(), code)
            if _is_word(word, code) and not (unwanted and unwanted.search(word)):
                numbers.setdefault(word, number)
    if not numbers:
        raise UserError(f"@{OPTION}={source.folder}: no whole word of the vocabulary is in letters of {code!r}.")
    return list(numbers), np.array(list(numbers.values()), np.int64)


def _is_word(word: str, code: str) -> bool:
    """Whether a word is of two or more clusters, all of them letters of a language."""
    clusters = split(word)
    return len(clusters) > 1 and all(cluster[0].isalpha() and belongs(code, cluster) for cluster in clusters)


def masked_model(folder: str) -> _Model:
    """The model of a folder, which is loaded once, by the first of several threads. Raises UserError if damaged."""
    with _LOADING:
        return _loaded(folder)


@lru_cache(maxsize=1)
def _loaded(folder: str) -> _Model:
    """The model of a folder. Raises UserError where it cannot be read, lacks weights, or its tokenizer has no mask."""
    from transformers import AutoModelForMaskedLM, AutoTokenizer

    local: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    weights = {"use_safetensors": True, "output_loading_info": True}
    try:
        with quiet_transformers():
            network, report = AutoModelForMaskedLM.from_pretrained(folder, **weights, **local)
            tokenizer = AutoTokenizer.from_pretrained(folder, **local)
    except Exception as error:  # what the libraries raise of damaged files has no other class in common
        line = (str(error) or type(error).__name__).splitlines()[0]
        raise UserError(f"The model {folder} cannot be read: {line}") from error
    if missing := sorted(report["missing_keys"]):
        raise UserError(f"The model {folder} has no weights of {missing[0]}, which its config.json describes.")
    if tokenizer.mask_token is None:
        raise UserError(f"The tokenizer of the model {folder} has no mask.")
    return _Model(network.eval(), tokenizer)
