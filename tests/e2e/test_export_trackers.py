"""MLflow and Weights & Biases themselves read what `export` writes, in an environment that has them."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.exchange.exporting.trackers import tracked
from robust_xtreme.report.document import finished
from robust_xtreme.run.run import evaluate

pytestmark = [pytest.mark.long, pytest.mark.process]

LIBRARIES: Final = {"mlflow": "mlflow-skinny", "wandb": "wandb"}
OF_MLFLOW: Final = """
import json, sys
from mlflow.tracking import MlflowClient
client = MlflowClient(tracking_uri=sys.argv[1])
experiment = client.get_experiment_by_name("robust-xtreme")
(run,) = client.search_runs([experiment.experiment_id])
names = [each.path for each in client.list_artifacts(run.info.run_id)]
shown = {"metrics": run.data.metrics, "params": run.data.params, "tags": run.data.tags, "artifacts": names}
print(json.dumps({**shown, "status": run.info.status}))
"""
OF_WANDB: Final = """
import json, struct, sys
from wandb.proto.wandb_internal_pb2 import Record

def records(data, at=7, part=b""):
    while at + 7 <= len(data):
        if 32768 - at % 32768 < 7:
            at += 32768 - at % 32768
            continue
        _, size, kind = struct.unpack_from("<IHB", data, at)
        part += data[at + 7 : at + 7 + size]
        at += 7 + size
        if kind in (1, 4):
            yield Record.FromString(part)
            part = b""

metrics, config, count = {}, {}, 0
for record in records(open(sys.argv[1], "rb").read()):
    for each in record.summary.update:
        metrics[each.key or each.nested_key[0]] = json.loads(each.value_json)
    for each in record.run.config.update:
        config[each.key] = json.loads(each.value_json)
    count += len(record.artifact.manifest.contents)
print(json.dumps({"metrics": metrics, "params": config, "count": count}))
"""
"""Programs that print what a library reads; the second reads the log of an offline run, which `wandb sync` sends."""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The variables under which Python has both libraries: those of this environment, else installed into a folder."""
    missing = [package for name, package in LIBRARIES.items() if importlib.util.find_spec(name) is None]
    folder = tmp_path_factory.mktemp("libraries")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(folder), *missing]
    if missing and subprocess.run(command, check=False).returncode:
        pytest.skip(f"{' and '.join(missing)}: not installed here, and no index of packages has it")
    paths = [str(Path(__file__).parents[2] / "src"), str(folder)]
    offline = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
    return {**os.environ, **offline, "PYTHONPATH": os.pathsep.join(paths), "MLFLOW_ALLOW_FILE_STORE": "true"}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of xnli in Swahili."""
    folder = tmp_path_factory.mktemp("tracked") / "run"
    spec = RunSpec(tasks=("xnli",), languages=("sw",), perturb=("char_noise:0.1",), limit="60", out=str(folder))
    evaluate(spec, cache=False)
    return folder


def test_mlflow_reads_its_store(run: Path, environment: Mapping[str, str], tmp_path: Path) -> None:
    """Metrics, params, tags and artifacts of a finished run are those of the run."""
    store = tmp_path / "mlruns"
    exported(run, "--mlflow", store, environment)
    read, content = shown(OF_MLFLOW, store.as_uri(), environment), tracked(run, finished(run))
    assert (read["metrics"], read["params"]) == (content.metrics, content.params)
    assert content.tags.items() <= read["tags"].items()
    assert sorted(read["artifacts"]) == sorted(path.name for path in content.artifacts)
    assert read["status"] == "FINISHED"


def test_wandb_reads_its_log(run: Path, environment: Mapping[str, str], tmp_path: Path) -> None:
    """The summary, config and artifacts of an offline run are those of the run, and nothing is written elsewhere."""
    home = tmp_path / "home"
    home.mkdir()
    done = exported(run, "--wandb", tmp_path / "tracked", {**environment, "HOME": str(home)})
    (log,) = Path(done.strip()).glob("*.wandb")
    read, content = shown(OF_WANDB, str(log), environment), tracked(run, finished(run))
    assert {name: value for name, value in read["metrics"].items() if not name.startswith("_")} == content.metrics
    assert {**content.params, **content.tags}.items() <= read["params"].items()
    assert read["count"] == len(content.artifacts)
    assert [*home.iterdir()] == []


def exported(run: Path, name: str, folder: Path, environment: Mapping[str, str]) -> str:
    """Export the run into a folder; return what is printed."""
    words = [sys.executable, "-m", "robust_xtreme", "export", str(run), name, "-o", str(folder)]
    done = subprocess.run(words, capture_output=True, text=True, env=dict(environment), check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def shown(program: str, word: str, environment: Mapping[str, str]) -> Any:
    """What a program prints as JSON."""
    words = [sys.executable, "-c", program, word]
    done = subprocess.run(words, capture_output=True, text=True, env=dict(environment), check=True)
    return json.loads(done.stdout)
