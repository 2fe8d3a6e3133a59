"""The official rule of SQuAD v1.1 for comparing answers, frozen, and the texts that are compared.

XTREME uses it unchanged for XQuAD and TyDiQA in every language: English articles and ASCII punctuation are removed, and
words are separated by blanks. So an answer in Chinese or Thai is usually one word.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Final

from robust_xtreme.examples import Answers, Example, Scored
from robust_xtreme.metric import ALL, NOISED_GOLD, UNTOUCHED, targets

Compare = Callable[[str, Sequence[str]], float]

_ARTICLES: Final = re.compile(r"\b(?:a|an|the)\b")
_NO_PUNCTUATION: Final = str.maketrans("", "", string.punctuation)


@lru_cache(maxsize=1 << 14)
def words(answer: str) -> tuple[str, ...]:
    """The words of an answer: lower case, without ASCII punctuation, then without a, an and the."""
    return tuple(_ARTICLES.sub(" ", answer.lower().translate(_NO_PUNCTUATION)).split())


def exact(answer: str, golds: Sequence[str]) -> float:
    """1.0 where the words equal those of a gold answer."""
    return float(any(words(answer) == words(gold) for gold in golds))


def overlap(answer: str, golds: Sequence[str]) -> float:
    """The largest F1 of shared words over the gold answers; 0 where no word is shared."""
    return most_alike(words(answer), [words(gold) for gold in golds])


def most_alike(answer: tuple[str, ...], golds: Sequence[tuple[str, ...]]) -> float:
    """The largest F1 of the answer's words with those of a gold answer; 0 where there are no gold answers."""
    return max((_f1(answer, gold) for gold in golds), default=0.0)


def _f1(answer: tuple[str, ...], gold: tuple[str, ...]) -> float:
    common = (Counter(answer) & Counter(gold)).total()
    if not common:
        return 0.0
    precision, recall = common / len(answer), common / len(gold)
    return 2 * precision * recall / (precision + recall)


def answer_clean(scored: Scored) -> str:
    """The predicted answer in the clean text, with the prediction mapped back through the edits."""
    return _answer(scored.clean, targets(scored, Answers, restored=True)[1])


def answer_noisy(scored: Scored) -> str:
    """The predicted answer in the perturbed text."""
    return _answer(scored.perturbed, targets(scored, Answers)[1])


def golds_clean(scored: Scored) -> tuple[str, ...]:
    """The clean gold answers, or one empty answer where there is none."""
    return _golds(scored.clean)


def golds_noisy(scored: Scored) -> tuple[str, ...]:
    """The gold answers as they are in the perturbed context."""
    return _golds(scored.perturbed)


def _answer(example: Example, target: Answers) -> str:
    return example.texts["context"].at(target.spans[0]) if target.spans else ""


def _golds(example: Example) -> tuple[str, ...]:
    spans = example.target.spans if isinstance(example.target, Answers) else ()
    return tuple(map(example.texts["context"].at, spans)) or ("",)


def scoped(
    answer: Callable[[Scored], str], golds: Callable[[Scored], tuple[str, ...]], compare: Compare
) -> Callable[[Scored], Mapping[str, tuple[float, ...]]]:
    """The stats (value, 1) of comparing the answer with the golds, under `all` and the scope of the gold."""

    def stats(scored: Scored) -> Mapping[str, tuple[float, ...]]:
        sums = (compare(answer(scored), golds(scored)), 1.0)
        return {ALL: sums, UNTOUCHED if golds_clean(scored) == golds_noisy(scored) else NOISED_GOLD: sums}

    return stats
