"""`robust-xtreme data`: what is found of each task and language, and what a run would skip."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from robust_xtreme.commands import _completion
from robust_xtreme.commands._lists import several

WHAT: Final = ("list", "check")

Data = Annotated[
    str | None,
    typer.Option(
        "--data",
        metavar="DIR | mini | hub",
        autocompletion=_completion.data,
        help="Where to look. Default: what ROBUST_XTREME_DATA names, else mini.",
    ),
]
Tasks = Annotated[
    str | None,
    typer.Option(
        "--tasks",
        metavar="A,B",
        autocompletion=_completion.held,
        help="Tasks, families, or xtreme-r, xtreme, low-resource, intermediate. Default: every task but intermediate.",
    ),
]
Languages = Annotated[
    str | None,
    typer.Option(
        "--languages",
        metavar="A,B",
        autocompletion=_completion.languages,
        help="Default: those that a run evaluates, and what else is there of a task. MLQA also takes de@en.",
    ),
]
Offline = Annotated[
    bool, typer.Option("--offline", help="Open no connection. Without it `check` fetches from the hub as a run does.")
]


def data(
    what: Annotated[
        str,
        typer.Argument(
            metavar="list | check", autocompletion=_completion.words(WHAT), help="Show what is there, or check it."
        ),
    ] = "list",
    data: Data = None,
    tasks: Tasks = None,
    languages: Languages = None,
    offline: Offline = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for programs, with whole sha256.")] = False,
) -> None:
    """Show what is found of each task and language, or check every file; `check` ends with 2 where one is malformed.

    `list` names splits, rows, labels, candidates, licence, files and their sha256; it never opens a connection. `check`
    reads the same files and names each that does not load, with the place of its first mistake, what a run would
    leave out and why, where it was looked for, and what brings it there. Nothing is changed; no model is needed.

    Intermediate tasks are looked at where --tasks names them, or all of them: --tasks intermediate.

    Examples: robust-xtreme data list --data DIR --tasks xtreme-r; robust-xtreme data check --data DIR --languages sw,yo
    """
    from robust_xtreme.commands import _data, _data_pages
    from robust_xtreme.errors import UnknownName

    if what not in WHAT:
        raise UnknownName("data command", what, WHAT, "robust-xtreme data --help")
    listed = what == "list"
    asked = (tuple(several(name, words) or ()) for name, words in (("tasks", tasks), ("languages", languages)))
    found = _data.look(data, *asked, offline=offline or listed)
    if as_json:
        import json

        typer.echo(json.dumps(_data.facts(found), ensure_ascii=False, indent=1))
    elif listed:
        _data_pages.show_list(found)
    else:
        _data_pages.show_check(found)
    if not listed and found.malformed:
        raise typer.Exit(2)
