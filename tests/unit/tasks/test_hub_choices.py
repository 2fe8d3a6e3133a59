"""Copies of XCOPA, COPA and PAWS-X on the hub: the same examples as the release's files give."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.hub_copies import parquet
from tests.loopback import Loopback

from robust_xtreme.core import registry
from robust_xtreme.core.errors import MissingData
from robust_xtreme.core.specs import TaskSpec
from robust_xtreme.tasks.sources.rows import data_identity
from robust_xtreme.tasks.sources.source import load, open_source

XCOPA, PAWSX = (registry.load("task", name) for name in ("xcopa", "pawsx"))
CAUSAL = [
    {"premise": "p", "choice1": "a", "choice2": "b", "question": "cause", "label": 1, "idx": 0},
    {"premise": "q", "choice1": "c", "choice2": "d", "question": "effect", "label": 0, "idx": 1},
]
PAIRS = [
    {"id": 10, "sentence1": "Anna met Ben. ", "sentence2": "Ben met Anna.", "label": 1},
    {"id": 12, "sentence1": "a", "sentence2": "b", "label": 0},
]


def _put(hub: Loopback, task: TaskSpec, split: str, name: str, rows: list[dict[str, Any]]) -> None:
    wanted = task.hub[split]
    layout = task.files[split].reader
    hub.put("dataset", wanted.repo, {f"{name}/{split}-00000-of-00001.parquet": parquet(layout, rows)}, wanted.revision)


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Loopback]:
    """A hub with a split of each, and a cache of its own."""
    with Loopback() as server:
        _put(server, XCOPA, "test", "et", CAUSAL)
        _put(server, XCOPA, "train", "copa", CAUSAL)
        _put(server, PAWSX, "test", "de", PAIRS)
        with server.lent(tmp_path):
            yield server


@pytest.mark.usefixtures("hub")
@pytest.mark.parametrize(
    ("name", "split", "language", "path"),
    [
        ("xcopa", "test", "et", "xcopa/data/et/test.et.jsonl"),
        ("xcopa", "train", "en", "xcopa/data/en/train.en.jsonl"),
        ("pawsx", "test", "de", "x-final/de/test_2k.tsv"),
    ],
)
def test_the_hub_gives_the_examples_of_the_files(
    tmp_path: Path, name: str, split: str, language: str, path: str
) -> None:
    """Ids, fingerprints and clusters are equal, and so is the identity of the data."""
    (tmp_path / path).parent.mkdir(parents=True)
    head = "id\tsentence1\tsentence2\tlabel\n"
    lines = (
        [json.dumps(row) for row in CAUSAL] if name == "xcopa" else ["\t".join(map(str, row.values())) for row in PAIRS]
    )
    (tmp_path / path).write_text((head if name == "pawsx" else "") + "\n".join(lines) + "\n", encoding="utf-8")
    task: TaskSpec = registry.load("task", name)
    loaded = load(task, tmp_path, language, split).examples
    fetched = load(task, open_source("hub"), language, split)
    assert fetched.examples == loaded
    assert data_identity(fetched.examples) == data_identity(loaded)
    assert fetched.labelled


def test_parts_of_speech_are_not_on_the_hub() -> None:
    """No copy has the words of XTREME's conversion: one line says so, and what to do instead."""
    with pytest.raises(MissingData, match="--data"):
        load(registry.load("task", "udpos"), open_source("hub", offline=True), "de", "test")
