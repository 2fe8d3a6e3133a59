"""Write perturbations/input/vi-syllables.tsv: how often syllables of Vietnamese are written.

    python tools/packs/syllables.py MLQA

MLQA is the file dev-context-vi-question-vi.json of MLQA (passages of Wikipedia). Kept are the words that are built as
syllables of Vietnamese are (an initial, vowels, a final), and that Telex and VNI type, tones where the traditional
spelling has them; those that are written twice at least.
"""

from __future__ import annotations

import json
import re
import sys
import unicodedata
from collections import Counter
from pathlib import Path
from typing import Final

from robust_xtreme.core.languages import language
from robust_xtreme.noise.input.vietnamese import keys, parts, typed

TARGET: Final = Path(__file__).parents[2] / "perturbations" / "input" / "vi-syllables.tsv"
FEWEST: Final = 2
SHAPE: Final = re.compile(
    "(b|ch|c|d|gh|gi|g|h|kh|k|l|m|ngh|ng|nh|n|ph|qu|r|s|th|tr|t|v|x)?[aeiouy]{1,3}(ch|c|m|ng|nh|n|p|t)?"
)
HEAD: Final = """\
# language: vi
# source: MLQA 1.0, dev-context-vi-question-vi.json (Vietnamese Wikipedia): how often each syllable is written
# licence: CC-BY-SA-3.0 (https://creativecommons.org/licenses/by-sa/3.0/)
# standing: derived
# maker: tools/packs/syllables.py
syllable	frequency
"""


def passages(path: Path) -> list[str]:
    """The passages of a file in the format of SQuAD, each once."""
    articles = json.loads(path.read_text("utf-8"))["data"]
    return sorted({paragraph["context"] for article in articles for paragraph in article["paragraphs"]})


def is_syllable(word: str) -> bool:
    """Whether a word in lower case is built as a syllable of Vietnamese, and typed as one."""
    known = frozenset(language("vi").alphabet).issuperset(word)
    bare = "".join(parts(letter)[0] for letter in word)
    return (
        known
        and bool(SHAPE.fullmatch(bare))
        and all(typed(keys(word, method), method) == word for method in ("telex", "vni"))
    )


def main() -> None:
    """Count the words and write the pack."""
    text = unicodedata.normalize("NFC", " ".join(passages(Path(sys.argv[1])))).lower()
    counts = Counter(re.findall(r"[^\W\d_]+", text))
    rows = sorted((-count, word) for word, count in counts.items() if count >= FEWEST and is_syllable(word))
    TARGET.write_text(HEAD + "".join(f"{word}\t{-count}\n" for count, word in rows), "utf-8")


if __name__ == "__main__":
    main()
