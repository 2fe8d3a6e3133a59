"""What is installed is what was tested: the wheel holds the bundled folders, and reads them by itself."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_READ = (
    "import robust_xtreme, robust_xtreme.languages as found, robust_xtreme.resources as resources; "
    "print(found.language('sw').name, robust_xtreme.__file__, resources.folder('perturbations'), "
    "resources.folder('configs'), resources.mini('suite'))"
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from this checkout, without the network."""
    return _built("wheel", tmp_path_factory.mktemp("wheel"))


def _built(kind: str, out: Path) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(out)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return next(out.iterdir())


def test_the_wheel_holds_what_the_checkout_bundles(wheel: Path) -> None:
    """Every file of perturbations/ and configs/ is in the wheel, under robust_xtreme/_bundled."""
    bundled = [path for name in ("perturbations", "configs") for path in (ROOT / name).rglob("*") if path.is_file()]
    inside = set(zipfile.ZipFile(wheel).namelist())
    assert len(bundled) > 50
    assert {f"robust_xtreme/_bundled/{path.relative_to(ROOT).as_posix()}" for path in bundled} <= inside


def test_the_wheel_holds_mini(wheel: Path) -> None:
    """The embedded suite and model are in the wheel, file by file."""
    folder = ROOT / "src/robust_xtreme/_mini"
    embedded = [path for path in folder.rglob("*") if path.is_file()]
    assert {"model.safetensors", "suite.toml"} <= {path.name for path in embedded}
    inside = set(zipfile.ZipFile(wheel).namelist())
    assert {f"robust_xtreme/_mini/{path.relative_to(folder).as_posix()}" for path in embedded} <= inside


@pytest.fixture(scope="module", params=["wheel", "sdist"])
def installed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty folder with the package alone, installed from its wheel or its sdist."""
    built = _built(request.param, tmp_path_factory.mktemp("built"))
    target = tmp_path_factory.mktemp("site")
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "install", *options, "--target", str(target), str(built)]
    subprocess.run(command, check=True, capture_output=True, cwd=target)
    return target


def _program(installed: Path, here: Path, *words: str) -> str:
    """What the installed program prints, run where no checkout is."""
    own = {"PYTHONPATH": str(installed), "ROBUST_XTREME_CACHE": str(here / "cache")}
    command = [sys.executable, "-P", "-m", "robust_xtreme", *words]
    done = subprocess.run(command, cwd=here, env=os.environ | own, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_an_installed_package_reads_its_own_data(installed: Path, tmp_path: Path) -> None:
    """Installed elsewhere, the package finds itself and its data there, not in the checkout."""
    command = [sys.executable, "-P", "-c", _READ]
    own = os.environ | {"PYTHONPATH": str(installed)}
    done = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True, env=own)
    name, *places = done.stdout.split()
    assert name == "Swahili"
    assert len(places) == 4
    assert all(Path(one).is_relative_to(installed) for one in places)


def test_an_installed_package_lists_shows_and_evaluates_mini(installed: Path, tmp_path: Path) -> None:
    """Without a checkout `list`, `show` and the evaluation of mini work."""
    assert "char_noise" in _program(installed, tmp_path, "list", "perturbations")
    assert "edits" in _program(installed, tmp_path, "show", "char_noise:0.5", "--language", "sw", "Habari ya asubuhi")
    words = ("--tasks", "xnli", "--languages", "en", "--limit", "60", "--perturb", "char_noise:0.1", "--out", "run")
    assert "report.md" in _program(installed, tmp_path, "eval", *words)
    assert (tmp_path / "run" / "report.md").is_file()
