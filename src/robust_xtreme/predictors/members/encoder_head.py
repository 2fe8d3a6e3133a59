"""An encoder with a head: inputs of tokens, read in windows, whose scores are decoded by the kind of task."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, final

from robust_xtreme import registry
from robust_xtreme.examples import Example, Target
from robust_xtreme.models.checkpoint import tokenizer_of
from robust_xtreme.models.located import Located
from robust_xtreme.models.windows import Window, token_ids
from robust_xtreme.predictors.batches import predict
from robust_xtreme.predictors.family import Family
from robust_xtreme.predictors.predictor import Input, Load, Making
from robust_xtreme.specs import TaskSpec
from robust_xtreme.targets.kinds import kind_of


@final
class Recorder:
    """A tokenizer that keeps the ids of every text tokenised without special tokens."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self.seen: dict[str, tuple[int, ...]] = {}

    def __call__(self, texts: Any, *args: Any, add_special_tokens: bool = True, **options: Any) -> Any:
        """Call the tokenizer; the ids of a list of texts are kept."""
        read = self._tokenizer(texts, *args, add_special_tokens=add_special_tokens, **options)
        if isinstance(texts, list) and not add_special_tokens:
            self.seen.update(zip(texts, map(tuple, read["input_ids"]), strict=True))
        return read

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tokenizer, name)


def _not_loaded() -> Any:
    raise AssertionError("this predictor only prepares")


@final
@dataclass(frozen=True, slots=True)
class EncoderHead:
    """The predictor of one task: a head on an encoder, whose windows and scores `family` makes and decodes."""

    task: TaskSpec
    family: Family
    tokenizer: Recorder
    load: Load = _not_loaded

    def prepare(self, examples: Sequence[Example]) -> list[Input]:
        """The windows of each example; in retrieval, those of the query."""
        windows: list[list[Window]] = [[] for _ in examples]
        for window in self.family.encode(examples, self.tokenizer, self.task.max_length, self.task.stride):
            windows[window.example].append(window)
        return [
            Input(example, tuple(example_windows)) for example, example_windows in zip(examples, windows, strict=True)
        ]

    def answer(self, inputs: Sequence[Input], batch_tokens: int, advance: Callable[[int], None]) -> list[Target | None]:
        """The decoded scores of the head."""
        return predict(self.load(), inputs, batch_tokens, advance)

    def status(self, example: Example, windows: Sequence[Window]) -> str:
        """Whether the gold answer is in a window."""
        return self.family.status(example, windows)

    def tokens(self, pieces: Iterable[str]) -> dict[str, tuple[int, ...]]:
        """The ids of pieces; each distinct piece is tokenised once."""
        distinct = dict.fromkeys(pieces)
        token_ids(self.tokenizer, (piece for piece in distinct if piece not in self.tokenizer.seen))
        return {piece: self.tokenizer.seen[piece] for piece in distinct}


def _make(model: Located, task: TaskSpec, load: Load) -> EncoderHead:
    return EncoderHead(task, registry.load("family", model.family), Recorder(tokenizer_of(model)), load)


encoder_head = Making(
    name="encoder_head",
    summary="An encoder with a head, or with a representation of its states for retrieval.",
    serves=lambda model, task: bool(model.head) or kind_of(task.family).searched,
    make=_make,
)
