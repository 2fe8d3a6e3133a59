"""Intermediate tasks on the files in the data folder: their sizes, labels and shapes."""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from tests.some import some

from robust_xtreme.core import registry
from robust_xtreme.core.contamination import keys, shared
from robust_xtreme.core.examples import Answers, Choice, Example
from robust_xtreme.core.specs import TaskSpec
from robust_xtreme.tasks.sources.rows import limit
from robust_xtreme.tasks.sources.source import Split, available, load

pytestmark = pytest.mark.real

SIZES = [
    # task, split, rows, clusters, labels or choices
    ("mnli", "train", 10071, 7044, 3),
    ("snli", "test", 9824, 3323, 3),
    ("squad", "validation", 10570, 2067, 0),
    ("squad_v2", "validation", 11873, 1204, 0),
    ("hellaswag", "train", 3368, 3340, 4),
    ("cosmos_qa", "validation", 2985, 2445, 4),
    ("commonsense_qa", "train", 9741, 9741, 5),
    ("commonsense_qa", "validation", 1221, 1221, 5),
    ("siqa", "validation", 1954, 1930, 3),
    ("siqa", "test", 2224, 2203, 3),
]


def _task(name: str) -> TaskSpec:
    plus: TaskSpec = registry.load("intermediate", "anli_plus")
    named_part: TaskSpec | None = next((part for part in plus.parts if part.name == name), None)
    return named_part or registry.load("intermediate", name)


@cache
def _split(data: Path, name: str, split: str) -> Split:
    """A split, read once."""
    return load(_task(name), data, "en", split)


def _examples(data: Path, name: str, split: str) -> tuple[Example, ...]:
    return _split(data, name, split).examples


@pytest.mark.parametrize(("name", "split", "rows", "clusters", "labels"), some(SIZES, 3))
def test_files_have_their_size(data: Path, name: str, split: str, rows: int, clusters: int, labels: int) -> None:
    """The rows of the files, each with a label, none of which is rare; equal passages or premises are one cluster."""
    loaded = _split(data, name, split)
    assert (len(loaded.examples), len({example.cluster for example in loaded.examples}), loaded.labelled) == (
        rows,
        clusters,
        True,
    )
    counts = Counter(example.target for example in loaded.examples if isinstance(example.target, Choice))
    assert set(counts) == {Choice(index) for index in range(labels)}
    assert all(0.9 * rows / labels < count < 1.1 * rows / labels for count in counts.values())
    assert all(text.value.strip() for example in loaded.examples for text in example.texts.values())


def test_half_of_the_new_questions_have_no_answer(data: Path) -> None:
    """SQuAD 2.0's development set has 5,945 questions without an answer; version 1.1 has none."""
    for name, empty in (("squad", 0), ("squad_v2", 5945)):
        golds = [
            example.target.spans
            for example in _examples(data, name, "validation")
            if isinstance(example.target, Answers)
        ]
        assert sum(not spans for spans in golds) == empty


def test_the_development_set_contains_the_passages_of_xquad(data: Path) -> None:
    """All 240, found by their text in English, and by their questions' ids in every translation."""
    trained = {key for example in _examples(data, "squad", "validation") for key in keys(example)}
    xquad: TaskSpec = registry.load("task", "xquad")
    for language in available(xquad, data, "validation"):
        overlap = shared(load(xquad, data, language, "validation").examples, trained)
        assert (overlap.count, overlap.total) == (240, 240), language


def test_the_sample_of_multinli_is_that_of_xnli(data: Path) -> None:
    """The same pairs and labels as XNLI's own training data in this folder."""
    mnli = _examples(data, "mnli", "train")
    xnli = load(registry.load("task", "xnli"), data, "en", "train").examples
    assert [example.fingerprint for example in mnli] == [example.fingerprint for example in xnli]
    assert {example.id for example in mnli}.isdisjoint(example.id for example in xnli)


def test_smaller_samples_are_in_larger_ones(data: Path) -> None:
    """A limit takes whole passages, and those of a lower one are among those of a higher."""
    examples = _examples(data, "cosmos_qa", "validation")
    sizes = [{example.id for example in limit(examples, count)} for count in (100, 400, 1600)]
    assert sizes[0] < sizes[1] < sizes[2]
    assert all(count <= len(size) for size, count in zip(sizes, (90, 390, 1590), strict=True))
