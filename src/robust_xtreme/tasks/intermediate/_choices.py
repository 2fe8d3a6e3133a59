"""Intermediate tasks of choices: questions of common sense in English."""

from __future__ import annotations

from typing import Final

from robust_xtreme.core.examples import UNLABELLED, Choice, Example, Text, digest
from robust_xtreme.core.specs import LEARNED, Files, Origin, Row, TaskSpec, parquet
from robust_xtreme.tasks.intermediate._hub import commonsense, ending, passage, situation

# Adapt questions with choices to learn from; questions on one passage share its text and are one cluster.

# CommonsenseQA: which of five answers to a question is right, without any passage?

LENGTH: Final = 256
_QUESTION: Final = "question"


def fields(count: int, *, question: bool = True) -> tuple[str, ...]:
    """The fields of items with `count` choices; without `question`, the premise is the question."""
    return ("premise", *([_QUESTION] if question else []), *(f"choice{number}" for number in range(1, count + 1)))


def by_premise(rows: tuple[Row, ...], origin: Origin) -> tuple[Example, ...]:
    """Examples with the fields `premise`, `question` where there is one, `choice1`, `choice2` and so on.

    The cluster is the row's own, or its premise; the label is a choice's index.
    """
    return tuple(_example(row, origin) for row in rows)


def _example(row: Row, origin: Origin) -> Example:
    id, premise = origin.id(row.native), row.values["premise"]
    fields = {_QUESTION: row.values[_QUESTION]} if _QUESTION in row.values else {}
    fields |= {f"choice{number}": value for number, value in enumerate(row.values["choices"], start=1)}
    texts = {name: Text(f"{id}/{name}", origin.language, value) for name, value in fields.items()}
    shared = Text(origin.shared("premise", digest(premise)), origin.language, premise)
    label = row.values["label"]
    target = UNLABELLED if label is None else Choice(label)
    return Example(id, {"premise": shared, **texts}, target, row.cluster or f"premise/{digest(premise)}")


_COMMONSENSE_QA_COMMIT: Final = "94630fe30dad47192a8546eb75f094926d47e155"
# Of tau/commonsense_qa on the hub: docs/decisions/tasks.md#hub-commits says where it was seen.

commonsense_qa = TaskSpec(
    name="commonsense_qa",
    summary="Common sense: which of five answers to a question, its premise, is right without a passage.",
    family="choice",
    metrics=("accuracy",),
    languages=("en",),
    files={
        split: Files("commonsense_jsonl", (f"commonsenseqa/{name}_rand_split.jsonl",), ids="native")
        for split, name in (("train", "train"), ("validation", "dev"))
    },
    perturbed=(fields(5, question=False),),
    adapt=by_premise,
    accepts=("commonsense_qa",),
    cite="Talmor et al. 2019, CommonsenseQA: A Question Answering Challenge Targeting Commonsense Knowledge "
    "(arXiv 1811.00937)",
    max_length=128,
    hub=parquet(
        "tau/commonsense_qa",
        _COMMONSENSE_QA_COMMIT,
        "default",
        LEARNED,
        commonsense,
        ids="native",
        files="data/{split}-*.parquet",
    ),
    rows="9,741 questions to train on and 1,221 of validation.",
    train_rows=9_741,
    licence="MIT, by the card of its copy on the hub",
)


# Cosmos QA: which of four answers to a question on a blog's passage is right by common sense?

_COSMOS_QA_COMMIT: Final = "ed50fe83db62b355759053b1cd5eef344ee371e0"
# Of allenai/cosmos_qa, converted to parquet: docs/decisions/tasks.md#hub-commits says where it was seen.

cosmos_qa = TaskSpec(
    name="cosmos_qa",
    summary="Reading with common sense: which of four answers to a question on a passage of a blog is right.",
    family="choice",
    metrics=("accuracy",),
    languages=("en",),
    files={
        split: Files("cosmos_csv", (f"cosmosqa/{name}.csv", f"cosmosqa/data/{name}.csv"), ids="native")
        for split, name in (("train", "train"), ("validation", "valid"))
    },
    perturbed=(fields(4),),
    adapt=by_premise,
    accepts=("cosmos_qa",),
    cite="Huang et al. 2019, Cosmos QA: Machine Reading Comprehension with Contextual Commonsense Reasoning "
    "(arXiv 1909.00277)",
    max_length=LENGTH,
    hub=parquet(
        "allenai/cosmos_qa",
        _COSMOS_QA_COMMIT,
        "default",
        LEARNED,
        passage,
        ids="native",
        files="default/{split}/*.parquet",
    ),
    rows="25,262 questions to train on and 2,985 of validation.",
    train_rows=25_262,
    licence="CC BY 4.0",
)


# HellaSwag: which of four endings continues with a text about what people do?

_HELLASWAG_COMMIT: Final = "218ec52e09a7e7462a5400043bb9a69a41d06b76"
# Of Rowan/hellaswag on the hub: docs/decisions/tasks.md#hub-commits says where it was seen.


def _hellaswag_files(name: str, *more: str) -> Files:
    within = ("hellaswag", "hellaswag/data")
    return Files("hellaswag_jsonl", (*(f"{folder}/hellaswag_{name}.jsonl" for folder in within), *more))


hellaswag = TaskSpec(
    name="hellaswag",
    summary="Sentence completion: which of four endings continues with a text.",
    family="choice",
    metrics=("accuracy",),
    languages=("en",),
    files={
        "train": _hellaswag_files("train", "hellaswag/hellaswag_train.first3368.jsonl"),
        "validation": _hellaswag_files("val"),
    },
    perturbed=(fields(4, question=False),),
    adapt=by_premise,
    accepts=("hellaswag",),
    cite="Zellers et al. 2019, HellaSwag: Can a Machine Really Finish Your Sentence? (arXiv 1905.07830)",
    max_length=LENGTH,
    hub=parquet("Rowan/hellaswag", _HELLASWAG_COMMIT, "default", LEARNED, ending, files="data/{split}-*.parquet"),
    rows="39,905 texts to train on and 10,042 of validation.",
    train_rows=39_905,
    licence="MIT",
)


# Social IQa: which of three answers to a question on what people do is right? XTREME-R trains on it before XCOPA.

_SIQA_COMMIT: Final = "537a2ec8ec565adc0b70b70752893e59e024df26"
# Of allenai/social_i_qa, converted to parquet: docs/decisions/tasks.md#hub-commits says where it was seen.


def _siqa_files(name: str, *more: tuple[str, str]) -> Files:
    return Files("siqa_jsonl", (f"siqa/socialIQa_v1.4_{name}.jsonl", *more))


siqa = TaskSpec(
    name="siqa",
    summary="Social common sense: which of three answers to a question on a situation is right.",
    family="choice",
    metrics=("accuracy",),
    languages=("en",),
    files={
        # Some archives of the release have rows and labels in one file, others in two.
        "train": _siqa_files("trn", ("siqa/train.jsonl", "siqa/train-labels.lst")),
        "validation": _siqa_files("dev", ("siqa/dev.jsonl", "siqa/dev-labels.lst")),
        "test": _siqa_files("tst"),
    },
    perturbed=(fields(3),),
    adapt=by_premise,
    accepts=("siqa",),
    cite="Sap et al. 2019, Social IQa: Commonsense Reasoning about Social Interactions (arXiv 1904.09728)",
    max_length=128,
    hub=parquet("allenai/social_i_qa", _SIQA_COMMIT, "default", LEARNED, situation, files="default/{split}/*.parquet"),
    rows="33,410 questions to train on, 1,954 of validation and 2,224 of test.",
    train_rows=33_410,
    licence="CC BY 4.0",
    trains=("xcopa",),
)
