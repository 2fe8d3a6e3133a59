"""Questions of MultiCheckList's intensifiers that are answered as expected."""

from __future__ import annotations

from robust_xtreme.metrics._checklist import of_test

checklist_intensity = of_test(
    "intensity", "Share of questions about intensifiers and reducers answered as expected, as of who is most happy."
)
