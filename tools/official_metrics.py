"""Metrics as the official scripts compute them, without code of the project: SQuAD v1.1, MLQA and seqeval 0.0.12."""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import regex

Array = np.ndarray[Any, Any]


def squad_words(answer: str, _: str = "en") -> list[str]:
    """`normalize_answer` of SQuAD's evaluate-v1.1.py, split at white space."""
    text = "".join(letter for letter in answer.lower() if letter not in set(string.punctuation))
    return re.sub(r"\b(a|an|the)\b", " ", text).split()


_ARTICLES: Final = {
    "en": r"\b(a|an|the)\b",
    "es": r"\b(un|una|unos|unas|el|la|los|las)\b",
    "vi": r"\b(của|là|cái|chiếc|những)\b",
    "de": r"\b(ein|eine|einen|einem|eines|einer|der|die|das|den|dem|des)\b",
    "ar": r"\sال^|ال",
}


_MLQA: Final = ("ar", "de", "en", "es", "hi", "vi", "zh")
_UNSPACED: Final = regex.compile(
    r"([\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}--\p{M}]\p{M}*)", regex.V1
)


def mlqa_words(answer: str, language: str) -> list[str]:
    """`normalize_answer` of mlqa_evaluation_v1.py in the language of the context, split at white space.

    In languages that the script refuses a character of a script without blanks is a word, with its marks
    (docs/decisions/stats.md#benchmark-averages-are-three).
    """
    marks = set(string.punctuation)
    text = "".join(
        letter for letter in answer.lower() if letter not in marks and not unicodedata.category(letter).startswith("P")
    )
    text = re.sub(_ARTICLES[language], " ", text) if language in _ARTICLES else text
    if language == "zh":
        return re.sub(r"([\u4e00-\u9fa5])", r" \1 ", text).split()
    return text.split() if language in _MLQA else _UNSPACED.sub(r" \1 ", text).split()


def exact_match(answer: Sequence[str], gold: Sequence[str]) -> float:
    """`exact_match_score`."""
    return float(answer == gold)


def f1_score(answer: Sequence[str], gold: Sequence[str]) -> float:
    """`f1_score`."""
    same = sum((Counter(answer) & Counter(gold)).values())
    if same == 0:
        return 0.0
    precision, recall = same / len(answer), same / len(gold)
    return 2 * precision * recall / (precision + recall)


QA: Final[Mapping[str, tuple[Callable[[str, str], list[str]], Callable[..., float]]]] = {
    "squad_em": (squad_words, exact_match),
    "squad_f1": (squad_words, f1_score),
    "mlqa_em": (mlqa_words, exact_match),
    "mlqa_f1": (mlqa_words, f1_score),
}
"""The rule for words and the comparison; `metric_max_over_ground_truths` is taken over the gold answers."""


def entities(tags: Sequence[str]) -> set[tuple[str, int, int]]:
    """`get_entities` of seqeval 0.0.12: the chunks of a sentence."""
    chunks, last, last_kind, begin = set(), "O", "", 0
    for at, tag in enumerate([*tags, "O"]):
        mark, kind = tag[0], tag.split("-")[-1]
        if end_of_chunk(last, mark, last_kind, kind):
            chunks.add((last_kind, begin, at - 1))
        if start_of_chunk(last, mark, last_kind, kind):
            begin = at
        last, last_kind = mark, kind
    return chunks


def end_of_chunk(last: str, mark: str, last_kind: str, kind: str) -> bool:
    """`end_of_chunk`."""
    pairs = ("BB", "BS", "BO", "IB", "IS", "IO")
    return last in "ES" or last + mark in pairs or (last not in "O." and last_kind != kind)


def start_of_chunk(last: str, mark: str, last_kind: str, kind: str) -> bool:
    """`start_of_chunk`."""
    pairs = ("EE", "EI", "SE", "SI", "OE", "OI")
    return mark in "BS" or last + mark in pairs or (mark not in "O." and last_kind != kind)


def accuracy(predicted: Any, gold: Any) -> tuple[float, ...]:
    """One label."""
    return float(predicted == gold), 1.0


def token_accuracy(predicted: Any, gold: Any) -> tuple[float, ...]:
    """The tags of a sentence, one by one."""
    return float(sum(map(str.__eq__, predicted, gold))), float(len(gold))


def span_f1(predicted: Any, gold: Any) -> tuple[float, ...]:
    """The chunks of a sentence."""
    return overlap(entities(predicted), entities(gold))


def bitext_f1(predicted: Any, gold: Any) -> tuple[float, ...]:
    """The pairs of one sentence."""
    return overlap(set(predicted), set(gold))


def overlap(predicted: set[Any], gold: set[Any]) -> tuple[float, ...]:
    """True positives, false positives, false negatives."""
    return float(len(predicted & gold)), float(len(predicted - gold)), float(len(gold - predicted))


def retrieval_accuracy(predicted: Any, gold: Any) -> tuple[float, ...]:
    """Whether the first candidate is right."""
    return float(bool(predicted) and predicted[0] in gold), 1.0


def map_at_20(predicted: Any, gold: Any) -> tuple[float, ...]:
    """The mean precision at the right candidates among the first 20."""
    hits = [at for at, candidate in enumerate(predicted[:20], 1) if candidate in gold]
    precisions = [number / at for number, at in enumerate(hits, 1)]
    return sum(precisions) / min(len(gold), 20) if gold else 0.0, 1.0


PLAIN: Final[Mapping[str, Callable[[Any, Any], tuple[float, ...]]]] = {
    metric.__name__: metric for metric in (accuracy, token_accuracy, span_f1, bitext_f1, retrieval_accuracy, map_at_20)
}


def reduced(sums: Array) -> Array:
    """Points from sums (..., k): a share of two, F1 of three."""
    if sums.shape[-1] == 2:
        return 100 * sums[..., 0] / np.where(sums[..., 1] == 0, 1, sums[..., 1])
    hits = 2 * sums[..., 0]
    total = hits + sums[..., 1] + sums[..., 2]
    return 100 * hits / np.where(total == 0, 1, total)
