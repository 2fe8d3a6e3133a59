"""Retrieval over a unit: vectors of queries and candidates under every condition, and what is found with them.

A text that is unchanged keeps the vector that it has in the clean pass. Rankings contain the best TOP candidates; pairs
of sentences are mined over both sides, above a threshold that clean validation data give.
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
    """A model at work on a unit: where vectors are kept, what they depend on, how they are computed and searched.

    `watch` is called with the progress of a large pool. `known` contains the vectors of this unit by field and text;
    without `shared` no variant takes another's.
    """

    checkpoint: Checkpoint
    unit: TaskRun
    store: Cache | None
    settings: str
    batch_tokens: int
    device: str
    watch: Tell
    shared: bool = True
    known: dict[str, _Known] = field(default_factory=dict)

    def vectors(self, name: str, values: Sequence[str]) -> Array:
        """The vectors (n, D) of texts of a field; those that have one keep it."""
        known = self.known.setdefault(name, _Known()) if self.shared else _Known()
        new = tuple(value for value in dict.fromkeys(values) if value not in known.places)
        if new:
            known.add(new, self._computed(name, new))
        return known.gathered(values)

    def _computed(self, name: str, values: Sequence[str]) -> Array:
        size = self.checkpoint.hidden_size

        def compute(start: int, stop: int) -> Array:
            if len(values) > _CHUNK:
                self.watch(f"{self.unit.label}: {start:,} of {len(values):,} texts of {name} have vectors")
            return self._embed(name, values[start:stop])

        rows = self.unit.candidates if name == CANDIDATE else self.unit.rows
        key, dtype = key_of(self.settings, name, *values), dtype_for(rows, size)
        return embedded(self.store, key, len(values), size, dtype, compute, _CHUNK)

    def _embed(self, name: str, values: Sequence[str]) -> Array:
        task = self.unit.task
        length = task.pool.max_length if name == CANDIDATE and task.pool else task.max_length
        texts = ((place, name, value) for place, value in enumerate(values))
        windows = text_windows(texts, self.checkpoint.tokenizer, length)
        return embed(self.checkpoint, windows, self.batch_tokens)

    def found(self, queries: Array, candidates: Array, k: int) -> Neighbours:
        """The nearest candidates of each query."""
        return search(queries.astype(np.float32), candidates, k, device=self.device)


@final
@dataclass(frozen=True, slots=True)
class _Known:
    """Vectors in parts, and where each text's is: its part, and its row there."""

    parts: list[Array] = field(default_factory=list)
    places: dict[str, tuple[int, int]] = field(default_factory=dict)

    def add(self, values: Sequence[str], part: Array) -> None:
        self.places.update({value: (len(self.parts), row) for row, value in enumerate(values)})
        self.parts.append(part)

    def gathered(self, values: Sequence[str]) -> Array:
        """The vectors in the order of the texts; a part that is just these is not copied."""
        places = np.array([self.places[value] for value in values], dtype=np.int64).reshape(-1, 2)
        first = self.parts[int(places[0, 0])]
        if len(first) == len(values) and np.ptp(places[:, 0]) == 0 and (places[:, 1] == np.arange(len(values))).all():
            return first
        rows = np.empty((len(values), first.shape[1]), dtype=first.dtype)
        for number in np.unique(places[:, 0]):
            own = places[:, 0] == number
            rows[own] = self.parts[int(number)][places[own, 1]]
        return rows


@final
@dataclass(slots=True)  # filled variant by variant
class Retrieved:
    """What is found for the examples of each variant, by its key.

    `threshold` is that of clean validation data, where one is tuned.
    """

    ranked: dict[tuple[str, int], Ranked] = field(default_factory=dict)
    threshold: float | None = None


def retrieved(engine: Engine, prepared: Prepared, tuned: Split | None) -> Retrieved:
    """Search for every variant. Answers are None where a vector of it, or of its candidates, is not finite."""
    found = Retrieved()
    for variant in prepared.variants:
        try:
            if tuned is None:
                found.ranked[variant.key] = Ranked(_ranking(engine, prepared, variant))
            else:
                found.ranked[variant.key] = _paired(engine, prepared, variant, tuned, found)
        except NotFinite:
            found.ranked[variant.key] = Ranked((None,) * len(variant.examples))
    return found


def _paired(engine: Engine, prepared: Prepared, variant: Variant, tuned: Split, found: Retrieved) -> Ranked:
    """The mined pairs of a variant, above the threshold of clean data and above its own."""
    mined = _mined(engine, variant, prepared.corpus)
    anew = _threshold(engine, tuned, variant)
    found.threshold = anew if found.threshold is None else found.threshold
    return Ranked(_pairs(prepared, mined, found.threshold), _pairs(prepared, mined, anew))


def _queries(variant: Variant) -> list[str]:
    return [example.texts[QUERY].value for example in variant.examples]


def _ranking(engine: Engine, prepared: Prepared, variant: Variant) -> tuple[Target, ...]:
    """The ids of the best candidates for each query; equal texts of the pool are in its order."""
    ids = _ids(prepared)
    groups: dict[str, list[int]] = {}
    for place, value in enumerate(variant.pool):
        groups.setdefault(value, []).append(place)
    values = _queries(variant)
    distinct = list(dict.fromkeys(values))
    candidates = engine.vectors(CANDIDATE, tuple(groups))
    queries = engine.vectors(QUERY, distinct)
    near = engine.found(queries, candidates, TOP)
    places = list(groups.values())
    best = {
        value: Document(tuple(ids[one] for one in _expanded(row, places)))
        for value, row in zip(distinct, near.indices.tolist(), strict=True)
    }
    return tuple(best[value] for value in values)


def _expanded(row: Sequence[int], places: Sequence[Sequence[int]]) -> list[int]:
    return [place for one in row if one >= 0 for place in places[one]][:TOP]


def _ids(prepared: Prepared) -> tuple[str, ...]:
    if prepared.corpus is None:
        raise Mismatch(f"{prepared.unit.label}: retrieval needs candidates.")
    return tuple(text.id for text in prepared.corpus.texts)


def _mined(engine: Engine, variant: Variant, corpus: Corpus | None) -> Mined:
    """The pairs of a variant that count, by the places of query and candidate."""
    queries = engine.vectors(QUERY, _queries(variant))
    candidates = engine.vectors(CANDIDATE, variant.pool)
    forward, backward = (
        engine.found(queries, candidates, NEIGHBOURS),
        engine.found(candidates, queries, NEIGHBOURS),
    )
    unscored = corpus.unscored if corpus else frozenset()
    left = [place for place, one in enumerate(variant.examples) if one.texts[QUERY].id in unscored]
    right = [place for place, text in enumerate(corpus.texts if corpus else ()) if text.id in unscored]
    return without(mine(forward, backward), left, right)


def _threshold(engine: Engine, tuned: Split, variant: Variant) -> float:
    """The threshold that serves the validation split best under the variant's condition."""
    if tuned.corpus is None:
        raise Mismatch(f"{engine.unit.label}: the validation split has no candidates.")
    other = variant_of(tuned.examples, variant.condition, variant.seed, tuned.corpus)
    places = {text.id: place for place, text in enumerate(tuned.corpus.texts)}
    gold = {
        (row, places[id])
        for row, one in enumerate(tuned.examples)
        if isinstance(one.target, Document)
        for id in one.target.ids
    }
    return best_threshold(_mined(engine, other, tuned.corpus), gold)


def _pairs(prepared: Prepared, mined: Mined, threshold: float) -> tuple[Target, ...]:
    """For each query the candidate that it is paired with, or none."""
    ids = _ids(prepared)
    partners: Mapping[int, int] = {int(query): int(one) for query, one in extract(mined, threshold)}
    return tuple(
        Document((ids[partners[place]],) if place in partners else ()) for place in range(len(prepared.examples))
    )
