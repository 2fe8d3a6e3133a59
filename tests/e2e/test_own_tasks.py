"""The page on own tasks: its files are written and its commands run, with small models instead of large ones."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Final

import polars as pl
import pytest
from tests.checkpoints import QUESTION, SEQUENCE, TOKEN, checkpoint
from tests.program import Ended, program

from robust_xtreme.core import resources
from robust_xtreme.tasks.adapters.own import own_tasks
from robust_xtreme.training.chain import chain_of
from robust_xtreme.training.values import from_values

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = (ROOT / "docs/how-to/own-tasks.md").read_text("utf-8")
FILES: Final = dict(re.findall(r'```\w+ title="([^"]+)"\n(.*?)```', PAGE, re.DOTALL))
TAGS: Final = ("I-product", "B-product", "O", "B-BRAND", "I-BRAND")


def written(folder: Path) -> Path:
    """The folder `shop` of the page."""
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder / "shop"


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The models of the page's commands: the embedded encoder, and checkpoints with random weights."""
    folder = tmp_path_factory.mktemp("models")
    return {
        "FacebookAI/xlm-roberta-base": resources.mini("model"),
        "OWNER/products": checkpoint(folder / "products", "bert", TOKEN, TAGS),
        "OWNER/squad": checkpoint(folder / "squad", "bert", QUESTION),
        "OWNER/sentiment": checkpoint(folder / "sentiment", "bert", SEQUENCE, ("Positive", "negative")),
        "OWNER/nameless": checkpoint(folder / "nameless", "bert", SEQUENCE, ("LABEL_0", "LABEL_1")),
    }


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, models: dict[str, Path]) -> Path:
    """A folder in which the files of the page are written, and its commands have run."""
    folder = tmp_path_factory.mktemp("home")
    written(folder)
    lines = [line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]
    assert [line.split()[1] for line in lines] == ["data", "train", "eval", "perturb"]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for line in lines:
            done = _run(f"{line} --epochs 1" if " train " in line else line, models)
            assert done.code == 0, (line, done.err)
    return folder


def _run(line: str, models: dict[str, Path]) -> Ended:
    for name, path in models.items():
        line = line.replace(name, str(path))
    return program(*shlex.split(line)[1:])


def test_the_page_s_commands_end_with_results(home: Path) -> None:
    """Every task has its metrics, clean and perturbed, in its languages; no average of a benchmark contains them."""
    scores = pl.read_csv(home / "runs/shop/scores.csv")
    perturbed = scores.filter(pl.col("condition") != "clean").select("task", "language").unique().sort(pl.all())
    assert perturbed.rows() == [("help", "en"), ("products", "en"), ("sentiment", "en"), ("sentiment", "es")]
    metrics = dict(
        scores.filter(pl.col("scope") == "all").group_by("task").agg(pl.col("metric").unique().sort()).rows()
    )
    assert metrics["sentiment"] == ["accuracy"]
    assert metrics["products"] == ["span_f1", "token_accuracy"]
    assert {"squad_em", "squad_f1"} <= set(metrics["help"])
    fields = set(scores.filter(pl.col("task") == "help")["condition"])
    assert fields == {"clean", "char_noise:0.1@fields=question", "char_noise:0.1@fields=context"}
    report = (home / "runs/shop/report.md").read_text("utf-8")
    assert "XTREME" not in report.partition("## Legend")[0]
    assert "products: the rows" in report
    assert "sentiment: the rows" not in report


def test_perturb_writes_the_texts_that_eval_read(home: Path) -> None:
    """The noisy file has the rows of the clean one, with other texts."""
    clean, noisy = (
        [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        for path in (home / "shop/sentiment/test-en.jsonl", home / "noisy.jsonl")
    )
    assert [{**row, "text": ""} for row in clean] == [{**row, "text": ""} for row in noisy]
    assert [row["text"] for row in clean] != [row["text"] for row in noisy]


@pytest.mark.usefixtures("no_pages")
def test_a_foreign_checkpoint_answers_by_the_names_of_its_classes(home: Path, models: dict[str, Path]) -> None:
    """Case and order do not count; classes without names need --labels; other names are refused with one line."""
    named = f"robust-xtreme eval --data {home}/shop --tasks sentiment --languages es --quiet"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        assert _run(f"{named} --model OWNER/sentiment --out a", models).code == 0
        manifest = json.loads((home / "a/manifest.json").read_text("utf-8"))
        assert manifest["models"][0]["labels"] == {"Positive": "positive", "negative": "negative"}
        refused = _run(f"{named} --model OWNER/nameless --out b", models)
        assert (refused.code, "--labels sentiment=negative,positive" in refused.err) == (2, True)
        assert _run(f"{named} --model OWNER/nameless --labels sentiment=positive,negative --out b", models).code == 0
        refused = _run(f"{named} --model OWNER/squad --out c", models)
        assert (refused.code, refused.err.count("\n")) == (2, 1)


def test_another_order_of_texts_is_another_run(tmp_path: Path, models: dict[str, Path]) -> None:
    """A finished run of `text, reply` is not read as one of `reply, text`, nor is a trained stage."""
    shop = written(tmp_path)
    described = FILES["shop/suite.toml"].replace('["text"]', '["text", "reply"]')
    for path in (shop / "sentiment").iterdir():
        rows = [{**json.loads(line), "reply": "Thanks."} for line in path.read_text("utf-8").splitlines()]
        path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    words = f"robust-xtreme eval --data {shop} --model OWNER/sentiment --tasks sentiment --quiet --out {tmp_path}/run"
    values = {"task": "sentiment", "encoder": str(resources.mini("model")), "data": str(shop), "recipe": "xtreme"}
    stages = []
    for texts in ('["text", "reply"]', '["reply", "text"]'):
        (shop / "suite.toml").write_text(described.replace('["text", "reply"]', texts), encoding="utf-8")
        done = _run(words, models)
        with own_tasks(str(shop)):
            stages.append(chain_of(from_values(values).resolved(), lambda _: None).links[-1].identity)
    assert (done.code, "sentiment en" in done.err) == (2, True)
    assert stages[0] != stages[1]


def test_a_head_of_a_known_task_answers_own_tasks_of_its_labels(tmp_path: Path, models: dict[str, Path]) -> None:
    """Mini's heads of XQuAD and PAN-X answer own questions and names, also where no task is named."""
    shop = written(tmp_path)
    described = FILES["shop/suite.toml"].replace("PRODUCT", "LOC").replace("BRAND", "PER")
    (shop / "suite.toml").write_text(described.replace('"I-LOC"', '"I-LOC", "B-ORG", "I-ORG"'), encoding="utf-8")
    rows = FILES["shop/products/test-en.jsonl"].replace("PRODUCT", "LOC").replace("BRAND", "PER")
    (shop / "products/test-en.jsonl").write_text(rows, encoding="utf-8")
    done = program("eval", "--model", "mini", "--data", str(shop), "--out", str(tmp_path / "run"), "--quiet")
    assert done.code == 0, done.err
    assert set(pl.read_csv(tmp_path / "run/scores.csv")["task"]) == {"help", "products"}


@pytest.mark.long
@pytest.mark.process
def test_another_process_knows_own_tasks(home: Path, models: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """A process of `--devices` answers them with the same bytes."""
    monkeypatch.chdir(home)
    (line,) = re.findall(r"robust-xtreme eval .*", PAGE)
    for out, more in (("one", ""), ("two", "--devices cpu")):
        command = re.sub(r"--out \S+", f"--out {out}", line)
        done = _run(f"{command} --no-cache --limit 4 {more}", models)
        assert done.code == 0, done.err
    assert Path("one/predictions.parquet").read_bytes() == Path("two/predictions.parquet").read_bytes()
