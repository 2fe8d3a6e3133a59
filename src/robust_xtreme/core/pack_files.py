"""Read one file of linguistic data, and check what every pack has: its keys, its columns, visible characters."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

from robust_xtreme.core import resources
from robust_xtreme.core.errors import DataError, nearest

STANDINGS: Final = ("attested", "derived", "authored")
_STATED: Final = {
    **dict.fromkeys(("calibration", "misspellings", "negators"), "language"),
    **dict.fromkeys(("confusables", "lookalikes"), "script"),
}
"""The header key whose value must equal the file's name, by kind."""

FACTS: Final = ("source", "licence", "standing")
"""The keys that every pack has."""
_JOINERS: Final = "\u200c\u200d"
_UNSEEN: Final = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
_LONGEST: Final = 40
_LARGEST: Final = 8_000_000
TEN: Final = "ten"
"""The key of a list of misspellings for the share of its edits on real text that its ten most frequent pairs make."""

_FURTHER: Final = {"misspellings": (TEN,), "romanisations": ("script", "scheme", "form", "back", "readings")}
_SHARE: Final = re.compile(r"0|1|[01]\.[0-9]{1,4}")
_NUMBER: Final = re.compile("[0-9]{1,12}")
_HEADER: Final = re.compile(r"# ([a-z]+): ?(.*)")
MOST_OF_CELL: Final = 1_000
MOST_OF_TEXT: Final = 100_000
"""The most characters of a cell, and of a paragraph of a calibration text."""


@final
@dataclass(frozen=True, slots=True)
class PackTable:
    """A pack's TSV file: its header, and its rows by column; `path` is for errors."""

    path: Path
    header: Mapping[str, str]
    rows: tuple[Mapping[str, str], ...]

    def standing(self, row: Mapping[str, str]) -> str:
        """The standing of a row, or that of the file where the row has none."""
        return row.get("standing") or self.header["standing"]

    def need(self, *columns: str, optional: Sequence[str] = ()) -> None:
        """Raise DataError where the table does not have one of these columns, has another one, or has no rows."""
        if not self.rows:
            raise DataError(self.path, f"it has no rows of: {', '.join(columns)}")
        for column in columns:
            if column not in self.rows[0]:
                raise DataError(self.path, f"there is no column {column!r} in the line of names: {', '.join(columns)}")
        check_known(self.path, "column", self.rows[0], (*columns, *optional, "standing"))

    def number(self, row: Mapping[str, str], column: str) -> int:
        """The whole number of 1 to 12 digits in a row's column. Raises DataError."""
        if not _NUMBER.fullmatch(row[column]):
            raise DataError(self.path, f"the {column} {row[column]!r:.40} is not a whole number")
        return int(row[column])


def read_table(path: Path) -> PackTable:
    """The table of a file. Raises DataError naming the line that is wrong."""
    lines = _lines(path)
    header = _header(path, lines)
    check(path, header)
    numbered = [(number, line) for number, line in enumerate(lines, 1) if line and not line.startswith("#")]
    columns = numbered[0][1].split("\t") if numbered else []
    if len(set(columns)) < len(columns):
        raise DataError(path, f"a column is named twice: {', '.join(columns)[:80]}", numbered[0][0])
    return PackTable(path, header, tuple(_row(path, columns, number, line) for number, line in numbered[1:]))


def _row(path: Path, columns: Sequence[str], number: int, line: str) -> Mapping[str, str]:
    """The cells of a line by column. Raises DataError."""
    cells = line.split("\t")
    if not line.strip():
        raise DataError(path, "the row is empty: leave the line out", number)
    if len(cells) > len(columns):
        what = f"{len(cells)} columns where {len(columns)} are named: {', '.join(columns)[:80]}"
        raise DataError(path, what, number)
    most = MOST_OF_TEXT if path.parent.name == "calibration" else MOST_OF_CELL
    if len(longest := max(cells, key=len)) > most:
        what = f"the cell {longest[:20]!r}... has {len(longest):,} characters; {most:,} are the most"
        raise DataError(path, what, number)
    row = dict(zip(columns, (*cells, *("",) * (len(columns) - len(cells))), strict=True))
    if row.get("standing", "") not in ("", *STANDINGS):
        raise DataError(path, f"the standing {row['standing']!r:.40} is none of: {', '.join(STANDINGS)}", number)
    return row


def header(path: Path) -> dict[str, str]:
    """The keys of a table and their values. Raises DataError at a key without a value, or that is there twice."""
    return _header(path, _lines(path))


def _lines(path: Path) -> list[str]:
    try:
        lines = content(path).decode("utf-8-sig").replace("\r\n", "\n").split("\n")
    except UnicodeDecodeError as error:
        raise DataError(path, "it is not UTF-8") from error
    if unseen := _unseen("".join(lines), "\t"):
        number = next(number for number, line in enumerate(lines, 1) if not set(unseen).isdisjoint(line))
        raise DataError(path, f"the character U+{ord(unseen[0]):04X} has no place in a pack", number)
    return lines


def _unseen(text: str, layout: str) -> list[str]:
    """The control, direction, zero-width and unassigned characters of a text but joiners and `layout`, sorted."""
    return sorted(letter for letter in set(text) - {*_JOINERS, layout} if unicodedata.category(letter) in _UNSEEN)


def _header(path: Path, lines: Sequence[str]) -> dict[str, str]:
    values: dict[str, str] = {}
    for number, match in ((number, _HEADER.fullmatch(line)) for number, line in enumerate(lines, 1)):
        if match and not match[2].strip():
            raise DataError(path, f"the key {match[1]!r} is empty: write a line '# {match[1]}: ...'", number)
        if match and match[1] in values:
            raise DataError(path, f"the key {match[1]!r} is there twice: write one line '# {match[1]}: ...'", number)
        if match:
            values[match[1]] = match[2]
    return values


def check_known(path: Path | str, what: str, names: Iterable[str], known: Sequence[str]) -> None:
    """Raise DataError at the first name of a key or column (`what`) that is not known, with the nearest one."""
    for name in names:
        if name not in known:
            what = f"there is no {what} {name!r:.40}.{nearest(name[:_LONGEST], known)} Known: {', '.join(known)}"
            raise DataError(path, what)


def check(path: Path, values: Mapping[str, Any]) -> None:
    """Raise DataError at the keys and values of a pack that are wrong, whatever its kind."""
    if path.suffix == ".tsv":
        known = (*FACTS, "maker", _STATED.get(kind := path.parent.name, "language"))
        check_known(path, "key", values, (*known, *_FURTHER.get(kind, ())))
        if not _SHARE.fullmatch(values.get(TEN, "0")):
            raise DataError(path, f"the key {TEN!r} is {values[TEN]!r:.40}, and not a share, as in # {TEN}: 0.31")
    for key in FACTS:
        if not isinstance(value := values.get(key), str) or not value.strip():
            line = f" Write a line '# {key}: ...'" if path.suffix == ".tsv" else f' Write {key} = "..."'
            what = "missing" if value is None else "empty"
            needed = f"the key {key!r} is {what}: a pack names its source, its licence and its standing."
            raise DataError(path, needed + line)
    if values["standing"] not in STANDINGS:
        raise DataError(path, f"the standing {values['standing']!r:.40} is none of: {', '.join(STANDINGS)}")
    _check_standings(path, values)
    wanted = _STATED.get(path.parent.name, "")
    if values.get(wanted, path.stem) != path.stem:
        raise DataError(path, f"its {wanted} is {values[wanted]!r:.40}, and its name says {path.stem!r}")
    for value in resources.values(values):
        if isinstance(value, str) and (unseen := _unseen(value, "\n")):
            raise DataError(path, f"the character U+{ord(unseen[0]):04X} has no place in a pack")


def _check_standings(path: Path, values: Mapping[str, Any]) -> None:
    """Raise DataError where the table of standings names an unknown key or standing."""
    parts = values.get("standings", {})
    if not isinstance(parts, dict):
        raise DataError(path, "the key 'standings' is a table of keys and their standing: { added = \"authored\" }")
    for key, of_part in parts.items():
        if key not in values:
            raise DataError(path, f"standings: {key!r:.40} is not a key of this pack")
        if of_part not in STANDINGS:
            raise DataError(path, f"standings: {key} is {of_part!r:.40}, and none of: {', '.join(STANDINGS)}")


def content(path: Path) -> bytes:
    """The bytes of a pack's file. Raises DataError where it cannot be read, or is too large."""
    try:
        return resources.content(path, _LARGEST)
    except OSError as error:
        raise DataError(path, f"it cannot be read: {error.strerror}") from error
