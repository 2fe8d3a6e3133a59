"""The offsets of tokens: a tokenizer's are tried on hard texts, and mended where the right ones can be computed.

Three errors of the package tokenizers are mended: spaces are trimmed that are not in the text, all is shifted by what
Precompiled removes in front, and what replaces several letters has the offsets of the last one.
"""

import json
import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from itertools import accumulate
from typing import Any, Final

from robust_xtreme.core.graphemes import split

Row = tuple[Sequence[int], Sequence[tuple[int, int]]]
"""The ids of a text's tokens, and the code points that each of them reads, from and to."""

_LINES: Final = (
    "Anna-Lena's hello, hello  world? 12 a 3b x1y 2024/25 (I) ``so'' it's ''no''. A",
    "don't [x] {y} <z> a_b #c @d $5.99 50% & ~^\\ I'll 東京タワーは1958年。ﾄﾞｲﾂ 서울 \u1112\u1161\u11ab국",
    "แม่น้ำเจ้า 5 क्षत्रिय में ज़मीन १२ தமிழ் وُلِدَ می\u200cخواهم ١٩١١ م. שָׁלוֹם, Ελλάς Москва ў ქართული",
    "İstanbul IŞIK ﬁne ﬄ ½ ① Straße ŉa ǅ ﷺ ㎏ … É e\u0301o\u0308 ö Việt Nam Å ①a",
    "a😀b 👩\u200d🚀 👍🏽 🇩🇪c x\U000f1234y 龘 𐍈 𝒜z \x16ab cd\x00 e\ufefff \u00adg\u00adh \u200ei",
    *(" \t a\n\nb\u00a0c\u3000d\u2009e\u200bf\u2028g\u0085h \u202fi  ", "\u200bxy z\u200d w", "\ufeffxy z"),
)
_TEXTS: Final = (*_LINES, *dict.fromkeys(word for line in _LINES for word in line.split()))
_PRINTED: Final = (*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100))
_OTHERS: Final = [byte for byte in range(0x100) if byte not in _PRINTED]
_BYTES: Final = {chr(byte): byte for byte in _PRINTED} | {chr(0x100 + at): byte for at, byte in enumerate(_OTHERS)}
"""The byte that each letter of a byte-level token represents (openai/gpt-2, src/encoder.py: bytes_to_unicode)."""

_BYTE: Final = re.compile("<0x([0-9A-F]{2})>")


def _seen(text: str) -> str:
    """What is seen of a text, however it is written: without marks, blanks and controls, in lower case."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(point for point in plain if unicodedata.category(point)[0] not in "MCZ" and point != "▁")


@dataclass(frozen=True, slots=True, eq=False)
class ExactOffsets:
    """Reads texts with a tokenizer of the package tokenizers; `mends` where its offsets are wrong.

    `content(id)` is what a token reads, None of unknown and special ones; `fault` is an offset that stays wrong, or "".
    `shifts`: what is removed in front of a text moves its offsets.
    """

    tokenizer: Any
    content: Callable[[int], bytes | None]
    shifts: bool
    mends: bool = False
    fault: str = ""

    def __call__(self, texts: Sequence[str]) -> list[Row]:
        """The tokens of each text, without special tokens."""
        self.tokenizer.no_truncation()
        self.tokenizer.no_padding()
        cuts = [self._removed(text) for text in texts]
        shown = [text[cut:] for text, cut in zip(texts, cuts, strict=True)]
        each = zip(texts, cuts, self.tokenizer.encode_batch(shown, add_special_tokens=False), strict=True)
        return [(read.ids, list(self._mended(text, cut, read.ids, read.offsets))) for text, cut, read in each]

    def differ(self, texts: Sequence[str]) -> bool:
        """Whether the tokenizer's offsets in any of the texts are not these."""
        return self.mends or (self.shifts and any(map(self._removed, texts)))

    def _removed(self, text: str) -> int:
        """How many code points are removed in front of a text, where that shifts the others."""
        kept = (at for at, point in enumerate(text) if not self.shifts or point.isspace() or self._normal(point))
        return next(kept, 0)

    def _mended(self, text: str, cut: int, *tokens: Any) -> Iterator[tuple[int, int]]:
        """The offsets of tokens; those of blanks alone are empty, where the next token begins."""
        end = blanks = 0
        for number, (start, stop) in zip(*tokens, strict=True):
            start, stop, content = start + cut, stop + cut, self.content(number)
            if self.mends and content is not None:
                if not content.strip():
                    blanks += 1
                    continue
                for _ in range(len(content) - len(content.lstrip())):
                    start += start + 1 < stop and (start < end or not _seen(text[start]))
                # Code points before `start` that are read, but not by the tokens up to `end`.
                joined = len(split(text[end - 1 : start])[0]) - 1 if 0 < end < start else 0
                gap = text[end + joined : start].lstrip()
                start -= len(gap) if _seen(gap) and self._reads(gap) else 0
            yield from [*[(start, start)] * blanks, (start, stop)]
            end, blanks = max(end, stop), 0
        yield from [(len(text), len(text))] * blanks

    def _reads(self, text: str) -> bool:
        contents = map(self.content, self.tokenizer.encode(text, add_special_tokens=False).ids)
        return any(content is None or content.strip() for content in contents)

    def _normal(self, text: str) -> str:
        normalizer = self.tokenizer.normalizer
        return text if normalizer is None else str(normalizer.normalize_str(text))

    def first_fault(self, read: Callable[[list[str]], Iterable[Row]]) -> str:
        """The first token of hard texts whose offsets are not those of what it reads; "" where there is none."""
        state = _state(self.tokenizer.normalizer)
        replaced = map(json.loads, re.findall(rb'"String":("(?:[^"\\]|\\.)*")', state))
        texts = [*_TEXTS, *(f"x {part} y{part}{part} z" for part in replaced)]
        each = zip(texts, read(texts), strict=True)
        return next((fault for text, row in each for fault in self._faults(text, *row)), "")

    def _faults(self, text: str, ids: Sequence[int], offsets: Sequence[tuple[int, int]]) -> Iterator[str]:
        characters, covered, last = split(text), set[int](), (0, 0)
        edges = [0, *accumulate(map(len, characters))]
        for number, (start, stop) in zip(ids, offsets, strict=True):
            content, part = self.content(number), text[start:stop]
            if not _seen(part if content is None else content.decode("utf-8", "replace")):
                continue
            ordered = last[0] <= start < stop <= len(text) and last[1] <= stop
            first, end = bisect_right(edges, start), bisect_left(edges, stop)
            if not (ordered and self._alone(content, [text[start : edges[first]], *characters[first:end]])):
                yield f"{self.tokenizer.id_to_token(number)!r} at {part!r} in {text!r}"
            covered |= set(range(start, stop))
            last = start, stop
        for character, start in zip(characters, edges, strict=False):
            missed = covered.isdisjoint(range(start, start + len(character))) and _seen(character)
            if missed and self._reads(character):
                yield f"nothing at {character!r} in {text!r}"

    def _alone(self, content: bytes | None, characters: Sequence[str]) -> bool:
        """Whether a token reads all of the characters, and no others; with a mark in front, a part of the first."""
        if content is None:
            return True
        seen = [at for at, character in enumerate(characters) if _seen(character)]
        mark = unicodedata.category(content.decode("utf-8", "ignore").lstrip()[:1] or " ")[0] == "M"
        less = (characters[: seen[-1]], *([] if mark else [characters[seen[0] + 1 :]])) if len(seen) > 1 else ()
        return self._fits(content, characters) and not any(self._fits(content, others) for others in less)

    def _fits(self, content: bytes, characters: Sequence[str]) -> bool:
        part, text = "".join(characters), content.decode("utf-8", "replace")
        forms, plain = (part, self._normal(part)), "\ufffd" not in text and _seen(text)
        return any(content.strip() in form.encode() or (plain and plain in _seen(form)) for form in forms)


def _state(part: Any) -> bytes:
    """A part of a tokenizer as it describes itself, as JSON."""
    return b"" if part is None else bytes(part.__getstate__())


def _contents(tokenizer: Any) -> Callable[[int], bytes | None]:
    """What each token of a vocabulary reads, by id."""
    model, special = tokenizer.model, tokenizer.get_added_tokens_decoder()
    before, after = (getattr(model, name, None) or "" for name in ("continuing_subword_prefix", "end_of_word_suffix"))
    of_bytes = b'"ByteLevel"' in _state(tokenizer.normalizer) + _state(tokenizer.pre_tokenizer)
    unknown = tokenizer.encode("\U000ffffd\U0001242b", add_special_tokens=False).ids  # in no vocabulary
    unread = {*special, *unknown, tokenizer.token_to_id(str(getattr(model, "unk_token", None)))}

    @cache
    def content(number: int) -> bytes | None:
        name = str(tokenizer.id_to_token(number)).removesuffix(after).removeprefix(before)
        if byte := _BYTE.fullmatch(name):
            return bytes.fromhex(byte[1])
        as_bytes = of_bytes and set(name) <= set(_BYTES)
        read = bytes(map(_BYTES.__getitem__, name)) if as_bytes else name.replace("▁", " ").encode()
        return None if number in unread and read.strip() else read

    return content


def remember_no_words(tokenizer: Any) -> None:
    """A model of BPE remembers words as long as the thread lives, not the tokenizer; it is made to remember none."""
    if type(tokenizer.model).__name__ == "BPE":
        tokenizer.model._resize_cache(0)


@lru_cache(maxsize=4)
def exact_offsets(tokenizer: Any) -> ExactOffsets:
    """Reads texts with a tokenizer of the package tokenizers, whose offsets are mended where they are wrong."""
    remember_no_words(tokenizer)
    normalizer, splits, ends = map(_state, (tokenizer.normalizer, tokenizer.pre_tokenizer, tokenizer.post_processor))
    given = ExactOffsets(tokenizer, _contents(tokenizer), b'"Precompiled"' in normalizer)
    trimmed = b'"trim_offsets":true' in ends and (b'"add_prefix_space":true' in splits or b'"Prepend"' in normalizer)
    if not trimmed and not given.first_fault(given):
        return given
    mending = replace(given, tokenizer=type(tokenizer).from_str(tokenizer.to_str()), mends=True)
    mending.tokenizer.post_processor = None
    remember_no_words(mending.tokenizer)
    return replace(mending, fault=mending.first_fault(mending))
