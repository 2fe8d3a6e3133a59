"""Every task is a sound value, and its adapter makes sound examples."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.sample_files import samples

from robust_xtreme.core import registry
from robust_xtreme.core.errors import DataError
from robust_xtreme.core.examples import Answers, Choice, Example, Span, Tags, Text
from robust_xtreme.core.languages import ALL_LANGUAGES, LANGUAGES
from robust_xtreme.core.specs import CANDIDATE, Files, Origin, Row, TaskSpec
from robust_xtreme.tasks.sources.release import options
from robust_xtreme.tasks.sources.rows import SPLITS
from robust_xtreme.tasks.sources.source import load

TASKS = registry.names("task")
XTREME_R = {"xnli": 15, "xcopa": 11, "udpos": 38, "panx": 48, "xquad": 12, "tydiqa": 9}
BESIDE = {"multichecklist": ("ha",)}
WITHOUT_IDS_ON_THE_HUB = ("americasnli",)
NLI = ("entailment", "neutral", "contradiction")


def _task(name: str) -> TaskSpec:
    task: TaskSpec = registry.load("task", name)
    return task


def _sampled(task: TaskSpec, split: str, folder: Path) -> tuple[Example, ...]:
    """The split of its reader's sample file, or files, written where the task looks first."""
    language = _language(task, split)
    _write_sample(task.files[split], language, folder)
    if task.pool is not None and split in task.pool.files:
        _write_sample(task.pool.files[split], "", folder)
    return load(task, folder, language, split).examples


def _language(task: TaskSpec, split: str) -> str:
    """English where the task has it."""
    known = (*task.languages, *(task.train_languages if split == "train" else ()))
    return "en" if "en" in known else known[0]


def _write_sample(files: Files, language: str, folder: Path) -> None:
    for name, text in zip(options(files, language)[0], samples(files.reader), strict=True):
        path = folder / name.replace("*", "sample")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


@pytest.mark.parametrize("name", TASKS)
def test_a_task_names_only_what_exists(name: str) -> None:
    """Its languages, metrics, family, splits, training languages and accepted heads all exist."""
    task = _task(name)
    assert task.name == name
    assert set(task.languages) <= set(ALL_LANGUAGES)
    assert set(task.languages) <= {*LANGUAGES, *BESIDE.get(name, ())} or set(task.groups) == {"low-resource"}
    assert list(task.languages) == sorted(set(task.languages))
    assert set(task.metrics) <= set(registry.names("metric"))
    assert task.family in registry.names("family")
    assert set(task.files) <= set(SPLITS)
    assert set(task.files) - {"train"}
    assert set(task.train_languages) <= set(ALL_LANGUAGES)
    assert set(task.accepts) <= {*TASKS, *registry.names("intermediate")}
    assert task.accepts[0] == name


@pytest.mark.parametrize("name", TASKS)
def test_a_task_names_the_same_splits_on_the_hub(name: str) -> None:
    """All splits or none are on the hub too, at a whole commit, with ids of one kind, a language in path or row."""
    task = _task(name)
    assert set(task.hub) in (set(), set(task.files))
    for split, wanted in task.hub.items():
        assert re.fullmatch(r"[0-9a-f]{40}", wanted.revision)
        assert re.fullmatch(r"[\w.-]+/[\w.-]+", wanted.repo)
        assert wanted.ids == task.files[split].ids or name in WITHOUT_IDS_ON_THE_HUB
        assert split == "train" or wanted.starts or {"{" in wanted.config, "{" in wanted.files} == {True}
        assert wanted.files.endswith((f"{split}-*.parquet", ".jsonl.gz"))


@pytest.mark.parametrize("name", TASKS)
def test_a_task_says_what_it_is(name: str) -> None:
    """A summary of one sentence, a citation, and sizes that a model can read."""
    task = _task(name)
    assert task.summary.endswith(".")
    assert "\n" not in task.summary
    assert task.cite
    assert 0 <= task.stride < task.max_length <= 512
    assert len(set(task.labels)) == len(task.labels)


@pytest.mark.parametrize("name", TASKS)
def test_a_task_adapts_its_readers_sample(name: str, tmp_path: Path) -> None:
    """Every split gives examples with unique ids, the fields that noise is for, and texts of the right language."""
    task = _task(name)
    pool = () if task.pool is None else (CANDIDATE,)
    for split in task.files:
        examples = _sampled(task, split, tmp_path)
        assert len({example.id for example in examples}) == len(examples)
        for read_example in examples:
            assert read_example.id.startswith(f"{name}/{split}/{_language(task, split)}/")
            assert {field for group in task.perturbed for field in group} <= {*read_example.texts, *pool}
            assert {text.language for text in read_example.texts.values()} <= {_language(task, split), "en"}
            assert read_example.cluster


@pytest.mark.parametrize("name", TASKS)
def test_equal_text_ids_have_equal_texts(name: str, tmp_path: Path) -> None:
    """A text id names one text, as noise is drawn once for it."""
    task = _task(name)
    seen: dict[str, Text] = {}
    for split in task.files:
        for text in (text for example in _sampled(task, split, tmp_path) for text in example.texts.values()):
            assert seen.setdefault(text.id, text) == text


@pytest.mark.parametrize(("name", "count"), XTREME_R.items())
def test_languages_are_those_of_xtreme_r(name: str, count: int) -> None:
    """The number of languages is that of XTREME-R's table; XQuAD has its Romanian, PAN-X its eight more."""
    assert len(_task(name).languages) == count


def test_pan_x_leaves_out_two_of_the_fifty_languages() -> None:
    """PAN-X has all languages of XTREME-R but Haitian Creole and Wolof."""
    assert set(LANGUAGES) - set(_task("panx").languages) == {"ht", "wo"}


def _pairs(premises: Sequence[str], label: str | None = "neutral") -> tuple[Row, ...]:
    return tuple(
        Row(str(index), f"f:{index + 1}", {"first": premise, "second": f"h{index}", "label": label})
        for index, premise in enumerate(premises)
    )


def test_three_hypotheses_share_their_premise_and_cluster() -> None:
    """Rows of XNLI go in threes: one cluster named without a language, one premise text."""
    rows = _pairs(["a", "a", "a", "a", "a", "a", "b"])
    english, swahili = (_task("xnli").adapt(rows, Origin("xnli", "test", code)) for code in ("en", "sw"))
    assert [example.cluster for example in english] == [f"xnli-test/{index // 3}" for index in range(7)]
    assert [example.cluster for example in english] == [example.cluster for example in swahili]
    assert [example.texts["premise"].id for example in english[2:4]] == [
        "xnli/test/en/premise/xnli-test/0",
        "xnli/test/en/premise/xnli-test/1",
    ]
    assert english[1].texts["hypothesis"].id == "xnli/test/en/1/hypothesis"


def test_a_premise_unlike_its_threes_first_is_a_text_of_its_own() -> None:
    """Where a translation of the same premise differs, no text id names two texts."""
    examples = _task("xnli").adapt(_pairs(["a", "a!", "a"]), Origin("xnli", "test", "en"))
    assert [example.texts["premise"].id for example in examples] == [
        "xnli/test/en/premise/xnli-test/0",
        "xnli/test/en/1/premise",
        "xnli/test/en/premise/xnli-test/0",
    ]


def test_rows_of_xnli_in_another_order_are_noticed() -> None:
    """A sorted or shuffled file would give clusters of strangers, and intervals that are too narrow."""
    premises = [f"p{index % 20}" for index in range(60)]
    with pytest.raises(DataError, match="in threes"):
        _task("xnli").adapt(_pairs(premises), Origin("xnli", "test", "en"))


def test_a_lost_row_of_xnli_is_noticed() -> None:
    """A file whose premises change one row too early has lost a row: clusters and ids would be wrong."""
    premises = [f"p{index // 3}" for index in range(60)]
    with pytest.raises(DataError, match="every third row"):
        _task("xnli").adapt(_pairs(premises[1:]), Origin("xnli", "test", "en"))
    assert _task("xnli").adapt(_pairs(premises[:-1]), Origin("xnli", "test", "en"))


def test_training_pairs_cluster_by_premise() -> None:
    """MNLI's training rows are in no order of threes: equal premises are one cluster wherever they are."""
    examples = _task("xnli").adapt(_pairs(["a", "b", "a", "c"]), Origin("xnli", "train", "en"))
    clusters = [example.cluster for example in examples]
    assert clusters[0] == clusters[2]
    assert len(set(clusters)) == 3


@pytest.mark.parametrize(
    ("label", "index"), [("entailment", 0), ("neutral", 1), ("contradiction", 2), ("contradictory", 2), (None, -1)]
)
def test_labels_of_xnli_are_indices(label: str | None, index: int) -> None:
    """Labels count as on the hub; the translated training files' name of a contradiction is known, none is -1."""
    (example,) = _task("xnli").adapt(_pairs(["a"], label), Origin("xnli", "test", "en"))
    assert example.target == Choice(index)
    assert _task("xnli").labels == NLI


def _sentence(words: Sequence[str], tags: Sequence[str] | None) -> Row:
    return Row("0", "f:1", {"words": tuple(words), "tags": None if tags is None else tuple(tags)})


@pytest.mark.parametrize(
    "words", [["Rais", "Nyerere"], ["e\u0301", "😀"], ["", "b"], ["\u0301"], ["a b", "c"], ["\u200d", "x"]]
)
def test_words_are_at_their_spans(words: list[str]) -> None:
    """The text is the words joined by a space, and each span covers its word whatever it is made of."""
    (example,) = _task("panx").adapt((_sentence(words, ["O"] * len(words)),), Origin("panx", "test", "en"))
    text = example.texts["tokens"]
    assert text.value == " ".join(words)
    assert [text.at(span) for span in text.spans] == words


def test_equal_sentences_are_one_cluster_in_every_language() -> None:
    """Identical words are resampled together; their tags, language and split make no difference, their borders do."""
    adapt = _task("panx").adapt
    (first,) = adapt((_sentence(["a", "b"], ["O", "B-PER"]),), Origin("panx", "test", "en"))
    (other,) = adapt((_sentence(["a", "b"], None),), Origin("panx", "train", "sw"))
    (joined,) = adapt((_sentence(["a b"], ["O"]),), Origin("panx", "test", "en"))
    assert first.cluster == other.cluster != joined.cluster
    assert other.target == Tags(("O", "O"))


def _question(native: str, context: str, *answers: tuple[int, int]) -> Row:
    return Row(native, f"f: question {native!r}", {"context": context, "question": f"{native}?", "answers": answers})


@pytest.mark.parametrize("name", ["xquad", "tydiqa"])
def test_a_context_carries_all_answers_of_its_passage(name: str) -> None:
    """Questions of one passage share its text, with the sorted union of their answers; each keeps its own as target."""
    rows = (
        _question("q2", "a b c", (4, 5), (0, 3)),
        _question("q1", "a b c", (0, 3), (0, 3)),
        _question("q3", "d", (0, 1)),
    )
    first, second, third = _task(name).adapt(rows, Origin(name, "validation", "sw"))
    assert first.texts["context"] == second.texts["context"]
    assert first.texts["context"].spans == (Span(0, 3), Span(4, 5))
    assert (first.target, second.target) == (Answers((Span(4, 5), Span(0, 3))), Answers((Span(0, 3),)))
    assert first.cluster == second.cluster != third.cluster
    assert third.texts["context"].spans == (Span(0, 1),)


@pytest.mark.parametrize("name", ["xquad", "tydiqa"])
@pytest.mark.parametrize("split", ["train", "validation"])
def test_a_question_without_an_answer_among_answered_ones_is_refused(name: str, split: str) -> None:
    """Its gold would be empty; where no question has an answer the split is one without labels."""
    empty = _question("q2", "b")
    with pytest.raises(DataError, match="no answer"):
        _task(name).adapt((_question("q1", "a", (0, 1)), empty), Origin(name, split, "en"))
    (example,) = _task(name).adapt((empty,), Origin(name, split, "en"))
    assert example.target == Answers(())


@pytest.mark.parametrize("name", ["xquad", "tydiqa"])
def test_an_answer_of_white_space_is_refused(name: str) -> None:
    """Nothing is left of it where it is scored."""
    with pytest.raises(DataError, match="white space"):
        _task(name).adapt((_question("q1", "a b", (0, 1), (1, 2)),), Origin(name, "validation", "en"))


def test_translations_of_a_passage_are_one_cluster() -> None:
    """XQuAD names a passage by its smallest question id, so that its translations are resampled together."""
    adapt = _task("xquad").adapt
    english = adapt((_question("q2", "a"), _question("q1", "a")), Origin("xquad", "validation", "en"))
    german = adapt((_question("q1", "ä"), _question("q2", "ä")), Origin("xquad", "validation", "de"))
    assert {example.cluster for example in (*english, *german)} == {"passage/q1"}
    assert english[0].texts["context"].id != german[0].texts["context"].id


@pytest.mark.parametrize("name", ["xquad", "mlqa", "tydiqa"])
def test_a_question_that_is_marked_to_have_no_answer_is_none_to_refuse(name: str) -> None:
    """Among answered questions it has an empty target, where an unmarked one is a mistake."""
    row = _question("q2", "b")
    marked = Row(row.native, row.location, {**row.values, "impossible": True})
    adapted = _task(name).adapt((_question("q1", "a", (0, 1)), marked), Origin(name, "validation", "en"))
    assert [example.target for example in adapted] == [Answers((Span(0, 1),)), Answers(())]


def test_white_space_at_the_ends_is_left_out() -> None:
    """Contexts, questions and answers lose it, spans move along, and what has none is what it was."""
    blank = Row("q1", "f", {"context": " \n ab cd\u3000", "question": "who? ", "answers": ((2, 6), (6, 9))})
    clean = Row("q1", "f", {"context": "ab cd", "question": "who?", "answers": ((0, 2), (3, 5))})
    origin = Origin("xquad", "validation", "zh")
    assert _task("xquad").adapt((blank,), origin) == _task("xquad").adapt((clean,), origin)
    (example,) = _task("xquad").adapt((blank,), origin)
    assert [example.texts["context"].at(span) for span in example.texts["context"].spans] == ["ab", "cd"]


def test_a_pair_of_languages_has_two() -> None:
    """Of `de@en` the question is German, the context English, and ids name the pair."""
    (example,) = _task("mlqa").adapt((_question("q1", "a b", (0, 1)),), Origin("mlqa", "validation", "de@en"))
    assert {name: text.language for name, text in example.texts.items()} == {"question": "de", "context": "en"}
    assert example.id == "mlqa/validation/de@en/q1"
    assert example.texts["context"].id == "mlqa/validation/de@en/context/passage/q1"


def test_benchmarks_name_their_own_languages() -> None:
    """XTREME has XQuAD without Romanian; of MLQA and TyDiQA both have all."""
    assert set(_task("xquad").groups["xtreme-r"]) - set(_task("xquad").groups["xtreme"]) == {"ro"}
    for name, count in {"xquad": 11, "mlqa": 7, "tydiqa": 9}.items():
        assert len(_task(name).groups["xtreme"]) == count
        assert _task(name).groups["xtreme-r"] == _task(name).languages
