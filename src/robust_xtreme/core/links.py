"""The grammar of one perturbation: `name[:strength,...][@key=value]...`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Final, final

from robust_xtreme.core.errors import SpecError

_NAME: Final = re.compile(r"[a-z][a-z0-9_-]*(\.[a-z][a-z0-9_-]*)?")
_KEY: Final = re.compile(r"[a-z][a-z0-9_]*")
_NUMBER: Final = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_DIGITS: Final = 20
_SHOWN: Final = 40
_GRAMMAR: Final = "name[:strength,...][@key=value]..., for example char_noise:0.05,0.1@ops=replace"
AXES: Final = ("graphemes", "words", "tokens")
"""What a realised strength is a share of: edited graphemes, edited words, or edited tokens of the model."""


def canonical_strength(text: str) -> str:
    """A strength as its canonical decimal: `0.10` is `0.1`; only 0 to 9 are digits. Raises SpecError outside [0, 1]."""
    shown = repr(text[:_SHOWN]) + "..." * (len(text) > _SHOWN)
    try:
        value = Decimal(text.strip())
    except InvalidOperation:
        value = None
    if value is None or not _NUMBER.fullmatch(text.strip()):
        raise SpecError(f"The strength {shown} is not a number between 0 and 1, as in 0.1.")
    if value.is_signed() or not 0 <= value <= 1:
        raise SpecError(f"The strength {shown} is not between 0 and 1.")
    if len(value.as_tuple().digits) > _DIGITS:
        raise SpecError(f"The strength {shown} has more than {_DIGITS} digits.")
    if value and value.adjusted() < -_DIGITS:
        raise SpecError(f"The strength {shown} is too small: take 0, or at least 1e-{_DIGITS}.")
    return format(value.normalize(), "f") if value else "0"


@final
@dataclass(frozen=True, slots=True)
class Link:
    """One perturbation of a chain: its name, its strengths as canonical decimals, its shape parameters.

    With an `axis` the strengths are realised ones, and those of the noise are solved for in each language.
    """

    name: str
    strengths: tuple[str, ...] = ()
    params: tuple[tuple[str, str], ...] = ()
    axis: str = ""

    def __str__(self) -> str:
        strengths = ":" + ",".join(self.strengths) if self.strengths else ""
        params = "".join(f"@{key}={value}" for key, value in self.params)
        return f"{self.name}{params}@realised={self.axis}{strengths}" if self.axis else self.name + strengths + params


def parse_link(part: str, whole: str) -> tuple[Link, tuple[str, ...]]:
    """A link and the fields that `@fields=` names, of a part of a whole spec. Raises SpecError naming the part."""
    head, *options = part.strip().split("@")
    name, colon, strengths = head.partition(":")
    if not _NAME.fullmatch(name):
        raise SpecError(f"In {whole!r} the name {name!r} is not a perturbation's name. Write {_GRAMMAR}")
    if colon and not strengths.strip():
        raise SpecError(f"In {whole!r} a strength is missing after the colon. Write {_GRAMMAR}")
    values = tuple(canonical_strength(word) for word in strengths.split(",")) if colon else ()
    params = {}
    for option in options:
        key, equals, value = option.partition("=")
        if not equals or not _KEY.fullmatch(key) or not value.strip():
            raise SpecError(f"In {whole!r} the option {'@' + option!r} is not @key=value. Write {_GRAMMAR}")
        params[key] = ",".join(word.strip() for word in value.split(","))
    if len(params) != len(options):
        raise SpecError(f"In {whole!r} an option is given twice.")
    fields = tuple(word for word in params.pop("fields", "").split(",") if word)
    axis = ""
    if "realised" in params:
        axis, values = _parse_realised(params.pop("realised"), values, whole)
    return Link(name, values, tuple(sorted(params.items())), axis), fields


def _parse_realised(text: str, nominal: tuple[str, ...], whole: str) -> tuple[str, tuple[str, ...]]:
    """The axis and the strengths of `AXIS:s1,s2,...`."""
    axis, colon, strengths = text.partition(":")
    if nominal or not colon or axis not in AXES:
        what = "instead of a strength, as in char_noise@realised=graphemes:0.05"
        raise SpecError(f"In {whole!r} write @realised=AXIS:strength, AXIS one of {', '.join(AXES)}, {what}")
    values = tuple(canonical_strength(word) for word in strengths.split(","))
    if "0" in values:
        raise SpecError(f"In {whole!r} a realised strength is 0, and no noise has it: write a larger one.")
    return axis, values
