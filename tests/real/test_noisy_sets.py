"""Release files with noise of known origin, of which rows are left out: each row is paired with its own clean one."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
from tests.some import some

from robust_xtreme.core import registry
from robust_xtreme.core.examples import Example
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.noise.conditions.pairing import Noisy, paired
from robust_xtreme.noise.engine.noising import noise_texts
from robust_xtreme.tasks.sources.source import load

pytestmark = pytest.mark.real

_NOISE: Final = ("natural:0.05", "keyboard_typo:0.02", "keyboard_typo:0.1", "char_noise:0.02", "char_noise:0.1")
_LANGUAGES: Final = ("de", "en", "es", "fr", "hi", "zh")
_SOME: Final = 900


def _edited(clean: Sequence[Example], noise: str, seed: int) -> dict[int, Example]:
    """The rows that noise edits, each text for itself as in published sets, and of these a share, by clean row."""
    draw = random.Random(f"{noise} {seed}")
    texts = [replace(text, id=f"{it.id} {name}") for it in clean for name, text in it.texts.items()]
    made = {it.clean.id: it.text for it in noise_texts(texts, PerturbationSpec.parse(noise), seed)}
    share, rows = draw.choice((0.2, 0.6, 0.95)), {}
    for number, it in enumerate(clean):
        noisy = {name: replace(made[f"{it.id} {name}"], id=text.id) for name, text in it.texts.items()}
        if any(noisy[name].value != text.value for name, text in it.texts.items()) and draw.random() < share:
            rows[number] = replace(it, texts=noisy, fingerprint="")
    return rows


def _checked(clean: Sequence[Example], noise: str, seed: int) -> None:
    """No row has a partner whose texts are other ones than those that it was made of, and none is refused."""
    rows = _edited(clean, noise, seed)
    locations = [f"n.tsv:{number}" for number in range(1, len(rows) + 1)]
    pairing = paired(clean, Noisy([*rows.values()], locations, False), partial=True)
    partners = [*rows]
    wrong = [
        (row, partners[at]) for row, at in pairing.pairs if clean[row].fingerprint != clean[partners[at]].fingerprint
    ]
    assert (wrong, dict(pairing.refused), len(pairing.noisy_left)) == ([], {}, 0)


@pytest.mark.parametrize("noise", some(_NOISE, 1))
@pytest.mark.parametrize("task", ["xnli", "panx"])
def test_noisy_rows_find_their_own(data: Path, task: str, noise: str) -> None:
    """Triples of hypotheses in German, and tagged sentences."""
    _checked(load(registry.load("task", task), data, "de", "test").examples[:_SOME], noise, 0)


@pytest.mark.long
@pytest.mark.parametrize("noise", _NOISE)
@pytest.mark.parametrize("language", _LANGUAGES)
def test_noisy_rows_of_a_whole_split_find_their_own(data: Path, language: str, noise: str) -> None:
    """All rows of a language, in two draws of noise and of rows."""
    clean = load(registry.load("task", "xnli"), data, language, "test").examples
    for seed in range(2):
        _checked(clean, noise, seed)
