"""Random logs in the forms of lm-eval and inspect, with the levels that their scorers, written here, state."""

from __future__ import annotations

import json
import math
import random
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from tests.harness_logs import TIME

from robust_xtreme.core.errors import Mismatch, UserError
from robust_xtreme.exchange.importing import reading
from robust_xtreme.exchange.importing.items import ImportedFile, identified, items_of
from robust_xtreme.exchange.importing.run import manifest_of
from robust_xtreme.exchange.importing.scoring import differing_scores, other_words, scoring_of, stats_of

LM_EVAL: Final = ("old", "plain", "current")
INSPECT: Final = ("eval", "json")
_GIVEN: Final = {"task": "mine", "language": "sw", "condition": "clean"}
_TEXTS: Final = ("yes", "No", "Paris", "12", "maybe not", "Rhône", "42", "A", "B", " C")
_FILTERS: Final = ("strict-match", "flexible-extract", "none-of-them")

Levels = dict[str, float]
Drawn = tuple[Path, Levels]


def levels(path: Path, **given: str) -> Levels:
    """The levels of the rows of a log by metric, from 0 to 1, as the command computes them. Raises what it raises."""
    read = reading.read([ImportedFile(path)], "", {}, "", "")
    items = identified(items_of(read.rows(), {**_GIVEN, **given}, read.path), read.path)
    scoring = scoring_of(items, str(items.item(0, "task")))
    hardly = other_words(items, scoring.family, read.path)
    stats, _, beside = stats_of(items, scoring, read.path)
    if differing := [*read.differing, *hardly, *differing_scores([beside])]:
        raise Mismatch(differing[0])
    levels_read: dict[str, list[float]] = {}
    of_one = stats.filter(pl.col("stats").list.len() == 2, scope="all")
    for metric, sums in of_one.select("metric", "stats").rows():
        levels_read.setdefault(metric, []).append(sums[0] / sums[1])
    return {metric: math.fsum(values) / len(values) for metric, values in levels_read.items()}


def outcome(path: Path, expected: Levels) -> str:
    """Nothing where the levels of a log are those expected; the line of the refusal; fails for other levels."""
    try:
        levels_read = levels(path)
    except UserError as error:
        return str(error)
    for metric, level in expected.items():
        assert math.isclose(levels_read[metric], level, abs_tol=1e-9), (metric, levels_read, expected)
    return ""


# -------------------------------------------------------------------------------------------------------------- lm-eval


def lm_eval(draw: random.Random, version: str, folder: Path) -> Drawn:
    """A log of lm-eval of some version and what its results state of means over examples."""
    kinds: list[Callable[..., Any]] = [_chosen, _generated, _continued]
    kind = draw.choices(kinds, [6, 3, 1])[0]
    count = draw.randrange(2, 25)
    rows, several = kind(draw, count, version)
    stated: dict[str, float] = {}
    for name, samples in several.items():
        for metric in samples[0]:
            values = [row[metric] for row in samples]
            if all(isinstance(value, (bool, int, float)) for value in values):
                stated[f"{metric},{name}"] = draw.choice(
                    [math.fsum(values) / count, sum(values) / count, *map(float, [np.mean(values)])]
                )
    samples = [
        _sample(row, scores, name, version)
        for name, each in several.items()
        for row, scores in zip(rows[name], each, strict=True)
    ]
    folder.mkdir(parents=True)
    lines = "".join(json.dumps(sample, default=str) + "\n" for sample in samples)
    (path := folder / f"samples_mine_{TIME}.jsonl").write_text(lines, encoding="utf-8")
    aggregates = {key: round(value, 6) if draw.random() < 0.1 else value for key, value in stated.items()}
    errors = {key.replace(",", "_stderr,"): 0.01 for key in stated}
    results = {"results": {"mine": {"alias": "mine", **aggregates, **errors}}, "lm_eval_version": "0.4.5"}
    (folder / f"results_{TIME}.json").write_text(json.dumps(results), encoding="utf-8")
    first = next(iter(several))
    means = {key.partition(",")[0]: value for key, value in stated.items() if key.endswith(f",{first}")}
    return path, {
        _ours(name): value for name, value in means.items() if all(0 <= row[name] <= 1 for row in several[first])
    }


def _ours(name: str) -> str:
    return {"acc": "accuracy"}.get(name, f"given/{name}")


def _sample(row: Mapping[str, Any], scores: Mapping[str, Any], name: str, version: str) -> dict[str, Any]:
    """A sample as `EvaluationTracker` writes it: numbers of responses as strings."""
    named = {} if version == "old" else {"filter": name, "metrics": [*scores]}
    hashes = {"doc_hash": "d", "prompt_hash": "p", "target_hash": "t"} if version != "old" else {"doc_hash": "d"}
    return {**row, "target": str(row["target"]), **named, **hashes, **scores}


def _chosen(draw: random.Random, count: int, version: str) -> tuple[Any, Any]:
    """Multiple choice: `ConfigurableTask.process_results` on likelihoods, with a gold number, letter, text or list."""
    many, mutual = draw.randrange(2, 6), draw.random() < 0.1
    texts = draw.choice([[*"ABCDEF"], ["yes", "no", "maybe", "never", "always"], [str(at) for at in range(1, 6)]])[
        :many
    ]
    way = draw.choices(["number", "text", "list", "share"], [70, 22 if not texts[0].isdigit() else 0, 6, 2])[0]
    metrics = ["acc", *draw.sample(["acc_norm", "f1", "mcc", "exact_match", "brier_score"], draw.randrange(3))]
    metrics += ["acc_mutual_info"] if mutual else []
    rows, scores = [], []
    for at in range(count):
        likelihoods = [round(draw.uniform(-9, 0), 2) for _ in texts]
        alone = [round(draw.uniform(-9, 0), 2) for _ in texts] if mutual else []
        numbers = sorted(draw.sample(range(many), draw.randrange(1, many)))
        target: Any = {"number": numbers[0], "text": texts[numbers[0]], "list": numbers, "share": 0}[way]
        golds = [texts.index(target)] if isinstance(target, str) else target if isinstance(target, list) else [target]
        best = likelihoods.index(max(likelihoods))
        lengths = [value / len(text) for value, text in zip(likelihoods, texts, strict=True)]
        made = {
            "acc": round(draw.random(), 3) if way == "share" else float(best in golds),
            "acc_norm": float(lengths.index(max(lengths)) in golds),
            "f1": (golds[0], best),
            "mcc": (golds[0], best),
            "exact_match": int(draw.random() < 0.5),
            "brier_score": (golds[0], [0.5] * many),
            "acc_mutual_info": 0.0,
        }
        responses = [[str(value), "False"] for value in (*likelihoods, *alone)]
        asked = [("?", f" {text}") for text in texts] + [("", f" {text}") for text in texts] * mutual
        named = {f"gen_args_{at}": {"arg_0": context, "arg_1": text} for at, (context, text) in enumerate(asked)}
        arguments = named if version != "old" or draw.random() < 0.5 else asked
        doc = {"doc_id": at, "doc": {"question": "?"}, "target": target, "arguments": arguments}
        rows.append(doc | {"resps": [[each] for each in responses], "filtered_resps": responses})
        scores.append({name: made[name] for name in metrics})
    return {"none": rows}, {"none": scores}


def _generated(draw: random.Random, count: int, version: str) -> tuple[Any, Any]:
    """Generated texts: an exact match, perhaps without case, for each of one to three filters."""
    names = ["none"] if draw.random() < 0.5 else [*_FILTERS[: draw.randrange(1, 4)]]
    lower, extra = draw.random() < 0.5, draw.random() < 0.3
    targets = [draw.choice(_TEXTS) for _ in range(count)]
    rows: dict[str, list[Any]] = {name: [] for name in names}
    scores: dict[str, list[Any]] = {name: [] for name in names}
    for name in names:
        for at, target in enumerate(targets):
            answer = draw.choice([target, target.lower(), draw.choice(_TEXTS), "[invalid]", ""])
            right = answer.lower() == target.lower() if lower else answer == target
            doc = {"doc_id": at, "doc": {"question": "?"}, "target": target, "arguments": [["?", {"until": ["x"]}]]}
            rows[name].append(doc | {"resps": [[answer]], "filtered_resps": [answer]})
            f1 = {"f1": round(draw.random(), 4), "bleu": (target, answer)} if extra else {}
            scores[name].append({"exact_match": float(right), **f1})
    return rows, scores


def _continued(draw: random.Random, count: int, version: str) -> tuple[Any, Any]:
    """The likelihood of one text, as lambada: accuracy is whether it is the greedy one."""
    rows, scores = [], []
    for at in range(count):
        value, greedy = round(draw.uniform(-9, -0.01), 2), draw.random() < 0.5
        doc = {"doc_id": at, "doc": {"text": "?"}, "target": " x", "arguments": [["?", " x"]]}
        rows.append(doc | {"resps": [[[str(value), str(greedy)]]], "filtered_resps": [[str(value), str(greedy)]]})
        scores.append({"perplexity": value, "acc": int(greedy)})
    return {"none": rows}, {"none": scores}


# -------------------------------------------------------------------------------------------------------------- inspect


def inspect(draw: random.Random, form: str, folder: Path) -> Drawn:
    """A log of inspect, an archive or a JSON, and what its header states of each scorer."""
    count = draw.randrange(2, 25)
    kind = draw.choices([_multiple, _matched, _graded], [4, 3, 3])[0]
    samples = kind(draw, count)
    if draw.random() < 0.004:
        samples[0]["epoch"] = 2
    if draw.random() < 0.004:
        samples[0]["scores"] = {"mine": {"value": {"a": 1}}}
    names = [*samples[0]["scores"]]
    stated = {
        name: math.fsum(_to_float(row["scores"][name]["value"]) for row in samples) / count
        for name in names
        if all(name in row["scores"] for row in samples)
    }
    metrics = draw.choice(["accuracy", "mean"])
    entries = [
        {
            "name": name,
            "scorer": name,
            "params": {},
            "metrics": {metrics: {"name": metrics, "value": value}, "stderr": {"name": "stderr", "value": 0.01}},
        }
        for name, value in stated.items()
    ]
    results = {"total_samples": count, "completed_samples": count, "scores": entries}
    evaluation = {"model": "m", "task": "mine", "packages": {"inspect_ai": "0.3.100"}, "config": {"epochs": 1}}
    header = {"version": 2, "status": "success", "eval": evaluation, "plan": {}, "results": results, "stats": {}}
    folder.mkdir(parents=True)
    if form == "json":
        (path := folder / "2026_mine.json").write_text(
            json.dumps(header | {"samples": samples}, indent=draw.choice([None, 2])), "utf-8"
        )
    else:
        with zipfile.ZipFile(path := folder / "2026_mine.eval", "w", zipfile.ZIP_DEFLATED) as packed:
            for at, row in enumerate(samples):
                packed.writestr(f"samples/{at}_epoch_1.json", json.dumps(row))
            packed.writestr("header.json", json.dumps(header))
    return path, {f"given/{name}": value for name, value in stated.items()}


def _to_float(value: Any) -> float:
    """The scorer's value as a number, as `value_to_float` makes it."""
    if isinstance(value, (bool, int, float)):
        return float(value)
    known = {"C": 1.0, "P": 0.5, "I": 0.0, "N": 0.0}
    return known[value] if value in known else {"yes": 1.0, "true": 1.0}.get(str(value).lower(), 0.0)


def _multiple(draw: random.Random, count: int) -> list[dict[str, Any]]:
    """`choice`: the letters that were marked are those of the target; one or several are right."""
    many, several = draw.randrange(2, 6), draw.random() < 0.2
    letters = "ABCDE"[:many]
    samples = []
    for at in range(count):
        target = "".join(sorted(draw.sample(letters, draw.randrange(1, many + 1) if several else 1)))
        marked = sorted(draw.sample(letters, draw.choice([0, 1, 1, 1, 1, 2]) if not several else draw.randrange(many)))
        marked = [*target] if draw.random() < 0.4 else marked
        score = {"value": "C" if marked == [*target] else "I", "answer": ", ".join(marked), "explanation": "..."}
        given = draw.choice([target, [*target]]) if several else target
        samples.append(_asked(at, given, {"choice": score}) | {"choices": [f"c{each}" for each in letters]})
    return samples


def _matched(draw: random.Random, count: int) -> list[dict[str, Any]]:
    """`match` and `includes`: texts, with one target or several."""
    samples = []
    both = draw.random() < 0.3
    for at in range(count):
        target = draw.choice(_TEXTS) if draw.random() < 0.8 else draw.sample(_TEXTS, 2)
        answer = draw.choice(_TEXTS)
        first = [target] if isinstance(target, str) else target
        scores = {"match": {"value": "C" if answer in first else "I", "answer": answer}}
        scores |= {"includes": {"value": "C" if draw.random() < 0.5 else "I", "answer": answer}} if both else {}
        samples.append(_asked(at, target, scores))
    return samples


def _graded(draw: random.Random, count: int) -> list[dict[str, Any]]:
    """Scorers of others: partial credit, no answer, numbers and booleans, with and without an answer."""
    values: Sequence[Any] = draw.choice([["C", "I", "P", "N"], [0.0, 0.25, 1.0], [True, False], ["yes", "no"], [0, 1]])
    answered = draw.random() < 0.5
    samples = []
    for at in range(count):
        answer = {"answer": draw.choice(_TEXTS)} if answered else {}
        samples.append(_asked(at, draw.choice(_TEXTS), {"model_graded_qa": {"value": draw.choice(values), **answer}}))
    return samples


def _asked(at: int, target: Any, scores: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": at + 1, "epoch": 1, "input": "?", "target": target, "scores": dict(scores), "metadata": {}}


def notes(path: Path, **given: str) -> list[str]:
    """The notes that an import of a file prints, without what it writes."""
    read = reading.read([ImportedFile(path)], "", {}, "", "")
    items = identified(items_of(read.rows(), {**_GIVEN, **given}, read.path), read.path)
    sentences: list[str] = manifest_of(items, {}, {"notes": read.notes})["notes"]
    return sentences
