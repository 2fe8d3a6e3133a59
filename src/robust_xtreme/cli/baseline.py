"""`robust-xtreme baseline`: saves finished runs as a baseline for the gate, shows baselines, or checks their files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

from rich.filesize import decimal

from robust_xtreme.cli import _completion
from robust_xtreme.cli._next import show_next
from robust_xtreme.cli._options import argument, check_taken, check_word, option
from robust_xtreme.core.errors import UnreadableFiles, UserError
from robust_xtreme.core.sinks import echo, one_line

if TYPE_CHECKING:
    from robust_xtreme.gating.baselines import Baseline

_TAKEN: Final = {"save": ("--name", "--reason", "--force"), "show": ("--json",), "check": ()}
_WHAT: Final = tuple(_TAKEN)
_MAIN: Final = "main"


def baseline(
    what: Annotated[str, argument("save | show | check", "Save, show or check.", _completion.words(_WHAT))],
    names: Annotated[
        list[str] | None,
        argument("RUN...|NAME", "save: folders of finished runs; else a baseline.", _completion.baseline),
    ] = None,
    name: Annotated[str | None, option("--name NAME", f"save: the name of the baseline. Default: {_MAIN}.")] = None,
    reason: Annotated[str | None, option("--reason TEXT", "save: why, for those who read it later.")] = None,
    force: Annotated[bool, option("--force", "save: replace a baseline of that name, and remove its anchor.")] = False,
    folder: Annotated[
        str | None,
        option("--folder DIR", "Where the baselines are. Default: .robust-xtreme/baselines.", _completion.folder),
    ] = None,
    as_json: Annotated[bool, option("--json", "show: one JSON array, for programs.")] = False,
) -> int | None:
    """Save finished runs as a baseline, which later runs are gated against; show baselines, or check their files.

    A baseline is NAME.csv, NAME.json and NAME.parquet, without texts and small enough to commit. Several runs, one for
    each of at least three training seeds, make one baseline. Without a NAME, `show` and `check` take all of them.

    Examples:

    robust-xtreme baseline save runs/eval-0123456789abcdef

    robust-xtreme baseline save SEED1 SEED2 SEED3 --name seeds --reason "new recipe"

    robust-xtreme baseline check"""
    from robust_xtreme.gating.baselines import ROOT
    from robust_xtreme.gating.baselines import names as saved

    check_word("baseline", what, _WHAT)
    given = {"--name": name, "--reason": reason, "--force": force, "--json": as_json}
    check_taken("baseline", what, given, _TAKEN[what])
    root = Path(folder) if folder else ROOT
    if what == "save":
        _save(names or [], name or _MAIN, root, reason or "", force)
        return None
    known = names or saved(root)
    if not known:
        raise UserError(f"There is no baseline in {root}. Save one: robust-xtreme baseline save RUN")
    baselines, errors = _loaded(known, root, is_checked=what == "check")
    if what == "show":
        _show(baselines, as_json)
    for each in baselines if what == "check" else ():
        echo(f"{each.name}: as it was saved, {each.size}{', with its anchor' if each.anchor else ''}")
    if errors:
        raise UnreadableFiles(errors)
    return 0 if what == "check" else None


def _loaded(names: Iterable[str], root: Path, *, is_checked: bool) -> tuple[list[Baseline], list[str]]:
    """The baselines that can be read and, where they are checked, pass it; and a line for each of the others."""
    from robust_xtreme.gating.baselines import load

    baselines, errors = [], []
    for name in names:
        try:
            each = load(name, root)
            if is_checked:
                each.check()
            baselines.append(each)
        except UserError as error:
            errors.append(str(error))
    return baselines, errors


def _save(runs: list[str], name: str, root: Path, reason: str, force: bool) -> None:
    from robust_xtreme.gating.baselines import ROOT, files, load, save

    if not runs:
        raise UserError("baseline save needs the folder of a finished run: robust-xtreme baseline save RUN")
    path = save([Path(run) for run in runs], name, root, reason, force)
    size = decimal(sum(each.stat().st_size for each in files(path)))
    echo(f"Saved {path} with {', '.join(each.name for each in files(path) if each != path)} ({size})")
    if len(runs) > 1 and not all(
        model["identity"] for run in load(name, root).facts["runs"] for model in run["models"]
    ):
        echo("Runs among these were imported: whether their weights are those of one model or of several is not known.")
    show_next("baseline", "check", name, *(() if root == ROOT else ("--folder", str(root))))


def _show(baselines: list[Baseline], as_json: bool) -> None:
    facts = [_facts(each) for each in baselines]
    if as_json:
        from robust_xtreme.cli._terminal import print_json

        print_json(facts)
        return
    for each, fact in zip(baselines, facts, strict=True):
        echo(f"{each.name}  {each.size}, saved {each.saved_at or 'not yet'}")
        for key in ("reason", "models", "tasks", "conditions", "anchor"):
            if value := fact[key]:
                echo(f"  {key:10}  {one_line(value if isinstance(value, str) else ', '.join(value))}")


def _facts(each: Baseline) -> dict[str, Any]:
    """What a baseline is, for readers and programs."""
    names = sorted({model["model"] for run in each.facts["runs"] for model in run["models"]})
    return {
        "name": each.name,
        "reason": each.reason or None,
        "saved_at": each.saved_at or None,
        "version": each.facts["version"],
        "runs": each.seeds,
        "models": names,
        "tasks": [*each.facts["tasks"]],
        "conditions": [row["condition"] for row in each.facts["conditions"]],
        "cells": len(each.keys),
        "paired": each.paired,
        "anchor": f"{each.anchor.name}, saved {each.anchor.saved_at}" if each.anchor else None,
    }
