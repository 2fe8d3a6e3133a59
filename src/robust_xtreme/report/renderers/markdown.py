"""Renders a document as Markdown."""

import re
from collections.abc import Iterator
from typing import Final, assert_never

from robust_xtreme.core.sinks import Trusted, between, code_block, filled, html_text, inert, markdown, visible
from robust_xtreme.report import blocks as doc

_SAFE: Final = str.maketrans({sign: f"%{ord(sign):02X}" for sign in '() <>|\\`"[]'})
_OPENING: Final = re.compile(r"^(\d{1,9}(?=[.)](?:\s|$))|(?=[#>]|[-+](?:\s|$)|-[- ]+$|\[[ xX]\]\s))")
"""Where a line of its own begins a heading, a list, a rule or a box."""


def render(document: doc.ReportPage) -> Trusted:
    """The document as Markdown: same document, same bytes. Charts are left out, since their tables are there."""
    return filled("# {}\n\n{}\n", markdown(document.title), between("\n\n", blocks(document.blocks)))


def blocks(several: tuple[doc.Block, ...]) -> Iterator[Trusted]:
    """Each block as a paragraph of Markdown."""
    for block in several:
        yield from _block(block)


def _block(block: doc.Block) -> Iterator[Trusted]:
    match block:
        case doc.Heading():
            yield _heading(block.text, block.level)
        case doc.Paragraph():
            yield _line(block.text)
        case doc.Prose():
            yield Trusted(block.markdown.strip())
        case doc.Bullets() | doc.Terms():
            yield between("\n", _items(block))
        case doc.Code():
            yield code_block(block.lines, block.language)
        case doc.Table():
            yield from [_heading(block.title, 3)] if block.title else []
            yield table(block)
            notes = [filled("{}: {}", markdown(sign), markdown(meaning)) for sign, meaning in block.notes]
            yield from [filled("{}.", between("; ", notes))] if notes else []
        case doc.Section():
            yield _heading(block.title, block.level)
            yield from blocks(block.blocks)
        case doc.Sample():
            yield filled("**{}**", phrase(block.title))
            lines = (*block.texts, *block.facts)
            yield between("\n", (filled("- {}: {}", markdown(name), phrase(parts)) for name, parts in lines))
        case doc.Chart():
            return
        case _:
            assert_never(block)


def _items(block: doc.Bullets | doc.Terms) -> Iterator[Trusted]:
    if isinstance(block, doc.Bullets):
        return (filled("- {}", _line(item)) for item in block.items)
    return (filled("- **{}**: {}", markdown(term), phrase(line)) for term, line in block.items)


def _heading(text: str, level: int) -> Trusted:
    return filled("{} {}", between("", [filled("#")] * level), markdown(text))


def _line(parts: doc.Phrase) -> Trusted:
    """A phrase as a line of its own, which begins nothing else."""
    return Trusted(_OPENING.sub(r"\1\\", phrase(parts).strip(" ")))


def table(block: doc.Table) -> Trusted:
    """One table, every cell escaped."""
    lines = [
        [markdown(column.title) for column in block.columns],
        [filled("---:") if column.right else filled("---") for column in block.columns],
        *([phrase(cell.text if isinstance(cell, doc.TableCell) else cell) for cell in row] for row in block.rows),
    ]
    return between("\n", (filled("| {} |", between(" | ", line)) for line in lines))


def phrase(parts: doc.Phrase) -> Trusted:
    """A phrase in one line, in which only our own marks are Markdown."""
    return between("", map(_inline, doc.inlines(parts)))


def _inline(part: doc.Inline) -> Trusted:
    match part:
        case str():
            return markdown(part)
        case doc.Strong():
            return filled("**{}**", markdown(part.text))
        case doc.Mono():
            return _mono(visible(part.text))
        case doc.Hyperlink():
            return filled("[{}]({})", markdown(part.text), Trusted(visible(part.href).translate(_SAFE)))
        case doc.Diff():
            language = filled(' lang="{}"', html_text(part.language)) if part.language else filled("")
            pieces = between("", (_piece(removed, added) for removed, added in part.pieces))
            return filled('<span dir="{}"{}>{}</span>', html_text(part.direction), language, pieces)
        case _:
            assert_never(part)


def _mono(text: str) -> Trusted:
    """A name in backticks; with a backtick or a bar, which would end it, as text."""
    return markdown(text) if "`" in text or "|" in text or not text.strip() else Trusted(f"`{text}`")


def _piece(removed: str, added: str) -> Trusted:
    """A piece of a text in another script, whose joiners stay."""
    old, new = (markdown(text, inert) for text in (removed, added))
    if removed == added:
        return new
    return filled("{}{}", filled("<del>{}</del>" if old else "", old), filled("<ins>{}</ins>" if new else "", new))
