"""Schemes of libraries: ICU and uroman."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Final

from robust_xtreme.core import languages
from robust_xtreme.core.errors import SpecError, UserError, nearest
from robust_xtreme.noise.engine.perturbation import known_language
from robust_xtreme.noise.engine.respelling import RespellingFunction
from robust_xtreme.noise.scripts.scheme import LATIN, Scheme

# The romanisation of uroman (Hermjakob, May and Knight 2018), which has one table for all scripts.

# The transforms of ICU, such as `icu:Greek-Latin/UNGEGN`, by PyICU; they serve languages whose letters they change.

_CODES: Final = {"ar": "ara", "bg": "bul", "el": "ell", "fa": "fas", "ru": "rus", "tr": "tur", "uk": "ukr", "ur": "urd"}
"""The codes (ISO 639-3) of the languages for which uroman has rules of their own."""


def _lacks(code: str) -> str:
    if reason := known_language(code):
        return reason
    return "it is already written in Latin letters" if languages.language(code).script == LATIN else ""


@cache
def _uroman_library() -> Any:
    try:
        from uroman import Uroman
    except ImportError as error:
        raise UserError(f'uroman cannot be loaded ({error}): pip install "robust-xtreme[scripts]"') from error
    return Uroman()


@cache
def _uroman_spelling(code: str) -> RespellingFunction:
    romanize: Callable[..., str] = _uroman_library().romanize_string
    return RespellingFunction(lambda word: romanize(word, lcode=_CODES.get(code, code)))


uroman = Scheme(
    name="uroman",
    summary="by the library uroman, each word once",
    source="https://github.com/isi-nlp/uroman",
    lacks=_lacks,
    spelling=_uroman_spelling,
)


_SEE: Final = "https://icu.unicode.org/"


def _library() -> Any:
    try:
        import icu
    except ImportError as error:
        raise UserError(f'PyICU cannot be loaded ({error}): pip install "robust-xtreme[scripts]"') from error
    return icu


@cache
def _transform(name: str, back: bool) -> Any:
    """A transform of ICU, or its inverse. Raises SpecError where there is none, UserError without PyICU."""
    library = _library()
    try:
        known = library.Transliterator.createInstance(name)
        return known.createInverse() if back else known
    except library.ICUError as error:
        names = list(library.Transliterator.getAvailableIDs())
        what = "has no inverse" if back else "is not a transform of ICU"
        hint = nearest(name, names)
        raise SpecError(f"{name!r:.60} {what}.{hint} Write for example @scheme=icu:Greek-Latin") from error


def _variant(name: str) -> Scheme:
    """The scheme of one transform."""

    def lacks(code: str, back: bool = False) -> str:
        if reason := known_language(code):
            return reason
        letters = "".join(languages.language(code).alphabet)
        changes = back or _transform(name, back).transliterate(letters) != letters
        return "" if changes else f"the transform {name} changes no letter of it"

    _transform(name, back=False)
    return Scheme(
        name=f"icu:{name}",
        summary=f"by ICU's transform {name}",
        source=_SEE,
        lacks=lacks,
        spelling=lambda _: _spelling(name, back=False),
        lacks_back=lambda code: lacks(code, back=True),
        back=lambda _: _spelling(name, back=True),
    )


@cache
def _spelling(name: str, back: bool) -> RespellingFunction:
    return RespellingFunction(_transform(name, back).transliterate)


def _bare(code: str) -> str:
    return known_language(code) or "a transform must be named, as in @scheme=icu:Greek-Latin"


def _none(_: str) -> RespellingFunction:
    return RespellingFunction(str)


icu = Scheme(
    name="icu",
    summary="by a transform of ICU, named as in icu:Greek-Latin",
    source=_SEE,
    lacks=_bare,
    spelling=_none,
    variant=_variant,
)
