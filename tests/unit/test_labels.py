"""Names of classes: what a checkpoint calls them, what the user calls them, and what the task does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from robust_xtreme import registry
from robust_xtreme.errors import ModelError, SpecError, UnknownName
from robust_xtreme.evaluation.labels import mapped, may_fit, named, others, parse_labels

XNLI, PANX = (registry.load("task", name) for name in ("xnli", "panx"))


@pytest.mark.parametrize(
    ("own", "found"),
    [
        (("entailment", "neutral", "contradiction"), ("entailment", "neutral", "contradiction")),
        (("CONTRADICTION", "NEUTRAL", "ENTAILMENT"), ("contradiction", "neutral", "entailment")),
        (("neutral", "Contradictory", " entails "), ("neutral", "contradiction", "entailment")),
    ],
)
def test_classes_go_by_their_names(own: tuple[str, ...], found: tuple[str, ...]) -> None:
    """Case, order and the usual other words for a class do not matter."""
    assert mapped(own, XNLI, "one") == found


@pytest.mark.parametrize(
    ("own", "line"),
    [
        (("LABEL_0", "LABEL_1", "LABEL_2"), r"one calls .*: --labels xnli=entailment,neutral,contradiction$"),
        (("entailment", "not_entailment"), r"has 2 classes .* but xnli has 3"),
        (("entailment", "neutral", "other"), r"are not those of xnli .*--labels xnli=entailment,neutral"),
        (("entailment", "entails", "neutral"), r"are not those of xnli"),
        (tuple(f"c{place}" for place in range(50)), r"has 50 classes \(c0.*, \.\.\.\)"),
    ],
)
def test_classes_that_say_nothing_are_refused_with_the_flag(own: tuple[str, ...], line: str) -> None:
    """One line says what the head has, what the task has, and how to name the classes."""
    with pytest.raises(ModelError, match=line):
        mapped(own, XNLI, "one")


@pytest.mark.parametrize(
    ("own", "found"),
    [
        (PANX.labels, PANX.labels),
        (("I-LOC", "O", "b_per", "I-ORG"), ("I-LOC", "O", "B-PER", "I-ORG")),
        (("O", "PER", "ORG", "LOC"), ("O", "I-PER", "I-ORG", "I-LOC")),
        (("O", "S-PERSON", "E-person", "U-GPE", "L-LOCATION", "M-ORGANISATION"), "O B-PER I-PER B-LOC I-LOC I-ORG"),
        (("O", "B-MISC", "I-PER", "I-ORG", "I-LOC", "B-DATE", "X-PER"), "O O I-PER I-ORG I-LOC O O"),
    ],
)
def test_tags_go_by_prefix_and_type(own: tuple[str, ...], found: tuple[str, ...] | str) -> None:
    """Other schemes of prefixes and other words for a type are understood; types that the task lacks count as O."""
    assert mapped(own, PANX, "one") == tuple(found.split() if isinstance(found, str) else found)


def test_tags_that_count_as_outside_are_told() -> None:
    """What is lost by the mapping can be named."""
    own = ("O", "B-MISC", "I-PER", "I-ORG", "I-LOC")
    assert others(own, mapped(own, PANX, "one")) == ("B-MISC",)


@pytest.mark.parametrize(
    ("own", "line"),
    [
        (("O", "B-PER", "I-PER"), "do not cover those of panx"),
        (("B-PER", "B-ORG", "B-LOC"), "do not cover those of panx"),
        (tuple(f"LABEL_{place}" for place in range(7)), r"--labels panx=O,B-PER,I-PER,B-ORG,I-ORG,B-LOC,I-LOC$"),
    ],
)
def test_tags_that_lack_a_type_are_refused(own: tuple[str, ...], line: str) -> None:
    """A head that can never find one of the task's types, or calls nothing O, is no answer to the task."""
    with pytest.raises(ModelError, match=line):
        mapped(own, PANX, "one")


def test_a_task_that_could_fit_is_told_from_one_that_cannot() -> None:
    """Without names the number of classes must be the task's."""
    assert may_fit(("LABEL_0", "LABEL_1", "LABEL_2"), XNLI)
    assert may_fit(("Neutral", "entailment", "contradiction"), XNLI)
    assert not may_fit(("LABEL_0", "LABEL_1"), XNLI)
    assert not may_fit(("LABEL_0", "LABEL_1", "LABEL_2"), replace(XNLI, labels=("yes", "no")))


def test_labels_are_read_from_words() -> None:
    """TASK=A,B,C, spaces around names aside."""
    found = parse_labels(["xnli=a, b,c", "panx=O,PER"])
    assert found == {"xnli": ("a", "b", "c"), "panx": ("O", "PER")}
    assert named(("a", "b"), ("LABEL_0", "LABEL_1"), XNLI, "one") == ("a", "b")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["xnli"], "are not TASK=A,B,C"),
        (["=a,b"], "are not TASK=A,B,C"),
        (["xnli=a,,b"], "are not TASK=A,B,C"),
        (["xnli="], "are not TASK=A,B,C"),
        (["xnli=a,b,a"], "name 'a' twice"),
        (["xnli=a,b", "xnli=a,b"], "twice for 'xnli'"),
    ],
)
def test_labels_that_cannot_be_read_are_one_line(words: list[str], line: str) -> None:
    """Each mistake is named with the form that is wanted."""
    with pytest.raises(SpecError, match=line):
        parse_labels(words)


def test_labels_of_no_task_or_of_another_number_are_one_line() -> None:
    """The nearest task is named, and so are the two numbers."""
    with pytest.raises(UnknownName, match="Did you mean 'xnli'"):
        parse_labels(["xnly=a,b"])
    with pytest.raises(SpecError, match="names 2 classes of xnli, but one has 3"):
        named(("a", "b"), ("LABEL_0", "LABEL_1", "LABEL_2"), XNLI, "one")
