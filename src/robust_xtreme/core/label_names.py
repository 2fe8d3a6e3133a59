"""How labels are spelt: which two differ in their spelling alone, and the order of labels that are numbers."""

import re
import unicodedata
from collections.abc import Callable, Hashable, Iterable
from fractions import Fraction
from functools import cache
from typing import Any, Final

_NUMBER: Final = re.compile(r"(?!.{100})[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d{1,3})?")
"""A number of at most 99 characters: Python reads no whole number of thousands of digits."""


@cache
def _compile_patterns() -> tuple[Any, Any, Any]:
    """Compile what is left out of labels, and hyphens in any form and within a word; the library loads when needed."""
    import regex

    return (
        regex.compile(r"[\s_`\p{Quotation_Mark}\p{Default_Ignorable_Code_Point}]+"),
        regex.compile(r"[\p{Dash_Punctuation}\u2212]"),
        # not the sign of a number, the mark of `A-` or the hyphen of a range (`1-2`)
        regex.compile(r"(?<=\w)-+(?=[^\W\d])|(?<=[^\W\d])-+(?=\d)"),
    )


def fold_label(label: str) -> str | Fraction:
    """Return what labels that differ in their spelling alone have in common, which is the value of a number.

    Spellings differ in case, width, normal form, blanks, hyphens, underscores, quotes and the form of a number (1 and
    1.0). Accents and the dotless i tell labels apart, and so do the signs of numbers and of marks (`A` and `A-`).
    """
    left_out, hyphen, hyphen_in_word = _compile_patterns()
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", label).casefold())
    plain = hyphen.sub("-", left_out.sub("", plain))
    return Fraction(plain) if _NUMBER.fullmatch(plain) else hyphen_in_word.sub("", plain) or label


def find_alike(labels: Iterable[str], fold: Callable[[str], Hashable] = fold_label) -> tuple[str, str] | None:
    """Return the first two labels that fold to the same value; None where there are none."""
    labels_by_value: dict[Hashable, str] = {}
    for label in labels:
        if (value := fold(label)) in labels_by_value:
            return labels_by_value[value], label
        labels_by_value[value] = label
    return None


def format_alike(first: str, second: str) -> str:
    """Write two labels beside each other for a message, in escapes where they would look the same."""
    looks = {unicodedata.normalize("NFKC", label).replace("\ufe0f", "") for label in (first, second)}
    return " and ".join(f"{ascii(label) if len(looks) == 1 else repr(label):.80}" for label in (first, second))


def sort_labels(labels: Iterable[str]) -> list[str]:
    """Return labels in their order: numbers by value where all labels are numbers, else all of them as texts."""
    in_order = sorted(labels)
    if all(isinstance(fold_label(label), Fraction) for label in in_order):
        return sorted(in_order, key=lambda label: Fraction(fold_label(label)))
    return in_order
