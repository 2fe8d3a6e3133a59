"""BUCC 2018: mine the sentences that translate each other from two sets, in which most have no partner."""

from __future__ import annotations

from typing import Final

from robust_xtreme.core.languages import codes
from robust_xtreme.core.specs import Files, Pool, TaskSpec
from robust_xtreme.tasks.adapters.retrieval import minable, mined

_LANGUAGES: Final = codes("de fr ru zh")
_SIDES: Final = ("{language}", "en", "gold")


def _files(release: str, xtreme: str) -> Files:
    """The three files of a split as unpacked from the archives, in one folder, or as renamed by XTREME's script."""
    bases = (f"{{language}}-en/{{language}}-en.{release}", f"{{language}}-en.{release}", f"{{language}}-en.{xtreme}")
    return Files("bucc_tsv", tuple(tuple(f"bucc2018/{base}.{side}" for side in _SIDES) for base in bases), ids="native")


bucc = TaskSpec(
    name="bucc",
    summary="Bitext mining: the pairs of a sentence and its English translation among many without one.",
    family="retrieval",
    metrics=("bitext_f1", "bitext_f1_retuned"),
    languages=_LANGUAGES,
    train_languages=(),
    files={"validation": _files("sample", "dev"), "test": _files("training", "test")},
    perturbed=(("query",),),
    noisable=("candidate",),
    adapt=mined,
    accepts=("bucc",),
    cite="Zweigenbaum et al. 2018, Overview of the Third BUCC Shared Task (BUCC at LREC 2018), in the splits of XTREME "
    "(arXiv 2003.11080): its sample for validation, its training set for test",
    max_length=512,
    groups={"xtreme": _LANGUAGES},
    score=("bitext_f1",),
    pool=Pool(minable, search="bitext", max_length=512),
    head=False,
    rows="Between 1,896 and 14,330 gold pairs for each of four languages.",
    official="google-research/xtreme, third_party/utils_retrieve.py (mine_bitext, bucc_eval) and evaluate.py: F1 of "
    "pairs.",
    checked="`tests/real/test_mock_scorer.py`: the mean over XTREME's mock predictions is the one that its own test "
    "expects (55.0). `tests/unit/test_bitext.py`: mining and threshold are compared with a slow restatement.",
    absent="The copies there contain gold pairs only, without the sentences that have no partner, so that F1 cannot be "
    "computed. Unpack bucc2018-{de,fr,ru,zh}-en.{sample,training}-gold.tar.bz2 of comparable.limsi.fr/bucc2018 in "
    "DIR, and name it with --data DIR.",
    licence="CC BY-SA 4.0, by the card of a copy on the hub (mteb/bucc-bitext-mining)",
)
