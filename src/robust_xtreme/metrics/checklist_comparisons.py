"""Questions of MultiCheckList's comparisons that are answered as expected."""

from __future__ import annotations

from robust_xtreme.metrics._checklist import of_test

checklist_comparisons = of_test(
    "comparisons", "Share of questions about comparisons answered as expected, as of who is less old."
)
