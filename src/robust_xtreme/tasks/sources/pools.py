"""The pools of retrieval tasks: made once from a source's rows; they name the right texts of each query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import final

from robust_xtreme.core.errors import DataError
from robust_xtreme.core.examples import Corpus, Document, Example, Text
from robust_xtreme.core.specs import CANDIDATE, Pool, TaskSpec
from robust_xtreme.tasks.sources.rows import SourceRows, check
from robust_xtreme.tasks.sources.source import Source
from robust_xtreme.tasks.sources.suite import Suite


@final
@dataclass(frozen=True, slots=True)
class PooledCorpus:
    """A pool, and (name, sha256) of the files that it was made from."""

    corpus: Corpus
    files: tuple[tuple[str, str], ...]


@final
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
