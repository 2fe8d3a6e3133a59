"""Keeps the runs of `python -m tools.real --noise` under reports/noise-real, and writes what they show.

    python -m tools.real.noises [OUT] [FOLDER]

`FOLDER/runs` has every run as `tools/keep_report.py` keeps it, `FOLDER/tables` the cells and the means over languages.
Beside the change under a noise stands that under typos of a keyboard on the same items, at the same share of edited
characters in each language: between two strengths it is interpolated, and so are the bounds of the mean's interval, as
if the errors of both were the same. Beyond the strongest typos there is none.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, NamedTuple

import polars as pl
from tools import keep_report
from tools.real import keep
from tools.real.learned import TITLES, outdated, wrapped
from tools.real.stages import EVAL, FINISHED, NOISE, OUT, Asked, stages
from tools.real.tables import PLACE, Estimate, change, read

from robust_xtreme.core.languages import language
from robust_xtreme.files import store
from robust_xtreme.stats.averages import LANGUAGES

FOLDER: Final = Path("reports/noise-real")
TYPOS: Final = "keyboard_typo"

SECTIONS: Final[Mapping[str, Sequence[str]]] = {
    "Slips of typing and errors of writing": ("panx", "xnli", "qa"),
    "English in other languages": ("xnli_mixed", "qa"),
    "Other languages in English": ("xnli_into",),
    "Print that is read": ("panx_channel",),
}
"""The titles of the page, and the runs whose noises they have."""

_NOISES: Final = {
    "Slips of typing and errors of writing": "natural_",
    "Print that is read": "ocr_",
}
_SWITCH: Final = "code_switch"


class NoiseRow(NamedTuple):
    """The mean over languages of a noise in a task: its change, its realised rates, and typos at that rate of edits."""

    task: str
    noise: str
    clean: float
    change: Estimate
    edits: float
    tokens: float
    typos: Estimate | None


def rows_of(levels: pl.DataFrame, means: pl.DataFrame) -> Iterator[NoiseRow]:
    """The noises of a run but typos, of the tables of that run; with one language the cells are the means."""
    cells = levels.group_by("task", "noise", maintain_order=True).agg(
        pl.col("edits").mean(),
        (pl.col("tokens") / pl.col("tokens_clean") - 1).mean().alias("added"),
        pl.col("clean", "drop", "low", "high").mean(),
        pl.len(),
    )
    found = {(row["task"], row["noise"]): row for row in means.filter(kind=LANGUAGES).iter_rows(named=True)}
    every = [
        (row, change(found.get((row["task"], row["noise"]), row)))
        for row in cells.iter_rows(named=True)
        if row["len"] == 1 or (row["task"], row["noise"]) in found
    ]
    for row, changed in every:
        if not row["noise"].startswith(TYPOS):
            curve = [(other["edits"], typos) for other, typos in every if _is_typos(other, row["task"])]
            at_rate = _by_language(levels.filter(task=row["task"]), row["noise"], interpolated(row["edits"], curve))
            yield NoiseRow(row["task"], row["noise"], row["clean"], changed, row["edits"], row["added"], at_rate)


def _by_language(levels: pl.DataFrame, noise: str, mean: Estimate | None) -> Estimate | None:
    """The mean over languages of typos at the edits of each, with the interval of typos at the mean of the edits."""
    if mean is None:
        return None
    changes = []
    for code, rate in levels.filter(noise=noise).select("language", "edits").iter_rows():
        cells = levels.filter(pl.col("noise").str.starts_with(TYPOS), language=code)
        found = interpolated(rate, [(cell["edits"], change(cell)) for cell in cells.iter_rows(named=True)])
        if found is None:
            return None
        changes.append(found.value)
    moved = sum(changes) / len(changes) - mean.value
    return Estimate(mean.value + moved, mean.low + moved, mean.high + moved)


def _is_typos(row: Mapping[str, Any], task: str) -> bool:
    return bool(row["task"] == task and row["noise"].startswith(TYPOS))


def interpolated(rate: float, curve: Sequence[tuple[float, Estimate]]) -> Estimate | None:
    """The change at a rate of edits, between those at two others; none at 0, and None beyond the highest."""
    points = [(0.0, Estimate(0.0, 0.0, 0.0)), *sorted(curve)]
    for (low, before), (high, after) in pairwise(points):
        if low <= rate <= high:
            share = (rate - low) / (high - low) if high > low else 0.0
            return Estimate(*((1 - share) * one + share * other for one, other in zip(before, after, strict=True)))
    return None


def page(folder: Path) -> str:
    """The page, in Markdown."""
    levels, means = (read(folder, name) for name in ("levels", "means"))
    lines = ["# Noise as it happens, beside typos at the same rate", "", *wrapped(_ABOUT + outdated(folder), "")]
    for title, runs in SECTIONS.items():
        rows = [
            row
            for run in runs
            for row in rows_of(*(frame.filter(run=f"{NOISE}-{run}") for frame in (levels, means)))
            if row.noise.startswith(_NOISES.get(title, _SWITCH))
        ]
        if rows:
            lines += ["", f"## {title}", "", *wrapped(_said(rows), ""), "", *_table(rows)]
    near = levels.filter(pl.col("above_chance") < 0).select("task", "language").unique(maintain_order=True)
    marked = ", ".join(f"{TITLES[task]} in {language(code).name}" for task, code in near.iter_rows())
    marks = f" Not shown above chance when clean: {marked}." if marked else ""
    return "\n".join([*lines, "", *wrapped(_LIMITS + marks, "")]) + "\n"


def _said(rows: Sequence[NoiseRow]) -> str:
    """What the noises cost beside typos, and the noise that costs most."""
    most = min(rows, key=lambda row: row.change.value)
    ratios = sorted(round(row.change.value / row.typos.value, 2) for row in rows if row.typos)
    among = " to ".join(f"{ratio:g}" for ratio in dict.fromkeys((*ratios[:1], *ratios[-1:])))
    beside = f" Beside typos at the same edits: {among} times." if ratios else ""
    return f"The most: `{most.noise}`, {TITLES[most.task]}, {most.change.text()}.{beside}"


def _table(rows: Sequence[NoiseRow]) -> list[str]:
    heads = ("task", "noise", "clean", "change", "edits", "tokens", f"`{TYPOS}` at these edits")
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for row in rows:
        typos = row.typos.text() if row.typos else "-"
        rates = f"{100 * row.edits:.1f} % | {100 * row.tokens:+.0f} %"
        first = f"{TITLES[row.task]} | `{row.noise}` | {row.clean:.1f} | {row.change.text()}"
        lines.append(f"| {first} | {rates} | {typos} |")
    return lines


_ABOUT: Final = (
    "Heads of multilingual-e5-small ([make real](../../docs/how-to/real.md)), changes in points with 95 % intervals, "
    "means over languages. *edits*: characters changed or put in, of the text's; *tokens*: how many more a word has. "
    "[`natural_typing` and `natural_writing`](../../docs/natural.md): slips, and errors of writing; "
    "[`code_switch`](../../docs/code-switch.md): words of the translation, with `@switch=fields` whole hypotheses or "
    "questions; [`ocr_channel`](../../docs/ocr.md): printed, made bad and read; `ocr_noise`: letters that were misread."
)
_LIMITS: Final = (
    "One encoder, one head a task, one draw of each noise. Typos at the same edits are interpolated in each language; "
    "'-': more edits than the strongest typos made. Items of a language are the same under all noises, so that two "
    "changes differ less by chance than their intervals say. Runs, cells and commands: `runs`, `tables`."
)


def write(out: Path, folder: Path) -> list[Path]:
    """Keep what is finished and write the page; returns the runs."""
    known = store.read_json(out / FINISHED) if (out / FINISHED).is_file() else {}
    names = [stage.name for stage in stages(Asked(out / "data", out=out, noise=True)) if stage.kind == EVAL]
    runs = [out / name for name in names if name in known]
    for run in runs:
        keep_report.keep(run, folder / "runs" / run.name, keep.commands(run.name, known))
    store.make_folder(folder / PLACE)
    keep.write_tables(folder / PLACE, runs, iter(()))
    store.write_text(folder / "README.md", page(folder))
    return runs


def main() -> None:
    """Keep what is finished, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, nargs="?", default=OUT)
    parser.add_argument("folder", type=Path, nargs="?", default=FOLDER)
    words = parser.parse_args()
    print(f"{words.folder / 'README.md'}: {len(write(words.out, words.folder))} runs")


if __name__ == "__main__":
    main()
