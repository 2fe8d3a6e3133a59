"""The program `robust-xtreme`: each public module of this folder is a command.

A command NAME is the function NAME of `cli/NAME.py` (NAME_ where Python defines NAME, as in `list_`). The function
imports what it needs, so that the program starts without numpy and torch. A function `epilog` there gives the end of
the command's help.
"""

import importlib
import inspect
import pkgutil
import re
import sys
from collections import Counter
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, Final

import typer
from typer.core import TyperCommand, TyperGroup

import robust_xtreme
from robust_xtreme.cli._errors import bounded, exit_code_of, printable
from robust_xtreme.cli._options import ALSO
from robust_xtreme.core.errors import UserError
from robust_xtreme.core.sinks import echo
from robust_xtreme.tasks.sources.hub import settle

_ORDER: Final = ("list", "show", "train", "eval")


class _Command(TyperCommand):
    """A command whose help shows no types, `<bool>` beside a flag and `<str>` beside an argument."""

    def get_params(self, ctx: Any) -> list[Any]:
        """The parameters of the command, and last --help, which stands in the first section of options."""
        parameters = _untyped(TyperCommand.get_params(self, ctx))
        parameters[-1].rich_help_panel = next(
            one.rich_help_panel for one in parameters if one.param_type_name == "option"
        )
        return parameters

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the options; one that is given twice, of which one would count, is an error."""
        cut = args.index("--") if "--" in args else len(args)
        args = [re.sub("^--[a-z-]+", lambda name: ALSO.get(name[0], name[0]), word) for word in args[:cut]] + args[cut:]
        given: list[Any] = [] if ctx.resilient_parsing else self.make_parser(ctx).parse_args(args=[*args])[2]
        for option, times in Counter(given).items():
            if times > 1 and not (option.multiple or option.count or (option.is_flag and not option.secondary_opts)):
                name = option.opts[0]
                ctx.fail(f"{name} is given {times} times. Give it once: {name} {option.metavar or ''}")
        return TyperCommand.parse_args(self, ctx, args)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print the help, with what the command's `epilog` adds, which is made only then."""
        added = getattr(_module(str(self.name)), "epilog", None)
        self.epilog = added() if added else None
        TyperCommand.format_help(self, ctx, formatter)

    def invoke(self, ctx: Any) -> Any:
        """Run the command; a value that is empty, as an unset variable of the shell is, is an error."""
        if code := exit_code_of(partial(_check_given, ctx, self.params)):
            raise typer.Exit(code)
        return TyperCommand.invoke(self, ctx)


def _check_given(ctx: Any, parameters: list[Any]) -> None:
    """Raise UserError at the first option or argument whose value is empty."""
    for parameter in parameters:
        value = ctx.params.get(parameter.name)
        values = value if isinstance(value, (list, tuple)) else [value]
        is_given = ctx.get_parameter_source(parameter.name).name == "COMMANDLINE"
        if is_given and any(isinstance(item, str) and not item.strip() for item in values):
            name = parameter.opts[0] if parameter.param_type_name == "option" else parameter.metavar
            raise UserError(f"{name} is empty. Give a value{'' if parameter.required else ', or leave it out'}.")


class _Group(TyperGroup):
    """The program, whose help shows no types either."""

    def get_params(self, ctx: Any) -> list[Any]:
        """The parameters of the program, --help and those of completion too."""
        return _untyped(TyperGroup.get_params(self, ctx))


def _untyped(parameters: list[Any]) -> list[Any]:
    """The same parameters, which show their metavar alone; an argument's is its name, which is shown already."""
    for parameter in parameters:
        metavar = parameter.metavar if parameter.param_type_name == "option" else None
        vars(parameter)["display_type_rich"] = lambda ctx, metavar=metavar: metavar  # noqa: ARG005 - as typer calls it
    return parameters


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


def _module(name: str) -> ModuleType:
    return importlib.import_module(f"robust_xtreme.cli.{name}")


def build() -> typer.Typer:
    """The Typer application with every command of this folder."""
    epilog = "Example: robust-xtreme eval --perturb char_noise:0.1"
    app = typer.Typer(cls=_Group, pretty_exceptions_enable=False, epilog=epilog)
    app.callback(invoke_without_command=True)(_root)
    for name in command_names():
        module = _module(name)
        function = getattr(module, name, None) or getattr(module, f"{name}_")
        paragraphs = (inspect.getdoc(function) or "").split("\n\n")
        flowing = "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)  # the terminal wraps each
        app.command(name, cls=_Command, help=flowing)(bounded(function))
    return app


def main() -> None:
    """Run the program on the arguments of the command line; never returns."""
    printable()
    settle()
    raise SystemExit(exit_code_of(_run))


def _run() -> object:
    if "--help" in sys.argv or not sys.argv[1:]:  # typer prints help on our console
        from typer import rich_utils

        from robust_xtreme.cli._terminal import Terminal

        vars(rich_utils)["Console"] = Terminal
    return build()(prog_name="robust-xtreme", standalone_mode=False) or None
