"""QQP: do two questions that people asked on Quora ask the same?"""

from __future__ import annotations

from typing import Final

from robust_xtreme.core.specs import LEARNED, Files, TaskSpec, parquet
from robust_xtreme.tasks.adapters.pairs import pairs
from robust_xtreme.tasks.intermediate._hub import questions

_LABELS: Final = ("not_duplicate", "duplicate")
_COMMIT: Final = "bcdcba79d07bc864c1c254ccfcedcce55bcc9a8c"
# Of nyu-mll/glue on the hub: docs/decisions/tasks.md#hub-commits says where it was seen.

_FOLDERS: Final = ("QQP", "glue_data/QQP", "qqp")

qqp = TaskSpec(
    name="qqp",
    summary="Paraphrase identification: whether two questions ask the same.",
    family="classification",
    metrics=("accuracy",),
    languages=("en",),
    files={
        split: Files("qqp_tsv", tuple(f"{folder}/{name}.tsv" for folder in _FOLDERS))
        for split, name in (("train", "train"), ("validation", "dev"))
    },
    perturbed=(("sentence1", "sentence2"),),
    adapt=pairs(_LABELS, {"0": "not_duplicate", "1": "duplicate"}),
    accepts=("qqp",),
    cite="Iyer et al. 2017, First Quora Dataset Release: Question Pairs; in the splits of Wang et al. 2019, GLUE "
    "(arXiv 1804.07461)",
    labels=_LABELS,
    max_length=128,
    hub=parquet("nyu-mll/glue", _COMMIT, "qqp", LEARNED, questions),
    rows="About 363,800 pairs to train on and 40,430 of validation.",
    train_rows=363_800,
    licence="Quora's terms of service",
)
