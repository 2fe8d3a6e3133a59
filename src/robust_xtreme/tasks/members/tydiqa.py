"""TyDiQA-GoldP: questions asked in nine languages by people who did not know the answer, with the gold passage."""

from __future__ import annotations

from robust_xtreme.core.languages import codes
from robust_xtreme.core.specs import Files, HubFiles, TaskSpec
from robust_xtreme.tasks.adapters.hub import question
from robust_xtreme.tasks.adapters.qa import by_text, span_qa

_LANGUAGES = codes("ar bn en fi id ko ru sw te")
_XTREME_TRAIN = "tydiqa/tydiqa-goldp-v1.1-train/tydiqa.goldp.{language}.train.json"
_XTREME_DEV = "tydiqa/tydiqa-goldp-v1.1-dev/tydiqa.goldp.{language}.dev.json"
_RELEASE_DEV = "tydiqa/tydiqa-goldp-v1.1-dev/tydiqa-goldp-dev-{name}.json"
_HUB = "google-research-datasets/tydiqa"
_CONFIG = "secondary_task"
_COMMIT = "da78f23f9119363459acbaf46bf89426ff26c259"
# Of the hub's copy: docs/decisions/tasks.md#hub-commits says where it was seen.

tydiqa = TaskSpec(
    name="tydiqa",
    summary="Extractive question answering on Wikipedia passages, asked natively in each language.",
    family="span_qa",
    metrics=("squad_f1", "squad_em", "surface_f1_noisy_gold", "surface_f1_clean_gold"),
    languages=_LANGUAGES,
    files={
        # XTREME's preprocessing cuts the ids of the training files down to their last part, which is not unique.
        "train": Files("squad", (_XTREME_TRAIN, "tydiqa_goldp/tydiqa.goldp.{language}.train.json"), ids="ordinal"),
        # The release's own file has the answers that XTREME's preprocessing empties.
        "validation": Files(
            "squad", (_RELEASE_DEV, _XTREME_DEV, "tydiqa_goldp/tydiqa.goldp.{language}.dev.json"), ids="native"
        ),
    },
    perturbed=(("question",), ("context",)),
    adapt=span_qa(by_text),
    accepts=("tydiqa", "xquad", "mlqa", "squad", "squad_v2"),
    cite="Clark et al. 2020, TyDi QA: A Benchmark for Information-Seeking Question Answering (arXiv 2003.05002)",
    max_length=384,
    stride=128,
    hub={
        split: HubFiles(_HUB, _COMMIT, _CONFIG, split, f"{_CONFIG}/{split}-*.parquet", question, ids, ("id", "{name}-"))
        for split, ids in (("train", "ordinal"), ("validation", "native"))
    },
    groups={"xtreme-r": _LANGUAGES, "xtreme": _LANGUAGES},
    score=("squad_em", "squad_f1"),
    rows="113 (Bengali) to 921 (Arabic) questions in validation, XTREME's test; 3,696 English ones in training.",
    train_rows=3_696,
    official="google-research/xtreme, third_party/evaluate_squad.py, which is SQuAD's evaluate-v1.1.py in every "
    "language: exact match and F1.",
    checked="`tests/real/test_mock_scorer.py`: the means over XTREME's mock predictions are those that its own test "
    "expects (88.8889 and 97.2222). `tests/unit/test_torchmetrics.py`: answers are scored as torchmetrics scores "
    "them.",
    licence="Apache 2.0, as generally stated",
)
