"""PAN-X (WikiANN): names of persons, organisations and places, in 48 languages."""

from __future__ import annotations

from typing import Final

from robust_xtreme.core.languages import codes
from robust_xtreme.core.specs import Files, TaskSpec, parquet
from robust_xtreme.tasks.adapters.hub import sentence
from robust_xtreme.tasks.adapters.tagging import tagging

_XTREME: Final = codes(
    "af ar bg bn de el en es et eu fa fi fr he hi hu id it ja jv ka kk ko ml mr ms my nl pt ru sw ta te th tl tr ur vi "
    "yo zh"
)
_LANGUAGES: Final = tuple(sorted((*_XTREME, *codes("az gu lt pa pl qu ro uk"))))
_LABELS: Final = ("O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC")
_COMMIT: Final = "f0a3be6dc5564c0cc4150bb660144800a1f539d4"
# Of unimelb-nlp/wikiann on the hub: docs/decisions/tasks.md#hub-commits says where it was seen.

panx = TaskSpec(
    name="panx",
    summary="Named entities: persons, organisations and places, a tag per word.",
    family="tagging",
    metrics=("span_f1", "token_accuracy"),
    languages=_LANGUAGES,
    files={
        split: Files("iob2", (f"panx/{part}-{{language}}.tsv",))
        for split, part in (("train", "train"), ("validation", "dev"), ("test", "test"))
    },
    perturbed=(("tokens",),),
    adapt=tagging(_LABELS),
    accepts=("panx",),
    cite="Pan et al. 2017, Cross-lingual Name Tagging and Linking for 282 Languages (ACL P17-1178), "
    "in the splits of Rahimi et al. 2019, Massively Multilingual Transfer for NER (ACL P19-1015)",
    labels=_LABELS,
    max_length=128,
    hub=parquet("unimelb-nlp/wikiann", _COMMIT, "{language}", ("train", "validation", "test"), sentence),
    groups={"xtreme-r": _LANGUAGES, "xtreme": _XTREME},
    rows="100 to 10,000 test sentences by language; 20,000 English ones to train on.",
    train_rows=20_000,
    official="google-research/xtreme, evaluate.py: F1 of names by seqeval, here by the rule of its release 0.0.12.",
    checked="`tests/real/test_mock_scorer.py`: the mean over XTREME's mock predictions is the one that its own test "
    "expects (57.5079). `tests/unit/test_metrics.py`: chunks and F1 are those of the rule written a second time.",
    licence="ODC-By",
)
