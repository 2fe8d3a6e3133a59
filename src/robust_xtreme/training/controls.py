"""Controls of intermediate training: the same data with shuffled labels, or without labels."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from robust_xtreme.core.examples import Answers, Document, Example, Tags, Target
from robust_xtreme.core.specs import CANDIDATE

_SHUFFLE: Final = 5
_QUESTION: Final = "question"


def shuffled(examples: Sequence[Example], seed: int) -> tuple[Example, ...]:
    """The examples with shuffled labels: the frequency of each label stays, its relation to the text is lost.

    Labels are permuted among examples, tags among all words, indices among examples with as many choices. Answers are
    positions in their context, so that questions are permuted instead; in retrieval the candidates are.
    """
    generator = np.random.default_rng((seed, _SHUFFLE))
    kinds = {type(example.target) for example in examples}
    if kinds == {Tags}:
        every = [name for example in examples for name in _tags(example)]
        names = iter([every[index] for index in generator.permutation(len(every))])
        return tuple(_with(example, target=Tags(tuple(next(names) for _ in _tags(example)))) for example in examples)
    if kinds == {Answers}:
        return _texts_moved(examples, _QUESTION, generator)
    if kinds == {Document}:
        return _texts_moved(examples, CANDIDATE, generator)
    return _targets_moved(examples, generator)


def _targets_moved(examples: Sequence[Example], generator: np.random.Generator) -> tuple[Example, ...]:
    alike: defaultdict[int, list[int]] = defaultdict(list)
    for index, example in enumerate(examples):
        alike[len(example.texts)].append(index)
    targets: dict[int, Target] = {}
    for indices in alike.values():
        orders = generator.permutation(len(indices))
        targets.update({index: examples[indices[order]].target for index, order in zip(indices, orders, strict=True)})
    return tuple(_with(example, target=targets[index]) for index, example in enumerate(examples))


def _tags(example: Example) -> tuple[str, ...]:
    return example.target.names if isinstance(example.target, Tags) else ()


def _texts_moved(examples: Sequence[Example], field: str, generator: np.random.Generator) -> tuple[Example, ...]:
    orders = generator.permutation(len(examples))
    return tuple(
        _with(example, texts={**example.texts, field: examples[order].texts[field]})
        for example, order in zip(examples, orders, strict=True)
    )


def _with(example: Example, **changed: Any) -> Example:
    return replace(example, **changed, fingerprint="")


def texts(examples: Iterable[Example]) -> list[str]:
    """Every distinct text of the examples, in order: the data of masked LM on the same text."""
    return list(
        dict.fromkeys(text.value for example in examples for text in example.texts.values() if text.value.strip())
    )
