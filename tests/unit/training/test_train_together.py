"""Families whose windows belong together: an example is planned as one, alone and beside other tasks."""

from __future__ import annotations

import dataclasses
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.learning import part_of, plan_of, windows_of_part
from tests.single_windows import singly
from tests.tiny import (
    choice_example,
    pair_example,
    question_example,
    search_example,
    tagged_example,
    tiny_encoder,
    tiny_tokenizer,
)

from robust_xtreme.core import registry
from robust_xtreme.core.contamination import comparable, keys, kind, unit
from robust_xtreme.core.examples import Corpus, Example, Span
from robust_xtreme.core.specs import Pool
from robust_xtreme.models.predictors.family import Family, windows_of
from robust_xtreme.training.module import Loader, Schedule, TrainingModule
from robust_xtreme.training.objective import HeadUnits, dev_score
from robust_xtreme.training.sampling import SamplingPlan
from robust_xtreme.training.spec import recipe

CHOICES = [choice_example(str(n), "x" * (n * 7 % 11), ["a", "b", "c", "d"][: 2 + n % 3], n % 2) for n in range(23)]
SEARCHES = [search_example(str(n), "q" * (n % 5 + 1), f"c{n}") for n in range(17)]
PAIRS = [pair_example(str(n), f"p{n}", "h", n % 3) for n in range(11)]
SENTENCES = [tagged_example(str(n), ["Ana"] * 70, ["O"] * 70) for n in range(5)]
XNLI, XQUAD = (registry.load("task", name) for name in ("xnli", "xquad"))


def _pool(rows: Any, task: str, split: str) -> Corpus:
    return Corpus(task, ())


SEARCH_TASK = dataclasses.replace(
    XNLI,
    name="search",
    family="retrieval",
    labels=(),
    perturbed=(("query",),),
    max_length=12,
    pool=Pool(_pool, max_length=20),
)


def _family(name: str) -> Family:
    member: Family = registry.load("family", name)
    return member


def _part(name: str, examples: list[Example], labels: tuple[str, ...] = ()) -> HeadUnits:
    return part_of(name, examples, labels, max_length=40)


def _plan(parts: list[HeadUnits], size: int) -> SamplingPlan:
    return plan_of(parts, size, 40, seed=3)


@pytest.mark.parametrize(("name", "examples"), [("choice", CHOICES), ("retrieval", SEARCHES)])
@pytest.mark.parametrize("size", [1, 4, 32])
def test_no_batch_tears_an_example_apart(name: str, examples: list[Example], size: int) -> None:
    """A batch has all windows of its examples, at most its size of them; an epoch sees each exactly once."""
    part = _part(name, examples)
    every = Counter(window.example for window in singly(windows_of_part(part)))
    plan = _plan([part], size)
    assert plan.epoch_steps == -(-len(examples) // size)
    seen: Counter[int] = Counter()
    for step in range(plan.epoch_steps):
        batch = next(Loader([part], plan, 1, 0).batches(step))
        counts = Counter(window.example for window in singly(batch.windows))
        assert counts == {index: every[index] for index in counts}
        assert len(counts) <= size
        assert batch.ids.shape[0] == len(batch.windows)
        seen.update(counts)
    assert seen == every


def test_windows_of_other_families_are_planned_one_by_one() -> None:
    """A unit is a window, also where an example has several; their lengths are what they were."""
    part = _part("tagging", SENTENCES, ("O",))
    windows = windows_of_part(part)
    assert len(part.lengths) == len(windows) > len(SENTENCES)
    assert part.lengths == tuple(len(window.input_ids) for window in singly(windows))


def test_tasks_of_both_kinds_are_learned_together() -> None:
    """Beside one another, too, a batch is of one task and contains whole examples; every task's loss is its own."""
    parts = [
        _part("choice", CHOICES[:1]),
        _part("retrieval", SEARCHES),
        _part("classification", PAIRS, XNLI.labels),
    ]
    plan = _plan(parts, 4)
    assert plan.starts == (0, 1, 1 + len(SEARCHES))
    assert len(plan.lengths) == 1 + len(SEARCHES) + len(PAIRS)
    assert plan.epoch_steps == 1 + 5 + 3
    module = TrainingModule(tiny_encoder(len(tiny_tokenizer())), parts, Schedule(1e-3, 10, 1, 0.0))
    seen: Counter[tuple[int, int, tuple[int, ...]]] = Counter()
    for step in range(plan.epoch_steps):
        batch = next(Loader(parts, plan, 1, 0).batches(step))
        (piece,) = batch.pieces
        assert torch.isfinite(module.training_step(batch, step))
        seen.update((piece.part, window.example, window.input_ids) for window in singly(batch.windows))
    assert seen == Counter(
        (number, window.example, window.input_ids)
        for number, part in enumerate(parts)
        for window in singly(windows_of_part(part))
    )


def test_recipes_are_those_of_the_official_scripts() -> None:
    """train_xcopa.sh and train_lareqa.sh of google-research/xtreme, for a large encoder; others from scratch."""
    choice, retrieval = (recipe("xtreme")[name] for name in ("choice", "retrieval"))
    assert (choice.epochs, choice.batch_size, choice.lr, choice.warmup) == (5, 32, 3e-5, 0)
    assert (retrieval.epochs, retrieval.batch_size, retrieval.lr, retrieval.warmup) == (3, 16, 2e-5, 0)
    assert {"choice", "retrieval"} <= set(recipe("scratch"))


def test_a_candidates_length_is_that_of_the_pool() -> None:
    """Windows of a task with a pool have two lengths; those of others are what their family makes of them."""
    example = search_example("1", "q" * 50, "c" * 50)
    windows = windows_of(_family("retrieval"), SEARCH_TASK, [example], tiny_tokenizer())
    assert [len(window.input_ids) for window in singly(windows)] == [12, 20]
    pair = [pair_example("1", "a", "b")]
    classification = _family("classification")
    assert singly(windows_of(classification, XNLI, pair, tiny_tokenizer())) == singly(
        classification.encode(pair, tiny_tokenizer(), XNLI.max_length, XNLI.stride)
    )


def test_a_task_with_a_pool_has_no_score_while_it_is_learned(tmp_path: Path) -> None:
    """It would take the whole pool's vectors after each epoch; the data are not even looked at."""
    assert dev_score(SEARCH_TASK, tmp_path / "nothing", torch.nn.Identity(), torch.nn.Identity(), None) is None


# ------------------------------------------------------------------------------------------------------------- overlap


def test_a_choice_counts_by_its_premise_and_choices() -> None:
    """How the question is put makes no difference; the choices and their order do."""
    example = choice_example("1", "It rained.", ["wet", "dry"], 0, "effect")
    same = choice_example("2", "it  rained.", ["Wet", "dry"], 1, "What was the effect?")
    assert unit(example) == unit(same)
    assert (unit(example).kind, unit(example).short) == ("pair", False)
    assert keys(example) == {unit(example).key}
    for other in (["dry", "wet"], ["wet", "dry", "x"], ["wet", "cold"]):
        assert unit(choice_example("3", "It rained.", other)).key != unit(example).key


def test_a_query_is_known_by_its_text_and_its_id() -> None:
    """A question that is a query elsewhere is found by its text, or by an id as long as SQuAD's."""
    native = "56beb4343aeaaa14008c925b"
    query = search_example(f"lareqa/test/de/{native}", "Wer?")
    assert unit(query).kind == "query text"
    english = search_example(f"lareqa/train/en/{native}", "Who?", "It was. It was. So.")
    assert unit(query).key != unit(english).key
    assert keys(query) & keys(english)
    assert unit(search_example("x/test/en/1", "WHO?")).key == unit(english).key
    assert not keys(search_example("x/test/en/1", "What?")) & keys(english)


def test_a_candidates_passage_is_a_passage() -> None:
    """Where a candidate's span says what its passage is, questions on that passage are found by it."""
    plain = search_example("1", "Who?", "It was. It was. So.")
    text = dataclasses.replace(plain.texts["candidate"], spans=(Span(7, 19, "context"),))
    marked = dataclasses.replace(plain, texts={**plain.texts, "candidate": text}, fingerprint="")
    asked = question_example("2", "Other?", " it was. So.", "So")
    assert keys(asked) & keys(marked)
    assert not keys(asked) & keys(plain)


def test_queries_and_questions_are_compared_and_entities_are_not() -> None:
    """A pool with files of its own contains no passages; one that is made of the rows may."""
    own_files = dataclasses.replace(SEARCH_TASK, pool=Pool(_pool, files=XNLI.files))
    assert kind(SEARCH_TASK) == kind(own_files) == "query text"
    assert comparable(SEARCH_TASK, kind(XQUAD))
    assert comparable(XQUAD, kind(SEARCH_TASK))
    assert comparable(own_files, kind(SEARCH_TASK))
    assert not comparable(own_files, kind(XQUAD))
    assert not comparable(XNLI, kind(SEARCH_TASK))
