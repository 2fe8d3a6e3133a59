"""Formats of files that are perturbed: what is kept, and what moves."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.perturbed import CONLLU, FIELDS, SAMPLES, SPEC, SQUAD, TEXT, TEXTUAL, done
from tests.some import some

from robust_xtreme import perturb
from robust_xtreme.core.examples import Text
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.exchange.perturbing.files import PerturbJob, Totals, perturb_file
from robust_xtreme.noise.engine.noising import bound, noise_with
from robust_xtreme.tasks.formats import Slot, SlotResult
from robust_xtreme.tasks.formats._json import placed


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["bare", "byte order mark"])
@pytest.mark.parametrize("format", TEXTUAL)
def test_at_strength_0_every_byte_is_kept(format: str, mark: bytes, tmp_path: Path) -> None:
    """Spaces, escapes, numbers, CRLF, a byte order mark, NUL and a missing last line break come out as they went in."""
    data = mark + SAMPLES[format].encode()
    assert done(tmp_path, data, format, "char_noise:0") == data


@pytest.mark.parametrize("format", TEXTUAL)
def test_noise_falls_on_texts(format: str, tmp_path: Path) -> None:
    """At a higher strength every format changes, keeps its number of lines, and is the same again."""
    first = done(tmp_path, SAMPLES[format], format)
    assert first != SAMPLES[format].encode()
    assert first.count(b"\n") == SAMPLES[format].encode().count(b"\n")
    assert done(tmp_path, SAMPLES[format], format) == first
    assert done(tmp_path, SAMPLES[format], format, seed=1) != first


def test_a_line_gets_the_noise_of_a_string(tmp_path: Path) -> None:
    """Plain lines, fields of JSON and columns draw by language and value, as `robust_xtreme.perturb` does."""
    (wanted,) = perturb([TEXT], SPEC, language="sw")
    assert wanted != TEXT
    assert done(tmp_path, TEXT + "\n", "lines").decode() == wanted + "\n"
    assert json.loads(done(tmp_path, json.dumps({"text": TEXT}), "jsonl"))["text"] == wanted
    assert done(tmp_path, f"n,text\nx,{TEXT}", "csv").decode() == f"n,text\nx,{wanted}"
    assert done(tmp_path, f"x\t{TEXT}", "tsv").decode() == f"x\t{wanted}"


def test_other_values_of_a_json_line_keep_their_bytes(tmp_path: Path) -> None:
    """Only the string of the field is written again, in the file's own way of writing letters beyond ASCII."""
    line = '{"a" : 1.50,"text":"caf\\u00e9 Nyerere alizaliwa", "b":{"text":"left", "c":[ 1E5 ]}, "d":"\\/"}\n'
    new = done(tmp_path, line, "jsonl", "char_noise:1@ops=double").decode()
    assert new.startswith('{"a" : 1.50,"text":"')
    assert new.endswith('", "b":{"text":"left", "c":[ 1E5 ]}, "d":"\\/"}\n')
    assert "\\u00e9\\u00e9" in new


def test_a_row_has_its_own_language(tmp_path: Path) -> None:
    """`--language-field` takes the language from a key or a column; a text in Russian gets Russian letters."""
    rows = "".join(json.dumps({"text": "Москва столица", "code": code}) + "\n" for code in ("ru", "uk"))
    first, second = done(tmp_path, rows, "jsonl", language="", language_field="code").decode().splitlines()
    assert json.loads(first)["text"] == perturb(["Москва столица"], SPEC, language="ru")[0]
    assert json.loads(second)["text"] == perturb(["Москва столица"], SPEC, language="uk")[0]
    table = "text\tcode\nМосква столица\tru\n"
    new = done(tmp_path, table, "tsv", language="", language_field="code", fields=("text",)).decode()
    assert new == f"text\tcode\n{json.loads(first)['text']}\tru\n"


def test_columns_have_names_or_numbers(tmp_path: Path) -> None:
    """A named column makes the first line a header; numbers count from 1, with --header below a header."""
    named = done(tmp_path, f"id\ttext\n1\t{TEXT}\n", "tsv", fields=("text",)).decode()
    assert named.startswith("id\ttext\n1\t")
    assert named == done(tmp_path, f"id\ttext\n1\t{TEXT}\n", "tsv", fields=("2",), header=True).decode()
    assert done(tmp_path, f"id\ttext\n1\t{TEXT}\n", "tsv", "char_noise:1", fields=("2",)).decode().startswith("id\t")
    assert "text" not in done(tmp_path, f"id\ttext\n1\t{TEXT}\n", "tsv", "char_noise:1", fields=("2",)).decode()


def test_tags_stay_on_their_words(tmp_path: Path) -> None:
    """Words change, tags, columns, blank lines and comments do not, and no word is lost."""
    new = done(tmp_path, SAMPLES["conll"], "conll", "char_noise:1").decode()
    assert [line.split()[-1:] for line in new.splitlines()] == [
        line.split()[-1:] for line in SAMPLES["conll"].splitlines()
    ]
    assert new.startswith("-DOCSTART- O\n\n")
    new = done(tmp_path, SAMPLES["iob2"], "iob2", "char_noise:1").decode()
    assert [line.partition("\t")[2] for line in new.split("\n")] == ["B-PER", "I-PER\r", "O", "", "", "B-LOC"]
    assert all(line.partition("\t")[0] for line in new.split("\n") if line.strip())


def test_a_treebank_keeps_its_columns_and_its_text_follows(tmp_path: Path) -> None:
    """The form of a multiword token is noised, those of its words and of empty nodes are not; `# text` is rewritten."""
    new = done(tmp_path, CONLLU, "conllu", "char_noise:1@ops=double", language="de").decode()
    old, rows = ([line.split("\t") for line in text.splitlines()] for text in (CONLLU, new))
    forms = {row[0]: row[1] for row in rows if len(row) == 10}
    assert [row[2:] for row in rows] == [row[2:] for row in old]
    assert (forms["1"], forms["2"], forms["3.1"], forms["7"]) == ("It", "'s", "hidden", ".")
    assert forms["1-2"] != "It's"
    assert forms["6"] != "Zürich"
    assert rows[1] == [f"# text = {forms['1-2']} {forms['3']} {forms['4']}  {forms['5']} {forms['6']}."]
    assert rows[0] == old[0]


def test_a_text_without_the_words_is_put_together_again(tmp_path: Path) -> None:
    """Where `# text` does not contain the forms, it is made of them and of SpaceAfter."""
    new = done(tmp_path, CONLLU.replace("# text = It's raining", "# text = else"), "conllu", language="en").decode()
    forms = {row[0]: row[1] for row in (line.split("\t") for line in new.splitlines()) if len(row) == 10}
    wanted = " ".join(forms[name] for name in ("1-2", "3", "4", "5", "6")) + "."
    assert new.splitlines()[1] == f"# text = {wanted}"


@pytest.mark.parametrize("strength", ["0.2", "0.5", "1"])
@pytest.mark.parametrize("fields", [("context",), ("question",), ("context", "question")])
def test_answers_move_with_their_passage(fields: tuple[str, ...], strength: str, tmp_path: Path) -> None:
    """Every answer, plausible ones and sentences too, is at its place in the noisy context, and none is empty."""
    document = json.loads(
        done(tmp_path, SAMPLES["squad"], "squad", f"char_noise:{strength}", fields=fields, language="en")
    )
    clean, passage = SQUAD["data"][0]["paragraphs"][0], document["data"][0]["paragraphs"][0]
    context, old = passage["context"], clean["context"]
    assert (context != old) == ("context" in fields)
    kinds = ("answers", "plausible_answers")
    asked = [answer for question in passage["qas"] for kind in kinds for answer in question.get(kind, [])]
    for answer in asked:
        assert context[answer["answer_start"] : answer["answer_start"] + len(answer["text"])] == answer["text"]
    assert [bool(answer["text"]) for answer in asked] == [True, False, True, True]
    assert [context[start:stop] for start, stop in passage["sentence_breaks"]] == passage["sentences"]
    row = document["data"][1]
    (start,), (text,) = row["answers"]["answer_start"], row["answers"]["text"]
    assert text
    assert row["context"][start : start + len(text)] == text
    assert document["after"] == SQUAD["after"]
    questions = [question["question"] for question in passage["qas"]]
    assert (questions != [question["question"] for question in clean["qas"]]) == ("question" in fields)


def test_spans_of_a_json_line_move(tmp_path: Path) -> None:
    """In JSON lines `answers` move with `context`, as pairs or as lists; words are a list of their own."""
    context = "Nyerere alizaliwa Butiama"
    rows = [
        {"context": context, "answers": [[18, 25]], "tokens": ["Rais", "Nyerere"]},
        {"context": context, "answers": {"text": ["Butiama"], "answer_start": [18]}, "tokens": ["a"]},
    ]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    first, second = done(tmp_path, text, "jsonl", "char_noise:1", fields=("context", "tokens")).decode().splitlines()
    pair, lists = json.loads(first), json.loads(second)
    ((start, stop),) = pair["answers"]
    assert pair["context"][start:stop] == lists["answers"]["text"][0] != "Butiama"
    assert lists["answers"]["answer_start"] == [start]
    assert len(pair["tokens"]) == 2
    assert all(pair["tokens"])


def test_edit_counts_have_a_row_for_every_text(tmp_path: Path) -> None:
    """A row a text: its id, status, eligible letters, edits by operator and edit rate, which the totals sum up."""
    (tmp_path / "in").write_text(f"{TEXT}\n1234\n")
    totals = perturb_file(
        PerturbJob(
            str(tmp_path / "in"),
            SPEC,
            str(tmp_path / "out"),
            language="sw",
            format="lines",
            edit_counts=str(tmp_path / "edit_counts"),
        )
    )
    rows = [line.split("\t") for line in (tmp_path / "edit_counts").read_text().splitlines()]
    head, first, second = (dict(zip(rows[0], row, strict=True)) for row in rows)
    assert (first["place"], first["status"], first["language"], first["field"]) == ("1", "ok", "sw", "line")
    assert first["graphemes"] == str(len(TEXT))
    assert float(first["edit_rate"]) == pytest.approx(int(first["edited"]) / len(TEXT), abs=1e-6)
    assert 0 < sum(int(part.partition(":")[2]) for part in first["edits"].split()) <= int(first["eligible"])
    assert (second["status"], second["eligible"], second["edits"]) == ("unchanged", "0", "")
    assert head["id"] == "id"
    assert totals[:4] == Totals(2, 1, 0, 0)[:4]
    assert totals.rates == pytest.approx(float(first["edit_rate"]), abs=1e-6)
    assert totals.summary().startswith("2 texts, 50.0 % edited, mean grapheme edit rate ")


def test_an_enormous_line_is_read(tmp_path: Path) -> None:
    """A line of several megabytes is a text like any other."""
    text = "Habari ya asubuhi " * 150_000
    assert abs(len(done(tmp_path, json.dumps({"text": text}), "jsonl", "char_noise:0.01")) / len(text) - 1) < 0.01


def _rows(many: int) -> str:
    return "".join(json.dumps({"id": n, "text": f"{TEXT} {n}"}) + "\n" for n in range(many))


def _articles(many: int) -> str:
    passage = SQUAD["data"][0]["paragraphs"]
    return json.dumps({"data": [{"title": str(n), "paragraphs": passage} for n in range(many)]})


@pytest.mark.parametrize(
    ("format", "make", "many"),
    some([("jsonl", _rows, 1000), ("squad", _articles, 300)], 1),
)
def test_memory_does_not_grow_with_the_file(format: str, make: Callable[[int], str], many: int, tmp_path: Path) -> None:
    """Five times the lines, or the articles, take about as much memory."""
    peaks = []
    options: dict[str, Any] = {
        "language": "en",
        "format": format,
        "fields": FIELDS[format],
        "edit_counts": str(tmp_path / "edit_counts"),
    }
    job = PerturbJob(str(tmp_path / "in"), SPEC, str(tmp_path / "out"), force=True, **options)
    (tmp_path / "in").write_text(make(10))
    perturb_file(job)  # what is read once, whatever the file
    for size in (many, 5 * many):
        (tmp_path / "in").write_text(make(size))
        tracemalloc.start()
        perturb_file(job)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.3 * peaks[0]


def test_pieces_may_end_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A document read three bytes at a time is the same one, also within characters, escapes and strings."""
    text = SAMPLES["squad"].replace("Nyerere", 'Nye\\"re\\\\re {[')
    text = text.replace('"answer_start": 40', '"answer_start": 45').replace('"answer_start": 14', '"answer_start": 19')
    text = (
        text.replace('"answer_start": 16', '"answer_start": 21')
        .replace("25,", "30,")
        .replace("74", "79")
        .replace("24]", "29]")
    )
    whole = done(tmp_path, text, "squad")
    monkeypatch.setattr("robust_xtreme.tasks.formats._file._PIECE", 3)
    assert done(tmp_path, text, "squad") == whole


def test_json_is_read_as_python_reads_it() -> None:
    """The values are those of `json.loads`, and a string is where it says."""
    text = ' {"a": [1, -2.5e3, true, null, "\\u00e9\\ud83d\\ude00"], "b": {}, "c": [], "d": {"e": [[]]}} '
    value = placed(text, "file", 1)
    assert value == json.loads(text)
    assert json.loads(text[slice(*value["a"][4].range)]) == "é\U0001f600"


def test_half_a_surrogate_pair_elsewhere_is_left(tmp_path: Path) -> None:
    """Only a text that is noised must be of whole characters; other values keep even invalid characters."""
    line = '{"other": "\\ud800", "text": "Habari ya asubuhi"}'
    assert done(tmp_path, line, "jsonl").decode().startswith('{"other": "\\ud800", "text": "')


def test_a_range_may_reach_into_the_space_around_a_text() -> None:
    """The noisy text may be a part of what is in the file: ranges keep the space that they reach into."""
    clean = Text("id", "sw", "Nyerere alizaliwa")
    noised = noise_with(bound(PerturbationSpec.parse("char_noise:1@ops=double")), [clean], 0)[0]
    slot = SlotResult(Slot("context", "1", "  Nyerere alizaliwa \n"), noised, 2)
    assert slot.value == f"  {noised.text.value} \n"
    grown = len(noised.text.value) - len(clean.value)
    assert slot.moved(0, 21) == (0, 21 + grown)
    assert slot.moved(2, 19) == (2, 19 + grown)
    start, stop = slot.moved(1, 9)
    assert slot.value[start:stop] == " " + noised.text.value.partition(" ")[0]


def test_an_answer_that_is_one_object_moves(tmp_path: Path) -> None:
    """`answers` may be a single object with `text` and `answer_start`, in JSON lines and in SQuAD's format."""
    row = {"id": "r", "question": "Whose?", "context": "hello my dear world", "answers": {"text": "my"}}
    row["answers"] = {"text": "my", "answer_start": 6}
    texts = {"jsonl": json.dumps(row), "squad": json.dumps({"data": [row]})}
    for format, text in texts.items():
        document = json.loads(done(tmp_path, text, format, "char_noise:1@ops=double", fields=("context",)))
        new = document if format == "jsonl" else document["data"][0]
        start, answer = new["answers"]["answer_start"], new["answers"]["text"]
        assert start > 6
        assert new["context"][start : start + len(answer)] == answer == "mmyy"


@pytest.mark.parametrize(
    "more",
    [{"sentence_breaks": [[0, 5], [6, 19]], "sentences": ["hello", "my dear world"]}, {"sentences": [[0, 5], [6, 19]]}],
)
def test_the_sentences_of_a_json_line_move(more: dict[str, object], tmp_path: Path) -> None:
    """Pairs of start and stop, under either name, and their texts are at their places in the noisy context."""
    text = json.dumps({"context": "hello my dear world", **more})
    document = json.loads(done(tmp_path, text, "jsonl", "char_noise:1@ops=double", fields=("context",)))
    pairs = document.get("sentence_breaks", document["sentences"])
    texts = [document["context"][start:stop] for start, stop in pairs]
    assert texts == ["hheelllloo", "mmyy ddeeaarr wwoorrlldd"]
    assert "sentence_breaks" not in document or document["sentences"] == texts


def test_sentences_that_are_none_of_a_context_are_kept(tmp_path: Path) -> None:
    """A key `sentences` with texts and no `sentence_breaks` is one like any other."""
    text = json.dumps({"context": "hello my dear world", "sentences": ["another text"]})
    document = json.loads(done(tmp_path, text, "jsonl", "char_noise:1", fields=("context",)))
    assert document["sentences"] == ["another text"]


@pytest.mark.parametrize("mark", ["\t", " "])
def test_the_suffix_conll_is_recognised_by_its_lines(mark: str, tmp_path: Path) -> None:
    """Word TAB tag and word SPACE tag are both called so; the tags stay in both."""
    lines = [f"{word}{mark}{tag}" for word, tag in (("Nyerere", "B-PER"), ("alizaliwa", "O"), ("Butiama", "B-LOC"))]
    (tmp_path / "in.conll").write_text("\ufeff-DOCSTART- O\n\n" * (mark == " ") + "\n".join([*lines, ""]))
    perturb_file(PerturbJob(str(tmp_path / "in.conll"), "char_noise:1", str(tmp_path / "out"), language="sw"))
    new = [line for line in (tmp_path / "out").read_text().splitlines() if line and "DOCSTART" not in line]
    assert [line.partition(mark)[2] for line in new] == ["B-PER", "O", "B-LOC"]
    assert all(line.partition(mark)[0] != other.partition(mark)[0] for line, other in zip(lines, new, strict=True))


def test_texts_that_contain_few_tags_are_lines(tmp_path: Path) -> None:
    """A name that ends in .txt means lines, also where some end in O; `--format lines` means lines for any name."""
    (tmp_path / "in.txt").write_text("Habari ya asubuhi\nKundi O\nNyerere alizaliwa Butiama\n")
    job = PerturbJob(str(tmp_path / "in.txt"), SPEC, str(tmp_path / "out"), language="sw", force=True)
    assert perturb_file(job).texts == 3
    (tmp_path / "in.txt").write_text("Nyerere B-PER\n")
    assert perturb_file(replace(job, format="lines")).texts == 1


def test_a_key_may_be_written_with_escapes(tmp_path: Path) -> None:
    """SQuAD's `data` is the same key however its letters are written."""
    text = SAMPLES["squad"].replace('"data"', '"d\\u0061ta"')
    assert done(tmp_path, text, "squad").replace(b"\\u0061", b"a") == done(tmp_path, SAMPLES["squad"], "squad")
