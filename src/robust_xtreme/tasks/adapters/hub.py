"""Convert rows of the hub's datasets into the values that the readers of release files yield."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeVar

from robust_xtreme.core.errors import DataError, counted
from robust_xtreme.tasks.formats.squad import span

_T = TypeVar("_T")
_LONGEST_LEAD: Final = 64


def pair(row: Mapping[str, Any], location: str) -> dict[str, Any]:
    """A pair of sentences: `premise`, `hypothesis` and `label`, None where there is no label."""
    label = None if row.get("label") is None else value(row, "label", str, location)
    first, second = (value(row, key, str, location) for key in ("premise", "hypothesis"))
    return {"first": first, "second": second, "label": label}


def sentence(row: Mapping[str, Any], location: str) -> dict[str, Any]:
    """A sentence of words: `tokens` and `ner_tags`."""
    words, tags = _texts(row, "tokens", location), _texts(row, "ner_tags", location)
    if len(words) != len(tags):
        raise DataError(location, f"has {counted(len(words), 'token')} and {counted(len(tags), 'tag')}.")
    return {"words": words, "tags": tags}


def question(row: Mapping[str, Any], location: str) -> dict[str, Any]:
    """A question in SQuAD's columns: `context`, `question` and `answers`, lists of `text` and `answer_start`.

    Where a copy lost the white space at the beginning of contexts and answers, the starts are moved by its length.
    """
    context, asked = value(row, "context", str, location), value(row, "question", str, location)
    answers = value(row, "answers", dict, location)
    texts, starts = value(answers, "text", list, location), value(answers, "answer_start", list, location)
    if len(texts) != len(starts):
        raise DataError(location, f"has {len(texts)} answers and {len(starts)} places of them.")
    if not all(isinstance(text, str) for text in texts) or not all(type(start) is int for start in starts):
        raise DataError(location, "expected 'answers' to have texts, and whole numbers as their places.")
    located = _spans(context, texts, starts)
    spans = [span(text, start, context, location) for text, start in zip(texts, located, strict=True)]
    return {"context": context, "question": asked, "answers": tuple(span for span in spans if span is not None)}


def _spans(context: str, texts: list[Any], starts: list[Any]) -> list[Any]:
    """The starts of the answers: as given, or all moved by the smallest number of characters that makes them fit.

    A context that begins with white space has not lost any, and nothing is moved.
    """
    for lead in range(_LONGEST_LEAD + 1) if not context[:1].isspace() else ():
        moved = [_after(context, text, start - lead) for text, start in zip(texts, starts, strict=True)]
        if all(start >= 0 and context.startswith(text, start) for text, start in zip(texts, moved, strict=True)):
            return moved
    return starts


def _after(context: str, text: str, start: int) -> int:
    """The start itself, or the next one that is not white space, unless the answer begins with white space."""
    while 0 <= start < len(context) and context[start].isspace() and text and not text[0].isspace():
        start += 1
    return start


def sentences(row: Mapping[str, Any], location: str) -> dict[str, Any]:
    """Two sentences: `sentence1`, `sentence2` and `label`, None where there is no label."""
    label = None if row.get("label") is None else value(row, "label", str, location)
    first, second = (value(row, key, str, location).strip() for key in ("sentence1", "sentence2"))
    return {"first": first, "second": second, "label": label}


def translation(row: Mapping[str, Any], location: str) -> dict[str, Any]:
    """A sentence and its English translation: `sentence1` and `sentence2`."""
    return {"sentence": value(row, "sentence1", str, location), "translation": value(row, "sentence2", str, location)}


def causal(row: Mapping[str, Any], location: str) -> dict[str, Any]:
    """A premise with two choices: `premise`, `question`, `choice1`, `choice2` and `label`, a number or such a name."""
    label = row.get("label")
    label = _CAUSAL.index(label) if label in _CAUSAL else label
    if label is not None and (type(label) is not int or label not in (-1, 0, 1)):
        raise DataError(location, f"expected the column 'label' to contain 0 or 1, not {label!r:.80}.")
    choices = tuple(value(row, key, str, location) for key in _CAUSAL)
    premise, asked = value(row, "premise", str, location), value(row, "question", str, location)
    return {"premise": premise, "question": asked, "choices": choices, "label": None if label == -1 else label}


_CAUSAL: Final = ("choice1", "choice2")


def _texts(row: Mapping[str, Any], key: str, location: str) -> tuple[str, ...]:
    values = value(row, key, list, location)
    if not all(isinstance(text, str) for text in values):
        raise DataError(location, f"expected the column {key!r} to contain texts, or labels with names.")
    return tuple(values)


def value(row: Mapping[str, Any], key: str, kind: type[_T], location: str) -> _T:
    """The value of a column, a text, a list or a structure. Raises DataError for another type."""
    given = row.get(key)
    if not isinstance(given, kind):
        raise DataError(location, f"expected the column {key!r} to contain {_KINDS[kind]}, not {given!r:.80}.")
    return given


_KINDS: Final[dict[type, str]] = {list: "a list", str: "a text (labels by their names)", dict: "a structure"}
