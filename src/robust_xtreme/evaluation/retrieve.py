"""Retrieval in a task run: vectors of queries and candidates under every condition, and their nearest neighbours.

An unchanged text keeps its vector of the clean pass. Rankings contain the best TOP candidates; pairs
of sentences are mined over both sides, above a threshold tuned on clean validation data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, final

import numpy as np

from robust_xtreme.errors import Mismatch, NotFinite
from robust_xtreme.evaluation.plan import TaskRun
from robust_xtreme.evaluation.prepare import Prepared, Variant, variant_of
from robust_xtreme.evaluation.scoring import Ranked
from robust_xtreme.examples import Corpus, Document, Target
from robust_xtreme.models.checkpoint import Checkpoint
from robust_xtreme.predictors.batches import embed
from robust_xtreme.predictors.heads.retrieval import QUERY, text_windows
from robust_xtreme.results.bitext import NEIGHBOURS, Mined, Neighbours, best_threshold, extract, mine, without
from robust_xtreme.results.cache import Cache
from robust_xtreme.retrieval.embeddings import dtype_for, embedded, key_of
from robust_xtreme.retrieval.search import search
from robust_xtreme.sources.loading import Split
from robust_xtreme.specs import CANDIDATE

TOP: Final = 20
_CHUNK: Final = 4096

Array = np.ndarray[Any, Any]
Tell = Callable[[str], None]


@final
@dataclass(frozen=True, slots=True)
class Engine:
    """Computes, caches and searches the vectors of a task run.

    `watch` is called with the progress of a large pool. `known` contains the vectors of the task run by field and
    text; without `shared` each variant computes its vectors again.
    """

    checkpoint: Checkpoint
    task_run: TaskRun
    store: Cache | None
    settings: str
    batch_tokens: int
    device: str
    watch: Tell
    shared: bool = True
    known: dict[str, _Known] = field(default_factory=dict)

    def vectors(self, name: str, values: Sequence[str]) -> Array:
        """The vectors (n, D) of texts of a field; only those of new texts are computed."""
        known = self.known.setdefault(name, _Known()) if self.shared else _Known()
        new = tuple(value for value in dict.fromkeys(values) if value not in known.positions)
        if new:
            known.add(new, self._computed(name, new))
        return known.gathered(values)

    def _computed(self, name: str, values: Sequence[str]) -> Array:
        size = self.checkpoint.hidden_size

        def compute(start: int, stop: int) -> Array:
            if len(values) > _CHUNK:
                self.watch(f"{self.task_run.label}: {start:,} of {len(values):,} texts of {name} have vectors")
            return self._embed(name, values[start:stop])

        rows = self.task_run.candidates if name == CANDIDATE else self.task_run.rows
        key, dtype = key_of(self.settings, name, *values), dtype_for(rows, size)
        return embedded(self.store, key, len(values), size, dtype, compute, _CHUNK)

    def _embed(self, name: str, values: Sequence[str]) -> Array:
        task = self.task_run.task
        length = task.pool.max_length if name == CANDIDATE and task.pool else task.max_length
        texts = ((index, name, value) for index, value in enumerate(values))
        windows = text_windows(texts, self.checkpoint.tokenizer, length)
        return embed(self.checkpoint, windows, self.batch_tokens)

    def nearest(self, queries: Array, candidates: Array, k: int) -> Neighbours:
        """The nearest candidates of each query."""
        return search(queries.astype(np.float32), candidates, k, device=self.device)


@final
@dataclass(frozen=True, slots=True)
class _Known:
    """Vectors in parts, and the position of each text: part and row."""

    parts: list[Array] = field(default_factory=list)
    positions: dict[str, tuple[int, int]] = field(default_factory=dict)

    def add(self, values: Sequence[str], part: Array) -> None:
        self.positions.update({value: (len(self.parts), row) for row, value in enumerate(values)})
        self.parts.append(part)

    def gathered(self, values: Sequence[str]) -> Array:
        """The vectors in the order of the texts; a part with exactly these rows is not copied."""
        positions = np.array([self.positions[value] for value in values], dtype=np.int64).reshape(-1, 2)
        first = self.parts[int(positions[0, 0])]
        if (
            len(first) == len(values)
            and np.ptp(positions[:, 0]) == 0
            and (positions[:, 1] == np.arange(len(values))).all()
        ):
            return first
        rows = np.empty((len(values), first.shape[1]), dtype=first.dtype)
        for number in np.unique(positions[:, 0]):
            in_part = positions[:, 0] == number
            rows[in_part] = self.parts[int(number)][positions[in_part, 1]]
        return rows


@final
@dataclass(slots=True)  # filled variant by variant
class Retrieved:
    """The answers to the examples of each variant, by its key.

    `threshold` is tuned on clean validation data; None for tasks without one.
    """

    ranked: dict[tuple[str, int], Ranked] = field(default_factory=dict)
    threshold: float | None = None


def retrieved(engine: Engine, prepared: Prepared, tuned: Split | None) -> Retrieved:
    """Search for every variant. Answers are None where a vector of it, or of its candidates, is not finite."""
    result = Retrieved()
    for variant in prepared.variants:
        try:
            if tuned is None:
                result.ranked[variant.key] = Ranked(_ranking(engine, prepared, variant))
            else:
                result.ranked[variant.key] = _paired(engine, prepared, variant, tuned, result)
        except NotFinite:
            result.ranked[variant.key] = Ranked((None,) * len(variant.examples))
    return result


def _paired(engine: Engine, prepared: Prepared, variant: Variant, tuned: Split, result: Retrieved) -> Ranked:
    """The mined pairs of a variant, above the threshold of clean data and above the variant's."""
    mined = _mined(engine, variant, prepared.corpus)
    tuned_again = _threshold(engine, tuned, variant)
    result.threshold = tuned_again if result.threshold is None else result.threshold
    return Ranked(_pairs(prepared, mined, result.threshold), _pairs(prepared, mined, tuned_again))


def _queries(variant: Variant) -> list[str]:
    return [example.texts[QUERY].value for example in variant.examples]


def _ranking(engine: Engine, prepared: Prepared, variant: Variant) -> tuple[Target, ...]:
    """The ids of the best candidates for each query; equal texts keep the order of the pool."""
    ids = _ids(prepared)
    groups: dict[str, list[int]] = {}
    for index, value in enumerate(variant.pool):
        groups.setdefault(value, []).append(index)
    values = _queries(variant)
    distinct = list(dict.fromkeys(values))
    candidates = engine.vectors(CANDIDATE, tuple(groups))
    queries = engine.vectors(QUERY, distinct)
    near = engine.nearest(queries, candidates, TOP)
    pool_rows = list(groups.values())
    best = {
        value: Document(tuple(ids[candidate] for candidate in _expanded(row, pool_rows)))
        for value, row in zip(distinct, near.indices.tolist(), strict=True)
    }
    return tuple(best[value] for value in values)


def _expanded(row: Sequence[int], pool_rows: Sequence[Sequence[int]]) -> list[int]:
    return [index for number in row if number >= 0 for index in pool_rows[number]][:TOP]


def _ids(prepared: Prepared) -> tuple[str, ...]:
    if prepared.corpus is None:
        raise Mismatch(f"{prepared.task_run.label}: retrieval needs candidates.")
    return tuple(text.id for text in prepared.corpus.texts)


def _mined(engine: Engine, variant: Variant, corpus: Corpus | None) -> Mined:
    """The scored pairs of a variant, by the indices of query and candidate."""
    queries = engine.vectors(QUERY, _queries(variant))
    candidates = engine.vectors(CANDIDATE, variant.pool)
    forward, backward = (
        engine.nearest(queries, candidates, NEIGHBOURS),
        engine.nearest(candidates, queries, NEIGHBOURS),
    )
    unscored = corpus.unscored if corpus else frozenset()
    left = [index for index, example in enumerate(variant.examples) if example.texts[QUERY].id in unscored]
    right = [index for index, text in enumerate(corpus.texts if corpus else ()) if text.id in unscored]
    return without(mine(forward, backward), left, right)


def _threshold(engine: Engine, tuned: Split, variant: Variant) -> float:
    """The best threshold for the validation split under the variant's condition."""
    if tuned.corpus is None:
        raise Mismatch(f"{engine.task_run.label}: the validation split has no candidates.")
    other = variant_of(tuned.examples, variant.condition, variant.seed, tuned.corpus)
    candidate_rows = {text.id: index for index, text in enumerate(tuned.corpus.texts)}
    gold = {
        (row, candidate_rows[id])
        for row, example in enumerate(tuned.examples)
        if isinstance(example.target, Document)
        for id in example.target.ids
    }
    return best_threshold(_mined(engine, other, tuned.corpus), gold)


def _pairs(prepared: Prepared, mined: Mined, threshold: float) -> tuple[Target, ...]:
    """The candidate paired with each query, or none."""
    ids = _ids(prepared)
    partners: Mapping[int, int] = {int(query): int(candidate) for query, candidate in extract(mined, threshold)}
    return tuple(
        Document((ids[partners[query]],) if query in partners else ()) for query in range(len(prepared.examples))
    )
