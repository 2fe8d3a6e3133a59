"""The metrics of MultiCheckList: one of all tests, one of each.

In google-research/xtreme a case counts only where all of its questions are answered; here each question counts.
"""

from __future__ import annotations

from collections.abc import Mapping

from robust_xtreme.examples import Answers, Scored
from robust_xtreme.metric import Metric, share, targets
from robust_xtreme.metrics._squad import golds_clean, said_clean, scoped
from robust_xtreme.targets.checklist import answered


def of_test(test: str, summary: str) -> Metric:
    """The metric `checklist_TEST` of the questions of one test; with no test that of all, `checklist_pass_rate`.

    Questions of other tests are none of its items: they have no stats. One that is of no test counts in each.
    """

    def stats(judged: Scored) -> Mapping[str, tuple[float, ...]]:
        targets(judged, Answers, restored=True)
        if test and test_of(judged.clean.cluster) not in ("", test):
            return {}
        language = judged.clean.texts["context"].language
        return scoped(said_clean, golds_clean, lambda said, golds: answered(said, golds, language))(judged)

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
