"""The fifty languages of XTREME-R, and those of low-resource tasks: name, script, family, direction, spaces, alphabet.

Each is one pack, `perturbations/alphabets/CODE.toml`, which is read on demand.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, Literal

from robust_xtreme.core import packs
from robust_xtreme.core.errors import DataError, UnknownName

_CODES: Final = """
    af ar az bg bn de el en es et eu fa fi fr gu he hi ht hu id it ja jv ka kk
    ko lt ml mr ms my nl pa pl pt qu ro ru sw ta te th tl tr uk ur vi wo yo zh
"""
LANGUAGES: Final = tuple(_CODES.split())
"""The codes of XTREME-R's languages, sorted."""

_MORE: Final = "ay bbj bm bzd cni ee fon gn ha hch ig lg luo mos nah ny oto pcm rw shp sn tar tn tw xh zu"
LOW_RESOURCE: Final = tuple(_MORE.split())
"""The codes of further languages, sorted: those of MasakhaNER 2.0 and AmericasNLI that are not in XTREME-R."""

ALL_LANGUAGES: Final = tuple(sorted((*LANGUAGES, *LOW_RESOURCE)))
"""Every code that has a pack, sorted."""

_ISO_639: Final = """
    afr:af ara:ar arb:ar aym:ay ayr:ay aze:az azj:az bam:bm baq:eu ben:bn bul:bg bur:my chi:zh cmn:zh deu:de
    dut:nl ekk:et ell:el eng:en est:et eus:eu ewe:ee fas:fa fil:tl fin:fi fra:fr fre:fr geo:ka ger:de gre:el grn:gn
    gug:gn guj:gu hat:ht hau:ha heb:he hin:hi hun:hu ibo:ig ind:id ita:it jav:jv jpn:ja kat:ka kaz:kk kin:rw kor:ko
    lit:lt lug:lg mal:ml mar:mr may:ms msa:ms mya:my nld:nl nya:ny pan:pa per:fa pes:fa pol:pl por:pt que:qu quy:qu
    ron:ro rum:ro rus:ru sna:sn spa:es swa:sw swh:sw tam:ta tel:te tgl:tl tha:th tsn:tn tur:tr twi:tw ukr:uk urd:ur
    vie:vi wol:wo xho:xh yor:yo zho:zh zsm:ms zul:zu
"""
THREE_LETTERS: Final[Mapping[str, str]] = {
    **dict(pair.split(":") for pair in _ISO_639.split()),
    **{code: code for code in ALL_LANGUAGES if len(code) == 3},
}
"""The code here of each code of three letters.

They are those of ISO 639-2 (both of its sets) and ISO 639-3, with the main language of a macrolanguage, from the tables
of the registration authorities, the Library of Congress and SIL International, which may be used freely.
"""

_SEE: Final = "robust-xtreme list languages"
_ZEROS: Final = {
    "Arab": "٠۰",
    "Beng": "০",
    "Deva": "०",
    "Gujr": "૦",
    "Guru": "੦",
    **dict.fromkeys(("Hans", "Jpan", "Kore"), "０"),
    "Mlym": "൦",
    "Mymr": "၀",
    "Taml": "௦",
    "Telu": "౦",
    "Thai": "๐",
}
"""The digit zero of scripts with other digits than ASCII's; the other nine digits follow it in Unicode."""


@dataclass(frozen=True, slots=True)
class Language:
    """One language; `alphabet` contains its letters as lower-case grapheme clusters in NFC.

    `script` is its ISO 15924 code, `spaces` whether words are separated by spaces, and `standing` whether the whole
    alphabet is `attested` in the named source or was `authored` in part. `marks` are the code points that join a
    letter, `signs` other code points that are neither letters nor marks, `punctuation` is the language's punctuation.
    `combinations` are letters and marks with a mark that can follow them; empty where all of them combine.
    """

    code: str
    name: str
    script: str
    family: str
    direction: Literal["ltr", "rtl"]
    spaces: bool
    alphabet: tuple[str, ...]
    standing: Literal["attested", "authored"]
    source: str = ""
    licence: str = ""
    marks: tuple[str, ...] = ()
    signs: tuple[str, ...] = ()
    punctuation: tuple[str, ...] = ()
    combinations: frozenset[str] = frozenset()


@packs.cached
def language(code: str) -> Language:
    """The language of that code. Raises UnknownName with the nearest code."""
    if code not in ALL_LANGUAGES:
        raise unknown_language(code)
    known = _language(_checked(code, packs.read("alphabets", code)))
    if packs.users():
        _check_signs(packs.find("alphabets", code) or code, known)
    return known


def code_of(name: str) -> str:
    """The code of the language that a name means, as sw of swahili, swh or sw-KE; empty where there is none.

    Only names are compared by their letters: two codes that are alike are of different languages.
    """
    first = name.casefold().replace("_", "-").partition("-")[0]
    if (code := THREE_LETTERS.get(first, first)) in ALL_LANGUAGES or len(first) < 4:
        return code if code in ALL_LANGUAGES and code != name else ""
    codes = {language(code).name.casefold(): code for code in ALL_LANGUAGES}
    return "".join(codes[near] for near in get_close_matches(name.casefold(), codes, n=1, cutoff=0.8))


def unknown_language(
    code: str, known: Iterable[str] = ALL_LANGUAGES, see: str = _SEE, kind: str = "language"
) -> UnknownName:
    """The error for a code that is not known, which names the code of the language that it means."""
    return UnknownName(kind, code, known, see, code_of(code))


def belongs(code: str, cluster: str) -> bool:
    """Whether a grapheme cluster consists of the language's letters and marks, or is its punctuation, digit or space.

    Letters count in either case and normal form; all letters of one cluster (a conjunct) must be the language's.
    """
    text = unicodedata.normalize("NFC", cluster)
    if text in _known(code) or text.isspace():
        return True
    known = language(code)
    begins = text[:1] in _cased(code) or text[:1] in known.signs
    return begins and all(point in known.marks or point in _cased(code) for point in text[1:])


def combines(code: str, cluster: str, clean: str = "") -> bool:
    """Whether the language has a cluster's combinations of letters and marks; those of the cluster `clean` count, too.

    Accents (combining marks of all scripts) are on the letters that the alphabet lists with them, and on no others.
    Other marks follow what `combinations` of the language lists. Where it lists nothing, in Arabic and Hebrew script,
    the marks are vowels that every consonant can have.
    """
    text, before = (unicodedata.normalize("NFC", form) for form in (cluster, clean))
    known = language(code)
    if known.combinations:
        new = {*map("".join, pairwise(text))} - {*map("".join, pairwise(before))}
        return all(pair in known.combinations for pair in new if pair[1] in known.marks and pair[1] not in _JOINERS)
    return text == before or text in _cased(code) or not any(map(_is_accent, unicodedata.normalize("NFD", text)[1:]))


_JOINERS: Final = "\u200c\u200d"


def _is_accent(mark: str) -> bool:
    return unicodedata.name(mark, "").startswith("COMBINING ")


@packs.cached
def _known(code: str) -> frozenset[str]:
    """The single clusters that belong to a language."""
    known = language(code)
    zeros = "0" + _ZEROS.get(known.script, "")
    digits = {chr(ord(zero) + step) for zero in zeros for step in range(10)}
    typed = "\"'-."  # instead of a language's quotes, dashes and dots, where a keyboard does not have them
    return _cased(code) | digits | {*known.signs, *known.punctuation, *typed}


@packs.cached
def _cased(code: str) -> frozenset[str]:
    """The letters of a language in both cases, NFC; the capital of i has a dot where the alphabet has a dotless i."""
    letters = set(language(code).alphabet)
    capitals = {unicodedata.normalize("NFC", letter.upper()) for letter in letters}
    dotted = {"İ"} if "ı" in letters else set()
    return frozenset(letters | capitals | dotted | ({"ẞ"} if "ß" in letters else set()))


def codes(text: str) -> tuple[str, ...]:
    """The codes in a string, separated by spaces, checked: `"et ht id"`. Raises UnknownName."""
    letters = tuple(text.split())
    for code in letters:
        if code not in ALL_LANGUAGES:
            raise unknown_language(code)
    return letters


def group_of(code: str) -> str:
    """The group that a language is listed in: `xtreme-r`, or `low-resource`."""
    return "xtreme-r" if code in LANGUAGES else "low-resource"


def _checked(code: str, pack: dict[str, Any]) -> dict[str, Any]:
    """The pack, which may be a user's. Raises DataError where a key is missing or has another type."""
    path = packs.find("alphabets", code) or code
    packs.check_known(path, "key", pack, (*_KEYS, "source", "licence", "standing", "standings"))
    for key, (kind, expected, needed) in _KEYS.items():
        if (key in pack or needed) and not isinstance(pack.get(key), kind):
            raise DataError(path, f"the key {key!r} is {expected}" if key in pack else f"the key {key!r} is missing")
    if pack["language"] != code:
        raise DataError(path, f"its language is {pack['language']!r:.40}, and its name says {code!r}")
    if pack["script"] not in packs.bundled("lookalikes"):
        raise DataError(path, f"its script is {pack['script']!r:.40}, and no language's. See: {_SEE}")
    if pack["direction"] not in ("ltr", "rtl"):
        raise DataError(path, f"its direction is {pack['direction']!r:.40}, and not ltr or rtl")
    return pack


_KEYS: Final = {
    **dict.fromkeys(("language", "name", "script", "family", "direction", "letters"), (str, "a string", True)),
    **dict.fromkeys(("added", "marks", "auxiliary_marks", "signs"), (str, "a string", False)),
    **dict.fromkeys(("punctuation", "combinations"), (str, "a string", False)),
    "spaces": (bool, "true or false", True),
}


_WRITTEN: Final = {"Hans": ("Han",), "Hant": ("Han",), "Jpan": ("Han", "Hiragana", "Katakana"), "Kore": ("Hangul",)}
"""The scripts of Unicode that make up a script of several, such as Japanese."""


@cache
def written_in(script: str, point: str) -> bool:
    """Whether a code point is of a script (`Deva`), or a mark, joiner or apostrophe that has none of its own.

    In Hebrew a quotation mark means gershayim: צה"ל.
    """
    return bool(_points_of(script).fullmatch(point))


@cache
def of_no_script(point: str) -> bool:
    """Whether a code point is of no script, as digits, signs and accents."""
    import regex

    return bool(regex.fullmatch(r"[\p{Script=Common}\p{Script=Inherited}]", point))


@cache
def _points_of(script: str) -> Any:
    import regex

    gershayim = '"' if script == "Hebr" else ""
    return regex.compile(rf"[{_scripts(script)}{gershayim}'’ʼ\u200c\u200d]|(?=\p{{Script=Inherited}})\p{{M}}")


def _scripts(script: str) -> str:
    return "".join(rf"\p{{Script_Extensions={name}}}" for name in _WRITTEN.get(script, (script,)))


def _check_signs(path: Path | str, known: Language) -> None:
    """Raise DataError at the first sign of a user's pack that is not of the kind of its key."""
    import regex

    kinds = {
        "letters": (known.alphabet, rf"(?=\p{{L}})[{_scripts(known.script)}][\p{{L}}\p{{M}}]*"),
        "marks": (known.marks, r"[\p{M}\p{GCB=SpacingMark}\u200c\u200d]"),
        "signs": (known.signs, r"[\p{L}\p{M}\p{P}\p{S}\p{N}]"),
        "punctuation": (known.punctuation, r"[\p{P}\p{S}]"),
        "combinations": (sorted(known.combinations), r"[\p{L}\p{M}][\p{M}\p{GCB=SpacingMark}]"),
    }
    if not known.alphabet:
        raise DataError(path, "the key 'letters' contains no letters")
    for key, (letters, pattern) in kinds.items():
        whole = regex.compile(pattern)
        wrong = next((letter for letter in letters if not whole.fullmatch(letter)), None)
        if wrong is not None:
            what = f"a letter of the script {known.script}" if key == "letters" else "one of these"
            raise DataError(path, f"{key}: {wrong!r:.40} is not {what}")


def _language(pack: dict[str, Any]) -> Language:
    as_written = ("name", "script", "family", "direction", "spaces", "standing", "source", "licence")
    return Language(
        code=pack["language"],
        alphabet=tuple(dict.fromkeys((*_letters(pack["letters"]), *_letters(pack.get("added", ""))))),
        marks=(*pack.get("marks", "").split(), *pack.get("auxiliary_marks", "").split()),
        signs=tuple(pack.get("signs", "").split()),
        punctuation=tuple(pack.get("punctuation", "").split()),
        combinations=frozenset(pack.get("combinations", "").split()),
        **{key: pack[key] for key in as_written},
    )


def _letters(text: str) -> Iterator[str]:
    """The letters that a pack lists: clusters between blanks, and runs of code points as `first-last`."""
    for token in text.split():
        if len(token) == 3 and token[1] == "-" and token[0] <= token[2]:
            yield from map(chr, range(ord(token[0]), ord(token[2]) + 1))
        else:
            yield token
