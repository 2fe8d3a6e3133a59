"""`robust-xtreme config`: lists, prints or copies the files that ship with the program, and lists keys of files."""

import os
from pathlib import Path
from typing import Annotated, Final

from robust_xtreme.cli import _completion
from robust_xtreme.cli._next import show_next
from robust_xtreme.cli._options import argument, check_taken, check_word, option
from robust_xtreme.core.errors import UnknownName, UserError, plain
from robust_xtreme.core.keys import keys, lines_of_file_keys
from robust_xtreme.core.resources import LIST, shipped, toml
from robust_xtreme.core.run_spec import RunSpec, check_path
from robust_xtreme.core.sinks import echo
from robust_xtreme.training.spec import StageSpec, TrainSpec

_TAKEN: Final = {"list": ("--json",), "show": ("NAME",), "copy": ("NAME", "DEST", "--force"), "keys": ()}
_WHAT: Final = tuple(_TAKEN)
_KINDS: Final = {
    "recipes": "recipe: how stages are trained, `train --recipe NAME`",
    "train": "run of train, `train NAME`",
    "runs": "run of eval, `eval --config NAME`",
    "studies": "study, `study NAME`",
}
"""The folders of `configs`, and the heading of their files."""

_RUNS: Final = {
    "train": ("train",),
    "runs": ("eval", "--config"),
    "recipes": ("train", "small_ci", "--recipe"),
    "studies": ("study",),
}
"""The words that run a copied file."""

_SPECS: Final = {"eval --config FILE": RunSpec, "train FILE": TrainSpec, "train FILE, for a stage": StageSpec}
"""What reads the keys of each spec."""


def config(
    what: Annotated[str, argument("list | show | copy | keys", "Default: list.", _completion.words(_WHAT))] = "list",
    name: Annotated[str, argument("NAME", "The name of a file in the list.", _completion.config)] = "",
    dest: Annotated[str, argument("DEST", "The file or folder to copy to.")] = "",
    force: Annotated[bool, option("--force", "Replace existing files.")] = False,
    as_json: Annotated[bool, option("--json", "Print the list as one JSON array.")] = False,
) -> None:
    """List, print or copy the recipes and run files that ship with the program.

    A file begins with the command that runs it. `copy` writes NAME.toml to the working folder, or to DEST, with the
    files that it reads, and replaces a file only with --force. `keys` lists the keys that have no option.

    Examples: robust-xtreme config show x-stilts; robust-xtreme config copy paper_base mine.toml
    """
    check_word("config", what, _WHAT)
    words = {f"NAME ({name!r})": name, f"DEST ({dest!r})": dest, "--force": force, "--json": as_json}
    check_taken("config", what, {word: value for word, value in words.items() if word.split()[0] not in _TAKEN[what]})
    if what == "list":
        _list(as_json)
        if not as_json:
            show_next("config", "show", "small_ci")
    elif what == "keys":
        for command, spec in _SPECS.items():
            echo(f"# Keys without an option: robust-xtreme {command}")
            for name, line in lines_of_file_keys(spec).items():
                echo(f"{line}  # {keys(spec)[name][1].help}")
        show_next("config", "show", "char_noise")
    elif what == "show":
        echo(_find(name).read_text(encoding="utf-8"), end="")
        show_next("config", "copy", name)
    else:
        path = _find(name)
        copied = _copy(path, dest, force)
        echo(str(copied))
        more = {"recipes": ("--out", f"runs/small-ci-{copied.stem}"), "studies": ("--data", "DIR")}
        show_next(*_RUNS[path.parent.name], str(copied), *more.get(path.parent.name, ()), "--plan")


def _files() -> dict[str, dict[str, Path]]:
    return {kind: shipped(kind) for kind in _KINDS}


def _find(name: str) -> Path:
    """A file by its name, or by its folder and name as in `train/xcopa`. Raises UserError, UnknownName."""
    if not name:
        raise UserError(f"Name a file: robust-xtreme config show NAME. See: {LIST}")
    files = _files()
    kind, _, last = name.removesuffix(".toml").rpartition("/")
    for folder, paths in files.items():
        if last in paths and kind in ("", folder):
            return paths[last]
    raise UnknownName("recipe or run file", name, [known for paths in files.values() for known in paths], LIST)


def _list(as_json: bool) -> None:
    rows = []
    for kind, paths in _files().items():
        for name, path in paths.items():
            command = path.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")
            rows.append({"name": name, "kind": kind, "command": command, "path": str(path)})
    if as_json:
        from robust_xtreme.cli._terminal import print_json

        print_json(rows)
        return
    width = max(len(row["name"]) for row in rows)
    for kind, heading in _KINDS.items():
        echo(heading)
        for row in rows:
            if row["kind"] == kind:
                echo(f"  {row['name']:{width}}  {row['command']}")


def _copy(path: Path, dest: str, force: bool) -> Path:
    """Copy a file and the files that it names, all or none. Raises UserError, DiskError."""
    from robust_xtreme.exchange.perturbing.output import OutputFile, written

    if dest:
        check_path("DEST", dest, "config copy")
    folder = not dest or dest.endswith("/") or Path(dest).is_dir()
    target = Path(dest) / path.name if folder else Path(dest)
    pairs = [(path, target), *((read, target.parent / read.name) for read in _named_files(path))]
    for _, copy in pairs:
        if os.path.lexists(copy) and not (force and copy.is_file()):
            cure = ", or replace it with --force" if copy.is_file() else ""
            raise UserError(f"{copy} exists already. Copy to another path{cure}.")
    parent = next(folder for folder in target.parents if os.path.lexists(folder))
    if not parent.is_dir():
        raise UserError(f"{parent} is not a folder. Copy to another path.")
    with plain():
        target.parent.mkdir(parents=True, exist_ok=True)
    command = f"config copy {path.parent.name}/{path.stem}"
    with written([OutputFile(command, str(copy), copy) for _, copy in pairs]) as writes:
        for (source, _), write in zip(pairs, writes, strict=True):
            write(source.read_bytes())
    return target


def _named_files(path: Path) -> list[Path]:
    """The files in the same folder that a file names."""
    values = toml(path).values()
    inner = (value for table in values if isinstance(table, dict) for value in table.values())
    names = dict.fromkeys(value for value in (*values, *inner) if isinstance(value, str) and value)
    return [path.parent / name for name in names if (path.parent / name).is_file()]
