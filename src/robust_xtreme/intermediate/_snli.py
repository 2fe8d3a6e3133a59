"""SNLI: pairs of sentences about pictures. A part of ANLI+."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from robust_xtreme.intermediate._hub import labelled_pair
from robust_xtreme.intermediate.mnli import mnli
from robust_xtreme.specs import LEARNED, Files, parquet

_COMMIT: Final = "cdb5c3d5eed6ead6e5a341c8e56e669bb666725b"
# Of stanfordnlp/snli on the hub: docs/decisions/0080-intermediate-tasks.md says where it was seen.


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
