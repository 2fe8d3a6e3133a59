"""Compares a run with a baseline under a policy: what the commands `compare` and `gate` show."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final, final

import numpy as np
import polars as pl

from robust_xtreme.core.errors import Mismatch, counted, shown
from robust_xtreme.core.examples import RETRIEVAL, SPAN_QA, digest
from robust_xtreme.core.metric import ALL, named
from robust_xtreme.core.sinks import Trusted, visible
from robust_xtreme.files.frames import to_pandas
from robust_xtreme.files.schema import CELL, COMPARISONS, SIDES, build
from robust_xtreme.gating import document
from robust_xtreme.gating.baselines import Baseline, check_comparable
from robust_xtreme.gating.document import Gate, code_of, contrast_table, differences_sentence, is_shown, linked
from robust_xtreme.gating.identities import same_weights
from robust_xtreme.gating.policy import Policy
from robust_xtreme.gating.two_models import own_settings, pair_settings, side_by_side, with_shared_keys
from robust_xtreme.gating.verdicts import OVER_SEEDS, STILL, across_seeds, add_equivalence, decide, unpaired
from robust_xtreme.noise.conditions.condition import FROZEN
from robust_xtreme.report import blocks as doc
from robust_xtreme.report import heat
from robust_xtreme.report.cells import brief, language_name
from robust_xtreme.report.charts.figures import forest
from robust_xtreme.report.columns import interval, p_value, points
from robust_xtreme.report.document import finished, names_of
from robust_xtreme.report.renderers.html import notebook_blocks
from robust_xtreme.report.samples.choosing import PREDICTED, rows_of
from robust_xtreme.report.summary import UNDECIDED, told
from robust_xtreme.stats.claims import is_selected
from robust_xtreme.stats.contrasts import CELLS, CHANGE, PERTURBED, TASKS, Key, contrasts
from robust_xtreme.stats.degrade import parts_of, without_fields
from robust_xtreme.stats.intervals import TOP, cluster_sums, estimate_level
from robust_xtreme.stats.merging import blocks
from robust_xtreme.stats.outcomes import MeanOfRuns
from robust_xtreme.stats.run_cells import KEY, any_precision

_VICTIM: Final = (
    "Texts that an attack left (frozen:) are harder for the model that was attacked, if that is one of them. "
)
_NAMED: Final = 6
"""The names that a sentence lists."""

_LONGEST_NAME: Final = 12
"""The characters of a name that stands in the headings of several columns."""

_FIRST, _MOST, _DRAWN = 12, 60, 40
"""The rows of a table that are shown at once, those of it and its fold, and those of the chart of cells."""


@final
@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs that were compared: titles, COMPARISONS, what a reader has to know, examples of churn, and pages.

    `names` are what the headings of columns call the two, and `settings` says of each which model it is and which of
    its settings the other does not have.
    """

    baseline: str
    candidate: str
    frame: pl.DataFrame
    note: str
    worse: pl.DataFrame = field(default_factory=pl.DataFrame, repr=False)
    pages: tuple[str, ...] = ()
    names: tuple[str, ...] = ("baseline", "candidate")
    settings: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """What a page of it is called."""
        return f"{self.candidate} compared with {self.baseline}"

    def __repr__(self) -> str:
        return f"Comparison({shown(self.baseline)}, {shown(self.candidate)}, {counted(self.frame.height, 'row')})"

    def __str__(self) -> str:
        return visible(f"{self.title}. {doc.text_of(differences_sentence(self.frame))}")

    def to_pandas(self) -> Any:
        """`frame` as a frame of pandas. Raises UserError where pandas is not installed."""
        return to_pandas(self.frame)

    def _repr_html_(self) -> Trusted:
        """The main tables, which a notebook shows."""
        return notebook_blocks(self.title, self.blocks(_MOST))

    def blocks(self, most: int, is_brief: bool = False) -> Iterator[doc.Block]:
        """The verdict, both models beside each other by language, and tables of at most `most` rows each.

        Where it `is_brief`, the two beside each other stand for the table of cells, and for that of answers that
        changed if the settings differ, so that the answer fits on a screen.
        """
        first = [*self.beside(2 * most)]
        has_both = is_brief and any(isinstance(block, doc.Table) for block in first)
        without = [document.KINDS[CELLS], *([document.CHURN] if self.settings else [])] if has_both else []
        return document.comparison_blocks(self.frame, self.note, most, first, without)

    def beside(self, most: int) -> Iterator[doc.Block]:
        """The settings that differ, and both models beside each other, with at most `most` rows of languages."""
        if self.settings:
            yield doc.Bullets(self.settings)
        if not _has_margin(self.frame):  # with a margin the verdicts on it are the answer
            yield from side_by_side(self.frame, self.names, most)


def compare(baseline: Baseline, candidate: Baseline, equivalent: float | None = None) -> Comparison:
    """Compare one run with a baseline, perhaps with a margin in points, whatever the settings of their models are.

    Raises Mismatch as `compared`, but for other settings, and where it is not known which of several belong together;
    SpecError.
    """
    check_comparable(baseline, candidate, any_settings=True)
    shared_keys = pair_settings(baseline.keys, candidate.keys)
    baseline, candidate = map(with_shared_keys, (baseline, candidate), shared_keys)
    rows = compared(baseline, candidate).to_dicts()
    shares, worse = churn(baseline, candidate, shared_keys)
    for row in rows:
        row |= shares.get(tuple(row[name] for name in KEY), {}) if row["scale"] != CHANGE else {}
    note = comparison_note(baseline, candidate)
    if equivalent is not None:
        note += f" Margin of equivalence in points: {equivalent:.15g}."
        same = same_weights(baseline.facts, candidate.facts) - {key[KEY.index("task")] for key in shared_keys[0]}
        add_equivalence(rows, equivalent, {"", *same} if same >= baseline.tasks.keys() else same)
    frame = build(rows, COMPARISONS).sort(COMPARISONS.key)
    names = tuple(names_of([baseline.name, candidate.name]))
    if max(map(len, names)) > _LONGEST_NAME:
        names = ("baseline", "candidate")
    described = map(own_settings, (baseline, candidate), shared_keys, shared_keys[::-1])
    settings = tuple(f"{name}: {told}" for name, told in zip(names, described, strict=True)) if shared_keys[0] else ()
    pages = (*candidate.page, *baseline.page)
    return Comparison(baseline.title, candidate.title, frame, note, worse, pages, names, settings)


def compared(baseline: Baseline, candidate: Baseline) -> pl.DataFrame:
    """CONTRASTS of one run and a baseline: against the mean of its runs where these are several, paired by item.

    Where one of them has levels alone, without the outcomes of items, they are compared unpaired. Raises Mismatch where
    they were not measured on the same things.
    """
    check_comparable(baseline, candidate)
    if candidate.seeds > 1:
        raise Mismatch(f"{candidate.title} has {candidate.seeds} runs. Compare one run with them.")
    if baseline.paired and candidate.paired:
        runs = baseline.runs
        whole = contrasts(MeanOfRuns(runs), MeanOfRuns(candidate.runs * len(runs)), baseline.tasks)
    else:
        whole = unpaired(baseline.levels, candidate.levels)
    return whole if baseline.seeds == 1 else across_seeds(whole, baseline.levels, set(candidate.keys))


def comparison_note(baseline: Baseline, candidate: Baseline) -> str:
    """What the reader of a comparison has to know of the baseline."""
    is_paired = all(side.paired for side in (baseline, candidate, baseline.anchor) if side is not None)
    levels = "" if is_paired else "Unpaired, because a .parquet is absent: less is shown than item by item. "
    alone = "".join(_alone(*sides) for sides in ((baseline, candidate), (candidate, baseline)))
    conditions = {key[KEY.index("condition")] for key in set(baseline.keys) & set(candidate.keys)}
    alone += _VICTIM if any(name.startswith(FROZEN) for name in conditions) else ""
    tested = "These weights only; training again with another seed can differ more"
    if baseline.seeds > 1:
        tested = f"Tasks are tested over the training seeds of {baseline.seeds} runs of one recipe, other rows by items"
    precisions = [side.facts.get("precision", "") for side in (candidate, baseline)]
    tested += ". Precision: candidate {}, baseline {}".format(*precisions) if len({*precisions, ""}) > 2 else ""
    against = baseline.described if baseline.saved_at else f"the baseline, {baseline.described}"
    return f"{levels}{alone}{tested}. Compared: the candidate, {candidate.described}, with {against}."


def _alone(side: Baseline, other: Baseline) -> str:
    """The cells that one side alone has, in a sentence; nothing where there are none."""
    keys = sorted(set(side.keys) - set(other.keys))
    if not keys:
        return ""
    names = {column: sorted({key[KEY.index(column)] for key in keys}) for column in ("task", "language")}
    some = "; ".join(", ".join(each[:_NAMED]) + (", ..." if len(each) > _NAMED else "") for each in names.values())
    return f"Not compared: {counted(len(keys), 'cell')} that only {side.title} has ({some}). "


def gated(
    baseline: Baseline, candidate: Baseline, policy: Policy, today: date, marks: Mapping[Key, str] | None = None
) -> Gate:
    """The verdicts on a run against a baseline and its anchor, between which alpha is shared equally.

    `marks` are those of the run's cells. Against several runs of training seeds only what is tested over them is gated.
    Raises Mismatch as `compared`.
    """
    sides = [side for side in (baseline, baseline.anchor) if side is not None]
    verdicts = [_against(side, candidate, policy, today, marks, len(sides)) for side in sides]
    named = (frame.with_columns(against=pl.lit(name)) for frame, name in zip(verdicts, SIDES, strict=False))
    pages = (*candidate.page, *baseline.page)
    return Gate(pl.concat(named), policy, comparison_note(baseline, candidate), pages)


def _against(
    baseline: Baseline, candidate: Baseline, policy: Policy, today: date, marks: Mapping[Key, str] | None, sides: int
) -> pl.DataFrame:
    """VERDICTS on a run against one of the sides that share alpha."""
    before, after = set(baseline.keys), set(candidate.keys)
    frame = compared(baseline, candidate)
    if baseline.seeds > 1:
        whole, frame = frame, frame.filter((pl.col("kind") != CELLS) | (pl.col("method") == OVER_SEEDS))
        if whole.height and not frame.height:
            raise Mismatch(
                f"Against several runs a difference is tested over these, and here none can be: the levels of the "
                f"{baseline.seeds} runs do not vary. Gate against one of them."
            )
        for rule in policy.required:
            if any(map(rule.matches, whole.rows(named=True))) and not any(map(rule.matches, frame.rows(named=True))):
                what = f"The policy requires {rule.named}, and against several runs only whole tasks are tested"
                raise Mismatch(f"{what}. Compare with one run, or remove the requirement.")
    alone = (sorted(before - after), sorted(after - before))
    unchanged = same_weights(baseline.facts, candidate.facts)
    return decide(frame, policy, *alone, today, marks, unchanged, sides).verdicts


def marks_of(folder: Path) -> dict[Key, str]:
    """The marks of the perturbed cells of a finished run."""
    deltas = finished(folder).deltas.filter(pl.col("scope") == ALL, pl.col("marks").is_not_null())
    return {row[:-1]: row[-1] for row in deltas.with_columns(any_precision()).select(*KEY, "marks").iter_rows()}


ANCHOR: Final = "differences"
"""The address of the part."""

_TITLE: Final = "Differences"

_KEY: Final = (
    f"Candidate minus baseline, in points, of the levels. {UNDECIDED} and dotted: no difference is shown. Bold: means, "
    "of which the tables below say what is shown."
)
_DESCRIPTION: Final = "Candidate minus baseline in points, the largest fall first"
_JOINT: Final = "thick ones are valid for all levels of a kind at once, thin ones for the row alone"
_TICK: Final = "The tick is minus the MDE, which does not include what rare changes could hide."

_MARGINS: Final = (
    "Candidate minus baseline in points, the largest fall first, with the 95 % interval of the row alone; grey: a row "
    f"that does not fail. Dashed: the margin. {_TICK}"
)


def differences_part(comparison: Comparison, folder: Path | None = None) -> doc.Section:
    """The part of a page that compares two runs: a verdict, heat tables, charts, and the largest falls."""
    rows = comparison.frame.sort("difference", *document.ORDER)
    charts = [*_charts(rows)]
    blocks: list[doc.Block] = [
        doc.Paragraph(told(differences_sentence(rows))),
        doc.Bullets(tuple(told(line) for line in document.details(rows))),
        doc.Paragraph(linked(comparison.note, comparison.pages, folder)),
        *comparison.beside(_MOST),
        doc.Paragraph(_KEY),
        heat.scale(),
        *_heat(rows.filter(pl.col("kind") == CELLS, pl.col("scale") != CHANGE)),
        *(doc.Paragraph(chart.description) for chart in charts[:1]),
        *charts,
    ]
    for part in document.tables_of(rows):
        blocks += _tables(*part)
    return doc.Section(_TITLE, ANCHOR, (*blocks, document.legend(rows)))


def no_differences(why: str) -> doc.Section:
    """The part of a page of two runs that cannot be compared."""
    return doc.Section(_TITLE, ANCHOR, (doc.Paragraph(f"The differences of the two runs are not shown: {why}"),))


def _heat(cells: pl.DataFrame) -> Iterator[doc.Table]:
    """A table with clean text and each noise of each task in columns, languages by script in rows."""
    named = _named(cells)
    linked = {row["code"] for row in named if row["scale"] == PERTURBED}  # which have a part of the page
    several = _several_of(named)
    if named:
        yield heat.heat_table([_cell(row, several) for row in named], linked)


def _named(rows: pl.DataFrame) -> list[dict[str, Any]]:
    """Rows of CONTRASTS with their noise, without its fields, and the code of their language."""
    every = rows.iter_rows(named=True)
    return [{**row, "noise": brief(without_fields(row["condition"])), "code": code_of(row)} for row in every]


def _several_of(rows: list[dict[str, Any]]) -> dict[str, set[str]]:
    """What tells cells of one task, language and noise apart, each with the tasks where it does."""
    several: dict[str, set[str]] = {}
    for column in ("split", "setting", "inference", "condition"):
        values = {(row["task"], row["code"], row["noise"], row[column]) for row in rows}
        known = Counter(value[:-1] for value in values)
        several[column] = {task for (task, *_), many in known.items() if many > 1}
    return several


def _column(row: Mapping[str, Any], several: Mapping[str, set[str]]) -> str:
    """A task, with what else tells its columns apart."""
    values = {**row, "condition": parts_of(row["condition"])[2]}
    return " ".join((row["task"], *(values[name] for name, tasks in several.items() if row["task"] in tasks)))


def _cell(row: Mapping[str, Any], several: Mapping[str, set[str]]) -> heat.HeatCell:
    place, sign = (row["code"], _column(row, several), row["noise"]), "" if is_shown(row) else UNDECIDED
    bounds = "" if row["low"] is None else f", 95 % interval {interval(row['low'], row['high'])}"
    told = f"{points(row['baseline'])} to {points(row['candidate'])}{bounds}, p adj. {p_value(row['p_adjusted'])}"
    told = f"{place[1]}, {row['code']}, {row['noise']}: {told}, n {row['n']}, mde {points(row['mde'])}"
    return heat.HeatCell(*place, {heat.CHANGE: row["difference"]}, row["difference"], sign, told=told)


def gate_page(gate: Gate, folder: Path) -> doc.ReportPage:
    """The page of a gate, in a folder, with the intervals of rows that fail or are not decided, largest falls first."""
    first, note, rule, *more = document.gate_blocks(gate, folder)
    rows = gate.verdicts.filter(pl.col("low").is_not_null(), pl.col("verdict") != document.OK, against=SIDES[0])
    many = f"{gate.failing.height} of {counted(gate.verdicts['verdict'].count(), 'row')}"
    title = "Gate passed" if gate.passed else f"Gate failed: {many}"
    shown = rows.sort("difference").head(_FIRST)
    of = f"{shown.height} largest falls of the {rows.height} rows" if shown.height < rows.height else "rows"
    chart = [doc.Chart(f"The {of} that are not ok", _MARGINS, _drawn(shown))] if shown.height else []
    about = (doc.Paragraph(each.description) for each in chart)
    return doc.ReportPage(title, (first, note, rule, *about, *chart, *more))


def _drawn(rows: pl.DataFrame) -> dict[str, Any]:
    margins = [-margin for margin in rows["margin"].drop_nulls().unique()] if _has_margin(rows) else []
    margins += [-margin for margin in margins if "fails" not in rows.columns]  # equivalence has two
    cells = _as_cells(rows)
    if margins:  # what decides on a row is about it alone
        cells = cells.with_columns(pl.lit(None, pl.Float64).alias(f"joint_change_{end}") for end in ("low", "high"))
    return forest(cells, "difference in points (left: worse)", margins)


def _charts(rows: pl.DataFrame) -> Iterator[doc.Chart]:
    """The differences of tasks, and the cells with the largest falls."""
    levels = rows.filter(pl.col("scale") != CHANGE, pl.col("low").is_not_null())
    falls = levels.filter(pl.Series([is_shown(row) for row in levels.iter_rows(named=True)], dtype=pl.Boolean))
    falls = falls.filter(pl.col("kind") == CELLS, pl.col("difference") < -STILL)
    for title, drawn in (("By task", levels.filter(kind=TASKS)), ("Largest falls", falls.head(_DRAWN))):
        if drawn.height:
            yield doc.Chart(title, _described(levels), _drawn(drawn))


def _described(rows: pl.DataFrame) -> str:
    if _has_margin(rows):
        return f"{_DESCRIPTION}, with 90 % intervals, as in the tables. Dashed: the margin. {_TICK}"
    return f"{_DESCRIPTION}, with 95 % intervals{f': {_JOINT}' if rows['joint_low'].count() else ''}. {_TICK}"


def _has_margin(rows: pl.DataFrame) -> bool:
    return "margin" in rows.columns and rows["margin"].count() > 0


def _as_cells(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with the columns that the chart of changes takes."""
    named = _named(rows)
    several = _several_of(named)
    labels = [", ".join(filter(None, (language_name(row["code"]), _column(row, several)))) for row in named]
    low, high = ("bound", "upper") if _has_margin(rows) and "fails" not in rows.columns else ("low", "high")
    bounds = {"change_low": low, "change_high": high, "joint_change_low": "joint_low"}
    columns = {"change": "difference", **bounds, "joint_change_high": "joint_high"}
    return rows.select("condition", "mde", **{name: pl.col(column) for name, column in columns.items()}).with_columns(
        pl.Series("language", labels, dtype=pl.String),
        pl.Series("noise", [row["noise"] for row in named], dtype=pl.String),
        *([rows["fails"]] if "fails" in rows.columns else []),
    )


def _tables(title: str, heads: tuple[str, ...], rows: pl.DataFrame) -> Iterator[doc.Block]:
    """Some rows as they are sorted, of which most are folded."""
    yield doc.Heading(title, 3)
    yield contrast_table(rows.head(_FIRST), heads)
    folded = rows.slice(_FIRST, _MOST)
    if folded.height:
        more: list[doc.Block] = [contrast_table(folded, heads)]
        if (left := rows.height - _FIRST - _MOST) > 0:
            more.append(doc.Paragraph(f"{counted(left, 'more row')}: in the table to download."))
        address = f"{ANCHOR}-{title.split()[-1]}"
        yield doc.Section(counted(folded.height, "more row"), address, tuple(more), level=4, folded=True)


_EACH = 4
_ITEM = ("noise_seed", "example")


def churn(
    baseline: Baseline, candidate: Baseline, shared_keys: Sequence[Mapping[Key, Key]]
) -> tuple[dict[Key, dict[str, float | None]], pl.DataFrame]:
    """The shares of each cell in COMPARISONS, and some answers of each task and language that became wrong.

    `shared_keys` are the keys in this comparison of each side's cells by the keys in its folder, where these are
    others. The answers are PREDICTIONS of the candidate, columns of the cell as `cell_...`, with the baseline's as
    `..._clean`.
    """
    shares: dict[Key, dict[str, float | None]] = {}
    worse = []
    runs = (baseline, candidate) if baseline.paired and candidate.paired and baseline.seeds == 1 else ()
    answers = [_answers(run, names) for run, names in zip(runs, shared_keys, strict=bool(runs))]
    for key in sorted(set.intersection(*({*run.runs[0]} for run in runs)) if runs else ()):
        was, now = (_right(run.runs[0][key]) for run in runs)
        flags = {"harmful": was & ~now, "beneficial": now & ~was}
        rows = _both(answers, key, baseline.facts["tasks"][key[1]].get("family"))
        if rows.height == was.size:
            flags["changed"] = rows["changed"].to_numpy().reshape(was.shape)
            lost = rows.filter(pl.Series(flags["harmful"].ravel()), not is_selected(key[-2]))
            order = pl.Series("order", map(digest, lost["example"]), pl.String)
            worse.append(lost.with_columns(order).sort("order", *_ITEM).head(_EACH))
        cell = baseline.runs[0][key]
        shares[key] = {name + end: value for name, flag in flags.items() for end, value in _share(cell, flag)}
    if not worse:
        return shares, pl.DataFrame()
    drawn = pl.concat(worse).sort("cell_language", "cell_task", "order", *_ITEM)
    return shares, drawn.group_by("cell_language", "cell_task", maintain_order=True).head(_EACH)


def _answers(run: Baseline, shared_keys: Mapping[Key, Key]) -> Mapping[Key, pl.LazyFrame]:
    """PREDICTIONS of a run by what the keys of its cells begin with; none where it has no such file."""
    folder = Path(run.name)
    if run.saved_at or not (folder / PREDICTED).is_file():
        return {}
    rows = rows_of(folder, finished(folder).manifest).predictions.with_columns(any_precision())
    shared_starts = {own[:-2]: shared[:-2] for own, shared in shared_keys.items()}
    return {shared_starts.get(block.key[1:], block.key[1:]): block.rows for block in blocks(rows)}


def _both(answers: Sequence[Mapping[Key, pl.LazyFrame]], key: Key, family: str | None) -> pl.DataFrame:
    """The answers of both runs to a cell, and whether they are other ones: of retrieval, by what was found first."""
    if any(key[:-2] not in run for run in answers):
        return pl.DataFrame()
    was, now = (run[key[:-2]].filter(pl.col("condition") == key[-2]) for run in answers)
    rows = now.join(was.select(*_ITEM, "prediction", "answer"), on=_ITEM, suffix="_clean")
    after, before = (pl.col(f"{'answer' if family == SPAN_QA.name else 'prediction'}{end}") for end in ("", "_clean"))
    if family == RETRIEVAL.name:
        after, before = (side.str.extract(r'^\["((?:[^"\\]|\\.)*)"') for side in (after, before))
    changed = rows.with_columns(changed=after.ne_missing(before))
    return changed.rename({name: f"cell_{name}" for name in CELL}).sort(_ITEM).collect()


def _right(cell: Any) -> Any:
    """Which items are right, (noise seeds, items): of the highest value, or with nothing to count and none counted."""
    return ~cell.values.any(-1) | (cell.reduce(cell.values) >= TOP - 1e-9)


def _share(cell: Any, flags: Any) -> list[tuple[str, float | None]]:
    """The share of items with a flag (noise seeds, items) and its bounds, as of a level: the ends of their names."""
    counts = np.stack([flags, np.ones_like(flags)], -1).astype(np.float64)
    sums = np.stack([cluster_sums(of_seed, cell.items.codes, len(cell.items.clusters)) for of_seed in counts])
    level = estimate_level(sums, named("accuracy").reduce)
    known = {"": level.value, "_low": level.low, "_high": level.high}
    return [(end, None if value is None else value / TOP) for end, value in known.items()]
