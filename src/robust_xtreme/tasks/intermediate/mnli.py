"""MultiNLI: does the premise entail the hypothesis? Ten genres of English."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from robust_xtreme.core.examples import Example, digest
from robust_xtreme.core.specs import Files, HubFiles, Origin, Row, TaskSpec
from robust_xtreme.tasks.adapters.nli import nli
from robust_xtreme.tasks.intermediate._hub import labelled_pair

LABELS: Final = ("entailment", "neutral", "contradiction")
"""The labels of every task of this kind, in XNLI's order, so that one head can serve all of them."""

FIELDS: Final = ("premise", "hypothesis")
LENGTH: Final = 128


def by_premise(rows: tuple[Row, ...], origin: Origin) -> tuple[Example, ...]:
    """Examples with the fields `premise` and `hypothesis`; the cluster is the row's own, or its premise."""
    clustered = (replace(row, cluster=row.cluster or f"premise/{digest(row.values['first'])}") for row in rows)
    return nli(LABELS)(tuple(clustered), origin)


_COMMIT: Final = "da70db2af9d09693783c3320c4249840212ee221"
# Of nyu-mll/multi_nli on the hub: docs/decisions/tasks.md#hub-commits says where it was seen.

_RELEASE: Final = "multinli_1.0/multinli_1.0"
_GLUE: Final = ("MNLI", "glue_data/MNLI")
_DEV: Final = ("dev_matched", "dev_mismatched")

mnli = TaskSpec(
    name="mnli",
    summary="Natural language inference in ten genres of English: entailment, neutral or contradiction.",
    family="classification",
    metrics=("accuracy",),
    languages=("en",),
    files={
        "train": Files(
            "nli_pairs",
            (
                f"{_RELEASE}_train.jsonl",
                *(f"{folder}/train.tsv" for folder in _GLUE),
                "mnli/train.jsonl",
                "xnli/train-en.tsv",
                "mnli/taxinli10k.tsv",
            ),
        ),
        "validation": Files(
            "nli_pairs",
            (
                tuple(f"{_RELEASE}_{name}.jsonl" for name in _DEV),
                *(tuple(f"{folder}/{name}.tsv" for name in _DEV) for folder in _GLUE),
            ),
        ),
    },
    perturbed=(FIELDS,),
    adapt=by_premise,
    accepts=("mnli",),
    cite="Williams et al. 2018, A Broad-Coverage Challenge Corpus for Sentence Understanding through Inference "
    "(arXiv 1704.05426)",
    labels=LABELS,
    max_length=LENGTH,
    hub={
        "train": HubFiles("nyu-mll/multi_nli", _COMMIT, "default", "train", "data/train-*.parquet", labelled_pair),
        "validation": HubFiles(
            "nyu-mll/multi_nli", _COMMIT, "default", "validation", "data/validation_m*-*.parquet", labelled_pair
        ),
    },
    rows="392,702 pairs to train on and 19,647 of validation, matched and mismatched; TaxiNLI's part has 10,071.",
    train_rows=392_702,
    licence="CC BY 3.0, CC BY-SA 3.0, MIT and others by genre, by the card of its copy on the hub; of TaxiNLI's part "
    "C-UDA 1.0",
    trains=("xnli",),
)
