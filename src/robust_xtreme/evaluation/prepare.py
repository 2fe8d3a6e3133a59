"""One unit prepared for the model: its examples under every condition and seed, encoded, each distinct input once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, final

from robust_xtreme.errors import Mismatch
from robust_xtreme.evaluation.plan import Condition, TaskRun, identity_of
from robust_xtreme.examples import Corpus, Document, Example, Text
from robust_xtreme.models.unsupported import outside, unsupported_labels
from robust_xtreme.noise.engine.noising import Ask, Noised, noise_texts, perturb
from robust_xtreme.predictors.predictor import Input, Predictor
from robust_xtreme.specs import CANDIDATE
from robust_xtreme.targets.kinds import kind_of

_POOL_CHUNK: Final = 1 << 14
"""Candidates that are noised together; of most of them only the text is kept."""


@final
@dataclass(frozen=True, slots=True)
class Variant:
    """The examples of a unit under one condition and noise seed; `inputs` are their places among the distinct ones.

    `pool` contains the values of the candidates in order, where there are some.
    """

    condition: Condition
    seed: int
    examples: tuple[Example, ...]
    noised: Mapping[str, Noised]
    inputs: tuple[int, ...]
    pool: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, int]:
        """The condition's name and the seed."""
        return self.condition.name, self.seed

    def measured(self, example: Example) -> list[Noised]:
        """What became of the fields that the condition noises (clean: of all fields); of a pool, of the right texts."""
        names = self.condition.fields or tuple(example.texts)
        return [self.noised[id] for name in names for id in _ids(example, name)]


def _ids(example: Example, name: str) -> tuple[str, ...]:
    """The ids of the texts that a field of an example has."""
    if name != CANDIDATE:
        return (example.texts[name].id,)
    return example.target.ids if isinstance(example.target, Document) else ()


@final
@dataclass(frozen=True, slots=True)
class Prepared:
    """A unit ready to be predicted: clean examples, variants (clean first), distinct inputs, token ids by text."""

    unit: TaskRun
    examples: tuple[Example, ...]
    variants: tuple[Variant, ...]
    inputs: tuple[Input, ...]
    tokens: Mapping[str, tuple[int, ...]]
    corpus: Corpus | None = None

    def token_count(self, text: Text) -> int:
        """How many tokens a text has, without special tokens."""
        return sum(map(len, self.token_ids(text)))

    def token_ids(self, text: Text) -> list[tuple[int, ...]]:
        """The ids of its tokens, by what is tokenised by itself."""
        return [self.tokens[piece] for piece in pieces_of(text, self.unit)]

    @property
    def predictions(self) -> int:
        """Predictions that the unit asks for, equal inputs counted each time."""
        return len(self.examples) * len(self.variants)


def prepare(
    unit: TaskRun,
    examples: Sequence[Example],
    conditions: Sequence[Condition],
    predictor: Predictor,
    deduplicate: bool = True,
    corpus: Corpus | None = None,
    asking: Callable[[Sequence[Example]], Ask] | None = None,
) -> Prepared:
    """Noise and encode a unit. Without `deduplicate` every condition has inputs, and so batches, of its own.

    `asking` gives conditions that ask the model what they ask, from the examples at hand.
    Raises Mismatch where the examples, or the candidates, are not those that were planned.
    """
    if identity_of(examples, corpus) != unit.data:
        raise Mismatch(f"{unit.label}: the data files changed while the run continued. Start it again.")
    examples = outside(examples, unsupported_labels(unit.model.labels, unit.task))
    ask = asking(examples) if asking else None
    pool = _Pool({}, [], [])
    variants: list[Variant] = []
    for condition in conditions:
        for seed in condition.seeds:
            group = 0 if deduplicate else len(variants) + 1
            variants.append(variant_of(examples, condition, seed, corpus, pool, group, ask))
    single = zip(predictor.prepare(pool.examples), pool.groups, strict=True)
    inputs = tuple(replace(one, group=group) for one, group in single)
    return Prepared(unit, tuple(examples), tuple(variants), inputs, _tokens(unit, variants, predictor), corpus)


@final
@dataclass(frozen=True, slots=True)
class _Pool:
    """The distinct inputs so far, and the group of each: 0 where equal inputs are one."""

    places: dict[Any, int]
    examples: list[Example]
    groups: list[int]

    def place(self, example: Example, group: int) -> int:
        """Where the input is; a new one is added at the end."""
        key = (group, example.id) if group else _content(example)
        if key not in self.places:
            self.places[key] = len(self.examples)
            self.examples.append(example)
            self.groups.append(group)
        return self.places[key]


def variant_of(
    examples: Sequence[Example],
    condition: Condition,
    seed: int,
    corpus: Corpus | None,
    pool: _Pool | None = None,
    group: int = 0,
    ask: Ask | None = None,
) -> Variant:
    """The examples, and the candidates, under a condition and seed; a `pool` of inputs counts them as its own."""
    pool = pool or _Pool({}, [], [])
    shown, noised = perturb(examples, condition.spec, seed, ask) if condition.spec else _clean(examples)
    candidates: tuple[str, ...] = ()
    if corpus is not None:
        found, candidates = noised_pool(corpus, condition, seed, _right(examples))
        noised |= found
    return Variant(condition, seed, shown, noised, tuple(pool.place(one, group) for one in shown), candidates)


def _right(examples: Sequence[Example]) -> frozenset[str]:
    """The ids of the candidates that are right for some example."""
    return frozenset(id for one in examples for id in _ids(one, CANDIDATE))


def noised_pool(
    corpus: Corpus, condition: Condition, seed: int, kept: frozenset[str] = frozenset()
) -> tuple[dict[str, Noised], tuple[str, ...]]:
    """The values of a pool's texts under a condition, and what became of those that are `kept`."""
    if condition.spec is None or CANDIDATE not in condition.fields:
        return {}, tuple(text.value for text in corpus.texts)
    found: dict[str, Noised] = {}
    values: list[str] = []
    for start in range(0, len(corpus.texts), _POOL_CHUNK):
        for one in noise_texts(corpus.texts[start : start + _POOL_CHUNK], condition.spec, seed):
            values.append(one.text.value)
            found |= {one.clean.id: one} if one.clean.id in kept else {}
    return found, tuple(values)


def _clean(examples: Sequence[Example]) -> tuple[tuple[Example, ...], dict[str, Noised]]:
    """The examples as they are."""
    texts = {text.id: text for example in examples for text in example.texts.values()}
    return tuple(examples), {name: _as_it_is(text) for name, text in texts.items()}


def _as_it_is(text: Text) -> Noised:
    return Noised(text, text, "unchanged", 0, {}, 0, 0, len(text.value.split()), 0)


def _content(example: Example) -> Any:
    """What the model reads and what encoding looks at: values and spans of every field, and the target."""
    return tuple((name, text.value, text.spans) for name, text in example.texts.items()), example.target


def _tokens(unit: TaskRun, variants: Iterable[Variant], predictor: Predictor) -> dict[str, tuple[int, ...]]:
    texts = (text for variant in variants for one in variant.noised.values() for text in (one.clean, one.text))
    return predictor.tokens(piece for text in texts for piece in pieces_of(text, unit))


def pieces_of(text: Text, unit: TaskRun) -> list[str]:
    """What is tokenised by itself: the words of a sentence that is tagged, any other text as a whole."""
    return kind_of(unit.task.family).pieces(text)
