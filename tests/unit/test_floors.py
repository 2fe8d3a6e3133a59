"""Floors: shallow predictions that a model has to beat before its drop means anything."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from robust_xtreme.examples import Answers, Choice, Example, Span, Tags, Target, Text
from robust_xtreme.formats import word_spans
from robust_xtreme.formats.squad_sentences import sentences
from robust_xtreme.results.floors import Floor, fit
from robust_xtreme.results.shallow import naive_bayes, passages

_LABELS = ("contradiction", "entailment", "neutral")
_TAGS = ("O", "B-LOC", "I-LOC", "B-PER", "I-PER")


def floors(
    family: str, train: Sequence[Example] | None, examples: Sequence[Example], labels: tuple[str, ...]
) -> dict[str, Floor]:
    """Fit and apply in one step."""
    return fit(family, train, labels)(examples)


def _pair(number: int, hypothesis: str, label: int) -> Example:
    texts = {
        "hypothesis": Text(f"{number}/hypothesis", "en", hypothesis),
        "premise": Text(f"{number}/premise", "en", "The same premise."),
    }
    return Example(f"xnli/test/en/{number}", texts, Choice(label), str(number // 3))


def _pairs(count: int) -> list[Example]:
    wording = ("He did not sleep at all.", "He slept.", "He slept because he was tired.")
    return [_pair(i, f"{wording[i % 3]} {i}", i % 3) for i in range(count)]


def _sentence(number: int, names: tuple[str, ...], words: str = "") -> Example:
    words = words or " ".join("x" * len(names))
    text = Text(f"{number}", "sw", words, word_spans(tuple(words.split())))
    return Example(f"panx/test/sw/{number}", {"tokens": text}, Tags(names), str(number))


def _question(number: int, question: str, context: str, language: str = "en") -> Example:
    texts = {"question": Text(f"{number}", language, question), "context": Text("c", language, context)}
    return Example(f"xquad/test/{language}/{number}", texts, Answers((Span(0, 1),)), "c")


def _share_right(targets: tuple[Target, ...], examples: list[Example]) -> float:
    return sum(target == example.target for target, example in zip(targets, examples, strict=True)) / len(examples)


def test_the_majority_is_the_splits_own_and_ties_go_to_the_lowest_label() -> None:
    """Always the label that is most frequent in the split; equal counts take the first label."""
    examples = [_pair(0, "a", 2), _pair(1, "b", 1), _pair(2, "c", 2)]
    assert floors("classification", None, examples, _LABELS)["majority"].targets == (Choice(2),) * 3
    assert floors("classification", None, examples[:2], _LABELS)["majority"].targets == (Choice(1),) * 2


def test_the_hypothesis_alone_is_learned_from_training_examples() -> None:
    """With training examples the wording of the hypothesis is learned there, and the source says so."""
    fitted = fit("classification", _pairs(90), _LABELS)(_pairs(30))["hypothesis_only"]
    assert _share_right(fitted.targets, _pairs(30)) == 1.0
    assert fitted.source == "90 training examples"


def test_without_training_examples_the_hypothesis_is_learned_in_folds_over_clusters() -> None:
    """Each cluster is predicted from the others: a single cluster can learn nothing about itself."""
    examples = _pairs(150)
    values = floors("classification", None, examples, _LABELS)["hypothesis_only"]
    assert values.source == "5 folds"
    assert _share_right(values.targets, examples) > 0.9
    assert floors("classification", None, examples[:3], _LABELS)["hypothesis_only"].targets == (Choice(0),) * 3


def test_the_order_of_examples_changes_no_prediction() -> None:
    """A prediction belongs to its example, wherever that is."""
    examples = _pairs(60)
    forwards = floors("classification", None, examples, _LABELS)["hypothesis_only"].targets
    backwards = floors("classification", None, examples[::-1], _LABELS)["hypothesis_only"].targets
    assert forwards == backwards[::-1]


def test_naive_bayes_reads_no_n_gram_across_texts() -> None:
    """A text is scored alone: no n-gram spans two texts of a list or of a bag."""
    model = naive_bayes.fit([("ab",), ("cd",)], [0, 1], 2)
    assert model.predict([("ab",), ("cd",), ("",), ("ab",)]) == [0, 1, 0, 0]
    assert model.predict([("cd",)]) == [1]
    assert model.predict([]) == []
    parted = naive_bayes.fit([("ab", "cd")], [0], 1)
    assert (parted.buckets == naive_bayes.fit([("cd", "ab")], [0], 1).buckets).all()


def test_folds_predict_as_a_fit_on_the_others_does() -> None:
    """One fit with a fold taken away is the fit on the rest, class by class and bag by bag."""
    bags = [(f"{'abc'[i % 3] * 3} {i}", f"{i % 7}") for i in range(40)]
    classes, folds = [i % 3 for i in range(40)], [i % 4 for i in range(40)]
    folded = naive_bayes.folded(bags, classes, folds, 3, 0.3)
    scores = naive_bayes.folded_scores(bags, classes, folds, 3, 0.3)
    for held_out in range(4):
        rest = [at for at in range(40) if folds[at] != held_out]
        model = naive_bayes.fit([bags[at] for at in rest], [classes[at] for at in rest], 3, 0.3)
        inside = [at for at in range(40) if folds[at] == held_out]
        assert [folded[at] for at in inside] == model.predict([bags[at] for at in inside])
        assert np.allclose(scores[inside], model.scores([bags[at] for at in inside]))


def test_a_bag_of_characters_reads_all_fields_wherever_they_are() -> None:
    """What the premise gives away is found too, and premise and hypothesis can change places."""

    def pair(number: int, premise: str, hypothesis: str, label: int) -> Example:
        texts = {"premise": Text("p", "en", premise), "hypothesis": Text("h", "en", hypothesis)}
        return Example(str(number), texts, Choice(label), str(number))

    train = [pair(i, ("yes", "no")[i % 2], "the same", i % 2) for i in range(20)]
    fitted = fit("classification", train, ("a", "b"))
    straight = [pair(i, ("yes", "no")[i % 2], "the same", i % 2) for i in range(4)]
    turned = [pair(i, "the same", ("yes", "no")[i % 2], i % 2) for i in range(4)]
    model = fitted(straight)
    assert _share_right(model["bag_of_characters"].targets, straight) == 1.0
    assert fitted(turned)["bag_of_characters"] == model["bag_of_characters"]
    assert _share_right(model["hypothesis_only"].targets, straight) == 0.5


def test_tagging_floors_say_nothing_or_one_entity() -> None:
    """All O, and the whole sentence as one entity of each type, with one tag per word."""
    values = floors("tagging", None, [_sentence(0, ("B-PER", "I-PER", "O")), _sentence(1, ("O",))], _TAGS)
    assert list(values) == ["all_o", "whole_sentence_LOC", "whole_sentence_PER", "word_lexicon", "word_characters"]
    assert values["all_o"].targets == (Tags(("O",) * 3), Tags(("O",)))
    assert values["whole_sentence_LOC"].targets == (Tags(("B-LOC", "I-LOC", "I-LOC")), Tags(("B-LOC",)))


def test_a_sentence_without_words_gets_no_tags() -> None:
    """The number of tags is the number of words, none included."""
    values = floors("tagging", None, [_sentence(0, ())], _TAGS)
    assert {floor.targets for floor in values.values()} == {(Tags(()),)}


_VISITS = [
    _sentence(i, ("B-PER", "I-PER", "O", "B-LOC"), f"Anna {name} visits {city}")
    for i, (name, city) in enumerate([("Kova", "Oslo"), ("Kosta", "Orlo"), ("Kova", "Oslo")] * 8)
]


def test_words_are_tagged_as_training_showed() -> None:
    """The lexicon knows the words it saw, characters those that look alike; both say what they were fitted on."""
    fitted = fit("tagging", _VISITS, _TAGS)([_sentence(99, ("O",) * 4, "Anna Koska visits Orslo")])
    assert fitted["word_lexicon"].targets == (Tags(("B-PER", "O", "O", "O")),)
    assert fitted["word_characters"].targets == (Tags(("B-PER", "I-PER", "O", "B-LOC")),)
    assert fitted["word_lexicon"].source == fitted["word_characters"].source == "24 training examples"


def test_without_training_examples_words_are_learned_in_folds_over_clusters() -> None:
    """Sentences are tagged by those of other clusters; one cluster alone teaches itself nothing."""
    values = floors("tagging", None, _VISITS, _TAGS)
    assert values["word_lexicon"].source == values["word_characters"].source == "5 folds"
    assert _share_right(values["word_lexicon"].targets, _VISITS) == 1.0
    assert _share_right(values["word_characters"].targets, _VISITS) == 1.0
    alone = floors("tagging", None, _VISITS[:1], _TAGS)
    assert alone["word_lexicon"].targets == (Tags(("O",) * 4),)


def test_tags_of_words_are_mended_into_entities() -> None:
    """An I- that continues no entity, or one of another type, begins an entity."""
    train = [_sentence(0, ("B-PER", "I-PER"), "Anna Kova"), _sentence(1, ("B-LOC", "I-LOC"), "Old Oslo")]
    fitted = fit("tagging", train, _TAGS)([_sentence(2, ("O",) * 3, "Kova Oslo Oslo")])
    assert fitted["word_lexicon"].targets == (Tags(("B-PER", "B-LOC", "I-LOC")),)


def test_an_unknown_word_takes_the_most_frequent_tag_where_nothing_is_outside() -> None:
    """Parts of speech have no outside: what training never saw is what it saw most."""
    train = [_sentence(0, ("NOUN", "VERB", "NOUN"), "dogs see cats")]
    fitted = fit("tagging", train, ("VERB", "NOUN"))([_sentence(1, ("NOUN",) * 2, "birds see")])
    assert fitted["word_lexicon"].targets == (Tags(("NOUN", "VERB")),)


def test_tags_without_an_outside_take_the_most_frequent() -> None:
    """Where no tag means outside, as for parts of speech, the floor is the most frequent tag of the split."""
    values = floors("tagging", None, [_sentence(0, ("VERB", "NOUN", "NOUN"))], ("NOUN", "VERB"))
    assert values["majority"].targets == (Tags(("NOUN",) * 3),)


_STORY = "The club was founded in 1899. Its colours are blue and red! Who plays there? J. Smith did (1901)."


def test_question_floors_answer_with_substrings() -> None:
    """The sentence with most words of the question, the first sentence, and the first words."""
    example = _question(0, "Which colours does the club have, blue or red?", _STORY)
    values = floors("span_qa", None, [example], ())
    texts = {name: _answer(floor.targets[0], example) for name, floor in values.items()}
    assert texts == {
        "overlap_sentence": "Its colours are blue and red!",
        "nearest_slot": "Its",
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
    bounds = sentences(text)
    assert len(bounds) == expected, [text[start:stop] for start, stop in bounds]
    assert all(text[start:stop] == text[start:stop].strip() != "" for start, stop in bounds)


def test_units_are_words_or_pairs_of_characters() -> None:
    """Words keep their marks; scripts without spaces are compared by pairs of characters, beside Latin words too."""
    assert passages.units("Blue, हिन्दी!") == {"blue", "हिन्दी"}
    assert passages.units("黑豹队NFL") == {"黑豹", "豹队", "nfl"}
    assert passages.units("队") == {"队"}


def test_overlap_works_without_spaces() -> None:
    """In Chinese the sentence with most pairs of characters of the question is found."""
    example = _question(0, "黑豹队的颜色是什么？", "俱乐部成立于1899年。黑豹队的颜色是蓝色。他们赢了。", "zh")
    assert _answer(floors("span_qa", None, [example], ())["overlap_sentence"].targets[0], example) == (
        "黑豹队的颜色是蓝色。"
    )


@pytest.mark.parametrize(
    ("question", "context", "answer"),
    [
        ("When was the club founded?", _STORY, "1899"),
        ("Who plays?", "It rains. Ana Maria de Souza plays. It is cold.", "Souza"),
        ("Who plays chess?", "It rains. There Ana Maria plays chess with 2 dogs.", "Ana Maria"),
        ("अन्ना कहाँ रहती है?", "अन्ना दिल्ली रहती है।", "दिल्ली"),
        ("安娜在哪里工作？", "今天下雨。安娜在东京工作。", "东京"),
        ("Who?", "blue", "blue"),
    ],
)
def test_the_slot_is_what_the_question_does_not_have(question: str, context: str, answer: str) -> None:
    """A number or name beside words of the question; another word where there is none; characters where unspaced."""
    example = _question(0, question, context)
    assert _answer(floors("span_qa", None, [example], ())["nearest_slot"].targets[0], example) == answer


def test_a_passage_that_the_question_repeats_has_its_sentence_for_a_slot() -> None:
    """Where no word is left over the whole sentence is the answer."""
    example = _question(0, "Ana plays chess?", "Ana plays chess.")
    assert _answer(floors("span_qa", None, [example], ())["nearest_slot"].targets[0], example) == "Ana plays chess."


def test_an_empty_passage_has_no_answer() -> None:
    """Where there is nothing to point at, no span is given."""
    values = floors("span_qa", None, [_question(0, "Who?", " ")], ())
    assert {floor.targets for floor in values.values()} == {(Answers(()),)}


def test_families_without_floors_and_empty_splits_give_none() -> None:
    """No floor is made up for a family that has none, nor for a split without examples."""
    assert floors("retrieval", None, _pairs(3), ()) == {}
    assert floors("classification", None, [], _LABELS) == {}
