"""Pairs of sentences: XNLI, PAWS-X, AmericasNLI and XCOPA."""

from dataclasses import replace
from types import MappingProxyType
from typing import Final

from robust_xtreme.core.examples import Example, digest
from robust_xtreme.core.languages import codes
from robust_xtreme.core.specs import Files, Origin, Row
from robust_xtreme.tasks.adapters.hub import causal, pair, pinned, sentences
from robust_xtreme.tasks.adapters.pairs import choice, choice_task, labelled_task, nli, pairs

_XNLI_LABELS: Final = ("entailment", "neutral", "contradiction")

xnli = labelled_task(
    name="xnli",
    summary="Natural language inference: entailment, neutral or contradiction.",
    languages=codes("ar bg de el en es fr hi ru sw th tr ur vi zh"),
    files={
        "train": Files("tsv", ("xnli/train-{language}.tsv", "mnli/taxinli10k.tsv")),
        "validation": Files("tsv", ("xnli/dev-{language}.tsv",)),
        "test": Files("tsv", ("xnli/test-{language}.tsv",)),
    },
    perturbed=(("premise", "hypothesis"),),
    adapt=nli(_XNLI_LABELS),
    accepts=("xnli", "mnli", "anli_plus"),
    cite="Conneau et al. 2018, XNLI: Evaluating Cross-lingual Sentence Representations (arXiv 1809.05053)",
    labels=_XNLI_LABELS,
    hub={
        **pinned("nyu-mll/multi_nli", "default", ("train",), pair, files="data/{split}-*.parquet"),
        **pinned("facebook/xnli", "{language}", ("validation", "test"), pair),
    },
    groups={"xtreme-r": (), "xtreme": ()},
    rows="5,010 test and 2,490 validation pairs in each language; 392,702 English ones (MultiNLI) to train on.",
    train_rows=392_702,
    official="google-research/xtreme, evaluate.py: accuracy.",
    checked="`tests/real/test_mock_scorer.py`: the mean over XTREME's mock predictions is the one that its own test "
    "expects (30.6667). `tests/real/test_release_files.py`: fifteen languages have the official rows of validation, "
    "nine those of test.",
    licence="CC BY-NC 4.0, not for commercial use",
)


_PAWSX_LABELS: Final = ("different", "paraphrase")

pawsx = labelled_task(
    name="pawsx",
    summary="Paraphrase identification: whether two sentences of almost the same words mean the same.",
    languages=codes("de en es fr ja ko zh"),
    files={
        "train": Files("tsv_paraphrases", ("pawsx/train-{language}.tsv", "x-final/{language}/train.tsv")),
        "validation": Files("tsv_paraphrases", ("pawsx/dev-{language}.tsv", "x-final/{language}/dev_2k.tsv")),
        # The release's own files have the labels that XTREME's preprocessing leaves out.
        "test": Files(
            "tsv_paraphrases",
            ("x-final/{language}/test_2k.tsv", "pawsx/labelled/test-{language}.tsv", "pawsx/test-{language}.tsv"),
        ),
    },
    perturbed=(("sentence1", "sentence2"),),
    adapt=pairs(_PAWSX_LABELS, {"0": "different", "1": "paraphrase"}),
    cite="Yang et al. 2019, PAWS-X: A Cross-lingual Adversarial Dataset for Paraphrase Identification "
    "(arXiv 1908.11828)",
    labels=_PAWSX_LABELS,
    hub=pinned("google-research-datasets/paws-x", "{language}", ("train", "validation", "test"), sentences),
    groups={"xtreme": ()},
    rows="2,000 test and 2,000 validation pairs in each language; 49,401 English ones to train on.",
    train_rows=49_401,
    official="google-research/xtreme, evaluate.py: accuracy.",
    checked="`tests/real/test_mock_scorer.py`: the mean over XTREME's mock predictions is the one that its own test "
    "expects (51.4286). `tests/real/test_task_files.py`: every language has the official rows.",
    licence="free use, as generally stated",
)


_CODES: Final = MappingProxyType({"ay": "aym", "qu": "quy"})

_SPANISH: Final = MappingProxyType({"validation": range(12451, 14941), "test": range(25051, 30061)})
"""The numbers of the Spanish rows in XNLI's files of all languages (the sixth of fifteen), counted from 1."""


def _adapt(rows: tuple[Row, ...], origin: Origin) -> tuple[Example, ...]:
    return nli(_XNLI_LABELS)(tuple(replace(row, cluster=_cluster(row, origin.split)) for row in rows), origin)


def _cluster(row: Row, split: str) -> str:
    """XNLI's cluster of the row, from its number, so that translations are resampled together.

    Rows without such a number, as on the hub, are clustered by their premise.
    """
    spanish, number = _SPANISH.get(split, range(0)), row.values.get("number")
    if row.cluster:
        return row.cluster
    if number is not None and number in spanish:
        return f"xnli-{split}/{spanish.index(number) // 3}"
    return f"premise/{digest(row.values['first'])}"


def _americasnli_files(name: str) -> Files:
    """In a folder of languages, in a clone of either repository, or in one file of all languages.

    Only the copy in the code's repository (`data/anli_final`) has ids.
    """
    within = ("americasnli", "AmericasNLI", "data/anli_final", "americasnli/data/anli_final")
    paths = (f"{folder}/{name}/{{code}}.tsv" for folder in within)
    whole = (f"{folder}/{name}.tsv" for folder in within[:2])
    return Files("americasnli_tsv", (*paths, *whole), codes=_CODES, mixed=True)


americasnli = labelled_task(
    name="americasnli",
    summary="Natural language inference in ten indigenous languages of the Americas.",
    languages=codes("ay bzd cni gn hch nah oto qu shp tar"),
    files={"validation": _americasnli_files("dev"), "test": _americasnli_files("test")},
    perturbed=(("premise", "hypothesis"),),
    adapt=_adapt,
    accepts=("americasnli", "xnli", "mnli", "anli_plus"),
    cite="Ebrahimi et al. 2022, AmericasNLI: Evaluating Zero-shot Natural Language Understanding of Pretrained "
    "Multilingual Models in Truly Low-resource Languages (arXiv 2104.08726)",
    labels=_XNLI_LABELS,
    train_languages=(),
    max_length=256,
    hub=pinned("nala-cub/americas_nli", "{code}", ("validation", "test"), pair, codes=_CODES),
    groups={"low-resource": ()},
    rows="750 test pairs in each language (738 in Nahuatl, 748 in Otomi); 222 to 743 of validation.",
    official="abteen/americasnli, evaluate_xnli.py: accuracy, of pairs of up to 256 tokens.",
    checked="`tests/unit/tasks/test_torchmetrics.py`: accuracy is that of torchmetrics. "
    "`tests/unit/tasks/test_low_resource.py`: files made in the releases' formats are read, with and without ids and "
    "header; whole ones were not at hand.",
    licence="CC BY-SA 4.0, by the card of its copy on the hub",
)


_ASKED: Final = {"cause": "What was the cause?", "effect": "What was the effect?"}
# In English in every language, after the premise, as google-research/xtreme, third_party/run_xcopa.py asks.


xcopa = choice_task(
    name="xcopa",
    summary="Causal commonsense: which of two sentences is the cause or the effect of a premise.",
    languages=codes("et ht id it qu sw ta th tr vi zh"),
    files={
        # The release's own files have the labels that XTREME's preprocessing sets to 0.
        split: Files(
            "jsonl_choices", (f"xcopa/data/{{language}}/{part}.{{language}}.jsonl", f"xcopa/{part}-{{language}}.jsonl")
        )
        for split, part in (("train", "train"), ("validation", "val"), ("test", "test"))
    },
    perturbed=(("premise", "choice1", "choice2"),),
    adapt=choice(_ASKED),
    accepts=("xcopa", "siqa"),
    cite="Ponti et al. 2020, XCOPA: A Multilingual Dataset for Causal Commonsense Reasoning (arXiv 2005.00333); "
    "train: Roemmele et al. 2011, Choice of Plausible Alternatives",
    choices=2,
    hub={
        **pinned("aps/super_glue", "copa", ("train",), causal),
        **pinned("cambridgeltl/xcopa", "{language}", ("validation", "test"), causal),
    },
    groups={"xtreme-r": ()},
    rows="500 test and 100 validation items in each language; 400 of English COPA to train on.",
    train_rows=400,
    official="google-research/xtreme, evaluate.py: accuracy.",
    checked="`tests/unit/tasks/test_torchmetrics.py`: accuracy is that of torchmetrics; the mock data contain no "
    "XCOPA. `tests/real/test_task_files.py`: nine of the languages have the official rows.",
    licence="CC BY 4.0, as generally stated",
)
