"""`robust-xtreme config`: the recipes and run files that ship with the program, to look at and to copy."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Final

import typer

from robust_xtreme.commands import _completion

_WHAT: Final = ("list", "show", "copy")
_KINDS: Final = {
    "recipes": "recipe: how stages are trained, `train --recipe NAME`",
    "train": "run of train, `train NAME`",
    "runs": "run of eval, `eval --config FILE`",
}
"""The folders of `configs`, and what their files are for."""

_LIST: Final = "robust-xtreme config list"


def config(
    what: Annotated[
        str,
        typer.Argument(
            metavar="list | show | copy", autocompletion=_completion.words(_WHAT), help="List, print or copy files."
        ),
    ] = "list",
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME", autocompletion=_completion.config, help="A file, as `list` names it.", show_default=False
        ),
    ] = "",
    place: Annotated[
        str, typer.Argument(metavar="DEST", help="Where to copy: a file or folder.", show_default=False)
    ] = "",
    force: Annotated[bool, typer.Option("--force", help="Let a copy replace a file that is there.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The list as one JSON array, for programs.")] = False,
) -> None:
    """List, print or copy the recipes and run files that ship with the program.

    A file begins with the command that runs it. `copy` writes NAME.toml where you are, or to DEST, with what it reads
    beside it, and never replaces a file without --force.

    Examples: robust-xtreme config show x-stilts; robust-xtreme config copy paper_base mine.toml
    """
    if what not in _WHAT:
        from robust_xtreme.errors import UnknownName

        raise UnknownName("config command", what, _WHAT, "robust-xtreme config --help")
    if what == "list":
        _list(as_json)
    elif what == "show":
        typer.echo(_find(name).read_text(encoding="utf-8"), nl=False)
    else:
        typer.echo(str(_copy(_find(name), place, force)))


def _files() -> dict[str, dict[str, Path]]:
    from robust_xtreme.commands._train_files import shipped

    return {kind: shipped(kind) for kind in _KINDS}


def _find(name: str) -> Path:
    """A file by its name, or by its kind and name as in `train/xcopa`. Raises UserError, UnknownName."""
    from robust_xtreme.errors import UnknownName, UserError

    if not name:
        raise UserError(f"Name a file: robust-xtreme config show NAME. See: {_LIST}")
    files = _files()
    kind, slash, last = name.removesuffix(".toml").rpartition("/")
    found = [paths[last] for one, paths in files.items() if last in paths and (not slash or kind == one)]
    if not found:
        raise UnknownName("recipe or run file", name, [one for paths in files.values() for one in paths], _LIST)
    return found[0]


def _list(as_json: bool) -> None:
    rows = [
        {"name": name, "kind": kind, "command": _command(path), "path": str(path)}
        for kind, paths in _files().items()
        for name, path in paths.items()
    ]
    if as_json:
        import json

        typer.echo(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    width = max(len(row["name"]) for row in rows)
    for kind, said in _KINDS.items():
        typer.echo(said)
        for row in rows:
            if row["kind"] == kind:
                typer.echo(f"  {row['name']:{width}}  {row['command']}")


def _command(path: Path) -> str:
    """The command that runs a file, which it begins with."""
    first, *_ = path.read_text(encoding="utf-8").splitlines()
    return first.removeprefix("# ")


def _copy(path: Path, place: str, force: bool) -> Path:
    """Write a copy, whole or not at all, and what its paths name beside it. Raises UserError, DiskError."""
    from robust_xtreme.results import store

    folder = not place or place.endswith("/") or Path(place).is_dir()
    target = Path(place) / path.name if folder else Path(place)
    pairs = [(path, target), *((one, target.parent / one.name) for one in _beside(path))]
    if not force:
        _check_free(target for _, target in pairs)
    for source, copy in pairs:
        store.make_folder(copy.parent)
        store.write_text(copy, source.read_text(encoding="utf-8"))
    return target


def _check_free(places: Iterable[Path]) -> None:
    from robust_xtreme.errors import UserError

    for place in places:
        if place.exists():
            raise UserError(f"{place} is there already. Copy to another place, or replace it with --force.")


def _beside(path: Path) -> list[Path]:
    """The files that a file names and that ship beside it."""
    from robust_xtreme import resources

    tables = resources.toml(path)
    values = [
        *tables.values(),
        *(one for table in tables.values() if isinstance(table, dict) for one in table.values()),
    ]
    names = dict.fromkeys(one for one in values if isinstance(one, str) and one)
    return [path.parent / name for name in names if (path.parent / name).is_file()]
