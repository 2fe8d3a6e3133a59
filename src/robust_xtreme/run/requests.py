"""What a worker asks the process for that has a model's weights, and what it notes while it computes."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from robust_xtreme.core.columns import Array
from robust_xtreme.models.reading.windows import Batches


class Scores(NamedTuple):
    """A request: the scores of the windows of some batches of `tokens`, each of which completes `done` inputs."""

    batches: Batches
    done: Sequence[int]
    tokens: int


class Means(NamedTuple):
    """A request: the mean states of the windows of some batches of `tokens`."""

    batches: Batches
    tokens: int


class Nearest(NamedTuple):
    """A request where a worker does not search: the k nearest candidates of each query, by vectors (n, D), (m, D)."""

    queries: Array
    candidates: Array
    k: int


class Width(NamedTuple):
    """A request: the number of dimensions of the vectors."""


class Call(NamedTuple):
    """A request: what a function returns, for the tokens of a batch; only of a worker in the same process."""

    function: Callable[[int], Any]


class SmallerBatches(NamedTuple):
    """The reply where memory ran out: batches have fewer tokens now."""

    tokens: int


class RefusedVectors(NamedTuple):
    """The reply where vectors are not finite, or too long."""

    line: str


class Counted(NamedTuple):
    """A note: the number of distinct inputs."""

    inputs: int


class Advanced(NamedTuple):
    """A note: so many inputs are answered."""

    inputs: int


class Watched(NamedTuple):
    """A note: the progress of a long step."""

    line: str


class Halved(NamedTuple):
    """A note: batches have half as many tokens, from a task run on."""

    label: str


class Warned(NamedTuple):
    """A note: a warning of the cache."""

    line: str
