"""Encoders on disk: which one a folder holds, and how it is read: safetensors only, none of its code, no network."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import torch

from robust_xtreme.errors import ModelError
from robust_xtreme.examples import digest
from robust_xtreme.results import store

_MODEL_FILES: Final = ("*.json", "*.safetensors", "*.model", "*.txt")
_PICKLES: Final = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
_LOCAL: Final = {"local_files_only": True, "trust_remote_code": False}


def encoder_identity(folder: Path, sha256: Callable[[Path], str] = store.sha256) -> str:
    """The hash of a folder's weights, configuration and tokenizer files (16 hex digits)."""
    files = sorted({path for pattern in _MODEL_FILES for path in folder.glob(pattern)})
    return digest(*(part for path in files for part in (path.name, sha256(path))))


def check_weights(folder: Path) -> None:
    """Raise ModelError, one line, where a folder holds no safetensors."""
    if any(folder.glob("*.safetensors")):
        return
    pickled = next((path.name for pattern in _PICKLES for path in sorted(folder.glob(pattern))), None)
    if pickled is None:
        raise ModelError(
            f"{folder} holds no weights (model.safetensors). Save them with transformers' save_pretrained."
        )
    raise ModelError(
        f"{folder} holds only pickled weights ({pickled}), which could run code when read. "
        "Convert them to model.safetensors with transformers' save_pretrained."
    )


def read_tokenizer(folder: Path) -> Any:
    """The fast tokenizer of a transformers folder. Raises ModelError."""
    from transformers import AutoTokenizer

    with _reading(folder):
        tokenizer = AutoTokenizer.from_pretrained(str(folder), **_LOCAL)
    if not getattr(tokenizer, "is_fast", False):
        raise ModelError(f"{folder} has no fast tokenizer (tokenizer.json). Save one with transformers.")
    return tokenizer


def read_encoder(folder: Path) -> Any:
    """The encoder of a transformers folder: float32, on the CPU, in evaluation mode. Raises ModelError.

    It comes without the pooler, which nothing here uses, where the architecture lets it be left out. A weight that
    the files lack, or hold in another shape than config.json says, is an error: transformers would draw it at random.
    """
    from transformers import AutoConfig, AutoModel
    from transformers.models.auto.modeling_auto import MODEL_MAPPING

    with _reading(folder), torch.random.fork_rng(devices=()):
        config = AutoConfig.from_pretrained(str(folder), **_LOCAL)
        architecture: Any = MODEL_MAPPING[type(config)]
        takes = inspect.signature(architecture).parameters
        pooler = {"add_pooling_layer": False} if "add_pooling_layer" in takes else {}
        options = {"use_safetensors": True, "ignore_mismatched_sizes": True, "output_loading_info": True}
        encoder, found = AutoModel.from_pretrained(str(folder), config=config, **options, **pooler, **_LOCAL)
    _check_complete(folder, found)
    return encoder.float().eval()


def _check_complete(folder: Path, found: Mapping[str, Any]) -> None:
    """Raise ModelError where weights that the encoder uses were not in its files as config.json describes them."""
    misshapen = sorted(name for name, *_ in found["mismatched_keys"])
    if misshapen:
        raise ModelError(f"{folder}: {_counted(misshapen)} another shape in the weights than config.json says.")
    missing = sorted(name for name in found["missing_keys"] if "pooler" not in name)
    if missing:
        raise ModelError(f"{folder}: {_counted(missing)} no weights, though config.json describes it.")


def _counted(names: Sequence[str]) -> str:
    return f"{names[0]} and {len(names) - 1} more have" if len(names) > 1 else f"{names[0]} has"


@contextmanager
def _reading(folder: Path) -> Iterator[None]:
    try:
        with quiet_transformers():
            yield
    except Exception as error:
        raise ModelError(f"{folder} cannot be loaded: {first_line(error)}") from error


def first_line(error: Exception) -> str:
    """The first line of what a library says, or the name of its exception where it says nothing.

    A line that ends in a colon only announces the next, which then follows it.
    """
    first, *others = [*filter(None, map(str.strip, str(error).splitlines())), ""]
    return (f"{first} {others[0]}" if first.endswith(":") and others else first).strip() or type(error).__name__


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Silence transformers' progress bars and load reports for a while; what matters of them is checked by us."""
    from transformers.utils import logging

    chatter: Any = logging
    bars, level = chatter.is_progress_bar_enabled(), chatter.get_verbosity()
    chatter.disable_progress_bar()
    chatter.set_verbosity_error()
    try:
        yield
    finally:
        chatter.set_verbosity(level)
        if bars:
            chatter.enable_progress_bar()
