"""Rows of the hub's datasets as the values that the readers of release files yield."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeVar

from robust_xtreme.errors import DataError
from robust_xtreme.sources.squad_json import span

_T = TypeVar("_T")


def pair(row: Mapping[str, Any], place: str) -> dict[str, Any]:
    """A pair of sentences: `premise`, `hypothesis` and `label`, None where there is no label."""
    label = None if row.get("label") is None else _get(row, "label", str, place)
    return {"first": _get(row, "premise", str, place), "second": _get(row, "hypothesis", str, place), "label": label}


def sentence(row: Mapping[str, Any], place: str) -> dict[str, Any]:
    """A sentence of words: `tokens` and `ner_tags`."""
    words, tags = _texts(row, "tokens", place), _texts(row, "ner_tags", place)
    if len(words) != len(tags):
        raise DataError(place, f"has {len(words)} tokens and {len(tags)} tags.")
    return {"words": words, "tags": tags}


def question(row: Mapping[str, Any], place: str) -> dict[str, Any]:
    """A question in SQuAD's columns: `context`, `question` and `answers`, lists of `text` and `answer_start`."""
    context, asked = _get(row, "context", str, place), _get(row, "question", str, place)
    answers = _get(row, "answers", dict, place)
    texts, starts = _get(answers, "text", list, place), _get(answers, "answer_start", list, place)
    if len(texts) != len(starts):
        raise DataError(place, f"has {len(texts)} answers and {len(starts)} places of them.")
    spans = [span(text, start, context, place) for text, start in zip(texts, starts, strict=True)]
    return {"context": context, "question": asked, "answers": tuple(one for one in spans if one is not None)}


def _texts(row: Mapping[str, Any], key: str, place: str) -> tuple[str, ...]:
    found = _get(row, key, list, place)
    if not all(isinstance(one, str) for one in found):
        raise DataError(place, f"expected the column {key!r} to hold texts, or labels with names.")
    return tuple(found)


def _get(row: Mapping[str, Any], key: str, kind: type[_T], place: str) -> _T:
    value = row.get(key)
    if not isinstance(value, kind):
        raise DataError(place, f"expected the column {key!r} to hold {_KINDS[kind]}, not {value!r:.80}.")
    return value


_KINDS: Final[dict[type, str]] = {list: "a list", str: "a text (labels by their names)", dict: "a structure"}
