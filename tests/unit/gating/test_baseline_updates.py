"""What an update of a baseline keeps, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.finished_runs import finished_run

from robust_xtreme.core.errors import DataError, UserError
from robust_xtreme.gating.baselines import load, save, update


def test_an_anchor_is_the_one_that_was_saved(tmp_path: Path) -> None:
    """Where it is removed, or another baseline is in its place, the baseline is refused."""
    root = tmp_path / "baselines"
    old, new = (finished_run(tmp_path / str(draw), draw=draw) for draw in range(2))
    save([old], "main", root)
    save([old], "other", root, "another reason")
    update([new], "main", root)
    anchor = root / "main.anchor.json"
    kept = anchor.read_bytes()
    for content in (None, (root / "main.json").read_bytes(), (root / "other.json").read_bytes()):
        anchor.unlink() if content is None else anchor.write_bytes(content)
        with pytest.raises(DataError, match="not the anchor"):
            load("main", root)
    anchor.write_bytes(kept)
    load("main", root).check()


def test_one_run_does_not_replace_those_of_training_seeds(tmp_path: Path) -> None:
    """An update says what to do instead, and changes nothing."""
    root = tmp_path / "baselines"
    runs = [finished_run(tmp_path / str(draw), draw=draw) for draw in range(4)]
    save(runs[:3], "seeds", root)
    with pytest.raises(UserError, match="training seed"):
        update(runs[3:], "seeds", root)
    assert load("seeds", root).seeds == 3
