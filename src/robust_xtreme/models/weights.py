"""Find the weight files of a transformers folder, and check that its configuration describes all weights."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from robust_xtreme.errors import ModelError

WHOLE: Final = "model.safetensors"
INDEX: Final = "model.safetensors.index.json"
ADAPTER: Final = "adapter_config.json"
_SAFE: Final = re.compile(r"[^./\\\0][^/\\\0]*\.safetensors")
_LAYERS: Final = ("num_hidden_layers", "num_layers", "n_layers", "n_layer")
_SIZES: Final = ("vocab_size", "hidden_size", "d_model", "num_attention_heads", "num_heads", "intermediate_size")
_PICKLES: Final = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
_LARGEST: Final = 10**8
_UNUSED: Final = re.compile(
    r"(?:.*\.)?(?:pooler\..+|position_ids|token_type_ids|inv_freq|num_batches_tracked)"
    r"|(?:lm_head|cls|predictions|sop_classifier|lm_predictions|mask_predictions|generator_predictions"
    r"|generator_lm_head|discriminator_predictions|vocab_transform|vocab_layer_norm|vocab_projector|decoder"
    r"|head|criterion|loss\w*)\..+"
)
"""Weights in checkpoints that a task head does not use: poolers, pretraining heads, buffers, weights of a loss."""


def weight_files(folder: Path, called: str) -> tuple[Path, ...]:
    """The files that a folder's weights are read from; empty where it contains neither weights nor an index of them.

    Raises ModelError, one line, where the index names a file that is not a safetensors file in the same folder.
    """
    if (folder / WHOLE).is_file():
        return (folder / WHOLE,)
    if not (folder / INDEX).is_file():
        return ()
    names = sorted(set(_indexed(folder / INDEX)), key=str)
    strange = next((name for name in names if not isinstance(name, str) or not _SAFE.fullmatch(name)), None)
    if strange is not None or not names:
        what = f"names {str(strange)[:80]!r}" if names else "names no file of weights"
        raise ModelError(
            f"{called}: its {INDEX} {what}, but weights are read only from files in the same folder that end in "
            ".safetensors; pickled ones could run code. Save it again with transformers' save_pretrained."
        )
    lost = next((name for name in names if not (folder / name).is_file()), None)
    if lost is not None:
        raise ModelError(f"{called}: its {INDEX} names {lost[:80]!r}, which is missing. Get it again.")
    return tuple(folder / name for name in names)


def check_whole(folder: Path, called: str) -> None:
    """Raise ModelError where a folder contains an adapter, which some versions of transformers apply unasked."""
    if (folder / ADAPTER).is_file():
        raise ModelError(
            f"{called} contains an adapter ({ADAPTER}), which is not applied. Merge it into the weights with peft's "
            "merge_and_unload, and save them without it."
        )


def check_weights(folder: Path) -> None:
    """Raise ModelError, one line, where a folder does not contain safetensors."""
    if any(folder.glob("*.safetensors")):
        return
    pickled = next((path.name for pattern in _PICKLES for path in sorted(folder.glob(pattern))), None)
    if pickled is None:
        raise ModelError(
            f"{folder} contains no weights (model.safetensors). Save them with transformers' save_pretrained."
        )
    raise ModelError(
        f"{folder} contains only pickled weights ({pickled}), which could run code when read. "
        "Convert them to model.safetensors with transformers' save_pretrained."
    )


def check_files(folder: Path, called: str, here: bool) -> None:
    """Raise ModelError where a folder has no weights that can be read; `here`: it is local, not fetched."""
    check_whole(folder, called)
    if weight_files(folder, called):
        return
    if here:
        check_weights(folder)
    raise ModelError(
        f"{called} has no model.safetensors; pickled weights are not read, because they could run code. "
        "Save it again with transformers' save_pretrained."
    )


def _indexed(path: Path) -> list[Any]:
    """The values of an index's weight_map; empty where the file is not such an index."""
    try:
        index = json.loads(path.read_text(encoding="utf-8"))
        return [name if isinstance(name, str) else repr(name) for name in index["weight_map"].values()]
    except (OSError, ValueError, RecursionError, KeyError, TypeError, AttributeError):
        return []


def check_config(config: Mapping[str, Any], called: str) -> None:
    """Raise ModelError where a configuration has no layers, an impossible size, or names other weight files."""
    for key in _LAYERS:
        value = config.get(key)
        if isinstance(value, (int, float)) and value < 1:
            raise ModelError(f"{called}: its config.json says {key} {value}, but an encoder has at least one layer.")
    for key in _SIZES:
        value = config.get(key)
        if isinstance(value, (int, float)) and not 0 < value <= _LARGEST:
            what = f"says {key} {str(value)[:80]}, but a size is a number from 1 to {_LARGEST:,}. Get it again."
            raise ModelError(f"{called}: its config.json {what}")
    other = config.get("transformers_weights")
    if other not in (None, WHOLE):
        raise ModelError(
            f"{called}: its config.json names weights of its own ({str(other)[:80]!r}); only {WHOLE} is read."
        )


def check_described(called: str, unexpected: Iterable[str], model: Any, whole: bool) -> None:
    """Raise ModelError where the files contain weights that the configuration does not describe, such as more layers.

    In a `whole` checkpoint all weights count but those that a task head does not use; in an encoder only those of its
    own parts, because a head in the same files belongs to another model.
    """
    prefix = f"{model.base_model_prefix}." if getattr(model, "base_model_prefix", "") else ""
    left = sorted(name for name in unexpected if not _UNUSED.fullmatch(name))
    if not whole:
        left = [name for name in left if hasattr(model, name.removeprefix(prefix).partition(".")[0])]
    if left:
        what = f"{left[0]} and {len(left) - 1} more are" if len(left) > 1 else f"{left[0]} is"
        raise ModelError(f"{called}: {what} in the weights, but config.json describes no such part of the model.")
