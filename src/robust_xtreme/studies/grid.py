"""The cells of a study: an arm with a seed on a target; what each trains and evaluates, and in which folders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path
from typing import Any, Final, final

from robust_xtreme.core import registry
from robust_xtreme.core.errors import DataError
from robust_xtreme.core.examples import digest
from robust_xtreme.core.specs import PerturbationSpec, TaskSpec
from robust_xtreme.files.manifest import MANIFEST, read_manifest
from robust_xtreme.studies.study_file import LEARNS, Arm, Study
from robust_xtreme.training import spec as recipes
from robust_xtreme.training.spec import learnable

RUNS: Final = "runs"
EVALUATIONS: Final = "evaluations"
ATTACKED: Final = "attacked"
"""The arm of the cells that are attacked."""

_SHOWN: Final = 8


@final
@dataclass(frozen=True, slots=True)
class StudyCell:
    """One training chain of a study and its evaluation: an arm, a seed, a target, and of some arms one language.

    `train` has the tables of a run file, empty where nothing is trained, and `evaluate` the keys of `eval`; neither
    names the folders, which are made of the cell's names and a hash of what is computed.
    """

    arm: str
    seed: int
    target: str
    language: str
    train: Mapping[str, Any]
    evaluate: Mapping[str, Any]
    victim: StudyCell | None = None

    @property
    def name(self) -> str:
        """The first part of the names of its folders."""
        return "-".join(filter(None, (self.arm, f"s{self.seed}", self.target, self.language)))

    def run(self, work: Path) -> Path:
        """The folder of its training."""
        return work / RUNS / f"{self.name}-{_digest(self.train)}"

    def evaluation(self, work: Path) -> Path:
        """The folder of its evaluation."""
        victim = _digest(self.victim.train, self.victim.evaluate) if self.victim else ""
        return work / EVALUATIONS / f"{self.name}-{_digest(self.train, self.evaluate, victim)}"

    def complete(self, work: Path) -> bool:
        """Whether it is evaluated. Raises DataError for a damaged evaluation."""
        path = self.evaluation(work) / MANIFEST
        if not path.is_file():
            return False
        try:
            return bool(read_manifest(path).get("complete"))
        except (DataError, AttributeError) as error:
            cure = f"Remove the folder {path.parent}: the same command computes it again."
            raise DataError(path, f"is damaged. {cure}") from error

    def replaced(self, work: Path) -> list[Path]:
        """The evaluations of a cell of this name with another configuration."""
        mine = self.evaluation(work).name
        several = sorted((work / EVALUATIONS).glob(f"{self.name}-" + "[0-9a-f]" * _SHOWN))
        return [path for path in several if path.name != mine]


def _digest(*values: Any) -> str:
    return digest("study", *(repr(_ordered(value)) for value in values))[:_SHOWN]


def _ordered(value: Any) -> Any:
    """A value whose representation does not depend on the order of its keys."""
    if isinstance(value, Mapping):
        return [(key, _ordered(value[key])) for key in sorted(value)]
    return [_ordered(item) for item in value] if isinstance(value, (list, tuple)) else value


def victims(study: Study) -> tuple[StudyCell, ...]:
    """The cells that are attacked, whose texts the others read; one for each target."""
    if study.attack is None:
        return ()
    arm, attack = study.arms[study.attack.arm], study.attack
    made = (_cell(study, arm, attack.seed, task, "", None) for task in arm.targets or study.targets)
    return tuple(replace(cell, arm=ATTACKED, evaluate=_attacked(cell, attack.spec)) for cell in made)


def _attacked(cell: StudyCell, specs: Sequence[str]) -> Mapping[str, Any]:
    """The keys of `eval` of an attack, on the fields that the target's drop is first named by, unless it names some."""
    task: TaskSpec = registry.load("task", cell.target)
    parsed = [PerturbationSpec.parse(spec) for spec in specs]
    return {**cell.evaluate, "perturb": [str(spec if spec.fields else spec.on(*task.perturbed[0])) for spec in parsed]}


def cells(study: Study) -> tuple[StudyCell, ...]:
    """Every cell, seed by seed, so that what is there when time ends has every arm."""
    attacked = {cell.target: cell for cell in victims(study)}
    return tuple(
        _cell(study, arm, seed, target, language, attacked.get(target))
        for seed in range(study.seed, study.seed + study.seeds)
        for arm in study.arms.values()
        for target in arm.targets or study.targets
        for language in _each(study, arm, target)
    )


def _each(study: Study, arm: Arm, target: str) -> tuple[str, ...]:
    """The languages of an arm's own runs on a target, of those that it is evaluated in; "" for one run of all."""
    evaluated = _table(study.evaluate.get(target)).get("languages", study.evaluate.get("languages", arm.each))
    return tuple(code for code in arm.each if code in evaluated) if arm.each else ("",)


def _cell(study: Study, arm: Arm, seed: int, target: str, language: str, victim: StudyCell | None) -> StudyCell:
    evaluate = {**study.evaluate, **_table(study.evaluate.get(target)), **arm.evaluate}
    kept = {key: value for key, value in evaluate.items() if key not in study.targets}
    if language:
        kept["languages"] = [language]
    tables = _tables(study, arm, seed, target, language)
    trained = any(isinstance(value, Mapping) for value in tables.values())
    if not trained:  # nothing is learned: the start itself answers
        kept |= {"model": tables.get("from", ""), "data": study.data, "device": study.device}
    return StudyCell(arm.name, seed, target, language, tables if trained else {}, kept, victim)


def _table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _tables(study: Study, arm: Arm, seed: int, target: str, language: str) -> dict[str, Any]:
    """The keys and tables of the run file of a cell."""
    task: TaskSpec = registry.load("task", target)
    train = {"data": study.data, "device": study.device, **study.train, **arm.train, "seed": seed, **arm.stages}
    if task.head:
        keyed = {**study.targets[target], **arm.target}
        learned = str(keyed.pop(LEARNS, target))
        keyed["tasks"] = [target if language in task.train_languages else learned]
        if language:
            keyed["languages"] = [language]
        train["target"] = {**keyed, **_length(keyed, train, arm.share)}
    return train


def _length(keyed: Mapping[str, Any], train: Mapping[str, Any], share: float) -> dict[str, int]:
    """The steps or epochs of a target's stage, by an arm's share of them; nothing where the recipe's are whole."""
    if share == 1.0:
        return {}
    recipe = str(train.get("recipe") or "xtreme")
    known = {"epochs": recipes.of_tasks(recipe, tuple(map(learnable, keyed["tasks"]))).epochs}
    name = "steps" if "steps" in keyed else "epochs"
    length = {**known, **keyed}[name]
    return {name: max(1, round(length * share))} if type(length) in (int, float) and isfinite(length) else {}
