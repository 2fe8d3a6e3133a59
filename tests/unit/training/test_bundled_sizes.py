"""Sizes from scratch with bundled word vectors: what their seed draws, what they share, and what a run records."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch

from robust_xtreme import api
from robust_xtreme.core.errors import SpecError
from robust_xtreme.models.folder import local
from robust_xtreme.models.stages import model_facts
from robust_xtreme.training import scratch
from robust_xtreme.training.spec import EMBEDDED, from_tables

LADDER = ("mini-32", "mini-64", "mini-128", "mini-192")


def _weights(name: str, seed: int) -> dict[str, torch.Tensor]:
    encoder, _ = scratch.new_model(Path(), name, seed)
    weights: dict[str, torch.Tensor] = encoder.state_dict()
    return weights


def _parameters(name: str) -> int:
    weights = _weights(name, 0)
    return sum(tensor.numel() for key, tensor in weights.items() if key != scratch.EMBEDDINGS)


def test_the_names_of_a_spec_are_those_that_have_a_shape() -> None:
    """The names are written where torch is not imported."""
    assert tuple(EMBEDDED) == tuple(scratch.SHAPES)


@pytest.mark.parametrize("name", ["mini-32", "mini-en-32"])
def test_the_same_seed_draws_the_same_weights_and_another_others(name: str) -> None:
    """The word vectors are the same whatever the seed, but for the special tokens."""
    state = torch.get_rng_state()
    first, again, other = _weights(name, 3), _weights(name, 3), _weights(name, 4)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert not torch.equal(first["layers.0.value.weight"], other["layers.0.value.weight"])
    special = 3
    assert torch.equal(first[scratch.EMBEDDINGS][special:], other[scratch.EMBEDDINGS][special:])
    assert not torch.equal(first[scratch.EMBEDDINGS][:special], other[scratch.EMBEDDINGS][:special])


def test_each_rung_has_three_to_four_times_the_parameters() -> None:
    """Without word vectors, which are as many on every rung."""
    counts = [_parameters(name) for name in LADDER]
    assert all(2.9 < after / before < 4.0 for before, after in pairwise(counts)), counts
    assert counts[2] == _parameters("mini")


@pytest.mark.parametrize("rung", ["", "-32", "-192"])
def test_monolingual_encoders_have_the_same_layers(rung: str) -> None:
    """The layers differ neither in shape nor in number."""
    assert _parameters(f"mini-en{rung}") == _parameters(f"mini{rung}")


def test_the_monolingual_tokenizer_knows_english_words_alone() -> None:
    """A Russian word is read as bytes, an English one as few pieces; the multilingual tokenizer knows both."""
    _, english = scratch.new_model(Path(), "mini-en-32", 0)
    _, every = scratch.new_model(Path(), "mini-32", 0)
    assert len(english.tokenize("repaired")) <= 2
    assert all(piece.startswith("<0x") for piece in english.tokenize("\u043c\u043e\u0441\u043a\u0432\u0430"))
    assert not any(piece.startswith("<0x") for piece in every.tokenize("\u043c\u043e\u0441\u043a\u0432\u0430"))


def test_small_needs_text_and_mini_does_not() -> None:
    """The tokenizer of `small` is trained on the text, those of mini are scratch."""
    tables: dict[str, Any] = {"from": "scratch", "data": "world", "target": {"tasks": ["panx"]}}
    assert from_tables({**tables, "size": "mini-en-64"}).size == "mini-en-64"
    with pytest.raises(SpecError, match="needs --text"):
        from_tables({**tables, "size": "small"})


@pytest.mark.parametrize(("name", "kind"), [("mini-32", "multilingual"), ("mini-en-32", "monolingual")])
def test_a_run_records_the_kind_of_its_word_vectors(name: str, kind: str, tmp_path: Path) -> None:
    """The stage that draws the layers, the name of the base in tables, and its kind."""
    run = api.train(
        task="panx", data="world", scratch=name, out=str(tmp_path / "run"), steps=1, batch_size=2, limit=8,
        device="cpu", recipe="scratch", reported=["panx"],
    )  # fmt: skip
    first = json.loads((run / "stages" / "00-scratch.json").read_text("utf-8"))
    assert first["data"] == scratch.identity(name)
    facts = model_facts(local(run), ["panx"])
    assert (facts["base"], facts["base_kind"]) == (f"scratch {name}", kind)
