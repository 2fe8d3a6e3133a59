"""Write the rows of words of perturbations/romanisations/ar.tsv, fa.tsv and ur.tsv, from readings.

    python tools/packs/abjads.py

These scripts leave short vowels out, so that a word's spelling needs its reading: `abjad_readings.tsv` lists words, the
most frequent first. A reading is spelled in several ways of typing, each with a weight; where the table lists
`spellings`, these are the forms. A word whose `source` is arabizikit has its spellings too. The other rows of a pack,
of letters and of parts of words, are written by hand in the pack itself and stay.

Readings of Arabic: H is a final ة, 2 3 7 are ء ع ح, x V P $ G خ ث ذ ش غ, and other capitals emphatic letters or long
vowels. Of Persian: A I U are long, x is خ, $ ش, q ق and غ, ' ع and ء. Readings of Urdu are spellings with aa, ee, oo.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

READINGS: Final = Path(__file__).with_name("abjad_readings.tsv")
TARGET: Final = Path(__file__).parents[2] / "perturbations" / "romanisations"

Forms = list[tuple[str, int]]
"""Spellings with their weights."""

Row = tuple[str, str, str, str, str, str, str]
"""A row of a pack: letters, forms, weights, where, class, standing and source."""


class Way(NamedTuple):
    """A way of typing: its weight, how it writes the letters of a reading, and its habits."""

    weight: int
    letters: Mapping[str, str]
    habits: frozenset[str] = frozenset()


def _way(weight: int, letters: str, habits: str = "") -> Way:
    """A way of typing, of letters as in `q=2 U=ou`."""
    pairs = (pair.partition("=") for pair in letters.split())
    return Way(weight, {letter: form for letter, _, form in pairs}, frozenset(habits.split()))


_PLAIN: Final = "x=kh G=gh q=q S=s D=d T=t Z=z $=sh V=th A=a I=i U=u H=a "
ARABIC: Final = (
    _way(10, _PLAIN + "P=th"),
    _way(5, _PLAIN + "P=dh 2= 3= 7=h U=ou"),
    _way(4, _PLAIN + "P=th x=5 S=9 D=dh T=6 Z=dh I=ee U=oo", "iyya"),
    _way(6, _PLAIN + "P=z x=5 q=2 V=s j=g i=e u=o U=ou", "spoken final-y"),
    _way(3, _PLAIN + "P=z 2= i=e u=o I=ee U=oo H=ah", "spoken"),
    _way(2, _PLAIN + "P=d 2= q=9 Z=d $=ch V=t u=ou U=ou"),
    _way(2, _PLAIN + "P=th G=3' q=8 D=9' Z=6' A=aa I=ee U=oo"),
    _way(2, _PLAIN + "P=th", "skeleton"),
)
"""Ways to type Arabic. `spoken` has the vowels of Egypt, `skeleton` leaves short vowels out."""

_SHORT: Final = re.compile("(?<=[^aiuAIU])[aiu](?=[^aiuAIUwyH2])")


def arabic(reading: str, way: Way) -> str:
    """The spelling of a reading of Arabic; "" where a skeleton would be too short."""
    if "skeleton" in way.habits:
        body = _SHORT.sub("", reading)
        if body == reading or len(re.findall("[^aiuAIUH2]", body)) < 3:
            return ""
        reading = body
    if "spoken" in way.habits and not re.search("a[yw][aiuAIU]|ayy|aww", reading):
        reading = reading.replace("aw", "u").replace("ay", "e")
    if "iyya" not in way.habits:
        reading = re.sub("iyyH$", "iyH", reading)
    text = "".join(way.letters.get(letter, letter) for letter in _with_end(reading, way))
    text = text if way.letters.get("3") is None else re.sub("aaa+", "aa", text)
    return re.sub("^2(?=[aiueo])", "", text)


def _with_end(reading: str, way: Way) -> str:
    """A reading whose last long vowel is written short; one way drops a hamza after it."""
    if "final-y" in way.habits and reading.endswith("I") and len(reading) > 3:
        return reading[:-1] + "y"
    if reading.endswith("A2") and way.letters.get("2") == "":
        return reading[:-2] + "a"
    ends = {"I": "i", "A": "a", "U": "o" if "spoken" in way.habits else "u"}
    return reading[:-1] + ends.get(reading[-1], reading[-1])


_LONG: Final = "A=a I=i q=gh x=kh $=sh Y=y @=e '= "
PERSIAN: Final = (
    _way(6, _LONG + "U=oo", "ei"),
    _way(5, _LONG + "U=u"),
    _way(2, _LONG + "U=oo @=eh A=aa", "ei iy"),
    _way(2, _LONG + "U=ou @=eh", "ei aa"),
    _way(2, _LONG + "U=u q=q '='", "iy"),
    _way(1, _LONG + "U=u x=x"),
    _way(1, _LONG + "U=oo I=ee", "iy"),
)
"""Ways to type Persian. `ei` writes ey so, `iy` keeps the y of iya, `aa` lengthens an a beside ع."""


def persian(reading: str, way: Way) -> str:
    """The spelling of a reading of Persian."""
    if len(reading) > 2 and len(re.sub("[^aeiouAIU]", "", reading)) > 1:
        reading = re.sub("e$", "@", reading)
    reading = re.sub("^'|'$", "", reading)
    if "aa" in way.habits and "a'" in reading:
        reading = reading.replace("a'", "aa").replace("'a", "aa")
    reading = re.sub("Iyy?(?=[aAoe@])", "IY" if "iy" in way.habits else "I", reading)
    reading = reading.replace("ey", "ei") if "ei" in way.habits else reading
    text = "".join(way.letters.get(letter, letter) for letter in reading)
    return text.replace("aaa", "aa") if way.letters["A"] == "aa" else text


def urdu(word: str, reading: str, taken: bool) -> Forms:
    """The spellings of a word of Urdu by its reading; one `taken` from a list weighs more as it is.

    The endings of -ے and of plurals are spelled in several ways; those of English words (کالج college) in one.
    """
    short = reading.replace("aai", "ai").replace("aa", "a")
    forms = Counter({reading: 3 if taken else 2})
    forms[short] += 6
    if word.endswith(("ے", "ۓ", "ہ")) and len(short) > 3:
        if short.endswith("ay"):
            forms[short[:-2] + "e"] += 4
        elif short.endswith("e"):
            forms[short[:-1] + "ay"] += 2
    forms[short.replace("ee", "i").replace("oo", "u")] += 2
    for old, new, weight in (("chh", "ch", 3), ("q", "k", 1), ("khwa", "khua", 1)):
        if old in short:
            forms[short.replace(old, new)] += weight
    for end, other, weight in (("on", "oon", 1), ("ein", "en", 2), ("ein", "ain", 1)):
        if short.endswith(end) and word.endswith("ں"):
            forms[short.removesuffix(end) + other] += weight
    if "w" in short[1:]:
        forms[short[0] + short[1:].replace("w", "v", 1)] += 1
    return forms.most_common()


def spelled(reading: str, spell: Callable[[str, Way], str], ways: tuple[Way, ...]) -> Forms:
    """The spellings of a reading in all ways, the most likely first."""
    forms: Counter[str] = Counter()
    for way in ways:
        forms[spell(reading, way)] += way.weight
    del forms[""]
    return forms.most_common()


class Word(NamedTuple):
    """A word of the table of readings: its forms, whether these are listed there, its reading, and its source."""

    letters: str
    forms: Forms
    listed: bool
    reading: str
    source: str


def words(language: str) -> Iterator[Word]:
    """The words of a language in the table of readings, with their forms."""
    with READINGS.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            if row["language"] == language:
                forms = _listed(row["spellings"]) or _spelled(row)
                yield Word(row["word"], forms, bool(row["spellings"]), row["reading"], row["source"])


def _listed(spellings: str) -> Forms:
    """Forms and weights in turn."""
    pieces = spellings.split()
    return [(form, int(weight)) for form, weight in zip(pieces[::2], pieces[1::2], strict=True)]


def _spelled(row: Mapping[str, str]) -> Forms:
    """The forms of a reading."""
    if row["language"] == "ur":
        return urdu(row["word"], row["reading"], taken=bool(row["source"]))
    spell, ways = (arabic, ARABIC) if row["language"] == "ar" else (persian, PERSIAN)
    return spelled(row["reading"], spell, ways)


def arabic_rows() -> Iterator[Row]:
    """Words of Arabic, and the same as they are written without hamza."""
    known, rows = {word.letters: word for word in words("ar")}, dict[str, Row]()
    for word in known.values():
        taken = [form for form in word.source.removeprefix("arabizikit:").split() if form not in dict(word.forms)]
        forms = word.forms + [(form, 2) for form in taken if re.fullmatch("[a-z0-9']+", form)]
        for letters in (word.letters, word.letters.translate(_BARE)):
            if letters not in rows and (letters == word.letters or letters not in known):
                most = 8 if word.listed else 6 if len(rows) < _FREQUENT else 5
                rows[letters] = _row(letters, forms[:most], "part", _noun(letters), source=word.source)
    return iter(rows.values())


_BARE: Final = str.maketrans("أإ", "اا")
_FREQUENT: Final = 400
_SUN: Final = dict(
    zip("تثدذرزسشصضطظن", ("T", "Th", "D", "Th", "R", "Z", "S", "Sh", "S", "D", "T", "Z", "N"), strict=True)
)


def _noun(letters: str) -> str:
    """The classes of a word of Arabic: `S`, or `Sun` and the letter, after the article; `B` after other clitics."""
    if letters.startswith("ال") or len(letters) < 3:
        return "W"
    return f"W Sun{_SUN[letters[0]]} B" if letters[0] in _SUN else "W S B"


def persian_rows() -> Iterator[Row]:
    """Words of Persian; the most frequent ones also take endings (S), and verbs what is put before them (Verb)."""
    for number, word in enumerate(words("fa")):
        forms = [(form, weight) for form, weight in word.forms if weight > 1 or len(word.forms) < 5]
        standing = "derived" if word.source else ""
        yield _row(word.letters, forms[:5], "part", _stem(word.letters, number), standing, word.source)


def _stem(letters: str, number: int) -> str:
    """The classes of a word of Persian, by its letters and its number in the table."""
    ended = len(letters) < 3 or "\u200c" in letters or letters.endswith(("ه", "ها", "های", "ا", "و"))
    if ended or letters.startswith(("می", "نمی")):
        return "W"
    verb = number < 1500 and letters.endswith(("م", "د", "ی", "ند", "یم", "ید"))
    return "W" + " S" * (number < 800) + " Verb" * verb


def urdu_rows() -> Iterator[Row]:
    """Words of Urdu."""
    for word in words("ur"):
        standing, source = ("derived", f"{word.source}: {word.reading}") if word.source else ("", "")
        yield _row(word.letters, word.forms[:5], "word", "", standing, source)


def _row(letters: str, forms: Forms, where: str, classes: str, standing: str = "", source: str = "") -> Row:
    """A row of a pack; equal weights are left out."""
    weights = [str(weight) for _, weight in forms]
    equal = len(set(weights)) == 1
    return (
        letters,
        " ".join(form for form, _ in forms),
        "" if equal else " ".join(weights),
        where,
        classes,
        standing,
        source,
    )


def pack(text: str, rows: Iterable[Row]) -> str:
    """The text of a pack with these words for those that it has.

    Words of a class (`part`) are after the letters. Where a rule of letters is written as one of them, that word is
    before them too, as a row without a class.
    """
    lines = text.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("letters\t")) + 1
    rules = [line for line in lines[start:] if not _is_word(line.split("\t"))]
    literal = {line.split("\t")[0] for line in rules if "part" not in line.split("\t")[3]}
    before = [(*row[:3], "word", "", *row[5:]) for row in rows if row[3] == "word" or row[0] in literal]
    after = [row for row in rows if row[3] == "part"]
    parts = (lines[:start], map("\t".join, before), rules, map("\t".join, after))
    return "".join(f"{line}\n" for part in parts for line in part)


def _is_word(cells: list[str]) -> bool:
    """Whether a row of a pack is one of a word: of class W, or of letters that are the whole word."""
    return len(cells) > 4 and ("W" in cells[4].split() or (cells[3] == "word" and "{" not in cells[0]))


PACKS: Final = {"ar": arabic_rows, "fa": persian_rows, "ur": urdu_rows}


def main() -> None:
    """Write the packs."""
    for language, rows in PACKS.items():
        path = TARGET / f"{language}.tsv"
        path.write_text(pack(path.read_text("utf-8"), list(rows())), encoding="utf-8")


if __name__ == "__main__":
    main()
