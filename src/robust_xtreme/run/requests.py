"""What a worker asks the process for that has a model's weights, and what it notes while it computes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, final

from robust_xtreme.core.columns import Array
from robust_xtreme.models.reading.windows import Batches


@final
@dataclass(frozen=True, slots=True)
class Scores:
    """A request: the scores of the windows of some batches of `tokens`, each of which completes `done` inputs."""

    batches: Batches
    done: Sequence[int]
    tokens: int


@final
@dataclass(frozen=True, slots=True)
class Means:
    """A request: the mean states of the windows of some batches of `tokens`."""

    batches: Batches
    tokens: int


@final
@dataclass(frozen=True, slots=True)
class Nearest:
    """A request where a worker does not search: the k nearest candidates of each query, by vectors (n, D), (m, D)."""

    queries: Array
    candidates: Array
    k: int


@final
@dataclass(frozen=True, slots=True)
class Width:
    """A request: the number of dimensions of the vectors."""


@final
@dataclass(frozen=True, slots=True)
class Call:
    """A request: what a function returns, for the tokens of a batch; only of a worker in the same process."""

    function: Callable[[int], Any]


@final
@dataclass(frozen=True, slots=True)
class SmallerBatches:
    """The reply where memory ran out: batches have fewer tokens now."""

    tokens: int


@final
@dataclass(frozen=True, slots=True)
class RefusedVectors:
    """The reply where vectors are not finite, or too long."""

    line: str


@final
@dataclass(frozen=True, slots=True)
class Counted:
    """A note: the number of distinct inputs."""

    inputs: int


@final
@dataclass(frozen=True, slots=True)
class Advanced:
    """A note: so many inputs are answered."""

    inputs: int


@final
@dataclass(frozen=True, slots=True)
class Watched:
    """A note: the progress of a long step."""

    line: str


@final
@dataclass(frozen=True, slots=True)
class Halved:
    """A note: batches have half as many tokens, from a task run on."""

    label: str


@final
@dataclass(frozen=True, slots=True)
class Warned:
    """A note: a warning of the cache."""

    line: str
