"""`robust-xtreme gate`: refuses a run that got worse than a baseline; its exit code is that of the verdict."""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from robust_xtreme.cli import _completion
from robust_xtreme.cli._next import show_next
from robust_xtreme.cli._options import FinishedRun, Overwriting, check_taken, option
from robust_xtreme.core.errors import UserError
from robust_xtreme.core.sinks import ACTIONS, echo

if TYPE_CHECKING:
    from robust_xtreme.gating.document import Gate
    from robust_xtreme.gating.policy import Policy

Before = Annotated[
    str | None, option("--baseline NAME|DIR", "A saved baseline, or another run. Default: main.", _completion.folder)
]
Equivalent = Annotated[float | None, option("--equivalent POINTS", "Instead of a margin: one below and above.")]
Margin = Annotated[float | None, option("--margin POINTS", "How far a level may fall. Default: 2.")]
PolicyFile = Annotated[str | None, option("--policy FILE", "Margins, rules and accepted regressions, in TOML.")]
Undecided = Annotated[str | None, option("--undecided warn | fail | pass", "What a cell without a proof does.")]
Missing = Annotated[str | None, option("--missing fail | warn", "What a cell of the baseline alone does.")]
Update = Annotated[bool, option("--update", "Make the run the baseline, whatever the verdict, and say what changed.")]
Reason = Annotated[str | None, option("--reason TEXT", "With --update: why, for those who read it later.")]
Explain = Annotated[bool, option("--explain", "Say of every row how it was decided.")]
Outputs = Annotated[
    list[str] | None, option("--out FILE", "A comment (.md), page (.html), JUnit (.xml), or .json, .csv. Repeatable.")
]
SelfTest = Annotated[
    bool, option("--self-test", "Gate A/A comparisons of the run, and print how often they alarm. Writes no files.")
]


def gate(
    run: FinishedRun,
    baseline: Before = None,
    margin: Margin = None,
    equivalent: Equivalent = None,
    policy: PolicyFile = None,
    undecided: Undecided = None,
    missing: Missing = None,
    explain: Explain = False,
    update: Update = False,
    reason: Reason = None,
    output: Outputs = None,
    force: Overwriting = False,
    self_test: SelfTest = False,
) -> int | None:
    """Refuse a run that got worse than a baseline on clean or perturbed text, in any task or language.

    A cell is ok where its fall is shown to be smaller than the margin, regressed where a fall is shown, else undecided.
    Exit 0: passed; 1: failed; 2: the two cannot be compared; 3: the environment. With --update the run becomes the
    baseline; the first baseline stays as the anchor, which later runs have to pass, too.

    Examples:

    robust-xtreme gate runs/new --baseline main

    robust-xtreme gate runs/new --baseline runs/old --margin 3 --undecided fail -o gate.md -o gate.xml

    robust-xtreme gate runs/new --self-test --policy gate.toml"""
    from robust_xtreme.cli._terminal import output as terminal
    from robust_xtreme.gating import baselines
    from robust_xtreme.gating.comparing import gated, marks_of
    from robust_xtreme.gating.document import explained, gate_blocks
    from robust_xtreme.gating.outputs import GATE_FILES, gate_written, targets, write_files
    from robust_xtreme.gating.policy import changed
    from robust_xtreme.report.renderers.terminal import print_blocks

    chosen = changed(policy, {"margin": margin, "equivalent": equivalent, "undecided": undecided, "missing": missing})
    if self_test:
        given = {"--explain": explain, "--update": update, "--out": output, "--reason": reason is not None}
        check_taken("gate", "--self-test", given)
        _test_itself(run, baseline, chosen)
        return None
    if reason is not None and not update:
        raise UserError("--reason says why a baseline is replaced: it needs --update.")
    name, files = baseline or "main", targets(output or (), GATE_FILES, force)
    if update:
        baselines.check_saved(name)
    before, after = baselines.side(name), baselines.of_runs([Path(run)])
    decided = _of_commit(gated(before, after, chosen, date.today(), marks_of(Path(run))))
    print_blocks(terminal(), explained(decided) if explain else gate_blocks(decided))
    paths = write_files(files, partial(gate_written, decided))
    for path in paths:
        echo(str(path))
    _tell_github(decided, paths)
    if update:
        echo(f"Updated {name}: {baselines.in_words(baselines.update([Path(run)], name, reason=reason or ''))}.")
        return None
    if not decided.passed:
        show_next("examples", run, "--became", "wrong")
    return decided.exit_code


def _test_itself(run: str, baseline: str | None, policy: Policy) -> None:
    """Print how often A/A comparisons of the run alarm, with a bar on a terminal."""
    from rich.progress import track

    from robust_xtreme.cli._terminal import messages
    from robust_xtreme.cli._terminal import output as terminal
    from robust_xtreme.gating.baselines import of_runs, side
    from robust_xtreme.gating.self_test import self_test
    from robust_xtreme.report.renderers.terminal import print_blocks

    console, before = messages(), side(baseline) if baseline else None
    each = partial(track, description="A/A comparisons", console=console, disable=not console.is_terminal)
    print_blocks(terminal(), self_test(of_runs([Path(run)]), policy, before, each=each).blocks())


def _of_commit(decided: Gate) -> Gate:
    """The gate with the commit of the workflow that it runs in, else of the work tree, if any."""
    commit = os.environ.get("GITHUB_SHA", "")
    with suppress(OSError, subprocess.SubprocessError):
        asked = ["git", "rev-parse", "--verify", "HEAD"]
        commit = commit or subprocess.run(asked, capture_output=True, check=True, timeout=5).stdout.decode("ascii")
    commit = commit.strip()[:12]
    return replace(decided, note=f"{decided.note} Commit {commit}.") if commit else decided


def _tell_github(decided: Gate, files: list[Path]) -> None:
    """Annotations, a summary and outputs of the step, where this runs in a workflow."""
    from robust_xtreme.gating.pull_request import OUTPUT, SUMMARY, set_outputs, summarise, workflow_commands

    if os.environ.get(ACTIONS) != "true":
        return
    for line in workflow_commands(decided):
        echo(line, command=True)
    if path := os.environ.get(SUMMARY):
        summarise(decided, path)
    if path := os.environ.get(OUTPUT):
        set_outputs(decided, files, path)
