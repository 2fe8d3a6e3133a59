"""Users' own keyboards: one is written by hand without Python, and a malformed one gets one line that says why."""

from __future__ import annotations

from pathlib import Path

import pytest

from robust_xtreme import perturb
from robust_xtreme.core import packs
from robust_xtreme.core.errors import SpecError, UnknownName, UserError
from robust_xtreme.core.resources import folder
from robust_xtreme.noise.input.keyboards import layout, names, of_language
from robust_xtreme.noise.members.keyboard_typo import keyboard_typo

GOOD = """
title = "Mine"
languages = ["mr"]
default = ["mr"]
source = "my own keyboard"
licence = "CC0-1.0"
standing = "authored"
offsets = [0, 0.25]
plain = '''
अ आ -- क्ष
◌ा dead:◌́ U+200C
'''
shift = '''
इ ई -- ◌
ka ' "
'''
"""


def _pack(folder: Path, text: str, name: str = "mine") -> Path:
    path = folder / "keyboards" / f"{name}.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return folder


def test_a_keyboard_is_written_as_it_looks(tmp_path: Path) -> None:
    """Rows of cells become keys at their places; `--` types nothing, a circle carries a mark, U+200C is a number."""
    with packs.using(_pack(tmp_path, GOOD)):
        keyboard = layout("mine")
        assert [(key.x, key.y, key.levels[:2]) for key in keyboard.keys] == [
            (0, 0, ("अ", "इ")), (1, 0, ("आ", "ई")), (3, 0, ("क्ष", "\u25cc")),
            (0.25, 1, ("\u093e", "ka")), (1.25, 1, ("dead:\u0301", "'")), (2.25, 1, ("\u200c", '"')),
        ]  # fmt: skip
        assert [key.levels[0] for key in keyboard.neighbours[keyboard.keys[0]]] == ["आ", "\u093e"]
        assert "mine" in of_language("mr")
        assert len(keyboard.strokes("क्ष") or ()) == 1
    assert "mine" not in names()


WRONG = {
    "unknown key": (("title", "titel"), "titel"),
    "missing": (('title = "Mine"', ""), "'title' is missing"),
    "type of a level": (("shift = '''", "altgr = 3\nshift = '''"), "altgr"),
    "type of languages": (('languages = ["mr"]', 'languages = "mr"'), "'languages'"),
    "language": (('languages = ["mr"]', 'languages = ["marathi"]'), "marathi"),
    "language's type": (('languages = ["mr"]', "languages = [[]]"), "[] is not a code of a language"),
    "default": (('default = ["mr"]', 'default = ["hi"]'), "'hi'"),
    "offset": (("[0, 0.25]", "[0, true]"), "True"),
    "no number": (("[0, 0.25]", "[0, nan]"), "nan"),
    "far": (("[0, 0.25]", "[0, 1e9]"), "1000000000.0"),
    "rows": (("[0, 0.25]", "[0]"), "2 rows"),
    "many rows": (("[0, 0.25]", "[0,0,0,0,0,0,0,0]"), "offsets: 8 rows"),
    "cells": (("इ ई -- ◌", "इ ई --"), "3 cells"),
    "dead": (("dead:◌́", "dead:a"), "dead:a"),
    "dead alone": (("dead:◌́", "dead:"), "'dead:'"),
    "number": (("U+200C", "U+ZZ"), "U+ZZ"),
    "surrogate": (("U+200C", "U+D800"), "U+D800"),
    "nul": (("U+200C", "U+0000"), "U+0000"),
    "escape": (("U+200C", "U+001B"), "control or direction"),
    "line feed": (("U+200C", "U+000A"), "control or direction"),
    "direction": (("U+200C", "U+202E"), "control or direction"),
    "beyond": (("U+200C", "U+99999999999999999999"), "code point"),
    "long": (("ka", "k" * 5000), "is too long"),
    "not normal": (("ka", "e\u0301"), "not in NFC"),
    "wide": (("अ आ", "अ " * 500 + "आ"), "20 cells"),
    "two of one": (("ka", "अ अ"), "4 cells"),
    "empty": (("plain = '''\nअ आ -- क्ष\n◌ा dead:◌́ U+200C\n'''", "plain = ''"), "plain: 0 rows"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_malformed_keyboard_gets_one_line(tmp_path: Path, wrong: str) -> None:
    """The file, the key and what is wrong with it, in a line of at most three hundred characters beside the path."""
    (old, new), message = WRONG[wrong]
    assert old in GOOD
    with packs.using(_pack(tmp_path, GOOD.replace(old, new))), pytest.raises(UserError) as caught:
        layout("mine")
    line = str(caught.value)
    assert message in line
    assert "mine.toml" in line
    assert "\n" not in line
    assert len(line.replace(str(tmp_path), "")) < 300


def test_a_huge_keyboard_is_refused(tmp_path: Path) -> None:
    """A file of more than 1 MB is not read."""
    with pytest.raises(UserError, match="1 MB"), packs.using(_pack(tmp_path, GOOD + "#" * 2_000_000)):
        layout("mine")


def test_an_unknown_keyboard_is_named() -> None:
    """The nearest name is offered."""
    with pytest.raises(UnknownName, match="Did you mean 'us-intl'"):
        layout("us-int")


def test_layouts_are_read_once() -> None:
    """The same object comes back until other packs are used."""
    assert layout("de") is layout("de")


def _example(tmp_path: Path) -> Path:
    """A folder with the keyboard of perturbations/README.md, as it is there."""
    shown = (folder("perturbations") / "README.md").read_text("utf-8").split("## Keyboards")[1].split("\n\n- ")[0]
    return _pack(tmp_path, "\n".join(line[4:] for line in shown.splitlines() if line.startswith("    ")))


def test_the_example_of_the_readme_is_a_keyboard(tmp_path: Path) -> None:
    """What perturbations/README.md shows can be copied: it is read, and types Marathi."""
    with packs.using(_example(tmp_path)):
        assert layout("mine").strokes("मराठी") is not None
        assert len(layout("mine").keys) == 45


def test_the_example_of_the_readme_types_marathi(tmp_path: Path) -> None:
    """A user's default wins over the bundled one, without being asked for."""
    bundled = of_language("mr")
    with packs.using(_example(tmp_path)):
        assert of_language("mr") == ("mine", *bundled)
        assert keyboard_typo.packs("mr") == ("keyboards/mine",)
    assert of_language("mr") == bundled


def test_the_noise_is_that_of_the_users_keyboard(tmp_path: Path) -> None:
    """Where the keys of the README's example are in other places, other letters come out."""
    path = _example(tmp_path) / "keyboards" / "mine.toml"
    moved = path.read_text("utf-8").replace("ब ह ग द ज ड", "ड ज ब द ह ग")
    path.write_text(moved, encoding="utf-8")
    texts, spec = ["मुले दररोज सकाळी नदीजवळ खेळतात आणि गाणी म्हणतात."], "keyboard_typo:0.5@delete=0"
    mine = [perturb(texts, spec, seed=seed, language="mr", packs=tmp_path) for seed in range(4)]
    assert mine != [perturb(texts, spec, seed=seed, language="mr") for seed in range(4)]


def test_of_several_folders_the_first_default_wins(tmp_path: Path) -> None:
    """Users' defaults are in the order of their folders, and a user's keyboard that is not a default comes after it."""
    first, second = _pack(tmp_path / "a", GOOD), _pack(tmp_path / "b", GOOD)
    (first / "keyboards" / "mine.toml").rename(first / "keyboards" / "z.toml")
    with packs.using(first, second):
        assert of_language("mr")[:2] == ("z", "mine")
    other = _pack(tmp_path / "c", GOOD.replace('default = ["mr"]', "default = []"))
    bundled = of_language("mr")[0]
    with packs.using(other):
        assert of_language("mr")[0] == bundled


@pytest.mark.parametrize(
    ("name", "message"),
    [("us-int", "Did you mean 'us-intl'?"), ("vi-tele", "Did you mean 'vi-telex'?"), ("xx", "'xx'")],
)
def test_an_unknown_layout_of_a_spec_is_reported_with_a_few_near_ones(name: str, message: str) -> None:
    """The nearest are named, at most eight and the usual `auto` among them, and where all are."""
    with pytest.raises(SpecError) as caught:
        perturb(["Habari"], f"keyboard_typo:0.1@layout={name}", language="sw")
    line = str(caught.value)
    assert message in line
    known = line.partition("It knows ")[2].partition(" and ")[0].split(", ")
    assert len(known) == 8
    assert "auto" in known
    assert line.endswith("See: robust-xtreme list perturbations --json")
