"""Retrieval: how queries and candidates are read, the vectors they become, and what a dual encoder learns."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from tests.decoding import decoded
from tests.learning import learned
from tests.single_windows import TextLayout, singly
from tests.tiny import search_example, tiny_encoder, tiny_tokenizer

from robust_xtreme.core import registry
from robust_xtreme.core.errors import ModelError
from robust_xtreme.core.examples import Example
from robust_xtreme.models.predictors.family import Family
from robust_xtreme.models.predictors.heads._heads import DualHead
from robust_xtreme.models.reading.members.retrieval import text_windows
from robust_xtreme.models.reading.tokens import Lexicon, Tokens, tokenizer_from
from robust_xtreme.models.reading.windows import Windows, plain
from robust_xtreme.models.tensors import Pooled, Representation, collate, unit_length

FAMILY: Family = registry.load("family", "retrieval")
PAIRS = [search_example(str(n), f"who {n}?" * (n + 1), f"it was number {n}") for n in range(5)]
COPIES = [search_example(str(n), f"q{n}", text) for n, text in enumerate(("one", "two", "one", "one", "three"))]


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    """One tokenizer for all tests."""
    return tiny_tokenizer()


def _hidden(windows: Windows, encoder: Any) -> tuple[torch.Tensor, torch.Tensor]:
    ids, mask = collate(windows, 1)
    return encoder(input_ids=ids, attention_mask=mask).last_hidden_state, mask


# ------------------------------------------------------------------------------------------------------------- reading


def test_query_and_candidate_have_lengths_of_their_own(tokenizer: Any) -> None:
    """A window each, the query first, cut at the end; what is where is noted, and that something was cut."""
    examples = [search_example("1", "abcdefgh", "ijklmnopqr"), search_example("2", "ab", "ij")]
    windows = FAMILY.encode(examples, tokenizer, 6, 0, 8)
    assert [window.example for window in singly(windows)] == [0, 0, 1, 1]
    assert [window.layout.name for window in singly(windows)] == ["query", "candidate"] * 2
    assert [len(window.input_ids) for window in singly(windows)] == [6, 8, 5, 5]
    assert [window.truncated for window in singly(windows)] == [True, True, False, False]
    assert singly(windows)[0].layout == TextLayout("query", 1, 4)
    assert singly(windows)[3].layout == TextLayout("candidate", 1, 3)
    for window, text in zip(singly(windows.take([0, 1])), ("abcdefgh", "ijklmnopqr"), strict=True):
        wanted = tokenizer(text, truncation=True, max_length=len(window.input_ids))["input_ids"]
        assert list(window.input_ids) == wanted


def test_without_a_length_of_their_own_candidates_have_the_queries(tokenizer: Any) -> None:
    """0 means the same; evaluated examples have a query only, and texts of a pool are read in the same way."""
    windows = FAMILY.encode([search_example("1", "abcdefgh", "ijklmnopqr")], tokenizer, 6, 0)
    assert [len(window.input_ids) for window in singly(windows)] == [6, 6]
    (alone,) = singly(FAMILY.encode([search_example("1", "abcdefgh")], tokenizer, 6, 0, 8))
    assert alone == singly(windows)[0]
    (pooled,) = singly(text_windows(["ijklmnopqr"], tokenizer_from(tokenizer), 6))
    assert pooled.input_ids == singly(windows)[1].input_ids
    assert (pooled.layout.first, pooled.layout.count) == (1, 4)


def test_texts_that_were_read_before_are_not_read_again(tokenizer: Any) -> None:
    """The windows are those of a first reading; where one text is new, nothing is added to what is known."""
    texts, reader = ["abcdefgh", "ij", "abcdefgh"], tokenizer_from(tokenizer)
    calls = list[list[str]]()

    def backend(values: list[str], offsets: bool) -> Tokens:
        calls.append(values)
        return reader.backend(values, offsets)

    known = Lexicon(backend)
    known.numbers(["ij", "kl", "abcdefgh"])
    windows = text_windows(texts, replace(reader, backend=backend), 6, known)
    assert calls == [["ij", "kl", "abcdefgh"]]
    assert singly(windows) == singly(text_windows(texts, reader, 6))
    assert singly(text_windows([*texts, "new"], reader, 6, known)) == singly(text_windows([*texts, "new"], reader, 6))
    assert not known.contains(["new"])


def test_an_example_without_a_query_is_refused(tokenizer: Any) -> None:
    """One line that names the fields there are."""
    whole = search_example("1", "q", "c")
    bare = Example("1", {"candidate": whole.texts["candidate"]}, whole.target, "1")
    with pytest.raises(ModelError, match="not query"):
        FAMILY.encode([bare], tokenizer, 9, 0)


# ------------------------------------------------------------------------------------------------------------- vectors


@pytest.mark.parametrize("head", [DualHead(16), Pooled(Representation("mean", 1)), Pooled(Representation("cls", 1))])
def test_vectors_have_length_one_alone_and_in_a_batch(head: torch.nn.Module, tokenizer: Any) -> None:
    """Float32 vectors of length 1, which padding and the other texts of a batch do not change."""
    encoder = tiny_encoder(len(tokenizer))
    windows = FAMILY.encode(PAIRS, tokenizer, 64, 0)
    with torch.inference_mode():
        together = FAMILY.forward(head.eval(), *_hidden(windows, encoder), windows)
        each = [windows.take([row]) for row in range(len(windows))]
        alone = torch.cat([FAMILY.forward(head, *_hidden(single, encoder), single) for single in each])
    assert together.dtype == torch.float32
    torch.testing.assert_close(together.norm(dim=1), torch.ones(len(windows)))
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-4)


def test_the_dual_head_is_the_official_one(tokenizer: Any) -> None:
    """The first token through a dense layer and tanh, of length 1; cosines are multiplied by 100 at first."""
    head = DualHead(16)
    hidden = torch.randn(3, 7, 16, generator=torch.Generator().manual_seed(0))
    wanted = torch.nn.functional.normalize(torch.tanh(hidden[:, 0] @ head.dense.weight.T + head.dense.bias))
    outputs = FAMILY.forward(head, hidden, torch.ones(3, 7), plain([]))
    torch.testing.assert_close(outputs, wanted)
    assert head.scale().item() == pytest.approx(100, rel=1e-6)
    assert {name for name, _ in head.named_parameters()} == {"dense.weight", "dense.bias", "log_scale"}


@pytest.mark.parametrize("factor", [1e-30, 1e-15, 1e19, 1e36])
def test_vectors_of_any_length_have_their_direction(factor: float) -> None:
    """Squares in float32 would be infinite or 0; in between nothing changes, to the last bit."""
    vectors = torch.tensor([[0.3, -0.4, 1.2], [1.0, 2.0, -2.0]])
    assert torch.equal(unit_length(vectors), torch.nn.functional.normalize(vectors, dim=-1))
    torch.testing.assert_close(unit_length(vectors * factor), unit_length(vectors))
    assert unit_length(torch.tensor([[float("inf"), 1.0]])).isnan().any()


def test_a_zero_vector_stays_zero(tokenizer: Any) -> None:
    """A text without tokens of its own has the zero vector where special tokens are left out, and no NaN."""
    assert unit_length(torch.zeros(1, 4)).tolist() == [[0.0] * 4]
    windows = FAMILY.encode([search_example("1", ""), search_example("2", "ab")], tokenizer, 64, 0)
    head = Pooled(Representation("mean", 1, specials=False))
    vectors = FAMILY.forward(head, *_hidden(windows, tiny_encoder(len(tokenizer))), windows)
    assert vectors[0].tolist() == [0.0] * 16
    assert vectors[1].norm().item() == pytest.approx(1)


def test_a_representation_has_nothing_to_learn_and_a_query_no_answer(tokenizer: Any) -> None:
    """Without a head there are no weights and no loss; decoding a vector is refused in one line."""
    head = Pooled(Representation("mean", 1))
    assert not head.state_dict()
    windows = FAMILY.encode(PAIRS, tokenizer, 64, 0)
    hidden, mask = _hidden(windows, tiny_encoder(len(tokenizer)))
    with pytest.raises(ModelError, match="nothing to learn"):
        FAMILY.loss(head, hidden, mask, windows, PAIRS, ())
    with pytest.raises(ModelError, match="searched for"):
        decoded(FAMILY, PAIRS[0], windows.take([0]), [np.zeros(16)])


# ------------------------------------------------------------------------------------------------------------ learning


def test_the_loss_is_the_softmax_over_the_candidates_of_the_batch(tokenizer: Any) -> None:
    """Queries against candidates, one direction, with the scale that is learned: as the official dual encoder's."""
    encoder = tiny_encoder(len(tokenizer))
    head = DualHead(16)
    head.log_scale.data.fill_(math.log(7.0))
    windows = FAMILY.encode(PAIRS, tokenizer, 64, 0)
    hidden, mask = _hidden(windows, encoder)
    vectors = FAMILY.forward(head, hidden, mask, windows)
    wanted = torch.nn.functional.cross_entropy(7.0 * vectors[0::2] @ vectors[1::2].T, torch.arange(len(PAIRS)))
    torch.testing.assert_close(FAMILY.loss(head, hidden, mask, windows, PAIRS, ()), wanted)


def test_a_candidate_equal_to_the_right_one_is_not_a_negative(tokenizer: Any) -> None:
    """The other copies of a query's candidate are left out of its softmax; a batch of copies alone has no loss."""
    encoder = tiny_encoder(len(tokenizer))
    head = DualHead(16)
    windows = FAMILY.encode(COPIES, tokenizer, 64, 0)
    hidden, mask = _hidden(windows, encoder)
    vectors = FAMILY.forward(head, hidden, mask, windows)
    scores = head.scale() * vectors[0::2] @ vectors[1::2].T
    against = ((0, 1, 4), (0, 1, 2, 3, 4), (2, 1, 4), (3, 1, 4), (0, 1, 2, 3, 4))
    rows = [scores[n, list(candidates)].log_softmax(0)[candidates.index(n)] for n, candidates in enumerate(against)]
    torch.testing.assert_close(FAMILY.loss(head, hidden, mask, windows, COPIES, ()), -torch.stack(rows).mean())
    same = windows.take(np.flatnonzero(np.isin(windows.example, (0, 2, 3))))
    assert FAMILY.loss(head, *_hidden(same, encoder), same, COPIES, ()).item() == 0


def test_the_order_of_a_batch_changes_nothing(tokenizer: Any) -> None:
    """Pairs in another order, or the candidate in front of its query, have the same loss."""
    encoder = tiny_encoder(len(tokenizer))
    head = DualHead(16)
    windows = FAMILY.encode(COPIES, tokenizer, 64, 0)
    turned = windows.take([7, 6, 0, 1, 8, 9, 3, 2, 4, 5])
    first, other = (FAMILY.loss(head, *_hidden(each, encoder), each, COPIES, ()) for each in (windows, turned))
    torch.testing.assert_close(first, other)


def test_the_gradient_reaches_encoder_head_and_scale(tokenizer: Any) -> None:
    """After one backward pass every parameter of the head, and the encoder's, have a gradient that is not zero."""
    encoder = tiny_encoder(len(tokenizer))
    head = FAMILY.head(16, ())
    windows = FAMILY.encode(PAIRS, tokenizer, 64, 0)
    torch.autograd.backward(FAMILY.loss(head, *_hidden(windows, encoder), windows, PAIRS, ()))
    for parameter in head.parameters():
        assert parameter.grad is not None
        assert parameter.grad.abs().sum() > 0
    assert encoder.embeddings.word_embeddings.weight.grad.abs().sum() > 0


@pytest.mark.parametrize("cut", [slice(1, None), slice(0, -1), slice(0, 1)])
def test_a_batch_that_tears_a_pair_apart_is_an_error(cut: slice, tokenizer: Any) -> None:
    """What a wrong planner makes of an epoch is never learned."""
    windows = FAMILY.encode(PAIRS, tokenizer, 64, 0)
    windows = windows.take(np.arange(len(windows))[cut])
    with pytest.raises(ValueError, match="only one text"):
        FAMILY.loss(DualHead(16), *_hidden(windows, tiny_encoder(len(tokenizer))), windows, PAIRS, ())


def test_a_query_without_a_candidate_cannot_be_learned_from(tokenizer: Any) -> None:
    """One line, with the example."""
    examples = [*PAIRS, search_example("e9", "q")]
    windows = FAMILY.encode(examples, tokenizer, 64, 0)
    with pytest.raises(ModelError, match="e9 has no candidate"):
        FAMILY.loss(DualHead(16), *_hidden(windows, tiny_encoder(len(tokenizer))), windows, examples, ())


@pytest.mark.long
def test_thirty_two_pairs_are_learned_by_heart(tokenizer: Any) -> None:
    """Of all 32 candidates more than 95 % of the queries find their own first."""
    letters = "abcdefghijklmnopqrstuvwxyzABCDEF"
    turned = letters[7:] + letters[:7]
    pairs = zip(letters, turned, strict=True)
    examples = [search_example(query, f"{query}?", f"is {other}.") for query, other in pairs]
    scores = np.stack(learned(FAMILY, examples, tokenizer, steps=250, batch_size=32))
    nearest = (scores[0::2] @ scores[1::2].T).argmax(axis=1)
    assert np.mean(nearest == np.arange(32)) > 0.95
