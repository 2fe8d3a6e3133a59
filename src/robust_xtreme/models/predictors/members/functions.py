"""Functions of the user: what each gets of the contents of a task, and what is read of its results, which are checked.

They are asked in the thread that answers workers, one batch at a time, and read no tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import Any, Final

import numpy as np

from robust_xtreme.core.columns import Array, bounds_of, column_of
from robust_xtreme.core.edits import covered
from robust_xtreme.core.errors import ModelError, shown
from robust_xtreme.core.examples import (
    CHOICE,
    CLASSIFICATION,
    SPAN_QA,
    TAGGING,
    Answers,
    Choice,
    Span,
    Tags,
    Target,
    mark_entities,
    tags_to_iob2,
)
from robust_xtreme.core.specs import TaskSpec
from robust_xtreme.models.folder import Located
from robust_xtreme.models.functions import Function, is_ordered
from robust_xtreme.models.predictors import predictor as asking
from robust_xtreme.models.predictors.members.encoder_head import Retrieval
from robust_xtreme.models.reading.members.labelled import asked_of, choices_of
from robust_xtreme.models.reading.members.retrieval import Prompts
from robust_xtreme.models.reading.reading import Contents, Decoded, Inputs, inputs_of, quantised
from robust_xtreme.models.reading.tokens import Lexicon
from robust_xtreme.models.reading.windows import plain
from robust_xtreme.models.retrieval.embeddings import unit_rows

Row = Target | Array
"""An answer, or scores of the task's labels or of the choices, or a vector."""


@dataclass(frozen=True, slots=True)
class FunctionAnswers:
    """The predictor of a task that a function answers; `labels` has the task's label of each name, those given first.

    Of a task with a pool it gives the vectors, of texts after `prompts`.
    """

    function: Function
    task: TaskSpec
    labels: Mapping[str, str]
    prompts: Prompts
    weights_of: Callable[[], asking.Weights] = asking.nowhere
    can_move: bool = False
    unknown: int | None = None
    by_cosine: bool = True

    def prepare(self, contents: Contents) -> Inputs:
        """An input without windows for each content."""
        return inputs_of(contents, plain([]))

    def tokens(self, _: Iterable[str], __: Lexicon | None = None) -> None:
        """None: there is no tokenizer."""

    def moved(self, weights_of: Callable[[], asking.Weights]) -> FunctionAnswers:
        """The same predictor, whose function is asked where the weights are."""
        return replace(self, weights_of=weights_of)

    def answer(self, inputs: Inputs, work: asking.Work) -> asking.Predicted:
        """The answers, from the cache or asked. Raises ModelError."""
        compute = partial(self._answered, None, work)
        return asking.from_cache(
            work.store, self.task.family, self.task.labels, inputs, compute, work.advance
        ).predicted

    def weigh(self, inputs: Inputs, weighing: asking.Weighing, work: asking.Work) -> asking.PredictedMargins:
        """The answers, with the margins of the gold ones: 0 where the function gives no scores."""
        compute = partial(self._answered, weighing, work)
        return asking.from_cache(work.store, self.task.family, self.task.labels, inputs, compute, weighing=weighing)

    def _answered(self, weighing: asking.Weighing | None, work: asking.Work, inputs: Inputs) -> tuple[Decoded, Array]:
        given, read = _KINDS[self.task.family]
        every = given(inputs.contents)
        rows = self._rows([every[content] for content in inputs.content.tolist()], read, work.advance)
        scores = [row for row in rows if isinstance(row, np.ndarray)]
        margin = np.zeros(len(rows), np.int64)
        if weighing and scores and len(scores) == len(rows):
            margin = _margin(scores, inputs.content, self.task.family == CHOICE.name, weighing)
        best = (Choice(int(row.argmax())) if isinstance(row, np.ndarray) else row for row in rows)
        return Decoded(column_of(list(best)), np.ones(len(rows), np.bool_)), margin

    def _rows(self, items: Sequence[Any], read: Read, advance: Callable[[int], None]) -> list[Row]:
        """What is read of the function's result for each item, which is asked in batches."""
        rows: list[Row] = []
        for start in range(0, len(items), self.function.batch_size):
            batch = items[start : start + self.function.batch_size]
            where: Any = self.weights_of()  # in the process of the function, where the weights of others would be
            results = where.call(partial(self.function.results, batch))
            with self.function.raising_one_line():  # a result can be a generator or an object of the user
                rows += [read(self, item, result) for item, result in zip(batch, results, strict=True)]
            advance(len(batch))
        return rows

    def vectors(self, values: Sequence[str], work: asking.Work) -> Array:
        """The vectors of texts (n, D), of length 1, without a prompt."""
        return self._vectors("", values, work)

    def width(self, values: Sequence[str]) -> int:
        """The number of dimensions, for which the function is asked for the vector of the first text."""
        return int(self._vectors("", values[:1], asking.Work(0)).shape[1])

    def embedded(self, name: str, values: Sequence[str], work: asking.Work, _: Lexicon | None) -> Array:
        """The vectors of texts of a field (n, D) after its prompt."""
        return self._vectors(name, self.prompts.before(name, values), work)

    def _vectors(self, name: str, values: Sequence[str], work: asking.Work) -> Array:
        """The vectors of texts (n, D), scaled to length 1: products are cosines."""
        done = [0]

        def advance(count: int) -> None:
            done[0] += count
            work.watch(f"{done[0]:,} of {len(values):,} texts of {name} have vectors")

        rows = self._rows(values, FunctionAnswers.numbers, advance)
        widths = sorted({len(row) for row in rows if isinstance(row, np.ndarray)})
        if len(widths) > 1:
            raise self.wrong(f"vectors of {' and of '.join(map(str, widths))} dimensions.")
        whole = unit_rows(np.array(rows)).astype(np.float32)
        if len(rows) > 1 and not whole.any():
            raise self.wrong(f"vectors of zeros alone for {len(rows)} texts.")
        return whole

    def known(self, item: Any, name: Any) -> str:
        """The task's label that a name is of. Raises ModelError."""
        if not isinstance(name, str) or name not in self.labels:
            raise self.wrong(f"the label {shown(name)} for {shown(item)}. Known: {', '.join(self.labels)}.")
        return self.labels[name]

    def wrong(self, what: str) -> ModelError:
        """The error of a result."""
        return ModelError(f"{self.task.name}: {self.function.name} gave {what}")

    def numbers(self, item: Any, value: Any, count: int | None = None, of: str = "a vector of numbers") -> Array:
        """A result as finite numbers (count,) float64, however many where `count` is None. Raises ModelError."""
        try:
            is_real = not np.iscomplexobj(value) and not isinstance(value, np.ma.MaskedArray)
            numbers = np.asarray(value, np.float64) if is_real else np.zeros(())
        except (TypeError, ValueError, RuntimeError):
            numbers = np.zeros(())
        wanted = count if count is not None else max(1, numbers.size)
        if numbers.shape != (wanted,):
            raise self.wrong(f"{shown(value)} for {shown(item)}, which is not {of}.")
        if not quantised(numbers)[1].all():
            raise self.wrong(f"NaN, infinity or a number above 9e11 for {shown(item)}.")
        exact = np.asarray(value)
        if (exact.dtype.kind != "f" or exact.itemsize > 8) and len({*exact.tolist()}) > len({*numbers.tolist()}):
            raise self.wrong(f"numbers for {shown(item)} that are equal as float64: {shown(value)}.")
        return numbers


def _margin(scores: Sequence[Array], content: Array, alone: bool, weighing: asking.Weighing) -> Array:
    """How far the gold answers are ahead (n,) int64, of scores of which each, if `alone`, has a window of its own."""
    counts = np.array([len(row) if alone else 1 for row in scores])
    whole = np.concatenate(scores)[:, None] if alone else np.stack(scores)
    windows = replace(plain([()] * len(whole)), example=np.repeat(content, counts))
    parts = weighing.part(windows, whole, range(whole.shape[1]))
    return weighing.margin(content, bounds_of(counts), parts)


def _texts(contents: Contents) -> list[Any]:
    """The text of each content, or its texts."""
    rows = ([text for text in row if text is not None] for row in zip(*contents.values.values(), strict=True))
    return [row[0] if len(row) == 1 else tuple(row) for row in rows]


def _words(contents: Contents) -> list[Any]:
    """The words of each content."""
    ((name, values),) = contents.values.items()
    words = covered([value or "" for value in values], contents.spans[name])
    bounds = np.searchsorted(contents.spans[name].text, np.arange(len(contents) + 1)).tolist()
    return [words[low:high] for low, high in pairwise(bounds)]


def _options(contents: Contents) -> list[Any]:
    """The premise, with the question after it if there is one, and the choices of each content."""
    rows = zip(*(contents.values[name] for name in choices_of(contents)), strict=True)
    return list(zip(asked_of(contents), ([text for text in row if text is not None] for row in rows), strict=True))


def _label(of: FunctionAnswers, item: Any, value: Any) -> Row:
    """A label, or the scores of the labels in the task's order."""
    if isinstance(value, str):
        return Choice(of.task.labels.index(of.known(item, value)))
    names = list(of.labels)[: len(of.task.labels)]
    value = value._asdict() if hasattr(value, "_asdict") else value  # of a named tuple
    scores = dict(value.items()) if hasattr(value, "items") else {}  # of a dict, or of a row of pandas
    if isinstance(value, Mapping) or any(isinstance(name, str) for name in scores):
        by_label = {of.known(item, name): score for name, score in scores.items()}
        if missing := [name for name in names if of.labels[name] not in by_label]:
            raise of.wrong(f"no score of {', '.join(missing)} for {shown(item)}.")
        value = [by_label[of.labels[name]] for name in names]
    order, what = [of.labels[name] for name in names], f"a label ({', '.join(names)}), nor {len(names)} scores"
    return of.numbers(item, value, len(names), what)[[order.index(label) for label in of.task.labels]]


def _tags(of: FunctionAnswers, item: Any, value: Any) -> Row:
    if not is_ordered(value):
        raise of.wrong(f"{shown(value)} for {shown(item)}, which is not a list of tags.")
    # a name that is no text is refused as its text
    names = tags_to_iob2([*map(str, value)]) if mark_entities(of.task.labels) else [*value]
    if len(names) != len(item):
        raise of.wrong(f"{len(names)} tags for {len(item)} words: {shown(item)}.")
    return Tags(tuple(of.known(item, name) for name in names))


_PART: Final = "a part of the context, nor its start and stop, nor None"


def _span(of: FunctionAnswers, item: Any, value: Any) -> Row:
    """A part of the context: its first occurrence, or its start and stop."""
    context = item[1]
    if value is None or (isinstance(value, str) and not value):
        return Answers(())
    start = context.find(value) if isinstance(value, str) else -1
    ends = (start, start + len(value)) if isinstance(value, str) else tuple(of.numbers(item, value, 2, _PART))
    if not 0 <= ends[0] < ends[1] <= len(context) or any(end != int(end) for end in ends):
        raise of.wrong(f"the answer {shown(value)}, which is not in the context {shown(context)}.")
    return Answers((Span(int(ends[0]), int(ends[1])),))


def _choice(of: FunctionAnswers, item: Any, value: Any) -> Row:
    """The index of a choice, or scores of all."""
    if not isinstance(value, (int, np.integer)):
        return of.numbers(item, value, len(item[1]), f"the index of a choice, nor {len(item[1])} scores")
    if not 0 <= value < len(item[1]):
        raise of.wrong(f"the index {value} of {len(item[1])} choices: {shown(item)}.")
    return Choice(int(value))


Read = Callable[[FunctionAnswers, Any, Any], Row]
_KINDS: Final[Mapping[str, tuple[Callable[[Contents], list[Any]], Read]]] = {
    CLASSIFICATION.name: (_texts, _label),
    TAGGING.name: (_words, _tags),
    SPAN_QA.name: (lambda of: list(zip(of.values["question"], of.values["context"], strict=True)), _span),
    CHOICE.name: (_options, _choice),
}
"""By family, what a function gets of contents, and what is read of a result."""


def _predictor(model: Located, task: TaskSpec, _: asking.Load) -> asking.Predictor:
    assert model.origin.function
    named = dict(zip(model.classes, model.labels, strict=True))
    labels = {**named, **{label: label for label in task.labels if label not in named}}
    predictor = FunctionAnswers(model.origin.function, task, labels, model.prompts or Prompts())
    return predictor if task.pool is None else Retrieval(predictor)


functions = asking.Making(
    name="functions",
    summary="A function of the user, in the process that has it.",
    serves=lambda model, _: bool(model.origin.function and not model.origin.function.ranks and not model.reranker),
    make=_predictor,
)
