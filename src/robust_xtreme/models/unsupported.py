"""Tags that a head was trained without: where a task accepts it all the same, their gold counts as O.

MasakhaNER has dates, which heads of PAN-X do not know. Such a head is judged by the types that it has a class for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from robust_xtreme import registry
from robust_xtreme.examples import NO_ANSWER, Example, Tags
from robust_xtreme.specs import TaskSpec
from robust_xtreme.targets.kinds import kind_of
from robust_xtreme.targets.spans import SPAN_QA

_OUTSIDE: Final = "O"
_PREFIXES: Final = ("B-", "I-")


def label_sets(task: TaskSpec) -> tuple[tuple[str, ...], ...]:
    """The labels that a head for a task may have: its own, and of a tagger those of accepted tasks that are fewer.

    A head for spans may be one that can say that there is no answer, whether or not the task has such questions.
    """
    if task.family == SPAN_QA.name:
        return tuple(dict.fromkeys((task.labels, (), (NO_ANSWER,))))
    if not kind_of(task.family).words:
        return (task.labels,)
    known = [one for one in task.accepts if one != task.name and one in registry.names("task")]
    others = (registry.load("task", one).labels for one in known)
    return (task.labels, *(one for one in others if one and set(one) < set(task.labels)))


def unsupported_labels(labels: Sequence[str], task: TaskSpec) -> tuple[str, ...]:
    """The tags of a task whose type a head has no class for; a type without B- or I- is never spared."""
    kinds = {label[2:] for label in labels if label.startswith(_PREFIXES)}
    if not kind_of(task.family).words or not kinds:
        return ()
    return tuple(one for one in task.labels if one.startswith(_PREFIXES) and one[2:] not in kinds)


def outside(examples: Sequence[Example], tags: Sequence[str]) -> tuple[Example, ...]:
    """The examples with those tags as O; fingerprints stay, since the data are the same."""
    return tuple(_without(one, frozenset(tags)) for one in examples) if tags else tuple(examples)


def _without(example: Example, tags: frozenset[str]) -> Example:
    match example.target:
        case Tags(names) if not tags.isdisjoint(names):
            return replace(example, target=Tags(tuple(_OUTSIDE if one in tags else one for one in names)))
        case _:
            return example


def note(labels: Sequence[str], task: TaskSpec) -> str:
    """The sentence that says which types are not judged; empty where all are."""
    gone = unsupported_labels(labels, task)
    kinds = ", ".join(dict.fromkeys(one[2:] for one in gone))
    return f"{task.name}: the head has no class for {kinds}; gold {kinds} counts as O." if gone else ""
