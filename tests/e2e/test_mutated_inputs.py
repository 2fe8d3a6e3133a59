"""Models, logs, runs, baselines, policies and studies with random changes: each is read, or refused in one line."""

from __future__ import annotations

import json
import random
import shutil
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

import pytest
from tests.changes import changed
from tests.checkpoints import SEQUENCE, checkpoint
from tests.finished_runs import finished_run
from tests.harness_logs import NOISE, exported, harness, pair
from tests.measured_reads import refused
from tests.program import program
from tests.sentence_folders import sentence_folder
from tests.studies import TEXT
from tests.tiny import hashed, tiny_run
from tests.unit.gating.test_gate_policy import POLICY

from robust_xtreme.core.errors import UserError
from robust_xtreme.gating.baselines import save

pytestmark = pytest.mark.usefixtures("unpaged")

_EVAL: Final = ("eval", "--languages", "sw", "--limit", "4", "--offline", "--quiet", "-o", "../out")
_GATE: Final = ("gate", "new", "--baseline", "main", "-o", "../gate.json")


class InputKind(NamedTuple):
    """A folder with files, the names of those that are changed, and the command that reads them.

    `numbers` is a file that the command writes, where digests protect what it reads: it stays what it is.
    """

    make: Callable[[Path], object]
    changes: tuple[str, ...]
    command: tuple[str, ...]
    numbers: str = ""


def _make_encoder(folder: Path) -> None:
    sentence_folder(folder / "model", ("mean", "cls"), dense=8)


def _make_classifier(folder: Path) -> None:
    checkpoint(folder / "model", "xlm_roberta", SEQUENCE, ("CONTRADICTION", "entailment", "Neutral"))


def _make_trained(folder: Path) -> None:
    hashed(tiny_run(folder / "model", ["xnli"]))


def _make_harness_logs(folder: Path) -> None:
    tasks = pair(8, 5, 12)
    levels = {name: {"acc,none": sum(row["acc"] for row in rows) / len(rows)} for name, rows in tasks.items()}
    harness(folder / "logs", tasks, results=levels)


def _make_inspect_log(folder: Path) -> None:
    (folder / "logs").mkdir(parents=True)
    evaluation = {"model": "hf/tiny", "task": "rx", "task_version": 0, "packages": {"inspect_ai": "0.3.285"}}
    with zipfile.ZipFile(folder / "logs" / "a.eval", "w") as packed:
        for condition, right in (("clean", 8), (NOISE, 5)):
            for number in range(12):
                gold, other = "ABC"[number % 3], "ABC"[(number + 1) % 3]
                score = {"value": "C", "answer": gold} if number < right else {"value": "I", "answer": other}
                sample = {"id": f"{number}-{condition}", "epoch": 1, "input": "?", "choices": ["x", "y", "z"]}
                sample |= {"target": gold, "scores": {"choice": score}}
                sample["metadata"] = {"robust_xtreme": json.loads(exported(number, condition))}
                packed.writestr(f"samples/{number}-{condition.partition(':')[0]}_epoch_1.json", json.dumps(sample))
        packed.writestr("header.json", json.dumps({"status": "success", "eval": evaluation}))


def _make_attacked(folder: Path) -> None:
    words = ("--tasks", "xnli", "--perturb", "attack_keys:0.2@queries=5", "--no-cache")
    assert program(*_EVAL[:-1], str(folder / "attacked"), *words).code == 0
    (folder / "frozen.toml").write_text('frozen = ["attacked"]')


def _make_runs(folder: Path) -> None:
    finished_run(folder / "old", draw=1, count=60)
    finished_run(folder / "new", draw=2, count=60)
    save([folder / "old"], "main", folder / ".robust-xtreme" / "baselines")
    (folder / "gate.toml").write_text(POLICY, encoding="utf-8")


def _make_study(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "tiny.toml").write_text(TEXT, encoding="utf-8")


_EMBEDDED: Final = (*_EVAL, "--model", "model", "--data", "mini", "--no-cache")
_MODEL_FILES: Final = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")
_POOLING_FILES: Final = ("modules.json", "?_*/*", "sentence_bert_config.json", "config_sentence_transformers.json")
_IMPORT: Final = ("import", "logs", "-o", "../out", "-q")
_FROZEN: Final = (*_EVAL, "--tasks", "xnli", "--config", "frozen.toml", "--no-cache")

KINDS: Final[Mapping[str, InputKind]] = {
    "encoder": InputKind(
        _make_encoder, tuple(f"model/{name}" for name in _MODEL_FILES), (*_EMBEDDED, "--tasks", "tatoeba")
    ),
    "pooling": InputKind(
        _make_encoder, tuple(f"model/{name}" for name in _POOLING_FILES), (*_EMBEDDED, "--tasks", "tatoeba")
    ),
    "classifier": InputKind(
        _make_classifier, tuple(f"model/{name}" for name in _MODEL_FILES), (*_EMBEDDED, "--tasks", "xnli")
    ),
    "trained": InputKind(_make_trained, ("model/*.*", "model/*/*"), (*_EMBEDDED, "--tasks", "xnli"), "out/scores.csv"),
    "lm-eval": InputKind(_make_harness_logs, ("logs/*",), _IMPORT),
    "inspect": InputKind(_make_inspect_log, ("logs/*.eval",), _IMPORT),
    "frozen": InputKind(_make_attacked, ("attacked/parts/*", "attacked/manifest.json"), _FROZEN, "out/scores.csv"),
    "run": InputKind(_make_runs, ("new/*.parquet", "new/manifest.json"), _GATE, "gate.json"),
    "baseline": InputKind(_make_runs, (".robust-xtreme/baselines/main.*",), _GATE, "gate.json"),
    "policy": InputKind(_make_runs, ("gate.toml",), (*_GATE, "--policy", "gate.toml")),
    "study": InputKind(_make_study, ("tiny.toml",), ("study", "tiny.toml", "--out", "../out", "--plan")),
}


def _run_command(words: tuple[str, ...]) -> None:
    """Run a command that ends well, by a gate's verdict, or where a model's scores are not finite.

    Raises UserError where it refuses what it reads.
    """
    ended = program(*words)
    if ended.code == 2:
        raise UserError(ended.err)
    assert ended.code in (None, 0, 1) or "not finite" in ended.err, ended.err


@pytest.mark.parametrize("count", [4, pytest.param(200, marks=pytest.mark.long)], ids=["some", "all"])
@pytest.mark.parametrize("name", KINDS)
def test_a_changed_input_is_read_or_refused(
    name: str, count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refusal writes nothing beside the input; numbers that digests protect are those of the unchanged files."""
    kind, clean = KINDS[name], tmp_path / "clean" / "in"
    kind.make(clean)
    monkeypatch.chdir(clean)
    _run_command(kind.command)
    wanted = (clean.parent / kind.numbers).read_bytes() if kind.numbers else b""
    for number in range(count):
        seed = f"{name}/{number}"
        draw, folder = random.Random(seed), tmp_path / str(number) / "in"
        shutil.copytree(clean, folder)
        files = [path for pattern in kind.changes for path in sorted(folder.glob(pattern))]
        path = draw.choice(files)
        path.write_bytes(changed(path.suffix, path.read_bytes(), draw))
        monkeypatch.chdir(folder)
        try:
            line = refused(lambda: _run_command(kind.command), folder)
        except AssertionError as error:
            raise AssertionError(f"{seed}: {error}") from error
        if kind.numbers and not line:
            assert (folder.parent / kind.numbers).read_bytes() == wanted, seed
        shutil.rmtree(folder.parent)
