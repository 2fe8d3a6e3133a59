"""`robust-xtreme study`: the grid, its page and frames, what is computed again, and what a kill leaves."""

from __future__ import annotations

import json
import multiprocessing
import random
from pathlib import Path
from shutil import copytree, rmtree
from typing import Final

import polars as pl
import pytest
from tests.program import program
from tests.some import some
from tests.studies import computed, file_of, names, reported
from tools.yardstick import study_claims

from robust_xtreme.core import registry, resources
from robust_xtreme.core.errors import DataError, Mismatch, MissingData, ModelError, SpecError
from robust_xtreme.core.resources import shipped
from robust_xtreme.files.manifest import MANIFEST, read_manifest, write_manifest
from robust_xtreme.studies import run
from robust_xtreme.studies.claims import contrasts
from robust_xtreme.studies.folder import pages
from robust_xtreme.studies.folder import read as read_folder
from robust_xtreme.studies.planning import _stages, folder_of, plan_of
from robust_xtreme.studies.study_file import SCALES, STUDIES, cells, read
from robust_xtreme.training import estimate
from robust_xtreme.training.spec import from_tables

pytestmark = pytest.mark.usefixtures("unpaged")

ONE_TARGET: Final = ('[targets.udpos]\nsteps = 2\nlimit = "40"\n', "")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the study of seconds."""
    folder = tmp_path_factory.mktemp("study")
    computed(file_of(folder), folder / "work")
    return folder


def test_a_study_has_a_value_for_each_run_language_and_condition(finished: Path) -> None:
    """Each seed is a chain of its own from the base; clean and noisy rows of every arm, target and language."""
    outcome = read_folder(finished / "work")
    assert outcome.values.height == 2 * 2 * 2 * 2 * 2  # arms, targets, seeds, languages, conditions
    assert outcome.values.group_by("arm", "target", "language", "condition").len()["len"].unique().to_list() == [2]
    assert (outcome.facts["scale"], outcome.facts["from"], outcome.study.scale) == ("small", "scratch", "small")
    assert dict(outcome.arms.select("arm", "tasks").unique().iter_rows()) == {"none": 0, "xnli": 1}
    stages = {path.name.partition("-")[0] for path in (finished / "work" / "runs").iterdir()}
    assert stages == {"scratch", "intermediate", "none", "xnli"}
    assert len([*(finished / "work" / "runs").glob("intermediate-*")]) == 2  # one for each seed, for both targets
    assert len(set(outcome.values.filter(arm="none", condition="clean")["value"])) > 4  # seeds differ


def test_a_page_is_rendered_again_from_its_frames(finished: Path) -> None:
    """The frames of the folder give the contrasts and the page, byte for byte, without the runs."""
    outcome = read_folder(finished / "work")
    study = outcome.study
    again = contrasts(study.design.estimands(outcome.values, outcome.arms, study.analysis))
    assert again.equals(outcome.contrasts)
    for name, content in pages(outcome).items():
        assert content.encode() == (finished / "work" / name).read_bytes()


def test_a_finished_study_plans_nothing_and_more_seeds_only_those(finished: Path, tmp_path: Path) -> None:
    """The same command plans no cell, another number of seeds its own."""
    file = file_of(tmp_path)
    assert plan_of(read(str(file)), finished / "work").todo == ()
    more = plan_of(read(str(file), {"seeds": 3}), finished / "work")
    assert {cell.seed for cell in more.todo} == {2}


def test_a_plan_has_the_seeds_of_its_folder_and_refuses_that_of_another_study(finished: Path, tmp_path: Path) -> None:
    """As the command without it does."""
    fewer, work = file_of(tmp_path, ("seeds = 2", "seeds = 1")), ("--out", str(finished / "work"), "--plan")
    assert "8 cells, 8 complete" in program("study", str(fewer), *work).out
    other = tmp_path / "other.toml"
    other.write_bytes(fewer.read_bytes())
    for command in (work, work[:2]):
        refused = program("study", str(other), *command)
        assert (refused.code, "'tiny_small'" in refused.err) == (2, True), refused.err


@pytest.mark.long
def test_more_seeds_leave_the_results_of_the_first(finished: Path, tmp_path: Path) -> None:
    """The values of the first seeds are the same numbers."""
    file = file_of(tmp_path)
    copytree(finished / "work", tmp_path / "work")
    before = read_folder(tmp_path / "work").values
    after = computed(file, tmp_path / "work", seeds=3).values
    assert after.filter(pl.col("seed") < 2).equals(before)


def test_a_changed_file_names_the_cells_that_are_computed_again(finished: Path, tmp_path: Path) -> None:
    """Other steps of one arm: its cells alone, by name; a change of the analysis computes none."""
    file = file_of(
        tmp_path, ('tasks = ["xnli"], steps = 2, limit = "40" }\n\n[ev', 'tasks = ["xnli"], steps = 3 }\n\n[ev')
    )
    plan = plan_of(read(str(file)), finished / "work")
    assert {cell.arm for cell in plan.todo} == {"xnli"}
    (line,) = (line for line in plan.lines() if line.startswith("Computed again"))
    assert "xnli-s0-panx, xnli-s0-udpos, xnli-s1-panx, xnli-s1-udpos" in line
    other = file_of(tmp_path, ('endpoint_arm = "xnli"', 'endpoint_arm = "xnli"\ncontrols = ["xnli"]'))
    assert plan_of(read(str(other)), finished / "work").todo == ()


def test_the_steps_of_a_plan_are_those_that_are_trained(tmp_path: Path) -> None:
    """Of steps that the file names; the tokens are at most those of full inputs."""
    study = read(str(file_of(tmp_path, ("seeds = 2", "seeds = 1"))))
    for stage, cell in zip(_stages(plan_of(study, tmp_path)), cells(study)[:2], strict=False):
        row = estimate.plan_of(from_tables(run.training(cell, tmp_path, True)), lambda _: None)[-1]
        assert stage.steps == row.steps
        assert row.tokens
        assert row.tokens < stage.tokens


def test_stages_that_arms_share_are_planned_once(tmp_path: Path) -> None:
    """An arm with the same intermediate stage and a shorter target adds a target, and one with other steps a stage."""
    stage = 'intermediate = { tasks = ["xnli"], steps = 2, limit = "40" }\n'
    more = f"[arms.shorter]\nshare = 0.5\n{stage}\n[arms.longer]\n{stage.replace('steps = 2', 'steps = 3')}\n[ev"
    costs = _stages(plan_of(read(str(file_of(tmp_path, ("[ev", more)))), tmp_path))
    assert [(cost.seeds, cost.steps) for cost in costs if cost.kind == "intermediate"] == [(2, 2), (2, 3)]
    assert [cost.steps for cost in costs if cost.kind == "target"] == [2, 2, 2, 2, 1, 1, 2, 2]


def test_the_command_prints_its_plan(tmp_path: Path) -> None:
    """What is computed, how much, and about how long it takes."""
    file, work = file_of(tmp_path), tmp_path / "work"
    planned = program("study", str(file), "--out", str(work), "--plan")
    assert planned.code == 0, planned.err
    assert "8 cells, 0 complete" in planned.out
    assert "Power" in planned.out
    assert "8 runs, at most 256 predictions" in planned.out
    assert "8 runs, 16 steps" in planned.out
    assert "[cost]" in planned.out


@pytest.mark.parametrize("plan", [["--plan"], []], ids=["plan", "run"])
@pytest.mark.parametrize(
    "change",
    [
        ('data = "mini"', 'data = "no/such/folder"'),
        ('"scratch"\nsize = "tiny"', '"no/such/folder"'),
        ("/tiny_study.txt", "/no/such/folder"),
    ],
)
def test_missing_data_or_encoder_are_refused_before_a_cell(
    tmp_path: Path, change: tuple[str, str], plan: list[str]
) -> None:
    """In one line, once, and nothing is made."""
    file, work = file_of(tmp_path, change), tmp_path / "work"
    answer = program("study", str(file), "--out", str(work), *plan)
    assert (answer.code, answer.out, answer.err.count("\n")) == (2, "", 1)
    assert "no/such/folder" in answer.err
    assert not work.exists()


def test_a_plan_needs_an_encoder_and_the_files_that_are_read(tmp_path: Path) -> None:
    """A folder or file that is no encoder, and data without a training file or without a target's, are refused."""
    data, not_new = tmp_path / "data", ('from = "scratch"\nsize = "tiny"', 'from = "OWNER/NAME"')
    data.mkdir()
    for start in (data, file_of(tmp_path)):
        with pytest.raises(ModelError, match=r"config\.json"):
            plan_of(read(str(file_of(tmp_path, not_new)), {"from": str(start)}), tmp_path)
    with pytest.raises(MissingData, match="is empty"):
        plan_of(read(str(file_of(tmp_path)), {"data": str(data)}), tmp_path)
    (data / "panx").mkdir()
    with pytest.raises(MissingData, match="panx en: no train"):
        plan_of(read(str(file_of(tmp_path)), {"data": str(data)}), tmp_path)
    untrained = (
        ('[targets.panx]\nsteps = 2\nlimit = "40"\n', "[targets.tatoeba]\n"),
        not_new,
        ('intermediate = { tasks = ["xnli"], steps = 2, limit = "40" }', "share = 0.5"),
    )
    with pytest.raises(MissingData, match="tatoeba sw: no "):
        plan_of(read(str(file_of(tmp_path, ONE_TARGET, *untrained)), {"data": str(data)}), tmp_path)


def test_a_cell_is_the_same_wherever_its_folder_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths in the data's folder are absolute, and do not name the cell by the folder that is worked in."""
    names = []
    for folder in (tmp_path / "one", tmp_path / "two"):
        folder.mkdir()
        monkeypatch.chdir(folder)
        study = read("multimodal", {"data": "data", "from": "encoder"})
        names.append([(cell.run(Path()), cell.evaluation(Path())) for cell in cells(study)])
    assert names[0] == names[1]


def test_the_command_takes_a_scale_and_an_encoder(tmp_path: Path) -> None:
    """`--scale paper` adds its seeds, arms and cost; `--from` is the encoder of each arm; the folder has the scale."""
    file = file_of(tmp_path)
    planned = program("study", str(file), "--scale", "paper", "--plan")
    assert "18 cells, 0 complete" in planned.out
    assert "2 TFLOP/s" in planned.out
    study = read(str(file), {"scale": "paper", "from": "OWNER/NAME"})
    assert (study.scale, study.targets["panx"]["steps"], study.claims) == ("paper", 4, "A paper claims nothing of it.")
    assert {cell.train["from"] for cell in cells(study)} == {"OWNER/NAME"}
    assert folder_of(study) == Path("runs/study-tiny_paper")
    out = tmp_path / "out"
    for options in (["--plan"], ["--out", str(out)]):
        elsewhere = program("study", str(file), "--devices", "gpu7", *options)
        assert (elsewhere.code, "'gpu7'" in elsewhere.err) == (2, True), elsewhere.err
    assert not out.exists()
    unknown = program("study", str(file), "--scale", "papr", "--plan")
    assert (unknown.code, unknown.err.count("\n")) == (2, 1)
    assert "There is no scale named 'papr'. Did you mean 'paper'? See: robust-xtreme study show tiny" in unknown.err


@pytest.mark.parametrize("words", [("list", "--seeds", "3"), ("show", "robustness", "--plan"), ("list", "--offline")])
def test_what_computes_nothing_takes_no_options_of_a_study(words: tuple[str, ...]) -> None:
    """An option that changes nothing is not ignored in silence."""
    ended = program("study", *words)
    named = next(word for word in words if word.startswith("--"))
    assert (ended.code, f"takes no {named}" in ended.err) == (2, True), ended.err


@pytest.mark.process
@pytest.mark.parametrize("missing", some([1, 8], (1,)))
def test_the_command_computes_what_is_missing_and_prints_its_findings(
    finished: Path, tmp_path: Path, missing: int
) -> None:
    """In processes of their own the cells have the same bytes; nothing of the machine is in the results."""
    file, work = file_of(tmp_path), tmp_path / "work"
    if missing == 1:
        copytree(finished / "work", work)
        for path in (*work.glob("evaluations/xnli-s1-panx-*"), *work.glob("runs/xnli-s1-panx-*")):
            rmtree(path)
    ended = program("study", str(file), "--out", str(work), "--devices", "cpu", "--offline")
    assert ended.code == 0, ended.err
    assert f"[{missing} of {missing}] " in ended.err
    assert "fewer than 5 seeds" in ended.out
    assert ended.out.endswith(f"{work / 'report.html'}\n")
    assert reported(work) == reported(finished / "work")
    assert all(str(tmp_path).encode() not in content for content in reported(work).values())


def test_an_attack_is_made_once_and_read_by_every_run(tmp_path: Path) -> None:
    """The victim is a run of its own seed; arms have the frozen texts of their target, on its headline fields."""
    attack = '[attack]\nspec = "attack_keys:0.3@queries=4"\narm = "none"\nseed = 77\n\n[power]'
    file = file_of(tmp_path, ("[power]", attack), ("seeds = 2", "seeds = 1"), ONE_TARGET)
    assert names(file)[:2] == ["attacked-s77-panx", "none-s0-panx"]
    values = computed(file, tmp_path / "work").values
    attacked = values.filter(family="attack")
    assert set(attacked["condition"]) == {"frozen attack_keys"}
    assert attacked.select("arm", "target").unique().height == 2
    assert set(values["arm"]) == {"none", "xnli"}


def test_a_cell_that_fails_is_named_and_the_others_continue(tmp_path: Path) -> None:
    """An arm that the data cannot train: the page has the other arms, the error the name and the reason."""
    broken = '[arms.boom]\nintermediate = { tasks = ["hellaswag"], languages = ["sw"], steps = 2 }\n\n[evaluate]'
    file = file_of(tmp_path, ("[evaluate]", broken), ("seeds = 2", "seeds = 1"), ONE_TARGET)
    work = tmp_path / "work"
    lines: list[str] = []
    chains = [piece.payload for piece in run._pieces(cells(read(str(file))), work, offline=True)]
    failed = [cell for chain in chains for cell in run._computed(chain, lines.append)]
    assert [cell.name for cell in failed] == ["boom-s0-panx"]
    assert failed[0].mistake
    assert "boom-s0-panx failed: " in "\n".join(lines)
    done = [cell for cell in cells(read(str(file))) if cell.complete(work)]
    assert {cell.arm for cell in done} == {"none", "xnli"}
    path = done[0].evaluation(work) / MANIFEST
    manifest = read_manifest(path)
    del manifest["files"]["report.md"]  # as a process leaves it that ends before the page is written
    write_manifest(path, manifest)
    assert not done[0].complete(work)


def test_an_encoder_beside_another_needs_its_folder(tmp_path: Path) -> None:
    """A path BESIDE/ is refused where --from names no folder, and else is beside it."""
    with pytest.raises(SpecError, match="--from DIR"):
        plan_of(read("capacity", {"data": "mini"}), tmp_path)
    (tmp_path / "large").mkdir()
    described = read("capacity", {"data": "mini", "from": str(tmp_path / "large")})
    assert described.arms["en-none-6"].train["from"] == str(tmp_path / "all-minilm-l6-v2")


def test_claims_are_computed_again_by_other_code(finished: Path) -> None:
    """The rows of a finished study that another code computes agree with its contrasts."""
    found = dict(study_claims.differences(finished / "work"))
    assert len(found) > 3
    assert max(found.values()) < study_claims.NEAR


def test_a_seed_has_every_arm_before_the_next_one_begins(tmp_path: Path) -> None:
    """Of jobs the largest comes first: those of the first seed, and of a seed the chain with the most cells."""
    short = '[arms.short]\ntargets = ["panx"]\n\n[evaluate]'
    file = file_of(tmp_path, ("[evaluate]", short), ("seeds = 2", "seeds = 3"))
    pieces = sorted(run._pieces(cells(read(str(file))), tmp_path, offline=True), key=lambda piece: -piece.size)
    assert [piece.label[-1] for piece in pieces] == [*"000111222"]
    assert [piece.label for piece in pieces[2::3]] == ["short-s0", "short-s1", "short-s2"]


def test_a_folder_of_something_else_is_left_alone(finished: Path, tmp_path: Path) -> None:
    """Files that no study wrote, another study's folder, a file: nothing is changed, exit code 2."""
    file = file_of(tmp_path)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "report.md").write_text("mine", "utf-8")
    copytree(finished / "work", tmp_path / "other", ignore=lambda *_: ["runs", "evaluations"])
    facts = json.loads((tmp_path / "other" / "study.json").read_text("utf-8"))
    (tmp_path / "other" / "study.json").write_text(json.dumps({**facts, "name": "theirs"}), "utf-8")
    (tmp_path / "file").write_text("", "utf-8")
    for name in ("mine", "other", "file"):
        ended = program("study", str(file), "--out", str(tmp_path / name))
        assert (ended.code, ended.err.count("\n")) == (2, 1), ended.err
    assert (tmp_path / "mine" / "report.md").read_text("utf-8") == "mine"


@pytest.mark.parametrize("name", ["scores.csv", "models.csv", "conditions.csv", "manifest.json"])
def test_a_damaged_evaluation_is_named_with_its_cure(finished: Path, tmp_path: Path, name: str) -> None:
    """A changed score is not taken over, and no file that is cut is a bug."""
    copytree(finished / "work", tmp_path / "work")
    evaluation = next((tmp_path / "work" / "evaluations").glob("xnli-s0-panx-*"))
    content = (evaluation / name).read_text("utf-8")
    (evaluation / name).write_text(content.replace("0", "1", 1) if name == "scores.csv" else content[:40], "utf-8")
    with pytest.raises(DataError, match="computes it again"):
        computed(file_of(tmp_path), tmp_path / "work")


def test_evaluations_on_other_data_are_refused(finished: Path, tmp_path: Path) -> None:
    """A cell whose manifest has another identity of the data than that of an arm beside it."""
    copytree(finished / "work", tmp_path / "work")
    path = next((tmp_path / "work" / "evaluations").glob("xnli-s1-panx-*")) / MANIFEST
    facts = dict(read_manifest(path))
    facts["units"][0]["data"] = "other"
    write_manifest(path, facts)
    with pytest.raises(Mismatch, match="data changed"):
        computed(file_of(tmp_path), tmp_path / "work")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('design = "robustness"', 'design = "robustnes"', "'robustness'"),
        ("[targets.udpos]", "[targets.udpso]", "'udpos'"),
        ("steps = 2\nlimit", "stpes = 2\nlimit", "'steps'"),
        ('arms = ["xnli"]', 'arms = ["mix"]', "'mix'"),
        ("seeds = 2", 'seeds = "two"', "seeds takes"),
        ("sd = 1.5", "sd = -1.5", "[power] sd"),
        ("[arms.none]", "[arms.none]\nshare = 0.0", "share"),
        ("[arms.none]", "\n".join(f"[arms.a{at}]" for at in range(1001)), "1,002 arms"),
        ("[arms.none]", '[arms."../none"]', "name of an arm"),
        ("[arms.none]", '[arms.none]\neach = ["qq"]', "'qq'"),
        ("[scales.small]", '[scales."../small"]', "name of a scale"),
        ('endpoint_arm = "xnli"', "", "'endpoint_arm'"),
        ("seeds = 2", "seeds = 2\nout = 'x'", "'out'"),
        ('"keyboard_typo:0.2"', '"keybord_typo:0.2"', "'keybord_typo'"),
        ('["sw", "de"]', '["sw", "zz"]', "'zz'"),
        ('["sw", "de"]', "1", "'languages'"),
        ('recipe = "scratch"', 'recipe = "scratch"\nseed = 4', "'seed'"),
    ],
)
def test_a_broken_file_is_one_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    """What is wrong, what was probably meant; exit code 2 and nothing is written."""
    file = file_of(tmp_path)
    file.write_text(file.read_text("utf-8").replace(old, new), "utf-8")
    ended = program("study", str(file), "--out", str(tmp_path / "work"))
    assert (ended.code, ended.err.count("\n")) == (2, 1), ended.err
    assert message in ended.err
    assert not (tmp_path / "work").exists()


def test_a_damaged_folder_is_one_line(finished: Path, tmp_path: Path) -> None:
    """A frame that is cut, facts of something else, a folder without a study."""
    from robust_xtreme.core.errors import UserError

    copytree(finished / "work", tmp_path / "work", ignore=lambda *_: ["runs", "evaluations"])
    (tmp_path / "work" / "values.csv").write_bytes(b"schema_version,arm\n5,none")
    with pytest.raises(UserError, match=r"values\.csv"):
        read_folder(tmp_path / "work")
    (tmp_path / "work" / "study.json").write_text(json.dumps({"design": "other"}), "utf-8")
    with pytest.raises(UserError, match="no design"):
        read_folder(tmp_path / "work")
    with pytest.raises(UserError, match="not the folder"):
        read_folder(tmp_path)


def test_every_study_that_ships_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At each of its scales, small and the paper's first: arms, targets and analysis are those of its design."""
    monkeypatch.chdir(tmp_path)
    for text in ("captions/each", "captions/mixed", "multi30k"):
        (tmp_path / "hub" / text).mkdir(parents=True)
    for name, path in shipped(STUDIES).items():
        scales = [*resources.toml(path)[SCALES]]
        assert scales[:2] == ["small", "paper"]
        for scale in scales:
            study = read(name, {"scale": scale, "data": "hub", "from": str(tmp_path / "one")})
            for start in filter(Path.is_absolute, {Path(cell.train.get("from", "")) for cell in cells(study)}):
                start.mkdir(exist_ok=True)
                (start / "config.json").touch()
            assert (study.name, study.design.name) == (f"{name}_{scale}", name)
            assert study.text.startswith(f"# robust-xtreme study {name} ")
            assert plan_of(study, Path("runs/none")).todo
    assert [*shipped(STUDIES)] == [*registry.names("design")]


def test_a_start_that_learns_nothing_answers_on_the_data_of_the_study(tmp_path: Path) -> None:
    """A task without a head, of an arm without stages: the start is the model, and nothing is trained."""
    targets = (ONE_TARGET, ('[targets.panx]\nsteps = 2\nlimit = "40"\n', "[targets.tatoeba]\n"))
    start = ('from = "scratch"\nsize = "tiny"', 'from = "OWNER/NAME"')
    plain, trained = cells(read(str(file_of(tmp_path, *targets, start, ("seeds = 2", "seeds = 1")))))
    keys = run.evaluation(plain, tmp_path, offline=True)
    assert (keys["model"], keys["data"], keys["device"]) == (["tatoeba=OWNER/NAME"], "mini", "cpu")
    assert not plain.train
    assert run.evaluation(trained, tmp_path, offline=True)["model"] == [f"tatoeba={trained.run(tmp_path)}"]


@pytest.mark.long
@pytest.mark.parametrize("time_drawn", range(20))
def test_a_study_killed_at_a_random_time_ends_at_the_same_bytes(
    finished: Path, tmp_path: Path, time_drawn: int
) -> None:
    """`kill -9` while it trains, evaluates or writes: the same command ends at the bytes of an unbroken study."""
    file, work = file_of(tmp_path), tmp_path / "work"
    broken = multiprocessing.get_context("fork").Process(target=computed, args=(file, work))
    broken.start()
    broken.join(random.Random(time_drawn).uniform(0.2, 12.0))
    broken.kill()
    broken.join()
    computed(file, work)
    assert reported(work) == reported(finished / "work")
