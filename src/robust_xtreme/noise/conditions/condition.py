"""Conditions, and what examples become under one: they stay clean, are drawn noise, or are those of a noisy set.

Frozen texts are those that an attack on another model left. A set is the texts of one attack condition of a run. It is
named by the attack, its victim and a hash of its edits, never by a path, so that a cell of another content has another
name.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from robust_xtreme.core.edits import Edit
from robust_xtreme.core.errors import Mismatch
from robust_xtreme.core.examples import Example
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.noise.conditions.paired import Paired, matched
from robust_xtreme.noise.engine.attack import first_move, is_recipe
from robust_xtreme.noise.engine.noised import (
    FieldTexts,
    NoisedTexts,
    PerturbedExamples,
    columns_of,
    field_texts,
    untouched,
)
from robust_xtreme.noise.engine.noising import noise_texts

CLEAN: Final = "clean"
CLEAN_SEED: Final = -1
KIND: Final = "external"
RANDOM: Final = "random"
"""The search that every other is compared with."""

LIKE: Final = "@like="
_FIELDS: Final = "@fields="
_MATCHED: Final = "@matched="
_FULL: Final = "1"


@dataclass(frozen=True, slots=True)
class Frozen:
    """The edits of an attack on the model `victim` in items of one task and language, by noise seed and example."""

    name: str
    attack: str
    victim: str
    fields: tuple[str, ...]
    edits: Mapping[tuple[int, str], tuple[Edit, ...]]
    fingerprints: Mapping[str, str]

    @property
    def seeds(self) -> tuple[int, ...]:
        """The noise seeds of the attack."""
        return tuple(sorted({seed for seed, _ in self.edits}))

    def of(self, example: Example, seed: int) -> Sequence[Edit]:
        """The edits of an example. Raises Mismatch where the set has none, or those of other content."""
        if example.id not in self.fingerprints:
            raise Mismatch(f"{self.name} has no text for {example.id}. Evaluate the items that were attacked.")
        if self.fingerprints[example.id] != example.fingerprint:
            raise Mismatch(f"{example.id} is not what it was when {self.attack} was run: the data are others.")
        ends: dict[str, int] = {}
        for edit in sorted(self.edits[seed, example.id]):
            text = example.texts.get(edit.field)
            if text is None or not 0 <= edit.start <= edit.stop <= len(text.value):
                raise Mismatch(f"{self.name}: an edit of {example.id} is outside of its text.")
            if edit.start < ends.get(edit.field, 0):
                raise Mismatch(f"{self.name}: edits of {example.id} overlap.")
            ends[edit.field] = edit.stop
        return self.edits[seed, example.id]


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition: clean, or one perturbation at one strength on named fields.

    `asks`: it is an attack, whose texts are made where a model answers; one that `matches` an attack, by its name,
    edits as many clusters of each text. `in_suite`: a suite contains it, and it was not named itself. `given` is the
    noisy set whose items it has, or, with a `spec`, whose edits the perturbation matches in number. A `frozen`
    one has the texts that an attack on another model left.
    """

    name: str
    spec: PerturbationSpec | None = None
    seeds: tuple[int, ...] = (CLEAN_SEED,)
    asks: bool = False
    matches: str = ""
    in_suite: bool = field(default=False, compare=False)
    given: Paired | None = field(default=None, compare=False)
    frozen: Frozen | None = field(default=None, compare=False)

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that are noised; none where the condition is clean."""
        named = self.spec or self.given or self.frozen
        return named.fields if named else ()

    @property
    def is_clean(self) -> bool:
        """Whether nothing is noised."""
        return self.spec is None and self.given is None and self.frozen is None

    def noised(self, clean: FieldTexts, seed: int) -> NoisedTexts:
        """The outcomes of the texts of the condition's fields (clean: of all fields) under a noise seed.

        Noise follows the id of a text, so that some of the examples are the same without the others.
        """
        if self.given and self.spec:
            return matched(self.given, clean.texts, self.spec, seed)
        if self.given:
            return columns_of([self.given.noised[text.id] for text in clean.texts])
        return noise_texts(clean.texts, self.spec, seed) if self.spec else untouched(clean.texts)

    def shown(self, examples: Sequence[Example], seed: int) -> PerturbedExamples:
        """The examples under the condition and a noise seed."""
        clean = field_texts(examples, self.fields)
        return PerturbedExamples(examples, self.noised(clean, seed), clean.numbers)


def named(name: str, given: Paired | None = None, attack: str = "") -> Condition:
    """The condition with this name; of a noisy set `given`, `external:SET`, or `SPEC@matched=SET` beside it.

    With an `attack`, by its name, it is this attack, or edits as many clusters of each text. Raises SpecError.
    """
    if name == CLEAN:
        return Condition(CLEAN)
    if attack not in ("", name):
        fields, move = PerturbationSpec.parse(attack).fields, name.removesuffix(likened(attack))
        return Condition(name, PerturbationSpec.parse(move).at(_FULL).on(*fields), matches=attack)
    if given is None:
        return Condition(name, PerturbationSpec.parse(name))
    if name == of_set(given.name):
        return Condition(name, given=given)
    spec = PerturbationSpec.parse(name.removesuffix(f"{_MATCHED}{given.name}"))
    return Condition(name, spec.at(_FULL).on(*given.fields), given=given)


def of_set(name: str) -> str:
    """The name of the condition that has the items of a noisy set."""
    return f"{KIND}:{name}"


def beside_set(spec: PerturbationSpec, name: str) -> str:
    """The name of the condition whose edits are as many in each text as those of a noisy set."""
    return f"{spec}{_MATCHED}{name}"


def beside_attack(cell: PerturbationSpec, seeds: tuple[int, ...]) -> tuple[Condition, ...]:
    """What an attack on named fields is compared with: random search by the same moves with as many queries, and one
    draw of a perturbation that edits as many clusters of each text. Recipes of TextAttack have no random search.
    """
    (link,) = cell.links
    drawn = replace(cell, links=(replace(link, params=tuple(sorted({**dict(link.params), "search": RANDOM}.items()))),))
    move = first_move(cell)
    beside = PerturbationSpec.parse(move).at(_FULL).on(*cell.fields)
    matched = Condition(f"{move}{likened(str(cell))}", beside, seeds, matches=str(cell))
    searched = Condition(str(drawn), drawn, seeds, asks=True)
    return (matched,) if drawn == cell or is_recipe(link.name) else (searched, matched)


def likened(attack: str) -> str:
    """How the name of a condition ends that edits as many clusters as an attack, by the attack's name."""
    link, _, fields = attack.rpartition(_FIELDS)
    return f"{LIKE}{link.replace('@', '/')}{_FIELDS}{fields}"


FROZEN_KIND: Final = "frozen"
FROZEN: Final = f"{FROZEN_KIND}:"
"""What the names of these conditions begin with."""
