"""What a shell completes, asked as a shell asks: by environment variables."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
import typer.main
from tests.program import program

from robust_xtreme.cli import _app, _completion

HERE = Path()


def complete(line: str, folder: Path = HERE, shell: str = "bash") -> list[str]:
    """What the shell offers for the last word of a line."""
    asked = {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split(" ")) - 1), "_TYPER_COMPLETE_ARGS": line}
    with contextlib.chdir(folder):
        done = program(_ROBUST_XTREME_COMPLETE=f"complete_{shell}", **asked)
    assert (done.code, done.err) == (0, "")
    return done.out.split()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("robust-xtreme ev", ["eval"]),
        ("robust-xtreme li", ["list"]),
        ("robust-xtreme eval --perturb char", ["char_noise:0.1"]),
        ("robust-xtreme eval --model mi", ["mini"]),
        ("robust-xtreme eval --data h", ["hub"]),
        ("robust-xtreme list per", ["perturbations"]),
        ("robust-xtreme show char", ["char_noise:0.1"]),
        ("robust-xtreme eval --split te", ["test"]),
        ("robust-xtreme eval --device c", ["cpu", "cuda"]),
        ("robust-xtreme train --tasks xn", ["xnli"]),
        ("robust-xtreme perturb x --tasks xn", ["xnli"]),
        ("robust-xtreme perturb x --format conll", ["conll", "conllu"]),
    ],
)
def test_names_are_completed(line: str, offered: list[str]) -> None:
    """Commands, perturbations with a strength, models, data, lists, splits, devices and a task."""
    assert complete(line) == offered


def test_tasks_are_completed_after_commas_too() -> None:
    """Each name of a list is completed, and none is offered twice."""
    assert {"xnli", "xquad"} <= set(complete("robust-xtreme eval --tasks x"))
    after = complete("robust-xtreme eval --tasks panx,xnli,x")
    assert "panx,xnli,xquad" in after
    assert "panx,xnli,xnli" not in after


def test_languages_are_completed_by_their_codes() -> None:
    """`s` begins three codes, Swahili's among them, after a comma as well; `show` takes a single one."""
    assert complete("robust-xtreme eval --languages s") == ["shp", "sn", "sw"]
    assert complete("robust-xtreme eval --languages en,s") == ["en,shp", "en,sn", "en,sw"]
    assert complete("robust-xtreme show char_noise:0.1 x --languages s") == ["shp", "sn", "sw"]


def test_a_model_can_be_a_folder(tmp_path: Path) -> None:
    """Folders that begin so are offered beside mini; files and hidden ones are not."""
    for name in ("mine", "runs/panx", ".hidden"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "minutes.txt").touch()
    assert complete("robust-xtreme eval --model mi", tmp_path) == ["mini", "mine/"]
    assert complete("robust-xtreme eval --model runs/p", tmp_path) == ["runs/panx/"]
    assert complete("robust-xtreme eval --model xnli=mi", tmp_path) == ["xnli=mini", "xnli=mine/"]
    assert complete("robust-xtreme eval --model none/such", tmp_path) == []


STRANGE = [
    "$(touch x)",
    "a;touch x",
    "`x`",
    "two words",
    "nl\n--trust-remote-code",
    "it's",
    "a|b",
    "~root",
    "-rf",
    "a&b",
]


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_a_folder_whose_name_a_shell_would_run_is_not_offered(tmp_path: Path, shell: str) -> None:
    """Candidates are inserted without quotes: such names are left to the shell's own completion of files."""
    for name in (*STRANGE, "plain"):
        (tmp_path / "w" / name / "inner").mkdir(parents=True)
    (tmp_path / "-rf").mkdir()
    for words in ("eval --data w/", "eval --model w/", "eval --model xnli=w/", "train --data w/"):
        offered = complete(f"robust-xtreme {words}", tmp_path, shell)
        assert any("w/plain/" in offer for offer in offered)
        assert [offer for offer in offered if any(sign in offer for sign in "$;`|&'~ \n") and shell == "bash"] == []
        assert not any("touch" in offer or "trust" in offer or "words" in offer for offer in offered)


@pytest.mark.parametrize("name", STRANGE)
def test_inside_such_a_folder_nothing_is_offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """The words of the user would lose their quotes too; the shell completes them."""
    (tmp_path / name / "inner").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert _completion.data(f"{name}/") == []
    assert _completion.model(f"xnli={name}/") == []
    assert _completion.data(name[:1]) == []
    assert _completion.tasks(f"{name},x") == []
    assert _completion.perturbation(f"{name}+ch") == []


def test_a_chain_is_completed_link_by_link() -> None:
    """After a plus sign another perturbation begins."""
    assert "char_noise:0.2+char_noise:0.1" in _completion.perturbation("char_noise:0.2+ch")
    assert _completion.perturbation("char_noise:0.2") == []


def test_the_script_of_a_shell_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    """`--show-completion bash` prints what a shell sources, whichever shell this was started from."""
    for module, name in ((_app, "build"), (typer.main, "get_command")):  # the option depends on the environment
        monkeypatch.setattr(module, name, getattr(module, name).__wrapped__)
    done = program("--show-completion", "bash", _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1")
    assert done.code == 0
    assert "complete -o default -F _robust_xtreme_completion robust-xtreme" in done.out
