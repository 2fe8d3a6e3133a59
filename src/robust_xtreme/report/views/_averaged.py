"""Views of averages over languages and tasks, and of what was asked for and what is missing."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import polars as pl

from robust_xtreme.report import averages
from robust_xtreme.report.averages import CHANGE, NOISE, TITLE, average_heading, benchmark_rows, within_tasks
from robust_xtreme.report.blocks import Chart
from robust_xtreme.report.cells import headline, highest, perturbed, script, sectioned
from robust_xtreme.report.charts.figures import FEWEST, NOMINAL, REALISED, areas, curve, levels, spark
from robust_xtreme.report.columns import GROUPED, NOTHING, SCORE, interval, signed
from robust_xtreme.report.summary import UNDECIDED, headline_cells, undecided
from robust_xtreme.report.view import SECTION, Results, view
from robust_xtreme.stats.averages import COMMON, LANGUAGES
from robust_xtreme.stats.benchmark import TASKS, TITLES
from robust_xtreme.stats.claims import SELECTED

_WIDTH: Final = 6
"""The number of languages beside each other."""

_MARKS: Final = {"not shown above chance": "ᵃ", "no room": "ᵇ", "constant": "ᶜ", "cannot reject": "ᵈ"}
_NOTES: Final = {
    **{sign: name for name, sign in _MARKS.items()},
    UNDECIDED: "without a verdict: not tested, or neither a drop nor a gain",
    NOTHING: "not in the run",
    "not applicable": "the noise is not defined there",
    "no edits": "the noise edits no text",
    "inert": "the tokenizer undoes the noise",
}


@view(title="Languages in columns", order=19, notes=_NOTES)
def languages_in_columns(results: Results) -> pl.DataFrame:
    """Changes in points with the joint intervals, else those of cells alone; \u00b0 goes by the corrected p."""
    cells = highest(headline_cells(results)).filter(pl.col("no_claim").ne_missing(SELECTED))
    codes = sorted(set(cells.get_column("language")), key=lambda code: (script(code), code))
    groups = [codes[start : start + _WIDTH] for start in range(0, len(codes), _WIDTH)]
    made = [pl.DataFrame(list(_rows(cells.filter(pl.col("language").is_in(group)), group))) for group in groups]
    return pl.concat(made, how="diagonal") if made else pl.DataFrame(schema={SECTION: pl.String})


def _rows(cells: pl.DataFrame, codes: list[str]) -> Iterator[dict[str, str]]:
    for (task, noise), rows in cells.group_by("column", "noise", maintain_order=True):
        texts = {row["language"]: _text(row) for row in rows.iter_rows(named=True)}
        changes = {f"{GROUPED}{script(code)}/{code}": texts.get(code, NOTHING) for code in codes}
        yield {SECTION: " ".join(codes), "task": str(task), "noise": str(noise), **changes}


def _text(row: Mapping[str, Any]) -> str:
    """A change with the signs of its marks, and its interval."""
    if row["no_claim"]:
        return str(row["no_claim"])
    kind = "" if row["joint_change_low"] is None else "joint_"
    low, high = (row[f"{kind}change_{side}"] for side in ("low", "high"))
    bounds = "" if low is None else f" {interval(low, high)}"
    marks = "".join(_MARKS[name] for name in row["marks"].split(", ")) if row["marks"] else ""
    return f"{signed(row['change'])}{marks}{UNDECIDED if undecided(row) else ''}{bounds}"


@view(title="By task", order=10)
def by_task(results: Results) -> pl.DataFrame:
    """Averages over the languages that a noise reaches, the same in all models; others are not covered."""
    return _by_task(results, LANGUAGES)


@view(title="By task, over the languages that its noises have in common", order=12)
def by_task_common(results: Results) -> pl.DataFrame:
    """Of tasks whose noises do not reach the same languages: averages by which noises can be compared."""
    return _by_task(results, COMMON)


def _by_task(results: Results, kind: str) -> pl.DataFrame:
    rows = averages.with_extremes(within_tasks(results, kind), results)
    columns = ("metric", "fields", *NOISE, *CHANGE, *averages.PREDICTION, "least", "most", "grapheme_edit_rate")
    return sectioned(rows, noise=False).select(SECTION, *columns)


@view(title="What the averages are over", order=15)
def averaged_languages(results: Results) -> pl.DataFrame:
    """The languages of each average by name, the same in all models, and those left out with the reason."""
    rows = sectioned(within_tasks(results, LANGUAGES), noise=False)
    over = {"averaged_over": pl.col("languages"), "left_out_named": pl.col("missing").fill_null("")}
    noises = pl.col("noise").unique(maintain_order=True).str.join(", ")
    alike = rows.group_by(SECTION, "metric", "fields", **over, maintain_order=True).agg(noises)
    return alike.select(SECTION, "metric", "fields", "noise", *over)


@view(title="By script", order=24)
def by_script(results: Results) -> pl.DataFrame:
    """Averages over the languages of one script (ISO 15924), each counted once; other languages are not covered."""
    return _by_kind(results, "script")


@view(title="By language family", order=26)
def by_family(results: Results) -> pl.DataFrame:
    """Averages over the languages of one family, each counted once; other languages are not covered."""
    return _by_kind(results, "family")


def _by_kind(results: Results, kind: str) -> pl.DataFrame:
    named = {kind: pl.col("name"), "averaged_over": pl.col("languages")}
    rows = sectioned(within_tasks(results, kind), "metric").with_columns(**named)
    return rows.select(SECTION, kind, *NOISE, *CHANGE, "grapheme_edit_rate", "averaged_over")


@view(title="Overall", order=2)
def overall(results: Results) -> pl.DataFrame:
    """Means over languages as papers print them: F1 / EM for questions, F1 for udpos; * is over a part."""
    rows = averages.benchmark_rows(results)
    compared = rows.select("name", "condition", "task", "metric").is_duplicated().any()  # of several models
    section = pl.concat_str(TITLE, pl.lit(", "), "model") if compared else pl.col(TITLE)
    groups = rows.with_columns(section.alias(SECTION)).group_by(SECTION, "condition", maintain_order=True)
    orders = {task: entry.get("score", entry["metrics"]) for task, entry in results.manifest.get("tasks", {}).items()}
    made = [pl.DataFrame([_row(group.rows(named=True), orders)]) for _, group in groups]
    return pl.concat(made, how="diagonal") if made else pl.DataFrame(schema={SECTION: pl.String})


def _row(rows: Sequence[Mapping[str, Any]], orders: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """One noise: the score of each task of the benchmark, and its averages."""
    row = {SECTION: rows[0][SECTION], "noise": rows[0]["condition"]}
    benchmark = next((name for name, title in TITLES.items() if title == rows[0][TITLE]), "xtreme-r")  # or of a suite
    for task in TASKS[benchmark]:
        of_task = [each for each in rows if each["task"] == task]
        row[SCORE + task] = averages.score_text(of_task, orders[task]) if of_task else ""
    whole = [each for each in rows if not each["task"]]
    return row | {SCORE + averages.average_heading(each): averages.average_text(each) for each in whole}


@view(title="Overall changes", order=3)
def overall_drops(results: Results) -> pl.DataFrame:
    """The averages over tasks, clean and perturbed over the same cells; other languages and tasks are not covered."""
    rows = averages.with_change(averages.benchmark_rows(results).filter(pl.col("task") == ""))
    texts = {"average": averages.average_heading, "over": averages.languages_text}
    made = {name: [text(row) for row in rows.iter_rows(named=True)] for name, text in texts.items()}
    named = rows.with_columns(pl.DataFrame(made, dict.fromkeys(made, pl.String)), noise=pl.col("condition"))
    compared = named.select("title", "average", "noise").is_duplicated().any()
    section = pl.concat_str("title", pl.lit(", "), "model") if compared else pl.col("title")
    columns = (SECTION, "average", "noise", "over", *CHANGE, "n", "clusters")
    return named.with_columns(section.alias(SECTION)).select(columns)


_CURVES: Final = {
    **dict.fromkeys((SECTION, "task", "perturbation", "curve"), pl.String),
    **dict.fromkeys(("range", "area"), pl.Float64),
}
_DESCRIPTION: Final = (
    "The average over languages at each strength, {}. The band is the 95 % interval of the change; strength 0 is "
    "clean. Areas can be compared over the same range."
)
_AXES: Final = {REALISED: "over the share of characters that is edited", NOMINAL: "over the strength as given"}


def _charts(results: Results) -> Iterator[Chart]:
    """The curves of each task with several strengths."""
    for task, points in levels(results):
        if points.group_by("perturbation").len().get_column("len").max() < FEWEST:  # type: ignore[operator]  # counts
            continue
        for axis, words in _AXES.items():
            more = axis == NOMINAL
            yield Chart(task, _DESCRIPTION.format(words), curve(points, axis), task.split(" ")[0], more)


@view(title="Strength curves", order=7, charts=_charts)
def strength_curves(results: Results) -> pl.DataFrame:
    """What is left of the clean level on average, from strength 0 to the highest of several: the area under a curve."""
    rows = []
    for task, points in levels(results):
        for name, reached, area in areas(points):
            of_noise = points.filter(perturbation=name)
            shares = spark((of_noise["level"] / of_noise["clean"]).to_list())
            rows.append(("", task, name, shares, reached / 100, area / 100))
    return pl.DataFrame(rows, schema=_CURVES, orient="row")


_FACTS: Final = {
    "task": pl.String, "split": pl.String, "language": pl.String, "context_language": pl.String, "pairs": pl.Int64,
    "share": pl.Float64, "pairing": pl.String, "clean_left": pl.Int64, "noisy_left": pl.Int64,
    "only_edited": pl.Boolean,
}  # fmt: skip
_TWIN: Final = ("task", "split", "language", "context_language")


@view(title="Noisy sets beside the clean split", order=41)
def external(results: Results) -> pl.DataFrame:
    """Paired items alone; the pairs can favour long texts and mild noise, can be wrong, and keep the clean gold."""
    facts = pl.DataFrame(_facts(results), schema=_FACTS, orient="row")
    of_sets = pl.col("condition").str.contains("^external:|@matched=")
    deltas = results.deltas.filter(of_sets, pl.col("scope") == "all")
    given = Results(results.scores, deltas.join(facts, on=_TWIN, maintain_order="left"), results.manifest)
    rows = headline(perturbed(given), results)
    section = pl.concat_str("task", pl.lit(", "), "split", pl.lit(", "), "metric")
    whole = pl.when("only_edited").then(pl.col("change") * pl.col("share"))
    named = rows.with_columns(section.alias(SECTION), change_of_all=whole)
    columns = (
        "language", "perturbation", "pairs", "share", "pairing", "clean_left", "noisy_left", "grapheme_edit_rate",
        "word_edit_rate", "operators", "clean", "value", "change", "no_claim", "change_low", "change_high",
        "change_of_all", "only_edited",
    )  # fmt: skip
    return named.sort(SECTION, maintain_order=True).select(SECTION, *columns)


def _facts(results: Results) -> list[tuple[Any, ...]]:
    """The pairs of each task run of a set, as the manifest has them."""
    rows = []
    for unit in results.manifest.get("units", ()):
        if given := unit.get("external"):
            question, _, context = unit["language"].partition("@")
            cell = unit["task"], unit["split"], question, context or question
            share = given["pairs"] / given["items"]
            counts = given["pairs"], share, given["pairing"], given["clean_left"], given["noisy_left"]
            rows.append((*cell, *counts, given["edited_only"]))
    return rows


@view(title="Conditions", order=49)
def conditions(results: Results) -> pl.DataFrame:
    """What each condition is: its kind, its unit, and how its strength was set."""
    noised = results.conditions.filter(pl.col("kind") != "clean").sort("condition", maintain_order=True)
    params = pl.when(pl.col("params") != "{}").then("params")  # an empty JSON says nothing
    columns = (
        "condition", "kind", "version", "params", "unit", "nominal", "target_axis", "target", "packs", "pairing",
        "edited_share", "victim", "query_budget", "search", "constraints",
    )  # fmt: skip
    return noised.with_columns(pl.lit("").alias(SECTION), params=params).select(SECTION, *columns)


@view(title="What the overall averages are over", order=4)
def missing_cells(results: Results) -> pl.DataFrame:
    """The split whose cells count for each task, and every missing cell of an average."""
    named: dict[tuple[str, str, str], tuple[list[str], list[str]]] = {}
    for (title, _), rows in benchmark_rows(results).group_by(TITLE, "condition", maintain_order=True):
        pairs = rows.filter(pl.col("task") != "").select("split", "task").unique(maintain_order=True)
        by_split = pairs.sort("split", maintain_order=True).group_by("split", maintain_order=True).agg("task")
        splits = "; ".join(f"{split}: {' '.join(tasks)}" for split, tasks in by_split.rows())
        for row in rows.filter(pl.col("task") == "").iter_rows(named=True):
            averages, noises = named.setdefault((str(title), splits, row["missing"] or ""), ([], []))
            averages.append(average_heading(row))
            noises.append(row["condition"])
    made = [
        (title, *(", ".join(dict.fromkeys(names)) for names in over), splits, absent)
        for (title, splits, absent), over in named.items()
    ]
    schema = dict.fromkeys((SECTION, "average", "noise", "splits", "absent"), pl.String)
    return pl.DataFrame(made, schema=schema, orient="row")


_KEY: Final = ("task", "split", "condition", "reason", "detail")


@view(title="Not computed", order=50)
def not_run(results: Results) -> pl.DataFrame:
    """The cells that were requested and have no result: missing, unreadable, unlabelled, not applicable or failed."""
    schema = dict.fromkeys((*_KEY, "language"), pl.String)
    asked = [{name: str(entry.get(name, "")) for name in schema} for entry in results.manifest.get("not_run", ())]
    for entry in asked:  # languages with one reason share a row
        entry["detail"] = entry["detail"].removeprefix(f"{entry['task']} {entry['language']}: ")
    missing = pl.col("language").sort().str.join(" ").alias("missing")
    rows = pl.DataFrame(asked, schema=schema).group_by(_KEY).agg(missing).sort(_KEY)
    return rows.select(pl.lit("").alias(SECTION), "task", "split", "reason", "missing", "condition", "detail")
