"""The texts that an attack left, written into the file of the task that was attacked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

from robust_xtreme.core.errors import Mismatch, MissingData, UserError
from robust_xtreme.core.examples import Example
from robust_xtreme.exchange.perturbing.noised import lead_of
from robust_xtreme.exchange.perturbing.of_task import TaskChoice
from robust_xtreme.noise.conditions.frozen import Edit, Frozen
from robust_xtreme.noise.engine.noised import Noised
from robust_xtreme.noise.engine.noising import Bound
from robust_xtreme.noise.engine.options import with_edits
from robust_xtreme.tasks.formats import Record, Slot, SlotResult
from robust_xtreme.tasks.noisy.frozen_runs import read_frozen


@final
@dataclass(frozen=True, slots=True)
class AttackedTexts:
    """What an attack left of the texts of a file, by their location and field; texts of other items stay."""

    texts: Mapping[tuple[str, str], Noised]
    links: Sequence[Bound] = ()

    def batch(self, records: Sequence[Record], path: str) -> list[tuple[SlotResult, ...]]:
        """The results for the texts of some records."""
        return [tuple(self._done(slot, path) for slot in record.slots) for record in records]

    def _done(self, slot: Slot, path: str) -> SlotResult:
        noised = self.texts.get((slot.location, slot.field))
        return SlotResult(slot, noised, lead_of(slot, noised.clean, path)) if noised else SlotResult(slot)


@final
@dataclass(frozen=True, slots=True)
class NamedAttack:
    """The attack that `RUN=ATTACK` names, its noise seed, and its fields (empty: those that it has)."""

    given: str
    seed: int
    fields: tuple[str, ...]


def chosen(attack: NamedAttack, asked: TaskChoice, split: str) -> Frozen:
    """The texts that an attack left on a task, split and language.

    Raises MissingData where there are none, UserError where there are several.
    """
    given, seed = attack.given, attack.seed
    language, _, context = asked.language.partition("@")
    every = read_frozen((given,)).get((asked.task.name, split, language, context or language), [])
    sets = [each for each in every if attack.fields in ((), each.fields)]
    if not sets:
        raise MissingData(f"--frozen {given}: {asked.task.name} {split} in {asked.language} was not attacked.")
    if len(sets) > 1:
        names = ", ".join(each.attack for each in sets)
        raise UserError(f"--frozen {given}: a file is of one attack, RUN=ATTACK. Name it, of {names}")
    (frozen,) = sets
    if seed not in frozen.seeds:
        raise MissingData(f"--seed {seed}: {frozen.attack} was run with the seeds {', '.join(map(str, frozen.seeds))}.")
    return frozen


def left(
    frozen: Frozen, rows: Sequence[tuple[str, Example]], seed: int, called: Mapping[str, str], once: str
) -> AttackedTexts:
    """The texts of a file's examples, each with its location, after an attack; `called` names fields in the file.

    `once` is a field whose text a file has once for several examples. Raises Mismatch where they differ in it after
    the attack, and for items of other content.
    """
    attacked = [(location, example) for location, example in rows if example.id in frozen.fingerprints]
    edits = [frozen.of(example, seed) for _, example in attacked]
    shown = with_edits([example for _, example in attacked], frozen.fields, edits)
    if once in shown.numbers:
        _check_once(once, rows, {example.id: tuple(each) for (_, example), each in zip(attacked, edits, strict=True)})
    texts: dict[tuple[str, str], Noised] = {}
    for name, numbers in shown.numbers.items():
        for (location, _), number in zip(attacked, numbers.tolist(), strict=True):
            if number >= 0:
                texts[location, called[name]] = shown.noised[number]
    return AttackedTexts(texts)


def _check_once(field: str, rows: Sequence[tuple[str, Example]], edits: Mapping[str, tuple[Edit, ...]]) -> None:
    """Raise Mismatch where examples with the same text of a field differ in its edits, or only some were attacked."""
    first: dict[str, tuple[Edit, ...]] = {}
    for _, example in rows:
        text = example.texts[field].id
        if first.setdefault(text, edits.get(example.id, ())) != edits.get(example.id, ()):
            what = f"The questions on one {field} left it in several forms ({text}), and a file has it once"
            raise Mismatch(f"{what}. `robust-xtreme eval --frozen` reads each of them.")
