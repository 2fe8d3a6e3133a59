"""Models in memory: each is saved to a temporary folder, which a run reads as it reads any checkpoint.

The object itself is not changed: its mode, device, types and configuration stay. Two objects with the same weights,
configuration, labels and tokenizer have the same name, so that a run of one continues, or answers from the cache of,
a run of the other.
"""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, Final

from torch import nn

from robust_xtreme.core import registry
from robust_xtreme.core.errors import DiskError, SpecError, no_room, shown
from robust_xtreme.core.targets.kinds import kind_of
from robust_xtreme.files import store
from robust_xtreme.models.copied import check_copy
from robust_xtreme.models.encoder import first_line
from robust_xtreme.models.identity import identity, read_json
from robust_xtreme.models.labels import placed
from robust_xtreme.models.native import native_files
from robust_xtreme.models.origin import IN_MEMORY
from robust_xtreme.models.whole import family_of_head
from robust_xtreme.noise.engine.libraries import quiet_transformers

_TAKES: Final = "evaluate takes a model of transformers, as AutoModelForSequenceClassification.from_pretrained gives"
_TOKENIZER: Final = "as in tokenizer=AutoTokenizer.from_pretrained(...)"
_INSIDE: Final[Mapping[str, str]] = {"module": "model.module", "_orig_mod": "model._orig_mod"}
"""The attribute in which a wrapper has its model (of DataParallel, of torch.compile), and how it is written."""

_ORIGIN: Final = ("is_local", "local_files_only", "name_or_path")
_HOOKS: Final = ("_forward_hooks", "_forward_pre_hooks")


@contextmanager
def named(values: Mapping[str, Any], tokenizer: Any) -> Iterator[tuple[dict[str, Any], dict[str, Path]]]:
    """The values of a RunSpec with names for its models and labels, and the folders of models in memory by their names.

    `model` may be paths, names or objects, alone, in a list, or by task; `labels` may be lists by task or, for a single
    object, its classes. `tokenizer` is that of the objects, or a dict with that of each task. The folders exist until
    the end of the context. Raises SpecError, DiskError.
    """
    given = {**values, **({"labels": _labels(values["labels"])} if isinstance(values.get("labels"), Mapping) else {})}
    by_task = _by_task(values["model"]) if "model" in values else []
    objects = {id(value): value for _, value in by_task if not isinstance(value, (str, Path))}
    if not objects and tokenizer is not None:
        raise SpecError("evaluate takes tokenizer= only with a model in memory: leave it out.")
    classes: tuple[str, ...] = ()
    if objects and _are_classes(given.get("labels", ())):
        classes = _classes(given.pop("labels"), len(objects))
    names: list[str] = []
    folders: dict[str, Path] = {}
    with tempfile.TemporaryDirectory(prefix="robust-xtreme-") if objects else nullcontext("") as parent:
        for number, (task, value) in enumerate(by_task):
            name = str(value)
            if id(value) in objects:
                reader = copy.deepcopy(_tokenizer(tokenizer, task))
                folder = _save(value, reader, classes, Path(parent) / str(number))
                name = f"{IN_MEMORY}:{_hash(folder)}"
                check_copy(value, reader, folder, name)
                folders[name] = folder
            names.append(f"{task}={name}" if task else name)
        yield ({**given, "model": names} if "model" in given else given), folders


def _by_task(model: Any) -> list[tuple[str, Any]]:
    """Pairs of a task ("": every task that the model has a head for) and a model."""
    several = model if isinstance(model, (list, tuple)) else [model]
    pairs = list(model.items()) if isinstance(model, Mapping) else [("", value) for value in several]
    for task, value in pairs:
        if not isinstance(task, str) or (isinstance(model, Mapping) and not task):
            raise SpecError(f"evaluate: model names the task {shown(task)}, which is not the name of a task.")
        if not isinstance(value, (str, Path)):
            _check_model(value)
    return pairs


def _labels(labels: Mapping[Any, Any]) -> tuple[str, ...]:
    """Labels by task as TASK=A,B,C. Raises SpecError."""
    for names in labels.values():
        if not isinstance(names, (list, tuple)):
            raise SpecError(f"evaluate: labels takes a list of names for each task, not {shown(names)}.")
    return tuple(f"{task}={','.join(map(str, names))}" for task, names in labels.items())


def _are_classes(labels: Any) -> bool:
    """Whether labels are names of classes, and do not name their tasks, as in TASK=A,B,C."""
    names, tasks = [labels] if isinstance(labels, str) else labels, registry.names("task")
    if not isinstance(names, (list, tuple)) or not names:
        return False
    return not all(isinstance(name, str) and "=" in name and name.partition("=")[0] in tasks for name in names)


def _classes(labels: Any, objects: int) -> tuple[str, ...]:
    """The classes of the only object, in its order. Raises SpecError."""
    names = tuple(part.strip() for part in labels.split(",")) if isinstance(labels, str) else tuple(labels)
    if objects > 1:
        raise SpecError("evaluate: labels of several models in memory name their tasks: labels={'xnli': [...]}.")
    if len(set(map(str, names))) < len(names) or not all(isinstance(name, str) and name for name in names):
        raise SpecError(
            f"evaluate: labels takes the name of each class once, in the model's order, not {shown(labels)}."
        )
    return names


def _tokenizer(tokenizer: Any, task: str) -> Any:
    """The tokenizer of a task's model. Raises UserError where it is missing or not a fast one."""
    reader = tokenizer.get(task) if type(tokenizer) is dict else tokenizer
    if reader is None:
        raise SpecError(f"evaluate: a model in memory needs its tokenizer, {_TOKENIZER}.")
    if not getattr(reader, "is_fast", False) or not callable(getattr(reader, "save_pretrained", None)):
        raise SpecError(f"evaluate takes a fast tokenizer of transformers, {_TOKENIZER}, not {type(reader).__name__}.")
    return reader


def _check_model(model: Any) -> None:
    """Raise UserError where an object is not a model that transformers can load again from its weights."""
    import transformers

    kind = type(model)
    if not isinstance(model, nn.Module):
        takes = "a name, a path, a model of transformers, a list of these, or one for each task"
        raise SpecError(f"evaluate: model takes {takes}, not {shown(model)}.")
    wrapped = [text for name, text in _INSIDE.items() if isinstance(getattr(model, name, None), nn.Module)]
    for inside in wrapped:
        raise SpecError(f"{_TAKES}; this {kind.__name__} wraps one: evaluate({inside}).")
    if hasattr(model, "merge_and_unload"):
        raise SpecError(f"{_TAKES}; this {kind.__name__} has an adapter: evaluate(model.merge_and_unload()).")
    if getattr(transformers, kind.__name__, None) is not kind:
        raise SpecError(f"{_TAKES}; {kind.__name__} is another class, whose code is not part of its weights.")
    changed = next((name or kind.__name__ for name, part in model.named_modules() if _is_changed(part)), None)
    if changed:
        what = "has hooks, another forward or a max_norm, which are not part of the weights"
        raise SpecError(f"{changed} {what}. Remove them.")


def _is_changed(module: nn.Module) -> bool:
    """Whether a module computes other than its weights say; accelerate's change only moves them.

    A table of embeddings with a max_norm changes its weights where it is used.
    """
    replaced = "forward" in vars(module) and not hasattr(module, "_hf_hook")
    limited = isinstance(module, (nn.Embedding, nn.EmbeddingBag)) and module.max_norm is not None
    return replaced or limited or any(getattr(module, hooks) for hooks in _HOOKS)


def _save(model: Any, reader: Any, classes: tuple[str, ...], folder: Path) -> Path:
    """Write a model, which stays as it is, and a copy of its tokenizer to a folder. Raises UserError, DiskError."""
    saved = copy.copy(model)
    saved.config = copy.deepcopy(model.config)
    if classes:
        _check_classes(classes, model)
        saved.config.id2label = dict(enumerate(classes))
        saved.config.label2id = {name: index for index, name in enumerate(classes)}
    reader.backend_tokenizer.no_padding()  # what an earlier call set is not a part of the tokenizer
    reader.backend_tokenizer.no_truncation()
    try:
        with quiet_transformers():
            saved.save_pretrained(str(folder))
            reader.save_pretrained(str(folder))
        _drop_origin(folder / "tokenizer_config.json")
    except OSError as error:
        what = f"the model in memory cannot be saved: {error.strerror or error}"
        cure = no_room(error) or "Free some space"
        raise DiskError(f"{folder.parent}: {what}. {cure}, or name another folder in TMPDIR.") from error
    except Exception as error:  # of a part without weights, or of a kind that is not saved
        raise SpecError(f"evaluate: the model in memory cannot be saved: {first_line(error)}") from error
    return folder


def _check_classes(names: tuple[str, ...], model: Any) -> None:
    """Raise SpecError where names are not those of the head's classes: their number, or their order by the model."""
    architecture, config = type(model).__name__, model.config
    family = family_of_head(architecture)
    if family is None or not kind_of(family).classes:
        raise SpecError(f"evaluate: labels names classes, but the answers of {architecture} are not classes.")
    if len(names) != int(config.num_labels):
        raise SpecError(f"evaluate: labels names {len(names)} classes, but the model has {config.num_labels}.")
    known = tuple(str(config.id2label[index]) for index in range(len(names)))
    for task in (registry.load("task", name) for name in registry.names("task")):
        clear = placed(known, task) if task.family == family else None
        if clear is not None and clear != placed(names, task):
            what = f"labels contradicts the model, whose config.id2label calls its classes {', '.join(known)}"
            raise SpecError(f"evaluate: {what}. Leave labels out, or correct id2label.")


def _drop_origin(path: Path) -> None:
    """Remove from a tokenizer's configuration where it was loaded from."""
    store.write_json(path, {key: value for key, value in read_json(path).items() if key not in _ORIGIN})


def _hash(folder: Path) -> str:
    return identity(native_files(folder, trust=False), read_json(folder / "config.json"), {})
