"""`import` and `from_frame`: predictions and scores of others become a run that reports, comparisons and gates read."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd  # type: ignore[import-untyped]  # it has no types here
import polars as pl
import pytest
from tests.imports import NOISE, imported, items, written
from tests.program import program
from tests.schemas import invalid

import robust_xtreme
from robust_xtreme.core.errors import UserError
from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.exchange.importing.items import KEYS
from robust_xtreme.files.manifest import IMPORTED, read_manifest
from robust_xtreme.report.document import finished
from robust_xtreme.run.run import evaluate


@pytest.fixture(scope="module")
def own_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Our run with every family, two noises and two seeds."""
    folder = tmp_path_factory.mktemp("own") / "run"
    perturb = ("char_noise:0.1", "keyboard_typo:0.1")
    tasks = ("xnli", "xcopa", "panx", "xquad", "tatoeba")
    evaluate(
        RunSpec(tasks=tasks, languages=("sw",), perturb=perturb, seeds=2, limit="40", out=str(folder)), cache=False
    )
    return folder


@pytest.mark.usefixtures("no_pages")
def test_predictions_are_scored_as_ours_and_paired(tmp_path: Path) -> None:
    """Accuracy, the drop and its interval are those of a hand computation by clusters; chance is the majority."""
    run = finished(imported(tmp_path, items()))
    (row,) = run.deltas.iter_rows(named=True)
    assert (row["metric"], row["clean"], row["value"], row["drop"]) == ("accuracy", 75.0, 50.0, 25.0)
    assert (row["n"], row["clusters"], row["family"] is not None) == (60, 30, True)
    lost = np.array([(2 * at < 45) * 1.0 + (2 * at + 1 < 45) - (2 * at < 30) - (2 * at + 1 < 30) for at in range(30)])
    left_out = (lost.sum() - lost) / 58
    jackknife = 100 * math.sqrt(29 / 30 * ((left_out - left_out.mean()) ** 2).sum())
    assert row["se"] == pytest.approx(jackknife, rel=1e-9)
    assert row["low"] < 25 < row["high"]
    clean = run.scores.filter(condition="clean").row(0, named=True)
    assert (clean["chance"], clean["chance_name"]) == (pytest.approx(100 / 3), "majority")


def test_what_is_not_known_of_the_noise_is_null(tmp_path: Path) -> None:
    """Neither edit rates nor tokens are made up, no claim is silenced by them, and every page shows the run."""
    folder = imported(tmp_path, items())
    run = finished(folder)
    for name in ("grapheme_edit_rate", "word_edit_rate", "unchanged", "inert", "truncated", "operators", "label_risk"):
        assert run.deltas.get_column(name).null_count() == run.deltas.height
    assert run.deltas.get_column("p_adjusted").null_count() == 0
    for name in ("page.html", "page.md", "page.tex", "cells.csv", "cells.json"):
        assert (program("report", str(folder), "-o", str(tmp_path / name)).code or 0) == 0
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert not re.search(r"\bnan\b", re.sub(r"base64,[\w+/=]+", "", page), re.IGNORECASE)
    assert "None" not in (tmp_path / "page.md").read_text(encoding="utf-8")


@pytest.mark.usefixtures("no_pages")
def test_what_is_known_of_the_noise_is_reported(tmp_path: Path) -> None:
    """A row may say what noise did; the cell has the means."""
    known = {"eligible": 10, "edits": 2, "operators": {"swap": 2}, "grapheme_edit_rate": 0.2, "word_edit_rate": 0.5}
    rows = [row | (known if row["condition"] == NOISE else {"edits": 0, "operators": {}}) for row in items()]
    (row,) = finished(imported(tmp_path, rows)).deltas.iter_rows(named=True)
    assert (row["grapheme_edit_rate"], row["word_edit_rate"], row["operators"]) == (
        pytest.approx(0.2),
        0.5,
        '{"swap": 120}',
    )
    assert (row["unchanged"], row["inert"], row["tokens_changed"]) == (0.0, None, None)


def test_noise_that_edits_nothing_claims_nothing(tmp_path: Path) -> None:
    """Rows that say so make a cell without a claim, as in our runs."""
    rows = [
        row | {"edits": 0, "operators": {}, "grapheme_edit_rate": 0.0} for row in items(right={"clean": 9, NOISE: 9})
    ]
    (row,) = finished(imported(tmp_path, rows)).deltas.iter_rows(named=True)
    assert (row["unchanged"], row["p"], row["p_adjusted"]) == (1.0, None, None)


@pytest.mark.usefixtures("no_pages")
def test_scores_are_taken_as_they_are(tmp_path: Path) -> None:
    """By their names, the first or the one of --metric as the headline; a single one is called score."""
    rows = [
        {"id": f"q{number}", "condition": name, "task": "summaries", "language": "hi",
         "scores": {"rouge": (number % 4) / 4, "judge": number % 2 == 0 if name == "clean" else number % 4 == 0}}
        for name in ("clean", "asr") for number in range(40)
    ]  # fmt: skip
    run = finished(imported(tmp_path, rows, "--metric", "given/judge"))
    drops = {row["metric"]: row["drop"] for row in run.deltas.iter_rows(named=True)}
    assert drops == {"given/rouge": 0.0, "given/judge": 25.0}
    assert run.manifest["tasks"]["summaries"]["metrics"] == ["given/judge", "given/rouge"]
    assert run.conditions.filter(condition="asr").row(0, named=True)["kind"] == "external"


@pytest.mark.usefixtures("no_pages")
@pytest.mark.parametrize(
    ("task", "answers", "expected"),
    [
        ("panx", (["B-LOC", "O"], ["B-LOC", "O"], ["O", "O"]), {"span_f1": 100.0, "token_accuracy": 50.0}),
        ("xquad", (["the red house", "red"], "red house", "green"), {"squad_f1": 100.0, "squad_em": 100.0}),
        ("tatoeba", (["d1"], ["d1", "d2"], ["d2", "d1"]), {"retrieval_accuracy": 100.0, "map_at_20": 50.0}),
        ("xcopa", (1, 1, 0), {"accuracy": 100.0}),
    ],
)
def test_each_family_is_scored(tmp_path: Path, task: str, answers: tuple[Any, ...], expected: dict[str, float]) -> None:
    """Tags, texts of answers, ids of documents and choices give the metrics of our task: drops of a known size."""
    gold, good, bad = answers
    rows = [
        {"id": number, "condition": name, "task": task, "language": "sw", "gold": gold, "prediction": answer}
        for name, answer in (("clean", good), (NOISE, bad))
        for number in range(25)
    ]
    drops = {row["metric"]: row["drop"] for row in finished(imported(tmp_path, rows)).deltas.iter_rows(named=True)}
    assert {name: drops[name] for name in expected} == expected


@pytest.mark.usefixtures("no_pages")
def test_a_task_of_others_is_scored_by_its_labels(tmp_path: Path) -> None:
    """Strings are labels, numbers are choices; a family can be named."""
    rows = [row | {"task": "sentiment"} for row in items()]
    assert finished(imported(tmp_path, rows)).deltas.get_column("drop").to_list() == [25.0]
    texts = [row | {"task": "answers", "gold": [row["gold"]]} for row in items()]
    run = finished(imported(tmp_path, texts, "--family", "span_qa", "--force"))
    assert set(run.deltas.get_column("metric")) == {"squad_f1", "squad_em"}


@pytest.mark.usefixtures("no_pages")
def test_unparsed_answers_count_as_wrong_and_are_counted(tmp_path: Path) -> None:
    """A prediction that is null is wrong; the report says how many there are in each cell."""
    rows = [row | ({"prediction": None} if row["id"] in (0, 1) else {}) for row in items()]
    run = finished(imported(tmp_path, rows))
    assert run.deltas.item(0, "clean") == pytest.approx(100 * 43 / 60)
    assert (
        f"xnli/sw {NOISE}: no prediction was found in 2 of 60 answers, which count as no answer."
        in run.manifest["notes"]
    )
    statuses = robust_xtreme.load(tmp_path / "run").predictions.get_column("status").value_counts()
    assert dict(statuses.iter_rows()) == {"ok": 116, "unparsed": 4}


@pytest.mark.usefixtures("no_pages")
def test_ids_without_clusters_are_the_same_item_in_every_language(tmp_path: Path) -> None:
    """The id is the cluster, so that averages over languages resample items jointly."""
    rows = [row | {"cluster": None, "language": code} for code in ("sw", "de") for row in items()]
    run = finished(imported(tmp_path, rows))
    average = run.averages.filter(kind="languages").row(0, named=True)
    assert (average["languages"], average["clusters"], average["n"]) == ("de sw", 60, 120)


@pytest.mark.usefixtures("no_pages")
def test_known_ids_have_our_golds_and_clusters(own_run: Path, tmp_path: Path) -> None:
    """With the data of eval the gold may be left out, and the data are those of our run on the same items."""
    ours = robust_xtreme.load(own_run).predictions.filter(task="xnli")
    rows = [
        {"id": row["example"], "prediction": int(row["prediction"]), "condition": row["condition"], "task": "xnli",
         "language": "sw", "noise_seed": row["noise_seed"]}
        for row in ours.iter_rows(named=True)
    ]  # fmt: skip
    theirs = finished(imported(tmp_path, rows, "--data", "mini", "--split", "test"))
    evaluated = finished(own_run)
    same = ("clean", "value", "drop", "se", "low", "high", "p", "data", "clusters", "chance", "above_chance")
    assert theirs.deltas.select(same).equals(evaluated.deltas.filter(task="xnli").select(same))
    of_mini = ("--data", "mini", "--split", "test", "-o", str(tmp_path / "no"))
    golds = {row["example"]: int(row["gold"]) for row in ours.iter_rows(named=True)}
    other = [row | {"gold": (golds[row["id"]] + 1) % 3} for row in rows]
    ended = program("import", written(tmp_path / "wrong.jsonl", other), *of_mini)
    assert (ended.code, "--data" in ended.err) == (2, True)
    unknown = written(tmp_path / "unknown.jsonl", [row | {"id": f"{row['id']}x"} for row in rows])
    ended = program("import", unknown, *of_mini)
    assert (ended.code, "--data" in ended.err) == (2, True)


def test_our_own_run_comes_back_the_same(own_run: Path, tmp_path: Path) -> None:
    """Exported as JSON lines and imported, SCORES, DELTAS and AVERAGES have the same bytes, under another name too."""
    lines = tmp_path / "items.jsonl"
    assert program("export", str(own_run), "--jsonl", "-o", str(lines)).out == f"{lines}\n"
    assert (program("import", str(lines), "-o", str(tmp_path / "back"), "-q").code or 0) == 0
    for name in ("scores.csv", "deltas.csv", "averages.csv", "conditions.csv"):
        assert (tmp_path / "back" / name).read_bytes() == (own_run / name).read_bytes()
    for name in ("predictions", "stats"):
        pair = [getattr(robust_xtreme.load(folder), name) for folder in (tmp_path / "back", own_run)]
        assert pair[0].equals(pair[1])


def test_records_of_our_own_run_are_valid_and_come_back_the_same(own_run: Path, tmp_path: Path) -> None:
    """Of every family, with constants and shallow predictors: by the schemas of Every Eval Ever, and byte by byte.

    A level has the interval of SCORES, and among its details the drop of DELTAS.
    """
    ended = program("export", str(own_run), "--every-eval-ever", "-o", str(tmp_path / "records"))
    made = [Path(line) for line in ended.out.splitlines()]
    assert len(made) == 3
    assert not [what for path in made for what in invalid(path)]
    levels = [level for path in made for level in json.loads(path.read_text("utf-8"))["evaluation_results"]]
    run = finished(own_run)
    scores, deltas = run.scores.filter(scope="all"), run.deltas.filter(scope="all")
    assert sorted(each["score_details"]["score"] for each in levels) == sorted(scores["value"])
    intervals = [each["score_details"]["uncertainty"].get("confidence_interval") for each in levels]
    bounds = [(each["lower"], each["upper"]) for each in intervals if each]
    assert sorted(bounds) == sorted(scores.select("low", "high").drop_nulls().rows())
    drops = [float(each["score_details"]["details"].get("drop", "nan")) for each in levels]
    assert sorted(each for each in drops if not math.isnan(each)) == sorted(deltas["drop"])
    assert (program("import", str(tmp_path / "records"), "-o", str(tmp_path / "back"), "-q").code or 0) == 0
    for name in ("scores.csv", "deltas.csv", "averages.csv", "conditions.csv"):
        assert (tmp_path / "back" / name).read_bytes() == (own_run / name).read_bytes()
    for name in ("predictions", "stats"):
        pair = [getattr(robust_xtreme.load(folder), name) for folder in (tmp_path / "back", own_run)]
        assert pair[0].equals(pair[1])


@pytest.mark.usefixtures("no_pages")
def test_predictions_of_our_own_run_are_scored_alike(own_run: Path, tmp_path: Path) -> None:
    """Labels and tags without their sums give the sums again."""
    lines = tmp_path / "items.jsonl"
    program("export", str(own_run), "--jsonl", "-o", str(lines))
    rows = [json.loads(line) for line in lines.read_text(encoding="utf-8").splitlines()]
    kept = [row for row in rows if row["task"] in ("xnli", "panx", "xcopa") and "prediction" in row]
    bare = [{name: value for name, value in row.items() if name != "sums"} for row in kept]
    run, whole = finished(imported(tmp_path, bare)), finished(own_run)
    columns = ("task", "condition", "metric", "clean", "value", "drop", "se", "low", "high", "p")
    ours = whole.deltas.filter(pl.col("task").is_in(["xnli", "panx", "xcopa"]), scope="all").select(columns)
    assert run.deltas.select(columns).equals(ours)


@pytest.mark.usefixtures("no_pages")
def test_frames_of_polars_and_pandas_give_the_run_of_the_file(tmp_path: Path) -> None:
    """Columns are keys, or are named; values that pandas does not have are null."""
    rows = items()
    frame = pl.DataFrame(rows).rename({"prediction": "answer"})
    columns = {"prediction": "answer"}
    polars_run = robust_xtreme.from_frame(frame, tmp_path / "one", columns=columns)
    pandas_run = robust_xtreme.from_frame(frame.to_pandas(), tmp_path / "two", columns=columns)
    file = finished(imported(tmp_path, rows))
    assert polars_run.deltas.equals(pandas_run.deltas)
    assert polars_run.deltas.equals(file.deltas)
    assert robust_xtreme.compare(polars_run, pandas_run).frame.get_column("difference").to_list() == [0.0] * 3
    with pytest.raises(UserError, match="polars or pandas"):
        robust_xtreme.from_frame(rows, tmp_path / "three")
    lost = pd.DataFrame([row | {"score": math.nan} for row in rows]).drop(columns=["prediction", "gold"])
    with pytest.raises(UserError, match="neither a score"):
        robust_xtreme.from_frame(lost, tmp_path / "three")


def test_runs_are_compared_gated_and_exported(tmp_path: Path) -> None:
    """An imported run is a run: `compare`, `gate`, `baseline` and the card read it; it has no texts to show."""
    before = imported(tmp_path, items()).rename(tmp_path / "before")
    after = imported(tmp_path, items(right={"clean": 45, NOISE: 5}), "--model", "new")
    ended = program("gate", str(after), "--baseline", str(before))
    assert ended.code == 1
    assert "regressed" in ended.out
    assert program("compare", str(before), str(after)).code in (0, None)
    assert program("export", str(after), "--model-card", "-o", str(tmp_path / "card.md")).code in (0, None)
    ended = program("examples", str(after))
    assert (ended.code, "imported run" in ended.err) == (2, True)


@pytest.mark.usefixtures("no_pages")
def test_backslashes_and_letters_of_keys_are_read_as_they_are(tmp_path: Path) -> None:
    """A right answer with a backslash in a list is right; a key may have any letters, also written as escapes."""
    rows = [
        {"id": number, "task": "xquad", "language": "de", "condition": name, "größe": f"c{number // 4}",
         "gold": ["\\frac{1}{2}", 'a "b" \\n'], "prediction": "\\frac{1}{2}"}
        for name in ("clean", "asr") for number in range(80)
    ]  # fmt: skip
    for is_ascii in (True, False):
        text = "".join(json.dumps(row, ensure_ascii=is_ascii) + "\n" for row in rows)
        (tmp_path / "rows.jsonl").write_text(f"\ufeff{text}", encoding="utf-8")
        words = ("--cluster-field", "größe", "--force", "-o", str(tmp_path / "run"))
        assert program("import", str(tmp_path / "rows.jsonl"), *words).code in (0, None)
        em = finished(tmp_path / "run").scores.filter(metric="squad_em")
        assert em.select("value", "clusters").rows() == [(100.0, 20)] * 2


def test_whole_numbers_of_pandas_stay_whole(tmp_path: Path) -> None:
    """Where one is missing pandas has floats: 1.0 is the choice 1, and a clean row has no seed."""
    answers = {"prediction": [1, None, 0, 1] * 2, "gold": [1, 0, 0, 1] * 2, "noise_seed": [None] * 4 + [0] * 4}
    frame = pd.DataFrame({"id": list("0123") * 2, "condition": ["clean"] * 4 + ["asr"] * 4, **answers})
    run = robust_xtreme.from_frame(frame, tmp_path / "run", task="own", language="sw")
    assert run.scores.get_column("value").to_list() == [75.0, 75.0]


@pytest.mark.usefixtures("no_pages")
def test_what_is_beside_a_run_is_not_touched(tmp_path: Path) -> None:
    """Neither a folder nor a link with the name that an import uses; what a killed one left is mended."""
    folder, beside = imported(tmp_path, items()), tmp_path / ".run.importing"
    file = str(tmp_path / "rows.jsonl")
    (mine := tmp_path / "mine").mkdir()
    (mine / "file").write_text("mine")
    beside.symlink_to(mine)
    assert "not what this" in program("import", file, "-o", str(folder), "--force").err
    beside.unlink()
    beside.mkdir()
    (beside / "file").write_text("mine")
    assert "not what this" in program("import", file, "-o", str(folder), "--force").err
    (beside / "file").unlink()
    folder.rename(beside / "before")  # as a process that was killed between the two renames
    (beside / "run").mkdir()
    assert "--force" in program("import", file, "-o", str(folder)).err
    assert (folder / "scores.csv").is_file()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "rows.jsonl", "run"]


@pytest.mark.usefixtures("no_pages")
def test_an_imported_run_is_replaced_on_request_alone(tmp_path: Path) -> None:
    """Without --force it stays; with it nothing but an imported run is replaced; no step leaves other files."""
    folder = imported(tmp_path, items())
    before = read_manifest(folder / "manifest.json")
    again = written(tmp_path / "rows.jsonl", items(right={"clean": 1, NOISE: 1}))
    assert program("import", again, "-o", str(folder)).code == 2
    assert read_manifest(folder / "manifest.json") == before
    assert program("import", again, "-o", str(folder), "--force").code in (0, None)
    assert read_manifest(folder / "manifest.json")[IMPORTED] != before[IMPORTED]
    (folder / "mine.txt").write_text("mine")
    assert program("import", again, "-o", str(folder), "--force").code == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["rows.jsonl", "run"]


@pytest.mark.usefixtures("no_pages")
def test_the_page_of_the_manual_is_right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its lines are read, its frame is imported, and its table names keys that exist."""
    text = (Path(__file__).parents[3] / "docs" / "how-to" / "import.md").read_text(encoding="utf-8")
    blocks = {kind: [part.split("```")[0] for part in text.split(f"```{kind}\n")[1:]] for kind in ("json", "python")}
    monkeypatch.chdir(tmp_path)
    run = finished(imported(tmp_path, map(json.loads, blocks["json"][0].splitlines())))
    assert run.deltas.select("condition", "clean", "value").row(0) == ("keyboard_typo:0.1", 100.0, 0.0)
    names: dict[str, Any] = {}
    exec(blocks["python"][0], names)
    assert names["run"].deltas.select("condition", "drop").row(0) == ("asr", 100.0)
    cells = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    assert set(re.findall(r"`(\w+)`", "".join(cells))) <= {*KEYS}
