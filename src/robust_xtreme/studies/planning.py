"""The plan of a study and its cost before it is run, from the sizes of files: nothing is read as examples or timed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil
from pathlib import Path
from typing import Final, NamedTuple, final

from robust_xtreme.core import registry
from robust_xtreme.core.errors import SpecError, UnknownName, counted, duration
from robust_xtreme.core.languages import language
from robust_xtreme.core.run_spec import from_mapping, parse_limits
from robust_xtreme.core.specs import TaskSpec
from robust_xtreme.noise.suites import asked
from robust_xtreme.run.plan import check_limits
from robust_xtreme.studies.claims import PRIMARY_TESTS, mde_of, power_of, seeds_for
from robust_xtreme.studies.study_file import Study, StudyCell, cells, victims
from robust_xtreme.tasks.adapters.own import own_tasks
from robust_xtreme.tasks.sources.source import open_source
from robust_xtreme.tasks.sources.suite import Suite, path_of
from robust_xtreme.training.spec import SCRATCH, StageSpec, from_tables, within

_PLANNING_MOST: Final = 20


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
        changed = f"Computed again, as their configuration changed: {', '.join(again[:_PLANNING_MOST])}"
        changed += f" and {len(again) - _PLANNING_MOST} more" if len(again) > _PLANNING_MOST else ""
        return [size, *([changed] if again else []), *self.power()]

    def power(self) -> list[str]:
        """The power of the primary endpoint, in its unit, by the spread over seeds that the study's file states."""
        planned, seeds = self.study.power, self.study.seeds
        if planned is None:
            return ["Power: not known, as the file has no table [power] with a spread over seeds."]
        power = power_of(planned.effect, planned.sd, seeds, PRIMARY_TESTS)
        mde = mde_of(planned.sd, seeds, PRIMARY_TESTS)
        enough = seeds_for(planned.effect, planned.sd, PRIMARY_TESTS)
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
        kept = {key: value for key, value in cell.evaluate.items() if key != "model"}
        spec = from_mapping({**kept, "tasks": [cell.target]}, cell.name)
        check_limits(spec, [registry.load("task", cell.target)])
        for name in {link.name for condition in asked(spec.perturb) for link in condition.cell.links}:
            registry.load("perturbation", name)
        for code in spec.languages:
            language(code.partition("@")[0])
        if cell.train:
            from_tables({**cell.train, "out": cell.name}, cell.name)
    except (SpecError, UnknownName) as error:
        raise SpecError(f"{cell.name}: {str(error).removeprefix(f'{cell.name}: ')}") from error


_LEARNING: Final = 6
"""Operations of forward and backward pass for each token and parameter (Kaplan et al. 2020, arXiv 2001.08361)."""

_LENGTH, _CAPTION = 256, 20
"""Tokens of an input whose data are not in a suite, an upper bound for most tasks, and of a caption."""

_LETTERS, _OF_FAMILY = 5.4, {"tagging": 14, "classification": 7.3, "choice": 3.3}
"""Characters of a row of a suite for each token that is read of it, as in the bundled ones."""

_CORE: Final = {"-32": 3.2e-5, "-64": 4.4e-5, "": 8e-5, "-128": 8e-5, "-192": 1.8e-4}
"""Seconds of a core to learn from a token, by the size of a bundled encoder, as processor time on a machine of two."""

_ANSWER, _CELL = 1e-3, 4.0
"""Seconds of that core for a prediction without the encoder's, and for what each cell reads and writes."""

_MOST: Final = 10**12


class StageCost(NamedTuple):
    """A stage that cells of an arm share; steps are 0 if unknown, and `size` is the end of a bundled encoder's name."""

    arm: str
    kind: str
    seeds: int
    steps: int
    tokens: int
    size: str | None


def cost_lines(plan: StudyPlan) -> list[str]:
    """The cost of what is to do, a line for each kind of stage and one for all."""
    if not plan.todo:
        return []
    with own_tasks(plan.study.data):
        data = open_source(plan.study.data, offline=True)
        suite = data if isinstance(data, Suite) else None
        stages = list(_stages(plan, suite))
        several = [_evaluated(cell, suite) for cell in plan.todo]
    kinds = dict.fromkeys(stage.kind for stage in stages)
    lines = [_line(kind, [stage for stage in stages if stage.kind == kind]) for kind in kinds]
    known = [each for each in several if each]
    most = f", at most {sum(number for number, _ in known):,} predictions" if len(known) == len(several) else ""
    lines.append(f"evaluation: {counted(len(several), 'run')}{most}")
    return [*lines, *([_total(plan.study, stages, known if most else [])] if stages else [])]


def _stages(plan: StudyPlan, suite: Suite | None) -> Iterator[StageCost]:
    """The stages of the chains of one seed, each once; a seed of another number costs the same."""
    learning: dict[tuple[str, str, str], list[StudyCell]] = {}
    for cell in plan.todo:
        if cell.train:
            learning.setdefault((cell.arm, cell.target, cell.language), []).append(cell)
    known: set[tuple[str, str, str]] = set()
    for (arm, target, code), several in learning.items():
        spec = from_tables({**several[0].train, "out": several[0].name}, several[0].name).resolved()
        end = spec.size.removeprefix("mini").removeprefix("-en")
        size = end if spec.start == SCRATCH and end in _CORE else None
        for kind, stage in spec.stages:
            key = (arm, kind, f"{target}{code}" if kind == "target" else "")
            if key not in known:
                known.add(key)
                rows, length = _inputs(stage, suite)
                steps = stage.steps or all(rows) * stage.epochs * sum(ceil(count / stage.batch_size) for count in rows)
                yield StageCost(arm, kind, len(several), steps, round(steps * stage.batch_size * length), size)


def _inputs(stage: StageSpec, suite: Suite | None) -> tuple[list[int], float]:
    """How many examples of each task an epoch has, by a suite's files or published sizes, and their mean tokens."""
    learned = stage.learned()
    sizes = [_size(task, stage.languages or task.train_languages, "train", suite) for task in learned]
    rows = within(stage, [known or task.train_rows for (known, _), task in zip(sizes, learned, strict=True)])
    tokens = sum(count * length for count, (_, length) in zip(rows, sizes, strict=True))
    return rows, tokens / max(1, sum(rows)) or (_CAPTION if stage.pairs else _LENGTH)


def _size(task: TaskSpec, languages: Sequence[str], split: str, suite: Suite | None) -> tuple[int, float]:
    """The rows of a split in a suite, and the tokens of each on average; 0 where it is in none."""
    sizes = [_content(suite.folder / path_of(task, code, split)) for code in languages] if suite else []
    rows, size = (sum(each) for each in zip((0, 0), *sizes, strict=True))
    return rows, size / max(1, rows) / _OF_FAMILY.get(task.family, _LETTERS)


@lru_cache
def _content(path: Path) -> tuple[int, int]:
    """The lines and characters of a file; none where there is no such file."""
    content = path.read_text("utf-8", errors="replace") if path.is_file() else ""
    return content.count("\n"), len(content)


def _line(kind: str, stages: list[StageCost]) -> str:
    steps = sum(stage.steps * stage.seeds for stage in stages)
    tokens = sum(stage.tokens * stage.seeds for stage in stages)
    runs = counted(sum(stage.seeds for stage in stages), "run")
    more = "" if all(stage.steps for stage in stages) else ", and more that are known when their data are read"
    return f"{'masked LM' if kind == 'mlm' else kind}: {runs}, {steps:,} steps, about {tokens:,} tokens{more}"


def _evaluated(cell: StudyCell, suite: Suite | None) -> tuple[int, float] | None:
    """The most predictions of a cell, without queries of an attack, and their tokens; None if rows are not known."""
    task: TaskSpec = registry.load("task", cell.target)
    limits = parse_limits(str(cell.evaluate.get("limit", "")))
    limit = limits.get(cell.target, limits.get(""))
    languages = cell.evaluate.get("languages") or (suite.languages(task) if suite else task.languages)
    every, length = _size(task, languages, "test", suite)
    rows = min(every or _MOST, (limit or _MOST) * len(languages))
    specs = [each.cell for each in asked(cell.evaluate.get("perturb", ()))]
    conditions = 1 + sum(1 if spec.fields else len(task.perturbed) for spec in specs) + (cell.victim is not None)
    predictions = rows * conditions * int(cell.evaluate.get("seeds", 1))
    return (predictions, predictions * length) if rows < _MOST else None


def _total(study: Study, stages: list[StageCost], answers: list[tuple[int, float]]) -> str:
    cores = [_CORE[stage.size] for stage in stages if stage.size is not None]
    if answers and len(cores) == len(stages):
        seconds = sum(core * stage.tokens * stage.seeds for core, stage in zip(cores, stages, strict=True))
        seconds += sum(_CELL + _ANSWER * number + max(cores) / 3 * tokens for number, tokens in answers)
        return f"Time: about {duration(seconds)} of a core to train and evaluate, with more cores as much less."
    if study.cost is None:
        return "Time: not known: the encoder is none of those that ship, and the file has no table [cost]."
    cost = study.cost
    every = sum(
        _LEARNING * stage.tokens * stage.seeds * (study.arms[stage.arm].parameters or cost.parameters)
        for stage in stages
        if stage.arm in study.arms
    )
    hours = every / (cost.tflops * 1e12) / 3600
    return f"Training: about {every:.2g} operations, {hours:,.0f} hours of {cost.device} at {cost.tflops:g} TFLOP/s."
