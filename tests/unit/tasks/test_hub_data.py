"""The tasks' data from the hub: the same examples as from release files, and one line for whatever is wrong."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.forks import process, set_environment
from tests.hub_copies import NAMES, file_of, parquet, put_copies
from tests.loopback import Loopback
from tests.release import release

from robust_xtreme.cli._errors import exit_code_of
from robust_xtreme.core import registry
from robust_xtreme.core.errors import DataError, MissingData, SpecError
from robust_xtreme.core.specs import TaskSpec
from robust_xtreme.tasks.adapters import hub as rows
from robust_xtreme.tasks.sources.dataset import Hub, open_hub
from robust_xtreme.tasks.sources.rows import data_identity
from robust_xtreme.tasks.sources.source import Source, Split, available, fetch, load, open_source, resolve

XNLI: TaskSpec = registry.load("task", "xnli")
TYDIQA: TaskSpec = registry.load("task", "tydiqa")

BLOCKED = ("socket.__new__", "socket.connect", "socket.getaddrinfo", "subprocess.Popen", "os.posix_spawn", "os.fork")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Release files in miniature."""
    return release(tmp_path_factory.mktemp("files"))


@pytest.fixture
def hub(files: Path, tmp_path: Path) -> Iterator[Loopback]:
    """A hub that has the same rows, and a cache of its own in this process."""
    with Loopback() as server, server.lent(tmp_path):
        put_copies(server, files)
        yield server


def read(data: str, task: str, split: str, language: str, *, offline: bool = False) -> Split:
    """One split of a task from the hub."""
    return resolve(registry.load("task", task), open_source(data, offline=offline), split, language)


def refused(capsys: pytest.CaptureFixture[str], *words: str, offline: bool = False) -> tuple[int, str]:
    """The exit code and the one line of reading that fails."""
    code = exit_code_of(lambda: read(*words, offline=offline))
    message = capsys.readouterr()
    assert (message.out, message.err.count("\n")) == ("", 1), message.err
    return code, message.err.strip()


def blocked(home: Path, hub: Loopback, *tasks: str) -> list[Any]:
    """What a process gives that reads splits offline and may open no socket: for each its identity and languages."""
    reading = process(_read_blocked, home / "read.json", {**os.environ, **hub.env(home)}, tasks)
    reading.join()
    assert reading.exitcode == 0
    read: list[Any] = json.loads((home / "read.json").read_text())
    return read


def _read_blocked(out: Path, environment: dict[str, str], tasks: tuple[str, ...]) -> None:
    """Read splits offline, where no socket may be opened, no process started, and nothing warned of."""

    def refuse(event: str, arguments: object) -> None:
        if event in BLOCKED:
            raise AssertionError(f"opened {event} {arguments}")

    set_environment(environment)
    warnings.simplefilter("error", UserWarning)
    sys.addaudithook(refuse)
    read = []
    for name in tasks:
        source, task = open_source("hub", offline=True), registry.load("task", name)
        split = resolve(task, source, "auto", "en")
        read.append([data_identity(split.examples), available(task, source, "auto")])
    out.write_text(json.dumps(read))


def test_the_hub_gives_the_examples_of_the_release_files(hub: Loopback, files: Path, tmp_path: Path) -> None:
    """Ids, fingerprints and clusters are equal, and so is the identity of the data; offline no socket is opened."""
    tasks = ("xnli", "panx", "xquad")
    identities = [_as_released(files, registry.load("task", name)) for name in tasks]
    asked = len(hub.asked)
    assert blocked(tmp_path, hub, *tasks) == [[identity, ["en"]] for identity in identities]
    assert len(hub.asked) == asked


def _as_released(files: Path, task: TaskSpec) -> str:
    """Check that a task's English split of the hub is that of the release files; its identity."""
    loaded = load(task, files, "en", "validation").examples
    online = read("hub", task.name, "validation", "en")
    assert [(example.id, example.fingerprint, example.cluster) for example in online.examples] == [
        (example.id, example.fingerprint, example.cluster) for example in loaded
    ]
    assert online.examples == loaded
    wanted = task.hub["validation"]
    assert re.fullmatch("[0-9a-f]{40}", wanted.revision)
    config = wanted.config.replace("{language}", "en")
    assert online.files[0][0] == f"hub://{wanted.repo}@{wanted.revision}/{config}/validation"
    return data_identity(loaded)


def test_several_languages_are_fetched_in_one_go(hub: Loopback) -> None:
    """One process fetches what there is of all languages, and reading asks the hub for nothing more."""
    source = open_source("hub")
    fetch(XNLI, source, "validation", ("en", "sw", "th", "xx"))
    assert sum("/api/datasets/facebook/xnli/revision/" in request for request in hub.asked) <= 2
    asked = len(hub.asked)
    assert [load(XNLI, source, code, "validation").language for code in ("en", "sw")] == ["en", "sw"]
    with pytest.raises(MissingData, match="no file th"):
        load(XNLI, source, "th", "validation")
    assert len(hub.asked) == asked
    fetch(XNLI, source, "auto", ("th",))


def test_nothing_is_kept_beside_the_hub_s_own_cache(hub: Loopback, tmp_path: Path) -> None:
    """Reading makes no second copy of the data in the cache of `datasets`."""
    read("hub", "panx", "validation", "en")
    read("hub", "panx", "validation", "sw")
    assert [path.name for path in tmp_path.iterdir() if path.name != "xet"] == ["hub"]


def test_languages_that_are_mixed_are_distinguished(hub: Loopback) -> None:
    """TyDiQA's rows are of a language by the beginning of their ids; training rows are named by their place in it."""
    passage = {"context": "Anna lives in Rome.", "question": "Where?"}
    answers = {"text": ["Rome"], "answer_start": [14]}
    mixed = [
        {"id": f"{name}-{n}-0", **passage, "answers": answers} for n in range(3) for name in ("english", "swahili")
    ]
    copies = {file_of(TYDIQA, split, "sw"): parquet("squad", mixed) for split in ("train", "validation")}
    hub.put("dataset", TYDIQA.hub["train"].repo, copies, TYDIQA.hub["train"].revision)
    swahili = read("hub", "tydiqa", "auto", "sw").examples
    assert [example.id for example in swahili] == [f"tydiqa/validation/sw/swahili-{n}-0" for n in range(3)]
    train = read("hub", "tydiqa", "train", "en").examples
    assert [example.id for example in train] == [f"tydiqa/train/en/{n}" for n in range(3)]


def test_what_is_not_on_this_machine_is_one_line_offline(
    hub: Loopback, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Offline, data that were never fetched are named with their data set, where was looked, and what fetches them."""
    read("hub", "xnli", "validation", "en")
    code, line = refused(capsys, "hub", "xnli", "auto", "sw", offline=True)
    assert code == 2
    commit = XNLI.hub["validation"].revision[:8]
    assert "on this machine" in line
    assert f"facebook/xnli@{commit}/sw/test-*.parquet" in line
    assert str(tmp_path / "hub") in line
    assert "--offline" in line
    assert available(XNLI, open_source("hub", offline=True), "auto") == ("en",)
    assert available(XNLI, open_source("hub"), "auto") == XNLI.languages


def test_another_revision_never_serves(hub: Loopback, capsys: pytest.CaptureFixture[str]) -> None:
    """With the pinned commit in the cache, another one that the user names is missing offline and fetched online."""
    pinned = read("hub", "xnli", "validation", "en")
    other = "1" * 40
    name = f"hub:facebook/xnli@{other}"
    code, line = refused(capsys, name, "xnli", "validation", "en", offline=True)
    assert (code, f"facebook/xnli@{other[:8]}" in line) == (2, True)
    row = {"premise": "Old.", "hypothesis": "Older.", "label": 1}
    hub.put("dataset", "facebook/xnli", {file_of(XNLI, "validation", "en"): parquet("tsv", [row] * 3)}, other)
    assert len(read(name, "xnli", "validation", "en").examples) == 3
    assert read("hub", "xnli", "validation", "en", offline=True) == pinned
    moved = read("hub:facebook/xnli@main", "xnli", "validation", "en")
    assert moved.files[0][0] == f"hub://facebook/xnli@{other}/en/validation"
    hub.put("dataset", "facebook/xnli", {file_of(XNLI, "validation", "en"): b""}, "2" * 40)
    assert read("hub:facebook/xnli@main", "xnli", "validation", "en") == moved


def test_a_folder_of_that_name_does_not_win_over_the_hub(
    hub: Loopback, files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files under ./facebook/xnli where the program is started are not read in the hub's place, and no module is."""
    row = {"premise": "Wrong.", "hypothesis": "Wrong.", "label": 1}
    here = tmp_path / "here"
    local = here / "facebook" / "xnli" / file_of(XNLI, "validation", "en")
    local.parent.mkdir(parents=True)
    local.write_bytes(parquet("tsv", [row] * 3))
    (here / "huggingface_hub.py").write_text("raise SystemExit('a module of the folder was run')")
    monkeypatch.chdir(here)
    monkeypatch.syspath_prepend("")
    examples = read("hub", "xnli", "validation", "en")
    assert examples.examples == load(XNLI, files, "en", "validation").examples


@pytest.mark.parametrize(
    ("content", "code", "message"),
    [
        (b"PAR1 these bytes are not parquet PAR1", 3, "cannot be read"),
        (b"", 3, "cannot be read"),
        (parquet("tsv", [{"premise": "A.", "hypothesis": "B.", "label": 0}])[:-40], 3, "cannot be read"),
        (parquet("iob2", [{"tokens": ["A"], "ner_tags": [0]}]), 2, "premise"),
        (parquet("tsv", [{"premise": "A.", "hypothesis": "B.", "label": 1}], named=False), 2, "by their names"),
    ],
)
def test_bytes_that_are_not_data_are_one_line(
    hub: Loopback, capsys: pytest.CaptureFixture[str], content: bytes, code: int, message: str
) -> None:
    """Broken files are the hub's failure, and other columns than the task's are named with their row."""
    hub.put("dataset", "facebook/xnli", {file_of(XNLI, "validation", "en"): content}, XNLI.hub["validation"].revision)
    seen, line = refused(capsys, "hub", "xnli", "validation", "en")
    assert (seen, message in line) == (code, True), line


@pytest.mark.parametrize(
    ("fault", "code", "message"),
    [
        ("gated", 2, "gated"),
        ("503", 3, "answers 503"),
        ("", 2, "does not exist"),
    ],
)
def test_a_hub_that_refuses_is_one_line_with_the_task(
    hub: Loopback, capsys: pytest.CaptureFixture[str], fault: str, code: int, message: str
) -> None:
    """The task and language are before what the hub said."""
    hub.faults["facebook/xnli"] = fault
    if not fault:
        hub.repos.clear()
    seen, line = refused(capsys, "hub", "xnli", "auto", "en")
    assert (seen, message in line) == (code, True), line


def test_a_part_that_is_missing_is_noticed(hub: Loopback, capsys: pytest.CaptureFixture[str]) -> None:
    """One of two shards is not a split."""
    content = parquet("tsv", [{"premise": "A.", "hypothesis": "B.", "label": 0}])
    files = {"en/validation-00001-of-00002.parquet": content}
    hub.put("dataset", "facebook/xnli", files, XNLI.hub["validation"].revision)
    code, line = refused(capsys, "hub", "xnli", "validation", "en")
    assert (code, "Not all" in line) == (2, True), line


def test_a_split_or_file_that_the_hub_does_not_have_is_missing(
    hub: Loopback, capsys: pytest.CaptureFixture[str]
) -> None:
    """A language without files, a training split in another language, and a task without data sets are missing."""
    code, line = refused(capsys, "hub", "xnli", "validation", "th")
    assert (code, "no file th" in line) == (2, True), line
    source: Source = open_source("hub")
    with pytest.raises(MissingData, match="none in that language"):
        load(XNLI, source, "sw", "train")
    bare = dataclasses.replace(XNLI, hub={})
    with pytest.raises(MissingData, match="no dataset"):
        load(bare, source, "en", "test")


def test_revisions_of_the_user_s_own_are_read() -> None:
    """`hub:OWNER/NAME@COMMIT` pins a data set; anything else after the colon is refused."""
    source = open_source(f"hub:google/xquad@{'a' * 40},own/data@main")
    assert isinstance(source, Hub)
    assert source.pins == {"google/xquad": "a" * 40, "own/data": "main"}
    assert open_hub("", False) is open_source("hub")
    with pytest.raises(SpecError, match="@COMMIT"):
        open_source("hub:xquad")


def test_rows_of_the_hub_are_checked() -> None:
    """Columns that are missing, of another type or of other lengths are errors with the place."""
    assert rows.pair({"premise": "A", "hypothesis": "B", "label": None}, "x") == {
        "first": "A",
        "second": "B",
        "label": None,
    }
    wrong: list[tuple[Any, dict[str, Any], str]] = [
        (rows.pair, {"hypothesis": "B", "label": NAMES[0]}, "premise"),
        (rows.sentence, {"tokens": ["a"], "ner_tags": []}, "0 tags"),
        (rows.sentence, {"tokens": [1], "ner_tags": ["O"]}, "tokens"),
        (rows.question, {"context": "a", "question": "b", "answers": "c"}, "answers"),
        (
            rows.question,
            {"context": "a", "question": "b", "answers": {"text": ["a"], "answer_start": []}},
            "0 places",
        ),
        (
            rows.question,
            {"context": "ab", "question": "b", "answers": {"text": ["b"], "answer_start": [0]}},
            "answer_start 0",
        ),
    ]
    for make, row, message in wrong:
        with pytest.raises(DataError, match=re.escape(message)):
            make(row, "x")


def _asked(context: str, *answers: tuple[str, int]) -> tuple[tuple[int, int], ...]:
    given = {"text": [text for text, _ in answers], "answer_start": [start for _, start in answers]}
    spans: tuple[tuple[int, int], ...] = rows.question({"context": context, "question": "?", "answers": given}, "x")[
        "answers"
    ]
    return spans


def test_answers_are_where_a_copy_of_the_hub_moved_them() -> None:
    """The scripts that made copies for the hub cut white space off contexts and answers and left their places."""
    assert _asked("ab cd", ("cd", 3)) == ((3, 5),)
    assert _asked("ab cd", ("cd", 5)) == ((3, 5),)
    assert _asked("ab cd", ("cd", 5), ("ab", 2)) == ((3, 5), (0, 2))
    assert _asked("ab cd", ("cd", 2)) == ((3, 5),)
    assert _asked("ab cd", ("", 0)) == ()


@pytest.mark.parametrize(
    ("context", "answers", "message"),
    [
        ("ab cd", (("cd", 5), ("ab", 1)), "does not fit"),  # moved by two and by one
        (" ab cd", (("cd", 5),), "does not fit"),  # its white space is there: nothing was lost
        ("ab cd", (("cd", 1),), "answer_start 1"),  # too far ahead
    ],
)
def test_answers_that_no_lost_white_space_explains_are_refused(
    context: str, answers: tuple[tuple[str, int], ...], message: str
) -> None:
    """Accepted answers of a row are all moved by the same white space, which the context does not begin with."""
    with pytest.raises(DataError, match=message):
        _asked(context, *answers)
