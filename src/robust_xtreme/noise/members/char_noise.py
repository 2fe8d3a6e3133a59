"""Character noise: letters deleted, doubled, swapped with the next letter, or replaced by another letter.

The unit is a letter with all its marks; digits, punctuation and emoji are never edited. A replacement is a letter of
the text's own language, of the same script and case, and never the letter itself. A letter of a script that the
language's alphabet does not have (a Latin name in a Thai text) is deleted, doubled or swapped, never replaced. A swap
exchanges two neighbours that differ, inside one word. A letter that bears a spacing sign, a mark that is a cluster of
its own (Burmese ာ), stays before it, and is replaced by letters that the language combines with the sign. The operators
that a letter allows are equally likely.
"""

from __future__ import annotations

from robust_xtreme.noise.engine.letters import OPERATORS, Letters, Proposal, letters


@letters(strength="share of letters edited", parameters={"ops": OPERATORS}, version=2)
def char_noise(page: Letters, ops: tuple[str, ...]) -> Proposal:
    """Delete, double, swap and replace letters, with letters of the language's own alphabet."""
    return page.may(*ops)
