"""A factorial design: a model at all combinations of some levels of its settings, on the same clean and noisy items."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any, Final, final

import polars as pl

from robust_xtreme.core.errors import Mismatch, SpecError, UserError, counted, plain
from robust_xtreme.core.examples import digest
from robust_xtreme.core.keys import takes
from robust_xtreme.core.run_spec import FACTORS, RunSpec, evaluate_arguments, from_mapping
from robust_xtreme.files import csv, store
from robust_xtreme.files.schema import DESIGN, EFFECTS, validate
from robust_xtreme.gating.document import KINDS, LEGEND, contrast_table, is_shown, noise_name
from robust_xtreme.models.in_memory import named
from robust_xtreme.report import blocks as doc
from robust_xtreme.report.cells import language_name
from robust_xtreme.report.charts.figures import forest
from robust_xtreme.report.columns import interval, percent, points
from robust_xtreme.report.document import finished
from robust_xtreme.report.renderers import html, markdown
from robust_xtreme.report.view import Results
from robust_xtreme.run.run import Observer, evaluate, notebook_observer
from robust_xtreme.stats.benchmark import Task, tasks_of
from robust_xtreme.stats.claims import CLEAN, is_selected, unreached
from robust_xtreme.stats.contrasts import CELLS, NOISE, TASKS, Cells, Key, Levels, effects
from robust_xtreme.stats.run_cells import KEY, StoredCells, any_precision, headline_rows, headlines

_TOGETHER: Final = "dims"
"""The factor of which one run has all levels: a word of its inference names each, as `dims=256`."""

_WHOLE: Final = "prompts"
"""The factor whose levels contain commas."""

_BASE: Final = tuple(name for name in KEY if name not in ("inference", "condition"))
_MOST, _LONGEST, _WIDTH = 40, 400, 300
_METHOD: Final = (
    "The first level of a factor is its reference. An effect is the level minus the reference, in points, as a mean "
    "over all levels of the other factors, each of which counts equally. An interaction (x) is the effect at the "
    "second factor's level minus that at its reference: with noise it is below 0 by the points that the level costs "
    "more under the noise. All combinations answer the same items. The level of each is in design.csv. In the "
    "charts a thick line is the interval for all effects at once, a thin one that of the row, the tick minus the MDE."
)

Watch = Callable[[], AbstractContextManager[Observer]]
"""What shows the progress of a run."""


@dataclass(frozen=True, slots=True)
class FactorialDesign:
    """Factors with their levels, the first of each being the reference, and the runs that measure all combinations.

    `runs` are by the levels of all factors but `dims`, of which one run has all; each has a folder in `folder`.
    """

    folder: Path
    factors: Mapping[str, tuple[str, ...]]
    runs: Mapping[Levels, RunSpec]

    def levels(self) -> Iterator[tuple[Levels, dict[str, str], RunSpec]]:
        """All combinations in order, each also by the names of its factors, with the run that measures it."""
        for point in product(*self.factors.values()):
            by_name = dict(zip(self.factors, point, strict=True))
            yield point, by_name, self.runs[tuple(at for name, at in by_name.items() if name != _TOGETHER)]

    def __str__(self) -> str:
        sizes = " x ".join(f"{name} ({', '.join(map(_named, of))})" for name, of in self.factors.items())
        count = counted(len([*self.levels()]), "combination")
        return f"{sizes}: {count}, measured in {counted(len(self.runs), 'run')}."


def design_of(values: Mapping[str, Any]) -> FactorialDesign:
    """The design of the keys of a run, of which factors have several levels: a list, or a string with commas.

    Raises SpecError where none has, and for attacks, which choose items by the outcome.
    """
    levels = {name: _levels(name, values[name]) for name in FACTORS if name in values}
    factors = {name: several for name, several in levels.items() if len(several) > 1}
    if not factors:
        what = f"A factorial design needs two levels of one of {', '.join(FACTORS)}, as in --precision fp32,bf16"
        raise SpecError(f"{what}. For noise alone: robust-xtreme eval --help")
    outer = {name: several for name, several in factors.items() if name != _TOGETHER}
    fixed = {**values, **{name: ",".join(several) for name, several in levels.items()}}
    combined = [dict(zip(outer, point, strict=True)) for point in product(*outer.values())]
    specs = {tuple(point.values()): from_mapping({**fixed, **point}, "factorial") for point in combined}
    if any(spec.frozen or any(map(is_selected, spec.perturb)) for spec in specs.values()):
        what = "factorial takes no attack: it edits what one setting gets right, so that no other is compared on it"
        raise SpecError(f"{what}. See: robust-xtreme factorial --help")
    folder = Path(values.get("out") or f"runs/factorial-{digest(*(spec.identity() for spec in specs.values()))}")
    runs = {at: replace(spec, out=str(folder / f"eval-{spec.identity()}")) for at, spec in specs.items()}
    return FactorialDesign(folder, factors, runs)


def _named(level: str) -> str:
    """A level as pages have it: quoted where it has spaces or ends with a prompt that is empty."""
    return repr(level) if " " in level or level.endswith("=") else level or "default"


def _levels(name: str, given: Any) -> tuple[str, ...]:
    """The levels of a factor, each once."""
    several = list(map(str, given)) if isinstance(given, (list, tuple)) else [str(given)]
    return tuple(dict.fromkeys(several if name == _WHOLE else (at.strip() for at in ",".join(several).split(","))))


@final
@dataclass(frozen=True, slots=True)
class Factorial:
    """What a factorial design found: `effects` is an EFFECTS frame, `cells` a DESIGN frame with the levels.

    `left_out` names what was not measured at every combination, and why; `failed` is whether that is an error.
    """

    design: FactorialDesign
    effects: pl.DataFrame
    cells: pl.DataFrame
    left_out: tuple[str, ...]
    failed: bool

    @property
    def headline(self) -> pl.DataFrame:
        """The rows over the languages of each task, or those of its only language; what costs most first."""
        over_languages = self.effects.filter(kind=TASKS)["task"].to_list()
        rows = self.effects.filter((pl.col("kind") == TASKS) | ~pl.col("task").is_in(over_languages))
        return rows.sort("difference", *EFFECTS.key)

    @property
    def sentences(self) -> list[str]:
        """What is shown, in words: interactions first, then effects under noise, and on clean text."""
        tested = [row for row in self.headline.iter_rows(named=True) if row["p_adjusted"] is not None]
        claimed = [row for row in tested if is_shown(row) and not row["marks"]]
        unclaimed = sum(bool(row["marks"]) for row in tested)
        silent = f" {unclaimed} claim nothing: a clean level is not shown above chance." if unclaimed else ""
        count = f"Of {counted(len(tested), 'tested effect')} {len(claimed)} are shown.{silent}"
        if not tested:
            why = "fewer than 20 clusters of items, or none that differ"
            count = f"No effect is tested: {why}. Raise --limit, or add languages."
        claimed.sort(key=lambda row: (("change", "perturbed", "clean").index(row["scale"]), row["factor"] == NOISE))
        return [*map(sentence, claimed), count]


def sentence(row: Mapping[str, Any]) -> str:
    """A row of EFFECTS in words."""
    is_joint = row["joint_low"] is not None
    low, high = (row[f"joint_{name}" if is_joint else name] for name in ("low", "high"))
    is_cost, is_noise = row["difference"] < 0, row["factor"] == NOISE
    size = f"{points(abs(row['difference']))} {interval(-high, -low) if is_cost else interval(low, high)}"
    size += "" if is_joint else " (of this row alone)"
    where = language_name(row["language"]) if row["language"] else f"mean of {counted(row['cells'], 'language')}"
    what = noise_name(row) if is_noise else f"{row['factor']} {_compared(row, '')}"
    text = "on clean text" if row["condition"] == CLEAN else f"under {noise_name(row)}"
    if not row["other"]:
        end = "on average over all combinations" if is_noise else text
        return f"{row['task']}, {where}: {what} {'costs' if is_cost else 'gains'} {size} points {end}."
    against = "than on clean text" if row["other"] == NOISE else f"with {row['other']} {_compared(row, 'other_')}"
    return f"{row['task']}, {where}: {what} costs {size} {'more' if is_cost else 'fewer'} points {text} {against}."


def _compared(row: Mapping[str, Any], prefix: str) -> str:
    """A level of a factor and its reference."""
    return " instead of ".join(_named(row[f"{prefix}{name}"] or "") for name in ("level", "reference"))


def _effect(row: Mapping[str, Any]) -> str:
    """The factors of a row with their levels."""
    sides = ((row["factor"], row["level"]), (row["other"], row["other_level"]))
    return " x ".join(of if of == NOISE else f"{of} {_named(level or '')}" for of, level in sides if of)


def effect_table(rows: pl.DataFrame) -> doc.Table:
    """Rows of EFFECTS as `compare` shows its rows, with their names, clean level, realised strength and marks."""
    table, lines = contrast_table(rows), []
    for row, cells in zip(rows.iter_rows(named=True), table.rows, strict=True):
        facts = points(row["clean"]), percent(row["grapheme_edit_rate"]), row["marks"] or ""
        lines.append((_effect(row), *cells, *facts))
    more = [doc.TableColumn(name, right=name != "marks") for name in ("clean", "edits", "marks")]
    return doc.Table((doc.TableColumn("effect", folds=True, weight=9), *table.columns, *more), tuple(lines))


def summary(result: Factorial) -> Iterator[doc.Block]:
    """The design, what was found, and what is not in it."""
    yield doc.Paragraph(str(result.design))
    yield from map(doc.Paragraph, result.sentences)
    yield from (doc.Paragraph(f"Left out: {reason}.") for reason in result.left_out)


def document(result: Factorial) -> doc.ReportPage:
    """The page of a design; Markdown leaves out its charts."""
    found: list[doc.Block] = [*summary(result), doc.Paragraph(_METHOD), *_charts(result.headline)]
    for kind, title in KINDS.items():
        rows = result.effects.filter(kind=kind).sort("difference", *EFFECTS.key)
        if rows.height:
            found += [doc.Heading(title), effect_table(rows.head(_MOST))]
        if rows.height > _MOST:
            found.append(doc.Paragraph(f"{counted(rows.height - _MOST, 'more row')}: in effects.csv."))
    commands = tuple(line for spec in result.design.runs.values() for line in spec.commands()[:1])
    found += [doc.Heading("The runs"), doc.Code(commands, "sh")]
    found += [doc.Heading("Legend"), doc.Terms(tuple(LEGEND.items()))]
    return doc.ReportPage("Factorial design", tuple(found))


_TEXTS: Final = {"clean": "on clean text", "perturbed": "under {}", "change": "under {}, minus those on clean text"}


def _charts(rows: pl.DataFrame) -> Iterator[doc.Chart]:
    """Charts of each task: effects on a text, and their changes by the noise, what costs most first."""
    described = "Thick: the interval for all effects at once; thin: for the row alone. The tick is minus the MDE."
    names = {"change": "difference", "change_low": "low", "change_high": "high"}
    names |= {"joint_change_low": "joint_low", "joint_change_high": "joint_high"}
    drawn = rows.filter(pl.col("low").is_not_null()).rename({of: name for name, of in names.items()})
    for (task, scale, _), part in drawn.group_by("task", "scale", "condition", maintain_order=True):
        labels = pl.Series([_effect(row) for row in part.iter_rows(named=True)], dtype=pl.String)
        text = _TEXTS[str(scale)].format(noise_name(part.row(0, named=True)))
        shown = part.drop("grapheme_edit_rate").with_columns(language=labels, noise=pl.lit(""))
        spec = forest(shown, "effect in points (left: costs)")
        spec |= {"layer": spec["layer"][:-1], "width": _WIDTH}  # without the room for edits, which the table has
        yield doc.Chart(f"{task}: effects {text}", described, spec, str(task))


_ARGUMENTS: Final = {
    name: replace(argument, type="str | Sequence[str]") if name in FACTORS else argument
    for name, argument in evaluate_arguments().items()
    if name != "model"
}


@takes(_ARGUMENTS)
@plain()
def factorial(model: Any, *, tokenizer: Any = None, observer: Observer | None = None, **values: Any) -> Factorial:
    """Evaluate a model at all combinations of levels of its settings, and return what each level costs under noise.

    The values are those of `evaluate`; prompts, dims, precision, representation and normalise may be lists of levels,
    the first being the reference: `factorial("intfloat/multilingual-e5-small", tasks="tatoeba", precision=["fp32",
    "bf16"], perturb="char_noise:0.1")`. `.effects` is a frame of main effects and two-way interactions, `.cells` of the
    levels, `.sentences` says what is shown; `out` has them with the page. The same call continues where it was stopped.
    Raises what `evaluate` raises, and SpecError where no factor has two levels.
    """
    with named({**values, "model": model}, tokenizer) as (written, folders):
        shown = observer or notebook_observer() or Observer()
        return run(design_of(written), lambda: nullcontext(shown), folders)


def run(design: FactorialDesign, watch: Watch, in_memory: Mapping[str, Path] | None = None) -> Factorial:
    """Evaluate what is missing of a design, and write its frames and its page. Raises as `evaluate`."""
    _check_folder(design)
    missing: list[str] = []
    for number, (point, spec) in enumerate(design.runs.items(), 1):
        line = f"run {number} of {len(design.runs)} ({', '.join(map(_named, point)) or 'all levels'})"
        try:
            with watch() as observer:
                observer.say(line)
                observer.task_run(line)
                made = evaluate(spec, observer=observer, in_memory=in_memory)
        except UserError as error:
            raise UserError(f"The {line} cannot be measured: {error}") from error
        left = made.failed + made.unread
        missing += [f"{cell['task']}/{cell['language']}, {cell['reason']} in {line}" for cell in left]
    result = _found(design, missing)
    frames = ((EFFECTS, result.effects), (DESIGN, result.cells))
    with store.lock(design.folder):
        for frame, rows in frames:
            store.write_frame(design.folder / f"{frame.name}.parquet", rows, frame)
            store.write_frame(design.folder / f"{frame.name}.csv", rows, frame)
        files = {f"{frame.name}.csv": csv.dump(rows, frame) for frame, rows in frames}
        store.write_text(design.folder / "report.md", markdown.render(document(result)))
        store.write_text(design.folder / "report.html", html.page(document(result), files))
    return result


def _check_folder(design: FactorialDesign) -> None:
    """Raise UserError where the folder has runs of another design."""
    own = {Path(spec.out).name for spec in design.runs.values()}
    if strange := sorted(path.name for path in design.folder.glob("eval-*") if path.name not in own):
        what = f"{design.folder} contains runs of another design, such as {strange[0]}"
        raise UserError(f"{what}. Name another folder: --out DIR")


def _found(design: FactorialDesign, missing: list[str]) -> Factorial:
    """The effects in finished runs. Raises Mismatch where no cell was measured at every combination."""
    stored, scored, tasks = dict[Levels, Cells](), list[pl.DataFrame](), dict[str, Task]()
    for point, by_name, spec in design.levels():
        results = finished(Path(spec.out))
        tasks |= tasks_of(results.manifest["tasks"])
        scores = _scored(results.scores, tasks, by_name.get(_TOGETHER))
        names = {_bare(key): key for key in scores.with_columns(any_precision()).select(KEY).iter_rows()}
        stored[point] = _reader(Path(spec.out), results, names)
        levels = " ".join(f"{name}={at or 'default'}" for name, at in by_name.items())
        scored.append(scores.with_columns(levels=pl.lit(levels)))
    table, cell = pl.concat(scored), (*_BASE, "condition")
    is_whole = (pl.len().over(cell) == len(scored)) & pl.col("unreached").is_null().all().over(cell)
    measured = table.filter(is_whole).filter((pl.col("condition") == CLEAN).any().over(_BASE))
    lost = table.join(measured, on=cell, how="anti").sort(cell).group_by(cell, maintain_order=True)
    failed = bool(missing)
    for row in lost.agg("levels", pl.col("unreached").drop_nulls().first()).iter_rows(named=True):
        failed |= row["unreached"] is None
        why = row["unreached"] or f"measured only at {'; '.join(row['levels'])}"
        missing.append(f"{row['task']}/{row['language']} {row['condition']}, {why}")
    if measured.is_empty():
        raise Mismatch(f"No cell is measured at every combination of levels: {'; '.join(missing)[:_LONGEST]}")
    known = {_bare(key) for key in measured.select(KEY).iter_rows()}
    found = _beside(effects(stored, known, design.factors, tasks), measured)
    return Factorial(design, found, validate(measured.select(*DESIGN.columns), DESIGN), tuple(missing), failed)


def _scored(scores: pl.DataFrame, tasks: Mapping[str, Task], dims: str | None) -> pl.DataFrame:
    """The cells of a model by the headline metrics, with why noise does not reach one; of several dims those of one."""
    rows = headlines(scores, tasks).with_columns(unreached())
    return rows.filter(pl.col("inference").str.split(" ").list.contains(f"{_TOGETHER}={dims}")) if dims else rows


def _reader(folder: Path, results: Results, names: Mapping[Key, Key]) -> Cells:
    """Gives the cells of a finished run by keys that name no inference."""
    rows, where = headline_rows(folder, results.manifest, results.scores)
    cells = StoredCells(folder / "stats.parquet", [part.read for part in rows], where)
    return lambda key: cells[names[key]]


def _bare(key: Key) -> Key:
    """A key that names no inference."""
    at = KEY.index("inference")
    return (*key[:at], "", *key[at + 1 :])


def _beside(found: pl.DataFrame, cells: pl.DataFrame) -> pl.DataFrame:
    """EFFECTS with the mean clean level and realised strength of their cells, and marks where one claims nothing."""
    is_clean = pl.col("condition") == CLEAN
    facts = cells.with_columns(
        clean=pl.col("value").filter(is_clean).mean().over(_BASE),
        near=pl.col("near_chance").filter(is_clean).any().over(_BASE),
    )
    mean = (pl.col("clean", "grapheme_edit_rate").mean(), pl.col("near").any())
    parts = []
    for kind, names in ((CELLS, [*_BASE, "condition"]), (TASKS, ["task", "split", "metric", "condition"])):
        rows = found.filter(kind=kind).drop("clean", "grapheme_edit_rate", "marks")
        parts.append(rows.join(facts.group_by(names).agg(*mean), on=names, how="left"))
    marked = pl.concat(parts).with_columns(marks=pl.when("near").then(pl.lit("not shown above chance")))
    return validate(marked.select(*EFFECTS.columns), EFFECTS).sort(EFFECTS.key)
