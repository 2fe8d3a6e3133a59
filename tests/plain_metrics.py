"""The rules of the metrics once more, plainly: one example at a time, and no arrays."""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from math import log2

from robust_xtreme.core.examples import Answers, Choice, Document, Example, Scored, Tags, clean
from robust_xtreme.tasks.metrics import _mlqa

Sums = Mapping[str, tuple[float, ...]]
Chunk = tuple[str, int, int]


def accuracy(scored: Scored) -> Sums:
    """Whether the label is right."""
    assert isinstance(scored.prediction, Choice)
    return {"all": (float(scored.prediction == scored.clean.target), 1.0)}


def chunks(tags: Sequence[str]) -> list[Chunk]:
    """The chunks of a sentence as seqeval 0.0.12 finds them, from one tag to the next."""
    parts = [("O", "O"), *((tag[:1], tag.rpartition("-")[2]) for tag in tags), ("O", "O")]
    ended, start = [], 0
    for index, ((prefix, kind), (here, other)) in enumerate(pairwise(parts)):
        pair, unlike = prefix + here, kind != other
        if (
            prefix in ("E", "S")
            or pair in ("BB", "BS", "BO", "IB", "IS", "IO")
            or (prefix not in ("O", ".") and unlike)
        ):
            ended.append((kind, start, index))
        if here in ("B", "S") or pair in ("EE", "EI", "SE", "SI", "OE", "OI") or (here not in ("O", ".") and unlike):
            start = index
    return ended


def _tags(scored: Scored) -> tuple[tuple[str, ...], tuple[str, ...]]:
    assert isinstance(scored.clean.target, Tags)
    assert isinstance(scored.prediction, Tags)
    return scored.clean.target.names, scored.prediction.names


def _changed(scored: Scored) -> list[bool]:
    clean, noisy = scored.clean.texts["tokens"], scored.perturbed.texts["tokens"]
    return [clean.at(span) != noisy.at(other) for span, other in zip(clean.spans, noisy.spans, strict=True)]


def span_f1(scored: Scored) -> Sums:
    """True positives, false positives and false negatives of chunks; with a changed word, and without."""
    gold, predicted = (set(chunks(tags)) for tags in _tags(scored))
    changed = _changed(scored)

    def counted(touched: Sequence[bool]) -> tuple[float, ...]:
        parts = (gold & predicted, predicted - gold, gold - predicted)
        return tuple(float(sum(any(changed[a:b]) in touched for _, a, b in part)) for part in parts)

    scopes = {"all": counted((False, True)), "noised_gold": counted((True,)), "untouched": counted((False,))}
    return {scope: sums for scope, sums in scopes.items() if scope == "all" or any(sums)}


def token_accuracy(scored: Scored) -> Sums:
    """Right words and words; of the changed words, and of the others."""
    right = [tag == other for tag, other in zip(*_tags(scored), strict=True)]
    pairs = list(zip(right, _changed(scored), strict=True))
    parts = {scope: [hit for hit, touched in pairs if touched is kind] for scope, kind in SCOPED.items()}
    scopes = {"all": right, **parts}
    return {scope: (float(sum(hits)), float(len(hits))) for scope, hits in scopes.items() if hits or scope == "all"}


SCOPED = {"noised_gold": True, "untouched": False}


def _documents(scored: Scored, retuned: bool = False) -> tuple[tuple[str, ...], tuple[str, ...]]:
    predicted = scored.retuned if retuned and scored.retuned else scored.prediction
    assert isinstance(scored.clean.target, Document)
    assert isinstance(predicted, Document)
    return scored.clean.target.ids, predicted.ids


def retrieval_accuracy(scored: Scored) -> Sums:
    """Whether the first document is a right one."""
    gold, predicted = _documents(scored)
    return {"all": (float(bool(predicted) and predicted[0] in gold), 1.0)}


def own_language(scored: Scored) -> Sums:
    """Whether the first document is right, and whether it is then in the language of the query."""
    gold, predicted = _documents(scored)
    right = bool(predicted) and predicted[0] in gold
    own = right and predicted[0].split("/")[2] == scored.clean.texts["query"].language
    return {"all": (float(own), float(right))}


def map_at_20(scored: Scored) -> Sums:
    """The precisions at the right documents among the first twenty, by the number of right ones."""
    gold, predicted = _documents(scored)
    hits: list[str] = []
    total = 0.0
    for rank, document in enumerate(predicted[:20], start=1):
        if document in gold and document not in hits:
            hits.append(document)
            total += len(hits) / rank
    return {"all": (total / min(len(set(gold)), 20) if gold else 0.0, 1.0)}


def _hits(scored: Scored, depth: int) -> list[tuple[int, int]]:
    """The rank, from 1, and the grade of each right document among the first, each at its first rank."""
    gold, predicted = _documents(scored)
    first = {document: rank for rank, document in reversed([*enumerate(predicted, start=1)])}
    return sorted((rank, gold.count(id)) for id, rank in first.items() if id in gold and rank <= depth)


def ndcg_at_10(scored: Scored) -> Sums:
    """Grades by the logarithm of the rank, by those of the best order."""
    gold, _ = _documents(scored)
    best = sorted((gold.count(id) for id in {*gold}), reverse=True)[:10]
    ideal = sum(grade * (1 / log2(rank + 1)) for rank, grade in enumerate(best, start=1))
    return {
        "all": (sum(grade * (1 / log2(rank + 1)) for rank, grade in _hits(scored, 10)) / ideal if gold else 0.0, 1.0)
    }


def recall_at(depth: int) -> Callable[[Scored], Sums]:
    """The right documents among the first, by all right ones."""

    def recall(scored: Scored) -> Sums:
        gold, _ = _documents(scored)
        return {"all": (len(_hits(scored, depth)) / len({*gold}) if gold else 0.0, 1.0)}

    return recall


def mrr_at_100(scored: Scored) -> Sums:
    """1 by the rank of the first right document."""
    return {"all": (max((1 / rank for rank, _ in _hits(scored, 100)), default=0.0), 1.0)}


def map_at_100(scored: Scored) -> Sums:
    """The precisions at the right documents among the first hundred, by the number of right ones."""
    gold, _ = _documents(scored)
    total = sum(number / rank for number, (rank, _) in enumerate(_hits(scored, 100), start=1))
    return {"all": (total / len({*gold}) if gold else 0.0, 1.0)}


def found(score: Callable[[Scored], Sums]) -> Callable[[Scored], Sums]:
    """A score of the right documents alone, the highest grade first."""

    def of_found(scored: Scored) -> Sums:
        gold, predicted = _documents(scored)
        right = [id for id in dict.fromkeys(predicted) if id in gold]
        best = Document(tuple(sorted(right, key=lambda id: -gold.count(id))))
        return score(replace(scored, prediction=best))

    return of_found


def ordered(score: Callable[[Scored], Sums]) -> Callable[[Scored], Sums]:
    """What the order does not lose of a score."""

    def of_ordered(scored: Scored) -> Sums:
        return {"all": (min(1 - (found(score)(scored)["all"][0] - score(scored)["all"][0]), 1.0), 1.0)}

    return of_ordered


def bitext_f1(scored: Scored, retuned: bool = False) -> Sums:
    """True positives, false positives and false negatives of pairs."""
    every, said = _documents(scored, retuned)
    right = len({*every} & {*said})
    return {"all": (float(right), float(len({*said}) - right), float(len(every) - right))}


def bitext_f1_retuned(scored: Scored) -> Sums:
    """The same with the threshold that is tuned again."""
    return bitext_f1(scored, retuned=True)


def _at(example: Example, target: object) -> list[str]:
    assert isinstance(target, Answers)
    return [example.texts["context"].at(span) for span in target.spans] or [""]


def squad_words(answer: str, _: str) -> tuple[str, ...]:
    """The words of an answer by SQuAD's rule."""
    letters = "".join(letter for letter in answer.lower() if letter not in string.punctuation)
    return tuple(re.sub(r"\b(a|an|the)\b", " ", letters).split())


def mlqa_words(answer: str, language: str) -> tuple[str, ...]:
    """The words of an answer by MLQA's rule; what comes after is the rule of the member."""
    letters = (letter for letter in answer.lower() if not unicodedata.category(letter).startswith("P"))
    return _mlqa.words("".join(letters), language)


def checklist_words(answer: str, language: str) -> tuple[str, ...]:
    """The answer as MultiCheckList compares it."""
    return (clean(answer, language),)


def exact(answer: tuple[str, ...], gold: tuple[str, ...]) -> float:
    """Whether the words are equal."""
    return float(answer == gold)


def overlap(answer: tuple[str, ...], gold: tuple[str, ...]) -> float:
    """F1 of the words that both have."""
    common = (Counter(answer) & Counter(gold)).total()
    if not common:
        return 0.0
    precision, recall = common / len(answer), common / len(gold)
    return 2 * precision * recall / (precision + recall)


def asked(
    words: Callable[[str, str], tuple[str, ...]],
    compare: Callable[[tuple[str, ...], tuple[str, ...]], float],
    noisy: tuple[bool, bool] = (False, False),
) -> Callable[..., Sums]:
    """The stats of comparing the answer with the golds, each as the noisy text shows it or the clean one.

    Where clean or noisy texts have questions without an answer, SQuAD 2.0's rule is that of their golds.
    """

    def stats(scored: Scored, has_unanswerable: Sequence[bool] = (False, False)) -> Sums:
        sides = ((scored.clean, scored.restored), (scored.perturbed, scored.prediction))
        golds = (_at(scored.clean, scored.clean.target), _at(scored.perturbed, scored.perturbed.target))
        language = scored.clean.texts["context"].language
        answer = words(_at(*sides[noisy[0]])[0], language)
        kept = [words(gold, language) for gold in golds[noisy[1]]]
        if has_unanswerable[noisy[1]]:
            kept = [gold for gold in kept if gold] or [()]
            is_right = [float(gold == answer) if not gold or not answer else compare(answer, gold) for gold in kept]
        else:
            is_right = [compare(answer, gold) for gold in kept]
        sums = (max(is_right), 1.0)
        return {"all": sums, "untouched" if golds[0] == golds[1] else "noised_gold": sums}

    return stats


def of_test(test: str) -> Callable[..., Sums]:
    """The stats of the questions of one test of MultiCheckList."""

    def stats(scored: Scored, _: Sequence[bool] = ()) -> Sums:
        parts = scored.clean.cluster.split("/")
        other = len(parts) == 3 and parts[0] == "checklist" and test not in ("", parts[1])
        return {} if other else asked(checklist_words, exact)(scored)

    return stats


PLAIN: Mapping[str, Callable[..., Sums]] = {
    **{each.__name__: each for each in (accuracy, span_f1, token_accuracy, retrieval_accuracy, map_at_20)},
    **{each.__name__: each for each in (bitext_f1, bitext_f1_retuned, own_language)},
    **{each.__name__: each for each in (ndcg_at_10, mrr_at_100, map_at_100)},
    **{f"{each.__name__}_found": found(each) for each in (retrieval_accuracy, map_at_20, ndcg_at_10)},
    **{f"{each.__name__}_ordered": ordered(each) for each in (retrieval_accuracy, map_at_20, ndcg_at_10)},
    **{f"recall_at_{depth}": recall_at(depth) for depth in (10, 100)},
    "squad_em": asked(squad_words, exact),
    "squad_f1": asked(squad_words, overlap),
    "mlqa_em": asked(mlqa_words, exact),
    "mlqa_f1": asked(mlqa_words, overlap),
    "surface_f1_clean_gold": asked(squad_words, overlap, (True, False)),
    "surface_f1_noisy_gold": asked(squad_words, overlap, (True, True)),
    **{
        f"checklist_{test or 'pass_rate'}": of_test(test)
        for test in ("", "animals", "animals_v2", "comparisons", "intensity", "professions", "properties")
    },
}
"""The stats of each metric of the package."""
