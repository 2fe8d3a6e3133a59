"""Schemes by tables, which are packs with a row for each letter of a language or script, and schemes of libraries.

`arab` and `deva` are how another country writes the language: Kazakh in China, Punjabi in Pakistan, Urdu as Hindi.
`iast` is ISO 15919, which extends IAST: letters that IAST does not know stay apart
(docs/decisions/noise.md#the-scheme-iast-writes-iso-15919).
`national` has no Hebrew: the rules of its Academy (2006) need the points of vowels, which texts do not have.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any, Final

from robust_xtreme.core import languages
from robust_xtreme.core.errors import SpecError, UserError, nearest
from robust_xtreme.noise.engine.respelling import RespellingFunction
from robust_xtreme.noise.scripts.scheme import LATIN, Scheme, by_table

arab = by_table(
    "arab",
    summary="in the Arabic letters that the language has in another country",
    source="the packs, row by row",
    script="Arab",
)
deva = by_table(
    "deva",
    summary="in Devanagari, as the language's other country writes it",
    source="the packs, row by row",
    script="Deva",
)
hant = by_table(
    "hant",
    summary="in traditional characters (of Chinese in simplified ones)",
    source="OpenCC 1.4.2, its dictionaries STCharacters and STPhrases, TSCharacters and TSPhrases",
    script="Hant",
    back=True,
    loss="3 of 34,189 characters of FLORES, each a variant that simplified Chinese has in one form only",
)
hepburn = by_table(
    "hepburn",
    summary="by modified Hepburn: Tōkyō, shin'yō, matcha",
    source="Kenkyusha 1954; BGN/PCGN 1976 for kana; IPADIC for the readings of words with kanji",
)
iast = by_table(
    "iast",
    summary=(
        "by ISO 15919, which extends IAST to all Indic scripts: a Latin letter or pair for each letter, and r̥, l̥, ē, ō "
        "and ṁ where IAST has ṛ, ḷ, e, o and ṃ"
    ),
    source="ISO 15919:2001",
    back=True,
    divider=":",
    loss=(
        "joiners, some final letters of Malayalam and Bengali in the middle of a word, and a vowel after the sign that "
        "there is none"
    ),
)
iso9 = by_table(
    "iso9",
    summary="by ISO 9:1995, a Latin letter for each Cyrillic one",
    source="ISO 9:1995",
    back=True,
    loss=(
        "at most 0.04 % of the words of FLORES: those with Latin letters or stress marks among Cyrillic ones; "
        "and capital Ь and Ъ outside words in capitals"
    ),
)
latn = by_table(
    "latn",
    summary="in the language's own Latin alphabet",
    source="the packs: the Kazakh alphabet of April 2021",
    back=True,
    loss="in Kazakh words whose letters have one spelling: е and э, х and һ, и and й",
)
national = by_table(
    "national",
    summary="as the country writes names in Latin letters",
    source="the packs: ELOT 743, ICAO Doc 9303, the rules of Bulgaria, Georgia and Ukraine",
)
revised = by_table(
    "revised",
    summary="by the Revised Romanization of Korean of 2000, in small letters and without hyphens",
    source="Ministry of Culture and Tourism of Korea, proclamation 2000-8",
)
rtgs = by_table(
    "rtgs",
    summary="by the Royal Thai General System of Transcription of 1999, in small letters",
    source="Royal Institute of Thailand, Principles of Romanization for Thai Script by Transcription, 1999",
)
typed = by_table(
    "typed",
    summary="as people type the language in Latin letters",
    source="the packs, row by row",
    missing="no table of how people type it in Latin letters",
)


# Libraries: uroman (Hermjakob, May and Knight 2018), which has one table for all scripts, and ICU.
#
# ICU's transforms, such as `icu:Greek-Latin/UNGEGN`, are those of PyICU; they serve languages whose letters they
# change.

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
