"""Environments that robust-xtreme is tried in: `nox --list` names them, and CI runs `gate` on 3.12 or 3.13, in turn.

torch is the build of the package index with the libraries of CUDA; `TORCH=cpu nox ...` takes the build for the CPU,
where pip finds that.
"""

from __future__ import annotations

import csv
import json
import os
import re
import tomllib
from pathlib import Path
from typing import Final

import nox
from packaging.requirements import Requirement

nox.options.default_venv_backend = "venv"

ROOT: Final = Path(__file__).parent
PYTHONS: Final = ("3.11", "3.12", "3.13")
HASHED: Final = ("--no-deps", "--require-hashes")
TESTERS: Final = ("hypothesis", "nlpaug", "pytest", "pytest-timeout", "statsmodels")
LIBRARY_TESTS: Final = (
    "tests/unit/datasets",
    "tests/unit/files",
    "tests/unit/stats",
    "tests/e2e/test_eval.py",
    "tests/golden/test_noise.py",
)
"""Tests that use each library on which a version can matter, in few minutes of one core."""


@nox.session(python=PYTHONS)
def gate(session: nox.Session) -> None:
    """The versions of locks/gate.txt, without torch: perturb, import, report, compare and gate."""
    session.install("--require-hashes", "-r", "locks/gate.txt", "-r", "locks/build.txt")
    session.install("--no-deps", "--no-build-isolation", ".")
    folder = Path(session.create_tmp())
    (folder / "rows.jsonl").write_text("".join(format_row(number) for number in range(400)), encoding="utf-8")
    session.chdir(folder)
    for command in (
        "perturb rows.jsonl --fields text -l sw --perturb char_noise:0.1 -o noisy.jsonl --force",
        "import rows.jsonl --model theirs -o imported --force",
        "report imported -o page.html --force",
        "compare imported imported",
        "gate imported --baseline imported",
    ):
        session.run("robust-xtreme", *command.split())


@nox.session(python=PYTHONS)
def locked(session: nox.Session) -> None:
    """The versions of locks/default.txt: tests of libraries, the evaluation of `make eval`, and a training."""
    names = (os.environ.get("TORCH", "cuda"), "default", "build", "dev")
    session.install(*HASHED, *(word for name in names for word in ("-r", f"locks/{name}.txt")))
    session.install("--no-deps", "--no-build-isolation", "-e", ".")
    try_libraries(session)


@nox.session(python="3.11")
@nox.parametrize("versions", ["lowest", "newest", "transformers4"])
def bounds(session: nox.Session, versions: str) -> None:
    """Each library at its lower bound, or the newest that pip takes; torch and what runs the tests as in the locks."""
    locks = "".join((ROOT / "locks" / f"{name}.txt").read_text("utf-8") for name in ("cpu", "default", "dev"))
    locked_versions = dict(re.findall(r"^([\w.-]+)==([\w.]+)", locks, re.MULTILINE))
    pins = {name: locked_versions[name] for name in ("torch", *TESTERS)}
    if versions == "lowest":
        project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
        for requirement in map(Requirement, project["dependencies"]):
            bound = next(each.version for each in requirement.specifier if each.operator == ">=")
            pins.setdefault(requirement.name, bound)
    elif versions == "transformers4":
        pins["transformers"] = "4.57.6"
    constraints = Path(session.create_tmp()) / "constraints.txt"
    constraints.write_text("".join(f"{name}=={version}\n" for name, version in pins.items()), encoding="utf-8")
    session.install("-c", str(constraints), "-e", ".", *TESTERS)
    try_libraries(session)


def try_libraries(session: nox.Session) -> None:
    """Run the tests of libraries, and an evaluation whose levels are those of reports/mini, and train for seconds."""
    marks = "not long and not slow and not real and not process"
    deprecations = "ignore::DeprecationWarning"  # of libraries at their lower bounds, by what they use
    session.run("python", "-m", "pytest", "-q", "-W", deprecations, "-m", marks, *LIBRARY_TESTS)
    folder = Path(session.create_tmp())
    evaluation = "eval --tasks xtreme-r --perturb char_noise:0.1 --no-cache --quiet --force --out"
    session.run("robust-xtreme", *evaluation.split(), str(folder / "eval"))
    expected, levels = (read_levels(path) for path in (ROOT / "reports/mini", folder / "eval"))
    if different := sum(expected.get(key) != levels.get(key) for key in expected | levels):
        session.error(f"{different} of {len(expected)} levels differ from those of reports/mini/scores.csv")
    session.run("robust-xtreme", "train", "small_ci", "--quiet", "--force", "--out", str(folder / "train"))


def read_levels(run: Path) -> dict[tuple[str, ...], float]:
    """The value of each cell of a run, by what names the cell."""
    key = ("task", "split", "language", "context_language", "condition", "metric", "scope")
    rows = csv.DictReader((run / "scores.csv").read_text("utf-8").splitlines())
    return {tuple(row[name] for name in key): float(row["value"]) for row in rows}


def format_row(number: int) -> str:
    """A line that `perturb` and `import` both read: an answer, half of them to noisy texts, a third of these wrong."""
    is_noisy, is_wrong = number % 2 == 1, number % 6 == 3
    row = {
        "id": str(number // 2),
        "task": "xnli",
        "language": "sw",
        "condition": "char_noise:0.1" if is_noisy else "clean",
        "noise_seed": 0 if is_noisy else None,
        "text": "Habari ya asubuhi",
        "gold": "neutral",
        "prediction": "entailment" if is_wrong else "neutral",
    }
    return json.dumps({name: value for name, value in row.items() if value is not None}) + "\n"
