"""Makes or continues with the whole study, and writes its report.

`python -m tools.transfer.study --data DIR --work runs/transfer-small --report reports/transfer-small`

Everything finished is kept, so the same command continues where it was stopped; a piece that fails is named, and the
others continue. Everything is computed on the CPU, one thread a process.
"""

from __future__ import annotations

import argparse
import platform
import shlex
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

import polars as pl
import torch
from tools.transfer import collect, page, work
from tools.transfer.plan import EVALUATED, SQUAD, TARGETS, Chain, Settings, Study, link_data, write_files

from robust_xtreme import __version__
from robust_xtreme.errors import RobustXtremeError

DEFAULT_REPORT: Final = Path("reports/transfer-small")
DATA: Final = '"$ROBUST_XTREME_DATA"'


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, evaluate, report."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    options = _parser().parse_args(words)
    study = Study(_settings(options), options.work)
    try:
        if options.chain:
            return 1 if work.make_chain(study, Chain(options.chain[0], int(options.chain[1]))) else 0
        if not options.only_report:
            _make(study, options, words)
        return _report(study, options)
    except RobustXtremeError as error:
        print(error, file=sys.stderr)
        return 2


def _make(study: Study, options: argparse.Namespace, words: Sequence[str]) -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the processes of chains end too
    link_data(options.data, study)
    write_files(study)
    torch.set_num_threads(1)
    work.make_base(study)
    print("base is complete", flush=True)
    work.run_chains(study, words, options.workers, options.minutes, lambda line: print(line, flush=True))


def _report(study: Study, options: argparse.Namespace) -> int:
    runs, models = collect.collect(study)
    if runs.is_empty():
        print("Nothing is evaluated yet: no report is written.", file=sys.stderr)
        return 1
    page.write(options.report, runs, models, _facts(study, options, runs))
    print(options.report / page.REPORT)
    return 0


def _facts(study: Study, options: argparse.Namespace, runs: pl.DataFrame) -> dict[str, Any]:
    """What the page tells beside the frames: settings, commands, machine, files, and what is missing."""
    settings = study.settings
    shown = study.as_made()
    chain = Chain(settings.arms[-1], 0)
    names = ("base", chain.name, f"{chain.name}-{TARGETS[0]}")
    return {
        "settings": asdict(settings),
        "arms": list(settings.arms),
        "squad_dev": not (options.data / SQUAD[0]).is_file(),
        "commands": [_command(options, shown.work), *_commands(shown, chain)],
        "files": [study.file(name).read_text("utf-8") for name in names],
        "measured_on": _machine(options),
        "missing": _missing(study, runs),
        "seconds": work.seconds(study),
    }


def _command(options: argparse.Namespace, made: Path) -> str:
    """The command line that makes what is reported, in the work folder that the runs were made in."""
    known = {"data", "work", "report", "chain", "only_report", "minutes"}
    given = [
        f"--{key.replace('_', '-')} {shlex.quote(str(value))}"
        for key, value in vars(options).items()
        if key not in known and value != _parser().get_default(key)
    ]
    report = Path(DEFAULT_REPORT.parent, options.report.name) if options.report.is_absolute() else options.report
    where = [f"--data {DATA}", f"--work {shlex.quote(str(made))}", f"--report {shlex.quote(str(report))}"]
    return " ".join(["python -m tools.transfer.study", *where, *given])


def _commands(study: Study, chain: Chain) -> list[str]:
    """What the tool does of a chain, as commands that a user can type."""
    names = ("base", chain.name, *(f"{chain.name}-{target}" for target in TARGETS))
    trained = [f"robust-xtreme train {study.file(name)}" for name in names]
    return [*trained, *(_eval_command(work.evaluation(study, chain, task)) for task in EVALUATED)]


def _eval_command(words: Mapping[str, Any]) -> str:
    given = {key: ",".join(value) if isinstance(value, list) else value for key, value in words.items()}
    options = [f"--{key} {value}" for key, value in given.items() if value and key != "offline"]
    return " ".join(["robust-xtreme eval --offline", *options])


def _machine(options: argparse.Namespace) -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text("utf-8").splitlines() if info.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    cpu = names[0] if names else platform.machine()
    return (
        f"robust-xtreme {__version__}, torch {torch.__version__}, Python {platform.python_version()}, on {cpu}, "
        f"{options.workers} processes of one thread"
    )


def _missing(study: Study, runs: pl.DataFrame) -> list[str]:
    there = set(runs.select("arm", "seed", "target").unique().iter_rows())
    every = [(chain.arm, chain.seed, target) for chain in study.chains() for target in EVALUATED]
    return [f"{arm} seed {seed} {target}" for arm, seed, target in every if (arm, seed, target) not in there]


def _settings(options: argparse.Namespace) -> Settings:
    plain = Settings()
    return replace(
        plain,
        seeds=options.seeds,
        choice=options.choice,
        size=options.size,
        base_steps=options.steps_base,
        intermediate_steps=options.steps_intermediate,
        target_steps=_numbers(options.steps_target),
        batch_size=options.batch_size,
        target_batch=_numbers(options.batch_target),
        limits=_numbers(options.limit),
    )


def _numbers(text: str) -> dict[str, int]:
    """`xnli=300,panx=200` as a mapping."""
    return {name: int(number) for name, _, number in (word.partition("=") for word in text.split(","))}


def _joined(numbers: dict[str, int]) -> str:
    return ",".join(f"{name}={number}" for name, number in numbers.items())


def _parser() -> argparse.ArgumentParser:
    plain = Settings()
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--data", type=Path, required=True, help="the folder of release files")
    parser.add_argument("--work", type=Path, default=Path("runs/transfer-small"), help="where runs are kept")
    parser.add_argument("--report", type=Path, default=DEFAULT_REPORT)
    parser.add_argument("--seeds", type=int, default=plain.seeds)
    parser.add_argument("--choice", default=plain.choice, help="the intermediate task of choices")
    parser.add_argument("--size", default=plain.size)
    parser.add_argument("--steps-base", type=int, default=plain.base_steps)
    parser.add_argument("--steps-intermediate", type=int, default=plain.intermediate_steps)
    parser.add_argument("--steps-target", default=_joined(dict(plain.target_steps)), metavar="TASK=N,...")
    parser.add_argument("--batch-size", type=int, default=plain.batch_size, help="of intermediate stages")
    parser.add_argument("--batch-target", default=_joined(dict(plain.target_batch)), metavar="TASK=N,...")
    parser.add_argument("--limit", default=_joined(dict(plain.limits)), metavar="TASK=N,...", help="rows a language")
    parser.add_argument("--workers", type=int, default=2, help="processes at a time")
    parser.add_argument("--minutes", type=float, default=100.0, help="after them no further chain is begun")
    parser.add_argument("--only-report", action="store_true", help="of what is there")
    parser.add_argument("--chain", nargs=2, metavar=("ARM", "SEED"), help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
