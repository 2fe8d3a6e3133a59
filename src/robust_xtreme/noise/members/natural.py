"""The errors that people make: misspellings from a list, slips of those who type, and errors of those who write."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any, Final, NamedTuple

from robust_xtreme.core import packs, registry
from robust_xtreme.core.edits import Array, Edits
from robust_xtreme.core.errors import DataError
from robust_xtreme.core.languages import language as language_of
from robust_xtreme.noise.engine.case import MIXED, capital, cases, letters_of, lower, style, styled, upper
from robust_xtreme.noise.engine.key_errors import KeyingError, Word, key_errors
from robust_xtreme.noise.engine.mixture import MixtureComponent, Parts, mixed
from robust_xtreme.noise.engine.perturbation import Job, Perturbation, Slips, alphabet_pack, defaults, member
from robust_xtreme.noise.engine.words import Form, words
from robust_xtreme.noise.input import keyboards
from robust_xtreme.noise.members.keyboard_typo import METHODS

# Real misspellings: each word is replaced by a misspelling of it from a list.
#
# A list is the pack `misspellings/CODE.tsv`; a row is a misspelling and the right word, with a weight if the list has
# weights. Users' lists add to the bundled one. The case of the word is kept (lower, Capital, CAPITALS), and the parts
# before and after an apostrophe are looked up by themselves if the whole is not listed. In languages written without
# spaces a word is all text between two signs, so that a list would have to contain such texts.
#
# A list is thin if ten pairs make more than half of its edits on real text; suites leave its language out.

THIN = 0.5
"""A list is thin where ten pairs make more than this share of its edits."""

_MISSPELLING = "misspelling"
_WEIGHT = re.compile("[1-9][0-9]{0,4}")


@packs.cached
def misspelt(code: str) -> Mapping[str, Mapping[str, int]]:
    """The misspellings of each word with their weights, all in small letters."""
    misspellings: dict[str, dict[str, int]] = {}
    for table in packs.tables("misspellings", code):
        for number, row in enumerate(table.need("wrong", "right", optional=("weight",)).rows, 1):
            wrong, right, weight = (row.get(column, "").strip() for column in ("wrong", "right", "weight"))
            words = len(wrong.split()) == len(right.split()) == 1
            if not words or wrong == right or not _WEIGHT.fullmatch(weight or "1"):
                raise DataError(
                    table.path,
                    f"row {number} is not a misspelling: it needs 'wrong' and 'right', single words that differ, and a "
                    f"weight from 1 to 99999 where the file has weights; it contains "
                    f"{', '.join(map(repr, row.values())):.80}",
                )
            forms = misspellings.setdefault(key_of(right, code), {})
            forms[key_of(wrong, code)] = forms.get(key_of(wrong, code), 0) + int(weight or "1")
    return misspellings


def key_of(word: str, code: str) -> str:
    """A word in small letters of its language, with the plain apostrophe."""
    return lower(word, code).replace("’", "'")


def ten(code: str) -> float:
    """The share of the ten most frequent pairs of a list in its edits on real text; 0 where it is not known."""
    return min((float(table.header.get(packs.TEN, "0")) for table in packs.tables("misspellings", code)), default=0.0)


def _thin(code: str) -> str:
    share = ten(code)
    return f"its list is thin, ten pairs make {share:.0%} of the edits on real text" if share > THIN else ""


@words(
    strength="share of the words listed that are misspelt",
    rates={_MISSPELLING: "1"},
    lacks=lambda code: "" if packs.has("misspellings", code) else "no list of misspellings",
    packs=lambda code: (f"misspellings/{code}",),
    thin=_thin,
)
def natural_typo(word: str, language: str) -> Iterator[Form]:
    """Misspell words as people do, by lists of real misspellings."""
    whole = list(_of(word, language))
    yield from whole
    pieces = re.split("(['’])", word)
    if not whole and len(pieces) > 1:
        for index, piece in enumerate(pieces):
            for form in _of(piece, language):
                yield form._replace(text="".join((*pieces[:index], form.text, *pieces[index + 1 :])))


def _of(word: str, code: str) -> Iterator[Form]:
    """The misspellings of a word in its own case and with its own apostrophe."""
    how = style(word, code)
    listed = {} if how == MIXED else misspelt(code).get(key_of(word, code), {})
    for wrong, weight in listed.items():
        written = wrong.replace("'", "’") if "’" in word else wrong
        yield Form(styled(written, how, code), _MISSPELLING, weight)


# The errors that people make, of two kinds: slips of those who type, and errors of those who write.
#
# `natural_typing` mixes the key errors of `keyboard_typo` (`keys`), letters without their accents or with another one
# (`marks`), words joined or split (`spaces`), capitals missing (`case`), and marks of punctuation missing, doubled or
# wrong (`punctuation`). Slips come together: few words have errors, and these several; first letters have few.
# `natural_writing` mixes letters that sound alike (`spelling`), words of the language for others (`words`: forms of the
# same word, prepositions, articles, homophones), accents, spaces and case. `natural` mixes both kinds, by default in
# equal shares where a language has their parts: `@typing=1@writing=3` asks for three quarters of its edits of writing.
#
# The pack `natural/NAME` has the shares of the parts among the edited clusters, rates of key errors, and letters that
# are misspelt. A language without a source borrows the pack of its script, or that of a script of the same family. The
# pack of a language whose list of misspellings is thin is from a few words: `list perturbations --languages CODE` and
# the manifest of a run say so.
#
# Strength is the share of a text's grapheme clusters that are edited. People edit about 0.02 (docs/natural.md); 0.1 is
# a stress test.

# A pack `realwords/CODE.tsv` lists the words of a language that are written for others, in small letters.

_MISSED: Final = 3
_PLAIN: Final = dict(zip("ıłŁøØđĐɓƁɗƊƙƘƴƳɛƐɔƆŋŊɖƉƒƑɣƔʋƲ", "ilLoOdDbBdDkKyYeEoOnNdDfFgGvV", strict=True))
"""Letters that are typed as another one where a keyboard does not have them, and have no marks by Unicode."""

_ACCENTS: Final = ("COMBINING ", "ARABIC ")
_OWN_KEYS: Final[Mapping[str, str]] = {"ar": "ئؤ"}
"""Letters with a mark that a language's keyboard types without Shift, and their bases elsewhere (أ is Shift and ا)."""

_JOINERS: Final[Mapping[str, str]] = {"fa": "\u200c"}
"""Signs without width that are left out as accents are: the half space of Persian, میکنند for می‌کنند."""


@key_errors(strength="share of letters with marks", rates={"mark": "1"}, packs=alphabet_pack)
def marks(language: str) -> Iterator[KeyingError]:
    """Leave out the marks of letters, or write others; a letter of the pack of confusions becomes its forms there."""
    letters = letters_of(language)
    marked = {x: bases for x in sorted(letters.difference(_OWN_KEYS.get(language, ""))) if (bases := bare(x))[1]}
    confused: defaultdict[str, set[str]] = defaultdict(set)
    for error in keyboards.key_errors(language):
        confused[error.point].add(error.form)
    for letter, (base, signs) in marked.items():
        for other in sorted(confused.get(letter, letters - {letter})):
            plain, fewer = bare(other)
            if len(letter) == len(other) == 1 and plain == base and len(fewer) <= len(signs):
                yield KeyingError(letter, "mark", other, _MISSED if fewer < signs else 1)
    for mark in (*filter(_is_accent, language_of(language).marks), *_JOINERS.get(language, "")):
        yield KeyingError(mark, "mark", "")


def bare(letter: str) -> tuple[str, frozenset[str]]:
    """The base of a letter and its accents; a letter that is not typed as a base with an accent, as й, has none."""
    base, *signs = list(unicodedata.normalize("NFD", letter))
    if letter in ("й", "Й") or not all(map(_is_accent, signs)):
        return letter, frozenset()
    plain = _PLAIN.get(base, base)
    return plain, frozenset((*signs, *(("stroke",) if plain != base else ())))


def _is_accent(mark: str) -> bool:
    name = unicodedata.name(mark, "") if len(mark) == 1 else ""
    return name.startswith(_ACCENTS) and "HIRAGANA" not in name


SOUNDS: Final = re.compile(r"([^>:]{1,2})>(?!\1:)([^>:]{0,3}):([1-9][0-9]{0,3})")
"""A spelling error of a pack: a letter or two, what is written for them, and its weight: `ei>ie:12`."""

_HEARD: Final = ("candidate", "syllable", "confusion")
"""The kinds of key errors that are not of the hand: a word or letter is taken for one that sounds alike."""


def spelt(code: str, sounds: Sequence[str]) -> Iterator[KeyingError | Word]:
    """The spelling errors of a language: of a pack, of its input method, its confusions, else letters lost or doubled.

    An error of a pack is one of small letters, of capitals, and of a capital before small letters.
    """
    heard: list[KeyingError | Word] = [row._replace(kind="spelling") for row in keyboards.key_errors(code)]
    for method in (method for method in METHODS.values() if method.language == code):
        heard += (row._replace(kind="spelling") for row in method.key_errors() if row.kind in _HEARD)
        heard += method.words()
    known = letters_of(code)
    for old, new, weight in (match.groups() for sound in sounds if (match := SOUNDS.fullmatch(sound))):
        if set(old + new) <= known:
            cased = ((write(old, code), write(new, code)) for write in (upper, capital)[len(old) < 2 :])
            pairs = ((old, new), *(pair for pair in cased if len(pair[0]) == len(old)))  # ß has no capital letter
            heard += (KeyingError(point, "spelling", form, int(weight)) for point, form in pairs)
    yield from heard
    if not any(isinstance(row, KeyingError) for row in heard):
        lost = ((KeyingError(x, "spelling", "", 2), KeyingError(x, "spelling", x * 2)) for x in cases(code))
        yield from chain.from_iterable(lost)


@packs.cached
def written(code: str) -> Mapping[str, tuple[tuple[str, int], ...]]:
    """The words of a language that are written for each word, with weights. Raises DataError at a row that is none."""
    table = packs.table("realwords", code).need("word", "forms", "weights")
    listed: dict[str, tuple[tuple[str, int], ...]] = {}
    for number, row in enumerate(table.rows, 1):
        forms, weights = row["forms"].split(" "), row["weights"].split(" ")
        if not all(forms) or len(forms) != len(weights) or not all(re.fullmatch("[1-9][0-9]?", w) for w in weights):
            what = "forms and as many weights from 1 to 99, single blanks between them"
            raise DataError(table.path, f"row {number} ({row['word']!r:.40}) does not have {what}")
        if not (word := row["word"]) or word != key_of(word, code) or word in (*forms, *listed):
            what = "is no word in small letters with other words that has one row"
            raise DataError(table.path, f"row {number} ({word!r:.40}) {what}")
        listed[word] = tuple(zip(forms, map(int, weights), strict=True))
    return listed


@words(
    strength="share of the words listed that become other words",
    rates={"words": "1"},
    lacks=lambda code: "" if packs.has("realwords", code) else "no list of words written for others",
    packs=lambda code: (f"realwords/{code}",),
)
def real_words(word: str, language: str) -> Iterator[Form]:
    """Write another word of the language: a form of the same word, another preposition, one that sounds alike."""
    how = style(word, language)
    for form, weight in () if how == MIXED else written(language).get(key_of(word, language), ()):
        text = form.replace("'", "’") if "’" in word else form
        yield Form(styled(text, how, language), "words", weight)


_COMMON: Final[Mapping[str, str | Perturbation]] = {"marks": marks, "spaces": "spacing", "case": "casing"}
KINDS: Final[Mapping[str, Mapping[str, str | Perturbation]]] = {
    "typing": {"keys": "keyboard_typo", "words": real_words, **_COMMON, "punctuation": "punctuation"},
    "writing": {"spelling": "", "words": real_words, **_COMMON},
}
"""The parts of each kind, and the perturbation that each of them is; the first part makes what others leave."""

SLIPS: Final = {
    "typing": {"keys": Slips(first=0.5, together=2.4, short=-0.6)},
    "writing": dict.fromkeys(("spelling", "marks"), Slips(first=0.5, short=2)),
}
"""How key errors lie in words: by the lists of misspellings, and by the words that people edit (docs/natural.md)."""

_KIND, _ANY = "natural", "Zyyy"
_FAMILY: Final = dict.fromkeys(("Beng", "Gujr", "Guru", "Mlym", "Taml", "Telu"), "Deva")
"""Scripts without a source, and the script of the same kind whose pack their languages borrow."""

_CASE: Final = {"second": "0.1", "inverted": "0", "upper": "0", "lower": "0"}
_RATES: Final[Mapping[str, Mapping[str, Mapping[str, str]]]] = {
    "typing": {"keys": {"accent": "0", "shift": "0"}, "case": _CASE, "punctuation": {"wrong": "0.5"}},
    "writing": {"case": {**_CASE, "second": "0"}},
}
"""Rates of the parts that differ from those of the perturbations, set by hand.

Accents and Shift are in other parts. A capital is forgotten more often than one is put where none belongs, which is a
slip, and a mark is forgotten more often than it is mistaken for another one.
"""

_SPLITS: Final = 0.05
"""The rate of split words relative to joined ones, times the share of spaces: 0.5 at the share of 10 %.

A space within a word is an error of the hand, whose share is the same in all languages; a higher share of spaces, as in
Hindi, is that of words written as one.
"""

_NUMBER: Final = re.compile(r"[0-9]{1,2}(\.[0-9]{1,4})?")
_KEYS: Final = (*KINDS, "rates", "letters", "short")
_ROUNDING: Final = 0.0015


class NaturalPack(NamedTuple):
    """The shares of the parts of each kind, the rates of key errors, and the letters that are misspelt.

    `short` is how much short words count where people write (see Slips), if that is the language's own.
    """

    shares: Mapping[str, Mapping[str, float]]
    rates: Mapping[str, str]
    letters: tuple[str, ...]
    short: float | None


@packs.cached
def source_of(code: str) -> str:
    """The name of the pack that a language uses: its own, or that of its script, a script like it, or all scripts."""
    script = language_of(code).script
    names = (code, script, _FAMILY.get(script, _ANY))
    return next((name for name in names if packs.has(_KIND, name)), _ANY)


@packs.cached
def mix_of(name: str) -> NaturalPack:
    """The content of a pack. Raises DataError where the shares of a kind are not 1."""
    pack, path = packs.read(_KIND, name), packs.find(_KIND, name) or name
    packs.check_known(path, "key", pack, (*packs.FACTS, "standings", *_KEYS, packs.TEN))
    tables = {key: pack.get(key, {}) for key in (*KINDS, "rates")}
    known = {**{kind: tuple(parts) for kind, parts in KINDS.items()}, "rates": tuple(_member("keys").rates)}
    for key, table in tables.items():
        if not isinstance(table, dict):
            raise DataError(path, f'{key!r} is a table of numbers, as in {key} = {{ {known[key][0]} = "0.76" }}')
        packs.check_known(path, f"part of {key}", table, known[key])
    written = ((f"{key}.{part}", value) for key, table in tables.items() for part, value in table.items())
    single = ((key, pack.get(key, "0")) for key in (packs.TEN, "short"))
    for key, value in (*single, *written):
        if not isinstance(value, str) or not _NUMBER.fullmatch(value):
            raise DataError(
                path, f'{key!r} is {value!r:.40}, and not a number in quotes, below 100, as in {key} = "0.76"'
            )
    shares = {kind: {part: float(tables[kind].get(part, "0")) for part in parts} for kind, parts in KINDS.items()}
    for kind, parts in shares.items():
        if abs(sum(parts.values()) - 1) > _ROUNDING:
            what = f"the shares of {kind}, {', '.join(parts)}, are {sum(parts.values()):g} together, and not 1"
            raise DataError(path, what)
    letters = _letters(path, pack.get("letters", ""))
    return NaturalPack(shares, tables["rates"], letters, float(pack["short"]) if "short" in pack else None)


def _letters(path: Any, listed: object) -> tuple[str, ...]:
    """The spelling errors of a pack. Raises DataError at one that is none."""
    sounds = tuple(listed.split()) if isinstance(listed, str) else (repr(listed),)
    if wrong := [sound for sound in sounds if not SOUNDS.fullmatch(sound)]:
        raise DataError(
            path, f"letters: {wrong[0]!r:.40} is not 1 or 2 letters, others in their place, a weight: ei>ie:12"
        )
    return sounds


def note(name: str, code: str) -> str:
    """What to know of the pack that a language uses: `borrowed`, or `from a thin list` of misspellings; "": nothing."""
    if name != code:
        return "borrowed"
    return "from a thin list" if float(packs.read(_KIND, name).get(packs.TEN, "0")) > THIN else ""


@key_errors(
    strength="share of letters misspelt",
    rates={"spelling": "1"},
    swaps=lambda _: False,
    packs=alphabet_pack,
    unit="letter",
)
def spelling(language: str) -> Iterator[KeyingError | Word]:
    """Write letters that sound alike for others, double them, or leave them out, as writers do."""
    return spelt(language, mix_of(source_of(language)).letters)


def _member(part: str) -> Perturbation:
    named = {**KINDS["typing"], **KINDS["writing"]}[part] or spelling
    loaded: Perturbation = registry.load("perturbation", named) if isinstance(named, str) else named
    return loaded


def _packs(code: str, kinds: tuple[str, ...]) -> tuple[str, ...]:
    members = (_member(part) for kind in kinds for part in KINDS[kind])
    used = (pack for one in members if one.serves(code) for pack in one.packs(code))
    return tuple(dict.fromkeys((f"{_KIND}/{source_of(code)}", *used)))


@packs.cached
def parts_of(code: str, kind: str) -> Parts:
    """The parts of a kind that serve a language."""
    parts, mix, spaces = [], mix_of(source_of(code)), language_of(code).spaces
    for part, share in mix.shares[kind].items():
        if share and _member(part).serves(code):
            chosen = {**_RATES[kind].get(part, {}), **(mix.rates if part == "keys" else {})}
            if part == "spaces":
                chosen["split"] = f"{_SPLITS / share:.3f}" if spaces else "0"
            params = {**defaults(_member(part)), **{key: (rate,) for key, rate in chosen.items()}}
            slips = SLIPS[kind].get(part) if spaces else None
            if slips and kind == "writing" and mix.short is not None:
                slips = slips._replace(short=mix.short)
            parts.append(MixtureComponent(part, _member(part), params, share, part == "spaces", slips))
    return tuple(parts)


def _natural(
    author: Callable[[Job], tuple[Edits, Array]], kinds: tuple[str, ...] = tuple(KINDS), **fields: Any
) -> Perturbation:
    """The member that mixes the parts of some kinds; it serves a language that the first part of each kind serves."""
    firsts = [next(iter(KINDS[kind])) for kind in kinds]
    return member(
        author,
        *("mixture", "grapheme cluster", "share of grapheme clusters edited"),
        lacks=lambda code: next((why for part in firsts if (why := _member(part).lacks(code))), ""),
        packs=partial(_packs, kinds=kinds),
        **fields,
    )


@partial(_natural, kinds=("typing",), operators=tuple(KINDS["typing"]))
def natural_typing(job: Job) -> tuple[Edits, Array]:
    """Mix the slips of people who type: wrong keys, missing marks, spaces, case and punctuation, in their shares."""
    return mixed(job, parts_of(job.language, "typing"), tuple(KINDS["typing"]))


@partial(_natural, kinds=("writing",), operators=tuple(KINDS["writing"]))
def natural_writing(job: Job) -> tuple[Edits, Array]:
    """Mix the errors of people who write: words for other words, spelling, marks, spaces and case, in their shares."""
    return mixed(job, parts_of(job.language, "writing"), tuple(KINDS["writing"]))


@partial(_natural, operators=tuple(KINDS), rates=dict.fromkeys(KINDS, "1"), version=2)
def natural(job: Job) -> tuple[Edits, Array]:
    """Mix slips of people who type with errors of people who write, half and half where a language has their parts."""
    rates = {kind: float(job.params[kind][0]) for kind in KINDS}
    parts = (
        part._replace(name=f"{kind} {part.name}", share=part.share * rate / sum(rates.values()), operator=kind)
        for kind, rate in rates.items()
        if rate
        for part in parts_of(job.language, kind)
    )
    return mixed(job, tuple(parts), tuple(KINDS))
