"""A study of seconds: two arms, two targets, two training seeds of an encoder of hidden size 32."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from robust_xtreme.studies.folder import Outcome, outcome, write
from robust_xtreme.studies.planning import plan_of
from robust_xtreme.studies.run import compute_cell
from robust_xtreme.studies.study_file import cells, read, victims

TEXT: Final = """
# robust-xtreme study tiny.toml
design = "robustness"
about = "It only shows that studies work."
scope = "nothing"
data = "world"
device = "cpu"
seeds = 2

[train]
from = "scratch"
size = "mini-32"
recipe = "scratch"
optimizer = "adamw"

[targets.panx]
steps = 2
limit = "40"

[targets.udpos]
steps = 2
limit = "40"

[arms.none]

[arms.mnli]
intermediate = { tasks = ["mnli"], steps = 2, limit = "40" }

[evaluate]
languages = ["sw", "de"]
perturb = ["keyboard_typo:0.2"]
limit = "8"

[power]
effect = 2
sd = 1.5

[analysis]
without = "none"
arms = ["mnli"]
endpoint_arm = "mnli"
"""
REPORTED: Final = ("values.csv", "arms.csv", "contrasts.csv", "study.json", "study.toml", "report.md", "report.html")


def file_of(folder: Path, *changes: tuple[str, str], text: str = TEXT) -> Path:
    """The file of the study in a folder, with changes of its text."""
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    path = folder / "tiny.toml"
    path.write_text(text, encoding="utf-8")
    return path


def computed(file: Path, folder: Path, **given: Any) -> Outcome:
    """The outcome of a study whose missing cells are computed in this process."""
    study = read(str(file), given)
    for cell in plan_of(study, folder).todo:
        compute_cell(cell, folder, offline=True)
    result = outcome(study, folder)
    write(result, folder)
    return result


def names(file: Path) -> list[str]:
    """The names of the cells of a study, those that are attacked first."""
    study = read(str(file))
    return [cell.name for cell in (*victims(study), *cells(study))]


def reported(folder: Path) -> dict[str, bytes]:
    """The content of the files of a study's folder that are its results."""
    return {name: (folder / name).read_bytes() for name in REPORTED}
