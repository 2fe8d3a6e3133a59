"""The study of transfer: its run files, its processes, what it gathers, and its page."""

from __future__ import annotations

import json
import runpy
import sys
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tools.transfer import collect, page, plan, work
from tools.transfer.plan import CONTROLS, MIX, NONE, TARGETS, Chain, Settings, Study
from tools.transfer.study import __file__ as study_file
from tools.transfer.study import _command, _parser, _settings

from robust_xtreme import api, resources
from robust_xtreme.errors import ModelError
from robust_xtreme.results.schema import MODELS, build
from robust_xtreme.training.spec import from_tables

REPORT = Path(__file__).parents[2] / "reports" / "transfer-small"


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """A study of two seeds."""
    return Study(Settings(seeds=2), tmp_path / "work")


# --------------------------------------------------------------------------------------------------------- run files


def test_every_run_file_is_one_that_train_reads(study: Study) -> None:
    """Base, arms and targets; each starts from the output of the one before."""
    plan.write_files(study)
    specs = {path.stem: from_tables(resources.toml(path)) for path in (study.work / "files").glob("*.toml")}
    arms, targets = len(study.settings.arms), len(TARGETS)
    assert len(specs) == 1 + 2 * ((arms - 1) + arms * targets)
    assert specs["base"].start == "scratch"
    assert specs["mix-s1"].start == specs["base"].out == specs["none-s1-xnli"].start
    assert specs["mix-s1-xnli"].start == specs["mix-s1"].out
    assert {specs[name].seed for name in specs if "-s1" in name} == {1}
    assert {tuple(spec.reported) for spec in specs.values()} == {TARGETS}


def test_all_arms_learn_for_equally_many_steps(study: Study) -> None:
    """Controls are those of the mix: its tasks, its steps, its batches."""
    stages = {arm: study.settings.stage(arm) for arm in study.settings.arms}
    assert stages.pop(NONE) == {}
    assert len({(stage["steps"], stage["batch_size"]) for stage in stages.values()}) == 1
    for control in CONTROLS:
        assert stages[control] == {**stages[MIX], "control": control}


def test_the_development_set_of_squad_replaces_its_training_set_only_where_that_is_not_there(
    tmp_path: Path, study: Study
) -> None:
    """Links, so that nothing is copied, and other files are as they are."""
    data = tmp_path / "data"
    for name in ("squad/dev-v1.1.rebuilt.json", "mnli/taxinli10k.tsv"):
        (data / name).parent.mkdir(parents=True)
        (data / name).write_text(name)
    assert plan.link_data(data, study)
    assert plan.link_data(data, study)
    assert (study.data / "squad" / "train-v1.1.json").read_text() == "squad/dev-v1.1.rebuilt.json"
    assert not (study.data / "squad" / "dev-v1.1.rebuilt.json").exists()
    assert (study.data / "mnli" / "taxinli10k.tsv").read_text() == "mnli/taxinli10k.tsv"
    (data / "squad" / "train-v1.1.json").write_text("whole")
    other = replace(study, work=tmp_path / "other")
    assert not plan.link_data(data, other)
    assert (other.data / "squad" / "train-v1.1.json").read_text() == "whole"


def test_options_are_settings_and_the_command_names_what_was_changed() -> None:
    """It contains no paths of the machine."""
    options = _parser().parse_args(["--data", "/somewhere", "--seeds", "3", "--limit", "xnli=10"])
    assert _settings(options) == Settings(seeds=3, limits={"xnli": 10})
    assert _settings(_parser().parse_args(["--data", "x"])) == Settings()
    command = _command(options, options.work)
    assert command.endswith("--report reports/transfer-small --seeds 3 --limit xnli=10")
    assert "/somewhere" not in command


def test_the_command_names_the_folder_that_the_runs_were_made_in(study: Study) -> None:
    """A copy is elsewhere, and its files still say where the study was made; a far report is recognised by name."""
    assert study.as_made() == study
    study.file("base").parent.mkdir(parents=True)
    study.file("base").write_text(plan.toml(plan.base_file(replace(study, work=Path("runs/mine")))))
    assert study.as_made() == replace(study, work=Path("runs/mine"))
    options = _parser().parse_args(["--data", "x", "--work", str(study.work), "--report", "/far/away/page"])
    assert "--work runs/mine --report reports/page" in _command(options, study.as_made().work)


# --------------------------------------------------------------------------------------------------------- processes


def test_a_piece_that_fails_is_named_and_the_rest_continues(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its PAN-X run a chain still has its other targets, evaluated with the models that are there."""
    trained: list[str] = []
    asked: list[list[str]] = []

    def train(_: Study, name: str) -> None:
        if name.endswith("panx"):
            raise ModelError("no such thing")
        trained.append(name)

    monkeypatch.setattr(work, "_train", train)
    monkeypatch.setattr(api, "evaluate", lambda **words: asked.append(words["tasks"]))
    assert work.make_chain(study, Chain("mnli", 1)) == ["mnli-s1-panx: no such thing"]
    assert trained == ["mnli-s1", "mnli-s1-xnli", "mnli-s1-tydiqa"]
    assert asked == [["xnli"], ["tydiqa"], ["tatoeba"]]
    options = work.evaluation(study, Chain("mnli", 1), "tatoeba")
    assert options["model"] == [f"tatoeba={study.work / 'mnli-s1'}"]
    assert work.evaluation(study, Chain(NONE, 1), "tatoeba")["model"] == [f"tatoeba={study.base}"]
    assert work.evaluation(study, Chain(NONE, 1), "xnli")["model"] == [f"xnli={study.work / 'none-s1-xnli'}"]


def test_without_its_intermediate_stage_a_chain_ends(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any error is one line, and nothing is evaluated of what is not there."""

    def train(*_: object) -> None:
        raise RuntimeError("out\nof words")

    monkeypatch.setattr(work, "_train", train)
    assert work.make_chain(study, Chain("mix", 0)) == ["mix-s0: RuntimeError: out"]


@pytest.mark.process
def test_processes_that_fail_are_reported_and_others_are_begun(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each chain is one process; a dead one costs its own chain."""
    monkeypatch.setattr(work, "_PAUSE", 0.01)
    monkeypatch.setattr(sys, "executable", "/bin/false")
    monkeypatch.setattr(Study, "chains", lambda _: iter([Chain(NONE, 0), Chain(MIX, 1)]))
    messages: list[str] = []
    work.run_chains(study, ["--data", "x"], 1, 1, messages.append)
    assert messages == ["FAILED none-s0: no word (exit 1)", "FAILED mix-s1: no word (exit 1)"]


def test_no_chain_is_begun_when_the_time_is_over(study: Study) -> None:
    """A message names the chains that are left."""
    messages: list[str] = []
    work.run_chains(study, [], 2, -1, messages.append)
    assert messages == ["14 chains were not begun after -1 minutes; the same command continues with them"]


def test_the_time_of_a_piece_is_that_of_its_making(study: Study) -> None:
    """A piece that was found again took no time; evaluations are distinguished."""
    logs = study.work / "logs"
    logs.mkdir(parents=True)
    (logs / "mix-s0.log").write_text("mix-s0: 41.5 s\nnoise: 3 s\nmix-s0: 0.2 s\neval mix-s0-tydiqa: 9.0 s\n")
    (logs / "mix-s2.log").write_text("mix-s2: 50.0 s\n")
    assert work.seconds(study) == {"mix-s0": 41.5, "eval mix-s0-tydiqa": 9.0}


def test_a_report_of_fewer_seeds_reads_the_first_ones_alone(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the folder contains of further seeds is in no frame."""
    asked: list[Chain] = []

    def none_of(_: Study, chain: Chain) -> list[Path]:
        asked.append(chain)
        return []

    monkeypatch.setattr(collect, "evaluations", none_of)
    collect.collect(study)
    assert {chain.seed for chain in asked} == {0, 1}
    assert len(asked) == 2 * len(study.settings.arms)


# ------------------------------------------------------------------------------------------------------------- results

_GAIN = {NONE: 0.0, "mnli": 5.0, "squad": 1.0}


def _row(arm: str, target: str, seed: int, language: str, value: float) -> dict[str, Any]:
    split = {"language": language, "split": "test", "metric": "accuracy", "n": 300, "clusters": 100}
    levels = {"chance": 35.0, "near_chance": value <= 40, "model": f"{arm}{seed}{target}"}
    reason = "own training data" if (arm, target) == ("mnli", "xnli") else None
    return {"arm": arm, "target": target, "seed": seed, "value": value, "left_out": reason, **split, **levels}


def _runs(seeds: int = 5, gain: Mapping[str, float] = _GAIN) -> pl.DataFrame:
    """Arms, three targets, two languages; a gain of each arm, a common effect of seeds, and a little of its own."""
    rows = [
        _row(arm, target, seed, language, 40 + more + seed + 0.1 * ((seed * (index + 2)) % 3) + (language == "sw"))
        for index, (arm, more) in enumerate(gain.items())
        for target in ("xnli", "panx", "tatoeba")
        for seed in range(seeds)
        for language in ("en", "sw")
    ]
    return build(rows, collect.RUNS)


def test_means_are_over_languages_that_every_run_has() -> None:
    """A cell that one run does not have counts in none; averages are over targets that no arm is flagged in."""
    runs = _runs(1)
    means = collect.values(runs)
    assert means.filter(arm=NONE, cell="panx")["value"].item() == 40.5
    incomplete = runs.filter(
        ~((pl.col("arm") == "squad") & (pl.col("target") == "panx") & (pl.col("language") == "sw"))
    )
    assert collect.values(incomplete).filter(arm=NONE, cell="panx")["value"].item() == 40.0
    assert collect.values(incomplete).filter(arm=NONE, cell="xnli")["value"].item() == 40.5
    assert collect.transfer_targets(runs) == ["panx", "tatoeba"]
    assert means.filter(arm="mnli", cell=collect.AVERAGE)["value"].item() == 45.5
    assert collect.values(_runs().sample(fraction=1, shuffle=True, seed=1)).equals(collect.values(_runs()))


def test_languages_that_are_missing_in_different_runs_are_in_no_mean() -> None:
    """One run does not have English, another Swahili: none of them is in every run, and nothing is compared."""
    runs = _runs(1).filter(pl.col("target") == "panx")
    for arm, language in (("squad", "sw"), ("mnli", "en"), (NONE, "en")):
        runs = runs.filter(~((pl.col("arm") == arm) & (pl.col("language") == language)))
    assert collect.values(runs).is_empty()


def test_masked_lm_on_the_same_texts_has_the_examples_of_the_tasks() -> None:
    """Of the same data identity the number is that of the mix; of data that nothing else learned it stays."""

    def row(name: str, examples: int, **stage: str) -> dict[str, Any]:
        stages = json.dumps([{"kind": "scratch"}, {"kind": "intermediate", **stage}])
        return {"model": name, "identity": "i", "intermediate_examples": examples, "stages": stages}

    rows = [
        row("mix", 30, data="a"),
        row("same", 55, data="a", control="masked_lm"),
        row("other", 66, data="b", control="masked_lm"),
        row("shuffled", 31, data="a", control="shuffled_labels"),
    ]
    counted = collect._counted_alike(build(rows, MODELS))
    counts = dict(counted.select("model", "intermediate_examples").iter_rows())
    assert counts == {"mix": 30, "same": 30, "other": 66, "shuffled": 31}


def test_targets_near_chance_are_claimed_and_averaged_as_all_others(tmp_path: Path) -> None:
    """No cell of Tatoeba is above chance: it is in the family and in the average, and the share beside it says so."""
    runs = _runs().with_columns(near_chance=pl.col("target") == "tatoeba")
    assert collect.tests(runs).equals(collect.tests(_runs()))
    page.write(tmp_path, runs, _models(runs), _facts())
    lines = (tmp_path / "report.md").read_text("utf-8").splitlines()
    (means,) = [line for line in lines if line.startswith("| tatoeba | 42.6")]
    assert means.endswith("| 35.0 | 0 % |")
    assert any(line.startswith("| transfer average") for line in lines)


def test_flagged_cells_are_a_family_of_their_own() -> None:
    """Five unflagged cells share a correction, the averages theirs, and XNLI after MNLI its own."""
    tests = collect.tests(_runs())
    sizes = {(cell, arm): m for cell, arm, m in tests.select("cell", "arm", "m").iter_rows()}
    assert sizes["xnli", "mnli"] == 1
    assert {sizes[pair] for pair in sizes if pair[0] == collect.AVERAGE} == {2}
    assert {m for pair, m in sizes.items() if pair != ("xnli", "mnli") and pair[0] != collect.AVERAGE} == {5}
    assert tests.filter(arm="mnli", cell="panx")["sign"].item() == "higher"


def test_the_mix_is_compared_with_its_controls() -> None:
    """Where a control is there, its difference to the mix is under its name."""
    runs = _runs(gain={NONE: 0.0, MIX: 5.0, "masked_lm": 4.0})
    tests = collect.tests(runs).filter(reference="masked_lm")
    assert tests["arm"].unique().to_list() == [MIX]
    assert tests["difference"].min() > 0.5  # type: ignore[operator]  # polars types the minimum of any column
    assert len(tests) == 4


def _facts() -> dict[str, Any]:
    settings = asdict(Settings())
    return {
        "settings": json.loads(json.dumps(settings)),
        "arms": [NONE, "squad", "mnli"],
        "squad_dev": True,
        "commands": ["python -m tools.transfer.study"],
        "files": ['from = "scratch"\n'],
        "measured_on": "a machine",
        "missing": ["mnli seed 4 tydiqa"],
        "seconds": {"mix-s0": 41.0},
    }


def _models(runs: pl.DataFrame) -> pl.DataFrame:
    rows = [{"model": name, "identity": "i", "params": 4000000} for name in sorted(set(runs["model"].to_list()))]
    return build(rows, MODELS)


def test_the_page_shows_differences_flags_and_what_is_missing(tmp_path: Path) -> None:
    """Claimed signs are bold, flagged cells marked, and one page comes from the frames alone."""
    runs = _runs()
    page.write(tmp_path, runs, _models(runs), _facts())
    text = (tmp_path / "report.md").read_text("utf-8")
    assert text == page.render(tmp_path)
    assert "**+4.9 [" in text or "**+5.0 [" in text
    assert any(line.startswith("| xnli") and "†" in line for line in text.splitlines())
    assert "What is missing here: mnli seed 4 tydiqa." in text
    assert "own training data (mnli for xnli)" in text
    assert "Of 7 tested differences a sign is claimed for:" in text
    assert "No sign can be claimed" not in text


def test_few_seeds_claim_nothing(tmp_path: Path) -> None:
    """Four seeds have intervals and no sign; one has no interval."""
    runs = _runs(4)
    page.write(tmp_path, runs, _models(runs), _facts())
    text = (tmp_path / "report.md").read_text("utf-8")
    assert "**" not in text.replace("**Bold**", "")
    assert "No sign can be claimed here: 4 of the 5 seeds that one takes are there" in text
    runs = _runs(1)
    page.write(tmp_path, runs, _models(runs), _facts())
    assert "(no interval)" in (tmp_path / "report.md").read_text("utf-8")


@pytest.mark.skipif(not REPORT.is_dir(), reason="the study's report is not here")
def test_the_committed_report_is_made_of_its_frames() -> None:
    """The page is rendered again from its files, and its table again from the runs."""
    from tools.transfer.claims import CLAIMS

    from robust_xtreme.results import store

    assert (REPORT / "report.md").read_text("utf-8") == page.render(REPORT)
    again = collect.tests(store.read_frame(REPORT / "runs.csv", collect.RUNS))
    assert store.read_frame(REPORT / "table.csv", CLAIMS).equals(store.canonical(again, CLAIMS))


def test_the_program_says_what_it_takes(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The command line is one that a reader of the report can type."""
    monkeypatch.setattr(sys, "argv", ["study", "--help"])
    with pytest.raises(SystemExit, match="0"):
        runpy.run_path(study_file, run_name="__main__")
    printed = capsys.readouterr().out
    assert "--steps-intermediate" in printed
    assert "--chain" not in printed
