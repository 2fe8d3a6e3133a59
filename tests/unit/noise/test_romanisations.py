"""Tables of romanisation: what their rows mean, and the line that names what is wrong in one."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.romanising import Speller

from robust_xtreme.core import packs
from robust_xtreme.core.errors import UserError
from robust_xtreme.noise import user_packs
from robust_xtreme.noise.engine.respelling_table import RuleForm, Rules
from robust_xtreme.noise.scripts import table
from robust_xtreme.noise.scripts.table import rules

HEAD = "# source: us\n# licence: CC0-1.0\n# standing: authored\n"
COLUMNS = "letters\tforms\tweights\twhere\tclass\n"
RUSSIAN = "# language: ru\n# scheme: typed\n" + HEAD + COLUMNS
HINDI = "# script: Deva\n# scheme: iast\n" + HEAD + COLUMNS


def pack(folder: Path, rows: str, name: str = "ru", head: str = RUSSIAN) -> Path:
    """A folder with one table, whose rows are written with blanks for tabs."""
    path = folder / "romanisations" / f"{name}.tsv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(head + rows.replace("|", "\t"), encoding="utf-8")
    return folder


def read(folder: Path, rows: str, name: str = "ru", head: str = RUSSIAN) -> Rules:
    """The rules of a table."""
    with packs.using(pack(folder, rows, name, head)):
        return rules(name)


def test_the_longest_letters_win_and_the_first_conditions_that_are_true(tmp_path: Path) -> None:
    """A row of two letters comes before those of one, and a row with conditions before one without."""
    rows = "с|s\nх|kh\nсх|sch\nе|e\nе|ye||start\nй|j\nй|∅||end\nсо|so||word\nо|o\n"
    known = read(tmp_path, rows)
    assert [Speller(known).likely(word) for word in ("сх", "схех", "ехе", "Ей", "йе", "со", "СОХ")] == [
        "sch", "schekh", "yekhe", "Ye", "je", "so", "SOKH",
    ]  # fmt: skip


def test_conditions_look_at_the_letters_beside(tmp_path: Path) -> None:
    """`after` and `before` name a class of letters; with `not-` they exclude it."""
    rows = "а|a|||V\nо|o|||V\nк|k\nв|w||after:V before:V\nв|f||not-before:V\nв|v\n"
    known = read(tmp_path, rows)
    assert [Speller(known).likely(word) for word in ("ава", "ва", "ков", "вка")] == ["awa", "va", "kof", "fka"]


def test_conditions_look_at_the_letters_of_the_word(tmp_path: Path) -> None:
    """`with` and `without` ask for a letter of a class anywhere in the word, its own among them."""
    rows = "а|a|||B\nі|i|||F\nк|k|||B\nс|s||part|C\n{C}|!{C}||start with:F without:B\n{C}|{C}\n"
    known = read(tmp_path, rows)
    assert [Speller(known).likely(word) for word in ("сі", "са", "сас", "сісі", "сіск", "с")] == [
        "!si", "sa", "sas", "!sisi", "sisk", "s",
    ]  # fmt: skip


def test_classes_are_expanded_to_their_rows(tmp_path: Path) -> None:
    """A consonant has its vowel, but not before a vowel sign, a virama, or at the end of a word."""
    rows = (
        "क|k||part|C\nख|kh||part|C\nक्ष|kṣ||part|C\nि|i||part|M\nा|ā||part|M\n"
        "{C}{M}|{C}{M}\n{C}्|{C}\n{C}|{C}a\n{C}|{C}||end\nअ|a\n"
    )
    known = read(tmp_path, rows, "Deva-iast", HINDI)
    assert [Speller(known).likely(word) for word in ("कख", "कि", "क्खा", "अक", "क्षक")] == [
        "kakh",
        "ki",
        "kkhā",
        "ak",
        "kṣak",
    ]


def test_alternatives_and_their_weights_multiply(tmp_path: Path) -> None:
    """Each form of a row is combined with each form of its classes."""
    known = read(tmp_path, "к|k c|3 1|part|C\nа|a|||\nх|h x||part|C\n{C1}ъ{C2}|{C1}{C2} {C2}|2 1|\n")
    forms = {rule.letters: set(rule.forms) for rule in known.rules}
    assert forms["къх"] == {
        RuleForm("kh", 6), RuleForm("kx", 6), RuleForm("ch", 2), RuleForm("cx", 2), RuleForm("h", 1), RuleForm("x", 1),
    }  # fmt: skip
    assert forms["кък"] == {
        RuleForm("kk", 18),
        RuleForm("kc", 6),
        RuleForm("ck", 6),
        RuleForm("cc", 2),
        RuleForm("k", 3),
        RuleForm("c", 1),
    }
    assert Speller(known).draws("Къха", "Hа") is False
    assert Speller(known).draws("Къха", "Ha")


def test_a_word_of_a_decomposed_table_is_matched_in_nfd(tmp_path: Path) -> None:
    """With `# form: NFD` a row may be one part of a composed letter."""
    head = RUSSIAN.replace(HEAD, HEAD + "# form: NFD\n")
    known = read(tmp_path, "и|i\n\u0306|y\n", head=head)
    assert known.decomposed
    assert Speller(known).likely("ий") == "iiy"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("|a\n", "are empty"),
        ("а|\n", "no forms"),
        ("а|a o|1\n", "weights '1'"),
        ("а|a o|1 0\n", "weights '1 0'"),
        ("а|a o|1 x\n", "weights '1 x'"),
        ("а|a a\n", "occurs twice"),
        ("а|a\nа|o\n", "two rows"),
        ("а|a||end\nа|o||end\n", "under the conditions"),
        ("z|a\n", "'z' is not"),
        ("क|k\n", "not a letter"),
        ("А|a\n", "a capital"),
        ("а|a||last\n", "'last'"),
        ("а|a||stat\n", "'start'"),
        ("а|a||start end\n", "exclude"),
        ("а|a||after:V\n", "as no row"),
        ("а|a||part|W\nо|o||after:V\n", "class 'V'"),
        ("а|a||part|V\n{K}|{K}\n", "'K'"),
        ("а|a||part|V\n{V}{V}|{V}\n", "named twice"),
        ("а|a||part|V\n{V}|{V1}\n", "names {V1}"),
        ("а|{a\n", "'{a'"),
        ("а|a∅\n", "a∅"),
        ("а|ﬁ\n", "NFKC"),
        ("а|a||part|V1\n", "'V1'"),
        ("{V}а|{V}a||part|V\n", "{V}"),
        ("{K}а|{K}||part|V\n{V}о|{V}||part|K\nа|a|||V\n", "back to itself"),
        ("", "no rows"),
    ],
)
def test_a_row_that_cannot_be_used_is_named(tmp_path: Path, rows: str, message: str) -> None:
    """One line says which row is wrong, and what is wrong in it, before anything is computed."""
    with pytest.raises(UserError) as caught, user_packs.using(pack(tmp_path, rows)):
        raise AssertionError
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "head", "message"),
    [
        ("ru", RUSSIAN.replace("language: ru", "language: uk"), "'uk'"),
        ("ru-iso9", RUSSIAN, "iso9"),
        ("ru", RUSSIAN.replace("# scheme: typed\n", ""), "scheme is ''"),
        ("ru", RUSSIAN.replace("language", "script"), "script 'ru'"),
        ("rr", RUSSIAN.replace("ru\n", "rr\n"), "'rr'"),
        ("ru", RUSSIAN.replace("# language: ru\n", ""), "one of the two"),
        ("ru", RUSSIAN.replace(HEAD, HEAD + "# form: NFX\n"), "NFX"),
        ("ru", RUSSIAN.replace(HEAD, HEAD + "# shape: NFC\n"), "shape"),
        ("ru", RUSSIAN.replace("weights", "weight"), "weights"),
    ],
)
def test_a_header_agrees_with_the_name(tmp_path: Path, name: str, head: str, message: str) -> None:
    """A table says which language or script and which scheme it is for, as its name does."""
    with pytest.raises(UserError) as caught, user_packs.using(pack(tmp_path, "а|a\n", name, head)):
        raise AssertionError
    assert message in str(caught.value)


def test_a_table_that_grows_without_measure_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows are counted before they are expanded, and so are the forms of each."""
    letters = "абвгдежзиклмнопрст"
    rows = "".join(f"{letter}|a b c|1 1 1|part|V\n" for letter in letters)
    monkeypatch.setattr(table, "MOST_RULES", 1000)
    with pytest.raises(UserError, match="1,000 rules"):
        read(tmp_path / "a", rows + "{V1}{V2}{V3}|{V1}{V2}{V3}\n")
    with pytest.raises(UserError, match="72 forms"):
        read(tmp_path / "b", rows.replace("a b c|1 1 1", "a b c d e f|") + "{V1}{V2}|{V1}{V2} {V2}{V1}\n")
