"""Tagged words, a word each line: sentences as rows, and as records that are written with other words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby
from typing import Any, Final

from robust_xtreme.errors import DataError
from robust_xtreme.formats._file import Line, Source, check_ends, numbered_lines
from robust_xtreme.formats._json import texts_of
from robust_xtreme.formats._record import Done, Record, kept, on_one_line, whole, word_slot
from robust_xtreme.specs import Row

FIELDS: Final = ("tokens", "tags")
"""The keys of a suite's row of tagged words."""

NOISED: Final = ("tokens",)
"""What is noised: the words of a sentence, each of them a span of one text."""

FAMILY: Final = "tagging"

Cut = Callable[[int, str], tuple[str, str | None]]
"""From a line with its number to its word, with which it begins, and its tag, if it has one. Raises DataError."""

Between = Callable[[str], bool]
"""Whether a line is between sentences."""


def is_blank(line: str) -> bool:
    """Whether a line has nothing but white space."""
    return not line.strip()


def rows(text: str, path: str, cut: Cut, between: Between = is_blank) -> tuple[Row, ...]:
    """One row a sentence: `words`, `tags` (None in files without tags) and `line`, the number of the first word's."""
    grouped = groupby(numbered_lines(text), lambda line: between(line[1]))
    sentences = [[(number, *cut(number, line)) for number, line in lines] for blank, lines in grouped if not blank]
    return tuple(_row(index, cells, path) for index, cells in enumerate(sentences))


def _row(index: int, cells: Sequence[tuple[int, str, str | None]], path: str) -> Row:
    numbers, words, tags = zip(*cells, strict=True)
    values = {"words": words, "tags": None if None in tags else tags, "line": numbers[0]}
    return Row(str(index), f"{path}:{numbers[0]}", values)


def record(row: Mapping[str, Any], place: str) -> dict[str, Any]:
    """The values of a suite's row. Raises DataError."""
    words, tags = (texts_of(row, key, place) for key in FIELDS)
    if len(words) != len(tags):
        raise DataError(place, f"has {len(words)} tokens and {len(tags)} tags; there is one tag for each token.")
    return {"words": words, "tags": tags}


def sentences(source: Source, between: Between = is_blank) -> Iterator[list[Line]]:
    """Runs of lines, of which each is a sentence or between sentences."""
    pending: list[Line] = []
    for line in source.lines():
        check_ends(line.text, source.path, line.number)
        if between(line.text):
            yield from filter(None, (pending, [line]))
            pending = []
        else:
            pending.append(line)
    yield from filter(None, (pending,))


def records(source: Source, cut: Cut, between: Between = is_blank) -> Iterator[Record]:
    """A record for each sentence, and records without texts for what is between them."""
    for lines in sentences(source, between):
        if between(lines[0].text):
            yield kept(whole(lines[0]))
            continue
        words = [cut(line.number, line.text)[0] for line in lines]
        slot = word_slot("tokens", str(lines[0].number), words)
        yield Record((slot,), partial(_written, lines, words, source.path), sum(len(line.text) for line in lines))


def _written(lines: Sequence[Line], words: Sequence[str], path: str, done: Sequence[Done]) -> str:
    new = zip(lines, words, done[0].words(), strict=True)
    return "".join(
        whole(line) if word is None else new_word(word, path, line.number) + whole(line)[len(old) :]
        for line, old, word in new
    )


def new_word(word: str, path: str, number: int) -> str:
    """A new word for a line of columns. Raises DataError where it would break them."""
    return on_one_line(word, path, number, "\t\n\r")
