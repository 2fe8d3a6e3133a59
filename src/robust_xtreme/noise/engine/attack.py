"""Declares attacks: a search, by queries to a model, for the edits of perturbations with which it answers worst.

A member names the perturbation whose edits are the moves; `robust_xtreme.attack` runs it, where a model answers:

    attack_keys = attack("attack_keys", "the typing errors on the language's keyboard", move="keyboard_typo")

The strength is the largest share of words that may change, at most one edit a word.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from robust_xtreme.core import registry
from robust_xtreme.core.errors import SpecError
from robust_xtreme.core.examples import KINDS
from robust_xtreme.core.specs import Link, PerturbationSpec, canonical_strength
from robust_xtreme.noise.engine.perturbation import Bound, Job, Params, Perturbation, defaults, of_known
from robust_xtreme.noise.engine.rewriter import OPERATORS, WAIVES

KIND: Final = "attack"
LIBRARY: Final = "textattack."
"""What the names of recipes begin with."""

ACCESS: Final = ("scores", "labels")
RANKINGS: Final = ("unk", "delete")
RISKS: Final = ("keep", "allow")
SEARCH: Final = "adaptive"
_SHARE: Final = r"[0-9]{0,3}\.?[0-9]{1,6}"
_NUMBERS: Final[Mapping[str, tuple[str, float, str, str]]] = {
    "queries": ("[0-9]{1,6}", 100_000, "a whole number from 0 to 100,000", "200"),
    "max_graphemes": (f"(?=.*[1-9]){_SHARE}", 1, "a share above 0 and up to 1", "0.02"),
    "chrf": (r"[0-9]{1,3}(\.[0-9]{1,3})?", 100, "a number from 0 to 100", "60"),
    "similar": (_SHARE, 1, "a number from 0 to 1", "0.5"),
}
"""How the numbers of a spec are written, how large they are at most, what they are in words, and an example."""

_LABELS: Final = "classification"
_STRENGTH: Final = "largest share of words that may change (clusters where no spaces are written)"


@dataclass(frozen=True, slots=True)
class Settings:
    """What a spec chooses of an attack.

    At most `queries` for each example; `search` is the name of a search. With `max_graphemes`, a canonical decimal, at
    most that share of graphemes changes. `access` is what the model tells, of ACCESS. `target` is the
    label that an answer shall have ("": any but the gold one). `ranking` hides a word by [UNK] (unk) or deletes it.
    Unless it `allows_risk`, numbers and negators stay as they are. `chrf` is the least chrF of a text, in percent,
    `similar` its least similarity by the vectors of the model, from 0 (any) to 1.
    """

    queries: int
    search: str
    max_graphemes: str | None
    access: str
    target: str
    ranking: str
    allows_risk: bool = False
    chrf: float | None = None
    similar: float = 0.0

    @property
    def graded(self) -> bool:
        """Whether answers have scores."""
        return self.access != ACCESS[1]


def attack(name: str, what: str, move: str) -> Perturbation:
    """An attack that searches for `what`, the edits of a perturbation `move`; it serves what that one serves."""
    member = registry.load("perturbation", move)
    as_moved = ("operators", "lacks", "packs", "waives", "refuses", "free")
    return _declared(
        name=name,
        summary=f"Search for {what} with which a model answers worst.",
        settings={"queries": ("200",), "max_graphemes": ("",), "target": ("",), "chrf": ("",), "similar": ("0",)},
        choices={"search": _searches, "access": lambda: ACCESS, "ranking": lambda: RANKINGS, "risk": lambda: RISKS},
        moves=(move,),
        **{field: getattr(member, field) for field in as_moved},
    )


def recipe(name: str, summary: str, lacks: Callable[[str], str], beside: str) -> Perturbation:
    """A recipe of TextAttack, for tasks with labels, and the perturbation `beside` that it is compared with."""
    return _declared(
        name=LIBRARY + name,
        summary=summary,
        operators=OPERATORS,
        settings={"queries": ("200",)},
        lacks=of_known(lacks),
        waives=WAIVES,
        refuses=tuple(sorted(kind.name for kind in KINDS if kind.name != _LABELS)),
        moves=(beside,),
    )


def is_recipe(name: str) -> bool:
    """Whether an attack is a recipe of TextAttack, by its name."""
    return name.startswith(LIBRARY)


def _declared(**fields: Any) -> Perturbation:
    """A perturbation with what all attacks have in common."""
    return Perturbation(version=1, kind=KIND, unit="word", strength=_STRENGTH, edit=_never, check=_check, **fields)


def _never(_: Job) -> NoReturn:
    raise AssertionError("an attack is run where a model answers")


def _searches() -> tuple[str, ...]:
    """The names of the searches, the default first."""
    return (SEARCH, *(name for name in registry.names("search") if name != SEARCH))


def _check(params: Params) -> None:
    """Raise SpecError where a number is not one; an empty one is left out."""
    for name in (name for name in _NUMBERS if name in params):
        (value,), (written, most, what, example) = params[name], _NUMBERS[name]
        optional = not value and name in ("max_graphemes", "chrf")
        if not optional and (not re.fullmatch(written, value) or float(value) > most):
            raise SpecError(f"@{name}={value[:40]} is not {what}, as in @{name}={example}")


def settings_of(link: Bound) -> Settings:
    """What a spec chooses of an attack; a recipe has its own search, and lets no choice but the queries."""
    value: Mapping[str, str] = {key: values[0] for key, values in link.params.items()}
    if is_recipe(link.perturbation.name):
        return Settings(int(value["queries"]), link.perturbation.name, None, ACCESS[0], "", RANKINGS[0])
    share = canonical_strength(value["max_graphemes"]) if value["max_graphemes"] else None
    chosen = (value["search"], share, value["access"], value["target"], value["ranking"])
    chrf = float(value["chrf"]) if value["chrf"] else None
    return Settings(int(value["queries"]), *chosen, value["risk"] == RISKS[1], chrf, float(value["similar"]))


def moves_of(link: Bound) -> tuple[Bound, ...]:
    """The perturbations whose edits an attack searches, at full strength, with the folders that it names."""
    members = (registry.load("perturbation", name) for name in link.perturbation.moves)
    chosen = ((member, defaults(member) | {name: link.params[name] for name in member.free}) for member in members)
    return tuple(Bound(member, "1", params, keeps_names=link.keeps_names) for member, params in chosen)


def first_move(cell: PerturbationSpec) -> str:
    """The first perturbation whose edits an attack searches, without a strength, with the folders that it names."""
    member = registry.load("perturbation", registry.load("perturbation", cell.name).moves[0])
    return str(Link(member.name, params=tuple(pair for pair in cell.links[0].params if pair[0] in member.free)))
