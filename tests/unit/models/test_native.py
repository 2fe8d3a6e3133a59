"""Checkpoints that others made: their answers are those of transformers, whatever their architecture and labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from tests.checkpoints import KINDS, NLI, QUESTION, SEQUENCE, TAGS, TEXTS, TOKEN, change, checkpoint, rewrite, turned
from tests.decoding import answers_of, inputs_for
from tests.some import some
from tests.tiny import pair_example, question_example, tagged_example

from robust_xtreme.core import registry
from robust_xtreme.core.columns import Choices
from robust_xtreme.core.examples import Choice, Example, Tags, Target
from robust_xtreme.models.labels import relabelled
from robust_xtreme.models.loading import Checkpoint, Models, load_checkpoint
from robust_xtreme.models.located import locate
from robust_xtreme.models.predictors.loaded import forward, predict
from robust_xtreme.models.predictors.members.encoder_head import in_task_order
from robust_xtreme.models.predictors.predictor import Work
from robust_xtreme.models.reading.reading import Decoded

XNLI, PANX, XQUAD = (registry.load("task", name) for name in ("xnli", "panx", "xquad"))
PAIRS = [pair_example(str(index), *pair) for index, pair in enumerate(TEXTS)]
SENTENCES = [
    tagged_example("a", ["Ana", "went", "to", "Rome", "quickly"], ["O"] * 5),
    tagged_example("b", ["x"], ["O"]),
]


def answers(checkpoint: Checkpoint, examples: list[Example], length: int = 128) -> list[Target | None]:
    """What a checkpoint says of examples, in the task's own labels."""
    predicted = predict(checkpoint, inputs_for(checkpoint, examples, length, 0), Work(500))
    relabel = relabelled(checkpoint.labels, XNLI, Path()) if isinstance(predicted.targets, Choices) else None
    return answers_of(Decoded(in_task_order(predicted.targets, relabel), predicted.finite))


def peer(folder: Path, head: str) -> tuple[Any, Any]:
    """The tokenizer and model as transformers loads them."""
    auto: Any = transformers
    model = getattr(auto, f"AutoModelFor{head}").from_pretrained(str(folder)).eval()
    return auto.AutoTokenizer.from_pretrained(str(folder)), model


@pytest.mark.parametrize("kind", KINDS)
def test_classes_are_those_that_transformers_gives(kind: str, tmp_path: Path) -> None:
    """A pair is read with the special tokens and segments that the tokenizer wants, and the class goes by its name."""
    folder = checkpoint(tmp_path / "one", kind, SEQUENCE, NLI)
    tokenizer, model = peer(folder, SEQUENCE)
    wanted = []
    for example in PAIRS:
        with torch.inference_mode():
            inputs = tokenizer(example.texts["premise"].value, example.texts["hypothesis"].value, return_tensors="pt")
            predicted = model(**inputs).logits[0].argmax().item()
        wanted.append(Choice(XNLI.labels.index(NLI[predicted].lower())))
    assert len(set(wanted)) > 1
    assert answers(load_checkpoint(folder, XNLI), PAIRS) == wanted


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("order", some([(2, 0, 1), (1, 0, 2)], 1, whole=True))
def test_the_order_of_classes_changes_nothing(kind: str, order: tuple[int, ...], tmp_path: Path) -> None:
    """The same model with its classes permuted gives the same answers, and the same identity never."""
    folder = checkpoint(tmp_path / "one", kind, SEQUENCE, NLI)
    paths = (folder, turned(folder, tmp_path / "other", order))
    first, other = (load_checkpoint(path, XNLI) for path in paths)
    assert answers(first, PAIRS) == answers(other, PAIRS)
    assert first.labels != other.labels
    assert len({locate(path, XNLI).identity for path in paths}) == 2


@pytest.mark.parametrize("kind", KINDS)
def test_tags_are_those_that_transformers_gives(kind: str, tmp_path: Path) -> None:
    """A word has the tag of its first token, called as the task does; MISC counts as O; their order changes nothing."""
    folder = checkpoint(tmp_path / "one", kind, TOKEN, TAGS)
    tokenizer, model = peer(folder, TOKEN)
    wanted = []
    for example in SENTENCES:
        words = example.texts["tokens"].value.split()
        with torch.inference_mode():
            inputs = tokenizer(words, is_split_into_words=True, return_tensors="pt")
            predicted = model(**inputs).logits[0].argmax(-1).tolist()
        first = [inputs.word_ids().index(index) for index in range(len(words))]
        names = [TAGS[predicted[index]] for index in first]
        wanted.append(Tags(tuple("O" if name.endswith("MISC") else name for name in names)))
    assert answers(load_checkpoint(folder, PANX), SENTENCES) == wanted
    again = load_checkpoint(turned(folder, tmp_path / "other", (8, 2, 1, 0, 3, 4, 6, 5, 7)), PANX)
    assert answers(again, SENTENCES) == wanted


@pytest.mark.parametrize("kind", KINDS)
def test_scores_of_spans_are_those_that_transformers_gives(kind: str, tmp_path: Path) -> None:
    """Question and context are as the tokenizer puts them, and both ends of the answer are scored by the model."""
    folder = checkpoint(tmp_path / "one", kind, QUESTION)
    tokenizer, model = peer(folder, QUESTION)
    example = question_example("q", "who went?", "Ana went to Rome in May.", "Ana")
    loaded = load_checkpoint(folder, XQUAD)
    windows = loaded.family.encode([example], loaded.tokenizer, 384, 128)
    with torch.inference_mode():
        outputs = model(**tokenizer("who went?", example.texts["context"].value, return_tensors="pt"))
    wanted = torch.stack((outputs.start_logits[0], outputs.end_logits[0]), dim=-1).numpy()
    assert forward(loaded, windows)[0] == pytest.approx(wanted, abs=1e-4)
    assert locate(folder, registry.load("task", "tydiqa")).identity == locate(folder, XQUAD).identity


def test_two_tasks_of_one_checkpoint_share_its_weights(tmp_path: Path) -> None:
    """The second task of a reader of questions loads nothing again."""
    folder = checkpoint(tmp_path / "one", "bert", QUESTION)
    models = Models("cpu", "fp32")
    first, other = (models.load(locate(folder, task), task) for task in (XQUAD, registry.load("task", "tydiqa")))
    assert first.encoder is other.encoder


def test_half_precision_weights_are_computed_in_single(tmp_path: Path) -> None:
    """What is stored in 16 bits is read as float32, as the run says."""
    folder = checkpoint(tmp_path / "one", "bert", SEQUENCE, NLI)
    rewrite(folder, lambda weights: {name: tensor.half() for name, tensor in weights.items()})
    change(folder, {"dtype": "float16", "torch_dtype": "float16"})
    loaded = load_checkpoint(folder, XNLI)
    assert {parameter.dtype for parameter in loaded.encoder.parameters()} == {torch.float32}
    halved = load_checkpoint(folder, XNLI, precision="bf16")
    assert {parameter.dtype for parameter in halved.encoder.parameters()} == {torch.bfloat16}
