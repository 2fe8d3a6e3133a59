"""A run folder that was damaged: what can be made again is, and the rest is one line that names the file."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file
from tests.some import some
from tests.tiny import tiny_run

from robust_xtreme.core.errors import DataError, Mismatch, ModelError
from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.files import store
from robust_xtreme.files.journal import JOURNAL, Journal
from robust_xtreme.files.manifest import read_manifest, write_manifest
from robust_xtreme.files.schema import DELTAS, PREDICTIONS, SCORES, STATS
from robust_xtreme.report.document import render
from robust_xtreme.run import run
from robust_xtreme.run.estimate import estimate
from robust_xtreme.run.finish import finish
from robust_xtreme.run.folder import FILES, Folder
from robust_xtreme.run.plan import Plan
from robust_xtreme.run.run import Observer, evaluate

pytestmark = pytest.mark.usefixtures("unpaged")

_ROWS = "Bill\tB-PER\nGates\tI-PER\nran\tO\n\nRome\tB-LOC\n\n"


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> RunSpec:
    """A tiny finished run."""
    folder = tmp_path_factory.mktemp("finished")
    path = folder / "data" / "panx" / "test-en.tsv"
    path.parent.mkdir(parents=True)
    path.write_text(_ROWS)
    model = str(tiny_run(folder / "tiny", ["panx"]))
    spec = RunSpec((model,), str(folder / "data"), perturb=("char_noise:0.3",), device="cpu", out=str(folder / "out"))
    evaluate(spec)
    return spec


@pytest.fixture
def spec(finished: RunSpec, tmp_path: Path) -> RunSpec:
    """The run in a folder of its own, whose name polars would take for a pattern."""
    return replace(finished, out=str(shutil.copytree(finished.out, tmp_path / "out[1]")))


def _files(folder: str | Path) -> dict[str, bytes]:
    left_out = ("log.txt", ".lock", JOURNAL)
    return {p.name: p.read_bytes() for p in Path(folder).rglob("*") if p.is_file() and p.name not in left_out}


@pytest.mark.parametrize(
    "name",
    some(
        ["scores.csv", "deltas.csv", "models.csv", "report.md", "predictions.parquet", "stats.parquet"],
        ("scores.csv", "predictions.parquet"),
    ),
)
@pytest.mark.parametrize("damage", ["gone", "cut", "changed"])
def test_a_damaged_file_of_a_finished_run_is_written_again(spec: RunSpec, name: str, damage: str) -> None:
    """The same command puts back, byte for byte, what is missing, cut short or edited, and keeps what was edited."""
    before, messages = _files(spec.out), list[str]()
    path, kept = Path(spec.out) / name, {}
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(before[name][:40] if damage == "cut" else before[name].replace(b"0", b"1"))
    if damage != "gone" and path.read_bytes() != before[name]:
        kept = {f"{name}.kept": path.read_bytes()}
    evaluate(spec, observer=Observer(say=messages.append))
    assert _files(spec.out) == before | kept
    assert any(f"{name}.kept" in line for line in messages) == bool(kept)


def test_a_manifest_that_is_none_is_named(spec: RunSpec) -> None:
    """A broken manifest is one line with its path; `force` starts over."""
    before = _files(spec.out)
    for content in ("", "[]", "null", "{}", "3", "{", "[" * 100_000):
        (Path(spec.out) / "manifest.json").write_text(content)
        with pytest.raises(DataError, match=r"manifest\.json.*--force"):
            evaluate(spec)
    evaluate(spec, force=True)
    files = _files(spec.out)
    assert {name: content for name, content in files.items() if not name.endswith(".kept")} == before
    assert files["manifest.json.kept"] == b"[" * 100_000


def test_what_was_edited_in_a_finished_run_is_kept(spec: RunSpec) -> None:
    """Each start over gives it another name, and the plan says so before."""
    before, out, edited = _files(spec.out), Path(spec.out), ("report.md", "run.toml")
    for _ in range(2):
        for name in edited:
            with (out / name).open("a", encoding="utf-8") as file:
                file.write("# mine\n")
        messages = list[str]()
        planned = estimate(spec, force=True)[-1]
        evaluate(spec, force=True, observer=Observer(say=messages.append))
        assert messages[0] == planned
    assert "report.md as report.md.kept.2, run.toml as run.toml.kept.2" in planned
    kept = {f"{name}.kept{ending}": before[name] + b"# mine\n" for name in edited for ending in ("", ".2")}
    assert _files(out) == before | kept


def test_a_report_of_the_user_in_an_unfinished_run_is_kept(spec: RunSpec) -> None:
    """The run has written none yet."""
    before, out = _files(spec.out), Path(spec.out)
    manifest = read_manifest(out / "manifest.json")
    unfinished = {**manifest, "complete": False, "files": {"run.toml": manifest["files"]["run.toml"]}}
    write_manifest(out / "manifest.json", unfinished, Journal(out).write)
    for name in FILES[1:]:
        (out / name).unlink()
    (out / "report.md").write_text("mine")
    evaluate(spec)
    assert _files(out) == before | {"report.md.kept": b"mine"}


def test_a_run_without_its_file_is_started_over(spec: RunSpec) -> None:
    """It is named as damaged; `force` works, and a user's files stay."""
    before = _files(spec.out)
    (Path(spec.out) / "run.toml").unlink()
    (Path(spec.out) / "notes.txt").write_text("mine")
    with pytest.raises(Mismatch, match=r"run\.toml.*--force"):
        evaluate(spec)
    evaluate(spec, force=True)
    assert _files(spec.out) == before | {"notes.txt": b"mine"}


def test_a_manifest_of_another_schema_is_refused(spec: RunSpec) -> None:
    """A folder that another version of the frames wrote is not read as if it were of this one."""
    path = Path(spec.out) / "manifest.json"
    write_manifest(path, {**read_manifest(path), "schema_version": 9})
    with pytest.raises(Mismatch, match=r"schema version 9.*--force"):
        evaluate(spec)


def test_a_model_without_hashes_is_named_while_it_answers(spec: RunSpec) -> None:
    """Its train.json is missing, and nothing shows what its files were: said also where progress is not shown."""
    lines: list[str] = []
    evaluate(replace(spec, out=f"{spec.out}-again"), observer=Observer(say=lambda _: None, notice=lines.append))
    (line,) = lines
    assert "train.json" in line
    assert line in (Path(f"{spec.out}-again") / "log.txt").read_text(encoding="utf-8")


def test_parts_that_are_missing_are_computed_again(spec: RunSpec) -> None:
    """Without the folder of parts an unfinished run continues as if nothing had been computed."""
    before = _files(spec.out)
    shutil.rmtree(Path(spec.out) / "parts")
    (Path(spec.out) / "scores.csv").unlink()
    evaluate(spec)
    assert _files(spec.out) == before


def test_one_changed_byte_of_a_manifest_is_refused(spec: RunSpec) -> None:
    """In a value, a key, a blank or the digest: one line that names the file and the remedy."""
    path = Path(spec.out) / "manifest.json"
    content = path.read_bytes()
    for word in (
        b'"batch_tokens": ',
        b'"schema_version": ',
        b'"digest": "sha256:',
        b"digest",
        b"sha256",
        b"overlap",
        b"torch",
        b" ",
        b"char_noise",
    ):
        at = content.index(word) + len(word)
        for where in (at - 1, at):
            path.write_bytes(content[:where] + bytes([content[where] ^ 1]) + content[where + 1 :])
            with pytest.raises(DataError, match=r"manifest\.json.*--force"):
                evaluate(spec)
    path.write_bytes(content)
    assert evaluate(spec).scores.height


def test_a_manifest_of_an_older_version_has_no_digest(spec: RunSpec) -> None:
    """It is read as it is."""
    path = Path(spec.out) / "manifest.json"
    path.write_text("".join(line for line in path.read_text().splitlines(True) if '"digest"' not in line))
    before = path.read_bytes()
    assert evaluate(spec).scores.height
    assert path.read_bytes() == before


@pytest.mark.parametrize("kind", ["stats", "predictions"])
def test_a_part_that_cannot_be_read_is_computed_again(spec: RunSpec, kind: str) -> None:
    """A stopped run continues to the same bytes, and its log names the part's task and language."""
    before, messages = _files(spec.out), list[str]()
    (part,) = (Path(spec.out) / "parts").glob(f"*-{kind}-*.parquet")
    cut = part.read_bytes()[:100]
    part.write_bytes(cut)
    (Path(spec.out) / "scores.csv").unlink()
    evaluate(spec, observer=Observer(say=messages.append))
    assert _files(spec.out) == before | {f"{part.name}.kept": cut}
    assert any(line.startswith("warning: panx en") for line in messages)


def test_a_part_with_other_values_is_computed_again(spec: RunSpec) -> None:
    """A valid parquet file that the run did not write is recognised by its digest."""
    before = _files(spec.out)
    (path,) = (Path(spec.out) / "parts").glob("*-stats-*.parquet")
    rows = store.read_frame(path, STATS)
    store.write_frame(path, rows.with_columns(stats=rows["stats"].reverse()), STATS)
    changed = path.read_bytes()
    assert changed != before[path.name]
    (Path(spec.out) / "scores.csv").unlink()
    evaluate(spec)
    assert _files(spec.out) == before | {f"{path.name}.kept": changed}


@pytest.mark.parametrize("name", some(["scores", "deltas", "predictions", "stats"], 2))
def test_a_frame_with_other_values_is_not_read(spec: RunSpec, name: str) -> None:
    """Nor one that is gone, in Python or on a page: one line names the file and what writes it again, and that does."""
    result = evaluate(spec)
    (path,) = Path(spec.out).glob(f"{name}.*")
    frame = {"scores": SCORES, "deltas": DELTAS, "predictions": PREDICTIONS, "stats": STATS}[name]
    store.write_frame(path, getattr(result, name)[:1], frame)
    with pytest.raises(DataError, match=rf"{name}\..*was changed"):
        getattr(result, name)
    if path.suffix == ".csv":
        with pytest.raises(DataError, match=rf"{name}\.csv: was changed"):
            render(Path(spec.out))
    path.unlink()
    with pytest.raises(DataError, match=rf"{name}\..*is missing"):
        getattr(result, name)
    assert getattr(evaluate(spec), name).height > 1


def test_force_removes_only_what_the_run_wrote(spec: RunSpec) -> None:
    """A user's files stay, also among the parts; one line says so, and the plan says it before."""
    out, messages = Path(spec.out), list[str]()
    before = _files(out)
    mine = [out / "notes.txt", out / "plots" / "a.png", out / "plots" / ".draft.tmp", out / "parts" / "mine.parquet"]
    (out / "plots").mkdir()
    for path in mine:
        path.write_text("mine")
    old = out / "parts" / "xnli-sw-test-stats-0123456789abcdef.parquet"
    old.write_text("mine")  # a complete run lists its parts
    mine.append(old)
    stays = f"log.txt, notes.txt, parts/mine.parquet, parts/{old.name}, plots/"
    line = estimate(spec, force=True)[-1]
    assert line.endswith(stays)
    assert line not in estimate(spec)
    evaluate(spec, force=True, observer=Observer(say=messages.append))
    assert messages[0] == line
    assert [path.read_text() for path in mine] == ["mine"] * 5
    assert {
        name: content for name, content in _files(out).items() if out.joinpath(name) not in mine
    }.items() >= before.items()


def test_force_removes_nothing_where_the_model_cannot_be_loaded(spec: RunSpec, tmp_path: Path) -> None:
    """A model with a weight that is not a number is refused, and the earlier run is as it was."""
    run = tiny_run(tmp_path / "broken", ["panx"])
    weights = run / "model" / "model.safetensors"
    tensors = load_file(weights)
    tensors["embeddings.LayerNorm.bias"].fill_(float("nan"))
    save_file(tensors, weights, {"format": "pt"})
    before = _files(spec.out)
    with pytest.raises(ModelError, match="not finite"):
        evaluate(replace(spec, model=(str(run),)), force=True)
    assert _files(spec.out) == before


def test_a_linked_folder_of_parts_is_not_followed(spec: RunSpec, tmp_path: Path) -> None:
    """Files outside the run's folder are neither written nor removed."""
    parts = Path(spec.out) / "parts"
    parts.rename(tmp_path / "elsewhere")
    parts.symlink_to(tmp_path / "elsewhere")
    before = _files(tmp_path / "elsewhere")
    for force in (False, True):
        with pytest.raises(Mismatch, match="link"):
            evaluate(spec, force=force)
    assert _files(tmp_path / "elsewhere") == before


def test_a_part_that_changes_while_the_run_computes_is_not_merged(
    spec: RunSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run ends with one line, and the same command computes it again, with the bytes of a run without that."""

    def finish_changed(folder: Folder, plan: Plan, *given: Any) -> Mapping[str, Any]:
        path, _ = folder.parts(plan.task_runs[0])
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
        return finish(folder, plan, *given)

    again = replace(spec, out=str(tmp_path / "again"))
    with monkeypatch.context() as patch:
        patch.setattr(run, "finish", finish_changed)
        with pytest.raises(DataError, match="changed after"):
            evaluate(again)
    evaluate(again)
    assert _files(again.out)[FILES[0]] == _files(spec.out)[FILES[0]]
