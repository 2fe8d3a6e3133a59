"""Weights selected on validation data: only on request, never where these are reported, and stated in the record."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from tests.lessons import lessons
from tests.tiny import tiny_encoder_folder
from tests.trainings import Stopped, files

from robust_xtreme.core import registry
from robust_xtreme.core.contamination import check
from robust_xtreme.core.errors import Contamination, MissingData
from robust_xtreme.tasks.sources.source import load
from robust_xtreme.training import objective, resume
from robust_xtreme.training.loop import Options, Progress
from robust_xtreme.training.spec import TrainSpec
from robust_xtreme.training.stage import train
from robust_xtreme.training.values import from_values


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty-two lessons a task, six validation sentences of panx, and a tiny random encoder; tests only read them."""
    folder = tmp_path_factory.mktemp("selection")
    lessons(folder / "data")
    tiny_encoder_folder(folder / "encoder")
    return folder


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The same lessons, for a test of its own."""
    return lessons(tmp_path / "data")


@pytest.fixture
def encoder(home: Path) -> Path:
    """The encoder of all tests."""
    return home / "encoder"


def _spec(data: Path, encoder: Path, name: str, **changed: Any) -> TrainSpec:
    """Four epochs of two steps; only xnli is reported."""
    facts: dict[str, Any] = {"epochs": 4, "batch_size": 16, "lr": 5e-3, "device": "cpu", "reported": "xnli"}
    values = {"task": "panx", "select": "dev", **facts, **changed}
    return from_values({**values, "data": data, "encoder": encoder, "out": data.parent / name})


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[dict[str, torch.Tensor]]]:
    """Scores of each epoch in the order given; what comes back are the heads' weights at each of them."""

    def plant(*scores: float) -> list[dict[str, torch.Tensor]]:
        seen: list[dict[str, torch.Tensor]] = []
        left = iter(scores)

        def dev_score(task: Any, source: Any, encoder: Any, head: Any, tokenizer: Any) -> objective.DevScore:
            def score() -> float:
                seen.append({name: tensor.clone() for name, tensor in head.state_dict().items()})
                return next(left)

            return objective.DevScore(score, np.array([], np.int64))

        monkeypatch.setattr(objective, "dev_score", dev_score)
        return seen

    return plant


def _head(run: Path) -> dict[str, torch.Tensor]:
    return load_file(run / "heads" / "panx.safetensors")


def _same(first: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(value, other[name]) for name, value in first.items())


@pytest.mark.parametrize(
    ("scores", "kept"),
    [
        ((10.0, 50.0, 30.0, 20.0), 1),
        ((50.0, 50.0, 50.0, 50.0), 0),
        ((0.0, 0.0, 0.0, 9.0), 3),
    ],
)
def test_the_weights_with_the_best_score_are_written(
    scores: tuple[float, ...], kept: int, data: Path, encoder: Path, planted: Any
) -> None:
    """Of equal scores the first; the last ones only where they are the best."""
    seen = planted(*scores)
    run = train(_spec(data, encoder, "run"))
    assert [_same(_head(run), head) for head in seen] == [index == kept for index in range(4)]
    assert not (run / resume.BEST).exists()
    rows = [row.split(",")[3] for row in (run / "metrics.csv").read_text(encoding="utf-8").splitlines()[1:]]
    assert [float(row) for row in rows if row] == list(scores)


def test_without_select_scores_decide_nothing(data: Path, encoder: Path, planted: Any) -> None:
    """The last weights are written, and nothing is kept beside the run."""
    seen = planted(10.0, 50.0, 30.0, 20.0)
    run = train(_spec(data, encoder, "run", select="none"))
    assert [_same(_head(run), head) for head in seen] == [False, False, False, True]
    record = json.loads((run / "stages" / "00-target.json").read_text(encoding="utf-8"))
    assert record["selected_on"] == "none"


class _Scored:
    """A score for each epoch, by the step that a watcher has seen; the run ends after the step `stop`."""

    def __init__(self, at: int = 0, stop: int = 0) -> None:
        self.at, self.stop = at, stop

    def watch(self, at: Progress) -> None:
        self.at = at.step
        if at.step == self.stop:
            raise Stopped

    def __call__(self, *_: Any) -> objective.DevScore:
        scores = {2: 10.0, 4: 50.0, 6: 30.0, 8: 20.0}
        return objective.DevScore(lambda: scores[self.at + 1], np.array([], np.int64))


def _selected(spec: TrainSpec, scored: _Scored, save_seconds: float = 60.0) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(objective, "dev_score", scored)
        return train(spec, Options(watch=scored.watch, save_seconds=save_seconds))


@pytest.fixture(scope="module")
def whole(home: Path) -> dict[str, bytes]:
    """The files of a run that was not stopped."""
    return files(_selected(_spec(home / "data", home / "encoder", "whole"), _Scored()))


@pytest.mark.parametrize(("step", "save_seconds"), [(3, 0.0), (7, 0.0), (8, 1e9)])
def test_what_is_kept_survives_a_kill(
    step: int, save_seconds: float, whole: dict[str, bytes], data: Path, encoder: Path
) -> None:
    """Stopped before and after the best epoch, with a saved state and without one: the same bytes in the end."""
    broken = _spec(data, encoder, "broken")
    with pytest.raises(Stopped):
        _selected(broken, _Scored(stop=step), save_seconds)
    assert files(_selected(broken, _Scored(at=0 if save_seconds else step - 1))) == whole


def test_the_record_and_the_hashes_say_what_was_selected_on(data: Path, encoder: Path) -> None:
    """An evaluation finds the validation examples among what the model has seen; without selection it does not."""
    examples = load(registry.load("task", "panx"), data, "en", "validation").examples
    run = train(_spec(data, encoder, "run"))
    record = json.loads((run / "stages" / "00-target.json").read_text(encoding="utf-8"))
    assert record["selected_on"] == "panx/validation/en"
    rows = [row.split(",") for row in (run / "metrics.csv").read_text(encoding="utf-8").splitlines()[1:]]
    best_of = max((float(row[3]), -int(row[0])) for row in rows if row[3])
    assert record["selected_step"] == -best_of[1]
    assert check(run, examples).count == len(examples)
    assert check(train(_spec(data, encoder, "other", select="none")), examples).count == 0


def test_only_tasks_with_validation_data_are_named_as_selecting(data: Path, encoder: Path) -> None:
    """XNLI has no validation file here: the weights of both tasks depend on PAN-X alone, and the record says so."""
    run = train(_spec(data, encoder, "both", task="panx,xnli", reported="tydiqa", epochs=1))
    assert json.loads((run / "stages" / "00-target.json").read_text())["selected_on"] == "panx/validation/en"


def test_nothing_is_selected_on_what_is_reported(data: Path, encoder: Path) -> None:
    """Validation examples that are in a reported split refuse the run, in one line, before anything is trained."""
    with pytest.raises(Contamination, match="share 6 examples") as caught:
        train(_spec(data, encoder, "run", reported="panx"))
    assert "\n" not in str(caught.value)
    assert not (data.parent / "run" / "model").exists()
    with pytest.raises(Contamination):
        train(_spec(data, encoder, "all", reported=()))


def test_tydiqa_cannot_be_selected(data: Path, encoder: Path) -> None:
    """Its validation set is what is reported: only fixed epochs are left."""
    folder = data / "tydiqa_goldp"
    train_file = (folder / "tydiqa.goldp.en.train.json").read_text(encoding="utf-8")
    (folder / "tydiqa.goldp.en.dev.json").write_text(train_file.replace(" on top", " below"), encoding="utf-8")
    assert load(registry.load("task", "tydiqa"), data, "en", "validation").examples
    with pytest.raises(Contamination, match="tydiqa/validation/en"):
        train(_spec(data, encoder, "run", task="tydiqa", reported="tydiqa"))
    assert train(_spec(data, encoder, "other", task="tydiqa", reported="tydiqa", select="none")).is_dir()


def test_selection_without_validation_data_is_one_line(data: Path, encoder: Path) -> None:
    """A task that has none says so."""
    with pytest.raises(MissingData, match="select = none"):
        train(_spec(data, encoder, "run", task="xnli", reported="panx"))
