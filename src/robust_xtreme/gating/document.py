"""The verdicts of a gate, and documents of comparisons and gates: what a terminal, a pull request and a page show."""

import os
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final
from urllib.parse import quote

import polars as pl

from robust_xtreme.core.errors import counted
from robust_xtreme.core.sinks import Trusted, cut, visible
from robust_xtreme.files.frames import to_pandas
from robust_xtreme.files.schema import CONTRASTS, SCALES, SIDES, VERDICT_NAMES, VERDICTS
from robust_xtreme.gating.policy import Policy
from robust_xtreme.report import blocks as doc
from robust_xtreme.report.cells import brief, language_name
from robust_xtreme.report.columns import NOTHING, interval, only, p_value, percent, points, signed
from robust_xtreme.report.renderers.html import notebook_blocks
from robust_xtreme.stats.contrasts import CELLS, LANGUAGES, OVERALL, TASKS
from robust_xtreme.stats.degrade import parts_of, without_fields
from robust_xtreme.stats.intervals import CONFIDENCE, FEWEST_CLUSTERS, FEWEST_JOINT

OK, REGRESSED, BETTER, BEYOND, UNDECIDED, MISSING, NEW = VERDICT_NAMES
BASELINE, ANCHOR = SIDES
GATED: Final = (TASKS, CELLS)  # the kinds of rows that are gated; each has half of alpha


@final
@dataclass(frozen=True, slots=True)
class Gate:
    """All verdicts under a policy, from which text, files and exit code are made.

    `verdicts` is a VERDICTS frame: against the baseline, and against its anchor where it has one, so that small falls
    do not add up unseen. `note` says what the baseline is; `pages` are those of the runs that it names.
    """

    verdicts: pl.DataFrame
    policy: Policy
    note: str = ""
    pages: tuple[str, ...] = ()

    def __repr__(self) -> str:
        counts = ", ".join(f"{many} {verdict}" for verdict, many in self.counts.items() if many)
        return f"Gate({'passed' if self.passed else 'failed'}, {counts})"

    def __str__(self) -> str:
        return visible(doc.text_of(outcome(self)))

    def _repr_html_(self) -> Trusted:
        """The outcome and the rows that matter, which a notebook shows."""
        return notebook_blocks("Gate", gate_blocks(self))

    def to_pandas(self) -> Any:
        """`verdicts` as a frame of pandas. Raises UserError where pandas is not installed."""
        return to_pandas(self.verdicts)

    @property
    def failing(self) -> pl.DataFrame:
        """The rows of VERDICTS that fail."""
        return self.verdicts.filter("fails")

    @property
    def passed(self) -> bool:
        """Whether no row fails. It means that no fall is shown, not that there is none."""
        return self.failing.is_empty()

    @property
    def exit_code(self) -> int:
        """0 where the gate passed, else 1."""
        return 0 if self.passed else 1

    @property
    def counts(self) -> dict[str, int]:
        """The number of rows with each verdict against the baseline."""
        return self.counts_against(BASELINE)

    def counts_against(self, side: str) -> dict[str, int]:
        """The number of rows with each verdict against the baseline or its anchor."""
        counts = Counter(self.verdicts.filter(against=side)["verdict"])
        return {verdict: counts[verdict] for verdict in VERDICT_NAMES}


CHURN: Final = "Answers that changed"
"""The title of the table of what became wrong, or right."""

KINDS: Final = {OVERALL: "Overall", TASKS: "By task", LANGUAGES: "By language", CELLS: "By cell"}
_LONGEST: Final = 120
"""The characters of a name in a table of a gate; JUnit and data have the whole."""

MOST_ROWS: Final = 60
"""The rows of one table, the largest falls first."""

_BOTH: Final = 1.39  # times the items that give each of two one-sided tests 80 % power give 80 % to both together

LEGEND: Final = {
    "difference": "Candidate minus baseline, in points; below 0 the candidate is worse or, of a change, loses more.",
    "tested": f"Levels, clean and perturbed, of cells with at least {FEWEST_CLUSTERS} clusters, corrected by Holm.",
    "95 % interval": "Of the difference: joint, valid for all levels of a table at once, and for all its changes; with "
    f"fewer than {FEWEST_JOINT} clusters (means: {FEWEST_JOINT - 1} degrees of freedom) of the row alone.",
    "p adj.": "Against no difference, corrected by Holm over the rows of a table, those of the changes by themselves.",
    "mde": "The smallest difference that is detected with 80 % power at the corrected level.",
    "scale": "change: of what the noise costs, noisy minus clean; a level otherwise.",
    "lost": "The share of the clean level that the noise takes, baseline > candidate: models of different levels have "
    "other points to lose.",
    "noisy difference": "Of the levels on noisy text, candidate minus baseline.",
    "shown": "That the joint interval excludes 0 or, without one, that p adj. is below 0.05. worse, better: the "
    "candidate; costs more, less: the noise, of the candidate; less can be due to a lower clean level. no: it is not "
    "shown, which does not show that there is no difference: see mde. -: not tested.",
    "90 % interval": "Of the difference: its one-sided 95 % bounds. Where rare changes could be missed they lie at "
    "least about 300 / clusters points from the difference, also beyond the 95 % interval: in means, where no score "
    "changed, and in some other cells.",
    "verdict": "equivalent: the 90 % interval is within the margin (two one-sided tests at 5 %); else worse or better "
    "where p is at most 0.05; else undecided.",
    "languages": "All are equivalent, by one claim at 5 %; else so many are after Holm's correction.",
    "p": "Of a fall or of a rise, twice the smaller, each corrected as p adj. is.",
    "items needed": "Of an undecided row: with about so many each of the two one-sided tests has 80 % power if the "
    f"models are equal; both together need at most {_BOTH} times as many. Empty: it has as many.",
    "harmful": "Items that were right and are not, with a 95 % interval (sentences in tagging, by all their tags); "
    "beneficial: the reverse; changed: those with another answer, known where both runs have predictions.",
}
_GATE_LEGEND: Final = {
    "verdict": "regressed: a fall is shown, p after correction. beyond margin: the bound on the other side is below "
    "minus the margin, too, but p after correction shows no fall. undecided: neither a fall nor its absence within "
    "the margin is shown. Where the policy asks for equivalence, rises count, too; better: one is shown.",
    "margin": "A fall that is shown to be smaller is ok, in points.",
    "marks": "What makes a cell of the candidate hard to measure. no room: its clean level exceeds chance by less than "
    "the smallest drop that its own run detects; others are in its report.",
    "difference": LEGEND["difference"],
    "bound": "The one-sided 95 % bound of the difference. Where rare changes could be missed it lies further away, "
    "also beyond the 95 % interval: in means over languages at least about 300 / clusters points from the difference, "
    "in many cells too. A row is ok where it is above minus the margin.",
    "p": "Against no fall, one-sided, corrected over the rows of its kind (tasks or cells, half of alpha each).",
    "mde": LEGEND["mde"],
    "extra": "The candidate's change under the noise minus the baseline's, in points; below 0 it costs more, above 0 "
    "less, which can be due to a lower clean level.",
}
_RULE: Final = (
    "A row fails where its p, one-sided and corrected over the rows of its kind, is at most {:g}, and the fall is "
    "not shown to be within the margin."
)
_NAMES: Final = tuple(doc.TableColumn(name) for name in ("task", "language", "noise", "scale"))
_WEIGHTS: Final = {
    "baseline": 9, "candidate": 9, "difference": 9, "lost": 6, "95 % interval": 8, "bound": 7, "margin": 1,
    "p adj.": 5, "p": 5, "mde": 3, "extra": 0, "shown": 9, "marks": 4, "90 % interval": 8, "verdict": 9,
    "items needed": 6, "languages": 7, "changed": 7, "harmful": 8, "beneficial": 7,
}  # fmt: skip
"""How long a narrow terminal keeps each column."""

ORDER: Final = ("task", "language", "context_language", "condition", "scale")
"""The columns that rows with equal differences are sorted by."""

_LEVELS: Final = ("difference", "baseline", "candidate")
_TESTS: Final = ("95 % interval", "p adj.", "mde", "shown")
_EQUIVALENCE: Final = ("90 % interval", "p", "verdict", "items needed")
_CHURN: Final = ("changed", "harmful", "beneficial")
_WORDS: Final = ("shown", "marks", "verdict", "languages")


def _columns(*names: str) -> tuple[doc.TableColumn, ...]:
    return tuple(doc.TableColumn(name, right=name not in _WORDS, weight=_WEIGHTS[name]) for name in names)


def comparison_blocks(
    contrasts: pl.DataFrame,
    note: str,
    most: int = MOST_ROWS,
    first: Iterable[doc.Block] = (),
    without: Collection[str] = (),
) -> Iterator[doc.Block]:
    """The verdict in a sentence and the note, what comes `first`, and the tables by their titles, `most` rows of each.

    The tables `without` some titles are by kind, in the order of `by_size`, and of answers that changed.
    """
    yield doc.Paragraph(differences_sentence(contrasts))
    yield doc.Bullets(tuple(details(contrasts)))
    yield doc.Paragraph(note)
    yield from first
    for title, heads, rows in (table for table in tables_of(contrasts) if table[0] not in without):
        yield doc.Heading(title, 3)
        yield contrast_table(rows.head(most), heads)
        if rows.height > most:
            yield doc.Paragraph(f"{counted(rows.height - most, 'more row')}: -o FILE.csv or .json writes all.")
    yield legend(contrasts)


def legend(contrasts: pl.DataFrame) -> doc.Terms:
    """The terms of a comparison, without those of equivalence where that was not asked for."""
    unasked = () if _asked(contrasts) else (*_EQUIVALENCE, "languages")
    return doc.Terms(tuple(item for item in LEGEND.items() if item[0] not in unasked))


def tables_of(contrasts: pl.DataFrame) -> Iterator[tuple[str, tuple[str, ...], pl.DataFrame]]:
    """The tables of a comparison: title, columns after the names, rows; of churn the most harmful first."""
    contrasts = with_clean_levels(contrasts)
    for kind, title in KINDS.items():
        if (rows := by_size(contrasts.filter(kind=kind))).height:
            yield title, (*_LEVELS, "lost", *(_EQUIVALENCE if _asked(contrasts) else _TESTS)), rows
    if "harmful" in contrasts.columns and contrasts["harmful"].count():
        rows = contrasts.drop_nulls("harmful").sort("harmful", descending=True, maintain_order=True)
        yield CHURN, (*_CHURN, "difference", "shown"), rows


def differences_sentence(contrasts: pl.DataFrame) -> doc.Phrase:
    """Where equivalence was asked for, of how much it is shown; how many levels differ; the largest fall."""
    tests, shown = _levels(contrasts)
    worse, better = (shown.filter(sign).height for sign in (pl.col("difference") < 0, pl.col("difference") > 0))
    of = f"Of {counted(tests.height, 'tested level')}, clean and perturbed, {worse} fell, {better} rose"
    sentence = f"{of} and {tests.height - worse - better} are not shown to differ."
    told = doc.Strong(_equivalent(contrasts) or sentence, "lost" if worse else "won" if better else "")
    more = f" {sentence}" if sentence not in told.text else ""
    if not worse:
        return (told, more + _of_means(contrasts))
    worst = shown.sort("difference").row(0, named=True)
    bounds = "" if worst["joint_low"] is None else f" {interval(worst['joint_low'], worst['joint_high'])}"
    fall = f"{points(worst['baseline'])} to {points(worst['candidate'])}, {signed(worst['difference'])}{bounds}"
    codes = Counter(language_name(code_of(row)) for row in shown.iter_rows(named=True) if row["difference"] < 0)
    of = ", ".join(f"{name}: {many}" for name, many in codes.most_common())
    where = f" Cells that fell: {of}." if worse > 1 and len(codes) <= _NAMED else ""
    return (told, f"{more}{where}{_of_means(contrasts)} The largest fall: {row_name(worst)}, {fall}.")


_NAMED: Final = 5
"""The languages of falls that a sentence names."""


def details(contrasts: pl.DataFrame) -> Iterator[str]:
    """What can be missed, what noise costs the candidate more, and what became wrong where no difference is shown."""
    tests, shown = _levels(contrasts)
    if tests.height:
        yield f"Mean difference of the levels: {signed(tests.select(pl.mean('difference')).item())}, not tested."
    if missed := tests.join(shown, on=CONTRASTS.key, how="anti").select(pl.median("mde")).item():
        yield f"In half of the levels without a shown difference, one of up to {points(missed)} could be missed (mde)."
    asked = contrasts.filter(pl.col("p_adjusted").is_not_null(), scale=SCALES[2])
    of, costs = Counter(asked["kind"]), Counter(
        (row["kind"], row["difference"] < 0) for row in asked.iter_rows(named=True) if is_shown(row)
    )  # fmt: skip
    more, less = (
        ", ".join(f"{costs[kind, is_more]} of {of[kind]} {title.lower()}".removeprefix("1 of 1 ")
                  for kind, title in KINDS.items() if costs[kind, is_more]) or "nowhere" for is_more in (True, False)
    )  # fmt: skip
    yield from [f"Noise is shown to cost the candidate more: {more}; less: {less}."] if asked.height else []
    ties = [row for row in tests.iter_rows(named=True) if row.get("harmful") is not None and not is_shown(row)]
    if most := max((row["harmful"] for row in ties), default=0.0):
        beyond = max(row["harmful_high"] or 0.0 for row in ties)
        seen = f"Where no difference is shown, {percent(most)} of a cell's answers became wrong at most"
        yield f"{seen}, in these items; up to {percent(beyond)} are not excluded."


def _levels(contrasts: pl.DataFrame, kind: str = CELLS) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The tested levels of cells, or of another kind, and those that are shown to differ."""
    tests = contrasts.filter(pl.col("p_adjusted").is_not_null(), pl.col("scale") != "change", kind=kind)
    return tests, tests.filter(pl.Series([is_shown(row) for row in tests.iter_rows(named=True)], dtype=pl.Boolean))


def found(contrasts: pl.DataFrame, baseline: str, candidate: str) -> str:
    """What is shown of two names, for a title: `b is worse than a in 18 and better in 2 of 96 tested levels`."""
    tests, shown = _levels(contrasts)
    of = counted(tests.height, "tested level")
    below = shown.filter(pl.col("difference") < 0).height
    many = {f"worse than {baseline}": below, f"better than {baseline}": shown.height - below}
    told = " and ".join(f"{what} in {count}" for what, count in many.items() if count)
    means, fell, _ = _means(contrasts, TASKS)
    of += f", and in {fell} of {counted(means, 'mean')} of tasks" if below == shown.height and fell else ""
    levels = contrasts.filter(pl.col("scale") != "change", kind=CELLS)
    asked = levels["verdict"].drop_nulls().to_list() if _asked(levels) else []
    equal = f"equivalence is shown in {asked.count('equivalent')} of {counted(len(asked), 'level')}" if asked else ""
    if told:
        return "; ".join(filter(None, (f"{candidate} is {told} of {of}", equal)))
    return f"{candidate} and {baseline}: {equal or f'no difference is shown in {of}'}"


def _asked(contrasts: pl.DataFrame) -> bool:
    return "verdict" in contrasts.columns and contrasts["verdict"].count() > 0


def _equivalent(contrasts: pl.DataFrame) -> str:
    """Of how many rows of each kind equivalence is shown, and how far intervals reach; "" where it was not asked."""
    if not _asked(contrasts):
        return ""
    margin = f"a margin of {contrasts['margin'].drop_nulls()[0]:g}"
    rows = [(title.lower(), contrasts.filter(kind=kind)["verdict"].drop_nulls()) for kind, title in KINDS.items()]
    told = ", ".join(f"{(each == 'equivalent').sum()} of {len(each)} rows {title}" for title, each in rows if len(each))
    furthest = contrasts.filter(pl.col("kind") != CELLS).select(pl.max_horizontal(pl.col("bound", "upper").abs()).max())
    reach = f" The 90 % intervals of the means reach {points(furthest.item())} points." if furthest.item() else ""
    is_open = contrasts.filter(pl.col("verdict").fill_null(UNDECIDED) != UNDECIDED).is_empty()
    if is_open and not any(map(is_shown, contrasts.iter_rows(named=True))):
        have, need = contrasts.filter(pl.col("items").is_not_null(), kind=OVERALL).select(pl.max("n", "items")).row(0)
        more = f"one-sided test of the overall mean needs about {need or 0:,.0f} items if the models are equal, both"
        more = f" For 80 % power each {more} at most {_BOTH * (need or 0):,.0f}; these are {have:,}." if need else ""
        return f"Undecided: neither equivalence within {margin} nor a difference is shown in any row.{more}"
    return f"Equivalence within {margin} is shown in {told}.{reach}"


def _means(contrasts: pl.DataFrame, kind: str) -> tuple[int, int, int]:
    """How many means of tasks, or of languages, are tested, how many of them fell, and how many rose."""
    tests, shown = _levels(contrasts, kind)
    below = shown.filter(pl.col("difference") < 0).height
    return tests.height, below, shown.height - below


def _of_means(contrasts: pl.DataFrame) -> str:
    """How many means of tasks and of languages differ, in which direction; "" without any that is tested."""
    told = ""
    for kind, what in ((TASKS, "tasks"), (LANGUAGES, "languages")):
        means, fell, rose = _means(contrasts, kind)
        of = f" Of {counted(means, 'mean')} of {what} {fell} fell, {rose} rose, {means - fell - rose} neither."
        told += of if means else ""
    return told


def by_size(contrasts: pl.DataFrame) -> pl.DataFrame:
    """Rows of CONTRASTS: those that are shown to differ first, the largest fall first."""
    shown = pl.Series("shown", [is_shown(row) for row in contrasts.iter_rows(named=True)], dtype=pl.Boolean)
    return contrasts.with_columns(~shown).sort("shown", "difference", *ORDER).drop("shown")


def row_name(row: Mapping[str, Any]) -> str:
    """A row in words: `xnli, Swahili (sw), char_noise:0.1, change`."""
    against = "against the anchor" if row.get("against") == ANCHOR else ""
    return ", ".join(filter(None, (row["task"], language_name(code_of(row)), noise_name(row), _scale(row), against)))


def _scale(row: Mapping[str, Any]) -> str:
    """What a row is of where that is no level, which its noise tells."""
    return row["scale"] if row["scale"] == SCALES[2] else ""


def code_of(row: Mapping[str, Any]) -> str:
    """The language of a row, of a pair both; "" where it is over the languages of a task."""
    question, context = row["language"], row["context_language"]
    return str(question) if question == context else f"{question} on {context}"


def noise_name(row: Mapping[str, Any]) -> str:
    """The noise of a row, with its fields where it has any."""
    fields = parts_of(row["condition"])[2]
    noise = brief(without_fields(row["condition"]))
    return f"{noise} on {fields.replace(',', ', ')}" if fields else noise


def with_clean_levels(contrasts: pl.DataFrame) -> pl.DataFrame:
    """The rows with the clean levels `baseline_clean` and `candidate_clean` over the same cells as a noisy row's.

    They are null in rows of clean text, and where no change is measured: under attacks, and of levels alone.
    """
    key = [name for name in CONTRASTS.key if name != "scale"]
    sides = ("baseline", "candidate")
    noisy, change = (contrasts.filter(scale=scale).select(*key, "cells", *sides) for scale in SCALES[1:])
    both = noisy.join(change, on=[*key, "cells"], suffix="_change")
    clean = {f"{side}_clean": pl.col(side) - pl.col(f"{side}_change") for side in sides}
    return contrasts.join(both.select(*key, **clean), on=key, how="left", maintain_order="left")


def lost_share(clean: float | None, noisy: float) -> str:
    """What noise takes of a clean level, in percent of it; nothing where that is 0 or not known."""
    return NOTHING if not clean or clean <= 0 else f"{points(100 * (clean - noisy) / clean)} %"


def contrast_table(rows: pl.DataFrame, heads: tuple[str, ...] = (*_LEVELS, *_TESTS)) -> doc.Table:
    """Rows of COMPARISONS with some columns after the names; `shown` says where none is shown."""
    columns = (*_NAMES, *_columns("languages", *heads))
    shown = [contrast_cells(row) for row in rows.iter_rows(named=True)]
    table = doc.Table(columns, tuple(tuple(row.get(column.heading, "") for column in columns) for row in shown))
    always = [at for at, column in enumerate(columns) if column.heading in heads and column.heading != "lost"]
    return only(table, [at for at in range(len(columns)) if at in always or any(row[at] for row in table.rows)])


def contrast_cells(row: Mapping[str, Any]) -> dict[str, str]:
    """What a row has in each column; of a change also the shares of the clean levels that are lost."""
    shown = {"task": row["task"], "language": language_name(code_of(row)), "noise": noise_name(row)}
    shown |= {"scale": _scale(row), **{name: points(row[name]) for name in _LEVELS}}
    shown |= {"difference": signed(row["difference"]), "95 % interval": interval(row["joint_low"], row["joint_high"])}
    shown |= {"p adj.": p_value(row["p_adjusted"]), "mde": points(row["mde"])}
    if row["scale"] == SCALES[2] and row.get("baseline_clean") is not None:
        cleans = ((row[f"{side}_clean"], row[side]) for side in ("baseline", "candidate"))
        shown["lost"] = " > ".join(lost_share(clean, clean + change) for clean, change in cleans)
    ways = ("costs more", "costs less") if row["scale"] == SCALES[2] else ("worse", "better")
    shown["shown"] = "-" if row["p_adjusted"] is None else ways[row["difference"] > 0] if is_shown(row) else "no"
    if row["joint_low"] is None and row["low"] is not None:
        shown["95 % interval"] = f"{interval(row['low'], row['high'])} alone"
    if row.get("verdict"):
        shown |= {"languages": row["languages"] or "", "90 % interval": interval(row["bound"], row["upper"])}
        items = "" if row["items"] is None else f"{row['items']:,.0f}"
        shown |= {"p": p_value(row["p_gate"]), "verdict": row["verdict"], "items needed": items}
    for name in _CHURN if row.get("harmful") is not None else ():
        low, high = (row[name + end] and 100 * row[name + end] for end in ("_low", "_high"))
        shown[name] = f"{percent(row[name])} {interval(low, high)}"
    return shown


def is_shown(row: Mapping[str, Any]) -> bool:
    """Whether a difference is shown: its joint interval does not contain 0, or where it has none its test says so."""
    if row["joint_low"] is not None:
        return bool(row["joint_low"] > 0 or row["joint_high"] < 0)
    return row["p_adjusted"] is not None and row["p_adjusted"] < 1 - CONFIDENCE


def baseline_blocks(summary: str, levels: pl.DataFrame) -> Iterator[doc.Block]:
    """What a baseline is, in a sentence, and its levels."""
    yield doc.Paragraph(summary)
    rows = []
    for row in levels.head(MOST_ROWS).iter_rows(named=True):
        names = (row["task"], language_name(code_of(row)), noise_name(row), row["model"])
        rows.append((*names, points(row["value"]), points(row["se"]), str(row["n"])))
    numbers = (doc.TableColumn(name, right=True) for name in ("level", "se", "n"))
    yield doc.Table((*_NAMES[:3], doc.TableColumn("model"), *numbers), tuple(rows))
    if levels.height > MOST_ROWS:
        yield doc.Paragraph(f"{levels.height - MOST_ROWS} more rows are in `levels`.")


def gate_blocks(gate: Gate, folder: Path | None = None) -> Iterator[doc.Block]:
    """The outcome in a sentence, then the rows that fail, then those without a proof, by the size of the fall.

    For a page in a `folder` the note has links to those of the runs.
    """
    yield doc.Paragraph(outcome(gate))
    yield from [doc.Paragraph(linked(cut(gate.note, 9 * _LONGEST), gate.pages, folder))] if gate.note else []
    yield doc.Paragraph(_RULE.format(gate.policy.alpha / gate.verdicts["against"].n_unique() / len(GATED)))
    yield from _anchored(gate)
    extra = {_of_change(row): row["difference"] for row in gate.verdicts.filter(scale="change").iter_rows(named=True)}
    if unused := gate.policy.unused(gate.verdicts.iter_rows(named=True)):
        yield doc.Paragraph(f"No row is that of {cut('; '.join(unused), 3 * _LONGEST)}: see the policy.")
    passing = gate.verdicts.filter(~pl.col("fails"), against=BASELINE)
    groups = {
        "Failing": gate.failing,
        "Accepted": passing.filter("accepted"),
        "Not failing after correction": passing.filter(pl.col("verdict").is_in((REGRESSED, BEYOND)), accepted=False),
        "Undecided": passing.filter(verdict=UNDECIDED),
        "Missing": passing.filter(verdict=MISSING),
    }
    facts = _columns(*_LEVELS, "bound", "margin", "p", "mde", "extra", "marks")
    columns = (doc.TableColumn("verdict"), *_NAMES, *facts)
    tables: list[doc.Table] = []
    for title, rows in groups.items():
        if rows.height:
            shown = rows.sort(pl.col("kind") == CELLS, "difference", *ORDER, nulls_last=True).head(MOST_ROWS)
            told = [_verdict(row, extra.get(_of_change(row))) for row in shown.iter_rows(named=True)]
            table = doc.Table(columns, tuple(tuple(row[column.heading] for column in columns) for row in told))
            verdict, *others = {doc.text_of(row[0]) for row in table.rows}
            alike = "" if others or verdict == title.lower() else f", {verdict}"
            yield doc.Heading(f"{title}: {rows.height}{alike}", 3)
            tables.append(only(table, [at for at in _told(table) if at or others]))
            yield tables[-1]
        if rows.height > MOST_ROWS:
            left = counted(rows.height - MOST_ROWS, "more row")
            yield doc.Paragraph(f"{left} {title.lower()}: -o FILE.csv or .json writes all.")
    if fine := passing.filter(pl.col("verdict").is_in((OK, BETTER)), ~pl.col("accepted")).height:
        yield doc.Paragraph(f"Not listed: {counted(fine, 'row')} that {'is' if fine == 1 else 'are'} ok or better.")
    reasons = gate.verdicts.filter(pl.col("reason").is_not_null()).head(MOST_ROWS)
    if reasons.height:
        named = reasons.iter_rows(named=True)
        lines = ((cut(row_name(row), _LONGEST), _acceptance(row, gate.policy)) for row in named)
        yield doc.Table((doc.TableColumn("row"), doc.TableColumn("acceptance", folds=True)), tuple(lines))
    heads = {"verdict", *(column.heading for table in tables for column in table.columns)} if tables else set()
    if known := tuple((name, line) for name, line in _GATE_LEGEND.items() if name in heads):
        yield doc.Terms(known)


def linked(note: str, names: Iterable[str], folder: Path | None) -> doc.Phrase:
    """A note in which the names of pages lead to them from a folder."""
    pages = "|".join(map(re.escape, names))
    if folder is None or not pages:
        return note
    parts = enumerate(re.split(f"({pages})", note))
    return tuple(
        doc.Hyperlink(part, f"./{quote(os.path.relpath(part, folder))}") if at % 2 else part for at, part in parts
    )


def _told(table: doc.Table) -> Iterator[int]:
    """The columns in which a row says something."""
    return (at for at in range(len(table.columns)) if any(row[at] not in ("", "-") for row in table.rows))


def _anchored(gate: Gate) -> Iterator[doc.Paragraph]:
    """What is shown against the anchor, where the baseline has one, and how alpha is shared."""
    if anchored := _counted(gate, ANCHOR):
        alpha = gate.policy.alpha
        share = f"Alpha ({alpha:g}) is shared: {alpha / len(SIDES):g} for the baseline, as much for the anchor"
        yield doc.Paragraph(f"Against its anchor, the first baseline: {anchored}. {share}.")


def _acceptance(row: Mapping[str, Any], policy: Policy) -> str:
    """Until when and why the policy accepts a row, or did."""
    expires = acceptance.expires if (acceptance := policy.accepted_of(row)) else "-"
    verb = "accepted until" if row["accepted"] else "acceptance is over since"
    return f"{verb} {expires}: {cut(row['reason'], 3 * _LONGEST)}"


def explained(gate: Gate) -> Iterator[doc.Block]:
    """The outcome, and how each row was decided, the largest falls first."""
    yield doc.Paragraph(outcome(gate))
    yield doc.Paragraph(cut(gate.note, 9 * _LONGEST))
    yield from _anchored(gate)
    gated = gate.verdicts.filter(pl.col("verdict").is_not_null())
    rows = gated.sort("difference", *ORDER, nulls_last=True).iter_rows(named=True)
    lines = tuple((row_name(row), f"{row['verdict']}. {row['why']}") for row in rows)
    yield doc.Table((doc.TableColumn("row"), doc.TableColumn("decided", folds=True)), lines)


def outcome(gate: Gate) -> doc.Phrase:
    """Whether the gate passed, with the number of rows of each verdict."""
    counts = _counted(gate, BASELINE)
    if gate.passed:
        open_rows = gate.counts[UNDECIDED] + gate.counts[BEYOND]
        caution = " A pass means that no fall is shown, not that there is none." if open_rows else ""
        cells = gate.verdicts.filter(kind=CELLS, against=BASELINE, scale=SCALES[1])
        near = cells.filter(pl.col("marks").str.contains("above chance", literal=True)).height
        claim = f"In {near} of {counted(cells.height, 'perturbed cell')} the clean level is not shown above chance"
        unmeasured = (" ", doc.Strong(claim, "unmeasured"), ": little can fall there.") if near else ()
        return (doc.Strong("Passed.", "won"), f" {counts}.{caution}", *unmeasured)
    worst = gate.failing.sort("difference", nulls_last=True).row(0, named=True)
    of = counted(gate.verdicts["verdict"].count(), "row")
    side = "Against the baseline " if ANCHOR in gate.verdicts["against"] else ""
    kinds = {title: gate.failing.filter(kind=kind).height for kind, title in KINDS.items()}
    parts = ", ".join(f"{many} {title.lower()}" for title, many in kinds.items() if many)
    divided = f" ({parts})" if len(parts.split(", ")) > 1 else ""
    failed = doc.Strong(f"Failed: {gate.failing.height:,} of {of}{divided}.", "lost")
    codes = Counter(language_name(code_of(row)) for row in gate.failing.filter(kind=CELLS).iter_rows(named=True))
    of = ", ".join(f"{name}: {many}" for name, many in codes.most_common())
    where = f" Cells that fail: {of}." if 1 < len(codes) <= _NAMED else ""
    return failed, f" {side}{counts}.{where} The largest: {cut(fell(worst), 3 * _LONGEST)}"


def fell(row: Mapping[str, Any]) -> str:
    """A failing row as a sentence: `Arabic (ar), xnli, char_noise:0.1, fell from 89.0 to 0.0 (allowed 2.0).`"""
    language = language_name(code_of(row)) or f"The mean over {counted(row['cells'], 'language')}"
    where = f"{language}, {row['task']}, {noise_name(row)}"
    where += ", against the anchor," if row["against"] == ANCHOR else ","
    if row["difference"] is None or row["difference"] >= 0:
        return f"{where} is {row['verdict']}."
    allowed = f" (allowed {_margin(row['margin'])})" if row["margin"] is not None else ""
    if row["scale"] == SCALES[2]:
        return f"{where} loses {points(-row['difference'])} points more to the noise than before{allowed}."
    shown = "fell" if row["verdict"] in (REGRESSED, BEYOND) else f"is {row['verdict']}:"
    return f"{where} {shown} from {points(row['baseline'])} to {points(row['candidate'])}{allowed}."


def _margin(value: float | None) -> str:
    """A margin with every digit that was given."""
    shown = points(value)
    return shown if value is None or float(shown) == value else f"{value:.15g}"


def _counted(gate: Gate, side: str) -> str:
    """The rows of each verdict against one of SIDES that any has, and how many of them fail or are accepted."""
    rows = gate.verdicts.filter(against=side)
    parts = []
    for verdict, many in sorted(gate.counts_against(side).items(), key=lambda each: each[0] == OK):
        of = rows.filter(verdict=verdict)
        accepted, fail = of.filter("accepted").height, of.filter("fails").height
        divided = f" ({accepted} accepted, {fail} of them fail{'' if fail - 1 else 's'})" if accepted else ""
        parts += [f"{many} {verdict}{divided}"] if many else []
    return ", ".join(parts)


def _of_change(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """What a row of perturbed text and that of its change have in common."""
    return tuple(row[name] for name in VERDICTS.key if name != "scale")


def _verdict(row: Mapping[str, Any], extra: float | None) -> dict[str, str]:
    """A row of VERDICTS by heading: the numbers that it was decided on, and by `extra` how much more noise costs."""
    language = language_name(code_of(row)) or counted(row["cells"], "language")
    names = {"task": row["task"], "language": language, "noise": noise_name(row), "scale": _scale(row)}
    shown = {name: cut(text, _LONGEST) for name, text in names.items()} | {name: points(row[name]) for name in _LEVELS}
    shown |= {"difference": signed(row["difference"]), "bound": points(row["bound"]), "margin": _margin(row["margin"])}
    shown |= {"p": p_value(row["p_gate"]), "mde": points(row["mde"]), "extra": signed(extra)}
    verdict = f"{row['verdict']} (anchor)" if row["against"] == ANCHOR else row["verdict"]
    return {"verdict": verdict, "marks": cut(row["marks"] or "", _LONGEST), **shown}
