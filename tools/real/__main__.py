"""Trains heads of a real encoder and evaluates them under noise, in stages that are resumed.

    python -m tools.real --data DIR [--full | --noise] [--plan] [--only STAGE]

Each stage is a command of robust-xtreme. A finished one is skipped, a stopped one continues where it was: the same
command does both, over days. A line a stage says how far it is, and logs are in OUT/logs. Recipes are in configs/real,
pages in reports/real; with `--noise` in reports/noise-real. `--plan` prints the stages with their time on two idle
cores, and runs nothing.
"""

from __future__ import annotations

import argparse
import resource
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from tools import real_data
from tools.real.stages import (
    ALIGN,
    DATA,
    ENCODER,
    EVAL,
    FIGURES,
    FINISHED,
    KEEP,
    MODULES,
    OUT,
    PROGRAM,
    TRAIN,
    Asked,
    Stage,
    is_done,
    stages,
)

from robust_xtreme.files import store

_STOPPED: Final = (129, 130, 143)
"""Exit codes of a command that was asked to end."""


def finished(out: Path) -> dict[str, Any]:
    """What is recorded of the stages that were finished."""
    path = out / FINISHED
    return dict(store.read_json(path)) if path.is_file() else {}


def plan(every: Sequence[Stage], out: Path) -> None:
    """Print the stages, what each takes, and the sums."""
    done = {stage.name for stage in every if is_done(stage, finished(out))}
    for stage in every:
        state = "finished" if stage.name in done else "started" if _is_started(stage) else "to do"
        print(f"{stage.name:22} {_amount(stage):>20} {_duration(stage.seconds):>8}  {state:8}  {_line(stage)}")
    of_train = [stage for stage in every if stage.kind == TRAIN]
    of_eval = [stage for stage in every if stage.kind == EVAL]
    train, evaluate = (sum(stage.seconds for stage in several) for several in (of_train, of_eval))
    predictions = sum(stage.size.predictions for stage in of_eval)
    rest = sum(stage.seconds for stage in every if stage.name not in done)
    trainings = f"trainings {_duration(train)}, " if of_train else ""
    print(
        f"{len(every)} stages on two idle cores: {trainings}evaluations {_duration(evaluate)} ({predictions:,} "
        f"predictions and queries at most), together {_duration(train + evaluate)}; left {_duration(rest)}"
    )


def _amount(stage: Stage) -> str:
    if stage.kind == TRAIN:
        return f"{stage.size.steps:,} steps"
    return f"{stage.size.predictions:,} predictions" if stage.size.predictions else ""


def _is_started(stage: Stage) -> bool:
    return stage.kind in PROGRAM and stage.folder.is_dir()


def _duration(seconds: float) -> str:
    return f"{seconds / 3600:.1f} h" if seconds >= 3600 else f"{max(1, round(seconds / 60))} min"


def _line(stage: Stage) -> str:
    return shlex.join(command(stage))


def command(stage: Stage) -> list[str]:
    """The command line of a stage, as it is written."""
    if stage.kind in PROGRAM:
        return ["robust-xtreme", *stage.words]
    return ["python", "-m", *_module(stage)]


def _module(stage: Stage) -> list[str]:
    """The module of a stage and the words after it."""
    if stage.kind == FIGURES:
        return [*stage.words]
    return [MODULES.get(stage.kind, "robust_xtreme"), *stage.words]


def recorded(stage: Stage) -> str:
    """The command line as reports have it; the folder of release files is DIR."""
    words = command(stage)
    return shlex.join([*words[:3], "DIR", *words[4:]] if stage.kind in (DATA, ALIGN) else words)


def run(stage: Stage, out: Path) -> int:
    """Run a stage in a process of its own, with its output in a log; returns the exit code."""
    path = out / "logs" / f"{stage.name}.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as log:
        log.write(f"$ {_line(stage)}\n".encode())
        log.flush()
        words = [sys.executable, "-m", *_module(stage)]
        with subprocess.Popen(words, stdout=log, stderr=subprocess.STDOUT) as process:
            try:
                return process.wait()
            except KeyboardInterrupt:
                process.wait()  # Ctrl-C reaches it too, and it saves its state first
                return 130
            except SystemExit:
                process.terminate()
                process.wait()
                raise


def run_all(every: Sequence[Stage], out: Path) -> int:
    """Run what is not finished, with a line for each stage; returns the first exit code that is not 0."""
    known = finished(out)
    failed: dict[str, int] = {}
    ratio, estimated, taken = 1.0, 0.0, 0.0
    for number, stage in enumerate(every, 1):
        head = f"[{number}/{len(every)}] {stage.name}"
        if is_done(stage, known):
            print(f"{head}: finished before", flush=True)
            continue
        if stage.kind != KEEP and (missing := [name for name in stage.needs if name in failed]):
            print(f"{head}: left out, needs {', '.join(missing)}", flush=True)
            failed[stage.name] = 0
            continue
        rest = sum(later.seconds for later in every[number - 1 :] if not is_done(later, known)) * ratio
        print(f"{head}: begins; about {_duration(rest)} left", flush=True)
        began, before = time.monotonic(), _processor()
        code = run(stage, out)
        if code in _STOPPED:
            print(f"{head}: stopped. The same command continues.", flush=True)
            return code
        if code:
            failed[stage.name] = code
            print(f"{head}: ended with {code}: {_last(out, stage)}", flush=True)
            continue
        if stage.kind in PROGRAM:  # the speed of this machine, by what took long enough to tell
            estimated, taken = estimated + stage.seconds, taken + time.monotonic() - began
            ratio = taken / estimated
        if stage.kind not in (FIGURES, KEEP):  # these take seconds, and are made anew
            known[stage.name] = {
                "digest": stage.digest(),
                "command": recorded(stage),
                "needs": list(stage.needs),
                "processor_seconds": round(_processor() - before),
            }
            store.write_json(out / FINISHED, known)
        print(f"{head}: finished in {_duration(time.monotonic() - began)}", flush=True)
    return next(filter(None, failed.values()), 0)


def _processor() -> float:
    """The processor time of all stages so far, in seconds."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _last(out: Path, stage: Stage) -> str:
    """The last line of a stage's log."""
    lines = (out / "logs" / f"{stage.name}.log").read_text("utf-8", errors="replace").strip().splitlines()
    return lines[-1][:300] if lines else ""


def chosen(every: Sequence[Stage], only: Sequence[str]) -> list[Stage]:
    """The stages that are named, with those that they need; all without names."""
    by_name = {stage.name: stage for stage in every}
    if unknown := [name for name in only if name not in by_name]:
        raise SystemExit(f"There is no stage {unknown[0]!r}. See: python -m tools.real --data DIR --plan")
    wanted = set(only or by_name)
    for stage in reversed(every):
        if stage.name in wanted and stage.kind != KEEP:
            wanted |= set(stage.needs)
    return [stage for stage in every if stage.name in wanted]


def check(asked: Asked) -> None:
    """Raise SystemExit where what the stages read is not there."""
    if not asked.data.is_dir():
        raise SystemExit(f"{asked.data} is not a folder of release files. Name it: --data DIR")
    if asked.encoder == str(ENCODER) and not ENCODER.is_dir():
        raise SystemExit(f"{ENCODER} is not there. Write it first: python -m tools.encoders {ENCODER.name}")
    if not real_data.copied(asked.data):
        raise SystemExit(f"{asked.data} has no release files. Name the folder that has them: --data DIR")


def asked_for() -> tuple[Asked, argparse.Namespace]:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder of release files")
    parser.add_argument(
        "--encoder", default=str(ENCODER), help="a folder or OWNER/NAME of the hub; then name --out too"
    )
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--lm", default="", help="a folder with a masked language model, for attack_words")
    parser.add_argument("--full", action="store_true", help="the whole grid: all languages, all items")
    parser.add_argument("--noise", action="store_true", help="natural errors, two languages in a text, scanned print")
    parser.add_argument("--plan", action="store_true")
    parser.add_argument("--only", action="append", default=[], metavar="STAGE", help="with what it needs; repeatable")
    words = parser.parse_args()
    return Asked(words.data, words.encoder, words.out, words.lm, words.full, words.noise), words


def main() -> None:
    """Run or plan the stages."""
    asked, words = asked_for()
    every = chosen(stages(asked), words.only)
    if words.plan:
        plan(every, asked.out)
        return
    check(asked)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(run_all(every, asked.out))


if __name__ == "__main__":
    main()
