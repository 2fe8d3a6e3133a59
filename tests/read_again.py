"""Perturbed files beside `eval`: the examples that a model reads, and those of a file that is read again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from robust_xtreme.core import registry
from robust_xtreme.core.examples import Answers, Example
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.noise.conditions.condition import Condition
from robust_xtreme.run.prepare import variant_of
from robust_xtreme.tasks.sources.source import load, open_source

SPEC = "char_noise:0.3"


def evaluated(
    task: str, folder: Path, language: str, split: str, fields: tuple[str, ...], noise: str = SPEC
) -> list[Example]:
    """The examples of a file as `eval` noises them."""
    spec = PerturbationSpec.parse(noise).on(*fields)
    whole = load(registry.load("task", task), open_source(str(folder)), language, split)
    return list(variant_of(replace(whole, corpus=None), Condition(str(spec), spec, (0,)), 0).examples)


def check_same(task: str, written: Path, language: str, split: str, wanted: list[Example]) -> None:
    """The file that was written, read again, contains those texts, with the same spans and answers."""
    examples = load(registry.load("task", task), open_source(str(written)), language, split).examples
    assert len(examples) == len(wanted)
    for example, other in zip(examples, wanted, strict=True):
        assert {name: text.value for name, text in example.texts.items()} == {
            name: text.value for name, text in other.texts.items()
        }
        if isinstance(other.target, Answers):
            assert [(span.start, span.stop) for span in example.target.spans] == [  # type: ignore[union-attr]  # as the other
                (span.start, span.stop) for span in other.target.spans
            ]
        else:
            assert example.target == other.target
