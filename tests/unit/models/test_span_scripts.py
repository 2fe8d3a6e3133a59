"""Answers across scripts: they are cut out of the context by code points, whatever tokens a tokenizer makes of it."""

from __future__ import annotations

import dataclasses
import unicodedata
from typing import Any

import numpy as np
import pytest
from tests.decoding import decoded, is_lost
from tests.single_windows import Window, singly
from tests.some import some
from tests.tiny import SPECIAL, question_example, tiny_tokenizer
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from robust_xtreme.core.examples import Answers, Example
from robust_xtreme.models.predictors.heads import _heads
from robust_xtreme.models.reading.windows import Windows

SENTENCES = [
    ("zh", "黑豹队的防守只丢了308分，在联赛中排名第六，同时以24次拦截领先。", ("308分", "联赛", "第六", "24")),
    ("th", "แม่น้ำเจ้าพระยาไหลผ่านกรุงเทพมหานครสู่อ่าวไทย", ("แม่น้ำ", "กรุงเทพ", "อ่าวไทย")),
    ("ja", "東京タワーは1958年にできました。ﾄﾞｲﾂの技師が建てた。", ("東京タワー", "1958年", "ﾄﾞｲﾂ", "技師")),
    ("hi", "गंगा नदी हिमालय से निकलती है और ज़मीन को सींचती है।", ("गंगा नदी", "हिमालय", "ज़मीन")),
    ("ar", "وُلِدَ نَجِيبٌ في القاهرة عام ١٩١١ م.", ("وُلِدَ", "نَجِيبٌ", "القاهرة", "١٩١١")),
    ("vi", "Hà Nội là thủ đô của Việt Nam, không phải Huế.", ("Hà Nội", "Việt Nam", "Huế")),
    ("tr", "İstanbul 1453 yılında alındı; IŞIK ve ışık.", ("İstanbul", "1453", "IŞIK", "ışık")),
    ("ko", "서울은 대한민국의 수도이다.", ("서울", "대한민국", "수도")),
]
CASES = [(language, context, answer) for language, context, answers in SENTENCES for answer in answers]


def word_pieces(*texts: str) -> Any:
    """A WordPiece of single characters that lowers case and strips accents, as BERT's uncased ones do."""
    cleaner = normalizers.BertNormalizer(lowercase=True, strip_accents=True)
    letters = sorted({letter for text in texts for letter in cleaner.normalize_str(text) if not letter.isspace()})
    names = (*SPECIAL, *letters, *(f"##{letter}" for letter in letters))
    raw = Tokenizer(models.WordPiece(vocab={name: index for index, name in enumerate(names)}, unk_token="<unk>"))
    raw.normalizer = cleaner
    raw.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    raw.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    fast: Any = PreTrainedTokenizerFast
    named = {"cls_token": "<s>", "sep_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"}
    return fast(tokenizer_object=raw, **named)


def _tokenizer(kind: str, context: str) -> Any:
    return tiny_tokenizer() if kind == "bytes" else word_pieces(context, "who?")


def _oracle(window: Window, gold: Any) -> np.ndarray[Any, Any]:
    """Scores of 1 where the gold answer begins and ends."""
    rows = np.zeros((len(window.input_ids), 2), dtype=np.float32)
    first, last = gold.tolist()
    if first != window.summary:
        rows[first, 0] = rows[last, 1] = 1
    return rows


def _decoded(example: Example, windows: Windows) -> str:
    golds = _heads.gold_tokens(windows, [example])
    answer = decoded(_heads.span_qa, example, windows, list(map(_oracle, singly(windows), golds)))
    assert isinstance(answer, Answers)
    assert len(answer.spans) == 1
    return example.texts["context"].at(answer.spans[0])


WINDOWS = {"bytes": (60, 12), "word pieces": (24, 5)}


@pytest.mark.parametrize("form", some(["as it is", "NFD"], ("NFD",)))
@pytest.mark.parametrize("kind", WINDOWS)
@pytest.mark.parametrize(("language", "context", "answer"), CASES)
def test_the_answer_is_that_of_the_file(language: str, context: str, answer: str, kind: str, form: str) -> None:
    """Scripts without spaces, marks, and letters that a tokenizer lowers, splits or reads as bytes: none is lost."""
    context = f"{context} {context}"
    if form == "NFD":
        context, answer = (unicodedata.normalize("NFD", text) for text in (context, answer))
    example = question_example("1", "who?", context, answer)
    tokenizer = _tokenizer(kind, context)
    whole, parts = (_heads.span_qa.encode([example], tokenizer, *lengths) for lengths in ((512, 0), WINDOWS[kind]))
    assert len(whole) == 1 < len(parts)
    assert [_decoded(example, windows) for windows in (whole, parts)] == [answer, answer]


@pytest.mark.parametrize("kind", ["bytes", "word pieces"])
@pytest.mark.parametrize(("language", "context", "answer"), CASES)
def test_no_answer_is_put_together_from_tokens(language: str, context: str, answer: str, kind: str) -> None:
    """With every token replaced by another the answer is the same: only scores and offsets are read."""
    example = question_example("1", "who?", context, answer)
    windows = _heads.span_qa.encode([example], _tokenizer(kind, context), 512, 0)
    other = dataclasses.replace(windows, ids=np.zeros_like(windows.ids))
    assert _decoded(example, other) == _decoded(example, windows)


def test_marks_that_no_token_represents_go_with_their_letter() -> None:
    """A tokenizer that strips marks leaves them out of its offsets; one that reads them has tokens that say so."""
    context, answer = "xy\u0301z", "xy"
    example = question_example("1", "who?", context, answer)
    assert _decoded(example, _heads.span_qa.encode([example], word_pieces(context, "who?"), 64, 0)) == "xy\u0301"
    spaced = question_example("1", "who?", "x \u0301\u0301y", "x")
    assert _decoded(spaced, _heads.span_qa.encode([spaced], tiny_tokenizer(), 64, 0)) == "x"
    joined = "می\u200cخواهم"
    persian = question_example("1", "who?", joined, "می")
    assert _decoded(persian, _heads.span_qa.encode([persian], word_pieces(joined, "who?"), 64, 0)) == "می"


def test_a_mark_with_a_token_of_its_own_is_only_answered_where_it_is_pointed_at() -> None:
    """Gold answers that end within a cluster, as one of MLQA's Hindi ones does, are kept as they are."""
    context = "एक टिकों से"
    for answer in ("टिक", "टिको", "टिकों"):
        example = question_example("1", "who?", context, answer)
        assert _decoded(example, _heads.span_qa.encode([example], tiny_tokenizer(), 512, 0)) == answer


@pytest.mark.parametrize(
    ("context", "answer"), [("see York,[1]\u200b", "York,[1]\u200b"), ("\u200bYork is", "\u200bYork")]
)
def test_what_no_token_represents_at_the_ends_of_a_context_cuts_no_answer(context: str, answer: str) -> None:
    """An answer with a zero width space at the end of its context is held by the window that reads up to there."""
    example = question_example("1", "who?", context, answer)
    windows = _heads.span_qa.encode([example], word_pieces(context, "who?"), 64, 0)
    assert not is_lost(_heads.span_qa, example, windows)
    assert _decoded(example, windows) == answer.strip("\u200b")


def test_a_window_that_ends_within_an_answer_does_not_contain_it() -> None:
    """Of overlapping windows only those contain an answer that read it from its first to its last character."""
    context, answer = "東京タワーは1958年にできました。", "1958年"
    example = question_example("1", "who?", context, answer)
    windows = _heads.span_qa.encode([example], word_pieces(context, "who?"), 17, 1)
    for window, (gold, _) in zip(singly(windows), _heads.gold_tokens(windows, [example]).tolist(), strict=True):
        offsets = window.layout.offsets
        whole = offsets[0, 0] <= context.index(answer) and offsets[-1, 1] >= context.index(answer) + len(answer)
        assert (gold != window.summary) == whole
    assert _decoded(example, windows) == answer
