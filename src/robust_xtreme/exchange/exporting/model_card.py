"""Writes a run as a model card: `model-index` YAML that the hub and huggingface_hub's `ModelCard` read.

A result is a task in a language; its metrics are the headline metric on clean text and under each noise. A drop is not
a metric of the hub's list, so that it is not one of its own, which a leaderboard would rank by: it is among the args of
the perturbed level, beside what names the noise.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from robust_xtreme.core import registry
from robust_xtreme.core.sinks import Trusted, between, each_text, filled, visible
from robust_xtreme.core.specs import TaskSpec
from robust_xtreme.files.schema import language_of
from robust_xtreme.noise.conditions.condition import CLEAN
from robust_xtreme.report.blocks import Block, Heading, Paragraph, unlinked
from robust_xtreme.report.cells import language_name
from robust_xtreme.report.outputs import levels
from robust_xtreme.report.renderers import markdown
from robust_xtreme.report.summary import partial, verdicts
from robust_xtreme.report.view import Results
from robust_xtreme.stats.degrade import without_fields

if TYPE_CHECKING:
    from huggingface_hub import EvalResult

_TASKS: Final = {
    "classification": "text-classification",
    "choice": "multiple-choice",
    "retrieval": "text-retrieval",
    "span_qa": "question-answering",
    "tagging": "token-classification",
}
"""The hub's name for a family of tasks."""

_TYPES: Final = {
    "bitext_f1": "f1",
    "bitext_f1_retuned": "f1",
    "mlqa_em": "exact_match",
    "mlqa_f1": "f1",
    "retrieval_accuracy": "accuracy",
    "span_f1": "f1",
    "squad_em": "exact_match",
    "squad_f1": "f1",
    "token_accuracy": "accuracy",
}
"""The hub's name for a metric, which is the kind of number; the others have their own."""

_HUB: Final = re.compile(r"hub://(?P<type>[^@]+)@(?P<revision>[^/]+)/(?P<config>.*)/[^/]+")
_ARGS: Final = ("fields", "low", "high", "n", "clusters", "drop", "drop_low", "drop_high", "drop_p_adjusted")


def model_card(results: Results) -> Trusted:
    """The card: metadata with every headline level of the run, unrounded, then the verdict in words."""
    from huggingface_hub import CardData

    rows = levels(results)
    index: list[Any] = [_of_model(name, rows.filter(model=name), results.manifest) for name in _names(rows)]
    shown = each_text(index, visible)  # a reader of YAML could act on hidden characters
    metadata = CardData(**dict[str, Any]({"model-index": shown})).to_yaml()
    text = between("\n\n", markdown.blocks(tuple(_text(results))))
    return filled("---\n{}\n---\n\n{}\n", Trusted(metadata.strip()), text)


def _names(rows: pl.DataFrame) -> list[str]:
    return rows.get_column("model").unique(maintain_order=True).to_list()


def _text(results: Results) -> Iterator[Block]:
    yield Heading(", ".join(_names(results.scores)), 1)
    yield from map(Paragraph, map(unlinked, verdicts(results)))
    yield from partial(results.manifest)
    version = results.manifest.get("version", "unknown")
    yield Paragraph(
        f"Evaluated with robust-xtreme {version}. Values are points from 0 to 100, and a drop is the level on clean "
        "text minus the level on perturbed text. In the metadata it is an argument of the perturbed level, with its "
        "95 % interval; its p is corrected within its set of tests."
    )


def _of_model(name: str, rows: pl.DataFrame, manifest: Mapping[str, Any]) -> dict[str, Any]:
    """An entry of the index: what one model reached in each task and language."""
    from huggingface_hub.repocard_data import eval_results_to_model_index

    entries: list[Any] = []
    for _, group in rows.group_by("task", "split", "language", "context_language", maintain_order=True):
        entries += eval_results_to_model_index(name, [*_results(group, manifest)])[0]["results"]
    return {"name": name, "results": entries}


def _results(group: pl.DataFrame, manifest: Mapping[str, Any]) -> Iterator[EvalResult]:
    """The levels of one task in one language."""
    from huggingface_hub import EvalResult

    task, split = group.select("task", "split").row(0)
    language, family = language_of(group.row(0, named=True)), manifest["tasks"].get(task, {}).get("family", "")
    dataset = dataset_of(task, split, language, manifest)
    for row in group.sort(pl.col("condition") != CLEAN, maintain_order=True).iter_rows(named=True):
        noise = without_fields(row["condition"])
        yield EvalResult(
            task_type=_TASKS.get(family, family or "other"),
            task_name=f"{task}, {language_name(language.replace('@', ' on '))}",
            **dataset,
            metric_type=_TYPES.get(row["metric"], row["metric"]),
            metric_name=f"{row['metric']}, {noise}",
            metric_value=row["value"],
            metric_args=_args(row),
        )


def _args(row: Mapping[str, Any]) -> dict[str, Any]:
    """What the level was measured under and on, its interval, and the drop."""
    perturbed = row["drop"] is not None
    seeds = {"noise_seeds": row["seeds"]} if perturbed else {}
    named = {"metric": row["metric"], "unit": "points, 0 to 100", "condition": row["condition"], **seeds}
    more = {name: row[name] for name in _ARGS if row[name] not in (None, "")}
    marks = {"marks": row["drop_marks"]} if row["drop_marks"] else {}
    return {**named, "setting": row["setting"], "inference": row["inference"], **more, **marks}


def dataset_of(task: str, split: str, language: str, manifest: Mapping[str, Any]) -> dict[str, Any]:
    """What names the data of a task run: the dataset on the hub that was read, or else the task.

    A dataset that was not read from the hub has no revision; its `data` is the identity of the examples.
    """
    wanted = {"task": task, "split": split, "language": language}
    unit: Mapping[str, Any] = next((unit for unit in manifest["units"] if wanted.items() <= unit.items()), {})
    named = {"language": language, **{name: unit[name] for name in ("data", "rows") if name in unit}}
    limit = manifest.get("spec", {}).get("limit")
    suite = f" of the suite {manifest['suite']}" if manifest.get("suite") else ""
    return {
        "dataset_name": f"{task}{suite}, {language_name(language.replace('@', ' on '))}",
        "dataset_split": split,
        "dataset_args": {**named, **({"limit": limit} if limit else {})},
        **_source(task, split, language, unit, manifest.get("suite", "")),
    }


def _source(task: str, split: str, language: str, unit: Mapping[str, Any], suite: str) -> dict[str, str | None]:
    """The dataset on the hub that was read or, of a task of the release, has its data; else the task."""
    files = unit.get("files") or [{}]
    if address := _HUB.fullmatch(str(files[0].get("path", ""))):
        return {f"dataset_{name}": address[name] for name in ("type", "config", "revision")}
    spec: TaskSpec | None = registry.load("task", task) if task in registry.names("task") else None
    repo = spec.hub[split].repo if spec and split in spec.hub else task
    return {"dataset_type": f"{suite}_{task}" if suite else repo, "dataset_config": language}
