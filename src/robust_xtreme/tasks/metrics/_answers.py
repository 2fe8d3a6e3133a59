"""Metrics of answers as strings, and their shared parts: the answers that are compared, and their words as columns.

The distinct answers of a task run are normalised once, by the rule of a metric, and compared by numbers.
"""

import re
import string
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice, pairwise
from typing import Any, Final

import numpy as np

from robust_xtreme.core.columns import ExampleColumns, Ranges, bounds_of, gathered, numbering, numbers_of, once, owners
from robust_xtreme.core.edits import at
from robust_xtreme.core.examples import Answers, clean
from robust_xtreme.core.metric import Array, Metric, Responses, Sums, by_scope, each, share, targets
from robust_xtreme.tasks.metrics._labels import SIZE, summed

Words = Callable[[str, str], tuple[str, ...]]
"""The words of an answer in a language, by the rule of a metric."""

Given = tuple[ExampleColumns, Ranges]
"""The columns whose contexts answers are read in, and the spans of the answers there."""

_FIELD: Final = "context"


@dataclass(frozen=True, slots=True, eq=False)
class Golds:
    """The gold answers of all items as text; item i has those `bounds[i]:bounds[i + 1]`, one empty one at least.

    `has_unanswerable` says whether an item of the task has no answer.
    """

    texts: list[str]
    bounds: Array
    has_unanswerable: bool = False
    made: dict[tuple[Any, ...], Any] = field(default_factory=dict, repr=False)


Answering = Callable[[Responses], Given]
GoldTexts = Callable[[Responses], Golds]


def answers_clean(responses: Responses) -> Given:
    """The predicted answers in the clean text, with the predictions mapped back through the edits."""
    _, restored = targets(responses, Answers, Ranges, responses.restored)
    return responses.clean, restored


def answers_noisy(responses: Responses) -> Given:
    """The predicted answers in the perturbed text."""
    _, predicted = targets(responses, Answers, Ranges)
    return responses.clean if _same_contexts(responses) else responses.perturbed, predicted


def _same_contexts(responses: Responses) -> bool:
    """Whether no context is perturbed; what was made of clean answers is not made again of equal ones then."""
    return responses.perturbed.values(_FIELD) is responses.clean.values(_FIELD)


def golds_clean(responses: Responses) -> Golds:
    """The clean gold answers, or one empty answer where there is none."""
    return once(responses.clean, _golds)


def golds_noisy(responses: Responses) -> Golds:
    """The gold answers as they are in the perturbed context."""
    same = _same_contexts(responses) and responses.perturbed.targets is responses.clean.targets
    return once(responses.clean if same else responses.perturbed, _golds)


def _golds(columns: ExampleColumns) -> Golds:
    contexts, ranges = columns.values(_FIELD), columns.targets
    assert isinstance(ranges, Ranges)
    spans = zip(owners(ranges.bounds).tolist(), ranges.start.tolist(), ranges.stop.tolist(), strict=True)
    texts = [contexts[item][start:stop] for item, start, stop in spans]
    lengths = np.diff(ranges.bounds)
    for item in np.flatnonzero(lengths == 0)[::-1].tolist():
        texts.insert(int(ranges.bounds[item]), "")
    return Golds(texts, bounds_of(np.maximum(lengths, 1)), has_unanswerable=bool((lengths == 0).any()))


def _changed(perturbed: ExampleColumns, clean: ExampleColumns) -> Array:
    """Whether the gold answers of each item (n,) differ between the clean and the perturbed context."""
    if perturbed.values(_FIELD) is clean.values(_FIELD) and perturbed.targets is clean.targets:
        return np.zeros(len(clean), np.bool_)
    before, after = once(clean, _golds), once(perturbed, _golds)
    both = zip(pairwise(before.bounds.tolist()), pairwise(after.bounds.tolist()), strict=True)
    return np.array([before.texts[a:b] != after.texts[c:d] for (a, b), (c, d) in both], np.bool_)


@dataclass(slots=True, eq=False)  # filled while a task run is scored
class AnswerLexicon:
    """The distinct answers of a task run by number, normalised by a rule.

    `languages` are those of the items. `numbers` has the number of each answer by language and text. Answer i has
    `length[i]` words; its distinct words are `words[bounds[i]:bounds[i + 1]]`, in order, `counts` as often each.
    Answers of equal words have equal `same`.
    """

    rule: Words
    languages: Sequence[str]
    numbers: dict[tuple[str, str], int] = field(default_factory=numbering)
    known_words: dict[str, int] = field(default_factory=numbering)
    known_bags: dict[tuple[str, ...], int] = field(default_factory=numbering)
    same: Array = field(default_factory=lambda: np.zeros(0, np.int64))
    length: Array = field(default_factory=lambda: np.zeros(0, np.int64))
    words: Array = field(default_factory=lambda: np.zeros(0, np.int64))
    counts: Array = field(default_factory=lambda: np.zeros(0, np.int64))
    bounds: Array = field(default_factory=lambda: np.zeros(1, np.int64))

    def of(self, languages: Iterable[str], texts: Iterable[str]) -> Array:
        """The numbers of answers (n,) int64, in their languages."""
        before = len(self.numbers)
        numbers = numbers_of(self.numbers, zip(languages, texts, strict=True))
        if len(self.numbers) > before:
            self._add(list(islice(self.numbers, before, None)))
        return numbers

    def _add(self, answers: Sequence[tuple[str, str]]) -> None:
        bags = [self.rule(text, language) for language, text in answers]
        same, length = numbers_of(self.known_bags, bags), np.fromiter(map(len, bags), np.int64, len(bags))
        words = numbers_of(self.known_words, chain.from_iterable(bags))
        keys, counts = np.unique(owners(bounds_of(length)) * SIZE + words, return_counts=True)
        distinct = bounds_of(np.bincount(keys // SIZE, minlength=len(answers)))
        self.same, self.length = np.append(self.same, same), np.append(self.length, length)
        self.words, self.counts = np.append(self.words, keys % SIZE), np.append(self.counts, counts)
        self.bounds = np.append(self.bounds, distinct[1:] + self.bounds[-1])

    def exact(self, answers: Array, golds: Array) -> Array:
        """Whether answers (m,) have the words of gold answers (m,)."""
        return self.same[answers] == self.same[golds]

    def overlap(self, answers: Array, golds: Array) -> Array:
        """The F1 (m,) of the words that answers share with gold answers; 0 where they share none."""
        (mine, mine_at), (theirs, theirs_at) = (self._keys(side) for side in (answers, golds))
        match: Array = np.searchsorted(theirs, mine)
        both = np.flatnonzero(at(np.append(theirs, -1), match) == mine)
        counts = np.minimum(self.counts[mine_at[both]], self.counts[theirs_at[match[both]]])
        common = np.bincount(mine[both] // SIZE, counts, len(answers))  # of each word as many as both have
        pairs = np.flatnonzero(common)
        shared = common[pairs]
        precision, recall = shared / self.length[answers[pairs]], shared / self.length[golds[pairs]]
        values = np.zeros(len(answers))
        values[pairs] = 2 * precision * recall / (precision + recall)
        return values

    def _keys(self, answers: Array) -> tuple[Array, Array]:
        """Of each distinct word of answers (m,) a key of answer and word, in order, and its position in `words`."""
        positions, bounds = gathered(self.bounds, answers)
        return owners(bounds) * SIZE + self.words[positions], positions


Compare = Callable[[AnswerLexicon, Array, Array], Array]
"""The value of each answer (m,) against a gold answer (m,)."""


def _lexicon(clean: ExampleColumns, rule: Words) -> AnswerLexicon:
    return AnswerLexicon(rule, clean.languages(_FIELD))


def _numbers(columns: ExampleColumns, ranges: Ranges, known: AnswerLexicon) -> Array:
    """The numbers (n,) of the answers."""
    return known.of(known.languages, columns.firsts(_FIELD, ranges))


def _gold_numbers(golds: Golds, known: AnswerLexicon) -> Array:
    """The numbers of the gold answers (m,)."""
    return known.of([known.languages[item] for item in owners(golds.bounds).tolist()], golds.texts)


def _best(columns: ExampleColumns, ranges: Ranges, golds: Golds, known: AnswerLexicon, compare: Compare) -> Array:
    """The value (n,) of each answer against the gold that suits it best.

    Where some items of the task have no answer, a gold answer without words counts as in SQuAD 2.0's script
    (`get_raw_scores` and `compute_f1`): it is left out beside others, and alone it means that there is no answer, which
    an answer without words gets right.
    """
    numbers, item = once(columns, _numbers, ranges, known), owners(golds.bounds)
    answers, right = numbers[item], once(golds, _gold_numbers, known)
    values = compare(known, answers, right).astype(np.float64)
    if golds.has_unanswerable:
        is_wordless = known.length[right] == 0
        is_alone = np.bincount(item, ~is_wordless)[item] == 0
        values = np.where(is_wordless, is_alone & (known.length[answers] == 0), values)
    return np.maximum.reduceat(values, golds.bounds[:-1])


def compared(
    responses: Responses,
    rule: Words,
    compare: Compare,
    answers: Answering = answers_clean,
    golds: GoldTexts = golds_clean,
) -> Sums:
    """The stats (value, 1) of comparing answers with the golds that suit each best, by default in the clean text.

    They count under `all` and the scope of the gold. Answers are in the language of the clean context.
    """
    columns, ranges = answers(responses)
    known = once(responses.clean, _lexicon, rule)
    values = once(columns, _best, ranges, golds(responses), known, compare)
    best = np.stack((values, np.ones(len(responses))), axis=1)
    changed = once(responses.perturbed, _changed, responses.clean)
    return by_scope((np.ones_like(changed), best), (changed, best), (~changed, best))


# The official rule of SQuAD v1.1 for comparing answers, frozen, and the metrics by it.
#
# XTREME uses it unchanged for XQuAD and TyDiQA in every language: English articles and ASCII punctuation are removed,
# and words are separated by blanks. So an answer in Chinese or Thai is usually one word. Where questions have no
# answer, `_best` follows the script of v2.0, whose rule for words is the same.

_ARTICLES: Final = re.compile(r"[at](?:(?<=\ba)n?|(?<=\bt)he)\b")
"""The words a, an and the. The letters come first: the search for them takes half the time of one for boundaries."""

_PUNCTUATION: Final = re.compile(f"[{re.escape(string.punctuation)}]+")


def words(answer: str, _: str = "") -> tuple[str, ...]:
    """The words of an answer: lower case, without ASCII punctuation, then without a, an and the."""
    return tuple(_ARTICLES.sub(" ", _PUNCTUATION.sub("", answer.lower())).split())


_CITE: Final = "SQuAD v1.1, evaluate-v1.1.py:"


@summed("exact n", cite=f"{_CITE} exact_match_score")
def squad_em(responses: Responses) -> Sums:
    """Share of answers equal to a gold answer; a prediction on noisy text is mapped back to the clean text."""
    return compared(responses, words, AnswerLexicon.exact)


@summed("f1 n", cite=f"{_CITE} f1_score")
def squad_f1(responses: Responses) -> Sums:
    """F1 of the words of answers; a prediction on noisy text is mapped back to the clean text.

    No answer to a question without one has the F1 of 1, by the rule of SQuAD v2.0.
    """
    return compared(responses, words, AnswerLexicon.overlap)


@summed("f1 n", cite=f"{_CITE} f1_score")
def surface_f1_clean_gold(responses: Responses) -> Sums:
    """F1 of the words of answers as the noisy text shows them, against the clean gold answers."""
    return compared(responses, words, AnswerLexicon.overlap, answers_noisy)


@summed("f1 n", cite=f"{_CITE} f1_score")
def surface_f1_noisy_gold(responses: Responses) -> Sums:
    """F1 of the words of answers as the noisy text shows them, against the noisy gold answers."""
    return compared(responses, words, AnswerLexicon.overlap, answers_noisy, golds_noisy)


# The metrics of MultiCheckList: one over all tests, and one for each test.
#
# In google-research/xtreme a case counts only where all of its questions are answered; here each question counts.


def of_test(test: str, summary: str) -> Metric:
    """The metric `checklist_TEST` of the questions of one test; without a test `checklist_pass_rate`, over all tests.

    Questions of other tests have no stats. A question that does not belong to a test counts in each.
    """

    def sums(responses: Responses) -> Sums:
        counted, tests = once(responses, _every), once(responses.clean, _tests)
        kept = np.array([test == "" or of in (None, test) for of in tests])[counted.items]
        return Sums(counted.items[kept], counted.scopes[kept], counted.values[kept])

    cite = "XTREME-R, multichecklist/generate_test_utils.py: expect_squad"
    return Metric(f"checklist_{test or 'pass_rate'}", summary, ("answered", "n"), each(sums), share, cite, sums)


def _whole(answer: str, language: str) -> tuple[str, ...]:
    """The answer as MultiCheckList's rule compares it, which is one word here."""
    return (clean(answer, language),)


def _every(responses: Responses) -> Sums:
    return compared(responses, _whole, AnswerLexicon.exact)


def _tests(columns: ExampleColumns) -> list[str | None]:
    """The test of each question, which its cluster names: checklist/TEST/NUMBER; None where it has none."""
    parts = [example.cluster.split("/") for example in columns.examples]
    return [part[1] if len(part) == 3 and part[0] == "checklist" else None for part in parts]


checklist_pass_rate = of_test(
    "", "Share of questions answered as expected, by the rule of their language; of all six tests."
)
checklist_comparisons = of_test(
    "comparisons", "Share of questions about comparisons answered as expected, as of who is less old."
)
checklist_intensity = of_test(
    "intensity", "Share of questions about intensifiers and reducers answered as expected, as of who is most happy."
)
checklist_properties = of_test(
    "properties", "Share of questions about two properties of a thing answered as expected, as of its color and shape."
)
checklist_professions = of_test("professions", "Share of questions about a job or a nationality answered as expected.")
checklist_animals = of_test(
    "animals", "Share of questions answered as expected that ask what animal or vehicle someone has."
)
checklist_animals_v2 = of_test(
    "animals_v2", "Share of questions answered as expected that ask who bought an animal or a vehicle."
)
