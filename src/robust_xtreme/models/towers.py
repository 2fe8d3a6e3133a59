"""Which part of a checkpoint reads text: encoders as they are, T5's without its decoder, text towers without images.

A text tower reads few tokens, and CLIP's reads from left to right: inputs are cut to what it reads, and what represents
a whole text is the last token.
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
    """Whether each token sees only those before it, so that the last one alone has seen the whole text."""
    return config.get("model_type") in _CAUSAL


def architecture_of(model_type: str, called: str) -> Any:
    """The class of transformers that reads the text alone; None where AutoModel's does. Raises ModelError."""
    import transformers

    name = {**_TOWERS, **_OF_TWO}.get(model_type)
    if name is None:
        return None
    found = getattr(transformers, name, None)
    if found is None:
        raise ModelError(f"{called}: this version of transformers has no {name}. Install a newer one.")
    return found


def check_encoder(config: Any, architecture: Any, called: str) -> None:
    """Raise ModelError where a model is not an encoder of text: a decoder, two in one, or a reader of images or sound."""
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
        what = f"no encoder of text ({kind})"
    elif "pixel_values" in takes:
        what = f"a model of text and images ({kind}), of which only the text towers of CLIP and SigLIP are read"
    else:
        return
    raise ModelError(f"{called} is {what}. {_TAKE}")


def rest_pooler(encoder: Any) -> None:
    """Keep a text tower's projection of a pooled token, which nothing here uses, out of training."""
    if is_tower(encoder.config.to_dict()):
        for name, parameter in encoder.named_parameters():
            parameter.requires_grad_(_POOLER not in name.split("."))


def text_facts(config: Mapping[str, Any]) -> dict[str, Any]:
    """What config.json tells of the encoder of text, by the names that most architectures use."""
    found = {**config, **_tower_facts(config)} if is_tower(config) else dict(config)
    for name, others in _SAME.items():
        known = next((found[one] for one in (name, *others) if isinstance(found.get(one), int)), None)
        if known is not None:
            found[name] = known
    return found


def _tower_facts(config: Mapping[str, Any]) -> dict[str, Any]:
    """The text model's own configuration, where it names a few things only with the architecture's for the others."""
    import transformers

    own = config.get(_TEXT, config)
    defaults: Any = getattr(transformers, _TOWERS[str(config["model_type"])].replace("Model", "Config"))
    usual = {name: getattr(defaults(), name) for name in _SAME}
    return {**usual, **{name: own[name] for name in _SAME if isinstance(own, dict) and isinstance(own.get(name), int)}}


def positions(config: Mapping[str, Any]) -> int | None:
    """How many tokens an encoder reads at most, as far as its configuration tells; None where that is not bounded.

    Models of RoBERTa's kind count positions from after the padding token's number.
    """
    numbers = [config.get(key) for key in ("max_position_embeddings", "pad_token_id")]
    found, pad = (one if isinstance(one, int) else None for one in numbers)
    reserved = (1 if pad is None else pad) + 1 if "roberta" in str(config.get("model_type")) else 0
    return found - reserved if found else None


def longest(task: TaskSpec) -> int:
    """The tokens of a task's longest inputs."""
    return max(task.max_length, task.pool.max_length if task.pool else 0)


def fitted(task: TaskSpec, config: Mapping[str, Any]) -> TaskSpec:
    """A task with the lengths that a text tower reads; for any other encoder the task as it is.

    Windows overlap by the same share as before.
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
