"""`make real`: its plan is sound, finished stages are skipped, and what is finished becomes a page."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from tools.real import __main__ as real
from tools.real import keep, learned, page, tables
from tools.real.stages import CONFIGS, EVAL, FIGURES, FINISHED, KEEP, ROOT, TRAIN, Asked, Stage, stages

from robust_xtreme import api
from robust_xtreme.core.run_spec import from_toml
from robust_xtreme.files import store
from robust_xtreme.files.schema import DELTAS
from robust_xtreme.training.values import spec_of

LINES = 40


def _plan(tmp_path: Path, *, full: bool = False) -> tuple[Stage, ...]:
    return stages(Asked(tmp_path / "release", out=tmp_path / "real", full=full))


@pytest.mark.parametrize("path", sorted((CONFIGS / "train").glob("*.toml")), ids=lambda path: path.stem)
def test_a_recipe_of_training_is_read(path: Path, tmp_path: Path) -> None:
    """It begins with its command, drops what evaluated splits contain, and names steps or epochs and a rate."""
    first = path.read_text("utf-8").splitlines()[0]
    assert first.startswith(f"# robust-xtreme train {path.relative_to(ROOT)}")
    spec = spec_of(str(path), {"data": "mini", "from": str(tmp_path)}, lambda *_: None)
    assert spec.overlap == "drop"
    assert all(stage.lr and (stage.steps or stage.epochs) for _, stage in spec.stages)


@pytest.mark.parametrize(
    "path", sorted(CONFIGS.glob("[ef]*/*.toml")), ids=lambda path: f"{path.parent.name}-{path.stem}"
)
def test_a_recipe_of_evaluation_is_read(path: Path, tmp_path: Path) -> None:
    """It begins with its command, and has tasks and noise; the whole grid has no limit."""
    first = path.read_text("utf-8").splitlines()[0]
    assert first.startswith(f"# robust-xtreme eval --config {path.relative_to(ROOT)}")
    spec = from_toml(path, model=("mini",), data=str(tmp_path))
    assert spec.tasks
    assert spec.perturb
    assert not (spec.limit and path.parent.name == "full")


def test_the_whole_grid_has_every_recipe(tmp_path: Path) -> None:
    """Every recipe is in one of the two plans; a test set of BUCC adds its own."""
    (tmp_path / "release" / "bucc2018").mkdir(parents=True)
    (tmp_path / "release" / "bucc2018" / "de-en.training.gold").touch()
    used = {stage.config for full in (False, True) for stage in _plan(tmp_path, full=full)}
    assert {*CONFIGS.glob("[eft]*/*.toml")} == used - {None}


def test_a_stage_is_chosen_with_what_it_needs(tmp_path: Path) -> None:
    """`--only` names a stage; an unknown one is refused."""
    assert [stage.name for stage in real.chosen(_plan(tmp_path), ["eval-masakhaner"])] == [
        "data",
        "panx-s0",
        "eval-masakhaner",
    ]
    with pytest.raises(SystemExit, match="panx"):
        real.chosen(_plan(tmp_path), ["panx"])


def _ran(stage: Stage) -> None:
    """Write what a finished stage leaves."""
    stage.folder.mkdir(parents=True, exist_ok=True)
    if stage.kind == TRAIN:
        store.write_json(stage.folder / "train.json", {})
        (stage.folder / "heads").mkdir(exist_ok=True)
    elif stage.kind == EVAL:
        store.write_json(stage.folder / "manifest.json", {"complete": True})
    elif stage.kind not in (FIGURES, KEEP):
        store.write_json(stage.folder / "real_data.json", {})


def test_finished_stages_are_skipped_and_others_continue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A stopped plan continues with the stage that was stopped; one whose recipe has changed is run again."""
    every = _plan(tmp_path)
    out, names, stop = tmp_path / "real", list[str](), "xnli"

    def run(stage: Stage, _: Path) -> int:
        names.append(stage.name)
        if stage.name == stop:
            return 130
        _ran(stage)
        return 0

    monkeypatch.setattr(real, "run", run)
    assert real.run_all(every, out) == 130
    assert "xnli: stopped. The same command continues." in capsys.readouterr().out
    stop = ""
    before = len(names)
    assert real.run_all(every, out) == 0
    assert names[before - 1] == names[before] == "xnli"
    assert len(names) == len(every) + 1
    names.clear()
    changed = [replace(stage, words=(*stage.words, "--seed", "9")) if stage.name == "qa" else stage for stage in every]
    assert real.run_all(changed, out) == 0
    assert names == ["qa", "gate", "coverage", "keep"]


def test_a_stage_that_fails_leaves_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What needs it is left out, the rest runs, and the exit code is its own."""
    every = real.chosen(_plan(tmp_path), ["eval-qa", "eval-xnli"])
    (tmp_path / "real" / "logs").mkdir(parents=True)
    (tmp_path / "real" / "logs" / "qa.log").write_text("$ command\nNo memory.\n", "utf-8")

    def run(stage: Stage, _: Path) -> int:
        _ran(stage)
        return 3 if stage.name == "qa" else 0

    monkeypatch.setattr(real, "run", run)
    assert real.run_all(every, tmp_path / "real") == 3
    said = capsys.readouterr().out
    assert "qa: ended with 3: No memory." in said
    assert "eval-qa: left out, needs qa" in said
    assert "eval-xnli: finished in" in said


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    """A folder of runs of which three are finished, all of them mini's."""
    out = tmp_path / "real"
    for name in ("eval-panx-s0", "eval-gate-s0"):
        shutil.copytree(ROOT / "reports" / "mini", out / name)
    record = {"digest": "", "command": "robust-xtreme eval", "needs": ["panx-s0"]}
    names = ("eval-panx-s0", "eval-gate-s0")
    store.write_json(out / FINISHED, dict.fromkeys(names, record) | {"panx-s0": {**record, "command": "train"}})
    (out / "data").mkdir()
    store.write_json(out / "data" / "real_data.json", {"training": [], "sources": {}})
    return out


def test_what_is_finished_becomes_pages(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Levels and drops are those of the run's frames; stages that are missing are named; pages are of the tables."""
    monkeypatch.setattr(keep, "joined", lambda *_: None)
    monkeypatch.setattr(tables, "_RESAMPLES", 40)
    folder = tmp_path / "reports"
    runs, missing = keep.write(finished, folder)
    assert [run.name for run in runs] == ["eval-panx-s0", "eval-gate-s0"]
    assert "eval-xnli" in missing
    assert [run.name for run in (folder / "runs").iterdir()] == ["eval-panx-s0"]
    commands = store.read_json(folder / "runs" / "eval-panx-s0" / "manifest.json")["commands"]
    assert commands == ["train", "robust-xtreme eval"]
    text, learnt = ((folder / name).read_text("utf-8") for name in ("details.md", "README.md"))
    deltas = pl.read_csv(ROOT / "reports" / "mini" / "deltas.csv").filter(task="panx", language="sw", metric="span_f1")
    row = deltas.filter(scope="all").row(0, named=True)
    levels = pl.read_csv(folder / "tables" / "levels.csv").filter(run="eval-panx-s0", task="panx", language="sw")
    assert levels.select("drop", "edits").row(0) == pytest.approx((row["drop"], row["grapheme_edit_rate"]), abs=1e-4)
    assert f"{row['clean']:.1f} | {-row['drop']:+.1f} [{-row['high']:+.1f}, {-row['low']:+.1f}]" in text
    assert "eval-xnli, " in text
    averages = pl.read_csv(ROOT / "reports" / "mini" / "averages.csv", infer_schema_length=None)
    mean = averages.filter(kind="languages", task="panx", metric="span_f1").row(0, named=True)
    change = f"{-mean['drop']:+.1f} [{-mean['high']:+.1f}, {-mean['low']:+.1f}]"
    assert f": `char_noise:0.1` {change}" in " ".join(learnt.split())


@pytest.mark.long
@pytest.mark.process
def test_runs_of_several_tasks_become_one_report(tmp_path: Path) -> None:
    """Their cells keep levels and drops; the page has no texts, and a page for each language is beside it."""
    out, folder = tmp_path / "real", tmp_path / "reports"
    runs = {name: str(out / f"eval-{name}") for name in ("panx-s0", "xnli")}
    for name, run in runs.items():
        task = name.partition("-")[0]
        api.evaluate(
            model="mini", tasks=[task], languages=["sw", "hi"], limit="12", perturb="char_noise:0.1", out=run,
            device="cpu", offline=True,
        )  # fmt: skip
    known = {f"eval-{name}": {"digest": "", "command": f"eval {name}", "needs": []} for name in runs}
    folder.mkdir()
    keep.joined(out, "eval", known, folder)
    key = ["task", "language", "condition", "metric", "scope"]
    deltas = pl.concat([store.read_frame(Path(run) / "deltas.csv", DELTAS) for run in runs.values()]).sort(key)
    ours = store.read_frame(folder / "deltas.csv", DELTAS).filter(pl.col("model") == keep.NAME).sort(key)
    assert ours.select(*key, "clean", "drop", "low", "high").equals(deltas.select(*key, "clean", "drop", "low", "high"))
    assert store.read_json(folder / "manifest.json")["commands"][:2] == ["eval panx-s0", "eval xnli"]
    assert {path.name for path in (folder / "languages").glob("*.md")} == {"hi.md", "sw.md"}
    assert "</html>" in (folder / "report.html").read_text("utf-8")


@pytest.mark.skipif(not (ROOT / keep.FOLDER / "README.md").is_file(), reason="no run of `make real` is committed")
def test_the_committed_pages_are_what_their_tables_say() -> None:
    """`python -m tools.real.keep` writes them again; what was learned has at most 40 lines of sentences."""
    folder = ROOT / keep.FOLDER
    assert (folder / "details.md").read_text("utf-8") == page.page(folder)
    text = (folder / "README.md").read_text("utf-8")
    assert text == learned.page(folder)
    assert len([line for line in text.splitlines() if line and not line.startswith("#")]) <= LINES


@pytest.mark.parametrize(("spread", "wide"), [(0.0, 1.0), (2.0, 1.9)])
def test_a_mean_over_seeds_has_the_errors_of_items_and_of_seeds(spread: float, wide: float) -> None:
    """Equal estimates have the interval of one; those that differ a wider one, with fewer degrees of freedom."""
    single = tables.over_seeds([10.0], [1.0], [200.0])
    several = tables.over_seeds([10.0 - spread, 10.0, 10.0 + spread], [1.0] * 3, [200.0] * 3)
    assert several.value == single.value == 10.0
    assert (several.high - several.low) / (single.high - single.low) == pytest.approx(wide, rel=0.02)


def test_a_pair_is_compared_within_its_language() -> None:
    """What differs by as much in each language is certain, however far apart languages are."""
    assert tables.paired([11.0, 31.0, 51.5], [10.0, 30.0, 50.0]).low > 0
    assert tables.between([11.0, 31.0, 51.5], [10.0, 30.0, 50.0]).low < 0


def test_a_correlation_resamples_languages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of one language belong together: two languages tell little, however many rows they have."""
    monkeypatch.setattr(tables, "_RESAMPLES", 400)
    x = list(range(20))
    found = tables.rank_correlation(x, x, [str(number) for number in x])
    assert (found.value, found.low) == pytest.approx((1.0, 1.0))
    mixed = tables.rank_correlation(x, x[10:] + x[:10], ["a"] * 10 + ["b"] * 10)
    assert mixed.low < 0 < mixed.high
