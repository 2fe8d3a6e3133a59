"""Prepares a task run: its examples under every condition and seed, encoded, each distinct input once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, final

from robust_xtreme.evaluation.task_run import TaskRun
from robust_xtreme.examples import Corpus, Document, Example, Text
from robust_xtreme.external.condition import Condition
from robust_xtreme.noise.engine.noised import Noised
from robust_xtreme.noise.engine.noising import Ask, noise_texts
from robust_xtreme.predictors.predictor import Candidates, Input, Predictor
from robust_xtreme.sources.loading import Split
from robust_xtreme.specs import CANDIDATE

_POOL_CHUNK: Final = 1 << 14
"""Candidates that are noised together; of most of them only the text is kept."""


@final
@dataclass(frozen=True, slots=True)
class Variant:
    """The examples of a task run under one condition and noise seed; `inputs` are indices of the distinct inputs.

    `pool` contains the candidates, if there are any.
    """

    condition: Condition
    seed: int
    examples: tuple[Example, ...]
    noised: Mapping[str, Noised]
    pool: Candidates | None = None
    inputs: tuple[int, ...] = ()

    def measured(self, example: Example) -> list[Noised]:
        """The outcomes of the noised fields (clean: of all fields); of a pool, those of the right texts."""
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
    """A task run ready to be answered: clean examples, variants (clean first), distinct inputs, token ids by text."""

    task_run: TaskRun
    predictor: Predictor
    examples: tuple[Example, ...]
    variants: tuple[Variant, ...]
    inputs: tuple[Input, ...]
    tokens: Mapping[str, tuple[int, ...]]
    corpus: Corpus | None = None

    def token_ids(self, text: Text) -> list[tuple[int, ...]]:
        """The token ids of each piece that is tokenised by itself, without special tokens."""
        return [self.tokens[piece] for piece in text.pieces(self.task_run.words)]

    def token_count(self, text: Text) -> int:
        """How many tokens a text has, without special tokens."""
        return sum(map(len, self.token_ids(text)))

    def unknown_count(self, text: Text) -> int | None:
        """How many of them are the token for unknown text; None where the tokenizer has none."""
        unknown = self.predictor.unknown
        return None if unknown is None else sum(ids.count(unknown) for ids in self.token_ids(text))


def prepare(
    task_run: TaskRun,
    split: Split,
    predictor: Predictor,
    deduplicate: bool = True,
    asking: Callable[[Sequence[Example]], Ask] | None = None,
) -> Prepared:
    """Noise and encode a task run. Without `deduplicate` every condition has inputs, and so batches, of its own.

    `asking` makes the function with which conditions query the model about the examples. Inputs of a search also have a
    pool of their condition, and are not merged.
    """
    ask = asking(split.examples) if asking else None
    distinct = _Distinct()
    variants: list[Variant] = []
    for condition in task_run.conditions:
        for seed in condition.seeds:
            variant = variant_of(split, condition, seed, ask)
            group = 0 if deduplicate else len(variants) + 1
            variants.append(replace(variant, inputs=distinct.of(variant, group)))
    texts = (text for variant in variants for noised in variant.noised.values() for text in (noised.clean, noised.text))
    inputs = distinct.encoded(predictor)
    tokens = predictor.tokens(piece for text in texts for piece in text.pieces(task_run.words))
    return Prepared(task_run, predictor, split.examples, tuple(variants), inputs, tokens, split.corpus)


@final
@dataclass(frozen=True, slots=True)
class _Distinct:
    """The distinct contents so far, each with its first example; and the distinct inputs: the content and the rest."""

    contents: dict[Any, tuple[int, Example]] = field(default_factory=dict)
    indices: dict[Any, int] = field(default_factory=dict)
    inputs: list[tuple[int, Example, int, Candidates | None]] = field(default_factory=list)

    def of(self, variant: Variant, group: int) -> tuple[int, ...]:
        """The indices of a variant's inputs; in a group above 0, and with a pool, each example has its own."""
        return tuple(self._index(variant, example, group) for example in variant.examples)

    def _index(self, variant: Variant, example: Example, group: int) -> int:
        # All that encoding reads: values and spans of every field, and the target.
        read = tuple((name, text.value, text.spans) for name, text in example.texts.items()), example.target
        content, _ = self.contents.setdefault(read, (len(self.contents), example))
        owner = (variant.condition.name, variant.seed, example.id) if group or variant.pool else ()
        index = self.indices.setdefault((content, *owner), len(self.inputs))
        if index == len(self.inputs):
            self.inputs.append((content, example, group, variant.pool))
        return index

    def encoded(self, predictor: Predictor) -> tuple[Input, ...]:
        """The inputs; equal contents are encoded once."""
        windows = predictor.prepare([example for _, example in self.contents.values()])
        return tuple(
            replace(windows[content], example=example, group=group, pool=pool)
            for content, example, group, pool in self.inputs
        )


def variant_of(split: Split, condition: Condition, seed: int, ask: Ask | None = None) -> Variant:
    """The examples, and the candidates, under a condition and seed."""
    shown, noised = condition.shown(split.examples, seed, ask)
    if split.corpus is None:
        return Variant(condition, seed, shown, noised)
    right = frozenset(id for example in split.examples for id in _ids(example, CANDIDATE))
    noised_candidates, values = noised_pool(split.corpus, condition, seed, right)
    tuned = variant_of(split.tuned, condition, seed) if split.tuned else None
    tuning = (tuned.examples, tuned.pool) if tuned and tuned.pool else None
    pool = Candidates(tuple(text.id for text in split.corpus.texts), values, split.corpus.unscored, tuning)
    return Variant(condition, seed, shown, {**noised, **noised_candidates}, pool)


def noised_pool(
    corpus: Corpus, condition: Condition, seed: int, kept: frozenset[str] = frozenset()
) -> tuple[dict[str, Noised], tuple[str, ...]]:
    """The values of a pool's texts under a condition, and the outcomes of those with ids in `kept`."""
    if condition.spec is None or CANDIDATE not in condition.fields:
        return {}, tuple(text.value for text in corpus.texts)
    noised: dict[str, Noised] = {}
    values: list[str] = []
    for start in range(0, len(corpus.texts), _POOL_CHUNK):
        for outcome in noise_texts(corpus.texts[start : start + _POOL_CHUNK], condition.spec, seed):
            values.append(outcome.text.value)
            noised |= {outcome.clean.id: outcome} if outcome.clean.id in kept else {}
    return noised, tuple(values)
