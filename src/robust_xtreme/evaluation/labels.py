"""Names of classes: those of a checkpoint, as it calls them, and those of a task."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from robust_xtreme import registry
from robust_xtreme.errors import ModelError, SpecError
from robust_xtreme.specs import TaskSpec

OUTSIDE: Final = "O"
_FORM: Final = "as in --labels xnli=entailment,neutral,contradiction"
_NAMELESS: Final = re.compile(r"LABEL_\d+")
_LONGEST: Final = 12
_CLASSES: Final = {
    "entail": "entailment",
    "entails": "entailment",
    "entailed": "entailment",
    "contradict": "contradiction",
    "contradicts": "contradiction",
    "contradicted": "contradiction",
    "contradictory": "contradiction",
}
_PREFIXES: Final = {"B": "B", "S": "B", "U": "B", "I": "I", "M": "I", "E": "I", "L": "I"}
"""Of BIO, BIOES, BMES and BILOU: what begins a name, and what goes on with it."""

_TYPES: Final = {
    "PERSON": "PER",
    "PERS": "PER",
    "ORGANIZATION": "ORG",
    "ORGANISATION": "ORG",
    "LOCATION": "LOC",
    "GPE": "LOC",
}


def parse_labels(given: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """`xnli=entailment,neutral,contradiction` as {"xnli": (...)}.

    Raises SpecError or UnknownName: no names, a name or a task twice, an unknown task.
    """
    found: dict[str, tuple[str, ...]] = {}
    for one in given:
        task, _, rest = one.partition("=")
        names = tuple(part.strip() for part in rest.split(","))
        if not task or not all(names):
            raise SpecError(f"The labels {one[:80]!r} are not TASK=A,B,C, {_FORM}")
        registry.load("task", task)
        repeated = next((name for name in names if names.count(name) > 1), None)
        if repeated is not None:
            raise SpecError(f"The labels of {task} name {repeated!r} twice: name each class once, {_FORM}")
        if task in found:
            raise SpecError(f"Labels are given twice for {task!r}: name its classes once, {_FORM}")
        found[task] = names
    return found


def named(given: tuple[str, ...], own: tuple[str, ...], task: TaskSpec, where: str) -> tuple[str, ...]:
    """The classes of a head as the user names them. Raises SpecError where the head has another number of them."""
    if len(given) != len(own):
        raise SpecError(f"--labels names {len(given)} classes of {task.name}, but {where} has {len(own)}.")
    return given


def mapped(own: tuple[str, ...], task: TaskSpec, where: str) -> tuple[str, ...]:
    """A head's classes as the task calls them, in the head's order; tags of other names count as O.

    Raises ModelError, showing the flag that names them, where the head's names do not say which they are.
    """
    found = placed(own, task)
    if found is None:
        raise ModelError(_refusal(own, task, where))
    return found


def placed(own: tuple[str, ...], task: TaskSpec) -> tuple[str, ...] | None:
    """A head's classes as the task calls them; None where the names do not say which they are."""
    if task.family == "tagging":
        return _tags(own, task)
    found = tuple(_class(name, task.labels) for name in own)
    return found if sorted(found) == sorted(task.labels) else None


def may_fit(own: tuple[str, ...], task: TaskSpec) -> bool:
    """Whether a head could serve a task: its classes have the task's names, or none and the task's number."""
    return placed(own, task) is not None or (_nameless(own) and len(own) == len(task.labels))


def others(own: Sequence[str], labels: Sequence[str]) -> tuple[str, ...]:
    """The tags of a head that count as O though they are not called so."""
    return tuple(name for name, label in zip(own, labels, strict=True) if label == OUTSIDE and name != OUTSIDE)


def _class(name: str, labels: Sequence[str]) -> str:
    plain = name.strip().casefold()
    plain = _CLASSES.get(plain, plain)
    return next((label for label in labels if label.casefold() == plain), "")


def _tags(own: tuple[str, ...], task: TaskSpec) -> tuple[str, ...] | None:
    """Tags by their names; None where O is missing, or every tag of a type that the task has."""
    found = tuple(_tag(name, task.labels) for name in own)
    types = {label.partition("-")[2] for label in task.labels if label != OUTSIDE}
    complete = OUTSIDE in (name.strip().upper() for name in own) and types <= {tag.partition("-")[2] for tag in found}
    return found if complete else None


def _tag(name: str, labels: Sequence[str]) -> str:
    """`B-PER`, `b_person`, `S-PER` as B-PER; a type without a prefix goes on, as in the scheme IO; others as O."""
    prefix, mark, kind = re.match(r"(?:([A-Za-z])([-_]))?(.*)", name.strip(), re.DOTALL).groups()  # type: ignore[union-attr]  # the pattern matches any text
    begins = _PREFIXES.get(prefix.upper(), "") if mark else "I"
    tag = f"{begins}-{_TYPES.get(kind.upper(), kind.upper())}"
    return tag if tag in labels else OUTSIDE


def _nameless(own: Sequence[str]) -> bool:
    return all(_NAMELESS.fullmatch(name) for name in own)


def _refusal(own: tuple[str, ...], task: TaskSpec, where: str) -> str:
    have, want = _shown(own), ", ".join(task.labels)
    if len(own) != len(task.labels) and task.family != "tagging":
        return f"{where}: its head has {len(own)} classes ({have}), but {task.name} has {len(task.labels)} ({want})."
    flag = f"--labels {task.name}={','.join(task.labels)}"
    if _nameless(own):
        return f"{where} calls its classes {have}, which says nothing of {task.name}. Name them in its order: {flag}"
    what = "do not cover" if task.family == "tagging" else "are not"
    return f"{where}: its classes ({have}) {what} those of {task.name} ({want}). Name them in its order: {flag}"


def _shown(names: Sequence[str]) -> str:
    few = ", ".join(name[:40] for name in names[:_LONGEST])
    return f"{few}, ..." if len(names) > _LONGEST else few
