"""SQuAD's JSON: paragraphs with a context, questions with an id, and answers with text and answer_start.

Four variants are read: version 1.1, as XQuAD, MLQA and TyDiQA-GoldP have it; version 2.0, where a question may be
marked `is_impossible`; LAReQA's XQuAD-R, where a paragraph has `sentence_breaks`; and rows without paragraphs, whose
answers are lists of `text` and `answer_start`, as libraries of data sets export them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final, TypeVar, final

from robust_xtreme.errors import DataError
from robust_xtreme.formats._file import Source
from robust_xtreme.formats._json import HALF, Range, dumped, is_half, placed, spans_of, text_of
from robust_xtreme.formats._named_ranges import (
    BREAKS,
    Edits,
    NamedRange,
    answers,
    breaks,
    check_order,
    moved,
    moved_breaks,
    span,
    spans,
)
from robust_xtreme.formats._record import Done, Options, Record, Slot, kept, spliced
from robust_xtreme.formats._stream import Document, members
from robust_xtreme.specs import Row

SAMPLE: Final = (
    '{"version": "1.1", "data": [{"title": "", "paragraphs": [{"context": "Nyerere was born in Butiama.", "qas": '
    '[{"id": "q1", "question": "Where was Nyerere born?", "answers": [{"text": "Butiama", "answer_start": 20}]}]}]}]}'
)

FIELDS: Final = ("context", "question", "answers")

NOISED: Final = ("question", "context")
"""The fields that can be noised; the first is the default."""

FAMILY: Final = "span_qa"
WRITTEN: Final = "squad"

__all__ = ["FAMILY", "FIELDS", "NOISED", "SAMPLE", "WRITTEN", "read", "record", "records", "span"]

_DATA: Final = "data"
_OTHER: Final = "this is not SQuAD's format."
_KINDS: Final[dict[type, str]] = {list: "a list", str: "a text"}
_T = TypeVar("_T", list[Any], str)


def read(text: str, path: str) -> tuple[Row, ...]:
    """One row a question, with the values `context`, `question` and `answers`: pairs of (start, stop) in code points.

    Answers with an empty text are left out. `impossible` is present, and true, where the file marks a question as
    impossible; `sentences`, pairs of (start, stop), are present where the paragraph has `sentence_breaks`. Raises
    DataError for malformed JSON with its line, for a missing or wrong value with the question's id, and where an answer
    is not at its offset.
    """
    articles = enumerate(_get(_parse(text, path), _DATA, list, path))
    passages = chain.from_iterable(_passages(article, path, f"data[{number}]") for number, article in articles)
    return tuple(row for passage in passages for row in _rows(passage, path))


def _parse(text: str, path: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise DataError(path, f"is not valid JSON: {error.msg} (column {error.colno}).", error.lineno) from None
    except (RecursionError, ValueError) as error:
        raise DataError(path, f"is not valid JSON: {error}.") from None


@final
@dataclass(frozen=True, slots=True)
class _Passage:
    """A context, the object that contains it, its location, and its questions: object, id and path in the file."""

    holder: Mapping[str, Any]
    location: str
    context: str
    questions: tuple[tuple[Mapping[str, Any], str, str], ...]


def _passages(article: Any, path: str, name: str) -> Iterator[_Passage]:
    """The paragraphs of an article, or the article itself if it is a row without paragraphs. Raises DataError."""
    if isinstance(article, dict) and "paragraphs" not in article and "context" in article:
        yield _passage(article, {name: article}, path, name)
        return
    for number, paragraph in enumerate(_get(article, "paragraphs", list, f"{path}: {name}")):
        paragraph_name = f"{name}.paragraphs[{number}]"
        asked = enumerate(_get(paragraph, "qas", list, f"{path}: {paragraph_name}"))
        yield _passage(
            paragraph, {f"{paragraph_name}.qas[{at}]": question for at, question in asked}, path, paragraph_name
        )


def _passage(holder: Mapping[str, Any], asked: Mapping[str, Any], path: str, name: str) -> _Passage:
    location = f"{path}: {name}"
    context = _text(holder, "context", location)
    natives = [_text(question, "id", f"{path}: {where}") for where, question in asked.items()]
    for question, native in zip(asked.values(), natives, strict=True):
        _text(question, "question", f"{path}: question {native!r}")
    questions = zip(asked.values(), natives, asked, strict=True)
    return _Passage(holder, location, context, tuple(questions))


def _rows(passage: _Passage, path: str) -> Iterator[Row]:
    """The rows of the questions of a passage; the location distinguishes questions with the same id."""
    shared: dict[str, Any] = {"context": passage.context}
    if "qas" in passage.holder and BREAKS in passage.holder:
        shared["sentences"] = _breaks(passage)
    for question, native, where in passage.questions:
        location = f"{path}: question {native!r}"
        given = question.get("answers", ())
        if given is None or (isinstance(given, list) and any(isinstance(answer, list) for answer in given)):
            raise DataError(location, f"expected 'answers' to be a list of text and answer_start; {_OTHER}")
        ranges = tuple(
            (answer.start, answer.stop) for answer in answers(question, passage.context, location, FIELDS[2:])
        )
        values = {**shared, "question": question["question"], "answers": ranges}
        if _impossible(question, location):
            if ranges:
                raise DataError(location, "is marked is_impossible, and has an answer.")
            values["impossible"] = True
        yield Row(native, f"{path}: {where}: question {native!r}", values)


def _breaks(passage: _Passage) -> tuple[Range, ...]:
    """The sentences of a paragraph, in order."""
    ranges = spans_of(passage.holder, BREAKS, len(passage.context), passage.location)
    check_order(ranges, BREAKS, passage.location)
    return ranges


def _impossible(question: Mapping[str, Any], location: str) -> bool:
    marked = question.get("is_impossible", False)
    if not isinstance(marked, bool):
        raise DataError(location, f"expected 'is_impossible' to be true or false; {_OTHER}")
    return marked


def _get(holder: Any, key: str, kind: type[_T], location: str) -> _T:
    """The value of that key, checked to be of that `kind`. Raises DataError."""
    value = holder.get(key) if isinstance(holder, dict) else None
    if not isinstance(value, kind):
        raise DataError(location, f"expected {key!r} to be {_KINDS[kind]}; {_OTHER}")
    return value


def _text(holder: Any, key: str, location: str) -> str:
    """The text of that key, of whole characters. Raises DataError."""
    value = _get(holder, key, str, location)
    if is_half(value):
        raise DataError(location, f"{HALF} in {key!r}, which is not a character.")
    return value


def record(row: Mapping[str, Any], location: str) -> dict[str, Any]:
    """The values of a suite's row. Raises DataError."""
    context, question = text_of(row, "context", location), text_of(row, "question", location)
    return {"context": context, "question": question, "answers": spans_of(row, "answers", len(context), location)}


def records(source: Source, options: Options) -> Iterator[Record]:
    """A record for each article of `data`, and records without texts for the text around them. Raises DataError."""
    document = Document(source)
    yield kept(document.space() + document.mark("{"))
    there = False
    for before, key in members(document):
        yield kept(before)
        line = document.line
        if key == _DATA and not there:
            there = True
            yield from _articles(document, source.path, options)
        elif key is not None:
            if key == _DATA:
                raise DataError(source.path, "the key 'data' occurs twice.", line)
            value = document.value()
            placed(value, source.path, line)
            yield kept(value)
    yield kept(document.mark("}") + document.space())
    if document.next():
        raise document.broken("expected nothing more")
    if not there:
        raise DataError(source.path, f"has no list 'data'; {_OTHER}")


def _articles(document: Document, path: str, options: Options) -> Iterator[Record]:
    yield kept(document.mark("[") + document.space())
    number = 0
    while document.next() != "]":
        line = document.line
        raw = document.value()
        passages = tuple(_passages(placed(raw, path, line), path, f"data[{number}]"))
        yield _article(raw, [_Noisy.of(passage, path, options) for passage in passages])
        number += 1
        yield kept(document.after_item("an article", "]"))
    yield kept(document.mark("]"))


@final
@dataclass(frozen=True, slots=True)
class _Noisy:
    """A noised passage: its selected texts, and the ranges in its context."""

    passage: _Passage
    slots: tuple[Slot, ...]
    answers: Sequence[NamedRange]
    breaks: Sequence[NamedRange]

    @classmethod
    def of(cls, passage: _Passage, path: str, options: Options) -> _Noisy:
        """A passage with its noised slots. Raises DataError where an answer is not at its offset."""
        context, questions = passage.context, passage.questions
        named = [f"{where}: question {native!r}" for _, native, where in questions]
        asked = [answers(question, context, f"{path}: question {native!r}") for question, native, _ in questions]
        ranges = list(chain.from_iterable(asked))
        slots = []
        if "context" in options.fields:
            slots.append(Slot("context", named[0] if named else "", context, spans(ranges)))
        if "question" in options.fields:
            texts = zip(named, questions, strict=True)
            slots += [Slot("question", name, question["question"]) for name, (question, _, _) in texts]
        return cls(passage, tuple(slots), ranges, breaks(passage.holder, context, passage.location))

    def edits(self, done: Sequence[Done], text: str) -> Edits:
        """The edits of the passage; `done` are the results of its slots."""
        edits: Edits = {}
        for outcome in done:
            value: Any = outcome.slot.value
            edits[value.range] = dumped(outcome.value, value, text)
            if outcome.slot.field == "context":
                edits |= moved(self.answers, outcome, text)
                edits |= moved_breaks(self.passage.holder, self.breaks, outcome, text)
        return edits


def _article(raw: str, passages: Sequence[_Noisy]) -> Record:
    def write(done: Sequence[Done]) -> str:
        edits: Edits = {}
        remaining = iter(done)
        for passage in passages:
            edits |= passage.edits([next(remaining) for _ in passage.slots], raw)
        return spliced(raw, edits)

    return Record(tuple(slot for passage in passages for slot in passage.slots), write, len(raw))
