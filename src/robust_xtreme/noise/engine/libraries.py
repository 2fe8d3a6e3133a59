"""Imports libraries that are extras."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from robust_xtreme.errors import UserError


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
