"""Plans a run: its task runs (a task in a language) with all their conditions, and what it leaves out."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, Final

from robust_xtreme.attack import recipes
from robust_xtreme.core import registry
from robust_xtreme.core.errors import DataError, MissingData, ModelError, SpecError, UserError, counted, nearest
from robust_xtreme.core.examples import RETRIEVAL, SPAN_QA, TAGGING, Corpus, Document, Example, Text, kind_of
from robust_xtreme.core.languages import codes
from robust_xtreme.core.metric import FOUND, ORDERED
from robust_xtreme.core.run_spec import MINI, RunSpec, parse_dims, parse_lengths, parse_limits
from robust_xtreme.core.specs import BITEXT, CANDIDATE, OWN, PerturbationSpec, TaskSpec
from robust_xtreme.files.schema import FAILED, UNREADABLE
from robust_xtreme.models.config import fitted, in_units, longest, too_long, with_length
from robust_xtreme.models.folder import Located
from robust_xtreme.models.functions import GIVEN, RERANK, Function
from robust_xtreme.models.labels import label_sets, outside, unsupported_labels, unsupported_note
from robust_xtreme.models.located import default_tasks, locate_all, served
from robust_xtreme.models.origin import GivenModels, InMemory, given_models
from robust_xtreme.models.predictors.predictor import Embedding, nowhere, predictor_of
from robust_xtreme.models.reading.tokens import Lexicon, backend_of
from robust_xtreme.models.retrieval.embeddings import dtype_for
from robust_xtreme.models.stages import overlap
from robust_xtreme.models.tensors import DEFAULT, Representation
from robust_xtreme.models.tokenizer import MISPLACED, UNKNOWN_TOKENS, leave_out_misplaced, tokenizer_of, unreadable
from robust_xtreme.noise.conditions.condition import CLEAN, Condition, beside_attack
from robust_xtreme.noise.engine.attack import LIBRARY, is_recipe
from robust_xtreme.noise.engine.noising import asks, bound, noise_texts, solved, unattainable
from robust_xtreme.noise.engine.realised import TOKENS
from robust_xtreme.noise.suites import SuiteCell, asked, check_families, refusing, unsupported
from robust_xtreme.run.external import Sets, sets_of
from robust_xtreme.run.folder import check_read
from robust_xtreme.run.task_run import Splits, TaskRun, needs_vectors, target_of
from robust_xtreme.tasks.adapters.own import clusters_note
from robust_xtreme.tasks.groups import chosen, with_own_data
from robust_xtreme.tasks.sources import survey
from robust_xtreme.tasks.sources.dataset import Hub
from robust_xtreme.tasks.sources.release import Release
from robust_xtreme.tasks.sources.rows import identity_of, limit, limit_note
from robust_xtreme.tasks.sources.source import Pools, Source, fetch, languages_of, open_source

NOT_APPLICABLE: Final = "not_applicable"
TOO_LONG: Final = "too_long"
OF_MODEL: Final = (FAILED, TOO_LONG, MISPLACED, UNKNOWN_TOKENS)
"""Reasons for which a cell is not run that its model alone shows."""


@dataclass(frozen=True, slots=True)
class NotRun:
    """A requested cell that is not computed, with the reason and a sentence about it."""

    task: str
    language: str
    split: str
    reason: str
    detail: str
    condition: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """The task runs of a run, in order; `splits` contains the data read for it."""

    spec: RunSpec
    tasks: tuple[TaskSpec, ...]
    task_runs: tuple[TaskRun, ...]
    not_run: tuple[NotRun, ...]
    splits: Splits


def make_plan(
    spec: RunSpec,
    in_memory: InMemory | None = None,
    keep_going: bool = False,
    foreseen: Callable[[float], None] = lambda _: None,
) -> Plan:
    """Resolve every name of a spec and read the data; with `keep_going` without files that cannot be read.

    `foreseen` gets the predictions of all languages by those that are read, after each.
    Raises SpecError, UnknownName, ModelError, UnreadableFiles, and MissingData where nothing is left to evaluate.
    """
    representation = Representation.parse(spec.representation) if spec.representation else DEFAULT
    source = open_source(spec.data, offline=spec.offline)
    groups = chosen(spec.tasks)
    asked = tuple(registry.load("task", name) for name in groups)
    given = given_models(spec, in_memory)
    able = default_tasks(given)
    if isinstance(source, Release) and (own := tuple(task for task in able if OWN in task.groups)):
        able = own  # a corpus of the user's, beside which no other task is looked for
    tasks = asked or tuple(task for task in able if languages_of(task, source))
    if not tasks:  # `locate_all` names tasks of the data that no model has a head for, instead of tasks without data
        unanswered = (task for task in with_own_data() if not served(given, task))
        tasks = tuple(task for task in unanswered if languages_of(task, source)) or able
    _check_limits(spec, tasks)
    lengths = parse_lengths(spec.max_length)
    tasks = tuple(with_length(task, lengths[task.name]) if task.name in lengths else task for task in tasks)
    models, skipped = _models(spec, given, tasks)
    tasks = tuple(task for task in tasks if task.name in models)
    tasks = tuple(task if task.name in lengths else in_units(task, models[task.name].config) for task in tasks)
    conditions, without = _conditions(spec, tasks, models)
    skipped += without
    task_runs: list[TaskRun] = []
    splits = Splits(spec, Pools(source))
    languages_of_task = {task.name: _languages(spec, task, source, groups.get(task.name, ())) for task in tasks}
    sets = sets_of(spec, source, [(name, code) for name, codes in languages_of_task.items() for code in codes])
    for match in sets.matches:
        check_cell(match.at("1"), tasks)
    read, count = 0, sum(map(len, languages_of_task.values()))
    for task in tasks:
        languages = languages_of_task[task.name]
        fetch(task, source, spec.split, languages)
        for language in languages:
            made, left = _task_runs(splits, sets, conditions[task.name], task, language, models[task.name])
            skipped += left
            for task_run in made:
                dims = _dims(task_run, spec)
                task_runs.append(replace(task_run, inference=_inference(task_run, spec, representation), dims=dims))
            read += 1
            foreseen(sum(task_run.predictions for task_run in task_runs) / read * count)
    check_read(tuple(splits.unread), len(task_runs), keep_going)
    if not task_runs:
        raise _nothing_left(spec, source, skipped)
    _check_used(spec, task_runs)
    if given.reranker and not any(run.model.reranker for run in task_runs):
        raise SpecError(f"{given.reranker.name} scores what a search found, and no task here has one. Leave it out.")
    sets.check_used()
    skipped += _unmatched(task_runs, sets)
    return Plan(spec, tasks, tuple(task_runs), tuple(skipped), splits)


def unasked(spec: RunSpec, manifest: Mapping[str, Any]) -> tuple[RunSpec, InMemory]:
    """The spec of a run with a function in the place of each model, which a plan never calls, and these functions."""
    if of_model := [each for each in spec.perturb if re.search("@(realised=tokens|similar)", each)]:
        raise MissingData(f"The noise {of_model[0]} depends on the model. Name it: --model NAME")
    tasks: list[TaskSpec] = [registry.load("task", name) for name in manifest["tasks"]]
    given = {f"{GIVEN}{task.family}": Function(list, "stored", task.family, "1", "", 1) for task in tasks}
    models = tuple(f"{task.name}={GIVEN}{task.family}" for task in tasks)
    for name in {str(model["reranker"]) for model in manifest["models"] if "reranker" in model}:
        given[f"{RERANK}={GIVEN}"] = Function(list, name, RETRIEVAL.name, "1", "", 1, RERANK)
        models = (*models, f"{RERANK}={GIVEN}")
    fewer = {
        task.name: f"{task.name}={','.join(names)}"
        for task in tasks
        for names in label_sets(task)
        if unsupported_note(names, task) in manifest.get("notes", ())
    }
    named = replace(spec, model=models, labels=tuple(fewer.values()), revision=())
    return replace(named, precision="fp32", compile=False, scores=False), given


def _unmatched(task_runs: Sequence[TaskRun], sets: Sets) -> list[NotRun]:
    """The perturbations that have no meaning in a task, and so are not drawn beside its noisy sets."""
    named = {(run.task.name, run.split, run.external.name): run.task for run in task_runs if run.external}
    left: list[NotRun] = []
    for ((_, split, of_set), task), match in product(named.items(), sets.matches):
        if name := refusing(match, task.family, task.name):
            why = f"{name} has no meaning in {task.family}: the match {match} is not drawn beside {of_set}"
            cell = f"{match}@matched={of_set}"
            left.append(NotRun(task.name, "", split, NOT_APPLICABLE, f"{task.name}: {why}.", cell))
    return left


def _nothing_left(spec: RunSpec, source: Source, skipped: Sequence[NotRun]) -> UserError:
    """Why nothing is left to evaluate: words that models do not know before files, existing ones before absent ones."""
    if unread := [cell.detail for cell in skipped if cell.reason == UNKNOWN_TOKENS]:
        others = f" ({counted(len(unread) - 1, 'more language')} likewise)" if len(unread) > 1 else ""
        return ModelError(f"{unread[0]}{others} Use a model of these languages, or another --languages.")
    telling = min(skipped, key=lambda cell: cell.reason not in (survey.UNLABELLED, survey.VERSION))
    if spec.data == MINI and spec.model == (MINI,):
        what = "mini, the default where no model and no data are named"
        return MissingData(f"Nothing is left to evaluate under {what}: add --model NAME --data DIR. {telling.detail}")
    if not spec.tasks and {cell.reason for cell in skipped} == {survey.MISSING}:
        step = f"Name a file of rows with its columns: --data {spec.data}/FILE --fields TEXT --gold LABEL"
        return MissingData(f"No file under {spec.data} is one that tasks read. {step}. {source.remedy}")
    remedy = f" {source.remedy}" if source.splits(registry.load("task", telling.task)) else ""
    return MissingData(f"Nothing is left to evaluate under {spec.data}: {telling.detail}{remedy}")


def _models(spec: RunSpec, given: GivenModels, tasks: Sequence[TaskSpec]) -> tuple[dict[str, Located], list[NotRun]]:
    """The model of each task, and the tasks that none serves. Raises ModelError or SpecError for those named."""
    unsupported = [task for task in tasks if task.name not in spec.tasks and spec.tasks and not served(given, task)]
    kept = [task for task in tasks if task not in unsupported] or tasks
    why = {False: "has a head for it", True: "says how a text becomes a vector (the key representation names a way)"}
    left = [
        NotRun(
            task.name,
            "",
            spec.split,
            "no_model",
            f"{task.name}: no model of this run {why[not task.head]}. Add one: --model {task.name}=NAME",
        )
        for task in (() if kept is tasks else unsupported)
    ]
    models = locate_all(given, kept)
    most = {task.name: too_long(task, models[task.name].config) for task in kept if task.name not in spec.tasks}
    longer = [task for task in kept if most.get(task.name)]
    for task in longer if len(longer) < len(kept) else ():
        name, reads = task.name, most[task.name]
        what = f"its inputs have {longest(task)} tokens, but {models.pop(name).origin.typed} reads {reads}"
        line = f'{name}: {what}. To cut them: max_length = ["{name}={reads}"] in a file for --config'
        left.append(NotRun(name, "", spec.split, TOO_LONG, line))
    wrong = leave_out_misplaced(models, spec.tasks)
    return models, left + [NotRun(name, "", spec.split, MISPLACED, line) for name, line in wrong.items()]


def _languages(spec: RunSpec, task: TaskSpec, source: Source, group: Sequence[str]) -> tuple[str, ...]:
    """The requested languages, else those of the group and the source, else one without a name.

    A pair of languages counts for tasks with pairs, and for other tasks only where nothing else is requested.
    """
    wanted = tuple(dict.fromkeys(spec.languages))
    codes(" ".join(code for name in wanted for code in name.split("@")))
    if not task.names_language and len(wanted) != 1:
        raise SpecError(
            f"{spec.data} does not say in which language its queries are. Name it: --languages de, say, or write "
            '"language": "de" in each row.'
        )
    if wanted:
        return tuple(name for name in wanted if task.pairs or "@" not in name) or wanted
    return survey.group_languages(task, source, group) or ("",)


_SURE_OF_NONE: Final = (TAGGING.name, SPAN_QA.name, RETRIEVAL.name)
"""The families whose answers have no score."""


def _check_used(spec: RunSpec, task_runs: Sequence[TaskRun]) -> None:
    """Raise SpecError, one line, where a setting changes nothing that is computed."""
    if spec.seeds > 1 and not (spec.perturb or spec.match):
        raise SpecError(f"--seeds {spec.seeds} draws noise so often, and there is none to draw. Add --perturb SPEC.")
    if spec.external_partial and not spec.external:
        raise SpecError("external_partial is of noisy sets, and none is named. Add --external NAME=PATH.")
    if spec.scores and all(run.task.family in _SURE_OF_NONE or run.model.origin.function for run in task_runs):
        raise SpecError("--scores keeps how sure a model is of labels and choices, and none here gives any.")
    compared = {
        "dims": any(run.dims for run in task_runs),
        "prompts": any(run.pool and not is_ranked(run.model) for run in task_runs),
        "representation": any(run.pool and not run.model.head for run in task_runs),
    }
    for name, used in compared.items():
        if getattr(spec, name) and not used:
            which = "any without a head" if name == "representation" else "any"
            what = f"{name} is of the vectors of texts, and no task here compares {which}"
            raise SpecError(f"{what}. Add --tasks tatoeba, say.")
    idle = {"precision": spec.precision != "fp32", "representation": spec.representation, "compile": spec.compile}
    name = next((name for name, given in idle.items() if given), "")
    if name and all(run.model.origin.function for run in task_runs):
        raise SpecError(f"{name} changes nothing of a function, which computes by itself. Leave it out.")


def _check_limits(spec: RunSpec, tasks: Sequence[TaskSpec]) -> None:
    known = [task.name for task in tasks]
    for option, names in (("limit", parse_limits(spec.limit)), ("max_length", parse_lengths(spec.max_length))):
        for name in names:
            if name and name not in known:
                registry.load("task", name)
                what = f"{option} names {name!r}, but that task is not evaluated"
                raise SpecError(f"{what} (evaluated: {', '.join(known)}).")


def _conditions(
    spec: RunSpec, tasks: Sequence[TaskSpec], models: Mapping[str, Located]
) -> tuple[dict[str, tuple[Condition, ...]], list[NotRun]]:
    seeds = tuple(range(spec.seeds))
    skipped: list[NotRun] = []
    by_task: dict[str, list[Condition]] = {task.name: [Condition(CLEAN)] for task in tasks}
    for request in asked(spec.perturb, spec.keep_names):
        if not request.suite:
            check_cell(request.cell, tasks)
            check_families(request, [(task.family, task.name) for task in tasks if _groups(request.cell, task)])
        before = len(skipped)
        for task in tasks:
            on, left = _applied(request, task, models[task.name], spec.split)
            skipped += left
            for cell in on:
                made = Condition(str(cell), cell, seeds, asks(cell), in_suite=bool(request.suite))
                by_task[task.name] += [made, *(beside_attack(cell, seeds) if made.asks else ())]
        if not request.suite and len(skipped) - before == len(tasks):
            raise SpecError(skipped[-1].detail)
    return {name: tuple(dict.fromkeys(several)) for name, several in by_task.items()}, skipped


def _applied(
    request: SuiteCell, task: TaskSpec, model: Located, split: str
) -> tuple[list[PerturbationSpec], list[NotRun]]:
    """A perturbation on each group of fields that it noises in a task, or the reason why not. Raises UserError."""
    cell, detail = request.cell, ""
    on = [cell.on(*fields) for fields in _groups(cell, task)]
    if not cell.fields and any(len(group) > 1 for group in task.perturbed):
        _check_whole(cell, task)
    if not on:
        detail = f"{task.name} has no field {' and '.join(cell.fields)}: {cell} is not applied to it."
    else:
        if name := refusing(cell, task.family, task.name):
            reason = f"{name} has no meaning in {task.family}"
            detail = f"{task.name}: {reason}: {cell} of {request.suite} is not applied to it."
        elif asks(cell) and (reason := unanswerable(cell, on, task, model)):
            detail = f"{task.name}: {reason}: {cell} is not applied to it."
    return ([], [NotRun(task.name, "", split, NOT_APPLICABLE, detail, str(cell))]) if detail else (on, [])


def _groups(cell: PerturbationSpec, task: TaskSpec) -> Sequence[tuple[str, ...]]:
    """The groups of fields that a perturbation noises in a task; none where it names a field that the task lacks."""
    own = tuple(name for name in task.fields if name in cell.fields)
    return ((own,) if {*own} == {*cell.fields} else ()) if cell.fields else task.perturbed


def _check_whole(cell: PerturbationSpec, task: TaskSpec) -> None:
    """Raise UserError where whole fields are replaced, without a name, in a task that noises several at once."""
    if not asks(cell) and any(link.perturbation.whole(link.params) for link in bound(cell)):
        fields = next(group for group in task.perturbed if len(group) > 1)
        what = f"{cell} replaces the whole {' and '.join(fields)} of {task.name}"
        raise UserError(f"{what}. Name what it replaces: {cell}@fields={fields[-1]}")


def check_cell(cell: PerturbationSpec, tasks: Sequence[TaskSpec]) -> None:
    """Raise UnknownName or SpecError where a perturbation, field or label is not, UserError without a recipe."""
    for link in cell.links:
        registry.load("perturbation", link.name)
    if not asks(cell) and not any(link.axis for link in cell.links):
        noise_texts([Text("check", "en", " ")], cell, 0)
    known = dict.fromkeys(name for task in tasks for name in task.fields)
    if cell.fields and not any(set(cell.fields) <= set(task.fields) for task in tasks):
        raise SpecError(f"No task here has the fields {', '.join(cell.fields)} of {cell}. Known: {', '.join(known)}.")
    if not asks(cell):
        return
    target, labels = target_of(cell), dict.fromkeys(label for task in tasks for label in _classes(task))
    if target and target not in labels:
        what = f"No task here has the label {target!r} of {cell}.{nearest(target, labels)}"
        raise SpecError(f"{what} Known: {', '.join(labels) or 'none'}.")
    if is_recipe(cell.name):
        recipes.check(cell.name.removeprefix(LIBRARY))


def _task_runs(
    splits: Splits, sets: Sets, conditions: Sequence[Condition], task: TaskSpec, language: str, model: Located
) -> tuple[list[TaskRun], list[NotRun]]:
    """A task run, those of noisy sets beside it, and the cells that are left out; none where all of it is left out."""
    spec = splits.spec
    try:
        split = survey.evaluated(task, splits.pools, spec.split, language)
    except DataError as error:
        source = splits.pools.source
        lines = survey.faults(task, source, spec.split, language, error)
        splits.unread |= dict.fromkeys(lines)
        detail = " ".join((f"{task.name} {language}:", *(_in_short(line, source) for line in lines)))
        return [], [NotRun(task.name, language, spec.split, UNREADABLE, detail)]
    if isinstance(split, survey.LeftOut):
        why = _in_short(split.detail, splits.pools.source)
        return [], [NotRun(task.name, language, split.split, split.reason, why)]
    unsupported_tags = unsupported_labels(model.labels, task)
    limited = limit(split.examples, spec.limit_of(task.name))
    examples = outside(limited, unsupported_tags)
    if strange := unreadable(model, task, examples, language):
        return [], [NotRun(task.name, language, split.split, UNKNOWN_TOKENS, strange)]
    uneven = limit_note(f"{task.name} {language}", limited, split.examples)
    task_run = TaskRun(
        task=with_stages(fitted(task, model.config), model),
        language=language,
        split=split.split,
        data=identity_of(examples, split.corpus),
        rows=len(examples),
        clusters=len({example.cluster for example in examples}),
        files=tuple(split.files),
        model=model,
        overlap=overlap(model.run, f"{task.name} {language}", examples, spec.allow_overlap),
        note=" ".join(filter(None, ("" if split.clustered else clusters_note(task), uneven))),
        unsupported=unsupported_tags,
        params=model.params_nonembedding,
        words=kind_of(task.family).words,
    )
    served, left = _served(task_run, (*conditions, *sets.frozen_of(task_run)), split.corpus, examples)
    every = split.examples
    splits.keep(replace(split, examples=examples))
    setting = model.learned.setting(task_run.languages[0])
    made = [with_pool(replace(task_run, conditions=served, setting=setting), split.corpus, examples)]
    for of_set in sets.runs(made[0], every, examples):
        served, more = _served(of_set, of_set.conditions, None, examples)
        made.append(replace(of_set, conditions=served))
        left += more
    # Where nothing else is asked for, the clean split is that of the partners.
    return made[1:] if made[1:] and not (spec.perturb or spec.frozen) else made, left


def with_stages(task: TaskSpec, model: Located) -> TaskSpec:
    """The task, where a reranker answers it with the two parts of its headline metric."""
    parts = tuple(f"{task.metrics[0]}{part}" for part in (FOUND, ORDERED))
    is_parted = model.reranker is not None and {*parts} <= {*registry.names("metric")}
    return replace(task, metrics=(*task.metrics, *parts)) if is_parted else task


def is_ranked(model: Located) -> bool:
    """Whether a model is a function that ranks the candidates itself."""
    return model.origin.function is not None and model.origin.function.ranks


def _dims(task_run: TaskRun, spec: RunSpec) -> tuple[int, ...]:
    """The dimensions that are kept of vectors, by the user or the model's folder. Raises SpecError."""
    task, model = task_run.task, task_run.model
    if task.pool is None or is_ranked(model):
        return ()
    dims, width = parse_dims(spec.dims), model.width
    if width and dims and max(dims) > width:
        raise SpecError(f"dims keeps {max(dims)} dimensions, but the vectors of {model.origin.typed} have {width}.")
    if len(dims) > 1 and any(condition.asks for condition in task_run.conditions):
        raise SpecError(f"{task.name}: an attack asks a model about vectors of one size. Name one number in dims.")
    return dims or ((model.sentence.dims,) if model.sentence and model.sentence.dims else ())


def _inference(task_run: TaskRun, spec: RunSpec, wanted: Representation) -> str:
    """The settings of a task run's inference, which name a cell; tuned values are in the manifest."""
    pool, config, function = task_run.task.pool, task_run.model.config, task_run.model.origin.function
    precision = f"precision={spec.precision}" + (" compile=inductor" if spec.compile else "")
    prompts = str(task_run.model.prompts or "")
    if function:
        return " ".join(filter(None, ("function", function.does if function.ranks else "", prompts)))
    if pool is None:
        return f"max_length={task_run.task.max_length} stride={task_run.task.stride} {precision}"
    size, layers, modules = task_run.model.width, config.get("num_hidden_layers"), task_run.model.sentence
    represented = "head" if task_run.model.head else str(wanted)
    if modules:
        represented = f"modules:{modules}"
    elif not task_run.model.head and isinstance(layers, int):
        represented = f"{wanted}(layer {wanted.at(layers)})"
    named = {
        "max_length": f"{task_run.task.max_length}/{pool.max_length}",
        "representation": represented,
        "index": spec.index,
        "vectors": dtype_for(task_run.candidates, size).name,
        **({"threshold": "validation"} if pool.search == BITEXT else {}),
    }
    return " ".join([*(f"{name}={value}" for name, value in named.items()), *filter(None, (prompts, precision))])


def _served(
    task_run: TaskRun, conditions: Sequence[Condition], corpus: Corpus | None, examples: Sequence[Example]
) -> tuple[tuple[Condition, ...], list[NotRun]]:
    """The conditions that support a language of the texts that they noise, and the others with the reason."""
    written = {(name, text.language) for example in examples for name, text in example.texts.items()}
    written |= {(CANDIDATE, text.language) for text in (corpus.texts if corpus else ())}
    served: list[Condition] = []
    left: list[NotRun] = []
    for condition in conditions:
        spoken = sorted({code for name, code in written if name in condition.fields})
        matched = PerturbationSpec.parse(condition.matches) if condition.matches else None
        cells = [cell for cell in (condition.spec, matched) if cell]
        by_cell = [[unsupported(cell, code, condition.in_suite) for code in spoken] for cell in cells]
        if why := next((reasons[0] for reasons in by_cell if reasons and all(reasons)), None):
            detail = f"{task_run.label}: {why[0]} does not serve the language: {why[1]}."
        else:
            condition, problem = resolved(condition, task_run.model, spoken)
            detail = problem and f"{task_run.label}: {problem}."
        if detail:
            cell_left = NotRun(task_run.task.name, task_run.language, task_run.split, NOT_APPLICABLE, detail)
            left.append(replace(cell_left, condition=condition.name))
        else:
            served.append(condition)
    return tuple(served), left


def with_pool(task_run: TaskRun, corpus: Corpus | None, examples: Sequence[Example]) -> TaskRun:
    """The task run with identity and number of its candidates, and a note where its score can be misread."""
    if corpus is None:
        return task_run
    note = ""
    if survey.tuned(task_run.task):
        if task_run.split == "validation":
            note = f"{task_run.label}: scored on the split on which its threshold is tuned."
    elif lost := sum(example.target == Document(()) for example in examples):
        missing = f"{lost} of {task_run.rows} queries have no right candidate in the pool, and count as not found."
        note = f"{task_run.label}: {missing}"
    notes = " ".join(filter(None, (task_run.note, note)))
    return replace(task_run, pool=corpus.identity, candidates=len(corpus.texts), note=notes)


def _in_short(text: str, source: Source) -> str:
    """The first sentence of a reason, without the data folder, because only run.toml contains paths."""
    first = text.partition(" Looked for ")[0].partition(" XTREME's scripts ")[0]
    folder = rf"(?<![\w/.-]){re.escape(str(source))}"
    inside = re.sub(f"{folder}/", "", first)
    return first if isinstance(source, Hub) else re.sub(rf"{folder}(?![\w/-])", "the data folder", inside)


def resolved(condition: Condition, model: Located, languages: Sequence[str]) -> tuple[Condition, str]:
    """A condition at the strength that its share of the model's tokens needs, and why it cannot be drawn, or ""."""
    spec = condition.spec
    if spec is None or spec.links[-1].axis != TOKENS:
        return condition, ""
    if len(languages) != 1:
        return condition, f"{condition.name} is solved for in one language, and the texts are of {len(languages)}"
    if model.origin.function:
        return condition, f"{condition.name} is a share of tokens, and {model.origin.called} is a function without them"
    (link,) = bound(spec)
    lexicon = Lexicon(backend_of(tokenizer_of(model)))

    def tokens(texts: Sequence[str]) -> Mapping[str, Sequence[int]]:
        lexicon.numbers(texts)
        return {text: lexicon.of(text) for text in texts}

    solution = solved(link, languages[0], tokens)
    return replace(condition, spec=spec.at(solution.strength)), unattainable(link, solution)


def unanswerable(cell: PerturbationSpec, on: Sequence[PerturbationSpec], task: TaskSpec, model: Located) -> str:
    """Why an attack, `on` each group of fields, cannot ask a model of a task for what it needs; "": it can."""
    if (target := target_of(cell)) and target not in _classes(task):
        return f"it has no label {target!r}"
    if task.pool is not None and task.pool.search == BITEXT:
        return "its pairs are mined over all sentences at once"
    if is_ranked(model) or model.reranker:
        return f"{model.name.rpartition('@')[0]} ranks by a function, and its rankings have no scores"
    if task.pool is not None and any(CANDIDATE in each.fields for each in on):
        return f"all queries search the same {CANDIDATE}s (name @fields=query)"
    has = task.pool or not model.origin.function
    lacks = needs_vectors(cell) and not (has and isinstance(predictor_of(model, task, nowhere), Embedding))
    return f"what predicts it with {model.name} has no vectors of texts for @similar" if lacks else ""


def _classes(task: TaskSpec) -> tuple[str, ...]:
    """The labels that an attack can want as the answer."""
    return task.labels if kind_of(task.family).indexed else ()
