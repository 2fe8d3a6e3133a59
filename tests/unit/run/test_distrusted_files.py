"""A run's file from somebody else: it runs no code, opens no connection and reads no packs without a word."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.checkpoints import NLI, SEQUENCE, change, checkpoint
from tests.tiny import tiny_run
from typer.testing import CliRunner, Result

from robust_xtreme.api import evaluate
from robust_xtreme.cli._app import build
from robust_xtreme.core.errors import SpecError
from robust_xtreme.core.run_spec import RunSpec, from_mapping, from_toml
from robust_xtreme.run.folder import Folder as RunFolder
from robust_xtreme.run.folder import begin, check_ours
from robust_xtreme.tasks.sources import hub

pytestmark = pytest.mark.usefixtures("unpaged")

TRUSTED = "trust_remote_code = true\n"
EVAL = 'model = ["xnli=own"]\ndata = "mini"\nlimit = "2"\ndevice = "cpu"\n'
TRAIN = 'from = "own"\ndata = "mini"\n{keys}\n[target]\ntasks = ["xnli"]\n{stage}'
PACK = 'name = "mine"\nsource = "me"\nlicence = "CC0"\nstanding = "authored"\nperturb = ["char_noise:0.1"]\n'


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder without the hub's variables."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    return tmp_path


@pytest.fixture
def mark(here: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that the code of the checkpoint `own` writes."""
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(here / "modules"))
    monkeypatch.syspath_prepend(str(here / "modules"))
    checkpoint(here / "own", "bert", SEQUENCE, NLI)
    change(here / "own", {"model_type": "own_kind", "auto_map": {"AutoConfig": "own.OwnConfig"}})
    (here / "own" / "own.py").write_text(f"open({str(here / 'mark')!r}, 'w').close()\nraise SystemExit(9)\n")
    return here / "mark"


def call(*words: str) -> Result:
    """The program on the words given, as it ends."""
    return CliRunner().invoke(build(), [*words])


def written(name: str, content: str) -> str:
    """A file with that content."""
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(content, encoding="utf-8")
    return name


def line_of(result: Result) -> str:
    """The only line on stderr, that of an error of the user."""
    assert result.exit_code == 2, result.output
    (line,) = result.stderr.splitlines()
    return line


@pytest.mark.parametrize("plan", [("--plan",), ()])
def test_a_file_does_not_permit_the_code_of_a_checkpoint(mark: Path, plan: tuple[str, ...]) -> None:
    """It is refused in one line that names the option; with the option the code runs."""
    file = written("their.toml", EVAL + TRUSTED)
    assert "trust_remote_code" in line_of(call("eval", "--config", file, *plan))
    assert not mark.exists()
    call("eval", "--config", file, "--trust-remote-code", *plan)
    assert mark.exists()


def test_nothing_is_fetched_for_a_file_that_permits_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """The refusal comes before the hub is asked."""
    monkeypatch.setattr(hub, "snapshot", None)
    file = written("their.toml", EVAL.replace("own", "owner/name") + TRUSTED)
    assert "--trust-remote-code" in line_of(call("eval", "--config", file))


@pytest.mark.parametrize(("keys", "stage"), [(TRUSTED, ""), ("", TRUSTED)])
def test_train_has_no_such_key(mark: Path, keys: str, stage: str) -> None:
    """The code of an encoder never runs in training."""
    file = written("their.toml", TRAIN.format(keys=keys, stage=stage))
    assert "'trust_remote_code'" in line_of(call("train", file))
    assert not mark.exists()


def test_code_is_permitted_by_the_argument_in_python(here: Path) -> None:
    """`from_toml` refuses what `from_mapping`, whose values are arguments, takes."""
    file = Path(written("their.toml", EVAL + TRUSTED))
    with pytest.raises(SpecError, match="does not permit"):
        from_toml(file)
    assert from_toml(file, trust_remote_code=True).trust_remote_code
    assert not from_toml(file, trust_remote_code=False).trust_remote_code
    assert from_mapping({"trust_remote_code": True}, "evaluate").trust_remote_code


def test_a_run_with_code_continues_in_its_folder(here: Path) -> None:
    """Its own run.toml, which contains the key, is compared, and its first line names the option."""
    spec = RunSpec(trust_remote_code=True, out="run")
    (here / "run").mkdir()
    begin(RunFolder(here / "run"), spec, {"schema_version": "1"})
    written("run/parts/part", "")
    check_ours(here / "run", spec, force=False)
    header, *_ = (here / "run/run.toml").read_text().splitlines()
    assert header == "# robust-xtreme eval --config run.toml --trust-remote-code"


@pytest.mark.parametrize("words", [("eval", "--config", "their.toml"), ("train", "their.toml")])
def test_the_variable_wins_over_a_file_that_is_not_offline(words: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """`offline = false` in a file opens no connection where HF_HUB_OFFLINE is set."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(hub, "_fetched", None)
    content = EVAL + "offline = false\n" if words[0] == "eval" else TRAIN.format(keys="offline = false", stage="")
    written("their.toml", content.replace("own", "owner/name"))
    assert "owner/name@main" in call(*words).stderr


@pytest.mark.parametrize("words", [("eval", "--plan", "--config"), ("train", "--plan")])
def test_packs_outside_the_folder_of_a_file_are_named(words: tuple[str, ...], here: Path) -> None:
    """One line before they are read; those in its folder, or of the command line, are not named."""
    tiny_run(here / "near" / "own", ["xnli"])
    for folder in ("far", "near/packs"):
        written(f"{folder}/suites/mine.toml", PACK)
    (here / "near/link").symlink_to(here / "far")
    content = EVAL + "{packs}" if words[0] == "eval" else TRAIN.format(keys="{packs}", stage="")
    file = "near/their.toml"

    def stderr(packs: str, *more: str) -> list[str]:
        written(file, content.format(packs=f"packs = {packs}"))
        return [line for line in call(*words, file, *more).stderr.splitlines() if "outside its folder" in line]

    assert stderr('["packs"]') == []
    assert stderr('["../far", "link"]', "--packs", "far") == []
    for packs, named in (
        ('["packs", "../far", "link"]', ": near/../far, near/link"),
        (r'"a\u0000b\n"', r": near/a\x00b\n"),
    ):
        (line,) = stderr(packs)
        assert line.endswith(named)


def test_packs_are_named_before_they_are_read() -> None:
    """The line is the first, also where the packs cannot be read."""
    lines = call("eval", "--config", written("near/their.toml", 'packs = ["/nowhere"]\n')).stderr.splitlines()
    assert "outside its folder: /nowhere" in lines[0]
    assert "no folder '/nowhere'" in lines[-1]


def test_a_folder_with_a_control_character_is_one_line() -> None:
    """In a file and in Python it is a mistake of the user, as in train."""
    file = written("their.toml", r'out = "a\u0000"')
    assert "control character" in line_of(call("eval", "--config", file))
    with pytest.raises(SpecError, match="contains"):
        evaluate(out="a\0")
