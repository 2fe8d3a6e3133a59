"""Kinds of tasks, and the tests of MultiCheckList: the properties of their targets that do not need a model."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, final

from robust_xtreme.core.examples import NO_ANSWER

# MultiCheckList's rule for comparing answers, implemented again.
#
# Articles of the language become a blank; then blanks, commas, full stops and marks of the language are removed from
# both ends. The results must be equal, also in case. Source: google-research/xtreme,
# multichecklist/generate_test_utils.py, `clean` and `expect_squad`.

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
"""Articles, and words that the rule treats as such; they match whole words only."""

OPEN: Final[Mapping[str, str]] = {
    "bn": "একটি একজন",
    "hi": "एक",
    "ml": "ഒരു",
    "mr": "एक",
    "my": "တစ်ဦး",
    "pa": "ਇੱਕ ਇਕ",
    "ta": "ஒரு",
}
"""Articles that match at the beginning of a word, whatever follows."""

_MARKS: Final[Mapping[str, str]] = {"bn": "৷", "hi": "৷", "pa": "।", "pl": "„”", "ur": "\u200f"}


def clean(text: str, language: str) -> str:
    """An answer without articles and ignored characters at its ends."""
    articles = _articles(language)
    return (articles.sub(" ", text) if articles else text).strip(",. " + _MARKS.get(language, ""))


@cache
def _articles(language: str) -> re.Pattern[str] | None:
    if language == "af":
        return re.compile(r"’n\b")
    if language == "ar":
        return re.compile("ال")
    words = "|".join((WHOLE.get(language) or OPEN.get(language, "")).split())
    end = r"\b" if language in WHOLE else ""
    return re.compile(rf"\b(?:{words}){end}") if words else None


def answered(answer: str, golds: Sequence[str], language: str) -> float:
    """1.0 where the answer, cleaned, is a gold answer, cleaned."""
    return float(any(clean(answer, language) == clean(gold, language) for gold in golds))


Labels = tuple[str, ...]


@final
@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of task; `TaskSpec.family` names it. The defaults apply to kinds that other packages add.

    - `answer(labels)`: the target in words, which depends on the number of labels and not on their names.
    - `unit`: the text that training and evaluated data must not share: `passage`, `sentence` or `query text`; "" is all
      fields.
    - `words`: each word (span) is tokenised separately and has its own answer.
    - `spans`: the target needs the spans of the texts.
    - `classes`: a head has a class for each label; `width` is the number of scores of a head without classes.
    - `indexed`: a prediction is the index of a class, and is translated between orders of the labels.
    - `whole`: an example is one unit of training, whatever its length.
    - `searched`: an answer is searched for in a pool, and training uses all candidates of a batch.
    - `translates`: the target stays valid when only the texts are translated.
    - `blank`: unlabelled data have valid targets, so that only a whole split shows that it is unlabelled.
    """

    name: str
    answer: Callable[[Labels], str] | None = None
    unit: str = ""
    words: bool = False
    spans: bool = False
    classes: bool = True
    width: int = 0
    indexed: bool = False
    whole: bool = False
    searched: bool = False
    translates: bool = False
    blank: bool = False

    def label_type(self, labels: Labels) -> str:
        """The target, in words."""
        return self.answer(labels) if self.answer else self.name


CLASSIFICATION: Final = Kind(
    name="classification",
    answer=lambda labels: f"one of {len(labels)} labels",
    indexed=True,
    whole=True,
    translates=True,
)
CHOICE: Final = Kind(
    name="choice",
    answer=lambda _: "one of the texts given",
    classes=False,
    width=1,
    whole=True,
    translates=True,
)
TAGGING: Final = Kind(
    name="tagging",
    answer=lambda labels: f"a tag per word, of {len(labels)}",
    unit="sentence",
    words=True,
    spans=True,
    blank=True,
)
SPAN_QA: Final = Kind(
    name="span_qa",
    answer=lambda labels: "a span or none" if NO_ANSWER in labels else "a span",
    unit="passage",
    spans=True,
    classes=False,
    width=2,
)
RETRIEVAL: Final = Kind(
    name="retrieval",
    answer=lambda _: "a document",
    unit="query text",
    classes=False,
    whole=True,
    searched=True,
    blank=True,
)
KINDS: Final = (CLASSIFICATION, CHOICE, TAGGING, SPAN_QA, RETRIEVAL)


def kind_of(family: str) -> Kind:
    """The kind that a task's `family` names; a kind of another package has the defaults."""
    return next((kind for kind in KINDS if kind.name == family), Kind(family))
