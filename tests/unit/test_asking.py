"""A condition may ask the model: through one function, for a batch of texts, where the model is."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from robust_xtreme import registry
from robust_xtreme.edits import Edits, SpanTable
from robust_xtreme.errors import SpecError
from robust_xtreme.evaluation.run import evaluate
from robust_xtreme.examples import Choice, Example, Text
from robust_xtreme.noise.engine.noising import Job, Perturbation, asks, noise_texts, perturb
from robust_xtreme.run_spec import RunSpec
from robust_xtreme.specs import PerturbationSpec

CHAR_NOISE: Perturbation = registry.load("perturbation", "char_noise")
SPEC = PerturbationSpec.parse("planted:0.5@fields=premise")
EXAMPLES = [
    Example(
        f"e{n}", {"premise": Text("shared", "en", "one text"), "hypothesis": Text(f"h{n}", "en", "two")}, Choice(n), ""
    )
    for n in range(2)
]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """The answers that the perturbation `planted` received for its clean texts, and the thread of each."""
    answers: list[tuple[str, Any]] = []

    def edit(job: Job) -> tuple[Edits, Any]:
        assert job.ask is not None
        batch, table = job.batch, job.batch.spans
        answers.append((threading.current_thread().name, job.ask(job.ids, batch.values, table)))
        return CHAR_NOISE.edit(job)

    planted = replace(CHAR_NOISE, name="planted", edit=edit, asks=True)
    load: Callable[[str, str], Any] = registry.load
    monkeypatch.setattr(registry, "load", lambda kind, name: planted if name == "planted" else load(kind, name))
    return answers


def test_noise_ignores_what_it_could_ask() -> None:
    """A perturbation that does not ask gives the same texts with and without a model, which is never asked."""
    spec = PerturbationSpec.parse("char_noise:0.5")

    def never(ids: Sequence[str], values: Sequence[str], spans: SpanTable) -> Any:
        raise AssertionError("noise asked")

    assert not asks(spec)
    assert perturb(EXAMPLES, spec, 0, never) == perturb(EXAMPLES, spec, 0)


def test_a_text_is_asked_about_once_by_its_id(asked: list[tuple[str, Any]]) -> None:
    """Two examples share a text: one question names it, and both show its noisy text."""
    questions: list[tuple[list[str], list[str]]] = []

    def answer(ids: Sequence[str], values: Sequence[str], spans: SpanTable) -> Any:
        questions.append((list(ids), list(values)))
        return np.ones(len(ids))

    shown, noised = perturb(EXAMPLES, SPEC, 0, answer)
    assert asks(SPEC)
    assert questions == [(["shared"], ["one text"])]
    assert set(noised) == {"shared"}
    assert {texts.texts["premise"] for texts in shown} == {noised["shared"].text}


def test_what_asks_is_refused_where_there_is_no_model(asked: list[tuple[str, Any]]) -> None:
    """Noise on texts alone, as in files, says that the perturbation is one of evaluation."""
    with pytest.raises(SpecError, match=r"planted asks a model, so it is a perturbation of robust-xtreme eval alone\."):
        noise_texts([Text("t", "en", "text")], SPEC, 0)
    assert asked == []


@pytest.mark.parametrize(
    ("task", "field"), [("xnli", "hypothesis"), ("xnli", "premise"), ("panx", "tokens"), ("xquad", "context")]
)
def test_an_evaluation_answers_where_the_model_is(
    task: str, field: str, tmp_path: Path, asked: list[tuple[str, Any]]
) -> None:
    """A lane asks; texts that are asked about as they are score what the clean condition scores."""
    perturb, out = (f"planted:0.5@fields={field}",), str(tmp_path / "run")
    run = evaluate(RunSpec(tasks=(task,), languages=("sw",), perturb=perturb, limit="9", out=out), cache=False)
    assert all(name.startswith("lane_") for name, _ in asked)
    scores = np.concatenate([rows for _, rows in asked])
    assert 0 <= scores.min() <= scores.max() <= 1
    clean = run.scores.filter((pl.col("condition") == "clean") & (pl.col("scope") == "all"))
    (value,) = clean.filter(pl.col("metric") == registry.load("task", task).metrics[0])["value"]
    assert task == "panx" or scores.mean() == pytest.approx(
        value / 100
    )  # the F1 of chunks is not a mean over sentences
    assert scores.mean() > 0
