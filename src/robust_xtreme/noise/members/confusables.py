"""Look-alikes of other scripts in the place of letters: Latin a, Cyrillic а; Greek ο, Latin o; Tamil ழ, Malayalam ഴ.

The pairs are those of Unicode's security data (UTS 39), one pack per script (perturbations/confusables). Letters that
are intentionally the same are drawn three times as often as others. A reader sees nearly the same text, a tokenizer
sees letters of another script. A letter with marks that are code points of their own stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from robust_xtreme.core import graphemes, languages, packs
from robust_xtreme.core.errors import DataError
from robust_xtreme.noise.engine.case import cases
from robust_xtreme.noise.engine.recoding import Recoding, hardly, recoding

_KIND: Final = "confusables"
_LACKS: Final = "hardly a letter of another script looks like one of its script"
_WEIGHT: Final = re.compile("[1-9][0-9]?")


@recoding(
    strength="share of letters that become look-alikes, of those that have any",
    operator="lookalike",
    marked=False,
    lacks=lambda code: "" if packs.has(_KIND, languages.language(code).script) else _LACKS,
    packs=lambda code: (f"{_KIND}/{languages.language(code).script}", f"alphabets/{code}"),
    thin=hardly("ja zh"),
    waives=frozenset({"rule_4_noise_belongs_to_the_script"}),
)
def confusables(language: str) -> Iterator[Recoding]:
    """Replace letters by letters of other scripts that look the same."""
    letters = frozenset(cases(language))
    yield from (row for row in alike(languages.language(language).script) if row.point in letters)


def _script(letter: str) -> int:
    """A number for the script of a letter."""
    return int(graphemes.string_properties(letter)[0]) >> graphemes.SCRIPT_SHIFT


@packs.cached
def alike(script: str) -> tuple[Recoding, ...]:
    """The look-alikes of a script's letters. Raises DataError at a row that is not a letter, forms and weights."""
    table = packs.table(_KIND, script).need("letter", "forms", "weights")
    recodings: list[Recoding] = []
    for row in table.rows:
        letter, forms, weights = row["letter"], row["forms"].split(), row["weights"].split()
        letters = all(len(form) == 1 and form.isalpha() for form in (letter, *forms))
        if not (letters and len(forms) == len(weights) and all(map(_WEIGHT.fullmatch, weights))):
            what = f"the row of {letter!r:.20} is not a letter, letters that look like it, and a weight for each"
            raise DataError(table.path, what)
        if same := next((form for form in forms if _script(form) == _script(letter)), ""):
            what = f"in the row of {letter!r} {same!r} is of the same script, and a look-alike is of another one"
            raise DataError(table.path, what)
        if not languages.written_in(script, letter):
            raise DataError(table.path, f"the letter {letter!r} is not of the script {script}")
        recodings += [Recoding(letter, form, int(weight)) for form, weight in zip(forms, weights, strict=True)]
    return tuple(recodings)
