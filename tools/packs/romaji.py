"""Write perturbations/romanisations/ja.tsv and ja-hepburn.tsv: how kana are written in Latin letters.

    python tools/packs/romaji.py

The Hepburn table is the modified system of 1954: macrons on long vowels except ii and ei, n' before vowels and y, tch.
Typed romaji has no macrons: long vowels as in kana, shortened, or with the hyphen of input methods; shi or si, tsu or
tu, ji or zi. Hiragana and katakana have the same rows.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Final

TARGET: Final = Path(__file__).parents[2] / "perturbations" / "romanisations"

PLAIN: Final = {
    "": "あいうえお", "k": "かきくけこ", "g": "がぎぐげご", "s": "さ すせそ", "z": "ざ ずぜぞ",
    "t": "た  てと", "d": "だ  でど", "n": "なにぬねの", "h": "はひ へほ", "b": "ばびぶべぼ",
    "p": "ぱぴぷぺぽ", "m": "まみむめも", "r": "らりるれろ", "y": "や ゆ よ", "w": "わゐ ゑ ",
}  # fmt: skip
OTHER: Final = {
    "し": "shi 4 si 2", "ち": "chi 4 ti 1", "つ": "tsu 5 tu 1", "ふ": "fu 8 hu 1", "じ": "ji 8 zi 2",
    "ぢ": "ji 4 di 1", "づ": "zu 3 du 2", "を": "wo 4 o 3", "ゔ": "vu", "ゐ": "i 2 wi 1", "ゑ": "e 2 we 1",
}  # fmt: skip
"""Kana whose consonant is not that of their row, as Hepburn's letters and as other letters, with weights."""

GLIDES: Final = {
    "き": "ky", "ぎ": "gy", "に": "ny", "ひ": "hy", "び": "by", "ぴ": "py", "み": "my", "り": "ry",
    "し": "sh sy", "ち": "ch ty", "じ": "j zy jy", "ぢ": "j dy",
}  # fmt: skip
FOREIGN: Final = {
    "ふぁ": "fa", "ふぃ": "fi", "ふぇ": "fe", "ふぉ": "fo", "ふゅ": "fyu", "てぃ": "ti 3 thi 1", "でぃ": "di 3 dhi 1",
    "とぅ": "tu", "どぅ": "du", "てゅ": "tyu", "でゅ": "dyu", "うぃ": "wi", "うぇ": "we", "うぉ": "wo", "いぇ": "ye",
    "ゔぁ": "va", "ゔぃ": "vi", "ゔぇ": "ve", "ゔぉ": "vo", "ゔゅ": "vyu", "しぇ": "she", "じぇ": "je", "ちぇ": "che",
    "つぁ": "tsa", "つぃ": "tsi", "つぇ": "tse", "つぉ": "tso",
    "くぁ": "kwa", "くぃ": "kwi", "くぇ": "kwe", "くぉ": "kwo",
    "ぐぁ": "gwa", "すぃ": "si", "ずぃ": "zi", "きぇ": "kye", "にぇ": "nye", "ひぇ": "hye",
}  # fmt: skip
SMALL: Final = dict(
    zip("ぁぃぅぇぉゃゅょゎゕゖ", ("a", "i", "u", "e", "o", "ya", "yu", "yo", "wa", "ka", "ke"), strict=True)
)
VOWELS: Final = "aiueo"
LONG: Final = {"a": "āあ", "u": "ūう", "e": "ēえ", "o": "ōうお", "i": "ī"}
"""The long vowel, and the kana that make it long."""

DOUBLED: Final = {"k": "k", "g": "g", "s": "s", "z": "z", "t": "t", "d": "d", "h": "h", "f": "f", "b": "b", "p": "p",
                  "m": "m", "r": "r", "y": "y", "w": "w", "j": "j", "c": "t", "v": "v", "n": "n"}  # fmt: skip
"""The letter that a small っ becomes before a consonant."""

VOICED: Final = dict(
    zip("かきくけこさしすせそたちつてとはひふへほ", "がぎぐげござじずぜぞだぢづでどばびぶべぼ", strict=True)
)
PARTICLES: Final = {"は": ("wa", "wa 5 ha 1"), "へ": ("e", "e 4 he 2"), "を": ("o", "o 4 wo 4")}
WORDS: Final = {
    "こんにちは": "konnichiwa",
    "こんばんは": "konbanwa",
    "では": "dewa",
    "には": "niwa",
    "とは": "towa",
    "または": "matawa",
}
HEAD: Final = """\
# language: ja
# scheme: {scheme}
# source: {source}
# licence: Apache-2.0; which letters are written how is a fact of the sources
# standing: {standing}
# readings: ja-words ja-readings
# maker: tools/packs/romaji.py
letters\tforms\tweights\twhere\tclass
"""
HEPBURN: Final = "modified Hepburn (Kenkyusha 1954; BGN/PCGN 1976, by CLDR 45, ja-Latn-t-ja-hrkt-m0-bgn.txt)"
TYPED: Final = (
    "ISO 3602 and Hepburn, as JIS X 4063 lists them (mozc, romanji-hiragana.tsv); long vowels, weights: authored"
)


def kana() -> dict[str, str]:
    """The forms of each kana, and of each pair of a kana and a small one: the first is Hepburn's."""
    forms = {
        letter: start + vowel
        for start, letters in PLAIN.items()
        for letter, vowel in zip(letters, VOWELS, strict=True)
        if letter != " "
    }
    forms |= OTHER | FOREIGN
    for first, starts in GLIDES.items():
        for small, vowel in zip("ゃゅょ", "auo", strict=True):
            ways = [start + vowel for start in starts.split()]
            forms[first + small] = " ".join(f"{way} {weight}" for way, weight in zip(ways, (8, 2, 1), strict=False))
    return forms


def first(forms: str) -> str:
    """The first of some forms."""
    return forms.split()[0]


def hepburn(letters: str, forms: str) -> str:
    """The Hepburn form of kana."""
    return {"を": "o", "ゐ": "i", "ゑ": "e"}.get(letters, first(forms))


def scripts(letters: str) -> Iterator[str]:
    """Hiragana as they are, and as katakana."""
    yield letters
    yield "".join(
        chr(ord(letter) + 0x60) if "ぁ" <= letter <= "ゖ" or letter in "ゝゞ" else letter for letter in letters
    )


Line = tuple[str, str, str, str]
"""Letters, forms with weights, where, classes."""


def repeated(forms: dict[str, str]) -> Iterator[Line]:
    """Kana before a sign of repetition, voiced (ゞ) or not (ゝ)."""
    for letters, form in forms.items():
        if len(letters) == 1:
            spelt = hepburn(letters, form)
            yield letters + "ゝ", 2 * spelt, "", ""
            if letters in VOICED:
                yield letters + "ゞ", spelt + first(forms[VOICED[letters]]), "", ""


def hepburn_rows() -> Iterator[Line]:
    """Kana, their long vowels, ん, っ, small kana and particles."""
    starts: dict[str, None] = {}
    for letters, forms in kana().items():
        form = hepburn(letters, forms)
        vowel = form[-1]
        yield letters, form, "", "" if letters == "を" else _class(form)
        starts[_class(form)] = None
        for kind in ("ー",) if letters == "を" else (*LONG[vowel][1:], "ー"):
            yield letters + kind, form[:-1] + LONG[vowel][0], "" if kind == "ー" else "not-before:S", ""
            if kind != "ー":
                yield letters + kind + "ー", form[:-1] + LONG[vowel][0], "", ""
    yield "ん", "n'", "before:V", ""
    yield "ん", "n'", "before:Ly", ""
    yield "ん", "n", "", ""
    yield "ー", "∅", "", ""
    for label in starts:
        if label != "V":
            yield "っ", DOUBLED[label[1:]], f"before:{label}", ""
    yield "っ", "∅", "", ""
    for letter, form in SMALL.items():
        yield letter, form, "", "S"
    yield from repeated(kana())
    for letter, (form, _) in PARTICLES.items():
        yield letter, form, "word", ""


def typed_rows() -> Iterator[Line]:
    """Kana with all their spellings, long vowels, ん, っ, small kana, particles and greetings."""
    starts: dict[str, None] = {}
    for letters, forms in kana().items():
        ways = forms if " " in forms else forms + " 1"
        label = _class(first(forms))
        starts[label] = None
        yield letters, ways, "", f"{label} K{first(forms)[-1]}"
        if first(forms)[0] in "cj":
            options = ways.split()
            doubled = [(form[0] + form, weight) for form, weight in zip(options[::2], options[1::2], strict=True)]
            yield "っ" + letters, " ".join(f"{form} {weight}" for form, weight in doubled), "", ""
    for vowel in VOWELS:
        yield f"{{K{vowel}}}ー", f"{{K{vowel}}} 5 {{K{vowel}}}{vowel} 3 {{K{vowel}}}- 1", "", ""
    yield "{Ko}う", "{Ko}u 5 {Ko} 3", "not-before:S", ""
    yield "{Ku}う", "{Ku}u 5 {Ku} 2", "not-before:S", ""
    yield "{Ko}お", "{Ko}o 5 {Ko} 1", "", ""
    yield "ん", "n 5 nn 1", "", ""
    yield "ー", "∅ 3 - 1", "", ""
    for label in starts:
        if label[1:] not in ("", "c", "j"):
            yield "っ", DOUBLED[label[1:]], f"before:{label}", ""
    yield "っ", "∅", "", ""
    for letter, form in SMALL.items():
        yield letter, form, "", "S"
    yield from repeated(kana())
    for letter, (_, forms) in PARTICLES.items():
        yield letter, forms, "word", ""
    for word, form in WORDS.items():
        yield word, form, "word", ""


def _class(form: str) -> str:
    """The class of a form: V for a vowel, else L and its first letter."""
    return "V" if form[0] in VOWELS else "L" + form[0]


def lines(rows: Iterator[Line]) -> Iterator[str]:
    """The lines of a table, each row in both scripts once."""
    seen: set[tuple[str, str]] = set()
    for letters, forms, where, label in rows:
        for written in scripts(letters):
            if (written, where) not in seen:
                seen.add((written, where))
                parts = forms.split()
                weighted = len(parts) > 1
                texts, weights = (parts[::2], parts[1::2]) if weighted else (parts, [])
                cells = unicodedata.normalize("NFC", written), " ".join(texts), " ".join(weights)
                yield "\t".join((*cells, where, label))


def main() -> None:
    """Write both tables."""
    tables = (("ja-hepburn", "hepburn", HEPBURN, hepburn_rows()), ("ja", "typed", TYPED, typed_rows()))
    for name, scheme, source, rows in tables:
        standing = "authored" if scheme == "typed" else "attested"
        head = HEAD.format(scheme=scheme, source=source, standing=standing)
        (TARGET / f"{name}.tsv").write_text(head + "\n".join(lines(rows)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
