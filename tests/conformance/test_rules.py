"""Every registered perturbation keeps every rule, in all languages; perturbations that are wrong on purpose do not."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from tests.conformance.clusters import in_alphabet
from tests.conformance.planted import planted
from tests.conformance.rules import (
    OF_TEXTS,
    RULES,
    Trial,
    broken,
    keeps,
    rule_4_noise_belongs_to_the_script,
)
from tests.conformance.switching import with_partners
from tests.conformance.texts import drawn, every_language, hard, of_scripts, real

from robust_xtreme.core import registry
from robust_xtreme.core.edits import Array
from robust_xtreme.core.examples import Text
from robust_xtreme.noise.engine.case import cases
from robust_xtreme.noise.engine.key_error_table import KeyingError
from robust_xtreme.noise.engine.key_errors import key_errors
from robust_xtreme.noise.engine.letters import Letters, letters
from robust_xtreme.noise.engine.perturbation import Perturbation

_EVERY = [registry.load("perturbation", name) for name in registry.names("perturbation")]
_MEMBERS = [with_partners(member) for member in _EVERY if not (member.free or member.moves)]
"""Attacks, and those that a spec must tell more about, a model's folder say, have tests of their own."""

_CODES = ("hi", "ko", "zh")

_SCRIPTS = ("ar", "hi", "ja", "ko", "ru", "sw", "th", "zh")
"""Languages of which each has a script, or a way of typing it, of its own."""

_every = pytest.mark.parametrize("perturbation", _EVERY, ids=lambda member: member.name)
_members = pytest.mark.parametrize("perturbation", _MEMBERS, ids=lambda member: member.name)


@_members
def test_several_scripts_keep_the_rules(perturbation: Perturbation) -> None:
    """On a sentence in each of some languages, with a span for each word, every rule that is not waived is kept."""
    keeps(Trial(perturbation, every_language(_SCRIPTS)), RULES)


@pytest.mark.long
@_members
def test_every_language_keeps_the_rules(perturbation: Perturbation) -> None:
    """On a sentence in each language, with a span for each word, every rule that is not waived is kept."""
    keeps(Trial(perturbation, every_language(), (5, 50, 500, 2000), 10_000), RULES)


@_members
def test_hard_clusters_keep_the_rules(perturbation: Perturbation) -> None:
    """On clusters that are hard to keep, with spans that overlap, nest and cut, the rules are kept."""
    keeps(Trial(perturbation, [text for code in _CODES for text in hard(code)]), OF_TEXTS)


@pytest.mark.long
@pytest.mark.real
@_members
def test_real_sentences_keep_the_rules(perturbation: Perturbation, data: Path) -> None:
    """On sentences of the release files, in every available language, the rules are kept."""
    keeps(Trial(perturbation, real(data, 20)), OF_TEXTS)


@_members
@settings(max_examples=8)
@given(texts=drawn())
def test_any_text_of_a_language_keeps_the_rules(perturbation: Perturbation, texts: list[Text]) -> None:
    """On words of a language's letters, with marks, hard clusters and spans anywhere, the rules are kept."""
    keeps(Trial(perturbation, texts), OF_TEXTS)


@pytest.mark.long
@pytest.mark.timeout(7200)
@_members
@settings(max_examples=3_000)
@given(texts=drawn())
def test_many_texts_keep_the_rules(perturbation: Perturbation, texts: list[Text]) -> None:
    """The same over two hundred times as many texts."""
    keeps(Trial(perturbation, texts), OF_TEXTS)


@pytest.mark.parametrize(("rule", "wrong"), planted(), ids=lambda value: getattr(value, "name", value))
def test_a_wrong_perturbation_breaks_its_rule_and_no_other(rule: str, wrong: Perturbation) -> None:
    """Each planted fault breaks its own rule and no other."""
    assert broken(Trial(wrong, of_scripts())) == [rule]


def test_a_perturbation_that_only_deletes_keeps_the_rules() -> None:
    """The unit that a text keeps is eligible, so that in short texts, too, the share of edits is the strength."""

    @letters(strength="share of vowels left out")
    def vowel_drop(page: Letters) -> Array:
        """Leave vowels out."""
        return page.may("delete", where=np.isin(page.points, [ord(vowel) for vowel in "aeiouAEIOU"]))

    keeps(Trial(vowel_drop, of_scripts()), RULES)


def test_rule_4_counts_letters() -> None:
    """Digits in the place of letters belong to every language, and are not letters of its alphabet."""

    @key_errors(strength="share of letters", rates={"digit": "1"})
    def digits(language: str) -> Iterator[KeyingError]:
        """Wrong."""
        yield from (KeyingError(letter, "digit", "1") for letter in cases(language))

    with pytest.raises(AssertionError, match="own_letters"):
        rule_4_noise_belongs_to_the_script(Trial(digits, of_scripts()))


@pytest.mark.parametrize(("code", "cluster", "expected"), [
    ("en", "Q", True), ("en", "1", False), ("en", ";", False), ("en", "é", False), ("de", "ß", True),
    ("tr", "İ", True), ("my", "ကိ", True), ("my", "ကၖ", False), ("my", "ာ", True), ("ml", "കി", True),
    ("ha", "ʼ", True), ("hi", "क्ष", True), ("sw", "x", False), ("vi", unicodedata.normalize("NFD", "ế"), True),
])  # fmt: skip
def test_an_alphabet_is_letters_and_main_marks(code: str, cluster: str, expected: bool) -> None:
    """An alphabet has no auxiliary marks, digits or punctuation; it has main signs that are letters or marks."""
    assert in_alphabet(code, cluster) == expected


@_every
def test_a_member_says_what_it_is(perturbation: Perturbation) -> None:
    """Name, summary, unit, strength and operators are there for `list` and the report's legend."""
    assert perturbation.name in registry.names("perturbation")
    assert perturbation.summary.endswith(".")
    assert perturbation.unit
    assert perturbation.strength
    assert perturbation.operators
