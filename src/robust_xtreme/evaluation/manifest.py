"""The manifest of a run: identities of model and data, versions, what is not run. No clock, host or path is in it."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from robust_xtreme import __version__, packs
from robust_xtreme.evaluation.plan import Plan
from robust_xtreme.examples import digest
from robust_xtreme.models.located import Located
from robust_xtreme.models.trained import own_training
from robust_xtreme.noise.suites import suite
from robust_xtreme.results.schema import SCHEMA_VERSION
from robust_xtreme.run_spec import RunSpec
from robust_xtreme.sources.source import Source, open_source
from robust_xtreme.sources.suite import Suite
from robust_xtreme.sources.survey import group_languages
from robust_xtreme.specs import SUITE, TaskSpec

_LIBRARIES: Final = ("torch", "transformers", "tokenizers", "polars", "numpy")


def new_manifest(plan: Plan, device: str, batch_tokens: int, deduplicate: bool) -> dict[str, Any]:
    """What is known before anything is computed."""
    what = _what(plan.spec)
    return {
        "schema_version": SCHEMA_VERSION,
        "version": __version__,
        "versions": {name: importlib.metadata.version(name) for name in _LIBRARIES},
        "spec": what,
        "spec_hash": digest(repr(sorted(what.items()))),
        **_noise(plan.spec),
        "device": device,
        "batch_tokens": batch_tokens,
        "deduplicate": deduplicate,
        "models": _models(plan),
        "tasks": {one.name: _task(one, open_source(plan.spec.data, offline=plan.spec.offline)) for one in plan.tasks},
        "units": [_unit(one) for one in plan.units],
        "not_run": [{key: value for key, value in asdict(one).items() if value} for one in plan.not_run],
        "overlap": [one.overlap for one in plan.units if one.overlap],
        **({"own_data": own} if (own := [task for run, task in _places(plan) if own_training(run, task)]) else {}),
        "notes": _notes(plan),
        "complete": False,
    }


def _noise(spec: RunSpec) -> dict[str, Any]:
    """What perturbations hang on beside the program, where there is any: the users' packs, and what suites contain."""
    suites = {name: [str(one) for one in suite(name).specs] for name in spec.perturb if name.startswith(SUITE)}
    identity = packs.identity()
    return {**({"packs": identity} if identity else {}), **({"suites": suites} if suites else {})}


def _task(task: TaskSpec, source: Source) -> dict[str, Any]:
    """What pages know of a task: where it is in a source that has languages of its own, these are its groups'."""
    return {
        "family": task.family,
        "metrics": list(task.metrics),
        "score": list(task.score or task.metrics[:1]),
        "perturbed": list(map(list, task.perturbed)),
        "groups": {name: list(group_languages(task, source, codes)) for name, codes in task.groups.items()},
    }


def _what(spec: RunSpec) -> dict[str, Any]:
    """The run as asked for, without its paths; what says which model is meant only where it was said."""
    models = {"labels": list(spec.labels), "revision": list(spec.revision), "trust_remote_code": spec.trust_remote_code}
    models["representation"] = spec.representation
    return {
        "tasks": list(spec.tasks),
        "languages": list(spec.languages),
        "split": spec.split,
        "perturb": list(spec.perturb),
        "seeds": spec.seeds,
        "limit": spec.limit,
        "precision": spec.precision,
        "allow_overlap": spec.allow_overlap,
        **{key: value for key, value in models.items() if value},
    }


def _models(plan: Plan) -> list[dict[str, Any]]:
    return [_model(task, one) for task, one in {one.task.name: one.model for one in plan.units}.items()]


def _model(task: str, one: Located) -> dict[str, Any]:
    found = {"task": task, "model": one.name, "identity": one.identity, "head": one.head, "params": one.params}
    more = {"source": one.origin.source, "revision": one.origin.revision, "labels": one.label_map}
    return {**found, **{key: value for key, value in more.items() if value}}


def _notes(plan: Plan) -> list[str]:
    """What the data and the models say of themselves, each sentence once."""
    source = open_source(plan.spec.data, offline=plan.spec.offline)
    said = (
        f"data: the suite {source.name}, version {source.version}. {source.summary}"
        if isinstance(source, Suite)
        else ""
    )
    told = (note for one in plan.units for note in (*one.model.notes, one.note))
    learned = (own_training(run, task) for run, task in _places(plan))
    return list(dict.fromkeys(filter(None, (said, *told, *learned))))


def _places(plan: Plan) -> list[tuple[Path, str]]:
    """Runs and the tasks that they answer, each once."""
    return list(dict.fromkeys((one.model.run, one.task.name) for one in plan.units))


def _unit(unit: Any) -> dict[str, Any]:
    return {
        "task": unit.task.name,
        "language": unit.language,
        "split": unit.split,
        "data": unit.data,
        "rows": unit.rows,
        "clusters": unit.clusters,
        "files": [{"path": path, "sha256": sha256} for path, sha256 in unit.files],
        **({"pool": unit.pool, "candidates": unit.candidates} if unit.pool else {}),
    }


def halved(manifest: Mapping[str, Any], label: str) -> dict[str, Any]:
    """The manifest of a run whose batches are half as large from the unit named on."""
    tokens = max(1, int(manifest["batch_tokens"]) // 2)
    note = f"The batch size was halved for memory, to {tokens} tokens from {label} on."
    return {**manifest, "batch_tokens": tokens, "halved": label, "notes": [*manifest["notes"], note]}
