"""A small run made by hand: frames and manifest as `eval` writes them, with every kind of cell that a page shows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from robust_xtreme.files.schema import AVERAGES, CELL, CONDITIONS, DELTAS, SCORES, build, empty
from robust_xtreme.report.document import document
from robust_xtreme.report.renderers import markdown
from robust_xtreme.report.view import Results
from robust_xtreme.stats._cells import levels_of
from robust_xtreme.stats.averages import Drop, averaged
from robust_xtreme.stats.benchmark import tasks_of

NO_AVERAGES = empty(AVERAGES)

_MIX = '{"delete": 30, "double": 20, "replace": 25, "swap": 25}'


def _cell(task: str, language: str, condition: str, metric: str, scope: str) -> dict[str, Any]:
    cell = {**dict.fromkeys(CELL, ""), "model": "tiny", "data": f"d-{task}-{language}", "task": task}
    named = {"split": "validation", "language": language, "context_language": language, "setting": "zero_shot"}
    return {**cell, **named, "inference": "len128", "condition": condition, "metric": metric, "scope": scope}


def _realised(rate: float, **other: Any) -> dict[str, Any]:
    edited = {"grapheme_edit_rate": rate * 1.2, "word_edit_rate": min(rate * 5, 1.0), "unchanged": 0.02}
    tokens = {"tokens_per_word_clean": 1.5, "tokens_per_word": 1.5 + rate * 4, "tokens_changed": 0.97 if rate else 0.0}
    shares = {"not_applicable": 0.0, "inert": False, "truncated": 0.0, "operators": _MIX if rate else "{}"}
    shares["label_risk"] = min(rate, 1.0)
    return {**edited, **tokens, **shares, **other}


def _interval(middle: float, half: float | None, method: str) -> dict[str, Any]:
    bounds = {"low": None, "high": None} if half is None else {"low": middle - half, "high": middle + half}
    return {"se": None if half is None else half / 1.96, **bounds, "method": method}


def _size(n: int, clusters: int, seeds: int) -> dict[str, Any]:
    return {"n": n, "clusters": clusters, "seeds": seeds, "seed_spread": 0.4 if seeds > 1 else None}


_SHALLOW = {"xnli": ("hypothesis_only", "5 folds, 240 examples each"), "xquad": ("overlap_sentence", "nothing")}


def _levels(task: str, value: float, name: str, clean: float, shallow_noisy: float | None) -> dict[str, Any]:
    bound = clean - value - 3
    predictor, source = _SHALLOW.get(task, ("word_lexicon", "5 folds, 240 examples each"))
    shallow = {
        "shallow": value + 3,
        "shallow_noisy": shallow_noisy,
        "shallow_name": predictor,
        "shallow_source": source,
    }
    chance = {"chance": value, "chance_name": name, "above_chance": bound, "near_chance": bound <= 0}
    return {**chance, **shallow, "constant": 0.4, "overlap": False}


class Run:
    """Rows of SCORES and DELTAS, added cell by cell."""

    def __init__(self) -> None:
        self.scores: list[dict[str, Any]] = []
        self.deltas: list[dict[str, Any]] = []

    def add(
        self, task: str, language: str, clean: float, drops: dict[str, float], chance: tuple[float, str], **other: Any
    ) -> None:
        """A clean cell and its perturbed twins; `drops` maps a condition to its drop in points."""
        metric, clusters = other.pop("metric"), other.pop("clusters", 100)
        half = 2.0 if clusters >= 20 else None
        shared = {**_size(300, clusters, 1), **_levels(task, *chance, clean, None)}
        cell = _cell(task, language, "clean", metric, "all")
        level = {"value": clean, **_interval(clean, half, "cluster t")}
        self.scores.append({**cell, **level, **shared, **_realised(0.0)})
        for condition, drop in drops.items():
            self._perturbed(
                {**cell, "condition": condition}, clean, drop, chance[0], shared | _size(300, clusters, 3), other
            )

    def part(self, scope: str, task: str, language: str, condition: str, value: float, metric: str) -> None:
        """The perturbed level of a part of a cell's items: it has no clean twin, and no row in DELTAS."""
        levels = {"constant": 0.4, "overlap": False}
        cell = _cell(task, language, condition, metric, scope)
        level = {"value": value, **_interval(value, 4.0, "cluster t"), **_size(300, 90, 3), **levels}
        self.scores.append({**cell, **level, **_realised(0.2)})

    def _perturbed(
        self,
        cell: dict[str, Any],
        clean: float,
        drop: float,
        chance: float,
        shared: dict[str, Any],
        other: dict[str, Any],
    ) -> None:
        rate = float(cell["condition"].split(":")[1].split("@")[0])
        half = 1.5 if shared["clusters"] >= 20 else None
        realised, value = _realised(rate, **other), clean - drop
        shared = {**shared, "worst": value - 4.5}
        self.scores.append({**cell, "value": value, **_interval(value, half, "cluster t"), **shared, **realised})
        relative = {
            "relative": 100 * drop / clean,
            "relative_corrected": 100 * drop / (clean - chance) if clean - 3 > chance else None,
        }
        tested = {"p": 0.001, "p_adjusted": 0.004, "family": "task x language", "m": 4, "mde": 2.1}
        joint = {"joint_low": drop - 2.5, "joint_high": drop + 2.5}
        test = {**tested, **joint} if rate == 0.2 else {}
        marks = {"differing": 30, "marks": "not shown above chance" if shared["near_chance"] else None}
        shared = {**shared, "shallow_noisy": chance + 1}
        numbers = {"value": value, "clean": clean, "drop": drop, **relative, **test, **marks}
        numbers["drop_without_risk"] = 0.9 * drop
        numbers |= {} if half is None else {"low_without_risk": 0.9 * drop - 2, "high_without_risk": 0.9 * drop + 2}
        self.deltas.append({**cell, **numbers, **_interval(drop, half, "paired cluster t"), **shared, **realised})

    def frames(self) -> tuple[pl.DataFrame, pl.DataFrame]:
        """SCORES and DELTAS, sorted by key."""
        scores, deltas = build(self.scores, SCORES), build(self.deltas, DELTAS)
        return scores.sort(SCORES.key), deltas.sort(DELTAS.key)


def run() -> tuple[pl.DataFrame, pl.DataFrame, dict[str, Any]]:
    """SCORES, DELTAS and the manifest: cells above chance and near it, inert ones, ones without an interval."""
    made = Run()
    _xnli(made)
    _panx(made)
    _xquad(made)
    return *made.frames(), manifest()


def page(
    scores: pl.DataFrame, deltas: pl.DataFrame, manifest: Mapping[str, Any], averages: pl.DataFrame = NO_AVERAGES
) -> str:
    """`report.md` of a run, from its frames SCORES, DELTAS and AVERAGES and its manifest."""
    return markdown.render(document(Results(scores, deltas, manifest, averages)))


def averages(scores: pl.DataFrame, deltas: pl.DataFrame, manifest: dict[str, Any]) -> pl.DataFrame:
    """AVERAGES of that run; the clusters of a drop are the first of 100, and half of them deviate in each direction."""
    drops = {
        (tuple(row[name] for name in CELL), row["metric"]): _drop(row)
        for row in deltas.filter(pl.col("scope") == "all").iter_rows(named=True)
    }
    known = tasks_of(manifest.get("tasks", {}))
    return averaged(levels_of(scores, deltas), drops, known, manifest.get("spec", {}).get("tasks", ()))


def _drop(row: dict[str, Any]) -> Drop:
    numbers = np.arange(row["clusters"])
    step = (row["se"] or 1.0) / np.sqrt(len(numbers))
    return Drop(row["drop"], numbers, step * (-1.0) ** numbers, numbers % 2 == 0, np.full(len(numbers), len(numbers)))


def _xnli(made: Run) -> None:
    conditions = [f"char_noise:{strength}@fields=premise,hypothesis" for strength in ("0.05", "0.2")]
    for language, clean, drops in (("en", 58.3, (2.1, 8.4)), ("sw", 47.0, (0.9, 4.6)), ("th", 34.1, (0.2, 0.5))):
        made.add(
            "xnli", language, clean, dict(zip(conditions, drops, strict=True)), (33.3, "majority"), metric="accuracy"
        )


def _panx(made: Run) -> None:
    conditions = [f"char_noise:{strength}@fields=tokens" for strength in ("0.05", "0.2")]
    drops = dict(zip(conditions, (3.0, 11.0), strict=True))
    made.add("panx", "de", 61.0, drops, (7.5, "whole_sentence_LOC"), metric="span_f1")
    made.add("panx", "yo", 40.0, drops, (7.5, "whole_sentence_LOC"), metric="span_f1", clusters=12)
    made.part("noised_gold", "panx", "de", conditions[1], 44.0, "span_f1")
    made.part("untouched", "panx", "de", conditions[1], 58.0, "span_f1")
    made.part("noised_gold_clean", "panx", "de", conditions[1], 63.0, "span_f1")
    made.part("untouched_clean", "panx", "de", conditions[1], 59.0, "span_f1")
    made.add("panx", "zh", 33.0, dict.fromkeys(conditions, 0.0), (5.0, "all_o"), metric="span_f1", inert=True)
    made.add(
        "panx", "de", 90.0, dict(zip(conditions, (1.0, 4.0), strict=True)), (70.0, "all_o"), metric="token_accuracy"
    )


def _xquad(made: Run) -> None:
    drops = {"char_noise:0.2@fields=question": 6.0, "char_noise:0.2@fields=context": 12.0}
    made.add("xquad", "el", 31.0, drops, (11.0, "overlap_sentence"), metric="squad_f1", truncated=0.03)


_LANGUAGES = ("ar", "de", "en", "es", "hi", "ja", "ko", "ru", "sw", "th", "tr", "zh")
_FIELDS = {
    "lareqa": ("query",), "mewsli_x": ("query",), "mlqa": ("question", "context"), "panx": ("tokens",),
    "tydiqa": ("question", "context"), "udpos": ("tokens",), "xcopa": ("premise,choice1,choice2",),
    "xnli": ("premise,hypothesis",), "xquad": ("question", "context"),
}  # fmt: skip
_NOISES = ("char_noise:0.05", "char_noise:0.1", "char_noise:0.2", "keyboard_typo:0.2", "natural:0.2")


def long_run() -> tuple[pl.DataFrame, pl.DataFrame, dict[str, Any]]:
    """SCORES, DELTAS and the manifest of 9 tasks in 12 languages under 5 noises, some on two groups of fields."""
    made = Run()
    metrics = {task: ["squad_f1", "surface_f1_noisy_gold"] if "qa" in task else ["accuracy"] for task in _FIELDS}
    for number, (task, groups) in enumerate(_FIELDS.items()):
        conditions = [f"{noise}@fields={fields}" for noise in _NOISES for fields in groups]
        for at, language in enumerate(_LANGUAGES):
            drops = {name: 1.37 * (1 + number) + 2.3 * rank + 0.7 * at for rank, name in enumerate(conditions)}
            for metric in metrics[task]:
                made.add(task, language, 88.8 - number - at / 7, drops, (33.3, "majority"), metric=metric)
    perturbed = {task: [fields.split(",") for fields in named] for task, named in _FIELDS.items()}
    tasks = {task: {"metrics": metrics[task], "perturbed": perturbed[task]} for task in _FIELDS}
    missing = {
        "task": "xnli",
        "split": "test",
        "reason": "missing",
        "condition": "",
        "detail": "No file is there. " * 5,
    }
    not_run = [{**missing, "language": f"x{number}", "condition": f"noise:{number}"} for number in range(40)]
    return *made.frames(), {**manifest(), "tasks": tasks, "not_run": not_run}


def manifest() -> dict[str, Any]:
    """A manifest with the keys that the page reads."""
    metrics = {"xnli": ["accuracy"], "panx": ["span_f1", "token_accuracy"], "xquad": ["squad_f1", "squad_em"]}
    groups = {"xnli": [["premise", "hypothesis"]], "panx": [["tokens"]], "xquad": [["question"], ["context"]]}
    missing = {"task": "xquad", "split": "validation", "reason": "missing", "condition": ""}
    detail = {"detail": "No file of this language is there."}
    return {
        "version": "0.1.0",
        "spec_hash": "0123456789abcdef",
        "spec": {"tasks": ["xnli", "panx", "xquad"], "perturb": ["char_noise:0.05,0.2"], "seeds": 3},
        "tasks": {name: {"metrics": metrics[name], "perturbed": groups[name]} for name in metrics},
        "models": [{"model": "tiny", "task": "xnli", "identity": "cafe", "params": 1234567}],
        "not_run": [
            {**missing, **detail, "language": "th"},
            {**missing, **detail, "language": "ro"},
            {**missing, "task": "panx", "language": "my", "reason": "failed", "detail": "NaN | `logits`"},
        ],
        "overlap": [],
        "notes": ["A name from \u202edata\u202c stays * visible *"],
    }


def conditions() -> pl.DataFrame:
    """CONDITIONS of that run, with one whose strength was solved for and a noisy set."""
    noise: dict[str, Any] = {
        "kind": "noise",
        "name": "char_noise",
        "version": "2",
        "params": "{}",
        "unit": "grapheme cluster",
    }
    names = ("0.05@fields=tokens", "0.2@fields=tokens", "0.2@fields=question", "0.2@fields=context")
    rows = [{"condition": f"char_noise:{name}", **noise, "nominal": name.split("@")[0]} for name in names]
    solved: dict[str, Any] = {
        "target_axis": "graphemes",
        "target": 0.05,
        "calibration": "ab" * 32,
        "packs": "0123456789abcdef",
    }
    rows.append({"condition": "char_noise@realised=graphemes:0.05", **noise, **solved})
    given: dict[str, Any] = {"kind": "external", "name": "typos", "pairing": "alignment", "edited_share": 0.875}
    rows += [{"condition": "external:typos", **given}, {"condition": "clean", "kind": "clean"}]
    return build(rows, CONDITIONS)
