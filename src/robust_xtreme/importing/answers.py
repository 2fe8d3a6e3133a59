"""Predictions and gold answers of imported rows as targets, by the family of the task."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, final

from robust_xtreme.errors import UserError, nearest, shown
from robust_xtreme.examples import Answers, Choice, Document, Example, Span, Tags, Target, Text
from robust_xtreme.targets.kinds import CHOICE, CLASSIFICATION, RETRIEVAL, SPAN_QA, TAGGING

NO_CHOICE: Final = Choice(-1)
"""The prediction of an answer in which no label was found."""


@final
@dataclass(frozen=True, slots=True)
class Answer:
    """A distinct pair of a gold answer and a prediction, as given: JSON, or the text itself; None where none was found.

    `language` is that of the context, whose rules decide what the words of an answer are.
    """

    gold: str
    prediction: str | None
    language: str


def scored(answer: Answer, family: str, labels: Sequence[str]) -> tuple[Example, Target]:
    """An example with the gold answer as its target, and the prediction; see `FAMILIES`.

    Raises UserError where they are no answers of the family.
    """
    return _FAMILIES[family](answer, labels)


def stored(answer: str | None, family: str, labels: Sequence[str]) -> str | None:
    """An answer as PREDICTIONS has it: JSON; of question answering its text.

    Raises UserError as `scored`.
    """
    if answer is None:
        return None
    if family in (CHOICE.name, CLASSIFICATION.name):
        return str(_index(answer, labels))
    is_list = family in (TAGGING.name, RETRIEVAL.name)
    return json.dumps(_strings(answer) if is_list else _texts(answer), ensure_ascii=False)


def _choice(answer: Answer, labels: Sequence[str]) -> tuple[Example, Target]:
    gold = Choice(_index(answer.gold, labels))
    given = NO_CHOICE if answer.prediction is None else Choice(_index(answer.prediction, labels))
    return _example(gold, {}), given


def _index(value: str, labels: Sequence[str]) -> int:
    """The number of a label, or of a choice. Raises UserError for a name that is none of the labels."""
    if value in labels:
        return labels.index(value)
    if value.isascii() and value.isdigit() and (not labels or int(value) < len(labels)):
        return int(value)
    if not labels:
        raise UserError(f"{shown(value)} is not the number of a choice, from 0 on")
    raise UserError(f"{shown(value)} is not a label.{nearest(value, labels)} The labels are: {', '.join(labels)}")


def _tags(answer: Answer, _: Sequence[str]) -> tuple[Example, Target]:
    if answer.prediction is None:
        raise UserError("the prediction of a tagged text is null. Give a tag for each word")
    gold, given = (Tags(_strings(value)) for value in (answer.gold, answer.prediction))
    if len(gold.names) != len(given.names):
        raise UserError(f"the prediction has {len(given.names)} tags, and the gold has {len(gold.names)}")
    return _example(gold, {"tokens": _words(len(gold.names))}), given


def _words(count: int) -> Text:
    """A text of as many words, of which a metric of tags reads the number alone."""
    return Text("", "en", "x " * count, tuple(Span(2 * at, 2 * at + 1) for at in range(count)))


def _spans(answer: Answer, _: Sequence[str]) -> tuple[Example, Target]:
    """The answers as spans of a context that is made of them alone: metrics compare the texts that spans cover."""
    golds = _texts(answer.gold)
    given = [answer.prediction] if answer.prediction else []
    ends, spans = 0, []
    for text in (*golds, *given):
        spans.append(Span(ends, ends + len(text)))
        ends += len(text)
    context = Text("", answer.language, "".join((*golds, *given)), tuple(spans[: len(golds)]))
    return _example(Answers(tuple(spans[: len(golds)])), {"context": context}), Answers(tuple(spans[len(golds) :]))


def _documents(answer: Answer, _: Sequence[str]) -> tuple[Example, Target]:
    given = () if answer.prediction is None else _strings(answer.prediction)
    return _example(Document(_strings(answer.gold)), {}), Document(given)


def _example(target: Target, texts: Mapping[str, Text]) -> Example:
    return Example("", texts, target, "", "-")


def _strings(value: str) -> tuple[str, ...]:
    """A list of strings in JSON. Raises UserError for anything else."""
    names = _json(value)
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise UserError(f"{shown(value)} is not a list of strings")
    return tuple(names)


def _texts(value: str) -> tuple[str, ...]:
    """The texts of answers: a list of strings in JSON, or one text."""
    names = _json(value)
    if isinstance(names, list) and all(isinstance(name, str) for name in names):
        return tuple(filter(None, names))
    return (value,) if value else ()


def _json(value: str) -> Any:
    if not value.startswith("["):
        return None
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return None


_FAMILIES: Final[Mapping[str, Callable[[Answer, Sequence[str]], tuple[Example, Target]]]] = {
    CHOICE.name: _choice,
    CLASSIFICATION.name: _choice,
    TAGGING.name: _tags,
    SPAN_QA.name: _spans,
    RETRIEVAL.name: _documents,
}
FAMILIES: Final = tuple(_FAMILIES)
"""The families whose answers can be scored from what others give: labels, tags, texts of answers, ids of documents."""
