"""The page of a large run: how long it takes, how much memory and how many bytes: `python -m benchmarks.page`.

A made-up run of 10 tasks, 50 languages, 5 perturbations and 5 strengths each: 12,500 perturbed cells. The limits beside
the figures are those that the page was designed for.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from robust_xtreme.languages import LANGUAGES
from robust_xtreme.report.outputs import written
from robust_xtreme.report.view import Results
from robust_xtreme.results.schema import AVERAGES, DELTAS, SCORES, build

TASKS: Final = (
    "xnli", "xcopa", "udpos", "panx", "xquad", "mlqa", "tydiqa", "tatoeba", "mewsli_x", "lareqa"
)  # fmt: skip
NOISES: Final = ("char_noise", "keyboard_typo", "transliterate", "wrong_layout", "diacritics")
STRENGTHS: Final = (0.02, 0.05, 0.1, 0.2, 0.3)
LIMITS: Final = {"bytes": 3_000_000, "seconds": 60, "MiB": 2048}


def results(tasks: int = 10, languages: int = 50, noises: int = 5) -> Results:
    """A run with made-up numbers, the same every time."""
    draws = np.random.default_rng(18)
    cells = [(task, code) for task in TASKS[:tasks] for code in LANGUAGES[:languages]]
    scores: list[dict[str, Any]] = []
    deltas: list[dict[str, Any]] = []
    for task, code in cells:
        clean = float(draws.uniform(40, 95))
        key = _key(task, code)
        scores.append({**key, "condition": "clean", "value": clean, **_shared(clean, 0.0)})
        for noise in NOISES[:noises]:
            slope = float(draws.uniform(-20, 120))
            deltas += [_delta(key, noise, strength, clean, slope) for strength in STRENGTHS]
    averages = build(list(_averages(deltas)), AVERAGES).sort(AVERAGES.key)
    manifest = {
        "version": "0", "spec_hash": "made up", "spec": {"perturb": list(NOISES)},
        "tasks": {name: {"metrics": ["accuracy"], "perturbed": [["text"]], "family": "choice"} for name in TASKS},
        "units": [{"task": task, "language": code, "split": "test"} for task, code in cells],
    }  # fmt: skip
    return Results(build(scores, SCORES).sort(SCORES.key), build(deltas, DELTAS).sort(DELTAS.key), manifest, averages)


def _key(task: str, code: str) -> dict[str, Any]:
    named = {"model": "made-up", "data": "", "task": task, "split": "test", "language": code, "context_language": code}
    return {**named, "setting": "zero_shot", "inference": "", "metric": "accuracy", "scope": "all"}


def _shared(value: float, strength: float) -> dict[str, Any]:
    levels = {"chance": 33.3, "chance_name": "majority", "above_chance": 20.0, "near_chance": False, "overlap": False}
    sizes = {"n": 4000, "clusters": 1300, "seeds": 1, "method": "jackknife"}
    realised = {"grapheme_edit_rate": strength * 0.9, "word_edit_rate": min(1.0, strength * 4), "unchanged": 0.0}
    tokens = {"tokens_per_word_clean": 1.5, "tokens_per_word": 1.5 + strength, "tokens_changed": 0.9}
    counts = {"operators": '{"delete": 25, "double": 25, "replace": 25, "swap": 25}', "label_risk": strength / 4}
    flags = {"not_applicable": 0.0, "inert": False, "truncated": 0.0, "unknown_clean": 0.0, "unknown": strength / 50}
    bounds = {"se": 1.0, "low": value - 2, "high": value + 2}
    return {**levels, **sizes, **realised, **tokens, **counts, **flags, **bounds}


def _delta(key: dict[str, Any], noise: str, strength: float, clean: float, slope: float) -> dict[str, Any]:
    drop = min(clean, slope * strength)
    shared = {**_shared(drop, strength), "low": drop - 2, "high": drop + 2}
    tested = {"p": 0.001, "p_adjusted": 0.01 if drop > 4 else 0.6, "family": "task x language", "m": 2500}
    joint = {"joint_low": drop - 4, "joint_high": drop + 4, **tested} if strength == STRENGTHS[-1] else {}
    marks = "no room" if clean < 42 else None
    numbers = {"value": clean - drop, "clean": clean, "drop": drop, "relative": 100 * drop / clean, "mde": 3.0}
    return {**key, "condition": f"{noise}:{strength}@fields=text", **shared, **numbers, **joint, "marks": marks}


def _averages(deltas: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Averages over the languages of each task and condition."""
    frame = pl.DataFrame(deltas, infer_schema_length=None).group_by("task", "condition", maintain_order=True)
    for (task, condition), rows in frame:
        means = {name: sum(rows[name]) / rows.height for name in ("clean", "value", "drop", "grapheme_edit_rate")}
        named = {"model": "made-up", "kind": "languages", "name": task, "task": task, "split": "test", "setting": ""}
        bounds = {"se": 0.5, "low": means["drop"] - 1, "high": means["drop"] + 1, "p": 0.001}
        listed = {"languages": " ".join(rows["language"]), "cells": "", "n": 200_000, "metric": "accuracy"}
        yield {**named, "inference": "", "condition": condition, **listed, **means, **bounds}


def main() -> None:
    """Print the figures of one page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, help="keep the page")
    output = parser.parse_args().output
    made = results()
    start = time.perf_counter()
    page = written(made, ".html")
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    for (name, limit), figure in zip(LIMITS.items(), (len(page), seconds, peak), strict=True):
        print(f"{name}: {figure:,.0f} of {limit:,} ({figure / limit:.2f})")
    if output:
        output.write_bytes(page)


if __name__ == "__main__":
    main()
