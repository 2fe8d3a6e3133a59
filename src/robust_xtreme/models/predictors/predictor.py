"""Predictors: the interface through which a model answers the examples of a task, and its batches of windows."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NoReturn, Protocol, runtime_checkable

import numpy as np

from robust_xtreme.core import registry
from robust_xtreme.core.columns import Array, TargetColumn, chained, column_of, gathered
from robust_xtreme.core.errors import ModelError
from robust_xtreme.core.examples import Target
from robust_xtreme.core.specs import TaskSpec
from robust_xtreme.models.folder import Located
from robust_xtreme.models.predictors.cache import Store
from robust_xtreme.models.reading.reading import Contents, Decoded, Inputs, Labels, Reading, Reduced, joined
from robust_xtreme.models.reading.tokens import Lexicon
from robust_xtreme.models.reading.windows import Batches, Windows, in_batches, of_examples
from robust_xtreme.models.retrieval.embeddings import StoredVectors, unit_rows
from robust_xtreme.stats.bitext import Neighbours

if TYPE_CHECKING:
    from robust_xtreme.models.loading import Checkpoint

Load = Callable[[], "Checkpoint"]
"""Loads the model of a task, or returns the loaded model."""


def _nothing(_: Any) -> None:
    """The default of a callback."""


@dataclass(frozen=True, slots=True)
class Work:
    """How inputs are answered: the tokens of a batch, and the cache, if any.

    `advance` is called with the number of inputs that each step completes, `watch` with the progress of a long step.
    `dims` are the dimensions that are kept of vectors (0: all); `whole` has the whole ones, once computed.
    """

    batch_tokens: int
    advance: Callable[[int], None] = _nothing
    watch: Callable[[str], None] = _nothing
    store: Store | None = None
    dims: int = 0
    whole: dict[tuple[str, int, int], Array] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Predicted:
    """The prediction of each input (n), in the task's order of labels; `finite` (n,) bool: its scores are numbers.

    Where a task has a threshold, tuned on clean data, `retuned` has the predictions with that of each input's own
    condition. `cached` counts the predictions that the cache had. `score` (n,) float64 is the probability of each
    prediction; None where the model gives none.
    """

    targets: TargetColumn
    finite: Array
    retuned: TargetColumn | None = None
    threshold: float | None = None
    cached: int = 0
    score: Array | None = None

    def answer(self, index: int) -> Target | None:
        """The prediction of one input; None where its scores are not finite."""
        return self.targets[index] if self.finite[index] else None


@dataclass(frozen=True, slots=True, eq=False)
class Weighing:
    """What is asked of the scores of m contents besides the predictions: how far each gold answer is ahead.

    `part(windows, scores, meanings)` keeps what that needs of the scores (B, ...) of windows of one batch; `meanings`
    are those of their last axis, choices of the task or names of tags. `margin(content, bounds, parts)` gives the
    margins (n,) int64 of inputs, of which input i reads content `content[i]` in the windows `bounds[i]:bounds[i + 1]`
    of `parts`. A margin in the cache depends on `golds` (m), the gold answers as text, and on `settings`; where these
    are empty, the cache keeps none.
    `pool` has the vectors of a search's candidates, once they are computed; further calls have the same.
    """

    part: Callable[[Windows, Array, Sequence[Any]], Reduced]
    margin: Callable[[Array, Array, Reduced], Array]
    golds: Sequence[str]
    settings: str = ""
    pool: StoredVectors = field(default_factory=StoredVectors)


@dataclass(frozen=True, slots=True, eq=False)
class PredictedMargins:
    """Predictions, and the margin (n,) int64 of the gold answer of each input."""

    predicted: Predicted
    margin: Array


def from_cache(
    store: Store | None,
    family: str,
    labels: Labels,
    inputs: Inputs,
    compute: Callable[[Inputs], tuple[Decoded, Array]],
    advance: Callable[[int], None] = _nothing,
    weighing: Weighing | None = None,
) -> PredictedMargins:
    """What the cache, if any, has of inputs, and `compute` gives of others; margins count with a `weighing`.

    `family` and `labels` say which predictions are possible; the cache's others are computed.
    """
    if store is None or (weighing and not weighing.settings):
        computed, margin = compute(inputs)
        return PredictedMargins(Predicted(computed.targets, computed.finite, score=computed.score), margin)
    keys, beside = store.keys(inputs), store.margin_keys(inputs, weighing.settings, weighing.golds) if weighing else []
    known, cached, scored = store.known(keys, inputs, family, labels)
    margins = np.zeros(len(known), np.int64)
    if weighing:
        there, weighed = store.known_margins(beside)
        known, rows, columns = np.intersect1d(known, there, assume_unique=True, return_indices=True)
        cached, scored, margins = cached.take(rows), scored[rows], weighed[columns]
    advance(len(known))
    missing = np.setdiff1d(np.arange(len(inputs)), known, assume_unique=True)
    computed, margin = compute(inputs.take(missing))
    store.keep([keys[index] for index in missing.tolist()], computed)
    if weighing:
        store.keep_margins([beside[index] for index in missing.tolist()], computed.finite, margin)
    order = np.argsort(np.concatenate((known, missing)))
    finite = np.concatenate((np.ones(len(known), np.bool_), computed.finite))[order]
    given = np.full(len(missing), np.nan) if computed.score is None else computed.score
    score = np.concatenate((scored, given))[order]
    targets = chained((cached, computed.targets)).take(order)
    whole = Predicted(targets, finite, cached=len(known), score=None if np.isnan(score).all() else score)
    return PredictedMargins(whole, np.concatenate((margins, margin))[order])


class Predictor(Protocol):
    """A model that answers a task. Only `answer` needs its weights, so that examples are prepared meanwhile."""

    def prepare(self, contents: Contents, /) -> Inputs:
        """An input for each content, in order, without group and pool."""

    def answer(self, inputs: Inputs, work: Work, /) -> Predicted:
        """The predictions of the inputs. Raises torch.OutOfMemoryError; it is called again with smaller batches."""

    @property
    def unknown(self) -> int | None:
        """The token id of what the vocabulary does not contain; None where the tokenizer has none."""

    def tokens(self, pieces: Iterable[str], lexicon: Lexicon | None = None, /) -> Lexicon | None:
        """Pieces of text as tokens, unless the model has none; `lexicon` is that of inputs, whose texts are known."""


class Weights(Protocol):
    """The weights of a model as predictors use them, in this process or in another one."""

    @property
    def width(self) -> int:
        """The number of dimensions of a text's vector."""

    def scores(self, batches: Batches, done: Sequence[int], advance: Callable[[int], None], /) -> Iterable[Array]:
        """The scores of the windows of each batch, float32, in order; a batch completes `done` inputs."""

    def means(self, batches: Batches, /) -> Iterable[Array]:
        """The mean of the encoder's last states over the tokens of each window of each batch (B, H), float32."""

    def nearest(self, queries: Array, candidates: Array, k: int, /) -> Neighbours:
        """The k nearest candidates of each query, by their vectors (n, D) and (m, D)."""


def nowhere() -> NoReturn:
    """Weights that nobody may ask for."""
    raise AssertionError("this predictor only prepares")


@runtime_checkable
class Movable(Predictor, Protocol):
    """A predictor that works without weights in its process."""

    def moved(self, weights_of: Callable[[], Weights], /) -> Predictor:
        """The same predictor with weights that are elsewhere."""

    @property
    def can_move(self) -> bool:
        """Whether it can be sent to another process."""


@runtime_checkable
class Weighable(Predictor, Protocol):
    """A predictor that knows how far its answers are from others."""

    def weigh(self, inputs: Inputs, weighing: Weighing, work: Work, /) -> PredictedMargins:
        """The predictions of the inputs, as `answer` gives them, and the margins of their gold answers."""


@runtime_checkable
class Embedding(Predictor, Protocol):
    """A predictor that has vectors of texts."""

    def vectors(self, values: Sequence[str], work: Work, /) -> Array:
        """The vectors (n, D) of one or more texts, of length 1; NaN where they are not numbers."""


class TextEncoder(Movable, Embedding, Protocol):
    """What a search takes vectors from."""

    @property
    def weights_of(self) -> Callable[[], Weights]:
        """Gives the weights."""

    @property
    def by_cosine(self) -> bool:
        """Whether vectors are compared by cosines, else by dot products."""

    def width(self, values: Sequence[str], /) -> int:
        """The number of dimensions of the vectors of texts."""

    def embedded(self, name: str, values: Sequence[str], work: Work, lexicon: Lexicon | None, /) -> Array:
        """The vectors (n, D) of texts of a field, float32, of length 1; `lexicon` has texts that are tokenised."""


@dataclass(frozen=True, slots=True)
class Making:
    """Which tasks a predictor answers with which models, a `general` one where no other does, and its constructor."""

    name: str
    summary: str
    serves: Callable[[Located, TaskSpec], bool]
    make: Callable[[Located, TaskSpec, Load], Predictor]
    general: bool = False


def predictor_of(model: Located, task: TaskSpec, load: Load) -> Predictor:
    """The predictor that answers a task with a model. Raises ModelError where none does."""
    several: list[Making] = [registry.load("predictor", name) for name in registry.names("predictor")]
    for making in sorted(several, key=lambda making: making.general):
        if making.serves(model, task):
            return making.make(model, task, load)
    known = ", ".join(making.name for making in several) or "none"
    raise ModelError(f"No predictor answers {task.name} with {model.name}. There are {known}.")


# From encoded inputs to decoded predictions: batches by length and token budget, one pass over all conditions.
#
# The batches are a pure function of the inputs and the budget. Of a window's scores only what its prediction needs is
# kept after its batch.

BATCH_TOKENS: Final = {"cpu": 4096, "cuda": 32768}
"""Tokens of a batch, padding included, by default."""


def plan_batches(lengths: Array, bounds: Array, group: Array, batch_tokens: int) -> list[Array]:
    """Batches of windows: longest inputs first, the windows of an input consecutively, padded size within the budget.

    `lengths` (w,) are the windows' tokens; those of input i are `bounds[i]:bounds[i + 1]`, and `group` (n,) are the
    inputs' groups, which share no batch. A batch is numbers of windows. A window longer than the budget is a batch by
    itself.
    """
    full = np.flatnonzero(np.diff(bounds) > 0)
    if not len(full):
        return []
    longest = np.maximum.reduceat(lengths, bounds[:-1][full])
    order = full[np.lexsort((-longest, group[full]))]
    windows, after = gathered(bounds, order)
    ordered = lengths[windows]
    ends = after[1:][np.append(np.diff(group[order]) != 0, True)].tolist()
    batches, start = list[Array](), 0
    for end in ends:
        while start < end:
            stop = start + _fitting(ordered[start:end], batch_tokens)
            batches.append(windows[start:stop])
            start = stop
    return batches


def _fitting(lengths: Array, batch_tokens: int) -> int:
    """How many windows, from the first on, fit into a batch; at least one."""
    most = max(1, batch_tokens // max(1, int(lengths[0])))
    padded = np.maximum.accumulate(lengths[:most]) * np.arange(1, min(most, len(lengths)) + 1)
    return max(1, int(np.searchsorted(padded, batch_tokens, "right")))


def decoded(weights_of: Callable[[], Weights], reading: Reading, labels: Labels, inputs: Inputs, work: Work) -> Decoded:
    """The decoded prediction of every input, in order. Raises torch.OutOfMemoryError."""

    def reduce(windows: Windows, scores: Array) -> tuple[Reduced]:
        return (reading.reduce(windows, scores, labels),)

    at_once = 1 << 16 if reading.joins else 0  # calls are few, and arrays fit into a core's cache
    several = reduced(weights_of, reading, inputs, work, reduce, at_once)
    if several is None:
        return Decoded(column_of(()), np.ones(0, np.bool_))
    bounds, (ordered,) = several
    return reading.decode(inputs.contents, inputs.content, bounds, ordered, labels)


def reduced(
    weights_of: Callable[[], Weights],
    reading: Reading,
    inputs: Inputs,
    work: Work,
    reduce: Callable[[Windows, Array], tuple[Reduced, ...]],
    at_once: int = 0,
) -> tuple[Array, tuple[Reduced, ...]] | None:
    """What `reduce` keeps of the scores of each batch, by windows in the order of the inputs, and the inputs' bounds.

    Batches are reduced together until they have `at_once` scores. None where there is no input.
    """
    rows, bounds = inputs.rows()
    batches = plan_batches(inputs.windows.lengths[rows], bounds, inputs.group, work.batch_tokens)
    if not batches:
        return None
    last = np.zeros(len(rows), np.bool_)
    last[bounds[1:] - 1] = True
    several = in_batches(inputs.windows, [rows[batch] for batch in batches])
    asked = several if reading.layouts else several.without_layouts()
    scores = weights_of().scores(asked, [int(last[batch].sum()) for batch in batches], work.advance)
    together = _together(scores, several.edges, at_once)
    kept = [reduce(several.windows.part(low, high), each) for low, high, each in together]
    order = np.argsort(np.concatenate(batches))
    return bounds, tuple(joined(parts).take(order) for parts in zip(*kept, strict=True))


def _together(scores: Iterable[Array], edges: Sequence[int], at_once: int) -> Iterator[tuple[int, int, Array]]:
    """The scores of consecutive batches, which begin and end at `edges`, together, and their first and last window."""
    start, waiting = 0, list[Array]()
    for stop, each in zip(edges[1:], scores, strict=True):
        waiting.append(each)
        if stop == edges[-1] or sum(part.size for part in waiting) >= at_once:
            yield start, stop, _padded(waiting)
            start, waiting = stop, []


def _padded(several: Sequence[Array]) -> Array:
    """The scores (B, ...) of several batches as those of one, with zeros after those of shorter windows."""
    if len({each.shape[1:] for each in several}) == 1:
        return several[0] if len(several) == 1 else np.concatenate(several)
    longest = max(each.shape[1] for each in several)
    whole = np.zeros((sum(map(len, several)), longest, *several[0].shape[2:]), several[0].dtype)
    start = 0
    for each in several:
        whole[start : start + len(each), : each.shape[1]] = each
        start += len(each)
    return whole


def embed(weights: Weights, windows: Windows, batch_tokens: int) -> np.ndarray[Any, Any]:
    """The vector of each window's text (n, D), float32, in order."""
    batches = _alone(windows, batch_tokens)
    vectors = np.concatenate(list(weights.scores(in_batches(windows, batches), [0] * len(batches), lambda _: None)))
    return np.asarray(vectors[np.argsort(np.concatenate(batches))])


def mean_vectors(weights: Weights, windows: Windows, texts: int, batch_tokens: int) -> Array:
    """The vector of each text (texts, D), float64, of length 1: the mean state of the tokens of all its windows."""
    batches = _alone(windows, batch_tokens)
    means = np.concatenate(list(weights.means(in_batches(windows, batches)))).astype(np.float64)
    weighted = means[np.argsort(np.concatenate(batches))] * windows.lengths[:, None]
    return unit_rows(np.add.reduceat(weighted, of_examples(windows, texts)[:-1]))


def _alone(windows: Windows, batch_tokens: int) -> list[Array]:
    """Batches of windows, each an input."""
    bounds = np.arange(len(windows) + 1)
    return plan_batches(windows.lengths, bounds, np.zeros(len(windows), np.int64), batch_tokens)
