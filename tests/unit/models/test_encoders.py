"""Every kind of encoder that training starts from: read, learned with in every family, written and read again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from tests.decoding import decoded
from tests.encoders import BOUNDED, CAUSAL, KINDS, LAST, clip_tokenizer, encoder_folder, ended_tokenizer
from tests.single_windows import singly
from tests.some import some
from tests.tiny import (
    choice_example,
    pair_example,
    question_example,
    search_example,
    tagged_example,
    tiny_encoder_folder,
)
from tokenizers.processors import TemplateProcessing
from torch import Tensor, nn

from robust_xtreme.core import registry
from robust_xtreme.core.errors import ModelError
from robust_xtreme.core.examples import NO_ANSWER, Example
from robust_xtreme.models.config import check_fits, fitted, is_causal, positions, text_facts
from robust_xtreme.models.loading import read_encoder
from robust_xtreme.models.predictors.family import Family
from robust_xtreme.models.reading.members.retrieval import text_windows
from robust_xtreme.models.reading.tokens import CAUSAL as CAUSAL_READER
from robust_xtreme.models.reading.tokens import frame_of, tokenizer_from
from robust_xtreme.models.reading.windows import Windows
from robust_xtreme.models.tensors import AtLayer, Pooled, Representation, collate, encoder_inputs, layer_count
from robust_xtreme.models.tokenizer import check_special, check_tokenizer, read_tokenizer
from robust_xtreme.training.resume import write_model

CONTEXT = "Rais Julius Nyerere alizaliwa katika kijiji cha Butiama, mwaka 1922. " * 3
EXAMPLES = {
    "classification": [pair_example("1", "a man " * 30, "a dog sleeps", 0), pair_example("2", "it rains", "it is", 1)],
    "choice": [choice_example("1", "it rains", ["wet", "the sun is out"], 1), choice_example("2", "b", ["c", "d"], 0)],
    "tagging": [tagged_example("1", ["Ana", "sees", "Bo"] * 12, ["B-PER", "O", "B-PER"] * 12)],
    "span_qa": [
        question_example("1", "who was born?", CONTEXT, "Julius Nyerere"),
        question_example("2", "who?", CONTEXT, ""),
    ],
    "retrieval": [search_example("1", "a red house", "the house is red"), search_example("2", "a dog", "one dog")],
}
LABELS = {"classification": ("a", "b"), "tagging": ("O", "B-PER"), "span_qa": (NO_ANSWER,)}
TASKS = {"classification": "xnli", "choice": "xcopa", "tagging": "panx", "span_qa": "xquad", "retrieval": "lareqa"}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A folder of each kind, made once."""
    home = tmp_path_factory.mktemp("encoders")
    return {kind: encoder_folder(home / kind, kind) for kind in KINDS}


def _hidden(encoder: Any, windows: Windows, pad_id: int) -> tuple[Tensor, Tensor]:
    ids, mask = collate(windows, pad_id)
    return encoder(**encoder_inputs(encoder, ids, mask, windows)).last_hidden_state, mask


def _windows(name: str, encoder: Any, tokenizer: Any, examples: list[Example]) -> Windows:
    task = fitted(registry.load("task", TASKS[name]), encoder.config.to_dict())
    family: Family = registry.load("family", name)
    return family.encode(examples, tokenizer, task.max_length, task.stride, task.pool.max_length if task.pool else 0)


@pytest.mark.parametrize("kind", some(KINDS, 6))
def test_every_kind_learns_in_every_family(kind: str, folders: dict[str, Path], tmp_path: Path) -> None:
    """A step has a finite loss, its gradient reaches all that learns, and the changed encoder is read as written."""
    encoder, tokenizer = read_encoder(folders[kind]), read_tokenizer(folders[kind])
    check_tokenizer(tokenizer, encoder.config.vocab_size, kind)
    check_special(tokenizer, encoder.config.to_dict(), kind)
    assert encoder.dtype == torch.float32
    for name, examples in EXAMPLES.items():
        _learn(name, examples, encoder, tokenizer)
    write_model(tmp_path / "model", encoder, tokenizer)
    again, read_back = read_encoder(tmp_path / "model"), read_tokenizer(tmp_path / "model")
    assert type(again) is type(encoder)
    assert frame_of(read_back) == frame_of(tokenizer)
    assert read_back(["Ana sees", "bo"])["input_ids"] == tokenizer(["Ana sees", "bo"])["input_ids"]
    weights = again.state_dict()
    assert weights.keys() == encoder.state_dict().keys()
    assert all(torch.equal(tensor, weights[key]) for key, tensor in encoder.state_dict().items())


def _learn(name: str, examples: list[Example], encoder: Any, tokenizer: Any) -> None:
    family: Family = registry.load("family", name)
    labels = LABELS.get(name, ())
    head = family.head(int(encoder.config.hidden_size), labels)
    module = nn.ModuleList([encoder, head]).train()
    optimizer = torch.optim.AdamW(module.parameters(), lr=1e-3)
    windows = _windows(name, encoder, tokenizer, examples)
    hidden, mask = _hidden(encoder, windows, tokenizer.pad_token_id)
    assert hidden.shape == (*mask.shape, encoder.config.hidden_size)
    loss = family.loss(head, hidden, mask, windows, examples, labels)
    torch.autograd.backward(loss)
    assert torch.isfinite(loss), name
    reached = {part: parameter.grad for part, parameter in module.named_parameters() if parameter.requires_grad}
    assert [part for part, gradient in reached.items() if gradient is None] == [], name
    words = encoder.get_input_embeddings().weight
    assert words.grad is not None
    assert words.grad.abs().sum() > 0
    before = words.detach().clone()
    optimizer.step()
    assert not torch.equal(before, words)
    module.zero_grad()
    module.eval()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "name",
    some(
        ["classification", "choice", "retrieval"],
        ("classification",),
    ),
)
def test_the_token_that_is_read_has_seen_both_ends_of_a_text(kind: str, name: str, folders: dict[str, Path]) -> None:
    """Another letter at the beginning or at the end of the input changes what the head gives, in a causal tower too."""
    encoder, tokenizer = read_encoder(folders[kind]), read_tokenizer(folders[kind])
    torch.manual_seed(0)
    family: Family = registry.load("family", name)
    head = family.head(16, ("a", "b")).eval()
    outputs = []
    for text in ("bird sees dog", "Xird sees dog", "bird sees doX"):
        examples = {
            "classification": [pair_example("1", text, text)],
            "choice": [choice_example("1", text, [text, "b"])],
            "retrieval": [search_example("1", text)],
        }[name]
        windows = _windows(name, encoder, tokenizer, examples).take([0])
        hidden, mask = _hidden(encoder, windows, tokenizer.pad_token_id)
        outputs.append(family.forward(head, hidden, mask, windows))
        assert singly(windows)[0].summary == (len(singly(windows)[0].input_ids) - 1 if kind in LAST else 0)
    assert not torch.allclose(outputs[0], outputs[1], atol=1e-7)
    assert not torch.allclose(outputs[0], outputs[2], atol=1e-7)


@pytest.mark.parametrize("kind", KINDS)
def test_padding_changes_no_state(kind: str, folders: dict[str, Path]) -> None:
    """A short text beside a long one has the states that it has alone."""
    encoder, tokenizer = read_encoder(folders[kind]), read_tokenizer(folders[kind])
    windows = _windows("classification", encoder, tokenizer, EXAMPLES["classification"])
    together, _ = _hidden(encoder, windows, tokenizer.pad_token_id)
    alone, _ = _hidden(encoder, windows.take(range(1, len(windows))), tokenizer.pad_token_id)
    assert together.shape[1] > alone.shape[1]
    torch.testing.assert_close(together[1, : alone.shape[1]], alone[0], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("kind", LAST)
def test_the_last_token_says_that_there_is_no_answer(kind: str, folders: dict[str, Path]) -> None:
    """It is the target in training where the answer is missing; if it scores above every span, there is no answer."""
    encoder, tokenizer = read_encoder(folders[kind]), read_tokenizer(folders[kind])
    family: Family = registry.load("family", "span_qa")
    example = EXAMPLES["span_qa"][1]
    windows = _windows("span_qa", encoder, tokenizer, [example])
    hidden = torch.zeros(len(windows), max(len(window.input_ids) for window in singly(windows)), 2)
    for row, window in enumerate(singly(windows)):
        hidden[row, len(window.input_ids) - 1] = 9.0
    head = nn.Identity()
    assert float(family.loss(head, hidden, hidden[:, :, 0], windows, [example], (NO_ANSWER,))) < 0.1
    assert decoded(family, example, windows, list(hidden.numpy()), (NO_ANSWER,)) == example.target


def test_a_causal_tower_reads_a_word_off_its_last_token(folders: dict[str, Path]) -> None:
    """The first has not seen the rest of the word; other encoders keep to it."""
    example = [tagged_example("1", ["Ana", "sees"], ["B-PER", "O"])]
    firsts = {}
    for kind in ("clip", "mt5"):
        tokenizer = read_tokenizer(folders[kind])
        windows = registry.load("family", "tagging").encode(example, tokenizer, 64, 0)
        firsts[kind] = singly(windows)[0].layout.firsts
    assert firsts == {"clip": (4, 9), "mt5": (0, 4)}


@pytest.mark.parametrize(("kind", "part"), [("clip", "text_model"), ("siglip", "text_model"), ("mt5", "encoder")])
def test_the_part_of_a_whole_checkpoint_is_the_one_that_transformers_calls(
    kind: str, part: str, folders: dict[str, Path]
) -> None:
    """The states are those of the whole model's own text model or encoder."""
    auto: Any = transformers
    reader = auto.AutoModelForSeq2SeqLM if kind == "mt5" else auto.AutoModel
    whole = reader.from_pretrained(str(folders[kind]), local_files_only=True).eval()
    tower = whole.get_encoder() if part == "encoder" else getattr(whole, part)
    inputs = read_tokenizer(folders[kind])("a man sees a dog", return_tensors="pt")
    with torch.inference_mode():
        wanted = tower(**inputs).last_hidden_state
        assert torch.equal(read_encoder(folders[kind])(**inputs).last_hidden_state, wanted)


def test_what_a_tower_pools_for_images_does_not_learn(folders: dict[str, Path]) -> None:
    """SigLIP's projection of the last token is kept in the folder, unchanged."""
    encoder = read_encoder(folders["siglip"])
    assert [name for name, tensor in encoder.named_parameters() if not tensor.requires_grad] == [
        name for name, _ in encoder.named_parameters() if "head." in name
    ]
    assert sum(not parameter.requires_grad for parameter in encoder.parameters()) == 2


# ------------------------------------------------------------------------------------------------------------- lengths


@pytest.mark.parametrize("kind", sorted(BOUNDED))
def test_inputs_are_cut_to_what_a_tower_reads(kind: str, folders: dict[str, Path]) -> None:
    """Lengths are at most those of its positions, windows overlap by the same share, a shorter task is left alone."""
    facts = text_facts(json.loads((folders[kind] / "config.json").read_text()))
    most = BOUNDED[kind]
    assert positions(facts) == most == positions(read_encoder(folders[kind]).config.to_dict())
    xquad, lareqa = (fitted(registry.load("task", name), facts) for name in ("xquad", "lareqa"))
    assert (xquad.max_length, xquad.stride) == (most, 128 * most // 384)
    assert lareqa.pool is not None
    assert (lareqa.max_length, lareqa.pool.max_length) == (most, most)
    assert fitted(xquad, facts) is xquad
    check_fits(xquad, facts, kind, "Or")


def test_other_encoders_that_read_less_than_a_task_are_refused() -> None:
    """No input is cut unasked: one line says what they read and what the task has; RoBERTa's count differently."""
    xnli, xquad = registry.load("task", "xnli"), registry.load("task", "xquad")
    short = {"model_type": "bert", "max_position_embeddings": 256}
    assert fitted(xquad, short) is xquad
    check_fits(xnli, short, "short", "Or")
    with pytest.raises(ModelError, match="256 tokens, but xquad"):
        check_fits(xquad, short, "short", "Or")
    odd = {"model_type": "roberta", "max_position_embeddings": 514, "pad_token_id": 100_000}
    with pytest.raises(ModelError, match="pad_token_id 100000"):
        check_fits(xnli, odd, "odd", "Or")
    assert positions({"model_type": "xlm-roberta", "max_position_embeddings": 514, "pad_token_id": 1}) == 512
    assert positions({"model_type": "mt5"}) is None


def test_a_configuration_that_leaves_things_out_means_the_usual_ones() -> None:
    """Published towers name little of their text model; T5 has names of its own."""
    clip = text_facts({"model_type": "clip", "text_config": {"hidden_size": 8}})
    assert (clip["hidden_size"], clip["max_position_embeddings"], clip["vocab_size"]) == (8, 77, 49408)
    assert text_facts({"model_type": "siglip2", "text_config": {}})["max_position_embeddings"] == 64
    t5 = text_facts({"model_type": "mt5", "d_model": 16, "num_layers": 3})
    assert (t5["hidden_size"], t5["num_hidden_layers"]) == (16, 3)


# -------------------------------------------------------------------------------------------------------------- frames


def test_two_texts_are_framed_without_a_rule_for_two() -> None:
    """Each ends as one text does; a rule of the tokenizer's own is taken."""
    assert frame_of(ended_tokenizer(pairs=False)) == frame_of(ended_tokenizer())
    assert frame_of(ended_tokenizer()).pair == ((), (1,), (1,))
    assert frame_of(clip_tokenizer()).pair == ((0,), (1, 1), (1,))


def test_a_tokenizer_without_special_tokens_is_refused() -> None:
    """No token would represent the text, but for a causal encoder its last one, or padding where there is none."""
    bare = ended_tokenizer()
    bare.backend_tokenizer.post_processor = TemplateProcessing(single="$A", pair="$A $B", special_tokens=[])
    with pytest.raises(ModelError, match="no special token"):
        frame_of(bare)
    setattr(bare, CAUSAL_READER, True)
    assert frame_of(bare).summaries(np.array([3, 0])).tolist() == [2, 0]


@pytest.mark.parametrize("kind", ["mt5", "clip", "siglip2"])
def test_representations_read_the_unusual_kinds_too(kind: str, folders: dict[str, Path]) -> None:
    """Means over tokens, and the token that represents all, at a layer by its share of the depth."""
    encoder, tokenizer = read_encoder(folders[kind]), read_tokenizer(folders[kind])
    windows = text_windows(["a man", "a dog sleeps"], tokenizer_from(tokenizer), 64)
    for text in ("mean:14/24", "cls:1", "mean:2@specials=out"):
        wanted = Representation.parse(text)
        at = AtLayer(encoder, wanted.at(layer_count(encoder)))
        hidden, mask = _hidden(at, windows, tokenizer.pad_token_id)
        vectors = Pooled(wanted)(hidden, mask, windows)
        assert vectors.shape == (2, 16)
        assert not torch.allclose(vectors[0], vectors[1], atol=1e-4)


# ------------------------------------------------------------------------------------------------------------- refused


@pytest.mark.parametrize(
    ("config", "line"),
    [
        ("BartConfig", r"\(bart\)"),
        ("ViTConfig", "vit"),
        ("AltCLIPConfig", "altclip"),
    ],
)
def test_what_is_not_an_encoder_of_text_is_refused_by_its_kind(config: str, line: str, tmp_path: Path) -> None:
    """Before a weight is read, in one line."""
    folder = tiny_encoder_folder(tmp_path / "one")
    configuration: Any = getattr(transformers, config)()
    (folder / "config.json").write_text(json.dumps({"model_type": configuration.model_type}))
    with pytest.raises(ModelError, match=line) as caught:
        read_encoder(folder)
    assert "\n" not in str(caught.value)


def test_an_encoder_made_a_decoder_is_read_off_its_last_token(tmp_path: Path) -> None:
    """BERT's layers after `is_decoder` see only what is before."""
    folder = encoder_folder(tmp_path / "bert", "bert", is_decoder=True)
    assert frame_of(read_tokenizer(folder)).causal
    assert _sees_only_before(read_encoder(folder))
    assert not frame_of(read_tokenizer(encoder_folder(tmp_path / "plain", "bert"))).causal


def _sees_only_before(encoder: Any) -> bool:
    ids = torch.arange(5, 13)[None, :]
    changed = torch.cat((ids[:, :-1], ids[:, -1:] + 1), dim=1)
    with torch.inference_mode():
        first, second = (encoder(input_ids=each, attention_mask=torch.ones_like(each))[0] for each in (ids, changed))
    return torch.equal(first[:, 0], second[:, 0])


@pytest.mark.parametrize("kind", KINDS)
def test_configurations_say_which_encoders_are_causal(kind: str, folders: dict[str, Path]) -> None:
    """Those whose first state does not change with the last token."""
    config = json.loads((folders[kind] / "config.json").read_text())
    assert is_causal(config) == _sees_only_before(read_encoder(folders[kind])) == (kind in CAUSAL)
