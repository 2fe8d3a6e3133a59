"""TextAttack's DeepWordBug beside our searches among the same edits, by scores and by gradients, with as many queries.

    .venv-textattack/bin/python -m benchmarks.gradients_textattack --data DIR --model RUN [--items N] [--out FOLDER]

The items are the first of XNLI's English test that the model answers right; `benchmarks/textattack.py` says what the
edits are, and how each attack asks the model. A gradient counts as two queries. Each of our searches runs twice: with
TextAttack's limit, a Levenshtein distance of 30, and with at most --share of the words edited. An attack that is
allowed more edits makes them from its first query on; edited words say how many that were.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from benchmarks._deepwordbug import attack, gold, oracle
from benchmarks.textattack import CORES, FIELDS, PEER, TASK, compared, figures_of, plain, quickest, timed, torch_threads

from robust_xtreme.attack import recipes
from robust_xtreme.attack.goals import Ask
from robust_xtreme.core import registry, resources
from robust_xtreme.core.edits import Array
from robust_xtreme.core.examples import Example
from robust_xtreme.models.loading import load_checkpoint
from robust_xtreme.models.predictors.predictor import BATCH_TOKENS
from robust_xtreme.noise.engine.noised import PerturbedExamples, untouched
from robust_xtreme.report.blocks import Paragraph, ReportPage, grid
from robust_xtreme.report.renderers import markdown
from robust_xtreme.tasks.sources.source import load, open_source

SEARCHES: Final = (("random", "scores"), ("greedy", "scores"), ("adaptive", "scores"), ("adaptive", "gradients"))
QUERIES: Final = 50
PAGE: Final = "gradients_textattack"
_HEADS: Final = ("attack", "search", "access", "words that may change", "success, %", "minus TextAttack's")
_MORE: Final = ("mean queries", "edited words of successes, %", "seconds", "processor seconds")


def main() -> None:
    """Measure, print the page, and write it with its figures where --out is given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default=os.environ.get("ROBUST_XTREME_DATA", "mini"))
    parser.add_argument("--model", type=Path, help="a run of `train` with a head for xnli; else the embedded one")
    parser.add_argument("--items", type=int, default=1000)
    parser.add_argument("--queries", type=int, default=QUERIES, help="for each item, the clean text among them")
    parser.add_argument("--share", default="0.15", help="the share of words that may change in the second runs")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    figures = measure(given)
    print(page(figures))
    if given.out:
        given.out.mkdir(parents=True, exist_ok=True)
        path = given.out / f"{PAGE}.json"
        path.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
        path.with_suffix(".md").write_text(page(figures), encoding="utf-8")


def measure(given: argparse.Namespace) -> dict[str, Any]:
    """Each attack on the same items, one after the other."""
    task, seed = registry.load("task", TASK), 0
    checkpoint = load_checkpoint(given.model or resources.mini("model"), task, "cpu")
    every = load(task, open_source(given.data), "en", "test").examples
    ask = oracle(task, checkpoint, BATCH_TOKENS["cpu"])
    right = ask(PerturbedExamples(every, untouched(()), {})).right
    items = [every[row] for row in np.flatnonzero(right)[: given.items].tolist()]
    scores = plain(checkpoint)
    with torch_threads(quickest(scores, items, CORES)):
        theirs, succeeded = _theirs(items, scores, given.queries, seed)
    rows = [{"attack": PEER, "search": "greedy", "access": "scores", "share": "1", **theirs}]
    for share in ("1", given.share):
        for search, access in SEARCHES:
            with torch_threads(1):  # two passes at once, as `eval` has
                ours, won = _ours(items, ask, given.queries, seed, search, access, share)
            about = {"attack": "robust-xtreme", "search": search, "access": access, "share": share}
            rows.append({**about, **ours, **compared(items, succeeded, won)})
    config: Any = checkpoint.encoder.config
    return {
        "model": f"{config.num_hidden_layers} layers of {config.hidden_size}",
        "versions": f"torch {torch.__version__}, transformers {version('transformers')}, "
        f"TextAttack {version('textattack')}",
        "accuracy": float(right.mean()),
        "examples": len(every),
        "items": len(items),
        "queries": given.queries,
        "rows": rows,
    }


def _theirs(items: Sequence[Example], scores: recipes.Scores, queries: int, seed: int) -> tuple[dict[str, Any], Array]:
    recipe = recipes.load("deepwordbug", scores)
    texts = [[item.texts[name].value for name in FIELDS] for item in items]
    outcomes, seconds, processor = timed(
        lambda: [
            recipe.on(pair, gold(item), queries, seed + number)
            for number, (pair, item) in enumerate(zip(texts, items, strict=True))
        ]
    )
    success = np.array([outcome.status == "succeeded" for outcome in outcomes], np.bool_)
    edited = np.array([_edited(pair, outcome.texts) for pair, outcome in zip(texts, outcomes, strict=True)])
    asked = np.array([outcome.queries for outcome in outcomes])
    return figures_of(success, asked, seconds, processor) | _mean(edited, success), success


def _ours(
    items: Sequence[Example], ask: Ask, queries: int, seed: int, search: str, access: str, share: str
) -> tuple[dict[str, Any], Array]:
    result, seconds, processor = timed(
        lambda: attack(items, ask, queries - 1, recipes.stop_words(), seed, search=search, access=access, share=share)
    )
    success = result.record.first > 0
    edited = np.array(
        [
            _edited(*([example.texts[name].value for name in FIELDS] for example in pair))
            for pair in zip(items, result.shown, strict=True)
        ]
    )
    return figures_of(success, result.record.queries + 1, seconds, processor) | _mean(edited, success), success


def _edited(clean: Sequence[str], changed: Sequence[str]) -> float:
    """The share of words of some texts that are others; no edit adds or takes white space."""
    words = [pair for texts in zip(clean, changed, strict=True) for pair in zip(*map(str.split, texts), strict=True)]
    return float(np.mean([before != after for before, after in words]))


def _mean(edited: Array, success: Array) -> dict[str, float]:
    return {"edited": float(edited[success].mean()) if success.any() else 0.0}


def page(figures: dict[str, Any]) -> str:
    """The figures as a page of Markdown."""
    about = (
        "By python -m benchmarks.gradients_textattack, in the environment of make test-textattack: the first "
        f"{figures['items']:,} items of XNLI's English test that a head of {figures['model']} answers right (it does "
        f"in {100 * figures['accuracy']:.1f} % of {figures['examples']:,}). The edits are DeepWordBug's; at most "
        f"{figures['queries']} queries an item, a gradient counting as two, the clean text as one. TextAttack runs its "
        "recipe as it is. Words that may change: all within a Levenshtein distance of 30, as TextAttack limits it, or "
        "a share of the words. Where all may, our random and adaptive searches begin with as many as the distance "
        "allows. Minus TextAttack's: points of success, with the 90 % interval by premise. "
        f"{figures['versions']}; cpu, {CORES} cores; seconds by the clock."
    )
    return markdown.render(
        ReportPage(
            "Gradients beside TextAttack", (Paragraph(about), grid((*_HEADS, *_MORE), map(_row, figures["rows"]), 4))
        )
    )


def _row(row: dict[str, Any]) -> tuple[str, ...]:
    points = [100 * row[name] for name in ("difference", "low", "high")] if "low" in row else []
    share = f"{100 * float(row['share']):.0f} %"
    return (
        *(row[name] for name in ("attack", "search", "access")),
        share,
        f"{100 * row['success']:.1f}",
        "{:+.1f} [{:+.1f}, {:+.1f}]".format(*points) if points else "",
        f"{row['mean_queries']:.1f}",
        f"{100 * row['edited']:.1f}",
        f"{row['seconds']:.0f}",
        f"{row['processor_seconds']:.0f}",
    )


if __name__ == "__main__":
    main()
