"""An encoder with a head: inputs of tokens, read in windows, whose scores are decoded by the kind of task."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np

from robust_xtreme import registry
from robust_xtreme.models.checkpoint import in_task_order, relabel_of, tokenizer_of
from robust_xtreme.models.on_disk import Located
from robust_xtreme.predictors.batches import predict
from robust_xtreme.predictors.family import Family
from robust_xtreme.predictors.predictor import Load, Making, Predicted, Work
from robust_xtreme.reading.contents import Contents
from robust_xtreme.reading.inputs import Inputs
from robust_xtreme.reading.reader import Reader
from robust_xtreme.reading.tokens import Lexicon, tokenizer_from
from robust_xtreme.specs import TaskSpec
from robust_xtreme.target_columns import chained

_OURS: Final = "robust_xtreme."


def _not_loaded() -> Any:
    raise AssertionError("this predictor only prepares")


@final
@dataclass(frozen=True, slots=True)
class EncoderHead:
    """The predictor of one task: a head on an encoder, whose windows and scores `reader` makes and decodes.

    `relabel` is the task's index of each choice of the head; None where nothing is to be mapped.
    """

    task: TaskSpec
    reader: Reader
    load: Load = _not_loaded
    relabel: tuple[int, ...] | None = None

    def prepare(self, contents: Contents) -> Inputs:
        """The windows of each content; in retrieval, those of the query."""
        return self.reader.prepare(contents)

    def answer(self, inputs: Inputs, work: Work) -> Predicted:
        """The decoded scores of the head, from the cache or computed; the model is loaded only to compute."""
        ours = self.reader.reading.decode.__module__.startswith(_OURS)
        store = work.store if ours else None  # the code of another package can change
        if store is None:
            computed = predict(self.load, inputs, work.batch_tokens, work.advance)
            return Predicted(in_task_order(computed.targets, self.relabel), computed.finite)
        known, cached = store.known(inputs)
        work.advance(len(known))
        missing = np.setdiff1d(np.arange(len(inputs)), known, assume_unique=True)
        left = inputs.take(missing)
        computed = predict(self.load, left, work.batch_tokens, work.advance)
        store.keep(left, computed)
        order = np.argsort(np.concatenate((known, missing)))
        targets = in_task_order(chained((cached, computed.targets)).take(order), self.relabel)
        finite = np.concatenate((np.ones(len(known), np.bool_), computed.finite))[order]
        return Predicted(targets, finite, cached=len(known))

    @property
    def unknown(self) -> int | None:
        """The token id of what the vocabulary does not contain."""
        return self.reader.tokenizer.unknown

    def tokens(self, pieces: Iterable[str], lexicon: Lexicon | None = None) -> Lexicon:
        """The ids of pieces; each distinct piece is tokenised once."""
        return self.reader.tokens(pieces, lexicon)


def reader_of(family: Family, task: TaskSpec, tokenizer: Any) -> Reader:
    """What reads a task's contents for a family, with a tokenizer of transformers."""
    return Reader(family.reading, tokenizer_from(tokenizer), task.max_length, task.stride)


def head_of(model: Located, task: TaskSpec, load: Load) -> EncoderHead:
    """The encoder and head of a model for a task."""
    reader = reader_of(registry.load("family", model.family), task, tokenizer_of(model))
    return EncoderHead(task, reader, load, relabel_of(model, task))


encoder_head = Making(
    name="encoder_head",
    summary="An encoder with a head.",
    serves=lambda model, task: bool(model.head) and task.pool is None,
    make=head_of,
    general=True,
)
