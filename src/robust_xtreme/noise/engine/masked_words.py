"""The words that a masked language model expects most for each word of a text.

Each word is masked in turn, as by BAE (arXiv 2004.01970), and the model reads the pieces around it. What may be put for
it are whole words of the vocabulary, in letters of the language and in the word's case, without the word itself and
those that are `unwanted` in the language; words in mixed case stay. Logits count in steps of 0.001, of equal ones the
word with the lower number is first, so that the size of a batch has no effect.

Shapes: w masked words, v words of the vocabulary, e edits, t texts.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from threading import Lock
from typing import Any, Final, NamedTuple

import numpy as np

from robust_xtreme.core import randomness
from robust_xtreme.core.edits import Array, Edits, putting
from robust_xtreme.core.errors import UserError
from robust_xtreme.core.graphemes import split
from robust_xtreme.core.languages import belongs
from robust_xtreme.noise.engine.case import MIXED, lower, style, styled
from robust_xtreme.noise.engine.perturbation import Job
from robust_xtreme.noise.engine.rewriter import changed, checked, quiet_transformers
from robust_xtreme.noise.engine.runs import find

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
    likeliest = np.argsort(-_model(source.folder).logits(masked)[:, numbers], axis=1, kind="stable")[:, : LIKELIEST + 1]
    for (value, low, high), row in zip(masked, likeliest.tolist(), strict=True):
        word = unicodedata.normalize("NFC", value[low:high])
        how = style(word, code)
        others = [words[number] for number in row if words[number] != lower(word, code)]
        yield () if how == MIXED else [styled(other, how, code) for other in islice(others, LIKELIEST)]


@lru_cache(maxsize=64)
def _vocabulary(source: _Source) -> tuple[list[str], Array]:
    """The words of a language in a vocabulary, in small letters, and their numbers (v,). Raises UserError for none."""
    tokenizer, code = _model(source.folder).tokenizer, source.language
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


def _model(folder: str) -> _Model:
    """The model of a folder, which is loaded once, by the first of several threads."""
    with _LOADING:
        return _loaded(folder)


@lru_cache(maxsize=1)
def _loaded(folder: str) -> _Model:
    """The model of a folder. Raises UserError where it cannot be read, or its tokenizer has no mask."""
    from transformers import AutoModelForMaskedLM, AutoTokenizer

    local: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    try:
        with quiet_transformers():
            network = AutoModelForMaskedLM.from_pretrained(folder, use_safetensors=True, **local).eval()
            tokenizer = AutoTokenizer.from_pretrained(folder, **local)
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        raise UserError(f"@{OPTION}={folder} cannot be read: {str(error).splitlines()[0]}") from error
    if tokenizer.mask_token is None:
        raise UserError(f"@{OPTION}={folder}: its tokenizer has no mask.")
    return _Model(network, tokenizer)
