"""A study as its file describes it: arms, targets, what is evaluated and the analysis; and its cells."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path
from typing import Any, Final

from robust_xtreme.core import registry, resources, run_paths
from robust_xtreme.core.errors import DataError, SpecError, UnknownName, shown
from robust_xtreme.core.examples import digest
from robust_xtreme.core.keys import keys
from robust_xtreme.core.resources import find, shipped
from robust_xtreme.core.run_spec import RunSpec, from_mapping
from robust_xtreme.core.specs import PerturbationSpec, TaskSpec, check_keys
from robust_xtreme.files.manifest import MANIFEST, REPORT, read_manifest
from robust_xtreme.studies.claims import FEWEST_SEEDS, MOST_SEEDS
from robust_xtreme.studies.design import Design
from robust_xtreme.training import spec as recipes
from robust_xtreme.training.spec import STAGE_NAMES, StageSpec, learnable, run_keys

STUDIES: Final = "studies"
"""The folder of `configs` that has the files of studies."""

LEARNS: Final = "learns"
"""The key of a target that names the task whose training data it has, such as panx for masakhaner."""

_STAGES: Final = tuple(name for name in STAGE_NAMES if name != "target")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,60}")
_NAMED: Final = "has letters, digits, dots, hyphens and underscores"
_TEXTS: Final = ("design", "claims", "question", "refuted", "about", "scope", "data")
_TABLES: Final = ("train", "targets", "arms", "evaluate")
_TOP: Final = (*_TEXTS, *_TABLES, "deviations", "seeds", "seed", "device")
_ARM: Final = ("target", "share", "evaluate", "targets", "each", "parameters")
SCALES: Final = "scales"
"""The table whose tables say, by the name of a scale, what a study of that scale has otherwise or in addition."""

_SET: Final = ("model", "tasks", "out", "data", "frozen", "device", "offline", "seed")
"""Keys of `train` and `eval` that the study sets itself."""

_DATA: Final = "DIR/"
BESIDE: Final = "BESIDE/"
"""What a path in the data's folder begins with, and one in the folder that the encoder of `from` is in."""

_NO_PATHS: Final = ("attack", "power", "cost", "analysis")
"""Tables without paths, some of whose keys have the names of keys of `train` that are paths."""

_LONGEST: Final = 1000
_MOST_ARMS: Final = 1000


@dataclass(frozen=True, slots=True)
class Arm:
    """What is compared: the stages before the target, keys of `train` and of each target's stage, in their own words.

    `share` multiplies the steps of the target's stage. `targets` are those that it is trained on, none is all. Of
    `each` language it has a run of its own. `parameters` of its encoder are for its cost; 0 is those of [cost].
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


@dataclass(frozen=True, slots=True)
class StudyAttack:
    """An attack on a model of an arm with a seed of its own, whose texts every run reads: `spec` as in `--perturb`.

    `targets` are those that it is of, none is all.
    """

    spec: tuple[str, ...]
    arm: str
    seed: int
    targets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Power:
    """What the size of a study is planned by: the effect, and the spread of the endpoint over seeds, in its unit."""

    effect: float
    sd: float


@dataclass(frozen=True, slots=True)
class Cost:
    """A device that a study is meant for: its name, what it sustains in TFLOP/s, and the encoder's parameters."""

    device: str
    tflops: float
    parameters: float


@dataclass(frozen=True, slots=True)
class Study:
    """A study. `evaluate` has the keys of `eval`, and a table for each target that has others.

    `claims` is what a paper claims, or whoever asks expects; `question` and `refuted` are the design's unless the file
    has its own; `deviations` are what was done otherwise than designed.
    """

    name: str
    scale: str
    design: Design
    claims: str
    question: str
    refuted: str
    about: str
    scope: str
    deviations: tuple[str, ...]
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
    """The study of a file, by path or a shipped one's name; `given` replaces keys. Raises UnknownName, SpecError."""
    path = path_of(name)
    return parsed(path, path.stem, given or {})


def path_of(name: str) -> Path:
    """The file of a study, by its path or the name of a shipped one. Raises UnknownName, SpecError."""
    try:
        return find(name, STUDIES)
    except UnknownName:
        raise UnknownName("study", name, shipped(STUDIES), "robust-xtreme study list") from None


def parsed(path: Path, name: str, given: Mapping[str, Any]) -> Study:
    """The study in a file, with a name and that of its scale; `given` replaces top keys, `from` and `scale`.

    Without `scale` it has the file's first one. Raises SpecError.
    """
    given, values = dict(given), resources.toml(path)
    scale, start = given.pop("scale", None), given.pop("from", None)
    scales = _table(values.pop(SCALES, {}), f"{path}: [{SCALES}]")
    if strange := [name for name in scales if not _NAME.fullmatch(name)]:
        raise SpecError(f"{path}: [{SCALES}] {shown(strange[0])}: a name of a scale {_NAMED}.")
    if "seeds" in given:
        _number(given["seeds"], 1, "--seeds", MOST_SEEDS)
    if scale is None:
        scale = next(iter(scales), "")
    if scale and scale not in scales:
        raise UnknownName("scale", scale, [*scales], f"robust-xtreme study show {name}")
    values = _overlaid(values, _table(scales[scale], f"{path}: [{SCALES}.{scale}]")) if scale else values
    named: dict[str, Any] = {key: values.pop(key) for key in _NO_PATHS if key in values}
    values = _placed(values, str(given.get("data") or values.get("data", "")), start or "")
    values = run_paths.counted(values, path, given)
    if start is not None:
        table = _table(values.get("train", {}), f"{path}: [train]")
        values["train"] = {**{key: value for key, value in table.items() if key != "revision"}, "from": start}
    return _study(path, "_".join(filter(None, (name, scale))), scale, {**values, **named, **given})


def _overlaid(values: Mapping[str, Any], scale: Mapping[str, Any]) -> dict[str, Any]:
    """Values with those of a scale: tables key by key, all else in place of the file's."""
    tables = {key: value for key, value in values.items() if isinstance(value, dict)}
    both = {key: _overlaid(tables[key], new) for key, new in scale.items() if key in tables and isinstance(new, dict)}
    return {**values, **scale, **both}


def _placed(value: Any, data: str, start: str) -> Any:
    """Values in which paths that begin with DIR/ are in the data's folder, those with BESIDE/ beside the encoder."""
    match value:
        case str() if value.startswith(_DATA):
            return str(Path(data).absolute() / value.removeprefix(_DATA))
        case str() if value.startswith(BESIDE) and start and (run_paths.exists(start) or not run_paths.like_hub(start)):
            return str(Path(start).absolute().parent / value.removeprefix(BESIDE))
        case dict():
            return {key: _placed(item, data, start) for key, item in value.items()}
    return value


def _study(path: Path, name: str, scale: str, values: Mapping[str, Any]) -> Study:
    where = str(path)
    check_keys(values, (*_TOP, *_NO_PATHS, run_paths.FOLDER), ("design", "targets", "arms", "analysis"), where)
    design: Design = registry.load("design", _typed(values["design"], str, f"{where}: design"))
    own = {"question": design.question, "refuted": design.refuted}
    texts = {key: _line(values.get(key, own.get(key, "")), f"{where}: {key}") for key in _TEXTS}
    tables = {key: _table(values.get(key, {}), f"{where}: [{key}]") for key in _TABLES}
    targets = {task: _target(task, table, f"{where}: [targets.{task}]") for task, table in tables["targets"].items()}
    arms = {name: _arm(name, table, list(targets), f"{where}: [arms.{name}]") for name, table in tables["arms"].items()}
    if not targets or not arms:
        raise SpecError(f"{where}: a study has at least one table [targets.TASK] and one [arms.NAME].")
    if len(arms) > _MOST_ARMS:
        raise SpecError(f"{where}: {len(arms):,} arms; a study has at most {_MOST_ARMS:,}.")
    check_keys(tables["train"], [key for key in run_keys() if key not in _SET], (), f"{where}: [train]")
    _check_evaluate(tables["evaluate"], list(targets), f"{where}: [evaluate]")
    analysis = design.read(_table(values["analysis"], f"{where}: [analysis]"), list(arms), f"{where}: [analysis]")
    for arm in arms.values():
        _check_each(arm, tables["evaluate"], list(targets), where)
    parts: dict[str, Any] = {**texts, **tables, "design": design, "targets": targets, "arms": arms}
    return Study(
        name=name,
        scale=scale,
        **parts,
        deviations=_strings(values.get("deviations", []), f"{where}: deviations"),
        seed=_number(values.get("seed", 0), 0, f"{where}: seed"),
        seeds=_number(values.get("seeds", FEWEST_SEEDS), 1, f"{where}: seeds", MOST_SEEDS),
        device=_typed(values.get("device", "auto"), str, f"{where}: device"),
        analysis=analysis,
        attack=_attack(values, arms, list(targets), where),
        power=_power(values, where),
        cost=_cost(values, where),
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
        raise SpecError(f"{where}: a name of an arm {_NAMED}.")
    values = _table(table, where)
    flat = [key for key in run_keys() if key not in _SET]
    check_keys(values, (*flat, *_STAGES, *_ARM), (), where)
    stages = {stage: _table(values[stage], f"{where}: {stage}") for stage in _STAGES if stage in values}
    for stage, keyed in stages.items():
        check_keys(keyed, keys(StageSpec), (), f"{where}: {stage}")
    target, evaluate = (_table(values.get(key, {}), f"{where}: {key}") for key in ("target", "evaluate"))
    check_keys(target, keys(StageSpec), (), f"{where}: target")
    _check_evaluate(evaluate, [], f"{where}: evaluate")
    share = _above_0(values.get("share", 1.0), f"{where}: share", MOST_SEEDS)
    parameters = _above_0(values.get("parameters", 1), f"{where}: parameters") if "parameters" in values else 0.0
    train = {key: value for key, value in values.items() if key in flat}
    trained = _some(values.get("targets", []), targets, f"{where}: targets")
    each = _strings(values.get("each", []), f"{where}: each")
    return Arm(name, train, stages, target, evaluate, trained, each, share, parameters)


def _check_each(arm: Arm, evaluate: Mapping[str, Any], targets: list[str], where: str) -> None:
    """Raise SpecError for a language of an arm's own runs in which no target is evaluated."""
    tables = (evaluate, *(evaluate.get(task, {}) for task in targets), arm.evaluate)
    known = dict.fromkeys(code for table in tables for code in table.get("languages", ()))
    if strange := [code for code in arm.each if known and code not in known]:
        what = f"each names {strange[0]!r:.80}, in which nothing is evaluated"
        raise SpecError(f"{where}: [arms.{arm.name}] {what}. The languages are: {', '.join(known)}.")


def _check_evaluate(values: Mapping[str, Any], targets: list[str], where: str) -> None:
    known = [key for key in keys(RunSpec) if key not in _SET]
    check_keys(values, (*known, *targets), (), where)
    from_mapping({key: value for key, value in values.items() if key in known}, where)
    for key in ("languages", "perturb"):  # of which `eval` takes a text, too
        _strings(values.get(key, []), f"{where}: {key}")
    for task in filter(values.__contains__, targets):
        _check_evaluate(_table(values[task], f"{where}: {task}"), [], f"{where}: {task}")


def _optional(values: Mapping[str, Any], name: str, where: str, needed: str, *more: str) -> Mapping[str, Any]:
    """An optional table with some keys; empty where there is none."""
    if values.get(name) is None:
        return {}
    table = _table(values[name], f"{where}: [{name}]")
    check_keys(table, (*needed.split(), *more), needed.split(), f"{where}: [{name}]")
    return table


def _attack(values: Mapping[str, Any], arms: Mapping[str, Arm], targets: list[str], where: str) -> StudyAttack | None:
    if not (table := _optional(values, "attack", where, "spec arm", "seed", "targets")):
        return None
    if _typed(table["arm"], str, f"{where}: [attack] arm") not in arms:
        raise SpecError(f"{where}: [attack] names the arm {table['arm']!r:.80}. The arms are: {', '.join(arms)}.")
    spec = [table["spec"]] if isinstance(table["spec"], str) else table["spec"]
    seed = _number(table.get("seed", MOST_SEEDS), 0, f"{where}: [attack] seed")
    attacked = _some(table.get("targets", []), targets, f"{where}: [attack] targets")
    return StudyAttack(_strings(spec, f"{where}: [attack]"), table["arm"], seed, attacked)


def _power(values: Mapping[str, Any], where: str) -> Power | None:
    if not (table := _optional(values, "power", where, "effect sd")):
        return None
    return Power(*(_above_0(table[key], f"{where}: [power] {key}", MOST_SEEDS) for key in ("effect", "sd")))


def _cost(values: Mapping[str, Any], where: str) -> Cost | None:
    if not (table := _optional(values, "cost", where, "device tflops parameters")):
        return None
    numbers = [_above_0(table[key], f"{where}: [cost] {key}") for key in ("tflops", "parameters")]
    return Cost(_typed(table["device"], str, f"{where}: [cost] device"), *numbers)


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
        raise SpecError(f"{where} takes a list of texts, not {shown(value)}.")
    return tuple(value)


def _some(value: Any, known: list[str], where: str) -> tuple[str, ...]:
    """Some of the targets."""
    names = _strings(value, where)
    if strange := [name for name in names if name not in known]:
        raise SpecError(f"{where} names {strange[0]!r:.80}. The targets are: {', '.join(known)}.")
    return names


RUNS: Final = "runs"
EVALUATIONS: Final = "evaluations"
ATTACKED: Final = "attacked"
"""The arm of the cells that are attacked."""

_SHOWN: Final = 8


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
        """Whether it is evaluated and has its page. Raises DataError for a damaged evaluation."""
        path = self.evaluation(work) / MANIFEST
        if not path.is_file():
            return False
        try:
            manifest = read_manifest(path)
            return bool(manifest.get("complete") and REPORT in manifest.get("files", ()))
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
    """A value whose representation does not depend on the order of its keys, nor on where the working folder is."""
    if isinstance(value, Mapping):
        return [(key, _ordered(value[key])) for key in sorted(value)]
    if isinstance(value, str):
        return value.removeprefix(f"{Path.cwd()}/")
    return [_ordered(item) for item in value] if isinstance(value, (list, tuple)) else value


def victims(study: Study) -> tuple[StudyCell, ...]:
    """The cells that are attacked, whose texts the others read; one for each target."""
    if study.attack is None:
        return ()
    arm, attack = study.arms[study.attack.arm], study.attack
    targets = attack.targets or arm.targets or study.targets
    made = (_cell(study, arm, attack.seed, task, "", None) for task in targets)
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
    evaluated = {**study.evaluate, **study.evaluate.get(target, {}), **arm.evaluate}.get("languages", arm.each)
    return tuple(code for code in arm.each if code in evaluated) if arm.each else ("",)


def _cell(study: Study, arm: Arm, seed: int, target: str, language: str, victim: StudyCell | None) -> StudyCell:
    evaluate = {**study.evaluate, **study.evaluate.get(target, {}), **arm.evaluate}
    kept = {key: value for key, value in evaluate.items() if key not in study.targets}
    if language:
        kept["languages"] = [language]
    tables = _tables(study, arm, seed, target, language)
    trained = any(isinstance(value, Mapping) for value in tables.values())
    if not trained:  # nothing is learned: the start itself answers
        kept |= {"model": tables.get("from", ""), "data": study.data, "device": study.device}
    return StudyCell(arm.name, seed, target, language, tables if trained else {}, kept, victim)


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
