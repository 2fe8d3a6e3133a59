"""What a key of a run is beside its type and default: the one home of its option, its help and its words."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Final, TypeVar, final

MOST: Final = 10**9
_KEY: Final = "key"

T = TypeVar("T")


@final
@dataclass(frozen=True, slots=True)
class Key:
    """`help` is its line in `--help` and in the manual, `panel` its part of `--help`, None where it has no option.

    `choices` are the words that it takes, `complete` what a shell offers where they are not: examples, or the name of
    a function of `commands/_completion.py`. Whole numbers are from `least` to `most`.
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
    """A field of a spec with its default and what is known of it."""
    facts = Key(help, panel, metavar, choices, complete, least, most, repeated)
    field: T = dataclasses.field(default=default, compare=compare, metadata={_KEY: facts})
    return field


def keys(kind: Any) -> dict[str, tuple[dataclasses.Field[Any], Key]]:
    """The keys of a spec by the names of their fields; its tables are not among them."""
    return {one.name: (one, one.metadata[_KEY]) for one in dataclasses.fields(kind) if _KEY in one.metadata}


def written(name: str) -> str:
    """A key as files and options name it: `from` is a word of Python's own."""
    return "from" if name == "start" else name


def table(kind: Any) -> str:
    """The keys of a spec as a table of the manual."""
    rows = [
        f"| `{written(name)}` | `{_toml(one.default)}` | {known.help} |" for name, (one, known) in keys(kind).items()
    ]
    return "\n".join(["| key | default | what |", "|---|---|---|", *rows])


def _toml(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case str():
            return f'"{value}"'
        case tuple():
            return f"[{', '.join(map(_toml, value))}]"
        case _:
            return str(value)
