"""`robust-xtreme config`: lists, prints or copies the recipes and run files that ship with the program."""

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
"""The folders of `configs`, and the heading of their files."""

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
            metavar="NAME",
            autocompletion=_completion.config,
            help="The name of a file in the list.",
            show_default=False,
        ),
    ] = "",
    dest: Annotated[
        str, typer.Argument(metavar="DEST", help="The file or folder to copy to.", show_default=False)
    ] = "",
    force: Annotated[bool, typer.Option("--force", help="Replace existing files.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the list as one JSON array.")] = False,
) -> None:
    """List, print or copy the recipes and run files that ship with the program.

    A file begins with the command that runs it. `copy` writes NAME.toml to the working folder, or to DEST, with the
    files that it reads, and replaces a file only with --force.

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
        typer.echo(str(_copy(_find(name), dest, force)))


def _files() -> dict[str, dict[str, Path]]:
    from robust_xtreme.commands._train_files import shipped

    return {kind: shipped(kind) for kind in _KINDS}


def _find(name: str) -> Path:
    """A file by its name, or by its folder and name as in `train/xcopa`. Raises UserError, UnknownName."""
    from robust_xtreme.errors import UnknownName, UserError

    if not name:
        raise UserError(f"Name a file: robust-xtreme config show NAME. See: {_LIST}")
    files = _files()
    kind, slash, last = name.removesuffix(".toml").rpartition("/")
    paths_of_name = [paths[last] for folder, paths in files.items() if last in paths and (not slash or kind == folder)]
    if not paths_of_name:
        raise UnknownName("recipe or run file", name, [known for paths in files.values() for known in paths], _LIST)
    return paths_of_name[0]


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
    for kind, heading in _KINDS.items():
        typer.echo(heading)
        for row in rows:
            if row["kind"] == kind:
                typer.echo(f"  {row['name']:{width}}  {row['command']}")


def _command(path: Path) -> str:
    """The command that runs a file: its first line."""
    first, *_ = path.read_text(encoding="utf-8").splitlines()
    return first.removeprefix("# ")


def _copy(path: Path, dest: str, force: bool) -> Path:
    """Copy a file and the files that it names; each copy is written atomically. Raises UserError, DiskError."""
    from robust_xtreme.results import store

    folder = not dest or dest.endswith("/") or Path(dest).is_dir()
    target = Path(dest) / path.name if folder else Path(dest)
    pairs = [(path, target), *((read, target.parent / read.name) for read in _named_files(path))]
    if not force:
        _check_free(target for _, target in pairs)
    for source, copy in pairs:
        store.make_folder(copy.parent)
        store.write_text(copy, source.read_text(encoding="utf-8"))
    return target


def _check_free(paths: Iterable[Path]) -> None:
    from robust_xtreme.errors import UserError

    for path in paths:
        if path.exists():
            raise UserError(f"{path} exists already. Copy to another path, or replace it with --force.")


def _named_files(path: Path) -> list[Path]:
    """The files in the same folder that a file names."""
    from robust_xtreme import resources

    tables = resources.toml(path)
    values = [
        *tables.values(),
        *(value for table in tables.values() if isinstance(table, dict) for value in table.values()),
    ]
    names = dict.fromkeys(value for value in values if isinstance(value, str) and value)
    return [path.parent / name for name in names if (path.parent / name).is_file()]
