"""The weight files of a transformers folder: found, checked against its configuration, and the identity of a model."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

from robust_xtreme.core import registry, resources, strict_json
from robust_xtreme.core.errors import ModelError
from robust_xtreme.core.examples import digest
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.tasks.sources.checkpoints import FILES

WHOLE: Final = "model.safetensors"
INDEX: Final = "model.safetensors.index.json"
ADAPTER: Final = "adapter_config.json"
_SAFE: Final = re.compile(r"[^./\\\0][^/\\\0]*\.safetensors")
_PICKLES: Final = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
_SIZES: Final[Mapping[str, tuple[int, int]]] = {
    **dict.fromkeys(("num_hidden_layers", "num_layers", "n_layers", "n_layer", "num_hidden_groups"), (1, 256)),
    **dict.fromkeys(("hidden_size", "d_model", "dim", "n_embd", "embedding_size", "intermediate_size"), (1, 10**6)),
    **dict.fromkeys(("num_attention_heads", "num_heads", "n_heads", "d_ff"), (1, 10**6)),
    "vocab_size": (1, 10**8),
    **dict.fromkeys(("max_position_embeddings", "type_vocab_size"), (0, 10**8)),
    "num_labels": (1, 10_000),
}
"""The smallest and largest value of keys of config.json; more layers or classes take minutes to read."""

_SPARE: Final = 10**7
_READ_AS: Final = "read only as float32, float16 or bfloat16"
_DTYPES: Final = ("float32", "float16", "bfloat16", "float64", "float", "half", "double", "auto")
_TYPES: Final = ("F32", "F16", "BF16", "F64")
_BUFFERS: Final = re.compile(
    r"(?:.*\.)?(?:position_ids|token_type_ids|num_batches_tracked|masked_bias|\w+_(?:index|mask))"
)
"""Weights of other types that are not learned."""

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
    files = weight_files(folder, called)
    if files:
        check_types(files)
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
        index = strict_json.loads(path.read_text(encoding="utf-8"))
        return [name if isinstance(name, str) else repr(name) for name in index["weight_map"].values()]
    except (OSError, ValueError, RecursionError, KeyError, TypeError, AttributeError):
        return []


def check_types(paths: Iterable[Path]) -> None:
    """Raise ModelError where a file of weights is damaged, or contains integers or floats of 8 bits.

    Those need scales, which are not applied: read as they are, they would be other weights.
    """
    for path in paths:
        for name, (kind, _) in headers(path).items():
            if kind not in _TYPES and not _BUFFERS.fullmatch(name):
                what = f"{name[:200]} has the type {kind}, but weights are {_READ_AS}"
                raise ModelError(f"{path}: {what}. Save it again in one of them.")


@cache
def _headers(path: Path, _version: tuple[int, ...]) -> Mapping[str, tuple[str, tuple[int, ...]]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), framework="numpy") as weights:
            slices = {name: weights.get_slice(name) for name in weights.keys()}  # noqa: SIM118 - not a mapping
            return {name: (part.get_dtype(), tuple(part.get_shape())) for name, part in slices.items()}
    except (OSError, SafetensorError) as error:
        raise ModelError(f"{path} is damaged: {str(error).splitlines()[0]}. Remove it and get it again.") from error


def headers(path: Path) -> Mapping[str, tuple[str, tuple[int, ...]]]:
    """The type and shape of each weight in a file, read from its header. Raises ModelError where it is damaged."""
    try:
        version = resources.version(path)
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}") from error
    return _headers(path, version)


def check_config(config: Mapping[str, Any], called: str) -> None:
    """Raise ModelError where a configuration has an impossible size or type of numbers, or names other weight files."""
    text_config = config.get("text_config")
    for part in (config, text_config if isinstance(text_config, dict) else {}):
        for key in _SIZES.keys() & part.keys():
            _check_size(key, part[key], called)
        for key in ("dtype", "torch_dtype"):
            _check_dtype(key, part.get(key), called)
    if config.get("quantization_config") is not None:
        what = f"describes quantised weights (quantization_config), but weights are {_READ_AS}"
        raise ModelError(f"{called}: its config.json {what}. Save it again without quantisation.")
    other = config.get("transformers_weights")
    if other not in (None, WHOLE):
        raise ModelError(
            f"{called}: its config.json names weights of its own ({str(other)[:80]!r}); only {WHOLE} is read."
        )


def _check_dtype(key: str, value: Any, called: str) -> None:
    """Raise ModelError where a configuration names another type; parts of a model can have their types in an object."""
    named = value.removeprefix("torch.") if isinstance(value, str) else value
    if named is not None and not isinstance(named, dict) and named not in _DTYPES:
        what = f"says {key} {json.dumps(value)[:80]}, but weights are {_READ_AS}"
        raise ModelError(f"{called}: its config.json {what}. Get it again.")


def _check_size(key: str, value: Any, called: str) -> None:
    least, most = _SIZES[key]
    if value is not None and (type(value) is not int or not least <= value <= most):
        what = f"says {key} {json.dumps(value)[:80]}, but a size is a whole number from {least} to {most:,}"
        raise ModelError(f"{called}: its config.json {what}. Get it again.")


def check_size(described: int, paths: Iterable[Path]) -> None:
    """Raise ModelError where a configuration describes far more parameters than the files contain.

    Weights that are missing or misshapen would be allocated before they are reported.
    """
    present = sum(math.prod(shape) for path in paths for _, shape in headers(path).values())
    if described > 2 * present + _SPARE:
        what = f"describes {described:,} parameters, but the weights have {present:,}"
        raise ModelError(f"its config.json {what}. Get it again.")


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


# The identity of a model: one hash of its files; a file is read again only after it has changed.

_EMBEDDING: Final = re.compile(r"(?:embeddings?|(?:^|\.)(?:shared|embed_tokens|embed_positions|wte|wpe))\.weight$")
"""Names of embedding tables (words, positions, types) in BERT, T5 and others; not of norms and projections."""

_DECODER: Final = "decoder."
_IMAGES: Final = ("vision_model.", "visual_projection.", "text_projection.", "logit_scale", "logit_bias")
_UNREAD: Final = (*_IMAGES, _DECODER, "lm_head.")
"""Parts of checkpoints of CLIP's and T5's kind that are not used to read text."""

MODEL_FILES: Final = (*FILES, "*.safetensors")
"""The files of a model's folder that are read."""

_NOT_IDENTITY: Final = ("_name_or_path", "transformers_version")


def read_json(path: Path) -> dict[str, Any]:
    """The object in a file. Raises ModelError."""
    try:
        value = strict_json.loads(resources.content(path).decode("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{path} cannot be read: {error}") from error
    if not isinstance(value, dict):
        raise ModelError(f"{path} is not a JSON object.")
    return value


def model_files(folder: Path) -> list[Path]:
    """The files of a model's folder that are read, in order; a file of the user beside them is not one."""
    return sorted({path for pattern in MODEL_FILES for path in folder.glob(pattern)})


def identity(
    files: Iterable[Path], config: Mapping[str, Any], heads: Mapping[str, Sequence[str]], folder: Path | None = None
) -> str:
    """The hash of files (weights, tokenizer), configuration, and heads with their label maps (16 hex digits).

    `folder` contains the heads' weights; without one they are among the files.
    """
    every = sorted(path for path in files if path.is_file() and path.name != "config.json")
    parts = [part for path in every for part in (path.name, file_hash(path))]
    parts.append(json.dumps({key: config[key] for key in sorted(config) if key not in _NOT_IDENTITY}))
    for head, names in heads.items():
        weights = file_hash(folder / f"{head}.safetensors") if folder else ""
        parts += [head, weights, str(len(names)), *names]
    return digest(*parts)


def file_hash(path: Path) -> str:
    """The sha256 of a file, read once while it does not change. Raises ModelError where it cannot be read."""
    try:
        return _file_hash(path, resources.version(path))
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}") from error


@cache
def _file_hash(path: Path, _version: tuple[int, ...]) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def parameters(paths: tuple[Path, ...]) -> tuple[int, int]:
    """The number of parameters that read text, with and without embedding tables, from the headers of weight files.

    Tables are those of words, positions (relative ones too) and types. The norm after them, a projection to the width
    of the layers, and T5's attention bias are not tables.
    Raises ModelError where a file is damaged.
    """
    sizes = {name: math.prod(shape) for path in paths for name, (_, shape) in headers(path).items()}
    unread = _UNREAD if any(name.startswith(_DECODER) for name in sizes) else _IMAGES
    kept = {name: size for name, size in sizes.items() if not name.startswith(unread)}
    embedding = sum(size for name, size in kept.items() if _EMBEDDING.search(name))
    every = sum(kept.values())
    return every, every - embedding


# The language models whose folders perturbations name, as in `masked_words@lm=DIR:0.1`.


def language_models(specs: Iterable[PerturbationSpec]) -> tuple[str, ...]:
    """Their identities, sorted, each once. Raises ModelError."""
    named = [(registry.load("perturbation", link.name).free, link.params) for spec in specs for link in spec.links]
    folders = {Path(value).expanduser() for free, params in named for name, value in params if name in free}
    return tuple(sorted({identity(model_files(folder), read_json(folder / "config.json"), {}) for folder in folders}))
