"""Families: the functions of a kind of head, from examples to windows, losses and predictions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, final

from torch import Tensor, nn

from robust_xtreme.examples import Example, Target
from robust_xtreme.models.windows import Scores, Window
from robust_xtreme.specs import TaskSpec

Labels = tuple[str, ...]
Windows = Sequence[Window]
Examples = Sequence[Example]

DROPOUT: Final = 0.1


class Encode(Protocol):
    """From examples to windows; `candidate_length` is for families with candidates (0: equal to `max_length`)."""

    def __call__(
        self, examples: Sequence[Example], tokenizer: Any, max_length: int, stride: int, candidate_length: int = 0, /
    ) -> list[Window]:
        """The windows of all examples, those of an example consecutive and in order."""
        ...


@final
@dataclass(frozen=True, slots=True)
class Family:
    """The functions of one family. B windows of at most L tokens, hidden size H.

    - `head(hidden_size, labels)`: a new module.
    - `encode(examples, tokenizer, max_length, stride, candidate_length=0)`: windows, those of an example
      consecutive and in order; a candidate for retrieval may have another length.
    - `forward(head, hidden (B, L, H), mask (B, L), windows)`: scores (B, ...); row i belongs to window i.
    - `score_loss(head, scores, windows, examples, labels)`: a scalar; `examples` is the list that was encoded.
    - `decode(example, windows, scores, labels)`: the prediction from one row of scores (as numpy) per window, in the
      coordinates of the example given. Ties go to the lowest index. Raises NotFinite.
    - `status(example, windows)`: `ok`, or `truncated_gold` where no window contains the gold answer; None: always `ok`.
    - `together`: the windows of an example are in one batch in training.
    """

    name: str
    summary: str
    head: Callable[[int, Labels], nn.Module]
    encode: Encode
    forward: Callable[[nn.Module, Tensor, Tensor, Windows], Tensor]
    score_loss: Callable[[nn.Module, Tensor, Windows, Examples, Labels], Tensor]
    decode: Callable[[Example, Windows, Sequence[Scores], Labels], Target]
    status: Callable[[Example, Windows], str] | None = None
    together: bool = False

    def loss(
        self, head: nn.Module, hidden: Tensor, mask: Tensor, windows: Windows, examples: Examples, labels: Labels
    ) -> Tensor:
        """The loss of the scores of hidden states (B, L, H), a scalar."""
        return self.score_loss(head, self.forward(head, hidden, mask, windows), windows, examples, labels)


def windows_of(family: Family, task: TaskSpec, examples: Sequence[Example], tokenizer: Any) -> list[Window]:
    """The windows of a task's examples, at the task's lengths."""
    candidate_length = task.pool.max_length if task.pool else 0
    return family.encode(examples, tokenizer, task.max_length, task.stride, candidate_length)
