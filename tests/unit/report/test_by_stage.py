"""The loss of a search in two stages: what is no longer found, and what is no longer put first; they add up to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from robust_xtreme import api
from robust_xtreme.core import registry
from robust_xtreme.report.document import results_of

evaluate: Any = api.evaluate
SMALL: dict[str, Any] = {"data": "mini", "languages": "sw", "limit": 80, "workers": 0, "tasks": "tatoeba"}
NOISE = "char_noise:0.2,0.5"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder, and an empty cache."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ROBUST_XTREME_CACHE", str(tmp_path / "cache"))
    return tmp_path


def shared(query: str, candidate: str, size: int) -> float:
    """The share of runs of letters that two texts have in common."""
    of_query, of_candidate = ({text[at : at + size] for at in range(len(text))} for text in (query, candidate))
    return len(of_query & of_candidate) / max(1, len(of_query | of_candidate))


def rank(queries: list[str], corpus: dict[str, str]) -> list[list[str]]:
    """The candidates by single letters."""
    return [sorted(corpus, key=lambda id: -shared(query, corpus[id], 1)) for query in queries]


def score(pairs: list[tuple[str, str]]) -> list[float]:
    """Pairs by runs of three letters."""
    return [shared(*pair, 3) for pair in pairs]


def test_the_parts_of_a_loss_add_up_to_it(here: Path) -> None:
    """In each cell, and in the numbers of the table; each part has an interval of its own, as the loss has."""
    run = evaluate(search=rank, rerank=score, perturb=NOISE, **SMALL)
    deltas = run.deltas.filter(scope="all").sort("condition")
    drops = {name: deltas.filter(metric=f"retrieval_accuracy{name}") for name in ("", "_found", "_ordered")}
    losses, found, ordered = (each["drop"].to_list() for each in drops.values())
    assert losses == pytest.approx([sum(parts) for parts in zip(found, ordered, strict=True)], abs=1e-9)
    assert any(loss > 0 for loss in losses)
    assert any(part > 0 for part in found)
    assert all(each["low"].null_count() == 0 for each in drops.values())
    levels = run.scores.filter(scope="all", condition="clean")
    clean = dict(levels.select("metric", "value").iter_rows())
    assert clean["retrieval_accuracy"] <= clean["retrieval_accuracy_found"]
    assert clean["retrieval_accuracy"] == pytest.approx(
        clean["retrieval_accuracy_found"] + clean["retrieval_accuracy_ordered"] - 100
    )
    shown: pl.DataFrame = registry.load("view", "by_stage").make(results_of(run.folder))
    assert shown.height == 2
    sums = shown["first"].round(1) + shown["second"].round(1)
    assert sums.round(1).to_list() == shown["change"].round(1).to_list()
    assert "By stage" in (run.folder / "report.md").read_text("utf-8")


def test_a_search_in_one_stage_has_no_parts(here: Path) -> None:
    """Without a reranker there is nothing to divide."""
    run = evaluate(search=rank, perturb=NOISE, **SMALL)
    assert set(run.scores["metric"]) == {"retrieval_accuracy", "map_at_20"}
    assert registry.load("view", "by_stage").make(results_of(run.folder)).is_empty()
    assert "By stage" not in (run.folder / "report.md").read_text("utf-8")
