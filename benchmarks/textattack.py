"""DeepWordBug by our engine beside TextAttack's: success, queries and time, on the same model and items.

    robust-xtreme train --task xnli --from src/robust_xtreme/_mini/model/model --data DIR --epochs 4 --lr 1e-3 --out RUN
    robust-xtreme train --task xnli --from-scratch tiny --text DIR/flores_first100 --languages en --mlm-steps 0 \\
        --epochs 30 --data DIR --out TINY
    .venv-textattack/bin/python -m benchmarks.textattack --data DIR --model RUN --model TINY [--items N] [--out FOLDER]

It runs in the environment of `make test-textattack`. The items are the first of XNLI's English test that the model
answers right; premise and hypothesis are attacked. The machine has two cores: TextAttack has one or two threads, as
it is faster (its own workers need GPUs); ours has one for each of two passes, as `eval` has with models of this
size. Both need the same passes through the model, which is most of our time with all but the smallest model: the
page has what they take. TextAttack calls the model as its own wrapper of models of transformers does, a padded batch
of at most 32 inputs at a time; ours goes the way of `eval`. TextAttack 0.3.11 runs its recipe `DeepWordBugGao2018` as
it is, which is, by its source:

- Words are runs of letters, digits and `_`, `'`, `-`, `*`, `@`, without the last five at their ends; white space and
  other signs stay. Those that are in the list of stop words as they are written ("The" is not) never change, nor does
  one that has changed.
- Each word in turn is replaced by `[UNK]`; words are tried in the order of 1 - p(right label) there, highest first.
- Of a word there are up to four forms, one of each kind: two neighbouring characters swapped, a character substituted
  by a letter, a character deleted, a letter inserted before a character. Places are drawn evenly; letters are those of
  ASCII, of both cases. Words of one character have no form; a form that is the word itself is left out, as are equal
  forms.
- Forms with which the whole text is at a Levenshtein distance of more than 30 from the clean one are left out.
- Of the forms the one with the highest 1 - p(right label) stays if it is higher than what was reached before; the
  search ends at the first word with which the label is another, and at the budget.
- A query is a text for which it asks its goal function: the clean one, those with `[UNK]`, and all forms, also where
  it has the answer in its cache.

Ours makes the same kinds of edits with other draws; its units are runs without white space, of which the longest word
changes and all is hidden, and it compares how far the right label's score is ahead of the best other one. The clean
text is added to its count.

The bars: at least 900 items and a model above chance; the 90 % interval of the difference of the success rates, by
premise, within 5 points; mean queries within 10 % of TextAttack's; at most a third of TextAttack's time by the clock
on two CPU cores, at most a tenth with --device cuda.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from benchmarks._deepwordbug import attack, gold, oracle

from robust_xtreme.attack import recipes
from robust_xtreme.attack.goals import Ask
from robust_xtreme.core import registry
from robust_xtreme.core.edits import Array
from robust_xtreme.core.examples import Example
from robust_xtreme.models.loading import Checkpoint, load_checkpoint
from robust_xtreme.models.predictors.loaded import device_name, device_of
from robust_xtreme.models.predictors.predictor import BATCH_TOKENS
from robust_xtreme.noise.engine.noised import PerturbedExamples, untouched
from robust_xtreme.report.blocks import Block, Prose, ReportPage, grid
from robust_xtreme.report.renderers import markdown
from robust_xtreme.tasks.sources.source import load

TASK: Final = "xnli"
FIELDS: Final = ("premise", "hypothesis")
ITEMS: Final = 1200
FEWEST: Final = 900
QUERIES: Final = 200
CORES: Final = 2
CHANCE: Final = 1 / 3
TRIED: Final = 100
"""Items on which the number of threads is chosen that TextAttack has."""

Z90: Final = 1.6449
WITHIN: Final = 0.05
QUERIES_WITHIN: Final = 0.10
TIMES: Final = {"cpu": 1 / 3, "cuda": 1 / 10}
PEER, OURS = "TextAttack", "robust-xtreme"


def main() -> None:
    """Measure, print the figures with what is missed, and write them down where --out is given."""
    try:
        library = version("textattack")
    except PackageNotFoundError:
        print("TextAttack is not installed here: make test-textattack makes the environment .venv-textattack.")
        return
    words = _words()
    if "OMP_WAIT_POLICY" not in os.environ:
        command = [sys.executable, "-m", "benchmarks.textattack", *sys.argv[1:]]
        os.execve(sys.executable, command, {**os.environ, "OMP_WAIT_POLICY": "passive", "OMP_NUM_THREADS": str(CORES)})
    task, device = registry.load("task", TASK), device_of(words.device)
    every = load(task, words.data, "en", "test").examples
    models = [
        measure(every, load_checkpoint(folder, task, device), words.items, words.queries, words.seed)
        for folder in words.model
    ]
    figures = {
        "textattack": library,
        "device": device,
        "machine": device_name(device) if device != "cpu" else platform.machine(),
        "versions": f"torch {torch.__version__}, transformers {version('transformers')}",
        "models": models,
    }
    print(page(figures))
    if words.out:
        words.out.mkdir(parents=True, exist_ok=True)
        path = words.out / f"textattack-{device}.json"
        path.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
        path.with_suffix(".md").write_text(page(figures), encoding="utf-8")


def _words() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("ROBUST_XTREME_DATA"), help="with xnli/test-en.tsv")
    parser.add_argument(
        "--model", type=Path, required=True, action="append", help="a run of `train` with a head for xnli; repeatable"
    )
    parser.add_argument("--items", type=int, default=ITEMS)
    parser.add_argument("--queries", type=int, default=QUERIES, help="for each item, the clean text among them")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="a folder for the figures")
    words = parser.parse_args()
    if words.data is None:
        parser.error("name the folder of release files: --data DIR")
    return words


# -------------------------------------------------------------------------------------------------------------- measure


def measure(
    every: Sequence[Example],
    checkpoint: Checkpoint,
    most: int,
    queries: int = QUERIES,
    seed: int = 0,
    cores: int = CORES,
) -> dict[str, Any]:
    """Both attacks on the first `most` examples that the model answers right."""
    device = checkpoint.device.type
    task = registry.load("task", TASK)
    ask = oracle(task, checkpoint, BATCH_TOKENS[device])
    right = ask(PerturbedExamples(every, untouched(()), {})).right
    items = [every[row] for row in np.flatnonzero(right)[:most].tolist()]
    scores = plain(checkpoint)
    threads = quickest(scores, items, cores)
    with torch_threads(threads), passes(checkpoint.encoder) as of_peer:
        peer, succeeded = theirs(items, scores, queries, seed)
    with torch_threads(1 if device == "cpu" else cores), passes(checkpoint.encoder) as of_engine:
        ours, won = ours_of(items, ask, queries, seed)
    for figures, taken in ((peer, of_peer), (ours, of_engine)):
        figures["pass_seconds"] = round(sum(taken), 2)
    config: Any = checkpoint.encoder.config
    about = {
        "model": f"{config.num_hidden_layers} of {config.hidden_size}",
        "examples": len(every),
        "accuracy": round(float(right.mean()), 4),
        "items": len(items),
        "queries": queries,
        "threads": {PEER: threads, OURS: cores},
    }
    return {**about, "figures": {PEER: peer, OURS: ours}, **compared(items, succeeded, won)}


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Let torch compute in so many threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def passes(encoder: torch.nn.Module) -> Iterator[list[float]]:
    """The seconds of each pass through an encoder, by whatever thread."""
    of_thread, taken = threading.local(), list[float]()

    def begin(*_: Any) -> None:
        of_thread.began = time.perf_counter()

    def end(*_: Any) -> None:
        taken.append(time.perf_counter() - of_thread.began)

    hooks = encoder.register_forward_pre_hook(begin), encoder.register_forward_hook(end)
    try:
        yield taken
    finally:
        for hook in hooks:
            hook.remove()


def quickest(scores: recipes.Scores, items: Sequence[Example], cores: int) -> int:
    """The number of threads, 1 or `cores`, with which a model answers TextAttack's batches of four texts soonest."""
    pairs = [tuple(item.texts[name].value for name in FIELDS) for item in items[:TRIED]]
    taken: dict[int, float] = {}
    for threads in (cores, 1, cores, 1):
        with torch_threads(threads):
            _, seconds, _ = timed(lambda: [scores(pairs[at : at + 4]) for at in range(0, len(pairs), 4)])
        taken[threads] = min(seconds, taken.get(threads, seconds))
    return min(taken, key=lambda threads: taken[threads])


def plain(checkpoint: Checkpoint) -> recipes.Scores:
    """The scores of the labels as TextAttack's wrapper of a model of transformers gets them: one padded batch."""
    length = registry.load("task", TASK).max_length

    def scores(pairs: Sequence[tuple[str, ...]]) -> Array:
        premises, hypotheses = ([pair[field] for pair in pairs] for field in range(len(FIELDS)))
        read = checkpoint.tokenizer(
            premises, hypotheses, truncation="longest_first", max_length=length, padding=True, return_tensors="pt"
        ).to(checkpoint.device)
        with torch.inference_mode():
            asked = {"input_ids": read["input_ids"], "attention_mask": read["attention_mask"]}
            hidden = checkpoint.encoder(**asked).last_hidden_state
            given: Array = checkpoint.head(hidden[:, 0]).float().cpu().numpy()
        return given

    return scores


def theirs(items: Sequence[Example], scores: recipes.Scores, queries: int, seed: int) -> tuple[dict[str, Any], Array]:
    """TextAttack on one item after the other: its figures, and which attacks succeeded (n,) bool."""
    recipe = recipes.load("deepwordbug", scores)

    def run() -> list[recipes.RecipeOutcome]:
        return [
            recipe.on([item.texts[name].value for name in FIELDS], gold(item), queries, seed + number)
            for number, item in enumerate(items)
        ]

    outcomes, seconds, processor = timed(run)
    success = np.array([outcome.success for outcome in outcomes], np.bool_)
    return figures_of(success, np.array([outcome.queries for outcome in outcomes]), seconds, processor), success


def ours_of(items: Sequence[Example], ask: Ask, queries: int, seed: int) -> tuple[dict[str, Any], Array]:
    """Our engine on all items at once: its figures, and which attacks succeeded (n,) bool."""
    result, seconds, processor = timed(lambda: attack(items, ask, queries - 1, recipes.stop_words(), seed))
    record = result.record
    success = record.first > 0
    return figures_of(success, record.queries + 1, seconds, processor), success


def timed(work: Callable[[], Any]) -> tuple[Any, float, float]:
    """What some work returns, its seconds by the clock, and those of processor time."""
    start, processor = time.perf_counter(), time.process_time()
    result = work()
    return result, time.perf_counter() - start, time.process_time() - processor


def figures_of(success: Array, queries: Array, seconds: float, processor: float) -> dict[str, Any]:
    """The figures of one attack."""
    return {
        "success": round(float(success.mean()), 4),
        "mean_queries": round(float(queries.mean()), 2),
        "seconds": round(seconds, 2),
        "processor_seconds": round(processor, 2),
    }


def compared(items: Sequence[Example], peer: Array, ours: Array) -> dict[str, float]:
    """The difference of the success rates, and its 90 % interval by premise."""
    difference = ours.astype(float) - peer
    mean = float(difference.mean())
    _, premises = np.unique([item.cluster for item in items], return_inverse=True)
    sums = np.bincount(premises, difference - mean)
    error = float(np.sqrt((sums**2).sum() * len(sums) / max(1, len(sums) - 1))) / len(items)
    return {"difference": mean, "low": mean - Z90 * error, "high": mean + Z90 * error}


# ----------------------------------------------------------------------------------------------------------------- page


def missed(figures: dict[str, Any], device: str) -> list[str]:
    """What a bar asks and the figures of a model do not reach."""
    queries, share = (of_peer(figures, name) for name in ("mean_queries", "seconds"))
    apart = max(-figures["low"], figures["high"])
    bars = {
        f"{figures['items']} items, of at least {FEWEST}": figures["items"] >= FEWEST,
        "the model is not above chance": figures["accuracy"] > CHANCE + 2 / np.sqrt(figures["examples"]),
        f"success differs by up to {100 * apart:.1f} points": apart <= WITHIN,
        f"mean queries are {queries:.2f} of TextAttack's": abs(queries - 1) <= QUERIES_WITHIN,
        f"the time is {share:.2f} of TextAttack's": share <= TIMES[device],
    }
    return [what for what, reached in bars.items() if not reached]


def of_peer(figures: dict[str, Any], name: str) -> float:
    """What share of a figure of TextAttack our figure is."""
    peer, ours = figures["figures"][PEER], figures["figures"][OURS]
    return float(ours[name] / peer[name])


def page(figures: dict[str, Any]) -> str:
    """The figures as a page."""
    about = (
        "The same edits, greedy search, items and budget (`benchmarks/textattack.py` says what they are): the first "
        f"items of XNLI's English test that a model answers right. {figures['versions']}, TextAttack "
        f"{figures['textattack']}; {figures['device']}, {CORES} cores. In passes: the seconds that passes through the "
        "model took, together."
    )
    heads = ["model", "attack", "items", "success, %", "mean queries", "seconds", "processor seconds", "in passes"]
    heads += ["of TextAttack's time"]
    models = figures["models"]
    rows = [_row(model, name) for model in models for name in (PEER, OURS)]
    blocks: tuple[Block, ...] = (
        Prose(about),
        grid(heads, rows, 2),
        *(Prose(_summary(model, figures["device"])) for model in models),
    )
    return markdown.render(ReportPage("DeepWordBug, beside TextAttack", blocks))


def _row(model: dict[str, Any], name: str) -> list[str]:
    each = model["figures"][name]
    return [
        model["model"],
        name,
        f"{model['items']:,}",
        f"{100 * each['success']:.1f}",
        *(f"{each[figure]:.1f}" for figure in ("mean_queries", "seconds", "processor_seconds", "pass_seconds")),
        f"{of_peer(model, 'seconds'):.2f}" if name == OURS else "",
    ]


def _summary(model: dict[str, Any], device: str) -> str:
    """What the figures of a model say."""
    low = missed(model, device)
    limit = model["figures"][OURS]["pass_seconds"] / CORES / model["figures"][PEER]["seconds"]
    return (
        f"The model of {model['model']} (layers of so many dimensions) is right in {100 * model['accuracy']:.1f} % of "
        f"{model['examples']:,}. Success, ours minus TextAttack's: {100 * model['difference']:+.1f} points, 90 % "
        f"interval {100 * model['low']:+.1f} to {100 * model['high']:+.1f}, by premise. "
        f"Our passes alone, shared by {CORES} cores, take {limit:.2f} of TextAttack's time. "
        + (f"Missed: {'; '.join(low)}." if low else "All bars are reached.")
    )


if __name__ == "__main__":
    main()
