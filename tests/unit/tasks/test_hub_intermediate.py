"""Copies of intermediate tasks on the hub: the same examples as the release's files give."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]  # it ships no types
import pyarrow.parquet as pq  # type: ignore[import-untyped]  # the same
import pytest
from tests.loopback import Loopback

from robust_xtreme.core import registry
from robust_xtreme.core.errors import DataError, UserError
from robust_xtreme.core.specs import TaskSpec
from robust_xtreme.tasks.adapters import hub as of
from robust_xtreme.tasks.sources.source import load, open_source

NLI = ("entailment", "neutral", "contradiction")
DUPLICATE = ("not_duplicate", "duplicate")


def task(name: str) -> TaskSpec:
    """An intermediate task, or a part of one."""
    plus: TaskSpec = registry.load("intermediate", "anli_plus")
    named_part = next((part for part in plus.parts if part.name == name), None)
    return named_part or registry.load("intermediate", name)


def _parquet(rows: Sequence[Mapping[str, Any]], classes: Sequence[str] = ()) -> bytes:
    """Rows as the hub's files have them, with the names of their classes."""
    table = pa.Table.from_pylist([dict(row) for row in rows])
    if classes:
        kinds = {
            "string": {"dtype": "string", "_type": "Value"},
            "int64": {"names": list(classes), "_type": "ClassLabel"},
        }
        features = {field.name: kinds[str(field.type)] for field in table.schema}
        table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    out = io.BytesIO()
    pq.write_table(table, out)
    return out.getvalue()


def _pairs(*labels: int) -> list[dict[str, Any]]:
    return [{"premise": f"p{at}", "hypothesis": "h", "label": label} for at, label in enumerate(labels)]


def _lines(rows: Sequence[Mapping[str, Any]]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def _released(rows: Sequence[Mapping[str, Any]], *, letters: bool = False) -> str:
    """The same pairs as MultiNLI and SNLI, or ANLI, have them."""
    converted = []
    for row in rows:
        name = NLI[row["label"]] if row["label"] >= 0 else "-"
        snli = {"sentence1": row["premise"], "sentence2": row["hypothesis"], "gold_label": name}
        converted.append(
            {"context": row["premise"], "hypothesis": row["hypothesis"], "label": name[0]} if letters else snli
        )
    return _lines(converted)


ROUNDS = [_pairs(0, 1), _pairs(2), _pairs(1, 1, 0)]
HELLASWAG = [
    {"ind": 4, "ctx_a": "a", "ctx_b": "then", "ctx": "a then", "endings": list("wxyz"), "label": "3", "source_id": "s"},
    {"ind": 7, "ctx_a": "b", "ctx_b": "", "ctx": "b", "endings": list("wxyz"), "label": "0", "source_id": "s"},
]
COSMOS = [
    {"id": "a1", "context": "c, d", "question": "q", **{f"answer{at}": f"t{at}" for at in range(4)}, "label": 2},
    {"id": "a2", "context": "e", "question": "q", **{f"answer{at}": f"t{at}" for at in range(4)}, "label": 0},
]
COMMONSENSE = [
    {"id": "c1", "question": "q", "question_concept": "k", "answerKey": "D"}
    | {"choices": {"label": list("ABCDE"), "text": list("vwxyz")}},
]
SOCIAL = [
    {"context": "c", "question": "q", "answerA": "x", "answerB": "y", "answerC": "z", "label": label}
    for label in ("1", "3")
]
SQUAD = [
    {"id": "q1", "context": "a b", "question": "?", "answers": {"text": ["b"], "answer_start": [2]}},
    {"id": "q2", "context": "a b", "question": "!", "answers": {"text": [], "answer_start": []}},
]
QQP = [
    {"question1": "a?", "question2": "b?", "label": 1, "idx": 0},
    {"question1": "c?", "question2": "d?", "label": 0, "idx": 3},
]


def _squad(rows: Sequence[Mapping[str, Any]]) -> str:
    asked = [
        {
            "id": row["id"],
            "question": row["question"],
            "is_impossible": not row["answers"]["text"],
            "answers": [
                {"text": text, "answer_start": start}
                for text, start in zip(row["answers"]["text"], row["answers"]["answer_start"], strict=True)
            ],
        }
        for row in rows
    ]
    return json.dumps({"data": [{"paragraphs": [{"context": rows[0]["context"], "qas": asked}]}]})


def _commonsense(row: Mapping[str, Any]) -> dict[str, Any]:
    pairs = zip(row["choices"]["label"], row["choices"]["text"], strict=True)
    choices = [{"label": letter, "text": text} for letter, text in pairs]
    return {"id": row["id"], "answerKey": row["answerKey"], "question": {"stem": row["question"], "choices": choices}}


def _columns(rows: Sequence[Mapping[str, Any]], sign: str, *more: str) -> str:
    """The rows as columns under a header; a field with a comma is quoted."""
    head = [*more, *rows[0]]
    cells = [["" for _ in more] + [str(row[name]) for name in rows[0]] for row in rows]
    quoted = [[f'"{cell}"' if sign == "," and sign in cell else cell for cell in row] for row in cells]
    return "".join(sign.join(row) + "\n" for row in [head, *quoted])


CASES: dict[str, tuple[dict[str, bytes], dict[str, str]]] = {
    "mnli": (
        {"data/train-00000-of-00001.parquet": _parquet(_pairs(2, 0), NLI)},
        {"multinli_1.0/multinli_1.0_train.jsonl": _released(_pairs(2, 0))},
    ),
    "snli": (
        {"plain_text/train-00000-of-00001.parquet": _parquet(_pairs(0, -1, 2), NLI)},
        {"snli_1.0/snli_1.0_train.jsonl": _released(_pairs(0, -1, 2))},
    ),
    "anli": (
        {f"plain_text/train_r{at}-00000-of-00001.parquet": _parquet(ROUNDS[at - 1], NLI) for at in (3, 1, 2)},
        {f"anli_v1.0/R{at}/train.jsonl": _released(ROUNDS[at - 1], letters=True) for at in (1, 2, 3)},
    ),
    "qqp": (
        {"qqp/train-00000-of-00001.parquet": _parquet([{**row, "idx": str(row["idx"])} for row in QQP], DUPLICATE)},
        {
            "QQP/train.tsv": "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n"
            + "".join(f"9\t1\t2\t{row['question1']}\t{row['question2']}\t{row['label']}\n" for row in QQP)
        },
    ),
    "squad": (
        {"plain_text/train-00000-of-00001.parquet": _parquet(SQUAD[:1])},
        {"squad/train-v1.1.json": _squad(SQUAD[:1])},
    ),
    "squad_v2": (
        {"squad_v2/train-00000-of-00001.parquet": _parquet(SQUAD)},
        {"squad/train-v2.0.json": _squad(SQUAD)},
    ),
    "hellaswag": (
        {"data/train-00000-of-00001.parquet": _parquet(HELLASWAG)},
        {"hellaswag/hellaswag_train.jsonl": _lines([{**row, "label": int(str(row["label"]))} for row in HELLASWAG])},
    ),
    "cosmos_qa": (
        {"default/train/0000.parquet": _parquet(COSMOS)},
        {"cosmosqa/train.csv": _columns(COSMOS, ",")},
    ),
    "commonsense_qa": (
        {"data/train-00000-of-00001.parquet": _parquet(COMMONSENSE)},
        {"commonsenseqa/train_rand_split.jsonl": _lines([_commonsense(row) for row in COMMONSENSE])},
    ),
    "siqa": (
        {"default/train/0000.parquet": _parquet(SOCIAL)},
        {"siqa/socialIQa_v1.4_trn.jsonl": _lines([{**row, "correct": "ABC"[int(row["label"]) - 1]} for row in SOCIAL])},
    ),
}


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Loopback]:
    """A hub with the training data of each task, and a cache of its own."""
    with Loopback() as server:
        for name, (files, _) in CASES.items():
            wanted = task(name).hub["train"]
            server.put("dataset", wanted.repo, files, wanted.revision)
        with server.lent(tmp_path):
            yield server


@pytest.mark.usefixtures("hub")
@pytest.mark.parametrize("name", CASES)
def test_the_hub_gives_the_examples_of_the_files(tmp_path: Path, name: str) -> None:
    """Ids, fingerprints and clusters are equal, also where rows without a label went."""
    for path, text in CASES[name][1].items():
        (tmp_path / "data" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "data" / path).write_text(text, encoding="utf-8")
    loaded = load(task(name), tmp_path / "data", "en", "train").examples
    fetched = load(task(name), open_source("hub"), "en", "train").examples
    assert fetched == loaded
    assert [example.id for example in fetched] == [example.id for example in loaded]
    assert fetched[-1].id.startswith(f"{name}/train/en/")


def test_a_copy_of_some_rounds_is_not_the_split(hub: Loopback) -> None:
    """Two of the three rounds of ANLI, each whole."""
    wanted, files = task("anli").hub["train"], CASES["anli"][0]
    hub.put("dataset", wanted.repo, dict(list(files.items())[:2]), wanted.revision)
    with pytest.raises(UserError, match="Not all"):
        load(task("anli"), open_source("hub"), "en", "train")


def test_every_task_with_a_copy_is_tried() -> None:
    """All but CCG, which has none, and ANLI+, which is its parts."""
    assert {*CASES, "ccg", "anli_plus"} == {*registry.names("intermediate"), "anli", "snli"}


def test_a_pair_without_a_label_is_none() -> None:
    """The class -1 of SNLI is read as no label, and the row is left out."""
    assert of.labelled_pair({"premise": "p", "hypothesis": "h", "label": None}, "r") is None


@pytest.mark.parametrize("label", ["2", 2])
def test_numbers_may_be_texts(label: object) -> None:
    """HellaSwag and Social IQa have them as texts, Cosmos QA as numbers; the latter's counts from 0."""
    assert of.ending({**HELLASWAG[0], "label": label}, "r")["label"] == 2
    assert of.passage({**COSMOS[0], "label": label}, "r")["label"] == 2
    assert of.situation({**SOCIAL[0], "label": label}, "r")["label"] == 1


@pytest.mark.parametrize(
    ("read", "row", "message"),
    [
        (
            of.questions,
            {**QQP[0], "label": 1},
            "by their names",
        ),
        (
            of.questions,
            {**QQP[0], "label": "duplicate", "question1": None},
            "question1",
        ),
        (
            of.ending,
            {**HELLASWAG[0], "label": "9" * 5000},
            "9{79}",
        ),
        (of.ending, {**HELLASWAG[0], "endings": "w"}, "endings"),
        (of.passage, {**COSMOS[0], "label": 4}, "below 4, not 4"),
        (of.passage, {**COSMOS[0], "label": True}, "not True"),
        (of.situation, {**SOCIAL[0], "label": "0"}, "from 1 to 3"),
        (of.situation, {**SOCIAL[0], "label": "4"}, "not '4'"),
        (
            of.commonsense,
            {**COMMONSENSE[0], "answerKey": None},
            "answerKey",
        ),
        (of.commonsense, {**COMMONSENSE[0], "choices": {"label": ["A"], "text": []}}, "as many labels"),
    ],
)
def test_wrong_columns_of_the_hub_are_named(read: Any, row: Mapping[str, Any], message: str) -> None:
    """A value of another kind is refused with the row and the column."""
    with pytest.raises(DataError, match=rf"^hub: row 0: .*{message}"):
        read(row, "hub: row 0")


def test_an_unanswered_question_of_the_hub_is_marked() -> None:
    """The copy of SQuAD 2.0 has no mark but empty lists."""
    assert of.question_or_none(SQUAD[1], "r") == {
        "context": "a b",
        "question": "!",
        "answers": (),
        "impossible": True,
    }
    assert "impossible" not in of.question_or_none(SQUAD[0], "r")
