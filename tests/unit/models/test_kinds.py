"""What is known of the kinds of tasks without a model: in one place, for each kind that there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from robust_xtreme.core import registry
from robust_xtreme.core.examples import KINDS, TAGGING, Span, Text, kind_of

SOURCES = Path(__file__).parents[3] / "src" / "robust_xtreme"


def test_each_head_has_a_kind_and_each_kind_a_head() -> None:
    """The kinds are those that models answer."""
    assert sorted(kind.name for kind in KINDS) == list(registry.names("family"))
    assert [kind_of(kind.name) for kind in KINDS] == list(KINDS)


def test_a_kind_of_another_package_has_the_defaults() -> None:
    """Its texts are read whole, and what it answers is called by its name."""
    other = kind_of("riddles")
    assert other.label_type(("a", "b")) == "riddles"
    assert Text("t", "en", "two words", (Span(0, 3),)).pieces(other.words) == ["two words"]
    assert other.classes
    assert not any((other.words, other.spans, other.searched))


def test_words_are_read_one_by_one_where_each_has_an_answer() -> None:
    """Of a text with tags each span is a piece."""
    assert Text("t", "en", "two words", (Span(0, 3), Span(4, 9))).pieces(TAGGING.words) == ["two", "words"]


@pytest.mark.parametrize("family", [kind.name for kind in KINDS])
def test_no_other_module_asks_for_a_kind_by_its_name(family: str) -> None:
    """What depends on the kind of a task is a field of `Kind`: no code compares a family with a literal."""
    asked = re.compile(rf"""\bfamily\b[^"'\n]*(?:==|!=|\bin\b)[^\n]*["']{family}["']|case ["']{family}["']""")
    texts = {path: path.read_text("utf-8") for path in SOURCES.rglob("*.py")}
    assert [path.name for path, text in texts.items() if asked.search(text)] == []
