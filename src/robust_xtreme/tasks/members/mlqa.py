"""MLQA: questions on Wikipedia passages in seven languages, and on passages in other languages than their own."""

from __future__ import annotations

from typing import Final

from robust_xtreme.core.languages import codes
from robust_xtreme.core.specs import Files, TaskSpec, parquet
from robust_xtreme.tasks.adapters.hub import question
from robust_xtreme.tasks.adapters.qa import by_question, span_qa

_LANGUAGES: Final = codes("ar de en es hi vi zh")
_XTREME: Final = "ec5f1f46e9af79639a90684a7a70a956c4998f04"
_SQUAD: Final = "7b6d24c440a36b6815f21b70d25016731768db1f"
# Commits of the hub: docs/decisions/tasks.md#hub-commits says where each was seen.

_PAIR: Final = "context-{context}-question-{question}.json"
_CONFIG: Final = "MLQA.{context}.{question}"

mlqa = TaskSpec(
    name="mlqa",
    summary="Extractive question answering on Wikipedia passages, within a language and across two.",
    family="span_qa",
    metrics=("mlqa_f1", "mlqa_em", "surface_f1_noisy_gold", "surface_f1_clean_gold"),
    languages=_LANGUAGES,
    files={
        "train": Files("squad", ("squad/train-v1.1.json",), ids="native"),
        "validation": Files("squad", (f"mlqa/MLQA_V1/dev/dev-{_PAIR}", f"mlqa/dev/dev-{_PAIR}"), ids="native"),
        "test": Files("squad", (f"mlqa/MLQA_V1/test/test-{_PAIR}", f"mlqa/test/test-{_PAIR}"), ids="native"),
    },
    perturbed=(("question",), ("context",)),
    adapt=span_qa(by_question),
    accepts=("mlqa", "xquad", "tydiqa", "squad", "squad_v2"),
    cite="Lewis et al. 2020, MLQA: Evaluating Cross-lingual Extractive Question Answering (arXiv 1910.07475)",
    max_length=384,
    stride=128,
    hub={
        **parquet("rajpurkar/squad", _SQUAD, "plain_text", ("train",), question, ids="native"),
        **parquet("google/xtreme", _XTREME, _CONFIG, ("validation", "test"), question, ids="native"),
    },
    groups={"xtreme-r": _LANGUAGES, "xtreme": _LANGUAGES},
    score=("mlqa_em", "mlqa_f1"),
    pairs=True,
    parallel_ids="[0-9a-f]{40}",
    rows="500 to 1,148 questions a language in validation, 4,517 to 11,590 in test; trained on SQuAD's 87,599.",
    train_rows=87_599,
    official="google-research/xtreme, third_party/evaluate_mlqa.py, which is MLQA's mlqa_evaluation_v1.py: exact "
    "match and F1 by the language of the context.",
    checked="`tests/real/test_mock_scorer.py`: the means over XTREME's mock predictions are those that its own test "
    "expects (57.1429 and 81.7687). `tests/unit/test_mlqa_metrics.py`: the rule is compared with one written a second "
    "time.",
    licence="CC BY-SA 3.0",
)
