"""Plans a run: its task runs (a task in a language) with all their conditions, and what it leaves out."""

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
    """A condition: clean, or one perturbation at one strength on named fields."""

    name: str
    spec: PerturbationSpec | None = None
    seeds: tuple[int, ...] = (CLEAN_SEED,)

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that are noised; none where the condition is clean."""
        return self.spec.fields if self.spec else ()

    @property
    def asks(self) -> bool:
        """Whether the perturbation queries the model."""
        return self.spec is not None and asks(self.spec)


@final
@dataclass(frozen=True, slots=True)
class NotRun:
    """A requested cell that is not computed, with the reason and a sentence about it."""

    task: str
    language: str
    split: str
    reason: str
    detail: str
    condition: str = ""


@final
@dataclass(frozen=True, slots=True)
class TaskRun:
    """One model, task and language with all conditions, which are batched, written and resumed together.

    `pool` is the identity of the candidates, if any, and `candidates` their number; `note` describes what the pool does
    not contain. `unserved` are names of conditions that would not change any text of it.
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
        """The name in progress and log."""
        return f"{self.task.name} {self.language}"

    @property
    def languages(self) -> tuple[str, str]:
        """The languages of the question and of the context."""
        origin = Origin(self.task.name, self.split, self.language)
        return origin.question, origin.context


@final
@dataclass(frozen=True, slots=True)
class Plan:
    """The task runs of a run, in order; `pools` and `splits` contain the data read for it."""

    spec: RunSpec
    tasks: tuple[TaskSpec, ...]
    conditions: Mapping[str, tuple[Condition, ...]]
    task_runs: tuple[TaskRun, ...]
    not_run: tuple[NotRun, ...]
    pools: Pools
    splits: Splits

    def of(self, task_run: TaskRun) -> tuple[Condition, ...]:
        """The conditions of a task run."""
        return tuple(
            condition for condition in self.conditions[task_run.task.name] if condition.name not in task_run.unserved
        )


def make_plan(spec: RunSpec) -> Plan:
    """Resolve every name of a spec and read the data. Nothing is computed.

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
    task_runs: list[TaskRun] = []
    pools, splits = Pools(source), Splits()
    for task in tasks:
        languages = _languages(spec, task, source, groups.get(task.name, ()))
        fetch(task, source, spec.split, languages)
        for language in languages:
            task_run, left = _task_run(spec, pools, splits, conditions[task.name], task, language, models[task.name])
            task_runs += [task_run] if task_run else []
            skipped += left
    if not task_runs:
        _check_readable(skipped)
        # an existing file is reported before absent ones
        telling = min(skipped, key=lambda cell: cell.reason not in (UNLABELLED, VERSION))
        remedy = f" {source.remedy}" if source.splits(registry.load("task", telling.task)) else ""
        raise MissingData(f"Nothing is left to evaluate under {spec.data}: {telling.detail}{remedy}")
    return Plan(spec, tasks, conditions, tuple(task_runs), tuple(skipped), pools, splits)


def _models(spec: RunSpec, given: Given, tasks: Sequence[TaskSpec]) -> tuple[dict[str, Located], list[NotRun]]:
    """The model of each task. A task of a group that no model serves is left out and reported.

    Raises ModelError or SpecError for a task that was named explicitly, and where none is left.
    """
    unsupported = [task for task in tasks if task.name not in spec.tasks and spec.tasks and not served(given, task)]
    kept = [task for task in tasks if task not in unsupported] or tasks
    left = [] if kept is tasks else [_without_model(task, spec.split) for task in unsupported]
    return locate_all(given, kept), left


def _without_model(task: TaskSpec, split: str) -> NotRun:
    detail = f"{task.name}: no model of this run has a head for it. Add one: --model {task.name}=NAME"
    return NotRun(task.name, "", split, "no_model", detail)


def _languages(spec: RunSpec, task: TaskSpec, source: Source, group: Sequence[str]) -> tuple[str, ...]:
    """The requested languages, else those of the group and the source, else one without a name.

    A pair of languages counts for tasks with pairs, and for other tasks only where nothing else is requested.
    """
    wanted = tuple(dict.fromkeys(spec.languages))
    codes(" ".join(code for name in wanted for code in name.split("@")))
    if wanted:
        return tuple(name for name in wanted if task.pairs or "@" not in name) or wanted
    return group_languages(task, source, group) or ("",)


def _check_readable(skipped: Sequence[NotRun]) -> None:
    """Raise ModelError where the models' vocabularies do not contain the words of the data."""
    unread = [cell.detail for cell in skipped if cell.reason == UNKNOWN_TOKENS]
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
    by_task: dict[str, list[Condition]] = {task.name: [Condition(CLEAN)] for task in tasks}
    for request in asked(spec.perturb):
        if not request.suite:
            check_cell(request.cell, tasks)
        for task in tasks:
            on, left = _applied(request, task, spec.split)
            skipped += left
            by_task[task.name] += [Condition(str(cell), cell, seeds) for cell in on]
    return {name: tuple(dict.fromkeys(several)) for name, several in by_task.items()}, skipped


def _applied(request: Asked, task: TaskSpec, split: str) -> tuple[list[PerturbationSpec], list[NotRun]]:
    """A perturbation on each group of fields that it noises in a task, or the reason why it is not applied.

    Raises UserError where it was named explicitly and has no meaning in the task.
    """
    on = [request.cell.on(*fields) for fields in _groups(request.cell, task)]
    if not on:
        return [], [_without_fields(request.cell, task, split)]
    check_family(request, task.family, task.name)
    if name := refusing(request.cell, task.family):
        reason = f"{name} has no meaning in {task.family}"
        detail = f"{task.name}: {reason}: {request.cell} of {request.suite} is not applied to it."
        return [], [NotRun(task.name, "", split, NOT_APPLICABLE, detail, str(request.cell))]
    return on, []


def _groups(cell: PerturbationSpec, task: TaskSpec) -> tuple[tuple[str, ...], ...]:
    """The groups of fields that a perturbation noises in a task, one condition each; none where a field is missing."""
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


def _task_run(
    spec: RunSpec,
    pools: Pools,
    splits: Splits,
    conditions: Sequence[Condition],
    task: TaskSpec,
    language: str,
    model: Located,
) -> tuple[TaskRun | None, list[NotRun]]:
    """A task run and its cells that are left out; None where all of it is left out."""
    split = evaluated(task, pools, spec.split, language)
    if isinstance(split, Left):
        return None, [NotRun(task.name, language, split.split, split.reason, _in_short(split.detail, pools.source))]
    examples = limited(split.examples, spec.limit_of(task.name))
    if strange := unreadable(model, examples, language):
        return None, [NotRun(task.name, language, split.split, UNKNOWN_TOKENS, strange)]
    clusters = len({example.cluster for example in examples})
    identity = identity_of(examples, split.corpus)
    shared = overlap(model.run, f"{task.name} {language}", examples, spec.allow_overlap)
    read, files = fitted(task, model.config), tuple(split.files)
    task_run = TaskRun(read, language, split.split, identity, len(examples), clusters, files, model, shared)
    left = _unserved(task_run, conditions, split.corpus, examples)
    task_run = replace(task_run, unserved=tuple(cell.condition for cell in left))
    splits.keep(replace(split, examples=examples))
    return with_pool(task_run, split.corpus, examples), left


def _unserved(
    task_run: TaskRun, conditions: Sequence[Condition], corpus: Corpus | None, examples: Sequence[Example]
) -> list[NotRun]:
    """The conditions that do not support any language of the texts that they noise, with the reason."""
    written = {(name, text.language) for example in examples for name, text in example.texts.items()}
    written |= {(CANDIDATE, text.language) for text in (corpus.texts if corpus else ())}
    unserved: list[NotRun] = []
    for condition in conditions:
        spoken = sorted({code for name, code in written if name in condition.fields})
        reasons = [unsupported(condition.spec, code) for code in spoken] if condition.spec else []
        if reasons and (why := reasons[0]) and all(reasons):
            detail = f"{task_run.label}: {why[0]} does not serve the language: {why[1]}."
            unserved.append(
                NotRun(task_run.task.name, task_run.language, task_run.split, NOT_APPLICABLE, detail, condition.name)
            )
    return unserved


def with_pool(task_run: TaskRun, corpus: Corpus | None, examples: Sequence[Example]) -> TaskRun:
    """The task run with identity and number of its candidates."""
    if corpus is None:
        return task_run
    note = _note(task_run, sum(example.target == Document(()) for example in examples))
    return replace(task_run, pool=corpus.identity, candidates=len(corpus.texts), note=note)


def _note(task_run: TaskRun, lost: int) -> str:
    """A sentence where a retrieval score can be misread. Most sentences to mine from have no partner: no note."""
    if tuned(task_run.task):
        same = task_run.split == "validation"
        return f"{task_run.label}: scored on the split on which its threshold is tuned." if same else ""
    missing = f"{lost} of {task_run.rows} queries have no right candidate in the pool, and count as not found."
    return f"{task_run.label}: {missing}" if lost else ""


def identity_of(examples: Sequence[Example], corpus: Corpus | None) -> str:
    """The identity of the evaluated data: examples and candidates."""
    identity = data_identity(examples)
    return identity if corpus is None else digest(identity, corpus.identity)


def _in_short(text: str, source: Source) -> str:
    """The first sentence of a reason, without the data folder, because only run.toml contains paths."""
    first = text.partition(" Looked for ")[0].partition(" XTREME's scripts ")[0]
    if isinstance(source, Hub):
        return first
    return first.replace(f"{source}/", "").replace(str(source), "the data folder")


def limited(examples: Sequence[Example], rows: int | None) -> tuple[Example, ...]:
    """The examples, or whole clusters of them up to a number of rows."""
    return tuple(examples) if rows is None else limit(examples, rows)


def split_of(plan: Plan, task_run: TaskRun) -> Split:
    """The examples of a task run and its candidates: taken from the plan, or read again.

    Raises MissingData where the files no longer exist.
    """
    taken = plan.splits.take(task_run.task.name, task_run.language, task_run.split)
    return taken or read_split(plan.spec, task_run, plan.pools)


def read_split(spec: RunSpec, task_run: TaskRun, pools: Pools | None = None) -> Split:
    """Read the examples of a task run and its candidates. Raises MissingData where the files no longer exist."""
    source = pools.source if pools else open_source(spec.data, offline=spec.offline)
    split = load(task_run.task, source, task_run.language, task_run.split, pools)
    return replace(split, examples=limited(split.examples, spec.limit_of(task_run.task.name)))


def read_examples(spec: RunSpec, task_run: TaskRun) -> tuple[Example, ...]:
    """Read the examples of a task run. Raises MissingData where the files no longer exist."""
    return read_split(spec, task_run).examples


def read_train(spec: RunSpec, task: TaskSpec) -> tuple[Example, ...] | None:
    """The task's training examples in its training languages, for the floors; None where there are none.

    Examples above the family's limit are dropped, whole clusters in hash order. Those of the hub are not fetched; they
    count where they are on this machine.
    """
    most = kind_of(task.family).learned_from
    if not most:
        return None
    source = open_source(spec.data, offline=True)
    languages = [code for code in task.train_languages if source.holds(task, code, "train")]
    examples = tuple(example for code in languages for example in load(task, source, code, "train").examples)
    return limited(examples, most) or None
