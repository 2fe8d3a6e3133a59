"""Keys of a spec: the option, help, choices and limits of each field, and the keyword arguments of Python."""

from __future__ import annotations

import dataclasses
import inspect
import textwrap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from robust_xtreme.core.sinks import json_text

MOST: Final = 10**9
_KEY: Final = "key"
T = TypeVar("T")
Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Key:
    """`help` is the key's line in the manual, `panel` its section of `--help`, None of a key that has no option.

    A key without an option is set in files alone, and `config keys` shows its line.

    `choices` are the words that it takes; where it has none, `complete` is what a shell offers: examples, or the name
    of a function of `cli/_completion.py`. Whole numbers are from `least` to `most`.
    """

    help: str
    panel: str | None
    metavar: str
    choices: tuple[str, ...]
    complete: tuple[str, ...] | str
    least: int
    most: int
    repeated: bool


def key(
    default: T,
    help: str,
    panel: str | None = None,
    metavar: str = "",
    choices: tuple[str, ...] = (),
    complete: tuple[str, ...] | str = (),
    least: int = 0,
    most: int = MOST,
    repeated: bool = False,
    compare: bool = True,
) -> T:
    """A field of a spec with its default and its Key."""
    facts = Key(help, panel, metavar, choices, complete, least, most, repeated)
    field: T = dataclasses.field(default=default, compare=compare, metadata={_KEY: facts})
    return field


def keys(kind: Any) -> dict[str, tuple[dataclasses.Field[Any], Key]]:
    """The keys of a spec by the names of their fields; its tables are not among them."""
    return {field.name: (field, field.metadata[_KEY]) for field in dataclasses.fields(kind) if _KEY in field.metadata}


def written(name: str) -> str:
    """The name of a key in files and options: `start` is `from` there, a keyword of Python."""
    return "from" if name == "start" else name


def lines_of_file_keys(kind: Any) -> dict[str, str]:
    """A line of a file for each key that has no option, by the key's name: `max_length = ["TASK=N"]`."""
    without_option = {name: pair for name, pair in keys(kind).items() if pair[1].panel is None}
    return {name: f"{written(name)} = {_example_value(*pair)}" for name, pair in without_option.items()}


def _example_value(field: dataclasses.Field[Any], known: Key) -> str:
    word = known.metavar or "|".join(known.choices) or "..."
    values = {"bool": "true", "str": word if word == "N" else toml(word), "tuple[str, ...]": f"[{toml(word)}]"}
    return values.get(str(field.type), "N")


def option_name(name: str) -> str:
    """The option of a key."""
    return f"--{written(name).replace('_', '-')}"


def toml(value: Any) -> str:
    """The value of a key as toml: a string, a number, a bool, or a tuple of these."""
    if isinstance(value, tuple):
        return f"[{', '.join(map(toml, value))}]"
    return json_text(value)


def options(values: Any, defaults: Any) -> list[str] | None:
    """The words of a command line for the keys of a spec that differ from another's; None where one has no option."""
    every = keys(type(values)).items()
    changed = {name: known for name, (_, known) in every if getattr(values, name) != getattr(defaults, name)}
    if any(known.panel is None for known in changed.values()):
        return None
    return [word for name, known in changed.items() for word in _option(name, known, getattr(values, name))]


def _option(name: str, known: Key, value: Any) -> Iterator[str]:
    option = option_name(name)
    if isinstance(value, bool):
        yield option
        return
    texts = value if isinstance(value, tuple) else (str(value),)
    for text in texts if known.repeated else (",".join(texts),):
        yield from (option, text)


@dataclass(frozen=True, slots=True)
class Argument:
    """A keyword argument: its default, its type as it is written, and its line of help."""

    default: Any
    type: str
    help: str

    def is_default(self, value: Any) -> bool:
        """Whether a value is the default, so that the argument need not be passed."""
        return type(value) is type(self.default) and value == self.default


def arguments(kind: Any, types: Mapping[str, str]) -> dict[str, Argument]:
    """The keys of a spec as arguments of a function; `types` are those that differ from the type of the field."""
    known = {"tuple[str, ...]": "str | Sequence[str]", **types}
    kinds = {name: str(field.type) for name, (field, _) in keys(kind).items()}
    return {
        name: Argument(field.default, known.get(name) or known.get(kinds[name], kinds[name]), key.help)
        for name, (field, key) in keys(kind).items()
    }


def takes(known: Mapping[str, Argument]) -> Callable[[Function], Function]:
    """A decorator that shows the arguments of a function instead of its `**values`, and describes them in its help.

    They come before its other keyword arguments; one of those with the same name replaces the shown one.
    """

    def shown(function: Function) -> Function:
        signature = inspect.signature(function)
        *named, _ = signature.parameters.values()
        before = [parameter for parameter in named if parameter.kind is not inspect.Parameter.KEYWORD_ONLY]
        keywords = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=argument.default, annotation=argument.type)
            for name, argument in known.items()
        ]
        every = signature.replace(parameters=[*before, *keywords, *named[len(before) :]])
        function.__signature__ = every  # type: ignore[attr-defined]  # inspect reads it
        described = textwrap.TextWrapper(116, initial_indent="    ", subsequent_indent="        ")
        lines = "\n".join(described.fill(f"{name}: {argument.help}") for name, argument in known.items())
        function.__doc__ = f"{inspect.getdoc(function)}\n\nArguments:\n{lines}"
        return function

    return shown
