"""Questions of MultiCheckList's second test of animals and vehicles that are answered as expected."""

from __future__ import annotations

from robust_xtreme.metrics._checklist import of_test

checklist_animals_v2 = of_test(
    "animals_v2", "Share of questions answered as expected that ask who bought an animal or a vehicle."
)
