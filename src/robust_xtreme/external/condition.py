"""Conditions, and what examples become under one: they stay clean, are drawn noise, or are those of a noisy set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, final

from robust_xtreme.examples import Example
from robust_xtreme.external.matched import matched
from robust_xtreme.external.paired import Paired
from robust_xtreme.noise.engine.noised import Noised
from robust_xtreme.noise.engine.noising import Ask, perturb
from robust_xtreme.specs import PerturbationSpec

CLEAN: Final = "clean"
CLEAN_SEED: Final = -1
KIND: Final = "external"
_FULL: Final = "1"


@final
@dataclass(frozen=True, slots=True)
class Condition:
    """A condition: clean, or one perturbation at one strength on named fields.

    `asks`: it queries the model; `in_suite`: a suite contains it, and it was not named itself. `given` is the noisy set
    whose items it has, or, with a `spec`, whose edits the perturbation matches in number.
    """

    name: str
    spec: PerturbationSpec | None = None
    seeds: tuple[int, ...] = (CLEAN_SEED,)
    asks: bool = False
    in_suite: bool = field(default=False, compare=False)
    given: Paired | None = field(default=None, compare=False)

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that are noised; none where the condition is clean."""
        if self.spec is None:
            return self.given.fields if self.given else ()
        return self.spec.fields

    def shown(
        self, examples: Sequence[Example], seed: int, ask: Ask | None = None
    ) -> tuple[tuple[Example, ...], Mapping[str, Noised]]:
        """The examples under the condition and a noise seed, and the outcome of each text by its id.

        Noise follows the id of a text, so that some of the examples are the same without the others.
        """
        match self.spec, self.given:
            case None, None:
                return _clean(examples)
            case None, Paired() as given:
                return given.shown(examples), given.noised
            case spec, Paired() as given if spec:
                return matched(given, examples, spec, seed)
            case spec, _ if spec:
                return perturb(examples, spec, seed, ask)
        raise AssertionError("a condition is clean, given or drawn")


def named(name: str, given: Paired | None = None) -> Condition:
    """The condition with this name; of a noisy set `given`, `external:SET`, or `SPEC@matched=SET` beside it.

    Raises SpecError.
    """
    if name == CLEAN:
        return Condition(CLEAN)
    if given is None:
        return Condition(name, PerturbationSpec.parse(name))
    if name == of_set(given.name):
        return Condition(name, given=given)
    spec = PerturbationSpec.parse(name.removesuffix(_suffix(given.name)))
    return Condition(name, at_full(spec).on(*given.fields), given=given)


def of_set(name: str) -> str:
    """The name of the condition that has the items of a noisy set."""
    return f"{KIND}:{name}"


def beside_set(spec: PerturbationSpec, name: str) -> str:
    """The name of the condition whose edits are as many in each text as those of a noisy set."""
    return f"{spec}{_suffix(name)}"


def _suffix(name: str) -> str:
    return f"@matched={name}"


def at_full(spec: PerturbationSpec) -> PerturbationSpec:
    """A perturbation without a strength at full strength."""
    return replace(spec, links=(replace(spec.links[0], strengths=(_FULL,)),))


def _clean(examples: Sequence[Example]) -> tuple[tuple[Example, ...], dict[str, Noised]]:
    """The examples unchanged."""
    texts = {text.id: text for example in examples for text in example.texts.values()}
    return tuple(examples), {
        name: Noised(text, text, "unchanged", 0, {}, 0, 0, len(text.value.split()), 0) for name, text in texts.items()
    }
