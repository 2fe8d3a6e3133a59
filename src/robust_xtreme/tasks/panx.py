"""PAN-X (WikiANN): names of persons, organisations and places, in 48 languages."""

from __future__ import annotations

from typing import Final

from robust_xtreme.languages import codes
from robust_xtreme.specs import Files, HubFiles, TaskSpec
from robust_xtreme.tasks._hub import sentence
from robust_xtreme.tasks._tagging import tagging

_LABELS: Final = ("O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC")
_COMMIT: Final = "f0a3be6dc5564c0cc4150bb660144800a1f539d4"
# Of unimelb-nlp/wikiann on the hub: docs/decisions/0060-hub-revisions.md says where it was seen.

panx = TaskSpec(
    name="panx",
    summary="Named entities: persons, organisations and places, a tag per word.",
    family="tagging",
    metrics=("span_f1", "token_accuracy"),
    languages=codes(
        "af ar az bg bn de el en es et eu fa fi fr gu he hi hu id it ja jv ka kk ko lt ml mr ms my nl pa pl pt qu ro "
        "ru sw ta te th tl tr uk ur vi yo zh"
    ),
    files={
        "train": Files("iob2", ("panx/train-{language}.tsv",)),
        "validation": Files("iob2", ("panx/dev-{language}.tsv",)),
        "test": Files("iob2", ("panx/test-{language}.tsv",)),
    },
    perturbed=(("tokens",),),
    adapt=tagging(_LABELS),
    accepts=("panx",),
    cite="Pan et al. 2017, Cross-lingual Name Tagging and Linking for 282 Languages (ACL P17-1178), "
    "in the splits of Rahimi et al. 2019, Massively Multilingual Transfer for NER (ACL P19-1015)",
    labels=_LABELS,
    max_length=128,
    hub={
        split: HubFiles(
            "unimelb-nlp/wikiann", _COMMIT, "{language}", split, f"{{language}}/{split}-*.parquet", sentence
        )
        for split in ("train", "validation", "test")
    },
)
