"""Retrieval in a run: what is found, under which condition, with vectors that are computed once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.tiny import tiny_encoder_folder

from robust_xtreme import registry
from robust_xtreme.errors import ModelError
from robust_xtreme.evaluation.plan import CLEAN, Condition, TaskRun, identity_of, with_pool
from robust_xtreme.evaluation.prepare import Prepared, prepare
from robust_xtreme.evaluation.retrieve import TOP, Engine, retrieved
from robust_xtreme.examples import Corpus, Document, Example, Text
from robust_xtreme.models.checkpoint import Checkpoint, check_length, load
from robust_xtreme.models.located import locate
from robust_xtreme.predictors.members.encoder_head import EncoderHead, Recorder
from robust_xtreme.results.cache import Cache
from robust_xtreme.sources.loading import Split
from robust_xtreme.specs import PerturbationSpec

WORDS = "the river runs past old stone houses where people meet and talk about rain markets boats bread".split()  # noqa: SIM905 - as one reads it
"""Words that the tiny tokenizer knows."""


def sentence(number: int) -> str:
    """A sentence of five words, another one for each number."""
    return " ".join(WORDS[(number * step + step) % len(WORDS)] for step in (1, 2, 3, 5, 7))


def pairs(count: int, task: str = "tatoeba") -> tuple[list[Example], Corpus]:
    """Queries, each the same sentence as its candidate."""
    texts = tuple(Text(f"{task}/de/candidate/{n}", "de", sentence(n)) for n in range(count))
    corpus = Corpus(f"{task}/de", texts, {str(n): (text.id,) for n, text in enumerate(texts)})
    examples = [
        Example(
            f"{task}/de/{n}", {"query": Text(f"{task}/de/{n}/query", "en", sentence(n))}, Document((text.id,)), str(n)
        )
        for n, text in enumerate(texts)
    ]
    return examples, corpus


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny encoder on disk."""
    return tiny_encoder_folder(tmp_path_factory.mktemp("encoder"))


@pytest.fixture
def engine(folder: Path, tmp_path: Path) -> Callable[..., tuple[Engine, Prepared]]:
    """A prepared task run, and the engine for it."""

    def made(examples: list[Example], corpus: Corpus, *perturb: str, task: str = "tatoeba", shared: bool = True) -> Any:
        spec = registry.load("task", task)
        located = locate(folder, spec)
        data = identity_of(examples, corpus)
        task_run = TaskRun(spec, "de", "test", data, len(examples), len(examples), (), located)
        conditions = [Condition(CLEAN), *(Condition(noise, PerturbationSpec.parse(noise), (0,)) for noise in perturb)]
        checkpoint: Checkpoint = load(located, spec, "cpu", "fp32")
        ready = prepare(
            task_run,
            examples,
            conditions,
            EncoderHead(task_run.task, checkpoint.family, Recorder(checkpoint.tokenizer)),
            corpus=corpus,
        )
        cache = Cache(tmp_path, 1 << 24, print)
        return Engine(checkpoint, task_run, cache, "s", 4096, "cpu", print, shared), ready

    return made


def test_each_query_finds_its_own_sentence(engine: Callable[..., tuple[Engine, Prepared]]) -> None:
    """A candidate with the query's very words is the best; rankings contain the best TOP."""
    examples, corpus = pairs(16)
    made = retrieved(*engine(examples, corpus), None)
    ranked, threshold = made.ranked, made.threshold
    answers = ranked[CLEAN, -1].answers
    assert threshold is None
    assert [answer.ids[0] for answer in answers] == [text.id for text in corpus.texts]  # type: ignore[union-attr]  # found
    assert {len(answer.ids) for answer in answers} == {min(TOP, 16)}  # type: ignore[union-attr]  # found


def test_noise_on_the_pool_leaves_the_queries_alone(engine: Callable[..., tuple[Engine, Prepared]]) -> None:
    """Which side is noised is the condition's: at full strength the pool differs, the queries do not."""
    examples, corpus = pairs(12)
    pool, query = "char_noise:1@fields=candidate", "char_noise:1@fields=query"
    _, ready = engine(examples, corpus, pool, query)
    clean, noisy, asked = ready.variants
    assert noisy.examples == clean.examples
    assert noisy.pool != clean.pool
    assert asked.pool == clean.pool
    assert asked.examples != clean.examples
    assert all(noisy.measured(example)[0].status == "ok" for example in examples)


def test_strength_nothing_changes_nothing(engine: Callable[..., tuple[Engine, Prepared]]) -> None:
    """At strength 0 every ranking is that of the clean condition, whether or not vectors are shared."""
    examples, corpus = pairs(14)
    for shared in (True, False):
        made = engine(examples, corpus, "char_noise:0@fields=candidate", shared=shared)
        ranked = retrieved(*made, None).ranked
        assert ranked[CLEAN, -1] == ranked["char_noise:0@fields=candidate", 0]


def test_texts_that_noise_left_keep_their_vectors(
    engine: Callable[..., tuple[Engine, Prepared]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only changed texts are computed again, and nothing when the vectors are on disk."""
    examples, corpus = pairs(14)
    counted: list[int] = []
    embed = Engine._embed

    def counting(self: Engine, name: str, values: Sequence[str]) -> Any:
        counted.append(len(values))
        return embed(self, name, values)

    monkeypatch.setattr(Engine, "_embed", counting)
    made = engine(examples, corpus, "char_noise:0.05@fields=candidate")
    retrieved(*made, None)
    changed = sum(a != b for a, b in zip(made[1].variants[0].pool, made[1].variants[1].pool, strict=True))
    assert 0 < changed < 14
    assert sum(counted) == 14 + 14 + changed
    counted.clear()
    retrieved(*engine(examples, corpus, "char_noise:0.05@fields=candidate"), None)
    assert counted == []


def test_equal_candidates_stand_in_the_pools_order(engine: Callable[..., tuple[Engine, Prepared]]) -> None:
    """Of equal sentences the first is found first, as ties go to the lowest index."""
    examples, corpus = pairs(6)
    twins = tuple(Text(f"{text.id}b", "de", text.value) for text in corpus.texts)
    corpus = Corpus(corpus.id, corpus.texts + twins, corpus.answers)
    ranked = retrieved(*engine(examples, corpus), None).ranked
    for answer, text in zip(ranked[CLEAN, -1].answers, corpus.texts[:6], strict=True):
        assert answer.ids[:2] == (text.id, f"{text.id}b")  # type: ignore[union-attr]  # found


def test_an_encoder_too_short_for_candidates_is_refused(folder: Path) -> None:
    """LAReQA's candidates are longer than its queries: an encoder reads both, or is refused before anything runs."""
    located = replace(locate(folder, registry.load("task", "tatoeba")), config={"max_position_embeddings": 128})
    with pytest.raises(ModelError, match="reads 128 tokens, but lareqa has inputs of 256"):
        check_length(located, registry.load("task", "lareqa"))


def test_queries_that_the_pool_cannot_answer_are_counted(folder: Path) -> None:
    """Where the right candidate is not in the pool a query counts as not found, and a note says how many these are."""
    examples, corpus = pairs(6)
    lost = [replace(example, target=Document(()), fingerprint="") for example in examples[:2]]
    spec = registry.load("task", "tatoeba")
    task_run = TaskRun(spec, "de", "test", "", 6, 6, (), locate(folder, spec))
    assert "2 of 6 queries have no right candidate" in with_pool(task_run, corpus, [*lost, *examples[2:]]).note
    assert with_pool(task_run, corpus, examples).note == ""
    mined = replace(task_run, task=registry.load("task", "bucc"), split="validation")
    assert "the split on which its threshold is tuned" in with_pool(mined, corpus, examples).note


def test_pairs_are_mined_above_a_threshold_of_clean_data(engine: Callable[..., tuple[Engine, Prepared]]) -> None:
    """The clean threshold serves every condition; beside it are the pairs of the condition's own."""
    examples, corpus = pairs(15, "bucc")
    tuned = Split("bucc", "de", "validation", tuple(examples), (), corpus=corpus)
    made = engine(examples, corpus, "char_noise:0.6@fields=query", task="bucc")
    result = retrieved(*made, tuned)
    ranked, threshold = result.ranked, result.threshold
    assert threshold is not None
    assert np.isfinite(threshold)
    clean, noisy = ranked[CLEAN, -1], ranked["char_noise:0.6@fields=query", 0]
    right = [example.target == answer for example, answer in zip(examples, clean.answers, strict=True)]
    assert sum(right) >= 12
    assert clean.answers == clean.retuned
    hits = sum(example.target == answer for example, answer in zip(examples, noisy.answers, strict=True))
    assert hits < sum(right)


def test_vectors_that_are_no_numbers_are_no_answers(
    engine: Callable[..., tuple[Engine, Prepared]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A condition with such a vector has no answers, so that its cell fails by name."""
    examples, corpus = pairs(5)
    monkeypatch.setattr(Engine, "_embed", lambda _, __, values: np.full((len(values), 16), np.nan, np.float32))
    made = engine(examples, corpus)
    ranked = retrieved(*made, None).ranked
    assert ranked[CLEAN, -1].answers == (None,) * 5
