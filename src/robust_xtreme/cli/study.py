"""`robust-xtreme study`: trains and evaluates a grid, and writes what its arms differ in."""

from typing import Annotated, Any, Final

from robust_xtreme.cli import _completion
from robust_xtreme.cli._errors import PLANNING
from robust_xtreme.cli._next import again, show_next
from robust_xtreme.cli._options import argument, check_taken, option
from robust_xtreme.cli.config import config
from robust_xtreme.core import registry
from robust_xtreme.core.errors import UserError
from robust_xtreme.core.resources import shipped
from robust_xtreme.core.sinks import echo

_TAKEN: Final = {"list": (), "show": ("NAME",), "copy": ("NAME", "DEST", "--force")}
"""What else the words that compute nothing take."""

_PLAN: Final = "--plan"


def study(
    what: Annotated[
        str, argument("NAME | FILE | list | show | copy", "A study by its name or file.", _completion.study)
    ],
    name: Annotated[str, argument("NAME", "show, copy: the name of a study.", _completion.study)] = "",
    dest: Annotated[str, argument("DEST", "copy: the file or folder to copy to.")] = "",
    seeds: Annotated[int | None, option("--seeds N", "Training seeds of each arm. Default: the file's.")] = None,
    data: Annotated[str | None, option("--data DIR | hub", "The data. Default: the file's.", _completion.data)] = None,
    start: Annotated[
        str | None, option("--from DIR | OWNER/NAME", "The encoder. Default: the file's.", _completion.folder)
    ] = None,
    scale: Annotated[
        str | None, option("--scale NAME", "One of the file's scales: small, paper. Default: its first.")
    ] = None,
    out: Annotated[str, option("--out DIR", "The folder. Default: runs/study-NAME_SCALE.", _completion.folder)] = "",
    devices: Annotated[
        str | None, option("--devices A,B", "Processes, one a device: 0,1 or all, or cpu,cpu. Default: by cores.")
    ] = None,
    on: Annotated[str | None, option("--on ray[:ADDRESS]", "Compute on the devices of a Ray cluster.")] = None,
    plan: Annotated[bool, option(_PLAN, "Print cells, cost and power, and compute nothing.")] = False,
    offline: Annotated[bool, option("--offline", "Open no connection.")] = False,
    quiet: Annotated[bool, option("--quiet -q", "Print no progress.")] = False,
    force: Annotated[bool, option("--force", "copy: replace existing files.")] = False,
) -> None:
    """Run a study: train its arms with several seeds, evaluate all, and write what they differ in, with intervals.

    The same command continues a stopped study, and with more --seeds computes only those. `list` names the studies that
    ship with the program; `show NAME` and `copy NAME DEST` are for making others of them.

    Examples:

    robust-xtreme study list

    robust-xtreme study robustness --data DIR --from intfloat/multilingual-e5-small --plan

    robust-xtreme study robustness --data DIR --seeds 10 --out runs/robustness

    robust-xtreme study robustness --data hub --scale paper --plan

    robust-xtreme study mine.toml --data DIR --on ray
    """
    words = {"seeds": seeds, "data": data, "from": start, "scale": scale}
    if what in _TAKEN:
        how = {"out": out, "devices": devices, "on": on, "plan": plan, "offline": offline, "quiet": quiet}
        options = {f"--{word}": value for word, value in {**words, **how}.items()}
        check_taken("study", what, {"NAME": name, "DEST": dest, "--force": force, **options}, _TAKEN[what])
        _about(what, name, dest, force)
        return
    if name or dest or force:
        raise UserError("study NAME takes no further word and no --force. See: robust-xtreme study --help")
    given = {key: value for key, value in words.items() if value is not None}
    if plan:
        _plan(what, given, out, devices, on)
    else:
        _run(what, given, out, devices, on, offline, quiet)


def _about(what: str, name: str, dest: str, force: bool) -> None:
    from robust_xtreme.studies.study_file import path_of

    if what == "list":
        list_studies()
    elif not name:
        raise UserError(
            f"Name a study: robust-xtreme study {what} NAME{' DEST' * (what == 'copy')}. See: robust-xtreme study list"
        )
    elif what == "copy":
        path_of(name)
        config(what, f"studies/{name}", dest, force)
    else:
        echo(path_of(name).read_text(encoding="utf-8"), end="")
        show_next("study", "copy", name)


def list_studies() -> None:
    """Print the studies that ship with the program, each with its question, and the designs."""
    from robust_xtreme.studies.study_file import STUDIES, read

    for name in shipped(STUDIES):
        echo(f"{name:14} {read(name).question}")
    echo(f"Designs: {', '.join(registry.names('design'))}")
    show_next("study", "robustness", "--data", "DIR", _PLAN)


def _plan(what: str, given: dict[str, Any], out: str, devices: str | None, on: str | None) -> None:
    from robust_xtreme.studies.planning import cost_lines, described, plan_of

    planned = plan_of(*described(what, out, given))
    if devices or on:
        from robust_xtreme.run.fleets import check_fleet

        check_fleet(planned.study.device, devices, on)
    for line in (*planned.lines(), *cost_lines(planned)):
        echo(line)
    show_next(*again(without=PLANNING))


def _run(
    what: str, given: dict[str, Any], out: str, devices: str | None, on: str | None, offline: bool, quiet: bool
) -> None:
    from robust_xtreme.cli._terminal import watching
    from robust_xtreme.studies.run import run

    given = {**given, "out": out, "devices": devices, "on": on, "offline": offline}
    with watching(quiet) as shown:
        folder, outcome = run(what, begin=shown.begin, watch=shown.watch, **given)
    for sentence in outcome.sentences:
        echo(sentence)
    for name in ("report.md", "report.html"):
        echo(str(folder / name))
