"""Every kind of model in every family: trained where it can, evaluated, attacked, exported; refusals name the way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from tests.model_kinds import ENCODERS, adapter_folder, run_folder, xlmr_folder
from tests.program import program
from tests.sentence_folders import sentence_folder
from tests.two_languages import two_languages

from robust_xtreme import evaluate, train
from robust_xtreme.core.errors import ModelError, UnknownName
from robust_xtreme.report.evaluation import Evaluation

pytestmark = pytest.mark.usefixtures("unpaged")

HEADS = ("xnli", "xcopa", "panx", "xquad")
TASKS = (*HEADS, "tatoeba")
KEPT = ("test-en", "train-en", "test-sw", "pool")
NLI = "entailment,neutral,contradiction"
CASES_LONG = pytest.mark.long
TAGS = "O,B-PER,I-PER,B-ORG,I-ORG,B-LOC,I-LOC"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The embedded suite, in English and Swahili alone."""
    return two_languages(tmp_path_factory.mktemp("mini") / "suite", KEPT)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A run of each encoder with random heads of the families that have some."""
    home = tmp_path_factory.mktemp("runs")
    return {kind: run_folder(home / kind, kind, HEADS) for kind in ENCODERS}


def _evaluated(out: Path, data: Path, **values: object) -> Evaluation:
    known = {"data": data, "languages": "sw", "limit": "4", "device": "cpu", "workers": "0", "out": out, "cache": False}
    return evaluate(**{**known, "tasks": TASKS, "perturb": ["char_noise:0.3"], **values})  # type: ignore[arg-type]  # of a union


def _all_answered(result: Evaluation, tasks: tuple[str, ...]) -> None:
    """Every task has a clean and a noisy score."""
    scores = result.scores.filter(~pl.col("model").str.contains("/"))
    assert set(scores["task"]) == set(tasks)
    assert all(set(of["condition"] == "clean") == {True, False} for _, of in scores.group_by("task"))
    assert scores["value"].is_not_null().all()


@pytest.mark.parametrize(
    ("kind", "precision"),
    [
        *((kind, "fp32") for kind in ENCODERS if kind not in ("encoder", "canine")),
        ("causal", "int8"),
        *(pytest.param("encoder", precision, marks=CASES_LONG) for precision in ("fp32", "int8")),
        pytest.param("canine", "fp32", marks=CASES_LONG),
    ],
)
def test_an_encoder_of_any_kind_answers_every_family(
    kind: str, precision: str, runs: dict[str, Path], data: Path, tmp_path: Path
) -> None:
    """The settings of each cell have the precision; inputs of bytes and characters are longer."""
    result = _evaluated(tmp_path / "run", data, model=runs[kind], precision=precision)
    _all_answered(result, TASKS)
    lengths = set(result.scores["inference"].str.extract(r"max_length=(\d+) stride"))
    assert lengths >= ({"512", "1536"} if kind in ("byt5", "canine") else {"128", "384"})
    assert result.scores["inference"].str.contains(f"precision={precision}").all()
    for form in ("--model-card", "--jsonl"):
        written = program("export", str(tmp_path / "run"), form, "-o", str(tmp_path / form))
        assert written.code == 0, written.err


@pytest.mark.parametrize("kind", ["causal", *(pytest.param(kind, marks=CASES_LONG) for kind in ("byt5", "canine"))])
def test_an_encoder_of_any_kind_is_trained(kind: str, data: Path, tmp_path: Path) -> None:
    """Its run is read again as it was written."""
    start, run = ENCODERS[kind](tmp_path / kind), tmp_path / "run"
    train(encoder=start, target=",".join(HEADS), data=data, out=run, steps=4, batch_size=2, limit="4", device="cpu")
    _all_answered(_evaluated(tmp_path / "out", data, model=run, tasks=HEADS), HEADS)


@pytest.mark.parametrize(
    ("kind", "precision"),
    [
        ("causal", "fp32"),
        *(pytest.param(kind, "fp32", marks=CASES_LONG) for kind in ("byt5", "canine")),
        pytest.param("causal", "int8", marks=CASES_LONG),
    ],
)
def test_an_encoder_of_any_kind_can_be_attacked(
    kind: str, precision: str, runs: dict[str, Path], data: Path, tmp_path: Path
) -> None:
    """A few queries of each item that is right: with random weights, choices and labels alone."""
    attack = "attack_keys:0.3@queries=3"
    result = _evaluated(tmp_path / "run", data, model=runs[kind], precision=precision, perturb=[attack], limit="2")
    rows = pl.read_parquet(tmp_path / "run" / "predictions.parquet").filter(pl.col("queries").is_not_null())
    assert set(rows["task"]) == {"xnli", "xcopa"}
    assert set(result.scores.filter(pl.col("condition").str.starts_with("attack"))["task"]) == set(HEADS)
    assert rows["queries"].max() > 0  # type: ignore[operator]  # a whole number
    assert result.scores["value"].is_not_null().all()


def test_an_adapter_is_its_base_with_its_changes(data: Path, tmp_path: Path) -> None:
    """With a head, attacked too, or as an encoder; a family without one of peft's tasks names what is needed."""
    base = xlmr_folder(tmp_path / "base")
    pairs = adapter_folder(tmp_path / "nli", base, "ForSequenceClassification", "SEQ_CLS", num_labels=3)
    tagger = adapter_folder(tmp_path / "ner", base, "ForTokenClassification", "TOKEN_CLS", num_labels=7)
    spans = adapter_folder(tmp_path / "qa", base, "ForQuestionAnswering", "QUESTION_ANS")
    plain = adapter_folder(tmp_path / "plain", base, "", "")
    models = {"xnli": pairs, "panx": tagger, "xquad": spans, "tatoeba": plain}
    labels = {"xnli": NLI.split(","), "panx": TAGS.split(",")}
    named: dict[str, Any] = {"labels": labels, "representation": "mean:1/1", "tasks": tuple(models)}
    result = _evaluated(tmp_path / "run", data, model=models, **named)
    _all_answered(result, tuple(models))
    few: dict[str, Any] = {"tasks": "xnli", "limit": "2", "perturb": ["attack_keys:0.3@queries=3"]}
    few |= {"labels": {"xnli": labels["xnli"]}, "model": {"xnli": pairs}}
    _all_answered(_evaluated(tmp_path / "attacked", data, **few), ("xnli",))
    with pytest.raises(ModelError, match="ForMultipleChoice"):
        _evaluated(tmp_path / "choice", data, model={"xcopa": plain}, tasks="xcopa")
    with pytest.raises(ModelError, match="--labels xnli=entailment"):
        _evaluated(tmp_path / "unnamed", data, model={"xnli": pairs}, tasks="xnli")
    with pytest.raises(ModelError, match="merge_and_unload"):
        train(encoder=plain, target="xnli", data=data, out=tmp_path / "trained", steps=1)


ASKED: dict[str, tuple[str, Any]] = {
    "tatoeba": ("encode", lambda texts: [np.bincount([ord(at) % 64 for at in text], minlength=64) for text in texts]),
    "xnli": ("classify", lambda pairs: [[len(one) % 3, len(two) % 4, 1] for one, two in pairs]),
    "panx": ("tag", lambda several: [["B-PER" if word[:1].isupper() else "O" for word in each] for each in several]),
    "xquad": ("answer", lambda question, context: (0, 1 + len(question) % len(context))),
    "xcopa": ("choose", lambda items: [[len(text) for text in choices] for _, choices in items]),
}
"""A function of each family, with its argument."""


@pytest.mark.parametrize("task", ASKED)
def test_a_function_of_any_family_is_evaluated_attacked_and_exported(task: str, data: Path, tmp_path: Path) -> None:
    """It is asked about the texts of attacks; no file can replay it, and the refusal says so."""
    name, function = ASKED[task]
    noises = ["char_noise:0.3", "attack_keys:0.3@queries=3" + "@fields=query" * (task == "tatoeba")]
    result = _evaluated(tmp_path / "run", data, perturb=noises, tasks=task, limit="2", **{name: function})
    _all_answered(result, (task,))
    written = program("export", str(tmp_path / "run"), "--model-card", "-o", str(tmp_path / "card"))
    assert written.code == 0, written.err
    again = program("eval", "--config", str(tmp_path / "run" / "run.toml"), "--out", str(tmp_path / "again"))
    assert again.code == 2
    assert "function in memory" in again.err


def test_a_folder_of_sentence_transformers_answers_searches_alone(data: Path, tmp_path: Path) -> None:
    """With its modules, under noise and an attack; a task with a head says what it needs."""
    folder, tasks = sentence_folder(tmp_path / "folder", prompts={"query": "q: "}), ("tatoeba", "lareqa")
    values = {"model": folder, "tasks": tasks, "limit": "2"}
    _all_answered(_evaluated(tmp_path / "run", data, dims="8,4", **values), tasks)
    attacked = {**values, "tasks": "lareqa", "perturb": ["attack_keys:0.3@queries=3"]}
    _all_answered(_evaluated(tmp_path / "attacked", data, **attacked), ("lareqa",))
    with pytest.raises(ModelError, match="ForSequenceClassification"):
        _evaluated(tmp_path / "nli", data, model=folder, tasks="xnli")


def test_what_cannot_be_trained_says_so(data: Path, tmp_path: Path) -> None:
    """Whole numbers have no gradients."""
    with pytest.raises(UnknownName, match="'int8'"):
        train(encoder=tmp_path, target="xnli", data=data, precision="int8")
