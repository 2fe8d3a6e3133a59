"""Read from its configuration which head and which classes a transformers checkpoint has.

Weights are not loaded here. A checkpoint is a folder with safetensors and a config.json that names its architecture.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from robust_xtreme.core.errors import ModelError
from robust_xtreme.core.specs import TaskSpec
from robust_xtreme.core.targets.kinds import SPAN_QA, kind_of
from robust_xtreme.models.encoder import TRUST_FLAG, known_type
from robust_xtreme.models.labels import contradiction
from robust_xtreme.models.on_disk import Native
from robust_xtreme.models.origin import FOLDER, ModelOrigin
from robust_xtreme.models.verify import check_encoder
from robust_xtreme.models.weights import check_config, check_files, read_json, weight_files
from robust_xtreme.models.whole import HEADS, family_of_head
from robust_xtreme.tasks.sources.checkpoints import CODE, FILES

_CONFIG: Final = "config.json"
_ENDS: Final = 2
"""An answer has a start and an end; transformers' default for the number of classes is the same."""

_MOST: Final = 10_000


def is_native(folder: Path) -> bool:
    """Whether a folder has the layout of transformers, and not that of a run of `train`."""
    return (folder / _CONFIG).is_file() and not (folder / "model").is_dir()


def family_of(origin: ModelOrigin) -> str | None:
    """The family of a checkpoint's head; None where it has no head that serves a task. Raises ModelError."""
    return family_of_head(_architecture(read_json(origin.folder / _CONFIG)))


def read_native(origin: ModelOrigin, task: TaskSpec, trust: bool) -> tuple[Native, dict[str, Any]]:
    """The description of a checkpoint with a head, and its configuration.

    Raises ModelError where it has another head, no safetensors, or code of its own without `trust`.
    """
    if family_of(origin) != task.family:
        raise ModelError(_other_head(origin, _architecture(read_json(origin.folder / _CONFIG)), task))
    bare, config = read_bare(origin, trust)
    if task.family == SPAN_QA.name:
        names = config.get("id2label")
        count = len(names) if isinstance(names, dict) else config.get("num_labels", _ENDS)
        if count != _ENDS:
            what = f"its head gives {count} scores of a token, but an answer has a start and an end"
            raise ModelError(f"{origin.typed}: {what}.")
    classes = _classes(origin, config) if kind_of(task.family).classes else ()
    return replace(bare, classes=classes, unclear=contradiction(classes, config.get("label2id"))), config


def read_bare(origin: ModelOrigin, trust: bool) -> tuple[Native, dict[str, Any]]:
    """The same of a checkpoint of which only the encoder is used. Raises ModelError as `read_native`."""
    import transformers

    config = read_json(origin.folder / _CONFIG)
    check_files(origin.folder, origin.typed, here=origin.source == FOLDER)
    check_encoder(origin.folder)
    known = known_type(config) and hasattr(transformers, _architecture(config))
    if config.get("auto_map") and not known and not trust:
        raise ModelError(f"{origin.typed} contains code of its own, which runs only with {TRUST_FLAG}")
    check_config(config, origin.typed)
    return Native(_architecture(config), (), trust), config


def native_files(folder: Path, trust: bool) -> list[Path]:
    """The files that are part of a checkpoint's identity."""
    paths = {path for pattern in (*FILES, *(CODE if trust else ())) for path in folder.glob(pattern)}
    return sorted(paths | set(weight_files(folder, str(folder))))


def _architecture(config: Mapping[str, Any]) -> str:
    architectures = config.get("architectures")
    return str(architectures[0]) if isinstance(architectures, list) and architectures else ""


def _other_head(origin: ModelOrigin, architecture: str, task: TaskSpec) -> str:
    wanted = f"one that ends in {HEADS[task.family]}" if task.family in HEADS else "a dual encoder made by train"
    needs = f"{task.name} needs {wanted}"
    if any(architecture.endswith(ending) for ending in HEADS.values()):
        return f"{origin.typed} is a {architecture}, whose head is for other tasks; {needs}."
    what = architecture or "config.json names no architecture"
    how = f" Fine-tune it: {train_command(task, origin.typed)}." if origin.source == FOLDER else ""
    return f"{origin.typed} is an encoder without task heads ({what}); {needs}.{how}{instead(task)}"


def train_command(task: TaskSpec, encoder: str = "DIR") -> str:
    """The command that trains a head for a task: its own, or the first accepted one where it has no training data."""
    others = (name for name in task.accepts if name != task.name)
    learned = task.name if task.train_languages else next(others, task.name)
    return f"robust-xtreme train --task {learned} --from {encoder} --data DIR"


def instead(task: TaskSpec) -> str:
    """The alternative to a head, as a sentence: in retrieval, a named representation."""
    return " Or compare texts without a head: --representation mean:14/24" if task.pool is not None else ""


def _classes(origin: ModelOrigin, config: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of the head's classes in order; where there are none, those that transformers would give."""
    id2label = config.get("id2label")
    if id2label is None:
        count = config.get("num_labels", _ENDS)
        id2label = {str(index): f"LABEL_{index}" for index in range(count if isinstance(count, int) else 0)}
    if not isinstance(id2label, dict) or not 0 < len(id2label) <= _MOST:
        raise ModelError(f"{origin.typed}: id2label in its config.json does not name the head's classes.")
    indices = [str(index) for index in range(len(id2label))]
    if sorted(id2label) != sorted(indices) or not all(isinstance(name, str) and name for name in id2label.values()):
        raise ModelError(f"{origin.typed}: id2label in its config.json does not name classes 0 to {len(id2label) - 1}.")
    return tuple(id2label[index] for index in indices)
