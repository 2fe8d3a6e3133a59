"""Lists of misspellings as pairs of a right and a wrong word, in two halves."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

FILES: Final = (
    "helm_correct_to_misspelling.json",
    "nlaug_spell_corrections.json",
    "nlaug_spell_errors.json",
    "nlpaug_spelling_en.txt",
)
"""The lists in the folder `typos` of the release files."""

_WORD: Final = re.compile(r"[A-Za-z' -]+")


class Pair(NamedTuple):
    """A right word and what was written."""

    right: str
    wrong: str


class Lists(NamedTuple):
    """The pairs of all lists, each once; how many were read, and how many left out for what reason."""

    pairs: tuple[Pair, ...]
    read: int
    signs: int
    words: int
    cases: int


def lists(folder: Path) -> Lists:
    """The pairs of the four lists: English letters, wrong words that are not a right word of a list.

    Pairs are in lower case, unless it is the case of one letter in which they differ. The keys of one list are all in
    lower case; what differs in case there is left out.
    """
    raw = [pair for name in FILES for pair in read(folder / name)]
    once = sorted({_folded(pair) for pair in raw if pair.right != pair.wrong})
    spelt = [pair for pair in once if _WORD.fullmatch(pair.right) and _WORD.fullmatch(pair.wrong)]
    known = {form for pair in raw for form in (pair.right, pair.right.lower())}
    wrong = [pair for pair in spelt if pair.wrong not in known or _case(pair)]
    kept = [pair for pair in wrong if not _case(pair) or (pair.wrong not in known and _flipped(pair) == 1)]
    return Lists(tuple(kept), len(once), len(once) - len(spelt), len(spelt) - len(wrong), len(wrong) - len(kept))


def read(path: Path) -> Iterator[Pair]:
    """The pairs of one of these files."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".txt":
        for line in text.splitlines():
            right, *wrong = line.split()
            yield from (Pair(right, form) for form in wrong)
        return
    for right, wrong in _object(path, text).items():
        if isinstance(wrong, str):
            yield Pair(wrong, right)
            continue
        pairs = (Pair(right.replace("_", " "), form.replace("_", " ")) for form in wrong)
        yield from (pair for pair in pairs if not ("errors" in path.name and _case(pair)))


def _object(path: Path, text: str) -> dict[str, Any]:
    document = json.loads(text)
    if not isinstance(document, dict):
        raise SystemExit(f"{path}: a JSON object of words was expected")
    return document


def _case(pair: Pair) -> bool:
    """Whether only the case differs."""
    return pair.right.lower() == pair.wrong.lower()


def _flipped(pair: Pair) -> int:
    return sum(letter != other for letter, other in zip(pair.right, pair.wrong, strict=True))


def _folded(pair: Pair) -> Pair:
    return pair if _case(pair) else Pair(pair.right.lower(), pair.wrong.lower())


def half(pairs: Iterable[Pair], number: int) -> list[Pair]:
    """The pairs of one half (0 or 1), by a hash of the right word in lower case."""
    return [pair for pair in pairs if hashlib.sha256(pair.right.lower().encode()).digest()[0] % 2 == number]
