"""Writes a page for each language of a kept report: `python -m tools.language_pages reports/NAME`.

`reports/NAME/languages/CODE.md` is the part of the language on the report's page, with what is missing by name;
`CODE.svg` draws change against realised strength. The frames and the manifest of the report are all that is read.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import altair as alt
import polars as pl

from robust_xtreme.files import store
from robust_xtreme.report.blocks import Block, Bullets, Heading, Hyperlink, Paragraph, Prose, ReportPage
from robust_xtreme.report.charts.drawing import alone
from robust_xtreme.report.charts.style import COLOURS, config
from robust_xtreme.report.document import results_of
from robust_xtreme.report.html_page import languages
from robust_xtreme.report.renderers import markdown
from robust_xtreme.report.summary import headline_cells
from robust_xtreme.report.view import Results

_NOTE: Final = (
    "Changes are perturbed minus clean, in points, the largest loss first; `edits` is the share of characters that the "
    "noise changed. All terms are in the legend of the "
)
_INK: Final = "#57606a"


def pages(results: Results) -> Iterator[tuple[str, str]]:
    """The code and the page of each language of a report."""
    for part in languages(results):
        picture = Prose(f"![Change against realised strength]({part.anchor}.svg)")
        head: tuple[Block, ...] = (Paragraph((_NOTE, Hyperlink("report", "../report.md"), ".")), picture)
        blocks = (*head, *part.blocks, *_missing(results, part.anchor))
        yield part.anchor, markdown.render(ReportPage(part.title, blocks))


def _missing(results: Results, code: str) -> Iterator[Block]:
    missing = [cell for cell in results.manifest.get("not_run", []) if cell["language"] in (code, "")]
    if lines := dict.fromkeys(f"{cell.get('condition') or cell['split']}: {cell['detail']}" for cell in missing):
        yield Heading("Not run")
        yield Bullets(tuple(lines))


def picture(cells: pl.DataFrame) -> dict[str, Any]:
    """Change against realised strength, a panel for each task, a line for each perturbation."""
    columns = ("column", "perturbation", "change", "change_low", "change_high")
    rows = cells.select(*columns, realised=(100 * pl.col("grapheme_edit_rate")).round(2)).to_dicts()
    scale = alt.Scale(range=[*COLOURS])
    base = alt.Chart(alt.InlineData(rows)).encode(
        x=alt.X("realised:Q", title="% of characters edited"),
        color=alt.Color("perturbation:N", title=None, scale=scale, legend=alt.Legend(symbolOpacity=1)),
    )
    band = base.mark_area(opacity=0.15).encode(y=alt.Y("change_low:Q", title="change, points"), y2="change_high:Q")
    line = base.mark_line(point=True).encode(y="change:Q")
    chart = alt.layer(band, line).properties(width=170, height=140).facet(alt.Facet("column:N", title=None), columns=4)
    return {**chart.to_dict(), "config": config()}


def write(folder: Path) -> None:
    """Write the pages of a report, and their pictures."""
    results = results_of(folder)
    cells = headline_cells(results).filter(pl.col("change").is_not_null())
    store.make_folder(folder / "languages")
    for code, page in pages(results):
        store.write_text(folder / "languages" / f"{code}.md", page)
        drawn = alone(picture(cells.filter(language=code)), _INK)
        store.write_text(folder / "languages" / f"{code}.svg", drawn)


def main() -> None:
    """Write the pages of a report that is named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    write(folder)
    print(folder / "languages")


if __name__ == "__main__":
    main()
