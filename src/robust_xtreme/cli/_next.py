"""The command that comes next: the last line of each command, on stderr, which a shell runs as it is."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from robust_xtreme.core import registry
from robust_xtreme.core.run_spec import RunSpec, imported
from robust_xtreme.core.sinks import echo
from robust_xtreme.tasks.adapters.own import own_tasks

if TYPE_CHECKING:
    from robust_xtreme.training.spec import TrainSpec

_NOISE: Final = ("--perturb", "char_noise:0.1")


def show_next(*words: str) -> None:
    """Print the next command to stderr; a line that a terminal would not show as it is is left out."""
    line = shlex.join(("robust-xtreme", *words))
    if line.isprintable():
        echo(f"Next: {line}", error=True)


def again(*added: str, without: Iterable[str] = (), replacing: Iterable[str] = ()) -> tuple[str, ...]:
    """The words of this command line with others added; left out are some words, and some options with their values."""
    left_out, replaced = {*without}, {*replacing}
    kept: list[str] = []
    words = iter(sys.argv[1:])
    for word in words:
        if word == "--":
            return (*kept, *added, word, *words)
        if word in replaced:
            next(words, "")
        elif word not in left_out and word.partition("=")[0] not in replaced:
            kept.append(word)
    return (*kept, *added)


def after_evaluation(spec: RunSpec, folder: Path, is_measured: bool = True) -> tuple[str, ...]:
    """After a clean run the same with noise, after one draw of it several; where cells cannot be measured, answers."""
    trust = ("--trust-remote-code",) if spec.trust_remote_code else ()
    if not is_measured:
        return ("examples", str(folder))
    named = [word for name in spec.model for word in ("--model", name)] if imported(spec.model) else []
    same = ("eval", "--config", str(folder / "run.toml"), *trust, *named)
    if not (spec.perturb or spec.external):
        return (*same, *_NOISE)
    return (*same, "--seeds", "3") if spec.seeds == 1 and (spec.perturb or spec.match) else ("list", "perturbations")


def after_training(spec: TrainSpec, folder: Path) -> tuple[str, ...]:
    """The evaluation of what was trained, on its data; for an encoder that no task's head is on, a target."""
    tasks = evaluated(spec.stages[-1][1].tasks, spec.data)
    packs = [word for pack in spec.packs for word in ("--packs", pack)]
    if not tasks:
        return ("train", "--from", str(folder), "--tasks", "xnli", "--data", spec.data or "mini", *packs)
    overlap = ("--allow-overlap",) if spec.overlap == "allow" else ()
    offline = ("--offline",) if spec.offline else ()
    named = ("--model", str(folder), "--data", spec.data, "--tasks", ",".join(tasks))
    return ("eval", *named, *overlap, *packs, *offline, *_NOISE)


def evaluated(learned: Sequence[str], data: str) -> list[str]:
    """The tasks that heads of learned tasks answer: these tasks themselves or, of intermediate ones, those alike."""
    with own_tasks(data):
        tasks = [registry.load("task", name) for name in registry.names("task")]
    same = [task.name for task in tasks if task.name in learned]
    return same or [task.name for task in tasks if not {*learned}.isdisjoint(task.accepts)]
