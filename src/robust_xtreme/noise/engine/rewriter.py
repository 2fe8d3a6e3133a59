"""Perturbations of other packages: a function from string to string, whose output becomes edits by a diff.

Such a function does not report its edits. Its output is compared with the clean text, by words and in a changed word by
grapheme clusters: an edit reaches from the first changed cluster of a word to the last, and counts the clusters that
were replaced, inserted and deleted (their Levenshtein distance; exact in words of up to 64 clusters, else nearly so).

The draws depend only on the seed, the perturbation and the text's id, but at another strength everything is drawn
again: strengths do not nest. Texts with spans are refused, because the new positions of spans are not known.

Such packages are extras: here they are imported, transformers kept quiet, and masked language models read.
"""

import random
import sys
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from functools import partial
from itertools import accumulate, groupby
from pathlib import Path
from threading import RLock
from typing import Any, Final, NamedTuple, Unpack

import numpy as np

from robust_xtreme.core import graphemes, strict_json
from robust_xtreme.core.edits import Array, Batch, Edits, batch, putting, span_table
from robust_xtreme.core.errors import UserError
from robust_xtreme.core.examples import KINDS, Text
from robust_xtreme.noise.engine.diff import hunks
from robust_xtreme.noise.engine.noised import NoisedTexts
from robust_xtreme.noise.engine.noising import noised_by
from robust_xtreme.noise.engine.perturbation import Declared, Job, Perturbation, member

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

REFUSES: Final = tuple(sorted(kind.name for kind in KINDS if kind.spans))
"""The families whose texts have spans."""


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
        waived = {"name": name, "waives": WAIVES, "refuses": REFUSES, "choices": choices or {}, "free": free}
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


def checked(name: str, option: str, user: str, kinds: Collection[str] = ()) -> Path:
    """The folder of a masked language model that an option names, one of some kinds if named. Raises UserError."""
    folder = Path(name).expanduser()
    if not (folder / "config.json").is_file():
        raise UserError(
            f"@{option}={name} is not a folder with a model of transformers; {user} downloads nothing: "
            f"hf download NAME --local-dir DIR, then @{option}=DIR"
        )
    try:
        config = strict_json.loads((folder / "config.json").read_text(encoding="utf-8"))
        kind, heads = str(config.get("model_type")), list(config.get("architectures") or [])
    except (ValueError, AttributeError, TypeError) as error:
        raise UserError(f"{folder / 'config.json'} is not a configuration of a model: {error}") from error
    if kinds and kind not in kinds:
        raise UserError(f"{name} is of the kind {kind!r}; {user} can use {', '.join(sorted(kinds))}.")
    if not any(str(head).endswith("ForMaskedLM") for head in heads):
        raise UserError(f"{name} has no head of a masked language model: its architectures are {heads}.")
    if not any(folder.glob("*.safetensors")):
        raise UserError(f"{name} has no weights as safetensors; others are not read.")
    return folder.resolve()


@contextmanager
def importing(library: str) -> Iterator[None]:
    """Import modules of a library without warnings of its code. Raises UserError, which says how to install it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except (ImportError, OSError) as error:
        line = " ".join(str(error).split())
        install = f'pip install "robust-xtreme[{library.lower()}]"'
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
