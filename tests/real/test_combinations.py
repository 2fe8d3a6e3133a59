"""Letters with marks on real text: what noise produces is in CLDR, and CLDR has what people write."""

from __future__ import annotations

import unicodedata
from collections import Counter
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import pytest
import regex
from tests.real.test_alphabets import FLORES
from tests.some import some

from robust_xtreme.core import registry
from robust_xtreme.core.examples import Text
from robust_xtreme.core.graphemes import split
from robust_xtreme.core.languages import combines, language
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.noise.engine.noised import Noised
from robust_xtreme.noise.engine.noising import noise_texts

pytestmark = pytest.mark.real

LISTED = tuple(code for code in FLORES if language(code).combinations)
LINES = 60
UNLISTED = 0.01
"""The largest share of the combinations in real text that CLDR's texts do not have."""

_BEGINS_WITH_A_MARK = regex.compile(r"(?<![\p{L}\p{M}\u200c\u200d])\p{M}")


@lru_cache(maxsize=4)
def _lines(data: Path, code: str) -> list[str]:
    lines = (data / "flores_first100" / f"{FLORES[code]}.dev").read_text("utf-8").splitlines()
    return [unicodedata.normalize("NFC", line) for line in lines]


def _noised(data: Path, code: str, spec: str, lines: int | None = LINES) -> list[Noised]:
    texts = [Text(f"{number}", code, line) for number, line in enumerate(_lines(data, code)[:lines])]
    return list(noise_texts(texts, PerturbationSpec.parse(spec), 0))


def _bare(value: str) -> set[str]:
    """The marks that begin a word."""
    return {*_BEGINS_WITH_A_MARK.findall(value)}


def _new(noised: Noised) -> set[str]:
    """The clusters of a noisy text that the clean text does not have; in listed languages pairs of code points."""
    clean, noisy = (unicodedata.normalize("NFC", text.value) for text in (noised.clean, noised.text))
    known = language(noised.clean.language)
    if not known.combinations:
        return {*split(noisy)} - {*split(clean)}
    new = {*map("".join, pairwise(noisy))} - {*map("".join, pairwise(clean))}
    return {pair for pair in new if pair[1] in known.marks}


@pytest.mark.parametrize("name", ["char_noise", "keyboard_typo", "ocr_noise"])
@pytest.mark.parametrize("code", some(FLORES, 12))
def test_letters_get_only_marks_that_they_have_in_the_language(data: Path, code: str, name: str) -> None:
    """Each combination of a letter and a mark that the clean text does not have is CLDR's."""
    if not registry.load("perturbation", name).serves(code):
        pytest.skip(f"{name} does not serve {code}")
    new = Counter(cluster for noised in _noised(data, code, f"{name}:0.2") for cluster in _new(noised))
    foreign = {cluster: many for cluster, many in new.items() if not combines(code, cluster)}
    assert sum(foreign.values()) <= 0.005 * new.total(), foreign


@pytest.mark.parametrize("name", ["char_noise", "keyboard_typo", "ocr_noise"])
@pytest.mark.parametrize("strength", some(["0.1", "0.4"], 1))
def test_burmese_edits_that_meet_combine_only_what_the_language_does(data: Path, name: str, strength: str) -> None:
    """In all lines no new combination is foreign, and no word begins with a sign, however many edits touch."""
    for noised in _noised(data, "my", f"{name}:{strength}", lines=None):
        assert all(combines("my", cluster) for cluster in _new(noised)), noised.text.value
        assert _bare(noised.text.value) <= _bare(noised.clean.value), noised.text.value


@pytest.mark.parametrize("code", LISTED)
def test_what_people_write_is_listed(data: Path, code: str) -> None:
    """Of the combinations in real text at most one in a hundred is not in CLDR's texts."""
    known = language(code)
    pairs = [before + mark for line in _lines(data, code) for before, mark in pairwise(line) if mark in known.marks]
    ours = [pair for pair in pairs if pair[0] in {*known.alphabet, *known.marks} and pair[1] not in "\u200c\u200d"]
    assert sum(pair not in known.combinations for pair in ours) <= UNLISTED * len(ours)


def test_korean_keys_go_wrong_in_all_ways(data: Path) -> None:
    """In all lines substitutions are at most a quarter of the key errors; keys are doubled and swapped, too."""
    edits = sum((Counter(noised.edits) for noised in _noised(data, "ko", "keyboard_typo:0.2", lines=None)), Counter())
    share = {kind: many / edits.total() for kind, many in edits.items()}
    assert share["neighbour"] <= 0.25
    assert share["double"] >= 0.1
    assert share["swap"] >= 0.04


@pytest.mark.parametrize("code", ["th", "hi", "bn", "ta", "te", "my"])
def test_shift_is_missed_where_the_layout_has_shifted_letters(data: Path, code: str) -> None:
    """Where Shift types other letters, missing it is more than 1 % of the key errors."""
    edits = sum((Counter(noised.edits) for noised in _noised(data, code, "keyboard_typo:0.2")), Counter())
    assert edits["unshift"] >= 0.01 * edits.total()
