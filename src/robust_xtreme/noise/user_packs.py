"""Looks for packs in users' folders; every file in them is read and checked before anything is computed."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from robust_xtreme.core import languages, packs
from robust_xtreme.noise.engine import realised
from robust_xtreme.noise.engine.letters import alphabet
from robust_xtreme.noise.input import keyboards
from robust_xtreme.noise.input.keyboards import layout
from robust_xtreme.noise.label_risk import pattern
from robust_xtreme.noise.members.keyboard_typo import METHODS
from robust_xtreme.noise.members.natural import misspelt, mix_of, written
from robust_xtreme.noise.members.ocr_noise import misread
from robust_xtreme.noise.members.recoded import alike, rows, variants
from robust_xtreme.noise.members.scripts import listed_words, partners
from robust_xtreme.noise.scripts.table import rules
from robust_xtreme.noise.suites import suite


@contextmanager
def using(*folders: Path | str) -> Iterator[None]:
    """Look for packs in these folders first while a context lasts; read and check every file in them at once.

    Raises UserError where one is not a folder of packs, and what the readers of packs raise: DataError, SpecError.
    """
    with packs.using(*folders):
        for kind, name in packs.user_packs():
            _READ[kind](name)
        yield


def _typed(name: str) -> None:
    """Make the key errors of the input methods that a pack is for (`ja-romaji`: Japanese), confusions and words."""
    code = name.partition("-")[0]
    listed_words(code)
    list(keyboards.key_errors(code))
    for method in METHODS.values():
        if method.language == code:
            list(method.key_errors())


def _misread(script: str) -> None:
    for code in languages.ALL_LANGUAGES:
        if languages.language(code).script == script:
            list(misread(code))


_READ: Final[Mapping[str, Callable[[str], object]]] = {
    "alphabets": alphabet,
    "calibration": realised.checked,
    "confusables": alike,
    "diacritics": rows,
    "input": _typed,
    "keyboards": layout,
    "lookalikes": _misread,
    "misspellings": misspelt,
    "natural": mix_of,
    "negators": pattern,
    "normalisation": variants,
    "parallel": partners,
    "realwords": written,
    "romanisations": rules,
    "suites": lambda name: suite(f"@{name}"),
}
