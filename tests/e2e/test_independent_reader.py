"""The numbers of a run, computed again from predictions.parquet by code that shares nothing with the program."""

from __future__ import annotations

import ast
import inspect
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from tests.mini_suite import unpacked_suite
from tests.release import release
from tests.tiny import tiny_run
from tools import independent_reader, official_metrics

from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.run.run import evaluate
from robust_xtreme.tasks.metrics._mlqa import words as mlqa_words

pytestmark = pytest.mark.usefixtures("unpaged")

TASKS = ("xnli", "panx", "xquad")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of three tasks under noise, two seeds, and the release files that it read."""
    folder = tmp_path_factory.mktemp("read")
    model, data = tiny_run(folder / "tiny", TASKS), release(folder / "data")
    noise = ("char_noise:0.1,0.3",)
    evaluate(
        RunSpec((str(model),), str(data), tasks=TASKS, perturb=noise, seeds=2, device="cpu", out=str(folder / "run"))
    )
    return folder


def check(run: Path, *golds: str) -> Counter[str]:
    """All numbers that the reader computes agree; how many there are by column."""
    counted, different = independent_reader.compared(run, independent_reader.read_golds(golds))
    assert different == []
    return counted


def test_the_reader_is_independent() -> None:
    """It imports nothing of the program, and no module of the tests."""
    for module in (independent_reader, official_metrics):
        nodes = list(ast.walk(ast.parse(inspect.getsource(module))))
        names = [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
        names += [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
        assert {name for name in names if name.split(".")[0] in ("robust_xtreme", "tests", "tools")} <= {
            "tools.official_metrics"
        }


def test_scores_drops_intervals_and_p_are_those_of_the_predictions(folder: Path) -> None:
    """Every score, drop, interval, p and adjusted p of a run; of answers with the file of the official answers."""
    counted = check(folder / "run", f"xquad/en={folder}/data/xquad/xquad.en.json")
    deltas = pl.read_csv(folder / "run" / "deltas.csv")
    surface = deltas.get_column("metric").str.starts_with("surface").sum()
    assert counted["deltas.drop"] == len(deltas) - surface == counted["deltas.low"] == counted["deltas.p"]
    assert counted["deltas: not computed"] == surface
    averages = pl.read_csv(folder / "run" / "averages.csv").filter(~pl.col("metric").str.starts_with("surface"))
    over_languages = averages.filter(pl.col("kind").is_in(independent_reader.WITHIN))
    assert counted["averages.drop"] == counted["averages.value"] == len(over_languages) > 0
    assert counted["deltas.p_adjusted"] == deltas.get_column("family").count() > 0


def test_noise_on_the_context_is_scored_by_squads_script(folder: Path) -> None:
    """The answers are texts of the clean context, so that the official gold answers are those to compare with."""
    scores = pl.read_csv(folder / "run" / "scores.csv").filter(pl.col("metric") == "squad_f1", pl.col("scope") == "all")
    noisy = scores.filter(pl.col("condition").str.ends_with("fields=context")).get_column("value").to_list()
    assert len(noisy) == 2
    assert min(noisy) > 0


@pytest.mark.parametrize(
    ("language", "text", "words"),
    [
        ("ja", "データの山。", "デ ー タ の 山"),
        ("th", "น้ำตาล 3 กิโล", "น้ ำ ต า ล 3 กิ โ ล"),
        ("my", "မြန်မာ", "မြ န် မာ"),
        ("sw", "mji wa  Paris!", "mji wa paris"),
        ("zh", "北京 3月", "北 京 3 月"),
    ],
)
def test_answers_beyond_mlqas_languages_have_the_words_of_the_program(language: str, text: str, words: str) -> None:
    """Where no blank is between words a character with its marks is one; Thai SARA AM is a letter, and no mark."""
    assert official_metrics.mlqa_words(text, language) == words.split() == list(mlqa_words(text, language))


@pytest.mark.parametrize("column", ["answer", "prediction"])
def test_a_wrong_prediction_is_seen(column: str, folder: Path, tmp_path: Path) -> None:
    """One changed cell of predictions.parquet, and the tables no longer agree."""
    run = Path(shutil.copytree(folder / "run", tmp_path / "run"))
    rows = pl.read_parquet(run / "predictions.parquet")
    task = {"answer": "xquad", "prediction": "xnli"}[column]
    other = {"answer": pl.lit("other words"), "prediction": pl.lit("7")}[column]
    changed = pl.when(pl.col("task") == task, pl.col("noise_seed") == 0).then(other).otherwise(column).alias(column)
    rows.with_columns(changed).write_parquet(run / "predictions.parquet")
    golds = independent_reader.read_golds([f"xquad/en={folder}/data/xquad/xquad.en.json"])
    assert any(f" {task}/" in cell for cell, *_ in independent_reader.compared(run, golds)[1])


@pytest.mark.long
@pytest.mark.process
@pytest.mark.timeout(1800)
def test_all_tasks_of_mini_are_computed_again(tmp_path: Path) -> None:
    """With the embedded model, every task and metric but those that need the noisy text."""
    tasks = ("xquad", "mlqa", "tydiqa", "xnli", "xcopa", "panx", "udpos", "lareqa", "tatoeba", "mewsli_x")
    spec = RunSpec(
        ("mini",), "mini", tasks=tasks, languages=("en", "de", "zh"), perturb=("char_noise:0.1,0.2",), seeds=2
    )
    evaluate(replace(spec, device="cpu", out=str(tmp_path / "run")))
    suite = unpacked_suite(tmp_path / "suite")
    golds = [f"{task}/{code}={suite}/{task}/test-{code}.jsonl" for task in tasks[:3] for code in ("en", "de", "zh")]
    counted = check(tmp_path / "run", *(gold for gold in golds if Path(gold.partition("=")[2]).is_file()))
    deltas = pl.read_csv(tmp_path / "run" / "deltas.csv")
    assert counted["deltas: not computed"] == deltas.get_column("metric").str.starts_with("surface").sum()
