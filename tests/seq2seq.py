"""Tiny translation models with random weights, one of each supported kind."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import torch
from tests.tiny import SPECIAL
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import (
    M2M100Config,
    M2M100ForConditionalGeneration,
    MarianConfig,
    MarianMTModel,
    MBartConfig,
    MBartForConditionalGeneration,
    PreTrainedTokenizerFast,
    T5Config,
    T5ForConditionalGeneration,
)

LETTERS: Final = "▁abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,?!'-:<>"
NLLB: Final = ("eng_Latn", "deu_Latn", "swh_Latn")
M2M100: Final = ("__en__", "__de__", "__sw__")
MBART: Final = ("en_XX", "de_DE", "sw_KE")
OPUS: Final = (">>deu<<", ">>cmn_Hans<<")
T5_TASKS: Final = {"translation_en_to_de": {"prefix": "translate English to German: "}}


def letters_tokenizer(tokens: Sequence[str] = (), **facts: Any) -> Any:
    """A tokenizer of single letters with some special tokens more."""
    vocabulary = {piece: index for index, piece in enumerate((*SPECIAL, *LETTERS))}
    raw = Tokenizer(models.BPE(vocab=vocabulary, merges=[], unk_token="<unk>"))
    raw.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    raw.decoder = decoders.Metaspace()
    raw.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 2)])
    raw.add_special_tokens(list(tokens))
    named = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"}
    fast: Any = PreTrainedTokenizerFast
    return fast(tokenizer_object=raw, **named, **facts)


def _bart(vocabulary: int) -> dict[str, Any]:
    """What the configurations of Marian, M2M100 and mBART share."""
    sides = {f"{side}_{key}": value for side in ("encoder", "decoder") for key, value in _SIDE.items()}
    special = {"pad_token_id": 1, "eos_token_id": 2, "bos_token_id": 0, "decoder_start_token_id": 2}
    return {"vocab_size": vocabulary, "d_model": 16, "max_position_embeddings": 64, **sides, **special}


_SIDE: Final = {"layers": 1, "attention_heads": 2, "ffn_dim": 32}


def seq2seq_folder(
    folder: Path, kind: str = "marian", tokens: Sequence[str] = (), seed: int = 0, facts: Any = None, **config: Any
) -> Path:
    """A translation model of that kind with a tokenizer that has some special tokens more; `facts` are its own."""
    tokenizer = letters_tokenizer(tokens, **(facts or {}))
    size = len(tokenizer)
    tokenizer.save_pretrained(str(folder))
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = _MODELS[kind](size, config)
    model.save_pretrained(str(folder))
    return folder


def _marian(size: int, config: dict[str, Any]) -> Any:
    return MarianMTModel(MarianConfig(**{**_bart(size), "decoder_vocab_size": size, **config}))


def _m2m_100(size: int, config: dict[str, Any]) -> Any:
    return M2M100ForConditionalGeneration(M2M100Config(**{**_bart(size), **config}))


def _mbart(size: int, config: dict[str, Any]) -> Any:
    return MBartForConditionalGeneration(MBartConfig(**{**_bart(size), **config}))


def _t5(size: int, config: dict[str, Any]) -> Any:
    shape = {"vocab_size": size, "d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 1, "num_heads": 2}
    special = {"pad_token_id": 1, "eos_token_id": 2, "decoder_start_token_id": 1}
    return T5ForConditionalGeneration(T5Config(**{**shape, **special, **config}))


_MODELS: Final[dict[str, Any]] = {"marian": _marian, "m2m_100": _m2m_100, "mbart": _mbart, "t5": _t5}
