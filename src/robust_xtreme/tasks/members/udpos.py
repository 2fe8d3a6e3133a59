"""UD-POS: parts of speech by Universal Dependencies, in 38 languages."""

from __future__ import annotations

from typing import Final

from robust_xtreme.core.languages import codes
from robust_xtreme.core.specs import Files, TaskSpec
from robust_xtreme.tasks.adapters.tagging import tagging

_XTREME: Final = codes(
    "af ar bg de el en es et eu fa fi fr he hi hu id it ja kk ko mr nl pt ru ta te th tl tr ur vi yo zh"
)
_ADDED: Final = codes("lt pl ro uk wo")
_LANGUAGES: Final = tuple(sorted((*_XTREME, *_ADDED)))
_TAGS: Final = "ADJ ADP ADV AUX CCONJ DET INTJ NOUN NUM PART PRON PROPN PUNCT SCONJ SYM VERB X"
_LABELS: Final = tuple(_TAGS.split())
_VERSIONS: Final = {**dict.fromkeys(_XTREME, "2.5"), **dict.fromkeys(_ADDED, "2.7")}
# Of Universal Dependencies, as XTREME-R's scripts/download_data.sh fetches them.


def _files(part: str) -> Files:
    """The treebanks of a language, by the names of their files, or the files that XTREME's scripts make from them.

    Treebanks are tried first, because XTREME's test files do not have tags.
    """
    treebanks = f"*/{{language}}_*-ud-{part}*.conllu"
    first = f"*/{{language}}-ud-{part}*.conllu"  # named so until version 2.1
    paths = (f"ud-treebanks-v{{code}}/{treebanks}", f"ud/{treebanks}", f"ud/{first}", f"udpos/{part}-{{language}}.tsv")
    return Files("conllu", paths, codes=_VERSIONS)


udpos = TaskSpec(
    name="udpos",
    summary="Parts of speech: one of 17 tags per word.",
    family="tagging",
    metrics=("token_accuracy", "span_f1"),
    languages=_LANGUAGES,
    files={"train": _files("train"), "validation": _files("dev"), "test": _files("test")},
    perturbed=(("tokens",),),
    adapt=tagging(_LABELS),
    accepts=("udpos",),
    cite="Nivre et al. 2020, Universal Dependencies v2 (arXiv 2004.10643)",
    labels=_LABELS,
    max_length=128,
    groups={"xtreme-r": _LANGUAGES, "xtreme": _XTREME},
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
