"""Predictions and gold answers of imported rows as columns that metrics read, by the family of the task."""

import re
from ast import literal_eval
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import chain
from typing import Any, Final

import numpy as np

from robust_xtreme.core import strict_json
from robust_xtreme.core.columns import Choices, ExampleColumns, Ranges, TargetColumn, bounds_of, column_of
from robust_xtreme.core.errors import UserError, nearest, shown
from robust_xtreme.core.examples import (
    CHOICE,
    CLASSIFICATION,
    RETRIEVAL,
    SPAN_QA,
    TAGGING,
    Document,
    Tags,
    mark_entities,
    tags_to_iob2,
)

Answer = tuple[str, str | None, str]
"""A gold answer and a prediction as given, JSON or the text itself, None where none was found; and the language of the
context, whose rules decide what the words of an answer are."""

Scored = tuple[ExampleColumns, TargetColumn]
"""Examples with the gold answers as their targets, and the predictions."""

_DIGITS: Final = 3
"""The digits of the number of a choice."""

_CONTEXT: Final = "context"
_LIST: Final = re.compile(r"""\s*(array\(\[|[\[{]\s*b?['"])""")
_JOINED: Final = re.compile(r"""['"]\s+['"]""")
"""How a list of texts begins that Python or numpy wrote, and what is between texts that numpy wrote."""


class Odd(UserError):
    """An answer that is none of its family, by its number."""

    def __init__(self, number: int, why: object) -> None:
        super().__init__(str(why))
        self.number = number


def scored(answers: Sequence[Answer], family: str, labels: Sequence[str]) -> Scored:
    """The golds and the predictions of answers of one of FAMILIES. Raises Odd where one is none of the family."""
    return _FAMILIES[family](answers, labels)


def parsed(answer: str, family: str, labels: Sequence[str]) -> int | tuple[str, ...]:
    """What an answer says: the number of a label or choice, or strings. Raises UserError where it is none."""
    if family in (CHOICE.name, CLASSIFICATION.name):
        return index_of(answer, labels)
    return _texts(answer) if family == SPAN_QA.name else _strings(answer)


def index_of(value: str, labels: Sequence[str]) -> int:
    """The number of a label, or of a choice. Raises UserError for a name that is none of the labels."""
    if value in labels:
        return labels.index(value)
    is_number = value.isascii() and value.isdigit() and len(value) <= _DIGITS and str(int(value)) == value
    if is_number and (not labels or (int(value) < len(labels) and not any(map(str.isdigit, labels)))):
        return int(value)
    if not labels:
        raise UserError(f"{shown(value)} is not the number of a choice, 0 to {10**_DIGITS - 1}")
    raise _no_label(value, labels)


def _no_label(value: str, labels: Sequence[str]) -> UserError:
    return UserError(f"{shown(value)} is not a label.{nearest(value, labels)} The labels are: {', '.join(labels)}")


def _each(function: Callable[[Any], Any], values: Iterable[Any]) -> list[Any]:
    """A function of each value. Raises Odd with the number of the first that it refuses."""
    made = []
    for number, value in enumerate(values):
        try:
            made.append(function(value))
        except UserError as error:
            raise Odd(number, error) from error
    return made


def _choices(answers: Sequence[Answer], labels: Sequence[str]) -> Scored:
    golds = _each(lambda answer: index_of(answer[0], labels), answers)
    # Where no label was found, the prediction is -1.
    given = _each(lambda answer: -1 if answer[1] is None else index_of(answer[1], labels), answers)
    return ExampleColumns.given(Choices(np.array(golds, np.int64))), Choices(np.array(given, np.int64))


def _tags(answers: Sequence[Answer], labels: Sequence[str]) -> Scored:
    pairs = _each(partial(_tag_pair, labels), answers)
    golds, given = (column_of([Tags(pair[side]) for pair in pairs]) for side in (0, 1))
    return ExampleColumns.given(golds), given


def _tag_pair(labels: Sequence[str], answer: Answer) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if answer[1] is None:
        raise UserError("the prediction of a tagged text is null. Give a tag for each word")
    written = _strings(answer[0]), _strings(answer[1])
    gold, given = map(tags_to_iob2, written) if mark_entities(labels) else written
    if not gold:
        raise UserError("its gold answer is a text without words")
    pairs = zip(chain(*written), (*gold, *given), strict=True)
    if others := {tag for tag, read in pairs if labels and read not in labels}:
        raise _no_label(min(others), labels)
    if len(gold) != len(given):
        raise UserError(f"the prediction has {len(given)} tags, and the gold has {len(gold)}")
    return gold, given


def _answers(answers: Sequence[Answer], _: Sequence[str]) -> Scored:
    """Answers as spans of a context that is made of them alone: metrics compare the texts that spans cover."""
    golds = _each(lambda answer: _texts(answer[0]), answers)
    given = _each(lambda answer: _text(answer[1] or ""), answers)
    whole = ["".join((*texts, text)) for texts, text in zip(golds, given, strict=True)]
    ends = np.array([len(text) for text in whole], np.int64)
    last = Ranges(ends - [len(text) for text in given], ends, np.arange(len(answers) + 1))
    languages = [language for *_, language in answers]
    bounds = bounds_of(np.array([len(several) for several in golds], np.int64))
    lengths = np.array([len(text) for text in chain.from_iterable(golds)], np.int64)
    stops = np.cumsum(lengths)  # the texts follow each other from the start of each context
    stops -= np.repeat(np.concatenate(([0], stops))[bounds[:-1]], np.diff(bounds))
    right = Ranges(stops - lengths, stops, bounds)
    return ExampleColumns.given(right, {_CONTEXT: whole}, {_CONTEXT: languages}), last


def _documents(answers: Sequence[Answer], _: Sequence[str]) -> Scored:
    golds = _each(lambda answer: Document(_strings(answer[0])), answers)
    given = _each(lambda answer: Document(() if answer[1] is None else _strings(answer[1])), answers)
    return ExampleColumns.given(column_of(golds)), column_of(given)


def _strings(value: str) -> tuple[str, ...]:
    """A list of strings in JSON. Raises UserError for anything else."""
    names = None
    with suppress(ValueError, RecursionError):
        names = strict_json.loads(value) if value.startswith("[") else None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise UserError(f"{shown(value)} is not a list of strings")
    return tuple(names)


def _texts(value: str) -> tuple[str, ...]:
    """The texts of answers: a list of strings, or one text. Raises UserError for other objects and lists of texts."""
    form = _form(value)
    if isinstance(form, list) and all(isinstance(text, str) and not isinstance(_form(text), dict) for text in form):
        return tuple(filter(None, form))
    return (_text(value),) if value else ()


def _text(value: str) -> str:
    """The text itself. Raises UserError where an object or a list of texts is written in it."""
    form = _form(value)
    holds = isinstance(form, list | tuple) and any(isinstance(part, str | dict | list) for part in form)
    if holds or isinstance(form, dict) or _LIST.match(value):
        cure = "Give a text, a list of texts or, of gold answers, an object of text and answer_start"
        raise UserError(f"{shown(value)} is a text in which a list or an object is written. {cure}")
    return value


def _form(value: str) -> Any:
    """The list, tuple or object that a text is written of, in JSON or in Python; None where it is none."""
    if (text := value.strip()).startswith(("[", "{", "(")):
        with suppress(ValueError, RecursionError):
            return strict_json.loads(text)
        with suppress(ValueError, SyntaxError, RecursionError, MemoryError):
            # of a backslash Python may warn, and texts without a comma between them it joins
            return None if "\\" in text or _JOINED.search(text) else literal_eval(text)
    return None


_FAMILIES: Final[Mapping[str, Callable[[Sequence[Answer], Sequence[str]], Scored]]] = {
    CHOICE.name: _choices,
    CLASSIFICATION.name: _choices,
    TAGGING.name: _tags,
    SPAN_QA.name: _answers,
    RETRIEVAL.name: _documents,
}
FAMILIES: Final = tuple(_FAMILIES)
"""The families whose answers can be scored from what others give: labels, tags, texts of answers, ids of documents."""
