"""Functions of the user that rank: each gets queries and a corpus, and its rankings are checked before they are scored.

Conditions with the same corpus ask for it together, so that an index is made once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

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


@dataclass(frozen=True, slots=True)
class SearchAnswers:
    """The predictor of a task whose candidates a function ranks."""

    function: Function
    task: TaskSpec
    weights_of: Callable[[], asking.Weights] = asking.nowhere
    can_move: bool = False
    unknown: int | None = None

    def prepare(self, contents: Contents) -> Inputs:
        """An input without windows for each query."""
        return inputs_of(contents, plain([]))

    def tokens(self, _: Iterable[str], __: Lexicon | None = None) -> None:
        """None: there is no tokenizer."""

    def moved(self, weights_of: Callable[[], asking.Weights]) -> SearchAnswers:
        """The same predictor, whose function is asked where the weights are."""
        return replace(self, weights_of=weights_of)

    def answer(self, inputs: Inputs, work: asking.Work) -> asking.Predicted:
        """The ranking of each query, from the cache or asked. Raises ModelError."""
        rows_by_corpus: dict[tuple[int, tuple[str, ...]], list[Array]] = {}
        for number, pool in enumerate(inputs.pools):
            rows = np.flatnonzero(inputs.pool == number)
            group = int(inputs.group[rows].max(initial=0))
            rows_by_corpus.setdefault((group, pool.values), []).append(rows)
        whole = [np.concatenate(several) for several in rows_by_corpus.values()]
        predicted = [self._ranked(inputs.take(rows), work) for rows in whole]
        order = np.argsort(np.concatenate(whole))
        targets = chained([each.targets for each in predicted]).take(order)
        cached = sum(each.cached for each in predicted)
        return asking.Predicted(targets, np.ones(len(inputs), np.bool_), cached=cached)

    def _ranked(self, inputs: Inputs, work: asking.Work) -> asking.Predicted:
        """The rankings of inputs with one corpus."""
        pool = inputs.pools[int(inputs.pool[0])]
        store = work.store
        if store is not None:
            store = replace(store, settings=f"{store.settings} corpus={digest(*pool.ids, *pool.values, size=16)}")
        compute = partial(self._computed, pool, work)
        return asking.from_cache(store, self.task.family, pool.ids, inputs, compute, work.advance).predicted

    def _computed(self, pool: Candidates, work: asking.Work, inputs: Inputs) -> tuple[Decoded, Array]:
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


def _predictor(model: Located, task: TaskSpec, _: asking.Load) -> SearchAnswers:
    assert model.origin.function
    return SearchAnswers(model.origin.function, task)


search_functions = asking.Making(
    name="search_functions",
    summary="A function of the user that ranks the candidates, in the process that has it.",
    serves=lambda model, _: model.origin.function is not None and model.origin.function.ranks,
    make=_predictor,
)
