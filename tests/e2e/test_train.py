"""The command `train`: what it prints and writes, and what happens when it is killed, interrupted or misused."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.lessons import lessons
from tests.tiny import tiny_encoder_folder
from typer.testing import CliRunner

from robust_xtreme.commands._app import build

_WAIT = 120.0
_ENVIRONMENT = {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
_SAVE_ALWAYS = (
    "import sys\n"
    "from robust_xtreme import api\n"
    "from robust_xtreme.training.loop import Options\n"
    "def watch(at): print(at.stage, at.step, flush=True)\n"
    "data, out, text = sys.argv[1:]\n"
    "facts = {'scratch': 'tiny', 'text': text, 'mlm_steps': 30, 'steps': 30, 'batch_size': 8, 'device': 'cpu'}\n"
    "api.train(task='panx', data=data, out=out, **facts, options=Options(watch=watch, save_seconds=0.0))\n"
)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Release files with thirty-two lessons a task."""
    return lessons(tmp_path_factory.mktemp("lessons"))


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny random encoder."""
    return tiny_encoder_folder(tmp_path_factory.mktemp("encoder"))


def _run(*words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **_ENVIRONMENT}
    command = [sys.executable, "-m", "robust_xtreme", *words]
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=cwd, timeout=_WAIT)


def _train(data: Path, encoder: Path, out: Path, *more: str) -> subprocess.CompletedProcess[str]:
    words = ("--task", "panx", "--data", str(data), "--from", str(encoder), "--out", str(out), "--steps", "6")
    return _run("train", *words, "--device", "cpu", *more, cwd=encoder)


def _files(run: Path) -> dict[str, bytes]:
    paths = [path for path in sorted(run.rglob("*")) if path.is_file() and path.name != ".lock"]
    return {str(path.relative_to(run)): path.read_bytes() for path in paths}


def test_train_writes_a_run_and_says_where(tmp_path: Path, data: Path, encoder: Path) -> None:
    """The folder is all that stands on stdout; steps are plain lines on stderr; nothing else appears anywhere."""
    before = sorted(encoder.iterdir())
    done = _train(data, encoder, tmp_path / "run")
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{tmp_path / 'run'}\n"
    assert re.search(r"^target: step 6 of 6, loss \d", done.stderr, re.MULTILINE)
    assert "Warning" not in done.stderr
    assert "Traceback" not in done.stderr
    assert "\x1b[" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    assert sorted(encoder.iterdir()) == before
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == [
        ".lock", "heads", "metrics.csv", "model", "stages", "train.json",
    ]  # fmt: skip
    again = _train(data, encoder, tmp_path / "run", "--quiet")
    assert (again.returncode, again.stderr) == (0, "")
    other = _train(data, encoder, tmp_path / "run", "--seed", "1")
    assert other.returncode == 2
    assert "seed 0 instead of 1" in other.stderr
    assert other.stderr.count("\n") == 1


def test_a_killed_run_goes_on_to_the_same_bytes(tmp_path: Path, data: Path) -> None:
    """`kill -9` in masked LM and in the target stage: the same command ends with the bytes of an unbroken run."""
    whole, broken = tmp_path / "whole" / "panx", tmp_path / "broken" / "panx"
    _until(data, whole, "never")
    for place in ("masked_lm 9", "target 5", "target 21"):
        _until(data, broken, place)
    assert not (broken / "heads").exists()
    _until(data, broken, "never")
    assert _files(whole.parent) == _files(broken.parent)


def _until(data: Path, out: Path, place: str) -> None:
    """Train, and kill the process once it has said that it is at a place; it may have come a little further."""
    command = [sys.executable, "-c", _SAVE_ALWAYS, str(data), str(out), str(data / "text")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **_ENVIRONMENT}) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.strip() == place:
                process.kill()
                break
        code = process.wait(timeout=_WAIT)
    assert code == (0 if place == "never" else -signal.SIGKILL)


def test_ctrl_c_is_one_line(tmp_path: Path, data: Path, encoder: Path) -> None:
    """An interrupted run exits with 130 and one line, and the same command goes on."""
    words = ("--task", "panx", "--data", str(data), "--from", str(encoder), "--out", str(tmp_path / "run"))
    command = [sys.executable, "-m", "robust_xtreme", "train", *words, "--steps", "100000", "--device", "cpu", "-v"]
    environment = {**os.environ, **_ENVIRONMENT}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        assert line.startswith("panx: 32 examples")
        time.sleep(1.0)
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
        assert process.wait(timeout=_WAIT) == 130
    last = [line for line in rest.splitlines() if not line.startswith("target:")]
    said = "stops after this step, and saves it; Ctrl-C once more stops at once"
    assert last == [said, "robust-xtreme: Interrupted."]
    assert list((tmp_path / "run" / "resume").iterdir())
    assert not (tmp_path / "run" / "model").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--task", "pnax", "--from", "e"), "Did you mean 'panx'?"),
        (("--task", "panx"), "Name where to start"),
        (("--task", "panx", "--from-scratch", "smal", "--text", "t"), "Did you mean 'small'?"),
        (("--task", "panx", "--from-scratch", "small"), "needs --text"),
        (("--task", "panx", "--from", "e", "--lr", "-1"), "--lr -1.0"),
        (("--task", "panx", "--from", "nowhere"), "There is no folder 'nowhere'"),
        (("--task", "xquad", "--from", "ENCODER"), "no train file"),
        (("--task", "panx", "--from", "ENCODER", "--reported", "panxx"), "Did you mean 'panx'?"),
        (("paper_bas", "--task", "panx"), "Did you mean 'paper_base'?"),
        (("--task", "panx", "--from", "ENCODER", "--recipe", "x-stilt"), "Did you mean 'x-stilts'?"),
        (("--task", "panx", "--intermediate", "hellaswg", "--from", "ENCODER"), "Did you mean 'hellaswag'?"),
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
        f"one\tO\ntwo\tO\nthree\tO\nfour\tO\nfive\tO\nsix\tO\nseven\tO\n{place}\tB-LOC\n" for place in range(9)
    )
    for name in ("train", "dev"):
        (folder / "panx" / f"{name}-en.tsv").write_text(long, encoding="utf-8")
    (tmp_path / "runs").mkdir()
    done = _train(folder, encoder, tmp_path / "runs" / "one")
    assert done.returncode == 2
    assert "9 of 9 sentences of panx/validation/en are in the training data too" in done.stderr
    assert done.stderr.count("\n") == 1
    done = _train(folder, encoder, tmp_path / "runs" / "two", "--allow-overlap")
    assert done.returncode == 0, done.stderr
    assert "overlap allowed: 9" in done.stderr
    assert '"panx/validation/en": 9' in (tmp_path / "runs" / "two" / "stages" / "00-target.json").read_text("utf-8")


def test_an_unwritable_folder_is_one_line(tmp_path: Path, data: Path, encoder: Path) -> None:
    """A folder that cannot be made exits with 3 and names it."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    done = _train(data, encoder, tmp_path / "file" / "run")
    assert done.returncode == 3
    assert "cannot be written" in done.stderr
    assert done.stderr.count("\n") == 1


def test_help_is_quick_and_has_examples() -> None:
    """`train --help` shows every option and an example, and loads no torch."""
    done = _run("train", "--help")
    assert done.returncode == 0
    assert "robust-xtreme train --task" in done.stdout
    code = "import sys; from robust_xtreme.commands import train; sys.exit(bool({'torch', 'numpy'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
