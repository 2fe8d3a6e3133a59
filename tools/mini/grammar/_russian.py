"""How Russian declines: names, nouns and adjectives from their nominative."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_VELAR: Final = "гкхжчшщ"
"""Letters after which `и` is written for `ы`."""
_FEMININE: Final = {"nom": "ая", "acc": "ую", "dat": "ой"}
_FEMININE_SOFT: Final = {"nom": "яя", "acc": "юю", "dat": "ей"}


def noun(entry: Mapping[str, Any], case: str, *, animate: bool) -> str:
    """A noun of the lexicon in the nominative, accusative or dative."""
    text = str(entry["text"])
    if case in entry:
        return str(entry[case])
    if entry["gender"] == "f":
        return feminine(text, case)
    return masculine(text, case) if animate or case == "dat" else text


def masculine(text: str, case: str) -> str:
    """A man's name, or a masculine noun of a living being."""
    if case == "nom" or text[-1] in "иоуэ":
        return text
    if text[-1] in "ая":
        return feminine(text, case)
    if text[-1] in "йь":
        return text[:-1] + {"acc": "я", "dat": "ю"}[case]
    return text + {"acc": "а", "dat": "у"}[case]


def feminine(text: str, case: str) -> str:
    """A woman's name, or a feminine noun; what ends in another letter keeps its form."""
    if case == "nom" or text[-1] not in "аяь":
        return text
    if text[-1] == "ь":
        return text if case == "acc" else f"{text[:-1]}и"
    if case == "acc":
        return text[:-1] + {"а": "у", "я": "ю"}[text[-1]]
    return text[:-1] + ("и" if text.endswith("ия") else "е")


def surname(entry: str | Mapping[str, Any], case: str, *, woman: bool) -> str:
    """A surname; a woman's is declined only if it ends in `а` or has forms of its own."""
    if isinstance(entry, str):
        return masculine(entry, case) if not woman else feminine(entry, case) if entry.endswith("а") else entry
    if entry.get("fixed"):
        return str(entry["text"])
    if woman:
        return str(entry["f" if case == "nom" else f"f_{case}"])
    return masculine(entry["text"], case)


def adjective(text: str, gender: str, case: str, *, animate: bool) -> str:
    """An adjective as its noun is: gender, case, and whether it lives."""
    stem, soft = text[:-2], text.endswith("ний")
    if gender == "f":
        return stem + (_FEMININE_SOFT if soft else _FEMININE)[case]
    if gender == "p":
        return stem + ("ие" if soft or stem[-1] in _VELAR else "ые")
    if case == "dat":
        return stem + ("ему" if soft else "ому")
    if gender == "n":
        return stem + ("ее" if soft else "ое")
    return stem + ("его" if soft else "ого") if case == "acc" and animate else text


def city(entry: str | Mapping[str, str], case: str) -> str:
    """A city after `в`: where something is (`prep`) or where it leads to (`acc`)."""
    if not isinstance(entry, str):
        return entry[case]
    if entry[-1] == "а":
        return entry[:-1] + {"acc": "у", "prep": "е"}[case]
    if case == "acc" or entry[-1] in "ио":
        return entry
    return f"{entry.removesuffix('й')}е"
