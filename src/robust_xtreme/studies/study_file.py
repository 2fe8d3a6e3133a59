"""A study as its file describes it: arms, targets, what is evaluated, and the analysis."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

from robust_xtreme.core import registry, resources, run_paths
from robust_xtreme.core.errors import SpecError, UnknownName, shown
from robust_xtreme.core.keys import keys
from robust_xtreme.core.run_spec import RunSpec, from_mapping
from robust_xtreme.core.shipped import find, shipped
from robust_xtreme.core.specs import check_keys
from robust_xtreme.studies.design import Design
from robust_xtreme.training.spec import STAGE_NAMES, StageSpec, run_keys

STUDIES: Final = "studies"
"""The folder of `configs` that has the files of studies."""

FEWEST_SEEDS: Final = 5
"""Training seeds from which on a sign can be claimed; the default."""

LEARNS: Final = "learns"
"""The key of a target that names the task whose training data it has, such as panx for masakhaner."""

_STAGES: Final = tuple(name for name in STAGE_NAMES if name != "target")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,60}")
_TOP: Final = ("design", "about", "scope", "seeds", "seed", "data", "device", "train", "targets", "arms", "evaluate")
_ARM: Final = ("target", "share", "evaluate", "targets", "each", "parameters")
_SET: Final = ("model", "tasks", "out", "data", "frozen", "device", "offline", "seed")
"""Keys of `train` and `eval` that the study sets itself."""

_DATA: Final = "DIR/"
"""What a path in the data's folder begins with."""

_NO_PATHS: Final = ("attack", "power", "cost", "analysis")
"""Tables without paths, some of whose keys have the names of keys of `train` that are paths."""

_MOST_SEEDS: Final = 1000
_LONGEST: Final = 1000


@final
@dataclass(frozen=True, slots=True)
class Arm:
    """What is compared: the stages before the target, keys of `train` and of each target's stage, in their own words.

    `share` multiplies the steps of the target's stage. `targets` are those that it is trained on, none is all. Of
    `each` language it has a run of its own, trained and evaluated in this language alone. `parameters` of its encoder
    are for the estimate of its cost; 0 is those of the table [cost].
    """

    name: str
    train: Mapping[str, Any]
    stages: Mapping[str, Mapping[str, Any]]
    target: Mapping[str, Any]
    evaluate: Mapping[str, Any]
    targets: tuple[str, ...] = ()
    each: tuple[str, ...] = ()
    share: float = 1.0
    parameters: float = 0.0


@final
@dataclass(frozen=True, slots=True)
class StudyAttack:
    """An attack on a model of an arm with a seed of its own, whose texts every run reads: `spec` as in `--perturb`."""

    spec: tuple[str, ...]
    arm: str
    seed: int


@final
@dataclass(frozen=True, slots=True)
class Power:
    """What the size of a study is planned by: the effect, and the spread of the endpoint over seeds, in its unit."""

    effect: float
    sd: float


@final
@dataclass(frozen=True, slots=True)
class Cost:
    """A device that a study is meant for: its name, what it sustains in TFLOP/s, and the encoder's parameters."""

    device: str
    tflops: float
    parameters: float


@final
@dataclass(frozen=True, slots=True)
class Study:
    """A study. `evaluate` has the keys of `eval`, and a table for each target that has others."""

    name: str
    design: Design
    about: str
    scope: str
    seed: int
    seeds: int
    data: str
    device: str
    train: Mapping[str, Any]
    targets: Mapping[str, Mapping[str, Any]]
    arms: Mapping[str, Arm]
    evaluate: Mapping[str, Any]
    analysis: Any
    attack: StudyAttack | None
    power: Power | None
    cost: Cost | None
    text: str


def read(name: str, given: Mapping[str, Any] | None = None) -> Study:
    """The study of a file, by its path or the name of a shipped one; `given` replaces top keys.

    Raises UnknownName, SpecError.
    """
    path = path_of(name)
    return parsed(path, path.stem, given or {})


def path_of(name: str) -> Path:
    """The file of a study, by its path or the name of a shipped one. Raises UnknownName, SpecError."""
    try:
        return find(name, STUDIES)
    except UnknownName:
        raise UnknownName("study", name, shipped(STUDIES), "robust-xtreme study list") from None


def parsed(path: Path, name: str, given: Mapping[str, Any]) -> Study:
    """The study in a file, with a name; `given` replaces top keys. Raises SpecError."""
    values = resources.toml(path)
    named: dict[str, Any] = {key: values.pop(key) for key in _NO_PATHS if key in values}
    values = _placed(values, str(given.get("data") or values.get("data", "")))
    return _study(path, name, {**run_paths.counted(values, path, given), **named, **given})


def _placed(value: Any, data: str) -> Any:
    """Values in which paths that begin with DIR/ are in the data's folder."""
    match value:
        case str() if value.startswith(_DATA):
            return str(Path(data).absolute() / value.removeprefix(_DATA))
        case dict():
            return {key: _placed(item, data) for key, item in value.items()}
    return value


def _study(path: Path, name: str, values: Mapping[str, Any]) -> Study:
    where = str(path)
    check_keys(values, (*_TOP, *_NO_PATHS, run_paths.FOLDER), ("design", "targets", "arms", "analysis"), where)
    texts = {key: _line(values.get(key, ""), f"{where}: {key}") for key in ("design", "about", "scope", "data")}
    tables = {key: _table(values.get(key, {}), f"{where}: [{key}]") for key in ("train", "targets", "arms", "evaluate")}
    targets = {task: _target(task, table, f"{where}: [targets.{task}]") for task, table in tables["targets"].items()}
    arms = {name: _arm(name, table, list(targets), f"{where}: [arms.{name}]") for name, table in tables["arms"].items()}
    if not targets or not arms:
        raise SpecError(f"{where}: a study has at least one table [targets.TASK] and one [arms.NAME].")
    design: Design = registry.load("design", texts["design"])
    check_keys(tables["train"], [key for key in run_keys() if key not in _SET], (), f"{where}: [train]")
    _check_evaluate(tables["evaluate"], list(targets), f"{where}: [evaluate]")
    analysis = design.read(_table(values["analysis"], f"{where}: [analysis]"), list(arms), f"{where}: [analysis]")
    return Study(
        name=name,
        design=design,
        about=texts["about"],
        scope=texts["scope"],
        seed=_number(values.get("seed", 0), 0, f"{where}: seed"),
        seeds=_number(values.get("seeds", FEWEST_SEEDS), 1, f"{where}: seeds", _MOST_SEEDS),
        data=texts["data"],
        device=_typed(values.get("device", "auto"), str, f"{where}: device"),
        train=tables["train"],
        targets=targets,
        arms=arms,
        evaluate=tables["evaluate"],
        analysis=analysis,
        attack=_attack(values.get("attack"), arms, where),
        power=_power(values.get("power"), where),
        cost=_cost(values.get("cost"), where),
        text=path.read_text(encoding="utf-8"),
    )


def _target(task: str, table: Any, where: str) -> Mapping[str, Any]:
    registry.load("task", task)
    values = _table(table, where)
    check_keys(values, (*keys(StageSpec), LEARNS), (), where)
    if LEARNS in values:
        registry.load("task", _typed(values[LEARNS], str, f"{where}: {LEARNS}"))
    return values


def _arm(name: str, table: Any, targets: list[str], where: str) -> Arm:
    if not _NAME.fullmatch(name):
        raise SpecError(f"{where}: a name of an arm has letters, digits, dots, hyphens and underscores.")
    values = _table(table, where)
    flat = [key for key in run_keys() if key not in _SET]
    check_keys(values, (*flat, *_STAGES, *_ARM), (), where)
    stages = {stage: _table(values[stage], f"{where}: {stage}") for stage in _STAGES if stage in values}
    for stage, keyed in stages.items():
        check_keys(keyed, keys(StageSpec), (), f"{where}: {stage}")
    target, evaluate = (_table(values.get(key, {}), f"{where}: {key}") for key in ("target", "evaluate"))
    check_keys(target, keys(StageSpec), (), f"{where}: target")
    _check_evaluate(evaluate, [], f"{where}: evaluate")
    for task in _strings(values.get("targets", []), f"{where}: targets"):
        if task not in targets:
            raise SpecError(f"{where}: targets names {task!r:.80}. The targets are: {', '.join(targets)}.")
    share = _above_0(values.get("share", 1.0), f"{where}: share", _MOST_SEEDS)
    parameters = _above_0(values.get("parameters", 1), f"{where}: parameters") if "parameters" in values else 0.0
    train = {key: value for key, value in values.items() if key in flat}
    several = {key: _strings(values.get(key, []), f"{where}: {key}") for key in ("targets", "each")}
    return Arm(name, train, stages, target, evaluate, **several, share=share, parameters=parameters)


def _check_evaluate(values: Mapping[str, Any], targets: list[str], where: str) -> None:
    known = [key for key in keys(RunSpec) if key not in _SET]
    check_keys(values, (*known, *targets), (), where)
    from_mapping({key: value for key, value in values.items() if key in known}, where)
    for task in targets:
        if task in values:
            check_keys(_table(values[task], f"{where}: {task}"), known, (), f"{where}: {task}")


def _attack(table: Any, arms: Mapping[str, Arm], where: str) -> StudyAttack | None:
    if table is None:
        return None
    values = _table(table, f"{where}: [attack]")
    check_keys(values, ("spec", "arm", "seed"), ("spec", "arm"), f"{where}: [attack]")
    if _typed(values["arm"], str, f"{where}: [attack] arm") not in arms:
        raise SpecError(f"{where}: [attack] names the arm {values['arm']!r:.80}. The arms are: {', '.join(arms)}.")
    spec = [values["spec"]] if isinstance(values["spec"], str) else values["spec"]
    seed = _number(values.get("seed", _MOST_SEEDS), 0, f"{where}: [attack] seed")
    return StudyAttack(_strings(spec, f"{where}: [attack] spec"), values["arm"], seed)


def _power(table: Any, where: str) -> Power | None:
    if table is None:
        return None
    values = _table(table, f"{where}: [power]")
    check_keys(values, ("effect", "sd"), ("effect", "sd"), f"{where}: [power]")
    return Power(*(_above_0(values[key], f"{where}: [power] {key}", _MOST_SEEDS) for key in ("effect", "sd")))


def _cost(table: Any, where: str) -> Cost | None:
    if table is None:
        return None
    values = _table(table, f"{where}: [cost]")
    check_keys(values, ("device", "tflops", "parameters"), ("device", "tflops", "parameters"), f"{where}: [cost]")
    numbers = [_above_0(values[key], f"{where}: [cost] {key}") for key in ("tflops", "parameters")]
    return Cost(_typed(values["device"], str, f"{where}: [cost] device"), *numbers)


def _above_0(value: Any, where: str, most: float = sys.float_info.max) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= most:
        raise SpecError(f"{where} is a number above 0, not {shown(value)}.")
    return float(value)


def _line(value: Any, where: str) -> str:
    """A text in one line. Raises SpecError for another value, and for a very long one."""
    text = " ".join(str(_typed(value, str, where)).split())
    if len(text) > _LONGEST:
        raise SpecError(f"{where} has {len(text):,} characters; it takes at most {_LONGEST:,}.")
    return text


def _table(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise SpecError(f"{where} is not a table of keys.")
    return value


def _typed(value: Any, kind: Any, where: str) -> Any:
    if not isinstance(value, kind):
        raise SpecError(f"{where} has a value of another type: {shown(value)}.")
    return value


def _number(value: Any, least: int, where: str, most: int = 2**32 - 1) -> int:
    if type(value) is not int or not least <= value <= most:
        raise SpecError(f"{where} takes a whole number from {least} to {most:,}, not {shown(value)}.")
    return value


def _strings(value: Any, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise SpecError(f"{where} takes a list of names, not {shown(value)}.")
    return tuple(value)
