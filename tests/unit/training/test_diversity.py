"""The two measures of a task set's diversity, against numbers worked out by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from tests.tiny import choice_example, pair_example, question_example

from robust_xtreme.core import registry
from robust_xtreme.core.columns import Array
from robust_xtreme.core.errors import MissingData
from robust_xtreme.core.examples import NO_ANSWER, Example, kind_of
from robust_xtreme.core.specs import TaskSpec
from robust_xtreme.training.stage import Embedder, diversity, text_of

_VECTORS = {"x": (3.0, 0.0), "y": (0.0, 2.0), "back": (-1.0, 0.0), "nothing": (0.0, 0.0)}


def _stub() -> Embedder:
    """Vectors by the first line of a text."""
    return Embedder("stub", lambda texts: np.array([_VECTORS[text.partition("\n")[0]] for text in texts]))


def _task(name: str) -> TaskSpec:
    task: TaskSpec = registry.load("task", name)
    return task


def _label_type(task: TaskSpec) -> str:
    return kind_of(task.family).label_type(task.labels)


def _pairs(*firsts: str) -> list[Example]:
    return [pair_example(f"{index}{first}", first, "second") for index, first in enumerate(firsts)]


def test_the_distance_of_two_tasks_is_the_mean_over_all_pairs_across_them() -> None:
    """x to (x, y, back): 0, 1 and 2; y to them: 1, 0 and 1: in the mean 5/6."""
    table = diversity(
        [_task("xnli"), _task("pawsx")], {"xnli": _pairs("x", "y"), "pawsx": _pairs("x", "y", "back")}, _stub()
    )
    assert table["distance"] == pytest.approx(5 / 6, abs=1e-6)


def test_the_distance_within_a_task_leaves_out_pairs_of_an_example_with_itself() -> None:
    """(x, y, back): 1, 2 and 1 are 4/3 in the mean; a single example has no pair, a single task no other one."""
    table = diversity([_task("xnli")], {"xnli": _pairs("x", "y", "back")}, _stub())
    assert table["within"] == {"xnli": pytest.approx(4 / 3, abs=1e-6)}
    assert table["distance"] is None
    assert diversity([_task("xnli")], {"xnli": _pairs("x")}, _stub())["within"] == {"xnli": None}


def test_a_set_of_three_tasks_has_the_mean_over_its_three_pairs_whatever_their_sizes() -> None:
    """x-y 1, x-back 2, y-back 1 are 4/3, though one task has three examples."""
    examples = {"xnli": _pairs("x", "x", "x"), "pawsx": _pairs("y"), "xcopa": _pairs("back")}
    table = diversity([_task(name) for name in examples], examples, _stub())
    assert table["distance"] == pytest.approx(4 / 3, abs=1e-6)


def test_a_vector_of_nothing_is_at_distance_one_of_everything() -> None:
    """No direction is not a likeness, and no NaN."""
    table = diversity([_task("xnli"), _task("pawsx")], {"xnli": _pairs("nothing"), "pawsx": _pairs("x")}, _stub())
    assert table["distance"] == 1.0


def test_formats_and_label_types_are_counted_once_each() -> None:
    """Two formats and three label types: sets of three and of two labels differ, equal sets do not."""
    names = ("xnli", "pawsx", "xcopa", "americasnli")
    table = diversity([_task(name) for name in names], {name: _pairs("x") for name in names}, _stub())
    assert (table["formats"], table["label_types"]) == (2, 3)


def test_every_task_has_a_label_type_of_its_own_kind() -> None:
    """Each family's target is named; that there may be no answer is a type of its own."""
    assert _label_type(_task("xnli")) == "one of 3 labels"
    assert _label_type(_task("panx")) == "a tag per word, of 7"
    assert _label_type(_task("xcopa")) == "one of the texts given"
    assert _label_type(_task("tatoeba")) == "a document"
    assert _label_type(_task("tydiqa")) == "a span"
    assert _label_type(replace(_task("tydiqa"), labels=(NO_ANSWER,))) == "a span or none"


def test_the_sample_is_by_hash_bounded_and_nested() -> None:
    """The order of the examples counts for nothing, and a smaller sample is in the larger one."""
    asked: list[list[str]] = []

    def keep(texts: Sequence[str]) -> Array:
        asked.append(list(texts))
        return np.ones((len(texts), 2))

    spy = Embedder("spy", keep)
    examples = [pair_example(f"e{number}", f"text {number}", "") for number in range(40)]
    for given, size in ((examples, 10), (examples[::-1], 10), (examples, 20)):
        diversity([_task("xnli")], {"xnli": given}, spy, size)
    assert asked[0] == asked[1] == asked[2][:10]
    assert len(asked[2]) == 20
    assert asked[0] != [text_of(example) for example in examples[:10]]


def test_a_task_without_examples_is_named() -> None:
    """Nothing is measured of nothing."""
    with pytest.raises(MissingData, match="xnli"):
        diversity([_task("xnli")], {}, _stub())


def test_the_embedded_encoder_distinguishes_formats() -> None:
    """Questions are nearer to questions than to choices; the identity names weights, layer and length."""
    questions = [
        question_example(f"q{n}", f"Where is town {n}?", f"Town {n} is at the river.", "river") for n in range(40)
    ]
    choices = [choice_example(f"c{n}", f"He fell {n} times.", ("He was tired.", "It rained.")) for n in range(40)]
    table = diversity([_task("tydiqa"), _task("xcopa")], {"tydiqa": questions, "xcopa": choices})
    assert table["distance"] is not None
    assert table["within"]["tydiqa"] is not None
    assert 0 < table["within"]["tydiqa"] < table["distance"] < 2
    assert table["encoder"].endswith("mean:14/24 max_length=128")
    assert table == diversity([_task("tydiqa"), _task("xcopa")], {"tydiqa": questions[::-1], "xcopa": choices})
    assert set(table) == {"formats", "label_types", "distance", "encoder", "within"}
