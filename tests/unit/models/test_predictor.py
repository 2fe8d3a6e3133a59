"""A predictor is one file: it answers what it serves, without a change anywhere else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.tiny import question_example

from robust_xtreme.core import registry
from robust_xtreme.core.columns import bounds_of, column_of
from robust_xtreme.core.errors import ModelError
from robust_xtreme.core.examples import Choice
from robust_xtreme.core.resources import mini
from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.core.specs import TaskSpec
from robust_xtreme.models.folder import Located
from robust_xtreme.models.located import locate
from robust_xtreme.models.predictors.members.encoder_head import EncoderHead
from robust_xtreme.models.predictors.predictor import Making, Predicted, Work, predictor_of
from robust_xtreme.models.reading.reading import Contents, Inputs, contents_of, inputs_of
from robust_xtreme.models.reading.tokens import Lexicon, Tokens
from robust_xtreme.models.reading.windows import plain
from robust_xtreme.run.run import evaluate
from robust_xtreme.tasks.sources.source import load, open_source

pytestmark = pytest.mark.usefixtures("unpaged")


@dataclass(frozen=True, slots=True)
class Last:
    """Answers the last label, and reads letters."""

    labels: int

    def prepare(self, contents: Contents) -> Inputs:
        """One window of as many tokens as there are letters."""
        fields = zip(*contents.values.values(), strict=True)
        return inputs_of(contents, plain([range(sum(len(value or "") for value in values)) for values in fields]))

    def answer(self, inputs: Inputs, work: Work) -> Predicted:
        """The last label each time."""
        work.advance(len(inputs))
        return Predicted(column_of([Choice(self.labels - 1)] * len(inputs)), np.ones(len(inputs), np.bool_))

    unknown = None

    def tokens(self, pieces: Iterable[str], _: Lexicon | None = None) -> Lexicon:
        """Code points."""
        lexicon = Lexicon(_code_points)
        lexicon.numbers(list(pieces))
        return lexicon


def _code_points(texts: list[str], _: bool) -> Tokens:
    ids = np.array([ord(letter) for text in texts for letter in text], np.int32)
    return Tokens(ids, bounds_of(np.array(list(map(len, texts)), np.int64)))


def plant(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a predictor `the_last` that answers classification into the registry, after the general ones by name."""
    names, load = registry.names, registry.load
    known = (*names("predictor"), "the_last")
    member = Making("the_last", "", _classifies, lambda _, task, __: Last(len(task.labels)))
    monkeypatch.setattr(registry, "names", lambda kind: known if kind == "predictor" else names(kind))
    monkeypatch.setattr(registry, "load", lambda kind, name: member if name == "the_last" else load(kind, name))


def _classifies(_: Located, task: TaskSpec) -> bool:
    return task.family == "classification"


def test_an_evaluation_takes_the_predictor_that_serves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its answers are those of the run, clean and noisy; what the cache has of another predictor is not taken."""
    before, after = (
        RunSpec(tasks=("xnli",), languages=("sw",), perturb=("char_noise:0.3",), limit="9", out=str(tmp_path / name))
        for name in ("before", "after")
    )
    last = str(len(registry.load("task", "xnli").labels) - 1)
    assert set(evaluate(before).predictions["prediction"]) > {last}
    plant(monkeypatch)
    predictions = evaluate(after).predictions
    assert set(predictions["prediction"]) == {last}
    assert (predictions["tokens"] > 0).all()


def test_other_tasks_keep_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A task that the new one does not serve is answered by an encoder with a head."""
    plant(monkeypatch)
    task = registry.load("task", "panx")
    assert isinstance(predictor_of(locate(mini("model"), task), task, _absent), EncoderHead)


def test_an_answer_in_no_window_is_reported() -> None:
    """An encoder with a head says of an example whether a window contains its gold answer."""
    task = registry.load("task", "xquad")
    whole = load(task, open_source("mini"), "sw", "test").examples[0]
    cut = question_example("long", "where?", f"{'x ' * 700} end", "x " * 700)
    predictor = predictor_of(locate(mini("model"), task), task, _absent)
    assert predictor.prepare(contents_of([whole, cut])).lost.tolist() == [False, True]


def test_a_task_that_none_serves_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """It names the task, the model and the predictors that there are."""
    task = registry.load("task", "panx")
    model = locate(mini("model"), task)
    monkeypatch.setattr(registry, "names", lambda _: ())
    with pytest.raises(ModelError, match="No predictor"):
        predictor_of(model, task, _absent)


def _absent() -> Any:
    raise AssertionError("nothing is computed")
