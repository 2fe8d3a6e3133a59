"""Questions on passages: XQuAD, MLQA and TyDiQA."""

from typing import Final

from robust_xtreme.core.languages import codes
from robust_xtreme.core.specs import Files
from robust_xtreme.tasks.adapters.hub import pinned, question
from robust_xtreme.tasks.adapters.qa import by_question, by_text, span_qa, span_task

_XQUAD_LANGUAGES: Final = codes("ar de el en es hi ro ru th tr vi zh")

xquad = span_task(
    name="xquad",
    summary="Extractive question answering on translated Wikipedia passages.",
    metrics=("squad_f1", "squad_em", "surface_f1_noisy_gold", "surface_f1_clean_gold"),
    languages=_XQUAD_LANGUAGES,
    files={
        "train": Files("squad", ("squad/train-v1.1.json",), ids="native"),
        "validation": Files("squad", ("xquad/xquad.{language}.json",), ids="native"),
    },
    adapt=span_qa(by_question),
    accepts=("xquad", "mlqa", "tydiqa", "squad", "squad_v2"),
    cite="Artetxe et al. 2020, On the Cross-lingual Transferability of Monolingual Representations (arXiv 1910.11856)",
    hub={
        **pinned("rajpurkar/squad", "plain_text", ("train",), question, ids="native"),
        **pinned("google/xquad", "xquad.{language}", ("validation",), question, ids="native"),
    },
    groups={"xtreme-r": (), "xtreme": tuple(code for code in _XQUAD_LANGUAGES if code != "ro")},
    score=("squad_em", "squad_f1"),
    rows="1,190 questions on 240 passages in each language, all in validation; trained on SQuAD's 87,599.",
    train_rows=87_599,
    official="google-research/xtreme, third_party/evaluate_squad.py, which is SQuAD's evaluate-v1.1.py in every "
    "language: exact match and F1.",
    checked="`tests/real/test_mock_scorer.py`: the means over XTREME's mock predictions are those that its own test "
    "expects (77.2727 and 79.9587). `tests/unit/tasks/test_torchmetrics.py`: answers are scored as torchmetrics scores "
    "them.",
    licence="CC BY-SA 4.0",
)


_PAIR: Final = "context-{context}-question-{question}.json"

mlqa = span_task(
    name="mlqa",
    summary="Extractive question answering on Wikipedia passages, within a language and across two.",
    metrics=("mlqa_f1", "mlqa_em", "surface_f1_noisy_gold", "surface_f1_clean_gold"),
    languages=codes("ar de en es hi vi zh"),
    files={
        "train": Files("squad", ("squad/train-v1.1.json",), ids="native"),
        "validation": Files("squad", (f"mlqa/MLQA_V1/dev/dev-{_PAIR}", f"mlqa/dev/dev-{_PAIR}"), ids="native"),
        "test": Files("squad", (f"mlqa/MLQA_V1/test/test-{_PAIR}", f"mlqa/test/test-{_PAIR}"), ids="native"),
    },
    adapt=span_qa(by_question),
    accepts=("mlqa", "xquad", "tydiqa", "squad", "squad_v2"),
    cite="Lewis et al. 2020, MLQA: Evaluating Cross-lingual Extractive Question Answering (arXiv 1910.07475)",
    hub={
        **pinned("rajpurkar/squad", "plain_text", ("train",), question, ids="native"),
        **pinned("google/xtreme", "MLQA.{context}.{question}", ("validation", "test"), question, ids="native"),
    },
    groups={"xtreme-r": (), "xtreme": ()},
    score=("mlqa_em", "mlqa_f1"),
    pairs=True,
    parallel_ids="[0-9a-f]{40}",
    rows="500 to 1,148 questions a language in validation, 4,517 to 11,590 in test; trained on SQuAD's 87,599.",
    train_rows=87_599,
    official="google-research/xtreme, third_party/evaluate_mlqa.py, which is MLQA's mlqa_evaluation_v1.py: exact "
    "match and F1 by the language of the context.",
    checked="`tests/real/test_mock_scorer.py`: the means over XTREME's mock predictions are those that its own test "
    "expects (57.1429 and 81.7687). `tests/unit/tasks/test_mlqa_metrics.py`: the rule is compared with one written a "
    "second time.",
    licence="CC BY-SA 3.0",
)


_XTREME_TRAIN = "tydiqa/tydiqa-goldp-v1.1-train/tydiqa.goldp.{language}.train.json"
_XTREME_DEV = "tydiqa/tydiqa-goldp-v1.1-dev/tydiqa.goldp.{language}.dev.json"
_RELEASE_DEV = "tydiqa/tydiqa-goldp-v1.1-dev/tydiqa-goldp-dev-{name}.json"
_HUB = "google-research-datasets/tydiqa"

tydiqa = span_task(
    name="tydiqa",
    summary="Extractive question answering on Wikipedia passages, asked natively in each language.",
    metrics=("squad_f1", "squad_em", "surface_f1_noisy_gold", "surface_f1_clean_gold"),
    languages=codes("ar bn en fi id ko ru sw te"),
    files={
        # XTREME's preprocessing cuts the ids of the training files down to their last part, which is not unique.
        "train": Files("squad", (_XTREME_TRAIN, "tydiqa_goldp/tydiqa.goldp.{language}.train.json"), ids="ordinal"),
        # The release's own file has the answers that XTREME's preprocessing empties.
        "validation": Files(
            "squad", (_RELEASE_DEV, _XTREME_DEV, "tydiqa_goldp/tydiqa.goldp.{language}.dev.json"), ids="native"
        ),
    },
    adapt=span_qa(by_text),
    accepts=("tydiqa", "xquad", "mlqa", "squad", "squad_v2"),
    cite="Clark et al. 2020, TyDi QA: A Benchmark for Information-Seeking Question Answering (arXiv 2003.05002)",
    hub={
        **pinned(_HUB, "secondary_task", ("train",), question, starts=("id", "{name}-")),
        **pinned(_HUB, "secondary_task", ("validation",), question, ids="native", starts=("id", "{name}-")),
    },
    groups={"xtreme-r": (), "xtreme": ()},
    score=("squad_em", "squad_f1"),
    rows="113 (Bengali) to 921 (Arabic) questions in validation, XTREME's test; 3,696 English ones in training.",
    train_rows=3_696,
    official="google-research/xtreme, third_party/evaluate_squad.py, which is SQuAD's evaluate-v1.1.py in every "
    "language: exact match and F1.",
    checked="`tests/real/test_mock_scorer.py`: the means over XTREME's mock predictions are those that its own test "
    "expects (88.8889 and 97.2222). `tests/unit/tasks/test_torchmetrics.py`: answers are scored as torchmetrics scores "
    "them.",
    licence="Apache 2.0, as generally stated",
)
