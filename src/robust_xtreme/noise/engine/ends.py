"""White space that noise leaves at the ends of texts, which readers of tasks remove."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from robust_xtreme.core.edits import Array, SpanTable
from robust_xtreme.core.target_columns import bounds_of
from robust_xtreme.noise.engine.noised import NoisedTexts
from robust_xtreme.noise.engine.traces import Traces


def as_read(noised: NoisedTexts) -> NoisedTexts:
    """The texts without white space at an end of a noisy one where its clean one has none.

    It remains where the first or the last word is lost. Readers of tasks remove it, so that without it a model reads
    the same text in `eval` and in a file that `perturb` wrote.
    """
    parts = parts_read([text.value for text in noised.clean], noised.values)
    if not parts:
        return noised
    values = list(noised.values)
    for number, (lead, stop) in parts.items():
        values[number] = values[number][lead:stop]
    cuts = _cuts(noised, parts)
    return replace(noised, values=values, spans=cuts.after, links=(*noised.links, cuts))


def parts_read(clean: Sequence[str], noisy: Sequence[str]) -> dict[int, tuple[int, int]]:
    """The range that is read of each noisy text of which not all is, by its number."""
    bare = list(map(str.strip, noisy))
    if bare == noisy:
        return {}
    longer = [number for number, text in enumerate(noisy) if len(bare[number]) < len(text)]
    parts = {number: _part_read(clean[number], noisy[number]) for number in longer}
    return {number: part for number, part in parts.items() if part != (0, len(noisy[number]))}


def _part_read(clean: str, noisy: str) -> tuple[int, int]:
    """The range of a noisy text that is read; all of it where nothing else is left."""
    lead = 0 if clean[:1].isspace() else len(noisy) - len(noisy.lstrip())
    stop = len(noisy) if clean[-1:].isspace() else len(noisy.rstrip())
    return (lead, stop) if lead < stop else (0, len(noisy))


def _cuts(noised: NoisedTexts, parts: dict[int, tuple[int, int]]) -> Traces:
    """The removal of what is not read, as edits."""
    moves: list[tuple[int, int, int, int]] = []
    edits = np.zeros(len(noised), np.int64)
    low, high = np.zeros(len(noised), np.int32), np.full(len(noised), np.iinfo(np.int32).max, np.int32)
    for number, (lead, stop) in parts.items():
        size = len(noised.values[number])
        cuts = [cut for cut in ((0, lead, 0, 0), (stop, size, stop - lead, stop - lead)) if cut[0] < cut[1]]
        moves += cuts
        edits[number], low[number], high[number] = len(cuts), lead, stop
    spans = _within(noised.spans, low, high)
    return Traces(bounds_of(edits), np.array(moves, np.int64), noised.spans, spans, sparse=True)


def _within(spans: SpanTable, low: Array, high: Array) -> SpanTable:
    """The spans in texts (n,) of which only the ranges from `low` to `high` are left."""
    lows, highs = low[spans.text], high[spans.text]
    start, stop = (np.clip(ends, lows, highs) - lows for ends in (spans.start, spans.stop))
    return replace(spans, start=start, stop=stop)
