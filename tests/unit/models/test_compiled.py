"""Compiled encoders: what they answer, what a run records of it, and what a compiler that fails says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.checkpoints import NLI, SEQUENCE, TEXTS, checkpoint
from tests.tiny import pair_example
from torch.fx import GraphModule

from robust_xtreme.core import registry
from robust_xtreme.core.errors import ModelError
from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.models import loading
from robust_xtreme.models.loading import Checkpoint, Models
from robust_xtreme.models.located import locate
from robust_xtreme.models.predictors.loaded import forward
from robust_xtreme.run.run import evaluate

pytestmark = pytest.mark.usefixtures("unpaged")

XNLI = registry.load("task", "xnli")
Backend = Callable[[GraphModule, Sequence[Any]], Callable[..., Any]]


@pytest.fixture(name="graphs")
def fixture_graphs(monkeypatch: pytest.MonkeyPatch) -> list[GraphModule]:
    """What is given to the compiler, which computes it as it is."""
    graphs: list[GraphModule] = []

    def backend(graph: GraphModule, _: Sequence[Any]) -> Callable[..., Any]:
        graphs.append(graph)
        return graph.forward

    _use(backend, monkeypatch)
    return graphs


def _use(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    torch._dynamo.reset()
    monkeypatch.setattr(loading, "BACKEND", backend)


def _loaded(folder: Path, compiling: bool) -> Checkpoint:
    return Models("cpu", "fp32", compiling=compiling).load(locate(folder, XNLI), XNLI)


def _scores(loaded: Checkpoint, count: int) -> np.ndarray[Any, Any]:
    examples = [pair_example(str(index), *pair) for index, pair in enumerate(TEXTS[:count])]
    return forward(loaded, loaded.family.encode(examples, loaded.tokenizer, 128, 0))


@pytest.mark.long
@pytest.mark.filterwarnings("ignore:Guards may run slower on Python 3.13.0")
def test_batches_of_any_shape_are_computed_by_what_was_compiled_when_the_model_was_loaded(
    tmp_path: Path, graphs: list[GraphModule]
) -> None:
    """One row and several, with segments: the same scores, and nothing is compiled again."""
    folder = checkpoint(tmp_path / "one", "bert", SEQUENCE, NLI)
    eager, loaded = _loaded(folder, False), _loaded(folder, True)
    count = len(graphs)
    assert count
    for rows in (1, 2, len(TEXTS)):
        assert _scores(loaded, rows) == pytest.approx(_scores(eager, rows), abs=1e-6)
    assert len(graphs) == count


def test_a_compiler_that_fails_is_named_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is computed, with what to do."""

    def fails(*_: Any) -> Any:
        raise RuntimeError("no compiler\nhere")

    _use(fails, monkeypatch)
    folder = checkpoint(tmp_path / "one", "bert", SEQUENCE, NLI)
    with pytest.raises(ModelError, match="no compiler"):
        _loaded(folder, True)


@pytest.mark.long
@pytest.mark.filterwarnings("ignore:Guards may run slower on Python 3.13.0")
def test_a_compiled_run_is_another_run_whose_cells_say_so(tmp_path: Path, graphs: list[GraphModule]) -> None:
    """Its identity, its cells and its keys in the cache differ from those of the same run without a compiler."""
    spec = RunSpec(tasks=("xnli",), languages=("sw",), limit="4", out=str(tmp_path / "run"))
    again = replace(spec, compile=True, out=str(tmp_path / "compiled"))
    assert spec.identity() != again.identity()
    plain, results = (evaluate(each) for each in (spec, again))
    assert graphs
    assert results.manifest["spec"]["compile"] is True
    assert "compile" not in plain.manifest["spec"]
    (inference,) = results.predictions.get_column("inference").unique()
    assert inference == "max_length=128 stride=0 precision=fp32 compile=inductor"
    assert "from the cache" not in (tmp_path / "compiled" / "log.txt").read_text().replace(", 0 from the cache", "")
