"""Records of the stages of a run, which another program may have written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from robust_xtreme.core.errors import DataError
from robust_xtreme.stats.stages import _CHECKS, FOLDER, read_stages

_RECORD: dict[str, Any] = {"languages": ["en"], "examples": 400, "seed": 0, "per_task": {"mnli": 4}, "recipe": "x"}


def _written(run: Path, record: object) -> Path:
    (run / FOLDER).mkdir(parents=True)
    (run / FOLDER / "0.json").write_text(json.dumps(record), encoding="utf-8")
    return run


def test_a_record_is_read_as_it_is(tmp_path: Path) -> None:
    """With texts for what is not said."""
    assert read_stages(_written(tmp_path, _RECORD)) == ({**_RECORD, "selected_on": ""},)


@pytest.mark.parametrize(
    ("key", "value"),
    [*((key, "x") for key in _RECORD if key != "recipe"), ("languages", ["en", 5]), ("recipe", "\ud800")],
)
def test_each_key_is_checked_by_itself(tmp_path: Path, key: str, value: object) -> None:
    """One value of another kind among right ones refuses the record."""
    with pytest.raises(DataError, match="not a record"):
        read_stages(_written(tmp_path, {**_RECORD, key: value}))


def test_a_base_with_a_blank_part_is_refused() -> None:
    """One blank text among others is enough."""
    assert [_CHECKS["base"]({"name": "x", "revision": value}) for value in ("y", " ")] == [True, False]
