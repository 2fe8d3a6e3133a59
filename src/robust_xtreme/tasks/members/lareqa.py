"""LAReQA (XQuAD-R): find the sentences that answer a question, in all languages at once."""

from __future__ import annotations

from typing import Final

from robust_xtreme.core.languages import codes
from robust_xtreme.core.specs import Files, Pool, TaskSpec
from robust_xtreme.tasks.adapters.retrieval import all_sentences, answer_sentences

_LANGUAGES: Final = codes("ar de el en es hi ru th tr vi zh")

lareqa = TaskSpec(
    name="lareqa",
    summary="Answer retrieval: the sentences, in every language, that answer a question.",
    family="retrieval",
    metrics=("map_at_20",),
    languages=_LANGUAGES,
    files={
        "train": Files("squad_sentences", ("squad/train-v1.1.json",), ids="native"),
        "validation": Files("squad_sentences", ("lareqa/xquad-r/{language}.json",), ids="native"),
    },
    perturbed=(("query",),),
    noisable=("candidate",),
    adapt=answer_sentences,
    accepts=("lareqa",),
    cite="Roy et al. 2020, LAReQA: Language-agnostic Answer Retrieval from a Multilingual Pool (arXiv 2004.05484)",
    max_length=96,
    groups={"xtreme-r": _LANGUAGES},
    score=("map_at_20",),
    pool=Pool(all_sentences, shared=True, max_length=256),
    rows="1,190 questions in each of 11 languages, and one pool of 13,014 sentences.",
    official="google-research/xtreme, third_party/evaluate_retrieval.py and utils_lareqa.py (mean_avg_prec_at_k): "
    "mean average precision at 20.",
    checked="`tests/real/test_retrieval_files.py`: the sentences of nine languages are as many as in LAReQA's own "
    "table. `tests/unit/test_retrieval_metrics.py`: average precision is that of torchmetrics.",
    absent="The copy there (google-research-datasets/xquad_r) does not say where sentences begin. Take the folder "
    "xquad-r of github.com/google-research-datasets/lareqa as DIR/lareqa/xquad-r, SQuAD's train-v1.1.json as "
    "DIR/squad/train-v1.1.json, and name DIR with --data DIR.",
    licence="CC BY-SA 4.0",
)
