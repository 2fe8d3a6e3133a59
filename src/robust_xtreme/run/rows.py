"""The frame PREDICTIONS of a task run: each item under each condition, its answer, its status and its noise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, final

import numpy as np
import polars as pl

from robust_xtreme.attack.attacking import AttackRecord
from robust_xtreme.core.columns import Choices, Ranges, TargetColumn, parts_as_bytes, written
from robust_xtreme.core.edits import Array
from robust_xtreme.core.sinks import json_text
from robust_xtreme.core.specs import CANDIDATE
from robust_xtreme.files.schema import ATTACKED, PREDICTIONS, assembled
from robust_xtreme.models.reading.inputs import Inputs
from robust_xtreme.models.reading.windows import of_examples
from robust_xtreme.noise.conditions.condition import Condition
from robust_xtreme.noise.engine.noised import NOT_APPLICABLE, STATUSES
from robust_xtreme.noise.engine.noising import at_nominal, bound
from robust_xtreme.noise.label_risk import NO_RISK, Risky, risky
from robust_xtreme.run.answered import Answered, Columns, cell_of, spread
from robust_xtreme.run.attacking import target_of
from robust_xtreme.run.prepare import Prepared, Variant
from robust_xtreme.tasks.noisy.measured import named_by

_CONTEXT: Final = "context"
_STATUSES: Final = (*STATUSES, "truncated_gold", "skipped_wrong", "skipped_target")


@final
class RowMaker:
    """Makes the rows of a task run; what several conditions have in common is made once."""

    def __init__(self, answered: Answered) -> None:
        prepared = answered.prepared
        self._answered, self._prepared, self._labels = answered, prepared, prepared.task_run.task.labels
        self._golds = _strings(written(prepared.golds))
        self._items = {
            "example": _strings([example.id for example in prepared.examples]),
            "cluster": _strings([example.cluster for example in prepared.examples]),
            "fingerprint": _strings([example.fingerprint for example in prepared.examples]),
        }
        self._inputs = _InputFacts(prepared.inputs)
        self._risky: dict[tuple[tuple[str, ...], int], Risky] = {}
        predicted = answered.predicted
        self._predictions = _strings(written(predicted.targets)).set(pl.Series(~predicted.finite), None)
        self._first = _first_spans(predicted.targets)
        self._contexts = [example.texts[_CONTEXT].value for example in prepared.examples] if self._first else []

    def of(self, variant: Variant, failed: bool) -> pl.DataFrame:
        """PREDICTIONS of one condition and seed; without answers where it `failed`."""
        columns = {
            **cell_of(self._prepared, variant),
            **self._items,
            **self._answers(variant, failed),
            **self._noise(variant),
            **self._tokens(variant),
            **_attack(None if failed else variant.record),
        }
        return assembled(spread(columns, len(self._prepared.examples)), PREDICTIONS)

    def _answers(self, variant: Variant, failed: bool) -> Columns:
        """The prediction of each item, its gold, and what became of it."""
        count = len(self._prepared.examples)
        if failed:
            nothing = [None] * count
            return {"prediction": nothing, "answer": nothing, "gold": self._gold(variant), "status": "failed"}
        return {
            "prediction": self._predictions.gather(variant.inputs),
            "answer": self._clean_texts(variant),
            "gold": self._gold(variant),
            "status": self._status(variant),
        }

    def _gold(self, variant: Variant) -> pl.Series:
        targets = variant.shown.targets(self._prepared.golds) if variant.shown else self._prepared.golds
        return self._golds if targets is self._prepared.golds else _strings(written(targets))

    def _clean_texts(self, variant: Variant) -> list[str | None]:
        """The text of the clean context that is scored as the answer; None where it is empty, and in other tasks."""
        texts: list[str | None] = [None] * len(self._prepared.examples)
        if self._first is None:
            return texts
        start, stop = (ends[variant.inputs] for ends in self._first)
        there = np.flatnonzero((start >= 0) & ~self._inputs.lost[variant.inputs])
        ends = start[there], stop[there]
        if variant.shown and _CONTEXT in variant.shown.numbers:
            ends = variant.shown.noised.to_clean(variant.shown.numbers[_CONTEXT][there], ends)
        contexts = self._contexts
        for index, low, high in zip(there.tolist(), *(column.tolist() for column in ends), strict=True):
            texts[index] = contexts[index][low:high] or None
        return texts

    def _status(self, variant: Variant) -> pl.Series:
        noise = variant.measured.codes(variant.shown is None)
        code = np.where(self._inputs.lost[variant.inputs], _STATUSES.index("truncated_gold"), noise)
        if variant.record:
            code = np.where(variant.record.skipped, _STATUSES.index("skipped_wrong"), code)
            code = np.where(self._aimed_at(variant.condition), _STATUSES.index("skipped_target"), code)
        return named_by(np.where(noise == NOT_APPLICABLE, noise, code), _STATUSES)

    def _aimed_at(self, condition: Condition) -> Array | bool:
        """Whether the gold class of each item is the one that an attack wants as the answer."""
        golds, target = self._prepared.golds, target_of(condition.spec)
        return target != "" and isinstance(golds, Choices) and golds.index == self._labels.index(target)

    def _noise(self, variant: Variant) -> Columns:
        """What noise did to each item."""
        return {"nominal": _nominal(variant), **variant.measured.columns(), **self._risk(variant)}

    def _risk(self, variant: Variant) -> Columns:
        """The edited numbers and negators of each item."""
        measured = variant.measured
        key = variant.condition.fields, len(measured.noised)  # an attack has a copy of a text for each example
        if variant.shown and key not in self._risky:
            self._risky[key] = risky(measured.noised.clean)
        return measured.risk(self._risky[key] if variant.shown else NO_RISK)

    def _tokens(self, variant: Variant) -> Columns:
        """The tokens of each item, and what became of them."""
        measured, tokens = variant.measured, variant.tokens
        changed = self._inputs.differ(variant.inputs, self._prepared.variants[0].inputs)
        if CANDIDATE in variant.condition.fields:
            changed |= measured.of_items(tokens.changed) > 0
        nothing = [[None] * len(variant.clean)] * 2
        unknown = [measured.of_items(counts) for counts in tokens.unknown] if tokens.unknown else nothing
        return {
            "tokens_clean": measured.of_items(tokens.clean),
            "tokens": measured.of_items(tokens.noisy),
            "unknown_clean": unknown[0],
            "unknown": unknown[1],
            "truncated": self._inputs.truncated[variant.inputs],
            "tokens_changed": changed,
        }


@final
class _InputFacts:
    """What is known of the inputs (n,): whether the gold answer is lost, and whether text was left out."""

    def __init__(self, inputs: Inputs) -> None:
        windows, count = inputs.windows, len(inputs.contents)
        cut = np.bincount(windows.example[windows.truncated], minlength=count) > 0
        of_contents = of_examples(windows, count)
        self.lost, self.truncated, self._content = inputs.lost[inputs.content], cut[inputs.content], inputs.content
        self._ids = list(parts_as_bytes(windows.ids, windows.bounds[of_contents]))
        self._lengths = list(parts_as_bytes(windows.lengths, of_contents))

    def differ(self, some: Array, others: Array) -> Array:
        """Whether the token ids of some inputs (k,) differ from those of others (k,)."""
        ids, lengths, first, second = self._ids, self._lengths, self._content[some], self._content[others]
        unlike: Array = first != second
        pairs = zip(first[unlike].tolist(), second[unlike].tolist(), strict=True)
        unlike[unlike] = [ids[a] != ids[b] or lengths[a] != lengths[b] for a, b in pairs]
        return unlike


def attacked_rows(prepared: Prepared, failed: Sequence[bool]) -> pl.DataFrame | None:
    """ATTACKED of a task run, without attacks that `failed`, by variant; None where no condition is an attack."""
    under = [
        (_attacked(prepared, variant, variant.record), lost)
        for variant, lost in zip(prepared.variants, failed, strict=True)
        if variant.record
    ]
    return pl.concat([rows.clear() if lost else rows for rows, lost in under]) if under else None


def _attacked(prepared: Prepared, variant: Variant, record: AttackRecord) -> pl.DataFrame:
    columns = {
        **cell_of(prepared, variant),
        "example": [example.id for example in prepared.examples],
        "cluster": [example.cluster for example in prepared.examples],
        "fingerprint": [example.fingerprint for example in prepared.examples],
        "edits": [json_text(edits) for edits in record.edits],
        "skipped": record.skipped,
        "allowed": record.allowed,
        "queries": record.queries,
        "first": record.first,
        "words": np.array([len(edits) for edits in record.edits], np.int64),
        "graphemes": np.array([sum(edit.graphemes for edit in edits) for edits in record.edits], np.int64),
    }
    return assembled(spread(columns, len(prepared.examples)), ATTACKED)


def _attack(record: AttackRecord | None) -> Columns:
    """The queries of each item, and whether one of them was a success; null where it was skipped."""
    if record is None:
        return {}
    skipped = pl.Series(record.skipped)
    success = pl.Series(record.first > 0)
    return {"queries": pl.Series(record.queries).set(skipped, None), "success": success.set(skipped, None)}


def _strings(values: Sequence[str]) -> pl.Series:
    return pl.Series(values, dtype=pl.String)


def _nominal(variant: Variant) -> Sequence[str | None] | pl.Series:
    """The strength of the last perturbation, solved for in the language of the first measured text of each item.

    Noise that matches a set has a strength in each text, and None here.
    """
    condition, measured = variant.condition, variant.measured
    if condition.spec is None or condition.given or condition.matches:
        return [None] * len(variant.clean)
    link = bound(condition.spec)[-1]
    there = np.flatnonzero(np.diff(measured.bounds))
    first = measured.numbers[measured.bounds[there]].tolist()
    languages = [measured.noised.clean[number].language for number in first]
    strengths = {code: at_nominal(link, code).strength for code in dict.fromkeys(languages)}
    nominal: list[str | None] = [None] * len(variant.clean)
    for index, code in zip(there.tolist(), languages, strict=True):
        nominal[index] = strengths[code]
    return nominal


def _first_spans(targets: TargetColumn) -> tuple[Array, Array] | None:
    """The first span of each answer, -1 where it has none; None where predictions have none."""
    if not isinstance(targets, Ranges):
        return None
    there = np.flatnonzero(np.diff(targets.bounds))
    start, stop = np.full(len(targets), -1), np.full(len(targets), -1)
    first = targets.bounds[there]
    start[there], stop[there] = targets.start[first], targets.stop[first]
    return start, stop
