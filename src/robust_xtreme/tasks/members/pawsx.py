"""PAWS-X: do two sentences of almost the same words mean the same? Seven languages, parallel."""

from __future__ import annotations

from typing import Final

from robust_xtreme.core.languages import codes
from robust_xtreme.core.specs import Files, TaskSpec, parquet
from robust_xtreme.tasks.adapters.hub import sentences
from robust_xtreme.tasks.adapters.pairs import pairs

_LANGUAGES: Final = codes("de en es fr ja ko zh")
_LABELS: Final = ("different", "paraphrase")
_COMMIT: Final = "4cd8187c404bda33cb1f62b49b001115862acf37"
# Of the hub's copy: docs/decisions/tasks.md#hub-commits says where it was seen.

pawsx = TaskSpec(
    name="pawsx",
    summary="Paraphrase identification: whether two sentences of almost the same words mean the same.",
    family="classification",
    metrics=("accuracy",),
    languages=_LANGUAGES,
    files={
        "train": Files("tsv_paraphrases", ("pawsx/train-{language}.tsv", "x-final/{language}/train.tsv")),
        "validation": Files("tsv_paraphrases", ("pawsx/dev-{language}.tsv", "x-final/{language}/dev_2k.tsv")),
        # The release's own files have the labels that XTREME's preprocessing leaves out.
        "test": Files(
            "tsv_paraphrases",
            ("x-final/{language}/test_2k.tsv", "pawsx/labelled/test-{language}.tsv", "pawsx/test-{language}.tsv"),
        ),
    },
    perturbed=(("sentence1", "sentence2"),),
    adapt=pairs(_LABELS, {"0": "different", "1": "paraphrase"}),
    accepts=("pawsx",),
    cite="Yang et al. 2019, PAWS-X: A Cross-lingual Adversarial Dataset for Paraphrase Identification "
    "(arXiv 1908.11828)",
    labels=_LABELS,
    max_length=128,
    hub=parquet("google-research-datasets/paws-x", _COMMIT, "{language}", ("train", "validation", "test"), sentences),
    groups={"xtreme": _LANGUAGES},
    rows="2,000 test and 2,000 validation pairs in each language; 49,401 English ones to train on.",
    train_rows=49_401,
    official="google-research/xtreme, evaluate.py: accuracy.",
    checked="`tests/real/test_mock_scorer.py`: the mean over XTREME's mock predictions is the one that its own test "
    "expects (51.4286). `tests/real/test_task_files.py`: every language has the official rows.",
    licence="free use, as generally stated",
)
