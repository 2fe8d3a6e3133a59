"""Texts as tokens: ids of many texts in one buffer, each distinct text tokenised once."""

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain, compress, islice
from typing import Any, Final

import numpy as np

from robust_xtreme.core.columns import Array, bounds_of, gathered, numbering, numbers_of, owners
from robust_xtreme.core.edits import ragged
from robust_xtreme.core.errors import ModelError
from robust_xtreme.core.graphemes import clusters, string_properties
from robust_xtreme.core.token_offsets import Row, exact_offsets, remember_no_words
from robust_xtreme.models.reading.units import PER_TOKEN, UNITS, unit_ids

CAUSAL: Final = "reads_causally"
"""The attribute of a tokenizer whose encoder lets each token see only those before it (`read_tokenizer` sets it)."""

_PROBES: Final = ("a", "b")
_TYPES: Final = "token_type_ids"


@dataclass(frozen=True, slots=True)
class SpecialTokens:
    """The special tokens of a model around one text and around two.

    `kept` is the number of tokens between two texts that belong to the first segment; None: segments are not marked.
    `causal`: each token sees only those before it.
    """

    single: tuple[tuple[int, ...], tuple[int, ...]]
    pair: tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]
    kept: int | None = None
    causal: bool = False

    def seconds(self, firsts: Array) -> Array:
        """The positions (w,) where second segments begin, from the tokens of first texts (w,); 0: not marked."""
        return np.zeros(len(firsts), np.int64) if self.kept is None else len(self.pair[0]) + firsts + self.kept

    def summaries(self, lengths: Array) -> Array:
        """The positions (w,) of what represents windows: a special token at the start, else, and if causal, last."""
        return np.maximum(lengths - 1, 0) if self.causal or not self.single[0] else np.zeros(len(lengths), np.int64)

    def room(self, parts: int, max_length: int) -> int:
        """The number of text tokens that fit. Raises ModelError where not every part has room for a token."""
        frame = self.single if parts == 1 else self.pair
        room = max_length - sum(map(len, frame))
        if room < parts:
            raise ModelError(f"A length of {max_length} tokens leaves no room for text. Use a longer one.")
        return room


def frame_of(tokenizer: Any) -> SpecialTokens:
    """The special tokens that a tokenizer adds, found by encoding two probes.

    Where it adds none between two texts, each text ends as a single one does. Raises ModelError where it adds none,
    unless the encoder is causal: predictions for a whole text are computed from such a token.
    """
    first, second = (tuple(tokenizer(probe, add_special_tokens=False)["input_ids"]) for probe in _PROBES)
    single = tuple(tokenizer(_PROBES[0])["input_ids"])
    pair = tuple(tokenizer(*_PROBES)["input_ids"])
    head, tail = _cut(single, first)
    before, remainder = _cut(pair, first)
    between, after = _cut(remainder, second)
    if tail and not between:
        before, between, after = head, tail, tail
    causal = bool(getattr(tokenizer, CAUSAL, False))
    if not causal and not (head and before) and not (tail and after):
        raise ModelError("This model's tokenizer puts no special token around a text; use an encoder such as XLM-R.")
    kept = _kept(tokenizer, len(before) + len(first), len(between))
    return SpecialTokens((head, tail), (before, between, after), kept, causal)


def _kept(tokenizer: Any, stop: int, between: int) -> int | None:
    """The number of tokens after the first text that are in its segment; None where segments are not marked."""
    if _TYPES not in getattr(tokenizer, "model_input_names", ()):
        return None
    types = tokenizer(*_PROBES, return_token_type_ids=True)[_TYPES]
    second = types.index(1) if 1 in types else 0
    marked = types == [0] * second + [1] * (len(types) - second) and stop <= second <= stop + between
    return second - stop if marked else None


def _cut(ids: tuple[int, ...], part: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    for start in range(len(ids) - len(part) + 1):
        if ids[start : start + len(part)] == part:
            return ids[:start], ids[start + len(part) :]
    raise ModelError("This model's tokenizer does not read a text the same way with and without special tokens.")


_SPACE: Final = " "
_NORMALIZERS: Final = frozenset(
    {"BertNormalizer", "Lowercase", "NFC", "NFD", "NFKC", "NFKD", "Nmt", "Precompiled", "StripAccents"}
)
"""Each code point, or grapheme cluster, by itself, or composed with those before it but for a space."""


def reads_words(tokenizer: Any) -> bool:
    """Whether a tokenizer of the package tokenizers gives a text the tokens of its words, one after the other."""
    normalizers, splits = (_words_parts(part) for part in (tokenizer.normalizer, tokenizer.pre_tokenizer))
    plain = all(part["type"] in _NORMALIZERS for part in normalizers)
    # What divides at white space, and what divides each word further.
    divides = bool(splits) and splits[0]["type"] in ("BertPreTokenizer", "Whitespace", "WhitespaceSplit")
    further, prepends = ("Digits", "Punctuation", "Split"), ("always", "never")
    within = all(part["type"] in further or part.get("prepend_scheme") in prepends for part in splits[1:])
    added = tokenizer.get_added_tokens_decoder().values()
    exact = not any(token.normalized or _SPACE in token.content for token in added)
    return plain and divides and within and exact and not getattr(tokenizer.model, "dropout", None)


def keeps_offsets(tokenizer: Any) -> bool:
    """Whether the tokens of a text have the same offsets in it when it is one of a list of texts."""
    adding = ("BertProcessing", "TemplateProcessing")  # these add special tokens, and move no offsets
    return all(part["type"] in adding for part in _words_parts(tokenizer.post_processor))


def _words_parts(part: Any) -> list[dict[str, Any]]:
    """The steps of a normalizer, pre-tokenizer or post-processor, as it describes itself."""
    if part is None:
        return []
    state = json.loads(part.__getstate__())
    several = ("normalizers", "pretokenizers", "processors")  # where a sequence has its steps
    return next((list(state[name]) for name in several if name in state), [state])


@dataclass(frozen=True, slots=True, eq=False)
class Words:
    """The words of t texts: `distinct` (w,), and the numbers of those of each text, one text after the other (n,).

    Text i has those `bounds[i]:bounds[i + 1]` (t + 1,) of `numbers`. The last `whole` distinct words are whole texts,
    which cannot be read beside others.
    """

    distinct: list[str]
    numbers: Array
    bounds: Array
    whole: int = 0

    @property
    def repeat(self) -> bool:
        """Whether words repeat so often that it takes less time to tokenise each once."""
        return len(self.distinct) < 0.6 * len(self.numbers)

    def tokens(self, bounds: Array) -> tuple[Array, Array, Array]:
        """The texts' tokens as positions among those of the words (m,), by the bounds of these (w + 1,).

        And their bounds by text (t + 1,), and the position in its text at which the word of each begins (m,).
        """
        positions, after = gathered(bounds, self.numbers)
        begins = bounds_of(_lengths(self.distinct)[self.numbers] + 1)[:-1]
        begins = begins - np.repeat(begins[self.bounds[:-1]], np.diff(self.bounds))
        return positions, after[self.bounds], np.repeat(begins, np.diff(after))


def words_of(texts: Sequence[str], names: Collection[str]) -> Words:
    """The words between the spaces of texts.

    A text is a single word where one of its words contains one of the names, which a tokenizer looks for in the whole
    text, or begins with what a normalizer may remove, or where a space is part of a grapheme cluster.
    """
    known = numbering()
    numbers = numbers_of(known, chain.from_iterable(text.split(_SPACE) for text in texts))
    counts = np.fromiter((text.count(_SPACE) + 1 for text in texts), np.int64, len(texts))
    words = Words(list(known), numbers, bounds_of(counts))
    odd = _odd(words.distinct, names)
    if not odd.any():
        return words
    return _whole(words, texts, np.unique(owners(words.bounds)[odd[words.numbers]]))


def _whole(words: Words, texts: Sequence[str], rows: Array) -> Words:
    """The words of texts of which those by row (k,) are single words."""
    first, counts, several = words.bounds[rows], np.diff(words.bounds), len(words.distinct)
    numbers, left_out = words.numbers.copy(), np.zeros(len(words.numbers), np.bool_)
    left_out[ragged(first + 1, counts[rows] - 1)] = True
    numbers[first], counts[rows] = several + np.arange(len(rows)), 1
    numbers = numbers[~left_out]
    used = np.bincount(numbers) > 0
    distinct = chain(words.distinct, map(texts.__getitem__, rows.tolist()))
    kept = list(compress(distinct, used.tolist()))
    return Words(kept, np.cumsum(used)[numbers] - 1, bounds_of(counts), len(rows))


def _odd(words: Sequence[str], names: Collection[str]) -> Array:
    """Which words (w,) make a text a single word."""
    joined, odd = _SPACE.join(words), ~_apart(words)
    if not joined.isprintable():
        odd |= np.fromiter((not word[:1].isprintable() for word in words), np.bool_, len(odd))
    named = re.compile("|".join(map(re.escape, names)))
    if names and named.search(joined):
        odd |= np.fromiter((named.search(word) is not None for word in words), np.bool_, len(odd))
    return odd


def _lengths(several: Sequence[Any]) -> Array:
    """The number of code points of texts, or of tokens of a tokenizer's records (n,)."""
    return np.fromiter(map(len, several), np.int64, len(several))


def _apart(words: Sequence[str]) -> Array:
    """Beside which words (w,) a space is a grapheme cluster: no mark begins them, and no prefix ends them."""
    breaks = clusters(string_properties(f" {_SPACE.join(words)} ")).breaks
    ends = np.cumsum(_lengths(words) + 1)
    return np.asarray(breaks[ends - _lengths(words)] & breaks[ends])


_LIST: Final = 256
"""Short texts that a tokenizer reads as one list; several threads read several lists."""


@dataclass(frozen=True, slots=True, eq=False)
class Tokens:
    """Tokens of t texts, without special tokens.

    `ids` (n,) int32; text i has those `bounds[i]:bounds[i + 1]`; `bounds` (t + 1,) int64. `offsets` (n, 2) int32 are
    the code points of its text that each token represents; None where nobody asked for them.
    """

    ids: Array
    bounds: Array
    offsets: Array | None = None

    @property
    def lengths(self) -> Array:
        """The number of tokens of each text (t,)."""
        return np.diff(self.bounds)

    @property
    def spans(self) -> Array:
        """The code points (n, 2) that tokens represent. Raises TypeError where they were not asked for."""
        if self.offsets is None:
            raise TypeError("these tokens were read without their offsets")
        return self.offsets

    def __getitem__(self, number: int) -> tuple[int, ...]:
        return tuple(self.ids[self.bounds[number] : self.bounds[number + 1]].tolist())

    def count(self, token_id: int) -> Array:
        """How many tokens of each text (t,) have an id."""
        before = np.concatenate(([0], np.cumsum(self.ids == token_id)))
        return np.diff(before[self.bounds])


TokenizerBackend = Callable[[list[str], bool], Tokens]
"""A tokenizer's implementation: the tokens of texts, with their offsets or without."""


def _in_parts(read: TokenizerBackend, texts: list[str], offsets: bool) -> Tokens:
    """The tokens of texts, of which a tokenizer gets not too many at once."""
    return _chained([read(part, offsets) for part in _parts(texts)], offsets)


def _parts(texts: list[str]) -> Iterator[list[str]]:
    """Consecutive texts, as many as a tokenizer gets at once."""
    start = letters = 0
    for index, text in enumerate(texts):
        # A tokenizer's records of a token take a hundred bytes.
        if index > start and (index - start >= 10_000 or letters + len(text) > 1 << 20):
            yield texts[start:index]
            start, letters = index, 0
        letters += len(text)
    if start < len(texts):
        yield texts[start:]


def _chained(read: Sequence[Tokens], offsets: bool) -> Tokens:
    """The tokens of several lists of texts, one list after the other."""
    if len(read) == 1:
        return read[0]
    lengths = np.concatenate([np.zeros(0, np.int64), *(tokens.lengths for tokens in read)])
    ids = np.concatenate([np.zeros(0, np.int32), *(tokens.ids for tokens in read)])
    if not offsets:
        return Tokens(ids, bounds_of(lengths))
    spans = [tokens.offsets for tokens in read if tokens.offsets is not None]
    return Tokens(ids, bounds_of(lengths), np.concatenate([np.zeros((0, 2), np.int32), *spans]))


@dataclass(frozen=True, slots=True)
class Rust:
    """A tokenizer of the package tokenizers, called directly; it can be pickled, and needs no other package.

    `split`: names of special tokens in a text are read as text.
    """

    tokenizer: Any
    split: bool = False

    def __call__(self, texts: list[str], offsets: bool) -> Tokens:
        """The tokens of texts: whole ones, without padding."""
        if len(texts) >= 8 and reads_words(self.tokenizer):
            names = [token.content for token in self.tokenizer.get_added_tokens_decoder().values()]
            words = words_of(texts, names)
            if words.repeat:
                return _of_texts(words, self._of_words(words, offsets))
        return _in_parts(self._read, texts, offsets)

    def _of_words(self, words: Words, offsets: bool) -> Tokens:
        """The tokens of distinct words."""
        count = len(words.distinct) - words.whole
        several, alone = words.distinct[:count], words.distinct[count:]
        read = self._joined if keeps_offsets(self.tokenizer) and (offsets or _short(several)) else self._read
        return _chained([_in_parts(read, several, offsets), _in_parts(self._read, alone, offsets)], offsets)

    def _joined(self, words: list[str], offsets: bool) -> Tokens:
        """The tokens of words; several are read as one text, which takes less time than a list of them."""
        lists = [" ".join(words[start : start + _LIST]) for start in range(0, len(words), _LIST)]
        read = self._ready().encode_batch(lists, add_special_tokens=False)
        begins, counts = bounds_of(_lengths(words) + 1)[:-1], _lengths(read)
        spans = _offsets((each.offsets for each in read), int(counts.sum()))
        spans = spans + np.repeat(begins[::_LIST], counts)[:, None]
        word = np.searchsorted(begins, spans[:, 0], "right") - 1
        tokens = _tokens(read, np.bincount(word, minlength=len(words)), False)
        return replace(tokens, offsets=(spans - begins[word][:, None]).astype(np.int32)) if offsets else tokens

    def _ready(self) -> Any:
        """The tokenizer, which reads whole texts without padding."""
        tokenizer = self.tokenizer
        if tokenizer.truncation is not None:
            tokenizer.no_truncation()
        if tokenizer.padding is not None:
            tokenizer.no_padding()
        if tokenizer.encode_special_tokens != self.split:
            tokenizer.encode_special_tokens = self.split
        remember_no_words(tokenizer)
        return tokenizer

    def _read(self, texts: list[str], offsets: bool) -> Tokens:
        tokenizer = self._ready()
        if offsets and (exact := exact_offsets(tokenizer)).differ(texts):
            exact.tokenizer.encode_special_tokens = self.split
            return _of_rows(exact(texts))
        if _short(texts) and (not offsets or keeps_offsets(tokenizer)):
            return self._listed(texts, offsets)
        encode = tokenizer.encode_batch if offsets else tokenizer.encode_batch_fast
        read = encode(texts, add_special_tokens=False)
        return _tokens(read, _lengths(read), offsets)

    def _listed(self, texts: list[str], offsets: bool) -> Tokens:
        """The tokens of short texts; a list of texts is read text by text, but is a single record of the tokenizer."""
        lists = [texts[start : start + _LIST] for start in range(0, len(texts), _LIST)]
        read = self.tokenizer.encode_batch(lists, is_pretokenized=True, add_special_tokens=False)
        before = np.repeat(np.arange(len(lists)) * _LIST, _lengths(read))
        text = before + np.fromiter(chain.from_iterable(each.word_ids for each in read), np.int64, len(before))
        return _tokens(read, np.bincount(text, minlength=len(texts)), offsets)


def _short(texts: Sequence[str]) -> bool:
    """Whether a tokenizer takes longer to make the records of texts than to read them."""
    return sum(map(len, texts)) < 16 * len(texts)


def _tokens(read: Sequence[Any], lengths: Array, offsets: bool) -> Tokens:
    """The tokens of texts with `lengths` (t,) of them, from a tokenizer's records."""
    bounds = bounds_of(lengths)
    ids = np.fromiter(chain.from_iterable(each.ids for each in read), np.int32, int(bounds[-1]))
    return Tokens(ids, bounds, _offsets((each.offsets for each in read), int(bounds[-1])) if offsets else None)


def _of_texts(words: Words, read: Tokens) -> Tokens:
    """The tokens of texts from those of their distinct words."""
    positions, bounds, shifts = words.tokens(read.bounds)
    spans = None if read.offsets is None else (read.offsets[positions] + shifts[:, None]).astype(np.int32)
    return Tokens(read.ids[positions], bounds, spans)


@dataclass(frozen=True, slots=True)
class Called:
    """A tokenizer of transformers that has no part in Rust, or changes what that part reads."""

    tokenizer: Any

    def __call__(self, texts: list[str], offsets: bool) -> Tokens:
        """The tokens of texts."""
        return _in_parts(self._read, texts, offsets)

    def _read(self, texts: list[str], offsets: bool) -> Tokens:
        return _of_rows(self.rows(texts, offsets), offsets)

    def rows(self, texts: list[str], offsets: bool = True) -> list[Row]:
        """The ids and offsets of the tokens of each text; no offsets where nobody asks for them."""
        quiet = {"return_attention_mask": False, "return_token_type_ids": False, "verbose": False}
        more = {"return_offsets_mapping": True} if offsets else {}
        read = self.tokenizer(texts, add_special_tokens=False, **quiet, **more)
        rows = read["input_ids"]
        return list(zip(rows, read["offset_mapping"] if offsets else [()] * len(rows), strict=True))


@dataclass(frozen=True, slots=True)
class Units:
    """A tokenizer whose tokens are the bytes of UTF-8 or the characters of a text; it can be pickled.

    `shift` is that of `unit_ids`. `named` is a regular expression of added tokens, with the white space that they take
    from the text beside them; `ids` are theirs.
    """

    shift: int | None
    named: str
    ids: tuple[tuple[str, int], ...]

    def __call__(self, texts: list[str], offsets: bool) -> Tokens:
        """The tokens of texts; all bytes of a character have its offsets."""
        if not self.named or not re.search(self.named, " ".join(texts)):
            return _in_parts(self._read, texts, offsets)
        return _chained([self._divided(text, offsets) for text in texts], offsets)

    def _read(self, texts: list[str], offsets: bool) -> Tokens:
        ids, bounds, start = unit_ids(texts, self.shift)
        spans = np.stack((start, start + 1), axis=1).astype(np.int32) if offsets else None
        return Tokens(ids, bounds, spans)

    def _divided(self, text: str, offsets: bool) -> Tokens:
        """The tokens of a text that contains added tokens: of the parts between them, and these."""
        known, at, ids, spans = dict(self.ids), 0, list[int](), list[tuple[int, int]]()
        for match in (*re.finditer(self.named, text), None):
            read = self._read([text[at : match.start() if match else len(text)]], True)
            ids += read.ids.tolist()
            spans += [(at + first, at + last) for first, last in read.spans.tolist()]
            if match:
                name, at = match[0].strip(), match.end()
                begin = match.start() + match[0].index(name)
                ids, spans = [*ids, known[name]], [*spans, (begin, begin + len(name))]
        return _of_rows([(ids, spans)], offsets)


def _units_of(tokenizer: Any) -> Units:
    """The backend of a tokenizer of bytes or characters of transformers."""
    of_bytes = UNITS[type(tokenizer).__name__] == "bytes"
    added = {} if getattr(tokenizer, "split_special_tokens", False) else tokenizer.added_tokens_decoder
    # A character whose id is its own is read as any other.
    kept = [(token, number) for number, token in added.items() if of_bytes or token.lstrip or token.rstrip]
    kept.sort(key=lambda pair: -len(pair[0].content))
    blank = {True: r"\s*", False: ""}
    parts = [f"{blank[token.lstrip]}{re.escape(token.content)}{blank[token.rstrip]}" for token, _ in kept]
    shift = int(tokenizer.offset) if of_bytes else None
    return Units(shift, "|".join(parts), tuple((token.content, number) for token, number in kept))


def _of_rows(rows: Sequence[Row], offsets: bool = True) -> Tokens:
    """The tokens of texts from the ids and offsets of each."""
    bounds = bounds_of(np.array([len(ids) for ids, _ in rows], np.int64))
    ids = np.fromiter(chain.from_iterable(ids for ids, _ in rows), np.int32, int(bounds[-1]))
    return Tokens(ids, bounds, _offsets((spans for _, spans in rows), int(bounds[-1])) if offsets else None)


def _offsets(rows: Iterable[Iterable[tuple[int, int]]], count: int) -> Array:
    flat = chain.from_iterable(chain.from_iterable(rows))
    return np.fromiter(flat, np.int32, 2 * count).reshape(-1, 2)


@dataclass(frozen=True, slots=True)
class Tokenizer:
    """What encoding needs of a tokenizer; it can be pickled for a process without torch but for the backend `Called`.

    `unknown` is the id of what the vocabulary does not contain, `blank` that of a word without a token; None where it
    has none.
    """

    frame: SpecialTokens
    unknown: int | None
    blank: int | None
    backend: TokenizerBackend

    @property
    def per_token(self) -> int:
        """How many of its tokens count as one where a length is named in tokens; several bytes or characters."""
        return PER_TOKEN if isinstance(self.backend, Units) else 1


@lru_cache(maxsize=4)
def misplaced(tokenizer: Any, called: str, step: str) -> str:
    """A sentence where a tokenizer of transformers has wrong offsets, with a step to take; "" where they are right."""
    backend = backend_of(tokenizer)
    if isinstance(backend, Units):
        return ""
    exact = exact_offsets(tokenizer.backend_tokenizer)
    if not (fault := exact.fault if isinstance(backend, Rust) else exact.first_fault(backend.rows)):
        return ""
    what = f"its tokenizer misplaces parts of a text ({fault}), and answers are cut out where it says"
    return f"{called}: {what}. {step}, or take a model with another tokenizer."


def tokenizer_from(tokenizer: Any, offsets: bool = False) -> Tokenizer:
    """What encoding needs of a tokenizer of transformers. Raises ModelError, also for `offsets` that are wrong."""
    called = getattr(tokenizer, "name_or_path", "") or "This model"
    if offsets and (line := misplaced(tokenizer, called, "Leave out tasks whose answers are spans of a context")):
        raise ModelError(line)
    ids = (getattr(tokenizer, f"{name}_token_id", None) for name in ("unk", "mask", "sep", "eos"))
    blank = next((int(token_id) for token_id in ids if token_id is not None), None)
    unknown = getattr(tokenizer, "unk_token_id", None)
    return Tokenizer(frame_of(tokenizer), None if unknown is None else int(unknown), blank, backend_of(tokenizer))


def reads_units(tokenizer: Any) -> bool:
    """Whether a tokenizer is one of bytes or characters of transformers itself."""
    kind = type(tokenizer)
    return kind.__name__ in UNITS and kind.__module__.startswith("transformers.models.")


def backend_of(tokenizer: Any) -> Rust | Units | Called:
    """The implementation of a tokenizer of transformers: that in Rust where the class adds nothing to it."""
    if reads_units(tokenizer):
        return _units_of(tokenizer)
    rust = getattr(tokenizer, "backend_tokenizer", None) if getattr(tokenizer, "is_fast", False) else None
    names = ("__call__", "batch_encode_plus", "_batch_encode_plus", "_encode_plus")
    calls = (getattr(type(tokenizer), name, None) for name in names)
    changed = any(not call.__module__.startswith("transformers.") for call in calls if call is not None)
    if rust is None or changed or not hasattr(rust, "encode_batch_fast"):
        return Called(tokenizer)
    return Rust(rust, bool(getattr(tokenizer, "split_special_tokens", False)))


class Lexicon:
    """The texts that a tokenizer has read, each once; a text is known by its number."""

    def __init__(self, backend: TokenizerBackend, offsets: bool = False) -> None:
        self._backend, self._offsets = backend, offsets
        self._numbers: dict[str | None, int] = numbering()
        self._numbers[None] = -1
        self._read: list[Tokens] = []

    def numbers(self, texts: Sequence[str | None]) -> Array:
        """The numbers of texts (n,) int64, which are read where they are new; -1 for None."""
        known = self._numbers
        before = len(known)
        numbers = numbers_of(known, texts)
        new = [text for text in islice(known, before, None) if text is not None]
        if new:
            self._read.append(self._backend(new, self._offsets))
        return numbers

    def columns(self, several: Iterable[Sequence[str | None]]) -> Array:
        """The numbers of several columns of n texts (c, n), read together: what occurs in several is read once."""
        rows = list(several)
        return self.numbers(list(chain.from_iterable(rows))).reshape(len(rows), -1)

    def contains(self, texts: Iterable[str]) -> bool:
        """Whether all of the texts were read."""
        return all(text in self._numbers for text in texts)

    @property
    def tokens(self) -> Tokens:
        """The tokens of all texts so far, by number."""
        self._read = [_chained(self._read, self._offsets)]
        return self._read[0]

    def of(self, text: str) -> tuple[int, ...]:
        """The ids of one text."""
        (number,) = self.numbers([text]).tolist()
        return self.tokens[number]
