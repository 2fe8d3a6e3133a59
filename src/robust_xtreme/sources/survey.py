"""What a source contains of a task, read whole, and what a run evaluates of it or leaves out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Final, final

from robust_xtreme import resources
from robust_xtreme.errors import MissingData, NoRows, RobustXtremeError, WrongVersion
from robust_xtreme.sources.loading import Split, available, fetch, has_language, languages_of, load, resolve
from robust_xtreme.sources.pools import Pools
from robust_xtreme.sources.release import Release
from robust_xtreme.sources.source import Source
from robust_xtreme.sources.suite import Suite
from robust_xtreme.specs import BITEXT, TaskSpec

MISSING: Final = "missing"
UNLABELLED: Final = "unlabelled"
VERSION: Final = "version"
_AUTO: Final = "auto"
_TUNED_ON: Final = "validation"
_TAUGHT: Final = "train"


@final
@dataclass(frozen=True, slots=True)
class Left:
    """Why a run leaves a language of a task out: the split, a reason in one word, and a sentence about it."""

    split: str
    reason: str
    detail: str


@final
@dataclass(frozen=True, slots=True)
class Held:
    """One split of a language that is there: what it contains or, in `problem`, the line that says why it is not read.

    `files` are (name, sha256) of its own files, `pool_files` those that its candidates were made of.
    """

    language: str
    split: str
    rows: int = 0
    clusters: int = 0
    labelled: bool = False
    candidates: int = 0
    files: tuple[tuple[str, str], ...] = ()
    pool_files: tuple[tuple[str, str], ...] = ()
    problem: str = ""
    malformed: bool = False


@final
@dataclass(frozen=True, slots=True)
class Surveyed:
    """A language of a task: every split of it that is there, the one that a run evaluates, or why it evaluates none.

    A malformed file is not a reason to leave a language out: a run stops there. Neither then has a value, nor where the
    language is there to train on only, or as a pair that a run takes where it is asked for. An intermediate task is
    `learned`, never evaluated, and left out where there is nothing to learn from.
    """

    task: TaskSpec
    language: str
    held: tuple[Held, ...]
    evaluated: str = ""
    left: Left | None = None
    stops: bool = False
    learned: bool = False


def evaluated(task: TaskSpec, pools: Pools, split: str, language: str) -> Split | Left:
    """The examples that a run evaluates of a language, or why it leaves the language out.

    Raises DataError where a file is malformed, UserError, RobustXtremeError where the hub fails.
    """
    source = pools.source
    if not source.splits(task):
        return Left(split, MISSING, source.lacks(task))
    if not has_language(task, source, language):
        return Left(split, MISSING, f"{task.name} has no language {language}{source.within}.")
    try:
        found = resolve(task, source, split, language, pools)
    except WrongVersion as error:
        return Left(split, VERSION, str(error))
    except MissingData as error:
        there = not isinstance(error, NoRows) and language in available(task, source, split, [language])
        return Left(split, UNLABELLED if there else MISSING, str(error))
    if split == _AUTO and found.split == _TUNED_ON and tuned(task):
        what = "there is no labelled test split, and on validation its threshold is tuned"
        return Left(found.split, MISSING, f"{task.name} {language}: {what}. Ask for it with --split {_TUNED_ON}.")
    if not found.labelled:
        return Left(found.split, UNLABELLED, f"{task.name} {language}: the {found.split} split has {found.lack}.")
    try:
        tuned_on(task, pools, language)
    except MissingData as error:
        what = f"{task.name} {language}: "
        return Left(found.split, MISSING, str(error).replace(what, f"{what}its threshold is tuned on validation: ", 1))
    return found


def tuned_on(task: TaskSpec, pools: Pools, language: str) -> Split | None:
    """The clean split that a threshold is tuned on; None where none is. Raises MissingData where it is not there."""
    return load(task, pools.source, language, _TUNED_ON, pools) if tuned(task) else None


def tuned(task: TaskSpec) -> bool:
    """Whether a task has a threshold."""
    return task.pool is not None and task.pool.search == BITEXT


def group_languages(task: TaskSpec, source: Source, group: Sequence[str]) -> tuple[str, ...]:
    """The languages that a group means of a task: where a source has a list of its own, as suites do, that list."""
    found = languages_of(task, source)
    return tuple(group) if group and found == task.languages else found


def licence_of(task: TaskSpec, source: Source) -> str:
    """The licence of a task's data in a source: what upstream states, but for suites, which contain rows of their own."""
    if not isinstance(source, Suite):
        return task.licence
    own = source.folder == resources.mini("suite")
    return "that of robust-xtreme, whose rows are made up" if own else "not stated by the suite"


def others_held(task: TaskSpec, source: Source, languages: Sequence[str]) -> tuple[str, ...]:
    """Of the languages that a task is trained in, and of its pairs, those that a source contains something of."""
    pairs = ["@".join(pair) for pair in permutations(task.languages, 2)] if task.pairs else []
    others = [one for one in dict.fromkeys((*task.train_languages, *pairs)) if one not in languages]
    known = [one for one in others if has_language(task, source, one)]
    return tuple(one for one in known if any(source.holds(task, one, split) for split in source.splits(task)))


def survey(
    task: TaskSpec, source: Source, kept: Source, languages: Sequence[str], others: Sequence[str] = ()
) -> Iterator[Surveyed]:
    """Each language that a run evaluates, and each of the others, with all that is there of it, read to its end.

    `kept` is the same source without a connection: what a run does not fetch is looked at where it is on this machine.
    Raises UserError, RobustXtremeError where the hub fails to deliver what a run needs.
    """
    pools = Pools(source)
    beside = pools if kept is source else Pools(kept)
    fetch(task, source, _AUTO, [one for one in languages if has_language(task, source, one)])
    for language in languages:
        yield _language(task, pools, beside, language)
    for language in others:
        yield Surveyed(task, language, _held(task, beside, language, None))


def survey_learned(task: TaskSpec, kept: Source, language: str) -> Surveyed:
    """A language of an intermediate task, with all that is there of it; nothing is fetched to look at it."""
    held = _held(task, Pools(kept), language, None)
    if any(one.split == _TAUGHT for one in held):
        return Surveyed(task, language, held, learned=True)
    lacks = kept.missing(task, language, [_TAUGHT]) if _TAUGHT in kept.splits(task) else kept.lacks(task)
    return Surveyed(task, language, held, left=Left(_TAUGHT, MISSING, lacks), learned=True)


def _language(task: TaskSpec, pools: Pools, beside: Pools, language: str) -> Surveyed:
    try:
        found = evaluated(task, pools, _AUTO, language)
    except (RobustXtremeError, OSError):  # told with the split that it is in
        return Surveyed(task, language, _held(task, beside, language, None), stops=True)
    if isinstance(found, Left):
        return Surveyed(task, language, _held(task, beside, language, None), left=found)
    return Surveyed(task, language, _held(task, beside, language, found), found.split)


def _held(task: TaskSpec, pools: Pools, language: str, known: Split | None) -> tuple[Held, ...]:
    """Every split of a language that is there; `known` was read already."""
    found: list[Held] = []
    for split in pools.source.splits(task):
        if known is not None and split == known.split:
            found.append(_described(known))
        else:
            found += _read(task, pools, language, split)
    return tuple(found)


def _read(task: TaskSpec, pools: Pools, language: str, split: str) -> tuple[Held, ...]:
    """One split, or each of its files that does not load; none where the source does not hold it."""
    try:
        if not has_language(task, pools.source, language) or not pools.source.holds(task, language, split):
            return ()
        return (_described(load(task, pools.source, language, split, pools)),)
    except MissingData as error:
        return (Held(language, split, problem=str(error)),)
    except RobustXtremeError as error:
        source = pools.source
        others = source.faults(task, language, split) if isinstance(source, Release) else ()
        lines = dict.fromkeys((*others, str(error)))
        return tuple(Held(language, split, problem=line, malformed=True) for line in lines)
    except OSError as error:
        what = f"{error.filename or language}: cannot be read: {error.strerror or error}"
        return (Held(language, split, problem=what, malformed=True),)


def _described(found: Split) -> Held:
    pool = tuple(one for one in found.files if one not in found.own)
    clusters = len({one.cluster for one in found.examples})
    candidates = len(found.corpus.texts) if found.corpus else 0
    counts = (len(found.examples), clusters, found.labelled, candidates)
    return Held(found.language, found.split, *counts, found.own, pool)
