"""Attacks the examples of a task run under those of its conditions that are attacks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from robust_xtreme import registry
from robust_xtreme.attack.answers import Ask
from robust_xtreme.attack.attacking import Attacked, Plan, attacked
from robust_xtreme.attack.campaign import Campaign, Limits
from robust_xtreme.examples import Example
from robust_xtreme.external.condition import Condition
from robust_xtreme.noise.engine.attack import moves_of, seed_of, settings_of
from robust_xtreme.noise.engine.noising import bound
from robust_xtreme.noise.engine.options import options_of, probes_of
from robust_xtreme.noise.engine.perturbed import field_texts
from robust_xtreme.randomness import text_keys

Cell = tuple[Condition, int]
"""A condition and a noise seed."""

HIDDEN: Final = {"unk": "[UNK]", "delete": ""}
"""What is put for a unit that is hidden, by ranking; TextAttack puts [UNK] for a word, whatever the tokenizer."""


def attack_all(
    examples: Sequence[Example], cells: Sequence[Cell], ask: Ask, watch: Callable[[str], None]
) -> Mapping[tuple[str, int], Attacked]:
    """The examples under each of several attacks, by the condition's name and the seed."""

    def tell(left: int, queries: int) -> None:
        watch(f"attacks: {left:,} of {len(cells) * len(examples):,} are not finished, {queries:,} queries")

    made = attacked(examples, [_plan(examples, *cell) for cell in cells], ask, tell)
    return {(condition.name, seed): each for (condition, seed), each in zip(cells, made, strict=True)}


def _plan(examples: Sequence[Example], condition: Condition, seed: int) -> Plan:
    assert condition.spec is not None
    (link,) = bound(condition.spec)
    settings = settings_of(link)
    fields = field_texts(examples, condition.fields)
    options, hidden = options_of(fields.texts, moves_of(link), seed), probes_of(fields.texts, HIDDEN[settings.ranking])
    campaign = Campaign(examples, fields, options, hidden)
    seeds = text_keys(seed_of(link, seed), [example.id for example in examples])
    items = campaign.items(Limits(link.strength, settings.max_graphemes, settings.queries), seeds, settings.graded)
    return Plan(campaign, items, registry.load("search", settings.search))
