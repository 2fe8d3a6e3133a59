"""Questions of MultiCheckList's properties that are answered as expected."""

from __future__ import annotations

from robust_xtreme.metrics._checklist import of_test

checklist_properties = of_test(
    "properties", "Share of questions about two properties of a thing answered as expected, as of its color and shape."
)
