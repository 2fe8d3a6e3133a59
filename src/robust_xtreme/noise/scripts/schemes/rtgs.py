"""The Royal Thai General System of Transcription (1999), syllable by syllable, without tones and lengths of vowels."""

from robust_xtreme.noise.scripts.scheme import by_table

rtgs = by_table(
    "rtgs",
    summary="by the Royal Thai General System of Transcription of 1999, in small letters",
    source="Royal Institute of Thailand, Principles of Romanization for Thai Script by Transcription, 1999",
)
