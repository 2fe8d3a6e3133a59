"""The packs `perturbations/realwords`: words that are written for other real words, by language.

A word is written for another one of the language's texts if both are frequent, short, and at most two letters apart
(prepositions, articles, pronouns); if they have the same stem, and endings that five other pairs have (forms of a
word); or if they are short and one letter apart. English has also the forms of a lemma and the other words of a closed
class, by its treebank, and the misspellings in lists that are words. No word is taken that negates, for one that does
not. The likeliest forms of each word are listed: those that differ in few letters, are frequent, and begin with the
same letter.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from itertools import combinations, product
from pathlib import Path
from typing import Final

import numpy as np
from tools.natural.lists import bare_word, raw
from tools.natural.texts import SPACED, contexts, credits, treebank, words

from robust_xtreme.core.edits import Array
from robust_xtreme.noise.engine.diff import distance
from robust_xtreme.noise.label_risk import pattern

OUT: Final = Path(__file__).parents[2] / "perturbations" / "realwords"
FITTED: Final = ("de", "en", "es", "fr", "tr")
"""The languages whose shares of edited words are published, and whose packs are longer."""

_MOST: Final = {True: 1_300, False: 360}
"""How many words a pack lists: the most frequent ones that have forms."""
_FORMS: Final = 7
_SHORT, _FREQUENT, _APART = 4, 150, 3
_LONGEST: Final = {"en": 9, "fr": 5, "tr": 5}
"""How many letters the words of a pack have at most, else seven: editors mend words of three or four letters."""
_LEAST: Final = 250
"""How many words a pack has at least."""
_STEM, _ENDING, _PAIRS, _NEAR = 3, 3, 5, 4
_OTHER_FIRST: Final = {"de": 0.25, "en": 0.6, "es": 0.8, "fr": 0.35, "tr": 0.6}
"""The weight of a form that begins with another letter, relative to others; 0.45 where nothing is published."""
_FALL: Final = 1.3
"""By how much the weight of a form falls with each further letter that differs."""

_COMMON: Final = 0.4
"""The power of a form's frequency in its weight."""

Weights = dict[str, dict[str, float]]


def write(data: Path) -> dict[str, int]:
    """Write the packs; the number of words by language."""
    OUT.mkdir(exist_ok=True)
    for path in OUT.glob("*.tsv"):
        path.unlink()
    return {code: _write(code, data) for code in SPACED}


def _write(code: str, data: Path) -> int:
    rows = list(_rows(code, data))
    if len(rows) < _LEAST:
        return 0
    header = (f"# language: {code}", f"# source: {credits(code)}", "# licence: CC BY-SA 4.0", "# standing: derived")
    text = "\n".join((*header, "word\tforms\tweights", *rows)) + "\n"
    (OUT / f"{code}.tsv").write_text(text, encoding="utf-8")
    return len(rows)


def _rows(code: str, data: Path) -> Iterator[str]:
    counts = words(code, data)
    weights: Weights = defaultdict(dict)
    pairs = (
        *_function(counts, _beside(code, data)),
        *_forms(counts),
        *_neighbours(counts),
        *(_english(counts, data) if code == "en" else ()),
    )
    for word, form, kind in pairs:
        # Words that differ in accents alone are errors of another part, and one letter becomes a word that begins so.
        # Nothing is negated or affirmed: that changes the label of a text, and not how well a model reads it.
        other = bare_word(word) != bare_word(form) and (len(word) > 1 or word[0] == form[0])
        if other and _negates(word, code) == _negates(form, code):
            chance = kind * counts[form] ** _COMMON / _FALL ** (distance(word, form) - 1)
            weights[word][form] = max(
                weights[word].get(form, 0), chance * (1 if word[0] == form[0] else _OTHER_FIRST.get(code, 0.45))
            )
    most = sorted(
        (word for word in weights if len(word) <= _LONGEST.get(code, 7) and max(weights[word].values())),
        key=lambda word: (-counts[word], word),
    )[: _MOST[code in FITTED]]
    for word in sorted(most):
        likely = sorted(weights[word].items(), key=lambda pair: (-pair[1], pair[0]))[:_FORMS]
        chosen = [(form, round(9 * chance / likely[0][1])) for form, chance in likely]
        forms, numbers = zip(*[(form, str(number)) for form, number in chosen if number], strict=True)
        yield f"{word}\t{' '.join(forms)}\t{' '.join(numbers)}"


def _negates(word: str, code: str) -> bool:
    negators = pattern(code)
    return negators is not None and bool(negators.search(word))


Pairs = Iterator[tuple[str, str, float]]
"""A word, what is written for it, and the weight of the reason."""


def _function(counts: Mapping[str, int], alike: Mapping[str, Array]) -> Pairs:
    """Short words among the most frequent ones, as far as other words are beside them alike."""
    frequent = [word for word, _ in Counter(counts).most_common(_FREQUENT) if len(word) <= _SHORT and word in alike]
    for word, form in product(frequent, frequent):
        if word != form and distance(word, form) <= min(_APART, max(len(word), len(form))):
            yield word, form, 3 * float(alike[word] @ alike[form]) ** 2


def _beside(code: str, data: Path) -> dict[str, Array]:
    """What is before and after each frequent word in the texts, as vectors of length 1 whose product is a cosine."""
    beside = contexts(code, data, _FREQUENT)
    often = np.sqrt(np.maximum(sum(beside.values()), 1))
    vectors = {word: count / often for word, count in beside.items()}
    return {word: vector / max(float(np.sqrt(vector @ vector)), 1e-9) for word, vector in vectors.items()}


def _forms(counts: Mapping[str, int]) -> Pairs:
    """Words with the same stem and endings that several pairs have."""
    stems: dict[str, list[str]] = defaultdict(list)
    for word in sorted(counts):
        for cut in range(max(_STEM, len(word) - _ENDING), len(word) + 1):
            stems[word[:cut]].append(word)
    pairs: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    for stem, several in stems.items():
        for word, form in combinations(several, 2):
            ends = word[len(stem) :], form[len(stem) :]
            if ends[0][:1] != ends[1][:1]:
                pairs[ends].append((word, form))
    for alike in (alike for alike in pairs.values() if len(alike) >= _PAIRS):
        for word, form in alike:
            yield from ((word, form, 1.5), (form, word, 1.5))


def _neighbours(counts: Mapping[str, int]) -> Pairs:
    """Short words one letter apart: those that are equal without one letter."""
    without: dict[str, set[str]] = defaultdict(set)
    for word in (word for word in counts if _STEM <= len(word) <= _NEAR):
        for cut in range(len(word) + 1):
            without[word[:cut] + word[cut + 1 :]].add(word)
    for several in without.values():
        for word, form in product(sorted(several), sorted(several)):
            if word != form and distance(word, form) == 1:
                yield word, form, 0.1


def _english(counts: Mapping[str, int], data: Path) -> Pairs:
    """Forms of a lemma, words of a closed class, and misspellings that are words."""
    lemmas, classes = treebank(data)
    for reason, groups in ((3.0, lemmas), (2.0, classes)):
        for group in groups.values():
            common = sorted(word for word in group if word in counts)
            yield from ((word, form, reason) for word, form in product(common, common) if word != form)
    for right, wrong in raw(data / "typos"):
        if right in counts and wrong in counts and distance(right, wrong) <= _APART - 1:
            yield right, wrong, 0.5
