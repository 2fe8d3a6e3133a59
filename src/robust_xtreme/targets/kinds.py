"""The kinds of tasks, by name."""

from __future__ import annotations

from typing import Final

from robust_xtreme.targets.choice import CHOICE, CLASSIFICATION
from robust_xtreme.targets.documents import RETRIEVAL
from robust_xtreme.targets.kind import Kind
from robust_xtreme.targets.spans import SPAN_QA
from robust_xtreme.targets.tags import TAGGING

KINDS: Final = (CLASSIFICATION, CHOICE, TAGGING, SPAN_QA, RETRIEVAL)


def kind_of(family: str) -> Kind:
    """The kind that a task's `family` names; a kind of another package has the defaults."""
    return next((kind for kind in KINDS if kind.name == family), Kind(family))
