"""SQuAD's JSON: data, paragraphs with a context, questions with an id and answers with text and answer_start."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
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

    An answer with an empty text is none, and so is no list of answers. Raises DataError for malformed JSON with its
    line, for a missing or wrong value with the question's id, and where an answer does not stand at its offset.
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
        for j, paragraph in enumerate(_get(article, "paragraphs", list, f"{path}: data[{i}]")):
            place = f"{path}: data[{i}].paragraphs[{j}]"
            context = _get(paragraph, "context", str, place)
            for question in _get(paragraph, "qas", list, place):
                yield _row(question, context, path, place, escapes)


def _row(question: Any, context: str, path: str, paragraph: str, escapes: bool) -> Row:
    native = _get(question, "id", str, paragraph)
    place = f"{path}: question {native!r}"
    asked = _get(question, "question", str, place)
    if escapes and _LONE_SURROGATE.search(context + asked + native):
        raise DataError(place, "holds half of a surrogate pair, which is no character.")
    given = _get(question, "answers", list, place) if "answers" in question else []
    answers = tuple(_answer(one, context, place) for one in given)
    spans = tuple(span for span in answers if span is not None)
    return Row(native, place, {"context": context, "question": asked, "answers": spans})


def _answer(answer: Any, context: str, place: str) -> tuple[int, int] | None:
    return span(_get(answer, "text", str, place), _get(answer, "answer_start", int, place), context, place)


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
