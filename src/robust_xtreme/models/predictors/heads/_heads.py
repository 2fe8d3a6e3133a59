"""Heads: a label of an example, the best of several choices, tags of words, a span of a context, vectors of texts."""

import math
from functools import lru_cache
from itertools import groupby
from typing import Final, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from robust_xtreme.core.columns import Ranges, column_of, numbering, numbers_of, parts_as_bytes
from robust_xtreme.core.errors import Mismatch, ModelError
from robust_xtreme.core.examples import Answers, Choice, Example, Tags
from robust_xtreme.core.specs import CANDIDATE
from robust_xtreme.models.predictors.family import DROPOUT, Examples, Family
from robust_xtreme.models.reading.members import labelled
from robust_xtreme.models.reading.members import retrieval as texts
from robust_xtreme.models.reading.members import span_qa as spans
from robust_xtreme.models.reading.members.retrieval import QUERY
from robust_xtreme.models.reading.reading import Labels
from robust_xtreme.models.reading.windows import Windows, layout_of
from robust_xtreme.models.tensors import Scores, on, summaries, unit_length

SCALE: Final = 100.0
"""The initial factor of cosines before the softmax, as in the official dual encoder."""

_T = TypeVar("_T", Choice, Tags, Answers)


def _target(kind: type[_T], example: Example, what: str) -> _T:
    """The target of an example. Raises ModelError where it is of another kind, `what` of which is impossible."""
    if not isinstance(example.target, kind):
        raise ModelError(f"{example.id}: {what} {type(example.target).__name__}.")
    return example.target


def scoring_head(hidden_size: int, scores: int) -> nn.Module:
    """From the tokens that represent texts (B, H) to scores (B, scores): XLM-R's head for sequences."""
    return nn.Sequential(
        nn.Dropout(DROPOUT),
        nn.Linear(hidden_size, hidden_size),
        nn.Tanh(),
        nn.Dropout(DROPOUT),
        nn.Linear(hidden_size, scores),
    )


def summary_scores(head: nn.Module, hidden: Tensor, mask: Tensor, windows: Windows) -> Tensor:
    """Scores (B, labels) of each window's first token, or of that which represents its text."""
    scores: Tensor = head(summaries(hidden, windows))
    return scores


def _label_loss(head: nn.Module, scores: Tensor, windows: Windows, examples: Examples, labels: Labels) -> Tensor:
    read = [examples[number] for number in windows.example.tolist()]
    gold = [_target(Choice, example, "a classifier cannot learn from").index for example in read]
    return nn.functional.cross_entropy(scores.float(), torch.tensor(gold, device=scores.device))


classification = Family(
    name="classification",
    summary="One label for a text or a pair of texts, read off the first token.",
    reading=labelled.classification,
    head=lambda hidden_size, labels: scoring_head(hidden_size, len(labels)),
    forward=summary_scores,
    score_loss=_label_loss,
)


def _choice_loss(head: nn.Module, scores: Tensor, windows: Windows, examples: Examples, labels: Labels) -> Tensor:
    """The mean over examples of the cross-entropy over its choices; examples may differ in their number."""
    groups = [(examples[index], len(list(group))) for index, group in groupby(windows.example.tolist())]
    for example, count in groups:
        if count != sum(name.startswith("choice") for name in example.texts):
            raise ValueError(f"a batch contains {count} of the choices of {example.id}")
    counts = torch.tensor([count for _, count in groups])
    inside = torch.arange(int(counts.max()))[None, :] < counts[:, None]
    scores = scores.float()[:, 0]
    rows = scores.new_full(inside.shape, torch.finfo(scores.dtype).min)
    rows = rows.masked_scatter(inside.to(scores.device), scores)
    gold = [_target(Choice, example, "a choice cannot be learned from").index for example, _ in groups]
    for index, (example, count) in zip(gold, groups, strict=True):
        if not 0 <= index < count:
            raise ModelError(f"{example.id}: the right choice is number {index + 1}, but it has {count}.")
    return nn.functional.cross_entropy(rows, torch.tensor(gold, device=scores.device))


choice = Family(
    name="choice",
    summary="One of several texts for a premise and a question, each scored off the first token.",
    reading=labelled.choice,
    head=lambda hidden_size, _: scoring_head(hidden_size, 1),
    forward=summary_scores,  # (B, 1): how well the choice of each window fits
    score_loss=_choice_loss,
    together=True,
)


def _word_scores(head: nn.Module, hidden: Tensor, mask: Tensor, windows: Windows) -> Tensor:
    """Scores (B, most words, labels) of the words of each window, padded at the end."""
    layout = layout_of(windows, labelled.WordLayouts)
    positions = np.zeros(layout.inside.shape, dtype=np.int64)
    positions[layout.inside] = layout.firsts
    rows = torch.arange(len(windows), device=hidden.device)[:, None]
    scores: Tensor = head(hidden[rows, on(hidden.device, positions)])
    return scores


def _tag_loss(head: nn.Module, scores: Tensor, windows: Windows, examples: Examples, labels: Labels) -> Tensor:
    """The mean over words."""
    layout = layout_of(windows, labelled.WordLayouts)
    inside = on(scores.device, layout.inside)
    runs = zip(windows.example.tolist(), layout.begin.tolist(), np.diff(layout.bounds).tolist(), strict=True)
    gold = [tag for number, begin, count in runs for tag in _gold_tags(examples[number], begin, count, labels)]
    if not gold:
        return scores.sum() * 0.0
    return nn.functional.cross_entropy(scores[inside].float(), torch.tensor(gold, device=scores.device))


def _gold_tags(example: Example, begin: int, count: int, labels: Labels) -> list[int]:
    names = _target(Tags, example, "a tagger cannot learn from").names[begin : begin + count]
    indices = _indices(labels)
    unknown = next((name for name in names if name not in indices), None)
    if unknown is not None:
        known = ", ".join(indices) if len(indices) <= 100 else f"the {len(indices):,} labels of the head"
        raise Mismatch(f"{example.id} has the tag {unknown!r}, which is none of {known}.")
    return [indices[name] for name in names]


@lru_cache(maxsize=8)
def _indices(labels: Labels) -> dict[str, int]:
    """The index of each label; there may be more than a thousand."""
    return {label: index for index, label in enumerate(labels)}


tagging = Family(
    name="tagging",
    summary="One tag per word, read off the word's first token.",  # in causal encoders off its last one
    reading=labelled.tagging,
    head=lambda hidden_size, labels: nn.Sequential(nn.Dropout(DROPOUT), nn.Linear(hidden_size, len(labels))),
    forward=_word_scores,
    score_loss=_tag_loss,
)


def _span_loss(head: nn.Module, scores: Tensor, windows: Windows, examples: Examples, labels: Labels) -> Tensor:
    """The mean over windows of the two cross-entropies; a window without the answer has the summary token as target."""
    scores = scores.float()
    allowed = on(scores.device, _allowed(windows, scores.shape[1]))
    scores = scores.masked_fill(~allowed[:, :, None], torch.finfo(scores.dtype).min)
    return nn.functional.cross_entropy(scores, on(scores.device, gold_tokens(windows, examples)))


def _allowed(windows: Windows, length: int) -> Scores:
    """Where an answer may begin or end (B, L): at the context's tokens, or, without an answer, at the summary."""
    layout, position = layout_of(windows, spans.ContextLayouts), np.arange(length)[None, :]
    first, summary = layout.first[:, None], windows.summary[:, None]
    return np.asarray(((position >= first) & (position < first + layout.count[:, None])) | (position == summary))


def gold_tokens(windows: Windows, examples: Examples) -> Scores:
    """The positions (B, 2) int64 of the first and last token of each window's gold answer, or its summary token's."""
    what = "an answer is a span of the context, not"
    golds = column_of([_target(Answers, examples[number], what) for number in windows.example.tolist()])
    assert isinstance(golds, Ranges)
    layout = layout_of(windows, spans.ContextLayouts)
    ends = np.stack(spans.answer_tokens(layout, golds), axis=1)
    return np.where(ends < 0, windows.summary[:, None], ends + layout.first[:, None])


span_qa = Family(
    name="span_qa",
    summary="The span of the context that answers the question.",
    reading=spans.span_qa,
    head=lambda hidden_size, _: nn.Linear(hidden_size, 2),
    forward=lambda head, hidden, *_: head(hidden),  # (B, L, 2): how well each token begins and ends the answer
    score_loss=_span_loss,
)


class DualHead(nn.Module):
    """From the token that represents a text (B, H) to a vector (B, H) of length 1; `log_scale` is learned too.

    The form of this dual encoder, and its loss, are those of third_party/bert.py in google-research/xtreme.
    """

    def __init__(self, hidden_size: int) -> None:
        nn.Module.__init__(self)
        self.dense = nn.Linear(hidden_size, hidden_size)
        self.log_scale = nn.Parameter(torch.tensor(math.log(SCALE)))

    def forward(self, first: Tensor) -> Tensor:
        """Vectors (B, H), float32, of the tokens (B, H)."""
        return unit_length(torch.tanh(self.dense(first)))

    def scale(self) -> Tensor:
        """The factor of cosines, float32."""
        return self.log_scale.float().exp()


def _vectors(head: nn.Module, hidden: Tensor, mask: Tensor, windows: Windows) -> Tensor:
    """Vectors (B, D) of length 1."""
    vectors: Tensor = head(summaries(hidden, windows)) if isinstance(head, DualHead) else head(hidden, mask, windows)
    return vectors


def _search_loss(head: nn.Module, vectors: Tensor, windows: Windows, examples: Examples, labels: Labels) -> Tensor:
    """The mean over queries of the cross-entropy of the scaled cosines with all candidates of the batch but copies."""
    if not isinstance(head, DualHead):
        raise ModelError("A representation without a head has nothing to learn.")
    queries, candidates = _pairs(windows, examples)
    scores = head.scale() * (vectors[queries] @ vectors[candidates].T)
    copies = torch.from_numpy(_copies(windows.take(candidates))).to(scores.device)
    scores = scores.masked_fill(copies, torch.finfo(scores.dtype).min)
    return nn.functional.cross_entropy(scores, torch.arange(len(queries), device=scores.device))


def _pairs(windows: Windows, examples: Examples) -> tuple[list[int], list[int]]:
    """The rows of the queries and of their candidates in a batch, in the order of the queries."""
    layout = layout_of(windows, texts.TextLayouts)
    named = zip(windows.example.tolist(), layout.field.tolist(), strict=True)
    rows = {(example, texts.FIELDS[field]): row for row, (example, field) in enumerate(named)}
    pairs = []
    for example in dict.fromkeys(windows.example.tolist()):
        if CANDIDATE not in examples[example].texts:
            raise ModelError(f"{examples[example].id} has no {CANDIDATE}: retrieval is learned from queries with one.")
        if len(rows.keys() & {(example, QUERY), (example, CANDIDATE)}) < len((QUERY, CANDIDATE)):
            raise ValueError(f"a batch contains only one text of {examples[example].id}")
        pairs.append((rows[example, QUERY], rows[example, CANDIDATE]))
    return [query for query, _ in pairs], [candidate for _, candidate in pairs]


def _copies(candidates: Windows) -> Scores:
    """Which pairs of different candidates (N, N) have the same tokens."""
    numbers = numbers_of(numbering(), parts_as_bytes(candidates.ids, candidates.bounds))
    return np.asarray((numbers[:, None] == numbers[None, :]) & ~np.eye(len(numbers), dtype=bool))


retrieval = Family(
    name="retrieval",
    summary="The nearest candidates of a pool for each query, both read as vectors.",
    reading=texts.retrieval,
    head=lambda hidden_size, _: DualHead(hidden_size),
    forward=_vectors,
    score_loss=_search_loss,
    together=True,
)
