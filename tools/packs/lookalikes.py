"""Write perturbations/lookalikes: which letters look alike, measured on their glyphs in Noto fonts.

    pip install pillow; apt-get download fonts-noto-core fonts-noto-cjk, unpacked with dpkg-deb -x into FONTS
    python -m tools.packs.lookalikes FONTS [SCRIPT ...]

Each letter of a script's languages is drawn at 48 pixels on one baseline, blurred as a scanner does, and compared by
the cosine of the pixels, the mean over the fonts named below. A letter keeps the others that are most like it, of those
above a least likeness: for each language that has the letter, three of its own, in Georgian of its case. Marks are
drawn on a letter of their script, and compared by what they add to it. In Latin, Cyrillic and Greek digits count as
forms. Pairs of Latin letters (rn and m) are those of `ocr_pairs.tsv`.
"""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from robust_xtreme.core.languages import ALL_LANGUAGES, language
from robust_xtreme.noise.engine.case import cased

Array = npt.NDArray[Any]

TARGET: Final = Path(__file__).parents[2] / "perturbations" / "lookalikes"
FONTS: Final = {
    "Latn": (("NotoSans-Regular.ttf", 0), ("NotoSerif-Regular.ttf", 0)),
    "Cyrl": (("NotoSans-Regular.ttf", 0), ("NotoSerif-Regular.ttf", 0)),
    "Grek": (("NotoSans-Regular.ttf", 0), ("NotoSerif-Regular.ttf", 0)),
    "Arab": (("NotoNaskhArabic-Regular.ttf", 0),),
    "Hebr": (("NotoSansHebrew-Regular.ttf", 0), ("NotoSerifHebrew-Regular.ttf", 0)),
    "Deva": (("NotoSansDevanagari-Regular.ttf", 0),),
    "Beng": (("NotoSansBengali-Regular.ttf", 0),),
    "Gujr": (("NotoSansGujarati-Regular.ttf", 0),),
    "Guru": (("NotoSansGurmukhi-Regular.ttf", 0),),
    "Taml": (("NotoSansTamil-Regular.ttf", 0),),
    "Telu": (("NotoSansTelugu-Regular.ttf", 0),),
    "Mlym": (("NotoSansMalayalam-Regular.ttf", 0),),
    "Thai": (("NotoSansThai-Regular.ttf", 0),),
    "Mymr": (("NotoSansMyanmar-Regular.ttf", 0),),
    "Geor": (("NotoSansGeorgian-Regular.ttf", 0),),
    "Jpan": (("NotoSansCJK-Regular.ttc", 0),),
    "Kore": (("NotoSansCJK-Regular.ttc", 1),),
    "Hans": (("NotoSansCJK-Regular.ttc", 2),),
}
BASES: Final = {
    "Deva": "क",
    "Beng": "ক",
    "Gujr": "ક",
    "Guru": "ਕ",
    "Taml": "க",
    "Telu": "క",
    "Mlym": "ക",
    "Thai": "ก",
    "Mymr": "က",
    "Arab": "ب",
    "Hebr": "א",
}
DIGITAL: Final = ("Latn", "Cyrl", "Grek")
PAIRS: Final = Path(__file__).with_name("ocr_pairs.tsv")
DIGITS: Final = "0123456789"
_SIZE: Final = 48
_BOX: Final = 96
_SHRUNK: Final = 32
_LEAST: Final = 0.75
_MOST: Final = 3
_ATTESTED: Final = 95


def drawn(text: str, font: Any) -> Array:
    """A text's blurred pixels (1024,), centred from side to side, on the font's baseline."""
    image = Image.new("L", (_BOX, _BOX), 0)
    left, _, right, _ = font.getbbox(text, anchor="ls")
    ImageDraw.Draw(image).text(((_BOX - right - left) / 2, _BOX * 0.68), text, fill=255, font=font, anchor="ls")
    small = image.filter(ImageFilter.GaussianBlur(2)).resize((_SHRUNK, _SHRUNK), Image.Resampling.BOX)
    return np.asarray(small, np.float32).reshape(-1)


def likeness(texts: Sequence[str], fonts: Sequence[Any], base: str = "") -> Array:
    """The mean cosine of each two texts (n, n) over fonts; of marks, of what they add to a base."""
    total = np.zeros((len(texts), len(texts)), np.float32)
    for font in fonts:
        pixels = np.stack([drawn(base + text, font) for text in texts])
        pixels -= drawn(base, font) if base else 0
        pixels /= np.maximum(np.linalg.norm(pixels, axis=1, keepdims=True), 1e-6)
        total += pixels @ pixels.T
    return total / len(fonts)


def most_alike(
    texts: Sequence[str], alike: Array, alphabets: Sequence[frozenset[str]]
) -> Iterator[tuple[str, dict[str, int]]]:
    """For each text other than a digit, the three most like it in each alphabet that has it, and digits, in percent."""
    for number, text in enumerate(texts):
        ranked = sorted(zip(alike[number].tolist(), texts, strict=True), reverse=True)
        near = [(value, form) for value, form in ranked if form != text and value >= _LEAST]
        nearest = (
            islice((form for _, form in near if form in alphabet), _MOST) for alphabet in alphabets if text in alphabet
        )
        kept = {*DIGITS, *chain.from_iterable(nearest)}
        chosen = {form: round(100 * value) for value, form in near if form in kept}
        if chosen and text not in DIGITS:
            yield text, chosen


def rows(script: str, fonts: Sequence[Any]) -> Iterator[tuple[str, dict[str, int]]]:
    """The letters, marks and pairs of letters of a script, with the forms that look like them."""
    known = [language(code) for code in ALL_LANGUAGES if language(code).script == script]
    alphabets = [
        frozenset(letter for letter in cased(entry.code, entry.alphabet) if len(letter) == 1) for entry in known
    ]
    if script == "Geor":  # its capitals (Mtavruli) are for whole lines, and not among small letters
        alphabets = [frozenset(filter(case, letters)) for letters in alphabets for case in (str.islower, str.isupper)]
    texts = [*sorted(frozenset().union(*alphabets)), *(DIGITS if script in DIGITAL else "")]
    yield from most_alike(texts, likeness(texts, fonts), alphabets)
    sets = [frozenset(mark for mark in entry.marks if unicodedata.category(mark)[0] == "M") for entry in known]
    marks = sorted(frozenset().union(*sets))
    if script in BASES and marks:
        yield from most_alike(marks, likeness(marks, fonts, BASES[script]), sets)


def written(script: str, names: Sequence[str], rows: Sequence[tuple[str, dict[str, int]]]) -> str:
    """The pack of a script."""
    lines = [
        f"# script: {script}",
        f"# source: likeness of glyphs in {', '.join(names)} (fonts-noto 20201225), by tools/packs/lookalikes.py",
        "# licence: Apache-2.0; the fonts that were measured: OFL-1.1",
        "# standing: derived",
        "letter\tforms\tlikeness\tstanding",
    ]
    lines += [f"{text}\t{' '.join(forms)}\t{' '.join(map(str, forms.values()))}\t" for text, forms in rows]
    if script == "Latn":
        pairs = PAIRS.read_text(encoding="utf-8").splitlines()
        source = pairs[0].removeprefix("# source: ")
        lines[1] += f"; rows of standing attested: {source}"
        lines += [line + f"\t{_ATTESTED}\tattested" for line in pairs[3:]]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write the pack of every script."""
    folder = Path(sys.argv[1])
    TARGET.mkdir(exist_ok=True)
    for script in sys.argv[2:] or FONTS:
        named = FONTS[script]
        fonts = [ImageFont.truetype(str(next(folder.rglob(name))), _SIZE, index=index) for name, index in named]
        text = written(script, [name for name, _ in named], list(rows(script, fonts)))
        (TARGET / f"{script}.tsv").write_text(text, encoding="utf-8")
        print(f"{script}: {text.count(chr(10)) - 5} rows")


if __name__ == "__main__":
    main()
