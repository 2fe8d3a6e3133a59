"""Writes the files of locks/: `make lock`. Each pins what an environment needs, with the hash of every file of a pin.

uv resolves. Versions that a lock has stay while they fit, unless the option `--upgrade` is given. Locks that are
installed together agree, and a pin is in one of them.

torch has two builds of one version. That of the package index needs the libraries of CUDA, which are in
locks/cuda.txt; that for the CPU, which is elsewhere, needs none, and locks/cpu.txt asks for it. Locks with torch have
the hashes of both. Where the place of the CPU builds is not reached, locks/cpu.txt stays while it fits.
"""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias, final

from packaging.requirements import Requirement

from robust_xtreme.core.errors import LARGE

ROOT: Final = Path(__file__).parents[1]
FOLDER: Final = ROOT / "locks"
PROJECT: Final = "pyproject.toml"
BUILD: Final = tuple(tomllib.loads((ROOT / PROJECT).read_text("utf-8"))["build-system"]["requires"])
TESTS: Final = ("hypothesis", "pytest", "pytest-timeout")
PYTHONS: Final = ("3.11.5", "3.12.0", "3.13.0")
MACHINES: Final = ("x86_64", "aarch64")
CUDA: Final = re.compile("nvidia-|cuda-|triton$")

Pins: TypeAlias = Mapping[str, str]
"""Requirements, each a name with `==`, a version and perhaps a marker; and the lines of their hashes."""


@final
@dataclass(frozen=True, slots=True)
class Lock:
    """A lock: what it has, what uv resolves for it, and the locks that a command installs together.

    It leaves out what the locks of `adds_to` have, and agrees with them and with those of `agrees_with`.
    """

    name: str
    about: str
    used_with: tuple[str, ...]
    sources: tuple[str, ...] = (PROJECT,)
    extras: tuple[str, ...] = ()
    without: frozenset[str] = frozenset()
    adds_to: tuple[str, ...] = ()
    agrees_with: tuple[str, ...] = ()


LOCKS: Final = (
    Lock("default", "what robust-xtreme needs; cuda.txt or cpu.txt has the rest of torch", ("cuda", "default")),
    Lock("cuda", "what torch of the package index needs besides", ("cuda", "default"), agrees_with=("default",)),
    Lock(
        "dev", "what the checks need besides", ("cuda", "default", "dev"), extras=("dev", "bench"), adds_to=("default",)
    ),
    Lock(
        "build",
        "what builds robust-xtreme from a checkout, by pip install --no-deps --no-build-isolation",
        ("build",),
        BUILD,
        agrees_with=("default", "dev"),
    ),
    Lock(
        "gate",
        "what robust-xtreme needs to perturb and import files, and to read, compare and gate runs, without torch",
        ("gate", "build"),
        without=frozenset({*(name.replace("_", "-") for name in LARGE), "faiss-cpu"}),
        agrees_with=("default",),
    ),
    Lock(
        "ray",
        "what Ray and its tests need besides",
        ("cuda", "default", "ray"),
        (PROJECT, *TESTS),
        extras=("ray",),
        adds_to=("default",),
        agrees_with=("dev",),
    ),
    Lock(
        "sentence",
        "what sentence-transformers and its tests need besides",
        ("cuda", "default", "sentence"),
        (PROJECT, "sentence-transformers", *TESTS),
        adds_to=("default",),
        agrees_with=("dev",),
    ),
    Lock(
        "textattack",
        "what robust-xtreme needs with TextAttack and its tests, transformers 4 among it",
        ("cuda", "textattack"),
        (PROJECT, *TESTS),
        extras=("images", "textattack"),
        agrees_with=("cuda",),
    ),
    Lock(
        "bridge",
        "what robust-xtreme needs with lm-eval and its tests, and the last transformers that its tasks use",
        ("cuda", "bridge"),
        (PROJECT, *TESTS),
        extras=("lm-eval",),
        agrees_with=("cuda",),
    ),
    Lock(
        "inspect",
        "what inspect_ai needs to run a model; its fsspec is not that of datasets, so robust-xtreme is elsewhere",
        ("cuda", "inspect"),
        ("inspect_ai", "torch", "transformers", "accelerate"),
        agrees_with=("cuda",),
    ),
)


def parse_pins(text: str) -> dict[str, str]:
    """The pins of a lock, or of what uv prints."""
    blocks = re.findall(r"^([a-z0-9][^\n]*?) *\\?\n((?:    [^\n]+\n)*)", text, re.MULTILINE)
    return dict(blocks)


def name_of(pin: str) -> str:
    """The name of a package in a pin."""
    return pin.partition("==")[0]


def resolve(lock: Lock, written: Mapping[str, Pins], *options: str) -> dict[str, str]:
    """The pins that a lock needs on the supported Pythons and machines, all that it is added to among them."""
    beside = [pin for name in (*lock.adds_to, *lock.agrees_with) for pin in written[name]]
    path = FOLDER / f"{lock.name}.txt"
    before = parse_pins(path.read_text("utf-8")) if path.is_file() else {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = {
            "sources.in": [source for source in lock.sources if source != PROJECT],
            "constraints.txt": beside,
            "excludes.txt": sorted(lock.without),
            "lock.txt": [*before, *beside],
        }
        for file, lines in files.items():
            (folder / file).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        words = ["--universal", "--python-version", PYTHONS[0], "--no-annotate", "--no-header", *options]
        words += [word for extra in lock.extras for word in ("--extra", extra)]
        words += ["--constraints", str(folder / "constraints.txt"), "--excludes", str(folder / "excludes.txt")]
        words += ["--output-file", str(folder / "lock.txt"), str(folder / "sources.in")]
        run_uv(*words, *([PROJECT] if PROJECT in lock.sources else []), check=True)
        pins = parse_pins((folder / "lock.txt").read_text("utf-8"))
    return {simple: pins[pin] for pin in pins if (simple := for_supported(pin))}


def run_uv(*words: str, check: bool, lines: str = "") -> subprocess.CompletedProcess[str]:
    """Run `uv pip compile` with hashes."""
    start = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--generate-hashes"]
    return subprocess.run([*start, *words], cwd=ROOT, input=lines, stdout=subprocess.PIPE, text=True, check=check)


def for_supported(pin: str) -> str:
    """A pin without its marker where all that is supported needs it, and empty where nothing does."""
    requirement = Requirement(pin)
    if requirement.marker is None:
        return pin
    needed = []
    for python, machine in itertools.product(PYTHONS, MACHINES):
        values = {"python_full_version": python, "python_version": python.rpartition(".")[0]}
        values |= {"platform_machine": machine, "platform_python_implementation": "CPython", "platform_system": "Linux"}
        needed.append(requirement.marker.evaluate(values | {"sys_platform": "linux", "os_name": "posix"}))
    return pin.partition(" ;")[0] if all(needed) else pin if any(needed) else ""


def find_cpu_builds(torch: str) -> dict[str, str]:
    """The pin of the CPU builds of a version of torch. Raises SystemExit where their hashes are not known."""
    pin = f"{torch}+cpu"
    done = run_uv("--no-deps", "--no-header", "--torch-backend", "cpu", "-", check=False, lines=pin)
    if not done.returncode:
        return parse_pins(done.stdout)
    if hashes := parse_pins((FOLDER / "cpu.txt").read_text("utf-8")).get(pin):
        print(f"The hashes of {pin} stay as they are.", file=sys.stderr)
        return {pin: hashes}
    raise SystemExit(f"The hashes of {pin} are not known: run this where its builds are reached.")


def join_hashes(*texts: str) -> str:
    """The hashes of several pins, each once."""
    hashes = sorted({line.strip(" \\") for text in texts for line in text.splitlines()})
    return " \\\n".join(f"    {each}" for each in hashes) + "\n"


def write_lock(name: str, about: str, locks: Sequence[str], pins: Pins) -> None:
    """Write a lock, with a line on what it is, and the command that installs it with the locks it is used with."""
    used = " ".join(f"-r locks/{each}.txt" for each in locks)
    head = f"# Written by `make lock`: {about}.\n# Use as: pip install --no-deps --require-hashes {used}\n"
    text = head + "".join(f"{pin} \\\n{hashes}" for pin, hashes in sorted(pins.items()))
    (FOLDER / f"{name}.txt").write_text(text, encoding="utf-8")


def main() -> None:
    """Write every lock, once all are resolved."""
    written: dict[str, Pins] = {}
    for lock in LOCKS:
        every = resolve(lock, written, *sys.argv[1:])
        there = {pin for name in lock.adds_to for pin in written[name]}
        is_cuda = lock.name == "cuda"
        written[lock.name] = {
            pin: every[pin] for pin in every.keys() - there if bool(CUDA.match(name_of(pin))) is is_cuda
        }
    (torch,) = (pin for pin in written["default"] if name_of(pin) == "torch")
    builds = find_cpu_builds(torch)
    write_lock("cpu", "torch for the CPU, where pip is given the place of its builds", ("cpu", "default"), builds)
    for lock in LOCKS:
        pins = dict(written[lock.name])
        if torch in pins:
            pins[torch] = join_hashes(pins[torch], *builds.values())
        write_lock(lock.name, lock.about, lock.used_with, pins)


if __name__ == "__main__":
    main()
