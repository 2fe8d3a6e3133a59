"""The metrics of MultiCheckList: one over all tests, and one for each test.

In google-research/xtreme a case counts only where all of its questions are answered; here each question counts.
"""

from __future__ import annotations

import numpy as np

from robust_xtreme.core.columns import ExampleColumns, once
from robust_xtreme.core.metric import Metric, Responses, Sums, each, share
from robust_xtreme.core.targets.kinds import clean
from robust_xtreme.tasks.metrics._answers import AnswerLexicon, answers_clean, compared, golds_clean


def of_test(test: str, summary: str) -> Metric:
    """The metric `checklist_TEST` of the questions of one test; without a test `checklist_pass_rate`, over all tests.

    Questions of other tests have no stats. A question that does not belong to a test counts in each.
    """

    def sums(responses: Responses) -> Sums:
        counted, tests = once(responses, _every), once(responses.clean, _tests)
        kept = np.array([test == "" or of in (None, test) for of in tests])[counted.items]
        return Sums(counted.items[kept], counted.scopes[kept], counted.values[kept])

    return Metric(
        name=f"checklist_{test or 'pass_rate'}",
        summary=summary,
        columns=("answered", "n"),
        stats=each(sums),
        reduce=share,
        cite="XTREME-R, multichecklist/generate_test_utils.py: expect_squad",
        sums=sums,
    )


def _whole(answer: str, language: str) -> tuple[str, ...]:
    """The answer as MultiCheckList's rule compares it, which is one word here."""
    return (clean(answer, language),)


_every = compared(_whole, answers_clean, golds_clean, AnswerLexicon.exact)


def _tests(columns: ExampleColumns) -> list[str | None]:
    """The test of each question, which its cluster names: checklist/TEST/NUMBER; None where it has none."""
    parts = [example.cluster.split("/") for example in columns.examples]
    return [part[1] if len(part) == 3 and part[0] == "checklist" else None for part in parts]


checklist_pass_rate = of_test(
    "", "Share of questions answered as expected, by the rule of their language; of all six tests."
)
checklist_comparisons = of_test(
    "comparisons", "Share of questions about comparisons answered as expected, as of who is less old."
)
checklist_intensity = of_test(
    "intensity", "Share of questions about intensifiers and reducers answered as expected, as of who is most happy."
)
checklist_properties = of_test(
    "properties", "Share of questions about two properties of a thing answered as expected, as of its color and shape."
)
checklist_professions = of_test("professions", "Share of questions about a job or a nationality answered as expected.")
checklist_animals = of_test(
    "animals", "Share of questions answered as expected that ask what animal or vehicle someone has."
)
checklist_animals_v2 = of_test(
    "animals_v2", "Share of questions answered as expected that ask who bought an animal or a vehicle."
)
