"""Families: the functions of a kind of head, from examples to windows, losses and predictions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from torch import Tensor, nn

from robust_xtreme.core.examples import Example
from robust_xtreme.core.specs import TaskSpec
from robust_xtreme.models.reading.reading import Labels, Reader, Reading, contents_of
from robust_xtreme.models.reading.tokens import tokenizer_from
from robust_xtreme.models.reading.windows import Windows

Examples = Sequence[Example]

DROPOUT: Final = 0.1


@dataclass(frozen=True, slots=True)
class Family:
    """The functions of one family. B windows of at most L tokens, hidden size H.

    - `reading`: from what is read to windows, and from scores to predictions, without torch.
    - `head(hidden_size, labels)`: a new module.
    - `forward(head, hidden (B, L, H), mask (B, L), windows)`: scores (B, ...); row i belongs to window i.
    - `score_loss(head, scores, windows, examples, labels)`: a scalar; `examples` is the list that was encoded.
    - `together`: the windows of an example are in one batch in training.
    """

    name: str
    summary: str
    reading: Reading
    head: Callable[[int, Labels], nn.Module]
    forward: Callable[[nn.Module, Tensor, Tensor, Windows], Tensor]
    score_loss: Callable[[nn.Module, Tensor, Windows, Examples, Labels], Tensor]
    together: bool = False

    def encode(
        self, examples: Examples, tokenizer: Any, max_length: int, stride: int, candidate_length: int = 0
    ) -> Windows:
        """The windows of examples; candidates of retrieval may have another length (0: the same)."""
        reads = tokenizer_from(tokenizer, self.reading.offsets)
        return Reader(self.reading, reads, max_length, stride, candidate_length).encode(contents_of(examples))[0]

    def loss(
        self, head: nn.Module, hidden: Tensor, mask: Tensor, windows: Windows, examples: Examples, labels: Labels
    ) -> Tensor:
        """The loss of the scores of hidden states (B, L, H), a scalar."""
        return self.score_loss(head, self.forward(head, hidden, mask, windows), windows, examples, labels)


def windows_of(family: Family, task: TaskSpec, examples: Examples, tokenizer: Any) -> Windows:
    """The windows of a task's examples, at the task's lengths."""
    candidate_length = task.pool.max_length if task.pool else 0
    return family.encode(examples, tokenizer, task.max_length, task.stride, candidate_length)
