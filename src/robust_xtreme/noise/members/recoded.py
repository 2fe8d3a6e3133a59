"""Letters in other code points: look-alikes of other scripts, without their marks, and in other normal forms."""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from robust_xtreme.core import graphemes, languages, packs
from robust_xtreme.core.errors import DataError
from robust_xtreme.noise.engine.case import capital, cases, upper
from robust_xtreme.noise.engine.perturbation import alphabet_pack
from robust_xtreme.noise.engine.respelling import WORD, Recoding, hardly, recoding

# Look-alikes of other scripts in the place of letters: Latin a, Cyrillic а; Greek ο, Latin o; Tamil ழ, Malayalam ഴ.
#
# The pairs are those of Unicode's security data (UTS 39), one pack per script (perturbations/confusables). Letters that
# are intentionally the same are drawn three times as often as others. A reader sees nearly the same text, a tokenizer
# sees letters of another script. A letter with marks that are code points of their own stays.

_ALIKE: Final = "confusables"
_LACKS: Final = "hardly a letter of another script looks like one of its script"
_WEIGHT: Final = re.compile("[1-9][0-9]?")


@recoding(
    strength="share of letters that become look-alikes, of those that have any",
    operator="lookalike",
    marked=False,
    lacks=lambda code: "" if packs.has(_ALIKE, languages.language(code).script) else _LACKS,
    packs=lambda code: (f"{_ALIKE}/{languages.language(code).script}", f"alphabets/{code}"),
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
    table = packs.table(_ALIKE, script).need("letter", "forms", "weights")
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


# Marks left out, as people do who type in a hurry or on another keyboard: cafe, Turkce, tieng Viet.
#
# A letter of the language's alphabet that Unicode decomposes into a base and marks loses all its marks (ế to e, ẹ́ to
# e). What replaces letters that do not decompose (đ, ł, ı, ə, ɔ) is in a pack of the script or of the language
# (perturbations/diacritics), and so is what Cyrillic letters become: й and ї are letters of their own, but ё becomes е.
# In Arabic and Hebrew script vowel points are left out; a hamza or madda is a part of its letter. With `@umlaut=ae`
# German ä, ö, ü and ß become ae, oe, ue and ss; by default ä, ö and ü become a, o and u.
#
# In scripts whose marks are vowels, or silence them, nobody types a text without marks: they are refused.

_KIND: Final = "diacritics"
_ABUGIDAS: Final = frozenset(("Beng", "Deva", "Gujr", "Guru", "Mlym", "Mymr", "Taml", "Telu", "Thai"))
_POINTED: Final = ("Arab", "Hebr")
_PARTS_OF_LETTERS: Final = frozenset("\u0653\u0654\u0655")
"""Madda and hamzas, which a letter of Arabic script has in its decomposed form."""

_DECOMPOSED: Final = ("Grek", "Latn")
"""The scripts whose marks, but for those of packs, are left out."""


@recoding(
    strength="share of letters with marks that lose them",
    operator="strip",
    choices={"umlaut": lambda: ("a", "ae")},
    nothing="no letters with marks that people leave out",
    lacks=lambda code: "the marks of its script are vowels" if languages.language(code).script in _ABUGIDAS else "",
    packs=lambda code: (f"alphabets/{code}", *packs.present(_KIND, languages.language(code).script, code)),
    thin=hardly("af eu fa he jv nl qu ru tl ur"),
)
def diacritics(language: str, umlaut: str) -> Iterator[Recoding]:
    """Leave out accents, dots, tone marks and vowel points, as people do in typing."""
    known = languages.language(language)
    marks = {mark for mark in known.marks if unicodedata.category(mark) == "Mn"} - _PARTS_OF_LETTERS
    listed = plain_letters(language, umlaut)
    if known.script in _DECOMPOSED:
        first = {form[0] for letter in known.alphabet if len(letter) > 1 for form in (letter, upper(letter, language))}
        for letter in {*cases(language), *first} - listed.keys():
            decomposed = unicodedata.normalize("NFD", letter)
            marks |= {*decomposed[1:]}
            yield Recoding(letter, decomposed[0])
    for letter, plain in listed.items():
        yield Recoding(letter, plain)
        marks |= {*unicodedata.normalize("NFD", letter)[1:]}
    if known.script in (*_DECOMPOSED, *_POINTED) or listed:
        yield from (Recoding(mark, "") for mark in sorted(marks))


@packs.cached
def plain_letters(code: str, umlaut: str) -> Mapping[str, str]:
    """What is written for letters by the packs of the language's script and of the language, in both cases.

    The pack of the script is for the letters of the alphabet; that of the language may have others, as Romanian ş.
    """
    script = languages.language(code).script
    alphabet = {letter[0] for letter in languages.language(code).alphabet}
    of_script = rows(script, umlaut) if packs.has(_KIND, script) else {}
    small = {letter: plain for letter, plain in of_script.items() if letter in alphabet}
    small |= rows(code, umlaut) if packs.has(_KIND, code) else {}
    capitals = {upper(letter, code): capital(plain, "") for letter, plain in small.items()}
    return small | {letter: plain for letter, plain in capitals.items() if len(letter) == 1}


def rows(name: str, umlaut: str = "") -> dict[str, str]:
    """What is written for letters by one pack. Raises DataError at a row that says something else."""
    table = packs.table(_KIND, name).need("letter", "plain", optional=("umlaut",))
    letters: dict[str, str] = {}
    for row in table.rows:
        letter, plain = row["letter"], row["plain"]
        if len(letter) != 1 or not 1 <= len(plain) <= 2 or letter == plain or not (letter + plain).isalpha():
            what = f"the row of {letter!r:.20} is not a letter and the one or two letters written for it"
            raise DataError(table.path, what)
        if row.get("umlaut", "") in ("", umlaut):
            letters[letter] = plain
    _check(table.path, name, letters)
    return letters


def _check(path: Path, name: str, letters: Mapping[str, str]) -> None:
    """Raise DataError at a letter that is written in another script, or by a letter that is written otherwise."""
    script = languages.language(name).script if name in languages.ALL_LANGUAGES else name
    for letter, plain in letters.items():
        if wrong := next((point for point in letter + plain if not languages.written_in(script, point)), ""):
            raise DataError(path, f"in the row of {letter!r} {wrong!r} is not a letter of the script {script}")
        if wrong := next((point for point in plain if point in letters), ""):
            what = f"{wrong!r} is written for it, and another row writes {letters[wrong]!r} for {wrong!r}"
            raise DataError(path, f"in the row of {letter!r} {what}")


# The same letters in other code points: as a file, a keyboard or a font has them that is not the usual one.
#
# `canonical` decomposes letters that Unicode composes (é to e and an accent, Hangul syllables to jamo, が to か with
# its mark, Bengali ো, Arabic أ), which are equal in NFC. `compatible` are forms that are equal in NFKC: full-width
# letters and digits, half-width punctuation and katakana in East Asian text, and the two parts of Thai ำ.
# `variants` are other letters for the same letter, which no normal form makes equal (perturbations/normalisation):
# Arabic and Persian yeh and kaf, a hamza left out, Romanian cedillas for commas. By default a letter has any of the
# forms that its language has.

_FORM: Final = "normalisation"
_ANY: Final = "any"
_EAST_ASIAN: Final = ("Hans", "Jpan", "Kore")
_FULL_WIDTH: Final = 0xFEE0
"""The distance between an ASCII character and its full-width form."""

_HALF_WIDTH: Final = range(0xFF66, 0xFFA0)
_SARA_AM: Final = "\u0e33"


@recoding(
    strength="share of letters in another form, of those that have one",
    operator="recode",
    choices={"form": lambda: (_ANY, *_FORMS)},
    nothing="none of its letters has such a form",
    packs=lambda code: (f"alphabets/{code}", *packs.present(_FORM, code)),
    thin=hardly("af eu hi jv my nl qu tl"),
    waives=frozenset({"normal_forms_stay", "rule_4_noise_belongs_to_the_script"}),
)
def normalisation(language: str, form: str) -> Iterator[Recoding]:
    """Write letters in another normal form, width or variant, such as decomposed or full-width ones."""
    for name, forms in _FORMS.items():
        if form in (name, _ANY):
            yield from forms(language)


def _canonical(code: str) -> Iterator[Recoding]:
    """The decomposed forms of letters and marks that NFC composes."""
    known = languages.language(code)
    first = (point for letter in known.alphabet if len(letter) > 1 for point in (letter[0], upper(letter, code)[0]))
    for point in dict.fromkeys((*cases(code), *first, *known.marks)):
        decomposed = unicodedata.normalize("NFD", point)
        if unicodedata.normalize("NFC", decomposed) == point:
            yield Recoding(point, decomposed)


def _compatible(code: str) -> Iterator[Recoding]:
    """The forms of other widths in East Asian text, and the parts of Thai sara am."""
    known = languages.language(code)
    if known.script in _EAST_ASIAN:
        for point in filter(str.isalnum, map(chr, range(0x21, 0x7F))):
            yield Recoding(point, chr(ord(point) + _FULL_WIDTH))
        for mark in known.punctuation:
            narrow = unicodedata.normalize("NFKC", mark)
            if unicodedata.east_asian_width(mark) == "F" and len(narrow) == 1:
                yield Recoding(mark, narrow)
    if known.script == "Jpan":
        yield from _half_width(code)
    if known.script == "Thai":
        yield Recoding(_SARA_AM, unicodedata.normalize("NFKC", _SARA_AM))


def _half_width(code: str) -> Iterator[Recoding]:
    """The half-width forms of katakana; the mark of a voiced sound is a code point there."""
    narrow = {unicodedata.normalize("NFKC", chr(point)): chr(point) for point in _HALF_WIDTH}
    for letter in (*cases(code), "\u30fc"):
        parts = unicodedata.normalize("NFD", letter)
        if all(part in narrow for part in parts):
            yield Recoding(letter, "".join(map(narrow.__getitem__, parts)))


def _variants(code: str) -> Iterator[Recoding]:
    """The variants of letters, in both cases, that a language's pack lists."""
    for letter, form in variants(code) if packs.has(_FORM, code) else ():
        yield Recoding(letter, form)
        if len(upper(letter, code)) == 1:
            yield Recoding(upper(letter, code), upper(form, code))


@packs.cached
def variants(code: str) -> tuple[tuple[str, str], ...]:
    """The letters of a language with each of their variants. Raises DataError at a row that is something else."""
    table = packs.table(_FORM, code).need("letter", "forms")
    pairs: list[tuple[str, str]] = []
    for row in table.rows:
        letter, forms = row["letter"], row["forms"].split()
        if len(letter) != 1 or unicodedata.category(letter)[0] not in "LM" or not forms or letter in forms:
            raise DataError(table.path, f"the row of {letter!r:.20} is not a letter and other forms of it")
        pairs += [(letter, form) for form in forms]
    return tuple(pairs)


_FORMS: Final[Mapping[str, Callable[[str], Iterator[Recoding]]]] = {
    "canonical": _canonical,
    "compatible": _compatible,
    "variants": _variants,
}


# They are code points of their own, which Unicode has for mathematics and for other uses, and which its normal form
# NFKC, that many tokenizers apply, turns into letters again (not small capitals). All letters of a word that have the
# style change. Letters with marks stay, as in the generators of such text; Greek has bold, italic and sans.


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
