"""Worked examples of input methods, from their documentation and test suites: keys give the text, the text the keys."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from robust_xtreme.noise.input import hangul, vietnamese

FOLDER = Path(__file__).parent / "input_methods"
FEWEST = 20


def _examples(name: str) -> list[tuple[str, str]]:
    """The keys and texts of one table."""
    lines = (FOLDER / f"{name}.tsv").read_text("utf-8").splitlines()
    rows = list(csv.DictReader((line for line in lines if not line.startswith("# ")), delimiter="\t"))
    assert all(row["source"] for row in rows), "each example names its source"
    return [(row["keys"], row["text"]) for row in rows]


@pytest.mark.parametrize("name", ["ko_2set", "vi_telex", "vi_vni"])
def test_there_are_enough_examples(name: str) -> None:
    """Each table contains at least twenty different examples."""
    assert len(set(_examples(name))) >= FEWEST


@pytest.mark.parametrize(("strokes", "text"), _examples("ko_2set"))
def test_korean_keys_and_text_give_each_other(strokes: str, text: str) -> None:
    """The two-set keys of an example type its text, and its text is typed by just these keys."""
    assert hangul.typed(strokes) == text
    assert hangul.keys(text) == strokes


@pytest.mark.parametrize(("strokes", "text"), _examples("vi_telex"))
def test_telex_keys_and_text_give_each_other(strokes: str, text: str) -> None:
    """The Telex keys of an example type its text, which is typed by them with tones after letters or words."""
    assert vietnamese.typed(strokes, "telex") == text
    assert strokes in (vietnamese.keys(text, "telex"), vietnamese.keys(text, "telex", tone_last=True))


@pytest.mark.parametrize(("strokes", "text"), _examples("vi_vni"))
def test_vni_keys_and_text_give_each_other(strokes: str, text: str) -> None:
    """The VNI keys of an example type its text, which is typed by them with tones after letters or words."""
    assert vietnamese.typed(strokes, "vni") == text
    assert strokes in (vietnamese.keys(text, "vni"), vietnamese.keys(text, "vni", tone_last=True))
