"""Functions without a version can change between two calls: no number of the earlier function is given again."""

from __future__ import annotations

import importlib
import json
import os
import random
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.program import program

from robust_xtreme import api
from robust_xtreme.core.errors import Mismatch
from robust_xtreme.files import store
from robust_xtreme.files.schema import SCORES
from robust_xtreme.report.document import results_of
from robust_xtreme.report.outputs import written
from robust_xtreme.run.run import Observer

pytestmark = pytest.mark.usefixtures("unpaged")

evaluate: Any = api.evaluate

HELPER = 'WORD = "good"\nclass Model:\n    def __init__(self): self.own = "good"\nmodel = Model()\n'
MODULE = """
import os
from pathlib import Path
import rxt_helper
from rxt_helper import model

HERE = Path(__file__).parent
WORD, AT_IMPORT = "good", (HERE / "imported.txt").read_text()

def outer(word):
    def inner(): return word
    return inner

closure = outer("good")

def words():
    yield from (WORD, AT_IMPORT, closure(), os.environ["RXT_WORD"], rxt_helper.WORD, model.own)
    for name in ("same.txt", "link.txt"):
        yield (HERE / name).read_text()

def classify(texts):
    word = "good" if set(words()) == {"good"} else "bad"
    return ["pos" if word in text else "neg" for text in texts]
"""


def write_model(folder: Path) -> None:
    """Write the modules and files that a function is made of, and its data."""
    (folder / "rxt_module.py").write_text(MODULE)
    (folder / "rxt_helper.py").write_text(HELPER)
    for name in ("same.txt", "imported.txt", "first.txt"):
        (folder / name).write_text("good")
    (folder / "second.txt").symlink_to("third.txt")
    (folder / "third.txt").write_text("bad")
    (folder / "link.txt").symlink_to("first.txt")


def write_unseen(path: Path) -> None:
    """Write other weights of the same size and with the same times."""
    facts = path.stat()
    path.write_text("evil")
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))


def change_closure(function: Any) -> None:
    """Change what a closure contains."""
    function.__closure__[0].cell_contents = "bad"


WAYS: dict[str, Callable[[Path, Any, pytest.MonkeyPatch], object]] = {
    "weights of the same size and time": lambda here, _, __: write_unseen(here / "same.txt"),
    "weights that are read at import": lambda here, _, __: (here / "imported.txt").write_text("bad"),
    "a link": lambda here, _, __: (here / "second.txt").replace(here / "link.txt"),
    "a helper": lambda here, _, __: (here / "rxt_helper.py").write_text(HELPER.replace("good", "bad", 1)),
    "its own source": lambda here, _, __: (here / "rxt_module.py").write_text(MODULE.replace('"good"', '"bad"', 1)),
    "the environment": lambda _, __, patch: patch.setenv("RXT_WORD", "bad"),
    "a global": lambda _, module, __: setattr(module, "WORD", "bad"),
    "a closure": lambda _, module, __: change_closure(module.closure),
    "an attribute of an object": lambda _, module, __: setattr(module.model, "own", "bad"),
}
IMPORTED_AGAIN = ("weights that are read at import", "a helper", "its own source")


def forget_modules() -> None:
    """Forget the modules of the function, so that they are imported again."""
    for name in [name for name in sys.modules if name.startswith("rxt_")]:
        del sys.modules[name]
    importlib.invalidate_caches()


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A working folder, an empty cache, and none of the function's modules."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setenv("ROBUST_XTREME_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("RXT_WORD", "good")
    forget_modules()
    yield tmp_path
    forget_modules()


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model and its finished run, all of whose answers are right."""
    folder = tmp_path_factory.mktemp("finished")
    write_model(folder)
    rows = (f"film {number} was {('bad', 'good')[number % 2]},{('neg', 'pos')[number % 2]}\n" for number in range(12))
    (folder / "films.csv").write_text("text,label\n" + "".join(rows))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(sys, "path", [*sys.path])
        patch.setattr(sys, "dont_write_bytecode", True)
        patch.setenv("RXT_WORD", "good")
        assert evaluate_films(folder) == (100.0, "")
    forget_modules()
    return folder


def evaluate_films(data: Path) -> tuple[float, str]:
    """Evaluate the function; return its level, and what is said of the earlier run."""
    words = ("--data", f"{data}/films.csv", "--fields", "text", "--gold", "label", "--languages", "en")
    ended = program("eval", "--model", "films=python:rxt_module:classify", *words, "-q", "--out", "run")
    assert ended.code == 0, ended.err
    level = store.read_frame(Path("run/scores.csv"), SCORES).filter(metric="accuracy", scope="all", condition="clean")
    said = [line for line in ended.err.splitlines() if "computed again" in line and "may have changed" in line]
    return level.filter(~level["model"].str.contains(":"))["value"][0], "".join(said)


@pytest.mark.parametrize("way", WAYS)
def test_no_change_gives_the_old_number(way: str, finished: Path, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a function is made of changes, the same command gives its new level, and says why it computes again."""
    shutil.copytree(finished, here, symlinks=True, dirs_exist_ok=True)
    monkeypatch.syspath_prepend(here)
    module = importlib.import_module("rxt_module")
    WAYS[way](here, module, monkeypatch)
    if way in IMPORTED_AGAIN:
        forget_modules()
    level, said = evaluate_films(finished)
    assert level == 0.0
    assert "rxt_module.classify has no version" in said


TWO: dict[str, Any] = {"data": "mini", "languages": "en,sw", "limit": 20, "workers": 0, "out": "run"}


class Answering:
    """A function in memory that answers each item by itself; `asked` counts the items."""

    def __init__(self, answer: Callable[[Any], Any]) -> None:
        self.answer, self.asked = answer, 0

    def __call__(self, items: list[Any]) -> Any:
        """The answers."""
        self.asked += len(items)
        return [self.answer(item) for item in items]


def stop_after_one_language(task: str, **values: Any) -> None:
    """Begin a run, and interrupt it when its first task run is written."""

    def interrupt(line: str) -> None:
        if re.match(rf"{task} (en|sw): \d+ predictions", line):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate(tasks=task, observer=Observer(say=interrupt), **values)


FIRST: dict[str, tuple[str, Callable[[Any], Any], Callable[[Any], Any], str]] = {
    "choose": ("xcopa", lambda _: 0, lambda _: 1, "0"),
    "classify": ("xnli", lambda _: "neutral", lambda _: [0.2, 0.1, 0.4], "1"),
    "tag": ("panx", lambda words: ["O"] * len(words), lambda words: ["B-PER"] * len(words), json.dumps(["O"] * 9)),
    "answer": ("xquad", lambda _: (0, 3), lambda _: (0, 4), "[[0, 3]]"),
}
"""By what a function does: its task, an answer, another one, and the first in PREDICTIONS."""


@pytest.mark.parametrize("kind", FIRST)
def test_parts_of_a_stopped_run_are_kept_where_answers_are_the_same(kind: str) -> None:
    """Another function of the same answers continues a run, and the manifest and the page say what was checked."""
    task, answer, *_ = FIRST[kind]
    stop_after_one_language(task, **{kind: Answering(answer)}, **TWO)
    (part,) = Path("run/parts").glob("*-predictions-*")
    before, function = part.stat().st_mtime_ns, Answering(answer)
    run = evaluate(**{kind: function}, tasks=task, **TWO)
    (note,) = [note for note in run.manifest["notes"] if "same answers" in note]
    assert "1 task run" in note
    (asked,) = re.findall(rf"(\d+) inputs of {task} (?:en|sw)", note)
    assert function.asked in range(2 * int(asked) + 16, 2 * int(asked) + 21)
    assert all(note in written(results_of(Path("run")), suffix).decode() for suffix in (".md", ".html"))
    assert part.stat().st_mtime_ns == before
    assert run.scores["language"].n_unique() == 2
    assert run.predictions["model"].n_unique() == 1


@pytest.mark.parametrize("kind", FIRST)
def test_no_part_of_a_stopped_run_is_kept_where_an_answer_is_another(kind: str) -> None:
    """All of a run is computed again by a function that gives other answers, which is said."""
    task, answer, other, former = FIRST[kind]
    stop_after_one_language(task, **{kind: Answering(answer)}, **TWO)
    said: list[str] = []
    run = evaluate(**{kind: Answering(other)}, tasks=task, observer=Observer(say=said.append), **TWO)
    assert any("gives other answers now" in line and "computed again" in line for line in said)
    assert not any("same answers" in note for note in run.manifest["notes"])
    assert run.predictions["model"].n_unique() == 1
    assert former not in {json.dumps(json.loads(text)) for text in run.predictions["prediction"]}


def test_every_other_item_that_changed_is_found(tmp_path: Path) -> None:
    """The inputs that are asked again are drawn: of 199, a hundred at equal distances would be every other one."""
    (tmp_path / "data" / "films").mkdir(parents=True)
    suite = 'name = "films"\nversion = "1"\nsummary = "Films."\nlanguages = ["en", "sw"]\n'
    suite += '[films]\ntarget = "choice"\nlabels = ["neg", "pos"]\ntexts = ["text"]\nsplits = ["test"]\n'
    (tmp_path / "data" / "suite.toml").write_text(suite)
    for language in ("en", "sw"):
        rows = [{"id": str(at), "text": f"film {at}", "label": ("neg", "pos")[at % 2]} for at in range(199)]
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (tmp_path / "data" / "films" / f"test-{language}.jsonl").write_text(lines)
    values: dict[str, Any] = {**TWO, "data": str(tmp_path / "data"), "limit": ""}
    stop_after_one_language(
        "films", **values, classify=Answering(lambda text: ("neg", "pos")[int(text.split()[1]) % 2])
    )
    run = evaluate(**values, tasks="films", classify=Answering(lambda _: "neg"))
    levels = run.scores.filter(~pl.col("model").str.contains("/"), metric="accuracy", scope="all")["value"].to_list()
    assert len(levels) >= 2
    assert max(levels) < 51


def test_a_function_that_answers_in_two_ways_is_not_continued() -> None:
    """It is told in one line, where it answers the same inputs otherwise when it is asked twice."""
    draws = random.Random(3)
    values: dict[str, Any] = {**TWO, "choose": Answering(lambda _: draws.randrange(2))}
    stop_after_one_language("xcopa", **values)
    with pytest.raises(Mismatch, match="in two ways") as error:
        evaluate(**values, tasks="xcopa")
    assert "\n" not in str(error.value)
    assert "--force" in str(error.value)
    assert evaluate(**values, tasks="xcopa", force=True).scores["language"].n_unique() == 2


def test_vectors_of_a_stopped_run_are_computed_again() -> None:
    """No vectors are stored that could be compared, so that no part of a search is kept."""
    said: list[str] = []

    def embed(texts: list[str]) -> Any:
        return [[1.0, len(text), text.count("a")] for text in texts]

    def interrupt(line: str) -> None:
        if line.startswith("tatoeba sw: "):
            raise KeyboardInterrupt

    values: dict[str, Any] = {**TWO, "languages": "sw", "tasks": "tatoeba", "encode": embed}
    with pytest.raises(KeyboardInterrupt):
        evaluate(**values, observer=Observer(say=interrupt))
    evaluate(**values, observer=Observer(say=said.append))
    assert any("computed again" in line for line in said)
    assert any("1 of 1 task runs to compute" in line for line in said)


def test_parts_of_models_beside_a_function_are_kept() -> None:
    """Of a finished run with an encoder too, the function's answers alone are computed again."""
    Path("rxt_module.py").write_text("def choose(rows): return [0 for _ in rows]\n")
    values = {**TWO, "languages": "sw", "tasks": "xcopa,panx", "model": ["xcopa=python:rxt_module:choose", "mini"]}
    evaluate(**values)
    parts = {path.name: path.stat().st_mtime_ns for path in Path("run/parts").iterdir()}
    Path("rxt_module.py").write_text("def choose(rows): return [1 for _ in rows]\n")
    forget_modules()
    said: list[str] = []
    run = evaluate(**values, observer=Observer(say=said.append))
    again = {path.name for path in Path("run/parts").iterdir() if path.stat().st_mtime_ns != parts.get(path.name)}
    assert {name.partition("-")[0] for name in again} == {"xcopa"}
    assert any("1 of 2 task runs to compute" in line for line in said)
    assert {*run.predictions.filter(task="xcopa")["prediction"]} == {"1"}


def test_reading_a_finished_run_asks_no_function() -> None:
    """A report, a comparison and a gate read the files of a run; the function is neither imported nor asked."""
    values = {**TWO, "languages": "sw", "tasks": "xcopa", "perturb": "char_noise:0.3"}
    function = Answering(lambda _: 0)
    for name in ("before", "after"):
        evaluate(choose=function, **{**values, "out": name})
    asked = function.asked
    assert program("report", "before").code == 0
    assert api.load("before").scores.height > 0
    compared = program("compare", "before", "after")
    assert compared.code == 0, compared.err
    assert function.asked == asked


@pytest.mark.parametrize("version", ["", 'choose.name, choose.version = "chooser", "1"'])
def test_the_gate_does_not_take_one_function_for_another(version: str) -> None:
    """Where no item differs, weights of a name and version are the same; those of another function are not known."""
    Path("rxt_module.py").write_text(f"def choose(rows): return [0 for _ in rows]\n{version}\n")
    values = {**TWO, "languages": "sw", "limit": 60, "tasks": "xcopa", "model": "xcopa=python:rxt_module:choose"}
    before, after = (evaluate(**{**values, "out": name}) for name in ("before", "after"))
    reasons = " ".join(api.gate(after, before).verdicts["why"])
    assert ("same weights" in reasons) == bool(version)


def test_a_plan_counts_what_a_function_is_asked_again() -> None:
    """A finished run of a function is not said to be complete, as the same command asks the function again."""
    Path("rxt_module.py").write_text("def choose(rows): return [0 for _ in rows]\n")
    words = (
        "--data",
        "mini",
        "--tasks",
        "xcopa",
        "--languages",
        "sw",
        "--limit",
        "20",
        "--out",
        "run",
    )
    for dry in ([], ["--dry-run"]):
        ended = program("eval", "--model", "xcopa=python:rxt_module:choose", *words, *dry)
        assert ended.code == 0, ended.err
    assert "20 predictions" in ended.out
    assert "nothing to compute" not in ended.out
