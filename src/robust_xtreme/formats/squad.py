"""SQuAD's JSON: data, paragraphs with a context, questions with an id and answers with text and answer_start.

Four kinds of it are read: version 1.1, as XQuAD, MLQA and TyDiQA-GoldP have it; version 2.0, where a question may be
marked `is_impossible`; LAReQA's XQuAD-R, where a paragraph has `sentence_breaks`; and rows without paragraphs, answers
as lists of `text` and `answer_start`, as libraries of data sets export them.
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
from robust_xtreme.formats._places import (
    BREAKS,
    Edits,
    Place,
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
"""What can be noised; the first is noised where nothing is stated."""

FAMILY: Final = "span_qa"
WRITTEN: Final = "squad"

__all__ = ["FAMILY", "FIELDS", "NOISED", "SAMPLE", "WRITTEN", "read", "record", "records", "span"]

_DATA: Final = "data"
_OTHER: Final = "this is not SQuAD's format."
_KINDS: Final[dict[type, str]] = {list: "a list", str: "a text"}
_T = TypeVar("_T", list[Any], str)


def read(text: str, path: str) -> tuple[Row, ...]:
    """One row a question, with the values `context`, `question` and `answers`: pairs of (start, stop) in code points.

    An answer with an empty text is none, and so is not a list of answers; `impossible` is there, and true, where the file
    says that there is no answer. `sentences`, pairs of (start, stop), are there where the paragraph has its breaks.
    Raises DataError for malformed JSON with its line, for a missing or wrong value with the question's id, and where an
    answer is not at its offset.
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
    """What contains a context, where it is, and its questions: what contains each, its id and where it is."""

    holder: Mapping[str, Any]
    place: str
    context: str
    questions: tuple[tuple[Mapping[str, Any], str, str], ...]


def _passages(article: Any, path: str, name: str) -> Iterator[_Passage]:
    """The paragraphs of an article, or the row without paragraphs that it is. Raises DataError."""
    if isinstance(article, dict) and "paragraphs" not in article and "context" in article:
        yield _passage(article, {name: article}, path, name)
        return
    for number, paragraph in enumerate(_get(article, "paragraphs", list, f"{path}: {name}")):
        place = f"{name}.paragraphs[{number}]"
        asked = enumerate(_get(paragraph, "qas", list, f"{path}: {place}"))
        yield _passage(paragraph, {f"{place}.qas[{at}]": one for at, one in asked}, path, place)


def _passage(holder: Mapping[str, Any], asked: Mapping[str, Any], path: str, name: str) -> _Passage:
    place = f"{path}: {name}"
    context = _text(holder, "context", place)
    natives = [_text(one, "id", f"{path}: {where}") for where, one in asked.items()]
    for one, native in zip(asked.values(), natives, strict=True):
        _text(one, "question", f"{path}: question {native!r}")
    questions = zip(asked.values(), natives, asked, strict=True)
    return _Passage(holder, place, context, tuple(questions))


def _rows(passage: _Passage, path: str) -> Iterator[Row]:
    """The rows of the questions of a passage; two with one id are distinguished by where they are."""
    shared: dict[str, Any] = {"context": passage.context}
    if "qas" in passage.holder and BREAKS in passage.holder:
        shared["sentences"] = _breaks(passage)
    for question, native, where in passage.questions:
        place = f"{path}: question {native!r}"
        given = question.get("answers", ())
        if given is None or (isinstance(given, list) and any(isinstance(one, list) for one in given)):
            raise DataError(place, f"expected 'answers' to be a list of text and answer_start; {_OTHER}")
        ranges = tuple((one.start, one.stop) for one in answers(question, passage.context, place, FIELDS[2:]))
        values = {**shared, "question": question["question"], "answers": ranges}
        if _impossible(question, place):
            if ranges:
                raise DataError(place, "is marked is_impossible, and has an answer.")
            values["impossible"] = True
        yield Row(native, f"{path}: {where}: question {native!r}", values)


def _breaks(passage: _Passage) -> tuple[Range, ...]:
    """The sentences of a paragraph, one after the other."""
    ranges = spans_of(passage.holder, BREAKS, len(passage.context), passage.place)
    check_order(ranges, BREAKS, passage.place)
    return ranges


def _impossible(question: Mapping[str, Any], place: str) -> bool:
    marked = question.get("is_impossible", False)
    if not isinstance(marked, bool):
        raise DataError(place, f"expected 'is_impossible' to be true or false; {_OTHER}")
    return marked


def _get(holder: Any, key: str, kind: type[_T], place: str) -> _T:
    """The value of that key, checked: a mapping that contains a `kind` there."""
    value = holder.get(key) if isinstance(holder, dict) else None
    if not isinstance(value, kind):
        raise DataError(place, f"expected {key!r} to be {_KINDS[kind]}; {_OTHER}")
    return value


def _text(holder: Any, key: str, place: str) -> str:
    """The text of that key, of whole characters. Raises DataError."""
    value = _get(holder, key, str, place)
    if is_half(value):
        raise DataError(place, f"{HALF} in {key!r}, which is not a character.")
    return value


def record(row: Mapping[str, Any], place: str) -> dict[str, Any]:
    """The values of a suite's row. Raises DataError."""
    context, question = text_of(row, "context", place), text_of(row, "question", place)
    return {"context": context, "question": question, "answers": spans_of(row, "answers", len(context), place)}


def records(source: Source, options: Options) -> Iterator[Record]:
    """A record for each article of `data`, and records without texts for what is around them. Raises DataError."""
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
                raise DataError(source.path, "the key 'data' is twice.", line)
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
    """A passage that is noised: its texts that are asked for, and the places in its context."""

    passage: _Passage
    slots: tuple[Slot, ...]
    answers: Sequence[Place]
    breaks: Sequence[Place]

    @classmethod
    def of(cls, passage: _Passage, path: str, options: Options) -> _Noisy:
        """A passage with what is to be noised of it. Raises DataError where an answer is elsewhere."""
        context, questions = passage.context, passage.questions
        named = [f"{where}: question {native!r}" for _, native, where in questions]
        asked = [answers(one, context, f"{path}: question {native!r}") for one, native, _ in questions]
        ranges = list(chain.from_iterable(asked))
        slots = []
        if "context" in options.fields:
            slots.append(Slot("context", named[0] if named else "", context, spans(ranges)))
        if "question" in options.fields:
            texts = zip(named, questions, strict=True)
            slots += [Slot("question", name, one["question"]) for name, (one, _, _) in texts]
        return cls(passage, tuple(slots), ranges, breaks(passage.holder, context, passage.place))

    def edits(self, done: Sequence[Done], text: str) -> Edits:
        """How the passage is written: `done` are what became of its slots."""
        edits: Edits = {}
        for one in done:
            value: Any = one.slot.value
            edits[value.range] = dumped(one.value, value, text)
            if one.slot.field == "context":
                edits |= moved(self.answers, one, text)
                edits |= moved_breaks(self.passage.holder, self.breaks, one, text)
        return edits


def _article(raw: str, passages: Sequence[_Noisy]) -> Record:
    def write(done: Sequence[Done]) -> str:
        edits: Edits = {}
        rest = iter(done)
        for passage in passages:
            edits |= passage.edits([next(rest) for _ in passage.slots], raw)
        return spliced(raw, edits)

    return Record(tuple(slot for passage in passages for slot in passage.slots), write, len(raw))
