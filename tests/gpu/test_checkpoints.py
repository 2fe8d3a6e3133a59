"""On CUDA: checkpoints with a head of their own answer as on the CPU, and two tasks share one."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tests.checkpoints import KINDS, NLI, QUESTION, SEQUENCE, TEXTS, checkpoint
from tests.tiny import pair_example, question_example

from robust_xtreme.core import registry
from robust_xtreme.models.loading import Models
from robust_xtreme.models.located import locate
from robust_xtreme.models.predictors.loaded import forward
from robust_xtreme.models.tensors import Scores

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA: none is available here"),
]
PAIRS = [pair_example(str(index), *pair) for index, pair in enumerate(TEXTS)]
QUESTIONS = [question_example("q", "who went?", "Ana went to Rome in May. " * 30, "Ana")]


def scores(folder: Path, device: str, *tasks: str) -> list[Scores]:
    """The scores of each task's examples by one checkpoint."""
    models = Models(device, "fp32")
    outputs = []
    for name in tasks:
        task = registry.load("task", name)
        checkpoint = models.load(locate(folder, task), task)
        examples = QUESTIONS if task.family == "span_qa" else PAIRS
        outputs.append(
            forward(checkpoint, checkpoint.family.encode(examples, checkpoint.tokenizer, task.max_length, task.stride))
        )
    return outputs


@pytest.mark.parametrize("kind", KINDS)
def test_scores_are_those_of_the_cpu(kind: str, tmp_path: Path) -> None:
    """Of pairs, and of questions that two tasks ask of one checkpoint."""
    pairs = checkpoint(tmp_path / "pairs", kind, SEQUENCE, NLI)
    questions = checkpoint(tmp_path / "questions", kind, QUESTION)
    for folder, tasks in ((pairs, ("xnli",)), (questions, ("xquad", "tydiqa"))):
        for ours, theirs in zip(scores(folder, "cuda", *tasks), scores(folder, "cpu", *tasks), strict=True):
            assert ours == pytest.approx(theirs, abs=1e-2)
