"""Cosmos QA: which of four answers to a question on a blog's passage is right by common sense?"""

from __future__ import annotations

from typing import Final

from robust_xtreme.core.specs import LEARNED, Files, TaskSpec, parquet
from robust_xtreme.tasks.intermediate._choice import LENGTH, by_premise, fields
from robust_xtreme.tasks.intermediate._hub import passage

_COMMIT: Final = "ed50fe83db62b355759053b1cd5eef344ee371e0"
# Of allenai/cosmos_qa, converted to parquet: docs/decisions/tasks.md#hub-commits says where it was seen.

cosmos_qa = TaskSpec(
    name="cosmos_qa",
    summary="Reading with common sense: which of four answers to a question on a passage of a blog is right.",
    family="choice",
    metrics=("accuracy",),
    languages=("en",),
    files={
        split: Files("cosmos_csv", (f"cosmosqa/{name}.csv", f"cosmosqa/data/{name}.csv"), ids="native")
        for split, name in (("train", "train"), ("validation", "valid"))
    },
    perturbed=(fields(4),),
    adapt=by_premise,
    accepts=("cosmos_qa",),
    cite="Huang et al. 2019, Cosmos QA: Machine Reading Comprehension with Contextual Commonsense Reasoning "
    "(arXiv 1909.00277)",
    max_length=LENGTH,
    hub=parquet(
        "allenai/cosmos_qa", _COMMIT, "default", LEARNED, passage, ids="native", files="default/{split}/*.parquet"
    ),
    rows="25,262 questions to train on and 2,985 of validation.",
    train_rows=25_262,
    licence="CC BY 4.0",
)
