"""Map the class names of a checkpoint to the labels of a task, and the tags that its head does not have to O.

MasakhaNER has dates, which heads of PAN-X do not have. Such a head is scored by the types that it has a class for.
"""

import difflib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from shlex import quote
from typing import Any, Final

from robust_xtreme.core import registry
from robust_xtreme.core.errors import ModelError, SpecError
from robust_xtreme.core.examples import IOB2_PREFIXES, NO_ANSWER, OUTSIDE, SPAN_QA, Example, Tags, kind_of
from robust_xtreme.core.specs import TaskSpec
from robust_xtreme.models.folder import Located

_FORM: Final = "as in --labels xnli=entailment,neutral,contradiction"
_NAMELESS: Final = re.compile(r"(?:LABEL_)?[0-9]+")
_LONGEST: Final = 12
_NEUTRAL: Final = dict.fromkeys(("neu", "neut"), "neutral")
_ENTAILMENT: Final = dict.fromkeys(("ent", "entail", "entails", "entailed"), "entailment")
_AGAINST: Final = ("con", "contra", "contradict", "contradicts", "contradicted", "contradictory")
_SHORT: Final = (
    ({"negative", "positive"}, {"neg": "negative", "pos": "positive", **_NEUTRAL}),
    ({"entailment"}, {**_ENTAILMENT, **dict.fromkeys(_AGAINST, "contradiction"), **_NEUTRAL}),
)
"""Short forms, which are read only beside these names: `con` is contradiction beside entailment, and not beside pro."""
_INSIDE_NAMES: Final = ("B-", "I-")
_TYPES: Final = {
    **dict.fromkeys(("PERSON", "PERS"), "PER"),
    **dict.fromkeys(("ORGANIZATION", "ORGANISATION"), "ORG"),
    **dict.fromkeys(("LOCATION", "GPE"), "LOC"),
}


def parse_labels(given: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """`xnli=entailment,neutral,contradiction` as {"xnli": (...)}. Raises SpecError, UnknownName."""
    names_by_task: dict[str, tuple[str, ...]] = {}
    for assignment in given:
        task, _, listed = assignment.partition("=")
        names = tuple(part.strip() for part in listed.split(","))
        if not task or not all(names):
            raise SpecError(f"The labels {assignment[:80]!r} are not TASK=A,B,C, {_FORM}")
        registry.load("task", task)
        repeated = next((name for name in names if names.count(name) > 1), None)
        if repeated is not None:
            raise SpecError(f"The labels of {task} name {repeated!r} twice: name each class once, {_FORM}")
        if task in names_by_task:
            raise SpecError(f"Labels are given twice for {task!r}: name its classes once, {_FORM}")
        names_by_task[task] = names
    return names_by_task


def contradiction(classes: Sequence[str], label2id: Any) -> str:
    """How label2id contradicts id2label about the index of a class, as a part of a sentence; else empty."""
    plain = [name.strip().casefold() for name in classes]
    for name, index in label2id.items() if isinstance(label2id, Mapping) else ():
        known = [str(at) for at, class_name in enumerate(plain) if class_name == str(name).strip().casefold()]
        if known and str(index) not in known:
            return f"id2label calls class {known[0]} {name[:40]!r}, but label2id says that it is {str(index)[:40]}"
    return ""


def check_agrees(given: tuple[str, ...], classes: tuple[str, ...], task: TaskSpec, where: str) -> None:
    """Raise SpecError where the user's names contradict those of the head, and the head's are the task's labels."""
    clear = placed(classes, task)
    if clear is not None and clear != given:
        what = f"--labels contradicts {where}, whose config.json calls its classes {_shown(classes)}"
        raise SpecError(f"{what}. Leave --labels out, or correct id2label and label2id there.")


def called_otherwise(classes: tuple[str, ...], labels: tuple[str, ...], task: TaskSpec, where: str) -> str:
    """A sentence where the user names classes that have meaningful names in the checkpoint; else empty."""
    if _nameless(classes) or placed(classes, task) is not None:
        return ""
    return f"{task.name}: --labels takes the classes {_shown(classes)} of {where} for {_shown(labels)}."


def mapped(classes: tuple[str, ...], task: TaskSpec, where: str) -> tuple[str, ...]:
    """The task's label of each of a head's classes, in its order; tags of other names count as O. Raises ModelError."""
    task_labels = placed(classes, task)
    if task_labels is not None:
        return task_labels
    have, want = _shown(classes), _shown(task.labels)
    tags = kind_of(task.family).words
    if len(classes) != len(task.labels) and not tags:
        what = f"its head has {len(classes)} classes ({have}), but {task.name} has {len(task.labels)} ({want})"
        known = dict(zip(spelt(task.labels, classes), task.labels, strict=False))
        every = flag(task, tuple(known.get(name, name) for name in classes))
        some = f" If the data have only some of these, name them all in its order: {every}" if known else ""
        raise ModelError(f"{where}: {what}.{some}")
    if _nameless(classes):
        numbers = tuple(name.removeprefix("LABEL_") for name in classes)
        if sorted(numbers) == sorted(task.labels):
            class_labels = numbers
        else:  # a head whose numbers are in another order says nothing of the labels: each class stands for itself
            class_labels = task.labels if numbers == tuple(map(str, range(len(numbers)))) else classes
        what = f"calls its classes {have}, which are not names of {task.name}'s. Name them in its order"
        raise ModelError(f"{where} {what}: {flag(task, class_labels)}")
    what = f"its classes ({have}) {'do not cover' if tags else 'are not'} those of {task.name} ({want})"
    guess, step = _guessed(classes, task.labels), "Use a model of this task"
    if len(classes) == len(task.labels):
        order = "in what seems to be their order" if guess else "with a label in the place of each class"
        step += f", or, if they mean the same, say so {order}: {flag(task, guess or classes)}"
    raise ModelError(f"{where}: {what}. {step}.")


def _guessed(classes: tuple[str, ...], labels: tuple[str, ...]) -> tuple[str, ...]:
    """The label that each class abbreviates or resembles; empty where not all have one, each another."""
    known = {label.casefold(): label for label in labels}
    begun = ([label for label in known if label.startswith(name.strip().casefold())] for name in classes)
    near = [
        some if len(some) == 1 else difflib.get_close_matches(name.strip().casefold(), known, 1)
        for name, some in zip(classes, begun, strict=True)
    ]
    guess = tuple(known[label] for some in near for label in some)
    return guess if sorted(guess) == sorted(labels) else ()


def placed(classes: tuple[str, ...], task: TaskSpec) -> tuple[str, ...] | None:
    """The task's label of each of a head's classes; None where the labels do not follow from the names."""
    if kind_of(task.family).words and OUTSIDE in task.labels:
        return next((tags for label_set in label_sets(task) if (tags := _tags(classes, label_set))), None)
    labels = {label.casefold(): label for label in task.labels}
    is_exact = sorted(classes) == sorted(task.labels)
    same = classes if is_exact else tuple(labels.get(name.strip().casefold(), "") for name in classes)
    task_labels = same if all(same) else spelt(classes, task.labels)
    return task_labels if sorted(task_labels) == sorted(task.labels) else None


_MARKS: Final = re.compile(r"[\s_\u0300-\u036f]|(?<=\w)-(?=[^\W\d])")
"""What two spellings of a name can differ in beside case: blanks, accents, and hyphens that are not a number's sign."""


def spelt(classes: Sequence[str], labels: Sequence[str]) -> tuple[str, ...]:
    """The label that each class is in another spelling, or in a known short form, as NEG of negative.

    Empty unless each class has a label, another one each; the sign of a number counts.
    """
    known = dict(zip(_plain(labels), labels, strict=True))
    chosen = tuple(known.get(name, "") for name in _plain(classes) if name)
    return chosen if len(known) == len(labels) and all(chosen) and len({*chosen}) == len(classes) else ()


def _plain(names: Sequence[str]) -> list[str]:
    """Names without case, accents, blanks and hyphens, short forms in full."""
    plain = [_MARKS.sub("", unicodedata.normalize("NFD", name.casefold())) for name in names]
    for beside, forms in _SHORT:
        full = [forms.get(name, name) for name in plain]
        if beside <= {*full}:
            return full
    return plain


def respelt(classes: Sequence[str], labels: Sequence[str], task: TaskSpec, where: str) -> str:
    """A sentence on the labels that a model's classes are taken for, where their names differ; else empty."""
    pairs = [f"{name} as {label}" for name, label in zip(classes, labels, strict=False) if name != label]
    is_said = pairs and not _nameless(classes) and not (kind_of(task.family).words and OUTSIDE in task.labels)
    return f"{task.name}: classes of {where} are read by their spelling: {', '.join(pairs)}." if is_said else ""


def may_fit(classes: tuple[str, ...], task: TaskSpec) -> bool:
    """Whether a head can serve a task: its classes have the task's labels, or as many names without meaning."""
    return placed(classes, task) is not None or (_nameless(classes) and len(classes) == len(task.labels))


def others(classes: Sequence[str], labels: Sequence[str]) -> tuple[str, ...]:
    """The tags of a head that count as O and have another name."""
    return tuple(name for name, label in zip(classes, labels, strict=True) if label == OUTSIDE and name != OUTSIDE)


def _tags(classes: tuple[str, ...], labels: tuple[str, ...]) -> tuple[str, ...] | None:
    """The task's label of each tag, by its name; None where O or a tag that the task needs is missing.

    A type needs its I- tag; its B- tag may be missing or used only after another name (IO, IOB1). Where a label is
    missing, None is returned too if an unknown type has a B- tag without an I- tag, which could be meant for it.
    """
    task_tags = tuple(_tag(name, labels) for name in classes)
    needed = {label for label in labels if label == OUTSIDE or label.startswith("I-")}
    has = {*task_tags} - {OUTSIDE} | ({OUTSIDE} & {name.strip().upper() for name in classes})
    odd = {*labels} - has and _half_types(others(classes, task_tags))
    return task_tags if needed <= has and not odd else None


def _half_types(names: Sequence[str]) -> set[str]:
    """The types of the tags that have a beginning tag and no continuing one."""
    parts = [re.fullmatch(r"([A-Za-z])[-_](.+)", name.strip().upper(), re.DOTALL) for name in names]
    known = [(IOB2_PREFIXES.get(match[1], ""), match[2]) for match in parts if match]
    return {kind for prefix, kind in known if prefix == "B"} - {kind for prefix, kind in known if prefix == "I"}


def _tag(name: str, labels: Sequence[str]) -> str:
    """`B-PER`, `b_person`, `S-PER` as B-PER; a type without a prefix continues, as in the scheme IO; others as O."""
    prefix, mark, kind = re.match(r"(?:([A-Za-z])([-_]))?(.*)", name.strip(), re.DOTALL).groups()  # type: ignore[union-attr]  # the pattern matches any text
    begins = IOB2_PREFIXES.get(prefix.upper(), "") if mark else "I"
    known = {label.casefold(): label for label in labels}
    spelt = (name.strip(), f"{begins}-{kind}", f"{begins}-{_TYPES.get(kind.upper(), kind)}")
    return next((known[tag.casefold()] for tag in spelt if tag.casefold() in known), OUTSIDE)


def _nameless(classes: Sequence[str]) -> bool:
    return all(_NAMELESS.fullmatch(name) for name in classes)


def flag(task: TaskSpec, order: tuple[str, ...] = ()) -> str:
    """The option that names the classes of a task's model, in their order where it is known."""
    names = quote(f"{task.name}={','.join(order or task.labels)}")
    return f"--labels {names} (in Python, the argument labels)"


def _shown(names: Sequence[str]) -> str:
    few = ", ".join(name[:40] for name in names[:_LONGEST])
    return f"{few}, ..." if len(names) > _LONGEST else few


def relabelled(labels: tuple[str, ...], task: TaskSpec, run: Path) -> tuple[int, ...] | None:
    """For a classification head, the task's index of each label; None if equal, or tags. Raises ModelError."""
    if labels == task.labels:
        return None
    indexed, fits = kind_of(task.family).indexed, sorted(labels) in map(sorted, label_sets(task))
    named = labels if fits else spelt(labels, task.labels) if indexed else ()
    if not (fits or named):
        have, want = _shown(labels), _shown(task.labels)
        raise ModelError(f"{run}: the head's labels ({have}) are not those of {task.name} ({want}).")
    return tuple(task.labels.index(label) for label in named) if indexed else None


def relabel_of(located: Located, task: TaskSpec) -> tuple[int, ...] | None:
    """The task's index of each of a model's choices, without loading it; None where nothing is to be mapped."""
    # a checkpoint's tags already have the task's names, and several of them can be O
    tags = located.origin.native and not kind_of(located.family).indexed
    return None if tags else relabelled(located.labels, task, located.run)


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
    kinds = {label[2:] for label in labels if label.startswith(_INSIDE_NAMES)}
    if not kind_of(task.family).words or not kinds:
        return ()
    return tuple(label for label in task.labels if label.startswith(_INSIDE_NAMES) and label[2:] not in kinds)


def outside(examples: Sequence[Example], tags: Sequence[str]) -> tuple[Example, ...]:
    """The examples with those tags replaced by O; fingerprints stay, since the data are the same."""

    def kept(example: Example) -> Example:
        if not isinstance(example.target, Tags) or {*tags}.isdisjoint(example.target.names):
            return example
        return replace(example, target=Tags(tuple(OUTSIDE if name in tags else name for name in example.target.names)))

    return tuple(map(kept, examples)) if tags else tuple(examples)


def unsupported_note(labels: Sequence[str], task: TaskSpec) -> str:
    """A sentence on the types that are not scored; empty where all are scored."""
    unsupported = unsupported_labels(labels, task)
    kinds = ", ".join(dict.fromkeys(label[2:] for label in unsupported))
    return f"{task.name}: the head has no class for {kinds}; gold {kinds} counts as O." if unsupported else ""
