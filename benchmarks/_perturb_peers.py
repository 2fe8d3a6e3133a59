"""The peers of benchmarks/perturb.py: a plain loop, nlpaug, and TextAttack in an environment of its own."""

from __future__ import annotations

import json
import random
import subprocess
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from robust_xtreme.core.edits import span_table
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.noise.engine.noising import bound, noise_values
from robust_xtreme.noise.engine.perturbation import Bound

KEYBOARDS: Final = {"Latn": "en", "Cyrl": "uk"}
CHARACTERS: Final = 40_000
PEER_TEXTS: Final = 200
SHARE: Final = 0.1
DRAWS: Final = 40
WORDS: Final = ("16", "32", "64")

TEXTATTACK: Final = {
    "char_noise": "WordSwapRandomCharacterSubstitution",
    "keyboard_typo": "WordSwapQWERTY",
    "word_order": "WordInnerSwapRandom",
    "word_drop": "WordDeletion",
}
"""TextAttack's transformation that is nearest to each perturbation."""

Forms = dict[str, list[str]]
"""What a character or word can become."""
Loop = Callable[[str, random.Random], str]


def seconds(work: Callable[[], object], runs: int) -> float:
    """The least processor time that some work took, so that what else the machine does counts less."""
    taken = []
    for _ in range(runs):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return min(taken)


def sample(values: Sequence[str]) -> list[str]:
    """Texts spread over all, of about so many characters."""
    step = max(1, sum(map(len, values)) // CHARACTERS)
    return [value for value in values[::step] if value.strip()]


def plain(name: str, groups: Mapping[str, Sequence[str]], runs: int) -> float:
    """Millions of characters/s of a loop over characters, or words, with a dict of what each may become.

    It draws from `random.Random`, keeps no spans, clusters or edit counts, and may delete all letters of a text.
    """
    link = bound(PerturbationSpec.parse(f"{name}:1"))[0]
    ready = [(sample(values), loop(name, code, values, link)) for code, values in groups.items()]

    def work() -> None:
        for values, noise in ready:
            for number, value in enumerate(values):
                noise(value, random.Random(number))

    return sum(len(value) for values, _ in ready for value in values) / seconds(work, runs) / 1e6


def loop(name: str, code: str, values: Sequence[str], link: Bound) -> Loop:
    """The plain loop of a perturbation; the candidates of a unit come from robust-xtreme before the timed part."""
    if link.perturbation.kind == "words":
        forms = _forms(sorted({word for value in sample(values) for word in value.split()}), code, link)
        whole = {"word_drop": _dropped, "word_order": _moved, "spacing": _spaced}
        return whole.get(name, lambda text, draw: _words(text, draw, forms))
    known = _letters(name, sorted(set("".join(values))), code, link)
    return lambda text, draw: _characters(text, draw, known)


def _letters(name: str, letters: Sequence[str], code: str, link: Bound) -> Forms:
    """What each character may become: alone, or doubled and missed where only a longer text shows it."""
    forms = _forms(letters, code, link)
    if name in ("char_noise", "keyboard_typo"):
        return {letter: [*candidates, "", letter + letter] for letter, candidates in forms.items()}
    return forms


def _forms(units: Sequence[str], code: str, link: Bound) -> Forms:
    values = [unit for unit in units for _ in range(DRAWS)]
    ids = [f"{number}/{copy}" for number in range(len(units)) for copy in range(DRAWS)]
    noisy = noise_values(values, ids, span_table([()] * len(values)), code, link, 0).moved.values
    made = {unit: sorted(set(noisy[at * DRAWS : (at + 1) * DRAWS]) - {unit}) for at, unit in enumerate(units)}
    return {unit: candidates for unit, candidates in made.items() if candidates}


def _characters(text: str, draw: random.Random, forms: Forms) -> str:
    noised = []
    for letter in text:
        known = forms.get(letter)
        noised.append(draw.choice(known) if known and draw.random() < SHARE else letter)
    return "".join(noised)


def _words(text: str, draw: random.Random, forms: Forms) -> str:
    noised = []
    for word in text.split(" "):
        known = forms.get(word)
        noised.append(draw.choice(known) if known and draw.random() < SHARE else word)
    return " ".join(noised)


def _dropped(text: str, draw: random.Random) -> str:
    return " ".join([word for word in text.split(" ") if draw.random() >= SHARE])


def _moved(text: str, draw: random.Random) -> str:
    words = text.split(" ")
    for at in range(len(words) - 1):
        if draw.random() < SHARE:
            words[at], words[at + 1] = words[at + 1], words[at]
    return " ".join(words)


def _spaced(text: str, draw: random.Random) -> str:
    pieces: list[str] = []
    for word in text.split(" "):
        gap = " "
        if draw.random() < SHARE:
            if draw.random() < 1 / 3 and len(word) > 1:
                at = draw.randrange(1, len(word))
                word = word[:at] + " " + word[at:]
            else:
                gap = ""
        pieces += (word, gap)
    return "".join(pieces[:-1])


def nlpaug(name: str, script: str, groups: Mapping[str, Sequence[str]], runs: int) -> dict[str, float]:
    """Millions of characters/s of the ways to run nlpaug; empty where it has none, or is not installed."""
    values = [value for group in groups.values() for value in group if value.strip()]
    values = values[:: max(1, len(values) // PEER_TEXTS)][:PEER_TEXTS]
    characters = sum(map(len, values))

    def speed(augment: Callable[[str], object]) -> float:
        return characters / seconds(lambda: [augment(value) for value in values], runs) / 1e6

    return {title: speed(augmenter.augment) for title, augmenter in augmenters(name, script)}


def augmenters(name: str, script: str) -> Iterator[tuple[str, Any]]:
    """nlpaug's counterparts of a perturbation, caps off: a tenth of the letters of every word or of a tenth."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from nlpaug.augmenter import char, word
    except ImportError:
        return
    if script not in KEYBOARDS:
        return
    words = {"aug_p": SHARE, "aug_max": None}
    if name in ("word_order", "word_drop"):
        action = {"word_order": "swap", "word_drop": "delete"}[name]
        yield f"RandomWordAug {action}", word.RandomWordAug(action=action, **words)
    elif script == "Latn" and name in ("spacing", "natural_typo"):
        title = {"spacing": "SplitAug", "natural_typo": "SpellingAug"}[name]
        yield title, getattr(word, title)(**words)
    else:
        yield from _of_characters(name, script, char)


def _of_characters(name: str, script: str, char: Any) -> Iterator[tuple[str, Any]]:
    for title, share in (("every word", 1.0), ("a tenth of words", SHARE)):
        free: dict[str, Any] = {"aug_char_p": SHARE, "aug_word_p": share, "aug_char_max": None, "aug_word_max": None}
        if name in ("char_noise", "keyboard_typo"):
            yield f"KeyboardAug, {title}", char.KeyboardAug(lang=KEYBOARDS[script], **free)
        if name == "char_noise":
            for action in ("substitute", "swap", "delete"):
                yield f"RandomCharAug {action}, {title}", char.RandomCharAug(action=action, **free)
        if name == "ocr_noise" and script == "Latn":
            yield f"OcrAug, {title}", char.OcrAug(**free)


def textattack(python: str, words: Sequence[str], runs: int) -> dict[str, Any] | None:
    """What TextAttack's augmenter does in another environment; None without one. It is given short sentences only."""
    if not python:
        return None
    texts = {
        size: [" ".join(words[at : at + int(size)]) for at in range(0, 640 // int(size) * int(size), int(size))]
        for size in WORDS
    }
    asked = json.dumps({"texts": texts, "ways": sorted(set(TEXTATTACK.values())), "runs": runs})
    script = str(Path(__file__).with_name("_textattack_speed.py"))
    done = subprocess.run([python, script], input=asked, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"TextAttack does not run with {python}: {(done.stderr.strip().splitlines() or ['?'])[-1]}")
    speeds: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return speeds
