"""LoRA by peft: low-rank updates of queries and values of an encoder's attention; other weights are frozen."""

from __future__ import annotations

import warnings
from typing import Any, Final

from torch import nn

from robust_xtreme.errors import ModelError, UserError
from robust_xtreme.training.device import own_random

_QUERIES_AND_VALUES: Final = frozenset(
    {
        *("query", "value"),  # BERT, XLM-R, ELECTRA and their like; mini
        *("query_proj", "value_proj"),  # DeBERTa
        *("q_proj", "v_proj"),  # CLIP, SigLIP
        *("q", "v"),  # T5
        *("q_lin", "v_lin"),  # DistilBERT
        *("in_proj", "Wqkv", "qkv_proj"),  # DeBERTa 1, ModernBERT: one layer for queries, keys and values
    }
)
"""The names of the linear layers that LoRA's authors adapt (arXiv 2106.09685, section 7.1), by architecture."""

_KNOWN: Final = "`is_gradient_checkpointing` is deprecated"
"""peft uses an old name that newer releases of transformers warn about."""


def add_lora(encoder: Any, rank: int, seed: int = 0) -> Any:
    """The encoder with low-rank updates that begin at zero; its own weights are frozen.

    Its interface does not change. Raises UserError where peft is not installed, ModelError where the encoder's
    attention has no such layers, or its layers are narrower than the rank.
    """
    linear = [name for name, module in encoder.named_modules() if isinstance(module, nn.Linear)]
    names = [name for name in linear if name.rpartition(".")[2] in _QUERIES_AND_VALUES]
    if not names:
        raise ModelError(f"{type(encoder).__name__} has no attention layers that LoRA knows. Train it without --lora.")
    narrowest = min(min(encoder.get_submodule(name).weight.shape) for name in names)
    if rank > narrowest:
        raise ModelError(
            f"--lora {rank} is not a low rank: layers of {type(encoder).__name__} have {narrowest} values."
        )
    try:
        from peft import LoraConfig, get_peft_model
    except ImportError as error:
        what = "--lora needs peft, which is not installed" if error.name == "peft" else f"peft cannot be used: {error}"
        raise UserError(f"{what}. Install it: pip install 'robust-xtreme[lora]'") from error
    with own_random(seed), warnings.catch_warnings():
        warnings.filterwarnings("ignore", _KNOWN, FutureWarning)
        return get_peft_model(encoder, LoraConfig(r=rank, lora_alpha=rank, lora_dropout=0.0, target_modules=names))


def merged(encoder: Any) -> Any:
    """The plain encoder, with what LoRA learned added to its weights; an encoder without LoRA is returned unchanged."""
    return encoder.merge_and_unload() if hasattr(encoder, "merge_and_unload") else encoder
