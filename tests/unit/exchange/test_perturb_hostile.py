"""Files and options that cannot be perturbed: one line, and nothing written."""

from __future__ import annotations

import fcntl
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from tests.perturbed import CONLLU, SAMPLES, SPEC, done

from robust_xtreme.core.errors import DataError, DiskError, SpecError, UnknownName, UserError
from robust_xtreme.core.examples import digest
from robust_xtreme.exchange.perturbing.files import PerturbJob, perturb_file

ENDED = 1 << 22
"""A number that no process has: Linux gives smaller ones."""

BROKEN = [
    ("jsonl", '{"text": "a"}\n{"text": \n', "in:2:"),
    ("jsonl", '{"text": "a", "text": "b"}', "occurs twice"),
    ("jsonl", "[1]", "JSON array"),
    ("jsonl", '{"text": 3}', "not 3"),
    ("jsonl", '{"txt": "a"}', "'text'"),
    ("jsonl", '{"text": "\\ud800"}', "surrogate"),
    ("jsonl", '{"text": "a\x00"}', "control character"),
    ("jsonl", '{"text": ' + "[" * 100_000, "nested too deep"),
    ("jsonl", b'{"text": "a"}\n{"text": "\xff"}', "0xff"),
    ("jsonl", "", "contains no texts."),
    ("lines", "\n \n", "contains no texts."),
    ("lines", b"ab\xe9", "0xe9"),
    ("tsv", "a\tb\nc\n", "1 cell"),
    ("tsv", "a\tb\n\nc\td\n", "--format iob2"),
    ("tsv", "a\n", "column '2'"),
    ("iob2", "a\tO\nb\n", "1 column"),
    ("iob2", "a\tO\nb B-LOC\n", "--format conll"),
    ("iob2", "a O\nb O\n", "--format lines"),
    (
        "iob2",
        "1" + "\ta" * 9 + "\n",
        "10 columns",
    ),
    ("iob2", "a\tO\nb\t\n", "empty tag"),
    ("iob2", "a\tb\tO\n", "3 columns"),
    (
        "conll",
        "a O\nb\n",
        "after 'b'",
    ),
    ("conll", "a O\nb\tO\n", "a tab"),
    ("conll", "a O\nb c\tO\n", "a tab"),
    ("conll", "a O\nb\tc O\n", "a tab"),
    ("conll", "a c\tO\nb O\n", "no tab"),
    ("conll", "a\tb\tO\n", "3 columns"),
    ("conll", "EU NNP B-NP  B-ORG\n", "4 columns"),
    ("conllu", "1\ta\n", "CoNLL-U"),
    (
        "conllu",
        "x\ta\t_\t_\t_\t_\t_\t_\t_\t_\n",
        "'x'",
    ),
    ("squad", "", "end of the file"),
    ("squad", "[]", "JSON array"),
    ("squad", '{"version": 1}', "'data'"),
    ("squad", '{"data": [], "data": []}', "occurs twice"),
    ("squad", '{"data": [], "d\\u0061ta": []}', "occurs twice"),
    ("squad", '{"da\nta": []}', "control character"),
    ("squad", "{1: 2}", "'1'"),
    ("squad", '{"data": {}}', "expected '['"),
    ("squad", '{"data": [{}]}', "paragraphs"),
    ("squad", '{"data": [\n{"paragraphs": [\n}]}]}', "in:3:"),
    ("squad", '{"data": [\n{"paragraphs": [', "in:2:"),
    ("squad", '{"data": [{"paragraphs": []},]}', "expected an article"),
    ("squad", '{"data": [{"paragraphs": []}]} x', "expected nothing more"),
    ("squad", '{"data": [{"paragraphs": []}], }', "expected a key"),
    ("squad", '{"data": [{"paragraphs": []}]', "end of the file"),
    ("squad", '{"data": [], "a": tru}', "Expecting value"),
    ("squad", b'{"data": [\n{"title": "\xff"}]}', "0xff"),
    ("squad", b'{"data": []}\n\xe2\x82', "a character"),
    (
        "squad",
        SAMPLES["squad"].replace('"answer_start": 40', '"answer_start": 41'),
        "Butiama",
    ),
    (
        "squad",
        SAMPLES["squad"].replace('"answer_start": 14', '"answer_start": -1'),
        "a teacher",
    ),
    ("squad", SAMPLES["squad"].replace('"answer_start": 14', '"answer_start": "14"'), "answer_start"),
]


@pytest.mark.parametrize(("format", "text", "line"), BROKEN, ids=[f"{case[0]}-{n}" for n, case in enumerate(BROKEN)])
def test_a_broken_file_is_one_line_and_leaves_nothing(
    format: str, text: str | bytes, line: str, tmp_path: Path
) -> None:
    """The error has the line or id, and neither output nor a part of it is there."""
    with pytest.raises(UserError) as error:
        done(tmp_path, text, format)
    assert line in str(error.value)
    assert "\n" not in str(error.value)
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (
            {"spec": "char_noise:0.1,0.2"},
            "2 strengths",
        ),
        ({"spec": "char_nois:0.1"}, "'char_noise'?"),
        ({"spec": "@ci"}, "6 perturbations"),
        ({"spec": "@smok"}, "'@smoke'?"),
        ({"spec": "char_noise:0.1@fields=b"}, "name different fields"),
        ({"fields": ("text", "text")}, "named twice"),
        ({"fields": ()}, "--fields"),
        ({"language": ""}, "--languages"),
        ({"language": "zz"}, "'zz'"),
        ({"language_field": "x"}, "take one"),
        ({"language": "", "language_field": "n"}, "'n'"),
        ({"format": "xml"}, "'xml'"),
        ({"format": ""}, "--format"),
        ({"format": "squad"}, "'text'"),
        ({"header": True}, "--header"),
        ({"format": "lines", "fields": (), "skip_null": True}, "--skip-null"),
        ({"format": ""}, ".conllu"),
        ({"split": "test"}, "--tasks"),
        ({"edit_counts": "-"}, "--edit-counts"),
    ],
)
def test_options_that_do_not_fit_are_reported(options: dict[str, Any], line: str, tmp_path: Path) -> None:
    """Each is one line with what to do, before anything is written."""
    with pytest.raises((SpecError, UnknownName, UserError)) as error:
        done(tmp_path, '{"text": "a", "n": 1}', "jsonl", **options)
    assert line in str(error.value)
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_a_language_that_no_row_has_is_refused_at_its_line(tmp_path: Path) -> None:
    """A code that is unknown, or missing, is named with the line."""
    with pytest.raises(DataError, match="'swa'"):
        done(tmp_path, '{"text": "a", "l": "sw"}\n{"text": "a", "l": "swa"}', "jsonl", language="", language_field="l")


def test_what_is_there_is_not_overwritten(tmp_path: Path) -> None:
    """The input is never written over, by whatever name; another file only with --force; folders never."""
    (tmp_path / "in").write_text("Habari\n")
    (tmp_path / "there").write_text("mine")
    (tmp_path / "sub").mkdir()
    (tmp_path / "link").symlink_to("in")
    os.link(tmp_path / "in", tmp_path / "hard")
    for name in ("in", "link", "hard", "sub/../in"):
        with pytest.raises(UserError, match="itself"):
            perturb_file(
                PerturbJob(str(tmp_path / "in"), SPEC, str(tmp_path / name), language="sw", format="lines", force=True)
            )
    refused = {
        "there": "is there already",
        "there/": "without /",
        "sub": "is a folder",
        "new/": "new/",
        "no folder/out": r"There is no folder .*\. Make it: mkdir -p '.*/no folder'$",
    }
    for name, line in refused.items():
        force = name == "there/"
        with pytest.raises(UserError, match=line):
            perturb_file(
                PerturbJob(str(tmp_path / "in"), SPEC, f"{tmp_path}/{name}", language="sw", format="lines", force=force)
            )
    assert not (tmp_path / "new").exists()
    assert (tmp_path / "in").read_text() == "Habari\n"
    assert (tmp_path / "there").read_text() == "mine"
    job = PerturbJob(
        str(tmp_path / "in"), SPEC, str(tmp_path / "x"), edit_counts=str(tmp_path / "x"), language="sw", format="lines"
    )
    with pytest.raises(UserError, match="is the file"):
        perturb_file(job)


def test_a_link_is_written_through(tmp_path: Path) -> None:
    """Where OUT is a link, the file that it leads to is written, and the link stays."""
    (tmp_path / "link").symlink_to("sub")
    (tmp_path / "in").write_text("Habari ya asubuhi\n")
    perturb_file(PerturbJob(str(tmp_path / "in"), SPEC, str(tmp_path / "link"), language="sw", format="lines"))
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "sub").read_text() != "Habari ya asubuhi\n"


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where writing fails, it is one line with what to do, and no file is left, half-written or other."""

    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("robust_xtreme.files.new_files.os.fsync", fail)
    with pytest.raises(DiskError, match="Free some space"):
        done(tmp_path, SAMPLES["lines"], "lines")
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
    with pytest.raises(DiskError, match="No space left"):
        perturb_file(PerturbJob(str(tmp_path / "in"), SPEC, "/dev/full", language="sw", format="lines", force=True))


@pytest.mark.parametrize(
    ("more", "line"),
    [
        ({"answers": {"text": "my"}}, "answer_start"),
        ({"answers": {"text": ["my"]}}, "0 places"),
        ({"answers": {"text": [], "answer_start": 6}}, "0 places"),
        ({"answers": {"text": ["my"], "answer_start": 6}}, "0 places"),
        ({"answers": {}}, "answer_start"),
        ({"answers": {"text": "dear", "answer_start": 6}}, "answer_start 6"),
        ({"answers": [[6, [8]]]}, "[6, a list]"),
        ({"sentence_breaks": 3}, "sentence_breaks"),
        ({"sentence_breaks": [0, 5]}, "sentence_breaks"),
        ({"sentence_breaks": [[0, 5, 6]]}, "sentence_breaks"),
        ({"sentences": [[0, 5], "my"]}, "'sentences'"),
        ({"sentence_breaks": [[0, 5]], "sentences": "hello"}, "texts of"),
        ({"sentence_breaks": [[0, 5]], "sentences": ["a", "b"]}, "texts of"),
        ({"sentence_breaks": [[0, 5]], "sentences": [3]}, "texts of"),
    ],
)
@pytest.mark.parametrize("format", ["jsonl", "squad"])
def test_what_cannot_move_with_a_context_is_refused(
    more: dict[str, object], line: str, format: str, tmp_path: Path
) -> None:
    """Answers and sentences of another form are refused, and never left at wrong positions."""
    context = {"context": "hello my dear world", **more}
    asked = {"id": "q", "question": "Whose?", **({"answers": more["answers"]} if "answers" in more else {})}
    text = json.dumps(context if format == "jsonl" else {"data": [{"paragraphs": [{**context, "qas": [asked]}]}]})
    with pytest.raises(DataError) as error:
        done(tmp_path, text, format, "char_noise:1", fields=("context",))
    assert line in str(error.value)


DEEP = "[" * 150 + "]" * 150


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('{"text": ' + DEEP + "}", "a list is in"),
        ('{"text": {"a": 1}}', "an object"),
        ('{"text": null}', "null"),
        ('{"text": ["a", true]}', "true is"),
        ('{"text": ' + "[" * 880 + "]" * 880 + "}", "in:1: "),
        ('{"text": "a", "n": ' + "[" * 100_000 + "]" * 100_000 + "}", "nested too deep"),
        ('{"text": "a", "n": ' + "1" * 5000 + "}", "too many digits"),
        ('{"text": "a", "answers": {"text": [], "text": []}}', "column 39"),
    ],
    ids=range(8),
)
def test_a_value_that_is_not_text_is_reported_in_words_of_json(text: str, line: str, tmp_path: Path) -> None:
    """However deep or long it is, and without Python's own words."""
    with pytest.raises(DataError) as error:
        done(tmp_path, text, "jsonl")
    assert line in str(error.value)
    for word in ("recursion", "set_int_max_str_digits", "None", "Node"):
        assert word not in str(error.value)


@pytest.mark.parametrize(
    ("format", "text", "line"),
    [
        ("lines", "hello\rworld\r", 1),
        ("lines", "hello\nhello\rworld\n", 2),
        ("conllu", CONLLU.replace("\n", "\r"), 1),
        ("conllu", CONLLU.replace("\n", "\r") + "\n", 1),
        ("tsv", "a\tb\rc\td\r", 1),
        ("tsv", "a\tb\nc\td\re\n", 2),
        ("iob2", "a\tO\rb\tO\r", 1),
        ("conll", "a O\rb O\r", 1),
        ("jsonl", '{"text": "a"}\r{"text": "b"}\r', 1),
    ],
)
def test_line_ends_of_cr_alone_are_named(format: str, text: str, line: int, tmp_path: Path) -> None:
    """A CR without an LF is reported as such, with what to do; the error names no perturbation."""
    with pytest.raises(UserError) as error:
        done(tmp_path, text, format, "char_noise:0")
    what = "contains a CR (\\r) without an LF (\\n) after it, as old line ends are. Save the file with LF or CRLF."
    assert f"in:{line}: {what}" in str(error.value)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("3-2", "in:3: the multi"),
        ("1-1", "in:3: the multi"),
        ("2-3", "in:3: the multi"),
        ("0-2", "0-2"),
        ("1-999999", "999999"),
    ],
)
def test_a_multiword_token_is_before_its_words(name: str, line: str, tmp_path: Path) -> None:
    """A range that runs backwards, or over words that are not there, hides no words."""
    with pytest.raises(DataError) as error:
        done(tmp_path, CONLLU.replace("\n1-2\t", f"\n{name}\t"), "conllu", language="en")
    assert line in str(error.value)
    for old, new in (("\n4\t", "\n5\t"), ("\n3\t", "\n2-3\tx" + "\t_" * 8 + "\n3\t")):
        with pytest.raises(DataError, match=r"missing|overlaps"):
            done(tmp_path, CONLLU.replace(old, new), "conllu", language="en")


def test_a_text_is_named_once(tmp_path: Path) -> None:
    """One column by its name and its number, or a choice and the list that it is in, are refused."""
    with pytest.raises(UserError, match="--fields"):
        done(tmp_path, "a\tb\nc\td\n", "tsv", fields=("b", "2"))
    with pytest.raises(DataError, match="choice2"):
        done(tmp_path, '{"choices": ["ab", "cd"]}', "jsonl", fields=("choices", "choice2"))


def test_a_column_is_one_of_its_name(tmp_path: Path) -> None:
    """Where two columns have one name, the number tells which is meant."""
    with pytest.raises(UserError, match="--fields 2"):
        done(tmp_path, "a\tb\tb\nc\td\te\n", "tsv", fields=("b",))
    assert done(tmp_path, "a\tb\tb\nc\td\te\n", "tsv", fields=("a",)).startswith(b"a\tb\tb\n")


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        (
            "in.txt",
            "Habari ya\nNyerere B-PER\nalizaliwa O\n",
            "--format conll",
        ),
        ("in.txt", "\n\nNyerere\tB-PER\r\nalizaliwa\tO\r\n", "--format iob2"),
        (
            "in.conll",
            "Nyerere B-PER\nalizaliwa\tO\n",
            "first 2",
        ),
        (
            "in.conll",
            "# a comment\n1" + "\ta" * 9,
            "conllu",
        ),
    ],
)
def test_tags_are_never_taken_for_texts(name: str, text: str, line: str, tmp_path: Path) -> None:
    """A file whose name says one format and whose lines say another is refused with the one to name."""
    (tmp_path / name).write_bytes(text.encode())
    with pytest.raises(UserError) as error:
        perturb_file(PerturbJob(str(tmp_path / name), SPEC, str(tmp_path / "out"), language="sw"))
    assert line in str(error.value)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_edit_counts_and_output_appear_together(tmp_path: Path) -> None:
    """Where one of the two cannot be written, the other one does not stay."""
    (tmp_path / "in").write_text("Habari ya asubuhi\n")
    for out, counts in (("/dev/full", str(tmp_path / "edit_counts")), (str(tmp_path / "out"), "/dev/full")):
        job = PerturbJob(str(tmp_path / "in"), SPEC, out, edit_counts=counts, language="sw", format="lines", force=True)
        with pytest.raises(DiskError, match="No space left"):
            perturb_file(job)
        assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    """A later run to the same file removes it, and nothing of a process that runs, here or elsewhere, or of others."""
    (tmp_path / "in").write_text("Habari ya asubuhi\n")
    stem = f".{digest('out')}"
    left, kept = tmp_path / f"{stem}.{ENDED}.tmp", tmp_path / f"{stem}.0{ENDED}.tmp"
    names = (f"{stem}.{os.getppid()}.tmp", f".other.{ENDED}.tmp", f"{stem}.x.tmp")
    stay = [kept, *(tmp_path / name for name in names)]
    for path in (left, *stay):
        path.write_text("half")
    with kept.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        perturb_file(PerturbJob(str(tmp_path / "in"), SPEC, str(tmp_path / "out"), language="sw", format="lines"))
    assert sorted(tmp_path.iterdir()) == sorted([*stay, tmp_path / "in", tmp_path / "out"])


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o444])
def test_a_file_that_is_replaced_keeps_its_permissions(mode: int, tmp_path: Path) -> None:
    """What only its owner may read stays so, while it is written too."""
    (tmp_path / "in.txt").write_text("Habari ya asubuhi\n")
    out = tmp_path / "out.txt"
    out.touch()
    out.chmod(mode)
    perturb_file(PerturbJob(str(tmp_path / "in.txt"), "char_noise:0.5", str(out), language="sw", force=True))
    assert (stat.S_IMODE(out.stat().st_mode), out.stat().st_size > 0) == (mode, True)
