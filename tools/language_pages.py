"""Writes a page for each language of a kept report: `python -m tools.language_pages reports/NAME`.

`reports/NAME/languages/CODE.md` contains the language's perturbed cells, sorted by realised strength within each
perturbation, what the tokenizer makes of them, and what is missing by name; `CODE.svg` draws change against realised
strength. The frames and the manifest of the report are all that is read.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
import polars as pl
from matplotlib.figure import Figure
from tools.front_page import MUTED, SETTINGS

from robust_xtreme.languages import language
from robust_xtreme.report.cells import headline, perturbed
from robust_xtreme.report.renderers.markdown import table
from robust_xtreme.report.tables import tables
from robust_xtreme.report.view import SECTION, Results
from robust_xtreme.results import store
from robust_xtreme.results.manifest import MANIFEST, frame_of, read_manifest
from robust_xtreme.results.schema import DELTAS, SCORES
from robust_xtreme.sinks import markdown, visible

_CELLS: Final = (
    "perturbation", "strength", "nominal", "clean", "value", "change", "no_claim", "change_low", "change_high",
    "p_adjusted", "grapheme_edit_rate", "label_risk", "change_without_risk", "marks",
    "unchanged", "not_applicable", "truncated", "inert", "overlap",
)  # fmt: skip
_TOKENS: Final = (
    "perturbation", "strength", "tokens_per_word_clean", "tokens_per_word", "unknown_clean", "unknown", "tokens_changed"
)  # fmt: skip
_COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000", "#999933")
_NOTE: Final = (
    "Changes are perturbed minus clean, in points, each with its 95 % interval; `edits` is the share of characters "
    "that the noise changed in this language. All terms are in the legend of the [report](../report.md)."
)


def pages(folder: Path) -> Iterator[tuple[str, str, pl.DataFrame]]:
    """The code, the page and the cells of each language of a report."""
    manifest = read_manifest(folder / MANIFEST)
    scores, deltas = (frame_of(folder, f"{frame.name}.csv", frame, manifest) for frame in (SCORES, DELTAS))
    results = Results(scores, deltas, manifest)
    rows = headline(perturbed(results), results).filter(pl.col("scope") == "all")
    rows = rows.sort("task", "fields_rank", "perturbation", "grapheme_edit_rate", maintain_order=True)
    for code in rows.get_column("language").unique().sort():
        cells = rows.filter(pl.col("language") == code)
        yield code, _page(code, cells, manifest), cells


def _page(code: str, cells: pl.DataFrame, manifest: Mapping[str, Any]) -> str:
    named = cells.with_columns(pl.concat_str("task", pl.lit(", "), "metric", pl.lit(", "), "fields").alias(SECTION))
    title = f"# {language(code).name} ({code})"
    blocks = [title, _NOTE, f"![Change against realised strength]({code}.svg)", "## Changes", *_tables(named, _CELLS)]
    blocks += ["## Tokens", *_tables(named, _TOKENS)]
    missing = [cell for cell in manifest.get("not_run", []) if cell["language"] in (code, "")]
    details = dict.fromkeys(f"{cell.get('condition') or cell['split']}: {cell['detail']}" for cell in missing)
    lines = [f"- {markdown(visible(detail))}" for detail in details]
    blocks += ["## Not run", "\n".join(lines)] if lines else []
    return "\n\n".join(blocks) + "\n"


def _tables(named: pl.DataFrame, columns: tuple[str, ...]) -> Iterator[str]:
    for block in tables(named.select(SECTION, *columns)):
        yield f"### {markdown(block.title)}"
        yield table(block)


def _picture(cells: pl.DataFrame) -> str:
    """Change against realised strength, a panel for each task, a line for each perturbation, as SVG."""
    drawn = cells.filter(pl.col("no_claim").is_null())
    tasks = drawn.get_column("task").unique(maintain_order=True).to_list()
    with mpl.rc_context(SETTINGS):
        figure = Figure(figsize=(2.6 * max(len(tasks), 1) + 1.6, 2.6), layout="constrained")
        for index, task in enumerate(tasks):
            axes = figure.add_subplot(1, len(tasks), index + 1)
            _panel(axes, drawn.filter(pl.col("task") == task), dict(zip(_names(cells), _COLOURS * 2, strict=False)))
            axes.set_title(task, fontsize=9)
        figure.supxlabel("realised strength, % of characters edited", fontsize=8)
        figure.supylabel("change, points", fontsize=8)
        if tasks:
            figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside right upper", fontsize=7)
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None})
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines()) + "\n"


def _names(cells: pl.DataFrame) -> list[str]:
    return cells.get_column("perturbation").unique().sort().to_list()


def _panel(axes: Any, cells: pl.DataFrame, colours: Mapping[str, str]) -> None:
    axes.axhline(0, color=MUTED, linewidth=0.8)
    for name in _names(cells):
        line = cells.filter(pl.col("perturbation") == name)
        realised = [100 * rate for rate in line.get_column("grapheme_edit_rate")]
        change, low, high = (line.get_column(column).to_list() for column in ("change", "change_low", "change_high"))
        axes.plot(realised, change, "o-", color=colours[name], markersize=3, linewidth=1, label=name)
        if None not in (*low, *high):
            axes.fill_between(realised, low, high, color=colours[name], alpha=0.15, linewidth=0)
    axes.spines[["top", "right"]].set_visible(False)


def main() -> None:
    """Write the pages of a report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    store.make_folder(folder / "languages")
    for code, page, cells in pages(folder):
        store.write_text(folder / "languages" / f"{code}.md", page)
        store.write_text(folder / "languages" / f"{code}.svg", _picture(cells))
    print(folder / "languages")


if __name__ == "__main__":
    main()
