"""The cache of predictions: the key of a prediction, and its format in the cache.

A key is the hash of the model's identity, the settings of inference and what the model reads of an input. Gold, paths,
ids and strength are not part of it, so that a run with one more strength computes the changed texts only.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

from robust_xtreme import models, predictors, reading
from robust_xtreme.examples import Answers, Choice, Document, Example, Span, Tags, Target, target_json
from robust_xtreme.models.identity import identity
from robust_xtreme.models.on_disk import Located
from robust_xtreme.results.cache import Cache
from robust_xtreme.specs import TaskSpec

INFERENCE: Final = 1
"""The version of inference. Raise it with a change outside `models`, `predictors` and `reading` that can change a
prediction; the source of those packages is part of the key."""

KIND: Final = "predictions"
_LIBRARIES: Final = ("torch", "transformers", "tokenizers", "numpy")
_KEY_BYTES: Final = 16


@final
@dataclass(frozen=True, slots=True)
class Store:
    """What the cache of this machine has of one model and task; `settings` is what predictions depend on besides."""

    cache: Cache
    settings: str

    def known(self, examples: Sequence[Example]) -> dict[int, Target]:
        """The predictions that the cache has, by the index of the example."""
        keys = tuple(keys_of(examples, self.settings))
        cached = self.cache.get(KIND, keys)
        answers = ((index, read(cached[key])) for index, key in enumerate(keys) if key in cached)
        return {index: target for index, target in answers if target is not None}

    def keep(self, examples: Sequence[Example], targets: Sequence[Target | None]) -> None:
        """Store predictions; None, where scores are not finite, is not stored."""
        rows = zip(keys_of(examples, self.settings), targets, strict=True)
        self.cache.put(KIND, {key: written(target).encode() for key, target in rows if target is not None})


def settings(model: Located, task: TaskSpec, inference: str, device: str) -> str:
    """Everything but the inputs that a model's predictions for a task depend on."""
    return json.dumps(
        {
            "inference": [INFERENCE, _code()],
            "model": [_answering(model), model.head, model.family, *model.labels],
            "settings": [task.family, inference],
            "device": device,
            "libraries": [importlib.metadata.version(name) for name in _LIBRARIES],
        }
    )


@functools.cache
def _code() -> str:
    """The hash of the source that encodes, computes and decodes."""
    state = hashlib.blake2b(digest_size=_KEY_BYTES)
    for package in (models, predictors, reading):
        for path in sorted(Path(package.__file__ or "").parent.rglob("*.py")):
            state.update(path.read_bytes())
    return state.hexdigest()


def _answering(model: Located) -> str:
    """The identity of encoder and head of one task, without the run's other heads."""
    if model.native is not None:
        return model.identity
    heads = {model.head: model.labels} if model.head else {}
    return identity(model.folder.iterdir(), model.config, heads, model.run / "heads")


def keys_of(examples: Sequence[Example], what: str) -> Iterator[bytes]:
    """The key of each example."""
    start = hashlib.blake2b(what.encode("utf-8", "surrogatepass"), digest_size=_KEY_BYTES)
    for example in examples:
        state = start.copy()
        for part in _content(example):
            data = part.encode("utf-8", "surrogatepass")
            state.update(len(data).to_bytes(8, "little") + data)
        yield state.digest()


def _content(example: Example) -> Iterator[str]:
    """What the model reads: the fields in order, and the bounds of words; spans that are answers are gold."""
    gold = isinstance(example.target, Answers)
    for name, text in example.texts.items():
        yield name
        yield text.value
        yield "" if gold else " ".join(f"{span.start}-{span.stop}" for span in text.spans)


def written(target: Target) -> str:
    """A prediction as JSON, with its type."""
    return f'{{"{type(target).__name__}": {target_json(target)}}}'


def read(text: bytes) -> Target | None:
    """The prediction that a text encodes; None where it is not a prediction."""
    try:
        ((kind, value),) = json.loads(text).items()
        return _target(kind, value)
    except (ValueError, TypeError, AttributeError, RecursionError):
        return None


def _target(kind: str, value: Any) -> Target | None:
    match kind:
        case "Choice" if type(value) is int:
            return Choice(value)
        case "Tags":
            return Tags(_strings(value))
        case "Answers":
            return Answers(tuple(Span(int(start), int(stop)) for start, stop in value))
        case "Document":
            return Document(_strings(value))
        case _:
            return None


def _strings(values: Sequence[Any]) -> tuple[str, ...]:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise TypeError("not a list of texts")
    return tuple(values)
