"""Names of classes: those of a checkpoint, as it calls them, and those of a task."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from robust_xtreme import registry
from robust_xtreme.errors import ModelError, SpecError
from robust_xtreme.models.unsupported import label_sets
from robust_xtreme.specs import TaskSpec
from robust_xtreme.targets.kinds import kind_of

OUTSIDE: Final = "O"

_FORM: Final = "as in --labels xnli=entailment,neutral,contradiction"
_NAMELESS: Final = re.compile(r"(?:LABEL_)?[0-9]+")
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
"""Of BIO, BIOES, BMES and BILOU: what begins a name, and what continues with it."""

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


def contradiction(own: Sequence[str], places: Any) -> str:
    """Where label2id gives a class another place than id2label does, as a part of a sentence; else empty."""
    plain = [name.strip().casefold() for name in own]
    for name, place in places.items() if isinstance(places, Mapping) else ():
        known = [str(at) for at, one in enumerate(plain) if one == str(name).strip().casefold()]
        if known and str(place) not in known:
            return f"id2label calls class {known[0]} {name[:40]!r}, but label2id says that it is {str(place)[:40]}"
    return ""


def check_clear(unclear: str, task: TaskSpec, where: str) -> None:
    """Raise ModelError, showing the flag, where a configuration contradicts itself about its classes."""
    if unclear:
        flag = f"--labels {task.name}={','.join(task.labels)}"
        raise ModelError(f"{where}: in its config.json {unclear}. Name its classes in their order: {flag}")


def check_agrees(found: tuple[str, ...], own: tuple[str, ...], task: TaskSpec, where: str) -> None:
    """Raise SpecError where the user's names of classes contradict a head's own names, which are the task's."""
    clear = placed(own, task)
    if clear is not None and clear != found:
        raise SpecError(
            f"--labels contradicts {where}, whose config.json calls its classes {_shown(own)}. Leave --labels out, or "
            "correct id2label and label2id there."
        )


def called_otherwise(own: tuple[str, ...], labels: tuple[str, ...], task: TaskSpec, where: str) -> str:
    """A sentence where classes that have names of their own were named otherwise by the user; else empty."""
    if _nameless(own) or placed(own, task) is not None:
        return ""
    return f"{task.name}: --labels takes the classes {_shown(own)} of {where} for {_shown(labels)}."


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
    if kind_of(task.family).words and OUTSIDE in task.labels:
        return next((found for one in label_sets(task) if (found := _tags(own, one))), None)
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


def _tags(own: tuple[str, ...], labels: tuple[str, ...]) -> tuple[str, ...] | None:
    """Tags by their names; None where O is missing, or what a type of the task needs.

    A type needs its I-: B- can be left to names that follow another one (IOB1, IO). Where one is left out, a B- of
    another type that has no I- could be meant for it.
    """
    found = tuple(_tag(name, labels) for name in own)
    needed = {label for label in labels if label == OUTSIDE or label.startswith("I-")}
    has = {*found} - {OUTSIDE} | ({OUTSIDE} & {name.strip().upper() for name in own})
    odd = {*labels} - has and _half_types(others(own, found))
    return found if needed <= has and not odd else None


def _half_types(names: Sequence[str]) -> set[str]:
    """The types among tags that can begin a name and cannot continue with one."""
    parts = [re.fullmatch(r"([A-Za-z])[-_](.+)", name.strip().upper(), re.DOTALL) for name in names]
    known = [(_PREFIXES.get(one[1], ""), one[2]) for one in parts if one]
    return {kind for prefix, kind in known if prefix == "B"} - {kind for prefix, kind in known if prefix == "I"}


def _tag(name: str, labels: Sequence[str]) -> str:
    """`B-PER`, `b_person`, `S-PER` as B-PER; a type without a prefix continues, as in the scheme IO; others as O."""
    prefix, mark, kind = re.match(r"(?:([A-Za-z])([-_]))?(.*)", name.strip(), re.DOTALL).groups()  # type: ignore[union-attr]  # the pattern matches any text
    begins = _PREFIXES.get(prefix.upper(), "") if mark else "I"
    tag = f"{begins}-{_TYPES.get(kind.upper(), kind.upper())}"
    return tag if tag in labels else OUTSIDE


def _nameless(own: Sequence[str]) -> bool:
    return all(_NAMELESS.fullmatch(name) for name in own)


def _refusal(own: tuple[str, ...], task: TaskSpec, where: str) -> str:
    have, want = _shown(own), ", ".join(task.labels)
    if len(own) != len(task.labels) and not kind_of(task.family).words:
        return f"{where}: its head has {len(own)} classes ({have}), but {task.name} has {len(task.labels)} ({want})."
    flag = f"--labels {task.name}={','.join(task.labels)}"
    if _nameless(own):
        return f"{where} calls its classes {have}, which says nothing of {task.name}. Name them in its order: {flag}"
    what = "do not cover" if kind_of(task.family).words else "are not"
    return f"{where}: its classes ({have}) {what} those of {task.name} ({want}). Use a model of this task."


def _shown(names: Sequence[str]) -> str:
    few = ", ".join(name[:40] for name in names[:_LONGEST])
    return f"{few}, ..." if len(names) > _LONGEST else few
