"""Windows as tensors, the states that represent inputs, and a text as one vector: `mean:14/24`."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from types import SimpleNamespace
from typing import Any, Final, Self

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from robust_xtreme.core.errors import ModelError, SpecError
from robust_xtreme.models.config import CANINE, CANINE_SPARE
from robust_xtreme.models.reading.members.retrieval import Dense, SentenceModel, TextLayouts
from robust_xtreme.models.reading.windows import Windows, layout_of

Scores = np.ndarray[Any, Any]


def out_of_memory(error: BaseException) -> bool:
    """Whether an exception reports that the device or the machine has too little memory."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    text = str(error)
    return isinstance(error, RuntimeError) and ("can't allocate memory" in text or "out of memory" in text)


@contextmanager
def evaluating(*models: nn.Module) -> Iterator[None]:
    """Set every part of models to evaluation, and then back to the mode that it was in."""
    modes = [(part, part.training) for model in models for part in model.modules()]
    try:
        for part, _ in modes:
            part.training = False
        yield
    finally:
        for part, training in modes:
            part.training = training


def collate(windows: Windows, pad_id: int) -> tuple[Tensor, Tensor]:
    """Token ids (B, L) padded at the end, and the mask (B, L) that is 1 on tokens; both int64, on the CPU."""
    lengths = windows.lengths
    rows, longest = len(lengths), max(1, int(lengths.max()))
    inside = np.arange(longest)[None, :] < lengths[:, None]
    ids = np.full((rows, longest), pad_id, dtype=np.int64)
    ids[inside] = windows.ids
    inside[:, 0] = True  # an input without any token is one of padding
    return torch.from_numpy(ids), torch.from_numpy(inside.astype(np.int64))


def on(device: torch.device, values: Scores | Tensor) -> Tensor:
    """An array, or a tensor of the CPU, on a device; to CUDA it is copied while the device computes."""
    tensor = torch.from_numpy(values) if isinstance(values, np.ndarray) else values
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)


def encoder_inputs(encoder: nn.Module, ids: Tensor, mask: Tensor, windows: Windows) -> dict[str, Tensor]:
    """The inputs of an encoder: ids (B, L), mask (B, L), and segments (B, L) where it distinguishes two."""
    named = {"input_ids": ids, "attention_mask": mask}
    config: Any = encoder.config
    if int(getattr(config, "type_vocab_size", 0) or 0) > 1:
        # 1 from the start of a window's second segment, 0 before it, on padding, and where segments are not marked
        length = mask.shape[1]
        starts = on(mask.device, np.where(windows.second > 0, windows.second, length))
        named["token_type_ids"] = (torch.arange(length, device=mask.device) >= starts[:, None]).to(mask.dtype) * mask
    return named


@cache
def _canine() -> type[Any]:
    """CANINE that gives an input the same states beside any others, and states of characters after every layer.

    Padding, and how much, changes the states of transformers' own class. Here each input, and the whole, ends in it.
    """
    from transformers import CanineModel as Base

    def forward(self: Any, input_ids: Tensor, *given: Tensor | None, **named: Any) -> Any:
        config, length = self.config, input_ids.shape[1]
        more = -(length + CANINE_SPARE) % config.local_transformer_stride + CANINE_SPARE
        named |= dict(zip(("attention_mask", "token_type_ids"), given, strict=False))
        kept = {name: named.pop(name, None) for name in ("attention_mask", "token_type_ids")}
        longer = {"input_ids": input_ids, **{name: values for name, values in kept.items() if values is not None}}
        padded = {name: nn.functional.pad(part, (0, more)) for name, part in longer.items()}
        output = Base.forward(self, **padded, **named)
        output.last_hidden_state = output.last_hidden_state[:, :length]
        if output.hidden_states is not None:  # two of characters, those of units, of which the first is [CLS]
            unit = torch.arange(length, device=input_ids.device) // config.downsampling_rate + 1
            deep = output.hidden_states[2 : 2 + config.num_hidden_layers]
            output.hidden_states = (*(states[:, unit] for states in deep), output.last_hidden_state)
        return output

    return type(Base.__name__, (Base,), {"forward": forward, "__module__": Base.__module__})


def steady(encoder: Any) -> Any:
    """An encoder whose states of an input do not depend on the others of its batch."""
    if encoder.config.model_type == CANINE:
        encoder.__class__ = _canine()
    return encoder


class Int8(nn.Module):
    """A linear layer of whole numbers of 8 bits: weights (O, I) with a scale for each output, inputs with one a token.

    torch's own dynamic quantisation has one scale for all tokens of a batch, so that an answer depends on the others.
    """

    def __init__(self, layer: nn.Linear) -> None:
        nn.Module.__init__(self)
        weight = layer.weight.detach()
        scale = _scale(weight)
        self.weight = nn.Buffer(torch.round(weight / scale).to(torch.int8))
        self.scale = nn.Buffer(scale[:, 0])
        self.bias: Tensor | None = layer.bias

    def forward(self, inputs: Tensor) -> Tensor:
        """Outputs (..., O) of inputs (..., I), in the type of the inputs."""
        wide = inputs.float()
        scale = _scale(wide)
        products = nn.functional.linear(torch.round(wide / scale), self.weight.float()) * scale * self.scale
        return (products if self.bias is None else products + self.bias).to(inputs.dtype)


def _scale(values: Tensor) -> Tensor:
    """What 1 of 127 stands for in each row (..., 1); 1 in a row of zeros."""
    largest = values.abs().amax(dim=-1, keepdim=True)
    return torch.where(largest > 0, largest / 127, 1.0)


def quantise(model: nn.Module, called: str) -> None:
    """Put whole numbers of 8 bits in the place of linear layers. Raises ModelError where there is none."""
    layers = [(name, layer) for name, layer in model.named_modules() if type(layer) is nn.Linear]
    if not layers:
        raise ModelError(f"{called} has no linear layers that --precision int8 can quantise. Use fp32.")
    for name, layer in layers:
        parent, _, last = name.rpartition(".")
        setattr(model.get_submodule(parent), last, Int8(layer))


def summaries(hidden: Tensor, windows: Windows) -> Tensor:
    """The states (B, H) of the tokens that represent the inputs (B, L, H); where L is 1, the only state."""
    if hidden.shape[1] == 1 or not windows.summary.any():
        return hidden[:, 0]
    return hidden[torch.arange(len(windows), device=hidden.device), on(hidden.device, windows.summary)]


_POOLINGS: Final = {"mean": "mean", "last": "lasttoken"}
"""Names of poolings in representations, and in `pooled`."""


@dataclass(frozen=True, slots=True)
class Representation:
    """How a text becomes a vector without a head; `str()` round-trips through `parse`.

    `layer` is a hidden state of the encoder, 0 being the embeddings; where `of` is not 0, it is that of an encoder with
    `of` layers, and is scaled to others. `mean` averages the tokens of the text, with `specials` also the special
    tokens around it. `cls` takes the token that represents all of the text: the first, or the last where the encoder is
    causal or has no special token at the start. `last` takes the last token, with what the tokenizer puts at the end.
    """

    pooling: str
    layer: int
    of: int = 0
    specials: bool = True

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `mean:14/24`, `cls:12`, `last:28`, `mean:8@specials=out`. Raises SpecError, one line."""
        match = re.fullmatch(r"([a-z]+):([0-9]{1,4})(?:/([0-9]{1,4}))?(?:@specials=([a-z]+))?", text.strip())
        if match is None:
            grammar = "POOLING:LAYER[/OF][@specials=out], for example mean:14/24 or cls:12"
            raise SpecError(f"The representation {text[:80]!r} is not {grammar}.")
        pooling, layer, of, specials = match.groups()
        if pooling != "cls" and pooling not in _POOLINGS:
            raise SpecError(f"The representation {text!r}: there is no pooling {pooling!r}. Known: mean, cls, last.")
        if specials not in (None, "in", "out"):
            raise SpecError(f"The representation {text!r}: specials are in or out, not {specials!r}.")
        if specials == "out" and pooling != "mean":
            what = f"{pooling} is one token, special or not"
            raise SpecError(f"The representation {text!r}: {what}; means leave out some.")
        if of is not None and not 0 < int(of) >= int(layer):
            raise SpecError(f"The representation {text!r}: there is no layer {layer} of {of}.")
        return cls(pooling, int(layer), int(of or 0), specials != "out")

    def __str__(self) -> str:
        layer = f"{self.layer}/{self.of}" if self.of else str(self.layer)
        return f"{self.pooling}:{layer}" + ("" if self.specials else "@specials=out")

    def at(self, layers: int) -> int:
        """The hidden state in an encoder with `layers` layers, scaled, with halves rounded up. Raises SpecError."""
        state = (2 * self.layer * layers + self.of) // (2 * self.of) if self.of else self.layer
        if state > layers:
            what = f"The representation {str(self)!r} needs layer {state}, but the encoder has {layers}."
            raise SpecError(f"{what} Name one of 0 to {layers}, or scale it: {self.pooling}:14/24")
        return state


DEFAULT: Final = Representation("mean", 14, 24)
"""The representation of XTREME and X-STILTs: layer 14 of XLM-R large's 24, scaled to other encoders."""


def layer_count(encoder: nn.Module) -> int:
    """The number of layers of an encoder. Raises ModelError where its configuration does not contain it."""
    config: Any = encoder.config
    layers = getattr(config, "num_hidden_layers", None)
    if not isinstance(layers, int):
        raise ModelError("The encoder's config.json does not say how many layers it has (num_hidden_layers).")
    return layers


class AtLayer(nn.Module):
    """An encoder whose output is the hidden state of one layer, 0 being the embeddings; None: its own last state."""

    def __init__(self, encoder: nn.Module, layer: int | None = None) -> None:
        nn.Module.__init__(self)
        self.encoder = encoder
        self.config: Any = encoder.config
        self.layer = layer

    def forward(self, **inputs: Tensor) -> SimpleNamespace:
        """Hidden states (B, L, H) after the layer. Raises ModelError where the encoder does not give them."""
        if self.layer is None:
            return SimpleNamespace(last_hidden_state=self.encoder(**inputs).last_hidden_state)
        states = getattr(self.encoder(**inputs, output_hidden_states=True), "hidden_states", None)
        if states is None or len(states) <= self.layer:
            have = "no hidden states" if states is None else f"{len(states)} hidden states"
            raise ModelError(f"The encoder gives {have}, and layer {self.layer} is asked for.")
        return SimpleNamespace(last_hidden_state=states[self.layer])


class Pooled(nn.Module):
    """Pool the hidden states (B, L, H) of a representation's layer into vectors (B, H) of length 1."""

    def __init__(self, representation: Representation) -> None:
        nn.Module.__init__(self)
        self.representation = representation

    def forward(self, hidden: Tensor, mask: Tensor, windows: Windows) -> Tensor:
        """Vectors (B, H), float32; the zero vector for a text without tokens where special tokens are left out."""
        if self.representation.pooling == "cls":
            return unit_length(summaries(hidden, windows))
        kept = mask if self.representation.specials else _inside(windows, mask)
        return unit_length(pooled(_POOLINGS[self.representation.pooling], hidden.float(), kept))


class PooledModules(nn.Module):
    """The modules of sentence-transformers that follow an encoder: pooling, Dense layers and normalisation."""

    def __init__(self, model: SentenceModel) -> None:
        nn.Module.__init__(self)
        self.model = model
        self.layers = nn.ModuleList(nn.Identity() if step is None else _dense(step) for step in model.steps)

    def forward(self, hidden: Tensor, mask: Tensor, _: Windows) -> Tensor:
        """Vectors (B, D), float32; of length 1 where they are compared by cosines."""
        vectors = torch.cat([pooled(mode, hidden.float(), mask) for mode in self.model.modes], dim=-1)
        for step, layer in zip(self.model.steps, self.layers, strict=True):
            vectors = unit_length(vectors) if step is None else layer(vectors.to(hidden.dtype)).float()
        return unit_length(vectors) if self.model.cosine else vectors


def pooled(mode: str, hidden: Tensor, mask: Tensor) -> Tensor:
    """One vector (B, H) of the hidden states (B, L, H) of each text, by a mode of pooling; padding does not count."""
    rows, weights = torch.arange(len(hidden), device=hidden.device), mask[:, :, None].to(hidden.dtype)
    match mode:
        case "cls":
            return hidden[:, 0]
        case "lasttoken":
            return hidden[rows, (mask.sum(dim=1) - 1).clamp(min=0)]
        case "max":
            return hidden.masked_fill(weights == 0, -torch.inf).amax(dim=1)
        case "weightedmean":
            weights = weights * torch.arange(1, hidden.shape[1] + 1, device=hidden.device)[None, :, None]
    total, size = (hidden * weights).sum(dim=1), weights.sum(dim=1).clamp(min=1)
    return total / (size.sqrt() if mode == "mean_sqrt_len_tokens" else size)


def _dense(dense: Dense) -> nn.Module:
    """A Dense module with its weights, float32. Raises ModelError where they are not finite."""
    layer = nn.Sequential(nn.Linear(dense.reads, dense.gives, dense.bias), getattr(nn, dense.activation)())
    stored = load_file(str(dense.weights))
    layer[0].load_state_dict({name.removeprefix("linear."): weights.float() for name, weights in stored.items()})
    if not all(bool(torch.isfinite(weights).all()) for weights in layer.parameters()):
        raise ModelError(f"{dense.weights} has weights that are not finite numbers (NaN or infinity). Get it again.")
    return layer


def _inside(windows: Windows, mask: Tensor) -> Tensor:
    """1 on the tokens (B, L) of the text itself."""
    layout = layout_of(windows, TextLayouts)
    first, count = (on(mask.device, column)[:, None] for column in (layout.first, layout.count))
    positions = torch.arange(mask.shape[1], device=mask.device)[None, :]
    return ((positions >= first) & (positions < first + count)).to(mask.dtype)


def unit_length(vectors: Tensor) -> Tensor:
    """Vectors (B, D) of length 1, float32; a zero vector stays zero."""
    wide = vectors.double()  # times a power of two, so that the squares of no finite vector are too large or small
    _, exponents = torch.frexp(wide.detach().abs().amax(dim=-1, keepdim=True))
    normed: Tensor = nn.functional.normalize(torch.ldexp(wide, -exponents).float(), dim=-1)
    return normed
