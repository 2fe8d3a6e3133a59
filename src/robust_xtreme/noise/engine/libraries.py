"""Imports libraries that are extras, keeps transformers quiet, and reads a masked language model."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from robust_xtreme.core import strict_json
from robust_xtreme.core.errors import UserError


def checked(name: str, option: str, user: str, kinds: Collection[str] = ()) -> Path:
    """The folder of a masked language model that an option names, one of some kinds if named. Raises UserError."""
    folder = Path(name).expanduser()
    if not (folder / "config.json").is_file():
        raise UserError(
            f"@{option}={name} is not a folder with a model of transformers; {user} downloads nothing: "
            f"hf download NAME --local-dir DIR, then @{option}=DIR"
        )
    try:
        config = strict_json.loads((folder / "config.json").read_text(encoding="utf-8"))
        kind, heads = str(config.get("model_type")), list(config.get("architectures") or [])
    except (ValueError, AttributeError, TypeError) as error:
        raise UserError(f"{folder / 'config.json'} is not a configuration of a model: {error}") from error
    if kinds and kind not in kinds:
        raise UserError(f"{name} is of the kind {kind!r}; {user} can use {', '.join(sorted(kinds))}.")
    if not any(str(head).endswith("ForMaskedLM") for head in heads):
        raise UserError(f"{name} has no head of a masked language model: its architectures are {heads}.")
    if not any(folder.glob("*.safetensors")):
        raise UserError(f"{name} has no weights as safetensors; others are not read.")
    return folder.resolve()


@contextmanager
def importing(library: str) -> Iterator[None]:
    """Import modules of a library without warnings of its code. Raises UserError, which says how to install it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except (ImportError, OSError) as error:
        line = " ".join(str(error).split())
        install = f'pip install "robust-xtreme[{library.lower()}]"'
        raise UserError(f"{library} cannot be loaded ({line}): {install}") from error


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Hide the progress bars, load reports and advice of transformers while a model is loaded."""
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
