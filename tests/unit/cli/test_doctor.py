"""The command `doctor`: every line says what is there, or what to type; it changes nothing and opens no connection."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from huggingface_hub import constants
from tests.release import release
from typer.testing import CliRunner, Result

from robust_xtreme.cli import _check
from robust_xtreme.cli._app import build, command_names
from robust_xtreme.core import registry, resources
from robust_xtreme.noise.engine import ocr_channel
from robust_xtreme.tasks.groups import chosen

SUITE = """
name = "mini"
version = "1"
summary = "Two languages."
languages = ["en", "sw"]

[xnli]
splits = ["test"]
"""


@pytest.fixture
def embedded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small suite and a model with a head for its task instead of the embedded ones; caches of its own."""
    folder = tmp_path / "mini"
    for name in ("suite/xnli", "model/heads"):
        (folder / name).mkdir(parents=True)
    (folder / "suite" / "suite.toml").write_text(SUITE)
    for language in ("en", "sw"):
        (folder / "suite" / "xnli" / f"test-{language}.jsonl").touch()
    (folder / "model" / "heads" / "xnli.safetensors").touch()
    monkeypatch.setattr(resources, "mini", lambda name: folder / name)
    monkeypatch.setenv("ROBUST_XTREME_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.delenv("ROBUST_XTREME_DATA", raising=False)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.chdir(tmp_path)
    return folder


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The result of importing torch and the other libraries, without importing them."""
    readiness: dict[str, Any] = {"broken": {}, "device": {"threads": 2, "cuda": []}}
    answer_of = _check.answer_of
    monkeypatch.setattr(_check, "probe", lambda: None)
    monkeypatch.setattr(_check, "answer_of", lambda it, seconds: answer_of(it, seconds) if it else readiness)
    return readiness


@pytest.fixture
def within(monkeypatch: pytest.MonkeyPatch) -> None:
    """The code of a separate process runs in this one."""

    def answer_of(code: Any, _: float) -> Any:
        with contextlib.redirect_stdout(io.StringIO()) as out:
            exec(code, {})
        return json.loads(out.getvalue().splitlines()[-1])

    for module in (_check, _check):
        monkeypatch.setattr(module, "started", lambda code: code)
        monkeypatch.setattr(module, "answer_of", answer_of)


def doctor(*words: str) -> Result:
    """The command, as it ends."""
    return CliRunner().invoke(build(), ["doctor", *words])


def checks(*words: str) -> dict[str, dict[str, Any]]:
    """Its checks by their names."""
    return {check["name"]: check for check in json.loads(doctor("--json", *words).stdout)["checks"]}


LIBRARIES = ["python", "robust-xtreme", "torch", "transformers", "device"]
PLACES = ["mini", "data folder", "hub", "cache", "hub cache", "ocr_channel"]


def lacks(output: str) -> list[str]:
    """Which of the lines that there should be are not."""
    begun = [line[6:] for line in output.splitlines()]
    return [name for name in LIBRARIES + PLACES if not any(line.startswith(name) for line in begun)]


def test_a_machine_that_is_ready_has_a_line_for_everything(embedded: Path, quick: dict[str, Any]) -> None:
    """Python, libraries, device, mini, data, hub and caches are named, and mini can run."""
    done = doctor()
    assert (done.exit_code, lacks(done.output)) == (0, []), done.output
    assert done.output.endswith("mini can run.\nNext: robust-xtreme eval --perturb char_noise:0.1\n")


def test_every_line_is_ok_or_has_a_remedy(embedded: Path, quick: dict[str, Any]) -> None:
    """What is not ok is followed by the command that mends it."""
    lines = checks()
    assert {line["status"] for line in lines.values()} <= {"ok", "note", "fail"}
    assert [line["name"] for line in lines.values() if (line["status"] != "ok") != bool(line["remedy"])] == []
    shown = doctor().output.splitlines()
    for index, line in enumerate(shown):
        if line.startswith(("note", "fail")):
            assert shown[index + 1].strip().startswith("-> ")


def test_nothing_is_connected_to_unless_asked_for(
    embedded: Path, quick: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No name is looked up and no socket is connected; --online does that in a process of its own."""

    def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    started: list[str] = []
    monkeypatch.setattr(_check, "started", started.append)
    assert doctor().exit_code == 0
    assert started == []


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    """A hub on this machine that answers with `code`."""
    state = SimpleNamespace(code=200)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """Answer."""
            self.send_response(state.code)
            self.end_headers()
            self.wfile.write(b"[]")

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    state.url = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(constants, "ENDPOINT", state.url)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    yield state
    server.shutdown()
    server.server_close()


@pytest.mark.process
def test_the_hub_is_asked_when_asked_for(embedded: Path, quick: dict[str, Any], hub: SimpleNamespace) -> None:
    """--online says that it answers, from a process of its own."""
    assert checks("--online")["hub"]["found"] == f"{hub.url} answers"
    assert checks()["hub"]["found"].endswith("not asked (--online asks)")


@pytest.mark.usefixtures("within")
def test_a_hub_that_fails_is_a_line(embedded: Path, quick: dict[str, Any], hub: SimpleNamespace) -> None:
    """The line names the status that the hub answers."""
    hub.code = 503
    line = checks("--online")["hub"]
    assert (line["status"], line["found"]) == ("note", f"{hub.url} answers 503")


@pytest.mark.usefixtures("within")
def test_a_hub_that_is_down_is_a_line(embedded: Path, quick: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody answers: the remedy works without it, and mini runs all the same."""
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    done = doctor("--online")
    assert done.exit_code == 0
    assert "does not answer: " in done.output
    assert "-> robust-xtreme eval --offline" in done.output


def test_offline_by_the_hub_s_own_variable_is_reported(
    embedded: Path, quick: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """HF_HUB_OFFLINE wins over --online."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert checks("--online")["hub"]["found"].startswith("HF_HUB_OFFLINE is set")


@pytest.mark.usefixtures("within")
def test_a_torch_that_does_not_load_is_named(embedded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken library is one line with its error and how to install it again, and the command ends with 3."""
    load = importlib.import_module

    def import_module(name: str, *package: str) -> Any:
        if name == "torch":
            raise OSError("libcudart.so: cannot open")
        return load(name, *package)

    monkeypatch.setattr(importlib, "import_module", import_module)
    done = doctor()
    assert done.exit_code == 3
    assert "libcudart" in done.output
    assert "-> pip install --force-reinstall 'torch" in done.output
    assert done.output.endswith("mini cannot run. See the lines that begin with fail.\n")


@pytest.mark.process
def test_a_library_that_ends_the_process_is_a_line(
    embedded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even one that kills the interpreter that imports it."""
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "torch.py").write_text("import os; os.write(2, b'Illegal instruction'); os._exit(4)")
    monkeypatch.syspath_prepend(str(tmp_path / "broken"))
    line = checks()["torch"]
    assert line["status"] == "fail"
    assert "code 4" in line["found"]


@pytest.fixture
def absent(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The libraries that are not installed."""
    names: set[str] = set()
    version = registry.version_of
    monkeypatch.setattr(_check, "version_of", lambda library: None if library in names else version(library))
    return names


@pytest.mark.parametrize(
    ("name", "status", "code"), [("torch", "note", 0), ("datasets", "note", 0), ("scipy", "fail", 3)]
)
def test_what_is_not_installed_is_named(
    name: str, status: str, code: int, embedded: Path, quick: dict[str, Any], absent: set[str]
) -> None:
    """One command installs all of it; what evaluation and training alone need is a note."""
    absent.add(name)
    line = checks()[name]
    assert (line["status"], line["found"], line["remedy"]) == (status, "is not installed", "pip install robust-xtreme")
    assert doctor().exit_code == code


def test_without_torch_it_says_which_commands_work(
    embedded: Path, quick: dict[str, Any], absent: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With locks/gate.txt alone nothing fails: one line says what works, and what installs the rest."""
    absent |= {"torch", "transformers", "tokenizers", "safetensors", "huggingface-hub", "faiss-cpu"}
    quick["broken"] = dict.fromkeys(absent, "ModuleNotFoundError")
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    done = doctor()
    assert (done.exit_code, "fail" in done.output, "Next:" in done.output) == (0, False, False)
    *_, last = done.output.splitlines()
    assert last.startswith("perturb, import, report, examples, compare, baseline and gate work without")
    assert last.endswith("eval, train and other commands need it (pip install robust-xtreme).")
    assert {*last.partition(" work")[0].replace(" and", ",").split(", ")} < {*command_names()}
    cures = {line.strip() for line in done.output.splitlines() if "-> pip" in line}
    assert cures - {'-> pip install "robust-xtreme[images]"'} == {"-> pip install robust-xtreme"}
    lines = checks()
    assert all("huggingface_hub" in lines[name]["found"] for name in ("hub", "hub cache"))
    assert json.loads(doctor("--json").stdout)["mini"] is False
    asked = doctor("--data", "hub")
    assert asked.exit_code == 2
    assert asked.output.endswith(" See the lines that begin with fail.\n")


def test_an_old_library_is_reported(embedded: Path, quick: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """A version that we do not ask for is a note with the right one."""
    known = registry.version_of
    monkeypatch.setattr(_check, "version_of", lambda library: "4.40.0" if library == "transformers" else known(library))
    line = checks()["transformers"]
    assert (line["status"], line["found"][:12]) == ("note", "4.40.0, but ")


def test_a_missing_embedded_model_is_reported(embedded: Path, quick: dict[str, Any]) -> None:
    """A task of the suite without a head: mini cannot run."""
    (embedded / "model" / "heads" / "xnli.safetensors").unlink()
    done = doctor()
    assert done.exit_code == 3
    assert "no head for xnli" in done.output
    (embedded / "model" / "train.json").write_text('{"files": {"model/config.json": "0"}}')
    assert "model/config.json is missing" in doctor().output


def test_a_head_that_a_task_accepts_serves_it(embedded: Path, quick: dict[str, Any]) -> None:
    """MLQA is answered by a head of XQuAD and Tatoeba by none; without XQuAD's, MLQA alone is named."""
    suite = embedded / "suite"
    tables = "".join(f'\n[{name}]\nsplits = ["test"]\n' for name in ("mlqa", "tatoeba"))
    (suite / "suite.toml").write_text(SUITE + tables)
    for name in ("mlqa", "tatoeba"):
        (suite / name).mkdir()
        (suite / name / "test-sw.jsonl").touch()
    assert checks()["mini"]["found"] == "has no head for mlqa"
    (embedded / "model" / "heads" / "xquad.safetensors").touch()
    done = doctor()
    assert done.exit_code == 0, done.output
    mini = checks()["mini"]
    what = "model and data of mlqa, tatoeba (1 language each), xnli (2 languages)"
    assert (mini["status"], mini["found"]) == ("ok", what)


def test_the_embedded_mini_is_ready(quick: dict[str, Any]) -> None:
    """The package's own suite and model serve every task of XTREME-R."""
    line = checks()["mini"]
    assert line["status"] == "ok", line
    assert set(line["facts"]["tasks"]) == set(chosen(["xtreme-r"]))
    assert "12 languages each" in line["found"]


def test_data_are_named_by_task_and_language(embedded: Path, quick: dict[str, Any], tmp_path: Path) -> None:
    """--data shows what a folder contains."""
    lines = checks("--data", str(release(tmp_path / "data")))
    assert lines["data folder"]["facts"]["tasks"]["panx"] == ["en", "sw"]
    assert re.search(r"panx[^()]*\(2 languages each\)", lines["data folder"]["found"])


def test_a_variable_that_names_nothing_is_reported(
    embedded: Path, quick: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """ROBUST_XTREME_DATA names no folder: a note, and mini runs."""
    monkeypatch.setenv("ROBUST_XTREME_DATA", "/no/such/folder")
    line = checks()["data folder"]
    assert line["status"] == "note"
    assert line["found"].startswith("ROBUST_XTREME_DATA names /no/such/folder: ")
    assert line["remedy"] == "unset ROBUST_XTREME_DATA"
    assert doctor().exit_code == 0


def test_data_that_cannot_be_used_are_an_error(embedded: Path, quick: dict[str, Any], tmp_path: Path) -> None:
    """--data of an empty folder, or of none, ends with 2, a mistake of the user; mini runs."""
    (tmp_path / "empty").mkdir()
    for name in ("empty", "nosuch"):
        remedy = "robust-xtreme doctor --data DIR"
        line = checks("--data", name)["data folder"]
        assert (line["status"], line["remedy"], doctor("--data", name).exit_code) == ("fail", remedy, 2)


def test_a_cache_that_cannot_be_written_is_reported(
    embedded: Path, quick: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a file is in the way of the cache's folder, another one is to be named; nothing is made."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("ROBUST_XTREME_CACHE", str(tmp_path / "file" / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "file" / "hub"))
    lines = checks()
    assert (lines["cache"]["status"], lines["cache"]["remedy"]) == ("note", "export ROBUST_XTREME_CACHE=DIR")
    assert (lines["hub cache"]["status"], lines["hub cache"]["remedy"]) == ("note", "export HF_HOME=DIR")
    assert doctor().exit_code == 0


def test_nothing_is_made(embedded: Path, quick: dict[str, Any], tmp_path: Path) -> None:
    """The command makes no folder."""
    before = sorted(tmp_path.rglob("*"))
    doctor()
    assert sorted(tmp_path.rglob("*")) == before


def test_cuda_is_named_with_its_memory(embedded: Path, quick: dict[str, Any]) -> None:
    """Each card is there with what is free; one that fails has a way around it."""
    quick["device"] = {"threads": 8, "cuda": [{"name": "Card", "free": 70_000_000_000, "total": 80_000_000_000}]}
    assert checks()["device"]["found"].startswith("CUDA Card (70.0 GB of 80.0 GB free); CPU, ")
    quick["device"] = {"threads": 8, "cuda": [], "problem": "driver too old"}
    assert checks()["device"]["remedy"] == "robust-xtreme eval --device cpu"


@pytest.mark.process
def test_it_runs_without_a_home(tmp_path: Path) -> None:
    """HOME is not a folder and the locale is C: every line is there, in plain letters; torch is imported and works."""
    environment = {**os.environ, "HOME": os.devnull, "LC_ALL": "C", "PYTHONIOENCODING": "ascii"}
    for name in ("XDG_CACHE_HOME", "HF_HOME", "ROBUST_XTREME_CACHE", "ROBUST_XTREME_DATA"):
        environment.pop(name, None)
    command = [sys.executable, "-m", "robust_xtreme", "doctor"]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 3)
    assert (done.stderr.startswith("Next: ") or not done.stderr, lacks(done.stdout)) == (True, [])
    assert done.stdout.isascii()
    assert re.search(r"(?m)^ok    torch ", done.stdout)
    assert "-> export ROBUST_XTREME_CACHE=DIR" in done.stdout


@pytest.mark.parametrize("value", ["http://[bad", "not a url", "file:///x"])
def test_an_endpoint_that_is_not_an_address_is_reported(
    embedded: Path, quick: dict[str, Any], monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    """A note, with what mends it, whether or not the hub is to be asked; mini runs."""
    monkeypatch.setenv("HF_ENDPOINT", value)
    for words in ((), ("--online",)):
        line = checks(*words)["hub"]
        assert (line["status"], line["remedy"]) == ("note", "unset HF_ENDPOINT")
        assert "HF_ENDPOINT" in line["found"]
    assert doctor().exit_code == 0


@pytest.mark.usefixtures("within")
def test_a_password_in_the_endpoint_is_not_shown(
    embedded: Path, quick: dict[str, Any], hub: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hub is asked with it, and it is in no line and no fact."""
    secret = hub.url.replace("http://", "http://user:hidden@")
    monkeypatch.setenv("HF_ENDPOINT", secret)
    monkeypatch.setattr(constants, "ENDPOINT", secret)
    assert checks("--online")["hub"]["found"] == f"{hub.url} answers"
    assert "hidden" not in doctor("--json").output + doctor().output


def test_a_suite_s_pipe_is_reported(
    embedded: Path, quick: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pipe instead of suite.toml is a line, and is not waited for."""
    (tmp_path / "suite").mkdir()
    os.mkfifo(tmp_path / "suite" / "suite.toml")
    monkeypatch.setenv("ROBUST_XTREME_DATA", str(tmp_path / "suite"))
    line = checks()["data folder"]
    assert (line["status"], line["remedy"]) == ("note", "unset ROBUST_XTREME_DATA")
    assert "regular file" in line["found"]


def test_what_ocr_channel_lacks_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the packages that have it: Tesseract, the fonts of scripts, and Pillow."""
    fonts = {"sw": ("swa", Path("/no/Sans")), "zh": ("chi_sim", Path("/no/CJK"))}
    for told, font, found, cure in (
        ([], None, "new prints", "tesseract-ocr tesseract-ocr-all"),
        (["eng", "swa"], None, "new prints of 1 of 2 languages", "tesseract-ocr-all"),
        (["swa", "chi_sim"], fonts, "new prints", "fonts-noto-core fonts-noto-cjk"),
    ):
        known = font or {code: (data, Path(__file__)) for code, (data, _) in fonts.items()}
        monkeypatch.setattr(ocr_channel, "_told", lambda _, told=told: told)
        monkeypatch.setattr(ocr_channel, "_OTHERS", Path(__file__))
        monkeypatch.setattr(ocr_channel, "reader", known.get)
        check = _check.channel()
        assert (check.status, check.found) == ("note", f"cannot read {found}")
        assert check.remedy == f"apt-get install {cure}"
    monkeypatch.setattr(ocr_channel, "missing", lambda _: [])
    monkeypatch.setattr(ocr_channel, "versions", lambda: {"pillow": "", "tesseract": "5.3.0"})
    assert (_check.channel().status, _check.channel().remedy) == ("note", 'pip install "robust-xtreme[images]"')
