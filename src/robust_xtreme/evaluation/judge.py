"""From predictions to rows: what each item was, what the model said, how strong the noise was, the metrics' sums."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, final

import polars as pl

from robust_xtreme import registry
from robust_xtreme.evaluation.plan import CLEAN, CLEAN_SEED, Unit
from robust_xtreme.evaluation.unit import Prepared, Variant
from robust_xtreme.examples import Answers, Example, Judged, Span, Target, target_json
from robust_xtreme.noise._engine import Noised
from robust_xtreme.results.floors import Floors
from robust_xtreme.results.schema import CELL, PREDICTIONS, STATS, build

FLOOR: Final = "floor/"


@final
@dataclass(frozen=True, slots=True)
class Part:
    """The rows of one unit: predictions, and statistics (those of the floors among them)."""

    predictions: pl.DataFrame
    stats: pl.DataFrame


@final
@dataclass(frozen=True, slots=True)
class Answered:
    """A prepared unit with the model's answers to its distinct inputs (None: not finite)."""

    prepared: Prepared
    answers: tuple[Target | None, ...]
    inference: str
    setting: str
    status: Callable[[Example, Sequence[Any]], str]


def judge(answered: Answered, floors: Floors) -> Part:
    """The frames of a unit; a condition with an answer that is not finite is `failed` and has no statistics."""
    predictions: list[dict[str, Any]] = []
    stats: list[dict[str, Any]] = []
    failed = _failed(answered)
    for variant in answered.prepared.variants:
        cell = _cell(answered, variant.condition.name)
        lost = variant.condition.name in failed
        rows = list(_rows(answered, variant, cell, lost))
        predictions += rows
        if not lost:
            stats += _stats(answered.prepared.unit, rows, _judged(answered, variant))
    stats += _floor_stats(answered, floors)
    return Part(build(predictions, PREDICTIONS), build(stats, STATS))


def _failed(answered: Answered) -> set[str]:
    """The conditions with an answer that is not finite."""
    variants = answered.prepared.variants
    return {v.condition.name for v in variants if any(answered.answers[place] is None for place in v.inputs)}


def _cell(answered: Answered, condition: str) -> dict[str, str]:
    unit = answered.prepared.unit
    values = (
        unit.model.name,
        unit.data,
        unit.task.name,
        unit.split,
        unit.language,
        unit.language,
        answered.setting,
        answered.inference,
        condition,
    )
    return dict(zip(CELL, values, strict=True))


def _rows(answered: Answered, variant: Variant, cell: Mapping[str, str], failed: bool) -> Iterator[dict[str, Any]]:
    clean = answered.prepared.variants[0]
    for place, example in enumerate(answered.prepared.examples):
        window = answered.prepared.inputs[variant.inputs[place]].windows
        answer = None if failed else answered.answers[variant.inputs[place]]
        measured = variant.measured(example)
        yield {
            **cell,
            "noise_seed": variant.seed,
            "example": example.id,
            "cluster": example.cluster,
            "fingerprint": example.fingerprint,
            "prediction": None if answer is None else target_json(answer),
            "gold": target_json(variant.examples[place].target),
            "status": "failed" if failed else _status(answered, variant, place, measured),
            **_realised(measured),
            **_tokens(answered.prepared, measured),
            "truncated": any(one.truncated for one in window),
            "tokens_changed": _ids(answered, variant, place) != _ids(answered, clean, place),
        }


def _ids(answered: Answered, variant: Variant, place: int) -> list[tuple[int, ...]]:
    return [window.input_ids for window in answered.prepared.inputs[variant.inputs[place]].windows]


def _status(answered: Answered, variant: Variant, place: int, measured: Sequence[Noised]) -> str:
    if variant.condition.name != CLEAN and all(one.status == "not_applicable" for one in measured):
        return "not_applicable"
    windows = answered.prepared.inputs[variant.inputs[place]].windows
    if (status := answered.status(variant.examples[place], windows)) != "ok":
        return status
    changed = any(one.status == "ok" for one in measured)
    return "ok" if changed or variant.condition.name == CLEAN else "unchanged"


def _realised(measured: Sequence[Noised]) -> dict[str, Any]:
    operators: Counter[str] = Counter()
    for one in measured:
        operators.update(one.edits)
    words = sum(one.words for one in measured)
    return {
        "eligible": sum(one.eligible for one in measured),
        "edits": sum(operators.values()),
        "operators": json.dumps({name: operators[name] for name in sorted(operators) if operators[name]}),
        "grapheme_edit_rate": _share(measured, "graphemes_edited", "graphemes"),
        "word_edit_rate": _share(measured, "words_edited", "words"),
        "words": words,
    }


def _share(measured: Sequence[Noised], part: str, whole: str) -> float:
    total: int = sum(getattr(one, whole) for one in measured)
    return sum(getattr(one, part) for one in measured) / total if total else 0.0


def _tokens(prepared: Prepared, measured: Sequence[Noised]) -> dict[str, int]:
    return {
        "tokens_clean": sum(len(prepared.token_ids(one.clean)) for one in measured),
        "tokens": sum(len(prepared.token_ids(one.text)) for one in measured),
    }


def _judged(answered: Answered, variant: Variant) -> Iterator[Judged]:
    for place, clean in enumerate(answered.prepared.examples):
        answer = answered.answers[variant.inputs[place]]
        if answer is None:
            raise AssertionError("a condition without all its answers has no statistics")
        yield Judged(clean, variant.examples[place], answer, restored(answer, clean, variant.noised))


def restored(prediction: Target, clean: Example, noised: Mapping[str, Noised]) -> Target:
    """A prediction mapped back through the edits to the coordinates of the clean example."""
    if not isinstance(prediction, Answers):
        return prediction
    context = noised.get(clean.texts["context"].id)
    if context is None:
        return prediction
    return Answers(tuple(Span(*context.to_clean(span.start, span.stop)) for span in prediction.spans))


def _stats(unit: Unit, rows: Sequence[Mapping[str, Any]], judged: Iterable[Judged]) -> Iterator[dict[str, Any]]:
    metrics = [registry.load("metric", name) for name in unit.task.metrics]
    kept = (*CELL, "noise_seed", "example", "cluster", "fingerprint")
    for row, one in zip(rows, judged, strict=True):
        key = {name: row[name] for name in kept}
        for metric in metrics:
            for scope, sums in metric.stats(one).items():
                yield {**key, "metric": metric.name, "scope": scope, "stats": list(sums)}


def _floor_stats(answered: Answered, floors: Floors) -> Iterator[dict[str, Any]]:
    prepared = answered.prepared
    for name, floor in floors(prepared.examples).items():
        cell = {**_cell(answered, CLEAN), "model": FLOOR + name, "inference": floor.source}
        rows = [
            {
                **cell,
                "noise_seed": CLEAN_SEED,
                "example": one.id,
                "cluster": one.cluster,
                "fingerprint": one.fingerprint,
            }
            for one in prepared.examples
        ]
        pairs = zip(prepared.examples, floor.targets, strict=True)
        yield from _stats(prepared.unit, rows, (Judged(one, one, target, target) for one, target in pairs))
