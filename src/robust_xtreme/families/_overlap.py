"""What of an example must not stand in training data and in evaluated data: its passage, its pair, its sentence."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

from robust_xtreme.errors import ModelError
from robust_xtreme.examples import Answers, Example, Tags, digest
from robust_xtreme.specs import TaskSpec

LONG_SENTENCE: Final = 8
"""Words from which on an equal sentence is no accident."""

UNIQUE_ID: Final = 16
"""Characters from which on two questions with one id are the same question (SQuAD's have 24)."""

HASHES: Final = ".hashes"
_CONTEXT: Final = "context"


@final
@dataclass(frozen=True, slots=True)
class Unit:
    """What of an example counts: `passage`, `pair` or `sentence`, its hash, and whether it is a short sentence."""

    kind: str
    key: str
    short: bool


@final
@dataclass(frozen=True, slots=True)
class Shared:
    """How many of `total` distinct units are in training data as well, and the first example with such a one."""

    kind: str
    count: int
    total: int
    first: str


def unit(example: Example) -> Unit:
    """The unit of an example: the context of a question, the words of a tagged sentence, or all fields together."""
    match example.target:
        case Answers():
            return Unit("passage", _key("passage", example.texts[_CONTEXT].value), False)
        case Tags(names):
            (text,) = example.texts.values()
            return Unit("sentence", _key("sentence", text.value), len(names) < LONG_SENTENCE)
    values = [text.value for text in example.texts.values()]
    if len(values) > 1:
        return Unit("pair", _key("pair", *values), False)
    return Unit("sentence", _key("sentence", *values), len(values[0].split()) < LONG_SENTENCE)


def keys(example: Example) -> frozenset[str]:
    """The unit's key and, of a question, that of its id: translations keep the id, and have another passage."""
    native = example.id.rpartition("/")[2]
    named = isinstance(example.target, Answers) and len(native) >= UNIQUE_ID
    return frozenset((unit(example).key, *([digest("question", native)] if named else [])))


def kind(task: TaskSpec) -> str:
    """The kind of unit that the examples of a task have."""
    if task.family in ("span_qa", "tagging"):
        return "passage" if task.family == "span_qa" else "sentence"
    return "pair" if len({field for group in task.perturbed for field in group}) > 1 else "sentence"


def _key(kind: str, *values: str) -> str:
    """Equal for texts that differ only in case, spacing and compatibility forms."""
    return digest(kind, *(" ".join(unicodedata.normalize("NFKC", value).casefold().split()) for value in values))


def shared(examples: Iterable[Example], trained: Collection[str]) -> Shared:
    """What of the examples stands among the keys of training data."""
    seen: set[str] = set()
    kinds: set[str] = set()
    found: dict[str, str] = {}
    for example in examples:
        one = unit(example)
        seen.add(one.key)
        kinds.add(one.kind)
        if not keys(example).isdisjoint(trained):
            found.setdefault(one.key, example.id)
    return Shared("/".join(sorted(kinds)), len(found), len(seen), next(iter(found.values()), ""))


def check(run: Path, examples: Sequence[Example]) -> Shared:
    """What of the examples a run was trained on, by the hashes beside its stages. Raises ModelError.

    A run without hashes (an encoder that was only pretrained) shares nothing.
    """
    trained: set[str] = set()
    for path in sorted((run / "stages").glob(f"*{HASHES}")):
        try:
            trained.update(path.read_text(encoding="ascii").split())
        except (OSError, ValueError) as error:
            raise ModelError(f"{path} cannot be read: {error}") from error
    return shared(examples, trained)
