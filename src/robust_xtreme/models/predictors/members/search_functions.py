"""Functions of the user that rank: by queries and a corpus, or what another model found, by pairs of two texts.

Conditions with the same corpus ask for it together, so that an index is made once. What a function gives is checked.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, cast

import numpy as np

from robust_xtreme.core.columns import Array, chained, column_of
from robust_xtreme.core.errors import ModelError, shown
from robust_xtreme.core.examples import Document, digest
from robust_xtreme.core.specs import TaskSpec
from robust_xtreme.models.folder import Located
from robust_xtreme.models.functions import Function, is_ordered
from robust_xtreme.models.predictors import predictor as asking
from robust_xtreme.models.reading.members.retrieval import QUERY
from robust_xtreme.models.reading.reading import Candidates, Contents, Decoded, Inputs, inputs_of
from robust_xtreme.models.reading.tokens import Lexicon
from robust_xtreme.models.reading.windows import plain
from robust_xtreme.stats.components import first_seen

_TOGETHER: Final = 64
"""Queries whose pairs are scored together, so that batches are full."""


@dataclass(frozen=True, slots=True)
class SearchAnswers:
    """The predictor of a task whose candidates a function ranks, or those that the predictor `first` found."""

    function: Function
    task: TaskSpec
    first: asking.Movable | None = None
    weights_of: Callable[[], asking.Weights] = asking.nowhere
    can_move: bool = False
    unknown: int | None = None

    def prepare(self, contents: Contents) -> Inputs:
        """The inputs of the first predictor; without one, an input without windows for each query."""
        return self.first.prepare(contents) if self.first else inputs_of(contents, plain([]))

    def tokens(self, pieces: Iterable[str], lexicon: Lexicon | None = None) -> Lexicon | None:
        """The tokens of the first predictor; without one, None."""
        return self.first.tokens(pieces, lexicon) if self.first else None

    def moved(self, weights_of: Callable[[], asking.Weights]) -> SearchAnswers:
        """The same predictor, whose function is asked where the weights are."""
        first = cast("asking.Movable", self.first.moved(weights_of)) if self.first else None
        return replace(self, weights_of=weights_of, first=first)

    def answer(self, inputs: Inputs, work: asking.Work) -> asking.Predicted:
        """The ranking of each query, from the cache or asked. Raises ModelError."""
        rows_by_corpus: dict[tuple[int, tuple[str, ...]], list[Array]] = {}
        for number in np.unique(inputs.pool).tolist():
            rows = np.flatnonzero(inputs.pool == number)
            key = int(inputs.group[rows[0]]), inputs.pools[number].values
            rows_by_corpus.setdefault(key, []).append(rows)
        whole = [np.concatenate(several) for several in rows_by_corpus.values()]
        predicted = [self._ranked(inputs.take(rows), work) for rows in whole]
        order = np.argsort(np.concatenate(whole))
        targets = chained([each.targets for each in predicted]).take(order)
        finite = np.concatenate([each.finite for each in predicted])[order]
        return asking.Predicted(targets, finite, cached=sum(each.cached for each in predicted))

    def _ranked(self, inputs: Inputs, work: asking.Work) -> asking.Predicted:
        """The rankings of inputs with one corpus."""
        pool = inputs.pools[int(inputs.pool[0])]
        store = work.store
        if store is not None:
            corpus = digest(*pool.ids, *pool.values, size=16)
            reranked = f"rerank={self.function.identity} dims={work.dims}" if self.first else ""
            store = replace(store, settings=f"{store.settings} corpus={corpus} depth={pool.depth} {reranked}")
        compute = partial(self._reranked if self.first else self._searched, pool, work)
        return asking.from_cache(store, self.task.family, pool.ids, inputs, compute, work.advance).predicted

    def _searched(self, pool: Candidates, work: asking.Work, inputs: Inputs) -> tuple[Decoded, Array]:
        """The function's rankings of inputs; equal queries are asked once. There are no margins."""
        values = inputs.values(QUERY)
        queries, corpus = list(dict.fromkeys(values)), dict(zip(pool.ids, pool.values, strict=True))
        known, size = frozenset(pool.ids), self.function.batch_size
        rankings: dict[str, Document] = {}
        for start in range(0, len(queries), size):
            work.watch(f"{start:,} of {len(queries):,} queries of {len(corpus):,} candidates are answered")
            batch = queries[start : start + size]
            where: Any = self.weights_of()  # in the process of the function, where the weights of others would be
            results = where.call(partial(self.function.results, batch, corpus))
            with self.function.raising_one_line():  # a result can be a generator or an object of the user
                for query, result in zip(batch, results, strict=True):
                    rankings[query] = Document(self._ids(query, result, known)[: pool.depth])
        work.advance(len(inputs))
        targets = column_of([rankings[value] for value in values])
        return Decoded(targets, np.ones(len(values), np.bool_)), np.zeros(len(values), np.int64)

    def _reranked(self, pool: Candidates, work: asking.Work, inputs: Inputs) -> tuple[Decoded, Array]:
        """What the first predictor found for inputs, by the function's scores; of equal ones its order stays."""
        assert self.first
        if not len(inputs):
            return Decoded(column_of(()), np.ones(0, np.bool_)), np.zeros(0, np.int64)
        numbers, firsts = first_seen(np.array(inputs.values(QUERY), object))
        distinct = inputs.take(firsts)
        found = self.first.answer(distinct, replace(work, advance=lambda _: None))
        values, depth = dict(zip(pool.ids, pool.values, strict=True)), self.function.depth or pool.depth
        queries, rankings = distinct.values(QUERY), list[Document]()
        for start in range(0, len(queries), _TOGETHER):
            work.watch(f"{start:,} of {len(queries):,} queries are reranked")
            block = range(start, min(start + _TOGETHER, len(queries)))
            several = [cast("Document", found.targets[at]).ids[:depth] for at in block]
            pairs = [(queries[at], values[id]) for at, ids in zip(block, several, strict=True) for id in ids]
            of_queries = np.split(-self._scores(pairs), np.cumsum([len(ids) for ids in several])[:-1])
            orders = (np.argsort(each, kind="stable").tolist() for each in of_queries)
            rankings += [Document(tuple(ids[at] for at in order)) for ids, order in zip(several, orders, strict=True)]
        work.advance(len(inputs))
        return Decoded(column_of(rankings).take(numbers), found.finite[numbers]), np.zeros(len(inputs), np.int64)

    def _scores(self, pairs: Sequence[tuple[str, str]]) -> Array:
        """The function's score of each pair (p,) float64. Raises ModelError where one is not a finite number."""
        scores: list[float] = []
        for start in range(0, len(pairs), self.function.batch_size):
            batch = pairs[start : start + self.function.batch_size]
            where: Any = self.weights_of()
            results = where.call(partial(self.function.results, batch))
            with self.function.raising_one_line():
                scores += [self._score(pair, result) for pair, result in zip(batch, results, strict=True)]
        return np.array(scores, np.float64)

    def _score(self, pair: tuple[str, str], result: Any) -> float:
        is_number = np.ndim(result) == 0 and not isinstance(result, (str, bytes, np.ma.MaskedArray))
        try:
            score = float(result) if is_number else math.nan
        except (TypeError, ValueError, RuntimeError):
            score = math.nan
        if not math.isfinite(score):
            raise ModelError(
                f"{self.task.name}: {self.function.name} gave {shown(result)} for {shown(pair)}, which is not a finite "
                "number."
            )
        return score

    def _ids(self, query: str, result: Any, known: frozenset[str]) -> tuple[str, ...]:
        """The ids of a ranking. Raises ModelError where one is not in the corpus, or is there twice."""
        named = f"{self.task.name}: {self.function.name} gave"
        if not is_ordered(result):
            raise ModelError(f"{named} {shown(result)} for {shown(query)}, which is not a list of ids, the best first.")
        ids = list(result)
        if unknown := [id for id in ids if not isinstance(id, str) or id not in known]:
            raise ModelError(f"{named} {shown(unknown[0])} for {shown(query)}, which is not the id of a candidate.")
        if len(ids) > len({*ids}):
            repeated, _ = Counter(ids).most_common(1)[0]
            raise ModelError(f"{named} the id {shown(repeated)} twice for {shown(query)}.")
        return tuple(map(str, ids))


def _predictor(model: Located, task: TaskSpec, load: asking.Load) -> SearchAnswers:
    if model.reranker is None:
        assert model.origin.function
        return SearchAnswers(model.origin.function, task)
    first = cast("asking.Movable", asking.predictor_of(replace(model, reranker=None), task, load))
    return SearchAnswers(model.reranker, task, first, unknown=first.unknown)


search_functions = asking.Making(
    name="search_functions",
    summary="A function of the user that ranks the candidates, or what another model found, in its process.",
    serves=lambda model, _: bool(model.reranker or (model.origin.function and model.origin.function.ranks)),
    make=_predictor,
)
