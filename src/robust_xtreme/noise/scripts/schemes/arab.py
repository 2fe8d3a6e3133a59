"""In Arabic letters, as the language is written in another country: Kazakh in China, Punjabi in Pakistan."""

from robust_xtreme.noise.scripts.scheme import by_table

arab = by_table(
    "arab",
    summary="in the Arabic letters that the language has in another country",
    source="the packs, row by row",
    script="Arab",
)
