"""The pools of retrieval tasks: made once from a source's rows; they name the right texts of each query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, final

from robust_xtreme.errors import DataError
from robust_xtreme.examples import Corpus, Document, Example, Text
from robust_xtreme.sources.rows import SourceRows, check
from robust_xtreme.sources.source import Source
from robust_xtreme.specs import CANDIDATE, TaskSpec

_SHOWN: Final = 60


@final
@dataclass(frozen=True, slots=True)
class Pooled:
    """A pool, the languages whose rows it was made from (none: separate files), and (name, sha256) of the files."""

    corpus: Corpus
    languages: tuple[str, ...]
    files: tuple[tuple[str, str], ...]


@final
@dataclass(frozen=True, slots=True)
class Pools:
    """The pools of one source, each made when it is first needed, and then kept."""

    source: Source
    _made: dict[tuple[str, str, str], Pooled] = field(default_factory=dict)

    def corpus(self, task: TaskSpec, split: str, language: str) -> Corpus | None:
        """The pool that a language's queries are answered from; None where the task has none.

        Raises MissingData, DataError.
        """
        pooled = self.pooled(task, split, language)
        return None if pooled is None else pooled.corpus

    def pooled(self, task: TaskSpec, split: str, language: str, given: SourceRows | None = None) -> Pooled | None:
        """The pool with its languages and files; `given` are rows of the language that were already read."""
        if task.pool is None:
            return None
        separate = self.source.own_pool(task, split)
        key = (task.name, split, "" if separate or task.pool.shared else language)
        if key not in self._made:
            read = {} if given is None else {language: given}
            self._made[key] = self._make(task, split, self._rows(task, split, language, separate, read))
        return self._made[key]

    def _rows(
        self, task: TaskSpec, split: str, language: str, separate: bool, given: Mapping[str, SourceRows]
    ) -> dict[str, SourceRows]:
        """The rows that the pool is made of, by language."""
        if separate:
            return {"": self.source.read_pool(task, split)}
        languages: Sequence[str] = (language,)
        if task.pool is not None and task.pool.shared:
            known = self.source.languages(task)
            languages = [code for code in known if self.source.holds(task, code, split)]
            self.source.fetch(task, languages, split)
        return {code: given.get(code) or self.source.read(task, code, split) for code in languages}

    def _make(self, task: TaskSpec, split: str, rows_by_language: Mapping[str, SourceRows]) -> Pooled:
        for rows in rows_by_language.values():
            check(rows)
        assert task.pool is not None
        corpus = task.pool.make(
            {language: source_rows.rows for language, source_rows in rows_by_language.items()}, task.name, split
        )
        _check_corpus(corpus, task, " and ".join(source_rows.location for source_rows in rows_by_language.values()))
        files = tuple(dict.fromkeys(file for source_rows in rows_by_language.values() for file in source_rows.files))
        return Pooled(corpus, tuple(filter(None, rows_by_language)), files)


def _check_corpus(corpus: Corpus, task: TaskSpec, location: str) -> None:
    """Raise DataError for a pool without texts, with a repeated id, or with an answer that is not one of its texts."""
    if not corpus.texts:
        raise DataError(location, f"the pool of {task.name} contains no candidates.")
    seen: dict[str, Text] = {}
    for text in corpus.texts:
        other = seen.setdefault(text.id, text)
        if other is not text:
            first, second = (repr(shown.value[:_SHOWN]) for shown in (other, text))
            raise DataError(location, f"two candidates have the id {text.id!r}: {first} and {second}.")
    for key, ids in corpus.answers.items():
        if unknown := [id for id in ids if id not in seen]:
            raise DataError(location, f"the answer {unknown[0]!r} of {key!r} is not a candidate of the pool.")


def answered(examples: Sequence[Example], corpus: Corpus) -> tuple[Example, ...]:
    """Examples whose targets are the right texts of the pool, instead of the keys that an adapter names."""
    return tuple(_answered(example, corpus) for example in examples)


def _answered(example: Example, corpus: Corpus) -> Example:
    match example.target:
        case Document(keys):
            ids = dict.fromkeys(id for key in keys for id in corpus.answers.get(key, ()))
            return replace(example, target=Document(tuple(ids)), fingerprint="")
        case _:
            return example


def taught(examples: Sequence[Example], corpus: Corpus) -> tuple[Example, ...]:
    """Examples to learn from: a row without a candidate gets the first right text of the pool."""
    texts = {text.id: text for text in corpus.texts}
    return tuple(_taught(example, texts) for example in examples)


def _taught(example: Example, texts: Mapping[str, Text]) -> Example:
    match example.target:
        case Document((first, *_)) if CANDIDATE not in example.texts:
            return replace(example, texts={**example.texts, CANDIDATE: texts[first]}, fingerprint="")
        case _:
            return example
