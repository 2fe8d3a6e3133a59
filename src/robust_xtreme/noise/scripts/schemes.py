"""Schemes: ways to write a language in another script, by a table of letters or by a function of a word.

A scheme is a value, `NAME = by_table(...)` or `NAME = Scheme(...)`. Tables are packs with a row for each letter of a
language or script; `uroman` and `icu` are schemes of libraries.

`arab` and `deva` are how another country writes the language: Kazakh in China, Punjabi in Pakistan, Urdu as Hindi.
`iast` is ISO 15919, which extends IAST: letters that IAST does not know stay apart
(docs/decisions/noise.md#the-scheme-iast-writes-iso-15919).
`national` has no Hebrew: the rules of its Academy (2006) need the points of vowels, which texts do not have.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any, Final

from robust_xtreme.core import languages, packs
from robust_xtreme.core.errors import SpecError, nearest
from robust_xtreme.noise.engine.respelling import by_function
from robust_xtreme.noise.engine.respelling_table import (
    CONDITIONS,
    Respeller,
    RespellingRule,
    RuleForm,
    Rules,
    respeller,
)
from robust_xtreme.noise.engine.rewriter import importing
from robust_xtreme.noise.scripts.table import KIND, TYPED, rules

Spelling = Respeller | Callable[[str], str]

LATIN: Final = "Latn"
_CALLED: Final = {"Latn": "Latin letters", "Cyrl": "Cyrillic letters", "Arab": "Arabic letters"}


def _never(_: str) -> str:
    return "the scheme cannot be read back"


@dataclass(frozen=True, slots=True)
class Scheme:
    """A way to write languages in another script.

    `lacks` gives the reason why a language is not served ("" if it is), and `spelling` how its words are respelt, by
    rules or by a function. `lacks_back` and `back` are the same for the way back to the language's own script. `packs`
    are the packs that serve a language. `source` names what defines the scheme, and `loss` says how much of a text the
    way back does not give back. `script` is the one that its tables write, "" without tables. Where `variant` is given,
    the scheme is written `NAME:VARIANT`; it returns the scheme of that variant, and raises SpecError where there is
    none. `spaced`: with spaces between words. `divider` is the sign that keeps letters apart in what it writes.
    """

    name: str
    summary: str
    source: str
    lacks: Callable[[str], str]
    spelling: Callable[[str], Spelling]
    lacks_back: Callable[[str], str] = _never
    back: Callable[[str], Spelling] | None = None
    packs: Callable[[str], tuple[str, ...]] = lambda _: ()
    loss: str = ""
    variant: Callable[[str], Scheme] | None = None
    spaced: bool = True
    script: str = ""
    divider: str = ""


def by_table(
    name: str,
    *,
    summary: str,
    source: str,
    back: bool = False,
    loss: str = "",
    script: str = LATIN,
    missing: str = "",
    divider: str = "",
) -> Scheme:
    """The scheme of that name which packs of romanisation define: those of a language, or of its script.

    `script` is the one that it writes; `missing` is the reason why languages without a pack are not served. With
    `back`, the packs are read in the other direction as well, unless there is a pack `PACK-back`.
    """

    def lacks(code: str) -> str:
        if languages.language(code).script == script:
            return f"it is already written in {_CALLED.get(script, f'the script {script}')}"
        return "" if table_of(code, name) else missing or f"no table of {name} for it"

    return Scheme(
        name=name,
        summary=summary,
        source=source,
        lacks=lacks,
        spelling=lambda code: _respeller(table_of(code, name)),
        lacks_back=lacks if back else _never,
        back=(lambda code: _backwards(table_of(code, name))) if back else None,
        packs=lambda code: (f"{KIND}/{table_of(code, name)}",),
        loss=loss,
        spaced=script == LATIN,
        script=script,
        divider=divider,
    )


def table_of(code: str, name: str) -> str:
    """The pack of a scheme for a language: its own, or that of its script; "" where there is none."""
    known = (code,) if name == TYPED else (f"{code}-{name}", f"{languages.language(code).script}-{name}")
    return next((pack for pack in known if packs.has(KIND, pack)), "")


@packs.cached
def _respeller(pack: str) -> Respeller:
    return respeller(rules(pack))


@packs.cached
def _backwards(pack: str) -> Respeller:
    other = f"{pack}-back"
    return respeller(rules(other) if packs.has(KIND, other) else inverse(rules(pack)))


def inverse(known: Rules) -> Rules:
    """The rules that lead from the forms of rules back to their letters.

    A rule gives its likeliest form. Conditions about the place in a word are kept, those about letters beside are not;
    of rules with the same form those without conditions about letters come first, in their order.
    """
    back = []
    for rule in known.rules:
        form = max(rule.forms, key=lambda form: form.weight).text
        if form:
            where = tuple(condition for condition in rule.where if condition.name in CONDITIONS)
            back.append((len(where) < len(rule.where), RespellingRule(form, (RuleForm(rule.letters),), where)))
    ordered = [rule for _, rule in sorted(back, key=lambda pair: (not pair[1].where, pair[0]))]
    first = {(rule.letters, rule.where): rule for rule in reversed(ordered)}
    return Rules(tuple(rule for rule in ordered if first[rule.letters, rule.where] is rule), {})


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


@cache
def _uroman_library() -> Any:
    with importing("uroman", "scripts"):
        return import_module("uroman").Uroman()


@cache
def _uroman_spelling(code: str) -> Spelling:
    romanize: Callable[..., str] = _uroman_library().romanize_string
    return by_function(lambda word: romanize(word, lcode=_CODES.get(code, code)))


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
    with importing("PyICU", "scripts"):
        library = import_module("icu")
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
def _spelling(name: str, back: bool) -> Spelling:
    return by_function(_transform(name, back).transliterate)


icu = Scheme(
    name="icu",
    summary="by a transform of ICU, named as in icu:Greek-Latin",
    source="https://icu.unicode.org/",
    lacks=lambda _: "a transform must be named, as in @scheme=icu:Greek-Latin",
    spelling=lambda _: str,
    variant=_variant,
)
