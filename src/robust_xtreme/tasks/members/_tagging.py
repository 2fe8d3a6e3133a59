"""Tags of words: PAN-X, UD-POS and MasakhaNER."""

from types import MappingProxyType
from typing import Final

from robust_xtreme.core.languages import codes
from robust_xtreme.core.specs import Files
from robust_xtreme.tasks.adapters.hub import pinned, sentence
from robust_xtreme.tasks.adapters.tagging import tagging, tagging_task

_PANX_XTREME: Final = codes(
    "af ar bg bn de el en es et eu fa fi fr he hi hu id it ja jv ka kk ko ml mr ms my nl pt ru sw ta te th tl tr ur vi "
    "yo zh"
)
_PANX_LANGUAGES: Final = tuple(sorted((*_PANX_XTREME, *codes("az gu lt pa pl qu ro uk"))))
_PANX_LABELS: Final = ("O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC")

panx = tagging_task(
    name="panx",
    summary="Named entities: persons, organisations and places, a tag per word.",
    metrics=("span_f1", "token_accuracy"),
    languages=_PANX_LANGUAGES,
    files={
        split: Files("iob2", (f"panx/{part}-{{language}}.tsv",))
        for split, part in (("train", "train"), ("validation", "dev"), ("test", "test"))
    },
    adapt=tagging(_PANX_LABELS),
    cite="Pan et al. 2017, Cross-lingual Name Tagging and Linking for 282 Languages (ACL P17-1178), "
    "in the splits of Rahimi et al. 2019, Massively Multilingual Transfer for NER (ACL P19-1015)",
    labels=_PANX_LABELS,
    hub=pinned("unimelb-nlp/wikiann", "{language}", ("train", "validation", "test"), sentence),
    groups={"xtreme-r": (), "xtreme": _PANX_XTREME},
    rows="100 to 10,000 test sentences by language; 20,000 English ones to train on.",
    train_rows=20_000,
    official="google-research/xtreme, evaluate.py: F1 of names by seqeval, here by the rule of its release 0.0.12.",
    checked="`tests/real/test_mock_scorer.py`: the mean over XTREME's mock predictions is the one that its own test "
    "expects (57.5079). `tests/unit/tasks/test_metrics.py`: chunks and F1 are those of the rule written a second time.",
    licence="ODC-By",
)


_UDPOS_XTREME: Final = codes(
    "af ar bg de el en es et eu fa fi fr he hi hu id it ja kk ko mr nl pt ru ta te th tl tr ur vi yo zh"
)
_ADDED: Final = codes("lt pl ro uk wo")
_UDPOS_LANGUAGES: Final = tuple(sorted((*_UDPOS_XTREME, *_ADDED)))
_TAGS: Final = "ADJ ADP ADV AUX CCONJ DET INTJ NOUN NUM PART PRON PROPN PUNCT SCONJ SYM VERB X"
_UDPOS_LABELS: Final = tuple(_TAGS.split())
_VERSIONS: Final = {**dict.fromkeys(_UDPOS_XTREME, "2.5"), **dict.fromkeys(_ADDED, "2.7")}
# Of Universal Dependencies, as XTREME-R's scripts/download_data.sh fetches them.


def _udpos_files(part: str) -> Files:
    """The treebanks of a language, by the names of their files, or the files that XTREME's scripts make from them.

    Treebanks are tried first, because XTREME's test files do not have tags.
    """
    treebanks = f"*/{{language}}_*-ud-{part}*.conllu"
    first = f"*/{{language}}-ud-{part}*.conllu"  # named so until version 2.1
    paths = (f"ud-treebanks-v{{code}}/{treebanks}", f"ud/{treebanks}", f"ud/{first}", f"udpos/{part}-{{language}}.tsv")
    return Files("conllu", paths, codes=_VERSIONS)


udpos = tagging_task(
    name="udpos",
    summary="Parts of speech: one of 17 tags per word.",
    metrics=("token_accuracy", "span_f1"),
    languages=_UDPOS_LANGUAGES,
    files={"train": _udpos_files("train"), "validation": _udpos_files("dev"), "test": _udpos_files("test")},
    adapt=tagging(_UDPOS_LABELS),
    cite="Nivre et al. 2020, Universal Dependencies v2 (arXiv 2004.10643)",
    labels=_UDPOS_LABELS,
    groups={"xtreme-r": (), "xtreme": _UDPOS_XTREME},
    score=("span_f1",),
    rows="47 to 20,436 test sentences by language, all treebanks together (UD 2.5; lt, pl, ro, uk and wo 2.7); 21,253 "
    "English ones to train on.",
    train_rows=21_253,
    official="google-research/xtreme, evaluate.py: F1 by seqeval, here by the rule of its release 0.0.12, to which a "
    "run of equal tags is one chunk (of SCONJ and SYM each word); drops and gates use token accuracy.",
    checked="`tests/real/test_mock_scorer.py`: the mean over XTREME's mock predictions is the one that its own test "
    "expects (70.2175). `tests/real/test_task_files.py`: treebanks have their sentences and words.",
    absent="No copy there has the words that XTREME's conversion gives. Unpack the treebanks of Universal "
    "Dependencies 2.5 (2.7 for lt, pl, ro, uk and wo) as DIR/ud-treebanks-v2.5 and DIR/ud-treebanks-v2.7, and name "
    "DIR with --data DIR.",
    licence="each treebank's own, in its LICENSE.txt: CC BY-SA 4.0 or, as in Tamil and Basque, CC BY-NC-SA 3.0, not "
    "for commercial use",
)


_MASAKHANER_LABELS: Final = ("O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC", "B-DATE", "I-DATE")
_MASAKHANER_LANGUAGES: Final = codes("bbj bm ee fon ha ig lg luo mos ny pcm rw sn sw tn tw wo xh yo zu")
_PAIRS: Final = (
    "bm bam ee ewe ha hau ig ibo lg lug ny nya rw kin sn sna sw swa tn tsn tw twi wo wol xh xho yo yor zu zul"
)
_CODES: Final = MappingProxyType(dict(zip(_PAIRS.split()[::2], _PAIRS.split()[1::2], strict=True)))
"""The release's codes of the languages for which they differ from ours."""


def _masakhaner_files(name: str) -> Files:
    """The file of a split: in the folder of data, or in a clone of the release's repository."""
    within = ("masakhaner2", "MasakhaNER2.0/data", "masakhane-ner/MasakhaNER2.0/data")
    return Files("conll", tuple(f"{folder}/{{code}}/{name}.txt" for folder in within), codes=_CODES)


masakhaner = tagging_task(
    name="masakhaner",
    summary="Named entities and dates in news of twenty African languages, a tag per word.",
    metrics=("span_f1", "token_accuracy"),
    languages=_MASAKHANER_LANGUAGES,
    files={
        "train": _masakhaner_files("train"),
        "validation": _masakhaner_files("dev"),
        "test": _masakhaner_files("test"),
    },
    adapt=tagging(_MASAKHANER_LABELS),
    accepts=("masakhaner", "panx"),
    cite="Adelani et al. 2022, MasakhaNER 2.0: Africa-centric Transfer Learning for Named Entity Recognition "
    "(arXiv 2210.12391)",
    labels=_MASAKHANER_LABELS,
    train_languages=_MASAKHANER_LANGUAGES,
    max_length=164,
    absent="The copy there (masakhane/masakhaner2) is a loading script. Take the folders of MasakhaNER2.0/data of "
    "github.com/masakhane-io/masakhane-ner as DIR/masakhaner2, and name DIR with --data DIR.",
    groups={"low-resource": ()},
    rows="966 to 2,235 test sentences per language, 483 to 1,118 of validation and 3,289 to 7,825 of training.",
    official="masakhane-io/masakhane-ner, code/train_ner.py: seqeval's F1 over PER, ORG, LOC and DATE, "
    "of a sentence's first 164 tokens; here all words are read, in windows of that size.",
    checked="`tests/real/test_low_resource.py`: sentences of six languages are as many as in the release's table. "
    "`tests/unit/tasks/test_metrics.py`: chunks and F1 are those of the rule written a second time.",
    licence="CC BY-NC 4.0, not for commercial use",
)
