"""The Latin alphabet of a language that is mostly written in another script: Kazakh."""

from robust_xtreme.noise.scripts.scheme import by_table

latn = by_table(
    "latn",
    summary="in the language's own Latin alphabet",
    source="the packs: the Kazakh alphabet of April 2021",
    back=True,
    loss="in Kazakh words whose letters have one spelling: е and э, х and һ, и and й",
)
