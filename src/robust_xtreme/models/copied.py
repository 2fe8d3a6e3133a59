"""Compare a model in memory with its copy, saved and loaded: both compute a few inputs and encode a few texts.

Weights, configuration and tokenizer files do not describe everything that an object computes: an activation that was
replaced, a number in a layer, a buffer that is not saved, a configuration that was set after the model was made. So the
answers are compared, whatever the difference comes from.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn

from robust_xtreme.core.errors import ModelError, RobustXtremeError, SpecError
from robust_xtreme.core.targets.kinds import CHOICE
from robust_xtreme.models.encoder import check_tokenizer, first_line, positions, read_encoder, read_tokenizer
from robust_xtreme.models.memory import out_of_memory
from robust_xtreme.models.reading.windows import plain
from robust_xtreme.models.tensors import collate
from robust_xtreme.models.whole import Whole, family_of_head, read_whole
from robust_xtreme.noise.engine.libraries import quiet_transformers

_LENGTHS: Final = (3, 9, 24)
_LONGEST: Final = 160
"""The tokens of the longest input: more than the windows of local attention, 128 in ModernBERT."""

_TOLERANCE: Final = 1e-3
"""The difference that counts, as a share of the largest score: less than a rounding in float16 and bfloat16."""

_KERNELS: Final = ("eager", "sdpa", "flash_attention_2", "flash_attention_3", "flex_attention")
"""The implementations of attention that compute the same, but round otherwise."""

_INSIDE: Final = ("", "encoder.", "text_model.")
"""Where a copy has the weights of a part: by the same names, or those of a part of it."""

_TEXTS: Final = (
    "The quick brown Fox, 1984!",
    "Habari za asubuhi; é à ö ñ ß",
    "Москва́ не сразу строилась",
    "नमस्ते दुनिया",
    "مرحبا بالعالم",
    "今天天气很好。テスト",
    "ทดสอบภาษาไทย",
    " two  spaces\tand a line\n",
    "one two three four five six seven eight nine ten eleven twelve",
)
_LIMITS: Final = (64, 8)
"""The lengths to which texts are cut; most are shorter than the first."""

_PARTS: Final = ("input_ids", "token_type_ids")
_CURE: Final = "Undo the change, or save it as a folder with its code and evaluate that with trust_remote_code=True."


def check_copy(model: Any, tokenizer: Any, folder: Path, called: str) -> None:
    """Compare a model and its tokenizer with those that a run reads from the folder they were saved to.

    The model's modes, weights and gradients stay; a tokenizer remembers how it was called, so give a copy. Raises
    SpecError where answers or ids differ, ModelError where the folder, which errors call `called`, cannot be read,
    RobustXtremeError where there is too little memory.
    """
    try:
        reader = read_tokenizer(folder, called=called)
        _check_ids(tokenizer, reader)
        copied = _read(model, folder, called)
        check_tokenizer(reader, int(getattr(copied.config, "vocab_size", 0)), called)
    except ModelError as error:
        raise ModelError(str(error).replace(str(folder), called)) from error
    _check_answers(model, copied, len(reader), int(reader.pad_token_id))


def _check_ids(tokenizer: Any, reader: Any) -> None:
    kind = type(tokenizer)
    texts = (*_TEXTS, f"a {' '.join(reader.all_special_tokens)} b")
    for limit in _LIMITS:
        for pair in (False, True):
            expected = _encoded(reader, texts, limit, pair)
            try:
                same = _encoded(tokenizer, texts, limit, pair) == expected
            except Exception as error:  # of code that transformers does not have
                raise SpecError(f"evaluate: the {kind.__name__} does not encode texts: {first_line(error)}") from error
            if not same:
                what = f"the {kind.__name__} encodes texts cut to {limit} tokens otherwise than its saved copy"
                raise SpecError(f"evaluate: {what}: its files do not describe a change of it. {_CURE}")


def _encoded(tokenizer: Any, texts: tuple[str, ...], limit: int, pair: bool) -> dict[str, Any]:
    """The ids of texts, alone or each with the next one, and their segments."""
    second = [[*texts[1:], texts[0]]] if pair else []
    with quiet_transformers():
        encoded = tokenizer(list(texts), *second, truncation=True, max_length=limit)
    return {part: encoded.get(part) for part in _PARTS}


def _read(model: Any, folder: Path, called: str) -> Any:
    """The copy as a run loads it: with its head, or the encoder alone where no task has this head."""
    family = family_of_head(type(model).__name__)
    if family is None:
        return read_encoder(folder)
    return read_whole(folder, family, type(model).__name__, trust=False, called=called)


def _check_answers(model: Any, copied: Any, size: int, pad_id: int) -> None:
    family = family_of_head(type(model).__name__)
    part = _text_part(model) if family is None else Whole(model, alone=family == CHOICE.name)
    with _in_memory("is not comparable with its copy"):
        _place_as(part, copied)
        changed = _changed_weight(part, copied)
    if changed:
        what = f"has other weights than its copy, saved and loaded, in {changed.removeprefix('model.')}"
        raise SpecError(f"evaluate: the {type(model).__name__} {what}. {_CURE}")
    answers = []
    for ids, mask in _inputs(copied.config, size, pad_id):
        with _in_memory(f"does not compute an input of {ids.shape[1]} tokens"):
            answers.append((_answers(copied, ids, mask), _answers(part, ids, mask)))
    largest = max(float(expected.abs().max()) for expected, _ in answers)
    difference = max(_difference(expected, given) for expected, given in answers)
    if difference > _TOLERANCE * largest:
        what = f"computes otherwise than its copy, saved and loaded (by {difference:.2g}, of scores to {largest:.2g})"
        why = "its weights and configuration do not describe a part, a number or a buffer that was changed"
        raise SpecError(f"evaluate: the {type(model).__name__} {what}: {why}. {_CURE}")


def _difference(expected: Tensor, given: Tensor) -> float:
    """The largest difference of two answers; infinite where their shapes differ."""
    return float((given - expected).abs().max()) if given.shape == expected.shape else math.inf


@contextmanager
def _in_memory(what: str) -> Iterator[None]:
    """Turn an error of a part that does not fit the others into SpecError, too little memory into RobustXtremeError."""
    try:
        yield
    except Exception as error:
        if out_of_memory(error):
            short = "too little memory to compare the model in memory with its copy, saved and loaded"
            raise RobustXtremeError(f"evaluate: {short}. Free some, or move the model to the CPU.") from error
        raise SpecError(f"evaluate: the model in memory {what}: {first_line(error)}") from error


def _text_part(model: Any) -> Any:
    """The part of a model without a task's head that `read_encoder` reads."""
    base = model.base_model
    if getattr(base.config, "is_encoder_decoder", False):
        return base.get_encoder()
    return getattr(base, "text_model", base)


def _place_as(part: nn.Module, copied: nn.Module) -> None:
    """Move the copy to the model's device, types and kernels of attention, so that both round alike.

    It stays on the CPU where the model has several devices.
    """
    values = {**dict(part.named_parameters()), **dict(part.named_buffers())}
    devices = {value.device for value in part.parameters()}
    device = devices.pop() if len(devices) == 1 else torch.device("cpu")
    other = next(value.dtype for value in part.parameters() if value.is_floating_point())
    for name, value in (*copied.named_parameters(), *copied.named_buffers()):
        dtype = values[name].dtype if name in values else other
        value.data = value.data.to(device, dtype if value.is_floating_point() else value.dtype)
    kernel = getattr(part.config, "_attn_implementation", None)
    if kernel in _KERNELS and kernel != getattr(copied.config, "_attn_implementation", None):
        inner: Any = copied.model if isinstance(copied, Whole) else copied
        inner.set_attn_implementation(kernel)


def _changed_weight(part: nn.Module, copied: nn.Module) -> str:
    """The name of a weight of the model whose copy is another, bit by bit; "" where all are equal.

    Those are compared, one by one, that both have; the saved copy of float64 has the precision of float32.
    """
    saved = copied.state_dict()
    for name, value in part.state_dict().items():
        other = next((saved[prefix + name] for prefix in _INSIDE if prefix + name in saved), None)
        if other is None or value.is_meta:
            continue
        if value.dtype == torch.float64:
            value, other = value.float(), other.float()
        if not torch.equal(value.to(other.device), other):
            return name
    return ""


def _inputs(config: Any, size: int, pad_id: int) -> list[tuple[Tensor, Tensor]]:
    """Ids drawn from the whole vocabulary, with their masks: short rows together, and the longest one alone."""
    facts = {key: getattr(config, key, None) for key in ("max_position_embeddings", "pad_token_id", "model_type")}
    longest = max(1, min(positions(facts) or _LONGEST, _LONGEST))
    generator = torch.Generator().manual_seed(0)
    drawn = [torch.randint(size, (min(length, longest),), generator=generator) for length in (*_LENGTHS, longest)]
    *short, long = [ids.tolist() for ids in drawn]
    return [collate(plain(short), pad_id), collate(plain([long]), pad_id)]


@torch.no_grad()
def _answers(model: nn.Module, ids: Tensor, mask: Tensor) -> Tensor:
    """The scores or states of inputs, without those of padding: float32, on the CPU; NaN and infinity as numbers."""
    device = next(model.parameters()).device
    with _evaluating(model), torch.random.fork_rng(devices=()):
        states = model(input_ids=ids.to(device), attention_mask=mask.to(device)).last_hidden_state
    kept = states.float().cpu()
    return torch.nan_to_num(kept * mask[..., None] if kept.shape[1] == mask.shape[1] else kept)


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    """Set the mode of every part, and set it back."""
    modes = [(part, part.training) for part in model.modules()]
    try:
        for part, _ in modes:
            part.training = False
        yield
    finally:
        for part, training in modes:
            part.training = training
