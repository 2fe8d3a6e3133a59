"""Every intermediate task is a sound value, and its reader's sample becomes sound examples."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.sample_files import samples
from tests.tiny import tagged_example, tiny_run

from robust_xtreme.core import registry
from robust_xtreme.core.contamination import kind, unit
from robust_xtreme.core.errors import DataError, Mismatch, MissingData, ModelError
from robust_xtreme.core.examples import NO_ANSWER, Answers, Choice, Example, Tags, Text
from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.core.specs import Files, Origin, Row, TaskSpec
from robust_xtreme.models.labels import relabel_of
from robust_xtreme.models.located import default_tasks, locate
from robust_xtreme.models.origin import given_models
from robust_xtreme.models.predictors.heads._heads import tagging
from robust_xtreme.models.reading.members.labelled import WordLayouts
from robust_xtreme.models.reading.windows import plain
from robust_xtreme.tasks.sources.release import options
from robust_xtreme.tasks.sources.rows import SPLITS, data_identity
from robust_xtreme.tasks.sources.source import load, open_source, with_labels

NAMES = registry.names("intermediate")
TASKS = registry.names("task")
NINE = ["anli_plus", "ccg", "commonsense_qa", "cosmos_qa", "hellaswag", "mnli", "qqp", "squad", "squad_v2"]


def _members() -> list[TaskSpec]:
    """Every intermediate task that has rows of its own, and the parts that are not members themselves."""
    every: list[TaskSpec] = [registry.load("intermediate", name) for name in NAMES]
    by_name = {part.name: part for task in every for part in (task.parts or (task,))}
    return sorted(by_name.values(), key=lambda task: task.name)


MEMBERS = pytest.mark.parametrize("task", _members(), ids=lambda task: task.name)


def write_sample(files: Files, folder: Path, index: int = 0) -> None:
    """The sample of a reader, where its files are looked for: one, or each of those that only together are a split."""
    texts, names = samples(files.reader), options(files, "en")[index]
    texts = texts * len(names) if len(texts) == 1 else texts
    for name, text in zip(names, texts, strict=True):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def _sampled(task: TaskSpec, split: str, folder: Path) -> tuple[Example, ...]:
    write_sample(task.files[split], folder)
    return load(task, folder, "en", split).examples


def test_the_nine_and_one_for_xcopa_are_there() -> None:
    """The nine intermediate tasks of arXiv 2005.13013, and Social IQa; none is called like a task."""
    assert sorted([*NINE, "siqa"]) == sorted(NAMES)
    assert not set(NAMES) & set(TASKS)


@MEMBERS
def test_it_names_only_what_exists(task: TaskSpec) -> None:
    """Family, metrics and splits exist; it is learned in English, and its own head serves it."""
    assert task.family in registry.names("family")
    assert set(task.metrics) <= set(registry.names("metric"))
    assert "train" in task.files
    assert "validation" in task.files
    assert set(task.files) <= set(SPLITS)
    assert task.languages == task.train_languages == ("en",)
    assert task.accepts == (task.name,)
    assert set(task.trains) <= set(TASKS)
    assert 0 <= task.stride < task.max_length <= 512
    assert len(set(task.labels)) == len(task.labels)


@pytest.mark.parametrize("name", NAMES)
def test_it_says_what_it_is(name: str) -> None:
    """One sentence of summary, sizes, a citation and a licence; it is called like its module."""
    task: TaskSpec = registry.load("intermediate", name)
    assert task.name == name
    assert task.summary.endswith(".")
    assert "\n" not in task.summary
    assert all((task.rows, task.cite, task.licence))
    assert not task.groups


@MEMBERS
def test_it_is_pinned_on_the_hub_or_says_what_brings_its_files(task: TaskSpec) -> None:
    """A whole commit of a dataset for training and validation, with ids of the files' kind; else a way to the files."""
    assert bool(task.hub) != bool(task.absent)
    assert "--data DIR" in task.absent or task.hub
    assert not task.hub or {"train", "validation"} <= set(task.hub) <= set(task.files)
    for split, wanted in task.hub.items():
        assert re.fullmatch(r"[0-9a-f]{40}", wanted.revision)
        assert re.fullmatch(r"[\w.-]+/[\w.-]+", wanted.repo)
        assert wanted.ids == task.files[split].ids
        assert wanted.files.endswith(".parquet")


@MEMBERS
def test_its_sample_becomes_examples(task: TaskSpec, tmp_path: Path) -> None:
    """Ids are its own and unique, noise finds its fields, targets are among the labels, text ids name one text."""
    seen: dict[str, Text] = {}
    for split in task.files:
        examples = _sampled(task, split, tmp_path)
        assert len({example.id for example in examples}) == len(examples) > 0
        for read_example in examples:
            assert read_example.id.startswith(f"{task.name}/{split}/en/")
            assert set(task.fields) == set(read_example.texts)
            assert {text.language for text in read_example.texts.values()} == {"en"}
            assert read_example.cluster
            assert _fits(read_example, with_labels(task, tmp_path))
            assert all(seen.setdefault(text.id, text) == text for text in read_example.texts.values())


def _fits(example: Example, task: TaskSpec) -> bool:
    match example.target:
        case Choice(index):
            count = len(task.labels) or sum(name.startswith("choice") for name in example.texts)
            return 0 <= index < count
        case Tags(names):
            return set(names) <= set(task.labels)
        case Answers(spans):
            return bool(spans) or NO_ANSWER in task.labels
        case _:
            return False


@MEMBERS
def test_every_option_of_its_files_is_read(task: TaskSpec, tmp_path: Path) -> None:
    """Each path, or several that only together are a split, is found where it is alone."""
    for split, files in task.files.items():
        for index, option in enumerate(options(files, "en")):
            folder = tmp_path / split / str(index)
            if option[-1].endswith(".lst"):
                continue  # labels beside rows without them: tried in test_readers_intermediate
            write_sample(files, folder, index)
            assert load(task, folder, "en", split).examples


@MEMBERS
def test_the_overlap_rule_has_a_unit_for_it(task: TaskSpec, tmp_path: Path) -> None:
    """Its examples are known by the kind of unit that its family is compared by."""
    assert {unit(example).kind for example in _sampled(task, "train", tmp_path)} == {kind(task)}


def test_parts_share_a_head_and_no_id(tmp_path: Path) -> None:
    """The parts of a task have its family and labels, in its order, and their examples have names of their own."""
    for name in NAMES:
        task: TaskSpec = registry.load("intermediate", name)
        ids = [example.id for part in task.parts for example in _sampled(part, "train", tmp_path)]
        assert len(set(ids)) == len(ids)
        assert {(part.family, part.labels, part.fields, part.max_length) for part in task.parts} <= {
            (task.family, task.labels, task.fields, task.max_length)
        }
        assert bool(task.files) != bool(task.parts)
        assert not (task.parts and task.hub)
    plus: TaskSpec = registry.load("intermediate", "anli_plus")
    assert [part.name for part in plus.parts] == ["anli", "mnli", "snli"]


@pytest.mark.parametrize(("task", "heads"), [("xnli", {"mnli", "anli_plus"}), ("xcopa", {"siqa"})])
def test_heads_are_shared_where_labels_are(task: str, heads: set[str]) -> None:
    """XNLI takes heads of NLI with its labels in its order, XCOPA that of Social IQa, as XTREME-R's baseline begins."""
    spec: TaskSpec = registry.load("task", task)
    assert heads == set(spec.accepts) & set(NAMES)
    for name in heads:
        head: TaskSpec = registry.load("intermediate", name)
        assert (head.family, head.labels) == (spec.family, spec.labels)


@pytest.mark.parametrize("task", ["xquad", "mlqa", "tydiqa", "multichecklist"])
def test_questions_are_answered_by_heads_of_squad(task: str) -> None:
    """Both versions serve, after the heads that tasks accept for themselves."""
    assert registry.load("task", task).accepts[-2:] == ("squad", "squad_v2")


@pytest.mark.parametrize(
    ("head", "answers"),
    [
        ("mnli", {"xnli", "americasnli"}),
        ("anli_plus", {"xnli", "americasnli"}),
        ("siqa", {"xcopa"}),
        ("squad", {"xquad", "mlqa", "tydiqa"}),
        ("squad_v2", {"xquad", "mlqa", "tydiqa"}),
        ("qqp", set()),
    ],
)
def test_a_run_with_such_a_head_answers_those_tasks(tmp_path: Path, head: str, answers: set[str]) -> None:
    """Each is located with that head and its labels; those of benchmarks by default. No stage records languages."""
    run = tiny_run(tmp_path / "run", [head])
    given = given_models(RunSpec((str(run),), data="x"))
    named = {task.name for task in default_tasks(given)}
    assert answers - {"americasnli"} <= named if answers else "pawsx" in named
    for name in answers:
        located = locate(run, registry.load("task", name))
        assert (located.head, located.labels) == (head, registry.load("intermediate", head).labels)
        assert [located.learned.setting(code) for code in ("en", "sw")] == ["unknown", "unknown"]
        assert relabel_of(located, registry.load("task", name)) is None
    others = {"xnli", "xcopa", "xquad", "pawsx"} - answers
    for name in others:
        with pytest.raises(ModelError, match="no head"):
            locate(run, registry.load("task", name))


def test_a_tasks_own_head_comes_first(tmp_path: Path) -> None:
    """Where a run has both, that of the target answers."""
    run = tiny_run(tmp_path / "run", ["mnli", "xnli"])
    assert locate(run, registry.load("task", "xnli")).head == "xnli"


def test_training_data_of_targets_are_named() -> None:
    """Data that a target is trained on anyway are flagged, so that they can be left out of averages of transfer."""
    flagged = {name: registry.load("intermediate", name).trains for name in NAMES}
    assert {name: flags for name, flags in flagged.items() if flags} == {
        "anli_plus": ("xnli",),
        "mnli": ("xnli",),
        "siqa": ("xcopa",),
        "squad": ("xquad", "mlqa", "lareqa"),
        "squad_v2": ("xquad", "mlqa", "lareqa"),
    }


def test_questions_without_an_answer_are_learned(tmp_path: Path) -> None:
    """SQuAD 2.0 keeps questions that are marked to have no answer; the head has a label for them."""
    task: TaskSpec = registry.load("intermediate", "squad_v2")
    text = (
        '{"data": [{"paragraphs": [{"context": "a b", "qas": [{"id": "q1", "question": "?", "answers": [], '
        '"is_impossible": true}, {"id": "q2", "question": "?", "answers": [{"text": "b", "answer_start": 2}]}]}]}]}'
    )
    (tmp_path / "squad").mkdir()
    (tmp_path / "squad" / "train-v2.0.json").write_text(text, encoding="utf-8")
    loaded = load(task, tmp_path, "en", "train").examples
    assert [bool(example.target.spans) for example in loaded if isinstance(example.target, Answers)] == [False, True]
    assert task.labels == (NO_ANSWER,)
    assert loaded[0].cluster == loaded[1].cluster


def test_equal_premises_are_one_text_and_cluster() -> None:
    """Noise is drawn once for a passage with several questions, and a limit takes all of them."""
    values = {"premise": "p", "question": "q", "choices": ("a", "b", "c"), "label": 0}
    rows = tuple(Row(str(number), f"f:{number}", values) for number in range(2))
    first, second = registry.load("intermediate", "siqa").adapt(rows, Origin("siqa", "train", "en"))
    assert first.texts["premise"] is not second.texts["premise"]
    assert first.texts["premise"] == second.texts["premise"]
    assert first.cluster == second.cluster
    assert first.texts["question"].id != second.texts["question"].id


def test_rows_of_a_suite_keep_their_cluster() -> None:
    """Where the data name it, it is the example's."""
    pair = Row("1", "f:1", {"first": "a", "second": "b", "label": "neutral"}, "c7")
    choice = Row("1", "f:1", {"premise": "p", "choices": ("a", "b"), "label": 1}, "c8")
    for name, row in (("mnli", pair), ("hellaswag", choice)):
        (example,) = registry.load("intermediate", name).adapt((row,), Origin(name, "train", "en"))
        assert example.cluster == row.cluster


class TestOpenLabels:
    """Labels that are not known before the data are read."""

    ccg: TaskSpec = registry.load("intermediate", "ccg")

    def test_they_are_those_of_the_label_file_in_its_order(self, tmp_path: Path) -> None:
        """By their numbers, also those that the training file does not have."""
        write_sample(self.ccg.files["train"], tmp_path)
        task = with_labels(self.ccg, tmp_path)
        assert task.labels == ("N", "S\\NP", "(S\\NP)/NP", ".", "NP")
        assert replace(task, labels=()) == self.ccg
        assert with_labels(task, tmp_path) is task

    def test_known_labels_stay(self, tmp_path: Path) -> None:
        """A task with labels of its own is given back as it is, and no file is looked for."""
        mnli: TaskSpec = registry.load("intermediate", "mnli")
        assert with_labels(mnli, tmp_path) is mnli

    def test_without_files_one_line_says_what_brings_them(self, tmp_path: Path) -> None:
        """It names the licence's holder, the format and where it was looked for; the hub says the same."""
        with pytest.raises(MissingData, match="LDC2005T13"):
            with_labels(self.ccg, tmp_path)
        with pytest.raises(MissingData, match="--data"):
            with_labels(self.ccg, open_source("hub", offline=True))

    def test_a_suite_names_them_by_its_tags(self, tmp_path: Path) -> None:
        """Those of all splits, sorted: a tag of the validation split that training does not have is a class too."""
        suite = (
            'name = "s"\nversion = "1"\nsummary = "s"\nlanguages = ["en"]\n[ccg]\nsplits = ["train", "validation"]\n'
        )
        (tmp_path / "suite.toml").write_text(suite, encoding="utf-8")
        (tmp_path / "ccg").mkdir()
        for split, tag in (("train", "N"), ("validation", "A")):
            row = f'{{"id": "1", "cluster": "1", "tokens": ["x", "y"], "tags": ["{tag}", "S"]}}\n'
            (tmp_path / "ccg" / f"{split}-en.jsonl").write_text(row, encoding="utf-8")
        source = open_source(str(tmp_path))
        assert with_labels(self.ccg, source).labels == ("A", "N", "S")
        assert load(self.ccg, source, "en", "train").labelled

    def test_a_tag_that_the_file_does_not_have_is_refused_by_name(self, tmp_path: Path) -> None:
        """With the line it is in, and without a list of a thousand others."""
        write_sample(self.ccg.files["train"], tmp_path)
        (tmp_path / "ccg" / "ccg.train").write_text("Anna sleeps\tN X\n", encoding="utf-8")
        with pytest.raises(DataError, match="'X' is none"):
            load(self.ccg, tmp_path, "en", "train")


def test_a_tag_that_a_large_head_does_not_have_is_refused_without_a_list_of_all() -> None:
    """A head of a few labels names them; one of more than a thousand says how many they are."""
    example = tagged_example("s", ["a", "b"], ["T0", "X"])
    windows = dataclasses.replace(
        plain([(1, 2)]), layout=WordLayouts(np.array([0]), np.array([0, 1]), np.array([0, 2]))
    )
    hidden, mask = torch.zeros(1, 2, 4), torch.ones(1, 2)
    for count, message in ((3, "none of T0, T1, T2"), (1363, "1,363 labels")):
        labels = tuple(f"T{number}" for number in range(count))
        with pytest.raises(Mismatch, match=message):
            tagging.loss(tagging.head(4, labels), hidden, mask, windows, [example], labels)


def test_ids_distinguish_the_parts_where_their_rows_are_equal(tmp_path: Path) -> None:
    """The same pair in two parts has two ids and one fingerprint, so that its data identity counts both."""
    plus: TaskSpec = registry.load("intermediate", "anli_plus")
    firsts = [_sampled(part, "train", tmp_path)[0] for part in plus.parts]
    assert len({example.id for example in firsts}) == len(firsts)
    assert len({example.fingerprint for example in firsts}) == 1
    assert len({data_identity((example,)) for example in firsts}) == len(firsts)
