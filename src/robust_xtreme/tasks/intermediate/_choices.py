"""Intermediate tasks of choices: questions of common sense in English."""

from functools import partial
from typing import Final

from robust_xtreme.core.examples import UNLABELLED, Choice, Example, Text, digest
from robust_xtreme.core.specs import LEARNED, Files, Origin, Row
from robust_xtreme.tasks.adapters.hub import commonsense, ending, passage, pinned, situation
from robust_xtreme.tasks.adapters.pairs import choice_task

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


_task = partial(choice_task, languages=("en",), adapt=by_premise)

commonsense_qa = _task(
    name="commonsense_qa",
    summary="Common sense: which of five answers to a question, its premise, is right without a passage.",
    files={
        split: Files("commonsense_jsonl", (f"commonsenseqa/{name}_rand_split.jsonl",), ids="native")
        for split, name in (("train", "train"), ("validation", "dev"))
    },
    perturbed=(fields(5, question=False),),
    cite="Talmor et al. 2019, CommonsenseQA: A Question Answering Challenge Targeting Commonsense Knowledge "
    "(arXiv 1811.00937)",
    hub=pinned("tau/commonsense_qa", "default", LEARNED, commonsense, ids="native", files="data/{split}-*.parquet"),
    rows="9,741 questions to train on and 1,221 of validation.",
    train_rows=9_741,
    licence="MIT, by the card of its copy on the hub",
)


cosmos_qa = _task(
    name="cosmos_qa",
    summary="Reading with common sense: which of four answers to a question on a passage of a blog is right.",
    files={
        split: Files("cosmos_csv", (f"cosmosqa/{name}.csv", f"cosmosqa/data/{name}.csv"), ids="native")
        for split, name in (("train", "train"), ("validation", "valid"))
    },
    perturbed=(fields(4),),
    cite="Huang et al. 2019, Cosmos QA: Machine Reading Comprehension with Contextual Commonsense Reasoning "
    "(arXiv 1909.00277)",
    max_length=LENGTH,
    hub=pinned("allenai/cosmos_qa", "default", LEARNED, passage, ids="native", files="default/{split}/*.parquet"),
    rows="25,262 questions to train on and 2,985 of validation.",
    train_rows=25_262,
    licence="CC BY 4.0",
)


def _hellaswag_files(name: str, *more: str) -> Files:
    within = ("hellaswag", "hellaswag/data")
    return Files("hellaswag_jsonl", (*(f"{folder}/hellaswag_{name}.jsonl" for folder in within), *more))


hellaswag = _task(
    name="hellaswag",
    summary="Sentence completion: which of four endings continues with a text.",
    files={
        "train": _hellaswag_files("train", "hellaswag/hellaswag_train.first3368.jsonl"),
        "validation": _hellaswag_files("val"),
    },
    perturbed=(fields(4, question=False),),
    cite="Zellers et al. 2019, HellaSwag: Can a Machine Really Finish Your Sentence? (arXiv 1905.07830)",
    max_length=LENGTH,
    hub=pinned("Rowan/hellaswag", "default", LEARNED, ending, files="data/{split}-*.parquet"),
    rows="39,905 texts to train on and 10,042 of validation.",
    train_rows=39_905,
    licence="MIT",
)


def _siqa_files(name: str, *more: tuple[str, str]) -> Files:
    return Files("siqa_jsonl", (f"siqa/socialIQa_v1.4_{name}.jsonl", *more))


siqa = _task(
    name="siqa",
    summary="Social common sense: which of three answers to a question on a situation is right.",
    files={
        # Some archives of the release have rows and labels in one file, others in two.
        "train": _siqa_files("trn", ("siqa/train.jsonl", "siqa/train-labels.lst")),
        "validation": _siqa_files("dev", ("siqa/dev.jsonl", "siqa/dev-labels.lst")),
        "test": _siqa_files("tst"),
    },
    perturbed=(fields(3),),
    cite="Sap et al. 2019, Social IQa: Commonsense Reasoning about Social Interactions (arXiv 1904.09728)",
    hub=pinned("allenai/social_i_qa", "default", LEARNED, situation, files="default/{split}/*.parquet"),
    rows="33,410 questions to train on, 1,954 of validation and 2,224 of test.",
    train_rows=33_410,
    licence="CC BY 4.0",
    trains=("xcopa",),
)
