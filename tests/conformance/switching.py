"""`code_switch` on any text: partners that are made up, where its packs would have those of parallel items."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from robust_xtreme.core.columns import bounds_of
from robust_xtreme.core.edits import Array, Edits
from robust_xtreme.core.randomness import bare_ids
from robust_xtreme.noise.engine.perturbation import Job, Perturbation, known_language
from robust_xtreme.noise.members.scripts import Partners, switched
from robust_xtreme.tasks.aligning import tokens

_FORMS: Final = ("house", "the river", "Straße", "река", "नदी के", "川")


def _made_up(job: Job) -> Partners:
    """A partner of each word of each composed text that `align` could switch."""
    values, side = job.batch.values, tokens(job.batch.values, job.language)
    composed = np.array([unicodedata.is_normalized("NFC", value) for value in values], np.bool_)
    able = np.flatnonzero(side.word & composed[side.text])
    places = np.stack((side.start, side.stop - side.start, np.ones(len(side.text), np.int64)), axis=1)[able]
    many = np.bincount(side.text[able], minlength=len(values))
    forms = [_FORMS[start % len(_FORMS)] for start in places[:, 0].tolist()]
    numbers = {id: number for number, id in enumerate(bare_ids(job.language, values))}
    sizes = np.stack((np.array([*map(len, values)], np.int64), many), axis=1)
    return Partners(Path("made-up"), numbers, sizes, bounds_of(many), places, forms)


def _edit(job: Job) -> tuple[Edits, Array]:
    return switched(job, _made_up(job))


def with_partners(member: Perturbation) -> Perturbation:
    """`code_switch` with partners for every text of every language; any other perturbation as it is."""
    if member.name != "code_switch":
        return member
    return replace(member, edit=_edit, lacks=known_language, lacks_with=None)
