"""Floors: shallow predictions that a model has to beat before its drop means anything."""

from __future__ import annotations

import pytest

from robust_xtreme.examples import Answers, Choice, Example, Span, Tags, Target, Text
from robust_xtreme.results import _naive_bayes, _passages
from robust_xtreme.results.floors import fit, floors

_LABELS = ("contradiction", "entailment", "neutral")
_TAGS = ("O", "B-LOC", "I-LOC", "B-PER", "I-PER")


def _pair(number: int, hypothesis: str, label: int) -> Example:
    texts = {
        "hypothesis": Text(f"{number}/hypothesis", "en", hypothesis),
        "premise": Text(f"{number}/premise", "en", "The same premise."),
    }
    return Example(f"xnli/test/en/{number}", texts, Choice(label), str(number // 3))


def _pairs(count: int) -> list[Example]:
    wording = ("He did not sleep at all.", "He slept.", "He slept because he was tired.")
    return [_pair(i, f"{wording[i % 3]} {i}", i % 3) for i in range(count)]


def _sentence(number: int, names: tuple[str, ...]) -> Example:
    text = Text(f"{number}", "sw", " ".join("x" * len(names)))
    return Example(f"panx/test/sw/{number}", {"tokens": text}, Tags(names), str(number))


def _question(number: int, question: str, context: str, language: str = "en") -> Example:
    texts = {"question": Text(f"{number}", language, question), "context": Text("c", language, context)}
    return Example(f"xquad/test/{language}/{number}", texts, Answers((Span(0, 1),)), "c")


def _share_right(targets: tuple[Target, ...], examples: list[Example]) -> float:
    return sum(one == example.target for one, example in zip(targets, examples, strict=True)) / len(examples)


def test_the_majority_is_the_splits_own_and_ties_go_to_the_lowest_label() -> None:
    """Always the label that is most frequent in the split; equal counts take the first label."""
    examples = [_pair(0, "a", 2), _pair(1, "b", 1), _pair(2, "c", 2)]
    assert floors("classification", None, examples, _LABELS)["majority"].targets == (Choice(2),) * 3
    assert floors("classification", None, examples[:2], _LABELS)["majority"].targets == (Choice(1),) * 2


def test_the_hypothesis_alone_is_learned_from_training_examples() -> None:
    """With training examples the wording of the hypothesis is learned there, and the source says so."""
    found = fit("classification", _pairs(90), _LABELS)(_pairs(30))["hypothesis_only"]
    assert _share_right(found.targets, _pairs(30)) == 1.0
    assert found.source == "90 training examples"


def test_without_training_examples_the_hypothesis_is_learned_in_folds_over_clusters() -> None:
    """Each cluster is predicted from the others: a single cluster can learn nothing about itself."""
    examples = _pairs(150)
    found = floors("classification", None, examples, _LABELS)["hypothesis_only"]
    assert found.source == "5 folds"
    assert _share_right(found.targets, examples) > 0.9
    assert floors("classification", None, examples[:3], _LABELS)["hypothesis_only"].targets == (Choice(0),) * 3


def test_the_order_of_examples_changes_no_prediction() -> None:
    """A prediction belongs to its example, wherever that stands."""
    examples = _pairs(60)
    forwards = floors("classification", None, examples, _LABELS)["hypothesis_only"].targets
    backwards = floors("classification", None, examples[::-1], _LABELS)["hypothesis_only"].targets
    assert forwards == backwards[::-1]


def test_naive_bayes_reads_no_n_gram_across_texts() -> None:
    """A text is judged alone: what stands beside it in the list does not matter."""
    model = _naive_bayes.fit(["ab", "cd"], [0, 1], 2)
    assert model.predict(["ab", "cd", "", "ab"]) == [0, 1, 0, 0]
    assert model.predict(["cd"]) == [1]
    assert model.predict([]) == []


def test_tagging_floors_say_nothing_or_one_entity() -> None:
    """All O, and the whole sentence as one entity of each type, with one tag per word."""
    found = floors("tagging", None, [_sentence(0, ("B-PER", "I-PER", "O")), _sentence(1, ("O",))], _TAGS)
    assert list(found) == ["all_o", "whole_sentence_LOC", "whole_sentence_PER"]
    assert found["all_o"].targets == (Tags(("O",) * 3), Tags(("O",)))
    assert found["whole_sentence_LOC"].targets == (Tags(("B-LOC", "I-LOC", "I-LOC")), Tags(("B-LOC",)))


def test_a_sentence_without_words_gets_no_tags() -> None:
    """The number of tags is the number of words, none included."""
    found = floors("tagging", None, [_sentence(0, ())], _TAGS)
    assert {floor.targets for floor in found.values()} == {(Tags(()),)}


def test_tags_without_an_outside_take_the_most_frequent() -> None:
    """Where no tag means outside, as for parts of speech, the floor is the most frequent tag of the split."""
    found = floors("tagging", None, [_sentence(0, ("VERB", "NOUN", "NOUN"))], ("NOUN", "VERB"))
    assert found["majority"].targets == (Tags(("NOUN",) * 3),)


_STORY = "The club was founded in 1899. Its colours are blue and red! Who plays there? J. Smith did (1901)."


def test_question_floors_answer_with_substrings() -> None:
    """The sentence with most words of the question, the first sentence, and the first words."""
    example = _question(0, "Which colours does the club have, blue or red?", _STORY)
    found = floors("span_qa", None, [example], ())
    texts = {name: _answer(floor.targets[0], example) for name, floor in found.items()}
    assert texts == {
        "overlap_sentence": "Its colours are blue and red!",
        "first_sentence": "The club was founded in 1899.",
        "first_words": "The club was",
    }


def _answer(target: Target, example: Example) -> str:
    assert isinstance(target, Answers)
    return example.texts["context"].at(target.spans[0])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (_STORY, 4),
        ("黑豹队丢了308分。\u201c球队好吗？\u201d他们赢了！", 3),
        ("यह पहला है। यह दूसरा है॥", 2),
        ("یہ پہلا ہے۔ کیا یہ دوسرا ہے؟ جی ہاں", 3),
        ("ประโยคแรก ประโยคที่สอง", 2),
        ("No mark at all", 1),
        ("First line\nSecond line", 2),
        ("It cost 3.5 million in the U. S. Army", 1),
        (" \n ", 0),
        ("", 0),
    ],
)
def test_sentences_end_where_their_script_ends_them(text: str, expected: int) -> None:
    """Full stops of many scripts end a sentence; decimal points and initials do not."""
    found = _passages.sentences(text)
    assert len(found) == expected, [text[start:stop] for start, stop in found]
    assert all(text[start:stop] == text[start:stop].strip() != "" for start, stop in found)


def test_units_are_words_or_pairs_of_characters() -> None:
    """Words keep their marks; scripts without spaces are compared by pairs of characters, beside Latin words too."""
    assert _passages.units("Blue, हिन्दी!") == {"blue", "हिन्दी"}
    assert _passages.units("黑豹队NFL") == {"黑豹", "豹队", "nfl"}
    assert _passages.units("队") == {"队"}


def test_overlap_works_without_spaces() -> None:
    """In Chinese the sentence with most pairs of characters of the question is found."""
    example = _question(0, "黑豹队的颜色是什么？", "俱乐部成立于1899年。黑豹队的颜色是蓝色。他们赢了。", "zh")
    assert _answer(floors("span_qa", None, [example], ())["overlap_sentence"].targets[0], example) == (
        "黑豹队的颜色是蓝色。"
    )


def test_an_empty_passage_has_no_answer() -> None:
    """Where there is nothing to point at, no span is given."""
    found = floors("span_qa", None, [_question(0, "Who?", " ")], ())
    assert {floor.targets for floor in found.values()} == {(Answers(()),)}


def test_families_without_floors_and_empty_splits_give_none() -> None:
    """No floor is made up for a family that has none, nor for a split without examples."""
    assert floors("retrieval", None, _pairs(3), ()) == {}
    assert floors("classification", None, [], _LABELS) == {}
