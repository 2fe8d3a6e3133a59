"""Predictors: the interface through which a model answers the examples of a task."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, final

from robust_xtreme import registry
from robust_xtreme.errors import ModelError
from robust_xtreme.examples import Example, Target
from robust_xtreme.models.checkpoint import Checkpoint
from robust_xtreme.models.located import Located
from robust_xtreme.models.windows import Window
from robust_xtreme.specs import TaskSpec

Load = Callable[[], Checkpoint]
"""Loads the model of a task, or returns the loaded model."""


@final
@dataclass(frozen=True, slots=True)
class Input:
    """One distinct input of the model: an example and its windows. Inputs of different groups are not in one batch."""

    example: Example
    windows: tuple[Window, ...]
    group: int = 0

    @property
    def length(self) -> int:
        """Tokens of the longest window."""
        return max((len(window.input_ids) for window in self.windows), default=0)


class Predictor(Protocol):
    """A model that answers a task. Only `answer` needs its weights, so that examples are prepared meanwhile."""

    def prepare(self, examples: Sequence[Example], /) -> list[Input]:
        """An input for each example, in order."""
        ...

    def answer(
        self, inputs: Sequence[Input], batch_tokens: int, advance: Callable[[int], None], /
    ) -> list[Target | None]:
        """The prediction of each input, in the model's order of labels; None where a score is not finite.

        `advance` is called with the number of inputs that each batch completes. Raises torch.OutOfMemoryError.
        """
        ...

    def status(self, example: Example, windows: Sequence[Window], /) -> str:
        """`ok`, or `truncated_gold` where no window contains the gold answer."""
        ...

    def tokens(self, pieces: Iterable[str], /) -> dict[str, tuple[int, ...]]:
        """The token ids of pieces of text, without special tokens."""
        ...


@final
@dataclass(frozen=True, slots=True)
class Making:
    """A member of the registry: which tasks a predictor answers with which models, and its constructor."""

    name: str
    summary: str
    serves: Callable[[Located, TaskSpec], bool]
    make: Callable[[Located, TaskSpec, Load], Predictor]


def predictor_of(model: Located, task: TaskSpec, load: Load) -> Predictor:
    """The predictor that answers a task with a model. Raises ModelError where none does."""
    several: list[Making] = [registry.load("predictor", name) for name in registry.names("predictor")]
    for making in several:
        if making.serves(model, task):
            return making.make(model, task, load)
    known = ", ".join(making.name for making in several) or "none"
    raise ModelError(f"No predictor answers {task.name} with {model.name}. There are {known}.")
