"""Questions of MultiCheckList's professions and nationalities that are answered as expected."""

from __future__ import annotations

from robust_xtreme.metrics._checklist import of_test

checklist_professions = of_test("professions", "Share of questions about a job or a nationality answered as expected.")
