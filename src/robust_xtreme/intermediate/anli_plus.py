"""ANLI+: the three rounds of ANLI with MultiNLI and SNLI, learned under one head."""

from __future__ import annotations

from dataclasses import replace

from robust_xtreme.intermediate._anli import anli
from robust_xtreme.intermediate._snli import snli
from robust_xtreme.intermediate.mnli import mnli

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
