"""Read encoders and tokenizers from disk: only safetensors, without running their code, without the network."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import torch

from robust_xtreme.errors import ModelError
from robust_xtreme.examples import digest
from robust_xtreme.models.towers import architecture_of, check_encoder, freeze_pooler, is_causal, is_tower
from robust_xtreme.models.weights import check_config, check_described, check_whole, weight_files
from robust_xtreme.models.windows import CAUSAL
from robust_xtreme.results import store

_MODEL_FILES: Final = ("*.json", "*.safetensors", "*.model", "*.txt")
_PICKLES: Final = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
_TOKENIZERS: Final = ("tokenizer.json", "vocab.*", "*.model")
_ENDS: Final = (("bos", "cls"), ("eos", "sep"))
_STUMBLES: Final = (LookupError, TypeError, AttributeError, ArithmeticError, AssertionError)
TRUST_FLAG: Final = "--trust-remote-code"
"""The option without which the code of a checkpoint is not run."""


def encoder_identity(folder: Path, sha256: Callable[[Path], str] = store.sha256) -> str:
    """The hash of a folder's weights, configuration and tokenizer files (16 hex digits)."""
    files = sorted({path for pattern in _MODEL_FILES for path in folder.glob(pattern)})
    return digest(*(part for path in files for part in (path.name, sha256(path))))


def check_weights(folder: Path) -> None:
    """Raise ModelError, one line, where a folder does not contain safetensors."""
    if any(folder.glob("*.safetensors")):
        return
    pickled = next((path.name for pattern in _PICKLES for path in sorted(folder.glob(pattern))), None)
    if pickled is None:
        raise ModelError(
            f"{folder} contains no weights (model.safetensors). Save them with transformers' save_pretrained."
        )
    raise ModelError(
        f"{folder} contains only pickled weights ({pickled}), which could run code when read. "
        "Convert them to model.safetensors with transformers' save_pretrained."
    )


def check_files(folder: Path, called: str, here: bool) -> None:
    """Raise ModelError where a folder has no weights that can be read; `here`: it is local, not fetched."""
    check_whole(folder, called)
    if weight_files(folder, called):
        return
    if here:
        check_weights(folder)
    raise ModelError(
        f"{called} has no model.safetensors; pickled weights are not read, because they could run code. "
        "Save it again with transformers' save_pretrained."
    )


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
    if not trust:
        _check_present(folder, called)
    with reading(called, "tokenizer.json"), _named_file(folder):
        mini.register()
        tokenizer = AutoTokenizer.from_pretrained(str(folder), **loading(trust))
        setattr(tokenizer, CAUSAL, is_causal(_config_of(folder)))
    if not getattr(tokenizer, "is_fast", False):
        raise ModelError(f"{called} has no fast tokenizer (tokenizer.json). Save one with transformers.")
    if tokenizer.pad_token_id is None:
        raise ModelError(f"{called} has a tokenizer without a padding token: name its pad_token in it and save it.")
    return tokenizer


def _config_of(folder: Path) -> dict[str, Any]:
    """The content of config.json; empty where it cannot be read, which the encoder's reader reports."""
    path = folder / "config.json"
    return dict(json.loads(path.read_text(encoding="utf-8"))) if _is_object(path) else {}


def _check_present(folder: Path, called: str) -> None:
    """Raise ModelError where a folder does not contain a tokenizer's files."""
    if not any(path for pattern in _TOKENIZERS for path in folder.glob(pattern)):
        raise ModelError(
            f"{called}: the tokenizer cannot be loaded: its files (tokenizer.json) are missing. Get them again, or "
            "save them with the tokenizer's save_pretrained."
        )


@contextmanager
def _named_file(folder: Path) -> Iterator[None]:
    """Where a tokenizer cannot be read because one of its files is not a JSON object, name that file."""
    try:
        yield
    except Exception as error:
        for path in (folder / "tokenizer.json", folder / "tokenizer_config.json"):
            if path.is_file() and not _is_object(path):
                raise ModelError(f"{path.name} is damaged (not a JSON object). Get it again.") from error
        raise


def _is_object(path: Path) -> bool:
    try:
        return isinstance(json.loads(path.read_text(encoding="utf-8")), dict)
    except (OSError, ValueError, RecursionError):
        return False


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
            f"{called}: the tokenizer has {size} tokens for the encoder's {vocabulary} embeddings: it is another "
            "model's, or its files (tokenizer.json) are missing."
        )


def read_encoder(folder: Path) -> Any:
    """The encoder of a transformers folder: float32, on the CPU, in evaluation mode. Raises ModelError.

    Of T5's kind only the encoder is read, of CLIP and SigLIP the text model; a decoder is refused. The pooler, which is
    not used here, is left out where the architecture allows it, and otherwise frozen. A weight that is missing, or has
    another shape than config.json gives it, is an error: transformers would draw it at random.
    """
    from robust_xtreme.models import mini

    called = str(folder)
    weight_files(folder, called)
    check_whole(folder, called)
    check_config(_config_of(folder), called)
    with reading(called, "config.json"):
        mini.register()
        architecture, config = _architecture(folder, called)
    check_encoder(config, architecture, called)
    with reading(called, "config.json"), torch.random.fork_rng(devices=()):
        takes = inspect.signature(architecture).parameters
        pooler = {"add_pooling_layer": False} if "add_pooling_layer" in takes else {}
        options = {"use_safetensors": True, "ignore_mismatched_sizes": True, "output_loading_info": True}
        encoder, report = architecture.from_pretrained(called, config=config, **options, **pooler, **loading())
    check_complete(called, report, unused="pooler")
    check_described(called, report["unexpected_keys"], encoder, whole=False)
    freeze_pooler(encoder)
    encoder = encoder.float().eval()
    check_finite(encoder, called)
    return encoder


def _architecture(folder: Path, called: str) -> tuple[Any, Any]:
    """The class of a folder's text encoder and its configuration; the text model's, where there is an image part."""
    from transformers import AutoConfig
    from transformers.models.auto.modeling_auto import MODEL_MAPPING

    text_class = architecture_of(str(_config_of(folder).get("model_type")), called)
    if text_class is not None:
        return text_class, text_class.config_class.from_pretrained(called, **loading())
    config = AutoConfig.from_pretrained(called, **loading())
    return MODEL_MAPPING[type(config)], config


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


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Turn off transformers' progress bars and load reports; what matters in them is checked here."""
    from transformers.utils import logging

    chatter: Any = logging
    bars, level = chatter.is_progress_bar_enabled(), chatter.get_verbosity()
    chatter.disable_progress_bar()
    chatter.set_verbosity_error()
    try:
        yield
    finally:
        chatter.set_verbosity(level)
        if bars:
            chatter.enable_progress_bar()
