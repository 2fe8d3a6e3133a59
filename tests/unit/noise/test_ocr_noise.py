"""Letters taken for others that look alike."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from robust_xtreme import perturb
from robust_xtreme.core import packs, resources
from robust_xtreme.core.errors import DataError
from robust_xtreme.core.languages import LANGUAGES, belongs
from robust_xtreme.noise.engine.ocr_channel import reader
from robust_xtreme.noise.members.ocr_noise import misread

_HEADER = "# source: us\n# licence: CC0-1.0\n# standing: authored\nletter\tforms\tlikeness\n"


def test_forms_are_letters_of_the_language_or_digits() -> None:
    """English letters become no accented ones, Turkish ones may; digits are allowed."""
    for code, value in {"en": "minimal olive clock" * 30, "tr": "için oğlan dün" * 30, "ru": "шина птица" * 30}.items():
        noised = perturb([value], "ocr_noise:1", language=code)[0]
        assert all(belongs(code, letter) for letter in noised)
        assert noised != value


def test_pairs_are_read_as_one_letter_and_back() -> None:
    """rn is read as m, and m as rn among others."""
    assert perturb(["rn"], "ocr_noise:1", language="en")[0] == "m"
    values = [f"{'x' * number} m" for number in range(60)]
    assert any(text.endswith(" rn") for text in perturb(values, "ocr_noise:1", language="en"))


@pytest.mark.parametrize("code", LANGUAGES)
def test_letters_come_out_as_letters(code: str) -> None:
    """No letter comes out as a digit."""
    totals: dict[str, Counter[bool]] = {}
    for misreading in misread(code):
        totals.setdefault(misreading.point, Counter())[any(map(str.isdigit, misreading.form))] += misreading.weight
    assert totals
    for letter, weights in totals.items():
        assert not weights[True], letter


def test_an_auxiliary_mark_comes_for_another_one_only() -> None:
    """Burmese gets no marks of Mon and Shan; Malayalam's vowel signs, auxiliary in CLDR, come for each other."""
    rare = set("ဳဴၖၗၘၙၢၤႆႈႊႏ")
    assert not [
        misreading for misreading in misread("my") if misreading.point not in rare and rare & set(misreading.form)
    ]
    assert {misreading.form for misreading in misread("ml") if misreading.point == "ി"} & set("ീൂെേ")


def test_frequent_letters_have_letters_alike() -> None:
    """Of what was read for a letter, else of what looks like it, a language has its own, whatever others have."""
    for code, letter, alike in (("en", "o", "e"), ("en", "S", "s"), ("sw", "h", "b"), ("uk", "т", "ґ")):
        assert alike in {misreading.form for misreading in misread(code) if misreading.point == letter}


def test_a_users_pack_comes_first_and_a_broken_one_is_one_line(tmp_path: Path) -> None:
    """A user's pack replaces the bundled one; rows that do not match are named."""
    (tmp_path / "lookalikes").mkdir()
    pack = tmp_path / "lookalikes" / "Latn.tsv"
    pack.write_text(f"{_HEADER}a\to\t90\n", encoding="utf-8")
    assert perturb(["banana"], "ocr_noise:1", language="en", packs=tmp_path) == ["bonono"]
    pack.write_text(f"{_HEADER}a\to\t5\n", encoding="utf-8")  # hardly alike, but the only one
    assert perturb(["banana"], "ocr_noise:1", language="en", packs=tmp_path) == ["bonono"]
    pack.write_text(f"{_HEADER}a\to e\t90\n", encoding="utf-8")
    with pytest.raises(DataError, match="do not match"):
        perturb(["banana"], "ocr_noise:1", language="en", packs=tmp_path)


def test_what_was_read_goes_before_what_looks_alike() -> None:
    """e is taken for what was read for it, the more often the more often it was; letters that were not, by likeness."""
    forms = {code: Counter[str]() for code in ("en", "fr")}
    for code, counts in forms.items():
        counts.update({each.form: each.weight for each in misread(code) if each.point == "e"})
    assert {*forms["en"]} == {"g", "z"}
    assert forms["fr"].most_common(1)[0][0] == "é"
    assert any(misreading.point == "v" for misreading in misread("en"))


def test_misread_letters_come_together_in_words_and_texts() -> None:
    """Of letters the strength's share is misread, and of pairs of a text, and of a word, that of correlated normals."""
    values = [f"{number}! bbbb bbbb" for number in range(5_000)]
    noised = perturb(values, "ocr_noise:0.1", language="en")
    of_words = [[[letter != "b" for letter in word] for word in text.split()[1:]] for text in noised]
    wrong = np.array(of_words, np.float64).reshape(-1, 2, 4)
    row = packs.table("ocr", "together").rows[0]
    text, word = float(row["text"]), float(row["word"])
    assert wrong.mean() == pytest.approx(0.1, rel=0.1)
    assert (wrong[:, 0, 0] * wrong[:, 1, 3]).mean() == pytest.approx(_both(0.1, text), rel=0.2)
    assert (wrong[:, :, 0] * wrong[:, :, 3]).mean() == pytest.approx(_both(0.1, text + word), rel=0.1)
    assert _both(0.1, 0.0) < 0.5 * _both(0.1, text)


def _both(share: float, correlation: float) -> float:
    """How often two normals with a correlation are both among the lowest share."""
    limit = norm.ppf(share)
    return float(multivariate_normal.cdf([limit, limit], cov=[[1, correlation], [correlation, 1]]))


def test_a_users_table_is_read_evenly(tmp_path: Path) -> None:
    """With a user's table no text has more errors than chance puts there."""
    (tmp_path / "lookalikes").mkdir()
    (tmp_path / "lookalikes" / "Latn.tsv").write_text(f"{_HEADER}h\tb\t90\n", encoding="utf-8")
    values = [f"{number} {'h' * 100}" for number in range(200)]
    noised = perturb(values, "ocr_noise:0.1", language="en", packs=tmp_path)
    assert np.var([text.count("b") for text in noised]) == pytest.approx(100 * 0.1 * 0.9, rel=0.5)


def test_the_bundled_tables_in_a_users_folder_change_nothing(tmp_path: Path) -> None:
    """An equal table is no table of the user's own, and what was counted in prints is no kind of pack."""
    bundled = resources.folder("perturbations")
    texts = [f"{number} hello, my old friends" for number in range(50)]
    before = perturb(texts, "ocr_noise:0.3", language="en")
    for kind in ("lookalikes", "ocr"):
        (tmp_path / kind).mkdir()
    shutil.copy(bundled / "lookalikes" / "Latn.tsv", tmp_path / "lookalikes")
    for name in ("Latn", "together", "readers"):
        (tmp_path / "ocr" / f"{name}.tsv").write_text("nothing", encoding="utf-8")
    assert perturb(texts, "ocr_noise:0.3", language="en", packs=tmp_path) == before
    with packs.using(tmp_path):
        assert reader("en") is not None
