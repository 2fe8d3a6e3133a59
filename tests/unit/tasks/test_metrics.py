"""Every metric against a reference written again, and the laws that all of them keep."""

from __future__ import annotations

import string
from collections.abc import Sequence
from itertools import groupby

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.answering import value_of

from robust_xtreme.core import registry
from robust_xtreme.core.columns import ExampleColumns, Names
from robust_xtreme.core.errors import Mismatch
from robust_xtreme.core.examples import Answers, Choice, Document, Example, Scored, Span, Tags, Target, Text
from robust_xtreme.core.metric import Metric
from robust_xtreme.tasks.metrics._labels import chunks, span_f1

METRICS = registry.names("metric")
TAGS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")
DOCUMENTS = tuple(f"t/test/{language}/{name}" for name in "abc" for language in ("en", "de"))
WORDS = ("the", "Nyerere", "butiama,", "a", "born", "1922")


def _metric(name: str) -> Metric:
    metric: Metric = registry.load("metric", name)
    return metric


def _choices(gold: int, predicted: int) -> Scored:
    example = Example("e", {"premise": Text("t", "en", "")}, Choice(gold), "c")
    return Scored(example, example, Choice(predicted), Choice(predicted))


def _sentence(words: Sequence[str], target: Target) -> Example:
    starts = [sum(len(word) + 1 for word in words[:index]) for index in range(len(words))]
    spans = tuple(Span(start, start + len(word)) for start, word in zip(starts, words, strict=True))
    return Example("e", {"tokens": Text("t", "en", " ".join(words), spans)}, target, "c")


def _tagged(gold: Sequence[str], predicted: Sequence[str], changed: Sequence[bool] = ()) -> Scored:
    words = [f"w{index}" for index in range(len(gold))]
    noisy = [word + "x" * touched for word, touched in zip(words, changed or [False] * len(gold), strict=True)]
    prediction = Tags(tuple(predicted))
    clean, perturbed = _sentence(words, Tags(tuple(gold))), _sentence(noisy, Tags(tuple(gold)))
    return Scored(clean, perturbed, prediction, prediction)


def _passage(value: str, answers: Sequence[Span]) -> Example:
    return Example("e", {"context": Text("t", "en", value, tuple(answers))}, Answers(tuple(answers)), "c")


def _asked(
    words: Sequence[str], gold: tuple[int, int], predicted: tuple[int, int] | None, noisy: frozenset[int]
) -> Scored:
    """An answer of words gold[0]:gold[1], a prediction likewise, over a context whose `noisy` words lost a letter."""
    both = [list(words), [word[1:] if index in noisy else word for index, word in enumerate(words)]]
    examples = [_passage(" ".join(sentence), [_cover(sentence, gold)]) for sentence in both]
    spans = [Answers(() if predicted is None else (_cover(sentence, predicted),)) for sentence in both]
    return Scored(examples[0], examples[1], spans[1], spans[0])


def _cover(words: Sequence[str], part: tuple[int, int]) -> Span:
    start = len(" ".join([*words[: part[0]], ""]))
    return Span(start, start + len(" ".join(words[part[0] : part[1]])))


def _ranked(gold: Sequence[str], predicted: Sequence[str]) -> Scored:
    example = Example("e", {"query": Text("t", "en", "")}, Document(tuple(gold)), "c")
    return Scored(example, example, Document(tuple(predicted)), Document(tuple(predicted)))


_tag = st.sampled_from(TAGS)
_tag_lists = st.integers(1, 7).flatmap(
    lambda n: st.tuples(*(st.lists(kind, min_size=n, max_size=n) for kind in (_tag, _tag, st.booleans())))
)
_parts = st.tuples(st.integers(0, 5), st.integers(1, 3)).map(lambda part: (part[0], part[0] + part[1]))
_questions = st.builds(
    _asked,
    st.lists(st.sampled_from(WORDS), min_size=8, max_size=8),
    _parts,
    st.none() | _parts,
    st.frozensets(st.integers(0, 7), max_size=4),
)
JUDGED: dict[type, st.SearchStrategy[Scored]] = {
    Choice: st.builds(_choices, st.integers(0, 2), st.integers(0, 2)),
    Tags: _tag_lists.map(lambda lists: _tagged(*lists)),
    Answers: _questions,
    Document: st.builds(_ranked, *2 * [st.lists(st.sampled_from(DOCUMENTS), unique=True)]),
}
PERFECT = {
    Choice: _choices(1, 1),
    Tags: _tagged(["B-PER", "I-PER", "O"], ["B-PER", "I-PER", "O"]),
    Answers: _asked(WORDS, (1, 3), (1, 3), frozenset()),
    Document: _ranked(DOCUMENTS[:2], DOCUMENTS[:2]),
}


def _kind(metric: Metric) -> type:
    """The kind of target that a metric reads: the one that it does not refuse."""
    for kind, scored in PERFECT.items():
        try:
            metric.stats(scored)
        except Mismatch:
            continue
        return kind
    raise AssertionError(f"no kind of target fits {metric.name}; add it to JUDGED and PERFECT")


def _sums(metric: Metric, batch: Sequence[Scored], scope: str = "all") -> np.ndarray:
    rows = [metric.stats(scored).get(scope, (0.0,) * len(metric.columns)) for scored in batch]
    total: np.ndarray = np.asarray(rows, dtype=np.float64).reshape(-1, len(metric.columns)).sum(axis=0)
    return total


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_says_what_it_is(name: str) -> None:
    """Its name is its module's, its summary one sentence, its source is named, its stats have its columns."""
    metric = _metric(name)
    assert metric.name == name
    assert metric.summary.endswith(".")
    assert metric.cite
    assert {len(sums) for sums in metric.stats(PERFECT[_kind(metric)]).values()} == {len(metric.columns)}


@pytest.mark.parametrize("name", METRICS)
def test_a_perfect_prediction_scores_100(name: str) -> None:
    """What equals the gold scores 100, and nothing counted scores 0."""
    metric = _metric(name)
    assert float(metric.reduce(_sums(metric, [PERFECT[_kind(metric)]]))) == 100.0
    assert float(metric.reduce(np.zeros(len(metric.columns)))) == 0.0


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.parametrize("examples", [10, pytest.param(100, marks=pytest.mark.long)])
def test_sums_add_over_any_partition(name: str, examples: int) -> None:
    """Parts of a batch, in any order, have the sums of the whole, and the value is between 0 and 100."""

    @settings(max_examples=examples)
    @given(data=st.data())
    def law(data: st.DataObject) -> None:
        metric = _metric(name)
        batch = data.draw(st.lists(JUDGED[_kind(metric)], min_size=1, max_size=8))
        cut = data.draw(st.integers(0, len(batch)))
        whole = _sums(metric, batch)
        np.testing.assert_allclose(_sums(metric, batch[cut:]) + _sums(metric, batch[:cut]), whole, rtol=1e-12)
        assert 0.0 <= float(metric.reduce(whole)) <= 100.0

    law()


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.parametrize("examples", [15, pytest.param(100, marks=pytest.mark.long)])
def test_scopes_divide_the_whole(name: str, examples: int) -> None:
    """What noise touched and what it left add up to all."""

    @settings(max_examples=examples)
    @given(data=st.data())
    def law(data: st.DataObject) -> None:
        metric = _metric(name)
        scored = data.draw(JUDGED[_kind(metric)])
        parts = {scope: sums for scope, sums in metric.stats(scored).items() if scope != "all"}
        assert set(parts) <= {"noised_gold", "untouched"}
        if parts:
            np.testing.assert_array_equal(np.sum(list(parts.values()), axis=0), metric.stats(scored)["all"])

    law()


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.parametrize("shape", [(), (3,), (2, 3)])
def test_values_keep_the_shape_of_the_sums(name: str, shape: tuple[int, ...]) -> None:
    """Sums of shape (..., k) reduce to (...), alike for numpy arrays and torch tensors, zeros among them."""
    torch = pytest.importorskip("torch", reason="torch is not installed")
    metric = _metric(name)
    sums = np.arange(np.prod((*shape, len(metric.columns))), dtype=np.float64).reshape((*shape, -1))
    sums = np.sort(sums, axis=-1) * (sums.sum(axis=-1, keepdims=True) % 2 == 0)
    value = np.asarray(metric.reduce(sums))
    assert value.shape == shape
    np.testing.assert_array_equal(metric.reduce(torch.from_numpy(sums)).numpy(), value)


@pytest.mark.parametrize("name", METRICS)
def test_another_kind_of_target_is_refused(name: str) -> None:
    """A prediction of another family names the example and both kinds."""
    metric = _metric(name)
    wrong = [scored for kind, scored in PERFECT.items() if kind is not _kind(metric)]
    for scored in wrong:
        with pytest.raises(Mismatch, match=f"e: expected {_kind(metric).__name__}, found"):
            metric.stats(scored)


def _chunks(tags: Sequence[str]) -> list[tuple[str, int, int]]:
    """The chunks of one sentence: the type, the first word, and the word after the last."""
    columns = ExampleColumns([_sentence(["w"] * len(tags), Tags(tuple(tags)))])
    assert isinstance(columns.targets, Names)
    parts = chunks(columns, columns.targets)
    stops = np.flatnonzero(parts.ends).tolist()
    return [(tags[stop - 1].rpartition("-")[2], int(parts.start[stop]), stop) for stop in stops]


def _reference_chunks(tags: Sequence[str]) -> set[tuple[str, int, int]]:
    """Chunks of B- and I- tags, by walking from each word that may begin one to the last that continues it."""
    spans = set()
    for start, tag in enumerate(tags):
        kind = tag[2:]
        inside = start > 0 and tags[start - 1][2:] == kind
        if tag == "O" or (tag.startswith("I") and inside):
            continue
        stop = start + 1
        while stop < len(tags) and tags[stop] == f"I-{kind}":
            stop += 1
        spans.add((kind, start, stop))
    return spans


@given(st.lists(_tag, max_size=9))
def test_chunks_equal_a_reference(tags: list[str]) -> None:
    """On tags of persons and places, chunks are those of a reference that walks the words."""
    assert set(_chunks(tags)) == _reference_chunks(tags)


@given(st.lists(st.sampled_from(["NOUN", "PROPN", "CCONJ", "ADP"]), max_size=9))
def test_runs_of_bare_tags_are_chunks(tags: list[str]) -> None:
    """Part-of-speech tags without a prefix make one chunk of each run, as XTREME's scorer counts them."""
    runs = [(tag, len(list(run))) for tag, run in groupby(tags)]
    assert [(kind, stop - start) for kind, start, stop in _chunks(tags)] == runs


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ([], []),
        (["I-PER", "I-PER"], [("PER", 0, 2)]),
        (["B-PER", "I-LOC"], [("PER", 0, 1), ("LOC", 1, 2)]),
        (["B-PER", "B-PER", "I-PER"], [("PER", 0, 1), ("PER", 1, 3)]),
        (["SYM", "SYM"], [("SYM", 0, 1), ("SYM", 1, 2)]),
        (["CCONJ", "SCONJ"], [("CCONJ", 0, 1), ("SCONJ", 1, 2)]),
        (["X", "_"], [("X", 0, 1), ("_", 1, 2)]),
        (["INTJ", "INTJ", "NOUN"], [("INTJ", 0, 2), ("NOUN", 2, 3)]),
    ],
)
def test_the_frozen_rule_on_single_cases(tags: list[str], expected: list[tuple[str, int, int]]) -> None:
    """Entities that begin inside, change type or touch; bare tags beginning with S are chunks of one word each."""
    assert _chunks(tags) == expected


@given(st.lists(_tag_lists, min_size=1, max_size=5))
def test_span_f1_equals_a_reference(lists: list[tuple[list[str], list[str], list[bool]]]) -> None:
    """F1 from summed counts is the harmonic mean of precision and recall over all sentences."""
    gold = {(index, chunk) for index, row in enumerate(lists) for chunk in _reference_chunks(row[0])}
    predicted = {(index, chunk) for index, row in enumerate(lists) for chunk in _reference_chunks(row[1])}
    right = len(gold & predicted)
    precision, recall = right / max(len(predicted), 1), right / max(len(gold), 1)
    expected = 200 * precision * recall / (precision + recall) if right else 0.0
    value = float(span_f1.reduce(_sums(span_f1, [_tagged(*row) for row in lists])))
    assert value == pytest.approx(expected)


def test_entities_are_noised_where_a_word_of_theirs_is() -> None:
    """Entities with a changed word, gold or predicted, are counted apart from those without."""
    scored = _tagged(["B-PER", "I-PER", "O", "B-LOC"], ["B-PER", "I-PER", "B-LOC", "O"], [False, True, False, False])
    assert span_f1.stats(scored) == {"all": (1, 1, 1), "noised_gold": (1, 0, 0), "untouched": (0, 1, 1)}


def test_words_are_scored_one_by_one() -> None:
    """Token accuracy counts words, those that noise changed apart."""
    scored = _tagged(["O", "B-PER", "O"], ["O", "O", "O"], [False, True, False])
    assert _metric("token_accuracy").stats(scored) == {"all": (2, 3), "noised_gold": (0, 1), "untouched": (2, 2)}


@pytest.mark.parametrize("name", ["span_f1", "token_accuracy"])
def test_a_wrong_number_of_tags_is_refused(name: str) -> None:
    """Tags for fewer or more words than the sentence has are a mismatch, not a score."""
    example = _sentence(["a", "b"], Tags(("O", "O")))
    with pytest.raises(Mismatch, match="1 tags"):
        _metric(name).stats(Scored(example, example, Tags(("O",)), Tags(("O",))))


def _reference_words(answer: str) -> list[str]:
    """Words by the official rule, letter by letter: no ASCII punctuation, then no article between non-word letters."""
    kept = "".join(letter for letter in answer.lower() if letter not in string.punctuation)
    return [word for word in kept.split() if word not in {"a", "an", "the"}]


def _reference_f1(predicted: str, gold: str) -> float:
    first, other = _reference_words(predicted), sorted(_reference_words(gold))
    shared = 0
    for word in first:
        if word in other:
            other.remove(word)
            shared += 1
    return 2 * shared / (len(first) + len(other) + shared) if shared else 0.0


_answers = st.lists(st.sampled_from(["the", "A", "an", "Lake", "lake.", "(lake)", "ya", "湖", "ทะเล", "!"]), max_size=5)


@given(_answers, st.lists(_answers, min_size=1, max_size=3))
def test_answers_equal_a_reference(predicted: list[str], golds: list[list[str]]) -> None:
    """Exact match and F1 are the best over the golds of a reference that removes shared words one by one."""
    text, texts = " ".join(predicted), [" ".join(gold) for gold in golds]
    assert value_of("squad_f1", text, texts) == pytest.approx(max(_reference_f1(text, gold) for gold in texts))
    assert value_of("squad_em", text, texts) == max(_reference_words(text) == _reference_words(gold) for gold in texts)


@pytest.mark.parametrize(
    ("predicted", "gold", "em", "f1"),
    [
        ("The Lake!", "lake", 1.0, 1.0),
        ("la casa", "casa", 0.0, 2 / 3),
        ("A-team", "ateam", 1.0, 1.0),
        ("维多利亚湖", "维多利亚", 0.0, 0.0),
        ("«lake»", "lake", 0.0, 0.0),
        ("the", "the", 1.0, 0.0),
        ("", "", 1.0, 0.0),
        ("", "lake", 0.0, 0.0),
    ],
)
def test_the_official_rule_on_single_cases(predicted: str, gold: str, em: float, f1: float) -> None:
    """English articles go in every language, only ASCII punctuation goes, Chinese is one word, no word shares none."""
    values = [value_of(metric, predicted, [gold]) for metric in ("squad_em", "squad_f1")]
    assert values == pytest.approx([em, f1])


def test_answers_under_noise_are_scored_three_ways() -> None:
    """The headline maps back to the clean text; the surface forms are against the noisy and the clean gold."""
    scored = _asked(WORDS, (1, 3), (1, 3), frozenset({0, 1}))
    values = {name: _metric(name).stats(scored) for name in METRICS if _kind(_metric(name)) is Answers}
    assert {name: stats["all"][0] for name, stats in values.items()} == {
        "mlqa_em": 1.0,
        "mlqa_f1": 1.0,
        "squad_em": 1.0,
        "squad_f1": 1.0,
        "surface_f1_noisy_gold": 1.0,
        "surface_f1_clean_gold": 0.5,
        **{name: 1.0 for name in METRICS if name.startswith("checklist_")},
    }
    assert all(set(stats) == {"all", "noised_gold"} for stats in values.values())


def test_an_answer_that_noise_missed_is_untouched() -> None:
    """Noise elsewhere in the context leaves the answer in the scope untouched."""
    scored = _asked(WORDS, (1, 3), (4, 5), frozenset({0, 4}))
    assert set(_metric("squad_f1").stats(scored)) == {"all", "untouched"}
