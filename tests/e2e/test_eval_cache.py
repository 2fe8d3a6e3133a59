"""The cache in a run of `eval`: what is computed again, and that results do not depend on the cache."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
import torch
from tests.cached_runs import Begun, Runs, count, tables
from tests.forks import forked
from tests.release import release
from tests.tiny import tiny_run

from robust_xtreme import models
from robust_xtreme.core.errors import SpecError
from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.files import cache as files_cache
from robust_xtreme.files.cache import info
from robust_xtreme.models import loading
from robust_xtreme.models.predictors import cache as cache_module
from robust_xtreme.models.predictors import loaded as loaded_module
from robust_xtreme.models.predictors import predictor as batches_module
from robust_xtreme.models.reading.members.labelled import tagging
from robust_xtreme.report.evaluation import Evaluation
from robust_xtreme.run import answering
from robust_xtreme.run.run import Observer, evaluate

pytestmark = pytest.mark.usefixtures("unpaged")

TASKS: Final = ("xnli", "panx", "xquad")
ALL: Final[dict[str, Any]] = {"tasks": TASKS, "limit": "6"}
MORE: Final = ("char_noise:0.2,0.4",)
NAME: Final = "cache-v1.sqlite3"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random model with a head for each task."""
    return tiny_run(tmp_path_factory.mktemp("model") / "tiny", TASKS)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Release files in miniature."""
    return release(tmp_path_factory.mktemp("files"))


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Begun:
    """Runs that are computed when they are first asked for."""
    return Begun(tmp_path_factory.mktemp("begun"))


@pytest.fixture
def runs(model: Path, files: Path, begun: Begun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runs:
    """Runs of one task in two languages at one strength, whose predictions are counted."""
    spec = RunSpec((str(model),), str(files), tasks=("panx",), perturb=("char_noise:0.2",), limit="8", device="cpu")
    all_runs = Runs(spec, tmp_path, begun)
    begun.run(spec)
    count(all_runs, monkeypatch)
    return all_runs


def test_one_more_strength_computes_the_changed_texts_only(runs: Runs, cache: Path) -> None:
    """Inputs of the first run are not computed again, log and progress count them; the results are the same bytes."""
    first = runs.first(**ALL)
    clean_and_02 = set(runs.computed)
    assert runs.total[1:] == (len(runs.computed), 0)
    result = runs.run("second", perturb=MORE, **ALL)
    assert clean_and_02 & set(runs.computed) == set()
    asked, inputs, cached = runs.total
    assert cached == len(clean_and_02)
    assert inputs - cached == len(runs.computed) > 0
    lines = [line for line in runs.messages if line.startswith("xnli sw: ")]
    assert len(lines) == 1
    assert re.fullmatch(r"xnli sw: \d+ predictions of \d+ distinct inputs, [1-9]\d* from the cache", lines[0])
    log = (result.folder / "log.txt").read_text()
    assert lines[0] in log
    assert f"in all: {asked} predictions of {inputs} distinct inputs, {cached} from the cache" in log
    shutil.rmtree(cache)
    assert tables(runs.run("empty", perturb=MORE, **ALL)) == tables(result)
    assert runs.total == (asked, inputs, 0)
    assert tables(runs.run("without", cache=False, perturb=MORE, **ALL)) == tables(result)
    assert not any("cache" in line for line in runs.messages)
    assert tables(runs.run("again", **ALL)) == tables(first)
    assert runs.computed == []


def test_the_same_run_elsewhere_loads_no_model(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run whose inputs are all in the cache does not read the weights."""
    before = tables(runs.first())
    monkeypatch.setattr(loading.Models, "load", lambda *_: pytest.fail("a model was loaded"))
    assert tables(runs.run("second")) == before
    assert runs.total[1] == runs.total[2]


def test_without_the_cache_nothing_is_read_or_kept(runs: Runs, cache: Path) -> None:
    """--no-cache computes everything and leaves no file."""
    runs.run("first", cache=False)
    assert not cache.exists()
    runs.run("second")
    assert runs.total[2] == 0
    runs.run("third", cache=False)
    assert len(runs.computed) == info().kinds["predictions"].entries > 0


def test_without_deduplication_everything_is_computed(runs: Runs) -> None:
    """Equal inputs are computed again in batches of their own, whatever the cache contains."""
    runs.first()
    asked = runs.total[0]
    runs.run("second", deduplicate=False)
    assert len(runs.computed) == asked
    assert not any("cache" in line for line in runs.messages)


def test_the_noise_is_not_part_of_a_key(runs: Runs) -> None:
    """Strength 0 reads the predictions of clean texts; another seed does not; a part of the data finds its inputs."""
    runs.first()
    runs.run("zero", perturb=("char_noise:0",))
    assert runs.computed == []
    runs.run("seeds", seeds=2)
    assert 0 < len(runs.computed) < runs.total[1]
    runs.run("part", limit="3", languages=("sw",))
    assert runs.computed == []


def _other_answers(document: Any) -> Any:
    """A SQuAD file whose answers are the first letter of their contexts."""
    for paragraph in (paragraph for article in document["data"] for paragraph in article["paragraphs"]):
        for question in paragraph["qas"]:
            question["answers"] = [{"answer_start": 0, "text": paragraph["context"][:1]}]
    return document


def test_gold_is_not_part_of_a_key(runs: Runs, files: Path, tmp_path: Path) -> None:
    """Other labels, tags and answers to the same texts take the same predictions, and are scored again.

    Noise respects the spans of answers, so perturbed passages are other texts.
    """
    before = runs.first(**ALL).scores
    data = Path(shutil.copytree(files, tmp_path / "data"))
    for path in (data / "panx").glob("dev-*.tsv"):
        path.write_text(path.read_text().replace("\tO", "\tB-LOC"))
    for path in (data / "xnli").glob("*.tsv"):
        path.write_text(path.read_text().replace("neutral", "entailment"))
    contexts = set[str]()
    for path in (data / "xquad").glob("*.json"):
        articles = json.loads(path.read_text())["data"]
        contexts |= {paragraph["context"] for article in articles for paragraph in article["paragraphs"]}
        path.write_text(json.dumps(_other_answers(json.loads(path.read_text()))))
    after = runs.run("second", data=str(data), **ALL).scores
    assert [text for text in runs.computed if any(context in text for context in contexts)] == []
    assert len(runs.computed) < runs.total[1] / 10
    assert not after.equals(before)


def _identity(runs: Runs) -> dict[str, Any]:
    tiny_run(runs.folder / "other", TASKS, seed=7)
    return {"model": (str(runs.folder / "other"),)}


def _bf16(_: Runs) -> dict[str, Any]:
    return {"precision": "bf16"}


@pytest.mark.parametrize("other", [_identity, _bf16])
def test_another_model_or_precision_finds_nothing(runs: Runs, other: Callable[[Runs], dict[str, Any]]) -> None:
    """Predictions of other weights, or in another precision, are not used."""
    runs.first()
    runs.run("second", **other(runs))
    assert runs.total[2] == 0


def test_a_model_is_known_by_what_it_is(runs: Runs, model: Path) -> None:
    """The same files in another folder are the same model, whichever other tasks are in the run."""
    runs.first(tasks=("panx", "xnli"))
    runs.run("second", model=(str(shutil.copytree(model, runs.folder / "copy")),))
    assert runs.computed == []


def test_another_version_or_device_or_library_finds_nothing(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    """The version of our inference, the device and the libraries' versions are parts of every key."""
    runs.first()
    settings = cache_module.settings
    for turn, (old, new) in enumerate(
        (('"cpu"', '"cuda: H200"'), (version("torch"), "9.9"), ('"inference": [1,', '"inference": [2,'))
    ):
        with monkeypatch.context() as patch:
            patch.setattr(answering, "settings", lambda *all, old=old, new=new: settings(*all).replace(old, new))
            runs.run(f"other{turn}")
        assert runs.total[2] == 0
    runs.run("same")
    assert runs.computed == []


def test_other_code_of_a_family_finds_nothing(runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A change of the source that encodes and decodes changes the keys."""
    runs.first()
    source = Path(models.__file__).parent
    shutil.copytree(source, tmp_path / "models")
    with (tmp_path / "models" / "predictors" / "heads" / "tagging.py").open("a") as file:
        file.write("# changed\n")
    monkeypatch.setattr(models, "__file__", str(tmp_path / "models" / "__init__.py"))
    cache_module._code.cache_clear()
    runs.run("second")
    cache_module._code.cache_clear()
    assert runs.total[2] == 0


def _keys(path: Path) -> list[Any]:
    with closing(sqlite3.connect(path)) as db:
        return db.execute("SELECT key, value FROM entries ORDER BY key").fetchall()


def test_damaged_entries_are_computed_again_and_replaced(runs: Runs, cache: Path) -> None:
    """With the wrong checksum, and with a right one but no prediction in them; the others stay."""
    before = tables(runs.first())
    stored = _keys(cache / NAME)
    damages = [(value, right) for value in (b"{", b'{"Tags": [1]}', b'{"Choice": "\xff"}') for right in (False, True)]
    with closing(sqlite3.connect(cache / NAME)) as db, db:
        for (key, _), (value, right) in zip(stored, damages, strict=False):
            checksum = next(files_cache._checksums("predictions", [(key, value)])) if right else b"12345678"
            db.execute("UPDATE entries SET value = ?, checksum = ? WHERE key = ?", (value, checksum, key))
    assert tables(runs.run("second")) == before
    assert len(runs.computed) == len(damages) < len(stored)
    assert _keys(cache / NAME) == stored


def test_a_damaged_database_costs_one_line_and_what_it_held(runs: Runs, cache: Path) -> None:
    """The damaged database is set aside, everything is computed again, and the results are the same bytes."""
    before = tables(runs.first())
    (cache / NAME).write_bytes(b"nothing of use" * 5000)
    assert tables(runs.run("second")) == before
    assert len(runs.warnings) == 1
    assert runs.total[2] == 0
    assert runs.warnings[0] in (runs.folder / "second" / "log.txt").read_text()
    assert tables(runs.run("third")) == before
    assert (runs.warnings, runs.computed) == ([], [])


@pytest.mark.parametrize("folder", ["/proc", "/dev/null", "log.txt"])
def test_a_cache_that_cannot_be_is_one_line(runs: Runs, folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the cache cannot be written, the run is complete without it."""
    before = tables(runs.first())
    folder = str(runs.folder / "first" / folder)
    monkeypatch.setenv("ROBUST_XTREME_CACHE", folder)
    assert tables(runs.run("second")) == before
    assert len(runs.warnings) == 1
    assert folder in runs.warnings[0]


def test_a_limit_that_is_not_a_size_is_reported_before_anything_is_written(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A limit that is not a size is a user error; without the cache it is not read."""
    monkeypatch.setenv("ROBUST_XTREME_CACHE_LIMIT", "much")
    with pytest.raises(SpecError, match="ROBUST_XTREME_CACHE_LIMIT is 'much'"):
        runs.run("first")
    assert not (runs.folder / "first").exists()
    runs.run("first", cache=False)


def test_a_small_limit_changes_no_result(runs: Runs, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache with a very small limit makes runs slower and changes nothing else."""
    before = tables(runs.first())
    monkeypatch.setenv("ROBUST_XTREME_CACHE_LIMIT", "20kB")
    assert tables(runs.run("second")) == before
    assert tables(runs.run("third")) == before
    assert (cache / NAME).stat().st_size <= 20_000
    assert runs.warnings == []


def test_scores_that_are_not_finite_are_not_kept(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failed prediction is not stored and is tried again."""

    computed = batches_module.decoded

    def sick(*words: Any) -> Any:
        decoded = computed(*words)
        return replace(decoded, finite=np.zeros_like(decoded.finite))

    with monkeypatch.context() as patch:
        patch.setattr(batches_module, "decoded", sick)
        assert runs.run("sick").failed
    assert not runs.run("well").failed
    assert runs.total[2] == 0


def test_batches_are_halved_among_what_is_missing(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    """Out of memory in a run that is partly from the cache is reported, and the scores are the same."""
    wanted = runs.run("wanted", cache=False, perturb=MORE).scores
    runs.first()
    whole = loaded_module.start

    def short(checkpoint: Any, windows: Any) -> Any:
        if len(windows) * int(windows.lengths.max()) > 200:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return whole(checkpoint, windows)

    monkeypatch.setattr(loaded_module, "start", short)
    result = runs.run("second", perturb=MORE, batch_tokens=400)
    assert result.scores.equals(wanted)
    assert any("halved for memory" in line for line in runs.messages)
    assert 0 < runs.total[2] < runs.total[1]


def test_a_run_that_continues_counts_what_it_still_computes(runs: Runs) -> None:
    """A finished unit is not looked up; one whose part is missing is answered from the cache."""
    result = runs.first()
    before = tables(result)
    for path in result.folder.glob("parts/panx-sw*"):
        path.unlink()
    (result.folder / "scores.csv").unlink()
    assert tables(runs.run("first")) == before
    assert [line.split(":")[0] for line in runs.messages if "from the cache" in line] == ["panx sw", "in all"]
    assert runs.computed == []


def test_progress_counts_what_comes_from_the_cache(runs: Runs) -> None:
    """Progress adds up to the total, whether inputs are computed or read from the cache."""
    runs.first()
    heard: list[int] = []
    total: list[int] = []
    spec = replace(runs.spec, perturb=MORE, out=str(runs.folder / "second"))
    evaluate(spec, observer=Observer(total=total.append, advance=heard.append))
    assert sum(heard) == total[0]


def test_families_of_other_packages_are_not_kept(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    """Predictions of families of other packages are not stored, because a change of their code is not detected."""
    monkeypatch.setattr(tagging.decode, "__module__", "another_package.tagging")
    runs.run("first")
    runs.run("second")
    assert runs.total[2] == 0


def test_two_runs_at_once_share_a_cache(runs: Runs, cache: Path) -> None:
    """Both make it, write and read at the same time: neither complains, and both are the same bytes."""
    wanted = tables(runs.first(cached=False))
    words = ["eval", "--model", runs.spec.model[0], "--data", runs.spec.data, "--tasks", "panx"]
    words += ["--perturb", "char_noise:0.2", "--device", "cpu", "--limit", "8"]
    outs = [runs.folder / name for name in ("one", "other")]
    for process in [forked([*words, "--out", str(out)], out.with_name(f"{out.name}.printed")) for out in outs]:
        code, errors = process.end()
        assert (code, "warning: the cache" in errors) == (0, False), errors
    for out in outs:
        made = tables(Evaluation(out, {}))
        of_pages = {"report.md", "report.html", "manifest.json"}  # of which this process makes none
        assert {name for name, content in made.items() if content != wanted[name]} <= of_pages
        assert made.keys() == wanted.keys()
    assert info().kinds["predictions"].entries == len(set(runs.computed))
