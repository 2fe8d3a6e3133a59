"""The page of gradients: a row is known by its task, model and attack."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks import gradients


def _row(attack: str, clean: float) -> dict[str, Any]:
    levels = dict.fromkeys(("chance", "random", "scores", "gradients"), 1.0)
    known = {"task": "xnli", "model": "head", "attack": attack, "languages": "sw", "items": 1, "seeds": 1}
    both = {"scores": 1.0, "gradients": 1.0}
    return {**known, **levels, "clean": clean, "lower": [0.0, None, None], "queries": both, "seconds": both}


def test_rows_of_other_attacks_stay_and_the_same_one_is_replaced(tmp_path: Path) -> None:
    """A task that is attacked in letters and in words has a row of each."""
    for row in (_row("attack_letters:0.1", 50.0), _row("attack_words:0.2", 60.0), _row("attack_letters:0.1", 70.0)):
        gradients.write(tmp_path, row)
    rows = json.loads((tmp_path / "gradients.json").read_text(encoding="utf-8"))
    assert [(row["attack"], row["clean"]) for row in rows] == [("attack_letters:0.1", 70.0), ("attack_words:0.2", 60.0)]
    assert (tmp_path / "gradients.md").read_text(encoding="utf-8") == gradients.page(rows)
