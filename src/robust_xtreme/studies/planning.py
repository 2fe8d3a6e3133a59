"""The plan of a study and its cost before it is run, from the sizes of files: nothing is read as examples or timed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path
from typing import Any, Final, NamedTuple

from robust_xtreme.core import registry
from robust_xtreme.core.errors import Mismatch, MissingData, ModelError, SpecError, UnknownName, counted
from robust_xtreme.core.languages import language
from robust_xtreme.core.run_paths import check_start, exists
from robust_xtreme.core.run_spec import HUB, from_mapping, parse_limits
from robust_xtreme.core.specs import TaskSpec
from robust_xtreme.files import store
from robust_xtreme.noise.suites import asked
from robust_xtreme.studies.claims import PRIMARY_TESTS, mde_of, power_of, seeds_for
from robust_xtreme.studies.folder import FACTS, WRITTEN
from robust_xtreme.studies.study_file import BESIDE, RUNS, Study, StudyCell, cells, read, victims
from robust_xtreme.tasks.adapters.own import own_tasks
from robust_xtreme.tasks.sources.source import open_source
from robust_xtreme.training.spec import SCRATCH, from_tables, within

_PLANNING_MOST: Final = 20
_TRAIN: Final = "train"


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
        changed = f"Computed again, as their configuration changed: {', '.join(again[:_PLANNING_MOST])}"
        changed += f" and {len(again) - _PLANNING_MOST} more" if len(again) > _PLANNING_MOST else ""
        return [size, *([changed] if again else []), self.power()]

    def power(self) -> str:
        """The power of the primary endpoint, in its unit, by the spread over seeds that the study's file states."""
        planned, seeds = self.study.power, self.study.seeds
        if planned is None:
            return "Power: not known, as the file has no table [power] with a spread over seeds."
        power = power_of(planned.effect, planned.sd, seeds, PRIMARY_TESTS)
        mde = mde_of(planned.sd, seeds, PRIMARY_TESTS)
        enough = seeds_for(planned.effect, planned.sd, PRIMARY_TESTS)
        chance = f"Power of the primary endpoint: {power:.0%} for an effect of {planned.effect:g}, with a spread"
        smallest = "" if mde is None else f" for {mde:.2g}, or"
        return f"{chance} of {planned.sd:g} over seeds; 80 %{smallest} with {enough or 'more than 1,000'} seeds."


def folder_of(study: Study, out: str = "") -> Path:
    """The folder of a study: `out`, or `runs/study-NAME`."""
    return Path(out) if out else Path("runs") / f"study-{study.name}"


def described(name: str, out: str, given: Mapping[str, Any]) -> tuple[Study, Path]:
    """The study of a file and its folder, which can have more seeds than the file; `given` replaces the file's keys."""
    study = read(name, given)
    folder = folder_of(study, out)
    known = _seeds_there(folder, study.name)
    return study if "seeds" in given else replace(study, seeds=max(study.seeds, known)), folder


def _seeds_there(folder: Path, name: str) -> int:
    """The number of seeds that the folder of a study has, 0 where it has none yet.

    Raises SpecError or Mismatch where it is a file, another study's, or has files that no study wrote.
    """
    if folder.exists() and not folder.is_dir():
        raise SpecError(f"{folder} is not a folder. Name another: --out DIR")
    written = store.read_json(folder / FACTS) if (folder / FACTS).is_file() else None
    facts = written if isinstance(written, dict) else {}
    if facts.get("name") not in (None, name):
        raise Mismatch(f"{folder} has the study {facts['name']!r:.80}. Name another folder: --out DIR")
    theirs = [name for name in WRITTEN if (folder / name).exists()]
    if written is None and theirs and not (folder / RUNS).is_dir():
        raise Mismatch(f"{folder / theirs[0]} is not the file of a study. Name another folder: --out DIR")
    return facts["seeds"] if isinstance(facts.get("seeds"), int) else 0


def plan_of(study: Study, work: Path) -> StudyPlan:
    """The plan of a study in its folder.

    Raises SpecError and UnknownName for what no cell could compute; where some are to do, MissingData and ModelError
    for a folder of data and an encoder that are not there.
    """
    if not study.data:
        raise SpecError(f"{study.name} names no data. Add --data DIR, the folder of the release files, or --data hub.")
    every: Sequence[StudyCell] = (*victims(study), *cells(study))
    for cell in every:
        _check(cell)
    todo = tuple(cell for cell in every if not cell.complete(work))
    for start in {str(cell.train["from"]) for cell in todo if "from" in cell.train} - {SCRATCH}:
        _check_start(start)
    with own_tasks(study.data):
        _check_files(study.data, todo)
    replaced = tuple(path for cell in todo for path in cell.replaced(work))
    return StudyPlan(study, tuple(every), todo, replaced)


def _check(cell: StudyCell) -> None:
    """Raise SpecError or UnknownName, naming the cell, where its keys are not those of `train` and `eval`."""
    try:
        kept = {key: value for key, value in cell.evaluate.items() if key != "model"}
        spec = from_mapping({**kept, "tasks": [cell.target]}, cell.name)
        if others := sorted(parse_limits(spec.limit).keys() - {"", cell.target}):
            raise SpecError(f"limit names {others[0]!r:.80}. Limit it in [evaluate.{others[0]:.80}].")
        for name in {link.name for condition in asked(spec.perturb) for link in condition.cell.links}:
            registry.load("perturbation", name)
        for code in spec.languages:
            language(code.partition("@")[0])
        if str(cell.train.get("from", "")).startswith(BESIDE):
            raise SpecError(f"{cell.train['from']} is beside the encoder. Name its folder: --from DIR")
        if cell.train:
            from_tables({**cell.train, "out": cell.name}, cell.name)
    except (SpecError, UnknownName) as error:
        raise SpecError(f"{cell.name}: {str(error).removeprefix(f'{cell.name}: ')}") from error


def _check_start(name: str) -> None:
    """Raise ModelError where a name is neither an encoder or a run here nor a name of the hub's."""
    check_start(name)
    if exists(name) and not any((Path(name) / part / "config.json").is_file() for part in ("", "model")):
        what = "contains no config.json: it is not a transformers encoder. Name one, or a run, with --from DIR."
        raise ModelError(f"{name[:200]} {what}")


def _check_files(data: str, todo: Sequence[StudyCell]) -> None:
    """Raise MissingData where a text that a cell learns from is not there, or a folder of data lacks files of tasks."""
    learned = dict(pair for cell in todo if cell.train for pair in _learned(cell))
    if not todo or data.partition(":")[0] == HUB:
        return
    source = open_source(data)
    for (_, code), task in learned.items():
        if not source.holds(task, code, _TRAIN):
            raise MissingData(source.missing(task, code, [_TRAIN]))
    for cell in todo:
        task = registry.load("task", cell.target)
        codes = [code.partition("@")[0] for code in cell.evaluate.get("languages") or task.languages]
        splits = [split for split in source.splits(task) if split != _TRAIN]
        if not any(source.holds(task, code, split) for code in codes for split in splits):
            raise MissingData(source.missing(task, codes[0], splits))


def _learned(cell: StudyCell) -> Iterator[tuple[tuple[str, str], TaskSpec]]:
    """Each task and language that a cell learns, but for translated data. Raises MissingData for a text."""
    spec = from_tables({**cell.train, "out": cell.name}, cell.name).resolved()
    for _, stage in spec.stages:
        for path in filter(None, (spec.text, stage.text, stage.pairs)):
            if not exists(path):
                cure = "Name the data with it: --data DIR (captions: those of tools.real_data, see docs/studies.md)"
                raise MissingData(f"{cell.name} learns of {path[:200]}, which is not there. {cure}")
        for task in () if stage.translated else stage.learned():
            for part in task.parts or (task,):
                yield from (((part.name, code), part) for code in stage.languages or part.train_languages)


_LEARNING, _ANSWERING = 6, 2
"""Operations for each token and parameter: forward and backward, and forward alone (Kaplan et al. 2020, 2001.08361)."""

_LENGTH, _CAPTION = 256, 20
"""Tokens of an input, an upper bound for most tasks, and of a caption."""


class StageCost(NamedTuple):
    """A stage that is trained once for each of some seeds, for an arm or several; steps are 0 if unknown."""

    arm: str
    kind: str
    seeds: int
    steps: int
    tokens: int


def cost_lines(plan: StudyPlan) -> list[str]:
    """The cost of what is to do, a line for each kind of stage and one for all."""
    if not plan.todo:
        return []
    with own_tasks(plan.study.data):
        stages = _stages(plan)
        known = [(cell.arm, _predictions(cell)) for cell in plan.todo]
    kinds = dict.fromkeys(stage.kind for stage in stages)
    lines = [_line(kind, [stage for stage in stages if stage.kind == kind]) for kind in kinds]
    counts = [many for _, many in known]
    most = f", at most {sum(counts):,} predictions" if all(counts) else ""
    lines.append(f"evaluation: {counted(len(known), 'run')}{most}")
    return [*lines, *([_total(plan.study, stages, known)] if stages else [])]


def _stages(plan: StudyPlan) -> list[StageCost]:
    """The stages of the cells to do, each once for a seed: but for targets' own, arms share those that begin alike."""
    learning: dict[tuple[str, str, str], list[StudyCell]] = {}
    for cell in plan.todo:
        if cell.train:
            learning.setdefault((cell.arm, cell.target, cell.language), []).append(cell)
    made: dict[object, tuple[StageCost, set[int]]] = {}
    for own, several in learning.items():
        spec = from_tables({**several[0].train, "out": several[0].name}, several[0].name).resolved()
        for number, (kind, stage) in enumerate(spec.stages):
            later: dict[str, Any] = dict.fromkeys(name for name, _ in spec.stages[number + 1 :])
            key = own if kind == "target" else replace(spec, out="", seed=0, **later)
            if key not in made:
                rows = within(stage, [task.train_rows for task in stage.learned()])
                steps = stage.steps or all(rows) * stage.epochs * sum(ceil(count / stage.batch_size) for count in rows)
                tokens = steps * stage.batch_size * (_CAPTION if stage.pairs else _LENGTH)
                made[key] = StageCost(own[0], kind, 0, steps, tokens), set()
            made[key][1].update(cell.seed for cell in several)
    return [cost._replace(seeds=len(seeds)) for cost, seeds in made.values()]


def _line(kind: str, stages: list[StageCost]) -> str:
    steps = sum(stage.steps * stage.seeds for stage in stages)
    tokens = sum(stage.tokens * stage.seeds for stage in stages)
    runs = counted(sum(stage.seeds for stage in stages), "run")
    more = "" if all(stage.steps for stage in stages) else ", and more that are known when their data are read"
    return f"{'masked LM' if kind == 'mlm' else kind}: {runs}, {steps:,} steps, about {tokens:,} tokens{more}"


def _predictions(cell: StudyCell) -> int:
    """The most predictions of a cell, without queries of an attack; 0 if no limit tells them."""
    task: TaskSpec = registry.load("task", cell.target)
    limits = parse_limits(str(cell.evaluate.get("limit", "")))
    rows = limits.get(cell.target, limits.get("", 0)) * len(cell.evaluate.get("languages") or task.languages)
    specs = [each.cell for each in asked(cell.evaluate.get("perturb", ()))]
    conditions = 1 + sum(1 if spec.fields else len(task.perturbed) for spec in specs) + (cell.victim is not None)
    return rows * conditions * int(cell.evaluate.get("seeds", 1))


def _total(study: Study, stages: list[StageCost], predictions: Sequence[tuple[str, int]]) -> str:
    if study.cost is None:
        return "Time: not known, as the file has no table [cost]."
    cost = study.cost

    def operations(arm: str, tokens: float, each: int) -> float:
        return each * tokens * (study.arms[arm].parameters or cost.parameters) if arm in study.arms else 0.0

    def hours(every: float) -> float:
        return every / (cost.tflops * 1e12) / 3600

    learning = sum(operations(stage.arm, stage.tokens * stage.seeds, _LEARNING) for stage in stages)
    answering = sum(operations(arm, many * _LENGTH, _ANSWERING) for arm, many in predictions)
    known = all(many for _, many in predictions)
    answered = f": at most {counted(ceil(hours(answering)), 'hour')} more" if known else " comes on top"
    queries = ", and the queries of an attack" if study.attack else ""
    time = counted(round(hours(learning)), "hour")
    total = f"Training: about {learning:.2g} operations, {time} of {cost.device} at {cost.tflops:g} TFLOP/s."
    return f"{total} Evaluation{answered}{queries}."
