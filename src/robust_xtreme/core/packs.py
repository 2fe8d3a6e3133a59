"""Read linguistic data by kind and name: users' packs first, then the bundled ones of `perturbations/`.

A pack is `KIND/NAME.toml`, or `KIND/NAME.tsv` where it is a long table: lines `# key: value`, a line of column names,
and rows. Each names its source, its licence and its standing: `attested` in the source, `derived` by a computation, or
`authored` here. A different standing of rows is in a column, that of keys of a TOML file in its table `standings`.
"""

import functools
import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from itertools import permutations
from pathlib import Path
from typing import Any, Final, ParamSpec, Self, TypeVar

from robust_xtreme.core import resources
from robust_xtreme.core.errors import DataError, UserError, nearest
from robust_xtreme.core.sinks import HIDDEN

STANDINGS: Final = ("attested", "derived", "authored")
_STATED: Final = {
    **dict.fromkeys(("calibration", "misspellings", "negators", "parallel", "realwords"), "language"),
    **dict.fromkeys(("confusables", "lookalikes"), "script"),
}
"""The header key whose value must equal the file's name, by kind."""

FACTS: Final = ("source", "licence", "standing")
"""The keys that every pack has."""
PARALLEL: Final = "parallel"  # the kind of packs that are made of whole data sets, and so are large
TEN: Final = "ten"
"""The key of a list of misspellings for the share of its edits on real text that its ten most frequent pairs make."""

DIGEST: Final = "digest"
"""The key of a pack that was made at once for the hash of its rows."""

_FURTHER: Final = {
    "misspellings": (TEN,),
    PARALLEL: (DIGEST,),
    "romanisations": ("script", "scheme", "form", "back", "readings"),
}
_HEADER: Final = re.compile(r"# ([a-z]+): ?(.*)")


@dataclass(frozen=True, slots=True)
class PackTable:
    """A pack's TSV file: its header, and its rows by column; `path` is for errors."""

    path: Path
    header: Mapping[str, str]
    rows: tuple[Mapping[str, str], ...]

    def standing(self, row: Mapping[str, str]) -> str:
        """The standing of a row, or that of the file where the row has none."""
        return row.get("standing") or self.header["standing"]

    def need(self, *columns: str, optional: Sequence[str] = ()) -> Self:
        """This table. Raises DataError where it does not have one of these columns, has another one, or has no rows."""
        if not self.rows:
            raise DataError(self.path, f"it has no rows of: {', '.join(columns)}")
        for column in columns:
            if column not in self.rows[0]:
                raise DataError(self.path, f"there is no column {column!r} in the line of names: {', '.join(columns)}")
        check_known(self.path, "column", self.rows[0], (*columns, *optional, "standing"))
        return self

    def number(self, row: Mapping[str, str], column: str) -> int:
        """The whole number of 1 to 12 digits in a row's column. Raises DataError."""
        if not re.fullmatch("[0-9]{1,12}", row[column]):
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
        raise DataError(path, f"{len(cells)} columns where {len(columns)} are named: {', '.join(columns)[:80]}", number)
    most = 100_000 if path.parent.name in ("calibration", PARALLEL) else 1_000  # a paragraph of a text, or a cell
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
    unlike = set(text) - {"\u200c", "\u200d", layout}
    return sorted(letter for letter in unlike if unicodedata.category(letter) in HIDDEN)


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
            what = f"there is no {what} {name!r:.40}.{nearest(name[:40], known)} Known: {', '.join(known)}"
            raise DataError(path, what)


def check(path: Path, values: Mapping[str, Any]) -> None:
    """Raise DataError at the keys and values of a pack that are wrong, whatever its kind."""
    if path.suffix == ".tsv":
        known = (*FACTS, "maker", _STATED.get(kind := path.parent.name, "language"))
        check_known(path, "key", values, (*known, *_FURTHER.get(kind, ())))
        if not re.fullmatch(r"0|1|[01]\.[0-9]{1,4}", values.get(TEN, "0")):
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
        return resources.content(path, 64_000_000 if path.parent.name == PARALLEL else 8_000_000)
    except OSError as error:
        raise DataError(path, f"it cannot be read: {error.strerror}") from error


_P = ParamSpec("_P")
_R = TypeVar("_R")

_SUFFIX: Final = {
    **dict.fromkeys(("alphabets", "keyboards", "natural", "suites"), ".toml"),
    **dict.fromkeys(("calibration", "confusables", "diacritics", "input", "lookalikes"), ".tsv"),
    **dict.fromkeys(("misspellings", "negators", "normalisation", "parallel"), ".tsv"),
    **dict.fromkeys(("realwords", "romanisations"), ".tsv"),
}
KINDS: Final = tuple(sorted(_SUFFIX))  # the folders that may contain packs
CHOICE: Final = "choice"
"""The part of a keyboard's data that is `authored` where no source assigns the keyboard to the language."""

_NAMED: Final = {
    **{kind: (kind,) for kind in ("alphabets", "input", "lookalikes")},
    "confusables": ("lookalikes",),
    "diacritics": ("alphabets", "lookalikes"),
    **dict.fromkeys(("calibration", "misspellings", "negators", "normalisation", "realwords"), ("alphabets",)),
    "natural": ("alphabets", "lookalikes", "natural"),
}
"""The kinds whose packs are named after languages, scripts or methods, and the bundled kinds that list all of them."""

_SUFFIXES: Final = (".toml", ".tsv")
_BESIDE: Final = ("first_names.toml", "ocr", "typology")
"""Files and folders of the bundled folder that are not packs."""

_LAYOUT: Final = f"Packs are files KIND/NAME.toml or .tsv, KIND one of: {', '.join(KINDS)}"
_STEM: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


@dataclass(frozen=True, slots=True)
class _Used:
    """The users' folders in use, and the results that are cached for them, by function."""

    folders: tuple[Path, ...] = ()
    memos: dict[Callable[..., Any], Callable[..., Any]] = field(default_factory=dict)


_BUNDLED: Final = _Used()
_used: Final = ContextVar("packs", default=_BUNDLED)


def cached(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Cache the results of a function of packs as long as the same folders are used."""

    @functools.wraps(function)
    def remembered(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        memos = _used.get().memos
        memo = memos.get(function) or memos.setdefault(function, functools.cache(function))
        result: _R = memo(*args, **kwargs)
        return result

    return remembered


def use(*folders: Path) -> None:
    """Look for packs in these folders first, in this order; other threads keep their folders.

    Raises UserError where a path is not a folder of packs, and DataError or SpecError at a file that is not a pack.
    """
    for folder in folders:
        for path in _files(folder):
            check(path, resources.toml(path, _LAYOUT) if path.suffix == ".toml" else header(path))
    if folders != users():
        _used.set(_Used(folders) if folders else _BUNDLED)


@contextmanager
def using(*folders: Path | str) -> Iterator[None]:
    """Use these folders within a context, and the previous ones after it. Raises as `use` does."""
    before = _used.get()
    use(*map(Path, folders))
    try:
        yield
    finally:
        _used.set(before)


def users() -> tuple[Path, ...]:
    """The users' folders in use."""
    return _used.get().folders


def user_packs() -> Iterator[tuple[str, str]]:
    """The kind and the name of each pack in the users' folders."""
    for folder in users():
        yield from ((path.parent.name, path.stem) for path in _files(folder))


def share() -> Callable[[], object]:
    """A function that a new thread calls first, to use the folders of this one and the results cached for them."""
    return functools.partial(_used.set, _used.get())


def _files(folder: Path) -> list[Path]:
    """The packs in a user's folder. Raises UserError where it is not a folder of packs, DataError at other files."""
    try:
        kinds = [kind for kind in sorted(folder.iterdir()) if _is_kind(kind)]
        paths = [path for kind in kinds for path in sorted(kind.iterdir()) if _is_pack(path, folder)]
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise UserError(f"There is no folder {str(folder)!r} of packs ({reason}). {_LAYOUT}") from error
    if not paths:
        raise UserError(f"The folder {str(folder)!r} contains no packs. {_LAYOUT}")
    return paths


def _is_kind(path: Path) -> bool:
    """Whether a path is a folder of packs; False for notes and hidden files. Raises DataError at anything else."""
    if path.is_dir() and path.name in KINDS:
        return True
    if path.name.startswith(".") or path.name in _BESIDE or (path.is_file() and path.suffix not in _SUFFIXES):
        return False
    raise DataError(path, f"it is not a kind of pack.{nearest(path.name, KINDS)} {_LAYOUT}")


def _is_pack(path: Path, folder: Path) -> bool:
    if path.name.startswith(".") or (path.is_file() and path.suffix in ("", ".md", ".txt")):
        return False
    if not _STEM.fullmatch(path.stem) or path.suffix not in _SUFFIXES:
        raise DataError(path, f"it is not a pack's file. {_LAYOUT}")
    _check_name(path.parent.name, path)
    if not path.is_file():
        raise DataError(path, "it is not a plain file")
    if not path.resolve().is_relative_to(folder.resolve()):
        raise DataError(path, "it is a link to outside the folder of packs")
    return True


def _check_name(kind: str, path: Path) -> None:
    """Raise DataError at a suffix, language, script or method that does not exist for packs of the kind."""
    if path.suffix != _SUFFIX[kind]:
        raise DataError(path, f"packs of {kind!r} are {_SUFFIX[kind]} files")
    if (kind, path.stem) == ("keyboards", "auto"):
        what = f"cannot be the name of one of {kind!r}: it means the usual one of a language"
        raise DataError(path, f"{path.stem!r} {what}")
    known = tuple(name for of in _NAMED[kind] for name in bundled(of)) if kind in _NAMED else (path.stem,)
    if kind == PARALLEL:
        known = tuple(map("-".join, permutations(bundled("alphabets"), 2)))
    if path.stem not in known:
        see = f"There are: {', '.join(known)}" if kind == "input" else "See: robust-xtreme list languages"
        what = f"names none of those that {kind!r} are for.{nearest(path.stem, known)}"
        raise DataError(path, f"{path.stem!r:.40} {what} {see}")


@functools.cache
def bundled(kind: str) -> tuple[str, ...]:
    """The bundled packs of a kind, sorted."""
    return tuple(sorted(path.stem for path in (resources.folder("perturbations") / kind).glob(f"*{_SUFFIX[kind]}")))


def identity() -> str:
    """The digest of the content of the users' packs; "" where there are none."""
    if not users():
        return ""
    state = hashlib.blake2b(digest_size=8)
    for folder in users():
        for path in _files(folder):
            for part in (path.relative_to(folder).as_posix().encode("utf-8", "surrogateescape"), content(path)):
                state.update(len(part).to_bytes(8, "little") + part)
    return state.hexdigest()


def _folders() -> Iterator[Path]:
    yield from users()
    yield resources.folder("perturbations")


def find(kind: str, name: str) -> Path | None:
    """The file of a pack; None where there is none, as for a name that is a path. Users' folders have KINDS alone."""
    if not _STEM.fullmatch(name):
        return None
    folders = _folders() if kind in KINDS else (resources.folder("perturbations"),)
    paths = (folder / kind / f"{name}{suffix}" for folder in folders for suffix in _SUFFIXES)
    return next((path for path in paths if path.is_file()), None)


def is_changed(kind: str, name: str) -> bool:
    """Whether a user's folder has a pack that the bundled ones do not have, or have with another content."""
    path, mine = find(kind, name), resources.folder("perturbations") / kind
    if path is None or path.parent == mine:
        return False
    return name not in bundled(kind) or content(path) != content(mine / path.name)


def has(kind: str, name: str) -> bool:
    """Whether there is such a pack."""
    return find(kind, name) is not None


def present(kind: str, *names: str) -> tuple[str, ...]:
    """Those of some packs that there are, as `kind/name`."""
    return tuple(f"{kind}/{name}" for name in names if has(kind, name))


@cached
def names(kind: str) -> tuple[str, ...]:
    """The packs of a kind, sorted."""
    paths = (path for folder in _folders() for path in (folder / kind).glob("*") if path.suffix in _SUFFIXES)
    return tuple(sorted({path.stem for path in paths if _STEM.fullmatch(path.stem)}))


def _path_of(kind: str, name: str, suffix: str) -> Path:
    path = find(kind, name)
    if path is None:
        raise UserError(f"There is no pack {kind}/{name}. There are: {', '.join(names(kind)) or 'none'}")
    if path.suffix != suffix:
        raise DataError(path, f"packs of {kind!r} like this one are {suffix} files")
    return path


@cached
def read(kind: str, name: str) -> dict[str, Any]:
    """The content of a pack's TOML file, with its standing checked. Raises SpecError, DataError or UserError."""
    path = _path_of(kind, name, ".toml")
    values = resources.toml(path, _LAYOUT)
    check(path, values)
    return values


@cached
def table(kind: str, name: str) -> PackTable:
    """The content of a pack's TSV file. Raises DataError naming the line, and UserError where there is no file."""
    return read_table(_path_of(kind, name, ".tsv"))


@cached
def tables(kind: str, name: str) -> tuple[PackTable, ...]:
    """All TSV files of a pack's name, users' first, for lists that are joined. Raises as `table` does."""
    paths = (folder / kind / f"{name}.tsv" for folder in _folders())
    return tuple(read_table(path) for path in paths if path.is_file())


def standings(pack: str, code: str) -> dict[str, str]:
    """The standing of a pack, as `keyboards/us`, under `""`, and of its parts that have another one.

    The parts are keys of a TOML file, rows of a table, and a keyboard's use for the language `code` (`CHOICE`). Raises
    as `read` and `table` do.
    """
    kind, _, name = pack.partition("/")
    if (path := find(kind, name)) and path.suffix == ".tsv":
        rows = table(kind, name)
        others = {rows.standing(row) for row in rows.rows} - {rows.header["standing"]}
        return {"": rows.header["standing"]} | {f"rows {other}": other for other in sorted(others)}
    content = read(kind, name)
    parts: dict[str, str] = content.get("standings", {})
    chosen = {CHOICE: "authored"} if kind == "keyboards" and code in content.get("also", ()) else {}
    return {"": str(content["standing"])} | parts | chosen
