"""The program `robust-xtreme`: each public module of this folder is a command.

A command NAME is the function NAME of `commands/NAME.py` (NAME_ where Python defines NAME, as in `list_`). The function
imports what it needs, so that `--help` loads neither numpy nor torch.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Final

import typer

import robust_xtreme
from robust_xtreme.commands._errors import bounded, exit_code_of, printable
from robust_xtreme.renamed import current
from robust_xtreme.sinks import echo, one_line
from robust_xtreme.sources.endpoint import settle

_ORDER: Final = ("list", "show", "train", "eval")
_EPILOG: Final = "Example: robust-xtreme eval --perturb char_noise:0.1"


def _show_version(wanted: bool) -> None:
    if wanted:
        echo(f"robust-xtreme {robust_xtreme.__version__}")
        raise typer.Exit


def _root(
    context: typer.Context,
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Evaluate multilingual models on clean and perturbed tasks of XTREME-R and report the degradation."""
    if context.invoked_subcommand is None:
        echo(context.get_help())


def command_names() -> tuple[str, ...]:
    """The names of the commands, in the order of the help."""
    names = {module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)])}
    public = {name for name in names if not name.startswith("_")}
    return tuple(name for name in _ORDER if name in public) + tuple(sorted(public - set(_ORDER)))


def _function(name: str) -> Callable[..., Any]:
    module = importlib.import_module(f"robust_xtreme.commands.{name}")
    function: Callable[..., Any] = getattr(module, name, None) or getattr(module, f"{name}_")
    return function


def build() -> typer.Typer:
    """The Typer application with every command of this folder."""
    app = typer.Typer(pretty_exceptions_enable=False, epilog=_EPILOG)
    app.callback(invoke_without_command=True)(_root)
    for name in command_names():
        function = _function(name)
        app.command(name, help=_flowing(function))(bounded(function))
    return app


def _flowing(function: Callable[..., Any]) -> str:
    """The docstring with each paragraph on one line, so that the terminal wraps it."""
    paragraphs = (inspect.getdoc(function) or "").split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def main() -> None:
    """Run the program on the arguments of the command line; never returns."""
    printable()
    settle()
    raise SystemExit(exit_code_of(_run))


def _run() -> object:
    sys.argv[1:], notes = current(sys.argv[1:])
    for line in notes:
        echo(f"robust-xtreme: {one_line(line)}", error=True)
    return build()(prog_name="robust-xtreme", standalone_mode=False)
