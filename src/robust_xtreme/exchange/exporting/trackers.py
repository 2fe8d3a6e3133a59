"""Writes a run for experiment trackers: a store of MLflow's files, or an offline run of Weights & Biases.

Neither opens a connection. A metric is a headline level or a drop, named as its cell on the page; params are the
request, tags the identities, and artifacts the frames, the manifest and the pages of the run.
"""

import importlib
import json
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain, count
from pathlib import Path
from types import ModuleType
from typing import Any, Final, NamedTuple

from robust_xtreme.core.errors import NotInstalled, RobustXtremeError, plain
from robust_xtreme.report.outputs import levels
from robust_xtreme.report.view import Results

_PROJECT: Final = "robust-xtreme"
_BATCH: Final = 500
_ARTIFACTS: Final = (
    *("manifest.json", "scores.csv", "deltas.csv", "averages.csv", "conditions.csv", "models.csv"),
    *("run.toml", "report.md", "report.html"),
)


class Tracked(NamedTuple):
    """What a tracker gets of a run."""

    name: str
    metrics: dict[str, float]
    params: dict[str, str]
    tags: dict[str, str]
    artifacts: tuple[Path, ...]


def tracked(folder: Path, results: Results) -> Tracked:
    """The metrics, params, tags and artifacts of the run in a folder."""
    manifest = results.manifest
    params = {key: _text(value) for key, value in manifest.get("spec", {}).items()}
    models = manifest.get("models", ())
    tags = {key: str(manifest[key]) for key in ("version", "spec_hash", "schema_version", "suite") if key in manifest}
    for key in ("model", "identity"):
        tags[key] = _text(", ".join(dict.fromkeys(str(model[key]) for model in models)))
    artifacts = tuple(folder / name for name in _ARTIFACTS if (folder / name).is_file())
    return Tracked(folder.resolve().name, metrics(results), params, tags, artifacts)


def metrics(results: Results) -> dict[str, float]:
    """The headline levels, named as the address of the cell (`sw/xnli/char_noise:0.1/level`), and `.../drop`."""
    values: dict[str, float] = {}
    for row in levels(results).iter_rows(named=True):
        address = re.sub(r"[^\w\-. :/]", "_", row["address"])[:240]  # what MLflow takes in the name of a metric
        several = chain([address], (f"{address}_{number}" for number in count(2)))  # where two cells would share it
        name = next(each for each in several if f"{each}/level" not in values)
        values[f"{name}/level"] = row["value"]
        if row["drop"] is not None:
            values[f"{name}/drop"] = row["drop"]
    return values


def _text(value: Any) -> str:
    return (value if isinstance(value, str) else json.dumps(value))[:5_000]


def to_mlflow(run: Tracked, folder: Path) -> str:
    """Add the run to the store in a folder; return its id. Raises NotInstalled where MLflow is not installed."""
    os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")  # which recent versions ask for
    names = ("tracking", "entities", "exceptions")
    tracking, entities, errors = (_library(f"mlflow.{name}", "mlflow") for name in names)
    with _named_errors("MLflow", folder, errors.MlflowException):
        client = tracking.MlflowClient(tracking_uri=folder.resolve().as_uri())
        experiment = client.get_experiment_by_name(_PROJECT)
        number = experiment.experiment_id if experiment else client.create_experiment(_PROJECT)
        identity = str(client.create_run(number, tags=run.tags, run_name=run.name).info.run_id)
        now = int(time.time() * 1000)
        client.log_batch(identity, params=[entities.Param(*pair) for pair in run.params.items()])
        logged = [entities.Metric(name, value, now, 0) for name, value in run.metrics.items()]
        for start in range(0, len(logged), _BATCH):
            client.log_batch(identity, metrics=logged[start : start + _BATCH])
        for path in run.artifacts:
            client.log_artifact(identity, str(path))
        client.set_terminated(identity)
    return identity


def to_wandb(run: Tracked, folder: Path) -> str:
    """Write the run into a folder, from which `wandb sync` sends it; return that of the run. Raises NotInstalled."""
    os.environ["WANDB_ERROR_REPORTING"] = "false"  # before the library is imported: it asks nothing of the network
    for name in ("WANDB_DATA_DIR", "WANDB_CACHE_DIR"):
        os.environ.setdefault(name, str(folder.resolve()))
    wandb = _library("wandb", "wandb")
    quiet = {"console": "off", "silent": True, "disable_git": True, "disable_code": True, "x_disable_stats": True}
    settings = wandb.Settings(mode="offline", root_dir=str(folder), x_disable_meta=True, **quiet)
    config = {**run.params, **run.tags}
    with _named_errors("wandb", folder, wandb.Error):
        folder.mkdir(parents=True, exist_ok=True)
        with wandb.init(project=_PROJECT, name=run.name, config=config, settings=settings) as begun:
            begun.summary.update(run.metrics)
            artifact = wandb.Artifact(_PROJECT, "evaluation")
            for path in run.artifacts:
                artifact.add_file(str(path))
            begun.log_artifact(artifact)
            written = Path(begun.dir).parent
    return str(written)


def _library(module: str, extra: str) -> ModuleType:
    """A library that is not a dependency. Raises NotInstalled, with the command that installs it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        what = f"--{extra} needs {extra}, which cannot be imported ({error})."
        raise NotInstalled(f"{what} Install it: pip install 'robust-xtreme[{extra}]'") from error


@contextmanager
def _named_errors(name: str, folder: Path, error_of: type[Exception]) -> Iterator[None]:
    """Raise an error of a library, or of the disk, as an error of this program that names the folder."""
    try:
        with plain():
            yield
    except error_of as error:
        raise RobustXtremeError(f"{name} cannot write to {folder}: {error}") from error
