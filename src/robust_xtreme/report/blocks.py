"""Defines the document model: what a page consists of, whether it becomes Markdown, HTML, TeX or a terminal's lines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Final, TypeAlias, TypeVar
from urllib.parse import quote

NARROW: Final = 0
MEDIUM: Final = 110
WIDE: Final = 165
WIDEST: Final = 200
"""The number of characters that a terminal needs for a column."""


@dataclass(frozen=True, slots=True)
class Strong:
    """Important words; `tone`, if any, names a colour of their own: `unmeasured`."""

    text: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Mono:
    """A name or a command, as it is typed."""

    text: str


@dataclass(frozen=True, slots=True)
class Hyperlink:
    """Words that lead to an address: `#anchor` in the page, `./` or `../` beside it, or a site; else ValueError."""

    text: str
    href: str

    def __post_init__(self) -> None:
        if not self.href.startswith(("#", "./", "../", "https://")):
            raise ValueError(f"not an address of a page: {self.href}")


@dataclass(frozen=True, slots=True)
class Diff:
    """A text before and after edits, in pieces (removed, added); where both are equal, the text that stays.

    `language` and `direction` (`ltr` or `rtl`) are those of the text, whose words are written `apart` or not. `marks`,
    if any, has the name of the mark of each piece, such as `gold`, or "".
    """

    pieces: tuple[tuple[str, str], ...]
    language: str = ""
    direction: str = "ltr"
    marks: tuple[str, ...] = ()
    apart: bool = True

    @property
    def marked(self) -> tuple[tuple[str, str, str], ...]:
        """The pieces, each with the name of its mark."""
        marks = self.marks or ("",) * len(self.pieces)
        return tuple((removed, added, mark) for (removed, added), mark in zip(self.pieces, marks, strict=True))

    def words(self) -> Iterator[tuple[bool, tuple[tuple[str, str, str], ...]]]:
        """The marked pieces in groups: each word that changed, and what is between two of them.

        A word is what is between blanks; where words are not written apart, the pieces that changed.
        """
        cut = [part for piece in self.marked for part in _cut(piece, self.apart)]
        words = groupby(cut, key=lambda part: self.apart and part[0] == part[1] and part[0].isspace())
        groups = [[*word] for _, word in words] if self.apart else [[part] for part in cut]
        for changed, several in groupby(groups, key=lambda word: any(old != new for old, new, _ in word)):
            for group in several if changed else ([part for word in several for part in word],):
                yield changed, tuple(whole(group))


def _cut(piece: tuple[str, str, str], apart: bool) -> list[tuple[str, str, str]]:
    """A piece that stays, cut at its blanks where words are written apart; another one whole."""
    removed, added, mark = piece
    if removed != added or not apart:
        return [piece]
    return [(part, part, mark) for part in re.findall(r"\s+|\S+", added)]


def whole(parts: Iterable[tuple[str, str, str]]) -> Iterator[tuple[str, str, str]]:
    """Parts of which neighbours that stay, with the same mark, are one; without what stays and is empty."""
    for (stays, mark), alike in groupby(parts, key=lambda part: (part[0] == part[1], part[2])):
        if not stays:
            yield from alike
        elif text := "".join(added for _, added, _ in alike):
            yield text, text, mark


Inline: TypeAlias = str | Strong | Mono | Hyperlink | Diff
Phrase: TypeAlias = Inline | tuple[Inline, ...]


def inlines(phrase: Phrase) -> tuple[Inline, ...]:
    """The parts of a phrase."""
    return phrase if isinstance(phrase, tuple) else (phrase,)


def joined(phrases: Iterable[Phrase], between: str = ", ") -> tuple[Inline, ...]:
    """Phrases as one, with a text between any two."""
    return tuple(part for phrase in phrases for part in (between, *inlines(phrase)))[1:]


def unlinked(phrase: Phrase) -> Phrase:
    """A phrase with the words of its links alone, for what does not have their addresses."""
    return tuple(part.text if isinstance(part, Hyperlink) else part for part in inlines(phrase))


def term(name: str) -> str:
    """The address in a page of what its legend says of a term."""
    return f"term/{quote(name)}"


def explained(name: str) -> Hyperlink:
    """A term that the legend explains, as a word of a sentence."""
    return Hyperlink(name, f"#{term(name)}")


def named(sentence: str) -> tuple[Inline, ...]:
    """A sentence of a docstring, in which names are in backticks."""
    return tuple(Mono(part) if at % 2 else part for at, part in enumerate(sentence.split("`")) if part)


@dataclass(frozen=True, slots=True)
class Heading:
    """A title within the page."""

    text: str
    level: int = 2


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A sentence or more."""

    text: Phrase


@dataclass(frozen=True, slots=True)
class Prose:
    """Paragraphs, headings and lists that an author of the project wrote in Markdown, with nothing that data contain.

    Where a page is not Markdown, their source is shown.
    """

    markdown: str


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list without an order."""

    items: tuple[Phrase, ...]


@dataclass(frozen=True, slots=True)
class Terms:
    """Terms with a sentence each; `named` is that of a docstring."""

    items: tuple[tuple[str, Phrase], ...]


@dataclass(frozen=True, slots=True)
class Code:
    """Lines as they are typed, in a language such as `toml`."""

    lines: tuple[str, ...]
    language: str = "text"


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column of a table.

    Without a `weight` a terminal shows it if its lines have at least `room` characters. There a column that `folds` may
    take several lines, and a column that is `named` moves into the title if all rows share its value. Where there is no
    room for all, a terminal leaves out those of the lowest `weight` first. `legend` is the sentence that explains it.
    `group`, if any, is a heading above those of neighbours that share it.
    """

    heading: str
    right: bool = False
    room: int = NARROW
    folds: bool = False
    named: bool = False
    legend: str = ""
    group: str = ""
    weight: int = 0

    @property
    def title(self) -> str:
        """The heading after that of its group."""
        return f"{self.group} {self.heading}" if self.group else self.heading


@dataclass(frozen=True, slots=True)
class TableCell:
    """A cell of a table that says more than its text.

    `shade` is a change in points, for the colour, `mark` the name of its pattern (`marked`, `undecided` or `absent`),
    `also` other texts by the name of the toggle that shows them.
    """

    text: Phrase
    shade: float | None = None
    mark: str = ""
    also: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under columns.

    `notes` are under the table, a sign of its cells and what it means each. The first `over` rows are about the others,
    such as their means. `role` is the name of a special appearance in HTML, and `anchors` the address of each row;
    other renderers know neither.
    """

    columns: tuple[TableColumn, ...]
    rows: tuple[tuple[Phrase | TableCell, ...], ...]
    title: str = ""
    role: str = ""
    anchors: tuple[str, ...] = ()
    notes: tuple[tuple[str, str], ...] = ()
    over: int = 0


def grid(
    heads: Iterable[str], rows: Iterable[Iterable[Phrase | TableCell]], left: int | None = None, title: str = ""
) -> Table:
    """A table of headings and rows; columns after the first `left` ones are numbers, on the right."""
    names = list(heads)
    columns = (TableColumn(name, right=left is not None and at >= left) for at, name in enumerate(names))
    return Table(tuple(columns), tuple(map(tuple, rows)), title)


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart as data: a specification of Vega-Lite; `description` says in words what it shows, of which task.

    A page folds those that show `more` of what another chart shows.
    """

    title: str
    description: str
    spec: Mapping[str, Any]
    task: str = ""
    more: bool = False


@dataclass(frozen=True, slots=True)
class Sample:
    """An example: its title, its address, the texts by their names, and facts about it, as gold and predictions.

    `labels` are what a page filters by: `became`, and `of`, the address of its cell.
    """

    title: Phrase
    anchor: str
    labels: Mapping[str, str]
    texts: tuple[tuple[str, Diff], ...]
    facts: tuple[tuple[str, Phrase], ...]


@dataclass(frozen=True, slots=True)
class Section:
    """Blocks under a title, with an address; `folded` ones are opened by the reader where that is possible."""

    title: str
    anchor: str
    blocks: tuple[Block, ...]
    level: int = 2
    folded: bool = False


_Kind = TypeVar("_Kind")
Block: TypeAlias = Heading | Paragraph | Prose | Bullets | Terms | Code | Table | Chart | Sample | Section


@dataclass(frozen=True, slots=True)
class ReportPage:
    """A page: its title and its blocks."""

    title: str
    blocks: tuple[Block, ...]


def within(blocks: Iterable[Block], kind: type[_Kind]) -> Iterator[_Kind]:
    """The blocks of a kind, also those in parts."""
    for block in blocks:
        if isinstance(block, kind):
            yield block
        elif isinstance(block, Section):
            yield from within(block.blocks, kind)


def text_of(value: Phrase | TableCell) -> str:
    """The plain text of a phrase or a cell; of a diff the text after the edits."""
    phrase = value.text if isinstance(value, TableCell) else value
    return "".join(_plain(part) for part in inlines(phrase))


def _plain(part: Inline) -> str:
    if isinstance(part, Diff):
        return "".join(added for _, added in part.pieces)
    return part if isinstance(part, str) else part.text
