"""Which choice is the gold answer of a sample of lm-eval: its log writes the number, the text or the letter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from string import ascii_uppercase
from typing import Any, Final

from robust_xtreme.errors import DataError, shown

ACCURACY: Final = "accuracy"
_WAYS: Final = 3


def with_golds(rows: Sequence[dict[str, Any]], path: Path) -> None:
    """Give the rows of a log the numbers of their gold choices, and take away the texts of their `choices`.

    All rows of a log write them in the same way: the first by which each accuracy is the one that is stated. Where the
    accuracy is a share, no choice is the right one. Raises DataError where no accuracy is stated, and no way or several
    read the gold answers.
    """
    pairs = [(row, _golds(row["gold"], choices)) for row in rows if (choices := row.pop("choices"))]
    stated = [row["scores"].get(ACCURACY) for row, _ in pairs]
    if any(score not in (None, 0, 1) for score in stated):
        for row, _ in pairs:
            row |= {"prediction": None, "gold": None}
        return
    ways = [way for at in range(_WAYS) if None not in (way := [golds[at] for _, golds in pairs])]
    is_none = not ways and not all(row["scores"] for row, _ in pairs)
    if None in stated and (is_none or any(way != ways[0] for way in ways)):
        what = "is none of the choices" if is_none else "is the number of one choice, and the text of another"
        raise DataError(path, f"the target {shown(pairs[0][0]['gold'])} {what}, and no acc is stated")
    agree = [way for way in ways if all(map(_agrees, (row for row, _ in pairs), way))]
    for (row, _), gold in zip(pairs, next(iter([*agree, *ways]), ()), strict=False):
        row["gold"] = gold


def _agrees(row: Mapping[str, Any], gold: str | None) -> bool:
    return row["scores"].get(ACCURACY) in (None, row["prediction"] == gold)


def _golds(gold: str | None, choices: Sequence[str]) -> tuple[str | None, ...]:
    """The number of the gold choice by each of _WAYS; None where it is none."""
    word, numbers = (gold or "").strip(), [*map(str, range(len(choices)))]
    texts = choices if len({*choices}) == len(choices) else ()
    several = (numbers, texts, ascii_uppercase)
    return tuple(dict(zip(names, numbers, strict=False)).get(word) for names in several)
