"""The pools of retrieval tasks: made once from a source's rows, and what their texts say about who is right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, final

from robust_xtreme.errors import DataError
from robust_xtreme.examples import Corpus, Document, Example, Text
from robust_xtreme.sources.rows import Found, check
from robust_xtreme.sources.source import Source
from robust_xtreme.specs import CANDIDATE, TaskSpec

_SHOWN: Final = 60


@final
@dataclass(frozen=True, slots=True)
class Pooled:
    """A pool, the languages whose rows it was made from (none: files of its own), and (name, sha256) of the files."""

    corpus: Corpus
    languages: tuple[str, ...]
    files: tuple[tuple[str, str], ...]


@final
@dataclass(frozen=True, slots=True)
class Pools:
    """The pools of one source, each made when it is first asked for, and then kept."""

    source: Source
    _made: dict[tuple[str, str, str], Pooled] = field(default_factory=dict)

    def corpus(self, task: TaskSpec, split: str, language: str) -> Corpus | None:
        """The pool that a language's queries are answered from; None where the task has none.

        Raises MissingData, DataError.
        """
        found = self.pooled(task, split, language)
        return None if found is None else found.corpus

    def pooled(self, task: TaskSpec, split: str, language: str, given: Found | None = None) -> Pooled | None:
        """The same with what it was made of; `given` are rows of the language that were read already."""
        if task.pool is None:
            return None
        own = self.source.own_pool(task, split)
        key = (task.name, split, "" if own or task.pool.shared else language)
        if key not in self._made:
            read = {} if given is None else {language: given}
            self._made[key] = self._make(task, split, self._rows(task, split, language, own, read))
        return self._made[key]

    def _rows(
        self, task: TaskSpec, split: str, language: str, own: bool, given: Mapping[str, Found]
    ) -> dict[str, Found]:
        """What the pool is made of, by language."""
        if own:
            return {"": self.source.read_pool(task, split)}
        languages: Sequence[str] = (language,)
        if task.pool is not None and task.pool.shared:
            known = self.source.languages(task)
            languages = [one for one in known if self.source.holds(task, one, split)]
            self.source.fetch(task, languages, split)
        return {one: given.get(one) or self.source.read(task, one, split) for one in languages}

    def _make(self, task: TaskSpec, split: str, found: Mapping[str, Found]) -> Pooled:
        for one in found.values():
            check(one)
        assert task.pool is not None
        corpus = task.pool.make({language: one.rows for language, one in found.items()}, task.name, split)
        _check_corpus(corpus, task, " and ".join(one.place for one in found.values()))
        files = tuple(dict.fromkeys(file for one in found.values() for file in one.files))
        return Pooled(corpus, tuple(filter(None, found)), files)


def _check_corpus(corpus: Corpus, task: TaskSpec, place: str) -> None:
    """Refuse a pool without texts, with an id that is twice, and with answers that are none of its texts."""
    if not corpus.texts:
        raise DataError(place, f"the pool of {task.name} contains no candidates.")
    seen: dict[str, Text] = {}
    for text in corpus.texts:
        other = seen.setdefault(text.id, text)
        if other is not text:
            one, two = (repr(shown.value[:_SHOWN]) for shown in (other, text))
            raise DataError(place, f"two candidates have the id {text.id!r}: {one} and {two}.")
    for key, ids in corpus.answers.items():
        if unknown := [id for id in ids if id not in seen]:
            raise DataError(place, f"the answer {unknown[0]!r} of {key!r} is not a candidate of the pool.")


def answered(examples: Sequence[Example], corpus: Corpus) -> tuple[Example, ...]:
    """Examples whose targets are the texts of the pool that are right, instead of the key that an adapter names."""
    return tuple(_answered(one, corpus) for one in examples)


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
    return tuple(_taught(one, texts) for one in examples)


def _taught(example: Example, texts: Mapping[str, Text]) -> Example:
    match example.target:
        case Document((first, *_)) if CANDIDATE not in example.texts:
            return replace(example, texts={**example.texts, CANDIDATE: texts[first]}, fingerprint="")
        case _:
            return example
