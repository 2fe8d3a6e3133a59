"""An encoder with a head: inputs of tokens, read in windows, whose scores are decoded by the kind of task."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, final

import numpy as np

from robust_xtreme.core import registry
from robust_xtreme.core.columns import Array, Choices, TargetColumn, column_of
from robust_xtreme.core.examples import kind_of
from robust_xtreme.core.specs import CANDIDATE, TaskSpec
from robust_xtreme.models.folder import Located
from robust_xtreme.models.predictors.batches import decoded, embed, mean_vectors, reduced
from robust_xtreme.models.predictors.cache import Store
from robust_xtreme.models.predictors.predictor import (
    Load,
    Making,
    Predicted,
    PredictedMargins,
    Weighing,
    Weights,
    Work,
    from_cache,
    nowhere,
)
from robust_xtreme.models.reading.members.retrieval import Prompts, text_windows
from robust_xtreme.models.reading.reading import Contents, Decoded, Inputs, Labels, Reader, Reduced
from robust_xtreme.models.reading.tokens import Called, Lexicon, tokenizer_from
from robust_xtreme.models.reading.windows import Windows, piece_windows

if TYPE_CHECKING:
    from robust_xtreme.models.predictors.family import Family


@final
@dataclass(frozen=True, slots=True)
class EncoderHead:
    """The predictor of one task: a head on an encoder, whose windows and scores `reader` makes and decodes.

    `labels` are the head's; `relabel` is the task's index of each choice of the head, None where nothing is to be
    mapped. `prompts` stand before the texts of a search.
    """

    task: TaskSpec
    reader: Reader
    labels: Labels = ()
    weights_of: Callable[[], Weights] = nowhere
    relabel: tuple[int, ...] | None = None
    prompts: Prompts = field(default_factory=Prompts)

    def prepare(self, contents: Contents) -> Inputs:
        """The windows of each content; in retrieval, those of the query."""
        return self.reader.prepare(contents)

    def answer(self, inputs: Inputs, work: Work) -> Predicted:
        """The decoded scores of the head, from the cache or computed; the model is loaded only to compute."""

        def compute(left: Inputs) -> tuple[Decoded, Array]:
            of = self.weights_of, self.reader.reading, self.labels, left
            return decoded(*of, work.batch_tokens, work.advance), np.zeros(len(left), np.int64)

        return self._ordered(from_cache(self._store(work), inputs, compute, work.advance)).predicted

    def weigh(self, inputs: Inputs, weighing: Weighing, work: Work) -> PredictedMargins:
        """The predictions, and how far each gold answer is ahead, of one pass or from the cache."""
        compute = partial(self._weighed, weighing, work)
        return self._ordered(from_cache(self._store(work), inputs, compute, weighing=weighing))

    def _ordered(self, given: PredictedMargins) -> PredictedMargins:
        targets = in_task_order(given.predicted.targets, self.relabel)
        return replace(given, predicted=replace(given.predicted, targets=targets))

    def _store(self, work: Work) -> Store | None:
        """The cache, if any; none for the code of another package, which can change."""
        return work.store if self.reader.reading.decode.__module__.startswith("robust_xtreme.") else None

    def _weighed(self, weighing: Weighing, work: Work, inputs: Inputs) -> tuple[Decoded, Array]:
        reading, meanings = self.reader.reading, self._meanings()

        def reduce(windows: Windows, scores: Array) -> tuple[Reduced, Reduced]:
            return reading.reduce(windows, scores, self.labels), weighing.part(windows, scores, meanings)

        several = reduced(self.weights_of, reading, inputs, work.batch_tokens, work.advance, reduce)
        if several is None:
            return Decoded(column_of(()), np.ones(0, np.bool_)), np.zeros(0, np.int64)
        bounds, (answers, parts) = several
        decoded = reading.decode(inputs.contents, inputs.content, bounds, answers, self.labels)
        return decoded, weighing.margin(inputs.content, bounds, parts)

    def vectors(self, values: Sequence[str], work: Work) -> Array:
        """The vectors of texts (n, D), each read by itself and whole: means of the encoder's last states."""
        windows = piece_windows(values, self.reader.tokenizer, self.reader.max_length)
        return mean_vectors(self.weights_of(), windows, len(values), work.batch_tokens)

    def width(self, _: Sequence[str]) -> int:
        """The number of dimensions of a text's vector."""
        return self.weights_of().width

    def embedded(self, name: str, values: Sequence[str], work: Work, lexicon: Lexicon | None) -> Array:
        """The vectors of texts of a field (n, D), each cut to the length of the field."""
        length = self.task.pool.max_length if name == CANDIDATE and self.task.pool else self.task.max_length
        windows = text_windows(self.prompts.before(name, values), self.reader.tokenizer, length, lexicon)
        return embed(self.weights_of(), windows, work.batch_tokens)

    def _meanings(self) -> Sequence[Any]:
        """What the scores of the head are of: choices of the task, or its labels."""
        indices = self.relabel or tuple(range(len(self.labels)))
        return indices if kind_of(self.task.family).indexed else self.labels

    def moved(self, weights_of: Callable[[], Weights]) -> EncoderHead:
        """The same predictor with weights that are elsewhere."""
        return replace(self, weights_of=weights_of)

    @property
    def can_move(self) -> bool:
        """Whether its tokenizer and its code can be sent to another process."""
        return not isinstance(self.reader.tokenizer.backend, Called)

    @property
    def unknown(self) -> int | None:
        """The token id of what the vocabulary does not contain."""
        return self.reader.tokenizer.unknown

    def tokens(self, pieces: Iterable[str], lexicon: Lexicon | None = None) -> Lexicon:
        """The ids of pieces; each distinct piece is tokenised once."""
        return self.reader.tokens(pieces, lexicon)


def reader_of(family: Family, task: TaskSpec, tokenizer: Any) -> Reader:
    """What reads a task's contents for a family, with a tokenizer of transformers."""
    return Reader(family.reading, tokenizer_from(tokenizer, family.reading.offsets), task.max_length, task.stride)


def in_task_order(predictions: TargetColumn, relabel: tuple[int, ...] | None) -> TargetColumn:
    """Map the indices of predicted choices by `relabel`; return other predictions as they are."""
    if relabel is not None and isinstance(predictions, Choices):
        return Choices(np.array(relabel, np.int64)[predictions.index])
    return predictions


def head_of(model: Located, task: TaskSpec, load: Load) -> EncoderHead:
    """The encoder and head of a model for a task."""
    from robust_xtreme.models.labels import relabel_of
    from robust_xtreme.models.predictors.loaded import Loaded
    from robust_xtreme.models.tokenizer import tokenizer_of

    reader = reader_of(registry.load("family", model.family), task, tokenizer_of(model))
    if model.origin.native and model.head:  # transformers' own heads learn words, and that there is no answer, so
        first = replace(reader.tokenizer, frame=replace(reader.tokenizer.frame, causal=False))
        reader = replace(reader, tokenizer=first)
    prompts = model.prompts or Prompts()
    if prompts.query:  # what it takes of the length of a query
        room = reader.max_length - len(reader.tokens([prompts.query]).of(prompts.query))
        reader = replace(reader, max_length=room)
    return EncoderHead(task, reader, model.labels, lambda: Loaded(load()), relabel_of(model, task), prompts)


encoder_head = Making(
    name="encoder_head",
    summary="An encoder with a head.",
    serves=lambda model, task: bool(model.head) and task.pool is None,
    make=head_of,
    general=True,
)
