"""The architecture of mini: what its heads see, what training may change, and how it is on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from tests.tiny import tiny_tokenizer

from robust_xtreme.models.loading import read_encoder
from robust_xtreme.models.mini import MiniConfig, MiniModel, best_match, in_second
from robust_xtreme.models.tokenizer import read_tokenizer
from robust_xtreme.training.resume import write_model

SEPARATOR = 2


def _encoder(**changed: Any) -> Any:
    config = MiniConfig(vocab_size=60, embedding_size=16, hidden_size=16, num_attention_heads=4, **changed)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return MiniModel(config).eval()


def _states(encoder: Any, *rows: list[int]) -> torch.Tensor:
    length = max(map(len, rows))
    ids = torch.tensor([row + [1] * (length - len(row)) for row in rows])
    with torch.inference_mode():
        hidden: torch.Tensor = encoder(input_ids=ids, attention_mask=(ids != 1).long()).last_hidden_state
    return hidden


def test_the_second_text_begins_after_the_second_separator() -> None:
    """A single text is all first; of a pair, what is after `</s> </s>` is second."""
    ids = torch.tensor([[0, 7, 8, 2, 1, 1, 1], [0, 7, 2, 2, 8, 9, 2]])
    assert in_second(ids, SEPARATOR).tolist() == [
        [False] * 7,
        [False, False, False, False, True, True, True],
    ]


def test_a_word_knows_the_one_most_like_it_in_the_other_text() -> None:
    """The same word is matched by 1, whatever its length; a single text has nothing to match."""
    vectors = torch.tensor([[[1.0, 0.0], [0.0, 3.0], [2.0, 0.0], [1.0, 1.0]]])
    second = torch.tensor([[False, False, True, True]])
    words = torch.ones_like(second)
    similarity = best_match(vectors, second, words)[0]
    assert similarity.tolist() == pytest.approx([1.0, 0.5**0.5, 1.0, 0.5**0.5])
    assert best_match(vectors, second & False, words).tolist() == [[0.0] * 4]
    assert best_match(vectors, second, words & torch.tensor([True, True, False, True]))[0, 0] == pytest.approx(0.5**0.5)


def test_padding_changes_no_answer() -> None:
    """A row has the same outputs alone and beside a longer one."""
    encoder = _encoder()
    short, long = [0, 9, 10, 2, 2, 9, 2], [0, *range(10, 40), 2]
    alone, beside = _states(encoder, short), _states(encoder, short, long)
    assert torch.allclose(alone[0], beside[0, : len(short)], atol=1e-5)


def test_a_word_of_the_other_text_is_seen() -> None:
    """The second text changes the vector of the first token of the pair."""
    encoder = _encoder()
    same, other = _states(encoder, [0, 9, 2, 2, 9, 2]), _states(encoder, [0, 9, 2, 2, 30, 2])
    assert (same[0, 1] - other[0, 1]).abs().max() > 1e-3


@pytest.mark.parametrize("frozen", [True, False])
def test_frozen_word_vectors_get_no_gradient(frozen: bool, tmp_path: Path) -> None:
    """They stay out of training, also after the encoder was read from files; the rest learns."""
    write_model(tmp_path / "model", _encoder(frozen_embeddings=frozen), tiny_tokenizer())
    encoder = read_encoder(tmp_path / "model").train()
    torch.autograd.backward(encoder(input_ids=torch.tensor([[0, 9, 2, 2, 9, 2]])).last_hidden_state.pow(3).sum())
    assert (encoder.embeddings.weight.grad is None) == frozen
    assert encoder.layers[0].value.weight.grad.abs().sum() > 0


def test_noise_on_word_vectors_is_of_training_alone() -> None:
    """Two passes agree in evaluation; in training they differ, and a word has one vector wherever it is."""
    encoder = _encoder(type_noise=0.5, type_dropout=0.1, dropout=0.0)
    ids = [0, 9, 10, 2, 2, 9, 2]
    assert torch.equal(_states(encoder, ids), _states(encoder, ids))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        assert not torch.equal(_states(encoder.train(), ids), _states(encoder.train(), ids))
        noised = encoder._noised(encoder.embeddings(torch.tensor([ids])), torch.tensor([ids]))[0]
    assert torch.equal(noised[1], noised[5])


def test_it_is_on_disk_in_half_precision_and_is_read_by_the_auto_classes(tmp_path: Path) -> None:
    """On disk it takes half the bytes; read back it is float32, with the same values and outputs."""
    encoder = _encoder()
    write_model(tmp_path / "model", encoder, tiny_tokenizer())
    stored = load_file(tmp_path / "model" / "model.safetensors")
    assert {tensor.dtype for tensor in stored.values()} == {torch.float16}
    back = read_encoder(tmp_path / "model")
    assert type(back).__name__ == "MiniModel"
    assert {parameter.dtype for parameter in back.parameters()} == {torch.float32}
    assert all(torch.equal(tensor.half(), stored[name]) for name, tensor in encoder.state_dict().items())
    assert torch.allclose(_states(back, [0, 9, 2]), _states(encoder, [0, 9, 2]), atol=1e-2)


def test_the_tokenizer_of_a_run_is_named_for_every_version_of_transformers(tmp_path: Path) -> None:
    """Its class has the name that 4 and 5 know, and nothing is left of how it was read."""
    write_model(tmp_path / "model", _encoder(), tiny_tokenizer())
    config = (tmp_path / "model" / "tokenizer_config.json").read_text(encoding="utf-8")
    assert '"PreTrainedTokenizerFast"' in config
    assert "local" not in config
    assert len(read_tokenizer(tmp_path / "model")) == len(tiny_tokenizer())
