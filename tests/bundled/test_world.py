"""The world of the studies: what is bundled is what the generator writes, and no training row is in a test."""

from __future__ import annotations

import json
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Any, Final

import pytest
from tests.some import some
from tools.mini import endings, english, world
from tools.mini.build import Recipe
from tools.mini.meaning import LANGUAGES

from robust_xtreme.core import registry, resources
from robust_xtreme.core.targets.contamination import keys
from robust_xtreme.tasks.sources import loading
from robust_xtreme.tasks.sources.source import open_source
from robust_xtreme.tasks.sources.suite import Suite
from robust_xtreme.tasks.sources.survey import undescribed
from robust_xtreme.training.lessons import lessons
from robust_xtreme.training.spec import TrainSpec, from_tables

FEW: Final = 40
FOLDER: Final = resources.mini("world")


def rows(path: str) -> list[dict[str, Any]]:
    """The rows of a bundled file."""
    return [json.loads(line) for line in (FOLDER / path).read_text(encoding="utf-8").splitlines()]


def spec(**tables: Any) -> TrainSpec:
    """A run on the world."""
    values = {"data": "world", "from": "scratch", "size": "mini-32", "recipe": "scratch", **tables}
    return from_tables(values).resolved()


def tell(_: str) -> None:
    """Ignore a line."""


@pytest.mark.parametrize(
    "task", some(world.LESSONS, ("panx",), caught="test_the_generator_writes_the_first_rows_of_each_file")
)
def test_the_generator_writes_the_first_rows_of_each_file(task: str) -> None:
    """The same seed gives the same rows, in English and in the other languages; another seed gives others."""
    for language in ("en", *world.LESSONS[task].others):
        bundled = rows(f"{task}/train-{language}.jsonl")
        assert bundled[:FEW] == json.loads(json.dumps(list(islice(world.training(task, language), FEW))))
        assert bundled[:FEW] != json.loads(json.dumps(list(islice(world.training(task, language, 1), FEW))))


@pytest.mark.long
def test_the_generator_writes_the_bundled_bytes(tmp_path: Path) -> None:
    """The suite and the English word vectors are made again; of the vectors the last digits depend on the machine."""
    world.write(tmp_path / "world")
    english.write(tmp_path / "english", Recipe())
    for path in sorted((tmp_path / "world").rglob("*.*")):
        assert path.read_bytes() == (FOLDER / path.relative_to(tmp_path / "world")).read_bytes(), path.name
    for name in ("tokenizer.json", "tokenizer_config.json"):
        assert (tmp_path / "english" / name).read_bytes() == (resources.mini("english") / name).read_bytes()


def test_it_has_targets_with_tests_and_intermediate_tasks_in_several_languages() -> None:
    """The sections, their splits and languages, as --data world reads them."""
    suite = open_source("world")
    assert isinstance(suite, Suite)
    assert {name for name, splits in suite.tasks.items() if "test" in splits} == set(world.TARGETS)
    assert set(suite.codes) == set(LANGUAGES)
    assert [name for name in undescribed(suite) if not name.startswith("images/")] == []
    for task in ("mnli", "squad"):
        assert suite.languages(registry.load("intermediate", task)) == ("en", "de", "sw", "zh")
    for task in ("panx", "tydiqa"):
        target = registry.load("task", task)
        trained = [code for code in LANGUAGES if suite.holds(target, code, "train")]
        assert sorted(trained) == ["en", "hi", "ru", "sw", "tr"]
        assert min(len(rows(f"{task}/train-{code}.jsonl")) for code in trained) >= 1000


@pytest.mark.parametrize("task", some(world.TARGETS, ("panx",), caught="test_no_task_is_trained_on_a_row_of_a_test"))
def test_no_task_is_trained_on_a_row_of_a_test(task: str) -> None:
    """The passages, pairs and sentences of the tests are in no training file, nor are those of another task's."""
    suite, target = open_source("world"), registry.load("task", task)
    tested = {key for code in LANGUAGES for example in loading.load(target, suite, code, "test").examples
              for key in keys(example)}  # fmt: skip
    seen: dict[str, str] = {}
    several = [registry.load("task", name) for name in world.TARGETS]
    learned = [*several, *(registry.load("intermediate", name) for name in ("mnli", "squad", "hellaswag", "ccg"))]
    for taught in learned:
        for code in suite.languages(taught):
            if suite.holds(taught, code, "train"):
                for example in loading.load(taught, suite, code, "train").examples:
                    assert tested.isdisjoint(keys(example)), example.id
                    for key in keys(example):
                        first = seen.setdefault(key, taught.name)
                        assert first == taught.name or {first, taught.name} <= set(world.TARGETS), example.id


@pytest.mark.parametrize(
    "task",
    some(
        ["mnli", "squad", "hellaswag", "ccg", "anli_plus"],
        ("ccg",),
        caught="test_every_intermediate_task_is_read_and_screened",
    ),
)
def test_every_intermediate_task_is_read_and_screened(task: str) -> None:
    """The check for contamination of `train` passes for all targets, and nothing is left out."""
    run = spec(intermediate={"tasks": [task]}, target={"tasks": ["panx"]}, reported=list(world.TARGETS))
    assert run.intermediate
    (lesson,) = lessons(run.intermediate, run, tell)
    names = [task] if task != "anli_plus" else ["anli", "mnli", "snli"]
    assert len(lesson.examples) == sum(world.LESSONS[name].english for name in names)


def test_an_intermediate_task_in_another_language_has_the_english_meanings() -> None:
    """The same ids, clusters and labels as the first English rows, so that a comparison differs in language alone."""
    first = [(row["id"], row["cluster"], row["label"]) for row in rows("mnli/train-en.jsonl")]
    for code in ("de", "sw", "zh"):
        other = [(row["id"], row["cluster"], row["label"]) for row in rows(f"mnli/train-{code}.jsonl")]
        assert other == first[: len(other)]
        assert len(other) >= 900


@pytest.mark.parametrize(
    "count", some([10, 100, 1000], (100,), caught="test_few_examples_of_a_language_are_exactly_as_many")
)
def test_few_examples_of_a_language_are_exactly_as_many(count: int) -> None:
    """A limit divides no cluster: panx and tydiqa have one example each."""
    for task in ("panx", "tydiqa"):
        run = spec(target={"tasks": [task], "languages": ["sw"], "limit": str(count)}, reported=[task])
        assert run.target
        (lesson,) = lessons(run.target, run, tell)
        assert len(lesson.examples) == count


def test_categories_are_richer_than_parts_of_speech() -> None:
    """A verb's category names what it takes, and nouns of the same part of speech differ by their part."""
    counts = Counter(tag for row in rows("ccg/train-en.jsonl") for tag in row["tags"])
    assert counts["VERB(object-place-day)"] > 50
    assert counts["NOUN/subject"] > 50
    assert counts["NOUN/object"] > 50
    assert len(counts) > 3 * len({tag for row in rows("udpos/train-en.jsonl") for tag in row["tags"]})


def test_endings_are_balanced_and_not_told_by_their_place() -> None:
    """Each of four places has the right ending about as often, and no ending occurs twice in a row."""
    several = rows("hellaswag/train-en.jsonl")
    counts = Counter(row["label"] for row in several)
    assert min(counts.values()) > 0.22 * len(several)
    assert all(len(set(row["choices"])) == endings.CHOICES for row in several)
