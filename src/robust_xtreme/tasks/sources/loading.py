"""From a task, a language and a split to examples: read the rows of a source, check them, adapt them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from robust_xtreme.core.errors import DataError, MissingData, SpecError
from robust_xtreme.core.examples import UNLABELLED, Answers, Choice, Corpus, Document, Example, Tags, Target
from robust_xtreme.core.languages import unknown_language
from robust_xtreme.core.specs import Origin, Row, TaskSpec
from robust_xtreme.tasks.sources.release import Release, see_of
from robust_xtreme.tasks.sources.rows import SPLITS, check, is_language
from robust_xtreme.tasks.sources.source import Pools, Source, answered, taught
from robust_xtreme.tasks.sources.suite import Suite

NO_LABELS: Final = "no labels"


def is_labelled(examples: Sequence[Example]) -> bool:
    """Whether the targets are labels: not where there are none, all are empty, or all rows have the same label."""
    seen: set[object] = set()
    for example in examples:
        match example.target:
            case Choice(index):
                seen.add(index)
            case Tags(names):
                seen.update(names)
            case Answers(spans) if spans:
                return True
            case Document(ids) if ids:
                return True
    return len(seen) > 1 or (len(examples) == 1 and bool(seen) and not seen <= {-1, "O"})


def lack(examples: Sequence[Example], keys: Sequence[str] = (), corpus: Corpus | None = None) -> str:
    """What an unlabelled split has instead of labels, to follow the word `has`; empty where it is labelled.

    `keys` are the targets of queries as the adapter names them; the `corpus` may contain none of them.
    """
    if is_labelled(examples):
        return ""
    if corpus is not None and (absent := [key for key in keys if key not in corpus.answers]):
        return f"no right candidate: {absent[0]!r:.80}, the first that is asked for, is not in the pool"
    empty: tuple[Target, ...] = (UNLABELLED, Answers(()), Document(()))
    are_alike = any(example.target not in empty for example in examples)
    return f"{NO_LABELS}, or the same one in every row" if are_alike else NO_LABELS


def check_labels(rows: Sequence[Row], examples: Sequence[Example], origin: Origin) -> None:
    """Raise DataError for a row without a label among labelled rows."""
    without = {example.id for example in examples if type(example.target) is Choice and example.target == UNLABELLED}
    for row in rows if 0 < len(without) < len(examples) else ():
        if origin.id(row.native) in without:
            raise DataError(row.location, "has no label, and other rows of the file have one.")


_AUTO: Final = ("test", "validation")
_TAUGHT: Final = "train"


@dataclass(frozen=True, slots=True)
class Split:
    """The examples of one language of a split; `files` are (path under the data folder or hub address, sha256).

    In retrieval tasks `corpus` is the pool that the targets point into, and `files` includes its files; `row_files`
    are the files of the language's rows. `clustered` is False where the rows of a suite name no cluster. `lack` is why
    the split is unlabelled: no label, only empty answers, or the
    same label in all rows, as XTREME's scripts leave test sets. `tuned` is the split that a threshold is tuned on.
    """

    task: str
    language: str
    split: str
    examples: tuple[Example, ...]
    files: tuple[tuple[str, str], ...]
    lack: str = ""
    corpus: Corpus | None = None
    row_files: tuple[tuple[str, str], ...] = ()
    tuned: Split | None = None
    clustered: bool = True

    @property
    def labelled(self) -> bool:
        """Whether its targets are labels."""
        return not self.lack


def load(task: TaskSpec, source: Source | Path, language: str, split: str, pools: Pools | None = None) -> Split:
    """Read one split of a source; a Path is a folder of release files. `pools` keeps the pools that were made.

    Raises MissingData where the source does not have it, DataError where its content is malformed, UnknownName,
    SpecError.
    """
    source = _source(source)
    _check_split(task, source, split)
    _check_language(task, source, language)
    rows_read = source.read(task, language, split)
    check(rows_read)
    origin = Origin(task.name, split, language)
    examples = task.adapt(rows_read.rows, origin)
    if split != _TAUGHT:
        check_labels(rows_read.rows, examples, origin)
    pooled = (pools or Pools(source)).pooled(task, split, language, rows_read)
    if pooled is None:
        named = not isinstance(source, Suite) or bool(rows_read.rows[0].cluster)
        files = rows_read.files
        return Split(task.name, language, split, examples, files, lack(examples), row_files=files, clustered=named)
    keys = [key for example in examples if isinstance(example.target, Document) for key in example.target.ids]
    examples = answered(examples, pooled.corpus)
    if split == _TAUGHT:
        examples = taught(examples, pooled.corpus)
    files = tuple(dict.fromkeys((*rows_read.files, *pooled.files)))
    lacks = lack(examples, keys, pooled.corpus)
    return Split(task.name, language, split, examples, files, lacks, pooled.corpus, rows_read.files)


def languages_of(task: TaskSpec, source: Source | Path) -> tuple[str, ...]:
    """The languages of a task in a source, with data or not; empty where the source does not have the task."""
    return _source(source).languages(task)


def has_language(task: TaskSpec, source: Source | Path, language: str) -> bool:
    """Whether a task has that language in a source; in tasks with pairs, both languages of `de@en`.

    Where the source has the task's own list, its training languages are known too, evaluated or not.
    """
    known = languages_of(task, source)
    return is_language(task, language, (*known, *task.train_languages) if known == task.languages else known)


def available(
    task: TaskSpec, source: Source | Path, split: str, languages: Sequence[str] | None = None
) -> tuple[str, ...]:
    """The languages with that split in a source, the task's or those given; `auto` is test or validation."""
    source = _source(source)
    wanted = _candidates(split)
    for code in languages or ():
        _check_language(task, source, code)
    asked = source.languages(task) if languages is None else languages
    return tuple(code for code in asked if any(source.holds(task, code, name) for name in wanted))


def fetch(task: TaskSpec, source: Source | Path, split: str, languages: Sequence[str]) -> None:
    """Fetch a split in some languages at once where the source is remote; `auto` is the split that it tries first.

    Raises UserError, RobustXtremeError; what does not exist is reported when it is read.
    """
    source = _source(source)
    for name in [name for name in _candidates(split) if name in source.splits(task)][:1]:
        source.fetch(task, languages, name)


def resolve(task: TaskSpec, source: Source | Path, split: str, language: str, pools: Pools | None = None) -> Split:
    """Read a split; `auto` is test, or validation where test is absent or unlabelled. Raises MissingData."""
    if split != "auto":
        return load(task, source, language, split, pools)
    source = _source(source)
    wanted = [name for name in _AUTO if name in source.splits(task)]
    if not wanted:
        _check_split(task, source, split)
    _check_language(task, source, language)
    unlabelled: list[Split] = []
    for candidate in wanted:
        if source.holds(task, language, candidate):
            candidate_split = load(task, source, language, candidate, pools)
            if candidate_split.labelled:
                return candidate_split
            unlabelled.append(candidate_split)
    if not unlabelled:
        raise MissingData(source.missing(task, language, wanted))
    files = [name for split in unlabelled for name, _ in split.files]
    lacks = " and ".join(dict.fromkeys(split.lack for split in unlabelled))
    what = (
        f"{task.name} {language}: {' and '.join(files)} under {source} contain{'s' if len(files) == 1 else ''} {lacks}."
    )
    raise MissingData(f"{what} {source.unlabelled}".rstrip() if NO_LABELS in lacks else what)


def _source(source: Source | Path) -> Source:
    return Release(source) if isinstance(source, Path) else source


def _candidates(split: str) -> tuple[str, ...]:
    if split != "auto" and split not in SPLITS:
        raise SpecError(f"There is no split {split!r}. Name one of: {', '.join((*SPLITS, 'auto'))}.")
    return _AUTO if split == "auto" else (split,)


def _check_split(task: TaskSpec, source: Source, split: str) -> None:
    _candidates(split)
    has = source.splits(task)
    if split not in has:
        what = f"{task.name} has no {split} split{source.within}. It has: {', '.join(has)}."
        raise MissingData(f"{what} Choose with --split, or --split auto." if has else source.lacks(task))


def _check_language(task: TaskSpec, source: Source, language: str) -> None:
    """Raise UnknownName for an unknown code before any path is made of it."""
    if not has_language(task, source, language):
        see = see_of(task, source.see)
        raise unknown_language(language, source.languages(task), see, f"language of {task.name}{source.within}")
