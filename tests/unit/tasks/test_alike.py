"""Sentences that are equal but for numbers, near-duplicates, and the version of the rule of clusters."""

from __future__ import annotations

import pytest

from robust_xtreme.core.errors import Mismatch
from robust_xtreme.core.examples import UNLABELLED, Example, Text, digest
from robust_xtreme.core.specs import Origin, Row
from robust_xtreme.gating.identities import check_alike
from robust_xtreme.tasks.adapters.tagging import tagging
from robust_xtreme.tasks.sources.rows import clusters_version, data_identity
from robust_xtreme.tasks.sources.survey import near_duplicates


def _adapted(*sentences: str) -> tuple[Example, ...]:
    rows = [Row(str(at), "f:1", {"words": tuple(it.split()), "tags": ()}) for at, it in enumerate(sentences)]
    return tagging(("O",))(tuple(rows), Origin("panx", "test", "sw"))


def _items(*texts: str) -> list[Example]:
    """Examples of one text, each in a cluster of its own."""
    return [Example(str(at), {"text": Text(str(at), "en", text)}, UNLABELLED, str(at)) for at, text in enumerate(texts)]


@pytest.mark.parametrize("number", ["12", "4.4", "6,837", "٤٫٤", "४", "0", "1990–95"])
def test_sentences_that_differ_in_numbers_are_one_cluster(number: str) -> None:
    """Digits of any script, with single signs between them; the texts that noise follows keep their ids."""
    first, other = _adapted("Eneo lake ni 177.82 km² .", f"Eneo lake ni {number} km² .")
    assert first.cluster == other.cluster
    assert (first.texts["tokens"].id, other.texts["tokens"].id) == ("panx/test/sw/0/tokens", "panx/test/sw/1/tokens")


def test_other_sentences_keep_their_clusters() -> None:
    """A sentence without a number is named by its words as before, and other words are another cluster."""
    plain, other, marked = _adapted("Eneo lake", "Eneo 5 lake", "Eneo # lake")
    assert plain.cluster == f"sentence/{digest('Eneo', 'lake')}"
    assert len({plain.cluster, other.cluster, marked.cluster}) == 3


def test_the_identity_of_data_names_the_rule_of_clusters_where_it_matters() -> None:
    """A baseline of sentences with numbers from before is refused with that reason; without numbers it is valid."""
    numbers, plain = (data_identity(_adapted(text)) for text in ("Eneo 5", "Eneo"))
    assert (clusters_version(numbers), clusters_version(plain), clusters_version(plain, numbers)) == (2, 1, 2)

    def side(data: str) -> tuple[str, dict[str, object], list[tuple[str, ...]]]:
        row = {"task": "panx", "language": "sw", "data": data}
        return f"run {data}", {"asked": {}, "data": [row], "tasks": {}, "conditions": []}, []

    before = numbers.partition("-")[0]
    with pytest.raises(Mismatch, match="panx/sw"):
        check_alike(side(before), side(numbers))
    check_alike(side(plain), side(plain))


def test_near_duplicates_are_counted_over_clusters() -> None:
    """Texts that share half of their runs of characters, or all; not in one cluster, and not for an edge alone."""
    template = "The river {} is a tributary of the river Olt in Romania"
    near = [template.format(name) for name in ("Seghe", "Horezu", "Ponoru")]
    apart = ["A cat sleeps on the mat", "Nobody has read this book before", "It", "", "Is it"]
    assert near_duplicates(_items(*near, *apart)) == 3
    assert near_duplicates(_items(*apart, "It")) == 2
    together = [Example(item.id, item.texts, item.target, "one") for item in _items(*near)]
    assert near_duplicates([*together, *_items(*apart)]) == 0
