"""Read keyboard layouts of xkeyboard-config: which keysyms each key of one variant has, plain, with shift, with AltGr.

The grammar and the way in which included sections are merged are those of the X Keyboard Extension
(https://www.charvolant.org/doug/xkb/html/ and libxkbcommon's doc/keymap-format-text-v1.md): `include "us(basic)"`
adds the keys of another section; what comes later replaces, level by level, what came before (`NoSymbol` replaces
nothing); `augment` adds only what is missing; `replace` forgets the old key. Only the first group is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

Keys = dict[str, tuple[str, ...]]
"""The keysym names of each key, by level."""

_TOKEN: Final = re.compile(
    r"""\s+ | //[^\n]* | \#[^\n]* | (?P<kept> "[^"]*" | <[^>]*> | [A-Za-z_][\w.]* | 0[xX][0-9a-fA-F]+ | \d+ | . )""",
    re.VERBOSE | re.DOTALL,
)
_PART: Final = re.compile(r"([+|^]?)([\w/-]+)(?:\(([^)]*)\))?(?::(\d+))?")
_MODES: Final = {"include": "override", "override": "override", "augment": "augment", "replace": "replace"}
_ALIASES: Final = {
    f"Lat{letter}": f"{row}{number:02}"
    for row, letters in {"AD": "QWERTYUIOP", "AC": "ASDFGHJKL", "AB": "ZXCVBNM"}.items()
    for number, letter in enumerate(letters, 1)
}
"""Keys named by their letter, of keycodes/aliases, section "qwerty"."""
_KEEPING: Final = ("nosymbol", "any")
NOTHING: Final = (*_KEEPING, "voidsymbol", "none")
"""Keysyms that type nothing, in lower case; the first two leave what an included section has."""


class Statement(NamedTuple):
    """One line of a section: an include (`key` is empty, `value` the quoted text), or the keysyms of one key."""

    mode: str
    key: str
    value: str
    levels: tuple[str, ...]


class Section(NamedTuple):
    """One `xkb_symbols` section of a file."""

    name: str
    default: bool
    statements: tuple[Statement, ...]


class Missing(NamedTuple):
    """What a section includes and the folder does not contain."""

    file: str
    variant: str


class Symbols(NamedTuple):
    """The keys of a variant, and the included sections that are missing."""

    keys: Keys
    missing: tuple[Missing, ...]


def symbols(folder: Path, file: str, variant: str = "") -> Symbols:
    """The keys of `file(variant)` under a folder of symbol files; the default variant where none is named."""
    missing: list[Missing] = []
    keys = _resolved(folder, file, variant, missing)
    return Symbols(keys, tuple(dict.fromkeys(missing)))


def _resolved(folder: Path, file: str, variant: str, missing: list[Missing]) -> Keys:
    section = _section(folder, file, variant)
    if section is None:
        missing.append(Missing(file, variant))
        return {}
    keys: Keys = {}
    for statement in section.statements:
        new = {statement.key: statement.levels} if statement.key else _included(folder, statement.value, missing)
        _merge(keys, new, statement.mode)
    return keys


def _included(folder: Path, value: str, missing: list[Missing]) -> Keys:
    """The keys of `a(b)+c|d`; parts that go to another group than the first are left out."""
    keys: Keys = {}
    for sign, file, variant, group in _PART.findall(value):
        if group in ("", "1"):
            new = _resolved(folder, file, variant, missing)
            _merge(keys, new, "augment" if sign == "|" else "override")
    return keys


def _merge(into: Keys, new: Keys, mode: str) -> None:
    for key, levels in new.items():
        old = into.get(key, ())
        into[key] = levels if mode == "replace" or not old else _merged(old, levels, mode)


def _merged(old: tuple[str, ...], new: tuple[str, ...], mode: str) -> tuple[str, ...]:
    """Level by level: the new keysym where there is one; by `augment`, only where there was none."""
    width = max(len(old), len(new))
    first, second = (old, new) if mode == "augment" else (new, old)
    first, second = (keysyms + ("NoSymbol",) * (width - len(keysyms)) for keysyms in (first, second))
    return tuple(other if keysym.lower() in _KEEPING else keysym for keysym, other in zip(first, second, strict=True))


def _section(folder: Path, file: str, variant: str) -> Section | None:
    sections = _file(folder / file)
    if variant:
        return next((section for section in sections if section.name == variant), None)
    return next((section for section in sections if section.default), sections[0] if sections else None)


@cache
def _file(path: Path) -> list[Section]:
    """Every section of one file; none where the file is missing."""
    if not path.is_file():
        return []
    text = path.read_text(encoding="utf-8", errors="replace")
    tokens = [match["kept"] for match in _TOKEN.finditer(text) if match["kept"]]
    return list(_sections(tokens))


def _sections(tokens: list[str]) -> Iterator[Section]:
    """Cut a file at its sections: flags, `xkb_symbols`, the name, and a body in braces."""
    at, flags = 0, []
    while at < len(tokens):
        if tokens[at] != "xkb_symbols":
            flags.append(tokens[at])
            at += 1
            continue
        named = tokens[at + 1].startswith('"')
        opening = at + 1 + named
        closing = _closing(tokens, opening)
        statements = tuple(_statements(tokens[opening + 1 : closing]))
        yield Section(tokens[at + 1].strip('"') if named else "", "default" in flags, statements)
        at, flags = closing + 1, []


def _closing(tokens: list[str], opening: int) -> int:
    """Where the bracket that opens at a token closes."""
    depth = 0
    for at in range(opening, len(tokens)):
        depth += (tokens[at] in "{[") - (tokens[at] in "}]")
        if depth == 0:
            return at
    return len(tokens)


def _statements(tokens: list[str]) -> Iterator[Statement]:
    """Includes and keys of a body, in order; names, types and modifiers are passed over."""
    at = 0
    while at < len(tokens):
        mode = _MODES.get(tokens[at], "override")
        if tokens[at] in _MODES and tokens[at + 1].startswith('"'):
            yield Statement(mode, "", tokens[at + 1].strip('"'), ())
            at += 2
            continue
        at += tokens[at] in _MODES
        stop = _end(tokens, at)
        if tokens[at] == "key" and tokens[at + 1].startswith("<"):
            name = tokens[at + 1].strip("<>")
            yield Statement(mode, _ALIASES.get(name, name), "", _levels(tokens[at + 3 : stop]))
        at = stop + 1


def _end(tokens: list[str], at: int) -> int:
    """Where a statement ends: at its semicolon outside of brackets."""
    while at < len(tokens) and tokens[at] != ";":
        at = _closing(tokens, at) + 1 if tokens[at] in ("{", "[") else at + 1
    return at


def _levels(body: list[str]) -> tuple[str, ...]:
    """The keysyms of the first group: `[ a, A ]`, or `symbols[Group1] = [ a, A ]`."""
    at = 0
    while at < len(body):
        if body[at] == "[":
            stop = _closing(body, at)
            if _is_symbols(body, at):
                return _keysyms(body[at + 1 : stop])
            at = stop
        at += 1
    return ()


def _is_symbols(body: list[str], at: int) -> bool:
    """Whether the list that opens here contains keysyms of the first group: it is alone, or is assigned to them."""
    before = body[at - 1] if at else ","
    if before == "=":
        words = [word.lower() for word in body[max(0, at - 5) : at - 1]]
        return "symbols" in words and not {"group2", "group3", "group4"} & set(words)
    return before in (",", "{")


def _keysyms(tokens: list[str]) -> tuple[str, ...]:
    """The names between commas; several keysyms of one level, in braces, are joined by a plus sign."""
    levels: list[list[str]] = [[]]
    depth = 0
    for token in tokens:
        depth += (token == "{") - (token == "}")
        if token == "," and not depth:
            levels.append([])
        elif token not in "{},":
            levels[-1].append(token)
    return tuple("+".join(level) or "NoSymbol" for level in levels) if tokens else ()
