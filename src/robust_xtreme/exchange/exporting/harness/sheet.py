"""The rows of a task in a language as another program reads them, clean and under each condition and noise seed."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np

from robust_xtreme.core.examples import Example, Span
from robust_xtreme.core.specs import Origin
from robust_xtreme.noise.conditions.condition import CLEAN, CLEAN_SEED, Condition
from robust_xtreme.noise.engine.noised import FieldTexts, Noised, field_texts
from robust_xtreme.noise.label_risk import Risky, risky
from robust_xtreme.tasks.noisy.measured import MeasuredTexts, measured, named_by

CONTEXT: Final = "context"
ANSWERS: Final = "answers"
IDENTITY: Final = "robust_xtreme"
"""The column, and the key of metadata, with what a row is and what noise did to it."""

AnswerSpans = Sequence[Span | None]
"""Where the answers of a row are in the text of its context; None for an answer without a text."""


@dataclass(frozen=True, slots=True)
class TaskSheet:
    """A task in a language: its examples, and the row of each in the columns of the program that reads it.

    `name` is the task's name there, `fields` the groups of fields that noise without `@fields=` noises, `known` all
    that it can; all are columns of the rows. `data` is the identity of the examples, "" where the task
    is not one of robust-xtreme. `shots` are clean rows of other items, for examples in a prompt.
    """

    name: str
    origin: Origin
    examples: tuple[Example, ...]
    rows: tuple[Mapping[str, Any], ...]
    fields: tuple[str, ...]
    known: tuple[str, ...]
    family: str = ""
    data: str = ""
    answers: tuple[AnswerSpans, ...] = ()
    shots: tuple[Mapping[str, Any], ...] = ()
    labels: tuple[str, ...] = ()


class Page(NamedTuple):
    """The rows of a sheet under one condition and noise seed, each with its identity."""

    condition: str
    seed: int
    rows: tuple[Mapping[str, Any], ...]
    identities: tuple[Mapping[str, Any], ...]


def pages(sheet: TaskSheet, conditions: Sequence[Condition]) -> Iterator[Page]:
    """The clean page of a sheet, then one for each condition and noise seed. Raises as `noise_texts`."""
    texts = field_texts(sheet.examples)
    noise = _measured(sheet, Condition(CLEAN), CLEAN_SEED, texts)
    yield Page(CLEAN, CLEAN_SEED, sheet.rows, _identities(sheet, CLEAN, CLEAN_SEED, noise, None))
    made: dict[tuple[str, ...], tuple[FieldTexts, Risky]] = {}  # what several conditions have in common
    for condition in conditions:
        if condition.fields not in made:
            texts = field_texts(sheet.examples, condition.fields)
            made[condition.fields] = texts, risky(texts.texts)
        yield from (_page(sheet, condition, seed, *made[condition.fields]) for seed in condition.seeds)


def _page(sheet: TaskSheet, condition: Condition, seed: int, texts: FieldTexts, words: Risky) -> Page:
    noise = _measured(sheet, condition, seed, texts)
    views = list(noise.noised)
    numbers = {name: column.tolist() for name, column in texts.numbers.items()}
    rows = tuple(
        _row(sheet, index, {name: views[of[index]] for name, of in numbers.items() if of[index] >= 0})
        for index in range(len(sheet.rows))
    )
    return Page(condition.name, seed, rows, _identities(sheet, condition.name, seed, noise, words))


def _measured(sheet: TaskSheet, condition: Condition, seed: int, texts: FieldTexts) -> MeasuredTexts:
    owners = np.arange(len(sheet.examples))
    columns = [(owners, numbers) for numbers in texts.numbers.values()]
    return measured(condition.noised(texts, seed), columns, len(owners))


def _row(sheet: TaskSheet, index: int, noised: Mapping[str, Noised]) -> Mapping[str, Any]:
    """A row with noisy texts; one whose texts noise left as they are is the clean row."""
    row = sheet.rows[index]
    changed = {name: each for name, each in noised.items() if each.text.value != each.clean.value}
    if not changed:
        return row
    made = {**row, **{name: _within(row[name], each) for name, each in changed.items()}}
    if CONTEXT in changed and sheet.answers:
        context, lead = changed[CONTEXT], lead_of(row[CONTEXT])
        texts, starts = list(row[ANSWERS]["text"]), list(row[ANSWERS]["answer_start"])
        for number, span in enumerate(sheet.answers[index]):
            if span is not None:  # the text is that there, and the start moved
                start, stop = context.to_noisy(span.start, span.stop)
                texts[number], starts[number] = made[CONTEXT][lead + start : lead + stop], lead + start
        made[ANSWERS] = {**row[ANSWERS], "text": texts, "answer_start": starts}
    return made


def _identities(
    sheet: TaskSheet, name: str, seed: int, noise: MeasuredTexts, words: Risky | None
) -> tuple[Mapping[str, Any], ...]:
    """What each row is, and what noise did to it: the values of PREDICTIONS of a run of `eval`."""
    origin, clean = sheet.origin, words is None
    of_all = {
        "task": origin.task,
        "split": origin.split,
        "language": origin.question,
        "context_language": origin.context,
        "data": sheet.data,
        "condition": name,
        "noise_seed": seed,
    }
    risk = noise.risk() if words is None else noise.risk(words)
    columns = {"status": named_by(noise.codes(clean)), **noise.columns(), **risk}
    lists = {key: each.to_list() if hasattr(each, "to_list") else each.tolist() for key, each in columns.items()}
    lists["operators"] = [json.loads(text) for text in lists["operators"]]
    return tuple(
        {**of_all, "example": it.id, "cluster": it.cluster, "fingerprint": it.fingerprint}
        | dict(zip(lists, values, strict=True))
        for it, *values in zip(sheet.examples, *lists.values(), strict=True)
    )


def _within(raw: str, noised: Noised) -> str:
    """The noisy text with the white space that the row has before and after the text."""
    lead = lead_of(raw)
    return raw[:lead] + noised.text.value + raw[lead + len(noised.clean.value) :]


def lead_of(raw: str) -> int:
    """The length of the white space at the beginning of a text."""
    return len(raw) - len(raw.lstrip())
