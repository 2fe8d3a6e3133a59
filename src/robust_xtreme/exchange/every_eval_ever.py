"""Records of Every Eval Ever: JSON of the levels of a model, and beside it JSON lines of its answers.

Of a run, intervals are in fields of the format, noise, drops and the rest in its free ones. An item has a line for each
metric, whose metadata are the row that `import` reads. Constants have a record, and so have shallow predictors. Lines
that others wrote have a score each, whose bounds are those of its level.
"""

import hashlib
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import numpy as np
import polars as pl

from robust_xtreme.core import resources, strict_json
from robust_xtreme.core.errors import DataError, MissingData, counted, shown
from robust_xtreme.core.metric import ALL, named
from robust_xtreme.core.sinks import json_text
from robust_xtreme.exchange.exporting.harness.sheet import IDENTITY as OURS
from robust_xtreme.exchange.exporting.harness.their_tasks import code_of
from robust_xtreme.exchange.exporting.model_card import dataset_of
from robust_xtreme.exchange.exporting.rows import items
from robust_xtreme.exchange.importing.items import NO_MODEL, ImportedFile, objects, raw_frame
from robust_xtreme.exchange.importing.lm_eval import LogReading, exported, listed, mapping, text_of
from robust_xtreme.exchange.importing.run import Read
from robust_xtreme.exchange.importing.scoring import differing_level, metric_of
from robust_xtreme.exchange.perturbing.output import OutputFile, target, written
from robust_xtreme.files import store
from robust_xtreme.files.schema import CELL, language_of
from robust_xtreme.report.outputs import every_level
from robust_xtreme.report.view import Results

FORMAT: Final = "every-eval-ever"
_NAME: Final = "robust-xtreme"
_VERSION: Final = "0.3.0"
_SAMPLES: Final = "_samples.jsonl"
_UUID: Final = re.compile(rf"[0-9a-fA-F]{{8}}(-[0-9a-fA-F]{{4}}){{3}}-[0-9a-fA-F]{{12}}(\.json|{_SAMPLES})")
_IN_FIELDS: Final = (*CELL, "metric", "scope", "seeds", "value", "se", "low", "high", "method", "n")
_Levels = dict[str, Mapping[str, Any]]


def write_records(run: Path, results: Results, folder: Path, force: bool) -> Iterator[Path]:
    """Write the records of a run as `data/robust-xtreme/OWNER/MODEL/UUID.json`, by the same names each time.

    Raises UserError where one is there, unless `force` replaces it, DiskError.
    """
    digest = store.sha256(run / "stats.parquet")
    for model, rows in groupby(items(run, results), key=lambda item: _record_of(item["model"])):
        number = UUID(bytes=hashlib.sha256(f"{digest} {model}".encode()).digest()[:16], version=4)
        parts = (re.sub(r"[^\w.@+=-]", "_", part)[:80].strip(".") for part in ("", *model.rsplit("/", 1))[-2:])
        at = Path("data", _NAME, *(part or "unknown" for part in parts), str(number))
        store.make_folder((folder / at).parent)
        files = [target("-o", f"{folder / at}{end}", force, {}) for end in (_SAMPLES, ".json")]
        known = {"schema_version": _VERSION, "evaluation_id": f"{_NAME}/{model}/{number}"}
        with written([OutputFile("-o", str(file), file) for file in files]) as (write, finish):
            digests, count = hashlib.sha256(), 0
            for line in _lines(rows, {**known, "model_id": model}):
                digests.update(line)
                write(line)
                count += 1
            stored = {"hash_algorithm": "sha256", "checksum": digests.hexdigest(), "total_rows": count}
            stored |= {"format": "jsonl", "file_path": f"{at.as_posix()}{_SAMPLES}"}
            finish(json_text({**known, **_of_model(model, results), "detailed_evaluation_results": stored}, indent=1))
        yield files[1]


def _record_of(model: str) -> str:
    """The model of a record: all constants have one, and so have all shallow predictors."""
    return f"{_NAME}/{model.partition('/')[0]}" if re.match(NO_MODEL, model) else model


def _of_model(model: str, results: Results) -> dict[str, Any]:
    """A model, of which a run does not know everything, and its levels."""
    conditions = {row["condition"]: row for row in results.conditions.iter_rows(named=True)}
    levels = every_level(results).filter(model=model).sort(*CELL, "metric").iter_rows(named=True)
    source = {"source_name": _NAME, "source_type": "evaluation_run", "source_organization_name": "unknown"}
    access = dict.fromkeys(("deployment_type", "model_availability"), "unknown")
    return {
        "retrieved_timestamp": str(int(time.time())),
        "source_metadata": {**source, "evaluator_relationship": "other"},
        "eval_library": {"name": _NAME, "version": str(results.manifest.get("version", "unknown"))},
        "model_info": {"name": model, "id": model, "additional_details": access},
        "evaluation_results": [_level(row, results, conditions.get(row["condition"], {})) for row in levels],
    }


def _level(row: Mapping[str, Any], results: Results, condition: Mapping[str, Any]) -> dict[str, Any]:
    """A level in points with its interval, its data, how it was made, and what else is known of it."""
    data, metric = dataset_of(row["task"], row["split"], language_of(row), results.manifest), named(row["metric"])
    interval = {"lower": row["low"], "upper": row["high"], "confidence_level": 0.95, "method": row["method"]}
    error = {"standard_error": {"value": row["se"], "method": row["method"]}, "confidence_interval": interval}
    uncertainty = {"num_samples": row["n"], **(error if row["low"] is not None else {})}
    said = {"metric_id": metric.name, "metric_unit": "points", "evaluation_description": metric.summary}
    bounds = {"score_type": "continuous", "min_score": 0, "max_score": 100, "lower_is_better": False}
    made: dict[str, Any] = {**condition, **{name: row[name] for name in ("setting", "inference", "condition", "seeds")}}
    free = (data | data["dataset_args"] | {"dataset_args": None}, made, {**row, **dict.fromkeys(_IN_FIELDS)})
    of_data, of_noise, details = ({key: text_of(each) for key, each in all.items() if each is not None} for all in free)
    return {
        **_names(row, metric.name),
        "source_data": {"dataset_name": row["task"], "source_type": "other", "additional_details": of_data},
        "metric_config": said | bounds,
        "score_details": {"score": row["value"], "details": details, "uncertainty": uncertainty},
        "generation_config": {"additional_details": of_noise},
    }


def _lines(rows: Iterator[dict[str, Any]], record: Mapping[str, str]) -> Iterator[bytes]:
    """The lines of items: for each metric its score in points, and the answer, whose text is not in a run."""
    for item in rows:
        gold, given = ([text_of(item[name])] if item.get(name) is not None else [] for name in ("gold", "prediction"))
        output = {"raw": [item["answer"]] if "answer" in item else given}
        line = {**record, "input": {"raw": "", "reference": gold}, "output": output, "answer_attribution": []}
        line |= {"sample_id": item["id"], "sample_hash": item["fingerprint"], "interaction_type": "single_turn"}
        line["metadata"] = {OURS: json_text(item)}
        for metric, sums in item["sums"].items():
            score = float(named(metric).reduce(np.array(sums[ALL])))
            of_metric = {"score": score, "is_correct": score == 100 or not any(sums[ALL])}
            yield json_text({**line, **_names(item, metric), "evaluation": of_metric}).encode() + b"\n"


def _names(row: Mapping[str, Any], metric: str) -> dict[str, str]:
    """The name of a level, and its identity, which no other one has."""
    names = (row["task"], row["split"], language_of(row), row["condition"])
    identity = "/".join((row["model"], *names, row["setting"], row["inference"], metric))
    return {"evaluation_name": "/".join(names), "evaluation_result_id": identity}


def is_record(path: Path) -> bool:
    """Whether a file is one of a record, by its name, or a folder has one."""
    return any(map(is_record, path.rglob("*.json"))) if path.is_dir() else bool(_UUID.fullmatch(path.name))


def read(paths: Sequence[ImportedFile], only_model: str | None = "") -> Read:
    """The answers of records, or of those in folders. Raises MissingData for none, DataError naming a file and line."""
    kept, rows, levels, reading = list[Path](), list[dict[str, Any]](), _Levels(), LogReading([], False)
    for given in paths:
        files = sorted(filter(is_record, given.path.rglob("*.json"))) if given.path.is_dir() else [given.path]
        for file in (file.with_name(file.name.replace(_SAMPLES, ".json")) for file in files):
            record = mapping(store.read_json(file))
            model, of_record = mapping(record.get("model_info")).get("id"), record.get("evaluation_results")
            if not isinstance(model, str) or not isinstance(of_record, list):
                raise DataError(file, "is not a record of Every Eval Ever: it has no model or no evaluation_results")
            if (version := record.get("schema_version")) != _VERSION:
                raise DataError(file, f"has the schema_version {shown(version)}, and {_VERSION} is read")
            if only_model in ("", None, model) or model.startswith(f"{_NAME}/"):
                here: _Levels = {_identity(level): level for level in map(mapping, of_record)}
                rows += _rows(file, record, given, here, reading)
                levels |= here
                kept.append(file)
    if not rows:
        raise MissingData(
            f"{paths[0].path} has no answers of a model: records UUID.json beside UUID{_SAMPLES}. "
            f"{' '.join(reading.notes)}".rstrip()
        )
    source = {"format": FORMAT, "files": [{"name": file.name, "sha256": store.sha256(file)} for file in kept]}
    notes = (f"Read from {counted(len(kept), 'record')} of Every Eval Ever.", *reading.notes)
    path, check = ", ".join(str(given.path) for given in paths), partial(_other_levels, levels)
    return Read(lambda: raw_frame(rows), path, source, notes, tuple(reading.differing), check)


def _other_levels(levels: _Levels, scores: pl.DataFrame) -> list[str]:
    """A sentence for each of SCORES that is another level in a record."""
    differing = list[str]()
    for row in scores.filter(scope=ALL).iter_rows(named=True):
        name = _names(row, row["metric"])["evaluation_result_id"]
        stated = mapping(levels.get(name, {}).get("score_details")).get("score")
        if isinstance(stated, (int, float)):
            differing += differing_level(name, row["metric"], [row["value"] / 100] * row["n"], stated / 100)
    return differing


def _samples(file: Path, path: Path, record: Mapping[str, Any]) -> Iterator[tuple[int, dict[str, Any]]]:
    """The lines of a record, each with its number. Raises DataError at one of another."""
    content, stored = resources.content(path), mapping(record.get("detailed_evaluation_results"))
    if stored.get("hash_algorithm") == "sha256" and stored.get("checksum") != hashlib.sha256(content).hexdigest():
        raise DataError(path, f"is not the file that {file.name} has the sha256 of")
    for number, sample in objects(content, path, strict_json.decoder()):
        theirs = (sample.get("evaluation_id"), sample.get("model_id"))
        if theirs != (record.get("evaluation_id"), record["model_info"]["id"]):
            raise DataError(path, f"is of another evaluation or model than {file.name}", number)
        yield number, sample


def _rows(
    file: Path, record: Mapping[str, Any], given: ImportedFile, levels: _Levels, reading: LogReading
) -> Iterable[dict[str, Any]]:
    """The raw rows of a record: of ours those of its items, of others their scores, whose means are compared."""
    path, model = file.with_name(f"{file.stem}{_SAMPLES}"), record["model_info"]["id"]
    rows, scores = dict[str, dict[str, Any]](), dict[str, dict[str, list[float]]]()
    if not path.is_file():
        reading.notes[f"{file.name} was left out: it has levels alone, and no answers beside it."] = None
    for number, sample in _samples(file, path, record) if path.is_file() else ():
        if (text := mapping(sample.get("metadata")).get(OURS)) is not None:
            wrong = DataError(path, f"the metadata {OURS} are not what `export --{FORMAT}` wrote for {model}", number)
            rows[str(text)] = rows.get(str(text)) or exported(text, wrong)
            if _record_of(str(rows[str(text)].get("model"))) != model:
                raise wrong
            continue
        score, name = mapping(sample.get("evaluation")).get("score"), _identity(sample)
        if sample.get("error") or not isinstance(score, (int, float)):
            raise DataError(path, f"has the score {shown(score)}, and the error {shown(sample.get('error'))}", number)
        best, task = _best(levels.get(name, {})), str(sample.get("evaluation_name"))
        golds = listed(mapping(sample.get("input")).get("reference"))
        row = {"id": sample.get("sample_id"), "task": None if given.task else task, "condition": given.condition}
        row |= {"language": None if given.language else code_of(task) or None, "model": model, "scores": {}}
        row["gold"] = golds[0] if len(golds) == 1 else json_text(golds)
        rows.setdefault(f"{task}/{row['id']}", row)
        shares = scores.setdefault(name, {}).setdefault(f"{task}/{row['id']}", [])
        shares.append(score / best if 0 <= score <= best else -1)
    for name, samples in scores.items():
        if any(share < 0 for shares in samples.values() for share in shares):
            task, scale = next(iter(samples)).rpartition("/")[0], "from 0 to 1 or 100, of which more is better"
            reading.notes[f"{task}: {name} was left out whole, since not all of its scores are {scale}."] = None
            continue
        if ids := [shown(rows[key]["id"]) for key, shares in samples.items() if len(shares) > 1]:
            raise DataError(
                path,
                f"has several lines of {shown(name)} for {counted(len(ids), 'sample')}: {', '.join(ids[:5])}. "
                "Leave one line of each sample",
            )
        for key, (share,) in samples.items():
            rows[key]["scores"][name] = share
        stated = mapping(levels[name].get("score_details")).get("score")
        if isinstance(stated, (int, float)):
            values, best = [share for (share,) in samples.values()], _best(levels[name])
            reading.differing += differing_level(file.name, metric_of(name), values, stated / best)
    return [row for row in rows.values() if row.get("scores") != {}]


def _identity(row: Mapping[str, Any]) -> str:
    return str(row.get("evaluation_result_id") or row.get("evaluation_name"))


def _best(level: Mapping[str, Any]) -> float:
    """The best score of a level, below 0 where less is better, or its bounds are neither 0 to 1 nor 0 to 100."""
    bounds = mapping(level.get("metric_config"))
    is_share = bounds.get("min_score") in (None, 0) and bounds.get("max_score") in (None, 1, 100)
    return -1 if bounds.get("lower_is_better", True) or not is_share else bounds.get("max_score") or 1
