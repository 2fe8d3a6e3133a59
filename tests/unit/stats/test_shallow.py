"""Shallow predictors: what the surface of a text gives away, clean and perturbed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from robust_xtreme.core.columns import ExampleColumns, TargetColumn
from robust_xtreme.core.examples import Answers, Choice, Example, Span, Tags, Target, Text
from robust_xtreme.stats.shallow import naive_bayes, passages
from robust_xtreme.stats.shallow.predictor import FOLDS, answers, shallow_of, stratified, summary
from robust_xtreme.stats.shallow.words import ShownExamples
from robust_xtreme.tasks.formats import word_spans
from robust_xtreme.tasks.formats.squad_sentences import sentences


def _answered(family: str, examples: Sequence[Example], *noisy: Sequence[Example]) -> list[tuple[Target, ...]]:
    """The answers to the clean examples, and to each perturbed form of them."""
    shallow = shallow_of(family)
    assert shallow is not None
    clean = ExampleColumns(examples)
    shown = [ShownExamples(clean), *(ShownExamples(ExampleColumns(each)) for each in noisy)]
    return list(map(_targets, answers(shallow, clean, shown)[0]))


def _targets(column: TargetColumn) -> tuple[Target, ...]:
    return tuple(column[at] for at in range(len(column)))


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


_VISITS = [
    _sentence(i, ("B-PER", "I-PER", "O", "B-LOC"), f"Anna {name} visits {city}")
    for i, (name, city) in enumerate([("Kova", "Oslo"), ("Kosta", "Orlo"), ("Kova", "Oslo")] * 8)
]


_STORY = "The club was founded in 1899. Its colours are blue and red! Who plays there? J. Smith did (1901)."


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
    texts = ("Blue, हिन्दी!", "黑豹队NFL", "", "队")
    assert passages.units(texts) == [{"blue", "हिन्दी"}, {"黑豹", "豹队", "nfl"}, set(), {"队"}]
    assert passages.units(()) == []


def test_the_hypothesis_is_learned_in_folds_over_the_clusters_of_the_split() -> None:
    """What the wording gives away is found without the premise; a single cluster learns nothing about itself."""
    examples = _pairs(150)
    shallow = shallow_of("classification")
    assert shallow is not None
    clean = ExampleColumns(examples)
    (predicted,), source = answers(shallow, clean, [ShownExamples(clean)])
    assert source == "5 folds, 120 examples each"
    assert _share_right(_targets(predicted), examples) > 0.9
    assert _answered("classification", examples[:3]) == [(Choice(0),) * 3]
    assert _answered("classification", [_pair(0, "x", 0)] * 0) == []


def test_perturbed_text_is_answered_by_what_clean_text_teaches() -> None:
    """The noisy form of a fold is scored by the clean text of the others: noise that removes the cue leaves chance."""
    examples = _pairs(150)
    noisy = [_pair(at, "zzz", at % 3) for at in range(150)]
    clean, same, without_cue = _answered("classification", examples, examples, noisy)
    assert clean == same
    assert _share_right(without_cue, examples) < 0.5


def test_folds_have_the_labels_of_the_split() -> None:
    """Clusters are whole; each fold has the labels in the shares of the split, so that none is predicted by absence."""
    examples = [_pair(at, "x", 0 if at < 300 else 1 + at % 2) for at in range(600)]
    folds = stratified(examples)
    for fold in range(FOLDS):
        labels = [example.target for example, number in zip(examples, folds, strict=True) if number == fold]
        assert abs(labels.count(Choice(0)) / len(labels) - 0.5) < 0.03
    assert all(len({folds[at], folds[at + 1], folds[at + 2]}) == 1 for at in range(0, 600, 3))


def test_a_predictor_that_learns_nothing_is_not_below_chance() -> None:
    """With labels that the text does not tell, stratified folds answer right about as often as chance."""
    generator = np.random.default_rng(5)
    labels = np.repeat([0, 1, 2], 38)[generator.permutation(114)]
    shares = []
    for draw in range(30):
        words = generator.integers(0, 9, (114, 6)).astype(str)
        texts = [Text("h", "en", " ".join(row)) for row in words]
        examples = [
            Example(str(at), {"hypothesis": text}, Choice(int(label)), f"{draw}/{at}")
            for at, (text, label) in enumerate(zip(texts, labels, strict=True))
        ]
        shares.append(_share_right(_answered("classification", examples)[0], examples))
    assert abs(float(np.mean(shares)) - 1 / 3) < 0.03


def test_the_order_of_examples_changes_no_prediction() -> None:
    """A prediction belongs to its example, wherever that is."""
    examples = _pairs(60)
    assert _answered("classification", examples)[0] == _answered("classification", examples[::-1])[0][::-1]


def test_naive_bayes_reads_no_n_gram_across_texts() -> None:
    """Texts have the n-grams that each of them has alone, in that order, also where a text is empty."""
    texts = ["ab", "", "cd", "abcd", ""]
    buckets, owner = naive_bayes.grams(texts)
    assert [buckets[owner == at].tolist() for at in range(5)] == [
        naive_bayes.grams([text])[0].tolist() for text in texts
    ]
    assert naive_bayes.grams([])[0].size == 0


def test_folds_predict_as_a_count_of_the_others_does() -> None:
    """One table with a fold taken away is the table of the rest, class by class and text by text."""
    texts = [f"{'abc'[i % 3] * 3} {i}" for i in range(40)]
    noisy = [*texts[:20], *(f"{text} zzz" for text in texts[:20])]
    classes, folds = np.arange(40) % 3, np.arange(40) % 4
    clean, folded = naive_bayes.folded(texts, classes, folds, 3, [texts, noisy])
    assert (folded[:20] == clean[:20]).all()
    for at in range(0, 40, 7):
        rest = [other for other in range(40) if folds[other] != folds[at]]
        assert np.allclose(folded[at], _slow(noisy[at], [texts[r] for r in rest], [int(classes[r]) for r in rest]))


def _slow(text: str, texts: list[str], classes: list[int]) -> list[float]:
    """The log probability of a text and each of three classes, counted text by text."""
    asked, scores = naive_bayes.grams([text])[0], []
    for number in range(3):
        counts = np.zeros(naive_bayes.BUCKETS)
        for each, label in zip(texts, classes, strict=True):
            np.add.at(counts, naive_bayes.grams([each])[0], label == number)
        prior = np.log((classes.count(number) + 1) / (len(classes) + 3))
        scores.append(float(np.log((counts[asked] + 1) / (counts.sum() + naive_bayes.BUCKETS)).sum() + prior))
    return scores


def test_choices_are_told_apart_by_their_wording_alone() -> None:
    """What right choices say is learned without the premise, wherever the right one is."""
    pairs = [(f"She was happy {at}.", f"It broke {at}.") for at in range(60)]
    examples = [_choice(at, pair[:: 1 - 2 * (at % 2)], at % 2) for at, pair in enumerate(pairs)]
    assert _share_right(_answered("choice", examples)[0], examples) == 1.0


def test_more_than_nine_choices_keep_their_order() -> None:
    """The tenth choice is the tenth, not the second; examples can have different numbers of choices."""
    tenth = [_choice(at, [*[f"It broke {at}."] * 9, f"She was happy {at}.", "It broke."], 9) for at in range(10)]
    few = [_choice(at, [f"She was happy {at}.", f"It broke {at}."], 0) for at in range(10, 30)]
    assert _share_right(_answered("choice", tenth + few)[0], tenth + few) == 1.0


def _choice(number: int, choices: Sequence[str], right: int) -> Example:
    fields = {"premise": "It rained."} | {f"choice{at}": choice for at, choice in enumerate(choices, 1)}
    texts = {name: Text(f"{number}/{name}", "en", value) for name, value in fields.items()}
    return Example(f"xcopa/test/en/{number}", texts, Choice(right), str(number))


def test_words_are_tagged_as_the_other_clusters_are() -> None:
    """The lexicon knows the words of other clusters; one cluster alone teaches itself nothing."""
    assert _share_right(_answered("tagging", _VISITS)[0], _VISITS) == 1.0
    assert _answered("tagging", _VISITS[:1]) == [(Tags(("O",) * 4),)]
    misspelt = [_sentence(at, ("O",) * 4, "Anna K0va vis1ts Osl0") for at in range(24)]
    assert _answered("tagging", _VISITS, misspelt)[1][0] == Tags(("B-PER", "O", "O", "O"))
    assert _answered("tagging", [_sentence(0, ())]) == [(Tags(()),)]


def test_tags_of_words_become_entities() -> None:
    """An I- that continues no entity, or one of another type, begins an entity."""
    train = [_sentence(at, ("B-PER", "I-PER"), "Anna Kova") for at in range(9)]
    train += [_sentence(at, ("B-LOC", "I-LOC"), "Old Oslo") for at in range(9, 18)]
    shown = [_sentence(at, ("O",) * 3, "Kova Oslo Oslo") for at in range(18)]
    assert _answered("tagging", train, shown)[1][0] == Tags(("B-PER", "B-LOC", "I-LOC"))


def test_an_unknown_word_takes_the_most_frequent_tag_where_nothing_is_outside() -> None:
    """Parts of speech have no outside: a word that no other cluster has is what most words are."""
    train = [_sentence(at, ("NOUN", "VERB", "NOUN"), "dogs see cats") for at in range(9)]
    shown = [_sentence(at, ("NOUN",) * 2, "birds see") for at in range(9)]
    assert _answered("tagging", train, shown)[1][0] == Tags(("NOUN", "VERB"))


def test_an_answer_is_the_sentence_with_most_words_of_the_question() -> None:
    """In Chinese, pairs of characters count for words; of an empty passage there is no answer."""
    example = _question(0, "Which colours does the club have, blue or red?", _STORY)
    assert _answer(_answered("span_qa", [example])[0][0], example) == "Its colours are blue and red!"
    chinese = _question(0, "黑豹队的颜色是什么？", "俱乐部成立于1899年。黑豹队的颜色是蓝色。他们赢了。", "zh")
    assert _answer(_answered("span_qa", [chinese])[0][0], chinese) == "黑豹队的颜色是蓝色。"
    assert _answered("span_qa", [_question(0, "Who?", " ")]) == [(Answers(()),)]


def test_one_predictor_is_declared_for_each_family_and_has_its_sentence() -> None:
    """A family of another package has none; what a page names, a sentence explains."""
    families = ("classification", "choice", "tagging", "span_qa", "retrieval")
    declared = [shallow_of(family) for family in families] + [shallow_of("retrieval", "bitext")]
    assert len({each.name for each in declared if each}) == 6
    assert all(each and each.summary == summary(each.name) for each in declared)
    assert shallow_of("theirs") is None
    assert summary("theirs") == ""
