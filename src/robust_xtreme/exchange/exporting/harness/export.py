"""Writes an export: selects, makes the rows of each page, and puts the folder in its place."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from robust_xtreme.core.errors import UserError
from robust_xtreme.exchange.exporting.harness import inspect, lm_eval
from robust_xtreme.exchange.exporting.harness.job import LM_EVAL, ExportJob
from robust_xtreme.exchange.exporting.harness.selecting import Selected, select
from robust_xtreme.exchange.exporting.harness.task_files import DATA, PROGRAM, TASKS, file_name, put, slugs
from robust_xtreme.noise.conditions.condition import CLEAN
from robust_xtreme.stats.replacing import replacing

Watch = Callable[[str, int], object]
"""Called with what was done, and with how many files of rows are left to write."""


class Exported(NamedTuple):
    """The folder of an export, the names of its tasks or files, its rows, and a line for each part that is left out."""

    path: Path
    names: tuple[str, ...]
    left: tuple[str, ...]
    rows: int


def target(name: str, force: bool) -> Path:
    """The path of the folder. Raises UserError where it has files, unless it is an export and `force` is given."""
    path = Path(os.path.realpath(name))
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        raise UserError(f"-o {name} is not a folder. Name another: -o DIR")
    if not path.parent.is_dir():
        raise UserError(f"There is no folder {path.parent} to make {path.name} in. Make it: mkdir -p {path.parent}")
    content = {each.name for each in path.iterdir()} if path.is_dir() else set()
    if other := sorted(content - {DATA, TASKS, PROGRAM}):
        raise UserError(f"-o {name} contains {other[0]!r}, which is not of an export. Name another folder: -o DIR")
    if content and not force:
        raise UserError(f"{name} contains an export. Name another folder, or replace it: --force")
    return path


def export(job: ExportJob, watch: Watch = lambda _, __: None) -> Exported:
    """Write the folder of a job whole or not at all. Raises UserError, DataError, DiskError, NotInstalled."""
    path = target(job.output, job.force)
    watch("reading", 0)
    selected, left_out = select(job)
    with replacing(path, lambda: None, "exporting") as made:
        names = _written(job, selected, made, path, watch)
        if same := [name for name, count in Counter(names).items() if count > 1]:
            raise UserError(f"Two tasks would be written as {same[0]}. Export them to folders of their own.")
    rows = sum(len(each.sheet.rows) * each.files for each in selected)
    return Exported(path, tuple(names), left_out, rows)


def _written(job: ExportJob, selected: Sequence[Selected], made: Path, path: Path, watch: Watch) -> list[str]:
    """Write the files of an export into `made`, which becomes `path`; the names of its tasks or files."""
    (made / DATA).mkdir()
    if job.what == LM_EVAL:
        (made / TASKS).mkdir()
    else:
        put(made / PROGRAM, [inspect.CODE.rstrip()])
    names, left = list[str](), sum(each.files for each in selected)
    for each in selected:
        write = lm_eval.writer(each, made, path) if job.what == LM_EVAL else inspect.writer(each, job, made)
        short = {CLEAN: CLEAN, **slugs(each.sheet, each.conditions)}
        for page in each.pages():
            stem = file_name(each.sheet.name, short[page.condition], page.seed)
            names.append(write(page, stem))
            left -= 1
            watch(stem, left)
    return names
