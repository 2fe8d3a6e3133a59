"""Functions of the user: what each gets of a task's contents, and checks of what it returns.

They are asked in the process that has them, in the thread that answers workers. They read no tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Final, final

import numpy as np

from robust_xtreme.core.columns import Array, bounds_of, column_of
from robust_xtreme.core.edits import covered
from robust_xtreme.core.errors import shown
from robust_xtreme.core.examples import Answers, Choice, Span, Tags, Target
from robust_xtreme.core.specs import CANDIDATE, TaskSpec
from robust_xtreme.core.targets.kinds import CHOICE, CLASSIFICATION, SPAN_QA, TAGGING
from robust_xtreme.models.folder import Located
from robust_xtreme.models.functions import Function
from robust_xtreme.models.predictors.members.retrieval import Vectors, found, found_with_margins
from robust_xtreme.models.predictors.predictor import (
    Load,
    Making,
    Predicted,
    PredictedMargins,
    Predictor,
    Weighing,
    Work,
    answered,
    answered_with_margins,
)
from robust_xtreme.models.reading.members.labelled import asked_of, choices_of
from robust_xtreme.models.reading.reading import Contents, Decoded, Inputs, inputs_of, quantised
from robust_xtreme.models.reading.tokens import Lexicon
from robust_xtreme.models.reading.windows import plain
from robust_xtreme.models.retrieval.embeddings import StoredVectors
from robust_xtreme.models.retrieval.search import CPU, search
from robust_xtreme.stats.bitext import Neighbours

# ------------------------------------------------------------------------------------------------ what a function gets


def _texts(contents: Contents) -> list[Any]:
    """The text of each content, or its texts where it has several."""
    rows = (tuple(filter(None.__ne__, row)) for row in zip(*contents.values.values(), strict=True))
    return [row[0] if len(row) == 1 else row for row in rows]


def _words(contents: Contents) -> list[Any]:
    """The words of each content."""
    (name,) = contents.values
    spans = contents.spans[name]
    words = covered([value or "" for value in contents.values[name]], spans)
    bounds = np.searchsorted(spans.text, np.arange(len(contents) + 1)).tolist()
    return [words[low:high] for low, high in pairwise(bounds)]


def _questions(contents: Contents) -> list[Any]:
    """The question and the context of each content."""
    return list(zip(contents.values["question"], contents.values["context"], strict=True))


def _options(contents: Contents) -> list[Any]:
    """The premise, with the question after it if there is one, and the choices of each content."""
    rows = zip(*(contents.values[name] for name in choices_of(contents)), strict=True)
    options = ([text for text in row if text is not None] for row in rows)
    return list(zip(asked_of(contents), options, strict=True))


# ---------------------------------------------------------------------------------------- what it returned, one by one

Row = Target | Array
"""An answer, or the scores of the task's labels, or of the choices."""


def _label(function: Function, labels: Mapping[str, str], of: TaskSpec, item: Any, value: Any) -> Row:
    if isinstance(value, str):
        return Choice(of.labels.index(_known(function, labels, item, value)))
    names = list(labels)[: len(of.labels)]
    if isinstance(value, Mapping):
        for name in value:
            _known(function, labels, item, name)
        value = [value.get(name, value.get(labels[name])) for name in names]
    scores, order = _scores(function, item, value, len(names)), [labels[name] for name in names]
    return scores[[order.index(label) for label in of.labels]]


def _tags(function: Function, labels: Mapping[str, str], _: TaskSpec, item: Any, value: Any) -> Row:
    names = list(value) if isinstance(value, Iterable) and not isinstance(value, str) else [value]
    if len(names) != len(item):
        raise function.wrong(f"{len(names)} tags for {len(item)} words: {shown(item)}.")
    return Tags(tuple(_known(function, labels, item, name) for name in names))


def _span(function: Function, _: Mapping[str, str], __: TaskSpec, item: Any, value: Any) -> Row:
    context = item[1]
    if value is None or value == "":
        return Answers(())
    if isinstance(value, str):
        start = context.find(value)
        if start < 0:
            raise function.wrong(f"the answer {shown(value)}, which is not in the context: {shown(context)}.")
        return Answers((Span(start, start + len(value)),))
    ends = np.asarray(value)
    if ends.shape != (2,) or ends.dtype.kind not in "iu" or not 0 <= ends[0] < ends[1] <= len(context):
        raise function.wrong(f"{shown(value)}, which is no text and no span (start, stop) of: {shown(context)}.")
    return Answers((Span(int(ends[0]), int(ends[1])),))


def _choice(function: Function, _: Mapping[str, str], __: TaskSpec, item: Any, value: Any) -> Row:
    count = len(item[1])
    if isinstance(value, (int, np.integer)):
        if not 0 <= value < count:
            raise function.wrong(f"the index {value} of {count} choices: {shown(item)}.")
        return Choice(int(value))
    return _scores(function, item, value, count)


def _known(function: Function, labels: Mapping[str, str], item: Any, name: Any) -> str:
    """The task's label that a name is of."""
    if name not in labels:
        raise function.wrong(f"the label {shown(name)} for {shown(item)}. Known: {', '.join(labels)}.")
    return labels[name]


def _scores(function: Function, item: Any, value: Any, count: int) -> Array:
    """Scores (count,) float64."""
    scores = _numbers(function, item, value)
    if scores.shape != (count,) or not quantised(scores)[1].all():
        what = f"{shown(value)} for {shown(item)}, which is no label's name or index, and not {count} finite scores"
        raise function.wrong(f"{what}.")
    return scores


def _numbers(function: Function, item: Any, value: Any) -> Array:
    try:
        return np.asarray(value, np.float64)
    except (TypeError, ValueError, RuntimeError) as error:
        raise function.wrong(f"{shown(value)} for {shown(item)}, which is no array of numbers.") from error


Read = Callable[[Function, Mapping[str, str], TaskSpec, Any, Any], Row]
_KINDS: Final[Mapping[str, tuple[Callable[[Contents], list[Any]], Read]]] = {
    CLASSIFICATION.name: (_texts, _label),
    TAGGING.name: (_words, _tags),
    SPAN_QA.name: (_questions, _span),
    CHOICE.name: (_options, _choice),
}
"""By family, what a function gets of contents, and what is read of its results."""


@final
@dataclass(frozen=True, slots=True)
class FunctionAnswers:
    """The predictor of a task that a function answers by itself; `labels` has the task's label of each name."""

    function: Function
    task: TaskSpec
    labels: Mapping[str, str]
    unknown: int | None = None

    def prepare(self, contents: Contents) -> Inputs:
        """An input without windows for each content."""
        return inputs_of(contents, plain([]))

    def tokens(self, _: Iterable[str], __: Lexicon | None = None) -> None:
        """None: there is no tokenizer."""

    def answer(self, inputs: Inputs, work: Work) -> Predicted:
        """The answers to the inputs, from the cache where the function has a version. Raises ModelError."""
        store = work.store if self.function.version else None
        return answered(store, inputs, lambda left: _decoded(self._rows(left, work)), work.advance)

    def weigh(self, inputs: Inputs, weighing: Weighing, work: Work) -> PredictedMargins:
        """The answers with the margins of the gold ones: 0 where the function gives no scores."""

        def compute(left: Inputs) -> tuple[Decoded, Array]:
            rows = self._rows(left, work)
            return _decoded(rows), _margins(rows, left, weighing)

        return answered_with_margins(work.store if self.function.version else None, inputs, weighing, compute)

    def _rows(self, inputs: Inputs, work: Work) -> list[Row]:
        given, read = _KINDS[self.task.family]
        every = given(inputs.contents)
        rows: list[Row] = []
        for batch, result in self.function.parts([every[content] for content in inputs.content.tolist()], work.advance):
            values = list(result) if isinstance(result, Iterable) and not isinstance(result, (str, Mapping)) else []
            if len(values) != len(batch):
                raise self.function.wrong(
                    f"{shown(result)} for {len(batch)} inputs: it must give {len(batch)} results."
                )
            rows += [read(self.function, self.labels, self.task, *each) for each in zip(batch, values, strict=True)]
        return rows


def _decoded(rows: Sequence[Row]) -> Decoded:
    """Answers; of scores the best, the first of equal ones."""
    targets = [Choice(int(quantised(row)[0].argmax())) if isinstance(row, np.ndarray) else row for row in rows]
    return Decoded(column_of(targets), np.ones(len(rows), np.bool_))


def _margins(rows: Sequence[Row], inputs: Inputs, weighing: Weighing) -> Array:
    """How far the gold answers are ahead (n,) int64: a class has a score in its input's window, a choice a window."""
    scores = [row for row in rows if isinstance(row, np.ndarray)]
    if not scores or len(scores) < len(rows):
        return np.zeros(len(rows), np.int64)
    if inputs.contents.values.keys() & {"choice1"}:
        of, whole = np.array(list(map(len, scores))), np.concatenate(scores)[:, None]
    else:
        of, whole = np.ones(len(rows), np.int64), np.stack(scores)
    windows = replace(plain([()] * len(whole)), example=np.repeat(inputs.content, of))
    parts = weighing.part(windows, whole, range(whole.shape[1]))
    return weighing.margin(inputs.content, bounds_of(of), parts)


@final
@dataclass(frozen=True, slots=True)
class FunctionSearch:
    """The predictor of a task with a pool, by the vectors that a function gives of its texts."""

    function: Function
    unknown: int | None = None

    def prepare(self, contents: Contents) -> Inputs:
        """An input without windows for each query."""
        return inputs_of(contents, plain([]))

    def tokens(self, _: Iterable[str], __: Lexicon | None = None) -> None:
        """None: there is no tokenizer."""

    def answer(self, inputs: Inputs, work: Work) -> Predicted:
        """The documents of each query. Raises ModelError."""
        return found(self._vectors(work), inputs)

    def weigh(self, inputs: Inputs, weighing: Weighing, work: Work) -> PredictedMargins:
        """The documents of each query, and how far the best gold one is ahead. Raises Mismatch for mined pairs."""
        return found_with_margins(self._vectors(work, {CANDIDATE: weighing.pool}), inputs, weighing)

    def vectors(self, values: Sequence[str], work: Work) -> Array:
        """The vectors of texts (n, D), of length 1, without a prompt."""
        return _OfFunction(self.function, work).vectors("", values).astype(np.float64)

    def _vectors(self, work: Work, known: dict[str, StoredVectors] | None = None) -> Vectors:
        kept = work if self.function.version else replace(work, store=None)
        return Vectors(_OfFunction(self.function, work), kept, known or {})


@final
@dataclass(frozen=True, slots=True)
class _OfFunction:
    """The vectors that a function gives, scaled to length 1, so that products are cosines."""

    function: Function
    work: Work

    def width(self, values: Sequence[str]) -> int:
        return self.vectors("", values[:1]).shape[1]

    def vectors(self, name: str, values: Sequence[str]) -> Array:
        prompt = dict(self.function.prompts).get(name, "")
        parts: list[Array] = []

        def advance(_: int) -> None:
            self.work.watch(f"{sum(map(len, parts)):,} of {len(values):,} texts of {name or 'an attack'} have vectors")

        for batch, result in self.function.parts([prompt + value for value in values], advance):
            part = _numbers(self.function, batch, result)
            width = parts[0].shape[1] if parts else part.shape[-1] if part.ndim else 0
            if part.shape != (len(batch), width) or not width:
                what = f"an array of shape {part.shape} for {len(batch)} texts"
                raise self.function.wrong(f"{what}: it must be ({len(batch)}, {width or 'dimensions'}).")
            if not (finite := np.isfinite(part).all(axis=1)).all():
                raise self.function.wrong(f"NaN or infinity for {shown(batch[int(finite.argmin())])}.")
            length = np.linalg.norm(part, axis=1, keepdims=True)
            parts.append((part / np.where(length == 0, 1, length)).astype(np.float32))
        return np.concatenate(parts)

    def nearest(self, queries: Array, candidates: Array, k: int) -> Neighbours:
        return search(queries.astype(np.float32), candidates, k, device=CPU)


def _predictor(model: Located, task: TaskSpec, _: Load) -> Predictor:
    function = model.origin.function
    assert function is not None
    if task.pool is not None:
        return FunctionSearch(function)
    named = dict(zip(model.classes, model.labels, strict=True))
    return FunctionAnswers(function, task, {**named, **{name: name for name in task.labels if name not in named}})


functions = Making(
    name="functions",
    summary="A function of the user, in the process that has it.",
    serves=lambda model, _: model.origin.function is not None,
    make=_predictor,
)
