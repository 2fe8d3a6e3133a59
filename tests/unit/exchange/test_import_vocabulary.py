"""The words of answers: those of the task or of its gold answers, or the import ends."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.imports import NOISE, imported, labelled, level, refused

from robust_xtreme.core.errors import UserError
from robust_xtreme.report.document import finished

pytestmark = pytest.mark.usefixtures("unpaged")


@pytest.mark.parametrize(
    ("golds", "given"),
    [
        (["yes", "no"] * 3, [" yes", "no"] * 3),
        (["yes", "no"] * 3, ["Yes", "no"] * 3),
        (["yes", "no"] * 3, ["'yes'", "no"] * 3),
        (["1", "x"] * 3, ['"1"', "x"] * 3),
        (["1", "x"] * 3, ["1.0", "x"] * 3),
        (["NEG\t", "POS"] * 3, ["NEG", "POS"] * 3),
        (["caf\u00e9", "no"] * 3, ["cafe\u0301", "no"] * 3),
        (["not_entail", "entail"] * 3, ["not entail", "entail"] * 3),
        (["non-fiction", "other"] * 3, ["non\u2010fiction", "other"] * 3),
        (["1", "2", "x"] * 3, ["01", "2", "x"] * 3),
        (["e-mail", "post"] * 3, ["e\u2011mail\u00ad", "post"] * 3),
        (["ja", "nein"] * 3, ["ja\u200b", "nein"] * 3),
        (["yes", "no"] * 3, ["(Yes).", "no"] * 3),
        (["very-good", "no"] * 3, ["verygood", "no"] * 3),
        (["-1", "x"] * 3, ["\u22121.0", "x"] * 3),
    ],
)
def test_answers_that_differ_in_their_writing_only_are_refused(
    golds: list[Any], given: list[Any], tmp_path: Path
) -> None:
    """With both of them, and never a level of nothing in silence."""
    with pytest.raises(UserError, match="Write them alike"):
        level(tmp_path, labelled(golds, given))


def test_answers_of_another_vocabulary_are_refused(tmp_path: Path) -> None:
    """Letters beside numbers, numbers of other choices, and tags; also where only noise has them."""
    golds = ["entailment", "neutral"] * 20
    for given in (["0", "1"] * 20, ["A", "B"] * 20, ["entailed", "none"] * 20):
        with pytest.raises(UserError, match="0 of 2"):
            level(tmp_path, labelled(golds, given))
    with pytest.raises(UserError, match="'0'"):
        level(tmp_path, labelled([0, 1] * 20, [17, 19] * 20))
    clean = labelled(golds, golds)
    noisy = labelled(golds, ["0", "1"] * 20, condition=NOISE)
    with pytest.raises(UserError, match="0 of 2"):
        level(tmp_path, clean + noisy)


@pytest.mark.parametrize(
    ("task", "gold", "prediction", "line"),
    [
        ("panx", ["B-LOC", "O"], ["b-loc", "O"], "b-loc"),
        ("panx", ["B-LOC", "O"], ["X-LOC", "O"], "X-LOC"),
        ("panx", ["B-LOC", "E-EVENT"], ["B-LOC", "O"], "E-EVENT"),
        ("udpos", ["NOUN", "X"], ["NN", "X"], "'NN'"),
        ("xcopa", 0, 2, "0, 1"),
        ("xcopa", 2, 1, "'2'"),
    ],
)  # fmt: skip
def test_answers_of_our_tasks_are_of_their_labels(
    task: str, gold: Any, prediction: Any, line: str, tmp_path: Path
) -> None:
    """Tags and numbers of choices as labels: others are refused, in the prediction and in the gold answer."""
    with pytest.raises(UserError) as caught:
        level(tmp_path, labelled([gold] * 30, [prediction] * 30, task=task))
    assert line in str(caught.value)


def test_tags_of_other_tasks_are_of_one_vocabulary(tmp_path: Path) -> None:
    """Tags that are nowhere gold are scored beside others that are, and refused where their case alone differs."""
    rows = items_of_ner([["B-LOC", "O", "B-EVENT"]] * 4, [["S-LOC", "O", "B-EVENT"]] * 4)
    assert finished(imported(tmp_path, rows, "--family", "tagging")).scores.height
    rows = items_of_ner([["B-LOC", "O"]] * 4, [["b-loc", "O"]] * 4)
    (tmp_path / "case").mkdir()
    line = refused(tmp_path / "case", rows, "--family", "tagging")
    assert "b-loc" in line
    rows = items_of_ner([["B-LOC", "O"]] * 4, [["S-Place", "O"]] * 4)
    (tmp_path / "other").mkdir()
    line = refused(tmp_path / "other", rows, "--family", "tagging")
    assert "S-Place" in line


def test_ids_of_documents_are_those_of_the_gold_answers(tmp_path: Path) -> None:
    """A blank, zeros, and other names are refused, also for our tasks; ids that both occur are two documents."""
    refusals = {
        "007": ("7", "007"),
        "'doc0 '": ("doc0", "doc0 "),
        "'x'": ("doc0", "x"),
    }
    for number, (line, (gold, given)) in enumerate(refusals.items()):
        (tmp_path / str(number)).mkdir()
        rows = labelled([[gold]] * 4, [[given]] * 4, task="lareqa")
        assert line in refused(tmp_path / str(number), rows)
    rows = labelled([["7"], ["8"]] * 9, [["007", "7"], ["9", "10"]] * 9, task="own")
    scores = finished(imported(tmp_path, rows, "--family", "retrieval")).scores
    assert dict(scores.select("metric", "value").rows()) == {"retrieval_accuracy": 0.0, "map_at_20": 25.0}


def test_numbers_of_choices_are_written_in_one_way(tmp_path: Path) -> None:
    """01 is the label 01 where gold answers are so written, and not the choice 1; 0 is none of stars from 1."""
    assert level(tmp_path, labelled(["01", "02"] * 9, ["01", "01"] * 9)) == 0.5
    with pytest.raises(UserError, match="'01'"):
        level(tmp_path, labelled([0, 1] * 9, ["01", "1"] * 9, task="xcopa"))


def test_predictions_that_nothing_scores_are_noted(tmp_path: Path) -> None:
    """Beside scores of a task of others; not where the family says how they are scored, or none has a gold answer."""
    rows = [row | {"scores": {"accuracy": 0}} for row in labelled(["yes", "no"] * 9, ["yes", "no"] * 9)]
    note = "The scores of own count, and its predictions do not: no --family says how they are."
    assert note in finished(imported(tmp_path, rows)).manifest["notes"]
    (tmp_path / "family").mkdir()
    line = refused(tmp_path / "family", rows, "--family", "classification")
    assert "18 of 18" in line
    (tmp_path / "scored").mkdir()
    alone = [{key: value for key, value in row.items() if key != "prediction"} for row in rows]
    assert note not in finished(imported(tmp_path / "scored", alone)).manifest["notes"]


def items_of_ner(golds: Sequence[Any], given: Sequence[Any]) -> list[dict[str, Any]]:
    """Rows of tags of others."""
    return labelled(golds, given, task="ner")


def test_numbers_that_begin_elsewhere_are_refused(tmp_path: Path) -> None:
    """Choices from 1 beside gold answers from 0; a choice that is never gold or never chosen alone is none."""
    with pytest.raises(UserError, match="1 to 2"):
        level(tmp_path, labelled([0, 1] * 20, [1, 2] * 20))
    with pytest.raises(UserError, match="1 to 4"):
        level(tmp_path, labelled([1, 2, 3, 4] * 9, [0, 1, 2, 3] * 9))
    assert level(tmp_path, labelled([0, 1] * 20, [1, 1] * 20)) == 0.5
    assert level(tmp_path, labelled([0, 1] * 20, [0, 2] * 20)) == 0.5
    assert level(tmp_path, labelled([1, 2] * 20, [1, 2] * 20)) == 1.0
    assert level(tmp_path, labelled([0, 1] * 20, [1, 0] * 20, task="xcopa")) == 0.0


def test_answers_of_one_vocabulary_are_scored_however_wrong(tmp_path: Path) -> None:
    """One label throughout, labels that are nowhere right, numbers of choices, and tags that are all O."""
    assert level(tmp_path, labelled(["yes", "no"] * 20, ["no", "no"] * 20)) == 0.5
    assert level(tmp_path, labelled(["yes", "no"] * 20, ["no", "yes"] * 20)) == 0.0
    assert level(tmp_path, labelled(["yes", "no"] * 20, ["no", "never"] * 20)) == 0.0
    assert level(tmp_path, labelled([3, 1] * 20, [0, 0] * 20)) == 0.0
    tags = [row | {"task": "panx"} for row in labelled([["B-LOC", "I-LOC"]] * 4, [["O", "O"]] * 4)]
    assert level(tmp_path, tags) == 0.0
