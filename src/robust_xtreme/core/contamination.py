"""Contamination: units (passages, pairs, sentences, queries) that training and evaluated data share."""

import unicodedata
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple

from robust_xtreme.core import resources
from robust_xtreme.core.errors import ModelError
from robust_xtreme.core.examples import Answers, Example, Tags, digest, kind_of
from robust_xtreme.core.specs import CANDIDATE, TaskSpec

LONG_SENTENCE: Final = 8
"""Words from which on equal sentences are not a coincidence."""

HASHES: Final = ".hashes"
_CONTEXT: Final = "context"
_QUERY: Final = "query"
_QUERIES: Final = "query text"
_PASSAGES: Final = "passage"
_QUESTIONS: Final = frozenset((_PASSAGES, _QUERIES))
"""Kinds of units whose examples may be questions on the same passages."""


class ExampleUnit(NamedTuple):
    """The unit of an example: passage, pair, sentence or query text; its hash; whether it is a short sentence."""

    kind: str
    key: str
    short: bool


@dataclass(frozen=True, slots=True)
class SharedUnits:
    """How many of `total` distinct units are in training data too, and the first example with such a unit."""

    kind: str
    count: int
    total: int
    first: str


def unit(example: Example) -> ExampleUnit:
    """The unit of an example: the context of a question, the words of a tagged sentence, a query, or all fields.

    Of a choice these are the premise and the choices, without the question.
    """
    texts = {name: text.value for name, text in example.texts.items()}
    if _QUERY in texts:
        return ExampleUnit(_QUERIES, _key(_QUERIES, texts[_QUERY]), False)
    match example.target:
        case Answers():
            return ExampleUnit(_PASSAGES, _key(_PASSAGES, texts[_CONTEXT]), False)
        case Tags(names):
            (value,) = texts.values()
            return ExampleUnit("sentence", _key("sentence", value), len(names) < LONG_SENTENCE)
    values = [value for name, value in texts.items() if not ("choice1" in texts and name == "question")]
    if len(values) > 1:
        return ExampleUnit("pair", _key("pair", *values), False)
    return ExampleUnit("sentence", _key("sentence", *values), len(values[0].split()) < LONG_SENTENCE)


def keys(example: Example, known: ExampleUnit | None = None) -> frozenset[str]:
    """The keys of an example, whose unit may be `known`: the unit's, and more of a question or query.

    These are its id, which translations with another passage keep, and the passage of a training candidate: what its
    span `context` covers.
    """
    piece = known or unit(example)
    native = example.id.rpartition("/")[2]
    # From 16 characters on two questions with one id are the same question (SQuAD's have 24).
    named = piece.kind in _QUESTIONS and len(native) >= 16
    candidate = example.texts.get(CANDIDATE)
    contexts = [candidate.at(span) for span in candidate.spans if span.label == _CONTEXT] if candidate else []
    passages = [_key(_PASSAGES, context) for context in contexts]
    return frozenset((piece.key, *passages, *([digest("question", native)] if named else [])))


def kind(task: TaskSpec) -> str:
    """The kind of unit of a task's examples."""
    fields = {field for group in task.perturbed for field in group}
    return kind_of(task.family).unit or ("pair" if len(fields) > 1 else "sentence")


def comparable(task: TaskSpec, wanted: str) -> bool:
    """Whether examples of a task can share units of a kind.

    Queries can be questions on the passages of another task, but not where the candidates have separate files and are
    not passages.
    """
    task_kind = kind(task)
    entities = task.pool is not None and bool(task.pool.files)
    return task_kind == wanted or ({task_kind, wanted} <= _QUESTIONS and not entities)


@lru_cache(maxsize=1024)
def _key(kind: str, *values: str) -> str:
    """One key for texts that differ in case, spacing and compatibility forms; questions have that of their passage."""
    return digest(kind, *(" ".join(unicodedata.normalize("NFKC", value).casefold().split()) for value in values))


def shared(examples: Iterable[Example], trained: Collection[str]) -> SharedUnits:
    """How many units of the examples are among the keys of training data."""
    seen: set[str] = set()
    kinds: set[str] = set()
    overlapping: dict[str, str] = {}
    for example in examples:
        piece = unit(example)
        seen.add(piece.key)
        kinds.add(piece.kind)
        if not keys(example, piece).isdisjoint(trained):
            overlapping.setdefault(piece.key, example.id)
    return SharedUnits("/".join(sorted(kinds)), len(overlapping), len(seen), next(iter(overlapping.values()), ""))


def check(run: Path, examples: Sequence[Example]) -> SharedUnits:
    """How many units of the examples a run was trained on, by its hashes (without any: none). Raises ModelError."""
    trained: set[str] = set()
    for path in sorted((run / "stages").glob(f"*{HASHES}")):
        try:
            trained |= _hashes(path, resources.version(path))
        except (OSError, ValueError) as error:
            raise ModelError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    return shared(examples if trained else (), trained)


@lru_cache(maxsize=8)
def _hashes(path: Path, _: tuple[int, ...]) -> frozenset[str]:
    """The hashes of a stage, read once for all languages; another version of the file is read again."""
    return frozenset(resources.content(path).decode("ascii").split())
