"""From a task, a language and a split to examples: read the rows of a source, check them, adapt them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

from robust_xtreme.errors import MissingData, SpecError, UnknownName
from robust_xtreme.examples import Corpus, Example
from robust_xtreme.sources._labels import NO_LABELS, check_labels, keys_of, lack
from robust_xtreme.sources.pools import Pools, answered, taught
from robust_xtreme.sources.release import Release, see_of
from robust_xtreme.sources.rows import SPLITS, check, is_language
from robust_xtreme.sources.source import Source
from robust_xtreme.specs import Origin, TaskSpec

_AUTO: Final = ("test", "validation")
_TAUGHT: Final = "train"


@final
@dataclass(frozen=True, slots=True)
class Split:
    """The examples of one language of a split; `files` are (path under the data folder or hub address, sha256).

    In retrieval tasks `corpus` is the pool that the targets point into, and `files` names its files too; those of the
    language's rows are `own`. `lack` says why it is not labelled: there is no label, every answer is empty, or one
    label serves all rows, as XTREME's scripts leave test sets.
    """

    task: str
    language: str
    split: str
    examples: tuple[Example, ...]
    files: tuple[tuple[str, str], ...]
    lack: str = ""
    corpus: Corpus | None = None
    own: tuple[tuple[str, str], ...] = ()

    @property
    def labelled(self) -> bool:
        """Whether its targets say what is right."""
        return not self.lack


def load(task: TaskSpec, source: Source | Path, language: str, split: str, pools: Pools | None = None) -> Split:
    """Read one split of a source; a Path is a folder of release files. `pools` of the source keep what they made.

    Raises MissingData where the source does not hold it, DataError where what it contains is malformed, UnknownName,
    SpecError.
    """
    source = _source(source)
    _check_split(task, source, split)
    _check_language(task, source, language)
    found = source.read(task, language, split)
    check(found)
    origin = Origin(task.name, split, language)
    examples = task.adapt(found.rows, origin)
    if split != _TAUGHT:
        check_labels(found.rows, examples, origin)
    pooled = (pools or Pools(source)).pooled(task, split, language, found)
    if pooled is None:
        return Split(task.name, language, split, examples, found.files, lack(examples), own=found.files)
    keys, examples = keys_of(examples), answered(examples, pooled.corpus)
    if split == _TAUGHT:
        examples = taught(examples, pooled.corpus)
    files = tuple(dict.fromkeys((*found.files, *pooled.files)))
    lacks = lack(examples, keys, pooled.corpus)
    return Split(task.name, language, split, examples, files, lacks, pooled.corpus, found.files)


def languages_of(task: TaskSpec, source: Source | Path) -> tuple[str, ...]:
    """The languages that a task has in a source, whether or not all are there; none where the source does not have the task."""
    return _source(source).languages(task)


def has_language(task: TaskSpec, source: Source | Path, language: str) -> bool:
    """Whether a task has that language in a source or, in tasks with pairs, both of one like `de@en`.

    Where the source has the task's own list, one that it is trained in is known too, evaluated or not.
    """
    known = languages_of(task, source)
    return is_language(task, language, (*known, *task.train_languages) if known == task.languages else known)


def available(
    task: TaskSpec, source: Source | Path, split: str, languages: Sequence[str] | None = None
) -> tuple[str, ...]:
    """The languages, the task's own or those asked for, that a source contains the split of; `auto` is test or validation.

    Raises UnknownName where the task does not have a language that is asked for.
    """
    source = _source(source)
    wanted = _candidates(split)
    for code in languages or ():
        _check_language(task, source, code)
    asked = source.languages(task) if languages is None else languages
    return tuple(code for code in asked if any(source.holds(task, code, one) for one in wanted))


def fetch(task: TaskSpec, source: Source | Path, split: str, languages: Sequence[str]) -> None:
    """Bring what a source has elsewhere of a split in some languages here, in one go; `auto` is what it tries first.

    Raises UserError, RobustXtremeError; what does not exist is told when it is read.
    """
    source = _source(source)
    for one in [one for one in _candidates(split) if one in source.splits(task)][:1]:
        source.fetch(task, languages, one)


def resolve(task: TaskSpec, source: Source | Path, split: str, language: str, pools: Pools | None = None) -> Split:
    """Read a split, where `auto` is test, or validation where test is absent or unlabelled.

    Raises MissingData where `auto` finds nothing labelled.
    """
    if split != "auto":
        return load(task, source, language, split, pools)
    source = _source(source)
    wanted = [one for one in _AUTO if one in source.splits(task)]
    if not wanted:
        _check_split(task, source, split)
    _check_language(task, source, language)
    unlabelled: list[Split] = []
    for one in wanted:
        if source.holds(task, language, one):
            found = load(task, source, language, one, pools)
            if found.labelled:
                return found
            unlabelled.append(found)
    if unlabelled:
        raise MissingData(_lacking(unlabelled, source))
    raise MissingData(source.missing(task, language, wanted))


def _lacking(found: Sequence[Split], source: Source) -> str:
    """Which files contain no labels, and what to do about it."""
    files = " and ".join(name for one in found for name, _ in one.files)
    lacks = " and ".join(dict.fromkeys(one.lack for one in found))
    what = f"{found[0].task} {found[0].language}: {files} under {source} contain {lacks}."
    return f"{what} {source.unlabelled}".rstrip() if NO_LABELS in lacks else what


def _source(source: Source | Path) -> Source:
    return Release(source) if isinstance(source, Path) else source


def _candidates(split: str) -> tuple[str, ...]:
    if split != "auto" and split not in SPLITS:
        raise SpecError(f"There is no split {split!r}. Name one of: {', '.join((*SPLITS, 'auto'))}.")
    return _AUTO if split == "auto" else (split,)


def _check_split(task: TaskSpec, source: Source, split: str) -> None:
    _candidates(split)
    has = source.splits(task)
    if not has:
        raise MissingData(source.lacks(task))
    if split not in has:
        what = f"{task.name} has no {split} split{source.within}. It has: {', '.join(has)}."
        raise MissingData(f"{what} Choose with --split, or --split auto.")


def _check_language(task: TaskSpec, source: Source, language: str) -> None:
    """Refuse a code before any path is made of it."""
    if not has_language(task, source, language):
        see = see_of(task, source.see)
        raise UnknownName(f"language of {task.name}{source.within}", language, source.languages(task), see)
