"""SQuAD's JSON: data, paragraphs with a context, questions with an id and answers with text and answer_start.

Four kinds of it are read: version 1.1, as XQuAD, MLQA and TyDiQA-GoldP have it; version 2.0, where a question may be
marked `is_impossible`; LAReQA's XQuAD-R, where a paragraph has `sentence_breaks`; and rows without paragraphs, answers
as lists of `text` and `answer_start`, as libraries of data sets export them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any, Final, TypeVar

from robust_xtreme.errors import DataError
from robust_xtreme.sources._json import spans_of, text_of
from robust_xtreme.specs import Row

SAMPLE: Final = (
    '{"version": "1.1", "data": [{"title": "", "paragraphs": [{"context": "Nyerere was born in Butiama.", "qas": '
    '[{"id": "q1", "question": "Where was Nyerere born?", "answers": [{"text": "Butiama", "answer_start": 20}]}]}]}]}'
)
"""A whole, valid file of this format."""

FIELDS: Final = ("context", "question", "answers")
"""The keys of a suite's row of this kind."""

_SHOWN: Final = 80
_LONE_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_T = TypeVar("_T")


def read(text: str, path: str) -> tuple[Row, ...]:
    """One row a question, with the values `context`, `question` and `answers`: pairs of (start, stop) in code points.

    An answer with an empty text is none, and so is no list of answers; `impossible` is there, and true, where the file
    says that there is no answer. `sentences`, pairs of (start, stop), are there where the paragraph has its breaks.
    Raises DataError for malformed JSON with its line, for a missing or wrong value with the question's id, and where an
    answer does not stand at its offset.
    """
    document = _parse(text, path)
    escapes = r"\ud" in text.lower()
    return tuple(_rows(document, path, escapes))


def _parse(text: str, path: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise DataError(path, f"is not valid JSON: {error.msg} (column {error.colno}).", error.lineno) from None
    except (RecursionError, ValueError) as error:
        raise DataError(path, f"is not valid JSON: {error}.") from None


def _rows(document: Any, path: str, escapes: bool) -> Iterator[Row]:
    for i, article in enumerate(_get(document, "data", list, path)):
        place = f"{path}: data[{i}]"
        if isinstance(article, dict) and "paragraphs" not in article and "context" in article:
            yield _row(article, {"context": _get(article, "context", str, place)}, path, place, escapes)
            continue
        for j, paragraph in enumerate(_get(article, "paragraphs", list, place)):
            yield from _paragraph(paragraph, path, f"{place}.paragraphs[{j}]", escapes)


def _paragraph(paragraph: Any, path: str, place: str, escapes: bool) -> Iterator[Row]:
    shared: dict[str, Any] = {"context": _get(paragraph, "context", str, place)}
    if "sentence_breaks" in paragraph:
        shared["sentences"] = _breaks(paragraph, len(shared["context"]), place)
    for k, question in enumerate(_get(paragraph, "qas", list, place)):
        yield _row(question, shared, path, f"{place}.qas[{k}]", escapes)


def _breaks(paragraph: Mapping[str, Any], length: int, place: str) -> tuple[tuple[int, int], ...]:
    """The sentences of a paragraph, one behind the other."""
    found = spans_of(paragraph, "sentence_breaks", length, place)
    for (start, stop), (following, _) in pairwise(found):
        if following < stop:
            raise DataError(place, f"the sentence at {following} begins before that at {start} ends, at {stop}.")
    return found


def _row(question: Any, shared: Mapping[str, Any], path: str, where: str, escapes: bool) -> Row:
    """One question; two with one id are told apart by where they stand."""
    native = _get(question, "id", str, where)
    place = f"{path}: question {native!r}"
    asked = _get(question, "question", str, place)
    if escapes and _LONE_SURROGATE.search(shared["context"] + asked + native):
        raise DataError(place, "holds half of a surrogate pair, which is no character.")
    answers = tuple(span(text, start, shared["context"], place) for text, start in _answers(question, place))
    values = {**shared, "question": asked, "answers": tuple(one for one in answers if one is not None)}
    if _impossible(question, place):
        if values["answers"]:
            raise DataError(place, "is marked is_impossible, and has an answer.")
        values["impossible"] = True
    return Row(native, f"{where}: question {native!r}", values)


def _answers(question: Mapping[str, Any], place: str) -> list[tuple[str, int]]:
    """The (text, start) of each answer: of a list of answers, or of one list for each of the two."""
    given = question.get("answers", [])
    if not isinstance(given, dict):
        given = _get(question, "answers", list, place) if "answers" in question else []
        return [(_get(one, "text", str, place), _get(one, "answer_start", int, place)) for one in given]
    texts, starts = _get(given, "text", list, place), _get(given, "answer_start", list, place)
    if len(texts) != len(starts):
        raise DataError(place, f"has {len(texts)} answers and {len(starts)} places of them.")
    rows = [{"text": text, "answer_start": start} for text, start in zip(texts, starts, strict=True)]
    return [(_get(one, "text", str, place), _get(one, "answer_start", int, place)) for one in rows]


def _impossible(question: Mapping[str, Any], place: str) -> bool:
    marked = question.get("is_impossible", False)
    if not isinstance(marked, bool):
        raise DataError(place, "expected 'is_impossible' to be true or false; this is not SQuAD's format.")
    return marked


def span(text: str, start: int, context: str, place: str) -> tuple[int, int] | None:
    """Where an answer stands in its context; None where its text is empty. Raises DataError where it does not."""
    if not text:
        return None
    stop = start + len(text)
    if start < 0 or stop > len(context):
        what = f"the answer {text[:_SHOWN]!r} at {start} does not fit in the context of {len(context)} characters."
        raise DataError(place, what)
    if context[start:stop] != text:
        found, text = context[start:stop][:_SHOWN], text[:_SHOWN]
        raise DataError(place, f"the answer {text!r} does not stand at answer_start {start}, where {found!r} stands.")
    return start, stop


def _get(holder: Any, key: str, kind: type[_T], place: str) -> _T:
    """The value of that key, checked: a mapping that holds a `kind` there."""
    value = holder.get(key) if isinstance(holder, dict) else None
    if not isinstance(value, kind) or isinstance(value, bool):
        raise DataError(place, f"expected {key!r} to be {_KINDS[kind]}; this is not SQuAD's format.")
    return value


_KINDS: Final[dict[type, str]] = {list: "a list", str: "a text", int: "a whole number"}


def record(row: Mapping[str, Any], place: str) -> dict[str, Any]:
    """The values of a suite's row. Raises DataError."""
    context, question = text_of(row, "context", place), text_of(row, "question", place)
    return {"context": context, "question": question, "answers": spans_of(row, "answers", len(context), place)}
