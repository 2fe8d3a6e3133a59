"""A study of seconds, `tiny_study.toml`: two arms, two targets, at its first scale two training seeds."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from benchmarks.simulations._study_grids import ARMS_FRAME, Planted, values

from robust_xtreme.studies.claims import contrasts
from robust_xtreme.studies.design import VALUES
from robust_xtreme.studies.folder import Outcome, outcome, write
from robust_xtreme.studies.planning import plan_of
from robust_xtreme.studies.run import compute_cell
from robust_xtreme.studies.study_file import cells, read, victims

_FILE: Final = Path(__file__).with_name("tiny_study.toml")
TEXT: Final = _FILE.read_text("utf-8").replace("tiny_study.txt", _FILE.with_suffix(".txt").as_posix())
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


def simulated(folder: Path) -> Outcome:
    """A folder with the study of seconds and simulated values of five seeds, as a finished study leaves it."""
    study = read(str(file_of(folder, ("seeds = 2", "seeds = 5"))))
    frame = values(Planted(5, 4.0, 2.0), np.random.default_rng(0)).with_columns(pl.col("arm").replace("mnli", "xnli"))
    frame = frame.filter(pl.col("arm").is_in(["none", "xnli"])).sort(VALUES.key)
    facts = {
        "name": study.name,
        "scale": study.scale,
        "from": "scratch",
        "design": "robustness",
        "version": "0.1.0",
        "seeds": 5,
        "seed": 0,
        "data": "mini",
        "cells": 20,
        "missing": [],
        "absent": [],
        "power": {"effect": 2.0, "sd": 1.5},
    }
    found = contrasts(study.design.estimands(frame, ARMS_FRAME, study.analysis))
    result = Outcome(study, frame, ARMS_FRAME, found, facts)
    write(result, folder)
    return result


def names(file: Path) -> list[str]:
    """The names of the cells of a study, those that are attacked first."""
    study = read(str(file))
    return [cell.name for cell in (*victims(study), *cells(study))]


def reported(folder: Path) -> dict[str, bytes]:
    """The content of the files of a study's folder that are its results."""
    return {name: (folder / name).read_bytes() for name in REPORTED}
