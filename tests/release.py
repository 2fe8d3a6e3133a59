"""Release files in miniature: the layouts of XTREME's scripts with made-up rows, for tests of whole runs."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any, Final

_ENGLISH: Final = "the river runs past old stone houses where people meet and talk about rain markets boats and bread"
_SWAHILI: Final = "mto unapita kando ya nyumba za mawe watu hukutana na kuzungumza juu ya mvua soko mashua na mkate"
_WORDS: Final = {"en": _ENGLISH.split(), "sw": _SWAHILI.split()}
_LABELS: Final = ("entailment", "neutral", "contradiction")
_TAGS: Final = ("O", "O", "B-LOC", "B-PER")


def release(folder: Path, pairs: int = 66, sentences: int = 30, passages: int = 24) -> Path:
    """Write xnli, panx and xquad files in English and Swahili; TyDiQA's dev file has its answers stripped."""
    for language in _WORDS:
        _xnli(folder / "xnli" / f"dev-{language}.tsv", language, pairs)
        _panx(folder / "panx" / f"dev-{language}.tsv", language, sentences)
    _write(folder / "xquad" / "xquad.en.json", json.dumps(_squad("en", passages, answers=True)))
    _write(folder / "tydiqa_goldp" / "tydiqa.goldp.en.dev.json", json.dumps(_squad("en", 2, answers=False)))
    return folder


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _sentence(draw: random.Random, language: str, words: int) -> list[str]:
    return [draw.choice(_WORDS[language]) for _ in range(words)]


def _xnli(path: Path, language: str, pairs: int) -> None:
    draw = random.Random(f"xnli {language}")
    rows, premise = [], ""
    for number in range(pairs):
        premise = premise if number % 3 else " ".join(_sentence(draw, language, 8)) + f" {number}"
        rows.append(f"{premise}\t{' '.join(_sentence(draw, language, 5))}\t{_LABELS[number % 3]}\n")
    _write(path, "".join(rows))


def _panx(path: Path, language: str, sentences: int) -> None:
    draw = random.Random(f"panx {language}")
    blocks = []
    for number in range(sentences):
        words = [*_sentence(draw, language, draw.randint(2, 7)), f"n{number}"]
        blocks.append("".join(f"{word}\t{draw.choice(_TAGS)}\n" for word in words))
    _write(path, "\n".join(blocks))


def _squad(language: str, passages: int, answers: bool) -> dict[str, Any]:
    draw = random.Random(f"squad {language}")
    paragraphs = [_passage(draw, language, number, answers) for number in range(passages)]
    return {"version": "1.1", "data": [{"title": "made up", "paragraphs": paragraphs}]}


def _passage(draw: random.Random, language: str, index: int, answers: bool) -> dict[str, Any]:
    context = " ".join([*_sentence(draw, language, 30), f"number{index}", *_sentence(draw, language, 10)])
    questions = []
    for number in range(2):
        text = f"number{index}" if number else context.split()[0]
        answer = {"text": text if answers else "", "answer_start": context.index(text) if answers else 0}
        words = " ".join(_sentence(draw, language, 4))
        questions.append({"id": f"{language}-{index}-{number}", "question": words + "?", "answers": [answer]})
    return {"context": context, "qas": questions}
