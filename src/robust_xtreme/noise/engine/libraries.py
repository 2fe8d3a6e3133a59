"""Imports libraries that are extras, and keeps transformers quiet."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from robust_xtreme.core.errors import UserError


@contextmanager
def importing(library: str) -> Iterator[None]:
    """Import modules of a library without the warnings of its code.

    Raises UserError, one line that says how to install it, where an import fails.
    """
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
