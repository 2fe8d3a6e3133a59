"""Real misspellings: each word is replaced by a misspelling of it from a list.

A list is the pack `misspellings/CODE.tsv`; a row is a misspelling and the right word, with a weight if the list has
weights. Users' lists add to the bundled one. The case of the word is kept (lower, Capital, CAPITALS), and the parts
before and after an apostrophe are looked up by themselves if the whole is not listed. In languages written without
spaces a word is all text between two signs, so that a list would have to contain such texts.

A list is thin if ten pairs make more than half of its edits on real text; suites leave its language out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from robust_xtreme.core import packs
from robust_xtreme.core.errors import DataError
from robust_xtreme.noise.engine.case import MIXED, lower, style, styled
from robust_xtreme.noise.engine.words import Form, words

THIN = 0.5
"""A list is thin where ten pairs make more than this share of its edits."""

_MISSPELLING = "misspelling"
_WEIGHT = re.compile("[1-9][0-9]{0,4}")


@packs.cached
def misspelt(code: str) -> Mapping[str, Mapping[str, int]]:
    """The misspellings of each word with their weights, all in small letters."""
    misspellings: dict[str, dict[str, int]] = {}
    for table in packs.tables("misspellings", code):
        for number, row in enumerate(table.need("wrong", "right", optional=("weight",)).rows, 1):
            wrong, right, weight = (row.get(column, "").strip() for column in ("wrong", "right", "weight"))
            words = len(wrong.split()) == len(right.split()) == 1
            if not words or wrong == right or not _WEIGHT.fullmatch(weight or "1"):
                raise DataError(
                    table.path,
                    f"row {number} is not a misspelling: it needs 'wrong' and 'right', single words that differ, and a "
                    f"weight from 1 to 99999 where the file has weights; it contains "
                    f"{', '.join(map(repr, row.values())):.80}",
                )
            forms = misspellings.setdefault(key_of(right, code), {})
            forms[key_of(wrong, code)] = forms.get(key_of(wrong, code), 0) + int(weight or "1")
    return misspellings


def key_of(word: str, code: str) -> str:
    """A word in small letters of its language, with the plain apostrophe."""
    return lower(word, code).replace("’", "'")


def ten(code: str) -> float:
    """The share of the ten most frequent pairs of a list in its edits on real text; 0 where it is not known."""
    return min((float(table.header.get(packs.TEN, "0")) for table in packs.tables("misspellings", code)), default=0.0)


def _thin(code: str) -> str:
    share = ten(code)
    return f"its list is thin, ten pairs make {share:.0%} of the edits on real text" if share > THIN else ""


@words(
    strength="share of the words listed that are misspelt",
    rates={_MISSPELLING: "1"},
    lacks=lambda code: "" if packs.has("misspellings", code) else "no list of misspellings",
    packs=lambda code: (f"misspellings/{code}",),
    thin=_thin,
)
def natural_typo(word: str, language: str) -> Iterator[Form]:
    """Misspell words as people do, by lists of real misspellings."""
    whole = list(_of(word, language))
    yield from whole
    pieces = re.split("(['’])", word)
    if not whole and len(pieces) > 1:
        for index, piece in enumerate(pieces):
            for form in _of(piece, language):
                yield form._replace(text="".join((*pieces[:index], form.text, *pieces[index + 1 :])))


def _of(word: str, code: str) -> Iterator[Form]:
    """The misspellings of a word in its own case and with its own apostrophe."""
    how = style(word, code)
    listed = {} if how == MIXED else misspelt(code).get(key_of(word, code), {})
    for wrong, weight in listed.items():
        written = wrong.replace("'", "’") if "’" in word else wrong
        yield Form(styled(written, how, code), _MISSPELLING, weight)
