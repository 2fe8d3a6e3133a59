"""natural_typo: words come out as people have misspelt them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from robust_xtreme.core import packs
from robust_xtreme.core.errors import DataError
from robust_xtreme.core.examples import Span, Text
from robust_xtreme.core.languages import LANGUAGES
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.noise.engine.noised import Noised
from robust_xtreme.noise.engine.noising import noise_texts
from robust_xtreme.noise.members.natural import natural_typo

_HEADER = "# language: {code}\n# source: a test\n# licence: CC0-1.0\n# standing: attested\n"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder for a user's packs, which the test removes afterwards."""
    (tmp_path / "misspellings").mkdir()
    yield tmp_path
    packs.use()


def _use(folder: Path, code: str, body: str) -> None:
    (folder / "misspellings" / f"{code}.tsv").write_text(_HEADER.format(code=code) + body, encoding="utf-8")
    packs.use()
    packs.use(folder)


def _noise(value: str, code: str, strength: str = "1", *spans: Span, many: int = 1) -> list[Noised]:
    texts = [Text(f"{number}", code, value, spans) for number in range(many)]
    return list(noise_texts(texts, PerturbationSpec.parse(f"natural_typo:{strength}"), 0))


def _forms(value: str, code: str) -> set[str]:
    return {noised.text.value for noised in _noise(value, code, many=200)}


@pytest.mark.parametrize(
    ("code", "right", "wrong"),
    [
        ("en", "receive", "recieve"),
        ("de", "Standard", "Standart"),
        ("de", "Gruß", "Gruss"),
        ("es", "hablar", "ablar"),
        ("fr", "chacun", "chaqun"),
        ("pt", "não", "nao"),
        ("ro", "și", "si"),
        ("ru", "вообще", "вобще"),
        ("tr", "herkes", "herkeş"),
        ("pl", "wziąć", "wziąść"),
        ("ko", "가운데", "가운대"),
        ("vi", "đủ", "đũ"),
        ("fa", "آتش", "اتش"),
    ],
)
def test_a_word_comes_out_as_its_list_has_it(code: str, right: str, wrong: str) -> None:
    """Each bundled list turns right words into attested misspellings."""
    assert wrong in _forms(right, code)


def test_the_case_of_a_word_is_kept() -> None:
    """Small letters, a capital, or capitals: the misspelling has the same; mixed case is left alone."""
    small = _forms("receive", "en")
    assert _forms("Receive", "en") == {form.capitalize() for form in small}
    assert _forms("RECEIVE", "en") == {form.upper() for form in small}
    assert _forms("ReCeive", "en") == {"ReCeive"}


def test_words_that_no_list_has_are_not_eligible() -> None:
    """Strength is a share of the words listed."""
    noised = _noise("Xyzzy plugh receive", "en")[0]
    assert (noised.eligible, noised.edits) == (1, {"misspelling": 1})
    assert noised.text.value.startswith("Xyzzy plugh ")


def test_parts_beside_an_apostrophe_are_looked_up(folder: Path) -> None:
    """An elided article does not hide its noun, and the apostrophe stays as it was written."""
    _use(folder, "fr", "wrong\tright\nabcisse\tabscisse\n")
    assert {"l’abcisse", "L'abcisse"} <= _forms("l’abscisse", "fr") | _forms("L'abscisse", "fr")
    _use(folder, "en", "wrong\tright\nzzdont'\tzzdon't\n")
    assert _forms("zzdon’t", "en") == {"zzdon’t"}
    _use(folder, "en", "wrong\tright\nzzd'ont\tzzdon't\n")
    assert _forms("zzdon’t", "en") == {"zzd’ont"}


def test_a_list_of_a_user_adds_to_the_bundled_one(folder: Path) -> None:
    """Its rows come beside the others, with their weights; a language that had none is served."""
    before = _forms("receive", "en")
    assert natural_typo.lacks("sw") == "no list of misspellings"
    _use(folder, "en", "wrong\tright\tweight\nreceeve\treceive\t9\n")
    _use(folder, "sw", "wrong\tright\nasubui\tasubuhi\n")
    assert {"receeve", "recieve"} <= _forms("receive", "en") <= before | {"receeve"}
    share = sum(noised.text.value == "receeve" for noised in _noise("receive", "en", many=1000)) / 1000
    assert share == pytest.approx(9 / (9 + len(before)), abs=0.05)
    assert natural_typo.serves("sw")
    assert _noise("Habari ya asubuhi", "sw")[0].text.value == "Habari ya asubui"
    packs.use()
    assert not natural_typo.serves("sw")
    assert _forms("receive", "en") == before


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("wrong\tright\nsame\tsame\n", "row 1"),
        ("wrong\tright\nok\tokay\nalone\n", "row 2"),
        ("bad\tgood\na\tb\n", "column 'wrong'"),
        ("wrong\tright\tweight\na\tb\t-1\n", "weight from 1"),
    ],
)
def test_a_row_that_is_none_is_named(folder: Path, body: str, message: str) -> None:
    """A malformed list is refused in one line with its file and row."""
    _use(folder, "sw", body)
    with pytest.raises(DataError, match=message) as error:
        _noise("Habari ya asubuhi", "sw")
    assert "sw.tsv" in str(error.value)
    assert "\n" not in str(error.value)


def test_an_answer_is_found_in_its_noisy_form() -> None:
    """A span contains the misspelling of its words."""
    noised = _noise("They receive letters", "en", "1", Span(5, 12))[0]
    assert noised.text.at(noised.text.spans[0]) in _forms("receive", "en")


def test_languages_say_whether_they_have_a_list() -> None:
    """Served are those with a pack, and the pack is named."""
    served = [code for code in LANGUAGES if natural_typo.serves(code)]
    assert served == list(packs.names("misspellings"))
    assert natural_typo.packs("en") == ("misspellings/en",)
    assert natural_typo.lacks("xx") == "unknown language"
