"""Names of classes: what a checkpoint calls them, what the user calls them, and what the task does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from robust_xtreme.core import registry
from robust_xtreme.core.errors import ModelError, SpecError, UnknownName
from robust_xtreme.models.labels import contradiction, mapped, may_fit, others, parse_labels, relabelled, respelt, spelt

XNLI, PANX = (registry.load("task", name) for name in ("xnli", "panx"))


@pytest.mark.parametrize(
    ("classes", "expected"),
    [
        (("entailment", "neutral", "contradiction"), ("entailment", "neutral", "contradiction")),
        (("CONTRADICTION", "NEUTRAL", "ENTAILMENT"), ("contradiction", "neutral", "entailment")),
        (("neutral", "Contradictory", " entails "), ("neutral", "contradiction", "entailment")),
    ],
)
def test_classes_go_by_their_names(classes: tuple[str, ...], expected: tuple[str, ...]) -> None:
    """Case, order and the usual other words for a class do not matter."""
    assert mapped(classes, XNLI, "one") == expected


@pytest.mark.parametrize(
    ("classes", "line"),
    [
        (("LABEL_0", "LABEL_1", "LABEL_2"), "--labels xnli=entailment"),
        (("entailment", "not_entailment"), "2 classes"),
        (tuple(f"c{number}" for number in range(50)), r"50 classes \(c0.*, \.\.\.\)"),
    ],
)
def test_classes_that_say_nothing_are_refused_with_the_flag(classes: tuple[str, ...], line: str) -> None:
    """One line says what the head has, what the task has, and how to name the classes."""
    with pytest.raises(ModelError, match=line):
        mapped(classes, XNLI, "one")


@pytest.mark.parametrize(
    ("classes", "order"),
    [
        (("entailment", "neutral", "other"), ""),
        (("negative", "neutral", "positive"), ""),
        (("entailment", "entails", "neutral"), ""),
        (("c", "N", "e"), "contradiction,neutral,entailment"),
        (("Contraditions", "neutral", "entailment"), "contradiction,neutral,entailment"),
    ],
)
def test_classes_of_other_names_are_refused_with_the_line_to_paste(classes: tuple[str, ...], order: str) -> None:
    """The line has the labels in the order of the classes where all resemble one, else the classes, and says so."""
    with pytest.raises(ModelError, match=f"--labels xnli={order or ','.join(classes)} "):
        mapped(classes, XNLI, "one")


@pytest.mark.parametrize(
    ("classes", "expected"),
    [
        (PANX.labels, PANX.labels),
        (("I-LOC", "O", "b_per", "I-ORG", "I-PER"), ("I-LOC", "O", "B-PER", "I-ORG", "I-PER")),
        (("O", "PER", "ORG", "LOC"), ("O", "I-PER", "I-ORG", "I-LOC")),
        (("O", "S-PERSON", "E-person", "U-GPE", "L-LOCATION", "M-ORGANISATION"), "O B-PER I-PER B-LOC I-LOC I-ORG"),
        (("O", "B-MISC", "I-PER", "I-ORG", "I-LOC", "I-MISC", "X-PER"), "O O I-PER I-ORG I-LOC O O"),
        ((*PANX.labels, "B-DATE"), (*PANX.labels, "O")),
    ],
)
def test_tags_go_by_prefix_and_type(classes: tuple[str, ...], expected: tuple[str, ...] | str) -> None:
    """Other schemes of prefixes and other words for a type are understood; types unknown to the task count as O."""
    assert mapped(classes, PANX, "one") == tuple(expected.split() if isinstance(expected, str) else expected)


def test_tags_that_count_as_outside_are_reported() -> None:
    """What is lost by the mapping can be named."""
    classes = ("O", "B-MISC", "I-PER", "I-ORG", "I-LOC", "I-MISC")
    assert others(classes, mapped(classes, PANX, "one")) == ("B-MISC", "I-MISC")


@pytest.mark.parametrize(
    ("classes", "line"),
    [
        (("B-PER", "B-ORG", "B-LOC"), "do not cover"),
        (("O", "I-PER", "I-ORG", "I-LOC", "B-PER", "B-ORG", "B-XX"), "do not cover"),
        (("O", "B-PER", "B-ORG", "B-LOC", "I-PER", "I-ORG"), "do not cover"),
        (("O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-MISC", "I-MISC"), "do not cover"),
        (tuple(f"LABEL_{number}" for number in range(7)), "--labels panx=O"),
    ],
)
def test_tags_without_a_type_are_refused(classes: tuple[str, ...], line: str) -> None:
    """A head that can never find one of the task's types, or calls nothing O, is not an answer to the task."""
    with pytest.raises(ModelError, match=line):
        mapped(classes, PANX, "one")


def test_a_task_that_could_fit_is_distinguished_from_one_that_cannot() -> None:
    """Without names the number of classes must be the task's."""
    assert may_fit(("LABEL_0", "LABEL_1", "LABEL_2"), XNLI)
    assert may_fit(("Neutral", "entailment", "contradiction"), XNLI)
    assert not may_fit(("LABEL_0", "LABEL_1"), XNLI)
    assert not may_fit(("LABEL_0", "LABEL_1", "LABEL_2"), replace(XNLI, labels=("yes", "no")))


def test_labels_are_read_from_words() -> None:
    """TASK=A,B,C, spaces around names aside."""
    labels = parse_labels(["xnli=a, b,c", "panx=O,PER"])
    assert labels == {"xnli": ("a", "b", "c"), "panx": ("O", "PER")}


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["xnli"], "TASK=A,B,C"),
        (["=a,b"], "TASK=A,B,C"),
        (["xnli=a,,b"], "TASK=A,B,C"),
        (["xnli=a,b,a"], "name 'a' twice"),
        (["xnli=a,b", "xnli=a,b"], "twice for 'xnli'"),
    ],
)
def test_labels_that_cannot_be_read_are_one_line(words: list[str], line: str) -> None:
    """Each mistake is named with the form that is wanted."""
    with pytest.raises(SpecError, match=line):
        parse_labels(words)


def test_labels_of_no_task_are_one_line() -> None:
    """The nearest task is named."""
    with pytest.raises(UnknownName, match="'xnli'"):
        parse_labels(["xnly=a,b"])


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ({"entailment": 2, "neutral": 1, "contradiction": 0}, "it is 2"),
        ({"Entailment": "1"}, "it is 1"),
        ({"entailment": 0, "neutral": "1", "contradiction": 2}, ""),
        ({"LABEL_0": 0, "LABEL_1": 1}, ""),
        ({}, ""),
        (None, ""),
        ([1], ""),
    ],
)
def test_a_configuration_that_contradicts_itself_is_reported(ids: object, message: str) -> None:
    """Only a class that both name, at different places, is a contradiction."""
    lines = contradiction(("entailment", "neutral", "contradiction"), ids)
    assert message in lines
    assert bool(message) == bool(lines)


def test_parts_of_speech_go_by_their_names() -> None:
    """They have no O and no prefixes: a head has all seventeen in any order, or it is refused."""
    udpos = registry.load("task", "udpos")
    classes = tuple(name.lower() for name in reversed(udpos.labels))
    assert mapped(classes, udpos, "one") == tuple(reversed(udpos.labels))
    assert may_fit(tuple(f"LABEL_{number}" for number in range(17)), udpos)
    for other in (classes[1:], PANX.labels):
        assert not may_fit(other, udpos)
        with pytest.raises(ModelError, match="do not cover"):
            mapped(other, udpos, "one")
    assert not may_fit(udpos.labels, PANX)


@pytest.mark.parametrize(
    ("classes", "labels", "expected"),
    [
        (("NEG", "POS"), ("negative", "positive"), ("negative", "positive")),
        (("Positive", "neg"), ("negative", "positive"), ("positive", "negative")),
        (("NEGATIF", "PO SITIF"), ("négatif", "positif"), ("négatif", "positif")),
        (("PRO", "CON"), ("progressive", "conservative"), ()),
        (("PRO", "CON", "NEU"), ("pro", "contradiction", "neutral"), ()),
        (("PRO", "CON", "NEU"), ("pro", "con", "neu"), ("pro", "con", "neu")),
        (("NEG", "POS"), ("negotiated", "posed"), ()),
        (("CON", "ENT"), ("entailment", "contradiction"), ("contradiction", "entailment")),
        (("की", "का"), ("का", "के"), ()),
        (("very good", "very-bad"), ("very_bad", "Very Good"), ("Very Good", "very_bad")),
        (("1 star", "2-stars"), ("1_star", "2 stars"), ("1_star", "2 stars")),
        (("negative", "positive"), ("neg", "pos"), ("neg", "pos")),
        (("ne", "po"), ("negative", "positive"), ()),
        (("pos", "neg"), ("positive", "possible"), ()),
        (("pos", "posit"), ("positive", "negative"), ()),
        (("NEG", "other"), ("negative", "positive"), ()),
        (("-1", "0"), ("1", "0"), ()),
        (("1", "-1"), ("-1", "+1"), ()),
        (("class1", "class2"), ("class10", "class20"), ()),
        (("...", "---"), ("negative", "positive"), ()),
    ],
)
def test_only_another_spelling_is_the_same_label(
    classes: tuple[str, ...], labels: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    """Case, accents, blanks and hyphens, and short forms beside names of their kind; else nothing is guessed."""
    assert spelt(classes, labels) == expected


def test_a_mapping_by_spelling_is_said() -> None:
    """Each pair that differs is named; equal names, and names without meaning, need no sentence."""
    labels = ("entailment", "contradiction", "neutral")
    line = respelt(("entailment", "CONTRA", "Neutral"), labels, XNLI, "one")
    assert "CONTRA as contradiction, Neutral as neutral" in line
    assert mapped(("entailment", "CONTRA", "Neutral"), XNLI, "one") == labels
    assert respelt(labels, labels, XNLI, "one") == ""
    assert respelt(("LABEL_0", "LABEL_1", "LABEL_2"), labels, XNLI, "one") == ""


def test_a_head_with_more_classes_has_the_line_that_names_them_all() -> None:
    """Where the labels are among its classes by their spelling."""
    task = replace(XNLI, labels=("negative", "positive"))
    with pytest.raises(ModelError, match="--labels xnli=negative,NEU,positive"):
        mapped(("NEG", "NEU", "POS"), task, "one")


def test_the_labels_of_a_head_may_differ_in_spelling_from_those_of_a_file() -> None:
    """They are mapped by their names, in any order; another name is refused."""
    head = ("entailment", "neutral", "contradiction")
    written = replace(XNLI, labels=("CONTRADICTION", "Entailment", "neutral"))
    assert relabelled(head, written, Path("run")) == (1, 2, 0)
    with pytest.raises(ModelError, match="not those of xnli"):
        relabelled(("entailment", "neutral", "no"), written, Path("run"))
