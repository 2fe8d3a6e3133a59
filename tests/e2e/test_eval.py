"""One run of `eval`: what it writes, what strength 0 gives, how it continues, and what it refuses."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from tests.release import release
from tests.stats_rows import deltas, scores
from tests.tiny import tiny_run

import robust_xtreme
from robust_xtreme.core.contamination import unit
from robust_xtreme.core.errors import (
    Contamination,
    DiskError,
    Mismatch,
    MissingData,
    RobustXtremeError,
    SpecError,
)
from robust_xtreme.core.run_spec import RunSpec, from_toml
from robust_xtreme.files import store
from robust_xtreme.files.journal import JOURNAL
from robust_xtreme.files.schema import CONDITIONS, MODELS
from robust_xtreme.models.predictors import loaded as loaded_module
from robust_xtreme.models.predictors import predictor as batches_module
from robust_xtreme.report.evaluation import Evaluation
from robust_xtreme.run.plan import make_plan
from robust_xtreme.run.run import Observer, evaluate

TASKS = ("xnli", "panx", "xquad")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random model with a head for each task."""
    return tiny_run(tmp_path_factory.mktemp("model") / "tiny", TASKS)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Release files in miniature."""
    return release(tmp_path_factory.mktemp("files"))


@pytest.fixture(scope="module")
def spec(model: Path, files: Path, tmp_path_factory: pytest.TempPathFactory) -> RunSpec:
    """Everything, clean and at two strengths, two seeds."""
    out = tmp_path_factory.mktemp("runs") / "whole"
    perturb = ("char_noise:0,0.3",)
    return RunSpec((str(model),), str(files), tasks=TASKS, perturb=perturb, seeds=2, device="cpu", out=str(out))


@pytest.fixture(scope="module")
def whole(spec: RunSpec) -> Evaluation:
    """That run, finished."""
    return evaluate(spec)


def small(spec: RunSpec, out: Path, **changes: Any) -> RunSpec:
    """One task in two languages, in a folder of its own."""
    return replace(spec, **{"tasks": ("panx",), "limit": "8", "seeds": 1, "out": str(out), **changes})


@pytest.fixture(scope="module")
def little(spec: RunSpec, tmp_path_factory: pytest.TempPathFactory) -> tuple[RunSpec, dict[str, str]]:
    """A small run, finished, and the hashes of its files."""
    mine = small(spec, tmp_path_factory.mktemp("runs") / "little")
    return mine, hashes(evaluate(mine).folder)


def hashes(folder: Path) -> dict[str, str]:
    """The sha256 of every file of a run but its log."""
    every = [path for path in folder.rglob("*") if path.is_file() and path.name not in ("log.txt", ".lock", JOURNAL)]
    return {str(path.relative_to(folder)): store.sha256(path) for path in every}


def test_a_run_writes_its_files(whole: Evaluation) -> None:
    """A run writes all its files, and the manifest contains the hash of each."""
    names = {path.name for path in whole.folder.iterdir()}
    wanted = "run.toml manifest.json parts predictions.parquet stats.parquet scores.csv deltas.csv report.md log.txt"
    assert names >= set(wanted.split())
    files = json.loads((whole.folder / "manifest.json").read_text())["files"]
    assert files == {name: store.sha256(whole.folder / name) for name in files}


def test_every_cell_is_answered(whole: Evaluation) -> None:
    """Each task and language has a clean cell, and one per strength and group of fields; QA has two groups."""
    cells = whole.scores.filter(pl.col("scope") == "all").select("task", "language", "condition").unique()
    counts = dict(cells.group_by("task", "language").len().select(pl.concat_str("task", "language"), "len").iter_rows())
    assert counts == {"xnlien": 3, "xnlisw": 3, "panxen": 3, "panxsw": 3, "xquaden": 5}
    assert not any(row["reason"] == "failed" for row in whole.manifest["not_run"])


def test_no_path_clock_or_host_is_in_what_is_compared(whole: Evaluation, spec: RunSpec) -> None:
    """Paths are in run.toml alone, so the same model and data elsewhere give the same bytes."""
    for path in whole.folder.rglob("*"):
        if path.is_file() and path.name not in ("run.toml", "log.txt", JOURNAL):
            assert spec.data.encode() not in path.read_bytes(), path.name
            assert spec.model[0].encode() not in path.read_bytes(), path.name


@pytest.mark.usefixtures("no_pages")
@pytest.mark.parametrize("deduplicate", [True, False])
def test_strength_0_gives_a_delta_of_exactly_0_in_every_cell(
    whole: Evaluation, spec: RunSpec, tmp_path: Path, deduplicate: bool
) -> None:
    """The delta is 0 also when equal inputs are computed again, each condition in batches of its own."""
    result = whole if deduplicate else evaluate(replace(spec, out=str(tmp_path / "apart")), deduplicate=False)
    still = result.deltas.filter(pl.col("condition").str.contains("char_noise:0@"))
    assert len(still) == len(result.deltas) // 2 > 0
    assert still.get_column("drop").to_list() == [0.0] * len(still)
    assert still.get_column("grapheme_edit_rate").to_list() == [0.0] * len(still)
    assert result.scores.equals(whole.scores)


def test_noise_is_real_at_other_strengths(whole: Evaluation) -> None:
    """At 0.3 letters change, at about that rate, and token ids with them."""
    noisy = whole.scores.filter(pl.col("condition").str.contains("char_noise:0.3@"))
    assert noisy.get_column("grapheme_edit_rate").min() > 0.1  # type: ignore[operator]  # a float
    assert noisy.get_column("tokens_changed").min() > 0.5  # type: ignore[operator]  # a float


def test_edited_negators_are_counted_and_their_items_are_left_out_beside_the_drop(
    spec: RunSpec, files: Path, tmp_path: Path
) -> None:
    """Of the pairs of one language four have a word of negation; the noise spells it otherwise in each of them."""
    shutil.copytree(files, tmp_path / "files")
    path = tmp_path / "files" / "xnli" / "dev-en.tsv"
    rows = [line.split("\t") for line in path.read_text("utf-8").splitlines()]
    planted = [[*row[:1], "never" if number < 4 else row[1], row[2]] for number, row in enumerate(rows)]
    path.write_text("".join("\t".join(row) + "\n" for row in planted), encoding="utf-8")
    result = evaluate(
        replace(
            spec, tasks=("xnli",), data=str(tmp_path / "files"), perturb=("char_noise:1",), out=str(tmp_path / "out")
        )
    )
    noisy = result.predictions.filter(pl.col("condition") != "clean")
    assert noisy["numbers_edited"].to_list() == [0] * len(noisy)
    assert noisy.filter(language="en")["negators_edited"].sum() == 4 * 2
    cells = {row["language"]: row for row in result.deltas.iter_rows(named=True)}
    assert cells["en"]["label_risk"] == 4 / len(rows)
    assert cells["en"]["drop_without_risk"] is not None
    assert (cells["sw"]["label_risk"], cells["sw"]["drop_without_risk"]) == (0, cells["sw"]["drop"])
    assert "## Label risk" in (result.folder / "report.md").read_text("utf-8")


def test_permuted_example_ids_raise(whole: Evaluation) -> None:
    """Clean and noisy rows join by example and fingerprint; rows under each other's ids are an error naming one."""
    stats = whole.stats.filter((pl.col("task") == "panx") & ~pl.col("model").str.starts_with("floor/"))
    noisy = stats.filter(pl.col("condition") != "clean")
    ids = noisy.get_column("example").unique(maintain_order=True).to_list()
    turned = noisy.with_columns(pl.col("example").replace_strict(ids, ids[1:] + ids[:1]))
    mixed = pl.concat([stats.filter(pl.col("condition") == "clean"), turned])
    with pytest.raises(Mismatch, match="panx/validation"):
        deltas(mixed, scores(mixed, whole.predictions.filter(pl.col("task") == "panx")), {"panx": "span_f1"})


def test_the_same_command_again_computes_nothing(whole: Evaluation, spec: RunSpec) -> None:
    """A finished run is read again; not a byte changes."""
    before = hashes(whole.folder)
    messages: list[str] = []
    assert evaluate(spec, observer=Observer(say=messages.append)).scores.equals(whole.scores)
    assert (messages, hashes(whole.folder)) == ([], before)


def test_a_run_replays_from_its_file(little: tuple[RunSpec, dict[str, str]], tmp_path: Path) -> None:
    """run.toml gives the same bytes in another folder."""
    again = evaluate(from_toml(Path(little[0].out, "run.toml"), out=str(tmp_path / "again")))
    assert hashes(again.folder) == little[1]


def test_a_folder_of_another_spec_is_refused(whole: Evaluation, spec: RunSpec) -> None:
    """The error names the difference and the option --force."""
    with pytest.raises(Mismatch, match=r"seeds is 2.*--force"):
        evaluate(replace(spec, seeds=3))


def test_a_folder_that_no_run_wrote_is_refused(spec: RunSpec, tmp_path: Path) -> None:
    """A folder with other files is not written, not even with --force."""
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(Mismatch, match="no run of eval"):
        evaluate(replace(spec, out=str(tmp_path)), force=True)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.usefixtures("no_pages")
def test_another_model_in_the_same_place_is_refused(spec: RunSpec, model: Path, tmp_path: Path) -> None:
    """A run begun with one model never continues with another."""
    run = Path(shutil.copytree(model, tmp_path / "run"))
    mine = small(spec, tmp_path / "out", model=(str(run),))
    evaluate(mine)
    shutil.rmtree(run)
    tiny_run(run, TASKS, seed=5)
    with pytest.raises(Mismatch, match="another model"):
        evaluate(mine)
    evaluate(mine, force=True)


def test_other_data_in_the_same_place_are_refused(spec: RunSpec, files: Path, tmp_path: Path) -> None:
    """A changed row of the data is named by its language."""
    data = Path(shutil.copytree(files, tmp_path / "data"))
    mine = small(spec, tmp_path / "out", data=str(data))
    evaluate(mine)
    path = data / "panx" / "dev-sw.tsv"
    path.write_text(path.read_text().replace("mto", "ziwa"))
    with pytest.raises(Mismatch, match="panx sw"):
        evaluate(mine)


def test_scores_that_are_not_numbers_fail_their_cell_alone(
    spec: RunSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NaN under noise fails that cell; the clean cell and the other language are scored, and the page says so."""
    mine = small(spec, tmp_path / "out", perturb=("char_noise:0.3",))
    plan = make_plan(mine)
    clean = {
        example.texts["tokens"].value for task_run in plan.task_runs for example in plan.splits.of(task_run).examples
    }

    computed = batches_module.decoded

    def broken(weights_of: Any, reading: Any, labels: Any, inputs: Any, *rest: Any) -> Any:
        decoded = computed(weights_of, reading, labels, inputs, *rest)
        texts = zip((inputs.contents.ids[content] for content in inputs.content), inputs.values("tokens"), strict=True)
        poisoned = [id.split("/")[2] == "sw" and text not in clean for id, text in texts]
        return replace(decoded, finite=decoded.finite & ~np.array(poisoned))

    monkeypatch.setattr(batches_module, "decoded", broken)
    result = evaluate(mine)
    assert [(failure["language"], failure["condition"]) for failure in result.failed] == [
        ("sw", "char_noise:0.3@fields=tokens")
    ]
    assert set(result.scores.select(pl.concat_str("language", "condition")).to_series()) == {
        "enclean",
        "enchar_noise:0.3@fields=tokens",
        "swclean",
    }
    assert "NaN" in (result.folder / "report.md").read_text()
    assert evaluate(mine).failed == result.failed


def _short_of_memory(fails: Callable[[int], bool]) -> Callable[..., Any]:
    """`start`, with batches of some sizes failing as torch fails."""
    whole = loaded_module.start

    def short(checkpoint: Any, windows: Any) -> Any:
        if fails(len(windows) * int(windows.lengths.max())):
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return whole(checkpoint, windows)

    return short


def test_out_of_memory_halves_the_batch_once(spec: RunSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The halved batch is reported and recorded before work continues, and a resumed run starts with it."""
    mine = small(spec, tmp_path / "out", batch_tokens=400)
    messages: list[str] = []
    monkeypatch.setattr(loaded_module, "start", _short_of_memory(lambda tokens: tokens > 200))
    result = evaluate(mine, observer=Observer(say=messages.append))
    assert result.manifest["batch_tokens"] == 200
    assert any("200 tokens" in line for line in messages)
    assert "halved for memory" in (result.folder / "report.md").read_text()
    before = hashes(result.folder)
    for path in [*(result.folder / "parts").iterdir(), result.folder / "scores.csv"]:
        path.unlink()
    assert evaluate(mine).manifest["batch_tokens"] == 200
    assert hashes(result.folder) == before


def test_out_of_memory_twice_ends_the_run(spec: RunSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second time is an error that names the key to set."""
    monkeypatch.setattr(loaded_module, "start", _short_of_memory(lambda _: True))
    with pytest.raises(RobustXtremeError, match="--force, and batch_tokens = 100 in a file") as caught:
        evaluate(small(spec, tmp_path / "out", batch_tokens=400))
    assert caught.value.exit_code == 3
    assert "Traceback" in (tmp_path / "out" / "log.txt").read_text()


def test_what_cannot_be_evaluated_is_reported(spec: RunSpec, tmp_path: Path) -> None:
    """Languages without a file and splits without labels are skipped with a line each, kept in manifest and report."""
    messages: list[str] = []
    mine = small(spec, tmp_path / "out", tasks=("panx", "tydiqa"), languages=("en", "yo"))
    result = evaluate(mine, observer=Observer(say=messages.append))
    reasons = {(row["task"], row["language"]): row["reason"] for row in result.manifest["not_run"]}
    assert reasons == {("panx", "yo"): "missing", ("tydiqa", "en"): "unlabelled", ("tydiqa", "yo"): "missing"}
    assert sum(line.startswith("not run: ") for line in messages) == 3
    assert "unlabelled" in (result.folder / "report.md").read_text()


def test_a_reason_is_said_once_for_all_languages(spec: RunSpec, tmp_path: Path) -> None:
    """Each strength and language that a perturbation does not serve is kept in the manifest."""
    messages: list[str] = []
    perturb = ("code_switch:0.3,0.5@with=hi",)
    mine = small(spec, tmp_path / "out", tasks=("xnli",), languages=("en", "sw"), perturb=perturb)
    result = evaluate(mine, observer=Observer(say=messages.append))
    assert len(result.manifest["not_run"]) == 4
    (line,) = (line for line in messages if line.startswith("not run"))
    assert line.startswith("not run: xnli en, xnli sw: code_switch")


def test_nothing_left_to_evaluate_is_an_error(spec: RunSpec, tmp_path: Path) -> None:
    """A run without any unit writes no folder; the error prefers a file without labels to a missing file as reason."""
    with pytest.raises(MissingData, match="labels"):
        evaluate(small(spec, tmp_path / "out", tasks=("tydiqa",), languages=("yo", "en")))
    assert not (tmp_path / "out").exists()


def _full_after(writes: int) -> Callable[[int], None]:
    """`os.fsync` that fails after a number of writes, as on a full disk."""
    left = iter(range(writes))
    fsync = os.fsync

    def full(handle: int) -> None:
        if next(left, None) is None:
            raise OSError(errno.ENOSPC, "No space left on device")
        fsync(handle)

    return full


def test_a_full_disk_is_one_line_and_the_run_continues_later(
    little: tuple[RunSpec, dict[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ENOSPC at any file ends the run with nothing half-written; the same command then finishes it."""
    mine = replace(little[0], out=str(tmp_path / "out"))
    for allowed in (0, 3, 5, 8, 12, 14):
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", _full_after(allowed))
            with pytest.raises(DiskError, match="No space left"):
                evaluate(mine)
        assert not [path.name for path in (tmp_path / "out").rglob("*") if ".tmp" in path.name]
    assert hashes(evaluate(mine).folder) == little[1]


@pytest.mark.usefixtures("no_pages")
def test_fields_are_chosen_by_the_perturbation(spec: RunSpec, tmp_path: Path) -> None:
    """@fields=context noises the context alone, and a task without that field says so."""
    mine = small(spec, tmp_path / "out", tasks=("xquad", "panx"), perturb=("char_noise:0.3@fields=context",))
    result = evaluate(mine)
    conditions = set(result.scores.select(pl.concat_str("task", "condition")).to_series())
    assert conditions == {"panxclean", "xquadclean", "xquadchar_noise:0.3@fields=context"}
    assert [row["reason"] for row in result.manifest["not_run"] if row["task"] == "panx" and "condition" in row] == [
        "not_applicable"
    ]


def test_what_the_model_was_trained_on_is_refused_or_stamped(spec: RunSpec, model: Path, tmp_path: Path) -> None:
    """The hashes beside the stages are checked against what is evaluated, and allowed overlap is stamped everywhere."""
    run = Path(shutil.copytree(model, tmp_path / "run"))
    mine = small(spec, tmp_path / "out", model=(str(run),), tasks=("xnli",), languages=("en",))
    plan = make_plan(mine)
    examples = [example for planned in plan.task_runs for example in plan.splits.of(planned).examples]
    (run / "stages" / "01-target.hashes").write_text("".join(f"{unit(example).key}\n" for example in examples))
    with pytest.raises(Contamination, match=r"xnli en: 6 of 6 pairs are in the model's training data.*--allow-overlap"):
        evaluate(mine)
    result = evaluate(replace(mine, allow_overlap=True, languages=("en", "sw")))
    for frame in (result.scores, result.deltas):
        assert set(frame.select("language", "overlap").rows()) == {("en", True), ("sw", False)}
    stamp = "xnli en: 6 of 6 pairs are in the model's training data."
    assert result.manifest["overlap"] == [stamp]
    assert "6 of 6 pairs" in (result.folder / "report.md").read_text()
    assert "xnli/validation/en" in (result.folder / "models.csv").read_text()


def test_models_and_conditions_are_described(whole: Evaluation) -> None:
    """models.csv and conditions.csv contain a row for each model and condition of the run."""
    conditions = store.read_frame(whole.folder / "conditions.csv", CONDITIONS)
    assert set(conditions.get_column("condition")) == set(whole.scores.get_column("condition"))
    models = store.read_frame(whole.folder / "models.csv", MODELS)
    assert set(models.get_column("model")) == set(whole.scores.get_column("model"))


@pytest.mark.usefixtures("no_pages")
def test_evaluate_is_a_function_of_the_package(spec: RunSpec, tmp_path: Path) -> None:
    """From Python: values by name, frames back; a spec together with values is an error."""
    result = robust_xtreme.evaluate(
        model=spec.model[0], data=Path(spec.data), tasks="panx", limit="8", device="cpu", out=str(tmp_path / "out")
    )
    assert set(result.scores.get_column("metric")) == {"span_f1", "token_accuracy"}
    assert len(result.predictions) == 16
    with pytest.raises(SpecError, match="not both: seeds"):
        robust_xtreme.evaluate(spec, seeds=2)


def test_another_batch_size_does_not_touch_a_run_that_was_begun(spec: RunSpec, tmp_path: Path) -> None:
    """The batch size is not a part of the spec; a resumed run keeps the one it was begun with, and says so."""
    mine = small(spec, tmp_path / "out", batch_tokens=300)
    before = evaluate(mine).manifest["files"]
    (tmp_path / "out" / "scores.csv").unlink()
    messages: list[str] = []
    again = evaluate(replace(mine, batch_tokens=77), observer=Observer(say=messages.append))
    assert any("300 tokens" in line for line in messages)
    assert again.manifest["files"] == before
