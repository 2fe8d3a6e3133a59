"""From an attack as it is named to what it does: the moves on examples, their limits, a search and its constraints."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from robust_xtreme.attack.attacking import AttackPlan
from robust_xtreme.attack.campaign import Campaign, Limits
from robust_xtreme.attack.constraint import acceptable, allowed
from robust_xtreme.attack.similarity import Cosines, calibrated
from robust_xtreme.core import registry
from robust_xtreme.core.edits import Array
from robust_xtreme.core.examples import Example
from robust_xtreme.core.randomness import text_keys
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.noise.engine.attack import moves_of, seed_of, settings_of
from robust_xtreme.noise.engine.noising import bound
from robust_xtreme.noise.engine.options import options_of, probes_of
from robust_xtreme.noise.engine.perturbation import Bound
from robust_xtreme.noise.engine.perturbed import field_texts

HIDDEN: Final = {"unk": "[UNK]", "delete": ""}
"""What is put for a unit that is hidden, by ranking; TextAttack puts [UNK] for a word, whatever the tokenizer."""


def plan_of(
    examples: Sequence[Example], attack: PerturbationSpec, seed: int, cosines: Cosines | None = None
) -> AttackPlan:
    """What an attack on named fields of examples is to do under a noise seed; a floor of similarity needs `cosines`."""
    (link,) = bound(attack)
    settings = settings_of(link)
    fields = field_texts(examples, attack.fields)
    options = allowed(fields.texts, options_of(fields.texts, moves_of(link), seed), settings)
    campaign = Campaign(examples, fields, options, probes_of(fields.texts, HIDDEN[settings.ranking]))
    limits = Limits(link.strength, settings.max_graphemes, settings.queries)
    items = campaign.items(limits, seeds_of(link, seed, examples), settings.graded)
    similarity = calibrated(fields, cosines) if settings.similar and cosines else None
    accepts = partial(acceptable, settings=settings, similarity=similarity)
    return AttackPlan(campaign, items, registry.load("search", settings.search), accepts)


def seeds_of(link: Bound, seed: int, examples: Sequence[Example]) -> Array:
    """What the draws of an attack on each example are hashed from (n,) uint64."""
    return text_keys(seed_of(link, seed), [example.id for example in examples])
