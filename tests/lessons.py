"""Thirty-two examples of each family that a tiny model can learn by heart, as release files to train on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

LABELS: Final = ("entailment", "neutral", "contradiction")
_ANSWERS: Final = ("rain", "bread", "boats", "stone")
_PEOPLE: Final = ("Ana", "Bo", "Cy", "Di")
_PLACES: Final = ("Rome", "Oslo", "Lima", "Kyiv")
COUNT: Final = 32


def lessons(folder: Path, count: int = COUNT) -> Path:
    """Write training files for xnli, panx and tydiqa, and small validation files that share nothing with them."""
    _write(folder / "xnli" / "train-en.tsv", "".join(map(_pair, range(count))))
    _write(folder / "panx" / "train-en.tsv", "\n".join(map(_sentence, range(count))))
    _write(folder / "tydiqa_goldp" / "tydiqa.goldp.en.train.json", _questions(range(count)))
    _write(folder / "panx" / "dev-en.tsv", "\n".join(map(_sentence, range(100, 106))))
    _write(folder / "text" / "words.txt", "".join(f"the river runs past {word}\n" for word in _ANSWERS * 8))
    return folder


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _pair(index: int) -> str:
    answer = ("yes", "maybe", "no")[index % 3]
    return f"it is {index}\t{answer}\t{LABELS[index % 3]}\n"


def _sentence(index: int) -> str:
    person, town = _PEOPLE[index % 4], _PLACES[index // 4 % 4]
    return f"{person}\tB-PER\nsaw\tO\n{town}\tB-LOC\nin\tO\n{1000 + index}\tO\n"


def _questions(numbers: range) -> str:
    paragraphs = []
    for number in numbers:
        answer = _ANSWERS[number % 4]
        context = f"n{number} had {answer} on top"
        gold = {"text": answer, "answer_start": context.index(answer)}
        questions = [{"id": f"q{number}", "question": "what?", "answers": [gold]}]
        paragraphs.append({"context": context, "qas": questions})
    return json.dumps({"version": "1.1", "data": [{"title": "lessons", "paragraphs": paragraphs}]})
