"""Files in parts, by pattern and by other names of languages; pairs of languages; a suite's languages of a task."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType

import pytest
from tests.hub_copies import hub_rows, parquet
from tests.loopback import Loopback

from robust_xtreme.core import registry
from robust_xtreme.core.errors import DataError, MissingData, UnknownName
from robust_xtreme.core.specs import Files, Row, TaskSpec
from robust_xtreme.tasks.sources.release import expand
from robust_xtreme.tasks.sources.rows import data_identity
from robust_xtreme.tasks.sources.source import available, has_language, load, open_source, resolve

MLQA: TaskSpec = registry.load("task", "mlqa")
XQUAD: TaskSpec = registry.load("task", "xquad")
PANX: TaskSpec = registry.load("task", "panx")

TOML = 'name = "own"\nversion = "1"\nsummary = "Rows."\nlanguages = ["de", "en", "zh"]\n'


def _squad(*questions: tuple[str, str, str]) -> str:
    """SQuAD's JSON of (id, context, answer)."""
    paragraphs = [
        {
            "context": context,
            "qas": [
                {"id": id, "question": f"{id}? ", "answers": [{"text": text, "answer_start": context.index(text)}]}
            ],
        }
        for id, context, text in questions
    ]
    return json.dumps({"data": [{"paragraphs": paragraphs}]}, ensure_ascii=False)


def _write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def _mlqa(folder: Path, context: str, question: str, part: str = "mlqa/MLQA_V1/dev/dev") -> Path:
    text = _squad(("q1", " Anna lives in Rome.", "Rome"), ("q2", " Anna lives in Rome.", "Anna"))
    return _write(folder, f"{part}-context-{context}-question-{question}.json", text)


def _with(task: TaskSpec, *paths: str | tuple[str, ...], reader: str | None = None, **codes: str) -> TaskSpec:
    files = dataclasses.replace(task.files["validation"], paths=paths, codes=codes)
    return dataclasses.replace(
        task, files={"validation": dataclasses.replace(files, reader=reader or files.reader)}, hub={}
    )


@pytest.fixture
def halves(monkeypatch: pytest.MonkeyPatch) -> str:
    """A reader of words in one file and tags in another, line by line."""
    module = ModuleType("halves")

    def read_parts(parts: Sequence[tuple[str, str]]) -> tuple[Row, ...]:
        (words, path), (tags, other) = parts
        if words.count("\n") != tags.count("\n"):
            raise DataError(other, f"has other lines than {path}.")
        lines = zip(words.splitlines(), tags.splitlines(), strict=True)
        return tuple(
            Row(f"r{n}", f"{path}:{n + 1}", {"words": tuple(first.split()), "tags": tuple(two.split())})
            for n, (first, two) in enumerate(lines)
        )

    module.read_parts = read_parts  # type: ignore[attr-defined]  # what a reader has
    monkeypatch.setitem(sys.modules, "theirs", ModuleType("theirs"))
    monkeypatch.setitem(sys.modules, "theirs.halves", module)
    return "theirs.halves"


def test_what_placeholders_mean() -> None:
    """The code, the English name, another name of it, and the two languages of a pair."""
    assert expand("{language}/{name}/{code}", "de", {"de": "deu"}) == "de/german/deu"
    assert expand("{code}-{question}-{context}", "en", {}) == "en-en-en"
    assert expand("{language}:{context}.{question}", "de@en", {}) == "de@en:en.de"


def test_languages_have_other_names_in_some_files(tmp_path: Path) -> None:
    """`{code}` is what the files call a language, and its own code where they say nothing else."""
    task = _with(XQUAD, "x.{code}.json", de="deu")
    for code in ("deu", "en"):
        _write(tmp_path, f"x.{code}.json", _squad(("q1", "Rome", "Rome")))
    assert available(task, tmp_path, "validation") == ("de", "en")


def test_all_files_of_a_pattern_are_one_split(tmp_path: Path) -> None:
    """They are read in the order of their names, each named with its hash, and hidden ones are left out."""
    task = _with(XQUAD, "*/*x-{language}-*.json")
    two = _write(tmp_path, "a/x-en-2.json", _squad(("q2", "Bonn", "Bonn")))
    first = _write(tmp_path, "b/x-en-1.json", _squad(("q1", "Rome", "Rome")))
    _write(tmp_path, "b/._x-en-0.json", "Finder's own")
    loaded = load(task, tmp_path, "en", "validation")
    assert [example.id for example in loaded.examples] == ["xquad/validation/en/q1", "xquad/validation/en/q2"]
    assert loaded.files == tuple(
        (path.relative_to(tmp_path).as_posix(), hashlib.sha256(path.read_bytes()).hexdigest()) for path in (first, two)
    )


def test_ordinals_count_on_over_the_files_of_a_pattern(tmp_path: Path) -> None:
    """Rows without ids of their own are numbered through."""
    task = _with(PANX, "x-{language}-*.tsv")
    for number in range(2):
        _write(tmp_path, f"x-en-{number}.tsv", f"Anna{number}\tB-PER\n\nRome\tB-LOC\n")
    ids = [example.id for example in load(task, tmp_path, "en", "validation").examples]
    assert ids == [f"panx/validation/en/{number}" for number in range(4)]


def test_a_mistake_names_the_file_that_has_it(tmp_path: Path) -> None:
    """Of several files, the one that is broken; and both places of an id that is in two of them."""
    task = _with(XQUAD, "x-*.json")
    _write(tmp_path, "x-1.json", _squad(("q1", "Rome", "Rome")))
    _write(tmp_path, "x-2.json", '{"data"')
    with pytest.raises(DataError, match=r"x-2\.json:1"):
        load(task, tmp_path, "en", "validation")
    _write(tmp_path, "x-2.json", _squad(("q1", "Bonn", "Bonn")))
    with pytest.raises(DataError, match="not unique"):
        load(task, tmp_path, "en", "validation")


def test_parts_are_read_together(tmp_path: Path, halves: str) -> None:
    """The reader gets the parts in their order; both are named, and the first option that is whole is read."""
    task = _with(
        PANX, ("a.{language}.words", "a.{language}.tags"), ("{language}.words", "{language}.tags"), reader=halves
    )
    _write(tmp_path, "a.en.words", "Ben\n")
    _write(tmp_path, "en.words", "Anna sleeps\n")
    _write(tmp_path, "en.tags", "B-PER O\n")
    loaded = load(task, tmp_path, "en", "validation")
    assert loaded.examples[0].texts["tokens"].value == "Anna sleeps"
    assert [name for name, _ in loaded.files] == ["en.words", "en.tags"]
    _write(tmp_path, "en.tags", "")
    with pytest.raises(DataError, match="other lines"):
        load(task, tmp_path, "en", "validation")


def test_half_of_two_parts_is_not_a_split_and_is_reported(tmp_path: Path, halves: str) -> None:
    """The one that is there and the one that is not are both named; where none is, only where was looked."""
    task = _with(PANX, ("{language}.words", "{language}.tags"), reader=halves)
    with pytest.raises(MissingData, match=r"with en\.tags"):
        load(task, tmp_path, "en", "validation")
    _write(tmp_path, "en.words", "Anna\n")
    assert available(task, tmp_path, "validation") == ()
    with pytest.raises(MissingData, match="without"):
        resolve(task, tmp_path, "auto", "en")


def test_a_pair_is_read_where_its_languages_are_the_task_s(tmp_path: Path) -> None:
    """Of `de@en` the question is German and the context English; the list of languages stays that of single ones."""
    _mlqa(tmp_path, "en", "de")
    _mlqa(tmp_path, "en", "en")
    assert available(MLQA, tmp_path, "validation") == ("en",)
    assert available(MLQA, tmp_path, "auto", ["de@en", "en@de", "en"]) == ("de@en", "en")
    resolved = resolve(MLQA, tmp_path, "auto", "de@en")
    assert resolved.files[0][0].endswith("dev-context-en-question-de.json")
    assert {name: text.language for name, text in resolved.examples[0].texts.items()} == {
        "question": "de",
        "context": "en",
    }
    loaded = load(MLQA, tmp_path, "en", "validation")
    assert not {example.id for example in loaded.examples} & {example.id for example in resolved.examples}
    assert (
        {example.cluster for example in loaded.examples}
        == {example.cluster for example in resolved.examples}
        == {"passage/q1"}
    )


@pytest.mark.parametrize("language", ["de@sw", "de@de", "de@en@zh", "@en", "en@", "../x@en", "sw"])
def test_pairs_that_are_none_are_refused_before_a_path_is_made(tmp_path: Path, language: str) -> None:
    """Both must be languages of the task, and two different ones."""
    for call in (
        lambda: load(MLQA, tmp_path, language, "validation"),
        lambda: resolve(MLQA, tmp_path, "auto", language),
        lambda: available(MLQA, tmp_path, "auto", [language]),
    ):
        with pytest.raises(UnknownName, match="mlqa"):
            call()


def test_tasks_without_pairs_have_none(tmp_path: Path) -> None:
    """XQuAD is not asked across languages."""
    assert has_language(MLQA, tmp_path, "de@en")
    assert not has_language(XQUAD, tmp_path, "de@en")
    with pytest.raises(UnknownName, match="de@en"):
        load(XQUAD, tmp_path, "de@en", "validation")


@pytest.mark.parametrize("part", ["mlqa/MLQA_V1/dev/dev", "mlqa/dev/dev"])
def test_both_layouts_of_mlqa(tmp_path: Path, part: str) -> None:
    """The folders of the release, and one level less."""
    _mlqa(tmp_path, "zh", "zh", part)
    assert resolve(MLQA, tmp_path, "auto", "zh").split == "validation"
    _mlqa(tmp_path, "zh", "zh", part.replace("dev", "test"))
    assert resolve(MLQA, tmp_path, "auto", "zh").split == "test"


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Loopback]:
    """A hub with a cache of its own."""
    with Loopback() as server, server.lent(tmp_path):
        yield server


def test_the_hub_has_the_context_s_language_first(hub: Loopback, tmp_path: Path) -> None:
    """`MLQA.en.de` is German questions on English contexts; but for the white space that copies lost, all is equal."""
    path = _mlqa(tmp_path, "en", "de")
    rows = hub_rows("squad", path)
    for row in rows:
        row["context"], row["question"] = row["context"].strip(), row["question"].strip()
    wanted = MLQA.hub["validation"]
    name = "MLQA.en.de/validation-00000-of-00001.parquet"
    hub.put("dataset", wanted.repo, {name: parquet("squad", rows)}, wanted.revision)
    theirs = load(MLQA, open_source("hub"), "de@en", "validation")
    ours = load(MLQA, tmp_path, "de@en", "validation")
    assert theirs.files[0][0] == f"hub://google/xtreme@{wanted.revision}/MLQA.en.de/validation"
    assert theirs.examples == ours.examples
    assert data_identity(theirs.examples) == data_identity(ours.examples)
    with pytest.raises(MissingData, match=r"MLQA\.de\.en/validation-\*\.parquet"):
        load(MLQA, open_source("hub"), "en@de", "validation")


def test_a_suite_may_have_a_task_in_some_of_its_languages(tmp_path: Path) -> None:
    """A table's own languages are instead of the suite's, and a pair has a file of its own."""
    toml = TOML + '[mlqa]\nsplits = ["test"]\nlanguages = ["de", "en"]\n[xquad]\nsplits = ["test"]\n'
    _write(tmp_path, "suite.toml", toml)
    row = {"id": "1", "cluster": "t1", "context": "Anna is in Rome.", "question": "Wo?", "answers": [[11, 15]]}
    _write(tmp_path, "mlqa/test-de@en.jsonl", json.dumps(row))
    source = open_source(str(tmp_path))
    assert (source.languages(MLQA), source.languages(XQUAD)) == (("de", "en"), ("de", "en", "zh"))
    assert load(MLQA, source, "de@en", "test").examples[0].id == "mlqa/test/de@en/1"
    assert available(MLQA, source, "test") == ()
    with pytest.raises(UnknownName, match="de@zh"):
        load(MLQA, source, "de@zh", "test")


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ('languages = ["sw"]', "'sw'"),
        ("languages = []", "list of strings"),
        ('languages = ["de", "de"]', "twice"),
        ('language = ["de"]', "Did you mean 'languages'"),
    ],
)
def test_languages_of_a_task_are_checked(tmp_path: Path, table: str, message: str) -> None:
    """They are some of the suite's own, each once."""
    _write(tmp_path, "suite.toml", f'{TOML}[mlqa]\nsplits = ["test"]\n{table}\n')
    with pytest.raises(DataError, match=message):
        open_source(str(tmp_path))


def test_files_can_be_named_by_a_task_of_another_package() -> None:
    """The new fields of Files have defaults: what was written before is as it was."""
    files = Files("iob2", ("x",))
    assert (files.ids, dict(files.codes)) == ("ordinal", {})
