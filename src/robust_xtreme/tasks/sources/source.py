"""The sources of data, distinguished by what `--data` names: release files, suites and the hub; and their pools.

The pools of retrieval tasks are made once from a source's rows; they name the right texts of each query.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, NamedTuple

from robust_xtreme.core import resources
from robust_xtreme.core.errors import DataError, MissingData, NoRows, SpecError
from robust_xtreme.core.examples import UNLABELLED, Answers, Choice, Corpus, Document, Example, Tags, Target, Text
from robust_xtreme.core.label_names import sort_labels
from robust_xtreme.core.languages import unknown_language
from robust_xtreme.core.run_spec import HUB, MINI
from robust_xtreme.core.specs import CANDIDATE, OWN, Origin, Pool, Row, TaskSpec
from robust_xtreme.tasks.sources.dataset import Hub, open_hub
from robust_xtreme.tasks.sources.release import Release, absent, see_of
from robust_xtreme.tasks.sources.rows import SPLITS, SourceRows, check, is_language
from robust_xtreme.tasks.sources.suite import MANIFEST, Suite, open_suite

Source = Release | Suite | Hub


def open_source(data: str, *, offline: bool = False) -> Source:
    """The source that `data` names: a folder of release files, the folder of a suite, `mini`, or `hub`.

    `hub:OWNER/NAME@COMMIT,...` uses those revisions of the datasets. `offline` opens no connection. Raises
    MissingData where the folder does not exist, DataError where a suite's own description is malformed.
    """
    if data == MINI:
        return open_suite(resources.mini("suite"))
    if data == HUB or data.startswith(f"{HUB}:"):
        return open_hub(data[len(HUB) + 1 :], offline)
    folder = Path(data)
    if not folder.is_dir() or not any(folder.iterdir()):
        raise MissingData(absent(folder))
    return open_suite(folder) if (folder / MANIFEST).exists() else Release(folder)


def with_labels(task: TaskSpec, source: Source | Path) -> TaskSpec:
    """The task with the labels that its data name; a task whose labels are known is returned unchanged.

    Training calls it once, before a head is made: the head, its record and the score on validation data then have the
    same labels in the same order. They come from the label file that is read with the rows, in its order. Where there
    is none, as in a suite, they are the tags of all splits, sorted. Raises MissingData, DataError.
    """
    if not task.open_labels or task.labels:
        return task
    source = Release(source) if isinstance(source, Path) else source
    language = task.train_languages[0]
    splits = [split for split in source.splits(task) if source.holds(task, language, split)]
    if not splits:
        wanted = source.splits(task)
        raise MissingData(source.missing(task, language, wanted[:1]) if wanted else source.lacks(task))
    several = list(dict.fromkeys(named(source.read(task, language, split).rows) for split in splits))
    if len(several) == 1:
        return replace(task, labels=several[0])
    return replace(task, labels=tuple(sort_labels({label for labels in several for label in labels})))


def named(rows: Sequence[Row]) -> tuple[str, ...]:
    """The labels that rows name: those of their label file, in its order, else their own tags, sorted."""
    if rows and "labels" in rows[0].values:
        return tuple(rows[0].values["labels"])
    return tuple(sort_labels({tag for row in rows for tag in row.values["tags"] or ()}))


class PooledCorpus(NamedTuple):
    """A pool, and (name, sha256) of the files that it was made from."""

    corpus: Corpus
    files: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Pools:
    """The pools of one source, each made when it is first needed, and then kept."""

    source: Source
    _made: dict[tuple[str, str, str], PooledCorpus] = field(default_factory=dict)

    def pooled(self, task: TaskSpec, split: str, language: str, given: SourceRows | None = None) -> PooledCorpus | None:
        """The pool that a language's queries are answered from, with its files; None where the task has none.

        `given` are rows of the language that were already read. Raises MissingData, DataError.
        """
        if task.pool is None:
            return None
        source = self.source
        named = {**task.pool.files, **task.pool.hub}  # whose candidates have separate files; a suite has one for all
        separate = bool(named) if isinstance(source, Suite) else split in named
        key = (task.name, split, "" if separate or task.pool.shared else language)
        if key not in self._made:
            languages: Sequence[str] = () if separate else (language,)
            if task.pool.shared and not separate:
                languages = [code for code in source.languages(task) if source.holds(task, code, split)]
                if isinstance(source, Hub):
                    source.fetch(task, languages, split)
            rows = {"": source.read_pool(task, split)} if separate else {}
            for code in languages:
                rows[code] = given if given and code == language else source.read(task, code, split)
            self._made[key] = self._make(task, task.pool, split, rows)
        return self._made[key]

    def _make(self, task: TaskSpec, pool: Pool, split: str, rows_by_language: Mapping[str, SourceRows]) -> PooledCorpus:
        parts = rows_by_language.values()
        for part in parts:
            check(part)
        corpus = pool.make({code: part.rows for code, part in rows_by_language.items()}, task.name, split)
        _check_corpus(corpus, task, " and ".join(part.location for part in parts))
        return PooledCorpus(corpus, tuple(dict.fromkeys(file for part in parts for file in part.files)))


def _check_corpus(corpus: Corpus, task: TaskSpec, location: str) -> None:
    """Raise DataError for a pool without texts, with a repeated id, or with an answer that is not one of its texts."""
    if not corpus.texts:
        raise DataError(location, f"the pool of {task.name} contains no candidates.")
    seen: dict[str, Text] = {}
    for text in corpus.texts:
        other = seen.setdefault(text.id, text)
        if other is not text:
            first, second = (repr(shown.value[:60]) for shown in (other, text))
            raise DataError(location, f"two candidates have the id {text.id!r}: {first} and {second}.")
    for key, ids in corpus.answers.items():
        if unknown := [id for id in ids if id not in seen]:
            raise DataError(location, f"the answer {unknown[0]!r} of {key!r} is not a candidate of the pool.")


def answered(examples: Sequence[Example], corpus: Corpus) -> tuple[Example, ...]:
    """Examples whose targets are the right texts of the pool, instead of the keys that an adapter names."""
    changed = list(examples)
    for index, example in enumerate(examples):
        if isinstance(example.target, Document):
            ids = tuple(id for key in example.target.ids for id in corpus.answers.get(key, ()))
            changed[index] = Example(example.id, example.texts, Document(ids), example.cluster)
    return tuple(changed)


def taught(examples: Sequence[Example], corpus: Corpus) -> tuple[Example, ...]:
    """Examples to learn from: a row without a candidate gets the first right text of the pool."""
    texts = {text.id: text for text in corpus.texts}
    changed = list(examples)
    for index, example in enumerate(examples):
        match example.target:
            case Document((first, *_)) if CANDIDATE not in example.texts:
                with_candidate = {**example.texts, CANDIDATE: texts[first]}
                changed[index] = replace(example, texts=with_candidate, fingerprint="")
    return tuple(changed)


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
    the split is unlabelled: no label, only empty answers, or the same label in all rows, as XTREME's scripts leave test
    sets. `tuned` is the split that a threshold is tuned on.
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
    check_language(task, source, language)
    rows_read = source.read(task, language, split)
    check(rows_read)
    origin = Origin(task.name, split, language)
    examples = task.adapt(rows_read.rows, origin)
    if not examples:
        raise NoRows(f"{task.name} {language}: the rows of {rows_read.location} make no example of {split}.")
    if split != _TAUGHT:
        check_labels(rows_read.rows, examples, origin)
    pooled = (pools or Pools(source)).pooled(task, split, language, rows_read)
    if pooled is None:
        named = not isinstance(source, Suite) or bool(rows_read.rows[0].cluster)
        described = source.own_tasks.get(task.name) if isinstance(source, Suite) else None
        lacks = "" if described and described.is_confirmed else lack(examples)
        files = rows_read.files
        return Split(task.name, language, split, examples, files, lacks, row_files=files, clustered=named)
    keys = [key for example in examples if isinstance(example.target, Document) for key in example.target.ids]
    if OWN in task.groups and (unknown := [key for key in keys if key not in pooled.corpus.answers]):
        raise DataError(rows_read.location, f"the passage {unknown[0][:80]!r} is right, and the corpus lacks it.")
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
        check_language(task, source, code)
    return tuple(_held(task, source, wanted, source.languages(task) if languages is None else languages))


def is_available(task: TaskSpec, source: Source | Path, splits: Sequence[str]) -> bool:
    """Whether a source has one of the splits in some language of a task."""
    source = _source(source)
    return any(True for _ in _held(task, source, splits, source.languages(task)))


def _held(task: TaskSpec, source: Source, splits: Sequence[str], languages: Sequence[str]) -> Iterator[str]:
    """The languages in which a source has one of the splits; a task without files is not looked for in each."""
    wanted = [name for name in splits if not isinstance(source, Release) or source.may_hold(task, name)]
    return (code for code in languages if any(source.holds(task, code, name) for name in wanted))


def fetch(task: TaskSpec, source: Source | Path, split: str, languages: Sequence[str]) -> None:
    """Fetch a split in some languages at once where the source is remote; `auto` is the split that it tries first.

    Raises UserError, RobustXtremeError; what does not exist is reported when it is read.
    """
    source = _source(source)
    wanted = [name for name in _candidates(split) if name in source.splits(task)]
    if isinstance(source, Hub) and wanted:
        source.fetch(task, languages, wanted[0])


def resolve(task: TaskSpec, source: Source | Path, split: str, language: str, pools: Pools | None = None) -> Split:
    """Read a split; `auto` is test, or validation where test is absent or unlabelled. Raises MissingData."""
    if split != "auto":
        return load(task, source, language, split, pools)
    source = _source(source)
    wanted = [name for name in _AUTO if name in source.splits(task)]
    if not wanted:
        _check_split(task, source, split)
    check_language(task, source, language)
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
    contain = "contains" if len(files) == 1 else "contain"
    what = f"{task.name} {language}: {' and '.join(files)} under {source} {contain} {lacks}."
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


def check_language(task: TaskSpec, source: Source, language: str) -> None:
    """Raise UnknownName for an unknown code before any path is made of it."""
    if not has_language(task, source, language):
        see = see_of(task, source.see)
        raise unknown_language(language, source.languages(task), see, f"language of {task.name}{source.within}")
