"""Seeds the global generators of Python, numpy and torch for a library that draws from them, and restores them.

A local generator cannot serve: nlpaug and TextAttack take no generator and no seed, and call `random.sample`,
`random.choice` and `np.random` themselves.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import RLock
from typing import Final

import numpy as np

_LOCK: Final = RLock()
_NUMPY: Final = (1 << 32) - 1
_TORCH: Final = (1 << 63) - 1


@contextmanager
def lent() -> Iterator[Callable[[int], None]]:
    """A function that seeds the global generators with a key; at the end of the context they are restored.

    torch's generator (that of the CPU) is seeded if torch is loaded. One thread at a time enters the context.
    """
    with _LOCK:
        torch = sys.modules.get("torch")
        kept = random.getstate(), np.random.get_state()  # noqa: NPY002 - the library under it uses this one
        weights = torch.get_rng_state() if torch else None
        try:
            yield _seed
        finally:
            random.setstate(kept[0])
            np.random.set_state(kept[1])  # noqa: NPY002 - the library under it uses this one
            if torch:
                torch.set_rng_state(weights)


def _seed(key: int) -> None:
    random.seed(key)
    np.random.seed(key & _NUMPY)  # noqa: NPY002 - the library under it uses this one
    if torch := sys.modules.get("torch"):
        torch.default_generator.manual_seed(key & _TORCH)
