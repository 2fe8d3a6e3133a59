"""Case errors: missing and additional capitals.

`initial` loses the capital that a word begins with (Der, der), `second` keeps Shift pressed too long (The, THe),
`inverted` has Caps Lock on (The, tHE), `lower` and `upper` write the whole word in small letters or in capitals. Upper
and lower case are the language's (`engine/case.py`); unchanged letters stay as they are, byte by byte. A word does not
change where it would get letters that the language's alphabet does not have.
"""

from __future__ import annotations

from collections.abc import Iterator

from robust_xtreme.core.graphemes import split
from robust_xtreme.core.languages import language as language_of
from robust_xtreme.noise.engine.case import CAPITAL, LOWER, has_case, initials, letters_of, lower, style, upper
from robust_xtreme.noise.engine.perturbation import alphabet_pack, known_language
from robust_xtreme.noise.engine.words import Form, words

_WITHOUT_CAPITALS = ("ka",)


def _lacks(code: str) -> str:
    """Georgian's Mtavruli capitals represent whole lines only, and hardly any text has them."""
    if reason := known_language(code):
        return reason
    cased = code not in _WITHOUT_CAPITALS and any(map(has_case, language_of(code).alphabet))
    return "" if cased else "the script has no case"


@words(
    strength="share of words in the wrong case",
    rates={"initial": "1", "second": "1", "inverted": "1", "lower": "1", "upper": "1"},
    lacks=_lacks,
    packs=alphabet_pack,
)
def casing(word: str, language: str) -> Iterator[Form]:
    """Write words in the wrong case: a capital lost or held too long, caps lock on."""
    for form in _forms(word, language):
        if set(split(form.text)) - set(split(word)) <= letters_of(language):  # no new letter is a foreign one
            yield form


def _forms(word: str, code: str) -> Iterator[Form]:
    how, capitals, small = style(word, code), upper(word, code), lower(word, code)
    if how == CAPITAL and len(word) > 1:
        first, *others = initials(word, code)
        tail = "".join(initials(capitals, code)[1:])
        yield Form(lower(first, code) + "".join(others), "initial")
        yield Form(lower(first, code) + tail, "inverted")
        if len(others) > 1:
            yield Form(first + upper(others[0], code) + "".join(others[1:]), "second")
    elif how != LOWER:
        yield Form(small, "lower")
    yield Form(capitals, "upper")
