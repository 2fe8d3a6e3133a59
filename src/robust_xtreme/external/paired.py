"""The paired items of a set: clean examples, their noisy forms, and what was done to each text."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple, final

from robust_xtreme.errors import DataError
from robust_xtreme.examples import Answers, Example, Span, Text
from robust_xtreme.external.pairing import Noisy, Pairing
from robust_xtreme.external.realised import realised
from robust_xtreme.external.stated import Steps, followed
from robust_xtreme.noise.engine.noised import Noised

_CONTEXT: Final = "context"
_SHOWN: Final = 40
_AWAY: Final = 10
"""How many characters an answer may be from where the edits, which a diff does not know for certain, move it."""


@final
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

    def of(self, ids: frozenset[str]) -> Paired:
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
        several = any(len(forms[text.id]) > 1 for text in example.texts.values())
        return (
            replace(example, texts={name: with_id(text, example) for name, text in example.texts.items()})
            if several
            else example
        )

    def with_id(text: Text, example: Example) -> Text:
        return replace(text, id=f"{text.id}@{example.id}") if len(forms[text.id]) > 1 else text

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
