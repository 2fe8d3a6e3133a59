"""Groups of tasks: benchmarks and families by name."""

from __future__ import annotations

import pytest

from robust_xtreme.core import registry
from robust_xtreme.core.errors import UnknownName
from robust_xtreme.tasks.groups import chosen, names, with_own_data

XTREME_R = {"xnli", "xcopa", "udpos", "panx", "xquad", "mlqa", "tydiqa", "tatoeba", "mewsli_x", "lareqa"}
XTREME = {"xnli", "pawsx", "udpos", "panx", "xquad", "mlqa", "tydiqa", "bucc", "tatoeba"}


def test_the_benchmarks_contain_their_tasks() -> None:
    """XTREME-R has ten tasks, XTREME nine, as their papers say."""
    assert set(chosen(["xtreme-r"])) == XTREME_R
    assert set(chosen(["xtreme"])) == XTREME
    assert set(chosen(["low-resource"])) == {"americasnli", "masakhaner"}


def test_a_benchmark_brings_its_own_languages() -> None:
    """XTREME's PAN-X has 40 languages, XTREME-R's 48; both together have those of either."""
    assert len(chosen(["xtreme"])["panx"]) == 40
    assert len(chosen(["xtreme-r"])["panx"]) == 48
    assert set(chosen(["xtreme", "xtreme-r"])["panx"]) == set(chosen(["xtreme-r"])["panx"])


def test_a_task_that_is_named_has_all_of_its_languages() -> None:
    """Whether the task or the group comes first."""
    assert chosen(["xtreme", "panx"])["panx"] == () == chosen(["panx", "xtreme"])["panx"]


def test_families_are_groups() -> None:
    """A family's name brings every task of it."""
    assert {"retrieval", "choice", "tagging", "xtreme-r"} <= set(names())
    assert set(chosen(["choice"])) == {"xcopa"}


def test_a_direction_is_meant_only_where_it_is_named() -> None:
    """tatoeba@to=en is no part of its family or of a benchmark; one that there is not gets the one that there is."""
    assert set(chosen(["retrieval"])) == {"bucc", "lareqa", "mewsli_x", "tatoeba"}
    assert set(chosen(["retrieval", "xtreme", "tatoeba@to=en"])) >= {"tatoeba", "tatoeba@to=en"}
    assert "tatoeba@to=en" not in {task.name for task in with_own_data()}
    with pytest.raises(UnknownName, match="'tatoeba@to=en'"):
        chosen(["tatoeba@to=de"])


def test_an_unknown_name_is_refused_with_the_nearest_group() -> None:
    """One line, with what was probably meant."""
    with pytest.raises(UnknownName, match="xtreme-r"):
        chosen(["xtreme_r"])


@pytest.mark.parametrize("word", ["qa", "question", "ner"])
def test_a_name_far_from_all_gets_the_groups(word: str) -> None:
    """Where nothing is near, benchmarks and families are in the hint."""
    with pytest.raises(UnknownName) as caught:
        chosen([word])
    assert str(caught.value).endswith(f"See: robust-xtreme list tasks (groups of tasks: {', '.join(names())})")


def test_a_family_is_what_was_probably_meant() -> None:
    """Families are among the names that a word is compared with."""
    with pytest.raises(UnknownName, match="Did you mean 'span_qa'"):
        chosen(["spanqa"])


@pytest.mark.parametrize("name", registry.names("task"))
def test_every_task_says_where_it_belongs(name: str) -> None:
    """Its groups contain its own languages only, and its official score uses its metrics."""
    task = registry.load("task", name)
    assert all(set(codes) <= set(task.languages) for codes in task.groups.values())
    assert set(task.score) <= set(task.metrics)
