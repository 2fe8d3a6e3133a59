"""Locate the model of each task: choose it, check its folder, and compute its identity. Weights are not loaded here."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from robust_xtreme.core import registry
from robust_xtreme.core.errors import ModelError, SpecError
from robust_xtreme.core.examples import SPAN_QA, digest, kind_of
from robust_xtreme.core.specs import BITEXT, OWN, TaskSpec
from robust_xtreme.models import folder as stored
from robust_xtreme.models import labels as naming
from robust_xtreme.models.adapter import prompts_for, sentence_model, with_encoder_inside
from robust_xtreme.models.config import CUT, TRUST_FLAG, check_config, cut_to, fitted, known_type, longest, text_facts
from robust_xtreme.models.functions import Function
from robust_xtreme.models.origin import OPTION, GivenModels, check_tasks, of_checkpoint
from robust_xtreme.models.stages import changed_texts, check_encoder, check_hashes, is_of_run, languages_of, unverified
from robust_xtreme.models.tokenizer import padding_note
from robust_xtreme.stats.benchmark import TASKS

_ENDS: Final = 2
"""An answer has a start and an end; transformers' default for the number of classes is the same."""


def represents(model: stored.ModelFolder, task: TaskSpec, given: GivenModels) -> bool:
    """Whether a task is answered by the vectors of an encoder: the task needs no head, or a way was named instead.

    A run of `train` and a masked language model are read as XTREME reads XLM-R. Of others a folder of
    sentence-transformers says what the vectors are, or the user; where neither does, there is no answer.
    """
    if model.function or not kind_of(task.family).searched:
        return False
    if not model.native:
        return not task.head or (given.represents and model.head_for(task) is None)
    return (
        given.represents
        or model.is_sentence
        or (not task.head and (model.architecture.endswith("ForMaskedLM") or is_of_run(model.folder)))
    )


def served(given: GivenModels, task: TaskSpec) -> bool:
    """Whether one of the given models can answer a task."""
    return task.name in given.named or any(serves(model, task, given) for model in given.plain)


def serves(model: stored.ModelFolder, task: TaskSpec, given: GivenModels) -> bool:
    """Whether a model has a head of the kind that a task needs, or the task needs none."""
    if represents(model, task, given):
        return True
    if model.function and model.function.ranks:
        return task.pool is not None and task.pool.search != BITEXT
    by_family = model.function or model.native
    return model.family == task.family if by_family else model.head_for(task) is not None


def default_tasks(given: GivenModels) -> tuple[TaskSpec, ...]:
    """The tasks that the models have heads for; if there are none, a benchmark's, so that `locate` reports why."""
    every = [registry.load("task", name) for name in registry.names("task")]
    able = [task for task in every if _by_default(task, given) and served(given, task)]
    fitting = [task for task in able if task.name in given.named or any(_fits(m, task, given) for m in given.plain)]
    if fitting or able:
        return tuple(fitting or able)
    # Tasks of XTREME-R are first, and among them those whose heads are common.
    usual = [task for task in every if _by_default(task, given)]
    return tuple(sorted(usual, key=lambda task: ("xtreme-r" not in task.groups, not kind_of(task.family).indexed)))


def _by_default(task: TaskSpec, given: GivenModels) -> bool:
    """Whether a task is evaluated where no tasks are named."""
    if task.name in given.named or task.name in given.labels:
        return True
    has_head = any(task.name in model.heads for model in given.plain)
    needed = task.head or any(model.function for model in given.plain)
    return has_head or OWN in task.groups or (needed and not {*TASKS}.isdisjoint(task.groups))


def _fits(model: stored.ModelFolder, task: TaskSpec, given: GivenModels) -> bool:
    """Whether a model serves a task, and the names of its classes fit too."""
    if not serves(model, task, given):
        return False
    if not model.native or not kind_of(task.family).classes or task.name in given.labels:
        return True
    return naming.may_fit(_classes_of(model, task, given.trust), task)


def locate(run: Path, task: TaskSpec, tasks: Sequence[TaskSpec] = (), trust: bool = False) -> stored.Located:
    """Check a folder for one task, of all `tasks` that it answers, without loading it. Raises ModelError."""
    model = with_encoder_inside(stored.local(run))
    check_folder(model)
    return _locate(model, task, tasks, GivenModels({}, (), {}, {}, trust))


def _locate(model: stored.ModelFolder, task: TaskSpec, tasks: Sequence[TaskSpec], given: GivenModels) -> stored.Located:
    located = _of_kind(model, task, tasks, given)
    if task.pool is None:
        return located
    if not (model.function and model.function.ranks):
        located = replace(located, prompts=prompts_for(task, given.prompts, located.sentence))
    if given.reranker is None or task.pool.search == BITEXT:
        return located
    identity = digest(located.identity, given.reranker.identity)
    return replace(located, reranker=given.reranker, identity=identity, first_identity=located.identity)


def _of_kind(
    model: stored.ModelFolder, task: TaskSpec, tasks: Sequence[TaskSpec], given: GivenModels
) -> stored.Located:
    if model.function:
        return _asked(model, model.function, task, given)
    if represents(model, task, given):
        return _represented(model, task, tasks, given)
    if model.native:
        return _checkpoint(model, task, given)
    if task.name in given.labels:
        raise SpecError(f"--labels names classes of {task.name}, but {model.typed} is a run, which names its own.")
    return _run(model, task, tasks, given)


def _asked(model: stored.ModelFolder, function: Function, task: TaskSpec, given: GivenModels) -> stored.Located:
    """A function, whose classes are the task's labels, or those that the user names, in the order of its scores."""
    if function.family != task.family:
        raise ModelError(f"{model.typed} answers {function.family}, but {task.name} is {task.family}.")
    if function.ranks and task.pool and task.pool.search == BITEXT:
        raise ModelError(
            f"{task.name} mines pairs by the vectors of both sides, and {model.typed} ranks candidates. "
            f"Give it a function of vectors: --model {task.name}=encode=python:MODULE:FUNCTION"
        )
    classes = given.labels.get(task.name, ()) or (task.labels if kind_of(task.family).classes else ())
    labels = _mapped(classes, model, task, given)
    what = digest(function.identity, *given.labels.get(task.name, ()))
    learned = of_checkpoint(model.folder, task.name, given.trained_on, head=False)
    return stored.Located(model, task.name, "", task.family, labels, what, {}, learned, (), classes)


def _checkpoint(model: stored.ModelFolder, task: TaskSpec, given: GivenModels) -> stored.Located:
    classes = _classes_of(model, task, given.trust)
    labels = _mapped(classes, model, task, given)
    # one object is one model, by the identity in its name; the cache and the manifest have its labels beside it
    labelled = {} if model.source == stored.IN_MEMORY else {task.family: labels}
    return stored.Located(
        origin=model,
        task=task.name,
        head=model.architecture,
        family=task.family,
        labels=labels,
        identity=model.identity(labelled, given.trust, bare=given.represents),
        config=text_facts(model.config),
        learned=of_checkpoint(model.folder, task.name, given.trained_on),
        heads=(),
        classes=classes,
        trust=given.trust,
        renamed=(naming.called_otherwise if task.name in given.labels else naming.respelt)(
            classes, labels, task, model.typed
        ),
    )


def _represented(
    model: stored.ModelFolder, task: TaskSpec, tasks: Sequence[TaskSpec], given: GivenModels
) -> stored.Located:
    """A model of which only the encoder is used; a run has one identity for all its tasks."""
    used, learned, modules = {} if model.native else _used(model, tasks), stored.Learned(()), None
    if model.native:
        _check_checkpoint(model, given.trust)
        learned = of_checkpoint(model.folder, task.name, given.trained_on, head=False)
        modules = sentence_model(model) if model.is_sentence and not given.represents else None
    what = model.identity(used, given.trust, bare=given.represents)
    facts = {**text_facts(model.config), **({CUT: modules.most} if modules else {})}
    named = model, task.name, "", task.family, (), what, facts, learned, tuple(used)
    return stored.Located(*named, trust=model.native and given.trust, sentence=modules)


def _used(model: stored.ModelFolder, tasks: Sequence[TaskSpec], *more: str) -> dict[str, tuple[str, ...]]:
    """The heads of a run that tasks use, with their labels."""
    names = {*more, *filter(None, (model.head_for(task) for task in tasks if task.head))}
    return {head: _labels(model.folder / "heads" / f"{head}.json") for head in sorted(names)}


def _labels(path: Path) -> tuple[str, ...]:
    labels = stored.read_json(path).get("labels", [])
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise ModelError(
            f"{path} does not name the head's labels as a list of texts. Train again: {stored.HOW_TO_TRAIN}"
        )
    return tuple(labels)


def _run(model: stored.ModelFolder, task: TaskSpec, tasks: Sequence[TaskSpec], given: GivenModels) -> stored.Located:
    run, head = model.folder, model.head_for(task)
    if head is None:
        wanted, available = " or ".join(dict.fromkeys((task.name, *task.accepts))), ", ".join(model.heads) or "none"
        remedy = f"Name a model that has: --model {task.name}=NAME. Or train one: {_train_command(task)}." + (
            f" Or compare vectors of the encoder: {stored.WAYS}." if task.pool else ""
        )
        raise ModelError(f"{run} has no head for {wanted} (it has: {available}). {remedy}")
    used = _used(model, tasks, head)
    facts = stored.read_json(run / "heads" / f"{head}.json")
    family = str(facts.get("family", task.family))
    if family != task.family:
        raise ModelError(f"{run}: the head {head} is of the family {family}, but {task.name} needs {task.family}.")
    trained_on = facts.get("encoder")
    if trained_on and trained_on != stored.encoder_identity(model.encoder):
        what = f"the encoder in {model.encoder} is not the one that the head {head} was trained on"
        raise ModelError(f"{what}: its files were replaced, changed or damaged. Copy the run again, or train it again.")
    named = [task.labels[at] for at in naming.relabelled(used[head], task, run) or ()]
    return stored.Located(
        origin=model,
        task=task.name,
        head=head,
        family=family,
        labels=used[head],
        identity=model.identity(used),
        config=text_facts(model.config),
        learned=_of_run(model, head, task, given),
        heads=tuple(used),
        renamed=naming.respelt(used[head], named, task, model.typed),
    )


def _of_run(model: stored.ModelFolder, head: str, task: TaskSpec, given: GivenModels) -> stored.Learned:
    """The recorded languages of a run's head; where there is no record, those that the user names, if any."""
    recorded = languages_of(model, head)
    if recorded is None:
        return of_checkpoint(model.folder, task.name, given.trained_on, head=False)
    if task.name in given.trained_on:
        what = f"{OPTION} names languages of {task.name}, but {model.folder} records its own: {', '.join(recorded)}"
        raise SpecError(f"{what}. Leave {task.name}= out.")
    return stored.Learned(recorded)


def locate_all(given: GivenModels, tasks: Sequence[TaskSpec]) -> dict[str, stored.Located]:
    """The checked model of each task, by the task's name. Raises ModelError or SpecError as `assign` and `locate`."""
    check_tasks(given, tasks)
    models = assign(given, tasks)
    by_model = {model: [task for task in tasks if models[task.name] == model] for model in models.values()}
    located = {task.name: _locate(models[task.name], task, by_model[models[task.name]], given) for task in tasks}
    if "" in given.trained_on and not any(model.learned.by == OPTION for model in located.values()):
        raise SpecError(f"{OPTION} names languages, but every model here is a run that records its own. Leave it out.")
    return located


def check_folder(model: stored.ModelFolder) -> None:
    """Raise ModelError where the folder is not of transformers, and not a run whose files are as trained."""
    run, encoder = model.folder, model.encoder
    if model.native or model.function:
        return
    if not run.is_dir():
        raise ModelError(f"There is no model folder {str(run)!r}. Train one: {stored.HOW_TO_TRAIN}")
    check_hashes(run)
    if not (encoder / stored.CONFIG).is_file():
        what = "it is neither a transformers checkpoint nor a finished run of `robust-xtreme train`"
        raise ModelError(f"{run} contains no config.json and no model/config.json: {what}.")
    stored.check_weights(encoder)
    check_config(model.config, str(run))
    stored.check_types((*stored.weight_files(encoder, str(encoder)), *sorted((run / "heads").glob("*.safetensors"))))


def assign(given: GivenModels, tasks: Sequence[TaskSpec]) -> dict[str, stored.ModelFolder]:
    """The model of each task: that of TASK=NAME, else the only plain NAME with a head. Raises SpecError, ModelError."""
    for model in (*given.named.values(), *given.plain):
        check_folder(model)
    return {task.name: given.named.get(task.name) or _only(given, task) for task in tasks}


def _only(given: GivenModels, task: TaskSpec) -> stored.ModelFolder:
    able = [model for model in given.plain if serves(model, task, given)]
    if len(able) > 1:
        have = "have a head for" if task.head else "could answer"
        raise SpecError(f"Two models {have} {task.name}: say which, as in --model {task.name}={able[0].typed}")
    if not able and given.plain:
        _locate(given.plain[0], task, (), given)
    if not able:
        raise ModelError(f"No model is given for {task.name}. Add --model {task.name}=NAME")
    return able[0]


def _classes_of(model: stored.ModelFolder, task: TaskSpec, trust: bool) -> tuple[str, ...]:
    """The names of the classes of a checkpoint's head in order; none where it does not classify. Raises ModelError."""
    if model.family != task.family:
        raise ModelError(_other_head(model, task))
    _check_checkpoint(model, trust)
    names = model.config.get("id2label")
    if task.family == SPAN_QA.name:
        count = len(names) if isinstance(names, dict) else model.config.get("num_labels", _ENDS)
        if count != _ENDS:
            what = f"its head gives {count} scores of a token, but an answer has a start and an end"
            raise ModelError(f"{model.typed}: {what}.")
    return _classes(model, names) if kind_of(task.family).classes else ()


def _check_checkpoint(model: stored.ModelFolder, trust: bool) -> None:
    """Raise ModelError where a checkpoint has no safetensors, or code of its own without `trust`."""
    import transformers

    config = model.config
    stored.check_files(model.folder, model.typed, here=model.source == stored.FOLDER)
    check_encoder(model.folder)
    known = known_type(config) and hasattr(transformers, model.architecture)
    if config.get("auto_map") and not known and not trust:
        raise ModelError(f"{model.typed} contains code of its own, which runs only with {TRUST_FLAG}")
    check_config(config, model.typed)


def _other_head(model: stored.ModelFolder, task: TaskSpec) -> str:
    if kind_of(task.family).searched:
        trained = f" Or train a dual encoder: {_train_command(task, model.typed)}." if task.head else ""
        return (
            f"{task.name} compares vectors, and {model.typed} does not say how a text becomes one "
            f"(no {stored.MODULES}; {model.architecture or 'no architecture'}). Name how: {stored.WAYS}.{trained}"
        )
    needs = f"{task.name} needs one that ends in {stored.HEADS[task.family]}"
    if model.family is not None:
        return f"{model.typed} is a {model.architecture}, whose head is for other tasks; {needs}."
    what = model.architecture or "config.json names no architecture"
    how = f" Fine-tune it: {_train_command(task, model.typed)}." if model.source == stored.FOLDER else ""
    return f"{model.typed} is an encoder without task heads ({what}); {needs}.{how}"


def _train_command(task: TaskSpec, encoder: str = "DIR") -> str:
    """The command that trains a head for a task: its own, or the first accepted one where it has no training data."""
    accepted = (name for name in task.accepts if name != task.name)
    learned = task.name if task.train_languages else next(accepted, task.name)
    return f"robust-xtreme train --tasks {learned} --from {encoder} --data DIR"


def _classes(model: stored.ModelFolder, id2label: Any) -> tuple[str, ...]:
    """The names of the head's classes in order; where there are none, those that transformers would give."""
    if id2label is None:
        count = model.config.get("num_labels", _ENDS)
        id2label = {str(index): f"LABEL_{index}" for index in range(count if isinstance(count, int) else 0)}
    if not isinstance(id2label, dict) or not 0 < len(id2label) <= 10_000:
        raise ModelError(f"{model.typed}: id2label in its config.json does not name the head's classes.")
    indices = [str(index) for index in range(len(id2label))]
    if sorted(id2label) != sorted(indices) or not all(isinstance(name, str) and name for name in id2label.values()):
        raise ModelError(f"{model.typed}: id2label in its config.json does not name classes 0 to {len(id2label) - 1}.")
    return tuple(id2label[index] for index in indices)


def _mapped(classes: tuple[str, ...], model: stored.ModelFolder, task: TaskSpec, given: GivenModels) -> tuple[str, ...]:
    facts = {} if model.function else model.config
    asked, unclear = given.labels.get(task.name), naming.contradiction(classes, facts.get("label2id"))
    if not kind_of(task.family).classes:
        if asked:
            raise SpecError(f"--labels names classes of {task.name}, whose answers are not classes: leave it out.")
        return ()
    if not asked and unclear:
        order = classes if sorted(classes) == sorted(task.labels) else ()
        what = f"in its config.json {unclear}. Name its classes in their order: {naming.flag(task, order)}"
        raise ModelError(f"{model.typed}: {what}")
    if not asked:
        return naming.mapped(classes, task, model.typed)
    if len(asked) != len(classes):
        what = f"--labels names {len(asked)} classes of {task.name}"
        raise SpecError(f"{what}, but {model.typed} has {len(classes)}.")
    labels = naming.mapped(asked, task, model.typed)
    if not unclear:
        naming.check_agrees(labels, classes, task, model.typed)
    return labels


def notes_of(located: stored.Located) -> tuple[str, ...]:
    """Sentences on which model was chosen, how it was trained, and which labels it does not distinguish."""
    model, native = located.origin, located.origin.native
    if model.function:
        return model.function.notes
    left = naming.others(located.classes, located.labels) if located.classes and kind_of(located.family).words else ()
    tags = f"{located.task}: the tags {', '.join(left)} of {model.typed} count as O." if left else ""
    trained = "" if native else changed_texts(model, located.heads)
    unknown = "" if native else unverified(model.folder)
    task, most = registry.load("task", located.task), cut_to(located.config)
    spared, padded = naming.unsupported_note(located.labels, task), padding_note(located)
    what = f"inputs of {longest(task)} tokens are cut to the {most} that {model.typed} reads"
    cut = "" if fitted(task, located.config) is task else f"{located.task}: {what}."
    return tuple(filter(None, (model.note, located.renamed, tags, spared, cut, padded, trained, unknown)))
