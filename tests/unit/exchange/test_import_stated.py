"""Scores that logs and rows state of themselves, the words of answers, and notes: each is true, or the import ends."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests import imports
from tests.harness_draws import levels, notes
from tests.harness_logs import TIME, harness, imported, refused, sample
from tests.unit.exchange.test_import_inspect import answered, log

from robust_xtreme.core.errors import UserError

NOISE = imports.NOISE


def old(count: int = 30, right: int = 24, **more: Any) -> list[dict[str, Any]]:
    """Samples as lm-eval before November 2024 writes them: letters as targets, and metrics as keys."""
    rows = []
    for number in range(count):
        gold, best = number % 4, number % 4 if number < right else (number + 1) % 4
        responses = [[str(-1.5 if choice == best else -9.25), "False"] for choice in range(4)]
        row = {"doc_id": number, "doc": {"question": "?"}, "target": "ABCD"[gold], "filtered_resps": responses}
        rows.append(row | {"resps": [], "doc_hash": "x", "acc": float(gold == best), "acc_norm": 1.0} | more)
    return rows


def written(folder: Path, rows: Sequence[Mapping[str, Any]], **stated: float) -> Path:
    """A file of samples, beside it the results, with what they state."""
    more: dict[str, Any] = {"results": {"mine": stated}}
    harness(folder, {"mine": rows}, **more)
    return folder / f"samples_mine_{TIME}.jsonl"


def test_letters_of_old_logs_are_the_choices(tmp_path: Path) -> None:
    """The level is the accuracy that the log states, and each prediction and gold answer a number."""
    path = written(tmp_path, old(), **{"acc,none": 0.8, "acc_norm,none": 1.0})
    assert levels(path) == {"accuracy": 0.8, "given/acc_norm": 1.0}
    assert not [note for note in notes(path) if "filter" in note or "left out" in note]


def test_targets_that_agree_in_no_way_leave_the_level_of_the_log(tmp_path: Path) -> None:
    """Letters of an order that is not that of the choices, and lists of choices: the stated accuracy is taken."""
    rows = [row | {"target": "ABCD"[("ABCD".index(row["target"]) + 1) % 4]} for row in old()]
    assert levels(written(tmp_path / "order", rows))["accuracy"] == 0.8
    rows = [row | {"target": "[0, 2]"} for row in old()]
    assert levels(written(tmp_path / "lists", rows))["accuracy"] == 0.8
    rows = [row | {"target": "0", "acc": 0.25} for row in old()]
    assert levels(written(tmp_path / "shares", rows)) == {"accuracy": 0.25, "given/acc_norm": 1.0}


@pytest.mark.parametrize("target", ["B", "beta", "[0, 1]"])
def test_targets_that_nothing_explains_are_refused(target: str, tmp_path: Path) -> None:
    """Without a score the numbers of choices are compared with no letters and no texts."""
    rows = [row | {"target": target, "metrics": []} for row in old()]
    with pytest.raises(UserError, match="0 of 4"):
        levels(written(tmp_path, rows))


@pytest.mark.parametrize(
    ("stated", "line"),
    [
        ({"acc,none": 0.8, "acc_norm,none": 0.9}, "90.00"),
        ({"acc,none": 0.5}, "50.00"),
        ({"acc,none": 0.80002, "acc_stderr,none": 0.1}, "80.00"),
        ({"acc,none": 10**400}, "100000000000.00"),
        ({"acc,none": math.nan}, "nan"),
        ({"acc,none": 0.8000000000000002}, ""),
        ({"acc,strict": 0.5, "acc_norm,none": 1}, ""),
        ({"acc,none": 0.8, "f1,none": 0.1}, ""),
    ],
)
def test_results_are_the_means_of_their_samples(stated: dict[str, float], line: str, tmp_path: Path) -> None:
    """By metric and filter; other metrics are not compared, and neither are standard errors."""
    path = written(tmp_path, [row | {"filter": "none"} for row in old()], **stated)
    if not line:
        assert levels(path)["accuracy"] == 0.8
        return
    with pytest.raises(UserError) as caught:
        levels(path)
    assert line in str(caught.value)


def test_rounded_results_are_the_means(tmp_path: Path) -> None:
    """Five of six, as 0.8333; the results have an accuracy that the samples do not."""
    assert levels(written(tmp_path / "a", old(30, 25), **{"acc,none": 0.8333}))["accuracy"] == pytest.approx(25 / 30)
    rows = [row | {"metrics": [], "target": str("ABCD".index(row["target"]))} for row in old()]
    assert levels(written(tmp_path / "b", rows, **{"acc,none": 0.8}))["accuracy"] == 0.8
    with pytest.raises(UserError, match=r"20\.00"):
        levels(written(tmp_path / "c", rows, **{"acc,none": 0.2}))


def wrong_key(folder: Path, count: int = 30) -> Path:
    """A log of inspect whose answers are all those of the target, and all of whose scores are I."""
    score = {"choice": {"value": "I", "answer": "A"}}
    rows = [answered(number, True, "clean", target="A", scores=score, metadata={}) for number in range(count)]
    return log(folder / "a.eval", rows, results=results(count, 0.0))


def results(count: int, level: float, name: str = "choice", metric: str = "accuracy") -> dict[str, Any]:
    """The results of a header."""
    scores = [{"name": name, "scorer": name, "metrics": {metric: {"name": metric, "value": level}}}]
    return {"total_samples": count, "completed_samples": count, "scores": scores}


def test_scores_that_are_not_those_of_answers_are_refused_or_stamped(tmp_path: Path) -> None:
    """Target A, answer A and value I: both numbers, and with --rescored both on the page and in the manifest."""
    path = str(wrong_key(tmp_path / "logs"))
    words = (path, "--tasks", "mine", "-l", "sw", "--condition", "clean")
    assert "--rescored" in refused(*words)
    run = imported(tmp_path, *words, "--rescored")
    assert "30 of 30" in "".join(run.manifest["imported"]["rescored"])
    for name in ("report.md", "report.html"):
        assert "0.00 is stated" in (tmp_path / "run" / name).read_text("utf-8")
    ended = imported(tmp_path / "right", str(written(tmp_path / "old", old())), *words[1:], "--rescored")
    assert "rescored" not in ended.manifest["imported"]
    assert not [note for note in ended.manifest["notes"] if "escored" in note]


@pytest.mark.usefixtures("no_pages")
@pytest.mark.parametrize(
    ("words", "label"), [(("--tasks", "mine", "--family", "classification"), "yes"), (("--tasks", "xnli"), "neutral")]
)
def test_texts_that_are_read_as_labels_have_the_score_of_their_log(
    words: tuple[str, ...], label: str, tmp_path: Path
) -> None:
    """A family or our task makes labels of generated texts: exact matches and values are their accuracy."""
    score = {"match": {"value": "I", "answer": label}}
    more = {"metadata": {}, "choices": None, "target": label, "scores": score}
    theirs = log(tmp_path / "a.eval", [answered(number, True, "clean", **more) for number in range(20)])
    ours = written(tmp_path / "b", generated(*[label] * 20, target=label))
    for path in (theirs, ours):
        line = refused(f"{path}=clean", "-l", "sw", *words)
        assert "20 of 20" in line


def test_the_header_of_inspect_states_the_mean_of_its_samples(tmp_path: Path) -> None:
    """Accuracy or mean, by scorer; samples that are missing are counted."""
    rows = [answered(number, number < 20, "clean", metadata={}) for number in range(30)]
    for metric in ("accuracy", "mean"):
        stated = results(30, 20 / 30, metric=metric)
        measured = levels(log(tmp_path / f"{metric}.eval", rows, results=stated))
        assert measured == {"accuracy": 20 / 30, "given/choice": 20 / 30}
    with pytest.raises(UserError, match=r"66\.67"):
        levels(log(tmp_path / "other.eval", rows, results=results(30, 0.5)))
    with pytest.raises(UserError, match="29 samples"):
        levels(log(tmp_path / "few.eval", rows[1:], results=results(30, 20 / 30)))


@pytest.mark.parametrize("scores", [5, "x", [3], {"a": 1}, [{"name": "choice", "metrics": {"accuracy": [1]}}]])
def test_results_of_another_shape_state_nothing(scores: Any, tmp_path: Path) -> None:
    """What is not a list of scorers with metrics is not compared, and nothing breaks."""
    rows = [answered(number, number < 20, "clean", metadata={}) for number in range(30)]
    assert levels(log(tmp_path / "a.eval", rows, results={"scores": scores}))["accuracy"] == 20 / 30


def test_several_choices_are_as_right_as_they_are_stated(tmp_path: Path) -> None:
    """Targets of several letters, some answered in full: the level is that of the log, and no note denies it."""
    rows = [answered(number, True, "clean", metadata={}, target=["A", "C"]) for number in range(30)]
    for number, row in enumerate(rows):
        answer = "A, C" if number < 12 else "B" if number < 20 else "A, B"
        row["scores"] = {"choice": {"value": "C" if number < 12 else "I", "answer": answer}}
    path = log(tmp_path / "a.eval", rows, results=results(30, 0.4))
    assert levels(path)["given/choice"] == 0.4
    assert not [note for note in notes(path) if "prediction" in note]


def test_samples_without_a_score_are_refused(tmp_path: Path) -> None:
    """An evaluation with --no-score would be wrong throughout; those of dictionaries and lists are named."""
    rows = [answered(number, True, "clean", metadata={}) for number in range(3)]
    for scores, line in (
        ({}, "inspect score"),
        ({"a": {"value": {"x": 1, "y": 0}}}, "--score x"),
        ({"a": {"value": {}}}, "inspect score"),
        ({"a": {"value": [1, 0]}}, "lists"),
        ({"a": {"value": "good"}}, "good"),
        ({"a": {"value": 2.0}}, "from 0 to 1"),
    ):
        with pytest.raises(UserError) as caught:
            levels(log(tmp_path / "a.eval", [rows[0] | {"scores": scores}, *rows[1:]]))
        assert line in str(caught.value)


def test_rows_whose_scores_contradict_their_predictions_are_refused(tmp_path: Path) -> None:
    """By the name of the metric that is computed; other scores are beside it."""
    right = imports.labelled(["yes", "no"] * 20, ["yes", "no"] * 20, task="xnli")
    rows = [row | {"gold": 1, "prediction": 1, "scores": {"accuracy": 1, "judge": 0}} for row in right]
    assert imports.level(tmp_path, rows) == 1.0
    rows[0]["scores"] = {"accuracy": 0, "judge": 0}
    with pytest.raises(UserError, match="1 of 40"):
        imports.level(tmp_path, rows)


# ---------------------------------------------------------------------------------------------------------------- notes

RIGHT = ("A", "C")
GENERATED = {"filter": "none", "metrics": ["exact_match"], "exact_match": 0.0, "target": "x"}


def generated(*answers: Any, **more: Any) -> list[dict[str, Any]]:
    """Samples of generated texts."""
    return [
        sample(number, True, None, **(GENERATED | {"filtered_resps": [answer]} | more))
        for number, answer in enumerate(answers)
    ]


def choice(*pairs: tuple[str | None, str]) -> list[dict[str, Any]]:
    """Samples of inspect with an answer and a value."""
    return [
        answered(number, True, "clean", metadata={}, target="A", scores={"choice": {"value": value, "answer": answer}})
        for number, (answer, value) in enumerate(pairs)
    ]


def filtered(names: str) -> list[dict[str, Any]]:
    """A sample of each filter."""
    return [row for name in names for row in generated("x", filter=name)]


@pytest.mark.parametrize(
    ("note", "true", "false"),
    [
        ("lm-eval", generated("a"), choice(("A", "C"))),
        ("inspect", choice(("A", "C")), generated("a")),
        ("no prediction", generated("[invalid]", "a"), generated("a", "b")),
        ("no prediction", generated("", "a"), generated(5, "b")),
        ("no prediction", generated("", "a"), generated("", "b", exact_match=1.0)),
        ("no prediction", choice(("", "I"), RIGHT), choice(("B", "I"), RIGHT)),
        ("no prediction", choice(("A", "N"), RIGHT), choice((None, "C"), (None, "I"))),
        ("none of the choices", choice(("A, B", "I"), RIGHT), choice(("", "I"), RIGHT)),
        ("none of the choices", choice(("E", "I"), RIGHT), choice(("C", "I"), RIGHT)),
        ("f1 was", generated("a", metrics=["f1"], f1=2.0), generated("a", metrics=["f1"], f1=0.5)),
        ("acc was", generated("a", metrics=["acc"], acc=2), generated("a", metrics=["acc"], acc=1)),
        ("a and b:", filtered("ab"), filtered("abc")),
        ("a, b and c:", filtered("abc"), filtered("a")),
        ("none and another", [*old(4), *old(4)], old(4)),
        ("as clusters", generated("a", "b"), None),
        ("neither model", None, generated("a")),
    ],
)  # fmt: skip
def test_a_note_is_printed_where_it_is_true_alone(
    note: str, true: list[dict[str, Any]] | None, false: list[dict[str, Any]] | None, tmp_path: Path
) -> None:
    """Each note of an import of logs, in one case that it is about, and in one that is near."""
    for name, rows, is_there in (("true", true, True), ("false", false, False)):
        folder = tmp_path / name
        path = (
            log(folder / "a.eval", rows or []) if rows and "id" in rows[0] else written(folder, rows or generated("a"))
        )
        if rows is None:  # what is not there
            (folder / f"results_{TIME}.json").unlink()
        if rows is None and not is_there:
            path = Path(imports.written(folder / "rows.jsonl", imports.labelled(["a", "b"], ["a", "b"], cluster="1")))
        assert any(note in each for each in notes(path)) == is_there, notes(path)
