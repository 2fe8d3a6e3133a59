"""Read encoders and tokenizers from disk: only safetensors, without running their code, without the network.

Of a checkpoint only the part that reads text is taken: an encoder, T5's encoder alone, CLIP's or SigLIP's text tower. A
text tower reads few tokens, and inputs are cut to that length. CLIP's is causal, so the last token represents a text.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import torch

from robust_xtreme.core import strict_json
from robust_xtreme.core.errors import ModelError, counted
from robust_xtreme.core.examples import digest
from robust_xtreme.core.specs import TaskSpec
from robust_xtreme.models.reading.tokens import CAUSAL
from robust_xtreme.models.weights import (
    check_config,
    check_described,
    check_size,
    check_whole,
    file_hash,
    model_files,
    weight_files,
)
from robust_xtreme.noise.engine.libraries import quiet_transformers

_TOKENIZERS: Final = ("tokenizer.json", "vocab.*", "*.model")
_SETTINGS: Final = ("config.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json")
_ENDS: Final = (("bos", "cls"), ("eos", "sep"))
_STUMBLES: Final = (LookupError, TypeError, AttributeError, ArithmeticError, AssertionError)
_TOWERS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("clip", "clip_text_model"), "CLIPTextModel"),
    **dict.fromkeys(("siglip", "siglip_text_model"), "SiglipTextModel"),
    **dict.fromkeys(("siglip2", "siglip2_text_model"), "Siglip2TextModel"),
}
_OF_TWO: Final[Mapping[str, str]] = {"t5": "T5EncoderModel", "mt5": "MT5EncoderModel", "umt5": "UMT5EncoderModel"}
_CAUSAL: Final = ("clip", "clip_text_model")
_TEXT: Final = "text_config"
_POOLER: Final = "head"
_SAME: Final[Mapping[str, tuple[str, ...]]] = {
    "hidden_size": ("d_model", "dim", "n_embd"),
    "num_hidden_layers": ("num_layers", "n_layers"),
    "max_position_embeddings": (),
    "vocab_size": (),
}
_TAKE: Final = "Take an encoder such as FacebookAI/xlm-roberta-base."
TRUST_FLAG: Final = "--trust-remote-code"
"""The option without which the code of a checkpoint is not run."""


def encoder_identity(folder: Path) -> str:
    """The hash of a folder's weights, configuration and tokenizer files (16 hex digits)."""
    return digest(*(part for path in model_files(folder) for part in (path.name, file_hash(path))))


def known_type(config: Mapping[str, Any]) -> bool:
    """Whether transformers has the configuration's architecture, so that the checkpoint's code is not needed."""
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    return config.get("model_type") in CONFIG_MAPPING or is_tower(config)


def loading(trust: bool = False) -> dict[str, bool]:
    """The options of from_pretrained: nothing is fetched, and a folder's code runs only with `trust`."""
    return {"local_files_only": True, "trust_remote_code": trust}


def read_tokenizer(folder: Path, trust: bool = False, called: str = "") -> Any:
    """The fast tokenizer of a transformers folder, which errors call `called`. Raises ModelError."""
    from transformers import AutoTokenizer

    from robust_xtreme.models import mini

    called = called or str(folder)
    if not trust and not any(path for pattern in _TOKENIZERS for path in folder.glob(pattern)):
        raise ModelError(
            f"{called}: the tokenizer cannot be loaded: its files (tokenizer.json) are missing. Get them again, or "
            "save them with the tokenizer's save_pretrained."
        )
    for name in _SETTINGS:
        _object(folder / name)
    with reading(called, "tokenizer.json"), _named_file(folder):
        mini.register()
        tokenizer = AutoTokenizer.from_pretrained(str(folder), **loading(trust))
        # of a causal encoder only the last token has seen the whole text
        setattr(tokenizer, CAUSAL, _config_of(folder).get("model_type") in _CAUSAL)
    if not getattr(tokenizer, "is_fast", False):
        raise ModelError(f"{called} has no fast tokenizer (tokenizer.json). Save one with transformers.")
    if tokenizer.pad_token_id is None:
        raise ModelError(f"{called} has a tokenizer without a padding token: name its pad_token in it and save it.")
    if tokenizer.truncation_side != "right":
        what = "keeps the end of a text that is too long (truncation_side), and here the beginning is read"
        raise ModelError(f'{called} {what}. Where that is meant, set it to "right" in tokenizer_config.json.')
    return tokenizer


def _config_of(folder: Path) -> dict[str, Any]:
    """The content of config.json; empty where it cannot be read, which the encoder's reader reports."""
    return _object(folder / "config.json") or {}


@contextmanager
def _named_file(folder: Path) -> Iterator[None]:
    """Where a tokenizer cannot be read because one of its files is not a JSON object, name that file."""
    try:
        yield
    except Exception as error:
        for path in (folder / "tokenizer.json", folder / "tokenizer_config.json"):
            if path.is_file() and _object(path) is None:
                raise ModelError(f"{path.name} is damaged (not a JSON object). Get it again.") from error
        _check_readable(folder)
        raise


def _check_readable(folder: Path) -> None:
    """Raise ModelError where a configuration cannot be read: a tokenizer is then not to blame."""
    from transformers import AutoConfig

    if not (folder / "config.json").is_file():
        return
    try:
        AutoConfig.from_pretrained(str(folder), **loading())
    except Exception as error:
        if isinstance(error, _STUMBLES):
            raise ModelError(f"config.json is malformed ({first_line(error)}). Get it again.") from error


def _object(path: Path) -> dict[str, Any] | None:
    """The JSON object in a file; None where it does not contain one. Raises ModelError where a key occurs twice."""
    try:
        value = strict_json.loads(path.read_text(encoding="utf-8"))
    except strict_json.RepeatedKey as error:
        raise ModelError(f"{path}: {error}. Get it again.") from None
    except (OSError, ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def check_special(tokenizer: Any, config: Mapping[str, Any], called: str) -> None:
    """Raise ModelError where tokenizer and configuration disagree on special tokens: it is another model's tokenizer.

    The padding token must agree, because some encoders count positions from it. The first and last token are taken
    from the tokenizer alone, and many configurations written by hand name others: a difference counts only where the
    tokenizer's size also differs from that of the embeddings. Text towers do not use the configuration's special
    tokens, and most of their configurations name wrong ones.
    """
    if is_tower(config):
        return
    roberta = "roberta" in str(config.get("model_type"))
    pad = config.get("pad_token_id", 1 if roberta else None)
    pairs = [("padding", pad, {tokenizer.pad_token_id})]
    if len(tokenizer) != config.get("vocab_size"):
        first, last = ({getattr(tokenizer, f"{name}_token_id") for name in names} for names in _ENDS)
        pairs += [("first", config.get("bos_token_id"), first), ("last", config.get("eos_token_id"), last)]
    for what, wanted, have in pairs:
        named = sorted(have - {None})
        if type(wanted) is int and named and wanted not in named:
            raise ModelError(
                f"{called}: its {what} token is {named[0]} in the tokenizer, but {wanted} in config.json: the "
                "tokenizer is another model's."
            )


def check_tokenizer(tokenizer: Any, vocabulary: int, called: str) -> None:
    """Raise ModelError where a tokenizer does not fit a model with `vocabulary` embeddings (0: unknown).

    Ids of a larger tokenizer are outside the embeddings. Where files are missing, transformers can make a tokenizer of
    special tokens only, to which every word is unknown: so fewer tokens than half of the embeddings are refused too.
    """
    size = len(tokenizer)
    if vocabulary and size > vocabulary:
        raise ModelError(f"{called}: the tokenizer has {size} tokens, but the encoder only {vocabulary} embeddings.")
    if 2 * size < vocabulary:
        raise ModelError(
            f"{called}: the tokenizer has {size} tokens for the encoder's {vocabulary} embeddings (vocab_size in "
            "config.json): it is another model's, or its files (tokenizer.json) are missing."
        )


def read_encoder(folder: Path) -> Any:
    """The encoder of a transformers folder: float32, on the CPU, in evaluation mode. Raises ModelError.

    Of T5's kind only the encoder is read, of CLIP and SigLIP the text model; a decoder is refused. The pooler, which is
    not used here, is left out where the architecture allows it, and otherwise frozen. A weight that is missing, or has
    another shape than config.json gives it, is an error: transformers would draw it at random.
    """
    from robust_xtreme.models import mini

    called = str(folder)
    files = weight_files(folder, called)
    check_whole(folder, called)
    check_config(_config_of(folder), called)
    with reading(called, "config.json"):
        mini.register()
        architecture, config = _architecture(folder, called)
    check_encoder(config, architecture, called)
    with reading(called, "config.json"), torch.random.fork_rng(devices=()):
        takes = inspect.signature(architecture).parameters
        pooler = {"add_pooling_layer": False} if "add_pooling_layer" in takes else {}
        check_size(parameters_of(architecture, config, **pooler), files)
        options = {"use_safetensors": True, "ignore_mismatched_sizes": True, "output_loading_info": True}
        encoder, report = architecture.from_pretrained(called, config=config, **options, **pooler, **loading())
    check_complete(called, report, unused="pooler")
    check_described(called, report["unexpected_keys"], encoder, whole=False)
    if is_tower(encoder.config.to_dict()):
        for name, parameter in encoder.named_parameters():
            parameter.requires_grad_(_POOLER not in name.split("."))
    encoder = encoder.float().eval()
    check_finite(encoder, called)
    return encoder


def _architecture(folder: Path, called: str) -> tuple[Any, Any]:
    """The class of a folder's text encoder and its configuration; the text model's, where there is an image part."""
    import transformers
    from transformers.models.auto.modeling_auto import MODEL_MAPPING

    name = {**_TOWERS, **_OF_TWO}.get(str(_config_of(folder).get("model_type")))
    if name is None:
        config = transformers.AutoConfig.from_pretrained(called, **loading())
        return MODEL_MAPPING[type(config)], config
    text_class: Any = getattr(transformers, name, None)
    if text_class is None:
        raise ModelError(f"{called}: this version of transformers has no {name}. Install a newer one.")
    return text_class, text_class.config_class.from_pretrained(called, **loading())


def parameters_of(make: Callable[..., Any], config: Any, **options: bool) -> int:
    """The number of parameters of the model that a configuration describes; no weights are allocated."""
    with torch.device("meta"):
        return sum(weights.numel() for weights in make(config, **options).parameters())


def check_complete(called: str, report: Mapping[str, Any], unused: str | None = None) -> None:
    """Raise ModelError where weights are missing, or do not have the shapes that config.json gives them.

    `report` is the loading info of transformers; missing weights whose names contain `unused` are allowed.
    """
    misshapen = sorted(name for name, *_ in report["mismatched_keys"])
    if misshapen:
        raise ModelError(f"{called}: {_counted(misshapen)} another shape in the weights than config.json says.")
    missing = sorted(name for name in report["missing_keys"] if unused is None or unused not in name)
    if missing:
        raise ModelError(f"{called}: {_counted(missing)} no weights, though config.json describes it.")


def check_finite(model: Any, called: str) -> None:
    """Raise ModelError where weights are not finite: losses and scores would not be either."""
    broken = next((name for name, weights in model.named_parameters() if not bool(torch.isfinite(weights).all())), None)
    if broken:
        raise ModelError(f"{called}: the weights of {broken} are not finite numbers (NaN or infinity). Get it again.")


def _counted(names: Sequence[str]) -> str:
    return f"{names[0]} and {len(names) - 1} more have" if len(names) > 1 else f"{names[0]} has"


@contextmanager
def reading(called: str, file: str = "") -> Iterator[None]:
    """Turn any exception of a library that reads a folder into a ModelError of one line.

    Where the exception does not say what is wrong (a KeyError, say), the message names `file`, which was being read.
    """
    try:
        with quiet_transformers():
            yield
    except Exception as error:
        line = first_line(error)
        if "trust_remote_code" in str(error) or "custom code" in str(error):
            line = f"it contains code of its own, which runs only with {TRUST_FLAG}"
        elif file and isinstance(error, _STUMBLES):
            line = f"{file} is malformed ({line}). Get it again."
        raise ModelError(f"{called} cannot be loaded: {line}") from error


def first_line(error: Exception) -> str:
    """The first line of an exception's message, or the exception's name where the message is empty.

    A line that ends in a colon is joined with the next one, which it introduces.
    """
    first, *others = [*filter(None, map(str.strip, str(error).splitlines())), ""]
    return (f"{first} {others[0]}" if first.endswith(":") and others else first).strip() or type(error).__name__


def is_tower(config: Mapping[str, Any]) -> bool:
    """Whether a configuration is that of CLIP or SigLIP, whole or of the text model alone."""
    return config.get("model_type") in _TOWERS


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
    sizes = text_config if isinstance(text_config, dict) else {}
    defaults: Any = getattr(transformers, _TOWERS[str(config["model_type"])].replace("Model", "Config"))()
    return {name: sizes[name] if isinstance(sizes.get(name), int) else getattr(defaults, name) for name in _SAME}


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
    """A task with its lengths cut to what a text tower reads; for any other encoder the task itself."""
    most = positions(config) if is_tower(config) else None
    return task if most is None or most >= longest(task) else with_length(task, most)


def with_length(task: TaskSpec, most: int) -> TaskSpec:
    """A task whose longest inputs have `most` tokens; shorter ones are cut to it. Windows overlap by the same share."""
    before = longest(task)
    length, *of_pool = (
        most if length == before else min(length, most)
        for length in (task.max_length, *([task.pool.max_length] if task.pool else []))
    )
    pool = replace(task.pool, max_length=of_pool[0]) if task.pool else None
    return replace(task, max_length=length, stride=task.stride * length // task.max_length, pool=pool)


def too_long(task: TaskSpec, config: Mapping[str, Any]) -> int | None:
    """The tokens that an encoder reads, where a task has longer inputs that are not cut; else None."""
    most = positions(config)
    return most if most is not None and most < longest(fitted(task, config)) else None


def check_fits(task: TaskSpec, config: Mapping[str, Any], called: str, remedy: str) -> None:
    """Raise ModelError where a task's inputs have more tokens than the encoder reads; `remedy` says what to do."""
    most, wanted = positions(config), longest(task)
    if most is not None and most < wanted:
        if most < 1:
            named = ", ".join(f"{key} {config.get(key)}" for key in ("max_position_embeddings", "pad_token_id"))
            raise ModelError(f"{called}: config.json leaves no position for a token ({named}). Correct these numbers.")
        what = f"the encoder reads {counted(most, 'token')}, but {task.name} has inputs of {wanted}"
        raise ModelError(f"{called}: {what}. {remedy} take an encoder that reads {wanted} or more.")
