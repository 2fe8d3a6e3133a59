"""`eval` on checkpoints of other people, in folders and from a hub on this machine, and its errors."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from safetensors import safe_open
from tests.checkpoints import NLI, QUESTION, SEQUENCE, TAGS, TOKEN, change, checkpoint, rewrite, turned
from tests.loopback import Loopback
from tests.release import release
from typer.testing import CliRunner, Result

from robust_xtreme.cli._app import build
from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.files import store
from robust_xtreme.files.schema import MODELS, PREDICTIONS
from robust_xtreme.run.run import evaluate

OTHER = "f" * 40


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Checkpoints of several kinds and heads, and release files."""
    folder = tmp_path_factory.mktemp("made")
    checkpoint(folder / "nli", "deberta_v2", SEQUENCE, NLI)
    turned(folder / "nli", folder / "turned", (1, 2, 0))
    checkpoint(folder / "ner", "xlm_roberta", TOKEN, TAGS)
    checkpoint(folder / "qa", "bert", QUESTION)
    checkpoint(folder / "unnamed", "bert", SEQUENCE, ("LABEL_0", "LABEL_1", "LABEL_2"))
    release(folder / "data")
    return folder


@pytest.fixture(autouse=True)
def here(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with links to them."""
    for path in made.iterdir():
        (tmp_path / path.name).symlink_to(path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ROBUST_XTREME_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "home" / "hub"))
    return tmp_path


def _cached(here: Path, name: str) -> Path:
    """The folder of a model's commit OTHER in the cache of the hub's clients."""
    return here / "home" / "hub" / f"models--{name}" / "snapshots" / OTHER


@pytest.fixture
def hub(made: Path, tmp_path: Path) -> Iterator[Loopback]:
    """A hub with the checkpoint `own/nli`, which this process asks without a child."""
    with Loopback() as server, server.lent(tmp_path / "home"):
        server.put_folder("model", "own/nli", made / "nli")
        yield server


def call(*words: str) -> Result:
    """The command on a few English pairs."""
    fixed = ("--data", "data", "--languages", "en", "--limit", "9", "--device", "cpu", "--out", "out")
    return CliRunner().invoke(build(), ["eval", *words, *fixed])


def refused(*words: str, kept: bool = False) -> tuple[int, str]:
    """The exit code and the one line of a command that fails; nothing is written or `kept`."""
    result = call(*words)
    (line,) = (line for line in result.stderr.splitlines() if line.startswith("robust-xtreme: "))
    assert "Traceback" not in result.stderr
    assert Path("out", "manifest.json").exists() == kept
    return result.exit_code, line


def test_three_checkpoints_answer_three_tasks(here: Path) -> None:
    """Each task is answered by the one that has a head for it, clean and perturbed; the report names them."""
    result = call("--model", "nli", "--model", "ner", "--model", "xquad=qa", "--perturb", "char_noise:0.2")
    assert result.exit_code == 0, result.stderr
    manifest = json.loads(Path("out/manifest.json").read_text())
    models = {model["task"]: model for model in manifest["models"]}
    assert {task: model["model"].partition("@")[0] for task, model in models.items()} == {
        "xnli": "nli",
        "panx": "ner",
        "xquad": "qa",
    }
    assert models["xnli"]["labels"] == {"CONTRADICTION": "contradiction", "entailment": "entailment"} | {
        "Neutral": "neutral"
    }
    assert any("B-MISC" in note for note in manifest["notes"])
    for name in ("report.md", "log.txt"):
        assert "B-MISC" in Path("out", name).read_text()
    rows = store.read_frame(Path("out/models.csv"), MODELS)
    assert rows.get_column("params").min() > 0  # type: ignore[operator]  # a column of whole numbers
    predictions = store.read_frame(Path("out/predictions.parquet"), PREDICTIONS)
    assert set(predictions.get_column("setting")) == {"unknown"}
    assert set(predictions.get_column("condition")) > {"clean"}


@pytest.mark.usefixtures("no_pages")
def test_the_order_of_classes_changes_no_row(here: Path) -> None:
    """A model and its twin with permuted classes give the same predictions, item by item."""
    frames = []
    for name in ("nli", "turned"):
        spec = RunSpec((name,), "data", perturb=("char_noise:0.3",), device="cpu", out=f"out-{name}", limit="30")
        frames.append(evaluate(spec).predictions.drop("model"))
    assert frames[0].equals(frames[1])
    assert frames[0].get_column("prediction").n_unique() > 1
    assert frames[0].filter(pl.col("condition") == "clean").height == 60


@pytest.mark.usefixtures("no_pages")
def test_classes_without_names_need_the_flag(here: Path) -> None:
    """They are refused with the name of the flag, and answered with the flag."""
    code, line = refused("--model", "unnamed")
    assert (code, "--labels xnli=entailment,neutral,contradiction" in line) == (2, True)
    assert call("--model", "unnamed", "--labels", "xnli=entailment,neutral,contradiction").exit_code == 0


@pytest.mark.usefixtures("no_pages")
def test_a_run_that_fails_before_its_first_unit_claims_no_folder(here: Path) -> None:
    """The repaired model answers in the same folder, with any options; a run with a part keeps its options."""
    words = ("--perturb", "char_noise:0.2")
    folder = checkpoint(here / "late", "bert", SEQUENCE, NLI)
    rewrite(folder, lambda weights: {name: tensor for name, tensor in weights.items() if name != "classifier.bias"})
    assert "classifier.bias" in refused("--model", "xnli=late", *words, kept=True)[1]
    checkpoint(folder, "bert", SEQUENCE, NLI)
    assert call("--model", "xnli=late", *words).exit_code == 0
    assert call("--model", "nli").exit_code == 2
    assert call("--model", "xnli=late", *words).exit_code == 0


@pytest.mark.usefixtures("no_pages")
def test_a_run_that_failed_in_vain_can_be_given_other_words(here: Path) -> None:
    """Where nothing was computed, another model and other perturbations are accepted too."""
    folder = checkpoint(here / "late", "bert", SEQUENCE, NLI)
    rewrite(folder, lambda weights: {name: tensor for name, tensor in weights.items() if name != "classifier.bias"})
    refused("--model", "xnli=late", kept=True)
    assert call("--model", "nli", "--perturb", "char_noise:0.2").exit_code == 0
    assert "char_noise" in Path("out/run.toml").read_text()


def test_a_model_too_short_for_one_task_is_reported_before_another_is_computed(here: Path) -> None:
    """The configuration is checked when the run is planned: no folder is made."""
    folder = checkpoint(here / "short", "bert", QUESTION)
    name = "bert.embeddings.position_embeddings.weight"
    rewrite(folder, lambda weights: {**weights, name: weights[name][:128].clone()})
    change(folder, {"max_position_embeddings": 128})
    code, line = refused("--model", "nli", "--model", "xquad=short", "--tasks", "xnli,xquad")
    assert (code, "128 tokens" in line) == (2, True), line


def test_other_weights_of_the_same_name_are_never_answered_from_the_cache(here: Path, tmp_path: Path) -> None:
    """Weights that an index names by any name are computed again when they change."""
    for seed in (0, 1):
        folder = checkpoint(here / f"seed{seed}", "bert", SEQUENCE, NLI, seed=seed)
        (folder / "model.safetensors").rename(folder / "mine.safetensors")
        with safe_open(str(folder / "mine.safetensors"), framework="numpy") as weights:
            index = {"metadata": {}, "weight_map": dict.fromkeys(weights.keys(), "mine.safetensors")}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    assert call("--model", "seed0").exit_code == 0
    (here / "seed1" / "mine.safetensors").replace(here / "seed0" / "mine.safetensors")
    result = call("--model", "seed0", "--force", "--verbose")
    assert result.exit_code == 0
    assert ", 0 from the cache" in Path("out/log.txt").read_text()


@pytest.mark.usefixtures("no_pages")
def test_a_model_of_the_hub_answers_and_its_commit_is_kept(hub: Loopback, here: Path) -> None:
    """Name, commit and identity are in models.csv; the same again opens no connection where that is asked for."""
    sha = hub.main["model", "own/nli"]
    result = call("--model", "own/nli")
    assert result.exit_code == 0, result.stderr
    (row,) = store.read_frame(Path("out/models.csv"), MODELS).iter_rows(named=True)
    assert (row["revision"], row["model"]) == (sha, f"own/nli@{row['identity'][:8]}")
    assert any(sha in note for note in json.loads(Path("out/manifest.json").read_text())["notes"])
    asked = len(hub.asked)
    assert call("--model", "own/nli", "--revision", sha, "--offline", "--force").exit_code == 0
    assert call("--model", "own/nli", "--offline", "--force").exit_code == 0
    assert len(hub.asked) == asked


@pytest.mark.usefixtures("no_pages")
def test_another_commit_is_another_model(hub: Loopback, made: Path) -> None:
    """A branch that moved on is refused in a run that was begun with an older commit, and never mixed with it."""
    first = hub.main["model", "own/nli"]
    assert call("--model", "own/nli").exit_code == 0
    hub.put_folder("model", "own/nli", made / "turned")
    result = call("--model", "own/nli")
    assert (result.exit_code, "another model" in result.stderr) == (2, True)
    assert call("--model", "own/nli", "--revision", first, "--force").exit_code == 0


@pytest.mark.usefixtures("no_pages")
@pytest.mark.parametrize(
    ("words", "faults", "code", "line"),
    [
        (("own/none",), {}, 2, "own/none"),
        (("own/nli", "--revision", OTHER), {}, 2, "ffffffff"),
        (("own/nli",), {"own/nli": "gated"}, 2, "gated"),
        (("own/nli",), {"own/nli": "503"}, 3, "503"),
        (("own/nli", "--offline"), {}, 2, "hub's cache"),
        (("nli", "--revision", OTHER), {}, 2, "on this machine"),
    ],
)
def test_what_the_hub_refuses_is_one_line(
    words: tuple[str, ...], faults: dict[str, str], code: int, line: str, hub: Loopback
) -> None:
    """A mistake ends with 2 and a failure of the hub with 3, in one line that names the model.

    What else a hub can do wrong is in tests/unit/tasks/test_hub.py.
    """
    hub.faults.update(faults)
    message = refused("--model", *words)
    assert (message[0], line in message[1]) == (code, True), message


def test_a_hub_that_is_down_is_one_line(hub: Loopback) -> None:
    """The error says that the hub could not be reached, and that there is no such folder either."""
    hub.server.shutdown()
    hub.server.server_close()
    code, line = refused("--model", "own/nli")
    assert (code, "no folder 'own/nli'" in line) == (3, True), line


@pytest.mark.usefixtures("no_pages")
def test_a_commit_that_is_not_in_the_cache_is_never_another_one(made: Path, here: Path) -> None:
    """Without a connection another cached revision is not used."""
    shutil.copytree(made / "nli", _cached(here, "own--nli"))
    assert call("--model", "own/nli", "--revision", OTHER, "--offline").exit_code == 0
    result = call("--model", "own/nli", "--revision", "e" * 40, "--offline", "--force")
    assert (result.exit_code, "hub's cache" in result.stderr) == (2, True)


@pytest.mark.usefixtures("no_pages")
@pytest.mark.parametrize(
    ("lost", "content", "line"),
    [
        ("model.safetensors", b"\xff" * 4096, "is damaged"),
        ("model.safetensors", b"", "is damaged"),
        ("model.safetensors", None, "has no model.safetensors"),
        ("config.json", b"{", "cannot be read"),
        ("config.json", None, "contains no config.json"),
        ("tokenizer.json", b"{", "cannot be loaded"),
        ("tokenizer.json", None, "own/bad"),
    ],
)
def test_bad_files_of_the_hub_are_one_line(lost: str, content: bytes | None, line: str, made: Path, here: Path) -> None:
    """Wrong bytes and files that are missing, the tokenizer's too, in the folder where the hub's clients put them."""
    folder = Path(shutil.copytree(made / "nli", _cached(here, "own--bad")))
    (folder / lost).unlink()
    if content is not None:
        (folder / lost).write_bytes(content)
    elif lost == "tokenizer.json":
        (folder / "tokenizer_config.json").unlink()
    message = refused("--model", "own/bad", "--revision", OTHER, "--offline")
    assert (message[0], line in message[1]) == (2, True), message


@pytest.fixture
def short(made: Path, tmp_path: Path) -> Path:
    """The tagger with 62 positions, fewer than the inputs of any task."""
    folder = Path(shutil.copytree(made / "ner", tmp_path / "short"))
    name = "roberta.embeddings.position_embeddings.weight"
    rewrite(folder, lambda weights: {**weights, name: weights[name][:64].clone()})
    change(folder, {"max_position_embeddings": 64})
    return folder


def test_a_model_that_reads_few_tokens_does_not_stop_a_run(short: Path) -> None:
    """Its task is left out by name, on stderr and in the report, with the key that cuts the task's inputs."""
    result = call("--model", "panx=short", "--model", "nli")
    assert result.exit_code == 0, result.stderr
    line = 'panx: its inputs have 128 tokens, but short reads 62. To cut them: max_length = ["panx=62"]'
    assert f"warning: left out: {line}" in result.stderr
    assert line.removeprefix("panx: ") in Path("out/report.md").read_text().replace("\\", "")
    _, line = refused("--model", "panx=short", "--tasks", "panx", "--force", kept=True)
    assert (
        'Leave panx out of --tasks, cut its inputs (max_length = ["panx=62"] in a file for --config), or take' in line
    )


def cut(length: str) -> tuple[str, str]:
    """The words that name a file with a length of a task's inputs."""
    Path("length.toml").write_text(f'max_length = ["{length}"]')
    return ("--config", "length.toml")


@pytest.mark.usefixtures("no_pages")
def test_a_length_is_in_the_settings_of_the_cells(short: Path) -> None:
    """It is part of the run's file and identity; a task that is not evaluated is refused."""
    result = call("--model", "panx=short", "--tasks", "panx", *cut("panx=62"))
    assert result.exit_code == 0, result.stderr
    settings = store.read_frame(Path("out/predictions.parquet"), PREDICTIONS).get_column("inference")
    assert settings.unique().to_list() == ["max_length=62 stride=0 precision=fp32"]
    assert json.loads(Path("out/manifest.json").read_text())["spec"]["max_length"] == ["panx=62"]
    _, line = refused("--model", "panx=short", "--tasks", "panx", *cut("panx=61"), kept=True)
    assert "contains another run: its key max_length is panx=62, not panx=61" in line
    _, line = refused("--model", "nli", "--tasks", "xnli", *cut("panx=61"), "--force", kept=True)
    assert "max_length names 'panx', but that task is not evaluated (evaluated: xnli)." in line


def test_the_legend_names_who_says_what_a_checkpoint_was_trained_on(made: Path, here: Path) -> None:
    """The user, the model card, or nobody; the frame of the cells agrees."""
    card = Path(shutil.copytree(made / "nli", here / "card"))
    (card / "README.md").write_text("---\nlanguage: [de, en]\n---\n")
    for words, setting, line in (
        (
            ("xnli=nli",),
            "unknown",
            "xnli: unknown, since the checkpoint does not say; --trained-on names the languages.",
        ),
        (("xnli=card",), "in_language", "xnli: by the model card (de, en), which can name languages of pretraining."),
        (("xnli=card", "--trained-on", "de"), "zero_shot", "xnli: by --trained-on (de)."),
    ):
        result = call("--model", *words, "--force")
        assert result.exit_code == 0, result.stderr
        assert line in Path("out/report.md").read_text().replace("\\", "")
        rows = store.read_frame(Path("out/predictions.parquet"), PREDICTIONS)
        assert rows.get_column("setting").unique().to_list() == [setting]
