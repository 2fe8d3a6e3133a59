"""What a model reads of examples, as columns."""

from __future__ import annotations

from robust_xtreme.core.examples import Answers, Choice, Example, Span, Text
from robust_xtreme.models.reading.reading import contents_of


def test_contents_have_the_values_and_spans_of_each_field() -> None:
    """A field that an example does not have is None there, without spans."""
    text = Text("t", "en", "two words", (Span(0, 3), Span(4, 9, "X", True)))
    examples = [
        Example("a", {"premise": text}, Choice(0), "a"),
        Example("b", {"premise": text, "choice1": Text("u", "en", "one", (Span(1, 2),))}, Choice(1), "b"),
    ]
    contents = contents_of(examples)
    assert (len(contents), contents.ids) == (2, ["a", "b"])
    assert contents.values == {"premise": ["two words"] * 2, "choice1": [None, "one"]}
    premise, choice = contents.spans["premise"], contents.spans["choice1"]
    assert premise.text.tolist() == [0, 0, 1, 1]
    assert (premise.start.tolist(), premise.stop.tolist()) == ([0, 4, 0, 4], [3, 9, 3, 9])
    assert (choice.text.tolist(), choice.start.tolist(), choice.stop.tolist()) == ([1], [1], [2])
    assert contents.golds is None


def test_gold_answers_are_read_where_all_targets_are_answers() -> None:
    """Of span QA the gold answers are among what is read: they decide whether a window has one."""
    texts = {"context": Text("t", "en", "a b c")}
    answers = [Answers((Span(0, 1), Span(2, 3))), Answers(())]
    golds = contents_of([Example("a", texts, target, "a") for target in answers]).golds
    assert golds is not None
    assert [golds[0], golds[1]] == answers
