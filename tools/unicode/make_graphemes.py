"""Write `src/robust_xtreme/core/graphemes.tsv`: what each code point means to grapheme clusters, letters and scripts.

Run: .venv/bin/python tools/unicode/make_graphemes.py

The properties are the Unicode Character Database's, as the package `regex` carries them; `regex` itself is the oracle
that the tests compare the clusters with.
"""

from __future__ import annotations

import itertools
from importlib.metadata import distribution, version
from pathlib import Path
from typing import Final

import regex
from regex import _regex_core

OUT: Final = Path(__file__).parents[2] / "src" / "robust_xtreme" / "core" / "graphemes.tsv"
ALL: Final = "".join(map(chr, range(0x110000)))
# The order is the class number in the file; those from CR on may join with a neighbour (graphemes.STICKY).
CLASSES: Final = {
    "Other": "",
    "Consonant": r"\p{InCB=Consonant}",
    "Pictographic": r"\p{Extended_Pictographic}",
    "Control": r"\p{GCB=Control}",
    "LF": r"\p{GCB=LF}",
    "LV": r"\p{GCB=LV}",
    "LVT": r"\p{GCB=LVT}",
    "CR": r"\p{GCB=CR}",
    "Extend": r"\p{GCB=Extend}",
    "ConjunctExtend": r"[\p{GCB=Extend}&&\p{InCB=Extend}]",
    "Linker": r"[\p{GCB=Extend}&&\p{InCB=Linker}]",
    "ZWJ": r"\p{GCB=ZWJ}",
    "SpacingMark": r"\p{GCB=SpacingMark}",
    "Prepend": r"\p{GCB=Prepend}",
    "RegionalIndicator": r"\p{GCB=Regional_Indicator}",
    "L": r"\p{GCB=L}",
    "V": r"\p{GCB=V}",
    "T": r"\p{GCB=T}",
    "FreeLinker": r"[\p{GCB=Other}&&\p{InCB=Linker}]",
}
LETTER, UPPER, SPACE = 32, 64, 128


def unicode_version() -> str:
    """The version of Unicode that `regex` says it carries."""
    match = regex.search(r"supports Unicode ([0-9.]+[0-9])", distribution("regex").read_text("METADATA") or "")
    return match[1] if match else "unknown"


def mark(values: list[int], pattern: str, bits: int, clear: int = 0) -> None:
    """Set bits (after clearing others) for every code point that the pattern matches."""
    for match in regex.finditer(f"{pattern}+", ALL, flags=regex.V1):
        for point in range(*match.span()):
            values[point] = values[point] & ~clear | bits


def scripts() -> list[str]:
    """The scripts' long names, sorted; Common, Inherited and Unknown letters count as of no script (number 0)."""
    by_number: dict[int, list[str]] = {}
    for name, number in _regex_core.PROPERTIES["SCRIPT"][1].items():
        by_number.setdefault(number, []).append(name)
    names = {max(group, key=len) for group in by_number.values()}
    return sorted(names - {"COMMON", "INHERITED", "UNKNOWN"})


def properties(names: list[str]) -> list[int]:
    """The 16 bits of every code point."""
    values = [0] * 0x110000
    for number, pattern in enumerate(CLASSES.values()):
        if pattern:
            mark(values, pattern, number, clear=31)
    mark(values, r"\p{L}", LETTER)
    mark(values, r"[\p{Lu}\p{Lt}]", UPPER)
    mark(values, r"\p{White_Space}", SPACE)
    for number, name in enumerate(names, 1):
        mark(values, rf"\p{{Script={name}}}", number << 8)
    return values


def main() -> None:
    """Write the table as runs: the first code point of each, and the bits from there on."""
    names = scripts()
    values = properties(names)
    runs, point = [], 0
    for value, group in itertools.groupby(values):
        runs.append(f"{point:x}\t{value:x}")
        point += len(list(group))
    classes = " ".join(f"{number}={name}" for number, name in enumerate(CLASSES))
    header = [
        "What each code point means to grapheme clusters, letters, scripts; made by tools/unicode/make_graphemes.py.",
        f"Source: Unicode Character Database {unicode_version()} (through regex {version('regex')}).",
        "Copyright 1991-2025 Unicode, Inc. Licence: Unicode-3.0, https://www.unicode.org/license.txt",
        "Columns: first code point of a run, bits of the run (both hexadecimal).",
        f"Bits 0-4: class of the rules of UAX #29: {classes}",
        "Bit 5: letter. Bit 6: upper or title case. Bit 7: white space. Bits 8-15: script, 0 where it has none:",
        " ".join(f"{number}={name.title()}" for number, name in enumerate(names, 1)),
    ]
    text = "".join(f"# {line}\n" for line in header) + "\n".join(runs) + "\n"
    OUT.write_text(text, encoding="utf-8")
    print(f"{OUT.name}: {len(runs)} runs, {len(names)} scripts, {len(text)} bytes")


if __name__ == "__main__":
    main()
