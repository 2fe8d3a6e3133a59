"""Task runs with their conditions, the examples of each, kept or read again for the run.

Also attacks on the examples of a task run, under those of its conditions that are attacks.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np

from robust_xtreme.attack import recipes
from robust_xtreme.attack.attacking import Attacked, attacked, plan_of, seeds_of
from robust_xtreme.attack.constraints import Cosines, Embed
from robust_xtreme.attack.engine import MOST_REJECTED
from robust_xtreme.attack.goals import AnswerScores, Ask
from robust_xtreme.core.errors import Mismatch
from robust_xtreme.core.examples import Example
from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.core.specs import Origin, PerturbationSpec, TaskSpec
from robust_xtreme.models.folder import Located
from robust_xtreme.models.labels import outside
from robust_xtreme.noise.conditions.condition import CLEAN, Condition
from robust_xtreme.noise.conditions.paired import Paired
from robust_xtreme.noise.engine.attack import LIBRARY, is_recipe, settings_of
from robust_xtreme.noise.engine.noised import PerturbedExamples
from robust_xtreme.noise.engine.noising import bound
from robust_xtreme.tasks.sources.rows import identity_of, limit
from robust_xtreme.tasks.sources.source import Pools, Split, load
from robust_xtreme.tasks.sources.survey import tuned_on

Files = tuple[tuple[str, str], ...]
"""Names of files, each with its sha256."""

ROOM: Final = 2_000_000
"""The most texts and spans that are kept, about 200 to 500 bytes each: all of XTREME-R but a part of PAN-X."""


@dataclass(frozen=True, slots=True)
class TaskRun:
    """One model, task and language with all conditions, which are batched, written and resumed together.

    `pool` is the identity of the candidates, if any, and `candidates` their number; `note` describes what the pool does
    not contain. `unsupported` are the labels that the model's head has no class for. `inference` and `setting` name the
    cells, `params` counts the parameters without embeddings (None: unknown), and `words`: each word is read by itself.
    `external` is the noisy set that its items are of. `dims` are the numbers of a vector's dimensions that are
    kept, one after the other; without any, all are.
    """

    task: TaskSpec
    language: str
    split: str
    data: str
    rows: int
    clusters: int
    files: Files
    model: Located
    conditions: tuple[Condition, ...] = (Condition(CLEAN),)
    overlap: str = ""
    pool: str = ""
    candidates: int = 0
    note: str = ""
    unsupported: tuple[str, ...] = ()
    inference: str = ""
    setting: str = ""
    dims: tuple[int, ...] = ()
    params: int | None = 0
    words: bool = False
    external: Paired | None = None

    @property
    def label(self) -> str:
        """The name in progress and log."""
        of_set = f" [{self.external.name}]" if self.external else ""
        return f"{self.task.name} {self.language}{of_set}"

    @property
    def languages(self) -> tuple[str, str]:
        """The languages of the question and of the context."""
        origin = Origin(self.task.name, self.split, self.language)
        return origin.question, origin.context

    @property
    def key(self) -> tuple[str, str, str]:
        """The task, language and split."""
        return self.task.name, self.language, self.split

    @property
    def predictions(self) -> int:
        """Predictions over all conditions, seeds and dims, equal inputs counted each time."""
        return self.rows * sum(len(condition.seeds) for condition in self.conditions) * len(self.cuts)

    @property
    def cuts(self) -> dict[str, int]:
        """By what it adds to the settings of inference, each number of dimensions that are kept; 0: all."""
        return {f" dims={dims}": dims for dims in self.dims} or {"": 0}


@dataclass(slots=True)  # filled while a run is planned
class Splits:
    """The splits that a plan has read, for the run and for its page. One that does not fit is read again.

    `unread` are the faulty files, a line each.
    """

    spec: RunSpec
    pools: Pools
    kept: dict[tuple[str, str, str], Split] = field(default_factory=dict)
    room: int = ROOM
    unread: dict[str, None] = field(default_factory=dict)

    def keep(self, split: Split) -> None:
        """Keep a split, if there is room for it."""
        size = _size(split)
        if size <= self.room:
            self.room -= size
            self.kept[split.task, split.language, split.split] = split

    def kept_of(self, task_run: TaskRun) -> Split | None:
        """The examples of a task run and its candidates, where they were kept."""
        return None if task_run.external else self.kept.get(task_run.key)

    def of(self, task_run: TaskRun) -> Split:
        """The examples of a task run and its candidates: kept, or read again. Raises MissingData, Mismatch."""
        task, language = task_run.task, task_run.language
        if task_run.external:
            return Split(task.name, language, task_run.split, task_run.external.examples, task_run.files)
        if kept := self.kept_of(task_run):
            return kept
        split = load(task, self.pools.source, language, task_run.split, self.pools)
        examples = outside(limit(split.examples, self.spec.limit_of(task.name)), task_run.unsupported)
        if identity_of(examples, split.corpus) != task_run.data:
            raise Mismatch(f"{task_run.label}: the data files changed while the run continued. Start it again.")
        return replace(split, examples=examples, tuned=tuned_on(task, self.pools, language, split))


def _size(split: Split) -> int:
    """Texts and spans of the examples, and of those that a threshold is tuned on; `Pools` keeps the pools."""
    size = sum(1 + len(text.spans) for example in split.examples for text in example.texts.values())
    return size + (_size(split.tuned) if split.tuned else 0)


Cell = tuple[Condition, int]
"""A condition and a noise seed."""


def attack_all(
    examples: Sequence[Example],
    cells: Sequence[Cell],
    asks: Callable[[str], Ask],
    watch: Callable[[str], None],
    embed: Embed | None = None,
    warn: Callable[[str], None] = lambda _: None,
) -> Mapping[tuple[str, int], Attacked]:
    """The examples under each of several attacks, by the condition's name and the seed; one target shares rounds."""
    cosines, lost = Cosines(embed) if embed else None, list[int]()

    def tell(left: int, queries: int) -> None:
        watch(f"attacks: {left:,} of {len(several) * len(examples):,} are not finished, {queries:,} queries")

    searched = [cell for cell in cells if not is_recipe(_spec(cell).name)]
    made: dict[tuple[str, int], Attacked] = {}
    targets = [target_of(condition.spec) for condition, _ in searched]
    for target in dict.fromkeys(targets):
        several = [cell for cell, wanted in zip(searched, targets, strict=True) if wanted == target]
        plans = [plan_of(examples, _spec(cell), cell[1], cosines) for cell in several]
        outcomes = attacked(examples, plans, _counted(asks(target), lost), tell)
        made.update({(condition.name, seed): each for (condition, seed), each in zip(several, outcomes, strict=True)})
    for condition, seed in (cell for cell in cells if cell not in searched):
        several = [(condition, seed)]
        (link,) = bound(_spec((condition, seed)))
        name = link.perturbation.name.removeprefix(LIBRARY)
        plan = recipes.RecipePlan(name, condition.fields, link.strength, settings_of(link).queries)
        seeds = seeds_of(link, seed, examples)
        made[condition.name, seed] = recipes.attacked_by(examples, plan, _counted(asks(""), lost), seeds, tell)
    if any(lost):
        warn(f"{sum(lost):,} answers to queries are NaN or infinite, and count as right")
    return made


def _counted(ask: Ask, lost: list[int]) -> Ask:
    """The same, which adds to a list how many answers to candidates are not finite."""

    def counted(shown: PerturbedExamples, *edited: Any) -> AnswerScores:
        answers = ask(shown, *edited)
        lost.append(int(np.count_nonzero(~answers.finite)) if shown.numbers else 0)
        return answers

    return counted


def _spec(cell: Cell) -> PerturbationSpec:
    assert cell[0].spec is not None
    return cell[0].spec


def most_queries(conditions: Sequence[Condition]) -> int:
    """The most queries that the attacks among conditions have for an example, over all seeds."""
    several = [(each.spec, len(each.seeds)) for each in conditions if each.asks and each.spec is not None]
    return sum(settings_of(bound(spec)[0]).queries * seeds for spec, seeds in several)


def most_vectors(conditions: Sequence[Condition]) -> int:
    """The most texts, clean ones and candidates, whose vectors the attacks among conditions compare, over all seeds."""
    compared = [condition for condition in conditions if condition.asks and needs_vectors(condition.spec)]
    clean = {name for condition in compared for name in condition.fields}
    each = (len(condition.fields) * most_queries([condition]) for condition in compared)
    return len(clean) + (1 + MOST_REJECTED) * sum(each)


def needs_vectors(attack: PerturbationSpec | None) -> bool:
    """Whether an attack has a floor of similarity."""
    return attack is not None and settings_of(bound(attack)[0]).similar > 0


def target_of(attack: PerturbationSpec | None) -> str:
    """The label that an attack wants as the answer; "" where any but the gold one will do."""
    return settings_of(bound(attack)[0]).target if attack else ""
