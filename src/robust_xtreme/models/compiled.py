"""Compile an encoder with torch.compile, for inputs of any shape, and say in one line where that fails."""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import nn

from robust_xtreme.errors import ModelError
from robust_xtreme.models.encoder import first_line
from robust_xtreme.models.memory import out_of_memory
from robust_xtreme.models.representation import AtLayer
from robust_xtreme.models.tensors import encoder_inputs
from robust_xtreme.reading.windows import plain

BACKEND: Final = "inductor"
"""The compiler of torch.compile."""

_TRIED: Final = 32
"""Rows of the first pass; a compiler can choose its code by the sizes that it sees first."""

_LONGEST: Final = 128
_WHY: Final = "needs a C++ compiler on the CPU, Triton on CUDA"


def compile_encoder(encoder: nn.Module, device: torch.device, pad_id: int, length: int, called: str) -> None:
    """Compile an encoder in its place, for several rows of up to `length` tokens and for one row.

    The code does not depend on the batches then. Raises ModelError where the compiler fails.
    """
    whole = encoder.encoder if isinstance(encoder, AtLayer) else encoder
    whole.compile(dynamic=True, backend=BACKEND)
    config: Any = encoder.config
    token = (pad_id + 1) % max(2, int(getattr(config, "vocab_size", 0) or 0))
    try:
        for rows in (_TRIED, 1):
            with torch.inference_mode():  # tensors that are made in it, as in `start`, are another kind
                ids = torch.full((rows, min(length, _LONGEST)), token, device=device)
                encoder(**encoder_inputs(encoder, ids, torch.ones_like(ids), plain([()] * rows)))
    except Exception as error:
        if out_of_memory(error):
            raise
        what = f"{called} cannot be compiled ({first_line(error)}): torch.compile {_WHY}"
        raise ModelError(f"{what}. Leave --compile out.") from error
