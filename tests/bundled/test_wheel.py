"""What is installed is what was tested: the wheel holds the bundled folders, and reads them by itself."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_READ = (
    "import robust_xtreme.languages as found, robust_xtreme.resources as resources; "
    "print(found.language('sw').name, resources.folder('perturbations'), resources.folder('configs'))"
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from this checkout, without the network."""
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return next(out.glob("*.whl"))


def test_the_wheel_holds_what_the_checkout_bundles(wheel: Path) -> None:
    """Every file of perturbations/ and configs/ is in the wheel, under robust_xtreme/_bundled."""
    bundled = [path for name in ("perturbations", "configs") for path in (ROOT / name).rglob("*") if path.is_file()]
    inside = set(zipfile.ZipFile(wheel).namelist())
    assert len(bundled) > 50
    assert {f"robust_xtreme/_bundled/{path.relative_to(ROOT).as_posix()}" for path in bundled} <= inside


def test_an_installed_wheel_reads_its_own_data(wheel: Path, tmp_path: Path) -> None:
    """Installed elsewhere, the package finds its data inside itself, not in the checkout."""
    target = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(target)
    command = [sys.executable, "-P", "-c", f"import sys; sys.path.insert(0, {str(target)!r}); {_READ}"]
    done = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)
    name, *folders = done.stdout.split()
    assert name == "Swahili"
    assert all(Path(one).is_relative_to(target) for one in folders)
