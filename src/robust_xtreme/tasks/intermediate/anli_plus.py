"""ANLI+: the three rounds of ANLI with MultiNLI and SNLI, learned under one head."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from robust_xtreme.core.specs import LEARNED, Files, HubFiles, parquet
from robust_xtreme.tasks.adapters.hub import pair
from robust_xtreme.tasks.intermediate._hub import labelled_pair
from robust_xtreme.tasks.intermediate.mnli import mnli

_ANLI_COMMIT: Final = "8e4813d81f46d313dac7892e1c28076917cfcdf9"
# Of facebook/anli on the hub: docs/decisions/tasks.md#hub-commits says where it was seen.


def _anli_files(name: str) -> Files:
    """The three rounds of a split, all of them."""
    folders = ("anli_v1.0", "anli")
    return Files(
        "nli_pairs", tuple(tuple(f"{folder}/R{round}/{name}.jsonl" for round in (1, 2, 3)) for folder in folders)
    )


anli = replace(
    mnli,
    name="anli",
    summary="Natural language inference on pairs that people wrote to mislead models, in three rounds.",
    files={"train": _anli_files("train"), "validation": _anli_files("dev")},
    accepts=("anli",),
    cite="Nie et al. 2020, Adversarial NLI: A New Benchmark for Natural Language Understanding (arXiv 1910.14599)",
    hub={
        split: HubFiles("facebook/anli", _ANLI_COMMIT, "plain_text", name, f"plain_text/{name}_r?-*.parquet", pair)
        for split, name in (("train", "train"), ("validation", "dev"))
    },
    rows="162,865 pairs to train on, of three rounds, and 3,200 of validation.",
    train_rows=162_865,
    trains=(),
    licence="CC BY-NC 4.0, not for commercial use",
)


_COMMIT: Final = "cdb5c3d5eed6ead6e5a341c8e56e669bb666725b"
# Of stanfordnlp/snli on the hub: docs/decisions/tasks.md#hub-commits says where it was seen.


def _files(name: str, *more: str) -> Files:
    return Files("nli_pairs", (f"snli_1.0/snli_1.0_{name}.jsonl", f"snli/snli_1.0_{name}.jsonl", *more))


snli = replace(
    mnli,
    name="snli",
    summary="Natural language inference on sentences that describe pictures.",
    files={"train": _files("train"), "validation": _files("dev"), "test": _files("test", "snli/snli-test.tsv")},
    accepts=("snli",),
    cite="Bowman et al. 2015, A large annotated corpus for learning natural language inference (arXiv 1508.05326)",
    hub=parquet("stanfordnlp/snli", _COMMIT, "plain_text", (*LEARNED, "test"), labelled_pair),
    rows="549,367 pairs with a label to train on, 9,842 of validation and 9,824 of test.",
    train_rows=549_367,
    trains=(),
    licence="CC BY-SA 4.0",
)


anli_plus = replace(
    mnli,
    name="anli_plus",
    summary="Natural language inference on ANLI's three rounds, MultiNLI and SNLI together, under one head.",
    files={},
    hub={},
    accepts=("anli_plus",),
    cite=f"{anli.cite}; with MultiNLI and SNLI, as in Phang et al. 2020, English Intermediate-Task Training Improves "
    "Zero-Shot Cross-Lingual Transfer Too (arXiv 2005.13013)",
    rows="1,104,934 pairs to train on: 162,865 of ANLI, 392,702 of MultiNLI and 549,367 of SNLI.",
    train_rows=1_104_934,
    absent="Its rows are those of its parts: anli, mnli and snli.",
    licence="those of its parts; of ANLI CC BY-NC 4.0, not for commercial use",
    parts=(anli, mnli, snli),
)
