"""A file of a user's rows becomes a suite: its columns, labels, languages, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from robust_xtreme.core.errors import DataError, UserError
from robust_xtreme.tasks.adapters.own import own_tasks
from robust_xtreme.tasks.sources.own import name_of_task
from robust_xtreme.tasks.sources.source import load, open_source
from robust_xtreme.tasks.sources.table import TableFile, write_suite

ROWS = [
    {"review": 'Nzuri, "sana"\nkweli', "stars": "good", "lang": "sw", "n": 1},
    {"review": "Vibaya", "stars": "bad", "lang": "sw", "n": 0},
    {"review": "Fine", "stars": "good", "lang": "en", "n": 1},
]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def table(path: str, **options: Any) -> TableFile:
    """The reviews of a file."""
    return TableFile(path, **{"fields": ("review",), "gold": "stars", "language_field": "lang", **options})


def written(suffix: str) -> str:
    """The rows in a file of that format."""
    frame, name = pl.DataFrame(ROWS), f"reviews{suffix}"
    match suffix:
        case ".csv":
            frame.write_csv(name)
        case ".parquet":
            frame.write_parquet(name)
        case _:
            Path(name).write_text("".join(json.dumps(row) + "\n" for row in ROWS), "utf-8")
    return name


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_the_same_rows_are_the_same_task_in_every_format(suffix: str) -> None:
    """Texts, labels and languages are those of the columns; the task is called as the file."""
    folder = write_suite(table(written(suffix)))
    with own_tasks(str(folder)):
        from robust_xtreme.core import registry

        task, source = registry.load("task", "reviews"), open_source(str(folder))
        split = load(task, source, "sw", "test")
    assert (task.labels, task.languages, task.perturbed) == (("bad", "good"), ("sw", "en"), (("review",),))
    assert [example.texts["review"].value for example in split.examples] == [row["review"] for row in ROWS[:2]]
    assert folder == write_suite(table(written(suffix)))
    assert "3 rows" in (folder / "suite.toml").read_text("utf-8")


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_labels_may_be_numbers(suffix: str) -> None:
    """They are the names 0 and 1."""
    folder = write_suite(table(written(suffix), gold="n"))
    assert 'labels = ["0", "1"]' in (folder / "suite.toml").read_text("utf-8")


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_a_number_that_is_none_is_no_label(suffix: str) -> None:
    """Frames write a missing one as NaN."""
    rows = pl.DataFrame({"review": ["a b", "c d"], "lang": ["sw", "sw"], "n": [1.0, float("nan")]})
    rows.write_parquet("reviews.parquet")
    Path("reviews.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows.to_dicts()), "utf-8")
    with pytest.raises(DataError, match="null"):
        write_suite(table(f"reviews{suffix}", gold="n"))


def test_other_columns_may_look_like_places_in_a_text() -> None:
    """Nothing is written into the file, so that nothing has to move."""
    Path("reviews.jsonl").write_text('{"review": "a b", "stars": "x", "answers": [{"start": 9}]}\n' * 2, "utf-8")
    with pytest.raises(UserError, match="'x'"):
        write_suite(table("reviews.jsonl", language_field="", language="sw"))


def noised(path: str, **options: Any) -> dict[str, tuple[str, str]]:
    """By its clean text, the id of the text of each row in Swahili and its cluster."""
    folder = write_suite(table(path, **options))
    with own_tasks(str(folder)):
        from robust_xtreme.core import registry

        task = registry.load("task", folder.name.rpartition("-")[0])
        examples = load(task, open_source(str(folder)), "sw", "test").examples
    return {(text := example.texts["review"]).value: (text.id, example.cluster) for example in examples}


def test_the_noise_of_a_row_depends_on_neither_order_nor_file_nor_format() -> None:
    """A text's id, by which noise is drawn, and its cluster stay; a column `id` replaces the digest if unique."""
    rows = [{"review": f"Chakula {n}", "stars": "good" if n % 2 else "bad", "lang": "sw", "id": n} for n in range(6)]
    padded = [{**row, "stars": f" {row['stars']} "} for row in rows[::-1]]
    plain = pl.DataFrame(rows).drop("id")
    plain.write_csv("a.csv")
    pl.DataFrame(padded).drop("id").write_csv("b.tsv", separator="\t")
    plain.with_columns(id=pl.lit("same")).write_parquet("c.parquet")
    first = noised("a.csv")
    assert first == noised("b.tsv") == noised("c.parquet")
    assert len({*first.values()}) == 6
    pl.DataFrame(rows).write_ndjson("d.jsonl")
    pl.DataFrame(padded).write_csv("e.csv")
    assert noised("d.jsonl") == noised("e.csv")
    assert noised("e.csv")["Chakula 3"] == ("own/test/sw/row/3/review", "own-test/row/3")


def test_rows_of_equal_texts_are_one_cluster_with_noise_each() -> None:
    """Also where labels differ; which of them has which noise does not depend on their order."""
    head, lines = "review,stars,lang\n", ["Nzuri,good,sw\n", "Nzuri,bad,sw\n", "Nzuri,bad,sw\n", "Sawa,good,sw\n"]
    seen = []
    for order in (lines, lines[::-1]):
        Path("reviews.csv").write_text(head + "".join(order), "utf-8")
        folder = write_suite(table("reviews.csv"))
        with own_tasks(str(folder)):
            from robust_xtreme.core import registry

            examples = load(registry.load("task", "reviews"), open_source(str(folder)), "sw", "test").examples
        assert len({example.cluster for example in examples}) == 2
        seen.append({(example.id, str(example.target)) for example in examples})
    assert len(seen[0]) == 4
    assert seen[0] == seen[1]


def test_words_and_tags_are_a_task_of_tags() -> None:
    """Of JSON lines with two lists, and of a file of words with tags, which needs no columns."""
    Path("names.jsonl").write_text('{"words": ["Ana", "ruka"], "tags": ["B-PER", "O"]}\n', "utf-8")
    Path("names.iob2").write_text("Ana\tB-PER\nruka\tO\n", "utf-8")
    for file, columns in (("names.jsonl", {"fields": ("words",), "gold": "tags"}), ("names.iob2", {})):
        folder = write_suite(TableFile(file, language="sw", **columns))  # type: ignore[arg-type]  # of some fields
        (line,) = (folder / "names" / "test-sw.jsonl").read_text("utf-8").splitlines()
        assert json.loads(line) | {"id": ""} == {"id": "", "tokens": ["Ana", "ruka"], "tags": ["B-PER", "O"]}
        assert 'labels = ["O", "B-PER"]' in (folder / "suite.toml").read_text("utf-8")


@pytest.mark.parametrize(("stem", "task"), [("xnli", "own_xnli"), ("2024-Reviews (new)", "own_2024_reviews_new")])
def test_a_file_called_as_a_task_of_the_program_has_another_name(stem: str, task: str) -> None:
    """Or as no task can be called."""
    Path(written(".csv")).rename(f"{stem}.csv")
    assert write_suite(table(f"{stem}.csv")).name.startswith(f"{task}-")


def test_names_of_files_in_other_scripts_are_different_tasks() -> None:
    """Their letters cannot be in a task's name, and the name stays where it is named again."""
    names = [name_of_task(text) for text in ("Отзывы", "Оценки", "Отзывы_2024", "reviews-отзывы", "Kritiké")]
    assert len({*names}) == 5
    assert [name_of_task(name) for name in names] == names
    assert (names[3][:8], names[4]) == ("reviews_", "kritike")


def test_labels_that_the_file_lacks_can_be_named() -> None:
    """So a model with more classes can be evaluated."""
    folder = write_suite(table(written(".csv"), labels=("reviews=bad,neutral,good", "other=x,y")))
    assert 'labels = ["bad", "good", "neutral"]' in (folder / "suite.toml").read_text("utf-8")


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"fields": (), "gold": ""}, "--fields"),
        ({"fields": ()}, "--fields"),
        ({"gold": ""}, "--gold"),
        (
            {"fields": ("review", "stars", "n")},
            "3 columns",
        ),
        ({"labels": ("reviews=bad,Good",)}, "Name the model's classes"),
        ({"labels": ("reviews=b d,x",)}, "--labels"),
        ({"language_field": ""}, "--language-field"),
        ({"fields": ("text",)}, "'text'"),
        ({"language_field": "", "language": "swahili"}, "'swahili'"),
        ({"language_field": "stars"}, "'good'"),
        ({"language_field": "", "language": "en-XX"}, "'en-XX'"),
        (
            {"format": "squad"},
            "JSON lines",
        ),
    ],
)
def test_what_cannot_be_read_is_one_line(options: dict[str, Any], line: str) -> None:
    """With what to add."""
    with pytest.raises(UserError) as error:
        write_suite(table(written(".csv"), **options))
    assert line in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("review,stars,lang\n,good,sw\n", "'review' is empty"),
        ("review,stars,lang\na,good,sw\nb, ,sw\n", "'stars' is empty"),
        ("review,stars,lang\n", "no rows"),
        (
            "review,stars,lang\na,b,sw\nc,b,sw\n",
            "--gold",
        ),
        ("review;stars;lang\na;b;sw\nc;d;sw\n", "commas"),
        ("review,stars,lang\na,b c,sw\nc,b c,sw\n", "another one"),
        (
            "review,stars,lang\na,b,sw\nc,B,sw\n",
            "spelling",
        ),
        ("review,stars,lang\n" + "".join(f"a,{n},sw\n" for n in range(201)), "201 labels"),
        (
            "review,stars,lang\na,b,sw\nc,d,en_US\n",
            "en_US",
        ),
        ("review,stars,stars,lang\na,b,c,sw\n", "--gold 2"),
    ],
)
def test_a_row_that_says_nothing_is_named_with_its_line(text: str, line: str) -> None:
    """Nothing is left out silently."""
    Path("reviews.csv").write_text(text, "utf-8")
    with pytest.raises(UserError) as error:
        write_suite(table("reviews.csv"))
    assert line in str(error.value)
