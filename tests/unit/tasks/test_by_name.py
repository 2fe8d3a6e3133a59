"""Rows of a dataset by its name: the files of the config's card, or those whose paths name config and split."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.loopback import Loopback
from tests.some import some

from robust_xtreme.core.errors import UserError
from robust_xtreme.tasks.sources.dataset import rows_of

CARD = b"""---
configs:
- config_name: sw
  data_files:
  - split: test
    path: data/sw.jsonl
- config_name: hi
  data_files:
  - split: test
    path: [data/hi-*.jsonl]
---
"""
ROWS = [{"text": "mto", "label": 1}, {"text": "soko", "label": None}]
LINES = "".join(f"{json.dumps(row)}\n" for row in ROWS).encode()


def test_the_card_names_the_files(tmp_path: Path) -> None:
    """Only those of the config are fetched."""
    with Loopback() as hub, hub.lent(tmp_path):
        hub.put("dataset", "owner/name", {"README.md": CARD, "data/sw.jsonl": LINES, "data/hi-0.jsonl": LINES})
        assert rows_of("owner/name", "sw", "test") == ROWS
        assert not [asked for asked in hub.asked if "hi-0" in asked]
        assert rows_of("owner/name", "hi", "test") == ROWS


def test_without_a_card_the_paths_do(tmp_path: Path) -> None:
    """A folder of the config with files of the split, as the hub itself converts datasets."""
    with Loopback() as hub, hub.lent(tmp_path):
        hub.put("dataset", "owner/plain", {"sw/test-00000.jsonl": LINES, "sw/train-00000.jsonl": b"{}\n"})
        assert rows_of("owner/plain", "sw", "test") == ROWS


@pytest.mark.parametrize(
    "card",
    some(
        [b"", b"---\n: [\n---\n", b"---\nconfigs: 3\n---\n", b"no head", b"\xff---\n"],
        3,
    ),
)
def test_what_cannot_be_read_is_one_line(card: bytes, tmp_path: Path) -> None:
    """A script, broken rows, a dataset that is not there; the line says to name a file."""
    with Loopback() as hub, hub.lent(tmp_path):
        hub.put("dataset", "owner/script", {"README.md": card, "sw-test.py": b"raise RuntimeError\n"})
        hub.put("dataset", "owner/broken", {"README.md": card, "sw-test.jsonl": b'{"a": \n'})
        for name in ("script", "broken"):
            with pytest.raises(UserError, match=rf"The rows of owner/{name}, .*--rows FILE"):
                rows_of(f"owner/{name}", "sw", "test")
        with pytest.raises(UserError):
            rows_of("owner/none", "sw", "test")
