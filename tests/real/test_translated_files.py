"""Translated training data in the formats of real release files: rows and questions find their English items."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from robust_xtreme.core import registry
from robust_xtreme.core.examples import Choice, Example
from robust_xtreme.core.specs import TaskSpec
from robust_xtreme.tasks.sources.source import load
from robust_xtreme.training.translated import Request, translated_examples

pytestmark = pytest.mark.real

XNLI_DEV = 2490
XQUAD = 1190
XTREME = "translate-train"


def put(data: Path, source: str, path: Path) -> None:
    """A release file under another name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(data / source)


def asked(task: str, folder: Path, codes: Sequence[str], messages: list[str]) -> tuple[tuple[Example, ...], Any]:
    """The English training examples in `folder/en`, and those in other languages."""
    spec: TaskSpec = registry.load("task", task)
    english = load(spec, folder / "en", "en", "train").examples
    rest: dict[str, Any] = {"keep": folder / "keep", "offline": True, "device": "cpu", "tell": messages.append}
    return english, translated_examples(Request(spec, str(folder), tuple(codes), tuple(english), **rest))


def test_xnli_s_rows_are_one_cluster_in_every_language(data: Path, tmp_path: Path) -> None:
    """Parallel files of 2,490 rows: targets and clusters are the English ones, the texts are not."""
    for code in ("en", "de", "zh"):
        put(data, f"xnli/dev-{code}.tsv", tmp_path / code / "xnli" / "train-en.tsv")
    messages: list[str] = []
    english, translated = asked("xnli", tmp_path, ["de", "zh"], messages)
    assert (len(english), len(translated), messages) == (XNLI_DEV, 2 * XNLI_DEV, [])
    for start in (0, XNLI_DEV):
        language_rows = translated[start : start + XNLI_DEV]
        assert [(example.cluster, example.target) for example in language_rows] == [
            (example.cluster, example.target) for example in english
        ]
    assert translated[0].texts["premise"].value == "und er hat gesagt, Mama ich bin daheim."


def test_xtreme_s_five_columns_find_every_pair(data: Path, tmp_path: Path) -> None:
    """The English and the German file side by side, in another order, as XTREME's translations of them would be."""
    put(data, "xnli/dev-en.tsv", tmp_path / "en" / "xnli" / "train-en.tsv")
    both = [(data / "xnli" / f"dev-{code}.tsv").read_text(encoding="utf-8").splitlines() for code in ("en", "de")]
    rows = ["\t".join([*row.split("\t")[:2], other]) for row, other in zip(*both, strict=True)]
    path = tmp_path / "XNLI" / XTREME / "en-de-translated.tsv"
    path.parent.mkdir(parents=True)
    path.write_text("".join(f"{row}\n" for row in reversed(rows)), encoding="utf-8")
    messages: list[str] = []
    english, translated = asked("xnli", tmp_path, ["de"], messages)
    assert [message.startswith("xnli de: 2,490 of 2,490") for message in messages] == [True]
    known = {example.id.replace("/en/", "/de/"): (example.cluster, example.target) for example in english}
    same = sum(known[example.id] == (example.cluster, example.target) for example in translated)
    assert (len({example.id for example in translated}), same) == (XNLI_DEV, XNLI_DEV)


@pytest.mark.parametrize("layout", ["de/squad/train-v1.1.json", f"SQuAD/{XTREME}/squad.translate.train.en-de.json"])
def test_xquad_s_questions_are_known_by_their_ids(data: Path, tmp_path: Path, layout: str) -> None:
    """All 1,190 questions are in the clusters of the English ones, and every answer is in its German passage."""
    put(data, "xquad/xquad.en.json", tmp_path / "en" / "squad" / "train-v1.1.json")
    put(data, "xquad/xquad.de.json", tmp_path / layout)
    english, translated = asked("xquad", tmp_path, ["de"], [])
    clusters = {example.id.rpartition("/")[2]: example.cluster for example in english}
    assert len(translated) == XQUAD
    assert all(example.cluster == clusters[example.id.rpartition("/")[2]] for example in translated)
    assert len({example.cluster for example in translated}) == 240


def test_paws_x_s_labels_differ_between_languages(data: Path, tmp_path: Path) -> None:
    """Rows with other labels than the English ones do not translate them; all are taken, and a message says so."""
    for code in ("en", "de"):
        put(data, f"pawsx/dev-{code}.tsv", tmp_path / code / "pawsx" / f"train-{code}.tsv")
    messages: list[str] = []
    english, translated = asked("pawsx", tmp_path, ["de"], messages)
    pairs = zip(english, translated, strict=True)
    assert any(isinstance(example.target, Choice) and example.target != other.target for example, other in pairs)
    assert messages[0].startswith("pawsx de: the 2,000 rows")
    assert all(example.cluster.startswith("de/") for example in translated)


def test_tydiqa_s_other_languages_are_not_translations(data: Path, tmp_path: Path) -> None:
    """TyDiQA's Swahili questions were written in Swahili: 2,755 rows in clusters of their own."""
    for code in ("en", "sw"):
        name = f"tydiqa.goldp.{code}.train.json"
        put(data, f"tydiqa_goldp/{name}", tmp_path / code / "tydiqa_goldp" / name)
    messages: list[str] = []
    english, translated = asked("tydiqa", tmp_path, ["sw"], messages)
    assert (len(english), len(translated)) == (3696, 2755)
    assert {example.cluster for example in translated}.isdisjoint(example.cluster for example in english)
    assert messages[0].startswith("tydiqa sw: the 2,755 rows")
