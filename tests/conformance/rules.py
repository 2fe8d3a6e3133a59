"""The seven rules of a perturbation, each a function that raises AssertionError where it is broken."""

from __future__ import annotations

import cProfile
import gc
import random
import tracemalloc
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from math import sqrt
from typing import Final, final

import regex
from tests.conformance.clusters import MARK, clusters, counts, edit_bounds, replaced
from tests.conformance.texts import sentence, text, words

from robust_xtreme.core.examples import Text
from robust_xtreme.core.languages import ALL_LANGUAGES
from robust_xtreme.noise.engine.diff import distance
from robust_xtreme.noise.engine.noised import Noised
from robust_xtreme.noise.engine.noising import noise_with
from robust_xtreme.noise.engine.perturbation import Bound, Perturbation, defaults

STRENGTHS: Final = ("0", "0.05", "0.1", "0.2", "0.5", "1")
SHARE: Final = 0.95
_SEEDS: Final = 8
"""So many that a share of the few letters of some languages' texts is one."""

_WORD: Final = regex.compile(r"\P{White_Space}+")
_WHOLE: Final = regex.compile(r"\p{Cf}*\p{L}[\p{L}\p{M}\p{Cf}]*|[\p{P}\p{N}\p{S}]|\p{White_Space}")


def run(perturbation: Perturbation, texts: Sequence[Text], strength: str, seed: int = 0) -> list[Noised]:
    """The texts after the perturbation at a strength, all its parameters at their defaults.

    A rewriter refuses texts with spans and gets them without.
    """
    if perturbation.kind == "rewriter":
        texts = [replace(text, spans=()) for text in texts]
    return list(noise_with([Bound(perturbation, strength, defaults(perturbation))], texts, seed))


@final
@dataclass(frozen=True, slots=True)
class Trial:
    """A perturbation on some texts: its result at a strength, with its traces, is computed once for all rules.

    `sizes` are the words of the texts of which rule 1 counts the edits, `letters` those of the shorter text of rule 7.
    """

    perturbation: Perturbation
    texts: Sequence[Text]
    sizes: tuple[int, ...] = (5, 500)
    letters: int = 3_000
    runs: dict[str, list[Noised]] = field(default_factory=dict)

    def at(self, strength: str) -> list[Noised]:
        """The texts after the perturbation at a strength."""
        if strength not in self.runs:
            made = run(self.perturbation, self.texts, strength)
            self.runs[strength] = [replace(noised, traces=tuple(noised.traces)) for noised in made]
        return self.runs[strength]

    def each(self) -> Iterator[Noised]:
        """The texts after the perturbation at every strength."""
        return (noised for strength in STRENGTHS for noised in self.at(strength))


Rule = Callable[[Trial], None]


def served(perturbation: Perturbation) -> str:
    """A language that the perturbation serves: Swahili where it does."""
    return next(code for code in ("sw", "en", *ALL_LANGUAGES) if perturbation.serves(code))


TOGETHER: Final = ("ocr_noise",)
"""The members whose errors come together in texts: their share varies more between texts than that of even draws."""


def rule_1_strength_is_a_share(trial: Trial) -> None:
    """Strength 0 changes no byte; elsewhere the share of eligible units is the strength, in short and in long texts.

    The share of all texts: of members whose errors come together, those of single texts lie further apart than chance
    puts them, by which the spread is measured.
    """
    nought_changes_nothing(trial)
    for strength in ("0.05", "0.1"):
        for size in trial.sizes:
            edits, units = _share(trial.perturbation, size, strength)
            expected = float(strength) * sum(units)
            apart = (edited - of * sum(edits) / max(1, sum(units)) for edited, of in zip(edits, units, strict=True))
            together = sum(each**2 for each in apart) if trial.perturbation.name in TOGETHER else 0.0
            spread = 4 * sqrt(max(expected, together)) + 1
            assert 0.8 * expected - spread <= sum(edits) <= expected + spread, (
                f"{size} words at {strength}: {sum(edits)} of {sum(units)}"
            )


def nought_changes_nothing(trial: Trial) -> None:
    """Strength 0 is byte-identical, spans included."""
    for noised in trial.at("0"):
        assert noised.text == noised.clean, f"strength 0 changed {noised.clean.id}"


def _share(perturbation: Perturbation, size: int, strength: str) -> tuple[list[int], list[int]]:
    """How many units of each of some texts of so many words are edited, of how many."""
    code = served(perturbation)
    vocabulary = sentence(code).rstrip(".").split()
    values = [" ".join((vocabulary * (size // len(vocabulary) + 2))[start : start + size]) for start in range(8)]
    texts = [Text(f"long/{number}", code, value) for number, value in enumerate(values * max(1, 500 // size))]
    results = run(perturbation, texts, strength)
    # The strength of a mixture is a share of clusters, of which an edit of a part may change several.
    mixture = perturbation.kind == "mixture"
    edited = [noised.graphemes_edited if mixture else sum(noised.edits.values()) for noised in results]
    return edited, [noised.eligible for noised in results]


def rule_2_draws_are_keyed(trial: Trial) -> None:
    """Edits at a low strength are among those at a higher one; order, batch, and any global state change nothing."""
    perturbation, texts, whole = trial.perturbation, trial.texts, trial.at("0.1")
    before = random.getstate()
    assert run(perturbation, texts, "0.1") == whole, "a second run differs"
    assert random.getstate() == before, "the global generator was used"
    assert run(perturbation, texts[::-1], "0.1")[::-1] == whole, "the order of the texts matters"
    single = [text for noised in texts for text in run(perturbation, [noised], "0.1")]
    assert single == whole, "the batch matters"
    code = served(perturbation)
    long = [text(code, sentence(code) * 20)]
    assert run(perturbation, long, "0.1", seed=1) != run(perturbation, long, "0.1"), "the seed is ignored"
    if strengths_nest.__name__ not in perturbation.waives:
        strengths_nest(trial)


def strengths_nest(trial: Trial) -> None:
    """The part of rule 2 that rewriters waive: edits at a low strength are among those at a higher one."""
    levels = [trial.at(strength) for strength in ("0.05", "0.1", "0.2")]
    for low, high in pairwise(levels):
        for lower, higher in zip(low, high, strict=True):
            missing = changes(lower) - changes(higher)
            assert not missing, f"edits of {lower.clean.id} vanish at a higher strength: {missing}"


def changes(noised: Noised) -> set[tuple[int, int, str]]:
    """The edits of a text: the range of the clean text, and what is there now."""
    return {(start, stop, noised.text.value[low:high]) for start, stop, low, high in edit_bounds(noised)}


def rule_3_clusters_stay_whole(trial: Trial) -> None:
    """No cluster is broken: none begins with a mark that did not before, and each text keeps its normal forms."""
    for noised in trial.each():
        clusters_stay_whole(noised)
        if normal_forms_stay.__name__ not in trial.perturbation.waives:
            normal_forms_stay(noised)


def _bare(clusters: Sequence[str]) -> int:
    """How many clusters begin with a mark; not vowels of Burmese after a letter, which UAX 29 makes clusters of."""
    pairs = pairwise(("", *clusters))
    return sum(
        bool(MARK.match(each)) and not (each[0] in "\u102b\u102c" and regex.search(r"[\p{L}\p{M}]$", before))
        for before, each in pairs
    )


def clusters_stay_whole(noised: Noised) -> None:
    """The part of rule 3 about the clusters of one text."""
    clean, noisy = noised.clean.value, noised.text.value
    old, new = clusters(clean), clusters(noisy)
    assert _bare(new) <= _bare(old), f"an orphan mark in {noisy!r} of {clean!r}"
    broken = {cluster for cluster in set(new) - set(old) if not (_WHOLE.fullmatch(cluster) or MARK.match(cluster))}
    assert not broken, f"broken clusters {broken} in {noisy!r} of {clean!r}"


def normal_forms_stay(noised: Noised) -> None:
    """The part of rule 3 that perturbations of the normal form waive: each text stays in the normal forms it is in."""
    clean, noisy = noised.clean.value, noised.text.value
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        if unicodedata.is_normalized(form, clean) and (form == "NFC" or _only(form, clean)):
            assert unicodedata.is_normalized(form, noisy.translate(_JAMO)), f"{noisy!r} is not {form}, {clean!r} is"


_JAMO: Final = dict.fromkeys((*range(0x3131, 0x3164), 0x2116))
"""What Korean keys type where they make no syllable, and the № of Cyrillic keys: no text in NFKC has them."""


def _only(form: str, value: str) -> bool:
    """Whether a text is in a form but not also in the composed one, where letters may stay composed."""
    return (form == "NFKC") or (form == "NFD" and not unicodedata.is_normalized("NFC", value))


def rule_4_noise_belongs_to_the_script(trial: Trial) -> None:
    """Inserted letters are the language's own; a language is served or refused, never silently left clean."""
    perturbation = trial.perturbation
    counters: dict[tuple[str, str], Counter[bool]] = {}
    for noised in (result for seed in range(_SEEDS) for result in run(perturbation, trial.texts, "1", seed)):
        for count in counts(perturbation):
            counters.setdefault((noised.clean.language, count.__name__), Counter()).update(count(noised))
    for (code, counted), counter in counters.items():
        assert counter[True] >= SHARE * counter.total(), (
            f"{code}, {counted}: {counter[False]} of {counter.total()} clusters are foreign"
        )
    for code in dict.fromkeys(clean_text.language for clean_text in trial.texts):
        clean = text(code, sentence(code) * 3)
        noised = run(perturbation, [clean], "1")[0]
        assert noised.status in _STATUSES[perturbation.serves(code)], f"{code}: {noised.status}"
        assert not noised.eligible or noised.text.value != clean.value, f"{code} was left clean without a word"
    stranger = run(perturbation, [Text("x", "xx", "Habari ya asubuhi")], "1")[0]
    assert stranger.status == "not_applicable", "a language that nobody knows was noised"


_STATUSES: Final = {True: ("ok", "unchanged"), False: ("not_applicable",)}


def rule_5_spans_survive(trial: Trial) -> None:
    """No edit crosses an edge or touches a frozen span; no span and no text that had letters is emptied."""
    for noised in trial.each():
        spans_survive(noised)


def spans_survive(noised: Noised) -> None:
    """The same of one text."""
    clean, noisy = noised.clean, noised.text
    assert len(clean.spans) == len(noisy.spans)
    for before, after in zip(clean.spans, noisy.spans, strict=True):
        assert (before.label, before.frozen) == (after.label, after.frozen)
        assert 0 <= after.start <= after.stop <= len(noisy.value)
        assert (after.start == after.stop) == (before.start == before.stop), f"{noisy!r}: a span was emptied"
        _no_crossing(noised, before.start, before.stop)
        assert noised.to_clean(after.start, after.stop) in _same(noised, after.start, after.stop)
        if before.frozen:
            assert clean.at(before) == noisy.at(after), "a frozen span was touched"
    assert bool(noisy.value) == bool(clean.value), f"{clean.value!r} was emptied"


def _same(noised: Noised, start: int, stop: int) -> list[tuple[int, int]]:
    """The clean ranges of all spans that now are at that range (touching spans may coincide)."""
    pairs = zip(noised.clean.spans, noised.text.spans, strict=True)
    return [(before.start, before.stop) for before, after in pairs if (after.start, after.stop) == (start, stop)]


def _no_crossing(noised: Noised, start: int, stop: int) -> None:
    for low, high, _, _ in edit_bounds(noised):
        crossed = any(low < edge < high for edge in (start, stop))
        assert not crossed, f"an edit crosses ({start}, {stop}) in {noised.clean!r}"


def rule_6_edit_counts_are_true(trial: Trial) -> None:
    """Clean and noisy text differ just where edits are listed; the counts are those of the edits."""
    for noised in trial.each():
        edit_counts_are_true(noised, trial.perturbation.kind == "letters")


def edit_counts_are_true(noised: Noised, exact: bool) -> None:
    """The same of one text; `exact`: the changed clusters of each edit are its Levenshtein distance."""
    clean, noisy, bounds = noised.clean.value, noised.text.value, edit_bounds(noised)
    old = new = 0
    for start, stop, low, high in [*bounds, (len(clean), len(clean), len(noisy), len(noisy))]:
        assert clean[old:start] == noisy[new:low], f"an unlisted edit in {noisy!r}"
        assert clean[start:stop] != noisy[low:high] or start == len(clean), f"an edit that changes nothing: {noisy!r}"
        old, new = stop, high
    assert sum(noised.edits.values()) == len(bounds) <= noised.eligible
    assert noised.graphemes == len(clusters(clean))
    least = sum(distance(before, after) for before, after in replaced(noised))
    assert noised.graphemes_edited == least or (not exact and noised.graphemes_edited > least), (clean, noisy)
    assert noised.words == len(list(_words(clean)))
    reached = [_reached(clean, noisy, bound) for bound in bounds]
    assert noised.words_edited == sum(any(a < high and low < b for low, high in reached) for a, b in _words(clean)), (
        clean,
        noisy,
    )
    assert (noised.status == "unchanged") == (noised.status != "not_applicable" and not bounds)


def _reached(clean: str, noisy: str, bound: tuple[int, int, int, int]) -> tuple[int, int]:
    """The range of the clean text that an edit changes, with the letters at its ends that now touch something else."""
    start, stop, low, high = bound
    put = noisy[low:high]
    before, after = clean[:start][-1:], clean[stop : stop + 1]
    left = before.strip() and not clean[start : start + 1].strip() and (put[:1] or after).strip()
    right = after.strip() and not clean[:stop][-1:].strip() and (put[-1:] or before).strip()
    within = start == stop and before.strip() and after.strip()
    return start - bool(left), stop + bool(right or within)


def _words(value: str) -> list[tuple[int, int]]:
    return [match.span() for match in _WORD.finditer(value)]


def rule_7_work_is_linear(trial: Trial) -> None:
    """Ten times the words take at most about ten times the calls and the memory."""
    perturbation, texts = trial.perturbation, trial.texts
    code = texts[0].language if perturbation.serves(texts[0].language) else served(perturbation)
    unit = " ".join(text.value for text in texts if text.language == code) or "a"
    size = max(1, trial.letters // (5 if perturbation.kind in ("rewriter", "channel") else 1) // len(unit))
    run(perturbation, [_long(code, unit, 1)], "0.1")
    short, long = (_work(perturbation, _long(code, unit, size * times)) for times in (1, 10))
    for small, large, what in zip(short, long, ("calls", "bytes"), strict=True):
        assert large <= 12 * small + 500, f"{what} grow from {small} to {large} for ten times the words"


def _long(code: str, unit: str, times: int) -> Text:
    """A unit of words many times over, under one id, since members edit some texts more than others."""
    value = " ".join([unit] * times)
    return text(code, value, *words(value), name="long")


def _work(perturbation: Perturbation, text: Text) -> tuple[int, int]:
    """The number of function calls and the peak memory for one text."""
    counted = cProfile.Profile()
    gc.disable()  # whose finalizers are calls too
    tracemalloc.start()
    try:
        counted.runcall(run, perturbation, [text], "0.1")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        gc.enable()
    return sum(entry.callcount for entry in counted.getstats()), peak


RULES: Final[tuple[Rule, ...]] = (
    rule_1_strength_is_a_share,
    rule_2_draws_are_keyed,
    rule_3_clusters_stay_whole,
    rule_4_noise_belongs_to_the_script,
    rule_5_spans_survive,
    rule_6_edit_counts_are_true,
    rule_7_work_is_linear,
)
OF_TEXTS: Final[tuple[Rule, ...]] = (
    nought_changes_nothing,
    rule_2_draws_are_keyed,
    rule_3_clusters_stay_whole,
    rule_5_spans_survive,
    rule_6_edit_counts_are_true,
)
"""What can go wrong in one text and not in another."""


def text_keeps(perturbation: Perturbation, noised: Noised) -> None:
    """Raise AssertionError where one text breaks a rule that is about single texts and is not waived."""
    if rule_3_clusters_stay_whole.__name__ not in perturbation.waives:
        clusters_stay_whole(noised)
        if normal_forms_stay.__name__ not in perturbation.waives:
            normal_forms_stay(noised)
    spans_survive(noised)
    edit_counts_are_true(noised, perturbation.kind == "letters")


def keeps(trial: Trial, rules: Sequence[Rule]) -> None:
    """Raise AssertionError from the first rule that is broken, of those that the perturbation does not waive."""
    for rule in rules:
        if rule.__name__ not in trial.perturbation.waives:
            rule(trial)


def broken(trial: Trial) -> list[str]:
    """The names of the rules that the perturbation breaks on the texts."""
    names = []
    for rule in RULES:
        try:
            rule(trial)
        except AssertionError:
            names.append(rule.__name__)
    return names


__all__ = ["OF_TEXTS", "RULES", "Rule", "Trial", "broken", "changes", "keeps", "run", "text_keeps"]
