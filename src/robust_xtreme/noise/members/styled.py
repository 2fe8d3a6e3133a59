"""Styled letters, as people use in social media: 𝐛𝐨𝐥𝐝, 𝓼𝓬𝓻𝓲𝓹𝓽, ⓒⓘⓡⓒⓛⓔⓓ, ｆｕｌｌ ｗｉｄｔｈ, ꜱᴍᴀʟʟ ᴄᴀᴘꜱ.

They are code points of their own, which Unicode has for mathematics and for other uses, and which its normal form NFKC,
that many tokenizers apply, turns into letters again (not small capitals). All letters of a word that have the style
change. Letters with marks stay, as in the generators of such text; Greek has bold, italic and sans.
"""

import unicodedata
from collections.abc import Iterator, Mapping
from typing import Final

from robust_xtreme.core import languages
from robust_xtreme.noise.engine.case import cases
from robust_xtreme.noise.engine.perturbation import alphabet_pack
from robust_xtreme.noise.engine.recoding import WORD, Recoding, recoding

_STYLES: Final[Mapping[str, tuple[str, ...]]] = {
    "bold": ("MATHEMATICAL BOLD {case} {name}",),
    "italic": ("MATHEMATICAL ITALIC {case} {name}",),
    "sans": ("MATHEMATICAL SANS-SERIF BOLD {case} {name}",),
    "script": ("MATHEMATICAL BOLD SCRIPT {case} {name}",),
    "fraktur": ("MATHEMATICAL BOLD FRAKTUR {case} {name}",),
    "double": ("MATHEMATICAL DOUBLE-STRUCK {case} {name}", "DOUBLE-STRUCK {case} {name}"),
    "monospace": ("MATHEMATICAL MONOSPACE {case} {name}",),
    "circled": ("CIRCLED {script} {case} LETTER {name}",),
    "fullwidth": ("FULLWIDTH {script} {case} LETTER {name}",),
    "small_caps": ("{script} LETTER SMALL CAPITAL {name}",),
}
"""The names in Unicode of the letters of each style."""

_GREEK: Final = ("bold", "italic", "sans")
"""The styles with the whole Greek alphabet."""

_SCRIPTS: Final = ("Latn", "Grek")
_WITHOUT_A_NAME: Final = {("italic", "h"): "\u210e"}
"""Planck's constant is the italic h."""


@recoding(
    strength="share of words in styled letters",
    operator="style",
    unit=WORD,
    marked=False,
    choices={"style": lambda: tuple(_STYLES)},
    nothing="no letters of its script in this style",
    lacks=lambda code: "" if languages.language(code).script in _SCRIPTS else "no styled letters in its script",
    packs=alphabet_pack,
    waives=frozenset({"normal_forms_stay", "rule_4_noise_belongs_to_the_script"}),
)
def styled(language: str, style: str) -> Iterator[Recoding]:
    """Write words in bold, script, circled and other letters of social media."""
    for letter in cases(language):
        if form := _in_style(letter, style):
            yield Recoding(letter, form)


def _in_style(letter: str, style: str) -> str:
    """A letter in a style; "" where Unicode has none."""
    script, case, _, name = [*unicodedata.name(letter).split(" ", 3), "", ""][:4]
    if (script == "GREEK" and style not in _GREEK) or (style == "small_caps" and case != "SMALL"):
        return ""
    for pattern in _STYLES[style]:
        try:
            return unicodedata.lookup(pattern.format(script=script, case=case, name=name))
        except KeyError:
            continue
    return _WITHOUT_A_NAME.get((style, letter), "")
