"""Task runs of noisy sets: the clean items with a partner, their noisy forms, and noise with as many edits beside."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from robust_xtreme.core.errors import MissingData, SpecError, counted
from robust_xtreme.core.examples import Example
from robust_xtreme.core.run_spec import RunSpec, parse_sets
from robust_xtreme.core.specs import PerturbationSpec, parse_match
from robust_xtreme.files.schema import PAIRINGS
from robust_xtreme.noise.conditions.condition import CLEAN, KIND, Condition, Frozen, beside_set, named
from robust_xtreme.noise.conditions.condition import of_set as condition_of_set
from robust_xtreme.noise.conditions.paired import Paired
from robust_xtreme.noise.engine.noising import asks
from robust_xtreme.noise.suites import refusing
from robust_xtreme.run.task_run import TaskRun
from robust_xtreme.stats.benchmark import of_set
from robust_xtreme.tasks.formats import read_file
from robust_xtreme.tasks.noisy.frozen_runs import Key, read_frozen
from robust_xtreme.tasks.noisy.layouts import NoisySet, TaskSplit, read_pairs
from robust_xtreme.tasks.sources.rows import identity_of
from robust_xtreme.tasks.sources.source import Source


@dataclass(frozen=True, slots=True)
class Sets:
    """The noisy sets of a run, and those that a task run was made of; `matches` are the perturbations beside them."""

    source: Source
    sets: tuple[NoisySet, ...]
    matches: tuple[PerturbationSpec, ...]
    seeds: tuple[int, ...]
    is_partial: bool
    frozen: Mapping[Key, Sequence[Frozen]] = field(default_factory=dict)
    used: dict[str, None] = field(default_factory=dict)

    def runs(self, task_run: TaskRun, split: Sequence[Example], examples: Sequence[Example]) -> Iterator[TaskRun]:
        """A task run for each set that has a file of this one, of these `examples`. Raises DataError, UserError."""
        cell = TaskSplit(task_run.task, task_run.language, task_run.split)
        for noisy_set in self.sets:
            if read := read_pairs(noisy_set, cell, self.source, split, self.is_partial):
                path, whole = read
                self.used[noisy_set.name] = None
                kept = whole.of(frozenset(example.id for example in examples))
                if kept.examples:
                    yield self._run(task_run, kept, path)

    def _run(self, task_run: TaskRun, given: Paired, path: Path) -> TaskRun:
        """The task run of a set, with its own items and conditions."""
        cells = [spec for spec in self.matches if not refusing(spec, task_run.task.family)]
        conditions = [replace(named(condition_of_set(given.name), given), seeds=(0,))]
        conditions += [replace(named(beside_set(spec, given.name), given), seeds=self.seeds) for spec in cells]
        of_run = replace(
            task_run,
            split=of_set(task_run.split, given.name),
            data=identity_of(given.examples, None),
            rows=len(given.examples),
            clusters=len({example.cluster for example in given.examples}),
            files=(*task_run.files, (f"{given.name}: {path.name}", read_file(path).sha256)),
            conditions=(Condition(CLEAN), *conditions),
            external=given,
        )
        return replace(of_run, note=_note(of_run, given))

    def frozen_of(self, task_run: TaskRun) -> list[Condition]:
        """The conditions of a task run that have the texts of attacks on another model."""
        given = self.frozen.get((task_run.task.name, task_run.split, *task_run.languages), ())
        sets = {each.name: each for each in given}  # RUN and RUN=ATTACK can name the same texts
        self.used.update(dict.fromkeys(sets))
        return [Condition(name, seeds=each.seeds, frozen=each) for name, each in sets.items()]

    def check_used(self) -> None:
        """Raise MissingData for a set without a file, or texts, of any task and language of the run."""
        attacks = {each.name: each.attack for several in self.frozen.values() for each in several}
        if attacks and self.used.keys().isdisjoint(attacks):
            what = "was run on none of the tasks and languages that are evaluated"
            raise MissingData(f"frozen: {next(iter(attacks.values()))} {what}.")
        for noisy_set in self.sets:
            if noisy_set.name not in self.used:
                raise MissingData(noisy_set.unused())


def sets_of(spec: RunSpec, source: Source, cells: Collection[tuple[str, str]]) -> Sets:
    """The noisy sets that a spec names, for a run of these tasks and languages. Raises SpecError."""
    paths = parse_sets(spec.external)
    matches = tuple(map(parse_match, spec.match))
    for match in matches:
        if asks(match.at("1")):
            raise SpecError(f"match {match}: it asks the model, so that its edits are not those of a strength.")
    sets = tuple(NoisySet(name, Path(path), tuple(cells)) for name, path in paths.items())
    return Sets(source, sets, matches, tuple(range(spec.seeds)), spec.external_partial, read_frozen(spec.frozen))


def conditions_of(task_runs: Sequence[TaskRun]) -> dict[str, dict[str, Any]]:
    """By name of a condition that a set has: its kind, its set and how, least certainly, that is paired."""
    rows: dict[str, dict[str, Any]] = {}
    for name in dict.fromkeys(run.external.name for run in task_runs if run.external):
        sets = [run.external for run in task_runs if run.external and run.external.name == name]
        fields = {given.fields for given in sets}
        share = sum(len(given.pairing.pairs) for given in sets) / sum(given.total for given in sets)
        rows[condition_of_set(name)] = {
            "kind": KIND,
            "name": name,
            "fields": ",".join(fields.pop()) if len(fields) == 1 else None,
            "pairing": max((given.pairing.kind for given in sets), key=PAIRINGS.index),
            "edited_share": share if all(given.is_edited_only for given in sets) else None,
        }
    return rows


def facts(given: Paired) -> dict[str, Any]:
    """The pairs of a task run, as a manifest has them."""
    pairing = given.pairing
    left = {"clean_left": len(pairing.clean_left), "noisy_left": len(pairing.noisy_left)}
    counts = {"pairs": len(pairing.pairs), "items": given.total, **left}
    return {"set": given.name, "pairing": pairing.kind, **counts, "edited_only": given.is_edited_only}


def _note(task_run: TaskRun, given: Paired) -> str:
    """A sentence on the pairs of a set."""
    left = f"{len(given.pairing.clean_left):,} clean and {len(given.pairing.noisy_left):,} noisy items have no partner"
    if refused := given.pairing.refused:
        left += f" ({counted(len(refused), 'noisy one')} refused; the first {refused[min(refused)]})"
    pairs = f"{counted(len(given.pairing.pairs), 'pair')} by {given.pairing.kind}; {left}."
    only = " All its items are edited: its drop is that of edited items." if given.is_edited_only else ""
    return f"{task_run.label}: {pairs}{only}"
