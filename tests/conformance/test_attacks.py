"""Every registered attack keeps the rules of attacks, in fifty languages; attacks that are wrong on purpose do not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from tests.conformance.attacks import PLANTED, Attempts, broken, keeps
from tests.conformance.texts import drawn, every_language, hard, of_scripts

from robust_xtreme.core import registry
from robust_xtreme.core.examples import Text
from robust_xtreme.core.languages import LANGUAGES
from robust_xtreme.noise.engine.attack import is_recipe
from robust_xtreme.noise.engine.perturbation import Perturbation

_EVERY = [registry.load("perturbation", name) for name in registry.names("perturbation")]
_ATTACKS = [member for member in _EVERY if member.moves and not (member.free or is_recipe(member.name))]
_SCRIPTS = ("hi", "ko", "sw", "th")
"""Languages of which each has a script of its own."""
_attacks = pytest.mark.parametrize("member", _ATTACKS, ids=lambda member: member.name)


def protected(texts: list[Text]) -> list[Text]:
    """Texts whose second span must not be touched."""
    spans = [tuple(replace(span, frozen=number == 1) for number, span in enumerate(text.spans)) for text in texts]
    return [replace(text, spans=several) for text, several in zip(texts, spans, strict=True)]


@_attacks
def test_several_scripts_keep_the_rules(member: Perturbation) -> None:
    """On a sentence in each of some languages, with a span for each word, one of them protected, the rules are kept."""
    keeps(Attempts(member, protected(every_language(_SCRIPTS)[: len(_SCRIPTS)])))


@pytest.mark.long
@_attacks
def test_every_language_keeps_the_rules(member: Perturbation) -> None:
    """On a sentence in each language, with a span for each word, one of them protected, the rules are kept."""
    keeps(Attempts(member, protected(every_language(LANGUAGES)[: len(LANGUAGES)])))


@_attacks
def test_hard_clusters_keep_the_rules(member: Perturbation) -> None:
    """On clusters that are hard to keep, with spans that overlap, nest and cut, the rules are kept."""
    keeps(Attempts(member, [*hard("hi")[::2], *hard("zh")[1::2]]))


@pytest.mark.long
@_attacks
@settings(max_examples=15)
@given(texts=drawn())
def test_any_text_of_a_language_keeps_the_rules(member: Perturbation, texts: list[Text]) -> None:
    """On words of a language's letters, with marks, hard clusters and spans anywhere, the rules are kept."""
    keeps(Attempts(member, texts))


@pytest.mark.parametrize("rule", PLANTED)
def test_a_wrong_attack_breaks_its_rule_and_no_other(rule: str) -> None:
    """Each planted fault breaks its own rule and no other."""
    member = registry.load("perturbation", "attack_letters")
    assert broken(Attempts(member, protected(of_scripts()), PLANTED[rule])) == [rule]
