"""The manifest of a run: identities of model and data, versions, what is not run; without times, hosts and paths."""

import importlib.metadata
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any, Final

from robust_xtreme import __version__
from robust_xtreme.core import packs, registry
from robust_xtreme.core.examples import digest
from robust_xtreme.core.run_spec import RunSpec, parse_sets
from robust_xtreme.core.specs import OWN, SUITE, TaskSpec
from robust_xtreme.files.schema import SCHEMA_VERSION
from robust_xtreme.models.folder import Located, ModelFolder, language_models
from robust_xtreme.models.located import notes_of
from robust_xtreme.models.origin import NONE, card_languages, card_licence
from robust_xtreme.models.stages import own_training
from robust_xtreme.noise.engine.ocr_channel import versions
from robust_xtreme.noise.suites import suite
from robust_xtreme.report.progress import VECTORS
from robust_xtreme.run.external import facts
from robust_xtreme.run.plan import Plan
from robust_xtreme.run.task_run import TaskRun
from robust_xtreme.run.vectors import text_vectors
from robust_xtreme.tasks.catalogue import noted
from robust_xtreme.tasks.sources.source import Source, open_source
from robust_xtreme.tasks.sources.suite import Suite
from robust_xtreme.tasks.sources.survey import group_languages, licence_of

HALVED: Final = "The batch size was halved for memory, to {} tokens from {} on."  # which task run is the first

_LIBRARIES: Final = ("torch", "transformers", "tokenizers", "polars", "numpy")


def new_manifest(plan: Plan, device: str, batch_tokens: int, deduplicate: bool) -> dict[str, Any]:
    """The manifest before anything is computed."""
    spec, what = plan.spec, _what(plan.spec)
    source = open_source(spec.data, offline=spec.offline)
    models = {task_run.task.name: task_run.model for task_run in plan.task_runs}
    noises = {condition.spec for task_run in plan.task_runs for condition in task_run.conditions if condition.spec}
    reads = any(link.name == "ocr_channel" for noise in noises for link in noise.links)
    suites = [name for name in spec.perturb if name.startswith(SUITE)]
    where_used = {
        "packs": packs.identity(),
        "suites": {name: [str(perturbation) for perturbation in suite(name).specs] for name in suites},
        "language_models": ", ".join(language_models(noises)),
        "noise_sources": _sources(plan),
        "own_data": [task for model, task in _answered_tasks(plan) if own_training(model, task)],
        "suite": source.name if isinstance(source, Suite) else "",
        "licences": {
            **{task.name: licence_of(task, source) for task in plan.tasks if isinstance(source, Suite)},
            **{run.model.name: card for run in plan.task_runs if (card := card_licence(run.model.run))},
        },
    }
    return {
        "schema_version": SCHEMA_VERSION,
        "version": __version__,
        "versions": {name: importlib.metadata.version(name) for name in _LIBRARIES} | (versions() if reads else {}),
        "spec": what,
        "spec_hash": digest(repr(sorted(what.items()))),
        "commands": spec.commands(source.read_by if isinstance(source, Suite) else ()),
        **{key: value for key, value in where_used.items() if value},
        "device": device,
        "batch_tokens": batch_tokens,
        "deduplicate": deduplicate,
        "models": [_model(task, model) for task, model in models.items()],
        "tasks": {task.name: _task(task, source) for task in plan.tasks},
        "units": [_task_run(task_run) for task_run in plan.task_runs],
        "not_run": [{key: value for key, value in asdict(cell).items() if value} for cell in plan.not_run],
        "overlap": list(dict.fromkeys(task_run.overlap for task_run in plan.task_runs if task_run.overlap)),
        "notes": _notes(plan, source),
        "complete": False,
    }


def _sources(plan: Plan) -> dict[str, Any]:
    """By perturbation, the languages whose noise is borrowed from others or comes from a thin list."""
    languages: dict[str, set[str]] = {}
    for task_run in plan.task_runs:
        links = [link for condition in task_run.conditions if condition.spec for link in condition.spec.links]
        for link in links:
            languages.setdefault(link.name, set()).update(task_run.language.split("@"))
    notes = {name: noted(registry.load("perturbation", name), codes) for name, codes in sorted(languages.items())}
    return {name: by_note for name, by_note in notes.items() if by_note}


def _task(task: TaskSpec, source: Source) -> dict[str, Any]:
    """The facts of a task that reports use; the languages of its groups are those of a source that defines them."""
    return {
        "family": task.family,
        "metrics": list(task.metrics),
        "score": list(task.score or task.metrics[:1]),
        "perturbed": list(map(list, task.perturbed)),
        "groups": {name: list(group_languages(task, source, codes)) for name, codes in task.groups.items()},
        **({"parallel_ids": task.parallel_ids} if task.parallel_ids else {}),
    }


def _what(spec: RunSpec) -> dict[str, Any]:
    """The run as requested, without its paths; options of names, models and noisy sets only where they are set."""
    values = {**asdict(spec), "external": parse_sets(spec.external)}
    always = ("tasks", "languages", "split", "perturb", "seeds", "limit", "precision", "allow_overlap")
    where_set = ("compile", "keep_names", "labels", "revision", "trust_remote_code", "representation", "trained_on")
    others = ("max_length", "external", "external_partial", "match", "prompts", "dims")
    more = [name for name in (*where_set, *others) if values[name]]
    kept = {name: values[name] for name in (*always, *more)}
    return {name: list(value) if isinstance(value, (tuple, dict)) else value for name, value in kept.items()}


def _model(task: str, model: Located) -> dict[str, Any]:
    named = {"task": task, "model": model.name, "identity": model.identity, "head": model.head, "params": model.params}
    more: dict[str, Any] = {
        "source": model.origin.source,
        "revision": model.origin.revision,
        "labels": dict(zip(model.classes, model.labels, strict=False)),
    }
    if model.reranker:
        more |= {"reranker": model.reranker.name, "reranker_version": model.reranker.version}
    if model.learned.by:
        more |= {"trained_on": list(model.learned.languages or (NONE,)), "trained_on_by": model.learned.by}
    return {**named, **{key: value for key, value in more.items() if value}}


def _notes(plan: Plan, source: Source) -> list[str]:
    """Notes of the data and the models, each sentence once."""
    suite_note = ""
    if isinstance(source, Suite):
        suite_note = f"data: the suite {source.name}, version {source.version}. {source.summary}"
    rerankers = (task_run.model.reranker for task_run in plan.task_runs)
    reranked = (note for reranker in rerankers if reranker for note in reranker.notes)
    planned = (note for task_run in plan.task_runs for note in (*notes_of(task_run.model), task_run.note))
    learned = (own_training(model, task) for model, task in _answered_tasks(plan))
    described = text_vectors(plan.task_runs, plan.spec.representation)
    vectors = (
        f"{VECTORS}{task}, {model}: {vector}."
        for model, by_task in described.items()
        for task, vector in by_task.items()
    )
    return list(dict.fromkeys(filter(None, (suite_note, *planned, *reranked, *learned, *_unlisted(plan), *vectors))))


def _unlisted(plan: Plan) -> Iterator[str]:
    """A sentence for each encoder without a head whose model card lists languages, but not all that it answers in."""
    bare = [task_run for task_run in plan.task_runs if task_run.model.origin.native and not task_run.model.head]
    for model in dict.fromkeys(task_run.model.origin for task_run in bare):
        codes = {code for run in bare if run.model.origin == model for code in run.languages}
        if (listed := card_languages(model.home, words=True)) and (others := sorted(codes - {*listed})):
            what = f"the model card of {model.typed} does not list {', '.join(others)}"
            yield f"pretraining: {what}, and the encoder may not have seen them."


def _answered_tasks(plan: Plan) -> list[tuple[ModelFolder, str]]:
    """Pairs of a model and a task that it answers, each once."""
    return list(dict.fromkeys((task_run.model.origin, task_run.task.name) for task_run in plan.task_runs))


def _task_run(task_run: TaskRun) -> dict[str, Any]:
    """A task run; of a task that the data describe also the fields and labels, on which predictions depend."""
    task = task_run.task
    described = {"fields": list(task.fields), "labels": list(task.labels)} if OWN in task.groups else {}
    return {
        "task": task_run.task.name,
        "language": task_run.language,
        "split": task_run.split,
        "data": task_run.data,
        "rows": task_run.rows,
        "clusters": task_run.clusters,
        **described,
        "files": [{"path": path, "sha256": sha256} for path, sha256 in task_run.files],
        **({"pool": task_run.pool, "candidates": task_run.candidates} if task_run.pool else {}),
        **({"external": facts(task_run.external)} if task_run.external else {}),
    }


def halved(manifest: Mapping[str, Any], label: str) -> dict[str, Any]:
    """The manifest of a run whose batches are half as large, beginning with the task run named."""
    tokens = max(1, int(manifest["batch_tokens"]) // 2)
    return {
        **manifest,
        "batch_tokens": tokens,
        "halved": label,
        "notes": [*manifest["notes"], HALVED.format(tokens, label)],
    }
