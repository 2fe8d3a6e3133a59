"""CoNLL-U: the forms that stand in the text are noised, every other column is kept, `# text` is written anew.

A multiword token is one word, as readers of text see it; the syntactic words that it is made of, and empty nodes, keep
their forms.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import pairwise
from typing import Final, NamedTuple

from robust_xtreme.errors import DataError
from robust_xtreme.files import iob2
from robust_xtreme.files._record import Done, Options, Record, Slot, kept, on_one_line, whole
from robust_xtreme.files._source import Line, Source, check_ends
from robust_xtreme.tasks._tagging import word_spans

FIELDS: Final = iob2.FIELDS
"""What is noised: the words of a sentence, each of them a span of one text."""

FAMILY: Final = iob2.FAMILY

_COLUMNS: Final = 10
_FORM, _MISC = 1, 9
_WORD: Final = re.compile(r"[0-9]{1,6}")
_RANGE: Final = re.compile(r"([1-9][0-9]{0,5})-([1-9][0-9]{0,5})")
_EMPTY: Final = re.compile(r"[0-9]{1,6}\.[0-9]{1,6}")
_TEXT: Final = re.compile(r"(#\s*text\s*=\s*)(.*)")


class _Token(NamedTuple):
    """A word as it stands in the text: the place of its line in the sentence, its form, and what follows it there."""

    place: int
    form: str
    after: str


def read(source: Source, _: Options) -> Iterator[Record]:
    """A record for each sentence. Raises DataError naming the line of what is no CoNLL-U."""
    waiting: list[Line] = []
    for line in source.lines():
        check_ends(line.text, source.path, line.number)
        if line.text.strip():
            waiting.append(line)
            continue
        yield from _sentence(waiting, source.path)
        waiting = []
        yield kept(whole(line))
    yield from _sentence(waiting, source.path)


def _sentence(lines: list[Line], path: str) -> Iterator[Record]:
    tokens = list(_tokens(lines, path))
    words = [token.form.strip() for token in tokens]
    if not tokens:
        yield kept("".join(map(whole, lines)))
        return
    slot = Slot("tokens", str(lines[0].number), " ".join(words), word_spans(tuple(words)))
    yield Record((slot,), partial(_written, lines, tokens, path), sum(len(line.text) for line in lines))


def _tokens(lines: Sequence[Line], path: str) -> Iterator[_Token]:
    """The words and multiword tokens of a sentence."""
    word, last = 0, 0
    for place, line in enumerate(lines):
        if line.text.startswith("#"):
            continue
        cells = line.text.split("\t")
        if len(cells) != _COLUMNS:
            what = f"has {len(cells)} column{'s' * (len(cells) != 1)}, CoNLL-U has {_COLUMNS}, separated by tabs."
            raise DataError(path, what, line.number)
        token = _Token(place, cells[_FORM], "" if "SpaceAfter=No" in cells[_MISC].split("|") else " ")
        if found := _RANGE.fullmatch(cells[0]):
            _check_range(int(found[1]), int(found[2]), (word, last), path, line.number)
            last = int(found[2])
            yield token
        elif _WORD.fullmatch(cells[0]):
            word = _counted(cells[0], word + 1, path, line.number)
            if word > last:
                yield token
        elif not _EMPTY.fullmatch(cells[0]):
            raise DataError(path, f"{cells[0][:40]!r} is no number of a word.", line.number)
    if last > word:
        what = f"the sentence ends with word {word}, and a multiword token with word {last}: a line is missing."
        raise DataError(path, what, lines[-1].number)


def _counted(cell: str, expected: int, path: str, line: int) -> int:
    if int(cell) != expected:
        raise DataError(path, f"the word's number is {cell}, expected {expected}: a line is missing or moved.", line)
    return expected


def _check_range(first: int, last: int, before: tuple[int, int], path: str, line: int) -> None:
    """Refuse a multiword token that is not right before its words; before it are a word and the end of another one."""
    word, taken = before
    if first != word + 1 or last <= first or first <= taken:
        what = f"the multiword token {first}-{last} does not stand before its words, or overlaps another one."
        raise DataError(path, what, line)


def _written(lines: Sequence[Line], tokens: Sequence[_Token], path: str, done: Sequence[Done]) -> str:
    words = list(done[0].words())
    texts = [line.text for line in lines]
    for token, word in zip(tokens, words, strict=True):
        if word is not None:
            cells = lines[token.place].text.split("\t")
            cells[_FORM] = on_one_line(word, path, lines[token.place].number, "\t\n\r")
            texts[token.place] = "\t".join(cells)
    if any(word is not None for word in words):
        new = [token.form if word is None else word for token, word in zip(tokens, words, strict=True)]
        texts = [_commented(text, tokens, new) for text in texts]
    return "".join(text + line.end for text, line in zip(texts, lines, strict=True))


def _commented(line: str, tokens: Sequence[_Token], new: Sequence[str]) -> str:
    """A line, where it is the comment that holds the text with the new words in it."""
    found = _TEXT.fullmatch(line)
    return found[1] + _text(found[2], tokens, new) if found else line


def _text(old: str, tokens: Sequence[_Token], new: Sequence[str]) -> str:
    """The text with its words replaced where they stand; one that does not hold them all is put together anew."""
    starts, place = [], 0
    for token in tokens:
        place = old.find(token.form, place)
        if place < 0:
            return "".join(word + token.after for token, word in zip(tokens, new, strict=True)).rstrip()
        starts.append((place, place + len(token.form)))
        place += len(token.form)
    between = [old[stop:start] for (_, stop), (start, _) in pairwise(starts)]
    parts = [part for pair in zip(new, [*between, old[starts[-1][1] :]], strict=True) for part in pair]
    return "".join([old[: starts[0][0]], *parts])
