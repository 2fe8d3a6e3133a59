"""The metrics of MultiCheckList: one over all tests, and one for each test.

In google-research/xtreme a case counts only where all of its questions are answered; here each question counts.
"""

from __future__ import annotations

from collections.abc import Mapping

from robust_xtreme.examples import Scored
from robust_xtreme.metric import Metric, share
from robust_xtreme.metrics._mlqa import in_its_language
from robust_xtreme.targets.checklist import answered


def of_test(test: str, summary: str) -> Metric:
    """The metric `checklist_TEST` of the questions of one test; without a test `checklist_pass_rate`, over all tests.

    Questions of other tests have no stats. A question that does not belong to a test counts in each.
    """

    def stats(scored: Scored) -> Mapping[str, tuple[float, ...]]:
        match scored.clean.cluster.split("/"):  # checklist/TEST/NUMBER
            case ["checklist", other, _] if test not in ("", other):
                return {}
        return in_its_language(answered)(scored)

    return Metric(
        name=f"checklist_{test or 'pass_rate'}",
        summary=summary,
        columns=("answered", "n"),
        stats=stats,
        reduce=share,
        cite="XTREME-R, multichecklist/generate_test_utils.py: expect_squad",
    )
