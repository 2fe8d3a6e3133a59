"""Task runs with their conditions, and the examples of each: read for the plan, and kept or read again for the run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, final

from robust_xtreme.core.errors import Mismatch
from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.core.specs import Origin, TaskSpec
from robust_xtreme.models.folder import Located
from robust_xtreme.models.labels import outside
from robust_xtreme.noise.conditions.condition import CLEAN, Condition
from robust_xtreme.noise.conditions.paired import Paired
from robust_xtreme.noise.normalising.corrector import Spelling
from robust_xtreme.tasks.sources.loading import Split, load
from robust_xtreme.tasks.sources.rows import identity_of, limit
from robust_xtreme.tasks.sources.source import Pools
from robust_xtreme.tasks.sources.survey import tuned_on

ROOM: Final = 2_000_000
"""The most texts and spans that are kept, about 200 to 500 bytes each: all of XTREME-R but a part of PAN-X."""


@final
@dataclass(frozen=True, slots=True)
class TaskRun:
    """One model, task and language with all conditions, which are batched, written and resumed together.

    `pool` is the identity of the candidates, if any, and `candidates` their number; `note` describes what the pool does
    not contain. `unsupported` are the labels that the model's head has no class for. `inference` and `setting` name the
    cells, `params` counts the parameters without embeddings (None: unknown), and `words`: each word is read by itself.
    `external` is the noisy set that its items are of, `spelling` has the normalisers of its fields, if any. `dims` are
    the numbers of a vector's dimensions that are kept, one after the other; without any, all are.
    """

    task: TaskSpec
    language: str
    split: str
    data: str
    rows: int
    clusters: int
    files: tuple[tuple[str, str], ...]
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
    spelling: Mapping[str, Spelling] = field(default_factory=dict, compare=False)

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
    def predictions(self) -> int:
        """Predictions over all conditions, seeds and dims, equal inputs counted each time."""
        return self.rows * sum(len(condition.seeds) for condition in self.conditions) * len(self.cuts)

    @property
    def cuts(self) -> dict[str, int]:
        """By what it adds to the settings of inference, each number of dimensions that are kept; 0: all."""
        return {f" dims={dims}": dims for dims in self.dims} or {"": 0}


@final
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
        return None if task_run.external else self.kept.get((task_run.task.name, task_run.language, task_run.split))

    def of(self, task_run: TaskRun) -> Split:
        """The examples of a task run and its candidates: kept, or read again.

        Raises MissingData where the files no longer exist, Mismatch where they have other examples or candidates.
        """
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
