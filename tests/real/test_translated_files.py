"""Translated training data in the formats of real release files: rows and questions find their English items."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from robust_xtreme import registry
from robust_xtreme.examples import Choice, Example
from robust_xtreme.sources import load
from robust_xtreme.specs import TaskSpec
from robust_xtreme.training.translated import translated_examples

pytestmark = pytest.mark.real

XNLI_DEV = 2490
XQUAD = 1190
XTREME = "translate-train"


def put(data: Path, source: str, path: Path) -> None:
    """A release file under another name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(data / source)


def asked(task: str, folder: Path, codes: Sequence[str], told: list[str]) -> tuple[tuple[Example, ...], Any]:
    """The English training examples in `folder/en`, and those in other languages."""
    spec: TaskSpec = registry.load("task", task)
    english = load(spec, folder / "en", "en", "train").examples
    rest: dict[str, Any] = {"keep": folder / "keep", "offline": True, "device": "cpu", "tell": told.append}
    return english, translated_examples(spec, str(folder), codes, english, **rest)


def test_xnli_s_rows_are_one_cluster_in_every_language(data: Path, tmp_path: Path) -> None:
    """Parallel files of 2,490 rows: targets and clusters are the English ones, the texts are not."""
    for code in ("en", "de", "zh"):
        put(data, f"xnli/dev-{code}.tsv", tmp_path / code / "xnli" / "train-en.tsv")
    told: list[str] = []
    english, found = asked("xnli", tmp_path, ["de", "zh"], told)
    assert (len(english), len(found), told) == (XNLI_DEV, 2 * XNLI_DEV, [])
    for start in (0, XNLI_DEV):
        own = found[start : start + XNLI_DEV]
        assert [(one.cluster, one.target) for one in own] == [(one.cluster, one.target) for one in english]
    assert found[0].texts["premise"].value == "und er hat gesagt, Mama ich bin daheim."


def test_xtreme_s_five_columns_find_every_pair(data: Path, tmp_path: Path) -> None:
    """The English and the German file side by side, in another order, as XTREME's translations of them would be."""
    put(data, "xnli/dev-en.tsv", tmp_path / "en" / "xnli" / "train-en.tsv")
    both = [(data / "xnli" / f"dev-{code}.tsv").read_text(encoding="utf-8").splitlines() for code in ("en", "de")]
    rows = ["\t".join([*one.split("\t")[:2], other]) for one, other in zip(*both, strict=True)]
    path = tmp_path / "XNLI" / XTREME / "en-de-translated.tsv"
    path.parent.mkdir(parents=True)
    path.write_text("".join(f"{row}\n" for row in reversed(rows)), encoding="utf-8")
    told: list[str] = []
    english, found = asked("xnli", tmp_path, ["de"], told)
    assert told == [f"xnli de: 2,490 of 2,490 examples from {path.name} (2,490 rows)"]
    own = {one.id.replace("/en/", "/de/"): (one.cluster, one.target) for one in english}
    same = sum(own[one.id] == (one.cluster, one.target) for one in found)
    assert (len({one.id for one in found}), same) == (XNLI_DEV, XNLI_DEV)


@pytest.mark.parametrize("layout", ["de/squad/train-v1.1.json", f"SQuAD/{XTREME}/squad.translate.train.en-de.json"])
def test_xquad_s_questions_are_known_by_their_ids(data: Path, tmp_path: Path, layout: str) -> None:
    """All 1,190 questions are in the clusters of the English ones, and every answer is in its German passage."""
    put(data, "xquad/xquad.en.json", tmp_path / "en" / "squad" / "train-v1.1.json")
    put(data, "xquad/xquad.de.json", tmp_path / layout)
    english, found = asked("xquad", tmp_path, ["de"], [])
    clusters = {one.id.rpartition("/")[2]: one.cluster for one in english}
    assert len(found) == XQUAD
    assert all(one.cluster == clusters[one.id.rpartition("/")[2]] for one in found)
    assert len({one.cluster for one in found}) == 240


def test_paws_x_s_labels_differ_between_languages(data: Path, tmp_path: Path) -> None:
    """Rows whose labels are not the English ones are not translations row by row; all are taken, and it is told."""
    for code in ("en", "de"):
        put(data, f"pawsx/dev-{code}.tsv", tmp_path / code / "pawsx" / f"train-{code}.tsv")
    told: list[str] = []
    english, found = asked("pawsx", tmp_path, ["de"], told)
    pairs = zip(english, found, strict=True)
    assert any(isinstance(one.target, Choice) and one.target != other.target for one, other in pairs)
    assert told[0].startswith("pawsx de: the 2,000 rows do not translate the English examples one by one")
    assert all(one.cluster.startswith("de/") for one in found)


def test_tydiqa_s_other_languages_are_no_translations(data: Path, tmp_path: Path) -> None:
    """TyDiQA's Swahili questions were written in Swahili: 2,755 rows in clusters of their own."""
    for code in ("en", "sw"):
        name = f"tydiqa.goldp.{code}.train.json"
        put(data, f"tydiqa_goldp/{name}", tmp_path / code / "tydiqa_goldp" / name)
    told: list[str] = []
    english, found = asked("tydiqa", tmp_path, ["sw"], told)
    assert (len(english), len(found)) == (3696, 2755)
    assert {one.cluster for one in found}.isdisjoint(one.cluster for one in english)
    assert told[0].startswith("tydiqa sw: the 2,755 rows do not translate")
