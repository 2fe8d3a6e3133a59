"""Mewsli-X: find the entity that a mention in the news means, among a million described in fifty languages."""

from __future__ import annotations

from typing import Final

from robust_xtreme.core.languages import codes
from robust_xtreme.core.specs import Files, Pool, TaskSpec
from robust_xtreme.tasks.adapters.retrieval import entities, mentions

_LANGUAGES: Final = codes("ar de en es fa ja pl ro ta tr uk")
_POOL: Final = Files("mewsli_entities", ("mewslix/candidate_set_entities.jsonl",), ids="native")


def _news(part: str) -> Files:
    return Files("mewsli_mentions", (f"mewslix/wikinews_mentions-{part}.jsonl",), ids="native", mixed=True)


mewsli_x = TaskSpec(
    name="mewsli_x",
    summary="Entity linking: the description, in any language, of what a mention in the news means.",
    family="retrieval",
    metrics=("map_at_20",),
    languages=_LANGUAGES,
    files={
        "train": Files("mewsli_mentions", ("mewslix/wikipedia_pairs-train.jsonl",), ids="native"),
        "validation": _news("dev"),
        "test": _news("test"),
    },
    perturbed=(("query",),),
    noisable=("candidate",),
    adapt=mentions,
    accepts=("mewsli_x",),
    cite="Ruder et al. 2021, XTREME-R: Towards More Challenging and Nuanced Multilingual Evaluation (arXiv 2104.07412)",
    max_length=64,
    groups={"xtreme-r": _LANGUAGES},
    score=("map_at_20",),
    pool=Pool(entities, max_length=64, files={"validation": _POOL, "test": _POOL}),
    rows="14,624 mentions to test and 2,991 to validate in 11 languages, 167,719 English ones to train on, and one "
    "pool of 1,003,893 entities described in 50 languages.",
    train_rows=167_719,
    official="google-research/xtreme, third_party/utils_mewslix.py (evaluate_all): mean average precision at 20.",
    checked="`tests/real/test_mock_scorer.py`: the mean over XTREME's mock predictions is the one that its own test "
    "expects (14.3903).",
    absent="The copy there (izhx/mewsli-x) has its candidates in a tar archive, and mentions without their places. Run "
    "XTREME's scripts/download_mewslix_data.sh, and name the folder with --data DIR.",
    licence="not stated with the release; its texts are Wikinews' and Wikipedia's",
)
