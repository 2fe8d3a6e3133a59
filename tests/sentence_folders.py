"""Folders as sentence-transformers writes them, with random weights, written without that library; their vectors."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from tests.tiny import tiny_encoder_folder

from robust_xtreme.core import registry
from robust_xtreme.core.columns import Array
from robust_xtreme.core.specs import CANDIDATE
from robust_xtreme.models.config import fitted
from robust_xtreme.models.loading import load
from robust_xtreme.models.located import locate
from robust_xtreme.models.predictors.members.encoder_head import Vectors, _Search, retrieval
from robust_xtreme.models.predictors.predictor import Work
from robust_xtreme.models.reading.members.retrieval import QUERY
from robust_xtreme.models.reading.reading import Candidates

_TYPES = "sentence_transformers.models"


def sentence_folder(
    folder: Path,
    modes: Sequence[str] = ("mean",),
    dense: int = 0,
    activation: str = "torch.nn.modules.activation.Tanh",
    normalize: bool = True,
    prompts: Mapping[str, str] | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Path:
    """An encoder of XLM-R's kind with 16 dimensions, Pooling, perhaps a Dense with `dense` outputs, and Normalize."""
    tiny_encoder_folder(folder)
    paths = ["", "1_Pooling", *(["2_Dense"] if dense else []), *(["3_Normalize"] if normalize else [])]
    kinds = [path.rpartition("_")[2] or "Transformer" for path in paths]
    listed = [{"path": path, "type": f"{_TYPES}.{kind}"} for path, kind in zip(paths, kinds, strict=True)]
    files: dict[str, Any] = {
        "modules.json": listed,
        "1_Pooling/config.json": {"embedding_dimension": 16, "pooling_mode": list(modes)},
        "sentence_bert_config.json": {"max_seq_length": 64, "do_lower_case": False},
        "config_sentence_transformers.json": {"prompts": prompts or {}, **(settings or {})},
    }
    if dense:
        sizes = {"in_features": 16 * len(modes), "out_features": dense, "bias": True}
        files["2_Dense/config.json"] = {**sizes, "activation_function": activation}
    for name, value in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(json.dumps(value), encoding="utf-8")
    if dense:
        generator = torch.Generator().manual_seed(1)
        weight, bias = (torch.randn(size, generator=generator) for size in ((dense, 16 * len(modes)), (dense,)))
        save_file({"linear.weight": weight, "linear.bias": bias}, str(folder / "2_Dense" / "model.safetensors"))
    return folder


def vectors_of(folder: Path, texts: Sequence[str], dims: int = 0, named: str = "lareqa") -> list[Array]:
    """The vectors of texts as queries and as candidates of a task with long inputs, as its predictor computes them."""
    task = replace(registry.load("task", named), max_length=256)
    model = locate(folder, task)
    predictor: Any = retrieval.make(model, fitted(task, model.config), lambda: load(model, task, "cpu", "fp32"))
    computed = Vectors(predictor.reader, Work(4096, dims=dims))
    pool = Candidates(tuple(map(str, range(len(texts)))), tuple(texts))
    searched = _Search(texts, pool, 0, dict.fromkeys((QUERY, CANDIDATE), len(texts)))
    return [np.array(computed.of(searched, name, texts)) for name in (QUERY, CANDIDATE)]
