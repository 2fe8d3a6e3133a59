"""Schemes of libraries: uroman (Hermjakob, May and Knight 2018), which has one table for all scripts, and ICU.

ICU's transforms, such as `icu:Greek-Latin/UNGEGN`, are those of PyICU; they serve languages whose letters they change.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any, Final

from robust_xtreme.core import languages
from robust_xtreme.core.errors import SpecError, UserError, nearest
from robust_xtreme.noise.engine.respelling import RespellingFunction
from robust_xtreme.noise.scripts.scheme import LATIN, Scheme

_CODES: Final = {"ar": "ara", "bg": "bul", "el": "ell", "fa": "fas", "ru": "rus", "tr": "tur", "uk": "ukr", "ur": "urd"}
"""The codes (ISO 639-3) of the languages for which uroman has rules of their own."""


def _imported(module: str, library: str) -> Any:
    try:
        return import_module(module)
    except ImportError as error:
        raise UserError(f'{library} cannot be loaded ({error}): pip install "robust-xtreme[scripts]"') from error


@cache
def _uroman_library() -> Any:
    return _imported("uroman", "uroman").Uroman()


@cache
def _uroman_spelling(code: str) -> RespellingFunction:
    romanize: Callable[..., str] = _uroman_library().romanize_string
    return RespellingFunction(lambda word: romanize(word, lcode=_CODES.get(code, code)))


uroman = Scheme(
    name="uroman",
    summary="by the library uroman, each word once",
    source="https://github.com/isi-nlp/uroman",
    lacks=lambda code: "it is already written in Latin letters" if languages.language(code).script == LATIN else "",
    spelling=_uroman_spelling,
)


@cache
def _transform(name: str, back: bool) -> Any:
    """A transform of ICU, or its inverse. Raises SpecError where there is none, UserError without PyICU."""
    library = _imported("icu", "PyICU")
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

    def lacks(code: str) -> str:
        letters = "".join(languages.language(code).alphabet)
        changes = _transform(name, back=False).transliterate(letters) != letters
        return "" if changes else f"the transform {name} changes no letter of it"

    _transform(name, back=False)
    return Scheme(
        name=f"icu:{name}",
        summary=f"by ICU's transform {name}",
        source="https://icu.unicode.org/",
        lacks=lacks,
        spelling=lambda _: _spelling(name, back=False),
        lacks_back=lambda _: "",
        back=lambda _: _spelling(name, back=True),
    )


@cache
def _spelling(name: str, back: bool) -> RespellingFunction:
    return RespellingFunction(_transform(name, back).transliterate)


icu = Scheme(
    name="icu",
    summary="by a transform of ICU, named as in icu:Greek-Latin",
    source="https://icu.unicode.org/",
    lacks=lambda _: "a transform must be named, as in @scheme=icu:Greek-Latin",
    spelling=lambda _: RespellingFunction(str),
    variant=_variant,
)
