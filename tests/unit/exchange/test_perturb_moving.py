"""Places in the texts of JSON lines: which move with which text, and which are refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.perturbed import done

from robust_xtreme.core.errors import DataError, UserError

TEXT = "Watoto hucheza karibu na mto mkubwa leo"
DOUBLED = "WWaattoottoo hhuucchheezzaa kkaarriibbuu nnaa mmttoo mmkkuubbwwaa lleeoo"
ANSWER = {"text": "mto", "answer_start": 25}
MOVED = {"text": "mmttoo", "answer_start": 46}


def doubled(tmp_path: Path, row: dict[str, Any], *fields: str, **options: Any) -> dict[str, Any]:
    """The row with every letter of its fields doubled."""
    new = done(tmp_path, json.dumps(row), "jsonl", "char_noise:1@ops=double", fields=fields, **options)
    document: dict[str, Any] = json.loads(new)
    return document


@pytest.mark.parametrize("field", ["context", "passage", "text"])
@pytest.mark.parametrize(
    ("more", "wanted"),
    [
        ({"answers": [ANSWER]}, {"answers": [MOVED]}),
        ({"answers": ANSWER}, {"answers": MOVED}),
        ({"answers": [{**ANSWER, "answer_end": None}]}, {"answers": [{**MOVED, "answer_end": None}]}),
        ({"answers": [{**ANSWER, "answer_end": 28}]}, {"answers": [{**MOVED, "answer_end": 52}]}),
        ({"answers": [{**ANSWER, "answer_end": 27}]}, {"answers": [{**MOVED, "answer_end": 51}]}),
        (
            {"answers": {"text": ["mto"], "answer_start": [25], "answer_end": [28]}},
            {"answers": {"text": ["mmttoo"], "answer_start": [46], "answer_end": [52]}},
        ),
        ({"spans": [[25, 28], [0, 6, "WHO"]]}, {"spans": [[46, 52], [0, 12, "WHO"]]}),
        (
            {"entities": [{"start": 25, "end": 28, "label": "X"}]},
            {"entities": [{"start": 46, "end": 52, "label": "X"}]},
        ),
        ({"answers": [ANSWER], "spans": [[0, 6]]}, {"answers": [MOVED], "spans": [[0, 12]]}),
        ({"sentence_breaks": [[0, 14], [15, 39]]}, {"sentence_breaks": [[0, 27], [28, 72]]}),
    ],
)
def test_places_move_with_their_text(
    more: dict[str, object], wanted: dict[str, object], field: str, tmp_path: Path
) -> None:
    """Under any key, answers with their ends, spans, entities and sentences are at the new positions of their texts."""
    written = doubled(tmp_path, {field: TEXT, **more}, field)
    assert written == {field: DOUBLED, **wanted}


@pytest.mark.parametrize(
    "row",
    [
        {"question": "Wapi?", "passage": TEXT, "answers": [ANSWER]},
        {"question": "Wapi?", "context": TEXT, "answers": [ANSWER], "spans": [[0, 5]], "answer_start": 3},
        {"question": "Wapi?", "text": TEXT, "spans": [[0, 5]]},
        {"question": "Wapi?", "passage": TEXT, "spans": [[25, 28]]},
        {"question": "Unajua?", "answers": ["ndiyo"], "answer": "jua", "label": 1},
        {"question": "Wapi?", "answers": None, "entities": ["Wapi"], "spans": [], "size": [[640, 480]], "weekend": 2},
    ],
)
def test_places_in_another_text_stay(row: dict[str, Any], tmp_path: Path) -> None:
    """Where only the question is noised, what is in the passage is left, and so is what names no place."""
    written = doubled(tmp_path, row, "question")
    assert written["question"] != row["question"]
    assert {**written, "question": row["question"]} == row


@pytest.mark.parametrize(
    ("row", "key", "line"),
    [
        ({"context": TEXT, "answer": "mto"}, "answer", "an answer"),
        ({"context": TEXT, "answers": ["la", "mto"]}, "answers", "an answer"),
        ({"context": TEXT, "answer_start": 25}, "answer_start", "looks like places"),
        ({"context": TEXT, "charSpan": [25, 28]}, "charSpan", "looks like places"),
        ({"context": TEXT, "mentions": [[25, 28]]}, "mentions", "looks like places"),
        ({"context": TEXT, "qas": [{"found": [{"start": 25}]}]}, "qas", "looks like places"),
        ({"context": TEXT, "tokens": [{"start": 0, "end": 6}]}, "tokens", "looks like places"),
        ({"id": "ab", "context": TEXT, "spans": {"start": [25]}}, "spans", "1 places"),
        ({"context": TEXT, "spans": [[25, 280]]}, "spans", "[25, 280]"),
        ({"id": TEXT * 9, "text": TEXT, "spans": [[25, 280]]}, "spans", "[25, 280]"),
        ({"passage": TEXT, "spans": [[25, 280]]}, "spans", "spans"),
        ({"passage": TEXT, "answers": [{**ANSWER, "text": "mt0"}]}, "answers", "none of the texts"),
        ({"id": "abc", "passage": TEXT, "spans": [[0, 3]]}, "spans", "passage"),
        ({"context": TEXT, "answers": [{**ANSWER, "answer_end": 30}]}, "answers", "28, not"),
        (
            {"context": TEXT, "answers": [{**ANSWER, "answer_start": 10**300}]},
            "answers",
            "at 1" + "0" * 79 + "... does",
        ),
    ],
)
def test_places_that_would_be_left_are_refused(row: dict[str, Any], key: str, line: str, tmp_path: Path) -> None:
    """What looks like places in a noised text is one line that names the key, and stays only with --keep."""
    field = next(name for name in ("context", "passage", "text") if name in row)
    with pytest.raises(DataError) as error:
        doubled(tmp_path, row, field)
    assert line in str(error.value)
    written = doubled(tmp_path, row, field, keep=(key,))
    assert (written[field], written[key]) == (DOUBLED, row[key])


def test_values_are_looked_into_however_deep_they_are(tmp_path: Path) -> None:
    """Positions in nested lists are found."""
    deep: Any = 3
    for _ in range(800):
        deep = [deep]
    row = {"context": TEXT, "deep": deep, "n": [[1, 2, 3], []], "nothing": None}
    assert doubled(tmp_path, row, "context") == {**row, "context": DOUBLED}
    with pytest.raises(DataError, match="inSpans"):
        doubled(tmp_path, {**row, "inSpans": deep}, "context")


def test_of_two_noised_texts_the_one_is_chosen_by_what_is_there(tmp_path: Path) -> None:
    """An answer moves with the text that contains it; where two contain it, it is refused."""
    row = {"title": "Mto", "passage": TEXT, "answers": [ANSWER]}
    assert doubled(tmp_path, row, "title", "passage")["answers"] == [MOVED]
    with pytest.raises(DataError, match="passage"):
        doubled(tmp_path, {**row, "title": TEXT}, "title", "passage")
    assert doubled(tmp_path, {**row, "title": TEXT}, "passage")["answers"] == [MOVED]
    empty = [{"text": "", "answer_start": 0}]
    assert doubled(tmp_path, {**row, "answers": empty}, "title", "passage")["answers"] == empty


@pytest.mark.parametrize("format", ["jsonl", "squad"])
@pytest.mark.parametrize("pairs", [[[15, 39], [0, 14]], [[0, 20], [15, 39]]])
def test_sentences_out_of_order_are_refused(pairs: list[list[int]], format: str, tmp_path: Path) -> None:
    """Breaks that run backwards or overlap are refused."""
    row: dict[str, Any] = {"context": TEXT, "sentence_breaks": pairs, "sentences": [TEXT[a:b] for a, b in pairs]}
    text = json.dumps(row if format == "jsonl" else {"data": [{"paragraphs": [{**row, "qas": []}]}]})
    with pytest.raises(DataError, match="sentence_breaks"):
        done(tmp_path, text, format, fields=("context",))


@pytest.mark.parametrize("format", ["jsonl", "squad"])
def test_an_edit_across_a_break_leaves_the_sentences_apart(format: str, tmp_path: Path) -> None:
    """Two words change places across a break: the first sentence contains both, and the second begins after it."""
    row = {"context": TEXT, "sentence_breaks": [[0, 9], [9, 39]], "qas": []}
    clean = {"data": [{"paragraphs": [row]}]} if format == "squad" else row
    new = json.loads(done(tmp_path, json.dumps(clean), format, "word_order:1", fields=("context",)))
    moved = new["data"][0]["paragraphs"][0] if format == "squad" else new
    assert moved["context"].startswith("hucheza Watoto ")
    assert moved["sentence_breaks"] == [[0, 14], [14, 39]]


def test_the_end_of_an_answer_moves_in_squad_too(tmp_path: Path) -> None:
    """`answer_end` follows the `answer_start` beside it."""
    asked = {"id": "q", "question": "Wapi?", "answers": [{**ANSWER, "answer_end": 28}]}
    text = json.dumps({"data": [{"paragraphs": [{"context": TEXT, "qas": [asked]}]}]})
    new = json.loads(done(tmp_path, text, "squad", "char_noise:1@ops=double", fields=("context",)))
    assert new["data"][0]["paragraphs"][0]["qas"][0]["answers"] == [{**MOVED, "answer_end": 52}]


@pytest.mark.parametrize(
    "more",
    [
        {"start": 25.0},
        {"start": "25"},
        {"char_offset": " 25.0"},
        {"pairs": [[25.0, 28.0]]},
        {"pairs": "[[25, 28]]"},
        {"pairs": "[(25, 28)]"},
        {"entity": '[{"start": 25, "end": 28}]'},
    ],
)  # fmt: skip
def test_places_that_are_written_otherwise_are_refused(more: dict[str, object], tmp_path: Path) -> None:
    """As floats, as pandas writes them, and as texts, as tables have them."""
    with pytest.raises(DataError, match="looks like places"):
        doubled(tmp_path, {"text": TEXT, **more}, "text")


@pytest.mark.parametrize("cell", ["25", "25.0", " 25", "[[25, 28]]"])
@pytest.mark.parametrize("name", ["csv", "tsv"])
def test_places_in_tables_are_refused(name: str, cell: str, tmp_path: Path) -> None:
    """Under the names of columns; a column that is kept stays."""
    mark = {"csv": ",", "tsv": "\t"}[name]
    quoted = f'"{cell}"' if name == "csv" and "," in cell else cell
    table = f"text{mark}start\n{TEXT}{mark}{quoted}\n"
    with pytest.raises(DataError, match="'start'"):
        done(tmp_path, table, name, "char_noise:1@ops=double", fields=("text",))
    kept = done(tmp_path, table, name, "char_noise:1@ops=double", fields=("text",), keep=("start",))
    assert kept.decode() == table.replace(TEXT, DOUBLED)


def test_a_text_whose_edits_are_stated_is_not_noised_again(tmp_path: Path) -> None:
    """The edits would be those of another text, also where none are written."""
    with pytest.raises(DataError, match="'edits'"):
        doubled(tmp_path, {"context": TEXT, "edits": [[[0, 1, 2]]]}, "context")


def test_what_is_kept_is_not_a_field(tmp_path: Path) -> None:
    """A key is noised or kept, and only keys of JSON lines can be kept."""
    with pytest.raises(UserError, match="--keep"):
        doubled(tmp_path, {"a": TEXT}, "a", keep=("a",))
    with pytest.raises(UserError, match="--keep"):
        done(tmp_path, TEXT, "lines", keep=("a",))
