"""Keys of a spec: the option, help, choices and limits of each field, beside its type and default."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Final, TypeVar, final

from robust_xtreme.sinks import json_text

MOST: Final = 10**9
_KEY: Final = "key"

T = TypeVar("T")


@final
@dataclass(frozen=True, slots=True)
class Key:
    """`help` is the key's line in `--help` and the manual, `panel` its section of `--help`, None without an option.

    `choices` are the words that it takes; where it has none, `complete` is what a shell offers: examples, or the name
    of a function of `commands/_completion.py`. Whole numbers are from `least` to `most`.
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


def table(kind: Any) -> str:
    """The keys of a spec as a Markdown table for the manual."""
    rows = [
        f"| `{written(name)}` | `{toml(field.default)}` | {known.help} |" for name, (field, known) in keys(kind).items()
    ]
    return "\n".join(["| key | default | what |", "|---|---|---|", *rows])


def toml(value: Any) -> str:
    """The value of a key as toml: a string, a number, a bool, or a tuple of these."""
    if isinstance(value, tuple):
        return f"[{', '.join(map(toml, value))}]"
    return json_text(value)
