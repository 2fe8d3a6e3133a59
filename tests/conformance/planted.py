"""Six perturbations that are wrong on purpose; each must break the one rule named beside it."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Final

import numpy as np

from robust_xtreme.core import graphemes
from robust_xtreme.core.edits import Array, Edits
from robust_xtreme.core.languages import language
from robust_xtreme.noise.engine.letters import OPERATORS, alphabet, decide, page_of
from robust_xtreme.noise.engine.perturbation import Job, Perturbation
from robust_xtreme.noise.members._letters import char_noise

_CAP: Final = 25


def _orphan_mark(job: Job) -> tuple[Edits, Array]:
    """Deletes a letter and leaves its marks."""
    edits, eligible = char_noise.edit(job)
    edits.stop[edits.operator == 0] = edits.start[edits.operator == 0] + 1
    return edits, eligible


def _span_crossing(job: Job) -> tuple[Edits, Array]:
    """Swaps across spaces, and so across the edges of words."""
    page = page_of(job.batch, alphabet(job.language))
    blank = (page.props & graphemes.SPACE) > 0
    blank[np.minimum(job.batch.clusters.open_after + 1, len(blank) - 1)] = False
    page = replace(page, edge=None, letter=page.letter | blank)
    return decide(page, page.may("swap", "replace"), job.keys, job.strength)


def _global_rng(job: Job) -> tuple[Edits, Array]:
    """Draws from the global generator."""
    keys = np.array([random.getrandbits(64) for _ in job.keys], np.uint64)
    return char_noise.edit(replace(job, keys=keys))


def _strength_cap(job: Job) -> tuple[Edits, Array]:
    """Makes at most a fixed number of edits in one text, as nlpaug and TextFlint do."""
    edits, eligible = char_noise.edit(job)
    owner = np.searchsorted(job.batch.offsets, edits.start, "right") - 1
    ranks = np.arange(len(owner)) - np.searchsorted(owner, owner)
    return edits.take(np.flatnonzero(ranks < _CAP)), eligible


def _silent_no_op(job: Job) -> tuple[Edits, Array]:
    """Leaves every script but its own clean and says nothing."""
    edits, eligible = char_noise.edit(job)
    if language(job.language).script == "Latn":
        return edits, eligible
    return edits.take(np.zeros(0, np.int64)), eligible


def _order_dependent(job: Job) -> tuple[Edits, Array]:
    """Draws by the index of a text in its batch."""
    return char_noise.edit(replace(job, keys=job.keys[:1] + np.arange(len(job.keys), dtype=np.uint64)))


PLANTED: Final = {
    "rule_3_clusters_stay_whole": (_orphan_mark,),
    "rule_5_spans_survive": (_span_crossing,),
    "rule_2_draws_are_keyed": (_global_rng, _order_dependent),
    "rule_1_strength_is_a_share": (_strength_cap,),
    "rule_4_noise_belongs_to_the_script": (_silent_no_op,),
}


def planted() -> list[tuple[str, Perturbation]]:
    """Each wrong perturbation with the rule that it breaks."""
    return [
        (
            rule,
            Perturbation(
                edit.__name__, 1, "Wrong.", "letters", "cluster", "share", OPERATORS, edit, char_noise.parameters
            ),
        )
        for rule, edits in PLANTED.items()
        for edit in edits
    ]
