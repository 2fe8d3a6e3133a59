"""A transformers checkpoint with its own task head, used as if it were an encoder whose states are the scores."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import torch
from torch import Tensor, nn

from robust_xtreme.core.errors import ModelError
from robust_xtreme.core.targets.kinds import CHOICE, CLASSIFICATION, SPAN_QA, TAGGING
from robust_xtreme.models.encoder import check_complete, check_finite, loading, parameters_of, reading
from robust_xtreme.models.reading.windows import plain
from robust_xtreme.models.tensors import encoder_inputs
from robust_xtreme.models.weights import check_described, check_size, weight_files

HEADS: Final = {
    CLASSIFICATION.name: "ForSequenceClassification",
    TAGGING.name: "ForTokenClassification",
    SPAN_QA.name: "ForQuestionAnswering",
    CHOICE.name: "ForMultipleChoice",
}
"""The endings of transformers' names for architectures with a family's head."""

_CLASSIFIED: Final = 2


def family_of_head(architecture: str) -> str | None:
    """The family of an architecture's head; None where no task has such a head."""
    return next((family for family, ending in HEADS.items() if architecture.endswith(ending)), None)


class Whole(nn.Module):
    """Encoder and head in one module; its last hidden state are the head's scores.

    With `alone`, each input is a group of one choice, so that a head for choices scores each choice by itself.
    """

    def __init__(self, model: Any, alone: bool = False) -> None:
        nn.Module.__init__(self)
        self.model = model
        self.config = model.config
        self.alone = alone

    def forward(self, **inputs: Tensor) -> SimpleNamespace:
        """Scores (B, 1, classes) of texts, (B, L, classes) of tokens, or (B, L, 2) of an answer's start and end."""
        if self.alone:
            inputs = {name: values[:, None] for name, values in inputs.items()}
        output = self.model(**inputs)
        start, end = getattr(output, "start_logits", None), getattr(output, "end_logits", None)
        if start is not None and end is not None:
            return SimpleNamespace(last_hidden_state=torch.stack((start, end), dim=-1))
        scores = output.logits
        return SimpleNamespace(last_hidden_state=scores[:, None] if scores.ndim == _CLASSIFIED else scores)


def bare(encoder: nn.Module) -> Any:
    """What gives the states of tokens: the encoder, or that of a checkpoint with a head."""
    return encoder.model.base_model if isinstance(encoder, Whole) else encoder


def read_whole(folder: Path, family: str, architecture: str, trust: bool, called: str) -> Whole:
    """The checkpoint of a folder with its head: float32, on the CPU, in evaluation mode.

    Raises ModelError where a weight is missing (transformers would draw it at random), misshapen or not finite, where
    the configuration describes a far larger model than the weights, and where transformers loads another architecture
    than the configuration names. With `trust`, code of the folder runs.
    """
    import transformers

    auto: Any = getattr(transformers, f"AutoModel{HEADS[family]}")
    options = {"use_safetensors": True, "ignore_mismatched_sizes": True, "output_loading_info": True}
    with reading(called, "config.json"), torch.random.fork_rng(devices=()):
        if not trust:
            config = transformers.AutoConfig.from_pretrained(str(folder), **loading())
            check_size(parameters_of(auto.from_config, config), weight_files(folder, called))
        model, report = auto.from_pretrained(str(folder), **options, **loading(trust))
    if type(model).__name__ != architecture:
        what = (
            "its own code does not give"
            if trust and not type(model).__module__.startswith("transformers.models.")
            else "transformers does not load"
        )
        raise ModelError(f"{called} is a {architecture}, which {what} ({type(model).__name__}).")
    check_complete(called, report)
    check_described(called, report["unexpected_keys"], model, whole=True)
    whole = Whole(model.float(), alone=family == CHOICE.name).eval()
    check_finite(whole.model, called)
    return whole


def check_reads(whole: Whole, pad_id: int, length: int, width: int, called: str) -> None:
    """Raise ModelError unless the model reads an input of `length` tokens and gives `width` scores."""
    other = (pad_id + 1) % max(2, int(whole.config.vocab_size))
    ids = torch.full((1, length), other)
    try:
        with torch.inference_mode():
            inputs = encoder_inputs(whole, ids, torch.ones_like(ids), plain([()]))
            scores = whole(**inputs).last_hidden_state
    except (RuntimeError, IndexError, AttributeError, TypeError, ValueError) as error:
        raise ModelError(f"{called} does not read an input of {length} tokens: {error}".splitlines()[0]) from error
    if scores.shape[-1] != width:
        raise ModelError(f"{called} gives {scores.shape[-1]} scores, but its configuration has {width} classes.")
