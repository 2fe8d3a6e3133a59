"""The reader of questions with choices: XCOPA's rows and Social IQa's, in order, with a place for every mistake."""

from __future__ import annotations

import json
import random
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from robust_xtreme.core import registry
from robust_xtreme.core.errors import DataError, MissingData
from robust_xtreme.core.examples import Choice
from robust_xtreme.core.specs import Origin, TaskSpec
from robust_xtreme.tasks.adapters import hub
from robust_xtreme.tasks.formats import jsonl_choices
from robust_xtreme.tasks.sources.source import load, resolve

XCOPA: TaskSpec = registry.load("task", "xcopa")


def causal(idx: int | None, **changes: object) -> dict[str, Any]:
    """A row of XCOPA; a key that is changed to None is left out."""
    row = {"premise": f"p{idx}", "choice1": "a", "choice2": "b", "question": "cause", "label": 1, "idx": idx, **changes}
    return {key: value for key, value in row.items() if value is not None}


def social(**changes: object) -> dict[str, Any]:
    """A row of Social IQa."""
    row = {
        "context": "c",
        "question": "Why?",
        "answerA": "x",
        "answerB": "y",
        "answerC": "z",
        "correct": "C",
        **changes,
    }
    return {key: value for key, value in row.items() if value is not None}


def lines(*rows: object) -> str:
    """Rows as JSON lines."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def test_rows_of_xcopa_have_two_choices_and_an_index() -> None:
    """The kind of question stays as it is; a label that is absent, null or -1 is none."""
    rows = jsonl_choices.read(lines(causal(0), causal(1, label=None), causal(2, label=-1, question="effect")), "f")
    assert [row.values["label"] for row in rows] == [1, None, None]
    assert rows[0].values == {"premise": "p0", "question": "cause", "choices": ("a", "b"), "label": 1}
    assert [(row.native, row.location) for row in rows] == [("0", "f:1"), ("1", "f:2"), ("2", "f:3")]
    assert rows[2].values["question"] == "effect"


def test_rows_of_social_iqa_have_three_choices() -> None:
    """Its answers A to C are choices, its question is a text, and the letter is an index."""
    rows = jsonl_choices.read(lines(social(), social(correct="A"), social(correct=None)), "f")
    assert rows[0].values == {"premise": "c", "question": "Why?", "choices": ("x", "y", "z"), "label": 2}
    assert [row.values["label"] for row in rows] == [2, 0, None]


def test_rows_go_by_their_numbers() -> None:
    """A file in another order gives the same examples, since ids are places in the official one."""
    rows = [causal(idx) for idx in range(20)]
    moved = random.Random(1).sample(rows, len(rows))
    whole, other = (jsonl_choices.read(lines(*some), "f") for some in (rows, moved))
    assert [(row.native, row.values) for row in whole] == [(row.native, row.values) for row in other]


@pytest.mark.parametrize("change", ["crlf", "mark", "decomposed"])
def test_line_ends_marks_and_normalisation(tmp_path: Path, change: str) -> None:
    """CRLF and a byte order mark make no difference; decomposed letters stay as they are."""
    text = lines(causal(0, premise="né"), causal(1, label=0))
    changed = {
        "crlf": text.replace("\n", "\r\n"),
        "mark": "\ufeff" + text,
        "decomposed": unicodedata.normalize("NFD", text),
    }[change]
    path = tmp_path / "xcopa" / "data" / "et" / "test.et.jsonl"
    path.parent.mkdir(parents=True)
    path.write_bytes(changed.encode())
    loaded = load(XCOPA, tmp_path, "et", "test")
    assert (len(loaded.examples), loaded.labelled) == (2, True)
    wanted = unicodedata.normalize("NFD", "né") if change == "decomposed" else "né"
    assert loaded.examples[0].texts["premise"].value == wanted


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (lines(causal(0), causal(1))[:-9], "JSON"),
        (lines(causal(0)) + "\n" + lines(causal(1)), "JSON"),
        ("[1]\n", "JSON object"),
        (lines(causal(0), causal(1), causal(1)), "not unique"),
        (lines(causal(0), causal(2)), "row is missing"),
        (lines(causal(1), causal(2)), "the idx 0"),
        (lines(causal(0), causal(None)), "no 'idx'"),
        (lines({**causal(0), "idx": "0"}), "not '0'"),
        (lines(causal(-1)), "not -1"),
        (lines(causal(0, question="why")), "'why'"),
        (lines(causal(0, question=["cause"])), "'cause'"),
        (lines(causal(0, label=2)), "not 2"),
        (lines(causal(0, label=True)), "not True"),
        (lines(causal(0, choice2=None)), "choice2' is missing"),
        (lines(causal(0, choice2=" ")), "choice2' is empty"),
        (lines(causal(0, premise=7)), "premise' takes"),
        (
            lines(causal(0, premise="\ud800")).replace("\ud800", "\\ud800"),
            "surr",
        ),
        (lines(social(correct="D")), "not 'D'"),
        (lines(social(correct=["A"])), "correct' takes"),
        (lines(social(answerC=None)), "answerC"),
        (lines({"text": "a"}), "Social IQa"),
    ],
)
def test_what_is_not_a_question_is_named_with_its_line(text: str, message: str) -> None:
    """Broken lines, keys and values, and numbers that are twice or not at all, are refused on one line."""
    with pytest.raises(DataError, match=message) as caught:
        jsonl_choices.read(text, "f")
    assert "\n" not in str(caught.value)


def test_examples_ask_in_english_after_the_premise() -> None:
    """As in XTREME-R's run_xcopa.py, the question is in English in every language, and is never noised."""
    rows = jsonl_choices.read(lines(causal(0), causal(1, question="effect")), "f")
    first, second = XCOPA.adapt(rows, Origin("xcopa", "test", "sw"))
    assert [example.texts["question"].value for example in (first, second)] == [
        "What was the cause?",
        "What was the effect?",
    ]
    assert {name: text.language for name, text in first.texts.items()} == {
        "premise": "sw",
        "question": "en",
        "choice1": "sw",
        "choice2": "sw",
    }
    assert (first.id, first.cluster, first.target) == ("xcopa/test/sw/0", "xcopa-test/0", Choice(1))
    assert "question" not in XCOPA.fields


def test_a_question_of_its_own_is_asked_as_it_is() -> None:
    """A text instead of `cause` or `effect`, as of a suite or Social IQa, is in the row's language."""
    values = {"premise": "p", "question": "Kwa nini?", "choices": ["a", "b", "c"], "label": 2}
    record = jsonl_choices.record(values, "f:1")
    (row,) = jsonl_choices.read(lines(social()), "f")
    for content, language in ((record, "sw"), (row.values, "en")):
        (example,) = XCOPA.adapt((type(row)("0", "f:1", content),), Origin("xcopa", "test", language))
        assert (example.texts["question"].value, example.texts["question"].language) == (content["question"], language)
        assert list(example.texts)[:4] == ["premise", "choice1", "choice2", "choice3"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"choices": ["a"]}, "two texts"),
        ({"choices": "ab"}, "list of texts"),
        ({"label": 2}, "not 2"),
        ({"label": True}, "not True"),
        ({"question": ""}, "question"),
    ],
)
def test_rows_of_a_suite_are_checked(change: dict[str, object], message: str) -> None:
    """Choices are a list of two texts or more, and the label is the place of one of them."""
    row = {"premise": "p", "question": "cause", "choices": ["a", "b"], "label": 0, **change}
    with pytest.raises(DataError, match=f"^f:1: .*{message}"):
        jsonl_choices.record(row, "f:1")


def test_labels_that_are_all_zero_are_none(tmp_path: Path) -> None:
    """XTREME's preprocessing sets the labels of test files to 0; the release's own files go before them."""
    made = tmp_path / "xcopa" / "test-et.jsonl"
    made.parent.mkdir()
    made.write_text(lines(*(causal(idx, label=0) for idx in range(4))), encoding="utf-8")
    assert not load(XCOPA, tmp_path, "et", "test").labelled
    path = tmp_path / "xcopa" / "data" / "et" / "test.et.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text(lines(*(causal(idx, label=idx % 2) for idx in range(4))), encoding="utf-8")
    assert load(XCOPA, tmp_path, "et", "test").labelled


@pytest.mark.parametrize("label", [-1, None])
def test_a_row_without_a_label_among_others_is_named(tmp_path: Path, label: int | None) -> None:
    """An evaluated split has a label on every row or on none; rows to learn from are left out where they have none."""
    for part in ("train", "test"):
        path = tmp_path / "xcopa" / "data" / "et" / f"{part}.et.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(lines(causal(0), causal(1, label=label), causal(2, label=0)), encoding="utf-8")
    what = "no label"
    with pytest.raises(DataError, match=what):
        load(XCOPA, tmp_path, "et", "test")
    assert len(load(XCOPA, tmp_path, "et", "train").examples) == 3
    path.write_text(lines(*(causal(idx, label=label) for idx in range(3))), encoding="utf-8")
    with pytest.raises(MissingData, match="no labels"):
        resolve(XCOPA, tmp_path, "auto", "et")
    path.write_text(lines(*(causal(idx, label=1) for idx in range(3))), encoding="utf-8")
    with pytest.raises(MissingData, match="no labels"):
        resolve(XCOPA, tmp_path, "auto", "et")


def test_training_is_on_english_that_is_not_evaluated(tmp_path: Path) -> None:
    """English COPA is read to train on and to look at meanwhile, and is none of the eleven languages."""
    for part in ("train", "val"):
        path = tmp_path / "xcopa" / "data" / "en" / f"{part}.en.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(lines(causal(0), causal(1, label=0)), encoding="utf-8")
    for split in ("train", "validation"):
        assert [example.id for example in load(XCOPA, tmp_path, "en", split).examples] == [
            f"xcopa/{split}/en/{i}" for i in (0, 1)
        ]
    assert "en" not in XCOPA.languages


@pytest.mark.parametrize("label", [0, 1, -1, None, "choice1", "choice2"])
def test_rows_of_the_hub_are_those_of_the_files(label: int | str | None) -> None:
    """Numbers of XCOPA's copy and names of SuperGLUE's give what the release's rows give."""
    number = {"choice1": 0, "choice2": 1}.get(label, label) if isinstance(label, str) else label
    (row,) = jsonl_choices.read(lines(causal(0, label=number)), "f")
    assert hub.causal({**causal(0), "label": label, "changed": False}, "hub: row 0") == row.values


@pytest.mark.parametrize(("change", "column"), [({"label": "maybe"}, "label"), ({"choice1": 7}, "choice1")])
def test_wrong_columns_of_the_hub_are_named(change: dict[str, object], column: str) -> None:
    """A value of another kind is refused with the row and the column."""
    with pytest.raises(DataError, match=rf"^hub: row 0: .*'{column}'"):
        hub.causal({**causal(0), **change}, "hub: row 0")
