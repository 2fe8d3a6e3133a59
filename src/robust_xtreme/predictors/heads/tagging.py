"""Tagging: one tag per word, read off the word's first token; long sentences are read in windows.

In causal encoders a word is read off its last token.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, final

import numpy as np
import torch
from torch import Tensor, nn

from robust_xtreme.errors import Mismatch, ModelError
from robust_xtreme.examples import Example, Tags, Text
from robust_xtreme.models.windows import Frame, Scores, Window, frame_of, quantised, token_ids
from robust_xtreme.predictors.family import DROPOUT, Examples, Family, Labels, Windows

_FEW: Final = 100


@final
@dataclass(frozen=True, slots=True)
class WordLayout:
    """Words `begin`, `begin + 1`, ... of the sentence are in this window, read off the tokens at `firsts`."""

    begin: int
    firsts: tuple[int, ...]


def _text(example: Example) -> Text:
    (text,) = example.texts.values()
    return text


def _encode(
    examples: Examples, tokenizer: Any, max_length: int, stride: int, candidate_length: int = 0
) -> list[Window]:
    """Each word is tokenised by itself; windows follow each other without overlap, so that every word is read once.

    A word without a token becomes the unknown token; a word longer than a window keeps its first tokens.
    `stride` is not used.
    """
    frame = frame_of(tokenizer)
    room = frame.room(1, max_length)
    ids = token_ids(tokenizer, (_text(example).at(span) for example in examples for span in _text(example).spans))
    blank = (_blank(tokenizer),)
    windows = []
    for index, example in enumerate(examples):
        text = _text(example)
        words = [(ids[text.at(span)] or blank)[:room] for span in text.spans]
        for begin, stop in _ranges(list(map(len, words)), room):
            part = words[begin:stop]
            joined = [token for word in part for token in word]
            windows.append(Window(index, frame.around(joined), _layout(begin, part, frame), False))
    return windows


def _blank(tokenizer: Any) -> int:
    for name in ("unk_token_id", "mask_token_id", "sep_token_id", "eos_token_id"):
        token_id = getattr(tokenizer, name, None)
        if token_id is not None:
            return int(token_id)
    raise ModelError("This model's tokenizer has no token for a word that it cannot read.")


def _ranges(lengths: Sequence[int], room: int) -> Iterator[tuple[int, int]]:
    """Cut a sentence into runs of words that fit into a window; a sentence without words is one empty run."""
    begin = used = 0
    for index, length in enumerate(lengths):
        if used + length > room:
            yield begin, index
            begin, used = index, 0
        used += length
    yield begin, len(lengths)


def _layout(begin: int, words: Sequence[tuple[int, ...]], frame: Frame) -> WordLayout:
    edges = np.cumsum([len(frame.single[0]), *map(len, words)])
    return WordLayout(begin, tuple((edges[1:] - 1 if frame.causal else edges[:-1]).tolist()))


def _firsts(windows: Windows) -> tuple[Scores, Scores]:
    """Positions of the words' tokens (B, most words), and which of them are words and not padding."""
    lengths = np.array([len(window.layout.firsts) for window in windows])
    inside = np.arange(max(1, lengths.max()))[None, :] < lengths[:, None]
    positions = np.zeros(inside.shape, dtype=np.int64)
    positions[inside] = [position for window in windows for position in window.layout.firsts]
    return positions, inside


def _forward(head: nn.Module, hidden: Tensor, mask: Tensor, windows: Windows) -> Tensor:
    """Scores (B, most words, labels) of the words of each window, padded at the end."""
    positions = torch.from_numpy(_firsts(windows)[0]).to(hidden.device)
    rows = torch.arange(len(windows), device=hidden.device)[:, None]
    scores: Tensor = head(hidden[rows, positions])
    return scores


def _loss(head: nn.Module, scores: Tensor, windows: Windows, examples: Examples, labels: Labels) -> Tensor:
    """The mean over words."""
    inside = torch.from_numpy(_firsts(windows)[1]).to(scores.device)
    gold = [tag for window in windows for tag in _gold(window, examples[window.example], labels)]
    if not gold:
        return scores.sum() * 0.0
    return nn.functional.cross_entropy(scores[inside].float(), torch.tensor(gold, device=scores.device))


def _gold(window: Window, example: Example, labels: Labels) -> list[int]:
    match example.target:
        case Tags(names):
            begin, indices = window.layout.begin, _indices(labels)
            return [_index(name, example, indices) for name in names[begin : begin + len(window.layout.firsts)]]
        case other:
            raise ModelError(f"{example.id}: a tagger cannot learn from {type(other).__name__}.")


@lru_cache(maxsize=8)
def _indices(labels: Labels) -> dict[str, int]:
    """The index of each label; there may be more than a thousand."""
    return {label: index for index, label in enumerate(labels)}


def _index(name: str, example: Example, indices: Mapping[str, int]) -> int:
    if name not in indices:
        known = ", ".join(indices) if len(indices) <= _FEW else f"the {len(indices):,} labels of the head"
        raise Mismatch(f"{example.id} has the tag {name!r}, which is none of {known}.")
    return indices[name]


def _decode(example: Example, windows: Windows, scores: Sequence[Scores], labels: Labels) -> Tags:
    names: list[str] = []
    for window, window_scores in zip(windows, scores, strict=True):
        kept = quantised(window_scores[: len(window.layout.firsts)])
        names += [labels[best] for best in kept.argmax(axis=-1).tolist()]
    return Tags(tuple(names))


tagging = Family(
    name="tagging",
    summary="One tag per word, read off the word's first token.",
    head=lambda hidden_size, labels: nn.Sequential(nn.Dropout(DROPOUT), nn.Linear(hidden_size, len(labels))),
    encode=_encode,
    forward=_forward,
    score_loss=_loss,
    decode=_decode,
)
