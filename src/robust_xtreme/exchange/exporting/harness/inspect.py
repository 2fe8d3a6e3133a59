"""An export to inspect_ai: files of samples, clean and noisy, and a task that reads one of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from robust_xtreme.core.errors import UserError
from robust_xtreme.core.examples import CHOICE, CLASSIFICATION
from robust_xtreme.core.sinks import json_text
from robust_xtreme.exchange.exporting.harness.job import ExportJob
from robust_xtreme.exchange.exporting.harness.selecting import Selected
from robust_xtreme.exchange.exporting.harness.sheet import ANSWERS, CONTEXT, IDENTITY, Page, TaskSheet
from robust_xtreme.exchange.exporting.harness.task_files import DATA, put

Row = Mapping[str, Any]
Ask = Callable[[Row, Row], dict[str, Any]]
"""Makes input, choices and target of a sample, from its row and the clean row."""

_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_GAP: Final = "\n\n"
_QUESTIONS: Final = {
    **dict.fromkeys(("xnli", "americasnli"), "Does the first text entail the second, contradict it, or neither?"),
    "pawsx": "Do the two texts mean the same?",
}
_CAUSES: Final = {"cause": "What was the cause?", "effect": "What happened as a result?"}
CODE: Final = '''"""Samples that robust-xtreme exported. Of data/NAME.jsonl: inspect eval task.py@rx -T data=NAME"""

from pathlib import Path

from inspect_ai import Task, task
from inspect_ai.dataset import json_dataset
from inspect_ai.scorer import choice, exact, f1
from inspect_ai.solver import generate, multiple_choice


@task
def rx(data: str) -> Task:
    samples = json_dataset(str(Path(__file__).parent / "data" / f"{data}.jsonl"))
    if samples[0].choices:
        return Task(samples, solver=multiple_choice(), scorer=choice(), name=f"rx_{data}")
    return Task(samples, solver=generate(), scorer=[f1(), exact()], name=f"rx_{data}")
'''


def writer(each: Selected, job: ExportJob, made: Path) -> Callable[[Page, str], str]:
    """A function that writes a page as a file of samples into a folder, and returns its name. Raises UserError."""
    ask = _ask(each.sheet, job)

    def write(page: Page, name: str) -> str:
        rows = zip(page.rows, each.sheet.rows, page.identities, strict=True)
        samples = ({**ask(row, clean), "id": of["example"], "metadata": {IDENTITY: of}} for row, clean, of in rows)
        put(made / DATA / f"{name}.jsonl", map(json_text, samples))
        return name

    return write


def _ask(sheet: TaskSheet, job: ExportJob) -> Ask:
    if sheet.family == CLASSIFICATION.name:
        question = _QUESTIONS.get(sheet.origin.task, "Which label is right for these texts?")
        return lambda row, _: _of_choices(f"{_input(sheet, row)}{_GAP}{question}", sheet.labels, row["label"])
    if sheet.family == CHOICE.name:
        return _chosen
    return _answered if sheet.family or sheet.answers else _theirs(sheet, job)


def _chosen(row: Row, _: Row) -> dict[str, Any]:
    """A premise with a question, and which of the choices answers it."""
    choices = [row[name] for name in sorted(name for name in row if name.startswith("choice"))]
    return _of_choices(f"{row['premise']}{_GAP}{_CAUSES.get(row['question'], row['question'])}", choices, row["label"])


def _answered(row: Row, _: Row) -> dict[str, Any]:
    """A passage with a question, and the answers in the passage."""
    return {"input": f"{row[CONTEXT]}{_GAP}{row['question']}", "target": list(dict.fromkeys(row[ANSWERS]["text"]))}


def _of_choices(text: str, choices: Sequence[str], index: int) -> dict[str, Any]:
    return {"input": text, "choices": list(choices), "target": _LETTERS[index]}


def _theirs(sheet: TaskSheet, job: ExportJob) -> Ask:
    """The named columns as the input; the right answer is a text or, with choices, one of them. Raises UserError."""
    if not job.gold:
        raise UserError(f"{sheet.name}: name the column with the right answer: --gold COLUMN")
    columns = {job.gold: None, **dict.fromkeys(job.choices)}
    if missing := [name for name in columns if any(name not in row for row in sheet.rows)]:
        raise UserError(f"{sheet.name}: some rows have no column {missing[0]!r}. Columns: {', '.join(sheet.rows[0])}")
    if not job.choices:
        return lambda row, _: {"input": _input(sheet, row), "target": str(row[job.gold])}
    first = _first(sheet, job)
    return lambda row, clean: _of_choices(
        _input(sheet, row), [str(row[name]) for name in job.choices], _index(clean, job, first)
    )


def _input(sheet: TaskSheet, row: Row) -> str:
    return _GAP.join(str(row[name]) for name in sheet.known)


def _first(sheet: TaskSheet, job: ExportJob) -> int | None:
    """The number of the first choice where the target is a number; None where it is a letter or a choice's text."""
    values = {str(row[job.gold]).strip() for row in sheet.rows}
    if not all(value.isdecimal() for value in values):
        return None
    numbers, count = {int(value) for value in values}, len(job.choices)
    if 0 in numbers and max(numbers) < count:
        return 0
    if 0 not in numbers and max(numbers) == count:
        return 1
    raise UserError(f"{sheet.name}: the numbers in {job.gold!r} do not show whether the first choice is 0 or 1.")


def _index(row: Row, job: ExportJob, first: int | None) -> int:
    """The number of the right choice, from 0. Raises UserError."""
    value = str(row[job.gold]).strip()
    choices = [str(row[name]).strip() for name in job.choices]
    if first is not None:
        return int(value) - first
    if value in choices:
        return choices.index(value)
    if len(value) == 1 and (index := _LETTERS.find(value.upper())) in range(len(choices)):
        return index
    raise UserError(
        f"The column {job.gold!r} contains {value[:60]!r}, which is neither a choice, a letter nor a number."
    )
