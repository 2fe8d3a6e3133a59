"""The engine: makes noisy texts, moves their spans, and counts the edits.

`noise_values` works on strings and columns and is the fast path; `noise_texts` and `perturb` call it. A perturbation
that queries the model receives their argument `ask`; noise ignores it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final, final

import numpy as np

from robust_xtreme import graphemes, registry
from robust_xtreme.edits import SpanTable, Trace, apply, batch, span_table, traces
from robust_xtreme.errors import Mismatch, SpecError
from robust_xtreme.examples import Answers, Example, Span, Text
from robust_xtreme.noise.engine._edit_counts import EditCounts, count, join, total
from robust_xtreme.noise.engine._letters import OPERATORS, Letters, Proposal
from robust_xtreme.noise.engine.ask import Ask
from robust_xtreme.noise.engine.perturbation import Bound, Job, Perturbation, bind, letters
from robust_xtreme.randomness import salt, text_keys
from robust_xtreme.specs import PerturbationSpec

__all__ = [
    "OPERATORS",
    "Ask",
    "Bound",
    "Job",
    "Letters",
    "Noised",
    "Perturbation",
    "Proposal",
    "asks",
    "bind",
    "bound",
    "letters",
    "noise_example",
    "noise_texts",
    "noise_values",
    "noise_with",
    "perturb",
]

_CHUNK: Final = 1 << 17


@final
@dataclass(frozen=True, slots=True)
class Noised:
    """One text under one condition: the noisy text, its edit counts, and the mapping to the clean text.

    `status` is `ok`, `unchanged` (no edit fell on it) or `not_applicable` (the perturbation does not serve its
    language). `eligible` counts the units that could have been changed, `edits` the accepted ones by operator,
    `graphemes` and `words` those of the clean text, `graphemes_edited` the changed and inserted clusters (a swap is
    two, a doubling one). A word is a run of clusters without white space, whatever the script: in a language written
    without spaces that is a whole phrase. In a chain the counts of its links are summed.
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
        for span, moved in zip(self.clean.spans, self.text.spans, strict=True):
            if (moved.start, moved.stop) == (start, stop):
                return span.start, span.stop
        for trace in reversed(self.traces):
            start, stop = trace.to_clean(start, stop)
        return start, stop

    def to_noisy(self, start: int, stop: int) -> tuple[int, int]:
        """The half-open range of the noisy value that a range of the clean value became."""
        for span, moved in zip(self.clean.spans, self.text.spans, strict=True):
            if (span.start, span.stop) == (start, stop):
                return moved.start, moved.stop
        for trace in self.traces:
            start, stop = trace.to_noisy(start, stop)
        return start, stop


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
    again = (str(nth),) if nth else ()
    common = salt(str(seed), *link.shape(), *again)
    chunks = ((values[a:b], ids[a:b], spans.of(a, b)) for a, b in _chunks(values))
    return join([_chunk(*chunk, common, language, link, ask) for chunk in chunks])


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
    edits, eligible = link.perturbation.edit(Job(clean, language, keys, link.strength, link.params, ids, ask))
    moved = apply(clean, edits)
    return count(clean, edits, moved, eligible, len(link.perturbation.operators))


def _chunks(values: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Ranges of consecutive texts, about equally long, whose arrays fit into a core's cache."""
    total = sum(map(len, values)) + len(values)
    parts = round(total / _CHUNK)
    if parts < 2:
        return iter([(0, len(values))])
    ends = np.cumsum(np.fromiter(map(len, values), np.int64, len(values)) + 1)
    cuts = np.flatnonzero(np.diff((ends - 1) * parts // total)) + 1
    return pairwise([0, *cuts.tolist(), len(values)])


def noise_texts(texts: Sequence[Text], spec: PerturbationSpec, seed: int, ask: Ask | None = None) -> list[Noised]:
    """Each text after the condition of a spec with one strength; a text id that occurs twice is noised once.

    Raises UnknownName, SpecError, and Mismatch where two different texts have one id.
    """
    return noise_with(bound(spec), texts, seed, ask)


def noise_with(links: Sequence[Bound], texts: Sequence[Text], seed: int, ask: Ask | None = None) -> list[Noised]:
    """The same for a chain of perturbations. Raises SpecError where one queries the model and `ask` is None."""
    if ask is None and (asking := [link.perturbation.name for link in links if link.perturbation.asks]):
        raise SpecError(f"{asking[0]} asks a model, so it is a perturbation of robust-xtreme eval alone.")
    unique = _unique(texts)
    done: dict[str, Noised] = {}
    for language in dict.fromkeys(text.language for text in unique.values()):
        alike = [text for text in unique.values() if text.language == language]
        served = all(link.perturbation.serves(language) for link in links)
        noised = _noised(links, alike, language, seed, ask) if served else map(_untouched, alike)
        done.update(zip((text.id for text in alike), noised, strict=True))
    return [done[text.id] for text in texts]


def _unique(texts: Sequence[Text]) -> dict[str, Text]:
    unique: dict[str, Text] = {}
    for text in texts:
        if unique.setdefault(text.id, text) != text:
            raise Mismatch(f"Two different texts have the id {text.id!r}; noise follows the id, so it must be unique.")
    return unique


def _untouched(text: Text) -> Noised:
    clusters = len(graphemes.split(text.value))
    return Noised(text, text, "not_applicable", 0, {}, clusters, 0, len(text.value.split()), 0)


def _noised(
    links: Sequence[Bound], texts: Sequence[Text], language: str, seed: int, ask: Ask | None
) -> Iterator[Noised]:
    values, spans = [text.value for text in texts], span_table([text.spans for text in texts])
    ids = [text.id for text in texts]
    steps: list[EditCounts] = []
    trails: list[tuple[Trace, ...]] = [()] * len(texts)
    for number, link in enumerate(links):
        nth = sum(other.shape() == link.shape() for other in links[:number])
        edit_counts = noise_values(values, ids, spans, language, link, seed, nth, ask)
        trails = [(*trail, trace) for trail, trace in zip(trails, traces(spans, edit_counts.moved), strict=True)]
        values, spans = edit_counts.moved.values, edit_counts.moved.spans
        steps.append(edit_counts)
    yield from _views(links, texts, steps, trails)


def _views(
    links: Sequence[Bound], texts: Sequence[Text], steps: Sequence[EditCounts], trails: Sequence[tuple[Trace, ...]]
) -> Iterator[Noised]:
    """The texts of the last step as objects, with the counts of all steps."""
    counts = total([link.perturbation.operators for link in links], steps)
    values, spans = steps[-1].moved.values, steps[-1].moved.spans
    starts, stops = iter(spans.start.tolist()), iter(spans.stop.tolist())
    for number, text in enumerate(texts):
        moved = tuple(Span(next(starts), next(stops), span.label, span.frozen) for span in text.spans)
        row = counts[number]
        status = "ok" if any(row.edits.values()) else "unchanged"
        yield Noised(text, Text(text.id, text.language, values[number], moved), status, *row, trails[number])


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
        target = Answers(tuple(_moved_span(context, span) for span in target.spans))
    return replace(example, texts=texts, target=target)


def _moved_span(noised: Noised, span: Span) -> Span:
    start, stop = noised.to_noisy(span.start, span.stop)
    return replace(span, start=start, stop=stop)
