"""In Devanagari: Urdu as Hindi is written."""

from robust_xtreme.noise.scripts.scheme import by_table

deva = by_table(
    "deva",
    summary="in Devanagari, as the language's other country writes it",
    source="the packs, row by row",
    script="Deva",
)
