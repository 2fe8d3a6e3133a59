"""Makes the texts of examples again, clean and noisy, from the spec and the data of a run; no model is loaded."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import polars as pl

from robust_xtreme.core import packs, registry
from robust_xtreme.core.edits import Edit
from robust_xtreme.core.errors import Mismatch, RobustXtremeError, UserError
from robust_xtreme.core.examples import Corpus, Example, Text
from robust_xtreme.core.run_spec import RunSpec, from_toml, parse_sets
from robust_xtreme.core.specs import CANDIDATE, Origin, TaskSpec
from robust_xtreme.files.manifest import IMPORTED, check_file
from robust_xtreme.noise.conditions.condition import FROZEN, LIKE, Condition, Frozen, named
from robust_xtreme.noise.conditions.paired import Paired, as_many
from robust_xtreme.noise.engine.noised import Noised
from robust_xtreme.noise.engine.noising import asks, noise_texts
from robust_xtreme.noise.engine.options import with_edits
from robust_xtreme.noise.engine.realised import TOKENS
from robust_xtreme.noise.user_packs import using
from robust_xtreme.stats.benchmark import clean_split
from robust_xtreme.tasks.adapters.own import own_tasks
from robust_xtreme.tasks.noisy.frozen_runs import read_frozen
from robust_xtreme.tasks.noisy.layouts import NoisySet, TaskSplit, read_pairs
from robust_xtreme.tasks.sources.rows import clusters_version, identity_of, limit
from robust_xtreme.tasks.sources.source import Pools, Source, Split, load, open_source

RUN: Final = "run.toml"
_DIGITS: Final = 6

Kept = Mapping[tuple[str, str, str], Split]
"""The evaluated examples of task runs that are in memory, by the names of their task, language and split."""

Key = tuple[str, int, str]
"""The address of a cell, a noise seed, and the id of an example."""


@dataclass(frozen=True, slots=True)
class Remade:
    """An example, clean and noisy, with the outcomes of its texts and of `passages` of the corpus, by their ids."""

    task: TaskSpec
    clean: Example
    noisy: Example
    fields: tuple[str, ...]
    outcomes: Mapping[str, Noised]
    documents: Mapping[str, Noised]
    passages: Mapping[str, int] = field(default_factory=dict)

    def outcome(self, name: str) -> Noised:
        """What became of a field."""
        text = self.clean.texts[name]
        return self.outcomes[text.id] if name in self.fields else _unchanged(text)


def _unchanged(text: Text) -> Noised:
    return Noised(text, text, "unchanged", 0, {}, 0, 0, 0, 0)


def spec_of(folder: Path, manifest: Mapping[str, Any]) -> RunSpec:
    """What a run was asked for; remote code is not run. Raises UserError where it was imported.

    Raises DataError where its file was changed, SpecError.
    """
    if IMPORTED in manifest:
        raise UserError(f"{folder} is an imported run, which has no texts. See them where they were evaluated.")
    check_file(folder, RUN, manifest)
    return from_toml(folder / RUN, runs=False, trust_remote_code=False)


def key_of(row: Mapping[str, Any]) -> Key:
    """The key of a chosen example."""
    return row["address"], row["noise_seed"], row["example"]


def texts_of(
    chosen: pl.DataFrame,
    spec: RunSpec,
    manifest: Mapping[str, Any],
    kept: Kept = MappingProxyType({}),
    watch: Callable[[str], None] = lambda _: None,
) -> tuple[dict[Key, Remade], tuple[str, ...]]:
    """The chosen examples made again. What is not in `kept` is read again; `watch` gets what comes next.

    What cannot be made again is left out, and a line for each task and language says why: data that are missing or
    changed, edits that are others now.
    """
    remade: dict[Key, Remade] = {}
    problems: list[str] = []
    try:
        with ExitStack() as stack:
            stack.enter_context(using(*spec.packs))
            stack.enter_context(own_tasks(spec.data))
            if packs.identity() != manifest.get("packs", ""):
                raise Mismatch("The contents of the run's --packs changed since.")
            source = open_source(spec.data, offline=True)
            units = tuple(dict.fromkeys((unit["task"], unit["language"]) for unit in manifest.get("units", ())))
            sets = {name: NoisySet(name, Path(path), units) for name, path in parse_sets(spec.external).items()}
            maker = _Maker(spec, source, Pools(source), kept, sets)
            names = ("task", "split", "language", "context_language")
            groups = chosen.partition_by([f"cell_{name}" for name in names], as_dict=True)
            for unit in (unit for unit in manifest.get("units", ()) if _cell_key(unit) in groups):
                watch(f"{unit['task']} {unit['language']}")
                try:
                    remade |= maker.remade(unit, groups[_cell_key(unit)].to_dicts())
                except (RobustXtremeError, OSError) as error:
                    problems.append(f"{unit['task']} {unit['language']}: no texts are shown. {error}")
    except (RobustXtremeError, OSError) as error:
        problems.append(f"No texts are shown. {error}")
    return remade, tuple(problems)


def _cell_key(unit: Mapping[str, Any]) -> tuple[str, str, str, str]:
    """Task, split and both languages of a task run."""
    origin = Origin(unit["task"], unit["split"], unit["language"])
    return origin.task, origin.split, origin.question, origin.context


@dataclass(frozen=True, slots=True)
class _Maker:
    """Makes examples of a run again; `last` is the split that was read last."""

    spec: RunSpec
    source: Source
    pools: Pools
    kept: Kept
    sets: Mapping[str, NoisySet]
    last: dict[tuple[str, str, str], Split] = field(default_factory=dict)

    def remade(self, unit: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> dict[Key, Remade]:
        """The examples of a task run. Raises DataError, MissingData, and Mismatch where data or edits are others."""
        task: TaskSpec = registry.load("task", unit["task"])
        examples, corpus, given = self._data(task, unit)
        by_id = {example.id: example for example in examples}
        made: dict[Key, Remade] = {}
        frozen: dict[str, Frozen] = {}
        if any(row["cell_condition"].startswith(FROZEN) for row in rows):
            frozen = {each.name: each for each in read_frozen(self.spec.frozen).get(_cell_key(unit), ())}
        groups: dict[tuple[str, int], list[Mapping[str, Any]]] = {}
        for row in rows:
            groups.setdefault((row["cell_condition"], row["noise_seed"]), []).append(row)
        for (name, seed), alike in groups.items():
            condition = Condition(name, frozen=frozen[name]) if name in frozen else _condition(name, given, alike[0])
            clean = [by_id[row["example"]] for row in alike if row["example"] in by_id]
            if len(clean) < len(alike):
                raise Mismatch("An example of the run is not in its data.")
            documents = _documents(corpus, condition, seed, alike) if corpus else {}
            passages = corpus.passages if corpus else {}
            for row, shown in zip(alike, _shown(clean, condition, seed, alike), strict=True):
                example, noisy, outcomes = shown
                remade = Remade(task, example, noisy, condition.fields, outcomes, documents, passages)
                _check(row, remade)
                made[key_of(row)] = remade
        return made

    def _data(self, task: TaskSpec, unit: Mapping[str, Any]) -> tuple[Sequence[Example], Corpus | None, Paired | None]:
        """The examples of a task run, its candidates and its noisy set."""
        if kept := self.kept.get((task.name, unit["language"], unit["split"])):
            return kept.examples, kept.corpus, None
        name = clean_split(unit["split"])
        names = task.name, unit["language"], name
        if names not in self.last:
            self.last.clear()
            self.last[names] = load(task, self.source, unit["language"], name, self.pools)
        split = self.last[names]
        examples = limit(split.examples, self.spec.limit_of(task.name))
        if "external" not in unit:
            _check_data(unit, examples, split)
            return examples, split.corpus, None
        noisy_set = self.sets[unit["external"]["set"]]
        cell = TaskSplit(task, unit["language"], name)
        pairs = read_pairs(noisy_set, cell, self.source, split.examples, self.spec.external_partial)
        if pairs is None:
            raise Mismatch(f"{noisy_set.path} has no file of it any more.")
        given = pairs[1].of(frozenset(example.id for example in examples))
        _check_data(unit, given.examples, replace(split, corpus=None))
        return given.examples, None, given


def _check_data(unit: Mapping[str, Any], examples: Sequence[Example], split: Split) -> None:
    """Raise Mismatch naming the file that changed since the run, where one did."""
    if (identity := identity_of(examples, split.corpus)) == unit["data"]:
        return
    what = "The data" if clusters_version(identity) == clusters_version(unit["data"]) else "The rule of clusters"
    before = {file["path"]: file["sha256"] for file in unit.get("files", ())}
    changed = [name for name, sha256 in split.files if before.get(name, sha256) != sha256]
    raise Mismatch(f"{changed[0] if changed else what} changed since the run.")


def _condition(name: str, given: Paired | None, row: Mapping[str, Any]) -> Condition:
    """The condition of an example. Raises Mismatch where it needs edits of an attack, which the run does not have."""
    if name.startswith(FROZEN):
        raise Mismatch(f"The run of frozen texts has other texts than {name}.")
    attack = row["attack"] or ""
    if LIKE in name and not attack:
        raise Mismatch(f"{name} needs the edits of the attack, which are not in the run's folder.")
    condition = named(name, given, attack)
    return condition if attack else _drawn(condition, row["nominal"])


def _drawn(condition: Condition, nominal: str | None) -> Condition:
    """A condition as drawn: a share of tokens at the strength that it was solved for. Raises Mismatch for an attack."""
    spec = condition.spec
    if spec is None:
        return condition
    if spec.links[-1].axis == TOKENS and nominal:
        return replace(condition, spec=spec.at(nominal))
    if asks(spec):
        raise Mismatch(f"The edits of {condition.name} are not in the run's folder.")
    return condition


def _shown(
    clean: Sequence[Example], condition: Condition, seed: int, rows: Sequence[Mapping[str, Any]]
) -> Iterator[tuple[Example, Example, Mapping[str, Noised]]]:
    """Each of the clean examples, the same under a condition, and the outcomes of its texts, by their ids."""
    if condition.frozen:
        edits: list[Sequence[Edit]] = [condition.frozen.of(example, seed) for example in clean]
    elif rows[0]["changes"] is not None:
        edits = [[Edit(*each) for each in json.loads(row["changes"])] for row in rows]
    else:
        distinct = tuple({example.id: example for example in clean}.values())
        shown = condition.shown(distinct, seed)
        outcomes, noisy = {noised.clean.id: noised for noised in shown.noised}, {each.id: each for each in shown}
        yield from ((example, noisy[example.id], outcomes) for example in clean)
        return
    shown = with_edits(clean, condition.fields, edits)
    if condition.matches and condition.spec:  # the noise that edits as many clusters as the attack
        many = shown.noised.counts.graphemes_edited
        shown = replace(shown, noised=as_many(shown.noised.clean, many, condition.spec, seed))
    for at, (example, noisy_one) in enumerate(zip(clean, shown, strict=True)):
        texts = [shown.noised[number] for column in shown.numbers.values() if (number := int(column[at])) >= 0]
        yield example, noisy_one, {noised.clean.id: noised for noised in texts}


def _documents(corpus: Corpus, condition: Condition, seed: int, rows: Sequence[Mapping[str, Any]]) -> dict[str, Noised]:
    """The outcomes of the documents of a pool that are right for some examples, or that were found first."""
    wanted: set[str] = set()
    for row in rows:
        wanted.update(json.loads(row["gold"]))
        for name in ("prediction", "prediction_clean"):
            wanted.update(json.loads(row[name] or "[]")[:1])
    texts = [text for text in corpus.texts if text.id in wanted]
    if condition.spec is None or CANDIDATE not in condition.fields:
        return {text.id: _unchanged(text) for text in texts}
    return {outcome.clean.id: outcome for outcome in noise_texts(texts, condition.spec, seed)}


def _check(row: Mapping[str, Any], remade: Remade) -> None:
    """Raise Mismatch naming the example where its edits are not those of the run."""
    measured = [remade.outcome(name) for name in remade.fields if name != CANDIDATE]
    if CANDIDATE in remade.fields:
        measured += [remade.documents[id] for id in json.loads(row["gold"])]
    operators = sum((Counter(noised.edits) for noised in measured), Counter[str]())  # of those that edited anything
    same = True
    for unit in ("grapheme", "word"):
        edited, whole = (sum(getattr(it, name) for it in measured) for name in (f"{unit}s_edited", f"{unit}s"))
        same &= round(row[f"{unit}_edit_rate"], _DIGITS) == round(edited / whole if whole else 0.0, _DIGITS)
    if json.loads(row["operators"]) != operators or not same:
        what = "The noise made again has other edits than the run"
        raise Mismatch(f"{what} in {row['example']}: the program, its packs or a library changed since.")
