"""The averages of the benchmarks: XTREME's over its tasks, XTREME-R's over tasks and over categories.

A task's score is the unweighted mean over the benchmark's languages of the task, English among them, of the metrics
that make its score (of questions exact match and F1, each with half). XTREME averages its nine tasks (evaluate.py).
XTREME-R's own script prints no average, and both the mean of its ten tasks and the mean of the four means of its
categories are in use: here each has its name. Missing cells are named, and the average is over the others: the present
languages of each task, the tasks and categories with any. Rows of a suite are not the benchmark's, so an average over
them has the suite's name.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

from robust_xtreme.stats._cells import CellLevel, by_language, check_distinct


def of_set(split: str, name: str) -> str:
    """The split of the items that a named set of noisy examples has: `test [typos]`."""
    return f"{split} [{name}]"


def is_of_set(split: str) -> bool:
    """Whether a split is that of a set of noisy examples."""
    return split.endswith("]")


def clean_split(split: str) -> str:
    """The split that the clean items of a set of noisy examples are of; of another split its own name."""
    return split.rpartition(" [")[0] if is_of_set(split) else split


CATEGORIES: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "xtreme": {
        "classification": ("xnli", "pawsx"),
        "structured prediction": ("udpos", "panx"),
        "question answering": ("xquad", "mlqa", "tydiqa"),
        "retrieval": ("bucc", "tatoeba"),
    },
    "xtreme-r": {
        "classification": ("xnli", "xcopa"),
        "structured prediction": ("udpos", "panx"),
        "question answering": ("xquad", "mlqa", "tydiqa"),
        "retrieval": ("tatoeba", "mewsli_x", "lareqa"),
    },
}
"""The tasks of each benchmark by category: evaluate.py, GROUP2TASK and its like for XTREME-R.

There XCOPA is in two categories and LAReQA in none; here each task is in one.
"""

TASKS: Final = {name: tuple(chain.from_iterable(each.values())) for name, each in CATEGORIES.items()}
"""The tasks of each benchmark."""

TITLES: Final[Mapping[str, str]] = {"xtreme": "XTREME", "xtreme-r": "XTREME-R"}

BENCHMARK: Final = "benchmark"
OVER_TASKS: Final = "tasks"
OVER_CATEGORIES: Final = "categories"
AVERAGES: Final[Mapping[str, tuple[str, ...]]] = {"xtreme": (OVER_TASKS,), "xtreme-r": (OVER_TASKS, OVER_CATEGORIES)}
"""What each benchmark is averaged over: tasks, or categories, in which tasks are averaged first."""

SCORE: Final = "score"
"""The metric of an average over tasks: the mean of the metrics of each task's score."""


@dataclass(frozen=True, slots=True)
class Task:
    """What an average needs of a task: its metrics (headline first), those of its score, its headline fields.

    `groups` are its languages by benchmark; `parallel_ids` is that of TaskSpec.
    """

    metrics: tuple[str, ...]
    score: tuple[str, ...]
    headline: tuple[str, ...]
    groups: Mapping[str, tuple[str, ...]]
    parallel_ids: str = ""


@dataclass(frozen=True, slots=True)
class Average:
    """One average: its kind and name, the task that it is within ("": several), its levels and their weights.

    The weights are positive, and their sum is 1. `missing` names what it should be over, too.
    """

    kind: str
    name: str
    task: str
    metric: str
    levels: tuple[CellLevel, ...]
    weights: tuple[float, ...]
    missing: str


def tasks_of(tasks: Mapping[str, Any]) -> dict[str, Task]:
    """The tasks of a manifest, from its `tasks`.

    The keys `metrics`, `score`, `perturbed`, `groups` and `parallel_ids` are those of TaskSpec; a task without
    `groups` belongs to no benchmark.
    """
    return {
        name: Task(
            tuple(entry["metrics"]),
            tuple(entry.get("score") or entry["metrics"][:1]),
            tuple(entry["perturbed"][0]) if entry["perturbed"] else (),
            {group: tuple(languages) for group, languages in entry.get("groups", {}).items()},
            entry.get("parallel_ids", ""),
        )
        for name, entry in tasks.items()
    }


def benchmark_averages(
    levels: Sequence[CellLevel], tasks: Mapping[str, Task], asked: Sequence[str], suite: str
) -> list[Average]:
    """The averages of each benchmark that is `asked` for, or complete, over the levels of one noise (or clean).

    Under a noise each task counts with the condition that noises its headline fields. Raises Mismatch where a cell
    occurs twice.
    """
    counted = [level for level in levels if _counts(level, tasks)]
    return [average for benchmark in CATEGORIES for average in _averages(benchmark, counted, tasks, asked, suite)]


def _counts(level: CellLevel, tasks: Mapping[str, Task]) -> bool:
    """Whether it is a cell of one language of a release, and of a score's metric under the headline's condition."""
    task = tasks.get(level["task"])
    if task is None or is_of_set(level["split"]) or level["language"] != level["context_language"]:
        return False
    return level.metric in task.score and (not level.fields or set(level.fields) == set(task.headline))


def _averages(
    benchmark: str, levels: Sequence[CellLevel], tasks: Mapping[str, Task], asked: Sequence[str], suite: str
) -> Iterator[Average]:
    parts = {
        name: _part([level for level in levels if level["task"] == name], tasks.get(name), benchmark)
        for name in TASKS[benchmark]
    }
    missing = {name: absent for name, (_, absent) in parts.items() if absent is not None}
    present = {name: of_task for name, (of_task, _) in parts.items() if of_task}
    if not present or (missing and benchmark not in asked):
        return
    kind, title = (OVER_TASKS, suite) if suite else (BENCHMARK, TITLES[benchmark])
    if suite and benchmark == "xtreme":
        title += " (of XTREME)"  # XTREME-R may share tasks of the suite
    for name, part in present.items():
        for metric in tasks[name].score:
            of_metric = tuple(level for level in part if level.metric == metric)
            absent = _named({name: missing[name]}) if name in missing else ""
            yield Average(kind, title, name, metric, of_metric, (1 / len(of_metric),) * len(of_metric), absent)
    for over in AVERAGES[benchmark]:
        shares = _shares(CATEGORIES[benchmark], present, over == OVER_CATEGORIES)
        members = [(level, shares[name] / len(part)) for name, part in present.items() for level in part]
        averaged, weights = zip(*members, strict=True)
        kind, whole = (over, f"{over} of {title}") if suite else (BENCHMARK, f"{title} over {over}")
        yield Average(kind, whole, "", SCORE, averaged, weights, _named(missing))


def _shares(
    categories: Mapping[str, tuple[str, ...]], present: Mapping[str, Any], by_category: bool
) -> dict[str, float]:
    """The share of each present task in the average."""
    if not by_category:
        return dict.fromkeys(present, 1 / len(present))
    members = [[name for name in names if name in present] for names in categories.values()]
    filled = [names for names in members if names]
    return {name: 1 / len(names) / len(filled) for names in filled for name in names}


def _part(
    levels: Sequence[CellLevel], task: Task | None, benchmark: str
) -> tuple[list[CellLevel], tuple[str, ...] | None]:
    """A task's levels in the split with most cells (of equals `test`), and the missing: None of none, () unknown."""
    languages = task.groups.get(benchmark, ()) if task else ()
    if task is None or not languages:
        return [], ()
    of_languages = [level for level in levels if level["language"] in languages]
    splits = [level["split"] for level in of_languages]
    split = max(sorted(set(splits)), key=lambda name: (splits.count(name), name == "test"), default="")
    of_split = [level for level in of_languages if level["split"] == split]
    check_distinct(of_split)
    measured = {(level["language"], level.metric) for level in of_split if not level.unfit}
    whole = {code for code in languages if all((code, metric) in measured for metric in task.score)}
    missing = tuple(code for code in languages if code not in whole)
    kept = sorted((level for level in of_split if level["language"] in whole), key=by_language)
    return kept, missing or None


def _named(missing: Mapping[str, tuple[str, ...]]) -> str:
    """Cells by task: `xnli (af bg), lareqa`."""
    return ", ".join(f"{task} ({' '.join(codes)})" if codes else task for task, codes in missing.items())
