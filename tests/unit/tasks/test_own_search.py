"""A corpus of the user's own in BEIR's form: what is read of it, what is refused, and how it is evaluated."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from robust_xtreme import api
from robust_xtreme.core.errors import DataError, RobustXtremeError, SpecError
from robust_xtreme.core.examples import Document
from robust_xtreme.tasks.adapters.own import tasks_in
from robust_xtreme.tasks.sources.source import Split, load

pytestmark = pytest.mark.usefixtures("unpaged")

evaluate: Any = api.evaluate
TOWNS = ("Berlin", "Hamburg", "Bremen", "Kiel", "Ulm", "Mainz", "Bonn", "Essen")
HEADER = "query-id\tcorpus-id\tscore"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder, and an empty cache."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ROBUST_XTREME_CACHE", str(tmp_path / "cache"))
    return tmp_path


def write(
    folder: Path,
    corpus: Sequence[Mapping[str, Any]],
    queries: Sequence[Mapping[str, Any]],
    qrels: Sequence[str],
    name: str = "qrels/test.tsv",
) -> Path:
    """A folder in BEIR's form."""
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    for file, rows in (("corpus", corpus), ("queries", queries)):
        (folder / f"{file}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    (folder / name).write_text("\n".join(qrels) + "\n", "utf-8")
    return folder


def towns(folder: Path, **beside: str) -> Path:
    """Two passages on each town, and two queries, of which the first passage is the better answer; `beside` them."""
    made = ("bridge", "market")
    corpus = [
        {"_id": f"{town}-{it}", "title": town, "text": f"The {it} was built in {1800 + at}.", **beside}
        for at, town in enumerate(TOWNS)
        for it in made
    ]
    queries = [{"_id": f"{town}?{it}", "text": f"When was the {it} of {town} built?"} for town in TOWNS for it in made]
    qrels = [f"{town}?{it}\t{town}-{other}\t{1 + (it == other)}" for town in TOWNS for it in made for other in made]
    return write(folder, corpus, queries, [HEADER, *qrels])


def read(folder: Path, language: str = "en", split: str = "test") -> Split:
    """The split of a folder in a language."""
    (task,) = tasks_in(str(folder))
    return load(task, folder, language, split)


def test_queries_and_passages_are_read(here: Path) -> None:
    """The title is before the text, ids are the file's own, and a right passage is named as often as its grade says."""
    split = read(towns(here / "towns"))
    assert split.corpus is not None
    assert split.corpus.texts[0].id == "Berlin-bridge"
    assert split.corpus.texts[0].value == "Berlin The bridge was built in 1800."
    first = split.examples[0]
    assert first.target == Document(("Berlin-bridge", "Berlin-bridge", "Berlin-market"))
    assert first.texts["query"].value == "When was the bridge of Berlin built?"
    assert len({example.cluster for example in split.examples}) == 16
    assert {name for name, _ in split.files} == {"queries.jsonl", "qrels/test.tsv", "corpus.jsonl"}


def test_queries_without_a_right_passage_are_left_out(here: Path) -> None:
    """They cannot be answered; a grade of 0, or below, is not right, and a text alone is a passage."""
    queries = [{"_id": name, "text": f"What is {name}?", "cluster": "one"} for name in "abc"]
    folder = write(here / "few", [{"_id": "p", "text": "A text."}], queries, ["a\tp\t1", "b\tp\t0"], "qrels.tsv")
    split = read(folder)
    assert [example.id for example in split.examples] == ["own_search/test/en/a"]
    assert split.examples[0].cluster == "one"


def test_equal_queries_are_one_cluster(here: Path) -> None:
    """What is asked twice is not two observations."""
    queries = [{"_id": name, "text": "What is it?"} for name in "ab"]
    folder = write(here / "few", [{"_id": "p", "text": "A text."}], queries, ["a\tp\t1", "b\tp\t1"], "qrels/dev.tsv")
    assert len({example.cluster for example in read(folder, split="validation").examples}) == 1


def test_languages_are_those_of_the_queries(here: Path) -> None:
    """Each language has its own queries and the same corpus; where they are not named, the user names one."""
    queries = [{"_id": f"{code}{number}", "text": "Wo?", "language": code} for code in ("de", "fr") for number in "12"]
    corpus = [{"_id": "p", "text": "Dort.", "language": "de"}]
    folder = write(here / "both", corpus, queries, [f"{row['_id']}\tp\t1" for row in queries])
    (task,) = tasks_in(str(folder))
    assert task.languages == ("de", "fr")
    assert "candidate" in task.fields
    assert {text.language for example in read(folder, "fr").examples for text in example.texts.values()} == {"fr"}
    plain = towns(here / "towns")
    assert "candidate" not in tasks_in(str(plain))[0].fields
    for languages in ((), ("en", "de")):
        with pytest.raises(SpecError, match="--languages"):
            evaluate(search=lambda queries, corpus: [[*corpus] for _ in queries], data=plain, languages=languages)


PASSAGE, QUERY = {"_id": "p", "text": "A text."}, {"_id": "q", "text": "What?"}
WRONG: dict[str, tuple[Sequence[Mapping[str, Any]], Sequence[Mapping[str, Any]], Sequence[str], str]] = {
    "columns": ([PASSAGE], [QUERY], ["q p 1"], "TAB"),
    "columns of TREC": ([PASSAGE], [QUERY], ["q\t0\tp\t1"], "TAB"),
    "grade": ([PASSAGE], [QUERY], ["q\tp\t0.5"], "grade '0.5'"),
    "high grade": ([PASSAGE], [QUERY], ["q\tp\t101"], "grade '101'"),
    "unknown query": ([PASSAGE], [QUERY], ["r\tp\t1"], "query 'r'"),
    "unknown passage": ([PASSAGE], [QUERY], ["q\tother\t1"], "passage 'other'"),
    "two grades": ([PASSAGE], [QUERY], ["q\tp\t1", "q\tp\t2"], "already"),
    "no text": ([{"_id": "p", "title": " ", "text": ""}], [QUERY], ["q\tp\t1"], "neither a text"),
    "no id": ([{"text": "A text."}], [QUERY], ["q\tp\t1"], "_id"),
    "one id twice": ([PASSAGE, PASSAGE], [QUERY], ["q\tp\t1"], "not unique"),
    "one query twice": ([PASSAGE], [QUERY, QUERY], ["q\tp\t1"], "not unique"),
    "a language": ([PASSAGE], [{**QUERY, "language": "en"}, {**QUERY, "_id": "r"}], ["q\tp\t1"], "language"),
    "a language of a passage": (
        [PASSAGE, {"_id": "r", "text": "B", "language": "en"}],
        [QUERY],
        ["q\tp\t1"],
        "language",
    ),
    "unknown language": ([PASSAGE], [{**QUERY, "language": "xx"}], ["q\tp\t1"], "xx"),
    "nothing right": ([PASSAGE], [QUERY], ["q\tp\t0"], "no examples"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_fit_is_named(name: str, here: Path) -> None:
    """A file that would give other numbers than its author means is refused."""
    corpus, queries, qrels, line = WRONG[name]
    folder = write(here / "wrong", corpus, queries, qrels)
    with pytest.raises(DataError, match=line):
        read(folder)


def search(queries: list[str], corpus: dict[str, str]) -> list[list[str]]:
    """Passages by the words that they share with a query."""
    words = {id: {*text.lower().strip(".").split()} for id, text in corpus.items()}
    return [sorted(words, key=lambda id: -len(words[id] & {*each.lower().strip("?").split()})) for each in queries]


def test_a_function_searches_an_own_corpus(here: Path) -> None:
    """No task needs to be named; the function gets the user's ids, and typos in queries cost it what they cost."""
    seen: dict[str, str] = {}

    def asked(queries: list[str], corpus: dict[str, str]) -> list[list[str]]:
        seen.update(corpus)
        return search(queries, corpus)

    run = evaluate(search=asked, data=towns(here / "towns"), languages="en", perturb="keyboard_typo:0.3", workers=0)
    assert seen["Kiel-market"] == "Kiel The market was built in 1803."
    scores = run.scores.filter(scope="all")
    clean = dict(scores.filter(condition="clean").select("metric", "value").iter_rows())
    assert {clean.pop(name) for name in ("recall_at_100", "mrr_at_100", "retrieval_accuracy")} == {100.0}
    assert clean.keys() == {"ndcg_at_10", "recall_at_10", "map_at_100"}
    assert 70 < min(clean.values()) < 100  # the other passage on a town is often farther down
    noisy = scores.filter(scores["condition"] != "clean", metric="ndcg_at_10")
    assert noisy["value"][0] < clean["ndcg_at_10"]
    assert set(scores["task"]) == {"own_search"}
    assert "chance/random_order" in set(run.stats["model"])


def test_passages_have_the_prompt_of_documents_and_queries_their_own(here: Path) -> None:
    """Queries and passages are no translations of each other, of which both would have the prompt of queries."""
    seen: list[str] = []

    def encode(texts: list[str]) -> list[list[float]]:
        seen.extend(texts)
        return [[1.0, float(len(text))] for text in texts]

    prompts = ["query=ask: ,document=passage: "]
    evaluate(encode=encode, data=towns(here / "towns"), languages="en", perturb="char_noise:0.3", prompts=prompts)
    assert {text.split(": ")[0] for text in seen if "The market" in text} == {"passage"}
    assert any(text.startswith("ask: ") for text in seen)


@pytest.mark.parametrize("missing", ["queries.jsonl", "qrels"])
def test_what_is_missing_beside_a_corpus_is_named(missing: str, here: Path) -> None:
    """The file that a folder in BEIR's form lacks, and not a file of rows."""
    folder = towns(here / "towns")
    for path in folder.rglob(f"{missing}*"):
        if path.is_file():
            path.unlink()
        else:
            shutil.rmtree(path)
    with pytest.raises(DataError, match=f"no {missing}"):
        evaluate(search=search, data=folder, languages="en", perturb="char_noise:0.3")


def test_a_blank_line_is_named_and_hides_no_language(here: Path) -> None:
    """The language is that of the first line with a query; what is wrong is the blank one."""
    folder = towns(here / "towns")
    path = folder / "queries.jsonl"
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    path.write_text("\n" + "".join(json.dumps({**row, "language": "en"}) + "\n" for row in rows), "utf-8")
    with pytest.raises(RobustXtremeError, match=r"queries\.jsonl:1"):
        evaluate(search=search, data=folder, perturb="char_noise:0.3")


def test_an_encoder_searches_an_own_corpus_and_its_noise_is_on_the_index_where_asked(here: Path) -> None:
    """The embedded model compares vectors; with the language of passages noise can be on them."""
    folder = towns(here / "towns", language="en")
    run = evaluate(
        model="mini", data=folder, languages="en", perturb="char_noise:0.3@fields=candidate", limit=6, workers=0
    )
    conditions = run.scores.filter(scope="all", metric="recall_at_100")["condition"].to_list()
    assert sorted(conditions) == ["char_noise:0.3@fields=candidate", "clean"]
    longest = max(prediction.count('", "') + 1 for prediction in run.predictions["prediction"])
    assert longest == 16
    with pytest.raises(RobustXtremeError, match="candidate"):
        evaluate(model="mini", data=towns(here / "plain"), languages="en", perturb="char_noise:1@fields=candidate")
