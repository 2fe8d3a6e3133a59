"""What a perturbation is, and the decorator that makes one of a function that says which letters may change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, final

import numpy.typing as npt

from robust_xtreme import languages
from robust_xtreme.edits import Batch, Edits
from robust_xtreme.errors import SpecError
from robust_xtreme.noise._alphabet import alphabet
from robust_xtreme.noise._letters import OPERATORS, Letters, Proposal
from robust_xtreme.noise._letters import letters as page_of
from robust_xtreme.noise._select import decide
from robust_xtreme.specs import Link

Array = npt.NDArray[Any]
Params = Mapping[str, tuple[str, ...]]


@final
@dataclass(frozen=True, slots=True)
class Job:
    """One batch to be noised: texts of one language, their keys (t,) uint64, a strength, the chosen parameters."""

    batch: Batch
    language: str
    keys: Array
    strength: str
    params: Params


@final
@dataclass(frozen=True, slots=True)
class Perturbation:
    """A member of the registry: what changes, in which unit, by which operators, and which rules it waives by nature.

    `edit` gives the edits of a batch and the number of units of each text that could have been edited (t,). `strength`
    says in words what the strength is a share of; `parameters` holds, by name, the values that `@name=...` may list.
    A waiver is the name of a conformance rule that the perturbation exists to break.
    """

    name: str
    version: int
    summary: str
    kind: str
    unit: str
    strength: str
    operators: tuple[str, ...]
    edit: Callable[[Job], tuple[Edits, Array]]
    parameters: Params = field(default_factory=dict)
    waives: frozenset[str] = frozenset()
    serves: Callable[[str], bool] = lambda code: code in languages.ALL_LANGUAGES


@final
@dataclass(frozen=True, slots=True)
class Bound:
    """A perturbation with the strength and the parameters that a spec gives it; those not named keep all values."""

    perturbation: Perturbation
    strength: str
    params: Params

    def shape(self) -> tuple[str, ...]:
        """What the draws depend on beside seed, text and place: name, version and parameters, never the strength."""
        own = self.perturbation
        return own.name, str(own.version), *(f"{key}={','.join(self.params[key])}" for key in sorted(self.params))


def bind(perturbation: Perturbation, link: Link) -> Bound:
    """The perturbation with a link's strength and parameters. Raises SpecError where it has no such parameter."""
    params = dict(perturbation.parameters)
    for key, values in link.params:
        if key not in perturbation.parameters:
            raise SpecError(_no_parameter(perturbation, key))
        params[key] = _values(perturbation, key, values)
    return Bound(perturbation, link.strengths[0], params)


def _no_parameter(perturbation: Perturbation, key: str) -> str:
    known = ", ".join(f"@{name}=" for name in (*sorted(perturbation.parameters), "fields"))
    return f"{perturbation.name!r} has no parameter {key!r}; it has {known}. See: robust-xtreme list perturbations"


def _values(perturbation: Perturbation, key: str, text: str) -> tuple[str, ...]:
    known, wanted = perturbation.parameters[key], text.split(",")
    for value in wanted:
        if value not in known:
            raise SpecError(
                f"{perturbation.name!r} knows no {value!r} in '@{key}={text}'; it knows {', '.join(known)}, "
                f"as in {perturbation.name}:0.1@{key}={known[0]}"
            )
    return tuple(value for value in known if value in wanted)


_UNIT: Final = "grapheme cluster"
LetterNoise = Callable[..., Proposal]


def letters(*, strength: str, version: int = 1, **parameters: tuple[str, ...]) -> Callable[[LetterNoise], Perturbation]:
    """Make a perturbation of a function from the letters of a batch (and its parameters) to what may change there.

    The function is an array program, without draws; the engine selects, applies, moves spans and keeps the books. Its
    name is the perturbation's, the first line of its docstring the summary; `parameters` are the values to choose from.
    """

    def make(author: LetterNoise) -> Perturbation:
        def edit(job: Job) -> tuple[Edits, Array]:
            page: Letters = page_of(job.batch, alphabet(job.language))
            return decide(page, author(page, **job.params), job.keys, job.strength)

        summary = (author.__doc__ or "").strip().splitlines()[0]
        return Perturbation(author.__name__, version, summary, "letters", _UNIT, strength, OPERATORS, edit, parameters)

    return make
