"""Distinct contents: examples share a number exactly where a model reads the same, in the order of their first."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.tiny import question_example, tagged_example

from robust_xtreme.core.columns import column_of
from robust_xtreme.core.examples import Example
from robust_xtreme.models.reading.reading import Contents, contents_of
from robust_xtreme.noise.conditions.condition import named
from robust_xtreme.noise.engine.noised import PerturbedExamples, field_texts, untouched
from robust_xtreme.run.prepare import ContentCodes, contents_at, distinct_rows


@given(st.lists(st.tuples(*[st.integers(-1, 2)] * 3), max_size=12))
def test_rows_are_numbered_in_the_order_of_their_first(rows: list[tuple[int, int, int]]) -> None:
    """As a dict that grows numbers them, with the index of the first of each."""
    known: dict[tuple[int, int, int], int] = {}
    numbers = [known.setdefault(row, len(known)) for row in rows]
    codes, firsts = distinct_rows(np.array(rows, np.int64).reshape(-1, 3))
    assert codes.tolist() == numbers
    assert firsts.tolist() == [rows.index(row) for row in known]


def test_contents_are_equal_where_all_that_is_read_is() -> None:
    """Values, spans and targets under noise: as equal as the examples are, and read from columns as from these."""
    passage = "The old stone bridge is wet, and old men wait on the bridge."
    questions = [question_example(f"q{number}", "where?", passage, word) for number, word in enumerate(passage.split())]
    words = ("Nyerere", "was", "born", "in", "Butiama")
    tagged = [tagged_example(f"t{number}", words, ("B-PER", "O", "O", "O", tag)) for number, tag in enumerate("BOBO")]
    for examples in (questions, tagged):
        _check(examples)


def _check(examples: list[Example]) -> None:
    golds, texts = column_of([example.target for example in examples]), field_texts(examples)
    clean = PerturbedExamples(examples, untouched(texts.texts), texts.numbers)
    codes = ContentCodes(clean, golds)
    conditions: list[PerturbedExamples | None] = [None]
    rows, read = [codes.of(None)], [*examples]
    field = next(iter(examples[0].texts))
    for spec in ("char_noise:0", f"char_noise:0@fields={field}", "char_noise:0.3", "char_noise:0.02"):
        shown = named(spec).shown(examples, 0)
        rows.append(codes.of(shown))
        conditions.append(shown)
        read += shown
    keys = [(*((name, text.value, text.spans) for name, text in it.texts.items()), it.target) for it in read]
    known: dict[object, int] = {}
    numbers = [known.setdefault(key, len(known)) for key in keys]
    assert distinct_rows(np.concatenate(rows))[0].tolist() == numbers
    assert len(examples) < len(known) < len(read)
    firsts = distinct_rows(np.concatenate(rows))[1]
    _check_equal(contents_at(clean, golds, conditions, firsts), contents_of([read[at] for at in firsts]))


def _check_equal(contents: Contents, others: Contents) -> None:
    assert (contents.ids, contents.values) == (others.ids, others.values)
    tables: list[tuple[Any, Any]] = [(contents.spans[name], others.spans[name]) for name in contents.values]
    if contents.golds is not None:
        tables.append((contents.golds, others.golds))
    for columns, expected in tables:
        for name in type(columns).__slots__:
            assert getattr(columns, name).tolist() == getattr(expected, name).tolist()
