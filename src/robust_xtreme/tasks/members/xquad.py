"""XQuAD: questions on 240 passages of SQuAD's development set, translated into twelve languages."""

from __future__ import annotations

from typing import Final

from robust_xtreme.core.languages import codes
from robust_xtreme.core.specs import Files, TaskSpec, parquet
from robust_xtreme.tasks.adapters.hub import question
from robust_xtreme.tasks.adapters.qa import by_question, span_qa

_LANGUAGES: Final = codes("ar de el en es hi ro ru th tr vi zh")
_XQUAD: Final = "51adfef1c1287aab1d2d91b5bead9bcfb9c68583"
_SQUAD: Final = "7b6d24c440a36b6815f21b70d25016731768db1f"
# Commits of the hub: docs/decisions/tasks.md#hub-commits says where each was seen.

xquad = TaskSpec(
    name="xquad",
    summary="Extractive question answering on translated Wikipedia passages.",
    family="span_qa",
    metrics=("squad_f1", "squad_em", "surface_f1_noisy_gold", "surface_f1_clean_gold"),
    languages=_LANGUAGES,
    files={
        "train": Files("squad", ("squad/train-v1.1.json",), ids="native"),
        "validation": Files("squad", ("xquad/xquad.{language}.json",), ids="native"),
    },
    perturbed=(("question",), ("context",)),
    adapt=span_qa(by_question),
    accepts=("xquad", "mlqa", "tydiqa", "squad", "squad_v2"),
    cite="Artetxe et al. 2020, On the Cross-lingual Transferability of Monolingual Representations (arXiv 1910.11856)",
    max_length=384,
    stride=128,
    hub={
        **parquet("rajpurkar/squad", _SQUAD, "plain_text", ("train",), question, ids="native"),
        **parquet("google/xquad", _XQUAD, "xquad.{language}", ("validation",), question, ids="native"),
    },
    groups={"xtreme-r": _LANGUAGES, "xtreme": tuple(code for code in _LANGUAGES if code != "ro")},
    score=("squad_em", "squad_f1"),
    rows="1,190 questions on 240 passages in each language, all in validation; trained on SQuAD's 87,599.",
    train_rows=87_599,
    official="google-research/xtreme, third_party/evaluate_squad.py, which is SQuAD's evaluate-v1.1.py in every "
    "language: exact match and F1.",
    checked="`tests/real/test_mock_scorer.py`: the means over XTREME's mock predictions are those that its own test "
    "expects (77.2727 and 79.9587). `tests/unit/test_torchmetrics.py`: answers are scored as torchmetrics scores "
    "them.",
    licence="CC BY-SA 4.0",
)
