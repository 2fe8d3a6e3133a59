"""The page on datasets: its code runs from top to bottom."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import LightningModule
from tests.checkpoints import SEQUENCE, checkpoint
from torch import Tensor

from robust_xtreme import perturb

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "datasets.md"
CELLS = re.findall(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)


class Module(LightningModule):
    """A module that learns from what the page collates."""

    def __init__(self) -> None:
        LightningModule.__init__(self)
        self.layer = torch.nn.Linear(1, 1)
        self.steps = 0

    def training_step(self, batch: dict[str, Tensor]) -> Tensor:
        """A loss of labels."""
        self.steps += 1
        loss: Tensor = self.layer(batch["labels"][:, None].float()).sum()
        return loss

    def configure_optimizers(self) -> Any:
        """Any optimizer."""
        return torch.optim.SGD(self.parameters(), 0.1)


@pytest.mark.filterwarnings("ignore")
def test_the_page_runs_from_top_to_bottom(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every cell runs; the first prints the noise of `perturb`, the last trains two epochs."""
    monkeypatch.chdir(tmp_path)
    checkpoint(Path("checkpoints/xnli"), "bert", SEQUENCE, ("no", "yes"))
    names: dict[str, Any] = {"module": Module()}
    for number, cell in enumerate(CELLS):
        exec(compile(cell, f"cell {number}", "exec"), names)
    assert len(CELLS) == 6
    shown = perturb(["Habari ya asubuhi"], "keyboard_typo:0.3", language="sw")
    assert capsys.readouterr().out.splitlines()[0] == str([*shown, None])
    assert names["module"].steps == 2
    assert names["collator"].epoch == 1
