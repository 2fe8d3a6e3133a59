"""Our tasks in the columns of the hub's datasets, which lm-eval's task of the same data reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from robust_xtreme.errors import UserError
from robust_xtreme.examples import Choice, Example
from robust_xtreme.exporting.harness.sheet import ANSWERS, CONTEXT, AnswerSpans, Sheet, within
from robust_xtreme.sources import selecting
from robust_xtreme.sources.loading import Split, load
from robust_xtreme.sources.pools import Pools
from robust_xtreme.sources.survey import Left, evaluated
from robust_xtreme.specs import Origin, Row, TaskSpec
from robust_xtreme.targets.kinds import CHOICE, CLASSIFICATION, SPAN_QA

FAMILIES: Final = (CLASSIFICATION.name, CHOICE.name, SPAN_QA.name)
"""The families whose rows a prompt can ask for."""

NAMES: Final = {
    "xnli": "xnli_{question}",
    "xcopa": "xcopa_{question}",
    "pawsx": "paws_{question}",
    "xquad": "xquad_{question}",
    "mlqa": "mlqa_{context}_{question}",
}
"""The tasks that lm-eval has, and their names there."""

_SHOTS: Final = 100
_OTHERS: Final = ("validation", "test", "train")


def name_of(task: str, language: str) -> str:
    """The name of one of our tasks in lm-eval."""
    origin = Origin(task, "", language)
    return NAMES[task].format(question=origin.question, context=origin.context)


def sheet_of(
    name: str, task: TaskSpec, language: str, split: str, pools: Pools, limit: int | None, shots: bool
) -> Sheet | Left:
    """The rows of a task in a language, or why there are none. Raises DataError, UserError as `evaluated`."""
    read = evaluated(task, pools, split, language)
    if isinstance(read, Left):
        return read
    examples = selecting.limit(read.examples, limit)
    rows, answers = _rows(task, read, examples, pools)
    origin = Origin(task.name, read.split, language)
    return Sheet(
        name=name,
        task=task.name,
        family=task.family,
        split=read.split,
        language=origin.question,
        context_language=origin.context,
        data=selecting.identity_of(examples, None),
        examples=examples,
        rows=rows,
        fields=task.perturbed[0],
        known=task.fields,
        answers=answers,
        shots=_shots(task, read, pools) if shots else (),
        labels=task.labels,
    )


Rows = tuple[Mapping[str, Any], ...]


def _rows(
    task: TaskSpec, split: Split, examples: Sequence[Example], pools: Pools
) -> tuple[Rows, tuple[AnswerSpans, ...]]:
    """The row of each example and, in questions on passages, where its answers are."""
    if task.family == CLASSIFICATION.name:
        return tuple(map(_classified, examples)), ()
    origin = Origin(task.name, split.split, split.language)
    by_id = {origin.id(row.native): row for row in pools.source.read(task, split.language, split.split).rows}
    rows = [by_id[example.id] for example in examples]
    if task.family == CHOICE.name:
        return tuple(_chosen(*pair) for pair in zip(examples, rows, strict=True)), ()
    return tuple(map(_asked, rows)), tuple(map(_spans, rows))


def _classified(example: Example) -> dict[str, Any]:
    """A row of XNLI and PAWS-X: the texts by name, and the number of the label."""
    return {**{name: text.value for name, text in example.texts.items()}, "label": _index(example)}


def _chosen(example: Example, row: Row) -> dict[str, Any]:
    """A row of XCOPA: the premise, the choices, and whether the cause or the effect is asked for."""
    texts = {name: text.value for name, text in example.texts.items()}
    return {**texts, "question": row.values["question"], "label": _index(example)}


def _asked(row: Row) -> dict[str, Any]:
    """A row of SQuAD: the texts as they are in the file, and the answers with their starts."""
    context, spans = row.values[CONTEXT], row.values[ANSWERS]
    answers = {"text": [context[a:b] for a, b in spans], "answer_start": [a for a, _ in spans]}
    return {"id": row.native, CONTEXT: context, "question": row.values["question"], ANSWERS: answers}


def _spans(row: Row) -> AnswerSpans:
    return tuple(within(row.values[CONTEXT], *span) for span in row.values[ANSWERS])


def _index(example: Example) -> int:
    return example.target.index if isinstance(example.target, Choice) else -1


def _shots(task: TaskSpec, read: Split, pools: Pools) -> Rows:
    """Clean rows of another split in the same language, the first in order; none where there is no such split."""
    for other in _other_splits(task, read, pools):
        try:
            split = load(task, pools.source, read.language, other, pools)
            if split.labelled:
                return _rows(task, split, split.examples[:_SHOTS], pools)[0]
        except UserError:  # what is exported does not need this split
            continue
    return ()


def _other_splits(task: TaskSpec, read: Split, pools: Pools) -> Iterator[str]:
    known = pools.source.splits(task)
    wanted = (name for name in _OTHERS if name != read.split and name in known)
    return (name for name in wanted if pools.source.holds(task, read.language, name))
