"""The romanisation that a country uses for its names, on maps and in passports; each pack names its law or standard.

Hebrew has none here: the rules of its Academy (2006) need the points of vowels, which texts do not have.
"""

from robust_xtreme.noise.scripts.scheme import by_table

national = by_table(
    "national",
    summary="as the country writes names in Latin letters",
    source="the packs: ELOT 743, ICAO Doc 9303, the rules of Bulgaria, Georgia and Ukraine",
)
