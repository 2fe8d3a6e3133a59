"""Tries versions of Python and of libraries, and writes reports/matrix.md: `python -m tools.matrix [NAME ...]`.

Each environment is built as .venv-matrix-NAME. In it the tests of libraries (`TESTS`), the evaluation of `make eval`,
one training and commands on small files run, in those of locks/gate.txt only the last; then it is deleted. The figures
are kept in reports/matrix.json, each environment by itself, so that one can be tried again. `--count` builds none: it
counts these tests and all with the same marks, and writes the page. `--rotate` is for continuous integration: it tries
the Python whose turn it is by the day of the commit, writes nothing, and does nothing where the machine has no such
Python.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import textwrap
import time
import tomllib
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from tools.lock import parse_pins

from robust_xtreme.report.blocks import Heading, Phrase, Prose, ReportPage, Table, TableColumn
from robust_xtreme.report.renderers import markdown

ROOT: Final = Path(__file__).parents[1]
FIGURES: Final = ROOT / "reports" / "matrix.json"
PAGE: Final = ROOT / "reports" / "matrix.md"
LOCKS: Final = ROOT / "locks"
MINI: Final = ROOT / "reports" / "mini" / "scores.csv"

TESTS: Final = (
    "tests/unit/datasets",
    "tests/unit/files",
    "tests/unit/stats",
    "tests/e2e/test_eval.py",
    "tests/golden/test_noise.py",
)
"""Tests that use each library on which a version can matter, in few minutes of one core."""

MARKS: Final = "not long and not slow and not real and not process"
TESTERS: Final = ("hypothesis", "nlpaug", "pytest", "pytest-timeout", "statsmodels")
EVAL: Final = ("eval", "--tasks", "xtreme-r", "--perturb", "char_noise:0.1", "--no-cache", "--quiet")
TRAIN: Final = ("train", "small_ci", "--quiet")
COMMANDS: Final = (
    ("perturb", "rows.jsonl", "--fields", "text", "-l", "sw", "--perturb", "char_noise:0.1", "-o", "noisy.jsonl"),
    ("import", "rows.jsonl", "--model", "theirs", "-o", "imported"),
    ("report", "imported", "-o", "page.html"),
    ("compare", "imported", "imported"),
    ("gate", "imported", "--baseline", "imported"),
)
"""What runs without torch, each measured by itself."""

SHOWN: Final = ("torch", "transformers", "datasets", "lightning", "polars", "numpy")

_HEAD: Final = """\
The environments in which robust-xtreme was tried: `python -m tools.matrix` builds each of them, and in it runs tests of
libraries, the evaluation of `make eval` and the training `small_ci`. *lock*: the versions of `locks/default.txt`;
*lowest*: each library that `pyproject.toml` names at its lower bound, torch as in the lock; *newest*: what pip took on
that day, torch as in the lock. What is not in the table was not tried.
"""
_TESTS: Final = """\
Tests of libraries are those of {folders}, without those marked {marks}: {listed:,} of the {all:,} tests without these
marks ({share:.0f} %), as counted on {date}. They were chosen since they use each library on which a version can matter.
`make test` runs all, with the lock and one Python; no environment here ran the others. An environment ran fewer where
tests were written after it was tried.
"""
_SECONDS: Final = """\
Seconds are of the processor, and depend all the same on what else runs: *load* is how many processes ran or waited in
the mean of a minute, before the environment was built and at its end, then with its own, on {cores}. It was above the
number of cores in {busy}. So seconds of different rows are not comparable, and show no Python and no library to be
faster than another. Levels are those of `reports/mini/scores.csv`, in all languages or in those named.
"""
_LIGHT: Final = """\
`locks/gate.txt` has what `perturb`, `import`, `report`, `compare`, `baseline` and `gate` need: environments *gate* have
it alone, beside those with all libraries. Seconds are of pip from a near index, and of commands on a file of 400 rows;
like those above they depend on the load, and are not comparable between rows. MB do not depend on it. A command that
needs more ends with exit code 3 and the line `This needs torch, which is not installed. Install all that is missing:
pip install robust-xtreme`; noise that needs an extra, with 2 and its name.
"""


@final
@dataclass(frozen=True, slots=True)
class Environment:
    """A Python, and where the versions of libraries come from: lock, lowest, newest or gate; pins go before these."""

    name: str
    python: str
    libraries: str
    pins: tuple[str, ...] = ()


ENVIRONMENTS: Final = (
    Environment("3.11", "3.11", "lock"),
    Environment("3.12", "3.12", "lock"),
    Environment("3.13", "3.13", "lock"),
    Environment("gate-3.11", "3.11", "gate"),
    Environment("gate-3.12", "3.12", "gate"),
    Environment("gate-3.13", "3.13", "gate"),
    Environment("lowest", "3.11", "lowest"),
    Environment("newest", "3.11", "newest"),
    Environment("transformers4", "3.11", "newest", ("transformers==4.57.6",)),
)
ROTATED: Final = ("gate-3.12", "gate-3.13")
"""The environments of which continuous integration tries one: small ones, since it has minutes."""


@final
@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended: its exit code, seconds by the clock and of the processor, and what it printed."""

    code: int
    seconds: float
    processor: float
    printed: str


# -------------------------------------------------------------------------------------------------------- environments


def constraints(environment: Environment, project: str, lock: str) -> list[str]:
    """The versions that pip may take where no lock has them, one pin a line.

    `project` is the text of pyproject.toml, `lock` that of the locks that have torch and the testers.
    """
    locked = dict(pin.split("==", 1) for pin in parse_pins(lock))
    tested = {name: locked[name] for name in ("torch", *TESTERS)}
    lower = dict(lowest(project)) if environment.libraries == "lowest" else {}
    pins = {**lower, **tested, **dict(pin.split("==") for pin in environment.pins)}
    return [f"{name}=={version}" for name, version in pins.items()]


def lowest(project: str) -> Iterator[tuple[str, str]]:
    """Each dependency of a pyproject.toml with its lower bound."""
    for line in tomllib.loads(project)["project"]["dependencies"]:
        requirement = Requirement(line)
        yield requirement.name, next(each.version for each in requirement.specifier if each.operator == ">=")


def interpreter(version: str) -> Path | None:
    """A Python of this version: that of pyenv, else what the PATH has; None where there is none."""
    found = sorted(Path("~/.pyenv/versions").expanduser().glob(f"{version}.*/bin/python{version}"))
    named = [*map(str, found), *filter(None, [shutil.which(f"python{version}")])]
    working = (
        each for each in named if not subprocess.run([each, "-c", ""], capture_output=True, check=False).returncode
    )
    return next(map(Path, working), None)


def run(*words: str | Path, cwd: Path = ROOT) -> Ended:
    """Run a command and measure it."""
    before, start = _processor(), time.perf_counter()
    environ = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")}
    environ["ROBUST_XTREME_CACHE"] = str(ROOT / "runs" / "matrix-cache")
    done = subprocess.run(words, cwd=cwd, env=environ, capture_output=True, text=True, check=False)
    seconds, processor = time.perf_counter() - start, _processor() - before
    return Ended(done.returncode, round(seconds, 1), round(processor, 1), done.stdout + done.stderr)


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def installed(environment: Environment, python: Path, folder: Path) -> dict[str, Any]:
    """Build an environment: what pip took for the package, its size in MB and the versions. Raises SystemExit."""
    shutil.rmtree(folder, ignore_errors=True)
    made = run(python, "-m", "venv", folder)
    pip = folder / "bin" / "pip"
    install = (pip, "install", "--quiet", "--disable-pip-version-check")
    checkout = (*install, "--no-deps", "--no-build-isolation")
    if environment.libraries == "gate":
        package = [run(*install, *locked_words("gate", "build")), run(*checkout, ROOT)]
        testers: tuple[str | Path, ...] = ()
    elif environment.libraries == "lock":
        (cpu_build,) = (pin.partition("==")[2] for pin in parse_pins((LOCKS / "cpu.txt").read_text("utf-8")))
        torch = "cpu" if cpu_build in run(pip, "index", "versions", "torch").printed else "cuda"
        package = [run(*install, *locked_words(torch, "default", "build")), run(*checkout, "-e", ".")]
        testers = (*install, *locked_words("dev"))
    else:
        pins = folder / "constraints.txt"
        lock = "".join((LOCKS / name).read_text("utf-8") for name in ("default.txt", "dev.txt"))
        lines = constraints(environment, (ROOT / "pyproject.toml").read_text("utf-8"), lock)
        pins.write_text("\n".join(lines) + "\n", encoding="utf-8")
        package = [run(*install, "-c", pins, "-e", ".")]
        testers = (*install, "-c", pins, *TESTERS)
    size = megabytes(folder)
    done = [made, *package, *([run(*testers)] if testers else [])]
    if any(ended.code for ended in done):
        raise SystemExit(f"{environment.name} was not built:\n{''.join(each.printed for each in done)}")
    seconds = round(sum(each.seconds for each in package), 1)
    processor = round(sum(each.processor for each in package), 1)
    return {"seconds": seconds, "processor": processor, "mb": size, "versions": versions(folder)}


def locked_words(*names: str) -> list[str | Path]:
    """The words that install locks, as the Makefile does."""
    return ["--no-deps", "--require-hashes", *(word for name in names for word in ("-r", LOCKS / f"{name}.txt"))]


def megabytes(folder: Path) -> int:
    """The size of all files in a folder."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return sum(path.stat().st_size for path in files) // 10**6


def versions(folder: Path) -> dict[str, str]:
    """The versions of what pyproject.toml names in an environment, and of CUDA where torch is built for it."""
    printed = run(folder / "bin" / "pip", "list", "--format=json").printed
    listed: dict[str, str] = {
        canonicalize_name(each["name"]): each["version"] for each in json.loads(printed.partition("\n")[0])
    }
    needed = sorted({name for name, _ in lowest((ROOT / "pyproject.toml").read_text("utf-8"))} & listed.keys())
    cuda = {name: version for name, version in listed.items() if name == "cuda-toolkit"}
    return {name: listed[name] for name in needed} | cuda


# --------------------------------------------------------------------------------------------------------------- trials


def run_tests(folder: Path, paths: Sequence[str] = TESTS) -> dict[str, Any]:
    """The tests of libraries in an environment: how many passed and were skipped, and which failed, by name."""
    written = folder / "tests.xml"
    old = "ignore::DeprecationWarning"  # of libraries at their lower bounds, by what they use
    words = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", old, "-m", MARKS, f"--junitxml={written}", *paths)
    ended = run(folder / "bin" / "python", *words)
    if not written.is_file():
        raise SystemExit(f"the tests of libraries did not run:\n{ended.printed}")
    return {**counted(written.read_text("utf-8")), "seconds": ended.seconds, "processor": ended.processor}


def counted(junit: str) -> dict[str, Any]:
    """The counts of a file that pytest wrote."""
    cases = list(ET.fromstring(junit).iter("testcase"))
    failed = [case for case in cases if case.find("failure") is not None or case.find("error") is not None]
    skipped = sum(case.find("skipped") is not None for case in cases)
    names = [f"{case.attrib['classname']}::{case.attrib['name']}" for case in failed]
    return {"passed": len(cases) - len(failed) - skipped, "skipped": skipped, "failed": names}


def count() -> dict[str, Any]:
    """How many tests of libraries there are, and how many tests in all have the same marks. Raises SystemExit."""
    listed, every = (collected(*paths) for paths in (TESTS, ("tests",)))
    return {"date": datetime.now(UTC).date().isoformat(), "listed": listed, "all": every}


def collected(*paths: str) -> int:
    """How many tests pytest finds in paths by `MARKS`, with the Python that runs this."""
    done = run(sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", "-m", MARKS, *paths)
    found = re.search(r"^(\d+)(?:/\d+)? tests collected", done.printed, re.MULTILINE)
    if done.code or found is None:
        raise SystemExit(f"the tests were not counted:\n{done.printed[-2000:]}")
    return int(found[1])


def evaluated(program: Path, out: Path, languages: str) -> dict[str, Any]:
    """The evaluation of `make eval`, all of it or in some languages, and how its levels differ from reports/mini."""
    ended = run(program, *EVAL, *(("--languages", languages) if languages else ()), "--out", out)
    of = {"code": ended.code, "seconds": ended.seconds, "processor": ended.processor, "languages": languages}
    if ended.code:
        return {**of, "line": _last(ended)}
    levels, different, largest = differences(MINI.read_text("utf-8"), (out / "scores.csv").read_text("utf-8"))
    return {**of, "levels": levels, "different": different, "largest": largest}


def differences(kept: str, made: str) -> tuple[int, int, float]:
    """How many levels a scores.csv has, how many differ from kept ones of its languages, and by how many points.

    One that only one of them has differs by 100.
    """
    first, second = _levels(kept), _levels(made)
    languages = {key[2] for key in second}
    keys = {*second, *(key for key in first if key[2] in languages)}
    away = [abs(first[key] - second[key]) if key in first and key in second else 100.0 for key in keys]
    return len(away), sum(each > 0 for each in away), round(max(away), 6)


def _levels(text: str) -> dict[tuple[str, ...], float]:
    key = ("task", "split", "language", "context_language", "condition", "metric", "scope")
    return {tuple(row[name] for name in key): float(row["value"]) for row in csv.DictReader(text.splitlines())}


def trained(program: Path, out: Path) -> dict[str, Any]:
    """A training of seconds, in three stages."""
    ended = run(program, *TRAIN, "--out", out)
    of = {"code": ended.code, "seconds": ended.seconds, "processor": ended.processor}
    return {**of, "line": _last(ended)} if ended.code else of


def _last(ended: Ended) -> str:
    return ended.printed.strip().rpartition("\n")[2][:300]


def timed(program: Path, folder: Path) -> dict[str, Any]:
    """The seconds of the processor that each of `COMMANDS` takes, and by the clock; the exit code where it is not 0."""
    folder.mkdir(parents=True)
    (folder / "rows.jsonl").write_text("".join(map(row, range(400))), encoding="utf-8")
    ended = {words[0]: run(program, *words, cwd=folder) for words in COMMANDS}
    return {
        name: {"code": each.code, "seconds": each.seconds, "processor": each.processor} for name, each in ended.items()
    }


def row(number: int) -> str:
    """A line that `perturb` and `import` both read: an answer, half of them to noisy texts, a third of these wrong."""
    noise = {"condition": "char_noise:0.1", "noise_seed": 0} if number % 2 else {"condition": "clean"}
    of = {"id": str(number // 2), "task": "xnli", "language": "sw", "gold": "neutral", "text": "Habari ya asubuhi"}
    wrong = number % 2 and number % 3 == 0
    return json.dumps({**of, **noise, "prediction": "entailment" if wrong else "neutral"}) + "\n"


def tried(environment: Environment, python: Path, languages: str = "", *, keep: bool) -> dict[str, Any]:
    """All figures of an environment, which is deleted in the end unless it is to be kept."""
    folder, outs = ROOT / f".venv-matrix-{environment.name}", ROOT / "runs" / f"matrix-{environment.name}"
    shutil.rmtree(outs, ignore_errors=True)
    load = os.getloadavg()[0]
    try:
        figures: dict[str, Any] = {"install": installed(environment, python, folder)}
        program = folder / "bin" / "robust-xtreme"
        figures["commands"] = timed(program, outs / "commands")
        if environment.libraries != "gate":
            figures |= {"eval": evaluated(program, outs / "eval", languages), "tests": run_tests(folder, TESTS)}
            figures["train"] = trained(program, outs / "train")
        number = run(python, "-c", "import platform; print(platform.python_version())").printed.strip()
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)
            shutil.rmtree(outs, ignore_errors=True)
    commit = run("git", "log", "-1", "--format=%h").printed.strip()
    machine = {"cores": os.cpu_count(), "load": [round(load, 1), round(os.getloadavg()[0], 1)]}
    when = {"date": datetime.now(UTC).date().isoformat(), "commit": commit, "machine": machine, "python": number}
    return {**when, "libraries": environment.libraries, "pins": list(environment.pins), **figures}


def failures(figures: dict[str, Any]) -> list[str]:
    """What failed in an environment, in words."""
    codes = {**figures.get("commands", {}), **{name: figures[name] for name in ("eval", "train") if name in figures}}
    ended = [
        f"{name} ended with {each['code']}: {each.get('line', '')}" for name, each in codes.items() if each["code"]
    ]
    return [*ended, *figures.get("tests", {}).get("failed", ())]


# ---------------------------------------------------------------------------------------------------------------- page


def page(kept: dict[str, Any]) -> str:
    """The page, in Markdown, of what is kept: the counts of tests and the figures of each environment."""
    figures: dict[str, Any] = kept["environments"]
    whole = {name: each for name, each in figures.items() if "eval" in each}
    head = f"{_HEAD}\n{_counts(kept['tests'])}"
    blocks = (Prose(head), _table(whole), Prose(_notes(figures)), Heading("Without torch"), Prose(_LIGHT))
    return markdown.render(ReportPage("Versions that were tried", (*blocks, _commands(figures))))


def _counts(tests: dict[str, Any]) -> str:
    """What the tests of libraries are, and which share of all."""
    folders = ", ".join(f"`{path}`" for path in TESTS)
    marks = ", ".join(MARKS.replace("not ", "").split(" and "))
    return _filled(_TESTS.format(folders=folders, marks=marks, share=100 * tests["listed"] / tests["all"], **tests))


def _filled(paragraph: str) -> str:
    """A paragraph in lines as long as those of the other pages."""
    return textwrap.fill(paragraph, 120, break_long_words=False, break_on_hyphens=False) + "\n"


def _table(figures: dict[str, Any]) -> Table:
    heads = ("environment", "Python", *SHOWN, "tests of libraries", "make eval", "train", "load", "date, commit")
    return Table(tuple(TableColumn(name) for name in heads), tuple(_row(name, each) for name, each in figures.items()))


def _row(name: str, each: dict[str, Any]) -> tuple[Phrase, ...]:
    versions = each["install"]["versions"]
    build = " (CUDA build)" if "cuda-toolkit" in versions else " (CPU build)"
    shown = [versions[library].split("+")[0] + (build if library == "torch" else "") for library in SHOWN]
    trials = (_of_tests(each.get("tests")), _of_eval(each["eval"]), _of_train(each["train"]))
    when = f"{each['date']}, {each['commit'] or '-'}"
    return (_named(name, each), each["python"], *shown, *trials, _load(each), when)


def _load(each: dict[str, Any]) -> str:
    """The load of the machine before an environment was tried and after it."""
    return "{}, {}".format(*each["machine"]["load"])


def _named(name: str, each: dict[str, Any]) -> str:
    return f"{name} ({', '.join((each['libraries'], *each['pins']))})"


def _of_tests(figures: dict[str, Any] | None) -> str:
    if figures is None:
        return "not run"
    failed = f", {len(figures['failed'])} failed" if figures["failed"] else ""
    skipped = f", {figures['skipped']} skipped" if figures["skipped"] else ""
    return f"{figures['passed']:,} passed{failed}{skipped}; {figures['processor']:.0f} s"


def _of_eval(figures: dict[str, Any]) -> str:
    if figures["code"]:
        return f"exit code {figures['code']}"
    equal = f"{figures['levels']} levels, all equal"
    if figures["different"]:
        equal = (
            f"{figures['different']} of {figures['levels']} levels differ, by at most {figures['largest']:.2g} points"
        )
    of = f" ({figures['languages'].replace(',', ', ')})" if figures["languages"] else ""
    return f"{equal}{of}; {_seconds(figures)}"


def _of_train(figures: dict[str, Any]) -> str:
    return f"exit code {figures['code']}" if figures["code"] else _seconds(figures)


def _seconds(figures: dict[str, Any]) -> str:
    """The seconds of the processor, or that they were not measured."""
    return "not measured" if figures["processor"] is None else f"{figures['processor']:.0f} s"


def _notes(figures: dict[str, Any]) -> str:
    """What the seconds depend on, and what failed, by name."""
    lines = [f"- {name}: {line}" for name, each in figures.items() for line in failures(each)]
    told = [f"\n{name}: {each['note']}" for name, each in figures.items() if "note" in each]
    machines = [each["machine"] for each in figures.values()]
    cores = " or ".join(sorted({f"{each['cores']} cores" for each in machines}))
    busy = sum(max(each["load"]) > each["cores"] for each in machines)
    seconds = _filled(_SECONDS.format(cores=cores, busy=f"{busy} of {len(machines)} environments"))
    failed = "\nWhat failed:\n\n" + "\n".join(lines) + "\n" if lines else f"\n{_passed(figures)}"
    return seconds + failed + "\n".join(told)


def _passed(figures: dict[str, Any]) -> str:
    """What did not fail, by counts."""
    tests = sum(each["tests"]["passed"] for each in figures.values() if each.get("tests"))
    names = ", ".join(f"`{words[0]}`" for words in COMMANDS)
    whole = sum("eval" in each for each in figures.values())
    return _filled(f"""\
Nothing of what was run failed: {tests:,} tests of libraries, evaluations and trainings in {whole} environments, and
{names} in {len(figures)}. Of other tests and commands this page says nothing.
""")


def _commands(figures: dict[str, Any]) -> Table:
    heads = ("environment", "Python", "MB", "pip", *(f"{words[0]}, s" for words in COMMANDS), "load")
    columns = tuple(TableColumn(name, right=name not in heads[:2]) for name in heads)
    rows = []
    for name, each in figures.items():
        install, ended = each["install"], [each["commands"][words[0]] for words in COMMANDS]
        taken = [f"exit code {one['code']}" if one["code"] else f"{one['processor']:.1f}" for one in ended]
        row = (_named(name, each), each["python"], f"{install['mb']:,}", _seconds(install), *taken, _load(each))
        rows.append(row)
    return Table(columns, tuple(rows))


# ------------------------------------------------------------------------------------------------------------- command


def turn(day: int) -> str:
    """The environment that continuous integration tries on a day (days since 1970)."""
    return ROTATED[day % len(ROTATED)]


def rotate() -> int:
    """Try the Python whose turn it is; exit code 1 where something failed."""
    name = turn(int(run("git", "log", "-1", "--format=%ct").printed or 0) // 86400)
    environment = next(each for each in ENVIRONMENTS if each.name == name)
    python = interpreter(environment.python)
    if python is None:
        print(f"No Python {environment.python} on this machine: no other version was tried")
        return 0
    figures = tried(environment, python, keep=False)
    print(json.dumps(figures, indent=1))
    return 1 if failures(figures) else 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Try environments, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [each.name for each in ENVIRONMENTS]
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"environments: {', '.join(names)}; all without one")
    parser.add_argument("--languages", default="", help="evaluate in these alone, separated by commas")
    parser.add_argument("--keep", action="store_true", help="leave the environments there")
    parser.add_argument("--rotate", action="store_true", help="try the Python whose turn it is, and write nothing")
    parser.add_argument("--count", action="store_true", help="try none: count the tests, and write the page")
    options = parser.parse_args(arguments)
    if options.rotate:
        return rotate()
    if unknown := set(options.names) - set(names):
        parser.error(f"{', '.join(sorted(unknown))}: not an environment; there are {', '.join(names)}")
    kept = json.loads(FIGURES.read_text("utf-8")) if FIGURES.is_file() else {"environments": {}}
    write({**kept, "tests": count()})
    for environment in () if options.count else ENVIRONMENTS:
        if options.names and environment.name not in options.names:
            continue
        python = interpreter(environment.python)
        if python is None:
            print(f"{environment.name}: no Python {environment.python} on this machine")
            continue
        print(environment.name, flush=True)
        kept = json.loads(FIGURES.read_text("utf-8"))
        kept["environments"][environment.name] = tried(environment, python, options.languages, keep=options.keep)
        write(kept)
    return 0


def write(kept: dict[str, Any]) -> None:
    """Write the figures, environments in the order of `ENVIRONMENTS`, and the page."""
    figures = {each.name: kept["environments"][each.name] for each in ENVIRONMENTS if each.name in kept["environments"]}
    kept = {"tests": kept["tests"], "environments": figures}
    FIGURES.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(page(kept), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
