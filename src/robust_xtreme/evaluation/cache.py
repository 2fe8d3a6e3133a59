"""Predictions that earlier runs kept: what a prediction depends on, as a key, and how it is written down.

A key is the hash of the model's identity, the settings of inference and what the model reads of an input. Neither gold
nor path, id or strength is part of it, so that a run with one more strength computes the changed texts only.
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
"""The version of how a prediction is made. Raise it with a change outside `models` and `predictors` that can change
one; what those do counts by their source."""

KIND: Final = "predictions"
_LIBRARIES: Final = ("torch", "transformers", "tokenizers", "numpy")
_KEY_BYTES: Final = 16
_OURS: Final = "robust_xtreme."


@final
@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a unit beforehand: the keys of its inputs (none: nothing is kept), and answers by place."""

    keys: tuple[bytes, ...] = ()
    answers: Mapping[int, Target] = field(default_factory=lambda: MappingProxyType({}))


@final
@dataclass(frozen=True, slots=True)
class Kept:
    """The cache as a run uses it. `device` and `precision` are the run's."""

    cache: stored.Cache
    device: str
    precision: str

    def known(self, prepared: Prepared, family: Any) -> Known:
        """The answers that are held of a unit's inputs. Families of other packages have none: they can change."""
        if not str(family.decode.__module__).startswith(_OURS):
            return Known()
        keys = tuple(keys_of(prepared, settings(prepared.unit, self.precision, self.device)))
        held = self.cache.get(KIND, keys)
        found = ((place, read(held[key])) for place, key in enumerate(keys) if key in held)
        return Known(keys, {place: target for place, target in found if target is not None})

    def keep(self, known: Known, computed: Mapping[int, Target | None]) -> None:
        """Hold what was computed; scores that are not finite gave None, which is not held."""
        if known.keys:
            found = {known.keys[place]: target for place, target in computed.items() if target is not None}
            self.cache.put(KIND, {key: written(target).encode() for key, target in found.items()})


def opened(warn: Callable[[str], None], device: str, precision: str) -> Kept:
    """The cache of this machine; `warn` hears what is wrong with it. Raises SpecError where its limit is not a size."""
    return Kept(stored.opened(lambda line: warn(f"warning: {line}")), device, precision)


def settings(unit: TaskRun, precision: str, device: str) -> str:
    """All that a unit's predictions depend on beside its inputs."""
    model, task = unit.model, unit.task
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
    """The identity of what answers one task: a run's other heads, which its own identity contains, change nothing."""
    if model.native is not None:
        return model.identity
    heads = {model.head: model.labels} if model.head else {}
    return identity(model.folder.iterdir(), model.config, heads, model.run / "heads")


def keys_of(prepared: Prepared, what: str) -> Iterator[bytes]:
    """The key of each distinct input."""
    start = hashlib.blake2b(what.encode("utf-8", "surrogatepass"), digest_size=_KEY_BYTES)
    for one in prepared.inputs:
        state = start.copy()
        for part in _content(one.example):
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
    """A prediction as JSON that says what it is."""
    return f'{{"{type(target).__name__}": {target_json(target)}}}'


def read(text: bytes) -> Target | None:
    """The prediction that was written down; None where the text is not a prediction."""
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
    if not isinstance(values, list) or not all(isinstance(one, str) for one in values):
        raise TypeError("no list of texts")
    return tuple(values)
