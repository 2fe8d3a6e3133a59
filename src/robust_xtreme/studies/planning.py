"""What a study would compute: its cells, their cost, and the power of its endpoint, before anything is computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

from robust_xtreme.core import registry
from robust_xtreme.core.errors import SpecError, UnknownName, counted
from robust_xtreme.core.languages import language
from robust_xtreme.core.run_spec import from_mapping
from robust_xtreme.noise.suites import asked
from robust_xtreme.studies.claims import PRIMARY_TESTS
from robust_xtreme.studies.grid import StudyCell, cells, victims
from robust_xtreme.studies.power import mde_of, power_of, seeds_for
from robust_xtreme.studies.study_file import Study
from robust_xtreme.training.spec import from_tables

_AIM: Final = 0.8
_MOST: Final = 20


@final
@dataclass(frozen=True, slots=True)
class StudyPlan:
    """The cells of a study: all, those to do, and the evaluations in its folder that a changed file leaves."""

    study: Study
    every: tuple[StudyCell, ...]
    todo: tuple[StudyCell, ...]
    replaced: tuple[Path, ...]

    def lines(self) -> list[str]:
        """The plan in words: size, what is computed again and why, and power."""
        study = self.study
        arms, targets = counted(len(study.arms), "arm"), counted(len(study.targets), "target")
        size = f"{study.name}: {arms}, {targets}, {counted(study.seeds, 'training seed')}: "
        size += f"{counted(len(self.every), 'cell')}, {len(self.every) - len(self.todo)} complete"
        again = sorted({path.name[: -len("-12345678")] for path in self.replaced})
        changed = f"Computed again, as their configuration changed: {', '.join(again[:_MOST])}"
        changed += f" and {len(again) - _MOST} more" if len(again) > _MOST else ""
        return [size, *([changed] if again else []), *self.power()]

    def power(self) -> list[str]:
        """The power of the primary endpoint, in its unit, by the spread over seeds that the study's file states."""
        planned, seeds = self.study.power, self.study.seeds
        if planned is None:
            return ["Power: not known, as the file has no table [power] with a spread over seeds."]
        power, mde = (
            power_of(planned.effect, planned.sd, seeds, PRIMARY_TESTS),
            mde_of(planned.sd, seeds, PRIMARY_TESTS),
        )
        enough = seeds_for(planned.effect, planned.sd, PRIMARY_TESTS, _AIM)
        chance = f"Power of the primary endpoint: {power:.0%} for an effect of {planned.effect:g}, with a spread"
        smallest = "" if mde is None else f" 80 % for {mde:.2g},"
        return [f"{chance} of {planned.sd:g} over seeds;{smallest} or with {enough} seeds."]


def folder_of(study: Study, out: str = "") -> Path:
    """The folder of a study: `out`, or `runs/study-NAME`."""
    return Path(out) if out else Path("runs") / f"study-{study.name}"


def plan_of(study: Study, work: Path) -> StudyPlan:
    """The plan of a study in its folder. Raises SpecError and UnknownName for what no cell could compute."""
    if not study.data:
        raise SpecError(f"{study.name} names no data. Add --data DIR, the folder of the release files, or --data hub.")
    every: Sequence[StudyCell] = (*victims(study), *cells(study))
    for cell in every:
        _check(cell)
    todo = tuple(cell for cell in every if not cell.complete(work))
    replaced = tuple(path for cell in todo for path in cell.replaced(work))
    return StudyPlan(study, tuple(every), todo, replaced)


def _check(cell: StudyCell) -> None:
    """Raise SpecError or UnknownName, naming the cell, where its keys are not those of `train` and `eval`."""
    try:
        spec = from_mapping({key: value for key, value in cell.evaluate.items() if key != "model"}, cell.name)
        for name in {link.name for condition in asked(spec.perturb) for link in condition.cell.links}:
            registry.load("perturbation", name)
        for code in spec.languages:
            language(code.partition("@")[0])
        if cell.train:
            from_tables({**cell.train, "out": cell.name}, cell.name)
    except (SpecError, UnknownName) as error:
        raise SpecError(f"{cell.name}: {str(error).removeprefix(f'{cell.name}: ')}") from error
