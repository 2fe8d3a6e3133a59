"""A model in memory whose answers are not those of its copy, saved and loaded, is refused; an unchanged one is not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
import torch
import transformers
from tests.checkpoints import KINDS, NLI, SEQUENCE, checkpoint, word_tokenizer
from tests.some import some
from torch import nn

from robust_xtreme.core.errors import RobustXtremeError, SpecError
from robust_xtreme.models import in_memory
from robust_xtreme.models.in_memory import named

pytestmark = pytest.mark.usefixtures("unpaged")

Loaded = tuple[Any, Any]
SMALL: Final = {"vocab_size": 141, "pad_token_id": 0}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Checkpoints of every kind with a head."""
    made = tmp_path_factory.mktemp("copied")
    for kind in KINDS:
        checkpoint(made / kind, kind, SEQUENCE, NLI)
    return made


def loaded(folder: Path) -> Loaded:
    """A model and its tokenizer, as from_pretrained gives them."""
    library: Any = transformers
    model = library.AutoModelForSequenceClassification.from_pretrained(str(folder))
    return model, library.AutoTokenizer.from_pretrained(str(folder))


def name_of(model: Any, tokenizer: Any) -> str:
    """The name under which a run takes the object."""
    with named({"model": model}, tokenizer) as (values, _):
        return str(values["model"][0])


class Turned(nn.Linear):
    """Another layer with the same weights."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """The negative of the layer's output."""
        return -super().forward(input)


def _activations(model: Any) -> None:
    for layer in model.bert.encoder.layer:
        layer.intermediate.intermediate_act_fn = nn.ReLU()


def _set(path: str, value: Any) -> Callable[[Any], None]:
    """The change that sets an attribute of a part."""
    where, _, name = path.rpartition(".")
    return lambda model: setattr(model.get_submodule(where) if where != "config" else model.config, name, value)


def _heads(model: Any) -> None:
    for layer in model.bert.encoder.layer:
        layer.attention.self.num_attention_heads, layer.attention.self.attention_head_size = 4, 4


def _positions(model: Any) -> None:
    embeddings = model.bert.embeddings
    embeddings.position_ids = torch.flip(embeddings.position_ids, [1])


def _types(model: Any) -> None:
    model.bert.embeddings.token_type_ids = torch.ones_like(model.bert.embeddings.token_type_ids)


ATTENTION: Final = "bert.encoder.layer.0.attention.self"
CHANGES: Final[dict[str, Callable[[Any], None]]] = {
    "activation": _activations,
    "pooler": _set("bert.pooler.activation", nn.ReLU()),
    "dropout": _set("dropout", nn.Tanh()),
    "class": _set("classifier.__class__", type("Linear", (Turned,), {})),
    "eps": _set("bert.embeddings.LayerNorm.eps", 3.0),
    "scaling": _set(f"{ATTENTION}.scaling", 9.0),
    "heads": _heads,
    "position_ids": _positions,
    "token_type_ids": _types,
    "hidden_act": _set("config.hidden_act", "relu"),
    "num_attention_heads": _set("config.num_attention_heads", 4),
    "layer_norm_eps": _set("config.layer_norm_eps", 5.0),
    "is_decoder": _set("config.is_decoder", True),
}


@pytest.mark.parametrize("dtype", some([torch.float32, torch.bfloat16], 1))
@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_model_is_refused(folder: Path, change: str, dtype: torch.dtype) -> None:
    """Parts, numbers and buffers that are not saved, and a configuration that was set after the model was made."""
    model, tokenizer = loaded(folder / "bert")
    model.to(dtype)
    CHANGES[change](model)
    with pytest.raises(SpecError, match="computes otherwise"):
        name_of(model, tokenizer)


@pytest.mark.parametrize("part", ["LayerNorm.normalized_shape", "word_embeddings.max_norm"])
def test_a_model_that_does_not_compute_or_changes_itself_is_one_line(folder: Path, part: str) -> None:
    """A part that does not fit the others, and a table that changes its weights where it is used."""
    model, tokenizer = loaded(folder / "bert")
    _set(f"bert.embeddings.{part}", (4,) if part.startswith("Layer") else 0.1)(model)
    before = model.bert.embeddings.word_embeddings.weight.clone()
    with pytest.raises(SpecError, match=r"does not compute|max_norm"):
        name_of(model, tokenizer)
    assert torch.equal(model.bert.embeddings.word_embeddings.weight, before)


@pytest.mark.parametrize("step", ["_place_as", "_answers"])
def test_too_little_memory_is_one_line_of_the_environment(
    folder: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the copy is moved to the model's device, and where both compute."""

    def full(*_: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.\nTried to allocate 2 GiB")

    monkeypatch.setattr(in_memory, step, full)
    with pytest.raises(RobustXtremeError, match="too little memory") as raised:
        name_of(*loaded(folder / "bert"))
    assert (raised.value.exit_code, "\n" in str(raised.value)) == (3, False)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16])
def test_one_changed_number_of_a_weight_is_refused(folder: Path, tmp_path: Path, dtype: torch.dtype) -> None:
    """By a tenth, which answers of half precision may not show; without the change the copy is one."""
    model, tokenizer = loaded(folder / "bert")
    model.to(dtype).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    in_memory.check_copy(model, tokenizer, tmp_path, "memory:x")
    model.bert.encoder.layer[0].output.dense.weight.data[3, 2] *= 1.1
    with pytest.raises(SpecError, match=r"bert.encoder.layer.0.output.dense.w"):
        in_memory.check_copy(model, tokenizer, tmp_path, "memory:x")


def test_one_changed_number_of_an_encoder_is_refused(tmp_path: Path) -> None:
    """Of a model of which the encoder alone is read, under other names."""
    model, tokenizer = MAKERS["mt5-whole"](), word_tokenizer(types=False)
    model.to(torch.bfloat16).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    model.encoder.block[1].layer[1].DenseReluDense.wo.weight.data[3, 2] *= 1.1
    with pytest.raises(SpecError, match=r"other weights .* block.1.layer.1"):
        in_memory.check_copy(model, tokenizer, tmp_path, "memory:x")


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_with_another_kernel_of_attention_is_taken(folder: Path, dtype: torch.dtype) -> None:
    """Weights of any size: with the same kernel the copy rounds as the model does."""
    model, tokenizer = loaded(folder / "xlm_roberta")
    for seed, size in enumerate((0.02, 0.2, 1.0)):
        torch.manual_seed(seed)
        for weight in model.float().parameters():
            weight.data.normal_(0, size)
        model.to(dtype).set_attn_implementation(("sdpa", "eager")[seed % 2])
        assert name_of(model, tokenizer).startswith("memory:")


def _left(tokenizer: Any) -> None:
    tokenizer.truncation_side = "left"


def _special(tokenizer: Any) -> None:
    tokenizer.split_special_tokens = True


def _reversed(tokenizer: Any) -> None:
    kind = type(tokenizer)

    def call(self: Any, texts: Any, *second: Any, **options: Any) -> Any:
        """The encoding of reversed texts."""
        texts = texts[::-1] if isinstance(texts, str) else [text[::-1] for text in texts]
        return kind.__call__(self, texts, *second, **options)

    tokenizer.__class__ = type("Reversed", (kind,), {"__call__": call})


def _broken(tokenizer: Any) -> None:
    tokenizer._encode_plus = None


@pytest.mark.parametrize("change", [_left, _special, _reversed, _broken])
def test_a_changed_tokenizer_is_refused(folder: Path, change: Callable[[Any], None]) -> None:
    """Settings that are not saved, and code of another class."""
    model, tokenizer = loaded(folder / "bert")
    change(tokenizer)
    with pytest.raises(SpecError, match=r"otherwise|not encode"):
        name_of(model, tokenizer)


@pytest.mark.parametrize(
    "dtype",
    some(
        [torch.float32, torch.float64, torch.float16, torch.bfloat16],
        (torch.float32, torch.bfloat16),
    ),
)
@pytest.mark.parametrize("kind", KINDS)
def test_an_unchanged_model_is_taken(folder: Path, kind: str, dtype: torch.dtype) -> None:
    """Each type and attention; neither modes, tokenizer nor random numbers change."""
    model, tokenizer = loaded(folder / kind)
    model.to(dtype).train()
    model.base_model.eval()
    modes = [part.training for part in model.modules()]
    before, random = tokenizer.backend_tokenizer.to_str(), torch.random.get_rng_state()
    name = name_of(model, tokenizer)
    if kind in ("bert", "xlm_roberta"):
        model.set_attn_implementation("eager")
        assert name_of(model, tokenizer) == name
    assert [part.training for part in model.modules()] == modes
    assert tokenizer.backend_tokenizer.to_str() == before
    assert torch.equal(torch.random.get_rng_state(), random)


def _of_t5(head: str) -> Any:
    library: Any = transformers
    shape = {"d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 2, "num_heads": 2, "decoder_start_token_id": 0}
    return getattr(library, f"MT5{head}")(library.MT5Config(**SMALL, **shape))


def _distilled() -> Any:
    library: Any = transformers
    shape = {"dim": 16, "n_layers": 2, "n_heads": 2, "hidden_dim": 32}
    return library.DistilBertForTokenClassification(library.DistilBertConfig(**SMALL, **shape))


def _of_bert(head: str) -> Any:
    library: Any = transformers
    shape = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    return getattr(library, f"Bert{head}")(library.BertConfig(**SMALL, **shape))


MAKERS: Final[dict[str, Callable[[], Any]]] = {
    "distilbert": _distilled,
    "mt5-tags": lambda: _of_t5("ForTokenClassification"),
    "mt5-encoder": lambda: _of_t5("EncoderModel"),
    "mt5-whole": lambda: _of_t5("ForConditionalGeneration"),
    "bert-choices": lambda: _of_bert("ForMultipleChoice"),
    "bert-bare": lambda: _of_bert("Model"),
    "bert-masks": lambda: _of_bert("ForMaskedLM"),
}


@pytest.mark.parametrize("name", MAKERS)
def test_other_architectures_are_taken(name: str) -> None:
    """Heads for tokens and choices, and models of which only the encoder is read."""
    assert name_of(MAKERS[name](), word_tokenizer(types=False)).startswith("memory:")


def test_a_changed_encoder_without_a_head_is_refused() -> None:
    """The states of a model without a head are compared."""
    model = MAKERS["mt5-whole"]()
    model.encoder.final_layer_norm.variance_epsilon = 50.0
    with pytest.raises(SpecError, match="computes otherwise"):
        name_of(model, word_tokenizer(types=False))
