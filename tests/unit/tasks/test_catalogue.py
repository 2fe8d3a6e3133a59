"""The rows that `list` prints, and how their values become cells."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from robust_xtreme.cli.list import COLUMNS, SHORT, list_
from robust_xtreme.core import packs, registry
from robust_xtreme.core.errors import UnknownName
from robust_xtreme.tasks.catalogue import LISTS, plain, rows, served


@pytest.mark.parametrize("what", sorted(LISTS))
def test_every_row_has_every_column_and_is_json(what: str) -> None:
    """Each member gives one row with the columns of its table; the rows are plain values."""
    table = rows(what)
    assert table
    assert all(set(COLUMNS[what]) <= set(row) for row in table)
    assert json.loads(json.dumps(table)) == table


@pytest.mark.parametrize("kind", ["perturbation", "task", "metric"])
def test_every_member_is_listed_with_its_first_line(kind: str) -> None:
    """A list names all members of a registry, each with a summary of one line."""
    table = rows(f"{kind}s")
    assert tuple(row["name"] for row in table) == registry.names(kind)
    assert all(row["summary"] and "\n" not in row["summary"] for row in table)


def test_attacks_are_listed_with_what_a_spec_chooses() -> None:
    """The row of an attack has its queries and limits with their defaults, and every value of its choices."""
    (row,) = [row for row in rows("perturbations") if row["name"] == "attack_keys"]
    settings = {"queries": ["200"], "max_graphemes": [""], "target": [""], "chrf": [""], "similar": ["0"]}
    assert row["parameters"] == settings
    assert row["choices"]["access"] == ["scores", "labels"]
    assert row["choices"]["ranking"] == ["unk", "delete"]
    assert set(row["choices"]["search"]) == set(registry.names("search"))


@pytest.mark.parametrize("what", sorted(LISTS))
def test_a_list_is_a_table_for_readers(what: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Without --json a list has the name of each member and what it is, in a line; with --long every column."""
    list_(what)
    first, *lines = capsys.readouterr().out.splitlines()
    names = [str(next(iter(row.values()))) for row in rows(what)]
    assert first.split() == list(SHORT)
    assert [line.split()[0] for line in lines[: len(names)]] == names
    list_(what, long=True)
    shown = capsys.readouterr().out
    assert all(name in shown for name in (*names, *COLUMNS[what][1:]))


def test_the_list_of_perturbations_breaks_no_identifier(capsys: pytest.CaptureFixture[str]) -> None:
    """Rules that are waived are whole, one a line; below the table is where three kinds act."""
    list_("perturbations", long=True)
    output = capsys.readouterr().out
    for name in registry.names("perturbation"):
        for rule in registry.load("perturbation", name).waives:
            assert rule in output
    assert "accent,\ncandidate and syllable apply only to" in output


def test_a_keyboard_of_our_choice_is_listed_as_unreviewed(capsys: pytest.CaptureFixture[str]) -> None:
    """No source names the French keyboard for Haitian Creole; the Spanish one is named for Basque."""
    list_("perturbations", language="ht", long=True)
    shown = capsys.readouterr().out
    assert "keyboards/fr: chosen, unreviewed" in shown
    assert "Unreviewed packs are not counted as serving a language." in shown
    list_("perturbations", language="eu", long=True)
    assert "keyboards/es: attested" in capsys.readouterr().out


def test_letters_of_our_own_are_listed_and_their_perturbations_not_counted(tmp_path: Path) -> None:
    """An authored part of a pack is listed beside the standing of the whole."""
    bundled = packs.find("alphabets", "qu")
    assert bundled
    (tmp_path / "alphabets").mkdir()
    text = bundled.read_text("utf-8") + 'standings = { added = "authored" }\n'
    (tmp_path / "alphabets" / "qu.toml").write_text(text, encoding="utf-8")
    with packs.using(tmp_path):
        by_name = {row["name"]: (row["packs"], row["counted"]) for row in served("qu")}
    assert by_name["char_noise"] == ({"alphabets/qu": "attested, added authored"}, False)
    assert by_name["keyboard_typo"] == ({"keyboards/latam": "attested"}, True)


def test_an_unknown_list_is_refused() -> None:
    """A list that does not exist is named with the nearest one that does."""
    with pytest.raises(UnknownName, match="Did you mean 'metrics'"):
        rows("metric")


def test_values_become_plain() -> None:
    """Tuples become lists, sets sorted lists, and anything else its text."""
    assert plain({"a": (1, frozenset({"y", "x"})), "b": None}) == {"a": [1, ["x", "y"]], "b": None}
    assert plain(ValueError("odd")) == "odd"


def test_the_schemes_of_a_language_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """Schemes are named as a spec takes them, those that are read back too, and no scheme of other scripts."""
    known = {code: next(row for row in served(code) if row["name"] == "transliterate") for code in ("ru", "sw")}
    assert {"@scheme=typed", "@scheme=iso9", "@scheme=iso9@direction=back"} <= {*known["ru"]["schemes"]}
    assert not {"@scheme=iast", "@scheme=hepburn"} & {*known["ru"]["schemes"]}
    assert known["sw"]["schemes"] == ["@scheme=icu:ID"]
    list_("perturbations", long=True, language="ru")
    assert "@scheme=iso9@direction=back" in capsys.readouterr().out
