"""The official rule of SQuAD v1.1 for comparing answers, frozen, and the metrics by it.

XTREME uses it unchanged for XQuAD and TyDiQA in every language: English articles and ASCII punctuation are removed, and
words are separated by blanks. So an answer in Chinese or Thai is usually one word.
"""

from __future__ import annotations

import re
import string
from typing import Final

from robust_xtreme.tasks.metrics._answers import AnswerLexicon, answer_metric, answers_noisy, golds_clean, golds_noisy

_ARTICLES: Final = re.compile(r"[at](?:(?<=\ba)n?|(?<=\bt)he)\b")
"""The words a, an and the. The letters come first: the search for them takes half the time of one for boundaries."""

_PUNCTUATION: Final = re.compile(f"[{re.escape(string.punctuation)}]+")


def words(answer: str, _: str = "") -> tuple[str, ...]:
    """The words of an answer: lower case, without ASCII punctuation, then without a, an and the."""
    return tuple(_ARTICLES.sub(" ", _PUNCTUATION.sub("", answer.lower())).split())


_CITE: Final = "SQuAD v1.1, evaluate-v1.1.py:"

squad_em = answer_metric(
    "squad_em",
    "Share of answers equal to a gold answer; a prediction on noisy text is mapped back to the clean text.",
    f"{_CITE} exact_match_score",
    words,
    AnswerLexicon.exact,
)
squad_f1 = answer_metric(
    "squad_f1",
    "F1 of the words of answers; a prediction on noisy text is mapped back to the clean text.",
    f"{_CITE} f1_score",
    words,
    AnswerLexicon.overlap,
)
surface_f1_clean_gold = answer_metric(
    "surface_f1_clean_gold",
    "F1 of the words of answers as the noisy text shows them, against the clean gold answers.",
    f"{_CITE} f1_score",
    words,
    AnswerLexicon.overlap,
    (answers_noisy, golds_clean),
)
surface_f1_noisy_gold = answer_metric(
    "surface_f1_noisy_gold",
    "F1 of the words of answers as the noisy text shows them, against the noisy gold answers.",
    f"{_CITE} f1_score",
    words,
    AnswerLexicon.overlap,
    (answers_noisy, golds_noisy),
)
