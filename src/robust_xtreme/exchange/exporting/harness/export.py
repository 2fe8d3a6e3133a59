"""Writes an export: selects, makes the rows of each page, and puts the folder in its place.

To lm-eval: files of rows, clean and noisy, and task files that include lm-eval's own task of each. To inspect_ai: files
of samples, clean and noisy, and a task that reads one of them.
"""

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from shlex import quote
from typing import Any, Final, NamedTuple

from robust_xtreme.core.errors import UserError
from robust_xtreme.core.examples import CHOICE, CLASSIFICATION
from robust_xtreme.core.sinks import json_text
from robust_xtreme.exchange.exporting.harness import their_tasks as theirs
from robust_xtreme.exchange.exporting.harness.job import LM_EVAL, ExportJob
from robust_xtreme.exchange.exporting.harness.selecting import Selected, select
from robust_xtreme.exchange.exporting.harness.sheet import ANSWERS, CONTEXT, IDENTITY, Page, TaskSheet, pages
from robust_xtreme.noise.conditions.condition import CLEAN
from robust_xtreme.stats.replacing import replacing, sweep

Watch = Callable[[str, int], object]
"""Called with what was done, and with how many files of rows are left to write."""

_ENDING: Final = "exporting"


class Exported(NamedTuple):
    """The folder of an export, the names of its tasks or files, its rows, and a line for each part that is left out."""

    path: Path
    names: tuple[str, ...]
    left: tuple[str, ...]
    rows: int


def target(name: str, force: bool) -> Path:
    """The path of the folder, beside which nothing of a killed export is left.

    Raises UserError where the folder has files, unless it is an export and `force` is given.
    """
    path = Path(os.path.realpath(name))
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        raise UserError(f"-o {name} is not a folder. Name another: -o DIR")
    if not path.parent.is_dir():
        step = f"Make it: mkdir -p {quote(str(path.parent))}"
        raise UserError(f"There is no folder {path.parent} to make {path.name} in. {step}")
    sweep(path, _ENDING)
    content = {each.name for each in path.iterdir()} if path.is_dir() else set()
    if other := sorted(content - {theirs.DATA, theirs.TASKS, theirs.PROGRAM}):
        raise UserError(f"-o {name} contains {other[0]!r}, which is not of an export. Name another folder: -o DIR")
    if content and not force:
        raise UserError(f"{name} contains an export. Name another folder, or replace it: --force")
    return path


def export(job: ExportJob, watch: Watch = lambda _, __: None) -> Exported:
    """Write the folder of a job whole or not at all. Raises UserError, DataError, DiskError, NotInstalled."""
    path = target(job.output, job.force)
    watch("reading", 0)
    selected, left_out = select(job)
    with replacing(path, lambda: None, _ENDING) as made:
        names = _written(job, selected, made, path, watch)
        if same := [name for name, count in Counter(names).items() if count > 1]:
            raise UserError(f"Two tasks would be written as {same[0]}. Export them to folders of their own.")
    rows = sum(len(each.sheet.rows) * each.files for each in selected)
    return Exported(path, tuple(names), left_out, rows)


def _written(job: ExportJob, selected: Sequence[Selected], made: Path, path: Path, watch: Watch) -> list[str]:
    """Write the files of an export into `made`, which becomes `path`; the names of its tasks or files."""
    (made / theirs.DATA).mkdir()
    if job.what == LM_EVAL:
        (made / theirs.TASKS).mkdir()
    else:
        theirs.put(made / theirs.PROGRAM, [CODE.rstrip()])
    names, left = list[str](), sum(each.files for each in selected)
    for each in selected:
        write = lm_eval_writer(each, made, path) if job.what == LM_EVAL else inspect_writer(each, job, made)
        short = {CLEAN: CLEAN, **theirs.slugs(each.sheet, each.conditions)}
        for page in pages(each.sheet, each.conditions):
            stem = theirs.file_name(each.sheet.name, short[page.condition], page.seed)
            names.append(write(page, stem))
            left -= 1
            watch(stem, left)
    return names


_FEWSHOT: Final = "fewshot"


def lm_eval_writer(each: Selected, made: Path, path: Path) -> Callable[[Page, str], str]:
    """A function that writes a page as rows and a task into `made`, later at `path`, and returns the task's name."""
    import yaml

    sheet, file = each.sheet, each.file
    assert file is not None
    shots = _write_shots(sheet, file, made)

    def write(page: Page, stem: str) -> str:
        # What a row is, as a string of JSON, is a column that every program keeps.
        rows = zip(page.rows, page.identities, strict=True)
        lines = (json_text({**row, IDENTITY: json_text(of)}) for row, of in rows)
        theirs.put(made / theirs.DATA / f"{stem}.jsonl", lines)
        name, files = theirs.task_name(stem), {**shots, file.evaluated[1]: f"{stem}.jsonl"}
        settings = _settings(name, sheet, page, file, files, path)
        text: str = yaml.safe_dump(settings, sort_keys=False, width=1000)  # other letters than ASCII are escapes
        theirs.put(made / theirs.TASKS / f"{name}.yaml", [text.rstrip()])
        return name

    return write


def _write_shots(sheet: TaskSheet, file: theirs.TaskFile, made: Path) -> dict[str, str]:
    """The file of clean rows for examples in a prompt, by split; none where there are no such rows."""
    if not sheet.shots:
        if file.settings.get("num_fewshot"):
            what = f"{sheet.name} of lm-eval has {file.settings['num_fewshot']} examples in its prompts"
            raise UserError(f"{what}, and there are no other rows for them. Name a file of some: --fewshot FILE")
        return {}
    name = f"{theirs.file_name(sheet.name, CLEAN, 0)}__{_FEWSHOT}.jsonl"
    theirs.put(made / theirs.DATA / name, (json_text({**row, IDENTITY: "{}"}) for row in sheet.shots))
    return {_FEWSHOT: name}


def _settings(
    name: str, sheet: TaskSheet, page: Page, file: theirs.TaskFile, files: Mapping[str, str], path: Path
) -> dict[str, Any]:
    """The settings of a task: those of lm-eval's, which it includes with its `process_docs`, with other rows."""
    evaluated, split = file.evaluated
    settings: dict[str, Any] = {
        "include": str(file.path),
        "task": name,
        "tag": [theirs.PREFIX, f"{theirs.PREFIX}_clean" if page.condition == CLEAN else f"{theirs.PREFIX}_noisy"],
        "dataset_path": "json",
        "dataset_name": None,
        "dataset_kwargs": {"data_files": {each: str(path / theirs.DATA / of) for each, of in files.items()}},
        **dict.fromkeys(("training_split", "validation_split", "test_split")),
        evaluated: split,
        "fewshot_split": _FEWSHOT if _FEWSHOT in files else None,
    }
    if "custom_dataset" in file.settings:
        settings["custom_dataset"] = None
    if shots := _fewshot_config(file, _FEWSHOT in files):
        settings["fewshot_config"] = shots
    metadata = _table(file, "metadata")
    kept = {key: value for key, value in metadata.items() if value is None or isinstance(value, (str, int, float))}
    return {**settings, "metadata": {**kept, IDENTITY: _identity(sheet, page, file)}}


def _fewshot_config(file: theirs.TaskFile, has_shots: bool) -> dict[str, Any]:
    """Where examples in prompts are from: without clean rows no split, which lm-eval refuses; {} keeps lm-eval's."""
    if not has_shots:
        return {"sampler": "default", "split": None, "samples": []}
    settings = _table(file, "fewshot_config")
    kept = {key: value for key, value in settings.items() if key not in ("split", "samples", "fewshot_indices")}
    return {} if any(isinstance(value, theirs.YamlFunction) for value in kept.values()) else {**kept, "split": _FEWSHOT}


def _table(file: theirs.TaskFile, name: str) -> dict[str, Any]:
    """The settings under a name; none where they are not a table."""
    table = file.settings.get(name)
    return table if isinstance(table, dict) else {}


def _identity(sheet: TaskSheet, page: Page, file: theirs.TaskFile) -> dict[str, Any]:
    return {
        "format": 1,
        "task": sheet.origin.task,
        "language": sheet.origin.question,
        "context_language": sheet.origin.context,
        "split": sheet.origin.split,
        "condition": page.condition,
        "noise_seed": page.seed,
        "lm_eval": file.version,
        "includes": file.name,
    }


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


def inspect_writer(each: Selected, job: ExportJob, made: Path) -> Callable[[Page, str], str]:
    """A function that writes a page as a file of samples into a folder, and returns its name. Raises UserError."""
    ask = _ask(each.sheet, job)

    def write(page: Page, name: str) -> str:
        rows = zip(page.rows, each.sheet.rows, page.identities, strict=True)
        samples = ({**ask(row, clean), "id": of["example"], "metadata": {IDENTITY: of}} for row, clean, of in rows)
        theirs.put(made / theirs.DATA / f"{name}.jsonl", map(json_text, samples))
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
    choices = [row[name] for name in row if name.startswith("choice")]
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
    if not all(value.isdecimal() and len(value) < 10 for value in values):
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
