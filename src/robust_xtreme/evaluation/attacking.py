"""Attacks the examples of a task run under those of its conditions that are attacks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from robust_xtreme.attack.answers import Ask
from robust_xtreme.attack.attacking import Attacked, Plan, attacked
from robust_xtreme.attack.planning import plan_of
from robust_xtreme.examples import Example
from robust_xtreme.external.condition import Condition
from robust_xtreme.noise.engine.attack import settings_of
from robust_xtreme.noise.engine.noising import bound
from robust_xtreme.specs import PerturbationSpec

Cell = tuple[Condition, int]
"""A condition and a noise seed."""


def attack_all(
    examples: Sequence[Example], cells: Sequence[Cell], asks: Callable[[str], Ask], watch: Callable[[str], None]
) -> Mapping[tuple[str, int], Attacked]:
    """The examples under each of several attacks, by the condition's name and the seed.

    Attacks with the same target ("": none) share their rounds, in which `asks` of it is asked.
    """

    def tell(left: int, queries: int) -> None:
        watch(f"attacks: {left:,} of {len(several) * len(examples):,} are not finished, {queries:,} queries")

    made: dict[tuple[str, int], Attacked] = {}
    targets = [target_of(condition.spec) for condition, _ in cells]
    for target in dict.fromkeys(targets):
        several = [cell for cell, wanted in zip(cells, targets, strict=True) if wanted == target]
        outcomes = attacked(examples, [_plan(examples, *cell) for cell in several], asks(target), tell)
        made.update({(condition.name, seed): each for (condition, seed), each in zip(several, outcomes, strict=True)})
    return made


def most_queries(conditions: Sequence[Condition]) -> int:
    """The most queries that the attacks among conditions have for an example, over all seeds."""
    return sum(
        settings_of(bound(condition.spec)[0]).queries * len(condition.seeds)
        for condition in conditions
        if condition.asks and condition.spec is not None
    )


def target_of(attack: PerturbationSpec | None) -> str:
    """The label that an attack wants as the answer; "" where any but the gold one will do."""
    return settings_of(bound(attack)[0]).target if attack else ""


def _plan(examples: Sequence[Example], condition: Condition, seed: int) -> Plan:
    assert condition.spec is not None
    return plan_of(examples, condition.spec, seed)
