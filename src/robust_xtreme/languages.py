"""The fifty languages of XTREME-R, and those of low-resource tasks: name, script, family, direction, spaces, alphabet.

Each is one pack, `perturbations/alphabets/CODE.toml`, read when it is asked for.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal, final

from robust_xtreme.errors import UnknownName
from robust_xtreme.resources import folder

_CODES: Final = """
    af ar az bg bn de el en es et eu fa fi fr gu he hi ht hu id it ja jv ka kk
    ko lt ml mr ms my nl pa pl pt qu ro ru sw ta te th tl tr uk ur vi wo yo zh
"""
LANGUAGES: Final = tuple(_CODES.split())
"""The codes of XTREME-R's languages, sorted."""

_MORE: Final = """
    ay bbj bm bzd cni ee fon gn ha hch ig lg luo mos nah ny oto pcm rw shp sn tar tn tw xh zu
"""
LOW_RESOURCE: Final = tuple(_MORE.split())
"""The codes of further languages, sorted: those of MasakhaNER 2.0 and AmericasNLI that XTREME-R does not have."""

ALL_LANGUAGES: Final = tuple(sorted((*LANGUAGES, *LOW_RESOURCE)))
"""Every code that has a pack, sorted."""

_SEE: Final = "robust-xtreme list languages"


@final
@dataclass(frozen=True, slots=True)
class Language:
    """One language; `alphabet` holds lower-case grapheme clusters in NFC that stand by themselves.

    `script` is its ISO 15924 code, `spaces` says whether words are separated by spaces, and `standing` whether the
    whole alphabet is `attested` in the source named or was `authored` in part.
    """

    code: str
    name: str
    script: str
    family: str
    direction: Literal["ltr", "rtl"]
    spaces: bool
    alphabet: tuple[str, ...]
    standing: Literal["attested", "authored"]
    source: str = ""
    licence: str = ""


@cache
def language(code: str) -> Language:
    """The language of that code. Raises UnknownName with the nearest code."""
    if code not in ALL_LANGUAGES:
        raise UnknownName("language", code, ALL_LANGUAGES, _SEE)
    path = folder("perturbations") / "alphabets" / f"{code}.toml"
    return _language(tomllib.loads(path.read_text(encoding="utf-8")))


def codes(text: str) -> tuple[str, ...]:
    """Codes written with spaces between them, checked: `"et ht id"`. Raises UnknownName."""
    found = tuple(text.split())
    for code in found:
        if code not in ALL_LANGUAGES:
            raise UnknownName("language", code, ALL_LANGUAGES, _SEE)
    return found


def group_of(code: str) -> str:
    """The group that a language is listed in: `xtreme-r`, or `low-resource`."""
    return "xtreme-r" if code in LANGUAGES else "low-resource"


def _language(pack: dict[str, Any]) -> Language:
    alphabet = dict.fromkeys((*_letters(pack["letters"]), *_letters(pack.get("added", ""))))
    return Language(
        code=pack["language"],
        name=pack["name"],
        script=pack["script"],
        family=pack["family"],
        direction=pack["direction"],
        spaces=pack["spaces"],
        alphabet=tuple(alphabet),
        standing=pack["standing"],
        source=pack["source"],
        licence=pack["licence"],
    )


def _letters(text: str) -> Iterator[str]:
    """The letters that a pack lists: clusters between blanks, and runs of code points as `first-last`."""
    for token in text.split():
        if len(token) == 3 and token[1] == "-":
            yield from map(chr, range(ord(token[0]), ord(token[2]) + 1))
        else:
            yield token
