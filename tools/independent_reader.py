"""Recomputes the tables of a run from its predictions.parquet, by other code than the project's.

`python tools/independent_reader.py RUN --gold xquad/en=xquad.en.json` compares scores.csv and deltas.csv with what it
computes, and prints how many numbers agree. It imports nothing of robust_xtreme: metrics are those of the official
scripts (SQuAD v1.1, MLQA, seqeval 0.0.12), intervals the formulas of docs/method.md. Question answering needs the
official data files (SQuAD's JSON, or rows of a suite) with the gold answers; all else is in predictions.parquet.

Not computed: `surface_f1_*`, which compare noisy texts (`perturb --task` writes them); levels of the parts that noise
changed or left (scopes other than `all`), of chance and of shallow predictors, whose sums are in stats.parquet; bounds
that hold for all tests at once (a bootstrap).
"""

from __future__ import annotations

import argparse
import json
import math
import re
import string
import sys
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import polars as pl
from scipy import stats as distributions

Array = np.ndarray[Any, Any]
Row = Mapping[str, Any]
Golds = Mapping[tuple[str, str, str], Sequence[str]]
"""The gold answers of a question by task, language and id in the file."""

CELL: Final = ("model", "data", "task", "split", "language", "context_language", "setting", "inference", "condition")
CLEAN: Final = "clean"
FEWEST: Final = 20
CLOSE: Final = 1e-6


def squad_words(answer: str, _: str = "en") -> list[str]:
    """`normalize_answer` of SQuAD's evaluate-v1.1.py, split at white space."""
    text = "".join(letter for letter in answer.lower() if letter not in set(string.punctuation))
    return re.sub(r"\b(a|an|the)\b", " ", text).split()


_ARTICLES: Final = {
    "en": r"\b(a|an|the)\b",
    "es": r"\b(un|una|unos|unas|el|la|los|las)\b",
    "vi": r"\b(của|là|cái|chiếc|những)\b",
    "de": r"\b(ein|eine|einen|einem|eines|einer|der|die|das|den|dem|des)\b",
    "ar": r"\sال^|ال",
}


def mlqa_words(answer: str, language: str) -> list[str]:
    """`normalize_answer` of mlqa_evaluation_v1.py in the language of the context, split at white space."""
    marks = set(string.punctuation)
    text = "".join(
        letter for letter in answer.lower() if letter not in marks and not unicodedata.category(letter).startswith("P")
    )
    text = re.sub(_ARTICLES[language], " ", text) if language in _ARTICLES else text
    return re.sub(r"([\u4e00-\u9fa5])", r" \1 ", text).split() if language == "zh" else text.split()


def exact_match(answer: Sequence[str], gold: Sequence[str]) -> float:
    """`exact_match_score`."""
    return float(answer == gold)


def f1_score(answer: Sequence[str], gold: Sequence[str]) -> float:
    """`f1_score`."""
    same = sum((Counter(answer) & Counter(gold)).values())
    if same == 0:
        return 0.0
    precision, recall = same / len(answer), same / len(gold)
    return 2 * precision * recall / (precision + recall)


QA: Final[Mapping[str, tuple[Callable[[str, str], list[str]], Callable[..., float]]]] = {
    "squad_em": (squad_words, exact_match),
    "squad_f1": (squad_words, f1_score),
    "mlqa_em": (mlqa_words, exact_match),
    "mlqa_f1": (mlqa_words, f1_score),
}
"""The rule for words and the comparison; `metric_max_over_ground_truths` is taken over the gold answers."""


def gold_answers(path: Path) -> Iterator[tuple[str, list[str]]]:
    """The id and the gold answers of each question of a file: SQuAD's JSON, or a suite's rows."""
    if path.suffix == ".jsonl":
        for line in path.read_text("utf-8").splitlines():
            row = json.loads(line)
            yield row["id"], [row["context"][start:stop] for start, stop in row["answers"]]
        return
    for article in json.loads(path.read_text("utf-8"))["data"]:
        for question in (question for paragraph in article["paragraphs"] for question in paragraph["qas"]):
            yield question["id"], [answer["text"] for answer in question["answers"]]


def entities(tags: Sequence[str]) -> set[tuple[str, int, int]]:
    """`get_entities` of seqeval 0.0.12: the chunks of a sentence."""
    chunks, last, last_kind, begin = set(), "O", "", 0
    for at, tag in enumerate([*tags, "O"]):
        mark, kind = tag[0], tag.split("-")[-1]
        if end_of_chunk(last, mark, last_kind, kind):
            chunks.add((last_kind, begin, at - 1))
        if start_of_chunk(last, mark, last_kind, kind):
            begin = at
        last, last_kind = mark, kind
    return chunks


def end_of_chunk(last: str, mark: str, last_kind: str, kind: str) -> bool:
    """`end_of_chunk`."""
    pairs = ("BB", "BS", "BO", "IB", "IS", "IO")
    return last in "ES" or last + mark in pairs or (last not in "O." and last_kind != kind)


def start_of_chunk(last: str, mark: str, last_kind: str, kind: str) -> bool:
    """`start_of_chunk`."""
    pairs = ("EE", "EI", "SE", "SI", "OE", "OI")
    return mark in "BS" or last + mark in pairs or (mark not in "O." and last_kind != kind)


def accuracy(predicted: Any, gold: Any) -> tuple[float, ...]:
    """One label."""
    return float(predicted == gold), 1.0


def token_accuracy(predicted: Any, gold: Any) -> tuple[float, ...]:
    """The tags of a sentence, one by one."""
    return float(sum(map(str.__eq__, predicted, gold))), float(len(gold))


def span_f1(predicted: Any, gold: Any) -> tuple[float, ...]:
    """The chunks of a sentence."""
    return overlap(entities(predicted), entities(gold))


def bitext_f1(predicted: Any, gold: Any) -> tuple[float, ...]:
    """The pairs of one sentence."""
    return overlap(set(predicted), set(gold))


def overlap(predicted: set[Any], gold: set[Any]) -> tuple[float, ...]:
    """True positives, false positives, false negatives."""
    return float(len(predicted & gold)), float(len(predicted - gold)), float(len(gold - predicted))


def retrieval_accuracy(predicted: Any, gold: Any) -> tuple[float, ...]:
    """Whether the first candidate is right."""
    return float(bool(predicted) and predicted[0] in gold), 1.0


def map_at_20(predicted: Any, gold: Any) -> tuple[float, ...]:
    """The mean precision at the right candidates among the first 20."""
    hits = [at for at, candidate in enumerate(predicted[:20], 1) if candidate in gold]
    precisions = [number / at for number, at in enumerate(hits, 1)]
    return sum(precisions) / min(len(gold), 20) if gold else 0.0, 1.0


PLAIN: Final[Mapping[str, Callable[[Any, Any], tuple[float, ...]]]] = {
    metric.__name__: metric for metric in (accuracy, token_accuracy, span_f1, bitext_f1, retrieval_accuracy, map_at_20)
}


def reduced(sums: Array) -> Array:
    """Points from sums (..., k): a share of two, F1 of three."""
    if sums.shape[-1] == 2:
        return 100 * sums[..., 0] / np.where(sums[..., 1] == 0, 1, sums[..., 1])
    hits = 2 * sums[..., 0]
    total = hits + sums[..., 1] + sums[..., 2]
    return 100 * hits / np.where(total == 0, 1, total)


def answered(row: Row, metric: str, golds: Golds) -> tuple[float, ...] | None:
    """The sums of a question, or None where its gold answers are not known. A null answer is ''."""
    task, _, language, native = row["example"].split("/", 3)
    texts = golds.get((task, language, native))
    if texts is None:
        return None
    words, compare = QA[metric]
    answer, code = words(row["answer"] or "", row["context_language"]), row["context_language"]
    return max(compare(answer, words(text, code)) for text in texts or [""]), 1.0


def sums_of(row: Row, metric: str, golds: Golds) -> tuple[float, ...] | None:
    """The sums of an example, or None where the metric cannot be computed."""
    if metric in QA:
        return answered(row, metric, golds)
    return PLAIN[metric](json.loads(row["prediction"]), json.loads(row["gold"])) if metric in PLAIN else None


class Estimate(NamedTuple):
    """An estimate in points with its interval (None: too few clusters); p is that of a drop."""

    value: float
    se: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None


def without_each(sums: Array) -> tuple[Array, Array]:
    """The value of each arm, and those without each cluster, from sums (arms, clusters, k)."""
    total = sums.sum(1)
    return reduced(total), np.stack([reduced(total - sums[:, at]) for at in range(sums.shape[1])], -1)


def moved(value: float, without: Array) -> tuple[float, Array, float, float]:
    """The value, what each cluster moves it by, V of the jackknife, and t."""
    count = len(without)
    moves = without.mean() - without
    return value, moves, (count - 1) / count * float((moves**2).sum()), float(distributions.t.ppf(0.975, count - 1))


def level(sums: Array) -> Estimate:
    """A score, with t on the logit scale."""
    values, without = without_each(sums)
    value, _, variance, t = moved(float(values.mean()), without.mean(0))
    if sums.shape[1] < FEWEST:
        return Estimate(value)
    if variance <= 1e-18:
        reach = 100 * (1 - 0.05 ** (1 / sums.shape[1]))
        return Estimate(value, math.sqrt(variance), max(value - reach, 0), min(value + reach, 100))
    share = min(max(value / 100, 1e-9), 1 - 1e-9)
    reach = t * math.sqrt(variance) / 100 / (share * (1 - share))
    low, high = (100 / (1 + math.exp(-x)) for x in (math.log(share / (1 - share)) + s * reach for s in (-1, 1)))
    return Estimate(value, math.sqrt(variance), low, high)


def drop(clean: Array, noisy: Array) -> Estimate:
    """Clean minus noisy, paired by cluster, with one differing cluster added to the variance."""
    (before, before_without), (after, after_without) = without_each(clean), without_each(noisy)
    value, moves, variance, t = moved(float((before - after).mean()), (before_without - after_without).mean(0))
    count, differing = clean.shape[1], int((clean != noisy).any(-1).any(0).sum())
    if count < FEWEST:
        return Estimate(value)
    still = variance <= 1e-18
    widened = variance if still else variance + float((moves**4).sum() / (moves**2).sum())
    reach = 100 * (1 - 0.05 ** (1 / count)) if still else t * math.sqrt(widened)
    p = max(2 * float(distributions.t.sf(abs(value) * t / reach, count - 1)), 2.0 ** min(1 - differing, 0))
    p = 1.0 if value == 0 else p
    low, high = max(value - reach, -100), min(value + reach, 100)
    low, high = (min(low, 0.0), max(high, 0.0)) if p > 0.05 else (low, high)
    return Estimate(value, math.sqrt(variance), low, high, p)


def holm(values: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values (1979), in the order given."""
    adjusted, largest = [0.0] * len(values), 0.0
    for rank, at in enumerate(sorted(range(len(values)), key=values.__getitem__)):
        largest = max(largest, values[at] * (len(values) - rank))
        adjusted[at] = min(largest, 1.0)
    return adjusted


class Reader:
    """The predictions of a run, and the gold answers of its questions."""

    def __init__(self, run: Path, golds: Golds) -> None:
        self.rows: dict[tuple[str, ...], list[Row]] = defaultdict(list)
        self.golds = golds
        self.known: dict[tuple[tuple[str, ...], str], Array | None] = {}
        for row in pl.read_parquet(run / "predictions.parquet").iter_rows(named=True):
            self.rows[tuple(row[name] for name in CELL)].append(row)

    def sums(self, cell: tuple[str, ...], metric: str) -> Array | None:
        """Sums (noise seeds, clusters in the order of their names, k) of a cell."""
        if (cell, metric) not in self.known:
            self.known[cell, metric] = self._sums(self.rows[cell], metric)
        return self.known[cell, metric]

    def _sums(self, rows: Sequence[Row], metric: str) -> Array | None:
        seeds, clusters = (sorted({row[name] for row in rows}) for name in ("noise_seed", "cluster"))
        places = {cluster: at for at, cluster in enumerate(clusters)}
        total: Array | None = None
        for row in rows:
            sums = sums_of(row, metric, self.golds)
            if sums is None:
                return None
            total = np.zeros((len(seeds), len(clusters), len(sums))) if total is None else total
            total[seeds.index(row["noise_seed"]), places[row["cluster"]]] += sums
        return total

    def realised(self, cell: tuple[str, ...]) -> dict[str, float | None]:
        """What noise did to a cell: means over its rows, of rates over those with a text that could be noised."""
        rows = self.rows[cell]
        measured = [row for row in rows if row["words"] or row["tokens_clean"]] or rows
        words = sum(row["words"] for row in rows)
        return {
            "grapheme_edit_rate": sum(row["grapheme_edit_rate"] for row in rows) / len(measured),
            "word_edit_rate": sum(row["word_edit_rate"] for row in rows) / len(measured),
            "unchanged": 1 - sum(row["edits"] > 0 for row in rows) / len(measured),
            "not_applicable": sum(row["status"] == "not_applicable" for row in rows) / len(rows),
            "truncated": sum(row["truncated"] for row in rows) / len(rows),
            "tokens_per_word_clean": sum(row["tokens_clean"] for row in rows) / words if words else None,
            "tokens_per_word": sum(row["tokens"] for row in rows) / words if words else None,
            "n": len({row["example"] for row in rows}),
            "clusters": len({row["cluster"] for row in rows}),
            "seeds": len({row["noise_seed"] for row in rows}),
        }

    def score(self, row: Row) -> dict[str, float | None] | None:
        """The columns of a row of SCORES; None where the metric cannot be computed."""
        cell = tuple(row[name] for name in CELL)
        sums = self.sums(cell, row["metric"]) if row["scope"] == "all" else None
        return None if sums is None else {**level(sums)._asdict(), **self.realised(cell)}

    def delta(self, row: Row) -> dict[str, float | None] | None:
        """The columns of a row of DELTAS; None where the metric cannot be computed."""
        cell = tuple(row[name] for name in CELL)
        noisy, clean = self.sums(cell, row["metric"]), self.sums((*cell[:-1], CLEAN), row["metric"])
        if noisy is None or clean is None:
            return None
        before, after, estimate = level(clean).value, level(noisy).value, drop(clean, noisy)
        tested = estimate.p if not row["inert"] and row["not_applicable"] < 1 else None
        relative = 100 * estimate.value / before if before > 0 else None
        differing = int((clean != noisy).any(-1).any(0).sum())
        changed = {**estimate._asdict(), "p": tested, "value": after, "clean": before, "drop": estimate.value}
        return {**changed, "relative": relative, "differing": differing, **self.realised(cell)}


Difference = tuple[str, str, Any, Any]
"""Where a number differs: the cell and metric, the column, the run's number, and the one computed here."""


def compared(run: Path, golds: Golds) -> tuple[Counter[str], list[Difference]]:
    """How many numbers of each column were compared (skipped rows are `not computed`), and those that differ."""
    reader, counted = Reader(run, golds), Counter[str]()
    different: list[Difference] = []
    for name, columns_of in (("scores", reader.score), ("deltas", reader.delta)):
        for row in table(run / f"{name}.csv"):
            computed = columns_of(row)
            if computed is None:
                counted[f"{name}: not computed"] += 1
                continue
            for column in computed.keys() & row.keys():
                counted[f"{name}.{column}"] += 1
                if not alike(row[column], computed[column]):
                    different.append((named(row), column, row[column], computed[column]))
    rows = [row for row in table(run / "deltas.csv") if row["family"] is not None]
    for row, adjusted in zip(rows, holm([row["p"] for row in rows]), strict=True):
        counted["deltas.p_adjusted"] += 1
        if not alike(row["p_adjusted"], adjusted) or row["m"] != len(rows):
            different.append((named(row), "p_adjusted", row["p_adjusted"], adjusted))
    return counted, different


def named(row: Row) -> str:
    """The cell and metric of a row."""
    return "{model} {task}/{language}@{context_language} {condition} {metric}".format(**row)


def table(path: Path) -> list[dict[str, Any]]:
    """The rows of a CSV of a run."""
    return pl.read_csv(path, infer_schema_length=None).to_dicts()


def alike(run: Any, computed: Any) -> bool:
    """Whether two numbers are equal but for rounding, or both unknown."""
    if run is None or computed is None:
        return run is computed
    return bool(abs(run - computed) <= CLOSE * max(1.0, abs(run)))


def read_golds(named: Sequence[str]) -> dict[tuple[str, str, str], Sequence[str]]:
    """Gold answers from arguments such as `xquad/en=xquad.en.json`."""
    golds: dict[tuple[str, str, str], Sequence[str]] = {}
    for argument in named:
        name, _, path = argument.partition("=")
        task, _, language = name.partition("/")
        golds |= {(task, language, native): texts for native, texts in gold_answers(Path(path))}
    return golds


def main() -> int:
    """Print how many numbers of a run agree; 1 if one does not."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--gold", action="append", default=[], metavar="TASK/LANGUAGE=FILE")
    words = parser.parse_args()
    counted, different = compared(words.run, read_golds(words.gold))
    for name, number in sorted(counted.items()):
        print(f"{name:32} {number:7,}")
    for difference in different:
        print(*difference, sep="\t")
    print(f"{len(different)} numbers differ.")
    return int(bool(different))


if __name__ == "__main__":
    sys.exit(main())
