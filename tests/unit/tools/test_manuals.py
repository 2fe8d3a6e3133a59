"""The menu of the manual's versions lists those that are built."""

from __future__ import annotations

import json
from pathlib import Path

from tools.manuals import write


def test_the_newest_version_is_first_and_the_start(tmp_path: Path) -> None:
    """In the order of versions, not of letters; folders that are none are not listed."""
    for name in ("0.9", "0.10", "0.2.1", "how-to", "assets"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "index.html").write_text("")
    (tmp_path / "0.11").mkdir()  # not built
    assert write(tmp_path) == ["0.10", "0.9", "0.2.1"]
    rows = json.loads((tmp_path / "versions.json").read_text("utf-8"))
    assert [(row["version"], row["aliases"]) for row in rows] == [("0.10", ["latest"]), ("0.9", []), ("0.2.1", [])]
    assert "url=0.10/" in (tmp_path / "index.html").read_text("utf-8")
