"""Keyboards: what each key types, its position, its neighbours, and how a letter is typed.

A layout is one pack, `perturbations/keyboards/NAME.toml`; its README says how one is written.
"""

import math
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, NamedTuple, cast

from robust_xtreme.core import packs
from robust_xtreme.core.errors import DataError, UnknownName, nearest
from robust_xtreme.core.languages import ALL_LANGUAGES
from robust_xtreme.noise.engine.key_error_table import KeyingError, Where

# Letters that are confused in spelling, not on the keyboard: Arabic hamza forms, final ة and ه, Hindi ि and ी.
#
# A pack `input/CODE-confusions.tsv` has for each `letter` its `forms`, and `where` in a word: at its `start` or `end`
# only, or anywhere.

SUFFIX: Final = "-confusions"
_WHERE: Final = ("", "start", "end")


def pack(code: str) -> tuple[str, ...]:
    """The pack of a language's confusions, as `input/NAME`; none where it has no such pack."""
    return packs.present("input", f"{code}{SUFFIX}")


def key_errors(code: str) -> Iterator[KeyingError]:
    """The confusions of a language. Raises DataError at a row that is not a letter, its forms and where."""
    for name in pack(code):
        table = packs.table(*name.split("/")).need("letter", "forms", optional=("where",))
        letters = [row["letter"] for row in table.rows]
        for row in table.rows:
            letter, forms, where = row["letter"], row["forms"].split(), row.get("where", "")
            if len(letter) != 1 or letters.count(letter) > 1 or not forms or where not in _WHERE:
                what = f"the row of {letter!r:.20} is not one letter, listed once, its forms, and where: start or end"
                raise DataError(table.path, what)
            for form in forms:
                yield KeyingError(letter, "confusion", form, 1, cast(Where, where))


KIND: Final = "keyboards"
DEAD: Final = "dead:"
"""What a dead key's text begins with; its combining mark follows."""
REACH: Final = 1.25
_SAME_ROW, _CLOSE = 0.5, 1.12
"""How far apart the centres of neighbouring keys are at most, in key pitches (19.05 mm, ISO/IEC 9995-1)."""
LEVELS: Final = ("plain", "shift", "altgr", "shift_altgr")

_CONTROLS: Final = ("Cc", "Co", "Cs", "Zl", "Zp")
_UNSEEN: Final = {level: _CONTROLS if "altgr" in level else (*_CONTROLS, "Cf") for level in LEVELS}
"""The categories that a level cannot type. Keyboards of scripts from right to left have directions with AltGr."""

_ZERO_WIDTH: Final = "\u200b\u200c\u200d"
_NOTHING: Final = "--"
_CIRCLE: Final = "\u25cc"
_KEYS: Final = {
    "title": str, "languages": list, "also": list, "default": list, "source": str, "licence": str, "standing": str,
    "standings": dict, "offsets": list, "plain": str, "shift": str, "altgr": str, "shift_altgr": str,
}  # fmt: skip
_TYPES: Final = {str: "text", list: "a list", dict: "a table"}
_NEEDED: Final = ("title", "languages", "offsets", "plain")
_ROWS, _CELLS, _CHARACTERS, _MARKS = 6, 20, 8, 4
_SLANT: Final = (0.0, 0.5, 0.75, 1.25)
_COMPOSED: Final = "\u025b\u0190\u0254\u0186\u01dd\u018e\u0269\u0196\u028b\u01b2\u028a\u01b1\u014b\u014a"
"""Letters of African languages that dead keys continue though the result is two code points (libX11, Compose)."""
_SEE: Final = "perturbations/README.md says how a keyboard is written"


class KeyboardKey(NamedTuple):
    """A key: its position (column and row of ISO/IEC 9995-1, `AD01` the first letter), centre in key pitches, levels.

    `x` grows to the right and `y` downwards. `levels` are what it types plain, with shift, with AltGr, with both: ""
    where nothing, `dead:` and a combining mark where it is a dead key.
    """

    name: str
    x: float
    y: float
    levels: tuple[str, ...]


class Stroke(NamedTuple):
    """One key pressed at one level."""

    key: KeyboardKey
    level: int


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """A keyboard's layout; `languages` are those its source names, `also` others whose letters it types.

    `neighbours` are, by key, the other keys whose centres are within 1.25 pitches of its own.
    """

    name: str
    languages: tuple[str, ...]
    also: tuple[str, ...]
    default: tuple[str, ...]
    keys: tuple[KeyboardKey, ...]
    neighbours: Mapping[KeyboardKey, tuple[KeyboardKey, ...]] = field(repr=False)
    _typed: Mapping[str, Stroke] = field(repr=False)

    def strokes(self, text: str) -> tuple[Stroke, ...] | None:
        """How a text is typed: directly, or by dead keys before a letter, or by marks after it; None if it cannot be.

        A dead key serves where letter and mark are one code point, and for the letters that X11's Compose lists beside
        those. A letter on several keys is typed at the lowest level.
        """
        direct = self._typed.get(text)
        if direct is not None:
            return (direct,)
        typed: list[Stroke] = []
        whole = unicodedata.normalize("NFC", text)
        bases = [at for at, point in enumerate(whole) if not at or not unicodedata.category(point).startswith("M")]
        for start, stop in pairwise([*bases, len(whole)]):
            strokes = self._segment(whole[start:stop])
            if strokes is None:
                return None
            typed.extend(strokes)
        return tuple(typed)

    def _segment(self, segment: str) -> tuple[Stroke, ...] | None:
        """The strokes of one base with its marks."""
        if segment in self._typed:
            return (self._typed[segment],)
        whole = unicodedata.normalize("NFD", segment)
        shorter = self._segment(segment[:-1]) if len(segment) > 1 and segment[-1] in self._typed else None
        if shorter is not None:
            return (*shorter, self._typed[segment[-1]])
        return next(self._marked(segment, whole), None) if 1 < len(whole) <= 1 + _MARKS else None

    def _marked(self, segment: str, whole: str) -> Iterator[tuple[Stroke, ...]]:
        """The ways to type a letter without one of its marks, and that mark before it or, the last one first, after."""
        ways = [(whole[at], unicodedata.normalize("NFC", whole[:at] + whole[at + 1 :])) for at in range(1, len(whole))]
        for mark, rest in ways:
            dead = (len(segment) == 1 or segment[0] in _COMPOSED) and DEAD + mark in self._typed
            if dead and (shorter := self._segment(rest)) is not None:
                yield (self._typed[DEAD + mark], *shorter)
        for mark, rest in reversed(ways):
            if mark in self._typed and (shorter := self._segment(rest)) is not None:
                yield (*shorter, self._typed[mark])


def names() -> tuple[str, ...]:
    """The layouts there are, sorted."""
    return packs.names(KIND)


@packs.cached
def of_language(code: str) -> tuple[str, ...]:
    """The layouts of a language: its default first, those whose source names it, those that type it as well.

    A default among users' packs is before the bundled one.
    """
    layouts = [layout(name) for name in names()]
    ranked = [(_rank(layout, code), layout.name) for layout in layouts if code in (*layout.languages, *layout.also)]
    return tuple(name for _, name in sorted(ranked))


def _rank(layout: Layout, code: str) -> tuple[int, int]:
    """First by whether it is the language's default, or names it; defaults by the folders of packs they are in."""
    if code in layout.default:
        path, mine = packs.find(KIND, layout.name), [each / KIND / f"{layout.name}.toml" for each in packs.users()]
        return 0, mine.index(path) if path in mine else len(mine)
    return 1 if code in layout.languages else 2, 0


@packs.cached
def layout(name: str) -> Layout:
    """The layout of that name. Raises UnknownName with the nearest, and DataError where its pack is malformed."""
    if name not in names():
        raise UnknownName("keyboard", name, names(), "the files of perturbations/keyboards")
    path, pack = packs.find(KIND, name) or Path(name), packs.read(KIND, name)
    _check(path, pack)
    keys = _keys(path, pack)
    close = {key: tuple(other for other in keys if other is not key and _apart(key, other) <= REACH) for key in keys}
    return Layout(
        name=name,
        languages=_codes(path, pack, "languages"),
        also=_codes(path, pack, "also"),
        default=_codes(path, pack, "default"),
        keys=keys,
        _typed=_typed(keys),
        neighbours=close,
    )


def _check(path: Path, pack: dict[str, Any]) -> None:
    """Every key is known and of its type, and those that are needed are there."""
    for key, value in pack.items():
        if key not in _KEYS:
            raise DataError(path, f"{key!r:.40} is not a key.{nearest(key, _KEYS)} {_SEE}")
        if not isinstance(value, _KEYS[key]):
            raise DataError(path, f"{key!r} must be {_TYPES[_KEYS[key]]}. {_SEE}")
    for key in _NEEDED:
        if key not in pack:
            raise DataError(path, f"the key {key!r} is missing. {_SEE}")


def _codes(path: Path, pack: dict[str, Any], key: str) -> tuple[str, ...]:
    for code in pack.get(key, ()):
        if code not in ALL_LANGUAGES:
            raise DataError(path, f"{key}: {code!r:.40} is not a code of a language. See: robust-xtreme list languages")
        if key == "default" and code not in (*pack["languages"], *pack.get("also", ())):
            raise DataError(path, f"default: {code!r} is not among the languages of this keyboard")
    return tuple(pack.get(key, ()))


def _keys(path: Path, pack: dict[str, Any]) -> tuple[KeyboardKey, ...]:
    """The keys of all rows; a position where no level types anything is a gap."""
    offsets = _offsets(path, pack["offsets"])
    levels = [_rows(path, level, pack.get(level), len(offsets)) for level in LEVELS]
    shape = [len(row) for row in levels[0] or ()]
    for level, rows in zip(LEVELS, levels, strict=True):
        for y, row in enumerate(rows):
            if len(row) != shape[y]:
                raise DataError(path, f"{level}, row {y + 1}: {len(row)} cells where 'plain' has {shape[y]}. {_SEE}")
    keys = []
    for y, at in ((y, at) for y, cells in enumerate(shape) for at in range(cells)):
        if any(typed := tuple(rows[y][at] if rows else "" for rows in levels)):
            # Its position: rows E to A from the top, columns along the slant of a pc's keyboard.
            x = offsets[y] + at
            column = math.floor(x - (_SLANT[y] if y < len(_SLANT) else _SLANT[-1]))
            keys.append(KeyboardKey(f"A{'EDCBA@'[y]}{column:02}", x, float(y), typed))
    return tuple(keys)


def _offsets(path: Path, offsets: list[Any]) -> list[float]:
    if not 1 <= len(offsets) <= _ROWS:
        raise DataError(path, f"offsets: {len(offsets)} rows; there may be 1 to {_ROWS}. {_SEE}")
    for offset in offsets:
        if isinstance(offset, bool) or not isinstance(offset, (int, float)) or not -_CELLS <= offset <= _CELLS:
            raise DataError(path, f"offsets: {offset!r:.40} is not a number of key pitches. {_SEE}")
    return [float(offset) for offset in offsets]


def _rows(path: Path, level: str, text: str | None, count: int) -> list[list[str]]:
    """The cells of one level, row by row; nothing where the level is left out."""
    if text is None:
        return []
    lines = [line.split() for line in text.splitlines() if line.strip()]
    if len(lines) != count:
        raise DataError(path, f"{level}: {len(lines)} rows where 'offsets' has {count}. {_SEE}")
    if any(len(line) > _CELLS for line in lines):
        raise DataError(path, f"{level}: a row of more than {_CELLS} cells. {_SEE}")
    return [[_cell(path, level, cell) for cell in line] for line in lines]


def _cell(path: Path, level: str, cell: str) -> str:
    """What the key of a cell types: `a`, `--` nothing, `◌ा` a mark, `dead:◌́` a dead key, `U+200C` by number."""
    if cell == _NOTHING:
        return ""
    dead = cell.startswith(DEAD)
    text = cell.removeprefix(DEAD)
    if text.startswith("U+"):
        try:
            text = chr(int(text.removeprefix("U+"), base=16)).encode("utf-8").decode("utf-8")
        except (ValueError, OverflowError) as error:
            raise DataError(path, f"{level}: {text!r:.60} is not a code point. {_SEE}") from error
    else:
        text = text.removeprefix(_CIRCLE) or _CIRCLE
    if dead and (len(text) != 1 or not unicodedata.combining(text)):
        raise DataError(path, f"{level}: {cell!r:.60} is not a dead key: a combining mark follows {DEAD!r}. {_SEE}")
    if len(text) > _CHARACTERS or not unicodedata.is_normalized("NFC", text):
        raise DataError(path, f"{level}: the cell {cell!r:.60} is too long, or not in NFC. {_SEE}")
    if any(unicodedata.category(point) in _UNSEEN[level] and point not in _ZERO_WIDTH for point in text):
        raise DataError(path, f"{level}: the cell {cell!r:.60} types a control or direction character. {_SEE}")
    return DEAD + text if dead else text


def _typed(keys: tuple[KeyboardKey, ...]) -> dict[str, Stroke]:
    """The stroke of each text and dead key: at the lowest level, from the top left."""
    strokes: dict[str, Stroke] = {}
    for level in range(len(LEVELS)):
        for key in keys:
            if key.levels[level]:
                strokes.setdefault(key.levels[level], Stroke(key, level))
    return strokes


def _apart(key: KeyboardKey, other: KeyboardKey) -> float:
    return math.hypot(key.x - other.x, key.y - other.y)


def closeness(key: KeyboardKey, other: KeyboardKey) -> int:
    """How often a neighbouring key is hit: those of the same row most, then the closer ones of other rows."""
    if abs(key.y - other.y) < _SAME_ROW:
        return 3
    return 2 if _apart(key, other) <= _CLOSE else 1


LATIN: Final = "us"
"""The keyboard pack that says where the keys of Latin letters are."""

_SHIFT: Final = 1


@packs.cached
def near(name: str, sign: str) -> tuple[tuple[str, int], ...]:
    """The characters of a layout that neighbouring keys type at the level of this one, with their weights."""
    strokes = layout(name).strokes(sign)
    if not strokes:
        return ()
    key, level = strokes[-1]
    others = ((other.levels[level], closeness(key, other)) for other in layout(name).neighbours[key])
    return tuple((typed, weight) for typed, weight in others if len(typed) == 1)


@packs.cached
def shifted(name: str, sign: str) -> str:
    """What the same key types with Shift added or missed; "" if nothing."""
    strokes = layout(name).strokes(sign)
    return strokes[-1].key.levels[strokes[-1].level ^ _SHIFT] if strokes else ""


def struck(keys: str) -> Iterator[tuple[str, str, int]]:
    """The key errors of some keys of the Latin layout: kind, the keys struck, weight."""
    for index, key in enumerate(keys):
        before, after = keys[:index], keys[index + 1 :]
        yield "delete", before + after, 1
        yield "double", before + key + key + after, 1
        for other, weight in near(LATIN, key):
            yield "neighbour", before + other + after, weight
            yield "insert", before + other + key + after, weight
            yield "insert", before + key + other + after, weight
