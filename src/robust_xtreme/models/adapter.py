"""Adapters of peft: the model that one changes, what it says of a head, and its weights merged into those of the model.

The files that it names are read, never run: a configuration, and weights as safetensors.
"""

import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from robust_xtreme.core.errors import ModelError, UserError
from robust_xtreme.core.examples import CLASSIFICATION, SPAN_QA, TAGGING
from robust_xtreme.models.config import check_config, reading
from robust_xtreme.models.folder import ADAPTED, ADAPTER, CONFIG, ModelFolder, check_types, headers, read_json

_KINDS: Final = ("LORA", "LOHA", "LOKR", "IA3")
_HEADS: Final = {
    "SEQ_CLS": (CLASSIFICATION.name, "SEQUENCE_CLASSIFICATION"),
    "TOKEN_CLS": (TAGGING.name, "TOKEN_CLASSIFICATION"),
    "QUESTION_ANS": (SPAN_QA.name, "QUESTION_ANSWERING"),
}
"""The family of a task of peft, and the name of transformers' architectures for it."""

_CHANGE: Final = re.compile(r"\.(?:lora|hada|lokr|ia3)_")
"""What begins, in a weight's name, after the name of the layer that it changes."""

_LAST: Final = ("classifier", "score", "out_proj", "qa_outputs")
"""The names of the last layer of a head."""

_OUTSIDE: Final = "base_model.model."


def of_adapter(model: ModelFolder, find: Callable[[str, str], ModelFolder]) -> ModelFolder:
    """The base of an adapter's folder, with the adapter; any other model as it is.

    `find` gives the model of a name and a revision. Raises ModelError.
    """
    folder = model.folder
    if not (folder / ADAPTER).is_file() or (folder / CONFIG).is_file():
        return model
    config = read_json(folder / ADAPTER)
    if config.get("peft_type") not in _KINDS:
        what = f"is an adapter of the type {str(config.get('peft_type'))[:40]!r}; {', '.join(_KINDS)} are merged"
        raise ModelError(f"{model.typed} {what}. Merge it with peft's merge_and_unload, and save the model.")
    if not (folder / ADAPTED).is_file():
        pickled = next((path.name for path in sorted(folder.glob("adapter_model.*"))), "")
        why = f"only pickled weights ({pickled}), which could run code when read" if pickled else "no weights"
        raise ModelError(f"{model.typed} is an adapter with {why}; {ADAPTED} is read. Save it again with peft.")
    check_types([folder / ADAPTED])
    name, revision = config.get("base_model_name_or_path"), config.get("revision")
    if not isinstance(name, str) or not name:
        raise ModelError(f"{model.typed} is an adapter that names no base (base_model_name_or_path in {ADAPTER}).")
    try:
        base = find(name, revision if isinstance(revision, str) else "")
    except UserError as error:
        what = f"{model.typed} is an adapter, whose base (base_model_name_or_path in {ADAPTER}) is not at hand"
        raise ModelError(f"{what}: {error}") from error
    if not base.native or (base.folder / ADAPTER).is_file():
        raise ModelError(f"{model.typed} is an adapter, but its base {name[:80]!r} is no checkpoint of transformers.")
    check_config(base.config, name)
    head = _head(folder, config, base)
    return replace(model, folder=base.folder, adapter=folder, base=base.typed, head=head)


def _head(folder: Path, config: dict[str, Any], base: ModelFolder) -> tuple[tuple[str, Any], ...]:
    """What config.json would say of the head that an adapter contains: architecture and unnamed classes."""
    from transformers.models.auto import modeling_auto

    family, name = _HEADS.get(str(config.get("task_type")), ("", ""))
    count = classes_of(folder)
    if not name or not count or family == base.family:
        return ()
    architectures = getattr(modeling_auto, f"MODEL_FOR_{name}_MAPPING_NAMES")
    architecture = str(architectures.get(base.config.get("model_type"), ""))
    classes = {str(index): f"LABEL_{index}" for index in range(count)}
    return ("architectures", [architecture]), ("id2label", classes), ("label2id", {}), ("num_labels", count)


def classes_of(adapter: Path | None) -> int:
    """The number of classes of the head that an adapter contains; 0 where it contains none."""
    given = headers(adapter / ADAPTED).items() if adapter else ()
    shapes = {name.removesuffix(".weight").rpartition(".")[2]: shape for name, (_, shape) in given}
    return next((shapes[name][0] for name in _LAST if name in shapes), 0)


def kept(adapter: Path | None) -> set[str]:
    """The weights of the model itself that an adapter contains, by their names there: those of a head."""
    names = headers(adapter / ADAPTED) if adapter else ()
    return {name.removeprefix(_OUTSIDE) for name in names if not _CHANGE.search(name)}


@contextmanager
def peft_for(what: str) -> Iterator[Any]:
    """The module peft, which `what` needs. Raises UserError where it is not installed."""
    try:
        import peft
    except ImportError as error:
        why = f"{what} needs peft, which is not installed" if error.name == "peft" else f"peft cannot be used: {error}"
        raise UserError(f"{why}. Install it: pip install 'robust-xtreme[lora]'") from error
    with warnings.catch_warnings():
        # peft uses an old name that newer releases of transformers warn about.
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
        yield peft


def merged(model: Any, adapter: Path | None, called: str) -> Any:
    """A model with an adapter's changes, if any, in its weights. Raises UserError without peft, ModelError."""
    if adapter is None:
        return model
    from safetensors.torch import load_file

    with peft_for(called) as peft, reading(called, ADAPTER):
        config = peft.PeftConfig.from_pretrained(str(adapter))
        weights = _placed(load_file(str(adapter / ADAPTED)), model)
        saved = getattr(config, "modules_to_save", None) or ()
        there = {name.rpartition(".")[2] for name, _ in model.named_modules()}
        config.task_type, config.inference_mode, config.base_model_name_or_path = None, True, None
        config.modules_to_save = [name for name in saved if name in there] or None
        changed = peft.get_peft_model(model, config)
        report = peft.set_peft_model_state_dict(changed, weights)
    elsewhere = {"lm_head", *saved} - there
    lost = sorted(name for name in report.unexpected_keys if name.split(".")[2] not in elsewhere)
    lost += sorted(name for name in report.missing_keys if _CHANGE.search(name))
    if lost:
        raise ModelError(f"{called} is an adapter of another model than its base: {lost[0][:200]} has no place in it.")
    return changed.merge_and_unload()


def _placed(weights: dict[str, Any], model: Any) -> dict[str, Any]:
    """The weights of an adapter by the names of a model: with or without the prefix of its body."""
    prefix, modules = f"{model.base_model_prefix}.", {name for name, _ in model.named_modules()}
    names = {name: name.removeprefix(_OUTSIDE) for name in weights}
    inner = [name[: change.start()] for name in names.values() if (change := _CHANGE.search(name))]
    if not modules.isdisjoint(part.removeprefix(prefix) for part in inner):
        names = {name: short.removeprefix(prefix) for name, short in names.items()}
    return {f"{_OUTSIDE}{short}": weights[name] for name, short in names.items()}
