"""Metrics of labels of examples and of words, and what metrics of names, tags or ids of documents share."""

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np

from robust_xtreme.core.columns import Choices, ExampleColumns, Names, TargetColumn, once, owners
from robust_xtreme.core.errors import Mismatch
from robust_xtreme.core.examples import Choice, Document, Tags
from robust_xtreme.core.metric import Array, Metric, Responses, Sums, by_scope, each, share, targets, whole
from robust_xtreme.core.specs import Origin

_FIELD = "tokens"
SIZE: Final = 1 << 32
"""A key divided by it is the number of the item."""


def summed(
    columns: str, reduce: Callable[[Array], Array] = share, *, cite: str, empty: bool = False
) -> Callable[[Callable[[Responses], Sums]], Metric]:
    """Make a metric of a function for many examples, by its name; the first line of its docstring is the summary."""

    def made(sums: Callable[[Responses], Sums]) -> Metric:
        summary = (sums.__doc__ or "").partition("\n")[0]
        return Metric(sums.__name__, summary, tuple(columns.split()), each(sums), reduce, cite, sums, empty)

    return made


def codes(clean: ExampleColumns, names: Names) -> Array:
    """Codes (t,) int64 of names, which are equal where the names are, in all columns of a task run."""
    known, used = once(clean, known_codes), np.zeros(len(names.names), np.bool_)
    used[names.codes] = True
    table = np.zeros(len(names.names), np.int64)
    for code in np.flatnonzero(used).tolist():
        table[code] = known.setdefault(names.names[code], len(known))
    return table[names.codes]


def known_codes(_: ExampleColumns) -> dict[str, int]:
    """Of columns of a task run, once: the codes of the names that occurred so far, in order."""
    return {}


def keys(clean: ExampleColumns, names: Names) -> Array:
    """Keys (t,) int64 of names, which are equal where both the item and the name are."""
    return owners(names.bounds) * SIZE + codes(clean, names)


def gold_keys(clean: ExampleColumns) -> Array:
    """The keys of the gold names, each once, in order."""
    assert isinstance(clean.targets, Names)
    return np.unique(keys(clean, clean.targets))


def right_keys(responses: Responses) -> tuple[Array, Array]:
    """The keys (t,) of the names answered, and whether each is a gold one."""
    assert isinstance(responses.predictions, Names)
    answered, gold = keys(responses.clean, responses.predictions), once(responses.clean, gold_keys)
    of_gold = gold // SIZE
    if (of_gold[1:] != of_gold[:-1]).all():  # a gold name for each item, which need not be searched for
        right = np.full(len(responses), -1)
        right[of_gold] = gold
        return answered, right[owners(responses.predictions.bounds)] == answered
    return answered, np.append(gold, -1)[np.searchsorted(gold, answered)] == answered


def tag_pairs(responses: Responses) -> tuple[Names, Names]:
    """The gold and the predicted tags, one each per word. Raises Mismatch where their numbers differ."""
    gold, predicted = targets(responses, Tags, Names)
    words, tags = np.diff(gold.bounds), np.diff(predicted.bounds)
    for item in np.flatnonzero(words != tags).tolist():
        what = f"{tags[item]} tags were predicted for {words[item]} words."
        raise Mismatch(f"{responses.clean.examples[item].id}: {what}")
    return gold, predicted


def changed_words(responses: Responses) -> Array:
    """Whether the text of each word (t,) differs between the clean and the perturbed example."""
    tags, _ = targets(responses, Tags, Names)
    return once(responses.perturbed, _changed, responses.clean, tags)


def _changed(perturbed: ExampleColumns, clean: ExampleColumns, tags: Names) -> Array:
    if perturbed is clean:
        return np.zeros(len(tags.codes), np.bool_)
    spans, noisy = clean.spans(_FIELD), perturbed.spans(_FIELD)
    before = clean.parts(_FIELD, spans.text, spans.start, spans.stop)
    return before.differ(perturbed.parts(_FIELD, noisy.text, noisy.start, noisy.stop))


@summed("correct n", cite="XTREME, evaluate.py: accuracy")
def accuracy(responses: Responses) -> Sums:
    """Share of examples whose label is right."""
    gold, predicted = targets(responses, Choice, Choices)
    return whole(gold.index == predicted.index, np.ones(len(responses)))


@summed("correct words", cite="the usual accuracy of part-of-speech tagging; XTREME prints chunk F1 instead")
def token_accuracy(responses: Responses) -> Sums:
    """Share of words whose tag is right."""
    gold, predicted = tag_pairs(responses)
    right, changed = codes(responses.clean, gold) == codes(responses.clean, predicted), changed_words(responses)
    sentence = owners(gold.bounds)

    def counted(words: Array) -> Array:
        """The right words and all words of each sentence (n, 2), of those that are true in `words` (t,)."""
        parts = (np.bincount(sentence[mask], minlength=len(responses)) for mask in (words & right, words))
        return np.stack(tuple(parts), axis=1)

    everywhere, noised, kept = counted(np.ones_like(changed)), counted(changed), counted(~changed)
    every = np.ones(len(responses), np.bool_)
    return by_scope((every, everywhere), (noised[:, 1] > 0, noised), (kept[:, 1] > 0, kept))


# F1 of chunks of tags, by the rule of seqeval 0.0.12, which XTREME's scorer was published with.
#
# Later versions of seqeval cut the first letter off tags without a prefix, so that CCONJ equals SCONJ. Here the rule of
# 0.0.12 is reimplemented and frozen: a tag's prefix is its first character, its type the part after its last hyphen.

_PREFIXES: Final = ("B", "I", "E", "S", "O", ".", "")
"""The prefixes that the rule names, and any other."""

_IN_CHUNK: Final = np.array([prefix not in ("O", ".") for prefix in _PREFIXES])
_END_PAIRS: Final = frozenset(("BB", "BS", "BO", "IB", "IS", "IO"))
_START_PAIRS: Final = frozenset(("EE", "EI", "SE", "SI", "OE", "OI"))
_ENDS: Final = np.array([[a in ("E", "S") or a + b in _END_PAIRS for b in _PREFIXES] for a in _PREFIXES])
_STARTS: Final = np.array([[b in ("B", "S") or a + b in _START_PAIRS for b in _PREFIXES] for a in _PREFIXES])
"""Whether a chunk ends or starts between tags with two prefixes, whatever their types (7, 7)."""


class Chunks(NamedTuple):
    """The chunks of sentences; runs of a type without a prefix are one chunk.

    Positions are those of the words of all sentences, with one more after each sentence. Where `ends` (p,) is true, a
    chunk of type number `kind` (p,) ends before that position, and `start` (p,) is the position of its first word.
    """

    ends: Array
    start: Array
    kind: Array


def chunks(clean: ExampleColumns, tags: Names) -> Chunks:
    """The chunks of each sentence's tags."""
    known = once(clean, known_codes)
    here = np.full(len(tags.codes) + len(tags), known.setdefault("O", len(known)))
    here[_positions(tags.bounds)] = codes(clean, tags)
    before = np.concatenate((here[-1:], here[:-1]))  # a sentence, and so all of them, ends outside
    kinds: dict[str, int] = {}
    kind = np.array([kinds.setdefault(tag.rpartition("-")[2], len(kinds)) for tag in known])
    prefix = np.array([_PREFIXES.index(tag[:1] if tag[:1] in _PREFIXES else "") for tag in known])
    unlike = kind[before] != kind[here]
    ends = _ENDS[prefix[before], prefix[here]] | (_IN_CHUNK[prefix[before]] & unlike)
    starts = _STARTS[prefix[before], prefix[here]] | (_IN_CHUNK[prefix[here]] & unlike)
    latest = np.maximum.accumulate(np.where(starts, np.arange(len(here)), 0))
    first = np.repeat(begins(tags.bounds), np.diff(tags.bounds) + 1)
    return Chunks(ends, np.maximum(np.concatenate(([0], latest[:-1])), first), kind[before])


def begins(bounds: Array) -> Array:
    """The position of the first word of each sentence (n,), or after it where it has none."""
    return bounds[:-1] + np.arange(len(bounds) - 1)


def _positions(bounds: Array) -> Array:
    """The positions of the words (t,)."""
    return np.arange(bounds[-1]) + owners(bounds)


def f1(sums: Array) -> Array:
    """F1 of (true positives, false positives, false negatives), 0 to 100; 0 where there is no chunk at all."""
    hits = 2.0 * sums[..., 0]
    total = hits + sums[..., 1] + sums[..., 2]
    return 100.0 * hits / (total + (total == 0))


@summed("tp fp fn", f1, cite="XTREME, evaluate.py: f1, with seqeval 0.0.12", empty=True)
def span_f1(responses: Responses) -> Sums:
    """F1 of named entities, or of runs of equal tags: boundaries and type must be right."""
    tags, answers = tag_pairs(responses)
    gold, predicted, bounds = once(responses.clean, chunks, tags), chunks(responses.clean, answers), tags.bounds
    changed = np.zeros(len(gold.ends) + 1, np.int64)
    changed[_positions(bounds) + 1] = changed_words(responses)
    before = np.cumsum(changed)  # the changed words before each position

    def counted(part: Array, start: Array) -> Array:
        """How many chunks each sentence has (n, 2): all, and those with a changed word."""
        noised = part & (before[:-1] > before[start])
        return np.add.reduceat(np.stack((part, noised), axis=1).astype(np.int64), begins(bounds))

    same = gold.ends & predicted.ends & (gold.start == predicted.start) & (gold.kind == predicted.kind)
    hits = counted(same, gold.start)
    false, missed = (counted(each.ends, each.start) - hits for each in (predicted, gold))
    every, noised = np.stack((hits, false, missed), axis=1).transpose(2, 0, 1)
    kept = every - noised
    return by_scope((np.ones(len(every), np.bool_), every), (noised.any(1), noised), (kept.any(1), kept))


def pairs_counted(responses: Responses, answers: TargetColumn | None = None) -> Sums:
    """True positives, false positives and false negatives of each query's pairs; of gold ones each counts."""
    wanted, names = targets(responses, Document, Names, answers)
    gold, predicted = once(responses.clean, gold_keys), np.unique(keys(responses.clean, names))
    right = _counted(np.intersect1d(gold, predicted, assume_unique=True), len(responses))
    return whole(right, _counted(predicted, len(responses)) - right, np.diff(wanted.bounds) - right)


def _counted(pairs: Array, queries: int) -> Array:
    return np.bincount(pairs // SIZE, minlength=queries)


@summed("tp fp fn", f1, cite="XTREME, evaluate.py: bucc_f1", empty=True)
def bitext_f1(responses: Responses) -> Sums:
    """F1 of the translation pairs found, with the threshold tuned on clean data."""
    return pairs_counted(responses)


@summed("tp fp fn", f1, cite="XTREME, evaluate.py: bucc_f1", empty=True)
def bitext_f1_retuned(responses: Responses) -> Sums:
    """F1 of the translation pairs found, with the threshold tuned again for each condition."""
    return pairs_counted(responses, responses.retuned)


@summed("correct n", cite="XTREME, evaluate.py: accuracy of Tatoeba")
def retrieval_accuracy(responses: Responses) -> Sums:
    """Share of queries whose nearest candidate is a right one."""
    _, predicted = targets(responses, Document, Names)
    some = np.flatnonzero(np.diff(predicted.bounds))
    correct = np.zeros(len(responses))
    correct[some] = once(responses, right_keys)[1][predicted.bounds[some]]
    return whole(correct, np.ones(len(responses)))


_QUERY: Final = "query"


@summed(
    "own right",
    cite="Jang et al. 2026, Multilingual Language-Aware Information Retrieval Evaluation Protocol (arXiv 2605.07249), "
    "which asks for the language of the nearest candidate among parallel ones",
    empty=True,
)
def own_language(responses: Responses) -> Sums:
    """Of queries whose nearest candidate is right, the share whose candidate is in the language of the query.

    The others find the right answer in another language. 0 where no nearest candidate is right. The language of a
    candidate is that of its id, `task/split/language/...`. Raises Mismatch where an id has none.
    """
    _, predicted = targets(responses, Document, Names)
    some = np.flatnonzero(np.diff(predicted.bounds))
    firsts = predicted.bounds[some]
    is_right = once(responses, right_keys)[1][firsts]
    queries, nearest = some[is_right], predicted.codes[firsts[is_right]]
    of_queries = responses.clean.languages(_QUERY)
    pairs = zip(queries.tolist(), nearest.tolist(), strict=True)
    own, right = np.zeros(len(responses)), np.zeros(len(responses))
    right[queries] = 1
    own[queries] = [_language_of(predicted.names[code]) == of_queries[query] for query, code in pairs]
    return whole(own, right)


def _language_of(candidate: str) -> str:
    try:
        return Origin.of(candidate).language
    except ValueError:
        what = f"own_language reads the language of a candidate from its id, and {candidate!r:.80} names none"
        raise Mismatch(f"{what}: ids are TASK/SPLIT/LANGUAGE/...") from None
