"""Noise beside a set has as many edits in each text as the set."""

from __future__ import annotations

import numpy as np

from robust_xtreme.core.examples import Text
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.noise.conditions.paired import as_many

_LINE = "the river was wide and slow near its mouth when early boats came through with cloth"


def test_no_text_has_fewer_edits_than_wanted_and_few_have_more() -> None:
    """Where two edits come at once, as when letters are swapped, a text has one more, not one less."""
    texts = [Text(f"t{at}", "en", " ".join(np.roll(_LINE.split(), at)[: 4 + at % 9].tolist())) for at in range(120)]
    wanted = np.arange(len(texts)) % 5
    edited = as_many(texts, wanted, PerturbationSpec.parse("keyboard_typo:0.1"), 0).counts.graphemes_edited
    assert set((edited - wanted).tolist()) == {0, 1}
    assert np.mean(edited > wanted) < 0.2
    assert not edited[wanted == 0].any()
