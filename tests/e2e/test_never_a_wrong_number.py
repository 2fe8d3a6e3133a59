"""Numbers that were wrong with exit code 0, through commands and Python: each is right now, or refused in one line."""

from __future__ import annotations

import functools
import json
from collections import namedtuple
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from tests.program import program

from robust_xtreme import api
from robust_xtreme.core.errors import ModelError, SpecError

evaluate: Any = api.evaluate
SMALL: dict[str, Any] = {"data": "mini", "tasks": "xcopa", "languages": "sw", "limit": 20, "workers": 0}


def choose_first(rows: list[Any]) -> list[int]:
    """Choose the first of the choices."""
    return [0 for _ in rows]


def test_a_wrapper_has_not_the_version_of_what_it_wraps() -> None:
    """`functools.wraps` copies name and version; the wrapper's own answers count, not cached ones of the other."""
    base: Any = lambda rows: choose_first(rows)  # noqa: E731 - it gets attributes
    base.name, base.version = "first", "1"

    @functools.wraps(base)
    def choose_second(rows: list[Any]) -> list[int]:
        return [1 - choice for choice in base(rows)]

    first, second = (evaluate(choose=function, **SMALL) for function in (base, choose_second))
    assert {*first.predictions["prediction"]} == {"0"}
    assert {*second.predictions["prediction"]} == {"1"}


@pytest.mark.parametrize("version", [" ", "", False, float("nan"), 1.1])
def test_a_version_is_a_text_or_a_whole_number(version: Any) -> None:
    """What is no version of a function is refused, and not taken for one that stays the same."""
    function: Any = lambda rows: choose_first(rows)  # noqa: E731 - it gets attributes
    function.name, function.version = "first", version
    with pytest.raises(SpecError, match="version"):
        evaluate(choose=function, **SMALL)


def test_scores_of_a_named_tuple_are_those_of_its_names() -> None:
    """The names are labels, in whatever order they are."""
    scores = namedtuple("scores", "neutral contradiction entailment")
    run = evaluate(classify=lambda pairs: [scores(0.1, 0.2, 0.7) for _ in pairs], **{**SMALL, "tasks": "xnli"})
    assert {*run.predictions["prediction"]} == {"0"}  # entailment is the first label of the task


@pytest.mark.parametrize(
    "scores", [[Decimal("1e-400"), Decimal("9e-400")], [Fraction(1, 3), Fraction(1, 3) + Fraction(1, 10**30)]]
)
def test_scores_that_are_equal_as_floats_alone_are_refused(scores: Any) -> None:
    """The first label would win a tie that there is none."""
    with pytest.raises(ModelError, match="float64"):
        evaluate(choose=lambda rows: [scores for _ in rows], **SMALL)


def write_log(folder: Path, metric: str, score: float) -> None:
    """Write the log of lm-eval of a metric of which less is better."""
    folder.mkdir()
    sample = {"doc": {}, "target": "a", "resps": [["b"]], "filtered_resps": ["b"], "filter": "none", metric: score}
    lines = [json.dumps({"doc_id": number, **sample, "metrics": [metric]}) for number in range(30)]
    (folder / "samples_asr_2026-05-01T10-00-00.000000.jsonl").write_text("\n".join(lines), "utf-8")
    results = {
        "results": {"asr": {f"{metric},none": score}},
        "configs": {"asr": {"task": "asr"}},
        "versions": {"asr": 1.0},
        "higher_is_better": {"asr": {metric: False}},
        "model_name": "a/b",
    }
    (folder / "results_2026-05-01T10-00-00.000000.json").write_text(json.dumps(results), "utf-8")


@pytest.mark.parametrize("metric", ["wer", "ter", "brier_score"])
def test_a_metric_of_which_less_is_better_is_left_out(tmp_path: Path, metric: str) -> None:
    """A rise of such errors would be a gain; where a log has nothing else, it is not imported."""
    write_log(tmp_path / "log", metric, 0.6)
    ended = program("import", f"{tmp_path / 'log'}=clean", "--tasks", "asr", "-l", "en", "-o", str(tmp_path / "run"))
    scores = tmp_path / "run" / "scores.csv"
    assert ended.code == 2 or metric not in scores.read_text("utf-8")


def import_rows(folder: Path, *rows: dict[str, Any], family: str) -> Any:
    """Import rows as a task that is not ours."""
    (folder / "rows.jsonl").write_text("\n".join(json.dumps({"condition": "clean", **row}) for row in rows), "utf-8")
    words = ("--tasks", "shop", "-l", "en", "--family", family, "-o", str(folder / "run"))
    return program("import", str(folder / "rows.jsonl"), *words)


def test_imported_parts_of_speech_have_no_f1_of_entities(tmp_path: Path) -> None:
    """Tags without prefixes are scored by their accuracy alone, as `eval` scores them."""
    row = {"gold": ["NOUN", "VERB", "X", "ADJ"], "prediction": ["NOUN", "NOUN", "X", "ADJ"]}
    ended = import_rows(tmp_path, *({"id": str(number), **row} for number in range(3)), family="tagging")
    assert ended.code == 0, ended.err
    scores = api.load(str(tmp_path / "run")).scores
    assert {*scores.filter(model="given")["metric"]} <= {"token_accuracy"}
    assert 75.0 in scores.filter(metric="token_accuracy")["value"].to_list()


def test_an_empty_tag_is_no_entity(tmp_path: Path) -> None:
    """It is refused beside tags of entities."""
    row = {"gold": ["B-PER", "I-PER", "O", "O"], "prediction": ["B-PER", "I-PER", "", ""]}
    ended = import_rows(tmp_path, *({"id": str(number), **row} for number in range(3)), family="tagging")
    assert (ended.code, "tag" in ended.err) == (2, True)


@pytest.mark.parametrize(("one", "other"), [("Pos", "pos"), ("very good", "very-good"), ("1", "1.0")])
def test_imported_gold_labels_that_are_alike_are_refused(tmp_path: Path, one: str, other: str) -> None:
    """Two spellings of one label would make right answers wrong."""
    labels = (one, "neg", other, "neg")
    rows = ({"id": str(number), "gold": label, "prediction": label} for number, label in enumerate(labels))
    ended = import_rows(tmp_path, *rows, family="classification")
    assert (ended.code, "alike" in ended.err) == (2, True)


FILM = "def f(texts): return ['1' if 'good' in text else '0' for text in texts]\n"


def evaluate_file(path: Path, monkeypatch: pytest.MonkeyPatch, *options: str) -> Any:
    """Evaluate a function on a file of rows."""
    (path.parent / "films.py").write_text(FILM, "utf-8")
    monkeypatch.chdir(path.parent)
    monkeypatch.syspath_prepend(str(path.parent))
    words = ("--model", f"{path.stem}=python:films:f", "--data", path.name, "-l", "en", "-q")
    return program("eval", *words, *options)


def test_two_files_that_were_joined_are_not_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The header of the second, behind its byte order mark, is no row."""
    body = "text,label\n" + "".join(
        f"film {number} was {'good' if number % 2 else 'bad'},{number % 2}\n" for number in range(40)
    )
    (tmp_path / "joined.csv").write_text(f"\ufeff{body}\ufeff{body}", "utf-8")
    ended = evaluate_file(tmp_path / "joined.csv", monkeypatch, "--fields", "text", "--gold", "label")
    assert (ended.code, "byte order mark" in ended.err) == (2, True)


def test_numbers_that_pandas_names_columns_by_are_asked_about(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With an index before them, too, as a frame without names is written; the labels 0 and 1 look the same."""
    rows = "".join(
        f"{number},film {number} was {'good' if number % 2 else 'bad'},{number % 2}\n" for number in range(40)
    )
    (tmp_path / "frame.csv").write_text(f",0,1\n{rows}", "utf-8")
    ended = evaluate_file(tmp_path / "frame.csv", monkeypatch, "--fields", "2", "--gold", "3")
    assert (ended.code, "--no-header" in ended.err) == (2, True)


def test_names_by_suffix_are_not_taken_for_words(tmp_path: Path) -> None:
    """`perturb --keep-names` refuses tags whose names it cannot tell, and noises none of them."""
    (tmp_path / "names.conll").write_text("Anna PER-B\nSmith PER-I\nsleeps O\n\n" * 9, "utf-8")
    words = ("-l", "en", "--perturb", "char_noise:0.5", "--keep-names", "-o", str(tmp_path / "noisy.conll"))
    ended = program("perturb", str(tmp_path / "names.conll"), *words)
    assert (ended.code, "PER-B" in ended.err) == (2, True)
    assert not (tmp_path / "noisy.conll").exists()
