"""Values of other types in imported rows: forms that are known are read, all others are refused with row and type."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pandas as pd  # type: ignore[import-untyped]  # it has no types here
import polars as pl
import pytest
from tests.imports import imported, items, refused
from tests.program import program
from tests.some import some

import robust_xtreme
from robust_xtreme.core.errors import DataError, Mismatch, UserError
from robust_xtreme.report.document import finished

pytestmark = pytest.mark.usefixtures("unpaged")

PARIS: Final = {"text": ["Paris", "in Paris"], "answer_start": [3, 0]}
XQUAD: Final = {"task": "xquad", "language": "en", "condition": "clean"}
OWN: Final = {"task": "own", "language": "en", "condition": "clean"}


def rows(named: dict[str, str], **values: Any) -> list[dict[str, Any]]:
    """Rows with the same values."""
    return [{"id": number, **named, **values} for number in range(3)]


@pytest.mark.parametrize(
    "gold",
    some(
        [
            PARIS,
            {"answer_start": [3], "text": ["Paris"]},
            {"text": "Paris", "answer_start": 3},
            [{"text": "Paris", "answer_start": 3}, {"text": "Lyon", "answer_start": 9}],
            ["Paris", "Lyon"],
            '["Paris", "Lyon"]',
            ' ["Paris", "Lyon"]\n',
            "['Paris', 'Lyon']",
            "Paris",
        ],
        5,
    ),
)
@pytest.mark.parametrize(
    "prediction",
    some(
        ["Paris", {"prediction_text": "Paris", "id": "1", "no_answer_probability": 0.0}],
        1,
    ),
)
def test_the_forms_of_squad_are_read(tmp_path: Path, gold: Any, prediction: Any) -> None:
    """Its dictionary of lists, a list of objects, a list of texts, a text: the right answer is right."""
    given = rows(XQUAD, gold=gold, prediction=prediction)
    scores = finished(imported(tmp_path, given)).scores
    assert dict(scores.select("metric", "value").rows()) == {"squad_em": 100.0, "squad_f1": 100.0}
    for number, frame in enumerate((pl.DataFrame(given), pd.DataFrame(given))):
        assert robust_xtreme.from_frame(frame, tmp_path / f"frame{number}").scores.equals(scores)


@pytest.mark.parametrize(
    ("values", "line"),
    some([
        ({"gold": 1912}, "'1912'"),
        ({"gold": True}, "'true'"),
        ({"gold": ["Paris", 3]}, '["Paris", 3]'),
        ({"gold": [["Paris"]]}, '[["Paris"]]'),
        ({"gold": {"texts": ["Paris"]}}, "an object"),
        ({"gold": {"text": [3], "answer_start": [3]}}, "'[3]'"),
        ({"gold": json.dumps(PARIS)}, "in which"),
        ({"gold": str(PARIS)}, "in which"),
        ({"gold": " " + json.dumps(PARIS)}, "in which"),
        ({"gold": '[{"text": "Paris", "answer_start": 3}]'}, "in which"),
        ({"gold": '{"text": ["Paris"]}'}, "in which"),
        ({"gold": ['{"text": "Paris"}']}, "in which"),
        ({"gold": "('Paris', 'Lyon')"}, "Give"),
        ({"gold": "array(['Paris'], dtype=object)"}, "in which"),
        ({"gold": "['Paris' 'Lyon']"}, "in which"),
        ({"gold": '["O\'Brien"\n \'Lyon\']'}, "in which"),
        ({"gold": "['Paris', nan]"}, "in which"),
        ({"gold": "['Paris', 'Ly"}, "in which"),
        ({"gold": "[b'Paris', b'Lyon']"}, "in which"),
        ({"prediction": "{'prediction_text': 'Paris'}"}, "in which"),
        ({"prediction": '["Lyon", "Paris"]'}, "in which"),
        ({"prediction": 1912}, "'1912'"),
        ({"prediction": ["Paris"]}, '["Paris"]'),
        ({"prediction": PARIS}, "an object"),
        ({"id": True}, "'true'"),
        ({"id": 1.5}, "1.5"),
        ({"language": False}, "'false'"),
        ({"cluster": ["p1"]}, "rows.jsonl:1: cluster is"),
        ({"scores": [2.0]}, "[2.0]"),
        ({"gold": "\ud800"}, "surrogate"),
    ], 10),
)  # fmt: skip
def test_another_type_is_refused_with_row_and_type(tmp_path: Path, values: dict[str, Any], line: str) -> None:
    """A number, a boolean, a nested list and an object of other keys become no text."""
    given = rows(XQUAD, **{"gold": "Paris", "prediction": "Paris", **values})
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in given))
    ended = program("import", str(tmp_path / "rows.jsonl"), "-o", str(tmp_path / "run"))
    assert (ended.code, len(ended.err.splitlines())) == (2, 1)
    assert line in ended.err


@pytest.mark.parametrize(
    ("gold", "prediction", "line"),
    [
        (True, "True", "'True'"),
        (1, "1.0", "'1.0'"),
        (False, 0, "'0'"),
        (["a"], ["a"], "list of texts"),
        ("a", 0.5, "0.5"),
        ("a", {"label": "a"}, "an object"),
    ],
)  # fmt: skip
def test_labels_of_a_task_are_of_one_type(tmp_path: Path, gold: Any, prediction: Any, line: str) -> None:
    """`True` is not the text True, and 1.0 is 1, not the text 1.0: neither is accuracy 0 in silence."""
    assert line in refused(tmp_path, rows(OWN, gold=gold, prediction=prediction))


@pytest.mark.parametrize(
    ("gold", "prediction"),
    some(
        [(True, True), (1, 1.0), (1, "1"), (-1, -1.0), ("None", "None")],
        2,
    ),
)
def test_labels_of_one_type_are_compared(tmp_path: Path, gold: Any, prediction: Any) -> None:
    """Booleans, whole numbers, which 1.0 is, too, and texts."""
    assert finished(imported(tmp_path, rows(OWN, gold=gold, prediction=prediction))).scores.item(0, "value") == 100.0


def test_columns_of_other_types_are_refused(tmp_path: Path) -> None:
    """Dates, bytes and numbers that are too large for a float are neither ids nor answers; decimals are scores."""
    dates = pl.DataFrame({"id": pl.Series(["2020-01-01"]).str.to_date(), "score": [1.0]})
    with pytest.raises(DataError, match="date"):
        robust_xtreme.from_frame(dates, tmp_path / "run", task="own", language="en", condition="clean")
    answers = pl.DataFrame({"id": [1], "gold": [1e300], "prediction": [1e300]})
    with pytest.raises(Mismatch, match="a number"):
        robust_xtreme.from_frame(answers, tmp_path / "run", task="own", language="en", condition="clean")
    huge = pd.DataFrame({"id": [10**400], "score": [1.0]})
    with pytest.raises(UserError, match="pandas"):
        robust_xtreme.from_frame(huge, tmp_path / "run", task="own", language="en", condition="clean")
    scores = pl.DataFrame({"id": [1, 2], "score": pl.Series(["0.5", "1"]).str.to_decimal(scale=2)})
    run = robust_xtreme.from_frame(scores, tmp_path / "run", task="own", language="en", condition="clean")
    assert run.scores.item(0, "value") == 75.0


def test_decimals_are_numbers(tmp_path: Path) -> None:
    """Whole ones are whole numbers, however many places they have: labels, ids, and scores in a struct."""
    labels = [number % 2 for number in range(30)]
    frame = pl.DataFrame({"id": pl.Series(range(30)) + 2**60, "gold": labels, "prediction": labels})
    cast = pl.col("id", "gold").cast(pl.Decimal(30, 2))
    for number, each in enumerate((frame.with_columns(cast), frame.with_columns(cast).to_pandas())):
        run = robust_xtreme.from_frame(each, tmp_path / f"{number}", task="own", language="en", condition="clean")
        assert run.scores.item(0, "value") == 100.0
        assert run.predictions.item(0, "example") == f"own/test/en/{2**60}"
    halves = frame.with_columns(gold=pl.Series(["0.50", "1.50"] * 15).str.to_decimal(scale=2))
    with pytest.raises(Mismatch, match=r"0\.5"):
        robust_xtreme.from_frame(halves, tmp_path / "run", task="own", language="en", condition="clean")
    scores = pl.DataFrame({"id": [1, 2], "score": pl.Series(["0.5", "1"]).str.to_decimal(scale=2)})
    scores = scores.select("id", scores=pl.struct(grade="score"))
    run = robust_xtreme.from_frame(scores, tmp_path / "run", task="own", language="en", condition="clean")
    assert run.scores.item(0, "value") == 75.0


def test_numbers_of_labels_are_read_in_our_order_and_said(tmp_path: Path) -> None:
    """Who numbers labels otherwise sees it; names need no sentence."""
    frame = pl.DataFrame({"id": range(4), "gold": ["entailment"] * 4, "prediction": ["0", "0", "0", "2"]})
    run = robust_xtreme.from_frame(frame, tmp_path / "numbers", task="xnli", language="en", condition="clean")
    assert any("2 contradiction" in note for note in run.manifest["notes"])
    assert run.scores.item(0, "value") == 75.0
    named = frame.with_columns(prediction=pl.lit("entailment"))
    run = robust_xtreme.from_frame(named, tmp_path / "names", task="xnli", language="en", condition="clean")
    assert not any("as numbers" in note for note in run.manifest["notes"])


def test_a_frame_is_rescored_where_it_is_asked_for(tmp_path: Path) -> None:
    """Scores that contradict predictions are refused, or both are in the notes; nobody is named who made the frame."""
    frame = pl.DataFrame(rows({**OWN, "task": "xnli"}, gold=1, prediction=1, scores={"accuracy": 0}))
    with pytest.raises(Mismatch, match="--rescored"):
        robust_xtreme.from_frame(frame, tmp_path / "run")
    run = robust_xtreme.from_frame(frame, tmp_path / "run", rescored=True)
    assert run.scores.item(0, "value") == 100.0
    first, second = run.manifest["notes"][:2]
    assert first == "The predictions or scores are those of a frame."
    assert second.startswith("Rescored: the accuracy of xnli/en clean is 100.00")


@pytest.mark.parametrize(
    ("values", "line"),
    some([
        ({"sums": {"accuracy": {"all": [5, 1]}}}, "[5.0, 1.0]"),
        ({"sums": {"accuracy": {"all": [-5, 1]}}}, "[-5.0, 1.0]"),
        ({"sums": {"accuracy": {"all": [-1, -1]}}}, "[-1.0, -1.0]"),
        ({"sums": {"accuracy": {"all": [0, 0]}}}, "[0.0, 0.0]"),
        ({"sums": {"accuracy": {"all": [0.5, 0.5]}}}, "[0.5, 0.5]"),
        ({"sums": {"accuracy": {"all": [1, 1e300]}}}, "1e+300"),
        ({"sums": {"accuracy": {"all": [1, 2]}}}, "[1.0, 2.0]"),
        ({"sums": {"token_accuracy": {"all": [0, 0]}}}, "token_accuracy"),
        ({"sums": {"span_f1": {"all": [0.5, 0, 0]}}}, "span_f1"),
        ({"sums": {"span_f1": {"all": [1, -1, 0]}}}, "[1.0, -1.0, 0.0]"),
        ({"sums": {"accuracy": {"all": [10**400, 1]}}}, "metric to scope"),
        ({"scores": {"grade": 2.0}}, "grade"),
        ({"scores": {"grade": 10**400}}, "from 0 to 1"),
        ({"score": 2.0}, "'score' is 2"),
        ({"scores": '{"grade": 1, "grade": 0}'}, "name to number"),
        ({"score": 1, "edits": -1}, "'-1'"),
        ({"score": 1, "word_edit_rate": -0.5}, "finite"),
        ({"score": 1, "grapheme_edit_rate": "inf"}, "finite"),
        ({"score": 1, "unknown": 5, "tokens": 4}, "unknown"),
        ({"score": 1, "success": True}, "queries"),
        ({"score": 1, "edits": 2}, "'clean'"),
        ({"score": 1, "edits": 0, "grapheme_edit_rate": 0.2}, "a rate"),
        ({"score": 1, "edits": 0, "word_edit_rate": 1}, "a rate"),
        ({"score": 1, "word_edit_rate": 1.2}, "1.2"),
        ({"score": 1, "operators": {"swap": 0.5}}, "operator to count"),
        ({"score": 1, "scores": {"f1": 1}}, "both score"),
        ({"gold": "a", "prediction": "a", "status": "unparsed"}, "unparsed"),
        ({"score": 1, "operators": "swap"}, "swap"),
    ], 10),
)  # fmt: skip
def test_numbers_that_cannot_be_are_refused(tmp_path: Path, values: dict[str, Any], line: str) -> None:
    """Sums of no example, scores and rates outside of their range: the message has the example and the number."""
    assert line in refused(tmp_path, rows(OWN, **values))


@pytest.mark.parametrize(
    "text",
    some(
        ["[1]", "(2010)", "{1, 2}", '("Love")', "(a, b", "[sic] Paris", "Paris [2]", "()"],
        4,
    ),
)
def test_a_text_in_brackets_is_a_text(tmp_path: Path, text: str) -> None:
    """What only looks like a form is the answer as it is."""
    scores = finished(imported(tmp_path, rows(XQUAD, gold=text, prediction=text))).scores
    assert dict(scores.select("metric", "value").rows())["squad_em"] == 100.0


@pytest.mark.parametrize(
    ("task", "gold", "given", "sums"),
    [
        ("xnli", "neutral", "neutral", {"accuracy": [0, 1]}),
        ("xnli", "neutral", "entailment", {"accuracy": [1, 1]}),
        ("own", "a", "a", {"accuracy": [0, 1]}),
        ("own", '["B-X", "O"]', '["B-X", "O"]', {"token_accuracy": [1, 2]}),
        ("panx", '["B-PER", "O"]', '["B-PER", "O"]', {"token_accuracy": [2, 2000], "span_f1": [1, 0, 0]}),
    ],
)
def test_sums_that_the_answer_of_their_row_does_not_have_are_refused(
    tmp_path: Path, task: str, gold: str, given: str, sums: dict[str, list[int]]
) -> None:
    """A right label whose sums say wrong, a wrong one whose sums say right, and words that a sentence does not have."""
    each = {metric: {"all": counts} for metric, counts in sums.items()}
    stated = rows({**OWN, "task": task}, gold=gold, prediction=given, sums=each)
    assert "--rescored" in refused(tmp_path, stated)
    notes = finished(imported(tmp_path, stated, "--rescored")).manifest["notes"]
    assert any(note.startswith("Rescored: ") for note in notes)


def test_sums_that_call_no_answer_right_are_refused(tmp_path: Path) -> None:
    """Beside answers that were found a prediction that is null is wrong."""
    sums = {"accuracy": {"all": [1, 1]}}
    given = rows({**OWN, "task": "xnli"}, gold="neutral", prediction="neutral", sums=sums)
    assert "1 of 3" in refused(tmp_path, [{**given[0], "prediction": None}, *given[1:]])


def test_sums_of_a_sentence_without_entities_are_read(tmp_path: Path) -> None:
    """An example may count nothing where its metric says so."""
    sums = [
        {"span_f1": {"all": [0, 0, 0]}, "token_accuracy": {"all": [3, 4]}},
        {"span_f1": {"all": [1, 0, 1]}, "token_accuracy": {"all": [3, 4]}},
    ]
    given = [{"id": number, **OWN, "sums": each} for number, each in enumerate(sums)]
    scores = finished(imported(tmp_path, given)).scores
    assert dict(scores.select("metric", "value").rows()) == {"span_f1": pytest.approx(200 / 3), "token_accuracy": 75.0}


@pytest.mark.parametrize("number", ["1e999", "-1e999", "NaN", "Infinity"])
@pytest.mark.parametrize(
    "row", ['{{"id": 9, "score": {}}}', '{{"id": 9, "scores": {{"a": {}}}}}', '{{"id": 9, "more": [{}]}}']
)
def test_an_infinite_number_is_named_with_its_line(tmp_path: Path, number: str, row: str) -> None:
    """What JSON writes and no float has, in any value of a row."""
    lines = [json.dumps(each) for each in items(3)]
    (tmp_path / "rows.jsonl").write_text("\n".join([*lines[:2], row.format(number), *lines[2:]]))
    ended = program("import", str(tmp_path / "rows.jsonl"), "-o", str(tmp_path / "run"))
    assert (ended.code, len(ended.err.splitlines())) == (2, 1)
    assert "rows.jsonl:3" in ended.err


@pytest.mark.parametrize(
    "text",
    some(
        ["[abc", "007", '["a", ', "[1]", "-5", '{"a": 1}'],
        2,
    ),
)
def test_texts_that_begin_as_json_are_exported_as_they_were(tmp_path: Path, text: str) -> None:
    """An answer that is not scored is stored as JSON, and comes back as the same text or value."""
    imported(tmp_path, rows(OWN, gold=text, prediction=text, score=0.5))
    assert not program("export", str(tmp_path / "run"), "--jsonl", "-o", str(tmp_path / "out.jsonl")).code
    answer = json.loads((tmp_path / "out.jsonl").read_text().splitlines()[0])["prediction"]
    assert (answer if isinstance(answer, str) else json.dumps(answer)) == text


@pytest.mark.parametrize(
    ("gold", "prediction", "expected"),
    [
        ([], "", (100.0, 100.0)),  # a right abstention
        ("", None, (100.0, 100.0)),
        ([], "the", (100.0, 100.0)),  # without words it is none
        ([], "Paris", (0.0, 0.0)),
        (["Paris"], "", (0.0, 0.0)),
        (["."], "", (100.0, 100.0)),  # a gold answer without words means that there is none
        (["Paris", "."], "", (0.0, 0.0)),  # and does not count beside another
        (["in Paris"], "Paris", (0.0, 200 / 3)),
    ],
)
def test_questions_without_an_answer_have_the_rule_of_squad_2(
    gold: Any, prediction: Any, expected: tuple[float, float], tmp_path: Path
) -> None:
    """As `get_raw_scores` of its script has them, in a task of which some questions have no answer."""
    rows = [{"id": number, **OWN, "gold": [], "prediction": "x"} for number in range(3)]
    rows += [{"id": number, **OWN, "gold": gold, "prediction": prediction} for number in range(3, 6)]
    run = robust_xtreme.load(imported(tmp_path, rows, "--family", "span_qa"))
    found = dict(run.scores.filter(scope="all").select("metric", "value").rows())
    assert (2 * found["squad_em"], 2 * found["squad_f1"]) == pytest.approx(expected)


def test_where_every_question_has_an_answer_the_rule_is_that_of_squad_1(tmp_path: Path) -> None:
    """A gold answer without words is matched exactly by an answer without words, and they share no word."""
    given = [{"id": number, **OWN, "gold": ["Paris", "the"], "prediction": "."} for number in range(3)]
    run = robust_xtreme.load(imported(tmp_path, given, "--family", "span_qa"))
    assert dict(run.scores.filter(scope="all").select("metric", "value").rows()) == {"squad_em": 100.0, "squad_f1": 0.0}
