"""Changes that mutation testing makes: of one expression, drawn so that they stay, and shown to the right tests."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from tools.faults.copies import Copy
from tools.mutants import __main__ as mutating
from tools.mutants.covering import Cover
from tools.mutants.sites import Mutant, mutants, of_text, sample

_CODE = '''\
def rate(of: list[int] | None, floor: float = 0.5) -> float:
    """Text with 1 number and a < b."""
    if not of and floor < 1:
        raise ValueError(1 + 1)
    return max(floor, sum(of) / len(of)) if of else -floor  # é 2
'''
_CHANGED = {
    "0.5": "0.55",
    "not of and floor < 1": "(not of or floor < 1)",
    "not of": "of",
    "floor < 1": "(floor <= 1)",
    "1": "2",
    "max(floor, sum(of) / len(of)) if of else -floor": "-floor if of else max(floor, sum(of) / len(of))",
    "max(floor, sum(of) / len(of))": "min(floor, sum(of) / len(of))",
    "sum(of) / len(of)": "(sum(of) * len(of))",
    "-floor": "floor",
}


def test_each_expression_is_changed_alone() -> None:
    """Not annotations, documentation, comments or messages; and each change leaves code that can be read."""
    made = [*of_text(_CODE, "src/robust_xtreme/stats/x.py")]
    assert {mutant.old: mutant.new for mutant in made} == {
        old: f"({new})" if new == "-floor" else new for old, new in _CHANGED.items()
    }
    for mutant in made:
        assert ast.dump(ast.parse(mutant.planted(_CODE))) != ast.dump(ast.parse(_CODE))


def test_a_change_keeps_its_name_where_lines_come(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that what was read of a survivor stays with it."""
    before = [mutant.name for mutant in of_text(_CODE, "x.py")]
    after = [mutant.name for mutant in of_text("import os\n\n" + _CODE, "x.py")]
    assert before == after
    assert len({*before}) == len(before)


def test_a_larger_sample_has_the_smaller_one() -> None:
    """Drawn by a hash of seed and change, and another seed draws others."""
    every = [*mutants()]
    few, more, others = sample(every, 40, 0), sample(every, 80, 0), sample(every, 40, 1)
    assert few == more[:40]
    assert {mutant.name for mutant in few} != {mutant.name for mutant in others}


@dataclass
class _Tests:
    """A copy in which some tests fail."""

    failing: frozenset[str]
    asked: list[str] = field(default_factory=list)

    @contextmanager
    def planted(self, _: Mutant) -> Iterator[None]:
        """Nothing is changed."""
        yield

    def test(self, tests: tuple[str, ...], seconds: float, **_: Any) -> tuple[int, float, str]:
        """Fails where one of the tests does."""
        self.asked += tests
        return int(bool(self.failing & {*tests})), seconds, ""


@pytest.mark.parametrize(
    ("failing", "lines", "verdict"),
    [
        ("a", "ab", "fast"),
        ("b", "ab", "slow"),
        ("", "ab", "survived"),
        ("a", "", "not reached"),
        ("a", "b", "survived"),
    ],
)
def test_what_finds_a_change_is_said(failing: str, lines: str, verdict: str) -> None:
    """Tests that reach the line are asked, fast ones first, and no slow one where a fast one fails."""
    mutant = next(of_text(_CODE, "src/robust_xtreme/stats/x.py"))
    files = {mutant.file: {str(mutant.line): [*lines]}} if lines else {}
    cover = Cover({"a": 1.0, "b": 2.0, "c": 1.0}, frozenset("b"), files)
    copy = _Tests(frozenset(failing))
    assert mutating._verdict(cast("Copy", copy), cover, mutant, set()) == verdict
    assert copy.asked == {"fast": ["a"], "not reached": []}.get(verdict, [*lines])


def test_equivalent_changes_are_left_out_of_the_share() -> None:
    """Of three changes one is found, one survived and one cannot change a result: 1 of 2."""
    found, left, alike = chosen = [*of_text(_CODE, "src/robust_xtreme/stats/x.py")][:3]
    verdicts = {found.name: "fast", left.name: "survived", alike.name: "survived"}
    text = mutating.page(chosen, verdicts, {alike.name: "equivalent: never reached"})
    assert "| all | 3 | 50.0 | [1.3, 98.7] | 50.0 | [1.3, 98.7] | 1 | 1 |" in text.replace("\\", "")


def test_an_equivalent_change_counts_as_left_in_the_sample_that_nobody_read() -> None:
    """The share of what was never looked at is the lower one, and stands first."""
    found, left, alike = chosen = [*of_text(_CODE, "src/robust_xtreme/stats/x.py")][:3]
    verdicts = {found.name: "fast", left.name: "survived", alike.name: "survived"}
    text = mutating.page(chosen, verdicts, {alike.name: "equivalent: never reached"}, chosen).replace("\\", "")
    first = text.index("| all | 3 | 33.3 | [0.8, 90.6] | 33.3 | [0.8, 90.6] | 0 | 2 |")
    assert first < text.index("| all | 3 | 50.0 |")
