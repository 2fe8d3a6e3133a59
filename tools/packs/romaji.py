"""Write perturbations/romanisations/ja.tsv and ja-hepburn.tsv: how kana are written in Latin letters.

    python tools/packs/romaji.py

The Hepburn table is the modified system of 1954: macrons on long vowels except ii and ei, n' before vowels and y, tch.
Typed romaji has no macrons: long vowels as in kana, shortened, or with the hyphen of input methods; shi or si, tsu or
tu, ji or zi. Hiragana and katakana have the same rows, but for what hiragana alone writes: particles, and words beside
them. は is the particle wa but where letters after it show a word with ha. Two vowels of hiragana are a long one where
they are in one word: う after o and u but where verbs and other words begin or end with it, お and あ in some words.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from itertools import chain
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
"""Particles as Hepburn's letters, and as typed ones with weights."""

WORDS: Final = {
    "こんにちは": "konnichiwa",
    "こんばんは": "konbanwa",
    "では": "dewa",
    "には": "niwa",
    "とは": "towa",
    "または": "matawa",
}
TO: Final = ("への", "へと", "へは", "へも")
"""Particles that begin with へ, pronounced e."""

SOUNDS: Final = str.maketrans("はへ", "わえ")

AFTER_HA: Final = "っんーぁはじげぐがをばるれろ"
"""Kana after は that do not begin a word after the particle."""

HA: Final = """
    はず はいり はいった はいって はいけん はえる はかり はかる はくしゅ はこび はこぶ はさま はさみ はさむ
    はしご はしる はしった はしって はたけ はたし はたす はたら はだか はだし はて はてし はなが はなし はなす
    はなせ はなは はなび はなや はなれ はなを はねる はまる はまった はまって はやい はやか はやく はやけ
    はやさ はやす はやめ はらい はらう はらった はらって はりき はりつ はりめ やはり もはや
"""
HA_WORDS: Final = """
    はい はえ はか はこ はさみ はし はす はた はだ はち はつ はと はな はね はま はや はら はり
"""
"""Beginnings of words with は that kana after it do not show, and whole words."""

WA_WORDS: Final = ("はずっと", "はずいぶん")
APART: Final = """
    のうえ のうご のうし のうた のうち のうま のうら のうわ とうまく おもう ともう まよう さそう ひろう のろう
    そろう あらそう つくろう ただよう よそおう やとう すくう
"""
"""Kana in which う is not the length of the vowel before it: it begins a word, or it is a verb's ending."""

LONG_O: Final = """
    おお とおい とおか とおく とおさ とおし とおす とおせ とおと とおの とおり とおる とおれ とおざ どおり
    どおし こおり こおる ほお ほのお もよお いきどお いとおし とどこお
"""
LONG_A: Final = " ああ かあさん かあちゃん ばあさん ばあちゃん じゃあ きゃあ わあ"
LONG_E: Final = " ええ ねえ へえ せえ めえ げえ"
"""Kana in which お, あ and え are the length of the vowel before them."""
HEAD: Final = """\
# language: ja
# scheme: {scheme}
# source: {source}
# licence: Apache-2.0; which letters are written how is a fact of the sources
# standing: {standing}
# readings: ja-readings ja-words
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


def scripts(letters: str) -> tuple[str, str]:
    """Hiragana as they are, and as katakana."""
    return letters, katakana(letters)


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
    """Kana, their long vowels, ん, っ, small kana, particles and words of hiragana."""
    starts: dict[str, None] = {}
    for letters, forms in kana().items():
        form = hepburn(letters, forms)
        yield letters, form, "", _labels(letters, "" if letters == "を" else _class(form))
        starts[_class(form)] = None
        yield from _long(letters, form)
    yield "ん", "n'", "before:V", ""
    yield "ん", "n'", "before:Ly", ""
    yield "ん", "n", "", _labels("ん", "")
    yield "ー", "∅", "", _labels("ー", "")
    for label in starts:
        if label != "V":
            yield "っ", DOUBLED[label[1:]], f"before:{label}", ""
    yield "っ", "∅", "", _labels("っ", "Q")
    for letter, form in SMALL.items():
        yield letter, form, "", _labels(letter, "S")
    yield from repeated(kana())
    for letter, (form, _) in PARTICLES.items():
        yield letter, form, "word", ""


def _long(letters: str, form: str) -> Iterator[Line]:
    """A kana and what makes its vowel long: ー, in katakana a vowel, in hiragana う after o and u."""
    vowel = form[-1]
    long = form[:-1] + LONG[vowel][0]
    if letters != "を":
        for kind in LONG[vowel][1:]:
            in_words = kind != "う" or letters == "る"
            yield katakana(letters + kind) if in_words else letters + kind, long, "not-before:S", ""
            yield letters + kind + "ー", long, "", ""
    yield letters + "ー", long, "", ""


def typed_rows() -> Iterator[Line]:
    """Kana with all their spellings, long vowels, ん, っ, small kana, particles and greetings."""
    starts: dict[str, None] = {}
    for letters, forms in kana().items():
        ways = forms if " " in forms else forms + " 1"
        label = _class(first(forms))
        starts[label] = None
        yield letters, ways, "", _labels(letters, f"{label} K{first(forms)[-1]}")
        if first(forms)[0] in "cj":
            yield "っ" + letters, weighted((form[0] + form, weight) for form, weight in options(ways)), "", ""
    for vowel in VOWELS:
        yield f"{{K{vowel}}}ー", f"{{K{vowel}}} 5 {{K{vowel}}}{vowel} 3 {{K{vowel}}}- 1", "", ""
    yield "{Ko}う", "{Ko}u 5 {Ko} 3", "not-before:S", ""
    yield "{Ku}う", "{Ku}u 5 {Ku} 2", "not-before:S", ""
    yield "{Ko}オ", "{Ko}o 5 {Ko} 1", "", ""
    yield "ん", "n 5 nn 1", "", _labels("ん", "")
    yield "ー", "∅ 3 - 1", "", _labels("ー", "")
    for label in starts:
        if label[1:] not in ("", "c", "j"):
            yield "っ", DOUBLED[label[1:]], f"before:{label}", ""
    yield "っ", "∅", "", _labels("っ", "Q")
    for letter, form in SMALL.items():
        yield letter, form, "", _labels(letter, "S")
    yield from repeated(kana())
    for letter, (_, forms) in PARTICLES.items():
        yield letter, forms, "word", ""
    for word, form in WORDS.items():
        yield word, form, "word", ""


def hiragana_rows(typed: bool) -> Iterator[Line]:
    """Rows of hiragana alone: particles within words, words with は, and vowels that are long or not."""
    for letter, where in (("は", "start not-before:H"), ("は", "inside not-before:H"), ("は", "end"), ("へ", "end")):
        yield letter, PARTICLES[letter][typed], where, ""
    for word in TO:
        yield word, _spelt(word.translate(SOUNDS), typed), "start", ""
    for word in WA_WORDS:
        yield word, _spelt(word.translate(SOUNDS), typed), "", ""
    for where in ("start", "inside", "end"):
        yield from ((word, _spelt(word, typed), f"{where} not-before:S", "") for word in APART.split())
    long = LONG_O if typed else LONG_O + LONG_A + LONG_E
    yield from ((word, _spelt(word, typed, long=True), "", "") for word in long.split())
    yield from ((word, _spelt(word, typed, long=True), "before:Q", "") for word in ("とお", "こお"))
    yield from ((word, _spelt(word, typed), "", "") for word in HA.split())
    yield from ((word, _spelt(word, typed), "word", "") for word in HA_WORDS.split())


def _spelt(word: str, typed: bool, long: bool = False) -> str:
    """Hiragana as a row's forms: Hepburn's, or each that is typed with its weight; `long`: its double vowel is."""
    known, ways, doubled, index = kana() | {"ん": "n"}, [("", 1)], False, 0
    while index < len(word):
        if word[index] == "っ":
            doubled, index = True, index + 1
            continue
        letters = next(word[index : index + size] for size in (2, 1) if word[index : index + size] in known)
        forms = options(known[letters]) if typed else [(hepburn(letters, known[letters]), 1)]
        parts = [((DOUBLED[form[0]] if doubled else "") + form, weight) for form, weight in forms]
        ways = [(text + form, many * weight) for text, many in ways for form, weight in parts]
        doubled, index = False, index + len(letters)
    if long and typed:
        ways = [way for text, many in ways for way in ((text, 5 * many), (text.replace("oo", "o", 1), many))]
    if typed:
        return weighted(ways)
    return _with_macron(ways[0][0]) if long else ways[0][0]


def _with_macron(form: str) -> str:
    """A form whose first double vowel is written with a macron."""
    double, vowel = next((2 * vowel, LONG[vowel][0]) for vowel in VOWELS if 2 * vowel in form)
    return form.replace(double, vowel, 1)


def options(forms: str) -> list[tuple[str, int]]:
    """Forms with their weights."""
    parts = forms.split()
    return [(form, int(weight)) for form, weight in zip(parts[::2], parts[1::2] or ["1"], strict=True)]


def weighted(forms: Iterable[tuple[str, int]]) -> str:
    """Forms and weights as a row has them."""
    return " ".join(f"{form} {weight}" for form, weight in forms)


def _labels(letters: str, labels: str) -> str:
    """The classes of a kana: H beside others where は before it is in a word with ha."""
    return f"{labels} H".strip() if letters in AFTER_HA else labels


def katakana(letters: str) -> str:
    """Hiragana as katakana."""
    return "".join(
        chr(ord(letter) + 0x60) if "ぁ" <= letter <= "ゖ" or letter in "ゝゞ" else letter for letter in letters
    )


def _class(form: str) -> str:
    """The class of a form: V for a vowel, else L and its first letter."""
    return "V" if form[0] in VOWELS else "L" + form[0]


def lines(rows: Iterable[Line], hiragana: Iterable[Line]) -> Iterator[str]:
    """The lines of a table, each row in both scripts once, but for those of hiragana."""
    both = ((written, *rest) for letters, *rest in rows for written in scripts(letters))
    seen: set[tuple[str, str]] = set()
    for letters, forms, where, label in chain(both, hiragana):
        if (letters, where) not in seen:
            seen.add((letters, where))
            parts = forms.split()
            texts, weights = (parts[::2], parts[1::2]) if len(parts) > 1 else (parts, [])
            cells = unicodedata.normalize("NFC", letters), " ".join(texts), " ".join(weights)
            yield "\t".join((*cells, where, label))


def main() -> None:
    """Write both tables."""
    tables = (("ja-hepburn", "hepburn", HEPBURN, hepburn_rows()), ("ja", "typed", TYPED, typed_rows()))
    for name, scheme, source, rows in tables:
        typed = scheme == "typed"
        head = HEAD.format(scheme=scheme, source=source, standing="authored" if typed else "attested")
        text = "\n".join(lines(rows, hiragana_rows(typed)))
        (TARGET / f"{name}.tsv").write_text(head + text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
