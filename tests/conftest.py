"""Fixtures that every test folder shares."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache as cached
from itertools import count
from pathlib import Path
from typing import Any, Final

import pytest
import typer.main
from hypothesis import settings
from tests import charts
from tests.misreading import misreading

from robust_xtreme.cli import _app
from robust_xtreme.report.charts import drawing

# How long one example takes on a busy machine is not a result; pytest's own timeout ends what hangs.
settings.register_profile("project", deadline=None)
settings.load_profile("project")

# The commands and their options are built once, and not for each call of the program.
for _module, _name in ((_app, "build"), (typer.main, "get_command")):
    setattr(_module, _name, cached(getattr(_module, _name)))

# Modules, tables and tests live to the end; each search for cycles, by default after 700 new objects, walks them again.
gc.set_threshold(100_000)

# A shell starts its background jobs with SIGINT ignored, and children inherit that: tests of Ctrl-C would wait forever.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """What is there now, tests and modules, is left out of each search for cycles that follows."""
    gc.freeze()


_ORDER: Final = ("test_hostile_names", "e2e", "architecture", "conformance", "golden", "real", "bundled")
"""Folders of long tests first, so that no worker waits for another at the end; those that read packs together. Before
them a module whose pages would be written twice where two workers share it."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort the tests by folder: a worker takes from the end of what another has left, unit tests first."""
    folders = {folder: number for number, folder in enumerate(_ORDER)}
    items.sort(key=lambda item: folders.get(item.path.stem, folders.get(item.path.parent.name, len(_ORDER))))


@pytest.fixture(scope="session", autouse=True)
def caches(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Iterator[Path]]:
    """Folders for the cache, one after the other; fixtures of whole modules share the first. Never the user's own."""
    folder = tmp_path_factory.mktemp("caches")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROBUST_XTREME_CACHE", str(folder / "shared"))
        yield (folder / str(number) for number in count())


@pytest.fixture(autouse=True)
def cache(caches: Iterator[Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test has a cache of its own, which is empty."""
    folder = next(caches)
    monkeypatch.setenv("ROBUST_XTREME_CACHE", str(folder))
    return folder


@pytest.fixture(scope="session", autouse=True)
def drawn_here() -> Iterator[None]:
    """Charts are drawn without a process of their own (charts.py), also in fixtures of whole modules."""
    with charts.here():
        yield


@pytest.fixture(scope="session", autouse=True)
def misread() -> Iterator[None]:
    """No test needs Tesseract and its fonts: `ocr_channel` reads by tests/misreading.py."""
    with misreading():
        yield


@pytest.fixture(scope="session", autouse=True)
def unflushed() -> Iterator[None]:
    """No test waits for the disk: a file that is written stays also where a process is killed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        yield


@contextmanager
def _without_pages() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("run.finish", "exchange.importing.run"):
            patch.setattr(f"robust_xtreme.{name}.written", lambda *_, **__: b"unpaged\n")
        patch.setattr("robust_xtreme.run.finish.samples_part_of", lambda *_: ())
        yield


@pytest.fixture(scope="module")
def unpaged() -> Iterator[None]:
    """Runs have a word for each page, which takes as long as all else: for modules that read the other files."""
    with _without_pages():
        yield


@pytest.fixture
def no_pages() -> Iterator[None]:
    """The same for one test, in a module whose other tests read pages."""
    with _without_pages():
        yield


@pytest.fixture(autouse=True)
def interpreters(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another interpreter is started only in a test that is marked `process`; the others call, or fork (forks.py)."""
    if request.node.get_closest_marker("process"):
        monkeypatch.setattr(drawing, "_started", charts.STARTED)
        return
    start = subprocess.Popen.__init__

    def refuse(self: Any, args: Any, *more: Any, **options: Any) -> None:
        assert sys.executable not in args, "a test that starts an interpreter is marked `process`"
        start(self, args, *more, **options)

    monkeypatch.setattr(subprocess.Popen, "__init__", refuse)


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of release files that ROBUST_XTREME_DATA names; the test is skipped where there is none."""
    named = os.environ.get("ROBUST_XTREME_DATA", "")
    if not named:
        pytest.skip("ROBUST_XTREME_DATA is not set: it names the folder of release files that this test reads")
    folder = Path(named)
    if not folder.is_dir():
        pytest.skip(f"ROBUST_XTREME_DATA names {folder}, which is not a folder")
    return folder


def pytest_addoption(parser: pytest.Parser) -> None:
    """Goldens are rewritten by one flag; their diff is the review."""
    parser.addoption("--rewrite-goldens", action="store_true", help="write what is computed now into tests/golden")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """A check that a text equals tests/golden/NAME; with --rewrite-goldens it is written there instead."""

    def check(name: str, text: str) -> None:
        path = Path(__file__).parent / "golden" / name
        if request.config.getoption("--rewrite-goldens"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.is_file(), f"{name} is not a golden yet. Run: pytest --rewrite-goldens"
        assert text == path.read_text(encoding="utf-8"), f"{name} has changed. Where it should: --rewrite-goldens"

    return check
