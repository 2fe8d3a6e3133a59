"""Rows of users' packs that nothing can mean are refused in one line that names the file and the row."""

from __future__ import annotations

from pathlib import Path

import pytest

from robust_xtreme.core.errors import UserError
from robust_xtreme.noise import user_packs
from robust_xtreme.noise.engine import realised

HEAD = "# source: us\n# licence: CC0-1.0\n# standing: authored\n"
PLAIN = HEAD + "letter\tplain\n"
TYPED = "# language: ru\n# scheme: typed\n" + HEAD + "letters\tforms\tweights\twhere\tclass\n"
ALIKE = "# script: Latn\n" + HEAD + "letter\tforms\tweights\n"
ROMAJI = HEAD + "keys\tkana\trest\ttyped\n"
LONG = "a" * 1_000_000
RUSSIAN = "Все люди рождаются свободными и равными в своем достоинстве и правах."


def written(folder: Path, name: str, text: str) -> Path:
    """A folder of packs with one file."""
    path = folder / name
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("diacritics/ru.tsv", PLAIN + "ё\te\n", "Cyrl"),
        ("diacritics/ru.tsv", PLAIN + "ё\tе\nе\tё\n", "another row"),
        ("diacritics/sw.tsv", PLAIN + "é\tё\n", "row of 'é'"),
        ("romanisations/ru.tsv", TYPED + "ж\tख\n", "'ख'"),
        ("romanisations/ru.tsv", TYPED + "ж\t\u0301\n", "with a mark"),
        ("romanisations/ru.tsv", TYPED + "ж\tж\n", "changes nothing"),
        ("romanisations/ru.tsv", TYPED + "ж\tzh\t\t\tab\n", "'ab'"),
        ("romanisations/ru.tsv", TYPED + "ж\tzh\n\t\t\t\t\n", "row is empty"),
        ("romanisations/ru.tsv", TYPED + f"ж\t{'a' * 61}\n", "61 letters"),
        ("romanisations/ru.tsv", TYPED + f"ж\t{LONG}\n", "1,000,000"),
        ("romanisations/ru.tsv", "# back: xx\n" + TYPED + "ж\tzh\n", "'back'"),
        ("romanisations/ru.tsv", "# readings: ../../x\n" + TYPED + "ж\tzh\n", "../../x"),
        ("romanisations/ru.tsv", "# readings: ko-2set\n" + TYPED + "ж\tzh\n", "ko-2set"),
        ("romanisations/ru-foo.tsv", TYPED.replace("typed", "foo") + "ж\tzh\n", "'foo'"),
        ("romanisations/ru-uroman.tsv", TYPED.replace("typed", "uroman") + "ж\tzh\n", "'uroman'"),
        ("misspellings/sw.tsv", HEAD.replace(" us", " ") + "wrong\tright\nabc\tabd\n", "source' is empty"),
        ("misspellings/sw.tsv", HEAD + HEAD + "wrong\tright\nhabri\thabari\n", "twice"),
        ("misspellings/sw.tsv", HEAD + f"wrong\tright\n{LONG}\thabari\n", "sw.tsv:5"),
        ("suites/mine.toml", 'source = " "\nlicence = "CC0-1.0"\nstanding = "authored"\n', "source' is empty"),
        ("confusables/Latn.tsv", ALIKE + "o\ta\t3\n", "same script"),
        ("confusables/Latn.tsv", ALIKE + "о\tα\t3\n", "script Latn"),
        ("normalisation/ro.tsv", HEAD + f"letter\tforms\nș\t{LONG}\n", "ro.tsv:5"),
        ("input/ko-2set.tsv", HEAD + "keys\tjamo\nr\tㄱ\nk\tㅏ\n", "one syllable"),
        ("input/ja-romaji.tsv", ROMAJI + "a\tあ\ta\tyes\n", "a, yes"),
        ("input/ja-readings.tsv", HEAD + "word\n愛\n", "'reading'"),
        ("input/th-words.tsv", HEAD + "words\nกา\n", "'word'"),
        ("calibration/en.tsv", HEAD + f"text\n{RUSSIAN}\n", "fewer than half"),
    ],
)  # fmt: skip
def test_a_row_that_nothing_can_mean_is_refused(tmp_path: Path, name: str, text: str, message: str) -> None:
    """One line with the file, and the letter, the number of the line or the key."""
    with pytest.raises(UserError, match=message) as caught, user_packs.using(written(tmp_path, name, text)):
        raise AssertionError
    assert str(tmp_path / name) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_classes_of_many_long_forms_are_refused(tmp_path: Path) -> None:
    """Forms that would fill the memory where classes are expanded, though each row is short."""
    consonants = "бвгджзйклмнпрстфхцчшщ"
    rows = "".join(f"{a}{b}\t{a}{b}{'x' * 50}\t\tpart\tC\n" for a in consonants for b in consonants)
    text = TYPED + rows + "{C1}{C2}\t{C1}{C2} {C2}{C1} {C1}a{C2} {C1}o{C2} {C1}e{C2} {C1}u{C2}\n"
    with (
        pytest.raises(UserError, match="100,000,000"),
        user_packs.using(written(tmp_path, "romanisations/ru.tsv", text)),
    ):
        raise AssertionError


@pytest.mark.parametrize(("code", "other"), [("en", "de"), ("sw", "en"), ("uk", "ru"), ("id", "vi")])
def test_a_calibration_text_is_of_its_language(tmp_path: Path, code: str, other: str) -> None:
    """A text whose words are those of another language is refused by that one's name; its own is read."""
    texts = {name: HEAD + "text\n" + "\n".join(realised.texts(name)[2:9]) + "\n" for name in (code, other)}
    with user_packs.using(written(tmp_path / "own", f"calibration/{code}.tsv", texts[code])):
        assert len(realised.texts(code)) == 7
    wrong = written(tmp_path / "other", f"calibration/{code}.tsv", texts[other])
    with (
        pytest.raises(UserError, match="its words"),
        user_packs.using(wrong),
    ):
        raise AssertionError
