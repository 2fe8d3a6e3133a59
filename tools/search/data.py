"""Writes release files in which every language of Tatoeba has 300 candidates: `python -m tools.search.data DIR OUT`.

A search among 1,000 sentences is harder than one among 300, so that languages are compared on pools of one size. Kept
are the 300 pairs whose English sentences come first by hash, in the order of the file. LAReQA is copied as it is.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import tempfile
from pathlib import Path
from typing import Final

PAIRS: Final = 300
CODES: Final = ("ara", "cmn", "deu", "fra", "hin", "kor", "rus", "spa", "swh", "tam", "tur", "vie")
"""The languages of Tatoeba, as its files name them."""

_TATOEBA, _LAREQA = Path("tatoeba/v1"), Path("lareqa/xquad-r")


def read_pairs(data: Path, code: str) -> list[tuple[str, str]]:
    """The sentences of a language, each with its English one, of pairs whose English sentence is not there before."""
    sides = [(data / _TATOEBA / f"tatoeba.{code}-eng.{side}").read_text("utf-8").split("\n") for side in (code, "eng")]
    pairs = {english.strip(): sentence.strip() for sentence, english in reversed([*zip(*sides, strict=True)])}
    return [(sentence, english) for english, sentence in reversed(pairs.items()) if sentence and english]


def keep_first_by_hash(pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """PAIRS of the pairs, in their order. Raises SystemExit where there are fewer."""
    if len(pairs) < PAIRS:
        raise SystemExit(f"{len(pairs)} pairs are fewer than {PAIRS}.")
    by_hash = sorted(pairs, key=lambda pair: hashlib.sha256(pair[1].encode()).digest())
    kept = set(by_hash[:PAIRS])
    return [pair for pair in pairs if pair in kept]


def write(data: Path, out: Path) -> bool:
    """Write the folder, whole or not at all; False: it is there already."""
    if out.is_dir():
        return False
    missing = [folder for folder in (_TATOEBA, _LAREQA) if not (data / folder).is_dir()]
    if missing:
        raise SystemExit(f"{data} has no folder {missing[0]}. Name the folder of release files that has it: DATA=DIR")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".search-data-") as temporary:
        folder = Path(temporary) / "made"
        shutil.copytree(data / _LAREQA, folder / _LAREQA)
        (folder / _TATOEBA).mkdir(parents=True)
        for code in CODES:
            pairs = keep_first_by_hash(read_pairs(data, code))
            for side, name in enumerate((code, "eng")):
                text = "".join(f"{pair[side]}\n" for pair in pairs)
                (folder / _TATOEBA / f"tatoeba.{code}-eng.{name}").write_text(text, "utf-8")
        folder.rename(out)
    return True


def main() -> None:
    """Write the folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    words = parser.parse_args()
    print(f"{words.out}: {'written' if write(words.data, words.out) else 'there already'}")


if __name__ == "__main__":
    main()
