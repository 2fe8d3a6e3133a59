"""Clusters that languages and tasks share: XNLI's premises, the passages of XQuAD and LAReQA, MLQA's questions."""

from __future__ import annotations

from pathlib import Path

import pytest

from robust_xtreme.core import registry
from robust_xtreme.core.specs import Origin, TaskSpec
from robust_xtreme.files.schema import CELL
from robust_xtreme.stats._cells import Cell, Items
from robust_xtreme.stats.components import numbered
from robust_xtreme.tasks.sources.release import Release
from robust_xtreme.tasks.sources.source import available

pytestmark = pytest.mark.real


def _clusters(data: Path, name: str, split: str) -> dict[str, dict[str, str]]:
    """The cluster of each native id, by language."""
    task: TaskSpec = registry.load("task", name)
    languages = {}
    for code in available(task, data, split):
        rows = Release(data).read(task, code, split).rows
        examples = task.adapt(rows, Origin(task.name, split, code))
        languages[code] = {example.id.split("/", 3)[3]: example.cluster for example in examples}
    return languages


def test_the_premises_of_xnli_have_the_same_names_in_all_languages(data: Path) -> None:
    """830 premises of validation, each with three hypotheses."""
    languages = _clusters(data, "xnli", "validation")
    assert len(languages) == 15
    assert len({tuple(clusters.items()) for clusters in languages.values()}) == 1
    assert len(set(languages["sw"].values())) == 830


def test_xquad_and_lareqa_share_their_passages_by_name(data: Path) -> None:
    """Each question has the same cluster in every language of both tasks: 240 passages."""
    both = [*_clusters(data, "xquad", "validation").values(), *_clusters(data, "lareqa", "validation").values()]
    assert len(both) == 19
    names: dict[str, set[str]] = {}
    for clusters in both:
        for question, cluster in clusters.items():
            names.setdefault(question, set()).add(cluster)
    assert {len(each) for each in names.values()} == {1}
    assert len(set.union(*names.values())) == 240


def test_the_questions_of_mlqa_join_its_passages(data: Path) -> None:
    """One in eight shared questions has passages of different names; joined, none has, and none joins many."""
    languages = _clusters(data, "mlqa", "validation")
    task: TaskSpec = registry.load("task", "mlqa")
    numbers = numbered([_cell(code, clusters) for code, clusters in languages.items()], {"mlqa": task.parallel_ids})
    named: dict[str, set[str]] = {}
    for clusters in languages.values():
        for question, cluster in clusters.items():
            named.setdefault(question, set()).add(cluster)
    assert len(named) == 1148
    assert 0.8 < sum(len(each) == 1 for each in named.values()) / 1148 < 0.9
    assert {len({*numbers.of([*each]).tolist()}) for each in named.values()} == {1}
    assert (len(numbers.names), max(numbers.names)) == (933, 4)


def _cell(code: str, clusters: dict[str, str]) -> Cell:
    names = sorted(set(clusters.values()))
    key = tuple({"task": "mlqa", "language": code}.get(name, "x") for name in CELL)
    examples = [f"mlqa/validation/{code}/{native}" for native in clusters]
    codes = [names.index(cluster) for cluster in clusters.values()]
    return Cell(key, "mlqa_f1", "all", Items(examples, examples, codes, tuple(names)), (-1,), None)
