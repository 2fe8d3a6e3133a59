"""Attacks certified answers of a model with fresh draws: `python -m tools.certified --model NAME --tasks panx`.

Each attack makes as many edits as a certified answer allows: graphemes of the task's texts are inserted, deleted and
replaced in the word of that answer, or in a field. A certificate is broken where fresh draws of the changed text show
at 99.9 % that the certified answer is not that of most: of the attacks at most as many as `allowed` says may be.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, final

import numpy as np
import polars as pl
from scipy import stats

from robust_xtreme.core.examples import Example, Text, digest, span_of
from robust_xtreme.core.graphemes import split
from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.models.loading import Models
from robust_xtreme.models.predictors.predictor import BATCH_TOKENS, Work
from robust_xtreme.run.certifying import ALPHA, Ask, Smoothing, answers_of, certified
from robust_xtreme.run.plan import make_plan
from robust_xtreme.run.task_run import TaskRun
from robust_xtreme.stats.intervals import least_share

_DEVICE: Final = "cpu"

Radii = dict[str, dict[int, tuple[str, int]]]
"""By example and number of the word, the certified answer and its radius."""


@final
@dataclass(frozen=True, slots=True)
class Attack:
    """An example after `edits`, and its answers (by the number of their word) that are certified against so many."""

    example: Example
    edits: int
    answers: dict[int, str]


def allowed(attacks: int) -> int:
    """The most broken certificates of so many attacks: two errors of 0.1 % each are exceeded once in a thousand."""
    return int(stats.binom.ppf(1 - ALPHA, attacks, 2 * ALPHA))


def edited(units: Sequence[str], edits: int, pool: Sequence[str], rng: np.random.Generator) -> list[str]:
    """Units after so many edits or fewer."""
    changed = list(units)
    for kind in rng.integers(0, 3, edits).tolist():
        at = int(rng.integers(0, len(changed) + 1))
        stop = at if kind == 0 else at + 1
        changed[at:stop] = [] if kind == 1 else [pool[int(rng.integers(0, len(pool)))]]
    return changed


def _with_word(text: Text, word: int, made: str) -> Text:
    """A text with another word; the spans after it move."""
    old, (before, after) = text.spans[word], (text.spans[:word], text.spans[word + 1 :])
    more = len(made) - (old.stop - old.start)
    moved = (span_of(span.start + more, span.stop + more, span.label) for span in after)
    spans = (*before, span_of(old.start, old.stop + more, old.label), *moved)
    return replace(text, value=text.value[: old.start] + made + text.value[old.stop :], spans=spans)


def attacks(run: TaskRun, examples: Sequence[Example], radii: Radii, most: int) -> Iterator[Attack]:
    """Attacks on the certified answers of examples, one example after the other, until `most` answers are attacked."""
    there = [example for example in examples if radii.get(example.id)]
    fields = [name for name in examples[0].texts if any(name in group for group in run.task.perturbed)]
    pool = sorted(
        {unit for example in examples for name in fields for unit in split(example.texts[name].value)} - {" "}
    )
    number = 0
    while most > 0 and there:
        example = there[number % len(there)]
        rng = np.random.default_rng(int(digest("attack", example.id, str(number)), 16))
        word = int(rng.choice([*radii[example.id]]))
        edits = radii[example.id][word][1]
        answers = {at: answer for at, (answer, radius) in radii[example.id].items() if radius >= edits}
        name = str(rng.choice(fields))
        text = example.texts[name]
        if run.words:
            made = _with_word(text, word, "".join(edited(split(text.at(text.spans[word])), edits, pool, rng)))
        else:
            made = replace(text, value="".join(edited(split(text.value), edits, pool, rng)), spans=())
        changed = replace(example, id=f"{example.id}#{number}", texts={**example.texts, name: made}, fingerprint="-")
        yield Attack(changed, edits, answers)
        most, number = most - len(answers), number + 1


def main() -> None:
    """Certify some examples, attack them, and say how many certificates are broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("model", "tasks", "languages", "data"):
        parser.add_argument(f"--{name}", required=name != "data", default="auto")
    for name, default in (("limit", 20), ("attacks", 200), ("draws", 1000), ("first", 100)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--delete", default="0.9")
    given = parser.parse_args()
    how = Smoothing((1,), given.draws, given.first, given.delete)
    tasks, languages = (tuple(words.split(",")) for words in (given.tasks, given.languages))
    plan = make_plan(RunSpec((given.model,), given.data, tasks, languages, limit=str(given.limit)))
    models = Models(_DEVICE, "fp32")
    for run in plan.task_runs:
        ask = partial(answers_of, run, models, _DEVICE, Work(BATCH_TOKENS[_DEVICE]))
        print(report(run, plan.splits.of(run).examples, how, ask, given.attacks), flush=True)


def report(run: TaskRun, examples: Sequence[Example], how: Smoothing, ask: Ask, most: int) -> str:
    """A line that says how many certificates of a task run are broken."""
    radii: Radii = {}
    for row in certified(run, examples, how, ask).filter(pl.col("radius") > 0).iter_rows(named=True):
        radii.setdefault(row["example"], {})[row["word"]] = (row["smoothed"], row["radius"])
    made = list(attacks(run, examples, radii, most))
    fresh = certified(run, [attack.example for attack in made], replace(how, seed=1), ask)
    rows = {(row["example"], row["word"]): row for row in fresh.iter_rows(named=True)}
    tried = [(rows[attack.example.id, at], answer) for attack in made for at, answer in attack.answers.items()]
    broken = sum(is_broken(row, answer) for row, answer in tried)
    given = ", ".join(f"{count} {answer}" for answer, count in Counter(answer for _, answer in tried).most_common())
    if not tried:
        return f"{run.label}: no answer is certified that could be attacked, {how}"
    what = f"{len(tried)} attacks on certified answers ({given}) in {len(made)} texts, {how}"
    return f"{run.label}: {broken} of {what}; at most {allowed(len(tried))} may be broken"


def is_broken(row: Mapping[str, Any], answer: str) -> bool:
    """Whether fresh draws show that a certified answer is not that of most: by another one, or by too few votes."""
    if row["smoothed"] != answer:
        return bool(row["bound"] > 0.5)
    return float(least_share(row["draws"] - row["votes"], row["draws"], ALPHA)) > 0.5


if __name__ == "__main__":
    main()
