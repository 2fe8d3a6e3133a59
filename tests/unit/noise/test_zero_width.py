"""The perturbation zero_width: where it puts which characters, and that nothing else changes."""

from __future__ import annotations

import pytest
from tests.conformance.clusters import clusters
from tests.conformance.texts import SENTENCES, hard

from robust_xtreme.core.examples import Span, Text
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.noise.engine.noised import Noised
from robust_xtreme.noise.engine.noising import noise_texts
from robust_xtreme.noise.members._letters import EVERYWHERE, JOINERS

_REMOVED = dict.fromkeys(map(ord, EVERYWHERE + JOINERS))


def _noised(text: Text, strength: str = "1") -> Noised:
    return noise_texts([text], PerturbationSpec.parse(f"zero_width:{strength}"), 0)[0]


@pytest.mark.parametrize("code", SENTENCES)
def test_without_the_characters_the_text_is_the_clean_one(code: str) -> None:
    """Nothing is changed but what is put in, between two clusters, each of which is whole."""
    clean = SENTENCES[code]
    noised = _noised(Text("t", code, clean))
    assert noised.status == "ok"
    assert noised.text.value.translate(_REMOVED) == clean.translate(_REMOVED)
    assert sum(noised.edits.values()) == noised.eligible == noised.graphemes_edited
    whole = {*clusters(clean)}
    assert all(
        cluster in whole or cluster.rstrip(EVERYWHERE + JOINERS) in {*whole, ""}
        for cluster in clusters(noised.text.value)
    )


@pytest.mark.parametrize("code", ["ar", "fa", "ur", "hi", "bn", "ta", "te", "ml", "gu", "pa", "mr", "my"])
def test_joiners_are_not_put_where_they_change_shapes(code: str) -> None:
    """In Arabic and Indic scripts the joiners belong to the spelling."""
    clean = SENTENCES[code]
    noisy = _noised(Text("t", code, clean)).text.value
    assert all(noisy.count(joiner) == clean.count(joiner) for joiner in JOINERS)


def test_each_character_occurs() -> None:
    """In Latin script all five characters are drawn."""
    noisy = _noised(Text("t", "en", "characters " * 20)).text.value
    assert {*EVERYWHERE, *JOINERS} <= {*noisy}


def test_only_places_between_letters_of_a_span_are_chosen() -> None:
    """No character is put beside a blank, a digit or a mark, at a span's edge, or before a Thai vowel's sign."""
    noised = _noised(Text("t", "en", "ab a1 c.", (Span(0, 1), Span(1, 2))))
    assert (noised.eligible, noised.text.value) == (0, "ab a1 c.")
    assert _noised(Text("t", "th", "เกา ละ")).eligible == 0
    assert _noised(Text("t", "my", "ကာ")).eligible == 0


def test_hard_clusters_stay_whole() -> None:
    """Conjuncts, jamo, flags and joined emoji are never divided."""
    for text in hard("hi"):
        assert _noised(text).text.value.translate(_REMOVED) == text.value.translate(_REMOVED)
