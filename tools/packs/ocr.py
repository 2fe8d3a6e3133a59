"""Write perturbations/ocr/SCRIPT.tsv: what `ocr_channel` reads for letters and pairs of letters, with counts.

    python -m tools.packs.ocr FLORES [SENTENCES]

reads the first sentences (40) of FLORES's dev files in the folder FLORES, for languages without one those of the
calibration text, each from a print of degree 0.8, and counts, over the languages of a script, which one or two letters
and marks became which, at least twice. Marks that texts in all these languages can do without, such as the points of
Hebrew, are not put in. It needs Tesseract, and about a quarter of a second a sentence; what was read is in the cache. A
script without such letters has no pack.
"""

from __future__ import annotations

import sys
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from robust_xtreme.api import noised_strings
from robust_xtreme.core import packs
from robust_xtreme.core.languages import LANGUAGES, language
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.noise.engine.noised import Noised
from robust_xtreme.noise.engine.ocr_channel import reader

TARGET: Final = Path(__file__).parents[2] / "perturbations" / "ocr"

_DEGREE: Final = "0.8"
_READABLE: Final = 0.2
"""The error rate from which on a diff does not say which letter was read for which."""

_LEAST: Final = 2
_HEAD: Final = """\
# source: {sentences} sentences ({languages}) of FLORES-200 and of the Declaration of Human Rights as Tesseract \
5.3.0 reads them from prints in Noto fonts at degree 0.8, by tools/packs/ocr.py
# licence: Apache-2.0; the sentences that were counted, of which none is here: CC BY-SA 4.0 and public domain
# standing: derived
letter\tforms\tcounts
"""
_NAMED: Final = {
    "bg": "bul", "bn": "ben", "de": "deu", "el": "ell", "en": "eng", "es": "spa", "et": "est", "fi": "fin",
    "fr": "fra", "he": "heb", "hi": "hin", "hu": "hun", "id": "ind", "it": "ita", "ja": "jpn", "ka": "kat",
    "kk": "kaz", "ko": "kor", "mr": "mar", "my": "mya", "nl": "nld", "pl": "pol", "pt": "por", "ro": "ron",
    "ru": "rus", "ta": "tam", "te": "tel", "th": "tha", "tr": "tur", "uk": "ukr", "ur": "urd", "vi": "vie",
    "yo": "yor", "sw": "swh", "zh": "zho", "ar": "arb",
}  # fmt: skip


def confusions(noised: Noised) -> Iterator[tuple[str, str]]:
    """The one or two letters and marks that each edit changed, and the one or two that they became.

    What an edit has at both ends is not changed; a letter that was put in belongs to the one before it.
    """
    clean, noisy = noised.clean.value, noised.text.value
    for start, stop, low, high in noised.traces[0].moves:
        old, new = clean[start:stop], noisy[low:high]
        front = _shared(old, new)
        back = _shared(old[front:][::-1], new[front:][::-1])
        if front + back == len(old):  # a letter was put in
            front, back = (front - 1, back) if front else (front, back - 1)
        pair = old[front : len(old) - back], new[front : len(new) - back]
        if 1 <= len(pair[0]) <= 2 and 1 <= len(pair[1]) <= 2 and all(map(_is_letter, "".join(pair))):
            yield pair


def _shared(one: str, other: str) -> int:
    """How many characters two strings have in common at their beginning."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((number for number, (first, second) in pairs if first != second), min(len(one), len(other)))


def _is_letter(character: str) -> bool:
    return unicodedata.category(character)[0] in "LM"


def is_pointed(code: str, letter: str, form: str) -> bool:
    """Whether a form has a mark that texts of a language can do without, CLDR's auxiliary, and the letter is none."""
    auxiliary = str(packs.read("alphabets", code).get("auxiliary_marks", "")).split()
    return letter not in auxiliary and not frozenset(auxiliary).isdisjoint(form)


def sentences(code: str, flores: Path, most: int) -> list[str]:
    """The first sentences of a language."""
    for path in flores.glob(f"{_NAMED.get(code, '-')}_*.dev"):
        return path.read_text(encoding="utf-8").splitlines()[:most]
    return [row["text"] for row in packs.table("calibration", code).rows][:most]


def main(flores: Path, most: int) -> None:
    """Read the sentences of every language, and write a pack for each script."""
    counts: defaultdict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
    languages: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for code in (code for code in LANGUAGES if reader(code)):
        values = sentences(code, flores, most)
        script = language(code).script
        for noised in noised_strings(values, PerturbationSpec.parse(f"ocr_channel:{_DEGREE}"), code, 0):
            if noised.graphemes_edited < _READABLE * noised.graphemes:
                counts[script].update(confusions(noised))
        languages[script][code] = len(values)
        print(code, len(values), flush=True)
    for script, pairs in counts.items():
        forms: defaultdict[str, list[tuple[str, int]]] = defaultdict(list)
        of_script = languages[script]
        kept = (pair for pair in pairs if not all(is_pointed(code, *pair) for code in of_script))
        often = {pair: pairs[pair] for pair in kept if pairs[pair] >= _LEAST}
        for (letter, form), count in sorted(often.items(), key=lambda item: (-item[1], item[0])):
            forms[letter].append((form, count))
        rows = (
            f"{letter}\t{' '.join(form for form, _ in listed)}\t{' '.join(str(count) for _, count in listed)}\n"
            for letter, listed in sorted(forms.items())
        )
        head = _HEAD.format(sentences=sum(of_script.values()), languages=" ".join(of_script))
        if often:
            (TARGET / f"{script}.tsv").write_text(head + "".join(rows), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if sys.argv[2:] else 40)
