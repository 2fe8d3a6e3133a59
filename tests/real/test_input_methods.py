"""Input methods against real text: how much of it has key errors, and what conversions give."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from tests.one_key import reachable, single_key_errors
from tests.some import some

from robust_xtreme.core.examples import Text
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.noise.engine.key_error_table import KeyingError
from robust_xtreme.noise.engine.noising import noise_texts
from robust_xtreme.noise.input import kana, pinyin
from robust_xtreme.noise.input.vietnamese import Method

pytestmark = pytest.mark.real


def _share(text: str, key_errors: Iterator[KeyingError], wanted: Callable[[str], bool]) -> float:
    """The share of the wanted letters of a text that have key errors, alone or in a pair with the next one."""
    points = {key_error.point for key_error in key_errors}
    counts: Counter[bool] = Counter()
    for index, letter in enumerate(text):
        if wanted(letter):
            pairs = (text[index : index + 2], text[max(index - 1, 0) : index + 1])
            counts[letter in points or any(len(pair) == 2 and pair in points for pair in pairs)] += 1
    return counts[True] / counts.total()


def _text(data: Path, name: str) -> str:
    return (data / "flores_first100" / f"{name}.dev").read_text("utf-8")


def test_kana_have_key_errors(data: Path) -> None:
    """At least 98 % of the kana of Japanese sentences have key errors of romaji."""
    assert (
        _share(
            _text(data, "jpn_Jpan"), kana.key_errors(), lambda character: "ぁ" <= character <= "ヶ" or character == "ー"
        )
        >= 0.98
    )


CONVERTED = {"ja": ("jpn_Jpan", 1_169), "zh": ("zho_Hans", 2_823)}
"""The sentences of a language, and how often keyboard_typo:0.1 converted Han characters in them in version 1.

Of these 46 and 42 % gave words, by the segmentation and words of janome 0.5.0 (IPADIC) and of jieba 0.42.1; in version
2 it is 99 and 93 %.
"""


@pytest.mark.parametrize("code", some(CONVERTED, 1))
def test_conversions_replace_words_by_words(data: Path, code: str) -> None:
    """Every conversion in FLORES replaces a whole word, the longest of the list, and what replaces it is in the list.

    At least half as many characters are converted as when single ones were, inside of words too, and in Japanese in at
    least half as many conversions.
    """
    name, before = CONVERTED[code]
    words = kana.words() if code == "ja" else pinyin.words()
    letters = {word.letters + word.tail: word.letters for word in words}
    texts = [Text(str(number), code, line) for number, line in enumerate(_text(data, name).splitlines())]
    converted: list[str] = []
    for noised in noise_texts(texts, PerturbationSpec.parse("keyboard_typo:0.1"), 0):
        clean, units = noised.clean.value, _divided(noised.clean.value, letters)
        for start, stop, new_start, new_stop in noised.traces[0].moves if noised.traces else ():
            if any("\u4e00" <= letter <= "\u9fff" for letter in clean[start:stop]):
                form, tail = noised.text.value[new_start:new_stop], units.get((start, stop))
                assert tail is not None, (clean, start, stop)
                assert {form, form + tail} & letters.keys(), (clean[start:stop], form)
                converted.append(clean[start:stop])
    assert 2 * len("".join(converted)) >= before
    assert 2 * len(converted) >= before or code == "zh"


def _divided(text: str, letters: Mapping[str, str]) -> dict[tuple[int, int], str]:
    """The words of a text from left to right, each as long as it can be: where they are, and their endings."""
    longest, units, start = max(map(len, letters)), {}, 0
    while start < len(text):
        parts = (text[start : start + size] for size in range(longest, 0, -1))
        word = next((part for part in parts if part in letters), "")
        size = len(letters.get(word, " "))
        if word:
            units[start, start + size] = word[size:]
        start += size
    return units


@pytest.mark.parametrize(("method", "step"), [
    ("telex", 8), *(pytest.param(method, 1, marks=pytest.mark.long) for method in ("telex", "vni")),
])  # fmt: skip
def test_key_errors_of_vietnamese_come_of_one_wrong_key(data: Path, method: Method, step: int) -> None:
    """At least 99 % of the key errors of the frequent words of Vietnamese sentences can come from one wrong key."""
    text = unicodedata.normalize("NFC", (data / "tatoeba" / "v1" / "tatoeba.vie-eng.vie").read_text("utf-8"))
    counts = Counter(word for word in re.findall(r"[^\W\d_]+", text) if len(word) > 1)
    words = [word for word, _ in counts.most_common(400)[::step]]
    key_errors = single_key_errors(words, method, 12)
    forms = {word: reachable(word, method) for word in words}
    assert len(key_errors) > 2 * len(words)
    assert sum(form in forms[word] for word, form in key_errors) >= 0.99 * len(key_errors)
