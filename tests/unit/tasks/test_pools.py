"""Pools: made once of a language's rows, of all languages', or of files of their own; and which targets they give."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from tests.loopback import Loopback

from robust_xtreme.core import registry
from robust_xtreme.core.errors import DataError, MissingData, UserError
from robust_xtreme.core.examples import Corpus, Document, Example, Text, fingerprint
from robust_xtreme.core.specs import Files, HubFiles, Origin, Pool, Row, TaskSpec
from robust_xtreme.tasks.sources.dataset import Hub
from robust_xtreme.tasks.sources.release import Release
from robust_xtreme.tasks.sources.rows import data_identity
from robust_xtreme.tasks.sources.source import Pools, load, open_source, resolve

XNLI: TaskSpec = registry.load("task", "xnli")

Rows = Mapping[str, tuple[Row, ...]]
LINES = "q1\tRome\tk1\nq2\tBonn\tk2\nq3\tnobody\tk9\n"


def _module(read: Callable[[str, str], tuple[Row, ...]]) -> ModuleType:
    module = ModuleType("lines")
    module.read = read  # type: ignore[attr-defined]  # what a reader has
    module.FIELDS = ("text", "key")  # type: ignore[attr-defined]  # the same
    module.record = lambda row, _: {key: row[key] for key in ("text", "key")}  # type: ignore[attr-defined]  # the same
    return module


def _read(text: str, path: str) -> tuple[Row, ...]:
    """Lines of id, text and key."""
    lines = [line.split("\t") for line in text.splitlines()]
    return tuple(
        Row(id, f"{path}:{number}", {"text": value, "key": key}) for number, (id, value, key) in enumerate(lines, 1)
    )


@pytest.fixture(autouse=True)
def lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reader `theirs.lines`."""
    monkeypatch.setitem(sys.modules, "theirs", ModuleType("theirs"))
    monkeypatch.setitem(sys.modules, "theirs.lines", _module(_read))


def _make(rows: Rows, task: str, split: str) -> Corpus:
    """A text for each row; keys k1 and k2 are answered by the texts of that key, k9 by none."""
    made = [
        (Text(f"{task}/{split}/{language}/candidate/{row.native}", language or "en", row.values["text"]), row)
        for language, lines in rows.items()
        for row in lines
    ]
    answers: dict[str, list[str]] = {}
    for text, row in made:
        if row.values["key"] != "k9":
            answers.setdefault(row.values["key"], []).append(text.id)
    return Corpus(f"{task}/{split}", tuple(text for text, _ in made), {key: tuple(ids) for key, ids in answers.items()})


def _adapt(rows: tuple[Row, ...], origin: Origin) -> tuple[Example, ...]:
    return tuple(
        Example(
            origin.id(row.native),
            {"query": Text(f"{origin.id(row.native)}/query", origin.language, row.values["text"])},
            Document((row.values["key"],)),
            row.cluster or row.native,
        )
        for row in rows
    )


def _task(**pool: Any) -> TaskSpec:
    return dataclasses.replace(
        XNLI,
        name="find",
        family="retrieval",
        languages=("de", "en", "sw"),
        files={"test": Files("theirs.lines", ("find/{language}.tsv",), ids="native")},
        hub={},
        adapt=_adapt,
        pool=Pool(**{"make": _make, **pool}),
    )


def _with_pool(**pool: Any) -> TaskSpec:
    return _task(files={"test": Files("theirs.lines", ("find/pool.tsv",), ids="native")}, **pool)


def _write(folder: Path, **files: str) -> Path:
    (folder / "find").mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / "find" / f"{name}.tsv").write_text(text, encoding="utf-8")
    return folder


def test_keys_become_the_texts_that_are_right(tmp_path: Path) -> None:
    """A target contains ids of the pool, one without an answer is empty, and fingerprints are made of what is there."""
    loaded = load(_task(), _write(tmp_path, de=LINES), "de", "test")
    assert [example.target for example in loaded.examples] == [
        Document(("find/test/de/candidate/q1",)),
        Document(("find/test/de/candidate/q2",)),
        Document(()),
    ]
    assert all(example.fingerprint == fingerprint(example.texts, example.target) for example in loaded.examples)
    assert loaded.corpus is not None
    assert (loaded.corpus.id, len(loaded.corpus.texts), loaded.labelled) == ("find/test", 3, True)
    assert loaded.files == load(dataclasses.replace(_task(), pool=None), tmp_path, "de", "test").files


def test_a_pool_that_answers_nobody_is_a_split_without_labels(tmp_path: Path) -> None:
    """Keys alone are not labels: `auto` finds none, and says which key has no text."""
    _write(tmp_path, de="q3\tnobody\tk9\n")
    assert not load(_task(), tmp_path, "de", "test").labelled
    with pytest.raises(MissingData, match="k9"):
        resolve(_task(), tmp_path, "auto", "de")


def test_a_pool_of_one_language_is_its_own(tmp_path: Path) -> None:
    """Each language has its pool; of a task without one there is none."""
    pools = Pools(Release(_write(tmp_path, de=LINES, en=LINES)))
    german, english = (pools.pooled(_task(), "test", code) for code in ("de", "en"))
    assert german is not None
    assert english is not None
    assert {text.language for text in german.corpus.texts} == {"de"}
    assert pools.pooled(XNLI, "test", "de") is None
    assert german.corpus.identity != english.corpus.identity


def test_a_shared_pool_has_the_languages_that_the_source_has(tmp_path: Path) -> None:
    """All languages are answered from one and the same pool, which is of the files of all of them."""
    source = Release(_write(tmp_path, de=LINES, en=LINES))
    pools = Pools(source)
    task = _task(shared=True)
    german, english = (load(task, source, code, "test", pools) for code in ("de", "en"))
    assert german.corpus is english.corpus
    assert german.examples[0].target == Document(("find/test/de/candidate/q1", "find/test/en/candidate/q1"))
    assert english.corpus is not None
    assert {text.language for text in english.corpus.texts} == {"de", "en"}
    assert [name for name, _ in english.files] == ["find/en.tsv", "find/de.tsv"]
    assert load(task, tmp_path, "de", "test").examples == german.examples


def test_a_pool_is_made_once(tmp_path: Path) -> None:
    """Pools keep what they made; without them every load makes its own."""
    made = []

    def make(rows: Rows, task: str, split: str) -> Corpus:
        made.append(tuple(rows))
        return _make(rows, task, split)

    source = Release(_write(tmp_path, de=LINES, en=LINES, pool=LINES))
    for task, expected in ((_task(make=make, shared=True), 1), (_with_pool(make=make), 1), (_task(make=make), 2)):
        made.clear()
        pools = Pools(source)
        for code in ("de", "en", "de"):
            resolve(task, source, "auto", code, pools)
        assert len(made) == expected
    resolve(_with_pool(make=make), source, "auto", "de")
    assert made[-1] == ("",)


def test_candidates_may_have_files_of_their_own(tmp_path: Path) -> None:
    """Queries of every language are answered from them; a split without such files is answered from its rows."""
    task = _with_pool()
    source = Release(_write(tmp_path, de=LINES, pool="Q1\tRoma\tk1\nQ2\tRom\tk1\n"))
    loaded = load(task, source, "de", "test")
    assert loaded.examples[0].target == Document(("find/test//candidate/Q1", "find/test//candidate/Q2"))
    assert [name for name, _ in loaded.files] == ["find/de.tsv", "find/pool.tsv"]
    task = dataclasses.replace(task, files={**task.files, "train": task.files["test"]})
    trained = load(task, source, "de", "train").corpus
    assert trained is not None
    assert [text.language for text in trained.texts] == ["de"] * 3


def test_missing_candidates_are_named(tmp_path: Path) -> None:
    """Where the pool's file is not there, or the task names none for this source."""
    _write(tmp_path, de=LINES)
    with pytest.raises(MissingData, match="no file"):
        load(_with_pool(), tmp_path, "de", "test")
    with pytest.raises(MissingData, match="no dataset"):
        Hub(True, {}).read_pool(_with_pool(), "test")
    with pytest.raises(MissingData, match="no release files"):
        Release(tmp_path).read_pool(_with_pool(), "train")


def test_candidates_may_be_on_the_hub(tmp_path: Path) -> None:
    """Their own data set is read at its commit, once for all languages, and named beside the queries'."""
    commit, other = "a" * 40, "b" * 40
    lines = [{"text": "Roma", "key": "k1", "id": "Q1"}]

    def values(row: Mapping[str, Any], _: str) -> Mapping[str, Any]:
        return {"text": row["text"], "key": row["key"]}

    queries = HubFiles("o/queries", commit, "{language}", "test", "{language}.jsonl", values, ids="native")
    candidates = HubFiles("o/pool", other, "all", "test", "pool.jsonl", values, ids="native")
    task = dataclasses.replace(_with_pool(hub={"test": candidates}), hub={"test": queries})
    with Loopback() as hub, hub.lent(tmp_path):
        content = "".join(json.dumps(line) + "\n" for line in lines).encode()
        hub.put("dataset", "o/queries", {"de.jsonl": content, "en.jsonl": content}, commit)
        hub.put("dataset", "o/pool", {"pool.jsonl": content}, other)
        source = Hub(False, {})
        pools = Pools(source)
        loaded = [load(task, source, code, "test", pools) for code in ("de", "en")]
    assert loaded[0].corpus is loaded[1].corpus
    assert loaded[0].examples[0].target == Document(("find/test//candidate/Q1",))
    assert [name for name, _ in loaded[1].files] == [
        f"hub://o/queries@{commit}/en/test",
        f"hub://o/pool@{other}/all/test",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no examples"),
        ("Q1\ta\tk1\nQ1\tb\tk1\n", "not unique"),
        (f"Q1\t{'x' * 1_000_001}\tk1\n", "1,000,001"),
    ],
)
def test_rows_of_candidates_are_checked(tmp_path: Path, text: str, message: str) -> None:
    """As rows of examples are: with both places of an id that is twice."""
    _write(tmp_path, de=LINES, pool=text)
    with pytest.raises(DataError, match=message):
        load(_with_pool(), tmp_path, "de", "test")


@pytest.mark.parametrize(
    ("corpus", "message"),
    [
        (Corpus("c", ()), "no candidates"),
        (
            Corpus("c", (Text("1", "en", "Rome"), Text("1", "en", "Rome"))),
            "two candidates",
        ),
        (
            Corpus("c", (Text("1", "en", "a"),), {"k1": ("2",)}),
            "not a candidate",
        ),
    ],
)
def test_pools_are_checked(tmp_path: Path, corpus: Corpus, message: str) -> None:
    """One without texts, with an id that occurs twice, or with an answer that it does not contain."""
    _write(tmp_path, de=LINES)
    with pytest.raises(DataError, match=message):
        load(_task(make=lambda *_: corpus), tmp_path, "de", "test")


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The task `find` as another package would install it."""
    monkeypatch.setattr("robust_xtreme.core.registry.installed", lambda kind: ("find",) if kind == "task" else ())


@pytest.mark.usefixtures("installed")
def test_a_suite_has_one_pool_for_every_split(tmp_path: Path) -> None:
    """`TASK/pool.jsonl` has the format of the pool's files; without a pool of its own it is made from the rows."""
    toml = 'name = "own"\nversion = "1"\nsummary = "Rows."\nlanguages = ["de"]\n[find]\nsplits = ["test", "train"]\n'
    (tmp_path / "suite.toml").write_text(toml, encoding="utf-8")
    row = {"id": "q1", "cluster": "c1", "text": "Rome", "key": "k1"}
    _write(tmp_path)
    for name in ("test-de", "train-de"):
        (tmp_path / "find" / f"{name}.jsonl").write_text(json.dumps(row), encoding="utf-8")
    source = open_source(str(tmp_path))
    assert load(_task(), source, "de", "test").examples[0].target == Document(("find/test/de/candidate/q1",))
    with pytest.raises(MissingData, match=r"pool\.jsonl"):
        load(_with_pool(), source, "de", "test")
    (tmp_path / "find/pool.jsonl").write_text(json.dumps({**row, "id": "Q7", "cluster": "Q7"}), encoding="utf-8")
    for split in ("test", "train"):
        loaded = load(_with_pool(), source, "de", split)
        assert loaded.examples[0].target == Document((f"find/{split}//candidate/Q7",))
        assert [name for name, _ in loaded.files] == [f"find/{split}-de.jsonl", "find/pool.jsonl"]
    (tmp_path / "find/pool.jsonl").write_text('{"id": "Q7"}', encoding="utf-8")
    with pytest.raises(DataError, match="'cluster'"):
        load(_with_pool(), source, "de", "test")


@pytest.mark.usefixtures("installed")
def test_training_examples_have_their_candidate_from_the_pool(tmp_path: Path) -> None:
    """The first right text is beside the query where the row brought none; a query that nobody answers has none."""
    toml = 'name = "own"\nversion = "1"\nsummary = "Rows."\nlanguages = ["de"]\n[find]\nsplits = ["test", "train"]\n'
    (tmp_path / "suite.toml").write_text(toml, encoding="utf-8")
    rows = [{"id": f"q{key}", "cluster": "c", "text": "Rome", "key": key} for key in ("k1", "k9")]
    for name in ("test-de", "train-de"):
        _write(tmp_path)
        (tmp_path / f"find/{name}.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    taught = load(_task(), open_source(str(tmp_path)), "de", "train").examples
    assert [tuple(example.texts) for example in taught] == [("query", "candidate"), ("query",)]
    assert taught[0].texts["candidate"].id == "find/train/de/candidate/qk1"
    assert taught[0].fingerprint == fingerprint(taught[0].texts, taught[0].target)
    tested = load(_task(), open_source(str(tmp_path)), "de", "test").examples
    assert [tuple(example.texts) for example in tested] == [("query",), ("query",)]


def test_the_identity_of_a_pool_is_its_texts() -> None:
    """Their order does not count; an id, a language or a character more does."""
    texts = (Text("1", "en", "a"), Text("2", "de", "b"))
    identity = Corpus("c", texts).identity
    assert identity == Corpus("other", texts[::-1], {"k": ("1",)}).identity
    for changed in (Text("3", "de", "b"), Text("2", "en", "b"), Text("2", "de", "b ")):
        assert Corpus("c", (texts[0], changed)).identity != identity


def test_the_gold_is_part_of_the_data_identity(tmp_path: Path) -> None:
    """The same queries with another gold are other data."""
    loaded = load(_task(), _write(tmp_path, de=LINES), "de", "test").examples
    other = load(_task(make=lambda rows, *_: Corpus("c", _make(rows, "t", "s").texts)), tmp_path, "de", "test").examples
    assert data_identity(loaded) != data_identity(other)


def test_a_reader_without_a_function_to_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader has `read`, or `read_parts`."""
    monkeypatch.setitem(sys.modules, "theirs.lines", ModuleType("lines"))
    with pytest.raises(UserError, match=r"theirs\.lines"):
        load(_task(), _write(tmp_path, de=LINES), "de", "test")
