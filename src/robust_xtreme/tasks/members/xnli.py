"""XNLI: does the premise entail the hypothesis? Fifteen languages, parallel."""

from __future__ import annotations

from typing import Final

from robust_xtreme.core.languages import codes
from robust_xtreme.core.specs import Files, HubFiles, TaskSpec, parquet
from robust_xtreme.tasks.adapters.hub import pair
from robust_xtreme.tasks.adapters.nli import nli

_LANGUAGES: Final = codes("ar bg de el en es fr hi ru sw th tr ur vi zh")
_LABELS: Final = ("entailment", "neutral", "contradiction")
_XNLI: Final = "b8dd5d7af51114dbda02c0e3f6133f332186418e"
_MNLI: Final = "da70db2af9d09693783c3320c4249840212ee221"
# Commits of the hub: docs/decisions/tasks.md#hub-commits says where each was seen.

xnli = TaskSpec(
    name="xnli",
    summary="Natural language inference: entailment, neutral or contradiction.",
    family="classification",
    metrics=("accuracy",),
    languages=_LANGUAGES,
    files={
        "train": Files("tsv", ("xnli/train-{language}.tsv", "mnli/taxinli10k.tsv")),
        "validation": Files("tsv", ("xnli/dev-{language}.tsv",)),
        "test": Files("tsv", ("xnli/test-{language}.tsv",)),
    },
    perturbed=(("premise", "hypothesis"),),
    adapt=nli(_LABELS),
    accepts=("xnli", "mnli", "anli_plus"),
    cite="Conneau et al. 2018, XNLI: Evaluating Cross-lingual Sentence Representations (arXiv 1809.05053)",
    labels=_LABELS,
    max_length=128,
    hub={
        "train": HubFiles("nyu-mll/multi_nli", _MNLI, "default", "train", "data/train-*.parquet", pair),
        **parquet("facebook/xnli", _XNLI, "{language}", ("validation", "test"), pair),
    },
    groups={"xtreme-r": _LANGUAGES, "xtreme": _LANGUAGES},
    rows="5,010 test and 2,490 validation pairs in each language; 392,702 English ones (MultiNLI) to train on.",
    train_rows=392_702,
    official="google-research/xtreme, evaluate.py: accuracy.",
    checked="`tests/real/test_mock_scorer.py`: the mean over XTREME's mock predictions is the one that its own test "
    "expects (30.6667). `tests/real/test_release_files.py`: fifteen languages have the official rows of validation, "
    "nine those of test.",
    licence="CC BY-NC 4.0, not for commercial use",
)
