"""Pairs of sentences that share a premise, in the intermediate tasks."""

from __future__ import annotations

import pytest

from robust_xtreme.core import registry
from robust_xtreme.core.specs import Origin, Row


@pytest.mark.parametrize("name", ["mnli", "anli_plus"])
def test_pairs_of_one_premise_are_one_text_and_one_cluster(name: str) -> None:
    """Noise is drawn once for a premise, and a limit takes all of its pairs."""
    values = {"first": "p", "second": "h", "label": "neutral"}
    rows = tuple(Row(str(number), f"f:{number}", values) for number in range(2))
    first, second = registry.load("intermediate", name).adapt(rows, Origin(name, "validation", "en"))
    assert first.texts["premise"] == second.texts["premise"]
    assert first.cluster == second.cluster
    assert first.texts["hypothesis"].id != second.texts["hypothesis"].id
