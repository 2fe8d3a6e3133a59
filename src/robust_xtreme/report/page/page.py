"""Puts the page of a run together: the verdict first, then where it breaks, languages, views, and what was run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from robust_xtreme.report.blocks import Block, Chart, Document, Paragraph, Part, Table, Terms, within
from robust_xtreme.report.document import TITLE, view_blocks, views
from robust_xtreme.report.legend import legend
from robust_xtreme.report.page.heat import heat
from robust_xtreme.report.page.languages import languages
from robust_xtreme.report.page.verdict import tiles, verdict_part
from robust_xtreme.report.summary import what_was_run
from robust_xtreme.report.view import Results, View

_DIVIDED: Final = ("worst_of_seeds", "operator_mix", "external", "tokenizer", "label_risk")
_ELSEWHERE: Final = ("by_language", "by_scope", "languages_in_columns", "worst_cells", *_DIVIDED)
"""Views whose rows are in other parts of the page."""


def page(results: Results, examples: Sequence[Part] = (), added: Sequence[Part] = ()) -> Document:
    """The document of `report.html`, with the part of its examples if there is one, after the parts that are added."""
    drawn, plain = ([*_views(results, charts)] for charts in (True, False))
    first = (*added, verdict_part(results), *tiles(results), *heat(results), *drawn)
    parts = (*first, *_languages(results, examples), *examples, *plain)
    columns = [column for table in within(parts, Table) for column in table.columns]
    about = Part("What was run", "run", tuple(what_was_run(results)))
    return Document(TITLE, (*parts, about, Part("Legend", "legend", (Terms(tuple(legend(columns, results))),))))


def languages_of(results: Results, examples: Sequence[Part] = ()) -> tuple[Part, ...]:
    """The part of each language: its changes, the rows that views have of it, and links to its examples."""
    folds = (block for part in examples for block in part.blocks if isinstance(block, Part))
    return tuple(languages(results, [view for view in views() if view.name in _DIVIDED], [*folds]))


def _languages(results: Results, examples: Sequence[Part]) -> Iterator[Part]:
    if parts := languages_of(results, examples):
        yield Part("Languages", "languages", parts)


def _views(results: Results, charts: bool) -> Iterator[Part]:
    """The views with charts, or those without, but for those that are divided among the languages."""
    wanted = [view for view in views() if view.name not in _ELSEWHERE and (view.charts is not None) == charts]
    for view in wanted:
        if blocks := tuple(view_blocks(view, results)):
            yield Part(view.title, _anchor(view), _shown(blocks[1:], _anchor(view)), folded=not charts)


def _anchor(view: View) -> str:
    return view.name.replace("_", "-")


def _shown(blocks: tuple[Block, ...], anchor: str) -> tuple[Block, ...]:
    """The blocks of a view; beside charts its tables are folded."""
    drawn = tuple(block for block in blocks if not isinstance(block, Table))
    if not any(isinstance(block, Chart) for block in drawn):
        return blocks
    tables = tuple(block for block in blocks if isinstance(block, Table))
    charts = [block for block in drawn if isinstance(block, Chart)]
    text = [block for block in drawn if not isinstance(block, Chart)]
    first, more = ([chart for chart in charts if chart.more == later] for later in (False, True))
    folded = [Part("More charts", f"{anchor}-more", _described(more), level=3, folded=True)] if more else []
    numbers = Part("In numbers", f"{anchor}-numbers", tables, level=3, folded=True)
    return (*text, *_described(first), *folded, numbers)


def _described(charts: list[Chart]) -> tuple[Block, ...]:
    """Charts after what they show in words, once for all that show the same."""
    return (*map(Paragraph, dict.fromkeys(chart.description for chart in charts)), *charts)
