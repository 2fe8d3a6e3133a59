"""SQuAD's JSON: paragraphs with a context, questions with an id, and answers with text and answer_start.

Four variants are read: version 1.1, as XQuAD, MLQA and TyDiQA-GoldP have it; version 2.0, where a question may be
marked `is_impossible`; LAReQA's XQuAD-R, where a paragraph has `sentence_breaks`; and rows without paragraphs, whose
answers are lists of `text` and `answer_start`, as libraries of data sets export them.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any, Final, NamedTuple, TypeVar

from robust_xtreme.core import strict_json
from robust_xtreme.core.errors import DataError
from robust_xtreme.core.specs import Row
from robust_xtreme.tasks.formats import _record
from robust_xtreme.tasks.formats._file import Source, check_size
from robust_xtreme.tasks.formats._json import HALF, dumped, is_half, json_errors, placed, spans_of, text_of
from robust_xtreme.tasks.formats._moving import (
    ANSWERS,
    BREAKS,
    Edits,
    Moving,
    breaks,
    check_order,
    named_ranges,
    span,
    spans,
)

_MARKS: Final = re.compile(r'["\\{}\[\]]')
_ENDS: Final = re.compile(r"[,:\]} \t\n\r]")
_OPEN: Final = "{["
_SCALAR: Final = 1_000_000


class UnreadText:
    """The unread text of a document from `line` on, read value by value: no long list is in memory as a whole."""

    def __init__(self, source: Source) -> None:
        self._pieces = source.pieces()
        self.path = source.path
        self._text = ""
        self.line = 1

    def space(self) -> str:
        """Read the white space that comes next."""
        taken = []
        while True:
            remaining = self._text.lstrip(" \t\n\r")
            taken.append(self._take(len(self._text) - len(remaining)))
            check_size(sum(map(len, taken)), "white space", self.path, self.line)
            if remaining or not self._more():
                return "".join(taken)

    def next(self) -> str:
        """The next character, which stays unread; an empty text at the end."""
        return self._text[:1] if self._text or self._more() else ""

    def mark(self, marks: str) -> str:
        """Read one of some marks. Raises DataError where something else comes next."""
        if not self.next() or self.next() not in marks:
            raise self.broken(f"expected {' or '.join(map(repr, marks))}")
        return self._take(1)

    def value(self) -> str:
        """Read the raw text of the next value. Raises DataError where it does not end."""
        first = self.next()
        end = self._container() if first in (*_OPEN, '"') and first else self._scalar()
        return self._take(end)

    def after_item(self, what: str, close: str) -> str:
        """Read what is between an item of a list or an object and the next item, or the end. Raises DataError."""
        between = self.space()
        if self.next() != close:
            between += self.mark(",") + self.space()
            if self.next() == close:
                raise self.broken(f"expected {what}")
        return between

    def broken(self, what: str) -> DataError:
        """The error for an unexpected next character."""
        following = repr(self.next()) if self.next() else "the end of the file"
        return DataError(self.path, f"is not valid JSON: {what}, and there is {following}.", self.line)

    def _take(self, size: int) -> str:
        taken, self._text = self._text[:size], self._text[size:]
        self.line += taken.count("\n")
        return taken

    def _more(self) -> bool:
        piece = next(self._pieces, "")
        self._text += piece
        return bool(piece)

    def _scalar(self) -> int:
        position = 0
        while not (match := _ENDS.search(self._text, position)):
            position = len(self._text)
            if position > _SCALAR:
                raise DataError(self.path, f"is not valid JSON: a number has more than {_SCALAR:,} digits.", self.line)
            if not self._more():
                break
        if not (end := match.start() if match else len(self._text)):
            raise self.broken("expected a value")
        return end

    def _container(self) -> int:
        """The end of the object, list or string that begins here; pieces are joined once, at the end."""
        depth, quoted, before, parts, skipped = 0, False, 0, [self._text], -1
        while True:
            for match in _MARKS.finditer(parts[-1]):
                mark, position = match[0], before + match.start()
                if position == skipped:
                    continue
                if quoted and mark == "\\":
                    skipped = position + 1
                elif mark == '"':
                    quoted = not quoted
                elif not quoted and mark != "\\":
                    depth += 1 if mark in _OPEN else -1
                if not quoted and not depth:
                    self._text = "".join(parts)
                    return position + 1
            before += len(parts[-1])
            check_size(before, "a value", self.path, self.line)
            parts.append(next(self._pieces, ""))
            if not parts[-1]:
                raise DataError(self.path, "is not valid JSON: a value does not end; is the file cut off?", self.line)


def members(document: UnreadText) -> Iterator[tuple[str, str | None]]:
    """The members of an object after its brace: the text before each value, and its key; None at the end."""
    before, seen = document.space(), set[str]()
    while document.next() != "}":
        if document.next() != '"':
            raise document.broken("expected a key")
        line, raw = document.line, document.value()
        key: str = placed(raw, document.path, line)
        if key in seen:
            raise DataError(document.path, f"the key {key[:80]!r} occurs twice.", line)
        seen.add(key)
        between = document.space() + document.mark(":") + document.space()
        yield before + raw + between, key
        before = document.after_item("a key", "}")
    yield before, None


FIELDS: Final = ("context", "question", "answers")
OPTIONAL: Final = (_record.CHANGES,)

NOISED: Final = ("question", "context")
"""The fields that can be noised; the first is the default."""

FAMILY: Final = "span_qa"
WRITTEN: Final = "squad"

__all__ = ["FAMILY", "FIELDS", "NOISED", "OPTIONAL", "WRITTEN", "read", "record", "records", "span"]

_DATA: Final = "data"
_OTHER: Final = "this is not SQuAD's format."
_KINDS: Final[dict[type, str]] = {list: "a list", str: "a text"}
_T = TypeVar("_T", list[Any], str)


def read(text: str, path: str) -> tuple[Row, ...]:
    """One row a question, with the values `context`, `question` and `answers`: pairs of (start, stop) in code points.

    Answers with an empty text are left out. `impossible` is present, and true, where the file marks a question as
    impossible; `sentences`, pairs of (start, stop), are present where the paragraph has `sentence_breaks`, and `edits`,
    unchecked, where it has these. Raises DataError for malformed JSON with its line, for a missing or wrong value with
    the question's id, and where an answer is not at its offset.
    """
    with json_errors(path, 1):
        document = strict_json.loads(text)
    articles = enumerate(_get(document, _DATA, list, path))
    passages = chain.from_iterable(_passages(article, path, f"data[{number}]") for number, article in articles)
    return tuple(row for passage in passages for row in _rows(passage, path))


class _Passage(NamedTuple):
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
        questions = {f"{paragraph_name}.qas[{at}]": question for at, question in asked}
        yield _passage(paragraph, questions, path, paragraph_name)


def _passage(holder: Mapping[str, Any], asked: Mapping[str, Any], path: str, name: str) -> _Passage:
    location = f"{path}: {name}"
    context = _text(holder, "context", location)
    questions = [(question, _text(question, "id", f"{path}: {at}"), at) for at, question in asked.items()]
    for question, native, _ in questions:
        _text(question, "question", f"{path}: question {native!r}")
    return _Passage(holder, location, context, tuple(questions))


def _rows(passage: _Passage, path: str) -> Iterator[Row]:
    """The rows of the questions of a passage; the location distinguishes questions with the same id."""
    shared: dict[str, Any] = {"context": passage.context, **_optional(passage.holder)}
    if "qas" in passage.holder and BREAKS in passage.holder:
        shared["sentences"] = spans_of(passage.holder, BREAKS, len(passage.context), passage.location)
        check_order(shared["sentences"], BREAKS, passage.location)
    for question, native, at in passage.questions:
        location = f"{path}: question {native!r}"
        given = question.get("answers", ())
        if given is None or (isinstance(given, list) and any(isinstance(answer, list) for answer in given)):
            raise DataError(location, f"expected 'answers' to be a list of text and answer_start; {_OTHER}")
        ranges = tuple(item[:2] for item in named_ranges(question, "answers", passage.context, location))
        values = {**shared, "question": question["question"], "answers": ranges}
        impossible = question.get("is_impossible", False)
        if not isinstance(impossible, bool):
            raise DataError(location, f"expected 'is_impossible' to be true or false; {_OTHER}")
        if impossible:
            if ranges:
                raise DataError(location, "is marked is_impossible, and has an answer.")
            values["impossible"] = True
        yield Row(native, f"{path}: {at}: question {native!r}", values)


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
    answers = spans_of(row, "answers", len(context), location)
    return {"context": context, "question": question, "answers": answers, **_optional(row)}


def _optional(holder: Mapping[str, Any]) -> dict[str, Any]:
    return {key: holder[key] for key in OPTIONAL if key in holder}


def records(source: Source, options: _record.ReadOptions) -> Iterator[_record.Record]:
    """A record for each article of `data`, and records without texts for the text around them. Raises DataError."""
    document = UnreadText(source)
    yield _record.kept(document.space() + document.mark("{"))
    there = False
    for before, key in members(document):
        yield _record.kept(before)
        line = document.line
        if key == _DATA:
            there = True
            yield from _articles(document, source.path, options)
        elif key is not None:
            value = document.value()
            placed(value, source.path, line)
            yield _record.kept(value)
    yield _record.kept(document.mark("}") + document.space())
    if document.next():
        raise document.broken("expected nothing more")
    if not there:
        raise DataError(source.path, f"has no list 'data'; {_OTHER}")


def _articles(document: UnreadText, path: str, options: _record.ReadOptions) -> Iterator[_record.Record]:
    yield _record.kept(document.mark("[") + document.space())
    number = 0
    while document.next() != "]":
        line = document.line
        raw = document.value()
        yield _article(raw, _passages(placed(raw, path, line), path, f"data[{number}]"), path, options)
        number += 1
        yield _record.kept(document.after_item("an article", "]"))
    yield _record.kept(document.mark("]"))


def _article(raw: str, passages: Iterable[_Passage], path: str, options: _record.ReadOptions) -> _record.Record:
    """The noised texts of an article. Raises DataError where an answer is not at its offset."""
    slots: list[_record.Slot] = []
    moves: dict[int, Moving] = {}  # by the index of the slot of a context
    for passage in passages:
        context = passage.context
        asked = [(question, f"{at}: question {native!r}", native) for question, native, at in passage.questions]
        ranges = [
            item
            for question, _, native in asked
            for key in ANSWERS
            for item in named_ranges(question, key, context, f"{path}: question {native!r}")
        ]
        sentences = breaks(passage.holder, context, passage.location)
        if "context" in options.fields:
            _record.check_free(passage.holder, passage.location)
            moves[len(slots)] = Moving(passage.holder, ranges, sentences)
            slots.append(_record.Slot("context", asked[0][1] if asked else "", context, spans(ranges)))
        if "question" in options.fields:
            slots += [_record.Slot("question", location, question["question"]) for question, location, _ in asked]
    return _record.Record(tuple(slots), partial(_written, raw, moves, options.edits), len(raw))


def _written(raw: str, moves: Mapping[int, Moving], with_edits: bool, done: Sequence[_record.SlotResult]) -> str:
    edits: Edits = {}
    for index, outcome in enumerate(done):
        value: Any = outcome.slot.value
        edits[value.range] = dumped(outcome.value, value, raw)
        if index in moves:
            edits[value.range] += _record.beside(outcome) if with_edits else ""
            edits |= moves[index].edits(outcome, raw)
    return _record.spliced(raw, edits)
