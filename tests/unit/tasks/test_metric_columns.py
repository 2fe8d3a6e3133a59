"""The sums of many examples at once are those of the same rules written plainly, one example at a time."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.plain_metrics import PLAIN

from robust_xtreme.core import registry
from robust_xtreme.core.columns import ExampleColumns, column_of
from robust_xtreme.core.errors import RobustXtremeError
from robust_xtreme.core.examples import Answers, Choice, Document, Example, Scored, Span, Tags, Target, Text
from robust_xtreme.core.metric import SCOPES, Metric, Responses, share

METRICS = registry.names("metric")
_TAGS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC", "E-PER", "S-LOC", "B", "", ".", "-", "I-a-b", "SYM", ".-PER", "O-PER")
_DOCUMENTS = [f"t/test/{language}/{name}" for name in "abcdefghijklm" for language in ("en", "de")]
_LETTERS = "the a, An! la «湖» ال lake."
_tag = st.sampled_from(_TAGS)


def _draw(data: st.DataObject, number: int, kind: type[Target]) -> Scored:
    """A clean and a perturbed example and its answers, all of them random."""
    return {Choice: _choice, Tags: _tagged, Document: _ranked, Answers: _asked}[kind](data, str(number))


def _choice(data: st.DataObject, id: str) -> Scored:
    gold, predicted = (Choice(data.draw(st.integers(-1, 2))) for _ in range(2))
    example = Example(id, {"premise": Text(id, "en", "")}, gold, id)
    return Scored(example, example, predicted, predicted)


def _words(words: Sequence[str], id: str, target: Target) -> Example:
    starts = [sum(len(word) + 1 for word in words[:at]) for at in range(len(words))]
    spans = tuple(Span(start, start + len(word)) for start, word in zip(starts, words, strict=True))
    return Example(id, {"tokens": Text(id, "en", " ".join(words), spans)}, target, id)


def _tagged(data: st.DataObject, id: str) -> Scored:
    size = data.draw(st.integers(0, 6))
    rows = [data.draw(st.lists(_tag, min_size=size, max_size=size)) for _ in range(2)]
    gold, predicted = (Tags(tuple(row)) for row in rows)
    words = [data.draw(st.lists(st.sampled_from(["", "a", "b", "ab"]), min_size=size, max_size=size)) for _ in range(2)]
    clean, noisy = (_words(each, id, gold) for each in words)
    return Scored(clean, data.draw(st.sampled_from([clean, noisy])), predicted, predicted)


def _ranked(data: st.DataObject, id: str) -> Scored:
    names = st.lists(st.sampled_from(_DOCUMENTS), max_size=25).map(lambda ids: Document(tuple(ids)))
    gold, predicted, retuned = (data.draw(names) for _ in range(3))
    example = Example(id, {"query": Text(id, "en", "")}, gold, id)
    return Scored(example, example, predicted, predicted, retuned)


def _asked(data: st.DataObject, id: str) -> Scored:
    language = data.draw(st.sampled_from(["en", "de", "ar", "zh", "th"]))
    cluster = data.draw(st.sampled_from(["checklist/animals/1", "checklist/properties/2", "checklist//3", "other"]))
    clean, noisy = (_passage(data, id, language, cluster) for _ in range(2))
    noisy = data.draw(st.sampled_from([clean, noisy]))
    predicted, restored = (_spans(data, each.texts["context"].value, 2) for each in (noisy, clean))
    return Scored(clean, noisy, predicted, restored)


def _passage(data: st.DataObject, id: str, language: str, cluster: str) -> Example:
    value = "".join(data.draw(st.lists(st.sampled_from(_LETTERS), max_size=12)))
    golds = _spans(data, value, 3)
    return Example(id, {"context": Text(id, language, value, golds.spans)}, golds, cluster)


def _spans(data: st.DataObject, value: str, most: int) -> Answers:
    ends = st.tuples(*2 * [st.integers(0, len(value) + 1)]).map(sorted)
    return Answers(tuple(Span(*each) for each in data.draw(st.lists(ends, max_size=most))))


def _responses(batch: Sequence[Scored]) -> Responses:
    clean, perturbed = ([getattr(each, name) for each in batch] for name in ("clean", "perturbed"))
    predicted, restored = (column_of([getattr(each, name) for each in batch]) for name in ("prediction", "restored"))
    retuned = [each.retuned for each in batch if each.retuned is not None]
    first = ExampleColumns(clean)
    other = first if clean == perturbed else ExampleColumns(perturbed)
    return Responses(first, other, predicted, restored, column_of(retuned) if retuned else None)


def _rows(metric: Metric, responses: Responses) -> list[dict[str, tuple[float, ...]]]:
    sums = metric.of(responses)
    rows: list[dict[str, tuple[float, ...]]] = [{} for _ in range(len(responses))]
    for item, scope, values in zip(sums.items.tolist(), sums.scopes.tolist(), sums.values.tolist(), strict=True):
        assert SCOPES[scope] not in rows[item]
        rows[item][SCOPES[scope]] = tuple(values)
    return rows


def _kind(name: str) -> type[Target]:
    """The kind of target that a metric of the package reads."""
    if name == "accuracy":
        return Choice
    if name in ("span_f1", "token_accuracy"):
        return Tags
    return Document if re.match("bitext|map|mrr|ndcg|own_language|recall|retrieval", name) else Answers


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.parametrize("examples", [12, pytest.param(300, marks=pytest.mark.long)])
def test_sums_of_many_are_those_of_the_plain_rule(name: str, examples: int) -> None:
    """To the last bit, whatever the answers are, also where two batches of answers share their clean examples."""

    @settings(max_examples=examples, deadline=None)
    @given(data=st.data())
    def law(data: st.DataObject) -> None:
        metric: Metric = registry.load("metric", name)
        batch = [_draw(data, number, _kind(name)) for number in range(data.draw(st.integers(1, 5)))]
        responses = _responses(batch)
        assert _rows(metric, responses) == _plain_rows(name, batch)
        turned = [Scored(each.clean, each.clean, each.restored, each.restored) for each in batch]
        again = column_of([each.restored for each in batch])
        assert _rows(metric, Responses(responses.clean, responses.clean, again, again)) == _plain_rows(name, turned)

    law()


def _plain_rows(name: str, batch: Sequence[Scored]) -> list[Mapping[str, tuple[float, ...]]]:
    """The sums of each example by the plain rule, which knows whether some of the examples have no answer."""
    if _kind(name) is not Answers:
        return [PLAIN[name](scored) for scored in batch]
    sides = [
        [example.target for example in side] for side in zip(*((s.clean, s.perturbed) for s in batch), strict=True)
    ]
    return [PLAIN[name](scored, [Answers(()) in targets for targets in sides]) for scored in batch]


def _one_by_one(stats: Callable[[Scored], Mapping[str, tuple[float, ...]]]) -> Metric:
    return Metric("theirs", "A metric of another package.", ("correct", "n"), stats, share, "none")


def test_a_metric_that_has_stats_alone_is_asked_one_by_one() -> None:
    """A metric of another package sees each example with its answers, as before there were columns."""
    batch = [_chosen(0, 1), _chosen(2, 2)]
    metric = _one_by_one(lambda scored: {"all": (float(scored.prediction == scored.clean.target), 1.0)})
    assert _rows(metric, _responses(batch)) == [{"all": (0.0, 1.0)}, {"all": (1.0, 1.0)}]
    assert [_responses(batch)[at] for at in range(2)] == batch


def test_a_scope_that_no_frame_has_is_refused() -> None:
    """The error names the metric, its scope and those that there are."""
    metric = _one_by_one(lambda _: {"half": (1.0, 1.0)})
    with pytest.raises(RobustXtremeError, match="half"):
        metric.of(_responses([_chosen(0, 0)]))


def _chosen(gold: int, predicted: int) -> Scored:
    example = Example("e", {"premise": Text("t", "en", "")}, Choice(gold), "c")
    return Scored(example, example, Choice(predicted), Choice(predicted))
