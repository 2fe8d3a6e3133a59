"""How many of the edits that keyboard_typo chooses happen, by language: those that collide with others are lost.

    python -m tools.yardstick.lost --data DIR

Prints, for the first 400 sentences of each development file of PAN-X, the share of eligible units that are edited at
the strengths 0.3 and 1.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from robust_xtreme.core.examples import Text
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.noise.engine.noising import noise_texts

SENTENCES: Final = 400
STRENGTHS: Final = ("0.3", "1")


def sentences(path: Path, code: str) -> list[Text]:
    """The first sentences of a file of words and tags."""
    blocks = path.read_text(encoding="utf-8").split("\n\n")[:SENTENCES]
    values = (" ".join(line.split("\t")[0] for line in block.splitlines()) for block in blocks)
    return [Text(f"{code}/{number}", code, value) for number, value in enumerate(values) if value]


def edited(texts: Sequence[Text], strength: str) -> float:
    """The share of the eligible units of some texts that keyboard_typo edits."""
    noised = noise_texts(texts, PerturbationSpec.parse(f"keyboard_typo:{strength}"), 0)
    return sum(sum(noised_text.edits.values()) for noised_text in noised) / max(
        1, sum(noised_text.eligible for noised_text in noised)
    )


def shares(folder: Path) -> Iterator[tuple[str, list[float]]]:
    """Each language with a development file, and its shares."""
    for path in sorted(folder.glob("dev-*.tsv")):
        code = path.stem.removeprefix("dev-")
        texts = sentences(path, code)
        yield code, [edited(texts, strength) for strength in STRENGTHS]


def main() -> None:
    """Print a line for each language."""
    parser = argparse.ArgumentParser(description="Shares of units that keyboard_typo edits.")
    parser.add_argument("--data", type=Path, default=os.environ.get("ROBUST_XTREME_DATA"), help="the release files")
    arguments = parser.parse_args()
    if arguments.data is None:
        raise SystemExit("Name the folder of release files: --data DIR, or ROBUST_XTREME_DATA.")
    print("language", *STRENGTHS, sep="\t")
    for code, lost in shares(Path(arguments.data) / "panx"):
        print(code, *(f"{share:.1%}" for share in lost), sep="\t")


if __name__ == "__main__":
    main()
