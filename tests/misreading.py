"""A reader in place of fonts and Tesseract: a print is the text itself, and a bad one has errors in it.

The tests of `ocr_channel` have the real ones, where they are installed, and a program in Tesseract's place.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from robust_xtreme.core.graphemes import split
from robust_xtreme.noise.engine import ocr_channel

FALSE = ("", "", " ", ".", "rn", "I", "\u0301", "क्", "\u200d", "  :", "한")


def drawn(text: str, _code: str, _font: Path) -> str:
    """The text, for its print."""
    return text


def degraded(page: str, degree: float, key: int) -> str:
    """A text of which clusters are lost, doubled and replaced, by draws of the key."""
    draw = random.Random(key)
    return "".join(draw.choice((*FALSE, each * 2)) if draw.random() < degree / 2 else each for each in split(page))


def read(pages: Sequence[str], _data: str) -> list[str]:
    """What Tesseract does to white space."""
    return [" ".join(page.split()) for page in pages]


@contextmanager
def misreading() -> Iterator[None]:
    """Prints are read by this module."""
    with pytest.MonkeyPatch.context() as patch:
        for function in (drawn, degraded, read):
            patch.setattr(ocr_channel, function.__name__, function)
        yield
