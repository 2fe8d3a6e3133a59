"""Renders pages and tables as HTML: by templates that escape every text, with what is hidden in it made visible."""

import base64
import re
import zlib
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from robust_xtreme.core.sinks import Trusted, inert, visible
from robust_xtreme.report import blocks as doc
from robust_xtreme.report.blocks import Paragraph, ReportPage, Table, TableCell
from robust_xtreme.report.charts.drawing import Drawing
from robust_xtreme.report.charts.style import GAINS, LOSSES, STEPS
from robust_xtreme.report.columns import narrow

_TONES: Final = {"unmeasured": "#9a55cc", "lost": "#c25a00", "won": "#0077b8"}
"""The colour of important words in a notebook, which is light or dark; a page has its own."""

_TINTS: Final = (("l", LOSSES), ("g", GAINS))
_SHADES: Final = {f"{sign}{step}": tint for sign, tints in _TINTS for step, tint in enumerate(tints, 1)}
_TEMPLATES: Final = Path(__file__).parent / "templates"


def page(document: ReportPage, files: Mapping[str, bytes] | None = None, draws: Drawing | None = None) -> Trusted:
    """A whole page in one file: same document, same bytes. `draws` draws its charts; where it cannot, the page says so.

    By default the page has a process of its own for them. It contains `files` by their names, compressed, as links that
    need no server.
    """
    packed = {name: base64.b64encode(zlib.compress(data, 9, wbits=31)).decode() for name, data in (files or {}).items()}
    charts = [*doc.within(document.blocks, doc.Chart)]
    with draws or Drawing() as draws:
        drawn = draws.svgs([chart.spec for chart in charts]) if charts else []
    if draws.lost:
        document = ReportPage(document.title, (Paragraph(draws.lost), *document.blocks))
    style, script = (Markup(_asset(name)) for name in ("page.css", "page.js"))
    svgs = {id(chart): Markup(text) for chart, text in zip(charts, drawn, strict=False)}  # the renderer escapes texts
    template = _environment().get_template("page.jinja")
    items = [item for block in doc.within(document.blocks, doc.Terms) for item in block.items]
    terms = {item[0]: id(item) for item in items}  # the last one, of the page's own legend, has the plain address
    parts = {"document": document, "downloads": packed, "style": style, "script": script, "svgs": svgs, "terms": terms}
    return Trusted(template.render(parts))


def _asset(name: str) -> str:
    """A file of the program without comments and empty lines."""
    return re.sub(r"(?m)^ *(//.*)?\n", "", (_TEMPLATES / name).read_text(encoding="utf-8"))


def notebook_tables(title: str, tables: Sequence[Table], first: Sequence[doc.Phrase] = ()) -> Trusted:
    """Paragraphs, then tables for a notebook: those with the same columns as one, without what needs a wide screen."""
    slim = [narrow(table, doc.MEDIUM) for table in tables]
    template = _environment().get_template("notebook.jinja")
    groups = [list(alike) for _, alike in groupby(slim, key=lambda table: [each.heading for each in table.columns])]
    return Trusted(template.render(title=title, groups=groups, first=first))


def notebook_blocks(title: str, blocks: Iterable[doc.Block]) -> Trusted:
    """The first sentence and the tables of a document, for a notebook."""
    every = [*blocks]
    about = [block.text for block in every if isinstance(block, Paragraph)][:1]
    return notebook_tables(title, [block for block in every if isinstance(block, Table)], about)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        # Hidden characters of a text are written as codes; what was escaped before stays.
        finalize=lambda value: visible(value) if type(value) is str else value,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"newline": Markup("\n"), "tones": _TONES, "shades": _SHADES}
    environment.filters |= {
        "bucket": _bucket,
        "cell": lambda value: value if isinstance(value, TableCell) else TableCell(value),
        "inert": lambda text: escape(inert(text)),  # a text in another script, whose joiners stay
        "groups": lambda columns: [[*alike] for _, alike in groupby(columns, key=lambda column: column.group)],
        "kind": lambda value: type(value).__name__.lower(),
        "id": id,
        "inlines": doc.inlines,
        "term": doc.term,
    }
    return environment


def _bucket(change: float | None) -> str:
    """The class of a change on the scale of colours: `l1` to `l6` for losses, `g1` to `g6` for gains."""
    step = bisect_right(STEPS, abs(change or 0.0))
    return f"{'l' if (change or 0.0) < 0 else 'g'}{step}" if step else ""
