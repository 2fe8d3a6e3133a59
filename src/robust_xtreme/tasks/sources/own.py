"""A task of the user's own, as a table of `suite.toml` describes it: target, labels and texts."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from robust_xtreme.core import registry
from robust_xtreme.core.errors import DataError, nearest, shown
from robust_xtreme.core.examples import ODD_TAG, digest, find_odd_tag, labels_to_iob2
from robust_xtreme.core.label_names import find_alike, format_alike
from robust_xtreme.core.specs import TaskSpec, check_keys
from robust_xtreme.tasks.formats import reader
from robust_xtreme.tasks.formats.labelled_jsonl import LABEL

CHOICE: Final = "choice"
TAGS: Final = "tags"
SPANS: Final = "spans"
READERS: Final = {CHOICE: "labelled_jsonl", TAGS: "iob2", SPANS: "squad"}
"""The format of the rows of each target."""

ROW: Final = "row/"
"""How ids of rows begin that are from a file; of such a row neither the noise nor the cluster depends on its task."""

TARGET: Final = "target"
CONFIRMED: Final = "labels_confirmed"
"""The key by which a user confirms the labels: they may differ in spelling alone, and all rows may have the same."""

_KEYS: Final = (TARGET, "splits", "languages", "labels", CONFIRMED, "texts")
_NAMES: Final = ("id", "cluster")
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
_TEXT: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")
MOST_LABELS: Final = {CHOICE: 200, TAGS: 2000}
_EXAMPLES: Final = {CHOICE: '["negative", "positive"]', TAGS: '["O", "B-PER", "I-PER"]'}
_LONGEST_LABEL: Final = 80
_RESERVED: Final = ("about", "auto", "hub", "intermediate", "masked_lm", "mini", "own", "scratch")
"""Words that have another meaning where a task can be named."""


@dataclass(frozen=True, slots=True)
class OwnTask:
    """A task that a suite describes: `target` is `choice`, `tags` or `spans`; `texts` are the keys of a row's texts.

    Labels that mark entities are in IOB2, whatever the scheme of the rows is. `is_confirmed` says that the user
    confirmed the labels.
    """

    name: str
    target: str
    labels: tuple[str, ...]
    texts: tuple[str, ...] = ()
    is_confirmed: bool = False

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of a row; `cluster` may be missing."""
        fields = (*self.texts, LABEL) if self.target == CHOICE else reader(READERS[self.target]).FIELDS
        return (*_NAMES, *fields)


def is_own(name: str, table: Mapping[str, Any], path: Path) -> bool:
    """Whether a table describes a task of the user's own, or names one of the program. Raises DataError."""
    with_data = (task for task in registry.installed("task") if "@" not in task)  # a direction has no rows of its own
    known = (*with_data, *registry.installed("intermediate"), *parts())
    if name not in known and not _NAME.fullmatch(name):
        what = "is not a task's name: lower-case letters, digits and _, a letter first, at most 40."
        raise DataError(path, f"the table {name[:80]!r} {what}{nearest(name, known)}")
    if TARGET not in table:
        if name not in known:
            what = f"there is no task {name!r}.{nearest(name, known)} A task of your own has a target, as in"
            raise DataError(path, f'[{name}]: {what} target = "choice" (or "tags" or "spans").')
        return False
    if name in known or name in _words():
        what = "is a task of the program" if name in known else "has another meaning in the program"
        raise DataError(path, f"[{name}] has a target, but {name!r} {what}. Give your task another name.")
    return True


def parts() -> dict[str, TaskSpec]:
    """The parts of intermediate tasks by their names, which are tables of a suite too."""
    several = (registry.load("intermediate", name) for name in registry.installed("intermediate"))
    return {part.name: part for task in several for part in task.parts}


def _words() -> set[str]:
    """The names of groups of tasks, and other words that a task cannot be called."""
    tasks = [registry.load("task", name) for name in registry.installed("task")]
    return {*_RESERVED, *(task.family for task in tasks), *(group for task in tasks for group in task.groups)}


def name_of_task(text: str) -> str:
    """A name for a task of the user's own that is like a text: lower-case, and none of the program's.

    Where the text has letters that a name cannot have, its hash is added, so that different texts have other names.
    """
    plain = unicodedata.normalize("NFKD", text.lower())
    name = re.sub(r"[^a-z0-9]+", "_", re.sub("[\u0300-\u036f]", "", plain)).strip("_")[:30]
    if any(letter.isalnum() and not letter.isascii() for letter in plain):
        name = f"{name}_{digest(plain, size=4)}".lstrip("_")
    taken = {*registry.installed("task"), *registry.installed("intermediate"), *parts(), *_words()}
    return f"own_{name}" if name in taken or not _NAME.fullmatch(name) else name


def key_of_text(column: str, number: int) -> str:
    """The key of a row's text: the name of its column, or `text` and its number where that cannot be a key."""
    return column if _TEXT.fullmatch(column) and column not in (*_NAMES, LABEL) else f"text{number}"


def own_task(name: str, table: Mapping[str, Any], path: Path) -> OwnTask:
    """The task that a table describes. Raises DataError, SpecError."""
    target, location = table[TARGET], f"{path}: [{name}]"
    if not isinstance(target, str) or target not in READERS:
        near = nearest(target, READERS) if isinstance(target, str) else ""
        raise DataError(location, f"the target {shown(target)} is none of: {', '.join(READERS)}.{near}")
    check_keys(table, _KEYS, ("splits",), location)
    labels = _labels(target, table, location)
    if target == CHOICE:
        return OwnTask(name, target, labels, _texts(table, location), table.get(CONFIRMED, False))
    if "texts" in table:
        fields = ", ".join(reader(READERS[target]).FIELDS)
        raise DataError(location, f"the key 'texts' is for target = \"choice\"; a row here has: id, {fields}.")
    return OwnTask(name, target, labels)


def _labels(target: str, table: Mapping[str, Any], location: str) -> tuple[str, ...]:
    if target == SPANS:
        if key := next((key for key in ("labels", CONFIRMED) if key in table), ""):
            raise DataError(location, f'the key {key!r} is not for target = "spans": an answer is not a label.')
        return ()
    if not isinstance(is_confirmed := table.get(CONFIRMED, False), bool):
        raise DataError(location, f"the key {CONFIRMED!r} is true or false, not {shown(is_confirmed)}.")
    labels = _strings(table, "labels", _EXAMPLES[target], location)
    if not 2 <= len(labels) <= MOST_LABELS[target]:
        raise DataError(location, f"'labels' has {len(labels)} names; it takes 2 to {MOST_LABELS[target]:,}.")
    for label in labels:
        if not label.isprintable() or label != label.strip() or "," in label or not 0 < len(label) <= _LONGEST_LABEL:
            what = f"is not a label: at most {_LONGEST_LABEL} printable characters, no comma, no blank at the ends."
            raise DataError(location, f"{label[:80]!r} {what}")
    _check_distinct(labels, str, "labels", location)
    if not is_confirmed and (alike := find_alike(labels)):
        raise DataError(
            location,
            f"the key 'labels' names {format_alike(*alike)}, which differ in their spelling alone. "
            f"Write them alike, or, if they are two labels, add {CONFIRMED} = true.",
        )
    if target == TAGS and (tag := find_odd_tag(labels)) is not None:
        raise DataError(location, f"the tag {shown(tag)} {ODD_TAG}.")
    return (labels_to_iob2(labels) if target == TAGS else ()) or labels


def _texts(table: Mapping[str, Any], location: str) -> tuple[str, ...]:
    texts = _strings(table, "texts", '["text"]', location)
    if not 1 <= len(texts) <= 2:
        raise DataError(location, f"'texts' names {len(texts)} keys; a model reads one text or two.")
    for key in texts:
        if not _TEXT.fullmatch(key) or key in (*_NAMES, LABEL):
            what = f"a letter, then letters, digits or _, at most 40, and none of: {', '.join((*_NAMES, LABEL))}."
            raise DataError(location, f"{key[:80]!r} in 'texts' is not a key of a text: {what}")
    _check_distinct(texts, str.casefold, "texts", location)
    return texts


def _strings(table: Mapping[str, Any], key: str, example: str, location: str) -> tuple[str, ...]:
    value = table.get(key)
    if key not in table:
        raise DataError(location, f"the key {key!r} is missing, as in {key} = {example}.")
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise DataError(location, f"the key {key!r} takes a list of strings, not {shown(value)}.")
    return tuple(value)


def _check_distinct(names: tuple[str, ...], fold: Callable[[str], str], key: str, location: str) -> None:
    if alike := find_alike(names, fold):
        raise DataError(location, f"the key {key!r} names {alike[1]!r} twice.")
