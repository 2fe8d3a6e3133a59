"""Words with their tags, a word each line, separated by a tab; an empty line between sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Final

from robust_xtreme.errors import DataError
from robust_xtreme.files._record import Done, Options, Record, Slot, kept, on_one_line, whole
from robust_xtreme.files._source import Line, Source, check_ends
from robust_xtreme.tasks._tagging import word_spans

FIELDS: Final = ("tokens",)
"""What is noised: the words of a sentence, each of them a span of one text."""

FAMILY: Final = "tagging"

_WIDEST: Final = 2
_TREEBANK: Final = 9
_MARKS: Final = "\t\n\r"

Cut = Callable[[Line, str], str]


def read(source: Source, _: Options) -> Iterator[Record]:
    """A record for each sentence. Raises DataError naming the line where there are other columns than before."""
    width = 0

    def cut(line: Line, path: str) -> str:
        nonlocal width
        cells = line.text.split("\t")
        width = width or len(cells)
        if len(cells) > _WIDEST or len(cells) != width:
            expected = f"the lines before have {width}" if len(cells) != width else "a word and a tag are expected"
            what = f"has {len(cells)} column{'s' * (len(cells) != 1)}, {expected}, separated by a tab{_other(line)}."
            raise DataError(path, what, line.number)
        if width == 1 and " " in line.text.strip():
            what = f"has no tab: {line.text[:40]!r}. Word SPACE tag: --format conll. A text each line: --format lines"
            raise DataError(path, what, line.number)
        return cells[0]

    return sentences(source, cut, lambda line: not line.text.strip())


def _other(line: Line) -> str:
    """The format that a line may be of instead."""
    tabs = line.text.count("\t")
    if not tabs and " " in line.text.strip():
        return " (word SPACE tag: --format conll)"
    return " (ten columns: --format conllu)" if tabs == _TREEBANK else ""


def sentences(source: Source, cut: Cut, between: Callable[[Line], bool]) -> Iterator[Record]:
    """A record for each run of lines that is not between sentences; `cut` gives the word that a line begins with."""
    waiting: list[Line] = []
    for line in source.lines():
        check_ends(line.text, source.path, line.number)
        if between(line):
            yield from _sentence(waiting, cut, source.path)
            waiting = []
            yield kept(whole(line))
        else:
            waiting.append(line)
    yield from _sentence(waiting, cut, source.path)


def _sentence(lines: list[Line], cut: Cut, path: str) -> Iterator[Record]:
    if lines:
        words = [cut(line, path) for line in lines]
        slot = Slot("tokens", str(lines[0].number), " ".join(words), word_spans(tuple(words)))
        yield Record((slot,), partial(_written, lines, words, path), sum(len(line.text) for line in lines))


def _written(lines: Sequence[Line], words: Sequence[str], path: str, done: Sequence[Done]) -> str:
    new = zip(lines, words, done[0].words(), strict=True)
    return "".join(_line(line, old, word, path) for line, old, word in new)


def _line(line: Line, old: str, new: str | None, path: str) -> str:
    if new is None:
        return whole(line)
    return on_one_line(new, path, line.number, _MARKS) + line.text[len(old) :] + line.end
