"""MLQA's metrics against a reference that states the official rule letter by letter, and beyond its languages."""

from __future__ import annotations

import string
import unicodedata
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.answering import value_of

from robust_xtreme.core.examples import Answers, Example, Scored, Span, Text
from robust_xtreme.core.languages import LANGUAGES
from robust_xtreme.tasks.metrics import _mlqa
from robust_xtreme.tasks.metrics._mlqa import mlqa_em, mlqa_f1, words

_ARTICLES = {
    "en": "a an the",
    "es": "un una unos unas el la los las",
    "de": "ein eine einen einem eines einer der die das den dem des",
    "vi": "của là cái chiếc những",
    "hi": "",
    "zh": "",
    "ar": "",
}


def _reference(answer: str, language: str) -> list[str]:
    """Words by the official rule for words that are not joined by letters: split first, then drop what is an article.

    Punctuation goes before, so that no article touches a letter that `\\b` would not see.
    """
    kept = [
        letter
        for letter in answer.lower()
        if letter not in string.punctuation and not unicodedata.category(letter).startswith("P")
    ]
    text = "".join(kept)
    if language == "ar":
        text = text.replace("ال", " ")
    if language == "zh":
        text = "".join(f" {letter} " if "\u4e00" <= letter <= "\u9fa5" else letter for letter in text)
    return [word for word in text.split() if word not in _ARTICLES[language].split()]


_parts = st.lists(
    st.sampled_from(
        [
            "the",
            "A",
            "las",
            "Die",
            "des",
            "của",
            "البحيرة",
            "lake.",
            "(lake)",
            "«lake»",
            "湖北",
            "ab湖cd",
            "$5",
            "झील",
            "、",
            "!",
        ]
    ),
    max_size=5,
).map(" ".join)


@pytest.mark.parametrize("language", sorted(_ARTICLES))
@given(_parts)
def test_words_equal_a_reference(language: str, answer: str) -> None:
    """In each language of MLQA the words are those of a reference that knows articles as whole words."""
    assert list(words(answer, language)) == _reference(answer, language)


@pytest.mark.parametrize("language", sorted(_ARTICLES))
@given(_parts, st.lists(_parts, min_size=1, max_size=3))
def test_answers_equal_a_reference(language: str, predicted: str, golds: list[str]) -> None:
    """Exact match and F1 are the best over the golds, F1 that of shared words removed one by one."""
    reference = _reference(predicted, language)
    others = [_reference(gold, language) for gold in golds]
    assert value_of("mlqa_em", predicted, golds, language) == (reference in others)
    assert value_of("mlqa_f1", predicted, golds, language) == pytest.approx(
        max(_f1(reference, other) for other in others)
    )


def _f1(predicted: Sequence[str], gold: Sequence[str]) -> float:
    rest, shared = list(gold), 0
    for word in predicted:
        if word in rest:
            rest.remove(word)
            shared += 1
    return 2 * shared / (len(predicted) + len(gold)) if shared else 0.0


@pytest.mark.parametrize(
    ("answer", "language", "expected"),
    [
        ("The «Lake»!", "en", "lake"),
        ("The Lake", "de", "the lake"),
        ("der See", "de", "see"),
        ("des Sees", "en", "des sees"),
        ("المدينة الكبيرة", "ar", "مدينة كبيرة"),
        ("خلال", "ar", "خل"),
        ("维多利亚湖", "zh", "维 多 利 亚 湖"),
        ("NBA总冠军2次", "zh", "nba 总 冠 军 2 次"),
        ("झील।", "hi", "झील"),
        ("$5+5", "en", "55"),
    ],
)
def test_the_official_rule_on_single_cases(answer: str, language: str, expected: str) -> None:
    """Articles are the answer's language's own, punctuation is Unicode's, Chinese characters are alone."""
    assert " ".join(words(answer, language)) == expected


@pytest.mark.parametrize(
    ("answer", "language", "expected"),
    [
        ("Le Lac", "fr", "le lac"),
        ("ทะเล A1", "th", "ท ะ เ ล a1"),
        ("น้ำ", "th", "น้ ำ"),
        ("東京タワー", "ja", "東 京 タ ワ ー"),
        ("서울 시", "ko", "서울 시"),
        ("zu Hause", "unknown", "zu hause"),
    ],
)
def test_other_languages_have_no_articles_and_unspaced_scripts_are_alone(
    answer: str, language: str, expected: str
) -> None:
    """What MLQA's script would refuse is scored by the stated rule: no article goes, unspaced characters are words."""
    assert " ".join(words(answer, language)) == expected


@given(st.text(max_size=20), st.sampled_from(LANGUAGES))
def test_no_answer_and_no_language_is_refused(answer: str, language: str) -> None:
    """Any text in any language has words that contain no white space and no punctuation, and equals itself."""
    answer_words = words(answer, language)
    assert all(word and not any(map(str.isspace, word)) for word in answer_words)
    assert not any(unicodedata.category(letter).startswith("P") for word in answer_words for letter in word)
    assert value_of("mlqa_em", answer, [answer], language) == 1.0


def test_the_language_is_that_of_the_context() -> None:
    """A question in English about a German passage is scored by the German articles."""
    context = Text("c", "de", "der See", (Span(4, 7),))
    texts = {"question": Text("q", "en", "What?"), "context": context}
    example = Example("e", texts, Answers((Span(4, 7),)), "c")
    scored = Scored(example, example, Answers((Span(0, 7),)), Answers((Span(0, 7),)))
    assert mlqa_em.stats(scored) == mlqa_f1.stats(scored) == {"all": (1.0, 1.0), "untouched": (1.0, 1.0)}
    assert set(_mlqa.LANGUAGES) == set(_ARTICLES)
