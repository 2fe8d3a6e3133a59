"""The paired items of a set: clean examples, their noisy forms, and what was done to each text."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, final

from robust_xtreme.errors import DataError
from robust_xtreme.examples import Answers, Example, Span, Text
from robust_xtreme.external.pairing import Noisy, Pairing
from robust_xtreme.external.realised import realised
from robust_xtreme.noise.engine.noising import Noised, noise_example

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

    def shown(self, examples: Sequence[Example]) -> tuple[Example, ...]:
        """The noisy forms of some of its examples."""
        return tuple(noise_example(example, self.noised, self.fields) for example in examples)


def pair_up(name: str, clean: Sequence[Example], noisy: Noisy, pairing: Pairing) -> Paired:
    """The items of a pairing. Raises DataError for an answer that is in another part of its text."""
    pairs = _with_own_ids([(clean[before], noisy.examples[after]) for before, after in pairing.pairs])
    noised = _noised(pairs)
    for (before, after), (_, number) in zip(pairs, pairing.pairs, strict=True):
        _check_answers(before, after, noisy.locations[number])
    examples = tuple(before for before, _ in pairs)
    edited = {field for it in examples for field, text in it.texts.items() if noised[text.id].status == "ok"}
    every = tuple(dict.fromkeys(field for example in examples for field in example.texts))
    return Paired(name, pairing, examples, noised, tuple(field for field in every if field in edited) or every)


def _with_own_ids(pairs: Sequence[tuple[Example, Example]]) -> list[tuple[Example, Example]]:
    """The pairs, where each text that has several noisy forms has an id of its own in each example."""
    forms: defaultdict[str, set[str]] = defaultdict(set)
    for before, after in pairs:
        for field, text in before.texts.items():
            forms[text.id].add(after.texts[field].value)

    def renamed(example: Example) -> Example:
        several = any(len(forms[text.id]) > 1 for text in example.texts.values())
        return (
            replace(example, texts={name: with_id(text, example) for name, text in example.texts.items()})
            if several
            else example
        )

    def with_id(text: Text, example: Example) -> Text:
        return replace(text, id=f"{text.id}@{example.id}") if len(forms[text.id]) > 1 else text

    return [(renamed(before), after) for before, after in pairs]


Bounds = dict[tuple[int, int], Span]


def _noised(pairs: Sequence[tuple[Example, Example]]) -> dict[str, Noised]:
    """The outcome of each text, by its id."""
    texts: dict[str, tuple[Text, str]] = {}
    bounds: defaultdict[str, Bounds] = defaultdict(dict)
    for before, after in pairs:
        for field, text in before.texts.items():
            texts[text.id] = text, after.texts[field].value
            bounds[text.id] |= {(was.start, was.stop): now for was, now in _spans(before, after, field)}
    return {id: realised(text, value, _moved(text, value, bounds[id])) for id, (text, value) in texts.items()}


def _spans(before: Example, after: Example, field: str) -> Iterable[tuple[Span, Span]]:
    """The spans of a clean text, each with where the noisy file has it: answers of the example, or words."""
    if isinstance(before.target, Answers) and isinstance(after.target, Answers):
        return zip(before.target.spans, after.target.spans, strict=True) if field == "context" else ()
    was, now = before.texts[field].spans, after.texts[field].spans
    return zip(was, now, strict=True) if len(was) == len(now) else ()


def _moved(text: Text, value: str, bounds: Bounds) -> list[Span]:
    """Where the spans of a clean text are in a noisy one; the edits say where the file does not."""
    if all((span.start, span.stop) in bounds for span in text.spans):
        return [bounds[span.start, span.stop] for span in text.spans]
    bare = realised(replace(text, spans=()), value, ())
    return [bounds.get((span.start, span.stop)) or Span(*bare.to_noisy(span.start, span.stop)) for span in text.spans]


def _check_answers(before: Example, after: Example, location: str) -> None:
    """Raise DataError for an answer that is not where the edits move the clean one, or not near that."""
    if not (isinstance(before.target, Answers) and isinstance(after.target, Answers)):
        return
    context, noisy = before.texts["context"], after.texts["context"]
    edits = realised(replace(context, spans=()), noisy.value, ())
    for was, now in zip(before.target.spans, after.target.spans, strict=True):
        away = abs(edits.to_noisy(was.start, was.stop)[0] - now.start)
        room = _AWAY + was.stop - was.start if edits.status == "ok" else 0
        if away > room or (not room and now.stop != was.stop):
            answers = f"{noisy.at(now)[:_SHOWN]!r}, which is {context.at(was)[:_SHOWN]!r} in {before.id}"
            raise DataError(location, f"has the answer {answers}, or is in another part of its text.")
