"""Certificates against opponents: exact smoothed models under every edit, bounds and radii by other ways."""

from __future__ import annotations

from functools import cache
from itertools import product
from math import floor, log
from typing import Any, Final

import numpy as np
import polars as pl
import pytest
from scipy import stats

from robust_xtreme.files.schema import CERTIFIED, build
from robust_xtreme.stats.certificates import certificates_of, radius_of
from robust_xtreme.stats.intervals import least_share

Array = np.ndarray[Any, Any]
_LETTERS, _LONGEST, _MODELS = "abc", 6, 30
_TEXTS: Final = ["".join(text) for size in range(_LONGEST + 1) for text in product(_LETTERS, repeat=size)]
_NUMBER: Final = {text: number for number, text in enumerate(_TEXTS)}


def _edited(text: str) -> set[str]:
    """The texts at one insertion, deletion or replacement, up to the longest."""
    cuts = [(text[:at], text[at:]) for at in range(len(text) + 1)]
    made = {left + right[1:] for left, right in cuts if right}
    made |= {left + letter + right[1:] for left, right in cuts if right for letter in _LETTERS}
    made |= {left + letter + right for left, right in cuts for letter in _LETTERS}
    return {each for each in made if len(each) <= _LONGEST} - {text}


@cache
def _distances() -> Array:
    """The edits (t, t) from each text to each other one; 9 stands for 4 and more."""
    edges = np.zeros((len(_TEXTS), len(_TEXTS)), np.float32)
    for text, number in _NUMBER.items():
        edges[number, [_NUMBER[other] for other in _edited(text)]] = 1
    near, distances = np.eye(len(_TEXTS), dtype=np.float32), np.full(edges.shape, 9)
    for edits in range(4):
        distances[(near > 0) & (distances == 9)] = edits
        near = np.minimum(near + near @ edges, 1)
    return distances


@cache
def _left(delete: float) -> Array:
    """The probability (t, t) that deletions leave each text of each, by all patterns of deletion."""
    probability = np.zeros((len(_TEXTS), len(_TEXTS)))
    for text, number in _NUMBER.items():
        for kept in product((False, True), repeat=len(text)):
            rest = "".join(letter for letter, stays in zip(text, kept, strict=True) if stays)
            probability[number, _NUMBER[rest]] += (1 - delete) ** sum(kept) * delete ** (len(kept) - sum(kept))
    return probability


def _has(text: str, part: str) -> bool:
    """Whether the letters of a part are in a text, in order."""
    letters = iter(text)
    return all(letter in letters for letter in part)


def _classes(rng: np.random.Generator) -> Array:
    """A model of three classes: that of the first of its two parts which a text has, else another."""
    parts = ["".join(rng.choice([*_LETTERS], rng.integers(1, 3))) for _ in range(2)]
    order = rng.permutation(3)
    return np.array([order[next((at for at, part in enumerate(parts) if _has(text, part)), 2)] for text in _TEXTS])


def _broken(delete: float, more: int) -> tuple[int, int]:
    """The attacks within the radius and `more` edits, on exact smoothed models, and how many change an answer."""
    rng, left, distances, tried, broken = np.random.default_rng(0), _left(delete), _distances(), 0, 0
    for _ in range(_MODELS):
        smoothed = left @ np.eye(3)[_classes(rng)]
        radius = radius_of(smoothed.max(axis=1), delete) + more
        within = (distances <= radius[:, None]) & (distances > 0) & (radius >= more)[:, None]
        answers = smoothed.argmax(axis=1)
        tried += int(within.sum())
        broken += int((within & (answers[:, None] != answers[None, :])).sum())
    return tried, broken


@pytest.mark.parametrize("delete", [0.7, 0.85])
def test_no_attack_within_the_radius_changes_an_exact_smoothed_answer(delete: float) -> None:
    """Of all texts within the radius, more than 10,000, none has another answer; at one edit more some have."""
    tried, broken = _broken(delete, 0)
    assert tried > 10_000
    assert broken == 0
    assert _broken(delete, 1)[1] > 0


def test_the_radius_is_that_of_certified_edit_distance() -> None:
    """CERT-ED's floor of log((2 + runner-up - top) / 2) / log p gives the same radius where there are two classes."""
    rng = np.random.default_rng(1)
    for delete in (0.6, 0.8, 0.9, 0.97):
        tops = rng.uniform(0.3, 1, 500)
        published = [max(floor(log((2 + (1 - top) - top) / 2) / log(delete)), -1) for top in tops.tolist()]
        assert radius_of(tops, delete).tolist() == published
    assert radius_of([0.5, 1.0, 1.5 - 0.9], 0.9).tolist() == [-1, 6, 0]  # half, all, and an exact tie at one edit


def test_the_bound_of_votes_is_exact() -> None:
    """At the bound so many votes or more have the probability alpha: the exact interval of scipy, one-sided."""
    for of in (1, 20, 1000):
        votes = np.unique(np.linspace(0, of, 12).astype(int))
        bounds = least_share(votes, of, 0.001)
        exact = [stats.binomtest(vote, of, alternative="greater").proportion_ci(0.999).low for vote in votes.tolist()]
        assert bounds == pytest.approx(exact, abs=1e-9)
        assert stats.binom.sf(votes[1:] - 1, of, bounds[1:]) == pytest.approx(0.001, rel=1e-6)
        assert bounds[0] == 0


def test_levels_count_what_is_right_and_certified() -> None:
    """Certified counts right answers with the radius; a wrong one with a radius does not count, nor an abstention."""
    facts = {
        "model": "m",
        "task": "t",
        "split": "test",
        "language": "sw",
        "word": 0,
        "gold": "a",
        "draws": 9,
        "votes": 9,
    }
    found = [("a", "a", 3), ("a", "a", 1), ("b", "a", None), ("a", "b", 3), (None, None, None)]
    rows = [
        {
            **facts,
            "example": str(at),
            "cluster": str(at),
            "answer": answer,
            "smoothed": smoothed,
            "bound": 0.9,
            "radius": r,
        }
        for at, (answer, smoothed, r) in enumerate(found)
    ]
    table = certificates_of(build(rows, CERTIFIED), (1, 2))
    assert table.select("clean", "smoothed", "certified", "constant").rows() == [(60, 60, 40, 100), (60, 60, 20, 100)]
    assert table["abstained"].to_list() == [0.4, 0.4]
    many = pl.concat(
        [
            build([{**row, "cluster": f"{row['example']}{n}", "example": f"{row['example']}{n}"}], CERTIFIED)
            for row in rows
            for n in range(20)
        ]
    )
    first = certificates_of(many, (1,)).row(0, named=True)
    assert first["low"] < first["certified"] == 40 < first["high"]
