"""Writes release files for a comparison of search systems in an hour: `python -m tools.search.data DIR OUT`.

A search among 1,000 sentences is harder than one among 300, so that languages are compared on pools of one size: of
Tatoeba the 300 pairs whose English sentences come first by hash are kept, in the order of the file. Of LAReQA every
third article is kept, the same ones in all languages, with all its questions.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import tempfile
from pathlib import Path
from typing import Final

PAIRS: Final = 300
EVERY: Final = 3
"""Which articles of LAReQA are kept, counted from the first."""

CODES: Final = ("ara", "cmn", "deu", "fra", "hin", "kor", "rus", "spa", "swh", "tam", "tur", "vie")
"""The languages of Tatoeba, as its files name them."""

_TATOEBA, _LAREQA = Path("tatoeba/v1"), Path("lareqa/xquad-r")


def read_pairs(data: Path, code: str) -> list[tuple[str, str]]:
    """The sentences of a language, each with its English one, of pairs whose English sentence is not there before."""
    sides = [(data / _TATOEBA / f"tatoeba.{code}-eng.{side}").read_text("utf-8").split("\n") for side in (code, "eng")]
    pairs: dict[str, str] = {}
    for sentence, english in zip(*sides, strict=True):
        if sentence.strip() and english.strip():
            pairs.setdefault(english.strip(), sentence.strip())
    return [(sentence, english) for english, sentence in pairs.items()]


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
        for place in (_LAREQA, _TATOEBA):
            (folder / place).mkdir(parents=True)
        for path in sorted((data / _LAREQA).glob("*.json")):
            document = json.loads(path.read_text("utf-8"))
            document["data"] = document["data"][::EVERY]
            (folder / _LAREQA / path.name).write_text(json.dumps(document, ensure_ascii=False) + "\n", "utf-8")
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
