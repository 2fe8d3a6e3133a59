"""Write perturbations/ocr/together.tsv: how letters that `ocr_channel` misreads come together in texts and in words.

    python -m tools.packs.ocr_together FLORES

reads the first 40 sentences of FLORES's dev files in the folder FLORES, in the languages of LANGUAGES, from prints of
degree 1, and finds the two correlations of `bunch` (noise/engine/runs.py), in twentieths, with which as many
letters, misread by draws, are most like those: by the sum over languages of the squared differences of three shares,
those of sentences without such a letter, of words with one, and of sentences with more than a tenth of them. Then it
prints these shares for the next 40 sentences, of the channel, of `ocr_noise` and of the look-alikes alone, both at the
channel's share of letters. What was read is in the cache.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import unicodedata
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any, Final

import numpy as np
from tools.packs.ocr import TARGET, sentences

from robust_xtreme.api import noised_strings
from robust_xtreme.core import packs, resources
from robust_xtreme.core.graphemes import split
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.noise.engine.noised import Noised

LANGUAGES: Final = ("de", "el", "en", "es", "fr", "hi", "ru", "sw", "tr", "vi")

_EACH, _DRAWS, _SEEDS, _MANY = 40, 100, 20, 0.1
_HEAD: Final = """\
# source: {sentences} sentences ({languages}) of FLORES-200 as Tesseract 5.3.0 reads them from prints in Noto fonts at \
degree 1, by tools/packs/ocr_together.py
# licence: Apache-2.0; the sentences, of which none is here: CC BY-SA 4.0
# standing: derived
text\tword
"""


def misread(noised: Noised) -> list[Any]:
    """For each word, a run of letters, which of them (n,) an edit changed; one put in is that of the letter before."""
    clean, noisy = noised.clean.value, noised.text.value
    clusters = split(clean)
    starts = np.cumsum([0, *map(len, clusters)])
    letter = np.array([False, *(unicodedata.category(each[0])[0] == "L" for each in clusters), False])
    wrong = np.zeros(len(letter), np.bool_)
    for begin, end, low, high in noised.traces[0].moves if noised.traces else ():
        start, stop = np.searchsorted(starts, (begin, end)).tolist()
        new = split(noisy[low:high])
        while start < stop and new and clusters[start] == new[0]:
            start, new = start + 1, new[1:]
        while start < stop and new and clusters[stop - 1] == new[-1]:
            stop, new = stop - 1, new[:-1]
        wrong[start + 1 : stop + 1] = True
        if start == stop and any(unicodedata.category(each[0])[0] == "L" for each in new):
            wrong[start + (not letter[start])] = True
    edges = np.flatnonzero(np.diff(letter))
    return [wrong[begin:end] for begin, end in zip(edges[::2] + 1, edges[1::2] + 1, strict=True)]


def shares(texts: Sequence[Sequence[Any]]) -> Any:
    """The share of misread letters; of texts without one, of words with one, and of texts with more than a tenth."""
    by_text = np.array([np.concatenate(words).mean() for words in texts])
    letters = np.concatenate([word for words in texts for word in words])
    words = np.mean([word.any() for words in texts for word in words])
    return np.array([letters.mean(), (by_text == 0).mean(), words, (by_text > _MANY).mean()])


def drawn(texts: Sequence[Sequence[Any]], share: float, text: float, word: float) -> Any:
    """The last three shares where as many letters are misread by draws with these correlations."""
    draw = np.random.default_rng(0).standard_normal
    in_words = [len(each) for words in texts for each in words]
    in_texts = [len(words) for words in texts]
    a, b, c = draw((_DRAWS, len(texts))), draw((_DRAWS, len(in_words))), draw((_DRAWS, sum(in_words)))
    of_word = np.repeat(a, in_texts, axis=1) * text**0.5 + b * word**0.5
    real = np.repeat(of_word, in_words, axis=1) + c * max(0.0, 1 - text - word) ** 0.5
    wrong = real < np.quantile(real, share)
    words = np.add.reduceat(wrong, np.cumsum([0, *in_words[:-1]]), axis=1, dtype=np.int64)
    first = np.cumsum([0, *in_texts[:-1]])
    by_text = np.add.reduceat(words, first, axis=1) / np.add.reduceat(in_words, first)
    return np.array([(by_text == 0).mean(), (words > 0).mean(), (by_text > _MANY).mean()])


def read(values: Sequence[str], spec: str, code: str, seeds: int = 1) -> list[list[Any]]:
    """The misread letters of the words of each text, in each draw."""
    link = PerturbationSpec.parse(spec)
    noised = (each for seed in range(seeds) for each in noised_strings(values, link, code, seed))
    return [words for each in noised if (words := misread(each))]


def fitted(channel: Sequence[Sequence[Sequence[Any]]]) -> tuple[float, float]:
    """The correlations within a text and, beyond it, within a word."""
    pairs = [(text / 20, word / 20) for text, word in product(range(20), repeat=2) if text + word < 20]
    known = [(texts, shares(texts)) for texts in channel]
    apart = [sum(((drawn(texts, of[0], *pair) - of[1:]) ** 2).sum() for texts, of in known) for pair in pairs]
    return pairs[int(np.argmin(apart))]


def compare(flores: Path, plain: Path) -> None:
    """Print the shares of sentences that nothing was fitted to: channel, `ocr_noise`, look-alikes alone."""
    shutil.copytree(resources.folder("perturbations") / "lookalikes", plain / "lookalikes")
    for code in LANGUAGES:
        values = sentences(code, flores, 2 * _EACH)[_EACH:]
        rows = [shares(read(values, "ocr_channel:1", code))]
        for folders in ((), (plain,)):
            with packs.using(*map(str, folders)):
                rows.append(shares(read(values, f"ocr_noise:{rows[0][0]:.4f}", code, _SEEDS)))
        print(code, *("  ".join(f"{100 * value:4.1f}" for value in row) for row in rows), sep=" | ", flush=True)


def main(flores: Path) -> None:
    """Fit the correlations, write them, and print the comparison."""
    channel = [read(sentences(code, flores, _EACH), "ocr_channel:1", code) for code in LANGUAGES]
    text, word = fitted(channel)
    head = _HEAD.format(sentences=sum(map(len, channel)), languages=" ".join(LANGUAGES))
    (TARGET / "together.tsv").write_text(f"{head}{text}\t{word}\n", encoding="utf-8")
    print("text", text, "word", word, "| letters, texts without, words with, texts above a tenth, in %", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        compare(flores, Path(folder))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
