"""A policy: how far a score may fall, what is tested, what fails, and which regressions are accepted until when.

margin = 2.0            # points; a cell is ok where the drop is shown to be smaller
equivalent = 1.0        # in its place: ok where drop and rise are shown to be smaller; a rise that is shown fails, too
alpha = 0.05            # half of it for the tasks, half for the cells; half of each for an anchor, if there is one
undecided = "warn"      # or fail, pass
missing = "fail"        # or warn
correction = "holm"     # or bh, by
family = "all"          # p is corrected over all cells (and over all tasks); or those of a task, language, perturbation
scales = ["clean", "perturbed"]     # and change

[[rule]]                # of the rules that match a row and have a key, the last one counts
task = "xnli"           # a name, or * (as without the key) for any
language = "sw"
perturbation = "char_noise"         # or char_noise:0.1, or clean
margin = 4.0
required = true         # fails also where it is undecided or missing

[[accepted]]
task = "xnli"
language = "sw"         # left out for the average of a task
condition = "char_noise:0.1"
scale = "perturbed"
reason = "smaller tokenizer, ticket 7"
expires = 2027-03-31    # the last day
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final, TypeVar, final

from robust_xtreme.core import resources
from robust_xtreme.core.errors import SpecError, shown
from robust_xtreme.core.languages import code_of
from robust_xtreme.core.specs import check_keys, typed
from robust_xtreme.files.schema import SCALES, language_of
from robust_xtreme.stats.claims import CORRECTIONS
from robust_xtreme.stats.degrade import parts_of, without_fields

WARN, FAIL, PASS = "warn", "fail", "pass"
ANY: Final = ("", "*")
"""What a rule has in the place of a name where it takes any."""

_MOST: Final = 100.0
_LEAST: Final = 1e-6
"""Points that a margin of equivalence has at least."""

_CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "undecided": (WARN, FAIL, PASS),
    "missing": (FAIL, WARN),
    "correction": tuple(CORRECTIONS),
    "family": ("all", "task", "language", "perturbation"),
    "scale": SCALES,
    "scales": SCALES,
}

_NEEDED: Final = ("task", "condition", "scale", "reason", "expires")
"""The keys that an acceptance must have."""

Row = Mapping[str, Any]
"""A row of CONTRASTS or VERDICTS by column."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What the policy says otherwise of some rows, named by task, language (`de@en`) and perturbation, or `*` for any.

    Raises SpecError for a margin outside 0-100.
    """

    task: str = ""
    language: str = ""
    perturbation: str = ""
    margin: float | None = None
    required: bool | None = None

    def __post_init__(self) -> None:
        _check_range("rule", "margin", self.margin, _MOST)

    @property
    def named(self) -> str:
        """What the rule is about, in words."""
        return " ".join(name for name in (self.task, self.language, self.perturbation) if name not in ANY) or "a cell"

    def matches(self, row: Row) -> bool:
        """Whether the rule is about the row."""
        condition = row["condition"]
        noises = {condition, without_fields(condition), parts_of(condition)[0]}
        names = ((self.task, {row["task"]}), (self.language, {language_of(row)}), (self.perturbation, noises))
        return all(wanted in ANY or wanted in known for wanted, known in names)


@dataclass(frozen=True, slots=True)
class Accepted:
    """A regression of one row that is known and accepted, for a reason, until the end of a day.

    Without a language it is the average of a task; a condition without fields is that of all fields. Raises SpecError
    for a name or reason that is empty, or a scale that does not exist.
    """

    task: str
    language: str
    condition: str
    scale: str
    reason: str
    expires: date

    def __post_init__(self) -> None:
        for key in ("task", "condition", "reason"):
            if not getattr(self, key).strip():
                raise SpecError(f"accepted: the key {key!r} is empty.")
        _check_choice("accepted", "scale", self.scale)

    @property
    def named(self) -> str:
        """The row, in words."""
        return " ".join(filter(None, (self.task, self.language, self.condition, self.scale)))

    def matches(self, row: Row) -> bool:
        """Whether this is about the row."""
        names = (row["task"], language_of(row), row["scale"]) == (self.task, self.language, self.scale)
        return names and self.condition in (row["condition"], without_fields(row["condition"]))


@final
@dataclass(frozen=True, slots=True)
class Policy:
    """How a run is compared with a baseline; margins are points.

    Raises SpecError naming the key whose value is outside its range or choices.
    """

    margin: float = 2.0
    alpha: float = 0.05
    undecided: str = WARN
    missing: str = FAIL
    correction: str = "holm"
    family: str = "all"
    scales: tuple[str, ...] = ("clean", "perturbed")
    rules: tuple[Rule, ...] = ()
    accepted: tuple[Accepted, ...] = ()
    equivalent: float | None = None

    def __post_init__(self) -> None:
        _check_range("policy", "margin", self.margin, _MOST)
        _check_range("policy", "equivalent", self.equivalent, _MOST)
        margins = (self.equivalent, *(rule.margin for rule in self.rules))
        if self.equivalent is not None and any(margin is not None and margin < _LEAST for margin in margins):
            raise SpecError(f"policy: the key 'equivalent' and margins of its rules are at least {_LEAST:g}.")
        _check_range("policy", "alpha", self.alpha, 0.5)
        if self.alpha < 1e-9:
            raise SpecError("policy: the key 'alpha' is 0 or too small: no drop is ever shown. The default is 0.05.")
        for key in ("undecided", "missing", "correction", "family"):
            _check_choice("policy", key, getattr(self, key))
        for scale in self.scales:
            _check_choice("policy", "scales", scale)
        if not self.scales:
            raise SpecError(f"policy: the key 'scales' is empty. It takes some of: {', '.join(SCALES)}.")

    @property
    def required(self) -> list[Rule]:
        """The rules that require a cell."""
        return [rule for rule in self.rules if rule.required]

    def unused(self, rows: Iterable[Row]) -> list[str]:
        """The rules and acceptances that match none of the rows, in words: a name may be misspelt."""
        known = [*rows]
        entries = [("rule", rule) for rule in self.rules] + [("acceptance", each) for each in self.accepted]
        unused = [(kind, entry) for kind, entry in entries if not any(map(entry.matches, known))]
        meant = {entry.language: code_of(entry.language) for _, entry in unused}
        ask = {name: f" (did you mean the language {code!r}?)" for name, code in meant.items() if code}
        return [f"the {kind} for {entry.named}{ask.get(entry.language, '')}" for kind, entry in unused]

    def margin_of(self, row: Row) -> float:
        """The margin of a row: that of the last rule which matches it and has one."""
        default = self.margin if self.equivalent is None else self.equivalent
        return next((rule.margin for rule in self._of(row) if rule.margin is not None), default)

    def family_of(self, row: Row) -> str:
        """What names the family whose p-values are corrected together with that of the row, of its kind."""
        noise = parts_of(row["condition"])[0]
        names = {"all": "", "task": str(row["task"]), "language": language_of(row), "perturbation": noise}
        return names[self.family]

    def is_required(self, row: Row) -> bool:
        """Whether the row must be decided: what the last rule says which matches it and says so."""
        return next((rule.required for rule in self._of(row) if rule.required is not None), False)

    def accepted_of(self, row: Row) -> Accepted | None:
        """The acceptance of the row which expires last, also where it has expired."""
        named = [each for each in self.accepted if each.matches(row)]
        return max(named, key=lambda each: each.expires, default=None)

    def _of(self, row: Row) -> Iterator[Rule]:
        return (rule for rule in reversed(self.rules) if rule.matches(row))


Made = TypeVar("Made", Rule, Accepted, Policy)


def read(path: Path) -> Policy:
    """The policy of a TOML file. Raises SpecError naming the file, the key and its value, or the nearest known key."""
    values = resources.toml(path, "See: robust-xtreme gate --help")
    known = [field.name for field in fields(Policy) if field.name not in ("rules", "accepted")]
    check_keys(values, (*known, "rule", "accepted"), (), str(path))
    read_values = {key: typed(key, values[key], _kinds(Policy)[key], str(path)) for key in known if key in values}
    rules = tuple(_table(Rule, table, where) for table, where in _tables(values, "rule", path))
    accepted = tuple(_table(Accepted, table, where) for table, where in _tables(values, "accepted", path))
    return _made(Policy, {**read_values, "rules": rules, "accepted": accepted}, str(path))


def changed(policy: Policy | str | Path | None, values: Mapping[str, Any]) -> Policy:
    """A policy, that of a file where it is a path, with the values that are not None instead of its own."""
    chosen = policy if isinstance(policy, Policy) else Policy() if policy is None else read(Path(policy))
    given: dict[str, Any] = {key: value for key, value in values.items() if value is not None}
    if {"margin", "equivalent"} <= given.keys():
        raise SpecError("There are two margins, of --margin and of --equivalent. Give one of them.")
    return replace(chosen, **({"equivalent": None} | given if "margin" in given else given))


def _tables(values: Mapping[str, Any], key: str, path: Path) -> Iterator[tuple[Mapping[str, Any], str]]:
    tables = values.get(key, [])
    if not isinstance(tables, list) or not all(isinstance(table, Mapping) for table in tables):
        raise SpecError(f"{path}: the key {key!r} takes tables, not {shown(tables)}. Write each below [[{key}]].")
    for number, table in enumerate(tables, 1):
        yield table, f"{path}: [[{key}]] {number}"


def _table(kind: type[Made], table: Mapping[str, Any], location: str) -> Made:
    kinds = _kinds(kind)
    check_keys(table, kinds, _NEEDED if "expires" in kinds else (), location)
    values: dict[str, Any] = {
        key: _day(key, value, location) if kinds[key] == "date" else typed(key, value, kinds[key], location)
        for key, value in table.items()
    }
    return _made(kind, {"language": ""} | values, location)


def _made(kind: type[Made], values: Mapping[str, Any], location: str) -> Made:
    """What a table says; an error has the location in the file in the place of the name of the table."""
    try:
        return kind(**values)
    except SpecError as error:
        raise SpecError(f"{location}: {str(error).partition(': ')[2]}") from error


def _kinds(kind: type[Any]) -> dict[str, str]:
    return {field.name: str(field.type).removesuffix(" | None") for field in fields(kind)}


def _day(key: str, value: Any, location: str) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        written = value.isoformat() if isinstance(value, datetime) else shown(value)
        raise SpecError(f"{location}: the key {key!r} takes a day, as in 2027-03-31, not {written}.") from None


def _check_range(location: str, key: str, value: object, most: float) -> None:
    if value is not None and not (isinstance(value, (int, float)) and 0 <= value <= most):
        written = f"{value:g}" if isinstance(value, (int, float)) else shown(value)
        raise SpecError(f"{location}: the key {key!r} takes a number from 0 to {most:g}, not {written}.")


def _check_choice(location: str, key: str, value: str) -> None:
    if value not in _CHOICES[key]:
        raise SpecError(f"{location}: the key {key!r} takes one of {', '.join(_CHOICES[key])}, not {shown(value)}.")
