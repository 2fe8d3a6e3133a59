"""Families: how examples become windows, and how scores become predictions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from tests.decoding import decoded, is_lost
from tests.single_windows import Window, singly
from tests.tiny import pair_example, question_example, tagged_example, tiny_encoder, tiny_tokenizer

from robust_xtreme.core import registry
from robust_xtreme.core.errors import Mismatch, ModelError, NotFinite
from robust_xtreme.core.examples import Answers, Choice, Example, Span, Tags, Text
from robust_xtreme.models.predictors.family import Family
from robust_xtreme.models.predictors.heads import _heads
from robust_xtreme.models.reading.members.span_qa import ANSWER_TOKENS
from robust_xtreme.models.reading.reading import quantised
from robust_xtreme.models.reading.tokens import backend_of, frame_of
from robust_xtreme.models.reading.windows import Windows, plain
from robust_xtreme.models.tensors import collate

LABELS = ("O", "B-PER", "I-PER")
CONTEXT = "Rais Julius Nyerere alizaliwa katika kijiji cha Butiama, mwaka 1922."


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    """One tokenizer for all tests."""
    return tiny_tokenizer()


@pytest.fixture(scope="module")
def encoder(tokenizer: Any) -> Any:
    """One random encoder for all tests."""
    return tiny_encoder(len(tokenizer))


def _examples(family: str) -> list[Example]:
    match family:
        case "classification":
            return [pair_example(str(n), "a man " * (n + 1), "a dog sleeps", n % 3) for n in range(5)]
        case "tagging":
            return [
                tagged_example(str(n), ["Ana", "sees", "Bo"] * (n + 1), ["B-PER", "O", "B-PER"] * (n + 1))
                for n in range(5)
            ]
        case _:
            return [question_example(str(n), "who was born?", "x " * n + CONTEXT, "Julius Nyerere") for n in range(5)]


def _family(name: str) -> Family:
    member: Family = registry.load("family", name)
    return member


def _scores(family: Family, head: Any, encoder: Any, windows: Windows) -> list[np.ndarray[Any, Any]]:
    ids, mask = collate(windows, 1)
    with torch.inference_mode():
        hidden = encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        return list(family.forward(head, hidden, mask, windows).numpy())


@pytest.mark.parametrize("name", ["classification", "tagging", "span_qa"])
def test_padding_changes_no_prediction(name: str, tokenizer: Any, encoder: Any) -> None:
    """An example is decoded the same alone and in a batch with longer ones, its scores equal to the quantum."""
    family = _family(name)
    torch.manual_seed(3)
    head = family.head(16, LABELS).eval()
    examples = _examples(name)
    windows = family.encode(examples, tokenizer, 64, 8)
    together = _scores(family, head, encoder, windows)
    for position, example in enumerate(examples):
        example_windows = [index for index, window in enumerate(singly(windows)) if window.example == position]
        alone = [_scores(family, head, encoder, windows.take([index]))[0] for index in example_windows]
        mine = windows.take(example_windows)
        assert decoded(family, example, mine, alone, LABELS) == decoded(
            family, example, mine, [together[index] for index in example_windows], LABELS
        )


@pytest.mark.parametrize("name", ["classification", "tagging", "span_qa"])
def test_padding_changes_no_loss_and_no_gradient(name: str, tokenizer: Any, encoder: Any) -> None:
    """Ten more columns of padding leave the loss and the gradient of the head where they were."""
    family = _family(name)
    head = family.head(16, LABELS).eval()
    examples = _examples(name)[:1]
    windows = family.encode(examples, tokenizer, 64, 8)
    losses = []
    for extra in (0, 10):
        ids, mask = (
            torch.nn.functional.pad(tensor, (0, extra), value=pad)
            for tensor, pad in zip(collate(windows, 1), (1, 0), strict=True)
        )
        head.zero_grad()
        hidden = encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        loss = family.loss(head, hidden, mask, windows, examples, LABELS)
        torch.autograd.backward(loss)
        losses.append((loss.item(), [_gradient(parameter) for parameter in head.parameters()]))
    assert losses[0][0] == pytest.approx(losses[1][0], abs=1e-5)
    for first, other in zip(losses[0][1], losses[1][1], strict=True):
        torch.testing.assert_close(first, other, atol=1e-5, rtol=1e-4)


def _gradient(parameter: torch.nn.Parameter) -> torch.Tensor:
    assert parameter.grad is not None
    return parameter.grad.clone()


@pytest.mark.parametrize("name", ["classification", "tagging", "span_qa"])
def test_the_gradient_reaches_encoder_and_head(name: str, tokenizer: Any) -> None:
    """After one backward pass every parameter of the head, and the encoder's, have a gradient that is not zero."""
    family = _family(name)
    encoder = tiny_encoder(len(tokenizer))
    head = family.head(16, LABELS)
    examples = _examples(name)
    windows = family.encode(examples, tokenizer, 64, 8)
    ids, mask = collate(windows, 1)
    hidden = encoder(input_ids=ids, attention_mask=mask).last_hidden_state
    torch.autograd.backward(family.loss(head, hidden, mask, windows, examples, LABELS))
    for parameter in head.parameters():
        assert parameter.grad is not None
        assert parameter.grad.abs().sum() > 0
    for part, parameter in encoder.named_parameters():
        assert parameter.grad is not None, part
    assert encoder.embeddings.word_embeddings.weight.grad.abs().sum() > 0


@pytest.mark.parametrize("name", ["classification", "tagging", "span_qa"])
@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -1e30])
def test_scores_that_are_not_numbers_are_an_error(name: str, bad: float, tokenizer: Any, encoder: Any) -> None:
    """A NaN, an infinite score or one without a whole number raises NotFinite, and is never decoded."""
    family = _family(name)
    examples = _examples(name)[:1]
    windows = family.encode(examples, tokenizer, 64, 8)
    scores = _scores(family, family.head(16, LABELS).eval(), encoder, windows)
    with pytest.raises(NotFinite):
        decoded(family, examples[0], windows, [np.full_like(array, bad) for array in scores], LABELS)


def test_scores_closer_than_the_quantum_are_a_tie() -> None:
    """Scores that differ by less than the quantum are equal, and the lowest index wins."""
    assert quantised(np.array([0.5, 0.50000001], dtype=np.float32))[0].tolist() == [5000, 5000]
    example = pair_example("1", "a", "b")
    scores = [np.array([0.1, 0.7, 0.70000001], dtype=np.float32)]
    assert decoded(_heads.classification, example, plain([(0, 2)]), scores, LABELS) == Choice(1)


# ------------------------------------------------------------------------------------------------------ classification


@pytest.mark.parametrize(("first", "second"), [(30, 3), (3, 30), (30, 30), (31, 30), (9, 8), (8, 9), (40, 8), (8, 8)])
@pytest.mark.parametrize("length", [20, 21])
def test_a_long_pair_is_cut_as_the_tokenizer_cuts_it(first: int, second: int, length: int, tokenizer: Any) -> None:
    """Truncation is longest first, token for token what the tokenizer's own strategy gives."""
    premise, hypothesis = "a" * first, "b" * second
    (window,) = singly(_heads.classification.encode([pair_example("1", premise, hypothesis)], tokenizer, length, 0))
    expected = tokenizer(premise, hypothesis, truncation="longest_first", max_length=length)["input_ids"]
    assert list(window.input_ids) == expected
    assert window.truncated == (len(tokenizer(premise, hypothesis)["input_ids"]) > length)


def test_one_text_is_read_alone(tokenizer: Any) -> None:
    """An example with one field is one text between the model's special tokens."""
    example = Example("1", {"text": Text("1/text", "en", "a dog")}, Choice(0), "1")
    (window,) = singly(_heads.classification.encode([example], tokenizer, 32, 0))
    assert list(window.input_ids) == tokenizer("a dog")["input_ids"]


def test_three_fields_are_not_a_pair(tokenizer: Any) -> None:
    """A classifier refuses more than two fields."""
    texts = {name: Text(name, "en", "a") for name in "abc"}
    with pytest.raises(ModelError, match="3 fields"):
        _heads.classification.encode([Example("1", texts, Choice(0), "1")], tokenizer, 32, 0)


def test_a_length_without_room_is_refused(tokenizer: Any) -> None:
    """A maximum length that contains only the special tokens is a user's mistake."""
    with pytest.raises(ModelError, match="no room"):
        _heads.classification.encode([pair_example("1", "a", "b")], tokenizer, 5, 0)


# ------------------------------------------------------------------------------------------------------------- tagging


def test_words_are_encoded_one_by_one(tokenizer: Any) -> None:
    """Input ids are the tokens of each word by itself, joined, as the official per-word code builds them."""
    words = ["Juma", "龘", "na", "Ana"]
    (window,) = singly(_heads.tagging.encode([tagged_example("1", words, ["O"] * 4)], tokenizer, 64, 0))
    parts = [tokenizer(word, add_special_tokens=False)["input_ids"] for word in words]
    assert list(window.input_ids) == [0, *(token for part in parts for token in part), 2]
    assert window.layout.firsts == (1, 1 + len(parts[0]), 1 + len(parts[0] + parts[1]), 1 + sum(map(len, parts[:3])))


def test_a_word_without_tokens_becomes_the_unknown_token(tokenizer: Any) -> None:
    """A word that the tokenizer drops keeps its place, as the unknown token."""
    text = Text("1/tokens", "en", "a \u2028 b", (Span(0, 1), Span(2, 3), Span(4, 5)))
    example = Example("1", {"tokens": text}, Tags(("O", "O", "O")), "1")
    (window,) = singly(_heads.tagging.encode([example], tokenizer, 64, 0))
    assert window.input_ids[window.layout.firsts[1]] == tokenizer.unk_token_id
    assert len(window.layout.firsts) == 3


@pytest.mark.parametrize("count", [0, 1, 7, 50, 300])
def test_a_long_sentence_is_read_in_windows_and_joined_again(count: int, tokenizer: Any) -> None:
    """Each word of a sentence, however long, gets exactly one tag, and its own."""
    words = [("ab" * (number % 7 + 1)) for number in range(count)]
    tags = [LABELS[number % 3] for number in range(count)]
    example = tagged_example("1", words, tags)
    windows = _heads.tagging.encode([example], tokenizer, 32, 0)
    assert all(len(window.input_ids) <= 32 for window in singly(windows))
    scores = [_one_hot(window, tags) for window in singly(windows)]
    assert decoded(_heads.tagging, example, windows, scores, LABELS) == Tags(tuple(tags))
    assert _heads.tagging.reading.lost is None


def _one_hot(window: Window, tags: list[str]) -> np.ndarray[Any, Any]:
    rows = np.zeros((len(window.layout.firsts) + 3, len(LABELS)), dtype=np.float32)
    for number in range(len(window.layout.firsts)):
        rows[number, LABELS.index(tags[window.layout.begin + number])] = 1.0
    rows[len(window.layout.firsts) :] = np.nan
    return rows


def test_a_word_longer_than_a_window_keeps_its_beginning(tokenizer: Any) -> None:
    """A word of a thousand letters is one window, and its neighbours are still read."""
    example = tagged_example("1", ["a", "b" * 1000, "c"], ["O", "O", "O"])
    windows = _heads.tagging.encode([example], tokenizer, 32, 0)
    assert [window.layout.begin for window in singly(windows)] == [0, 1, 2]
    assert max(len(window.input_ids) for window in singly(windows)) == 32


def test_an_unknown_tag_is_named(tokenizer: Any) -> None:
    """Training on a tag that the head does not know names the tag and the example."""
    examples = [tagged_example("x/1", ["a"], ["B-DATE"])]
    windows = _heads.tagging.encode(examples, tokenizer, 32, 0)
    with pytest.raises(Mismatch, match="'B-DATE'"):
        _heads.tagging.loss(
            _heads.tagging.head(16, LABELS), torch.zeros(1, 4, 16), torch.ones(1, 4), windows, examples, LABELS
        )


# ------------------------------------------------------------------------------------------------------------- span QA


def _peaks(window: Window, start: int, stop: int) -> np.ndarray[Any, Any]:
    """Scores that point at the tokens of a span of the context, as far as the window contains them."""
    rows = np.zeros((len(window.input_ids) + 5, 2), dtype=np.float32)
    rows[: window.layout.first] = 50.0
    for index, (begin, end) in enumerate(window.layout.offsets.tolist()):
        rows[window.layout.first + index] = (9.0 * (begin == start), 9.0 * (end == stop))
    return rows


@pytest.mark.parametrize("answer", ["Rais", "Julius Nyerere", "Butiama", "1922", "1922."])
@pytest.mark.parametrize("stride", [0, 5])
def test_an_answer_is_decoded_to_its_code_points(answer: str, stride: int, tokenizer: Any) -> None:
    """Peaks at an answer's tokens give back its exact characters, whichever window contains it."""
    example = question_example("1", "who?", CONTEXT, answer)
    windows = _heads.span_qa.encode([example], tokenizer, 40, stride)
    assert len(windows) > 1
    start = CONTEXT.index(answer)
    scores = [_peaks(window, start, start + len(answer)) for window in singly(windows)]
    answer_given = decoded(_heads.span_qa, example, windows, scores)
    if stride:
        assert answer_given == Answers((Span(start, start + len(answer)),))


def test_windows_cover_every_token_of_the_context(tokenizer: Any) -> None:
    """Windows begin one stride after another, the last one reaches the end, and none is longer than allowed."""
    example = question_example("1", "who?", CONTEXT * 5, "Butiama")
    whole = backend_of(tokenizer)([CONTEXT * 5], True)
    windows = _heads.span_qa.encode([example], tokenizer, 40, 7)
    starts = [int(window.layout.offsets[0, 0]) for window in singly(windows)]
    assert starts == whole.spans[: 7 * len(windows) : 7, 0].tolist()
    assert singly(windows)[-1].layout.offsets[-1, 1] == len(CONTEXT * 5)
    assert all(len(window.input_ids) <= 40 for window in singly(windows))


def test_a_long_question_leaves_room_for_the_context(tokenizer: Any) -> None:
    """A question of a thousand letters is cut, and the context is still read in full."""
    example = question_example("1", "w" * 1000, CONTEXT, "Butiama")
    windows = _heads.span_qa.encode([example], tokenizer, 64, 16)
    assert singly(windows)[-1].layout.offsets[-1, 1] == len(CONTEXT)
    assert max(len(window.input_ids) for window in singly(windows)) <= 64


def test_of_equal_spans_the_first_is_taken(tokenizer: Any) -> None:
    """Where all scores are equal the answer is the first token of the first window."""
    example = question_example("1", "who?", CONTEXT, "Butiama")
    windows = _heads.span_qa.encode([example], tokenizer, 40, 5)
    scores = [np.zeros((len(window.input_ids), 2), dtype=np.float32) for window in singly(windows)]
    assert decoded(_heads.span_qa, example, windows, scores) == Answers((Span(0, 1),))


def test_no_answer_is_longer_than_the_limit(tokenizer: Any) -> None:
    """A start and a stop more than 30 tokens apart are not joined."""
    example = question_example("1", "who?", "abcdefghij" * 10, "a")
    windows = _heads.span_qa.encode([example], tokenizer, 256, 0)
    (window,) = singly(windows)
    scores = np.zeros((len(window.input_ids), 2), dtype=np.float32)
    scores[window.layout.first + 1, 0] = scores[window.layout.first + 90, 1] = 9.0
    match decoded(_heads.span_qa, example, windows, [scores]):
        case Answers((span,)):
            assert span.stop - span.start <= ANSWER_TOKENS
        case other:
            pytest.fail(f"no span: {other}")


def test_best_span_equals_an_exhaustive_search(tokenizer: Any) -> None:
    """The array search finds what trying every pair of tokens finds."""
    example = question_example("1", "q", "abcdefghij" * 9, "a")
    windows = _heads.span_qa.encode([example], tokenizer, 60, 20)
    generator = np.random.default_rng(5)
    for _ in range(20):
        scores = [generator.integers(0, 4, (len(window.input_ids), 2)).astype(np.float32) for window in singly(windows)]
        best = max(
            _all_spans(windows, scores), key=lambda scored_span: (scored_span[0], *(-part for part in scored_span[1:]))
        )
        layout = singly(windows)[best[1]].layout
        expected = Span(int(layout.offsets[best[2], 0]), int(layout.offsets[best[3], 1]))
        assert decoded(_heads.span_qa, example, windows, scores) == Answers((expected,))


def _all_spans(windows: Windows, scores: list[np.ndarray[Any, Any]]) -> list[tuple[float, int, int, int]]:
    return [
        (float(score[window.layout.first + start, 0] + score[window.layout.first + stop, 1]), index, start, stop)
        for index, (window, score) in enumerate(zip(singly(windows), scores, strict=True))
        for start in range(len(window.layout.offsets))
        for stop in range(start, min(start + ANSWER_TOKENS, len(window.layout.offsets)))
    ]


def test_a_gold_answer_that_no_window_contains_is_reported(tokenizer: Any) -> None:
    """An answer longer than any window counts as truncated, and one that fits does not."""
    lost = question_example("1", "who?", "x " * 50 + "end", "x " * 45)
    kept = question_example("2", "who?", "x " * 50 + "end", "end")
    for example, truncated in ((lost, True), (kept, False)):
        windows = _heads.span_qa.encode([example], tokenizer, 40, 10)
        assert is_lost(_heads.span_qa, example, windows) == truncated


def test_an_empty_context_has_no_answer(tokenizer: Any) -> None:
    """Nothing can be cut out of nothing."""
    example = question_example("1", "who?", "", "")
    windows = _heads.span_qa.encode([example], tokenizer, 40, 10)
    scores = [np.zeros((len(window.input_ids), 2), dtype=np.float32) for window in singly(windows)]
    assert decoded(_heads.span_qa, example, windows, scores) == Answers(())


def test_marks_and_bytes_stay_with_their_letter(tokenizer: Any) -> None:
    """Offsets are code points of the context: decomposed letters keep their marks, letters read as bytes are whole."""
    context = "a cafe\u0301 龘龘 b"
    for answer in ("cafe\u0301", "龘龘"):
        example = question_example("1", "q", context, answer)
        windows = _heads.span_qa.encode([example], tokenizer, 64, 0)
        (window,), (gold,) = singly(windows), _heads.gold_tokens(windows, [example]).tolist()
        scores = np.zeros((len(window.input_ids), 2), dtype=np.float32)
        scores[gold[0], 0] = scores[gold[1], 1] = 9.0
        (span,) = decoded(_heads.span_qa, example, windows, [scores]).spans  # type: ignore[union-attr]  # span_qa decodes to Answers
        assert context[span.start : span.stop] == answer


def test_a_window_without_the_answer_learns_the_first_token(tokenizer: Any) -> None:
    """The gold of a window that does not contain the whole answer is its first token."""
    example = question_example("1", "who?", CONTEXT * 2, "1922")
    windows = _heads.span_qa.encode([example], tokenizer, 40, 10)
    golds = [tuple(gold) for gold in _heads.gold_tokens(windows, [example]).tolist()]
    assert (0, 0) in golds
    assert any(gold != (0, 0) for gold in golds)
    for gold, window in zip(golds, singly(windows), strict=True):
        if gold != (0, 0):
            first, last = (position - window.layout.first for position in gold)
            assert CONTEXT[window.layout.offsets[first, 0] : window.layout.offsets[last, 1]] == "1922"


# --------------------------------------------------------------------------------------------------------------- batch


def test_the_frame_is_read_off_the_tokenizer(tokenizer: Any) -> None:
    """Special tokens are where the tokenizer itself puts them."""
    frame = frame_of(tokenizer)
    assert frame.single == ((0,), (2,))
    assert frame.pair == ((0,), (2, 2), (2,))
