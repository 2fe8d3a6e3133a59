"""`train --plan`: stages, steps, tokens and time before anything is trained, and what is there already."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from tests.lessons import lessons
from tests.single_windows import singly
from tests.some import some
from tests.tiny import tiny_encoder_folder
from tests.trainings import Stopped, copied, stop_at
from typer.testing import CliRunner

from robust_xtreme.cli._app import build
from robust_xtreme.cli._train_shown import print_plan
from robust_xtreme.core.errors import Mismatch, RobustXtremeError
from robust_xtreme.files import store
from robust_xtreme.training import estimate
from robust_xtreme.training.estimate import EstimateRow, plan_of
from robust_xtreme.training.loop import Options
from robust_xtreme.training.spec import TrainSpec
from robust_xtreme.training.stage import train
from robust_xtreme.training.values import from_values


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Release files with thirty-two lessons a task, and a text."""
    return lessons(tmp_path_factory.mktemp("lessons"))


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny random encoder."""
    return tiny_encoder_folder(tmp_path_factory.mktemp("encoder"))


def spec_in(folder: Path, data: Path, **values: Any) -> TrainSpec:
    """A run whose last stage is in a folder's `last`."""
    return from_values({"data": data, "out": folder / "last", "device": "cpu", **values})


def planned(spec: TrainSpec) -> tuple[EstimateRow, ...]:
    """The rows of a plan."""
    return plan_of(spec, lambda _: None)


def files(folder: Path) -> list[str]:
    """Every path below a folder."""
    return sorted(str(path) for path in folder.rglob("*"))


RUNS: Mapping[str, Mapping[str, Any]] = {
    "passes of several tasks": {"task": "xnli,panx,tydiqa", "epochs": 2, "batch_size": 5},
    "draws": {"task": "xnli,tydiqa", "epochs": 1, "batch_size": 4, "sampling": "temperature:2", "mixing": "batches"},
    "a cap": {"task": "xnli,panx", "epochs": 3, "batch_size": 4, "sampling": "capped:10"},
    "noise": {"task": "tydiqa", "epochs": 1, "batch_size": 6, "perturb": ["char_noise:0.1"]},
    "a limit": {"task": "panx", "epochs": 2, "batch_size": 3, "limit": "10"},
    "labels shuffled": {"task": "xnli", "epochs": 1, "batch_size": 8, "control": "shuffled_labels"},
    "masked LM instead": {"task": "xnli", "epochs": 1, "batch_size": 8, "control": "masked_lm"},
}


@pytest.mark.parametrize("values", some(RUNS.values(), 2), ids=RUNS.keys())
def test_the_steps_are_those_of_the_run(values: Mapping[str, Any], tmp_path: Path, data: Path, encoder: Path) -> None:
    """A plan counts as `train` does and writes nothing; afterwards it says that all is there."""
    spec = spec_in(tmp_path, data, encoder=encoder, **values)
    (row,) = planned(spec)
    assert files(tmp_path) == []
    record = store.read_json(train(spec) / "stages" / "00-target.json")
    assert (row.steps, row.examples, row.exact, row.cached) == (record["steps"], _examples(record, row), True, False)
    assert row.seconds is not None
    assert row.seconds > 0
    (again,) = planned(spec)
    assert (again.cached, again.seconds, again.steps) == (True, 0.0, record["steps"])


def _examples(record: Mapping[str, Any], row: EstimateRow) -> int:
    """A control counts its texts, the plan the examples that they are of."""
    return row.examples or 0 if record["control"] == "masked_lm" else int(record["examples"])


def test_all_stages_of_a_run_from_scratch(tmp_path: Path, data: Path) -> None:
    """Masked LM, an intermediate task with masked LM beside it, the target: the encoder is made in memory."""
    text = data / "text"
    values: dict[str, Any] = {
        "scratch": "tiny",
        "text": text,
        "mlm": {"text": text, "epochs": 2, "batch_size": 3},
        "intermediate": {"tasks": ["xnli"], "epochs": 1, "batch_size": 8, "masked_lm": 0.5, "text": text},
    }
    spec = spec_in(tmp_path, data, **values, target={"tasks": ["panx"], "steps": 4, "batch_size": 4})
    rows = planned(spec)
    assert files(tmp_path) == []
    assert [row.kind for row in rows] == ["scratch", "masked_lm", "intermediate", "target"]
    train(spec)
    records = {path.name: store.read_json(path) for path in (tmp_path / "last" / "stages").glob("*.json")}
    assert [row.steps for row in rows] == [records[name]["steps"] for name in sorted(records)]
    assert [row.cached for row in planned(spec)] == [True] * 4
    other = spec_in(tmp_path, data, **{**values, "out": tmp_path / "other", "target": {"tasks": ["tydiqa"]}})
    assert [row.cached for row in planned(other)] == [True, True, True, False]


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Path:
    """A folder with a run from scratch, `last`, and its shared stages."""
    folder = tmp_path_factory.mktemp("staged")
    train(spec_from_scratch(folder, data))
    return folder


def spec_from_scratch(folder: Path, data: Path) -> TrainSpec:
    """A run of a new encoder, masked LM and a target."""
    text = data / "text"
    mlm = {"text": text, "steps": 1, "batch_size": 2}
    target = {"tasks": ["panx"], "steps": 1, "batch_size": 2}
    return spec_in(folder, data, scratch="tiny", text=text, mlm=mlm, target=target)


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


def _as_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _raised(call: Callable[[], object]) -> str:
    """The error of a call; empty where there is none."""
    try:
        call()
    except RobustXtremeError as error:
        return str(error)
    return ""


CHANGED: Mapping[str, tuple[str, Callable[[Path], None], bool, str]] = {
    "the weights of a stage that a start over reads": ("mlm-*/model/model.safetensors", _flip, True, "is damaged"),
    "a new encoder that a start over does not read": ("scratch-*/model/config.json", Path.unlink, True, ""),
    "weights of the run": ("last/model/model.safetensors", _flip, False, "is damaged"),
    "weights of the run that a start over replaces": ("last/model/model.safetensors", _flip, True, ""),
}


@pytest.mark.parametrize(("name", "change", "force", "expected"), CHANGED.values(), ids=CHANGED.keys())
def test_a_plan_fails_where_its_run_fails(
    name: str, change: Callable[[Path], None], force: bool, expected: str, tmp_path: Path, data: Path, staged: Path
) -> None:
    """A plan reads what the run reads of stages that are there already, and nothing else."""
    folder = copied(staged, tmp_path / "runs")
    (path,) = folder.glob(name)
    change(path)
    spec = spec_from_scratch(folder, data)
    raised = _raised(lambda: plan_of(spec, lambda _: None, force))
    assert raised == _raised(lambda: train(spec, Options(force=force)))
    assert (expected in raised) if expected else not raised


def test_a_shared_folder_that_is_not_the_stage_is_moved_away(tmp_path: Path, data: Path, staged: Path) -> None:
    """The cure in the error works: --out beside the same folder would not."""
    folder = copied(staged, tmp_path / "runs")
    (claim,) = folder.glob("mlm-*/train.json")
    _as_folder(claim)
    spec, stage = spec_from_scratch(folder, data), claim.parent
    with pytest.raises(Mismatch, match="not the stage"):
        train(replace(spec, out=str(folder / "other")))
    stage.rename(tmp_path / "elsewhere")
    train(replace(spec, out=str(folder / "other")))
    assert claim.is_file()


def test_tokens_are_those_that_are_read(tmp_path: Path, data: Path, encoder: Path) -> None:
    """As many as the units of all steps have, where all were seen."""
    (row,) = planned(spec_in(tmp_path, data, encoder=encoder, task="xnli", epochs=2, batch_size=8))
    from robust_xtreme.core import registry
    from robust_xtreme.models.predictors.family import windows_of
    from robust_xtreme.models.tokenizer import read_tokenizer
    from robust_xtreme.tasks.sources.source import load

    task = registry.load("task", "xnli")
    examples = load(task, data, "en", "train").examples
    windows = windows_of(registry.load("family", task.family), task, examples, read_tokenizer(encoder))
    assert row.tokens == 2 * sum(len(window.input_ids) for window in singly(windows))


def test_a_sample_gives_about_as_many(
    tmp_path: Path, data: Path, encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of long data some examples are encoded; steps of what may take several windows are then only about right."""
    spec = spec_in(tmp_path, data, encoder=encoder, task="tydiqa", epochs=2, batch_size=4)
    (whole,) = planned(spec)
    monkeypatch.setattr(estimate, "_SAMPLE", 8)
    (part,) = planned(spec)
    assert (whole.exact, part.exact) == (True, False)
    assert part.tokens == pytest.approx(whole.tokens, rel=0.1)
    assert part.steps == pytest.approx(whole.steps, rel=0.1)
    (pairs,) = planned(spec_in(tmp_path, data, encoder=encoder, task="xnli", epochs=2, batch_size=4))
    assert pairs.exact


def test_an_encoder_that_is_not_here_is_not_fetched(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tokens and time are not known; examples, and steps where an example is one input, are."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    spec = spec_in(tmp_path, data, encoder="nobody/nothing", task="xnli", epochs=2, intermediate={"tasks": ["tydiqa"]})
    messages: list[str] = []
    first, last = plan_of(spec, messages.append)
    assert "hf download nobody/nothing" in messages[0]
    assert last.folder == tmp_path / "last"
    assert (first.examples, first.tokens, first.seconds, first.folder) == (32, None, None, None)
    assert (first.steps, first.epochs, first.exact) == (3, 3, False)
    assert (last.examples, last.steps, last.epochs, last.exact, last.cached) == (32, 2, 2, True, False)
    assert files(tmp_path) == []


def test_masked_lm_of_an_encoder_that_is_not_here(tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its lines are about its windows; beside a task the steps are known, since they are the task's."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    text = data / "text"
    beside = {"tasks": ["xnli"], "epochs": 1, "batch_size": 8, "masked_lm": 0.5, "text": text}
    first, last = planned(
        spec_in(tmp_path, data, encoder="nobody/nothing", mlm={"text": text, "steps": 7}, intermediate=beside)
    )
    assert (first.examples, first.counted, first.steps, first.learns) == (4, False, 7, ("masked_lm",))
    assert (last.examples, last.counted, last.steps, last.learns) == (32, True, 8, ("xnli", "masked_lm:0.5"))


def test_a_narrow_terminal_has_entries() -> None:
    """No figure is cut or lost where the table has no room; what is counted in a sample is marked."""
    row = EstimateRow(
        "intermediate", ("mnli", "masked_lm:0.5"), ("en",), 2066, 1234, 32, 56789, False, Path("runs/a-folder"), 9.0
    )
    for width, lines in ((300, 3), (80, 11)):
        shown = StringIO()
        print_plan(
            Console(file=shown, width=width, force_terminal=True, color_system=None), [replace(row, counted=False)]
        )
        output = shown.getvalue()
        for figure in (
            "~2,066",
            "1,234",
            "32",
            "~56,789",
            "runs/a-folder",
            "mnli, masked_lm:0.5",
            "under 1 min",
            "to do",
        ):
            assert figure in output
        assert len(output.splitlines()) >= lines
        assert max(map(len, output.splitlines())) <= width
    assert "  examples: ~2,066" in output.splitlines()


def test_data_are_not_translated_for_a_plan(tmp_path: Path, data: Path, encoder: Path) -> None:
    """As many examples as there will be, from the English ones; the model that translates is not looked for."""
    values = {"task": "xnli", "epochs": 1, "languages": ["en", "de", "sw"], "translated": "seq2seq:nobody/nothing"}
    (row,) = planned(spec_in(tmp_path, data, encoder=encoder, **values))
    assert (row.examples, row.steps, row.folder, row.languages) == (96, 3, tmp_path / "last", ("en", "de", "sw"))
    assert files(tmp_path) == []


def test_the_command_prints_a_table(tmp_path: Path, data: Path, encoder: Path) -> None:
    """A line a stage and a total, on stdout; bad data and names are one line, as in training."""
    words = ["--from", str(encoder), "--data", str(data), "--out", str(tmp_path / "run"), "--device", "cpu", "--plan"]
    done = CliRunner().invoke(build(), ["train", "--intermediate", "xnli,panx", "--tasks", "tydiqa", *words])
    assert done.exit_code == 0, done.output
    head, first, last, total = done.stdout.splitlines()
    assert head.split()[:2] == ["stage", "learns"]
    assert first.split()[:3] == ["intermediate", "xnli,", "panx"]
    assert str(tmp_path / "run") in last
    assert total.startswith("0 of 2 stages")
    assert files(tmp_path) == []
    missing = CliRunner().invoke(build(), ["train", "--tasks", "xquad", *words])
    assert (missing.exit_code, missing.stderr.count("\n")) == (2, 1)


def test_saved_steps_are_not_to_do(tmp_path: Path, data: Path, encoder: Path) -> None:
    """A stopped run is shown with its steps; with `force` all of them are to do."""
    spec = spec_in(tmp_path, data, task="panx", encoder=encoder, steps=6, batch_size=8)
    (fresh,) = planned(spec)
    with pytest.raises(Stopped):
        train(spec, Options(watch=stop_at(4), save_seconds=0.0))
    (row,) = planned(spec)
    assert (row.done, row.steps, row.cached, row.tokens) == (3, 6, False, round((fresh.tokens or 0) / 2))
    assert plan_of(spec, lambda _: None, force=True)[0].done == 0
    text = StringIO()
    print_plan(Console(file=text, width=200), (row,))
    assert "3 steps done" in text.getvalue()
    assert "still to train: steps 3," in text.getvalue()


def test_a_shipped_run_is_planned_from_its_file_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a connection, the model and the data: published sizes give the steps, and nothing is fetched."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("robust_xtreme.tasks.sources.hub._child", lambda *_: pytest.fail("it fetched"))
    done = CliRunner().invoke(build(), ["train", "paper_base", "--plan"])
    assert done.exit_code == 0, done.output
    assert "FacebookAI/xlm-roberta-base" in done.stderr
    assert "squad 87,599" in done.stderr
    _, first, last, total = done.stdout.splitlines()
    assert first.split()[:7] == ["intermediate", "squad", "en", "~87,599", "3", "~8,214", "32"]
    assert last.split()[:7] == ["target", "tydiqa", "en", "~3,696", "2", "~462", "16"]
    assert last.split()[-1] == "runs/paper-base"
    assert "~8,676" in total
    assert files(tmp_path) == []


@pytest.mark.parametrize(
    ("values", "examples", "steps"),
    [
        ({"task": "xnli,panx", "limit": "1000,panx=500"}, 1500, 48),
        ({"task": "xnli", "total": 640}, 640, 20),
        ({"task": "xnli", "steps": 7}, 392_702, 7),
        ({"task": "xnli,masakhaner"}, None, None),
        ({"task": "panx", "languages": "en,de"}, None, None),
    ],
)
def test_published_sizes_are_used_only_where_they_hold(
    values: Mapping[str, Any], examples: int | None, steps: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within the limits of a stage; without a published size the plan says which task has none, and does not fail."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    messages: list[str] = []
    given = {"epochs": 1} if "steps" not in values else {}
    spec = from_values(
        {"data": "hub", "out": tmp_path, "encoder": "nobody/nothing", "batch_size": 32, **given, **values}
    )
    (row,) = plan_of(spec, messages.append)
    assert (row.examples, row.counted, row.steps) == (examples, False, steps)
    task = str(values["task"]).rpartition(",")[2]
    assert examples is not None or f"size of {task}" in messages[1]
