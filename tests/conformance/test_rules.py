"""Every registered perturbation keeps every rule, in all languages; perturbations that are wrong on purpose do not."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from tests.conformance.planted import planted
from tests.conformance.rules import OF_TEXTS, RULES, Rule, broken
from tests.conformance.texts import drawn, every_language, hard, real

from robust_xtreme import registry
from robust_xtreme.examples import Text
from robust_xtreme.noise._engine import Perturbation

_EVERY = [registry.load("perturbation", name) for name in registry.names("perturbation")]
_MEMBERS = [member for member in _EVERY if not member.free]
"""Those that a spec must tell more about, a model's folder say, have tests of their own."""

_every = pytest.mark.parametrize("perturbation", _EVERY, ids=lambda member: member.name)
_members = pytest.mark.parametrize("perturbation", _MEMBERS, ids=lambda member: member.name)
_of_texts = pytest.mark.parametrize("rule", OF_TEXTS, ids=lambda rule: rule.__name__)
_rules = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)


def _applies(rule: Rule, perturbation: Perturbation) -> None:
    if rule.__name__ in perturbation.waives:
        pytest.skip(f"{perturbation.name} exists to break {rule.__name__}; its own tests say what it does instead")


@_members
@_rules
def test_every_language_keeps_the_rule(perturbation: Perturbation, rule: Rule) -> None:
    """On a sentence in each of the fifty languages, with a span for each word, the rule holds."""
    _applies(rule, perturbation)
    rule(perturbation, every_language())


@_members
@_of_texts
@pytest.mark.parametrize("code", ["en", "hi", "ko", "ml", "tr", "zh"])
def test_hard_clusters_keep_the_rule(perturbation: Perturbation, rule: Rule, code: str) -> None:
    """On clusters that are hard to keep, with spans that overlap, nest and cut, the rule holds."""
    _applies(rule, perturbation)
    rule(perturbation, hard(code))


@pytest.mark.real
@_members
@_of_texts
def test_real_sentences_keep_the_rule(perturbation: Perturbation, rule: Rule, data: Path) -> None:
    """On sentences of the release files in every language that is there, the rule holds."""
    _applies(rule, perturbation)
    rule(perturbation, real(data))


@_members
@_of_texts
@given(texts=drawn())
def test_any_text_of_a_language_keeps_the_rule(perturbation: Perturbation, rule: Rule, texts: list[Text]) -> None:
    """On words of a language's letters, with marks, hard clusters and spans anywhere, the rule holds."""
    _applies(rule, perturbation)
    rule(perturbation, texts)


@pytest.mark.long
@_members
@_of_texts
@settings(max_examples=3_000)
@given(texts=drawn())
def test_many_texts_keep_the_rule(perturbation: Perturbation, rule: Rule, texts: list[Text]) -> None:
    """The same over thirty times as many texts."""
    _applies(rule, perturbation)
    rule(perturbation, texts)


@pytest.mark.parametrize(("rule", "wrong"), planted(), ids=lambda value: getattr(value, "name", value))
def test_a_wrong_perturbation_breaks_its_rule_and_no_other(rule: str, wrong: Perturbation) -> None:
    """The suite proves itself: each planted fault is found, by the rule that is about it."""
    assert broken(wrong, every_language()) == [rule]


@_every
def test_a_member_says_what_it_is(perturbation: Perturbation) -> None:
    """Name, summary, unit, strength and operators are there for `list` and the report's legend."""
    assert perturbation.name in registry.names("perturbation")
    assert perturbation.summary.endswith(".")
    assert perturbation.unit
    assert perturbation.strength
    assert perturbation.operators
