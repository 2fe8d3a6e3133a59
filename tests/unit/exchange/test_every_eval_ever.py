"""Records of Every Eval Ever: what is written is valid and comes back; what others wrote is read, or refused."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from operator import methodcaller
from pathlib import Path
from typing import Any, Final

import polars as pl
import pytest
from tests import imports
from tests.harness_logs import imported, refused
from tests.program import program
from tests.schemas import invalid

import robust_xtreme

UUID: Final = "0f8fad5b-d9cb-469f-a165-70867728950e"
GIVEN: Final = ("--condition", "clean", "-l", "sw")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of 60 items, clean and noisy."""
    return imports.imported(tmp_path_factory.mktemp("exported"), imports.items())


@pytest.fixture
def path(run: Path, tmp_path: Path) -> Path:
    """The record of the model of the run; beside it there is that of the constant."""
    return exported(run, tmp_path / "records")


def exported(run: Path, out: Path, *words: str) -> Path:
    """The record of the model of a run."""
    ended = program("export", str(run), "--every-eval-ever", "-o", str(out), *words)
    assert (ended.code or 0) == 0, ended.err
    (path,) = (Path(line) for line in ended.out.splitlines() if "unknown" in line)
    assert not [*invalid(path)]
    return path


def changed(path: Path, change: Callable[[Any], Any], *, line: int | None = None) -> None:
    """Change a record, or one line of its answers, whose sha256 the record then has."""
    samples = path.with_name(f"{path.stem}_samples.jsonl")
    record = json.loads(path.read_text("utf-8"))
    if line is None:
        change(record)
    else:
        lines = samples.read_text("utf-8").splitlines(keepends=True)
        change(row := json.loads(lines[line]))
        samples.write_text("".join([*lines[:line], json.dumps(row) + "\n", *lines[line + 1 :]]), "utf-8")
        record["detailed_evaluation_results"]["checksum"] = hashlib.sha256(samples.read_bytes()).hexdigest()
    path.write_text(json.dumps(record), "utf-8")


def theirs(folder: Path, right: int = 15, model: str = "own/er", bounds: Mapping[str, Any] | None = None) -> Path:
    """A record as the converter of another harness writes it: a line for each metric of each of twenty samples."""
    best = (bounds or {}).get("max_score", 1)
    named = {"schema_version": "0.3.0", "evaluation_id": f"xnli_sw/{model}/1"}
    metric = {"lower_is_better": False, "score_type": "continuous", "min_score": 0, "max_score": 1, **(bounds or {})}
    source = {"dataset_name": "xnli_sw", "source_type": "other"}
    level = {"evaluation_name": "xnli_sw", "source_data": source, "metric_config": metric}
    lines = []
    for number in range(20):
        score = best * float(number < right)
        asked = {"input": {"raw": "?", "reference": [str(number % 3)]}, "output": {"raw": ["so"]}}
        more = {"sample_id": str(number), "interaction_type": "single_turn", "answer_attribution": []}
        for name in ("acc", "acc_norm"):
            of_metric = {"evaluation_result_id": name, "evaluation": {"score": score, "is_correct": score == best}}
            lines.append({**named, "model_id": model, "evaluation_name": "xnli_sw", **asked, **more, **of_metric})
    record: dict[str, Any] = {
        **named,
        "retrieved_timestamp": "1",
        "source_metadata": {
            "source_type": "evaluation_run",
            "source_organization_name": "x",
            "evaluator_relationship": "other",
        },
        "eval_library": {"name": "lm_eval", "version": "0.4.13"},
        "model_info": {
            "name": model,
            "id": model,
            "additional_details": {"deployment_type": "unknown", "model_availability": "unknown"},
        },
        "evaluation_results": [
            {**level, "evaluation_result_id": name, "score_details": {"score": best * right / 20}}
            for name in ("acc", "acc_norm")
        ],
    }
    at = folder / "data" / "x" / model
    at.mkdir(parents=True)
    samples = at / f"{UUID}_samples.jsonl"
    samples.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    stored = {"format": "jsonl", "file_path": samples.relative_to(folder).as_posix(), "hash_algorithm": "sha256"}
    record["detailed_evaluation_results"] = {**stored, "checksum": hashlib.sha256(samples.read_bytes()).hexdigest()}
    path = at / f"{UUID}.json"
    path.write_text(json.dumps(record), "utf-8")
    return path


def test_an_export_is_made_once_and_by_the_same_names(run: Path, path: Path, tmp_path: Path) -> None:
    """Where the record is there it is refused; --force writes the same lines; constants have a record of their own."""
    samples = path.with_name(f"{path.stem}_samples.jsonl")
    before = samples.read_bytes()
    again = program("export", str(run), "--every-eval-ever", "-o", str(tmp_path / "records"))
    assert (again.code, len(again.err.splitlines()), "--force" in again.err) == (2, 1, True)
    assert exported(run, tmp_path / "records", "--force") == path
    assert samples.read_bytes() == before
    folders = [each.parent.relative_to(tmp_path / "records").as_posix() for each in tmp_path.rglob("*.json")]
    assert sorted(folders) == [f"data/robust-xtreme/{name}" for name in ("robust-xtreme/chance", "unknown/imported")]


@pytest.mark.usefixtures("no_pages")
def test_levels_rows_and_drops_come_back(run: Path, path: Path, tmp_path: Path) -> None:
    """With the predictions of an import, whose sums are compared with them."""
    back = imported(tmp_path, str(path.parents[4]))
    for name in ("scores.csv", "deltas.csv", "averages.csv", "conditions.csv"):
        assert (tmp_path / "run" / name).read_bytes() == (run / name).read_bytes()
    assert back.manifest["notes"][0] == "Read from 2 records of Every Eval Ever."


@pytest.mark.usefixtures("no_pages")
@pytest.mark.parametrize(
    ("line", "change", "expected"),
    [
        (None, lambda record: _level(record)["score_details"].update(score=12.5), "12.50"),
        (None, lambda record: record["detailed_evaluation_results"].update(checksum="0"), "sha256"),
        (None, lambda record: record.update(evaluation_results=3), "evaluation_results"),
        (None, lambda record: record.update(schema_version="9.9.9"), "9.9.9"),
        (None, lambda record: record.pop("schema_version"), "schema_version None"),
        (None, lambda record: record.update(model_info=[]), "evaluation_results"),
        (3, lambda row: row.update(model_id="other"), ":4:"),
        (3, lambda row: row["metadata"].update(robust_xtreme="{"), "--every-eval-ever"),
        (3, lambda row: row["metadata"].update(robust_xtreme="[1]"), "--every-eval-ever"),
        (3, lambda row: _row(row, model="n"), "for imported"),
        (3, lambda row: _row(row, id="x"), "no clean row"),
        (3, lambda row: _row(row, sums={"accuracy": {"all": [2.0, 1.0]}}), "no example"),
        (3, lambda row: _row(row, sums={"accuracy": {"all": "x"}}), "metric to scope"),
        (3, lambda row: _row(row, sums=[]), "'[]'"),
    ],
)
def test_a_record_that_was_changed_is_one_line(
    line: int | None, change: Callable[[Any], Any], expected: str, path: Path, tmp_path: Path
) -> None:
    """Levels, hash and shape of a record, and model, metadata, item and sums of a line."""
    changed(path, change, line=line)
    assert expected in refused(str(tmp_path / "records"), "-o", str(tmp_path / "back"))
    assert not (tmp_path / "back").exists()


def _level(record: Any) -> Any:
    return next(each for each in record["evaluation_results"] if "/clean/" in each["evaluation_result_id"])


def _row(line: Any, **changes: Any) -> None:
    row = json.loads(line["metadata"]["robust_xtreme"])
    line["metadata"]["robust_xtreme"] = json.dumps(row | changes)


@pytest.mark.usefixtures("no_pages")
def test_answers_of_which_one_was_changed_have_another_level(path: Path, tmp_path: Path) -> None:
    """A right answer that is made wrong, with its sums, in a file whose hash fits; --rescored says so."""
    lines = path.with_name(f"{path.stem}_samples.jsonl").read_text("utf-8").splitlines()
    right = next(number for number, text in enumerate(lines) if json.loads(text)["evaluation"]["is_correct"])
    wrong = {"sums": {"accuracy": {"all": [0.0, 1.0]}}}
    changed(
        path, lambda row: _row(row, prediction=(json.loads(row["input"]["reference"][0]) + 1) % 3, **wrong), line=right
    )
    assert "--rescored" in refused(str(path))
    run = imported(tmp_path / "back", str(path), "--rescored")
    assert "is stated" in next(note for note in run.manifest["notes"] if note.startswith("Rescored: "))


def test_files_that_are_no_records_are_one_line(path: Path, tmp_path: Path) -> None:
    """A record alone, one that is not JSON, nests too deep or has a key twice; a folder without any."""
    samples = path.with_name(f"{path.stem}_samples.jsonl")
    samples.rename(tmp_path / "away")
    assert "UUID_samples" in refused(str(path))
    for text, line in (("{", "is not JSON"), ("[" * 9999, "nested too deep"), ('{"a": 1, "a": 1}', "occurs twice")):
        path.write_text(text, "utf-8")
        assert line in refused(str(tmp_path / "records"))
    (tmp_path / "none").mkdir()
    assert "no answers" in refused(str(tmp_path / "none"), "--format", "every-eval-ever")


@pytest.mark.usefixtures("no_pages")
def test_records_of_others_are_scores_by_sample(tmp_path: Path) -> None:
    """By the names of their metrics, in a language of the task's name; a score may be a percentage."""
    for best in (1, 100):
        path = theirs(tmp_path / str(best), bounds={"max_score": best})
        assert not [*invalid(path)]
        run = imported(tmp_path / f"run-{best}", str(path.parents[4]), "--condition", "clean")
        assert run.scores.select("task", "language", "model", "metric", "value", "n").rows() == [
            ("xnli_sw", "sw", "own/er", name, 75.0, 20) for name in ("given/acc", "given/acc_norm")
        ]
        assert run.manifest["imported"]["format"] == "every-eval-ever"


@pytest.mark.usefixtures("no_pages")
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda record: record["evaluation_results"][0]["score_details"].update(score=0.5), "50.00"),
        (lambda record: record["evaluation_results"][0]["metric_config"].update(max_score=100), "0.75"),
    ],
)
def test_levels_of_others_are_those_of_their_samples(
    change: Callable[[Any], Any], expected: str, tmp_path: Path
) -> None:
    """Another level is refused with both; a score in other bounds is smaller alike."""
    path = theirs(tmp_path)
    changed(path, change)
    if "50.00" in expected:
        assert expected in refused(str(path), *GIVEN)
    else:
        assert imported(tmp_path, str(path), *GIVEN).scores.filter(metric="given/acc")["value"].to_list() == [0.75]


@pytest.mark.usefixtures("no_pages")
def test_scores_of_which_less_is_better_are_left_out(tmp_path: Path) -> None:
    """With a note, as those beyond 1 are; a line with an error or without a number is refused."""
    path = theirs(tmp_path)
    changed(path, lambda record: record["evaluation_results"][1]["metric_config"].update(lower_is_better=True))
    run = imported(tmp_path, str(path), *GIVEN)
    assert run.scores["metric"].to_list() == ["given/acc"]
    assert any("acc_norm" in note for note in run.manifest["notes"])
    for more, line in (
        ({"error": "timeout"}, "timeout"),
        ({"evaluation": {"score": "1"}}, "'1'"),
        ({"evaluation": []}, "score None"),
        ({"sample_id": "1"}, "several lines"),
        ({"sample_id": "20"}, "acc_norm"),
    ):
        path = theirs(tmp_path / str(len(line)))
        changed(path, methodcaller("update", more), line=0)
        assert line in refused(str(path), *GIVEN), line


@pytest.mark.usefixtures("no_pages")
@pytest.mark.parametrize(("score", "words"), [(5.0, ()), (-0.5, ()), (1.01, ("--rescored",))])
def test_one_score_out_of_range_leaves_the_whole_result_out(
    score: float, words: tuple[str, ...], tmp_path: Path
) -> None:
    """Not that sample alone: a mean of the others would be a level that nobody measured."""
    path = theirs(tmp_path)
    changed(path, lambda row: row["evaluation"].update(score=score), line=0)
    run = imported(tmp_path, str(path), *GIVEN, *words)
    assert run.scores.select("metric", "value", "n").rows() == [("given/acc_norm", 75.0, 20)]
    assert sum("acc" in note for note in run.manifest["notes"]) == 1


@pytest.mark.parametrize(
    "bounds", [{"min_score": 1, "max_score": 5}, {"min_score": -1}, {"max_score": 10}, {"max_score": "Infinity"}]
)
def test_a_result_on_another_scale_is_left_out_even_where_its_scores_look_like_shares(
    bounds: dict[str, Any], tmp_path: Path
) -> None:
    """Ones of a scale from 1 to 5 are the worst scores, and not 100 %; where nothing is left, the reason is said."""
    path = theirs(tmp_path)
    changed(path, lambda record: [level["metric_config"].update(bounds) for level in record["evaluation_results"]])
    assert "acc" in refused(str(path), *GIVEN, "--rescored", "-o", str(tmp_path / "run"))


@pytest.mark.parametrize("words", [(), ("--rescored",)])
def test_samples_that_occur_twice_in_a_result_are_refused_with_their_ids(
    words: tuple[str, ...], tmp_path: Path
) -> None:
    """The first of two lines is no mean of both, whether or not they agree."""
    path = theirs(tmp_path)
    for line in (6, 10):  # `acc` of the samples 3 and 5
        changed(path, methodcaller("update", {"sample_id": "0"}), line=line)
    assert "1 sample" in refused(str(path), *GIVEN, *words, "-o", str(tmp_path / "run"))
    for line in (7, 11):
        changed(path, methodcaller("update", {"sample_id": "0", "evaluation_result_id": "acc"}), line=line)
    changed(path, methodcaller("update", {"sample_id": "1"}), line=4)
    assert "2 samples" in refused(str(path), *GIVEN, *words, "-o", str(tmp_path / "run"))


@pytest.mark.usefixtures("no_pages")
def test_each_model_of_a_folder_becomes_a_run(tmp_path: Path) -> None:
    """Two models of one collection; without the option both are named."""
    for model, right in (("a/one", 15), ("b/one", 5)):
        theirs(tmp_path / "records", right, model)
    words = (str(tmp_path / "records"), *GIVEN, "-o", str(tmp_path / "runs"))
    assert "2 models" in refused(*words)
    ended = program("import", *words, "--each-model")
    assert (ended.code or 0) == 0, ended.err
    levels = [pl.read_csv(path)["value"].max() for path in sorted((tmp_path / "runs").glob("*/scores.csv"))]
    assert levels == [75.0, 25.0]


@pytest.mark.usefixtures("no_pages")
@pytest.mark.parametrize(("form", "task"), [("--every-eval-ever", "xnli"), ("--jsonl", "own")])
def test_a_probability_of_an_answer_comes_back_as_one(form: str, task: str, tmp_path: Path) -> None:
    """No metric is made of it; calibration is measured again, and a second import may replace it."""
    rows = [row | {"confidence": 0.5 + row["id"] / 200} for row in imports.items(task=task)]
    run = imports.imported(tmp_path, rows)
    ended = program("export", str(run), form, "-o", str(tmp_path / "out"))
    assert (ended.code or 0) == 0, ended.err
    for words in ((), ("--force",)):
        ended = program("import", str(tmp_path / "out"), "-o", str(tmp_path / "back"), *words)
        assert (ended.code or 0) == 0, ended.err
        for name in ("scores.csv", "deltas.csv", "averages.csv", "calibration.csv"):
            assert (tmp_path / "back" / name).read_bytes() == (run / name).read_bytes()
    back = robust_xtreme.load(tmp_path / "back")
    numbers = back.predictions["example"].str.split("/").list.last().cast(pl.Int64)
    assert (back.predictions["score"] - 0.5 - numbers / 200).abs().max() == pytest.approx(0)
    assert back.scores["metric"].unique().to_list() == ["accuracy"]
    assert "calibration.csv" in back.manifest["files"]


def test_what_is_no_probability_of_an_answer_is_one_line(tmp_path: Path) -> None:
    """A score beside sums, which older exports have; a confidence beyond 1, of no prediction, and of a text."""
    row = imports.items(2)[0]
    bare = {name: value for name, value in row.items() if name != "prediction"}
    question = {"task": "xquad", "prediction": "a", "gold": "a"}
    for wrong, line in (
        (
            {**row, "sums": {"accuracy": {"all": [1.0, 1.0]}}, "score": 0.9},
            "Give one",
        ),
        ({**row, "confidence": 90}, "'90'"),
        (
            {**bare, "scores": {"f1": 1}, "confidence": 0.9},
            "no label",
        ),
        ({**row, **question, "confidence": 0.9}, "no label"),
    ):
        assert line in imports.refused(tmp_path, [wrong])
        (tmp_path / "rows.jsonl").unlink()
