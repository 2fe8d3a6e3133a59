"""What is left beside a folder that was written beside its place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from robust_xtreme.core.errors import UserError
from robust_xtreme.exchange.exporting.harness.export import target
from robust_xtreme.files import store
from robust_xtreme.stats.replacing import sweep

LEFT = ("before", "run")


@pytest.fixture
def left(tmp_path: Path) -> Path:
    """What a process left that was killed after its folder was in its place."""
    (tmp_path / "out" / "data").mkdir(parents=True)
    for name in LEFT:
        (tmp_path / ".out.exporting" / name).mkdir(parents=True)
    return tmp_path / ".out.exporting"


def test_what_a_process_killed_at_its_end_left_is_removed_before_its_folder_is_refused(left: Path) -> None:
    """The same command is refused, since the folder is whole, and nothing else would remove it."""
    with pytest.raises(UserError, match="contains an export"):
        target(str(left.with_name("out")), False)
    assert [path.name for path in left.parent.iterdir()] == ["out"]


@pytest.mark.parametrize("change", [
    lambda left: (left / "notes.txt").write_text("mine"),
    lambda left: (left.with_name("out") / "data").rename(left.with_name("data")) and left.with_name("out").rmdir(),
])  # fmt: skip
def test_the_files_of_others_and_what_a_folder_is_restored_of_stay(
    left: Path, change: Callable[[Path], object]
) -> None:
    """Whoever writes next restores the folder, or says what is in the way."""
    change(left)
    sweep(left.with_name("out"), "exporting")
    assert {*LEFT} <= {path.name for path in left.iterdir()}


def test_what_another_process_writes_stays(left: Path) -> None:
    """It has the lock."""
    with store.lock(left):
        sweep(left.with_name("out"), "exporting")
        assert {*LEFT} <= {path.name for path in left.iterdir()}
    sweep(left.with_name("out"), "exporting")
    assert not left.exists()
