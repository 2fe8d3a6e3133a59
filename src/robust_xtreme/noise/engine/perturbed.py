"""Examples with noised texts: as columns, and as objects, which are made where they are read."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import final, overload

import numpy as np

from robust_xtreme.core.edits import Array, SpanTable
from robust_xtreme.core.errors import Mismatch
from robust_xtreme.core.examples import Answers, Example, Text
from robust_xtreme.core.target_columns import Ranges, TargetColumn
from robust_xtreme.noise.engine.noised import Noised, NoisedTexts
from robust_xtreme.noise.engine.traces import taken

_CONTEXT = "context"


@final
@dataclass(frozen=True, slots=True, eq=False)
class FieldTexts:
    """The distinct texts of some fields of n examples, by id in the order in which they occur.

    `numbers` has for each field the number of the text (n,) of each example; -1 where an example does not have it.
    """

    texts: tuple[Text, ...]
    numbers: Mapping[str, Array]


def field_texts(examples: Sequence[Example], fields: Collection[str] = ()) -> FieldTexts:
    """The texts of some fields of examples; without `fields`, of all. Raises Mismatch where an id is not unique."""
    known: dict[str, int] = {}
    texts: list[Text] = []
    names = fields or dict.fromkeys(name for example in examples for name in example.texts)
    numbers: dict[str, list[int]] = {name: [] for name in names}
    for example in examples:
        for name in names:
            text = example.texts.get(name)
            numbers[name].append(-1 if text is None else known.setdefault(text.id, len(known)))
            if text is not None:
                _check(texts, numbers[name][-1], text)
    return FieldTexts(tuple(texts), {name: np.array(rows, np.int64) for name, rows in numbers.items()})


def _check(texts: list[Text], number: int, text: Text) -> None:
    """Add a text that is new; raise Mismatch where one with its id is another."""
    if number == len(texts):
        texts.append(text)
    elif texts[number] is not text and texts[number] != text:
        raise Mismatch(f"Two different texts have the id {text.id!r}; noise follows the id, so it must be unique.")


@final
@dataclass(frozen=True, slots=True, eq=False)
class PerturbedExamples(Sequence[Example]):
    """n clean examples with the noised texts of some fields, read like a sequence of Example.

    `numbers` has for each noised field the number in `noised` of each example's text; -1 where it does not have it.
    """

    clean: Sequence[Example]
    noised: NoisedTexts
    numbers: Mapping[str, Array]

    def __len__(self) -> int:
        return len(self.clean)

    @overload
    def __getitem__(self, index: int) -> Example: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Example]: ...
    def __getitem__(self, index: int | slice) -> Example | Sequence[Example]:
        if isinstance(index, slice):
            numbers = {name: column[index] for name, column in self.numbers.items()}
            return PerturbedExamples(self.clean[index], self.noised, numbers)
        rows = ((name, int(column[index])) for name, column in self.numbers.items())
        return _with(self.clean[index], {name: self.noised[number] for name, number in rows if number >= 0})

    def __iter__(self) -> Iterator[Example]:
        views = list(self.noised)
        columns = [column.tolist() for column in self.numbers.values()]
        for example, *row in zip(self.clean, *columns, strict=True):
            pairs = zip(self.numbers, row, strict=True)
            yield _with(example, {name: views[number] for name, number in pairs if number >= 0})

    def values(self, name: str) -> list[str | None]:
        """The value (n) of a noised field in each example; None where an example does not have it."""
        values = [*self.noised.values, None]
        return [values[number] for number in self.numbers[name].tolist()]

    def targets(self, clean: TargetColumn) -> TargetColumn:
        """The targets of the examples from those of the clean ones: answers move with the context, others stay."""
        if not isinstance(clean, Ranges) or _CONTEXT not in self.numbers:
            return clean
        texts = np.repeat(self.numbers[_CONTEXT], np.diff(clean.bounds))
        return Ranges(*self.noised.to_noisy(texts, (clean.start, clean.stop)), clean.bounds)

    def spans(self, name: str) -> SpanTable:
        """The spans of a noised field, which every example has."""
        return taken(self.noised.spans, self.numbers[name])


def noise_example(example: Example, noised: Mapping[str, Noised], fields: Collection[str]) -> Example:
    """The example with the texts of some fields replaced by noisy ones (by text id), and its answers moved.

    Id, cluster and fingerprint stay: they identify the clean example.
    """
    return _with(example, {name: noised[text.id] for name, text in example.texts.items() if name in fields})


def _with(example: Example, noised: Mapping[str, Noised]) -> Example:
    """The example with the texts of some fields replaced by noisy ones, by field."""
    texts = {name: noised[name].text if name in noised else text for name, text in example.texts.items()}
    target = example.target
    if isinstance(target, Answers) and _CONTEXT in noised:
        moved = [(span, *noised[_CONTEXT].to_noisy(span.start, span.stop)) for span in target.spans]
        target = Answers(tuple(replace(span, start=start, stop=stop) for span, start, stop in moved))
    return replace(example, texts=texts, target=target)
