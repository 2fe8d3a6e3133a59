"""Gold answers are searched for, and scores reduced, in many windows at once, with the results of one by one."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise, product
from typing import Any

import numpy as np
import pytest
from tests.decoding import is_lost
from tests.single_windows import singly
from tests.tiny import question_example, tiny_tokenizer
from tokenizers import Tokenizer, models, pre_tokenizers

from robust_xtreme.core.columns import Ranges, bounds_of
from robust_xtreme.models.predictors import predictor
from robust_xtreme.models.predictors.heads._heads import span_qa as family
from robust_xtreme.models.reading.members.span_qa import ContextLayouts, answer_tokens, span_qa
from robust_xtreme.models.reading.reading import joined
from robust_xtreme.models.reading.tokens import Rust
from robust_xtreme.models.reading.windows import Windows, in_batches, plain

Array = np.ndarray[Any, Any]
TOKENS = 30


def _offsets(draw: np.random.Generator, ordered: bool) -> Array:
    begins = draw.integers(0, 40, TOKENS)
    spans = np.stack((begins, begins + draw.integers(0, 4, TOKENS)), axis=1).astype(np.int32)
    return np.sort(spans, axis=0) if ordered else spans


def _layout(draw: np.random.Generator, offsets: Array, counts: Array) -> ContextLayouts:
    begin = draw.integers(0, TOKENS - counts + 1)
    reach = np.stack((np.zeros(len(counts), np.int64), np.full(len(counts), 50)), axis=1)
    return ContextLayouts(draw.integers(1, 3, len(counts)), begin, begin + counts, reach, offsets)


def _covered(offsets: Array, gold: tuple[int, int]) -> list[int]:
    return [number for number, (low, high) in enumerate(offsets.tolist()) if high > max(low, gold[0]) and low < gold[1]]


@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("windows", [1, 200])
def test_the_tokens_of_a_gold_answer_are_those_that_overlap_it(windows: int, ordered: bool) -> None:
    """They are the first and the last of its first answer with one, in few windows and in many, in any order."""
    draw = np.random.default_rng(windows)
    counts, sizes = draw.integers(0, 12, windows), draw.integers(0, 3, windows)
    layout, start = _layout(draw, _offsets(draw, ordered), counts), draw.integers(0, 40, sizes.sum())
    golds = Ranges(start, start + draw.integers(0, 6, len(start)), bounds_of(sizes))
    spans = [[(span.start, span.stop) for span in golds[window].spans] for window in range(windows)]
    covered = [
        next(filter(None, (_covered(layout.offsets[begin:stop], gold) for gold in each)), [-1])
        for begin, stop, each in zip(layout.begin, layout.stop, spans, strict=True)
    ]
    first, last = answer_tokens(layout, golds)
    assert first.tolist() == [each[0] for each in covered]
    assert last.tolist() == [each[-1] for each in covered]


def _scores(draw: np.random.Generator, rows: int, length: int, scale: float) -> Array:
    scores: Array = (draw.normal(size=(rows, length, 2)) * scale).astype(np.float32)
    scores[draw.random(scores.shape) < 0.01] = np.nan
    return scores


@pytest.mark.parametrize("at_once", [0, 300, 1 << 16])
@pytest.mark.parametrize("scale", [1e-3, 10, 1e5, 1e12])
def test_batches_that_are_reduced_together_give_what_each_gives(scale: float, at_once: int) -> None:
    """Shorter batches are padded, and scores have 32 bits where they fit; no answer changes."""
    draw = np.random.default_rng(int(scale))
    lengths, edges = (40, 25, 25, 7), [0, 3, 8, 10, 14]
    counts = np.concatenate(
        [draw.integers(0, length - 3, b - a) for length, (a, b) in zip(lengths, pairwise(edges), strict=True)]
    )
    layout, none = _layout(draw, _offsets(draw, True), np.minimum(counts, TOKENS)), np.zeros(edges[-1], np.int64)
    windows = Windows(np.zeros(0, np.int32), np.zeros(edges[-1] + 1, np.int64), none, none > 0, none, none, layout)
    scores = [_scores(draw, b - a, length, scale) for length, (a, b) in zip(lengths, pairwise(edges), strict=True)]
    each = [span_qa.reduce(windows.part(*ends), part, ()) for ends, part in zip(pairwise(edges), scores, strict=True)]
    stretches = predictor._together(scores, edges, at_once)
    together = [span_qa.reduce(windows.part(low, high), part, ()) for low, high, part in stretches]
    for name in ("values", "counts", "finite"):
        assert getattr(joined(together), name).tolist() == getattr(joined(each), name).tolist()


@pytest.mark.parametrize("offsets", [False, True])
def test_words_of_many_joined_texts_have_the_tokens_of_each_text(offsets: bool) -> None:
    """Words that repeat fill several texts; some are empty, and have no token."""
    pieces = {"<unk>": 0, **{letter: number for number, letter in enumerate("abc", 1)}, "ab": 4}
    tokenizer = Tokenizer(models.BPE(pieces, [("a", "b")], unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    words = list(map("".join, product("abc.", repeat=5)))
    texts = ["  ".join(words[number % 7 :: 7]) for number in range(21)]
    read = Rust(tokenizer)(texts, offsets)
    each = [tokenizer.encode(text, add_special_tokens=False) for text in texts]
    assert [read[number] for number in range(len(texts))] == [tuple(encoding.ids) for encoding in each]
    assert not offsets or read.spans.tolist() == [list(span) for encoding in each for span in encoding.offsets]


def test_short_texts_in_lists_have_the_tokens_of_each_text() -> None:
    """Many texts, some of them without a token, fill several lists."""
    pieces = {"<unk>": 0, **{letter: number for number, letter in enumerate("abc", 1)}, "ab": 4}
    tokenizer = Tokenizer(models.BPE(pieces, [("a", "b")], unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    texts = ["abc"[: number % 4] + "b ca"[: number % 5] for number in range(700)]
    read = Rust(tokenizer)._read(texts, True)
    each = [tokenizer.encode(text, add_special_tokens=False) for text in texts]
    assert [read[number] for number in range(len(texts))] == [tuple(encoding.ids) for encoding in each]
    assert read.spans.tolist() == [list(span) for encoding in each for span in encoding.offsets]


def test_batches_are_parts_of_one_list_of_windows() -> None:
    """In the order in which their windows are asked for; consecutive ones are batches again."""
    windows = plain([(1,), (2, 2), (3, 3, 3), (4,)])
    several = in_batches(windows, [np.array([2]), np.array([0, 3]), np.array([1])])
    ids = [[window.input_ids for window in singly(batch)] for batch in several]
    assert ids == [[(3, 3, 3)], [(1,), (4,)], [(2, 2)]]
    assert [[window.input_ids for window in singly(batch)] for batch in several[1:]] == ids[1:]
    assert (several.tokens.tolist(), several[1:].tokens.tolist()) == ([3, 2, 2], [2, 2])


def test_batches_without_layouts_have_the_ids() -> None:
    """A head that does not read layouts gets none."""
    layout = ContextLayouts(*(np.zeros(1, np.int64),) * 3, np.zeros((1, 2), np.int64), np.zeros((0, 2), np.int64))
    (batch,) = in_batches(replace(plain([(1, 2)]), layout=layout), [np.array([0])]).without_layouts()
    assert (singly(batch)[0].input_ids, batch.layout) == ((1, 2), None)


def test_a_question_that_is_cut_counts_as_truncated_and_its_answer_is_kept() -> None:
    """Noise in the part of a question that the model does not read has no effect, which the share of items says."""
    for words, truncated in ((70, True), (10, False)):
        example = question_example("1", "who " * words, "x " * 20 + "end", "end")
        windows = family.encode([example], tiny_tokenizer(), 384, 128)
        assert windows.truncated.all() == windows.truncated.any() == truncated
        assert not is_lost(family, example, windows)
