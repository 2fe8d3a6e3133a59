"""The study of multimodal encoders: text towers against text-only encoders, and non-English intermediate tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from robust_xtreme.core.errors import SpecError
from robust_xtreme.core.languages import ALL_LANGUAGES, unknown_language
from robust_xtreme.studies.cells import LOGIT, POINTS, Grid, attribute, grid_of, minus
from robust_xtreme.studies.design import Design, Estimand, finding, row_of

ENGLISH: Final = "en"
_PAIR: Final = "what was learned before"
_MORE: Final = "interaction with intermediate tasks"
_IN: Final = "in-language"
_ZERO: Final = "zero-shot"
_EQUAL: Final = 0.01


@dataclass(frozen=True, slots=True)
class Multimodal:
    """The keys of [analysis]: `pairs` of arms that learned other things before, as tower and text-only encoder.

    The first is the endpoint's. `interactions` are four arms each: tower and text-only with an intermediate task, then
    the two without. `translated` has the arm with the intermediate data in a language, by its code, `english` the arm
    with the same data in English.
    """

    pairs: tuple[tuple[str, str], ...]
    interactions: tuple[tuple[str, str, str, str], ...] = ()
    translated: Mapping[str, str] = field(default_factory=dict)
    english: str = ""

    def __post_init__(self) -> None:
        if not self.pairs or any(len(pair) != 2 for pair in self.pairs):
            raise SpecError("[analysis] pairs is a list of at least one pair of arms.")
        if any(len(four) != 4 for four in self.interactions):
            raise SpecError("[analysis] interactions is a list of four arms each.")
        if self.translated and not self.english:
            raise SpecError("[analysis] english is missing: the arm that those of translated are compared with.")
        for code in self.translated:
            if code not in ALL_LANGUAGES:
                raise unknown_language(str(code))


def estimands(values: pl.DataFrame, _arms: pl.DataFrame, analysis: Multimodal) -> list[Estimand]:
    """The first pair (primary), other pairs, interactions, non-English tasks by kind of language, and cells."""
    grid = grid_of(values)
    listed = []
    for number, (tower, text) in enumerate(analysis.pairs):
        numbers = grid.mean_gain(tower, text, grid.transfer(tower, text))
        listed.append(Estimand("secondary" if number else "primary", _PAIR, numbers, arm=tower, reference=text))
    listed += [estimand for four in analysis.interactions for estimand in _interaction(grid, four)]
    listed += [part for code, arm in analysis.translated.items() for part in _of_language(grid, analysis, arm, code)]
    return [*listed, *grid.explored(analysis.pairs, f"{_PAIR}, in a cell")]


def sentences(contrasts: pl.DataFrame, _values: pl.DataFrame, arms: pl.DataFrame, analysis: Multimodal) -> list[str]:
    """The findings: each pair with its size and steps, the interactions, and non-English tasks."""
    listed: list[str] = []
    for tower, text in analysis.pairs:
        row = row_of(contrasts, _PAIR, arm=tower, reference=text)
        listed += [finding(row, f"{tower} minus {text}, mean over targets and languages"), _sizes(arms, tower, text)]
    for four in analysis.interactions:
        listed += _of_interaction(contrasts, four)
    for code, arm in analysis.translated.items():
        names = {"arm": arm, "reference": analysis.english}
        what = f"Intermediate data in {code} ({arm}) against English ({analysis.english}), evaluated in"
        listed.append(finding(row_of(contrasts, _IN, **names), f"{what} {code} (in-language)"))
        zero = row_of(contrasts, _ZERO, **names)
        listed.append(finding(zero, f"{what} the other languages but English (zero-shot)"))
    return listed


def _interaction(grid: Grid, four: Sequence[str]) -> list[Estimand]:
    """(tower - text-only) with the task minus the same without it, on two scales, over the cells of all four arms."""
    pairs, cells = (four[:2], four[2:]), grid.transfer(*four)
    names = {"arm": " - ".join(pairs[0]), "reference": " - ".join(pairs[1])}
    made = [(scale, [grid.mean_gain(arm, other, cells, scale) for arm, other in pairs]) for scale in (POINTS, LOGIT)]
    return [Estimand("secondary", _MORE, minus(*gains), scale, **names) for scale, gains in made]


def _of_language(grid: Grid, analysis: Multimodal, arm: str, code: str) -> list[Estimand]:
    """A non-English task against the English one, apart in its language, in languages of neither, and in English."""
    cells = grid.transfer(arm, analysis.english)
    groups = {
        ("secondary", _IN, code): [cell for cell in cells if cell[1] == code],
        ("secondary", _ZERO, ""): [cell for cell in cells if cell[1] not in (code, ENGLISH)],
        ("exploratory", "in English", ENGLISH): [cell for cell in cells if cell[1] == ENGLISH],
    }
    names = {"arm": arm, "reference": analysis.english}
    return [
        Estimand(tier, contrast, grid.mean_gain(arm, analysis.english, some), language=named, **names)
        for (tier, contrast, named), some in groups.items()
    ]


def _sizes(arms: pl.DataFrame, tower: str, text: str) -> str:
    """Whether a pair has equal non-embedding parameters and steps, which its contrast is a contrast at."""
    parts = []
    for column, what in (("params_nonembedding", "non-embedding parameters"), ("steps", "steps")):
        left, right = (attribute(arms, arm, column) for arm in (tower, text))
        if left is None or right is None:
            parts.append(f"{what} are not recorded")
        elif abs(left - right) <= _EQUAL * max(left, right):
            parts.append(f"{what} are equal ({left:,.0f})")
        else:
            parts.append(f"{what} differ ({left:,.0f} and {right:,.0f}), so the contrast is not at equal {what}")
    return f"Of {tower} and {text}, {'; '.join(parts)}."


def _of_interaction(contrasts: pl.DataFrame, four: Sequence[str]) -> list[str]:
    names = {"arm": " - ".join(four[:2]), "reference": " - ".join(four[2:])}
    what = f"What the intermediate task changes in the contrast ({names['arm']} against {names['reference']})"
    points, logit = (row_of(contrasts, _MORE, scale, **names) for scale in (POINTS, LOGIT))
    listed = [finding(points, what)]
    if logit is not None:
        listed.append(finding(logit, "The same on the logit scale, which a sign has to agree with", "logits"))
    return listed


multimodal: Final = Design(
    name="multimodal",
    question=(
        "Do text towers of image-text models gain over text-only encoders of equal size and steps, and do intermediate "
        "data in other languages gain over English ones?"
    ),
    refuted=(
        "That images help is refuted by an interval of the first pair's mean difference that is at or below 0; that "
        "non-English data help zero-shot, by intervals around 0 outside the languages that they are in."
    ),
    analysis=Multimodal,
    estimands=estimands,
    sentences=sentences,
)
