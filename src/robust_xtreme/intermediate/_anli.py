"""ANLI: pairs written against models in three rounds. A part of ANLI+."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from robust_xtreme.adapters.hub import pair
from robust_xtreme.intermediate.mnli import mnli
from robust_xtreme.specs import Files, HubFiles

_COMMIT: Final = "8e4813d81f46d313dac7892e1c28076917cfcdf9"
# Of facebook/anli on the hub: docs/decisions/0080-intermediate-tasks.md says where it was seen.


def _files(name: str) -> Files:
    """The three rounds of a split, all of them."""
    folders = ("anli_v1.0", "anli")
    return Files(
        "nli_pairs", tuple(tuple(f"{folder}/R{round}/{name}.jsonl" for round in (1, 2, 3)) for folder in folders)
    )


anli = replace(
    mnli,
    name="anli",
    summary="Natural language inference on pairs that people wrote to mislead models, in three rounds.",
    files={"train": _files("train"), "validation": _files("dev")},
    accepts=("anli",),
    cite="Nie et al. 2020, Adversarial NLI: A New Benchmark for Natural Language Understanding (arXiv 1910.14599)",
    hub={
        split: HubFiles("facebook/anli", _COMMIT, "plain_text", name, f"plain_text/{name}_r?-*.parquet", pair)
        for split, name in (("train", "train"), ("validation", "dev"))
    },
    rows="162,865 pairs to train on, of three rounds, and 3,200 of validation.",
    train_rows=162_865,
    trains=(),
    licence="CC BY-NC 4.0, not for commercial use",
)
