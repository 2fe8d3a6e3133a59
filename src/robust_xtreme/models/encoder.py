"""Encoders on disk: which one a folder contains, and how it is read: safetensors only, none of its code, no network."""

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
from robust_xtreme.models.towers import architecture_of, check_encoder, is_causal, is_tower, rest_pooler
from robust_xtreme.models.weights import check_config, check_described, check_whole, weight_files
from robust_xtreme.models.windows import CAUSAL
from robust_xtreme.results import store

_MODEL_FILES: Final = ("*.json", "*.safetensors", "*.model", "*.txt")
_PICKLES: Final = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
_TOKENIZERS: Final = ("tokenizer.json", "vocab.*", "*.model")
_ENDS: Final = (("bos", "cls"), ("eos", "sep"))
_STUMBLES: Final = (LookupError, TypeError, AttributeError, ArithmeticError, AssertionError)
TRUST_FLAG: Final = "--trust-remote-code"
"""The only way by which code that a checkpoint brings along is run."""


def encoder_identity(folder: Path, sha256: Callable[[Path], str] = store.sha256) -> str:
    """The hash of a folder's weights, configuration and tokenizer files (16 hex digits)."""
    files = sorted({path for pattern in _MODEL_FILES for path in folder.glob(pattern)})
    return digest(*(part for path in files for part in (path.name, sha256(path))))


def check_weights(folder: Path) -> None:
    """Raise ModelError, one line, where a folder contains no safetensors."""
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
    """Raise ModelError where no weights could be read from a folder: it was put together `here`, or fetched."""
    check_whole(folder, called)
    if weight_files(folder, called):
        return
    if here:
        check_weights(folder)
    raise ModelError(
        f"{called} has no model.safetensors; pickled weights could run code when read, and are not. "
        "Save it again with transformers' save_pretrained."
    )


def known_type(config: Mapping[str, Any]) -> bool:
    """Whether transformers has the configuration's architecture itself, so that no code of others is needed."""
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    return config.get("model_type") in CONFIG_MAPPING or is_tower(config)


def loading(trust: bool = False) -> dict[str, bool]:
    """How transformers reads a folder: nothing is fetched, and its code runs only where that was asked for."""
    return {"local_files_only": True, "trust_remote_code": trust}


def read_tokenizer(folder: Path, trust: bool = False, called: str = "") -> Any:
    """The fast tokenizer of a transformers folder, which errors name as `called`. Raises ModelError."""
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
    """What config.json contains; nothing where it cannot be read, which the encoder's reader tells."""
    path = folder / "config.json"
    return dict(json.loads(path.read_text(encoding="utf-8"))) if _is_object(path) else {}


def _check_present(folder: Path, called: str) -> None:
    """Raise ModelError where a folder contains no file that a tokenizer could be read from."""
    if not any(path for pattern in _TOKENIZERS for path in folder.glob(pattern)):
        raise ModelError(
            f"{called}: the tokenizer cannot be loaded: its files (tokenizer.json) are missing. Get them again, or "
            "save them with the tokenizer's save_pretrained."
        )


@contextmanager
def _named_file(folder: Path) -> Iterator[None]:
    """Where a tokenizer cannot be read because one of its files is not JSON object, say which."""
    try:
        yield
    except Exception as error:
        for path in (folder / "tokenizer.json", folder / "tokenizer_config.json"):
            if path.is_file() and not _is_object(path):
                raise ModelError(f"{path.name} is damaged (no JSON object). Get it again.") from error
        raise


def _is_object(path: Path) -> bool:
    try:
        return isinstance(json.loads(path.read_text(encoding="utf-8")), dict)
    except (OSError, ValueError, RecursionError):
        return False


def check_special(tokenizer: Any, config: Mapping[str, Any], called: str) -> None:
    """Raise ModelError where tokenizer and configuration disagree on special tokens: it is another model's tokenizer.

    Padding must agree, for some encoders count positions from it. The tokens around a text are read off the tokenizer
    alone, and many configurations that were written by hand name others: they count only where the tokenizer's size is
    not that of the embeddings either. Text towers do not read theirs at all, and most name tokens that are not theirs.
    """
    if is_tower(config):
        return
    roberta = "roberta" in str(config.get("model_type"))
    pad = config.get("pad_token_id", 1 if roberta else None)
    pairs = [("padding", pad, {tokenizer.pad_token_id})]
    if len(tokenizer) != config.get("vocab_size"):
        first, last = ({getattr(tokenizer, f"{one}_token_id") for one in names} for names in _ENDS)
        pairs += [("first", config.get("bos_token_id"), first), ("last", config.get("eos_token_id"), last)]
    for what, wanted, have in pairs:
        named = sorted(have - {None})
        if type(wanted) is int and named and wanted not in named:
            raise ModelError(
                f"{called}: its {what} token is {named[0]} in the tokenizer, but {wanted} in config.json: the "
                "tokenizer is another model's."
            )


def check_tokenizer(tokenizer: Any, vocabulary: int, called: str) -> None:
    """Raise ModelError where a tokenizer is not that of a model with `vocabulary` embeddings (0: unknown).

    One with more tokens would read past the embeddings. Without its files transformers can make one of special tokens
    alone, to which every word is unknown: so less than half as many tokens are refused too.
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

    Of T5's kind it is the encoder alone, of CLIP and SigLIP the text model; a decoder is refused. It comes without the
    pooler, which nothing here uses, where the architecture lets it be left out, and otherwise with one that does not
    learn. A weight that the files do not have, or contain in another shape than config.json says, is an error: transformers
    would draw it at random.
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
        encoder, found = architecture.from_pretrained(called, config=config, **options, **pooler, **loading())
    check_complete(called, found, unused="pooler")
    check_described(called, found["unexpected_keys"], encoder, whole=False)
    rest_pooler(encoder)
    encoder = encoder.float().eval()
    check_finite(encoder, called)
    return encoder


def _architecture(folder: Path, called: str) -> tuple[Any, Any]:
    """The class that reads the text of a folder, and its configuration: of one with a part for images, the text's."""
    from transformers import AutoConfig
    from transformers.models.auto.modeling_auto import MODEL_MAPPING

    own = architecture_of(str(_config_of(folder).get("model_type")), called)
    if own is not None:
        return own, own.config_class.from_pretrained(called, **loading())
    config = AutoConfig.from_pretrained(called, **loading())
    return MODEL_MAPPING[type(config)], config


def check_complete(called: str, found: Mapping[str, Any], unused: str | None = None) -> None:
    """Raise ModelError where weights that the model uses were not in its files as config.json describes them."""
    misshapen = sorted(name for name, *_ in found["mismatched_keys"])
    if misshapen:
        raise ModelError(f"{called}: {_counted(misshapen)} another shape in the weights than config.json says.")
    missing = sorted(name for name in found["missing_keys"] if unused is None or unused not in name)
    if missing:
        raise ModelError(f"{called}: {_counted(missing)} no weights, though config.json describes it.")


def check_finite(model: Any, called: str) -> None:
    """Raise ModelError where weights are not numbers: a loss, and scores, would be none either."""
    broken = next((name for name, one in model.named_parameters() if not bool(torch.isfinite(one).all())), None)
    if broken:
        raise ModelError(f"{called}: the weights of {broken} are not finite numbers (NaN or infinity). Get it again.")


def _counted(names: Sequence[str]) -> str:
    return f"{names[0]} and {len(names) - 1} more have" if len(names) > 1 else f"{names[0]} has"


@contextmanager
def reading(called: str, file: str = "") -> Iterator[None]:
    """Whatever a library says of a folder that it cannot read becomes a ModelError of one line.

    Where it stumbles, and says nothing of what is wrong, the `file` that was being read is named.
    """
    try:
        with quiet_transformers():
            yield
    except Exception as error:
        line = first_line(error)
        if "trust_remote_code" in str(error) or "custom code" in str(error):
            line = f"it brings code of its own, which runs only where you say so: {TRUST_FLAG}"
        elif file and isinstance(error, _STUMBLES):
            line = f"{file} is malformed ({line}). Get it again."
        raise ModelError(f"{called} cannot be loaded: {line}") from error


def first_line(error: Exception) -> str:
    """The first line of what a library says, or the name of its exception where it says nothing.

    A line that ends in a colon only announces the next, which then follows it.
    """
    first, *others = [*filter(None, map(str.strip, str(error).splitlines())), ""]
    return (f"{first} {others[0]}" if first.endswith(":") and others else first).strip() or type(error).__name__


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Silence transformers' progress bars and load reports for a while; what matters of them is checked by us."""
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
