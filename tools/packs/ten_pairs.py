"""Write into each list of misspellings which share of its edits on real text its ten most frequent pairs make.

    python -m tools.packs.ten_pairs --data DIR

The line is `# ten: 0.651`. A list with more than half is thin: `natural_typo` then repeats a few words of a language,
and suites leave it out. The text is FLORES's development sentences, or Tatoeba's where FLORES does not have the
language here; every listed word is misspelt, once each, and pairs are counted in small letters.
"""

from __future__ import annotations

import argparse
import os
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tools.natural.texts import FLORES, sentences

from robust_xtreme.core import packs
from robust_xtreme.core.edits import span_table
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.noise.engine.noising import bound, noise_values

LISTS: Final = Path(__file__).parents[2] / "perturbations" / "misspellings"
_TEN: Final = 10
_TATOEBA: Final = {"af": "afr", "fa": "pes", "lt": "lit"}
_LINE: Final = re.compile(r"(?m)^# ten: .*\n")


def main() -> None:
    """Count and write, for every bundled list."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=os.environ.get("ROBUST_XTREME_DATA"), help="the release files")
    data = parser.parse_args().data
    if data is None:
        raise SystemExit("Name the folder of release files: --data DIR, or ROBUST_XTREME_DATA.")
    for code in packs.bundled("misspellings"):
        path = LISTS / f"{code}.tsv"
        share = ten(code, _text(code, Path(data)))
        text = _LINE.sub("", path.read_text(encoding="utf-8"))
        path.write_text(text.replace("\nwrong\t", f"\n# ten: {share:.3f}\nwrong\t", 1), encoding="utf-8")
        print(code, f"{share:.3f}")


def ten(code: str, values: Sequence[str]) -> float:
    """The share of the ten most frequent pairs among the edits of texts in which each listed word is misspelt."""
    link, ids = bound(PerturbationSpec.parse("natural_typo:1"))[0], [str(number) for number in range(len(values))]
    noisy = noise_values(values, ids, span_table([()] * len(values)), code, link, 0).moved.values
    words = ((*clean.lower().split(), "") for clean in values)
    others = ((*made.lower().split(), "") for made in noisy)
    pairs: Counter[tuple[str, str]] = Counter()
    for before, after in zip(words, others, strict=True):
        pairs.update(_bare(pair) for pair in zip(before, after, strict=True) if pair[0] != pair[1])
    return sum(many for _, many in pairs.most_common(_TEN)) / max(pairs.total(), 1)


def _bare(pair: tuple[str, str]) -> tuple[str, str]:
    """A pair of words without the punctuation around them."""
    return re.sub(r"^\W+|\W+$", "", pair[0]), re.sub(r"^\W+|\W+$", "", pair[1])


def _text(code: str, data: Path) -> list[str]:
    if code in FLORES:
        return sentences(code, data)
    name = _TATOEBA[code]
    return (data / "tatoeba" / "v1" / f"tatoeba.{name}-eng.{name}").read_text(encoding="utf-8").splitlines()


if __name__ == "__main__":
    main()
