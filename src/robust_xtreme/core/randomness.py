"""Keyed random draws: a unit's draw depends on the seed, the perturbation, the text's id and the unit's position.

A draw is a hash and there is no generator state, so that order, batch, shard and process cannot change it. Mixing is
the finaliser of SplitMix64 (Steele, Lea and Flood 2014); conditions are hashed by BLAKE2b.
"""

import hashlib
from collections.abc import Sequence
from decimal import Decimal
from functools import cache
from typing import Final

import numpy as np

from robust_xtreme.core.examples import digest
from robust_xtreme.core.graphemes import Array, code_points

SELECT: Final = 0
OPERATOR: Final = 1
REPLACEMENT: Final = 2
SLIP: Final = 3
TEXT: Final = 4

_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)
_RANGE: Final = 1 << 64
_DIGEST_BYTES: Final = 8
_POINT_BITS: Final = 21
_ASCII_BITS: Final = 7
_PLACES: Final = 256
_TOGETHER: Final = 1024
"""The number of ids that are hashed at once, so that their arrays stay in a core's cache."""


def salt(*parts: str) -> int:
    """The 64-bit hash of a sequence of strings, which all texts of a condition share."""
    return int.from_bytes(bytes.fromhex(digest(*parts)), "little")


def text_keys(common: int, ids: Sequence[str]) -> Array:
    """The key of each text (t,) uint64, from the condition's salt and the text's id.

    An id's hash is the sum, over its code points, of the mixed pair of position and point, plus a multiple of its
    length; the key mixes it with the salt.
    """
    hashes = [_ids(ids[first : first + _TOGETHER]) for first in range(0, len(ids), _TOGETHER)]
    return keyed(common, np.concatenate([np.zeros(0, np.uint64), *hashes]))


def keyed(common: int, hashes: Array) -> Array:
    """The keys of texts from the condition's salt and the hashes of their ids (t,) uint64."""
    return mix(hashes ^ np.uint64(common))


def _ids(ids: Sequence[str]) -> Array:
    """The hashes (t,) uint64 of ids, before they are mixed with the salt."""
    sizes = np.fromiter(map(len, ids), np.int64, len(ids)) + 1
    starts = np.cumsum(sizes) - sizes
    joined = "\0".join((*ids, ""))
    # Position of each code point within its id; ids are joined by a separator, which is hashed as their last point.
    positions = np.arange(len(joined)) - np.repeat(starts, sizes)
    if joined.isascii() and int(sizes.max()) <= _PLACES:
        positions <<= _ASCII_BITS
        mixed = _ascii().take(positions + np.frombuffer(joined.encode("ascii"), np.uint8))
    else:
        mixed = mix(positions.astype(np.uint64) << np.uint64(_POINT_BITS) | code_points(joined))
    return np.asarray(np.add.reduceat(mixed, starts) + sizes.astype(np.uint64) * _GOLDEN)


@cache
def _ascii() -> Array:
    """The mixed pair of each of the first positions of an id and each ASCII code point, flat."""
    positions, points = np.arange(_PLACES, dtype=np.uint64), np.arange(1 << _ASCII_BITS, dtype=np.uint64)
    return mix((positions[:, None] << np.uint64(_POINT_BITS) | points).reshape(-1))


def ramp(values: Array, starts: Array, size: int, step: np.uint64) -> Array:
    """An array (size,) that has a given value at each start and increases by `step` from there; it wraps around."""
    steps = np.full(size, step, np.uint64)
    lengths = np.diff(starts).astype(np.uint64)
    steps[starts[0]] = values[0]
    steps[starts[1:]] = values[1:] - values[:-1] - (lengths - np.uint64(1)) * step
    return np.cumsum(steps, out=steps)


def bare_ids(language: str, values: Sequence[str]) -> list[str]:
    """The ids of strings without ids: `examples.digest(language, value)`, for many values of one language."""
    return [digest.hex() for digest in _digests(language, values, "surrogatepass")]


def bare_hashes(language: str, values: Sequence[str]) -> Array:
    """The hashes (t,) uint64 of the ids of strings without ids, which `keyed` mixes with a salt.

    Raises UnicodeEncodeError where a string contains half of a surrogate pair.
    """
    table, last = _of_bytes()
    digests = np.frombuffer(b"".join(_digests(language, values, "strict")), np.uint8).reshape(-1, _DIGEST_BYTES)
    return np.asarray(table.take(digests + np.arange(_DIGEST_BYTES) * 256).sum(axis=1) + last)


def _digests(language: str, values: Sequence[str], errors: str) -> list[bytes]:
    tag = language.encode("utf-8", "surrogatepass")
    base = hashlib.blake2b(len(tag).to_bytes(8, "little") + tag, digest_size=_DIGEST_BYTES)
    digests = []
    for value in values:
        state, data = base.copy(), value.encode("utf-8", errors)
        state.update(len(data).to_bytes(8, "little") + data)
        digests.append(state.digest())
    return digests


@cache
def _of_bytes() -> tuple[Array, np.uint64]:
    """What each byte of a digest adds to the hash of its id, by place and byte, flat; and what all such ids add."""
    # An id writes a byte as two hexadecimal digits, and is hashed with a separator as its last point.
    mixed = _ascii().reshape(_PLACES, -1)[: 2 * _DIGEST_BYTES + 1]
    digits = mixed[:-1, np.frombuffer(b"0123456789abcdef", np.uint8)]
    table = digits[0::2, :, None] + digits[1::2, None, :]
    return table.reshape(-1), np.add(mixed[-1, 0], np.uint64(len(mixed) * int(_GOLDEN) % _RANGE))


def spread(values: Array) -> Array:
    """Spread every bit of `values` (uint64) over their upper bits, in place; the array may be used for other values."""
    spare = values >> np.uint64(30)
    values ^= spare
    values *= np.uint64(0xBF58476D1CE4E5B9)
    np.right_shift(values, np.uint64(27), out=spare)
    values ^= spare
    values *= np.uint64(0x94D049BB133111EB)
    return spare


def mix(values: Array) -> Array:
    """A bijection of 64 bits that maps near inputs to unrelated outputs; changes `values` (uint64) in place."""
    spare = spread(values)
    np.right_shift(values, np.uint64(31), out=spare)
    values ^= spare
    return values


def draws(keys: Array, positions: Array) -> Array:
    """One draw (m,) uint64 per unit: `keys` (m,) are the keys of the texts, `positions` (m,) those in the texts."""
    return mix(keys + (positions.astype(np.uint64) + np.uint64(1)) * _GOLDEN)


def flat_draws(keys: Array, offsets: Array, firsts: Array, size: int, positions: Array | None = None) -> Array:
    """The draws of the units of a batch (size,), equal to those of `draws` for positions counted within each text.

    Text i has `keys[i]`; it begins at position `offsets[i]`, with unit `firsts[i]`. `positions` (size,) are those of
    the units in the batch, by default 0, 1, ...; every text has a unit.
    """
    if not size:
        return np.zeros(0, np.uint64)
    if positions is None:
        return mix(ramp(keys + _GOLDEN, firsts, size, _GOLDEN))
    shifted = keys + (np.uint64(1) - offsets.astype(np.uint64)) * _GOLDEN
    return mix(np.repeat(shifted, np.diff(firsts, append=size)) + positions.astype(np.uint64) * _GOLDEN)


def stream(drawn: Array, number: int) -> Array:
    """A further draw (m,) from each draw, independent of it, for the purpose `number` (operator, replacement)."""
    return mix(drawn ^ np.uint64((number * 0xD1B54A32D192ED03) % _RANGE))


def below(drawn: Array, size: Array | int) -> Array:
    """Each draw as an index in [0, size) (int64); `size` is at most 2**31."""
    return (((drawn >> np.uint64(32)) * np.asarray(size, np.uint64)) >> np.uint64(32)).astype(np.int64)


def chosen(drawn: Array, strength: str) -> Array:
    """Which draws (m,), as fractions of 2**64, are below the strength, a decimal between 0 and 1."""
    limit = int(Decimal(strength) * _RANGE)
    if limit >= _RANGE:
        return np.ones(len(drawn), np.bool_)
    return drawn < np.uint64(limit)
