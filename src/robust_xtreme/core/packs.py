"""Read linguistic data by kind and name: users' packs first, then the bundled ones of `perturbations/`.

A pack is `KIND/NAME.toml`, or `KIND/NAME.tsv` where it is a long table: lines `# key: value`, a line of column names,
and rows. Each names its source, its licence and its standing: `attested` in the source, `derived` by a computation, or
`authored` here. A different standing of rows is in a column, that of keys of a TOML file in its table `standings`.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar, final

from robust_xtreme.core import resources
from robust_xtreme.core.errors import DataError, UserError, nearest
from robust_xtreme.core.pack_files import PackTable, check, content, header, read_table

_P = ParamSpec("_P")
_R = TypeVar("_R")

_SUFFIX: Final = {
    **dict.fromkeys(("alphabets", "keyboards", "natural", "suites"), ".toml"),
    **dict.fromkeys(("calibration", "confusables", "diacritics", "input", "lookalikes"), ".tsv"),
    **dict.fromkeys(("misspellings", "negators", "normalisation", "romanisations"), ".tsv"),
}
KINDS: Final = tuple(sorted(_SUFFIX))  # the folders that may contain packs
CHOICE: Final = "choice"
"""The part of a keyboard's data that is `authored` where no source assigns the keyboard to the language."""

_NAMED: Final = {
    **{kind: (kind,) for kind in ("alphabets", "input", "lookalikes")},
    "confusables": ("lookalikes",),
    "diacritics": ("alphabets", "lookalikes"),
    **dict.fromkeys(("calibration", "misspellings", "negators", "normalisation"), ("alphabets",)),
    "natural": ("alphabets", "lookalikes", "natural"),
}
"""The kinds whose packs are named after languages, scripts or methods, and the bundled kinds that list all of them."""

_AUTO: Final = ("keyboards", "auto")
_SUFFIXES: Final = (".toml", ".tsv")
_BESIDE: Final = ("first_names.toml", "typology")
"""Files and folders of the bundled folder that are not packs."""

_LAYOUT: Final = f"Packs are files KIND/NAME.toml or .tsv, KIND one of: {', '.join(KINDS)}"
_STEM: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_NOTES: Final = ("", ".md", ".txt")


@final
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


def share() -> Callable[[], None]:
    """A function that a new thread calls first, to use the folders of this one and the results cached for them."""
    used = _used.get()

    def start() -> None:
        _used.set(used)

    return start


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
    if path.name.startswith(".") or (path.is_file() and path.suffix in _NOTES):
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
    if (kind, path.stem) == _AUTO:
        what = f"cannot be the name of one of {kind!r}: it means the usual one of a language"
        raise DataError(path, f"{path.stem!r} {what}")
    known = tuple(name for of in _NAMED[kind] for name in bundled(of)) if kind in _NAMED else (path.stem,)
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
    """The file of a pack; None where there is none, as for a name that is a path."""
    if not _STEM.fullmatch(name):
        return None
    paths = (folder / kind / f"{name}{suffix}" for folder in _folders() for suffix in _SUFFIXES)
    return next((path for path in paths if path.is_file()), None)


def has(kind: str, name: str) -> bool:
    """Whether there is such a pack."""
    return find(kind, name) is not None


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
