"""What an import says of noise: notes on what it cannot have done, and a line on drops and rises."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.imports import NOISE, imported, items, written
from tests.program import program

from robust_xtreme.report.document import finished

pytestmark = pytest.mark.usefixtures("unpaged")


def notes_of(folder: Path, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The notes of a run of JSON lines after those of its origin and clusters."""
    folder.mkdir(exist_ok=True)
    return list(finished(imported(folder, rows)).manifest["notes"][1:])


def noised(count: int, **more: Any) -> list[dict[str, Any]]:
    """Rows of XNLI, the noisy ones with more values."""
    return [row | (more if row["condition"] == NOISE else {}) for row in items(count)]


def test_noise_that_explains_nothing_is_noted(tmp_path: Path) -> None:
    """Answers that differ where nothing was edited, and a rate above all characters; not what noise can have done."""
    (note,) = notes_of(tmp_path / "a", noised(60, edits=0, eligible=9))
    assert "15 answers" in note
    assert notes_of(tmp_path / "b", noised(60, edits=1, grapheme_edit_rate=1.0)) == []
    (note,) = notes_of(tmp_path / "c", noised(60, edits=3, grapheme_edit_rate=9.5))
    assert "grapheme_edit_rate is 9.5" in note
    few = [row | {"edits": 1, "grapheme_edit_rate": 1.5 * (row["id"] == 1)} for row in items() if row["id"] < 45]
    for row in few:
        row |= {"edits": 0, "grapheme_edit_rate": 0} if row["condition"] == "clean" else {}
    assert notes_of(tmp_path / "d", few) == []


def test_languages_with_fewer_noise_seeds_are_named(tmp_path: Path) -> None:
    """An average is over languages, each over its own draws; as many of each are not worth a note."""
    rows = items() + [row | {"noise_seed": 1} for row in items() if row["condition"] == NOISE]
    other = [row | {"language": "en"} for row in items()]
    (note,) = notes_of(tmp_path / "a", rows + other)
    assert "sw 2" in note
    assert notes_of(tmp_path / "b", rows) == []
    assert notes_of(tmp_path / "c", rows + [row | {"language": "en"} for row in rows]) == []


def test_a_rise_is_stated(tmp_path: Path) -> None:
    """Where no test shows a drop and one a rise; a drop comes before a rise, and without both neither is stated."""
    for clean, noisy, line in (
        (40, 58, "None of 1 test shows a drop: 1 of 1 test shows a rise"),
        (50, 20, "1 of 1 test shows a drop"),
        (40, 40, "None of 1 test shows a drop. "),
    ):
        file = written(tmp_path / "rows.jsonl", items(right={"clean": clean, NOISE: noisy}))
        assert program("import", file, "-o", str(tmp_path / "run"), "--force").out.lstrip().startswith(line)
