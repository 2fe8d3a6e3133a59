"""SQuAD 1.1: questions on passages of Wikipedia, each of which has an answer there."""

from __future__ import annotations

from typing import Final

from robust_xtreme.adapters.hub import question
from robust_xtreme.intermediate._squad import LENGTH, LICENCE, METRICS, PERTURBED, STRIDE, TRAINS, adapt, files
from robust_xtreme.specs import HubFiles, TaskSpec

_COMMIT: Final = "7b6d24c440a36b6815f21b70d25016731768db1f"
# Of rajpurkar/squad on the hub: docs/decisions/0060-hub-revisions.md says where it was seen.

squad = TaskSpec(
    name="squad",
    summary="Extractive question answering on English Wikipedia passages, version 1.1: every question has an answer.",
    family="span_qa",
    metrics=METRICS,
    languages=("en",),
    files=files("1.1"),
    perturbed=PERTURBED,
    adapt=adapt,
    accepts=("squad",),
    cite="Rajpurkar et al. 2016, SQuAD: 100,000+ Questions for Machine Comprehension of Text (arXiv 1606.05250)",
    max_length=LENGTH,
    stride=STRIDE,
    hub={
        split: HubFiles(
            "rajpurkar/squad", _COMMIT, "plain_text", split, f"plain_text/{split}-*.parquet", question, ids="native"
        )
        for split in ("train", "validation")
    },
    rows="87,599 questions to train on and 10,570 of validation, which has all passages of XQuAD and LAReQA.",
    licence=LICENCE,
    trains=TRAINS,
)
