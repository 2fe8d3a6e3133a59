"""The sums of metrics of imported rows: computed from predictions where our task scores them, else as given.

Equal answers are scored once: each distinct text of a row, its prediction with its gold or its scores, has rows in a
small table, which the rows are joined with. Scores that logs and rows state themselves are compared.
"""

import math
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import cache, partial
from typing import Any, Final, NamedTuple

import numpy as np
import polars as pl

from robust_xtreme.core import registry, strict_json
from robust_xtreme.core.errors import DataError, Mismatch, UserError, counted, shown
from robust_xtreme.core.examples import (
    CHOICE,
    CLASSIFICATION,
    ODD_TAG,
    OUTSIDE,
    RETRIEVAL,
    SPAN_QA,
    TAGGING,
    find_odd_tag,
    labels_to_iob2,
    mark_entities,
)
from robust_xtreme.core.label_names import find_alike, fold_label, format_alike
from robust_xtreme.core.metric import ALL, GIVEN, Responses, named
from robust_xtreme.core.specs import TaskSpec
from robust_xtreme.exchange.importing.answers import FAMILIES, Odd, scored
from robust_xtreme.exchange.importing.items import ANSWERS, TEXT, TEXTS, TRUTH, TYPE, WHOLE
from robust_xtreme.files.schema import CELL, CHANCE, SCOPES, STATS, empty
from robust_xtreme.noise.conditions.condition import CLEAN
from robust_xtreme.stats.chance import constants

ACCURACY: Final = "accuracy"
CLOSED: Final = (CHOICE.name, CLASSIFICATION.name)
_WORDS: Final = (*CLOSED, TAGGING.name, RETRIEVAL.name)
_KEY: Final = ("task", "language", "condition", "metric")
_OF_ONE, _OF_ALL, _DECIMALS = 0.005, 1e-6, 3
"""What scores of one example, and means, may differ by; a mean of so many decimals may be a rounded one."""

_MOST: Final = 1e9
_TAG: Final = r'"(?:[^"\\]|\\.)*"'
_AROUND: Final = " \t\r\n\u00a0\"'`\u2018\u2019\u201c\u201d.()[]"


def differing_level(log: str, metric: str, ours: list[float], stated: float) -> list[str]:
    """A sentence where the mean of scores is not the one that a log states, perhaps rounded."""
    mean, decimals = math.fsum(ours) / max(1, len(ours)), len(repr(stated).partition(".")[2])
    stated = max(min(stated, _MOST), -_MOST)
    if abs(mean - stated) <= max(_OF_ALL, 0.5 * 10**-decimals if decimals >= _DECIMALS else 0):
        return []
    what = f"{log}: {metric} of its {counted(len(ours), 'sample')} is {100 * mean:.2f}"
    return [f"{what}, and {100 * stated:.2f} is stated"]


def compared(computed: pl.DataFrame, given: pl.DataFrame) -> pl.DataFrame:
    """By cell and metric the rows with a score that was computed and one that was given: sums, and how many differ."""
    score = pl.col("stats").list.first() / pl.col("stats").list.last()
    ours = computed.filter(scope="all").select("row", *_KEY, ours=score)
    theirs = given.filter(pl.col("stats").list.len() == 2, scope="all").select("row", *_KEY, theirs=score)
    pairs = ours.join(theirs, on=["row", *_KEY])
    differ = ((pl.col("ours") - pl.col("theirs")).abs() > _OF_ONE).sum()
    return pairs.group_by(_KEY).agg(pl.col("ours", "theirs").sum(), n=pl.len(), differ=differ)


def differing_scores(parts: Iterable[pl.DataFrame]) -> list[str]:
    """A sentence for each cell and metric in which what was computed is not what was given."""
    sums = pl.concat(parts).group_by(_KEY).agg(pl.all().sum()).filter(pl.col("differ") > 0).sort(_KEY)
    return [
        f"the {row['metric']} of {row['task']}/{row['language']} {row['condition']} is "
        f"{100 * row['ours'] / row['n']:.2f} by its predictions, and {100 * row['theirs'] / row['n']:.2f} is stated: "
        f"{row['differ']:,} of {counted(row['n'], 'row')} differ"
        for row in sums.iter_rows(named=True)
    ]


def other_words(items: pl.DataFrame, family: str, path: str) -> list[str]:
    """A sentence for each condition whose predictions are hardly of the words of a task's gold answers.

    That is where no accuracy is stated, and fewer than one of twenty is a gold answer, or no document is one; numbers
    of choices are up to the last one that is. Labels of our tasks are checked one by one. Raises Mismatch where one is
    written in another way, or a tag is of no scheme.
    """
    if family not in _WORDS or (items.item(0, "task") in registry.names("task") and family != RETRIEVAL.name):
        return []
    states = pl.col("scores").str.contains(f'"{ACCURACY}":').fill_null(value=False) | pl.col("sums").is_not_null()
    every = items.filter(~states).select("language", "condition", "gold", "prediction").drop_nulls()
    if family == CHOICE.name:
        _check_first(every, f"{path}: {items.item(0, 'task')}")
    there = every.unique(maintain_order=True)
    golds = _words(there.get_column("gold"), family)
    known, hardly = {*golds}, list[str]()
    if family == CHOICE.name and golds.str.contains(r"^\d{1,3}$").all():
        known |= {*map(str, range(max(map(int, golds), default=0)))}
    plain = dict(zip(_fold_words(golds), golds, strict=True)) if family != CHOICE.name else {}
    for (language, condition), rows in there.partition_by("language", "condition", as_dict=True).items():
        given = _words(rows.get_column("prediction"), family)
        others = given.filter(~given.is_in([*known]))
        where = f"{items.item(0, 'task')}/{language} {condition}"
        for word, folded in zip(others, _fold_words(others), strict=True):
            if folded in plain and (family != RETRIEVAL.name or plain[folded] not in given):
                what = f"the prediction {shown(word)} and the gold answer {shown(plain[folded])} differ in space, case"
                raise Mismatch(f"{path}: {where}: {what}, signs or type only. Write them alike")
        most = len(given) if family == RETRIEVAL.name else 20
        if len(golds) and (len(given) - len(others)) * most < len(given):
            what = f"{len(given) - len(others)} of {counted(len(given), 'distinct prediction')}, as {shown(given[0])}"
            hardly.append(f"{where}: {what}, are gold answers, as {shown(golds[0])}; write them alike")
    if family == TAGGING.name and (tag := find_odd_tag(_tags_of(items))) is not None:
        has_tag = pl.any_horizontal(pl.col(ANSWERS).str.contains(f'"{tag}"', literal=True))
        raise Mismatch(
            f"{path}: the tag {shown(tag)} of the example {shown(items.filter(has_tag).item(0, 'example'))} {ODD_TAG}"
        )
    if family in (CLASSIFICATION.name, TAGGING.name) and (alike := find_alike(golds)):
        raise Mismatch(
            f"{path}: {items.item(0, 'task')}: the gold answers {format_alike(*alike)} differ in their spelling alone. "
            "Write them alike"
        )
    return hardly


def _check_first(rows: pl.DataFrame, where: str) -> None:
    """Raise Mismatch where predictions are of the range of the gold answers, shifted, and agree more if shifted."""
    gold, given = rows.select(pl.col("gold", "prediction").cast(pl.Int64, strict=False)).drop_nulls().get_columns()
    (first, last), (low, high) = ((int(each.min() or 0), int(each.max() or 0)) for each in (given, gold))  # type: ignore[arg-type]  # whole numbers
    if first - low == last - high and (given - gold == first - low).sum() > (given == gold).sum():
        what = f"the predictions are choices {first} to {last}, and the gold answers {low} to {high}"
        raise Mismatch(f"{where}: {what}. Count both from the same number")


def _words(values: pl.Series, family: str) -> pl.Series:
    """The distinct labels, or tags and documents of lists in JSON; `O` is the tag of what is none."""
    if family in (TAGGING.name, RETRIEVAL.name):
        values = values.unique().str.extract_all(_TAG).explode().drop_nulls().str.slice(1).str.head(-1)
    return values.filter((values != "O") | (family != TAGGING.name)).unique().sort()


def _tags_of(items: pl.DataFrame) -> list[str]:
    """The gold and the predicted tags of lists in JSON, as they are written there."""
    return sorted({tag[1:-1] for answer in labels_of(items) for tag in re.findall(_TAG, answer)})


def _fold_words(words: pl.Series) -> list[str | Fraction]:
    """Words without what writers spell in several ways, and without the marks that models put around an answer."""
    bare = words.str.normalize("NFKC").str.replace_all(r"\p{Cf}", "").str.strip_chars(_AROUND)
    return [*map(fold_label, bare)]


_TABLE: Final = {"code": pl.Int64(), **{name: STATS.columns[name].dtype for name in ("metric", "scope", "stats")}}
_ITEM: Final = (*CELL, "noise_seed", "example", "cluster", "fingerprint")
_ROW: Final = "row"
_ANSWER: Final = ("gold", "prediction", "context_language")
_UNMOVED: Final = (CHOICE.name, CLASSIFICATION.name, TAGGING.name)
"""Families whose answers noise does not move, so that sums are compared with them."""

_Sums = dict[tuple[str, str], tuple[list[int], Any]]
"""By metric and scope the numbers (m,) of values, and the sums (m, k) of each."""

_Values = Sequence[tuple[Any, ...]]


class Scoring(NamedTuple):
    """How the rows of a task are scored: the family, the labels, and the metrics that predictions are scored by.

    Of tags that are not ours the labels are those in IOB2, where they are of another scheme, else none.
    """

    family: str
    labels: tuple[str, ...]
    metrics: tuple[str, ...]


def stats_of(items: pl.DataFrame, scoring: Scoring, path: str) -> tuple[pl.DataFrame, frozenset[str], pl.DataFrame]:
    """STATS of the items of one task, in their order, the metrics computed from predictions, and `stated.compared`.

    Raises DataError naming the example whose answer or score is none, Mismatch where a metric misses an example.
    """
    # A row is scored by its prediction: it has one, or nothing at all was found in its answer.
    numbered, without_sums = items.with_row_index(_ROW), pl.col("sums").is_null() & pl.col("gold").is_not_null()
    is_unparsed = pl.col("scores").is_null() | pl.col("status").is_in(["unparsed", "not_applicable"]).fill_null(False)
    has_answer = pl.col("prediction").is_not_null() | is_unparsed
    tables = [
        _table(numbered, ["sums"], _sums_given, path),
        _table(numbered.filter(without_sums, has_answer), _ANSWER, partial(_scored, scoring), path),
        _table(numbered, ["scores"], _scores_given, path),
    ]
    several = [table for table in tables if table.height]
    stats = pl.concat(several or tables)
    if len(several) > 1:  # what we compute comes before what is given
        stats = stats.unique([_ROW, "metric", "scope"], keep="first", maintain_order=True)
    _check_whole(items, stats, path)
    computed = frozenset(tables[1].get_column("metric").unique())
    of_computed = stats.filter(pl.col("metric").is_in(list(computed)))
    if computed and of_computed.height > tables[1].height:
        predicted = tables[1].select(_ROW, "metric")
        row = of_computed.join(predicted, on=[_ROW, "metric"], how="anti").row(0, named=True)
        raise Mismatch(mixed(row["example"], row["metric"], path))
    ordered = stats.sort(_ROW, "metric", "scope").select(list(STATS.columns))
    again = compared(_scored_again(numbered, scoring, path), tables[0])
    return ordered, computed, pl.concat([compared(pl.concat(tables[:2]), tables[2]), again])


def _scored_again(numbered: pl.DataFrame, scoring: Scoring, path: str) -> pl.DataFrame:
    """Rows whose sums stand beside answers that noise does not move, by these: tags by sums of tags, else labels."""
    given = numbered.drop_nulls(["sums", "gold"])
    if scoring.family not in FAMILIES and given.height:
        is_tagged = given.get_column("sums").str.contains('"token_accuracy":').any()
        metric, family = ("token_accuracy", TAGGING.name) if is_tagged else ("accuracy", CLASSIFICATION.name)
        scoring = Scoring(family, labels_to_iob2(_tags_of(given)) if is_tagged else labels_of(given), (metric,))
    is_known = scoring.family in _UNMOVED and given.get_column("prediction").is_not_null().any()
    return _table(given if is_known else given.clear(), _ANSWER, partial(_scored, scoring), path)


def labels_of(items: pl.DataFrame) -> tuple[str, ...]:
    """The labels of a task that is not ours: all that is gold or predicted."""
    answers = pl.concat([items.get_column("gold"), items.get_column("prediction").rename("gold")])
    return tuple(answers.drop_nulls().unique().sort())


def mixed(example: str, metric: str, path: str) -> str:
    """The message about an example whose metric is given, and that of others computed, or the other way round."""
    what = f"{metric} is computed from the predictions of some rows, and given for others, as {shown(example)}"
    return f"{path}: {what}. Give all rows predictions, or none"


def _table(items: pl.DataFrame, names: Sequence[str], score: Callable[[_Values], _Sums], path: str) -> pl.DataFrame:
    """STATS rows of items by some columns: each distinct value is scored once. Raises DataError naming an example."""
    there = items.filter(pl.col(names[0]).is_not_null())
    distinct = there.select(names).unique(maintain_order=True).with_row_index("code")
    values = distinct.select(names).rows()
    try:
        table = _as_frame(score(values) if values else {})
    except Odd as error:
        same = (pl.col(name).eq_missing(pl.lit(value)) for name, value in zip(names, values[error.number], strict=True))
        raise DataError(path, f"the example {shown(there.filter(*same).item(0, 'example'))}: {error}") from error
    coded = there.join(distinct, on=names, how="left", nulls_equal=True, maintain_order="left")
    kept = coded.select(_ROW, *_ITEM, pl.col("code").cast(pl.Int64))
    return kept.join(table, on="code", maintain_order="left").drop("code")


def _as_frame(sums: _Sums) -> pl.DataFrame:
    """The sums of values by their numbers."""
    frames = [pl.DataFrame(schema=_TABLE)]
    for (metric, scope), (codes, values) in sums.items():
        lists = pl.Series("stats", np.array(values, np.float64)).arr.to_list()
        named_codes = pl.DataFrame({"code": pl.Series(codes, dtype=pl.Int64)})
        frames.append(named_codes.with_columns(metric=pl.lit(metric), scope=pl.lit(scope), stats=lists))
    return pl.concat(frames)


def _sums_given(values: _Values) -> _Sums:
    """The sums of our metrics, as `export RUN --jsonl` writes them."""
    given: _Sums = {}
    for code, value in enumerate(values):
        try:
            for metric, scopes in strict_json.loads(value[0]).items():
                for scope, sums in scopes.items():
                    _add(given, (metric, scope), code, _floats(metric, scope, sums))
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            raise Odd(code, f"its sums are {shown(value[0])}, not metric to scope to numbers") from error
        except UserError as error:
            raise Odd(code, error) from error
    for (metric, _), (codes, sums) in given.items():
        for number in np.flatnonzero(~named(metric).possible(np.array(sums)))[:1]:
            raise Odd(codes[number], f"its sums {named(metric).impossible(sums[number])}")
    return given


def _add(given: _Sums, key: tuple[str, str], code: int, sums: Sequence[float]) -> None:
    codes, several = given.setdefault(key, ([], []))
    codes.append(code)
    several.append(sums)


def _floats(metric: str, scope: str, sums: Sequence[Any]) -> list[float]:
    """The sums. Raises ValueError for another number of them, a scope that does not exist, and what no float has."""
    are_numbers = all(type(each) in (int, float) and abs(each) < sys.float_info.max for each in sums)
    if scope not in SCOPES or len(sums) != len(named(metric).columns) or not are_numbers:
        raise ValueError(metric)
    return [*map(float, sums)]


def _scores_given(values: _Values) -> _Sums:
    """Scores of other programs by their names, each from 0 to 1."""
    given: _Sums = {}
    for code, value in enumerate(values):
        try:
            scores = strict_json.loads(value[0]).items()
        except (ValueError, AttributeError, RecursionError) as error:
            raise Odd(code, f"its scores are {shown(value[0])}, not name to number from 0 to 1") from error
        for name, score in scores:
            if score is not None:
                if not isinstance(score, (bool, int, float)) or not 0 <= score <= 1:
                    raise Odd(code, f"its score {shown(name)} is {shown(score)}. Scores are from 0 to 1")
                _add(given, (metric_of(name), ALL), code, [float(score), 1.0])
    return given


@cache
def metric_of(name: str) -> str:
    """The metric of scores with that name: ours where it is a mean over examples, else `given/NAME`."""
    ours = name in registry.names("metric") and len(named(name).columns) == 2
    return name if ours else f"{GIVEN}{name}"


def _scored(scoring: Scoring, values: _Values) -> _Sums:
    """The sums of predictions by the metrics of the task."""
    if scoring.family not in FAMILIES:
        return {}
    columns, targets = scored(values, scoring.family, scoring.labels)
    responses = Responses(columns, columns, targets, targets)
    codes = [*range(len(values))]
    return {(metric, ALL): (codes, named(metric).everywhere(responses)) for metric in scoring.metrics}


def constants_of(items: pl.DataFrame, scoring: Scoring, metrics: Sequence[str]) -> pl.DataFrame:
    """STATS of constants on clean examples by metrics that are not given and need no text, as those of answers do."""
    is_given = items.get_column("model").str.starts_with(CHANCE).any()
    clean = items.filter(pl.col("condition") == CLEAN, pl.col("gold").is_not_null()).unique("example", keep="first")
    if is_given or scoring.family == SPAN_QA.name or scoring.family not in FAMILIES or clean.is_empty():
        return empty(STATS)
    named_here = [metric for metric in scoring.metrics if metric in metrics]
    return pl.concat([empty(STATS), *_constants(clean.sort("example"), scoring, named_here)])


def _constants(rows: pl.DataFrame, scoring: Scoring, metrics: Sequence[str]) -> Iterator[pl.DataFrame]:
    golds = rows.select("gold", prediction="gold", language="context_language").rows()
    columns, _ = scored(golds, scoring.family, scoring.labels)
    for name, targets in constants(scoring.family, columns).items():
        responses = Responses(columns, columns, targets, targets)
        for metric in metrics:
            sums = pl.Series(named(metric).everywhere(responses).tolist(), dtype=pl.List(pl.Float64))
            cell = {"model": CHANCE + name, "inference": "nothing", "metric": metric, "scope": ALL}
            of_constant = [pl.lit(value).alias(column) for column, value in cell.items()]
            yield rows.select(_ITEM).with_columns(*of_constant, stats=sums).select(list(STATS.columns))


def _check_whole(items: pl.DataFrame, stats: pl.DataFrame, path: str) -> None:
    """Raise Mismatch where an example of a cell has no value of a metric that others have, or none has any."""
    key = [*CELL, "noise_seed"]
    sizes = items.group_by(key, maintain_order=True).agg(n=pl.len(), first=pl.col("example").first())
    counts = stats.filter(pl.col("scope") == ALL).group_by(*key, "metric", maintain_order=True).agg(scored=pl.len())
    joined = sizes.join(counts, on=key, how="left", maintain_order="left")
    for row in joined.filter(pl.col("scored").fill_null(0) < pl.col("n")).iter_rows(named=True):
        where = f"{row['task']}/{row['language']} {row['condition']}"
        if row["scored"] is None:
            what = "has neither a score nor a prediction with a gold answer that its task scores"
            raise Mismatch(f"{path}: the example {shown(row['first'])} of {where} {what}")
        of_cell = [items.filter(*(pl.col(name) == row[name] for name in key)), stats]
        scored_ids = of_cell[1].filter(*(pl.col(name) == row[name] for name in (*key, "metric")))
        missing = of_cell[0].join(scored_ids, on="example", how="anti").item(0, "example")
        raise Mismatch(f"{path}: the example {shown(missing)} of {where} has no {row['metric']}, which others have")


_GIVEN: Final = "given"
"""The family of a task whose scores are taken as they are."""

_METRICS: Final = {
    CHOICE.name: ("accuracy",),
    CLASSIFICATION.name: ("accuracy",),
    TAGGING.name: ("span_f1", "token_accuracy"),
    SPAN_QA.name: ("squad_f1", "squad_em"),
    RETRIEVAL.name: ("retrieval_accuracy", "map_at_20"),
}
"""The metrics of tasks that are not ours."""

_COMPUTED: Final = {"mlqa_f1", "mlqa_em"}.union(*_METRICS.values())
"""Metrics that need nothing but gold and prediction."""


def scoring_of(items: pl.DataFrame, name: str, family: str = "") -> Scoring:
    """How the items of one task are scored: as ours by its name, else by `family`, else as their answers look.

    Of a task that is not ours, answers that are all numbers are choices, where scores, if there are some, have an
    accuracy; other answers without scores are labels. Raises UserError where our task is given a family, Mismatch
    where an answer is of a type that none of the family is.
    """
    if task := ours(name):
        if family and family != task.family:
            raise UserError(f"--family {family} is for tasks that are not ours: {name} is a task of {task.family}.")
        metrics = tuple(metric for metric in task.metrics if metric in _COMPUTED)
        labels = task.labels or tuple(map(str, range(task.choices)))
        scoring = Scoring(task.family, labels, metrics if task.family in FAMILIES else ())
    else:
        known = family or _family(items)
        tags = _tags_of(items) if known == TAGGING.name else []
        labels = labels_of(items) if known == CLASSIFICATION.name else labels_to_iob2(tags)
        metrics = _METRICS.get(known, ())
        if {*tags} - {OUTSIDE} and not mark_entities(tags):  # tags of words, such as parts of speech
            metrics = tuple(metric for metric in metrics if metric == "token_accuracy")
        scoring = Scoring(known, labels, metrics)
    if scoring.metrics:
        _check_kinds(items, name, scoring.family)
    return scoring


def ours(name: str) -> TaskSpec | None:
    """One of our tasks; None for another name."""
    return registry.load("task", name) if name in registry.names("task") else None


def _check_kinds(items: pl.DataFrame, name: str, family: str) -> None:
    """Raise Mismatch, naming the example, at an answer of another type, or where labels of a task are of several."""
    is_ours, seen = ours(name) is not None, dict[str, str]()
    for key in ANSWERS:
        kind = pl.col(key + TYPE).cast(pl.String).fill_null(TEXT) if key + TYPE in items.columns else pl.lit(TEXT)
        given = items.filter(pl.col("sums").is_null(), pl.col(key).is_not_null()).select("example", key, kind=kind)
        takes = (TEXT,) if (key, family) == ("prediction", SPAN_QA.name) else _TAKEN[family]
        for example, value, kind in given.unique("kind", keep="first", maintain_order=True).iter_rows():
            seen[kind] = f"the {key} of the example {shown(example)} is {shown(value)}, {kind}"
            if kind not in takes:
                cure = "" if is_ours else ". Or name another --family"
                raise Mismatch(f"{seen[kind]}; that of {family} is {' or '.join(takes)}{cure}")
    if len(seen) > 1 and family == CLASSIFICATION.name and not is_ours:
        raise Mismatch(f"{', and '.join(seen.values())}. The labels of a task are of one type")


_TAKEN: Final = {
    **dict.fromkeys((CHOICE.name, CLASSIFICATION.name), (TEXT, WHOLE, TRUTH)),
    **dict.fromkeys((TAGGING.name, SPAN_QA.name, RETRIEVAL.name), (TEXT, TEXTS)),
}
"""What an answer of a family may be."""


def _family(items: pl.DataFrame) -> str:
    if items.get_column("sums").is_not_null().any():
        return _GIVEN
    golds, answers = (items.get_column(name).drop_nulls().unique() for name in ("gold", "prediction"))
    if golds.is_empty() or answers.is_empty():
        return _GIVEN
    scores = items.get_column("scores")
    are_choices = scores.is_null().all() or bool(scores.drop_nulls().str.contains('"(accuracy|choice)":').all())
    if are_choices and pl.concat([golds, answers.rename("gold")]).str.contains(r"^(0|[1-9]\d{0,2})$").all():
        return CHOICE.name
    return CLASSIFICATION.name if scores.is_null().all() else _GIVEN


def facts_of(items: pl.DataFrame, name: str, scoring: Scoring, metrics: list[str]) -> dict[str, Any]:
    """The facts of a task that reports use."""
    task, headline = ours(name), metrics[:1]
    if task is None:
        stated = items.get_column("condition").str.extract(r"@fields=([^@+]+)$").drop_nulls().unique().sort()
        fields = [each.split(",") for each in stated] or [["text"]]
        known = {"family": scoring.family, "metrics": metrics, "score": headline}
        return {**known, "perturbed": fields, "groups": {}}
    is_headline = task.metrics[:1] == tuple(headline)
    return {
        "family": task.family,
        "metrics": metrics,
        "score": list(task.score or headline) if is_headline else headline,
        "perturbed": [list(group) for group in task.perturbed],
        "groups": {group: list(codes) for group, codes in task.groups.items()} if is_headline else {},
        **({"parallel_ids": task.parallel_ids} if task.parallel_ids else {}),
    }


def unscored(items: pl.DataFrame, tasks: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """A sentence for each task that has predictions with gold answers, of which nothing says how they are scored."""
    known = [name for name, facts in tasks.items() if facts["family"] == _GIVEN]
    answered = items.filter(pl.col("task").is_in(known), pl.col("sums").is_null())
    names = answered.drop_nulls(["gold", "prediction"]).get_column("task").unique().sort()
    return [f"The scores of {name} count, and its predictions do not: no --family says how they are." for name in names]
