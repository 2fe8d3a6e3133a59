"""`eval` and `train` on a suite and on the hub: the same verbs, whatever the data come from."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.forks import How, forked
from tests.hub_copies import file_of, parquet, put_copies
from tests.loopback import Loopback
from tests.program import program as program_here
from tests.release import release
from tests.tiny import tiny_encoder_folder, tiny_run
from tests.unit.tasks.test_suites import ASKED, PAIR, TOML, WORDS, lines, suite

from robust_xtreme.core import registry
from robust_xtreme.core.errors import Contamination, MissingData
from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.run.plan import make_plan
from robust_xtreme.training.stage import train
from robust_xtreme.training.values import from_values

BLOCK = """
import sys

def opened(event, args):
    if event == "subprocess.Popen" and '"robust_xtreme.report.charts.drawing"' in args[1]:
        return
    if event in ("socket.connect", "socket.getaddrinfo", "subprocess.Popen", "os.posix_spawn"):
        raise AssertionError(f"opened {event} {args}")
    if event == "socket.__new__" and args[1] != 1:
        raise AssertionError(f"opened a socket {args}")

sys.addaudithook(opened)
sys.argv = ["robust-xtreme", *sys.argv[1:]]
from robust_xtreme.cli._app import main
main()
"""
"""The program in a process that may open no socket to the network and start no process but that of charts."""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random model with three heads."""
    return tiny_run(tmp_path_factory.mktemp("model") / "tiny", ("xnli", "panx", "xquad"))


@pytest.fixture
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loopback]:
    """A hub with the rows of release files in miniature."""
    with Loopback() as server:
        put_copies(server, release(tmp_path_factory.mktemp("files")))
        yield server


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """A suite of three tasks in English and Korean, with one training split."""
    labels = ("entailment", "neutral", "contradiction")
    pairs = [{**PAIR, "id": str(n), "cluster": f"t{n // 3}", "label": labels[n % 3]} for n in range(6)]
    learnt = [{**pair, "premise": f"Something else {n}."} for n, pair in enumerate(pairs)]
    words = [{**WORDS, "id": str(n), "cluster": f"t{n}"} for n in range(4)]
    asked = [{**ASKED, "id": str(n)} for n in range(4)]
    files = {f"xnli__test_{code}": lines(pairs) for code in ("en", "ko")}
    files |= {"xnli__train_en": lines(learnt), "panx__test_en": lines(words), "xquad__test_ko": lines(asked)}
    return suite(tmp_path / "suite", TOML, **files)


def _environment(hub: Loopback, home: Path) -> dict[str, str]:
    return {**hub.env(home), "ROBUST_XTREME_HUB_DEADLINE": "60", "OMP_NUM_THREADS": "1"}


def program(hub: Loopback, home: Path, *words: str) -> tuple[object, str]:
    """The program in this process, or with --offline in a forked one that may open no socket: code and errors."""
    if "--offline" in words:
        return forked(words, home / "printed", How(without_sockets=True), _environment(hub, home)).end()
    with hub.lent(home):
        done = program_here(*words)
    return done.code, done.err


def without_sockets(hub: Loopback, home: Path, *words: str) -> tuple[int, str]:
    """The program in a process that may open no socket from its first import on."""
    command, environment = [sys.executable, "-c", BLOCK, *words], {**os.environ, **_environment(hub, home)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


def test_a_suite_is_planned_with_what_is_missing(model: Path, rows: Path) -> None:
    """Every language of the suite is planned or named as missing; a task that it does not have only where asked for."""
    plan = make_plan(RunSpec((str(model),), str(rows)))
    assert [task_run.label for task_run in plan.task_runs] == ["panx en", "xnli en", "xnli ko", "xquad ko"]
    assert {(row.task, row.language) for row in plan.not_run} == {("panx", "ko"), ("xquad", "en")}
    asked = make_plan(RunSpec((str(model),), str(rows), tasks=("xnli",), languages=("ko", "sw")))
    assert ["sw" in row.detail for row in asked.not_run] == [True]
    with pytest.raises(MissingData, match="no task tydiqa"):
        make_plan(RunSpec((str(model),), str(rows), tasks=("tydiqa",)))


def test_a_suite_trains(rows: Path, tmp_path: Path) -> None:
    """`train --data SUITE` learns from its English split, and its own test split stays out of it."""
    encoder = tiny_encoder_folder(tmp_path / "encoder")
    facts = {"task": "xnli", "data": rows, "encoder": encoder, "steps": 1, "device": "cpu"}
    run = train(from_values({**facts, "out": tmp_path / "run"}))
    assert (run / "heads" / "xnli.safetensors").is_file()
    (rows / "xnli" / "train-en.jsonl").write_bytes((rows / "xnli" / "test-en.jsonl").read_bytes())
    with pytest.raises(Contamination, match="xnli/test/en"):
        train(from_values({**facts, "out": tmp_path / "other"}))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, where the hub's cache is too."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.long
@pytest.mark.process
def test_the_hub_is_evaluated_and_offline_again_without_a_socket(model: Path, hub: Loopback, home: Path) -> None:
    """A run on the hub records repository and commit; offline the cached data give the same run, others are missing."""
    words = ["eval", "--model", str(model), "--data", "hub", "--tasks", "xquad", "--languages", "en", "--device", "cpu"]
    code, errors = program(hub, home, *words, "--out", "online")
    assert (code, errors.count("Traceback")) == (0, 0), errors
    code, errors = without_sockets(hub, home, *words, "--offline", "--out", "offline")
    assert code == 0, errors
    ours, theirs = (json.loads((home / name / "manifest.json").read_text()) for name in ("online", "offline"))
    assert ours["units"] == theirs["units"]
    wanted = registry.load("task", "xquad").hub["validation"]
    assert ours["units"][0]["files"][0]["path"] == f"hub://{wanted.repo}@{wanted.revision}/xquad.en/validation"
    assert (home / "online" / "scores.csv").read_bytes() == (home / "offline" / "scores.csv").read_bytes()
    code, errors = program(hub, home, *("de" if word == "en" else word for word in words), "--offline")
    assert (code, errors.count("\n")) == (2, 1), errors
    assert "xquad de" in errors
    assert "--offline" in errors


def test_a_hub_that_fails_ends_the_program_with_one_line(model: Path, hub: Loopback, home: Path) -> None:
    """The hub's failure is not a mistake of the user's: exit code 3, one line."""
    hub.faults["google/xquad"] = "503"
    code, errors = program(hub, home, "eval", "--model", str(model), "--data", "hub", "--tasks", "xquad", "--plan")
    assert (code, errors.count("\n")) == (3, 1), errors
    assert "503" in errors


def test_the_hub_trains_and_the_cache_trains_again_offline(hub: Loopback, home: Path) -> None:
    """`train --data hub` fetches the training split and what it must not overlap with; offline it is the same run."""
    task = registry.load("task", "panx")
    wanted = task.hub["train"]
    rows = [{"tokens": ["Anna", "lives", f"n{number}"], "ner_tags": [1, 0, 5]} for number in range(8)]
    kept = dict(hub.repos["dataset", wanted.repo][wanted.revision])
    hub.put("dataset", wanted.repo, {**kept, file_of(task, "train", "en"): parquet("iob2", rows)}, wanted.revision)
    encoder = str(tiny_encoder_folder(home / "encoder"))
    words = ["train", "--tasks", "panx", "--data", "hub", "--from", encoder, "--steps", "1", "--device", "cpu"]
    code, errors = program(hub, home, *words, "--out", "online")
    assert code == 0, errors
    code, errors = program(hub, home, *words, "--out", "offline", "--offline")
    assert code == 0, errors
    ours, theirs = (next((home / name / "stages").glob("*.json")) for name in ("online", "offline"))
    assert json.loads(ours.read_text())["data"] == json.loads(theirs.read_text())["data"]
