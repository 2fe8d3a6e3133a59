"""Our engine beside TextAttack's on the embedded model: success and queries on the CPU, time where there is a GPU."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import pytest
import torch
from benchmarks.textattack import OURS, PEER, TIMES, measure

from robust_xtreme.core import registry, resources
from robust_xtreme.models.loading import load_checkpoint
from robust_xtreme.tasks.sources.source import load, open_source

pytestmark = [
    pytest.mark.textattack,
    pytest.mark.skipif(find_spec("textattack") is None, reason="TextAttack is not installed: make test-textattack"),
    pytest.mark.filterwarnings("ignore"),
]


def measured(device: str, items: int) -> dict[str, Any]:
    """The figures of the benchmark with the embedded model and suite."""
    task = registry.load("task", "xnli")
    examples = load(task, open_source("mini"), "en", "test").examples
    return measure(examples, load_checkpoint(resources.mini("model"), task, device), items, cores=1)


def test_success_and_queries_are_those_of_textattack() -> None:
    """On the items that the embedded model answers right, next to as many attacks succeed, with as many queries."""
    figures = measured("cpu", 60)
    peer, ours = figures["figures"][PEER], figures["figures"][OURS]
    assert figures["accuracy"] > 0.5
    assert abs(figures["difference"]) < 0.1
    assert 0.85 < ours["mean_queries"] / peer["mean_queries"] < 1.15


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_on_a_gpu_we_take_at_most_a_tenth_of_the_time() -> None:
    """Rounds of all items fill a GPU; TextAttack asks for four texts at a time."""
    measured("cuda", 20)
    figures = measured("cuda", 150)
    peer, ours = figures["figures"][PEER], figures["figures"][OURS]
    assert ours["seconds"] <= TIMES["cuda"] * peer["seconds"]
