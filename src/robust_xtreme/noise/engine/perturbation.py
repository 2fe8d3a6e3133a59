"""Defines perturbations: what a member declares, and what a spec chooses of it."""

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, NamedTuple, TypedDict

from robust_xtreme.core import languages
from robust_xtreme.core.edits import Array, Batch, Edits
from robust_xtreme.core.errors import SpecError
from robust_xtreme.core.randomness import chosen, salt
from robust_xtreme.core.specs import Link

Params = Mapping[str, tuple[str, ...]]

_NAMED: Final = 8
_NEAR: Final = 0.5
_RATE: Final = re.compile(r"[0-9]{1,3}(\.[0-9]{1,3})?")


class Slips(NamedTuple):
    """How errors in letters lie: `first`, how often a word's first letter is edited, relative to the mean letter.

    `together` is how many letters are edited in a word that has errors, on average, where few words have any; 0: no
    more than chance puts there. A letter of a word of n letters is edited in proportion to n ** -`short`, which is the
    same for 1 to 3: with 0 all letters are equally likely, with 1 nearly all words.
    """

    first: float
    together: float = 0.0
    short: float = 0.0


@dataclass(frozen=True, slots=True)
class Job:
    """One batch to be noised: texts of one language, their keys (t,) uint64, a strength, the chosen parameters.

    With `slips` errors of keys lie as those of hands do, few in first letters and several in a word.
    """

    batch: Batch
    language: str
    keys: Array
    strength: str
    params: Params
    slips: Slips | None = None
    known: dict[object, Any] = field(default_factory=dict)

    def once(self, function: Callable[..., Any], *args: object) -> Any:
        """What a function makes of some objects, once for all parts of a mixture; it may not be changed."""
        key = function, *map(id, args)
        made = self.known[key] = self.known.get(key) or (function(*args), args)  # args stay, so that ids do
        return made[0]


class EditPlan(NamedTuple):
    """Of each text eligible and all units (t,), the draws of all (u,), and of chosen ones (u,) edits and draws (k,)."""

    eligible: Array
    draws: Array
    many: Array
    edits: Callable[[Array], tuple[Edits, Array]]

    def at(self, strength: str) -> tuple[Edits, Array]:
        """The edits of a strength, and the eligible units."""
        return self.edits(chosen(self.draws, strength))[0], self.eligible


def known_language(code: str) -> str:
    """Why a perturbation that needs an alphabet only does not serve a language; "" if it does."""
    return "" if code in languages.ALL_LANGUAGES else "unknown language"


def of_known(lacks: Callable[..., str]) -> Callable[..., str]:
    """Why languages are not served, as `lacks` says of known ones."""
    return lambda code, *params: known_language(code) or lacks(code, *params)


@dataclass(frozen=True, slots=True)
class Perturbation:
    """A member of the registry: what changes, in which unit, by which operators, and which rules it waives by nature.

    `edit` gives the edits of a batch and the number of eligible units of each text (t,), `plan` both for a part of
    a mixture. `strength` says in words what the strength is a share of. `parameters` contains, by name, the values
    that `@name=...` may list, `choices` those of which it names one (the first by default), `rates` the operators'
    relative rates, set by `@name=number`; `free` names those that take any value (a folder), which a spec must
    name. A waiver is the name of a conformance rule that the perturbation breaks on purpose. `lacks` gives the
    reason why a language is not served ("" if it is), `packs` the packs that serve it, as `kind/name`; `refuses`
    names the tasks, and families of tasks, in which it has no meaning. `lacks_with` gives that reason for
    parameters that a spec chooses, where it depends on them (None: it does not). `thin` gives the reason why suites
    leave a language out that is served ("" if they do not). `check` raises SpecError where the parameters chosen do
    not fit together. A choice that ends in `:ID` takes any text after the colon, which `check` checks. `settings`
    are parameters that take any value, by name with their default; `check` checks them. An attack has `moves`, the
    perturbations whose edits it searches; it makes none where no model is asked. One that knows clean texts alone
    is `first` in a chain. `whole` says whether parameters ask for whole fields to be replaced, which a spec has to
    name where a task noises several at once.
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
    lacks: Callable[[str], str] = known_language
    lacks_with: Callable[[str, Params], str] | None = None
    packs: Callable[[str], tuple[str, ...]] = lambda _: ()
    refuses: tuple[str, ...] = ()
    thin: Callable[[str], str] = lambda _: ""
    rates: Mapping[str, str] = field(default_factory=dict)
    choices: Mapping[str, Callable[[], tuple[str, ...]]] = field(default_factory=dict)
    free: tuple[str, ...] = ()
    settings: Params = field(default_factory=dict)
    moves: tuple[str, ...] = ()
    first: bool = False
    whole: Callable[[Params], bool] = lambda _: False
    plan: Callable[[Job], EditPlan] | None = None
    check: Callable[[Params], None] = lambda _: None

    def serves(self, code: str) -> bool:
        """Whether a language is served."""
        return not self.lacks(code)


class Declared(TypedDict, total=False):
    """The fields of Perturbation that every member may declare, whatever its kind; each has a default."""

    version: int
    lacks: Callable[[str], str]
    lacks_with: Callable[[str, Params], str] | None
    packs: Callable[[str], tuple[str, ...]]
    waives: frozenset[str]
    refuses: tuple[str, ...]
    thin: Callable[[str], str]


def alphabet_pack(code: str) -> tuple[str, ...]:
    """The packs of a perturbation that reads a language's alphabet only."""
    return (f"alphabets/{code}",)


def member(
    author: Callable[..., Any],
    kind: str,
    unit: str,
    strength: str,
    operators: tuple[str, ...],
    edit: Callable[[Job], tuple[Edits, Array]] | None = None,
    **fields: Any,
) -> Perturbation:
    """The perturbation of an author's function: its name, and as summary the first line of its docstring.

    Without `edit` the function itself gives the edits of a batch.
    An unknown language is not served, so that `lacks` and `lacks_with` are asked about known ones only.
    """
    summary = (author.__doc__ or "").strip().splitlines()[0]
    reasons = {key: of_known(fields[key]) for key in ("lacks", "lacks_with") if fields.get(key)}
    fields = {"name": author.__name__, "version": 1, **fields, **reasons}
    fields |= {"summary": summary, "edit": edit or author}
    return Perturbation(kind=kind, unit=unit, strength=strength, operators=operators, **fields)


NAMES: Final = "names"
"""The parameter of every perturbation about words that are tagged as names: with `@names=keep` they stay."""

KEEP: Final = "keep"


@dataclass(frozen=True, slots=True)
class Bound:
    """A perturbation with the strength and the parameters that a spec gives it; those not named keep their defaults.

    With an `axis` the strength is a realised one (`noise/engine/realised.py`). With `keeps_names` words that are tagged
    as names stay. Draws do not depend on it: the edits are those of the same condition without it, but for names.
    """

    perturbation: Perturbation
    strength: str
    params: Params
    axis: str = ""
    keeps_names: bool = False

    def edits(self, batch: Batch, language: str, keys: Array) -> tuple[Edits, Array]:
        """The edits of a batch, and the number of eligible units of each text (t,)."""
        return self.perturbation.edit(Job(batch, language, keys, self.strength, self.params))

    def lacks(self, code: str) -> str:
        """Why a language is not served with these parameters; "" if it is."""
        reason = self.perturbation.lacks_with
        return reason(code, self.params) if reason else self.perturbation.lacks(code)

    def shape(self) -> tuple[str, ...]:
        """What draws depend on besides seed, text and position: not the strength, nor a free parameter, as a folder."""
        member = self.perturbation
        keys = sorted(self.params.keys() - set(member.free))
        return member.name, str(member.version), *(f"{key}={','.join(self.params[key])}" for key in keys)

    def salt(self, seed: int, nth: int = 0) -> int:
        """The hash that the draws of all texts share; `nth` counts the earlier links of a chain with the same shape."""
        again = (str(nth),) if nth else ()
        return salt(str(seed), *self.shape(), *again)


def earlier(links: Sequence[Bound], number: int) -> int:
    """How many links of a chain before that one have its shape, so that they do not share draws."""
    return sum(link.shape() == links[number].shape() for link in links[:number])


def defaults(perturbation: Perturbation) -> dict[str, tuple[str, ...]]:
    """The values of all parameters that a spec does not set."""
    chosen = {name: known()[:1] for name, known in perturbation.choices.items()}
    rates = {name: (rate,) for name, rate in perturbation.rates.items()}
    return {**perturbation.parameters, **perturbation.settings, **chosen, **rates}


def bind(perturbation: Perturbation, link: Link) -> Bound:
    """The perturbation with a link's strength and parameters. Raises SpecError for a parameter or value it has not."""
    params = defaults(perturbation)
    keeps_names = (NAMES, KEEP) in link.params
    for key, values in link.params:
        if key == NAMES and key not in params:
            if values != KEEP:
                raise SpecError(f"{link.name!r} knows no {values[:40]!r} in '@names='; it knows {KEEP}: @names={KEEP}")
            continue
        if key not in params and key not in perturbation.free:
            known = ", ".join(f"@{name}=" for name in (*sorted({*params, *perturbation.free}), "fields"))
            what = f"{perturbation.name!r} has no parameter {key!r}; it has {known}."
            raise SpecError(f"{what} See: robust-xtreme list perturbations")
        open_value = key in perturbation.free or key in perturbation.settings
        params[key] = (values,) if open_value else _values(perturbation, key, values)
    if missing := [key for key in perturbation.free if key not in params]:
        needed = "".join(f"@{key}=..." for key in missing)
        raise SpecError(f"{perturbation.name!r} has no default for {missing[0]!r}: write {link}{needed}")
    if perturbation.rates and not any(Decimal(params[name][0]) for name in perturbation.rates):
        raise SpecError(f"In '{link}' every rate is 0, so that {perturbation.name!r} could do nothing.")
    perturbation.check(params)
    return Bound(perturbation, link.strengths[0], params, link.axis, keeps_names)


def _values(perturbation: Perturbation, key: str, text: str) -> tuple[str, ...]:
    """The values of a parameter in the order of the known ones; a rate as a canonical decimal."""
    if key in perturbation.rates:
        if not _RATE.fullmatch(text):
            raise SpecError(
                f"In '@{key}={text[:40]}' the rate must be a number from 0 to below 1000 with at most three decimals, "
                f"as in {perturbation.name}:0.1@{key}={perturbation.rates[key]}"
            )
        return (format(Decimal(text).normalize(), "f") if Decimal(text) else "0",)
    single = key in perturbation.choices
    known = perturbation.choices[key]() if single else perturbation.parameters[key]
    wanted = [text] if single else text.split(",")
    for value in wanted:
        # A choice that ends in `:ID` takes any text after the colon.
        head, colon, _ = value.partition(":")
        if value not in known and not (single and colon and f"{head}:ID" in known):
            raise SpecError(_no_value(perturbation, f"@{key}={text}", value, known))
    return tuple(wanted) if single else tuple(value for value in known if value in wanted)


def _no_value(perturbation: Perturbation, option: str, value: str, known: Sequence[str]) -> str:
    """The message with the values of a parameter: all of them if they are few, else the nearest and the default."""
    message = f"{perturbation.name!r} knows no {value[:40]!r} in {option[:60]!r}"
    if len(known) <= _NAMED:
        example = f"{perturbation.name}:0.1{option.partition('=')[0]}={known[0]}"
        return f"{message}; it knows {', '.join(known)}, as in {example}"
    near = difflib.get_close_matches(value, known, n=_NAMED - 1, cutoff=_NEAR)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    named = tuple(dict.fromkeys((*near, *known)))[:_NAMED]
    return (
        f"{message}.{hint} It knows {', '.join(named)} and {len(known) - len(named)} others. "
        "See: robust-xtreme list perturbations --json"
    )
