"""Made-up rows of xnli, xquad and belebele in five languages: as release files, and as the hub has them."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tests.hub_copies import file_of, hub_rows, parquet
from tests.loopback import Loopback

from robust_xtreme.core import registry
from robust_xtreme.core.specs import TaskSpec

LANGUAGES: Final = {"ar": "arb_Arab", "es": "spa_Latn", "hi": "hin_Deva", "ru": "rus_Cyrl", "zh": "zho_Hans"}
"""The languages, and their names in belebele."""

_WORDS: Final = {
    "ar": "النهر يمر قرب بيوت قديمة حيث يلتقي الناس ويتحدثون عن المطر والسوق والخبز والقوارب",
    "es": "el río pasa junto a casas viejas donde la gente habla de lluvia mercados barcos y pan",
    "hi": "नदी पुराने घरों के पास बहती है जहाँ लोग मिलते और बारिश बाज़ार नावों की बात करते हैं",
    "ru": "река течёт мимо старых домов где люди говорят о дожде рынке лодках и хлебе",
    "zh": "河流 经过 古老 房屋 人们 见面 谈论 雨水 市场 船只 面包 山上 没有 三个 孩子",
}
_LABELS: Final = ("entailment", "neutral", "contradiction")
_PAIRS, _PASSAGES, _PER_PASSAGE = 12, 3, 2
_CARD: Final = "README.md"


def release(folder: Path) -> Path:
    """Write the release files of xnli, its test split too, and of xquad."""
    for language in LANGUAGES:
        for split in ("dev", "test"):
            _write(folder / "xnli" / f"{split}-{language}.tsv", _pairs(language, split))
        _write(folder / "xquad" / f"xquad.{language}.json", json.dumps(_passages(language)))
    return folder


def belebele(language: str) -> list[dict[str, Any]]:
    """Rows in the columns of belebele: passages with questions of four answers."""
    draw = random.Random(f"belebele {language}")
    rows = []
    for number in range(_PASSAGES * _PER_PASSAGE):
        passage, question = divmod(number, _PER_PASSAGE)
        text = _sentence(random.Random(f"passage {language} {passage}"), language, 20)
        answers = {f"mc_answer{each}": _sentence(draw, language, 2) for each in (1, 2, 3, 4)}
        asked = {"flores_passage": text, "question": _sentence(draw, language, 5) + "?", **answers}
        right = {"correct_answer_num": str(draw.randint(1, 4)), "dialect": LANGUAGES[language]}
        rows.append({"link": f"https://example.org/{passage}", "question_number": question + 1, **asked, **right})
    return rows


def put_on_hub(hub: Loopback, folder: Path) -> None:
    """Put the same rows on a hub, in the datasets that lm-eval's own tasks name, with cards that list their configs."""
    for name in ("xnli", "xquad"):
        task: TaskSpec = registry.load("task", name)
        layout = task.files["validation"].reader
        files: dict[str, bytes] = {}
        configs: dict[str, dict[str, str]] = {}
        for language in LANGUAGES:
            path = folder / (f"xnli/dev-{language}.tsv" if name == "xnli" else f"xquad/xquad.{language}.json")
            rows = parquet(layout, hub_rows(layout, path))
            at = file_of(task, "validation", language)
            train = at.replace("validation", "train")
            files |= {at: rows, train: rows}
            configs[language if name == "xnli" else f"xquad.{language}"] = {"validation": at, "train": train}
        hub.put("dataset", task.hub["validation"].repo, {**files, _CARD: _card(configs)})
    files = {f"data/{LANGUAGES[code]}.jsonl": jsonl(belebele(code)).encode() for code in LANGUAGES}
    card = _card({name: {"test": f"data/{name}.jsonl"} for name in LANGUAGES.values()})
    hub.put("dataset", "facebook/belebele", {**files, _CARD: card})


def jsonl(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as JSON lines."""
    return "".join(f"{json.dumps(row)}\n" for row in rows)


def _card(configs: Mapping[str, Mapping[str, str]]) -> bytes:
    lines = ["---", "configs:"]
    for name, splits in configs.items():
        lines += [f"- config_name: {name}", "  data_files:"]
        lines += [line for split, path in splits.items() for line in (f"  - split: {split}", f"    path: {path}")]
    return "\n".join([*lines, "---", ""]).encode()


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _sentence(draw: random.Random, language: str, words: int) -> str:
    chosen = [draw.choice(_WORDS[language].split()) for _ in range(words)]
    return ("" if language == "zh" else " ").join(chosen)


def _pairs(language: str, split: str) -> str:
    draw, rows, premise = random.Random(f"xnli {language} {split}"), [], ""
    for number in range(_PAIRS):
        premise = premise if number % 3 else f"{_sentence(draw, language, 8)} {number}"
        rows.append(f"{premise}\t{_sentence(draw, language, 5)}\t{_LABELS[number % 3]}\n")
    return "".join(rows)


def _passages(language: str) -> dict[str, Any]:
    draw = random.Random(f"xquad {language}")
    paragraphs = []
    for passage in range(_PASSAGES):
        context = f"{_sentence(draw, language, 9)} C {_sentence(draw, language, 6)} {passage}."
        questions = []
        for number in range(_PER_PASSAGE):
            text = "C" if number else context.split()[0]
            answers = [{"text": text, "answer_start": context.index(text)}]
            asked = f"{_sentence(draw, language, 4)}?"
            questions.append({"id": f"{passage}-{number}", "question": asked, "answers": answers})
        paragraphs.append({"context": context, "qas": questions})
    return {"version": "1.1", "data": [{"title": "made up", "paragraphs": paragraphs}]}
