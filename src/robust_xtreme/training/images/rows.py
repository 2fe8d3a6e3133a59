"""A row of a file of captions, and the language that the name of such a file contains."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

from robust_xtreme.training.text import NAMES

LONGEST: Final = 10_000
"""The most characters of a caption."""

_CODE: Final = re.compile(r"[a-z]{2,3}")
_ENGLISH: Final = "en"


@final
@dataclass(frozen=True, slots=True)
class CaptionRow:
    """An image by its path from the folder of the pairs, and a caption.

    `location` is the file and line of the caption. An `optional` image may be absent: the row is then left out.
    """

    image: str
    caption: str
    language: str
    location: str
    optional: bool = False


def language_of(path: Path) -> str:
    """The language in the name of a file: `de.tsv`, `captions.de.tsv` or `train.1.de`; English where there is none."""
    parts = [part for part in path.name.split(".") if _CODE.fullmatch(part) and part not in _NOT_CODES]
    code = parts[-1] if parts else _ENGLISH
    return NAMES.get(code, code)


_NOT_CODES: Final = ("tsv", "csv", "txt")
