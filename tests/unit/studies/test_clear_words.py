"""What a user mistypes, and files that others edited: one line that says what is wrong."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import typer
from tests.finished_runs import finished_run
from tests.program import Ended, program
from tests.some import some
from tests.studies import file_of, simulated

from robust_xtreme.cli._app import build
from robust_xtreme.core import registry
from robust_xtreme.core.errors import DataError, UserError
from robust_xtreme.exchange.perturbing import output
from robust_xtreme.files import store
from robust_xtreme.files.manifest import MANIFEST, with_digest
from robust_xtreme.gating._files import read_facts
from robust_xtreme.gating.baselines import save
from robust_xtreme.report.document import finished
from robust_xtreme.studies.folder import FACTS, pages, read
from robust_xtreme.studies.planning import plan_of
from robust_xtreme.studies.study_file import parsed
from robust_xtreme.tasks.sources.source import load

REPORTS: Final = Path(__file__).parents[3] / "reports"
OTHERS: Final[tuple[Any, ...]] = (None, True, 7, 1.5, "x", ["x"], [7], [[]], {"x": "y"}, {"x": 7})
"""A value of each type of JSON."""


def _one_line(ended: Ended, code: int = 2) -> bool:
    return (ended.code, ended.err.count("\n"), "bug" in ended.err) == (code, 1, False)


# ----------------------------------------------------------------------------------------------------- options, outputs


def _once() -> Iterator[tuple[str, str]]:
    """Every option with a value that a command takes once."""
    group: Any = typer.main.get_command(build())
    for name, command in group.commands.items():
        for option in command.params:
            if option.param_type_name == "option" and not (option.is_flag or option.multiple or option.count):
                yield name, option.opts[-1]


@pytest.mark.parametrize("step", some([1, 4], (4,)))
def test_an_option_that_is_given_twice_is_refused(step: int) -> None:
    """Of every command: the last would count, without a word about the first. Those that are repeatable are not."""
    every = [*_once()]
    assert len(every) > 100
    for name, option in every[::step]:
        ended = program(name, option, "1", option, "2")
        assert _one_line(ended), (name, option, ended.err)
        assert "2 times" in ended.err
    assert "is given" not in program("eval", "--perturb", "a:1", "--perturb", "b:1", "--data", "none").err


def test_a_switch_has_one_position() -> None:
    """On and off at once is refused; a flag that is given twice is on."""
    words = ("perturb", "none.csv", "-l", "sw", "--perturb", "char_noise:0.1", "-o", "out.csv")
    assert "--header" in program(*words, "--header", "--no-header").err
    assert "is given" not in program(*words, "-q", "--quiet", "--force", "--force").err


def test_a_report_writes_every_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each in its format; one file by two names is refused, and then none is written."""
    run, names = str(REPORTS / "mini"), ("a.md", "b.csv", "c.tex", "d.json")
    monkeypatch.chdir(tmp_path)
    Path("link.csv").symlink_to("a.md")
    refused = program("report", run, "-o", "a.md", "-o", "link.csv")
    assert _one_line(refused)
    assert "link.csv" in refused.err
    assert [path.name for path in tmp_path.iterdir()] == ["link.csv"]
    ended = program("report", run, *(word for name in names for word in ("-o", name)))
    assert (ended.code or 0, ended.out.split()) == (0, [str(tmp_path / name) for name in names])
    for name in names:
        program("report", run, "-o", f"alone-{name}")
        assert Path(name).read_bytes() == Path(f"alone-{name}").read_bytes()


OUTPUTS: Final = (
    *("report run -o {}.md", "gate run -o {}.json", "compare main run -o {}.csv", "export run --model-card -o {}.md"),
    *("export run --jsonl -o {}.jsonl", "config copy small_ci {}.toml", "study copy robustness {}.toml"),
    *("import rows.jsonl --tasks x -o {}", "export inspect -t xnli -l sw --perturb char_noise:0.1 -o {}"),
    *("eval --out {}", "baseline save run --name x --folder {}"),
    "perturb in.txt -l sw --perturb char_noise:0.3 -o {}.txt",
    "perturb in.txt -l sw --perturb char_noise:0.3 -o o --edit-counts {}.tsv",
)
"""Every command with an output."""


@pytest.mark.parametrize("command", some(OUTPUTS, 5))
def test_a_pipe_that_nothing_reads_is_not_waited_for(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line, and the pipe stays; so does a folder with the name of a file, which is not written into."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(output, "_PATIENCE", 0.0)
    save([finished_run(tmp_path / "run")], "main", tmp_path / ".robust-xtreme" / "baselines")
    Path("in.txt").write_text("Habari ya asubuhi\n")
    Path("rows.jsonl").write_text("{}\n")
    name = next(word for word in command.split() if "{}" in word)
    force = () if command.startswith(("eval", "study rob", "perturb")) else ("--force",)
    os.mkfifo(pipe := Path(name.format("pipe")))
    ended = program(*command.format("pipe").split(), *force)
    assert (ended.code in (2, 3), ended.err.count("\n"), "bug" in ended.err) == (True, 1, False), ended
    assert pipe.is_fifo()
    if "." in name:
        (folder := Path(name.format("folder"))).mkdir()
        assert _one_line(program(*command.format("folder").split(), *force)) or [*folder.iterdir()] != []


def test_a_pipe_that_is_read_later_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`perturb` waits some seconds for the reader."""
    os.mkfifo(pipe := tmp_path / "pipe")
    (tmp_path / "in.txt").write_text("Habari ya asubuhi\n")
    readers: list[int] = []
    monkeypatch.setattr(time, "sleep", lambda _: readers.append(os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)))
    words = ("-l", "sw", "--perturb", "char_noise:0.3", "-q", "-o")
    assert program("perturb", str(tmp_path / "in.txt"), *words, str(pipe)).code in (0, None)
    assert program("perturb", str(tmp_path / "in.txt"), *words, str(tmp_path / "out")).code in (0, None)
    assert os.read(readers[0], 1000) == (tmp_path / "out").read_bytes()
    os.close(readers[0])


# ---------------------------------------------------------------------------------------------------------------- words


@pytest.mark.parametrize(
    ("word", "line"),
    [
        ("ا" * 1001, "1,001 letters"),
        ("a-b " * 2 + "c" * 1200, "1,208 letters"),
        ("a text of nine words, which is not a word here " * 2, "not a word"),
        ("a text of nine words, which is not a word here " * 40, "not a word"),
    ],
)
def test_a_long_word_is_told_from_a_text(word: str, line: str, tmp_path: Path) -> None:
    """By its length; a text in the place of a word is none, however long."""
    (tmp_path / "panx").mkdir()
    (tmp_path / "panx" / "test-sw.tsv").write_text(f"Nyerere\tB-PER\n{word}\tO\n\nDar\tB-LOC\n", encoding="utf-8")
    with pytest.raises(DataError) as error:
        load(registry.load("task", "panx"), tmp_path, "sw", "test")
    assert line in str(error.value)
    assert "test-sw.tsv:2" in str(error.value)


# ---------------------------------------------------------------------------------------------------------------- files


def _edited(tree: Any, at: tuple[Any, ...], value: Any) -> Any:
    """The same with another value at a place."""
    if not at:
        return value
    copy = dict(tree) if isinstance(tree, dict) else list(tree)
    copy[at[0]] = _edited(tree[at[0]], at[1:], value)
    return copy


def _positions(tree: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place of a tree; of a list its first entry."""
    if at:
        yield at
    entries = tree.items() if isinstance(tree, dict) else enumerate(tree[:1]) if isinstance(tree, list) else ()
    for key, value in entries:
        yield from _positions(value, (*at, key))


def _refusal(do: Callable[[], object]) -> str:
    """The line with which something is refused; empty where it is not."""
    try:
        do()
    except UserError as error:
        return str(error)
    return ""


def _write(path: Path, facts: Any) -> None:
    path.write_bytes(store.json_bytes(with_digest(facts)))


GROUPS: Final = {"groups": {"xtreme-r": ["de"]}, "score": ["accuracy"]}


def test_every_field_of_a_manifest_may_have_another_type(tmp_path: Path) -> None:
    """The run is read, or refused in one line, and then so by every command that reads runs."""
    path = finished_run(tmp_path / "run") / MANIFEST
    facts = {**json.loads(path.read_text()), "notes": ["a"], "commands": ["b"], "packs": "c", "suite": "d"}
    facts["tasks"]["xnli"].update(GROUPS)
    cases = 0
    for at in _positions({key: value for key, value in facts.items() if key not in ("digest", "schema_version")}):
        for value in OTHERS:
            _write(path, _edited(facts, at, value))
            cases += 1
            line = _refusal(lambda: finished(tmp_path / "run"))
            assert "\n" not in line
            if not line:
                assert type(value) is type(_value(facts, at)) or at[0] in ("files", "spec", "complete", "version"), at
    assert cases > 300


def _value(tree: Any, at: tuple[Any, ...]) -> Any:
    for key in at:
        tree = tree[key]
    return tree


@pytest.mark.parametrize(
    ("at", "value"),
    [
        (("groups",), True),
        (("groups", "xtreme-r"), True),
        (("groups", "xtreme-r"), [1]),
        (("score",), "accuracy"),
        (("family",), ["a"]),
    ],
)
@pytest.mark.parametrize(
    "words",
    some(
        ["gate run", "baseline show", "baseline check", "compare main run"],
        1,
    ),
)
def test_a_baseline_with_another_type_is_one_line(
    words: str, at: tuple[str, ...], value: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where its digest is right."""
    monkeypatch.chdir(tmp_path)
    root = tmp_path / ".robust-xtreme" / "baselines"
    save([finished_run(tmp_path / "run")], "main", root)
    facts = read_facts(root / "main.json")
    facts["tasks"]["xnli"].update(GROUPS)
    _write(root / "main.json", facts)
    assert program(*words.split()).code in (0, None)
    _write(root / "main.json", _edited(facts, ("tasks", "xnli", *at), value))
    ended = program(*words.split())
    assert _one_line(ended)
    assert "of a baseline" in ended.err


def test_every_field_of_a_study_may_have_another_type(tmp_path: Path) -> None:
    """Its facts on disk are read, or refused in one line."""
    simulated(tmp_path)
    facts = json.loads((tmp_path / FACTS).read_text("utf-8"))
    for at in _positions(facts):
        for value in OTHERS:
            (tmp_path / FACTS).write_text(json.dumps(_edited(facts, at, value)))
            assert "\n" not in _refusal(lambda: pages(read(tmp_path)))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("steps = 2", 'steps = "many"'),
        ("steps = 2", "steps = inf"),
        ('perturb = ["keyboard_typo:0.2"]', "perturb = 1"),
        ('perturb = ["keyboard_typo:0.2"]', "perturb = [[]]"),
        ('languages = ["sw", "de"]', "languages = [1]"),
        ('languages = ["sw", "de"]', 'languages = "sw"'),
        ("[power]", '[attack]\nspec = "textfooler"\narm = "none"\ntargets = ["xnli"]\n[power]'),
    ],
)
def test_a_key_of_a_study_with_another_value_is_one_line(old: str, new: str, tmp_path: Path) -> None:
    """Before anything is planned."""
    file = file_of(tmp_path, (old, new))
    with pytest.raises(UserError) as error:
        plan_of(parsed(file, "s", {}), tmp_path / "work")
    assert "\n" not in str(error.value)
