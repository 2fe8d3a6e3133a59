"""`export`: what a model card says is read by huggingface_hub, and every number is that of the run."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import polars as pl
import pytest
from huggingface_hub import ModelCard
from tests.finished_runs import finished_run
from tests.program import program

from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.core.sinks import visible
from robust_xtreme.exchange.exporting.model_card import model_card
from robust_xtreme.exchange.exporting.trackers import tracked
from robust_xtreme.report.document import finished
from robust_xtreme.run.run import evaluate

TASKS: Final = {"xnli": ("text-classification", "accuracy"), "panx": ("token-classification", "f1")}
HOSTILE: Final = "a: [b]\n---\n<script>alert(1)</script> \u202e | #x"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two tasks in two languages, with one noise and two seeds."""
    folder = tmp_path_factory.mktemp("export") / "run"
    spec = RunSpec(tasks=(*TASKS,), languages=("en", "sw"), perturb=("char_noise:0.1",), seeds=2, limit="60")
    evaluate(replace(spec, out=str(folder)), cache=False)
    return folder


@pytest.fixture(scope="module")
def results(run: Path) -> list[Any]:
    """What `ModelCard.load` reads from the card of the run."""
    ended = program("export", str(run), "--model-card", "-o", str(run.parent / "card.md"))
    assert (ended.code or 0, ended.out) == (0, f"{run.parent / 'card.md'}\n")
    card: Any = ModelCard.load(run.parent / "card.md")
    read: list[Any] = card.data.eval_results
    return read


def test_a_card_has_the_numbers_of_the_run(run: Path, results: list[Any]) -> None:
    """Every headline level and drop, unrounded, with what it was measured under and on."""
    read = finished(run)
    scores = read.scores.filter(pl.col("scope") == "all", pl.col("metric").is_in(["accuracy", "span_f1"]))
    of_card = {(each.metric_args["metric"], language(each), condition(each)): each.metric_value for each in results}
    columns = ("metric", "language", "condition")
    assert of_card == {row[:-1]: row[-1] for row in scores.select(*columns, "value").iter_rows()}
    drops = read.deltas.join(scores.select("task", *columns), on=["task", *columns], how="semi")
    drops = drops.filter(scope="all").select(*columns, "drop", "low", "high")
    args = {(each.metric_args["metric"], language(each), condition(each)): each.metric_args for each in results}
    for *key, drop, low, high in drops.iter_rows():
        of_cell = args[tuple(key)]
        assert (of_cell["drop"], of_cell.get("drop_low"), of_cell.get("drop_high")) == (drop, low, high)
        assert of_cell["noise_seeds"] == 2
    assert sum("drop" in each for each in args.values()) == drops.height == len(results) // 2


def test_a_card_names_tasks_metrics_and_data(run: Path, results: list[Any]) -> None:
    """By the hub's names where it has some; data that are not the hub's have no name or revision of it."""
    for each in results:
        task = str(each.task_name).partition(",")[0]
        assert (each.task_type, each.metric_type) == TASKS[task]
        assert (each.dataset_type, each.dataset_config) == (f"mini_{task}", language(each))
        assert (each.dataset_split, each.dataset_revision) == ("test", None)
        assert each.dataset_args["limit"] == "60"
    assert {each.metric_name for each in results} == {
        *("accuracy, clean", "accuracy, char_noise:0.1", "span_f1, clean", "span_f1, char_noise:0.1")
    }
    units = {(unit["task"], unit["language"]): unit["data"] for unit in finished(run).manifest["units"]}
    assert {each.dataset_args["data"] for each in results} == {*units.values()}


def test_data_of_the_hub_have_its_names(tmp_path: Path) -> None:
    """Dataset, config and revision of the files that were read; without the hub's files the dataset of the task."""
    address = "hub://facebook/xnli@b8dd5d7af51114dbda02c0e3f6133f332186418e/sw/test"
    for name, files in (("hub", [{"path": address, "sha256": "-"}]), ("release", [{"path": "xnli/test-sw.tsv"}])):
        folder = finished_run(tmp_path / name, languages=("sw",), unit={"files": files})
        (clean, *_) = results_of(folder)
        revision = "b8dd5d7af51114dbda02c0e3f6133f332186418e" if name == "hub" else None
        named = (clean.dataset_type, clean.dataset_config, clean.dataset_split, clean.dataset_revision)
        assert named == ("facebook/xnli", "sw", "test", revision)


def test_a_hostile_name_is_a_value(run: Path) -> None:
    """What a model is called is a value of the metadata, visible, and text below them."""
    read = finished(run)
    frames = {
        name: getattr(read, name).with_columns(model=pl.lit(HOSTILE)) for name in ("scores", "deltas", "averages")
    }
    text = model_card(replace(read, **frames))
    again: Any = ModelCard(text)
    assert again.data.model_name == visible(HOSTILE)
    assert len(again.data.eval_results) == 8
    assert "<script>" not in again.text
    assert "\u202e" not in text


def test_nothing_in_the_metadata_is_hidden(run: Path) -> None:
    """Whatever the names of tasks, languages, metrics, noises and settings contain is visible in the file."""
    read = finished(run)
    hidden = "\u202etxt\u200b\x1b[2J"
    columns = ("language", "context_language", "condition", "setting", "inference", "split")
    named = [pl.when(pl.col(name) != "clean").then(pl.col(name) + hidden).otherwise(name) for name in columns]
    frames = {name: getattr(read, name).with_columns(*named) for name in ("scores", "deltas")}
    text = model_card(replace(read, **frames))
    assert visible(hidden) in text
    assert all(point.isprintable() or point == "\n" for point in text)


def test_a_card_is_printed_or_written_once(run: Path, tmp_path: Path) -> None:
    """Without a file it is on stdout; a file that is there is refused without --force."""
    printed = program("export", str(run), "--model-card").out
    path = tmp_path / "README.md"
    words = ("export", str(run), "--model-card", "-o", str(path))
    assert program(*words).code in (0, None)
    assert path.read_text("utf-8") == printed
    again = program(*words)
    assert (again.code, "--force" in again.err) == (2, True)
    assert program(*words, "--force").code in (0, None)


def test_one_format_at_a_time(run: Path) -> None:
    """None or several are refused in one line, and so is a folder without a run."""
    for words in ((), ("--mlflow", "--wandb")):
        ended = program("export", str(run), *words)
        assert (ended.code, ended.err.count("\n")) == (2, 1)
        assert "--mlflow" in ended.err
    assert program("export", str(run.parent), "--model-card").code == 2


@pytest.mark.parametrize("name", ["mlflow", "wandb"])
def test_a_library_that_is_not_installed_is_named(name: str, run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the command that installs it, exit code 3."""
    for module in ("wandb", "mlflow", "mlflow.tracking"):
        monkeypatch.setitem(sys.modules, module, None)
    ended = program("export", str(run), f"--{name}")
    assert (ended.code, ended.err.count("\n")) == (3, 1)
    assert f"pip install 'robust-xtreme[{name}]'" in ended.err


def test_a_tracker_gets_every_level_and_drop(run: Path) -> None:
    """Under names that MLflow takes, none twice; the request, the identities and the files of the run beside them."""
    read = finished(run)
    content = tracked(run, read)
    values = read.scores.filter(pl.col("scope") == "all", pl.col("metric").is_in(["accuracy", "span_f1"]))
    by_kind = {kind: [v for k, v in content.metrics.items() if k.endswith(f"/{kind}")] for kind in ("level", "drop")}
    assert sorted(by_kind["level"]) == sorted(values["value"])
    assert len(by_kind["drop"]) * 2 == len(by_kind["level"]) == 8
    assert all(re.fullmatch(r"[\w\-. :/]+", name) for name in content.metrics)
    clean, noisy = (content.metrics[f"sw/xnli/{name}/level"] for name in ("clean", "char_noise:0.1"))
    assert content.metrics["sw/xnli/char_noise:0.1/drop"] == pytest.approx(clean - noisy)
    assert content.params["perturb"] == '["char_noise:0.1"]'
    assert content.tags["model"].startswith("mini@")
    assert {"manifest.json", "scores.csv", "report.html"} <= {path.name for path in content.artifacts}


def results_of(folder: Path) -> list[Any]:
    """The results of the card of a run."""
    read: Any = ModelCard(model_card(finished(folder)))
    results: list[Any] = read.data.eval_results
    return results


def language(result: Any) -> str:
    """The language of a result."""
    return str(result.dataset_args["language"])


def condition(result: Any) -> str:
    """The condition of a result."""
    return str(result.metric_args["condition"])


def test_help_names_what_a_tracker_needs() -> None:
    """With the brackets of an extra, which rich would read as a style."""
    text = " ".join(program("export", "--help", COLUMNS="200").out.split())
    assert "needs robust-xtreme[mlflow]." in text
    assert "needs robust-xtreme[wandb]." in text
