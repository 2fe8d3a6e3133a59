"""Offsets of pieces: models that know the right answer by the pieces' names get it right, whatever the tokenizer."""

from __future__ import annotations

import ctypes
import gc
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
from tests.decoding import decoded
from tests.single_windows import singly
from tests.some import some
from tests.tiny import question_example, tagged_example
from tests.tokenizers_of_kinds import MENDED, REFUSED, RIGHT, fast, unigram
from tokenizers import normalizers
from transformers import PreTrainedTokenizerFast

from robust_xtreme.core.errors import ModelError
from robust_xtreme.core.examples import Answers, Example, Tags
from robust_xtreme.core.token_offsets import exact_offsets
from robust_xtreme.models.predictors.heads import _heads
from robust_xtreme.models.predictors.heads._heads import tagging
from robust_xtreme.models.reading import tokens
from robust_xtreme.models.reading.members.span_qa import ContextLayouts
from robust_xtreme.models.reading.tokens import misplaced, tokenizer_from
from robust_xtreme.models.reading.windows import Windows, layout_of
from robust_xtreme.report.samples.part import _loaded

Offsets = list[tuple[int, int]]
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
GOLDS: Final = [answer for _, answer in CASES]


def _pieces(tokenizer: Any, text: str) -> list[int]:
    """The ids of a text's pieces."""
    return list(tokenizer.backend_tokenizer.encode(text, add_special_tokens=False).ids)


def _points(tokenizer: Any, context: str, answer: str) -> tuple[int, int]:
    """The first and last piece of an answer: pieces before it are those of the text before it, of the same names."""
    start = context.index(answer)
    whole, before = _pieces(tokenizer, context), _pieces(tokenizer, context[:start].rstrip())
    until = _pieces(tokenizer, context[: start + len(answer)])
    assert (whole[: len(before)], whole[: len(until)]) == (before, until)
    return len(before), len(until) - 1


def _answers(tokenizer: Any) -> list[str]:
    """What is read off a model whose scores are high at the first and last piece of each answer."""
    examples = [question_example(str(at), "who?", *case) for at, case in enumerate(CASES)]
    windows = _heads.span_qa.encode(examples, tokenizer, 512, 0)
    return [_answer(tokenizer, examples[row], windows.take([row]), CASES[row]) for row in windows.example.tolist()]


def _answer(tokenizer: Any, example: Example, windows: Windows, case: tuple[str, str]) -> str:
    (window,) = singly(windows)
    scores = np.zeros((len(window.input_ids), 2), np.float32)
    for side, point in enumerate(_points(tokenizer, *case)):
        scores[window.layout.first + point, side] = 1
    target = decoded(_heads.span_qa, example, windows, [scores])
    assert isinstance(target, Answers)
    return "".join(example.texts["context"].at(span) for span in target.spans)


def _made(kind: str) -> Any:
    return fast((READ | REFUSED)[kind]())


@pytest.mark.parametrize("kind", READ)
def test_answers_are_cut_out_whole(kind: str) -> None:
    """Exact match is 100 where a model points at the pieces of the answer, for every tokenizer."""
    assert _answers(_made(kind)) == GOLDS


@pytest.mark.parametrize("by", some([-1, 2], 1))
@pytest.mark.parametrize("kind", READ)
def test_a_shift_by_one_is_seen(kind: str, by: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same models get answers wrong where offsets are early by a letter, or late by one and a space."""
    offsets = tokens._offsets
    monkeypatch.setattr(tokens, "_offsets", lambda *given: np.maximum(offsets(*given) + by, 0))
    right = sum(answer == gold for answer, gold in zip(_answers(_made(kind)), GOLDS, strict=True))
    assert right < len(GOLDS) / 2


@pytest.mark.parametrize("kind", READ)
def test_training_learns_the_pieces_of_the_answer(kind: str) -> None:
    """The targets of training are its pieces, without those of blanks alone."""
    tokenizer = _made(kind)
    read = exact_offsets(tokenizer.backend_tokenizer).content
    examples = [question_example(str(at), "who?", *case) for at, case in enumerate(CASES)]
    windows = _heads.span_qa.encode(examples, tokenizer, 512, 0)
    points = _heads.gold_tokens(windows, examples) - layout_of(windows, ContextLayouts).first[:, None]
    for (context, answer), (first, last) in zip(CASES, points.tolist(), strict=True):
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
    """A model that knows words by their pieces tags all of them rightly, one text or many, also without offsets."""
    tokenizer = _made(kind)
    known = {tuple(_pieces(tokenizer, word)): at for at, word in enumerate(WORDS)}
    last = len(tokenizer_from(tokenizer).frame.single[1])
    examples = [
        tagged_example(str(step), [WORDS[at * step % len(WORDS)] for at in range(len(WORDS))], LABELS)
        for step in (1, 3, 7) * 8
    ]
    for several in (examples[:1], examples):
        windows = tagging.encode(several, tokenizer, 512, 0)
        for window, example in zip(singly(windows), several, strict=True):
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
    tokenize = _loaded(tmp_path)
    assert tokenize
    assert "".join(token.strip(" ▁Ġ") for token in tokenize(TEXT)) == TEXT.replace(" ", "")


def _called(change: Callable[[str, Offsets], Offsets]) -> Any:
    """A tokenizer of a class of its own, which changes the offsets of each text's pieces."""

    class Changed(PreTrainedTokenizerFast):
        def __call__(self, text: Any, *others: Any, **options: Any) -> Any:
            read = super().__call__(text, *others, **options)
            if "offset_mapping" in read:
                read["offset_mapping"] = list(map(change, text, read["offset_mapping"]))
            return read

    return fast(unigram(normalizers.NFKC()), Changed)


def _in_bytes(text: str, offsets: Offsets) -> Offsets:
    return [(len(text[:start].encode()), len(text[:stop].encode())) for start, stop in offsets]


def _normalised(text: str, offsets: Offsets) -> Offsets:
    before = [len(unicodedata.normalize("NFKC", text[:at])) for at in range(len(text) + 1)]
    return [(before[start], before[stop]) for start, stop in offsets]


FAULTS: Final[dict[str, Callable[[str, Offsets], Offsets]]] = {
    "late": lambda _, offsets: [(min(start + 1, stop), stop) for start, stop in offsets],
    "shifted": lambda _, offsets: [(start + 1, stop + 1) for start, stop in offsets],
    "early": lambda _, offsets: [(max(0, start - 1), stop) for start, stop in offsets],
    "short": lambda _, offsets: [(start, max(start, stop - 1)) for start, stop in offsets],
    "in bytes": _in_bytes,
    "of the normalised text": _normalised,
    "backwards": lambda _, offsets: offsets[::-1],
    "of the piece before": lambda _, offsets: [*offsets[:1], *offsets[:-1]],
    "of the second piece first": lambda _, offsets: [*offsets[1:2], *offsets[:1], *offsets[2:]],
    "of the whole text": lambda text, offsets: [(0, len(text))] * len(offsets),
    "nowhere": lambda _, offsets: [(0, 0)] * len(offsets),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_tokenizer_that_misplaces_its_pieces_is_refused(fault: str) -> None:
    """One line names the tokenizer, what is wrong and what to do; it still reads what needs no offsets."""
    tokenizer = _called(FAULTS[fault])
    tokenizer.name_or_path = "someone/model"
    with pytest.raises(ModelError, match="misplaces"):
        tokenizer_from(tokenizer, True)
    assert tokenizer_from(tokenizer).backend(["b"], False).ids.tolist() == _pieces(tokenizer, "b")


def test_a_class_of_its_own_that_offsets_its_pieces_rightly_is_read() -> None:
    """Also where it has code of its own."""
    assert not misplaced(_called(lambda _, offsets: offsets), "", "")


@pytest.mark.parametrize("kind", READ)
def test_right_offsets_are_those_of_the_tokenizer(kind: str) -> None:
    """They are changed only where they are wrong, and no tokenizer that can be read is refused."""
    exact = exact_offsets(READ[kind]())
    assert (exact.mends, exact.fault) == (kind in MENDED, "")


@pytest.mark.parametrize("kind", REFUSED)
def test_offsets_that_are_not_known_are_refused(kind: str, tmp_path: Path) -> None:
    """Questions are, and tokens of a report are not shown; the example of what is wrong is in the line."""
    tokenizer = fast(REFUSED[kind]())
    with pytest.raises(ModelError, match="misplaces"):
        _heads.span_qa.encode([question_example("1", "who?", "b", "b")], tokenizer, 64, 0)
    tokenizer.backend_tokenizer.save(str(tmp_path / "tokenizer.json"))
    assert _loaded(tmp_path) is None


class _Given(ctypes.Structure):
    """The counts of mallinfo2, of which the eighth is that of the bytes given out."""

    _fields_ = (("given", ctypes.c_size_t * 10),)


def test_words_are_not_remembered_when_the_tokenizer_is_gone() -> None:
    """A model of BPE keeps those it read as long as the thread lives, 50 KiB of these; counted are bytes in use."""
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "mallinfo2"):
        pytest.skip("only glibc counts the bytes that it gave out")
    libc.mallinfo2.restype = _Given
    words = [f"{first}{second}{'hello' * 9}" for first in "abcdefghijklmnop" for second in "abcdefghijklmnop"]

    def used() -> int:
        for _ in range(10):
            exact_offsets(RIGHT["byte-level, trained on texts"]())(words)
        gc.collect()
        return int(libc.mallinfo2().given[7])

    used()
    before = used()
    assert used() - before < 100_000
