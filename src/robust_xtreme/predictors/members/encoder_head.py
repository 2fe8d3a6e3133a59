"""An encoder with a head: inputs of tokens, read in windows, whose scores are decoded by the kind of task."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, final

from robust_xtreme import registry
from robust_xtreme.examples import Example, Target
from robust_xtreme.models.checkpoint import in_task_order, relabel_of, tokenizer_of
from robust_xtreme.models.on_disk import Located
from robust_xtreme.models.windows import Window, token_ids
from robust_xtreme.predictors.batches import predict
from robust_xtreme.predictors.family import Family
from robust_xtreme.predictors.predictor import Input, Load, Making, Predicted, Work
from robust_xtreme.specs import TaskSpec

_OURS: Final = "robust_xtreme."


@final
class Recorder:
    """A tokenizer that keeps the ids of every text tokenised without special tokens, until they are taken."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._seen: dict[str, tuple[int, ...]] = {}

    def __call__(self, texts: Any, *args: Any, add_special_tokens: bool = True, **options: Any) -> Any:
        """Call the tokenizer; the ids of a list of texts are kept."""
        read = self._tokenizer(texts, *args, add_special_tokens=add_special_tokens, **options)
        if isinstance(texts, list) and not add_special_tokens:
            self._seen.update(zip(texts, map(tuple, read["input_ids"]), strict=True))
        return read

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tokenizer, name)

    def take(self) -> dict[str, tuple[int, ...]]:
        """The ids of each text since the last call."""
        seen, self._seen = self._seen, {}
        return seen


def _not_loaded() -> Any:
    raise AssertionError("this predictor only prepares")


@final
@dataclass(frozen=True, slots=True)
class EncoderHead:
    """The predictor of one task: a head on an encoder, whose windows and scores `family` makes and decodes.

    `relabel` is the task's index of each choice of the head; None where nothing is to be mapped.
    """

    task: TaskSpec
    family: Family
    tokenizer: Recorder
    load: Load = _not_loaded
    relabel: tuple[int, ...] | None = None

    def prepare(self, examples: Sequence[Example]) -> list[Input]:
        """The windows of each example; in retrieval, those of the query."""
        windows: list[list[Window]] = [[] for _ in examples]
        for window in self.family.encode(examples, self.tokenizer, self.task.max_length, self.task.stride):
            windows[window.example].append(window)
        status = self.family.status
        return [
            Input(example, tuple(several), status=status(example, several) if status else "ok")
            for example, several in zip(examples, windows, strict=True)
        ]

    def answer(self, inputs: Sequence[Input], work: Work) -> Predicted:
        """The decoded scores of the head, from the cache or computed; the model is loaded only to compute."""
        ours = self.family.decode.__module__.startswith(_OURS)
        store = work.store if ours else None  # the code of another package can change
        known = store.known([input_.example for input_ in inputs]) if store else {}
        work.advance(len(known))
        missing = [index for index in range(len(inputs)) if index not in known]
        left = [inputs[index] for index in missing]
        computed = predict(self.load, left, work.batch_tokens, work.advance)
        if store:
            store.keep([input_.example for input_ in left], computed)
        answers: dict[int, Target | None] = {**known, **dict(zip(missing, computed, strict=True))}
        targets = [in_task_order(answers[index], self.relabel) for index in range(len(inputs))]
        return Predicted(targets, cached=len(known))

    @property
    def unknown(self) -> int | None:
        """The token id of what the vocabulary does not contain."""
        unknown: int | None = self.tokenizer.unk_token_id
        return unknown

    def tokens(self, pieces: Iterable[str]) -> dict[str, tuple[int, ...]]:
        """The ids of pieces; each distinct piece is tokenised once."""
        distinct, ids = dict.fromkeys(pieces), self.tokenizer.take()
        ids |= token_ids(self.tokenizer, (piece for piece in distinct if piece not in ids))
        return {piece: ids[piece] for piece in distinct}


def reader_of(model: Located, task: TaskSpec, load: Load) -> EncoderHead:
    """The encoder and head of a model for a task."""
    family = registry.load("family", model.family)
    return EncoderHead(task, family, Recorder(tokenizer_of(model)), load, relabel_of(model, task))


encoder_head = Making(
    name="encoder_head",
    summary="An encoder with a head.",
    serves=lambda model, task: bool(model.head) and task.pool is None,
    make=reader_of,
    general=True,
)
