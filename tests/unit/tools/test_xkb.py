"""The reader of xkb symbols: what is included, how sections are merged, and what keysyms type."""

from __future__ import annotations

from pathlib import Path

import pytest
from tools.packs.keyboards import cell, rows
from tools.packs.keysyms import typed
from tools.packs.xkb import Keys, Missing, symbols

BASE = """
// a comment with "quotes" and { braces
xkb_symbols "first" { key <AD01> { [ z ] }; };
default partial alphanumeric_keys
xkb_symbols "basic" {
    name[Group1] = "Base; {braces}";
    key.type[Group1] = "FOUR_LEVEL";
    key <AD01> { [ q, Q, at, Greek_OMEGA ] };
    key <AD02> { type[Group1]="FOUR_LEVEL", symbols[Group1] = [ w, W ], symbols[Group2] = [ x, X ] };
    key <LatE> { [ e, E ], [ Cyrillic_u ] };
    modifier_map Shift { Shift_L };
};
"""
OTHER = """
xkb_symbols "over" { include "base" key <AD01> { [ a, noSymbol, any ] }; };
xkb_symbols "add" { include "base(basic)" augment key <AD01> { [ a, A ] }; augment key <AD09> { [ o ] }; };
xkb_symbols "new" { include "base" replace key <AD01> { [ a ] }; };
xkb_symbols "plus" { include "base(first)+other(over)|none(here)" include "base(first):2" };
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of two files of symbols."""
    (tmp_path / "base").write_text(BASE, encoding="utf-8")
    (tmp_path / "other").write_text(OTHER, encoding="utf-8")
    return tmp_path


def test_the_first_group_of_the_default_variant_is_read(folder: Path) -> None:
    """Comments, names, types, modifiers and second groups are passed over; a key named by its letter is its place."""
    assert symbols(folder, "base").keys == {
        "AD01": ("q", "Q", "at", "Greek_OMEGA"), "AD02": ("w", "W"), "AD03": ("e", "E"),
    }  # fmt: skip
    assert symbols(folder, "base", "first").keys == {"AD01": ("z",)}


def test_sections_are_merged_level_by_level(folder: Path) -> None:
    """What comes later wins, where it is not a NoSymbol; augment only adds; replace forgets the old key."""
    assert symbols(folder, "other", "over").keys["AD01"] == ("a", "Q", "at", "Greek_OMEGA")
    added = symbols(folder, "other", "add").keys
    assert (added["AD01"], added["AD09"]) == (("q", "Q", "at", "Greek_OMEGA"), ("o",))
    assert symbols(folder, "other", "new").keys["AD01"] == ("a",)


def test_includes_are_joined_and_what_is_missing_is_named(folder: Path) -> None:
    """`a+b|c` merges in order; a section that is not there is reported; another group is left out."""
    layout = symbols(folder, "other", "plus")
    assert layout.keys["AD01"] == ("a", "Q", "at", "Greek_OMEGA")
    assert layout.missing == (Missing("none", "here"),)


def test_keysyms_type_characters_marks_or_nothing() -> None:
    """By name, by Unicode, by number; dead keys by their mark; keys that type nothing by nothing."""
    names = (
        "a",
        "1",
        "Cyrillic_ya",
        "U0301",
        "U05C",
        "0x1001EB9",
        "0x41",
        "EuroSign",
        "noSymbol",
        "VoidSymbol",
        "Return",
    )
    assert [typed(name) for name in names] == ["a", "1", "я", "\u0301", "\\", "ẹ", "A", "€", "", "", ""]
    assert [typed(f"dead_{name}") for name in ("acute", "belowdot", "currency")] == ["dead:\u0301", "dead:\u0323", ""]
    assert typed("Arabic_lam+Arabic_alef") == "لا"


def test_cells_are_readable() -> None:
    """Marks are on a circle, what cannot be seen is written by its number, nothing is two dashes."""
    shown = ["a", "", "\u093e", "dead:\u0301", "\u200c", "\u00a0", "\u0915\u094d\u0937"]
    assert [cell(keysym) for keysym in shown] == ["a", "--", "◌ा", "dead:◌́", "U+200C", "U+00A0", "क्ष"]


def test_the_backslash_is_where_the_form_has_it(folder: Path) -> None:
    """Above Enter on an ANSI keyboard, left of Enter on an ISO one."""
    keys: Keys = dict.fromkeys(("TLDE", "AD01", "AD12", "AC01", "AC11", "AB01", "BKSL"), ("x",))
    assert [row.names[-1] for row in rows(keys, "ansi")] == ["TLDE", "BKSL", "AC11", "AB01"]
    assert [row.names[-1] for row in rows(keys, "iso")] == ["TLDE", "AD12", "BKSL", "AB01"]
    assert [row.offset for row in rows(keys, "iso")] == [0, 1.5, 1.75, 2.25]
