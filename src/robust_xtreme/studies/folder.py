"""The folder of a study: its frames, its facts and its page, written when cells are complete."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, final

import polars as pl

from robust_xtreme import __version__
from robust_xtreme.core import registry
from robust_xtreme.core.errors import DataError, MissingData
from robust_xtreme.files import store
from robust_xtreme.stats.shapes import fits
from robust_xtreme.studies.claims import contrasts
from robust_xtreme.studies.collecting import collected
from robust_xtreme.studies.design import Design
from robust_xtreme.studies.frames import ARMS, CONTRASTS, VALUES
from robust_xtreme.studies.grid import StudyCell, cells
from robust_xtreme.studies.study_file import Study, parsed

FACTS: Final = "study.json"
FILE: Final = "study.toml"
LOG: Final = "log.txt"
WRITTEN: Final = ("values.csv", "arms.csv", "contrasts.csv", FACTS, FILE, "report.md", "report.html", LOG)
"""What a study writes into its folder, beside its runs and evaluations."""

_FRAMES: Final = (VALUES, ARMS, CONTRASTS)
_SHAPE: Final = {
    **dict.fromkeys(("name", "design", "version", "data"), str),
    **dict.fromkeys(("seeds", "seed", "cells"), int),
    "missing": [str],
    "absent": [str],
    "power": ({"effect": (int, float), "sd": (int, float)}, type(None)),
}


@final
@dataclass(frozen=True, slots=True)
class Outcome:
    """What a study computed: its frames and facts. `study` is what its file describes."""

    study: Study
    values: pl.DataFrame
    arms: pl.DataFrame
    contrasts: pl.DataFrame
    facts: Mapping[str, Any]

    @property
    def sentences(self) -> list[str]:
        """The findings in words."""
        study = self.study
        return study.design.sentences(self.contrasts, self.values, self.arms, study.analysis, study.scope)


def outcome(study: Study, work: Path) -> Outcome:
    """The outcome of the cells that are complete. Raises MissingData where none is."""
    every = cells(study)
    complete = [cell for cell in every if cell.complete(work)]
    if not complete:
        raise MissingData(f"No cell of the study {study.name} is complete in {work}.")
    values, arms = collected(complete, work)
    facts = {**_facts(study, every, work), "absent": _absent(complete, values)}
    return Outcome(study, values, arms, contrasts_of(study.design, values, arms, study.analysis), facts)


def _absent(complete: Sequence[StudyCell], values: pl.DataFrame) -> list[str]:
    """The targets and languages that were asked for, and that the data do not have."""
    known = set(values.select("target", "language").iter_rows())
    wanted = {(cell.target, code) for cell in complete for code in cell.evaluate.get("languages", ())}
    return sorted(f"{target} {code}" for target, code in wanted if (target, code.partition("@")[0]) not in known)


def contrasts_of(design: Design, values: pl.DataFrame, arms: pl.DataFrame, analysis: Any) -> pl.DataFrame:
    """CONTRASTS of a design."""
    return contrasts(design.estimands(values, arms, analysis))


def _facts(study: Study, every: tuple[Any, ...], work: Path) -> dict[str, Any]:
    missing = [cell.name for cell in every if not cell.complete(work)]
    return {
        "name": study.name,
        "design": study.design.name,
        "version": __version__,
        "seeds": study.seeds,
        "seed": study.seed,
        "data": study.data,
        "cells": len(every),
        "missing": missing,
        "power": asdict(study.power) if study.power else None,
    }


def write(result: Outcome, folder: Path) -> None:
    """Write frames, facts, the study's file and the page. Raises DiskError."""
    from robust_xtreme.studies.page import pages

    store.make_folder(folder)
    for frame, data in zip(_FRAMES, (result.values, result.arms, result.contrasts), strict=True):
        store.write_frame(folder / f"{frame.name}.csv", data, frame)
    store.write_text(folder / FILE, result.study.text)
    store.write_json(folder / FACTS, result.facts)
    for name, content in pages(result).items():
        store.write_text(folder / name, content)


def read(folder: Path) -> Outcome:
    """The outcome that a folder contains. Raises MissingData, DataError."""
    if not (folder / FACTS).is_file():
        raise MissingData(f"{folder} is not the folder of a study: it has no {FACTS}.")
    facts = store.read_json(folder / FACTS)
    if not fits(facts, _SHAPE) or facts["design"] not in registry.names("design"):
        raise DataError(folder / FACTS, "names no design of a study, or is damaged. The same command writes it again.")
    given = {"seeds": facts["seeds"], "seed": facts["seed"]}
    study = parsed(folder / FILE, str(facts["name"]), given)
    values, arms, contrasted = (store.read_frame(folder / f"{frame.name}.csv", frame) for frame in _FRAMES)
    return Outcome(study, values, arms, contrasted, facts)
