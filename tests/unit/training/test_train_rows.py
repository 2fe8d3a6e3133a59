"""Only the rows of the word embeddings that a stage reads are trained: the same bytes as with all rows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
import torch
from tests.lessons import lessons
from tests.some import some
from tests.tiny import tiny_encoder, tiny_encoder_folder
from tests.trainings import Stopped, files, stop_at
from torch import nn
from transformers import MT5Config, MT5EncoderModel

from robust_xtreme.core.errors import ModelError
from robust_xtreme.models.mini import MiniConfig, MiniModel
from robust_xtreme.training import objective, stage
from robust_xtreme.training.loop import Options
from robust_xtreme.training.module import Schedule, narrow, rows_of, saving, why_all
from robust_xtreme.training.spec import StageSpec
from robust_xtreme.training.stage import train
from robust_xtreme.training.values import from_values


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Lessons, validation data with a letter that no lesson has, and a tiny encoder."""
    folder = tmp_path_factory.mktemp("rows")
    lessons(folder / "data")
    (folder / "data" / "panx" / "dev-en.tsv").write_text("Xerxes\tB-PER\nsaw\tO\nZug\tB-LOC\n\n", encoding="utf-8")
    tiny_encoder_folder(folder / "encoder")
    return folder


def _train(home: Path, out: Path, options: Options | None = None, **values: Any) -> Path:
    """Eight steps that are clipped, with a weight decay of 0.01."""
    of_run = {"recipe": "x-stilts", "clip": 0.05, "device": "cpu", "reported": "xnli"}
    of_stage = {"batch_size": 8, "lr": 5e-3, "epochs": 2} | values
    facts = {"data": home / "data", "encoder": home / "encoder", "out": out / "run", **of_run}
    return train(from_values({**facts, **of_stage}), options)


def _all_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "rows_of", lambda *_: None)


CASES: Final[dict[str, dict[str, Any]]] = {
    "pairs": {"task": "xnli"},
    "words, without decay": {"task": "panx", "recipe": "xtreme"},
    "questions": {"task": "tydiqa", "optimizer": "adamw"},
    "several in parts": {"task": "xnli,panx", "accumulate": 2},
    "half precision": {"task": "panx", "precision": "bf16"},
    "shuffled, along half a wave": {"task": "panx", "control": "shuffled_labels", "schedule": "cosine"},
}


@pytest.mark.parametrize(
    "case",
    some(
        list(CASES),
        ("words, without decay", "several in parts"),
    ),
)
def test_the_bytes_are_those_of_all_rows(
    case: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Weights, heads, curve and record: with decay and without, of every optimizer and family."""
    few = _train(home, tmp_path / "few", **CASES[case])
    _all_rows(monkeypatch)
    assert files(few) == files(_train(home, tmp_path / "all", **CASES[case]))


@pytest.mark.parametrize("fused", [True, False])
def test_weights_decay_as_the_optimizer_decays_them(fused: bool) -> None:
    """A weight that has gradients of zero, under AdamW: the same bits after a warm-up and a linear fall to 0."""
    schedule = Schedule(2e-3, 40, 4, 0.01, fused=fused)
    weights = torch.randn(64, 16)
    learned = nn.Parameter(weights.clone())
    learned.grad = torch.zeros_like(weights)
    optimizer = torch.optim.AdamW([learned], weight_decay=0.01, fused=fused)
    for step in range(40):
        optimizer.param_groups[0]["lr"] = schedule.at(step)
        optimizer.step()
    on_cuda = weights.clone()
    schedule.decay(weights, 40, cuda=False)
    schedule.decay(on_cuda, 40, cuda=True)
    assert torch.equal(weights, learned.data)
    assert torch.allclose(on_cuda, weights, rtol=1e-5, atol=0)


def _planted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first of two epochs is the best."""
    scored = objective.dev_score

    def dev_score(*given: Any) -> objective.DevScore:
        left = iter((50.0, 20.0))
        found = scored(*given)
        assert found is not None
        return objective.DevScore(lambda: (found.score(), next(left))[1], found.ids)

    monkeypatch.setattr(objective, "dev_score", dev_score)


def test_kept_weights_have_decayed_until_their_step(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Weights of the first epoch, selected on validation data whose rows no lesson has."""
    values: dict[str, Any] = {"task": "panx", "select": "dev"}
    _planted(monkeypatch)
    few = _train(home, tmp_path / "few", **values)
    _all_rows(monkeypatch)
    assert files(few) == files(_train(home, tmp_path / "all", **values))


def test_a_stopped_run_continues_with_the_rows_that_it_began_with(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A state of all rows, as earlier versions saved them, continues with all; both end with the same bytes."""
    whole = _train(home, tmp_path / "whole", task="panx")
    with monkeypatch.context() as patch:
        _all_rows(patch)
        with pytest.raises(Stopped):
            _train(home, tmp_path / "broken", Options(watch=stop_at(5), save_seconds=0.0), task="panx")
    assert files(_train(home, tmp_path / "broken", task="panx")) == files(whole)


def test_a_state_of_other_rows_is_refused(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many rows, of which one is another: the run says so instead of continuing with wrong vectors."""
    with pytest.raises(Stopped):
        _train(home, tmp_path, Options(watch=stop_at(5), save_seconds=0.0), task="panx")

    def others(*given: Any) -> torch.Tensor:
        rows = rows_of(*given)
        assert rows is not None
        return torch.cat([rows[:-1], rows[-1:] + 1])

    monkeypatch.setattr(stage, "rows_of", others)
    with pytest.raises(ModelError, match="not a state"):
        _train(home, tmp_path, task="panx")


def _spec(**values: Any) -> Any:
    return from_values({"data": "data", "encoder": "encoder", "device": "cpu", **values})


WHY: Final[dict[str, tuple[dict[str, Any], str]]] = {
    "of its data": ({"task": "xnli"}, ""),
    "masked LM instead": ({"task": "xnli", "control": "masked_lm"}, "masked LM scores all"),
    "masked LM beside": ({"target": {"tasks": ["xnli"], "masked_lm": 0.2, "text": "T"}}, "masked LM scores all"),
    "masked LM": ({"mlm": {"text": "T", "steps": 1}}, "masked LM scores all"),
    "noise": ({"task": "xnli", "perturb": ["char_noise:0.1"]}, "noise can read any"),
    "LoRA": ({"task": "xnli", "lora": 2}, "LoRA trains none"),
    "fp16": ({"task": "xnli", "precision": "fp16"}, "fp16 can skip steps"),
}


@pytest.mark.parametrize("case", WHY)
def test_where_rows_are_not_certain_all_are_trained(case: str) -> None:
    """Every reason, as `--plan` says it."""
    values, why = WHY[case]
    spec, encoder = _spec(**values), tiny_encoder(300)
    ((_, of_stage),) = spec.stages
    assert why_all(encoder, of_stage, spec) == why
    assert (rows_of(encoder, of_stage, spec, [], [np.array([5])]) is None) == bool(why)
    shown = saving(encoder, of_stage, spec, [np.array([5, 7, 5])])
    assert shown == (f"all: {why}" if why else ">= 2 of 300: saves up to 0 MB")


def _mini() -> Any:
    return MiniModel(MiniConfig(vocab_size=300, embedding_size=8, hidden_size=16, num_attention_heads=8))


def _frozen() -> Any:
    encoder = tiny_encoder(300)
    encoder.get_input_embeddings().weight.requires_grad_(False)
    return encoder


def _scoring() -> Any:
    encoder = tiny_encoder(300)
    encoder.scores = nn.Linear(16, 300, bias=False)
    encoder.scores.weight = encoder.get_input_embeddings().weight
    return encoder


@pytest.mark.parametrize("make", [_mini, _frozen, _scoring])
def test_an_encoder_that_uses_its_embeddings_otherwise_keeps_all(make: Callable[[], Any]) -> None:
    """Mini draws noise for every word, frozen embeddings have no gradient, a tied layer scores every word."""
    encoder, spec = make(), _spec(task="xnli")
    assert why_all(encoder, StageSpec(tasks=("xnli",)), spec) == f"{type(encoder).__name__} uses all"


def test_rows_are_those_of_the_data_and_of_padding() -> None:
    """Ids that the embeddings do not have, as the padding of some configurations, are left out."""
    encoder = tiny_encoder(300)
    encoder.config.pad_token_id = -1
    rows = rows_of(encoder, StageSpec(tasks=("xnli",)), _spec(task="xnli"), [], [np.array([9, 7, 9]), np.array([300])])
    assert rows is not None
    assert rows.tolist() == [1, 7, 9]


def _tied() -> Any:
    config = MT5Config(
        vocab_size=300, d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2, pad_token_id=0, dropout_rate=0.0
    )
    return MT5EncoderModel(config)


def _eighth(part: torch.Tensor) -> None:
    part.mul_(0.125)


@pytest.mark.parametrize("make", [lambda: tiny_encoder(300), _tied])
def test_a_narrowed_encoder_reads_the_same_ids(make: Callable[[], Any]) -> None:
    """The same states and gradients, also where layers share the embeddings; an id without a row is an error."""
    with torch.random.fork_rng():
        encoder = make().eval()
    ids, rows = torch.tensor([[5, 299, 7, 1]]), torch.tensor([0, 1, 5, 7, 299])
    weight = encoder.get_input_embeddings().weight
    before, padding = weight.data.clone(), encoder.get_input_embeddings().padding_idx

    def states() -> torch.Tensor:
        encoder.zero_grad()
        hidden: torch.Tensor = encoder(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state
        torch.autograd.backward(hidden.pow(2).sum())
        return hidden.detach()

    expected, gradient = states(), weight.grad[rows]
    table = narrow(encoder, rows)
    assert torch.equal(states(), expected)
    assert encoder.get_input_embeddings().weight is weight
    assert torch.equal(weight.grad, gradient)
    with pytest.raises(IndexError):
        encoder(input_ids=torch.tensor([[6]]))
    weight.data.add_(1)
    weight.grad = None
    table.put_back(_eighth)
    assert torch.equal(weight.data[rows], before[rows] + 1)
    assert torch.equal(weight.data[8:299], before[8:299] * 0.125)
    assert encoder.get_input_embeddings().padding_idx == padding
    assert not torch.equal(states(), expected)
