"""Examples of a finished run: which are chosen, their texts made again, and what a terminal prints."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import polars as pl
import pytest
from tests.limits import files_left
from tests.mini_suite import unpacked_suite
from tests.program import program

from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.files import store
from robust_xtreme.files.schema import PREDICTIONS
from robust_xtreme.report.blocks import Block, Bullets, Diff, Sample, Section, inlines, text_of
from robust_xtreme.report.document import beside, results_of
from robust_xtreme.report.samples.choosing import ExampleChoice, chosen, rows_of
from robust_xtreme.report.samples.part import samples_part
from robust_xtreme.report.samples.texts import key_of, spec_of, texts_of
from robust_xtreme.report.view import Results
from robust_xtreme.run.run import evaluate

pytestmark = pytest.mark.usefixtures("unpaged")

TASKS: Final = ("xnli", "xcopa", "panx", "xquad", "mewsli_x")
"""A task of each family."""

PAGE: Final = ExampleChoice()
SHOWN: Final = re.compile(r"\((..)\), char_noise:0.3 (\S+): squad_f1")


@dataclass(frozen=True, slots=True)
class Run:
    """A run, and the data that it read."""

    folder: Path
    data: Path

    @property
    def results(self) -> Results:
        """Its frames."""
        return results_of(self.folder)

    def chosen(self, wanted: ExampleChoice = PAGE) -> pl.DataFrame:
        """Its chosen examples."""
        return chosen(self.results, rows_of(self.folder, self.results.manifest), wanted)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of mini on a copy of its suite, at two strengths, of candidates too."""
    folder = tmp_path_factory.mktemp("samples")
    data = unpacked_suite(folder / "suite")
    noise = ("char_noise:0.1,0.3", "char_noise:0.2@fields=candidate")
    spec = RunSpec(
        data=str(data), tasks=TASKS, languages=("en", "ar"), perturb=noise, limit="8", out=str(folder / "run")
    )
    evaluate(spec, cache=False)
    return Run(folder / "run", data)


def samples(blocks: tuple[Block, ...]) -> list[Sample]:
    """Every example in blocks and their parts."""
    parts = [samples(block.blocks) for block in blocks if isinstance(block, Section)]
    return [*(block for block in blocks if isinstance(block, Sample)), *(each for part in parts for each in part)]


def task_of(sample: Sample) -> str:
    """The task of an example, by the address of its cell."""
    return sample.labels["of"].split("/")[1]


def test_the_same_run_gives_the_same_examples(run: Run) -> None:
    """Draws are keyed; the largest loss of each task and language is among them, at the highest strength."""
    rows = run.chosen()
    assert rows.equals(run.chosen())
    assert set(rows["cell_condition"]) >= {"char_noise:0.3@fields=premise,hypothesis"}
    assert not any("0.1" in name for name in rows["cell_condition"])
    stats = pl.read_parquet(run.folder / "stats.parquet").filter(
        pl.col("metric") == "accuracy", pl.col("scope") == "all", ~pl.col("model").str.contains("/"), task="xnli"
    )
    value = stats.with_columns(pl.col("stats").list.first().alias("right"))
    clean = value.filter(condition="clean").select("example", "language", was="right")
    lost = value.filter(pl.col("condition").str.contains("0.3")).join(clean, on=["example", "language"])
    most = (
        lost.with_columns(loss=100 * (pl.col("was") - pl.col("right"))).group_by("language").agg(pl.col("loss").max())
    )
    of_xnli = rows.filter(task="xnli").group_by("language").agg(pl.col("loss").max())
    assert dict(most.rows()) == dict(of_xnli.rows())


def test_examples_are_spread_over_tasks_and_languages(run: Run) -> None:
    """Each has as many, up to a limit."""
    rows = run.chosen(ExampleChoice(each=3))
    assert set(rows.group_by("task", "language").len()["len"]) == {3}
    assert run.chosen(ExampleChoice(most=10)).height == 10


def test_each_noise_has_an_example_that_it_spoilt(run: Run) -> None:
    """Beyond the limit where those that were chosen lack one, so that a page shows what each noise does."""
    rows = run.chosen(ExampleChoice(each=1, most=1))
    assert set(rows.filter(pl.col("loss") > 0)["noise"]) == {"char_noise:0.2", "char_noise:0.3"}
    assert run.chosen(ExampleChoice(each=1, most=1, drawn=False)).height == 1


def test_a_file_is_opened_a_few_times_for_many_task_runs(run: Run) -> None:
    """Systems limit how many files a process may have open, to 256 or 1,024 if nothing else is set."""
    rows = run.chosen()
    with files_left(6):
        assert run.chosen().equals(rows)


def test_examples_are_the_same_from_the_statistics_of_each_task_run(run: Run) -> None:
    """A run that ends chooses them from files that are not merged, few of them open at a time."""
    rows = run.chosen()
    stats = tuple(map(store.scan, (run.folder / "parts").glob("*-stats-*.parquet")))
    divided = replace(rows_of(run.folder, run.results.manifest), stats=stats, divided=True)
    with files_left(6):
        assert chosen(run.results, divided, PAGE).equals(rows)


@pytest.mark.parametrize("became", ["wrong", "right", "same"])
def test_examples_are_filtered_by_what_they_became(run: Run, became: str) -> None:
    """An answer became wrong where its score is lower than that of the clean answer."""
    rows = run.chosen(ExampleChoice(became=(became,), each=50))
    sign = {"wrong": 1, "right": -1, "same": 0}[became]
    assert all((loss > 0) - (loss < 0) == sign for loss in rows["loss"])
    assert set(rows["became"]) <= {became}


def test_texts_are_made_again_as_the_run_read_them(run: Run) -> None:
    """In every family, of questions and of candidates, at a lower strength too; edits are those that the run stored."""
    manifest = run.results.manifest
    rows = run.chosen(ExampleChoice(noises=("char_noise", "char_noise:0.1", "char_noise:0.2")))
    made, problems = texts_of(rows, spec_of(run.folder, manifest), manifest)
    assert problems == ()
    assert set(made) == {key_of(row) for row in rows.iter_rows(named=True)}
    edited = [row for row in rows.iter_rows(named=True) if json.loads(row["operators"])]
    assert {row["task"] for row in edited} == set(TASKS)
    for row in edited:
        remade = made[key_of(row)]
        documents = [noised.clean.value != noised.text.value for noised in remade.documents.values()]
        assert remade.noisy.texts != remade.clean.texts or any(documents)


def test_the_page_has_every_kind_of_example(run: Run) -> None:
    """With gold and both answers, an address each, and spans that are marked where an answer is one."""
    (part,) = samples_part({"": run.folder}, run.results)
    every = samples(part.blocks)
    assert len({sample.anchor for sample in every}) == len(every)
    assert {task_of(sample) for sample in every} == set(TASKS)
    for sample in every:
        assert [name for name, _ in sample.facts][:2] == ["answer", "edits"]
        assert sample.labels["became"] in ("wrong", "right", "same")
    context = next(dict(sample.texts)["context"] for sample in every if task_of(sample) == "xquad")
    gold = "".join(old for old, _, mark in context.marked if "gold" in mark.split())
    assert gold
    assert any(name == "subwords" for sample in every for name, _ in sample.facts)
    fact = text_of(next(dict(sample.facts)["answer"] for sample in every if task_of(sample) == "xnli"))
    assert {*re.split(" → |; gold: ", fact)} <= {"entailment", "neutral", "contradiction"}
    assert any(isinstance(inline, Diff) for sample in every for _, value in sample.facts for inline in inlines(value))


def test_two_runs_have_examples_each(run: Run) -> None:
    """With texts, and with addresses that tell the runs apart."""
    runs = {"old": run.folder, "new": run.folder}
    (part,) = samples_part(runs, beside(dict.fromkeys(runs, run.results)))
    every = samples(part.blocks)
    assert len({sample.anchor for sample in every}) == len(every)
    assert all(sample.texts for sample in every)
    for name in runs:
        assert {task_of(sample) for sample in every if f"/{name}/" in sample.anchor} == set(TASKS)


@pytest.fixture
def copied(run: Run, tmp_path: Path) -> Run:
    """A copy of the run and its data that a test changes."""
    data = Path(shutil.copytree(run.data, tmp_path / "suite"))
    folder = Path(shutil.copytree(run.folder, tmp_path / "run"))
    old = (folder / "run.toml").read_text("utf-8")
    (folder / "run.toml").write_text(old.replace(str(run.data), str(data)), encoding="utf-8")
    undigested(folder)
    return Run(folder, data)


def undigested(folder: Path, **changes: Any) -> None:
    """Write the manifest again without digests, as after a change that is meant."""
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    manifest.pop("digest", None)
    (folder / "manifest.json").write_text(json.dumps({**manifest, "files": {}, **changes}), encoding="utf-8")


def test_changed_and_missing_data_leave_answers_and_say_why(copied: Run) -> None:
    """Other tasks have their texts; the lines name the task, the language and what changed."""
    changed = copied.data / "xnli" / "test-ar.jsonl"
    changed.write_text(changed.read_text("utf-8").replace(".", "!"), encoding="utf-8")
    (copied.data / "panx" / "test-en.jsonl").unlink()
    (part,) = samples_part({"": copied.folder}, copied.results)
    (why,) = [block for block in part.blocks if isinstance(block, Bullets)]
    lines = [text_of(item) for item in why.items]
    assert "xnli ar: no texts are shown. xnli/test-ar.jsonl changed since the run." in lines
    assert any(line.startswith("panx en: no texts are shown.") for line in lines)
    without = {tuple(each.labels["of"].split("/")[1::-1]) for each in samples(part.blocks) if not each.texts}
    assert without == {("xnli", "ar"), ("panx", "en")}
    ended = program("examples", str(copied.folder), "--tasks", "xnli", "--languages", "ar")
    assert ended.code in (0, None)
    assert "xnli ar: " in ended.err
    assert "; gold: " in ended.out


def test_other_edits_than_the_stored_ones_are_named(copied: Run) -> None:
    """Texts of another noise than that of the run are not shown as its own."""
    path = copied.folder / "predictions.parquet"
    rows = store.read_frame(path, PREDICTIONS)
    other = pl.when(pl.col("task") == "xnli").then(pl.lit('{"swap": 99}')).otherwise("operators")
    store.write_frame(path, rows.with_columns(operators=other), PREDICTIONS)
    (part,) = samples_part({"": copied.folder}, copied.results)
    (why,) = [block for block in part.blocks if isinstance(block, Bullets)]
    assert "has other edits than the run in xnli/test/" in str(why)


def test_a_terminal_prints_examples(run: Run) -> None:
    """Filters are those of the options, at 80 columns nothing is cut off, and the next command is named."""
    words = ("--tasks", "xquad", "--perturb", "char_noise:0.1", "--limit", "3")
    ended = program("examples", str(run.folder), *words, COLUMNS="80")
    assert ended.out.count("squad_f1") == 3
    assert "char_noise:0.1" in ended.out
    assert "char_noise:0.3" not in ended.out
    assert ended.err.endswith(f"Next: robust-xtreme examples {run.folder} --became wrong\n")
    filtered = program("examples", str(run.folder), "--became", "wrong", "--limit", "1")
    assert filtered.err.endswith(f"Next: robust-xtreme report {run.folder} --open\n")


def test_an_id_is_taken_as_it_is_printed(run: Run) -> None:
    """Whole, or short as it is in the title, where it means every example that has it."""
    words = ("examples", str(run.folder), "--tasks", "xquad", "--perturb", "char_noise:0.3")
    _, id = SHOWN.findall(program(*words, COLUMNS="200").out)[0]
    short, whole = (program(*words, "--id", given, COLUMNS="200").out for given in (id, f"xquad/test/en/{id}"))
    assert set(SHOWN.findall(short)) == {("en", id), ("ar", id)}
    assert set(SHOWN.findall(whole)) == {("en", id)}
    unknown = program(*words, "--id", f"{id}0")
    assert unknown.code == 2
    assert f"'{id}'" in unknown.err


def test_every_answer_that_is_shown_was_scored(run: Run) -> None:
    """Of questions it is the column `answer`."""
    rows = run.chosen().filter(task="xquad")
    (part,) = samples_part({"": run.folder}, run.results)
    facts = [dict(each.facts) for each in samples(part.blocks) if task_of(each) == "xquad"]
    sides = [text_of(each["answer"]).partition(" → ") for each in facts]
    shown = [
        tuple(re.split(r" \(in the |; gold: ", side)[0][:30] for side in (noisy, clean)) for clean, _, noisy in sides
    ]
    scored = rows.select(pl.col("answer", "answer_clean").fill_null("none").str.head(30)).rows()
    assert sorted(shown) == sorted(scored)


def test_titles_tell_draws_from_losses(run: Run) -> None:
    """Each example of the page is one or the other."""
    rows = run.chosen()
    (part,) = samples_part({"": run.folder}, run.results)
    titles = [text_of(each.title) for each in samples(part.blocks)]
    assert sum(title.endswith(", drawn at random") for title in titles) == rows.filter("drawn").height > 0
    assert sum(title.endswith(", among the largest losses") for title in titles) == rows.filter(~pl.col("drawn")).height


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("--tasks", "xnlo"), "'xnli'"),
        (("--languages", "sw"), "'sw'"),
        (("--perturb", "ocr_noise"), "ocr_noise"),
        (("--became", "wrongly"), "--became"),
        (("--id", "none"), "'none'"),
        (("--limit", "0"), "--limit"),
    ],
)
def test_a_wrong_option_is_one_line(run: Run, words: tuple[str, ...], what: str) -> None:
    """It names the value, and what was meant."""
    ended = program("examples", str(run.folder), *words)
    assert ended.code == 2
    assert what in ended.err
    assert len(ended.err.splitlines()) == 1


def test_a_folder_without_a_run_is_one_line(tmp_path: Path) -> None:
    """It says which file is missing."""
    ended = program("examples", str(tmp_path))
    assert (ended.code, len(ended.err.splitlines())) == (2, 1)
    assert "manifest.json" in ended.err
