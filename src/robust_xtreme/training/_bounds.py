"""What numbers and paths of a run may be, said by their options' names."""

from __future__ import annotations

import re
from typing import Final

from robust_xtreme.errors import SpecError

MOST: Final = 10**9
MOST_PARTS: Final = 4096
_MAX_SEED: Final = 2**32 - 1
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_SEE: Final = "See: robust-xtreme train --help"


def check_number(name: str, value: int, least: int, most: int = MOST) -> None:
    """Raise SpecError where a whole number is out of bounds; one that is too large is not printed."""
    if value > most:
        raise SpecError(f"--{name.replace('_', '-')} takes at most {most:,}. {_SEE}")
    if value < least:
        shown = value if value > -most else "that"
        raise SpecError(f"--{name.replace('_', '-')} {shown} is below {least}.")


def check_seed(seed: int, least: int) -> None:
    """Raise SpecError where a seed is none that every generator takes."""
    check_number("seed", seed, least, _MAX_SEED)


def check_path(name: str, value: str) -> None:
    """Raise SpecError where a path holds a control character."""
    if _CONTROL.search(value):
        raise SpecError(f"The value {value[:200]!r} of {name!r} holds a control character: it is no path. {_SEE}")
