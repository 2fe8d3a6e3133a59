"""Choose the part of a checkpoint that reads text: an encoder, T5's encoder alone, CLIP's or SigLIP's text tower.

A text tower reads few tokens, and inputs are cut to that length. CLIP's is causal, so the last token represents a text.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from robust_xtreme.errors import ModelError
from robust_xtreme.specs import TaskSpec

_TOWERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "clip": "CLIPTextModel",
        "clip_text_model": "CLIPTextModel",
        "siglip": "SiglipTextModel",
        "siglip_text_model": "SiglipTextModel",
        "siglip2": "Siglip2TextModel",
        "siglip2_text_model": "Siglip2TextModel",
    }
)
_OF_TWO: Final[Mapping[str, str]] = MappingProxyType(
    {"t5": "T5EncoderModel", "mt5": "MT5EncoderModel", "umt5": "UMT5EncoderModel"}
)
_CAUSAL: Final = ("clip", "clip_text_model")
_TEXT: Final = "text_config"
_POOLER: Final = "head"
_SAME: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "hidden_size": ("d_model", "dim", "n_embd"),
        "num_hidden_layers": ("num_layers", "n_layers"),
        "max_position_embeddings": (),
        "vocab_size": (),
    }
)
_TAKE: Final = "Take an encoder such as FacebookAI/xlm-roberta-base."


def is_tower(config: Mapping[str, Any]) -> bool:
    """Whether a configuration is that of CLIP or SigLIP, whole or of the text model alone."""
    return config.get("model_type") in _TOWERS


def is_causal(config: Mapping[str, Any]) -> bool:
    """Whether each token sees only those before it, so that only the last token has seen the whole text."""
    return config.get("model_type") in _CAUSAL


def architecture_of(model_type: str, called: str) -> Any:
    """The class of transformers that reads only the text; None where AutoModel chooses it. Raises ModelError."""
    import transformers

    name = {**_TOWERS, **_OF_TWO}.get(model_type)
    if name is None:
        return None
    text_class = getattr(transformers, name, None)
    if text_class is None:
        raise ModelError(f"{called}: this version of transformers has no {name}. Install a newer one.")
    return text_class


def check_encoder(config: Any, architecture: Any, called: str) -> None:
    """Raise ModelError where a model is not a text encoder: a decoder, an encoder-decoder, or for images or sound."""
    from transformers.models.auto import modeling_auto

    kind = str(config.model_type)
    decoders, maskers = (
        getattr(modeling_auto, f"MODEL_FOR_{name}_MAPPING_NAMES") for name in ("CAUSAL_LM", "MASKED_LM")
    )
    takes = inspect.signature(architecture.forward).parameters
    if kind not in _OF_TWO and getattr(config, "is_encoder_decoder", False):
        what = f"an encoder and a decoder in one ({kind}), of which only the encoders of T5, mT5 and UMT5 are read"
    elif getattr(config, "is_decoder", False) or (kind in decoders and kind not in maskers):
        what = f"a decoder ({kind}): it reads from left to right, and predicts the next word"
    elif "input_ids" not in takes:
        what = f"not an encoder of text ({kind})"
    elif "pixel_values" in takes:
        what = f"a model of text and images ({kind}), of which only the text towers of CLIP and SigLIP are read"
    else:
        return
    raise ModelError(f"{called} is {what}. {_TAKE}")


def freeze_pooler(encoder: Any) -> None:
    """Freeze a text tower's projection of the pooled token, which is not used here."""
    if is_tower(encoder.config.to_dict()):
        for name, parameter in encoder.named_parameters():
            parameter.requires_grad_(_POOLER not in name.split("."))


def text_facts(config: Mapping[str, Any]) -> dict[str, Any]:
    """The facts that config.json gives of the text encoder, under the names that most architectures use."""
    facts = {**config, **_tower_facts(config)} if is_tower(config) else dict(config)
    for name, others in _SAME.items():
        known = next((facts[synonym] for synonym in (name, *others) if isinstance(facts.get(synonym), int)), None)
        if known is not None:
            facts[name] = known
    return facts


def _tower_facts(config: Mapping[str, Any]) -> dict[str, Any]:
    """The text model's configuration, with the architecture's defaults for what it does not name."""
    import transformers

    text_config = config.get(_TEXT, config)
    defaults: Any = getattr(transformers, _TOWERS[str(config["model_type"])].replace("Model", "Config"))
    usual = {name: getattr(defaults(), name) for name in _SAME}
    return {
        **usual,
        **{
            name: text_config[name]
            for name in _SAME
            if isinstance(text_config, dict) and isinstance(text_config.get(name), int)
        },
    }


def positions(config: Mapping[str, Any]) -> int | None:
    """The largest number of tokens that an encoder reads; None where its configuration gives no bound.

    Models of RoBERTa's kind count positions from the id of the padding token plus 1.
    """
    numbers = [config.get(key) for key in ("max_position_embeddings", "pad_token_id")]
    most, pad = (number if isinstance(number, int) else None for number in numbers)
    reserved = (1 if pad is None else pad) + 1 if "roberta" in str(config.get("model_type")) else 0
    return most - reserved if most else None


def longest(task: TaskSpec) -> int:
    """The number of tokens of a task's longest inputs."""
    return max(task.max_length, task.pool.max_length if task.pool else 0)


def fitted(task: TaskSpec, config: Mapping[str, Any]) -> TaskSpec:
    """A task with its lengths cut to what a text tower reads; for any other encoder the task itself.

    Windows still overlap by the same share.
    """
    most = positions(config) if is_tower(config) else None
    if most is None or most >= longest(task):
        return task
    length = min(task.max_length, most)
    pool = replace(task.pool, max_length=min(task.pool.max_length, most)) if task.pool else None
    return replace(task, max_length=length, stride=task.stride * length // task.max_length, pool=pool)


def check_fits(task: TaskSpec, config: Mapping[str, Any], called: str, remedy: str) -> None:
    """Raise ModelError where a task's inputs have more tokens than the encoder reads; `remedy` says what to do."""
    most, wanted = positions(config), longest(task)
    if most is not None and most < wanted:
        what = f"the encoder reads {most} tokens, but {task.name} has inputs of {wanted}"
        raise ModelError(f"{called}: {what}. {remedy} take an encoder that reads {wanted} or more.")
