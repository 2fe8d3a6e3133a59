"""AmericasNLI's copy on the hub: labels by their names, the release's codes, clusters without ids."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.hub_copies import parquet
from tests.loopback import Loopback

from robust_xtreme.core import registry
from robust_xtreme.core.examples import Choice
from robust_xtreme.core.specs import TaskSpec
from robust_xtreme.tasks.sources.source import available, load, open_source

AMERICASNLI: TaskSpec = registry.load("task", "americasnli")
ROWS = [
    {"premise": "Jisa.", "hypothesis": "Janiwa.", "label": 2},
    {"premise": "Jisa.", "hypothesis": "Walikiwa.", "label": 1},
    {"premise": "Brian en Plano, Texas, jichhürux kamisakisktasa?", "hypothesis": "Kunjamakiskis?", "label": 0},
]


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Loopback]:
    """A hub that has the test split in Aymara, and a cache of its own."""
    with Loopback() as server:
        wanted = AMERICASNLI.hub["test"]
        files = {"aym/test-00000-of-00001.parquet": parquet("tsv", ROWS)}
        server.put("dataset", wanted.repo, files, wanted.revision)
        with server.lent(tmp_path):
            yield server


@pytest.mark.usefixtures("hub")
def test_pairs_of_americasnli_come_from_the_hub() -> None:
    """It goes by the release's code; ids are places, equal premises one cluster: the hub names no rows."""
    split = load(AMERICASNLI, open_source("hub", offline=False), "ay", "test")
    assert [example.id for example in split.examples] == [f"americasnli/test/ay/{at}" for at in range(3)]
    assert [example.target for example in split.examples] == [Choice(2), Choice(1), Choice(0)]
    first, second, third = (example.cluster for example in split.examples)
    assert first == second != third
    assert {text.language for example in split.examples for text in example.texts.values()} == {"ay"}
    assert "ay" in available(AMERICASNLI, open_source("hub", offline=True), "test")
