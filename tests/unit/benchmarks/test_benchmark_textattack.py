"""benchmarks/textattack.py: DeepWordBug's edits as ours, and the bars that its page reports as missed."""

from __future__ import annotations

import numpy as np
from benchmarks._deepwordbug import COSTS, KINDS, edits_of
from benchmarks.textattack import compared

from robust_xtreme.core.examples import Choice, Example, Text
from robust_xtreme.noise.engine.options import probes_of

VALUE = "The captain's \"old-fashioned\" boat, a 9, ...don't of it."
TEXT = Text("t", "en", VALUE)


def test_edits_are_one_of_each_kind_of_a_word() -> None:
    """Words but stop words and single characters have up to four edits, inside the word, with distinct outcomes."""
    edits = edits_of([TEXT], {"of", "it", "don't"}, seed=0)
    forms = [
        VALUE[:start] + value + VALUE[stop:]
        for start, stop, value in zip(edits.start.tolist(), edits.stop.tolist(), edits.values, strict=True)
    ]
    per_word = np.bincount(edits.unit, minlength=9).tolist()
    assert [VALUE.split()[unit] for unit, count in enumerate(per_word) if count] == [
        "The",
        "captain's",
        '"old-fashioned"',
        "boat,",
    ]
    assert max(per_word) == len(KINDS)
    assert len(set(forms)) == len(forms)
    assert VALUE not in forms
    assert all(form.endswith(VALUE.split("boat")[1].split(",", 1)[1]) for form in forms)
    assert edits.graphemes.tolist() == [COSTS[KINDS[kind]] for kind in edits.operator.tolist()]


def test_edits_and_hidden_units_have_the_same_units() -> None:
    """The units of the edits are those of the engine, so that a word is ranked by what is put for it."""
    hidden = probes_of([TEXT], "[UNK]")
    assert edits_of([TEXT], (), seed=0).units.tolist() == hidden.units.tolist() == [9]


def test_the_interval_is_by_premise() -> None:
    """Items that share a premise count as one in the interval."""
    items = [Example(str(at), {}, Choice(0), str(at // 3)) for at in range(300)]
    peer = np.repeat(np.arange(100) % 2 == 0, 3)
    apart = compared(items, peer, ~peer)
    single = compared([Example(str(at), {}, Choice(0), str(at)) for at in range(300)], peer, ~peer)
    assert apart["difference"] == single["difference"] == 0
    assert apart["high"] - apart["low"] > 1.6 * (single["high"] - single["low"])
