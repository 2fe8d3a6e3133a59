"""Turns predictions into frames: each item, its prediction, its noise and the sums of its metrics."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import Any, final

import numpy as np
import polars as pl

from robust_xtreme import registry
from robust_xtreme.evaluation.prepare import Prepared, Variant
from robust_xtreme.evaluation.task_run import TaskRun
from robust_xtreme.examples import Answers, Example, Scored, Span, Target, Text, target_json
from robust_xtreme.external.condition import CLEAN, Condition
from robust_xtreme.metric import ALL, CLEAN_TWIN, Metric
from robust_xtreme.noise.engine.noising import Noised, at_nominal, bound
from robust_xtreme.noise.label_risk import edited
from robust_xtreme.predictors.predictor import Input, Predicted
from robust_xtreme.results.chance import constants
from robust_xtreme.results.schema import CELL, CHANCE, PREDICTIONS, SHALLOW, STATS, build
from robust_xtreme.results.shallow.predictor import answers, shallow_of
from robust_xtreme.results.shallow.shown import Shown
from robust_xtreme.specs import CANDIDATE

Columns = dict[str, Any]
"""Columns of a frame; a string or a number represents a column of it."""


@final
@dataclass(frozen=True, slots=True)
class Part:
    """The rows of one task run: predictions, and statistics (those of chance and of the shallow predictor, too)."""

    predictions: pl.DataFrame
    stats: pl.DataFrame


@final
@dataclass(frozen=True, slots=True)
class Answered:
    """A prepared task run with the predictions for its distinct inputs (None: not finite)."""

    prepared: Prepared
    predicted: Predicted

    def answer(self, variant: Variant, index: int) -> Target | None:
        """The answer to an example of a variant."""
        return self.predicted.targets[variant.inputs[index]]

    def input_of(self, variant: Variant, index: int) -> Input:
        """The input of an example of a variant."""
        return self.prepared.inputs[variant.inputs[index]]


def score_examples(answered: Answered) -> Part:
    """The frames of a task run, with the statistics of chance and of the shallow predictor.

    A condition with an answer that is not finite is `failed` and has no statistics of the model.
    """
    variants = answered.prepared.variants
    failed = {variant.condition.name for variant in variants if not _whole(answered, variant)}
    predictions: list[pl.DataFrame] = []
    stats: list[pl.DataFrame] = []
    for variant in variants:
        key = _key(answered.prepared, variant)
        lost = variant.condition.name in failed
        rows = list(_rows(answered, variant, lost))
        columns = {name: [row[name] for row in rows] for name in rows[0]} if rows else {}
        predictions.append(build(_spread({**key, **columns}, len(rows)), PREDICTIONS))
        if not lost:
            stats.append(_stats(answered.prepared.task_run, key, _scored(answered, variant), _twins(answered, variant)))
    stats += [*_chance_stats(answered.prepared), *_shallow_stats(answered.prepared)]
    return Part(pl.concat(predictions), pl.concat(stats) if stats else build([], STATS))


def _spread(columns: Columns, height: int) -> Columns:
    """Repeat single values to the height of the frame."""
    spread = dict(columns)
    for name, value in columns.items():
        if isinstance(value, (str, int)):
            # `new_from_index` takes a tenth of the time of `pl.repeat`.
            single = pl.Series([value], dtype=pl.String if isinstance(value, str) else pl.Int64)
            spread[name] = single.new_from_index(0, height)
    return spread


def _whole(answered: Answered, variant: Variant) -> bool:
    return all(answered.answer(variant, index) is not None for index in range(len(variant.inputs)))


def _key(prepared: Prepared, variant: Variant) -> Columns:
    """The columns of a cell, and the noise seed."""
    task_run = prepared.task_run
    values = (
        task_run.model.name,
        task_run.data,
        task_run.task.name,
        task_run.split,
        *task_run.languages,
        task_run.setting,
        task_run.inference,
        variant.condition.name,
    )
    return {**dict(zip(CELL, values, strict=True)), "noise_seed": variant.seed}


def _rows(answered: Answered, variant: Variant, failed: bool) -> Iterator[dict[str, Any]]:
    """The columns of PREDICTIONS for each item, without those of its cell."""
    clean, nominal = answered.prepared.variants[0], _nominal(variant.condition)
    for index, example in enumerate(answered.prepared.examples):
        answer = None if failed else answered.answer(variant, index)
        measured = variant.measured(example)
        yield {
            "example": example.id,
            "cluster": example.cluster,
            "fingerprint": example.fingerprint,
            "prediction": None if answer is None else target_json(answer),
            "answer": None if failed else _clean_text(answered, variant, index),
            "gold": target_json(variant.examples[index].target),
            "status": "failed" if failed else _status(answered, variant, index, measured),
            "nominal": nominal(measured),
            **_realised(measured),
            "tokens_clean": sum(answered.prepared.token_count(noised.clean) for noised in measured),
            "tokens": sum(answered.prepared.token_count(noised.text) for noised in measured),
            "unknown_clean": _unknown(answered.prepared, [noised.clean for noised in measured]),
            "unknown": _unknown(answered.prepared, [noised.text for noised in measured]),
            "truncated": any(window.truncated for window in answered.input_of(variant, index).windows),
            "tokens_changed": _changed(answered, variant.inputs[index], clean.inputs[index])
            or _pool_changed(answered.prepared, variant, measured),
        }


def _nominal(condition: Condition) -> Callable[[Sequence[Noised]], str | None]:
    """A function that gives the strength of the last perturbation, solved for in the language of some texts.

    Noise that matches a set has a strength in each text, and None here.
    """
    link = bound(condition.spec)[-1] if condition.spec and not condition.given else None

    @cache
    def strength(language: str) -> str:
        assert link is not None
        return at_nominal(link, language).strength

    return lambda measured: strength(measured[0].clean.language) if link and measured else None


def _unknown(prepared: Prepared, texts: Sequence[Text]) -> int | None:
    counts = [prepared.unknown_count(text) for text in texts]
    return None if None in counts else sum(filter(None, counts))


def _changed(answered: Answered, index: int, clean: int) -> bool:
    """Whether the token ids of two inputs differ."""
    if index == clean:
        return False
    ids, clean_ids = (
        [window.input_ids for window in answered.prepared.inputs[number].windows] for number in (index, clean)
    )
    return ids != clean_ids


def _pool_changed(prepared: Prepared, variant: Variant, measured: Sequence[Noised]) -> bool:
    """Whether noise changed the token ids of the right candidates."""
    if CANDIDATE not in variant.condition.fields:
        return False
    return any(prepared.token_ids(noised.clean) != prepared.token_ids(noised.text) for noised in measured)


def _status(answered: Answered, variant: Variant, index: int, measured: Sequence[Noised]) -> str:
    if variant.condition.name != CLEAN and measured and all(noised.status == "not_applicable" for noised in measured):
        return "not_applicable"
    if (status := answered.input_of(variant, index).status) != "ok":
        return status
    changed = any(noised.status == "ok" for noised in measured)
    return "ok" if changed or variant.condition.name == CLEAN else "unchanged"


def _realised(measured: Sequence[Noised]) -> dict[str, Any]:
    operators: Counter[str] = Counter()
    for noised in measured:
        operators.update(noised.edits)
    risk = edited(measured)
    return {
        "eligible": sum(noised.eligible for noised in measured),
        "edits": sum(operators.values()),
        "operators": json.dumps({name: operators[name] for name in sorted(operators) if operators[name]}),
        "grapheme_edit_rate": _share([(noised.graphemes_edited, noised.graphemes) for noised in measured]),
        "word_edit_rate": _share([(noised.words_edited, noised.words) for noised in measured]),
        "words": sum(noised.words for noised in measured),
        "numbers_edited": risk.numbers,
        "negators_edited": risk.negators,
    }


def _share(counts: Sequence[tuple[int, int]]) -> float:
    total = sum(whole for _, whole in counts)
    return sum(part for part, _ in counts) / total if total else 0.0


def _counted(answered: Answered, variant: Variant, index: int) -> Target:
    """The answer that is scored: an empty one where the gold answer was truncated."""
    answer = answered.answer(variant, index)
    if answer is None:
        raise AssertionError("a condition with missing answers has no statistics")
    return Answers(()) if answered.input_of(variant, index).status == "truncated_gold" else answer


def _clean_text(answered: Answered, variant: Variant, index: int) -> str | None:
    """The text of the clean context that is scored as the answer; None where it is empty, and in other tasks."""
    clean = answered.prepared.examples[index]
    answer = restored(_counted(answered, variant, index), clean, variant)
    spans = answer.spans if isinstance(answer, Answers) else ()
    return (clean.texts["context"].at(spans[0]) or None) if spans else None


def _scored(answered: Answered, variant: Variant) -> Iterator[Scored]:
    """The answers to a variant as metrics see them."""
    for index, clean in enumerate(answered.prepared.examples):
        answer = _counted(answered, variant, index)
        retuned = answered.predicted.retuned[variant.inputs[index]] if answered.predicted.retuned else None
        yield Scored(clean, variant.examples[index], answer, restored(answer, clean, variant), retuned)


def _twins(answered: Answered, variant: Variant) -> Iterator[Scored]:
    """The answers to the clean inputs, scored by the scopes of the noisy example: the score without noise."""
    clean = answered.prepared.variants[0]
    if variant is clean or not _whole(answered, clean):
        return
    for item, noisy in zip(_scored(answered, clean), variant.examples, strict=True):
        displaced = _moved(item.prediction, item.clean, variant, Noised.to_noisy)
        yield Scored(item.clean, noisy, displaced, item.prediction)


def restored(prediction: Target, clean: Example, variant: Variant) -> Target:
    """A prediction mapped back through the edits to the coordinates of the clean example."""
    return _moved(prediction, clean, variant, Noised.to_clean)


def _moved(
    prediction: Target, clean: Example, variant: Variant, move: Callable[[Noised, int, int], tuple[int, int]]
) -> Target:
    """A prediction of spans with each span moved through the edits of the context, where the context is noised."""
    if not isinstance(prediction, Answers) or "context" not in variant.condition.fields:
        return prediction
    context = variant.noised[clean.texts["context"].id]
    return Answers(tuple(Span(*move(context, span.start, span.stop)) for span in prediction.spans))


def _stats(
    task_run: TaskRun, key: Mapping[str, Any], scored: Iterable[Scored], twins: Iterable[Scored] = ()
) -> pl.DataFrame:
    """STATS of one condition and seed, every metric and scope; of clean twins only the scopes that noise defines."""
    metrics: list[Metric] = [registry.load("metric", name) for name in task_run.task.metrics]
    rows = [*_measured(scored, metrics), *_measured(twins, metrics, CLEAN_TWIN)]
    names = ("example", "cluster", "fingerprint", "metric", "scope", "stats")
    columns: Columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    columns["stats"] = _lists(columns["stats"]) if rows else []
    return build(_spread({**key, **columns}, len(rows)), STATS)


def _lists(sums: list[list[float]]) -> pl.Series | list[list[float]]:
    """A column of lists; floats in lists of one length go through an array, which is faster."""
    if len(set(map(len, sums))) != 1 or set(map(type, chain.from_iterable(sums))) != {float}:
        return sums
    return pl.Series("stats", np.array(sums, dtype=np.float64)).arr.to_list()


def _measured(scored: Iterable[Scored], metrics: Sequence[Metric], twin: str = "") -> Iterator[tuple[Any, ...]]:
    for item in scored:
        example = (item.clean.id, item.clean.cluster, item.clean.fingerprint)
        for metric in metrics:
            for scope, sums in metric.stats(item).items():
                if not twin or scope != ALL:
                    yield *example, metric.name, scope + twin, list(sums)


def _chance_stats(prepared: Prepared) -> Iterator[pl.DataFrame]:
    """STATS of the constants, on the clean text: no noise changes what needs no text."""
    task = prepared.task_run.task
    constant = constants(task.family, prepared.examples, prepared.corpus, task.pool.search if task.pool else "")
    for name, targets in constant.items():
        key = {**_key(prepared, prepared.variants[0]), "model": CHANCE + name, "inference": "nothing"}
        pairs = zip(prepared.examples, targets, strict=True)
        scored = (Scored(example, example, target, target) for example, target in pairs)
        yield _whole_items(prepared, key, scored)


def _shallow_stats(prepared: Prepared) -> Iterator[pl.DataFrame]:
    """STATS of the shallow predictor of the task, on the clean text and under every condition and seed."""
    task, variants = prepared.task_run.task, prepared.variants
    shallow = shallow_of(task.family, task.pool.search if task.pool else "")
    if shallow is None or (task.pool and not prepared.corpus):
        return
    answered, learned = answers(shallow, prepared.examples, [_shown(variant) for variant in variants])
    for variant, targets in zip(variants, answered, strict=bool(answered)):
        key = {**_key(prepared, variant), "model": SHALLOW + shallow.name, "inference": learned}
        each = zip(prepared.examples, variant.examples, targets, strict=True)
        scored = (Scored(clean, noisy, target, restored(target, clean, variant)) for clean, noisy, target in each)
        yield _whole_items(prepared, key, scored)


def _whole_items(prepared: Prepared, key: Columns, scored: Iterable[Scored]) -> pl.DataFrame:
    """STATS of whole items, without those of the parts that noise changed or left."""
    return _stats(prepared.task_run, key, scored).filter(pl.col("scope") == ALL)


def _shown(variant: Variant) -> Shown:
    """What a shallow predictor reads under a condition and seed."""
    pool = variant.pool
    return Shown(variant.examples, pool.ids, pool.values, pool.unscored) if pool else Shown(variant.examples)
