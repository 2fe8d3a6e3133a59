"""`robust-xtreme data`: lists or checks the files of each task and language."""

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
        help="The data to list or check. Default: ROBUST_XTREME_DATA, else mini.",
    ),
]
Tasks = Annotated[
    str | None,
    typer.Option(
        "--tasks",
        metavar="A,B",
        autocompletion=_completion.data_tasks,
        help="Tasks, families, or xtreme-r, xtreme, low-resource, intermediate. Default: every task but intermediate.",
    ),
]
Languages = Annotated[
    str | None,
    typer.Option(
        "--languages",
        metavar="A,B",
        autocompletion=_completion.languages,
        help="Languages; MLQA also takes de@en. Default: those that a run evaluates, and others that exist.",
    ),
]
Offline = Annotated[
    bool, typer.Option("--offline", help="Open no connection; without it `check` fetches from the hub as a run does.")
]


def data(
    what: Annotated[
        str,
        typer.Argument(
            metavar="list | check", autocompletion=_completion.words(WHAT), help="List the files, or check them."
        ),
    ] = "list",
    data: Data = None,
    tasks: Tasks = None,
    languages: Languages = None,
    offline: Offline = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, with full sha256.")] = False,
) -> None:
    """List the files of each task and language, or check them; `check` exits with 2 where a file is malformed.

    `list` shows splits, rows, labels, candidates, licence, files and their sha256; it never opens a connection. `check`
    reads the same files and reports each that does not load, with the line of its first error, and what a run leaves
    out: why, which paths were tried, and how to get it. Both change nothing and need no model.

    Intermediate tasks are included only if --tasks names them, or all of them: --tasks intermediate.

    Examples: robust-xtreme data list --data DIR --tasks xtreme-r; robust-xtreme data check --data DIR --languages sw,yo
    """
    from robust_xtreme.commands import _data, _data_pages
    from robust_xtreme.errors import UnknownName

    if what not in WHAT:
        raise UnknownName("data command", what, WHAT, "robust-xtreme data --help")
    listed = what == "list"
    asked = (tuple(several(name, words) or ()) for name, words in (("tasks", tasks), ("languages", languages)))
    survey = _data.look(data, *asked, offline=offline or listed)
    if as_json:
        import json

        typer.echo(json.dumps(_data.facts(survey), ensure_ascii=False, indent=1))
    elif listed:
        _data_pages.show_list(survey)
    else:
        _data_pages.show_check(survey)
    if not listed and survey.malformed:
        raise typer.Exit(2)
