"""Write the alphabets of perturbations/alphabets, with marks and punctuation, from CLDR's exemplar characters.

    for name in misc annotations localenames dates; do
      npm pack cldr-$name-full@48.2.0 && mkdir $name && tar xzf cldr-$name-full-48.2.0.tgz -C $name
    done
    python tools/languages/make_alphabets.py misc/package annotations/package localenames/package dates/package

The facts of a language (name, script, family) are beside this file, those of XTREME-R in `languages.tsv`, of the
low-resource tasks in `low_resource.tsv`. Letters of real text that are not in its main set are in `additions.tsv`,
the alphabets of languages that CLDR does not have in `orthographies.tsv`, each with where it comes from.

`letters`, `marks` and `signs` are of the main exemplar characters, `auxiliary_marks` of the auxiliary ones only,
`punctuation` of the punctuation exemplars, `combinations` of the locale's texts (names and keywords of emoji, names of
languages, places, months), in scripts whose marks are the vowels and finals of syllables. Languages that CLDR does not
have get ASCII's sentence punctuation.
"""

from __future__ import annotations

import csv
import json
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Sequence, Set
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import regex

HERE: Final = Path(__file__).parent
TARGET: Final = HERE.parent.parent / "perturbations" / "alphabets"
SCRIPTS: Final = {"Jpan": ("Han", "Hiragana", "Katakana"), "Kore": ("Hangul",), "Hans": ("Han",)}
_ITEM: Final = regex.compile(r"\{(?P<string>[^}]*)\}|\\u(?P<hex>[0-9A-Fa-f]{4})|\\(?P<escaped>.)|(?P<one>\S)")
_WIDTH: Final = 100
_JOINERS: Final = "\u200c\u200d"
_ASCII: Final = "!\"'(),-.:;?"
SYLLABIC: Final = ("Beng", "Deva", "Gujr", "Guru", "Mlym", "Mymr", "Taml", "Telu", "Thai")
"""Scripts whose marks combine with most letters, but not with all: CLDR lists letters and marks, not syllables."""


def unicode_set(pattern: str) -> Iterator[str]:
    """The strings of a UnicodeSet written as CLDR writes them: single characters, `{strings}`, escapes, ranges."""
    previous, ranging = "", False
    for match in _ITEM.finditer(pattern.strip()[1:-1]):
        if match["one"] == "-":
            ranging = True
            continue
        text = match["string"] or match["escaped"] or match["one"] or chr(int(match["hex"] or "0", 16))
        first = ord(previous) + 1 if ranging else ord(text[-1])
        yield from map(chr, range(first, ord(text))) if ranging else ()
        yield text
        previous, ranging = text, False


def letters(strings: Iterator[str], script: str) -> list[str]:
    """Single lower-case grapheme clusters that begin with a letter of the script; marks alone are dropped.

    Digraphs are split; a letter with a mark of its own that occurs in digraphs only (Dutch íj́) is not a letter.
    """
    split = (regex.findall(r"\X", unicodedata.normalize("NFC", text)) for text in strings)
    clusters = (part for parts in split for part in parts if len(parts) == 1 or len(part) == 1)
    return sorted({cluster for cluster in clusters if is_letter(cluster, script)})


def is_letter(cluster: str, script: str) -> bool:
    """Whether a cluster can be a letter by itself in a word of the script.

    Modifier letters count in Japanese only, where words are written with them; a conjunct of two letters does not
    count, nor does a vowel sign that joins the consonant before it (Thai sara am).
    """
    names = SCRIPTS.get(script, (script,))
    in_script = any(regex.match(rf"\p{{Script_Extensions={name}}}", cluster) for name in names)
    kinds = ("Ll", "Lo", "Lm") if script == "Jpan" else ("Ll", "Lo")
    stands = len(regex.findall(r"\X", cluster + cluster)) == 2
    single = sum(unicodedata.category(char).startswith("L") for char in cluster) == 1
    ours = in_script and unicodedata.category(cluster[0]) in kinds and cluster == cluster.lower()
    return ours and single and stands


def marks(strings: Iterable[str]) -> list[str]:
    """Code points of NFC strings that are combining marks or join to what is before them (joiners, sara am)."""
    points = {point for text in strings for point in unicodedata.normalize("NFC", text)}
    return sorted(point for point in points if unicodedata.category(point).startswith("M") or joins(point))


def joins(point: str) -> bool:
    """Whether a code point is a joiner, or forms one grapheme cluster with a letter before it."""
    return point in _JOINERS or len(regex.findall(r"\X", "a" + point)) == 1


def signs(strings: Iterable[str], alphabet: list[str]) -> list[str]:
    """Single code points that are used by themselves and are not letters: apostrophe letters, signs, spacing vowels."""
    single = {text for text in strings if len(text) == 1 and not joins(text)}
    kinds = {text: unicodedata.category(text) for text in single}
    return sorted(text for text in single - set(alphabet) if kinds[text] not in ("Lu", "Nd"))


def punctuation(strings: Iterable[str]) -> list[str]:
    """Single punctuation marks and symbols."""
    return sorted({text for text in strings if len(text) == 1 and not text.isspace()})


def compact(alphabet: list[str]) -> list[str]:
    """Tokens of a pack: runs of four and more consecutive code points as `first-last`."""
    runs: list[list[str]] = []
    for letter in alphabet:
        joins = runs and len(letter) == len(runs[-1][-1]) == 1 and ord(letter) == ord(runs[-1][-1]) + 1
        if joins:
            runs[-1].append(letter)
        else:
            runs.append([letter])
    return [token for run in runs for token in (run if len(run) < 4 else [f"{run[0]}-{run[-1]}"])]


def wrapped(tokens: list[str]) -> str:
    """The tokens joined by spaces, in lines of readable length."""
    lines = [""]
    for token in tokens:
        if len(lines[-1]) + len(token) > _WIDTH:
            lines.append("")
        lines[-1] += (" " if lines[-1] else "") + token
    return "\n".join(lines)


def exemplars(package: Path, locale: str, kind: str = "exemplarCharacters") -> list[str]:
    """The exemplar characters of a locale, of the main set or another one."""
    document = json.loads((package / "main" / locale / "characters.json").read_text("utf-8"))
    return list(unicode_set(document["main"][locale]["characters"][kind]))


def keyed(script: str) -> list[str]:
    """What keys of a script type that are not letters: the jamo of KS X 1001, where they make no syllable."""
    return [chr(point) for point in range(0x3131, 0x3164)] if script == "Kore" else []


def texts(packages: Iterable[Path], locale: str) -> Iterator[str]:
    """All strings of a locale in unpacked packages of CLDR."""
    for package in packages:
        for folder in (package / "main", package / "annotations"):
            for path in sorted((folder / locale).glob("*.json")):
                yield from strings_of(json.loads(path.read_text("utf-8")))


def strings_of(document: object) -> Iterator[str]:
    """The strings of a JSON document, without its keys."""
    if isinstance(document, str):
        yield document
    for value in document.values() if isinstance(document, dict) else document if isinstance(document, list) else ():
        yield from strings_of(value)


def combinations(written: Iterable[str], letters_and_marks: Set[str], combining: Set[str]) -> list[str]:
    """Each letter or mark with another mark that follows it in the texts, composed (NFC)."""
    composed = (unicodedata.normalize("NFC", text) for text in written)
    pairs = {pair for text in composed for pair in pairwise(text) if pair[0] != pair[1]}
    return sorted(before + mark for before, mark in pairs if before in letters_and_marks and mark in combining)


def pack(
    fact: dict[str, str], package: Path, more: Sequence[Path], addition: dict[str, str] | None, version: str
) -> str:
    """The text of one language's pack; `more` are the packages that combinations come from."""
    syllabic = fact["script"] in SYLLABIC
    source = f"CLDR {version}, locale {fact['locale']}, main exemplar characters"
    source += "; combinations: its annotations, display names and dates" if syllabic else ""
    source += "; signs: the jamo of KS X 1001" if keyed(fact["script"]) else ""
    first = exemplars(package, fact["locale"])
    alphabet = letters(iter(first), fact["script"])
    head = written(fact, alphabet, ("attested", source, "Unicode-3.0"), "")
    if addition:
        origin = ("attested", f"{source}; added: {addition['why']}", "Unicode-3.0")
        head = written(fact, alphabet, origin, added(addition))
    further = set(marks(exemplars(package, fact["locale"], "auxiliary"))) - set(marks(first))
    combining = {*marks(first), *further} - {*_JOINERS}
    known = {*alphabet, *(addition["letters"].split() if addition else ()), *combining}
    return head + blocks(
        marks=marks(first),
        auxiliary_marks=sorted(further),
        signs=[*signs(first, alphabet), *keyed(fact["script"])],
        punctuation=punctuation(exemplars(package, fact["locale"], "punctuation")),
        combinations=combinations(texts(more, fact["locale"]), known, combining) if syllabic else [],
    )


def added(addition: dict[str, str]) -> str:
    """The letters that a row of `additions.tsv` adds; their standing as well, where it is not that of the others."""
    standing = addition["standing"]
    line = "" if standing == "attested" else f'standings = {{ added = "{standing}" }}\n'
    return f'added = "{addition["letters"]}"\n{line}'


def blocks(**lists: list[str]) -> str:
    """Lists of code points as TOML strings; empty ones are left out, what cannot be seen is escaped."""
    return "".join(
        f'{name} = """\n{wrapped([visible(cluster) for cluster in clusters])}\n"""\n'
        for name, clusters in lists.items()
        if clusters
    )


def visible(text: str) -> str:
    """Code points as a TOML string shows them: format characters and the backslash escaped."""
    shown = (f"\\u{ord(point):04X}" if unicodedata.category(point) == "Cf" else point for point in text)
    return "".join(shown) if text != "\\" else "\\\\"


def written(fact: dict[str, str], alphabet: list[str], origin: tuple[str, str, str], more: str) -> str:
    """A pack as TOML; `origin` is its standing, source and licence, `more` what follows them."""
    standing, source, licence = origin
    return (
        f'language = "{fact["code"]}"\nname = "{fact["name"]}"\nscript = "{fact["script"]}"\n'
        f'family = "{fact["family"]}"\ndirection = "{fact["direction"]}"\n'
        f'spaces = {"true" if fact["spaces"] == "yes" else "false"}\nstanding = "{standing}"\n'
        f'source = "{source}"\nlicence = "{licence}"\n{more}'
        f'letters = """\n{wrapped(compact(alphabet))}\n"""\n'
    )


def authored(fact: dict[str, str], orthography: dict[str, str]) -> str:
    """The pack of a language that CLDR does not have, from its row of `orthographies.tsv`."""
    alphabet = letters(iter(orthography["letters"].split()), fact["script"])
    origin = ("authored", f"Written for this project: {orthography['why']}", "Apache-2.0")
    combining = marks(orthography["letters"].split())
    return written(fact, alphabet, origin, "") + blocks(marks=combining, punctuation=punctuation(_ASCII))


def rows(name: str) -> list[dict[str, Any]]:
    """The rows of one of the tables beside this file."""
    with (HERE / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def main(package: Path, *more: Path) -> None:
    """Write every pack from unpacked npm packages: `cldr-misc-full`, and those whose texts have combinations."""
    version = json.loads((package / "package.json").read_text("utf-8"))["version"]
    additions = {row["code"]: row for row in rows("additions.tsv")}
    orthographies = {row["code"]: row for row in rows("orthographies.tsv")}
    for fact in [*rows("languages.tsv"), *rows("low_resource.tsv")]:
        if fact["locale"]:
            text = pack(fact, package, more, additions.get(fact["code"]), version)
        else:
            text = authored(fact, orthographies[fact["code"]])
        (TARGET / f"{fact['code']}.toml").write_text(text, encoding="utf-8")
        print(fact["code"])


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
