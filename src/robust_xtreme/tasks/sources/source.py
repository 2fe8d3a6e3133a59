"""The sources of data, distinguished by what `--data` names: release files, suites and the hub; and their pools.

The pools of retrieval tasks are made once from a source's rows; they name the right texts of each query.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from robust_xtreme.core import resources
from robust_xtreme.core.errors import DataError, MissingData
from robust_xtreme.core.examples import Corpus, Document, Example, Text
from robust_xtreme.core.run_spec import HUB, MINI
from robust_xtreme.core.specs import CANDIDATE, Pool, Row, TaskSpec
from robust_xtreme.tasks.sources.dataset import Hub, open_hub
from robust_xtreme.tasks.sources.release import Release, absent
from robust_xtreme.tasks.sources.rows import SourceRows, check
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
    return replace(task, labels=tuple(sorted({label for labels in several for label in labels})))


def named(rows: Sequence[Row]) -> tuple[str, ...]:
    """The labels that rows name: those of their label file, in its order, else their own tags, sorted."""
    if rows and "labels" in rows[0].values:
        return tuple(rows[0].values["labels"])
    return tuple(sorted({tag for row in rows for tag in row.values["tags"] or ()}))


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
            ids = dict.fromkeys(id for key in example.target.ids for id in corpus.answers.get(key, ()))
            changed[index] = Example(example.id, example.texts, Document(tuple(ids)), example.cluster)
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
