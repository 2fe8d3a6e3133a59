"""XCOPA: which of two sentences is the cause or the effect of a premise? Eleven languages, parallel."""

from __future__ import annotations

from typing import Final

from robust_xtreme.core.languages import codes
from robust_xtreme.core.specs import Files, TaskSpec, parquet
from robust_xtreme.tasks.adapters.choice import choice
from robust_xtreme.tasks.adapters.hub import causal

_LANGUAGES: Final = codes("et ht id it qu sw ta th tr vi zh")
_ASKED: Final = {"cause": "What was the cause?", "effect": "What was the effect?"}
# In English in every language, after the premise, as google-research/xtreme, third_party/run_xcopa.py asks.

_XCOPA: Final = "042f78955ba48e6404616762fa6e05e839c3907a"
_COPA: Final = "3de24cf8022e94f4ee4b9d55a6f539891524d646"
# Commits of the hub: docs/decisions/tasks.md#hub-commits says where each was seen.

xcopa = TaskSpec(
    name="xcopa",
    summary="Causal commonsense: which of two sentences is the cause or the effect of a premise.",
    family="choice",
    metrics=("accuracy",),
    languages=_LANGUAGES,
    files={
        # The release's own files have the labels that XTREME's preprocessing sets to 0.
        split: Files(
            "jsonl_choices", (f"xcopa/data/{{language}}/{part}.{{language}}.jsonl", f"xcopa/{part}-{{language}}.jsonl")
        )
        for split, part in (("train", "train"), ("validation", "val"), ("test", "test"))
    },
    perturbed=(("premise", "choice1", "choice2"),),
    adapt=choice(_ASKED),
    accepts=("xcopa", "siqa"),
    cite="Ponti et al. 2020, XCOPA: A Multilingual Dataset for Causal Commonsense Reasoning (arXiv 2005.00333); "
    "train: Roemmele et al. 2011, Choice of Plausible Alternatives",
    max_length=128,
    choices=2,
    hub={
        **parquet("aps/super_glue", _COPA, "copa", ("train",), causal),
        **parquet("cambridgeltl/xcopa", _XCOPA, "{language}", ("validation", "test"), causal),
    },
    groups={"xtreme-r": _LANGUAGES},
    rows="500 test and 100 validation items in each language; 400 of English COPA to train on.",
    train_rows=400,
    official="google-research/xtreme, evaluate.py: accuracy.",
    checked="`tests/unit/test_torchmetrics.py`: accuracy is that of torchmetrics; the mock data contain no XCOPA. "
    "`tests/real/test_task_files.py`: nine of the languages have the official rows.",
    licence="CC BY 4.0, as generally stated",
)
