"""An export to lm-eval: files of rows, clean and noisy, and task files that include lm-eval's own task of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from robust_xtreme.core.errors import UserError
from robust_xtreme.core.sinks import json_text
from robust_xtreme.exchange.exporting.harness.selecting import Selected
from robust_xtreme.exchange.exporting.harness.sheet import IDENTITY, Page, TaskSheet
from robust_xtreme.exchange.exporting.harness.task_files import (
    DATA,
    PREFIX,
    TASKS,
    TaskFile,
    YamlFunction,
    file_name,
    put,
    task_name,
)
from robust_xtreme.noise.conditions.condition import CLEAN

_FEWSHOT: Final = "fewshot"


def writer(each: Selected, made: Path, path: Path) -> Callable[[Page, str], str]:
    """A function that writes a page as rows and a task into `made`, later at `path`, and returns the task's name."""
    import yaml

    sheet, file = each.sheet, each.file
    assert file is not None
    shots = _write_shots(sheet, file, made)

    def write(page: Page, stem: str) -> str:
        # What a row is, as a string of JSON, is a column that every program keeps.
        rows = zip(page.rows, page.identities, strict=True)
        put(made / DATA / f"{stem}.jsonl", (json_text({**row, IDENTITY: json_text(of)}) for row, of in rows))
        settings = _settings(task_name(stem), sheet, page, file, {**shots, file.evaluated[1]: f"{stem}.jsonl"}, path)
        text: str = yaml.safe_dump(settings, sort_keys=False, width=1000)  # other letters than ASCII are escapes
        put(made / TASKS / f"{task_name(stem)}.yaml", [text.rstrip()])
        return task_name(stem)

    return write


def _write_shots(sheet: TaskSheet, file: TaskFile, made: Path) -> dict[str, str]:
    """The file of clean rows for examples in a prompt, by split; none where there are no such rows."""
    if not sheet.shots:
        if file.settings.get("num_fewshot"):
            what = f"{sheet.name} of lm-eval has {file.settings['num_fewshot']} examples in its prompts"
            raise UserError(f"{what}, and there are no other rows for them. Name a file of some: --fewshot FILE")
        return {}
    name = f"{file_name(sheet.name, CLEAN, 0)}__{_FEWSHOT}.jsonl"
    put(made / DATA / name, (json_text({**row, IDENTITY: "{}"}) for row in sheet.shots))
    return {_FEWSHOT: name}


def _settings(
    name: str, sheet: TaskSheet, page: Page, file: TaskFile, files: Mapping[str, str], path: Path
) -> dict[str, Any]:
    """The settings of a task: those of lm-eval's own, which it includes, with other rows.

    Its `process_docs` is among those that are included, and applies to rows and to examples in prompts.
    """
    evaluated, split = file.evaluated
    settings: dict[str, Any] = {
        "include": str(file.path),
        "task": name,
        "tag": [PREFIX, f"{PREFIX}_clean" if page.condition == CLEAN else f"{PREFIX}_noisy"],
        "dataset_path": "json",
        "dataset_name": None,
        "dataset_kwargs": {"data_files": {each: str(path / DATA / of) for each, of in files.items()}},
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


def _fewshot_config(file: TaskFile, has_shots: bool) -> dict[str, Any]:
    """Where examples in prompts are from: without clean rows no split, which lm-eval refuses; {} keeps lm-eval's."""
    if not has_shots:
        return {"sampler": "default", "split": None, "samples": []}
    settings = _table(file, "fewshot_config")
    kept = {key: value for key, value in settings.items() if key not in ("split", "samples", "fewshot_indices")}
    return {} if any(isinstance(value, YamlFunction) for value in kept.values()) else {**kept, "split": _FEWSHOT}


def _table(file: TaskFile, name: str) -> dict[str, Any]:
    """The settings under a name; none where they are not a table."""
    table = file.settings.get(name)
    return table if isinstance(table, dict) else {}


def _identity(sheet: TaskSheet, page: Page, file: TaskFile) -> dict[str, Any]:
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
