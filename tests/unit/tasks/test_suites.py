"""Suites: a folder with its own languages, rows and clusters, and the location of every error in it."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robust_xtreme.core import registry, resources
from robust_xtreme.core.errors import DataError, MissingData, RobustXtremeError, UnknownName, UserError
from robust_xtreme.core.examples import LONGEST, Answers, Choice, Span, Tags
from robust_xtreme.core.specs import Files, TaskSpec
from robust_xtreme.tasks.formats import parse, reader
from robust_xtreme.tasks.sources.release import Release
from robust_xtreme.tasks.sources.source import available, languages_of, load, open_source, resolve
from robust_xtreme.tasks.sources.suite import Suite

XNLI: TaskSpec = registry.load("task", "xnli")
PANX: TaskSpec = registry.load("task", "panx")
XQUAD: TaskSpec = registry.load("task", "xquad")
TYDIQA: TaskSpec = registry.load("task", "tydiqa")

TOML: Final = """name = "tiny"
version = "1"
summary = "A few rows."
languages = ["en", "ko"]
[xnli]
splits = ["test", "train"]
[panx]
splits = ["test"]
[xquad]
splits = ["test"]
"""
PAIR: Final = {"id": "1", "cluster": "t1", "premise": "Anna sleeps.", "hypothesis": "She rests.", "label": "neutral"}
WORDS: Final = {"id": "1", "cluster": "t1", "tokens": ["Anna", "lives"], "tags": ["B-PER", "O"]}
ASKED: Final = {"id": "1", "cluster": "t1", "context": "Anna is in Rome.", "question": "Where?", "answers": [[11, 15]]}


def lines(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as JSON lines."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def suite(folder: Path, toml: str = TOML, **files: str) -> Path:
    """A suite folder; `files` maps `TASK__SPLIT_LANGUAGE` to the text of that file."""
    folder.mkdir(exist_ok=True)
    (folder / "suite.toml").write_text(toml, encoding="utf-8")
    for name, text in files.items():
        task, _, rest = name.partition("__")
        path = folder / task / f"{rest.replace('_', '-')}.jsonl"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def opened(folder: Path) -> Suite:
    """The suite in a folder."""
    source = open_source(str(folder))
    assert isinstance(source, Suite)
    return source


def test_what_a_folder_is_says_the_folder(tmp_path: Path) -> None:
    """A folder with a suite.toml is a suite, any other is one of release files; none and an empty one are errors."""
    source = opened(suite(tmp_path / "own"))
    assert (source.name, source.version, source.codes) == ("tiny", "1", ("en", "ko"))
    assert source.tasks == {"xnli": ("train", "test"), "panx": ("test",), "xquad": ("test",)}
    (tmp_path / "release").mkdir()
    with pytest.raises(MissingData, match="release is empty"):
        open_source(str(tmp_path / "release"))
    (tmp_path / "release" / "panx").mkdir()
    assert open_source(str(tmp_path / "release")) == Release(tmp_path / "release")
    with pytest.raises(MissingData, match="does not exist"):
        open_source(str(tmp_path / "absent"))


def test_mini_is_the_embedded_suite(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`mini` names the bundled suite, wherever that is."""
    monkeypatch.setattr(resources, "mini", lambda name: suite(tmp_path / name))
    assert open_source("mini") == opened(tmp_path / "suite")


def test_pairs_have_the_cluster_and_ids_of_their_rows(tmp_path: Path) -> None:
    """Ids are task/split/language/id, clusters are as written, and equal premises are one text."""
    rows = [{**PAIR, "id": str(n), "cluster": f"t{n // 2}"} for n in range(3)]
    rows.append({**PAIR, "id": "other", "premise": "Ben sleeps.", "label": "entailment"})
    loaded = load(XNLI, opened(suite(tmp_path, xnli__test_ko=lines(rows))), "ko", "test")
    assert [example.id for example in loaded.examples] == [
        f"xnli/test/ko/{native}" for native in ("0", "1", "2", "other")
    ]
    assert [example.cluster for example in loaded.examples] == ["t0", "t0", "t1", "t1"]
    premises = [example.texts["premise"] for example in loaded.examples]
    assert (premises[0], premises[0].id == premises[3].id) == (premises[2], False)
    assert loaded.examples[0].target == Choice(1)
    assert (loaded.files[0][0], loaded.labelled) == ("xnli/test-ko.jsonl", True)


def test_words_and_questions_are_read(tmp_path: Path) -> None:
    """Tags are by their words, answers are spans of the context, and contexts of one cluster stay apart."""
    asked = [ASKED, {**ASKED, "id": "2", "context": "Ben is in Bonn. ", "answers": [[10, 14], [10, 14]]}]
    asked.append({**ASKED, "id": "3", "answers": [[0, 15]]})
    source = opened(suite(tmp_path, panx__test_en=lines([WORDS]), xquad__test_en=lines(asked)))
    tagged = load(PANX, source, "en", "test").examples[0]
    assert (tagged.target, tagged.cluster) == (Tags(("B-PER", "O")), "t1")
    assert tagged.texts["tokens"].value == "Anna lives"
    first, two, three = load(XQUAD, source, "en", "test").examples
    answers = [example.target for example in (first, two, three)]
    assert answers == [Answers((Span(11, 15),)), Answers((Span(10, 14),)), Answers((Span(0, 15),))]
    contexts = [example.texts["context"] for example in (first, two, three)]
    assert (contexts[0] == contexts[2], contexts[0].id == contexts[1].id) == (True, False)
    assert {example.cluster for example in (first, two, three)} == {"t1"}


def test_an_answer_that_says_nothing_is_named_with_its_place(tmp_path: Path) -> None:
    """A row without an answer among others, or with a blank for one; none at all is a split without labels."""
    bare = {**ASKED, "id": "2", "answers": []}
    source = opened(suite(tmp_path, xquad__test_en=lines([ASKED, bare]), xquad__test_ko=lines([bare])))
    with pytest.raises(DataError, match="no answer"):
        load(XQUAD, source, "en", "test")
    assert not load(XQUAD, source, "ko", "test").labelled
    source = opened(suite(tmp_path, xquad__test_en=lines([{**ASKED, "answers": [[4, 5]]}])))
    with pytest.raises(DataError, match="white space"):
        load(XQUAD, source, "en", "test")


def test_a_text_of_a_million_characters_is_too_long(tmp_path: Path) -> None:
    """One more than the limit is refused with its place, key and length, of words together; the limit itself is not."""
    rows = [{**PAIR, "premise": "a" * LONGEST}, {**PAIR, "id": "2", "hypothesis": "ab" * LONGEST}]
    source = opened(suite(tmp_path, xnli__test_en=lines(rows), xnli__train_en=lines(rows[:1])))
    with pytest.raises(DataError, match="2,000,000"):
        load(XNLI, source, "en", "test")
    assert len(load(XNLI, source, "en", "train").examples) == 1
    words = {**WORDS, "tokens": ["a" * LONGEST, "b"]}
    source = opened(suite(tmp_path, panx__test_en=lines([words])))
    with pytest.raises(DataError, match="1,000,001"):
        load(PANX, source, "en", "test")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.parametrize("name", ["suite.toml", "xnli/test-en.jsonl"])
def test_a_pipe_instead_of_a_file_is_refused_and_not_waited_for(tmp_path: Path, name: str) -> None:
    """Nobody writes into it: reading would never end."""
    suite(tmp_path, xnli__test_en=lines([PAIR]))
    (tmp_path / name).unlink()
    os.mkfifo(tmp_path / name)
    with pytest.raises(DataError, match="regular"):
        load(XNLI, open_source(str(tmp_path)), "en", "test")


def test_the_suite_s_languages_and_splits_replace_the_task_s(tmp_path: Path) -> None:
    """XNLI has no Korean and XQuAD no test split of its own, but the suite may; `auto` takes its test."""
    source = opened(suite(tmp_path, xnli__test_ko=lines([PAIR]), xquad__test_ko=lines([ASKED])))
    assert languages_of(XNLI, source) == ("en", "ko")
    assert available(XNLI, source, "auto") == ("ko",)
    assert resolve(XNLI, source, "auto", "ko").split == "test"
    assert resolve(XQUAD, source, "auto", "ko").examples[0].id == "xquad/test/ko/1"


def test_what_a_suite_does_not_have_is_named(tmp_path: Path) -> None:
    """A task, language, split or file that is not there is missing, with what there is."""
    source = opened(suite(tmp_path, xnli__test_en=lines([PAIR])))
    assert languages_of(TYDIQA, source) == available(TYDIQA, source, "auto") == ()
    with pytest.raises(MissingData, match="tydiqa"):
        resolve(TYDIQA, source, "auto", "en")
    with pytest.raises(MissingData, match="no train split"):
        load(XQUAD, source, "en", "train")
    with pytest.raises(MissingData, match="test-ko"):
        load(XNLI, source, "ko", "test")
    with pytest.raises(UnknownName, match="'sw'"):
        load(XNLI, source, "sw", "test")


@pytest.mark.parametrize(
    ("task", "rows", "message"),
    [
        (XNLI, [PAIR, PAIR], "not unique"),
        (XNLI, [{**PAIR, "label": "maybe"}], "maybe"),
        (XNLI, [{**PAIR, "premiss": "x"}], "premiss"),
        (XNLI, [{"id": "1", "cluster": "t"}], "premise' is missing"),
        (XNLI, [{**PAIR, "id": 7}], "'id'"),
        (XNLI, [{**PAIR, "cluster": ""}], "cluster"),
        (XNLI, [{**PAIR, "premise": None}], "null"),
        (PANX, [{**WORDS, "tags": ["O"]}], "1 tag;"),
        (PANX, [WORDS, {**WORDS, "id": "2", "tags": ["O", "B-DATE"]}], "B-DATE"),
        (
            PANX,
            [{**WORDS, "tokens": ["", "a"]}],
            "none of them empty",
        ),
        (PANX, [{**WORDS, "tokens": [], "tags": []}], "tokens"),
        (PANX, [{**WORDS, "tokens": "Anna"}], "tokens"),
        (
            XQUAD,
            [{**ASKED, "answers": [[11, 17]]}],
            r"\[11, 17\]",
        ),
        (XQUAD, [{**ASKED, "answers": [[-1, 3]]}], r"\[-1, 3\]"),
        (XQUAD, [{**ASKED, "answers": [[3, 3]]}], r"\[3, 3\]"),
        (XQUAD, [{**ASKED, "answers": [[True, 3]]}], "True"),
        (XQUAD, [{**ASKED, "answers": [{"start": 1}]}], "start, stop"),
        (
            XQUAD,
            [ASKED, {**ASKED, "id": "2", "cluster": "t2"}],
            "'t2'",
        ),
        (XNLI, [], "no examples"),
    ],
)
def test_mistakes_in_rows_have_their_place(
    tmp_path: Path, task: TaskSpec, rows: list[dict[str, Any]], message: str
) -> None:
    """Whatever is wrong with a row is one line with file and line."""
    source = opened(suite(tmp_path, **{f"{task.name}__test_en": lines(rows)}))
    with pytest.raises(DataError, match=message) as caught:
        load(task, source, "en", "test")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"id": "1"', "column 11"),
        (lines([PAIR]) + "\n" + lines([PAIR]), "jsonl:2"),
        ("[1]\n", "JSON object"),
        ('{"id": "1", "id": "2"}\n', "occurs twice"),
        (lines([PAIR]).replace("Anna", "\\ud800"), "surrogate"),
        ("[" * 100_000, "nested too deep"),
        ('{"id": ' + "1" * 5000 + "}", "too many digits"),
    ],
)
def test_broken_json_has_its_line(tmp_path: Path, text: str, message: str) -> None:
    """JSON that does not parse, or contains what no row may, names its line."""
    source = opened(suite(tmp_path, xnli__test_en=text))
    with pytest.raises(DataError, match=message):
        load(XNLI, source, "en", "test")


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_no_line_breaks_the_parser(data: bytes) -> None:
    """Whatever is on a line is an object or a DataError, never another exception."""
    try:
        value: object = parse(data.decode("utf-8", "replace"), "x")
    except DataError as error:
        value = {"place": str(error).partition(": ")[0]}
    assert isinstance(value, dict)


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("name = ", "valid toml"),
        ("\x00", "valid toml"),
        (TOML.replace('version = "1"\n', ""), "version' is missing"),
        (TOML.replace("version", "versoin"), "versoin"),
        (TOML.replace('"1"', "1"), "not 1"),
        (TOML.replace('"1"', "9" * 5000), "64 bits"),
        (
            TOML.replace('"1"', "0x" + "9" * 5000),
            "thousands of digits",
        ),
        (TOML.replace('["en", "ko"]', "0x" + "9" * 5000), "not a number"),
        (TOML.replace('["en", "ko"]', '"en"'), "not 'en'"),
        (TOML.replace('["en", "ko"]', "[]"), "languages' takes"),
        (TOML.replace('"ko"', '"en"'), "'en' twice"),
        (TOML.replace('"ko"', '"../ko"'), "../ko"),
        (TOML.replace('"train"', '"../../train"'), "../../train"),
        (TOML.replace('["test", "train"]', "[1]"), "splits"),
        (TOML.replace("splits", "split", 1), "'split'"),
        (TOML.replace("[xnli]", '["../x"]'), "../x"),
        (TOML.partition("[xnli]")[0], "no task"),
        (TOML.replace("[xnli]\nsplits", "xnli"), "xnli"),
    ],
)
def test_a_description_that_is_wrong_is_one_line(tmp_path: Path, toml: str, message: str) -> None:
    """Mistakes in suite.toml name the file and the key, and nothing of it ever becomes a path."""
    with pytest.raises(DataError, match=message) as caught:
        open_source(str(suite(tmp_path, toml)))
    assert "\n" not in str(caught.value)


def test_a_suite_never_leads_out_of_its_folder(tmp_path: Path) -> None:
    """A link to a file outside is refused; one inside is followed."""
    outside = tmp_path / "outside.jsonl"
    outside.write_text(lines([PAIR]), encoding="utf-8")
    folder = suite(tmp_path / "own", xnli__train_en=lines([PAIR]))
    (folder / "xnli" / "test-en.jsonl").symlink_to(outside)
    (folder / "xnli" / "test-ko.jsonl").symlink_to(folder / "xnli" / "train-en.jsonl")
    source = opened(folder)
    with pytest.raises(DataError, match="leads out"):
        load(XNLI, source, "en", "test")
    assert len(load(XNLI, source, "ko", "test").examples) == 1


def test_a_suite_toml_that_is_a_folder_is_one_line(tmp_path: Path) -> None:
    """What is at the place of the description must be a file."""
    (tmp_path / "suite.toml").mkdir()
    with pytest.raises(DataError, match="cannot be read"):
        open_source(str(tmp_path))


@pytest.mark.parametrize("key", ["name", "version", "summary"])
def test_what_every_report_repeats_is_short(key: str, tmp_path: Path) -> None:
    """A text of megabytes is refused with its length, not copied into report, log and manifest."""
    value = {"name": "tiny", "version": "1", "summary": "A few rows."}[key]
    folder = suite(tmp_path, TOML.replace(f'{key} = "{value}"', f'{key} = "{"x" * 2_000_000}"'))
    with pytest.raises(DataError, match="2,000,000"):
        open_source(str(folder))


def test_a_licence_is_optional(tmp_path: Path) -> None:
    """`licence` is the sentence that `data list` prints; without it, the key is named."""
    assert opened(suite(tmp_path / "one")).licence == "not stated (suite.toml has a key licence for it)"
    stated = opened(suite(tmp_path / "two", f'licence = "CC BY 4.0,\\n by the shop"\n{TOML}'))
    assert stated.licence == "CC BY 4.0, by the shop"
    with pytest.raises(DataError, match="'licence'"):
        opened(suite(tmp_path / "three", f"licence = 4\n{TOML}"))


def test_a_summary_of_several_lines_is_one(tmp_path: Path) -> None:
    """Its line breaks are blanks."""
    folder = suite(tmp_path, TOML.replace('"A few rows."', '"""\nA few\n\trows.\n"""'))
    assert opened(folder).summary == "A few rows."


def test_a_task_whose_reader_has_no_rows_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A third party's reader without `record` cannot read a suite, and says so."""
    module = ModuleType("theirs.lines")
    module.read = lambda *_: ()  # type: ignore[attr-defined]  # what a reader has
    monkeypatch.setitem(sys.modules, "theirs", ModuleType("theirs"))
    monkeypatch.setitem(sys.modules, "theirs.lines", module)
    theirs = dataclasses.replace(XNLI, files={"test": Files("theirs.lines", ("x",))})
    source = opened(suite(tmp_path, xnli__test_en=lines([PAIR])))
    with pytest.raises(UserError, match="`record`"):
        load(theirs, source, "en", "test")


@pytest.mark.parametrize("name", registry.names("task"))
def test_the_page_of_suites_has_the_rows_of_every_task(name: str) -> None:
    """Each task that a suite can contain is there with the keys and the labels of its rows; others are named too."""
    task: TaskSpec = registry.load("task", name)
    module = reader(next(iter(task.files.values())).reader)
    page = (Path(__file__).parents[3] / "docs" / "how-to" / "data.md").read_text("utf-8")
    rows = [line for line in page.splitlines() if re.match(rf"\| (\w+, )*{task.data}[, ]", line)]
    assert rows or not hasattr(module, "record"), f"docs/how-to/data.md has no row with the keys of {name}"
    if not hasattr(module, "record"):
        assert not rows
        assert f"all tasks except {name}" in page
        return
    asked = {"context", "question", "answers"} if name == "lareqa" else set()
    documented = set(re.findall(r"`([^`]+)`", rows[0])) | asked
    assert {*module.FIELDS} <= documented | ({"tokens", "tags"} if task.family == "tagging" else set())
    shared = set(registry.load("task", "panx").labels) if name == "masakhaner" else set()
    assert {*task.labels} <= documented | shared


def test_a_suite_describes_no_direction(tmp_path: Path) -> None:
    """The rows of tatoeba@to=en are those of tatoeba: a table of its own would never be read, and is refused."""
    toml = TOML.replace("[xnli]", '["tatoeba@to=en"]')
    with pytest.raises(DataError, match="'tatoeba'"):
        opened(suite(tmp_path, toml))


def test_a_missing_mini_is_a_broken_installation(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where the embedded suite is not installed, that is not a mistake of the user's."""
    monkeypatch.setattr(resources, "_PACKAGE", tmp_path)
    with pytest.raises(RobustXtremeError, match="suite of mini") as caught:
        open_source("mini")
    assert caught.value.exit_code == 3
