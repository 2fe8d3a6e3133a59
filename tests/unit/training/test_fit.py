"""Lessons at the lengths that an encoder reads."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.encoders import BOUNDED, encoder_folder
from tests.tiny import tiny_encoder

from robust_xtreme.core import registry
from robust_xtreme.core.errors import ModelError
from robust_xtreme.models.loading import read_encoder
from robust_xtreme.training.lessons import Lesson, Screened
from robust_xtreme.training.objective import fit, text_length


def _lesson(name: str) -> Lesson:
    return Lesson(registry.load("task", name), (), "", Screened((), {}, {}), (), ("en",))


def _encoder(**config: Any) -> Any:
    return SimpleNamespace(config=SimpleNamespace(to_dict=lambda: config))


@pytest.mark.parametrize("kind", ["clip", "siglip2"])
def test_lessons_are_cut_to_what_a_tower_reads_and_it_is_reported(kind: str, tmp_path: Path) -> None:
    """Each task's inputs and the overlap of its windows shrink alike."""
    messages: list[str] = []
    encoder, most = read_encoder(encoder_folder(tmp_path / kind, kind)), BOUNDED[kind]
    xnli, xquad = fit((_lesson("xnli"), _lesson("xquad")), encoder, "tower", messages.append)
    assert (xnli.task.max_length, xquad.task.max_length, xquad.task.stride) == (most, most, 128 * most // 384)
    assert [f"cut to the {most}" in message for message in messages] == [True, True]
    assert text_length(encoder) == most


def test_lessons_of_other_encoders_are_as_they_were_or_refused() -> None:
    """An encoder that reads enough has no message, and one that does not has one line."""
    messages: list[str] = []
    lessons = (_lesson("xnli"), _lesson("xquad"))
    for encoder in (tiny_encoder(50), _encoder(model_type="mt5"), _encoder(model_type="bert")):
        assert fit(lessons, encoder, "one", messages.append) == lessons
        assert text_length(encoder) == 128
    assert messages == []
    short = _encoder(model_type="bert", max_position_embeddings=128)
    with pytest.raises(ModelError, match="128 tokens, but xquad"):
        fit(lessons, short, "one", messages.append)
