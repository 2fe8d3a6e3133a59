"""Windows as tensors: ids padded to one length, the inputs of an encoder, and the states that represent inputs."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from robust_xtreme.models.reading.windows import Windows

# Recognise exceptions that report too little memory.


def out_of_memory(error: BaseException) -> bool:
    """Whether an exception reports that the device or the machine has too little memory."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    text = str(error)
    return isinstance(error, RuntimeError) and ("can't allocate memory" in text or "out of memory" in text)


Scores = np.ndarray[Any, Any]

_TYPES: Final = "token_type_ids"


def collate(windows: Windows, pad_id: int) -> tuple[Tensor, Tensor]:
    """Token ids (B, L) padded at the end, and the mask (B, L) that is 1 on tokens; both int64, on the CPU."""
    lengths = windows.lengths
    rows, longest = len(lengths), int(lengths.max())
    inside = np.arange(longest)[None, :] < lengths[:, None]
    ids = np.full((rows, longest), pad_id, dtype=np.int64)
    ids[inside] = windows.ids
    return torch.from_numpy(ids), torch.from_numpy(inside.astype(np.int64))


def on(device: torch.device, values: Scores) -> Tensor:
    """An array on a device; see `sent`."""
    return sent(device, torch.from_numpy(values))


def sent(device: torch.device, tensor: Tensor) -> Tensor:
    """A tensor of the CPU on a device; to CUDA it is copied while the device computes."""
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)


def encoder_inputs(encoder: nn.Module, ids: Tensor, mask: Tensor, windows: Windows) -> dict[str, Tensor]:
    """The inputs of an encoder: ids (B, L), mask (B, L), and segments (B, L) where it distinguishes two."""
    named = {"input_ids": ids, "attention_mask": mask}
    config: Any = encoder.config
    if int(getattr(config, "type_vocab_size", 0) or 0) > 1:
        # 1 from the start of a window's second segment, 0 before it, on padding, and where segments are not marked
        length = mask.shape[1]
        starts = on(mask.device, np.where(windows.second > 0, windows.second, length))
        named[_TYPES] = (torch.arange(length, device=mask.device) >= starts[:, None]).to(mask.dtype) * mask
    return named


def summaries(hidden: Tensor, windows: Windows) -> Tensor:
    """The states (B, H) of the tokens that represent the inputs (B, L, H); where L is 1, the only state."""
    if hidden.shape[1] == 1 or not windows.summary.any():
        return hidden[:, 0]
    return hidden[torch.arange(len(windows), device=hidden.device), on(hidden.device, windows.summary)]
