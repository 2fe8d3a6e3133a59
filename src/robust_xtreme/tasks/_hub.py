"""Rows of the hub's datasets as the values that the readers of release files yield."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeVar

from robust_xtreme.errors import DataError
from robust_xtreme.sources.squad_json import span

_T = TypeVar("_T")
_LONGEST_LEAD: Final = 64


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
    """A question in SQuAD's columns: `context`, `question` and `answers`, lists of `text` and `answer_start`.

    Where a copy lost the white space at the beginning of contexts and answers, places are moved by it.
    """
    context, asked = _get(row, "context", str, place), _get(row, "question", str, place)
    answers = _get(row, "answers", dict, place)
    texts, starts = _get(answers, "text", list, place), _get(answers, "answer_start", list, place)
    if len(texts) != len(starts):
        raise DataError(place, f"has {len(texts)} answers and {len(starts)} places of them.")
    places = _places(context, texts, starts)
    spans = [span(text, start, context, place) for text, start in zip(texts, places, strict=True)]
    return {"context": context, "question": asked, "answers": tuple(one for one in spans if one is not None)}


def _places(context: str, texts: list[Any], starts: list[Any]) -> list[Any]:
    """Where the answers stand: as given or, all of them, moved by the fewest characters that put them right.

    A context that begins with white space has lost none, and nothing is moved.
    """
    well = all(isinstance(text, str) for text in texts) and all(isinstance(start, int) for start in starts)
    for lead in range(_LONGEST_LEAD + 1) if well and not context[:1].isspace() else ():
        moved = [_behind(context, text, start - lead) for text, start in zip(texts, starts, strict=True)]
        if all(start >= 0 and context.startswith(text, start) for text, start in zip(texts, moved, strict=True)):
            return moved
    return starts


def _behind(context: str, text: str, start: int) -> int:
    """The place itself, or that behind white space which the answer does not begin with."""
    while 0 <= start < len(context) and context[start].isspace() and text and not text[0].isspace():
        start += 1
    return start


def sentences(row: Mapping[str, Any], place: str) -> dict[str, Any]:
    """Two sentences: `sentence1`, `sentence2` and `label`, None where there is no label."""
    label = None if row.get("label") is None else _get(row, "label", str, place)
    first, second = (_get(row, key, str, place).strip() for key in ("sentence1", "sentence2"))
    return {"first": first, "second": second, "label": label}


def translation(row: Mapping[str, Any], place: str) -> dict[str, Any]:
    """A sentence and its English translation: `sentence1` and `sentence2`."""
    return {"sentence": _get(row, "sentence1", str, place), "translation": _get(row, "sentence2", str, place)}


def causal(row: Mapping[str, Any], place: str) -> dict[str, Any]:
    """A premise with two choices: `premise`, `question`, `choice1`, `choice2` and `label`, a number or such a name."""
    label = row.get("label")
    label = _CAUSAL.index(label) if label in _CAUSAL else label
    if label is not None and label not in (-1, 0, 1):
        raise DataError(place, f"expected the column 'label' to hold 0 or 1, not {label!r:.80}.")
    choices = tuple(_get(row, key, str, place) for key in _CAUSAL)
    premise, asked = _get(row, "premise", str, place), _get(row, "question", str, place)
    return {"premise": premise, "question": asked, "choices": choices, "label": None if label == -1 else label}


_CAUSAL: Final = ("choice1", "choice2")


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
