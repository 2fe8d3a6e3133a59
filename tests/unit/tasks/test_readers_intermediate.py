"""Readers of intermediate tasks' files: what they yield, and a place and a line for every mistake."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.unit.tasks.test_intermediate import write_sample

from robust_xtreme.core import registry
from robust_xtreme.core.errors import DataError, MissingData
from robust_xtreme.core.examples import Choice
from robust_xtreme.core.specs import Row, TaskSpec
from robust_xtreme.tasks.formats import (
    ccg_tsv,
    commonsense_jsonl,
    cosmos_csv,
    hellaswag_jsonl,
    nli_pairs,
    qqp_tsv,
    siqa_jsonl,
)
from robust_xtreme.tasks.sources.source import load

Read = Callable[[str, str], tuple[Row, ...]]
LABELS = '{"N": 0, "S": "1"}'


def task(name: str) -> TaskSpec:
    """An intermediate task, or a part of one."""
    plus: TaskSpec = registry.load("intermediate", "anli_plus")
    parts = {part.name: part for part in plus.parts}
    spec: TaskSpec = parts[name] if name in parts else registry.load("intermediate", name)
    return spec


def lines(*rows: object) -> str:
    """Rows as JSON lines."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def pair(**changes: object) -> dict[str, Any]:
    """A row of MultiNLI or SNLI; a key that is changed to None is left out."""
    return _changed({"sentence1": "a", "sentence2": "b", "gold_label": "neutral", "pairID": "1n"}, changes)


def ending(**changes: object) -> dict[str, Any]:
    """A row of HellaSwag."""
    row = {"ctx_a": "a", "ctx_b": "then", "ctx": "a then", "endings": ["w", "x", "y", "z"], "label": 2}
    return _changed(row, changes)


def social(**changes: object) -> dict[str, Any]:
    """A row of Social IQa."""
    row = {"context": "c", "question": "q", "answerA": "x", "answerB": "y", "answerC": "z", "correct": "B"}
    return _changed(row, changes)


def commonsense(letters: str = "ABCDE", **changes: object) -> dict[str, Any]:
    """A row of CommonsenseQA."""
    choices = [{"label": letter, "text": f"t{letter}"} for letter in letters]
    return _changed({"id": "1", "answerKey": "C", "question": {"stem": "q", "choices": choices}}, changes)


def _changed(row: dict[str, Any], changes: dict[str, object]) -> dict[str, Any]:
    return {key: value for key, value in {**row, **changes}.items() if value is not None}


COSMOS = "id,context,question,answer0,answer1,answer2,answer3,label\n"
QQP = "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n"


def ccg(text: str, path: str, labels: str = LABELS) -> tuple[Row, ...]:
    """The reader of two files as one of one."""
    return ccg_tsv.read_parts([(text, path), (labels, "l")])


# -------------------------------------------------------------------------------------------------------- what is read


def test_objects_of_three_kinds_are_pairs() -> None:
    """MultiNLI's and SNLI's keys, ANLI's with its letters, and plain ones; labels by their names."""
    anli = {"uid": "u", "context": "c", "hypothesis": "h", "label": "e", "model_label": "n"}
    plain = {"premise": "p", "hypothesis": "h", "label": "contradiction"}
    rows = nli_pairs.read(lines(pair(), anli, plain), "f")
    assert [tuple(row.values.values()) for row in rows] == [
        ("a", "b", "neutral"),
        ("c", "h", "entailment"),
        ("p", "h", "contradiction"),
    ]
    assert [row.location for row in rows] == ["f:1", "f:2", "f:3"]


@pytest.mark.parametrize(
    "text",
    [
        "prem\thyp\tlabel\tgenre\na\tb\tneutral\tfiction\nc\td\t-\tfiction\n",
        "index\tsentence1\tsentence2\tlabel1\tgold_label\n0\ta\tb\tentailment\tneutral\n1\tc\td\tneutral\t-\n",
        "a\tb\tneutral\nc\td\t-\n",
        lines(pair(), pair(gold_label="-")),
    ],
)
def test_columns_and_objects_leave_out_what_nobody_agreed_on(text: str) -> None:
    """TaxiNLI's header, GLUE's, none and JSON: the pair whose label is a dash goes, the gold label counts."""
    (row,) = nli_pairs.read(text, "f")
    assert row.values == {"first": "a", "second": "b", "label": "neutral"}


def test_files_that_are_a_split_together_are_all_there(tmp_path: Path) -> None:
    """ANLI's three rounds are one split, in their order; with two of them the third is asked for."""
    for round, letter in ((1, "e"), (2, "n"), (3, "c")):
        path = tmp_path / "anli_v1.0" / f"R{round}" / "train.jsonl"
        path.parent.mkdir(parents=True)
        path.write_text(lines({"context": f"r{round}", "hypothesis": "h", "label": letter}), encoding="utf-8")
    loaded = load(task("anli"), tmp_path, "en", "train").examples
    assert [(example.id, example.target) for example in loaded] == [
        (f"anli/train/en/{at}", Choice(at)) for at in range(3)
    ]
    path.unlink()
    with pytest.raises(MissingData, match="without"):
        load(task("anli"), tmp_path, "en", "train")


def test_ids_of_undecided_pairs_leave_no_gaps(tmp_path: Path) -> None:
    """Places count the pairs that have a label, as copies that lost the others have them."""
    write_sample(task("snli").files["train"], tmp_path)
    loaded = load(task("snli"), tmp_path, "en", "train").examples
    assert [(example.id, example.target) for example in loaded] == [
        ("snli/train/en/0", Choice(0)),
        ("snli/train/en/1", Choice(2)),
    ]


def test_both_development_sets_of_multinli_are_one_split(tmp_path: Path) -> None:
    """Matched before mismatched, of the release or of GLUE."""
    for name in ("matched", "mismatched"):
        path = tmp_path / "multinli_1.0" / f"multinli_1.0_dev_{name}.jsonl"
        path.parent.mkdir(exist_ok=True)
        path.write_text(lines(pair(sentence1=name)), encoding="utf-8")
    loaded = load(task("mnli"), tmp_path, "en", "validation").examples
    assert [example.texts["premise"].value for example in loaded] == ["matched", "mismatched"]


def test_questions_of_quora_are_read_without_quotes() -> None:
    """A quotation mark is one as it is; a broken line among a thousand, or one without a label, is left out."""
    whole = "".join(f"{at}\t1\t2\tq{at}\tr\t{at % 2}\n" for at in range(2001))
    text = f'{QQP}{whole}7\t1\t2\t"Is it?\n8\t1\t2\t"Is it?\tr "x" \t\n'
    rows = qqp_tsv.read(text, "f")
    assert len(rows) == 2001
    assert rows[1].values == {"first": "q1", "second": "r", "label": "1"}
    assert qqp_tsv.read(f'{QQP}7\t1\t2\t"Is it?\t"a ""b"""\t1\n', "f")[0].values["second"] == '"a ""b"""'


def test_endings_continue_the_premise() -> None:
    """As jiant reads them: ctx_a, then ctx_b with each ending; where ctx_b is empty the ending is alone."""
    first, second = hellaswag_jsonl.read(lines(ending(), ending(ctx_b="", label=None)), "f")
    assert first.values == {"premise": "a", "choices": ("then w", "then x", "then y", "then z"), "label": 2}
    assert second.values == {"premise": "a", "choices": ("w", "x", "y", "z"), "label": None}


def test_records_of_cosmos_may_contain_commas_marks_and_line_ends() -> None:
    """A quoted field is a text with all of them, and the next record's place is the line that it begins on."""
    text = COSMOS + 'a,"x, ""y""\nz",q,1,2,3,4,3\nb,c,q,1,2,3,4,0\n'
    first, second = cosmos_csv.read(text, "f")
    assert first.values == {"premise": 'x, "y"\nz', "question": "q", "choices": ("1", "2", "3", "4"), "label": 3}
    assert [(row.native, row.location) for row in (first, second)] == [("a", "f:2"), ("b", "f:4")]


def test_letters_of_commonsense_are_places() -> None:
    """Choices are by their letters, whatever their order in the file; without an answer there is no label."""
    first, second = commonsense_jsonl.read(lines(commonsense("EDCBA"), commonsense(id="2", answerKey=None)), "f")
    assert first.values == {"premise": "q", "choices": ("tA", "tB", "tC", "tD", "tE"), "label": 2}
    assert (first.native, second.values["label"]) == ("1", None)
    assert "question" not in first.values


def test_labels_of_social_iqa_may_be_beside_its_rows(tmp_path: Path) -> None:
    """A file of rows and one of numbers from 1 give what one file with letters gives."""
    rows = [social(correct=None), social(correct=None, context="d")]
    for name, text in (("train.jsonl", lines(*rows)), ("train-labels.lst", "2\n3\n")):
        (tmp_path / "siqa").mkdir(exist_ok=True)
        (tmp_path / "siqa" / name).write_text(text, encoding="utf-8")
    two = load(task("siqa"), tmp_path, "en", "train").examples
    first = siqa_jsonl.read(lines(social(), social(context="d", correct="C")), "f")
    assert [example.target for example in two] == [Choice(row.values["label"]) for row in first]
    assert list(two[0].texts) == ["premise", "question", "choice1", "choice2", "choice3"]


def test_categories_are_numbered_in_their_file() -> None:
    """Numbers may be texts, as jiant writes some; the order is theirs."""
    (row,) = ccg("a b\tS N\n", "f", '{"S": "1", "N": 0}')
    assert row.values == {"words": ("a", "b"), "tags": ("S", "N"), "labels": {"N": 0, "S": 1}}
    assert list(row.values["labels"]) == ["N", "S"]


def _rewritten(text: str, change: str) -> str:
    """The text with other line ends, with a mark in front, or with letters of two code points."""
    match change:
        case "crlf":
            return text.replace("\n", "\r\n")
        case "mark":
            return "\ufeff" + text
    return unicodedata.normalize("NFD", text.replace(" a", " \u00e1"))


@pytest.mark.parametrize("change", ["crlf", "mark", "decomposed"])
@pytest.mark.parametrize("name", ["mnli", "qqp", "hellaswag", "cosmos_qa", "commonsense_qa", "siqa", "ccg"])
def test_line_ends_marks_and_normalisation(tmp_path: Path, name: str, change: str) -> None:
    """CRLF and a byte order mark make no difference; decomposed letters stay as they are."""
    spec = task(name)
    write_sample(spec.files["train"], tmp_path)
    wanted = load(spec, tmp_path, "en", "train").examples
    for path in filter(Path.is_file, tmp_path.rglob("*")):
        path.write_bytes(_rewritten(path.read_text(encoding="utf-8"), change).encode())
    loaded = load(spec, tmp_path, "en", "train").examples
    if change == "decomposed":
        assert not any("\u00e1" in text.value for example in loaded for text in example.texts.values())
        assert [example.target for example in loaded] == [example.target for example in wanted]
    else:
        assert loaded == wanted


# ----------------------------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("read", "text", "message"),
    [
        (nli_pairs.read, lines(pair(), pair())[:-9], "JSON"),
        (
            nli_pairs.read,
            lines(pair(gold_label=None)),
            "neither",
        ),
        (nli_pairs.read, lines(pair(sentence1=7)), "sentence1"),
        (nli_pairs.read, lines(pair(gold_label=" ")), "gold_label' is empty"),
        (nli_pairs.read, lines(pair(gold_label=1)), "gold_label' takes"),
        (nli_pairs.read, "a\tb\tneutral\nc\td\n", "2 columns"),
        (qqp_tsv.read, QQP.replace("question2", "q2"), "question2"),
        (
            qqp_tsv.read,
            QQP + "1\t1\t2\ta\tb\t1\n2\t1\n",
            "6 columns",
        ),
        (hellaswag_jsonl.read, lines(ending(endings=["a"])), "4 texts"),
        (hellaswag_jsonl.read, lines(ending(endings="abcd")), "list of texts"),
        (
            hellaswag_jsonl.read,
            lines(ending(), ending(label=4)),
            "from 0 to 3",
        ),
        (hellaswag_jsonl.read, lines(ending(label="1")), "not '1'"),
        (hellaswag_jsonl.read, lines(ending(ctx_b=None)), "ctx_b"),
        (hellaswag_jsonl.read, lines(ending(ctx_a=" ")), "ctx_a"),
        (cosmos_csv.read, "id,context\n", "question"),
        (cosmos_csv.read, COSMOS + "a,c,q,1,2,3,4\n", "7 fields"),
        (cosmos_csv.read, COSMOS + "a,c,q,1,2,3,4,4\n", "'4'"),
        (cosmos_csv.read, COSMOS + "a,,q,1,2,3,4,0\n", "context"),
        (cosmos_csv.read, COSMOS + 'a,"c,q,1,2,3,4,0\n', "valid csv"),
        (commonsense_jsonl.read, lines(commonsense("ABCD")), "A to E"),
        (commonsense_jsonl.read, lines(commonsense("ABCDD")), "D, D"),
        (
            commonsense_jsonl.read,
            lines(commonsense(answerKey="F")),
            "not 'F'",
        ),
        (commonsense_jsonl.read, lines(commonsense(answerKey=["A"])), "answerKey"),
        (commonsense_jsonl.read, lines(commonsense(question="q")), "question"),
        (commonsense_jsonl.read, lines(commonsense(id=None)), "'id'"),
        (
            commonsense_jsonl.read,
            lines(commonsense(question={"stem": "q", "choices": ["a"]})),
            "choices",
        ),
        (siqa_jsonl.read, lines(social(correct="D")), "not 'D'"),
        (
            siqa_jsonl.read,
            lines({"premise": "p", "choice1": "a", "choice2": "b", "question": "cause", "label": 1}),
            "context",
        ),
        (ccg, "a b\n", "1 column"),
        (ccg, "a b\tN S\nc d\tN\n", "2 words"),
        (ccg, "a b\tN X\n", "'X' is none"),
        (ccg, "\tN\n", "0 words"),
    ],
)
def test_what_is_not_a_row_is_named_with_its_line(read: Read, text: str, message: str) -> None:
    """Broken lines, keys and values, and labels outside of the set, are refused on one line."""
    with pytest.raises(DataError, match=message) as caught:
        read(text, "f")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ('{"N": 1, "S": 2}', "from 0"),
        ('{"N": 0, "S": 0}', "each number once"),
        ('{"N": 0, "S": "x"}', "not 'x'"),
        ('{"N": 0, "N": 1}', "occurs twice"),
        ('{"N": "' + "9" * 5000 + '"}', "9{79}"),
        ("[]", "JSON object"),
    ],
)
def test_labels_that_are_not_numbered_are_refused(labels: str, message: str) -> None:
    """A head's classes go by these numbers: none may be missing or occur twice."""
    with pytest.raises(DataError, match=message):
        ccg("a b\tN S\n", "f", labels)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ("1\n", "1 label"),
        ("1\n4\n", "'4'"),
        ("1\n0\n", "'0'"),
    ],
)
def test_labels_beside_rows_of_social_iqa_are_checked(labels: str, message: str) -> None:
    """As many as rows, each one of the three."""
    with pytest.raises(DataError, match=message):
        siqa_jsonl.read_parts([(lines(social(), social()), "f"), (labels, "l")])


@pytest.mark.parametrize(
    ("name", "path", "text"),
    [
        ("mnli", "multinli_1.0/multinli_1.0_train.jsonl", lines(pair(), pair(gold_label="maybe"))),
        ("qqp", "QQP/train.tsv", QQP + "1\t1\t2\ta\tb\t1\n1\t1\t2\ta\tb\tmaybe\n"),
    ],
)
def test_a_label_outside_of_the_set_is_refused_by_name(tmp_path: Path, name: str, path: str, text: str) -> None:
    """With its line, and what there is instead."""
    (tmp_path / path).parent.mkdir(parents=True)
    (tmp_path / path).write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match="maybe"):
        load(task(name), tmp_path, "en", "train")


@pytest.mark.parametrize("name", ["cosmos_qa", "commonsense_qa"])
def test_an_id_that_occurs_twice_is_refused(tmp_path: Path, name: str) -> None:
    """Rows with names of their own must differ in them."""
    spec = task(name)
    write_sample(spec.files["train"], tmp_path)
    (path,) = filter(Path.is_file, tmp_path.rglob("*"))
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("a2,", "a1,").replace('"c2"', '"c1"'), encoding="utf-8")
    with pytest.raises(DataError, match="not unique"):
        load(spec, tmp_path, "en", "train")


@pytest.mark.parametrize("reader", [hellaswag_jsonl, commonsense_jsonl])
def test_rows_of_a_suite_may_have_no_question(reader: Any) -> None:
    """A premise, two choices or more, and the place of the right one."""
    assert reader.FIELDS == ("premise", "choices", "label")
    row = {"premise": "p", "choices": ["a", "b"], "label": 1}
    assert reader.record(row, "f:1") == {"premise": "p", "choices": ("a", "b"), "label": 1}
    with pytest.raises(DataError, match="choices"):
        reader.record({**row, "label": 2}, "f:1")


def test_what_brings_missing_files_is_reported(tmp_path: Path) -> None:
    """Where was looked, and the hub; XTREME's scripts write none of these."""
    with pytest.raises(MissingData, match="--data") as error:
        load(task("hellaswag"), tmp_path, "en", "train")
    assert "XTREME" not in str(error.value)
    plus: TaskSpec = registry.load("intermediate", "anli_plus")
    with pytest.raises(MissingData, match="anli_plus"):
        load(plus, tmp_path, "en", "train")
