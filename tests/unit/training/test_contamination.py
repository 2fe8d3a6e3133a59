"""The overlap rule: what counts as the same, what is dropped, what is refused, and what an evaluation finds later."""

from __future__ import annotations

import os
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.release import release
from tests.tiny import pair_example, question_example, tagged_example

from robust_xtreme.core import registry
from robust_xtreme.core.contamination import check, keys, kind, unit
from robust_xtreme.core.errors import Contamination, ModelError, UnknownName
from robust_xtreme.core.examples import Choice, Example, Text
from robust_xtreme.core.specs import TaskSpec
from robust_xtreme.files import cache
from robust_xtreme.tasks.sources import source
from robust_xtreme.tasks.sources.source import load
from robust_xtreme.training import lessons
from robust_xtreme.training.lessons import evaluated, known, reported_tasks, screen

LONG = ["one", "two", "three", "four", "five", "six", "seven", "eight"]


def _sentences(count: int, prefix: str = "s") -> tuple[Example, ...]:
    return tuple(tagged_example(f"{prefix}{number}", [*LONG, f"{number}"], ["O"] * 9) for number in range(count))


def test_the_same_text_in_other_clothes_is_the_same() -> None:
    """Case, spacing and compatibility forms make no difference; a word does, and so does the order of a pair."""
    pair_unit = unit(pair_example("1", "The  Cat sat.", "A cat."))
    assert pair_unit == unit(pair_example("2", "the cat sat.", "A\u00a0ＣＡＴ."))
    assert pair_unit.key != unit(pair_example("3", "A cat.", "The cat sat.")).key
    assert pair_unit.key != unit(pair_example("4", "The cat sat. A", "cat.")).key


def test_what_counts_of_an_example() -> None:
    """A question counts by its passage, a pair as a whole, a sentence by its words, short below eight."""
    assert unit(question_example("1", "who?", "A passage.", "A")) == unit(
        question_example("2", "why?", "A passage.", "p")
    )
    assert unit(question_example("1", "who?", "A passage.", "A")).kind == "passage"
    assert unit(pair_example("1", "a", "b")).kind == "pair"
    assert not unit(pair_example("1", "a", "b")).short
    assert unit(tagged_example("1", LONG, ["O"] * 8)).short is False
    assert unit(tagged_example("1", LONG[:7], ["O"] * 7)).short is True
    single = Example("1", {"text": Text("1", "en", "a b c")}, Choice(0), "1")
    assert (unit(single).kind, unit(single).short) == ("sentence", True)


@pytest.mark.parametrize("name", ["xnli", "panx", "xquad", "tydiqa"])
def test_the_kind_of_a_task_is_that_of_its_examples(name: str) -> None:
    """What is known of a task before its data are read agrees with its examples."""
    example = {
        "xnli": pair_example("1", "a", "b"),
        "panx": tagged_example("1", ["a"], ["O"]),
        "xquad": question_example("1", "q", "c", "c"),
        "tydiqa": question_example("1", "q", "c", "c"),
    }[name]
    assert kind(registry.load("task", name)) == unit(example).kind


def test_training_data_that_a_split_contains_are_refused() -> None:
    """More than 2 % of a split stops training, in one line with count, first example and flag."""
    split = _sentences(100, "dev/")
    with pytest.raises(Contamination) as caught:
        screen(_sentences(3), [("panx/validation/en", known(split))])
    message = str(caught.value)
    assert caught.value.exit_code == 2
    assert "3 of 100 sentences" in message
    assert "--allow-overlap" in message
    assert "--reported" in message
    assert "\n" not in message


def test_a_small_share_is_dropped_and_counted() -> None:
    """Two of a hundred are taken out of the training data, every copy of them, and the split is named."""
    training = (*_sentences(2), *_sentences(2, "again"), *_sentences(300, "x")[200:])
    screened = screen(training, [("panx/validation/en", known(_sentences(100, "dev/")))])
    assert [example.id for example in screened.examples] == [f"x{number}" for number in range(200, 300)]
    assert screened.dropped == {"panx/validation/en": 2}
    assert screened.allowed == {}


def test_short_sentences_are_dropped_however_many() -> None:
    """Sentences under eight words are dropped and counted, never a reason to refuse."""
    short = tuple(tagged_example(f"{n}", ["Born", f"{n}"], ["O", "O"]) for n in range(10))
    screened = screen((*short, *_sentences(5)), [("panx/validation/sw", known(short))])
    assert [example.id for example in screened.examples] == ["s0", "s1", "s2", "s3", "s4"]
    assert screened.dropped == {"panx/validation/sw": 10}


def test_allowed_overlap_is_kept_and_counted() -> None:
    """With the flag the data stay as they are, and the record says which split they touch."""
    screened = screen(_sentences(50), [("panx/validation/en", known(_sentences(100, "dev/")))], "allow")
    assert len(screened.examples) == 50
    assert screened.allowed == {"panx/validation/en": 50}


def test_reported_tasks_are_all_with_evaluated_files(tmp_path: Path) -> None:
    """By default every task with a validation or test file counts; named ones count alone; unknown ones are refused."""
    release(tmp_path)
    assert [task.name for task in reported_tasks((), tmp_path)] == ["panx", "tydiqa", "xnli", "xquad"]
    assert [task.name for task in reported_tasks(("xnli",), tmp_path)] == ["xnli"]
    with pytest.raises(UnknownName, match="panx"):
        reported_tasks(("pnax",), tmp_path)


def test_only_splits_of_the_same_kind_are_read(tmp_path: Path) -> None:
    """Passages are compared with passages: both QA tasks, no other."""
    release(tmp_path)
    names = [name for name, _ in evaluated(reported_tasks((), tmp_path), tmp_path, "passage")]
    assert names == ["tydiqa/validation/en", "xquad/validation/en"]


def test_an_evaluation_finds_what_a_run_was_trained_on(tmp_path: Path) -> None:
    """The hashes beside a stage say which evaluated examples the model has seen, and which first."""
    (tmp_path / "stages").mkdir()
    trained = [unit(example).key for example in _sentences(3)]
    (tmp_path / "stages" / "01-target.hashes").write_text("\n".join(trained) + "\n", encoding="ascii")
    overlap = check(tmp_path, _sentences(10, "dev/")[2:])
    assert (overlap.kind, overlap.count, overlap.total, overlap.first) == ("sentence", 1, 8, "dev/2")
    assert check(tmp_path / "elsewhere", _sentences(3)).count == 0


def test_a_translation_of_a_trained_question_is_found_by_its_id(tmp_path: Path) -> None:
    """A question keeps its id in every language, and its passage does not: both stop training, both are found later."""
    native = "56beb4343aeaaa14008c925b"
    english = question_example(f"xquad/train/en/{native}", "who?", "Anna sings.", "Anna")
    german = question_example(f"xquad/validation/de/{native}", "wer?", "Anna singt.", "Anna", "de")
    with pytest.raises(Contamination, match="1 of 1 passages"):
        screen([english], [("xquad/validation/de", known((german,)))])
    assert screen([english], [("xquad/validation/de", known((german,)))], "allow").allowed == {"xquad/validation/de": 1}
    (tmp_path / "stages").mkdir()
    (tmp_path / "stages" / "01-target.hashes").write_text("".join(f"{key}\n" for key in keys(english)))
    assert check(tmp_path, (german,)).count == 1


def test_a_short_id_is_not_a_name_of_a_question() -> None:
    """Files that count their questions from 1 share ids, not questions."""
    example = question_example("xquad/train/en/1", "who?", "Anna sings.", "Anna")
    other = question_example("tydiqa/validation/sw/1", "nani?", "Juma analala.", "Juma", "sw")
    assert screen([example], [("tydiqa/validation/sw", known((other,)))]).examples == (example,)


def test_hashes_that_cannot_be_read_are_an_error(tmp_path: Path) -> None:
    """A damaged file of hashes is named, and never taken for no overlap."""
    (tmp_path / "stages").mkdir()
    (tmp_path / "stages" / "01-target.hashes").write_bytes(b"\xff\xfe")
    with pytest.raises(ModelError, match=r"01-target\.hashes"):
        check(tmp_path, _sentences(1))


def test_hashes_that_never_end_are_not_opened(tmp_path: Path) -> None:
    """A link to a device among the records of a run is one line."""
    (tmp_path / "stages").mkdir()
    (tmp_path / "stages" / "00-target.hashes").symlink_to("/dev/zero")
    with pytest.raises(ModelError, match="regular file"):
        check(tmp_path, _sentences(1))


EVERY = pytest.param((), marks=pytest.mark.long, id="every")
"""All languages: minutes of reading for what a few show."""


def _reported(data: Path, codes: tuple[str, ...], *names: str) -> list[TaskSpec]:
    """The reported tasks in some of their languages, or in all."""
    tasks = reported_tasks(names, data)
    return [
        replace(task, languages=tuple(code for code in task.languages if code in (codes or {code}))) for task in tasks
    ]


@pytest.mark.real
@pytest.mark.parametrize("codes", [pytest.param(("en", "zh"), id="two"), EVERY])
def test_the_rule_fires_on_squad_dev_against_xquad(codes: tuple[str, ...], data: Path, tmp_path: Path) -> None:
    """SQuAD's development set as training data is refused: XQuAD's 240 passages are translated from it."""
    (tmp_path / "squad").mkdir()
    (tmp_path / "squad" / "train-v1.1.json").symlink_to(data / "squad" / "dev-v1.1.rebuilt.json")
    (tmp_path / "xquad").symlink_to(data / "xquad")
    task = registry.load("task", "xquad")
    training = load(task, tmp_path, "en", "train").examples
    splits = list(evaluated(_reported(tmp_path, codes), tmp_path, "passage"))
    assert len(splits) == (len(codes) or 10)
    for split in splits:
        with pytest.raises(Contamination, match="240 of 240"):
            screen(training, [split])


@pytest.mark.real
@pytest.mark.parametrize(
    ("codes", "count"),
    [pytest.param(("en", "qu", "ru", "yo"), 2, id="four"), pytest.param(*EVERY.values, 15, marks=EVERY.marks)],
)
def test_panx_shares_short_sentences_with_fifteen_dev_files(codes: tuple[str, ...], count: int, data: Path) -> None:
    """English training sentences that are in 15 dev files are dropped and counted, and the rest is trained on."""
    task = registry.load("task", "panx")
    training = load(task, data, "en", "train").examples
    screened = screen(training, evaluated(_reported(data, codes, "panx"), data, "sentence"))
    assert len([name for name in screened.dropped if "/validation/" in name]) == count
    assert 0 < len(training) - len(screened.examples) < 0.02 * len(training)


@pytest.mark.real
@pytest.mark.parametrize("codes", [pytest.param(("en",), id="english"), EVERY])
@pytest.mark.parametrize(("name", "dropped"), [("xnli", {}), ("tydiqa", {"mlqa/validation/en": 1})])
def test_the_other_training_data_are_clean(
    name: str, dropped: dict[str, int], codes: tuple[str, ...], data: Path
) -> None:
    """The MNLI sample and TyDiQA's English training set share no pair and no passage with an evaluated split but one.

    The beginning of Wikipedia's article on gymnasts at the Olympic Games is a passage of TyDiQA and of MLQA.
    """
    task = registry.load("task", name)
    training = load(task, data, "en", "train").examples
    screened = screen(training, evaluated(_reported(data, codes), data, kind(task)))
    assert screened.dropped == dropped
    assert len(screened.examples) == len(training) - sum(dropped.values())


# ------------------------------------------------------------------------------------------------------- kept of before


def _units(data: Path, messages: list[str]) -> list[set[str]]:
    tasks = [registry.load("task", "xnli")]
    return [set(known_units.first) for _, known_units in evaluated(tasks, data, "pair", messages.append)]


def test_units_of_a_file_that_was_replaced_are_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of the same size and time of change is another one, even with the same size and time."""
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "cache"))
    release(tmp_path / "data")
    messages: list[str] = []
    before = _units(tmp_path / "data", messages)
    assert _units(tmp_path / "data", messages) == before
    path = tmp_path / "data" / "xnli" / "dev-en.tsv"
    old, new = path.stat(), path.with_suffix(".new")
    new.write_bytes(path.read_bytes().replace(b"river", b"revir"))
    os.utime(new, ns=(old.st_atime_ns, old.st_mtime_ns))
    new.replace(path)
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (old.st_size, old.st_mtime_ns)
    assert _units(tmp_path / "data", messages) != before
    assert messages == []


def test_units_of_other_code_are_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The version, and the source of what reads and makes units, are a part of what is kept; a hit reads no file."""
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "cache"))
    release(tmp_path / "data")
    reads: list[str] = []
    whole = source.load

    def counted(*some: Any) -> Any:
        reads.append("read")
        return whole(*some)

    monkeypatch.setattr(source, "load", counted)
    first = _units(tmp_path / "data", [])
    count = len(reads)
    assert _units(tmp_path / "data", []) == first
    assert len(reads) == count > 0
    for changed in ("__version__", "_sha256"):
        with monkeypatch.context() as patch:
            patch.setattr(lessons, changed, "9.9" if changed == "__version__" else lambda _: "other")
            _units(tmp_path / "data", [])
        assert len(reads) > count
        count = len(reads)


def test_a_damaged_cache_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The caller gets one line, and Python shows no warning with a line of source."""
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "cache"))
    release(tmp_path / "data")
    before = _units(tmp_path / "data", [])
    for path in (tmp_path / "cache").iterdir():
        path.write_bytes(b"no database" * 100)
    messages: list[str] = []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert _units(tmp_path / "data", messages) == before
    assert messages
    assert all(len(message.splitlines()) == 1 for message in messages)
