"""From predictions to rows: what each item was, what the model said, how strong the noise was, the metrics' sums."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Final, final

import numpy as np
import polars as pl

from robust_xtreme import registry
from robust_xtreme.evaluation.plan import CLEAN, CLEAN_SEED, TaskRun
from robust_xtreme.evaluation.prepare import Prepared, Variant
from robust_xtreme.examples import Answers, Example, Scored, Span, Target, target_json
from robust_xtreme.metric import ALL, CLEAN_TWIN, Metric
from robust_xtreme.noise.engine.noising import Noised
from robust_xtreme.results.floors import Floors
from robust_xtreme.results.schema import CELL, PREDICTIONS, STATS, build
from robust_xtreme.specs import CANDIDATE

FLOOR: Final = "floor/"

Columns = dict[str, Any]
"""Columns of a frame; a string or a number represents a column of it."""


@final
@dataclass(frozen=True, slots=True)
class Part:
    """The rows of one unit: predictions, and statistics (those of the floors among them)."""

    predictions: pl.DataFrame
    stats: pl.DataFrame


@final
@dataclass(frozen=True, slots=True)
class Ranked:
    """The answers to a variant's examples in order (None: not finite), as tuned on clean data and as tuned again."""

    answers: tuple[Target | None, ...]
    retuned: tuple[Target | None, ...] | None = None


@final
@dataclass(frozen=True, slots=True)
class Answered:
    """A prepared unit with the model's answers to its distinct inputs (None: not finite).

    In retrieval an answer hangs on the pool too: it is in `ranked`, by the variants' keys.
    """

    prepared: Prepared
    answers: tuple[Target | None, ...]
    inference: str
    setting: str
    status: Callable[[Example, Sequence[Any]], str]
    ranked: Mapping[tuple[str, int], Ranked] = field(default_factory=dict)

    def said(self, variant: Variant, place: int) -> Target | None:
        """The answer to an example of a variant."""
        found = self.ranked.get(variant.key)
        return found.answers[place] if found else self.answers[variant.inputs[place]]

    def retuned(self, variant: Variant, place: int) -> Target | None:
        """The answer under what was tuned again for the variant; None where nothing is tuned."""
        found = self.ranked.get(variant.key)
        return found.retuned[place] if found and found.retuned else None


def judge(answered: Answered, floors: Floors) -> Part:
    """The frames of a unit; a condition with an answer that is not finite is `failed` and has no statistics."""
    failed = _failed(answered)
    predictions: list[pl.DataFrame] = []
    stats: list[pl.DataFrame] = []
    for variant in answered.prepared.variants:
        key = {**_cell(answered, variant.condition.name), "noise_seed": variant.seed}
        lost = variant.condition.name in failed
        rows = list(_rows(answered, variant, lost))
        predictions.append(build(_spread({**key, **_transposed(rows)}, len(rows)), PREDICTIONS))
        if not lost:
            stats.append(_stats(answered.prepared.unit, key, _judged(answered, variant), _twins(answered, variant)))
    stats += _floor_stats(answered, floors)
    return Part(pl.concat(predictions), pl.concat(stats) if stats else build([], STATS))


def _transposed(rows: Sequence[Mapping[str, Any]]) -> Columns:
    return {name: [row[name] for row in rows] for name in rows[0]} if rows else {}


def _spread(columns: Columns, height: int) -> Columns:
    """Every column as long as the others."""
    return {
        name: _repeated(value, height) if isinstance(value, (str, int)) else value for name, value in columns.items()
    }


def _repeated(value: str | int, height: int) -> pl.Series:
    """A value in every row; by `new_from_index`, which takes a tenth of the time of `pl.repeat`."""
    return pl.Series([value], dtype=pl.String if isinstance(value, str) else pl.Int64).new_from_index(0, height)


def _failed(answered: Answered) -> set[str]:
    """The conditions with an answer that is not finite."""
    return {v.condition.name for v in answered.prepared.variants if not _whole(answered, v)}


def _whole(answered: Answered, variant: Variant) -> bool:
    return all(answered.said(variant, place) is not None for place in range(len(variant.inputs)))


def _cell(answered: Answered, condition: str) -> dict[str, str]:
    unit = answered.prepared.unit
    values = (
        unit.model.name,
        unit.data,
        unit.task.name,
        unit.split,
        *unit.languages,
        answered.setting,
        answered.inference,
        condition,
    )
    return dict(zip(CELL, values, strict=True))


def _rows(answered: Answered, variant: Variant, failed: bool) -> Iterator[dict[str, Any]]:
    """What PREDICTIONS contains of each item beside its cell."""
    clean = answered.prepared.variants[0]
    for place, example in enumerate(answered.prepared.examples):
        windows = answered.prepared.inputs[variant.inputs[place]].windows
        answer = None if failed else answered.said(variant, place)
        measured = variant.measured(example)
        yield {
            "example": example.id,
            "cluster": example.cluster,
            "fingerprint": example.fingerprint,
            "prediction": None if answer is None else target_json(answer),
            "gold": target_json(variant.examples[place].target),
            "status": "failed" if failed else _status(answered, variant, place, measured),
            **_realised(measured),
            **_tokens(answered.prepared, measured),
            "truncated": any(one.truncated for one in windows),
            "tokens_changed": _changed(answered, variant.inputs[place], clean.inputs[place])
            or _pool_changed(answered.prepared, variant, measured),
        }


def _changed(answered: Answered, place: int, clean: int) -> bool:
    """Whether two inputs have other token ids."""
    if place == clean:
        return False
    inputs = answered.prepared.inputs
    pairs = (inputs[place].windows, inputs[clean].windows)
    return [one.input_ids for one in pairs[0]] != [one.input_ids for one in pairs[1]]


def _pool_changed(prepared: Prepared, variant: Variant, measured: Sequence[Noised]) -> bool:
    """Whether noise on the candidates gave those that are right other token ids."""
    if CANDIDATE not in variant.condition.fields:
        return False
    return any(prepared.token_ids(one.clean) != prepared.token_ids(one.text) for one in measured)


def _status(answered: Answered, variant: Variant, place: int, measured: Sequence[Noised]) -> str:
    if variant.condition.name != CLEAN and measured and all(one.status == "not_applicable" for one in measured):
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
    return {
        "eligible": sum(one.eligible for one in measured),
        "edits": sum(operators.values()),
        "operators": json.dumps({name: operators[name] for name in sorted(operators) if operators[name]}),
        "grapheme_edit_rate": _share([(one.graphemes_edited, one.graphemes) for one in measured]),
        "word_edit_rate": _share([(one.words_edited, one.words) for one in measured]),
        "words": sum(one.words for one in measured),
    }


def _share(counts: Sequence[tuple[int, int]]) -> float:
    total = sum(whole for _, whole in counts)
    return sum(part for part, _ in counts) / total if total else 0.0


def _tokens(prepared: Prepared, measured: Sequence[Noised]) -> dict[str, int]:
    return {
        "tokens_clean": sum(prepared.token_count(one.clean) for one in measured),
        "tokens": sum(prepared.token_count(one.text) for one in measured),
    }


def _judged(answered: Answered, variant: Variant) -> Iterator[Scored]:
    """The answers to what the model read; one with a gold that it could not read whole is not an answer."""
    for place, clean in enumerate(answered.prepared.examples):
        answer = answered.said(variant, place)
        if answer is None:
            raise AssertionError("a condition without all its answers has no statistics")
        if _lost_gold(answered, variant, place):
            answer = Answers(())
        retuned = answered.retuned(variant, place)
        yield Scored(clean, variant.examples[place], answer, restored(answer, clean, variant), retuned)


def _lost_gold(answered: Answered, variant: Variant, place: int) -> bool:
    windows = answered.prepared.inputs[variant.inputs[place]].windows
    return answered.status(variant.examples[place], windows) == "truncated_gold"


def _twins(answered: Answered, variant: Variant) -> Iterator[Scored]:
    """The answers to the clean inputs, judged where noise fell: what its gold spans were worth without it."""
    clean = answered.prepared.variants[0]
    if variant is clean or not _whole(answered, clean):
        return
    for place, one in enumerate(_judged(answered, clean)):
        yield Scored(one.clean, variant.examples[place], _displaced(one.prediction, one.clean, variant), one.prediction)


def _displaced(prediction: Target, clean: Example, variant: Variant) -> Target:
    """A prediction on the clean example in the coordinates of the noisy one."""
    if not isinstance(prediction, Answers) or "context" not in variant.condition.fields:
        return prediction
    context = variant.noised[clean.texts["context"].id]
    return Answers(tuple(Span(*context.to_noisy(span.start, span.stop)) for span in prediction.spans))


def restored(prediction: Target, clean: Example, variant: Variant) -> Target:
    """A prediction mapped back through the edits to the coordinates of the clean example."""
    if not isinstance(prediction, Answers) or "context" not in variant.condition.fields:
        return prediction
    context = variant.noised[clean.texts["context"].id]
    return Answers(tuple(Span(*context.to_clean(span.start, span.stop)) for span in prediction.spans))


def _stats(
    unit: TaskRun, key: Mapping[str, Any], judged: Iterable[Scored], twins: Iterable[Scored] = ()
) -> pl.DataFrame:
    """STATS of one condition and seed, every metric and scope; of the clean twins the parts that noise chose."""
    metrics: list[Metric] = [registry.load("metric", name) for name in unit.task.metrics]
    rows = [*_measured(judged, metrics), *_measured(twins, metrics, CLEAN_TWIN)]
    names = ("example", "cluster", "fingerprint", "metric", "scope", "stats")
    columns: Columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    columns["stats"] = _lists(columns["stats"]) if rows else []
    return build(_spread({**key, **columns}, len(rows)), STATS)


def _lists(sums: list[list[float]]) -> pl.Series | list[list[float]]:
    """A column of lists; floats in lists of one length go through an array, which is faster."""
    if len(set(map(len, sums))) != 1 or set(map(type, chain.from_iterable(sums))) != {float}:
        return sums
    return pl.Series("stats", np.array(sums, dtype=np.float64)).arr.to_list()


def _measured(judged: Iterable[Scored], metrics: Sequence[Metric], twin: str = "") -> Iterator[tuple[Any, ...]]:
    for one in judged:
        for metric in metrics:
            for scope, sums in metric.stats(one).items():
                if not twin or scope != ALL:
                    yield one.clean.id, one.clean.cluster, one.clean.fingerprint, metric.name, scope + twin, list(sums)


def _floor_stats(answered: Answered, floors: Floors) -> Iterator[pl.DataFrame]:
    prepared = answered.prepared
    for name, floor in floors(prepared.examples, prepared.corpus).items():
        cell = {**_cell(answered, CLEAN), "model": FLOOR + name, "inference": floor.source}
        pairs = zip(prepared.examples, floor.targets, strict=True)
        judged = (Scored(one, one, target, target) for one, target in pairs)
        yield _stats(prepared.unit, {**cell, "noise_seed": CLEAN_SEED}, judged)
