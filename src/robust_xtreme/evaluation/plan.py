"""What a run will compute: its units (a task in a language) with all their conditions, and what it leaves out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, final

from robust_xtreme import registry
from robust_xtreme.errors import MissingData, ModelError, SpecError
from robust_xtreme.evaluation.splits import Splits
from robust_xtreme.examples import Corpus, Document, Example, Text, digest
from robust_xtreme.groups import chosen
from robust_xtreme.languages import codes
from robust_xtreme.models.located import Located, default_tasks, locate_all, served
from robust_xtreme.models.origin import Given, given_models
from robust_xtreme.models.towers import fitted
from robust_xtreme.models.trained import overlap
from robust_xtreme.models.vocabulary import UNKNOWN_TOKENS, unreadable
from robust_xtreme.noise.engine.noising import asks, noise_texts
from robust_xtreme.noise.suites import Asked, asked, check_family, refusing, unsupported
from robust_xtreme.run_spec import RunSpec, parse_limits
from robust_xtreme.sources.dataset import Hub
from robust_xtreme.sources.loading import Split, fetch, languages_of, load
from robust_xtreme.sources.pools import Pools
from robust_xtreme.sources.selecting import data_identity, limit
from robust_xtreme.sources.source import Source, open_source
from robust_xtreme.sources.survey import UNLABELLED, VERSION, Left, evaluated, group_languages, tuned
from robust_xtreme.specs import CANDIDATE, Origin, PerturbationSpec, TaskSpec
from robust_xtreme.targets.kinds import kind_of

CLEAN: Final = "clean"
CLEAN_SEED: Final = -1
NOT_APPLICABLE: Final = "not_applicable"


@final
@dataclass(frozen=True, slots=True)
class Condition:
    """One way of presenting the examples: clean, or one perturbation at one strength on named fields."""

    name: str
    spec: PerturbationSpec | None = None
    seeds: tuple[int, ...] = (CLEAN_SEED,)

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that are noised; none where the condition is clean."""
        return self.spec.fields if self.spec else ()

    @property
    def asks(self) -> bool:
        """Whether the model is asked where the examples are drawn."""
        return self.spec is not None and asks(self.spec)


@final
@dataclass(frozen=True, slots=True)
class NotRun:
    """Something that was asked for and is not computed, with the reason and a sentence about it."""

    task: str
    language: str
    split: str
    reason: str
    detail: str
    condition: str = ""


@final
@dataclass(frozen=True, slots=True)
class TaskRun:
    """What is batched, written and resumed together: a model's answers to a task in one language, all conditions.

    `pool` is the identity of the candidates, if any, and `candidates` their number; `note` says what the pool does not have.
    `unserved` are conditions of its task, by name, that would change no text of it.
    """

    task: TaskSpec
    language: str
    split: str
    data: str
    rows: int
    clusters: int
    files: tuple[tuple[str, str], ...]
    model: Located
    overlap: str = ""
    pool: str = ""
    candidates: int = 0
    note: str = ""
    unserved: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """What progress and log call it."""
        return f"{self.task.name} {self.language}"

    @property
    def languages(self) -> tuple[str, str]:
        """The language, and that of the context."""
        origin = Origin(self.task.name, self.split, self.language)
        return origin.question, origin.context


@final
@dataclass(frozen=True, slots=True)
class Plan:
    """A run as it will be computed, in order; `pools` and `splits` contain what was read for it."""

    spec: RunSpec
    tasks: tuple[TaskSpec, ...]
    conditions: Mapping[str, tuple[Condition, ...]]
    units: tuple[TaskRun, ...]
    not_run: tuple[NotRun, ...]
    pools: Pools
    splits: Splits

    def of(self, unit: TaskRun) -> tuple[Condition, ...]:
        """The conditions of a unit."""
        return tuple(one for one in self.conditions[unit.task.name] if one.name not in unit.unserved)


def make_plan(spec: RunSpec) -> Plan:
    """Resolve every name of a spec and look at the data. Nothing is computed.

    Raises SpecError, UnknownName, ModelError, DataError, or MissingData where nothing is left to evaluate.
    """
    source = open_source(spec.data, offline=spec.offline)
    groups = chosen(spec.tasks)
    asked = tuple(registry.load("task", name) for name in groups)
    given = given_models(spec)
    able = default_tasks(given)
    tasks = asked or tuple(task for task in able if languages_of(task, source)) or able
    _check_limits(spec, tasks)
    models, skipped = _models(spec, given, tasks)
    tasks = tuple(task for task in tasks if task.name in models)
    conditions, without = _conditions(spec, tasks)
    skipped += without
    units: list[TaskRun] = []
    pools, splits = Pools(source), Splits()
    for task in tasks:
        languages = _languages(spec, task, source, groups.get(task.name, ()))
        fetch(task, source, spec.split, languages)
        for language in languages:
            found, left = _unit(spec, pools, splits, conditions[task.name], task, language, models[task.name])
            units += [found] if found else []
            skipped += left
    if not units:
        _check_readable(skipped)
        telling = min(
            skipped, key=lambda one: one.reason not in (UNLABELLED, VERSION)
        )  # a file that is there, before absent ones
        remedy = f" {source.remedy}" if source.splits(registry.load("task", telling.task)) else ""
        raise MissingData(f"Nothing is left to evaluate under {spec.data}: {telling.detail}{remedy}")
    return Plan(spec, tasks, conditions, tuple(units), tuple(skipped), pools, splits)


def _models(spec: RunSpec, given: Given, tasks: Sequence[TaskSpec]) -> tuple[dict[str, Located], list[NotRun]]:
    """The model of each task. Where a group brought a task that no model serves, it is left out by name.

    Raises ModelError or SpecError for a task that was named itself, and where none is left.
    """
    unsupported = [task for task in tasks if task.name not in spec.tasks and spec.tasks and not served(given, task)]
    kept = [task for task in tasks if task not in unsupported] or tasks
    left = [] if kept is tasks else [_without_model(task, spec.split) for task in unsupported]
    return locate_all(given, kept), left


def _without_model(task: TaskSpec, split: str) -> NotRun:
    detail = f"{task.name}: no model of this run has a head for it. Add one: --model {task.name}=NAME"
    return NotRun(task.name, "", split, "no_model", detail)


def _languages(spec: RunSpec, task: TaskSpec, source: Source, group: Sequence[str]) -> tuple[str, ...]:
    """The languages to evaluate: those asked for, else those of the group and the source; one without a name at least.

    A pair counts for the tasks that have pairs, and for others only where nothing else was asked for.
    """
    wanted = tuple(dict.fromkeys(spec.languages))
    codes(" ".join(code for one in wanted for code in one.split("@")))
    if wanted:
        return tuple(one for one in wanted if task.pairs or "@" not in one) or wanted
    return group_languages(task, source, group) or ("",)


def _check_readable(skipped: Sequence[NotRun]) -> None:
    """Raise ModelError where what there is to evaluate is in words that the models do not know."""
    unread = [one.detail for one in skipped if one.reason == UNKNOWN_TOKENS]
    if unread:
        others = f" ({len(unread) - 1} more languages likewise)" if len(unread) > 1 else ""
        raise ModelError(f"{unread[0]}{others} Use a model of these languages, or another --languages.")


def _check_limits(spec: RunSpec, tasks: Sequence[TaskSpec]) -> None:
    known = [task.name for task in tasks]
    for name in parse_limits(spec.limit):
        if name and name not in known:
            registry.load("task", name)
            raise SpecError(f"--limit names {name!r}, but that task is not evaluated (evaluated: {', '.join(known)}).")


def _conditions(spec: RunSpec, tasks: Sequence[TaskSpec]) -> tuple[dict[str, tuple[Condition, ...]], list[NotRun]]:
    seeds = tuple(range(spec.seeds))
    skipped: list[NotRun] = []
    found: dict[str, list[Condition]] = {task.name: [Condition(CLEAN)] for task in tasks}
    for one in asked(spec.perturb):
        if not one.suite:
            check_cell(one.cell, tasks)
        for task in tasks:
            on, left = _applied(one, task, spec.split)
            skipped += left
            found[task.name] += [Condition(str(cell), cell, seeds) for cell in on]
    return {name: tuple(dict.fromkeys(several)) for name, several in found.items()}, skipped


def _applied(one: Asked, task: TaskSpec, split: str) -> tuple[list[PerturbationSpec], list[NotRun]]:
    """A cell on each group of fields that it noises in a task; or why it is not applied to that.

    Raises UserError where it was named itself and has no meaning there.
    """
    on = [one.cell.on(*fields) for fields in _groups(one.cell, task)]
    if not on:
        return [], [_without_fields(one.cell, task, split)]
    check_family(one, task.family, task.name)
    if name := refusing(one.cell, task.family):
        detail = f"{task.name}: {name} has no meaning in {task.family}: {one.cell} of {one.suite} is not applied to it."
        return [], [NotRun(task.name, "", split, NOT_APPLICABLE, detail, str(one.cell))]
    return on, []


def _groups(cell: PerturbationSpec, task: TaskSpec) -> tuple[tuple[str, ...], ...]:
    """The groups of fields that a perturbation noises in a task, each a condition; none where it does not have a field."""
    if not cell.fields:
        return task.perturbed
    return (tuple(name for name in task.fields if name in cell.fields),) if set(cell.fields) <= set(task.fields) else ()


def _without_fields(cell: PerturbationSpec, task: TaskSpec, split: str) -> NotRun:
    detail = f"{task.name} has no field {' and '.join(cell.fields)}: {cell} is not applied to it."
    return NotRun(task.name, "", split, NOT_APPLICABLE, detail, str(cell))


def check_cell(cell: PerturbationSpec, tasks: Sequence[TaskSpec]) -> None:
    """Raise UnknownName or SpecError, one line, where a perturbation, option or field does not exist."""
    for link in cell.links:
        registry.load("perturbation", link.name)
    if not asks(cell):
        noise_texts([Text("check", "en", "word")], cell, 0)
    known = dict.fromkeys(name for task in tasks for name in task.fields)
    if cell.fields and not any(set(cell.fields) <= set(task.fields) for task in tasks):
        raise SpecError(f"No task here has the fields {', '.join(cell.fields)} of {cell}. Known: {', '.join(known)}.")


def _unit(
    spec: RunSpec,
    pools: Pools,
    splits: Splits,
    conditions: Sequence[Condition],
    task: TaskSpec,
    language: str,
    model: Located,
) -> tuple[TaskRun | None, list[NotRun]]:
    """A unit, and what of it is left out; none where that is all of it."""
    split = evaluated(task, pools, spec.split, language)
    if isinstance(split, Left):
        return None, [NotRun(task.name, language, split.split, split.reason, _in_short(split.detail, pools.source))]
    examples = limited(split.examples, spec.limit_of(task.name))
    if strange := unreadable(model, examples, language):
        return None, [NotRun(task.name, language, split.split, UNKNOWN_TOKENS, strange)]
    clusters = len({one.cluster for one in examples})
    identity = identity_of(examples, split.corpus)
    shared = overlap(model.run, f"{task.name} {language}", examples, spec.allow_overlap)
    read, files = fitted(task, model.config), tuple(split.files)
    unit = TaskRun(read, language, split.split, identity, len(examples), clusters, files, model, shared)
    left = _unserved(unit, conditions, split.corpus, examples)
    unit = replace(unit, unserved=tuple(one.condition for one in left))
    splits.keep(replace(split, examples=examples))
    return with_pool(unit, split.corpus, examples), left


def _unserved(
    unit: TaskRun, conditions: Sequence[Condition], corpus: Corpus | None, examples: Sequence[Example]
) -> list[NotRun]:
    """The conditions that serve no language of the texts that they noise, and why."""
    written = {(name, text.language) for one in examples for name, text in one.texts.items()}
    written |= {(CANDIDATE, text.language) for text in (corpus.texts if corpus else ())}
    found: list[NotRun] = []
    for one in conditions:
        spoken = sorted({code for name, code in written if name in one.fields})
        reasons = [unsupported(one.spec, code) for code in spoken] if one.spec else []
        if reasons and (why := reasons[0]) and all(reasons):
            detail = f"{unit.label}: {why[0]} does not serve the language: {why[1]}."
            found.append(NotRun(unit.task.name, unit.language, unit.split, NOT_APPLICABLE, detail, one.name))
    return found


def with_pool(unit: TaskRun, corpus: Corpus | None, examples: Sequence[Example]) -> TaskRun:
    """The unit with what is known of its candidates."""
    if corpus is None:
        return unit
    note = _note(unit, sum(one.target == Document(()) for one in examples))
    return replace(unit, pool=corpus.identity, candidates=len(corpus.texts), note=note)


def _note(unit: TaskRun, lost: int) -> str:
    """A sentence where a retrieval score is not what one would take it for; of mined sentences most have no partner."""
    if tuned(unit.task):
        same = unit.split == "validation"
        return f"{unit.label}: judged on the split that its threshold is tuned on." if same else ""
    what = f"{unit.label}: {lost} of {unit.rows} queries have no right candidate in the pool, and count as not found."
    return what if lost else ""


def identity_of(examples: Sequence[Example], corpus: Corpus | None) -> str:
    """The identity of what is evaluated: of the examples, and of the candidates they are searched among."""
    own = data_identity(examples)
    return own if corpus is None else digest(own, corpus.identity)


def _in_short(text: str, source: Source) -> str:
    """The first sentence of why; paths are in run.toml alone, so the data folder is not named."""
    first = text.partition(" Looked for ")[0].partition(" XTREME's scripts ")[0]
    if isinstance(source, Hub):
        return first
    return first.replace(f"{source}/", "").replace(str(source), "the data folder")


def limited(examples: Sequence[Example], rows: int | None) -> tuple[Example, ...]:
    """The examples, or whole clusters of them up to a number of rows."""
    return tuple(examples) if rows is None else limit(examples, rows)


def split_of(plan: Plan, unit: TaskRun) -> Split:
    """The examples of a unit and its candidates: those that the plan read, which it keeps no longer, or read again.

    Raises MissingData where the files are gone.
    """
    taken = plan.splits.take(unit.task.name, unit.language, unit.split)
    return taken or read_split(plan.spec, unit, plan.pools)


def read_split(spec: RunSpec, unit: TaskRun, pools: Pools | None = None) -> Split:
    """The examples of a unit, read again, and its candidates. Raises MissingData where the files are gone."""
    source = pools.source if pools else open_source(spec.data, offline=spec.offline)
    split = load(unit.task, source, unit.language, unit.split, pools)
    return replace(split, examples=limited(split.examples, spec.limit_of(unit.task.name)))


def read_unit(spec: RunSpec, unit: TaskRun) -> tuple[Example, ...]:
    """The examples of a unit, read again. Raises MissingData where the files are gone."""
    return read_split(spec, unit).examples


def read_train(spec: RunSpec, task: TaskSpec) -> tuple[Example, ...] | None:
    """The task's training examples in its training languages, which floors learn from; None where there are none.

    Of more than floors of the family take, whole clusters in hash order. The hub's are not fetched for this: they
    count where they are on this machine.
    """
    most = kind_of(task.family).learned_from
    if not most:
        return None
    source = open_source(spec.data, offline=True)
    found = [code for code in task.train_languages if source.holds(task, code, "train")]
    examples = tuple(one for code in found for one in load(task, source, code, "train").examples)
    return limited(examples, most) or None
