"""ISO 9:1995, one Latin letter for each Cyrillic letter, so that the way back loses nothing."""

from robust_xtreme.noise.scripts.scheme import by_table

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
