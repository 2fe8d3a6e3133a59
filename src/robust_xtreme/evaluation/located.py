"""Where each task's model lies: which run answers it, what its folder must hold, and the identity of what computes.

Layout: `RUN/model/` (config, safetensors, tokenizer), `RUN/heads/TASK.safetensors` with `TASK.json`, `RUN/stages/`.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, final

from robust_xtreme import registry
from robust_xtreme.errors import ModelError, SpecError
from robust_xtreme.evaluation.trained import languages_of
from robust_xtreme.examples import digest
from robust_xtreme.families._encoder import check_weights, encoder_identity, first_line
from robust_xtreme.specs import TaskSpec

_READ: Final = 1 << 22
_HOW_TO_TRAIN: Final = "robust-xtreme train --help"
_NOT_IDENTITY: Final = ("_name_or_path", "transformers_version")


@final
@dataclass(frozen=True, slots=True)
class Located:
    """One task's model on disk: the run, its head, and the identity of all that computes.

    `heads` are those that count into the identity, `trained_on` the languages of the head's training data.
    """

    run: Path
    task: str
    head: str
    family: str
    labels: tuple[str, ...]
    identity: str
    config: Mapping[str, Any]
    trained_on: tuple[str, ...]
    heads: tuple[str, ...]

    def setting(self, language: str) -> str:
        """How a language is met: `in_language` where the head was trained on it, else `zero_shot`."""
        return "in_language" if language in self.trained_on else "zero_shot"

    @property
    def params(self) -> int:
        """Parameters of the encoder."""
        return parameters(self.run)[0]

    @property
    def params_nonembedding(self) -> int:
        """Parameters of the encoder but for its embeddings."""
        return parameters(self.run)[1]

    @property
    def name(self) -> str:
        """What frames and tables call the model: its folder's name and the first digits of its identity."""
        return f"{self.run.resolve().name}@{self.identity[:8]}"


def heads(run: Path) -> tuple[str, ...]:
    """The tasks that a run holds a head for."""
    return tuple(sorted(path.stem for path in (run / "heads").glob("*.safetensors")))


def head_for(run: Path, task: TaskSpec) -> str | None:
    """The head of a run that a task uses: its own, else the first it accepts; None where there is none."""
    held = heads(run)
    return next((name for name in (task.name, *task.accepts) if name in held), None)


def locate(run: Path, task: TaskSpec, tasks: Sequence[TaskSpec] = ()) -> Located:
    """Check a run's folder for one task without loading it. Raises ModelError: one line, what is missing.

    `tasks` are all those that the run answers: their heads count into its identity.
    """
    check_folder(run)
    head = _wanted_head(run, task)
    used = sorted({head, *filter(None, (head_for(run, other) for other in tasks))})
    facts = {one: _json(run / "heads" / f"{one}.json") for one in used}
    labels = {one: _labels(run / "heads" / f"{one}.json", facts[one]) for one in used}
    family = str(facts[head].get("family", task.family))
    if family != task.family:
        raise ModelError(f"{run}: the head {head} is of the family {family}, but {task.name} needs {task.family}.")
    _check_encoder(run, head, facts[head].get("encoder"))
    relabelled(labels[head], task, run)
    config = _json(run / "model" / "config.json")
    trained_on = languages_of(run, head, task.train_languages)
    return Located(
        run, task.name, head, family, labels[head], identity(run, labels, config), config, trained_on, tuple(used)
    )


def _labels(path: Path, facts: Mapping[str, Any]) -> tuple[str, ...]:
    found = facts.get("labels", [])
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise ModelError(f"{path} does not name the head's labels as a list of texts. Train again: {_HOW_TO_TRAIN}")
    return tuple(found)


def _check_encoder(run: Path, head: str, trained_on: Any) -> None:
    """A head answers only with the encoder that it was trained on, where it remembers that."""
    if trained_on and trained_on != encoder_identity(run / "model", file_hash):
        raise ModelError(f"{run}: the head {head} was trained on another encoder than the one in model/. Train again.")


def locate_all(models: Sequence[str], tasks: Sequence[TaskSpec]) -> dict[str, Located]:
    """The checked model of each task, by the task's name. Raises ModelError or SpecError as `assign` and `locate`."""
    runs = assign(models, tasks)
    return {
        task.name: locate(runs[task.name], task, [one for one in tasks if runs[one.name] == runs[task.name]])
        for task in tasks
    }


def _wanted_head(run: Path, task: TaskSpec) -> str:
    head = head_for(run, task)
    if head is None:
        wanted = " or ".join(dict.fromkeys((task.name, *task.accepts)))
        held = ", ".join(heads(run)) or "none"
        raise ModelError(f"{run} has no head for {wanted} (it has: {held}). Train one: {_HOW_TO_TRAIN}")
    return head


def check_folder(run: Path) -> None:
    """Raise ModelError, one line, unless the folder is a run of `train` with readable weights and a head."""
    if not run.is_dir():
        raise ModelError(f"There is no model folder {str(run)!r}. Train one: {_HOW_TO_TRAIN}")
    if (run / "config.json").is_file() and not (run / "model").is_dir():
        raise ModelError(f"{run} is an encoder without task heads. Fine-tune it: robust-xtreme train --from {run}")
    model = run / "model"
    if not (model / "config.json").is_file():
        raise ModelError(f"{run} holds no model/config.json: it is no finished run of `robust-xtreme train`.")
    check_weights(model)


def _json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{path} cannot be read: {error}") from error
    if not isinstance(value, dict):
        raise ModelError(f"{path} is not a JSON object.")
    return value


def relabelled(labels: tuple[str, ...], task: TaskSpec, run: Path) -> tuple[int, ...] | None:
    """For a classifying head: its labels as places in the task's; tags go by their names.

    Raises ModelError where they are other labels.
    """
    if labels == task.labels:
        return None
    if sorted(labels) != sorted(task.labels):
        have, want = ", ".join(labels), ", ".join(task.labels)
        raise ModelError(f"{run}: the head's labels ({have}) are not those of {task.name} ({want}).")
    return tuple(task.labels.index(label) for label in labels) if task.family == "classification" else None


def identity(run: Path, labels: Mapping[str, Sequence[str]], config: Mapping[str, Any]) -> str:
    """The hash of weights, configuration, tokenizer, heads and their label maps (16 hex digits)."""
    model = run / "model"
    files = sorted(path for path in model.iterdir() if path.is_file() and path.name != "config.json")
    parts = [part for path in files for part in (path.name, file_hash(path))]
    parts.append(json.dumps({key: config[key] for key in sorted(config) if key not in _NOT_IDENTITY}))
    for head, names in labels.items():
        parts += [head, file_hash(run / "heads" / f"{head}.safetensors"), str(len(names)), *names]
    return digest(*parts)


def file_hash(path: Path) -> str:
    """The sha256 of a file, read once while it does not change. Raises ModelError where it cannot be read."""
    try:
        facts = path.stat()
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}") from error
    return _file_hash(path, (facts.st_size, facts.st_mtime_ns))


@cache
def _file_hash(path: Path, _version: tuple[int, int]) -> str:
    state = hashlib.sha256()
    try:
        with path.open("rb") as stream:
            while block := stream.read(_READ):
                state.update(block)
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}") from error
    return state.hexdigest()


def assign(models: Sequence[str], tasks: Sequence[TaskSpec]) -> dict[str, Path]:
    """Which run answers which task: TASK=RUN where it is named, else the one plain RUN with a head for it.

    Raises SpecError where two runs could answer a task, ModelError where none can, each naming the task.
    """
    named, plain = parse_models(models)
    unknown = [task for task in named if task not in {one.name for one in tasks}]
    if unknown:
        raise SpecError(f"A model is given for {unknown[0]!r}, but that task is not evaluated. Add it to --tasks.")
    for run in (*named.values(), *plain):
        check_folder(run)
    return {task.name: named.get(task.name) or _only(plain, task) for task in tasks}


def parse_models(models: Sequence[str]) -> tuple[dict[str, Path], tuple[Path, ...]]:
    """The runs given for a task by name, and the plain ones. Raises SpecError where a task is named twice."""
    known = registry.names("task")
    named: dict[str, Path] = {}
    plain: list[Path] = []
    for one in models:
        task, equals, run = one.partition("=")
        if not equals or (task not in known and Path(one).exists()):
            plain.append(Path(one))
            continue
        registry.load("task", task)
        if task in named:
            raise SpecError(f"Two models are given for {task!r}: name one.")
        named[task] = Path(run)
    return named, tuple(plain)


def _only(plain: Sequence[Path], task: TaskSpec) -> Path:
    able = [run for run in plain if head_for(run, task)]
    if len(able) > 1:
        raise SpecError(f"Two models have a head for {task.name}: say which, as in --model {task.name}={able[0]}")
    if not able and plain:
        locate(plain[0], task)
    if not able:
        raise ModelError(f"No model is given for {task.name}. Add --model {task.name}=RUN")
    return able[0]


@cache
def parameters(run: Path) -> tuple[int, int]:
    """Parameters of a run's encoder, all and without embeddings, read off the headers of its weights.

    Raises ModelError where a file of weights is damaged.
    """
    from safetensors import SafetensorError, safe_open

    every = embedding = 0
    for path in sorted((run / "model").glob("*.safetensors")):
        try:
            with safe_open(str(path), framework="numpy") as weights:
                for name in weights.keys():  # noqa: SIM118 - safetensors' object is no mapping
                    size = math.prod(weights.get_slice(name).get_shape())
                    every += size
                    embedding += size if "embeddings." in name else 0
        except (OSError, SafetensorError) as error:
            raise ModelError(f"{path} is damaged: {first_line(error)}") from error
    return every, every - embedding
