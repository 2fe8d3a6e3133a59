"""What the tests of the bridge share: the model, the data, and logs of real runs, for the tests of `import` too."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import final

import pytest
from tests.bridge.causal import causal_model
from tests.bridge.harness import lm_eval, run
from tests.bridge.rows import LANGUAGES, put_on_hub, release
from tests.loopback import Loopback
from tests.program import program

STRENGTHS = "0,0.2"
FIELDS = "flores_passage,question"
GROUP = "five_xnli"


@final
@dataclass(frozen=True, slots=True)
class Logged:
    """An export to lm-eval, and the logs of a run of its tasks and of lm-eval's own tasks of the same data.

    Those of xnli are a group of lm-eval, GROUP.
    """

    exported: Path
    logs: Path


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A causal model of two million parameters."""
    return causal_model(tmp_path_factory.mktemp("causal"))


@pytest.fixture(scope="session")
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Release files of xnli and xquad in five languages."""
    return release(tmp_path_factory.mktemp("release"))


@pytest.fixture(scope="session")
def logged(model: Path, data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Logged:
    """Three tasks in five languages, clean and noisy, beside the unmodified tasks, whose data a loopback hub serves."""
    folder = tmp_path_factory.mktemp("logged")
    exported, logs = folder / "exported", folder / "logs"
    theirs = [f"belebele_{name}" for name in LANGUAGES.values()]
    unmodified = [GROUP, *(f"xquad_{code}" for code in LANGUAGES)]
    metric = {"metric": "acc", "aggregation": "mean", "weight_by_size": True}
    group = {"group": GROUP, "task": [f"xnli_{code}" for code in LANGUAGES], "aggregate_metric_list": [metric]}
    with Loopback() as hub:
        put_on_hub(hub, data_folder)
        with hub.lent(folder / "cache"):
            words = ("--tasks", ",".join(["xnli", "xquad", *theirs]), "-l", ",".join(LANGUAGES), "--seeds", "2")
            noise = ("--perturb", f"keyboard_typo:{STRENGTHS}", "--fields", FIELDS, "--cluster-field", "link")
            ended = program("export", "lm-eval", *words, *noise, "--data", str(data_folder), "-o", str(exported))
        assert ended.code in (0, None), ended.err
        (exported / "tasks" / "group.yaml").write_text(json.dumps(group))  # JSON is YAML
        run(lm_eval(model, ",".join(["rx", *unmodified, *theirs]), exported, logs), folder, hub.env(folder / "hf"))
    return Logged(exported, logs)
