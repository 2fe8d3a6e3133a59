"""Intermediate tasks of pairs of sentences."""

from dataclasses import replace
from functools import partial
from typing import Final

from robust_xtreme.core.examples import Example, digest
from robust_xtreme.core.specs import LEARNED, Files, HubFiles, Origin, Row
from robust_xtreme.tasks.adapters.hub import COMMITS, labelled_pair, pair, pinned, questions
from robust_xtreme.tasks.adapters.pairs import labelled_task, nli, pairs

LABELS: Final = ("entailment", "neutral", "contradiction")
"""The labels of every task of this kind, in XNLI's order, so that one head can serve all of them."""


def by_premise(rows: tuple[Row, ...], origin: Origin) -> tuple[Example, ...]:
    """Examples with the fields `premise` and `hypothesis`; the cluster is the row's own, or its premise."""
    clustered = (replace(row, cluster=row.cluster or f"premise/{digest(row.values['first'])}") for row in rows)
    return nli(LABELS)(tuple(clustered), origin)


_ANLI: Final = "facebook/anli"
_MNLI: Final = "nyu-mll/multi_nli"
_RELEASE: Final = "multinli_1.0/multinli_1.0"
_GLUE: Final = ("MNLI", "glue_data/MNLI")
_DEV: Final = ("dev_matched", "dev_mismatched")

_nli = partial(
    labelled_task, languages=("en",), perturbed=(("premise", "hypothesis"),), adapt=by_premise, labels=LABELS
)

mnli = _nli(
    name="mnli",
    summary="Natural language inference in ten genres of English: entailment, neutral or contradiction.",
    files={
        "train": Files(
            "nli_pairs",
            (
                f"{_RELEASE}_train.jsonl",
                *(f"{folder}/train.tsv" for folder in _GLUE),
                "mnli/train.jsonl",
                "xnli/train-en.tsv",
                "mnli/taxinli10k.tsv",
            ),
        ),
        "validation": Files(
            "nli_pairs",
            (
                tuple(f"{_RELEASE}_{name}.jsonl" for name in _DEV),
                *(tuple(f"{folder}/{name}.tsv" for name in _DEV) for folder in _GLUE),
            ),
        ),
    },
    cite="Williams et al. 2018, A Broad-Coverage Challenge Corpus for Sentence Understanding through Inference "
    "(arXiv 1704.05426)",
    hub={
        **pinned(_MNLI, "default", ("train",), labelled_pair, files="data/{split}-*.parquet"),
        **pinned(_MNLI, "default", ("validation",), labelled_pair, files="data/{split}_m*-*.parquet", parts=2),
    },
    rows="392,702 pairs to train on and 19,647 of validation, matched and mismatched; TaxiNLI's part has 10,071.",
    train_rows=392_702,
    licence="CC BY 3.0, CC BY-SA 3.0, MIT and others by genre, by the card of its copy on the hub; of TaxiNLI's part "
    "C-UDA 1.0",
    trains=("xnli",),
)


def _anli_files(name: str) -> Files:
    """The three rounds of a split, all of them."""
    folders = ("anli_v1.0", "anli")
    paths = (tuple(f"{folder}/R{round}/{name}.jsonl" for round in (1, 2, 3)) for folder in folders)
    return Files("nli_pairs", tuple(paths))


anli = _nli(
    name="anli",
    summary="Natural language inference on pairs that people wrote to mislead models, in three rounds.",
    files={"train": _anli_files("train"), "validation": _anli_files("dev")},
    cite="Nie et al. 2020, Adversarial NLI: A New Benchmark for Natural Language Understanding (arXiv 1910.14599)",
    hub={
        split: HubFiles(_ANLI, COMMITS[_ANLI], "plain_text", name, f"plain_text/{name}_r?-*.parquet", pair, parts=3)
        for split, name in (("train", "train"), ("validation", "dev"))
    },
    rows="162,865 pairs to train on, of three rounds, and 3,200 of validation.",
    train_rows=162_865,
    licence="CC BY-NC 4.0, not for commercial use",
)


def _files(name: str, *more: str) -> Files:
    return Files("nli_pairs", (f"snli_1.0/snli_1.0_{name}.jsonl", f"snli/snli_1.0_{name}.jsonl", *more))


snli = _nli(
    name="snli",
    summary="Natural language inference on sentences that describe pictures.",
    files={"train": _files("train"), "validation": _files("dev"), "test": _files("test", "snli/snli-test.tsv")},
    cite="Bowman et al. 2015, A large annotated corpus for learning natural language inference (arXiv 1508.05326)",
    hub=pinned("stanfordnlp/snli", "plain_text", (*LEARNED, "test"), labelled_pair),
    rows="549,367 pairs with a label to train on, 9,842 of validation and 9,824 of test.",
    train_rows=549_367,
    licence="CC BY-SA 4.0",
)


anli_plus = _nli(
    name="anli_plus",
    summary="Natural language inference on ANLI's three rounds, MultiNLI and SNLI together, under one head.",
    files={},
    cite=f"{anli.cite}; with MultiNLI and SNLI, as in Phang et al. 2020, English Intermediate-Task Training Improves "
    "Zero-Shot Cross-Lingual Transfer Too (arXiv 2005.13013)",
    rows="1,104,934 pairs to train on: 162,865 of ANLI, 392,702 of MultiNLI and 549,367 of SNLI.",
    train_rows=1_104_934,
    absent="Its rows are those of its parts: anli, mnli and snli.",
    licence="those of its parts; of ANLI CC BY-NC 4.0, not for commercial use",
    trains=("xnli",),
    parts=(anli, mnli, snli),
)


_LABELS: Final = ("not_duplicate", "duplicate")


qqp = labelled_task(
    name="qqp",
    summary="Paraphrase identification: whether two questions ask the same.",
    languages=("en",),
    files={
        split: Files("qqp_tsv", tuple(f"{folder}/{name}.tsv" for folder in ("QQP", "glue_data/QQP", "qqp")))
        for split, name in (("train", "train"), ("validation", "dev"))
    },
    perturbed=(("sentence1", "sentence2"),),
    adapt=pairs(_LABELS, {"0": "not_duplicate", "1": "duplicate"}),
    cite="Iyer et al. 2017, First Quora Dataset Release: Question Pairs; in the splits of Wang et al. 2019, GLUE "
    "(arXiv 1804.07461)",
    labels=_LABELS,
    hub=pinned("nyu-mll/glue", "qqp", LEARNED, questions),
    rows="About 363,800 pairs to train on and 40,430 of validation.",
    train_rows=363_800,
    licence="Quora's terms of service",
)
