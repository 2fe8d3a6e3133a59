"""Predictors: the interface through which a model answers the examples of a task."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, final

from robust_xtreme import registry
from robust_xtreme.errors import ModelError
from robust_xtreme.examples import Example, Target
from robust_xtreme.models.on_disk import Located
from robust_xtreme.predictors.cache import Store
from robust_xtreme.specs import TaskSpec

if TYPE_CHECKING:
    from robust_xtreme.models.checkpoint import Checkpoint
    from robust_xtreme.models.windows import Window

Load = Callable[[], "Checkpoint"]
"""Loads the model of a task, or returns the loaded model."""


def _nothing(_: Any) -> None:
    """The default of a callback."""


@final
@dataclass(frozen=True, slots=True)
class Candidates:
    """The candidates that a search answers from under one condition: their ids, and their values in the same order.

    Pairs with an id in `unscored` are not answers. `tuning` has the examples and the pool of validation data under the
    same condition, on which the threshold of a task is tuned; None for a task without one.
    """

    ids: tuple[str, ...]
    values: tuple[str, ...]
    unscored: frozenset[str] = frozenset()
    tuning: tuple[tuple[Example, ...], Candidates] | None = None


@final
@dataclass(frozen=True, slots=True)
class Input:
    """One distinct input of the model: an example and its windows. Inputs of different groups are not in one batch.

    `status` is `ok`, or `truncated_gold` where no window contains the gold answer. In a search, `pool` contains the
    candidates; inputs of one pool are consecutive, one for each example of a condition, in order.
    """

    example: Example
    windows: tuple[Window, ...]
    group: int = 0
    status: str = "ok"
    pool: Candidates | None = None

    @property
    def length(self) -> int:
        """Tokens of the longest window."""
        return max((len(window.input_ids) for window in self.windows), default=0)


@final
@dataclass(frozen=True, slots=True)
class Work:
    """How inputs are answered: the tokens of a batch, and the cache, if any.

    `advance` is called with the number of inputs that each step completes, `watch` with the progress of a long step.
    """

    batch_tokens: int
    advance: Callable[[int], None] = _nothing
    watch: Callable[[str], None] = _nothing
    store: Store | None = None


@final
@dataclass(frozen=True, slots=True)
class Predicted:
    """The prediction of each input, in the task's order of labels; None where a score is not finite.

    Where a task has a threshold, it is tuned on clean validation data; `retuned` contains the predictions with the one
    tuned under each input's own condition. `cached` counts the predictions that the cache had.
    """

    targets: Sequence[Target | None]
    retuned: Sequence[Target | None] | None = None
    threshold: float | None = None
    cached: int = 0


class Predictor(Protocol):
    """A model that answers a task. Only `answer` needs its weights, so that examples are prepared meanwhile."""

    def prepare(self, examples: Sequence[Example], /) -> list[Input]:
        """An input for each example, in order, without group and pool."""
        ...

    def answer(self, inputs: Sequence[Input], work: Work, /) -> Predicted:
        """The predictions of the inputs. Raises torch.OutOfMemoryError; it is called again with smaller batches."""
        ...

    @property
    def unknown(self) -> int | None:
        """The token id of what the vocabulary does not contain; None where the tokenizer has none."""
        ...

    def tokens(self, pieces: Iterable[str], /) -> dict[str, tuple[int, ...]]:
        """The token ids of pieces of text, without special tokens."""
        ...


@final
@dataclass(frozen=True, slots=True)
class Making:
    """A member of the registry: which tasks a predictor answers with which models, and its constructor.

    A `general` one answers only what no other serves.
    """

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
