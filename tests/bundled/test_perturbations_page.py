"""docs/perturbations.md: every perturbation has its section, and nothing on the page is hidden."""

from __future__ import annotations

import re
import unicodedata

import pytest
from tests.conformance.texts import SENTENCES
from tools.gallery import PAGE, diff, sign
from tools.gallery_samples import SAMPLES

from robust_xtreme.api import noised_strings
from robust_xtreme.core.languages import LANGUAGES, language
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.noise.members.keyboard_typo import METHODS, layouts


@pytest.fixture(scope="module")
def text() -> str:
    """The page as it is committed."""
    return PAGE.read_text(encoding="utf-8")


def test_every_perturbation_has_a_section_and_a_row(text: str) -> None:
    """Links of the overview lead to sections of the gallery, and tables are whole."""
    titles = {title.replace(".", "") for title in re.findall(r"(?m)^### ([a-z_.]+)$", text)}
    assert set(re.findall(r"\]\(#([a-z_]+)\)", text)) == titles
    for table in re.findall(r"(?m)(?:^\|.*\|\n)+", text):
        assert len({line.replace(r"\|", "").count("|") for line in table.splitlines()}) == 1, table[:200]


@pytest.mark.parametrize("name", ["natural_typo", "punctuation"])
def test_every_sample_has_a_word_that_is_listed_and_a_mark(text: str, name: str) -> None:
    """Each sentence contains a word with a listed misspelling and a mark of its script."""
    rows = [line for line in _part(text, name).splitlines() if "<span " in line]
    assert rows
    assert [line for line in rows if "<ins>" not in line and "<del>" not in line] == []


def test_samples_show_each_script_and_letters_of_their_own(text: str) -> None:
    """Every script of the languages has a sample; English and German with ß are among them, and Persian."""
    assert {language(code).script for code in SAMPLES} == {language(code).script for code in LANGUAGES}
    assert {"en", "fa"} <= set(SAMPLES)
    assert "ß" in SAMPLES["de"]
    assert all(unicodedata.is_normalized("NFC", sample) for sample in SAMPLES.values())
    assert f"{len(layouts()) - 1 - len(METHODS)} keyboards and {len(METHODS)} input methods" in text


def _part(text: str, name: str) -> str:
    """The section of a perturbation."""
    return text.split(f"\n### {name}\n")[1].split("\n### ")[0]


def test_no_character_of_the_page_is_invisible(text: str) -> None:
    """Control, bidirectional and zero-width characters of texts are written out; directions are set by elements."""
    hidden = {character for character in text if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp")} - {
        "\n"
    }
    assert hidden <= {"\u200c", "\u200d"}
    assert text.count('<span dir="rtl">') > 10
    assert text.count("<span ") == text.count("</span>")


@pytest.mark.parametrize("code", ["en", "ar", "hi", "my"])
def test_a_diff_contains_both_texts(code: str) -> None:
    """Its pieces before the edits are the clean text, and those after them the noisy one."""
    noised = noised_strings([SENTENCES[code]], PerturbationSpec.parse("char_noise:0.5"), code, 0)[0]
    for side, value in ((0, noised.clean.value), (1, noised.text.value)):
        shown = "".join(piece[side] for piece in diff(noised).pieces)
        assert shown.replace("␣", " ").replace("\u25cc", "") == value


@pytest.mark.parametrize(
    ("row", "shown"),
    [
        ({"served": False, "packs": {}, "counted": False}, ""),
        ({"served": True, "packs": {}, "counted": True}, "◐"),
        ({"served": True, "packs": {"alphabets/sw": "attested"}, "counted": True}, "●"),
        ({"served": True, "packs": {"alphabets/qu": "authored"}, "counted": False}, "○"),
    ],
)
def test_packs_of_our_own_making_are_shown_apart(row: dict[str, object], shown: str) -> None:
    """Only attested and derived packs are counted."""
    assert sign(row) == shown
