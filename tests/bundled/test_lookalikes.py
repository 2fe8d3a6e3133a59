"""The packs of look-alikes: complete, of their own script, and known for the confusions that everybody meets."""

from __future__ import annotations

import pytest
import regex

from robust_xtreme.core import packs
from robust_xtreme.core.languages import LANGUAGES, language
from robust_xtreme.noise.engine.case import cases
from robust_xtreme.noise.members.ocr_noise import ocr_noise

_SCRIPTS = {"Hans": "Han", "Jpan": "Han|Hiragana|Katakana", "Kore": "Hangul"}


@pytest.mark.parametrize("name", packs.names("lookalikes"))
def test_a_pack_contains_its_script(name: str) -> None:
    """Each row has a letter or a pair, other forms of its script and digits, and a likeness for each."""
    table = packs.table("lookalikes", name)
    assert table.header["script"] == name
    assert {table.standing(row) for row in table.rows} <= {"derived", "attested"}
    script = "|".join(f"\\p{{Script_Extensions={word}}}" for word in _SCRIPTS.get(name, name).split("|"))
    for row in table.rows:
        forms, likeness = row["forms"].split(), list(map(int, row["likeness"].split()))
        assert 1 <= len(forms) == len(likeness) <= 34
        assert likeness == sorted(likeness, reverse=True)
        assert row["letter"] not in forms
        assert all(75 <= value <= 100 for value in likeness)
        odd = [form for form in (row["letter"], *forms) if not regex.fullmatch(f"({script}|[0-9])+", form)]
        assert not odd, odd


@pytest.mark.parametrize(("name", "letter", "form"), [
    ("Latn", "m", "rn"), ("Latn", "rn", "m"), ("Latn", "d", "cl"), ("Latn", "o", "0"), ("Latn", "l", "1"),
    ("Cyrl", "ш", "щ"), ("Hebr", "ד", "ר"), ("Hans", "土", "士"), ("Thai", "ด", "ต"), ("Arab", "ب", "ت"),
])  # fmt: skip
def test_what_everybody_confuses_is_there(name: str, letter: str, form: str) -> None:
    """The confusions that each script is known for are among the forms."""
    rows = [row for row in packs.table("lookalikes", name).rows if row["letter"] == letter]
    assert form in {form for row in rows for form in row["forms"].split()}


@pytest.mark.parametrize("code", [code for code in LANGUAGES if language(code).script in ("Latn", "Cyrl", "Grek")])
def test_accented_letters_of_others_crowd_out_none(code: str) -> None:
    """Nearly every letter of a language, in either case, has another one of its own alphabet among its forms."""
    letters = set(cases(code))
    rows = packs.table("lookalikes", language(code).script).rows
    alike = {row["letter"] for row in rows if letters & set(row["forms"].split())}
    assert len(letters - alike) <= 4, sorted(letters - alike)
    assert {*"aeioсо"} & letters <= alike


def test_small_letters_of_georgian_are_not_taken_for_capitals() -> None:
    """Its capitals (Mtavruli) are for whole lines, and have forms among themselves."""
    rows = packs.table("lookalikes", "Geor").rows
    assert {row["letter"].isupper() for row in rows} == {True, False}
    assert all(form.isupper() == row["letter"].isupper() for row in rows for form in row["forms"].split())


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_language_is_misread(code: str) -> None:
    """The fifty languages are served by the packs of their script."""
    assert ocr_noise.lacks(code) == ""
    script = language(code).script
    assert ocr_noise.packs(code) == (f"lookalikes/{script}", *packs.present("ocr", script, "together"))


@pytest.mark.parametrize("name", [name for name in packs.names("ocr") if name in packs.names("lookalikes")])
def test_what_was_read_is_of_its_script(name: str) -> None:
    """Each row has one or two letters and marks, what was read for them, and counts, the most frequent first."""
    for row in packs.table("ocr", name).rows:
        forms, counts = row["forms"].split(), [*map(int, row["counts"].split())]
        assert len(forms) == len(counts)
        assert counts == sorted(counts, reverse=True)
        assert row["letter"] not in forms
        assert all(regex.fullmatch(r"[\p{L}\p{M}]{1,2}", each) for each in (row["letter"], *forms))
