"""XNLI: does the premise entail the hypothesis? Fifteen languages, parallel."""

from __future__ import annotations

from typing import Final

from robust_xtreme.languages import codes
from robust_xtreme.specs import Files, TaskSpec
from robust_xtreme.tasks._nli import nli

_LABELS: Final = ("entailment", "neutral", "contradiction")

xnli = TaskSpec(
    name="xnli",
    summary="Natural language inference: entailment, neutral or contradiction.",
    family="classification",
    metrics=("accuracy",),
    languages=codes("ar bg de el en es fr hi ru sw th tr ur vi zh"),
    files={
        "train": Files("tsv_pairs", ("xnli/train-{language}.tsv", "mnli/taxinli10k.tsv")),
        "validation": Files("tsv_pairs", ("xnli/dev-{language}.tsv",)),
        "test": Files("tsv_pairs", ("xnli/test-{language}.tsv",)),
    },
    perturbed=(("premise", "hypothesis"),),
    adapt=nli(_LABELS),
    accepts=("xnli",),
    cite="Conneau et al. 2018, XNLI: Evaluating Cross-lingual Sentence Representations (arXiv 1809.05053)",
    labels=_LABELS,
    max_length=128,
)
