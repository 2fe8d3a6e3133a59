"""The real files of retrieval tasks: queries, candidates and what is right, against the official counts."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from robust_xtreme.core import registry
from robust_xtreme.core.errors import DataError
from robust_xtreme.core.examples import Document, Example
from robust_xtreme.core.specs import TaskSpec
from robust_xtreme.tasks.adapters.retrieval import answer_sentences
from robust_xtreme.tasks.formats.squad_sentences import sentences
from robust_xtreme.tasks.sources.release import Release
from robust_xtreme.tasks.sources.rows import data_identity
from robust_xtreme.tasks.sources.source import Pools, Split, available, load

pytestmark = pytest.mark.real

CANDIDATES = {
    "ar": 1222, "de": 1276, "el": 1234, "en": 1180, "es": 1215, "hi": 1244, "ru": 1219, "th": 852, "tr": 1167,
    "vi": 1209, "zh": 1196,
}  # fmt: skip
"""Of XQuAD-R, in the table of LAReQA's README."""

FEWER = {"jv": 205, "kk": 575, "sw": 390, "ta": 307, "te": 234, "th": 548}
"""Sentences of Tatoeba where there are fewer than a thousand."""


def _task(name: str) -> TaskSpec:
    task: TaskSpec = registry.load("task", name)
    return task


def _gold(example: Example) -> tuple[str, ...]:
    assert isinstance(example.target, Document)
    return example.target.ids


def test_lareqa_has_the_official_questions_and_candidates(data: Path) -> None:
    """Every language has 1,190 questions on 240 passages and the candidates of the official table, in one pool.

    Each question is answered by one sentence in every language that is here.
    """
    task, pools = _task("lareqa"), Pools(Release(data))
    languages = available(task, data, "validation")
    assert len(languages) == 9
    splits = [load(task, data, code, "validation", pools) for code in languages]
    for split in splits:
        assert split.corpus is splits[0].corpus
        assert len(split.examples) == 1190
        assert len({example.cluster for example in split.examples}) == 240
        for question in split.examples:
            assert sorted(id.split("/")[2] for id in _gold(question)) == sorted(languages)
    assert splits[0].corpus is not None
    assert Counter(text.language for text in splits[0].corpus.texts) == {code: CANDIDATES[code] for code in languages}
    assert not any("\n" in text.value for text in splits[0].corpus.texts)
    for split in splits:
        _sound(split)


def _sound(split: Split) -> None:
    """Ids are unique, a text id names one text, and every right text is in the pool."""
    assert split.corpus is not None
    pool = {text.id for text in split.corpus.texts}
    assert len(pool) == len(split.corpus.texts)
    assert len({example.id for example in split.examples}) == len(split.examples)
    assert all(set(_gold(example)) <= pool and _gold(example) for example in split.examples)
    assert len({example.texts["query"].id for example in split.examples} | pool) == len(split.examples) + len(pool)


def test_the_passages_of_lareqa_are_those_of_xquad(data: Path) -> None:
    """Clusters have the names of XQuAD's, with the same questions, so that both are resampled together."""
    clusters = [
        {
            example.id.rpartition("/")[2]: example.cluster
            for example in load(_task(name), data, "de", "validation").examples
        }
        for name in ("lareqa", "xquad")
    ]
    assert clusters[0] == clusters[1]


def test_right_sentences_contain_the_answer(data: Path) -> None:
    """Over 98 % of the right sentences contain the whole answer; the others end before it does."""
    task = _task("lareqa")
    loaded = Release(data).read(task, "en", "validation")
    split = load(task, data, "en", "validation")
    assert split.corpus is not None
    candidates = {text.id: text.value for text in split.corpus.texts}
    rows = {row.native: row for row in loaded.rows}
    contained = []
    for example in split.examples:
        values = rows[example.id.rpartition("/")[2]].values
        (start, stop), context = values["answers"][0], values["context"]
        mine = next(id for id in _gold(example) if id.split("/")[2] == "en")
        sentence = candidates[mine].removesuffix(context.replace("\n", ""))
        contained.append(context[start:stop].replace("\n", "") in sentence)
    assert sum(contained) / len(contained) > 0.98


def test_squad_s_sentences_are_found_by_rule(data: Path) -> None:
    """At least 96 % of XQuAD-R's English questions have the same right sentence by our rule as by LAReQA's breaks."""
    task = _task("lareqa")
    rows = Release(data).read(task, "en", "validation").rows
    official = {row.native: _sentence(row.values["sentences"], row.values["answers"][0][0]) for row in rows}
    ours = {row.native: _sentence(tuple(sentences(row.values["context"])), row.values["answers"][0][0]) for row in rows}
    same = sum(official[native] == ours[native] for native in official)
    assert same / len(official) >= 0.96


def _sentence(spans: tuple[tuple[int, int], ...], begin: int) -> tuple[int, int] | None:
    return next(((start, stop) for start, stop in spans if start <= begin < stop), None)


def test_tatoeba_has_a_thousand_pairs(data: Path) -> None:
    """36 of the 41 languages are here, each with up to 1,000 queries in English and as many candidates of its own."""
    task = _task("tatoeba")
    languages = available(task, data, "test")
    assert set(task.languages) - set(languages) == {"eu", "fi", "ka", "ml", "pl"}
    for code in languages:
        split = load(task, data, code, "test")
        assert split.corpus is not None
        assert len(split.examples) == len(split.corpus.texts) == FEWER.get(code, 1000)
        assert {example.texts["query"].language for example in split.examples} == {"en"}
        assert {text.language for text in split.corpus.texts} == {code}
        assert [_gold(example) for example in split.examples] == [(text.id,) for text in split.corpus.texts]
        assert split.labelled
        _sound(split)


def test_equal_english_sentences_are_one_cluster_in_all_languages(data: Path) -> None:
    """A language shares some English sentences with another, under the same names."""
    task = _task("tatoeba")
    german, french = ({example.cluster for example in load(task, data, code, "test").examples} for code in ("de", "fr"))
    assert 0 < len(german & french) < len(german)


def test_what_xtreme_s_script_leaves_of_tatoeba_is_refused(data: Path, tmp_path: Path) -> None:
    """Its English side is sorted, so that lines are not pairs; in LASER's order the layout is read as LASER's files."""
    task, folder = _task("tatoeba"), tmp_path / "tatoeba"
    folder.mkdir()
    laser = data / "tatoeba/v1"
    (folder / "de-en.de").symlink_to(laser / "tatoeba.deu-eng.deu")
    english = (laser / "tatoeba.deu-eng.eng").read_text(encoding="utf-8")
    (folder / "de-en.en").write_text(english, encoding="utf-8")
    kept = load(task, tmp_path, "de", "test").examples
    assert data_identity(kept) == data_identity(load(task, data, "de", "test").examples)
    ordered = sorted(line.strip() for line in english.splitlines())
    (folder / "de-en.en").write_text("".join(f"{line}\n" for line in ordered), encoding="utf-8")
    with pytest.raises(DataError, match="alphabetical"):
        load(task, tmp_path, "de", "test")


def test_squad_is_training_data_for_lareqa(data: Path, tmp_path: Path) -> None:
    """SQuAD's development set, put where its training set would be: each question has its sentence beside it."""
    (tmp_path / "squad").mkdir()
    (tmp_path / "squad/train-v1.1.json").symlink_to(data / "squad/dev-v1.1.rebuilt.json")
    assert _task("lareqa").adapt is answer_sentences
    split = load(_task("lareqa"), tmp_path, "en", "train")
    assert len(split.examples) > 10_500
    assert split.corpus is not None
    pool = {text.id: text for text in split.corpus.texts}
    for example in split.examples:
        assert pool[_gold(example)[0]] == replace(example.texts["candidate"], spans=())
