"""The paired items of a set: clean examples, their noisy forms, and what was done to each text."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Final, NamedTuple, Self

import numpy as np

from robust_xtreme.core import graphemes
from robust_xtreme.core.edits import NO_SPANS, Array, Place, Trace, batch, putting, span_table
from robust_xtreme.core.errors import DataError
from robust_xtreme.core.examples import Answers, Example, Span, Text
from robust_xtreme.core.specs import PerturbationSpec, canonical_strength
from robust_xtreme.noise.conditions.pairing import Noisy, Pairing, Steps, followed
from robust_xtreme.noise.engine.diff import Hunk, hunks
from robust_xtreme.noise.engine.noised import Noised, NoisedTexts, joined, untouched
from robust_xtreme.noise.engine.noising import bound, lacks, noise_texts, noise_values, words_of
from robust_xtreme.noise.engine.rewriter import runs_of

_REPLACE, _INSERT, _DELETE = "replace", "insert", "delete"


class _Change(NamedTuple):
    """A range of the clean text that became one of the noisy text, in code points, and the clusters that it cost."""

    move: Place
    cost: int
    operator: str


def realised(clean: Text, value: str, spans: Sequence[Span]) -> Noised:
    """A noisy text as the outcome of noise on the clean one; `spans` are the clean text's spans where they are now.

    The texts are compared from span to span, so that a tagged word or an answer is compared with its own form.
    """
    moved = tuple(Span(now.start, now.stop, was.label, was.frozen) for was, now in zip(clean.spans, spans, strict=True))
    bounds = tuple(((was.start, was.stop), (now.start, now.stop)) for was, now in zip(clean.spans, moved, strict=True))
    changes = [change for piece in _pieces(clean.value, value, bounds) for change in _changes(*piece)]
    trace = Trace(tuple(change.move for change in changes), bounds)
    noisy = Text(clean.id, clean.language, value, moved)
    status = "unchanged" if value == clean.value else "ok"
    clusters, words = len(graphemes.split(clean.value)), len(clean.value.split())
    edited, edits = sum(change.cost for change in changes), Counter(change.operator for change in changes)
    page, none = batch([clean.value], NO_SPANS), np.zeros(len(changes), np.int64)
    start, stop = np.array([change.move[:2] for change in changes], np.int64).reshape(-1, 2).T
    put = [value[low:high] for _, _, low, high in trace.moves]
    words_edited = int(words_of(page, putting(page, start, stop, none, none, put), none)[1][0])
    return Noised(clean, noisy, status, clusters, edits, clusters, edited, words, words_edited, (trace,))


def _pieces(
    old: str, new: str, bounds: Sequence[tuple[tuple[int, int], tuple[int, int]]]
) -> Iterator[tuple[str, str, int, int]]:
    """What is compared with each other, each with its start in both texts: what the ends of spans divide."""
    before, after = 0, 0
    ends = {end for was, now in bounds for end in zip(was, now, strict=True)}
    for old_end, new_end in (*sorted(ends), (len(old), len(new))):
        if old_end >= before and new_end >= after:
            yield old[before:old_end], new[after:new_end], before, after
            before, after = old_end, new_end


def _changes(old: str, new: str, clean_start: int, noisy_start: int) -> Iterator[_Change]:
    """The changes from one text to another: first by words, then in a changed stretch by clusters."""
    if old == new:
        return
    before, after = graphemes.split(old), graphemes.split(new)
    (words, starts), (others, stops) = runs_of(before), runs_of(after)
    # points, noisy_points: the code point at which each cluster begins; then the end of the last.
    points = list(accumulate(map(len, before), initial=clean_start))
    noisy_points = list(accumulate(map(len, after), initial=noisy_start))
    for a, b, c, d in _stretches(words, others):
        for i, j, k, m in hunks(before[starts[a] : starts[b]], after[stops[c] : stops[d]]):
            first, last, low, high = starts[a] + i, starts[a] + j, stops[c] + k, stops[c] + m
            operator = _INSERT if i == j else _DELETE if k == m else _REPLACE
            cost = max(j - i, m - k)
            if i == j and first and {*after[low:high]} == {before[first - 1]}:  # a cluster that was doubled
                first, low = first - 1, low - 1
            move = points[first], points[last], noisy_points[low], noisy_points[high]
            yield _Change(move, cost, operator)


def _stretches(words: Sequence[str], others: Sequence[str]) -> Iterator[Hunk]:
    """The ranges of words that were changed: one by one where as many words and blanks were, else together."""
    for a, b, c, d in hunks(words, others):
        pairs = list(zip(words[a:b], others[c:d], strict=False))
        if b - a == d - c and all(old.isspace() == new.isspace() for old, new in pairs):
            changed = (number for number, (old, new) in enumerate(pairs) if old != new)
            yield from ((a + number, a + number + 1, c + number, c + number + 1) for number in changed)
        else:
            yield a, b, c, d


_CONTEXT: Final = "context"
_SHOWN: Final = 40
_AWAY: Final = 10
"""How many characters an answer may be from where the edits, which a diff does not know for certain, move it."""


@dataclass(frozen=True, slots=True)
class Paired:
    """The clean examples with a partner, and the outcome of each of their texts in the noisy set, by the text's id.

    `fields` are those in which a text differs. A text of several examples with several noisy forms has an id of its own
    in each of them.
    """

    name: str
    pairing: Pairing
    examples: tuple[Example, ...]
    noised: Mapping[str, Noised]
    fields: tuple[str, ...]

    @property
    def total(self) -> int:
        """The number of the clean items, with a partner or not."""
        return len(self.pairing.pairs) + len(self.pairing.clean_left)

    @property
    def is_edited_only(self) -> bool:
        """Whether the set leaves items out, and each that it has was edited."""
        return bool(self.pairing.clean_left) and all(self.is_edited(example) for example in self.examples)

    def is_edited(self, example: Example) -> bool:
        """Whether a text of an example differs."""
        return any(self.noised[text.id].status == "ok" for text in example.texts.values())

    def of(self, ids: frozenset[str]) -> Self:
        """The same of the clean examples with these ids alone."""
        return replace(self, examples=tuple(example for example in self.examples if example.id in ids))


class _Item(NamedTuple):
    """A clean example and its noisy form, the location of this, and the edits of its context that the file states."""

    before: Example
    after: Example
    location: str
    steps: Steps

    def form(self, field: str) -> tuple[str, Steps]:
        """The noisy text of a field, and its stated edits."""
        return self.after.texts[field].value, self.steps if field == _CONTEXT else ()


def pair_up(name: str, clean: Sequence[Example], noisy: Noisy, pairing: Pairing) -> Paired:
    """The items of a pairing. Raises DataError for an answer in another part of its text, and wrong stated edits."""
    steps = noisy.steps or [()] * len(noisy.examples)
    items = _with_own_ids([_Item(clean[i], noisy.examples[j], noisy.locations[j], steps[j]) for i, j in pairing.pairs])
    noised = _noised(items)
    for item in items:
        _check_answers(item, noised)
    examples = tuple(item.before for item in items)
    edited = {field for it in examples for field, text in it.texts.items() if noised[text.id].status == "ok"}
    every = tuple(dict.fromkeys(field for example in examples for field in example.texts))
    return Paired(name, pairing, examples, noised, tuple(field for field in every if field in edited) or every)


def _with_own_ids(items: Sequence[_Item]) -> list[_Item]:
    """The items, where each text that has several noisy forms has an id of its own in each example."""
    forms: defaultdict[str, set[tuple[str, Steps]]] = defaultdict(set)
    for item in items:
        for field, text in item.before.texts.items():
            forms[text.id].add(item.form(field))

    def renamed(example: Example) -> Example:
        several = {name: text for name, text in example.texts.items() if len(forms[text.id]) > 1}
        own = {name: replace(text, id=f"{text.id}@{example.id}") for name, text in several.items()}
        return replace(example, texts={**example.texts, **own}) if several else example

    return [item._replace(before=renamed(item.before)) for item in items]


Bounds = dict[tuple[int, int], Span]


def _noised(items: Sequence[_Item]) -> dict[str, Noised]:
    """The outcome of each text, by its id. Raises DataError for stated edits that do not make it."""
    outcomes: dict[str, Noised] = {}
    bounds: defaultdict[str, Bounds] = defaultdict(dict)
    for item in items:
        for field, text in item.before.texts.items():
            bounds[text.id] |= {(was.start, was.stop): now for was, now in _spans(item, field)}
    for item in items:
        for field, text in item.before.texts.items():
            if text.id not in outcomes:
                outcomes[text.id] = _outcome(text, *item.form(field), item.location, bounds[text.id])
    return outcomes


def _outcome(clean: Text, value: str, steps: Steps, location: str, bounds: Bounds) -> Noised:
    """The noisy form of a text: its positions move by its stated edits, else by the file's spans and a diff."""
    if not steps:
        return realised(clean, value, _moved(clean, value, bounds))
    traces = followed(clean, value, steps, location)
    spans = [Span(*moved) for _, moved in traces[-1].spans]
    return replace(realised(clean, value, spans), traces=traces)


def _spans(item: _Item, field: str) -> Iterable[tuple[Span, Span]]:
    """The spans of a clean text, each with where the noisy file has it: answers of the example, or words."""
    before, after = item.before, item.after
    if isinstance(before.target, Answers) and isinstance(after.target, Answers):
        return zip(before.target.spans, after.target.spans, strict=True) if field == _CONTEXT else ()
    was, now = before.texts[field].spans, after.texts[field].spans
    return zip(was, now, strict=True) if len(was) == len(now) else ()


def _moved(text: Text, value: str, bounds: Bounds) -> list[Span]:
    """Where the spans of a clean text are in a noisy one; the edits say where the file does not."""
    if all((span.start, span.stop) in bounds for span in text.spans):
        return [bounds[span.start, span.stop] for span in text.spans]
    bare = realised(replace(text, spans=()), value, ())
    return [bounds.get((span.start, span.stop)) or Span(*bare.to_noisy(span.start, span.stop)) for span in text.spans]


def _check_answers(item: _Item, noised: Mapping[str, Noised]) -> None:
    """Raise DataError for an answer that is not where the edits move the clean one, or not near that."""
    before, after = item.before, item.after
    if not (isinstance(before.target, Answers) and isinstance(after.target, Answers)):
        return
    context, noisy = before.texts[_CONTEXT], after.texts[_CONTEXT]
    edits = noised[context.id] if item.steps else realised(replace(context, spans=()), noisy.value, ())
    for was, now in zip(before.target.spans, after.target.spans, strict=True):
        away = abs(edits.to_noisy(was.start, was.stop)[0] - now.start)
        room = _AWAY + was.stop - was.start if edits.status == "ok" else 0
        if away > room or (not room and now.stop != was.stop):
            answers = f"{noisy.at(now)[:_SHOWN]!r}, which is {context.at(was)[:_SHOWN]!r} in {before.id}"
            raise DataError(item.location, f"has the answer {answers}, or is in another part of its text.")


_COARSE: Final = 5
_STEPS: Final = [min(1.0, 0.001 * 1.02**number) for number in range(350)]
STRENGTHS: Final = tuple(dict.fromkeys(["0", *(canonical_strength(f"{step:.5f}") for step in _STEPS)]))
"""The strengths that are tried: 0, and from 0.001 to 1 in steps of a fiftieth."""


def matched(paired: Paired, texts: Sequence[Text], spec: PerturbationSpec, seed: int) -> NoisedTexts:
    """Some texts of a set under other noise, each with as many edited clusters as the set has there, or nearly so."""
    return as_many(texts, np.array([paired.noised[text.id].graphemes_edited for text in texts]), spec, seed)


def as_many(texts: Sequence[Text], wanted: Array, spec: PerturbationSpec, seed: int) -> NoisedTexts:
    """Texts (t,) under noise that edits `wanted` (t,) clusters of each, or nearly so.

    `spec` is one perturbation; its strength is chosen for each text. Where no strength has as many edits (an edit may
    change two clusters) the nearest is taken; of equally near ones that with more edits, so that no set is
    ahead of noise with fewer.
    """
    number = np.zeros(len(texts), np.int64)
    for language in dict.fromkeys(text.language for text in texts):
        alike = np.array([at for at, text in enumerate(texts) if text.language == language], np.int64)
        number[alike] = _chosen([texts[at] for at in alike.tolist()], wanted[alike], spec, seed)
    order = [np.flatnonzero(number == each) for each in np.unique(number)]
    parts = []
    for same in order:
        cell = spec.at(STRENGTHS[number[same[0]]])
        parts.append(noise_texts([texts[at] for at in same.tolist()], cell, seed))
    return joined(parts).take(np.argsort(np.concatenate(order), kind="stable")) if parts else untouched(())


def _chosen(texts: Sequence[Text], wanted: Array, spec: PerturbationSpec, seed: int) -> Array:
    """The number of the strength of each text (t,), of one language; 0 where the noise does not serve it."""
    (link,) = bound(spec)
    language = texts[0].language
    if lacks(link, language):
        return np.zeros(len(texts), np.int64)

    def nearest(some: Array, numbers: Array) -> tuple[Array, Array]:
        """Of some texts (s,) the number among `numbers` (n,), and how far its edits are from the wanted ones."""
        of = [texts[at] for at in some.tolist()]
        given = [text.value for text in of], [text.id for text in of], span_table([text.spans for text in of]), language
        links = (replace(link, strength=STRENGTHS[number]) for number in numbers.tolist())
        edited = [noise_values(*given, each, seed).counts.graphemes_edited for each in links]
        ahead = np.stack(edited) - wanted[some]
        best = (2 * abs(ahead) - (ahead > 0)).argmin(axis=0)
        return numbers[best], ahead[best, np.arange(len(some))]

    every = np.arange(len(STRENGTHS))
    number, ahead = nearest(np.arange(len(texts)), every[::_COARSE])
    missed = np.flatnonzero(ahead)
    if len(missed):
        number[missed] = nearest(missed, every)[0]
    return number
