"""Renders a document as LaTeX, with tables as papers print them."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Final, Literal, assert_never

from robust_xtreme.core.sinks import Trusted, between, filled, visible
from robust_xtreme.report import blocks as doc
from robust_xtreme.report.columns import only, titled
from robust_xtreme.report.renderers._fitting import fitted, naming

_HEAD: Final = filled(
    "% Tables for a paper: \\usepackage{{booktabs,longtable}}\n"
    "% and with pdfLaTeX: \\usepackage[T1]{{fontenc}} \\usepackage{{textcomp}}\n"
    "% Input this file, or copy a table. Names in other scripts need XeLaTeX or LuaLaTeX with a font for them."
)
_NAMES: Final = {
    "\\": "textbackslash", "~": "textasciitilde", "^": "textasciicircum", "<": "textless", ">": "textgreater",
    "|": "textbar", '"': "textquotedbl", "`": "textasciigrave", "'": "textquotesingle", "[": "lbrack", "]": "rbrack",
    "\u2020": "textdagger", "\u00b0": "textdegree", "\u2026": "ldots",
}  # fmt: skip
_SIGNS: Final = {
    **{point: f"\\{point}" for point in "&%$#_{}"},
    **{sign: rf"\{name}{{}}" for sign, name in _NAMES.items()},
    "*": "{*}",
    "\u2192": r"$\to$",
    **{sign: rf"\textsuperscript{{{letter}}}" for sign, letter in zip("\u1d43\u1d47\u1d9c\u1d48", "abcd", strict=True)},
}
_SPECIAL: Final = re.compile("|".join(map(re.escape, _SIGNS)))
_NUMBER: Final = re.compile(r"(?<![\w.-])-(?=\d)")
_INTERVAL: Final = re.compile(r"\\lbrack\{\}([-$.\d]+, [-$.\d]+)\\rbrack\{\}")
_STACKED: Final = re.compile(r"(\S+) (\[[-$.\d]+, [-$.\d]+\])")
_INTERVAL_BELOW: Final = r"\\begin{tabular}[t]{@{}r@{}}\1\\\\[-2pt]{\\scriptsize \2}\\end{tabular}"
_BAR: Final = re.compile("(?:(?<=%)|(?<=%\\))|^) *[\u2581-\u258f]+$")
"""A bar, alone or after a share; a name may contain its signs, as that of a piece of a vocabulary does."""

_TWICE: Final = re.compile("([-,])(?=\\1)")
"""What TeX makes a dash or a quotation mark of."""

_SMALL: Final = filled(r"\begingroup\footnotesize\setlength{{\tabcolsep}}{{4pt}}")
_WIDTH: Final = 82
"""The characters of a line of `article` in that size."""

_EM: Final = 0.5
"""The width of a character."""

_SMALLER: Final = 0.85
"""The size of an interval below a number, beside that of the number."""

_BREAK: Final = re.compile(r"\\_|[:+@=/]")
_PLAIN: Final = re.compile(r"(\S+) (\[[-.\d]+, [-.\d]+\])")
_LEVELS: Final = {1: filled("section*"), 2: filled("section*"), 3: filled("subsection*")}


def render(document: doc.ReportPage) -> Trusted:
    """The document as LaTeX without a preamble: same document, same bytes. Charts are left out."""
    head = filled("\\section*{{{}}}", tex(document.title))
    return filled("{}\n", between("\n\n", [_HEAD, head, *_blocks(document.blocks)]))


def _blocks(several: tuple[doc.Block, ...]) -> Iterator[Trusted]:
    for block in several:
        yield from _block(block)


def _block(block: doc.Block) -> Iterator[Trusted]:
    match block:
        case doc.Heading():
            yield _heading(block.text, block.level)
        case doc.Paragraph():
            yield _phrase(block.text)
        case doc.Prose():
            yield tex(block.markdown.strip())
        case doc.Bullets() | doc.Terms():
            yield _items(block)
        case doc.Code():
            yield between("\n", (filled("\\noindent\\texttt{{{}}}\\\\", tex(line)) for line in block.lines))
        case doc.Table():
            yield from _tables(block)
        case doc.Section():
            yield _heading(block.title, block.level)
            yield from _blocks(block.blocks)
        case doc.Sample():
            yield filled("\\noindent {}", _phrase(block.title))
            yield _list("description", (_item(name, value) for name, value in (*block.texts, *block.facts)))
        case doc.Chart():
            return
        case _:
            assert_never(block)


def _heading(text: str, level: int) -> Trusted:
    return filled("\\{}{{{}}}", _LEVELS.get(level, filled("paragraph")), tex(text))


def _items(block: doc.Bullets | doc.Terms) -> Trusted:
    if isinstance(block, doc.Bullets):
        return _list("itemize", (filled("\\item {}", _begun(_phrase(item))) for item in block.items))
    return _list("description", (_item(term, line) for term, line in block.items))


def _item(term: str, line: doc.Phrase) -> Trusted:
    return filled("\\item[{{{}}}] {}", tex(term), _phrase(line))


def _begun(text: Trusted) -> Trusted:
    """What follows a command, which takes a bracket at its beginning for an option."""
    return filled("{{}}{}" if text.startswith("[") else "{}", text)


def _list(name: Literal["itemize", "description"], items: Iterable[Trusted]) -> Trusted:
    return filled("\\begin{{{0}}}\n{1}\n\\end{{{0}}}", Trusted(name), between("\n", items))


def _tables(block: doc.Table) -> Iterator[Trusted]:
    """A table in the width of a page: without what has no room, which a line names, or as several tables."""
    table = titled(block)
    fitting = fitted(replace(table, rows=tuple(tuple(map(_longest, row)) for row in table.rows)), _WIDTH)
    if fitting is None:
        yield _table(table, ())
        return
    yield _table(only(table, [at for at in range(len(table.columns)) if at not in fitting.left_out]), fitting.widths)
    if fitting.left_out and any(column.weight for column in table.columns):
        yield filled("Columns left out: {}.", between(", ", (tex(table.columns[at].title) for at in fitting.left_out)))
    elif fitting.left_out:
        yield from _tables(only(table, sorted({*naming(table), *fitting.left_out})))


def _longest(cell: doc.Phrase | doc.TableCell) -> str:
    """What a cell has in its widest line."""
    text = visible(doc.text_of(cell))
    stacked = _PLAIN.fullmatch(text)
    return max(stacked[1], stacked[2][: round(_SMALLER * len(stacked[2]))], key=len) if stacked else text


def _table(table: doc.Table, widths: Sequence[int]) -> Trusted:
    """A table that may break over pages, with the rules of booktabs, headings of groups, and notes at its end."""
    sides = [_side(table, at, widths[at] if widths else 0) for at in range(len(table.columns))]
    caption = [filled("\\caption*{{{}}} \\\\", tex(table.title))] if table.title else []
    rows = [_row([cell.text if isinstance(cell, doc.TableCell) else cell for cell in row], sides) for row in table.rows]
    heads = _row([column.heading for column in table.columns], sides)
    head = [filled("\\toprule"), *_groups(table), heads, filled("\\midrule\n\\endhead")]
    foot = [filled("\\bottomrule\n\\endfoot\n\\bottomrule"), *_notes(table), filled("\\endlastfoot")]
    opening = filled("\\begin{{longtable}}{{@{{}}{}@{{}}}}", between("", sides))
    closing = filled("\\end{{longtable}}\\endgroup")
    return between("\n", (_SMALL, opening, *caption, *head, *foot, *rows, closing))


def _side(table: doc.Table, at: int, width: int) -> Trusted:
    """How a column is aligned; one with longer texts than it is wide breaks them."""
    if table.columns[at].right:
        return filled("r")
    longest = max((len(_longest(row[at])) for row in table.rows), default=0)
    return Trusted(f"p{{{_EM * width:.1f}em}}" if 0 < width < longest else "l")


def _groups(table: doc.Table) -> Iterator[Trusted]:
    """A row of the headings above those of several columns, with a rule under each."""
    runs = [(name, len([*columns])) for name, columns in groupby(column.group for column in table.columns)]
    if not any(name for name, _ in runs):
        return
    heads = between(" & ", (filled("\\multicolumn{{{}}}{{c}}{{{}}}", size, tex(name)) for name, size in runs))
    yield filled("{} \\\\", heads)
    last = 0
    for name, size in runs:
        first, last = last + 1, last + size
        if name:
            yield filled("\\cmidrule(lr){{{}-{}}}", first, last)


def _notes(table: doc.Table) -> Iterator[Trusted]:
    for sign, meaning in table.notes:
        note = filled("{}: {}" if sign.isascii() else "{} {}", tex(sign), tex(meaning))
        yield filled("\\multicolumn{{{}}}{{@{{}}l@{{}}}}{{\\footnotesize {}}} \\\\", len(table.columns), note)


def _row(cells: list[doc.Phrase], sides: Sequence[str]) -> Trusted:
    """A row; a text in a column that breaks lines may be broken within names."""
    texts = [Trusted(_STACKED.sub(_INTERVAL_BELOW, _phrase(cell))) for cell in cells]
    broken = [
        Trusted(_BREAK.sub(r"\g<0>\\allowbreak{}", text)) if side[0] == "p" else text
        for text, side in zip(texts, sides, strict=True)
    ]
    return filled("{} \\\\", _begun(between(" & ", broken)))


def _phrase(parts: doc.Phrase) -> Trusted:
    return between("", map(_inline, doc.inlines(parts)))


def _inline(part: doc.Inline) -> Trusted:
    match part:
        case str():
            return tex(part)
        case doc.Strong():
            return filled("\\textbf{{{}}}", tex(part.text))
        case doc.Mono():
            return filled("\\texttt{{{}}}", tex(part.text))
        case doc.Hyperlink():
            return tex(part.text)
        case doc.Diff():
            return between("", (_piece(removed, added) for removed, added in part.pieces))
        case _:
            assert_never(part)


def _piece(removed: str, added: str) -> Trusted:
    if removed == added:
        return tex(added)
    old = filled("\\lbrack{{}}-{}-\\rbrack{{}}" if removed else "", tex(removed))
    return filled("{}{}", old, filled("\\emph{{{}}}" if added else "", tex(added)))


def tex(text: str) -> Trusted:
    """The visible text with every character of TeX's syntax escaped; the sign of a number is a minus; no bars."""
    plain = _BAR.sub("", visible(text))
    signed = _NUMBER.sub("\u2212", plain)
    escaped = _SPECIAL.sub(lambda match: _SIGNS[match[0]], signed)
    return Trusted(_INTERVAL.sub(r"[\1]", _TWICE.sub(r"\1{}", escaped).replace("\u2212", "$-$")))
