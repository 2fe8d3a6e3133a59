"""The folder of a study: its frames, its facts and its page, written when cells are complete."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, final

import polars as pl

from robust_xtreme import __version__
from robust_xtreme.core import registry
from robust_xtreme.core.errors import DataError, Mismatch, MissingData, UserError, counted
from robust_xtreme.core.sinks import Trusted, one_line
from robust_xtreme.core.specs import TaskSpec
from robust_xtreme.files import csv, store
from robust_xtreme.files.frames import assembled
from robust_xtreme.files.manifest import MANIFEST, frame_of, read_manifest
from robust_xtreme.files.schema import CONDITIONS, MODELS, SCORES
from robust_xtreme.report import blocks as doc
from robust_xtreme.report.charts.style import INK, LOSS, config, extent
from robust_xtreme.report.columns import interval, percent, points, signed
from robust_xtreme.report.renderers import html, markdown
from robust_xtreme.stats.claims import unreached
from robust_xtreme.stats.degrade import without_fields
from robust_xtreme.stats.shapes import fits
from robust_xtreme.stats.stages import OWN
from robust_xtreme.studies.claims import contrasts
from robust_xtreme.studies.design import ARMS, CLEAN, CONTRASTS, VALUES
from robust_xtreme.studies.study_file import Study, StudyCell, cells, parsed

FACTS: Final = "study.json"
FILE: Final = "study.toml"
LOG: Final = "log.txt"
WRITTEN: Final = ("values.csv", "arms.csv", "contrasts.csv", FACTS, FILE, "report.md", "report.html", LOG)
"""What a study writes into its folder, beside its runs and evaluations."""

_FRAMES: Final = (VALUES, ARMS, CONTRASTS)
_SHAPE: Final = {
    **dict.fromkeys(("name", "scale", "from", "design", "version", "data"), str),
    **dict.fromkeys(("seeds", "seed", "cells"), int),
    "missing": [str],
    "absent": [str],
    "power": ({"effect": (int, float), "sd": (int, float)}, type(None)),
}


@final
@dataclass(frozen=True, slots=True)
class Outcome:
    """What a study computed: its frames and facts. `study` is what its file describes."""

    study: Study
    values: pl.DataFrame
    arms: pl.DataFrame
    contrasts: pl.DataFrame
    facts: Mapping[str, Any]

    @property
    def sentences(self) -> list[str]:
        """The findings in words, and what they are true of."""
        study = self.study
        found = study.design.sentences(self.contrasts, self.values, self.arms, study.analysis)
        return [*found, f"Scope: {study.scope.removesuffix('.')}."] if study.scope else found


def outcome(study: Study, work: Path) -> Outcome:
    """The outcome of the cells that are complete. Raises MissingData where none is."""
    every = cells(study)
    complete = [cell for cell in every if cell.complete(work)]
    if not complete:
        raise MissingData(f"No cell of the study {study.name} is complete in {work}.")
    values, arms = collected(complete, work)
    known = set(values.select("target", "language").iter_rows())
    wanted = {(cell.target, code) for cell in complete for code in cell.evaluate.get("languages", ())}
    facts = {
        "name": study.name,
        "scale": study.scale,
        "from": str(study.train.get("from", "")),
        "design": study.design.name,
        "version": __version__,
        "seeds": study.seeds,
        "seed": study.seed,
        "data": study.data,
        "cells": len(every),
        "missing": [cell.name for cell in every if cell not in complete],
        "power": asdict(study.power) if study.power else None,
        "absent": sorted(f"{task} {code}" for task, code in wanted if (task, code.partition("@")[0]) not in known),
    }
    return Outcome(study, values, arms, contrasts(study.design.estimands(values, arms, study.analysis)), facts)


_LONGEST: Final = 200


def collected(cells: Iterable[StudyCell], work: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """VALUES and ARMS of complete cells. Raises DataError for a damaged evaluation, Mismatch where data changed."""
    values: list[dict[str, Any]] = []
    arms: list[dict[str, Any]] = []
    data: dict[tuple[str, str], tuple[str, Path]] = {}
    for cell in cells:
        folder = cell.evaluation(work)
        try:
            manifest = read_manifest(folder / MANIFEST)
            models = frame_of(folder, "models.csv", MODELS, manifest)
            values += _values(cell, folder, models, manifest)
            arms.append(_arm(cell, models.row(0, named=True)))
        except (UserError, KeyError, TypeError, ValueError, pl.exceptions.PolarsError) as error:
            cure = f"Remove the folder {folder}: the same command computes it again."
            raise DataError(folder, f"is damaged ({one_line(str(error))[:_LONGEST]}). {cure}") from error
        _check_data(cell, folder, manifest["units"], data)
    return assembled(values, VALUES).sort(VALUES.key), assembled(arms, ARMS).sort(ARMS.key)


def _check_data(cell: StudyCell, folder: Path, units: Any, data: dict[tuple[str, str], tuple[str, Path]]) -> None:
    """Raise Mismatch where an evaluation has other data of a target and language than one before."""
    for unit in units:
        known, other = data.setdefault((cell.target, unit["language"]), (unit["data"], folder))
        if unit["data"] != known:
            what = f"{cell.target} {unit['language']} has other data in {folder} than in {other}"
            raise Mismatch(f"{what}: the data changed meanwhile. Study them in another folder: --out DIR")


def _values(cell: StudyCell, folder: Path, models: pl.DataFrame, manifest: Any) -> list[dict[str, Any]]:
    """The rows of VALUES of a cell, without conditions that do not reach its texts, which are no robustness."""
    task: TaskSpec = registry.load("task", cell.target)
    conditions = frame_of(folder, "conditions.csv", CONDITIONS, manifest)
    known = {row["condition"]: row for row in conditions.iter_rows(named=True)}
    flags = {flag for text in models["overlap_flags"].drop_nulls() for flag in json.loads(text)}
    flagged = f"{OWN}: {cell.target}" in flags
    scores = frame_of(folder, "scores.csv", SCORES, manifest).filter(
        unreached().is_null(), scope="all", metric=task.metrics[0], task=cell.target
    )
    first = ",".join(task.perturbed[0])  # the fields that the task's drop is first named by
    rows = [(row, known[row["condition"]]) for row in scores.iter_rows(named=True)]
    return [_value(cell, row, noise, flagged) for row, noise in rows if noise["fields"] in (None, "", first)]


def _value(cell: StudyCell, row: dict[str, Any], condition: dict[str, Any], flagged: bool) -> dict[str, Any]:
    """A row of VALUES: a condition is named without its fields, a frozen attack by its own, as all read its texts."""
    frozen = condition["kind"] == "frozen"
    return {
        "arm": cell.arm,
        "target": cell.target,
        "language": row["language"],
        "setting": row["setting"],
        "family": _family(condition),
        "condition": f"frozen {condition['name']}" if frozen else without_fields(condition["condition"]),
        "strength": float(condition["nominal"] or 0),
        "seed": cell.seed,
        "metric": row["metric"],
        "value": row["value"],
        "chance": row["chance"] or 0.0,
        "above_chance": row["above_chance"],
        "n": row["n"],
        "left_out": OWN if flagged else "overlap" if row["overlap"] else None,
    }


def _family(condition: dict[str, Any]) -> str:
    match condition["kind"]:
        case "clean":
            return CLEAN
        case "attack" | "frozen":
            return "attack"
        case "external":
            return "other"
    if condition["name"].startswith("natural"):
        return "natural"
    scripts = condition["kind"] == "transliteration" or condition["name"] in _of_other_scripts()
    return "script" if scripts else "typo"


@cache
def _of_other_scripts() -> frozenset[str]:
    """The perturbations that write letters of another script or layout."""
    installed, rule = registry.installed("perturbation"), "rule_4_noise_belongs_to_the_script"
    return frozenset(name for name in installed if rule in registry.load("perturbation", name).waives)


def _arm(cell: StudyCell, model: dict[str, Any]) -> dict[str, Any]:
    """The row of ARMS of a cell's model, from its row of MODELS."""
    stages = json.loads(model["stages"] or "[]")
    learned = [stage["task"] for stage in stages if stage["kind"] == "intermediate"]
    tasks = {name for names in learned for name in names.split(",") if name}
    extra = registry.names("intermediate")
    families = {registry.load("intermediate" if name in extra else "task", name).family for name in tasks}
    kept = ("intermediate_set", "intermediate_examples", "params", "params_nonembedding", "base", "base_kind")
    return {
        "arm": cell.arm,
        "seed": cell.seed,
        "target": cell.target,
        **{name: model[name] for name in kept},
        "tasks": len(tasks),
        "diversity": model["diversity"],
        "formats": float(len(families)) if tasks else None,
        "steps": sum(int(stage.get("steps") or 0) for stage in stages),
        "model": cell.name,
    }


def write(result: Outcome, folder: Path) -> None:
    """Write frames, facts, the study's file and the page. Raises DiskError."""
    store.make_folder(folder)
    for frame, data in zip(_FRAMES, (result.values, result.arms, result.contrasts), strict=True):
        store.write_frame(folder / f"{frame.name}.csv", data, frame)
    store.write_text(folder / FILE, result.study.text)
    store.write_json(folder / FACTS, result.facts)
    for name, content in pages(result).items():
        store.write_text(folder / name, content)


def read(folder: Path) -> Outcome:
    """The outcome that a folder contains. Raises MissingData, DataError."""
    if not (folder / FACTS).is_file():
        raise MissingData(f"{folder} is not the folder of a study: it has no {FACTS}.")
    facts = store.read_json(folder / FACTS)
    if not fits(facts, _SHAPE) or facts["design"] not in registry.names("design"):
        raise DataError(folder / FACTS, "names no design of a study, or is damaged. The same command writes it again.")
    given = {key: facts[key] for key in ("seeds", "seed", "scale", "from")}
    name = facts["name"].removesuffix(f"_{facts['scale']}")
    study = parsed(folder / FILE, name, {key: value for key, value in given.items() if value != ""})
    values, arms, contrasted = (store.read_frame(folder / f"{frame.name}.csv", frame) for frame in _FRAMES)
    return Outcome(study, values, arms, contrasted, facts)


RANGE: Final = (0.2, 0.8)
"""The share of the way from chance to 100 within which a cell can rise and fall."""

_MOST: Final = 60
_WIDTH: Final = 300
_ROW: Final = 18
_TITLES: Final = {
    "primary": "The declared endpoint",
    "secondary": "Declared contrasts",
    "control": "Controls",
    "exploratory": "Explored",
}
_NOTES: Final = {
    "primary": "The one contrast that the study was planned for.",
    "secondary": "p is corrected over all rows that share a correction.",
    "control": "What the same steps do without the information that is studied.",
    "exploratory": "No sign is claimed here: p is Benjamini and Hochberg's, and the rows are for the next study.",
}
LEGEND: Final = {
    "estimate": "The mean over training seeds, in the unit of the scale; differences are the first minus the second.",
    "interval": "Student's t over training seeds, at 95 %; a study with fewer than two seeds has none.",
    "p adj.": "Against 0, corrected by Holm over the rows that share a correction; 1 where two scales differ in sign.",
    "mde": "The smallest effect that this scale alone would claim with 80 % power, corrected, by the measured spread.",
    "claim": "higher or lower, from five seeds on, where the interval excludes 0 and p adj. is below 0.05; else empty.",
    "scale": "points; corrected: points of the way from chance to 100; logit: of that share; none: another number.",
    "between 20 and 80 %": "Share of cells whose clean mean is that far on the way from chance to 100.",
}


def pages(outcome: Outcome) -> dict[str, Trusted]:
    """`report.md` and `report.html`: the same frames give the same bytes."""
    frames = zip(_FRAMES, (outcome.values, outcome.arms, outcome.contrasts), strict=True)
    files = {f"{frame.name}.csv": csv.dump(data, frame) for frame, data in frames}
    plain = document(outcome, charts=False)
    return {"report.md": markdown.render(plain), "report.html": html.page(document(outcome, charts=True), files)}


def document(outcome: Outcome, *, charts: bool) -> doc.ReportPage:
    """The document of a study; Markdown has no charts."""
    study = outcome.study
    asked = filter(None, (study.question, f"It would be refuted by this: {study.refuted}", study.about))
    blocks: list[doc.Block] = [doc.Bullets(tuple(_in_short(outcome)))]
    blocks += [doc.Heading("The question"), *map(doc.Paragraph, asked), *_findings(outcome, charts)]
    for tier in _TITLES:
        blocks += _contrasts(outcome.contrasts, tier)
    blocks += [*_levels(outcome), *_models(outcome), *_made(outcome)]
    return doc.ReportPage(f"Study: {study.name}", (*blocks, doc.Heading("Legend"), doc.Terms(tuple(LEGEND.items()))))


def _in_short(outcome: Outcome) -> Iterator[str]:
    """What is claimed elsewhere, what was found, at which power, and what cannot be said."""
    study, primary = outcome.study, outcome.contrasts.filter(tier="primary", scale="points")
    if study.claims:
        yield f"What is claimed: {study.claims}"
    yield f"What was found here: {outcome.sentences[0]}"
    known = [row["mde"] for row in primary.iter_rows(named=True) if row["mde"] is not None]
    scales = "" if outcome.contrasts.filter(tier="primary").height == primary.height else " and by points alone"
    planned = f"planned for an effect of {study.power.effect:g}" if study.power else "not planned"
    seeds = counted(outcome.facts["seeds"], "training seed")
    found = f"80 % from {known[0]:.2f} points on, by the measured spread{scales}" if known else "no spread is measured"
    yield f"Power: {found}; {planned}, with {seeds}."
    if study.scope:
        yield f"What cannot be said: anything beyond {study.scope.removesuffix('.')}."
    if study.deviations:
        yield f"It deviates from its first design: {' '.join(study.deviations)}"


def _findings(outcome: Outcome, charts: bool) -> Iterator[doc.Block]:
    yield doc.Heading("What was found")
    yield doc.Bullets(tuple(outcome.sentences))
    if missing := outcome.facts["missing"]:
        size = f"{len(missing)} of {outcome.facts['cells']} cells"
        yield doc.Paragraph(f"Not complete: {size}: {', '.join(missing[:_MOST])}.")
    if absent := outcome.facts["absent"]:
        yield doc.Paragraph(f"Without data, and in no value: {', '.join(absent[:_MOST])}.")
    if low := _at_chance(outcome.values):
        what = "Shown above chance on clean text in fewer than half of the training seeds"
        why = "Between such levels no gain can be seen, and averages have them all the same"
        yield doc.Paragraph(f"{what}: {'; '.join(low[:_MOST])}. {why}.")
    drawn = outcome.contrasts.filter(pl.col("tier").is_in(["primary", "secondary"]), scale="points")
    if charts and drawn.height:
        described = "Each contrast in points, its mean over training seeds and its 95 % interval; thick: the endpoint."
        yield doc.Chart("Contrasts in points", described, _forest(_in_order(drawn)))


def _at_chance(values: pl.DataFrame) -> list[str]:
    """The targets and languages, with arms, in which most of the seeds that have a bound are not above chance."""
    bounds = values.filter(pl.col("above_chance").is_not_null(), condition=CLEAN)
    shares = bounds.group_by("target", "language", "arm").agg(shown=(pl.col("above_chance") > 0).mean())
    arms = shares.filter(pl.col("shown") < 0.5).sort("arm").group_by("target", "language").agg("arm")
    rows = arms.sort("target", "language").iter_rows()
    return [f"{target} {language} ({', '.join(names)})" for target, language, names in rows]


def _in_order(rows: pl.DataFrame) -> list[dict[str, Any]]:
    """The first rows of a tier or two, by their names, with numbers in these by their size."""

    def order(row: dict[str, Any]) -> list[Any]:
        names = (re.split(r"(\d+)", row[name]) for name in _NAMES)
        return [row["tier"], *([part.zfill(9) if part.isdigit() else part for part in parts] for parts in names)]

    return sorted(rows.iter_rows(named=True), key=order)[:_MOST]


def _forest(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """A point and an interval for each row."""
    shown = ("estimate", "low", "high", "tier")
    data = [{"name": _name(row), **{key: row[key] for key in shown}} for row in rows]
    names = [row["name"] for row in data]
    axis = {"ticks": False, "domain": False, "minExtent": extent(names)}
    row = {"field": "name", "type": "nominal", "sort": names, "title": None, "axis": axis}
    thick = {"field": "tier", "type": "nominal", "legend": None, "scale": {"range": [4, 1.5]}, "sort": ["primary"]}
    across = {"x": {"field": "low", "type": "quantitative"}, "x2": {"field": "high"}}
    value = {"field": "estimate", "type": "quantitative", "title": "points"}
    zero = {"data": {"values": [{"zero": 0}]}, "mark": {"type": "rule", "color": INK, "opacity": 0.5}}
    return {
        "data": {"values": data},
        "layer": [
            {**zero, "encoding": {"x": {"field": "zero", "type": "quantitative"}}},
            {"mark": {"type": "rule", "color": LOSS}, "encoding": {**across, "y": row, "strokeWidth": thick}},
            {"mark": {"type": "point", "filled": True, "color": INK}, "encoding": {"x": value, "y": row}},
        ],
        "width": _WIDTH,
        "height": _ROW * len(data),
        "config": config(),
    }


def _name(row: dict[str, Any]) -> str:
    """The names of a contrast in one line."""
    arms = " - ".join(filter(None, (row["arm"], row["reference"])))
    return ", ".join(filter(None, (row["contrast"], arms, row["target"], row["language"], row["condition"])))


def _contrasts(frame: pl.DataFrame, tier: str) -> Iterator[doc.Block]:
    """A row for each contrast of a tier; columns that name none are left out."""
    rows = frame.filter(tier=tier)
    if not rows.height:
        return
    shown = _in_order(rows)
    names = [name for name in _NAMES if any(row[name] for row in shown)]
    lines = [(*(row[name] for name in names), str(row["seeds"]), *_numbers(row)) for row in shown]
    inner: tuple[doc.Block, ...] = (doc.Paragraph(_NOTES[tier]), doc.grid((*names, *_NUMBERS), lines, len(names)))
    if rows.height > _MOST:
        inner += (doc.Paragraph(f"{counted(rows.height - _MOST, 'more row')}: in contrasts.csv."),)
    if tier == "exploratory":
        yield doc.Section(_TITLES[tier], tier, inner, folded=True)
    else:
        yield doc.Heading(_TITLES[tier])
        yield from inner


_NAMES: Final = ("contrast", "arm", "reference", "target", "language", "condition", "scale")
_NUMBERS: Final = ("seeds", "estimate", "interval", "p adj.", "mde", "claim")


def _numbers(row: dict[str, Any]) -> tuple[str, ...]:
    low, high, p, mde = (row[name] for name in ("low", "high", "p_adjusted", "mde"))
    if row["scale"] in ("logit", "none"):
        estimate, bounds = f"{row['estimate'] + 0.0:+.3f}", "" if low is None else f"[{low:.3f}, {high:.3f}]"
        smallest = "" if mde is None else f"{mde:.2f}"
    else:
        estimate, bounds, smallest = signed(row["estimate"]), interval(low, high), "" if mde is None else points(mde)
    return estimate, bounds, "" if p is None else f"{p:.3f}", smallest, row["sign"] or ""


def _levels(outcome: Outcome) -> Iterator[doc.Block]:
    yield doc.Heading("Levels")
    yield doc.Paragraph(
        "Means over languages, and over training seeds with their standard deviation in brackets; chance is the mean "
        "of the best answers that need no text."
    )
    values = outcome.values
    named = values.select("family", "condition", "strength").unique().sort("family", "condition")
    conditions = [CLEAN, *(condition for condition in named["condition"] if condition != CLEAN)]
    means = (
        values.group_by("arm", "target", "condition", "seed")
        .agg(pl.col("value").mean(), pl.col("chance").mean())
        .group_by("arm", "target", "condition")
        .agg(pl.col("value").mean(), sd=pl.col("value").std(), chance=pl.col("chance").mean())
    )
    known = {(row["arm"], row["target"], row["condition"]): row for row in means.iter_rows(named=True)}
    arms = [name for name in outcome.study.arms if name in set(values["arm"])]
    for target in outcome.study.targets:
        there = [condition for condition in conditions if any((arm, target, condition) in known for arm in arms)]
        if there:
            yield _level_table(target, arms, there, known)
    low, high = RANGE
    yield doc.Paragraph(
        f"{percent(in_range(values))} of the cells (arm, target, language) have a clean mean between {low:.0%} and "
        f"{high:.0%} of the way from chance to 100, so that they can rise and fall."
    )


def _level_table(target: str, arms: Sequence[str], conditions: Sequence[str], known: dict[Any, Any]) -> doc.Table:
    lines = []
    for arm in arms:
        cells = [known.get((arm, target, condition)) for condition in conditions]
        chance = next((cell["chance"] for cell in cells if cell), None)
        if any(cells):
            lines.append((arm, *(_level(cell) for cell in cells), points(chance)))
    return doc.grid((target, *conditions, "chance"), lines, 1, target)


def _level(cell: dict[str, Any] | None) -> str:
    if cell is None:
        return ""
    return points(cell["value"]) + ("" if cell["sd"] is None else f" ({points(cell['sd'])})")


def in_range(values: pl.DataFrame) -> float:
    """The share of cells (arm, target, language) whose clean mean over seeds is within RANGE."""
    clean = values.filter(condition=CLEAN).group_by("arm", "target", "language")
    share = (pl.col("value").mean() - pl.col("chance").mean()) / (100 - pl.col("chance").mean())
    shares = clean.agg(share=share)["share"]
    return float(shares.is_between(*RANGE).mean() or 0.0)  # type: ignore[arg-type]  # of a column of booleans


def _models(outcome: Outcome) -> Iterator[doc.Block]:
    rows = outcome.arms.group_by("arm", maintain_order=True).agg(
        pl.first("intermediate_set", "intermediate_examples", "tasks", "diversity", "params_nonembedding", "base_kind"),
        steps=pl.col("steps").max(),
    )
    heads = ("arm", "intermediate set", "examples", "tasks", "diversity", "steps", "non-embedding parameters", "base")
    lines = []
    for row in rows.iter_rows(named=True):
        learned = row["intermediate_set"] or "", _count(row["intermediate_examples"]), str(row["tasks"] or "")
        diversity = "" if row["diversity"] is None else f"{row['diversity']:.3f}"
        size = _count(row["steps"]), _count(row["params_nonembedding"]), row["base_kind"] or ""
        lines.append((row["arm"], *learned, diversity, *size))
    yield doc.Heading("Models")
    yield doc.Paragraph("One of each arm. Steps are those of all stages, of the target with the most.")
    kept = [number for number in range(len(heads)) if any(line[number] for line in lines)]
    shown = ([line[number] for number in kept] for line in lines)
    yield doc.grid([heads[number] for number in kept], shown, len({0, 1} & {*kept}))


def _count(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _command(facts: Mapping[str, Any]) -> str:
    """The command of a study; where it has data in a folder, this is DIR."""
    name, data = facts["name"].removesuffix(f"_{facts['scale']}"), facts["data"]
    given = {"scale": facts["scale"], "data": data if data in ("hub", "mini") else "DIR", "from": facts["from"]}
    return " ".join(("robust-xtreme study", name, *(f"--{key} {value}" for key, value in given.items() if value)))


def _made(outcome: Outcome) -> Iterator[doc.Block]:
    facts = outcome.facts
    yield doc.Heading("How it was made")
    size = f"{facts['cells']} cells (an arm, a training seed, a target), {facts['seeds']} training seeds"
    yield doc.Paragraph(f"robust-xtreme {facts['version']}: {size}. The same command continues where it was stopped.")
    yield doc.Code((_command(facts),), "sh")
    if outcome.study.deviations:
        yield doc.Paragraph("What was done otherwise than the design said before the first result:")
        yield doc.Bullets(outcome.study.deviations)
    if power := facts["power"]:
        spread = f"a spread over seeds of {power['sd']:g}"
        yield doc.Paragraph(f"Planned with an effect of {power['effect']:g} and {spread}, in its unit.")
    file = doc.Code(tuple(outcome.study.text.splitlines()), "toml")
    yield doc.Section("The study's file", "file", (file,), folded=True)
