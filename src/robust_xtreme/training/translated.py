"""Training data in languages other than English: from a folder, the hub, or a translation model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final, final

from robust_xtreme import registry
from robust_xtreme.errors import MissingData, SpecError
from robust_xtreme.examples import Choice, Example, Text, digest
from robust_xtreme.languages import language as language_of
from robust_xtreme.results import store
from robust_xtreme.sources.dataset import Hub, open_hub
from robust_xtreme.sources.hub import is_offline
from robust_xtreme.sources.paths import find, listed, options
from robust_xtreme.sources.release import Release
from robust_xtreme.sources.rows import SourceRows, check
from robust_xtreme.specs import Files, HubFiles, Origin, TaskSpec
from robust_xtreme.targets.kinds import kind_of
from robust_xtreme.training._kept import Job, Translate, translations
from robust_xtreme.training._released import RELEASED, matches, native, read_released
from robust_xtreme.training._targets import ENGLISH
from robust_xtreme.training._translator import (
    Translation,
    Translator,
    check_languages,
    check_model,
    find_model,
    model_identity,
    open_translator,
    settings,
    translate,
)
from robust_xtreme.training.device import device_of
from robust_xtreme.training.spec import Tell

HUB: Final = "hub"
SEQ2SEQ: Final = "seq2seq:"
TRAIN: Final = "train"

_OF_XNLI: Final = ("mnli", "xnli")
_XNLI_FILES: Final = "{language}/train-*.parquet"


def translated_examples(
    task: TaskSpec,
    value: str,
    languages: Sequence[str],
    english: Sequence[Example],
    *,
    keep: Path,
    offline: bool,
    device: str,
    tell: Tell,
    beams: int = 1,
) -> tuple[Example, ...]:
    """The task's training examples in every language but English, grouped by language.

    `value` is a folder with `LANGUAGE/` or XTREME's translations in it, `hub`, or `seq2seq:MODEL`, a folder or
    `OWNER/NAME[@REVISION]` on the hub, whose translations are stored in the folder `keep`. Where rows translate the
    `english` examples, only translations of these are returned, with their native ids and clusters. Raises SpecError,
    MissingData, DataError, ModelError, UnknownName, DiskError, Locked.
    """
    work = _Work(task, value, _foreign(languages), tuple(english), keep, offline, device, tell, beams)
    return _examples(work) if work.languages else ()


@final
@dataclass(frozen=True, slots=True)
class _Work:
    """The arguments of `translated_examples`."""

    task: TaskSpec
    value: str
    languages: tuple[str, ...]
    english: tuple[Example, ...]
    keep: Path
    offline: bool
    device: str
    tell: Tell
    beams: int

    @property
    def model(self) -> str:
        """The name of the translation model, if there is one."""
        return self.value.removeprefix(SEQ2SEQ)


def _examples(work: _Work) -> tuple[Example, ...]:
    if work.task.parts:
        parts = ((part, _of(part, work.english)) for part in work.task.parts)
        several = [_examples(replace(work, task=part, english=english)) for part, english in parts]
        return tuple(example for examples in several for example in examples)
    if not work.english:
        return ()
    if work.value.startswith(SEQ2SEQ):
        return _by_model(work)
    read = _from_hub if work.value == HUB else _from_folder
    return tuple(example for code in work.languages for example in read(work, code))


def _of(task: TaskSpec, examples: Sequence[Example]) -> tuple[Example, ...]:
    """The examples of one part of a task."""
    return tuple(example for example in examples if example.id.startswith(f"{task.name}/"))


def translation_identity(
    value: str, languages: Sequence[str], task: TaskSpec, *, offline: bool = False, beams: int = 1
) -> str:
    """The hash of the source of a task's data in other languages, known before anything is translated.

    For a folder the sha256 of the files that will be read, for the hub the commit, for a model its files and settings.
    Raises what `translated_examples` raises where the source has no data of the task.
    """
    wanted = _foreign(languages)
    if task.parts:
        return digest(*(translation_identity(value, wanted, part, offline=offline, beams=beams) for part in task.parts))
    if not wanted:
        return ""
    if value.startswith(SEQ2SEQ):
        folder = _model(task, value.removeprefix(SEQ2SEQ), wanted, offline)
        made = settings(beams)
        return digest(SEQ2SEQ, model_identity(folder), *(f"{key}={made[key]}" for key in sorted(made)), *wanted)
    if value == HUB:
        return digest(
            HUB, *(f"{files.repo}@{files.revision}/{code}" for code in wanted for files in [_hub_files(task, code)])
        )
    locations = [_find_files(task, Path(value), code) for code in wanted]
    return digest(*(part for location in locations for part in location.identity))


def _foreign(languages: Sequence[str]) -> tuple[str, ...]:
    """The languages but English, each once. Raises UnknownName."""
    for code in languages:
        language_of(code)
    return tuple(code for code in dict.fromkeys(languages) if code != ENGLISH)


# --------------------------------------------------------------------------------------------------------------- folder


_XNLI: Final = Files("tsv", ("XNLI-MT-1.0/multinli/multinli.train.{language}.tsv",))
_OTHERS: Final = {"mnli": _XNLI, "xnli": _XNLI}
"""Translations that the authors of a task published, with the paths of their archive."""


@final
@dataclass(frozen=True, slots=True)
class _LanguageFiles:
    """The files of a language under `folder`: those that `files` gives for `named`, or one of XTREME's translations."""

    folder: Path
    paths: tuple[str, ...]
    named: str = ""
    files: Files | None = None

    @property
    def identity(self) -> tuple[str, ...]:
        """The names of the files and their hashes."""
        return tuple(part for path in self.paths for part in (path, store.sha256(self.folder / path)))


def _from_folder(work: _Work, language: str) -> tuple[Example, ...]:
    where = _find_files(work.task, Path(work.value), language)
    if where.files is None:
        examples = read_released(work.task, where.folder / where.paths[0], language, work.english, work.tell)
        return _clustered(examples, work.english) if matches(work.task) else _apart(work, examples, language)
    task = replace(_of_language(work.task, where.named), files={TRAIN: where.files})
    return _aligned(work, Release(where.folder).read(task, where.named, TRAIN), language)


def _find_files(task: TaskSpec, folder: Path, language: str) -> _LanguageFiles:
    """The training files of a language. Raises MissingData where the folder contains none of the task."""
    if not folder.is_dir():
        what = f"There is no folder {str(folder)[:200]!r}"
        raise MissingData(f"{what}. Translated data are those of a folder, of hub, or of seq2seq:MODEL.")
    train_files = task.files.get(TRAIN)
    candidates = [(f"{language}/", named, train_files) for named in (language, ENGLISH)]
    looked = []
    for inside, named, files in [*candidates, ("", language, _OTHERS.get(task.name))]:
        wanted = options(files, named) if files else ()
        if files and (group := find(folder / inside, wanted)):
            return _LanguageFiles(folder / inside, group.paths, named, files)
        looked += [f"{inside}{listed([path])}" for path in wanted]
    released = RELEASED.get(task.name, "").format(language=language)
    if released and (folder / released).is_file():
        return _LanguageFiles(folder, (released,))
    names = ", ".join(dict.fromkeys([*looked, *([released] if released else [])]))
    raise MissingData(f"{task.name} {language}: no training data under {folder}. Looked for {names}.")


def _of_language(task: TaskSpec, language: str) -> TaskSpec:
    """The task with training data in that language, whatever its languages are."""
    return replace(task, languages=(language,), train_languages=(language,))


# ------------------------------------------------------------------------------------------------------------------ hub


def _from_hub(work: _Work, language: str) -> tuple[Example, ...]:
    task = replace(_of_language(work.task, language), hub={TRAIN: _hub_files(work.task, language)})
    source: Hub = open_hub("", is_offline(work.offline))
    return _aligned(work, source.read(task, language, TRAIN), language)


def _hub_files(task: TaskSpec, language: str) -> HubFiles:
    """The files of a task's training data in a language on the hub. Raises SpecError, MissingData.

    XNLI's translation of MultiNLI, at the commit of XNLI's other files; or the task's, where each language has files.
    """
    if task.name in _OF_XNLI:
        xnli: TaskSpec = registry.load("task", "xnli")
        languages, files = xnli.languages, replace(xnli.hub["validation"], split=TRAIN, files=_XNLI_FILES)
    elif TRAIN in task.hub and "{language}" in task.hub[TRAIN].files:
        languages, files = task.languages, task.hub[TRAIN]
    else:
        what = f"{task.name}: there is no translated set on the hub for it, as there is for {' and '.join(_OF_XNLI)}"
        raise SpecError(f"{what}. Name a folder of translated data, or a model: seq2seq:OWNER/NAME.")
    if language not in languages:
        raise MissingData(f"{task.name} {language}: {files.repo} only has translations into {' '.join(languages)}.")
    return files


# ----------------------------------------------------------------------------------------------------------------- rows


def _aligned(work: _Work, translated: SourceRows, language: str) -> tuple[Example, ...]:
    """The labelled examples of rows; where they translate the English examples row by row, with those' clusters."""
    task = work.task
    check(translated)
    examples = _labelled(task.adapt(translated.rows, Origin(task.name, TRAIN, language)))
    if not examples:
        raise MissingData(f"{task.name} {language}: the rows of {translated.location} have no labels.")
    if _parallel(task, examples, work.english):
        return _clustered(examples, work.english)
    return _apart(work, examples, language)


def _apart(work: _Work, examples: Sequence[Example], language: str) -> tuple[Example, ...]:
    """Examples that do not translate the English examples: all of them, in separate clusters."""
    what = f"{work.task.name} {language}: the {len(examples):,} rows do not translate the English examples one by one"
    work.tell(f"{what}; all of them are taken, in clusters of their own")
    return tuple(replace(example, cluster=f"{language}/{example.cluster}") for example in examples)


def _labelled(examples: Sequence[Example]) -> tuple[Example, ...]:
    return tuple(
        example for example in examples if not (isinstance(example.target, Choice) and example.target.index < 0)
    )


def _parallel(task: TaskSpec, examples: Sequence[Example], english: Sequence[Example]) -> bool:
    """Whether rows translate the English examples: same native ids, or same order and same labels.

    Ordinal ids only match if the labels of all rows match too.
    """
    by_id = {native(example): example for example in examples}
    shared = [(by_id[key], example) for example in english if (key := native(example)) in by_id]
    if TRAIN in task.files and task.files[TRAIN].ids == "native":
        return bool(shared)
    labels = all(isinstance(example.target, Choice) and example.target == other.target for example, other in shared)
    return bool(shared) and labels and len(shared) == len(english)


def _clustered(examples: Sequence[Example], english: Sequence[Example]) -> tuple[Example, ...]:
    """The examples that translate an English example, in its cluster."""
    clusters = {native(example): example.cluster for example in english}
    return tuple(
        replace(example, cluster=clusters[key]) for example in examples if (key := native(example)) in clusters
    )


# ---------------------------------------------------------------------------------------------------------------- model


def _model(task: TaskSpec, name: str, languages: Sequence[str], offline: bool) -> Path:
    """The folder of a model for the languages. Raises SpecError where the task's target would be lost."""
    if not kind_of(task.family).translates:
        what = f"{task.name}: seq2seq translates the texts alone, and the target of {task.family} does not survive that"
        raise SpecError(f"{what}. Name a folder of translated data instead, or train on its English data.")
    folder = find_model(name, offline=offline)
    check_model(folder, name)
    check_languages(folder, name, languages)
    return folder


def _by_model(work: _Work) -> tuple[Example, ...]:
    folder = _model(work.task, work.model, work.languages, work.offline)
    facts = {"model": model_identity(folder), "task": work.task.name, **settings(work.beams)}
    texts = _texts(work.task, work.english)
    opened: list[Translator] = []
    examples: list[Example] = []
    for code in work.languages:
        job = _job(work, facts, code, texts)
        made = translations(job, partial(_translate, work, folder, opened, code), work.tell)
        _tell(job, made, work.tell)
        says = {text: translation.text for text, translation in zip(texts, made, strict=True)}
        examples += [_translated(work.task, example, code, says) for example in work.english]
    return tuple(examples)


def _job(work: _Work, facts: Mapping[str, object], code: str, texts: tuple[str, ...]) -> Job:
    store.make_folder(work.keep)
    code_facts = {**facts, "language": code, "data": digest(*texts)}
    name = digest(*(f"{key}={code_facts[key]}" for key in sorted(code_facts)))
    return Job(work.keep / f"{work.task.name}-{code}-{name}.jsonl", f"{work.task.name} {code}", texts, code_facts)


def _translate(work: _Work, folder: Path, opened: list[Translator], code: str) -> Translate:
    """The function that translates into a language; the model is read when it is first needed."""
    if not opened:
        opened.append(open_translator(folder, work.model, device_of(work.device)))
    target = opened[0].target(code)
    return lambda texts: translate(opened[0], target, texts, work.beams)


def _tell(job: Job, translations: Sequence[Translation], tell: Tell) -> None:
    """Report the number of texts, and of translations with problems."""
    odd = {
        "empty": sum(not translation.text for translation in translations),
        "not ended within its bound": sum(translation.cut for translation in translations),
        "of a text longer than the model reads": sum(translation.long for translation in translations),
    }
    notes = "".join(f", {count:,} {what}" for what, count in odd.items() if count)
    tell(f"{job.name}: {len(translations):,} texts are translated{notes} ({job.path.name})")


# ---------------------------------------------------------------------------------------------------------------- texts


def _fields(task: TaskSpec, example: Example) -> tuple[str, ...]:
    """The fields to translate: those that can be noised, with all choices.

    A question that a task asks of every item in English, as XCOPA does, stays English in its translations.
    """
    stems = {name.rstrip("0123456789") for name in task.fields}
    mine = (name for name, text in example.texts.items() if text.language == ENGLISH and text.value.strip())
    return tuple(name for name in mine if not stems or name.rstrip("0123456789") in stems)


def _texts(task: TaskSpec, english: Sequence[Example]) -> tuple[str, ...]:
    """Every distinct text to translate, the longest first."""
    texts = {example.texts[name].value for example in english for name in _fields(task, example)}
    return tuple(sorted(texts, key=lambda text: (-len(text), text)))


def _translated(task: TaskSpec, example: Example, code: str, says: Mapping[str, str]) -> Example:
    """An example in another language: the same cluster and target, ids with that language instead of English."""
    texts = dict(example.texts)
    for name in _fields(task, example):
        text = texts[name]
        texts[name] = Text(_renamed(text.id, code), code, says[text.value])
    return Example(_renamed(example.id, code), texts, example.target, example.cluster)


def _renamed(id: str, code: str) -> str:
    """`task/split/en/rest` as `task/split/LANGUAGE/rest`; an id of another form with the language after it."""
    parts = id.split("/", 3)
    return "/".join([*parts[:2], code, parts[3]]) if len(parts) > 3 and parts[2] == ENGLISH else f"{id}@{code}"
