"""ANLI+: the three rounds of ANLI with MultiNLI and SNLI, learned under one head."""

from __future__ import annotations

from robust_xtreme.intermediate._anli import anli
from robust_xtreme.intermediate._nli import FIELDS, LABELS, LENGTH, by_premise
from robust_xtreme.intermediate._snli import snli
from robust_xtreme.intermediate.mnli import mnli
from robust_xtreme.specs import TaskSpec

anli_plus = TaskSpec(
    name="anli_plus",
    summary="Natural language inference on ANLI's three rounds, MultiNLI and SNLI together, under one head.",
    family="classification",
    metrics=("accuracy",),
    languages=("en",),
    files={},
    perturbed=(FIELDS,),
    adapt=by_premise,
    accepts=("anli_plus",),
    cite=f"{anli.cite}; with MultiNLI and SNLI, as in Phang et al. 2020, English Intermediate-Task Training Improves "
    "Zero-Shot Cross-Lingual Transfer Too (arXiv 2005.13013)",
    labels=LABELS,
    max_length=LENGTH,
    rows="1,104,934 pairs to train on: 162,865 of ANLI, 392,702 of MultiNLI and 549,367 of SNLI.",
    absent="Its rows are those of its parts: anli, mnli and snli.",
    licence="those of its parts; of ANLI CC BY-NC 4.0, not for commercial use",
    trains=("xnli",),
    parts=(anli, mnli, snli),
)
