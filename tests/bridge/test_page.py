"""The page on language models: each of its commands runs, and what it imports is what the logs contain."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean
from typing import Any, Final

import polars as pl
import pytest
from tests.bridge.harness import INSPECT, MARKS, identity, run, samples
from tests.bridge.rows import put_on_hub
from tests.loopback import Loopback

pytestmark = [*MARKS, pytest.mark.skipif(not INSPECT, reason="INSPECT names no interpreter: make test-bridge")]

PAGE: Final = Path(__file__).parents[2] / "docs" / "language-models.md"


def commands() -> list[str]:
    """The lines of the page's blocks of commands, without the installation."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    return [line for block in blocks for line in block.splitlines() if not line.startswith("pip ")]


@pytest.fixture(scope="module")
def folder(model: Path, data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder in which all commands of the page were run, in order, with a model of our own."""
    made = tmp_path_factory.mktemp("page")
    (made / "OWNER").mkdir()
    (made / "OWNER" / "NAME").symlink_to(model)
    with Loopback() as hub:
        put_on_hub(hub, data_folder)
        given = {**hub.env(made / "hf"), "ROBUST_XTREME_DATA": str(data_folder), "ROBUST_XTREME_CACHE": str(made / "c")}
        for command in commands():
            local = command.replace("hf/OWNER/NAME", "hf/local -M model_path=OWNER/NAME -M device=cpu")
            run(["bash", "-euc", local], made, given)
        yield made


def test_every_command_of_the_page_runs(folder: Path) -> None:
    """The runs that it imports are there, and so is the page of the first."""
    assert {path.name for path in (folder / "runs").iterdir()} == {"causal", "belebele", "inspect"}
    assert (folder / "page.html").stat().st_size > 10_000


@pytest.mark.parametrize(("name", "logs"), [("causal", "logs"), ("belebele", "logs-belebele")])
def test_imported_drops_of_lm_eval_are_those_of_a_hand_computation(name: str, logs: str, folder: Path) -> None:
    """The drop is the mean score of clean samples minus the mean over seeds of that of noisy ones, in points."""
    scores: defaultdict[tuple[str, str, str], list[float]] = defaultdict(list)
    for every in samples(folder / logs).values():
        rows = [identity(sample) for sample in every]
        first = rows[0]
        scores[first["task"], first["language"], first["condition"]].append(fmean(sample["acc"] for sample in every))
    _check_drops(folder / "runs" / name, {key: 100 * fmean(values) for key, values in scores.items()})


def test_imported_drops_of_inspect_are_those_of_a_hand_computation(folder: Path) -> None:
    """The same of its logs, where a right answer is C."""
    scores: defaultdict[tuple[str, str, str], list[float]] = defaultdict(list)
    for path in sorted((folder / "logs-inspect").glob("*.eval")):
        log = json.loads(run(["inspect", "log", "dump", str(path)], folder))
        first: dict[str, Any] = log["samples"][0]["metadata"]["robust_xtreme"]
        right = fmean(sample["scores"]["choice"]["value"] == "C" for sample in log["samples"])
        scores[first["task"], first["language"], first["condition"]].append(right)
    _check_drops(folder / "runs" / "inspect", {key: 100 * fmean(values) for key, values in scores.items()})


def _check_drops(imported: Path, levels: dict[tuple[str, str, str], float]) -> None:
    """Each drop of an imported run is the difference of two of the levels by task, language and condition."""
    deltas = pl.read_csv(imported / "deltas.csv").filter(metric="accuracy", scope="all")
    cells = deltas.select("task", "language", "condition", "clean", "drop").rows()
    assert sorted(cell[:3] for cell in cells) == sorted(key for key in levels if key[2] != "clean")
    for task, language, condition, clean, drop in cells:
        expected = levels[task, language, "clean"]
        assert (clean, drop) == pytest.approx((expected, expected - levels[task, language, condition]))
