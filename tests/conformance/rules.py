"""The seven rules of a perturbation, each a function that raises AssertionError where one does not hold."""

from __future__ import annotations

import gc
import random
import sys
import tracemalloc
import unicodedata
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Final

import regex
from tests.conformance.texts import SENTENCES, sentence, text, words

from robust_xtreme.examples import Text
from robust_xtreme.languages import ALL_LANGUAGES, language
from robust_xtreme.noise._engine import Bound, Noised, Perturbation, noise_with

Rule = Callable[[Perturbation, Sequence[Text]], None]
STRENGTHS: Final = ("0", "0.05", "0.1", "0.2", "0.5", "1")


def run(perturbation: Perturbation, texts: Sequence[Text], strength: str, seed: int = 0) -> list[Noised]:
    """The texts after the perturbation at a strength, all its parameters open."""
    return noise_with([Bound(perturbation, strength, dict(perturbation.parameters))], texts, seed)


def rule_1_strength_is_a_share(perturbation: Perturbation, texts: Sequence[Text]) -> None:
    """Nought changes no byte; elsewhere the share of eligible units is the strength, in short and in long texts."""
    nought_changes_nothing(perturbation, texts)
    for strength in ("0.05", "0.1"):
        for size in (5, 50, 500, 2000):
            share = _share(perturbation, size, strength)
            assert 0.8 <= share / float(strength) <= 1.1, f"{size} words at {strength}: {share:.4f} of the units"


def nought_changes_nothing(perturbation: Perturbation, texts: Sequence[Text]) -> None:
    """Strength 0 is byte-identical, spans included."""
    for noised in run(perturbation, texts, "0"):
        assert noised.text == noised.clean, f"strength 0 changed {noised.clean.id}"


def _share(perturbation: Perturbation, size: int, strength: str) -> float:
    vocabulary = SENTENCES["sw"].rstrip(".").split()
    values = [" ".join((vocabulary * (size // len(vocabulary) + 2))[start : start + size]) for start in range(8)]
    texts = [text("sw", value, name=f"{number}") for number, value in enumerate(values * max(1, 500 // size))]
    texts = [Text(f"long/{number}", own.language, own.value) for number, own in enumerate(texts)]
    found = run(perturbation, texts, strength)
    return sum(sum(one.edits.values()) for one in found) / sum(one.eligible for one in found)


def rule_2_draws_are_keyed(perturbation: Perturbation, texts: Sequence[Text]) -> None:
    """Edits at a low strength are among those at a higher one; order, batch, and any global state change nothing."""
    whole = run(perturbation, texts, "0.1")
    before = random.getstate()
    assert run(perturbation, texts, "0.1") == whole, "a second run differs"
    assert random.getstate() == before, "the global generator was used"
    assert run(perturbation, texts[::-1], "0.1")[::-1] == whole, "the order of the texts matters"
    single = [one for own in texts for one in run(perturbation, [own], "0.1")]
    assert single == whole, "the batch matters"
    long = [text("sw", SENTENCES["sw"] * 5)]
    assert run(perturbation, long, "0.1", seed=1) != run(perturbation, long, "0.1"), "the seed is ignored"
    _nested(perturbation, texts)


def _nested(perturbation: Perturbation, texts: Sequence[Text]) -> None:
    found = [run(perturbation, texts, strength) for strength in ("0.05", "0.1", "0.2")]
    for low, high in pairwise(found):
        for lower, higher in zip(low, high, strict=True):
            missing = changes(lower) - changes(higher)
            assert not missing, f"edits of {lower.clean.id} vanish at a higher strength: {missing}"


def changes(noised: Noised) -> set[tuple[int, int, str]]:
    """The edits of a text: the range of the clean text, and what stands there now."""
    return {(start, stop, noised.text.value[low:high]) for start, stop, low, high in noised.traces[0].places}


def rule_3_clusters_stay_whole(perturbation: Perturbation, texts: Sequence[Text]) -> None:
    """The clusters of the noisy text are clusters of the clean one or letters, in the same normal form."""
    for strength in STRENGTHS:
        for noised in run(perturbation, texts, strength):
            clean, noisy = noised.clean.value, noised.text.value
            new = set(regex.findall(r"\X", noisy)) - set(regex.findall(r"\X", clean))
            assert not {one for one in new if not regex.fullmatch(r"\p{L}\p{M}*", one)}, (clean, noisy)
            assert new <= letters_of(noised.clean.language), f"broken clusters {new} in {noisy!r} of {clean!r}"
            for form in ("NFC", "NFD", "NFKC", "NFKD"):
                if unicodedata.is_normalized(form, clean) and (form == "NFC" or _only(form, clean)):
                    assert unicodedata.is_normalized(form, noisy), f"{noisy!r} is not {form}, {clean!r} is"


def _only(form: str, value: str) -> bool:
    """Whether a text is in a form but not also in the composed one, where letters may stay composed."""
    return (form == "NFKC") or (form == "NFD" and not unicodedata.is_normalized("NFC", value))


def bases(value: str) -> set[str]:
    """The first code points of the letters of a text."""
    return set(regex.findall(r"\p{L}", value))


def letters_of(code: str) -> set[str]:
    """The letters of a language in both cases, composed and decomposed."""
    if code not in ALL_LANGUAGES:
        return set()
    alphabet = language(code).alphabet
    upper = (unicodedata.normalize("NFC", letter.upper()) for letter in alphabet)
    cased = {*alphabet, *upper, *(("İ", "I") if code in ("az", "tr") else ())}
    return cased | {unicodedata.normalize("NFD", letter) for letter in cased}


def rule_4_noise_belongs_to_the_script(perturbation: Perturbation, texts: Sequence[Text]) -> None:
    """New letters are the language's own; a language is served or said not to be, never silently left clean."""
    for noised in run(perturbation, texts, "1"):
        code = noised.clean.language
        new = bases(noised.text.value) - bases(noised.clean.value) - bases("".join(letters_of(code)))
        assert not new, f"{code} got foreign letters: {new}"
    for code in ALL_LANGUAGES:
        own = text(code, sentence(code))
        found = run(perturbation, [own], "0.5")[0]
        assert found.status == ("ok" if perturbation.serves(code) else "not_applicable"), f"{code}: {found.status}"
        assert (found.text.value != own.value) == perturbation.serves(code), f"{code} was left clean without a word"
    stranger = run(perturbation, [Text("x", "xx", "Habari ya asubuhi")], "1")[0]
    assert stranger.status == "not_applicable", "a language that nobody knows was noised"


def rule_5_spans_survive(perturbation: Perturbation, texts: Sequence[Text]) -> None:
    """No edit crosses an edge or touches a frozen span; no span and no text that had letters is emptied."""
    for strength in STRENGTHS:
        for noised in run(perturbation, texts, strength):
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
    """The clean ranges of all spans that now lie at that range (touching spans may coincide)."""
    pairs = zip(noised.clean.spans, noised.text.spans, strict=True)
    return [(before.start, before.stop) for before, after in pairs if (after.start, after.stop) == (start, stop)]


def _no_crossing(noised: Noised, start: int, stop: int) -> None:
    for low, high, _, _ in noised.traces[0].places if noised.traces else ():
        crossed = any(low < edge < high for edge in (start, stop))
        assert not crossed, f"an edit crosses ({start}, {stop}) in {noised.clean!r}"


def rule_6_books_are_true(perturbation: Perturbation, texts: Sequence[Text]) -> None:
    """Clean and noisy text differ just where edits are listed; the counts are those of the edits."""
    cost = {"swap": 2}
    for strength in STRENGTHS:
        for noised in run(perturbation, texts, strength):
            clean, noisy, places = noised.clean.value, noised.text.value, _places(noised)
            old = new = 0
            for start, stop, low, high in [*places, (len(clean), len(clean), len(noisy), len(noisy))]:
                assert clean[old:start] == noisy[new:low], f"an unlisted edit in {noisy!r}"
                assert clean[start:stop] != noisy[low:high] or start == len(clean), (
                    f"an edit that changes nothing: {noisy!r}"
                )
                old, new = stop, high
            assert sum(noised.edits.values()) == len(places) <= noised.eligible
            assert noised.graphemes == len(regex.findall(r"\X", clean))
            assert noised.graphemes_edited == sum(cost.get(name, 1) * many for name, many in noised.edits.items())
            assert noised.words == len(list(_words(clean)))
            assert noised.words_edited == sum(any(a < p[1] and p[0] < b for p in places) for a, b in _words(clean))
            assert (noised.status == "unchanged") == (noised.status != "not_applicable" and not places)


def _places(noised: Noised) -> list[tuple[int, int, int, int]]:
    return list(noised.traces[0].places) if noised.traces else []


def _words(value: str) -> list[tuple[int, int]]:
    return [match.span() for match in regex.finditer(r"\P{White_Space}+", value)]


def rule_7_work_is_linear(perturbation: Perturbation, texts: Sequence[Text]) -> None:
    """Ten times the words take at most about ten times the calls and the memory."""
    unit = " ".join(one.value for one in texts if one.language == texts[0].language) or "a"
    size = max(1, 20_000 // len(unit))
    run(perturbation, [_long(texts[0].language, unit, 1)], "0.1")
    short, long = (_work(perturbation, _long(texts[0].language, unit, size * times)) for times in (1, 10))
    for small, large, what in zip(short, long, ("calls", "bytes"), strict=True):
        assert large <= 12 * small + 500, f"{what} grow from {small} to {large} for ten times the words"


def _long(code: str, unit: str, times: int) -> Text:
    value = " ".join([unit] * times)
    return text(code, value, *words(value), name=f"long/{times}")


def _work(perturbation: Perturbation, own: Text) -> tuple[int, int]:
    """Calls of any function, and the most memory held, for one text."""
    calls = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    gc.collect()
    tracemalloc.start()
    previous = sys.getprofile()
    sys.setprofile(count)
    try:
        run(perturbation, [own], "0.1")
    finally:
        sys.setprofile(previous)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    return calls, peak


RULES: Final[tuple[Rule, ...]] = (
    rule_1_strength_is_a_share,
    rule_2_draws_are_keyed,
    rule_3_clusters_stay_whole,
    rule_4_noise_belongs_to_the_script,
    rule_5_spans_survive,
    rule_6_books_are_true,
    rule_7_work_is_linear,
)
OF_TEXTS: Final[tuple[Rule, ...]] = (
    nought_changes_nothing,
    rule_2_draws_are_keyed,
    rule_3_clusters_stay_whole,
    rule_5_spans_survive,
    rule_6_books_are_true,
)
"""What can go wrong in one text and not in another."""


def broken(perturbation: Perturbation, texts: Sequence[Text]) -> list[str]:
    """The names of the rules that the perturbation breaks on these texts."""
    names = []
    for rule in RULES:
        try:
            rule(perturbation, texts)
        except AssertionError:
            names.append(rule.__name__)
    return names


__all__ = ["OF_TEXTS", "RULES", "Rule", "broken", "changes", "letters_of", "run"]
