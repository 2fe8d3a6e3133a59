"""Schemes by tables, which are packs: a row for each letter of a language or script.

`arab` and `deva` are how another country writes the language: Kazakh in China, Punjabi in Pakistan, Urdu as Hindi.
`iast` is ISO 15919, which extends IAST: letters that IAST does not know stay apart
(docs/decisions/noise.md#the-scheme-iast-writes-iso-15919).
`national` has no Hebrew: the rules of its Academy (2006) need the points of vowels, which texts do not have.
"""

from __future__ import annotations

from robust_xtreme.noise.scripts.scheme import by_table

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
