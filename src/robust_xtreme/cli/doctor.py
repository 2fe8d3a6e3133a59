"""`robust-xtreme doctor`: checks versions, device, caches and data, and prints a remedy for each problem."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Final

from robust_xtreme.cli import _completion
from robust_xtreme.cli._errors import NOWHERE, is_somewhere
from robust_xtreme.cli._next import show_next
from robust_xtreme.cli._options import option
from robust_xtreme.core.errors import INSTALL
from robust_xtreme.core.sinks import echo, one_line

if TYPE_CHECKING:
    from robust_xtreme.cli._check import Check

_WITHOUT: Final = (
    "perturb, import, report, examples, compare, baseline and gate work without what is not installed; "
    f"eval, train and other commands need it ({INSTALL})."
)


def doctor(
    data: Annotated[
        str | None, option("--data DIR", "The data to check. Default: ROBUST_XTREME_DATA.", _completion.data)
    ] = None,
    online: Annotated[bool, option("--online", "Also check that the hub answers.")] = False,
    as_json: Annotated[bool, option("--json", "Print one JSON object.")] = False,
) -> int:
    """Check versions, device, caches and data, and print a remedy for each problem; exits with 3 if mini is broken.

    It exits with 2 if only --data cannot be used, and with 0 where what only eval and train need is not installed.

    Nothing is changed, and no connection is opened without --online. The data of each task: robust-xtreme data list.

    Examples: robust-xtreme doctor; robust-xtreme doctor --data DIR --json
    """
    from robust_xtreme.cli._check import ABSENT, BESIDE, DATA, FAIL
    from robust_xtreme.cli._terminal import print_json

    checks = _checks(data, online)
    failed = {check.name for check in checks if check.status == FAIL}
    runs = failed <= {DATA}
    lacks = any(check.found == ABSENT and check.name not in BESIDE for check in checks)
    if as_json:
        print_json({"mini": runs and not lacks, "checks": [asdict(check) for check in checks]})
    else:
        _print(checks)
        outcome = _WITHOUT if runs and lacks else f"mini can{'' if runs else 'not'} run."
        echo(f"{outcome} See the lines that begin with fail." if failed else outcome)
        if not failed and not lacks:
            show_next(*(("data", "check", "--data", data) if data else ("eval", "--perturb", "char_noise:0.1")))
    return 0 if not failed else 2 if runs else 3


def _checks(data: str | None, online: bool) -> list[Check]:
    """All checks; the slowest, importing torch, runs in parallel with the others."""
    from robust_xtreme.cli import _check
    from robust_xtreme.cli._check import FAIL, NOTE, safely

    if not is_somewhere():  # imports fail there, whatever is installed
        return [_check.Check("folder", FAIL, NOWHERE, "cd DIR"), *safely("python", _check.program)]
    process = _check.probe()
    others = [
        *safely("mini", _check.mini, FAIL),
        *safely(_check.DATA, lambda: _check.folder(data), FAIL if data else NOTE),
        *safely("hub", lambda: _check.hub(online)),
        *safely("cache", _check.cache),
        *safely("hub cache", _check.hub_cache),
        *safely("ocr_channel", _check.channel),
    ]
    imports = _check.answer_of(process, _check.PATIENCE)
    return [
        *safely("python", _check.program),
        *safely("libraries", lambda: _check.libraries(imports)),
        *safely("device", lambda: _check.device(imports)),
        *others,
    ]


def _print(checks: list[Check]) -> None:
    width = max(len(check.name) for check in checks)
    for check in checks:
        echo(f"{check.status:4}  {check.name:{width}}  {one_line(check.found)}")
        if check.remedy:
            echo(f"{'':4}  {'':{width}}  -> {one_line(check.remedy)}")
    echo()
