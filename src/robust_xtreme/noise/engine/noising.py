"""The engine: makes noisy texts, moves their spans, and counts the edits.

`noise_values` works on strings and columns and is the fast path; `noise_texts` calls it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np

from robust_xtreme.core import edits as editing
from robust_xtreme.core import graphemes, packs, registry
from robust_xtreme.core.columns import bounds_of
from robust_xtreme.core.errors import SpecError, shown
from robust_xtreme.core.examples import ODD_TAG, Text, digest, find_odd_tag, mark_entities
from robust_xtreme.core.randomness import bare_hashes, keyed, text_keys
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.noise.engine import noised as results
from robust_xtreme.noise.engine import realised
from robust_xtreme.noise.engine.perturbation import Bound, bind, earlier
from robust_xtreme.noise.engine.realised import TOKENS, Solution
from robust_xtreme.noise.engine.traces import Traces, joined_spans


def seed_of_pass(seed: int, turn: int) -> int:
    """The noise seed of a pass, from 0, of a training with a seed: far from those of evaluation, which are small."""
    return int(digest("noise of a pass", str(seed), str(turn)), base=16) % 2**31


def words_of(clean: editing.Batch, edits: editing.Edits, owner: editing.Array) -> tuple[editing.Array, editing.Array]:
    """Words and edited words of each text; a word is a run of clusters without white space.

    A word is edited where an edit changes it, splits it, or puts a sign directly before or after it; where the white
    space between two words is deleted, both are.
    """
    # blank (n,): white space by code point, the separator after each text too. begun (n,): how many words began so far.
    blank = (clean.props & graphemes.SPACE) > 0
    blank[clean.offsets[1:] - 1] = True
    begins = ~blank
    begins[1:] &= blank[:-1]
    begun = np.cumsum(begins, dtype=np.int32)
    words = np.diff(editing.at(begun, clean.offsets[1:] - 1), prepend=0)
    start, stop = edits.start, edits.stop
    ended, starting = editing.at(blank, start), editing.at(begins, stop)
    next_blank, previous_blank = _beside(edits, blank)
    # first, last (e,): the words that an edit touches; a word that an edit before it touched is not counted again.
    first = editing.at(begun, start) + ended - (ended & ~((start == 0) | editing.at(blank, start - 1)) & ~next_blank)
    end = np.maximum(stop, start + 1) - 1
    last = editing.at(begun, end) - ((start == stop) & starting) + (starting & ~previous_blank)
    first[1:] = np.maximum(first[1:], np.maximum.accumulate(last)[:-1] + 1)
    hit = np.bincount(owner, weights=np.maximum(last - first + 1, 0), minlength=len(clean))
    return words.astype(np.int64), hit.astype(np.int64)


def _beside(edits: editing.Edits, blank: editing.Array) -> tuple[editing.Array, editing.Array]:
    """Whether white space, or an end of the text, is after the start of each edit (e,), and before its stop.

    It is that of what the edit puts in; of one that only deletes, that of the clean text beside it.
    """
    put = np.append(blank, (graphemes.properties(edits.pool) & graphemes.SPACE) > 0)
    source, sizes = edits.source, edits.length
    head = np.where(sizes[:, 0] > 0, source[:, 0], source[:, 1])
    tail = np.where(sizes[:, 1] > 0, source[:, 1] + sizes[:, 1], source[:, 0] + sizes[:, 0]) - 1
    empty = ~sizes.any(1)
    after = np.where(empty, editing.at(blank, edits.stop), editing.at(put, head))
    before = np.where(empty, (edits.start == 0) | editing.at(blank, edits.start - 1), editing.at(put, tail))
    return after, before


_RULE: Final = "rule_1_strength_is_a_share"


class Edited(NamedTuple):
    """The moved texts, and what was done to each."""

    moved: editing.Moved
    counts: results.Counts


def bound(spec: PerturbationSpec) -> tuple[Bound, ...]:
    """The links of a cell's spec with their perturbations. Raises UnknownName and SpecError."""
    cells = spec.cells()
    assert len(cells) == 1, spec.nominal
    links = tuple(bind(registry.load("perturbation", link.name), link) for link in cells[0].links)
    for link in links:
        name = link.perturbation.name
        if link.perturbation.moves and len(links) > 1:
            raise SpecError(f"{name} is an attack, which is not part of a chain: write {name}:0.1 by itself.")
        if link.perturbation.moves and link.axis:
            raise SpecError(f"{name} is an attack, whose strength is what may change, not what does: write {name}:0.1")
        if link.perturbation.first and link is not links[0]:
            raise SpecError(f"{name} knows clean texts alone: write it first in the chain, {name}:0.1+...")
    return links


def noise_values(
    values: Sequence[str],
    ids: Sequence[str],
    spans: editing.SpanTable,
    language: str,
    link: Bound,
    seed: int,
    nth: int = 0,
) -> Edited:
    """One perturbation of texts of one language: the fast path, on strings and columns of spans.

    `ids` are the texts' ids, `spans` the table of their spans sorted by text. `nth` counts the earlier links of a chain
    with the same perturbation, so that they do not share draws.
    """
    link = at_nominal(link, language)
    common = link.salt(seed, nth)
    parts = []
    for start, stop in editing.chunks(values):
        clean = editing.batch(values[start:stop], spans.of(start, stop))
        edits, eligible = link.edits(clean, language, text_keys(common, ids[start:stop]))
        parts.append(counted(clean, edits, eligible, len(link.perturbation.operators)))
    return _joined(parts)


def at_nominal(link: Bound, language: str) -> Bound:
    """The perturbation at the strength that a realised strength needs in a language.

    Raises SpecError where the share is one of tokens, which are those of a model.
    """
    if link.axis == TOKENS:
        raise SpecError(f"{link.perturbation.name}@realised={TOKENS}: tokens are a model's, so it is for eval alone.")
    return replace(link, strength=_solution(link, language).strength, axis="") if link.axis else link


def lacks(link: Bound, language: str) -> str:
    """Why a perturbation does not serve a language, or not at its realised strength; "" if it does.

    Whether a share of tokens is attainable depends on the model, and is not asked here.
    """
    why = link.lacks(language) or (realised.lacks(language, link.axis) if link.axis else "")
    return why if why or link.axis in ("", TOKENS) else unattainable(link, _solution(link, language))


def unattainable(link: Bound, solution: Solution) -> str:
    """Why a realised strength cannot be reached: the share that comes nearest to it; "" if it can."""
    reached = f"strength {solution.strength} edits {solution.share:.4f} of the {link.axis} of the calibration text"
    wanted = f"{link.axis}:{link.strength} is not attainable"
    return "" if solution.attains(float(link.strength)) else f"{wanted}: {reached}"


def solved(link: Bound, language: str, tokens: realised.Tokens | None = None) -> Solution:
    """The strength that a realised strength needs in a language, by the calibration text; `tokens` gives token ids.

    Where every eligible unit is edited at strength 1, none loses against another, so that the expected share of
    graphemes is that at strength 1 times the strength. Otherwise a share is the mean of some draws.
    """
    if link.axis == realised.GRAPHEMES and _RULE not in link.perturbation.waives:
        every = _draws(link, language, "1", realised.SEEDS)
        if every.counts.operators.sum() == every.counts.eligible.sum():
            most = float(every.counts.graphemes_edited.sum() / every.counts.graphemes.sum())
            return realised.solve(lambda strength: float(strength) * most, float(link.strength))

    def shares(strength: str, seeds: int) -> editing.Array:
        drawn = _draws(link, language, strength, seeds)
        if tokens is not None:
            return realised.token_shares(tokens, realised.texts(language), drawn.moved.values)
        by_draw: editing.Array = getattr(drawn.counts, f"{link.axis}_edited").reshape(seeds, -1).sum(axis=1) * seeds
        return by_draw / int(getattr(drawn.counts, link.axis).sum())

    return realised.drawn(shares, float(link.strength))


def _draws(link: Bound, language: str, strength: str, seeds: int) -> Edited:
    """Some draws of the calibration text at a nominal strength, one draw after the other."""
    texts = realised.texts(language) * seeds
    ids = [f"{realised.KIND}/{language}/{number}" for number in range(len(texts))]
    return noise_values(texts, ids, editing.NO_SPANS, language, replace(link, strength=strength, axis=""), 0)


def _solution(link: Bound, language: str) -> Solution:
    """The solution for a link, which is computed once for each of its strengths and parameters."""
    params = tuple(sorted(link.params.items()))
    return _solved(link.perturbation.name, link.strength, params, link.axis, language)


@packs.cached
def _solved(name: str, target: str, params: Iterable[tuple[str, tuple[str, ...]]], axis: str, code: str) -> Solution:
    return solved(Bound(registry.load("perturbation", name), target, dict(params), axis), code)


def counted(clean: editing.Batch, edits: editing.Edits, eligible: editing.Array, operators: int) -> Edited:
    """A batch after its edits, which are by so many operators, and what was done to each of its texts."""
    moved, size = editing.apply(clean, edits), len(clean)
    # owner (e,): the number of the text of each edit. Each count is a bincount over it.
    owner = np.repeat(np.arange(size), np.diff(moved.bounds))
    by_operator = np.bincount(owner * operators + edits.operator, minlength=size * operators).reshape(size, operators)
    edited = np.bincount(owner, weights=edits.graphemes, minlength=size).astype(np.int64)
    clusters = np.diff(clean.bounds) - 1
    return Edited(moved, results.Counts(eligible, by_operator, clusters, edited, *words_of(clean, edits, owner)))


def noised_by(
    texts: Sequence[Text],
    clean: editing.Batch,
    edits: editing.Edits,
    eligible: editing.Array,
    operators: tuple[str, ...],
) -> results.NoisedTexts:
    """Texts after the edits of their batch, as they are read."""
    done = counted(clean, edits, eligible, len(operators))
    status, moved = _status(done.counts.operators), done.moved
    links = (Traces(moved.bounds, moved.moves, clean.spans, moved.spans),)
    return results.as_read(results.NoisedTexts(texts, moved.values, moved.spans, status, operators, done.counts, links))


def _status(edits: editing.Array) -> editing.Array:
    """The status of each text (t,) by its edits by operator (t, k)."""
    return np.where(edits.any(axis=1), results.OK, results.UNCHANGED).astype(np.int8)


def _joined(parts: Sequence[Edited]) -> Edited:
    """Consecutive batches as one."""
    if len(parts) == 1:
        return parts[0]
    moved = [part.moved for part in parts]
    whole = editing.Moved(
        [value for part in moved for value in part.values],
        joined_spans([(part.spans, len(part.values)) for part in moved]),
        bounds_of(np.concatenate([np.diff(part.bounds) for part in moved])),
        np.concatenate([part.moves for part in moved]),
    )
    counts = (np.concatenate([getattr(part.counts, name) for part in parts]) for name in results.Counts.__slots__)
    return Edited(whole, results.Counts(*counts))


def noise_texts(texts: Sequence[Text], spec: PerturbationSpec, seed: int) -> results.NoisedTexts:
    """Each text after the condition of a spec with one strength, as it is read; a repeated id is noised once.

    Raises UnknownName, SpecError, and Mismatch where two different texts have one id.
    """
    return results.as_read(noise_with(bound(spec), texts, seed))


def noise_with(links: Sequence[Bound], texts: Sequence[Text], seed: int) -> results.NoisedTexts:
    """The same for a chain of perturbations. Raises SpecError where one is an attack."""
    check_unasked(links)
    numbers, unique = results.distinct(texts)
    parts: list[results.NoisedTexts] = []
    order: list[int] = []
    for language in dict.fromkeys(text.language for text in unique):
        alike = [number for number, text in enumerate(unique) if text.language == language]
        chosen = [unique[number] for number in alike]
        if any(lacks(link, language) for link in links):
            clusters = [len(graphemes.split(text.value)) for text in chosen]
            parts.append(results.untouched(chosen, results.NOT_APPLICABLE, clusters))
        else:
            parts.append(_noised(links, chosen, language, seed))
        order += alike
    noised = results.joined(parts)
    if len(parts) < 2 and len(unique) == len(texts):
        return noised
    return noised.take(np.argsort(order)[numbers])


def check_unasked(links: Sequence[Bound]) -> None:
    """Raise SpecError where a perturbation of a chain is an attack."""
    if attacks := [link.perturbation.name for link in links if link.perturbation.moves]:
        raise SpecError(f"{attacks[0]} asks a model, so only robust-xtreme eval and train take it.")


def _noised(links: Sequence[Bound], texts: Sequence[Text], language: str, seed: int) -> results.NoisedTexts:
    values, spans = [text.value for text in texts], editing.span_table([text.spans for text in texts])
    ids = [text.id for text in texts]
    steps: list[Edited] = []
    trails: list[Traces] = []
    for number, link in enumerate(links):
        nth = earlier(links, number)
        kept = replace(spans, frozen=spans.frozen | are_names(texts)) if link.keeps_names else spans
        step = noise_values(values, ids, kept, language, link, seed, nth)
        trails.append(Traces(step.moved.bounds, step.moved.moves, spans, step.moved.spans))
        values, spans = step.moved.values, replace(step.moved.spans, frozen=spans.frozen)
        steps.append(step)
    names, counts = _summed(links, steps)
    return results.NoisedTexts(texts, values, spans, _status(counts.operators), names, counts, tuple(trails))


def are_names(texts: Sequence[Text]) -> editing.Array:
    """Whether each span of texts (s,) is tagged as a name: an entity's tag, as B-PER, or that of proper nouns."""
    labels = [span.label or "" for text in texts for span in text.spans]
    if (tag := find_odd_tag([label for label in labels if label])) is not None:
        raise SpecError(f"--keep-names: the tag {shown(tag)} {ODD_TAG}.")
    return np.array([label == "PROPN" or mark_entities([label]) for label in labels], np.bool_)


def _summed(links: Sequence[Bound], steps: Sequence[Edited]) -> tuple[tuple[str, ...], results.Counts]:
    """The operators of a chain, and what it did to each clean text: edits summed, edited words at most all."""
    names = tuple(dict.fromkeys(name for link in links for name in link.perturbation.operators))
    clean, several = steps[0].counts, [step.counts for step in steps]
    edits = np.zeros((len(clean.eligible), len(names)), np.int64)
    for link, counts in zip(links, several, strict=True):
        for column, name in enumerate(link.perturbation.operators):
            edits[:, names.index(name)] += counts.operators[:, column]
    clusters_edited = np.sum([counts.graphemes_edited for counts in several], axis=0)
    words_edited = np.minimum(np.sum([counts.words_edited for counts in several], axis=0), clean.words)
    return names, replace(clean, operators=edits, graphemes_edited=clusters_edited, words_edited=words_edited)


def asks(condition: PerturbationSpec) -> bool:
    """Whether a condition is an attack, so that its texts are made where a model answers."""
    return any(link.perturbation.moves for link in bound(condition))


def noise_strings(links: Sequence[Bound], values: Sequence[str], language: str, seed: int) -> list[str]:
    """Strings of one language, which all links serve, after a chain, as they are read; equal ones get equal noise.

    The memory beside the strings is that of one chunk of them. Raises SpecError where a link queries the model, or
    its strength is a share of tokens, and UnicodeEncodeError where a string contains half of a surrogate pair.
    """
    check_unasked(links)
    steps = [(at_nominal(link, language), link.salt(seed, earlier(links, at))) for at, link in enumerate(links)]
    unique = list(dict.fromkeys(values))
    noisy = [
        text for start, stop in editing.chunks(unique) for text in _strings_chunk(steps, unique[start:stop], language)
    ]
    if len(unique) == len(values):
        return noisy
    by_value = dict(zip(unique, noisy, strict=True))
    return [by_value[value] for value in values]


def _strings_chunk(steps: Sequence[tuple[Bound, int]], values: Sequence[str], language: str) -> list[str]:
    """The noisy texts of some strings, by links at nominal strengths, each with the salt of its draws."""
    hashes, noisy = bare_hashes(language, values), list(values)
    for link, salt in steps:
        clean = editing.batch(noisy, editing.NO_SPANS)
        edits, _ = link.edits(clean, language, keyed(salt, hashes))
        noisy = editing.edited(clean, edits)
    for number, (lead, stop) in results.parts_read(values, noisy).items():
        noisy[number] = noisy[number][lead:stop]
    return noisy
