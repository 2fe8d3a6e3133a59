"""Tags that a head does not have: where a task accepts the head, their gold counts as O.

MasakhaNER has dates, which heads of PAN-X do not have. Such a head is scored by the types that it has a class for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from robust_xtreme.core import registry
from robust_xtreme.core.examples import NO_ANSWER, Example, Tags
from robust_xtreme.core.specs import TaskSpec
from robust_xtreme.core.targets.kinds import SPAN_QA, kind_of

_OUTSIDE: Final = "O"
_PREFIXES: Final = ("B-", "I-")


def label_sets(task: TaskSpec) -> tuple[tuple[str, ...], ...]:
    """The sets of labels that a head for a task may have: the task's, and for taggers smaller sets of accepted tasks.

    A head for spans may have the label `no_answer`, whether or not the task has questions without an answer.
    """
    if task.family == SPAN_QA.name:
        return tuple(dict.fromkeys((task.labels, (), (NO_ANSWER,))))
    if not kind_of(task.family).words:
        return (task.labels,)
    known = registry.names("task")
    others = (registry.load("task", name).labels for name in task.accepts if name != task.name and name in known)
    return (task.labels, *(labels for labels in others if labels and set(labels) < set(task.labels)))


def unsupported_labels(labels: Sequence[str], task: TaskSpec) -> tuple[str, ...]:
    """The tags of a task whose type a head has no class for; empty where neither has types with B- and I-."""
    kinds = {label[2:] for label in labels if label.startswith(_PREFIXES)}
    if not kind_of(task.family).words or not kinds:
        return ()
    return tuple(label for label in task.labels if label.startswith(_PREFIXES) and label[2:] not in kinds)


def outside(examples: Sequence[Example], tags: Sequence[str]) -> tuple[Example, ...]:
    """The examples with those tags replaced by O; fingerprints stay, since the data are the same."""
    return tuple(_without(example, frozenset(tags)) for example in examples) if tags else tuple(examples)


def _without(example: Example, tags: frozenset[str]) -> Example:
    match example.target:
        case Tags(names) if not tags.isdisjoint(names):
            return replace(example, target=Tags(tuple(_OUTSIDE if name in tags else name for name in names)))
        case _:
            return example


def note(labels: Sequence[str], task: TaskSpec) -> str:
    """A sentence on the types that are not scored; empty where all are scored."""
    unsupported = unsupported_labels(labels, task)
    kinds = ", ".join(dict.fromkeys(label[2:] for label in unsupported))
    return f"{task.name}: the head has no class for {kinds}; gold {kinds} counts as O." if unsupported else ""
