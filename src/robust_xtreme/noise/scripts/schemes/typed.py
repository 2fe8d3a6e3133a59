"""How people type a language in Latin letters: Greeklish, Arabizi, romanised Hindi; a word has several spellings."""

from robust_xtreme.noise.scripts.scheme import by_table

typed = by_table(
    "typed",
    summary="as people type the language in Latin letters",
    source="the packs, row by row",
    missing="no table of how people type it in Latin letters",
)
