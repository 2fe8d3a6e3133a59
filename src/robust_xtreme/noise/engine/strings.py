"""The fast path for strings: the noise of `noise_texts`, without an object a text, its counts and the map to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from robust_xtreme.core.edits import NO_SPANS, batch, chunks, edited
from robust_xtreme.core.randomness import bare_hashes, keyed
from robust_xtreme.noise.engine.ends import parts_read
from robust_xtreme.noise.engine.noising import at_nominal, check_unasked
from robust_xtreme.noise.engine.perturbation import Bound, earlier


@final
@dataclass(frozen=True, slots=True)
class _Step:
    """A link of a chain at its nominal strength, and the salt of its draws."""

    link: Bound
    salt: int


def noise_strings(links: Sequence[Bound], values: Sequence[str], language: str, seed: int) -> list[str]:
    """Strings of one language, which all links serve, after a chain, as they are read; equal ones get equal noise.

    The memory beside the strings is that of one chunk of them. Raises SpecError where a link queries the model, or
    its strength is a share of tokens, and UnicodeEncodeError where a string contains half of a surrogate pair.
    """
    check_unasked(links)
    steps = [_Step(at_nominal(link, language), link.salt(seed, earlier(links, at))) for at, link in enumerate(links)]
    unique = list(dict.fromkeys(values))
    noisy = [text for start, stop in chunks(unique) for text in _chunk(steps, unique[start:stop], language)]
    if len(unique) == len(values):
        return noisy
    by_value = dict(zip(unique, noisy, strict=True))
    return [by_value[value] for value in values]


def _chunk(steps: Sequence[_Step], values: Sequence[str], language: str) -> list[str]:
    """The noisy texts of some strings."""
    hashes, noisy = bare_hashes(language, values), list(values)
    for step in steps:
        clean = batch(noisy, NO_SPANS)
        edits, _ = step.link.edits(clean, language, keyed(step.salt, hashes))
        noisy = edited(clean, edits)
    return _as_read(values, noisy)


def _as_read(clean: Sequence[str], noisy: list[str]) -> list[str]:
    """The noisy texts without white space at an end where the clean text has none, as `ends.as_read` leaves it."""
    for number, (lead, stop) in parts_read(clean, noisy).items():
        noisy[number] = noisy[number][lead:stop]
    return noisy
