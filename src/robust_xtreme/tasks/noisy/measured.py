"""What noise did to each item: its status, its edits and their rates, and the numbers and negators among them.

What the frame CONDITIONS says of a condition: its kind, its noise, and the limits of an attack.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from robust_xtreme.core import packs, registry
from robust_xtreme.core.columns import bounds_of, parts_summed
from robust_xtreme.core.edits import Array
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.noise.conditions.condition import FROZEN_KIND, Condition, named
from robust_xtreme.noise.engine.attack import settings_of
from robust_xtreme.noise.engine.noised import NOT_APPLICABLE, OK, STATUSES, UNCHANGED, NoisedTexts
from robust_xtreme.noise.engine.noising import bound
from robust_xtreme.noise.engine.realised import digest
from robust_xtreme.noise.label_risk import NO_RISK, Risky, are_listed, edited


def condition_row(condition: Condition) -> dict[str, Any]:
    """The row of CONDITIONS of a condition, by its columns."""
    if frozen := condition.frozen:  # an attack left the texts on another model
        row = condition_row(replace(named(frozen.attack), asks=True))
        return {**row, "condition": condition.name, "kind": FROZEN_KIND, "victim": frozen.victim, "packs": None}
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


@dataclass(frozen=True, slots=True, eq=False)
class MeasuredTexts:
    """The texts whose noise is measured: of the noised fields (clean: of all fields); of a pool, the right ones.

    Example i has those `bounds[i]:bounds[i + 1]` of `numbers`, which are numbers of texts of `noised`.
    """

    noised: NoisedTexts
    numbers: Array
    bounds: Array

    def of_items(self, values: Array) -> Array:
        """The sum of values by text (t,) or (t, k) over the measured texts of each item."""
        return parts_summed(values[self.numbers], self.bounds)

    def codes(self, clean: bool) -> Array:
        """The status of each item (n,), as a number of STATUSES; `clean`: nothing is noised."""
        status = self.noised.status[self.numbers]
        served, changed = (parts_summed(it, self.bounds) > 0 for it in (status != NOT_APPLICABLE, status == OK))
        is_not_served = ~served & (np.diff(self.bounds) > 0) & (not clean)
        return np.where(is_not_served, NOT_APPLICABLE, np.where(changed | clean, OK, UNCHANGED))

    def columns(self) -> dict[str, Any]:
        """What noise did to each item."""
        counts = self.noised.counts
        edits, words = self.of_items(counts.operators), self.of_items(counts.words)
        return {
            "eligible": self.of_items(counts.eligible),
            "edits": edits.sum(axis=1),
            "operators": _operators(self.noised.operators, edits),
            "grapheme_edit_rate": _share(self.of_items(counts.graphemes_edited), self.of_items(counts.graphemes)),
            "word_edit_rate": _share(self.of_items(counts.words_edited), words),
            "words": words,
        }

    def risk(self, words: Risky = NO_RISK) -> dict[str, Any]:
        """The edited numbers and negators of each item; no negators where a text has no list of them."""
        numbers, negators = edited(self.noised, words)
        listed = self.of_items(are_listed(self.noised.clean)) == np.diff(self.bounds)
        items = pl.Series(self.of_items(negators)).set(pl.Series(~listed), None)
        return {"numbers_edited": self.of_items(numbers), "negators_edited": items}


def measured(noised: NoisedTexts, columns: Sequence[tuple[Array, Array]], count: int) -> MeasuredTexts:
    """The measured texts of so many items from columns of items and their texts; -1 is none."""
    owners, numbers = (np.concatenate([np.zeros(0, np.int64), *parts]) for parts in zip(*columns, strict=True))
    order = np.argsort(owners, kind="stable")
    order = order[numbers[order] >= 0]
    return MeasuredTexts(noised, numbers[order], bounds_of(np.bincount(owners[order], minlength=count)))


def named_by(codes: Array, names: Sequence[str] = STATUSES) -> pl.Series:
    """The names of statuses (n,)."""
    return pl.Series(names, dtype=pl.String)[codes]


def _share(part: Array, whole: Array) -> Array:
    return np.divide(part, whole, out=np.zeros(len(whole)), where=whole > 0)


def _operators(names: Sequence[str], edits: Array) -> pl.Series:
    """The edits of each item (n, k) by operator as JSON, without those that did nothing."""
    if not names:
        return named_by(np.zeros(len(edits), np.int64), ["{}"])
    order = sorted(range(len(names)), key=names.__getitem__)
    sizes = edits.max(axis=0, initial=0) + 1
    if math.prod(sizes.tolist()) > 1 << 62:
        _, first, number = np.unique(edits, axis=0, return_index=True, return_inverse=True)
    else:  # a code for each distinct row is sorted in less time
        codes = edits @ (np.cumprod(sizes) // sizes)
        _, first, number = np.unique(codes, return_index=True, return_inverse=True)
    marks = [json.dumps(names[at]) for at in order]
    rows = (zip(marks, row, strict=True) for row in edits[first][:, order].tolist())
    texts = ["{" + ", ".join(f"{mark}: {count}" for mark, count in row if count) + "}" for row in rows]
    return named_by(number.reshape(-1), texts)
