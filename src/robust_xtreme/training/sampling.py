"""Which task a step learns from: shares by size, temperature and cap, and the plan of all steps."""

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Final

import numpy as np

from robust_xtreme.core.errors import SpecError

_SORTED_TOGETHER: Final = 50
_PLAN, _DRAWS, _STREAM = 1, 3, 4
_GRAMMAR: Final = "proportional, temperature:T, capped:N, or temperature:T,capped:N"
_RULE: Final = re.compile(r"(temperature|capped):([0-9]{1,18}(?:\.[0-9]{1,18})?)")
_MOST: Final = 10**9
_ROUNDING: Final = 1e-9

Numbers = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Sampling:
    """Tasks of n units are drawn in proportion to min(n, cap)^(1/temperature); cap 0 caps nothing.

    Source: jiant's samplers of tasks (jiant/proj/main/components/task_sampler.py), proportional by default.
    """

    temperature: float = 1.0
    cap: int = 0

    def shares(self, counts: Sequence[int]) -> tuple[float, ...]:
        """The share of draws of each task; the sum is 1."""
        capped = np.minimum(counts, self.cap) if self.cap else np.array(counts)
        weights = capped.astype(np.float64) ** (1 / self.temperature)
        return tuple((weights / weights.sum()).tolist())

    @property
    def proportional(self) -> bool:
        """Whether shares are proportional to the numbers of units."""
        return self.temperature == 1.0 and not self.cap


def shared_out(total: int, counts: Sequence[int], shares: Sequence[float]) -> tuple[int, ...]:
    """The number of examples of each task in a total: by its share, or all of them where it has fewer.

    What small tasks leave is divided among the others. A larger total gives no task fewer, and each has at least one.
    """
    shares_of = list(counts)
    left, several = float(total), set(range(len(counts)))
    while several:
        weight = sum(shares[index] for index in several)
        full = {index for index in several if counts[index] <= left * shares[index] / weight}
        if not full:
            break
        left -= sum(counts[index] for index in full)
        several -= full
    for index in several:
        shares_of[index] = max(1, int(left * shares[index] / weight + _ROUNDING))
    return tuple(shares_of)


def parse_sampling(text: str) -> Sampling:
    """Read `proportional`, `temperature:2`, `capped:10000` or both. Raises SpecError."""
    if text == "proportional":
        return Sampling()
    options: dict[str, float] = {}
    for part in text.split(","):
        rule = _RULE.fullmatch(part.strip())
        if (
            rule is None
            or rule[1] in options
            or not 1 <= float(rule[2]) <= _MOST
            or (rule[1] == "capped" and "." in rule[2])
        ):
            raise SpecError(f"The sampling {text!r} is not {_GRAMMAR}, with numbers from 1 to {_MOST:,}.")
        options[rule[1]] = float(rule[2])
    return Sampling(options.get("temperature", 1.0), int(options.get("capped", 0)))


@dataclass(frozen=True, slots=True)
class Draws:
    """How tasks are drawn: the share of each, whether a batch mixes tasks, and the steps of an epoch."""

    shares: tuple[float, ...]
    mixed: bool
    epoch: int


def epoch_batches(
    lengths: Sequence[int], batch_size: int, seed: int, epoch: int, starts: Sequence[int] = (0,)
) -> list[tuple[int, ...]]:
    """One pass over the units: each exactly once, in shuffled batches of units of similar length.

    A unit is a window, or all windows of an example. `starts` are the indices where each task's units begin: a batch
    has one task, and tasks take turns in proportion to their units. A pure function of its arguments.
    """
    generator = np.random.default_rng((seed, _PLAN, epoch))
    orders = [start + generator.permutation(count) for start, count in _parts(len(lengths), starts)]
    size = batch_size * _SORTED_TOGETHER
    chunks = [order[start : start + size] for order in orders for start in range(0, len(order), size)]
    by_length = [sorted(chunk.tolist(), key=lambda index: (lengths[index], index)) for chunk in chunks]
    batches = [
        tuple(chunk[start : start + batch_size]) for chunk in by_length for start in range(0, len(chunk), batch_size)
    ]
    return [batches[index] for index in generator.permutation(len(batches))]


def _parts(count: int, starts: Sequence[int]) -> list[tuple[int, int]]:
    """The first index and the number of each task's units."""
    return [(start, stop - start) for start, stop in zip(starts, (*starts[1:], count), strict=True)]


@dataclass(eq=False)  # keeps the passes that it has made
class SamplingPlan:
    """The units of each of `steps` steps, and the pass over its task's units that each unit is in.

    `lengths` are the tokens of all units, task after task; `starts` the indices where each task's units begin. Without
    `draws` an epoch sees each unit once; with them each step, or each row of its batch, draws its task, and a task
    cycles through its units. A pure function of its arguments.
    """

    lengths: Sequence[int]
    batch_size: int
    seed: int
    steps: int
    starts: Sequence[int] = (0,)
    draws: Draws | None = None

    def __post_init__(self) -> None:
        self.parts = _parts(len(self.lengths), self.starts)
        # Steps of neighbouring passes mix, so that two passes of each task are kept.
        cached = lru_cache(2 * len(self.parts))
        self._batches, self._order = cached(self._make_batches), cached(self._make_order)

    @property
    def epoch_steps(self) -> int:
        """The steps of one pass over the units, or of an epoch of draws."""
        return self.draws.epoch if self.draws else sum(-(-count // self.batch_size) for _, count in self.parts)

    @property
    def shares(self) -> tuple[float, ...]:
        """The share of each task in the draws, or in the units of an epoch."""
        return self.draws.shares if self.draws else tuple(count / len(self.lengths) for _, count in self.parts)

    @property
    def epochs(self) -> float:
        """Passes over the units."""
        return self.steps / self.epoch_steps if self.steps else 0.0

    def at(self, step: int) -> tuple[int, ...]:
        """The units of a step."""
        return tuple(unit for unit, _ in self.placed(step))

    def part_of(self, unit: int) -> int:
        """The task of a unit, by its number."""
        return bisect_right(self.starts, unit) - 1

    def placed(self, step: int) -> list[tuple[int, int]]:
        """The units of a step, each with the number of its pass."""
        if self.draws is None:
            epoch, offset = divmod(step, self.epoch_steps)
            return [(unit, epoch) for unit in self._batches(-1, epoch)[offset]]
        before, after = self._drawn[step : step + 2].tolist()
        if self.draws.mixed:
            return [
                self._unit(part, index) for part in range(len(self.parts)) for index in range(before[part], after[part])
            ]
        part = next(part for part in range(len(self.parts)) if after[part] > before[part])
        turn, offset = divmod(before[part], -(-self.parts[part][1] // self.batch_size))
        return [(unit, turn) for unit in self._batches(part, turn)[offset]]

    def seen(self) -> tuple[int, ...]:
        """Units of each task seen over all steps."""
        if not self.steps:
            return tuple(0 for _ in self.parts)
        if self.draws is None:
            whole, remainder = divmod(self.steps, self.epoch_steps)
            last = [self.part_of(unit) for step in range(self.steps - remainder, self.steps) for unit in self.at(step)]
            return tuple(whole * count + last.count(part) for part, (_, count) in enumerate(self.parts))
        done = self._drawn[self.steps].tolist()
        return tuple(done) if self.draws.mixed else tuple(map(self._units, range(len(done)), done))

    def _units(self, part: int, steps: int) -> int:
        """The units of a task in its first `steps` steps."""
        count = self.parts[part][1]
        whole, remainder = divmod(steps, -(-count // self.batch_size))
        return whole * count + sum(len(batch) for batch in self._batches(part, whole)[:remainder])

    def _make_batches(self, part: int, turn: int) -> list[tuple[int, ...]]:
        """The batches of a pass over all tasks (-1) or one task."""
        if part < 0:
            return epoch_batches(self.lengths, self.batch_size, self.seed, turn, self.starts)
        start, count = self.parts[part]
        batches = epoch_batches(self.lengths[start : start + count], self.batch_size, self.seed + part, turn)
        return [tuple(start + unit for unit in batch) for batch in batches]

    def _unit(self, part: int, index: int) -> tuple[int, int]:
        """The unit that a task draws at an index, counted over all its passes, and the number of that pass."""
        start, count = self.parts[part]
        turn, offset = divmod(index, count)
        return start + int(self._order(part, turn)[offset]), turn

    def _make_order(self, part: int, turn: int) -> Numbers:
        return np.random.default_rng((self.seed, _STREAM, part, turn)).permutation(self.parts[part][1])

    @cached_property
    def _drawn(self) -> Numbers:
        """The cumulative draws of each task before each step (steps + 1, tasks)."""
        assert self.draws is not None
        each = self.batch_size if self.draws.mixed else 1
        generator = np.random.default_rng((self.seed, _DRAWS))
        drawn = generator.multinomial(each, self.draws.shares, size=self.steps)
        return np.concatenate([np.zeros((1, len(self.parts)), dtype=np.int64), drawn.cumsum(axis=0)])
