"""The perturbation confusables: look-alikes of other scripts by Unicode, and the languages that have them."""

from __future__ import annotations

from pathlib import Path

import pytest
import regex

from robust_xtreme.core import packs, registry
from robust_xtreme.core.errors import DataError
from robust_xtreme.core.examples import Text
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.noise.engine.case import cases
from robust_xtreme.noise.engine.noised import Noised
from robust_xtreme.noise.engine.noising import noise_texts
from robust_xtreme.noise.members.recoded import alike

SCRIPTS = packs.bundled("confusables")


def _noised(code: str, value: str, seed: int = 0) -> Noised:
    return noise_texts([Text("t", code, value)], PerturbationSpec.parse("confusables:1"), seed)[0]


@pytest.mark.parametrize(("code", "value", "other"), [
    ("en", "a scope", r"[\p{Cyrillic}\p{Greek} ]+"),
    ("ru", "рассвет о", r"[\p{Latin}\p{Greek}л ]+"),
    ("el", "ΟΡΕΑ", r"[\p{Latin}\p{Cyrillic}]+"),
    ("ta", "ணழ", r"\p{Malayalam}+"),
    ("ja", "力ロ", r"力|カ|口|カ口"),
])  # fmt: skip
def test_letters_become_letters_of_another_script(code: str, value: str, other: str) -> None:
    """At strength 1 every letter that has look-alikes is one of another script, and the text is as long as before."""
    noised = _noised(code, value)
    assert regex.fullmatch(other, noised.text.value)
    assert len(noised.text.value) == len(value)
    assert noised.graphemes_edited == noised.eligible == sum(noised.edits.values())


@pytest.mark.parametrize("script", SCRIPTS)
def test_letters_that_are_the_same_on_purpose_come_first(script: str) -> None:
    """A row of a pack begins with its intentional letters, which weigh three times as much as others."""
    weights: dict[str, list[int]] = {}
    for row in alike(script):
        weights.setdefault(row.point, []).append(row.weight)
    assert all(of == sorted(of, reverse=True) and {*of} <= {1, 3} for of in weights.values())


def test_case_stays() -> None:
    """A small letter becomes a small letter, a capital a capital."""
    for script in SCRIPTS:
        assert all(row.point.isupper() == row.form.isupper() for row in alike(script))


def test_a_letter_with_marks_that_do_not_compose_keeps_its_letter() -> None:
    """With another letter the mark of ɛ́, or of a decomposed é, would compose, or be of another script."""
    for code, value in (("bbj", "ɛ́"), ("es", "e\u0301")):
        assert _noised(code, value).text.value == value


@pytest.mark.parametrize("code", ["ar", "he", "hi", "th", "ko", "ka"])
def test_scripts_without_look_alikes_are_not_applicable(code: str) -> None:
    """Scripts that share next to no shapes with others are out of averages, by name."""
    assert registry.load("perturbation", "confusables").lacks(code).startswith("hardly a letter of another script")


def test_a_row_without_weights_is_refused(tmp_path: Path) -> None:
    """A user's row has a letter, its look-alikes, and as many weights."""
    (tmp_path / "confusables").mkdir()
    head = "# script: Latn\n# source: us\n# licence: CC0-1.0\n# standing: authored\nletter\tforms\tweights\n"
    (tmp_path / "confusables" / "Latn.tsv").write_text(f"{head}a\tа α\t3\n", encoding="utf-8")
    with packs.using(tmp_path), pytest.raises(DataError, match="row of 'a'"):
        alike("Latn")


@pytest.mark.real
def test_packs_are_what_the_tool_makes(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The packs are made of Unicode's files, and every letter in them is in the alphabet of a language."""
    from tools.packs import confusables as tool

    monkeypatch.setattr(tool, "TARGET", tmp_path)
    files = (data / "confusables" / name for name in ("confusables.txt", "textattack_intentional_homoglyphs.txt"))
    tool.main(*files)
    bundled = packs.find("confusables", "Latn")
    assert bundled
    made = {path.name: path.read_text("utf-8") for path in tmp_path.glob("*.tsv")}
    assert made == {path.name: path.read_text("utf-8") for path in bundled.parent.glob("*.tsv")}
    assert {row.point for row in alike("Grek")} <= {*cases("el")}
