"""Chinese in traditional characters, by OpenCC's characters and words; read back into simplified ones."""

from robust_xtreme.noise.scripts.scheme import by_table

hant = by_table(
    "hant",
    summary="in traditional characters (of Chinese in simplified ones)",
    source="OpenCC 1.4.2, its dictionaries STCharacters and STPhrases, TSCharacters and TSPhrases",
    script="Hant",
    back=True,
    loss="3 of 34,189 characters of FLORES, each a variant that simplified Chinese has in one form only",
)
