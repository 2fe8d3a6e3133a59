"""Characters without width between the letters of a word: the spaces and joiners of copied and of hidden text.

They are the zero width space (U+200B), the word joiner (U+2060) and the soft hyphen (U+00AD), and, in scripts whose
letters do not change shape, the zero width non-joiner (U+200C) and joiner (U+200D). In Arabic and in Indic scripts the
joiners belong to the spelling (Persian می‌خواهم, Malayalam ന്‍), so that they are never put in there; the others do not
change the shape of a letter in Unicode's data (their joining type is transparent). A reader sees the same text.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from robust_xtreme.core import languages
from robust_xtreme.noise.engine.inserting import inserting
from robust_xtreme.noise.engine.perturbation import alphabet_pack

EVERYWHERE: Final = "\u200b\u2060\u00ad"
JOINERS: Final = "\u200c\u200d"
_SHAPED: Final = frozenset(("Arab", "Beng", "Deva", "Gujr", "Guru", "Mlym", "Mymr", "Taml", "Telu"))


@inserting(
    strength="share of letters before another letter that a character follows",
    operator="insert",
    packs=alphabet_pack,
    waives=frozenset({"rule_3_clusters_stay_whole", "rule_4_noise_belongs_to_the_script"}),
)
def zero_width(language: str) -> Iterator[str]:
    """Put characters without width between letters, such as a zero width space or a soft hyphen."""
    yield from EVERYWHERE
    if languages.language(language).script not in _SHAPED:
        yield from JOINERS
