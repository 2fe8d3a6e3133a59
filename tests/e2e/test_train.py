"""The command `train`: what it prints and writes, and what happens when it is killed, interrupted or misused."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.forks import forked
from tests.lessons import lessons
from tests.program import program
from tests.tiny import tiny_encoder_folder
from typer.testing import CliRunner, Result

from robust_xtreme.cli._app import build


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Release files with thirty-two lessons a task."""
    return lessons(tmp_path_factory.mktemp("lessons"))


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny random encoder."""
    return tiny_encoder_folder(tmp_path_factory.mktemp("encoder"))


def _words(data: Path, encoder: Path, out: Path, *more: str) -> list[str]:
    words = ("--tasks", "panx", "--data", str(data), "--from", str(encoder), "--out", str(out), "--device", "cpu")
    return ["train", *words, *(() if "--steps" in more else ("--steps", "6")), *more]


def _train(data: Path, encoder: Path, out: Path, *more: str) -> Result:
    return CliRunner().invoke(build(), _words(data, encoder, out, *more))


def line_of(result: Result) -> str:
    """The one line of an error, after the line on what is read."""
    (line,) = [line for line in result.stderr.splitlines() if not line.startswith("read: ")]
    return line


@pytest.mark.process
def test_train_writes_a_run_and_says_where(tmp_path: Path, data: Path, encoder: Path) -> None:
    """The folder is all that is on stdout; steps are plain lines on stderr; nothing else appears anywhere."""
    before = sorted(encoder.iterdir())
    environment = {**os.environ, "TOKENIZERS_PARALLELISM": "false"}
    command = [sys.executable, "-m", "robust_xtreme", *_words(data, encoder, tmp_path / "run")]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=encoder, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{tmp_path / 'run'}\n"
    assert re.search(r"^target: step 6 of 6, loss \d", done.stderr, re.MULTILINE)
    assert f"\nread: data {data.resolve()}; from {encoder.resolve()}\n" in done.stderr
    assert "Warning" not in done.stderr
    assert "Traceback" not in done.stderr
    assert "\x1b[" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    assert sorted(encoder.iterdir()) == before
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == [
        ".lock", ".written.jsonl", "heads", "metrics.csv", "model", "stages", "train.json",
    ]  # fmt: skip
    again = _train(data, encoder, tmp_path / "run", "--quiet")
    assert (again.exit_code, again.stderr) == (0, "")
    other = _train(data, encoder, tmp_path / "run", "--seed", "1")
    assert other.exit_code == 2
    assert "seed 0" in line_of(other)


def test_the_line_after_training_evaluates_what_was_trained(
    tmp_path: Path, data: Path, encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last line on stderr runs as it is: model, data and tasks are those of the training, quoted for a shell."""
    monkeypatch.chdir(tmp_path)
    words = _words(data, encoder, Path("a run"), "--steps", "1")
    done = program(*words)
    assert (done.code, done.out) == (0, "a run\n")
    line = f"Next: robust-xtreme eval --model 'a run' --data {data} --tasks panx --perturb char_noise:0.1"
    assert done.err.splitlines()[-1] == line
    evaluated = program(*shlex.split(line)[2:], "--device", "cpu")
    assert (evaluated.code, "Report: runs/eval-" in evaluated.out) == (0, True), evaluated.err
    after = evaluated.err.splitlines()[-1]
    assert re.fullmatch(r"Next: robust-xtreme eval --config runs/eval-\w+/run\.toml --seeds 3", after)
    again = program(*shlex.split(after)[2:-2], "--plan")
    assert again.code == 0, again.err


def test_a_plan_refuses_what_the_run_refuses(tmp_path: Path, data: Path, encoder: Path) -> None:
    """The command that a plan names next does not fail by what this machine cannot compute."""
    refused = {"--precision fp16": "fp16", "--devices 4096": "--devices 4096"}
    for words, line in refused.items():
        planned = program(*_words(data, encoder, tmp_path / "run", *words.split()), "--plan")
        assert (planned.code, "Next:" in planned.err) == (2, False), planned.err
        assert line in planned.err


def test_ctrl_c_is_one_line(tmp_path: Path, data: Path, encoder: Path) -> None:
    """An interrupted run exits with 130 and one line, and the same command continues."""
    command = forked(_words(data, encoder, tmp_path / "run", "--steps", "5000", "-v"), tmp_path / "printed")
    while "target: step" not in (tmp_path / "printed" / "stderr").read_text("utf-8") and command.process.is_alive():
        time.sleep(0.01)
    command.interrupt()
    code, printed = command.end()
    assert code == 130
    first, *last = [line for line in printed.splitlines() if not line.startswith(("target:", "read: "))]
    assert first.startswith("panx: 32 examples")
    stops = "stops after this step, and saves it; Ctrl-C once more stops at once"
    assert last == [stops, "robust-xtreme: Interrupted. The same command continues the run."]
    assert list((tmp_path / "run" / "resume").iterdir())
    assert not (tmp_path / "run" / "model").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--tasks", "pnax", "--from", "e"), "'panx'"),
        (("--tasks", "panx"), "where to start"),
        (("--tasks", "panx", "--from-scratch", "smal", "--text", "t"), "'small'"),
        (("--tasks", "panx", "--from-scratch", "small"), "needs --text"),
        (("--tasks", "panx", "--from", "e", "--lr", "-1"), "--lr -1.0"),
        (("--tasks", "panx", "--from", "nowhere"), "'nowhere'"),
        (("--tasks", "xquad", "--from", "ENCODER"), "no train file"),
        (("--tasks", "panx", "--from", "ENCODER", "--reported", "panxx"), "'panx'"),
        (("paper_bas", "--tasks", "panx"), "'paper_base'"),
        (("--tasks", "panx", "--from", "ENCODER", "--recipe", "x-stilt"), "'x-stilts'"),
        (("--tasks", "panx", "--intermediate", "hellaswg", "--from", "ENCODER"), "'hellaswag'"),
    ],
)
def test_a_users_mistake_is_one_line(
    words: tuple[str, ...], message: str, data: Path, encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each mistake exits with 2 and one line that says what was probably meant; nothing is written."""
    monkeypatch.chdir(tmp_path)
    named = [str(encoder) if word == "ENCODER" else word for word in words]
    done = CliRunner().invoke(build(), ["train", *named, "--data", str(data)])
    assert done.exit_code == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_overlap_is_refused_on_the_command_line(tmp_path: Path, encoder: Path) -> None:
    """Training data that an evaluated split contains exit with 2, unless the flag allows and stamps it."""
    folder = lessons(tmp_path / "data")
    long = "\n".join(
        f"one\tO\ntwo\tO\nthree\tO\nfour\tO\nfive\tO\nsix\tO\nseven\tO\n{number}\tB-LOC\n" for number in range(9)
    )
    for name in ("train", "dev"):
        (folder / "panx" / f"{name}-en.tsv").write_text(long, encoding="utf-8")
    (tmp_path / "runs").mkdir()
    done = _train(folder, encoder, tmp_path / "runs" / "one")
    assert done.exit_code == 2
    assert "panx/validation/en" in done.stderr
    assert done.stderr.count("\n") == 1
    done = _train(folder, encoder, tmp_path / "runs" / "two", "--allow-overlap")
    assert done.exit_code == 0, done.stderr
    assert "overlap allowed: 9" in done.stderr
    assert '"panx/validation/en": 9' in (tmp_path / "runs" / "two" / "stages" / "00-target.json").read_text("utf-8")


def test_an_unwritable_folder_is_one_line(tmp_path: Path, data: Path, encoder: Path) -> None:
    """A path through a file exits with 2, a folder that nobody can make with 3; both are named."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    done = _train(data, encoder, tmp_path / "file" / "run")
    assert (done.exit_code, "where a folder" in line_of(done)) == (2, True)
    done = _train(data, encoder, Path("/proc/run"))
    assert (done.exit_code, "/proc" in line_of(done)) == (3, True)
