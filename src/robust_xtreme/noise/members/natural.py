"""The errors of people who type: a mixture of key errors, missing marks, spaces, case and punctuation.

`keys` are the key errors of `keyboard_typo`, `marks` letters without their accents or with another one (é, e), `spaces`
words joined or split, `case` capitals missing, `punctuation` marks missing, doubled or wrong. The pack `natural/NAME`
has their shares of the edited clusters, and rates of key errors. A language without a source borrows the pack of its
script, or that of a script of the same family. The pack of a language whose list of misspellings is thin is from a few
words: `list perturbations --language CODE` and the manifest of a run say so.

Strength is the share of a text's grapheme clusters that are edited. People who do not look at what they type edit
about 0.02 (docs/natural.md); 0.1 is a stress test.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Final

from robust_xtreme.core import packs, registry
from robust_xtreme.core.edits import Array, Edits
from robust_xtreme.core.errors import DataError
from robust_xtreme.core.languages import language as language_of
from robust_xtreme.noise.engine.case import letters_of
from robust_xtreme.noise.engine.key_errors import KeyingError, key_errors
from robust_xtreme.noise.engine.mixture import MixtureComponent, Parts, mixed
from robust_xtreme.noise.engine.perturbation import Job, Perturbation, alphabet_pack, defaults, member
from robust_xtreme.noise.input import keyboards
from robust_xtreme.noise.members.natural_typo import THIN

PARTS: Final = {
    "keys": "keyboard_typo",
    "marks": "",
    "spaces": "spacing",
    "case": "casing",
    "punctuation": "punctuation",
}
"""The parts, and the perturbation that each of them is; "" where it is in this module."""

_KIND: Final = "natural"
_ANY: Final = "Zyyy"
_FAMILY: Final = dict.fromkeys(("Beng", "Gujr", "Guru", "Mlym", "Taml", "Telu"), "Deva")
"""Scripts without a source, and the script of the same kind whose pack their languages borrow."""

_RATES: Final[Mapping[str, Mapping[str, str]]] = {
    "keys": {"accent": "0", "shift": "0"},
    "case": {"second": "0.1", "inverted": "0", "upper": "0", "lower": "0"},
    "punctuation": {"wrong": "0.5"},
}
"""Rates of the parts that differ from those of the perturbations, set by hand.

Accents and Shift are in other parts. A capital is forgotten more often than one is put where none belongs, and a mark
is forgotten more often than it is mistaken for another one.
"""

_SPLITS: Final = 0.05
"""The rate of split words relative to joined ones, times the share of spaces: 0.5 at the share of 10 %.

A space within a word is an error of the hand, whose share is the same in all languages; a higher share of spaces, as in
Hindi, is that of words written as one.
"""

_NUMBER: Final = re.compile(r"[0-9]{1,2}(\.[0-9]{1,4})?")
_KEYS: Final = (*PARTS, "rates")
_ROUNDING: Final = 0.0015
_MISSED: Final = 3
_PLAIN: Final = dict(zip("ıłŁøØđĐɓƁɗƊƙƘƴƳɛƐɔƆŋŊɖƉƒƑɣƔʋƲ", "ilLoOdDbBdDkKyYeEoOnNdDfFgGvV", strict=True))
"""Letters that are typed as another one where a keyboard does not have them, and have no marks by Unicode."""

_ACCENTS: Final = ("COMBINING ", "ARABIC ")
_WHOLE: Final = frozenset("йЙ")
"""Letters with a mark that have a key of their own wherever they are used."""

_OWN_KEYS: Final[Mapping[str, str]] = {"ar": "ئؤ"}
"""Letters with a mark that a language's keyboard types without Shift, and their bases elsewhere (أ is Shift and ا)."""

_JOINERS: Final[Mapping[str, str]] = {"fa": "\u200c"}
"""Signs without width that are left out as accents are: the half space of Persian, میکنند for می‌کنند."""


@key_errors(strength="share of letters with marks", rates={"mark": "1"}, packs=alphabet_pack)
def marks(language: str) -> Iterator[KeyingError]:
    """Leave out the marks of letters, or write others; a letter of the pack of confusions becomes its forms there."""
    letters = letters_of(language)
    typed = sorted(letters.difference(_OWN_KEYS.get(language, "")))
    marked = {letter: bases for letter in typed if (bases := bare(letter))[1]}
    confused: defaultdict[str, set[str]] = defaultdict(set)
    for error in keyboards.key_errors(language):
        confused[error.point].add(error.form)
    for letter, (base, signs) in marked.items():
        for other in sorted(confused.get(letter, letters - {letter})):
            plain, fewer = bare(other)
            if len(letter) == len(other) == 1 and plain == base and len(fewer) <= len(signs):
                yield KeyingError(letter, "mark", other, _MISSED if fewer < signs else 1)
    for mark in language_of(language).marks:
        if _is_accent(mark):
            yield KeyingError(mark, "mark", "")
    for joiner in _JOINERS.get(language, ""):
        yield KeyingError(joiner, "mark", "")


def bare(letter: str) -> tuple[str, frozenset[str]]:
    """The base of a letter and its accents; a letter that is not typed as a base with an accent has none."""
    base, *signs = list(unicodedata.normalize("NFD", letter))
    if letter in _WHOLE or not all(map(_is_accent, signs)):
        return letter, frozenset()
    plain = _PLAIN.get(base, base)
    return plain, frozenset((*signs, *(("stroke",) if plain != base else ())))


def _is_accent(mark: str) -> bool:
    name = unicodedata.name(mark, "") if len(mark) == 1 else ""
    return name.startswith(_ACCENTS) and "HIRAGANA" not in name


def source_of(code: str) -> str:
    """The name of the pack that a language uses: its own, or that of its script, a script like it, or all scripts."""
    script = language_of(code).script
    names = (code, script, _FAMILY.get(script, _ANY))
    return next((name for name in names if packs.has(_KIND, name)), _ANY)


@packs.cached
def shares(name: str) -> tuple[Mapping[str, float], Mapping[str, str]]:
    """The shares of the parts by a pack, and the rates of its key errors. Raises DataError where they are not 1."""
    pack, path = packs.read(_KIND, name), packs.find(_KIND, name) or name
    packs.check_known(path, "key", pack, (*packs.FACTS, "standings", *_KEYS, packs.TEN))
    rates = pack.get("rates", {})
    if not isinstance(rates, dict):
        raise DataError(path, "the key 'rates' is a table of kinds of key errors, as in rates = { delete = \"6.3\" }")
    packs.check_known(path, "kind of key error", rates, tuple(_member("keys").rates))
    written = {key: pack.get(key, "0") for key in (*PARTS, packs.TEN)}
    for key, value in (*written.items(), *rates.items()):
        if not isinstance(value, str) or not _NUMBER.fullmatch(value):
            raise DataError(path, f'{key!r} is {value!r:.40}, and not a number in quotes, as in {key} = "0.76"')
    parts = {key: float(written[key]) for key in PARTS}
    if abs(sum(parts.values()) - 1) > _ROUNDING:
        raise DataError(path, f"the shares of {', '.join(PARTS)} are {sum(parts.values()):g} together, and not 1")
    return parts, rates


def note(name: str, code: str) -> str:
    """What to know of the pack that a language uses: `borrowed`, or `from a thin list` of misspellings; "": nothing."""
    if name != code:
        return "borrowed"
    return "from a thin list" if float(packs.read(_KIND, name).get(packs.TEN, "0")) > THIN else ""


def _member(name: str) -> Perturbation:
    loaded: Perturbation = registry.load("perturbation", PARTS[name]) if PARTS[name] else marks
    return loaded


def _packs(code: str) -> tuple[str, ...]:
    used = (pack for name in PARTS if _member(name).serves(code) for pack in _member(name).packs(code))
    return tuple(dict.fromkeys((f"{_KIND}/{source_of(code)}", *used)))


@packs.cached
def _parts_of(code: str) -> Parts:
    parts = []
    by_part, rates = shares(source_of(code))
    for name, share in by_part.items():
        if share and _member(name).serves(code):
            chosen = {**_RATES.get(name, {}), **(rates if name == "keys" else {})}
            if name == "spaces":
                chosen["split"] = f"{_SPLITS / share:.3f}" if language_of(code).spaces else "0"
            params = {**defaults(_member(name)), **{kind: (rate,) for kind, rate in chosen.items()}}
            parts.append(MixtureComponent(name, _member(name), params, share, apart=name == "spaces"))
    return tuple(parts)


def _edit(job: Job) -> tuple[Edits, Array]:
    """Mix the errors of people who type: keys, missing marks, spaces, case and punctuation, in their natural shares."""
    return mixed(job, _parts_of(job.language), tuple(PARTS))


natural = member(
    _edit,
    kind="mixture",
    unit="grapheme cluster",
    strength="share of grapheme clusters edited",
    operators=tuple(PARTS),
    name="natural",
    lacks=lambda code: _member("keys").lacks(code),
    packs=_packs,
)
