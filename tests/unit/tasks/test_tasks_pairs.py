"""PAWS-X: pairs that are one item each, in both layouts, and the location of every error."""

from __future__ import annotations

import random
import unicodedata
from pathlib import Path

import pytest

from robust_xtreme.core import registry
from robust_xtreme.core.errors import DataError
from robust_xtreme.core.examples import Choice
from robust_xtreme.core.languages import codes
from robust_xtreme.core.specs import Origin, Row, TaskSpec
from robust_xtreme.exchange.perturbing.files import texts
from robust_xtreme.tasks.adapters import hub
from robust_xtreme.tasks.formats import tsv, tsv_paraphrases
from robust_xtreme.tasks.noisy.layouts import TaskSplit
from robust_xtreme.tasks.sources.source import load, resolve

PAWSX: TaskSpec = registry.load("task", "pawsx")
HEAD = "id\tsentence1\tsentence2\tlabel\n"
ROWS = ["10\tAnna met Ben. \tBen met Anna.\t1", '12\tHe said "no".\t "No" he said.\t0', "20\tné\tNS\t1"]
RELEASE = HEAD + "\n".join(ROWS) + "\n"
MADE = 'Anna met Ben.\tBen met Anna.\t1\n"He said ""no""."\t"""No"" he said."\t0\nné\tNS\t1\n'


def written(folder: Path, name: str, text: str) -> Path:
    """A data folder with one file."""
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(text.encode())
    return folder


def test_the_release_and_what_xtreme_makes_of_it_are_the_same_examples(tmp_path: Path) -> None:
    """Ids are places, blanks at the ends and a CSV writer's quoting make no difference, and no first row is lost."""
    folder = written(tmp_path / "own", "x-final/de/dev_2k.tsv", RELEASE)
    made = written(tmp_path / "made", "pawsx/dev-de.tsv", MADE.replace("\n", "\r\n"))
    loaded = load(PAWSX, folder, "de", "validation").examples
    assert loaded == load(PAWSX, made, "de", "validation").examples
    assert [example.id for example in loaded] == [f"pawsx/validation/de/{number}" for number in range(3)]
    assert loaded[1].texts["sentence1"].value == 'He said "no".'
    assert [example.target for example in loaded] == [Choice(1), Choice(0), Choice(1)]


def test_a_file_elsewhere_has_the_ids_of_the_release(tmp_path: Path) -> None:
    """A file that is perturbed outside its release has texts with the ids by which `eval` knows them."""
    mine = written(tmp_path / "mine", "mine.tsv", RELEASE) / "mine.tsv"
    noised = texts(TaskSplit(PAWSX, "de", "validation"), str(mine), {"sentence1": "first"})
    folder = written(tmp_path / "own", "x-final/de/dev_2k.tsv", RELEASE)
    examples = load(PAWSX, folder, "de", "validation").examples
    assert list(noised.values()) == [example.texts["sentence1"] for example in examples]


@pytest.mark.parametrize("change", ["moved", "crlf", "mark", "columns"])
def test_variants_of_the_release(tmp_path: Path, change: str) -> None:
    """Another order of rows or columns, CRLF and a byte order mark give the same examples."""
    moved = random.Random(3).sample(ROWS, len(ROWS))
    text = {
        "moved": HEAD + "\n".join(moved) + "\n",
        "crlf": RELEASE.replace("\n", "\r\n"),
        "mark": "\ufeff" + RELEASE,
        "columns": "".join("\t".join(reversed(line.split("\t"))) + "\n" for line in RELEASE.splitlines()),
    }[change]
    loaded = load(PAWSX, written(tmp_path / "other", "x-final/de/test_2k.tsv", text), "de", "test").examples
    assert loaded == load(PAWSX, written(tmp_path / "own", "x-final/de/test_2k.tsv", RELEASE), "de", "test").examples


def test_decomposed_letters_stay(tmp_path: Path) -> None:
    """Their normalisation is a property of the data."""
    data = written(tmp_path, "pawsx/dev-fr.tsv", unicodedata.normalize("NFD", MADE))
    assert load(PAWSX, data, "fr", "validation").examples[2].texts["sentence1"].value == "ne\u0301"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (RELEASE + ROWS[1] + "\n", "not unique"),
        (HEAD + "x" + ROWS[0], "x10"),
        (HEAD + "9" * 5000 + ROWS[0], "9{80}"),
        (HEAD + ROWS[0] + "\n12\tHe said", "2 columns"),
        (MADE + "cut off\tin the mid", "2 columns"),
        ("a\tb\tc\td\n", "4 columns"),
    ],
)
def test_what_is_not_a_pair_is_named_with_its_line(text: str, message: str) -> None:
    """Ids that are twice, and lines that lost a column, are refused on one line."""
    with pytest.raises(DataError, match=message) as caught:
        tsv_paraphrases.read(text, "f")
    assert "\n" not in str(caught.value)


def test_a_first_sentence_that_is_called_id_is_not_a_header() -> None:
    """Without the names of all columns there is no header, and the first row is a row."""
    assert [row.values["first"] for row in tsv_paraphrases.read("id\tb\t1\nc\td\t0\n", "f")] == ["id", "c"]


@pytest.mark.parametrize("label", ["2", "", "yes"])
def test_a_label_that_is_none_is_named(tmp_path: Path, label: str) -> None:
    """A label is 0 or 1, or its name; anything else is refused with its line."""
    data = written(tmp_path, "pawsx/dev-de.tsv", f"a\tb\t0\nc\td\t{label}\n")
    with pytest.raises(DataError, match=rf"dev-de\.tsv:2: .*'{label}'"):
        load(PAWSX, data, "de", "validation")


def test_items_are_clusters_in_all_languages_and_labels_their_own() -> None:
    """Translations of a pair are resampled together, but each language has its own label; no text is shared."""
    rows = [tsv_paraphrases.read(text, "f") for text in (MADE, MADE.replace("\t0", "\t1"))]
    english, german = (
        PAWSX.adapt(some, Origin("pawsx", "test", code)) for some, code in zip(rows, ("en", "de"), strict=True)
    )
    assert [row.cluster for row in english] == [row.cluster for row in german] == [f"pawsx-test/{i}" for i in range(3)]
    assert [(row.target, other.target) for row, other in zip(english, german, strict=True)][1] == (Choice(0), Choice(1))
    ids = [text.id for row in (*english, *german) for text in row.texts.values()]
    assert len(set(ids)) == len(ids)


def test_rows_of_a_suite_name_their_cluster_and_label() -> None:
    """The keys are those of the fields, and labels have names."""
    record = tsv_paraphrases.record({"sentence1": "a", "sentence2": "b", "label": "paraphrase"}, "f:1")
    (example,) = PAWSX.adapt((Row("1", "f:1", record, "c1"),), Origin("pawsx", "test", "ko"))
    assert (example.cluster, example.target, example.id) == ("c1", Choice(1), "pawsx/test/ko/1")
    assert {name: text.value for name, text in example.texts.items()} == {"sentence1": "a", "sentence2": "b"}


@pytest.mark.parametrize("name", ["", " "])
def test_an_empty_sentence_of_a_suite_is_refused(name: str) -> None:
    """As in every suite, a text has something in it."""
    with pytest.raises(DataError, match="sentence2"):
        tsv_paraphrases.record({"sentence1": "a", "sentence2": name, "label": "paraphrase"}, "f:1")


def test_test_files_without_labels_give_way(tmp_path: Path) -> None:
    """`auto` continues to validation where test has two columns, and takes a labelled test file before it."""
    unlabelled = "".join(line.rpartition("\t")[0] + "\n" for line in MADE.splitlines())
    data = written(written(tmp_path, "pawsx/test-de.tsv", unlabelled), "pawsx/dev-de.tsv", MADE)
    assert resolve(PAWSX, data, "auto", "de").split == "validation"
    written(data, "pawsx/labelled/test-de.tsv", RELEASE)
    assert resolve(PAWSX, data, "auto", "de").split == "test"


@pytest.mark.parametrize("label", ["0", "1", None])
def test_rows_of_the_hub_are_those_of_the_files(label: str | None) -> None:
    """Columns of the hub's copy give what a line of the release gives; no label is none."""
    text = f"{HEAD}7\ta \tb\t{label}\n" if label else "a \tb\n"
    (row,) = tsv_paraphrases.read(text, "f")
    assert hub.sentences({"id": 7, "sentence1": "a ", "sentence2": "b", "label": label}, "hub: row 0") == row.values


def test_a_label_without_a_name_on_the_hub_is_refused() -> None:
    """A number says nothing of which class it is."""
    with pytest.raises(DataError, match="'label'"):
        hub.sentences({"sentence1": "a", "sentence2": "b", "label": 1}, "hub: row 0")


def test_an_id_column_names_the_rows_of_other_pairs() -> None:
    """Under a header with `id` its cell is the row's name, elsewhere the place is."""
    assert [row.native for row in tsv.read("id\tprem\thyp\tlabel\nq7\ta\tb\tc\n", "f")] == ["q7"]
    assert [row.native for row in tsv.read("a\tb\tc\n", "f")] == ["0"]


@pytest.mark.parametrize(
    ("task", "group", "count"),
    [
        ("pawsx", "xtreme", 7),
        ("xnli", "xtreme", 15),
        ("xnli", "xtreme-r", 15),
        ("panx", "xtreme", 40),
        ("panx", "xtreme-r", 48),
        ("xcopa", "xtreme-r", 11),
    ],
)
def test_the_benchmarks_languages(task: str, group: str, count: int) -> None:
    """As many as in the lists of XTREME's evaluate.py, all of them the task's own."""
    spec: TaskSpec = registry.load("task", task)
    assert len(set(spec.groups[group])) == count
    assert set(spec.groups[group]) <= set(spec.languages)


def test_what_a_benchmark_left_out() -> None:
    """PAWS-X is in XTREME only, XCOPA in XTREME-R only, and PAN-X has eight languages more there."""
    panx: TaskSpec = registry.load("task", "panx")
    assert set(panx.groups["xtreme-r"]) - set(panx.groups["xtreme"]) == set(codes("az gu lt pa pl qu ro uk"))
    assert "xtreme-r" not in PAWSX.groups
    assert "xtreme" not in registry.load("task", "xcopa").groups
