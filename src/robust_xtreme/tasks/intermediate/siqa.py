"""Social IQa: which of three answers to a question on what people do is right? XTREME-R trains on it before XCOPA."""

from __future__ import annotations

from typing import Final

from robust_xtreme.core.specs import LEARNED, Files, TaskSpec, parquet
from robust_xtreme.tasks.intermediate._choice import by_premise, fields
from robust_xtreme.tasks.intermediate._hub import situation

_COMMIT: Final = "537a2ec8ec565adc0b70b70752893e59e024df26"
# Of allenai/social_i_qa, converted to parquet: docs/decisions/tasks.md#hub-commits says where it was seen.


def _files(name: str, *more: tuple[str, str]) -> Files:
    return Files("siqa_jsonl", (f"siqa/socialIQa_v1.4_{name}.jsonl", *more))


siqa = TaskSpec(
    name="siqa",
    summary="Social common sense: which of three answers to a question on a situation is right.",
    family="choice",
    metrics=("accuracy",),
    languages=("en",),
    files={
        # Some archives of the release have rows and labels in one file, others in two.
        "train": _files("trn", ("siqa/train.jsonl", "siqa/train-labels.lst")),
        "validation": _files("dev", ("siqa/dev.jsonl", "siqa/dev-labels.lst")),
        "test": _files("tst"),
    },
    perturbed=(fields(3),),
    adapt=by_premise,
    accepts=("siqa",),
    cite="Sap et al. 2019, Social IQa: Commonsense Reasoning about Social Interactions (arXiv 1904.09728)",
    max_length=128,
    hub=parquet("allenai/social_i_qa", _COMMIT, "default", LEARNED, situation, files="default/{split}/*.parquet"),
    rows="33,410 questions to train on, 1,954 of validation and 2,224 of test.",
    train_rows=33_410,
    licence="CC BY 4.0",
    trains=("xcopa",),
)
