"""Functions in place of a model: answers are scored as a model's, checked, and cached by version."""

from __future__ import annotations

import asyncio
import functools
import json
import re
import sqlite3
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, NoReturn

import numpy as np
import pandas as pd  # type: ignore[import-untyped]  # it has no types here
import polars as pl
import pytest
from tests.program import program

from robust_xtreme import api
from robust_xtreme.core import registry
from robust_xtreme.core.errors import ModelError, SpecError, UserError
from robust_xtreme.core.examples import Answers
from robust_xtreme.core.run_spec import from_toml
from robust_xtreme.files import store
from robust_xtreme.files.schema import MODELS
from robust_xtreme.report.document import render
from robust_xtreme.tasks.sources.source import load, open_source

pytestmark = pytest.mark.usefixtures("unpaged")

evaluate: Any = api.evaluate
PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "functions.md"
SMALL: dict[str, Any] = {"data": "mini", "languages": "sw", "limit": 30, "workers": 0}
NLI = ("entailment", "neutral", "contradiction")
LABELS = "nor 3 scores"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder, and an empty cache."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ROBUST_XTREME_CACHE", str(tmp_path / "cache"))
    return tmp_path


def trigrams(texts: list[str]) -> Any:
    """Counts of three letters (n, 256)."""
    grams = [[text[at : at + 3] for at in range(len(text))] for text in texts]
    return np.array([np.bincount([zlib.crc32(g.encode()) % 256 for g in each], minlength=256) for each in grams])


def golds(task: str, *fields: str) -> dict[Any, Any]:
    """The gold targets of clean inputs, by the texts of fields."""
    examples = load(registry.load("task", task), open_source("mini"), "sw", "test").examples
    return {tuple(example.texts[name].value for name in fields): example for example in examples}


def gold_functions() -> dict[str, tuple[str, Callable[..., Any]]]:
    """For a task of each family what answers it rightly where the text is clean, and else in a fixed way."""
    nli, tags = golds("xnli", "premise", "hypothesis"), golds("panx", "tokens")
    asked, chosen = golds("xquad", "question", "context"), golds("xcopa", "premise", "question", "choice1", "choice2")
    words = {tuple(example.texts["tokens"].pieces(words=True)): example for example in tags.values()}
    options = {(f"{key[0]} {key[1]}", key[2:]): example for key, example in chosen.items()}

    def classify(pairs: list[Any]) -> Any:
        right = [nli[pair].target.index if pair in nli else 0 for pair in pairs]
        return np.eye(3)[right]

    def tag(sentences: list[Any]) -> Any:
        known = (words.get(tuple(each)) for each in sentences)
        return [list(it.target.names) if it else ["O"] * len(each) for it, each in zip(known, sentences, strict=True)]

    def answer(question: str, context: str) -> Any:
        target = asked[question, context].target if (question, context) in asked else Answers(())
        return (target.spans[0].start, target.spans[0].stop) if target.spans else None

    def choose(items: list[Any]) -> Any:
        return [options[key].target.index if (key := (one, tuple(two))) in options else 0 for one, two in items]

    return {
        "xnli": ("classify", classify),
        "panx": ("tag", tag),
        "xquad": ("answer", answer),
        "xcopa": ("choose", choose),
    }


@pytest.mark.parametrize("task", ["xnli", "panx", "xquad", "xcopa"])
def test_right_answers_are_right(task: str) -> None:
    """A function that knows the gold answers of clean text has 100 points there, fewer on noise, and no tokens."""
    kind, function = gold_functions()[task]
    run = evaluate(**{kind: function}, tasks=task, perturb="char_noise:0.3", **SMALL)
    rows = run.scores.filter(scope="all")
    assert set(rows.filter(condition="clean").get_column("value")) == {100.0}
    assert rows.filter(rows["condition"] != "clean").get_column("value").max() < 100
    empty = ("tokens", "tokens_clean", "tokens_changed", "truncated", "unknown")
    assert all(run.predictions.get_column(name).null_count() == len(run.predictions) for name in empty)
    assert store.read_frame(run.folder / "models.csv", MODELS).select("params", "params_nonembedding").row(0) == (
        None,
        None,
    )
    assert run.manifest["models"][0]["source"] == "function"
    assert "without a tokenizer" in " ".join(run.manifest["notes"])
    assert "unknown" not in render(run.folder).partition("tokenizer makes")[2][:500]


WRONG: dict[str, tuple[str, str, Callable[[list[Any]], Any], str]] = {
    "count": ("encode", "tatoeba", lambda texts: trigrams(texts)[1:], "0 results for 1"),
    "none": ("encode", "tatoeba", lambda _: None, "gave None for"),
    "flat": ("encode", "tatoeba", lambda texts: [0.5 for _ in texts], "0.5 for .* not a vector"),
    "width": (
        "encode",
        "tatoeba",
        lambda texts: [[1.0] * len(text) for text in texts],
        "dimensions",
    ),
    "NaN": ("encode", "tatoeba", lambda texts: trigrams(texts) * np.nan, "gave NaN, infinity"),
    "scores": ("classify", "xnli", lambda pairs: [[0.1, 0.9] for _ in pairs], LABELS),
    "no score": (
        "classify",
        "xnli",
        lambda pairs: [{"neutral": 1.0} for _ in pairs],
        "no score of entailment",
    ),
    "zeros": ("encode", "tatoeba", lambda texts: trigrams(texts) * 0, "zeros alone"),
    "complex": ("encode", "tatoeba", lambda texts: trigrams(texts) * 1j, "not a vector of numbers"),
    "infinite": ("classify", "xnli", lambda pairs: [[0, np.inf, 1] for _ in pairs], "gave NaN, infinity"),
    "label": ("classify", "xnli", lambda pairs: ["netural"] * len(pairs), "'netural'"),
    "tag": ("tag", "panx", lambda rows: [["B-DATE"] * len(row) for row in rows], "'B-DATE'"),
    "tags": ("tag", "panx", lambda rows: [["O"] for _ in rows], "1 tags for"),
    "answer": ("answer", "xquad", lambda pairs: ["nowhere!"] * len(pairs), "'nowhere!'"),
    "span": ("answer", "xquad", lambda pairs: [(5, 5)] * len(pairs), r"\(5, 5\)"),
    "choice": ("choose", "xcopa", lambda items: [2] * len(items), "index 2 of 2"),
    "raised": ("choose", "xcopa", lambda _: 1 / 0, "ZeroDivisionError"),
    "exit": ("choose", "xcopa", lambda _: sys.exit(0), "SystemExit: 0"),
    "exit later": ("choose", "xcopa", lambda items: (sys.exit(0) for _ in items), "SystemExit: 0"),
    "cancelled": ("choose", "xcopa", lambda _: leave(asyncio.CancelledError()), "CancelledError"),
    "lazy tags": (
        "tag",
        "panx",
        lambda rows: [(leave(KeyError("B-X")) for _ in row) for row in rows],
        "KeyError: 'B-X'",
    ),
    "set": ("choose", "xcopa", lambda items: {*range(len(items))}, "not a list"),
    "keys": ("choose", "xcopa", lambda items: dict.fromkeys(range(len(items))).keys(), "not a list"),
    "bytes": ("choose", "xcopa", lambda items: bytes(len(items)), "not a list"),
    "frame": ("choose", "xcopa", lambda items: pd.DataFrame(np.eye(len(items))), "not a list"),
    "frame of polars": ("choose", "xcopa", lambda items: pl.DataFrame(np.eye(len(items))), "not a list"),
    "masked": ("classify", "xnli", lambda pairs: np.ma.masked_less(np.ones((len(pairs), 3)), 0), "not a list"),
    "masked scores": ("classify", "xnli", lambda pairs: [np.ma.masked_equal([1, 2, 3], 3) for _ in pairs], LABELS),
    "masked choices": ("choose", "xcopa", lambda items: [np.ma.masked_equal([1, 2], 2) for _ in items], "nor 2 scores"),
    "masked span": ("answer", "xquad", lambda items: [np.ma.masked_equal([0, 2], 2) for _ in items], "not a part"),
    "masked vector": ("encode", "tatoeba", lambda texts: [np.ma.ones(3) for _ in texts], "not a vector of numbers"),
    "set of tags": ("tag", "panx", lambda rows: [{"O"} for _ in rows], "not a list of tags"),
    "set of scores": ("choose", "xcopa", lambda items: [{0.1, 0.2} for _ in items], "nor 2 scores"),
    "row of pandas": ("classify", "xnli", lambda pairs: [pd.Series({"yes": 1.0}) for _ in pairs], "'yes'"),
}


def leave(error: BaseException) -> NoReturn:
    """Raise an error within an expression."""
    raise error


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_result_is_one_line(name: str) -> None:
    """Nothing is scored that is not as many finite results of the right shape, labels of the task, parts of a text."""
    kind, task, function, line = WRONG[name]
    with pytest.raises(ModelError, match=line) as error:
        evaluate(**{kind: function}, tasks=task, **SMALL)
    assert "\n" not in str(error.value)


class Counting:
    """A function that counts the texts that it is asked for."""

    def __init__(self, version: str = "") -> None:
        self.asked: list[list[str]] = []
        self.batch_size = 8
        if version:
            self.name, self.version = "trigrams", version

    def __call__(self, texts: list[str]) -> Any:
        """Their vectors."""
        self.asked.append(texts)
        return trigrams(texts)


def test_an_interruption_stays_one() -> None:
    """Where the user ends the program while a function answers, this is no error of the function."""
    with pytest.raises(KeyboardInterrupt):
        evaluate(choose=lambda _: leave(KeyboardInterrupt()), tasks="xcopa", **SMALL)


def test_a_program_that_a_function_ends_has_failed(monkeypatch: pytest.MonkeyPatch, here: Path) -> None:
    """The exit code is 2, whether the function or its module calls `sys.exit(0)`, and no run is finished."""
    monkeypatch.setattr(sys, "path", sys.path[:])
    for name, text in (
        ("ends_later", "import sys\ndef f(rows): sys.exit(0)\n"),
        ("ends_now", "import sys\nsys.exit(0)\n"),
    ):
        Path(f"{name}.py").write_text(text)
        ended = program(
            "eval", "--model", f"xcopa=python:{name}:f", "--data", "mini", "--tasks", "xcopa", "--out", name
        )
        assert ended.code == 2, ended.out
        assert "SystemExit" in ended.err
        assert not (here / name / "scores.csv").exists()


SCORED: dict[str, tuple[str, str, Any, str]] = {
    "small": ("choose", "xcopa", [1e-6, 2e-6], "1"),
    "small of classes": ("classify", "xnli", [1e-9, 1e-9, 3e-9], "2"),
    "small by label": ("classify", "xnli", {"neutral": 2e-7, "entailment": 1e-7, "contradiction": 1.5e-7}, "1"),
    "close": ("classify", "xnli", [0.5, 0.50001, 0.0], "1"),
    "a tie": ("classify", "xnli", [1e-8, 0.0, 1e-8], "0"),
    "a row of pandas": ("classify", "xnli", pd.Series({"contradiction": 3e-9, "neutral": 1e-9, "entailment": 0}), "2"),
    "a row without labels": ("choose", "xcopa", pd.Series([1e-9, 2e-9]), "1"),
}


@pytest.mark.parametrize("name", SCORED)
def test_scores_are_compared_as_they_are(name: str, here: Path) -> None:
    """The greatest number wins however small the differences are; of equal ones the first does."""
    kind, task, scores, answer = SCORED[name]
    run = evaluate(**{kind: lambda items: [scores for _ in items]}, tasks=task, **{**SMALL, "limit": 4})
    assert {*run.predictions["prediction"]} == {answer}


def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a function without `functools.wraps`, so that its signature tells nothing."""

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


TAKES: dict[str, Callable[..., Any]] = {
    "two": lambda _, choices: int(len(choices) != 2),
    "decorated": decorate(lambda rows: [0 for _ in rows]),
    "wrapped with two": functools.wraps(lambda _, __: 0)(decorate(lambda _, __: 0)),
    "more": lambda rows, *_, **__: [0 for _ in rows],
    "two and an option": lambda _, choices, __=1, *___: int(len(choices) != 2),
}


@pytest.mark.parametrize("name", TAKES)
def test_a_function_gets_as_many_arguments_as_it_takes(name: str, here: Path) -> None:
    """A decorator's `*args` and `**kwargs` are not two arguments; where two are named they get an item's parts."""
    run = evaluate(choose=TAKES[name], tasks="xcopa", **{**SMALL, "limit": 4})
    assert {*run.predictions["prediction"]} == {"0"}


def test_only_a_version_is_cached(here: Path) -> None:
    """With name and version a second run asks nothing but the width; another version, or none, is asked again."""
    asks: list[int] = []
    for number, version in enumerate(("1", "1", "2", "", "")):
        function = Counting(version)
        run = evaluate(encode=function, tasks="tatoeba", out=here / str(number), **SMALL)
        asks.append(sum(map(len, function.asked)))
        assert max(map(len, function.asked)) <= 8
        assert len(run.scores.get_column("value").unique()) > 0
        assert any("not kept in the cache" in note for note in run.manifest["notes"]) == (not version)
        asks.append(_kept(here))
    assert asks[2] <= 2 < 50 < asks[0] == asks[4] == asks[6] == asks[8]
    assert asks[1] == asks[3] > 0
    assert asks[1] < asks[5] == asks[7] == asks[9]


def _kept(here: Path) -> int:
    """How many vectors are in the cache."""
    (path,) = (here / "cache").rglob("*.sqlite3")
    with closing(sqlite3.connect(path)) as db:
        return int(db.execute("SELECT count(*) FROM entries WHERE kind = 'embeddings'").fetchone()[0])


def test_a_closure_without_a_version_is_not_taken_for_another() -> None:
    """Two functions of equal code have runs of their own, though neither names a folder."""

    def made(width: int) -> Any:
        return lambda texts: trigrams(texts)[:, :width]

    runs = [evaluate(encode=made(width), tasks="tatoeba", **SMALL) for width in (256, 2)]
    assert len({run.scores["value"][0] for run in runs}) == len({run.folder for run in runs}) == 2


def test_prompts_are_before_texts_and_name_the_cells(here: Path) -> None:
    """Queries and documents have theirs, as those of encoders do."""
    prompts = {"query": "query: ", "document": "passage: "}
    function = Counting("1")
    run = evaluate(encode=function, prompts=prompts, tasks="lareqa", out=here / "a", **SMALL)
    asked = {text.partition(": ")[0] for batch in function.asked[1:] for text in batch}
    assert {"query", "passage"} <= asked
    assert 'query_prompt="query: " document_prompt="passage: "' in run.scores.get_column("inference")[0]


def test_a_function_has_the_dimensions_that_are_kept(here: Path) -> None:
    """Vectors of a function are cut as those of encoders; more than there are is refused."""
    run = evaluate(encode=trigrams, tasks="tatoeba", dims="64,16", out=here / "a", **SMALL)
    cells = run.scores.filter(scope="all").get_column("inference").unique()
    assert sum("dims=64" in cell for cell in cells) == sum("dims=16" in cell for cell in cells) == 1
    with pytest.raises(ModelError, match="99999"):
        evaluate(encode=trigrams, tasks="tatoeba", dims="99999", out=here / "b", **SMALL)


def test_scores_are_margins_of_attacks(here: Path) -> None:
    """An attack searches by scores where there are any; where there are labels alone it finds no more than those."""

    def scores(pairs: list[Any]) -> Any:
        """The more letters `a`, the less it is entailed."""
        of = np.array([sum(text.count("a") for text in pair) / 9 for pair in pairs])
        return np.stack([1 - of, np.full(len(of), 0.2), of], axis=1)

    def labels(pairs: list[Any]) -> Any:
        return [NLI[at] for at in scores(pairs).argmax(axis=1)]

    attack: dict[str, Any] = {"tasks": "xnli", "perturb": "attack_letters:0.5@queries=40", **SMALL}
    by_scores, by_labels = (evaluate(classify=f, out=here / f.__name__, **attack) for f in (scores, labels))
    clean = [run.scores.filter(condition="clean").get_column("value").to_list() for run in (by_scores, by_labels)]
    assert clean[0] == clean[1]
    success = [run.predictions.get_column("success").sum() for run in (by_scores, by_labels)]
    assert success[0] >= success[1]
    assert not by_scores.predictions.equals(by_labels.predictions)


def test_a_strength_in_tokens_is_not_drawn() -> None:
    """The condition is left out with a line; other noise is evaluated."""
    noise = ["char_noise@realised=tokens:0.1", "char_noise:0.1"]
    run = evaluate(encode=trigrams, tasks="tatoeba", perturb=noise, **SMALL)
    (left,) = [cell["detail"] for cell in run.manifest["not_run"]]
    assert "share of tokens" in left
    assert run.deltas.height > 0


MODULE = """
from pathlib import Path
import numpy as np
Path("imported").touch()
def encode(texts):
    return [np.bincount([ord(letter) % 64 for letter in text], minlength=64) for text in texts]
"""


def test_a_module_is_imported_only_where_it_is_named(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command line names it; neither a file alone, nor a report, nor --help imports it."""
    monkeypatch.setattr(sys, "path", sys.path[:])
    (here / "my_encoder.py").write_text(MODULE)
    named = ["--model", "tatoeba=python:my_encoder:encode"]
    ran = program("eval", *named, "--data", "mini", "--tasks", "tatoeba", "--languages", "sw", "--out", "run")
    assert ran.code == 0, ran.err
    assert (here / "imported").exists()
    (here / "imported").unlink()
    refused = program("eval", "--config", "run/run.toml")
    assert refused.code == 2
    assert f"{' '.join(named)}" in refused.err
    assert program("report", "run").code == 0
    with pytest.raises(SpecError, match="does not permit"):
        from_toml(Path("run/run.toml"))
    assert not (here / "imported").exists()
    again = program("eval", "--config", "run/run.toml", *named)
    assert again.code == 0, again.err
    (here / "my_encoder.py").write_text(MODULE + "# changed\n")
    assert "may have changed" in program("eval", "--config", "run/run.toml", *named).err


@pytest.mark.parametrize(
    ("model", "line"),
    [
        ("tatoeba=python:no_such_module:f", "'no_such_module'"),
        ("tatoeba=python:json:dump_all", "'dump_all'"),
        ("tatoeba=python:json:__name__", "not 'json'"),
        ("python:json:dumps", "not known"),
        ("encode=function:f@1", "in memory"),
        ("classify=python:json:dumps", "tatoeba is retrieval"),
    ],
)
def test_a_name_that_is_no_function_is_one_line(model: str, line: str) -> None:
    """It says what is wrong with the name."""
    with pytest.raises(UserError, match=line) as error:
        evaluate(model=model, tasks="tatoeba", **SMALL)
    assert "\n" not in str(error.value)


class Endpoint(BaseHTTPRequestHandler):
    """Gives vectors of texts; every second request fails while `fails`."""

    requests, fails = 0, True

    def do_POST(self) -> None:
        """Answer one request."""
        texts = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        Endpoint.requests += 1
        self.send_response(503 if Endpoint.fails and Endpoint.requests % 2 else 200)
        self.end_headers()
        self.wfile.write(json.dumps(trigrams(texts).tolist()).encode())

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    """The address of a server on this machine."""
    with HTTPServer(("127.0.0.1", 0), Endpoint) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_the_page_runs_and_its_endpoint_is_asked_again(url: str, here: Path) -> None:
    """The examples of the manual run; a request that fails is repeated by the function, and answers are the same."""
    names: dict[str, Any] = {}
    for cell in re.findall(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE):
        exec(cell, names)  # the page's code
    assert names["run"].scores.height > 0
    few: dict[str, Any] = {"tasks": "tatoeba", "perturb": "char_noise:0.1", **SMALL}
    asked = evaluate(encode=names["endpoint"](url), out=here / "asked", **few)
    direct = evaluate(encode=trigrams, out=here / "direct", **few)
    assert Endpoint.requests > 2
    assert asked.predictions.drop("model").equals(direct.predictions.drop("model"))


def test_a_stopped_run_continues_by_task_runs() -> None:
    """What was answered before a failure is not asked again."""
    english = {tuple(words) for words in _sentences("en")}
    broken, asked = [True], list[tuple[str, ...]]()

    def tag(sentences: list[list[str]]) -> Any:
        if broken[0] and tuple(sentences[0]) not in english:
            raise ConnectionError("gone")
        asked.extend(map(tuple, sentences))
        return [["O"] * len(each) for each in sentences]

    tag.name, tag.version = "outside", "1"  # type: ignore[attr-defined]  # of a function
    two: dict[str, Any] = {**SMALL, "tasks": "panx", "languages": "en,sw"}
    with pytest.raises(ModelError, match="ConnectionError"):
        evaluate(tag=tag, **two)
    assert {*asked} <= english
    broken[0] = False
    asked.clear()
    run = evaluate(tag=tag, **two)
    assert run.scores.get_column("language").n_unique() == 2
    assert english.isdisjoint(asked)


def _sentences(language: str) -> list[list[str]]:
    examples = load(registry.load("task", "panx"), open_source("mini"), language, "test").examples
    return [example.texts["tokens"].pieces(words=True) for example in examples]
