"""Decoders as encoders: the last token of a text, whatever is padded and where; heads of transformers on them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from tests.model_kinds import DECODERS, decoder_folder, decoder_tokenizer
from tests.tiny import pair_example, tagged_example

from robust_xtreme.core import registry
from robust_xtreme.core.errors import ModelError
from robust_xtreme.models.folder import parameters
from robust_xtreme.models.loading import load, read_encoder
from robust_xtreme.models.located import locate, notes_of
from robust_xtreme.models.predictors.loaded import forward
from robust_xtreme.models.predictors.members.encoder_head import head_of
from robust_xtreme.models.predictors.predictor import nowhere
from robust_xtreme.models.reading.members.retrieval import text_windows
from robust_xtreme.models.reading.reading import contents_of
from robust_xtreme.models.reading.tokens import tokenizer_from
from robust_xtreme.models.tensors import AtLayer, Pooled, Representation, collate, encoder_inputs
from robust_xtreme.models.tokenizer import read_tokenizer

_LIBRARY: Any = transformers
TEXTS = ["a man", "a dog sleeps in the sun", "नमस्ते", "x"]
NLI = ("entailment", "neutral", "contradiction")
LABELS: dict[str, Any] = {"id2label": dict(enumerate(NLI)), "label2id": {name: at for at, name in enumerate(NLI)}}


def _vectors(folder: Path, texts: list[str], representation: str) -> torch.Tensor:
    wanted, tokenizer = Representation.parse(representation), read_tokenizer(folder)
    windows = text_windows(texts, tokenizer_from(tokenizer), 64)
    encoder = AtLayer(read_encoder(folder), wanted.layer)
    ids, mask = collate(windows, tokenizer.pad_token_id)
    with torch.inference_mode():
        hidden = encoder(**encoder_inputs(encoder, ids, mask, windows)).last_hidden_state
        vectors: torch.Tensor = Pooled(wanted)(hidden, mask, windows)
    return vectors


@pytest.mark.parametrize("kind", DECODERS)
def test_the_last_token_is_that_of_transformers_padded_on_the_left(kind: str, tmp_path: Path) -> None:
    """The tokenizer puts a token before a text, or none around it; the mean, too, is that of a text alone."""
    folder = decoder_folder(tmp_path, kind, begins=kind == "llama")
    tokenizer = read_tokenizer(folder)
    tokenizer.padding_side = "left"
    inputs = tokenizer(TEXTS, return_tensors="pt", padding=True)
    assert inputs.attention_mask[0, 0] == 0
    places = (inputs.attention_mask.cumsum(1) - 1).clamp(min=0)
    with torch.inference_mode():
        states = _LIBRARY.AutoModel.from_pretrained(folder).eval()(**inputs, position_ids=places).last_hidden_state
    wanted = torch.nn.functional.normalize(states[:, -1], dim=-1)
    assert (wanted[0] - wanted[1]).abs().max() > 1e-3
    for representation in ("last:2", "cls:2"):
        torch.testing.assert_close(_vectors(folder, TEXTS, representation), wanted, atol=1e-5, rtol=0)
    alone = torch.cat([_vectors(folder, [text], "mean:2") for text in TEXTS])
    torch.testing.assert_close(_vectors(folder, TEXTS, "mean:2"), alone, atol=1e-5, rtol=0)


def test_a_text_without_a_token_is_one_of_padding(tmp_path: Path) -> None:
    """Alone and beside others."""
    folder = decoder_folder(tmp_path, "qwen3")
    (beside, alone) = (_vectors(folder, texts, "last:2")[-1] for texts in ([*TEXTS, ""], [""]))
    torch.testing.assert_close(beside, alone, atol=1e-6, rtol=0)
    assert torch.isfinite(alone).all()


def test_a_gpt2_that_keeps_its_masks_is_read_and_counted_without_them(tmp_path: Path) -> None:
    """Old checkpoints contain the triangle of attention in each layer."""
    folder = decoder_folder(tmp_path, "gpt2", "LMHeadModel")
    before = parameters((folder / "model.safetensors",))
    weights = _weights(folder)
    weights |= {f"transformer.h.{layer}.attn.bias": torch.ones(1, 1, 8, 8, dtype=torch.uint8) for layer in (0, 1)}
    _write(folder, weights)
    assert read_encoder(folder).config.n_layer == 2
    assert parameters((folder / "model.safetensors",)) == before


def _weights(folder: Path) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    return load_file(folder / "model.safetensors")


def _write(folder: Path, weights: dict[str, torch.Tensor]) -> None:
    from safetensors.torch import save_file

    save_file(weights, folder / "model.safetensors", {"format": "pt"})


# --------------------------------------------------------------------------------------------------------------- heads


@pytest.mark.parametrize("pad", [None, 257])
def test_a_head_for_pairs_scores_as_transformers_does_alone(pad: int | None, tmp_path: Path) -> None:
    """A padding token that is missing in tokenizer and configuration is set, and said; a pair scores as by itself."""
    folder = decoder_folder(
        tmp_path, "llama", "ForSequenceClassification", begins=True, **{**LABELS, "pad_token_id": pad}
    )
    task = registry.load("task", "xnli")
    located = locate(folder, task)
    checkpoint = load(located, task, "cpu", "fp32")
    examples = [
        pair_example("1", "a man eats", "he sleeps"),
        pair_example("2", "it rains, it rains", "wet, isn't it?"),
    ]
    predictor = head_of(located, task, nowhere)
    scores = forward(checkpoint, predictor.prepare(contents_of(examples)).windows)
    model = _LIBRARY.AutoModelForSequenceClassification.from_pretrained(folder).eval()
    for row, example in enumerate(examples):
        pair = decoder_tokenizer(True)(*(text.value for text in example.texts.values()), return_tensors="pt")
        with torch.inference_mode():
            assert np.allclose(scores[row], model(**pair).logits[0].numpy(), atol=1e-5)
    token = decoder_tokenizer().convert_ids_to_tokens(257) if pad else "<|end|>"
    assert any(f"padded with {token}" in note for note in notes_of(located))


def test_padding_is_not_what_ends_a_text(tmp_path: Path) -> None:
    """Heads of transformers would take the token before it; where nothing else is left, the line says what to name."""
    folder = decoder_folder(tmp_path, "llama")
    path = folder / "tokenizer.json"
    facts = json.loads(path.read_text("utf-8"))
    ends = {"SpecialToken": {"id": "<|end|>", "type_id": 0}}
    single = [{"Sequence": {"id": "A", "type_id": 0}}, ends]
    named = {"<|end|>": {"id": "<|end|>", "ids": [0], "tokens": ["<|end|>"]}}
    ending = {"type": "TemplateProcessing", "single": single, "pair": single * 2, "special_tokens": named}
    facts["post_processor"] = ending
    path.write_text(json.dumps(facts), encoding="utf-8")
    with pytest.raises(ModelError, match="pad_token"):
        read_tokenizer(folder)
    config = folder / "tokenizer_config.json"
    config.write_text(json.dumps({**json.loads(config.read_text("utf-8")), "unk_token": "<s>"}), encoding="utf-8")
    assert read_tokenizer(folder).pad_token == "<s>"


def test_words_are_read_as_their_head_learned_them(tmp_path: Path) -> None:
    """transformers' scripts learn a word off its first token; our own heads on a decoder off its last."""
    tags = ("O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC")
    labels: dict[str, Any] = {"id2label": dict(enumerate(tags)), "label2id": {tag: at for at, tag in enumerate(tags)}}
    folder = decoder_folder(tmp_path, "llama", "ForTokenClassification", **labels)
    task, example = registry.load("task", "panx"), tagged_example("1", ["Ana", "sees"], ["O", "O"])
    theirs = head_of(locate(folder, task), task, nowhere).prepare(contents_of([example])).windows
    ours = registry.load("family", "tagging").encode([example], read_tokenizer(folder), 64, 0)
    assert theirs.layout.firsts.tolist() == [0, 3]  # type: ignore[union-attr]  # words have layouts
    assert ours.layout.firsts.tolist() == [2, 6]
