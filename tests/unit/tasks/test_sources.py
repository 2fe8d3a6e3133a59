"""Readers of release files: what they keep, what they refuse, and where they say it is."""

from __future__ import annotations

import gzip
import hashlib
import json
import tracemalloc
import unicodedata
from pathlib import Path

import pytest

from robust_xtreme.core.errors import DataError
from robust_xtreme.run.plan import _in_short
from robust_xtreme.tasks.formats import iob2, numbered_lines, read_file, squad, tsv
from robust_xtreme.tasks.sources.source import open_source


def _values(text: str) -> list[tuple[str | None, ...]]:
    return [tuple(row.values[key] for key in ("first", "second", "label")) for row in tsv.read(text, "f")]


def _squad(context: str, answers: object, **question: object) -> str:
    asked = {"id": "q1", "question": "Where?", "answers": answers, **question}
    return json.dumps({"data": [{"paragraphs": [{"context": context, "qas": [asked]}]}]})


def _breaks(breaks: object) -> str:
    asked = {"id": "q1", "question": "Where?", "answers": []}
    return json.dumps({"data": [{"paragraphs": [{"context": "ab", "qas": [asked], "sentence_breaks": breaks}]}]})


def test_a_byte_order_mark_is_not_text(tmp_path: Path) -> None:
    """A byte order mark at the start of the file goes; one of a text stays, wherever it is."""
    (tmp_path / "f").write_bytes("\ufeff\ufeffa\ufeffb".encode())
    assert read_file(tmp_path / "f").text == "\ufeffa\ufeffb"


def test_bytes_that_are_not_utf8_are_named_with_their_line(tmp_path: Path) -> None:
    """Latin-1 text is refused with file, line and byte."""
    (tmp_path / "f").write_bytes(b"one\ntwo\ncaf\xe9\n")
    with pytest.raises(DataError, match="0xe9"):
        read_file(tmp_path / "f")


def test_compressed_data_have_a_limit_when_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small file whose content is large is refused in one line; below the limit its content is read."""
    monkeypatch.setattr("robust_xtreme.tasks.formats._file._MOST_UNPACKED", 3 << 20)
    (tmp_path / "f").write_bytes(gzip.compress(b"\xef\xbb\xbfa" + bytes(3 << 20)))
    with pytest.raises(DataError, match="3 MiB"):
        read_file(tmp_path / "f")
    (tmp_path / "f").write_bytes(gzip.compress(b"\xef\xbb\xbfa"))
    assert read_file(tmp_path / "f") == ("a", hashlib.sha256(b"\xef\xbb\xbfa").hexdigest())
    (tmp_path / "f").write_bytes(gzip.compress(b"a")[:-4])
    with pytest.raises(DataError, match="cut off"):
        read_file(tmp_path / "f")


def test_unpacking_takes_the_memory_of_the_content(tmp_path: Path) -> None:
    """Not that of the most that is unpacked, which a limit of addresses refuses."""
    (tmp_path / "f").write_bytes(gzip.compress(b"a" * 100_000))
    tracemalloc.start()
    try:
        assert len(read_file(tmp_path / "f").text) == 100_000
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_a_folder_instead_of_a_file_is_named(tmp_path: Path) -> None:
    """What cannot be read is an error with its path and the system's reason."""
    with pytest.raises(DataError, match="directory"):
        read_file(tmp_path)


def test_only_line_feeds_end_lines() -> None:
    """CRLF and LF end a line, a missing last one makes no difference, and Unicode's other separators are text."""
    assert list(numbered_lines("a\u2028b\x85\r\nc\x0b\x1c\n\nd")) == [
        (1, "a\u2028b\x85"),
        (2, "c\x0b\x1c"),
        (3, ""),
        (4, "d"),
    ]
    assert list(numbered_lines("\n\r\n")) == []


@pytest.mark.parametrize(
    "head", ["premise\thypothesis\n", "id\tsentence1\tsentence2\n", "premise\thypothesis\tlabel\n"]
)
def test_a_line_of_names_is_no_pair(head: str) -> None:
    """Also where no label is among them; a third column of another name can be the label of a pair."""
    cells = ["7"] * head.startswith("id") + ["a", "b"] + ["neutral"] * ("label" in head)
    assert [(row[0], row[1]) for row in _values(head + "\t".join(cells))] == [("a", "b")]
    assert _values("premise\thypothesis\tanswer\n") == [("premise", "hypothesis", "answer")]


def test_pairs_with_and_without_labels() -> None:
    """Three columns have a label, two have none, and texts keep their blanks and normalisation."""
    decomposed = unicodedata.normalize("NFD", "né")
    assert _values(f" {decomposed}\tb \t neutral \r\n\t\tentailment") == [
        (f" {decomposed}", "b ", "neutral"),
        ("", "", "entailment"),
    ]
    assert _values("a\tb\nc\td\n") == [("a", "b", None), ("c", "d", None)]


def test_quoting_of_csv_writers_is_undone() -> None:
    """XTREME's preprocessing quotes fields that contain a quotation mark; plain quotation marks are text."""
    rows = _values('"say ""hi"" now"\t"whole quote"\tx\n"open\t""\tx\n')
    assert rows == [('say "hi" now', '"whole quote"', "x"), ('"open', '""', "x")]


def test_named_columns_may_be_anywhere() -> None:
    """A header with the names of premise, hypothesis and label says where they are."""
    assert _values("pairID\tlabel\thyp\tprem\n7\tneutral\tb\ta\n") == [("a", "b", "neutral")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\tb\tc\na\tb\n", "2 columns"),
        ("a\tb\n\nc\td\n", "1 column, the lines"),
        ("a\n", "1 column, expected"),
        ("a\tb\tc\td\n", "4 columns"),
    ],
)
def test_wrong_columns_of_pairs_are_named(text: str, message: str) -> None:
    """A line with another number of columns is refused with its number."""
    with pytest.raises(DataError, match=message):
        tsv.read(text, "f")


def test_sentences_are_separated_by_empty_lines() -> None:
    """Several empty lines count as one, and each sentence knows its first line."""
    rows = iob2.read("\na\tO\nb\tB-PER\n\n \n\nc\tO", "f")
    assert [(row.native, row.location, row.values["words"], row.values["tags"]) for row in rows] == [
        ("0", "f:2", ("a", "b"), ("O", "B-PER")),
        ("1", "f:7", ("c",), ("O",)),
    ]


def test_words_without_tags() -> None:
    """A file of one column has no tags, as XTREME leaves its test files."""
    assert [row.values["tags"] for row in iob2.read("a\nb\n\nc\n", "f")] == [None, None]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\tO\nb\n", "1 column"),
        ("a\nb\tO\n", "2 columns"),
        ("a\tO\tx\n", "3 columns"),
    ],
)
def test_wrong_columns_of_words_are_named(text: str, message: str) -> None:
    """A line with another number of columns is refused with its number."""
    with pytest.raises(DataError, match=message):
        iob2.read(text, "f")


def test_offsets_count_code_points_of_the_text_as_it_is() -> None:
    """Decomposed letters, characters beyond the first plane and a mark at the start of a context keep offsets right."""
    context = "\ufeff" + unicodedata.normalize("NFD", "né 😀 Butiama")
    start = context.index("Butiama")
    (row,) = squad.read(_squad(context, [{"text": "Butiama", "answer_start": start}]), "f")
    assert row.values["context"] == context
    assert row.values["answers"] == ((start, start + 7),)


@pytest.mark.parametrize("answers", [[], [{"text": "", "answer_start": 0}], [{"text": "", "answer_start": -1}]])
def test_an_empty_answer_is_none(answers: list[dict[str, object]]) -> None:
    """A question whose answers were emptied has no answer."""
    assert squad.read(_squad("Butiama", answers), "f")[0].values["answers"] == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"data": [\n{"paragraphs" [', "f:2"),
        ("", "f:1"),
        ("[" * 100_000, "nested too deep"),
        ("[]", "'data'"),
        (
            '{"data": [{"paragraphs": [{"qas": []}]}]}',
            "paragraphs",
        ),
        (_squad("ab", [{"text": "b"}]), "answer_start"),
        (
            _squad("ab", [{"text": "b", "answer_start": True}]),
            "answer_start",
        ),
        (_squad("ab", [{"text": "b", "answer_start": -1}]), "does not fit"),
        (_squad("ab", [{"text": "b", "answer_start": 2}]), "^f: question 'q1': "),
        (_squad("ab", [{"text": "b", "answer_start": 0}]), "where 'a' is"),
        (_squad("ab", [], question="\ud83d"), "surrogate"),
        (_squad("ab", [], id=7), "'id'"),
        (_squad("ab", "a"), "a list"),
        (_squad("ab", {}), "answer_start"),
        (_squad("ab", {"text": ["a"], "answer_start": []}), "0 places"),
        (
            _squad("ab", {"text": ["a"], "answer_start": ["0"]}),
            "answer_start",
        ),
        (_squad("ab", [], is_impossible="no"), "true or false"),
        (
            _squad("ab", [{"text": "a", "answer_start": 0}], is_impossible=True),
            "has an answer",
        ),
        (_breaks([[0, 2], [1, 2]]), "the sentence at 1"),
        (
            _breaks([[0, 3]]),
            r"\[0, 3\]",
        ),
        (_breaks([0, 2]), "start, stop"),
        ('{"data": [{"context": 7, "question": "?"}]}', "'context'"),
    ],
)
def test_malformed_json_is_named(text: str, message: str) -> None:
    """What is not JSON is refused with its line, what is not SQuAD's with its place or the question's id."""
    with pytest.raises(DataError, match=message):
        squad.read(text, "f")


def test_four_kinds_of_squad_give_the_same_rows() -> None:
    """Lists of answers, lists of their texts and places, and rows without paragraphs are read alike."""
    nested = _squad("a b", [{"text": "b", "answer_start": 2}, {"text": "a", "answer_start": 0}])
    columns = _squad("a b", {"text": ["b", "a"], "answer_start": [2, 0]})
    flat = {"id": "q1", "context": "a b", "question": "Where?", "answers": {"text": ["b", "a"], "answer_start": [2, 0]}}
    readings = [squad.read(text, "f") for text in (nested, columns, json.dumps({"data": [flat]}))]
    assert readings[0] == readings[1]
    assert [(row.native, row.values) for row in readings[2]] == [(row.native, row.values) for row in readings[0]]
    assert readings[0][0].values == {"context": "a b", "question": "Where?", "answers": ((2, 3), (0, 1))}


def test_a_question_without_an_answer_is_marked() -> None:
    """SQuAD 2.0 marks it; its plausible answers are none, and one that is marked false is like any other."""
    plausible = [{"text": "b", "answer_start": 2}]
    (none,) = squad.read(_squad("a b", [], is_impossible=True, plausible_answers=plausible), "f")
    (some,) = squad.read(_squad("a b", plausible, is_impossible=False), "f")
    assert (none.values["answers"], none.values["impossible"]) == ((), True)
    assert some == squad.read(_squad("a b", plausible), "f")[0]


def test_sentence_breaks_are_kept() -> None:
    """LAReQA's paragraphs name their sentences; between them there may be characters of none."""
    (row,) = squad.read(_breaks([[0, 1], [1, 2]]), "f")
    assert row.values["sentences"] == ((0, 1), (1, 2))
    assert "sentences" not in squad.read(_squad("ab", []), "f")[0].values


def test_a_reason_has_no_path_and_keeps_its_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The name of the data folder is taken out where it is by itself, not where words contain it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "b" / "panx").mkdir(parents=True)
    reason = _in_short("b/panx/test-en.tsv: no labels below b. Looked for others.", open_source("b"))
    assert reason == "panx/test-en.tsv: no labels below the data folder."
