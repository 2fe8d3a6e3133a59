"""The perturbation normalisation: which forms letters get, and in which languages."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from tests.conformance.texts import SENTENCES

from robust_xtreme.core import packs, registry
from robust_xtreme.core.errors import DataError
from robust_xtreme.core.examples import Text
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.noise.engine.noising import noise_texts
from robust_xtreme.noise.members.recoded import variants
from robust_xtreme.noise.suites import unsupported


def _recoded(code: str, value: str, form: str = "any") -> str:
    spec = PerturbationSpec.parse(f"normalisation:1@form={form}")
    return noise_texts([Text("t", code, value)], spec, 0)[0].text.value


@pytest.mark.parametrize("code", ["fr", "vi", "yo", "el", "ru", "uk", "ko", "ja", "bn", "ta", "ml", "ar", "lt"])
def test_canonical_is_nfd(code: str) -> None:
    """At strength 1 the text is what Unicode's NFD makes of it, and NFC makes the clean text of it again."""
    clean = unicodedata.normalize("NFC", SENTENCES[code])
    noisy = _recoded(code, clean, "canonical")
    assert noisy == unicodedata.normalize("NFD", clean)
    assert unicodedata.normalize("NFC", noisy) == clean


@pytest.mark.parametrize(("code", "value", "expected"), [
    ("ja", "2026年のガソリン・パン、ABC！", "２０２６年のｶﾞｿﾘﾝ・ﾊﾟﾝ、ＡＢＣ!"),
    ("zh", "第3届，GDP", "第３届,ＧＤＰ"),
    ("th", "น้ำ", "น้ํา"),
])  # fmt: skip
def test_compatible_forms_are_equal_in_nfkc(code: str, value: str, expected: str) -> None:
    """Widths change in East Asian text, and Thai sara am becomes its two parts."""
    assert _recoded(code, value, "compatible") == expected
    assert unicodedata.normalize("NFKC", expected) == unicodedata.normalize("NFKC", value)


@pytest.mark.parametrize(("code", "value", "expected"), [
    ("ar", "أحمد إلى", "احمد الی"),
    ("fa", "آب", "اب"),
    ("ur", "کہانی", "كهاني"),
    ("ro", "Și ȚARĂ", "Şi ŢARĂ"),
    ("hi", "हँसी", "हंसी"),
])  # fmt: skip
def test_variants_are_other_letters(code: str, value: str, expected: str) -> None:
    """Letters that sources make equal replace each other, once: the variant of a variant is not applied."""
    assert _recoded(code, value, "variants") == expected.replace("الی", "الي")


@pytest.mark.parametrize(("code", "form", "applies"), [
    ("en", "any", False), ("sw", "any", False), ("ka", "any", False), ("he", "any", False), ("de", "any", True),
    ("de", "canonical", True), ("de", "variants", False), ("hi", "canonical", False), ("th", "compatible", True),
])  # fmt: skip
def test_a_form_that_a_language_has_not_is_not_applicable(code: str, form: str, applies: bool) -> None:
    """Where no letter of a language has such a form, its texts are out of averages, by name."""
    spec = PerturbationSpec.parse(f"normalisation:0.5@form={form}")
    noised = noise_texts([Text("t", code, SENTENCES[code])], spec, 0)[0]
    assert (noised.status == "not_applicable") == (not applies)
    expected = None if applies else ("normalisation", "none of its letters has such a form")
    assert unsupported(spec, code) == expected


def test_a_variant_that_is_the_letter_is_refused(tmp_path: Path) -> None:
    """A user's row has a letter and other forms of it."""
    (tmp_path / "normalisation").mkdir()
    head = "# source: us\n# licence: CC0-1.0\n# standing: authored\nletter\tforms\n"
    (tmp_path / "normalisation" / "sw.tsv").write_text(f"{head}a\ta\n", encoding="utf-8")
    with packs.using(tmp_path), pytest.raises(DataError, match="row of 'a'"):
        variants("sw")


def test_a_letter_stays_where_an_accent_would_join_its_own_form(tmp_path: Path) -> None:
    """Not where it would join that of another letter: v and an accent are two code points, a and one would be one."""
    (tmp_path / "normalisation").mkdir()
    head = "# source: us\n# licence: CC0-1.0\n# standing: authored\nletter\tforms\n"
    (tmp_path / "normalisation" / "sw.tsv").write_text(f"{head}b\tv\nd\ta\n", encoding="utf-8")
    with packs.using(tmp_path):
        assert _recoded("sw", "B\u0301 D\u0301 D", "variants") == "V\u0301 D\u0301 A"


def test_the_forms_leave_the_normal_form_by_name() -> None:
    """The rule that a text stays in its normal forms is waived, not that clusters stay whole."""
    assert registry.load("perturbation", "normalisation").waives == {
        "normal_forms_stay",
        "rule_4_noise_belongs_to_the_script",
    }
