"""Controls and volumes of training data: labels that say nothing, masked LM at equal steps, subsets that are nested."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.lessons import lessons as lesson_files
from tests.some import some
from tests.tiny import (
    choice_example,
    pair_example,
    question_example,
    search_example,
    tagged_example,
    tiny_encoder_folder,
    tiny_tokenizer,
)

from robust_xtreme.core.examples import Answers, Choice, Example, Tags
from robust_xtreme.models.loading import read_encoder
from robust_xtreme.training.chain import chain_of
from robust_xtreme.training.learn import learning
from robust_xtreme.training.lessons import Lesson, lessons, shuffled, texts
from robust_xtreme.training.sampling import shared_out
from robust_xtreme.training.spec import StageSpec, TrainSpec
from robust_xtreme.training.stage import train
from robust_xtreme.training.values import from_values

COUNT = 300
PAIRS = [pair_example(f"{n}", f"p{n}", ("yes", "no", "so")[n % 3], n % 3) for n in range(COUNT)]
CHOICES = [choice_example(f"{n}", f"p{n}", ["a", "b", "c"][: 2 + n % 2], n // 2 % 2) for n in range(COUNT)]
WORDS = (("Ana", "PER"), ("Rome", "LOC"), ("saw", "O"))
WORDS_OF = [[WORDS[(n + number) % 3] for number in range(n % 4 + 1)] for n in range(COUNT)]
SENTENCES = [
    tagged_example(f"{n}", [word for word, _ in tagged], [tag for _, tag in tagged])
    for n, tagged in enumerate(WORDS_OF)
]
QUESTIONS = [question_example(f"{n}", f"what of {n}?", f"{n} is rain {n}", "rain") for n in range(COUNT)]
SEARCHES = [search_example(f"{n}", f"q{n}", f"c{n}") for n in range(COUNT)]


def _quiet(_: str) -> None:
    """Ignore a message."""


def _index(example: Example) -> int:
    assert isinstance(example.target, Choice)
    return example.target.index


def _tags(example: Example) -> tuple[str, ...]:
    assert isinstance(example.target, Tags)
    return example.target.names


# -------------------------------------------------------------------------------------------------------------- labels


@pytest.mark.parametrize("examples", [PAIRS, CHOICES, SENTENCES, QUESTIONS, SEARCHES], ids=len)
def test_shuffling_depends_on_the_seed_alone(examples: list[Example]) -> None:
    """The same seed gives the same, another one something else; ids, order and number stay."""
    first, again, other = (shuffled(examples, seed) for seed in (0, 0, 1))
    assert first == again != other
    assert [example.id for example in first] == [example.id for example in examples]


def test_labels_of_pairs_keep_their_counts_and_lose_their_texts() -> None:
    """As many of each label as before; what was certain from the hypothesis is chance."""
    reordered = shuffled(PAIRS, 3)
    assert Counter(map(_index, reordered)) == Counter(map(_index, PAIRS)) == {0: 100, 1: 100, 2: 100}
    assert [example.texts for example in reordered] == [example.texts for example in PAIRS]
    agree = np.mean([_index(example) == _index(old) for example, old in zip(reordered, PAIRS, strict=True)])
    assert agree == pytest.approx(1 / 3, abs=0.09)


def test_choices_stay_among_examples_with_as_many() -> None:
    """No index points beyond its choices, and each number of choices keeps its counts."""
    reordered = shuffled(CHOICES, 3)
    for parity in (0, 1):
        assert Counter(map(_index, reordered[parity::2])) == Counter(map(_index, CHOICES[parity::2]))
    assert np.mean([_index(example) == _index(old) for example, old in zip(reordered, CHOICES, strict=True)]) < 0.65


def test_tags_change_places_among_all_words() -> None:
    """Sentences keep their number of words, tags their counts, and a word no longer tells its tag."""
    reordered = shuffled(SENTENCES, 3)
    assert list(map(len, map(_tags, reordered))) == list(map(len, map(_tags, SENTENCES)))
    assert Counter(tag for example in reordered for tag in _tags(example)) == Counter(
        tag for example in SENTENCES for tag in _tags(example)
    )
    pairs = [
        pair
        for example, old in zip(reordered, SENTENCES, strict=True)
        for pair in zip(_tags(example), _tags(old), strict=True)
    ]
    assert np.mean([first == old for first, old in pairs]) == pytest.approx(1 / 3, abs=0.07)


def test_questions_and_candidates_change_places() -> None:
    """Contexts keep their answers, whose places stay right; queries keep their ids. Questions change places."""
    reordered = shuffled(QUESTIONS, 3)
    for example, old in zip(reordered, QUESTIONS, strict=True):
        assert (example.target, example.texts["context"]) == (old.target, old.texts["context"])
        assert isinstance(example.target, Answers)
    assert {example.texts["question"].value for example in reordered} == {
        example.texts["question"].value for example in QUESTIONS
    }
    kept = [
        example.texts["question"] == old.texts["question"] for example, old in zip(reordered, QUESTIONS, strict=True)
    ]
    assert np.mean(kept) < 0.05
    moved = shuffled(SEARCHES, 3)
    assert [example.texts["query"] for example in moved] == [example.texts["query"] for example in SEARCHES]
    assert {example.texts["candidate"].value for example in moved} == {
        example.texts["candidate"].value for example in SEARCHES
    }


def test_the_texts_of_examples_occur_once() -> None:
    """What masked LM reads in the place of a task: every text, none twice, none empty."""
    examples = [pair_example("1", "a", "b"), pair_example("2", "a", " "), pair_example("3", "c", "b")]
    assert texts(examples) == ["a", "b", "c"]


# --------------------------------------------------------------------------------------------------------------- runs


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Release files with thirty-two lessons a task."""
    return lesson_files(tmp_path / "data")


@pytest.fixture
def encoder(tmp_path: Path) -> Path:
    """A tiny random encoder."""
    return tiny_encoder_folder(tmp_path / "encoder")


def _spec(data: Path, encoder: Path, tasks: Sequence[str] = ("xnli", "panx"), **changed: Any) -> TrainSpec:
    stage = {"tasks": list(tasks), "epochs": 2, "batch_size": 12, "lr": 5e-3, **changed}
    return from_values({"intermediate": stage, "data": data, "encoder": encoder, "device": "cpu"}).resolved()


@pytest.mark.parametrize(
    "changed", [{}, {"sampling": "temperature:2"}, {"mixing": "batches"}, {"steps": 5, "epochs": 0}]
)
def test_controls_take_as_many_steps_as_what_they_control(changed: dict[str, Any], data: Path, encoder: Path) -> None:
    """Steps, units a step and rates are the task's, and what is learned from are the task's own texts."""
    model = read_encoder(encoder)
    parts = {}
    for control in ("", "masked_lm", "shuffled_labels"):
        spec = _spec(data, encoder, control=control, **changed)
        (link,) = chain_of(spec, _quiet).links
        parts[control] = learning(link, spec, model, tiny_tokenizer())
    task, masked, shuffle = parts.values()
    assert task.plan.steps == masked.plan.steps == shuffle.plan.steps > 4
    assert task.plan.batch_size == masked.plan.batch_size == shuffle.plan.batch_size
    assert task.schedule == masked.schedule == shuffle.schedule
    assert [part.name for part in masked.parts] == ["masked_lm"]
    assert masked.heads == ()
    assert len(masked.parts[0].lengths) == len(
        texts([*_lesson(data, encoder, "xnli").examples, *_lesson(data, encoder, "panx").examples])
    )
    assert [part.lengths for part in task.parts] == [part.lengths for part in shuffle.parts]


def _lesson(data: Path, encoder: Path, task: str, **changed: Any) -> Lesson:
    spec = _spec(data, encoder, (task,), **changed)
    assert spec.intermediate is not None
    (part,) = lessons(spec.intermediate, spec, _quiet)
    return part


def test_a_masked_control_leaves_no_head(data: Path, encoder: Path, tmp_path: Path) -> None:
    """Its record names task and control; the overlap that it could have is known by its hashes all the same."""
    values = {"intermediate": {"tasks": ["xnli"], "steps": 3, "control": "masked_lm"}, "data": data, "encoder": encoder}
    run = train(from_values({**values, "out": tmp_path / "run", "device": "cpu"}))
    assert not (run / "heads").exists()
    record = json.loads((run / "stages" / "00-intermediate.json").read_text(encoding="utf-8"))
    assert (record["control"], record["task"], record["steps"]) == ("masked_lm", "xnli", 3)
    assert record["examples"] == 32
    assert record["per_task"]["masked_lm"]["examples"] > 32
    assert (run / "stages" / "00-intermediate.hashes").read_text(encoding="utf-8")


# -------------------------------------------------------------------------------------------------------------- volume


def _stage(data: Path, encoder: Path, tasks: Sequence[str], **changed: Any) -> dict[str, set[str]]:
    spec = _spec(data, encoder, tasks, **changed)
    assert isinstance(spec.intermediate, StageSpec)
    parts = lessons(spec.intermediate, spec, _quiet)
    return {part.task.name: {example.id for example in part.examples} for part in parts}


def test_a_smaller_limit_is_inside_a_larger(data: Path, encoder: Path) -> None:
    """Every volume contains the smaller ones, of each task; limits may be given task by task."""
    several = [_stage(data, encoder, ("xnli", "panx"), limit=str(size)) for size in (4, 9, 16, 31)]
    for smaller, larger in pairwise(several):
        for name in ("xnli", "panx"):
            assert smaller[name] < larger[name]
    named = _stage(data, encoder, ("xnli", "panx"), limit="xnli=4,panx=9")
    assert named == {"xnli": several[0]["xnli"], "panx": several[1]["panx"]}
    assert len(_stage(data, encoder, ("xnli", "panx"), limit="xnli=4")["panx"]) == 32


SAMPLINGS = ("proportional", "temperature:2", "capped:8", "temperature:4,capped:20")


@pytest.mark.parametrize("sampling", some(SAMPLINGS, 2))
def test_a_smaller_total_is_inside_a_larger(sampling: str, data: Path, encoder: Path) -> None:
    """However tasks share it out, and also where one of them has no more to give."""
    tasks = ("xnli", "panx", "tydiqa")
    several = [_stage(data, encoder, tasks, total=total, sampling=sampling) for total in (12, 30, 60, 90)]
    for smaller, larger in pairwise(several):
        assert all(smaller[name] <= larger[name] for name in tasks)
        assert sum(map(len, smaller.values())) < sum(map(len, larger.values()))


@pytest.mark.parametrize("sampling", some(SAMPLINGS, 2))
@pytest.mark.parametrize("total", [12, 44])
def test_totals_match_across_sets_of_tasks(total: int, sampling: str, tmp_path: Path, encoder: Path) -> None:
    """One task, two or three, also where one is small: as many examples together, up to one a task."""
    data = lesson_files(tmp_path / "data")
    lesson_files(tmp_path / "more", 64)
    (data / "xnli" / "train-en.tsv").write_bytes((tmp_path / "more" / "xnli" / "train-en.tsv").read_bytes())
    panx = (data / "panx" / "train-en.tsv").read_text(encoding="utf-8").split("\n\n")
    (data / "panx" / "train-en.tsv").write_text("\n\n".join(panx[:5]) + "\n", encoding="utf-8")
    for tasks in (("xnli",), ("xnli", "panx"), ("xnli", "panx", "tydiqa")):
        taken = _stage(data, encoder, tasks, total=total, sampling=sampling)
        assert total - len(tasks) < sum(map(len, taken.values())) <= total, tasks
        assert all(taken.values())


def test_small_totals_leave_every_task_something() -> None:
    """A task is never left out, whatever its share; what is left of a task that is used up goes to the others."""
    assert shared_out(2, (1000, 1000, 10), (0.4, 0.4, 0.2)) == (1, 1, 1)
    assert shared_out(100, (1000, 1000, 10), (0.4, 0.4, 0.2)) == (45, 45, 10)
    assert shared_out(100, (30, 1000, 10), (0.4, 0.4, 0.2)) == (30, 60, 10)
    assert shared_out(9000, (30, 1000, 10), (0.4, 0.4, 0.2)) == (30, 1000, 10)
