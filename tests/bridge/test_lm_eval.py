"""lm-eval on exported tasks: clean rows give what its own tasks give, and strength 0 what clean rows give."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
from tests.bridge.conftest import GROUP, Logged
from tests.bridge.harness import MARKS, answered, identity, lm_eval, results, run, samples
from tests.bridge.rows import LANGUAGES
from tests.program import program

import robust_xtreme
from robust_xtreme.core import registry
from robust_xtreme.tasks.sources.rows import data_identity
from robust_xtreme.tasks.sources.source import load

pytestmark = MARKS

TASKS = [*(f"{task}_{code}" for task in ("xnli", "xquad") for code in LANGUAGES)]
THEIRS = [f"belebele_{name}" for name in LANGUAGES.values()]
SLUGS = ("keyboard_typo-0", "keyboard_typo-0.2")


def test_clean_results_are_those_of_the_unmodified_task(logged: Logged) -> None:
    """Each clean sample has the prompt, the answers of the model and the scores of lm-eval's own task, and its row."""
    every = samples(logged.logs)
    for task in (*TASKS, *THEIRS):
        exported = every[f"rx_{task}__clean"]
        assert [answered(each) for each in exported] == [answered(each) for each in every[task]]
        rows = [{key: value for key, value in each["doc"].items() if key != "robust_xtreme"} for each in exported]
        assert rows == [each["doc"] for each in every[task]]
    values = results(logged.logs)["results"]
    numbers = {task: {key: value for key, value in row.items() if "," in key} for task, row in values.items()}
    assert all(numbers[f"rx_{task}__clean"] == numbers[task] for task in (*TASKS, *THEIRS))


def test_strength_0_gives_the_clean_samples(logged: Logged) -> None:
    """The rows are the same bytes, and so are prompts, answers and scores."""
    every = samples(logged.logs)
    for task in (*TASKS, *THEIRS):
        for seed in (0, 1):
            exported = every[f"rx_{task}__{SLUGS[0]}__s{seed}"]
            assert [answered(each) for each in exported] == [answered(each) for each in every[f"rx_{task}__clean"]]
            assert {identity(each)["status"] for each in exported} == {"unchanged"}


def test_noise_changes_prompts_and_scores(logged: Logged) -> None:
    """Noise is in the prompts, in all languages; it changes what the model answers, differently under each seed."""
    every = samples(logged.logs)
    for task in (*TASKS, *THEIRS):
        clean, first, second = ([_asked(each) for each in every[f"rx_{task}__{name}"]] for name in _names())
        assert clean != first != second
    unlike = [task for task in (*TASKS, *THEIRS) if _scores(every, task, 0) != _scores(every, task, 1)]
    assert unlike


def test_logs_have_what_import_reads(logged: Logged, data_folder: Path) -> None:
    """The settings of each task name its condition, and each row its example, as a run of `eval` names them."""
    configs, every = results(logged.logs)["configs"], samples(logged.logs)
    name = f"rx_xquad_hi__{SLUGS[1]}__s1"
    metadata = configs[name]["metadata"]
    assert metadata["version"] == configs["xquad_hi"]["metadata"]["version"]
    of_task = {"format": 1, "task": "xquad", "language": "hi", "context_language": "hi", "split": "validation"}
    noise = {"condition": "keyboard_typo:0.2@fields=question", "noise_seed": 1}
    assert metadata["robust_xtreme"] == {**of_task, **noise, "lm_eval": "0.4.13", "includes": "xquad_hi"}
    examples = load(registry.load("task", "xquad"), data_folder, "hi", "validation").examples
    rows = [identity(each) for each in every[name]]
    assert [(row["example"], row["cluster"], row["fingerprint"]) for row in rows] == [
        (example.id, example.cluster, example.fingerprint) for example in examples
    ]
    assert {row["data"] for row in rows} == {data_identity(examples)}
    assert all({key: row[key] for key in noise} == noise for row in rows)


def test_examples_in_prompts_are_clean(model: Path, data_folder: Path, tmp_path: Path) -> None:
    """With examples in the prompt, those of a noisy task are the clean ones of the clean task, from another split."""
    noise = ("--perturb", "keyboard_typo:1", "--data", str(data_folder), "-o", str(tmp_path / "exported"))
    ended = program("export", "lm-eval", "--tasks", "xnli", "-l", "es", *noise)
    assert ended.code in (0, None), ended.err
    run(lm_eval(model, "rx", tmp_path / "exported", tmp_path / "logs", "--num_fewshot", "2", "--limit", "3"), tmp_path)
    clean, noisy = samples(tmp_path / "logs").values()
    others = (data_folder / "xnli" / "test-es.tsv").read_text("utf-8")
    for each, other in zip(clean, noisy, strict=True):
        (shots, last), (same, changed) = (_contexts(sample) for sample in (each, other))
        assert shots == same
        assert last != changed
        assert all(shot.split(",")[0].strip() in others for shot in shots)


def test_a_group_is_one_task_with_the_level_that_lm_eval_states(logged: Logged, tmp_path: Path) -> None:
    """Its tasks are cells by the languages of their names, whose mean over samples is the level of the group."""
    (tmp_path / "logs").mkdir()
    for path in (*logged.logs.rglob("samples_xnli_*"), *logged.logs.rglob("results_*")):
        shutil.copy(path, tmp_path / "logs")
    stated, every = results(tmp_path / "logs")["results"][GROUP]["acc,none"], samples(tmp_path / "logs")
    ended = program("import", f"{tmp_path}/logs=clean", "--tasks", GROUP, "-o", str(tmp_path / "run"))
    assert ended.code in (0, None), ended.err
    scores = robust_xtreme.load(tmp_path / "run").scores.filter(metric="accuracy").sort("language")
    assert scores["language"].to_list() == sorted(LANGUAGES)
    means = [100 * fmean(sample["acc"] for sample in every[f"xnli_{code}"]) for code in sorted(LANGUAGES)]
    assert scores["value"].to_list() == pytest.approx(means)
    assert fmean(means) == pytest.approx(100 * stated)
    path = next((tmp_path / "logs").glob("results_*"))
    path.write_text(path.read_text("utf-8").replace(f'"acc,none": {stated}', f'"acc,none": {stated + 0.1}'), "utf-8")
    ended = program("import", f"{tmp_path}/logs=clean", "--tasks", GROUP, "-o", str(tmp_path / "other"))
    assert (ended.code, f"and {100 * stated + 10:.2f} is stated" in ended.err) == (2, True), ended.err


def test_a_folder_of_two_models_becomes_two_runs_that_are_compared(
    model: Path, data_folder: Path, tmp_path: Path
) -> None:
    """Each has its logs alone; two names of one model have no difference; as records the runs come back the same."""
    noise = ("--perturb", "keyboard_typo:0.2", "--data", str(data_folder), "-o", str(tmp_path / "exported"))
    assert program("export", "lm-eval", "--tasks", "xnli", "-l", "es", *noise).code in (0, None)
    for name in ("one", "two"):
        (tmp_path / name).symlink_to(model)
        run(lm_eval(tmp_path / name, "rx", tmp_path / "exported", tmp_path / "logs"), tmp_path)
    ended = program("import", str(tmp_path / "logs"), "--each-model", "-o", str(tmp_path / "runs"))
    assert ended.code in (0, None), ended.err
    one, two = sorted((tmp_path / "runs").iterdir())
    assert [robust_xtreme.load(each).scores["model"].unique().to_list() for each in (one, two)] == [["one"], ["two"]]
    assert robust_xtreme.compare(one, two).frame["difference"].unique().to_list() == [0.0]
    assert program("export", str(one), "--every-eval-ever", "-o", str(tmp_path / "records")).code in (0, None)
    assert program("import", str(tmp_path / "records"), "-o", str(tmp_path / "back")).code in (0, None)
    for name in ("scores.csv", "deltas.csv", "averages.csv"):
        assert (tmp_path / "back" / name).read_bytes() == (one / name).read_bytes()


def _contexts(sample: dict[str, Any]) -> tuple[list[str], str]:
    """The examples in the prompt of a sample, and what comes last."""
    arguments = sample["arguments"]["gen_args_0"]
    *shots, last = f"{arguments['arg_0']}{arguments['arg_1']}".split("\n\n")
    return shots, last


def _names() -> tuple[str, ...]:
    return ("clean", *(f"{SLUGS[1]}__s{seed}" for seed in (0, 1)))


def _asked(sample: dict[str, Any]) -> str:
    return json.dumps(sample["arguments"], sort_keys=True)


def _scores(every: dict[str, list[dict[str, Any]]], task: str, seed: int) -> list[Any]:
    metrics = ("acc", "f1", "exact_match", "resps")
    return [[each.get(name) for name in metrics] for each in every[f"rx_{task}__{SLUGS[1]}__s{seed}"]]
