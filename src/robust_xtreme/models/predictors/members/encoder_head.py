"""An encoder with a head, whose scores are decoded by the kind of task; and one whose vectors are searched, retrieval.

The nearest candidates of each query are searched under every condition, or the pairs of two sides. An unchanged text
keeps its vector of the clean pass. Rankings contain the best candidates, as many as the pool says; pairs of sentences
are mined over both sides, above a threshold tuned on clean validation data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np

from robust_xtreme.core import registry
from robust_xtreme.core.columns import Array, Choices, Names, TargetColumn, bounds_of, chained, column_of, gathered
from robust_xtreme.core.errors import Mismatch, NotFinite
from robust_xtreme.core.examples import CLASSIFICATION, Document, Example, kind_of
from robust_xtreme.core.specs import CANDIDATE, TaskSpec
from robust_xtreme.models.folder import Located
from robust_xtreme.models.predictors import predictor as asking
from robust_xtreme.models.predictors.cache import Store
from robust_xtreme.models.reading.members.labelled import multi_label
from robust_xtreme.models.reading.members.retrieval import QUERY, Prompts, text_windows
from robust_xtreme.models.reading.reading import (
    Candidates,
    Contents,
    Decoded,
    Inputs,
    Labels,
    Reader,
    Reduced,
    joined,
)
from robust_xtreme.models.reading.tokens import Called, Lexicon, tokenizer_from
from robust_xtreme.models.reading.windows import Windows, piece_windows, plain
from robust_xtreme.models.retrieval.embeddings import StoredVectors, cut, dtype_for, embedded, key_of
from robust_xtreme.stats.bitext import NEIGHBOURS, Mined, Neighbours, best_threshold, extract, mine, without

if TYPE_CHECKING:
    from robust_xtreme.models.predictors.family import Family


@dataclass(frozen=True, slots=True)
class EncoderHead:
    """The predictor of one task: a head on an encoder, whose windows and scores `reader` makes and decodes.

    `labels` are the head's; `relabel` is the task's index of each choice of the head, None where nothing is to be
    mapped. `prompts` stand before the texts of a search, whose vectors are compared `by_cosine` or by dot products.
    """

    task: TaskSpec
    reader: Reader
    labels: Labels = ()
    weights_of: Callable[[], asking.Weights] = asking.nowhere
    relabel: tuple[int, ...] | None = None
    prompts: Prompts = field(default_factory=Prompts)
    by_cosine: bool = True

    def prepare(self, contents: Contents) -> Inputs:
        """The windows of each content; in retrieval, those of the query."""
        return self.reader.prepare(contents)

    def answer(self, inputs: Inputs, work: asking.Work) -> asking.Predicted:
        """The decoded scores of the head, from the cache or computed; the model is loaded only to compute."""

        def compute(left: Inputs) -> tuple[Decoded, Array]:
            found = asking.decoded(self.weights_of, self.reader.reading, self.labels, left, work)
            return found, np.zeros(len(left), np.int64)

        return self._ordered(asking.from_cache(*self._store(work), inputs, compute, work.advance)).predicted

    def weigh(self, inputs: Inputs, weighing: asking.Weighing, work: asking.Work) -> asking.PredictedMargins:
        """The predictions, and how far each gold answer is ahead, of one pass or from the cache."""
        compute = partial(self._weighed, weighing, work)
        return self._ordered(asking.from_cache(*self._store(work), inputs, compute, weighing=weighing))

    def _ordered(self, given: asking.PredictedMargins) -> asking.PredictedMargins:
        targets = in_task_order(given.predicted.targets, self.relabel)
        return replace(given, predicted=replace(given.predicted, targets=targets))

    def _store(self, work: asking.Work) -> tuple[Store | None, str, Labels]:
        """The cache, if any, and what predictions may be; none for the code of another package, which can change."""
        is_own = self.reader.reading.decode.__module__.startswith("robust_xtreme.")
        return work.store if is_own else None, self.task.family, self.labels

    def _weighed(self, weighing: asking.Weighing, work: asking.Work, inputs: Inputs) -> tuple[Decoded, Array]:
        reading, meanings = self.reader.reading, self._meanings()

        def reduce(windows: Windows, scores: Array) -> tuple[Reduced, Reduced]:
            return reading.reduce(windows, scores, self.labels), weighing.part(windows, scores, meanings)

        several = asking.reduced(self.weights_of, reading, inputs, work, reduce)
        if several is None:
            return Decoded(column_of(()), np.ones(0, np.bool_)), np.zeros(0, np.int64)
        bounds, (answers, parts) = several
        decoded = reading.decode(inputs.contents, inputs.content, bounds, answers, self.labels)
        return decoded, weighing.margin(inputs.content, bounds, parts)

    def vectors(self, values: Sequence[str], work: asking.Work) -> Array:
        """The vectors of texts (n, D), each read by itself and whole: means of the encoder's last states."""
        windows = piece_windows(values, self.reader.tokenizer, self.reader.max_length)
        return asking.mean_vectors(self.weights_of(), windows, len(values), work.batch_tokens)

    def width(self, _: Sequence[str]) -> int:
        """The number of dimensions of a text's vector."""
        return self.weights_of().width

    def embedded(self, name: str, values: Sequence[str], work: asking.Work, lexicon: Lexicon | None) -> Array:
        """The vectors of texts of a field (n, D), float32, of length 1, each cut to the length of the field."""
        return asking.embed(self.weights_of(), self.windows(name, values, lexicon), work.batch_tokens)

    def windows(self, name: str, values: Sequence[str], lexicon: Lexicon | None = None) -> Windows:
        """A window of each text of a field, cut to the length of the field."""
        length = self.task.pool.max_length if name == CANDIDATE and self.task.pool else self.task.max_length
        return text_windows(self.prompts.before(name, values), self.reader.tokenizer, length, lexicon)

    def _meanings(self) -> Sequence[Any]:
        """What the scores of the head are of: choices of the task, or its labels."""
        indices = self.relabel or tuple(range(len(self.labels)))
        return indices if kind_of(self.task.family).indexed else self.labels

    def moved(self, weights_of: Callable[[], asking.Weights]) -> EncoderHead:
        """The same predictor with weights that are elsewhere."""
        return replace(self, weights_of=weights_of)

    @property
    def can_move(self) -> bool:
        """Whether its tokenizer and its code can be sent to another process."""
        return not isinstance(self.reader.tokenizer.backend, Called)

    @property
    def unknown(self) -> int | None:
        """The token id of what the vocabulary does not contain."""
        return self.reader.tokenizer.unknown

    def tokens(self, pieces: Iterable[str], lexicon: Lexicon | None = None) -> Lexicon:
        """The ids of pieces; each distinct piece is tokenised once."""
        return self.reader.tokens(pieces, lexicon)


def reader_of(family: Family, task: TaskSpec, tokenizer: Any) -> Reader:
    """What reads a task's contents for a family, with a tokenizer of transformers."""
    return Reader(family.reading, tokenizer_from(tokenizer, family.reading.offsets), task.max_length, task.stride)


def in_task_order(predictions: TargetColumn, relabel: tuple[int, ...] | None) -> TargetColumn:
    """Map the indices of predicted choices by `relabel`; return other predictions as they are."""
    if relabel is not None and isinstance(predictions, Choices):
        return Choices(np.array(relabel, np.int64)[predictions.index])
    return predictions


def head_of(model: Located, task: TaskSpec, load: asking.Load) -> EncoderHead:
    """The encoder and head of a model for a task."""
    from robust_xtreme.models.labels import relabel_of
    from robust_xtreme.models.predictors.loaded import Loaded
    from robust_xtreme.models.tokenizer import tokenizer_of

    reader = reader_of(registry.load("family", model.family), task, tokenizer_of(model))
    if model.origin.native and model.head:  # transformers' own heads learn words, and that there is no answer, so
        first = replace(reader.tokenizer, frame=replace(reader.tokenizer.frame, causal=False))
        reader = replace(reader, tokenizer=first)
        if model.family == CLASSIFICATION.name and model.config.get("problem_type") == "multi_label_classification":
            reader = replace(reader, reading=multi_label)
    prompts = model.prompts or Prompts()
    if prompts.query:  # what it takes of the length of a query
        room = reader.max_length - len(reader.tokens([prompts.query]).of(prompts.query))
        reader = replace(reader, max_length=room)
    return EncoderHead(
        task,
        reader,
        model.labels,
        lambda: Loaded(load()),
        relabel_of(model, task),
        prompts,
        by_cosine=model.sentence is None or model.sentence.cosine,
    )


encoder_head = asking.Making(
    name="encoder_head",
    summary="An encoder with a head.",
    serves=lambda model, task: bool(model.head) and task.pool is None,
    make=head_of,
    general=True,
)


_CHUNK: Final = 4096
_PRODUCTS: Final = 1 << 23
"""The most numbers of a part of similarities, and of the vectors of its candidates."""


@dataclass(frozen=True, slots=True)
class Retrieval:
    """The predictor of a task with a pool; `reader` encodes the queries and loads the encoder, or asks a function."""

    reader: asking.TextEncoder

    def prepare(self, contents: Contents) -> Inputs:
        """The windows of each query."""
        return self.reader.prepare(contents)

    def moved(self, weights_of: Callable[[], asking.Weights]) -> Retrieval:
        """The same predictor with weights that are elsewhere."""
        return Retrieval(cast("asking.TextEncoder", self.reader.moved(weights_of)))

    @property
    def can_move(self) -> bool:
        """Whether its tokenizer can be sent to another process."""
        return self.reader.can_move

    @property
    def unknown(self) -> int | None:
        """The token id of what the vocabulary does not contain."""
        return self.reader.unknown

    def tokens(self, pieces: Iterable[str], lexicon: Lexicon | None = None) -> Lexicon | None:
        """The ids of pieces."""
        return self.reader.tokens(pieces, lexicon)

    def vectors(self, values: Sequence[str], work: asking.Work) -> Array:
        """The vectors of texts (n, D), whatever represents queries and candidates."""
        return self.reader.vectors(values, work)

    def answer(self, inputs: Inputs, work: asking.Work) -> asking.Predicted:
        """The documents of each query; not finite where a vector of its condition, or of the pool, is not."""
        vectors = Vectors(self.reader, work, lexicon=inputs.lexicon)
        targets: list[TargetColumn] = []
        retuned: list[TargetColumn] = []
        finite: list[bool] = []
        threshold: float | None = None
        for searched in _searches(inputs):
            count = len(searched.queries)
            finite += [True] * count
            try:
                if searched.pool.tuning is None:
                    targets.append(_ranking(vectors, searched))
                else:
                    mined = _mined(vectors, searched)
                    tuned_again = _threshold(vectors, searched, *searched.pool.tuning)
                    threshold = tuned_again if threshold is None else threshold
                    targets.append(_pairs(searched, mined, threshold))
                    retuned.append(_pairs(searched, mined, tuned_again))
            except NotFinite:
                targets.append(_nothing(count))
                retuned.append(_nothing(count))
                finite[-count:] = [False] * count
            work.advance(count)
        again = None if threshold is None else chained(retuned)
        return asking.Predicted(chained(targets), np.array(finite, np.bool_), again, threshold)

    def weigh(self, inputs: Inputs, weighing: asking.Weighing, work: asking.Work) -> asking.PredictedMargins:
        """The documents of each query, and how far the best gold one is ahead. Raises Mismatch for mined pairs.

        The vectors of the pool are computed once for all calls with `weighing.pool`.
        """
        if any(pool.tuning for pool in inputs.pools):
            raise Mismatch("Pairs that are mined over both sides have no margin.")
        vectors = Vectors(self.reader, work, {CANDIDATE: weighing.pool})
        (searched,) = _searches(inputs)
        try:
            vectors.of(searched, CANDIDATE, tuple(_rows_of(searched.pool)))
        except NotFinite:
            return _lost(len(inputs))
        try:
            return _weighed(vectors, searched, inputs, weighing)
        except NotFinite:
            return _lost(1) if len(inputs) == 1 else _halves(self, inputs, weighing, work)


def _lost(count: int) -> asking.PredictedMargins:
    """Of queries whose similarities are not numbers."""
    nothing = np.zeros(count, np.int64)
    return asking.PredictedMargins(asking.Predicted(_nothing(count), nothing > 0), nothing)


def _nothing(count: int) -> TargetColumn:
    """Of queries without an answer."""
    return column_of([Document(())] * count)


def _halves(
    predictor: Retrieval, inputs: Inputs, weighing: asking.Weighing, work: asking.Work
) -> asking.PredictedMargins:
    """The answers where some vector is not finite: each half by itself, so that only its query has none."""
    several = [predictor.weigh(inputs.take(half), weighing, work) for half in np.array_split(np.arange(len(inputs)), 2)]
    targets = chained([each.predicted.targets for each in several])
    finite = np.concatenate([each.predicted.finite for each in several])
    return asking.PredictedMargins(asking.Predicted(targets, finite), np.concatenate([each.margin for each in several]))


def _weighed(vectors: Vectors, searched: _Search, inputs: Inputs, weighing: asking.Weighing) -> asking.PredictedMargins:
    """The documents and margins of the queries of a search, by their similarities to some of its texts at a time."""
    targets, by_text, meanings = _ranking(vectors, searched), _rows_of(searched.pool), _meanings(searched.pool)
    windows = replace(plain([()] * len(inputs)), example=inputs.content)
    queries = vectors.of(searched, QUERY, searched.queries).astype(np.float64)
    candidates = vectors.of(searched, CANDIDATE, tuple(by_text))
    size = max(1, _PRODUCTS // (len(queries) + candidates.shape[1]))
    parts = [
        weighing.part(windows, queries @ candidates[at : at + size].T.astype(np.float64), meanings[at : at + size])
        for at in range(0, len(candidates), size)
    ]
    by_query = np.arange(len(parts) * len(inputs)).reshape(len(parts), -1).T.reshape(-1)
    bounds = np.arange(len(inputs) + 1) * len(parts)
    margin = weighing.margin(inputs.content, bounds, joined(parts).take(by_query))
    return asking.PredictedMargins(asking.Predicted(targets, np.ones(len(inputs), np.bool_)), margin)


@dataclass(frozen=True, slots=True)
class _Search:
    """The texts of the queries and the candidates of one condition; a `group` above 0 shares no vectors with others.

    The type of vectors depends on the number of texts of each field, `rows`.
    """

    queries: Sequence[str]
    pool: Candidates
    group: int
    rows: Mapping[str, int]


def _searches(inputs: Inputs) -> Iterator[_Search]:
    """The searches of inputs, each with its pool. Raises Mismatch where an input has none."""
    values, pools = inputs.values(QUERY), inputs.pool
    if (pools < 0).any():
        raise Mismatch(f"{inputs.contents.ids[inputs.content[pools.argmin()]]}: retrieval needs candidates.")
    edges = [0, *(np.flatnonzero(np.diff(pools)) + 1).tolist(), len(pools)]
    for start, stop in pairwise(edges):
        pool = inputs.pools[int(pools[start])]
        rows = {QUERY: stop - start, CANDIDATE: len(pool.ids)}
        yield _Search(values[start:stop], pool, int(inputs.group[start]), rows)


@dataclass(frozen=True, slots=True)
class Vectors:
    """Computes and caches vectors; `known` contains those that conditions share, by field.

    `lexicon` has texts that are tokenised already. The cache has whole vectors.
    """

    encoder: asking.TextEncoder
    work: asking.Work
    known: dict[str, StoredVectors] = field(default_factory=dict)
    lexicon: Lexicon | None = None

    def of(self, searched: _Search, name: str, values: Sequence[str]) -> Array:
        """The vectors (n, D) of texts of a field; only those of new texts are computed."""
        known = StoredVectors() if searched.group else self.known.setdefault(name, StoredVectors())
        new = tuple(value for value in dict.fromkeys(values) if value not in known.positions)
        if new:
            known.add(new, cut(self._computed(name, new, searched), self.work.dims, self.encoder.by_cosine))
        return known.gathered(values)

    def _computed(self, name: str, values: Sequence[str], searched: _Search) -> Array:
        store, whole = self.work.store, self.work.whole
        size = next((each.shape[1] for each in whole.values()), None) or self.encoder.width(values)

        def compute(start: int, stop: int) -> Array:
            if len(values) > _CHUNK:
                self.work.watch(f"{start:,} of {len(values):,} texts of {name} have vectors")
            return self.encoder.embedded(name, values[start:stop], self.work, self.lexicon)

        key, dtype = key_of(store.settings if store else "", name, *values), dtype_for(searched.rows[name], size)
        same = key, searched.group, self.work.batch_tokens
        if same not in whole:
            whole[same] = embedded(store.cache if store else None, key, (len(values), size), dtype, compute, _CHUNK)
        return whole[same]

    def nearest(self, queries: Array, candidates: Array, k: int) -> Neighbours:
        """The k nearest candidates of each query."""
        return self.encoder.weights_of().nearest(queries, candidates, k)


def _ranking(vectors: Vectors, searched: _Search) -> Names:
    """The ids of the best candidates for each query; equal texts keep the order of the pool."""
    rows = _rows_of(searched.pool)
    numbers = {value: number for number, value in enumerate(dict.fromkeys(searched.queries))}
    candidates = vectors.of(searched, CANDIDATE, tuple(rows))
    near = vectors.nearest(vectors.of(searched, QUERY, tuple(numbers)), candidates, searched.pool.depth)
    ranked = _documents(near.indices, tuple(rows.values()), searched.pool)
    return ranked.take(np.array([numbers[value] for value in searched.queries], np.int64))


def _documents(indices: Array, rows: Sequence[Sequence[int]], pool: Candidates) -> Names:
    """The first ids of the texts at `indices` (q, k) for each query, below 0 of none; `rows` are those of texts."""
    ids, depth = pool.ids, pool.depth
    known = indices >= 0
    positions, ends = gathered(bounds_of(np.fromiter(map(len, rows), np.int64, len(rows))), indices[known])
    bounds = ends[bounds_of(known.sum(axis=1))]
    first = np.flatnonzero(np.arange(len(positions)) - np.repeat(bounds[:-1], np.diff(bounds)) < depth)
    codes = np.fromiter(chain.from_iterable(rows), np.int64, sum(map(len, rows)))[positions[first]]
    used = np.zeros(len(ids), np.bool_)
    used[codes] = True
    names = tuple(ids[row] for row in np.flatnonzero(used).tolist())
    numbered = (np.cumsum(used) - 1)[codes].astype(np.int32)
    return Names(Document, names, numbered, bounds_of(np.minimum(np.diff(bounds), depth)))


def _rows_of(pool: Candidates) -> dict[str, list[int]]:
    """The rows of each distinct text of a pool, in order."""
    rows: dict[str, list[int]] = {}
    for index, value in enumerate(pool.values):
        rows.setdefault(value, []).append(index)
    return rows


def _meanings(pool: Candidates) -> list[tuple[str, ...]]:
    """The ids of each distinct text of a pool."""
    return [tuple(pool.ids[row] for row in rows) for rows in _rows_of(pool).values()]


def _mined(vectors: Vectors, searched: _Search) -> Mined:
    """The scored pairs, by the indices of query and candidate."""
    pool, queries = searched.pool, vectors.of(searched, QUERY, searched.queries)
    candidates = vectors.of(searched, CANDIDATE, pool.values)
    forward = vectors.nearest(queries, candidates, NEIGHBOURS)
    backward = vectors.nearest(candidates, queries, NEIGHBOURS)
    left = [index for index, id in enumerate(pool.queries) if id in pool.unscored]
    right = [index for index, id in enumerate(pool.ids) if id in pool.unscored]
    return without(mine(forward, backward), left, right)


def _threshold(vectors: Vectors, searched: _Search, examples: Sequence[Example], pool: Candidates) -> float:
    """The best threshold for validation data under the condition of a search."""
    candidate_rows = {id: index for index, id in enumerate(pool.ids)}
    gold = [
        (row, candidate_rows[id])
        for row, example in enumerate(examples)
        if isinstance(example.target, Document)
        for id in example.target.ids
    ]
    queries = [example.texts[QUERY].value for example in examples]
    return best_threshold(_mined(vectors, replace(searched, queries=queries, pool=pool)), gold)


def _pairs(searched: _Search, mined: Mined, threshold: float) -> TargetColumn:
    """The candidate paired with each query, or none."""
    partners: dict[int, int] = dict(extract(mined, threshold).tolist())
    rows, ids = range(len(searched.queries)), searched.pool.ids
    return column_of([Document((ids[partners[row]],) if row in partners else ()) for row in rows])


retrieval = asking.Making(
    name="retrieval",
    summary="The nearest candidates of a pool, by the vectors of a head or of a representation of the encoder.",
    serves=lambda _, task: task.pool is not None,
    make=lambda model, task, load: Retrieval(head_of(model, task, load)),
    general=True,
)
