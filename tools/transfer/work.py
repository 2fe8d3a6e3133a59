"""Trains and evaluates: one process a chain, several at a time; what is finished is kept, what failed is named."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

from tools.transfer.plan import NONE, TARGETS, ZERO_SHOT, Chain, Study

from robust_xtreme import api, resources
from robust_xtreme.errors import RobustXtremeError
from robust_xtreme.languages import codes
from robust_xtreme.results import store
from robust_xtreme.training import spec as train_spec

_PAUSE: Final = 0.5
_TOOK: Final = re.compile(r"((?:eval )?[\w-]+): (\d+\.\d) s")
_LANGUAGES: Final = codes("ar bg de el en es fr hi ru sw th tr ur vi zh")
_SPLITS: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "xnli": ("validation", _LANGUAGES),
    "panx": ("validation", _LANGUAGES),
    "tydiqa": ("train", ("sw",)),
    ZERO_SHOT: ("test", tuple(language for language in _LANGUAGES if language != "en")),
}
"""The split of each task that is evaluated, and its languages: XNLI's fifteen, all of them in the text of masked LM.

TyDiQA's validation files contain no answers here; of its Swahili training split no run has seen anything.
"""


def make_base(study: Study) -> None:
    """The shared model, trained or found."""
    started = time.process_time()
    _train(study, "base")
    with (store.make_folder(study.work / "logs") / "base.log").open("a", encoding="utf-8") as log:
        print(f"base: {time.process_time() - started:.1f} s", file=log)


def make_chain(study: Study, chain: Chain) -> list[str]:
    """Train and evaluate everything of a chain; what failed, a line each."""
    failed: list[str] = []
    if chain.arm != NONE and not _done(failed, chain.name, lambda: _train(study, chain.name)):
        return failed
    able = [
        target
        for target in TARGETS
        if _done(failed, f"{chain.name}-{target}", _training(study, f"{chain.name}-{target}"))
    ]
    for task in (*able, ZERO_SHOT):
        _done(failed, f"eval {chain.name}-{task}", _evaluating(study, chain, task))
    return failed


def _done(failed: list[str], name: str, work: Callable[[], object]) -> bool:
    """Whether a piece is there; where it is not, the reason is printed, and others continue."""
    started = time.process_time()
    try:
        work()
    except RobustXtremeError as error:
        failed.append(f"{name}: {error}")
    except Exception as error:  # noqa: BLE001 - a piece that breaks is named, and the other pieces continue
        failed.append(f"{name}: {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}")
    else:
        print(f"{name}: {time.process_time() - started:.1f} s", flush=True)
        return True
    print(f"FAILED {failed[-1]}", flush=True)
    return False


def _training(study: Study, name: str) -> Callable[[], object]:
    return lambda: _train(study, name)


def _train(study: Study, name: str) -> None:
    path = study.file(name)
    api.train(train_spec.from_tables(resources.toml(path), str(path)))


def _evaluating(study: Study, chain: Chain, task: str) -> Callable[[], object]:
    return lambda: api.evaluate(**evaluation(study, chain, task), cache=False)


def evaluation(study: Study, chain: Chain, task: str) -> dict[str, Any]:
    """The arguments of `evaluate` for a task of a chain; each has a folder of its own."""
    split, languages = _SPLITS[task]
    run = study.encoder(chain) if task == ZERO_SHOT else study.run(chain, task)
    return {
        "model": [f"{task}={run}"],
        "data": str(study.data),
        "tasks": [task],
        "split": split,
        "languages": list(languages),
        "limit": str(study.settings.limits.get(task, "")),
        "device": "cpu",
        "offline": True,
        "out": str(study.evaluation(chain, task)),
    }


def evaluations(study: Study, chain: Chain) -> Iterator[Path]:
    """The finished evaluations of a chain."""
    for task in _SPLITS:
        folder = study.evaluation(chain, task)
        if store.complete(folder / "manifest.json") and store.read_json(folder / "manifest.json").get("complete"):
            yield folder


def seconds(study: Study) -> dict[str, float]:
    """The processor time of each piece when it was made, as the logs say: of one that was found later, the longest.

    Only those of the base and of the study's own chains: the folder may contain more seeds.
    """
    longest: dict[str, float] = {}
    names = ("base", *(chain.name for chain in study.chains()))
    for log in filter(Path.is_file, (study.work / "logs" / f"{name}.log" for name in names)):
        for line in log.read_text("utf-8", "replace").splitlines():
            if match := _TOOK.fullmatch(line):
                longest[match[1]] = max(longest.get(match[1], 0.0), float(match[2]))
    return longest


# ----------------------------------------------------------------------------------------------------------- processes


@final
@dataclass(frozen=True, slots=True)
class _Worker:
    """A process at work on a chain, and where it writes what it says."""

    chain: Chain
    process: subprocess.Popen[bytes]
    log: Path
    reported: int


def run_chains(study: Study, words: Sequence[str], workers: int, minutes: float, say: Callable[[str], None]) -> None:
    """Every chain in a process of its own, `workers` at a time; after `minutes` none is begun.

    `words` are those of the command line, after which each process gets its chain.
    """
    todo, busy = list(study.chains()), list[_Worker]()
    begun = time.monotonic()
    try:
        while todo or busy:
            if todo and time.monotonic() - begun > 60 * minutes:
                say(
                    f"{len(todo)} chains were not begun after {minutes:g} minutes; the same command continues with them"
                )
                todo.clear()
            busy += [_begin(study, todo.pop(0), words) for _ in range(min(workers - len(busy), len(todo)))]
            done = [worker for worker in busy if worker.process.poll() is not None]
            for worker in done:
                _tell(worker, say)
            busy = [worker for worker in busy if worker not in done]
            time.sleep(_PAUSE)
    finally:
        for worker in busy:
            worker.process.terminate()
        for worker in busy:
            worker.process.wait()


def _begin(study: Study, chain: Chain, words: Sequence[str]) -> _Worker:
    log = store.make_folder(study.work / "logs") / f"{chain.name}.log"
    command = [sys.executable, "-m", "tools.transfer.study", *words, "--chain", chain.arm, str(chain.seed)]
    reported = log.stat().st_size if log.is_file() else 0
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with log.open("ab") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env=environment)
    return _Worker(chain, process, log, reported)


def _tell(worker: _Worker, say: Callable[[str], None]) -> None:
    lines = worker.log.read_bytes()[worker.reported :].decode("utf-8", "replace").splitlines()
    failed = [line for line in lines if line.startswith("FAILED ")]
    if worker.process.returncode and not failed:
        failed = [f"FAILED {worker.chain.name}: {lines[-1] if lines else 'no word'} (exit {worker.process.returncode})"]
    for line in failed or [f"{worker.chain.name} is complete"]:
        say(line)
