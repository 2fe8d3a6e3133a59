"""SQuAD 2.0: the questions of SQuAD 1.1, and as hard ones without an answer in their passage."""

from __future__ import annotations

from typing import Final

from robust_xtreme.examples import NO_ANSWER
from robust_xtreme.intermediate._hub import question_or_none
from robust_xtreme.intermediate._squad import LENGTH, LICENCE, METRICS, PERTURBED, STRIDE, TRAINS, adapt, files
from robust_xtreme.specs import HubFiles, TaskSpec

_COMMIT: Final = "3ffb306f725f7d2ce8394bc1873b24868140c412"
# Of rajpurkar/squad_v2 on the hub: docs/decisions/0080-intermediate-tasks.md says where it was seen.

squad_v2 = TaskSpec(
    name="squad_v2",
    summary="Extractive question answering on English Wikipedia passages, version 2.0: some questions have no answer.",
    family="span_qa",
    metrics=METRICS,
    languages=("en",),
    files=files("2.0"),
    perturbed=PERTURBED,
    adapt=adapt,
    accepts=("squad_v2",),
    cite="Rajpurkar et al. 2018, Know What You Don't Know: Unanswerable Questions for SQuAD (arXiv 1806.03822)",
    labels=(NO_ANSWER,),
    max_length=LENGTH,
    stride=STRIDE,
    hub={
        split: HubFiles(
            "rajpurkar/squad_v2",
            _COMMIT,
            "squad_v2",
            split,
            f"squad_v2/{split}-*.parquet",
            question_or_none,
            ids="native",
        )
        for split in ("train", "validation")
    },
    rows="130,319 questions to train on, 43,498 of them without an answer, and 11,873 of validation, 5,945 without.",
    licence=LICENCE,
    trains=TRAINS,
)
