"""Find the models that a run names: mini, a folder, or a model on the hub."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

from robust_xtreme.core import registry, resources
from robust_xtreme.core.errors import ModelError, SpecError
from robust_xtreme.core.run_paths import exists, like_hub
from robust_xtreme.core.run_spec import MINI, RunSpec
from robust_xtreme.core.specs import TaskSpec
from robust_xtreme.models.labels import parse_labels
from robust_xtreme.models.learned import parse_trained_on
from robust_xtreme.tasks.sources.checkpoints import fetched, on_hub

HOW_TO_TRAIN: Final = "robust-xtreme train --help"
FOLDER: Final = "folder"
FROM_HUB: Final = "hub"
IN_MEMORY: Final = "memory"
"""The source of a model in memory, and the first part of its name: `memory:HASH`."""


@final
@dataclass(frozen=True, slots=True)
class ModelOrigin:
    """A model on this machine: its name as typed and in tables, its folder, its source, and its commit on the hub."""

    typed: str
    called: str
    folder: Path
    source: str = FOLDER
    revision: str = ""

    @property
    def note(self) -> str:
        """A sentence where the name could mean another model, now or in a later run; else empty."""
        if self.source == FROM_HUB:
            return f"{self.typed} is commit {self.revision} of the hub; to name it: --revision {self.revision}"
        if self.source == FOLDER and like_hub(self.typed):
            return f"{self.typed} is a folder here, so the hub was not asked for a model of that name."
        return ""


@final
@dataclass(frozen=True, slots=True)
class GivenModels:
    """The models of a run: those named for a task, those for every task they have a head for; and names of classes.

    `trained_on` are the languages that the user names of a task's model, or under "" of all models. `represents`: a
    representation was named, which answers retrieval where a model does not have the task's head.
    """

    named: Mapping[str, ModelOrigin]
    plain: tuple[ModelOrigin, ...]
    labels: Mapping[str, tuple[str, ...]]
    trained_on: Mapping[str, tuple[str, ...]]
    trust: bool = False
    represents: bool = False


def local(folder: Path, typed: str = "") -> ModelOrigin:
    """A folder as a model."""
    return ModelOrigin(typed or str(folder), folder.resolve().name, folder)


def given_models(spec: RunSpec, in_memory: Mapping[str, Path] | None = None) -> GivenModels:
    """Find every model that a run names, fetching those of the hub; `in_memory` are folders of `memory:HASH`.

    Raises SpecError, UnknownName or ModelError where a name, revision or label is wrong; RobustXtremeError where the
    hub does not answer.
    """
    labels, trained_on = parse_labels(spec.labels), parse_trained_on(spec.trained_on)
    names, plain = parse_models(spec.model)
    revisions = _revisions(spec.revision)
    _check_revisions(revisions, names, plain)
    bare = revisions.get("", "")
    named = {task: _find(name, revisions.get(task, bare), spec, in_memory or {}) for task, name in names.items()}
    origins = tuple(_find(name, bare, spec, in_memory or {}) for name in plain)
    return GivenModels(named, origins, labels, trained_on, spec.trust_remote_code, bool(spec.representation))


def parse_models(models: Sequence[str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """The models given for a task by name, and the plain ones. Raises SpecError where a task is named twice."""
    known = registry.names("task")
    named: dict[str, str] = {}
    plain: list[str] = []
    for model in models:
        task, equals, name = model.partition("=")
        if not equals or (task not in known and exists(model)):
            plain.append(model)
            continue
        registry.load("task", task)
        if task in named:
            raise SpecError(f"Two models are given for {task!r}: name one.")
        named[task] = name
    return named, tuple(plain)


def _revisions(given: Sequence[str]) -> dict[str, str]:
    """`SHA` and `TASK=SHA` as {"": SHA, "xnli": SHA}. Raises SpecError."""
    revisions: dict[str, str] = {}
    for assignment in given:
        task, _, revision = assignment.rpartition("=")
        if not re.fullmatch(r"[\w.-]+(?:/[\w.-]+)*", revision):
            raise SpecError(f"The revision {assignment[:80]!r} is not SHA or TASK=SHA, a commit of a model on the hub.")
        if task in revisions:
            raise SpecError(f"Two revisions are given for {task or 'all models'}: name one.")
        revisions[task] = revision
    return revisions


def _check_revisions(revisions: Mapping[str, str], named: Mapping[str, str], plain: Sequence[str]) -> None:
    """Raise SpecError where a revision is given for a model that is not on the hub, or for no model."""
    for task, revision in revisions.items():
        if task and task not in named:
            raise SpecError(f"The revision {task}={revision} needs a model of its own: --model {task}=OWNER/NAME")
        unnamed = [name for named_task, name in named.items() if named_task not in revisions]
        meant = [named[task]] if task else [*plain, *unnamed]
        here = [name for name in meant if not on_hub(name)]
        if len(here) == len(meant):
            what = f"{here[0]} is a model on this machine" if here else "no model is left for it"
            raise SpecError(f"The revision {revision} is of a model on the hub, but {what}. Leave --revision out.")


def _find(name: str, revision: str, spec: RunSpec, in_memory: Mapping[str, Path]) -> ModelOrigin:
    if name in in_memory:
        return ModelOrigin(name, IN_MEMORY, in_memory[name], IN_MEMORY)
    if name.startswith(f"{IN_MEMORY}:") and not exists(name):
        what = "was a model in memory, which only the Python program that had it can give again"
        raise ModelError(f"{name[:80]} {what}: evaluate(model=..., tokenizer=...). No file replays it.")
    if name == MINI:
        return ModelOrigin(name, name, resources.mini("model"), MINI)
    if on_hub(name):
        checkpoint = fetched(name, revision, offline=spec.offline, code=spec.trust_remote_code)
        return ModelOrigin(name, name, checkpoint.folder, FROM_HUB, checkpoint.revision)
    if not exists(name) or not Path(name).is_dir():
        raise ModelError(
            f"There is no model folder {name[:200]!r}. A model is mini, a folder, or OWNER/NAME on the hub. "
            f"Train one: {HOW_TO_TRAIN}"
        )
    return local(Path(name), name)


def check_tasks(given: GivenModels, tasks: Sequence[TaskSpec]) -> None:
    """Raise SpecError where a model, labels or languages are given for a task that is not evaluated."""
    known = {"", *(task.name for task in tasks)}
    asked = (("A model is", given.named), ("Labels are", given.labels), ("Training languages are", given.trained_on))
    for what, names in asked:
        unknown = next((task for task in names if task not in known), None)
        if unknown:
            raise SpecError(f"{what} given for {unknown!r}, but that task is not evaluated. Add it to --tasks.")
