"""What a model's side makes of a device: tokens a second, the share of the device's peak (MFU), and how busy it is.

The operations are those that the inputs need, without padding: two for each weight of a linear layer and token, and
those of attention. The peak is measured in the same run, by products of large matrices.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, final

import torch
from torch import nn

from robust_xtreme.core.columns import Array

TYPES: Final[Mapping[str, torch.dtype]] = {"fp32": torch.float32, "bf16": torch.bfloat16}
"""The types of numbers by the names of `eval`."""

HEADS: Final = ("tokens/s", "MFU", "busy")
"""The heads of the figures as cells."""

_SIDE: Final = {"cpu": 2048, "cuda": 8192}
_PRODUCTS: Final = {"cpu": 5, "cuda": 50}
_SMI: Final = ("nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits", "-lms", "200")


def operations(encoder: nn.Module, lengths: Array) -> float:
    """The operations of an encoder for inputs of so many tokens (n,)."""
    config: Any = encoder.config
    weights = sum(layer.weight.numel() for layer in encoder.modules() if isinstance(layer, nn.Linear))
    attention = 4 * int(config.num_hidden_layers) * int(config.hidden_size)
    wide = lengths.astype(float)
    return float(2 * weights * wide.sum() + attention * (wide**2).sum())


def peak(device: str, precision: str) -> float:
    """The operations a second of a device: the best of several products of large matrices."""
    side = _SIDE[device]
    left, right = (torch.randn(side, side, device=device).to(TYPES[precision]) for _ in range(2))
    taken = []
    for _ in range(_PRODUCTS[device]):
        start = time.perf_counter()
        left @ right
        if device == "cuda":
            torch.cuda.synchronize()
        taken.append(time.perf_counter() - start)
    return 2 * side**3 / min(taken)


@final
@dataclass(slots=True)  # filled while a block is watched
class Use:
    """What a block took by the clock and on the processor, and the share in which the device was busy, where known."""

    seconds: float = 0.0
    processor: float = 0.0
    busy: float | None = None


@contextmanager
def watched(device: str) -> Iterator[Use]:
    """Watch a device in a block: CUDA by nvidia-smi, where it is; the CPU by the processor time of all threads."""
    use = Use()
    smi = shutil.which(_SMI[0]) if device == "cuda" else None
    process = subprocess.Popen(_SMI, stdout=subprocess.PIPE, text=True) if smi else None
    start = time.perf_counter(), time.process_time()
    try:
        yield use
    finally:
        if device == "cuda":
            torch.cuda.synchronize()
        use.seconds, use.processor = time.perf_counter() - start[0], time.process_time() - start[1]
        if device == "cpu":
            use.busy = use.processor / use.seconds / torch.get_num_threads()
        if process is not None:
            process.terminate()
            use.busy = share_of(process.communicate()[0])


def share_of(text: str) -> float | None:
    """The mean of the percentages that nvidia-smi printed, a line each, as a share; None without any."""
    values = [float(line) for line in text.split() if line.isdecimal()]
    return sum(values) / len(values) / 100 if values else None


def figures(needed: float, tokens: int, most: float, use: Use) -> dict[str, float | None]:
    """Tokens a second, MFU and the busy share of a block, where `most` is the device's peak."""
    return {
        "tokens_per_second": round(tokens / use.seconds, 1),
        "mfu": round(needed / use.seconds / most, 3),
        "busy": None if use.busy is None else round(use.busy, 3),
    }


def cells(of: Mapping[str, float | None]) -> tuple[str, ...]:
    """The figures as text."""
    busy = of["busy"]
    return f"{of['tokens_per_second']:,.0f}", f"{of['mfu']:.3f}", "-" if busy is None else f"{busy:.0%}"


def about(precision: str, most: float) -> str:
    """What the figures are, where products of large matrices reach `most` million million operations a second."""
    lines = (
        "Tokens are those of the inputs, without padding. *MFU*: the operations that they need (two for each weight",
        f"and token, embeddings left out, and attention), of the {most:.3g} TFLOP/s that products of large matrices in",
        f"{precision} reached in the same run. *busy*: on CUDA the time in which a kernel runs, by nvidia-smi; on the",
        "CPU the processor time of all threads.",
    )
    return "\n".join(lines)
