"""MasakhaNER 2.0: names of persons, organisations and places, and dates, in twenty African languages."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from robust_xtreme.core.languages import codes
from robust_xtreme.core.specs import Files, TaskSpec
from robust_xtreme.tasks.adapters.tagging import tagging

_LABELS: Final = ("O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC", "B-DATE", "I-DATE")
_LANGUAGES: Final = codes("bbj bm ee fon ha ig lg luo mos ny pcm rw sn sw tn tw wo xh yo zu")
_PAIRS: Final = (
    "bm bam ee ewe ha hau ig ibo lg lug ny nya rw kin sn sna sw swa tn tsn tw twi wo wol xh xho yo yor zu zul"
)
_CODES: Final = MappingProxyType(dict(zip(_PAIRS.split()[::2], _PAIRS.split()[1::2], strict=True)))
"""The release's codes of the languages for which they differ from ours."""


def _files(name: str) -> Files:
    """The file of a split: in the folder of data, or in a clone of the release's repository."""
    within = ("masakhaner2", "MasakhaNER2.0/data", "masakhane-ner/MasakhaNER2.0/data")
    return Files("conll", tuple(f"{folder}/{{code}}/{name}.txt" for folder in within), codes=_CODES)


masakhaner = TaskSpec(
    name="masakhaner",
    summary="Named entities and dates in news of twenty African languages, a tag per word.",
    family="tagging",
    metrics=("span_f1", "token_accuracy"),
    languages=_LANGUAGES,
    files={"train": _files("train"), "validation": _files("dev"), "test": _files("test")},
    perturbed=(("tokens",),),
    adapt=tagging(_LABELS),
    accepts=("masakhaner", "panx"),
    cite="Adelani et al. 2022, MasakhaNER 2.0: Africa-centric Transfer Learning for Named Entity Recognition "
    "(arXiv 2210.12391)",
    labels=_LABELS,
    train_languages=_LANGUAGES,
    max_length=164,
    absent="The copy there (masakhane/masakhaner2) is a loading script. Take the folders of MasakhaNER2.0/data of "
    "github.com/masakhane-io/masakhane-ner as DIR/masakhaner2, and name DIR with --data DIR.",
    groups={"low-resource": _LANGUAGES},
    rows="966 to 2,235 test sentences per language, 483 to 1,118 of validation and 3,289 to 7,825 of training.",
    official="masakhane-io/masakhane-ner, code/train_ner.py: seqeval's F1 over PER, ORG, LOC and DATE, "
    "of a sentence's first 164 tokens; here all words are read, in windows of that size.",
    checked="`tests/real/test_low_resource.py`: sentences of six languages are as many as in the release's table. "
    "`tests/unit/test_metrics.py`: chunks and F1 are those of the rule written a second time.",
    licence="CC BY-NC 4.0, not for commercial use",
)
