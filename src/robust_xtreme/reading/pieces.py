"""Texts by themselves as windows, which together have all of their tokens."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from robust_xtreme.edits import ragged
from robust_xtreme.reading.tokens import Lexicon, Tokenizer
from robust_xtreme.reading.windows import Windows, around


def piece_windows(texts: Sequence[str], tokenizer: Tokenizer, max_length: int) -> Windows:
    """The windows of texts, each with at most `max_length` tokens of one text; a text has at least one."""
    lexicon, frame = Lexicon(tokenizer.backend), tokenizer.frame
    numbers, room = lexicon.numbers(texts), frame.room(1, max_length)
    tokens = lexicon.tokens
    whole = tokens.lengths[numbers]
    count = np.maximum(1, -(-whole // room))
    text = np.repeat(np.arange(len(texts)), count)
    before = room * ragged(np.zeros(len(texts), np.int64), count)
    lengths = np.minimum(room, whole[text] - before)
    ids, bounds = around(frame.single, tokens, [(tokens.bounds[numbers][text] + before, lengths)])
    nothing = np.zeros(len(text), np.int64)
    return Windows(ids, bounds, text, nothing > 0, nothing, frame.summaries(np.diff(bounds)))
