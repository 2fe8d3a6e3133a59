"""A predictor that reads texts after a spelling normaliser: answers are given in the texts as they came."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from robust_xtreme.core.columns import Ranges, owners
from robust_xtreme.core.edits import NO_SPANS, SpanTable
from robust_xtreme.models.predictors.predictor import Predicted, PredictedMargins, Predictor, Weighable, Weighing, Work
from robust_xtreme.models.reading.reading import Contents, Inputs
from robust_xtreme.models.reading.tokens import Lexicon
from robust_xtreme.noise.engine.traces import Traces
from robust_xtreme.noise.normalising.corrector import Spelling, normalised


@dataclass(frozen=True, slots=True)
class Normalised:
    """A predictor whose texts are normalised first, by field. The cache knows what the model reads: new texts.

    The whole is what an attack sees: it asks about texts before they are normalised.
    """

    inner: Predictor
    spellings: Mapping[str, Spelling]

    def prepare(self, contents: Contents) -> Inputs:
        """An input for each content, whose texts are normalised."""
        for name in contents.values.keys() & self.spellings.keys():
            contents = _changed(contents, name, self.spellings[name])
        return self.inner.prepare(contents)

    def answer(self, inputs: Inputs, work: Work) -> Predicted:
        """The predictions of the inputs."""
        return _restored(self.inner.answer(inputs, work), inputs)

    def weigh(self, inputs: Inputs, weighing: Weighing, work: Work) -> PredictedMargins:
        """The predictions of the inputs, and the margins of their gold answers."""
        assert isinstance(self.inner, Weighable)
        weighed = self.inner.weigh(inputs, weighing, work)
        return replace(weighed, predicted=_restored(weighed.predicted, inputs))

    @property
    def unknown(self) -> int | None:
        """The token id of what the vocabulary does not contain."""
        return self.inner.unknown

    def tokens(self, pieces: Iterable[str], _: Lexicon | None = None) -> Lexicon | None:
        """The ids of pieces, which are not normalised, so that the lexicon of inputs does not have them."""
        return self.inner.tokens(pieces)


def _changed(contents: Contents, name: str, spelling: Spelling) -> Contents:
    """Contents with the texts of a field normalised, their words and gold answers where they are then."""
    values = contents.values[name]
    is_gold = contents.golds is not None
    moved = normalised([value or "" for value in values], NO_SPANS if is_gold else contents.spans[name], spelling)
    new = [None if old is None else value for old, value in zip(values, moved.values, strict=True)]
    traces = Traces(moved.bounds, moved.moves, NO_SPANS, NO_SPANS)
    spans = _moved(traces, contents.spans[name]) if is_gold else moved.spans
    changed = replace(contents, values={**contents.values, name: new}, spans={**contents.spans, name: spans})
    if name != "context" or contents.golds is None:
        return changed
    golds = contents.golds
    start, stop = traces.to_noisy(owners(golds.bounds), (golds.start, golds.stop))
    return replace(changed, golds=Ranges(start, stop, golds.bounds), moved=traces)


def _moved(traces: Traces, spans: SpanTable) -> SpanTable:
    if not len(spans):
        return spans
    start, stop = traces.to_noisy(spans.text, (spans.start, spans.stop))
    return SpanTable(spans.text, start.astype(np.int32), stop.astype(np.int32), spans.frozen)


def _restored(predicted: Predicted, inputs: Inputs) -> Predicted:
    """Answers in the coordinates of the texts before they were normalised."""
    moved, targets = inputs.contents.moved, predicted.targets
    if moved is None or not isinstance(targets, Ranges):
        return predicted
    ends = moved.to_clean(inputs.content[owners(targets.bounds)], (targets.start, targets.stop))
    return replace(predicted, targets=Ranges(*ends, targets.bounds))
