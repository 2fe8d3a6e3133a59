"""Every gold answer of XQuAD, MLQA and TyDiQA, pointed at in tokens and cut out of its context again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
from tests.decoding import decoded
from tests.single_windows import Window, singly
from tests.tiny import SPECIAL
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

from robust_xtreme.core import registry
from robust_xtreme.core.columns import Ranges, column_of
from robust_xtreme.core.examples import Answers, Example, Scored, Span
from robust_xtreme.core.specs import TaskSpec
from robust_xtreme.models.predictors.heads import _heads
from robust_xtreme.models.reading.members.span_qa import ANSWER_TOKENS, ContextLayouts, answer_tokens
from robust_xtreme.models.reading.windows import Windows, layout_of
from robust_xtreme.tasks.sources.source import load

pytestmark = pytest.mark.real

_BYTES: Final = tuple(f"<0x{value:02X}>" for value in range(256))

FILES: Final = [
    *(("xquad", code, "validation", 1190) for code in ["ar", "de", "en", "es", "hi", "ro", "ru", "tr", "vi", "zh"]),
    *(
        ("mlqa", code, "validation", rows)
        for code, rows in [("ar", 517), ("de", 512), ("en", 1148), ("es", 500), ("hi", 507), ("vi", 511), ("zh", 504)]
    ),
    *(
        ("mlqa", pair, "validation", rows)
        for pair, rows in [("de@en", 512), ("en@de", 512), ("zh@en", 504), ("en@zh", 504)]
    ),
    ("tydiqa", "en", "train", 3696),
    ("tydiqa", "sw", "train", 2755),
]
LEAST: Final = {"bytes": 0.80, "word pieces": 0.91}
"""The share of answers that are exact matches; the lowest is that of Chinese questions in MLQA, or of Arabic ones."""


def _fast(raw: Tokenizer) -> Any:
    ends = [(name, raw.token_to_id(name)) for name in ("<s>", "</s>")]
    raw.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=ends
    )
    fast: Any = PreTrainedTokenizerFast
    named = {"cls_token": "<s>", "sep_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"}
    return fast(tokenizer_object=raw, **named)


def _byte_pairs(texts: Sequence[str]) -> Any:
    """Merged letters between blanks, punctuation among them; rare letters as bytes, all in NFKC, as XLM-R's are."""
    raw = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True))
    raw.normalizer = normalizers.NFKC()
    raw.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    made = trainers.BpeTrainer(
        vocab_size=3000, limit_alphabet=600, special_tokens=[*SPECIAL, *_BYTES], show_progress=False
    )
    raw.train_from_iterator(texts, made)
    return _fast(raw)


def _word_pieces(texts: Sequence[str]) -> Any:
    """Words in lower case without accents, punctuation and Chinese characters apart, as BERT's uncased ones are."""
    raw = Tokenizer(models.WordPiece(unk_token="<unk>", max_input_chars_per_word=100))
    raw.normalizer = normalizers.BertNormalizer(lowercase=True, strip_accents=True)
    raw.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made = trainers.WordPieceTrainer(vocab_size=6000, special_tokens=list(SPECIAL), show_progress=False)
    raw.train_from_iterator(texts, made)
    return _fast(raw)


TOKENIZERS: Final[dict[str, Callable[[Sequence[str]], Any]]] = {"bytes": _byte_pairs, "word pieces": _word_pieces}


def _gold(example: Example) -> Span:
    assert isinstance(example.target, Answers)
    return example.target.spans[0]


def _oracle(window: Window, tokens: tuple[int, int] | None) -> np.ndarray[Any, Any]:
    """Scores of 1 where the gold answer begins and ends."""
    rows = np.zeros((len(window.input_ids), 2), dtype=np.float32)
    if tokens:
        rows[window.layout.first + tokens[0], 0] = rows[window.layout.first + tokens[1], 1] = 1
    return rows


def _located(gold: Span, windows: Windows) -> list[tuple[int, int] | None]:
    """The first and last token of a gold answer in each window; None where it does not contain all of it."""
    golds = column_of([Answers((gold,))] * len(windows))
    assert isinstance(golds, Ranges)
    ends = zip(*(each.tolist() for each in answer_tokens(layout_of(windows, ContextLayouts), golds)), strict=True)
    return [(first, last) if first >= 0 else None for first, last in ends]


def _decoded(examples: Sequence[Example], tokenizer: Any) -> Iterator[tuple[Example, Windows, Answers]]:
    windows = _heads.span_qa.encode(examples, tokenizer, 384, 128)
    for index, example in enumerate(examples):
        mine = windows.take(np.flatnonzero(windows.example == index))
        scores = list(map(_oracle, singly(mine), _located(_gold(example), mine)))
        answer = decoded(_heads.span_qa, example, mine, scores)
        assert isinstance(answer, Answers)
        yield example, mine, answer


def _why(gold: Span, windows: Windows) -> str:
    """The reason why tokens cannot give a gold answer; `nothing` where its ends are token edges in some window."""
    located = zip(_located(gold, windows), (window.layout.offsets for window in singly(windows)), strict=True)
    offsets_of = [(*token_range, offsets) for token_range, offsets in located if token_range]
    if not offsets_of:
        return "longer than a window"
    if min(last - first for first, last, _ in offsets_of) >= ANSWER_TOKENS:
        return "longer than 30 tokens"
    edge = any(offsets[first, 0] == gold.start and offsets[last, 1] == gold.stop for first, last, offsets in offsets_of)
    return "nothing" if edge else "token edges"


_SHORT: Final = {
    ("xquad", "ar", "bytes"), ("xquad", "zh", "word pieces"), ("mlqa", "vi", "word pieces"), ("mlqa", "zh", "bytes"),
}  # fmt: skip
"""Several scripts and both tokenizers, on what gave the lowest shares; the others are long tests."""


_LONG: Final = pytest.mark.long


@pytest.mark.parametrize(
    ("name", "language", "split", "rows", "kind"),
    [
        pytest.param(*file, kind, marks=() if (*file[:2], kind) in _SHORT else _LONG)
        for kind in TOKENIZERS
        for file in FILES
    ],
)
def test_answers_are_found_wherever_token_edges_allow(
    data: Path,
    name: str,
    language: str,
    split: str,
    rows: int,
    kind: str,
) -> None:
    """A gold answer that begins and ends at tokens is given to the character; others are counted by their reason."""
    task: TaskSpec = registry.load("task", name)
    examples = load(task, data, language, split).examples
    assert len(examples) == rows
    texts = list({example.texts[field].value: None for example in examples for field in ("context", "question")})
    metric = registry.load("metric", task.score[0])
    assert metric.name.endswith("_em")
    counts: Counter[str] = Counter()
    for example, windows, answer in _decoded(examples, TOKENIZERS[kind](texts)):
        matched = bool(metric.stats(Scored(example, example, answer, answer))["all"][0])
        why = _why(_gold(example), windows)
        if why == "nothing":
            assert (answer, matched) == (Answers((_gold(example),)), True), example.id
        counts["exact match" if matched else why] += 1
    assert counts["nothing"] == 0
    assert counts["exact match"] / rows > LEAST[kind], counts
