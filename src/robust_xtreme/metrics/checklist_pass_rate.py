"""Questions of MultiCheckList that are answered as expected."""

from __future__ import annotations

from robust_xtreme.metrics._checklist import of_test

checklist_pass_rate = of_test(
    "", "Share of questions answered as expected, by the rule of their language; of all six tests."
)
