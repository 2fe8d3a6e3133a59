"""The bundled lists of misspellings: each row is one word of the language and another way it was written."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from robust_xtreme.core import packs
from robust_xtreme.core.languages import LANGUAGES
from robust_xtreme.noise.engine.case import CAPITAL, LOWER, lower, style

_ROOT = Path(__file__).parents[2]
_CODES = sorted(path.stem for path in (_ROOT / "perturbations" / "misspellings").glob("*.tsv"))
_lists = pytest.mark.parametrize("code", _CODES)


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    """The tool that writes them, as a module; it is a script beside the package, not part of it."""
    spec = importlib.util.spec_from_file_location("make_misspellings", _ROOT / "tools" / "packs" / "misspellings.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@_lists
def test_a_list_says_where_it_is_from(code: str) -> None:
    """Language, source, licence with its text or address, and standing."""
    header = packs.table("misspellings", code).header
    assert code in LANGUAGES
    assert header["language"] == code
    assert header["source"].startswith(("LibreOffice 7.4.7, autocorrect lists ", "codespell 2.4.3, dictionary.txt"))
    assert header["licence"] in (
        "MPL-2.0 (LICENSE-MPL-2.0.txt)",
        "CC BY-SA 3.0 (https://creativecommons.org/licenses/by-sa/3.0/)",
    )
    assert header["standing"] == "attested"


@_lists
def test_a_row_is_a_word_and_another_way_to_write_it(code: str, maker: ModuleType) -> None:
    """Both in letters of the language's alphabet, in one case, near each other, unlike beyond case."""
    rows = packs.table("misspellings", code).rows
    assert len(rows) >= 20
    for row in rows:
        wrong, right = row["wrong"], row["right"]
        assert maker.is_word(right, code), right
        assert maker.is_word(wrong, code), wrong
        assert lower(wrong, code) != lower(right, code)
        assert style(wrong, code) == style(right, code)
        assert style(right, code) in (LOWER, CAPITAL)


@_lists
def test_no_row_occurs_twice(code: str) -> None:
    """No pair occurs twice, in any case or order, and the rows are sorted."""
    pairs = [(row["right"], row["wrong"]) for row in packs.table("misspellings", code).rows]
    assert pairs == sorted(pairs)
    small = [(lower(right, code), lower(wrong, code)) for right, wrong in pairs]
    assert len(set(small)) == len(small)
    assert not {pair[::-1] for pair in small} & set(small)


@pytest.mark.parametrize(
    ("code", "pairs", "kept"),
    [
        ("de", [("Fima", "Firma"), ("(c)", "©"), ("usw", "und so weiter"), ("odf", "ODF")], [("Fima", "Firma")]),
        ("en", [("teh", "the"), ("Teh", "The"), ("english", "English"), ("tbe.", "the")], [("teh", "the")]),
        ("pt", [("fato", "facto"), ("facto", "fato"), ("nao", "não")], [("nao", "não")]),
        ("en", [("do’nt", "don't"), ("abt", "about"), ("adn", "and")], [("adn", "and"), ("do'nt", "don't")]),
        ("tr", [("istanbul", "İstanbul"), ("ısık", "ışık")], [("ısık", "ışık")]),
    ],
)  # fmt: skip
def test_the_maker_keeps_misspellings_of_words(
    maker: ModuleType, code: str, pairs: list[tuple[str, str]], kept: list[tuple[str, str]]
) -> None:
    """Signs, abbreviations, case, other languages' letters and spellings that are right elsewhere are left out."""
    assert maker.kept(code, pairs) == kept


def test_the_dictionary_of_codespell_is_read(maker: ModuleType, tmp_path: Path) -> None:
    """Rows with several corrections, or with a reason, are left out."""
    path = tmp_path / "dictionary.txt"
    path.write_text("recieve->receive\nads->ads, adds,\nclas->class, disabled because of names\n", encoding="utf-8")
    assert list(maker.codespell(path)) == [("recieve", "receive")]
