"""Find bundled files, first in the checkout, then in the installed package; the files of runs; and read TOML files."""

import errno
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from robust_xtreme.core.errors import DataError, RobustXtremeError, SpecError, UnknownName
from robust_xtreme.core.run_paths import exists

Folders = Sequence[str | Path] | str | Path
"""One folder of packs, or several."""

_LARGEST: Final = 1_000_000
_BEYOND: Final = 1 << 63
_KEY: Final = r"""(?:(?<![\w-])[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+"""
_DEEP: Final = re.compile(rf"(?:{_KEY}\.[ \t]*+){{21}}")
_TOO_LARGE: Final = "it has a whole number of more than 64 bits"
_PACKAGE: Final = Path(__file__).parents[1]
_CHECKOUT: Final = _PACKAGE.parent.parent


def folder(name: str) -> Path:
    """The bundled folder `perturbations` or `configs`. Raises RobustXtremeError where the installation is broken."""
    is_checkout = _PACKAGE.parent.name == "src" and (_CHECKOUT / "pyproject.toml").is_file()
    for candidate in ([_CHECKOUT / name] if is_checkout else []) + [_PACKAGE / "_bundled" / name]:
        if candidate.is_dir():
            return candidate
    raise RobustXtremeError(f"The bundled folder {name!r} is missing from this installation of robust-xtreme.")


def version(path: Path) -> tuple[int, int, int, int]:
    """What changes with a file's content: its inode, its size and its times of change. Raises OSError.

    Another file can have the same size and mtime (`cp -p`), but not the same ctime, which nobody can set.
    """
    facts = path.stat()
    return facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns


def mini(name: str) -> Path:
    """The folder `suite` or `model` of the embedded default. Raises RobustXtremeError where it is missing."""
    path = _PACKAGE / "_mini" / name
    if path.is_dir():
        return path
    raise RobustXtremeError(f"The embedded {name} of mini is missing from this installation of robust-xtreme.")


def is_mini(path: Path) -> bool:
    """Whether a folder is one of the embedded default."""
    return path.parent == _PACKAGE / "_mini"


def toml(path: Path, see: str = "Files to start from: robust-xtreme config list") -> dict[str, Any]:
    """The content of a TOML file: at most 1 MB, keys of at most 21 parts, numbers of 64 bits.

    Raises SpecError, which ends with `see`: where such files are described, or what to do.
    """
    try:
        text = content(path, _LARGEST).decode("utf-8-sig")
        if _DEEP.search(text):
            raise ValueError("it has a key of more than 21 parts")
        values_read = tomllib.loads(text)
        if any(isinstance(value, int) and not -_BEYOND <= value < _BEYOND for value in values(values_read)):
            raise ValueError(_TOO_LARGE)
    except (OSError, ValueError, RecursionError) as error:
        raise SpecError(f"{path}: cannot be read as toml: {why(error)}. {see}") from error
    return values_read


def why(error: OSError | ValueError | RecursionError) -> str:
    """Why a TOML file cannot be read."""
    match error:
        case FileNotFoundError():
            return "there is no such file"
        case OSError(strerror=str() as reason):
            return reason
        case RecursionError():
            return "its lists or tables are nested too deeply"
        case UnicodeDecodeError():
            return "it is not UTF-8"
        case tomllib.TOMLDecodeError():
            return str(error)
        case _ if "integer string conversion" in str(error):  # more digits than Python converts
            return _TOO_LARGE
    return str(error)


def content(path: Path, most: int | None = None) -> bytes:
    """The bytes of a regular file. Raises OSError, also where it has more than `most` bytes."""
    check_regular(path)
    with path.open("rb") as file:
        data = file.read(-1 if most is None else most + 1)
    if most is not None and len(data) > most:
        raise OSError(errno.EINVAL, f"it is larger than {most // 1_000_000} MB", str(path))
    return data


def data_of(path: Path, most: int | None = None) -> bytes:
    """As `content`, of a file with data. Raises DataError."""
    try:
        return content(path, most)
    except OSError as error:
        raise DataError(path, f"cannot be read: {error.strerror}") from error


def check_regular(path: Path) -> None:
    """Raise OSError for a pipe, a socket or a device, which may never end; it is not opened."""
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise OSError(errno.EINVAL, "it is not a regular file, but a pipe, a socket or a device", str(path))


def values(tree: Mapping[str, Any]) -> Iterator[Any]:
    """All values of a TOML file, also those in lists and tables."""
    left: list[Any] = [tree]
    while left:
        node = left.pop()
        if isinstance(node, (dict, list)):
            left.extend(node.values() if isinstance(node, dict) else node)
        yield node


SUFFIX: Final = ".toml"
TRAIN: Final = "train"
RUNS: Final = "runs"
LIST: Final = "robust-xtreme config list"


def shipped(group: str) -> dict[str, Path]:
    """The files of `configs/GROUP` by their names, without the suffix."""
    return {path.stem: path for path in sorted((folder("configs") / group).glob(f"*{SUFFIX}"))}


def find(name: str, group: str) -> Path:
    """A run's file: a path, or the name of a file of `configs/GROUP`. Raises UnknownName, SpecError."""
    path = Path(name)
    if exists(name) and not path.is_dir():
        return path
    known = shipped(group)
    if name.removesuffix(SUFFIX) in known:
        return known[name.removesuffix(SUFFIX)]
    if path.is_symlink() and not path.exists():
        what = f"is a link to {str(path.readlink())!r}, which leads to no file"
        raise SpecError(f"{name} {what}. Name another file. See: {LIST}")
    if path.is_dir():
        raise SpecError(f"{name} is a folder. Name a file in it, as in {path / 'run.toml'}")
    beside = [str(file) for file in path.parent.glob(f"*{SUFFIX}")] if path.parent.is_dir() else []
    raise UnknownName("run file", name, [*known, *beside], LIST)
