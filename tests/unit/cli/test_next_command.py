"""Each command ends with the next one, on stderr: a line that the program reads."""

from __future__ import annotations

import shlex
from itertools import pairwise
from pathlib import Path

import pytest
import typer
from tests.program import Ended, program
from tests.some import some

from robust_xtreme.cli._app import build
from robust_xtreme.cli._next import after_evaluation, after_training, again, evaluated, show_next
from robust_xtreme.cli.perturb import _numbered
from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.training.values import from_values

NOISY = "--perturb char_noise:0.1"


def following(done: Ended) -> list[str]:
    """The words of the next command, which is the last line on stderr and not on stdout."""
    assert "Next: " not in done.out
    last = done.err.splitlines()[-1]
    assert last.startswith("Next: robust-xtreme "), done.err
    return shlex.split(last.removeprefix("Next: "))[1:]


def parse(name: str, *words: str) -> None:
    """Parse the words of a command without running it."""
    command = typer.main.get_command(build()).commands[name]  # type: ignore[attr-defined]  # a group has commands
    command.make_context(name, list(words))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a file of texts, whose name has a blank."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ROBUST_XTREME_DATA", raising=False)
    (tmp_path / "some texts.txt").write_text("Habari ya asubuhi\n", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("line", "expected"),
    some(
        [
            ("list perturbations", "list perturbations --long"),
            ("list perturbations --long", "show char_noise:0.1 --languages en 'The text to perturb.'"),
            ("list perturbations -l sw --long", "show char_noise:0.1 --languages sw 'The text to perturb.'"),
            ("list suites --long", "eval --perturb @smoke"),
            ("list tasks --long", "data list"),
            ("list intermediate --long", "data list --tasks intermediate"),
            ("list languages --long", "list perturbations --languages en"),
            ("list metrics --long", "list tasks --long"),
            ("show char_noise:0.1 -l sw Habari", "eval --perturb char_noise:0.1"),
            ("cache", f"eval {NOISY}"),
            ("cache clear", f"eval {NOISY}"),
            ("config list", "config show small_ci"),
            ("config show small_ci", "config copy small_ci"),
            ("config copy small_ci", "train small_ci.toml --plan"),
            (
                "config copy x-stilts 'my recipe.toml'",
                "train small_ci --recipe 'my recipe.toml' --out 'runs/small-ci-my recipe' --plan",
            ),
            ("config copy char_noise", "eval --config char_noise.toml --plan"),
            ("data list --tasks xnli --languages 'sw, en'", "data check --data mini --tasks xnli --languages 'sw, en'"),
            ("data check --tasks xnli --languages sw", "eval --data mini --tasks xnli --languages sw --plan"),
            (
                f"perturb 'some texts.txt' --languages sw {NOISY} -o 'noisy texts.txt' --seed=4",
                f"perturb 'some texts.txt' --languages sw {NOISY} --seed 5 --out 'noisy texts-seed5.txt'",
            ),
        ],
        9,
    ),
)
@pytest.mark.usefixtures("here")
def test_each_command_ends_with_one_that_the_program_reads(line: str, expected: str) -> None:
    """The line is for this command's own data, quoted for a shell, and it parses."""
    done = program(*shlex.split(line))
    assert done.code == 0, done.err
    words = following(done)
    assert words == shlex.split(expected)
    parse(*words)


@pytest.mark.usefixtures("here")
def test_data_that_are_not_there_are_followed_by_those_that_are() -> None:
    """The embedded suite has no data of BUCC; its list shows what it has."""
    done = program("data", "check", "--tasks", "bucc", "--data", "mini")
    assert (done.code, following(done)) == (2, ["data", "list", "--data", "mini"])


@pytest.mark.parametrize("line", ["list tasks --json", "cache --json", "data --tasks xnli --languages sw --json"])
@pytest.mark.usefixtures("here")
def test_json_is_followed_by_nothing(line: str) -> None:
    """A program that reads JSON needs no next command."""
    assert program(*shlex.split(line)).err == ""


def test_a_plan_is_followed_by_its_run(here: Path) -> None:
    """The same command line without --plan, also where it is called --dry-run."""
    line = "eval --tasks xnli --languages sw --limit 3 --device cpu"
    assert following(program(*line.split(), "--dry-run")) == line.split()
    assert following(program("train", "--plan", "small_ci", "--out", str(here / "a b"))) == [
        "train", "small_ci", "--out", str(here / "a b"),
    ]  # fmt: skip


def test_after_a_run_comes_noise_then_further_draws() -> None:
    """A clean run is repeated with noise, a noisy one with more seeds; the flag for remote code is on the line.

    Where cells cannot be measured more seeds do not help: the answers are next.
    """
    folder = Path("runs/my run")
    same = ("eval", "--config", "runs/my run/run.toml")
    assert after_evaluation(RunSpec(), folder) == (*same, "--perturb", "char_noise:0.1")
    noisy = RunSpec(perturb=("char_noise:0.1",), trust_remote_code=True)
    assert after_evaluation(noisy, folder) == (*same, "--trust-remote-code", "--seeds", "3")
    assert after_evaluation(RunSpec(perturb=("char_noise:0.1",), seeds=3), folder) == ("list", "perturbations")
    assert after_evaluation(RunSpec(external=("typos=x",)), folder) == ("list", "perturbations")
    assert after_evaluation(noisy, folder, is_measured=False) == ("examples", "runs/my run")


def test_after_training_with_packs_comes_evaluation_with_them(tmp_path: Path) -> None:
    """Noise of a run with packs of its own is drawn with them in its evaluation."""
    packs = tmp_path / "my packs"
    (packs / "suites").mkdir(parents=True)
    suite = 'specs = ["char_noise:0.1"]\nsource = "ours"\nlicence = "CC0-1.0"\nstanding = "authored"\n'
    (packs / "suites" / "mine.toml").write_text(suite, encoding="utf-8")
    spec = from_values({"task": "panx", "data": "d", "encoder": "e", "packs": str(packs)})
    assert ("--packs", str(packs)) in pairwise(after_training(spec, Path("run")))


def test_after_training_comes_the_evaluation_of_its_tasks() -> None:
    """The model, its data and the tasks that its heads answer; what was allowed in training is allowed there."""
    spec = from_values({"task": "panx,xnli", "data": "my data", "encoder": "e", "allow_overlap": True})
    line = "eval --model run --data 'my data' --tasks panx,xnli --allow-overlap --perturb char_noise:0.1"
    assert after_training(spec, Path("run")) == tuple(shlex.split(line))
    assert evaluated(["mnli"], "mini") == ["americasnli", "xnli"]
    encoder = from_values({"mlm": {"text": "t"}, "encoder": "e", "offline": True})
    assert after_training(encoder, Path("run")) == tuple(shlex.split("train --from run --tasks xnli --data mini"))
    parse(*after_training(spec, Path("run")))
    parse(*after_training(encoder, Path("run")))


def test_words_after_two_dashes_stay_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """Words after -- are not options: added words come before it."""
    monkeypatch.setattr("sys.argv", ["robust-xtreme", "perturb", "-o", "x", "--seed=1", "--", "--seed"])
    assert again("--seed", "2", replacing=("-o", "--seed")) == ("perturb", "--seed", "2", "--", "--seed")


def test_a_name_that_would_be_too_long_is_not_proposed(here: Path) -> None:
    """A file may have a name of 255 bytes: two letters of a name that is as long leave no room for a seed."""
    name = "ä" * 125
    done = program("perturb", "some texts.txt", "--languages", "sw", *shlex.split(NOISY), "-o", name)
    assert (here / name).is_file()
    assert (done.code, "Next: " in done.err) == (0, False)


@pytest.mark.parametrize(
    ("name", "other"),
    [("a-3.11.txt", "a-3.11-seed1.txt"), ("a-seed0.txt.gz", "a-seed1.txt.gz"), (".a/b", ".a/b-seed1")],
)
def test_the_next_draw_has_a_name_of_its_own(name: str, other: str) -> None:
    """With the endings of the file, and whatever dots its name has."""
    assert _numbered(name, 1) == other


def test_a_line_that_cannot_be_copied_is_not_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """A path with a line feed would be two lines."""
    show_next("eval", "--data", "a\nb")
    assert capsys.readouterr() == ("", "")
