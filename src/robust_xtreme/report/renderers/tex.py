"""Renders a document as LaTeX, with tables as papers print them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Final, assert_never

from robust_xtreme.report.blocks import (
    Block,
    Bullets,
    Cell,
    Chart,
    Code,
    Diff,
    Document,
    Heading,
    Inline,
    Link,
    Mono,
    Paragraph,
    Part,
    Phrase,
    Prose,
    Sample,
    Strong,
    Table,
    Terms,
    inlines,
    text_of,
)
from robust_xtreme.report.renderers._fitting import fitted, naming
from robust_xtreme.report.tables import only, titled
from robust_xtreme.sinks import visible

_HEAD: Final = (
    "% Tables for a paper: \\usepackage{booktabs,longtable}",
    "% and with pdfLaTeX: \\usepackage[T1]{fontenc} \\usepackage{textcomp}",
    "% Input this file, or copy a table. Names in other scripts need XeLaTeX or LuaLaTeX with a font for them.",
)
_SIGNS: Final = {
    **{point: f"\\{point}" for point in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "`": r"\textasciigrave{}",
    "'": r"\textquotesingle{}",
    "[": r"\lbrack{}",
    "]": r"\rbrack{}",
    "*": "{*}",
    "\u2020": r"\textdagger{}",
    "\u00b0": r"\textdegree{}",
    "\u2026": r"\ldots{}",
    "\u2192": r"$\to$",
    **{sign: rf"\textsuperscript{{{letter}}}" for sign, letter in zip("\u1d43\u1d47\u1d9c\u1d48", "abcd", strict=True)},
}
_SPECIAL: Final = re.compile("|".join(map(re.escape, _SIGNS)))
_NUMBER: Final = re.compile(r"(?<![\w.-])-(?=\d)")
_INTERVAL: Final = re.compile(r"\\lbrack\{\}([-$.\d]+, [-$.\d]+)\\rbrack\{\}")
_STACKED: Final = re.compile(r"(\S+) (\[[-$.\d]+, [-$.\d]+\])")
_BAR: Final = re.compile(" *[\u2581-\u258f]+")
_SMALL: Final = r"\begingroup\footnotesize\setlength{\tabcolsep}{4pt}"
_WIDTH: Final = 82
"""The characters of a line of `article` in that size."""

_EM: Final = 0.5
"""The width of a character."""

_SMALLER: Final = 0.85
"""The size of an interval below a number, beside that of the number."""

_BREAK: Final = re.compile(r"\\_|[:+@=/]")
_PLAIN: Final = re.compile(r"(\S+) (\[[-.\d]+, [-.\d]+\])")
_LEVELS: Final = {1: "section*", 2: "section*", 3: "subsection*"}


def render(document: Document) -> str:
    """The document as LaTeX without a preamble: same document, same bytes. Charts are left out."""
    return "\n\n".join(["\n".join(_HEAD), f"\\section*{{{tex(document.title)}}}", *_blocks(document.blocks)]) + "\n"


def _blocks(several: tuple[Block, ...]) -> Iterator[str]:
    for block in several:
        yield from _block(block)


def _block(block: Block) -> Iterator[str]:
    match block:
        case Heading():
            yield _heading(block.text, block.level)
        case Paragraph():
            yield _phrase(block.text)
        case Prose():
            yield tex(block.markdown.strip())
        case Bullets() | Terms():
            yield _items(block)
        case Code():
            yield "\n".join(f"\\noindent\\texttt{{{tex(line)}}}\\\\" for line in block.lines)
        case Table():
            yield from _tables(block)
        case Part():
            yield _heading(block.title, block.level)
            yield from _blocks(block.blocks)
        case Sample():
            lines = [(name, (diff,)) for name, diff in block.texts] + [(name, inlines(it)) for name, it in block.facts]
            items = [f"\\item[{{{tex(name)}}}] {_phrase(parts)}" for name, parts in lines]
            yield f"\\noindent {_phrase(block.title)}"
            yield _list("description", items)
        case Chart():
            return
        case _:
            assert_never(block)


def _heading(text: str, level: int) -> str:
    return f"\\{_LEVELS.get(level, 'paragraph')}{{{tex(text)}}}"


def _items(block: Bullets | Terms) -> str:
    if isinstance(block, Bullets):
        return _list("itemize", [f"\\item {_phrase(item)}" for item in block.items])
    return _list("description", [f"\\item[{{{tex(term)}}}] {tex(line)}" for term, line in block.items])


def _list(name: str, items: list[str]) -> str:
    return "\n".join((f"\\begin{{{name}}}", *items, f"\\end{{{name}}}"))


def _tables(block: Table) -> Iterator[str]:
    """A table in the width of a page: without what has no room, which a line names, or as several tables."""
    table = titled(block)
    fitting = fitted(replace(table, rows=tuple(tuple(map(_longest, row)) for row in table.rows)), _WIDTH)
    if fitting is None:
        yield _table(table, ())
        return
    yield _table(only(table, [at for at in range(len(table.columns)) if at not in fitting.left_out]), fitting.widths)
    if fitting.left_out and any(column.weight for column in table.columns):
        yield f"No room for: {', '.join(tex(table.columns[at].title) for at in fitting.left_out)}."
    elif fitting.left_out:
        yield from _tables(only(table, sorted({*naming(table), *fitting.left_out})))


def _longest(cell: Phrase | Cell) -> str:
    """What a cell has in its widest line."""
    text = visible(text_of(cell))
    stacked = _PLAIN.fullmatch(text)
    return max(stacked[1], stacked[2][: round(_SMALLER * len(stacked[2]))], key=len) if stacked else text


def _table(table: Table, widths: Sequence[int]) -> str:
    """A table that may break over pages, with the rules of booktabs, headings of groups, and notes at its end."""
    sides = [_side(table, at, widths[at] if widths else 0) for at in range(len(table.columns))]
    caption = [f"\\caption*{{{tex(table.title)}}} \\\\"] if table.title else []
    rows = [_row([cell.text if isinstance(cell, Cell) else cell for cell in row], sides) for row in table.rows]
    heads = _row([column.heading for column in table.columns], sides)
    head = ["\\toprule", *_groups(table), heads, "\\midrule", "\\endhead"]
    foot = ["\\bottomrule", "\\endfoot", "\\bottomrule", *_notes(table), "\\endlastfoot"]
    opening, closing = f"\\begin{{longtable}}{{@{{}}{''.join(sides)}@{{}}}}", "\\end{longtable}\\endgroup"
    return "\n".join((_SMALL, opening, *caption, *head, *foot, *rows, closing))


def _side(table: Table, at: int, width: int) -> str:
    """How a column is aligned; one with longer texts than it is wide breaks them."""
    if table.columns[at].right:
        return "r"
    longest = max((len(_longest(row[at])) for row in table.rows), default=0)
    return f"p{{{_EM * width:.1f}em}}" if 0 < width < longest else "l"


def _groups(table: Table) -> Iterator[str]:
    """A row of the headings above those of several columns, with a rule under each."""
    runs = [(name, len([*columns])) for name, columns in groupby(column.group for column in table.columns)]
    if not any(name for name, _ in runs):
        return
    yield " & ".join(f"\\multicolumn{{{size}}}{{c}}{{{tex(name)}}}" for name, size in runs) + " \\\\"
    last = 0
    for name, size in runs:
        first, last = last + 1, last + size
        if name:
            yield f"\\cmidrule(lr){{{first}-{last}}}"


def _notes(table: Table) -> Iterator[str]:
    for sign, meaning in table.notes:
        note = f"{tex(sign)}{':' if sign.isascii() else ''} {tex(meaning)}"
        yield f"\\multicolumn{{{len(table.columns)}}}{{@{{}}l@{{}}}}{{\\footnotesize {note}}} \\\\"


def _row(cells: list[Phrase], sides: Sequence[str]) -> str:
    """A row; a text in a column that breaks lines may be broken within names."""
    texts = [_STACKED.sub(_stacked, _phrase(cell)) for cell in cells]
    broken = [
        _BREAK.sub(r"\g<0>\\allowbreak{}", text) if side[0] == "p" else text
        for text, side in zip(texts, sides, strict=True)
    ]
    return f"{' & '.join(broken)} \\\\"


def _stacked(match: re.Match[str]) -> str:
    """A number with its interval under it."""
    return f"\\begin{{tabular}}[t]{{@{{}}r@{{}}}}{match[1]}\\\\[-2pt]{{\\scriptsize {match[2]}}}\\end{{tabular}}"


def _phrase(parts: Phrase) -> str:
    return "".join(map(_inline, inlines(parts)))


def _inline(part: Inline) -> str:
    match part:
        case str():
            return tex(part)
        case Strong():
            return f"\\textbf{{{tex(part.text)}}}"
        case Mono():
            return f"\\texttt{{{tex(part.text)}}}"
        case Link():
            return tex(part.text)
        case Diff():
            return "".join(_piece(removed, added) for removed, added in part.pieces)
        case _:
            assert_never(part)


def _piece(removed: str, added: str) -> str:
    if removed == added:
        return tex(added)
    return "".join(
        (f"\\lbrack{{}}-{tex(removed)}-\\rbrack{{}}" if removed else "", f"\\emph{{{tex(added)}}}" if added else "")
    )


def tex(text: str) -> str:
    """The visible text with every character of TeX's syntax escaped; the sign of a number is a minus; no bars."""
    plain = _BAR.sub("", visible(text))
    signed = _NUMBER.sub("\u2212", plain)
    escaped = _SPECIAL.sub(lambda match: _SIGNS[match[0]], signed).replace("\u2212", "$-$")
    return _INTERVAL.sub(r"[\1]", escaped)
