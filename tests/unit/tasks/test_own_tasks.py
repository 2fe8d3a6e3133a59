"""Own tasks of a suite: what a description may say, what a row has, and where the program knows them."""

from __future__ import annotations

import json
import shlex
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import pytest
from tests.program import program
from tests.sample_files import sample
from tests.unit.tasks.test_suites import ASKED, PAIR, WORDS, lines, opened, suite

from robust_xtreme.cli._check import folder as folder_check
from robust_xtreme.core import registry
from robust_xtreme.core.errors import DataError, UnknownName
from robust_xtreme.core.examples import Answers, Choice, Tags
from robust_xtreme.core.specs import TaskSpec
from robust_xtreme.stats.benchmark import AVERAGES, CATEGORIES
from robust_xtreme.tasks import groups
from robust_xtreme.tasks.adapters.own import own_tasks, tasks_in
from robust_xtreme.tasks.formats import labelled_jsonl
from robust_xtreme.tasks.sources.source import load

HEAD: Final = """name = "shop"
version = "1"
summary = "Rows of a shop."
languages = ["en", "ko"]
"""
MOOD: Final = """[mood]
target = "choice"
labels = ["bad", "good"]
texts = ["text"]
splits = ["test"]
"""
TAGGED: Final = '[goods]\ntarget = "tags"\nlabels = ["O", "B-CUP", "I-CUP"]\nsplits = ["test"]\n'
HELP: Final = '[help]\ntarget = "spans"\nsplits = ["test"]\n'
FELT: Final = {"id": "1", "cluster": "t1", "text": "I like it.", "label": "good"}


def described_by(folder: Path, toml: str, **files: str) -> dict[str, TaskSpec]:
    """The tasks of a suite with these tables, by name."""
    return {task.name: task for task in tasks_in(str(suite(folder, HEAD + toml, **files)))}


def without(row: dict[str, Any], *keys: str) -> dict[str, Any]:
    """The row without some keys."""
    return {key: value for key, value in row.items() if key not in keys}


def test_each_target_has_its_family_metrics_and_noised_fields(tmp_path: Path) -> None:
    """A choice is classified, tags are scored as entities where they have types, spans as SQuAD's answers."""
    tasks = described_by(
        tmp_path, MOOD + TAGGED + HELP + TAGGED.replace("goods", "parts").replace("B-", "").replace("I-CUP", "NOUN")
    )
    facts = {name: (task.family, task.metrics[0], task.perturbed) for name, task in tasks.items()}
    assert facts == {
        "mood": ("classification", "accuracy", (("text",),)),
        "goods": ("tagging", "span_f1", (("tokens",),)),
        "help": ("span_qa", "squad_f1", (("question",), ("context",))),
        "parts": ("tagging", "token_accuracy", (("tokens",),)),
    }
    assert not {name for categories in CATEGORIES.values() for each in categories.values() for name in each} & {*tasks}
    assert not set(AVERAGES) & {name for task in tasks.values() for name in task.groups}


def test_a_row_without_a_cluster_is_a_cluster(tmp_path: Path) -> None:
    """Choices by their id, which languages share; tags by sentence; questions by passage; named clusters are kept."""
    rows = {
        "mood__test_en": lines([without(FELT, "cluster"), {**without(FELT, "cluster"), "id": "2", "text": "Bad"}]),
        "mood__test_ko": lines([without(FELT, "cluster")]),
        "goods__test_en": lines(
            [{**without(WORDS, "cluster"), "id": str(n), "tags": ["O", "B-CUP"]} for n in range(2)]
        ),
        "help__test_en": lines([{**without(ASKED, "cluster"), "id": str(n)} for n in range(2)]),
        "help__test_ko": lines([ASKED]),
    }
    tasks = described_by(tmp_path, MOOD + TAGGED + HELP, **rows)
    source = opened(tmp_path)
    moods, others = load(tasks["mood"], source, "en", "test"), load(tasks["mood"], source, "ko", "test")
    assert [example.cluster for example in moods.examples] == ["mood-test/1", "mood-test/2"]
    assert others.examples[0].cluster == "mood-test/1"
    assert (moods.clustered, moods.examples[0].target, moods.examples[0].id) == (False, Choice(1), "mood/test/en/1")
    for name, target in (("goods", Tags(("O", "B-CUP"))), ("help", Answers)):
        first, second = load(tasks[name], source, "en", "test").examples
        assert first.cluster == second.cluster
        assert first.target == target or isinstance(first.target, Answers)
    named = load(tasks["help"], source, "ko", "test")
    assert (named.clustered, named.examples[0].cluster) == (True, "t1")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({**FELT, "label": "fine"}, "fine"),
        ({**FELT, "label": 1}, "label' takes"),
        (without(FELT, "label"), "label' is missing"),
        (without(FELT, "text"), "text' is missing"),
        (without(FELT, "id"), "id' is missing"),
        ({**FELT, "txt": "x"}, "'txt'"),
        ({**FELT, "text": " "}, "text' is empty"),
        ({**FELT, "text": ["a"]}, "a list"),
        (without({**FELT, "id": "2"}, "cluster"), "cluster"),
        ({**FELT, "id": "0"}, "not unique"),
        ({**WORDS, "id": "2"}, "tokens"),
    ],
)
def test_mistakes_in_rows_have_their_line(tmp_path: Path, row: dict[str, Any], message: str) -> None:
    """Labels outside the list, missing and unknown keys, rows of another target: one line with file and line."""
    tasks = described_by(tmp_path, MOOD, mood__test_en=lines([{**FELT, "id": "0"}, row]))
    with pytest.raises(DataError, match=message) as caught:
        load(tasks["mood"], opened(tmp_path), "en", "test")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        (
            MOOD.replace('target = "choice"\n', ""),
            "your own",
        ),
        ('[xnil]\nsplits = ["test"]\n', "xnli"),
        (MOOD.replace("[mood]", "[xnli]"), "task of the program"),
        (MOOD.replace("[mood]", "[mnli]"), "mnli"),
        (MOOD.replace("[mood]", "[tagging]"), "tagging"),
        (MOOD.replace("[mood]", "[own]"), "another meaning"),
        (MOOD.replace("[mood]", "[xtreme-r]"), "xtreme-r"),
        (MOOD.replace("[mood]", '["../up"]'), "../up"),
        (MOOD.replace("[mood]", '["=cmd|x"]'), "=cmd"),
        (MOOD.replace("[mood]", '["mo\\u202eod"]'), "not a task's name"),
        (MOOD.replace("[mood]", "[m" + "o" * 50 + "d]"), "not a task's name"),
        (MOOD.replace('"choice"', '"choise"'), "choise"),
        (MOOD.replace('"choice"', "3"), "target 3"),
        (MOOD.replace('"choice"', '["choice"]'), "none of"),
        (MOOD.replace("labels", "lables"), "lables"),
        (MOOD.replace('labels = ["bad", "good"]\n', ""), "labels = "),
        (MOOD.replace('"bad", "good"', '"bad"'), "2 to 200"),
        (MOOD.replace('"bad", "good"', '"bad", "Bad"'), "labels_confirmed = true"),
        (MOOD.replace('"bad", "good"', '"so-so", "so so"'), "so-so"),
        (MOOD.replace('"bad", "good"', '"1", "1.0"'), "1.0"),
        (MOOD.replace('"good"', '"bad"') + "labels_confirmed = true\n", "'bad' twice"),
        (MOOD + 'labels_confirmed = "yes"\n', "true or false"),
        (HELP + "labels_confirmed = true\n", "labels_confirmed"),
        (MOOD.replace('"bad"', "1"), "list of strings"),
        (MOOD.replace('"bad"', '"bad,worse"'), "bad,worse"),
        (MOOD.replace('"bad"', '"b\\u001bad"'), "not a label"),
        (MOOD.replace('"bad"', '""'), "'' is not"),
        (MOOD.replace('texts = ["text"]\n', ""), "texts = "),
        (MOOD.replace('["text"]', '["a", "b", "c"]'), "names 3 keys"),
        (MOOD.replace('["text"]', '["label"]'), "'label' in"),
        (MOOD.replace('["text"]', '["a/b"]'), "a/b"),
        (MOOD.replace('["text"]', '["a", "a"]'), "'a' twice"),
        (MOOD.replace('splits = ["test"]\n', ""), "splits"),
        (MOOD.replace('"test"', '"dev"'), "'dev'"),
        (MOOD + 'languages = ["de"]\n', "'de'"),
        (
            TAGGED + 'texts = ["tokens"]\n',
            "texts",
        ),
        (HELP + 'labels = ["a", "b"]\n', "labels"),
    ],
)
def test_mistakes_in_a_description_are_one_line(tmp_path: Path, toml: str, message: str) -> None:
    """Unknown keys and targets, clashes with names of the program, odd names and labels: one line with the file."""
    with pytest.raises(DataError, match=message) as caught:
        described_by(tmp_path, toml)
    assert "\n" not in str(caught.value)
    assert "suite.toml" in str(caught.value)


def test_the_program_knows_own_tasks_while_their_suite_is_in_use(tmp_path: Path) -> None:
    """By name, family and the group of all of them; in a thread that shares them; and nowhere else."""
    folder = str(suite(tmp_path, HEAD + MOOD + HELP))
    with own_tasks(folder), ThreadPoolExecutor(1, initializer=registry.share()) as threads:
        assert {*groups.chosen(["own"])} == {"mood", "help"}
        assert "help" in groups.chosen(["span_qa"])
        assert registry.load("task", "mood").labels == ("bad", "good")
        assert threads.submit(registry.load, "task", "mood").result().name == "mood"
        with pytest.raises(UnknownName, match="modo"):
            groups.chosen(["modo"])
        assert len(tasks_in(folder)) == 2  # what is known does not clash with itself
    with pytest.raises(UnknownName, match="mood"):
        registry.load("task", "mood")


def test_own_tasks_learn_from_english_or_from_all_that_they_have(tmp_path: Path) -> None:
    """The languages of training are those with a file."""
    train = MOOD.replace('["test"]', '["train", "test"]')
    assert described_by(tmp_path / "a", train)["mood"].train_languages == ("en",)
    korean = {"mood__train_ko": lines([FELT])}
    assert described_by(tmp_path / "b", train, **korean)["mood"].train_languages == ("ko",)
    both = {**korean, "mood__train_en": lines([FELT])}
    assert described_by(tmp_path / "c", train, **both)["mood"].train_languages == ("en",)


def test_heads_of_known_tasks_answer_own_tasks_of_their_labels(tmp_path: Path) -> None:
    """A choice needs the same labels and as many texts, tags all labels of the head."""
    names = '"O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC"'
    people = TAGGED.replace('"O", "B-CUP", "I-CUP"', f'{names}, "B-CUP", "I-CUP"')
    nli = MOOD.replace('"bad", "good"', '"neutral", "entailment", "contradiction"')
    accepts = {name: task.accepts for name, task in described_by(tmp_path / "a", people + nli + HELP).items()}
    assert accepts["goods"] == ("goods", "panx")
    assert accepts["mood"] == ("mood",)
    assert {"help", "xquad", "squad"} <= {*accepts["help"]}
    pairs = nli.replace('["text"]', '["claim", "text"]')
    for name, written in {"b": pairs, "c": pairs.replace('"neutral"', '"Neutral"')}.items():
        assert {"mood", "xnli", "mnli"} <= {*described_by(tmp_path / name, written)["mood"].accepts}


def test_rows_outside_a_suite_are_read_by_their_keys() -> None:
    """Every key but `id` and `cluster` is a text; a row has the number of its line from 0."""
    rows = labelled_jsonl.read(sample("labelled_jsonl"), "rows.jsonl")
    assert [(row.native, row.values) for row in rows] == [
        ("0", {"text": "A good lamp.", "label": "positive"}),
        ("1", {"text": "A broken cup.", "label": "negative"}),
    ]


def test_a_message_does_not_list_hundreds_of_labels(tmp_path: Path) -> None:
    """Of many labels the first are named, and the nearest."""
    names = [f"intent number {number}" for number in range(150)]
    toml = MOOD.replace('["bad", "good"]', str(names).replace("'", '"'))
    tasks = described_by(tmp_path, toml, mood__test_en=lines([{**FELT, "label": "intent numbre 88"}]))
    with pytest.raises(DataError, match="number 88") as caught:
        load(tasks["mood"], opened(tmp_path), "en", "test")
    assert len(str(caught.value)) < 700 + len(str(tmp_path))


def test_list_shows_the_tasks_of_a_suite(tmp_path: Path) -> None:
    """Beside those of the program, with their files and their group; other lists have no data."""
    folder = str(suite(tmp_path, HEAD + MOOD))
    listed = json.loads(program("list", "tasks", "--data", folder, "--json").out)
    (mood,) = [row for row in listed if row["name"] == "mood"]
    assert (mood["metrics"], mood["groups"], mood["files"]) == (
        ["accuracy"],
        ["own"],
        {"test": ["mood/test-{language}.jsonl"]},
    )
    assert len(listed) == 1 + len(registry.names("task"))
    assert "own: mood" in program("list", "tasks", "--data", folder).out
    assert program("list", "metrics", "--data", folder).code == 2
    assert program("list", "tasks", "--data", str(tmp_path / "no")).code == 2


@pytest.mark.parametrize("tables", ["", MOOD.replace('target = "choice"\n', "")])
def test_check_of_nothing_is_an_error(tmp_path: Path, tables: str) -> None:
    """An empty folder and a table of an unknown task end with 2; so does a task that the suite does not have."""
    if tables:
        suite(tmp_path, HEAD + tables)
    done = program("data", "check", "--data", str(tmp_path))
    assert done.code == 2
    assert (f"The data folder {tmp_path} is empty." in done.err) == (not tables)
    assert ("mood" in done.err) == bool(tables)


def test_doctor_counts_own_tasks(tmp_path: Path) -> None:
    """A folder with own tasks alone has data."""
    check = folder_check(str(suite(tmp_path, HEAD + MOOD, mood__test_en=lines([FELT]))))
    assert (check.status, check.facts["tasks"]) == ("ok", {"mood": ["en"]})


def test_data_commands_show_own_tasks_like_others(tmp_path: Path) -> None:
    """They are checked and listed by name; an unknown name is an error with the nearest."""
    toml = HEAD + MOOD + '[xnli]\nsplits = ["test"]\n'
    folder = str(suite(tmp_path, toml, mood__test_en=lines([FELT]), xnli__test_en=lines([PAIR])))
    done = program("data", "check", "--data", folder)
    assert (done.code, "mood" in done.out, "Everything" in done.out) == (0, True, True)
    assert "mood/test-en.jsonl" in program("data", "list", "--data", folder, "--tasks", "own").out
    wrong = program("data", "check", "--data", folder, "--tasks", "moood")
    assert (wrong.code, "'mood'?" in wrong.err) == (2, True)
    suite(tmp_path, toml, mood__test_en=lines([{**FELT, "label": "fine"}]))
    assert "fine" in program("data", "check", "--data", folder).out


@pytest.mark.parametrize("taught", [False, True])
def test_a_task_that_mini_has_no_head_for_is_followed_by_what_runs(taught: bool, tmp_path: Path) -> None:
    """Its training where the data have some, else its place in the list; `eval` names the missing head."""
    train = {"mood__train_en": lines([{**FELT, "text": "They hate it.", "id": "2"}])} if taught else {}
    toml = HEAD + MOOD.replace('["test"]', '["train", "test"]' if taught else '["test"]')
    data = str(suite(tmp_path, toml, mood__test_en=lines([FELT]), **train))
    checked = program("data", "check", "--data", data)
    assert checked.code == 0
    note, following = checked.err.splitlines()
    assert note.endswith("has no head for mood. Name a model that has one: --model mood=NAME")
    words = shlex.split(following)[2:]
    assert words[0] == ("train" if taught else "list")
    assert program(*words).code == 0
    planned = program("eval", "--data", data, "--plan")
    assert (planned.code, "mood" in planned.err, "lareqa." in planned.err) == (2, True, False)
