"""The romanisation of uroman (Hermjakob, May and Knight 2018), which has one table for all scripts."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Final

from robust_xtreme.core import languages
from robust_xtreme.core.errors import UserError
from robust_xtreme.noise.engine.perturbation import known_language
from robust_xtreme.noise.engine.respelling import RespellingFunction
from robust_xtreme.noise.scripts.scheme import LATIN, Scheme

_CODES: Final = {"ar": "ara", "bg": "bul", "el": "ell", "fa": "fas", "ru": "rus", "tr": "tur", "uk": "ukr", "ur": "urd"}
"""The codes (ISO 639-3) of the languages for which uroman has rules of their own."""


def _lacks(code: str) -> str:
    if reason := known_language(code):
        return reason
    return "it is already written in Latin letters" if languages.language(code).script == LATIN else ""


@cache
def _library() -> Any:
    try:
        from uroman import Uroman
    except ImportError as error:
        raise UserError(f'uroman cannot be loaded ({error}): pip install "robust-xtreme[scripts]"') from error
    return Uroman()


@cache
def _spelling(code: str) -> RespellingFunction:
    romanize: Callable[..., str] = _library().romanize_string
    return RespellingFunction(lambda word: romanize(word, lcode=_CODES.get(code, code)))


uroman = Scheme(
    name="uroman",
    summary="by the library uroman, each word once",
    source="https://github.com/isi-nlp/uroman",
    lacks=_lacks,
    spelling=_spelling,
)
