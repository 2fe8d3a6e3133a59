"""How mini's model is made: other cuts of words, word vectors, other orders, and a few steps of the recipe."""

from __future__ import annotations

import gzip
import json
import random
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from tools.mini import embeddings, encoder, meanings, parallel, split, suite
from tools.mini.build import KEPT, Recipe, build, start, write_training_suite
from tools.mini.draws import askable, drawn
from tools.mini.grammar import question, sentence
from tools.mini.meaning import LANGUAGES, Word
from tools.mini.rows import text
from tools.mini.tokenizer import Cuts, new_tokenizer

from robust_xtreme.core import registry
from robust_xtreme.models.located import locate
from robust_xtreme.training.loop import Options, Progress

SMALL = Recipe(
    texts=240,
    vocabulary=1500,
    rows={"xnli": 96, "xcopa": 64, "udpos": 64, "panx": 64, "xquad": 64, "mewsli_x": 32, "lareqa": 32},
    steps=8,
    batch_size=8,
    languages=("en", "ja"),
)


@pytest.fixture(scope="module")
def texts() -> list[dict[str, parallel.Said]]:
    """Parallel texts in four languages."""
    return parallel.translations(1, ("en", "de", "ru", "zh"), 1200)


@pytest.fixture(scope="module")
def tokenizer(texts: list[dict[str, parallel.Said]]) -> Any:
    """A tokenizer of their words."""
    return new_tokenizer(parallel.words_of(texts), "abcdefghijklmnopqrstuvwxyzßж", 2500)


def _ids(tokenizer: Any, text: str) -> list[int]:
    ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return ids


# ----------------------------------------------------------------------------------------------------------- tokenizer


def test_words_are_cut_in_running_text_as_by_themselves(tokenizer: Any, texts: list[dict[str, parallel.Said]]) -> None:
    """Also where words are written together, fewer than about one text in a hundred has other tokens than its words."""
    for code in ("en", "de", "ru", "zh"):
        phrases = [each[code] for each in texts]
        same = [
            _ids(tokenizer, phrase.text) == [i for word in phrase.words for i in _ids(tokenizer, word)]
            for phrase in phrases
        ]
        assert np.mean(same) > 0.95


def test_a_letter_that_is_not_an_entry_falls_into_bytes(tokenizer: Any) -> None:
    """Nothing is unknown, and the text `<0x41>` is not the byte 0x41."""
    assert tokenizer.unk_token_id not in _ids(tokenizer, "ცეცხლი 😀 ж")
    assert tokenizer.convert_tokens_to_ids("<0x41>") not in _ids(tokenizer, "<0x41>")


def test_other_cuts_leave_out_merges_and_nothing_else(tokenizer: Any, texts: list[dict[str, parallel.Said]]) -> None:
    """The letters stay; a share of 0 is the tokenizer's own cut; a key always draws the same, some keys another."""
    words = sorted(set(parallel.words_of(texts[:200])))
    plain, other = Cuts(tokenizer, 0.0, 3), Cuts(tokenizer, 0.3, 3)
    state = random.getstate()
    for word in words:
        assert plain.ids(word, "a") == _ids(tokenizer, word)
        assert other.ids(word, "a") == other.ids(word, "a")
        pieces = tokenizer.convert_ids_to_tokens(other.ids(word, "a"))
        assert "".join(pieces) == "".join(tokenizer.convert_ids_to_tokens(_ids(tokenizer, word)))
    assert sum(other.ids(word, "a") != other.ids(word, "b") for word in words) > len(words) / 10
    assert random.getstate() == state


# -------------------------------------------------------------------------------------------------------- word vectors


def test_the_svd_is_the_svd() -> None:
    """Values and directions are those of the dense decomposition."""
    dense = np.random.default_rng(0).standard_normal((60, 40)) * np.linspace(3, 0.1, 40)
    left, values = embeddings.svd(dense, 5, 0)
    wanted, sizes, _ = np.linalg.svd(dense, full_matrices=False)
    assert np.allclose(values, sizes[:5], rtol=1e-3)
    assert np.allclose(np.abs((left * wanted[:, :5]).sum(axis=0)), 1, atol=1e-2)


def test_words_of_one_meaning_have_near_vectors(tokenizer: Any, texts: list[dict[str, parallel.Said]]) -> None:
    """Days and towns are nearest to their translations, without a dictionary."""
    vectors = encoder.vectors(texts, tokenizer, 0)

    def vector(word: str) -> np.ndarray[Any, Any]:
        mean: np.ndarray[Any, Any] = embeddings.unit(vectors[_ids(tokenizer, word)].mean(axis=0, keepdims=True))[0]
        return mean

    english = np.array([vector(word) for word in ("Monday", "Tuesday", "Paris", "Cairo", "Moscow", "doctor")])
    for words in (("Montag", "Dienstag", "Paris", "Kairo", "Moskau", "Arzt"),):
        other = np.array([vector(word) for word in words])
        assert (english @ other.T).argmax(axis=1).tolist() == [*range(len(words))]


def test_parallel_texts_contain_nothing_that_is_held_out() -> None:
    """No pair of words of the test, and no text of it, is in what the vectors are made of."""
    for triple, naming, passage in _first(60):
        clauses = (triple.premise, *triple.hypotheses, *naming.clauses, *passage.clauses)
        assert not any(map(split.held_out, clauses))


def _first(count: int) -> list[Any]:
    several = zip(meanings.triples(False, 1), meanings.namings(False, 1), meanings.read(False, 1), strict=False)
    return [item for item, _ in zip(several, range(count), strict=False)]


# -------------------------------------------------------------------------------------------------------------- orders


@pytest.mark.parametrize("number", range(0, 60, 7))
def test_another_order_keeps_the_parts_whole(number: int) -> None:
    """The words of a part are adjacent, names keep their words, and only articles and `did` are dropped."""
    for clause in drawn(5, 93):
        spoken = sentence(f"en/{number}", clause)
        plain = sentence("en", clause)
        for part in {word.part for word in plain if word.part}:
            indices = [index for index, word in enumerate(spoken) if word.part == part]
            assert indices == [*range(indices[0], indices[-1] + 1)]
            assert _texts(plain, part) <= _texts(spoken, part)
        assert {word.text for word in plain if word.name} <= {word.text for word in spoken if word.name}
        assert ("not" in [word.text.lower() for word in spoken]) == clause.negated
        for asked in askable(clause):
            asking = question(f"en/{number}", replace(clause, negated=False), asked)
            assert asking[-1].text == "?"
            assert asked not in {word.part for word in asking}


def _texts(words: list[Word], part: str) -> set[str]:
    return {word.text.lower() for word in words if word.part == part}


def test_a_number_is_always_the_same_order() -> None:
    """Some numbers give another order than English, and most numbers give different orders."""
    clause = next(iter(drawn(5, 1)))
    orders = [" ".join(word.text for word in sentence(f"en/{number}", clause)) for number in range(40)]
    assert orders == [" ".join(word.text for word in sentence(f"en/{number}", clause)) for number in range(40)]
    assert len(set(orders)) > 10


# -------------------------------------------------------------------------------------------------------------- recipe


@pytest.mark.long
def test_a_few_steps_of_the_recipe_make_a_run(tmp_path: Path) -> None:
    """It has a head for each task and is evaluated; all but the word vectors have changed; two runs are the same."""
    losses: list[float] = []

    def watch(at: Progress) -> None:
        losses.append(at.loss)

    run = build(tmp_path / "model", SMALL, options=Options(watch=watch))
    assert sorted(path.name for path in run.iterdir()) == sorted(KEPT)
    assert len(losses) == SMALL.steps
    before = load_file(start(tmp_path / "start", SMALL, 0) / "model" / "model.safetensors")
    after = load_file(run / "model" / "model.safetensors")
    assert {name for name in before if torch.equal(before[name], after[name])} == {"embeddings.weight"}
    for name in SMALL.rows:
        assert locate(run, registry.load("task", name)).learned.languages == ("en",)
    first, second = (json.loads(path.read_text(encoding="utf-8")) for path in sorted((run / "stages").glob("*.json")))
    assert (first["kind"], first["languages"], first["task"]) == ("parallel_svd", [*SMALL.languages], "")
    assert (second["kind"], second["task"]) == ("target", ",".join(SMALL.rows))
    assert "orders" in second["perturb"]
    assert second["base"]["name"] == "mini"


@pytest.mark.long
def test_most_descriptions_are_in_other_orders(tmp_path: Path) -> None:
    """Every training text asks for an entity of its own; two of three are not described in plain English."""
    folder = write_training_suite(tmp_path, SMALL, 0)
    pool = {row["id"]: row["text"] for row in _lines(folder / "mewsli_x/pool.jsonl.gz")}
    asked = [row["entity"] for row in _lines(folder / "mewsli_x/train-en.jsonl.gz")]
    assert len(set(asked)) == len(asked) == SMALL.rows["mewsli_x"]
    entities = [entity for _, entity in islice(meanings.mentioned_anew(0), len(asked))]
    assert [entity.id for entity in entities] == asked
    put_otherwise = [pool[entity.id] != text("en", entity.facts) for entity in entities]
    assert 0.5 < sum(put_otherwise) / len(put_otherwise) < 0.8


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]


def test_the_recipe_is_of_all_languages_and_of_every_task_with_a_head() -> None:
    """The recipe of `make mini` covers every language of the suite and every task with training rows."""
    assert Recipe().languages == LANGUAGES
    assert set(Recipe().rows) == {task for task, splits in suite.SPLITS.items() if "train" in splits}
