"""Intermediate tasks in `list` and `data`: what there is, what a folder contains, and what brings the others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.unit.tasks.test_intermediate import write_sample
from typer.testing import CliRunner, Result

from robust_xtreme.cli import _completion
from robust_xtreme.cli._app import build
from robust_xtreme.cli.list import LISTS
from robust_xtreme.core import registry
from robust_xtreme.core.errors import UnknownName
from robust_xtreme.core.specs import TaskSpec
from robust_xtreme.tasks.catalogue import rows
from robust_xtreme.tasks.groups import chosen, intermediate, is_intermediate
from robust_xtreme.tasks.sources.source import load

NAMES = registry.names("intermediate")


def run(*words: str) -> Result:
    """A command, as it ends."""
    return CliRunner().invoke(build(), list(words))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Training data of SNLI, validation data of SQuAD 2.0, and of Social IQa a file that is broken."""
    plus: TaskSpec = registry.load("intermediate", "anli_plus")
    write_sample(plus.parts[2].files["train"], tmp_path)
    write_sample(registry.load("intermediate", "squad_v2").files["validation"], tmp_path)
    path = tmp_path / "siqa" / "socialIQa_v1.4_trn.jsonl"
    path.parent.mkdir()
    path.write_text("{}\n", encoding="utf-8")
    return tmp_path


def test_every_member_is_listed() -> None:
    """A row each with a line of summary, files or parts, and the tasks whose own training data it is."""
    by_name = {row["name"]: row for row in rows("intermediate")}
    assert tuple(by_name) == NAMES
    assert all(row["summary"] and "\n" not in row["summary"] for row in by_name.values())
    assert [part["name"] for part in by_name["anli_plus"]["parts"]] == ["anli", "mnli", "snli"]
    assert by_name["squad"]["trains"] == ["xquad", "mlqa", "lareqa"]
    assert by_name["hellaswag"]["files"]["validation"][0] == "hellaswag/hellaswag_val.jsonl"
    assert by_name["ccg"]["open_labels"]


def test_a_mistyped_member_is_named_with_the_nearest() -> None:
    """In the words of a user, and with the command that lists them."""
    with pytest.raises(UnknownName, match="squat"):
        registry.load("intermediate", "squat")


def test_a_language_that_a_task_does_not_have_is_reported_with_the_list_of_its_kind(tmp_path: Path) -> None:
    """Languages of intermediate tasks are in another list than those of the tasks that are evaluated."""
    for kind, name in (("intermediate", "mnli"), ("task", "panx")):
        with pytest.raises(UnknownName, match="'tlh'"):
            load(registry.load(kind, name), tmp_path, "tlh", "train")


@pytest.mark.parametrize(("name", "kind"), [("xnli", "task"), ("mnli", "intermediate")])
def test_what_a_head_is_trained_for_is_found_by_one_name(name: str, kind: str) -> None:
    """A task or an intermediate task; a name that is neither is one line."""
    assert registry.learned(name) is registry.load(kind, name)
    with pytest.raises(UnknownName, match="mnli"):
        registry.learned("mnly")


def test_words_mean_intermediate_tasks() -> None:
    """A name means one task, or its parts where it has some; one word means all; none occurs twice."""
    assert [task.name for task in intermediate(["qqp", "anli_plus", "mnli"])] == ["qqp", "anli", "mnli", "snli"]
    assert {task.name for task in intermediate(["intermediate"])} == {*NAMES, "anli", "snli"} - {"anli_plus"}
    assert intermediate(["xnli", "xtreme-r"]) == ()
    assert [is_intermediate(word) for word in ("intermediate", "ccg", "xnli", "choice")] == [True, True, False, False]


def test_they_are_not_tasks_that_are_evaluated() -> None:
    """A family's name means its tasks alone, and `--tasks mnli` of `eval` is refused."""
    assert set(chosen(["choice"])) == {"xcopa"}
    with pytest.raises(UnknownName, match="no task named 'mnli'"):
        chosen(["mnli"])


def _checked(folder: Path, *words: str) -> dict[str, Any]:
    whole = json.loads(run("data", "check", "--data", str(folder), *words, "--json").stdout)
    return {task["task"]: task["languages"] for task in whole["tasks"]}


def test_data_are_found_where_they_are_asked_for(folder: Path) -> None:
    """With rows, labels and hash; without --tasks, tasks alone are looked at."""
    by_task = _checked(folder, "--tasks", "intermediate")
    assert set(by_task) == {*NAMES, "anli", "snli"} - {"anli_plus"}
    (language,) = by_task["snli"]
    (split,) = language["splits"]
    assert (split["split"], split["rows"], split["labelled"], language["left_out"]) == ("train", 2, True, None)
    assert not set(_checked(folder)) & {*by_task}


def test_what_is_not_there_to_learn_from_is_reported(folder: Path) -> None:
    """Where was looked and what brings it; a validation split alone is none, and a broken file is named."""
    by_task = _checked(folder, "--tasks", "squad_v2,ccg,siqa")
    assert [split["split"] for split in by_task["squad_v2"][0]["splits"]] == ["validation"]
    assert "--data hub" in by_task["squad_v2"][0]["left_out"]["detail"]
    assert "LDC2005T13" in by_task["ccg"][0]["left_out"]["detail"]
    assert by_task["siqa"][0]["left_out"] is None
    done = run("data", "check", "--data", str(folder), "--tasks", "siqa,squad_v2")
    assert done.exit_code == 2
    assert "premise" in done.stdout
    assert "in siqa train: en" in done.stdout


def test_the_page_counts_them_apart(folder: Path) -> None:
    """A run evaluates none of their languages; tasks named beside them are as without them."""
    done = run("data", "check", "--data", str(folder), "--tasks", "snli,squad_v2,xnli")
    assert "snli" in done.output
    done = run("data", "check", "--data", str(folder), "--tasks", "squad_v2,anli_plus,xnli")
    lines = {line.split()[0]: line.split()[1:] for line in done.stdout.splitlines() if line.strip()}
    assert lines["squad_v2"] == ["-", "1", "-", "1", "-", "-"]
    assert lines["snli"] == ["1", "-", "-", "2", "-", "-"]
    assert lines["xnli"][-4:] == ["0", "of", "15", "languages"]


def test_languages_without_them_leave_them_out(folder: Path) -> None:
    """They are in English: asked for Swahili, nothing of them is looked at."""
    assert _checked(folder, "--tasks", "intermediate", "--languages", "sw") == {}
    assert "snli" in _checked(folder, "--tasks", "anli_plus", "--languages", "en,sw")


def test_a_source_without_them_says_so() -> None:
    """The embedded suite has tasks alone."""
    done = run("data", "check", "--data", "mini", "--tasks", "qqp")
    assert done.exit_code == 2
    assert "qqp" in done.stdout
    assert "Nothing of these" in done.stderr


def test_names_are_completed() -> None:
    """In `data` with the word for all of them, and beside tasks where something is learned."""
    assert _completion.data_tasks("inter") == ["intermediate"]
    assert _completion.data_tasks("mnli,sq") == ["mnli,squad", "mnli,squad_v2"]
    assert {"mnli", "mlqa"} <= set(_completion.learned("m"))
    assert LISTS("int") == ["intermediate"]
