"""Averages titled transfer leave out cells whose model learned the task's own training data, or text of the split."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
from safetensors.numpy import save_file
from tests.synthetic_run import run
from tools.transfer.collect import with_transfer

from robust_xtreme import registry
from robust_xtreme.models.identity import parameters
from robust_xtreme.report.view import Results
from robust_xtreme.results.schema import MODELS, build
from robust_xtreme.results.stages import own_data


def _models(*flags: str) -> pl.DataFrame:
    row = {"model": "m", "identity": "i", "overlap_flags": json.dumps(flags) if flags else None}
    return build([row], MODELS)


def _scores() -> pl.DataFrame:
    """Two tasks of one model, of which one cell's text was seen."""
    rows = [("xnli", "en", 60.0, False), ("xnli", "sw", 40.0, False), ("panx", "en", 30.0, False)]
    return pl.DataFrame(
        [("m", *row, "clean", "all") for row in [*rows, ("panx", "sw", 90.0, True)]],
        schema=["model", "task", "language", "value", "overlap", "condition", "scope"],
        orient="row",
    )


def test_every_cell_says_why_it_is_not_transfer() -> None:
    """Flags of splits are not flags of tasks, and a task's own data count in all of its languages."""
    table = with_transfer(_scores(), _models(own_data("xnli"), "panx/validation/en"))
    assert table["left_out"].to_list() == ["own training data", "own training data", None, "overlap"]
    assert with_transfer(_scores(), _models())["left_out"].to_list() == [None, None, None, "overlap"]


def test_clean_scores_name_the_flag() -> None:
    """A flagged task keeps its scores and says so in every row; other tasks say nothing of it."""
    scores, deltas, manifest = run()
    view = registry.load("view", "clean_scores")
    frame = view.make(Results(scores, deltas, {**manifest, "own_data": ["xnli"]}))
    flagged = pl.col("note").fill_null("").str.contains("own training data")
    assert frame.filter(pl.col("section").str.starts_with("xnli")).select(flagged.all()).item()
    assert not frame.filter(~pl.col("section").str.starts_with("xnli")).select(flagged.any()).item()
    assert frame.height == view.make(Results(scores, deltas, manifest)).height


def test_tables_of_tokens_are_not_capacity_whatever_they_are_called(tmp_path: Path) -> None:
    """BERT's, T5's and decoders' names of embeddings count as such; norms, projections, an attention's bias do not."""
    names = ("bert.embeddings.word_embeddings.weight", "shared.weight", "encoder.embed_tokens.weight", "h.wte.weight")
    layer = "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight"
    others = ("bert.embeddings.LayerNorm.weight", "embeddings.norm.weight", "embeddings_project.weight")
    shapes = {**dict.fromkeys(names, (3, 2)), layer: (5, 1), **dict.fromkeys(others, (2, 1))}
    path = tmp_path / "model.safetensors"
    save_file({name: np.zeros(shape, np.float32) for name, shape in shapes.items()}, path)
    assert parameters((path,)) == (35, 11)
