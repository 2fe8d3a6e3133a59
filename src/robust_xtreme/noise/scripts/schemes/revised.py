"""The Revised Romanization of Korean (2000), as words are pronounced: jongno for 종로, joko for 좋고."""

from robust_xtreme.noise.scripts.scheme import by_table

revised = by_table(
    "revised",
    summary="by the Revised Romanization of Korean of 2000, in small letters and without hyphens",
    source="Ministry of Culture and Tourism of Korea, proclamation 2000-8",
)
