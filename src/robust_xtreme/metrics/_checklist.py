"""The metrics of MultiCheckList: one over all tests, and one for each test.

In google-research/xtreme a case counts only where all of its questions are answered; here each question counts.
"""

from __future__ import annotations

from collections.abc import Mapping

from robust_xtreme.examples import Answers, Scored
from robust_xtreme.metric import Metric, share, targets
from robust_xtreme.metrics._squad import answer_clean, golds_clean, scoped
from robust_xtreme.targets.checklist import answered


def of_test(test: str, summary: str) -> Metric:
    """The metric `checklist_TEST` of the questions of one test; without a test `checklist_pass_rate`, over all tests.

    Questions of other tests have no stats. A question that does not belong to a test counts in each.
    """

    def stats(scored: Scored) -> Mapping[str, tuple[float, ...]]:
        targets(scored, Answers, restored=True)
        if test and test_of(scored.clean.cluster) not in ("", test):
            return {}
        language = scored.clean.texts["context"].language
        return scoped(answer_clean, golds_clean, lambda answer, golds: answered(answer, golds, language))(scored)

    return Metric(
        name=f"checklist_{test or 'pass_rate'}",
        summary=summary,
        columns=("answered", "n"),
        stats=stats,
        reduce=share,
        cite="XTREME-R, multichecklist/generate_test_utils.py: expect_squad",
    )


def test_of(cluster: str) -> str:
    """The test that a case belongs to, from its name `checklist/TEST/NUMBER`."""
    parts = cluster.split("/")
    return parts[1] if len(parts) == 3 and parts[0] == "checklist" else ""
