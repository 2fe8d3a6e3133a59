"""Questions of MultiCheckList's first test of animals and vehicles that are answered as expected."""

from __future__ import annotations

from robust_xtreme.metrics._checklist import of_test

checklist_animals = of_test(
    "animals", "Share of questions answered as expected that ask what animal or vehicle someone has."
)
