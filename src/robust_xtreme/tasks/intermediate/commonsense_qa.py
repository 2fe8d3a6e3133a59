"""CommonsenseQA: which of five answers to a question is right, without any passage?"""

from __future__ import annotations

from typing import Final

from robust_xtreme.core.specs import LEARNED, Files, TaskSpec, parquet
from robust_xtreme.tasks.intermediate._choice import by_premise, fields
from robust_xtreme.tasks.intermediate._hub import commonsense

_COMMIT: Final = "94630fe30dad47192a8546eb75f094926d47e155"
# Of tau/commonsense_qa on the hub: docs/decisions/tasks.md#hub-commits says where it was seen.

commonsense_qa = TaskSpec(
    name="commonsense_qa",
    summary="Common sense: which of five answers to a question, its premise, is right without a passage.",
    family="choice",
    metrics=("accuracy",),
    languages=("en",),
    files={
        split: Files("commonsense_jsonl", (f"commonsenseqa/{name}_rand_split.jsonl",), ids="native")
        for split, name in (("train", "train"), ("validation", "dev"))
    },
    perturbed=(fields(5, question=False),),
    adapt=by_premise,
    accepts=("commonsense_qa",),
    cite="Talmor et al. 2019, CommonsenseQA: A Question Answering Challenge Targeting Commonsense Knowledge "
    "(arXiv 1811.00937)",
    max_length=128,
    hub=parquet(
        "tau/commonsense_qa", _COMMIT, "default", LEARNED, commonsense, ids="native", files="data/{split}-*.parquet"
    ),
    rows="9,741 questions to train on and 1,221 of validation.",
    train_rows=9_741,
    licence="MIT, by the card of its copy on the hub",
)
