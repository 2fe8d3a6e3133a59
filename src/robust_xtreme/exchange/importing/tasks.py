"""How the rows of an imported task are scored, and what a run's manifest says of the task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from robust_xtreme.core import registry
from robust_xtreme.core.errors import Mismatch, UserError, shown
from robust_xtreme.core.specs import TaskSpec
from robust_xtreme.core.targets.kinds import CHOICE, CLASSIFICATION, RETRIEVAL, SPAN_QA, TAGGING
from robust_xtreme.exchange.importing.answers import FAMILIES
from robust_xtreme.exchange.importing.items import ANSWERS, TYPE
from robust_xtreme.exchange.importing.raw import TEXT, TEXTS, TRUTH, WHOLE
from robust_xtreme.exchange.importing.scoring import Scoring, labels_of

_GIVEN: Final = "given"
"""The family of a task whose scores are taken as they are."""

_OF_CHOICE: Final = '"(accuracy|choice)":'
"""A score that other programs give to choices."""

_METRICS: Final = {
    CHOICE.name: ("accuracy",),
    CLASSIFICATION.name: ("accuracy",),
    TAGGING.name: ("span_f1", "token_accuracy"),
    SPAN_QA.name: ("squad_f1", "squad_em"),
    RETRIEVAL.name: ("retrieval_accuracy", "map_at_20"),
}
"""The metrics of tasks that are not ours."""

_FROM_TEXT: Final = ("accuracy", "span_f1", "token_accuracy", "squad_f1", "squad_em", "mlqa_f1", "mlqa_em")
_FROM_IDS: Final = ("retrieval_accuracy", "map_at_20")
"""Metrics that need nothing but gold and prediction."""


def scoring_of(items: pl.DataFrame, name: str, family: str = "") -> Scoring:
    """How the items of one task are scored: as ours by its name, else by `family`, else as their answers look.

    Of a task that is not ours, answers that are all numbers are choices, where scores, if there are some, have an
    accuracy; other answers without scores are labels. Raises UserError where our task is given a family, Mismatch
    where an answer is of a type that none of the family is.
    """
    scoring = _scoring(items, name, family)
    if scoring.metrics:
        _check_kinds(items, name, scoring.family)
    return scoring


def _scoring(items: pl.DataFrame, name: str, family: str) -> Scoring:
    if name in registry.names("task"):
        task: TaskSpec = registry.load("task", name)
        if family and family != task.family:
            raise UserError(f"--family {family} is for tasks that are not ours: {name} is a task of {task.family}.")
        metrics = tuple(metric for metric in task.metrics if metric in (*_FROM_TEXT, *_FROM_IDS))
        labels = task.labels or tuple(map(str, range(task.choices)))
        return Scoring(task.family, labels, metrics if task.family in FAMILIES else ())
    known = family or _family(items)
    labels = labels_of(items) if known == CLASSIFICATION.name else ()
    return Scoring(known, labels, _METRICS.get(known, ()))


def family_of(name: str) -> str:
    """The family of one of our tasks; an empty text for another name."""
    return registry.load("task", name).family if name in registry.names("task") else ""


def _check_kinds(items: pl.DataFrame, name: str, family: str) -> None:
    """Raise Mismatch, naming the example, at an answer of another type, or where labels of a task are of several."""
    is_ours, seen = name in registry.names("task"), dict[str, str]()
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
    are_choices = scores.is_null().all() or bool(scores.drop_nulls().str.contains(_OF_CHOICE).all())
    if are_choices and pl.concat([golds, answers.rename("gold")]).str.contains(r"^(0|[1-9]\d{0,2})$").all():
        return CHOICE.name
    return CLASSIFICATION.name if scores.is_null().all() else _GIVEN


def facts_of(items: pl.DataFrame, name: str, scoring: Scoring, metrics: list[str]) -> dict[str, Any]:
    """The facts of a task that reports use."""
    task: TaskSpec | None = registry.load("task", name) if name in registry.names("task") else None
    headline = metrics[:1]
    if task is None:
        named = {"family": scoring.family, "metrics": metrics, "score": headline}
        return {**named, "perturbed": _fields(items), "groups": {}}
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


def _fields(items: pl.DataFrame) -> list[list[str]]:
    """The groups of fields that the conditions of a task name."""
    named = items.get_column("condition").str.extract(r"@fields=([^@+]+)$").drop_nulls().unique().sort()
    return [fields.split(",") for fields in named] or [["text"]]
