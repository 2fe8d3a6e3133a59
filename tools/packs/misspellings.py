"""Make `perturbations/misspellings/CODE.tsv` from lists of real misspellings.

English comes from codespell's dictionary (CC BY-SA 3.0, derived from English Wikipedia; `pip download codespell`), the
other languages from LibreOffice's autocorrect lists (MPL-2.0; the package `libreoffice-common` of Debian 12):

    python tools/packs/misspellings.py --autocorrect .../share/autocorr --codespell .../data/dictionary.txt

A row is a single word and its misspelling, both in letters of the language's alphabet and in one case (lower, Capital).
What only changes case, expands an abbreviation, or is right in another country's list is left out, and so is a language
with fewer than 20 rows.
"""

from __future__ import annotations

import argparse
import re
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from xml.etree import ElementTree as ET

from robust_xtreme.core import graphemes
from robust_xtreme.core.languages import LANGUAGES, language
from robust_xtreme.noise.engine.case import CAPITAL, LOWER, lower, style, upper
from robust_xtreme.noise.engine.diff import distance

OUT = Path(__file__).parents[2] / "perturbations" / "misspellings"
BLOCK = "{http://openoffice.org/2001/block-list}"
AUTOCORRECT = ("LibreOffice 7.4.7, autocorrect lists {lists}", "MPL-2.0 (LICENSE-MPL-2.0.txt)")
CODESPELL = (
    "codespell 2.4.3, dictionary.txt, derived from English Wikipedia's lists of common misspellings",
    "CC BY-SA 3.0 (https://creativecommons.org/licenses/by-sa/3.0/)",
)
FEWEST = 20
Pair = tuple[str, str]


def main() -> None:
    """Write a pack for every language that a list gives rows for, and print how many."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--autocorrect", type=Path, required=True)
    parser.add_argument("--codespell", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    write(options.out, "en", kept("en", codespell(options.codespell)), *CODESPELL)
    for code in LANGUAGES:
        paths = sorted({*options.autocorrect.glob(f"acor_{code}.dat"), *options.autocorrect.glob(f"acor_{code}-*.dat")})
        pairs = kept(code, (pair for path in paths for pair in autocorrect(path)))
        if code != "en" and len(pairs) >= FEWEST:
            lists = ", ".join(path.stem.removeprefix("acor_") for path in paths)
            write(options.out, code, pairs, AUTOCORRECT[0].format(lists=lists), AUTOCORRECT[1])


def autocorrect(path: Path) -> Iterator[Pair]:
    """The (wrong, right) pairs of an autocorrect list."""
    with zipfile.ZipFile(path) as archive:
        root = ET.fromstring(archive.read("DocumentList.xml"))
    for block in root:
        yield block.get(f"{BLOCK}abbreviated-name", "").strip(), block.get(f"{BLOCK}name", "").strip()


def codespell(path: Path) -> Iterator[Pair]:
    """The (wrong, right) pairs of codespell's dictionary that have one correction, without a reason for doubt."""
    for line in path.read_text(encoding="utf-8").splitlines():
        match = re.fullmatch(r"([^->]+)->([^,]+)", line)
        if match:
            yield match[1], match[2]


def kept(code: str, pairs: Iterable[Pair]) -> list[Pair]:
    """The pairs that are misspellings of single words, sorted by the right form; of two cases of a pair the lower."""
    composed = {(_composed(wrong), _composed(right)) for wrong, right in pairs}
    usable = sorted(pair for pair in composed if _usable(code, *pair))
    known = {_lower(code, pair) for pair in usable}
    twice = {pair for pair in usable if _lower(code, pair) != pair and _lower(code, pair) in set(usable)}
    return sorted(
        (pair for pair in usable if pair not in twice and _lower(code, pair)[::-1] not in known),
        key=lambda pair: pair[::-1],
    )


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text).replace("’", "'")


def _lower(code: str, pair: Pair) -> Pair:
    return lower(pair[0], code), lower(pair[1], code)


def _usable(code: str, wrong: str, right: str) -> bool:
    return (
        is_word(wrong, code)
        and is_word(right, code)
        and style(wrong, code) == style(right, code) in (LOWER, CAPITAL)
        and lower(wrong, code) != lower(right, code)
        and _near(graphemes.split(lower(wrong, code)), graphemes.split(lower(right, code)))
    )


def _near(wrong: Sequence[str], right: Sequence[str]) -> bool:
    """Whether a misspelling has the letters of the word in another order, or keeps half of them, most of its length."""
    half = 2 * distance(wrong, right) <= max(len(wrong), len(right)) and 3 * len(wrong) > 2 * len(right)
    return len(wrong) > 1 and (half or sorted(wrong) == sorted(right))


def is_word(text: str, code: str) -> bool:
    """Whether a text is one word of the language's letters, with apostrophes between letters only."""
    points = _points(code)
    pieces = re.split("'", text)
    return all(pieces) and all(
        points >= {*piece} and all(cluster[0].isalpha() for cluster in graphemes.split(piece)) for piece in pieces
    )


@cache
def _points(code: str) -> frozenset[str]:
    """The code points of a language's letters, in both cases, and of its marks."""
    known = language(code)
    capitals = (upper(letter, code) for letter in known.alphabet)
    return frozenset("".join((*known.alphabet, *known.marks, *capitals)))


def write(folder: Path, code: str, pairs: Sequence[Pair], source: str, licence: str) -> None:
    """Write the pack of a language."""
    header = {"language": code, "source": source, "licence": licence, "standing": "attested"}
    lines = [*(f"# {key}: {value}" for key, value in header.items()), "wrong\tright"]
    lines += [f"{wrong}\t{right}" for wrong, right in pairs]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{code}.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(code, len(pairs))


if __name__ == "__main__":
    main()
