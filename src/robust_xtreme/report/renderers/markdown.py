"""Renders a document as Markdown."""

from __future__ import annotations

from collections.abc import Iterator
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
from robust_xtreme.sinks import code_block, html_text, inert, markdown, visible

_SAFE: Final = str.maketrans({"(": "%28", ")": "%29", " ": "%20", "<": "%3C", ">": "%3E"})


def render(document: Document) -> str:
    """The document as Markdown: same document, same bytes. Charts are left out, since their tables are there."""
    return "\n\n".join([f"# {markdown(document.title)}", *blocks(document.blocks)]) + "\n"


def blocks(several: tuple[Block, ...]) -> Iterator[str]:
    """Each block as a paragraph of Markdown."""
    for block in several:
        yield from _block(block)


def _block(block: Block) -> Iterator[str]:
    match block:
        case Heading():
            yield f"{'#' * block.level} {markdown(block.text)}"
        case Paragraph():
            yield phrase(block.text)
        case Prose():
            yield block.markdown.strip()
        case Bullets() | Terms():
            yield "\n".join(f"- {item}" for item in _items(block))
        case Code():
            yield code_block(block.lines, block.language)
        case Table():
            yield from [f"### {markdown(block.title)}"] if block.title else []
            yield table(block)
            yield from [_notes(block.notes)] if block.notes else []
        case Part():
            yield f"{'#' * block.level} {markdown(block.title)}"
            yield from blocks(block.blocks)
        case Sample():
            yield f"**{phrase(block.title)}**"
            lines = [(name, (diff,)) for name, diff in block.texts] + [(name, inlines(it)) for name, it in block.facts]
            yield "\n".join(f"- {markdown(name)}: {phrase(parts)}" for name, parts in lines)
        case Chart():
            return
        case _:
            assert_never(block)


def _items(block: Bullets | Terms) -> list[str]:
    if isinstance(block, Bullets):
        return [phrase(item) for item in block.items]
    return [f"**{markdown(term)}**: {visible(line)}" for term, line in block.items]


def table(block: Table) -> str:
    """One table, every cell escaped."""
    lines = [
        [markdown(column.title) for column in block.columns],
        ["---:" if column.right else "---" for column in block.columns],
        *([phrase(cell.text if isinstance(cell, Cell) else cell) for cell in row] for row in block.rows),
    ]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _notes(notes: tuple[tuple[str, str], ...]) -> str:
    return "; ".join(f"{markdown(sign)}: {markdown(meaning)}" for sign, meaning in notes) + "."


def phrase(parts: Phrase) -> str:
    """A phrase in one line, in which only our own marks are Markdown."""
    return "".join(map(_inline, inlines(parts)))


def _inline(part: Inline) -> str:
    match part:
        case str():
            return markdown(part)
        case Strong():
            return f"**{markdown(part.text)}**"
        case Mono():
            return _mono(visible(part.text))
        case Link():
            return f"[{markdown(part.text)}]({visible(part.href).translate(_SAFE)})"
        case Diff():
            language = f' lang="{html_text(part.language)}"' if part.language else ""
            pieces = "".join(_piece(removed, added) for removed, added in part.pieces)
            return f'<span dir="{html_text(part.direction)}"{language}>{pieces}</span>'
        case _:
            assert_never(part)


def _mono(text: str) -> str:
    """A name in backticks; with a backtick or a bar, which would end it, as text."""
    return markdown(text) if "`" in text or "|" in text or not text.strip() else f"`{text}`"


def _piece(removed: str, added: str) -> str:
    """A piece of a text in another script, whose joiners stay."""
    old, new = (markdown(text, inert) for text in (removed, added))
    return new if removed == added else (f"<del>{old}</del>" if old else "") + (f"<ins>{new}</ins>" if new else "")
