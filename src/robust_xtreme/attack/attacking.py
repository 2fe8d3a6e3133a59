"""Attacks the examples of a task run under all its attack conditions at once, before the results are predicted.

Also the model under attack, as an attack knows it: how right its answers to candidates are.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from typing import Any, Final

import numpy as np

from robust_xtreme.attack import engine, goals
from robust_xtreme.attack.constraints import Cosines, acceptable, allowed, calibrated
from robust_xtreme.attack.goals import AnswerScores, Ask, Goal
from robust_xtreme.core import registry
from robust_xtreme.core.columns import Choices, ExampleColumns, Ranges, TargetColumn, column_of, parts_as_bytes, written
from robust_xtreme.core.edits import Array, Edit, ragged
from robust_xtreme.core.examples import Example
from robust_xtreme.core.metric import Metric, Responses
from robust_xtreme.core.randomness import salt, text_keys
from robust_xtreme.core.specs import PerturbationSpec, TaskSpec
from robust_xtreme.models.predictors.predictor import PredictedMargins, Predictor, Weighing
from robust_xtreme.models.reading.reading import Candidates, Inputs, Reduced, contents_of
from robust_xtreme.models.reading.windows import Windows
from robust_xtreme.models.retrieval.embeddings import StoredVectors
from robust_xtreme.noise.engine.attack import Settings, moves_of, settings_of
from robust_xtreme.noise.engine.noised import FieldTexts, PerturbedExamples, field_texts, untouched
from robust_xtreme.noise.engine.noising import bound
from robust_xtreme.noise.engine.options import EditOptions, applied, options_of, probes_of
from robust_xtreme.noise.engine.perturbation import Bound

AT_ONCE: Final = 4096
"""Candidates whose answers are asked for at once: so many texts are in memory."""


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """What may be edited in one example.

    `options` (k,) are the numbers of the problem's edits among those of the campaign, and edit i is in field `field[i]`
    (k,). Of the fields (f,) `text` has the numbers of the texts, `first` (f + 1,) those of their first units.
    """

    problem: engine.Problem
    options: Array
    field: Array
    text: Array
    first: Array


@dataclass(frozen=True, slots=True, eq=False)
class Campaign:
    """The examples under attack, the texts of their fields, the edits possible there, and those that hide a unit."""

    examples: Sequence[Example]
    fields: FieldTexts
    options: EditOptions
    hidden: EditOptions

    def items(self, strength: str, settings: Settings, seeds: Array) -> list[Item]:
        """What may be edited in each example (n), whose draws have the `seeds` (n,) uint64, at a strength."""
        return [self._item(row, strength, settings, seed) for row, seed in enumerate(seeds.tolist())]

    def _item(self, row: int, strength: str, settings: Settings, seed: int) -> Item:
        texts = np.array([numbers[row] for numbers in self.fields.numbers.values()], np.int64)
        there = texts[texts >= 0]
        bounds = self.options.bounds
        sizes = bounds[there + 1] - bounds[there]
        options, field = ragged(bounds[there], sizes), np.repeat(np.flatnonzero(texts >= 0), sizes)
        units = np.where(texts >= 0, self.options.units[texts], 0)
        first = np.concatenate(([0], np.cumsum(units)))
        clusters, share = int(self.options.clusters[there].sum()), settings.max_graphemes
        problem = engine.Problem(
            self.options.unit[options] + first[field],
            self.options.reach[options],
            self.options.graphemes[options],
            int(Decimal(strength) * int(first[-1])),
            None if share is None else int(Decimal(share) * clusters),
            settings.queries,
            seed,
            settings.graded,
        )
        return Item(problem, options, field, texts, first)

    def candidates(self, items: Sequence[Item], asked: Sequence[tuple[int, engine.Question]]) -> PerturbedExamples:
        """The examples of questions, each with the row of its example; a text that an example shares is a copy."""
        numbers, copies = self.fields.copied([row for row, _ in asked])
        picked: list[Sequence[int]] = []
        for row, question in asked:
            edits = self._edits(items[row], question)
            picked += [edits.get(field, ()) for field in np.flatnonzero(items[row].text >= 0).tolist()]
        noised = applied(self.fields.texts, self.options.with_others(self.hidden), copies, picked)
        return PerturbedExamples([self.examples[row] for row, _ in asked], noised, numbers)

    def edits(self, item: Item, state: engine.State) -> list[Edit]:
        """The edits of a state, in the order of their fields and positions."""
        names, table = list(self.fields.numbers), self.options
        return [
            Edit(
                names[int(item.field[option])],
                int(table.start[number]),
                int(table.stop[number]),
                table.values[number],
                table.operators[int(table.operator[number])],
                int(table.graphemes[number]),
            )
            for option, number in zip(state, item.options[list(state)].tolist(), strict=True)
        ]

    def _edits(self, item: Item, question: engine.Question) -> Mapping[int, Sequence[int]]:
        """The edits that a question makes in each field, by their numbers among all."""
        if isinstance(question, engine.Hidden):
            field = int(np.searchsorted(item.first, question.unit, "right")) - 1
            text, unit = int(item.text[field]), question.unit - int(item.first[field])
            low, high = self.hidden.bounds[text : text + 2].tolist()
            at = low + int(np.searchsorted(self.hidden.unit[low:high], unit))
            is_there = at < high and self.hidden.unit[at] == unit  # else a span would be lost
            return {field: (len(self.options) + at,) if is_there else ()}
        edits: dict[int, list[int]] = {}
        for option in question:
            edits.setdefault(int(item.field[option]), []).append(int(item.options[option]))
        return edits


@dataclass(frozen=True, slots=True, eq=False)
class AttackRecord:
    """What became of n examples under attack: `queries` (n,) int64, `first` (n,) int64, the queries up to the first
    success, 0 where there is none; `skipped` (n,) bool: its clean answer is wrong, or its gold class is the target;
    `allowed` (n,) int64: the units that may change, 0 where no edit fits; `edits` (n): those of the result.
    """

    queries: Array
    first: Array
    skipped: Array
    allowed: Array
    edits: Sequence[Sequence[Edit]]


@dataclass(frozen=True, slots=True, eq=False)
class Attacked:
    """The examples as an attack left them, and its record; None where it was an attack on another model."""

    shown: PerturbedExamples
    record: AttackRecord | None = None


@dataclass(frozen=True, slots=True, eq=False)
class AttackPlan:
    """An attack that is to be run: its campaign, the items of its examples, and its search.

    `accepts` says which candidates (n,) bool may be asked: a constraint lets no other through.
    """

    campaign: Campaign
    items: Sequence[Item]
    search: engine.Search
    accepts: Callable[[PerturbedExamples], Array] = lambda shown: np.ones(len(shown), np.bool_)

    @property
    def graded(self) -> bool:
        """Whether the search sees margins."""
        return all(item.problem.graded for item in self.items[:1])


def attacked(
    examples: Sequence[Example], plans: Sequence[AttackPlan], ask: Ask, watch: Callable[[int, int], None]
) -> list[Attacked]:
    """The examples under each of several attacks, whose rounds are asked together; wrong clean ones are skipped."""
    clean = ask(PerturbedExamples(examples, untouched(()), {}))
    right = np.flatnonzero(clean.right & clean.finite).tolist()
    owners = [(plan, row) for plan in plans for row in right]
    scored = [(plan, plan.items[row].problem, _score(clean, row, plan.graded)) for plan, row in owners]
    attempts = [engine.Attempt(problem, plan.search, score) for plan, problem, score in scored]
    outcomes = iter(engine.run(attempts, _Rounds(owners, ask).submit, watch))
    return [_left(plan, right, [next(outcomes) for _ in right]) for plan in plans]


def _left(plan: AttackPlan, right: Sequence[int], outcomes: Sequence[engine.SearchOutcome]) -> Attacked:
    """What an attack left of all examples."""
    count = len(plan.items)
    by_row = dict(zip(right, outcomes, strict=True))
    none = engine.SearchOutcome((), 0, 0)
    every = [by_row.get(row, none) for row in range(count)]
    shown = plan.campaign.candidates(plan.items, [(row, outcome.state) for row, outcome in enumerate(every)])
    skipped = np.ones(count, np.bool_)
    skipped[right] = False
    columns = ([getattr(outcome, name) for outcome in every] for name in ("queries", "first"))
    queries, first = (np.array(column, np.int64) for column in columns)
    problems = [item.problem for item in plan.items]
    allowed = np.array([problem.most_units if problem.units() else 0 for problem in problems], np.int64)
    edits = [plan.campaign.edits(item, outcome.state) for item, outcome in zip(plan.items, every, strict=True)]
    return Attacked(shown, AttackRecord(queries, first, skipped, allowed, edits))


class _Rounds:
    """Answers the questions of rounds; a candidate that was asked before is not asked again."""

    def __init__(self, owners: Sequence[tuple[AttackPlan, int]], ask: Ask) -> None:
        self._owners, self._ask = owners, ask
        self._known: dict[tuple[object, ...], engine.Answer] = {}

    def submit(self, questions: Sequence[tuple[int, engine.Question]]) -> list[engine.Answer | None]:
        """The answers to questions, each with the number of its attempt."""
        answers: list[engine.Answer | None] = [None] * len(questions)
        numbers: dict[int, list[int]] = {}
        for at, (attempt, _) in enumerate(questions):
            numbers.setdefault(id(self._owners[attempt][0]), []).append(at)
        for several in numbers.values():
            for start in range(0, len(several), AT_ONCE):
                chosen = several[start : start + AT_ONCE]
                for at, answer in zip(chosen, self._answered([questions[at] for at in chosen]), strict=True):
                    answers[at] = answer
        return answers

    def _answered(self, questions: Sequence[tuple[int, engine.Question]]) -> Iterator[engine.Answer | None]:
        """The answers to questions of one attack; None to those that are not accepted."""
        plan = self._owners[questions[0][0]][0]
        rows = [(self._owners[attempt][1], question) for attempt, question in questions]
        shown = plan.campaign.candidates(plan.items, rows)
        keys = [(row, content) for (row, _), content in zip(rows, _contents(shown), strict=True)]
        asked = np.array([isinstance(each, engine.Hidden) for _, each in questions], np.bool_)
        states = np.flatnonzero(~asked)
        asked[states] = plan.accepts(shown.take(states))
        new = {key: at for at, key in reversed(list(enumerate(keys))) if asked[at] and key not in self._known}
        chosen = sorted(new.values())
        if chosen:
            answers = self._ask(shown.take(np.array(chosen)))
            self._known.update((keys[at], _answer(answers, number)) for number, at in enumerate(chosen))
        for key, is_asked in zip(keys, asked.tolist(), strict=True):
            answer = self._known[key] if is_asked else None
            if answer and not plan.graded:  # the search sees no margins
                answer = replace(answer, score=answer.score._replace(margin=0))
            yield answer


def _contents(shown: PerturbedExamples) -> Iterator[tuple[object, ...]]:
    """What a model reads of each candidate in the fields under attack: texts, and the bounds of their spans."""
    noised = shown.noised
    ends = np.stack((noised.spans.start, noised.spans.stop), axis=1).astype(np.int32)
    spans = parts_as_bytes(ends, np.searchsorted(noised.spans.text, np.arange(len(noised) + 1)))
    texts = [*zip(noised.values, spans, strict=True), None]  # the last for a text that is not there
    return zip(*([texts[number] for number in column.tolist()] for column in shown.numbers.values()), strict=True)


def _score(answers: AnswerScores, row: int, graded: bool = True) -> engine.Score:
    return engine.Score(float(answers.level[row]), int(answers.margin[row]) if graded else 0)


def _answer(answers: AnswerScores, row: int) -> engine.Answer:
    """The answer to a candidate; where its scores are not numbers it counts as right, and as the best there is."""
    if not answers.finite[row]:
        return engine.Answer(engine.Score(float("inf"), 0), True)
    return engine.Answer(_score(answers, row), bool(answers.right[row]))


# From an attack as it is named to what it does: the moves on examples, their limits, a search and its constraints.

HIDDEN: Final = {"unk": "[UNK]", "delete": ""}
"""What is put for a unit that is hidden, by ranking; TextAttack puts [UNK] for a word, whatever the tokenizer."""


def plan_of(
    examples: Sequence[Example], attack: PerturbationSpec, seed: int, cosines: Cosines | None = None
) -> AttackPlan:
    """What an attack on named fields of examples is to do under a noise seed; a floor of similarity needs `cosines`."""
    (link,) = bound(attack)
    settings = settings_of(link)
    fields = field_texts(examples, attack.fields)
    options = allowed(fields.texts, options_of(fields.texts, moves_of(link), seed), settings)
    campaign = Campaign(examples, fields, options, probes_of(fields.texts, HIDDEN[settings.ranking]))
    items = campaign.items(link.strength, settings, seeds_of(link, seed, examples))
    similarity = calibrated(fields, cosines) if settings.similar and cosines else None
    accepts = partial(acceptable, settings=settings, similarity=similarity)
    return AttackPlan(campaign, items, registry.load("search", settings.search), accepts)


def seeds_of(link: Bound, seed: int, examples: Sequence[Example]) -> Array:
    """What the draws of an attack on each example are hashed from (n,) uint64; budgets and strengths have the same."""
    common = salt(str(seed), link.perturbation.name, str(link.perturbation.version))
    return text_keys(common, [example.id for example in examples])


Weigh = Callable[[Inputs, Weighing], PredictedMargins]
"""Predictions and margins of inputs."""

_FIRST: Final = "retrieval_accuracy"
"""The metric of documents under attack: whether a gold one is first."""


def victim(task: TaskSpec, predictor: Predictor, weigh: Weigh, pool: Candidates | None) -> Callable[[str], Ask]:
    """The model of a task, `pool` being the candidates of a search, under attacks with a target ("": none)."""
    goal: Goal = registry.load("goal", task.family)
    named = task.metrics if pool is None else (_FIRST,)
    exact = next((name for name in named if name.endswith("_em")), named[0])  # by which an answer is right or not
    metrics: list[Metric] = [registry.load("metric", name) for name in (named[0], exact)]
    known = StoredVectors()

    def ask(target: int | None, shown: PerturbedExamples) -> AnswerScores:
        examples = list(shown)
        golds = column_of([example.target for example in examples])
        wanted = golds if target is None else Choices(np.full(len(examples), target))
        inputs = predictor.prepare(contents_of(examples))
        if pool is not None:
            inputs = replace(inputs, pool=np.zeros(len(inputs), np.int64), pools=(pool,))
        weighed = weigh(inputs, _weighing(goal, wanted, known))
        predicted, margin = weighed.predicted.targets, weighed.margin
        if isinstance(predicted, Ranges):  # where the gold answer is in no window there is none
            predicted = predicted.without(inputs.lost[inputs.content])
        if target is None:
            level, right = _levels(shown, predicted, metrics)
        else:
            (level, right), margin = _aimed(predicted, golds, target, not shown.numbers), -margin
        finite = weighed.predicted.finite
        return AnswerScores(np.where(finite, level, 1.0), right | ~finite, np.where(finite, margin, 0), finite)

    labels = task.labels
    return lambda target: partial(ask, labels.index(target) if target else None)


def _aimed(predicted: TargetColumn, golds: TargetColumn, target: int, are_clean: bool) -> tuple[Array, Array]:
    """As `_levels`, where an attack aims at one class: any other is right, of clean answers only the gold ones."""
    assert isinstance(predicted, Choices)
    assert isinstance(golds, Choices)
    missed = predicted.index != target
    right = missed & (predicted.index == golds.index) if are_clean else missed
    return missed.astype(np.float64), right


def _weighing(goal: Goal, golds: TargetColumn, pool: StoredVectors) -> Weighing:
    def part(windows: Windows, scores: Array, meanings: Sequence[Any]) -> Reduced:
        return goal.part(windows, scores, meanings, golds)

    def margin(content: Array, bounds: Array, parts: Reduced) -> Array:
        return goal.margin(bounds, parts, golds.take(content))

    return Weighing(part, margin, written(golds), goals.settings_of(goal), pool)


def _levels(shown: PerturbedExamples, predicted: TargetColumn, metrics: Sequence[Metric]) -> tuple[Array, Array]:
    """How right each answer is (n,), from 0 to 1 by the headline metric, and whether it counts as right (n,) bool."""
    clean = ExampleColumns(shown.clean)
    golds = clean.targets
    if isinstance(golds, Choices) and isinstance(predicted, Choices):
        same = golds.index == predicted.index
        return same.astype(np.float64), same
    perturbed = ExampleColumns(shown, clean, shown) if shown.numbers else clean
    responses = Responses(clean, perturbed, predicted, shown.restored(predicted))
    level, exact = (_alone(metric, responses) for metric in metrics)
    return level, exact >= 1


def _alone(metric: Metric, responses: Responses) -> Array:
    """The metric of each example alone (n,), from 0 to 1; 1 where there is nothing to get right or wrong."""
    values = metric.everywhere(responses)
    alone = np.asarray(metric.reduce(values)) / 100.0
    return np.where(values.any(axis=1), alone, 1.0)
