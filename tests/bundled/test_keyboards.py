"""Every keyboard that ships: its source and languages, its geometry, and that it types its languages' alphabets."""

from __future__ import annotations

import re
from itertools import product
from math import hypot

import pytest
from tools.packs.keyboards import NAMED, named, wanted

from robust_xtreme.core import packs
from robust_xtreme.core.languages import ALL_LANGUAGES, LANGUAGES, language
from robust_xtreme.noise.input.keyboards import KIND, LEVELS, layout, names, of_language

# Letters that no key of a language's default layout types, and why (sources: the layouts themselves).
INPUT_METHOD = ("ja", "ko", "zh")
NOTES = 8
UNREACHED = {
    "bg": ("Ь", "the capital of a letter that begins no word; BDS 5237 has no key for it"),
    "bn": ("ঌ ঽ ৠ ৡ", "letters of Sanskrit, which InScript leaves out"),
    "fr": ("œ Œ Ç", "AZERTY has neither the ligature nor this capital; editors correct them"),
    "gn": ("g̃ G̃", "no dead key of X11 makes a letter of two code points of it"),
    "gu": ("ઽ ૐ ૠ", "signs of Sanskrit, which InScript leaves out"),
    "jv": ("â å è é ê ì ò ù Â Å È É Ê Ì Ò Ù", "the US keyboard, which Windows gives Javanese, has no accents"),
    "ml": ("ൿ", "the rare chillu k, for which the layout has no key"),
    "oto": ("ƌ Ƌ ȥ Ȥ", "no layout of xkeyboard-config has them"),
    "pa": ("ੲ ੳ", "bearers of vowels, which the layout types together with their vowels"),
    "te": ("ఌ ౠ ౡ", "letters of Sanskrit, which InScript leaves out"),
    "wo": ("ë Ë", "symbols/sn has the diaeresis as a character, not as a dead key"),
}
CAPITALS = {"i": "İ", "ı": "I"}
NO_CASE = ("Geor",)


def _both_cases(code: str) -> list[str]:
    """The letters of an alphabet and their capitals, where they have one of their own."""
    known = language(code)
    dotted = CAPITALS if code in ("tr", "az") else {}
    pairs = [(letter, dotted.get(letter, letter.upper())) for letter in known.alphabet if known.script not in NO_CASE]
    return [
        *known.alphabet,
        *(capital for letter, capital in pairs if capital != letter and len(capital) == len(letter)),
    ]


def test_there_are_keyboards_for_all_fifty_languages() -> None:
    """Each language of XTREME-R, and each low-resource one, has a keyboard, with one default."""
    assert [code for code in ALL_LANGUAGES if not of_language(code)] == []
    for code in ALL_LANGUAGES:
        assert [name for name in names() if code in layout(name).default] == [of_language(code)[0]]
    assert len(names()) == 73


def test_where_a_keyboard_is_ours_to_choose_it_is_reported() -> None:
    """Of the fifty, one has no layout that a source names for it: another one types its letters."""
    chosen = [code for code in LANGUAGES if not any(code in layout(name).languages for name in of_language(code))]
    assert chosen == ["ht"]


def test_what_another_source_says_of_a_layout_is_in_its_pack() -> None:
    """A language that xkeyboard-config's registry does not name for a layout has a sentence with its source."""
    rows = [(keyboard.pack, *position) for keyboard in wanted() for position in named(keyboard.pack).items()]
    assert len(rows) == len(NAMED.read_text("utf-8").splitlines()) - NOTES
    for name, code, position in rows:
        assert f"{code}: {position}" in packs.read(KIND, name)["source"]
        assert code in layout(name).languages
    assert {code for _, code, _ in rows} >= {"af", "eu", "jv", "nl", "qu", "yo"}


@pytest.mark.parametrize("name", names())
def test_a_pack_says_where_it_comes_from(name: str) -> None:
    """Each pack names its file and variant of xkeyboard-config, the licence, and that it is attested there."""
    known, pack = layout(name), packs.read(KIND, name)
    origin = r"xkeyboard-config 2\.35\.1, symbols/\w+, (variant [\w-]+|its default variant)"
    assert re.fullmatch(rf"{origin}(; [a-z]{{2,3}}: (Debian|Microsoft|OLPC|symbols/cm), [^;]+)*", pack["source"])
    assert (pack["licence"], pack["standing"]) == ("X11", "attested")
    assert known.languages or known.also
    assert not set(known.languages) & set(known.also)
    assert pack["title"]


@pytest.mark.parametrize("name", names())
def test_neighbours_are_mutual_and_near(name: str) -> None:
    """Neighbours are each other's, never a key itself, and exactly the keys within 1.25 pitches."""
    known = layout(name)
    for key, other in product(known.keys, repeat=2):
        near = hypot(key.x - other.x, key.y - other.y) <= 1.25
        assert (other in known.neighbours[key]) == (near and key is not other) == (key in known.neighbours[other])
    assert len({(key.x, key.y) for key in known.keys}) == len({key.name for key in known.keys}) == len(known.keys)
    assert all(1 <= len(known.neighbours[key]) <= 6 for key in known.keys)


@pytest.mark.parametrize("name", names())
def test_every_character_can_be_typed(name: str) -> None:
    """What a key types is typed by one stroke, at the lowest level that has it."""
    known = layout(name)
    for key in known.keys:
        assert len(key.levels) == len(LEVELS)
        for text in filter(None, key.levels):
            (stroke,) = known.strokes(text) or ()
            assert stroke.key.levels[stroke.level] == text
            assert not any(text in other.levels[: stroke.level] for other in known.keys)


@pytest.mark.parametrize("code", [code for code in ALL_LANGUAGES if code not in INPUT_METHOD])
def test_the_default_keyboard_types_the_alphabet(code: str) -> None:
    """Every letter, small and capital, is typed by keys, dead keys and marks of the default layout, or is listed."""
    known = layout(of_language(code)[0])
    missing = [letter for letter in _both_cases(code) if known.strokes(letter) is None]
    assert sorted(missing) == sorted(UNREACHED.get(code, ("", ""))[0].split())


def test_a_dead_key_comes_before_its_letter() -> None:
    """French ê is the dead circumflex and then e; é has a key of its own; Greek ΐ takes two dead keys."""
    french, greek = layout("fr"), layout("gr")
    shown = [[(key.name, level) for key, level in french.strokes(letter) or ()] for letter in "êé"]
    assert shown == [[("AD11", 0), ("AD03", 0)], [("AE02", 0)]]
    assert len(greek.strokes("ΐ") or ()) == 3


def test_a_mark_comes_after_its_letter() -> None:
    """Marks with keys of their own are typed after the letter: Hindi, and Yoruba's tones on the West African layout."""
    assert [key.name for key, _ in layout("in-deva").strokes("कि") or ()] == ["AC08", "AC04"]
    assert [stroke.key.levels[stroke.level] for stroke in layout("ng-olpc").strokes("ẹ́") or ()] == ["ẹ", "\u0301"]


def test_text_without_keys_is_not_typed() -> None:
    """A letter of another script and several stacked marks have no strokes."""
    assert layout("us").strokes("ж") is None
    assert layout("us").strokes("e" + "\u0301" * 5000) is None
    assert layout("us").strokes("Ab") is not None


def test_neighbours_on_qwerty_are_those_under_the_fingers() -> None:
    """The keys around S, the one left of Z on an ISO keyboard, and the backslash above Enter."""

    def around(name: str, letter: str) -> str:
        known = layout(name)
        strokes = known.strokes(letter) or ()
        return "".join(sorted(other.levels[0] for other in known.neighbours[strokes[0].key]))

    assert around("us", "s") == "adewxz"
    assert around("de", "<") == "ay"
    assert around("us", "z") == "asx"
    assert around("us", "\\") == "]"
    assert around("de", "#") == "+ä"


WIDE = 13.75


@pytest.mark.parametrize("name", [name for name in names() if "AD13" in {key.name for key in layout(name).keys}])
def test_the_wide_key_right_of_the_bracket_has_the_neighbours_of_its_true_place(name: str) -> None:
    """A pack has it one pitch after `]`; its centre is 1.25 after, and the keys within reach are the same there."""
    known = layout(name)
    wide = next(key for key in known.keys if key.name == "AD13")
    near = [key for key in known.keys if key is not wide and hypot(key.x - WIDE, key.y - wide.y) <= 1.25]
    assert near == list(known.neighbours[wide])
    assert [key.name for key in near] == ["AD12"]
