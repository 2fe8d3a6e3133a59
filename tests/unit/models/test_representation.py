"""Representations: the grammar, which hidden state is meant, and the vectors that transformers' states give."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from tests.tiny import search_example, tiny_encoder, tiny_tokenizer

from robust_xtreme.core import registry
from robust_xtreme.core.errors import ModelError, SpecError
from robust_xtreme.models import mini
from robust_xtreme.models.predictors.family import Family
from robust_xtreme.models.predictors.loaded import forward
from robust_xtreme.models.tensors import DEFAULT, AtLayer, Pooled, Representation, collate, encoder_inputs, layer_count

FAMILY: Family = registry.load("family", "retrieval")
TEXTS = ("A man sees a dog", "x", "Nobody is asleep in the old stone house by the river", "ab c")


@pytest.mark.parametrize("text", ["mean:14/24", "mean:0", "cls:12", "cls:24/24", "mean:8@specials=out"])
def test_a_representation_reads_what_it_writes(text: str) -> None:
    """`str` gives the text back, and parsing that the same value."""
    assert str(Representation.parse(text)) == text
    assert Representation.parse(f" {text} ") == Representation.parse(text)


def test_the_default_is_the_papers() -> None:
    """Hidden state 14 of 24, the mean over all tokens; special tokens count by default."""
    assert str(DEFAULT) == "mean:14/24"
    assert Representation.parse("mean:14/24@specials=in") == DEFAULT
    assert DEFAULT.specials


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "POOLING:LAYER"),
        ("mean:-1", "POOLING:LAYER"),
        ("mean:14\n", ""),
        ("mean:14@special=out", "POOLING:LAYER"),
        ("mean:99999999999", "POOLING:LAYER"),
        ("max:14", "no pooling 'max'"),
        ("mean:25/24", "layer 25"),
        ("mean:0/0", "layer 0"),
        ("mean:3@specials=yes", "in or out"),
        ("cls:3@specials=out", "cls is"),
        ("last:3@specials=out", "last is"),
        ("mean:" + "1" * 500, "POOLING:LAYER"),
    ],
)
def test_what_is_not_a_representation_is_refused(text: str, message: str) -> None:
    """One line that says what was wrong, or how it is written."""
    if not message:
        assert Representation.parse(text).layer == 14
        return
    with pytest.raises(SpecError) as caught:
        Representation.parse(text)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("text", "layers", "state"),
    [
        ("mean:14/24", 24, 14),
        ("mean:14/24", 12, 7),
        ("mean:14/24", 6, 4),
        ("mean:14/24", 3, 2),
        ("mean:14/24", 1, 1),
        ("mean:1/4", 2, 1),
        ("mean:1/4", 6, 2),
        ("mean:3/4", 2, 2),
        ("mean:0/24", 12, 0),
        ("mean:24/24", 7, 7),
        ("cls:5", 12, 5),
        ("cls:12", 12, 12),
    ],
)
def test_layers_are_scaled_and_halves_go_up(text: str, layers: int, state: int) -> None:
    """N/M of an encoder with other depth is N * depth / M, rounded half up; a number alone is itself."""
    assert Representation.parse(text).at(layers) == state


def test_a_layer_that_the_encoder_does_not_have_is_refused() -> None:
    """One line with the number of layers there are, and how to scale."""
    with pytest.raises(SpecError, match="layer 14"):
        Representation.parse("mean:14").at(12)


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    """One tokenizer for all tests."""
    return tiny_tokenizer()


@pytest.fixture(scope="module")
def deep(tokenizer: Any) -> Any:
    """A random encoder of XLM-R's shape with 24 layers, whose states differ."""
    return tiny_encoder(len(tokenizer), layers=24)


@pytest.mark.parametrize("text", ["mean:14/24", "mean:0", "mean:24", "cls:14/24", "cls:24", "mean:14/24@specials=out"])
def test_vectors_are_made_of_transformers_hidden_states(text: str, tokenizer: Any, deep: Any) -> None:
    """Each text by itself in transformers, its states pooled by hand; here all in one padded batch."""
    wanted = Representation.parse(text)
    vectors = []
    for value in TEXTS:
        inputs = tokenizer(value, return_tensors="pt")
        with torch.inference_mode():
            states = deep(**inputs, output_hidden_states=True).hidden_states[wanted.layer][0]
        states = states if wanted.specials else states[1:-1]
        vectors.append(states[0] if wanted.pooling == "cls" else states.mean(dim=0))
    peer = torch.nn.functional.normalize(torch.stack(vectors))
    windows = FAMILY.encode([search_example(text, text) for text in TEXTS], tokenizer, 128, 0)
    ids, mask = collate(windows, int(tokenizer.pad_token_id))
    encoder = AtLayer(deep, wanted.at(layer_count(deep)))
    with torch.inference_mode():
        hidden = encoder(**encoder_inputs(encoder, ids, mask, windows)).last_hidden_state
        outputs = FAMILY.forward(Pooled(wanted), hidden, mask, windows)
    torch.testing.assert_close(outputs, peer, atol=1e-5, rtol=1e-4)


def test_a_wrapped_encoder_is_predicted_with_like_any_other(tokenizer: Any, deep: Any) -> None:
    """Its configuration is the encoder's, its last hidden state that of the layer: predicting needs no change."""
    encoder = AtLayer(deep, 14)
    assert encoder.config is deep.config
    device = torch.device("cpu")
    checkpoint: Any = SimpleNamespace(
        encoder=encoder, head=Pooled(DEFAULT), family=FAMILY, pad_id=int(tokenizer.pad_token_id), device=device
    )
    windows = FAMILY.encode([search_example(text, text) for text in TEXTS], tokenizer, 128, 0)
    outputs = forward(checkpoint, windows)
    assert outputs.shape == (4, 16)
    assert outputs.dtype == "float32"


def test_an_encoder_without_hidden_states_is_refused() -> None:
    """One line; as is one that has fewer than its configuration says."""

    class Bare(torch.nn.Module):
        config = None

        def forward(self, **inputs: Any) -> Any:
            """Nothing but what is asked of it."""
            return inputs

    with pytest.raises(ModelError, match="no hidden states"):
        AtLayer(Bare(), 3)(input_ids=torch.zeros(1, 1))
    with pytest.raises(ModelError, match="how many layers"):
        layer_count(Bare())


def test_minis_encoder_gives_its_states_where_they_are_asked_for() -> None:
    """One more than layers; the last is the output, with the norm applied, and asking changes no output."""
    config = mini.MiniConfig(vocab_size=50, embedding_size=8, hidden_size=16, intermediate_size=32)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = mini.MiniModel(config).eval()
    ids = torch.arange(3, 23).reshape(2, 10)
    with torch.inference_mode():
        plain, full = model(input_ids=ids), model(input_ids=ids, output_hidden_states=True)
    assert plain.hidden_states is None
    assert torch.equal(plain.last_hidden_state, full.last_hidden_state)
    assert len(full.hidden_states) == config.num_hidden_layers + 1 == layer_count(model) + 1
    assert full.hidden_states[-1] is full.last_hidden_state
    bias = model._bias(torch.zeros_like(ids, dtype=torch.bool), torch.ones_like(ids))
    hidden = full.hidden_states[0]
    with torch.inference_mode():
        for index, layer in enumerate(model.layers[:-1]):
            hidden = layer(hidden, bias)
            torch.testing.assert_close(hidden, full.hidden_states[index + 1])
        torch.testing.assert_close(model.norm(model.layers[-1](hidden, bias)), full.last_hidden_state)
