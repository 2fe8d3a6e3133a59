"""How diverse a set of tasks is, by two measures fixed beforehand: its formats and label types, and a mean distance.

Formats are the families of the tasks, and label types the kinds of their targets (`label_type`); both are
counts of distinct values. The distance of two examples is 1 - cos of their vectors, between 0 and 2. That of two tasks
is the mean over all pairs of an example of the first and an example of the second, that within a task the mean over
pairs of its examples, and that of a set the mean over its pairs of tasks. The reasons:
docs/decisions/training.md#diversity-has-two-measures.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, final

import numpy as np

from robust_xtreme.core import resources
from robust_xtreme.core.errors import MissingData
from robust_xtreme.core.examples import Example, digest, kind_of
from robust_xtreme.core.specs import TaskSpec

SAMPLE: Final = 200
"""Examples of a task that represent it."""

MAX_LENGTH: Final = 128
"""The most tokens of an example that are read."""

_DIGITS: Final = 6
_BATCH: Final = 32

Array = np.ndarray[Any, Any]


@final
@dataclass(frozen=True, slots=True)
class Embedder:
    """A function from texts to vectors (N, D), of any norm, and the identity of the encoder that computes them."""

    identity: str
    vectors: Callable[[Sequence[str]], Array]


def label_type(task: TaskSpec) -> str:
    """The type of the task's targets; label sets of the same size are one type, whatever their names."""
    return kind_of(task.family).label_type(task.labels)


def diversity(
    tasks: Sequence[TaskSpec],
    examples: Mapping[str, Sequence[Example]],
    embedder: Embedder | None = None,
    sample: int = SAMPLE,
) -> dict[str, Any]:
    """Both measures of a set of tasks, from `sample` examples of each; mini's encoder is the default.

    `examples` contains the examples of each task by name. Their order does not matter, and a smaller sample is a subset
    of a larger one. `formats` and `label_types` are counts; `distance` is the mean distance between tasks, None for a
    single one; `within` that inside each task, None for a single example; `encoder` the identity of the encoder.
    Raises MissingData where a task has no examples.
    """
    embedder = embedder or encoder_of(resources.mini("model") / "model")
    task_vectors = {task.name: _unit(embedder.vectors(_sampled(task, examples, sample))) for task in tasks}
    # The mean of 1 - cos over all pairs across two sets is 1 minus the product of their means.
    means = [task_vectors[name].mean(axis=0) for name in sorted(task_vectors)]
    between = [round(1 - float(first @ other), _DIGITS) for first, other in itertools.combinations(means, 2)]
    return {
        "formats": len({task.family for task in tasks}),
        "label_types": len({label_type(task) for task in tasks}),
        "distance": round(math.fsum(between) / len(between), _DIGITS) if between else None,
        "encoder": embedder.identity,
        "within": {name: _within(vectors) for name, vectors in task_vectors.items()},
    }


def text_of(example: Example) -> str:
    """All fields of an example in order, a line each."""
    return "\n".join(text.value for text in example.texts.values())


def _sampled(task: TaskSpec, examples: Mapping[str, Sequence[Example]], sample: int) -> list[str]:
    """The texts of the examples whose ids have the smallest hashes."""
    every = examples.get(task.name, ())
    if not every:
        raise MissingData(f"The diversity of a set with {task.name} needs examples of that task, and there are none.")
    return [text_of(example) for example in sorted(every, key=lambda item: (digest(item.id), item.id))[:sample]]


def _unit(vectors: Array) -> Array:
    """Vectors of length 1, float64; a zero vector stays zero, at a distance of 1 from every other."""
    wide = np.asarray(vectors, dtype=np.float64)
    lengths = np.linalg.norm(wide, axis=1, keepdims=True)
    unit: Array = wide / np.where(lengths > 0, lengths, 1)
    return unit


def _within(vectors: Array) -> float | None:
    """The mean of 1 - cos over the pairs of one set; None for a single example."""
    count = len(vectors)
    if count < 2:
        return None
    total = vectors.sum(axis=0)
    return round(1 - float(total @ total - (vectors * vectors).sum()) / (count * (count - 1)), _DIGITS)


def encoder_of(folder: Path) -> Embedder:
    """The embedder of an encoder's folder: the vectors of zero-shot retrieval, of the first 128 tokens of a text.

    Hidden state 14/24, the mean over tokens, on the CPU. Raises ModelError where the folder cannot be read.
    """
    from robust_xtreme.models.folder import encoder_identity
    from robust_xtreme.models.loading import read_encoder
    from robust_xtreme.models.tensors import DEFAULT
    from robust_xtreme.models.tokenizer import read_tokenizer

    opened = cache(lambda: (read_tokenizer(folder), read_encoder(folder)))
    identity = f"{encoder_identity(folder)} {DEFAULT} max_length={MAX_LENGTH}"
    return Embedder(identity, lambda texts: _embedded(*opened(), texts))


def _embedded(tokenizer: Any, whole: Any, texts: Sequence[str]) -> Array:
    import torch

    from robust_xtreme.models.reading.members.retrieval import text_windows
    from robust_xtreme.models.reading.tokens import tokenizer_from
    from robust_xtreme.models.tensors import DEFAULT, AtLayer, Pooled, collate, encoder_inputs, layer_count

    encoder, pooled = AtLayer(whole, DEFAULT.at(layer_count(whole))), Pooled(DEFAULT)
    windows = text_windows(texts, tokenizer_from(tokenizer), MAX_LENGTH)
    order = np.argsort(windows.lengths, kind="stable")
    vectors: list[Array] = [np.empty(0)] * len(windows)
    with torch.inference_mode():
        for start in range(0, len(order), _BATCH):
            indices = order[start : start + _BATCH]
            part = windows.take(indices)
            ids, mask = collate(part, int(tokenizer.pad_token_id))
            hidden = encoder(**encoder_inputs(whole, ids, mask, part)).last_hidden_state
            for index, vector in zip(indices.tolist(), pooled(hidden, mask, part).numpy(), strict=True):
                vectors[index] = vector
    return np.stack(vectors)
