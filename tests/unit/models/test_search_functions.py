"""Functions that rank: they get queries and a corpus; their rankings are checked, scored, cached and kept."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd  # type: ignore[import-untyped]  # it has no types here
import pytest
from tests.program import program

from robust_xtreme import api
from robust_xtreme.core.errors import ModelError, SpecError

pytestmark = pytest.mark.usefixtures("unpaged")

evaluate: Any = api.evaluate
SMALL: dict[str, Any] = {"data": "mini", "languages": "sw", "limit": 12, "workers": 0, "tasks": "tatoeba"}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder, and an empty cache."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ROBUST_XTREME_CACHE", str(tmp_path / "cache"))
    return tmp_path


def rank(queries: list[str], corpus: dict[str, str]) -> list[list[str]]:
    """The candidates by the pairs of letters that they share with a query."""
    pairs = {id: {text[at : at + 2] for at in range(len(text))} for id, text in corpus.items()}
    asked = [{query[at : at + 2] for at in range(len(query))} for query in queries]
    return [sorted(pairs, key=lambda id: -len(pairs[id] & each) / len(pairs[id] | each)) for each in asked]


class Searching:
    """A function that notes how many queries and candidates it gets in each call."""

    def __init__(self, version: str = "") -> None:
        self.calls: list[tuple[int, int]] = []
        if version:
            self.name, self.version = "pairs", version

    def __call__(self, queries: list[str], corpus: dict[str, str]) -> list[list[str]]:
        """Their rankings, with which the corpus is emptied."""
        self.calls.append((len(queries), len(corpus)))
        ranked = rank(queries, corpus)
        corpus.clear()
        return ranked


def test_one_call_for_a_corpus_answers_all_conditions() -> None:
    """Queries of all conditions with the same candidates are asked together; other candidates are another corpus."""
    noise = ["char_noise:0.1,0.3@fields=query", "char_noise:0.3"]
    search = Searching()
    run = evaluate(search=search, perturb=noise, **SMALL)
    assert [count for count, _ in search.calls] == [36, 12]
    assert len({size for _, size in search.calls}) == 1
    values = run.scores.filter(scope="all", metric="retrieval_accuracy")
    assert set(values["inference"]) == {"function search"}
    assert values.height == 4
    assert values.filter(condition="clean")["value"][0] > values["chance"].max()
    longest = max(prediction.count('", "') + 1 for prediction in run.predictions["prediction"])
    assert longest == 20


def test_equal_rankings_have_equal_scores_whatever_ranks() -> None:
    """A function of vectors, and one that ranks by the same cosines, have the same scores and rankings."""

    def encode(texts: list[str]) -> Any:
        counted = np.array([[text.count(letter) for letter in "abcdefghijklmnopqrstuvwxyz"] for text in texts])
        return counted / np.linalg.norm(counted, axis=1, keepdims=True)

    def search(queries: list[str], corpus: dict[str, str]) -> Any:
        scores = np.round(encode(queries) @ encode(list(corpus.values())).T, 6)
        return np.array(list(corpus))[np.argsort(-scores, axis=1, kind="stable")]

    runs = [
        evaluate(**{does: function}, perturb="char_noise:0.2", out=does, **SMALL)
        for does, function in (("encode", encode), ("search", search))
    ]
    values = [run.scores.filter(scope="all").sort("metric", "condition")["value"].to_list() for run in runs]
    assert values[0] == pytest.approx(values[1], abs=1.0)  # equal texts may be in another order
    assert len(values[0]) == 4


def leave(error: BaseException) -> Any:
    """Raise an error within an expression."""
    raise error


WRONG: dict[str, tuple[Callable[[list[str], dict[str, str]], Any], str]] = {
    "count": (lambda queries, corpus: rank(queries, corpus)[1:], "11 results"),
    "none": (lambda _, __: None, "gave None"),
    "no ranking": (lambda queries, _: [None for _ in queries], "None .* not a list of ids"),
    "a set": (lambda queries, corpus: [{*corpus} for _ in queries], "not a list of ids"),
    "scores by id": (lambda queries, corpus: [dict.fromkeys(corpus, 0.5) for _ in queries], "not a list of ids"),
    "a text": (lambda queries, corpus: [next(iter(corpus)) for _ in queries], "not a list of ids"),
    "a table": (lambda queries, corpus: [pd.DataFrame({"id": list(corpus)}) for _ in queries], "not a list of ids"),
    "unknown": (lambda queries, _: [["nowhere"] for _ in queries], "'nowhere' .* not the id"),
    "a position": (lambda queries, _: [[0] for _ in queries], "0 .* not the id"),
    "with its score": (lambda queries, corpus: [[(id, 1.0) for id in corpus] for _ in queries], "not the id"),
    "twice": (lambda queries, corpus: [[*corpus, next(iter(corpus))] for _ in queries], "twice"),
    "raised": (lambda _, __: 1 / 0, "ZeroDivisionError"),
    "exit later": (lambda queries, _: ((leave(SystemExit(0)) for _ in "a") for _ in queries), "SystemExit: 0"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_ranking_is_one_line(name: str) -> None:
    """Nothing is scored that is not a list of distinct ids of candidates for each query."""
    function, line = WRONG[name]
    with pytest.raises(ModelError, match=line) as error:
        evaluate(search=function, **SMALL)
    assert "\n" not in str(error.value)


def test_a_short_ranking_found_nothing_else() -> None:
    """A function may find fewer candidates than are scored, or none; what it does not name is not found."""
    run = evaluate(search=lambda queries, corpus: [[*corpus][:2]] + [[] for _ in queries[1:]], **SMALL)
    assert sorted({prediction.count("candidate") for prediction in run.predictions["prediction"]}) == [0, 2]
    assert run.scores.filter(scope="all", metric="retrieval_accuracy")["value"][0] <= 100 / 12 + 1e-9


def test_a_batch_size_of_its_own_is_kept_to() -> None:
    """With a batch size the function gets the queries in parts, and the same corpus with each."""

    def search(queries: list[str], corpus: dict[str, str]) -> Any:
        seen.append((len(queries), id(corpus)))
        return rank(queries, corpus)

    seen: list[tuple[int, int]] = []
    search.batch_size = 5  # type: ignore[attr-defined]  # an attribute of a function
    evaluate(search=search, **SMALL)
    assert [count for count, _ in seen] == [5, 5, 2]
    assert len({corpus for _, corpus in seen}) == 1


def test_only_a_version_is_cached_and_a_corpus_is_part_of_the_key(here: Path) -> None:
    """With name and version a run elsewhere asks nothing; for new candidates, or without a version, it asks again."""
    asked = []
    for number, (version, noise) in enumerate([("1", ()), ("1", ()), ("1", "char_noise:0.3"), ("2", ()), ("", ())]):
        search = Searching(version)
        run = evaluate(search=search, perturb=noise, out=here / str(number), **SMALL)
        asked.append([count for count, _ in search.calls])
        assert any("not kept in the cache" in note for note in run.manifest["notes"]) == (not version)
    assert asked == [[12], [], [12], [12], [12]]


def test_the_same_command_reads_a_finished_run_of_a_version(here: Path) -> None:
    """A finished run is read again where the function has a version, and computed again where it has none."""
    for version, calls in (("1", 1), ("", 2)):
        search = Searching(version)
        values = [evaluate(search=search, out=here / f"run{version}", **SMALL).scores["value"] for _ in range(2)]
        assert len(search.calls) == calls
        assert values[0].equals(values[1])


def test_what_a_ranking_cannot_answer_is_refused(here: Path) -> None:
    """Mined pairs need vectors, prompts and dimensions are those of vectors, and an attack needs scores."""
    with pytest.raises(ModelError, match="mines pairs"):
        evaluate(search=rank, **{**SMALL, "tasks": "bucc", "languages": "de"})
    for setting in ({"prompts": {"query": "query: "}}, {"dims": "8"}):
        with pytest.raises(SpecError, match=next(iter(setting))):
            evaluate(search=rank, **SMALL, **setting)
    with pytest.raises(SpecError, match="no scores"):
        evaluate(search=rank, perturb="attack_letters:0.5@queries=4@fields=query", **SMALL)


def test_a_function_of_a_module_ranks_by_both_spellings(monkeypatch: pytest.MonkeyPatch, here: Path) -> None:
    """`search=python:` answers every task of search, `tatoeba=search=python:` that one; another word is refused."""
    monkeypatch.setattr(sys, "path", sys.path[:])
    Path("engine.py").write_text("def search(queries, corpus):\n    return [[*corpus] for _ in queries]\n")
    command = ["eval", "--data", "mini", "--tasks", "tatoeba", "--languages", "sw", "--limit", "5", "--model"]
    for number, spelling in enumerate(("search=python:engine:search", "tatoeba=search=python:engine:search")):
        ended = program(*command, spelling, "--out", str(number))
        assert ended.code == 0, ended.err
        assert (here / str(number) / "scores.csv").exists()
    ended = program(*command, "tatoeba=serach=python:engine:search", "--out", "other")
    assert ended.code == 2
    assert "search=" in ended.err
