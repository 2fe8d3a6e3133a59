"""Write zh-hant.tsv and zh-hant-back.tsv of perturbations/romanisations: Chinese in traditional characters, and back.

    python tools/packs/variants.py DICT

DICT is the folder dist/esm-lib/dict of the npm package opencc-js 1.4.2, the dictionaries of OpenCC. A character has the
first form of OpenCC; a phrase has a row where OpenCC writes it otherwise than its characters and the shorter phrases in
it. Phrases longer than four characters, of which few are words, are left out.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

TARGET: Final = Path(__file__).parents[2] / "perturbations" / "romanisations"
LONGEST: Final = 4
HEAD: Final = """\
# language: zh
# scheme: {scheme}
# source: OpenCC 1.4.2 (npm package opencc-js), {files}
# licence: Apache-2.0, text in LICENSE-OPENCC.txt
# standing: attested
{back}# maker: tools/packs/variants.py
letters\tforms\tweights
"""
TABLES: Final = {
    "hant": ("STCharacters", "STPhrases", "STPhrases_GeneratedFromRegionalPhrases"),
    "hant-back": ("TSCharacters", "TSPhrases"),
}


def entries(folder: Path, names: tuple[str, ...]) -> dict[str, str]:
    """The first form of each character and phrase of some dictionaries; those named first win."""
    known: dict[str, str] = {}
    for name in names:
        quoted = (folder / f"{name}.js").read_text("utf-8").partition('"')[2].rpartition('"')[0]
        for entry in quoted.split("|"):
            letters, forms = entry.split(" ", 1)
            known.setdefault(letters, forms.split()[0])
    return known


def composed(phrase: str, known: Mapping[str, str]) -> str:
    """How a phrase is written by the longest rows."""
    text, index = "", 0
    while index < len(phrase):
        size = next(
            size for size in range(len(phrase) - index, 0, -1) if size == 1 or phrase[index : index + size] in known
        )
        text += known.get(phrase[index : index + size], phrase[index])
        index += size
    return text


def rows(known: Mapping[str, str]) -> dict[str, str]:
    """The characters that change, and the phrases that do not follow from what is in them."""
    kept: dict[str, str] = {}
    for letters, form in sorted(known.items(), key=lambda entry: (len(entry[0]), entry[0])):
        if len(letters) <= LONGEST and composed(letters, kept) != form:
            kept[letters] = form
    return kept


def main(folder: Path) -> None:
    """Write both tables."""
    for scheme, names in TABLES.items():
        kept = rows(entries(folder, names))
        path = TARGET / f"zh-{scheme}.tsv"
        lines = "\n".join(f"{letters}\t{form}\t" for letters, form in kept.items())
        path.write_text(
            HEAD.format(scheme=scheme, files=", ".join(names), back="# back: zh\n" if scheme.endswith("back") else "")
            + lines
            + "\n",
            encoding="utf-8",
        )
        print(f"{path.name}: {len(kept):,} rows, {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
