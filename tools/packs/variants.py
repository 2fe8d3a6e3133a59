"""Write zh-hant.tsv and zh-hant-back.tsv of perturbations/romanisations: Chinese in traditional characters, and back.

    python tools/packs/variants.py DICT

DICT is the folder dist/esm-lib/dict of the npm package opencc-js 1.4.2, the dictionaries of OpenCC. Characters and
phrases have the first form of OpenCC. Phrases that are written as their characters are have rows too: where the longest
match decides, 发明 keeps the phrase 明了 out of 发明了.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from robust_xtreme.core.languages import written_in

TARGET: Final = Path(__file__).parents[2] / "perturbations" / "romanisations"
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
    """The first form of each character and phrase of some dictionaries, all of Han letters; those named first win."""
    known: dict[str, str] = {}
    for name in names:
        quoted = (folder / f"{name}.js").read_text("utf-8").partition('"')[2].rpartition('"')[0]
        for entry in quoted.split("|"):
            letters, forms = entry.split(" ", 1)
            if all(written_in("Hans", letter) for letter in letters):
                known.setdefault(letters, forms.split()[0])
    return known


def main(folder: Path) -> None:
    """Write both tables."""
    for scheme, names in TABLES.items():
        known = sorted(entries(folder, names).items(), key=lambda entry: (len(entry[0]), entry[0]))
        path = TARGET / f"zh-{scheme}.tsv"
        lines = "\n".join(f"{letters}\t{form}\t" for letters, form in known)
        path.write_text(
            HEAD.format(scheme=scheme, files=", ".join(names), back="# back: zh\n" if scheme.endswith("back") else "")
            + lines
            + "\n",
            encoding="utf-8",
        )
        print(f"{path.name}: {len(known):,} rows, {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
