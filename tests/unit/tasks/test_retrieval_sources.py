"""Retrieval tasks from suites and from the hub: the same queries and pools as from release files."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.loopback import Loopback

from robust_xtreme.core import registry
from robust_xtreme.core.errors import DataError
from robust_xtreme.core.examples import Document, Example
from robust_xtreme.core.specs import TaskSpec
from robust_xtreme.tasks.sources.source import Split, load, open_source


def _task(name: str) -> TaskSpec:
    task: TaskSpec = registry.load("task", name)
    return task


def _gold(example: Example) -> tuple[str, ...]:
    assert isinstance(example.target, Document)
    return example.target.ids


# -------------------------------------------------------------------------------------------------------------- suites

SUITE = """
name = "own"
version = "1"
summary = "Rows of our own."
languages = ["en", "sw"]
"""


def _suite(folder: Path, task: str, files: dict[str, list[dict[str, Any]]], split: str = "test") -> list[Split]:
    (folder / "suite.toml").write_text(f'{SUITE}\n[{task}]\nsplits = ["{split}"]\n', encoding="utf-8")
    (folder / task).mkdir(exist_ok=True)
    for name, rows in files.items():
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / task / f"{name}.jsonl").write_text(text, encoding="utf-8")
    source = open_source(str(folder))
    return [load(_task(task), source, name.rpartition("-")[2], split) for name in files if name != "pool"]


def _pair(id: str, sentence: str, translation: str) -> dict[str, str]:
    return {"id": id, "cluster": id, "sentence": sentence, "translation": translation}


def test_a_suite_of_translations(tmp_path: Path) -> None:
    """A row is a query and its candidate."""
    (split,) = _suite(tmp_path, "tatoeba", {"test-sw": [_pair("1", "Moja.", "One."), _pair("2", "Mbili.", "Two.")]})
    assert [_gold(example) for example in split.examples] == [(f"tatoeba/test/sw/candidate/{id}",) for id in "12"]
    with pytest.raises(DataError, match="'translation'"):
        _suite(tmp_path, "tatoeba", {"test-sw": [_pair("1", "Moja.", "")]})


def test_a_suite_of_bitext_may_have_sentences_without_a_partner(tmp_path: Path) -> None:
    """A row without a translation is a query with no gold, one without a sentence a candidate."""
    rows = [_pair("1", "Moja.", "One."), _pair("2", "Mbili.", ""), _pair("3", "", "Three.")]
    (split,) = _suite(tmp_path, "bucc", {"test-sw": rows})
    assert [_gold(example) for example in split.examples] == [("bucc/test/sw/candidate/1",), ()]
    assert split.corpus is not None
    assert [text.value for text in split.corpus.texts] == ["One.", "Three."]
    with pytest.raises(DataError, match="both empty"):
        _suite(tmp_path, "bucc", {"test-sw": [_pair("1", "", "")]})


def _question(id: str, context: str, sentences: list[list[int]]) -> dict[str, Any]:
    return {"id": id, "cluster": "p", "context": context, "question": "?", "answers": [[0, 2]], "sentences": sentences}


def test_a_suite_of_answers_has_one_pool_in_all_languages(tmp_path: Path) -> None:
    """Rows of one id are the same question, answered in either language."""
    files = {"test-en": [_question("1", "Ab. c.", [[0, 3], [4, 6]])], "test-sw": [_question("1", "De. f.", [[0, 3]])]}
    english, swahili = _suite(tmp_path, "lareqa", files)
    assert len(_gold(english.examples[0])) == len(_gold(swahili.examples[0])) == 2
    assert english.corpus == swahili.corpus
    assert {example.cluster for example in (*english.examples, *swahili.examples)} == {"p"}
    with pytest.raises(DataError, match="the sentence at 2"):
        _suite(tmp_path, "lareqa", {"test-en": [_question("1", "Ab. c.", [[0, 3], [2, 6]])]})


def test_a_suite_of_mentions_has_a_file_of_candidates(tmp_path: Path) -> None:
    """The pool is the same for every language, and an entity is in it in the language of its description."""
    row = {"id": "1", "cluster": "1", "mention": "Rom", "left": "", "right": " ist alt.", "entity": "Q220"}
    pool = {"id": "Q220", "cluster": "Q220", "language": "sw", "text": "Roma ni mji."}
    (split,) = _suite(tmp_path, "mewsli_x", {"pool": [pool], "test-en": [row]})
    assert _gold(split.examples[0]) == ("mewsli_x/test/sw/candidate/Q220",)
    assert split.examples[0].texts["query"].value == "Rom: { Rom } ist alt."
    with pytest.raises(DataError, match="entity"):
        _suite(tmp_path, "mewsli_x", {"pool": [pool], "test-en": [{**row, "entity": ""}]})


# ----------------------------------------------------------------------------------------------------------------- hub


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Loopback]:
    """A hub with German pairs of Tatoeba, and a cache of its own in this process."""
    pairs = [{"sentence1": "Eins.", "sentence2": "One."}, {"sentence1": "Zwei.", "sentence2": "Two."}]
    data = gzip.compress("".join(json.dumps(pair) + "\n" for pair in pairs).encode(), mtime=0)
    wanted = _task("tatoeba").hub["test"]
    with Loopback() as server:
        server.put("dataset", wanted.repo, {"test/deu-eng.jsonl.gz": data}, wanted.revision)
        with server.lent(tmp_path):
            yield server


def test_tatoeba_of_the_hub_is_that_of_laser(hub: Loopback, tmp_path: Path) -> None:
    """Compressed lines of JSON are read, and give the examples and the pool of LASER's files."""
    (tmp_path / "tatoeba/v1").mkdir(parents=True)
    for side, text in (("deu", "Eins.\nZwei.\n"), ("eng", "One.\nTwo.\n")):
        (tmp_path / f"tatoeba/v1/tatoeba.deu-eng.{side}").write_text(text)
    released, fetched = (load(_task("tatoeba"), source, "de", "test") for source in (tmp_path, open_source("hub")))
    assert fetched.examples == released.examples
    assert fetched.corpus == released.corpus
