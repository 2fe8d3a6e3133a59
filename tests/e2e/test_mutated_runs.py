"""Our own files with random changes: a run, the cache and a trained model give the clean result, or one line."""

from __future__ import annotations

import random
import shutil
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

import pytest
from tests.measured_reads import refused
from tests.tiny import hashed, tiny_run
from tests.unit.tasks.test_mutated_files import mutated

from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.files.journal import JOURNAL
from robust_xtreme.run.run import evaluate

pytestmark = pytest.mark.long

_ROWS: Final = "Bill\tB-PER\nGates\tI-PER\nran\tO\n\nRome\tB-LOC\nburns\tO\n\n"
_NUMBERS: Final = ("predictions.parquet", "stats.parquet", "scores.csv", "deltas.csv")
_CASES: Final = 500


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> RunSpec:
    """A finished run of a tiny trained model: `model`, `data`, `cache` and `out` in a folder `home` beside a copy."""
    folder = tmp_path_factory.mktemp("clean") / "home"
    (folder / "data" / "panx").mkdir(parents=True)
    (folder / "data" / "panx" / "test-en.tsv").write_text(_ROWS)
    model = hashed(tiny_run(folder / "model", ["panx"]))
    data, out = str(folder / "data"), str(folder / "out")
    spec = RunSpec((str(model),), data, perturb=("char_noise:0.3",), device="cpu", out=out)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROBUST_XTREME_CACHE", str(folder / "cache"))
        evaluate(spec)
    shutil.copytree(folder, folder.with_name("kept"))
    return spec


def _finished(home: Path) -> list[Path]:
    """The files of the finished run, all read again."""
    return [
        path for path in (home / "out").rglob("*") if path.is_file() and path.name not in ("log.txt", ".lock", JOURNAL)
    ]


def _unfinished(home: Path) -> list[Path]:
    """The parts of a run that was killed before its frames were written."""
    for name in (*_NUMBERS, "models.csv", "conditions.csv", "report.md"):
        (home / "out" / name).unlink(missing_ok=True)
    return [path for path in (home / "out" / "parts").iterdir() if path.is_file()]


def _cached(home: Path) -> list[Path]:
    """The database of the cache, for a new run."""
    shutil.rmtree(home / "out")
    return [path for path in (home / "cache").iterdir() if path.is_file()]


def _trained(home: Path) -> list[Path]:
    """The files of the model, for a new run without a cache."""
    shutil.rmtree(home / "out")
    shutil.rmtree(home / "cache")
    return [path for path in (home / "model").rglob("*") if path.is_file()]


def _outcome(home: Path, spec: RunSpec, wanted: dict[str, bytes], seed: str) -> str:
    """`equal` where the run ends at the numbers of the clean run, `refused` where it ends in one line."""
    try:
        message = refused(partial(evaluate, spec))
    except AssertionError as error:
        raise AssertionError(f"{seed}: {error}") from error
    assert message or {name: (home / "out" / name).read_bytes() for name in _NUMBERS} == wanted, seed
    return "refused" if message else "equal"


@pytest.mark.timeout(0)
@pytest.mark.parametrize("files", [_finished, _unfinished, _cached, _trained])
def test_a_changed_file_of_a_run_gives_the_clean_result_or_one_line(
    files: Callable[[Path], list[Path]],
    clean: RunSpec,
    monkeypatch: pytest.MonkeyPatch,
    record_property: Callable[[str, object], None],
) -> None:
    """One file a case, changed in one to four places; the same command never ends at other numbers."""
    home = Path(clean.out).parent
    monkeypatch.setenv("ROBUST_XTREME_CACHE", str(home / "cache"))
    wanted = {name: (home.with_name("kept") / "out" / name).read_bytes() for name in _NUMBERS}
    counts: Counter[str] = Counter()
    for number in range(_CASES):
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(home.with_name("kept"), home)
        draw = random.Random(f"{files.__name__}/{number}")
        path = draw.choice(sorted(files(home)))
        path.write_bytes(mutated(path.read_bytes(), draw))
        counts[_outcome(home, clean, wanted, f"{files.__name__}/{number}: {path.relative_to(home)}")] += 1
    record_property("cases", _CASES)
    assert counts["equal" if files is not _trained else "refused"], counts
