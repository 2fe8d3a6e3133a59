"""Sentences of tagged words, a word each line: read as rows, and as records that are written with new words."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

from robust_xtreme.core.errors import DataError, counted
from robust_xtreme.core.specs import Row
from robust_xtreme.tasks.formats._file import Source, TextLine, check_ends, check_size, numbered_lines
from robust_xtreme.tasks.formats._json import texts_of
from robust_xtreme.tasks.formats._record import Record, SlotResult, kept, on_one_line, word_slot

FIELDS: Final = ("tokens", "tags")
"""The keys of a suite's row of tagged words."""

NOISED: Final = ("tokens",)
"""The noised field: the words of a sentence, each a span of one text."""

FAMILY: Final = "tagging"

_LONG: Final = 60
_LONGEST: Final = 1000
_SHOWN: Final = 60

Cut = Callable[[int, Sequence[str]], tuple[tuple[str, ...], tuple[str | None, ...]]]
"""Splits the lines of a sentence, numbered from the first: words, at their beginnings, and tags. Raises DataError."""

CutLine = Callable[[int, str], tuple[str, str | None]]
"""Splits a numbered line into its word and its tag or None. Raises DataError."""

Between = Callable[[str], bool]
"""Whether a line is between sentences."""


def by_line(cut_line: CutLine) -> Cut:
    """Splits the lines of a sentence one after the other."""

    def cut(number: int, lines: Sequence[str]) -> tuple[tuple[str, ...], tuple[str | None, ...]]:
        words, tags = zip(*(cut_line(number + at, line) for at, line in enumerate(lines)), strict=True)
        return words, tags

    return cut


def is_blank(line: str) -> bool:
    """Whether a line contains only white space."""
    return not line.strip()


def rows(text: str, path: str, cut: Cut, between: Between = is_blank) -> tuple[Row, ...]:
    """One row a sentence: `words`, `tags` (None in files without tags) and `line`, that of the first word."""
    sentence_rows: list[Row] = []
    number = 1
    for is_between, grouped in groupby(map(itemgetter(1), numbered_lines(text)), between):
        lines = list(grouped)
        if not is_between:
            words, tags = cut(number, lines)
            _check_words(number, words, tags, path)
            values = {"words": words, "tags": None if None in tags else tags, "line": number}
            sentence_rows.append(Row(str(len(sentence_rows)), f"{path}:{number}", values))
        number += len(lines)
    return tuple(sentence_rows)


def _check_words(first: int, words: Sequence[str], tags: Sequence[str | None], path: str) -> None:
    """Raise DataError at a CR, a text or columns instead of a word and a tag, or a long word."""
    joined, long = "\n".join(words), max(map(len, words)) > _LONG
    check_ends(joined, path, first)
    if not long and "\t" not in joined and '{"' not in joined and not any(tag and " " in tag for tag in set(tags)):
        return
    for number, (word, tag) in enumerate(zip(words, tags, strict=True), start=first):
        is_text = len(word) > _LONG and len(word.split()) > 8  # more than a Vietnamese name has syllables
        if "\t" in word or word.startswith('{"') or is_text or (tag and " " in tag):
            shown = word if tag is None else f"{word}\t{tag}"
            raise DataError(path, f"{shown[:_SHOWN]!r} is not a word, or a word and its tag.", number, foreign=True)
        if len(word) > _LONGEST:
            raise DataError(
                path,
                f"the word {word[:_SHOWN]!r}... has {len(word):,} letters, and a word has at most {_LONGEST:,}.",
                number,
            )


def record(row: Mapping[str, Any], location: str) -> dict[str, Any]:
    """The values of a suite's row. Raises DataError."""
    words, tags = (texts_of(row, key, location) for key in FIELDS)
    if len(words) != len(tags):
        many = f"{counted(len(words), 'token')} and {counted(len(tags), 'tag')}"
        raise DataError(location, f"has {many}; there is one tag for each token.")
    return {"words": words, "tags": tags}


def sentences(source: Source, between: Between = is_blank) -> Iterator[list[TextLine]]:
    """Groups of lines: a sentence, or a line between sentences."""
    pending: list[TextLine] = []
    length = 0
    for line in source.lines():
        check_ends(line.text, source.path, line.number)
        if between(line.text):
            yield from filter(None, (pending, [line]))
            pending, length = [], 0
        else:
            pending.append(line)
            length += len(line.whole)
            check_size(length, "the sentence that begins here", source.path, pending[0].number)
    yield from filter(None, (pending,))


def records(source: Source, cut: Cut, between: Between = is_blank) -> Iterator[Record]:
    """A record for each sentence, and records without texts for the lines between them."""
    for lines in sentences(source, between):
        if between(lines[0].text):
            yield kept(lines[0].whole)
            continue
        words, tags = cut(lines[0].number, [line.text for line in lines])
        slot = word_slot("tokens", str(lines[0].number), words, tags)
        yield Record((slot,), partial(_written, lines, words, source.path), sum(len(line.text) for line in lines))


def _written(lines: Sequence[TextLine], words: Sequence[str], path: str, done: Sequence[SlotResult]) -> str:
    new = zip(lines, words, done[0].words(), strict=True)
    return "".join(
        line.whole if word is None else new_word(word, path, line.number) + line.whole[len(old) :]
        for line, old, word in new
    )


def new_word(word: str, path: str, number: int) -> str:
    """A new word for a line of columns. Raises DataError where it contains a tab or a line end."""
    return on_one_line(word, path, number, "\t\n\r")
