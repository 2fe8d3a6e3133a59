"""The real release files: how many rows, which of them belong together, and both layouts of the same bytes."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from tests.some import some

from robust_xtreme.core import registry
from robust_xtreme.core.examples import Answers, Tags, Text
from robust_xtreme.core.specs import TaskSpec
from robust_xtreme.tasks.formats import squad
from robust_xtreme.tasks.sources.rows import limit
from robust_xtreme.tasks.sources.source import Split, available, load, resolve

pytestmark = pytest.mark.real

EXPECTED = [
    # task, split, languages, rows of each, clusters of each, labelled
    ("xnli", "validation", 15, 2490, 830, True),
    ("xnli", "test", 9, 5010, 1670, True),
    ("xquad", "validation", 10, 1190, 240, True),
]
SINGLE = [
    ("xnli", "train", "en", 10071, 7044, True),
    ("panx", "train", "en", 5000, 4954, True),
    ("panx", "validation", "sw", 1000, 791, True),
    ("panx", "test", "th", 500, 483, False),
    ("tydiqa", "train", "en", 3696, 3429, True),
    ("tydiqa", "train", "sw", 2755, 1687, True),
    ("tydiqa", "validation", "ko", 276, 228, False),
    ("mlqa", "validation", "en", 1148, 978, True),
    ("mlqa", "validation", "de", 512, 456, True),
    ("mlqa", "validation", "en@de", 512, 456, True),
    ("mlqa", "validation", "de@en", 512, 447, True),
]


def _task(name: str) -> TaskSpec:
    task: TaskSpec = registry.load("task", name)
    return task


def _shape(split: Split) -> tuple[int, int, bool]:
    return len(split.examples), len({example.cluster for example in split.examples}), split.labelled


@pytest.mark.parametrize(
    ("name", "split", "languages", "rows", "clusters", "labelled"),
    some(EXPECTED, 1),
)
def test_parallel_splits_have_the_official_size(
    data: Path, name: str, split: str, languages: int, rows: int, clusters: int, labelled: bool
) -> None:
    """Every language of a parallel task has the official rows, the clusters and items of English, sound examples."""
    task = _task(name)
    splits = {code: load(task, data, code, split) for code in available(task, data, split)}
    assert len(splits) == languages
    assert {_shape(item) for item in splits.values()} == {(rows, clusters, labelled)}
    items = {
        tuple((example.id.rpartition("/")[2], example.cluster) for example in split.examples)
        for split in splits.values()
    }
    assert len(items) == 1
    limited = {
        tuple(example.id.rpartition("/")[2] for example in limit(split.examples, 150)) for split in splits.values()
    }
    assert len(limited) == 1
    targets = {tuple(example.target for example in split.examples) for split in splits.values()}
    assert len(targets) == 1 or name != "xnli", "labels of XNLI are those of the English pairs, in every language"
    for item in splits.values():
        _sound(item)


def _sound(split: Split) -> None:
    """Ids are unique, a text id names one text, tags count the words, answers are spans of the text."""
    texts: dict[str, Text] = {}
    assert len({example.id for example in split.examples}) == len(split.examples)
    for example in split.examples:
        for text in example.texts.values():
            assert texts.setdefault(text.id, text) is text or texts[text.id] == text
        match example.target:
            case Tags(names):
                assert len(names) == len(example.texts["tokens"].spans)
            case Answers(spans):
                assert set(spans) <= set(example.texts["context"].spans)


@pytest.mark.parametrize(("name", "split", "language", "rows", "clusters", "labelled"), SINGLE)
def test_single_splits_have_their_size(
    data: Path, name: str, split: str, language: str, rows: int, clusters: int, labelled: bool
) -> None:
    """Rows, clusters and labels of splits that are not translations of each other."""
    assert _shape(load(_task(name), data, language, split)) == (rows, clusters, labelled)


def test_the_languages_with_files(data: Path) -> None:
    """PAN-X has 42 development files here, TyDiQA seven, and XQuAD counts as validation under `auto`."""
    assert len(available(_task("panx"), data, "validation")) == 42
    assert len(available(_task("tydiqa"), data, "validation")) == 7
    assert available(_task("tydiqa"), data, "train") == ("en", "sw")
    assert resolve(_task("xquad"), data, "auto", "ro").split == "validation"
    assert resolve(_task("panx"), data, "auto", "sw").split == "validation"
    assert resolve(_task("xnli"), data, "auto", "sw").split == "test"


@pytest.mark.parametrize(("name", "few"), [
    ("panx", 8), ("mlqa", 4), ("tydiqa", 4),
    *(pytest.param(name, None, marks=pytest.mark.long) for name in ("xnli", "panx", "xquad", "mlqa", "tydiqa")),
])  # fmt: skip
def test_every_file_gives_sound_examples(data: Path, name: str, few: int | None) -> None:
    """In some files of each split, or in all, examples are sound; all those of parallel splits are checked above."""
    task = _task(name)
    for split in task.files:
        codes = available(task, data, split)
        for code in random.Random(name).sample(codes, min(few or len(codes), len(codes))):
            _sound(load(task, data, code, split))


def test_marks_at_the_start_of_passages_are_kept(data: Path) -> None:
    """Nine Arabic passages of XQuAD begin with a byte order mark, which offsets count and which stays."""
    contexts = {example.texts["context"].value for example in load(_task("xquad"), data, "ar", "validation").examples}
    assert sum(context.startswith("\ufeff") for context in contexts) == 9


def test_tydiqa_in_the_folders_of_xtreme(data: Path, tmp_path: Path) -> None:
    """The same files linked into XTREME's folders give the same examples."""
    task = _task("tydiqa")
    for split, part in (("train", "train"), ("validation", "dev")):
        folder = tmp_path / f"tydiqa/tydiqa-goldp-v1.1-{part}"
        folder.mkdir(parents=True)
        (folder / f"tydiqa.goldp.sw.{part}.json").symlink_to(data / f"tydiqa_goldp/tydiqa.goldp.sw.{part}.json")
        assert load(task, tmp_path, "sw", split).examples == load(task, data, "sw", split).examples


def test_the_kinds_of_squad_at_hand(data: Path) -> None:
    """Version 2.0 marks 5,945 of its questions to have no answer; every passage of LAReQA names its sentences."""
    folder = data / "squad/dev-v2.0.rebuilt.json"
    rows = squad.read(folder.read_text(encoding="utf-8"), "f")
    assert (len(rows), sum("impossible" in row.values for row in rows)) == (11873, 5945)
    assert all(("impossible" in row.values) != bool(row.values["answers"]) for row in rows)
    for path in sorted((data / "lareqa/xquad-r").iterdir()):
        rows = squad.read(path.read_text(encoding="utf-8"), "f")
        assert len(rows) == 1190
        assert all(row.values["sentences"] for row in rows)


def test_pairs_of_mlqa_are_asked_of_their_own_files(data: Path) -> None:
    """Four pairs have a file here; questions in German have the ids of those in English on the same passages."""
    task = _task("mlqa")
    pairs = [f"{code}@{two}" for code in task.languages for two in task.languages if code != two]
    assert available(task, data, "auto", pairs) == ("de@en", "en@de", "en@zh", "zh@en")
    german, english = (load(task, data, code, "validation").examples for code in ("de", "en@de"))
    assert [example.id.rpartition("/")[2] for example in german] == [
        example.id.rpartition("/")[2] for example in english
    ]
    assert [example.cluster for example in german] == [example.cluster for example in english]
    assert [example.target for example in german] == [example.target for example in english]
    assert english[0].texts["question"].value.isascii()
