"""What is installed: the versions and the hashes of locks/, and the commands that install by them."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path
from typing import Any, Final

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from robust_xtreme.core.errors import LARGE

ROOT: Final = Path(__file__).parents[2]
TEXTS: Final = {path.stem: path.read_text("utf-8") for path in sorted((ROOT / "locks").glob("*.txt"))}
PROJECT: Final[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PYTHONS: Final = ("3.11", "3.12", "3.13")
TOGETHER: Final = (
    ("default", "cuda", "dev", "build"),
    ("gate", "build"),
    ("default", "cuda", "ray", "dev"),
    ("default", "cuda", "sentence", "dev"),
    ("textattack", "cuda"),
    ("bridge", "cuda"),
    ("inspect", "cuda"),
)
"""Locks that are installed into one environment."""


def _pins(*names: str) -> dict[str, tuple[str, frozenset[str]]]:
    """The version and the hashes of each package in locks; a line that is no pin with hashes fails."""
    pins: dict[str, tuple[str, frozenset[str]]] = {}
    for name in names:
        lines = "\n".join(line for line in TEXTS[name].splitlines() if not line.startswith("#"))
        for line in lines.replace("\\\n", " ").splitlines():
            found = re.fullmatch(r"([a-z0-9-]+)==([^\s;]+)((?: +--hash=sha256:[0-9a-f]{64})+)", line)
            assert found is not None, f"locks/{name}.txt: {line[:80]}"
            pin = (found[2], frozenset(found[3].split()))
            assert pins.setdefault(found[1], pin) == pin, f"locks/{name}.txt: {found[1]}"
    return pins


@cache
def _requirements(name: str) -> tuple[Requirement, ...]:
    """The requirements of an installed package."""
    return tuple(map(Requirement, requires(name) or ()))


def _needed(python: str, *extras: str, without: frozenset[str] = frozenset()) -> set[str]:
    """All that the project needs on a Python, by what is installed here; it is installed, too, or left out."""
    place = {"python_version": python, "python_full_version": f"{python}.9"}
    waiting = [("robust-xtreme", extra) for extra in ("", *extras)]
    seen = set(waiting)
    needed: set[str] = set()
    while waiting:
        name, extra = waiting.pop()
        try:
            every = _requirements(name)
        except PackageNotFoundError:
            continue
        needed.add(name)
        for requirement in every:
            other = canonicalize_name(requirement.name)
            marker = requirement.marker
            if other not in without and (marker is None or marker.evaluate(place | {"extra": extra})):
                found = {(other, each) for each in ("", *requirement.extras)} - seen
                seen |= found
                waiting += found
    return needed - {"robust-xtreme"}


@pytest.mark.parametrize("name", TEXTS)
def test_every_line_of_a_lock_has_a_version_and_hashes(name: str) -> None:
    """It names no index and no option of pip, and says in its first lines how it is used."""
    assert _pins(name)
    assert not re.search(r"://|^-", TEXTS[name], re.MULTILINE)
    assert re.match(r"# Written by `make lock`: .+\n# Use as: pip install --no-deps --require-hashes -r ", TEXTS[name])


@pytest.mark.parametrize("names", TOGETHER, ids="+".join)
def test_locks_of_one_environment_agree(names: tuple[str, ...]) -> None:
    """A package that two of them have has the same version and the same hashes in both."""
    assert len(_pins(*names)) > 1


@pytest.mark.parametrize("python", PYTHONS)
def test_the_locks_have_all_that_each_python_needs_and_nothing_else(python: str) -> None:
    """The default has what the program needs, dev what the checks add, and gate all but the large libraries.

    The libraries of CUDA, which a build of torch may need here, have a lock of their own.
    """
    large = frozenset({*(name.replace("_", "-") for name in LARGE), "faiss-cpu"})
    default, dev, gate = (_pins(name).keys() for name in ("default", "dev", "gate"))
    assert _needed(python) - _pins("cuda").keys() == default
    assert _needed(python, without=large) == gate
    assert not default & dev
    assert _needed(python, "dev", "bench") - _pins("cuda").keys() - {"uv"} == (default | dev) - {"uv"}


def test_what_builds_the_project_is_locked() -> None:
    """The backend that pyproject.toml names, with all that it needs."""
    (backend,) = (Requirement(line) for line in PROJECT["build-system"]["requires"])
    pins = _pins("build")
    assert backend.specifier.contains(pins[backend.name][0])
    needed = [Requirement(line) for line in requires(backend.name) or []]
    assert {canonicalize_name(each.name) for each in needed if not each.marker or each.marker.evaluate()} <= pins.keys()


@pytest.mark.parametrize("name", [name for name in TEXTS if "\ntorch==" in TEXTS[name]])
def test_torch_has_the_hashes_of_both_builds(name: str) -> None:
    """Those of the CPU build for each Python on two machines, and those of the index, all of one version."""
    cpu_version, cpu_hashes = _pins("cpu")["torch"]
    version, hashes = _pins(name)["torch"]
    assert cpu_version == f"{_pins('default')['torch'][0]}+cpu"
    assert version in (cpu_version, cpu_version.removesuffix("+cpu"))
    assert len(cpu_hashes) >= len(PYTHONS) * 2
    assert cpu_hashes <= hashes
    assert name == "cpu" or len(hashes - cpu_hashes) >= len(PYTHONS) * 2


@pytest.mark.parametrize("version", ["2.6.2", "2.6.3"])
def test_versions_of_lightning_that_others_made_are_refused(version: str) -> None:
    """pyproject.toml excludes both, and no lock has one; the version of the locks and later ones are admitted."""
    (bound,) = (line for line in map(Requirement, PROJECT["project"]["dependencies"]) if line.name == "lightning")
    assert not bound.specifier.contains(version)
    assert bound.specifier.contains("2.6.1")
    assert bound.specifier.contains("2.6.4")
    for name in TEXTS:
        pins = _pins(name)
        assert version not in {pins[each][0] for each in ("lightning", "pytorch-lightning") if each in pins}


@pytest.mark.parametrize(
    ("name", "extra"),
    [
        ("default", ""),
        ("dev", "dev"),
        ("dev", "bench"),
        ("ray", "ray"),
        ("textattack", "textattack"),
        ("bridge", "lm-eval"),
    ],
)
def test_the_bounds_of_the_project_admit_its_locks(name: str, extra: str) -> None:
    """Each requirement of pyproject.toml is in the lock, at a version that it admits."""
    project = PROJECT["project"]
    pins = _pins("default") | _pins(name) if name in ("dev", "ray") else _pins(name)
    for line in (*project["dependencies"], *(project["optional-dependencies"][extra] if extra else ())):
        requirement = Requirement(line)
        assert requirement.specifier.contains(pins[canonicalize_name(requirement.name)][0]), line


@pytest.mark.parametrize(
    "path", ["Makefile", "action.yml", "docs/gate.md", "docs/how-to/files.md", "docs/how-to/import.md"]
)
def test_whatever_installs_by_a_lock_asks_for_hashes(path: str) -> None:
    """Each command with a lock has the option, and the checkout is installed without dependencies of its own."""
    text = (ROOT / path).read_text("utf-8").replace("$(HASHED)", "--no-deps --require-hashes").replace("\\\n", " ")
    commands = [line for line in text.splitlines() if "install" in line and re.search(r" -[rc] \S*(locks|lock)", line)]
    assert commands
    assert [line for line in commands if "--require-hashes" not in line] == []
    assert not re.search(r"install\S* .*-c \S*locks/", text)


def test_the_makefile_installs_nothing_without_a_lock() -> None:
    """Every installation has hashes, or has no dependencies and no builder but what a lock brought."""
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert "HASHED := --no-deps --require-hashes\n" in makefile
    commands = re.findall(r"^\t.*\bpip\)? install (.*)|^\t.*\$\(PIP\) install (.*)", makefile, re.MULTILINE)
    words = ["".join(found) for found in commands]
    assert len(words) >= 4
    wheel = "--no-deps dist/robust_xtreme-*.whl"
    assert [
        each for each in words if not each.startswith(("$(HASHED) ", "--no-deps --no-build-isolation ", wheel))
    ] == []
