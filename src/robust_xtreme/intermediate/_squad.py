"""Shared parts of SQuAD's two versions: their files, and the adapter of their questions."""

from __future__ import annotations

from typing import Final

from robust_xtreme.adapters.qa import by_question, span_qa
from robust_xtreme.specs import Files

METRICS: Final = ("squad_f1", "squad_em")
PERTURBED: Final = (("question",), ("context",))
LENGTH: Final = 384
STRIDE: Final = 128
LICENCE: Final = "CC BY-SA 4.0"
TRAINS: Final = ("xquad", "mlqa", "lareqa")
"""The tasks that are trained on SQuAD 1.1, whose questions version 2.0 has too."""

adapt = span_qa(by_question)


def files(version: str) -> dict[str, Files]:
    """The files of a version; the development set may also be a copy that was rebuilt from its parts."""
    dev = f"squad/dev-v{version}"
    return {
        "train": Files("squad", (f"squad/train-v{version}.json",), ids="native"),
        "validation": Files("squad", (f"{dev}.json", f"{dev}.rebuilt.json"), ids="native"),
    }
