"""Encoders of every kind that training starts from, tiny and with random weights, as others save them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import torch
import transformers
from tests.checkpoints import word_tokenizer
from tests.model_kinds import decoder_tokenizer
from tests.tiny import tiny_tokenizer
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

_SHAPE: Final = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 512,
}
_ROBERTA: Final = _SHAPE | {"max_position_embeddings": 514, "pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2}
_WORDS: Final = _SHAPE | {"pad_token_id": 0}
_RELATIVE: Final = {"relative_attention": True, "position_biased_input": False, "pos_att_type": ["p2c", "c2p"]}
_ENDS: Final = {"cls_token_id": 2, "sep_token_id": 3, "bos_token_id": 2, "eos_token_id": 3}
_T5: Final = {"d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 2, "num_heads": 2}
_IMAGES: Final = {
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 16,
    "image_size": 8,
    "patch_size": 4,
}
_CLIP: Final = _SHAPE | {"max_position_embeddings": 77, "projection_dim": 8}
_SIGLIP: Final = _SHAPE | {"max_position_embeddings": 64, "projection_size": 16}

_SHAPES: Final[Mapping[str, tuple[str, str, Mapping[str, Any]]]] = MappingProxyType(
    {
        "xlm_roberta": ("XLMRoberta", "letters", _ROBERTA | {"type_vocab_size": 1}),
        "roberta": ("Roberta", "letters", _ROBERTA | {"type_vocab_size": 1}),
        "camembert": ("Camembert", "letters", _ROBERTA | {"type_vocab_size": 1}),
        "bert": ("Bert", "typed", _WORDS | {"type_vocab_size": 2}),
        "electra": ("Electra", "typed", _WORDS | {"type_vocab_size": 2, "embedding_size": 8}),
        "mdeberta": ("DebertaV2", "typed", _WORDS | {"type_vocab_size": 0} | _RELATIVE),
        "modernbert": ("ModernBert", "words", _WORDS | _ENDS),
        "t5_encoder": ("T5", "ended", _T5),
        "mt5_encoder": ("MT5", "ended", _T5 | {"feed_forward_proj": "gated-gelu", "tie_word_embeddings": False}),
        "mt5": ("MT5", "ended", _T5 | {"feed_forward_proj": "gated-gelu", "tie_word_embeddings": False}),
        "byt5": ("T5", "bytes", _T5 | {"feed_forward_proj": "gated-gelu", "vocab_size": 384}),
        "llama": ("Llama", "decoder", _SHAPE | {"eos_token_id": 0, "bos_token_id": None, "pad_token_id": None}),
        "clip_text": ("CLIP", "clip", _CLIP),
        "clip": ("CLIP", "clip", _CLIP),
        "siglip_text": ("Siglip", "ended", _SIGLIP),
        "siglip": ("Siglip", "ended", _SIGLIP),
        "siglip2": ("Siglip2", "gemma", _SIGLIP),
    }
)
KINDS: Final = tuple(_SHAPES)
"""All of them; those of T5's and CLIP's kind as a part alone (`clip_text`) and whole (`clip`)."""

BOUNDED: Final[Mapping[str, int]] = MappingProxyType(
    {"clip_text": 77, "clip": 77, "siglip_text": 64, "siglip": 64, "siglip2": 64}
)
"""How many tokens the text towers read."""

LAST: Final = ("t5_encoder", "mt5_encoder", "mt5", "byt5", "llama", *BOUNDED)
"""Those whose last token represents the text."""

CAUSAL: Final = ("llama", "clip_text", "clip")
"""Those whose tokens see only those before them."""


def ended_tokenizer(pairs: bool = True) -> Any:
    """A tokenizer of single letters that puts `</s>` after a text and nothing in front, as T5's and SigLIP's do.

    Without `pairs` it has no rule for two texts.
    """
    special = ("<pad>", "</s>", "<unk>")
    ending: Any = {"pair": "$A </s> $B </s>"} if pairs else {}
    raw = _letters(special, "<unk>")
    raw.post_processor = processors.TemplateProcessing(single="$A </s>", **ending, special_tokens=[("</s>", 1)])
    return _fast(raw, pad_token="<pad>", eos_token="</s>", unk_token="<unk>")


def gemma_tokenizer() -> Any:
    """The same with the special tokens that transformers gives a tokenizer of SigLIP 2."""
    named = {f"{name}_token": f"<{name}>" for name in ("pad", "eos", "bos", "unk", "mask")}
    raw = _letters(tuple(named.values()), "<unk>")
    raw.post_processor = processors.TemplateProcessing(
        single="$A <eos>", pair="$A <eos> $B <eos>", special_tokens=[("<eos>", 1)]
    )
    return _fast(raw, **named)


def clip_tokenizer() -> Any:
    """A tokenizer of single letters framed as CLIP's, whose padding token is the one that ends a text."""
    first, last = "<|startoftext|>", "<|endoftext|>"
    raw = _letters((first, last), last)
    raw.post_processor = processors.TemplateProcessing(
        single=f"{first} $A {last}", pair=f"{first} $A {last} {last} $B {last}", special_tokens=[(first, 0), (last, 1)]
    )
    return _fast(raw, bos_token=first, eos_token=last, pad_token=last, unk_token=last)


def _letters(special: tuple[str, ...], unknown: str) -> Tokenizer:
    letters = "▁abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,?!'-"
    vocabulary = {piece: index for index, piece in enumerate((*special, *letters))}
    raw = Tokenizer(models.BPE(vocab=vocabulary, merges=[], unk_token=unknown))
    raw.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    return raw


def _fast(raw: Tokenizer, **named: str) -> Any:
    fast: Any = PreTrainedTokenizerFast
    return fast(tokenizer_object=raw, model_max_length=512, model_input_names=["input_ids", "attention_mask"], **named)


def _tokenizer(shape: str) -> Any:
    match shape:
        case "letters":
            return tiny_tokenizer()
        case "ended":
            return ended_tokenizer()
        case "gemma":
            return gemma_tokenizer()
        case "clip":
            return clip_tokenizer()
        case "bytes":
            return getattr(transformers, "ByT5Tokenizer")()  # noqa: B009 - transformers is not typed
        case "decoder":
            return decoder_tokenizer()
    return word_tokenizer(shape == "typed")


def encoder_folder(folder: Path, kind: str, seed: int = 0, **others: Any) -> Path:
    """A transformers folder with tokenizer and random weights of a kind, and other values of its configuration."""
    name, shape, values = _SHAPES[kind]
    tokenizer = _tokenizer(shape)
    tokenizer.save_pretrained(str(folder))
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        _model(kind, name, {"vocab_size": len(tokenizer), **values, **others}).save_pretrained(str(folder))
    return folder


def _model(kind: str, name: str, values: dict[str, Any]) -> Any:
    made = partial(_made, name)
    if kind in ("clip", "siglip", "siglip2"):
        images = _IMAGES if kind != "siglip2" else {**_IMAGES, "num_patches": 4}
        return made("Model", made("Config", text_config=values, vision_config=images))
    if kind in BOUNDED:
        return made("TextModel", made("TextConfig", **values))
    ending = "ForConditionalGeneration" if kind == "mt5" else "EncoderModel" if name in ("T5", "MT5") else "Model"
    return made(ending, made("Config", **values))


def _made(name: str, ending: str, *given: Any, **values: Any) -> Any:
    """What a class of transformers makes of the values."""
    return getattr(transformers, f"{name}{ending}")(*given, **values)
