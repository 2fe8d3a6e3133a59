"""Retrieval in a run: what is found, under which condition, with vectors that are computed once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.tiny import tiny_encoder_folder

from robust_xtreme.core import registry
from robust_xtreme.core.errors import ModelError
from robust_xtreme.core.examples import Corpus, Document, Example, Target, Text
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.files.cache import Cache
from robust_xtreme.models.config import check_length
from robust_xtreme.models.loading import Models
from robust_xtreme.models.located import locate
from robust_xtreme.models.predictors.cache import Store
from robust_xtreme.models.predictors.members.encoder_head import EncoderHead, _documents
from robust_xtreme.models.predictors.predictor import Predicted, Work, predictor_of
from robust_xtreme.models.reading.reading import Candidates
from robust_xtreme.noise.conditions.condition import CLEAN, Condition
from robust_xtreme.run.plan import with_pool
from robust_xtreme.run.prepare import Prepared, Variant, prepare
from robust_xtreme.run.task_run import TaskRun
from robust_xtreme.tasks.sources.rows import identity_of
from robust_xtreme.tasks.sources.source import Split

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


Made = Callable[..., tuple[Prepared, Callable[[], Predicted]]]


@pytest.fixture
def made(folder: Path, tmp_path: Path) -> Iterator[Made]:
    """A prepared task run, and what answers it."""

    def make(
        examples: list[Example],
        corpus: Corpus,
        *perturb: str,
        task: str = "tatoeba",
        shared: bool = True,
        tuned: Split | None = None,
    ) -> Any:
        spec = registry.load("task", task)
        located = locate(folder, spec)
        conditions = (Condition(CLEAN), *(Condition(noise, PerturbationSpec.parse(noise), (0,)) for noise in perturb))
        data, count = identity_of(examples, corpus), len(examples)
        task_run = TaskRun(spec, "de", "test", data, count, count, (), located, conditions)
        models = Models("cpu", "fp32")
        predictor = predictor_of(located, spec, lambda: models.load(located, spec))
        split = Split(task, "de", "test", tuple(examples), (), corpus=corpus, tuned=tuned)
        ready = prepare(task_run, split, predictor, shared)
        work = Work(4096, store=Store(stack.enter_context(closing(Cache(tmp_path, 1 << 24, print))), "s"))
        return ready, lambda: predictor.answer(ready.inputs, work)

    with ExitStack() as stack:
        yield make


def answers(predicted: Predicted, variant: Variant, retuned: bool = False) -> list[Target | None]:
    """The answers to the examples of a variant."""
    targets = predicted.retuned if retuned else predicted.targets
    assert targets is not None
    return [targets[index] for index in variant.inputs]


def test_each_query_finds_its_own_sentence(made: Made) -> None:
    """A candidate with the query's very words is the best; rankings contain as many as the pool says."""
    examples, corpus = pairs(16)
    ready, answer = made(examples, corpus)
    predicted = answer()
    rankings = answers(predicted, ready.variants[0])
    assert predicted.threshold is None
    assert [ranking.ids[0] for ranking in rankings] == [text.id for text in corpus.texts]  # type: ignore[union-attr]  # found
    assert {len(ranking.ids) for ranking in rankings} == {16}  # type: ignore[union-attr]  # found


def test_noise_on_the_pool_leaves_the_queries_alone(made: Made) -> None:
    """Which side is noised is the condition's: at full strength the pool differs, the queries do not."""
    examples, corpus = pairs(12)
    pool, query = "char_noise:1@fields=candidate", "char_noise:1@fields=query"
    ready, _ = made(examples, corpus, pool, query)
    clean, noisy, asked = ready.variants
    assert tuple(noisy.examples) == clean.examples
    assert noisy.pool != clean.pool
    assert asked.pool == clean.pool
    assert all(asked.examples[number] != clean.examples[number] for number in range(len(examples)))
    assert noisy.measured.numbers.tolist() == list(range(len(examples)))
    assert {noised.status for noised in noisy.measured.noised} == {"ok"}


def test_strength_nothing_changes_nothing(made: Made) -> None:
    """At strength 0 every ranking is that of the clean condition, whether or not vectors are shared."""
    examples, corpus = pairs(14)
    for shared in (True, False):
        ready, answer = made(examples, corpus, "char_noise:0@fields=candidate", shared=shared)
        predicted = answer()
        clean, noisy = (answers(predicted, variant) for variant in ready.variants)
        assert clean == noisy


def test_texts_that_noise_left_keep_their_vectors(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only changed texts are computed again, and nothing when the vectors are on disk."""
    examples, corpus = pairs(14)
    counted: list[int] = []
    embed = EncoderHead.embedded

    def counting(self: EncoderHead, name: str, values: Sequence[str], *how: Any) -> Any:
        counted.append(len(values))
        return embed(self, name, values, *how)

    monkeypatch.setattr(EncoderHead, "embedded", counting)
    ready, answer = made(examples, corpus, "char_noise:0.05@fields=candidate")
    answer()
    clean, noisy = (variant.pool.values for variant in ready.variants if variant.pool)
    changed = sum(a != b for a, b in zip(clean, noisy, strict=True))
    assert 0 < changed < 14
    assert sum(counted) == 14 + 14 + changed
    counted.clear()
    _, again = made(examples, corpus, "char_noise:0.05@fields=candidate")
    again()
    assert counted == []


def test_equal_candidates_are_in_the_pools_order(made: Made) -> None:
    """Of equal sentences the first is found first, as ties go to the lowest index."""
    examples, corpus = pairs(6)
    twins = tuple(Text(f"{text.id}b", "de", text.value) for text in corpus.texts)
    corpus = Corpus(corpus.id, corpus.texts + twins, corpus.answers)
    ready, answer = made(examples, corpus)
    for ranking, text in zip(answers(answer(), ready.variants[0]), corpus.texts[:6], strict=True):
        assert ranking.ids[:2] == (text.id, f"{text.id}b")  # type: ignore[union-attr]  # found


def test_documents_are_those_of_the_texts_found() -> None:
    """Each text represents its rows of the pool, in order, below 0 for none; the first twenty documents are kept."""
    ids = tuple(f"c{row}" for row in range(30))
    rows = [[0, 3], [1], [2, *range(4, 30)]]
    ranked = _documents(np.array([[1, 0, -1], [2, 1, 0], [-1, -1, -1]]), rows, Candidates(ids, ids))
    assert ranked[0] == Document(("c1", "c0", "c3"))
    assert ranked[1] == Document(tuple(f"c{row}" for row in rows[2][:20]))
    assert ranked[2] == Document(())


def test_an_encoder_too_short_for_candidates_is_refused(folder: Path) -> None:
    """LAReQA's candidates are longer than its queries: an encoder reads both, or is refused before anything runs."""
    located = replace(locate(folder, registry.load("task", "tatoeba")), config={"max_position_embeddings": 128})
    with pytest.raises(ModelError, match="128 tokens, but lareqa"):
        check_length(located, registry.load("task", "lareqa"))


def test_queries_that_the_pool_cannot_answer_are_counted(folder: Path) -> None:
    """Where the right candidate is not in the pool a query counts as not found, and a note says how many these are."""
    examples, corpus = pairs(6)
    lost = [replace(example, target=Document(()), fingerprint="") for example in examples[:2]]
    spec = registry.load("task", "tatoeba")
    task_run = TaskRun(spec, "de", "test", "", 6, 6, (), locate(folder, spec))
    assert "2 of 6 queries" in with_pool(task_run, corpus, [*lost, *examples[2:]]).note
    assert with_pool(task_run, corpus, examples).note == ""
    noted = with_pool(replace(task_run, note="Rows."), corpus, [*lost, *examples[2:]]).note
    assert noted.startswith("Rows. tatoeba de: 2 of 6 queries")
    mined = replace(task_run, task=registry.load("task", "bucc"), split="validation")
    assert "threshold" in with_pool(mined, corpus, examples).note


def test_pairs_are_mined_above_a_threshold_of_clean_data(made: Made) -> None:
    """The clean threshold serves every condition; beside it are the pairs of the condition's own."""
    examples, corpus = pairs(15, "bucc")
    tuned = Split("bucc", "de", "validation", tuple(examples), (), corpus=corpus)
    ready, answer = made(examples, corpus, "char_noise:0.6@fields=query", task="bucc", tuned=tuned)
    predicted = answer()
    assert predicted.threshold is not None
    assert np.isfinite(predicted.threshold)
    clean, noisy = (answers(predicted, variant) for variant in ready.variants)
    right = [example.target == answer for example, answer in zip(examples, clean, strict=True)]
    assert sum(right) >= 12
    assert clean == answers(predicted, ready.variants[0], retuned=True)
    hits = sum(example.target == answer for example, answer in zip(examples, noisy, strict=True))
    assert hits < sum(right)


def test_vectors_that_are_not_numbers_are_not_answers(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """A condition with such a vector has no answers, so that its cell fails by name."""
    examples, corpus = pairs(5)

    def nothing(_: EncoderHead, __: str, values: Sequence[str], *how: Any) -> Any:
        return np.full((len(values), 16), np.nan, np.float32)

    monkeypatch.setattr(EncoderHead, "embedded", nothing)
    _, answer = made(examples, corpus)
    predicted = answer()
    assert [predicted.answer(index) for index in range(5)] == [None] * 5
