"""The page of a large run: how long it takes, how much memory and how many bytes: `python -m benchmarks.page`.

A made-up run of 10 tasks, 50 languages, 5 perturbations and 5 strengths each: 12,500 perturbed cells; then the same
with as many examples as a page has at most. The limits beside the figures are those that the page was designed for. A
page is usable when a browser shows it and has answered a click.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from robust_xtreme.core import resources
from robust_xtreme.core.examples import Text
from robust_xtreme.core.languages import LANGUAGES
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.files.schema import AVERAGES, DELTAS, SCORES, build
from robust_xtreme.noise.engine.noised import Noised
from robust_xtreme.noise.engine.noising import noise_texts
from robust_xtreme.report.blocks import Diff, Hyperlink, Sample, Section
from robust_xtreme.report.outputs import Added, written
from robust_xtreme.report.samples.choosing import MOST
from robust_xtreme.report.samples.part import shown
from robust_xtreme.report.samples.windows import width_of
from robust_xtreme.report.view import Results
from robust_xtreme.tasks.formats import read_file

TASKS: Final = (
    "xnli", "xcopa", "udpos", "panx", "xquad", "mlqa", "tydiqa", "tatoeba", "mewsli_x", "lareqa"
)  # fmt: skip
NOISES: Final = ("char_noise", "keyboard_typo", "transliterate", "wrong_layout", "diacritics")
STRENGTHS: Final = (0.02, 0.05, 0.1, 0.2, 0.3)
NOISE: Final = "char_noise:0.1"
_OTHERS: Final = {"seconds to make": 60, "MiB at most": 2048, "seconds until it is usable": 3}
LIMITS: Final = {"cells": {"bytes": 3_000_000, **_OTHERS}, "examples": {"bytes": 8_000_000, **_OTHERS}}


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


def examples(many: int) -> Section:
    """Questions and contexts of the embedded suite under noise, as many as asked for, evenly over its languages."""
    texts = [text for path in sorted(resources.mini("suite").glob("xquad/test-*.jsonl.gz")) for text in _texts(path)]
    noised = noise_texts(texts, PerturbationSpec.parse(NOISE), seed=0)
    pairs = [*zip(noised[::2], noised[1::2], strict=True)]
    by_language: dict[str, list[Sample]] = {}
    for number in range(many):
        question, context = pairs[number % len(pairs)]
        by_language.setdefault(question.clean.language, []).append(_sample(number, question, context))
    folds = [Section(code, f"examples/{code}", tuple(every), 3, folded=True) for code, every in by_language.items()]
    return Section("Examples", "examples", tuple(folds))


def _texts(path: Path) -> Iterator[Text]:
    language = path.name.removeprefix("test-").removesuffix(".jsonl.gz")
    for line in read_file(path).text.splitlines():
        row = json.loads(line)
        for name in ("question", "context"):
            yield Text(f"{language}/{row['id']}/{name}", language, row[name])


def _sample(number: int, question: Noised, context: Noised) -> Sample:
    """An example with the parts of one of question answering."""
    code = question.clean.language
    cell = f"{code}/xquad/char_noise:0.3"
    anchor = f"{cell}/{number}"
    links = Hyperlink(f"xquad, {code}, char_noise:0.3", f"#{cell}"), " ", Hyperlink(str(number), f"#{anchor}")
    selected = "among the largest losses" if number % 3 else "drawn at random"
    title = (*links, f" (noise seed 0): f1 100.0 to 0.0, {selected}")
    answer, tokens = (Diff(((text, text),), code) for text in (context.clean.value[:20], context.clean.value[:30]))
    noisy = (answer, " (in the noisy text: ", answer, ")") if number % 4 == 0 else answer
    subwords = ("question: ", tokens, " \u2192 ", tokens, "; context: ", tokens, " \u2192 ", tokens)
    facts = (("gold", answer), ("clean", answer), ("noisy", noisy), ("edits", "delete 9, double 7, replace 8, swap 8"))
    fields = (("question", shown(question)), ("context", shown(context, width=width_of(MOST))))
    labels = {"became": ("wrong", "right", "same")[number % 3], "of": cell}
    return Sample(title, anchor, labels, fields, (*facts, ("subwords", subwords)))


def usable(page: Path, program: str) -> float:
    """The seconds until a browser shows the page and has answered a click on a toggle."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        opened = browser.new_page()
        start = time.perf_counter()
        opened.goto(page.as_uri(), wait_until="load")
        opened.locator("#tools button", has_text="noisy level").click()  # a search of all texts would take longer
        opened.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        seconds = time.perf_counter() - start
        browser.close()
    return seconds


def main() -> None:
    """Print the figures of the page without and with examples, and of the browser where there is one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, help="a folder for the pages")
    parser.add_argument("--browser", default=shutil.which("chromium"), help="the program; playwright drives it")
    asked = parser.parse_args()
    made = results()
    with tempfile.TemporaryDirectory() as folder:
        for name, parts in (("cells", []), ("examples", [examples(MOST)])):
            figures = _measured(made, parts, (asked.output or Path(folder)) / f"{name}.html", asked.browser)
            for (figure, limit), value in zip(LIMITS[name].items(), figures, strict=False):
                print(f"{name}, {figure}: {value:,.1f} of {limit:,} ({value / limit:.2f})")


def _measured(made: Results, parts: list[Section], path: Path, program: str | None) -> Iterator[float]:
    start = time.perf_counter()
    page = written(made, ".html", added=Added(examples=(*parts,)))
    seconds = time.perf_counter() - start
    path.write_bytes(page)
    yield len(page)
    yield seconds
    yield resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if program:
        yield usable(path, program)


if __name__ == "__main__":
    main()
