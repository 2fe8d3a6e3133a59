"""The normaliser of a run: which task runs it serves, what it knows there, and the model that reads its texts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final, final

from robust_xtreme.core.specs import BITEXT, TaskSpec
from robust_xtreme.models.predictors.normalised import Normalised
from robust_xtreme.models.predictors.predictor import Predictor
from robust_xtreme.noise.normalising.corrector import ENGLISH, Spelling, counted, lacks, spelling_of
from robust_xtreme.run.task_run import TaskRun
from robust_xtreme.tasks.sources.loading import load
from robust_xtreme.tasks.sources.source import Pools

_TRAIN: Final = "train"
_CONTEXT: Final = "context"

Files = tuple[tuple[str, str], ...]


@final
@dataclass(frozen=True, slots=True)
class Normaliser:
    """The spelling normaliser of a run, if it is `wanted`. What it learned of a task's training texts is kept."""

    pools: Pools
    wanted: bool
    learned: dict[str, tuple[Counter[str], Files]] = field(default_factory=dict)
    made: dict[tuple[str, str], Spelling] = field(default_factory=dict)

    def served(self, task_runs: Sequence[TaskRun]) -> tuple[list[TaskRun], list[tuple[TaskRun, str]]]:
        """The task runs whose texts are normalised, and the others with the reason; all where it is not wanted."""
        every = [self._served(task_run) if self.wanted else (task_run, "") for task_run in task_runs]
        return [run for run, why in every if not why], [(run, why) for run, why in every if why]

    def _served(self, task_run: TaskRun) -> tuple[TaskRun, str]:
        """A task run whose texts are normalised, or why they cannot be."""
        question, context = task_run.languages
        if task_run.task.pool is not None and task_run.task.pool.search == BITEXT:
            return task_run, f"{task_run.label}: the spelling normaliser reads queries, and this task mines pairs."
        for code in (question, context):
            if why := lacks(code):
                return task_run, f"{task_run.label}: the spelling normaliser does not serve {code}: {why}."
        codes = {name: context if name == _CONTEXT else question for name in task_run.task.fields}
        spelling = {name: self._of(task_run.task, code) for name, code in codes.items()}
        files = self._learned(task_run.task)[1]
        return replace(task_run, spelling=spelling, files=tuple(dict.fromkeys((*task_run.files, *files)))), ""

    def _of(self, task: TaskSpec, code: str) -> Spelling:
        if (task.name, code) not in self.made:
            self.made[task.name, code] = spelling_of(code, self._learned(task)[0])
        return self.made[task.name, code]

    def _learned(self, task: TaskSpec) -> tuple[Counter[str], Files]:
        """The words of the English training texts of a task, and their files; none where the data have none."""
        if task.name not in self.learned:
            source, words = self.pools.source, Counter[str]()
            files: Files = ()
            if _TRAIN in source.splits(task) and source.holds(task, ENGLISH, _TRAIN):
                split = load(task, source, ENGLISH, _TRAIN, self.pools)
                texts = (text.value for example in split.examples for text in example.texts.values())
                words, files = counted(texts, ENGLISH), split.files
            self.learned[task.name] = words, files
        return self.learned[task.name]


def reading(predictor: Predictor, task_run: TaskRun) -> Predictor:
    """A predictor as it reads the texts of a task run: normalised ones, where the run has a normaliser."""
    return Normalised(predictor, task_run.spelling) if task_run.spelling else predictor
