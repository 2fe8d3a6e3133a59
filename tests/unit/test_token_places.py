"""Places of pieces: models that know the right answer by the pieces' names get it right, whatever the tokenizer."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
from tests.decoding import decoded
from tests.tiny import question_example, tagged_example
from tests.tokenizers_of_kinds import MENDED, REFUSED, RIGHT, fast

from robust_xtreme.examples import Answers, Tags
from robust_xtreme.predictors.heads import span_qa
from robust_xtreme.predictors.heads.tagging import tagging
from robust_xtreme.reading import tokens
from robust_xtreme.reading.tokens import tokenizer_from
from robust_xtreme.report.samples.tokens import _loaded
from robust_xtreme.token_places import places_of

READ: Final = MENDED | RIGHT
QUESTIONS: Final = (
    ("A b c 3d x e", ("b", "c", "3d", "x", "e")),
    ("hello, x hello-wor (wor) 1wor\tb\nc", ("x", "hello-wor", "(wor)", "1wor", "b", "c")),
    ("``b'' isn't ''c'' 12 wor", ("``b''", "isn't", "''c''", "12", "wor")),
    ("İstanbul IŞIK ﬁn ½ e\u0301a ö.", ("İstanbul", "IŞIK", "½", "ö")),
    ("東京タワーは 1958 年にできました。", ("東京タワーは", "1958")),
    ("गंगा नदी हिमालय से", ("नदी", "हिमालय", "से")),
    ("\u00a0b\u3000hello  x\u2009wor ", ("b", "hello", "x", "wor")),
    ("\x16b hello wor", ("hello", "wor")),
    ("👩\u200d🚀 b 👍🏽 wor", ("b", "wor")),
)
"""Contexts with answers between blanks."""

CASES: Final = [(context, answer) for context, answers in QUESTIONS for answer in answers]


def _pieces(tokenizer: Any, text: str) -> list[int]:
    """The ids of a text's pieces."""
    return list(tokenizer.backend_tokenizer.encode(text, add_special_tokens=False).ids)


def _points(tokenizer: Any, context: str, answer: str, last: bool = False) -> tuple[int, int]:
    """The first and last piece of an answer: pieces before it are those of the text before it, of the same names."""
    start = context.rindex(answer) if last else context.index(answer)
    whole, before = _pieces(tokenizer, context), _pieces(tokenizer, context[:start].rstrip())
    until = _pieces(tokenizer, context[: start + len(answer)])
    assert (whole[: len(before)], whole[: len(until)]) == (before, until)
    return len(before), len(until) - 1


def _answered(tokenizer: Any, context: str, answer: str, last: bool = False) -> str:
    """What is read off a model whose scores are high at the first and last piece of the answer."""
    example = question_example("1", "who?", context, answer)
    windows = span_qa.span_qa.encode([example], tokenizer, 512, 0)
    (window,) = windows
    scores = np.zeros((len(window.input_ids), 2), np.float32)
    for side, point in enumerate(_points(tokenizer, context, answer, last)):
        scores[window.layout.first + point, side] = 1
    target = decoded(span_qa.span_qa, example, windows, [scores])
    assert isinstance(target, Answers)
    return "".join(example.texts["context"].at(span) for span in target.spans)


def _right(kind: str) -> float:
    """The share of answers that are right."""
    tokenizer = _made(kind)
    return sum(_answered(tokenizer, *case) == case[1] for case in CASES) / len(CASES)


def _made(kind: str) -> Any:
    return fast((READ | REFUSED)[kind]())


@pytest.mark.parametrize("kind", READ)
def test_answers_are_cut_out_whole(kind: str) -> None:
    """Exact match is 100 where a model points at the pieces of the answer, for every tokenizer."""
    tokenizer = _made(kind)
    assert [_answered(tokenizer, *case) for case in CASES] == [answer for _, answer in CASES]


@pytest.mark.parametrize("by", [-1, 2])
@pytest.mark.parametrize("kind", READ)
def test_a_shift_by_one_is_seen(kind: str, by: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same models get answers wrong where offsets are early by a letter, or late by one and a space."""
    right = tokens._offsets
    monkeypatch.setattr(tokens, "_offsets", lambda *given: np.maximum(right(*given) + by, 0))
    assert _right(kind) < 0.5


@pytest.mark.parametrize("kind", READ)
def test_training_learns_the_pieces_of_the_answer(kind: str) -> None:
    """The targets of training are its pieces, without those of blanks alone."""
    tokenizer = _made(kind)
    read = places_of(tokenizer.backend_tokenizer).content
    for context, answer in CASES:
        example = question_example("1", "who?", context, answer)
        (window,) = windows = span_qa.span_qa.encode([example], tokenizer, 512, 0)
        ((first, last),) = (span_qa.gold_tokens(windows, [example]) - window.layout.first).tolist()
        low, high = _points(tokenizer, context, answer)
        ids = _pieces(tokenizer, context)
        assert last == high
        assert low <= first
        assert not b"".join(read(number) or b"" for number in ids[low:first]).decode().strip()
        assert kind in RIGHT or read(ids[first]) != b" "


WORDS: Final = ("b", "hello", "3d", "x1y", "İstanbul", "wor.", "(wor)", "''c''", "e\u0301a", "½")
LABELS: Final = tuple(f"T{at}" for at in range(len(WORDS)))


@pytest.mark.parametrize("kind", READ | REFUSED)
def test_tags_are_read_at_the_pieces_of_their_words(kind: str) -> None:
    """A model that knows words by their pieces tags all of them rightly, one text or many, also without places."""
    tokenizer = _made(kind)
    known = {tuple(_pieces(tokenizer, word)): at for at, word in enumerate(WORDS)}
    last = len(tokenizer_from(tokenizer).frame.single[1])
    examples = [
        tagged_example(str(step), [WORDS[at * step % len(WORDS)] for at in range(len(WORDS))], LABELS)
        for step in (1, 3, 7) * 8
    ]
    for several in (examples[:1], examples):
        windows = tagging.encode(several, tokenizer, 512, 0)
        for window, example in zip(windows, several, strict=True):
            ends = (*window.layout.firsts[1:], len(window.input_ids) - last)
            rows = [known[window.input_ids[first:end]] for first, end in zip(window.layout.firsts, ends, strict=True)]
            target = decoded(tagging, example, windows.take([window.example]), [np.eye(len(WORDS))[rows]], LABELS)
            words = [tuple(_pieces(tokenizer, word)) for word in example.texts["tokens"].pieces(True)]
            assert target == Tags(tuple(LABELS[known[word]] for word in words))


TEXT: Final = "A b, hello  hello-wor 3b x1y (wor) it's"


@pytest.mark.parametrize("kind", READ)
def test_the_tokens_of_a_report_are_the_text(kind: str, tmp_path: Path) -> None:
    """Each letter is shown once, in order, beside the names of blanks."""
    READ[kind]().save(str(tmp_path / "tokenizer.json"))
    tokenize = _loaded(tmp_path / "tokenizer.json")
    assert tokenize
    assert "".join(token.strip(" ▁Ġ") for token in tokenize(TEXT)) == TEXT.replace(" ", "")
