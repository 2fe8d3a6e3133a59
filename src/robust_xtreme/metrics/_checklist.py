"""MultiCheckList's rule for comparing answers, written anew, and the metrics of it: one of all tests, one of each.

Articles of the language become a blank, then blanks, commas, full stops and marks of the language go from the ends;
what is left must be equal, in case too. Source: google-research/xtreme, multichecklist/generate_test_utils.py, `clean`
and `expect_squad`. There a case counts only where all of its questions are answered; here each question counts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final

from robust_xtreme.examples import Answers, Judged
from robust_xtreme.metrics._metric import Metric, share, targets
from robust_xtreme.metrics._squad import golds_clean, said_clean, scoped

WHOLE: Final[Mapping[str, str]] = {
    "de": "ein eine einen",
    "el": "Ο ένα μια",
    "en": "a an the in at",
    "es": "un una unos unas el la los las",
    "eu": "bat",
    "fa": "یک",
    "fr": "un une le la en",
    "hu": "egy",
    "it": "un una",
    "nl": "een",
    "pt": "um uma",
    "tl": "Si",
    "tr": "bir",
    "vi": "một",
    "wo": "dafa",
    "yo": "kan",
}
"""Articles, and what the rule takes for them, that stand as words."""

OPEN: Final[Mapping[str, str]] = {
    "bn": "একটি একজন",
    "hi": "एक",
    "ml": "ഒരു",
    "mr": "एक",
    "my": "တစ်ဦး",
    "pa": "ਇੱਕ ਇਕ",
    "ta": "ஒரு",
}
"""Those that go where a word begins, whatever follows."""

_MARKS: Final[Mapping[str, str]] = {"bn": "৷", "hi": "৷", "pa": "।", "pl": "„”", "ur": "\u200f"}
_ENDS: Final = ",. "


def clean(text: str, language: str) -> str:
    """An answer without the articles and the ends that do not count."""
    found = _articles(language)
    return (found.sub(" ", text) if found else text).strip(_ENDS + _MARKS.get(language, ""))


@cache
def _articles(language: str) -> re.Pattern[str] | None:
    if language == "af":
        return re.compile(r"’n\b")
    if language == "ar":
        return re.compile("ال")
    words = "|".join((WHOLE.get(language) or OPEN.get(language, "")).split())
    end = r"\b" if language in WHOLE else ""
    return re.compile(rf"\b(?:{words}){end}") if words else None


def answered(said: str, golds: Sequence[str], language: str) -> float:
    """1.0 where the answer, cleaned, is a gold answer, cleaned."""
    return float(any(clean(said, language) == clean(gold, language) for gold in golds))


def of_test(test: str, summary: str) -> Metric:
    """The metric `checklist_TEST` of the questions of one test; with no test that of all, `checklist_pass_rate`.

    Questions of other tests are none of its items: they have no stats. One that is of no test counts in each.
    """

    def stats(judged: Judged) -> Mapping[str, tuple[float, ...]]:
        targets(judged, Answers, restored=True)
        if test and test_of(judged.clean.cluster) not in ("", test):
            return {}
        language = judged.clean.texts["context"].language
        return scoped(said_clean, golds_clean, lambda said, golds: answered(said, golds, language))(judged)

    return Metric(
        name=f"checklist_{test or 'pass_rate'}",
        summary=summary,
        columns=("answered", "n"),
        stats=stats,
        reduce=share,
        cite="XTREME-R, multichecklist/generate_test_utils.py: expect_squad",
    )


def test_of(cluster: str) -> str:
    """The test that a case belongs to, from its name `checklist/TEST/NUMBER`."""
    parts = cluster.split("/")
    return parts[1] if len(parts) == 3 and parts[0] == "checklist" else ""
