"""`eval --external`: noisy examples of others; our own noise, read back, gives the numbers of a direct run."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import polars as pl
import pytest
from tests.mini_suite import mini_rows
from tests.program import program
from tests.some import some
from tests.stats_rows import deltas, scores

from robust_xtreme.core import registry, resources
from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.files.schema import CELL
from robust_xtreme.report.evaluation import Evaluation
from robust_xtreme.run.finish import models
from robust_xtreme.run.manifest import new_manifest
from robust_xtreme.run.plan import make_plan
from robust_xtreme.run.run import evaluate

_NOISE: Final = "char_noise:0.2"
_NUMBERS: Final = ("value", "clean", "drop", "se", "low", "high", "p")
_ROWS: Final = 66


def _rows(task: str) -> list[dict[str, Any]]:
    """The first rows of a task of the embedded suite."""
    return mini_rows(f"{task}/test-en.jsonl")[:_ROWS]


def _release(folder: Path) -> Path:
    """Rows of the embedded suite as release files: without ids, paired by row."""
    for name in ("xnli", "panx"):
        (folder / name).mkdir(parents=True)
    pairs = ["\t".join((row["premise"], row["hypothesis"], row["label"])) for row in _rows("xnli")]
    (folder / "xnli" / "test-en.tsv").write_text("\n".join(pairs) + "\n", encoding="utf-8")
    sentences = [zip(row["tokens"], row["tags"], strict=True) for row in _rows("panx")]
    lines = ["".join(f"{word}\t{tag}\n" for word, tag in sentence) for sentence in sentences]
    (folder / "panx" / "test-en.tsv").write_text("\n".join(lines), encoding="utf-8")
    return folder


def _perturbed(clean: Path, task: str, noisy: Path, *more: str, noise: str = _NOISE) -> Path:
    """The file with noise, as `perturb` writes it."""
    noisy.parent.mkdir(parents=True, exist_ok=True)
    words = ("--tasks", task, "--languages", "en", "--perturb", noise, "-o", str(noisy), "-q", *more)
    assert program("perturb", str(clean), *words).code == 0
    return noisy


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Release files in `data`, and what `perturb` makes of them in `noisy`."""
    made = tmp_path_factory.mktemp("external")
    data = _release(made / "data")
    for name in ("xnli/test-en.tsv", "panx/test-en.tsv"):
        _perturbed(data / name, name.partition("/")[0], made / "noisy" / name)
    return made


@pytest.fixture(scope="module")
def run(folder: Path) -> Callable[..., Evaluation]:
    """Runs of the embedded model, which share a cache."""

    def started(out: str, **keys: Any) -> Evaluation:
        given = {"data": str(folder / "data"), "languages": ("en",), "perturb": (_NOISE,), "out": str(folder / out)}
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("ROBUST_XTREME_CACHE", str(folder / "cache"))
            return evaluate(RunSpec(("mini",), **{**given, **keys}))

    return started


def _cells(frame: pl.DataFrame, condition: str) -> dict[tuple[str, ...], list[Any]]:
    """The numbers of each task, metric and scope under a condition."""
    rows = frame.filter(pl.col("condition").str.starts_with(condition), pl.col("scope") == "all")
    return {(row["task"], row["metric"]): [row[name] for name in _NUMBERS] for row in rows.iter_rows(named=True)}


@pytest.fixture(scope="module")
def whole(run: Callable[..., Evaluation], folder: Path) -> Evaluation:
    """The direct run of both tasks, with the set beside it."""
    return run(
        "whole", tasks=("xnli", "panx"), external=(f"typos={folder / 'noisy'}",), match=("char_noise", "keyboard_typo")
    )


def test_noise_read_back_by_row_gives_the_direct_numbers(whole: Evaluation) -> None:
    """Of sentence pairs and of tagged words, with matched noise beside."""
    direct = _cells(whole.deltas, "char_noise:")
    assert {task for task, _ in direct} == {"xnli", "panx"}
    assert _cells(whole.deltas, "external:typos") == direct
    assert direct["xnli", "accuracy"][2] > 10
    assert set(whole.scores.get_column("split")) == {"test", "test [typos]"}


@pytest.mark.long
def test_noise_read_back_alone_gives_the_direct_numbers(
    whole: Evaluation, run: Callable[..., Evaluation], folder: Path
) -> None:
    """A run of the set alone has its numbers, and says how it is paired; the clean rows have the split of the set."""
    direct = _cells(whole.deltas, "char_noise:")
    alone = run("alone", tasks=("xnli", "panx"), perturb=(), external=(f"typos={folder / 'noisy'}",))
    assert _cells(alone.deltas, "external:typos") == direct
    rows = pl.read_csv(alone.folder / "conditions.csv").filter(pl.col("kind") == "external")
    assert rows.select("condition", "name", "pairing", "edited_share").rows() == [
        ("external:typos", "typos", "row", None)
    ]
    assert set(alone.scores.get_column("split")) == {"test [typos]"}


def test_matched_noise_edits_as_much(whole: Evaluation) -> None:
    """Of other noise about as many characters of the same items are edited as in the set."""
    rates = {
        (row["task"], row["condition"]): row["grapheme_edit_rate"]
        for row in whole.deltas.filter(pl.col("split") == "test [typos]").iter_rows(named=True)
    }
    for task in ("xnli", "panx"):
        for name in ("char_noise", "keyboard_typo"):
            assert rates[task, f"{name}@matched=typos"] == pytest.approx(rates[task, "external:typos"], rel=0.15)
    rows = pl.read_csv(whole.folder / "conditions.csv").filter(pl.col("condition") == "keyboard_typo@matched=typos")
    assert json.loads(rows["params"][0]) == {"matched": "typos"}


def test_matched_noise_without_a_meaning_in_a_task_is_named(folder: Path) -> None:
    """One line for the task, however many languages it has; other tasks have the noise."""
    spec = RunSpec(
        ("mini",),
        data=str(folder / "data"),
        tasks=("xnli", "panx"),
        languages=("en",),
        external=(f"typos={folder / 'noisy'}",),
        match=("spacing",),
    )
    plan = make_plan(spec)
    (left,) = (cell for cell in plan.not_run if "match" in cell.detail)
    assert left.detail == "panx: spacing has no meaning in tagging: the match spacing is not drawn beside typos."
    assert (left.task, left.split, left.condition) == ("panx", "test [typos]", "spacing@matched=typos")
    assert [run.task.name for run in plan.task_runs if left.condition in [cell.name for cell in run.conditions]] == [
        "xnli"
    ]


def test_the_report_has_the_pairs(whole: Evaluation) -> None:
    """How many there are, how they were made, and what was done to them."""
    page = (whole.folder / "report.md").read_text(encoding="utf-8")
    view = page.partition("## Noisy sets beside the clean split")[2].partition("\n## ")[0]
    assert f"| en | external:typos | {_ROWS} (100.0 %) | row | 0 / 0 |" in view
    assert "| en | keyboard_typo@matched=typos |" in view
    assert f"{_ROWS} pairs by row" in page


def test_a_set_is_beside_matched_noise_in_the_part_of_its_language(whole: Evaluation) -> None:
    """And the page says how it is paired."""
    text = (whole.folder / "report.html").read_text(encoding="utf-8")
    part = text.partition('id="en"')[2].partition('id="examples"')[0]
    table = part.partition("Noisy sets beside the clean split")[2].partition("</table>")[0]
    named = ["char_noise@matched=typos", "external:typos", "keyboard_typo@matched=typos"]
    assert re.findall(r">([^<>]*typos)<", table) == named * 2  # of two tasks
    table = text.partition('id="conditions"')[2].partition("</table>")[0]
    assert all(name in table for name in named)


def test_noise_read_back_by_alignment_gives_the_direct_numbers(
    whole: Evaluation, run: Callable[..., Evaluation], folder: Path
) -> None:
    """A set without some rows gives the numbers of the direct run on the other rows; matched noise changes none."""
    lines = (folder / "noisy" / "xnli" / "test-en.tsv").read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [number for number in range(_ROWS) if number % 9 != 4]
    shorter = folder / "shorter.tsv"
    shorter.write_text("".join(lines[number] for number in kept), encoding="utf-8")
    ids = [f"xnli/test/en/{number}" for number in kept]
    direct = whole.stats.filter(pl.col("split") == "test", pl.col("task") == "xnli", pl.col("example").is_in(ids))
    predicted = whole.predictions.filter(
        pl.col("split") == "test", pl.col("task") == "xnli", pl.col("example").is_in(ids)
    )
    expected = deltas(direct, scores(direct, predicted), {"xnli": registry.load("task", "xnli").metrics[0]})
    made = run("shorter", tasks=("xnli",), perturb=(), external=(f"fewer={shorter}",), match=("keyboard_typo",))
    assert _cells(made.deltas, "external:fewer") == _cells(expected, "char_noise:")
    (unit,) = (entry["external"] for entry in made.manifest["units"])
    clean = made.scores.filter(pl.col("condition") == "clean", pl.col("scope") == "all")
    assert set(clean.select("split", "n").rows()) == {("test [fewer]", len(kept))}
    assert (unit["pairing"], unit["pairs"], unit["clean_left"], unit["edited_only"]) == (
        "alignment",
        len(kept),
        7,
        True,
    )
    row = pl.read_csv(made.folder / "conditions.csv").filter(pl.col("kind") == "external").row(0, named=True)
    assert row["edited_share"] == len(kept) / _ROWS
    assert "edited items" in (made.folder / "report.md").read_text(encoding="utf-8")


def test_the_clean_split_is_computed_whole_where_something_else_is_asked_for(folder: Path, tmp_path: Path) -> None:
    """For noise, and of a language that a set does not have; else of its partners, whose overlap stays marked."""
    lines = (folder / "noisy" / "xnli" / "test-en.tsv").read_text(encoding="utf-8").splitlines(keepends=True)
    fewer = tmp_path / "test_en_typos.tsv"
    fewer.write_text("".join(lines[:60]), encoding="utf-8")
    (tmp_path / "xnli").mkdir()
    for code in ("en", "de"):
        (tmp_path / "xnli" / f"test-{code}.tsv").write_bytes((folder / "data" / "xnli" / "test-en.tsv").read_bytes())
    alone = RunSpec(
        ("mini",), data=str(tmp_path), tasks=("xnli",), languages=("en", "de"), external=(f"fewer={fewer}",)
    )
    rows = [
        [(run.language, run.split, run.rows) for run in make_plan(spec).task_runs]
        for spec in (alone, replace(alone, perturb=(_NOISE,)))
    ]
    of_set, en, de = ("en", "test [fewer]", 60), ("en", "test", _ROWS), ("de", "test", _ROWS)
    assert rows == [[of_set, de], [en, of_set, de]]
    plan = make_plan(replace(alone, languages=("en",)))
    seen = replace(plan, task_runs=tuple(replace(run, overlap="was trained on it") for run in plan.task_runs))
    assert models(seen)["overlap_flags"].to_list() == ['["xnli/test/en"]']
    assert new_manifest(seen, "cpu", 1, deduplicate=True)["overlap"] == ["was trained on it"]


def test_hypotheses_that_a_typo_makes_alike_are_paired_and_a_relabelled_row_is_left_out(tmp_path: Path) -> None:
    """A published file without the rows that it did not edit: its rows have the clean ones with their labels."""
    labels = {"Er bedarf einer": "neutral", "Er bedarf keiner": "contradiction", "Er ist unklar, mangels": "entailment"}
    names = ("von Genf", "der Stadt", "mit Anna", "aus dem Jahr 1998", "zur See", "über Kohle")
    clean = [f"Der Vertrag {name} ist unklar.\t{it} Erklärung.\t{labels[it]}" for name in names for it in labels]
    rows = [f"'Der Vertrg {name} ist unklar.'\t'Er bedarf einer Erklärung.'\t2" for name in names]
    (tmp_path / "xnli").mkdir()
    (tmp_path / "xnli" / "test-de.tsv").write_text("\n".join(clean) + "\n", encoding="utf-8")
    path = tmp_path / "test_de_typos_0.1.tsv"
    path.write_text("\n".join(["premise\thypothesis\tlabel", *rows, rows[5].replace("\t2", "\t0")]), encoding="utf-8")
    words = ("--tasks", "xnli", "--languages", "de", "--data", str(tmp_path), "--external", f"typos={path}")
    refused = program("eval", *words, "--plan")
    assert (refused.code, len(refused.err.splitlines())) == (2, 1)
    assert "0.1.tsv:8: " in refused.err
    assert "external_partial = true" in refused.err
    plan = make_plan(
        RunSpec(("mini",), data=str(tmp_path), tasks=("xnli",), external=(f"typos={path}",), external_partial=True)
    )
    (run,) = plan.task_runs
    assert run.external
    assert [clean for clean, _ in run.external.pairing.pairs] == [*range(1, 18, 3)]
    assert "12 clean and 1 noisy items have no partner (1 noisy one refused; the first has the label" in run.note


@pytest.mark.parametrize(
    ("fields", "noise", "match"),
    some(
        [
            ("question", _NOISE, ("char_noise",)),
            ("context", _NOISE, ()),
            ("question,context", f"spacing:0.2+{_NOISE}", ("char_noise",)),
        ],
        1,
    ),
)
def test_noise_read_back_by_id_gives_the_direct_numbers(
    run: Callable[..., Evaluation], folder: Path, fields: str, noise: str, match: tuple[str, ...]
) -> None:
    """Of questions and of contexts, whose answers move and are mapped back by the edits in the file; with a limit."""
    clean = resources.mini("suite") / "xquad" / "test-en.jsonl.gz"
    noisy = _perturbed(clean, "xquad", folder / f"{fields}.jsonl", "--fields", fields, noise=noise)
    made = run(
        fields,
        data="mini",
        tasks=("xquad",),
        perturb=(f"{noise}@fields={fields}",),
        external=(f"mine={noisy}",),
        match=match,
        limit="80",
    )
    direct = _cells(made.deltas.filter(pl.col("split") == "test"), "")
    assert len(direct) == 4
    assert all(drop > 10 for _, _, drop, *_ in direct.values())
    assert _cells(made.deltas, "external:mine") == direct
    assert "mine" in set(made.manifest["spec"]["external"])
    keys = made.deltas.filter(pl.col("condition") == "external:mine").select(CELL)
    assert set(keys.get_column("split")) == {"test [mine]"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("shuffled", "which is"),
        ("relabelled", "test-en.tsv:4: "),
        ("half", "33 of 66"),
        ("other", "has the label"),
        ("empty", "no examples"),
        ("torn", "test-en.tsv:2: "),
    ],
)
def test_what_is_not_the_same_set_is_refused(folder: Path, tmp_path: Path, change: str, message: str) -> None:
    """In one line that names the row."""
    lines = (folder / "noisy" / "xnli" / "test-en.tsv").read_text(encoding="utf-8").splitlines(keepends=True)
    label = lines[3].rsplit("\t", 1)[1]
    changed = {
        "shuffled": random.Random(0).sample(lines, len(lines)),
        "relabelled": [*lines[:3], lines[3].replace(label, "neutral\n"), *lines[4:]],
        "half": lines[:33],
        "other": [*lines[:3], lines[3].replace(label, "neutral\n"), *lines[4:-1]],
        "empty": [],
        "torn": [lines[0], "torn\n", *lines[2:]],
    }[change]
    (tmp_path / "xnli").mkdir()
    (tmp_path / "xnli" / "test-en.tsv").write_text("".join(changed), encoding="utf-8")
    words = ("--tasks", "xnli", "--languages", "en", "--data", str(folder / "data"), "--plan")
    ended = program("eval", *words, "--external", f"typos={tmp_path}")
    assert (ended.code, message in ended.err, len(ended.err.splitlines())) == (2, True, 1), ended.err


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ('external = ["typos"]', "NAME=PATH"),
        ('external = ["0=a"]', "NAME=PATH"),
        ('external = ["a=x", "a=y"]', "twice"),
        ('external = ["a=/no/such"]', "/no/such"),
        ("external_partial = true", "external_partial"),
        ('match = ["natural"]', "--external NAME=PATH"),
        ('external = ["a=."]\nmatch = ["natural:0.1"]', "'natural:0.1'"),
        ('external = ["a=."]\nmatch = ["typo"]', "'typo'"),
        ('representation = "cls:1"', "--tasks tatoeba"),
    ],
)
def test_a_misused_key_is_one_line(tmp_path: Path, keys: str, message: str) -> None:
    """With the value and the cure."""
    (tmp_path / "keys.toml").write_text(keys)
    ended = program("eval", "--tasks", "xnli", "--languages", "en", "--plan", "--config", str(tmp_path / "keys.toml"))
    assert (ended.code, message in ended.err, len(ended.err.splitlines())) == (2, True, 1), ended.err


def test_a_folder_without_a_file_of_the_run_is_refused(tmp_path: Path) -> None:
    """It would be a run without its set."""
    ended = program("eval", "--tasks", "xnli", "--languages", "en", "--plan", "--external", f"a={tmp_path}")
    assert (ended.code, "no file" in ended.err) == (2, True)
