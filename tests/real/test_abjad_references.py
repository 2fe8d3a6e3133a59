"""Arabic, Persian and Urdu in Latin letters against uroman's and nisaba's references, which have consonants alone.

Both references leave out the vowels that the text does not write. So they are compared with the likeliest spelling by
their consonants; where these differ on purpose, `romanisation_differences.tsv` has the word and the reason.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from tests.romanising import WORD, Speller

from robust_xtreme.noise.scripts.table import rules

pytestmark = pytest.mark.real

_CODES: Final = {"ara": "ar", "fas": "fa"}
_SAME: Final = (
    *(("3", ""), ("2", ""), ("5", "kh"), ("6", "t"), ("7", "h"), ("8", "q"), ("9", "s")),
    *(("dh", "z"), ("th", "s"), ("ch", "c"), ("sh", "$"), ("kh", "x"), ("zh", "j"), ("gh", "q"), ("ph", "f")),
)
"""What is one consonant: digits for letters, and pairs of letters."""

_ALA: Final = str.maketrans({"ś": "sh", "ḱ": "k", "ʻ": "", "ʼ": "", "\u035f": ""})
_NISABA: Final = re.compile(r'rule: "(\w+)"\s+input: "([^"]*)"\s+output: "([^"]*)"')


def consonants(spelling: str) -> str:
    """The consonants of a spelling, without y, w and v (which may be vowels), each once where it is doubled."""
    text = spelling.lower()
    for old, new in _SAME:
        text = text.replace(old, new)
    return re.sub(r"(.)\1+", r"\1", re.sub("[^bcdfghjklmnpqrstxz$]", "", text))


def _listed(against: str) -> dict[str, tuple[str, str]]:
    path = Path(__file__).with_name("romanisation_differences.tsv")
    with path.open(encoding="utf-8", newline="") as file:
        known = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    return {row["word"]: (row["ours"], row["reference"]) for row in known if row["against"] == against}


def _uroman(data: Path) -> Iterator[tuple[str, str, str]]:
    """A language, a word and its spelling, of uroman's test text and reference."""
    folder = data / "translit" / "uroman" / "test"
    names = ("multi-script.txt", "multi-script.uroman-ref.txt")
    for line, right in zip(*((folder / name).read_text("utf-8").splitlines() for name in names), strict=True):
        head = re.match("::lcode ([a-z]{3}) ", line)
        if head and head[1] in _CODES:
            for word, spelling in zip(line[head.end() :].split(), right[head.end() :].split(), strict=True):
                if word != spelling:
                    yield _CODES[head[1]], word.strip("()."), spelling.strip("().")


def test_uroman_has_the_same_consonants(data: Path) -> None:
    """Each word of uroman's Arabic and Persian references has the consonants of our spelling, but for those listed."""
    spellers, pairs = {code: Speller(rules(code)) for code in _CODES.values()}, list(_uroman(data))
    other = {word: (spellers[code].likely(word), right) for code, word, right in pairs
             if consonants(spellers[code].likely(word)) != consonants(right)}  # fmt: skip
    assert len(pairs) == 95
    assert other == _listed("uroman consonants")


def _nisaba(data: Path, name: str, rule: str) -> list[tuple[str, str]]:
    folder = data / "translit/nisaba/nisaba/scripts/abjad_alphabet/testdata"
    text = re.sub("(?m)^#.*", "", folder.joinpath(f"{name}.textproto").read_text("utf-8"))
    return [(given, right) for head, given, right in _NISABA.findall(text) if head == rule]


def _letters(spelling: str) -> str:
    """A spelling of ALA-LC without its marks."""
    parts = unicodedata.normalize("NFD", spelling.translate(_ALA))
    return "".join(point for point in parts if not unicodedata.combining(point))


def test_ala_lc_has_the_same_consonants(data: Path) -> None:
    """Nisaba's words of the ALA-LC table of Urdu have the consonants of our spellings, but for those listed."""
    speller, pairs = Speller(rules("ur")), dict(_nisaba(data, "reversible_roman", "FROM_ARAB"))
    other = {word: (speller.likely(word), right) for word, right in pairs.items()
             if consonants(speller.likely(word)) != consonants(_letters(right))}  # fmt: skip
    assert len(pairs) == 134
    assert other == _listed("nisaba consonants")


@pytest.mark.parametrize(("code", "rule"), [("ar", "AR"), ("fa", "FA"), ("ur", "UR")])
def test_letters_that_read_alike_are_spelled_alike(data: Path, code: str, rule: str) -> None:
    """A word with a letter of another language's keyboard has the consonants of the word with its own letter."""
    speller, pairs = Speller(rules(code)), _nisaba(data, "reading_norm", rule)
    assert pairs
    other = {given: (speller.likely(given), speller.likely(right)) for given, right in pairs
             if consonants(speller.likely(given)) != consonants(speller.likely(right))}  # fmt: skip
    assert other == _listed(f"nisaba {rule}")


@pytest.mark.parametrize(
    ("to", "back", "name", "share"),
    [("hi-arab", "ur-deva", "hin_Deva", 0.72), ("ur-deva", "hi-arab", "urd_Arab", 0.89)],
)
def test_words_that_come_back(data: Path, to: str, back: str, name: str, share: float) -> None:
    """Of the words of FLORES, 72 % of Hindi and 90 % of Urdu come back from the other script; short vowels are lost."""
    text = unicodedata.normalize("NFC", (data / "flores_first100" / f"{name}.dev").read_text("utf-8"))
    words = Counter(word for word in WORD.findall(text) if not word.isascii())
    there, home = Speller(rules(to)), Speller(rules(back))
    same = sum(count for word, count in words.items() if home.likely(there.likely(word)) == word)
    assert share <= same / words.total() < share + 0.02
