"""The study of low-resource languages: English intermediate training against none, and against in-language examples."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, Final

import numpy as np
import polars as pl

from robust_xtreme.core import resources
from robust_xtreme.core.errors import DataError, SpecError, UnknownName
from robust_xtreme.core.languages import ALL_LANGUAGES, language, unknown_language
from robust_xtreme.core.packs import PackTable, read_table
from robust_xtreme.studies import cells as grids
from robust_xtreme.studies.design import Design, Estimand, finding, interval, row_of, signed

KINDS: Final = ("syntactic", "phonological", "inventory", "featural", "genetic", "geographic")
"""The kinds of distance; each is from 0 to 1. tools/typology.py says how each is made."""


def check_known(kind: str, codes: Iterable[str]) -> None:
    """Raise UnknownName for another kind of distance, or a code that is not a language's."""
    if kind not in KINDS:
        raise UnknownName("typological distance", kind, KINDS, "perturbations/README.md")
    for code in codes:
        if code not in ALL_LANGUAGES:
            raise unknown_language(code)


def distances(codes: Iterable[str], kind: str) -> dict[str, float]:
    """The distance of each language from English; a language without one is left out. Raises UnknownName."""
    check_known(kind, codes := tuple(codes))
    known = _known(kind)
    return {code: known[code] for code in codes if code in known}


@cache
def _known(kind: str) -> Mapping[str, float]:
    """The distances in the bundled table `perturbations/typology/en.tsv`, which are of URIEL's features."""
    table = read_table(resources.folder("perturbations") / "typology" / "en.tsv")
    table.need("code", "iso639_3", *KINDS)
    return {row["code"]: _number(table, row, kind) for row in table.rows if row[kind]}


def _number(table: PackTable, row: Mapping[str, str], kind: str) -> float:
    try:
        value = float(row[kind])
    except ValueError:
        value = math.nan
    if not 0 <= value <= 1:
        raise DataError(table.path, f"the {kind} distance of {row['code']!r:.40} is not a number from 0 to 1")
    return value


_ROUNDS: Final = 500
_STILL: Final = 1e-10


def pooled(means: Mapping[str, float], errors: Mapping[str, float]) -> tuple[float, dict[str, float]] | None:
    """The standard deviation between parts, and the partially pooled means, of plain means and their standard errors.

    Both are by name. Names without an error, or with one of 0, are left out. None with fewer than three names.
    """
    names = [name for name in means if errors.get(name, 0.0) > 0]
    if len(names) < 3:
        return None
    y, v = np.array([means[name] for name in names]), np.array([errors[name] ** 2 for name in names])
    tau2 = _reml(y, v)
    weights = 1 / (v + tau2)
    own = tau2 / (tau2 + v)  # the weight of a part's own mean
    shrunk = own * y + (1 - own) * float(weights @ y / weights.sum())
    return math.sqrt(tau2), dict(zip(names, map(float, shrunk), strict=True))


def _reml(y: Any, v: Any) -> float:
    """The variance between parts by REML, at least 0, by its fixed point from DerSimonian and Laird's (1986)."""
    w = 1 / v
    q = float(w @ (y - w @ y / w.sum()) ** 2)
    tau2 = max((q - (len(y) - 1)) / float(w.sum() - (w**2).sum() / w.sum()), 0.0)
    for _ in range(_ROUNDS):
        w = 1 / (v + tau2)
        rest = (y - w @ y / w.sum()) ** 2
        before, tau2 = tau2, max(float(w**2 @ (rest - v) / (w**2).sum() + 1 / w.sum()), 0.0)
        if abs(tau2 - before) <= _STILL * (1 + tau2):
            break
    return tau2


ENGLISH: Final = "en"
_SHOTS: Final = re.compile(r".*_(\d{1,7})")
_FEWEST: Final = 3
_GAIN: Final = "gain"
_OF_LANGUAGE: Final = "gain in a language"
_AGAINST: Final = "against in-language"
_WORTH: Final = "log10 in-language examples"
_AFTER: Final = "after English"
_SIZES: Final = "slope over log10 examples"
_SLOPE, _RHO, _SCRIPT = "slope over distance", "rank correlation with distance", "Latin minus other scripts"


@dataclass(frozen=True, slots=True)
class LowResource:
    """The keys of [analysis]: the arm `direct`, the arms `intermediate` (the first is the endpoint's), and `few_shot`.

    An arm of `few_shot` is trained on N examples of the language that it is evaluated in, and its name ends in `_N`.
    `pairs`, instead of these three, has arms that are trained on N examples alone, and after English ones.
    `languages` are those of the endpoint, none is all that are evaluated but English. `distance` is a kind of URIEL's.
    """

    direct: str = ""
    intermediate: tuple[str, ...] = ()
    few_shot: tuple[str, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()
    languages: tuple[str, ...] = ()
    distance: str = "syntactic"

    def __post_init__(self) -> None:
        if bool(self.pairs) == (self.direct != "" and self.intermediate != ()):
            raise SpecError("[analysis] has either pairs, or direct and at least one arm of intermediate.")
        if any(len(pair) != 2 for pair in self.pairs) or any(shots(one) != shots(two) for one, two in self.pairs):
            raise SpecError("[analysis] pairs is a list of pairs of arms whose names end in the same _N.")
        check_known(self.distance, self.languages)
        for name in self.few_shot:
            shots(name)


def shots(arm: str) -> int:
    """The number of in-language examples that an arm is named after. Raises SpecError."""
    match = _SHOTS.fullmatch(arm)
    if match is None or int(match[1]) == 0:
        raise SpecError(f"[analysis] few_shot: {arm!r:.80} does not end in _N, its number of in-language examples.")
    return int(match[1])


def estimands(values: pl.DataFrame, _arms: pl.DataFrame, analysis: LowResource) -> list[Estimand]:
    """The mean gain (primary), gains by language, against few-shot arms, and how they vary over languages."""
    grid = grids.grid_of(values)
    listed = [*_after_english(grid, analysis)] if analysis.pairs else []
    for number, arm in enumerate(analysis.intermediate):
        tier = "secondary" if number else "primary"
        names = {"arm": arm, "reference": analysis.direct}
        cells = _cells(grid, analysis, arm, analysis.direct)
        if {*analysis.languages} <= {code for _, code in cells}:
            listed.append(Estimand(tier, _GAIN, grid.mean_gain(arm, analysis.direct, cells), **names))
        listed += [
            Estimand("secondary", _OF_LANGUAGE, numbers, language=code, **names)
            for code, numbers in _by_language(grid, arm, analysis).items()
        ]
        listed += [*_against(grid, arm, analysis), *_explored(grid, arm, analysis)]
    pairs = [(arm, analysis.direct) for arm in (*analysis.intermediate, *analysis.few_shot)]
    return [*listed, *grid.explored(pairs)]


def sentences(contrasts: pl.DataFrame, values: pl.DataFrame, _arms: pl.DataFrame, analysis: LowResource) -> list[str]:
    """The findings of each intermediate arm: its mean gain, its worth in examples, and its gains by language."""
    grid = grids.grid_of(values)
    if analysis.pairs:
        return [*_found_after_english(contrasts)]
    return [line for arm in analysis.intermediate for line in _of_arm(contrasts, grid, arm, analysis)]


def _after_english(grid: grids.Grid, analysis: LowResource) -> Iterator[Estimand]:
    """The second arm of each pair minus the first, over all cells (primary) and of each, and how it varies with N."""
    gains = {
        (cell, direct, arm): grid.mean_gain(arm, direct, [cell])
        for direct, arm in analysis.pairs
        for cell in _cells(grid, analysis, arm, direct)
    }
    yield Estimand("primary", _AFTER, grids.nested({(*cell, arm): gain for (cell, _, arm), gain in gains.items()}))
    for (cell, direct, arm), gain in gains.items():
        yield Estimand("secondary", _AFTER, gain, "points", arm, direct, *cell)
    for cell in sorted({cell for cell, *_ in gains}):
        sizes = {shots(arm): gain for (other, _, arm), gain in gains.items() if other == cell}
        if len(sizes) >= _FEWEST:
            numbers = grids.each_seed([*sizes.values()], partial(grids.slope, [*map(math.log10, sizes)]))
            yield Estimand("exploratory", _SIZES, numbers, target=cell[0], language=cell[1])


def _cells(grid: grids.Grid, analysis: LowResource, *names: str) -> list[grids.Cell]:
    """The cells of the declared languages that all of these arms have and none leaves out."""
    wanted = set(analysis.languages)
    return [cell for cell in grid.transfer(*names) if (cell[1] in wanted if wanted else cell[1] != ENGLISH)]


def _by_language(grid: grids.Grid, arm: str, analysis: LowResource) -> dict[str, grids.BySeed]:
    """The gain over direct in each language, over its targets; languages without a number are left out."""
    cells = _cells(grid, analysis, arm, analysis.direct)
    codes = sorted({code for _, code in cells})
    gains = {code: grid.mean_gain(arm, analysis.direct, [cell for cell in cells if cell[1] == code]) for code in codes}
    return {code: numbers for code, numbers in gains.items() if numbers}


def _against(grid: grids.Grid, arm: str, analysis: LowResource) -> list[Estimand]:
    """The arm minus each few-shot arm, over the cells that these two and direct have."""
    listed = []
    for few in sorted(analysis.few_shot, key=shots):
        numbers = grid.mean_gain(arm, few, _cells(grid, analysis, arm, few, analysis.direct))
        listed.append(Estimand("secondary", _AGAINST, numbers, arm=arm, reference=few))
    worth = worth_of(grid, arm, analysis)
    inside = worth if worth and all(map(math.isfinite, worth.values())) else {}
    return [*listed, Estimand("exploratory", _WORTH, inside, "none", arm=arm, reference=analysis.direct)]


def worth_of(grid: grids.Grid, arm: str, analysis: LowResource) -> grids.BySeed:
    """The log10 of the number of in-language examples that give the gain of an arm, by seed; none for one few-shot arm.

    -inf is fewer than the fewest examples, inf is more than the most.
    """
    few = sorted(analysis.few_shot, key=shots)
    cells = _cells(grid, analysis, arm, analysis.direct, *few)
    gains = [grid.mean_gain(name, analysis.direct, cells) for name in (arm, *few)]
    if len(few) < 2:
        return {}
    sizes = [math.log10(shots(name)) for name in few]
    return grids.each_seed(gains, lambda numbers: _reached(numbers[0], sizes, numbers[1:]))


def _reached(level: float, sizes: Sequence[float], gains: Sequence[float]) -> float:
    """The first size at which the monotone curve through the gains is at the level; -inf and inf outside the sizes."""
    from scipy.optimize import isotonic_regression

    curve = isotonic_regression(gains).x
    if level < curve[0]:
        return -math.inf
    for left, right, low, high in zip(sizes, sizes[1:], curve, curve[1:], strict=False):
        if level <= high:
            return left if high == low or level == low else left + (right - left) * (level - low) / (high - low)
    return math.inf


def _explored(grid: grids.Grid, arm: str, analysis: LowResource) -> list[Estimand]:
    """How the gain varies over languages with the distance from English and with the script, a number each seed."""
    gains = _by_language(grid, arm, analysis)
    names = {"arm": arm, "reference": analysis.direct}
    far = distances(gains, analysis.distance)
    listed = [Estimand("exploratory", _SCRIPT, _scripts(gains), **names)]
    if len(far) >= _FEWEST and len({*far.values()}) > 1:
        for contrast, measure, scale in ((_SLOPE, grids.slope, "points"), (_RHO, grids.rank_correlation, "none")):
            numbers = grids.each_seed([gains[code] for code in far], partial(measure, [*far.values()]))
            listed.append(Estimand("exploratory", contrast, numbers, scale, condition=analysis.distance, **names))
    return listed


def _scripts(gains: dict[str, grids.BySeed]) -> grids.BySeed:
    """The mean gain of languages in Latin script minus that of the others; empty where there is one kind only."""
    latin = [numbers for code, numbers in gains.items() if language(code).script == "Latn"]
    other = [numbers for code, numbers in gains.items() if language(code).script != "Latn"]
    return grids.minus(grids.each_seed(latin, grids.mean), grids.each_seed(other, grids.mean))


def _of_arm(contrasts: pl.DataFrame, grid: grids.Grid, arm: str, analysis: LowResource) -> list[str]:
    names = {"arm": arm, "reference": analysis.direct}
    declared = ", ".join(analysis.languages) or "all languages but English"
    listed = [finding(row_of(contrasts, _GAIN, **names), f"{arm} minus {analysis.direct}, mean over {declared}")]
    for few in sorted(analysis.few_shot, key=shots):
        what = f"{arm} minus {shots(few):,} in-language examples"
        listed.append(finding(row_of(contrasts, _AGAINST, arm=arm, reference=few), what))
    if analysis.few_shot:
        listed.append(_worth(worth_of(grid, arm, analysis), arm, analysis))
    for contrast, what, unit in _OVER_LANGUAGES:
        scale = "none" if contrast == _RHO else "points"
        row = row_of(contrasts, contrast, scale, **names)
        if row is not None:
            if contrast == _RHO and row["low"] is not None:  # t does not know that it is from -1 to 1
                row |= {"low": max(row["low"], -1.0), "high": min(row["high"], 1.0)}
            listed.append(finding(row, what.format(arm=arm, distance=analysis.distance), unit))
    gains = _by_language(grid, arm, analysis)
    if missing := sorted(gains.keys() - distances(gains, analysis.distance).keys()):
        what = f"URIEL gives no {analysis.distance} distance of {', '.join(missing)}"
        listed.append(f"{what}: they are not in that slope.")
    return [*listed, *_languages(contrasts, arm, analysis)]


def _found_after_english(contrasts: pl.DataFrame) -> Iterator[str]:
    """The mean difference of the pairs, that of each, and its slope."""
    what = "English before N examples of the language minus these examples alone"
    yield finding(row_of(contrasts, _AFTER, tier="primary"), f"{what}, mean over languages and N")
    pairs = contrasts.filter(contrast=_AFTER, tier="secondary").iter_rows(named=True)
    for row in sorted(pairs, key=lambda row: (row["target"], row["language"], shots(row["arm"]))):
        yield finding(row, f"{what}, {row['target']} {row['language']}, N = {shots(row['arm']):,}")
    for row in contrasts.filter(contrast=_SIZES).iter_rows(named=True):
        yield finding(row, f"Its slope, {row['target']} {row['language']}", "points for 10 times as many")


_OVER_LANGUAGES: Final = (
    (_SLOPE, "Gain of {arm} over the {distance} distance from English", "points for a distance of 1"),
    (_RHO, "Spearman's correlation of the gain of {arm} with the {distance} distance", ""),
    (_SCRIPT, "Gain of {arm} in Latin script minus other scripts", "points"),
)


def _worth(worth: grids.BySeed, arm: str, analysis: LowResource) -> str:
    """What the gain is worth in in-language examples, as a range over seeds."""
    what = f"In-language examples that the gain of {arm} is worth"
    if not worth:
        return f"{what}: not computed, as it needs two few-shot arms and a seed with every cell."
    sizes = sorted(map(shots, analysis.few_shot))
    low, high = (_examples(number, sizes) for number in (min(worth.values()), max(worth.values())))
    count = f"{len(worth)} training seed{'' if len(worth) == 1 else 's'}"
    return f"{what}: {low} in each of {count}." if low == high else f"{what}: from {low} to {high} over {count}."


def _examples(number: float, sizes: Sequence[int]) -> str:
    if math.isinf(number):
        return f"fewer than {sizes[0]:,}" if number < 0 else f"more than {sizes[-1]:,}"
    return f"{10**number:,.0f}"


def _languages(contrasts: pl.DataFrame, arm: str, analysis: LowResource) -> list[str]:
    """The plain mean of each language with its interval, and beside it the partially pooled mean."""
    frame = contrasts.filter(contrast=_OF_LANGUAGE, arm=arm, reference=analysis.direct)
    rows = {row["language"]: row for row in frame.iter_rows(named=True)}
    means = {code: row["estimate"] for code, row in rows.items()}
    pool = pooled(means, {code: row["se"] for code, row in rows.items() if row["se"]})
    parts = pool[1] if pool else {}
    listed = []
    for code, row in rows.items():
        beside = f"; partially pooled {signed(parts[code])}" if code in parts else ""
        claim = f", {row['sign']}" if row["sign"] else ""
        listed.append(f"{code} {signed(row['estimate'])} ({interval(row)}{claim}{beside})")
    spread = f" The standard deviation between languages is {pool[0]:.2f} points." if pool else ""
    return [f"Gains of {arm} by language, in points: {'; '.join(listed)}.{spread}"] if listed else []


low_resource: Final = Design(
    name="low_resource",
    question=(
        "Does English intermediate training help low-resource languages, and how many in-language examples is it worth?"
    ),
    refuted=(
        "That it helps is refuted by an interval of the mean gain over the declared languages that is at or below 0; "
        "that it replaces in-language data, by few-shot arms of few examples that are above it."
    ),
    analysis=LowResource,
    estimands=estimands,
    sentences=sentences,
)
