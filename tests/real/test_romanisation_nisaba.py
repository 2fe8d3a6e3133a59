"""Tables of eight Indic languages against nisaba's test data (Apache-2.0): ISO 15919, and how people type.

nisaba writes ISO 15919 so that every sequence of letters can be read back: kʰ for kh, a dot between vowels, signs for
final letters and joiners. Words whose spelling differs for another reason than kʰ are in
`romanisation_differences.tsv`, with the reason. Its natural romanisations begin with that ISO, which the tables read
back: `nat` is how people type, `psac` and `psaf` are phonetic, the second with long vowels doubled (oo for ō).
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

import pytest
import regex
from tests.romanising import Speller

from robust_xtreme.core.languages import language
from robust_xtreme.noise.scripts.table import rules

pytestmark = pytest.mark.real

_CODES: Final = ("bn", "gu", "hi", "ml", "mr", "pa", "ta", "te")
_SCRIPTS: Final = sorted({language(code).script for code in _CODES})
_REWRITE: Final = re.compile(r'rule: "(.*)"\s+input: "(.*)"\s+output: "(.*)"')

_DRAWN: Final = {"nat": 0.95, "psac": 0.8, "psaf": 0.45}
"""The share of each kind of reference that is among the spellings of a word, as reached; nobody types psaf's oo for ō.
Of `nat` the initials PDF and BMW, and two names, are not."""


def _rewrites(path: Path) -> Iterator[tuple[str, str, str]]:
    """The rule, input and output of each rewrite of a file."""
    yield from _REWRITE.findall(unicodedata.normalize("NFC", path.read_text("utf-8")))


def _scripts(data: Path) -> Path:
    return data / "translit" / "nisaba" / "nisaba" / "scripts"


def test_iso_15919_is_that_of_nisaba(data: Path) -> None:
    """Each word of our scripts is spelled as there, but for those listed."""
    spellers = {script: _speller(f"{script}-iast") for script in _SCRIPTS}
    native = {script: regex.compile(rf"\p{{Script={script}}}") for script in _SCRIPTS}
    pairs = {word: (spellers[script].likely(word), iso.replace("ʰ", "h"))
             for rule, word, iso in _rewrites(_scripts(data) / "brahmic" / "testdata" / "iso.textproto")
             for script in _SCRIPTS if rule.startswith("FROM_") and native[script].search(word)}  # fmt: skip
    with Path(__file__).with_name("romanisation_differences.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    listed = {row["word"]: (row["ours"], row["reference"]) for row in rows if row["against"] == "nisaba-iso"}
    assert len(pairs) == 47
    assert {word: pair for word, pair in pairs.items() if pair[0] != pair[1]} == listed


@pytest.mark.parametrize("kind", _DRAWN)
def test_what_nisaba_writes_can_be_typed(data: Path, kind: str) -> None:
    """The references of each language that are among the spellings of their words."""
    known = {code: [_drawn(code, *rewrite[1:]) for rewrite in _rewrites(path)]
             for path in (_scripts(data) / "natural_translit" / "romanization" / "testdata").glob(f"*_iso_{kind}.*")
             if (code := path.name[:2]) in _CODES}  # fmt: skip
    print(kind, {code: f"{sum(drawn)}/{len(drawn)}" for code, drawn in sorted(known.items())})  # noqa: T201 - the shares are read in the log
    every = [drawn for listed in known.values() for drawn in listed]
    assert set(known) == set(_CODES)
    assert sum(every) >= _DRAWN[kind] * len(every)


def _drawn(code: str, iso: str, spelling: str) -> bool:
    """Whether a spelling of a word, which is given in nisaba's ISO, can be drawn."""
    plain = re.sub("˖(.)", r"\1\1", iso.replace("ʰ", "h").replace("ṟⸯ", "r"))
    word = _speller(f"{language(code).script}-iast-back").likely(re.sub("[ⸯ-]", "", plain)).replace(".", "")
    return _speller(code).draws(word, spelling)


@cache
def _speller(pack: str) -> Speller:
    return Speller(rules(pack))
