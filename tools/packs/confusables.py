"""Write perturbations/confusables: letters of our alphabets that look like letters of other scripts, by Unicode.

    python -m tools.packs.confusables CONFUSABLES INTENTIONAL

CONFUSABLES is confusables.txt of Unicode's security data (UTS 39), INTENTIONAL its intentional.txt: characters that are
the same on purpose. Both are relations of equivalence. A letter's forms are the letters of another script in its
class: of the same case, direction and normal form, and in the alphabet of a known language or intentional.
Intentional forms come first, with three times the weight of the others. A script's pack has the letters of all its
languages; scripts with fewer than three such letters have none.
"""

from __future__ import annotations

import sys
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import regex

from robust_xtreme.core.languages import ALL_LANGUAGES, language
from robust_xtreme.noise.engine.case import cases

TARGET: Final = Path(__file__).parents[2] / "perturbations" / "confusables"
FEWEST: Final = 3
INTENTIONAL_WEIGHT: Final = 3
_SCRIPTS: Final = (
    "Latin", "Greek", "Cyrillic", "Arabic", "Hebrew", "Devanagari", "Bengali", "Gujarati", "Gurmukhi", "Malayalam",
    "Tamil", "Telugu", "Myanmar", "Thai", "Georgian", "Hangul", "Hiragana", "Katakana", "Han", "Common",
)  # fmt: skip
HEAD: Final = """\
# script: {script}
# source: Unicode security data (UTS 39) {version}: confusables.txt, and intentional.txt, whose letters come first and weigh {weight}; letters of other scripts in our alphabets, by tools/packs/confusables.py
# licence: Unicode-3.0
# standing: derived
letter\tforms\tweights
"""  # noqa: E501 - a header's fact is one line


def classes(lines: Iterable[str]) -> dict[str, frozenset[str]]:
    """The characters that a file makes equal to each single character, itself included."""
    merged: dict[str, set[str]] = {}
    for line in lines:
        fields = [field.split() for field in line.partition("#")[0].lstrip("\ufeff").split(";")[:2]]
        if len(fields) == 2 and all(len(field) == 1 for field in fields):
            left, right = (chr(int(field[0], 16)) for field in fields)
            joined = merged.get(left, {left}) | merged.get(right, {right})
            merged |= dict.fromkeys(joined, joined)
    return {letter: frozenset(alike) for letter, alike in merged.items()}


def script_of(letter: str) -> str:
    """The script of a letter in Unicode; "" where it is none of our languages'."""
    return next((script for script in _SCRIPTS if regex.match(rf"\p{{Script={script}}}", letter)), "")


def rows(
    letters: Iterable[str], known: frozenset[str], alike: dict[str, frozenset[str]], same: dict[str, frozenset[str]]
) -> Iterator[tuple[str, list[str], list[int]]]:
    """Each letter that has forms, with its forms and their weights, intentional ones first."""
    for letter in sorted(letters):
        intentional = same.get(letter, frozenset())
        others = (alike.get(letter, frozenset()) & known) | intentional
        forms = [form for form in sorted(intentional) + sorted(others - intentional) if _fits(letter, form)]
        if forms:
            yield letter, forms, [INTENTIONAL_WEIGHT if form in intentional else 1 for form in forms]


def _fits(letter: str, form: str) -> bool:
    """Whether a form is a letter of another script, of the same category and direction, in NFKC."""
    if unicodedata.normalize("NFKC", form) != form or script_of(form) in ("", script_of(letter)):
        return False
    properties = (unicodedata.category, unicodedata.bidirectional)
    return all(of(letter) == of(form) for of in properties)


def main(confusables: Path, intentional: Path) -> None:
    """Write the pack of each script."""
    text = confusables.read_text("utf-8-sig")
    version = next(line.split(": ")[1] for line in text.splitlines() if line.startswith("# Version: "))
    alike, same = classes(text.splitlines()), classes(intentional.read_text("utf-8-sig").splitlines())
    alphabets: defaultdict[str, set[str]] = defaultdict(set)
    for code in ALL_LANGUAGES:
        alphabets[language(code).script] |= {*cases(code)}
    known = frozenset().union(*alphabets.values())
    for script, letters in alphabets.items():
        listed = list(rows(letters, known, alike, same))
        if len(listed) >= FEWEST:
            lines = [f"{letter}\t{' '.join(forms)}\t{' '.join(map(str, many))}" for letter, forms, many in listed]
            head = HEAD.format(script=script, version=version, weight=INTENTIONAL_WEIGHT)
            (TARGET / f"{script}.tsv").write_text(head + "\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
