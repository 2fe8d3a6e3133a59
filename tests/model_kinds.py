"""Models of the kinds that people evaluate, tiny and with random weights, as others save them."""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import torch
import transformers
from safetensors.torch import save_file
from tests.tiny import tiny_tokenizer
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors

from robust_xtreme.core import registry
from robust_xtreme.training.resume import read_start

_LIBRARY: Any = transformers
_SHAPE: Final = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
_LONG: Final = _SHAPE | {"max_position_embeddings": 4096}
_DECODER: Final = _LONG | {"num_key_value_heads": 2, "head_dim": 8}
_XLMR: Final = _LONG | {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2, "type_vocab_size": 1}
_BYT5: Final = {"d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 2, "num_heads": 4}

DECODERS: Final[Mapping[str, tuple[str, str, Mapping[str, Any]]]] = MappingProxyType(
    {
        "llama": ("Llama", "Llama", _DECODER),
        "qwen3": ("Qwen3", "Qwen3", _DECODER),
        "mistral": ("Mistral", "Mistral", _DECODER),
        "gemma3": ("Gemma3Text", "Gemma3Text", _DECODER | {"sliding_window": 16}),
        "lfm2": ("Lfm2", "Lfm2", _LONG | {"num_key_value_heads": 2, "layer_types": ["conv", "full_attention"]}),
        "gpt2": ("GPT2", "GPT2", {"n_embd": 32, "n_layer": 2, "n_head": 4}),
    }
)
"""The beginnings of the names of a decoder's classes: configuration, model; and its shape."""


def decoder_tokenizer(begins: bool = False) -> Any:
    """Bytes as GPT-2 writes them, without a padding token; `begins`: `<s>` before each text."""
    pieces = ("<|end|>", "<s>", *sorted(pre_tokenizers.ByteLevel.alphabet()))
    raw: Any = Tokenizer(models.BPE(vocab={piece: at for at, piece in enumerate(pieces)}, merges=[]))
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    raw.post_processor = processors.ByteLevel(trim_offsets=False)
    if begins:
        raw.post_processor = processors.TemplateProcessing(
            single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", 1)]
        )
    named = {"bos_token": "<s>"} if begins else {}
    return _LIBRARY.PreTrainedTokenizerFast(tokenizer_object=raw, eos_token="<|end|>", **named)


def decoder_folder(folder: Path, kind: str, ending: str = "Model", begins: bool = False, **more: Any) -> Path:
    """A decoder's body, or with another ending the body with a head."""
    config, model, shape = DECODERS[kind]
    tokenizer = decoder_tokenizer(begins)
    ends = {"vocab_size": len(tokenizer), "pad_token_id": None, "bos_token_id": None, "eos_token_id": 0}
    return _saved(folder, f"{model}{ending}", f"{config}Config", {**shape, **ends, **more}, tokenizer)


def canine_folder(folder: Path, ending: str = "Model", **more: Any) -> Path:
    """CANINE with few hash buckets."""
    shape = {**_LONG, "num_hash_buckets": 512, **more}
    return _saved(folder, f"Canine{ending}", "CanineConfig", shape, _LIBRARY.CanineTokenizer())


def byt5_folder(folder: Path) -> Path:
    """ByT5 as it is published: encoder and decoder."""
    shape = {**_BYT5, "vocab_size": 384, "feed_forward_proj": "gated-gelu", "tie_word_embeddings": False}
    shape["decoder_start_token_id"] = 0
    return _saved(folder, "T5ForConditionalGeneration", "T5Config", shape, _LIBRARY.ByT5Tokenizer())


def xlmr_folder(folder: Path, ending: str = "Model", **more: Any) -> Path:
    """An encoder of XLM-R's shape."""
    tokenizer = tiny_tokenizer()
    shape = {**_XLMR, "vocab_size": len(tokenizer), **more}
    return _saved(folder, f"XLMRoberta{ending}", "XLMRobertaConfig", shape, tokenizer)


def adapter_folder(folder: Path, base: Path, ending: str, task_type: str, seed: int = 1, **more: Any) -> Path:
    """An adapter of peft over a checkpoint, whose changes are random and not nothing, with the head that it learned.

    With `trained`, whatever the adapter trains is changed, such as biases.
    """
    import peft  # an extra, which the environment of TextAttack does not have

    auto = getattr(_LIBRARY, f"AutoModel{ending}")
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        labels = {"num_labels": more.pop("num_labels")} if "num_labels" in more else {}
        model = auto.from_pretrained(str(base), local_files_only=True, **labels)
        kind, trained = more.pop("kind", peft.LoraConfig), more.pop("trained", False)
        config = kind(task_type=task_type or None, **{"target_modules": ["query", "value"], **more})
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # peft uses an old name
            adapted: Any = peft.get_peft_model(model, config)
        for name, parameter in adapted.named_parameters():
            if ".lora_" in name or ".hada_" in name or ".lokr_" in name or ".ia3_" in name:
                torch.nn.init.normal_(parameter, std=0.3)
            elif trained and parameter.requires_grad:
                parameter.data += 0.3 * torch.randn_like(parameter)
        adapted.save_pretrained(str(folder))
    config_of = folder / "adapter_config.json"
    facts = json.loads(config_of.read_text("utf-8")) | {"base_model_name_or_path": str(base)}
    config_of.write_text(json.dumps(facts), encoding="utf-8")
    return folder


def _saved(folder: Path, model: str, config: str, shape: Mapping[str, Any], tokenizer: Any) -> Path:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        getattr(_LIBRARY, model)(getattr(_LIBRARY, config)(**shape)).save_pretrained(str(folder))
    tokenizer.save_pretrained(str(folder))
    return folder


ENCODERS: Final[Mapping[str, Callable[[Path], Path]]] = MappingProxyType(
    {
        "encoder": xlmr_folder,
        "causal": lambda folder: decoder_folder(folder, "llama"),
        "byt5": byt5_folder,
        "canine": canine_folder,
    }
)
"""Encoders without a head that training starts from."""


def run_folder(folder: Path, kind: str, tasks: Iterable[str]) -> Path:
    """A run as `train` writes it: an encoder of a kind, its tokenizer, and a random head for each task."""
    if kind == "byt5":  # `train` writes what it reads: the encoder
        encoder, tokenizer = read_start(byt5_folder(folder / "whole"))
        encoder.save_pretrained(str(folder / "model"))
        tokenizer.save_pretrained(str(folder / "model"))
        shutil.rmtree(folder / "whole")
    else:
        ENCODERS[kind](folder / "model")
    (folder / "heads").mkdir()
    (folder / "stages").mkdir()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        for task in map(registry.learned, tasks):
            head = registry.load("family", task.family).head(32, task.labels)
            save_file(head.state_dict(), str(folder / "heads" / f"{task.name}.safetensors"))
            facts = {"task": task.name, "family": task.family, "labels": list(task.labels)}
            (folder / "heads" / f"{task.name}.json").write_text(json.dumps(facts), encoding="utf-8")
    return folder
