"""The cache of predictions: the key of a prediction, and its format in the cache.

A key is the hash of the model's identity, the settings of inference and what the model reads of an input. Gold, paths,
ids and strength are not part of it, so that a run with one more strength computes the changed texts only.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, final

from robust_xtreme import models, predictors
from robust_xtreme.evaluation.plan import TaskRun
from robust_xtreme.evaluation.prepare import Prepared
from robust_xtreme.examples import Answers, Choice, Document, Example, Span, Tags, Target, target_json
from robust_xtreme.models.identity import identity
from robust_xtreme.models.located import Located
from robust_xtreme.results import cache as stored

INFERENCE: Final = 1
"""The version of inference. Raise it with a change outside `models` and `predictors` that can change a prediction; the
source of those two packages is part of the key."""

KIND: Final = "predictions"
_LIBRARIES: Final = ("torch", "transformers", "tokenizers", "numpy")
_KEY_BYTES: Final = 16
_OURS: Final = "robust_xtreme."


@final
@dataclass(frozen=True, slots=True)
class Known:
    """What the cache knows of a task run: the keys of its inputs (empty: nothing is cached), and answers by index."""

    keys: tuple[bytes, ...] = ()
    answers: Mapping[int, Target] = field(default_factory=lambda: MappingProxyType({}))


@final
@dataclass(frozen=True, slots=True)
class PredictionCache:
    """The cache of predictions in a run, with the run's device and precision."""

    cache: stored.Cache
    device: str
    precision: str

    def known(self, prepared: Prepared, family: Any) -> Known:
        """The cached answers to a task run's inputs. Families of other packages have none: their code can change."""
        if not str(family.decode.__module__).startswith(_OURS):
            return Known()
        keys = tuple(keys_of(prepared, settings(prepared.task_run, self.precision, self.device)))
        cached = self.cache.get(KIND, keys)
        answers = ((index, read(cached[key])) for index, key in enumerate(keys) if key in cached)
        return Known(keys, {index: target for index, target in answers if target is not None})

    def keep(self, known: Known, computed: Mapping[int, Target | None]) -> None:
        """Store computed answers; None, where scores are not finite, is not stored."""
        if known.keys:
            finite = {known.keys[index]: target for index, target in computed.items() if target is not None}
            self.cache.put(KIND, {key: written(target).encode() for key, target in finite.items()})


def opened(warn: Callable[[str], None], device: str, precision: str) -> PredictionCache:
    """The cache of this machine; `warn` is called with its faults. Raises SpecError where its limit is not a size."""
    return PredictionCache(stored.opened(lambda line: warn(f"warning: {line}")), device, precision)


def settings(task_run: TaskRun, precision: str, device: str) -> str:
    """Everything but the inputs that a task run's predictions depend on."""
    model, task = task_run.model, task_run.task
    return json.dumps(
        {
            "inference": [INFERENCE, _code()],
            "model": [_answering(model), model.head, model.family, *model.labels],
            "settings": [task.family, task.max_length, task.stride, precision],
            "device": device,
            "libraries": [importlib.metadata.version(name) for name in _LIBRARIES],
        }
    )


@functools.cache
def _code() -> str:
    """The hash of the source that encodes, computes and decodes."""
    state = hashlib.blake2b(digest_size=_KEY_BYTES)
    for package in (models, predictors):
        for path in sorted(Path(package.__file__ or "").parent.rglob("*.py")):
            state.update(path.read_bytes())
    return state.hexdigest()


def _answering(model: Located) -> str:
    """The identity of encoder and head of one task, without the run's other heads."""
    if model.native is not None:
        return model.identity
    heads = {model.head: model.labels} if model.head else {}
    return identity(model.folder.iterdir(), model.config, heads, model.run / "heads")


def keys_of(prepared: Prepared, what: str) -> Iterator[bytes]:
    """The key of each distinct input."""
    start = hashlib.blake2b(what.encode("utf-8", "surrogatepass"), digest_size=_KEY_BYTES)
    for input_ in prepared.inputs:
        state = start.copy()
        for part in _content(input_.example):
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
