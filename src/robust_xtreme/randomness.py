"""Keyed draws: what is drawn for a unit depends on the seed, the perturbation, the text's id and the unit's place.

Nothing is drawn in sequence and nothing is shared: a draw is a hash, so order, batch, shard and process cannot change
it. Mixing is the finaliser of SplitMix64 (Steele, Lea and Flood 2014); conditions are hashed by BLAKE2b.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from decimal import Decimal
from functools import cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

SELECT: Final = 0
OPERATOR: Final = 1
REPLACEMENT: Final = 2

_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)
_FIRST: Final = np.uint64(0xBF58476D1CE4E5B9)
_SECOND: Final = np.uint64(0x94D049BB133111EB)
_RANGE: Final = 1 << 64
_DIGEST_BYTES: Final = 8
_POINT_BITS: Final = 21


def salt(*parts: str) -> int:
    """The 64-bit hash of a sequence of strings: what all texts of a condition share."""
    state = hashlib.blake2b(digest_size=_DIGEST_BYTES)
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        state.update(len(data).to_bytes(8, "little") + data)
    return int.from_bytes(state.digest(), "little")


def text_keys(common: int, ids: Sequence[str]) -> Array:
    """The key of each text (t,) uint64, from what the condition shares and the text's own id.

    An id's hash is the sum, over its code points, of the mixed pair of place and point, mixed again with its length.
    """
    sizes = np.fromiter(map(len, ids), np.int64, len(ids)) + 1
    ends = np.cumsum(sizes)
    joined = "\0".join((*ids, ""))
    points = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
    starts = ends - sizes
    points += (np.arange(len(points)) - np.repeat(starts, sizes)).astype(np.uint64) << np.uint64(_POINT_BITS)
    own = np.add.reduceat(mix(points), starts) if len(ids) else points
    return mix(own + sizes.astype(np.uint64) * _GOLDEN ^ np.uint64(common))


def bare_ids(language: str, values: Sequence[str]) -> list[str]:
    """The ids of strings that have none: `examples.digest(language, value)`, for many values of one language."""
    tag = language.encode("utf-8", "surrogatepass")
    base = hashlib.blake2b(len(tag).to_bytes(8, "little") + tag, digest_size=_DIGEST_BYTES)
    return [_bare(base.copy(), value.encode("utf-8", "surrogatepass")) for value in values]


def _bare(state: Any, data: bytes) -> str:
    state.update(len(data).to_bytes(8, "little") + data)
    digest: str = state.hexdigest()
    return digest


def mix(values: Array) -> Array:
    """A bijection of 64 bits that makes near inputs unlike; works in place on `values` (uint64)."""
    spare = values >> np.uint64(30)
    values ^= spare
    values *= _FIRST
    np.right_shift(values, np.uint64(27), out=spare)
    values ^= spare
    values *= _SECOND
    np.right_shift(values, np.uint64(31), out=spare)
    values ^= spare
    return values


@cache
def _steps(size: int) -> Array:
    return np.arange(1, size + 1, dtype=np.uint64) * _GOLDEN


def steps(size: int) -> Array:
    """The multiples 1, 2, ... of the golden step (size,), uint64; shared, not to be written to."""
    return _steps(max(1 << 16, 1 << max(size - 1, 1).bit_length()))[:size]


def draws(keys: Array, places: Array) -> Array:
    """One draw (m,) uint64 per unit: `keys` (m,) of its text, `places` (m,) its position in that text."""
    return mix(keys + (places.astype(np.uint64) + np.uint64(1)) * _GOLDEN)


def flat_draws(keys: Array, offsets: Array, sizes: Array, places: Array | None = None) -> Array:
    """The draws of the units of a batch (m,): text i has `keys[i]`, begins at `offsets[i]` and has `sizes[i]` units.

    `places` (m,) are the units' positions in the batch, without it 0, 1, ...; the numbers are those of `draws` on
    positions counted from each text's own start.
    """
    shifted = np.repeat(keys - offsets.astype(np.uint64) * _GOLDEN, sizes)
    if places is None:
        return mix(shifted + steps(len(shifted)))
    return mix(shifted + (places.astype(np.uint64) + np.uint64(1)) * _GOLDEN)


def stream(drawn: Array, number: int) -> Array:
    """Another draw (m,) from each draw, independent of it for other purposes (operator, replacement)."""
    return mix(drawn ^ np.uint64((number * 0xD1B54A32D192ED03) % _RANGE))


def below(drawn: Array, size: Array | int) -> Array:
    """Each draw as an index in [0, size) (int64); `size` is at most 2**31."""
    return (((drawn >> np.uint64(32)) * np.asarray(size, np.uint64)) >> np.uint64(32)).astype(np.int64)


def chosen(drawn: Array, strength: str) -> Array:
    """Which draws (m,), as fractions of 1, lie below the strength, a decimal between 0 and 1."""
    limit = int(Decimal(strength) * _RANGE)
    if limit >= _RANGE:
        return np.ones(len(drawn), np.bool_)
    return drawn < np.uint64(limit)
