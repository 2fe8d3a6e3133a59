"""Prepares a task run: its examples under every condition and seed, encoded, each distinct input once."""

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
    """The examples of a task run under one condition and noise seed; `inputs` are indices of the distinct inputs.

    `pool` contains the values of the candidates in order, if there are any.
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
    """A task run ready to be predicted: clean examples, variants (clean first), distinct inputs, token ids by text."""

    task_run: TaskRun
    examples: tuple[Example, ...]
    variants: tuple[Variant, ...]
    inputs: tuple[Input, ...]
    tokens: Mapping[str, tuple[int, ...]]
    corpus: Corpus | None = None

    def token_count(self, text: Text) -> int:
        """How many tokens a text has, without special tokens."""
        return sum(map(len, self.token_ids(text)))

    def token_ids(self, text: Text) -> list[tuple[int, ...]]:
        """The token ids of each piece that is tokenised by itself."""
        return [self.tokens[piece] for piece in pieces_of(text, self.task_run)]

    @property
    def predictions(self) -> int:
        """Predictions of the task run, equal inputs counted each time."""
        return len(self.examples) * len(self.variants)


def prepare(
    task_run: TaskRun,
    examples: Sequence[Example],
    conditions: Sequence[Condition],
    predictor: Predictor,
    deduplicate: bool = True,
    corpus: Corpus | None = None,
    asking: Callable[[Sequence[Example]], Ask] | None = None,
) -> Prepared:
    """Noise and encode a task run. Without `deduplicate` every condition has inputs, and so batches, of its own.

    `asking` makes the function with which conditions query the model about the examples. Raises Mismatch where the
    examples or candidates differ from the plan.
    """
    if identity_of(examples, corpus) != task_run.data:
        raise Mismatch(f"{task_run.label}: the data files changed while the run continued. Start it again.")
    examples = outside(examples, unsupported_labels(task_run.model.labels, task_run.task))
    ask = asking(examples) if asking else None
    pool = _Pool({}, [], [])
    variants: list[Variant] = []
    for condition in conditions:
        for seed in condition.seeds:
            group = 0 if deduplicate else len(variants) + 1
            variants.append(variant_of(examples, condition, seed, corpus, pool, group, ask))
    single = zip(predictor.prepare(pool.examples), pool.groups, strict=True)
    inputs = tuple(replace(input_, group=group) for input_, group in single)
    return Prepared(task_run, tuple(examples), tuple(variants), inputs, _tokens(task_run, variants, predictor), corpus)


@final
@dataclass(frozen=True, slots=True)
class _Pool:
    """The distinct inputs so far, and the group of each: 0 where equal inputs are merged."""

    indices: dict[Any, int]
    examples: list[Example]
    groups: list[int]

    def index_of(self, example: Example, group: int) -> int:
        """The index of an input; a new input is appended."""
        key = (group, example.id) if group else _content(example)
        if key not in self.indices:
            self.indices[key] = len(self.examples)
            self.examples.append(example)
            self.groups.append(group)
        return self.indices[key]


def variant_of(
    examples: Sequence[Example],
    condition: Condition,
    seed: int,
    corpus: Corpus | None,
    pool: _Pool | None = None,
    group: int = 0,
    ask: Ask | None = None,
) -> Variant:
    """The examples, and the candidates, under a condition and seed; their inputs are added to `pool`."""
    pool = pool or _Pool({}, [], [])
    shown, noised = perturb(examples, condition.spec, seed, ask) if condition.spec else _clean(examples)
    candidates: tuple[str, ...] = ()
    if corpus is not None:
        noised_candidates, candidates = noised_pool(corpus, condition, seed, _right(examples))
        noised |= noised_candidates
    return Variant(
        condition, seed, shown, noised, tuple(pool.index_of(example, group) for example in shown), candidates
    )


def _right(examples: Sequence[Example]) -> frozenset[str]:
    """The ids of the candidates that are right for some example."""
    return frozenset(id for example in examples for id in _ids(example, CANDIDATE))


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


def _clean(examples: Sequence[Example]) -> tuple[tuple[Example, ...], dict[str, Noised]]:
    """The examples unchanged."""
    texts = {text.id: text for example in examples for text in example.texts.values()}
    return tuple(examples), {name: _as_it_is(text) for name, text in texts.items()}


def _as_it_is(text: Text) -> Noised:
    return Noised(text, text, "unchanged", 0, {}, 0, 0, len(text.value.split()), 0)


def _content(example: Example) -> Any:
    """All that encoding reads: values and spans of every field, and the target."""
    return tuple((name, text.value, text.spans) for name, text in example.texts.items()), example.target


def _tokens(task_run: TaskRun, variants: Iterable[Variant], predictor: Predictor) -> dict[str, tuple[int, ...]]:
    texts = (text for variant in variants for noised in variant.noised.values() for text in (noised.clean, noised.text))
    return predictor.tokens(piece for text in texts for piece in pieces_of(text, task_run))


def pieces_of(text: Text, task_run: TaskRun) -> list[str]:
    """The pieces that are tokenised by themselves: the words of a tagged sentence, or the whole text."""
    return kind_of(task_run.task.family).pieces(text)
