"""Encoders on disk: which one a folder holds, and how it is read: safetensors only, none of its code, no network."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
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

    It comes without the pooler, which nothing here uses, where the architecture lets it be left out.
    """
    from transformers import AutoConfig, AutoModel
    from transformers.models.auto.modeling_auto import MODEL_MAPPING

    with _reading(folder), torch.random.fork_rng(devices=()):
        torch.manual_seed(0)
        config = AutoConfig.from_pretrained(str(folder), **_LOCAL)
        architecture: Any = MODEL_MAPPING[type(config)]
        takes = inspect.signature(architecture).parameters
        pooler = {"add_pooling_layer": False} if "add_pooling_layer" in takes else {}
        encoder = AutoModel.from_pretrained(str(folder), config=config, use_safetensors=True, **pooler, **_LOCAL)
    return encoder.float().eval()


@contextmanager
def _reading(folder: Path) -> Iterator[None]:
    try:
        with quiet_transformers():
            yield
    except Exception as error:
        raise ModelError(f"{folder} cannot be loaded: {first_line(error)}") from error


def first_line(error: Exception) -> str:
    """The first line of what a library says, or the name of its exception where it says nothing."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


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
