"""The engine: makes noisy texts, moves their spans, and counts the edits.

`noise_values` works on strings and columns and is the fast path; `noise_texts` and `perturb` call it. A perturbation
that queries the model receives their argument `ask`; noise ignores it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, final

import numpy as np

from robust_xtreme import graphemes, packs, registry
from robust_xtreme.edits import Array, Moved, SpanTable, Trace, apply, batch, chunks, span_table, traces
from robust_xtreme.errors import Mismatch, SpecError
from robust_xtreme.examples import Answers, Example, Span, Text
from robust_xtreme.noise.engine import realised
from robust_xtreme.noise.engine._edited_words import words_of
from robust_xtreme.noise.engine.perturbation import Ask, Bound, Job, Perturbation, bind, earlier
from robust_xtreme.noise.engine.realised import TOKENS, Solution
from robust_xtreme.randomness import text_keys
from robust_xtreme.specs import PerturbationSpec

__all__ = [
    "Ask",
    "Bound",
    "Job",
    "Noised",
    "Perturbation",
    "as_read",
    "asks",
    "at_nominal",
    "bound",
    "check_unasked",
    "lacks",
    "noise_example",
    "noise_texts",
    "noise_values",
    "noise_with",
    "part_read",
    "perturb",
    "solved",
    "unattainable",
]


_RULE: Final = "rule_1_strength_is_a_share"
_COUNTS: Final = ("eligible", "operators", "graphemes", "graphemes_edited", "words", "words_edited")


@final
@dataclass(frozen=True, slots=True)
class Noised:
    """One text under one condition: the noisy text, its edit counts, and the mapping to the clean text.

    `status` is `ok`, `unchanged` (no edit fell on it) or `not_applicable` (the perturbation does not serve its
    language). `eligible` counts the units that could have been changed, `edits` the accepted ones by operator,
    `graphemes` and `words` those of the clean text, `graphemes_edited` the changed and inserted clusters (a swap is
    two, a doubling one). A word is a run of clusters without white space, whatever the script: in a language written
    without spaces that is a whole phrase. Two words that an edit joins are both edited. In a chain the counts of its
    links are summed.
    """

    clean: Text
    text: Text
    status: str
    eligible: int
    edits: Mapping[str, int]
    graphemes: int
    graphemes_edited: int
    words: int
    words_edited: int
    traces: tuple[Trace, ...] = ()

    def to_clean(self, start: int, stop: int) -> tuple[int, int]:
        """The half-open range of the clean value that a range of the noisy value comes from."""
        for trace in reversed(self.traces):
            start, stop = trace.to_clean(start, stop)
        return start, stop

    def to_noisy(self, start: int, stop: int) -> tuple[int, int]:
        """The half-open range of the noisy value that a range of the clean value became."""
        for trace in self.traces:
            start, stop = trace.to_noisy(start, stop)
        return start, stop


@final
@dataclass(frozen=True, slots=True)
class EditCounts:
    """The moved texts, and per text (t,) int64: eligible units, clusters, edited clusters, words, edited words.

    `operators` (t, k) counts the edits by operator.
    """

    moved: Moved
    eligible: Array
    operators: Array
    graphemes: Array
    graphemes_edited: Array
    words: Array
    words_edited: Array


def bound(spec: PerturbationSpec) -> tuple[Bound, ...]:
    """The links of a cell's spec with their perturbations. Raises UnknownName and SpecError."""
    cells = spec.cells()
    assert len(cells) == 1, spec.nominal
    return tuple(bind(registry.load("perturbation", link.name), link) for link in cells[0].links)


def noise_values(
    values: Sequence[str],
    ids: Sequence[str],
    spans: SpanTable,
    language: str,
    link: Bound,
    seed: int,
    nth: int = 0,
    ask: Ask | None = None,
) -> EditCounts:
    """One perturbation of texts of one language: the fast path, on strings and columns of spans.

    `ids` are the texts' ids, `spans` the table of their spans sorted by text. `nth` counts the earlier links of a chain
    with the same perturbation, so that they do not share draws.
    """
    link = at_nominal(link, language)
    common = link.salt(seed, nth)
    parts = ((values[a:b], ids[a:b], spans.of(a, b)) for a, b in chunks(values))
    return _joined([_chunk(*part, common, language, link, ask) for part in parts])


def at_nominal(link: Bound, language: str) -> Bound:
    """The perturbation at the strength that a realised strength needs in a language.

    Raises SpecError where the share is one of tokens, which are those of a model.
    """
    if link.axis == TOKENS:
        raise SpecError(f"{link.perturbation.name}@realised={TOKENS}: tokens are a model's, so it is for eval alone.")
    return replace(link, strength=_solution(*_asked(link), language).strength, axis="") if link.axis else link


def lacks(link: Bound, language: str) -> str:
    """Why a perturbation does not serve a language, or not at its realised strength; "" if it does.

    Whether a share of tokens is attainable depends on the model, and is not asked here.
    """
    why = link.lacks(language) or (realised.lacks(language, link.axis) if link.axis else "")
    return why if why or link.axis in ("", TOKENS) else unattainable(link, _solution(*_asked(link), language))


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
        if every.operators.sum() == every.eligible.sum():
            most = float(every.graphemes_edited.sum() / every.graphemes.sum())
            return realised.solve(lambda strength: float(strength) * most, float(link.strength))

    def shares(strength: str, seeds: int) -> Array:
        counts = _draws(link, language, strength, seeds)
        if tokens is not None:
            return realised.token_shares(tokens, realised.texts(language), counts.moved.values)
        by_draw: Array = getattr(counts, f"{link.axis}_edited").reshape(seeds, -1).sum(axis=1) * seeds
        return by_draw / int(getattr(counts, link.axis).sum())

    return realised.drawn(shares, float(link.strength))


def _draws(link: Bound, language: str, strength: str, seeds: int) -> EditCounts:
    """The edit counts of some draws of the calibration text at a nominal strength, one draw after the other."""
    texts = realised.texts(language) * seeds
    ids = [f"{realised.KIND}/{language}/{number}" for number in range(len(texts))]
    return noise_values(
        texts, ids, span_table([()] * len(texts)), language, replace(link, strength=strength, axis=""), 0
    )


_Asked = tuple[str, tuple[tuple[str, tuple[str, ...]], ...], str, str]


def _asked(link: Bound) -> _Asked:
    """The name and the parameters of a perturbation, the axis and the realised strength."""
    return link.perturbation.name, tuple(sorted(link.params.items())), link.axis, link.strength


@packs.cached
def _solution(
    name: str, params: tuple[tuple[str, tuple[str, ...]], ...], axis: str, target: str, language: str
) -> Solution:
    return solved(Bound(registry.load("perturbation", name), target, dict(params), axis), language)


def _chunk(
    values: Sequence[str],
    ids: Sequence[str],
    spans: SpanTable,
    common: int,
    language: str,
    link: Bound,
    ask: Ask | None,
) -> EditCounts:
    clean, keys = batch(values, spans), text_keys(common, ids)
    edits, eligible = link.edits(clean, language, keys, ids, ask)
    moved, size, operators = apply(clean, edits), len(clean), len(link.perturbation.operators)
    # owner (e,): the number of the text of each edit. Each count is a bincount over it.
    owner = np.repeat(np.arange(size), np.diff(moved.bounds))
    by_operator = np.bincount(owner * operators + edits.operator, minlength=size * operators).reshape(size, operators)
    edited = np.bincount(owner, weights=edits.graphemes, minlength=size).astype(np.int64)
    clusters = np.diff(clean.bounds) - 1
    return EditCounts(moved, eligible, by_operator, clusters, edited, *words_of(clean, edits, owner))


def _joined(parts: Sequence[EditCounts]) -> EditCounts:
    """The edit counts of consecutive batches as those of one batch."""
    if len(parts) == 1:
        return parts[0]
    moved = [part.moved for part in parts]
    texts = np.cumsum([0, *(len(part.values) for part in moved)]).astype(np.int32)
    edits = np.cumsum([0, *(len(part.moves) for part in moved)])
    spans = SpanTable(
        np.concatenate([part.spans.text + before for part, before in zip(moved, texts[:-1], strict=True)]),
        *(np.concatenate([getattr(part.spans, name) for part in moved]) for name in ("start", "stop", "frozen")),
    )
    whole = Moved(
        [value for part in moved for value in part.values],
        spans,
        np.append(np.concatenate([part.bounds[:-1] + n for part, n in zip(moved, edits[:-1], strict=True)]), edits[-1]),
        np.concatenate([part.moves for part in moved]),
    )
    return EditCounts(whole, *(np.concatenate([getattr(part, name) for part in parts]) for name in _COUNTS))


def noise_texts(texts: Sequence[Text], spec: PerturbationSpec, seed: int, ask: Ask | None = None) -> list[Noised]:
    """Each text after the condition of a spec with one strength, as it is read; a repeated id is noised once.

    Raises UnknownName, SpecError, and Mismatch where two different texts have one id.
    """
    return [as_read(noised) for noised in noise_with(bound(spec), texts, seed, ask)]


def as_read(noised: Noised) -> Noised:
    """The outcome without white space at an end of the noisy text where the clean text has none.

    It remains where the first or the last word is lost. Readers of tasks remove it, so that without it a model reads
    the same text in `eval` and in a file that `perturb` wrote.
    """
    value = noised.text.value
    lead, stop = part_read(noised.clean.value, value)
    if stop - lead == len(value):
        return noised
    cuts = [cut for cut in ((0, lead, 0, 0), (stop, len(value), stop - lead, stop - lead)) if cut[0] < cut[1]]
    spans = tuple(_within(span, lead, stop) for span in noised.text.spans)
    pairs = zip(noised.text.spans, spans, strict=True)
    moved = tuple(((before.start, before.stop), (after.start, after.stop)) for before, after in pairs)
    text = replace(noised.text, value=value[lead:stop], spans=spans)
    return replace(noised, text=text, traces=(*noised.traces, Trace(tuple(cuts), moved)))


def part_read(clean: str, noisy: str) -> tuple[int, int]:
    """The range of a noisy text that is read, by `as_read`; all of it where nothing else is left."""
    lead = 0 if clean[:1].isspace() else len(noisy) - len(noisy.lstrip())
    stop = len(noisy) if clean[-1:].isspace() else len(noisy.rstrip())
    return (lead, stop) if lead < stop else (0, len(noisy))


def _within(span: Span, low: int, high: int) -> Span:
    """The span in a text of which only the range from `low` to `high` is left."""
    start, stop = (min(max(end, low), high) - low for end in (span.start, span.stop))
    return replace(span, start=start, stop=stop)


def noise_with(links: Sequence[Bound], texts: Sequence[Text], seed: int, ask: Ask | None = None) -> list[Noised]:
    """The same for a chain of perturbations. Raises SpecError where one queries the model and `ask` is None."""
    if ask is None:
        check_unasked(links)
    unique: dict[str, Text] = {}
    for text in texts:
        if unique.setdefault(text.id, text) != text:
            raise Mismatch(f"Two different texts have the id {text.id!r}; noise follows the id, so it must be unique.")
    done: dict[str, Noised] = {}
    for language in dict.fromkeys(text.language for text in unique.values()):
        alike = [text for text in unique.values() if text.language == language]
        served = not any(lacks(link, language) for link in links)
        noised = _noised(links, alike, language, seed, ask) if served else map(_untouched, alike)
        done.update(zip((text.id for text in alike), noised, strict=True))
    return [done[text.id] for text in texts]


def check_unasked(links: Sequence[Bound]) -> None:
    """Raise SpecError where a perturbation of a chain queries the model."""
    if asking := [link.perturbation.name for link in links if link.perturbation.asks]:
        raise SpecError(f"{asking[0]} asks a model, so it is a perturbation of robust-xtreme eval alone.")


def _untouched(text: Text) -> Noised:
    clusters = len(graphemes.split(text.value))
    return Noised(text, text, "not_applicable", 0, {}, clusters, 0, len(text.value.split()), 0)


def _noised(
    links: Sequence[Bound], texts: Sequence[Text], language: str, seed: int, ask: Ask | None
) -> Iterator[Noised]:
    values, spans = [text.value for text in texts], span_table([text.spans for text in texts])
    named = np.array([is_name(span.label) for text in texts for span in text.spans], np.bool_)
    ids = [text.id for text in texts]
    steps: list[EditCounts] = []
    trails: list[tuple[Trace, ...]] = [()] * len(texts)
    for number, link in enumerate(links):
        nth = earlier(links, number)
        kept = replace(spans, frozen=spans.frozen | named) if link.keeps_names else spans
        step = noise_values(values, ids, kept, language, link, seed, nth, ask)
        trails = [(*trail, trace) for trail, trace in zip(trails, traces(spans, step.moved), strict=True)]
        values, spans = step.moved.values, replace(step.moved.spans, frozen=spans.frozen)
        steps.append(step)
    counts = zip(_summed_edits(links, steps), _summed_counts(steps), trails, strict=True)
    starts, stops = iter(spans.start.tolist()), iter(spans.stop.tolist())
    for text, value, (edits, row, trail) in zip(texts, values, counts, strict=True):
        moved = tuple(Span(next(starts), next(stops), span.label, span.frozen) for span in text.spans)
        status = "ok" if any(edits.values()) else "unchanged"
        eligible, clusters, clusters_edited, words, words_edited = row
        noisy = Text(text.id, text.language, value, moved)
        yield Noised(text, noisy, status, eligible, edits, clusters, clusters_edited, words, words_edited, trail)


def is_name(label: str | None) -> bool:
    """Whether the label of a span is a tag of names: an entity's in IOB2 (B-PER), or that of proper nouns (PROPN)."""
    return label is not None and (label == "PROPN" or label[:2] in ("B-", "I-"))


def _summed_edits(links: Sequence[Bound], steps: Sequence[EditCounts]) -> list[dict[str, int]]:
    """The edits of each text by operator, over the steps of a chain."""
    edits: list[dict[str, int]] = [{} for _ in steps[0].eligible]
    for link, step in zip(links, steps, strict=True):
        for counted, row in zip(edits, step.operators.tolist(), strict=True):
            for name, many in zip(link.perturbation.operators, row, strict=True):
                counted[name] = counted.get(name, 0) + many
    return edits


def _summed_counts(steps: Sequence[EditCounts]) -> list[list[int]]:
    """Of each text: eligible units, clusters, edited clusters, words, edited words, over the steps of a chain.

    Units, clusters and words are those of the clean text. Edits are summed; edited words are at most all of them.
    """
    clean = steps[0]
    clusters_edited = np.sum([step.graphemes_edited for step in steps], axis=0)
    words_edited = np.minimum(np.sum([step.words_edited for step in steps], axis=0), clean.words)
    columns = (clean.eligible, clean.graphemes, clusters_edited, clean.words, words_edited)
    rows: list[list[int]] = np.stack(columns, axis=1).tolist()
    return rows


def perturb(
    examples: Sequence[Example], condition: PerturbationSpec, seed: int, ask: Ask | None = None
) -> tuple[tuple[Example, ...], dict[str, Noised]]:
    """The examples under a condition with one strength, and the outcome of each noised text by the text's id.

    A condition without fields noises all fields. Raises UnknownName, SpecError, Mismatch.
    """
    texts: dict[str, Text] = {}
    for example in examples:
        for name in condition.fields or example.texts:
            if name in example.texts:
                texts.setdefault(example.texts[name].id, example.texts[name])
    noised = dict(zip(texts, noise_texts(list(texts.values()), condition, seed, ask), strict=True))
    shown = (noise_example(example, noised, condition.fields or tuple(example.texts)) for example in examples)
    return tuple(shown), noised


def asks(condition: PerturbationSpec) -> bool:
    """Whether a condition queries the model, so that it must be drawn where the model is loaded."""
    return any(link.perturbation.asks for link in bound(condition))


def noise_example(example: Example, noised: Mapping[str, Noised], fields: Collection[str]) -> Example:
    """The example with the texts of some fields replaced by noisy ones (by text id), and its answers moved.

    Id, cluster and fingerprint stay: they identify the clean example.
    """
    texts = {name: noised[text.id].text if name in fields else text for name, text in example.texts.items()}
    target = example.target
    if isinstance(target, Answers) and "context" in fields:
        context = noised[example.texts["context"].id]
        moved = [(span, *context.to_noisy(span.start, span.stop)) for span in target.spans]
        target = Answers(tuple(replace(span, start=start, stop=stop) for span, start, stop in moved))
    return replace(example, texts=texts, target=target)
