"""Command options made from the keys of a spec: name, type, help and completion.

An option that is not passed is None; the value of the run's file or the default applies.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import Field
from typing import Annotated, Any, Final

import typer

from robust_xtreme.commands import _completion
from robust_xtreme.commands._packs import condition
from robust_xtreme.keys import Key, keys, written

_KEYWORD: Final = inspect.Parameter.KEYWORD_ONLY
_NAMES: Final = {"start": "encoder"}
"""Keys whose parameter has another name."""

_TYPES: Final = {"str": str, "int": int, "float": float, "bool": bool, "tuple[str, ...]": str}


def with_keys(*specs: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator that replaces the `**keys` of a command by the options of some specs.

    In the help they come before the keyword-only parameters. Where two specs have the same key, the last one wins.
    """

    def made(command: Callable[..., Any]) -> Callable[..., Any]:
        signature = inspect.signature(command, eval_str=True)
        named = [
            parameter
            for parameter in signature.parameters.values()
            if parameter.kind is not inspect.Parameter.VAR_KEYWORD
        ]
        before = [parameter for parameter in named if parameter.kind is not _KEYWORD]
        options = signature.replace(parameters=[*before, *_parameters(specs), *named[len(before) :]])
        command.__signature__ = options  # type: ignore[attr-defined]  # typer reads it
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
    named = f"--{written(name).replace('_', '-')}"
    return option(named, key.metavar or None, text.replace("`", ""), _completed(field, key), key.panel or None)


def _completed(field: Field[Any], key: Key) -> Any:
    """The completion of a key."""
    if key.complete == "condition":
        return condition
    if isinstance(key.complete, str):
        return getattr(_completion, key.complete)
    words = tuple(filter(None, key.choices or key.complete))
    return _completion.words(words, several=field.type == "tuple[str, ...]") if words else None


def option(name: str, metavar: str | None, text: str, completion: Any = None, panel: str | None = None) -> Any:
    """An option whose default is not shown."""
    return typer.Option(
        name, metavar=metavar, help=text, autocompletion=completion, rich_help_panel=panel, show_default=False
    )
