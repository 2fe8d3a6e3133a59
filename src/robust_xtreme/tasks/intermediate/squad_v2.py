"""SQuAD 2.0: the questions of SQuAD 1.1, and as hard ones without an answer in their passage."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from robust_xtreme.core.examples import NO_ANSWER
from robust_xtreme.core.specs import LEARNED, parquet
from robust_xtreme.tasks.intermediate._hub import question_or_none
from robust_xtreme.tasks.intermediate.squad import files, squad

_COMMIT: Final = "3ffb306f725f7d2ce8394bc1873b24868140c412"
# Of rajpurkar/squad_v2 on the hub: docs/decisions/tasks.md#hub-commits says where it was seen.

squad_v2 = replace(
    squad,
    name="squad_v2",
    summary="Extractive question answering on English Wikipedia passages, version 2.0: some questions have no answer.",
    files=files("2.0"),
    accepts=("squad_v2",),
    cite="Rajpurkar et al. 2018, Know What You Don't Know: Unanswerable Questions for SQuAD (arXiv 1806.03822)",
    labels=(NO_ANSWER,),
    hub=parquet("rajpurkar/squad_v2", _COMMIT, "squad_v2", LEARNED, question_or_none, ids="native"),
    rows="130,319 questions to train on, 43,498 of them without an answer, and 11,873 of validation, 5,945 without.",
    train_rows=130_319,
)
