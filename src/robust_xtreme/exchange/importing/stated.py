"""Whether scores are those that logs and rows state themselves, and answers of a closed set of one vocabulary."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final

import polars as pl

from robust_xtreme.core import registry
from robust_xtreme.core.errors import Mismatch, counted, shown
from robust_xtreme.core.targets.kinds import CHOICE, CLASSIFICATION, RETRIEVAL, TAGGING

ACCURACY: Final = "accuracy"
CLOSED: Final = (CHOICE.name, CLASSIFICATION.name)
_WORDS: Final = (*CLOSED, TAGGING.name, RETRIEVAL.name)
_KEY: Final = ("task", "language", "condition", "metric")
_OF_ONE, _OF_ALL, _DECIMALS = 0.005, 1e-6, 3
"""What scores of one example, and means, may differ by; a mean of so many decimals may be a rounded one."""

_MOST: Final = 1e9
_TAG: Final = r'"(?:[^"\\]|\\.)*"'
_AROUND: Final = " \t\r\n\u00a0\"'`\u2018\u2019\u201c\u201d.()[]"


def differing_level(log: str, metric: str, ours: list[float], stated: float) -> list[str]:
    """A sentence where the mean of scores is not the one that a log states, perhaps rounded."""
    mean, decimals = math.fsum(ours) / max(1, len(ours)), len(repr(stated).partition(".")[2])
    stated = max(min(stated, _MOST), -_MOST)
    if abs(mean - stated) <= max(_OF_ALL, 0.5 * 10**-decimals if decimals >= _DECIMALS else 0):
        return []
    what = f"{log}: {metric} of its {counted(len(ours), 'sample')} is {100 * mean:.2f}"
    return [f"{what}, and {100 * stated:.2f} is stated"]


def compared(computed: pl.DataFrame, given: pl.DataFrame) -> pl.DataFrame:
    """By cell and metric the rows with a score that was computed and one that was given: sums, and how many differ."""
    score = pl.col("stats").list.first() / pl.col("stats").list.last()
    ours, theirs = (
        computed.filter(scope="all").select("row", *_KEY, ours=score),
        given.filter(pl.col("stats").list.len() == 2, scope="all").select("row", *_KEY, theirs=score),
    )
    pairs = ours.join(theirs, on=["row", *_KEY])
    differ = ((pl.col("ours") - pl.col("theirs")).abs() > _OF_ONE).sum()
    return pairs.group_by(_KEY).agg(pl.col("ours", "theirs").sum(), n=pl.len(), differ=differ)


def differing_scores(parts: Iterable[pl.DataFrame]) -> list[str]:
    """A sentence for each cell and metric in which what was computed is not what was given."""
    sums = pl.concat(parts).group_by(_KEY).agg(pl.all().sum()).filter(pl.col("differ") > 0).sort(_KEY)
    return [
        f"the {row['metric']} of {row['task']}/{row['language']} {row['condition']} is "
        f"{100 * row['ours'] / row['n']:.2f} by its predictions, and {100 * row['theirs'] / row['n']:.2f} is stated: "
        f"{row['differ']:,} of {counted(row['n'], 'row')} differ"
        for row in sums.iter_rows(named=True)
    ]


def other_words(items: pl.DataFrame, family: str, path: str) -> list[str]:
    """A sentence for each condition whose predictions are hardly of the words of a task's gold answers.

    That is where no accuracy is stated, and fewer than one of twenty is a gold answer, or no document is one; numbers
    of choices are up to the last one that is. Labels of our tasks are checked one by one. Raises Mismatch where one is
    written in another way.
    """
    if family not in _WORDS or (items.item(0, "task") in registry.names("task") and family != RETRIEVAL.name):
        return []
    states = pl.col("scores").str.contains(f'"{ACCURACY}":').fill_null(value=False) | pl.col("sums").is_not_null()
    every = items.filter(~states).select("language", "condition", "gold", "prediction").drop_nulls()
    if family == CHOICE.name:
        _check_first(every, f"{path}: {items.item(0, 'task')}")
    there = every.unique(maintain_order=True)
    golds = _words(there.get_column("gold"), family)
    known, hardly = {*golds}, list[str]()
    if family == CHOICE.name and golds.str.contains(r"^\d{1,3}$").all():
        known |= {*map(str, range(max(map(int, golds), default=0)))}
    plain = dict(zip(_folded(golds), golds, strict=True)) if family != CHOICE.name else {}
    for (language, condition), rows in there.partition_by("language", "condition", as_dict=True).items():
        given = _words(rows.get_column("prediction"), family)
        others = given.filter(~given.is_in([*known]))
        where = f"{items.item(0, 'task')}/{language} {condition}"
        for word, folded in zip(others, _folded(others), strict=True):
            if folded in plain and (family != RETRIEVAL.name or plain[folded] not in given):
                what = f"the prediction {shown(word)} and the gold answer {shown(plain[folded])} differ in space, case"
                raise Mismatch(f"{path}: {where}: {what}, signs or type only. Write them alike")
        most = len(given) if family == RETRIEVAL.name else 20
        if len(golds) and (len(given) - len(others)) * most < len(given):
            what = f"{len(given) - len(others)} of {counted(len(given), 'distinct prediction')}, as {shown(given[0])}"
            hardly.append(f"{where}: {what}, are gold answers, as {shown(golds[0])}; write them alike")
    return hardly


def _check_first(rows: pl.DataFrame, where: str) -> None:
    """Raise Mismatch where predictions are of the range of the gold answers, shifted, and agree more if shifted."""
    gold, given = rows.select(pl.col("gold", "prediction").cast(pl.Int64, strict=False)).drop_nulls().get_columns()
    (first, last), (low, high) = ((int(each.min() or 0), int(each.max() or 0)) for each in (given, gold))  # type: ignore[arg-type]  # whole numbers
    if first - low == last - high and (given - gold == first - low).sum() > (given == gold).sum():
        what = f"the predictions are choices {first} to {last}, and the gold answers {low} to {high}"
        raise Mismatch(f"{where}: {what}. Count both from the same number")


def _words(values: pl.Series, family: str) -> pl.Series:
    """The distinct labels, or tags and documents of lists in JSON; `O` is the tag of what is none."""
    if family in (TAGGING.name, RETRIEVAL.name):
        values = values.unique().str.extract_all(_TAG).explode().drop_nulls().str.slice(1).str.head(-1)
    return values.filter((values != "O") | (family != TAGGING.name)).unique().sort()


def _folded(words: pl.Series) -> pl.Series:
    """Words without what writers do otherwise: normal form, blanks, hyphens, quotes, case, zeros of whole numbers."""
    plain = words.str.normalize("NFKC").str.replace_all(r"\p{Cf}", "").str.strip_chars(_AROUND).str.to_lowercase()
    return plain.str.replace_all(r"[\s_\p{Pd}]+", "-").str.replace(r"^0*(\d+)(\.0*)?$", "${1}")
