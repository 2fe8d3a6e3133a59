"""The examples that a stage is trained on: read, limited, screened for contamination, and changed by a control."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, final

from robust_xtreme.errors import MissingData
from robust_xtreme.examples import Example, digest
from robust_xtreme.run_spec import parse_limits
from robust_xtreme.sources import loading, selecting, with_labels
from robust_xtreme.sources.source import Source, open_source
from robust_xtreme.specs import TaskSpec
from robust_xtreme.targets.contamination import kind
from robust_xtreme.targets.kinds import kind_of
from robust_xtreme.training import contamination, evaluated_text
from robust_xtreme.training._targets import ENGLISH
from robust_xtreme.training.controls import shuffled
from robust_xtreme.training.sampling import parse_sampling, shared_out
from robust_xtreme.training.spec import StageSpec, Tell, TrainSpec, defaults
from robust_xtreme.training.translated import Request, labelled, translated_examples

TRANSLATIONS: Final = "translations"
SHUFFLED: Final = "shuffled_labels"


@final
@dataclass(frozen=True, slots=True)
class Lesson:
    """A task as it is learned, its examples after screening, their identity, and the result of the screening.

    `task` has the labels and the length that it is trained with; `reported` are the tasks of the evaluated splits.
    """

    task: TaskSpec
    examples: tuple[Example, ...]
    identity: str
    screened: contamination.Screened
    reported: tuple[str, ...]
    languages: tuple[str, ...]


def lessons(stage: StageSpec, spec: TrainSpec, tell: Tell) -> tuple[Lesson, ...]:
    """The lesson of each task of a resolved stage. Raises MissingData, DataError, Contamination."""
    source = open_source(spec.data, offline=spec.offline)
    reported = contamination.reported_tasks(spec.reported, source)
    lessons = tuple(_lesson(task, stage, spec, source, reported, tell) for task in stage.learned())
    if stage.total:
        lessons = _within(lessons, stage, tell)
    return tuple(_shuffled(lesson, stage.seed) for lesson in lessons) if stage.control == SHUFFLED else lessons


def _lesson(
    task: TaskSpec, stage: StageSpec, spec: TrainSpec, source: Source, reported: tuple[TaskSpec, ...], tell: Tell
) -> Lesson:
    task = with_labels(task, source)
    languages = stage.languages or task.train_languages
    examples = read(task, source, (ENGLISH,) if stage.translated else languages)
    limits = parse_limits(stage.limit)
    most = limits.get(task.name, limits.get("", 0))
    chosen = selecting.limit(examples, most) if most else examples
    if len(chosen) < min(most, len(examples)):
        tell(f"{task.name}: took {len(chosen):,} of the {most:,} requested examples: clusters are not divided")
    screened = _screened(chosen, task, spec, source, reported, tell)
    if stage.translated and screened.examples:
        if set(languages) <= {ENGLISH}:
            raise MissingData(f'{task.name}: name the languages of its translations, as in languages = ["en", "de"].')
        keep, english = spec.folder.parent / TRANSLATIONS, screened.examples
        request = Request(task, stage.translated, languages, english, keep, spec.offline, spec.device, tell)
        more = _screened(translated_examples(request), task, spec, source, reported, tell)
        screened = _with(screened, more, ENGLISH in languages)
    kept = screened.examples
    if not kept:
        raise MissingData(f"No training example of {task.name} is left: the evaluated splits contain all of them.")
    longest = 0 if task.stride else defaults(stage, spec.recipe).max_length
    taught = replace(task, max_length=longest or task.max_length)
    return Lesson(
        taught, kept, selecting.data_identity(kept), screened, tuple(task.name for task in reported), languages
    )


def _screened(
    examples: tuple[Example, ...],
    task: TaskSpec,
    spec: TrainSpec,
    source: Source,
    reported: tuple[TaskSpec, ...],
    tell: Tell,
) -> contamination.Screened:
    splits = evaluated_text.evaluated(reported, source, kind(task), tell)
    screened = contamination.screen(examples, splits, allow=spec.overlap == "allow", drop_all=spec.overlap == "drop")
    if removed := len(examples) - len(screened.examples):
        tell(f"left out {removed} of {len(examples)} training examples that evaluated splits contain too")
    for name, count in screened.allowed.items():
        tell(f"overlap allowed: {count} passages, pairs, sentences or queries of {name} are in the training data")
    return screened


def _with(english: contamination.Screened, others: contamination.Screened, both: bool) -> contamination.Screened:
    """The screening of English examples and their translations together; without `both` only translations are kept."""
    return contamination.Screened(
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
        what = f"a head of {' or '.join(heads)} answers it. Train with --task {heads[0]}"
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
    limited = [selecting.limit(lesson.examples, most) for lesson, most in zip(lessons, several, strict=True)]
    taken = sum(map(len, limited))
    if taken < min(stage.total, sum(counts)):
        tell(f"took {taken:,} of the {stage.total:,} requested examples in total: shares and clusters are not divided")
    return tuple(
        replace(lesson, examples=examples, identity=selecting.data_identity(examples))
        for lesson, examples in zip(lessons, limited, strict=True)
    )


def _shuffled(lesson: Lesson, seed: int) -> Lesson:
    examples = shuffled(lesson.examples, seed)
    return replace(lesson, examples=examples, identity=digest(lesson.identity, SHUFFLED, str(seed)))
