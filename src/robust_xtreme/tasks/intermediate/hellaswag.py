"""HellaSwag: which of four endings continues with a text about what people do?"""

from __future__ import annotations

from typing import Final

from robust_xtreme.core.specs import LEARNED, Files, TaskSpec, parquet
from robust_xtreme.tasks.intermediate._choice import LENGTH, by_premise, fields
from robust_xtreme.tasks.intermediate._hub import ending

_COMMIT: Final = "218ec52e09a7e7462a5400043bb9a69a41d06b76"
# Of Rowan/hellaswag on the hub: docs/decisions/tasks.md#hub-commits says where it was seen.


def _files(name: str, *more: str) -> Files:
    within = ("hellaswag", "hellaswag/data")
    return Files("hellaswag_jsonl", (*(f"{folder}/hellaswag_{name}.jsonl" for folder in within), *more))


hellaswag = TaskSpec(
    name="hellaswag",
    summary="Sentence completion: which of four endings continues with a text.",
    family="choice",
    metrics=("accuracy",),
    languages=("en",),
    files={
        "train": _files("train", "hellaswag/hellaswag_train.first3368.jsonl"),
        "validation": _files("val"),
    },
    perturbed=(fields(4, question=False),),
    adapt=by_premise,
    accepts=("hellaswag",),
    cite="Zellers et al. 2019, HellaSwag: Can a Machine Really Finish Your Sentence? (arXiv 1905.07830)",
    max_length=LENGTH,
    hub=parquet("Rowan/hellaswag", _COMMIT, "default", LEARNED, ending, files="data/{split}-*.parquet"),
    rows="39,905 texts to train on and 10,042 of validation.",
    train_rows=39_905,
    licence="MIT",
)
