"""Write perturbations/romanisations/my.tsv and my-national.tsv: how Burmese is written in Latin letters.

    python tools/packs/burmese.py

A syllable is an initial (a consonant with its medials) and a rime (vowel signs, a final consonant with asat, tone); a
row joins any initial to one rime. The standard is that of the BGN and PCGN (1970): an initial is voiced after a vowel,
n or ng, in compounds too (နေပြည်တော် nebyidaw), a hyphen divides n and g (တောင်ကြီး taung-gyi); its name of ရန်ကုန် is
yangôn. Typed Burmese follows CLDR's Myanmar-Latin and the spellings of names and chat.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

TARGET: Final = Path(__file__).parents[2] / "perturbations" / "romanisations"

VIRAMA, ASAT, DOT, VISARGA = "\u1039", "\u103a", "\u1037", "\u1038"
Y, R, W, H = "\u103b", "\u103c", "\u103d", "\u103e"
TONES: Final = ("", DOT, VISARGA)

NATIONAL: Final = {
    "က": "k", "ခ": "k", "ဂ": "g", "ဃ": "g", "င": "ng", "စ": "s", "ဆ": "s", "ဇ": "z", "ဈ": "z", "ည": "ny", "ဉ": "ny",
    "ဋ": "t", "ဌ": "t", "ဍ": "d", "ဎ": "d", "ဏ": "n", "တ": "t", "ထ": "t", "ဒ": "d", "ဓ": "d", "န": "n", "ပ": "p",
    "ဖ": "p", "ဗ": "b", "ဘ": "b", "မ": "m", "ယ": "y", "ရ": "y", "လ": "l", "ဝ": "w", "သ": "th", "ဟ": "h", "ဠ": "l",
}  # fmt: skip
VOICED: Final = {"က": "g", "ခ": "g", "စ": "z", "ဆ": "z", "ဋ": "d", "ဌ": "d", "တ": "d", "ထ": "d", "ပ": "b", "ဖ": "b"}
"""What the BGN and PCGN write after a vowel, a tone mark or a stacked nasal."""

TYPED: Final = {
    **NATIONAL, "ခ": "kh 5 k 2", "ဃ": "g", "စ": "s", "ဆ": "s", "ဈ": "z", "ဌ": "ht", "ထ": "ht 3 t 2",
    "ဖ": "ph 4 p 2", "ဘ": "b", "သ": "th", "ရ": "y 4 r 3", "ဓ": "d", "ဉ": "ny", "ဇ": "z 5 j 1",
}  # fmt: skip
CLUSTERS: Final = {
    "ကျ": "ky",
    "ကြ": "ky",
    "ချ": "ch",
    "ခြ": "ch",
    "ဂျ": "gy",
    "ဂြ": "gy",
    "ရှ": "sh",
    "သျှ": "sh",
    "လျှ": "sh",
    "ယှ": "sh",
    "ဿ": "tth",
    "ျ": "ky",
}
"""Initials with medials that are not written letter by letter; ya alone is so after an asat, as in ယောက်ျား."""

TYPED_CLUSTERS: Final = {
    **CLUSTERS,
    "ကျ": "ky 5 j 1",
    "ကြ": "ky 6 gy 1",
    "ချ": "ch 6 khy 1",
    "ခြ": "ch 6 khy 1",
    "ဂျ": "gy 3 j 3",
    "ဿ": "tth 3 th 2",
}
MEDIALS: Final = {"": "", Y: "y", R: "y", W: "w", Y + W: "yw", R + W: "yw"}
BREATHED: Final = "ငညနဏမလဝ"

OPEN: Final = {  # vowel signs: BGN and PCGN, typed in a low, a creaky and a high tone
    "": ("a", "a", "a", "a"), "\u102c": ("a", "ar 5 a 3", "a", "ar 4 arr 2 a 2"),
    "\u102b": ("a", "ar 5 a 3", "a", "ar 4 arr 2 a 2"),
    "\u102d": ("i", "i", "i", "i"), "\u102e": ("i", "i 4 ee 1", "i", "ee 4 i 3"), "\u102f": ("u", "u", "u", "u"),
    "\u1030": ("u", "u 5 uu 2", "u", "u 4 uu 2 oo 1"), "\u1031": ("e", "ay 5 e 2", "ae 2 e 3 ay 2", "ay 5 e 2 ayy 1"),
    "\u1032": ("è", "al 4 e 2 ell 1", "ae 3 e 2", "al 1"), "\u1031\u102c": ("aw", "aw", "ot 2 aw 3", "aw"),
    "\u1031\u102b": ("aw", "aw", "ot 2 aw 3", "aw"), "\u1031\u102c\u103a": ("aw", "aw", "aw", "aw"),
    "\u1031\u102b\u103a": ("aw", "aw", "aw", "aw"), "\u102d\u102f": ("o", "o 5 oh 1", "o 5 oet 1", "oe 4 o 4"),
    "\u1036": ("an", "an", "ant 3 an 2", "an"), "\u102f\u1036": ("ôn", "one 4 on 3", "ont 2 on 2", "one 4 on 2"),
    "\u102d\u102f\u101a\u103a": ("o", "o", "o", "oe"),
}  # fmt: skip
NASAL: Final = {
    "င": ("in", "in", "int 4 in 2", "in 4 inn 3"), "န": ("an", "an", "ant 4 an 2", "an 4 ann 2"),
    "မ": ("an", "an 4 am 2", "ant 3 an 2", "an 4 ann 1"),
    "ဉ": ("in", "in", "int", "in"), "ဏ": ("an", "an", "an", "an"),
    "ိန": ("ein", "ein 4 ain 1", "eint 3 ein 2", "ein"),
    "ိမ": ("ein", "ein 3 eim 2 eain 2", "eint 3 ein 2", "ein"),
    "ုန": ("ôn", "one 4 on 3", "ont 2 one 2", "one 3 on 2"),
    "ုမ": ("ôn", "one 3 on 2", "ont 2 one 2", "one 3 on 2"), "ုဏ": ("ôn", "one 2 on 2", "one", "one"),
    "ိုင": ("aing", "aing 5 ine 3", "aint 3 aing 2", "aing 5 ine 3"),
    "ောင": ("aung", "aung", "aunt 2 aung 3", "aung 6 aungg 1"),
    "ေါင": ("aung", "aung", "aunt 2 aung 3", "aung 6 aungg 1"),
}  # fmt: skip
STOPPED: Final = {
    "က": ("et", "et 5 at 1"), "တ": ("at", "at"), "ပ": ("at", "at"), "စ": ("it", "it"),
    "ိတ": ("eik", "ate 3 eik 2 eit 1"),
    "ိပ": ("eik", "ate 3 eik 2 eit 1"), "ုတ": ("ôk", "ote 4 oke 2"), "ုပ": ("ôk", "ote 4 oke 2"), "ေတ": ("it", "it"),
    "ောက": ("auk", "auk 4 out 4"), "ေါက": ("auk", "auk 4 out 4"), "ိုက": ("aik", "ite 4 aik 4"),
    "ဒ": ("at", "at"), "ဇ": ("it", "it"),
    "ဓ": ("at", "at"), "သ": ("at", "at"), "ဂ": ("et", "et"), "ဋ": ("at", "at"), "ဘ": ("at", "at"),
    "ိဒ": ("eik", "eik"),
    "ုဒ": ("ôk", "ote 2 oke 1"), "လ": ("an", "al"), "ိုလ": ("o", "o 2 ol 1"), "ရ": ("a", "ar"),
}  # fmt: skip
OTHERS: Final = {
    "ည": ("i", "i 4 ee 2 yi 1", "i 3 it 1", "ee 3 i 3 e 1"),
    "ယ": ("è", "al 4 e 3 el 1", "ae 3 e 2", "al 2 e 1"),
}
ROUND: Final = {
    "တ": ("ut", "ut 4 wat 2"),
    "ပ": ("ut", "ut 4 wat 2"),
    "န": ("un", "on 1 un 3"),
    "မ": ("un", "on 1 un 3"),
}
"""Finals after the medial w, which with them is one vowel; of the initial wa as well."""

VOWELS: Final = {
    "အ": ("a", "a"), "ဣ": ("i", "i"), "ဤ": ("i", "i 3 ee 1"), "ဥ": ("u", "u"), "ဦ": ("u", "u 4 oo 1"),
    "ဧ": ("e", "ay 3 e 2"), "ဩ": ("aw", "aw 2 o 1"),
    "ဪ": ("aw", "aw"), "၏": ("e", "e 2 ei 1"), "၌": ("hnaik", "nite 2 hnaik 1"), "၍": ("ywe", "ywe 2 ywae 1"),
    "၎": ("lagaung", "lagaung"), "၎င်း": ("lagaung", "lagaung 4 lakaung 2"),
}  # fmt: skip
DIVIDED: Final = {"လက်ျာ": ("letya", "letyar")}
"""Words in which ya after an asat is not ကျ."""

STRAY: Final = {
    "\u102b": "∅", "\u102c": "∅", "\u102d": "i", "\u102e": "i", "\u102f": "u", "\u1030": "u", "\u1031": "e",
    "\u1032": "e", "\u1036": "n", R: "y", W: "w", H: "∅",
}  # fmt: skip
"""Signs that are not where they are read: ာ after a tone, which has the vowel a already, or a vowel written twice."""

STACKED: Final = {
    "က": "k",
    "စ": "s",
    "တ": "t",
    "ပ": "p",
    "ဒ": "d",
    "ဗ": "b",
    "ဂ": "g",
    "ဋ": "t",
    "ဇ": "z",
    "ဓ": "d",
    "လ": "l",
    "သ": "t",
}
DIGITS: Final = dict(zip("၀၁၂၃၄၅၆၇၈၉", "0123456789", strict=True))

ATTESTED: Final = {
    "မန္တလေး": "mandalay", "ရန်ကုန်": "yangon", "စစ်ကိုင်း": "sagaing", "ကချင်": "kachin", "ကရင်": "kayin",
    "မကွေး": "magway", "ပဲခူး": "bago",
    "တနင်္သာရီ": "tanintharyi", "ဧရာဝတီ": "ayeyarwady", "ရခိုင်": "rakhine", "ရှမ်း": "shan", "မွန်": "mon",
    "ချင်း": "chin", "မြန်မာ": "myanmar",
    "ဝင်း": "win 3 winn 1", "ခိုင်": "khaing 2 khine 2 khain 1", "တယ်": "tal 4 de 3 tel 1", "လဲ": "lal 3 le 2",
    "မင်္ဂလာပါ": "mingalarpar 3 mingalaba 3 mingalarbar 2",
    "ကျေးဇူး": "kyayzu 3 kyayzuu 2 kyezu 1 jayzu 1", "ပါ": "par 4 pa 2 ba 2", "ကြီး": "gyi 4 kyi 2 kyee 1",
    "နှင့်": "hnin 2 nint 2", "ပြည်": "pyi 3 pyay 2",
}  # fmt: skip

UNCOVERED: Final = "## Not written: vowels that speech reduces, and vowels that note 8 moves to another syllable.\n"
HEAD: Final = """\
# language: my
# scheme: {scheme}
# source: {source}
# licence: Apache-2.0; which letters are written how is a fact of the sources
# standing: {standing}
# maker: tools/packs/burmese.py
letters\tforms\tweights\twhere\tclass\tstanding\tsource
"""
BGN: Final = (
    "BGN/PCGN 1970, by the UN working group on romanization (report 2.2, 2003) and bromanizer's bgn_pcgn.py (MIT)"
)
CLDR: Final = (
    "rimes: CLDR 45 Myanmar-Latin (Mauser and Naing), cracking-burmese.com, ostellobello.com; weights: authored"
)
NAMES: Final = "ISO 3166-2:MM; Wikipedia, Romanization of Burmese; cracking-burmese.com"

Line = tuple[str, str, str, str]
"""Letters, forms with weights, where, classes."""


def initials(letters: Mapping[str, str], clusters: Mapping[str, str]) -> dict[str, str]:
    """The forms of each consonant, with and without medials."""
    known = {}
    for letter, forms in letters.items():
        for medials, sound in MEDIALS.items():
            known[letter + medials] = spelt(forms, "", sound)
        if letter in BREATHED:
            for medials, sound in MEDIALS.items():
                known[letter + medials + H] = spelt(forms, "h", sound)
    for cluster, forms in clusters.items():
        for medial, sound in (("", ""), (W, "w")):
            parts = cluster[:-1] + medial + H if cluster.endswith(H) else cluster + medial
            known[parts] = spelt(forms, "", sound)
    return known


def spelt(forms: str, before: str, after: str) -> str:
    """Forms with letters before and after each of them."""
    parts = forms.split()
    if len(parts) == 1:
        return before + parts[0] + after
    return " ".join(f"{before}{form}{after} {weight}" for form, weight in zip(parts[::2], parts[1::2], strict=True))


def rimes() -> Iterator[tuple[str, str]]:
    """Typed rimes with their tones, and their forms."""
    for letters, (_, chat) in ROUND.items():
        for tone in TONES:
            yield W + letters + ASAT + tone, chat
    for signs, forms in OPEN.items():
        yield from toned(signs, "", forms)
    for letters, forms in (NASAL | OTHERS).items():
        yield from toned(letters, ASAT, forms)
    for letters, (_, chat) in STOPPED.items():
        for tone in TONES:
            yield letters + ASAT + tone, chat


def toned(signs: str, end: str, forms: tuple[str, str, str, str]) -> Iterator[tuple[str, str]]:
    """A typed rime in its three tones."""
    for tone, form in zip(TONES, forms[1:], strict=True):
        yield signs + end + tone, form


def typed_lines() -> Iterator[Line]:
    """The rows of typed Burmese: initials, rimes with tones, stacked consonants, attested words."""
    for letters, forms in initials(TYPED, TYPED_CLUSTERS).items():
        yield letters, forms, "part", "C" if W in letters else "C B"
    for rime, forms in rimes():
        label = "{B}" if rime.startswith(W) else "{C}"
        yield label + rime, spelt(forms, label, ""), "", ""
        if rime.startswith(W):
            yield "ဝ" + rime[1:], spelt(forms, "w", ""), "", ""
        else:
            yield "အ" + rime, forms, "", ""
    for signs, vowel in {"": "a", "\u102d": "ei", "\u102f": "o"}.items():
        for letter in (*"နမဏ", "င" + ASAT):
            form = "in" if letter[0] == "င" and not signs else vowel + "n"
            yield f"{{C}}{signs}{letter}{VIRAMA}", f"{{C}}{form}", "", ""
            yield f"အ{signs}{letter}{VIRAMA}", form, "", ""
    for letter, form in STACKED.items():
        yield f"{{C}}{letter}{VIRAMA}", f"{{C}}a{form}", "", ""
        yield letter + VIRAMA, form, "", ""
    for letter, (_, chat) in (VOWELS | DIVIDED).items():
        yield letter, chat, "", ""
    yield from rest()
    for word, form in ATTESTED.items():
        yield word, form, "word", ""


def national_lines() -> Iterator[Line]:
    """The rows of the standard: a rime ends before its asat, so that the letter before an initial is known."""
    known = initials(NATIONAL, CLUSTERS)
    soft = voiced(known)
    for letters, form in known.items():
        yield letters, form, "part", " ".join(("C", *"B"[W in letters :], *"S"[len(letters) > 1 :]))
    for letters, form in soft.items():
        yield letters, form, "part", " ".join(("D", *"E"[W in letters :], *"G"[form[0] != "g" :]))
    for letters, (form, _) in ROUND.items():
        yield from joined(W + letters, form, "BE", "before:A")
        yield "ဝ" + letters, "w" + form, "before:A", ""
    for signs, forms in OPEN.items():
        yield from joined(signs.removesuffix(ASAT), forms[0], "CD", "before:A" if signs.endswith(ASAT) else "")
    for letters, (form, *_) in (NASAL | OTHERS | STOPPED).items():
        yield from joined(letters, form, "CD", "before:A")
    for signs, vowel in {"": "a", "\u102d": "ei", "\u102f": "ô"}.items():
        for letter in "နမဏ":
            yield from joined(signs + letter, vowel + "n", "CD", "before:Z")
    for letter, form in STACKED.items():
        yield from joined(letter, "a" + form, "CD", "before:Z")
        yield letter, form, "before:Z", ""
    yield "ရန်ကုန", "yangôn", "before:A", ""
    for letter, (form, _) in VOWELS.items():
        yield letter, form, "start", ""
        yield letter, "-" + form, "", ""
    yield from ((word, form, "", "") for word, (form, _) in DIVIDED.items())
    yield from rest()
    yield from hyphens()


def joined(rime: str, form: str, labels: str, where: str) -> Iterator[Line]:
    """The rows of a rime after an initial, voiced or not, after a stacked one, and after the vowel carrier."""
    plain, soft = (f"{{{label}}}" for label in labels)
    yield plain + rime, plain + form, f"start {where}".strip(), ""
    yield soft + rime, soft + form, f"not-after:A {where}".strip(), ""
    yield plain + rime, plain + form, where, ""
    for end in (ASAT, DOT + ASAT):
        yield f"{end}{{G}}{rime}", f"-{{G}}{form}", f"after:N {where}".strip(), ""
        yield f"{end}{soft}{rime}", soft + form, f"after:N {where}".strip(), ""
        yield f"{end}{soft}{rime}", soft + form, f"after:O {where}".strip(), ""
    if not rime.startswith(W):
        yield f"{VIRAMA}{{G}}{rime}", f"-{{G}}{form}", f"after:A {where}".strip(), ""
        yield f"{VIRAMA}{soft}{rime}", soft + form, f"after:A {where}".strip(), ""
        yield f"{VIRAMA}{soft}{rime}", soft + form, f"after:N {where}".strip(), ""
        yield f"{VIRAMA}{{S}}{rime}", f"{{S}}{form}", where, ""
        if rime:
            yield "အ" + rime, form, f"start {where}".strip(), ""
            yield "အ" + rime, "-" + form, where, ""


def hyphens() -> Iterator[Line]:
    """Marks before which n is a final, with a hyphen before g and y; and the letters that conditions name."""
    yield VISARGA, "-", "after:A before:K", ""
    yield VISARGA, "-", "after:A before:Y", ""
    yield ASAT, "-", "after:N before:Y", ""
    yield ASAT, "∅", "part", "A"
    yield DOT, "∅", "part", "A"
    yield VIRAMA, "∅", "part", "Z"
    for letter in "ငနမဏဉ":
        yield letter, "n", "part", "N"
    for letter in "ညယ\u102c\u102b":
        yield letter, "i", "part", "O"
    for letter in "ကခဂဃ":
        yield letter, "g", "part", "K"
    for letter in "ယရ":
        yield letter, "y", "part", "Y"


def rest() -> Iterator[Line]:
    """Marks and signs that are left, and digits."""
    for sign in (ASAT, DOT, VISARGA, VIRAMA):
        yield sign, "∅", "", ""
    for sign, form in (STRAY | DIGITS).items():
        yield sign, form, "", ""


def voiced(known: Mapping[str, str]) -> dict[str, str]:
    """Initials that are voiced after a vowel, and what they are then; those of g as well."""
    changed = {}
    for letters, form in known.items():
        if letters.startswith(("ချ", "ခြ")):
            changed[letters] = "gy" + form.removeprefix("ch")
        elif letters[0] in VOICED:
            changed[letters] = VOICED[letters[0]] + form.removeprefix(NATIONAL[letters[0]])
        elif letters[0] in "ဂဃ":
            changed[letters] = form
    return changed


def text(rows: Iterator[Line]) -> Iterator[str]:
    """The lines of a table, the first of each letters and conditions."""
    seen: set[tuple[str, ...]] = set()
    for written, forms, where, label in rows:
        letters = unicodedata.normalize("NFC", written)
        if (key := (letters, where, label if where == "part" else "")) not in seen:
            seen.add(key)
            parts = forms.split()
            shown, weights = (parts[::2], parts[1::2]) if len(parts) > 1 else (parts, [])
            attested = ("attested", NAMES) if where == "word" else ("", "")
            yield "\t".join((letters, " ".join(shown), " ".join(weights), where, label, *attested))


def main() -> None:
    """Write both tables."""
    tables = (("my-national", "national", BGN, national_lines()), ("my", "typed", CLDR, typed_lines()))
    for name, scheme, source, rows in tables:
        head = HEAD.format(scheme=scheme, source=source, standing="derived" if scheme == "typed" else "attested")
        comment = UNCOVERED if scheme == "national" else ""
        (TARGET / f"{name}.tsv").write_text(head + comment + "\n".join(text(rows)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
