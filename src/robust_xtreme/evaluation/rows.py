"""The frame PREDICTIONS of a task run: each item under each condition, its answer, its status and its noise."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

import polars as pl

from robust_xtreme.evaluation.answered import Answered, cell_of, counted, restored, spread
from robust_xtreme.evaluation.prepare import Prepared, Variant
from robust_xtreme.examples import Answers, Text, target_json
from robust_xtreme.external.condition import CLEAN, Condition
from robust_xtreme.noise.engine.noised import Noised
from robust_xtreme.noise.engine.noising import at_nominal, bound
from robust_xtreme.noise.label_risk import edited
from robust_xtreme.results.schema import PREDICTIONS, build
from robust_xtreme.specs import CANDIDATE


def predictions_of(answered: Answered, variant: Variant, failed: bool) -> pl.DataFrame:
    """PREDICTIONS of one condition and seed; without answers where it `failed`."""
    rows = list(_rows(answered, variant, failed))
    columns = {name: [row[name] for row in rows] for name in rows[0]} if rows else {}
    return build(spread({**cell_of(answered.prepared, variant), **columns}, len(rows)), PREDICTIONS)


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


def _clean_text(answered: Answered, variant: Variant, index: int) -> str | None:
    """The text of the clean context that is scored as the answer; None where it is empty, and in other tasks."""
    clean = answered.prepared.examples[index]
    answer = restored(counted(answered, variant, index), clean, variant)
    spans = answer.spans if isinstance(answer, Answers) else ()
    return (clean.texts["context"].at(spans[0]) or None) if spans else None


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
