"""The examples that a stage is trained on: read, limited, screened for contamination, and changed by a control."""

import contextlib
import inspect
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache as cached
from pathlib import Path
from typing import Any, Final

import numpy as np

from robust_xtreme import __version__
from robust_xtreme.core import contamination as _rule
from robust_xtreme.core import registry
from robust_xtreme.core.contamination import comparable, keys, kind, unit
from robust_xtreme.core.errors import Contamination, MissingData
from robust_xtreme.core.examples import Answers, Document, Example, Tags, Target, digest, kind_of
from robust_xtreme.core.run_spec import parse_limits
from robust_xtreme.core.specs import CANDIDATE, TaskSpec
from robust_xtreme.files import cache, store
from robust_xtreme.tasks.formats import reader
from robust_xtreme.tasks.groups import with_own_data
from robust_xtreme.tasks.sources import rows
from robust_xtreme.tasks.sources import source as loading
from robust_xtreme.tasks.sources.release import Release
from robust_xtreme.tasks.sources.source import Pools, Source, open_source, with_labels
from robust_xtreme.training._translator import ENGLISH
from robust_xtreme.training.sampling import parse_sampling, shared_out
from robust_xtreme.training.spec import StageSpec, Tell, TrainSpec, defaults
from robust_xtreme.training.translated import Request, labelled, translated_examples

EVALUATED: Final = ("validation", "test")
_KIND: Final = "units"
_sha256: Final = cached(store.sha256)


@dataclass(frozen=True, slots=True)
class SplitUnits:
    """The units of a split by key: the first example of each, and every key that identifies it."""

    kind: str
    first: Mapping[str, str]
    keys: Mapping[str, tuple[str, ...]]


def known(examples: Iterable[Example]) -> SplitUnits:
    """The units of some examples."""
    kind = ""
    first: dict[str, str] = {}
    every: dict[str, set[str]] = {}
    for example in examples:
        contamination = unit(example)
        kind = contamination.kind
        first.setdefault(contamination.key, example.id)
        every.setdefault(contamination.key, set()).update(keys(example))
    return SplitUnits(kind, first, {key: tuple(sorted(ids)) for key, ids in every.items()})


Splits = Iterable[tuple[str, SplitUnits]]
"""The name of each split, `task/split/language`, and its units."""


def evaluated(
    tasks: Iterable[TaskSpec], source: Source | Path, wanted: str, tell: Callable[[str], None] = lambda _: None
) -> Splits:
    """The name and units of every validation and test split whose units can be of the wanted kind.

    Tasks without a head learn nothing and are left out, and so is a split that the hub does not contain: it cannot be
    evaluated. Problems of the cache are reported by `tell`.
    """
    source = Release(source) if isinstance(source, Path) else source
    pools = Pools(source)
    kept = cache.opened(tell)
    with contextlib.closing(kept):
        for task in tasks:
            if not task.head or not comparable(task, wanted):
                continue
            for split in EVALUATED:
                languages = loading.available(task, source, split)
                loading.fetch(task, source, split, languages)
                for language in languages:
                    with contextlib.suppress(MissingData):
                        yield f"{task.name}/{split}/{language}", _once(task, source, language, split, pools, kept)


def _once(task: TaskSpec, source: Source, language: str, split: str, pools: Pools, kept: cache.Cache) -> SplitUnits:
    """The units of a split, from the cache where the files have not changed."""
    signature = source.signature(task, language, split) if isinstance(source, Release) and task.pool is None else ""
    key = digest(_KIND, _code(task, split), task.name, split, language, signature).encode() if signature else b""
    if key and (stored := kept.get(_KIND, [key]).get(key)) is not None:
        with contextlib.suppress(ValueError, TypeError, AttributeError):  # what is no such entry is made again
            kind, first, every = json.loads(stored)
            return SplitUnits(kind, first, {name: tuple(ids) for name, ids in every.items()})
    units = known(loading.load(task, source, language, split, pools).examples)
    if key:
        kept.put(_KIND, {key: json.dumps([units.kind, units.first, units.keys]).encode()})
    return units


def _code(task: TaskSpec, split: str) -> str:
    """The hash of the code that makes units from a split's files: another version does not read the same entry."""
    modules = (reader(task.files[split].reader), inspect.getmodule(task.adapt), _rule)
    files = [Path(module.__file__) for module in modules if module is not None and module.__file__]
    return digest(__version__, repr(task.files[split]), *map(_sha256, files))


TOLERATED: Final = 0.02
"""The largest share of a split whose units are dropped from training; more is refused."""


@dataclass(frozen=True, slots=True)
class Screened:
    """The examples left, and for each evaluated split (`task/split/language`) the units dropped or allowed."""

    examples: tuple[Example, ...]
    dropped: dict[str, int]
    allowed: dict[str, int]


def reported_tasks(names: Sequence[str], source: Source | Path) -> tuple[TaskSpec, ...]:
    """The tasks that will be reported: those named, or every task that the data contain an evaluated split of.

    Raises UnknownName.
    """
    if names:
        return tuple(registry.load("task", name) for name in names)
    return tuple(task for task in with_own_data() if loading.is_available(task, source, EVALUATED))


def screen(training: Sequence[Example], splits: Splits, overlap: str = "refuse") -> Screened:
    """Apply the rule to training data against the evaluated splits.

    Short sentences, and shared units up to TOLERATED of a split, are dropped and counted. More are, by `overlap`,
    refused, dropped too, or kept and counted (`allow`). Raises Contamination, naming the count and the first example.
    """
    units = [unit(example) for example in training]
    known = [keys(example) for example in training]
    long = {key for unit, keys in zip(units, known, strict=True) if not unit.short for key in keys}
    short = {unit.key for unit in units if unit.short}
    drop: set[str] = set()
    dropped: defaultdict[str, int] = defaultdict(int)
    allowed: dict[str, int] = {}
    for name, split in splits:
        hits = {key: common for key, keys in split.keys.items() if (common := long.intersection(keys))}
        shared = {key: {key} for key in split.first if key in short}
        if overlap == "drop" or len(hits) <= TOLERATED * len(split.first):
            shared |= hits
        elif overlap == "allow":
            allowed[name] = len(hits)
        else:
            raise Contamination(
                f"{len(hits)} of {len(split.first)} {split.kind}s of {name} are in the training data too "
                f"(first: {split.first[next(iter(hits))]}). Train on other data, leave the task out of --reported, "
                "train without them (--overlap drop), or mark all results with --allow-overlap."
            )
        drop.update(*shared.values())
        dropped[name] += len(shared)
    kept = tuple(
        example for example, example_keys in zip(training, known, strict=True) if example_keys.isdisjoint(drop)
    )
    return Screened(kept, {name: count for name, count in dropped.items() if count}, allowed)


SHUFFLED: Final = "shuffled_labels"


@dataclass(frozen=True, slots=True)
class Lesson:
    """A task as it is learned, its examples after screening, their identity, and the result of the screening.

    `task` has the labels and the length that it is trained with; `reported` are the tasks of the evaluated splits.
    """

    task: TaskSpec
    examples: tuple[Example, ...]
    identity: str
    screened: Screened
    reported: tuple[str, ...]
    languages: tuple[str, ...]


def lessons(stage: StageSpec, spec: TrainSpec, tell: Tell) -> tuple[Lesson, ...]:
    """The lesson of each task of a resolved stage. Raises MissingData, DataError, Contamination."""
    source = open_source(spec.data, offline=spec.offline)
    reported = reported_tasks(spec.reported, source)
    lessons = tuple(_lesson(task, stage, spec, source, reported, tell) for task in stage.learned())
    if stage.total:
        lessons = _within(lessons, stage, tell)
    if stage.control != SHUFFLED:
        return lessons
    moved = [shuffled(lesson.examples, stage.seed) for lesson in lessons]
    return tuple(
        replace(lesson, examples=examples, identity=digest(lesson.identity, SHUFFLED, str(stage.seed)))
        for lesson, examples in zip(lessons, moved, strict=True)
    )


def _lesson(
    task: TaskSpec, stage: StageSpec, spec: TrainSpec, source: Source, reported: tuple[TaskSpec, ...], tell: Tell
) -> Lesson:
    task = with_labels(task, source)
    languages = stage.languages or task.train_languages
    examples = read(task, source, (ENGLISH,) if stage.translated else languages)
    limits = parse_limits(stage.limit)
    most = limits.get(task.name, limits.get("", 0))
    chosen = rows.limit(examples, most) if most else examples
    if len(chosen) < min(most, len(examples)):
        tell(f"{task.name}: took {len(chosen):,} of the {most:,} requested examples: clusters are not divided")
    screened = _screened(chosen, evaluated(reported, source, kind(task), tell), spec.overlap, tell)
    if stage.translated and screened.examples:
        if set(languages) <= {ENGLISH}:
            raise MissingData(f'{task.name}: name the languages of its translations, as in languages = ["en", "de"].')
        keep, english = spec.folder.parent / "translations", screened.examples
        request = Request(task, stage.translated, languages, english, keep, spec.offline, spec.device, tell)
        splits = evaluated(reported, source, kind(task), tell)
        more = _screened(translated_examples(request), splits, spec.overlap, tell)
        screened = _with(screened, more, ENGLISH in languages)
    kept = screened.examples
    if not kept:
        raise MissingData(f"No training example of {task.name} is left: the evaluated splits contain all of them.")
    longest = 0 if task.stride else defaults(stage, spec.recipe).max_length
    taught = replace(task, max_length=longest or task.max_length)
    return Lesson(taught, kept, rows.data_identity(kept), screened, tuple(task.name for task in reported), languages)


def _screened(examples: tuple[Example, ...], splits: Splits, overlap: str, tell: Tell) -> Screened:
    screened = screen(examples, splits, overlap)
    if removed := len(examples) - len(screened.examples):
        tell(f"left out {removed} of {len(examples)} training examples that evaluated splits contain too")
    for name, count in screened.allowed.items():
        tell(f"overlap allowed: {count} passages, pairs, sentences or queries of {name} are in the training data")
    return screened


def _with(english: Screened, others: Screened, both: bool) -> Screened:
    """The screening of English examples and their translations together; without `both` only translations are kept."""
    return Screened(
        (*english.examples, *others.examples) if both else others.examples,
        dict(Counter(english.dropped) + Counter(others.dropped)),
        dict(Counter(english.allowed) + Counter(others.allowed)),
    )


def read(task: TaskSpec, source: Source | Path, languages: Sequence[str]) -> tuple[Example, ...]:
    """The labelled training examples of a task, or of all its parts. Raises MissingData."""
    if task.parts:
        return tuple(example for part in task.parts for example in read(part, source, languages))
    if not languages:
        heads = [name for name in task.accepts if name != task.name] or [task.name]
        what = f"a head of {' or '.join(heads)} answers it. Train with --tasks {heads[0]}"
        raise MissingData(f"{task.name} has no training data: {what}")
    splits = [loading.load(task, source, language, "train") for language in languages]
    examples = labelled(example for split in splits for example in split.examples)
    unlabelled = kind_of(task.family).blank and not any(split.labelled for split in splits)
    if not examples or unlabelled:
        raise MissingData(f"The training data of {task.name} under {source} contain {splits[0].lack}.")
    return examples


def _within(lessons: tuple[Lesson, ...], stage: StageSpec, tell: Tell) -> tuple[Lesson, ...]:
    """The lessons with `total` examples, divided by the sampling's shares; a larger total contains a smaller one."""
    counts = [len(lesson.examples) for lesson in lessons]
    several = shared_out(stage.total, counts, parse_sampling(stage.sampling).shares(counts))
    limited = [rows.limit(lesson.examples, most) for lesson, most in zip(lessons, several, strict=True)]
    taken = sum(map(len, limited))
    if taken < min(stage.total, sum(counts)):
        tell(f"took {taken:,} of the {stage.total:,} requested examples in total: shares and clusters are not divided")
    return tuple(
        replace(lesson, examples=examples, identity=rows.data_identity(examples))
        for lesson, examples in zip(lessons, limited, strict=True)
    )


def shuffled(examples: Sequence[Example], seed: int) -> tuple[Example, ...]:
    """The examples with shuffled labels: the frequency of each label stays, its relation to the text is lost.

    Labels are permuted among examples, tags among all words, indices among examples with as many choices. Answers are
    positions in their context, so that questions are permuted instead; in retrieval the candidates are.
    """
    generator = np.random.default_rng((seed, 5))
    kinds = {type(example.target) for example in examples}
    if kinds == {Tags}:
        every = [name for example in examples for name in _tags(example)]
        names = iter([every[index] for index in generator.permutation(len(every))])
        return tuple(_changed(example, target=Tags(tuple(next(names) for _ in _tags(example)))) for example in examples)
    if kinds == {Answers}:
        return _texts_moved(examples, "question", generator)
    if kinds == {Document}:
        return _texts_moved(examples, CANDIDATE, generator)
    return _targets_moved(examples, generator)


def _targets_moved(examples: Sequence[Example], generator: np.random.Generator) -> tuple[Example, ...]:
    alike: defaultdict[int, list[int]] = defaultdict(list)
    for index, example in enumerate(examples):
        alike[len(example.texts)].append(index)
    targets: dict[int, Target] = {}
    for indices in alike.values():
        orders = generator.permutation(len(indices))
        targets.update({index: examples[indices[order]].target for index, order in zip(indices, orders, strict=True)})
    return tuple(_changed(example, target=targets[index]) for index, example in enumerate(examples))


def _changed(example: Example, **changed: Any) -> Example:
    return replace(example, **changed, fingerprint="")


def _tags(example: Example) -> tuple[str, ...]:
    return example.target.names if isinstance(example.target, Tags) else ()


def _texts_moved(examples: Sequence[Example], field: str, generator: np.random.Generator) -> tuple[Example, ...]:
    orders = generator.permutation(len(examples))
    return tuple(
        _changed(example, texts={**example.texts, field: examples[order].texts[field]})
        for example, order in zip(examples, orders, strict=True)
    )


def texts(examples: Iterable[Example]) -> list[str]:
    """Every distinct text of the examples, in order: the data of masked LM on the same text."""
    return list(
        dict.fromkeys(text.value for example in examples for text in example.texts.values() if text.value.strip())
    )
