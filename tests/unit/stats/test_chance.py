"""Chance: constants that need no text."""

from __future__ import annotations

from collections.abc import Sequence

from robust_xtreme.core.columns import ExampleColumns
from robust_xtreme.core.examples import Answers, Choice, Corpus, Document, Example, Span, Tags, Target, Text
from robust_xtreme.stats import chance
from robust_xtreme.stats.chance import summary
from robust_xtreme.tasks.formats import word_spans


def constants(
    family: str, examples: Sequence[Example], corpus: Corpus | None = None, search: str = ""
) -> dict[str, tuple[Target, ...]]:
    """The answers of every constant to examples."""
    columns = chance.constants(family, ExampleColumns(examples), corpus, search)
    return {name: tuple(column[at] for at in range(len(column))) for name, column in columns.items()}


def _class(number: int, label: int) -> Example:
    return Example(f"xnli/test/en/{number}", {"premise": Text(f"{number}", "en", "x")}, Choice(label), str(number))


def _sentence(number: int, *names: str) -> Example:
    words = tuple("x" * len(names))
    text = Text(f"{number}", "sw", " ".join(words), word_spans(words))
    return Example(f"panx/test/sw/{number}", {"tokens": text}, Tags(names), str(number))


def _question(context: str) -> Example:
    texts = {"question": Text("q", "en", "Which colours?"), "context": Text("c", "en", context)}
    return Example("xquad/test/en/0", texts, Answers((Span(0, 1),)), "c")


def test_the_majority_is_the_splits_own_and_ties_go_to_the_lowest_label() -> None:
    """Always the label that is most frequent in the split; equal counts take the first label, in choices as well."""
    examples = [_class(0, 2), _class(1, 1), _class(2, 2)]
    for family in ("classification", "choice"):
        assert constants(family, examples) == {"majority": (Choice(2),) * 3}
        assert constants(family, examples[:2]) == {"majority": (Choice(1),) * 2}


def test_tags_are_nothing_or_one_entity() -> None:
    """All O, and the whole sentence as one entity of each type of the split, with one tag per word."""
    values = constants("tagging", [_sentence(0, "B-PER", "I-PER", "O"), _sentence(1, "O"), _sentence(2)])
    assert list(values) == ["all_o", "whole_sentence_PER"]
    assert values["all_o"] == (Tags(("O",) * 3), Tags(("O",)), Tags(()))
    assert values["whole_sentence_PER"] == (Tags(("B-PER", "I-PER", "I-PER")), Tags(("B-PER",)), Tags(()))


def test_tags_without_an_outside_take_the_most_frequent() -> None:
    """Where no tag means outside, as for parts of speech, the constant is the most frequent tag of the split."""
    assert constants("tagging", [_sentence(0, "VERB", "NOUN", "NOUN")]) == {"majority": (Tags(("NOUN",) * 3),)}


def test_answers_are_the_first_position() -> None:
    """The first sentence and the first three words of the passage; of an empty passage, nothing."""
    context = "The club was founded in 1899. Its colours are blue and red!"
    example = _question(context)
    texts = {name: _read(targets[0], context) for name, targets in constants("span_qa", [example]).items()}
    assert texts == {"first_sentence": "The club was founded in 1899.", "first_words": "The club was"}
    assert set(constants("span_qa", [_question(" ")]).values()) == {(Answers(()),)}


def _read(target: Target, context: str) -> str:
    assert isinstance(target, Answers)
    return context[target.spans[0].start : target.spans[0].stop]


def test_a_random_rank_needs_a_pool_and_pairs_are_none() -> None:
    """A ranking is drawn by ids; of pairs the constant is that there is none; without a pool there is neither."""
    query = Example("lareqa/test/en/0", {"query": Text("q", "en", "x")}, Document(("a",)), "0")
    pool = Corpus("pool", (Text("a", "en", "x"), Text("b", "en", "y")))
    (ranked,) = constants("retrieval", [query], pool)["random_rank"]
    assert isinstance(ranked, Document)
    assert set(ranked.ids) == {"a", "b"}
    assert constants("retrieval", [query], pool, "bitext") == {"no_pair": (Document(()),)}
    assert constants("retrieval", [query]) == {}


def test_other_families_and_empty_splits_have_no_constant() -> None:
    """Nothing is made up for a family of another package, nor for a split without examples."""
    assert constants("theirs", [_class(0, 1)]) == {}
    assert constants("classification", []) == {}


def test_every_constant_has_its_sentence() -> None:
    """What a page names, a sentence explains; constants of one kind share one."""
    assert summary("whole_sentence_LOC") == summary("whole_sentence_PER") != ""
    assert all(summary(name) for name in ("majority", "all_o", "first_sentence", "first_words", "no_pair"))
    assert summary("theirs") == ""
