"""How fast words are written in another script: characters per second on one core, beside uroman and ICU.

    python -m benchmarks.transliterate --data DIR [--runs 5] [--schemes typed,iso9]

All words of the sentences of FLORES are respelt (strength 1), ids and edit counts included; nothing is remembered from
one run to the next but the tables. uroman and ICU get each distinct word once, and their figure is of the characters of
distinct words. Figures are of processor time, for the best of the runs. The bar: 3 million characters/s for our tables.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from inspect import unwrap
from pathlib import Path
from typing import Final

import regex

from robust_xtreme.core.edits import span_table
from robust_xtreme.core.errors import UserError
from robust_xtreme.core.languages import LANGUAGES
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.noise.engine.noising import bound, noise_values
from robust_xtreme.noise.engine.respelling_table import Respeller
from robust_xtreme.noise.members.scripts import scheme, schemes

BAR: Final = 3e6
FLORES: Final = {
    "ar": "arb", "bg": "bul", "bn": "ben", "el": "ell", "he": "heb", "hi": "hin", "ja": "jpn", "ka": "kat", "kk": "kaz",
    "ko": "kor", "mr": "mar", "my": "mya", "ru": "rus", "ta": "tam", "te": "tel", "th": "tha", "uk": "ukr", "ur": "urd",
    "zh": "zho",
}  # fmt: skip
_REPEATED: Final = 10
_PEERS: Final = ("uroman", "icu:Any-Latin")
WORD: Final = regex.compile(r"\p{L}[\p{L}\p{M}\u200c\u200d]*")


def lines(folder: Path, code: str) -> list[str]:
    """The sentences of FLORES in a language; none where there is no file."""
    paths = sorted((folder / "flores_first100").glob(f"{FLORES.get(code, '-')}_*.dev"))
    return [line for path in paths[:1] for line in path.read_text("utf-8").splitlines()]


def best(work: Callable[[], object], runs: int) -> float:
    """The processor time of the best of some runs, in seconds."""
    times = []
    for _ in range(runs):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def ours(values: Sequence[str], code: str, name: str, runs: int) -> float:
    """Characters per second of a scheme that has tables."""
    link = bound(PerturbationSpec.parse(f"transliterate:1@scheme={name}"))[0]
    texts = list(values) * _REPEATED
    ids, spans = [str(number) for number in range(len(texts))], span_table([()] * len(texts))
    noise_values(texts[:2], ids[:2], span_table([()] * 2), code, link, 0)
    return sum(map(len, texts)) / best(lambda: noise_values(texts, ids, spans, code, link, 0), runs)


def of_library(values: Sequence[str], code: str, name: str) -> float:
    """Characters per second of a library on distinct words; 0 where it is not installed."""
    words = sorted({word for value in values for word in WORD.findall(value)})
    try:
        spelling = scheme(name).spelling(code)
    except UserError:
        return 0.0
    assert not isinstance(spelling, Respeller)
    spell = unwrap(spelling)  # without what it remembers
    spell(words[0])
    return sum(map(len, words)) / best(lambda: [spell(word) for word in words], 1)


def main() -> None:
    """Print a line for each scheme and language, and how far the slowest is from the bar."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--schemes", default=",".join(name for name in schemes() if name not in ("uroman", "icu:ID")))
    given = parser.parse_args()
    slowest: dict[str, float] = {}
    for code in LANGUAGES:
        values = lines(given.data, code)
        names = [name for name in given.schemes.split(",") if values and not scheme(name).lacks(code)]
        beside = {peer: of_library(values, code, peer) for peer in _PEERS if names}
        for name in names:
            rate = slowest[f"{code} {name}"] = ours(values, code, name, given.runs)
            peers = [f"{peer} {of / 1e6:.3f} ({rate / of:.0f} times)" for peer, of in beside.items() if of]
            print(f"{code} {name}: {rate / 1e6:.1f} million characters/s; {', '.join(peers)}")
    under = {name: f"{rate / 1e6:.1f}" for name, rate in slowest.items() if rate < BAR}
    print(
        f"At least {BAR / 1e6:.0f} million: {len(slowest) - len(under)} of {len(slowest)}. Below it: {under or 'none'}"
    )


if __name__ == "__main__":
    main()
