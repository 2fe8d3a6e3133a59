"""`robust-xtreme doctor`: checks versions, device, caches and data, and prints a remedy for each problem."""

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
            help="The data to check. Default: ROBUST_XTREME_DATA.",
        ),
    ] = None,
    online: Annotated[bool, typer.Option("--online", help="Also check that the hub answers.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Check versions, device, caches and data, and print a remedy for each problem; exits with 3 if mini cannot run.

    Nothing is changed, and no connection is opened without --online. The data of each task: robust-xtreme data list.

    Examples: robust-xtreme doctor; robust-xtreme doctor --data DIR --json
    """
    from robust_xtreme.commands._check import FAIL

    checks = _checks(data, online)
    runs = all(check.status != FAIL for check in checks)
    if as_json:
        _print_json(checks, runs)
    else:
        _print(checks, runs)
    if not runs:
        raise typer.Exit(3)


def _checks(data: str | None, online: bool) -> list[Check]:
    """All checks; the slowest, importing torch, runs in parallel with the others."""
    from robust_xtreme.commands import _check, _errors, _ready

    if not _errors.is_somewhere():  # imports fail there, whatever is installed
        return [
            _check.Check("folder", _check.FAIL, _errors.NOWHERE, "cd DIR"),
            *_check.safely("python", _ready.program),
        ]
    process = _ready.probe()
    others = [
        *_check.safely("mini", _ready.mini, _check.FAIL),
        *_check.safely("data folder", lambda: _ready.folder(data)),
        *_check.safely("hub", lambda: _check.hub(online)),
        *_check.safely("cache", _check.caches),
    ]
    imports = _ready.imported(process)
    return [
        *_check.safely("python", _ready.program),
        *_check.safely("libraries", lambda: _ready.libraries(imports)),
        *_check.safely("device", lambda: _ready.device(imports)),
        *others,
    ]


def _print(checks: list[Check], runs: bool) -> None:
    width = max(len(check.name) for check in checks)
    for check in checks:
        typer.echo(f"{check.status:4}  {check.name:{width}}  {_plain(check.finding)}")
        if check.remedy:
            typer.echo(f"{'':4}  {'':{width}}  -> {_plain(check.remedy)}")
    typer.echo()
    if runs:
        typer.echo("mini can run.\n-> robust-xtreme eval --perturb char_noise:0.1")
    else:
        typer.echo("mini cannot run: see the lines that begin with fail.")


def _plain(text: str) -> str:
    return "".join(point if point.isprintable() else repr(point)[1:-1] for point in text)


def _print_json(checks: list[Check], runs: bool) -> None:
    import json

    rows = [
        {
            "name": check.name,
            "status": check.status,
            "found": check.finding,
            "remedy": check.remedy,
            "facts": check.facts,
        }
        for check in checks
    ]
    typer.echo(json.dumps({"mini": runs, "checks": rows}, ensure_ascii=False, indent=1))
