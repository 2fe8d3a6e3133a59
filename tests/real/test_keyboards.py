"""Keyboards against other copies: another release of xkeyboard-config, key by key, and nlpaug's maps of neighbours."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from math import hypot
from pathlib import Path

import pytest
from tools.packs.keyboards import Wanted, text, wanted
from tools.packs.nlpaug_pairs import KINDS, compared, counts, page
from tools.packs.xkb import symbols

from robust_xtreme.noise.input.keyboards import Layout, layout, of_language

pytestmark = pytest.mark.real

PAGE = Path(__file__).parents[2] / "docs" / "nlpaug-pairs.md"

# How many levels of keys the copy defines by itself (includes of files that are not in it are not compared), and
# those that differ: `xkb_differences.tsv` names the two releases and lists these, each with what 2.35.1 has instead.
COMPARED = 6429
ABSENT = ("in-marathi", "in-tam-tamilnet")
NAMES = {"TLDE": "AE00", "LSGT": "AB00"}

# Pairs of nlpaug's maps on our default layout of the language: of neighbouring keys, of one key, of keys further apart
# than 1.25 pitches, and with a character that the layout does not type.
PAIRS = {
    "de": (223, 10, 59, 0), "en": (223, 10, 59, 1), "es": (199, 9, 84, 0), "fr": (203, 8, 81, 0),
    "he": (206, 9, 77, 0), "it": (223, 10, 59, 0), "nl": (223, 10, 59, 0), "pl": (149, 3, 140, 0),
    "th": (420, 0, 140, 0), "tr": (242, 1, 28, 0), "uk": (223, 10, 59, 0),
}  # fmt: skip


def _table() -> set[tuple[str, ...]]:
    path = Path(__file__).with_name("xkb_differences.tsv")
    with path.open(encoding="utf-8", newline="") as file:
        lines = [line for line in file if not line.startswith("# ")]
        rows = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        return {(row["pack"], row["key"], row["level"], row["copy"], row["ours"]) for row in rows if row["reason"]}


def _levels(folder: Path, keyboard: Wanted) -> Iterator[tuple[str, str, str, str, str]]:
    """Each level of a key that the copy defines: its name, and what the copy and the pack have."""
    ours = {key.name: key.levels for key in layout(keyboard.pack).keys}
    for key, keysyms in symbols(folder, keyboard.file, keyboard.variant).keys.items():
        name = NAMES.get(key, key)
        if key == "BKSL":
            name = next((name for name in ("AC12", "AD13") if name in ours), key)
        for level, keysym in enumerate(keysyms[:4]):
            if keysym.lower() != "nosymbol" and name in ours:
                yield keyboard.pack, key, str(level), text(keysym), ours[name][level]


def test_layouts_equal_another_copy_of_xkeyboard_config(data: Path) -> None:
    """Every key and level that the copy defines is ours, but for those listed with a reason."""
    folder = data / "keyboards" / "xkb" / "symbols"
    here = [keyboard for keyboard in wanted() if (folder / keyboard.file).is_file()]
    assert (
        tuple(keyboard.pack for keyboard in here if not symbols(folder, keyboard.file, keyboard.variant).keys) == ABSENT
    )
    levels = [level for keyboard in here for level in _levels(folder, keyboard)]
    assert len(levels) == COMPARED
    assert {level for level in levels if level[3] != level[4]} == _table()


@pytest.mark.parametrize("code", PAIRS)
def test_neighbours_contain_the_pairs_of_nlpaug_that_are_adjacent(data: Path, code: str) -> None:
    """A pair of nlpaug's is among our neighbours unless the keys are the same one, or further apart than 1.25."""
    keyboard = layout(of_language(code)[0])
    comparison = compared(data / "keyboards" / "nlpaug" / "keyboard" / f"{code}.json", keyboard.name)
    assert tuple(counts(comparison)[kind] for kind in KINDS) == PAIRS[code]
    for pair in comparison:
        near = 0 < _distance(keyboard, pair.letter, pair.other) <= 1.25
        assert (pair.kind == "adjacent") == near, pair


def test_the_pairs_of_nlpaug_that_are_not_neighbours_are_listed(data: Path) -> None:
    """docs/nlpaug-pairs.md is what the maps and the layouts give, and names every pair that is not adjacent."""
    folder = data / "keyboards" / "nlpaug" / "keyboard"
    assert PAGE.read_text("utf-8") == page(folder)
    assert sorted(path.stem for path in folder.glob("*.json")) == sorted(PAIRS)


def _distance(keyboard: Layout, first: str, second: str) -> float:
    """The distance of the keys of two characters, computed from the names of the keys."""
    left = {"E": 0.0, "D": 0.5, "C": 0.75, "B": 1.25}
    positions = []
    for sign in (first, second):
        strokes = keyboard.strokes(sign)
        if not strokes or len(strokes) > 1:
            return 0.0
        row, column = strokes[0].key.name[1], int(strokes[0].key.name[2:])
        positions.append((left[row] + column, "EDCB".index(row)))
    return hypot(positions[0][0] - positions[1][0], positions[0][1] - positions[1][1])
