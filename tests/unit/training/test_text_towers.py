"""Text towers of CLIP and SigLIP as a start: read, trained, written as plain text encoders, and evaluated."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from safetensors.torch import load_file
from tests.encoders import BOUNDED, encoder_folder
from tests.some import some

from robust_xtreme import evaluate
from robust_xtreme.training.loop import Options
from robust_xtreme.training.stage import train
from robust_xtreme.training.values import from_values

pytestmark = pytest.mark.usefixtures("unpaged")

WHOLE = ("clip", "siglip", "siglip2")


@pytest.fixture(scope="module", params=some(WHOLE, ("clip", "siglip2")))
def tower(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random checkpoint of both towers on disk."""
    return encoder_folder(tmp_path_factory.mktemp("tower") / str(request.param), str(request.param))


def _values(tower: Path, out: Path, **stages: Any) -> dict[str, Any]:
    return {
        "encoder": tower,
        "out": out,
        "device": "cpu",
        "recipe": "scratch",
        "data": "mini",
        "reported": "xnli",
        **stages,
    }


def test_a_tower_is_fine_tuned_written_and_evaluated(tower: Path, tmp_path: Path) -> None:
    """One step on a task: the run contains a plain text encoder, whose cells MODELS calls multimodal_text."""
    messages: list[str] = []
    task = {"tasks": ["xnli"], "steps": 1, "batch_size": 4, "limit": "40", "lr": 1e-3}
    run = train(from_values(_values(tower, tmp_path / "run", target=task)), Options(tell=messages.append))
    most = BOUNDED[tower.name]
    assert any(f"cut to the {most}" in message for message in messages)
    config = json.loads((run / "model" / "config.json").read_text())
    assert config["model_type"].endswith("text_model")
    names = load_file(run / "model" / "model.safetensors").keys()
    assert not any(name.startswith("vision") or "visual" in name or "logit_scale" in name for name in names)
    evaluate(model=run, tasks="xnli", languages="en", limit=4, data="mini", out=tmp_path / "eval")
    assert pl.read_csv(tmp_path / "eval" / "models.csv")["base_kind"].to_list() == ["multimodal_text"]


def test_a_tower_learns_from_images_again(tower: Path, tmp_path: Path) -> None:
    """The contrastive stage starts from a tower; long captions are cut to the tokens that it reads."""
    rows = tmp_path / "pairs"
    rows.mkdir()
    from PIL import Image

    for name in ("a", "b"):
        Image.new("RGB", (8, 8), (250, 0, 0) if name == "a" else (0, 0, 250)).save(rows / f"{name}.png")
    (rows / "en.tsv").write_text("a.png\t" + "a red square " * 60 + "\nb.png\ta blue square\n")
    images = {"pairs": str(rows), "steps": 2, "batch_size": 2, "lr": 1e-3, "contrast": "siglip"}
    run = train(from_values(_values(tower, tmp_path / "run", images=images)))
    record = json.loads((run / "stages" / "00-images.json").read_text())
    assert (record["images"], record["examples"], record["pairs"]) == (2, 2, "pairs")
    assert json.loads((run / "model" / "config.json").read_text())["model_type"].endswith("text_model")
