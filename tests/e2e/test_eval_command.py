"""The command `eval`: bad input is one line and an exit code, and what it prints."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file
from tests.release import release
from tests.tiny import tiny_run
from typer.testing import CliRunner, Result

from robust_xtreme import load
from robust_xtreme.cli._app import build
from robust_xtreme.core.errors import DiskError
from robust_xtreme.files import store
from robust_xtreme.models.predictors import predictor as batches_module
from robust_xtreme.models.predictors.predictor import decoded
from robust_xtreme.run import run as run_module


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with two heads and the files of four tasks."""
    folder = tmp_path_factory.mktemp("command")
    tiny_run(folder / "tiny", ("xnli", "panx"))
    release(folder / "data")
    return folder


@pytest.fixture
def here(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with links `tiny` and `data`, where `runs/` is written."""
    for name in ("tiny", "data"):
        (tmp_path / name).symlink_to(folder / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


WORDS = ("--model", "tiny", "--data", "data", "--tasks", "panx", "--limit", "8", "--device", "cpu")


def call(*words: str) -> Result:
    """The command on the words given, as it ends."""
    return CliRunner().invoke(build(), ["eval", *words])


def line_of(result: Result) -> str:
    """The one line on stderr that an error is."""
    lines = [line for line in result.stderr.splitlines() if line.startswith("robust-xtreme: ")]
    assert len(lines) == 1, result.stderr
    assert "Traceback" not in result.stderr
    return lines[0]


@pytest.mark.usefixtures("no_pages")
@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--tasks", "pnx"), "There is no task named 'pnx'. Did you mean 'panx'?"),
        (("--languages", "zz"), "'zz'"),
        (("--languages", ""), "--languages"),
        (("--tasks", ","), "--tasks names none"),
        (("--perturb", "char_noise:1e-400"), "1e-20"),
        (("--data", "no\nwhere"), r"no\nwhere"),
        (("--data", "x" * 300), "too long"),
        (("--out", ""), "--out"),
        (("--model", ""), "--model"),
        (("--data", ""), "--data"),
        (("--trained-on", "eng"), "There is no language named 'eng'. Did you mean 'en'?"),
        (("--out", "x" * 300), "too long"),
        (("--limit", "9" * 5000), "is not N or TASK=N"),
        (("--seeds", "9" * 20), "10000"),
        (("--perturb", "char_nois:0.1"), "'char_noise'"),
        (("--perturb", "char_noise:-1"), "'-1'"),
        (("--perturb", "char_noise:nan"), "'nan'"),
        (("--perturb", "char_noise:"), "strength is missing"),
        (("--perturb", "char_noise"), "names no strength"),
        (("--perturb", ""), "--perturb"),
        (("--perturb", "char_noise:0.1@fields=premises"), "premises"),
        (("--perturb", "char_noise:0.1@ops=shout"), "shout"),
        (("--tasks", "xquad"), "no head for xquad"),
        (("--model", "nowhere"), "'nowhere'"),
        (("--model", "xnli=tiny"), "not evaluated"),
        (("--model", "tiny/model"), "without task heads"),
        (("--data", "nowhere"), "The data folder nowhere does not exist"),
        (("--split", "dev"), "'dev'"),
        (("--split", "test"), "Nothing is left"),
        (("--limit", "0"), "'0'"),
        (("--limit", "pnx=3"), "'pnx'"),
        (("--limit", "xnli=3"), "not evaluated"),
        (("--seeds", "0"), "below 1"),
        (("--seeds", "2"), "--seeds 2"),
        (("--tasks", "panx", "--scores"), "--scores"),
        (("--device", "tpu"), "'tpu'"),
        (("--config", "nowhere.toml"), "'nowhere.toml'"),
        (("--config", "char_nois"), "'char_noise'"),
        (("--config", "tiny"), "tiny/run.toml"),
        (("--data", "data/xnli/dev-en.tsv"), "--gold"),
        (("--out", "data/xnli/dev-en.tsv"), "is a file"),
    ],
)
def test_bad_words_are_one_line_and_exit_2(here: Path, words: tuple[str, ...], line: str) -> None:
    """What was wrong, what was probably meant, and nothing written."""
    given = [word for word in zip(WORDS[::2], WORDS[1::2], strict=True) if word[0] != words[0]]
    result = call(*(word for pair in given for word in pair), *words)
    assert (result.exit_code, line in line_of(result)) == (2, True), result.stderr
    assert not (here / "runs").exists()


def test_a_configuration_without_model_and_data_says_what_to_add(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run file for other data than mini names neither; the error asks for both, before it names the split."""
    monkeypatch.delenv("ROBUST_XTREME_DATA", raising=False)
    assert "--model NAME --data DIR" in line_of(call("--config", "char_noise_curve"))


@pytest.mark.usefixtures("no_pages")
@pytest.mark.parametrize(
    ("damage", "line"),
    [
        (lambda run: (run / "model/model.safetensors").unlink(), "contains no weights"),
        (lambda run: (run / "model/model.safetensors").rename(run / "model/pytorch_model.bin"), "only pickled weights"),
        (lambda run: (run / "heads/panx.safetensors").unlink(), "no head for panx"),
        (lambda run: (run / "heads/panx.json").write_text("{"), "panx.json"),
        (lambda run: (run / "model/config.json").write_text("[]"), "JSON object"),
        (lambda run: (run / "model/tokenizer.json").write_text("{}"), "cannot be loaded"),
    ],
)
def test_a_damaged_model_is_one_line_and_exit_2(here: Path, folder: Path, damage: Any, line: str) -> None:
    """A folder without weights, with a pickle only, without the head: reported before anything is computed."""
    run = Path(shutil.copytree(folder / "tiny", here / "damaged"))
    damage(run)
    result = call("--model", "damaged", *WORDS[2:])
    assert (result.exit_code, line in line_of(result)) == (2, True), result.stderr


def test_a_folder_that_cannot_be_made_is_one_line(here: Path) -> None:
    """A path through a file cannot be a folder, and nobody can create one under /proc."""
    for path, code in (("/dev/full/out", 2), ("/proc/out", 3)):
        result = call(*WORDS, "--out", path)
        assert result.exit_code == code, result.stderr
        assert path.rpartition("/")[0] in line_of(result)


def test_a_run_prints_its_table_and_its_report(here: Path) -> None:
    """Progress goes to stderr, the table and the path of the report to stdout; a second time the table alone."""
    result = call(*WORDS, "--perturb", "char_noise:0.3")
    assert result.exit_code == 0, result.stderr
    (folder,) = (here / "runs").iterdir()
    assert folder.name.startswith("eval-")
    assert f"Report: {folder.relative_to(here) / 'report.md'}" in result.stdout
    assert "not run: " in result.stderr
    again = call(*WORDS, "--perturb", "char_noise:0.3")
    assert (again.exit_code, again.stdout) == (0, result.stdout)
    assert again.stderr == f"Next: robust-xtreme eval --config {folder.relative_to(here)}/run.toml --seeds 3\n"


def test_a_run_in_which_nothing_was_perturbed_is_exit_2(here: Path) -> None:
    """Noise that serves no language, or edits nothing; the run is written, whole, and one without noise ends with 0."""
    for noise, why in (("diacritics:0.1", ""), ("char_noise:0", "no edits")):
        result = call(*WORDS, "--languages", "en", "--perturb", noise, "--out", "out")
        assert result.exit_code == 2
        assert "Nothing was perturbed" in result.stdout
        assert why in result.stdout
        assert "--languages en" in line_of(result)
        assert "Next" not in result.stderr
        assert load("out").manifest["complete"]
        shutil.rmtree("out")
    assert call(*WORDS, "--languages", "en", "--out", "out").exit_code == 0


def test_quiet_prints_no_progress(here: Path) -> None:
    """-q leaves nothing on stderr but that the model has no hashes."""
    result = call(*WORDS, "-q")
    assert (result.exit_code, result.stderr.count("\n"), "train.json" in result.stderr) == (0, 1, True)


def test_a_plan_computes_and_writes_nothing(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """--plan prints cells, rows, tokens and a time."""
    monkeypatch.setattr(run_module, "evaluate", lambda *_, **__: pytest.fail("it ran"))
    result = call(*WORDS, "--perturb", "char_noise:0.1,0.2", "--seeds", "3", "--plan")
    assert result.exit_code == 0, result.stderr
    assert "panx en (validation): 8 rows" in result.stdout
    assert "6 cells, 112 predictions, about " in result.stdout
    assert not (here / "runs").exists()
    (here / "out").mkdir()
    (here / "out" / "run.toml").write_text("# robust-xtreme eval --config run.toml\n", encoding="utf-8")
    (here / "out" / "scores.csv").touch()
    dry = call(*WORDS, "--force", "--dry-run", "--out", "out")
    assert "scores.csv as scores.csv.kept, run.toml as run.toml.kept" in dry.stdout
    assert (here / "out" / "scores.csv").exists()


def test_a_config_is_a_run_and_words_win(here: Path) -> None:
    """--config reads a run.toml; a word given beside it replaces its value."""
    call(*WORDS, "--out", "first")
    result = call("--config", "first/run.toml", "--limit", "4", "--plan")
    assert "panx en (validation): 4 rows" in result.stdout


def test_another_spelling_of_a_path_is_the_same_run(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without --out it has the same folder; the finished run is shown, also where it cannot be written."""
    first = call(*WORDS)
    assert f"read: model {(here / 'tiny').resolve()}; data {(here / 'data').resolve()}" in first.stderr.splitlines()

    def locked(path: Path) -> None:
        raise DiskError(f"{path}/.lock cannot be written")

    monkeypatch.setattr(store, "lock", locked)
    again = call("--model", "./tiny", "--data", str(here / "data"), *WORDS[4:])
    assert again.exit_code == 0
    assert [line[:6] for line in again.stderr.splitlines()] == ["Next: "]
    assert again.stdout == first.stdout.replace("Model tiny on data", f"Model ./tiny on {here / 'data'}")


def test_a_run_is_repeated_from_another_folder(here: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its run.toml names the folder that its paths count from, and not that of what is started there."""
    call(*WORDS, "--out", "first")
    shutil.copytree(folder / "tiny", here / "else" / "tiny")
    monkeypatch.chdir("else")
    replay = call("--config", "../first/run.toml", "--out", "second")
    assert replay.exit_code == 0, replay.stderr
    assert f"read: model {(here / 'tiny').resolve()}; data" in replay.stderr
    for name in ("predictions.parquet", "scores.csv", "report.md"):
        assert Path("second", name).read_bytes() == (here / "first" / name).read_bytes()


def test_a_shipped_file_is_named(here: Path) -> None:
    """--config takes the names of `config list`, from every folder."""
    result = call(*WORDS, "--config", "char_noise", "--languages", "en", "--plan")
    assert "panx en (validation): 8 rows" in result.stdout
    assert "2 cells" in result.stdout


@pytest.mark.usefixtures("no_pages")
def test_a_folder_that_is_removed_is_said(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the middle of a run: not a full disk, and what to do."""

    def remove(*words: Any) -> Any:
        shutil.rmtree(here / "out")
        return decoded(*words)

    monkeypatch.setattr(batches_module, "decoded", remove)
    result = call(*WORDS, "--out", "out", "--no-cache")
    assert (result.exit_code, "removed" in line_of(result)) == (3, True)


def test_a_folder_that_is_removed_at_the_beginning_is_said(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before and after the first files are written; the same command then runs."""
    write_text, make_folder = store.write_text, store.make_folder

    def before(path: Path, text: str, write: store.Write) -> str:
        shutil.rmtree(here / "out")
        return write_text(path, text, write)

    def between(path: Path) -> Path:
        if path.name == "parts":
            shutil.rmtree(here / "out")
        return make_folder(path)

    for name, removing in (("write_text", before), ("make_folder", between)):
        with monkeypatch.context() as patched:
            patched.setattr(store, name, removing)
            result = call(*WORDS, "--out", "out")
        assert (result.exit_code, "removed" in line_of(result)) == (3, True)
    assert sorted(path.name for path in (here / "out").glob("[!.]*")) == ["log.txt", "manifest.json", "parts"]
    assert call(*WORDS, "--out", "out").exit_code == 0


def test_a_link_to_nothing_is_not_a_folder(here: Path) -> None:
    """It is named with what it leads to."""
    (here / "out").symlink_to("gone")
    result = call(*WORDS, "--out", "out")
    assert (result.exit_code, "'gone'" in line_of(result)) == (2, True)


def test_a_failed_cell_is_exit_3_at_the_end(here: Path, folder: Path) -> None:
    """A model whose scores are NaN leaves a report, and says so."""
    run = Path(shutil.copytree(folder / "tiny", here / "sick"))
    path = run / "heads/panx.safetensors"
    save_file({name: tensor * float("nan") for name, tensor in load_file(str(path)).items()}, str(path))
    result = call("--model", "sick", *WORDS[2:], "--out", "out")
    assert (result.exit_code, "2 cells" in line_of(result)) == (3, True), result.stderr
    assert (here / "out/report.md").is_file()
    assert call("--model", "sick", *WORDS[2:], "--out", "out").exit_code == 3


def test_a_folder_in_use_is_exit_2(here: Path) -> None:
    """A second writer gets an error that names the first."""
    with store.lock(here / "out"):
        result = call(*WORDS, "--out", "out")
    assert (result.exit_code, "is writing" in line_of(result)) == (2, True)
