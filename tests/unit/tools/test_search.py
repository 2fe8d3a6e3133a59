"""`make search`: searches by words rank as they say, and the plan names every run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tools.real.__main__ import plan
from tools.search import data, page, systems
from tools.search.__main__ import OUT, stages

from robust_xtreme import evaluate
from robust_xtreme.core.run_spec import from_toml

ROOT = Path(__file__).parents[3]
PASSAGES = {
    "station": "Der Bahnhof in Kiel wurde 1899 gebaut.",
    "harbour": "Im Hafen liegen Schiffe.",
    "weather": "我喜欢北京的天气",
}


@pytest.mark.parametrize("search", [systems.bm25, systems.tfidf])
def test_a_search_by_words_finds_shared_words(search: Any) -> None:
    """The passage with the words of the query is first, nothing is found without any, and the corpus' order is free."""
    queries = ["Wann wurde der Bahnhof gebaut?", "Schiffe im Hafen", "北京天气", "qqq"]
    first = [next(iter(ids), None) for ids in search(queries, PASSAGES)]
    assert first == ["station", "harbour", "weather", None]
    assert [*search(queries, dict(reversed(PASSAGES.items())))] == [*search(queries, PASSAGES)]


def test_words_keep_their_vowel_signs_and_characters_are_words_where_no_spaces_are() -> None:
    """Combining marks belong to their letters."""
    assert systems.words_of("हिन्दी में Über-Größe 北京2") == ["हिन्दी", "में", "über", "größe", "北", "京", "2"]


@pytest.mark.parametrize("name", ["bm25", "tfidf"])
def test_typing_errors_cost_a_search_by_words_more_than_by_parts_of_them(name: str, tmp_path: Path) -> None:
    """Both are evaluated by their names, and have a version, so that their rankings are cached."""
    (tmp_path / "corpus.jsonl").write_text(
        "".join(json.dumps({"_id": key, "text": text}) + "\n" for key, text in PASSAGES.items()), "utf-8"
    )
    asked = {"q1": ("Bahnhof Kiel", "station"), "q2": ("Hafen Schiffe", "harbour")}
    (tmp_path / "queries.jsonl").write_text(
        "".join(json.dumps({"_id": key, "text": text}) + "\n" for key, (text, _) in asked.items()), "utf-8"
    )
    (tmp_path / "qrels.tsv").write_text("".join(f"{key}\t{right}\t1\n" for key, (_, right) in asked.items()), "utf-8")
    model = f"search=python:tools.search.systems:{name}"
    run = evaluate(model=model, data=tmp_path, languages="de", perturb="keyboard_typo:0.6", out=tmp_path / "run")
    cell = run.deltas.filter(metric="retrieval_accuracy", scope="all").row(0, named=True)
    assert cell["clean"] == 100
    assert (cell["value"] < 100) == (name == "bm25")
    assert "@unversioned" not in cell["model"]


def test_pools_have_one_size_and_whole_pairs(tmp_path: Path) -> None:
    """The pairs that are kept are pairs of the file, each English sentence once, in the order of the file."""
    pairs = [(f"satz {number}", f"sentence {number % 400}") for number in range(500)]
    for code in data.CODES:
        for side, name in enumerate((code, "eng")):
            path = tmp_path / "release" / "tatoeba" / "v1" / f"tatoeba.{code}-eng.{name}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("".join(f"{pair[side]}\n" for pair in pairs), "utf-8")
    questions = tmp_path / "release" / "lareqa" / "xquad-r" / "sw.json"
    questions.parent.mkdir(parents=True)
    questions.write_text(json.dumps({"data": [{"title": number} for number in range(7)]}), "utf-8")
    assert data.write(tmp_path / "release", tmp_path / "made")
    kept = data.read_pairs(tmp_path / "made", "swh")
    assert len(kept) == data.PAIRS
    assert kept == [pair for pair in pairs[:400] if pair in kept]
    made = json.loads((tmp_path / "made" / "lareqa" / "xquad-r" / "sw.json").read_text("utf-8"))
    assert [article["title"] for article in made["data"]] == [0, 3, 6]
    assert not data.write(tmp_path / "release", tmp_path / "made")
    with pytest.raises(SystemExit, match="fewer"):
        data.keep_first_by_hash(pairs[:20])


def test_the_plan_has_a_run_of_every_system(capsys: pytest.CaptureFixture[str]) -> None:
    """A plan runs nothing and names the command of each system, whose recipe is read."""
    plan([*stages(Path("nowhere"), OUT)], OUT)
    told = capsys.readouterr().out
    for system in page.SYSTEMS:
        assert f"--out runs/search/{system.run} " in told
        assert from_toml(ROOT / "configs" / "search" / f"{system.config}.toml", model=("mini",)).perturb


def test_ranks_follow_the_levels_and_their_resamples() -> None:
    """The highest level has rank 1; two systems that exchange their places in the resamples have both ranks."""
    levels = {system.run: np.full(101, 90.0 - number) for number, system in enumerate(page.SYSTEMS)}
    first, second, third = (system.run for system in page.SYSTEMS[:3])
    levels[second][1::2] = 95.0
    ranks = page.ranks_of(levels)
    assert ranks[first] == {"rank": 1, "rank_low": 1, "rank_high": 2}
    assert ranks[second] == {"rank": 2, "rank_low": 1, "rank_high": 2}
    assert page.format_rank(ranks[third]) == "3"
