"""Edits that a noisy file states: `perturb` writes them, and positions are mapped by them where they are right."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
from tests.mini_suite import mini_rows
from tests.release import release
from tests.tiny import question_example

from robust_xtreme.core import registry, resources
from robust_xtreme.core.errors import DataError
from robust_xtreme.core.examples import Example, Span, Text
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.exchange.perturbing.files import PerturbJob, perturb_file
from robust_xtreme.noise.conditions.paired import Paired, pair_up
from robust_xtreme.noise.conditions.pairing import Noisy, Step, followed, paired, stated
from robust_xtreme.noise.engine.noised import Noised
from robust_xtreme.noise.engine.noising import noise_texts
from robust_xtreme.tasks.formats import Slot, SlotResult
from robust_xtreme.tasks.formats._record import beside
from robust_xtreme.tasks.noisy.layouts import TaskSplit, read
from robust_xtreme.tasks.sources.release import Release

_NOISE: Final = "char_noise:0.3"
_SPECS: Final = (_NOISE, "word_order:0.5", "word_drop:0.9+char_noise:0.5", f"{_NOISE}+{_NOISE}")
_ROWS: Final = "xquad/test-sw.jsonl"


def contexts(language: str) -> list[Text]:
    """The contexts of the embedded suite with the spans of their answers."""
    rows = mini_rows(f"xquad/test-{language}.jsonl")[:60]
    spans: dict[str, set[tuple[int, int]]] = {}
    for row in rows:
        spans.setdefault(row["context"], set()).update(map(tuple, row["answers"]))
    return [Text(value, language, value, tuple(Span(*it) for it in sorted(spans[value]))) for value in spans]


def written(noised: Noised) -> Any:
    """What `perturb` writes beside a noisy text."""
    member = beside(SlotResult(Slot("context", "1", noised.clean.value), noised))
    return json.loads("{" + member.removeprefix(",") + "}").get("edits")


@pytest.mark.parametrize("spec", _SPECS)
@pytest.mark.parametrize("language", ["en", "th", "hi"])
def test_what_is_written_says_all_of_the_noise(spec: str, language: str) -> None:
    """Read back, it moves every range and span as the noise does, through each perturbation of a chain."""
    for noised in noise_texts(contexts(language), PerturbationSpec.parse(spec), 0):
        read_back = followed(noised.clean, noised.text.value, stated(written(noised), "x"), "x")
        assert read_back == tuple(trace for trace in noised.traces if trace.moves)


def pair(clean: Example, noisy: Example, *steps: Step) -> Paired:
    """An example and its noisy form with stated edits."""
    file = Noisy([noisy], ["noisy.json: question 'q'"], True, [steps])
    return pair_up("x", [clean], file, paired([clean], file))


@pytest.mark.parametrize(("edit", "before"), [((5, 6, 2), (5, 7)), ((6, 7, 2), (6, 7)), ((7, 7, 1), (6, 7))])
def test_stated_edits_say_which_of_equal_letters_was_inserted(
    edit: tuple[int, int, int], before: tuple[int, int]
) -> None:
    """A diff takes the last of them; what a range is mapped back to depends on it."""
    clean, noisy = question_example("q", "where", "was all", "was"), question_example("q", "where", "was alll", "was")
    given = pair(clean, noisy, (edit,))
    assert given.noised["q/context"].to_clean(6, 8 if edit[0] < 7 else 7) == before
    assert given.fields == ("context",)


def test_an_answer_that_is_not_where_the_edits_say_is_refused() -> None:
    """An answer that is in another part of the text is refused, with and without them."""
    clean = question_example("q", "where", "Oslo sits north of Bern, says Bern", "Oslo")
    noisy = question_example("q", "where", "Bern, says Bern sits north of Oslo", "Oslo")
    with pytest.raises(DataError, match="Oslo"):
        pair(clean, noisy)
    with pytest.raises(DataError, match="Oslo"):
        pair(clean, noisy, ((0, 4, 15), (19, 34, 4)))


def test_other_edits_of_a_shared_context_are_another_form() -> None:
    """The context has an id of its own in each row whose edits are its own."""
    clean = [question_example(name, "where", "was all", "was") for name in "ab"]
    shared = clean[0].texts["context"]
    clean = [Example(it.id, {**it.texts, "context": shared}, it.target, it.cluster) for it in clean]
    noisy = [question_example(name, "where", "was alll", "was") for name in "ab"]
    file = Noisy(noisy, ["x:1", "x:2"], True, [(((5, 6, 2),),), (((6, 7, 2),),)])
    given = pair_up("x", clean, file, paired(clean, file))
    ids = [it.texts["context"].id for it in given.examples]
    assert [given.noised[id].to_clean(6, 8) for id in ids] == [(5, 7), (6, 7)]


_TAKES: Final = "the key 'edits' takes a list of steps, each a list of [start, stop, length], not "


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (7, f"{_TAKES}7."),
        ({}, f"{_TAKES}{{}}."),
        ("x" * 500, f"{_TAKES}'xxx"),
        ([], f"{_TAKES}[]."),
        ([[]], f"{_TAKES}[]."),
        ([[5, 6, 2]], f"{_TAKES}of 5."),
        ([[[5, 6]]], f"{_TAKES}of [5, 6]."),
        ([[[5, 6, 2.0]]], "2.0"),
        ([[[True, 6, 2]]], "True"),
        ([[[5, 6, "l"]]], "'l'"),
        ([[[5, 6, None]]], "None"),
        ([[[5, 6, 2]]] * 101, "101 steps"),
        (
            [[[-1, 6, 2]]],
            "[-1, 6, 2]",
        ),
        ([[[6, 5, 2]]], "[6, 5, 2]"),
        ([[[5, 8, 2]]], "text, 7"),
        ([[[5, 6, 2], [5, 6, 2]]], "between 6"),
        ([[[5, 6, -2]]], "[5, 6, -2]"),
        ([[[5, 6, 10**12]]], "1,000,000"),
        ([[[5, 6, 10**5000]]], "1,000,000"),
        ([[[10**5000, 6, 1]]], "thousands of digits"),
        ([[[5, 6, 3]]], "9 characters"),
        (
            [[[0, 1, 2]]],
            "at character 2",
        ),
        ([[[0, 1, 1]], [[7, 8, 1]]], "text, 7"),
    ],
)
def test_wrong_edits_are_one_line(value: Any, message: str) -> None:
    """With the row, what is wrong, and the value as it is written, however long it is."""
    clean, noisy = question_example("q", "where", "was all", "was"), question_example("q", "where", "was alll", "was")
    with pytest.raises(DataError) as error:
        pair(clean, noisy, *stated(value, "noisy.json: question 'q'"))
    shown = str(error.value)
    assert shown.startswith("noisy.json: question 'q': ")
    assert message in shown
    assert "\n" not in shown
    assert len(shown) < 400


# --------------------------------------------------------------------------------------------------- files


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Release files of XQuAD."""
    return release(tmp_path / "data") / "xquad"


def perturbed(folder: Path, name: str, out: Path, task: str = "xquad", fields: str = "context") -> dict[str, Any]:
    """The first paragraph of a file with noise, which is beside it."""
    split = "validation" if task else "auto"
    perturb_file(PerturbJob(str(folder / name), _NOISE, str(out), task, split, "en", "", (fields,)))
    paragraph: dict[str, Any] = json.loads(out.read_text())["data"][0]["paragraphs"][0]
    return paragraph


def test_edits_are_written_beside_a_context_of_a_task(folder: Path, tmp_path: Path) -> None:
    """Not beside questions, and not in files of the user's own; readers of the task take the file as before."""
    name = "xquad.en.json"
    assert "edits" not in perturbed(folder, name, tmp_path / "questions.json", fields="question")
    assert "edits" not in perturbed(folder, name, tmp_path / "own.json", task="")
    paragraph = perturbed(folder, name, tmp_path / "contexts.json")
    cell = TaskSplit(registry.load("task", "xquad"), "en", "validation")
    rows = read(cell, tmp_path / "contexts.json", Release(folder.parent))
    assert rows.steps[0] == tuple(tuple(map(tuple, step)) for step in paragraph["edits"])


def test_noise_on_noise_is_refused(folder: Path, tmp_path: Path) -> None:
    """The edits would be those of the last noise alone, in release files and in rows of a suite."""
    perturbed(folder, "xquad.en.json", tmp_path / "xquad.en.json")
    with pytest.raises(DataError, match="edits"):
        perturbed(tmp_path, "xquad.en.json", tmp_path / "twice.json")
    perturbed(tmp_path, "xquad.en.json", tmp_path / "other.json", fields="question")
    suite = resources.mini("suite")
    for name in ("once", "twice"):
        (tmp_path / name / "xquad").mkdir(parents=True)
        (tmp_path / name / "suite.toml").write_bytes((suite / "suite.toml").read_bytes())
    first, second = (str(tmp_path / name / _ROWS) for name in ("once", "twice"))
    job = PerturbJob(str(suite / f"{_ROWS}.gz"), _NOISE, first, "xquad", "test", "sw", "", ("context",))
    perturb_file(job)
    with pytest.raises(DataError, match="edits"):
        perturb_file(replace(job, file=first, out=second))
