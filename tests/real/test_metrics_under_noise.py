"""Metrics on real examples under real noise: what is right stays right, and what noise changed is distinguished."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from robust_xtreme.core import registry
from robust_xtreme.core.examples import Answers, Example, Scored, Span, Target
from robust_xtreme.core.metric import Metric
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.noise.engine.noised import Noised, noise_example
from robust_xtreme.noise.engine.noising import noise_texts
from robust_xtreme.tasks.sources.rows import limit
from robust_xtreme.tasks.sources.source import load

pytestmark = pytest.mark.real


def _scored(data: Path, name: str, language: str, field: str, noise: str) -> Iterator[Scored]:
    """Right predictions on the noisy text of 100 examples."""
    examples = limit(load(registry.load("task", name), data, language, "validation").examples, 100)
    noised = {
        noised.clean.id: noised
        for noised in noise_texts([e.texts[field] for e in examples], PerturbationSpec.parse(noise), 0)
    }
    for example in examples:
        perturbed = noise_example(example, noised, (field,))
        moved = field == "context"
        restored = _restored(perturbed, noised[example.texts[field].id]) if moved else perturbed.target
        yield Scored(example, perturbed, perturbed.target, restored)


def _restored(perturbed: Example, noised: Noised) -> Target:
    match perturbed.target:
        case Answers(spans):
            return Answers(tuple(Span(*noised.to_clean(span.start, span.stop)) for span in spans))
        case target:
            return target


def _score(name: str, scored: list[Scored], scope: str = "all") -> float:
    metric: Metric = registry.load("metric", name)
    rows = [metric.stats(pair).get(scope) for pair in scored]
    return sum(row[0] for row in rows if row) / max(sum(row[1] for row in rows if row), 1)


@pytest.mark.parametrize("language", ["ar", "en", "hi", "zh"])
def test_right_answers_stay_right_under_noise(data: Path, language: str) -> None:
    """Mapped back through the edits, the noisy gold answer is the clean one; as a surface form it often is not."""
    scored = list(_scored(data, "xquad", language, "context", "char_noise:0.2"))
    assert _score("squad_em", scored) == _score("squad_f1", scored) == _score("surface_f1_noisy_gold", scored) == 1.0
    assert _score("surface_f1_clean_gold", scored, "untouched") == 1.0
    assert _score("surface_f1_clean_gold", scored, "noised_gold") < 0.8


@pytest.mark.parametrize(("noise", "field"), [("char_noise:0", "context"), ("char_noise:0.2", "question")])
def test_noise_elsewhere_leaves_the_gold_untouched(data: Path, noise: str, field: str) -> None:
    """At strength 0, and where the question alone is noised, every answer is untouched and all measures agree."""
    scored = list(_scored(data, "xquad", "en", field, noise))
    for name in ("squad_em", "squad_f1", "surface_f1_noisy_gold", "surface_f1_clean_gold"):
        assert _score(name, scored) == 1.0
        assert _score(name, scored, "noised_gold") == 0.0


def test_names_that_noise_changed_are_counted_apart(data: Path) -> None:
    """A fifth of the letters noised changes most names, and leaves some; both scopes count theirs."""
    scored = list(_scored(data, "panx", "sw", "tokens", "char_noise:0.2"))
    metric: Metric = registry.load("metric", "span_f1")
    hits = {
        scope: sum(metric.stats(pair).get(scope, (0.0,))[0] for pair in scored)
        for scope in ("noised_gold", "untouched")
    }
    assert hits["noised_gold"] > hits["untouched"] > 0
