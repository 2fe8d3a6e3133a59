"""Functions that rerank: they score what a first model found; their scores are checked, cached by version and kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from robust_xtreme import api
from robust_xtreme.core.errors import ModelError, SpecError

pytestmark = pytest.mark.usefixtures("unpaged")

evaluate: Any = api.evaluate
SMALL: dict[str, Any] = {"data": "mini", "languages": "sw", "limit": 8, "workers": 0, "tasks": "tatoeba"}
Pairs = list[tuple[str, str]]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder, and an empty cache."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ROBUST_XTREME_CACHE", str(tmp_path / "cache"))
    return tmp_path


class Noting:
    """A function of a version that notes how many inputs it gets in each call."""

    def __init__(self, does: Callable[..., Any], version: str = "1", **more: Any) -> None:
        self.does, self.calls = does, list[int]()
        if version:
            self.name, self.version = "noting", version
        self.__dict__.update(more)

    def __call__(self, items: list[Any], *beside: Any) -> Any:
        """What the function gives."""
        self.calls.append(len(items))
        return self.does(items, *beside)


def rank(queries: list[str], corpus: dict[str, str]) -> list[list[str]]:
    """The candidates by their lengths beside that of a query."""
    return [sorted(corpus, key=lambda id: abs(len(corpus[id]) - len(query))) for query in queries]


def length(pairs: Pairs) -> list[int]:
    """Scores by the lengths of candidates."""
    return [len(candidate) for _, candidate in pairs]


def rankings(run: Any, condition: str = "clean") -> dict[str, list[str]]:
    """What was found for each example under a condition."""
    rows = run.predictions.filter(condition=condition).select("example", "prediction").iter_rows()
    return {example: prediction.strip('[]"').split('", "') for example, prediction in rows}


def test_candidates_of_a_first_model_are_ordered_by_scores() -> None:
    """The same candidates stand in another order: the best score first, and of equal scores as the first model had."""
    first = evaluate(search=rank, out="first", **SMALL)
    same = evaluate(search=rank, rerank=lambda pairs: [0.5 for _ in pairs], out="same", **SMALL)
    other = evaluate(search=rank, rerank=length, out="other", **SMALL)
    before, after = rankings(first), rankings(other)
    assert rankings(same) == before
    assert {key: sorted(ids) for key, ids in after.items()} == {key: sorted(ids) for key, ids in before.items()}
    assert after != before
    names = [run.manifest["models"][0] for run in (first, other)]
    assert "reranker" not in names[0]
    assert names[1]["reranker"].endswith("length")
    assert names[0]["identity"] != names[1]["identity"]


def test_an_encoder_is_a_first_model_too() -> None:
    """What the vectors of the embedded model find is reranked under every condition, and its tokens are counted."""
    run = evaluate(model="mini", rerank=length, perturb="char_noise:0.3", **SMALL)
    assert run.predictions["tokens"].null_count() == 0
    assert {len(ids) for ids in rankings(run).values()} == {20}
    assert run.manifest["models"][0]["model"].startswith("mini+")


def test_a_depth_leaves_the_other_candidates_out() -> None:
    """A function with a depth gets that many candidates of each query, and only these are ranked."""
    function = Noting(length, depth=3, batch_size=7)
    run = evaluate(search=rank, rerank=function, **SMALL)
    found = rankings(run)
    assert {len(ids) for ids in found.values()} == {3}
    assert sum(function.calls) == 3 * len(found)
    assert max(function.calls) == 7
    with pytest.raises(SpecError, match="depth"):
        evaluate(search=rank, rerank=Noting(length, depth=0), out="other", **SMALL)


def test_scores_are_kept_by_version_and_the_first_model_answers_once(here: Path) -> None:
    """A run without the reranker has found the candidates, one with it has scored them; another version is asked."""
    calls = []
    for number, version in enumerate(("none", "1", "1", "2", "")):
        search, function = Noting(rank), Noting(length, version)
        more = {} if version == "none" else {"rerank": function}
        run = evaluate(search=search, out=here / str(number), **more, **SMALL)
        calls.append((sum(search.calls), sum(function.calls)))
        assert any("not kept in the cache" in note for note in run.manifest["notes"]) == (not version)
    queries = len(rankings(run))
    pairs = 20 * queries
    assert calls == [(queries, 0), (0, pairs), (0, 0), (0, pairs), (queries, pairs)]


def test_a_finished_run_is_read_again_where_both_have_versions(here: Path) -> None:
    """Where the reranker has none, its scores may be others now, and the run is computed again."""
    for version, times in (("1", 1), ("", 2)):
        function = Noting(length, version)
        runs = (evaluate(search=Noting(rank), rerank=function, out=here / f"run{version}", **SMALL) for _ in "ab")
        values = [(run.scores.drop("model"), len(rankings(run))) for run in runs]
        assert sum(function.calls) == times * 20 * values[0][1]
        assert values[0][0].equals(values[1][0])


WRONG: dict[str, tuple[Callable[[Pairs], Any], str]] = {
    "count": (lambda pairs: length(pairs)[1:], "results for"),
    "none": (lambda pairs: [None for _ in pairs], "not a finite number"),
    "a text": (lambda pairs: ["0.5" for _ in pairs], "not a finite number"),
    "NaN": (lambda pairs: [float("nan") for _ in pairs], "not a finite number"),
    "infinite": (lambda pairs: [np.inf for _ in pairs], "not a finite number"),
    "two scores": (lambda pairs: np.zeros((len(pairs), 2)), "not a finite number"),
    "complex": (lambda pairs: [1j for _ in pairs], "not a finite number"),
    "masked": (lambda pairs: [np.ma.masked for _ in pairs], "not a finite number"),
    "raised": (lambda _: 1 / 0, "ZeroDivisionError"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_score_is_one_line(name: str) -> None:
    """Nothing is ranked by what is not a finite number for each pair."""
    function, line = WRONG[name]
    with pytest.raises(ModelError, match=line) as error:
        evaluate(search=rank, rerank=function, **SMALL)
    assert "\n" not in str(error.value)


def test_a_reranker_needs_a_search() -> None:
    """It is refused without a first model, in tasks without a search, twice, and for one task alone."""
    with pytest.raises(SpecError, match="--model search="):
        evaluate(rerank=length, **SMALL)
    with pytest.raises(SpecError, match="no task here"):
        evaluate(model="mini", rerank=length, **{**SMALL, "tasks": "xnli"})
    for named in (["rerank=python:math:sin", "rerank=python:math:cos"], ["tatoeba=rerank=python:math:sin"]):
        with pytest.raises(SpecError, match="once"):
            evaluate(model=["mini", *named], **SMALL)
