"""`robust-xtreme doctor`: what is installed and found here, and what to do about what is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from robust_xtreme.commands import _completion

if TYPE_CHECKING:
    from robust_xtreme.commands._check import Check


def doctor(
    data: Annotated[
        str | None,
        typer.Option(
            "--data",
            metavar="DIR",
            autocompletion=_completion.data,
            help="The data to look at. Default: what ROBUST_XTREME_DATA names.",
        ),
    ] = None,
    online: Annotated[bool, typer.Option("--online", help="Ask the hub whether it answers. Else nothing is.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for programs.")] = False,
) -> None:
    """Look at versions, device, caches and data, each with a remedy; ends with 3 where mini cannot run.

    Nothing is changed, and no connection is opened unless --online asks for it. Where the data of each task come from:
    robust-xtreme data list.

    Examples: robust-xtreme doctor; robust-xtreme doctor --data DIR --json
    """
    from robust_xtreme.commands._check import FAIL

    checks = _checks(data, online)
    runs = all(one.status != FAIL for one in checks)
    if as_json:
        _print_json(checks, runs)
    else:
        _print(checks, runs)
    if not runs:
        raise typer.Exit(3)


def _checks(data: str | None, online: bool) -> list[Check]:
    """Everything that is looked at; the slowest, importing torch, continues beside the rest."""
    from robust_xtreme.commands import _check, _errors, _ready

    if not _errors.is_somewhere():  # nothing loads from there, whatever is installed
        return [
            _check.Check("folder", _check.FAIL, _errors.NOWHERE, "cd DIR"),
            *_check.safely("python", _ready.program),
        ]
    process = _ready.probe()
    rest = [
        *_check.safely("mini", _ready.mini, _check.FAIL),
        *_check.safely("data folder", lambda: _ready.folder(data)),
        *_check.safely("hub", lambda: _check.hub(online)),
        *_check.safely("cache", _check.caches),
    ]
    found = _ready.imported(process)
    return [
        *_check.safely("python", _ready.program),
        *_check.safely("libraries", lambda: _ready.libraries(found)),
        *_check.safely("device", lambda: _ready.device(found)),
        *rest,
    ]


def _print(checks: list[Check], runs: bool) -> None:
    width = max(len(one.name) for one in checks)
    for one in checks:
        typer.echo(f"{one.status:4}  {one.name:{width}}  {_plain(one.found)}")
        if one.remedy:
            typer.echo(f"{'':4}  {'':{width}}  -> {_plain(one.remedy)}")
    typer.echo()
    if runs:
        typer.echo("mini can run.\n-> robust-xtreme eval --perturb char_noise:0.1")
    else:
        typer.echo("mini cannot run: see the lines that begin with fail.")


def _plain(text: str) -> str:
    return "".join(one if one.isprintable() else repr(one)[1:-1] for one in text)


def _print_json(checks: list[Check], runs: bool) -> None:
    import json
    from dataclasses import asdict

    typer.echo(json.dumps({"mini": runs, "checks": [asdict(one) for one in checks]}, ensure_ascii=False, indent=1))
