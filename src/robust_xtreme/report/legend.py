"""The legend of a page: each shown column, metric and perturbation, with the first line of its docstring."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import polars as pl

from robust_xtreme.core import registry
from robust_xtreme.core.errors import SpecError, UserError
from robust_xtreme.core.metric import GIVEN
from robust_xtreme.core.metric import named as metric_of
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.report.blocks import Phrase, TableColumn, inlines, named
from robust_xtreme.report.view import Results
from robust_xtreme.stats import chance
from robust_xtreme.stats.shallow import predictor as shallow

_SETTING: Final = "setting"
_IDENTITY: Final = (
    "Of a model: a hash of its weights, configuration and tokenizer, and of the heads and labels that the tasks of "
    "this run use. A run of other tasks can give the same model another identity."
)


def legend(columns: Iterable[TableColumn], results: Results) -> list[tuple[str, Phrase]]:
    """Term and sentence: shown columns, identity, constants, shallow predictors, metrics, perturbations of the run."""
    terms: dict[str, Phrase] = {column.heading: named(column.legend) for column in columns if column.legend}
    if _SETTING in terms:
        terms[_SETTING] = (*inlines(terms[_SETTING]), *(f" {line}" for line in _trained_on(results)))
    if results.manifest.get("models"):
        terms["identity"] = _IDENTITY
    members: dict[str, Phrase] = {}
    for name in sorted(set(results.scores.get_column("metric"))):  # the sentence of a given metric has its name
        members[name] = metric_of(name).summary if name.startswith(GIVEN) else named(_summary("metric", name))
    for name in _perturbations(results):
        notes = results.manifest.get("noise_sources", {}).get(name, {})
        data = (f" Its data are {note} in {', '.join(codes)}." for note, codes in notes.items())
        members[name] = (*named(_summary("perturbation", name)), *data)
    known = [(name, line) for name, line in members.items() if line]
    return [*terms.items(), *_levels(results), *known]


def _trained_on(results: Results) -> list[str]:
    """A sentence for each task whose model does not record its training languages: who names them, or that none does.

    Models of `train` record them, and have no sentence.
    """
    lines = []
    for model in results.manifest.get("models", ()):
        codes = ", ".join(map(str, model.get("trained_on", ())))
        match model.get("trained_on_by"):
            case "--trained-on":
                lines.append(f"{model['task']}: by --trained-on ({codes}).")
            case "model card":
                lines.append(f"{model['task']}: by the model card ({codes}), which can name languages of pretraining.")
    tasks = results.scores.filter(pl.col(_SETTING) == "unknown").get_column("task").unique().sort()
    unknown = f"{', '.join(tasks)}: unknown, since the checkpoint does not say; --trained-on names the languages."
    return [*lines, unknown] if len(tasks) else lines


def _levels(results: Results) -> list[tuple[str, Phrase]]:
    """Every constant that is the chance of a cell, and every shallow predictor, with what it learned from."""
    constants = results.scores.get_column("chance_name").drop_nulls().unique().sort()
    levels = results.scores.select("shallow_name", "shallow_source").drop_nulls().unique().sort(pl.all()).rows()
    learned: dict[str, list[str]] = {}
    for name, source in levels:
        learned.setdefault(name, []).append(source)
    lines = [
        (name, (*named(shallow.summary(name)), f" Learned from {', '.join(each)}.")) for name, each in learned.items()
    ]
    return [*((name, named(chance.summary(name))) for name in constants), *lines]


def _perturbations(results: Results) -> list[str]:
    names = set()
    for condition in set(results.deltas.get_column("condition")):
        try:
            names |= {link.name for link in PerturbationSpec.parse(condition).links}
        except SpecError:
            continue
    return sorted(names)


def _summary(kind: str, name: str) -> str:
    """The first line of a member's docstring; "" for a member that is not installed here."""
    try:
        member: Any = registry.load(kind, name)
    except UserError:
        return ""
    return str(member.summary)
