"""inspect_ai on exported samples: its logs have the samples of the export with their ids, and a score for each."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import fmean
from typing import Any, Final

import pytest
from tests.bridge.harness import INSPECT, MARKS, run
from tests.bridge.rows import belebele, jsonl
from tests.program import program

import robust_xtreme

pytestmark = [*MARKS, pytest.mark.skipif(not INSPECT, reason="INSPECT names no interpreter: make test-bridge")]

NAMES = [f"{task}__{name}" for task, name in (("xnli_es", "clean"), ("belebele_spa_Latn", "keyboard_typo-0.2__s0"))]


@pytest.fixture(scope="module")
def exported(data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Samples of xnli and of a task in the shape of belebele, clean and noisy."""
    folder = tmp_path_factory.mktemp("inspect")
    (folder / "belebele_spa_Latn.jsonl").write_text(jsonl(belebele("es")), encoding="utf-8")
    words = ("--tasks", "xnli,belebele_spa_Latn", "-l", "es", "--limit", "6", "--data", str(data_folder))
    columns = ("--fields", "flores_passage,question", "--rows", str(folder / "{task}.jsonl"), "--cluster-field", "link")
    choices = ",".join(f"mc_answer{number}" for number in (1, 2, 3, 4))
    answers = ("--choices", choices, "--gold", "correct_answer_num", "--perturb", "keyboard_typo:0.2")
    ended = program("export", "inspect", *words, *columns, *answers, "-o", str(folder / "exported"))
    assert ended.code in (0, None), ended.err
    return folder / "exported"


@pytest.fixture(scope="module")
def logs(exported: Path, model: Path) -> Path:
    """The logs of inspect_ai, one for each file of samples."""
    folder = exported.parent / "logs"
    local = ("--model", "hf/local", "-M", f"model_path={model}", "-M", "device=cpu", "--max-tokens", "12")
    for name in NAMES:
        words = ("inspect", "eval", f"{exported}/task.py@rx", "-T", f"data={name}", *local)
        run([*words, "--seed", "1", "--log-dir", str(folder), "--display", "none"], exported.parent)
    return folder


def test_logs_have_the_exported_samples(exported: Path, logs: Path) -> None:
    """Each log has the ids, inputs, choices, targets and metadata of its file, and a score for each."""
    read = [json.loads(run(["inspect", "log", "dump", str(path)], logs.parent)) for path in sorted(logs.glob("*.eval"))]
    by_name = {log["eval"]["task_args"]["data"]: log for log in read}
    assert sorted(by_name) == sorted(NAMES)
    for name, log in by_name.items():
        lines = (exported / "data" / f"{name}.jsonl").read_text("utf-8").splitlines()
        assert log["status"] == "success"
        kept = ("id", "choices", "target", "metadata")
        samples = sorted(log["samples"], key=lambda sample: str(sample["id"]))
        rows = sorted(map(json.loads, lines), key=lambda row: str(row["id"]))
        assert [[sample[key] for key in kept] for sample in samples] == [[row[key] for key in kept] for row in rows]
        assert {sample["scores"]["choice"]["value"] for sample in samples} <= {"C", "I"}
        assert all(row["input"] in _asked(sample) for row, sample in zip(rows, samples, strict=True))


SCORED: Final = """
from pathlib import Path

from inspect_ai import Task, task
from inspect_ai.dataset import json_dataset
from inspect_ai.scorer import Score, choice, mean, scorer
from inspect_ai.solver import multiple_choice


@scorer(metrics={"f1": [mean()], "length": [mean()]})
def judged():
    async def score(state, target):
        length = len(state.output.completion) + state.epoch
        return Score(value={"f1": length % 5 / 4, "length": length})

    return score


@scorer(metrics=[mean()])
def partly():
    async def score(state, target):
        number = int(state.metadata["robust_xtreme"]["example"].rpartition("/")[2])
        return Score.unscored() if number % 3 == 0 else Score(value=number % 5 / 4)

    return score


@task
def rx(data: str):
    rows = json_dataset(str(Path(__file__).parent / "data" / f"{data}.jsonl"))
    return Task(dataset=rows, solver=multiple_choice(), scorer=[choice(), judged(), partly()])
"""
PAIR: Final = ("xnli_es__clean", "xnli_es__keyboard_typo-0.2__s0")


@pytest.fixture(scope="module")
def epochs(exported: Path, model: Path) -> dict[str, Any]:
    """Two logs of three epochs, one of them in JSON, by three scorers: what inspect_ai itself reads of them."""
    (exported / "scored.py").write_text(SCORED)
    folder = exported.parent / "epochs"
    local = ("--model", "hf/local", "-M", f"model_path={model}", "-M", "device=cpu", "--max-tokens", "12")
    for name, form in zip(PAIR, ("json", "eval"), strict=True):
        words = ("inspect", "eval", f"{exported}/scored.py@rx", "-T", f"data={name}", *local, "--log-format", form)
        run([*words, "--epochs", "3", "--seed", "1", "--log-dir", str(folder), "--display", "none"], exported.parent)
    read = [json.loads(run(["inspect", "log", "dump", str(path)], folder)) for path in sorted(folder.iterdir())]
    return {"folder": folder, **{log["eval"]["task_args"]["data"]: log for log in read}}


def level(log: dict[str, Any], name: str, epoch: int = 0) -> float:
    """The mean over samples, without those that are not scored, of the mean of a score over epochs, or in one."""
    of_sample: dict[str, list[float]] = {}
    for sample in log["samples"]:
        if int(sample["id"].rpartition("/")[2]) % 3 and epoch in (0, sample["epoch"]):
            value = sample["scores"]["judged" if name == "f1" else name]["value"]
            number = value["f1"] if name == "f1" else {"C": 1.0, "I": 0.0}.get(value, value)
            of_sample.setdefault(sample["id"], []).append(number)
    return 100 * fmean(map(fmean, of_sample.values()))


@pytest.mark.parametrize("epoch", [0, 2])
def test_epochs_dictionaries_and_unscored_samples_are_imported(epochs: dict[str, Any], epoch: int) -> None:
    """The levels are those of a hand computation of what inspect_ai reads, and what it states of all is compared."""
    out = epochs["folder"].parent / f"run-{epoch}"
    words = ("--score", "choice,f1,partly", *(("--epoch", str(epoch)) if epoch else ()))
    ended = program("import", str(epochs["folder"]), *words, "-o", str(out))
    assert ended.code in (0, None), ended.err
    assert "4 rows left out" in ended.err
    assert ("number 2" if epoch else "mean score") in ended.err
    for name in ("choice", "f1", "partly"):
        row = robust_xtreme.load(out).deltas.filter(metric=f"given/{name}").row(0, named=True)
        clean, noisy = (level(epochs[each], name, epoch) for each in PAIR)
        assert (row["clean"], row["value"], row["drop"]) == pytest.approx((clean, noisy, clean - noisy))
        assert row["n"] == 4


def _asked(sample: dict[str, Any]) -> str:
    """The prompt of a sample."""
    content = sample["messages"][0]["content"]
    return content if isinstance(content, str) else str(content[0]["text"])
