"""What a keysym types: a character, or a dead key, that is a mark for the next letter.

The names are those of X11's keysymdef.h, in `keysyms.tsv` beside this file, which
`python -m tools.packs.keysyms /usr/include/X11/keysymdef.h` writes again.
"""

from __future__ import annotations

import re
import sys
from functools import cache
from pathlib import Path
from typing import Final

from tools.packs.xkb import NOTHING

TABLE: Final = Path(__file__).with_name("keysyms.tsv")
DEAD: Final = "dead:"
"""What a dead key's text begins with; its combining mark follows."""

_DEFINED: Final = re.compile(r"^#define XK_(\w+)\s+0x([0-9a-f]+)(?:.*?U\+([0-9A-F]{4,6}))?", re.MULTILINE)
_HEAD: Final = """\
# source: X11/keysymdef.h of xorgproto 2022.1
# licence: X11
# A keysym and the code point that it types, both hexadecimal where they are numbers.
name\tpoint
"""
_UNICODE: Final = 0x01000000

# The combining mark of each dead keysym, by the names of both: `dead_grave`, COMBINING GRAVE ACCENT. Those that are
# for letters or currency signs (dead_greek, dead_currency, dead_a) combine with nothing and are left out.
MARKS: Final = {
    "grave": 0x300, "acute": 0x301, "circumflex": 0x302, "tilde": 0x303, "perispomeni": 0x303, "macron": 0x304,
    "breve": 0x306, "abovedot": 0x307, "diaeresis": 0x308, "hook": 0x309, "abovering": 0x30A, "doubleacute": 0x30B,
    "caron": 0x30C, "aboveverticalline": 0x30D, "doublegrave": 0x30F, "invertedbreve": 0x311, "abovecomma": 0x313,
    "psili": 0x313, "abovereversedcomma": 0x314, "dasia": 0x314, "horn": 0x31B, "belowdot": 0x323,
    "belowdiaeresis": 0x324, "belowring": 0x325, "belowcomma": 0x326, "cedilla": 0x327, "ogonek": 0x328,
    "belowverticalline": 0x329, "belowcircumflex": 0x32D, "belowbreve": 0x32E, "belowtilde": 0x330,
    "belowmacron": 0x331, "lowline": 0x332, "stroke": 0x335, "longsolidusoverlay": 0x338, "iota": 0x345,
    "voiced_sound": 0x3099, "semivoiced_sound": 0x309A,
}  # fmt: skip


def typed(keysym: str) -> str:
    """What a keysym types; `dead:` and the mark for a dead key; nothing for those that type nothing."""
    if keysym.lower() in NOTHING:
        return ""
    if "+" in keysym:
        return "".join(map(typed, keysym.split("+")))
    if keysym.startswith("dead_"):
        mark = MARKS.get(keysym.removeprefix("dead_"))
        return f"{DEAD}{chr(mark)}" if mark else ""
    point = _point(keysym)
    return chr(point) if point >= 0x20 and not 0x7F <= point < 0xA0 else ""


def _point(keysym: str) -> int:
    """The code point of a keysym by number, by `Uxxxx`, or by name; 0 where it has none."""
    if re.fullmatch(r"U[0-9A-Fa-f]{3,6}", keysym):
        return int(keysym[1:], 16)
    if keysym.lower().startswith("0x"):
        return _by_number(int(keysym, 16))
    return int(_table().get(keysym, "0"), 16)


def _by_number(number: int) -> int:
    if number < 0x100:
        return number
    return number - _UNICODE if number >= _UNICODE else 0


@cache
def _table() -> dict[str, str]:
    """Code points by name; the digits 0 to 9 name themselves."""
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in lines if line and not line.startswith("#")]
    return {row[0]: row[1] for row in rows[1:]}


def table(header: str) -> str:
    """The table of a keysymdef.h: names with a code point, aliases by the number that they share."""
    definitions = _DEFINED.findall(header)
    points = {number: point for _, number, point in definitions if point}
    rows = {name: point or points.get(number, "") for name, number, point in definitions}
    return _HEAD + "".join(f"{name}\t{point}\n" for name, point in sorted(rows.items()) if point)


def main() -> None:
    """Write the table again from the header that is named."""
    TABLE.write_text(table(Path(sys.argv[1]).read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
