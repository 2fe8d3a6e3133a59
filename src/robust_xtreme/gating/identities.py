"""What a run was measured on, and the refusal to compare runs that were measured on different things.

Two runs are compared where they have the same schema, the same requested limit and noise seeds, the same packs, and for
each task and language of both the same data; where conditions of one name are the same condition; and, but for a
comparison of any two models, where each cell was answered with the same setting and inference. Which model answers, and
how it was trained, is free.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import polars as pl

from robust_xtreme.core.errors import Mismatch, counted, shown
from robust_xtreme.files.manifest import unversioned_tasks
from robust_xtreme.report.view import Results
from robust_xtreme.stats.contrasts import Key
from robust_xtreme.stats.run_cells import KEY
from robust_xtreme.tasks.sources.rows import clusters_version

_ASKED: Final = ("limit", "seeds", "keep_names", "external", "external_partial", "match")
_OF_DATA: Final = ("split", "data", "rows", "pool", "candidates", "external")
_WORDS: Final = {"rows": "number of rows", "candidates": "number of candidates", "external": "noisy set"}
_RULE: Final = "version of the rule of clusters"
_ANSWERED: Final = ("setting", "inference")

Difference = tuple[str, object, object]
"""What differs between two runs, and its two values."""


def identity(results: Results) -> dict[str, Any]:
    """What the cells of a run depend on apart from the model, in JSON: request, packs, data, tasks and conditions."""
    manifest = results.manifest
    return {
        "schema_version": manifest["schema_version"],
        "asked": {key: manifest["spec"][key] for key in _ASKED if manifest["spec"].get(key)},
        "packs": manifest.get("packs", ""),
        "precision": manifest["spec"].get("precision", "fp32"),
        **{key: manifest[key] for key in ("language_models",) if key in manifest},
        "data": [_facts(unit, ("task", "language", *_OF_DATA)) for unit in manifest["units"]],
        "tasks": {name: dict(facts) for name, facts in manifest["tasks"].items()},
        "conditions": [_facts(row, row) for row in results.conditions.iter_rows(named=True)],
        **({"readings": read} if (read := _readings(results)) else {}),
    }


def _readings(results: Results) -> dict[str, str]:
    """The share of characters that `ocr_channel` edited in each cell, which a program decides that is not ours."""
    cells = results.deltas.filter(pl.col("condition").str.contains("ocr_channel"), scope="all")
    columns = ("task", "language", "condition", "grapheme_edit_rate")
    rows = cells.drop_nulls("grapheme_edit_rate").select(columns).iter_rows()
    return {f"{task}/{language} {condition}": f"{rate:.4%}" for task, language, condition, rate in rows}


def models(manifest: Mapping[str, Any]) -> list[dict[str, str]]:
    """The model that answers each task, with the identity of its weights: empty of a function without a version."""
    unknown = unversioned_tasks(manifest)
    return [
        {
            "task": str(model["task"]),
            "model": str(model["model"]),
            "identity": "" if model["task"] in unknown else str(model["identity"]),
        }
        for model in manifest["models"]
    ]


def same_weights(left: Mapping[str, Any], right: Mapping[str, Any]) -> set[str]:
    """The tasks that the same weights answer in two baselines or runs of one model, from the facts of both."""
    one, other = (side.get("precision", "fp32") for side in (left, right))
    if len(left["runs"]) > 1 or len(right["runs"]) > 1 or one != other:
        return set()  # the weights of several runs differ, and those of another precision
    sides = ({(model["task"], model["identity"]) for model in each["runs"][0]["models"]} for each in (left, right))
    return {task for task, weights in set.intersection(*sides) if weights}


def check_alike(
    baseline: tuple[str, Mapping[str, Any], Iterable[Key]],
    candidate: tuple[str, Mapping[str, Any], Iterable[Key]],
    *,
    any_settings: bool = False,
) -> None:
    """Raise Mismatch, with both values, where two runs (title, identity, cell keys) were measured on other things.

    With `any_settings` the models may have been asked otherwise: with other lengths, prompts, layers or shots.
    """
    (before, left, earlier), (after, right, later) = baseline, candidate
    of_identities = [*_of_identities(left, right)]
    differences = of_identities if any_settings else [*of_identities, *_of_cells(earlier, later)]
    if not differences:
        return
    what, mine, theirs = differences[0]
    more = f", and {counted(len(differences) - 1, 'other difference')}" if len(differences) > 1 else ""
    mine, theirs = ("not given" if value is None else shown(value) for value in (mine, theirs))
    values = f"{what} is {mine} in {before} and {theirs} in {after}{more}"
    cure = (
        "Evaluate both with this program, on the same data, with the same noise and settings."
        if of_identities
        else "Evaluate both with the same settings, or see how they differ: robust-xtreme compare BASELINE CANDIDATE"
    )
    raise Mismatch(f"{after[:1].upper()}{after[1:]} cannot be compared with {before}: {values}. {cure}")


def _of_identities(left: Mapping[str, Any], right: Mapping[str, Any]) -> Iterator[Difference]:
    yield from _differing("the schema version", left, right, ("schema_version",))
    for key in _ASKED:
        yield from _differing(f"--{key.replace('_', '-')}", left["asked"], right["asked"], (key,))
    yield from _differing("the identity of --packs", left, right, ("packs",))
    yield from _differing("the identity of the language models of --perturb", left, right, ("language_models",))
    yield from _of_data(*({(row["task"], row["language"]): row for row in side["data"]} for side in (left, right)))
    for task in sorted(left["tasks"].keys() & right["tasks"].keys()):
        mine, theirs = (
            {"metric": of["metrics"][0], "fields": of["perturbed"][:1], "parallel ids": of.get("parallel_ids")}
            for of in (side["tasks"][task] for side in (left, right))
        )
        yield from _differing(f"the {{}} of {task}", mine, theirs, mine)
    yield from _of_conditions(*({row["condition"]: row for row in side["conditions"]} for side in (left, right)))
    mine, theirs = (side.get("readings") or {} for side in (left, right))
    yield from _differing("the share of characters that Tesseract misread in {}", mine, theirs, mine.keys() & theirs)


def _of_data(left: Mapping[tuple[str, str], Any], right: Mapping[tuple[str, str], Any]) -> Iterator[Difference]:
    both = sorted(left.keys() & right.keys())
    if not both:
        mine, theirs = (", ".join(f"{task}/{language}" for task, language in sorted(side)) for side in (left, right))
        yield "the set of tasks and languages", mine, theirs
    for key in both:
        row, other = ({_RULE: clusters_version(str(of[key].get("data"))), **of[key]} for of in (left, right))
        yield from _differing(f"the {{}} of {'/'.join(key)}", row, other, (_RULE, *_OF_DATA))


def _of_conditions(left: Mapping[str, Any], right: Mapping[str, Any]) -> Iterator[Difference]:
    """Conditions of one name that differ; and sets of noise that have none in common."""
    for name in sorted(left.keys() & right.keys()):
        columns = sorted(left[name].keys() | right[name].keys())
        yield from _differing(f"the {{}} of {name}", left[name], right[name], columns)
    noise = [{name for name, row in side.items() if row["kind"] != "clean"} for side in (left, right)]
    if all(noise) and noise[0].isdisjoint(noise[1]):
        mine, theirs = (", ".join(sorted(names)) for names in noise)
        yield "the noise", mine, theirs


def _of_cells(left: Iterable[Key], right: Iterable[Key]) -> Iterator[Difference]:
    """The cells of both runs that were answered in another setting or with other inference."""
    rows = ([dict(zip(KEY, key, strict=True)) for key in side] for side in (left, right))
    others = [column for column in KEY if column not in _ANSWERED]
    before, after = ({tuple(row[column] for column in others): row for row in side} for side in rows)
    for name in sorted(before.keys() & after.keys()):
        row = before[name]
        what = f"the {{}} of {row['task']}/{row['language']} {row['condition']}"
        yield from _differing(what, row, after[name], _ANSWERED)


def _differing(
    what: str, left: Mapping[str, Any], right: Mapping[str, Any], keys: Iterable[str]
) -> Iterator[Difference]:
    """The keys whose values differ; a missing value and an empty one are the same."""
    for key in keys:
        mine, theirs = left.get(key) or None, right.get(key) or None
        if mine != theirs:
            yield what.replace("{}", _WORDS.get(key, key)), mine, theirs


def _facts(row: Mapping[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    """Those of the keys that have a value."""
    return {key: row[key] for key in keys if row.get(key)}
