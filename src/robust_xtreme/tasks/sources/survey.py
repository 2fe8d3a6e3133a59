"""A survey of a task's data in a source: every split, and which of them a run evaluates or leaves out."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import permutations
from typing import Final, NamedTuple

import numpy as np

from robust_xtreme.core import registry, resources
from robust_xtreme.core.errors import DataError, MissingData, NoRows, RobustXtremeError, WrongVersion
from robust_xtreme.core.examples import Example, without_numbers
from robust_xtreme.core.specs import BITEXT, TaskSpec
from robust_xtreme.tasks.formats import PACKED
from robust_xtreme.tasks.sources import source as sources
from robust_xtreme.tasks.sources.own import parts
from robust_xtreme.tasks.sources.release import Release
from robust_xtreme.tasks.sources.suite import POOL, Suite

# Near-duplicates in other clusters, which intervals count as independent.

_RUN: Final = 5
_EDGE: Final = "\n" * (_RUN - 1)
_KEYS: Final = np.random.default_rng(0).integers(1 << 63, size=128, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
_NEIGHBOURS: Final = range(1, 9)


def near_duplicates(examples: Sequence[Example]) -> int:
    """How many examples have a near-duplicate in another cluster.

    Of two near-duplicates half of the runs of five characters are the same (Jaccard; numbers are `#`), by 128 hashes
    (Broder 1997; standard error 0.04). Texts with two equal hashes are compared with up to 1,024 others.
    """
    texts = (without_numbers("\n".join(text.value for text in example.texts.values())) for example in examples)
    items = list(zip(texts, (example.cluster for example in examples), strict=True))
    distinct = list(dict.fromkeys(items))
    # hashes (texts, 128): the least of each hash over the runs of a text with its edges.
    joined = "".join(f"{_EDGE}{text}" for text, _ in distinct) + _EDGE
    points = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
    runs = np.lib.stride_tricks.sliding_window_view(points, _RUN) @ _KEYS[:_RUN]
    mixed = runs ^ (runs >> np.uint64(29))
    firsts = np.cumsum([0, *(len(_EDGE) + len(text) for text, _ in distinct)])[:-1]
    hashes = np.stack([np.minimum.reduceat((mixed ^ key) * key, firsts) for key in _KEYS], axis=1)
    near = np.zeros(len(distinct), np.bool_)
    _, clusters = np.unique([cluster for _, cluster in distinct], return_inverse=True)
    for index in range(0, len(_KEYS), 2):
        band = hashes[:, index] * _KEYS[0] + hashes[:, index + 1]
        order = np.lexsort((hashes[:, index - 1], band))
        for step in _NEIGHBOURS:
            left, right = order[:-step], order[step:]
            asked = (band[left] == band[right]) & (clusters[left] != clusters[right])
            left, right = left[asked], right[asked]
            alike = (hashes[left] == hashes[right]).mean(1) >= 1 / 2
            near[left[alike]] = near[right[alike]] = True
    near_items = {distinct[index] for index in np.flatnonzero(near)}
    return sum(item in near_items for item in items)


MISSING: Final = "missing"
UNLABELLED: Final = "unlabelled"
VERSION: Final = "version"
_AUTO: Final = "auto"
_TUNED_ON: Final = "validation"
_TAUGHT: Final = "train"
_FEWEST: Final = 20


class LeftOut(NamedTuple):
    """Why a run leaves a language of a task out: the split, a reason in one word, and a sentence about it."""

    split: str
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Held:
    """One split of a language: what it contains or, in `problem`, one line on why it cannot be read.

    `files` are (name, sha256) of its rows' files, `pool_files` those that its candidates were made of. `near` examples
    have a near-duplicate in another cluster (in train not counted); `constant` has the fields with one value.
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
    near: int = 0
    constant: Mapping[str, str] = field(default_factory=dict)


class Surveyed(NamedTuple):
    """A language of a task: all its splits, the one that a run evaluates, or why it evaluates none.

    A malformed file is not a reason to leave a language out: a run `stops` there. `evaluated` and `left` then have no
    value, nor where the language is only trained on, or is a pair that a run takes only on request. An intermediate
    task is `learned`, never evaluated, and left out where it has no training data.
    """

    task: TaskSpec
    language: str
    splits: tuple[Held, ...]
    evaluated: str = ""
    left: LeftOut | None = None
    stops: bool = False
    learned: bool = False


def evaluated(task: TaskSpec, pools: sources.Pools, split: str, language: str) -> sources.Split | LeftOut:
    """The examples that a run evaluates of a language, with those it is tuned on, or why it is left out."""
    source = pools.source
    if not source.splits(task):
        return LeftOut(split, MISSING, source.lacks(task))
    if not sources.has_language(task, source, language):
        return LeftOut(split, MISSING, f"{task.name} has no language {language}{source.within}.")
    try:
        resolved = sources.resolve(task, source, split, language, pools)
    except WrongVersion as error:
        return LeftOut(split, VERSION, str(error))
    except MissingData as error:
        there = not isinstance(error, NoRows) and language in sources.available(task, source, split, [language])
        return LeftOut(split, UNLABELLED if there else MISSING, str(error))
    if split == _AUTO and resolved.split == _TUNED_ON and tuned(task):
        what = "there is no labelled test split, and on validation its threshold is tuned"
        return LeftOut(resolved.split, MISSING, f"{task.name} {language}: {what}. Ask for it with --split {_TUNED_ON}.")
    subject = f"{task.name} {language}: "
    if not resolved.labelled:
        return LeftOut(resolved.split, UNLABELLED, f"{subject}the {resolved.split} split has {resolved.lack}.")
    try:
        return replace(resolved, tuned=tuned_on(task, pools, language, resolved))
    except MissingData as error:
        why = str(error).removeprefix(subject).partition(" Choose with --split")[0]  # none of them is the one it needs
        return LeftOut(resolved.split, MISSING, f"{subject}its threshold is tuned on validation: {why}")


def faults(task: TaskSpec, source: sources.Source, split: str, language: str, error: DataError) -> tuple[str, ...]:
    """The faulty files of a language, a line each: the first is why reading it, in `evaluated`, ended."""
    splits = [name for name in source.splits(task) if split in (_AUTO, name)] if isinstance(source, Release) else []
    every = [source.faults(task, language, name) for name in splits if isinstance(source, Release)]
    return next((lines for lines in every if str(error) in lines), (str(error),))


def tuned_on(task: TaskSpec, pools: sources.Pools, language: str, known: sources.Split) -> sources.Split | None:
    """The clean split that a threshold is tuned on, if any; `known` is a split that was read. Raises MissingData."""
    if not tuned(task):
        return None
    return known if known.split == _TUNED_ON else sources.load(task, pools.source, language, _TUNED_ON, pools)


def tuned(task: TaskSpec) -> bool:
    """Whether a task has a threshold."""
    return task.pool is not None and task.pool.search == BITEXT


def group_languages(task: TaskSpec, source: sources.Source, group: Sequence[str]) -> tuple[str, ...]:
    """The languages of a group for a task; the source's own list where it has one, as suites do.

    Data that do not say their language are the same in each: the first stands for all.
    """
    if not task.names_language:
        return sources.languages_of(task, source)[:1]
    known = sources.languages_of(task, source)
    return tuple(group) if group and known == task.languages else known


def licence_of(task: TaskSpec, source: sources.Source) -> str:
    """The licence of a task's data in a source: the upstream one; of a suite, which has other rows, what it names."""
    if not isinstance(source, Suite):
        return task.licence
    return "that of robust-xtreme, whose rows are made up" if resources.is_mini(source.folder) else source.licence


def other_languages(task: TaskSpec, source: sources.Source, languages: Sequence[str]) -> tuple[str, ...]:
    """The training languages and pairs of a task, outside `languages`, that a source has a split of."""
    if not task.names_language:
        return ()
    pairs = ["@".join(pair) for pair in permutations(task.languages, 2)] if task.pairs else []
    others = [code for code in dict.fromkeys((*task.train_languages, *pairs)) if code not in languages]
    known = [code for code in others if sources.has_language(task, source, code)]
    return tuple(code for code in known if any(source.holds(task, code, split) for split in source.splits(task)))


def survey(
    task: TaskSpec, source: sources.Source, kept: sources.Source, languages: Sequence[str], others: Sequence[str] = ()
) -> Iterator[Surveyed]:
    """Each evaluated language, and each of the others, with all its splits, read completely.

    `kept` is the same source without a connection: splits that a run does not fetch are read if they are local.
    Raises UserError, RobustXtremeError where the hub fails to deliver what a run needs.
    """
    pools = sources.Pools(source)
    beside = pools if kept is source else sources.Pools(kept)
    sources.fetch(task, source, _AUTO, [code for code in languages if sources.has_language(task, source, code)])
    for language in languages:
        try:
            outcome = evaluated(task, pools, _AUTO, language)
        except (RobustXtremeError, OSError):  # reported with the split that it is in
            yield Surveyed(task, language, _splits_of(task, beside, language), stops=True)
            continue
        if isinstance(outcome, LeftOut):
            yield Surveyed(task, language, _splits_of(task, beside, language), left=outcome)
        else:
            yield Surveyed(task, language, _splits_of(task, beside, language, outcome), outcome.split)
    for language in others:
        yield Surveyed(task, language, _splits_of(task, beside, language))


def undescribed(source: sources.Source) -> tuple[str, ...]:
    """The files of rows in a suite's folder that `suite.toml` does not describe, sorted; call it within `own_tasks`."""
    if not isinstance(source, Suite):
        return ()
    names = (path.relative_to(source.folder) for path in source.folder.glob("*/*.jsonl*"))
    return tuple(str(name) for name in sorted(names) if not _is_described(source, name.parent.name, name.name))


def _is_described(suite: Suite, folder: str, name: str) -> bool:
    plain = name.removesuffix(PACKED)
    if plain != name and (suite.folder / folder / plain).exists():
        return False
    if folder not in suite.tasks or plain == POOL:
        return folder in suite.tasks
    kind = "intermediate" if folder in registry.installed("intermediate") else "task"
    task = parts().get(folder) or registry.load(kind, folder)
    split, _, language = plain.removesuffix(".jsonl").partition("-")
    return split in suite.splits(task) and sources.has_language(task, suite, language)


def survey_learned(task: TaskSpec, kept: sources.Source, language: str) -> Surveyed:
    """A language of an intermediate task, with all its local splits; nothing is fetched."""
    splits = _splits_of(task, sources.Pools(kept), language)
    if any(part.split == _TAUGHT for part in splits):
        return Surveyed(task, language, splits, learned=True)
    lacks = kept.missing(task, language, [_TAUGHT]) if _TAUGHT in kept.splits(task) else kept.lacks(task)
    return Surveyed(task, language, splits, left=LeftOut(_TAUGHT, MISSING, lacks), learned=True)


def _splits_of(
    task: TaskSpec, pools: sources.Pools, language: str, known: sources.Split | None = None
) -> tuple[Held, ...]:
    """Every split of a language that exists; `known` was already read."""
    return tuple(part for split in pools.source.splits(task) for part in _read(task, pools, language, split, known))


def _read(
    task: TaskSpec, pools: sources.Pools, language: str, split: str, known: sources.Split | None
) -> tuple[Held, ...]:
    """One split, or each of its files that does not load; empty where the source does not have it."""
    source = pools.source
    try:
        if known is not None and split == known.split:
            return (_described(known),)
        if not sources.has_language(task, source, language) or not source.holds(task, language, split):
            return ()
        return (_described(sources.load(task, source, language, split, pools)),)
    except MissingData as error:
        return (Held(language, split, problem=str(error)),)
    except RobustXtremeError as error:
        others = source.faults(task, language, split) if isinstance(source, Release) else ()
        lines = dict.fromkeys((*others, str(error)))
        return tuple(Held(language, split, problem=line, malformed=True) for line in lines)
    except OSError as error:
        what = f"{error.filename or language}: cannot be read: {error.strerror or error}"
        return (Held(language, split, problem=what, malformed=True),)


def _described(split: sources.Split) -> Held:
    pool = tuple(file for file in split.files if file not in split.row_files)
    clusters = len({example.cluster for example in split.examples})
    candidates = len(split.corpus.texts) if split.corpus else 0
    counts = (len(split.examples), clusters, split.labelled, candidates)
    near = 0 if split.split == _TAUGHT else near_duplicates(split.examples)
    first, *rest = (example.texts for example in split.examples)
    fields = [] if len(rest) < _FEWEST else first.items()
    same = {name: it.value for name, it in fields if all(row.get(name, it).value == it.value for row in rest)}
    return Held(split.language, split.split, *counts, split.row_files, pool, near=near, constant=same)
