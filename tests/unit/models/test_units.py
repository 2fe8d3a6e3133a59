"""Tokens that are bytes or characters: ids as transformers', exact offsets, states that no neighbour changes."""

from __future__ import annotations

import pickle
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from tests.decoding import decoded
from tests.model_kinds import byt5_folder, canine_folder
from tests.some import some
from tests.tiny import question_example
from transformers.models.perceiver.tokenization_perceiver import PerceiverTokenizer

from robust_xtreme.core import registry
from robust_xtreme.core.errors import ModelError
from robust_xtreme.models.config import in_units, positions
from robust_xtreme.models.folder import local
from robust_xtreme.models.loading import load, read_encoder
from robust_xtreme.models.located import locate
from robust_xtreme.models.reading.members.retrieval import text_windows
from robust_xtreme.models.reading.tokens import Units, backend_of, tokenizer_from
from robust_xtreme.models.reading.windows import plain
from robust_xtreme.models.tensors import AtLayer, collate, encoder_inputs
from robust_xtreme.models.tokenizer import read_tokenizer
from robust_xtreme.training.resume import read_start, write_model

_LIBRARY: Any = transformers
TOKENIZERS = ("ByT5Tokenizer", "CanineTokenizer")
TEXTS = [
    "", " ", "a man", "Ærøskøbing ß İstanbul", "नमस्ते दुनिया ज़", "今天天气很好", "👩\u200d🚀👍🏽🇩🇪 x\U000f1234y 𐍈",
    "e\u0301o\u0308 \u200bx\ufeffy\x00z\x1c", "a </s> b", " </s>  </s>x<pad> <unk>", "<extra_id_12><extra_id_1> q",
    "x \ue003 y\ue000\ue001 [CLS]", "tab\tline\n \u3000",
]  # fmt: skip


@cache
def _tokenizer(name: str) -> Any:
    """A tokenizer of that class, made once."""
    return getattr(_LIBRARY, name)()


@pytest.fixture(scope="module")
def canine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny CANINE, which tests only read."""
    return canine_folder(tmp_path_factory.mktemp("canine"))


@pytest.mark.parametrize("name", TOKENIZERS)
def test_ids_are_those_of_transformers(name: str) -> None:
    """Also of names of special tokens in a text, one text or many, here or after a journey to another process."""
    tokenizer = _tokenizer(name)
    backend = backend_of(tokenizer)
    assert isinstance(backend, Units)
    wanted = [tuple(ids) for ids in tokenizer(TEXTS, add_special_tokens=False)["input_ids"]]
    for read in (backend, pickle.loads(pickle.dumps(backend))):  # noqa: S301 - what this test wrote
        tokens = read(TEXTS, False)
        assert [tokens[number] for number in range(len(TEXTS))] == wanted
        alone = [read([text], False).ids for text in TEXTS[:8]]
        assert np.array_equal(read(TEXTS[:8], False).ids, np.concatenate(alone))


@pytest.mark.parametrize("name", TOKENIZERS)
def test_each_token_is_at_its_character(name: str) -> None:
    """The bytes or the character there are what the token is; a special token is at its name."""
    tokenizer = _tokenizer(name)
    tokens = backend_of(tokenizer)(TEXTS, True)
    for number, text in enumerate(TEXTS):
        low, high = tokens.bounds[number : number + 2]
        ids, spans = tokens.ids[low:high], tokens.spans[low:high].tolist()
        if name == "CanineTokenizer":
            assert [text[start:stop] for start, stop in spans] == [chr(token) for token in ids]
            continue
        for start, stop in dict.fromkeys(map(tuple, spans)):
            here = ids[[span == [start, stop] for span in spans]].tolist()
            own = text[start:stop]
            special = tokenizer.added_tokens_encoder.get(own)
            assert here == ([special] if special is not None else [byte + 3 for byte in own.encode()])


def test_other_tokenizers_in_python_are_refused_by_name(tmp_path: Path) -> None:
    """In one line."""
    folder = byt5_folder(tmp_path / "model")
    PerceiverTokenizer().save_pretrained(folder)
    (folder / "vocab.txt").write_text("", encoding="utf-8")
    with pytest.raises(ModelError, match="PerceiverTokenizer"):
        read_tokenizer(folder)


def test_lengths_are_in_bytes_and_characters(canine: Path, tmp_path: Path) -> None:
    """A task's tokens are four of them, also after a run has written the model; CANINE keeps some positions free."""
    xquad = registry.load("task", "xquad")
    for folder in (byt5_folder(tmp_path / "byt5"), canine):
        assert in_units(xquad, local(folder).config).max_length == 4 * xquad.max_length
        encoder, tokenizer = read_start(folder)
        assert in_units(xquad, encoder.config.to_dict()).stride == 4 * xquad.stride
        write_model(tmp_path / "again" / folder.name, encoder, tokenizer)
        assert local(tmp_path / "again" / folder.name).config["tokenizer_class"] in TOKENIZERS
    assert positions(local(canine).config) == 4096 - 8
    assert in_units(xquad, {"model_type": "bert"}) is xquad


@pytest.mark.parametrize("name", TOKENIZERS)
def test_an_answer_is_cut_out_at_its_characters(name: str) -> None:
    """Longer ones than 30 bytes too."""
    family, answer = registry.load("family", "span_qa"), "दिल्ली के पास एक बड़ी नदी"
    example = question_example("1", "कहाँ?", f"x 👩\u200d🚀 वह {answer} थी।", answer)
    windows = family.encode([example], _tokenizer(name), 512, 128)
    scores = np.zeros((len(windows.ids), 2), np.float32)
    layout, golds = windows.layout, example.texts["context"].spans[0]
    here = layout.offsets[layout.begin[0] : layout.stop[0]]
    inside = np.flatnonzero((here[:, 0] >= golds.start) & (here[:, 1] <= golds.stop)) + layout.first[0]
    scores[inside[0], 0] = scores[inside[-1], 1] = 9.0
    assert decoded(family, example, windows, [scores], ()) == example.target


# -------------------------------------------------------------------------------------------------------------- CANINE


def _states(encoder: Any, windows: Any) -> list[torch.Tensor]:
    ids, mask = collate(windows, 0)
    with torch.inference_mode():
        hidden = encoder(**encoder_inputs(encoder, ids, mask, windows)).last_hidden_state
    return [hidden[row, :length] for row, length in enumerate(windows.lengths.tolist())]


@pytest.mark.parametrize("layer", some([0, 1, 2], (2,)))
def test_no_neighbour_changes_a_state_of_canine(layer: int, canine: Path) -> None:
    """Whatever the lengths, one character or more than a block of its local attention; every layer has characters."""
    encoder = AtLayer(read_encoder(canine), layer)
    lengths = (1, 2, 5, 119, 120, 121, 125, 126, 127, 250, 300)
    texts = ["".join(chr(97 + (number * at) % 26) for at in range(number)) for number in lengths]
    windows = text_windows(texts, tokenizer_from(_tokenizer("CanineTokenizer")), 512)
    together = _states(encoder, windows)
    for row, states in enumerate(together):
        (alone,) = _states(encoder, windows.take([row]))
        torch.testing.assert_close(states, alone, atol=3e-6, rtol=1e-5)


def test_canine_has_the_states_that_transformers_gives_a_long_padded_text(canine: Path) -> None:
    """As in pretraining, where each text is padded to the same length."""
    encoder, tokenizer = read_encoder(canine), read_tokenizer(canine)
    inputs = tokenizer(["a dog sees a man"], return_tensors="pt", padding="max_length", max_length=256)
    with torch.inference_mode():
        wanted = _LIBRARY.CanineModel.from_pretrained(canine).eval()(**inputs).last_hidden_state
        length = int(inputs.attention_mask.sum())
        given = encoder(**{name: values[:, :length] for name, values in inputs.items()}).last_hidden_state
    torch.testing.assert_close(given, wanted[:, :length], atol=3e-6, rtol=1e-5)


@pytest.mark.long
def test_heads_of_transformers_on_canine_are_steady_too(tmp_path: Path) -> None:
    """A checkpoint that classifies scores a text alone as beside another."""
    names = ("entailment", "neutral", "contradiction")
    labels = {"id2label": dict(enumerate(names)), "label2id": {name: at for at, name in enumerate(names)}}
    folder = canine_folder(tmp_path, "ForSequenceClassification", **labels)
    task = registry.load("task", "xnli")
    encoder = load(locate(folder, task), task, "cpu", "fp32").encoder
    rows = [(57344, *range(97, 110), 57345), (57344, *range(97, 97 + 26), 98, 57345)]
    (first, _), (alone,) = (_states(encoder, plain(part)) for part in (rows, rows[:1]))
    torch.testing.assert_close(first, alone, atol=3e-6, rtol=1e-5)
