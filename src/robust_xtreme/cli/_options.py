"""Options of commands: from the keys of a spec, and those that several commands have.

An option that is not passed is None; the value of the run's file or the default applies.
"""

import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import Field
from itertools import takewhile
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from robust_xtreme.cli import _completion
from robust_xtreme.core.errors import UnknownName, UserError
from robust_xtreme.core.keys import Key, keys, lines_of_file_keys, option_name
from robust_xtreme.core.languages import code_of
from robust_xtreme.core.run_spec import DATA
from robust_xtreme.core.sinks import echo, one_line
from robust_xtreme.tasks.formats import FORMATS

_KEYWORD: Final = inspect.Parameter.KEYWORD_ONLY
_NAMES: Final = {"start": "encoder"}
"""Keys whose parameter has another name."""

_SPELLINGS: Final = (
    ("--tasks", "-t"), ("--languages", "-l"), ("--perturb", "-p"), ("--out", "-o"), ("--model", "-m"), ("--data", "-d"),
    ("--limit", "-n"), ("--plan", "--dry-run"),
)  # fmt: skip
"""The names of an option, the first of which is its own: each command that has the option takes them all."""

ALSO: Final = {"--task": "--tasks", "--language": "--languages"}
"""Names of the same options that help does not show."""

_MARKUP: Final = re.compile(r"\[(?=[a-z#/@])")
"""What rich would read as the beginning of a style, as in `robust-xtreme[mlflow]`."""

_TYPES: Final = {"str": str, "int": int, "float": float, "bool": bool, "tuple[str, ...]": str}


def option(declared: str, text: str, completion: Any = None, panel: str | None = None) -> Any:
    """An option by its names and metavar, as in `--quiet -q`; its default is not shown."""
    words = declared.split()
    given = list(takewhile(lambda word: word.startswith("-"), words))
    names = next((spellings for spellings in _SPELLINGS if ALSO.get(given[0], given[0]) in spellings), given)
    metavar = " ".join(words[len(given) :]) or None
    shown = _MARKUP.sub(r"\\[", text)
    return typer.Option(
        *names, metavar=metavar, help=shown, autocompletion=completion, rich_help_panel=panel, show_default=False
    )


def argument(metavar: str, text: str, completion: Any = None) -> Any:
    """An argument of a command; its default is not shown."""
    return typer.Argument(metavar=metavar, help=text, autocompletion=completion, show_default=False)


Seed = Annotated[int, option("--seed N", "The noise seed. Default: 0.")]
FinishedRun = Annotated[str, argument("RUN", "The folder of a finished run.", _completion.folder)]
Overwriting = Annotated[bool, option("--force", "Overwrite what is there.")]
Packs = Annotated[
    list[str] | None,
    option(
        "--packs DIR",
        "A folder of your own packs, KIND/NAME.toml, searched before the bundled ones. Repeatable.",
        _completion.folder,
    ),
]


Fields = Annotated[
    list[str] | None,
    option(
        "--fields A,B",
        "Columns by name (of csv, tsv also by number), keys, question, context (squad). Repeatable.",
        panel=DATA,
    ),
]
Format = Annotated[
    str | None,
    option(
        "--format NAME",
        f"{', '.join(FORMATS)}. Default: by the suffix, also before .gz.",
        _completion.words(FORMATS),
        DATA,
    ),
]
Header = Annotated[
    bool | None,
    option("--header/--no-header", "Whether the first line of csv or tsv names the columns.", panel=DATA),
]
LanguageField = Annotated[
    str | None, option("--language-field NAME", "The column with the code of each row's language.", panel=DATA)
]


def columns_of(option: str, given: Sequence[str] | None) -> tuple[str, ...]:
    """The names in lists that are separated by commas; a column's name may contain blanks. Raises UserError."""
    names = tuple(dict.fromkeys(name.strip() for part in given or () for name in part.split(",") if name.strip()))
    if given and not names:
        raise UserError(f"--{option} names no column. Leave it out for the default.")
    return names


def using(packs: list[str] | None) -> AbstractContextManager[None]:
    """Search the folders of --packs first. Raises UserError where one of them is not a folder of packs."""
    if not packs:
        return nullcontext()
    from robust_xtreme.noise import user_packs

    return user_packs.using(*packs)


def show_outside_packs(file: Path, packs: Sequence[str]) -> None:
    """Print to stderr, in one line, the folders of packs that a run's file names outside its own folder."""
    inside = set()
    for pack in packs:
        with suppress(OSError, RuntimeError, ValueError):  # not a path, or a link to itself: packs that cannot be read
            if Path(pack).resolve().is_relative_to(file.parent.resolve()):
                inside.add(pack)
    if outside := [pack for pack in packs if pack not in inside]:
        line = f"robust-xtreme: {file} names packs outside its folder: {', '.join(outside)}"
        echo(one_line(line), error=True)


def check_word(command: str, word: str, known: Sequence[str]) -> None:
    """Raise UnknownName where the first word after a command is not one of its own."""
    if word not in known:
        raise UnknownName(f"{command} command", word, known, f"robust-xtreme {command} --help")


def check_taken(command: str, what: str, options: Mapping[str, Any], taken: Sequence[str] = ()) -> None:
    """Raise UserError where a word or option is passed that `command what` does not take."""
    for name, value in options.items():
        is_passed = value is not None and value is not False and value not in ("", [])
        if is_passed and name not in taken:
            raise UserError(f"{command} {what} takes no {name}: leave it out. See: robust-xtreme {command} --help")


def check_of_run(command: str, asked: Mapping[str, tuple[Sequence[str], Iterable[str]]]) -> None:
    """Raise UnknownName for a name of some kind that a run does not have, from the names asked for and those it has."""
    for kind, (names, of_run) in asked.items():
        known = [*dict.fromkeys(of_run)]
        for name in names:
            if name not in known:
                meant = code_of(name) if kind == "language" else None
                raise UnknownName(f"{kind} of the run", name, known, f"robust-xtreme {command} --help", meant)


def several(option: str, words: str | None) -> list[str] | None:
    """The names in a list, separated by commas or blanks. Raises UserError where there are none."""
    names = None if words is None else words.replace(",", " ").split()
    if names == []:
        raise UserError(f"--{option} names none. Leave it out for all of them.")
    return names


def passed(words: Mapping[str, Any], lists: Sequence[str] = ()) -> dict[str, Any]:
    """The options that the user passed, those of `lists` as lists of names.

    Raises UserError as `several`.
    """
    values = {**words, **{name: several(name, words[name]) for name in lists}}
    return {name: value for name, value in values.items() if value is not None and value is not False and value != []}


def with_keys(*specs: Any, panels: Sequence[str] = ()) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator that replaces the `**keys` of a command by the options of some specs.

    In the help they come before the keyword-only parameters. Where two specs have the same key, the last one wins.
    `panels` are the sections of the help, which these options are then sorted by. The command gets `file_lines`: the
    line of a file for each key that has no option, by the name that the option would have.
    """

    def made(command: Callable[..., Any]) -> Callable[..., Any]:
        signature = inspect.signature(command, eval_str=True)
        *named, _ = signature.parameters.values()
        before = [parameter for parameter in named if parameter.kind is not _KEYWORD]
        options = [*_parameters(specs), *named[len(before) :]]
        options.sort(key=lambda one: panels.index(one.annotation.__metadata__[0].rich_help_panel) if panels else 0)
        lines = {option_name(name): line for spec in specs for name, line in lines_of_file_keys(spec).items()}
        vars(command).update(__signature__=signature.replace(parameters=[*before, *options]), file_lines=lines)
        return command

    return made


def _parameters(specs: tuple[Any, ...]) -> Iterator[inspect.Parameter]:
    known = {name: pair for spec in specs for name, pair in keys(spec).items()}
    for name, (field, key) in known.items():
        if key.panel is not None:
            is_flag = field.type == "bool"
            kind: Any = list[str] if key.repeated else _TYPES[str(field.type)]
            yield inspect.Parameter(
                _NAMES.get(name, name),
                _KEYWORD,
                default=False if is_flag else None,
                annotation=Annotated[kind if is_flag else kind | None, _of_key(name, field, key)],
            )


def _of_key(name: str, field: Field[Any], key: Key) -> Any:
    default = f" Default: {field.default}." if key.choices and isinstance(field.default, str) and field.default else ""
    text = f"{key.help[0].upper()}{key.help[1:]}.{default}{' Repeatable.' if key.repeated else ''}"
    if isinstance(key.complete, str):
        completion = getattr(_completion, key.complete)
    else:
        words = tuple(filter(None, key.choices or key.complete))
        completion = _completion.words(words, several=field.type == "tuple[str, ...]") if words else None
    return option(f"{option_name(name)} {key.metavar}", text.replace("`", ""), completion, key.panel or None)
