"""An attack on a pasted text: what a model answers to it, and to what the attack makes of it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, Self

from robust_xtreme.attack.attacking import Attacked, victim
from robust_xtreme.core import registry
from robust_xtreme.core.errors import SpecError, nearest
from robust_xtreme.core.examples import Answers, Choice, Example, Span, Tags, Target, Text, kind_of
from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.core.specs import PerturbationSpec, TaskSpec
from robust_xtreme.models.loading import Models
from robust_xtreme.models.located import locate_all
from robust_xtreme.models.origin import given_models
from robust_xtreme.models.predictors.loaded import device_of
from robust_xtreme.models.predictors.predictor import BATCH_TOKENS, Predictor, Weighable, Work, predictor_of
from robust_xtreme.models.reading.reading import contents_of
from robust_xtreme.noise.conditions.condition import Condition
from robust_xtreme.noise.engine.noised import Noised
from robust_xtreme.noise.suites import refusing, unsupported
from robust_xtreme.run.plan import check_cell
from robust_xtreme.run.task_run import attack_all, needs_vectors

_WORD: Final = re.compile(r"\S+")


def check_shown(cell: PerturbationSpec, task: str, language: str) -> None:
    """Raise SpecError, UnknownName or UserError where an attack cannot be on texts of a task and language."""
    chosen = registry.load("task", task)
    check_cell(cell, [chosen])
    if needs_vectors(cell):
        raise SpecError(f"{cell}: @similar is calibrated on other texts, and a pasted text has none. Leave it out.")
    if name := refusing(cell, chosen.family, task):
        raise SpecError(f"{name} has no meaning in {chosen.family} ({task}): choose another --tasks.")
    if left := unsupported(cell, language):
        raise SpecError(f"{left[0]} does not serve {language}: {left[1]}.")


@dataclass(frozen=True, slots=True, eq=False)
class Pasted:
    """What became of a pasted example under an attack on some of its fields; `answer` is that to the attacked texts."""

    attack: PerturbationSpec
    outcome: Attacked
    answer: str

    @property
    def became(self) -> str:
        """The outcome in words."""
        record = self.outcome.record
        assert record is not None
        if record.skipped[0]:
            return "not attacked: the answer to the clean texts is wrong already"
        if not record.allowed[0]:
            return "no edit fits the strength"
        how = f"wrong from query {record.first[0]} on" if record.first[0] else "still right"
        return f"{self.answer}, {how}; {record.queries[0]} queries, {len(record.edits[0])} edits"

    @property
    def texts(self) -> Iterator[tuple[str, Noised]]:
        """The attacked texts by field."""
        shown = self.outcome.shown
        return ((name, shown.noised[int(numbers[0])]) for name, numbers in shown.numbers.items() if numbers[0] >= 0)


@dataclass(frozen=True, slots=True, eq=False)
class Victim:
    """A model that answers pasted examples of a task. Makes one with `of`."""

    task: TaskSpec
    predictor: Predictor
    work: Work

    @classmethod
    def of(cls, model: str, task: str) -> Self:
        """The model of a name for a task. Raises SpecError for a search, and as `eval` does for unknown names."""
        chosen = registry.load("task", task)
        if kind_of(chosen.family).searched:
            raise SpecError(f"{task} searches documents, and a pasted text has none: choose another --tasks.")
        located = locate_all(given_models(RunSpec(model=(model,), tasks=(task,))), [chosen])[task]
        device = device_of("auto")
        models = Models(device, "fp32")
        predictor = predictor_of(located, chosen, partial(models.load, located, chosen))
        return cls(chosen, predictor, Work(BATCH_TOKENS[device]))

    def example(self, values: Sequence[str], language: str, gold: str) -> tuple[Example, str]:
        """The example of pasted texts, where `gold`, or the model's answer, is right, and this. Raises SpecError."""
        names = self.task.fields
        if len(values) != len(names) or not all(value.strip() for value in values):
            raise SpecError(f"{self.task.name} needs {len(names)} texts that are not empty: {', '.join(names)}.")
        kind, texts = kind_of(self.task.family), dict[str, Text]()
        for name, value in zip(names, values, strict=True):
            words = _WORD.finditer(value) if kind.words else ()  # to be tagged
            texts[name] = Text(f"pasted/{name}", language, value, tuple(Span(*word.span()) for word in words))
        blank: Target = Answers(()) if kind.spans else Choice(0)  # before the right one is known
        if kind.words:
            blank = Tags((self.task.labels[0],) * len(texts[names[0]].spans))
        example = Example("pasted", texts, blank, "pasted")
        answer = self._answer(example)
        return replace(example, target=self._gold(gold) if gold else answer), self.words(example, answer)

    def attacked(self, example: Example, cell: PerturbationSpec, seed: int) -> Iterator[Pasted]:
        """What an attack makes of an example, for each group of fields that it is on."""
        groups = [cell.fields] if cell.fields else self.task.perturbed
        predictor = self.predictor
        if not isinstance(predictor, Weighable):
            raise SpecError(f"No margins are known of the answers to {self.task.name}.")
        asks = victim(self.task, predictor, lambda inputs, weighing: predictor.weigh(inputs, weighing, self.work), None)
        for group in groups:
            attack = cell.on(*group)
            condition = Condition(str(attack), attack, (seed,), asks=True)
            (outcome,) = attack_all([example], [(condition, seed)], asks, lambda _: None).values()
            shown = outcome.shown[0]
            yield Pasted(attack, outcome, self.words(shown, self._answer(shown)))

    def words(self, example: Example, target: Target) -> str:
        """An answer in words."""
        match target:
            case Choice(index):
                return self.task.labels[index] if self.task.labels else f"choice {index + 1}"
            case Tags(names):
                return " ".join(names)
            case Answers(spans):
                context = example.texts["context"].value
                return " / ".join(context[span.start : span.stop] for span in spans) or "no answer"
        return str(target)

    def _answer(self, example: Example) -> Target:
        inputs = self.predictor.prepare(contents_of([example]))
        answer = self.predictor.answer(inputs, self.work).answer(0)
        if answer is None:
            raise SpecError("The model's scores of the text are not numbers.")
        return answer

    def _gold(self, label: str) -> Target:
        labels = self.task.labels if kind_of(self.task.family).indexed else ()
        if label not in labels:
            known = f"{nearest(label, labels)} Known: {', '.join(labels) or 'none'}."
            raise SpecError(f"{self.task.name} has no label {label!r} to be --gold.{known}")
        return Choice(labels.index(label))
