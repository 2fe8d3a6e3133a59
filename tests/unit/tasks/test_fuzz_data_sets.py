"""Values of every type in every field of rows of data sets: kept as they are, or refused in one line."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

import pytest
from tests.values import VALUES, is_one_line

from robust_xtreme.core.errors import UserError
from robust_xtreme.tasks.adapters import hub
from robust_xtreme.tasks.formats import (
    ReadOptions,
    bucc_tsv,
    hellaswag_jsonl,
    iob2,
    jsonl,
    jsonl_choices,
    labelled_jsonl,
    line_pairs,
    mewsli_entities,
    mewsli_mentions,
    squad,
    tsv,
    tsv_paraphrases,
)
from robust_xtreme.tasks.formats._file import TextLine

SUITES: Final[Mapping[Any, dict[str, Any]]] = {
    labelled_jsonl: {"id": "1", "text": "a", "label": "b"},
    iob2: {"tokens": ["a", "b"], "tags": ["O", "O"]},
    jsonl_choices: {"premise": "a", "question": "cause", "choices": ["b", "c"], "label": 1},
    hellaswag_jsonl: {"premise": "a", "choices": ["b", "c", "d", "e"], "label": 1},
    tsv: {"premise": "a", "hypothesis": "b", "label": "neutral"},
    tsv_paraphrases: {"sentence1": "a", "sentence2": "b", "label": "1"},
    squad: {"context": "a b", "question": "c", "answers": [[0, 1]]},
    line_pairs: {"sentence": "a", "translation": "b"},
    bucc_tsv: {"id": "1", "sentence": "a", "translation": "b"},
    mewsli_entities: {"language": "en", "text": "a"},
    mewsli_mentions: {"mention": "a", "left": "", "right": "", "entity": "e"},
}
HUB: Final[Mapping[Callable[[Mapping[str, Any], str], dict[str, Any]], dict[str, Any]]] = {
    hub.pair: {"premise": "a", "hypothesis": "b", "label": "neutral"},
    hub.sentence: {"tokens": ["a"], "ner_tags": ["O"]},
    hub.question: {"context": "a b", "question": "c", "answers": {"text": ["a"], "answer_start": [0]}},
    hub.sentences: {"sentence1": "a", "sentence2": "b", "label": "1"},
    hub.translation: {"sentence1": "a", "sentence2": "b"},
    hub.causal: {"premise": "a", "question": "cause", "choice1": "b", "choice2": "c", "label": 1},
}


def leaves(value: Any) -> list[Any]:
    """The values that are neither lists nor objects, in order."""
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, (list, tuple)) else None
    return [value] if inner is None else [leaf for each in inner for leaf in leaves(each)]


@pytest.mark.parametrize("name", [*(module.__name__ for module in SUITES), *(reader.__name__ for reader in HUB)])
def test_rows_of_data_sets_are_refused_or_kept_as_they_are(name: str) -> None:
    """What a suite's or a hub's row has is a value of the row with its type, or one line: nothing becomes a text."""
    readers = {module.__name__: (module.record, row) for module, row in SUITES.items()}
    record, row = (readers | {reader.__name__: (reader, row) for reader, row in HUB.items()})[name]
    refused = 0
    for field in row.keys() - {"id"}:
        for value in _json_values():
            try:
                values = record({**row, field: value}, "f:1")
            except UserError as error:
                refused += is_one_line(error)
                continue
            given = [leaf for leaf in leaves(value) if isinstance(leaf, str)]
            there = leaves({key: each for key, each in values.items() if key != "answers"})
            assert all(type(leaf) in (str, int, type(None)) for leaf in there), (field, value, values)
            assert {leaf.strip() for leaf in there if isinstance(leaf, str)} <= {
                leaf.strip() for leaf in (*given, *leaves(row)) if isinstance(leaf, str)
            }, (field, value, values)
    assert refused > 20


def _json_values() -> list[Any]:
    values = []
    for text in VALUES:
        try:
            values.append(json.loads(text))
        except ValueError:
            continue
    return values


def test_fields_that_are_perturbed_are_texts_or_lists_of_words() -> None:
    """Another value of a field of a JSON line is refused with its line."""
    refused = 0
    for text in VALUES:
        try:
            record = jsonl.record_of(TextLine(7, f'{{"text": {text}}}', ""), "f", ReadOptions(("text",)))
        except UserError as error:
            refused += is_one_line(error, "f:7: ")
            continue
        (slot,) = record.slots
        value = json.loads(text)
        assert slot.value == (value if isinstance(value, str) else " ".join(value))
    assert refused > 20
