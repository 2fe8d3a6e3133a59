"""What a scheme of transliteration loses: the share of the distinct words it changes that do not come back.

    python -m tools.round_trip --data DIR [SCHEME...]

The words are those of FLORES in each language that the scheme serves, composed, and of the bundled calibration text
where FLORES has no file (Gujarati, Malayalam, Punjabi); of each the likeliest spelling is read back.
"""

from __future__ import annotations

import argparse
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import regex

from robust_xtreme.core.examples import Text
from robust_xtreme.core.languages import LANGUAGES
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.noise.engine import realised
from robust_xtreme.noise.engine.noising import noise_texts
from robust_xtreme.noise.members.scripts import scheme, schemes

FLORES: Final = {
    "ar": "arb", "bg": "bul", "bn": "ben", "el": "ell", "he": "heb", "hi": "hin", "ja": "jpn", "ka": "kat", "kk": "kaz",
    "ko": "kor", "mr": "mar", "my": "mya", "ru": "rus", "ta": "tam", "te": "tel", "th": "tha", "uk": "ukr", "ur": "urd",
    "zh": "zho",
}  # fmt: skip
"""The codes of FLORES, by those of the program."""
WORD: Final = regex.compile(r"\p{L}[\p{L}\p{M}\u200c\u200d]*")
_SHOWN: Final = 8


def lost(words: Sequence[str], code: str, name: str) -> list[tuple[str, str, str]]:
    """The words that the way back does not give back: the word, its spelling, and what that is read as."""
    there = _spelt(words, code, f"transliterate:1@scheme={name}")
    back = _spelt(there, code, f"transliterate:1@scheme={name}@direction=back")
    rows = zip(words, there, back, strict=True)
    return [(word, spelling, read) for word, spelling, read in rows if word != read]


def _spelt(words: Sequence[str], code: str, spec: str) -> list[str]:
    texts = [Text(str(number), code, word) for number, word in enumerate(words)]
    return [noised.text.value for noised in noise_texts(texts, PerturbationSpec.parse(spec), 0)]


def flores_sentences(data: Path, code: str) -> list[str]:
    """The sentences of FLORES in a language; none where there is no file."""
    paths = sorted((data / "flores_first100").glob(f"{FLORES.get(code, '-')}_*.dev"))
    return [line for path in paths[:1] for line in path.read_text("utf-8").splitlines()]


def losses(data: Path, names: Sequence[str] = ()) -> Iterator[tuple[str, str, list[tuple[str, str, str]], int]]:
    """Each scheme that is read back, a language, its changed words that do not come back, and the number of its words.

    The words are those of FLORES, or of the calibration text of a language that FLORES has no file of.
    """
    for name in names or [name for name in schemes() if ":" not in name and scheme(name).back]:
        for code in LANGUAGES:
            text = unicodedata.normalize("NFC", "\n".join(flores_sentences(data, code) or realised.texts(code)))
            words = sorted(set(WORD.findall(text)))
            if words and not scheme(name).lacks_back(code):
                there = _spelt(words, code, f"transliterate:1@scheme={name}")
                changed = [word for word, spelling in zip(words, there, strict=True) if word != spelling]
                yield name, code, lost(changed, code, name), len(changed)


def main() -> None:
    """Print for each scheme and language the share of words lost, and some of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("schemes", nargs="*")
    given = parser.parse_args()
    for name, code, rows, count in losses(given.data, given.schemes):
        some = "; ".join(" ".join(row) for row in rows[:_SHOWN])
        print(f"{name} {code}: {len(rows) / count:.2%} of {count} words lost. {some}")


if __name__ == "__main__":
    main()
