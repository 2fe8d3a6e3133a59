"""The installed package is the tested one: the wheel contains the bundled folders and reads them."""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import os
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email.parser import BytesParser
from pathlib import Path

import pytest
from hatchling import build

ROOT = Path(__file__).parents[2]
_USED = """
import sys
import robust_xtreme, robust_xtreme.core.languages as languages, robust_xtreme.core.resources as resources
print(languages.language("sw").name, robust_xtreme.__file__, resources.folder("perturbations"))
print(resources.folder("configs"), resources.mini("suite"))
from robust_xtreme.cli._app import main

for words in (
    ["list", "perturbations"],
    ["show", "char_noise:0.5", "--languages", "sw", "Habari ya asubuhi"],
    "eval --tasks xnli --languages en --limit 60 --perturb char_noise:0.1 --out run".split(),
):
    sys.argv = ["robust-xtreme", *words]
    try:
        main()
    except SystemExit as stop:
        assert not stop.code, (words, stop.code)
"""
"""Asks the package where its data are, then lists, shows and evaluates."""

_SOURCES = (
    ".gitignore CHANGELOG.md CITATION.cff LICENSE PKG-INFO README.md configs locks perturbations pyproject.toml src"
)
"""What is at the top of the sdist."""


def _wheel(checkout: Path, out: Path) -> Path:
    """A wheel built from a checkout, without the network."""
    with contextlib.chdir(checkout):
        return out / build.build_wheel(str(out))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from this checkout."""
    return _wheel(ROOT, tmp_path_factory.mktemp("wheel"))


def _contents(wheel: Path) -> dict[str, int]:
    """The files of a wheel and their checksums."""
    with zipfile.ZipFile(wheel) as archive:
        return {member.filename: member.CRC for member in archive.infolist()}


def test_the_wheel_contains_what_the_checkout_bundles(wheel: Path) -> None:
    """Every file of perturbations/ and configs/ is in the wheel, under robust_xtreme/_bundled.

    The patterns of the sdist name files at the top: without a slash they are those of any folder.
    """
    bundled = [path for name in ("perturbations", "configs") for path in (ROOT / name).rglob("*") if path.is_file()]
    assert len(bundled) > 50
    hatch = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]["targets"]
    assert all(pattern.startswith("/") for pattern in hatch["sdist"]["include"])
    assert {f"robust_xtreme/_bundled/{path.relative_to(ROOT).as_posix()}" for path in bundled} <= set(_contents(wheel))


def test_the_wheel_and_what_it_installs_are_small(wheel: Path) -> None:
    """The wheel has at most 9 MB, and its files at most 20 MB where they are installed, without bytecode."""
    with zipfile.ZipFile(wheel) as archive:
        installed = sum(member.file_size for member in archive.infolist())
    assert (wheel.stat().st_size <= 9_000_000, installed <= 20_000_000) == (True, True), installed


@pytest.mark.long
def test_the_sdist_has_the_versions_of_libraries(tmp_path: Path) -> None:
    """Who has no checkout installs by locks/gate.txt what needs no torch: each list has its bytes in the sdist."""
    with contextlib.chdir(ROOT):
        name = build.build_sdist(str(tmp_path))
    locks = {path.name: path.read_bytes() for path in (ROOT / "locks").glob("*.txt")}
    with tarfile.open(tmp_path / name) as archive:
        files = (archive.extractfile(f"{name.removesuffix('.tar.gz')}/locks/{each}") for each in locks)
        assert [file.read() for file in files if file is not None] == list(locks.values())
    assert {"default.txt", "gate.txt"} <= locks.keys()


def test_the_wheel_contains_mini(wheel: Path) -> None:
    """The embedded suite and model are in the wheel, file by file."""
    folder = ROOT / "src/robust_xtreme/_mini"
    embedded = [path for path in folder.rglob("*") if path.is_file()]
    assert {"model.safetensors", "suite.toml"} <= {path.name for path in embedded}
    assert {f"robust_xtreme/_mini/{path.relative_to(folder).as_posix()}" for path in embedded} <= set(_contents(wheel))


def test_the_wheel_has_the_licence_texts_whole(wheel: Path) -> None:
    """Each file that pyproject names is among the wheel's licences, with its bytes, and its metadata name them all."""
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["license-files"]
    texts = {path.relative_to(ROOT).as_posix(): path.read_bytes() for each in patterns for path in ROOT.glob(each)}
    with zipfile.ZipFile(wheel) as archive:
        (info,) = {name.partition("/")[0] for name in archive.namelist() if ".dist-info/" in name}
        names = [name for name in archive.namelist() if name.startswith(f"{info}/licenses/")]
        found = {name.removeprefix(f"{info}/licenses/"): archive.read(name) for name in names}
        metadata = BytesParser().parsebytes(archive.read(f"{info}/METADATA"))
    assert len(texts) > 10
    assert found == texts
    assert sorted(metadata.get_all("License-File", [])) == sorted(texts)


def test_the_bill_of_materials_names_all_data_of_others(wheel: Path) -> None:
    """The wheel has it where PEP 770 says; it has each pack of the wheel with its licences, and the wheel's version.

    Files that are neither code, packs, configurations nor templates are those of its other components.
    """
    with zipfile.ZipFile(wheel) as archive:
        (path,) = [name for name in archive.namelist() if ".dist-info/sboms/" in name]
        bom = json.loads(archive.read(path))
        metadata = BytesParser().parsebytes(archive.read(f"{path.partition('/')[0]}/METADATA"))
        files = [
            name for name in archive.namelist() if not name.endswith((".py", ".pyi")) and ".dist-info/" not in name
        ]
        packed = {name for name in archive.namelist() if "/perturbations/" in name and name.endswith((".toml", ".tsv"))}
    known = {each["name"]: {entry["license"]["id"] for entry in each["licenses"]} for each in bom["components"]}
    assert {name.partition("/_bundled/")[2] for name in packed} == {name for name in known if "perturbations" in name}
    assert set().union(*known.values()) == set(metadata["License-Expression"].split(" AND "))
    ours = ("_bundled/", "report/renderers/templates/", "report/references.bib", "py.typed")
    assert [name for name in files if not name.startswith((*(f"robust_xtreme/{name}" for name in ours), *known))] == []
    assert known["perturbations/input/ja-words.tsv"] == {"NAIST-2003", "BSD-3-Clause"}
    assert known["perturbations/keyboards/us.toml"] == {"X11"}
    assert bom["metadata"]["component"]["version"] == metadata["Version"]


@pytest.mark.long
def test_the_sdist_builds_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    """The wheel and the sdist of the unpacked sdist have the same bytes: no time and no path is in them."""
    with contextlib.chdir(ROOT):
        name = build.build_sdist(str(tmp_path))
    with tarfile.open(tmp_path / name) as archive:
        archive.extractall(tmp_path, filter="data")
    unpacked, again = tmp_path / name.removesuffix(".tar.gz"), tmp_path / "again"
    again.mkdir()
    assert " ".join(sorted(path.name for path in unpacked.iterdir())) == _SOURCES
    for path in unpacked.rglob("*"):
        os.utime(path, (1, 1))
    assert _wheel(unpacked, tmp_path).read_bytes() == wheel.read_bytes()
    with contextlib.chdir(unpacked):
        assert (again / build.build_sdist(str(again))).read_bytes() == (tmp_path / name).read_bytes()


@pytest.mark.long
@pytest.mark.process
def test_an_installed_package_reads_its_own_data_and_evaluates_mini(wheel: Path, tmp_path: Path) -> None:
    """Without a checkout the package finds its data where it is installed, and lists, shows and evaluates with them."""
    site, here = tmp_path / "site", tmp_path / "here"
    zipfile.ZipFile(wheel).extractall(site)
    (scripts,) = (distribution.entry_points for distribution in importlib.metadata.distributions(path=[str(site)]))
    assert [(script.name, script.value) for script in scripts] == [("robust-xtreme", "robust_xtreme.cli:main")]
    here.mkdir()
    environment = os.environ | {"PYTHONPATH": str(site), "ROBUST_XTREME_CACHE": str(here / "cache")}
    command = [sys.executable, "-P", "-c", _USED]
    done = subprocess.run(command, cwd=here, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    name, *paths = [word for line in done.stdout.splitlines()[:2] for word in line.split()]
    assert (name, len(paths)) == ("Swahili", 4)
    assert all(Path(path).is_relative_to(site) for path in paths)
    assert all(word in done.stdout for word in ("char_noise", "edits", "report.md"))
    assert (here / "run" / "report.md").is_file()
