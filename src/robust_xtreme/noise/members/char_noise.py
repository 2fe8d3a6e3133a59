"""KeyingErrors of the hand: letters left out, doubled, swapped with the next one, or replaced by another.

The unit is a letter with all its marks; digits, punctuation and emoji are never touched. A replacement is a letter of
the text's own language, of the same script and case, and never the letter itself; a letter of a script that the
language's alphabet does not have (a Latin name in a Thai text) is deleted, doubled or swapped, never replaced. A swap exchanges
two neighbours that differ, inside one word. Of the operators that a letter allows each is as likely as the others.
"""

from __future__ import annotations

from robust_xtreme.noise.engine.noising import OPERATORS, Letters, Proposal, letters


@letters(strength="share of letters edited", ops=OPERATORS)
def char_noise(page: Letters, ops: tuple[str, ...]) -> Proposal:
    """Delete, double, swap and replace letters, with letters of the language's own alphabet."""
    return page.may(*ops)
