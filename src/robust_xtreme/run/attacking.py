"""Attacks the examples of a task run under those of its conditions that are attacks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from robust_xtreme.attack import recipes
from robust_xtreme.attack.attacking import Attacked, attacked, plan_of, seeds_of
from robust_xtreme.attack.constraints import Cosines, Embed
from robust_xtreme.attack.engine import MOST_REJECTED
from robust_xtreme.attack.goals import AnswerScores, Ask
from robust_xtreme.core.examples import Example
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.noise.conditions.condition import Condition
from robust_xtreme.noise.engine.attack import LIBRARY, is_recipe, settings_of
from robust_xtreme.noise.engine.noised import PerturbedExamples
from robust_xtreme.noise.engine.noising import bound

Cell = tuple[Condition, int]
"""A condition and a noise seed."""


def attack_all(
    examples: Sequence[Example],
    cells: Sequence[Cell],
    asks: Callable[[str], Ask],
    watch: Callable[[str], None],
    embed: Embed | None = None,
    warn: Callable[[str], None] = lambda _: None,
) -> Mapping[tuple[str, int], Attacked]:
    """The examples under each of several attacks, by the condition's name and the seed; one target shares rounds."""
    cosines, lost = Cosines(embed) if embed else None, list[int]()

    def tell(left: int, queries: int) -> None:
        watch(f"attacks: {left:,} of {len(several) * len(examples):,} are not finished, {queries:,} queries")

    searched = [cell for cell in cells if not is_recipe(_spec(cell).name)]
    made: dict[tuple[str, int], Attacked] = {}
    targets = [target_of(condition.spec) for condition, _ in searched]
    for target in dict.fromkeys(targets):
        several = [cell for cell, wanted in zip(searched, targets, strict=True) if wanted == target]
        plans = [plan_of(examples, _spec(cell), cell[1], cosines) for cell in several]
        outcomes = attacked(examples, plans, _counted(asks(target), lost), tell)
        made.update({(condition.name, seed): each for (condition, seed), each in zip(several, outcomes, strict=True)})
    for condition, seed in (cell for cell in cells if cell not in searched):
        several = [(condition, seed)]
        (link,) = bound(_spec((condition, seed)))
        name = link.perturbation.name.removeprefix(LIBRARY)
        plan = recipes.RecipePlan(name, condition.fields, link.strength, settings_of(link).queries)
        seeds = seeds_of(link, seed, examples)
        made[condition.name, seed] = recipes.attacked_by(examples, plan, _counted(asks(""), lost), seeds, tell)
    if any(lost):
        warn(f"{sum(lost):,} answers to queries are NaN or infinite, and count as right")
    return made


def _counted(ask: Ask, lost: list[int]) -> Ask:
    """The same, which adds to a list how many answers to candidates are not finite."""

    def counted(shown: PerturbedExamples) -> AnswerScores:
        answers = ask(shown)
        lost.append(int(np.count_nonzero(~answers.finite)) if shown.numbers else 0)
        return answers

    return counted


def _spec(cell: Cell) -> PerturbationSpec:
    assert cell[0].spec is not None
    return cell[0].spec


def most_queries(conditions: Sequence[Condition]) -> int:
    """The most queries that the attacks among conditions have for an example, over all seeds."""
    several = [(each.spec, len(each.seeds)) for each in conditions if each.asks and each.spec is not None]
    return sum(settings_of(bound(spec)[0]).queries * seeds for spec, seeds in several)


def most_vectors(conditions: Sequence[Condition]) -> int:
    """The most texts, clean ones and candidates, whose vectors the attacks among conditions compare, over all seeds."""
    compared = [condition for condition in conditions if condition.asks and needs_vectors(condition.spec)]
    clean = {name for condition in compared for name in condition.fields}
    each = (len(condition.fields) * most_queries([condition]) for condition in compared)
    return len(clean) + (1 + MOST_REJECTED) * sum(each)


def needs_vectors(attack: PerturbationSpec | None) -> bool:
    """Whether an attack has a floor of similarity."""
    return attack is not None and settings_of(bound(attack)[0]).similar > 0


def target_of(attack: PerturbationSpec | None) -> str:
    """The label that an attack wants as the answer; "" where any but the gold one will do."""
    return settings_of(bound(attack)[0]).target if attack else ""
