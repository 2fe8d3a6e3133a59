"""The files of a baseline: NAME.csv, NAME.json and NAME.parquet, written together, each checked when it is read."""

import fcntl
import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from robust_xtreme.core.errors import (
    DataError,
    DiskError,
    Locked,
    RobustXtremeError,
    UserError,
    no_room,
    of_system,
    shown,
)
from robust_xtreme.files import new_files, store
from robust_xtreme.files.csv import check_version
from robust_xtreme.files.manifest import with_digest
from robust_xtreme.stats import shapes

ROOT: Final = Path(".robust-xtreme/baselines")
"""Where baselines are, under the working folder."""

CSV, PARQUET, JSON = ".csv", ".parquet", ".json"
SUFFIXES: Final = (CSV, PARQUET, JSON)
"""The files of a baseline in the order in which they appear; the last one has the sha256 of the others."""

ANCHOR: Final = ".anchor"
"""What the name of a baseline's anchor ends in."""

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

_FACTS: Final = {
    "files": {str: str},
    "runs": [{"models": shapes.MODELS, "folder?": str, "data?": str, "manifest?": str}, ...],
    "asked": dict,
    "tasks": shapes.TASKS,
    "data": shapes.UNITS,
    "conditions": [{"condition": str, "kind": str}],
    "anchor?": str,
    **dict.fromkeys(("version", "reason", "saved_at"), str),
}
"""What a NAME.json has."""


def check_name(name: str) -> str:
    """The name of a baseline. Raises UserError where it is not one: it is part of the names of files."""
    if not _NAME.fullmatch(name):
        allowed = "1 to 64 of the letters A to Z, digits, '.', '_' and '-', with a letter or digit first"
        raise UserError(f"The name {shown(name)} of a baseline is not {allowed}.")
    if name.lower().endswith((ANCHOR, *SUFFIXES)):
        raise UserError(f"The name {name!r} of a baseline ends in {Path(name).suffix!r}, which its files add.")
    return name


def files_of(stem: Path) -> dict[str, Path]:
    """The files of a baseline by their suffixes; `stem` is their path without it."""
    return {suffix: stem.with_name(stem.name + suffix) for suffix in SUFFIXES}


def anchor_of(stem: Path) -> Path:
    """The stem of the files of a baseline's anchor."""
    return stem.with_name(stem.name + ANCHOR)


def is_of_baseline(path: Path) -> bool:
    """Whether a path is that of a file of a baseline: by the folder it is in, or by the NAME.json beside it."""
    if path.suffix not in SUFFIXES:
        return False
    if path.parent == ROOT.resolve():
        return True
    with suppress(DataError):
        facts = store.read_json(path.with_suffix(JSON))
        return isinstance(facts, dict) and {"saved_at", "runs", "files"} <= facts.keys()
    return False


def names(root: Path = ROOT) -> tuple[str, ...]:
    """The names of the baselines of a folder, sorted."""
    with suppress(OSError):
        every = (entry.name.removesuffix(JSON) for entry in root.iterdir() if entry.name.endswith(JSON))
        return tuple(sorted(name for name in every if _NAME.fullmatch(name) and not name.endswith(ANCHOR)))
    return ()


def read_facts(path: Path) -> dict[str, Any]:
    """The content of NAME.json. Raises DataError where it was changed or cut, Mismatch for another schema version."""
    facts = store.read_json(path)
    if not isinstance(facts, dict) or "schema_version" not in facts:
        raise DataError(path, f"is not the file of a baseline. {_cure(path)}")
    again = f"Save the baseline again from a run of this version: {_again(path)}"
    check_version(path, shown(facts["schema_version"]), again)
    if not shapes.fits(facts, _FACTS):
        raise DataError(path, f"is not the file of a baseline. {_cure(path)}")
    with suppress(ValueError):  # a number that is not finite
        if store.json_bytes(with_digest(facts)) == path.read_bytes():
            return facts
    raise DataError(path, f"was changed after the baseline was saved. {_cure(path)}")


def facts_beside(paths: Mapping[str, Path]) -> dict[str, Any]:
    """The content of NAME.json, of which the files beside it are; a save that was killed between them is finished.

    Raises as `read_facts`, and DataError where a file is another one.
    """
    beside = [paths[CSV], *(path for path in (paths[PARQUET],) if os.path.lexists(path))]
    facts = read_facts(paths[JSON])
    if any(_differs(path, facts) for path in beside) and _finish(paths):
        facts = read_facts(paths[JSON])
    for path in beside:
        if _differs(path, facts):
            what = "was changed, or written only in part, after the baseline was saved"
            raise DataError(path, f"{what}. {_cure(path)}")
    return facts


def _differs(path: Path, facts: Mapping[str, Any]) -> bool:
    return bool(store.sha256(path) != facts["files"].get(path.suffix))


def _finish(paths: Mapping[str, Path]) -> bool:
    """Give the files of a killed save their names, where all that its NAME.json has are there; whether it was so."""
    for new in new_files.left(paths[JSON]):
        with suppress(RobustXtremeError, OSError):
            digests = read_facts(new)["files"]
            found = {
                suffix: each
                for suffix, path in paths.items()
                for each in (*new_files.left(path), path)
                if each.is_file() and store.sha256(each) == digests.get(suffix)
            }
            if found.keys() == digests.keys():
                for suffix, each in {**found, JSON: new}.items():
                    new_files.replace(each, paths[suffix])
                return True
    return False


def _cure(path: Path) -> str:
    return f"Restore it from version control, or save the baseline again: {_again(path)}"


def _again(path: Path) -> str:
    """The command that replaces the baseline of a file."""
    return f"robust-xtreme baseline save RUN --name {path.stem.removesuffix(ANCHOR)} --force"


def copied(stem: Path) -> dict[Path, bytes]:
    """The files of a baseline, as those of its anchor."""
    anchor, paths = files_of(anchor_of(stem)), files_of(stem)
    return {anchor[suffix]: path.read_bytes() for suffix, path in paths.items() if path.is_file()}


def json_bytes(facts: Mapping[str, Any], contents: Mapping[str, bytes]) -> bytes:
    """NAME.json: the facts, the sha256 of the other files, and the digest of all that."""
    files = {suffix: hashlib.sha256(content).hexdigest() for suffix, content in contents.items()}
    return store.json_bytes(with_digest({**facts, "files": files}))


@contextmanager
def locked(root: Path) -> Iterator[None]:
    """Make the folder of baselines, and lock it against other writers. Raises Locked, DiskError, UserError."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        handle = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise of_system(error) or _cannot(root, error) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise Locked(f"Another process is saving a baseline in {root}. Wait for it, then save again.") from None
    finally:
        os.close(handle)


def write_all(contents: Mapping[Path, bytes]) -> None:
    """Write some files of one folder: first all of them beside, then each is renamed, in the order given.

    Raises DiskError where one cannot be written; then none has changed, unless renaming fails. UserError where a link
    or a folder has the name of one.
    """
    for path in contents:
        if path.is_symlink() or (path.exists() and not path.is_file()):
            raise UserError(f"{path} is not a file, but a link, a folder or a pipe. Move it away.")
    try:
        new_files.write_all(contents)
    except OSError as error:
        raise _cannot(Path(error.filename), error) from error


def remove(stem: Path) -> None:
    """Remove the files of a baseline, those that there are, first the one that names the others. Raises DiskError."""
    for path in reversed(files_of(stem).values()):
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise _cannot(path, error) from error


def _cannot(path: Path, error: OSError) -> DiskError:
    cure = no_room(error) or "Make its folder writable, or name another one: --folder DIR"
    return DiskError(f"{path} cannot be written: {error.strerror or error}. {cure}.")
