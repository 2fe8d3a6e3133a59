"""XQuAD: questions on 240 passages of SQuAD's development set, translated into twelve languages."""

from __future__ import annotations

from robust_xtreme.languages import codes
from robust_xtreme.specs import Files, TaskSpec
from robust_xtreme.tasks._qa import by_question, span_qa

xquad = TaskSpec(
    name="xquad",
    summary="Extractive question answering on translated Wikipedia passages.",
    family="span_qa",
    metrics=("squad_f1", "squad_em", "surface_f1_noisy_gold", "surface_f1_clean_gold"),
    languages=codes("ar de el en es hi ro ru th tr vi zh"),
    files={
        "train": Files("squad_json", ("squad/train-v1.1.json",), ids="native"),
        "validation": Files("squad_json", ("xquad/xquad.{language}.json",), ids="native"),
    },
    perturbed=(("question",), ("context",)),
    adapt=span_qa(by_question),
    accepts=("xquad", "tydiqa"),
    cite="Artetxe et al. 2020, On the Cross-lingual Transferability of Monolingual Representations (arXiv 1910.11856)",
    max_length=384,
    stride=128,
)
