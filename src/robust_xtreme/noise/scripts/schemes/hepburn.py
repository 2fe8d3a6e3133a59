"""Modified Hepburn (1954), the romanisation of Japanese: macrons on long vowels, n' before vowels and y."""

from robust_xtreme.noise.scripts.scheme import by_table

hepburn = by_table(
    "hepburn",
    summary="by modified Hepburn: Tōkyō, shin'yō, matcha",
    source="Kenkyusha 1954; BGN/PCGN 1976 for kana; IPADIC for the readings of words with kanji",
)
