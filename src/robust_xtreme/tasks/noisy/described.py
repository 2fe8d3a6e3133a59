"""What the frame CONDITIONS says of a condition: its kind, its noise, and the limits of an attack."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from robust_xtreme.core import packs, registry
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.noise.conditions.condition import FROZEN_KIND, Condition, named
from robust_xtreme.noise.engine.attack import settings_of
from robust_xtreme.noise.engine.noising import bound
from robust_xtreme.noise.engine.realised import digest


def condition_row(condition: Condition) -> dict[str, Any]:
    """The row of CONDITIONS of a condition, by its columns."""
    if condition.frozen:
        # An attack left the texts on another model.
        row = condition_row(replace(named(condition.frozen.attack), asks=True))
        return {
            **row,
            "condition": condition.name,
            "kind": FROZEN_KIND,
            "victim": condition.frozen.victim,
            "packs": None,
        }
    if condition.spec is None:
        return {"condition": condition.name, "kind": "clean"}
    spec = PerturbationSpec.parse(condition.name)  # as it was asked for: in tokens it is solved for by task run
    axis = spec.links[-1].axis
    members = [registry.load("perturbation", link.name) for link in spec.links]
    several = len(members) > 1
    params = {f"{link.name}.{key}" if several else key: value for link in spec.links for key, value in link.params}
    return {
        "condition": condition.name,
        "kind": "chain" if several else "attack" if condition.asks else "noise",
        "name": spec.name,
        "version": "+".join(str(member.version) for member in members),
        "params": json.dumps(params, sort_keys=True),
        "fields": ",".join(spec.fields) or None,
        "nominal": None if axis or condition.given or condition.matches else spec.nominal,
        "unit": members[-1].unit,
        "target_axis": axis or None,
        "target": float(spec.nominal) if axis else None,
        "calibration": digest() if axis else None,
        "packs": packs.identity() or None,
        **(_attack(condition) if condition.asks else {}),
    }


def _attack(condition: Condition) -> dict[str, Any]:
    """What CONDITIONS has of an attack: its budget of queries, its search, and what limits its edits."""
    assert condition.spec is not None
    (link,) = bound(condition.spec)
    settings = settings_of(link)
    most = {"words": link.strength, "graphemes": settings.max_graphemes}
    least = {"chrf": settings.chrf, "similar": settings.similar}
    limits = [f"{name}<={share}" for name, share in most.items() if share]
    limits += [f"{name}>={floor:g}" for name, floor in least.items() if floor]
    return {"query_budget": settings.queries, "search": settings.search, "constraints": " ".join(limits)}
