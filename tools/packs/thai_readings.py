"""How Thai words are read, by TLTK 1.11 (BSD-3-Clause): the pieces that it divides a word into, each with its sounds.

A sound is an initial, a vowel, a final and a tone, as in `khluua2`; a piece has several where letters are read twice or
without a written vowel, as in จันท `can0'tha3`.
"""

from __future__ import annotations

import importlib.util
import re
import sys
import types
from collections.abc import Iterable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Final

NEEDLESS: Final = (
    "pandas", "nltk", "nltk.tag", "nltk.tag.perceptron", "nltk.parse", "sklearn", "sklearn.ensemble",
    "sklearn.feature_extraction", "sklearn.pipeline", "sklearn_crfsuite",
)  # fmt: skip
"""What TLTK imports for its taggers and not for its readings."""

LOAN: Final = re.compile("[ฟซฮ๊๋็]|[กคชซดตทนบปฟมลวส]์|์[ก-ฮ]|อร์")
INSERTED: Final = re.compile(r"(?:[nlwNdbfsm]|[ptk]h?)a[0-9]'")
"""A consonant with a vowel that is not written: before a syllable of a loan it is the final of the syllable before."""

CLUSTER: Final = re.compile(r"^([ptkbdf]h?)a[0-9]'(?=[rl])")
LOANED: Final = re.compile("[ฟซ๊๋]|[กซดฟลส]์")
"""The two consonants that begin a piece with such letters have no vowel between them."""

SOUND: Final = re.compile(
    r"(?P<on>(?:[ptkc]h?|[bdmnNfslrwjh?])[rlw]?)(?P<vowel>iia|UUa|uua|ia|Ua|ua|aa|ii|UU|uu|ee|xx|oo|OO|@@|[aiUuexoO@])"
    r"(?P<end>ch|[ptkmnNwjfsl]?)[0-9]"
)
INITIAL: Final = {"c": "ch", "N": "ng", "?": "", "j": "y"}
TYPED: Final = {"c": "j", "k": "g", "kh": "k", "th": "t", "ph": "p"}
FINAL: Final = {"N": "ng", "j": "i", "w": "o", "l": "n", "f": "p", "s": "t", "ch": "t"}
VOWEL: Final = {
    "a": "a", "i": "i", "U": "ue", "u": "u", "e": "e", "x": "ae", "o": "o", "O": "o", "@": "oe", "ia": "ia",
    "Ua": "uea", "ua": "ua",
}  # fmt: skip
CHAT: Final = {
    "ii": "ee", "uu": "oo", "UU": "eu", "@@": "er", "@": "er", "UUa": "eua", "iiw": "ew", "iw": "ew", "eew": "ew",
    "ew": "ew", "xxw": "aew", "xw": "aew", "uuaj": "uay", "OOj": "oy", "ooj": "oy", "Oj": "oy", "@@j": "oey",
    "OO": "or", "O": "or",
}  # fmt: skip
"""Vowels, with the final where it is j or w, that people type otherwise than the Royal Institute writes them."""

Reading = tuple[tuple[str, str], ...]
"""The pieces of a word, each with its sounds."""


def readings(words: Iterable[str], folder: Path) -> dict[str, Reading]:
    """The readings of words by the TLTK of a folder (an unpacked wheel), without words that it does not read whole."""
    re._MAXCACHE = 1 << 16  # type: ignore[attr-defined]  # TLTK matches more patterns than the cache of re has
    module = tltk(folder)
    known = {}
    for word in words:
        letters, _, sounds = module.g2p(word).replace("<s/>", "").partition("<tr/>")
        both = (re.split(r"[~|]", text.strip("|")) for text in (letters, sounds))
        reading = tuple((piece, loaned(piece, sound)) for piece, sound in zip(*both, strict=False))
        if "".join(piece for piece, _ in reading) == word and is_whole(word, reading):
            known[word] = reading
    return known


def tltk(folder: Path) -> types.ModuleType:
    """The module of TLTK that reads words, without the packages that it does not need for them."""
    for name in NEEDLESS:
        sys.modules[name] = stub = types.ModuleType(name)
        for label in ("PerceptronTagger", "malt", "RandomForestClassifier", "DictVectorizer", "Pipeline", "CRF"):
            setattr(stub, label, object)
    spec = importlib.util.spec_from_file_location("tltk_nlp", folder / "tltk" / "nlp.py")
    if spec is None or spec.loader is None:
        raise SystemExit(f"{folder}: tltk/nlp.py is not there; unpack the wheel of TLTK 1.11 there")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def is_whole(word: str, reading: Reading) -> bool:
    """Whether all pieces are read, none of a loan with a vowel between two syllables that nothing writes."""
    if not all(SOUND.fullmatch(sound) for _, sounds in reading for sound in parts(sounds)):
        return False
    return not (LOAN.search(word) and any(INSERTED.match(after[1]) for _, after in pairwise(reading)))


def loaned(piece: str, sounds: str) -> str:
    """The sounds of a piece, without a vowel between the consonants that begin a loan."""
    return CLUSTER.sub(r"\1", sounds) if LOANED.search(piece) else sounds


def parts(sounds: str) -> list[str]:
    """The sounds of a piece, one a syllable."""
    return re.split(r"['^]", sounds)


def romanised(sounds: str) -> str:
    """The sounds of a piece as the Royal Institute (1999) writes them, without its hyphens."""
    return "".join(_written(match, INITIAL, {}) for match in map(SOUND.fullmatch, parts(sounds)) if match)


def typed(sounds: str) -> str:
    """The sounds of a piece with English vowels, and consonants without their h."""
    return "".join(_written(match, INITIAL | TYPED, CHAT) for match in map(SOUND.fullmatch, parts(sounds)) if match)


def _written(match: re.Match[str], initial: Mapping[str, str], vowels: Mapping[str, str]) -> str:
    onset, vowel, end = match.group("on", "vowel", "end")
    first = onset[:2] if onset[1:2] == "h" else onset[:1]
    begin = initial.get(first, first) + onset[len(first) :]
    short = vowel[1:] if vowel[:1] == vowel[1:2] else vowel
    if vowel + end in vowels:
        return begin + vowels[vowel + end]
    written = VOWEL[short] if vowel in ("O", "OO") and end else vowels.get(vowel, VOWEL[short])
    return begin + written + FINAL.get(end, end)
