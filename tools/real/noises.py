"""Keeps the runs of `python -m tools.real --noise` under reports/noise-real, and writes what they show.

    python -m tools.real.noises [OUT] [FOLDER]

`FOLDER/runs` has the frames of every run, `FOLDER/tables` the cells and the means over languages.
Beside the change under a noise stands that under typos of a keyboard on the same fields of the same items, at the same
share of edited characters in each language: between two strengths it is interpolated, and so are the bounds of the
mean's interval, as if the errors of both were the same. Beyond the strongest typos there is none.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from math import ceil
from pathlib import Path
from typing import Any, Final, NamedTuple

import polars as pl
from tools import keep_report
from tools.real import keep
from tools.real.learned import METRICS, TITLES, outdated, wrapped
from tools.real.stages import EVAL, FINISHED, NOISE, OUT, Asked, stages
from tools.real.tables import PLACE, Estimate, change, read

from robust_xtreme.core import registry
from robust_xtreme.core.languages import ALL_LANGUAGES, language
from robust_xtreme.files import store
from robust_xtreme.noise.suites import suite
from robust_xtreme.stats.averages import LANGUAGES

FOLDER: Final = Path("reports/noise-real")
TYPOS: Final = "keyboard_typo"

_CELL: Final = ("task", "noise", "fields")
_SWITCH: Final = "code_switch"
_CHANNEL: Final = "ocr_channel"
_SUITE: Final = "@channel"


class Section(NamedTuple):
    """A title of the page, the runs whose noises it has, how the names of these begin, and what is said of them.

    In what is said `{TASK NOISE}` is the change of a row. A test holds these sentences against the tables.
    """

    title: str
    runs: Sequence[str]
    noises: str
    note: str = ""


SECTIONS: Final = (
    Section(
        "Slips of typing and errors of writing",
        ("panx", "xnli", "qa"),
        "natural_",
        "So people's errors cost less than typos, which is shown in XNLI at 0.05, where the intervals are apart; and "
        "from 2 % of the characters on they do cost points. That slips and errors of writing differ is not shown: "
        "{XNLI natural_typing:0.05} and {XNLI natural_writing:0.05} there.",
    ),
    Section(
        "English in other languages",
        ("xnli_mixed", "qa"),
        _SWITCH,
        "A tenth of the words of XNLI costs {XNLI code_switch:0.1@with=en}, as slips of 2 % of the characters do, and "
        "three tenths no more than slips of 5 %: for what they change, English words cost the least of all here.",
    ),
    Section(
        "Other languages in English",
        ("xnli_into",),
        _SWITCH,
        "Hindi costs twice as much where it is typed in Latin letters as in its own script, with intervals apart. "
        "With `@script=latin` words of the other language are typed in Latin letters; names among them are respelt.",
    ),
    Section(
        "Print that is read, and misread letters",
        ("panx_channel",),
        "ocr_",
        "Much of what the channel does to whole sentences, stray signs and spaces, is rare in tagged texts such as "
        "these ([measured](../../docs/ocr.md)).",
    ),
)


class NoiseRow(NamedTuple):
    """The mean over languages of a noise in a task: its change, its realised rates, and typos at that rate of edits."""

    task: str
    noise: str
    languages: int
    clean: float
    change: Estimate
    edits: float
    tokens: float
    typos: Estimate | None


def rows_of(levels: pl.DataFrame, means: pl.DataFrame) -> Iterator[NoiseRow]:
    """The noises of a run but typos, of the tables of that run; with one language the cells are the means."""
    cells = levels.group_by(_CELL, maintain_order=True).agg(
        pl.col("edits").mean(),
        (pl.col("tokens") / pl.col("tokens_clean") - 1).mean().alias("added"),
        pl.col("clean", "drop", "low", "high").mean(),
        pl.len(),
    )
    found = {_cell(row): row for row in means.filter(kind=LANGUAGES).iter_rows(named=True)}
    every = [
        (row, found.get(_cell(row), row))
        for row in cells.iter_rows(named=True)
        if row["len"] == 1 or _cell(row) in found
    ]
    for row, mean in every:
        if not row["noise"].startswith(TYPOS):
            curve = [(other["edits"], change(typos)) for other, typos in every if _is_typos(other, row)]
            same = levels.filter(task=row["task"], fields=row["fields"])
            yield NoiseRow(
                task=row["task"],
                noise=asked(*_cell(row)),
                languages=len(mean.get("languages", "").split()) or 1,
                clean=row["clean"],
                change=change(mean),
                edits=row["edits"],
                tokens=row["added"],
                typos=_by_language(same, row["noise"], interpolated(row["edits"], curve)),
            )


def _cell(row: Mapping[str, Any]) -> tuple[str, str, str]:
    task, noise, fields = (row[name] for name in _CELL)
    return task, noise, fields


def asked(task: str, noise: str, fields: str) -> str:
    """The spec that asks for a noise on these fields in a task; it names them where it has no others by default."""
    default = registry.load("task", task).perturbed
    return noise if default == (tuple(fields.split(",")),) else f"{noise}@fields={fields}"


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


def _is_typos(row: Mapping[str, Any], beside: Mapping[str, Any]) -> bool:
    """Whether these are typos on the same fields of a task."""
    return bool(all(row[name] == beside[name] for name in ("task", "fields")) and row["noise"].startswith(TYPOS))


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
    about = f"{_ABOUT}{'; '.join(_tasks(levels))}.{outdated(folder)}"
    lines = ["# Noise as it happens, beside typos at the same rate", "", *wrapped(about, ""), ""]
    lines += [line for legend in (_COLUMNS, _NAMES) for line in wrapped(legend, "- ")]
    for section in SECTIONS:
        runs = [f"{NOISE}-{run}" for run in section.runs]
        every = [row for run in runs for row in rows_of(levels.filter(run=run), means.filter(run=run))]
        if rows := [row for row in every if row.noise.startswith(section.noises)]:
            cells = levels.filter(pl.col("run").is_in(runs), pl.col("noise").str.starts_with(section.noises))
            said = [*_said(rows), *_near(cells), *_degrees(cells), filled(section.note, rows)]
            lines += ["", f"## {section.title}", "", *wrapped(" ".join(said), ""), "", *_table(rows)]
    return "\n".join([*lines, "", *wrapped(" ".join([_LIMITS, *_notes(folder)]), "")]) + "\n"


def _tasks(levels: pl.DataFrame) -> Iterator[str]:
    """Each task with its metric, its languages, and how many clusters of items these have."""
    for (task,), cells in levels.group_by("task", maintain_order=True):
        codes = " ".join(cells["language"].unique().sort())
        few, many = (int(cells.select(found).item()) for found in (pl.min("clusters"), pl.max("clusters")))
        clusters = f"{few} to {many}" if few < many else f"{many}"
        yield f"{TITLES[str(task)]} ({METRICS[cells['metric'][0]]}; {codes}; {clusters})"


def _said(rows: Sequence[NoiseRow]) -> Iterator[str]:
    """What each noise costs at most, and what it costs beside typos."""
    names = dict.fromkeys(row.noise.partition(":")[0] for row in rows)
    by_name = {name: [row for row in rows if row.noise.startswith(f"{name}:")] for name in names}
    most = [min(found, key=lambda row: row.change.value) for found in by_name.values()]
    yield f"The most: {'; '.join(f'`{row.noise}`, {TITLES[row.task]}, {row.change.text()}' for row in most)}."
    ratios = {
        name: sorted(row.change.value / row.typos.value for row in found if row.typos and row.typos.value)
        for name, found in by_name.items()
    }
    parts = []
    for name, found in ratios.items():
        if found:
            parts.append(f"`{name}` {' to '.join(dict.fromkeys(f'{ratio:.2f}' for ratio in (found[0], found[-1])))}")
    if parts:
        count = f"{sum(map(len, ratios.values()))} of {len(rows)} rows"
        yield f"The change divided by that of typos at the same edits, in {count}: {', '.join(parts)}."


def _near(cells: pl.DataFrame) -> Iterator[str]:
    """The languages that are not shown above chance, and what they do to the means."""
    near = pl.col("above_chance") < 0
    marked = cells.filter(near).sort(pl.col("high") - pl.col("low"), descending=True)
    if marked.is_empty():
        return
    pairs = marked.select("task", "language").unique(maintain_order=True).rows()
    named = ", ".join(f"{TITLES[task]} in {language(code).name}" for task, code in pairs)
    widest = change(marked.row(0, named=True)).text().partition(" ")[2]
    moved = cells.group_by(_CELL).agg(moved=(pl.col("drop").filter(~near).mean() - pl.col("drop").mean()).abs())
    most, those = moved.select(pl.max("moved")).item(), "it" if len(pairs) == 1 else "them"
    without = "" if most is None else f"; without {those} no mean differs by more than {ceil(10 * most) / 10}"
    yield f"Counted, but not shown above chance when clean: {named}, with intervals up to {widest}{without}."


def _notes(folder: Path) -> Iterator[str]:
    """What the runs note of the data of a language."""
    manifests = [store.read_json(path) for path in sorted(folder.rglob("manifest.json"))]
    for note in dict.fromkeys(note for manifest in manifests for note in manifest["notes"]):
        (task, _, code), text = note.partition(":")[0].partition(" "), note.partition(": ")[2]
        if task in TITLES and code in ALL_LANGUAGES:
            yield f"{TITLES[task]} in {language(code).name}: {text.partition('. ')[0]}."


def filled(note: str, rows: Sequence[NoiseRow]) -> str:
    """What is said of a section, with the changes of its rows."""
    changes = {f"{TITLES[row.task]} {row.noise}": row.change.text() for row in rows}
    return re.sub(r"\{([^}]+)\}", lambda match: changes.get(match[1], "-"), note)


def _degrees(cells: pl.DataFrame) -> Iterator[str]:
    """The degrees of the channel here, and in its suite."""
    here = cells.filter(pl.col("noise").str.starts_with(_CHANNEL))["noise"].unique(maintain_order=True)
    if not here.is_empty():
        degrees = " and ".join(noise.partition(":")[2] for noise in here)
        others = [cell.nominal for spec in suite(_SUITE).specs if spec.name == _CHANNEL for cell in spec.cells()]
        yield f"The degree of `{_CHANNEL}` is {degrees} here, and {' and '.join(others)} in the suite `{_SUITE}`."


def _table(rows: Sequence[NoiseRow]) -> list[str]:
    heads = ("task", "noise", "languages", "clean", "change", "edits", "tokens", f"`{TYPOS}` at these edits")
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for row in rows:
        typos = row.typos.text() if row.typos else "-"
        rates = f"{100 * row.edits:.1f} % | {100 * row.tokens:+.0f} %"
        first = f"{TITLES[row.task]} | `{row.noise}` | {row.languages} | {row.clean:.1f} | {row.change.text()}"
        lines.append(f"| {first} | {rates} | {typos} |")
    return lines


_ABOUT: Final = (
    "Heads of multilingual-e5-small, trained in English for minutes, that of XQuAD on TyDi QA ([make "
    "real](../../docs/how-to/real.md)). Metric, languages and clusters of items in each: "
)
_COLUMNS: Final = (
    "*clean*: points without noise, the mean over *languages* (their number), each counted alike; *change*: points "
    "under noise minus clean, same items, with a 95 % interval; *edits*: characters changed or put in, of those of "
    "the noised fields (a whole field can have more than 100 %); *tokens*: the rise of tokens per word."
)
_NAMES: Final = (
    "*noise*: a name and its nominal strength. [`natural_typing` and `natural_writing`](../../docs/natural.md): "
    "slips, and errors of writing; [`code_switch`](../../docs/code-switch.md): words of the translation, with "
    "`@switch=fields` the whole field; [`ocr_channel`](../../docs/ocr.md): printed, made bad and read; `ocr_noise`: "
    "letters taken for what was read for them there."
)
_LIMITS: Final = (
    "One encoder, one head a task, one draw of each noise. Intervals are for other items of these languages, not "
    "corrected for many rows; the most were chosen, and are a little too extreme. Typos at the same edits are "
    "interpolated in each language, and so is the interval of their mean; '-': the strongest typos on these fields "
    "make fewer edits in some language, or there are none. Two changes of the same items differ less by chance than "
    "their intervals say. Runs, cells, changes without edits of numbers and negators: `runs`, `tables`."
)


def write(out: Path, folder: Path) -> list[Path]:
    """Keep what is finished and write the page; returns the runs."""
    known = store.read_json(out / FINISHED) if (out / FINISHED).is_file() else {}
    names = [stage.name for stage in stages(Asked(out / "data", out=out, noise=True)) if stage.kind == EVAL]
    runs = [out / name for name in names if name in known]
    for run in runs:
        keep_report.keep_frames(run, folder / "runs" / run.name, keep.commands(run.name, known))
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
