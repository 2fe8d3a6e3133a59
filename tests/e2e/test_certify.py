"""`certify` on the embedded model: its copies of texts, its table, a kill, and what it refuses."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import log
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from scipy import stats
from tests.program import program

from robust_xtreme.core.examples import Example, Tags, Text, span_of
from robust_xtreme.core.graphemes import split
from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.files import store
from robust_xtreme.files.manifest import read_manifest
from robust_xtreme.files.schema import CERTIFIED
from robust_xtreme.run import certifying
from robust_xtreme.run.certifying import Smoothing, certified, copies, voted
from robust_xtreme.run.plan import make_plan
from robust_xtreme.run.task_run import TaskRun

_HOW = Smoothing(draws=60, first=20)
_WORDS = ("certify", "--tasks", "panx,xcopa", "--languages", "sw", "--limit", "3", "--draws", "60", "--first", "20")


def _runs(task: str, limit: int) -> tuple[TaskRun, Sequence[Example]]:
    plan = make_plan(RunSpec(tasks=(task,), languages=("sw",), limit=str(limit)))
    return plan.task_runs[0], plan.splits.of(plan.task_runs[0]).examples


def _is_part(left: Sequence[str], whole: Sequence[str]) -> bool:
    units = iter(whole)
    return all(unit in units for unit in left)


def test_whole_clusters_are_deleted_and_words_stay_where_they_are() -> None:
    """Of a sentence in Devanagari, flags and emoji, clusters go or stay whole; each word keeps its span and label."""
    run, _ = _runs("panx", 1)
    words = ("क्षत्रिय", "👩‍👩‍👧🇩🇪🇫🇷", "zwei")
    value = f" {'  '.join(words)}."
    starts = [value.index(word) for word in words]
    spans = tuple(span_of(at, at + len(word), word[-1]) for at, word in zip(starts, words, strict=True))
    example = Example("1", {"tokens": Text("1", "hi", value, spans)}, Tags(("O",) * 3), "1")
    made, numbers = copies(example, run, replace(_HOW, draws=2000, delete="0.8"))
    assert made[0].texts == example.texts
    assert len(numbers) == 2020
    assert len({each.texts["tokens"] for each in made}) == len(made)
    kept = 0
    for number in numbers:
        text = made[number].texts["tokens"]
        rest = [text.at(span) for span in text.spans]
        assert text.value == f" {'  '.join(rest)}."
        assert [span.label for span in text.spans] == [word[-1] for word in words]
        assert all(_is_part(split(left), split(word)) for left, word in zip(rest, words, strict=True))
        kept += sum(len(split(left)) for left in rest)
    units = sum(len(split(word)) for word in words)
    assert stats.binomtest(kept, units * 2020, 0.2).pvalue > 0.001


def test_a_draw_depends_on_the_item_and_its_number_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer draws, another order and other batches give the same copies and answers; another seed gives others."""
    run, examples = _runs("xcopa", 6)
    made, numbers = copies(examples[0], run, _HOW)
    assert made[0].texts["question"] == examples[0].texts["question"]
    fewer = copies(examples[0], run, replace(_HOW, draws=40))
    assert [fewer[0][number] for number in fewer[1]] == [made[number] for number in numbers[:60]]
    assert copies(examples[0], run, replace(_HOW, seed=1))[0] != made
    asked: list[int] = []

    def ask(several: Sequence[Example]) -> Iterator[tuple[str]]:
        asked.append(len(several))
        return ((str(len(each.texts["choice1"].value) % 2),) for each in several)

    whole = certified(run, examples, _HOW, ask)
    monkeypatch.setattr(certifying, "_AT_ONCE", 1)
    single = certified(run, examples[::-1], _HOW, ask)
    assert whole.sort(CERTIFIED.key).equals(single.sort(CERTIFIED.key))
    assert asked[0] == sum(asked[1:])
    assert len(asked) == 1 + len(examples)


def test_the_first_draws_choose_and_the_others_count() -> None:
    """The answer of most first draws is counted in the others; of equals the least, and lost scores are no answer."""
    answers = [("a", None), ("b", "x"), ("c", None)]
    assert list(voted(answers, [2, 1, 1, 0, 0, 1], 3)) == [("b", 1), ("x", 1)]
    assert list(voted(answers, [2, 1, 0, 0, 0], 2)) == [("b", 0), ("x", 0)]
    assert list(voted(answers, [0, 2, 1], 2)) == [("a", 0), (None, 0)]


@pytest.mark.long(
    caught="tests/e2e/test_eval_killed.py::test_a_run_killed_at_a_random_time_continues_to_the_same_bytes"
)
def test_a_killed_command_continues_and_writes_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a kill within the second cell only that one is asked; files are those of an undisturbed call."""
    there, killed = tmp_path / "there", tmp_path / "killed"
    ended = program(*_WORDS, "--out", str(there))
    assert ended.code == 0, ended.err
    assert "texts to read, 81 for each of" in ended.err
    asked, ask = list[str](), certifying.answers_of

    def dying(run: TaskRun, *rest: Any) -> Iterator[Any]:
        asked.append(run.task.name)
        if len(asked) == 2:
            raise KeyboardInterrupt
        return ask(run, *rest)

    monkeypatch.setattr(certifying, "answers_of", dying)
    assert program(*_WORDS, "--out", str(killed)).code == 130
    assert program(*_WORDS, "--out", str(killed), "--batch-tokens", "512").code == 0
    assert asked == ["panx", "xcopa", "xcopa"]
    names = ("certified.parquet", "certificates.csv", "report.md", "report.html", "manifest.json")
    for name in names:
        assert (killed / name).read_bytes() == (there / name).read_bytes(), name
    assert program(*_WORDS, "--out", str(there), "--radius", "2", "--delete", ".90").code == 0  # of the same answers
    assert asked == ["panx", "xcopa", "xcopa"]
    _check(there)
    part = next((killed / "parts").glob("*xcopa*"))
    whole = part.read_bytes()
    for damaged in (whole[:-9], next((killed / "parts").glob("*panx*")).read_bytes()):
        part.write_bytes(damaged)
        assert ("a part is computed again" in program(*_WORDS, "--out", str(killed), "--verbose").err) == (
            damaged == whole[:-9]
        )
        assert asked.pop() == "xcopa"
        assert part.read_bytes() == whole
    assert "is not the folder of a run of eval: it has no run.toml" in program("report", str(there)).err
    for other in (("--normalise", "spelling"), ("--delete", "0.89"), ("--seed", "1")):
        assert f"{there} is not a folder of certificates" in program(*_WORDS, *other, "--out", str(there)).err


def _check(folder: Path) -> None:
    """Bounds, radii and levels again, from the votes; the table is of radius 2."""
    items = store.read_frame(folder / "certified.parquet", CERTIFIED)
    for row in items.iter_rows(named=True):
        low = stats.binomtest(row["votes"], row["draws"], alternative="greater").proportion_ci(0.999).low
        assert row["bound"] == pytest.approx(low, abs=1e-9)
        assert row["radius"] == (None if low <= 0.5 else int(log(1.5 - low) / log(0.9)))
    table = pl.read_csv(folder / "certificates.csv")
    assert table["radius"].to_list() == [2, 2]
    assert (table["certified"] <= table["smoothed"]).all()
    for row in table.iter_rows(named=True):
        cell = items.filter(task=row["task"])
        right = cell.filter(pl.col("smoothed") == pl.col("gold"), pl.col("radius") >= 2)
        assert row["certified"] == pytest.approx(100 * right.height / cell.height)
    assert read_manifest(folder / "manifest.json")["radius"] == [2]


def test_a_constant_is_certified_at_every_radius_with_its_level(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A function that tags all words alike, also empty ones, keeps the level of the most frequent tag."""
    (tmp_path / "alike.py").write_text("def tag(sentences): return [['O' for word in each] for each in sentences]")
    monkeypatch.syspath_prepend(str(tmp_path))
    named = ("--model", "panx=python:alike:tag", "--data", "mini", "--tasks", "panx", "--languages", "sw,zh")
    ended = program(
        "certify", *named, "--limit", "3", "--draws", "300", "--radius", "1,5,1", "--out", str(tmp_path / "to")
    )
    assert ended.code == 0, ended.err
    table = pl.read_csv(tmp_path / "to" / "certificates.csv")
    assert table.select("language", "radius").rows() == [("sw", 1), ("sw", 5), ("zh", 1), ("zh", 5)]
    assert 0 < table["constant"][0] < 100
    for name in ("clean", "smoothed", "certified"):
        assert table[name].to_list() == table["constant"].to_list()
    assert table["abstained"].to_list() == [0] * 4


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("--tasks", "xquad"), "xquad cannot be certified: an answer of span_qa is no class. Tasks that can: "),
        (("--tasks", "panx,tatoeba"), "tatoeba cannot be certified: an answer of retrieval is no class."),
        (("--delete", "0.5"), "--delete 0.5 and 1000 draws certify 0 edits at most, not 3."),
        (("--delete", "1.5"), "--delete '1.5' is not a probability between 0 and 1"),
        (("--delete", "0.999999999"), "is not a probability between 0 and 1 of up to five decimals"),
        (("--draws", "5"), "--delete 0.9 and 5 draws certify 0 edits at most, not 3."),
        (("--radius", "1,x"), "--radius 1,x is not whole numbers"),
        (("--radius", "0"), "Radii and draws are whole numbers from 1"),
        (("--out", "FULL"), "is not a folder of certificates"),
    ],
)
def test_what_cannot_be_certified_is_refused_in_a_line(words: Sequence[str], what: str, tmp_path: Path) -> None:
    """A task without classes, a radius out of reach, and a folder of something else end with 2 and one line."""
    (tmp_path / "notes.txt").write_text("mine")
    given = [str(tmp_path) if word == "FULL" else word for word in words]
    ended = program("certify", *(() if "--tasks" in given else ("--tasks", "panx")), "--languages", "sw", *given)
    assert ended.code == 2
    assert what in ended.err
    assert len(ended.err.strip().splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_levels_under_attacks_are_beside_certificates(tmp_path: Path) -> None:
    """Levels are those of the predictions, word by word, with random search beside its attack, and edits those made.

    A run of another model, of other rows, of other settings, or without attacks is refused in a line.
    """
    run, there = str(tmp_path / "run"), tmp_path / "there"
    common, limit = ("--tasks", "panx,xcopa", "--languages", "sw"), ("--limit", "6")
    attack = ("--perturb", "attack_letters:0.2@queries=8")
    assert program("eval", *common, *limit, *attack, "--out", run).code == 0
    certifies = ("certify", *common, "--draws", "60", "--first", "20", "--radius", "1,2")
    ended = program(*certifies, *limit, "--beside", run, "--out", str(there))
    assert ended.code == 0, ended.err
    items = store.read_frame(there / "certified.parquet", CERTIFIED)
    table = pl.read_csv(there / "certificates.csv")
    assert table.select("task", "radius").rows() == [("panx", 1), ("panx", 2), ("xcopa", 1), ("xcopa", 2)]
    predictions = pl.read_parquet(tmp_path / "run" / "predictions.parquet")
    for row in table.iter_rows(named=True):
        of_task = predictions.filter(task=row["task"])
        named = {"clean": "^clean", "attacked": "^attack.*queries=8@fields", "random": "^attack.*search=random"}
        for name, condition in named.items():
            rows = of_task.filter(pl.col("condition").str.contains(condition))
            words = [pair for one in rows.rows(named=True) for pair in _pairs(one)]
            assert len(words) == row["items"]
            assert row[name] == pytest.approx(100 * sum(answer == gold for answer, gold in words) / len(words))
        right = items.filter(pl.col("answer") == pl.col("gold"), task=row["task"])
        assert row["clean"] == pytest.approx(100 * right.height / row["items"])
        assert row["attacked"] < row["clean"]
        edited = of_task.filter(pl.col("condition").str.contains(named["attacked"]), pl.col("edits") > 0)
        edits = [_edits(json.loads(operators)) for operators in edited["operators"]]
        assert row["edits"] == pytest.approx(sum(edits) / len(edits))
        assert row["within"] == pytest.approx(100 * sum(each <= row["radius"] for each in edits) / len(edits))
    assert "| panx | sw | attack_letters:0.2@queries=8 |" in (there / "report.md").read_text("utf-8")
    assert (there / "report.html").read_text("utf-8").count("<svg") >= 2
    for other in (("--limit", "3"), (*limit, "--normalise", "spelling")):
        ended = program(*certifies, *other, "--beside", run, "--out", str(tmp_path / "other"))
        assert ended.code == 2
        assert re.search("has no attack on (panx|xcopa) sw with the same model, rows and settings", ended.err)
    ended = program(*certifies[:1], "--tasks", "xnli", *certifies[3:], *limit, "--beside", run)
    assert "has no attack on xnli sw (tasks: panx, xcopa)" in ended.err
    assert "not the folder of a run" in program(*certifies, "--beside", str(there.parent)).err


def test_attacks_on_some_fields_are_named_so(tmp_path: Path) -> None:
    """An attack on one field has a row of its own beside that on all, and neither is taken for the other."""
    attack, run = "attack_letters:0.2@queries=3", str(tmp_path / "run")
    common = ("--tasks", "xnli", "--languages", "sw", "--limit", "2")
    several = (word for fields in ("", "@fields=premise") for word in ("--perturb", attack + fields))
    assert program("eval", *common, *several, "--out", run).code == 0
    words = ("--draws", "60", "--first", "20", "--radius", "1,2", "--out", str(tmp_path / "to"))
    ended = program("certify", *common, *words, "--beside", run)
    assert ended.code == 0, ended.err
    named = {attack, f"{attack}@fields=premise"}
    assert set(pl.read_csv(tmp_path / "to" / "certificates.csv")["attack"]) == named
    told = (tmp_path / "to" / "report.md").read_text("utf-8")
    assert [told.count(f"| sw | {each} |") for each in sorted(named)] == [1, 1]


def _pairs(row: dict[str, Any]) -> list[tuple[Any, Any]]:
    """The answer and the gold one of each word, or of the whole."""
    answer, gold = json.loads(row["prediction"]), json.loads(row["gold"])
    return [*zip(answer, gold, strict=True)] if isinstance(gold, list) else [(answer, gold)]


def _edits(operators: dict[str, int]) -> int:
    """The graphemes that errors in letters change: two where letters change places."""
    return sum(count * (2 if name == "swap" else 1) for name, count in operators.items())
