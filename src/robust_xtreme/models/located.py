"""Locate the model of each task: choose it, check its folder, and compute its identity.

A run of `train` contains `RUN/model/` (config, safetensors, tokenizer), `RUN/heads/TASK.safetensors` with `TASK.json`,
and `RUN/stages/`. For a checkpoint with a head of its own see `native`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from robust_xtreme.core import registry
from robust_xtreme.core.errors import ModelError, SpecError
from robust_xtreme.core.specs import OWN, TaskSpec
from robust_xtreme.core.targets.kinds import kind_of
from robust_xtreme.models.checkpoint import Checkpoint, load
from robust_xtreme.models.encoder import encoder_identity, text_facts
from robust_xtreme.models.labels import called_otherwise, check_agrees, check_clear, mapped, may_fit, relabelled
from robust_xtreme.models.learned import OPTION, Learned, of_checkpoint
from robust_xtreme.models.native import (
    family_of,
    instead,
    is_native,
    native_files,
    read_bare,
    read_native,
    train_command,
)
from robust_xtreme.models.on_disk import Located, Native
from robust_xtreme.models.origin import HOW_TO_TRAIN, IN_MEMORY, GivenModels, ModelOrigin, check_tasks, local
from robust_xtreme.models.trained import languages_of
from robust_xtreme.models.verify import check_hashes
from robust_xtreme.models.weights import (
    check_config,
    check_types,
    check_weights,
    identity,
    model_files,
    read_json,
    weight_files,
)
from robust_xtreme.stats.benchmark import TASKS


def heads(run: Path) -> tuple[str, ...]:
    """The tasks that a run contains a head for."""
    return tuple(sorted(path.stem for path in (run / "heads").glob("*.safetensors")))


def head_for(run: Path, task: TaskSpec) -> str | None:
    """The head of a run that a task uses: its own, else the first that it accepts, else None."""
    available = heads(run)
    return next((name for name in (task.name, *task.accepts) if name in available), None)


def represents(origin: ModelOrigin, task: TaskSpec, given: GivenModels) -> bool:
    """Whether the encoder's representation answers a task: it needs no head, or has none and one was named instead."""
    if not kind_of(task.family).searched:
        return False
    return not task.head or (given.represents and (is_native(origin.folder) or head_for(origin.folder, task) is None))


def served(given: GivenModels, task: TaskSpec) -> bool:
    """Whether one of the given models can answer a task."""
    return task.name in given.named or any(serves(origin, task, given) for origin in given.plain)


def serves(origin: ModelOrigin, task: TaskSpec, given: GivenModels) -> bool:
    """Whether a model has a head of the kind that a task needs, or the task needs none."""
    if represents(origin, task, given):
        return True
    if is_native(origin.folder):
        return family_of(origin) == task.family
    return head_for(origin.folder, task) is not None


def default_tasks(given: GivenModels) -> tuple[TaskSpec, ...]:
    """The tasks that the models have heads for; if there are none, those of a benchmark, so that `locate` reports why.

    Unless they are named, tasks that a representation answers are left out, and so are tasks outside the benchmarks,
    except where a model has a head for exactly that task.
    """
    every = [registry.load("task", name) for name in registry.names("task")]
    able = [task for task in every if _by_default(task, given) and served(given, task)]
    fitting = [task for task in able if task.name in given.named or any(_fits(o, task, given) for o in given.plain)]
    return tuple(fitting or able or sorted((task for task in every if _by_default(task, given)), key=_last))


def _last(task: TaskSpec) -> tuple[bool, bool]:
    """The sort key that puts tasks of XTREME-R first, and among them those whose heads are common."""
    return "xtreme-r" not in task.groups, not kind_of(task.family).indexed


def _by_default(task: TaskSpec, given: GivenModels) -> bool:
    """Whether a task is evaluated where no tasks are named."""
    if task.name in given.named or task.name in given.labels:
        return True
    has_head = any(task.name in heads(origin.folder) for origin in given.plain)
    return has_head or (task.head and not {*TASKS, OWN}.isdisjoint(task.groups))


def _fits(origin: ModelOrigin, task: TaskSpec, given: GivenModels) -> bool:
    """Whether a model serves a task, and the names of its classes fit too."""
    if not serves(origin, task, given):
        return False
    if not is_native(origin.folder) or not kind_of(task.family).classes or task.name in given.labels:
        return True
    return may_fit(read_native(origin, task, given.trust)[0].classes, task)


def locate(run: Path, task: TaskSpec, tasks: Sequence[TaskSpec] = (), trust: bool = False) -> Located:
    """Check a folder for one task without loading it. Raises ModelError: one line that says what is missing.

    `tasks` are all tasks that the model answers: a run's heads for them are part of its identity.
    """
    return _locate(local(run), task, tasks, GivenModels({}, (), {}, {}, trust))


def _locate(origin: ModelOrigin, task: TaskSpec, tasks: Sequence[TaskSpec], given: GivenModels) -> Located:
    if represents(origin, task, given):
        return _represented(origin, task, tasks, given)
    if is_native(origin.folder):
        return _checkpoint(origin, task, given)
    if task.name in given.labels:
        raise SpecError(f"--labels names classes of {task.name}, but {origin.typed} is a run, which names its own.")
    return _run(origin, task, tasks, given)


def _checkpoint(origin: ModelOrigin, task: TaskSpec, given: GivenModels) -> Located:
    native, config = read_native(origin, task, given.trust)
    labels = _mapped(native, origin, task, given)
    files = native_files(origin.folder, given.trust)
    # one object is one model, by the identity in its name; the cache and the manifest have its labels beside it
    labelled = {} if origin.source == IN_MEMORY else {task.family: labels}
    what = identity(files, config, labelled)
    return Located(
        origin=origin,
        task=task.name,
        head=native.architecture,
        family=task.family,
        labels=labels,
        identity=what,
        config=text_facts(config),
        learned=of_checkpoint(origin.folder, task.name, given.trained_on),
        heads=(),
        native=native,
        renamed=called_otherwise(native.classes, labels, task, origin.typed) if task.name in given.labels else "",
    )


def _represented(origin: ModelOrigin, task: TaskSpec, tasks: Sequence[TaskSpec], given: GivenModels) -> Located:
    """A model of which only the encoder is used; a run has one identity for all its tasks."""
    if is_native(origin.folder):
        native, config = read_bare(origin, given.trust)
        learned = of_checkpoint(origin.folder, task.name, given.trained_on, head=False)
        used: tuple[str, ...] = ()
        what = identity(native_files(origin.folder, given.trust), config, {})
    else:
        check_folder(origin.folder)
        native, config = None, read_json(origin.folder / "model" / "config.json")
        learned = Learned(())
        used, labels = _used(origin.folder, tasks)
        what = identity(model_files(origin.folder / "model"), config, labels, origin.folder / "heads")
    return Located(origin, task.name, "", task.family, (), what, text_facts(config), learned, used, native)


def _used(run: Path, tasks: Sequence[TaskSpec], *more: str) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]]]:
    """The heads of a run that tasks use, and their labels."""
    head_names = {head_for(run, other) for other in tasks if other.head}
    used = sorted({*more, *filter(None, head_names)})
    paths = {head: run / "heads" / f"{head}.json" for head in used}
    return tuple(used), {head: _labels(path, read_json(path)) for head, path in paths.items()}


def _mapped(native: Native, origin: ModelOrigin, task: TaskSpec, given: GivenModels) -> tuple[str, ...]:
    classes = native.classes
    asked = given.labels.get(task.name)
    if not kind_of(task.family).classes:
        if asked:
            raise SpecError(f"--labels names classes of {task.name}, whose answers are not classes: leave it out.")
        return ()
    if not asked:
        check_clear(native.unclear, task, origin.typed)
        return mapped(classes, task, origin.typed)
    if len(asked) != len(classes):
        what = f"--labels names {len(asked)} classes of {task.name}"
        raise SpecError(f"{what}, but {origin.typed} has {len(classes)}.")
    labels = mapped(asked, task, origin.typed)
    if not native.unclear:
        check_agrees(labels, classes, task, origin.typed)
    return labels


def _run(origin: ModelOrigin, task: TaskSpec, tasks: Sequence[TaskSpec], given: GivenModels) -> Located:
    run = origin.folder
    check_folder(run)
    head = head_for(run, task)
    if head is None:
        wanted, available = " or ".join(dict.fromkeys((task.name, *task.accepts))), ", ".join(heads(run)) or "none"
        remedy = f"Train one: {train_command(task)}.{instead(task)}"
        raise ModelError(f"{run} has no head for {wanted} (it has: {available}). {remedy}")
    used, labels = _used(run, tasks, head)
    facts = read_json(run / "heads" / f"{head}.json")
    family = str(facts.get("family", task.family))
    if family != task.family:
        raise ModelError(f"{run}: the head {head} is of the family {family}, but {task.name} needs {task.family}.")
    trained_on = facts.get("encoder")
    if trained_on and trained_on != encoder_identity(run / "model"):
        what = f"the encoder in {run}/model is not the one that the head {head} was trained on"
        raise ModelError(f"{what}: its files were replaced, changed or damaged. Copy the run again, or train it again.")
    relabelled(labels[head], task, run)
    config = read_json(run / "model" / "config.json")
    return Located(
        origin=origin,
        task=task.name,
        head=head,
        family=family,
        labels=labels[head],
        identity=identity(model_files(run / "model"), config, labels, run / "heads"),
        config=text_facts(config),
        learned=_of_run(run, head, task, given),
        heads=used,
    )


def _of_run(run: Path, head: str, task: TaskSpec, given: GivenModels) -> Learned:
    """The recorded languages of a run's head; where there is no record, those that the user names, if any."""
    recorded = languages_of(run, head)
    if recorded is None:
        return of_checkpoint(run, task.name, given.trained_on, head=False)
    if task.name in given.trained_on:
        what = f"{OPTION} names languages of {task.name}, but {run} records its own: {', '.join(recorded)}"
        raise SpecError(f"{what}. Leave {task.name}= out.")
    return Learned(recorded)


def _labels(path: Path, facts: Mapping[str, Any]) -> tuple[str, ...]:
    labels = facts.get("labels", [])
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise ModelError(f"{path} does not name the head's labels as a list of texts. Train again: {HOW_TO_TRAIN}")
    return tuple(labels)


def locate_all(given: GivenModels, tasks: Sequence[TaskSpec]) -> dict[str, Located]:
    """The checked model of each task, by the task's name. Raises ModelError or SpecError as `assign` and `locate`."""
    check_tasks(given, tasks)
    models = assign(given, tasks)
    by_model = {model: [task for task in tasks if models[task.name] == model] for model in models.values()}
    located = {task.name: _locate(models[task.name], task, by_model[models[task.name]], given) for task in tasks}
    if "" in given.trained_on and not any(model.learned.by == OPTION for model in located.values()):
        raise SpecError(f"{OPTION} names languages, but every model here is a run that records its own. Leave it out.")
    return located


def check_folder(run: Path) -> None:
    """Raise ModelError, one line, unless the folder is a run of `train` whose files are as they were trained."""
    if not run.is_dir():
        raise ModelError(f"There is no model folder {str(run)!r}. Train one: {HOW_TO_TRAIN}")
    check_hashes(run)
    model = run / "model"
    if not (model / "config.json").is_file():
        raise ModelError(
            f"{run} contains no config.json and no model/config.json: it is neither a transformers checkpoint nor a "
            "finished run of `robust-xtreme train`."
        )
    check_weights(model)
    check_config(read_json(model / "config.json"), str(run))
    check_types((*weight_files(model, str(model)), *sorted((run / "heads").glob("*.safetensors"))))


def assign(given: GivenModels, tasks: Sequence[TaskSpec]) -> dict[str, ModelOrigin]:
    """The model of each task: that of TASK=NAME where it is given, else the only plain NAME with a head for it.

    Raises SpecError where two models could answer a task, ModelError where none can, each naming the task.
    """
    for origin in (*given.named.values(), *given.plain):
        if not is_native(origin.folder):
            check_folder(origin.folder)
    return {task.name: given.named.get(task.name) or _only(given, task) for task in tasks}


def _only(given: GivenModels, task: TaskSpec) -> ModelOrigin:
    able = [origin for origin in given.plain if serves(origin, task, given)]
    if len(able) > 1:
        have = "have a head for" if task.head else "could answer"
        raise SpecError(f"Two models {have} {task.name}: say which, as in --model {task.name}={able[0].typed}")
    if not able and given.plain:
        _locate(given.plain[0], task, (), given)
    if not able:
        raise ModelError(f"No model is given for {task.name}. Add --model {task.name}=NAME")
    return able[0]


def load_checkpoint(run: Path, task: TaskSpec, device: str = "cpu", precision: str = "fp32") -> Checkpoint:
    """Load the encoder, head and tokenizer that `task` needs, in evaluation mode. Raises ModelError."""
    return load(locate(run, task), task, device, precision)
