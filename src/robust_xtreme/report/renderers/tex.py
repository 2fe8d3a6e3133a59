"""Renders a document as LaTeX, with tables as papers print them."""

from __future__ import annotations

import re
from collections.abc import Iterator
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
)
from robust_xtreme.report.tables import titled
from robust_xtreme.sinks import visible

_HEAD: Final = (
    "% Tables for a paper: \\usepackage{booktabs,longtable}, and with pdfLaTeX \\usepackage[T1]{fontenc,textcomp}.",
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
_SMALL: Final = r"\begingroup\small\setlength{\tabcolsep}{4pt}"
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
            yield _table(block)
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


def _table(block: Table) -> str:
    """A table that may break over pages, with the rules of booktabs, headings of groups, and notes at its end."""
    table = titled(block)
    sides = "".join("r" if column.right else "l" for column in table.columns)
    caption = [f"\\caption*{{{tex(table.title)}}} \\\\"] if table.title else []
    rows = [_row([cell.text if isinstance(cell, Cell) else cell for cell in row]) for row in table.rows]
    head = ["\\toprule", *_groups(table), _row([column.heading for column in table.columns]), "\\midrule", "\\endhead"]
    foot = ["\\bottomrule", "\\endfoot", "\\bottomrule", *_notes(table), "\\endlastfoot"]
    opening, closing = f"\\begin{{longtable}}{{@{{}}{sides}@{{}}}}", "\\end{longtable}\\endgroup"
    return "\n".join((_SMALL, opening, *caption, *head, *foot, *rows, closing))


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


def _row(cells: list[Phrase]) -> str:
    return f"{' & '.join(_STACKED.sub(_stacked, _phrase(cell)) for cell in cells)} \\\\"


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
